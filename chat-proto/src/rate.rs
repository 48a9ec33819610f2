//! Rates, and the token buckets that enforce them: lines of a session, connections from an address.

use core::num::NonZeroU32;

use crate::time::Timestamp;

/// A token bucket: `burst` lines, or connections, at once, refilled at `per_second`.
///
/// A session without tokens has its input left untaken, so that its transport pushes back; nothing is dropped. A
/// connection for which there is no token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So many a second, 1 to 1,000,000,000.
    pub per_second: NonZeroU32,
    /// So many at once, 1 to 1,000,000.
    pub burst: NonZeroU32,
}

impl Default for Rate {
    /// Twenty lines a second: more than a person types, less than hurts. Burst 100: a pasted page.
    fn default() -> Self {
        Self::LINES
    }
}

impl Rate {
    const LINES: Self = Self::of(20, 100);
    pub(crate) const LINES_PER_ADDRESS: Self = Self::of(200, 1_000);
    pub(crate) const CONNECTS_PER_ADDRESS: Self = Self::of(10, 100);

    const fn of(per_second: u32, burst: u32) -> Self {
        let not_zero = "the defaults are not zero";
        Self {
            per_second: NonZeroU32::new(per_second).expect(not_zero),
            burst: NonZeroU32::new(burst).expect(not_zero),
        }
    }
}

/// A bucket, stored as the moment at which it will be full (the generic cell rate algorithm of ITU-T I.371): one
/// number, which only taking and giving back tokens change.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bucket {
    full: Timestamp,
}

/// The numbers that all buckets of one kind share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow {
    /// Nanoseconds between two tokens, a second at most; 0 if buckets are never empty.
    interval: u32,
    /// Tokens of a full bucket, but one.
    burst_less_one: u32,
}

impl Flow {
    /// Takes the rate; without one, buckets are never empty.
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        let interval = rate.map_or(0, |rate| 1_000_000_000 / rate.per_second.get());
        Self { interval, burst_less_one: rate.map_or(0, |rate| rate.burst.get() - 1) }
    }

    /// Returns the nanoseconds until a bucket is full that has one token.
    #[inline]
    fn full_but_one(self) -> u64 {
        u64::from(self.interval) * u64::from(self.burst_less_one)
    }
}

impl Bucket {
    /// Returns when there is a token.
    pub(crate) fn refill(self, flow: Flow) -> Timestamp {
        Timestamp::from_nanos(self.full.as_nanos().saturating_sub(flow.full_but_one()))
    }

    /// Takes a token. If there is none, reserves the next one.
    pub(crate) fn take(&mut self, flow: Flow, now: Timestamp) {
        self.full = Timestamp::from_nanos(self.full.max(now).as_nanos().saturating_add(flow.interval.into()));
    }

    /// Puts back a token that was taken and not used.
    pub(crate) fn give_back(&mut self, flow: Flow) {
        self.full = Timestamp::from_nanos(self.full.as_nanos().saturating_sub(flow.interval.into()));
    }

    /// Returns whether the bucket is full, like a new one.
    pub(crate) fn is_full(self, now: Timestamp) -> bool {
        self.full <= now
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU32;

    use super::*;

    fn flow(per_second: u32, burst: u32) -> Flow {
        let number = |n| NonZeroU32::new(n).expect("not zero");
        Flow::new(Some(Rate { per_second: number(per_second), burst: number(burst) }))
    }

    /// Takes as many tokens as there are; returns how many.
    fn drain(bucket: &mut Bucket, flow: Flow, now: Timestamp) -> usize {
        let mut taken = 0;
        while bucket.refill(flow) <= now && taken < 1_000 {
            bucket.take(flow, now);
            taken += 1;
        }
        taken
    }

    #[test]
    fn a_burst_at_once_then_one_an_interval() {
        let (mut bucket, flow) = (Bucket::default(), flow(10, 3));
        let at = Timestamp::from_nanos;
        assert_eq!(drain(&mut bucket, flow, at(0)), 3);
        assert_eq!(bucket.refill(flow), at(100_000_000));
        assert_eq!(drain(&mut bucket, flow, at(99_999_999)), 0);
        assert_eq!(drain(&mut bucket, flow, at(100_000_000)), 1);
        assert_eq!(drain(&mut bucket, flow, at(250_000_000)), 1);
        assert_eq!(drain(&mut bucket, flow, at(10_000_000_000)), 3, "never more than the burst");
    }

    #[test]
    fn tokens_taken_ahead_come_one_after_another_and_can_be_given_back() {
        let (mut bucket, flow) = (Bucket::default(), flow(10, 2));
        let at = Timestamp::from_nanos;
        assert_eq!(drain(&mut bucket, flow, at(0)), 2);
        let turns = [0; 3].map(|_| {
            let turn = bucket.refill(flow);
            bucket.take(flow, at(0));
            turn
        });
        assert_eq!(turns, [100, 200, 300].map(|millis| at(millis * 1_000_000)));
        bucket.give_back(flow);
        assert_eq!(bucket.refill(flow), turns[2]);
        assert_eq!([499, 500].map(|millis| bucket.is_full(at(millis * 1_000_000 - 100_000_000))), [false, true]);
    }

    #[test]
    fn without_a_rate_and_at_the_end_of_time_there_is_always_a_token() {
        let mut bucket = Bucket::default();
        assert_eq!(drain(&mut bucket, Flow::new(None), Timestamp::ZERO), 1_000);
        let mut bucket = Bucket::default();
        assert_eq!(drain(&mut bucket, flow(1, 1), Timestamp::MAX), 1_000, "time can go no further");
    }
}
