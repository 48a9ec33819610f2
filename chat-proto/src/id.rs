//! Ids of sessions, members, rooms and dialects.

use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};

/// Identifies a session by a slot and a generation, so that a stale id is harmless.
///
/// A call with the id of a session that is gone does nothing. Ids of two hubs are never equal. A call with an id of
/// another hub does nothing either, but panics in debug builds, because the driver has mixed up two hubs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
    pub(crate) hub: HubId,
}

/// Distinguishes the hubs of a process. It only says whose a [`SessionId`] is, and is not displayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct HubId(u32);

impl HubId {
    /// Returns one that no hub of this process had in the last 2³².
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl SessionId {
    /// The id of no session.
    pub(crate) const NONE: Self = Self { slot: u32::MAX, generation: u32::MAX, hub: HubId(0) };

    /// Returns the session's index among the open ones, 0 to `max_sessions` − 1.
    ///
    /// No two open sessions have the same, so a driver may keep its connections in a plain vector; the index is
    /// reused after the session's [`Command::Close`](crate::Command::Close).
    #[must_use]
    pub fn slot(self) -> usize {
        self.slot as usize
    }
}

/// Same as [`Display`](fmt::Display): showing the hub would make two runs differ.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// Writes the slot and the generation, as in `12.3`, so that no two sessions in a log look the same.
impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot, self.generation)
    }
}

/// A member of the conversation.
///
/// A single hub uses the [slots](SessionId::slot) of its sessions as the numbers of its members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberId(pub u32);

/// A room of the conversation.
///
/// When a room has ended, its number is given to one that begins later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(pub u32);

impl RoomId {
    /// The room that is always there.
    pub const LOBBY: Self = Self(0);
}

/// Identifies one of a hub's dialects, from [`Hub::dialect`](crate::Hub::dialect).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DialectId(pub(crate) u8);
