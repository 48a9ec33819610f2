//! The rooms: their names, topics, flags and lists.

use alloc::boxed::Box;
use alloc::collections::BinaryHeap;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::masks::{ListedMask, Mask, are_same};
use super::members::{mix, mix_bytes, summand};
use crate::config::Config;
use crate::id::RoomId;
use crate::moderation::{MAX_MASK, MAX_MASKS, MAX_ROOM_KEY, MAX_TOPIC, MaskList, RoomError, RoomFlags};
use crate::names::{LOBBY, MAX_MADE_NAME, NameRules, RoomNames, SERVER};
use crate::wire::sanitize::clean;

/// What a room has besides its name, its members and its messages.
#[derive(Debug, Default)]
pub(super) struct RoomState {
    pub(super) is_listed: bool,
    pub(super) began: u64,
    pub(super) flags: RoomFlags,
    /// Not every member may speak: it is moderated, or has bans. Kept, because it is asked for each message.
    is_restricted: bool,
    /// The most members; 0: no limit.
    pub(super) limit: u32,
    /// Empty: none.
    pub(super) key: Box<str>,
    pub(super) topic: Option<Box<TopicState>>,
    lists: [Vec<Mask>; 3],
    /// The digests of the name with all that is no list, and of the lists.
    digests: [u64; 4],
}

#[derive(Debug)]
pub(super) struct TopicState {
    pub(super) words: Box<str>,
    pub(super) styled: Box<str>,
    pub(super) by: Box<str>,
    pub(super) at: u64,
}

/// How many masks a list is made longer for at once.
const MASKS_AT_ONCE: usize = 8;

/// How many rooms there may be, and how many a member may be in.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoomLimits {
    pub(super) rooms: usize,
    /// Rooms and invitations of a member …
    pub(super) each: usize,
    /// … and for how many there is memory.
    pub(super) each_in_memory: usize,
    /// Whether members may begin rooms.
    pub(super) new_rooms: bool,
    max_name: usize,
    names: NameRules,
}

impl RoomLimits {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            rooms: config.rooms_at_most(),
            each: config.max_rooms_per_session,
            each_in_memory: config.session_rooms_at_most(),
            new_rooms: config.new_rooms,
            max_name: config.max_name,
            names: config.names,
        }
    }
}

/// All rooms, by number.
#[derive(Debug)]
pub(super) struct Rooms {
    limits: RoomLimits,
    names: RoomNames,
    lobby: RoomState,
    /// The others. The lobby's element is empty.
    others: Vec<Option<Box<RoomState>>>,
    /// Numbers that rooms have had and that are free, the least first.
    free: BinaryHeap<Reverse<u32>>,
    /// The sum of all digests.
    digest: u64,
}

impl Rooms {
    /// Makes the lobby, and the rooms that the configuration lists.
    pub(super) fn new(config: &Config) -> Self {
        let limits = RoomLimits::of(config);
        let mut rooms = Self {
            limits,
            names: RoomNames::new(limits.rooms),
            lobby: RoomState { is_listed: true, flags: RoomFlags::NEW, ..RoomState::default() },
            others: Vec::with_capacity(limits.rooms),
            free: BinaryHeap::with_capacity(limits.rooms),
            digest: 0,
        };
        rooms.others.push(None);
        rooms.names.insert(RoomId::LOBBY, LOBBY);
        rooms.change(RoomId::LOBBY, |_| {});
        let mut scratch = String::new();
        for listed in config.rooms.iter().take(limits.rooms - 1) {
            let Ok(room) = rooms.begin(&listed.name, 0) else { continue };
            rooms.change(room, |state| (state.is_listed, state.flags) = (true, listed.flags));
            rooms.set_topic(room, clean(&listed.topic, &mut scratch).as_str(), "", SERVER, 0);
        }
        rooms
    }

    /// Bytes of heap for all rooms at their fullest.
    pub(super) fn memory_bound(limits: RoomLimits) -> u64 {
        let name = limits.max_name.max(MAX_MADE_NAME);
        let lists = 3 * MAX_MASKS * (size_of::<Mask>() + MAX_MASK + name) + MAX_MASKS * name;
        let topic = size_of::<TopicState>() + 2 * MAX_TOPIC + name;
        let each = size_of::<RoomState>() + MAX_ROOM_KEY + topic + lists;
        Self::memory_at_start(limits) + limits.rooms as u64 * each as u64
    }

    /// Bytes of heap that are allocated at once.
    pub(super) fn memory_at_start(limits: RoomLimits) -> u64 {
        let each = size_of::<Option<Box<RoomState>>>() + size_of::<Reverse<u32>>();
        RoomNames::memory_bound(limits.rooms) + limits.rooms as u64 * each as u64
    }

    pub(super) fn limits(&self) -> RoomLimits {
        self.limits
    }

    /// Finds the room of that name, regardless of case.
    ///
    /// # Errors
    ///
    /// It is no name for a room, or only looks like that of another.
    pub(super) fn find(&self, name: &str) -> Result<Option<RoomId>, RoomError> {
        self.names.find(name)
    }

    #[inline]
    pub(super) fn get(&self, room: RoomId) -> Option<&RoomState> {
        if room == RoomId::LOBBY { Some(&self.lobby) } else { self.others.get(room.0 as usize)?.as_deref() }
    }

    /// Returns a room's flags; none if there is no such room.
    #[inline]
    pub(super) fn flags(&self, room: RoomId) -> RoomFlags {
        self.get(room).map_or(RoomFlags::NONE, |state| state.flags)
    }

    /// Returns whether not every member of a room may speak there.
    #[inline]
    pub(super) fn is_restricted(&self, room: RoomId) -> bool {
        self.get(room).is_some_and(|state| state.is_restricted)
    }

    /// Returns a room's name; empty if there is no such room.
    pub(super) fn name(&self, room: RoomId) -> &str {
        self.names.get(room).unwrap_or_default()
    }

    /// Returns the first room whose number is `from` or more.
    pub(super) fn next(&self, from: u32) -> Option<RoomId> {
        (from..self.others.len() as u32).map(RoomId).find(|room| self.get(*room).is_some())
    }

    /// Returns how many there are, the lobby counted.
    pub(super) fn count(&self) -> usize {
        self.others.len() - self.free.len()
    }

    /// Returns whether there can be no other room.
    pub(super) fn is_full(&self) -> bool {
        self.next_free() >= self.limits.rooms
    }

    /// Returns a number that is equal for all who have the same rooms. It is updated with each change.
    pub(super) fn digest(&self) -> u64 {
        self.digest
    }

    /// Begins a room of that name at that time, with the least number that is free, and returns it.
    ///
    /// # Errors
    ///
    /// The name is invalid or looks like another room's, or there may be no more rooms.
    pub(super) fn begin(&mut self, name: &str, at: u64) -> Result<RoomId, RoomError> {
        if self.find(name)?.is_some() {
            return Err(RoomError::LooksLikeAnother);
        }
        let index = self.next_free();
        if index >= self.limits.rooms {
            return Err(RoomError::TooManyRooms { max: self.limits.rooms });
        }
        let room = RoomId(index as u32);
        let state = Some(Box::new(RoomState { flags: RoomFlags::NEW, began: at, ..RoomState::default() }));
        match self.others.get_mut(index) {
            Some(free) => *free = state,
            None => self.others.push(state),
        }
        self.free.pop();
        self.names.insert(room, name);
        self.change(room, |_| {});
        Ok(room)
    }

    /// Ends a room that is not the lobby.
    pub(super) fn end(&mut self, room: RoomId) {
        let Some(state) = self.others.get_mut(room.0 as usize).and_then(Option::take) else { return };
        self.digest = self.digest.wrapping_sub(state.digest());
        self.names.remove(room);
        self.free.push(Reverse(room.0));
    }

    pub(super) fn set_flags(&mut self, room: RoomId, flags: RoomFlags) {
        self.change(room, |state| state.flags = flags);
    }

    pub(super) fn set_key(&mut self, room: RoomId, key: &str) {
        self.change(room, |state| state.key = key.into());
    }

    pub(super) fn set_limit(&mut self, room: RoomId, limit: u32) {
        self.change(room, |state| state.limit = limit);
    }

    pub(super) fn set_topic(&mut self, room: RoomId, words: &str, styled: &str, by: &str, at: u64) {
        let state = || TopicState { words: words.into(), styled: styled.into(), by: by.into(), at };
        let topic = (!words.is_empty()).then(|| Box::new(state()));
        self.change(room, |state| state.topic = topic);
    }

    /// Adds a mask to a list, or removes it if there is no `since`. One that is listed stays as it is.
    ///
    /// # Errors
    ///
    /// The mask is too long, the list is full, or the mask to remove is not listed.
    pub(super) fn set_mask(
        &mut self,
        room: RoomId,
        list: MaskList,
        listing: &ListedMask<'_>,
        listed: bool,
    ) -> Result<(), RoomError> {
        let ListedMask { mask, of, .. } = *listing;
        let RoomLimits { names, max_name, .. } = self.limits;
        let max_of = if list == MaskList::Bans { max_name.max(MAX_MADE_NAME) } else { 0 };
        for (text, max) in [(mask, MAX_MASK), (of, max_of)] {
            if text.len() > max {
                return Err(RoomError::TooLong { max });
            }
        }
        let Some(state) = self.get_mut(room) else { return Err(RoomError::NoSuchRoom) };
        let masks = &mut state.lists[list as usize];
        match (masks.iter().position(|other| are_same(other.text(), mask)), listed) {
            (Some(_), true) => return Ok(()),
            (None, false) => return Err(RoomError::NotListed),
            (Some(index), false) => drop(masks.remove(index)),
            (None, true) if masks.len() >= MAX_MASKS => return Err(RoomError::ListFull { max: MAX_MASKS }),
            (None, true) => {
                if masks.len() == masks.capacity() {
                    masks.reserve_exact(MASKS_AT_ONCE);
                }
                masks.push(Mask::new(listing, names));
            }
        }
        state.is_restricted = state.restricts();
        let digest = state.digest_of_list(room, list);
        let before = core::mem::replace(&mut state.digests[list as usize + 1], digest);
        self.digest = self.digest.wrapping_sub(before).wrapping_add(digest);
        Ok(())
    }

    fn get_mut(&mut self, room: RoomId) -> Option<&mut RoomState> {
        if room == RoomId::LOBBY { Some(&mut self.lobby) } else { self.others.get_mut(room.0 as usize)?.as_deref_mut() }
    }

    /// Changes what a room has besides its lists.
    fn change(&mut self, room: RoomId, change: impl FnOnce(&mut RoomState)) {
        let Self { lobby, others, names, digest, .. } = self;
        let state = match room {
            RoomId::LOBBY => Some(lobby),
            _ => others.get_mut(room.0 as usize).and_then(Option::as_deref_mut),
        };
        let Some(state) = state else { return };
        change(state);
        state.is_restricted = state.restricts();
        let after = state.digest_of_rest(room, names.get(room).unwrap_or_default());
        let before = core::mem::replace(&mut state.digests[0], after);
        *digest = digest.wrapping_sub(before).wrapping_add(after);
    }

    fn next_free(&self) -> usize {
        self.free.peek().map_or(self.others.len(), |free| free.0 as usize)
    }

    /// Computes the digest from all rooms.
    #[cfg(test)]
    pub(super) fn digest_afresh(&self) -> u64 {
        let rooms = (0..self.others.len() as u32).map(RoomId).filter_map(|room| Some((room, self.get(room)?)));
        rooms.fold(0, |sum, (room, state)| {
            let lists = [MaskList::Bans, MaskList::BanExceptions, MaskList::InviteExceptions];
            let lists = lists.map(|list| state.digest_of_list(room, list));
            let sum = lists.iter().fold(sum, |sum: u64, list| sum.wrapping_add(*list));
            sum.wrapping_add(state.digest_of_rest(room, self.name(room)))
        })
    }
}

impl RoomState {
    pub(super) fn masks(&self, list: MaskList) -> impl ExactSizeIterator<Item = &Mask> {
        self.lists[list as usize].iter()
    }

    fn restricts(&self) -> bool {
        self.flags.has(RoomFlags::MODERATED) || !self.lists[MaskList::Bans as usize].is_empty()
    }

    fn digest(&self) -> u64 {
        self.digests.iter().fold(0, |sum, digest| sum.wrapping_add(*digest))
    }

    fn digest_of_rest(&self, room: RoomId, name: &str) -> u64 {
        let bits = u64::from(self.flags.bits()) << 1 | u64::from(self.is_listed);
        let start = mix(mix(2, room.0.into()), bits << 32 | u64::from(self.limit));
        let began = mix(start, self.began);
        let named = mix_bytes(mix_bytes(began, name.as_bytes()), self.key.as_bytes());
        summand(match &self.topic {
            Some(topic) => {
                let texts = [&topic.words, &topic.styled, &topic.by];
                mix(texts.iter().fold(named, |digest, text| mix_bytes(digest, text.as_bytes())), topic.at)
            }
            None => named,
        })
    }

    /// Returns the digest of a list, which is 0 if it is empty.
    fn digest_of_list(&self, room: RoomId, list: MaskList) -> u64 {
        let masks = &self.lists[list as usize];
        let start = mix(mix(3, room.0.into()), list as u64);
        let digest = masks.iter().fold(start, |digest, mask| {
            let texts = [mask.text(), mask.of(), &mask.by];
            mix(texts.iter().fold(digest, |digest, text| mix_bytes(digest, text.as_bytes())), mask.at)
        });
        if masks.is_empty() { 0 } else { summand(digest) }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::config::RoomConfig;

    /// Bytes of heap of a room.
    fn held(state: &RoomState) -> usize {
        let masks = |list: &Vec<Mask>| {
            let texts = |mask: &Mask| mask.text().len() + mask.of().len() + mask.by.len();
            list.capacity() * size_of::<Mask>() + list.iter().map(texts).sum::<usize>()
        };
        let topic = state
            .topic
            .as_ref()
            .map_or(0, |topic| size_of::<TopicState>() + topic.words.len() + topic.styled.len() + topic.by.len());
        state.lists.iter().map(masks).sum::<usize>() + state.key.len() + topic
    }

    #[test]
    fn a_room_at_its_fullest_is_within_the_bound() {
        let config = Config { max_rooms: 3, ..Config::default() };
        let mut rooms = Rooms::new(&config);
        for _ in 1..3 {
            let name = format!("{:a>50}", rooms.others.len());
            assert!(rooms.begin(&name, 0).is_ok(), "{name}");
        }
        assert!(rooms.is_full());
        let mut all = rooms.others.capacity() * size_of::<Option<Box<RoomState>>>();
        for room in [0, 1, 2].map(RoomId) {
            rooms.set_key(room, &"k".repeat(MAX_ROOM_KEY));
            let (topic, by) = ("t".repeat(MAX_TOPIC), "b".repeat(config.max_name));
            rooms.set_topic(room, &topic, &topic, &by, u64::MAX);
            for list in [MaskList::Bans, MaskList::BanExceptions, MaskList::InviteExceptions] {
                for n in 0..MAX_MASKS {
                    let mask = format!("{n:*>MAX_MASK$}");
                    let of = if list == MaskList::Bans { &by } else { "" };
                    let listing = ListedMask { mask: &mask, of, by: &by, at: 0 };
                    assert_eq!(rooms.set_mask(room, list, &listing, true), Ok(()));
                }
            }
            all += held(rooms.get(room).expect("it is there")) + size_of::<RoomState>();
        }
        let rest = RoomNames::memory_bound(3);
        assert!(all as u64 + rest <= Rooms::memory_bound(RoomLimits::of(&config)), "{all}");
        assert_eq!(rooms.digest(), rooms.digest_afresh());
    }

    #[test]
    fn without_a_dialect_that_has_rooms_there_is_only_the_lobby() {
        let dialects = Config::default().dialects.into_iter().filter(|dialect| !dialect.dialect.has_rooms()).collect();
        let rooms = [RoomConfig { name: "help".into(), ..RoomConfig::default() }].into();
        let config = Config { rooms, dialects, ..Config::default() };
        let mut rooms = Rooms::new(&config);
        assert!(rooms.is_full() && rooms.next(1).is_none());
        assert_eq!(rooms.begin("tea", 0), Err(RoomError::TooManyRooms { max: 1 }));
        assert_eq!(RoomLimits::of(&config).each_in_memory, 0);
    }

    #[test]
    fn the_topic_of_the_configuration_is_clean() {
        let rooms =
            [RoomConfig { name: "help".into(), topic: "a\n\u{1b}[31mb".into(), ..RoomConfig::default() }].into();
        let rooms = Rooms::new(&Config { rooms, ..Config::default() });
        let topic = rooms.get(RoomId(1)).and_then(|state| state.topic.as_ref()).expect("it has one");
        assert!(topic.words.chars().all(|c| !c.is_control()), "{:?}", topic.words);
    }
}
