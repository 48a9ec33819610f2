//! The conversation: who is here, who has which name, what was said. No transport, no time, no wire format.
//!
//! A peer's request becomes an [`Entry`], and [`Conversation::apply`] is the only place where an entry changes
//! anything. Its effect depends only on the state and the entry. So conversations that apply the same entries in the
//! same order stay equal, as [`Conversation::digest`] shows. A single [`Hub`](crate::Hub) applies each entry as it
//! arises.
//!
//! ```
//! use chat_proto::conversation::{Conversation, Entry, MemberId};
//! use chat_proto::{Command, Config, Hub, Timestamp};
//!
//! let config = Config::default();
//! let (mut hub, mut follower) = (Hub::new(config.clone())?, Conversation::new(&config)?);
//! let text = hub.dialect("text").expect("a default dialect");
//! let alice = hub.open(Timestamp::ZERO, text)?;
//! hub.receive(Timestamp::ZERO, alice, b"/name alice\nhello\n");
//!
//! // Over the network, say.
//! let mut bytes = Vec::new();
//! hub.conversation().entries(0).for_each(|(_, entry)| entry.encode(&mut bytes));
//! let mut rest = &bytes[..];
//! while !rest.is_empty() {
//!     let (entry, after) = Entry::decode(rest)?;
//!     follower.apply(&entry)?;
//!     rest = after;
//! }
//! assert_eq!(follower.name(MemberId(0)).as_deref(), Some("alice"));
//! assert_eq!(follower.digest(), hub.conversation().digest());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod entry;
pub(crate) mod history;
pub(crate) mod members;
mod owned;
mod ring;

use alloc::string::String;
use core::fmt;
use core::ops::{Bound, RangeBounds};

pub(crate) use self::entry::MAX_LAST_WORDS;
pub use self::entry::{DecodeError, Entry};
pub use self::history::{Event, Recorded};
use self::history::{History, Limits};
use self::members::{Members, mix};
pub use self::owned::OwnedEvent;
use self::ring::Kind;
use crate::command::CloseReason;
use crate::config::{Config, ConfigError};
use crate::fault::Fault;
pub use crate::id::MemberId;
use crate::names::{NameBuf, NameError};

/// Who is here, each member's name, and the latest entries.
#[derive(Debug)]
pub struct Conversation {
    members: Members,
    history: History,
}

/// Why an entry was not applied. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejected {
    /// No member with that number is here.
    NoMember(MemberId),
    /// A member with that number is here already, or the number is out of range.
    NotVacant(MemberId),
    /// The member has joined already.
    HasJoined(MemberId),
    /// The name cannot be taken, at least not now.
    Name(NameError),
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMember(member) => write!(f, "there is no member {}", member.0),
            Self::NotVacant(member) => write!(f, "nobody can come as member {}", member.0),
            Self::HasJoined(member) => write!(f, "member {} has joined already", member.0),
            Self::Name(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Rejected {}

impl Conversation {
    /// Makes a conversation without members, and allocates all of its memory.
    ///
    /// # Errors
    ///
    /// A limit is out of its range.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self::with_limits(config))
    }

    /// Makes a conversation with limits that are in their ranges.
    pub(crate) fn with_limits(config: &Config) -> Self {
        Self {
            members: Members::new(config.names, config.max_name, config.max_sessions),
            history: History::new(Self::history_limits(config)),
        }
    }

    /// Bytes of heap for the members.
    pub(crate) fn members_bound(config: &Config) -> usize {
        Members::memory_bound(config.max_name, config.max_sessions)
    }

    /// Bytes of heap for the history.
    pub(crate) fn history_bound(config: &Config) -> u64 {
        History::memory_bound(Self::history_limits(config))
    }

    /// Returns what is kept: at least as many messages as any newcomer is shown.
    fn history_limits(config: &Config) -> Limits {
        let messages = config.dialects.iter().map(|dialect| dialect.backlog).fold(config.history, usize::max);
        let Config { history: others, history_bytes: bytes, max_line: max_words, max_name, .. } = *config;
        Limits { messages, others, bytes, max_words, max_name }
    }

    /// Applies an entry.
    ///
    /// # Errors
    ///
    /// The entry does not fit the state: for example, two members take the same name, and this entry comes second.
    /// Nothing has changed then, not even the number of entries.
    #[inline]
    pub fn apply(&mut self, entry: &Entry<'_>) -> Result<(), Rejected> {
        self.apply_and_name(entry, &mut NameBuf::new())
    }

    /// Applies an entry. If it changes or removes a member's name, `name` is set to the name before; otherwise it is
    /// unspecified.
    ///
    /// Inlined, because nearly all callers know which entry it is.
    #[inline(always)]
    pub(crate) fn apply_and_name(&mut self, entry: &Entry<'_>, name: &mut NameBuf) -> Result<(), Rejected> {
        match *entry {
            Entry::Enter { member, guest } => self.enter(member, guest),
            Entry::Name { member, name: to } => self.rename(member, to, name),
            Entry::Join { member } => self.join(member, name),
            Entry::Say { member, .. } | Entry::Act { member, .. } => self.apply_message(entry, member, name).map(drop),
            Entry::Tell { member, to, words } => self.tell(member, to, words, name),
            Entry::Leave { member, reason, words } => self.leave(member, reason, words, name),
            Entry::Announce { .. } => {
                self.history.keep_message(entry, "");
                Ok(())
            }
        }
    }

    fn enter(&mut self, member: MemberId, guest: bool) -> Result<(), Rejected> {
        if !self.members.is_vacant(member) {
            return Err(Rejected::NotVacant(member));
        }
        self.members.enter(member, guest);
        self.history.keep_other(Kind::Entered { guest }, member, "", "", "");
        Ok(())
    }

    fn rename(&mut self, member: MemberId, to: &str, name: &mut NameBuf) -> Result<(), Rejected> {
        self.check_is_here(member)?;
        self.members.write_name(member, name);
        let had_joined = self.members.has_joined(member);
        self.members.name(member, to).map_err(Rejected::Name)?;
        let to = self.members.own_name(member).unwrap_or_default();
        let kind = Kind::Named { joined: !had_joined, renamed: name.as_str() != to };
        self.history.keep_other(kind, member, name, to, "");
        Ok(())
    }

    fn join(&mut self, member: MemberId, name: &mut NameBuf) -> Result<(), Rejected> {
        self.check_is_here(member)?;
        if self.members.has_joined(member) {
            return Err(Rejected::HasJoined(member));
        }
        self.members.join(member);
        self.members.write_name(member, name);
        self.history.keep_other(Kind::Joined, member, name, "", "");
        Ok(())
    }

    fn tell(&mut self, member: MemberId, to: MemberId, words: &str, name: &mut NameBuf) -> Result<(), Rejected> {
        self.check_is_here(member)?;
        self.check_is_here(to)?;
        self.members.write_name(member, name);
        self.history.keep_other(Kind::Told { to }, member, name, self.members.name_of(to).as_str(), words);
        Ok(())
    }

    fn leave(
        &mut self,
        member: MemberId,
        reason: CloseReason,
        words: &str,
        name: &mut NameBuf,
    ) -> Result<(), Rejected> {
        self.check_is_here(member)?;
        self.members.write_name(member, name);
        let had_joined = self.members.has_joined(member);
        self.members.leave(member);
        if !Fault::EntryUnrecorded.is_planted() {
            self.history.keep_other(Kind::Left { reason, had_joined }, member, name, "", words);
        }
        Ok(())
    }

    fn check_is_here(&self, member: MemberId) -> Result<(), Rejected> {
        if self.members.is_here(member) { Ok(()) } else { Err(Rejected::NoMember(member)) }
    }

    /// Applies a member's message to everyone, and returns the member's name. `made` is a buffer for the name of a
    /// member without one of its own. Nearly all have one, which is borrowed and not copied.
    #[inline(always)]
    pub(crate) fn apply_message<'a>(
        &'a mut self,
        entry: &Entry<'_>,
        member: MemberId,
        made: &'a mut NameBuf,
    ) -> Result<&'a str, Rejected> {
        if !self.members.is_here(member) {
            return Err(Rejected::NoMember(member));
        }
        let name = if let Some(name) = self.members.own_name(member) {
            name
        } else {
            self.members.write_name(member, made);
            made.as_str()
        };
        self.history.keep_message(entry, name);
        Ok(name)
    }

    /// Returns a member's name: `alice`, `guest-7`, `anonymous`.
    #[must_use]
    pub fn name(&self, member: MemberId) -> Option<String> {
        self.members.is_here(member).then(|| self.members.name_of(member).as_str().into())
    }

    /// Returns whether a new member may take the name.
    pub(crate) fn may_have(&self, name: &str) -> Result<(), NameError> {
        self.members.may_have(name)
    }

    /// Returns how many entries were applied.
    #[must_use]
    pub fn applied(&self) -> u64 {
        self.history.entries()
    }

    /// Returns the kept entries from number `since` on, with their numbers, oldest first. The first entry ever has the
    /// number 0, and each is one more. A gap stands for entries that were overwritten, or that a dialect decoded to
    /// more than [`Config::max_line`] bytes.
    pub fn entries(&self, since: u64) -> impl Iterator<Item = (u64, Entry<'_>)> {
        self.history.entries_since(since)
    }

    /// Returns the kept events from number `since` on, oldest first.
    pub fn events(&self, since: u64) -> impl Iterator<Item = Recorded<'_>> {
        self.history.events(since)
    }

    /// Returns the messages to everyone that are kept and whose numbers are in a range, oldest first. To find them
    /// takes a binary search.
    ///
    /// ```
    /// use chat_proto::conversation::{Conversation, Entry};
    ///
    /// let mut conversation = Conversation::new(&chat_proto::Config::default())?;
    /// for words in ["one", "two", "three", "four", "five"] {
    ///     conversation.apply(&Entry::Announce { words })?;
    /// }
    /// let numbers = |messages: Vec<chat_proto::conversation::Recorded<'_>>| -> Vec<u64> {
    ///     messages.iter().map(|message| message.seq).collect()
    /// };
    /// let latest = conversation.messages(..).rev().take(2).collect();
    /// let before = conversation.messages(..2).rev().take(1).collect();
    /// let after = conversation.messages(3..).take(1).collect();
    /// let between = conversation.messages(1..4).collect();
    /// assert_eq!([latest, before, after, between].map(numbers), [vec![4, 3], vec![1], vec![3], vec![1, 2, 3]]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn messages(&self, range: impl RangeBounds<u64>) -> impl DoubleEndedIterator<Item = Recorded<'_>> {
        let from = match range.start_bound() {
            Bound::Included(from) => *from,
            Bound::Excluded(last) => last.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let to = match range.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(to) => *to,
            Bound::Unbounded => u64::MAX,
        };
        self.history.messages(from, to)
    }

    /// Returns how many events there were: the number of the next one.
    #[must_use]
    pub fn next_event(&self) -> u64 {
        self.history.next_event()
    }

    /// Returns a number that is equal for conversations in the same state, and most likely different for any other.
    ///
    /// It is updated with each change, so reading it costs nothing. Of the history it covers only how many entries
    /// there were.
    #[must_use]
    pub fn digest(&self) -> u64 {
        mix(self.members.digest(), self.history.digest())
    }

    #[inline]
    pub(crate) fn members(&self) -> &Members {
        &self.members
    }

    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// Finds the member of that name.
    pub(crate) fn find(&self, name: &str) -> Option<MemberId> {
        self.members.find(name)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::command::CloseReason;

    const ANN: MemberId = MemberId(3);
    const BOB: MemberId = MemberId(0);

    fn conversation(history: usize) -> Conversation {
        let config = Config { max_sessions: 6, history, ..Config::default() };
        Conversation::new(&config).expect("the limits are in range")
    }

    fn apply_all(conversation: &mut Conversation, entries: &[Entry<'_>]) {
        for entry in entries {
            assert_eq!(conversation.apply(entry), Ok(()), "{entry:?}");
        }
    }

    /// A member enters, says something, takes a name, sends a private message, and leaves.
    const STORY: [Entry<'_>; 9] = [
        Entry::Enter { member: ANN, guest: true },
        Entry::Enter { member: BOB, guest: false },
        Entry::Join { member: ANN },
        Entry::Say { member: ANN, words: "hello" },
        Entry::Name { member: ANN, name: "ann" },
        Entry::Name { member: BOB, name: "bob" },
        Entry::Tell { member: ANN, to: BOB, words: "psst" },
        Entry::Leave { member: ANN, reason: CloseReason::Quit, words: "bye" },
        Entry::Announce { words: "tea" },
    ];

    #[test]
    fn events_have_the_names_of_their_time() {
        let mut conversation = conversation(100);
        apply_all(&mut conversation, &STORY);
        let events: Vec<_> = conversation.events(0).map(|recorded| (recorded.seq, recorded.event)).collect();
        let expected = [
            Event::Joined { name: "guest-1" },
            Event::Said { name: "guest-1", words: "hello" },
            Event::Renamed { from: "guest-1", to: "ann" },
            Event::Joined { name: "bob" },
            Event::Told { from: "ann", to: "bob", words: "psst" },
            Event::Left { name: "ann", reason: CloseReason::Quit, words: "bye" },
            Event::Announced { words: "tea" },
        ];
        assert_eq!(events, (0..).zip(expected).collect::<Vec<_>>());
        assert_eq!(conversation.events(5).next().map(|recorded| recorded.seq), Some(5));
        assert_eq!(conversation.events(7).count(), 0);
    }

    #[test]
    fn kept_entries_are_those_that_were_applied() {
        let mut conversation = conversation(100);
        apply_all(&mut conversation, &STORY);
        assert!(conversation.entries(0).eq((0..).zip(STORY)));
        assert!(conversation.entries(6).eq((6..).zip(STORY[6..].iter().copied())));
    }

    #[test]
    fn a_follower_learns_how_many_it_missed() {
        let mut conversation = conversation(2);
        apply_all(&mut conversation, &STORY);
        // Many others come and go without saying anything.
        for _ in 0..5 {
            let reason = CloseReason::Eof;
            let member = MemberId(5);
            apply_all(
                &mut conversation,
                &[Entry::Enter { member, guest: true }, Entry::Leave { member, reason, words: "" }],
            );
        }
        // Messages are kept apart, as many as a newcomer may be shown. Of the other events the last two are kept.
        let seqs: Vec<_> = conversation.events(0).map(|recorded| recorded.seq).collect();
        assert_eq!(seqs, [1, 4, 5, 6]);
        let seqs: Vec<_> = conversation.entries(0).map(|(seq, _)| seq).collect();
        assert_eq!(seqs, [3, 6, 7, 8, 17, 18]);
        assert_eq!(conversation.applied(), 19);
    }

    #[test]
    fn what_does_not_fit_the_state_changes_nothing() {
        let mut conversation = conversation(100);
        apply_all(&mut conversation, &STORY[..6]);
        let before = conversation.digest();
        let (nobody, too_high) = (MemberId(1), MemberId(6));
        for (entry, rejected) in [
            (Entry::Enter { member: BOB, guest: true }, Rejected::NotVacant(BOB)),
            (Entry::Enter { member: too_high, guest: true }, Rejected::NotVacant(too_high)),
            (Entry::Join { member: ANN }, Rejected::HasJoined(ANN)),
            (Entry::Name { member: BOB, name: "ANN" }, Rejected::Name(NameError::Taken)),
            (Entry::Say { member: nobody, words: "boo" }, Rejected::NoMember(nobody)),
            (Entry::Act { member: too_high, words: "waves" }, Rejected::NoMember(too_high)),
            (Entry::Tell { member: ANN, to: nobody, words: "psst" }, Rejected::NoMember(nobody)),
            (Entry::Leave { member: nobody, reason: CloseReason::Eof, words: "" }, Rejected::NoMember(nobody)),
        ] {
            assert_eq!(conversation.apply(&entry), Err(rejected), "{entry:?}");
        }
        assert_eq!((conversation.digest(), conversation.applied()), (before, 6));
    }

    #[test]
    fn another_state_has_another_digest() {
        let mut digests = Vec::new();
        let mut one = conversation(0);
        for entry in STORY {
            apply_all(&mut one, &[entry]);
            digests.push(one.digest());
        }
        let (one, five) = (MemberId(1), MemberId(5));
        for story in [
            &[Entry::Enter { member: ANN, guest: false }][..],
            &[Entry::Enter { member: one, guest: true }, Entry::Announce { words: "tea" }],
            &[Entry::Enter { member: five, guest: true }, Entry::Join { member: five }],
        ] {
            let mut other = conversation(0);
            apply_all(&mut other, story);
            digests.push(other.digest());
        }
        digests.sort_unstable();
        assert!(digests.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
