//! Entries: changes to the conversation, as plain values.

use crate::command::CloseReason;
use crate::id::{MemberId, RoomId};
use crate::moderation::{MaskList, Role, RoomFlags};
use crate::origin::Cloak;

/// A change to the conversation, for [`Conversation::apply`](super::Conversation::apply).
///
/// An entry is complete. Two conversations with the same limits that apply the same entries in the same order are in
/// the same state, whoever proposed the entries, wherever and whenever. Its words are clean already: a program that
/// applies entries from elsewhere trusts whoever cleaned them. Names are checked when the entry is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entry<'a> {
    /// A member enters, without a name of its own.
    Enter {
        /// Who enters; nobody with that number may be here.
        member: MemberId,
        /// Until it has a name it is called `guest-N`, with a number that nobody had before. Without this it is
        /// `anonymous`.
        guest: bool,
        /// It is in the lobby. Without this it is in no room.
        lobby: bool,
        /// What others see of where it comes from; `None` if nobody knows.
        cloak: Option<Cloak>,
    },
    /// A member takes a name. If it has not joined yet, it joins.
    Name {
        /// Who takes it.
        member: MemberId,
        /// The name; the rules may refuse it.
        name: &'a str,
    },
    /// A member joins without a name of its own, because it is about to say something: others in the lobby are told.
    Join {
        /// Who joins.
        member: MemberId,
    },
    /// A member says something to everyone in a room.
    Say {
        /// Who says it. Whether it may is decided before.
        member: MemberId,
        /// Where.
        room: RoomId,
        /// What it says.
        words: &'a str,
        /// When, in nanoseconds of the proposer's clock.
        at: u64,
    },
    /// A member does something that others in a room see (`/me`).
    Act {
        /// Who does it. Whether it may is decided before.
        member: MemberId,
        /// Where.
        room: RoomId,
        /// What it does.
        words: &'a str,
        /// When, in nanoseconds of the proposer's clock.
        at: u64,
    },
    /// A member says something to everyone in a room that no program should answer.
    Notice {
        /// Who says it. Whether it may is decided before.
        member: MemberId,
        /// Where.
        room: RoomId,
        /// What it says.
        words: &'a str,
        /// When, in nanoseconds of the proposer's clock.
        at: u64,
    },
    /// What a member's client says of its user.
    Describe {
        /// Whom.
        member: MemberId,
        /// The user, at most [`MAX_USER`](super::MAX_USER) bytes.
        user: &'a str,
        /// The real name, at most [`MAX_REAL_NAME`](super::MAX_REAL_NAME) bytes.
        real_name: &'a str,
    },
    /// A member is away, or no longer.
    Away {
        /// Who.
        member: MemberId,
        /// Why, at most [`MAX_AWAY`](super::MAX_AWAY) bytes; empty if it is not away any more.
        words: &'a str,
    },
    /// A member says something to one other.
    Tell {
        /// Who says it.
        member: MemberId,
        /// Whom it is for.
        to: MemberId,
        /// What it says.
        words: &'a str,
    },
    /// A member leaves; its name becomes free. It is in no room any more, and rooms that are empty then end.
    Leave {
        /// Who leaves.
        member: MemberId,
        /// Why.
        reason: CloseReason,
        /// What it says on leaving, or the reason that it was given.
        words: &'a str,
    },
    /// The server says something to everyone.
    Announce {
        /// What it says.
        words: &'a str,
        /// When, in nanoseconds of the proposer's clock.
        at: u64,
    },
    /// A member enters a room. If there is none of that name, it begins with the least number that is free, with the
    /// flags [`RoomFlags::NEW`] and this member as operator. An invitation to the room is used up.
    ///
    /// If the member has as many rooms and invitations as it may, its oldest invitation gives way. If it has none, the
    /// entry is rejected.
    EnterRoom {
        /// Who enters.
        member: MemberId,
        /// The room's name; the rules may refuse it.
        name: &'a str,
        /// When, in nanoseconds of the proposer's clock; the room remembers when it began.
        at: u64,
    },
    /// A member leaves a room. If nobody is in it any more and the configuration does not list it, it ends.
    LeaveRoom {
        /// Who leaves.
        member: MemberId,
        /// Which room.
        room: RoomId,
        /// What it says on leaving, at most [`MAX_KICK_WORDS`](super::MAX_KICK_WORDS) bytes; may be empty.
        words: &'a str,
    },
    /// A member is thrown out of a room, which may end as if it had left.
    Kick {
        /// By whom; `None`: by the server.
        by: Option<MemberId>,
        /// Who.
        member: MemberId,
        /// Of which room.
        room: RoomId,
        /// Why; at most [`MAX_KICK_WORDS`](super::MAX_KICK_WORDS) bytes.
        words: &'a str,
    },
    /// A room gets a topic.
    Topic {
        /// Who sets it; `None`: the server. The topic keeps the name that it has now.
        by: Option<MemberId>,
        /// Which room.
        room: RoomId,
        /// The topic, at most [`MAX_TOPIC`](super::MAX_TOPIC) bytes; if it is empty, there is none.
        words: &'a str,
        /// The same with IRC's colours and styles, at most as long; empty if it has none.
        styled: &'a str,
        /// When, in nanoseconds of the proposer's clock.
        at: u64,
    },
    /// A member of a room gets a role in it, or loses it.
    Role {
        /// Who decides it; `None`: the server.
        by: Option<MemberId>,
        /// Whose role.
        member: MemberId,
        /// In which room.
        room: RoomId,
        /// Which role.
        role: Role,
        /// Whether the member has it from now on.
        given: bool,
    },
    /// A room gets other flags.
    Flags {
        /// Who sets them; `None`: the server.
        by: Option<MemberId>,
        /// Which room.
        room: RoomId,
        /// All that are set from now on.
        flags: RoomFlags,
    },
    /// A room gets a key.
    Key {
        /// Who sets it; `None`: the server.
        by: Option<MemberId>,
        /// Which room.
        room: RoomId,
        /// The key, at most [`MAX_ROOM_KEY`](super::MAX_ROOM_KEY) bytes; if it is empty, there is none.
        key: &'a str,
    },
    /// A room gets a limit of members.
    Limit {
        /// Who sets it; `None`: the server.
        by: Option<MemberId>,
        /// Which room.
        room: RoomId,
        /// The most members, 1 and more; 0: no limit.
        limit: u32,
    },
    /// A list of a room gets a mask, or loses it. To list one that is listed, without regard to case, changes nothing.
    Mask {
        /// Who decides it; `None`: the server.
        by: Option<MemberId>,
        /// Which room.
        room: RoomId,
        /// Which list.
        list: MaskList,
        /// The [mask](super#masks), at most [`MAX_MASK`](super::MAX_MASK) bytes.
        mask: &'a str,
        /// The name whose address is banned by this, at most as long as a name may be; empty otherwise, and always in
        /// other lists.
        of: &'a str,
        /// Whether it is listed from now on.
        listed: bool,
        /// When, in nanoseconds of the proposer's clock. The list remembers that, and the name that `by` has now.
        at: u64,
    },
    /// A member is invited to a room. To invite it twice changes nothing.
    Invite {
        /// Who invites it; `None`: the server.
        by: Option<MemberId>,
        /// Who is invited.
        member: MemberId,
        /// To which room.
        room: RoomId,
    },
}

/// The most bytes of words with which somebody is kicked.
pub const MAX_KICK_WORDS: usize = MAX_LAST_WORDS;

/// The most bytes of last words. Leaving must cost little, so this is a quarter of a
/// [notice](crate::dialect::MAX_NOTICE).
pub(crate) const MAX_LAST_WORDS: usize = 256;

impl Entry<'_> {
    /// Returns the member who acts: for a kick, the one who kicks. `None` if the server acts.
    #[must_use]
    pub fn member(&self) -> Option<MemberId> {
        match *self {
            Self::Enter { member, .. }
            | Self::Name { member, .. }
            | Self::Join { member }
            | Self::Say { member, .. }
            | Self::Act { member, .. }
            | Self::Notice { member, .. }
            | Self::Describe { member, .. }
            | Self::Away { member, .. }
            | Self::Tell { member, .. }
            | Self::Leave { member, .. }
            | Self::EnterRoom { member, .. }
            | Self::LeaveRoom { member, .. } => Some(member),
            Self::Announce { .. } => None,
            Self::Kick { by, .. }
            | Self::Topic { by, .. }
            | Self::Role { by, .. }
            | Self::Flags { by, .. }
            | Self::Key { by, .. }
            | Self::Limit { by, .. }
            | Self::Mask { by, .. }
            | Self::Invite { by, .. } => by,
        }
    }
}
