//! What the embedding program does in rooms.

use chat_proto::dialect::{MAX_NOTICE, Update};
use chat_proto::{MaskList, Role, RoomError, RoomFlags, RoomId, Timestamp};

use super::Model;
use super::masks::{MAX_MASK, MAX_MASKS};
use super::requests::cut;
use super::rooms::{LOBBY, MAX_TOPIC, RoomKey, Topic};
use super::words::clean;

type Done = Result<(), RoomError>;

impl Model {
    /// The program sets a topic.
    ///
    /// # Errors
    ///
    /// Why it cannot.
    pub fn set_topic(&mut self, now: Timestamp, id: RoomId, words: &str) -> Done {
        self.advance(now);
        if words.len() > MAX_TOPIC {
            return Err(RoomError::TooLong { max: MAX_TOPIC });
        }
        let (room, words) = (self.room_of(id)?, clean(words));
        self.events += 1;
        self.publish_at_once(&Update::TopicSet { by: "server", words: &words }, room);
        let topic = Topic { words, styled: String::new(), by: "server".into(), at: self.now };
        self.room_mut(room).topic = Some(topic).filter(|topic| !topic.words.is_empty());
        Ok(())
    }

    /// The program sets the flags of a room.
    ///
    /// # Errors
    ///
    /// Why it cannot.
    pub fn set_room_flags(&mut self, now: Timestamp, id: RoomId, flags: RoomFlags) -> Done {
        self.advance(now);
        let room = self.room_of(id)?;
        self.room_mut(room).flags = flags;
        Ok(())
    }

    /// The program sets the key and the limit of a room.
    ///
    /// # Errors
    ///
    /// Why it cannot.
    pub fn set_room_key_and_limit(&mut self, now: Timestamp, id: RoomId, key: &str, limit: usize) -> Done {
        self.advance(now);
        let room = self.room_of(id)?;
        let room = self.room_mut(room);
        (room.password, room.limit) = (key.into(), limit);
        Ok(())
    }

    /// The program adds a mask to a list of a room, or removes it.
    ///
    /// # Errors
    ///
    /// Why it cannot.
    pub fn set_mask(&mut self, now: Timestamp, id: RoomId, list: MaskList, mask: &str, listed: bool) -> Done {
        self.advance(now);
        if mask.len() > MAX_MASK {
            return Err(RoomError::TooLong { max: MAX_MASK });
        }
        let room = self.room_of(id)?;
        let at = self.now;
        let room = self.room_mut(room);
        let which = list;
        let list = match list {
            MaskList::Bans => &mut room.bans,
            MaskList::BanExceptions => &mut room.ban_exceptions,
            MaskList::InviteExceptions => &mut room.invite_exceptions,
        };
        match (list.iter().position(|other| other.to_lowercase() == mask.to_lowercase()), listed) {
            (Some(place), false) => drop(list.remove(place)),
            (None, false) => return Err(RoomError::NotListed),
            (None, true) if list.len() >= MAX_MASKS => return Err(RoomError::ListFull { max: MAX_MASKS }),
            (None, true) => list.push(clean(mask)),
            (Some(_), true) => {}
        }
        room.note_listing(which, &[clean(mask)], "", "server", at);
        Ok(())
    }

    /// The program gives a role, or takes it away.
    ///
    /// # Errors
    ///
    /// Why it cannot.
    pub fn give_role(&mut self, now: Timestamp, id: RoomId, target: usize, role: Role, given: bool) -> Done {
        self.advance(now);
        let room = self.room_with(id, target)?;
        self.set_role(room, target, role, given);
        let name = self.name(target);
        self.publish_at_once(&Update::RoleSet { by: "server", name: &name, role, given }, room);
        Ok(())
    }

    /// The program throws somebody out of a room.
    ///
    /// # Errors
    ///
    /// Why it cannot.
    pub fn kick_from(&mut self, now: Timestamp, id: RoomId, target: usize, why: &str) -> Done {
        self.advance(now);
        let room = self.room_with(id, target)?;
        let log = self.sessions[&target].log;
        if self.is_open(target) && !self.config.dialects[log].dialect.has_rooms() {
            return Err(RoomError::OtherHasOneRoom);
        }
        self.waits_for_nobody = true;
        self.throw_out(None, room, target, &clean(cut(why, MAX_NOTICE / 4)));
        self.waits_for_nobody = false;
        Ok(())
    }

    /// Publishes an update without waiting for readers, unless nobody is in the room and it has no log.
    fn publish_at_once(&mut self, update: &Update<'_>, room: RoomKey) {
        if room == LOBBY || !self.room(room).members.is_empty() {
            self.waits_for_nobody = true;
            self.publish(update, &[room], None);
            self.waits_for_nobody = false;
        }
    }

    fn room_of(&self, id: RoomId) -> Result<RoomKey, RoomError> {
        let room = self.rooms.iter().find(|room| room.id == Some(id.0));
        room.map(|room| room.key).ok_or(RoomError::NoSuchRoom)
    }

    fn room_with(&self, id: RoomId, target: usize) -> Result<RoomKey, RoomError> {
        let room = self.room_of(id)?;
        let is_in = self.is_here(target) && self.room(room).is_in(target);
        if is_in { Ok(room) } else { Err(RoomError::OtherNotIn) }
    }
}
