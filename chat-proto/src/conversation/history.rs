//! The latest entries and events, in no wire format: for newcomers, for followers, and for other servers.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::iter::Peekable;
use core::str::from_utf8;

use super::entry::{Entry, MAX_LAST_WORDS};
use super::members::mix;
use crate::command::CloseReason;
use crate::fault::Fault;
use crate::id::MemberId;
use crate::names::{MAX_MADE_NAME, NameBuf};

/// An event of the conversation, as a follower sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A member has joined.
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
    /// A member has said something to one other.
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

/// A ring of records; a new one overwrites the oldest.
#[derive(Debug)]
struct Ring {
    records: Vec<Record>,
    /// The most bytes of text in a record.
    max_text: usize,
    /// The index of the next record, which is the oldest.
    next: usize,
    /// How many records are in use.
    count: usize,
}

/// An entry that was applied, and the names at that time.
#[derive(Debug, Default)]
struct Record {
    kind: Option<Kind>,
    /// Its number among all entries, and among events if it is one.
    entry: u64,
    event: u64,
    member: MemberId,
    name: NameBuf,
    /// Another name, and words: UTF-8, in a buffer that is never reallocated.
    text: Box<[u8]>,
    /// How many of its bytes are in use, and how many of those are the name.
    len: u32,
    split: u8,
}

/// The kind of an entry, and its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

impl History {
    /// Makes room for that many messages and other entries, with words of at most `max_words` bytes.
    pub(crate) fn new(messages: usize, others: usize, max_words: usize, max_name: usize) -> Self {
        Self {
            messages: Ring::new(messages, max_words),
            others: Ring::new(others, Self::max_text(max_words, max_name)),
            silent: Ring::new(others, Self::max_text(0, max_name)),
            entries: 0,
            events: 0,
            instance: Fault::next_instance(),
        }
    }

    /// Bytes of heap for a history of that size.
    pub(crate) const fn memory_bound(messages: usize, others: usize, max_words: usize, max_name: usize) -> u64 {
        let text = Self::max_text(max_words, max_name) + Self::max_text(0, max_name);
        messages as u64 * (size_of::<Record>() + max_words) as u64
            + others as u64 * (2 * size_of::<Record>() + text) as u64
    }

    /// The most bytes of another name together with words.
    const fn max_text(max_words: usize, max_name: usize) -> usize {
        let name = if max_name > MAX_MADE_NAME { max_name } else { MAX_MADE_NAME };
        name + if max_words > MAX_LAST_WORDS { max_words } else { MAX_LAST_WORDS }
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
        if words.len() > self.messages.max_text {
            return;
        }
        let Some(record) = self.messages.next_record() else { return };
        (record.kind, record.entry, record.event, record.member) = (Some(kind), entry, event, member);
        record.name.clear();
        record.name.push_str(name);
        record.set_text("", words);
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
        if other.len() + words.len() > ring.max_text {
            return;
        }
        let Some(record) = ring.next_record() else { return };
        (record.kind, record.entry, record.event, record.member) = (Some(kind), entry, event, member);
        record.name.clear();
        record.name.push_str(name);
        record.set_text(other, words);
    }

    /// Returns the messages to everyone, the latest first.
    pub(crate) fn latest_messages(&self) -> impl DoubleEndedIterator<Item = Event<'_>> + Clone {
        self.messages.in_order().rev().filter_map(Record::event)
    }

    /// Returns the kept events from number `since` on, oldest first.
    pub(crate) fn events(&self, since: u64) -> impl Iterator<Item = Recorded<'_>> {
        let events = Merged::of(self.messages.events_since(since), self.others.events_since(since));
        events.filter_map(|record| {
            let event = record.event()?;
            let member = (!matches!(event, Event::Announced { .. })).then_some(record.member);
            Some(Recorded { seq: record.event, member, event })
        })
    }

    /// Returns the kept entries from number `since` on, with their numbers, oldest first.
    pub(crate) fn entries_since(&self, since: u64) -> impl Iterator<Item = (u64, Entry<'_>)> {
        self.kept()
            .filter(move |record| record.entry >= since)
            .filter_map(|record| Some((record.entry, record.as_entry()?)))
    }

    /// Returns all kept records, oldest first.
    fn kept(&self) -> impl Iterator<Item = &Record> {
        let events = Merged::of(self.messages.in_order(), self.others.in_order());
        Merged::of(events, self.silent.in_order())
    }

    /// Returns a number that is equal for histories with as many entries and events.
    pub(super) fn digest(&self) -> u64 {
        mix(mix(0, self.entries), self.events)
    }
}

impl Ring {
    fn new(records: usize, max_text: usize) -> Self {
        let empty = || Record { text: vec![0; max_text].into(), ..Record::default() };
        Self { records: (0..records).map(|_| empty()).collect(), max_text, next: 0, count: 0 }
    }

    /// Returns the record to overwrite next; `None` if the ring has no records.
    #[inline(always)]
    fn next_record(&mut self) -> Option<&mut Record> {
        let (place, len) = (self.next, self.records.len());
        let record = self.records.get_mut(place)?;
        self.next = if place + 1 == len { 0 } else { place + 1 };
        self.count = self.count.max(place + 1);
        Some(record)
    }

    /// Returns the records, the oldest first.
    fn in_order(&self) -> impl DoubleEndedIterator<Item = &Record> + Clone {
        let (later, earlier) = self.records[..self.count].split_at(self.next.min(self.count));
        earlier.iter().chain(later)
    }

    /// Returns the records of the events from number `since` on, the oldest first. To find the first of them takes two
    /// binary searches, so following along costs what is new, not what is kept.
    fn events_since(&self, since: u64) -> impl Iterator<Item = &Record> {
        let (later, earlier) = self.records[..self.count].split_at(self.next.min(self.count));
        let seen = move |records: &[Record]| records.partition_point(|record| record.event < since);
        earlier[seen(earlier)..].iter().chain(&later[seen(later)..])
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
    /// Copies another name, of at most 255 bytes, and words. There must be room.
    #[inline(always)]
    fn set_text(&mut self, other: &str, words: &str) {
        let (start, len) = (other.len(), other.len() + words.len());
        if start > 0 {
            self.text[..start].copy_from_slice(other.as_bytes());
        }
        if len > start {
            self.text[start..len].copy_from_slice(words.as_bytes());
        }
        (self.len, self.split) = (len as u32, start as u8);
    }

    /// Returns the other name and the words.
    fn parts(&self) -> (&str, &str) {
        let (other, words) = self.text[..self.len as usize].split_at(self.split.into());
        (from_utf8(other).unwrap_or_default(), from_utf8(words).unwrap_or_default())
    }

    fn event(&self) -> Option<Event<'_>> {
        let (name, (other, words)) = (self.name.as_str(), self.parts());
        Some(match self.kind? {
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

    fn as_entry(&self) -> Option<Entry<'_>> {
        let (member, (other, words)) = (self.member, self.parts());
        Some(match self.kind? {
            Kind::Entered { guest } => Entry::Enter { member, guest },
            Kind::Named { .. } => Entry::Name { member, name: other },
            Kind::Joined => Entry::Join { member },
            Kind::Said => Entry::Say { member, words },
            Kind::Acted => Entry::Act { member, words },
            Kind::Told { to } => Entry::Tell { member, to, words },
            Kind::Left { reason, .. } => Entry::Leave { member, reason, words },
            Kind::Announced => Entry::Announce { words },
        })
    }
}

/// Merges the records of two sources in the order of their entries.
struct Merged<'a, A: Iterator<Item = &'a Record>, B: Iterator<Item = &'a Record>> {
    one: Peekable<A>,
    other: Peekable<B>,
}

impl<'a, A: Iterator<Item = &'a Record>, B: Iterator<Item = &'a Record>> Merged<'a, A, B> {
    fn of(one: A, other: B) -> Self {
        Self { one: one.peekable(), other: other.peekable() }
    }
}

impl<'a, A: Iterator<Item = &'a Record>, B: Iterator<Item = &'a Record>> Iterator for Merged<'a, A, B> {
    type Item = &'a Record;

    fn next(&mut self) -> Option<&'a Record> {
        match (self.one.peek(), self.other.peek()) {
            (Some(one), Some(other)) if other.entry < one.entry => self.other.next(),
            (None, _) => self.other.next(),
            _ => self.one.next(),
        }
    }
}
