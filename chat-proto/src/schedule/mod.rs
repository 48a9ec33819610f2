//! Which session is next: for a command, at a deadline, or with a waiting line.

pub(crate) mod bits;
pub(crate) mod deadlines;
pub(crate) mod lists;
pub(crate) mod pace;
mod queues;
pub(crate) mod ready;
pub(crate) mod turns;

use self::deadlines::Deadlines;
use self::lists::{List, Lists};
use self::ready::{Numbers, Ready};
use self::turns::Turns;

/// Which session is next, for whatever reason.
#[derive(Debug)]
pub(crate) struct Schedule {
    /// Sessions that may have a command for their drivers.
    pub(crate) ready: Ready,
    /// Sessions whose line waits.
    pub(crate) turns: Turns,
    /// Open sessions whose peers have ended, the longest ago first, in [`ENDED`].
    pub(crate) ended: Lists,
    /// When each session has to be looked at.
    pub(crate) deadlines: Deadlines,
}

/// The only list of sessions whose peers have ended.
pub(crate) const ENDED: List = List(0);

impl Schedule {
    /// Makes a schedule for that many.
    pub(crate) fn new(numbers: Numbers) -> Self {
        let Numbers { rooms, sessions, .. } = numbers;
        Self {
            ready: Ready::new(numbers),
            turns: Turns::new(rooms, sessions),
            ended: Lists::new(1, sessions),
            deadlines: Deadlines::new(sessions),
        }
    }

    /// Bytes of heap for that many.
    pub(crate) const fn memory_bound(numbers: Numbers) -> usize {
        let Numbers { rooms, sessions, .. } = numbers;
        Ready::memory_bound(numbers)
            + Turns::memory_bound(rooms, sessions)
            + Lists::memory_bound(1, sessions)
            + Deadlines::memory_bound(sessions)
    }
}
