//! A log: one bounded ring of encoded messages, read through any number of cursors.
//!
//! The log knows bytes, sequence numbers, stamps and readers; nothing of names, dialects or rooms.

use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;

use crate::fault::Fault;

/// A ring of encoded messages; the oldest go when the bytes or the entries run out.
#[derive(Debug)]
pub(crate) struct Log {
    /// The bytes of the entries, at their position modulo the length.
    ring: Vec<u8>,
    entries: VecDeque<Entry>,
    /// How many bytes and entries it may hold. It has memory for fewer while no more are needed.
    max_bytes: u32,
    max_entries: u32,
    /// The number of the oldest entry kept.
    tail: u64,
    /// The position of the oldest entry's first byte, counted from the log's beginning.
    tail_position: u64,
    /// The position at which the next entry will begin, and where in the ring that is.
    head_position: u64,
    head_index: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The position after its last byte.
    end: u64,
    /// The author, who must skip it; `None` if the author's cursor was at the head.
    author: Option<Author>,
    /// How far on the author's next entry is, if the author had read neither when it was appended; else 0.
    next_own: u32,
    /// When it was appended, in the order of all logs.
    stamp: u64,
}

/// The reader that wrote an entry, and so does not read it.
///
/// One more than the number with which the log's user finds the reader's cursor.
type Author = core::num::NonZeroU32;

/// A reader's position in a log.
///
/// A reader is not shown what it wrote itself. Its own entries ahead of it form a list through the log, so that
/// skipping them costs nothing for the entries of others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    /// The number of the next entry to read.
    pub(crate) next: u64,
    /// The first entry of its own at or after `next`, or [`NONE`].
    own_first: u64,
    /// How far on the last of them is.
    own_span: u32,
    /// How many of its own were evicted at or after `next`, so that they are not counted as missed.
    own_evicted: u32,
}

/// For how many bytes and entries a growing log has memory at first.
const FIRST_BYTES: usize = 512;
const FIRST_ENTRIES: usize = 8;

/// No entry.
const NONE: u64 = u64::MAX;

/// Finds the cursors of authors.
pub(crate) trait Readers {
    /// Returns the cursor of the reader of that number with which it reads the entry `seq`, which it wrote, unless it
    /// is gone or reads another log.
    fn cursor(&mut self, reader: u32, seq: u64) -> Option<&mut Cursor>;
}

impl Cursor {
    /// Makes a cursor that will read what is appended from now on.
    pub(crate) fn at_head(log: &Log) -> Self {
        Self { next: log.head(), own_first: NONE, own_span: 0, own_evicted: 0 }
    }

    /// Moves past the reader's own entries, up to `end`, and returns the number of the next entry of others. If that
    /// entry was evicted, the reader lags.
    pub(crate) fn skip_own(&mut self, log: &Log, end: u64) -> u64 {
        if self.next < log.tail {
            if self.next + u64::from(self.own_evicted) < log.tail.min(end) {
                return self.next;
            }
            // Only its own entries were evicted, while a batch with those before them was being written.
            (self.next, self.own_evicted) = (log.tail, 0);
        }
        while self.next == self.own_first {
            let link = log.entry(self.next).next_own;
            self.advance_own(link);
            self.next += 1;
        }
        self.next
    }

    /// Returns the end of what can be read in one piece: the reader's next own entry, or `limit`.
    pub(crate) fn stretch(&self, limit: u64) -> u64 {
        self.own_first.min(limit)
    }

    /// Moves a reader that has fallen behind to the oldest entry kept. Returns how many entries of others before `end`
    /// it missed.
    pub(crate) fn catch_up(&mut self, log: &Log, end: u64) -> u64 {
        let missed = log.tail.min(end).saturating_sub(self.next + u64::from(self.own_evicted));
        if !Fault::CursorStaysOnSkip.is_planted() {
            self.next = self.next.max(log.tail);
        }
        self.own_evicted = 0;
        missed
    }

    /// Records that the reader wrote the entry `seq` and has something to read before it.
    fn wrote(&mut self, seq: u64, log: &mut Log) {
        debug_assert!(self.next < seq, "what comes next is stepped over at once");
        if self.own_first == NONE {
            (self.own_first, self.own_span) = (seq, 0);
            return;
        }
        // Entries that are not evicted are within `max_entries`, so the distances fit a u32.
        let last = self.own_first + u64::from(self.own_span);
        log.entry_mut(last).next_own = (seq - last) as u32;
        self.own_span = (seq - self.own_first) as u32;
    }

    /// Moves from the first of the reader's own entries to the next one, which is so much further on; 0: there is none.
    fn advance_own(&mut self, link: u32) {
        self.own_first = if link == 0 { NONE } else { self.own_first + u64::from(link) };
        self.own_span = self.own_span.saturating_sub(link);
    }

    fn evicted(&mut self, seq: u64, entry: Entry) {
        if self.own_first == seq {
            self.advance_own(entry.next_own);
            debug_assert!(self.next < seq, "what comes next is stepped over at once");
            if !Fault::OwnCountedAsMissed.is_planted() {
                self.own_evicted = self.own_evicted.saturating_add(1);
            }
        }
    }
}

impl Log {
    /// Makes an empty log of `bytes` bytes and `entries` entries, allocated at once.
    pub(crate) fn new(bytes: usize, entries: usize) -> Self {
        Self::with_memory([bytes, entries], [bytes, entries])
    }

    /// Makes an empty log of that size that takes little memory at first, and more when its readers are behind. As long
    /// as they keep up, all that is used of it lies close together, and close to what others of its kind use.
    pub(crate) fn growing(bytes: usize, entries: usize) -> Self {
        Self::with_memory([bytes, entries], [bytes.min(FIRST_BYTES), entries.min(FIRST_ENTRIES)])
    }

    fn with_memory([max_bytes, max_entries]: [usize; 2], [bytes, entries]: [usize; 2]) -> Self {
        debug_assert!(u32::try_from(max_bytes.max(max_entries)).is_ok(), "`Config` allows 1 GiB");
        Self {
            ring: vec![0; bytes],
            entries: VecDeque::with_capacity(entries),
            max_bytes: max_bytes as u32,
            max_entries: max_entries as u32,
            tail: 0,
            tail_position: 0,
            head_position: 0,
            head_index: 0,
        }
    }

    /// Bytes of heap for a log of that size, but for what is there twice while it [grows](Self::memory_to_grow).
    pub(crate) const fn memory_bound(bytes: usize, entries: usize) -> usize {
        bytes + entries * size_of::<Entry>()
    }

    /// The most bytes of heap that are there twice for a moment while a log of that size grows.
    pub(crate) const fn memory_to_grow(bytes: usize, entries: usize) -> usize {
        let entries = entries * size_of::<Entry>();
        if bytes > entries { bytes } else { entries }
    }

    /// Returns the number of the oldest entry kept.
    pub(crate) fn tail(&self) -> u64 {
        self.tail
    }

    /// Returns the number that the next entry will have.
    pub(crate) fn head(&self) -> u64 {
        self.tail + self.entries.len() as u64
    }

    /// Returns how many bytes were ever appended.
    pub(crate) fn head_position(&self) -> u64 {
        self.head_position
    }

    /// Returns how many bytes and how many entries it holds.
    pub(crate) fn held(&self) -> [usize; 2] {
        [(self.head_position - self.tail_position) as usize, self.entries.len()]
    }

    /// Appends an entry and evicts as many of the oldest as it needs room for.
    ///
    /// # Panics
    ///
    /// If the entry is longer than the log, which `Config` rules out.
    #[inline(always)]
    pub(crate) fn append(&mut self, bytes: &[u8], stamp: u64, author: Option<u32>, readers: &mut impl Readers) {
        assert!(bytes.len() <= self.max_bytes as usize, "no entry is longer than the log");
        debug_assert!(!bytes.is_empty(), "an entry is something to read");
        let end = self.head_position + bytes.len() as u64;
        while self.entries.len() == self.entries.capacity() || end - self.tail_position > self.ring.len() as u64 {
            if !self.grow(end) {
                self.evict(readers);
            }
        }
        if Fault::EvictOneTooMany.is_planted() {
            self.evict(readers);
        }
        let (first, second) = bytes.split_at(bytes.len().min(self.ring.len() - self.head_index));
        self.ring[self.head_index..][..first.len()].copy_from_slice(first);
        self.head_index += first.len();
        if self.head_index == self.ring.len() {
            self.ring[..second.len()].copy_from_slice(second);
            self.head_index = second.len();
        }
        self.head_position = end;
        let seq = self.head();
        self.entries.push_back(Entry { end, author: None, next_own: 0, stamp });
        let Some((author, cursor)) = author.and_then(|author| Some((author, readers.cursor(author, seq)?))) else {
            return;
        };
        if cursor.next == seq {
            // The author has read everything before it, so it moves past its own entry at once.
            cursor.next += 1;
        } else {
            cursor.wrote(seq, self);
            self.entry_mut(seq).author = Author::new(author + 1);
        }
    }

    /// Forgets all entries, which everyone has read, and begins at the start of the ring again: so a log whose readers
    /// keep up stays in the few bytes of memory that it has touched last.
    #[inline]
    pub(crate) fn restart(&mut self) {
        self.tail = self.head();
        self.tail_position = self.head_position;
        self.entries.clear();
        self.head_index = 0;
    }

    /// Takes more memory, if it may, for one more entry, which ends at the position `end`; returns whether it has.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, end: u64) -> bool {
        let (max_bytes, max_entries) = (self.max_bytes as usize, self.max_entries as usize);
        let (entries, room) = (self.entries.len(), self.entries.capacity());
        if entries == room && room < max_entries {
            self.entries.reserve_exact((4 * room).min(max_entries) - entries);
            return true;
        }
        let (wanted, len) = ((end - self.tail_position) as usize, self.ring.len());
        if wanted <= len || len == max_bytes {
            return false;
        }
        // From now on the oldest byte is at the start.
        let oldest = self.index(self.tail_position) % len;
        self.ring.rotate_left(oldest);
        self.head_index = self.held()[0];
        let larger = wanted.max(2 * len).min(max_bytes);
        self.ring.reserve_exact(larger - len);
        self.ring.resize(larger, 0);
        true
    }

    #[inline(always)]
    fn evict(&mut self, readers: &mut impl Readers) {
        let Some(entry) = self.entries.pop_front() else { return };
        if let Some(cursor) = entry.author.and_then(|author| readers.cursor(author.get() - 1, self.tail)) {
            cursor.evicted(self.tail, entry);
        }
        self.tail += 1;
        self.tail_position = entry.end;
    }

    /// Returns the stamp of an entry that is kept.
    pub(crate) fn stamp(&self, seq: u64) -> u64 {
        self.entry(seq).stamp
    }

    /// Returns the first entry from `from` on that has that stamp or a later one.
    pub(crate) fn first_at(&self, from: u64, stamp: u64) -> u64 {
        let index = self.entries.partition_point(|entry| entry.stamp < stamp);
        (self.tail + index as u64).max(from)
    }

    /// Returns the bytes of the entries from `from` up to but not including `to`: two slices, where the ring wraps.
    #[inline(always)] // Nearly all sessions need it at one place only.
    pub(crate) fn bytes(&self, from: u64, to: u64) -> [&[u8]; 2] {
        self.range(self.start(from), self.start(to))
    }

    /// Returns how many bytes the entries from `from` up to `to` have.
    pub(crate) fn len(&self, from: u64, to: u64) -> usize {
        (self.start(to) - self.start(from)) as usize
    }

    /// Returns the largest `to` such that the entries from `from` up to it have at most `max` bytes, but at least one.
    #[inline(always)] // Nearly all sessions need it at one place only.
    pub(crate) fn fit(&self, from: u64, to: u64, max: usize) -> u64 {
        if self.len(from, to) <= max {
            return to;
        }
        let position = self.start(from) + max as u64;
        let index = self.entries.partition_point(|entry| entry.end <= position);
        (self.tail + index as u64).max(from + 1)
    }

    /// Returns the ends of the entries from `from` up to `to`, counted in bytes from the first.
    #[inline]
    pub(crate) fn ends(&self, from: u64, to: u64) -> impl Iterator<Item = u32> + '_ {
        let start = self.start(from);
        let range = (from - self.tail) as usize..(to - self.tail) as usize;
        self.entries.range(range).map(move |entry| (entry.end - start) as u32)
    }

    fn range(&self, start: u64, end: u64) -> [&[u8]; 2] {
        let (at, len) = (self.index(start), (end - start) as usize);
        let first = len.min(self.ring.len() - at);
        [&self.ring[at..at + first], &self.ring[..len - first]]
    }

    /// Returns the position of an entry's first byte; of the head, where the next will begin.
    fn start(&self, seq: u64) -> u64 {
        if seq == self.tail { self.tail_position } else { self.entry(seq - 1).end }
    }

    /// Returns where in the ring the byte at a position is, which is no further back than the ring is long.
    fn index(&self, position: u64) -> usize {
        let back = (self.head_position - position) as usize;
        if back <= self.head_index { self.head_index - back } else { self.head_index + self.ring.len() - back }
    }

    fn entry(&self, seq: u64) -> &Entry {
        &self.entries[(seq - self.tail) as usize]
    }

    fn entry_mut(&mut self, seq: u64) -> &mut Entry {
        &mut self.entries[(seq - self.tail) as usize]
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    struct Two(Vec<Cursor>);

    impl Readers for Two {
        fn cursor(&mut self, reader: u32, _: u64) -> Option<&mut Cursor> {
            self.0.get_mut(reader as usize)
        }
    }

    fn text(slices: [&[u8]; 2]) -> String {
        slices.iter().map(|s| core::str::from_utf8(s).expect("ASCII")).collect()
    }

    #[test]
    fn the_oldest_entries_are_evicted_when_bytes_or_entries_run_out() {
        let (mut log, mut none) = (Log::new(10, 3), Two(Vec::new()));
        for line in ["aa", "bb", "cc", "dd"] {
            log.append(line.as_bytes(), 0, None, &mut none);
        }
        assert_eq!((log.tail(), log.head()), (1, 4), "three entries at most");
        assert_eq!(text(log.bytes(1, 4)), "bbccdd");
        log.append(b"0123456", 0, None, &mut none);
        assert_eq!((log.tail(), log.head()), (3, 5), "ten bytes at most");
        assert_eq!(text(log.bytes(3, 5)), "dd0123456");
        log.append(b"0123456789", 0, None, &mut none);
        assert_eq!((log.tail(), log.head()), (5, 6), "an entry as long as the log");
        assert_eq!(text(log.bytes(5, 6)), "0123456789");
    }

    #[test]
    fn a_log_that_restarts_is_empty_and_goes_on_counting_at_the_start_of_its_memory() {
        let (mut log, mut none) = (Log::new(16, 8), Two(Vec::new()));
        for line in ["abc", "defg"] {
            log.append(line.as_bytes(), 0, None, &mut none);
        }
        log.restart();
        assert_eq!((log.tail(), log.head(), log.held()), (2, 2, [0, 0]));
        log.append(b"hi", 0, None, &mut none);
        assert_eq!((text(log.bytes(2, 3)).as_str(), log.head_index), ("hi", 2));
    }

    /// Compares a log that grows with one that has all of its memory, read by somebody who is behind now and then.
    #[test]
    fn a_log_that_grows_holds_the_same_and_takes_memory_only_when_it_needs_it() {
        let (bytes, entries) = (5_000, 100);
        let (mut grows, mut whole, mut none) =
            (Log::growing(bytes, entries), Log::new(bytes, entries), Two(Vec::new()));
        let memory = |log: &Log| (log.ring.len(), log.entries.capacity());
        for n in 0..2_000_usize {
            let line = [b'a' + (n % 26) as u8; 300];
            let line = &line[..=7 * n % if n < 1_000 { 60 } else { 300 }];
            for log in [&mut grows, &mut whole] {
                if n < 500 && n % 3 == 0 {
                    log.restart();
                }
                log.append(line, n as u64, None, &mut none);
            }
            let (tail, head) = (grows.tail(), grows.head());
            assert_eq!((tail, head, grows.held()), (whole.tail(), whole.head(), whole.held()), "{n}");
            assert_eq!(text(grows.bytes(tail, head)), text(whole.bytes(tail, head)), "{n}");
            assert!(n != 499 || memory(&grows) == (FIRST_BYTES, FIRST_ENTRIES), "its readers have kept up");
        }
        assert_eq!(memory(&grows), (bytes, entries));
        grows.append(&[0; 5_000], 0, None, &mut none);
        assert_eq!((grows.held(), memory(&grows)), ([5_000, 1], (bytes, entries)));
    }

    #[test]
    fn as_many_whole_entries_as_fit_are_handed_out() {
        let (mut log, mut none) = (Log::new(16, 8), Two(Vec::new()));
        for line in ["abc", "defg", "h", "ij", "klmno"] {
            log.append(line.as_bytes(), 0, None, &mut none);
        }
        assert_eq!(log.fit(0, 5, 8), 3, "abc, defg and h, not half of the next");
        assert_eq!(log.fit(1, 5, 1), 2, "one at least");
        assert_eq!(log.fit(0, 5, 15), 5);
        assert_eq!(log.ends(1, 3).collect::<Vec<_>>(), [4, 5]);
    }

    #[test]
    fn an_author_at_the_head_moves_past_its_own_entry_at_once() {
        let mut log = Log::new(100, 4);
        let mut readers = Two(vec![Cursor::at_head(&log); 2]);
        for _ in 0..10 {
            log.append(b"0", 0, Some(0), &mut readers);
            assert_eq!((readers.0[0].next, readers.0[0].own_first), (log.head(), NONE));
        }
        assert_eq!(readers.0[0].catch_up(&log, log.head()), 0);
        assert_eq!(readers.0[1].catch_up(&log, log.head()), 6);
    }

    #[test]
    fn own_entries_evicted_while_a_batch_is_written_are_skipped() {
        let mut log = Log::new(100, 2);
        let mut readers = Two(vec![Cursor::at_head(&log); 2]);
        for (line, author) in [("0", 1), ("1", 0), ("2", 0), ("3", 0)] {
            log.append(line.as_bytes(), 0, Some(author), &mut readers);
        }
        // The first reader has got 0 in a batch. Evicted are 0 and 1, its own.
        readers.0[0].next = 1;
        assert_eq!(readers.0[0].skip_own(&log, log.head()), log.head());
        // Where others wrote some of them, it has missed those.
        assert_eq!((readers.0[1].skip_own(&log, log.head()), readers.0[1].catch_up(&log, log.head())), (1, 1));
    }

    #[test]
    fn a_reader_skips_its_own_and_counts_only_what_others_wrote() {
        let mut log = Log::new(100, 4);
        let mut readers = Two(vec![Cursor::at_head(&log); 2]);
        for (line, author) in [("0", 0), ("1", 1), ("2", 0), ("3", 0)] {
            log.append(line.as_bytes(), 0, Some(author), &mut readers);
        }
        let mut cursor = readers.0[0];
        assert_eq!(cursor.skip_own(&log, log.head()), 1);
        assert_eq!(cursor.stretch(log.head()), 2);
        for (line, author) in [("4", 0), ("5", 1), ("6", 0)] {
            log.append(line.as_bytes(), 0, Some(author), &mut readers);
        }
        // Evicted are 0, 2 (of reader 0) and 1 (of reader 1); the log keeps 3 4 5 6.
        assert_eq!(readers.0[0].catch_up(&log, log.head()), 1);
        assert_eq!(readers.0[0].skip_own(&log, log.head()), 5);
        assert_eq!(readers.0[0].stretch(log.head()), 6);
        assert_eq!(readers.0[1].catch_up(&log, log.head()), 2);
        assert_eq!(readers.0[1].skip_own(&log, log.head()), 3);
        assert_eq!(readers.0[1].catch_up(&log, log.head()), 0);
    }
}
