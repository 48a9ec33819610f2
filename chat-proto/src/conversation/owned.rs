//! An event that outlives the conversation it was read from.

use alloc::boxed::Box;
use core::fmt;

use super::event::{Event, Recorded};
use crate::command::CloseReason;
use crate::id::{MemberId, RoomId};
use crate::time::Timestamp;

/// A [`Recorded`] event with its own copy of names and words, for programs that leave the lock before they look at it.
///
/// Besides itself it holds at most two names and one message: two times [`Config::max_name`](crate::Config::max_name)
/// bytes and [`Config::max_line`](crate::Config::max_line). An event about a room has the room's name and at most 390
/// bytes of words instead of a message.
///
/// ```
/// use chat_proto::conversation::{Event, OwnedEvent};
/// use chat_proto::{Config, Hub, Timestamp};
///
/// let mut hub = Hub::new(Config::default())?;
/// hub.announce(Timestamp::ZERO, "tea is ready");
/// let events: Vec<OwnedEvent> = hub.events(0).map(|event| event.to_owned()).collect();
/// drop(hub);
/// assert_eq!((events[0].seq, events[0].event()), (0, Event::Announced { words: "tea is ready" }));
/// # Ok::<(), chat_proto::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct OwnedEvent {
    /// Its number: the first is 0 and each is one more. A gap between two events is how many were missed.
    pub seq: u64,
    /// The member whose event it is; `None` for the server.
    pub member: Option<MemberId>,
    /// The room in which it happened, if it is about one.
    pub room: Option<RoomId>,
    /// When a message was said; `None` for all other events.
    pub at: Option<Timestamp>,
    kind: Kind,
    /// In this order: the name, the other name or the room's, the name of the member who kicked, the words. Each may be
    /// empty.
    text: Box<str>,
    /// Where each of the names ends in `text`.
    ends: [usize; 3],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Joined,
    Left(CloseReason),
    Renamed,
    Said,
    Acted,
    Noticed,
    Told,
    Announced,
    EnteredRoom,
    LeftRoom,
    Kicked,
    TopicSet,
}

impl OwnedEvent {
    /// Returns what came about.
    #[must_use]
    pub fn event(&self) -> Event<'_> {
        let [name_end, other_end, by_end] = self.ends;
        let (name, other) = (&self.text[..name_end], &self.text[name_end..other_end]);
        let (by, words) = (&self.text[other_end..by_end], &self.text[by_end..]);
        match self.kind {
            Kind::Joined => Event::Joined { name },
            Kind::Left(reason) => Event::Left { name, reason, words },
            Kind::Renamed => Event::Renamed { from: name, to: other },
            Kind::Said => Event::Said { name, words },
            Kind::Acted => Event::Acted { name, words },
            Kind::Noticed => Event::Noticed { name, words },
            Kind::Told => Event::Told { from: name, to: other, words },
            Kind::Announced => Event::Announced { words },
            Kind::EnteredRoom => Event::EnteredRoom { name, room: other },
            Kind::LeftRoom => Event::LeftRoom { name, room: other, words },
            Kind::Kicked => Event::Kicked { name, room: other, by, words },
            Kind::TopicSet => Event::TopicSet { by: name, room: other, words },
        }
    }
}

impl Recorded<'_> {
    /// Copies the event, so that it can be kept.
    #[must_use]
    pub fn to_owned(self) -> OwnedEvent {
        let (kind, parts) = match self.event {
            Event::Joined { name } => (Kind::Joined, [name, "", "", ""]),
            Event::Left { name, reason, words } => (Kind::Left(reason), [name, "", "", words]),
            Event::Renamed { from, to } => (Kind::Renamed, [from, to, "", ""]),
            Event::Said { name, words } => (Kind::Said, [name, "", "", words]),
            Event::Acted { name, words } => (Kind::Acted, [name, "", "", words]),
            Event::Noticed { name, words } => (Kind::Noticed, [name, "", "", words]),
            Event::Told { from, to, words } => (Kind::Told, [from, to, "", words]),
            Event::Announced { words } => (Kind::Announced, ["", "", "", words]),
            Event::EnteredRoom { name, room } => (Kind::EnteredRoom, [name, room, "", ""]),
            Event::LeftRoom { name, room, words } => (Kind::LeftRoom, [name, room, "", words]),
            Event::Kicked { name, room, by, words } => (Kind::Kicked, [name, room, by, words]),
            Event::TopicSet { by, room, words } => (Kind::TopicSet, [by, room, "", words]),
        };
        let [name, other, by, _] = parts.map(str::len);
        let ends = [name, name + other, name + other + by];
        let text = parts.concat().into_boxed_str();
        OwnedEvent { seq: self.seq, member: self.member, room: self.room, at: self.at, kind, text, ends }
    }
}

impl fmt::Debug for OwnedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedEvent")
            .field("seq", &self.seq)
            .field("member", &self.member)
            .field("room", &self.room)
            .field("at", &self.at)
            .field("event", &self.event())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owned_event_says_what_the_borrowed_one_said() {
        let reason = CloseReason::Lagged { missed: 7 };
        for event in [
            Event::Joined { name: "ann" },
            Event::Left { name: "ann", reason, words: "bye" },
            Event::Renamed { from: "ann", to: "bob" },
            Event::Said { name: "ann", words: "é" },
            Event::Acted { name: "ann", words: "waves" },
            Event::Noticed { name: "ann", words: "psst" },
            Event::Told { from: "ann", to: "bob", words: "psst" },
            Event::Announced { words: "tea" },
            Event::EnteredRoom { name: "ann", room: "tea-room" },
            Event::LeftRoom { name: "ann", room: "tea-room", words: "bye" },
            Event::Kicked { name: "ann", room: "tea-room", by: "bob", words: "bye" },
            Event::TopicSet { by: "ann", room: "tea-room", words: "tea" },
        ] {
            let at = Some(Timestamp::from_nanos(7));
            let recorded = Recorded { seq: 3, member: Some(MemberId(1)), room: Some(RoomId(2)), at, event };
            let owned = recorded.to_owned();
            let OwnedEvent { seq, member, room, at, .. } = owned;
            assert_eq!(Recorded { seq, member, room, at, event: owned.event() }, recorded);
        }
    }
}
