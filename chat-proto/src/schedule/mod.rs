//! Who is next: who has something to send, who is due, whose line waits for whom.

pub(crate) mod deadlines;
pub(crate) mod lists;
pub(crate) mod pace;
pub(crate) mod ready;
pub(crate) mod turns;

use self::deadlines::Deadlines;
use self::lists::{List, Lists};
use self::ready::Ready;
use self::turns::Turns;

/// Who is next, for whatever it is.
#[derive(Debug)]
pub(crate) struct Schedule {
    /// Who has something for its driver to do.
    pub(crate) ready: Ready,
    /// Sessions whose line waits.
    pub(crate) turns: Turns,
    /// Sessions that are open though their peers have ended, the longest ago first, in [`ENDED`].
    pub(crate) ended: Lists,
    /// When who is to be looked at.
    pub(crate) deadlines: Deadlines,
}

/// The one list of those whose peers have ended.
pub(crate) const ENDED: List = List(0);

impl Schedule {
    /// Makes one for that many logs and sessions.
    pub(crate) fn new(logs: usize, sessions: usize) -> Self {
        Self {
            ready: Ready::new(logs, sessions),
            turns: Turns::new(sessions),
            ended: Lists::new(1, sessions),
            deadlines: Deadlines::new(sessions),
        }
    }

    /// Bytes of heap for that many logs and sessions.
    pub(crate) const fn memory_bound(logs: usize, sessions: usize) -> usize {
        Ready::memory_bound(logs, sessions)
            + Turns::memory_bound(sessions)
            + Lists::memory_bound(1, sessions)
            + Deadlines::memory_bound(sessions)
    }
}
