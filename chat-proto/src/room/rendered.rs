//! The conversation of one room as one dialect encodes it.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::config::DialectConfig;
use crate::log::{Log, Readers};
use crate::schedule::pace::{Marks, Pace};
use crate::session::Session;
use crate::time::Timestamp;
use crate::wire::dialect::{Dialect, Update};

/// One dialect's log, and its readers.
#[derive(Debug)]
pub(crate) struct Rendered {
    dialect: Arc<dyn Dialect>,
    pub(crate) log: Log,
    pub(crate) marks: Marks,
    /// Whether its readers are shown many joins and leaves as a number.
    pub(crate) folds_presence: bool,
    /// Places of sessions of this dialect that still read it.
    pub(crate) sessions: usize,
}

impl Rendered {
    pub(crate) fn new(config: &DialectConfig, log_bytes: usize, log_entries: usize, pace: Option<&Pace>) -> Self {
        let (log, dialect) = (Log::new(log_bytes, log_entries), config.dialect.clone());
        let folds_presence = dialect.folds_presence();
        Self { dialect, log, marks: Marks::new(pace), folds_presence, sessions: 0 }
    }

    /// Appends an update to the log, unless the dialect does not show it; returns whether it does.
    #[inline(always)]
    pub(crate) fn append(
        &mut self,
        update: &Update<'_>,
        stamp: u64,
        author: Option<u32>,
        readers: &mut impl Readers,
        encoded: &mut Vec<u8>,
        max: usize,
    ) -> bool {
        if !self.encode(update, encoded, max) {
            return false;
        }
        self.log.append(encoded, stamp, author, readers);
        true
    }

    /// Encodes an update; returns whether there is anything to show.
    ///
    /// If a dialect writes more than it said it would, its output is dropped: the bounds come first.
    #[inline]
    pub(crate) fn encode(&self, update: &Update<'_>, out: &mut Vec<u8>, max: usize) -> bool {
        out.clear();
        let dialect = &*self.dialect;
        dialect.encode(update, out);
        if out.len() > max {
            exceeded(dialect, out, max);
        }
        !out.is_empty()
    }

    /// Records how far a session has read that is waited for; returns whether it has reached the mark just now.
    #[inline]
    pub(crate) fn observe(&mut self, log: u32, session: &mut Session, pace: &Pace, now: Timestamp) -> bool {
        if session.places.is_some() {
            return self.observe_place(log, session);
        }
        let is_waited_for = !session.intake.is_slow();
        let has_reached = self.marks.observe(&mut session.reached, session.cursor.next, is_waited_for);
        if has_reached {
            session.intake.restore(pace, now);
        }
        has_reached
    }

    /// Does the same for a placed session.
    #[cold]
    fn observe_place(&mut self, log: u32, session: &mut Session) -> bool {
        let is_waited_for = !session.intake.is_slow();
        let place = session.places.as_mut().and_then(|places| places.live(log));
        place.is_some_and(|place| self.marks.observe(&mut place.reached, place.cursor.next, is_waited_for))
    }
}

#[cold]
fn exceeded(dialect: &dyn Dialect, out: &mut Vec<u8>, max: usize) {
    tracing::error!(dialect = dialect.name(), len = out.len(), max, "dialect exceeds its own bound");
    out.clear();
    // The memory that it has grown to is released, too.
    out.shrink_to(2 * max);
}
