//! The latest entries and events, in no wire format: for newcomers, for followers, and for other servers.

use core::iter::Peekable;
use core::ops::Range;

use super::entry::{Entry, MAX_LAST_WORDS};
use super::members::mix;
use super::ring::{Kept, Kind, Record, Ring};
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
    #[inline(always)]
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
        self.messages.numbers()
    }

    /// Returns the message of that number among messages alone, if it is kept.
    pub(crate) fn message(&self, number: u64) -> Option<Recorded<'_>> {
        self.messages.get(number)?.recorded()
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
