//! The resources of the server's process over time, and whether they are flat.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::figures::Grouped;
use crate::resources::Process;

/// The resources of a process at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// Memory in RAM, in KiB.
    pub(super) resident: u64,
    /// Open descriptors.
    pub(super) descriptors: u64,
    /// Threads.
    pub(super) threads: u64,
}

impl Sample {
    /// Samples a process.
    pub(super) fn take(process: Process) -> io::Result<Self> {
        let (resident, descriptors) = (process.resident_kib()?, process.descriptors()?);
        Ok(Self { resident, descriptors, threads: process.threads()? })
    }
}

/// The memory of a process over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trend {
    /// The median of the first third after warming up, in KiB.
    first: u64,
    /// The median of the last third, in KiB.
    last: u64,
    /// The maximum, in KiB.
    most: u64,
}

/// The part of the time that counts as warming up. Logs fill up, and shared buffers grow to their largest size, quickly
/// at first and then ever more slowly.
const WARM_UP: u32 = 2;

/// Growth that counts as flat: the larger of one part in this many, and this many KiB.
const PART: u64 = 20;
const KIB: u64 = 1_024;

impl Trend {
    /// Computes it from samples with their times; `None` if there are too few.
    pub(super) fn of(samples: &[(Duration, Sample)]) -> Option<Self> {
        let warm_up = samples.last()?.0 / WARM_UP;
        let warm: Vec<u64> =
            samples.iter().filter(|(at, _)| *at >= warm_up).map(|(_, sample)| sample.resident).collect();
        let third = warm.len() / 3;
        let most = samples.iter().map(|(_, sample)| sample.resident).max()?;
        Some(Self { first: median(warm.get(..third)?)?, last: median(warm.get(warm.len() - third..)?)?, most })
    }

    /// Returns whether the memory has not grown.
    pub(super) fn is_flat(self) -> bool {
        self.last <= self.first + (self.first / PART).max(KIB)
    }
}

impl fmt::Display for Trend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, last, most] = [self.first, self.last, self.most].map(Grouped);
        let flat = if self.is_flat() { "flat" } else { "GROWING" };
        write!(f, "{flat}: {first} KiB in the first third after warming up, {last} in the last, {most} at most")
    }
}

fn median(values: &[u64]) -> Option<u64> {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sample a second.
    fn trend(resident: impl IntoIterator<Item = u64>) -> Option<Trend> {
        let sample = |(i, resident)| (Duration::from_secs(i), Sample { resident, descriptors: 3, threads: 1 });
        Trend::of(&(0..).zip(resident).map(sample).collect::<Vec<_>>())
    }

    #[test]
    fn a_log_that_fills_at_first_is_flat() {
        let trend = trend((0..400).map(|second| 10_000 + 100 * second.min(90))).expect("enough samples");
        assert!(trend.is_flat(), "{trend}");
        assert_eq!(trend, Trend { first: 19_000, last: 19_000, most: 19_000 });
    }

    #[test]
    fn a_slow_leak_is_seen() {
        let leak = trend((0..600).map(|second| 10_000 + 6 * second)).expect("enough samples");
        assert!(!leak.is_flat(), "{leak}");
        assert!(leak.to_string().starts_with("GROWING"));
        let noise = trend((0..600).map(|second| 10_000 + second % 60 * 50)).expect("enough samples");
        assert!(noise.is_flat(), "{noise}");
    }

    #[test]
    fn some_samples_are_needed() {
        assert_eq!(trend([]), None);
        assert_eq!(trend([1]), None);
        assert!(trend([1; 12]).is_some_and(Trend::is_flat));
    }
}
