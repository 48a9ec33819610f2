//! The latencies of messages.

use hdrhistogram::Histogram;

/// A histogram of latencies in nanoseconds.
#[derive(Debug)]
pub(super) struct Latency {
    histogram: Histogram<u64>,
    now: u64,
    /// Messages with the same due time and the same time of arrival, such as whole batches in a closed loop, are
    /// counted together.
    due: u64,
    count: u64,
}

/// The longest latency that is recorded, ten minutes; longer ones count as this.
const LONGEST: u64 = 600_000_000_000;

/// Significant digits.
const PRECISION: u8 = 3;

impl Latency {
    /// Makes a histogram of nothing.
    ///
    /// # Panics
    ///
    /// Never: the histogram's bounds are valid.
    pub(super) fn new() -> Self {
        let histogram = Histogram::new_with_max(LONGEST, PRECISION).expect("bounds that are right");
        Self { histogram, now: 0, due: 0, count: 0 }
    }

    /// Begins a batch of messages that were all received now.
    pub(super) fn begin(&mut self, now: u64) {
        self.now = now;
    }

    /// Counts a message that was due at that time.
    pub(super) fn came(&mut self, due: u64) {
        if due != self.due {
            self.end();
            self.due = due;
        }
        self.count += 1;
    }

    /// Ends the batch.
    pub(super) fn end(&mut self) {
        if self.count > 0 {
            self.histogram.saturating_record_n(self.now.saturating_sub(self.due), self.count);
            self.count = 0;
        }
    }

    /// Forgets all messages received until now.
    pub(super) fn reset(&mut self) {
        self.histogram.reset();
    }

    /// Returns the latencies of all messages received, in nanoseconds.
    pub(super) fn histogram(&self) -> &Histogram<u64> {
        &self.histogram
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}
