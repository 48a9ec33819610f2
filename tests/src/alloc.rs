//! Heap, measured from outside: what runs in a scope is counted, nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use allocation_counter::measure;

/// What a thing that is used only within [`Meter::scope`] holds on the heap.
///
/// Counted are the bytes that the allocator was asked for, by this thread. What is made in a scope has to be dropped in
/// one, else it counts for ever.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meter {
    /// Bytes held now.
    pub live: i64,
    /// The most bytes that were ever held, within a scope too.
    pub peak: i64,
    /// Allocations made so far, those freed again included.
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
    /// If `f` panics, after having counted what it did until then.
    pub fn scope<T>(&mut self, f: impl FnOnce() -> T) -> T {
        let mut result = None;
        // A panic that passed through `measure` would leave this thread's counting upset.
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
