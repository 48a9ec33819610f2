//! The status of a run.

use std::ops::ControlFlow;
use std::time::Duration;

use super::audience::Got;
use super::crowd::Crowd;
use super::sequence::Tally;

/// The status of a run at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Status<'a> {
    /// The part of the run.
    pub doing: &'static str,
    /// How long the run has taken so far.
    pub elapsed: Duration,
    pub(super) crowd: &'a Crowd,
}

impl Status<'_> {
    /// Returns how many sessions are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.crowd.counts().open
    }

    /// Returns how many messages all senders together have sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.crowd.sent.total()
    }

    /// Returns what all readers together have received.
    #[must_use]
    pub fn got(&self) -> Got {
        self.crowd.audience.got
    }

    /// Returns how many messages did not arrive once and in order.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.crowd.audience.sequences.tally()
    }

    /// Returns the latency that a share of `quantile` of the messages did not exceed.
    #[must_use]
    pub fn latency(&self, quantile: f64) -> Duration {
        Duration::from_nanos(self.crowd.audience.latency.histogram().value_at_quantile(quantile))
    }
}

/// Watches a run; it can end the measurement early.
pub type Watch<'a> = dyn FnMut(&Status<'_>) -> ControlFlow<()> + 'a;
