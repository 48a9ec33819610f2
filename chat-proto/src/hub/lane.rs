//! The conversation as one dialect writes it.

use alloc::collections::VecDeque;

use crate::config::DialectConfig;
use crate::dialect::Event;
use crate::lists::List;
use crate::log::Log;

/// One dialect's log, and who reads it.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) config: DialectConfig,
    pub(crate) log: Log,
    /// Sessions that read it, in any phase but over.
    pub(crate) sessions: usize,
    /// The log's entries that a newcomer is shown, the latest last.
    pub(crate) recent: VecDeque<u64>,
    /// Sessions that had read all of the log when they were put here, and the log has not moved since.
    pub(crate) caught_up: List,
    /// The same, but the log has moved.
    ///
    /// When it moves, the caught-up go behind the others here, all at once: this is why saying something costs the
    /// same with ten readers as with a hundred thousand.
    pub(crate) behind: List,
}

impl Lane {
    /// How many lists a lane has.
    pub(crate) const LISTS: usize = 2;

    pub(crate) fn new(index: usize, config: DialectConfig, log_bytes: usize, log_entries: usize) -> Self {
        let first = (1 + Self::LISTS * index) as u32;
        Self {
            config,
            log: Log::new(log_bytes, log_entries),
            sessions: 0,
            recent: VecDeque::with_capacity(config.backlog),
            caught_up: List(first),
            behind: List(first + 1),
        }
    }

    /// Bytes of heap for a lane.
    pub(crate) fn memory_bound(config: &DialectConfig, log_bytes: usize, log_entries: usize) -> usize {
        Log::memory_bound(log_bytes, log_entries) + config.backlog * size_of::<u64>()
    }

    /// Returns whether nobody reads this lane nor ever will read what is said now.
    pub(crate) fn is_unused(&self) -> bool {
        self.sessions == 0 && self.config.backlog == 0
    }

    /// Notes an entry for newcomers if it is one that they are shown.
    pub(crate) fn remember(&mut self, event: &Event<'_>, seq: u64) {
        let message = matches!(event, Event::Said { .. } | Event::Acted { .. } | Event::Announced { .. });
        if message && self.config.backlog > 0 {
            if self.recent.len() == self.config.backlog {
                self.recent.pop_front();
            }
            self.recent.push_back(seq);
        }
    }
}
