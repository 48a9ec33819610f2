//! The conversation as one dialect encodes it.

use alloc::vec::Vec;

use crate::config::DialectConfig;
use crate::log::{Log, Readers};
use crate::schedule::pace::{Marks, Pace};
use crate::wire::dialect::{Dialect, Event};

/// One dialect's log, and its readers.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) config: DialectConfig,
    pub(crate) log: Log,
    pub(crate) marks: Marks,
    /// Whether its readers are shown many joins and leaves as a number.
    pub(crate) folds_presence: bool,
    /// Sessions of this dialect that still read, in any phase except over.
    pub(crate) sessions: usize,
}

impl Rendered {
    pub(crate) fn new(config: DialectConfig, log_bytes: usize, log_entries: usize, pace: Option<&Pace>) -> Self {
        let log = Log::new(log_bytes, log_entries);
        let folds_presence = config.dialect.folds_presence();
        Self { config, log, marks: Marks::new(pace), folds_presence, sessions: 0 }
    }

    /// Appends an event to the log, unless the dialect does not show it; returns whether it does.
    #[inline(always)]
    pub(crate) fn append(
        &mut self,
        event: &Event<'_>,
        author: Option<u32>,
        readers: &mut impl Readers,
        encoded: &mut Vec<u8>,
        max: usize,
    ) -> bool {
        if !self.encode(event, encoded, max) {
            return false;
        }
        self.log.append(encoded, author, readers);
        true
    }

    /// Encodes an event; returns whether there is anything to show.
    ///
    /// If a dialect writes more than it said it would, its output is dropped: the bounds come first.
    #[inline]
    pub(crate) fn encode(&self, event: &Event<'_>, out: &mut Vec<u8>, max: usize) -> bool {
        out.clear();
        let dialect = &*self.config.dialect;
        dialect.encode(event, out);
        if out.len() > max {
            exceeded(dialect, out, max);
        }
        !out.is_empty()
    }
}

#[cold]
fn exceeded(dialect: &dyn Dialect, out: &mut Vec<u8>, max: usize) {
    tracing::error!(dialect = dialect.name(), len = out.len(), max, "dialect exceeds its own bound");
    out.clear();
    // The memory that it has grown to is released, too.
    out.shrink_to(2 * max);
}
