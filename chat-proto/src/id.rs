//! What a driver calls sessions and dialects.

use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};

/// Names a session; a slot and a generation, so that an id that is out of date is harmless.
///
/// A call with the id of a session that is gone does nothing. Ids of two hubs are never equal: a call with one of
/// another hub does nothing either, and is a panic in debug builds, since a driver has mixed them up.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
    pub(crate) hub: HubId,
}

/// Tells the hubs of a process apart. It decides nothing but whose a [`SessionId`] is, and is not shown.
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

    /// Returns the session's place among the open ones, 0 to `max_sessions` − 1.
    ///
    /// No two open sessions have the same, so a driver may keep its connections in a plain vector; the place is
    /// reused after the session's [`Command::Close`](crate::Command::Close).
    #[must_use]
    pub fn slot(self) -> usize {
        self.slot as usize
    }
}

/// As [`Display`](fmt::Display): which hub it is of would make two runs differ.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// Writes the slot and the generation, as in `12.3`: no two sessions that a log tells of look the same.
impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot, self.generation)
    }
}

/// Somebody who takes part in the conversation.
///
/// A hub that is alone numbers its members as the [slots](SessionId::slot) of their sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberId(pub u32);

/// Which of a hub's dialects, from [`Hub::dialect`](crate::Hub::dialect).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DialectId(pub(crate) u8);
