//! Heap use, counted by the allocator within a scope.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use allocation_counter::measure;

/// How much heap a value holds that is used only within [`Meter::scope`].
///
/// It counts the bytes that this thread requests from the allocator. What is allocated in a scope must be dropped in
/// one, or it counts for ever.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meter {
    /// Bytes held now.
    pub live: i64,
    /// The most bytes ever held, also within a scope.
    pub peak: i64,
    /// Allocations made so far, including those freed since.
    pub allocations: u64,
}

impl Meter {
    /// Makes a meter that has counted nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `f` and counts what it allocates and frees.
    ///
    /// # Panics
    ///
    /// If `f` panics; what it did until then is counted.
    pub fn scope<T>(&mut self, f: impl FnOnce() -> T) -> T {
        let mut result = None;
        // A panic through `measure` would leave this thread's counters wrong.
        let counted = measure(|| result = Some(catch_unwind(AssertUnwindSafe(f))));
        self.peak = self.peak.max(self.live + i64::try_from(counted.bytes_max).expect("less than 2^63 bytes"));
        self.live += counted.bytes_current;
        self.allocations += counted.count_total;
        result.expect("the closure ran").unwrap_or_else(|panic| resume_unwind(panic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_and_peak_bytes_and_allocations_are_counted() {
        let mut meter = Meter::new();
        let kept = meter.scope(|| {
            drop(std::hint::black_box(vec![0_u8; 1_000]));
            vec![0_u8; 10]
        });
        let _outside = vec![0_u8; 5_000];
        assert_eq!((meter.live, meter.peak, meter.allocations), (10, 1_000, 2));
        meter.scope(|| drop(kept));
        assert_eq!((meter.live, meter.peak), (0, 1_000));
    }
}
