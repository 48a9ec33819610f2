//! A room as it is shown to who asks for it.

use super::masks::{ListedMask, Mask};
use super::rooms::RoomState;
use crate::moderation::{MaskList, RoomFlags};

/// A room, as [`Conversation::room`](super::Conversation::room) returns it.
#[derive(Clone, Copy, Debug)]
pub struct Room<'a> {
    pub(super) name: &'a str,
    pub(super) members: usize,
    pub(super) state: &'a RoomState,
}

/// What a room is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic<'a> {
    /// The topic.
    pub words: &'a str,
    /// The same with IRC's colours and styles; empty if it has none.
    pub styled: &'a str,
    /// The name that whoever set it had then; `server` for the server.
    pub by: &'a str,
    /// When it was set, in nanoseconds of the proposer's clock; 0 for a topic of the configuration.
    pub at: u64,
}

impl<'a> Room<'a> {
    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Returns how many members are in it.
    #[must_use]
    pub fn members(&self) -> usize {
        self.members
    }

    /// Returns its topic, if it has one.
    #[must_use]
    pub fn topic(&self) -> Option<Topic<'a>> {
        self.state.topic.as_deref().map(|topic| Topic {
            words: &topic.words,
            styled: &topic.styled,
            by: &topic.by,
            at: topic.at,
        })
    }

    /// Returns its flags.
    #[must_use]
    pub fn flags(&self) -> RoomFlags {
        self.state.flags
    }

    /// Returns its key, if it has one.
    #[must_use]
    pub fn key(&self) -> Option<&'a str> {
        Some(&*self.state.key).filter(|key| !key.is_empty())
    }

    /// Returns how many members may be in it; `None`: any number.
    #[must_use]
    pub fn limit(&self) -> Option<u32> {
        Some(self.state.limit).filter(|limit| *limit > 0)
    }

    /// Returns the masks of a list, the oldest first.
    #[must_use]
    pub fn masks(&self, list: MaskList) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        self.state.masks(list).map(Mask::text)
    }

    /// Returns the masks of a list with who listed them and when, the oldest first.
    #[must_use]
    pub fn listed_masks(&self, list: MaskList) -> impl ExactSizeIterator<Item = ListedMask<'a>> + use<'a> {
        self.state.masks(list).map(|mask| ListedMask { mask: mask.text(), of: mask.of(), by: &mask.by, at: mask.at })
    }

    /// Returns when it began, in nanoseconds of the proposer's clock; 0 for the lobby and rooms of the configuration.
    #[must_use]
    pub fn began(&self) -> u64 {
        self.state.began
    }

    /// Returns whether it is there even if nobody is in it: it is the lobby, or one of
    /// [`Config::rooms`](crate::Config::rooms).
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.state.is_listed
    }
}
