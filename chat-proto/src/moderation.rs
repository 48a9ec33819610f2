//! What rooms have besides members and messages: roles, flags, lists, and reasons for refusing something.

use core::fmt;
use core::ops::{BitOr, BitOrAssign};

/// The most bytes of a room's name.
pub const MAX_ROOM_NAME: usize = 50;
/// The most bytes of a room's topic, as IRC networks have it.
pub const MAX_TOPIC: usize = 390;
/// The most bytes of a room's key.
pub const MAX_ROOM_KEY: usize = 32;
/// The most bytes of a mask.
pub const MAX_MASK: usize = 128;
/// The most masks in each list of a room.
pub const MAX_MASKS: usize = 64;

/// A role that a member may have in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It keeps order: it sets the topic and the flags, gives roles, kicks and bans. The member who begins a room has
    /// this role.
    Operator,
    /// It may speak in a room that is [moderated](RoomFlags::MODERATED).
    Voice,
}

/// The lists of a room. Their items are [masks](crate::conversation#masks).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskList {
    /// Who may not enter, nor speak without a [role](Role).
    Bans,
    /// Who may enter although a ban matches.
    BanExceptions,
    /// Who may enter without an invitation.
    InviteExceptions,
}

/// The flags of a room, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RoomFlags(u8);

impl RoomFlags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// Only operators set the topic.
    pub const TOPIC_BY_OPERATORS: Self = Self(1);
    /// Only members may speak.
    pub const MEMBERS_SPEAK: Self = Self(2);
    /// Only operators, and those with a voice, may speak.
    pub const MODERATED: Self = Self(4);
    /// Only those who are invited may enter.
    pub const INVITED_ONLY: Self = Self(8);
    /// It is shown to its members only.
    pub const HIDDEN: Self = Self(16);
    /// The flags of a room that somebody has begun.
    pub const NEW: Self = Self(Self::TOPIC_BY_OPERATORS.0 | Self::MEMBERS_SPEAK.0);

    /// Each flag, with its name in configuration files.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::TOPIC_BY_OPERATORS, "topic-by-operators"),
        (Self::MEMBERS_SPEAK, "members-speak"),
        (Self::MODERATED, "moderated"),
        (Self::INVITED_ONLY, "invited-only"),
        (Self::HIDDEN, "hidden"),
    ];

    /// Returns whether all of these flags are set.
    #[must_use]
    pub const fn has(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Returns these flags without some.
    #[must_use]
    pub const fn without(self, flags: Self) -> Self {
        Self(self.0 & !flags.0)
    }

    /// Returns the flags as a byte: a bit for each, in the order of [`ALL`](Self::ALL).
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Returns the flags of a byte; `None` if it has other bits.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits < 32 { Some(Self(bits)) } else { None }
    }
}

impl BitOr for RoomFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for RoomFlags {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

/// Why something about a room is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomError {
    /// The session is in no room.
    InNoRoom,
    /// The session is in rooms, but speaks in none: it was thrown out of the one in which it spoke.
    NoFocus,
    /// There is no room of that name.
    NoSuchRoom,
    /// It is no name for a room.
    InvalidName,
    /// The name looks like that of another room.
    LooksLikeAnother,
    /// There is no such room, and only rooms that the configuration lists may exist.
    NoNewRooms,
    /// There may be no more rooms.
    TooManyRooms {
        /// The limit, [`Config::max_rooms`](crate::Config::max_rooms).
        max: usize,
    },
    /// No more rooms may be begun from the member's [origin](crate::Origin).
    TooManyRoomsFromAddress {
        /// The limit, [`Config::max_rooms_per_address`](crate::Config::max_rooms_per_address).
        max: usize,
    },
    /// The member may be in no more rooms. A room that it has left counts until it has read the last messages.
    InTooManyRooms {
        /// The limit, [`Config::max_rooms_per_session`](crate::Config::max_rooms_per_session).
        max: usize,
    },
    /// The dialect of the session shows only the lobby.
    OneRoomOnly,
    /// The member is not in that room.
    NotIn,
    /// A ban matches.
    Banned,
    /// A ban matches, and the member has no role in the room: it is there and may not speak.
    Silenced,
    /// A ban of a room that the member is in matches the name.
    NameBanned,
    /// Only those who are invited may enter.
    InvitedOnly,
    /// The room has a key, and this is not it.
    WrongKey,
    /// The room may have no more members.
    RoomFull,
    /// Only operators may do this.
    NotOperator,
    /// The room is moderated, and the member has no voice.
    NoVoice,
    /// The other is not in this room.
    OtherNotIn,
    /// The other is in this room already.
    OtherIsIn,
    /// The other is invited to this room already.
    OtherIsInvited,
    /// The other's dialect shows only the lobby.
    OtherHasOneRoom,
    /// The other may have no more invitations.
    TooManyInvitations,
    /// The list may have no more items.
    ListFull {
        /// The limit.
        max: usize,
    },
    /// The list has no such item.
    NotListed,
    /// The text is longer than it may be.
    TooLong {
        /// The limit in bytes.
        max: usize,
    },
}

impl fmt::Display for RoomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::InNoRoom => "you are in no room; /join one",
            Self::NoFocus => "you speak in no room; /join one",
            Self::NoSuchRoom => "there is no room of that name",
            Self::InvalidName => "the name of a room has letters and digits, and - after the first; 50 bytes at most",
            Self::LooksLikeAnother => "that name looks like the one of another room",
            Self::NoNewRooms => "there is no room of that name, and no new ones may be made",
            Self::TooManyRooms { max } => return write!(f, "no more rooms may begin: the limit is {max}"),
            Self::TooManyRoomsFromAddress { max } => {
                return write!(f, "no more rooms may be begun from your address: the limit is {max}");
            }
            Self::InTooManyRooms { max } => {
                return write!(f, "you may be in no more rooms: the limit is {max}; /leave one");
            }
            Self::OneRoomOnly => "this wire format has one room only",
            Self::NotIn => "you are not in that room",
            Self::Banned => "you are banned from that room",
            Self::Silenced => "a ban of this room matches you, so you may not speak here",
            Self::NameBanned => "that name is banned from a room that you are in",
            Self::InvitedOnly => "that room is for those who are invited",
            Self::WrongKey => "that room has a key, and this is not it",
            Self::RoomFull => "that room is full",
            Self::NotOperator => "only operators of the room may do that",
            Self::NoVoice => "the room is moderated, and you have no voice",
            Self::OtherNotIn => "nobody of that name is in this room",
            Self::OtherIsIn => "they are in this room already",
            Self::OtherIsInvited => "they are invited to this room already",
            Self::OtherHasOneRoom => "they are in the lobby only: their wire format has no other rooms",
            Self::TooManyInvitations => "they have too many invitations already",
            Self::ListFull { max } => return write!(f, "the list is full: the limit is {max}"),
            Self::NotListed => "the list has no such item",
            Self::TooLong { max } => return write!(f, "too long: {max} bytes at most"),
        })
    }
}

impl core::error::Error for RoomError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_bits_in_the_order_of_the_table() {
        let mut all = RoomFlags::NONE;
        for (bit, (flag, _)) in RoomFlags::ALL.into_iter().enumerate() {
            assert_eq!(flag.bits(), 1 << bit);
            assert!(!all.has(flag));
            all |= flag;
        }
        assert_eq!(RoomFlags::from_bits(all.bits()), Some(all));
        assert_eq!(RoomFlags::from_bits(all.bits() + 1), None);
        assert_eq!(all.without(RoomFlags::NEW).bits(), 28);
    }
}
