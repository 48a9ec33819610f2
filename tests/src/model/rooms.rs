//! Rooms: who is in them, and what belongs to them.

use chat_proto::{Config, MaskList, Origin, Role, RoomError, RoomFlags, Timestamp};

use super::history::History;
use super::masks::{Listing, matches};
use super::names::{Name, RoomName};
use super::presence::Counts;
use super::turns::{Queue, Wait};
use super::{LogModel, Model};

/// The number of a room, unlike that of any other, also of those that have ended.
pub(super) type RoomKey = u64;

/// The room that is always there.
pub(super) const LOBBY: RoomKey = 0;

/// The most bytes of a topic.
pub(super) const MAX_TOPIC: usize = 390;
/// A room; one that has ended is kept as long as somebody has not read all that was said in it.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) key: RoomKey,
    /// Its number in the conversation; `None` once it has ended.
    pub(super) id: Option<u32>,
    pub(super) name: Name,
    /// It is there although nobody is in it.
    pub(super) is_listed: bool,
    pub(super) topic: Option<Topic>,
    pub(super) flags: RoomFlags,
    pub(super) password: String,
    pub(super) limit: usize,
    pub(super) bans: Vec<String>,
    pub(super) ban_exceptions: Vec<String>,
    pub(super) invite_exceptions: Vec<String>,
    /// Who has listed which mask of these lists, and when.
    pub(super) listings: Vec<Listing>,
    pub(super) began: Timestamp,
    /// In the order in which they entered.
    pub(super) members: Vec<Member>,
    pub(super) history: History,
    /// One for each dialect.
    pub(super) logs: Vec<LogModel>,
    /// Sessions whose lines wait for this room's readers.
    pub(super) queue: Queue,
    /// The joins and leaves of the current second.
    pub(super) presence: Counts,
    /// The origin for which it counts, until nobody reads it.
    pub(super) begun_from: Option<Origin>,
}

/// What a room is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Topic {
    /// The topic.
    pub(super) words: String,
    /// The same with colours and styles; empty if it has none.
    pub(super) styled: String,
    /// Who has set it.
    pub(super) by: String,
    /// When.
    pub(super) at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) slot: usize,
    /// It entered later than those with a smaller number.
    pub(super) since: u64,
    pub(super) is_operator: bool,
    pub(super) has_voice: bool,
}

/// The rooms that are there from the start.
pub(super) fn first_rooms(config: &Config) -> Vec<Room> {
    let flags = RoomFlags::TOPIC_BY_OPERATORS | RoomFlags::MEMBERS_SPEAK;
    let mut rooms = vec![Room { flags, is_listed: true, ..Room::new(LOBBY, 0, "lobby", config) }];
    for (id, listed) in (1..).zip(&config.rooms) {
        let topic =
            Topic { words: listed.topic.clone(), styled: String::new(), by: "server".into(), at: Timestamp::ZERO };
        let topic = Some(topic).filter(|topic| !topic.words.is_empty());
        let room = Room::new(id.into(), id, &listed.name, config);
        rooms.push(Room { topic, flags: listed.flags, is_listed: true, ..room });
    }
    rooms
}

impl Room {
    fn new(key: RoomKey, id: u32, name: &str, config: &Config) -> Self {
        Self {
            key,
            id: Some(id),
            name: Name::new(name.into()),
            is_listed: false,
            topic: None,
            flags: RoomFlags::NEW,
            password: String::new(),
            limit: 0,
            bans: Vec::new(),
            ban_exceptions: Vec::new(),
            invite_exceptions: Vec::new(),
            listings: Vec::new(),
            began: Timestamp::ZERO,
            members: Vec::new(),
            history: History::default(),
            logs: config.dialects.iter().map(|_| LogModel::default()).collect(),
            queue: Queue::default(),
            presence: Counts::default(),
            begun_from: None,
        }
    }

    /// Returns the member with that slot.
    pub(super) fn member(&self, slot: usize) -> Option<&Member> {
        self.members.iter().find(|member| member.slot == slot)
    }

    pub(super) fn is_in(&self, slot: usize) -> bool {
        self.member(slot).is_some()
    }

    pub(super) fn is_operator(&self, slot: usize) -> bool {
        self.member(slot).is_some_and(|member| member.is_operator)
    }

    /// Returns whether the room is shown to one who is not in it, or is.
    pub(super) fn is_shown_to(&self, slot: usize) -> bool {
        !self.flags.has(RoomFlags::HIDDEN) || self.is_in(slot)
    }

    /// Returns the slots of those who are in the room: of the lobby by number, else in the order in which they entered.
    pub(super) fn slots(&self) -> Vec<usize> {
        let mut slots: Vec<usize> = self.members.iter().map(|member| member.slot).collect();
        if self.key == LOBBY {
            slots.sort_unstable();
        }
        slots
    }
}

pub(super) fn room_of(rooms: &[Room], key: RoomKey) -> &Room {
    rooms.iter().find(|room| room.key == key).expect("the room is there")
}

impl Model {
    pub(super) fn room(&self, key: RoomKey) -> &Room {
        room_of(&self.rooms, key)
    }

    pub(super) fn room_mut(&mut self, key: RoomKey) -> &mut Room {
        self.rooms.iter_mut().find(|room| room.key == key).expect("the room is there")
    }

    /// Returns the rooms that have not ended, in any order.
    pub(super) fn present_rooms(&self) -> impl Iterator<Item = &Room> {
        self.rooms.iter().filter(|room| room.id.is_some())
    }

    /// Returns the rooms that have not ended, in the order of their numbers.
    pub(super) fn live_rooms(&self) -> Vec<&Room> {
        let mut rooms: Vec<&Room> = self.present_rooms().collect();
        rooms.sort_by_key(|room| room.id);
        rooms
    }

    /// Returns the keys of the rooms that have not ended, in the order of their numbers.
    pub(super) fn live_keys(&self) -> Vec<RoomKey> {
        self.live_rooms().into_iter().map(|room| room.key).collect()
    }

    /// Finds the room of that name.
    pub(super) fn find_room(&self, name: &str) -> Option<RoomKey> {
        let name = RoomName::new(name)?;
        self.present_rooms().find(|room| name.means(&room.name)).map(|room| room.key)
    }

    /// Checks whether somebody may speak in a room: a member, or in some rooms others that are not banned.
    pub(super) fn may_speak(&self, slot: usize, key: RoomKey) -> Result<(), RoomError> {
        let room = self.room(key);
        let is_moderated = room.flags.has(RoomFlags::MODERATED);
        match room.member(slot) {
            None if key == LOBBY || room.flags.has(RoomFlags::MEMBERS_SPEAK) => Err(RoomError::NotIn),
            None if self.is_banned(slot, room) => Err(RoomError::Banned),
            Some(member) if member.is_operator || member.has_voice => Ok(()),
            _ if is_moderated => Err(RoomError::NoVoice),
            Some(_) if self.is_banned(slot, room) => Err(RoomError::Silenced),
            _ => Ok(()),
        }
    }

    /// Returns whether a list has a mask that matches a member.
    fn is_on(&self, slot: usize, list: &[String]) -> bool {
        let (name, person) = (self.name(slot), self.person(slot));
        list.iter().any(|mask| matches(self.config.names, mask, &name, &person))
    }

    fn is_banned(&self, slot: usize, room: &Room) -> bool {
        self.is_on(slot, &room.bans) && !self.is_on(slot, &room.ban_exceptions)
    }

    /// Checks whether a member may enter the room of that name; `None`: the room would begin.
    pub(super) fn may_enter(&self, slot: usize, name: &str, key: &str) -> Result<Option<RoomKey>, RoomError> {
        let valid = RoomName::new(name).ok_or(RoomError::InvalidName)?;
        let found = self.find_room(name);
        let session = &self.sessions[&slot];
        let is_invited = found.is_some_and(|room| session.invitations.contains(&room));
        match found.map(|room| self.room(room)) {
            None if self.present_rooms().any(|room| valid.looks_like(&room.name)) => {
                return Err(RoomError::LooksLikeAnother);
            }
            None if !self.config.new_rooms => return Err(RoomError::NoNewRooms),
            None if self.present_rooms().count() >= self.config.max_rooms => {
                return Err(RoomError::TooManyRooms { max: self.config.max_rooms });
            }
            None => {}
            Some(room) if room.is_in(slot) => return Ok(found),
            Some(room) => {
                if self.is_banned(slot, room) {
                    return Err(RoomError::Banned);
                }
                if !is_invited {
                    if room.flags.has(RoomFlags::INVITED_ONLY) && !self.is_on(slot, &room.invite_exceptions) {
                        return Err(RoomError::InvitedOnly);
                    }
                    if !room.password.is_empty() && room.password != key {
                        return Err(RoomError::WrongKey);
                    }
                    if room.limit > 0 && room.members.len() >= room.limit {
                        return Err(RoomError::RoomFull);
                    }
                }
            }
        }
        let max = self.config.max_rooms_per_session;
        // Invitations give way.
        if self.memberships(slot).len() < max { Ok(found) } else { Err(RoomError::InTooManyRooms { max }) }
    }

    /// Returns a room of a member that keeps it from taking a name: a ban matches that, and not the present one.
    pub(super) fn where_banned_as(&self, slot: usize, name: &str) -> Option<RoomKey> {
        let (rules, person, before) = (self.config.names, self.person(slot), self.name(slot));
        let is_on = |mask: &String, name: &str| matches(rules, mask, name, &person);
        let is_banned = |room: &Room| {
            room.bans.iter().any(|ban| is_on(ban, name) && !is_on(ban, &before))
                && !room.ban_exceptions.iter().any(|mask| is_on(mask, name))
        };
        self.rooms_latest_first(slot).into_iter().find(|room| is_banned(self.room(*room)))
    }

    /// A member is in a room from now on; without one, in a new one. It gives up its invitation, and the oldest of the
    /// others if they take the place.
    pub(super) fn enter_room(&mut self, slot: usize, room: Option<RoomKey>, name: &str) -> RoomKey {
        let began = room.is_none();
        let room = room.unwrap_or_else(|| self.begin_room(slot, name));
        let counted = self.memberships(slot).len();
        let max = self.config.max_rooms_per_session;
        let invitations = &mut self.session(slot).invitations;
        invitations.retain(|invited| *invited != room);
        if counted + invitations.len() >= max && !invitations.is_empty() {
            invitations.remove(0);
        }
        self.entered += 1;
        let since = self.entered;
        self.room_mut(room).members.push(Member { slot, since, is_operator: began, has_voice: false });
        room
    }

    fn begin_room(&mut self, slot: usize, name: &str) -> RoomKey {
        let is_taken = |id: &u32| self.rooms.iter().any(|room| room.id == Some(*id));
        let id = (0..=u32::MAX).find(|id| !is_taken(id)).expect("there are few");
        self.keys += 1;
        let name = RoomName::new(name).expect("it is valid");
        let begun_from = self.sessions[&slot].origin.filter(|_| self.config.max_rooms_per_address.is_some());
        let began = self.now;
        self.rooms.push(Room { began, begun_from, ..Room::new(self.keys, id, name.as_str(), &self.config) });
        self.keys
    }

    /// A member is not in a room any more.
    pub(super) fn leave_room(&mut self, slot: usize, key: RoomKey) {
        self.room_mut(key).members.retain(|member| member.slot != slot);
    }

    /// If nobody is in a room, it ends; of one that is listed only the logs end. They are kept under a number of their
    /// own as long as somebody has not read them.
    pub(super) fn end_if_empty(&mut self, key: RoomKey) {
        let next = self.keys + 1;
        let room = self.rooms.iter_mut().find(|room| room.key == key).expect("the room is there");
        if !room.members.is_empty() || key == LOBBY {
            return;
        }
        let queue = std::mem::take(&mut room.queue);
        self.waits.let_go(&queue);
        for slot in queue.slots() {
            self.sessions.get_mut(slot).expect("it waits").wait = Some(Wait::Nothing);
        }
        room.presence = Counts::default();
        if room.is_listed {
            let mut old = Room { id: None, ..Room::new(next, 0, &room.name, &self.config) };
            std::mem::swap(&mut old.logs, &mut room.logs);
            self.rooms.push(old);
            self.keys = next;
            for session in self.sessions.values_mut() {
                let places = session.places.iter_mut().map(|place| &mut place.room);
                places.chain(&mut session.focus).filter(|room| **room == key).for_each(|room| *room = next);
            }
        } else {
            room.id = None;
            room.history = History::default();
            self.sessions.values_mut().for_each(|session| session.invitations.retain(|invited| *invited != key));
        }
        self.drop_rooms();
    }

    /// Returns whether the logs of one more room would be too many.
    pub(super) fn has_all_logs(&self) -> bool {
        let has_log = |room: &&Room| room.id.is_none() || room.key == LOBBY || !room.members.is_empty();
        self.rooms.iter().filter(has_log).count() >= self.config.max_rooms
    }

    /// Forgets rooms that have ended and that nobody reads.
    pub(super) fn drop_rooms(&mut self) {
        let sessions = &self.sessions;
        let is_read = |key| sessions.values().any(|session| session.places.iter().any(|place| place.room == key));
        let is_over = |room: &Room| room.id.is_none() && !is_read(room.key);
        let gone: Vec<Origin> =
            self.rooms.iter().filter(|room| is_over(room)).filter_map(|room| room.begun_from).collect();
        self.rooms.retain(|room| !is_over(room));
        for origin in gone {
            self.depart_if_gone(origin);
        }
    }

    /// Returns the rooms as the conversation should show them.
    ///
    /// # Panics
    ///
    /// If a room that has ended is still listed.
    pub(super) fn rooms_shown(&self) -> Vec<RoomShown> {
        let have = |room: &Room, has: fn(&Member) -> bool| {
            room.slots().into_iter().filter(|slot| room.member(*slot).is_some_and(has)).collect()
        };
        let shown = |room: &Room| RoomShown {
            id: room.id.expect("it has not ended"),
            name: room.name.clone(),
            is_listed: room.is_listed,
            topic: room.topic.clone(),
            flags: room.flags,
            key: room.password.clone(),
            limit: room.limit,
            masks: [&room.bans, &room.ban_exceptions, &room.invite_exceptions].map(Clone::clone),
            members: room.slots(),
            operators: have(room, |member| member.is_operator),
            voiced: have(room, |member| member.has_voice),
            invited: self.slots().filter(|slot| self.sessions[slot].invitations.contains(&room.key)).collect(),
        };
        self.live_rooms().into_iter().map(shown).collect()
    }

    /// Gives a member a role, or takes it away. Returns whether that changes anything.
    pub(super) fn set_role(&mut self, room: RoomKey, slot: usize, role: Role, given: bool) -> bool {
        let member = self.room_mut(room).members.iter_mut().find(|member| member.slot == slot).expect("it is in");
        let has = if role == Role::Operator { &mut member.is_operator } else { &mut member.has_voice };
        std::mem::replace(has, given) != given
    }
}

/// A room as the conversation should show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RoomShown {
    /// Its number.
    pub(super) id: u32,
    /// Its name.
    pub(super) name: String,
    /// It is there although nobody is in it.
    pub(super) is_listed: bool,
    /// What it is about.
    pub(super) topic: Option<Topic>,
    /// Its flags.
    pub(super) flags: RoomFlags,
    /// Its key, and its limit of members; empty and 0 if there is none.
    pub(super) key: String,
    pub(super) limit: usize,
    /// Its lists, in the order of [`LISTS`].
    pub(super) masks: [Vec<String>; 3],
    /// The slots of those who are in it, in their order.
    pub(super) members: Vec<usize>,
    /// The slots of its operators.
    pub(super) operators: Vec<usize>,
    /// The slots of those who have a voice.
    pub(super) voiced: Vec<usize>,
    /// The slots of those who are invited.
    pub(super) invited: Vec<usize>,
}

/// The lists of a room.
pub(super) const LISTS: [MaskList; 3] = [MaskList::Bans, MaskList::BanExceptions, MaskList::InviteExceptions];
