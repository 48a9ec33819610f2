//! Limits that all sessions of one origin share, in a table of fixed size.

use alloc::vec::Vec;
use core::hash::BuildHasher as _;
use core::num::NonZeroU32;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::command::OpenError;
use crate::config::Config;
use crate::fault::Fault;
use crate::moderation::RoomError;
use crate::origin::Origin;
use crate::rate::{Bucket, Flow};
use crate::schedule::lists::{List, Lists};
use crate::time::Timestamp;

/// The origins of the present sessions and of the members who began the present rooms, and the origins whose sessions
/// left last.
///
/// An origin whose sessions and rooms are all gone is kept for a while, so that a peer who comes back finds the bucket
/// as it left it. It is forgotten when its buckets are full again, or when too many others have left after it. So no
/// number of origins keeps out a peer from another one.
#[derive(Debug)]
pub(crate) struct Origins {
    limits: Limits,
    entries: Vec<Entry>,
    by_origin: HashTable<OriginIndex>,
    hasher: DefaultHashBuilder,
    /// Two lists: origins without sessions and rooms, in the order in which their last ones left; and free entries.
    lists: Lists,
    /// How many origins have neither sessions nor rooms.
    departed: usize,
    /// How many of those are kept at most.
    most_departed: usize,
}

/// The limits for all sessions of one origin.
#[derive(Clone, Copy, Debug)]
struct Limits {
    sessions: usize,
    rooms: Option<usize>,
    connects: Flow,
    lines: Flow,
}

/// The index of an origin's entry, while it has sessions or rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OriginIndex(NonZeroU32);

#[derive(Debug)]
struct Entry {
    /// The name of the origin.
    origin: [u8; 16],
    /// Its present sessions, in any phase.
    sessions: u32,
    /// The rooms that were begun from there and still count.
    rooms: u32,
    connects: Bucket,
    lines: Bucket,
}

const DEPARTED: List = List(0);
const FREE: List = List(1);

/// The least number of origins without sessions to keep: more than the /64 networks of a household (256 in a /56).
const LEAST_DEPARTED: usize = 1_024;

/// How many origins are checked for full buckets, and forgotten, with each session opened. More than one, so that their
/// number shrinks.
const FORGOTTEN_AT_ONCE: usize = 2;

impl Origins {
    /// Makes an empty table for a hub with these limits; nothing is allocated if no limit asks for it.
    pub(crate) fn new(config: &Config) -> Self {
        Self::with_room(config, Self::departed(config))
    }

    fn with_room(config: &Config, departed: usize) -> Self {
        let entries = if Self::is_wanted(config) { Self::used(config) + departed } else { 0 };
        Self {
            limits: Limits {
                sessions: config.max_per_address.unwrap_or(usize::MAX),
                rooms: config.max_rooms_per_address,
                connects: Flow::new(config.connects_per_address),
                lines: Flow::new(config.rate_per_address),
            },
            entries: Vec::with_capacity(entries),
            // Twice the number of entries: with spare room it cleans up after removals in place and never grows.
            by_origin: HashTable::with_capacity(2 * entries),
            hasher: DefaultHashBuilder::default(),
            lists: Lists::new(2, entries),
            departed: 0,
            most_departed: departed,
        }
    }

    /// Bytes of heap for a hub with these limits.
    pub(crate) fn memory_bound(config: &Config) -> usize {
        if !Self::is_wanted(config) {
            return Lists::memory_bound(2, 0);
        }
        let entries = Self::used(config) + Self::departed(config);
        // hashbrown: a power of two of buckets, an eighth of them free, a control byte each and 16 more.
        let buckets = (2 * entries * 8 / 7).next_power_of_two().max(16);
        entries * size_of::<Entry>() + buckets * (size_of::<OriginIndex>() + 1) + 64 + Lists::memory_bound(2, entries)
    }

    /// Returns whether there is any limit by address.
    pub(crate) fn is_wanted(config: &Config) -> bool {
        config.max_per_address.is_some()
            || config.connects_per_address.is_some()
            || config.rate_per_address.is_some()
            || Self::counted_rooms(config) > 0
    }

    /// Returns how many origins at most have sessions or have begun rooms.
    fn used(config: &Config) -> usize {
        config.max_sessions + Self::counted_rooms(config)
    }

    /// Returns how many rooms at most count for the origins from which they were begun.
    fn counted_rooms(config: &Config) -> usize {
        config.max_rooms_per_address.map_or(0, |_| config.rooms_at_most() - 1)
    }

    /// Returns how many origins without sessions are kept at most.
    fn departed(config: &Config) -> usize {
        config.max_sessions.div_ceil(4).max(LEAST_DEPARTED)
    }

    /// Checks whether one more session may come from there now.
    pub(crate) fn check(&self, now: Timestamp, origin: Origin) -> Result<(), OpenError> {
        let Some(index) = self.find(origin) else { return Ok(()) };
        let entry = self.entry(index);
        if entry.sessions as usize >= self.limits.sessions {
            Err(OpenError::TooManyFromAddress)
        } else if entry.connects.refill(self.limits.connects) > now {
            Err(OpenError::TooFastFromAddress)
        } else {
            Ok(())
        }
    }

    /// Counts a session that was opened from there.
    pub(crate) fn enter(&mut self, now: Timestamp, origin: Origin) -> OriginIndex {
        let index = self.find(origin).unwrap_or_else(|| self.insert(origin));
        if !self.entry(index).is_used() {
            self.lists.remove(index.number());
            self.departed -= 1;
        }
        let connects = self.limits.connects;
        let entry = self.entry_mut(index);
        entry.sessions += 1;
        entry.connects.take(connects, now);
        if Fault::ReconnectRefills.is_planted() {
            entry.lines = Bucket::default();
        }
        self.forget_full(now);
        index
    }

    /// Records that a session is gone. `unused` says that it reserved a [turn](Self::take_line) and did not use it.
    pub(crate) fn leave(&mut self, index: OriginIndex, unused: bool) {
        let lines = self.limits.lines;
        let entry = self.entry_mut(index);
        if unused {
            entry.lines.give_back(lines);
        }
        if Fault::OriginNotReleased.is_planted() {
            return;
        }
        entry.sessions -= 1;
        self.depart_if_unused(index);
    }

    /// Checks whether one more room may begin from there.
    pub(crate) fn check_room(&self, index: OriginIndex) -> Result<(), RoomError> {
        match self.limits.rooms {
            Some(max) if self.entry(index).rooms as usize >= max => Err(RoomError::TooManyRoomsFromAddress { max }),
            _ => Ok(()),
        }
    }

    /// Counts a room that was begun from there, if that is limited. Then the origin is kept until the room [does not
    /// count](Self::end_room) any more, even if its sessions leave.
    pub(crate) fn begin_room(&mut self, index: OriginIndex) -> Option<OriginIndex> {
        self.limits.rooms?;
        self.entry_mut(index).rooms += 1;
        Some(index)
    }

    /// Stops counting a room under the origin from which it was begun, if it was counted.
    pub(crate) fn end_room(&mut self, begun_from: Option<OriginIndex>) {
        let Some(index) = begun_from.filter(|_| !Fault::RoomNotReleased.is_planted()) else { return };
        self.entry_mut(index).rooms -= 1;
        self.depart_if_unused(index);
    }

    fn depart_if_unused(&mut self, index: OriginIndex) {
        if self.entry(index).is_used() {
            return;
        }
        self.lists.push(DEPARTED, index.number());
        self.departed += 1;
        if self.departed > self.most_departed
            && let Some(first) = self.lists.first(DEPARTED)
        {
            self.forget(first);
        }
    }

    /// Gives back what a session that was counted has paid for being opened.
    pub(crate) fn give_back(&mut self, index: OriginIndex) {
        let connects = self.limits.connects;
        self.entry_mut(index).connects.give_back(connects);
    }

    /// Returns when one more line may come from there.
    pub(crate) fn next_line(&self, index: OriginIndex) -> Timestamp {
        self.entry(index).lines.refill(self.limits.lines)
    }

    /// Counts a line. Before its [moment](Self::next_line) has come, this reserves a later turn.
    pub(crate) fn take_line(&mut self, index: OriginIndex, now: Timestamp) {
        let lines = self.limits.lines;
        self.entry_mut(index).lines.take(lines, now);
    }

    fn entry(&self, index: OriginIndex) -> &Entry {
        &self.entries[index.number() as usize]
    }

    fn entry_mut(&mut self, index: OriginIndex) -> &mut Entry {
        &mut self.entries[index.number() as usize]
    }

    fn find(&self, origin: Origin) -> Option<OriginIndex> {
        let name = origin.name();
        self.by_origin.find(self.hasher.hash_one(name), |index| self.entry(*index).origin == name).copied()
    }

    /// Adds an origin, without sessions for now. There is always room: every other entry has a session, has begun a
    /// room, or is among the last that left.
    fn insert(&mut self, origin: Origin) -> OriginIndex {
        let entry = Entry {
            origin: origin.name(),
            sessions: 0,
            rooms: 0,
            connects: Bucket::default(),
            lines: Bucket::default(),
        };
        let number = if let Some(free) = self.lists.first(FREE) {
            self.entries[free as usize] = entry;
            free
        } else {
            self.entries.push(entry);
            self.entries.len() as u32 - 1
        };
        let index = OriginIndex::at(number);
        let (entries, hasher) = (&self.entries, &self.hasher);
        let hash = |index: &OriginIndex| hasher.hash_one(entries[index.number() as usize].origin);
        self.by_origin.insert_unique(hash(&index), index, hash);
        self.lists.push(DEPARTED, number);
        self.departed += 1;
        index
    }

    /// Forgets the origins that left first, if their buckets are full, since a new origin would have the same.
    fn forget_full(&mut self, now: Timestamp) {
        for _ in 0..FORGOTTEN_AT_ONCE {
            match self.lists.first(DEPARTED) {
                Some(number) if self.entries[number as usize].is_full(now) => self.forget(number),
                _ => return,
            }
        }
    }

    fn forget(&mut self, number: u32) {
        let hash = self.hasher.hash_one(self.entries[number as usize].origin);
        if let Ok(found) = self.by_origin.find_entry(hash, |index| index.number() == number) {
            found.remove();
        }
        self.lists.push(FREE, number);
        self.departed -= 1;
    }
}

impl Entry {
    /// Returns whether it has sessions, or rooms that were begun from there.
    fn is_used(&self) -> bool {
        self.sessions > 0 || self.rooms > 0
    }

    fn is_full(&self, now: Timestamp) -> bool {
        self.connects.is_full(now) && self.lines.is_full(now)
    }
}

impl OriginIndex {
    /// Returns the index of the entry with that number, from 0.
    fn at(number: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(number))
    }

    pub(crate) fn number(self) -> u32 {
        self.0.get() - 1
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU32;
    use core::time::Duration;

    use super::*;
    use crate::rate::Rate;

    fn rate(per_second: u32, burst: u32) -> Rate {
        let number = |n| NonZeroU32::new(n).expect("not zero");
        Rate { per_second: number(per_second), burst: number(burst) }
    }

    /// Limits for an origin: three sessions at once, two connections in a burst, four lines in a burst, one a second of
    /// each.
    fn config(max_sessions: usize) -> Config {
        Config {
            max_sessions,
            max_per_address: Some(3),
            max_rooms_per_address: Some(2),
            connects_per_address: Some(rate(1, 2)),
            rate_per_address: Some(rate(1, 4)),
            ..Config::default()
        }
    }

    fn origin(n: u64) -> Origin {
        Origin::new(core::array::from_fn(|i| if i < 8 { n.to_be_bytes()[i] } else { 0 }))
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn an_origin_has_limits_of_its_own_and_no_other_is_kept_out() {
        let mut origins = Origins::new(&config(10));
        let (one, other) = (origin(1), origin(2));
        let first = origins.enter(at(0), one);
        origins.enter(at(0), one);
        assert_eq!(origins.check(at(0), one), Err(OpenError::TooFastFromAddress));
        assert_eq!(origins.check(at(1), one), Ok(()));
        origins.enter(at(1), one);
        assert_eq!(origins.check(at(9), one), Err(OpenError::TooManyFromAddress));
        assert_eq!(origins.check(at(1), other), Ok(()));
        origins.leave(first, false);
        assert_eq!(origins.check(at(9), one), Ok(()));
    }

    #[test]
    fn a_peer_that_comes_back_finds_its_bucket_as_it_left_it() {
        let mut origins = Origins::new(&config(10));
        let index = origins.enter(at(0), origin(1));
        for _ in 0..4 {
            assert_eq!(origins.next_line(index), Timestamp::ZERO);
            origins.take_line(index, at(0));
        }
        assert_eq!(origins.next_line(index), at(1));
        origins.leave(index, false);
        let index = origins.enter(at(1), origin(1));
        origins.take_line(index, at(1));
        assert_eq!(origins.next_line(index), at(2), "one token came");
    }

    #[test]
    fn an_unused_turn_goes_to_the_next_session() {
        let mut origins = Origins::new(&config(10));
        let indices = [0; 2].map(|_| origins.enter(at(0), origin(1)));
        for _ in 0..4 {
            origins.take_line(indices[0], at(0));
        }
        let turns = [0; 3].map(|_| {
            let turn = origins.next_line(indices[0]);
            origins.take_line(indices[0], at(0));
            turn
        });
        assert_eq!(turns, [at(1), at(2), at(3)]);
        origins.leave(indices[1], true);
        assert_eq!(origins.next_line(indices[0]), at(3));
    }

    #[test]
    fn rooms_are_counted_where_they_were_begun_after_their_beginner_has_left() {
        let mut origins = Origins::with_room(&config(10), 1);
        let (one, other) = (origins.enter(at(0), origin(1)), origins.enter(at(0), origin(2)));
        let rooms = [0; 2].map(|_| origins.begin_room(one));
        assert_eq!(origins.check_room(one), Err(RoomError::TooManyRoomsFromAddress { max: 2 }));
        assert_eq!(origins.check_room(other), Ok(()));
        origins.leave(one, false);
        for n in 3..9 {
            let index = origins.enter(at(9), origin(n));
            origins.leave(index, false);
        }
        let back = origins.enter(at(9), origin(1));
        assert_eq!(origins.check_room(back), Err(RoomError::TooManyRoomsFromAddress { max: 2 }));
        origins.end_room(rooms[0]);
        assert_eq!(origins.check_room(back), Ok(()));
        origins.leave(back, false);
        assert_eq!(origins.departed, 1, "the origin with a room is not among them");
        origins.end_room(rooms[1]);
        let known = |n| origins.find(origin(n)).is_some();
        assert_eq!([known(1), known(2), known(8)], [true, true, false], "it is the last that left");
    }

    #[test]
    fn origins_are_forgotten_when_their_buckets_are_full_or_too_many_left_after_them() {
        let mut origins = Origins::with_room(&config(2), 2);
        let visit = |origins: &mut Origins, now, n| {
            let index = origins.enter(now, origin(n));
            origins.take_line(index, now);
            origins.leave(index, false);
        };
        for n in 1..=3 {
            visit(&mut origins, at(0), n);
        }
        let known = |origins: &Origins| [1, 2, 3, 4].map(|n| origins.find(origin(n)).is_some());
        assert_eq!(known(&origins), [false, true, true, false], "the two that left last are kept");
        visit(&mut origins, at(1), 4);
        assert_eq!(known(&origins), [false, false, false, true], "the others have full buckets");
        let kept = origins.enter(at(1), origin(4));
        for n in 5..100 {
            visit(&mut origins, at(1), n);
        }
        assert!(origins.find(origin(4)) == Some(kept), "an origin with sessions is not forgotten");
        assert!(origins.entries.len() <= 4 && origins.departed <= 2);
    }

    #[test]
    fn the_table_has_the_size_of_its_bound_and_never_grows() {
        for sessions in [1, 7, 100, 4_096, 5_000] {
            let config = config(sessions);
            let mut origins = Origins::new(&config);
            let size = |origins: &Origins| {
                let lists = Lists::memory_bound(2, origins.entries.capacity());
                origins.entries.capacity() * size_of::<Entry>() + origins.by_origin.allocation_size() + lists
            };
            let before = size(&origins);
            let spare = Origins::memory_bound(&config).checked_sub(before).expect("within the bound");
            assert!(spare < 1_024, "{spare} bytes too many for {sessions}");
            let mut indices = Vec::new();
            for n in 0..20_000 {
                indices.push(origins.enter(at(0), origin(n)));
                if indices.len() == sessions {
                    origins.leave(indices.swap_remove(n as usize * 7 % sessions), false);
                }
            }
            assert_eq!(size(&origins), before);
        }
        let off = Config { max_per_address: None, connects_per_address: None, rate_per_address: None, ..config(9_999) };
        for off in [Config { max_rooms_per_address: None, ..off.clone() }, Config { max_rooms: 1, ..off }] {
            assert!(Origins::memory_bound(&off) < 64 && Origins::new(&off).entries.capacity() == 0);
        }
    }
}
