//! What followers see: what is kept of an entry, as an event or as the entry that it was.

use super::entry::Entry;
use super::ring::{Kept, Kind, Record};
use crate::command::CloseReason;
use crate::id::{MemberId, RoomId};
use crate::time::Timestamp;

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
    /// A member has said something to everyone in a room.
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
    /// A member has said something to everyone in a room that no program should answer.
    Noticed {
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
    /// A member has entered a room after it had entered the conversation, perhaps one that so began.
    EnteredRoom {
        /// Its name.
        name: &'a str,
        /// The room's name.
        room: &'a str,
    },
    /// A member has left a room, and is not gone.
    LeftRoom {
        /// Its name.
        name: &'a str,
        /// The room's name.
        room: &'a str,
        /// What it said on leaving; may be empty.
        words: &'a str,
    },
    /// A member was thrown out of a room.
    Kicked {
        /// Its name.
        name: &'a str,
        /// The room's name.
        room: &'a str,
        /// By whom; `server` for the server.
        by: &'a str,
        /// Why.
        words: &'a str,
    },
    /// A room was given a topic, or has lost it.
    TopicSet {
        /// By whom; `server` for the server.
        by: &'a str,
        /// The room's name.
        room: &'a str,
        /// The topic; empty if there is none any more.
        words: &'a str,
    },
}

/// An event, with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded<'a> {
    /// Its number. The first is 0 and each is one more, so a gap is the number of events that a follower missed.
    pub seq: u64,
    /// The member whose event it is: for a kick, the one who was kicked. `None` for the server.
    pub member: Option<MemberId>,
    /// The room in which it happened; `None` if it is not about one room, as when a member leaves the conversation. The
    /// number may also have belonged to a room that has ended.
    pub room: Option<RoomId>,
    /// When a message was said; `None` for all other events.
    pub at: Option<Timestamp>,
    /// What came about.
    pub event: Event<'a>,
}

impl<'a> Kept<'a> {
    /// Returns it as followers see it, if it is an event. `room` is the one whose messages it was found among.
    pub(super) fn recorded(self, room: RoomId) -> Option<Recorded<'a>> {
        let event = self.event()?;
        let member = Some(self.record.member);
        let (member, room) = match self.record.kind {
            Kind::Said | Kind::Acted | Kind::Noticed => (member, Some(room)),
            Kind::Joined | Kind::Named { joined: true, .. } => (member, Some(RoomId::LOBBY)),
            Kind::EnteredRoom { room, .. } | Kind::LeftRoom { room } | Kind::Kicked { room, .. } => {
                (member, Some(room))
            }
            Kind::TopicSet { by, room, .. } => (by, Some(room)),
            Kind::Announced => (None, None),
            _ => (member, None),
        };
        let is_message = matches!(self.record.kind, Kind::Said | Kind::Acted | Kind::Noticed | Kind::Announced);
        let at = is_message.then(|| Timestamp::from_nanos(self.record.at));
        Some(Recorded { seq: self.record.event, member, room, at, event })
    }

    fn event(self) -> Option<Event<'a>> {
        let Self { record, name, other, words } = self;
        Some(match record.kind {
            Kind::Named { joined: true, .. } => Event::Joined { name: other },
            Kind::Named { renamed: true, .. } => Event::Renamed { from: name, to: other },
            Kind::Joined => Event::Joined { name },
            Kind::Said => Event::Said { name, words },
            Kind::Acted => Event::Acted { name, words },
            Kind::Noticed => Event::Noticed { name, words },
            Kind::Told { .. } => Event::Told { from: name, to: other, words },
            Kind::Left { reason, had_joined: true } => Event::Left { name, reason, words },
            Kind::Announced => Event::Announced { words },
            Kind::EnteredRoom { .. } => Event::EnteredRoom { name, room: other },
            Kind::LeftRoom { .. } => Event::LeftRoom { name, room: other, words },
            Kind::Kicked { by_len, .. } => {
                let (by, words) = words.split_at(by_len.into());
                Event::Kicked { name, room: other, by, words }
            }
            Kind::TopicSet { len, .. } => Event::TopicSet { by: name, room: other, words: &words[..len.into()] },
            Kind::Entered { .. }
            | Kind::Described
            | Kind::AwaySet
            | Kind::Named { .. }
            | Kind::Left { .. }
            | Kind::RoleSet { .. }
            | Kind::FlagsSet { .. }
            | Kind::KeySet { .. }
            | Kind::LimitSet { .. }
            | Kind::MaskSet { .. }
            | Kind::Invited { .. } => return None,
        })
    }

    /// Returns it as the entry that it was, found among the messages of that room.
    pub(super) fn as_entry(self, found_in: RoomId) -> Entry<'a> {
        let Self { record: Record { kind, member, at, .. }, name, other, words } = self;
        match kind {
            Kind::Entered { guest, lobby, cloak } => Entry::Enter { member, guest, lobby, cloak },
            Kind::Named { .. } => Entry::Name { member, name: other },
            Kind::Joined => Entry::Join { member },
            Kind::Said => Entry::Say { member, room: found_in, words, at },
            Kind::Acted => Entry::Act { member, room: found_in, words, at },
            Kind::Noticed => Entry::Notice { member, room: found_in, words, at },
            Kind::Described => Entry::Describe { member, user: name, real_name: words },
            Kind::AwaySet => Entry::Away { member, words },
            Kind::Told { to } => Entry::Tell { member, to, words },
            Kind::Left { reason, .. } => Entry::Leave { member, reason, words },
            Kind::Announced => Entry::Announce { words, at },
            Kind::EnteredRoom { at, .. } => Entry::EnterRoom { member, name: other, at },
            Kind::LeftRoom { room } => Entry::LeaveRoom { member, room, words },
            Kind::Kicked { by, room, by_len } => Entry::Kick { by, member, room, words: &words[by_len.into()..] },
            Kind::TopicSet { by, room, at, len } => {
                let (words, styled) = words.split_at(len.into());
                Entry::Topic { by, room, words, styled, at }
            }
            Kind::RoleSet { by, room, role, given } => Entry::Role { by, member, room, role, given },
            Kind::FlagsSet { by, room, flags } => Entry::Flags { by, room, flags },
            Kind::KeySet { by, room } => Entry::Key { by, room, key: words },
            Kind::LimitSet { by, room, limit } => Entry::Limit { by, room, limit },
            Kind::MaskSet { by, room, list, listed, at } => {
                Entry::Mask { by, room, list, mask: words, of: name, listed, at }
            }
            Kind::Invited { by, room } => Entry::Invite { by, member, room },
        }
    }
}
