//! A ring of the latest records, with their text.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::hint::black_box;
use core::ops::Range;
use core::str::from_utf8;

use crate::command::CloseReason;
use crate::id::{MemberId, RoomId};
use crate::moderation::{MaskList, Role, RoomFlags};
use crate::origin::Cloak;

/// For how many bytes of text there is memory when something is kept first.
const FIRST_BYTES: usize = 2 << 10;

/// A ring of records and of their text. A new record evicts the oldest, as many as its text needs room for.
///
/// Every line and every close pushes a record, so a push updates few counters. Which records are kept follows from
/// them, see [`numbers`](Self::numbers).
#[derive(Debug)]
pub(super) struct Ring {
    /// All records that there is room for. Those that are not in use have no text.
    records: Box<[Record]>,
    /// How many records there were.
    pushed: u64,
    /// The records before this number were evicted because the bytes of text were needed.
    evicted: u64,
    /// The text of the records. Each has its text in one piece, so before the text starts over at 0 some bytes may stay
    /// unused: fewer than the longest text, so there is that much more memory than text is kept. It grows when the
    /// records need it, so what rooms with few or short messages keep lies close together.
    text: Vec<u8>,
    /// The index of the next record. If there is no such record, it starts over at 0.
    next: usize,
    /// Where the next record's text begins, unless it has to start over.
    next_text: usize,
    /// The most bytes of a record's text that there is memory for; for all texts, it is the rest of the memory.
    longest: usize,
    /// How many more bytes of text may be kept in that memory.
    free: usize,
    /// The most bytes of a record's text, and of all texts, that there may be memory for.
    max_text: usize,
    max_bytes: usize,
}

/// An entry that was applied, and the names at that time.
///
/// Each fills a cache line: where a thousand rooms have their turns, none of their records is in a cache.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub(super) struct Record {
    pub(super) kind: Kind,
    /// Its number among all entries, and among events if it is one.
    pub(super) entry: u64,
    pub(super) event: u64,
    /// When it was said, for messages to everyone.
    pub(super) at: u64,
    pub(super) member: MemberId,
    /// Where its text begins: the member's name, another name, and words.
    start: u32,
    len: u32,
    name_len: u8,
    other_len: u8,
}

const _: () = assert!(size_of::<Record>() == 64, "a record is a cache line");

/// A record and its text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept<'a> {
    pub(super) record: Record,
    pub(super) name: &'a str,
    pub(super) other: &'a str,
    pub(super) words: &'a str,
}

/// The kind of an entry, and its effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    Entered {
        guest: bool,
        lobby: bool,
        cloak: Option<Cloak>,
    },
    /// `joined`: it had not joined before. `renamed`: it had another name before.
    Named {
        joined: bool,
        renamed: bool,
    },
    Joined,
    #[default]
    Said,
    Acted,
    Noticed,
    Told {
        to: MemberId,
    },
    Left {
        reason: CloseReason,
        had_joined: bool,
    },
    Announced,
    // In these the other name is that of the room.
    EnteredRoom {
        room: RoomId,
        at: u64,
    },
    LeftRoom {
        room: RoomId,
    },
    /// The words are the name of `by`, whose length is `by_len`, and why.
    Kicked {
        by: Option<MemberId>,
        room: RoomId,
        by_len: u8,
    },
    /// The words are the topic, whose length is `len`, and the same with colours and styles.
    TopicSet {
        by: Option<MemberId>,
        room: RoomId,
        at: u64,
        len: u16,
    },
    // These are no events.
    /// The name is that of the user, and the words are the real name.
    Described,
    AwaySet,
    RoleSet {
        by: Option<MemberId>,
        room: RoomId,
        role: Role,
        given: bool,
    },
    FlagsSet {
        by: Option<MemberId>,
        room: RoomId,
        flags: RoomFlags,
    },
    KeySet {
        by: Option<MemberId>,
        room: RoomId,
    },
    LimitSet {
        by: Option<MemberId>,
        room: RoomId,
        limit: u32,
    },
    /// The words are the mask, and the name is that with which this address was banned.
    MaskSet {
        by: Option<MemberId>,
        room: RoomId,
        list: MaskList,
        listed: bool,
        at: u64,
    },
    Invited {
        by: Option<MemberId>,
        room: RoomId,
    },
}

impl Ring {
    /// Makes room for that many records whose text has at most `max_text` bytes each, and `bytes` in all.
    pub(super) fn new(records: usize, max_text: usize, bytes: usize) -> Self {
        let max_bytes = Self::max_bytes(records, max_text, bytes);
        Self {
            records: vec![Record::default(); records].into(),
            pushed: 0,
            evicted: 0,
            text: Vec::new(),
            next: 0,
            next_text: 0,
            longest: 0,
            free: 0,
            max_text: max_text.min(max_bytes),
            max_bytes,
        }
    }

    /// Allocates all memory for text at once.
    pub(super) fn with_memory(mut self) -> Self {
        (self.longest, self.free) = (self.max_text, self.max_bytes);
        self.text = vec![0; self.max_bytes + self.max_text];
        self
    }

    /// Bytes of heap for such a ring, but for what is there twice while it [grows](Self::memory_to_grow).
    pub(super) fn memory_bound(max_records: usize, max_text: usize, bytes: usize) -> u64 {
        (max_records * size_of::<Record>()) as u64 + Self::text_len(max_records, max_text, bytes) as u64
    }

    /// The most bytes of heap that are there twice for a moment while a ring grows.
    pub(super) fn memory_to_grow(max_records: usize, max_text: usize, bytes: usize) -> usize {
        Self::text_len(max_records, max_text, bytes)
    }

    /// So few records may need less than is allowed.
    fn max_bytes(max_records: usize, max_text: usize, bytes: usize) -> usize {
        max_records.saturating_mul(max_text).min(bytes)
    }

    fn text_len(max_records: usize, max_text: usize, bytes: usize) -> usize {
        let max_bytes = Self::max_bytes(max_records, max_text, bytes);
        if max_records == 0 { 0 } else { max_bytes + max_text }
    }

    /// Loads the memory that the next record, with a text of that many bytes, will be written to.
    ///
    /// Where many rooms have their turns, it is in no cache. Stores wait for one cache line after the other; these loads
    /// wait for all of them at once.
    #[inline]
    pub(super) fn load_next(&self, len: usize) {
        let next = self.next_text;
        black_box([next, next + len].map(|at| self.text.get(at).copied().unwrap_or_default()));
    }

    /// Appends a record with its text: two names of at most 255 bytes, and words. Longer text than there is room for is
    /// not kept.
    #[inline(always)]
    pub(super) fn push(
        &mut self,
        kind: Kind,
        [entry, event, at]: [u64; 3],
        member: MemberId,
        [name, other, words]: [&str; 3],
    ) {
        let len = name.len() + other.len() + words.len();
        if len > self.longest && !self.make_room_for(len) {
            return;
        }
        let record = loop {
            let Some(record) = self.records.get_mut(self.next) else {
                if self.records.is_empty() {
                    return;
                }
                self.next = 0;
                continue;
            };
            // If all are in use, it is the oldest, and its text goes.
            if let Some(free) = (self.free + record.len as usize).checked_sub(len) {
                self.free = free;
                break record;
            }
            if !self.grow() {
                self.evict();
            }
        };
        let (start, text) = match self.text.get_mut(self.next_text..self.next_text + len) {
            Some(text) => (self.next_text, text),
            None => (0, &mut self.text[..len]),
        };
        let (of_name, rest) = text.split_at_mut(name.len());
        // The record is written before the text is copied: what is needed after a copy has to be saved across the call.
        self.next_text = start + len;
        (record.kind, record.entry, record.event, record.member) = (kind, entry, event, member);
        record.at = at;
        (record.start, record.len) = (start as u32, len as u32);
        (record.name_len, record.other_len) = (name.len() as u8, other.len() as u8);
        self.next += 1;
        self.pushed += 1;
        of_name.copy_from_slice(name.as_bytes());
        // Most have no other name, and some no words.
        let of_words = if other.is_empty() {
            rest
        } else {
            let (of_other, of_words) = rest.split_at_mut(other.len());
            of_other.copy_from_slice(other.as_bytes());
            of_words
        };
        if !words.is_empty() {
            of_words.copy_from_slice(words.as_bytes());
        }
    }

    /// Makes room for a text of that many bytes, longer than all before it; returns whether there may be.
    #[cold]
    #[inline(never)]
    fn make_room_for(&mut self, len: usize) -> bool {
        if len > self.max_text {
            return false;
        }
        let bytes = self.bytes().max(FIRST_BYTES).max(len);
        self.move_text(len.max(2 * self.longest), bytes);
        true
    }

    /// Makes room for more text, if there may be more; returns whether there is.
    #[cold]
    #[inline(never)]
    fn grow(&mut self) -> bool {
        let bytes = self.bytes();
        if bytes < self.max_bytes {
            self.move_text(self.longest, bytes.saturating_mul(4));
        }
        bytes < self.max_bytes
    }

    /// Returns for how many bytes of text there is memory.
    fn bytes(&self) -> usize {
        self.text.len() - self.longest
    }

    /// Makes memory for text, for so much of each record and of all of them as is wanted and there may be. Moves all
    /// text to the start, if it is not there.
    fn move_text(&mut self, longest: usize, bytes: usize) {
        let (longest, bytes) = (longest.min(self.max_text), bytes.min(self.max_bytes));
        self.free += bytes - self.bytes();
        self.longest = longest;
        let (numbers, old) = (self.numbers(), self.text.len());
        let oldest = if numbers.is_empty() { 0 } else { self.records[self.index(numbers.start)].start as usize };
        if oldest > 0 {
            self.text.rotate_left(oldest);
            self.next_text = 0;
            for number in numbers {
                let index = self.index(number);
                let record = &mut self.records[index];
                let (start, len) = ((record.start as usize + old - oldest) % old, record.len as usize);
                self.text.copy_within(start..start + len, self.next_text);
                record.start = self.next_text as u32;
                self.next_text += len;
            }
        }
        let new = bytes + longest;
        self.text.reserve_exact(new - old);
        self.text.resize(new, 0);
    }

    /// Evicts the oldest record, of which there must be one, for the bytes of its text.
    #[inline(never)]
    fn evict(&mut self) {
        let oldest = self.numbers().start;
        let index = self.index(oldest);
        self.free += core::mem::take(&mut self.records[index].len) as usize;
        self.evicted = oldest + 1;
    }

    /// Returns the numbers of the oldest record and of the next one. The first record ever has the number 0.
    pub(super) fn numbers(&self) -> Range<u64> {
        self.evicted.max(self.pushed.saturating_sub(self.records.len() as u64))..self.pushed
    }

    /// Returns the index of a record that is kept.
    fn index(&self, number: u64) -> usize {
        let before_next = (self.pushed - number) as usize;
        self.next.checked_sub(before_next).unwrap_or_else(|| self.next + self.records.len() - before_next)
    }

    /// Returns the record of that number, if it is kept.
    pub(super) fn get(&self, number: u64) -> Option<Kept<'_>> {
        self.numbers().contains(&number).then(|| self.kept(number))
    }

    /// Returns the latest record.
    pub(super) fn latest(&self) -> Option<&Record> {
        let numbers = self.numbers();
        (!numbers.is_empty()).then(|| &self.records[self.index(numbers.end - 1)])
    }

    /// Returns the records of the entries from number `since` on, the oldest first.
    pub(super) fn entries(&self, since: u64) -> impl Iterator<Item = Kept<'_>> {
        let first = self.number_where(|record| record.entry >= since);
        (first..self.pushed).map(|number| self.kept(number))
    }

    /// Returns the records of the events from number `from` up to but not including `to`, the oldest first.
    pub(super) fn events(&self, from: u64, to: u64) -> impl DoubleEndedIterator<Item = Kept<'_>> {
        let [first, end] = [from, to].map(|event| self.number_where(|record| record.event >= event));
        (first..end.max(first)).map(|number| self.kept(number))
    }

    /// Returns the number of the first record that `is_late`, as all after it are.
    pub(super) fn number_where(&self, is_late: impl Fn(&Record) -> bool) -> u64 {
        let Range { start: mut low, end: mut high } = self.numbers();
        while low < high {
            let middle = low.midpoint(high);
            if is_late(&self.records[self.index(middle)]) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }

    /// Returns the kept record of that number, with its text.
    fn kept(&self, number: u64) -> Kept<'_> {
        let record = self.records[self.index(number)];
        let text = &self.text[record.start as usize..][..record.len as usize];
        let (names, words) = text.split_at(usize::from(record.name_len) + usize::from(record.other_len));
        let (name, other) = names.split_at(record.name_len.into());
        let [name, other, words] = [name, other, words].map(|part| from_utf8(part).unwrap_or_default());
        Kept { record, name, other, words }
    }
}

impl Kind {
    /// Returns whether followers are told of it.
    pub(super) fn is_event(self) -> bool {
        !matches!(
            self,
            Self::Entered { .. }
                | Self::Named { joined: false, renamed: false }
                | Self::Left { had_joined: false, .. }
                | Self::Described
                | Self::AwaySet
                | Self::RoleSet { .. }
                | Self::FlagsSet { .. }
                | Self::KeySet { .. }
                | Self::LimitSet { .. }
                | Self::MaskSet { .. }
                | Self::Invited { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString as _};
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn a_ring_keeps_the_latest_that_fit_in_number_and_in_bytes() {
        const MAX_RECORDS: usize = 7;
        const MAX_TEXT: usize = 20;
        for bytes in [MAX_TEXT, 33, 64, 1_000] {
            let mut ring = Ring::new(MAX_RECORDS, MAX_TEXT, bytes);
            let mut all: Vec<[String; 2]> = Vec::new();
            for n in 0..500_usize {
                let text = [3 * n % 5, 7 * n % 16].map(|len| char::from(b'a' + (n % 26) as u8).to_string().repeat(len));
                ring.push(Kind::Said, [n as u64, n as u64, 0], MemberId(0), [&text[0], "", &text[1]]);
                all.push(text);
                let mut room = bytes;
                let fits = |text: &&[String; 2]| {
                    let left = room.checked_sub(text[0].len() + text[1].len());
                    left.map(|left| room = left).is_some()
                };
                let count = all.iter().rev().take(MAX_RECORDS).take_while(fits).count();
                let expected = all[all.len() - count..].iter().map(|[name, words]| (name.as_str(), words.as_str()));
                assert!(ring.entries(0).map(|kept| (kept.name, kept.words)).eq(expected), "{bytes} bytes, {n}");
                let numbers = (all.len() - count) as u64..all.len() as u64;
                assert_eq!(ring.numbers(), numbers, "{bytes} bytes, {n}");
                let kept: Vec<_> =
                    (0..=numbers.end).filter_map(|number| Some(ring.get(number)?.record.entry)).collect();
                assert!(kept.into_iter().eq(numbers), "{bytes} bytes, {n}");
            }
            // Words that are too long leave everything as it is.
            let before = (ring.numbers(), ring.free, ring.next_text);
            ring.push(Kind::Said, [500, 500, 0], MemberId(0), ["", "", &"z".repeat(MAX_TEXT + 1)]);
            assert_eq!((ring.numbers(), ring.free, ring.next_text), before);
            let seqs = |from, to| ring.events(from, to).map(|kept| kept.record.event).collect::<Vec<_>>();
            assert_eq!((seqs(499, 500), seqs(500, u64::MAX), seqs(9, 3)), ([499].into(), Vec::new(), Vec::new()));
        }
    }

    #[test]
    fn a_ring_takes_memory_for_text_only_when_it_needs_it() {
        let mut ring = Ring::new(100, 4_000, 60_000);
        let mut push = |len: usize| {
            for n in 0..1_000 {
                ring.push(Kind::Said, [n; 3], MemberId(0), ["ann", "", &"z".repeat(len)]);
                let texts = ring.entries(0).map(|kept| kept.name.len() + kept.words.len()).sum::<usize>();
                assert!(texts + ring.longest + ring.free == ring.text.len());
            }
            (ring.text.capacity(), ring.entries(0).count())
        };
        assert_eq!(push(0), ((2 << 10) + 3, 100));
        assert_eq!(push(60), ((8 << 10) + 63, 100));
        assert_eq!(push(600), (60_000 + 603, 99));
        assert_eq!(push(3_997), (64_000, 15), "all that it may");
        assert_eq!(push(60), (64_000, 100));
    }

    #[test]
    fn a_ring_without_records_keeps_nothing() {
        let mut ring = Ring::new(0, 20, 100);
        ring.push(Kind::Said, [0; 3], MemberId(0), ["", "", ""]);
        ring.push(Kind::Said, [1, 1, 0], MemberId(0), ["ann", "", "hello"]);
        assert_eq!((ring.numbers(), ring.entries(0).count(), ring.get(0).is_none()), (0..0, 0, true));
        assert_eq!(Ring::memory_bound(0, 20, 100), 0);
    }
}
