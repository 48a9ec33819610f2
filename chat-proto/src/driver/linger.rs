//! Connections whose sessions are over, until their peers close too.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::time::Timestamp;

/// The most connections that linger; one more, and the oldest is cut.
pub(crate) const MAX_LINGERING: usize = 1_024;

/// How long a peer has to close its half: a few round trips around the globe.
const PERIOD: Duration = Duration::from_secs(1);

/// Lingering connections. All have the same time, so the first to come is the first to run out of it.
#[derive(Debug)]
pub(super) struct Lingering<C> {
    queue: VecDeque<(Timestamp, C)>,
    limit: usize,
}

impl<C> Lingering<C> {
    pub(super) const fn new() -> Self {
        Self { queue: VecDeque::new(), limit: MAX_LINGERING }
    }

    /// Has a connection linger from now on.
    pub(super) fn push(&mut self, now: Timestamp, connection: C) {
        self.queue.push_back((now + PERIOD, connection));
    }

    /// Lets any number linger: the server shuts down, so that these are the last.
    pub(super) const fn lift_limit(&mut self) {
        self.limit = usize::MAX;
    }

    /// Takes out a connection that has lingered long enough, or is one too many.
    pub(super) fn pop_expired(&mut self, now: Timestamp) -> Option<C> {
        let is_over = self.queue.front().is_some_and(|(until, _)| *until <= now) || self.queue.len() > self.limit;
        if is_over { self.pop() } else { None }
    }

    /// Takes out the oldest connection.
    pub(super) fn pop(&mut self) -> Option<C> {
        self.queue.pop_front().map(|(_, connection)| connection)
    }

    /// Returns when [`pop_expired`](Self::pop_expired) has the next one.
    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        if self.queue.len() > self.limit {
            return Some(Timestamp::ZERO);
        }
        self.queue.front().map(|(until, _)| *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_lingers_for_a_second() {
        let mut lingering = Lingering::new();
        assert_eq!(lingering.poll_timeout(), None);
        lingering.push(Timestamp::ZERO, "first");
        let later = Timestamp::from_nanos(1);
        lingering.push(later, "second");
        let due = Timestamp::ZERO + PERIOD;
        assert_eq!(lingering.poll_timeout(), Some(due));
        assert_eq!(lingering.pop_expired(Timestamp::from_nanos(due.as_nanos() - 1)), None);
        assert_eq!(lingering.pop_expired(due), Some("first"));
        assert_eq!(lingering.pop_expired(due), None);
        assert_eq!(lingering.poll_timeout(), Some(later + PERIOD));
    }

    #[test]
    fn the_oldest_is_cut_for_one_too_many_unless_the_server_shuts_down() {
        let mut lingering = Lingering::new();
        for n in 0..=MAX_LINGERING {
            assert_eq!(lingering.pop_expired(Timestamp::ZERO), None);
            lingering.push(Timestamp::ZERO, n);
        }
        assert_eq!(lingering.poll_timeout(), Some(Timestamp::ZERO), "at once");
        assert_eq!(lingering.pop_expired(Timestamp::ZERO), Some(0));
        assert_eq!(lingering.pop_expired(Timestamp::ZERO), None);
        lingering.lift_limit();
        lingering.push(Timestamp::ZERO, 0);
        assert_eq!(lingering.pop_expired(Timestamp::ZERO), None);
    }
}
