//! The latest entries and events, in no wire format: for newcomers, for followers, and for other servers.

use alloc::boxed::Box;
use alloc::vec;
use core::iter::Peekable;
use core::ops::Range;
use core::str::from_utf8;

use super::entry::{Entry, MAX_LAST_WORDS};
use super::members::mix;
use crate::command::CloseReason;
use crate::fault::Fault;
use crate::id::MemberId;
use crate::names::MAX_MADE_NAME;

/// An event of the conversation, as a follower sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A member has taken a name, or is about to say something for the first time. A connection alone is no event.
    Joined {
        /// Its name.
        name: &'a str,
    },
    /// A member that had joined has left.
    Left {
        /// Its name.
        name: &'a str,
        /// Why.
        reason: CloseReason,
        /// What it said on leaving, or the reason that it was given.
        words: &'a str,
    },
    /// A member has changed its name.
    Renamed {
        /// The name before.
        from: &'a str,
        /// The name now.
        to: &'a str,
    },
    /// A member has said something to everyone.
    Said {
        /// Who.
        name: &'a str,
        /// What.
        words: &'a str,
    },
    /// A member has done something (`/me`).
    Acted {
        /// Who.
        name: &'a str,
        /// What.
        words: &'a str,
    },
    /// A member has said something to one other. Nobody else is to read it: do not log it or pass it on.
    Told {
        /// Who.
        from: &'a str,
        /// To whom.
        to: &'a str,
        /// What.
        words: &'a str,
    },
    /// The server has said something to everyone.
    Announced {
        /// What.
        words: &'a str,
    },
}

/// An event, with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded<'a> {
    /// Its number. The first is 0 and each is one more, so a gap is the number of events that a follower missed.
    pub seq: u64,
    /// Whose event it is; `None` for the server.
    pub member: Option<MemberId>,
    /// What came about.
    pub event: Event<'a>,
}

/// The latest entries, in buffers that are allocated once and reused.
///
/// Messages to everyone, other events, and all other entries are kept apart. So even if many members come and go,
/// newcomers are shown as many messages as ever, and followers learn who joined and left.
#[derive(Debug)]
pub(crate) struct History {
    messages: Ring,
    others: Ring,
    /// Entries that are not events, such as a member that entered and has not joined.
    silent: Ring,
    /// How many entries there were, and how many of them were events.
    entries: u64,
    events: u64,
    /// Only for a planted fault: a number that differs in each process.
    instance: u64,
}

/// A ring of records and of their text. A new record evicts the oldest, as many as its text needs room for.
#[derive(Debug)]
struct Ring {
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
struct Record {
    kind: Kind,
    /// Its number among all entries, and among events if it is one.
    entry: u64,
    event: u64,
    member: MemberId,
    /// Where its text begins: the member's name, another name, and words.
    start: u32,
    name_len: u8,
    other_len: u8,
    words_len: u32,
}

/// A record and its text.
#[derive(Clone, Copy, Debug)]
struct Kept<'a> {
    record: Record,
    name: &'a str,
    other: &'a str,
    words: &'a str,
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

/// The limits of a history.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most messages, and the most of each other kind of entry.
    pub(crate) messages: usize,
    pub(crate) others: usize,
    /// The most bytes of names and words of the messages, and of the other events.
    pub(crate) bytes: usize,
    pub(crate) max_words: usize,
    pub(crate) max_name: usize,
}

impl Limits {
    /// The most bytes of text of a message: its author's name, and words.
    fn message(self) -> usize {
        self.max_name.max(MAX_MADE_NAME) + self.max_words
    }

    /// The most bytes of text of another event: two names, and words.
    fn other(self) -> usize {
        2 * self.max_name.max(MAX_MADE_NAME) + self.max_words.max(MAX_LAST_WORDS)
    }

    /// The most bytes of text of an entry that is no event: two names, and last words.
    fn silent(self) -> usize {
        2 * self.max_name.max(MAX_MADE_NAME) + MAX_LAST_WORDS
    }
}

impl History {
    /// Makes room for as much as the limits say.
    pub(crate) fn new(limits: Limits) -> Self {
        let Limits { messages, others, bytes, .. } = limits;
        Self {
            messages: Ring::new(messages, limits.message(), bytes),
            others: Ring::new(others, limits.other(), bytes),
            silent: Ring::new(others, limits.silent(), bytes),
            entries: 0,
            events: 0,
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

    /// Returns how many entries there were.
    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    /// Returns how many events there were.
    pub(super) fn next_event(&self) -> u64 {
        self.events
    }

    /// Keeps a message to everyone, in place of the oldest.
    #[inline(always)]
    pub(super) fn keep_message(&mut self, entry: &Entry<'_>, name: &str) {
        let (kind, member, words) = match *entry {
            Entry::Say { member, words } => (Kind::Said, member, words),
            Entry::Act { member, words } => (Kind::Acted, member, words),
            Entry::Announce { words } => (Kind::Announced, MemberId(0), words),
            _ => return,
        };
        let (entry, event) = (self.entries, self.events);
        self.entries += 1;
        self.events += 1;
        // No line is longer, but what a dialect decodes from a line may be. Such a message is published and not kept.
        self.messages.push(kind, entry, event, member, [name, "", words]);
    }

    /// Keeps any other entry, in place of the oldest. `name` is the member's name before, and `other` the second name
    /// of the entry, if it has one.
    pub(super) fn keep_other(&mut self, kind: Kind, member: MemberId, name: &str, other: &str, words: &str) {
        let (entry, event) = (self.entries, self.events);
        self.entries += 1;
        self.events += u64::from(kind.is_event());
        if Fault::LocalStateDecides.is_planted() && matches!(kind, Kind::Entered { .. }) {
            self.events += self.instance % 2;
        }
        let ring = if kind.is_event() { &mut self.others } else { &mut self.silent };
        ring.push(kind, entry, event, member, [name, other, words]);
    }

    /// Returns the numbers of the oldest message that is kept and of the next one, among messages alone.
    pub(crate) fn kept_messages(&self) -> Range<u64> {
        self.messages.evicted..self.messages.evicted + self.messages.count as u64
    }

    /// Returns the message of that number among messages alone, if it is kept.
    pub(crate) fn message(&self, number: u64) -> Option<Recorded<'_>> {
        let place = usize::try_from(number.checked_sub(self.messages.evicted)?).ok()?;
        (place < self.messages.count).then(|| self.messages.kept(*self.messages.record(place)).recorded())?
    }

    /// Returns the messages to everyone whose numbers are from `from` up to but not including `to`, oldest first. To
    /// find the first and the last of them takes a binary search each.
    pub(crate) fn messages(&self, from: u64, to: u64) -> impl DoubleEndedIterator<Item = Recorded<'_>> {
        self.messages.events(from, to).filter_map(Kept::recorded)
    }

    /// Returns the kept events from number `since` on, oldest first.
    pub(crate) fn events(&self, since: u64) -> impl Iterator<Item = Recorded<'_>> {
        let events = Merged::of(self.messages.events(since, u64::MAX), self.others.events(since, u64::MAX));
        events.filter_map(Kept::recorded)
    }

    /// Returns the kept entries from number `since` on, with their numbers, oldest first.
    pub(crate) fn entries_since(&self, since: u64) -> impl Iterator<Item = (u64, Entry<'_>)> {
        let events = Merged::of(self.messages.entries(since), self.others.entries(since));
        Merged::of(events, self.silent.entries(since)).map(|kept| (kept.record.entry, kept.as_entry()))
    }

    /// Returns a number that is equal for histories with as many entries and events.
    pub(super) fn digest(&self) -> u64 {
        mix(mix(0, self.entries), self.events)
    }
}

impl Ring {
    /// Makes room for that many records whose text has at most `max_text` bytes each, and `bytes` in all.
    fn new(records: usize, max_text: usize, bytes: usize) -> Self {
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
    fn memory_bound(max_records: usize, max_text: usize, bytes: usize) -> u64 {
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
    fn push(&mut self, kind: Kind, entry: u64, event: u64, member: MemberId, [name, other, words]: [&str; 3]) {
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

    /// Returns the records of the entries from number `since` on, the oldest first.
    fn entries(&self, since: u64) -> impl Iterator<Item = Kept<'_>> {
        let first = self.place_where(|record| record.entry >= since);
        (first..self.count).map(|place| self.kept(*self.record(place)))
    }

    /// Returns the records of the events from number `from` up to but not including `to`, the oldest first.
    fn events(&self, from: u64, to: u64) -> impl DoubleEndedIterator<Item = Kept<'_>> {
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
    fn is_event(self) -> bool {
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

impl<'a> Kept<'a> {
    /// Returns it as followers see it, if it is an event.
    fn recorded(self) -> Option<Recorded<'a>> {
        let event = self.event()?;
        let member = (!matches!(event, Event::Announced { .. })).then_some(self.record.member);
        Some(Recorded { seq: self.record.event, member, event })
    }

    fn event(self) -> Option<Event<'a>> {
        let Self { record, name, other, words } = self;
        Some(match record.kind {
            Kind::Named { joined: true, .. } => Event::Joined { name: other },
            Kind::Named { renamed: true, .. } => Event::Renamed { from: name, to: other },
            Kind::Joined => Event::Joined { name },
            Kind::Said => Event::Said { name, words },
            Kind::Acted => Event::Acted { name, words },
            Kind::Told { .. } => Event::Told { from: name, to: other, words },
            Kind::Left { reason, had_joined: true } => Event::Left { name, reason, words },
            Kind::Announced => Event::Announced { words },
            Kind::Entered { .. } | Kind::Named { .. } | Kind::Left { .. } => return None,
        })
    }

    fn as_entry(self) -> Entry<'a> {
        let Self { record: Record { kind, member, .. }, other, words, .. } = self;
        match kind {
            Kind::Entered { guest } => Entry::Enter { member, guest },
            Kind::Named { .. } => Entry::Name { member, name: other },
            Kind::Joined => Entry::Join { member },
            Kind::Said => Entry::Say { member, words },
            Kind::Acted => Entry::Act { member, words },
            Kind::Told { to } => Entry::Tell { member, to, words },
            Kind::Left { reason, .. } => Entry::Leave { member, reason, words },
            Kind::Announced => Entry::Announce { words },
        }
    }
}

/// Merges the records of two sources in the order of their entries.
struct Merged<'a, A: Iterator<Item = Kept<'a>>, B: Iterator<Item = Kept<'a>>> {
    one: Peekable<A>,
    other: Peekable<B>,
}

impl<'a, A: Iterator<Item = Kept<'a>>, B: Iterator<Item = Kept<'a>>> Merged<'a, A, B> {
    fn of(one: A, other: B) -> Self {
        Self { one: one.peekable(), other: other.peekable() }
    }
}

impl<'a, A: Iterator<Item = Kept<'a>>, B: Iterator<Item = Kept<'a>>> Iterator for Merged<'a, A, B> {
    type Item = Kept<'a>;

    fn next(&mut self) -> Option<Kept<'a>> {
        match (self.one.peek(), self.other.peek()) {
            (Some(one), Some(other)) if other.record.entry < one.record.entry => self.other.next(),
            (None, _) => self.other.next(),
            _ => self.one.next(),
        }
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
