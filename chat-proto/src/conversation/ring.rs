//! A ring of the latest records, with their text.

use alloc::boxed::Box;
use alloc::vec;
use core::ops::Range;
use core::str::from_utf8;

use crate::command::CloseReason;
use crate::id::{MemberId, RoomId};
use crate::moderation::{MaskList, Role, RoomFlags};
use crate::origin::Cloak;

/// A ring of records and of their text. A new record evicts the oldest, as many as its text needs room for.
///
/// Every line and every close pushes a record, so a push updates few counters. Which records are kept follows from
/// them, see [`numbers`](Self::numbers).
#[derive(Debug)]
pub(super) struct Ring {
    /// All records that there is room for. Those that are not in use have no text.
    records: Box<[Record]>,
    /// The index of the next record. If there is no such record, it starts over at 0.
    next: usize,
    /// How many records there were.
    pushed: u64,
    /// The records before this number were evicted because the bytes of text were needed.
    evicted: u64,
    /// The text of the records. Each has its text in one piece, so before the text starts over at 0 some bytes may stay
    /// unused: fewer than the longest text, so there is that much more room than text is kept.
    text: Box<[u8]>,
    /// Where the next record's text begins, unless it has to start over.
    next_text: usize,
    /// The most bytes of a record's text, and how many more bytes of text may be kept.
    max_text: usize,
    free: usize,
}

/// An entry that was applied, and the names at that time.
#[derive(Clone, Copy, Debug, Default)]
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
            next: 0,
            pushed: 0,
            evicted: 0,
            text: vec![0; Self::text_len(records, max_text, bytes)].into(),
            next_text: 0,
            max_text: max_text.min(max_bytes),
            free: max_bytes,
        }
    }

    /// Bytes of heap for such a ring.
    pub(super) fn memory_bound(max_records: usize, max_text: usize, bytes: usize) -> u64 {
        (max_records * size_of::<Record>()) as u64 + Self::text_len(max_records, max_text, bytes) as u64
    }

    /// So few records may need less than is allowed.
    fn max_bytes(max_records: usize, max_text: usize, bytes: usize) -> usize {
        max_records.saturating_mul(max_text).min(bytes)
    }

    fn text_len(max_records: usize, max_text: usize, bytes: usize) -> usize {
        let max_bytes = Self::max_bytes(max_records, max_text, bytes);
        if max_records == 0 { 0 } else { max_bytes + max_text }
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
        if len > self.max_text {
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
            self.evict();
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
    fn a_ring_without_records_keeps_nothing() {
        let mut ring = Ring::new(0, 20, 100);
        ring.push(Kind::Said, [0; 3], MemberId(0), ["", "", ""]);
        ring.push(Kind::Said, [1, 1, 0], MemberId(0), ["ann", "", "hello"]);
        assert_eq!((ring.numbers(), ring.entries(0).count(), ring.get(0).is_none()), (0..0, 0, true));
        assert_eq!(Ring::memory_bound(0, 20, 100), 0);
    }
}
