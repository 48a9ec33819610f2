//! How long things took.

use core::time::Duration;

/// How often something took how long: counts of times, by ranges that are the same for all, and their sum.
///
/// ```
/// use std::time::Duration;
///
/// use chat_proto::driver::Histogram;
///
/// let mut histogram = Histogram::default();
/// histogram.observe(Duration::from_micros(3));
/// histogram.observe(Duration::from_secs(60));
/// let counts: Vec<_> = histogram.cumulative().filter(|(_, count)| *count == 1).collect();
/// assert_eq!(counts.first(), Some(&(Some(Duration::from_micros(4)), 1)));
/// assert_eq!(histogram.cumulative().last(), Some((None, 2)));
/// assert_eq!(histogram.sum(), Duration::from_micros(60_000_003));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// The last is for what took longer than all bounds.
    counts: [u64; BOUNDS + 1],
    nanos: u64,
}

/// From 1 µs, each four times the one before, up to 17 s.
const BOUNDS: usize = 13;
const FIRST_NANOS: u64 = 1_000;

impl Histogram {
    /// Counts a time.
    pub fn observe(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        // The bounds are powers of four, so half of the logarithm is the index.
        let index = (nanos.saturating_sub(1) / FIRST_NANOS).checked_ilog2().map_or(0, |log| log as usize / 2 + 1);
        self.counts[index.min(BOUNDS)] += 1;
        self.nanos = self.nanos.saturating_add(nanos);
    }

    /// Returns the upper bound of each range, which belongs to it, and how many times were no longer. The last has no
    /// bound: its count is that of all.
    pub fn cumulative(&self) -> impl Iterator<Item = (Option<Duration>, u64)> + '_ {
        let mut sum = 0;
        self.counts.iter().enumerate().map(move |(index, count)| {
            sum += count;
            ((index < BOUNDS).then(|| Duration::from_nanos(FIRST_NANOS << (2 * index))), sum)
        })
    }

    /// Returns the sum of all times.
    #[must_use]
    pub const fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn a_bound_belongs_to_its_range_and_a_nanosecond_more_to_the_next() {
        let bounds: Vec<_> = Histogram::default().cumulative().filter_map(|(bound, _)| bound).collect();
        assert_eq!((bounds.len(), bounds[0]), (13, Duration::from_micros(1)));
        assert_eq!(bounds[12], Duration::from_micros(1 << 24));
        for (index, bound) in bounds.into_iter().enumerate() {
            let mut histogram = Histogram::default();
            histogram.observe(bound);
            histogram.observe(bound + Duration::from_nanos(1));
            assert_eq!((histogram.counts[index], histogram.counts[index + 1]), (1, 1), "{bound:?}");
        }
    }

    #[test]
    fn no_time_is_too_short_or_too_long() {
        let mut histogram = Histogram::default();
        histogram.observe(Duration::ZERO);
        histogram.observe(Duration::MAX);
        histogram.observe(Duration::MAX);
        assert_eq!((histogram.counts[0], histogram.counts[BOUNDS]), (1, 2));
        assert_eq!(histogram.sum(), Duration::from_nanos(u64::MAX));
    }
}
