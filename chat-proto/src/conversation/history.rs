//! The latest entries and events, in no wire format: for newcomers, for followers, and for other servers.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::iter::Peekable;
use core::ops::Range;

use super::entry::{Entry, MAX_KICK_WORDS, MAX_LAST_WORDS};
use super::event::Recorded;
use super::members::mix;
use super::ring::{Kept, Kind, Record, Ring};
use crate::fault::Fault;
use crate::id::{MemberId, RoomId};
use crate::moderation::{MAX_ROOM_NAME, MAX_TOPIC};
use crate::names::MAX_MADE_NAME;

/// The latest entries, in buffers that are allocated once and reused.
///
/// Messages to everyone, other events, and all other entries are kept apart. So even if many members come and go,
/// newcomers are shown as many messages as ever, and followers learn who joined and left.
#[derive(Debug)]
pub(crate) struct History {
    /// The lobby's messages, and those of the other rooms, whose memory is allocated when something is said there. The
    /// rings lie side by side: where a thousand rooms have their turns, the next one is in the processor's cache then.
    messages: Ring,
    rooms: Vec<Option<Ring>>,
    others: Ring,
    /// Entries that are not events, such as a member that entered and has not joined.
    silent: Ring,
    /// How many entries there were, and how many of them were events.
    entries: u64,
    events: u64,
    limits: Limits,
    /// Only for a planted fault: a number that differs in each process.
    instance: u64,
}

/// The limits of a history.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most messages, and the most of each other kind of entry.
    pub(crate) messages: usize,
    pub(crate) others: usize,
    /// The most bytes of names and words of the messages, and of the other events.
    pub(crate) bytes: usize,
    /// How many rooms there are with the lobby, and the most messages and bytes of each of the others.
    pub(crate) rooms: usize,
    pub(crate) room_messages: usize,
    pub(crate) room_bytes: usize,
    pub(crate) max_words: usize,
    pub(crate) max_name: usize,
}

impl Limits {
    /// The most bytes of text of a message: its author's name, and words.
    fn message(self) -> usize {
        self.max_name.max(MAX_MADE_NAME) + self.max_words
    }

    /// The most bytes of text of another event: two names and words, or, in a room, its name, two others and fewer
    /// words.
    fn other(self) -> usize {
        2 * self.max_name.max(MAX_MADE_NAME) + self.max_words.max(2 * MAX_TOPIC + MAX_ROOM_NAME)
    }

    /// The most bytes of text of an entry that is no event: two names, and last words.
    fn silent(self) -> usize {
        2 * self.max_name.max(MAX_MADE_NAME) + MAX_LAST_WORDS
    }

    /// The bytes of text of the messages of a room that is not the lobby. There is room for the longest.
    fn of_room(self) -> usize {
        self.room_bytes.max(self.message())
    }
}

const _: () = assert!(MAX_KICK_WORDS <= MAX_TOPIC, "there is room for a kick");

impl History {
    /// Makes room for as much as the limits say.
    pub(crate) fn new(limits: Limits) -> Self {
        let Limits { messages, others, bytes, .. } = limits;
        Self {
            messages: Ring::new(messages, limits.message(), bytes).with_memory(),
            rooms: Vec::with_capacity(limits.rooms - 1),
            others: Ring::new(others, limits.other(), bytes).with_memory(),
            silent: Ring::new(others, limits.silent(), bytes).with_memory(),
            entries: 0,
            events: 0,
            limits,
            instance: Fault::next_instance(),
        }
    }

    /// Bytes of heap for a history with these limits.
    pub(crate) fn memory_bound(limits: Limits) -> u64 {
        let Limits { messages, others, bytes, .. } = limits;
        Ring::memory_bound(messages, limits.message(), bytes)
            + Ring::memory_bound(others, limits.other(), bytes)
            + Ring::memory_bound(others, limits.silent(), bytes)
    }

    /// Bytes of heap for the messages of the rooms besides the lobby, and to merge them.
    pub(crate) fn rooms_bound(limits: Limits) -> u64 {
        let queued = size_of::<Reverse<(u64, u32, u64)>>();
        let ring = Ring::memory_bound(limits.room_messages, limits.message(), limits.of_room());
        limits.rooms as u64 * queued as u64 + (limits.rooms as u64 - 1) * ring + Self::rooms_at_start(limits)
    }

    /// The most bytes of heap that are there twice for a moment while the messages of a room besides the lobby grow.
    pub(crate) fn memory_to_grow(limits: Limits) -> usize {
        if limits.rooms == 1 {
            return 0;
        }
        Ring::memory_to_grow(limits.room_messages, limits.message(), limits.of_room())
    }

    /// Bytes of heap that are allocated for rooms at once.
    pub(crate) fn rooms_at_start(limits: Limits) -> u64 {
        (limits.rooms as u64 - 1) * size_of::<Option<Ring>>() as u64
    }

    /// Frees the messages of a room that has ended.
    pub(super) fn end_room(&mut self, room: RoomId) {
        if let Some(ring) = Self::index(room).and_then(|index| self.rooms.get_mut(index)) {
            *ring = None;
        }
    }

    /// Returns how many entries there were.
    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    /// Returns how many events there were.
    pub(super) fn next_event(&self) -> u64 {
        self.events
    }

    /// Keeps a message to everyone in a room, in place of the oldest.
    #[inline(always)]
    pub(super) fn keep_message(&mut self, entry: &Entry<'_>, name: &str) {
        let (kind, member, room, words, at) = match *entry {
            Entry::Say { member, room, words, at } => (Kind::Said, member, room, words, at),
            Entry::Act { member, room, words, at } => (Kind::Acted, member, room, words, at),
            Entry::Notice { member, room, words, at } => (Kind::Noticed, member, room, words, at),
            Entry::Announce { words, at } => (Kind::Announced, MemberId(0), RoomId::LOBBY, words, at),
            _ => return,
        };
        let (entry, event) = (self.entries, self.events);
        self.entries += 1;
        self.events += 1;
        // No line is longer, but what a dialect decodes from a line may be. Such a message is published and not kept.
        if room == RoomId::LOBBY {
            self.messages.push(kind, [entry, event, at], member, [name, "", words]);
        } else {
            self.push_elsewhere(room, kind, [entry, event, at], member, name, words);
        }
    }

    /// Keeps a message in a room that is not the lobby. Separate, so that nothing is looked up for the lobby.
    #[inline(never)]
    fn push_elsewhere(
        &mut self,
        room: RoomId,
        kind: Kind,
        numbers: [u64; 3],
        member: MemberId,
        name: &str,
        words: &str,
    ) {
        let limits = self.limits;
        let Some(index) = Self::index(room) else { return };
        if self.rooms.len() <= index {
            self.rooms.resize_with(index + 1, || None);
        }
        // A room in which nobody has said anything needs no memory for messages.
        let new = || Ring::new(limits.room_messages, limits.message(), limits.of_room());
        let ring = self.rooms[index].get_or_insert_with(new);
        ring.load_next(name.len() + words.len());
        ring.push(kind, numbers, member, [name, "", words]);
    }

    /// Keeps any other entry, in place of the oldest. `name` is the member's name before, and `other` the second name
    /// of the entry, if it has one.
    #[inline(always)]
    pub(super) fn keep_other(&mut self, kind: Kind, member: MemberId, name: &str, other: &str, words: &str) {
        let (entry, event) = (self.entries, self.events);
        self.entries += 1;
        self.events += u64::from(kind.is_event());
        if Fault::LocalStateDecides.is_planted() && matches!(kind, Kind::Entered { .. }) {
            self.events += self.instance % 2;
        }
        let ring = if kind.is_event() { &mut self.others } else { &mut self.silent };
        ring.push(kind, [entry, event, 0], member, [name, other, words]);
    }

    /// Returns where the ring of a room is; `None` for the lobby, whose ring is a field.
    #[inline]
    fn index(room: RoomId) -> Option<usize> {
        (room.0 as usize).checked_sub(1)
    }

    /// Returns a room's messages, if there is such a room.
    fn ring(&self, room: RoomId) -> Option<&Ring> {
        let Some(index) = Self::index(room) else { return Some(&self.messages) };
        self.rooms.get(index)?.as_ref()
    }

    /// Returns the numbers of the oldest message of a room that is kept and of the next one, among its messages alone.
    pub(crate) fn kept_messages(&self, room: RoomId) -> Range<u64> {
        self.ring(room).map_or(0..0, Ring::numbers)
    }

    /// Returns the message of that number among a room's messages alone, if it is kept.
    pub(crate) fn message(&self, room: RoomId, number: u64) -> Option<Recorded<'_>> {
        self.ring(room)?.get(number)?.recorded(room)
    }

    /// Returns the number, among the messages of a room, of the first one that `is_late`, as all after it are.
    pub(crate) fn first_message(&self, room: RoomId, is_late: impl Fn(u64, u64) -> bool) -> u64 {
        self.ring(room).map_or(0, |ring| ring.number_where(|record| is_late(record.event, record.at)))
    }

    /// Returns the messages in a room whose numbers are from `from` up to but not including `to`, oldest first. To find
    /// the first and the last of them takes a binary search each.
    pub(crate) fn messages(&self, room: RoomId, from: u64, to: u64) -> impl DoubleEndedIterator<Item = Recorded<'_>> {
        let ring = self.ring(room).into_iter();
        ring.flat_map(move |ring| ring.events(from, to)).filter_map(move |kept| kept.recorded(room))
    }

    /// Returns the kept events from number `since` on, oldest first.
    pub(crate) fn events(&self, since: u64) -> impl Iterator<Item = Recorded<'_>> {
        let in_lobby = |kept| (RoomId::LOBBY, kept);
        let (messages, others) = (self.messages.events(since, u64::MAX), self.others.events(since, u64::MAX));
        let elsewhere = Elsewhere::new(self, |record| record.event >= since);
        let events = Merged::of(Merged::of(messages.map(in_lobby), others.map(in_lobby)), elsewhere);
        events.filter_map(|(room, kept)| kept.recorded(room))
    }

    /// Returns the kept entries from number `since` on, with their numbers, oldest first.
    pub(crate) fn entries_since(&self, since: u64) -> impl Iterator<Item = (u64, Entry<'_>)> {
        let in_lobby = |kept| (RoomId::LOBBY, kept);
        let (messages, others) = (self.messages.entries(since), self.others.entries(since));
        let here = Merged::of(messages.map(in_lobby), others.map(in_lobby));
        let here = Merged::of(here, self.silent.entries(since).map(in_lobby));
        let elsewhere = Elsewhere::new(self, |record| record.entry >= since);
        Merged::of(here, elsewhere).map(|(room, kept)| (kept.record.entry, kept.as_entry(room)))
    }

    /// Returns a number that is equal for histories with as many entries and events.
    pub(super) fn digest(&self) -> u64 {
        mix(mix(0, self.entries), self.events)
    }
}

/// The messages of all rooms but the lobby from some number on, with their rooms, in the order of their entries.
struct Elsewhere<'a> {
    history: &'a History,
    /// For each room with any left, the next: its entry's number, the room, and its number in the room's ring.
    next: BinaryHeap<Reverse<(u64, u32, u64)>>,
}

impl<'a> Elsewhere<'a> {
    /// Takes the rooms with a record that `is_late`, as all after it are, from the first of these records on.
    fn new(history: &'a History, is_late: impl Fn(&Record) -> bool) -> Self {
        let mut elsewhere = Self { history, next: BinaryHeap::new() };
        for (room, ring) in (1..).zip(&history.rooms) {
            // Most often a follower has read all but the latest, which are of few rooms.
            let is_wanted = |ring: &&Ring| ring.latest().is_some_and(&is_late);
            if let Some(ring) = ring.as_ref().filter(is_wanted) {
                if elsewhere.next.capacity() == 0 {
                    elsewhere.next.reserve_exact(history.rooms.len());
                }
                elsewhere.push(room, ring, ring.number_where(&is_late));
            }
        }
        elsewhere
    }

    fn push(&mut self, room: u32, ring: &Ring, number: u64) {
        if let Some(kept) = ring.get(number) {
            self.next.push(Reverse((kept.record.entry, room, number)));
        }
    }
}

impl<'a> Iterator for Elsewhere<'a> {
    type Item = (RoomId, Kept<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((_, room, number)) = self.next.pop()?;
        let ring = self.history.ring(RoomId(room))?;
        self.push(room, ring, number + 1);
        Some((RoomId(room), ring.get(number)?))
    }
}

/// Merges the records of two sources in the order of their entries.
struct Merged<'a, A: Iterator<Item = (RoomId, Kept<'a>)>, B: Iterator<Item = (RoomId, Kept<'a>)>> {
    one: Peekable<A>,
    other: Peekable<B>,
}

impl<'a, A: Iterator<Item = (RoomId, Kept<'a>)>, B: Iterator<Item = (RoomId, Kept<'a>)>> Merged<'a, A, B> {
    fn of(one: A, other: B) -> Self {
        Self { one: one.peekable(), other: other.peekable() }
    }
}

impl<'a, A: Iterator<Item = (RoomId, Kept<'a>)>, B: Iterator<Item = (RoomId, Kept<'a>)>> Iterator for Merged<'a, A, B> {
    type Item = (RoomId, Kept<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        match (self.one.peek(), self.other.peek()) {
            (Some(one), Some(other)) if other.1.record.entry < one.1.record.entry => self.other.next(),
            (None, _) => self.other.next(),
            _ => self.one.next(),
        }
    }
}
