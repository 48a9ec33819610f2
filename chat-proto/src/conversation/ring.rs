//! A ring of the latest records, with their text.

use alloc::boxed::Box;
use alloc::vec;
use core::ops::Range;
use core::str::from_utf8;

use crate::command::CloseReason;
use crate::id::MemberId;

/// A ring of records and of their text. A new record evicts the oldest, as many as its text needs room for.
#[derive(Debug)]
pub(super) struct Ring {
    /// All records that there is room for.
    records: Box<[Record]>,
    /// The indices of the oldest record and of the next, and how many are in use.
    oldest: usize,
    next: usize,
    count: usize,
    /// The text of the records. Each has its text in one piece, so before the text starts over at 0 some bytes may stay
    /// unused: fewer than the longest text, which is why there is that much more room than `max_bytes`.
    text: Box<[u8]>,
    /// Where the next record's text begins, unless it has to start over.
    next_text: usize,
    /// How many records were evicted.
    evicted: u64,
    /// The most bytes of a record's text, of all text, and how many there are.
    max_text: usize,
    max_bytes: usize,
    bytes: usize,
}

/// An entry that was applied, and the names at that time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Record {
    pub(super) kind: Kind,
    /// Its number among all entries, and among events if it is one.
    pub(super) entry: u64,
    pub(super) event: u64,
    pub(super) member: MemberId,
    /// Where its text begins: the member's name, another name, and words.
    start: u32,
    name_len: u8,
    other_len: u8,
    words_len: u32,
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
    Told {
        to: MemberId,
    },
    Left {
        reason: CloseReason,
        had_joined: bool,
    },
    Announced,
}

impl Ring {
    /// Makes room for that many records whose text has at most `max_text` bytes each, and `bytes` in all.
    pub(super) fn new(records: usize, max_text: usize, bytes: usize) -> Self {
        Self {
            records: vec![Record::default(); records].into(),
            oldest: 0,
            next: 0,
            count: 0,
            text: vec![0; Self::text_len(records, max_text, bytes)].into(),
            next_text: 0,
            evicted: 0,
            max_text,
            max_bytes: Self::max_bytes(records, max_text, bytes),
            bytes: 0,
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
        entry: u64,
        event: u64,
        member: MemberId,
        [name, other, words]: [&str; 3],
    ) {
        let len = name.len() + other.len() + words.len();
        if len > self.max_text {
            return;
        }
        while self.bytes + len > self.max_bytes || self.count == self.records.len() {
            if !self.evict() {
                return;
            }
        }
        let start = if self.next_text + len <= self.text.len() { self.next_text } else { 0 };
        (self.bytes, self.next_text) = (self.bytes + len, start + len);
        let (of_name, rest) = self.text[start..][..len].split_at_mut(name.len());
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
        let record = &mut self.records[self.next];
        (record.kind, record.entry, record.event, record.member) = (kind, entry, event, member);
        (record.start, record.words_len) = (start as u32, words.len() as u32);
        (record.name_len, record.other_len) = (name.len() as u8, other.len() as u8);
        self.next = self.after(self.next);
        self.count += 1;
    }

    /// Removes the oldest record; returns whether there was one.
    #[inline(always)]
    fn evict(&mut self) -> bool {
        if self.count == 0 {
            return false;
        }
        self.bytes -= self.records[self.oldest].len();
        self.oldest = self.after(self.oldest);
        self.count -= 1;
        self.evicted += 1;
        true
    }

    /// Returns the index after another.
    fn after(&self, index: usize) -> usize {
        if index + 1 == self.records.len() { 0 } else { index + 1 }
    }

    /// Returns the record at a place, of which 0 is the oldest.
    fn record(&self, place: usize) -> &Record {
        let index = self.oldest + place;
        &self.records[if index < self.records.len() { index } else { index - self.records.len() }]
    }

    /// Returns the numbers of the oldest record and of the next one. The first record ever has the number 0.
    pub(super) fn numbers(&self) -> Range<u64> {
        self.evicted..self.evicted + self.count as u64
    }

    /// Returns the record of that number, if it is kept.
    pub(super) fn get(&self, number: u64) -> Option<Kept<'_>> {
        let place = usize::try_from(number.checked_sub(self.evicted)?).ok()?;
        (place < self.count).then(|| self.kept(*self.record(place)))
    }

    /// Returns the records of the entries from number `since` on, the oldest first.
    pub(super) fn entries(&self, since: u64) -> impl Iterator<Item = Kept<'_>> {
        let first = self.place_where(|record| record.entry >= since);
        (first..self.count).map(|place| self.kept(*self.record(place)))
    }

    /// Returns the records of the events from number `from` up to but not including `to`, the oldest first.
    pub(super) fn events(&self, from: u64, to: u64) -> impl DoubleEndedIterator<Item = Kept<'_>> {
        let [first, end] = [from, to].map(|event| self.place_where(|record| record.event >= event));
        (first..end.max(first)).map(|place| self.kept(*self.record(place)))
    }

    /// Returns the place of the first record that `is_late`, as all after it are.
    fn place_where(&self, is_late: impl Fn(&Record) -> bool) -> usize {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            if is_late(self.record(middle)) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }

    /// Adds a record's text to it.
    fn kept(&self, record: Record) -> Kept<'_> {
        let text = &self.text[record.start as usize..][..record.len()];
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
            Self::Entered { .. } | Self::Named { joined: false, renamed: false } | Self::Left { had_joined: false, .. }
        )
    }
}

impl Record {
    /// Returns the bytes of its text.
    fn len(&self) -> usize {
        usize::from(self.name_len) + usize::from(self.other_len) + self.words_len as usize
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
                ring.push(Kind::Said, n as u64, n as u64, MemberId(0), [&text[0], "", &text[1]]);
                all.push(text);
                let mut room = bytes;
                let fits = |text: &&[String; 2]| {
                    let left = room.checked_sub(text[0].len() + text[1].len());
                    left.map(|left| room = left).is_some()
                };
                let count = all.iter().rev().take(MAX_RECORDS).take_while(fits).count();
                let expected = all[all.len() - count..].iter().map(|[name, words]| (name.as_str(), words.as_str()));
                assert!(ring.entries(0).map(|kept| (kept.name, kept.words)).eq(expected), "{bytes} bytes, {n}");
            }
            // Words that are too long leave everything as it is.
            let before = (ring.count, ring.bytes, ring.next_text);
            ring.push(Kind::Said, 500, 500, MemberId(0), ["", "", &"z".repeat(MAX_TEXT + 1)]);
            assert_eq!((ring.count, ring.bytes, ring.next_text), before);
            let seqs = |from, to| ring.events(from, to).map(|kept| kept.record.event).collect::<Vec<_>>();
            assert_eq!((seqs(499, 500), seqs(500, u64::MAX), seqs(9, 3)), ([499].into(), Vec::new(), Vec::new()));
        }
    }
}
