//! What the embedding program does to keep order in rooms. It acts as the server, and need not be in them.

use super::Hub;
use crate::conversation::{Entry, MAX_LAST_WORDS, MAX_MASK, MAX_TOPIC, Rejected};
use crate::id::{MemberId, RoomId, SessionId};
use crate::moderation::{MaskList, Role, RoomError, RoomFlags};
use crate::names::SERVER;
use crate::time::Timestamp;
use crate::wire::dialect::Update;

impl Hub {
    /// Sets the topic of a room, or removes it if there are no words. Members of the room are told that `server` did.
    ///
    /// The words are cleaned like a peer's. The [policy](crate::Policy) is not asked.
    ///
    /// ```
    /// use chat_proto::conversation::RoomId;
    /// use chat_proto::{Config, Hub, RoomFlags, Timestamp};
    ///
    /// let now = Timestamp::ZERO;
    /// let mut hub = Hub::new(Config::default())?;
    /// hub.set_topic(now, RoomId::LOBBY, "be kind")?;
    /// hub.set_room_flags(now, RoomId::LOBBY, RoomFlags::NEW | RoomFlags::MODERATED)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// There is no such room, or the topic has more than 390 bytes.
    pub fn set_topic(&mut self, now: Timestamp, room: RoomId, words: &str) -> Result<(), RoomError> {
        let at = self.clock(now).as_nanos();
        if words.len() > MAX_TOPIC {
            return Err(RoomError::TooLong { max: MAX_TOPIC });
        }
        self.with_clean(words, MAX_TOPIC, |hub, words| {
            let words = words.as_str();
            hub.moderate(&Entry::Topic { by: None, room, words, styled: "", at })?;
            hub.publish(room, &Update::TopicSet { by: SERVER, words }, None);
            Ok(())
        })
    }

    /// Sets the flags of a room. Nobody is told.
    ///
    /// # Errors
    ///
    /// There is no such room.
    pub fn set_room_flags(&mut self, now: Timestamp, room: RoomId, flags: RoomFlags) -> Result<(), RoomError> {
        self.clock(now);
        self.moderate(&Entry::Flags { by: None, room, flags })
    }

    /// Sets the key without which nobody enters a room uninvited; `None`: none. Nobody is told.
    ///
    /// # Errors
    ///
    /// There is no such room, or the key has more than 32 bytes.
    pub fn set_room_key(&mut self, now: Timestamp, room: RoomId, key: Option<&str>) -> Result<(), RoomError> {
        self.clock(now);
        self.moderate(&Entry::Key { by: None, room, key: key.unwrap_or_default() })
    }

    /// Sets how many members a room may have before nobody enters it uninvited; `None`, and 0: any number. Nobody is
    /// told.
    ///
    /// # Errors
    ///
    /// There is no such room.
    pub fn set_room_limit(&mut self, now: Timestamp, room: RoomId, limit: Option<u32>) -> Result<(), RoomError> {
        self.clock(now);
        self.moderate(&Entry::Limit { by: None, room, limit: limit.unwrap_or_default() })
    }

    /// Adds a [mask](crate::conversation#masks) to a list of a room, or removes it. Nobody is told, and members of the
    /// room stay in it.
    ///
    /// The mask is cleaned like a peer's words.
    ///
    /// # Errors
    ///
    /// There is no such room, the mask has more than 128 bytes, the list is full, or the mask to remove is not listed.
    pub fn set_mask(
        &mut self,
        now: Timestamp,
        room: RoomId,
        list: MaskList,
        mask: &str,
        listed: bool,
    ) -> Result<(), RoomError> {
        let at = self.clock(now).as_nanos();
        if mask.len() > MAX_MASK {
            return Err(RoomError::TooLong { max: MAX_MASK });
        }
        self.with_clean(mask, MAX_MASK, |hub, mask| {
            hub.moderate(&Entry::Mask { by: None, room, list, mask: mask.as_str(), of: "", listed, at })
        })
    }

    /// Gives a member a role in a room, or takes it away. Members of the room are told that `server` did.
    ///
    /// # Errors
    ///
    /// There is no such room, or the member is not in it.
    pub fn set_role(
        &mut self,
        now: Timestamp,
        room: RoomId,
        id: SessionId,
        role: Role,
        given: bool,
    ) -> Result<(), RoomError> {
        self.clock(now);
        let target = self.slot_in(room, id)?;
        self.moderate(&Entry::Role { by: None, member: MemberId(target), room, role, given })?;
        let name = self.name_of(target);
        self.publish(room, &Update::RoleSet { by: SERVER, name: name.as_str(), role, given }, None);
        Ok(())
    }

    /// Throws a member out of a room, for a reason that may be empty. It and those in the room are told that `server`
    /// did. To end the whole session, use [`kick`](Self::kick).
    ///
    /// The reason is cleaned like a peer's words, and cut at 256 bytes.
    ///
    /// # Errors
    ///
    /// There is no such room, the member is not in it, or the room is the only one that its dialect
    /// [has](crate::Dialect::has_rooms).
    pub fn kick_from(&mut self, now: Timestamp, room: RoomId, id: SessionId, why: &str) -> Result<(), RoomError> {
        self.clock(now);
        let target = self.slot_in(room, id)?;
        if self.sessions[target].is_open() && !self.spoken(target).has_rooms {
            return Err(RoomError::OtherHasOneRoom);
        }
        self.with_clean(why, MAX_LAST_WORDS, |hub, why| hub.throw_out(None, room, target, why));
        Ok(())
    }

    /// Returns the slot of a member that is in a room.
    fn slot_in(&self, room: RoomId, id: SessionId) -> Result<u32, RoomError> {
        if self.conversation.room(room).is_none() {
            return Err(RoomError::NoSuchRoom);
        }
        let slot = self.sessions.slot(id).filter(|slot| self.sessions[*slot].is_here());
        slot.filter(|slot| self.conversation.is_in(MemberId(*slot), room)).ok_or(RoomError::OtherNotIn)
    }

    /// Applies an entry about a room that may not be there, or may not allow it.
    fn moderate(&mut self, entry: &Entry<'_>) -> Result<(), RoomError> {
        match self.conversation.apply(entry) {
            Ok(()) => Ok(()),
            Err(Rejected::Room(error)) => Err(error),
            Err(_) => Err(RoomError::NoSuchRoom),
        }
    }
}
