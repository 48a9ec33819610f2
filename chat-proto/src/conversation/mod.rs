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
//!
//! # Rooms
//!
//! A member is in any number of rooms up to a limit, or in none. The lobby is always there, and so are those that the
//! configuration lists. Any other room begins when somebody enters it and ends when nobody is in it any more. What an
//! entry may do is limited only by what keeps the state whole: whether a member may kick another, say, or may enter a
//! room, is asked before, as with [`Conversation::may_enter`].
//!
//! # Masks
//!
//! A room's lists have masks of the form `name!user@host`. In each part, `*` stands for any run of characters and `?`
//! for one, and case does not count. A name without these also stands for those that look like it, where the [rules for
//! names](crate::NameRules) say so. The user is what a member's client [says of it](Person::user). The host is the
//! [cloak](crate::Cloak), which stands for an address, or `-` for a member without one. What is missing of a mask is
//! `*`. So `ann!*@*` is whoever is called ann, and `*!*@8d3f9a51c2e07b64` is whoever comes from where that cloak stands
//! for.

mod apply;
mod codec;
mod details;
mod entry;
mod event;
pub(crate) mod history;
pub(crate) mod masks;
pub(crate) mod members;
mod memberships;
mod owned;
mod queries;
mod ring;
mod room;
mod room_entries;
mod rooms;

use alloc::string::String;
use core::ops::{Bound, RangeBounds};

pub use self::apply::Rejected;
pub use self::codec::DecodeError;
pub(crate) use self::entry::MAX_LAST_WORDS;
pub use self::entry::{Entry, MAX_KICK_WORDS};
pub use self::event::{Event, Recorded};
use self::history::{History, Limits};
pub use self::masks::ListedMask;
use self::members::{Members, mix};
use self::memberships::Memberships;
pub use self::owned::OwnedEvent;
pub use self::room::{Room, Topic};
use self::rooms::{RoomLimits, Rooms};
use crate::config::{Config, ConfigError};
pub use crate::id::{MemberId, RoomId};
pub use crate::moderation::{MAX_MASK, MAX_MASKS, MAX_ROOM_KEY, MAX_ROOM_NAME, MAX_TOPIC};
use crate::names::NameError;
pub use crate::person::{MAX_AWAY, MAX_REAL_NAME, MAX_USER, Person};

/// Who is here, each member's name, the rooms and who is in them, and the latest entries.
#[derive(Debug)]
pub struct Conversation {
    members: Members,
    rooms: Rooms,
    memberships: Memberships,
    history: History,
}

impl Conversation {
    /// Makes a conversation without members, and allocates its memory, apart from that for rooms besides the lobby.
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
        let limits = RoomLimits::of(config);
        Self {
            members: Members::new(config.names, config.max_name, config.max_sessions),
            rooms: Rooms::new(config),
            memberships: Memberships::new(config.max_sessions, limits.each_in_memory, limits.rooms),
            history: History::new(Self::history_limits(config)),
        }
    }

    /// Bytes of heap for the members.
    pub(crate) fn members_bound(config: &Config) -> usize {
        let details = if config.has_irc() { Members::details_bound(config.max_sessions) } else { 0 };
        Members::memory_bound(config.max_name, config.max_sessions) + details
    }

    /// Bytes of heap for rooms: what all have, who is in them and who is invited, and their messages, apart from those
    /// of the lobby. The most that there can be.
    pub(crate) fn rooms_bound(config: &Config) -> u64 {
        let limits = RoomLimits::of(config);
        Rooms::memory_bound(limits)
            + Memberships::memory_bound(config.max_sessions, limits.each_in_memory, limits.rooms)
            + History::rooms_bound(Self::history_limits(config))
    }

    /// Bytes of heap for what rooms need before there are any but the lobby.
    pub(crate) fn rooms_at_start(config: &Config) -> u64 {
        let limits = RoomLimits::of(config);
        Rooms::memory_at_start(limits)
            + Memberships::memory_at_start(config.max_sessions, limits.each_in_memory, limits.rooms)
            + History::rooms_at_start(Self::history_limits(config))
    }

    /// The most bytes of heap that are there twice for a moment while the messages of a room besides the lobby grow.
    pub(crate) fn memory_to_grow(config: &Config) -> usize {
        History::memory_to_grow(Self::history_limits(config))
    }

    /// Bytes of heap for the history, apart from the messages of rooms besides the lobby.
    pub(crate) fn history_bound(config: &Config) -> u64 {
        History::memory_bound(Self::history_limits(config))
    }

    /// Returns what is kept: at least as many messages as any newcomer is shown.
    fn history_limits(config: &Config) -> Limits {
        let messages = config.dialects.iter().map(|dialect| dialect.backlog).fold(config.history, usize::max);
        let Config { history: others, history_bytes: bytes, max_line: max_words, max_name, .. } = *config;
        let Config { room_history: room_messages, room_history_bytes: room_bytes, .. } = *config;
        let rooms = RoomLimits::of(config).rooms;
        Limits { messages, others, bytes, rooms, room_messages, room_bytes, max_words, max_name }
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
    /// number 0, and each is one more. A gap stands for entries that were overwritten, messages in a room that has
    /// ended, or what a dialect decoded to more than [`Config::max_line`] bytes.
    pub fn entries(&self, since: u64) -> impl Iterator<Item = (u64, Entry<'_>)> {
        self.history.entries_since(since)
    }

    /// Returns the kept events from number `since` on, oldest first.
    pub fn events(&self, since: u64) -> impl Iterator<Item = Recorded<'_>> {
        self.history.events(since)
    }

    /// Returns the messages to everyone in a room that are kept and whose numbers are in a range, oldest first. To find
    /// them takes a binary search. There are none if there is no such room.
    ///
    /// ```
    /// use chat_proto::conversation::{Conversation, Entry, RoomId};
    ///
    /// let mut conversation = Conversation::new(&chat_proto::Config::default())?;
    /// for words in ["one", "two", "three", "four", "five"] {
    ///     conversation.apply(&Entry::Announce { words, at: 0 })?;
    /// }
    /// let numbers = |messages: Vec<chat_proto::conversation::Recorded<'_>>| -> Vec<u64> {
    ///     messages.iter().map(|message| message.seq).collect()
    /// };
    /// let latest = conversation.messages(RoomId::LOBBY, ..).rev().take(2).collect();
    /// let before = conversation.messages(RoomId::LOBBY, ..2).rev().take(1).collect();
    /// let after = conversation.messages(RoomId::LOBBY, 3..).take(1).collect();
    /// let between = conversation.messages(RoomId::LOBBY, 1..4).collect();
    /// assert_eq!([latest, before, after, between].map(numbers), [vec![4, 3], vec![1], vec![3], vec![1, 2, 3]]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn messages(
        &self,
        room: RoomId,
        range: impl RangeBounds<u64>,
    ) -> impl DoubleEndedIterator<Item = Recorded<'_>> {
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
        self.history.messages(room, from, to)
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
        let members = mix(self.members.digest(), self.memberships.digest());
        mix(mix(members, self.rooms.digest()), self.history.digest())
    }

    /// Computes the digest from the whole state.
    #[cfg(test)]
    fn digest_afresh(&self) -> u64 {
        let members = mix(self.members.digest_afresh(), self.memberships.digest_afresh());
        mix(mix(members, self.rooms.digest_afresh()), self.history.digest())
    }

    #[inline]
    pub(crate) fn members(&self) -> &Members {
        &self.members
    }

    /// Finds the member of that name.
    pub(crate) fn find(&self, name: &str) -> Option<MemberId> {
        self.members.find(name)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::room_entries::tests::{ANN, BOB, CAT, HELP, TEA, apply};
    use super::*;
    use crate::command::CloseReason;
    use crate::config::DialectConfig;
    use crate::moderation::{MaskList, Role, RoomFlags};
    use crate::wire::dialect::{Classic, Text};

    pub(super) fn conversation(history: usize) -> Conversation {
        let config = Config { max_sessions: 6, history, ..Config::default() };
        Conversation::new(&config).expect("the limits are in range")
    }

    /// A member enters, says something, takes a name, sends a private message, and leaves.
    pub(super) const STORY: [Entry<'_>; 9] = [
        Entry::Enter { member: ANN, guest: true, lobby: true, cloak: None },
        Entry::Enter { member: BOB, guest: false, lobby: true, cloak: None },
        Entry::Join { member: ANN },
        Entry::Say { member: ANN, room: RoomId::LOBBY, words: "hello", at: 0 },
        Entry::Name { member: ANN, name: "ann" },
        Entry::Name { member: BOB, name: "bob" },
        Entry::Tell { member: ANN, to: BOB, words: "psst" },
        Entry::Leave { member: ANN, reason: CloseReason::Quit, words: "bye" },
        Entry::Announce { words: "tea", at: 0 },
    ];

    #[test]
    fn events_have_the_names_of_their_time() {
        let mut conversation = conversation(100);
        apply(&mut conversation, &STORY);
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
        apply(&mut conversation, &STORY);
        assert!(conversation.entries(0).eq((0..).zip(STORY)));
        assert!(conversation.entries(6).eq((6..).zip(STORY[6..].iter().copied())));
    }

    #[test]
    fn a_follower_learns_how_many_it_missed() {
        let mut conversation = conversation(2);
        apply(&mut conversation, &STORY);
        // Many others come and go without saying anything.
        for _ in 0..5 {
            let reason = CloseReason::Eof;
            let member = MemberId(5);
            apply(
                &mut conversation,
                &[
                    Entry::Enter { member, guest: true, lobby: true, cloak: None },
                    Entry::Leave { member, reason, words: "" },
                ],
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
    fn another_state_has_another_digest() {
        let mut digests = Vec::new();
        let mut one = conversation(0);
        for entry in STORY {
            apply(&mut one, &[entry]);
            digests.push(one.digest());
        }
        let (one, five) = (MemberId(1), MemberId(5));
        for story in [
            &[Entry::Enter { member: ANN, guest: false, lobby: true, cloak: None }][..],
            &[
                Entry::Enter { member: one, guest: true, lobby: true, cloak: None },
                Entry::Announce { words: "tea", at: 0 },
            ],
            &[Entry::Enter { member: five, guest: true, lobby: true, cloak: None }, Entry::Join { member: five }],
        ] {
            let mut other = conversation(0);
            apply(&mut other, story);
            digests.push(other.digest());
        }
        digests.sort_unstable();
        assert!(digests.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn rooms_take_memory_only_where_a_dialect_has_them() {
        let config = room_entries::tests::config();
        let text = DialectConfig::new(Text);
        let of = |config: Config| Conversation::rooms_bound(&config);
        let (with, lobby) = (Config { dialects: vec![text], ..config.clone() }, vec![DialectConfig::new(Classic)]);
        let without = Config { dialects: lobby, ..config };
        assert!(of(without.clone()) < 100_000 && of(with.clone()) > 5 * of(without.clone()));
        assert_eq!(of(without.clone()), of(Config { max_rooms: 200, max_rooms_per_session: 100, ..without }));
        let least = |more: u64| of(with.clone()) + more;
        assert!(of(Config { max_rooms: 6, ..with.clone() }) > least(64 << 10), "the history of a room");
        assert!(
            of(Config { max_rooms_per_session: 4, ..with.clone() }) >= least(6 * 24),
            "a room more for each member"
        );
    }

    #[test]
    fn any_difference_in_a_room_makes_another_digest() {
        let (by, room, member, list) = (Some(ANN), TEA, ANN, MaskList::Bans);
        let silent = Entry::Flags { by, room, flags: RoomFlags::NEW };
        let voice = |member, room| Entry::Role { by, member, room, role: Role::Voice, given: true };
        let mask = |list, mask| Entry::Mask { by, room, list, mask, of: "", listed: true, at: 0 };
        let topic = |by, words, at| Entry::Topic { by, room, words, styled: "", at };
        let enter = |member, name| Entry::EnterRoom { member, name, at: 0 };
        // Each has as many entries, and as many events among those.
        let stories: &[&[Entry<'_>]] = &[
            &[silent, silent],
            &[silent, Entry::Flags { by, room, flags: RoomFlags::HIDDEN }],
            &[silent, Entry::Key { by, room, key: "k" }],
            &[silent, Entry::Key { by, room, key: "l" }],
            &[silent, Entry::Limit { by, room, limit: 1 }],
            &[silent, Entry::Limit { by, room, limit: 2 }],
            &[silent, Entry::Limit { by, room: HELP, limit: 2 }],
            &[silent, voice(ANN, TEA)],
            &[silent, voice(BOB, TEA)],
            &[silent, voice(BOB, RoomId::LOBBY)],
            &[silent, voice(ANN, RoomId::LOBBY)],
            &[silent, Entry::Role { by, member, room, role: Role::Operator, given: false }],
            &[silent, Entry::Role { by, member: BOB, room, role: Role::Operator, given: true }],
            &[silent, mask(list, "a!*")],
            &[silent, mask(list, "b!*")],
            &[silent, mask(MaskList::InviteExceptions, "b!*")],
            &[mask(list, "a!*"), mask(list, "b!*")],
            &[mask(list, "b!*"), mask(list, "a!*")],
            &[silent, Entry::Invite { by, member: CAT, room }],
            &[silent, Entry::Invite { by, member: CAT, room: HELP }],
            &[Entry::Invite { by, member: CAT, room: HELP }, silent],
            &[silent, topic(by, "x", 1)],
            &[silent, topic(by, "y", 1)],
            &[silent, topic(by, "x", 2)],
            &[silent, topic(None, "x", 1)],
            &[silent, topic(by, "", 1)],
            &[silent, Entry::Topic { by, room, words: "x", styled: "\x02x", at: 1 }],
            &[silent, Entry::Mask { by, room, list, mask: "a!*", of: "", listed: true, at: 1 }],
            &[silent, Entry::Mask { by, room, list, mask: "a!*", of: "a", listed: true, at: 0 }],
            &[silent, Entry::Mask { by, room, list, mask: "a!*", of: "b", listed: true, at: 0 }],
            &[silent, Entry::Mask { by: None, room, list, mask: "a!*", of: "", listed: true, at: 0 }],
            &[silent, Entry::EnterRoom { member: CAT, name: "two", at: 1 }],
            &[mask(list, "a!*"), Entry::Mask { by, room: HELP, list, mask: "b!*", of: "", listed: true, at: 0 }],
            &[mask(list, "b!*"), Entry::Mask { by, room: HELP, list, mask: "a!*", of: "", listed: true, at: 0 }],
            &[Entry::Limit { by, room, limit: 2 }, Entry::Limit { by, room: HELP, limit: 1 }],
            &[Entry::Limit { by, room, limit: 1 }, Entry::Limit { by, room: HELP, limit: 2 }],
            &[silent, enter(CAT, "tea")],
            &[enter(CAT, "tea"), silent],
            &[silent, enter(CAT, "help")],
            &[silent, enter(CAT, "two")],
            &[silent, enter(CAT, "Two")],
            &[silent, Entry::LeaveRoom { member: BOB, room, words: "" }],
            &[silent, Entry::LeaveRoom { member: ANN, room, words: "" }],
            &[silent, Entry::LeaveRoom { member: BOB, room: RoomId::LOBBY, words: "" }],
            &[enter(CAT, "tea"), enter(CAT, "help")],
            &[enter(CAT, "help"), enter(CAT, "tea")],
        ];
        let digest_after = |story: &&[Entry<'_>]| {
            let mut conversation = room_entries::tests::conversation();
            apply(&mut conversation, &[enter(ANN, "tea"), enter(BOB, "tea")]);
            apply(&mut conversation, story);
            conversation.digest()
        };
        let digests: Vec<u64> = stories.iter().map(digest_after).collect();
        for (i, digest) in digests.iter().enumerate() {
            let twin = digests[..i].iter().position(|other| other == digest);
            assert_eq!(twin, None, "{:?}", stories[i]);
        }
    }
}
