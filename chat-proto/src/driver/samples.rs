//! When messages were published: of some, so that this costs next to nothing.

use alloc::collections::VecDeque;
use core::ops::RangeInclusive;
use core::time::Duration;

use crate::time::Timestamp;

/// The shortest time between two samples.
pub(super) const EVERY: Duration = Duration::from_millis(50);

/// How many are kept: those of 12.8 s, or more. Who takes a message later than that is not counted.
const KEPT: usize = 256;

/// Moments at which something was published, each known by the stamp of the message: at most one every [`EVERY`].
#[derive(Debug)]
pub(super) struct Samples {
    /// The earliest first.
    kept: VecDeque<Sample>,
    /// The last stamp that was seen, sampled or not.
    seen: u64,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    stamp: u64,
    at: Timestamp,
}

impl Samples {
    /// Makes one that begins after the message with that stamp.
    pub(super) fn new(seen: u64) -> Self {
        Self { kept: VecDeque::with_capacity(KEPT), seen }
    }

    /// Takes the stamp of the last message that was published, which may have been before.
    pub(super) fn note(&mut self, stamp: u64, now: Timestamp) {
        if stamp == self.seen || self.kept.back().is_some_and(|last| now < last.at + EVERY) {
            self.seen = stamp;
            return;
        }
        self.seen = stamp;
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Sample { stamp, at: now });
    }

    /// Returns when those samples were published whose stamps are in the range.
    pub(super) fn within(&self, stamps: RangeInclusive<u64>) -> impl Iterator<Item = Timestamp> + '_ {
        let first = self.kept.partition_point(|sample| sample.stamp < *stamps.start());
        self.kept.range(first..).take_while(move |sample| stamps.contains(&sample.stamp)).map(|sample| sample.at)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn a_message_is_sampled_once_and_at_most_one_in_a_while() {
        let mut samples = Samples::new(7);
        for (stamp, millis) in [(7, 0), (8, 1), (8, 100), (9, 50), (10, 51), (11, 100), (11, 150), (12, 151)] {
            samples.note(stamp, at(millis));
        }
        let kept: Vec<_> = samples.within(0..=99).collect();
        assert_eq!(kept, [at(1), at(51), at(151)], "of stamps 8, 10 and 12");
        assert_eq!(samples.within(9..=11).collect::<Vec<_>>(), [at(51)]);
        assert_eq!(samples.within(11..=11).count(), 0);
    }

    #[test]
    fn the_oldest_go_and_nothing_grows() {
        let mut samples = Samples::new(0);
        let capacity = samples.kept.capacity();
        for stamp in 1..=1_000 {
            samples.note(stamp, at(50 * stamp));
        }
        assert_eq!(samples.within(0..=1_000).count(), KEPT);
        assert_eq!(samples.kept.capacity(), capacity);
    }
}
