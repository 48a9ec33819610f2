//! Lingering: connections whose sessions are over, until their peers close too.

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use core::time::Duration;

use crate::time::Timestamp;

/// The most connections that linger after their sessions. Each holds a descriptor. Beyond this the oldest is cut off.
pub const MAX_LINGERING: usize = 1_024;

/// How long a peer has to close its half: a few round trips around the globe.
const PERIOD: Duration = Duration::from_secs(1);

/// Lingering connections. All have the same time, so the first to come is the first to expire.
///
/// Only their readers own them. A connection whose reader has ended is dropped, and no longer counts.
#[derive(Debug)]
pub(super) struct Lingering<T> {
    queue: VecDeque<(Timestamp, Weak<T>)>,
    limit: usize,
}

impl<T> Lingering<T> {
    pub(super) const fn new() -> Self {
        Self { queue: VecDeque::new(), limit: MAX_LINGERING }
    }

    /// Lets a connection linger from now on.
    pub(super) fn push(&mut self, now: Timestamp, connection: &Arc<T>) {
        self.queue.push_back((now + PERIOD, Arc::downgrade(connection)));
    }

    /// Removes the limit, because the server shuts down and no more than these will come.
    pub(super) const fn lift_limit(&mut self) {
        self.limit = usize::MAX;
    }

    /// Removes and returns a connection that has lingered long enough or exceeds the limit.
    pub(super) fn pop_expired(&mut self, now: Timestamp) -> Option<Arc<T>> {
        if self.queue.len() > self.limit {
            self.queue.retain(|(_, connection)| connection.strong_count() > 0);
        }
        while self.queue.front().is_some_and(|(until, _)| *until <= now) || self.queue.len() > self.limit {
            let (_, connection) = self.queue.pop_front()?;
            if let Some(connection) = connection.upgrade() {
                return Some(connection);
            }
        }
        None
    }

    /// Removes and returns all of them.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Arc<T>> + '_ {
        self.queue.drain(..).filter_map(|(_, connection)| connection.upgrade())
    }

    /// Returns when [`pop_expired`](Self::pop_expired) has its next connection.
    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        if self.queue.len() > self.limit {
            return Some(Timestamp::ZERO);
        }
        self.queue.front().map(|(until, _)| *until)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn a_connection_lingers_for_a_second() {
        let mut lingering = Lingering::new();
        assert_eq!(lingering.poll_timeout(), None);
        let [first, second] = ["first", "second"].map(Arc::new);
        lingering.push(Timestamp::ZERO, &first);
        let later = Timestamp::from_nanos(1);
        lingering.push(later, &second);
        let end = Timestamp::ZERO + PERIOD;
        assert_eq!(lingering.poll_timeout(), Some(end));
        assert_eq!(lingering.pop_expired(Timestamp::from_nanos(end.as_nanos() - 1)), None);
        assert_eq!(lingering.pop_expired(end), Some(first));
        assert_eq!(lingering.pop_expired(end), None);
        assert_eq!(lingering.poll_timeout(), Some(later + PERIOD));
    }

    #[test]
    fn the_oldest_connection_is_cut_off_beyond_the_limit_unless_the_server_shuts_down() {
        let mut lingering = Lingering::new();
        let connections: Vec<_> = (0..=MAX_LINGERING).map(Arc::new).collect();
        for connection in &connections {
            assert_eq!(lingering.pop_expired(Timestamp::ZERO), None);
            lingering.push(Timestamp::ZERO, connection);
        }
        assert_eq!(lingering.poll_timeout(), Some(Timestamp::ZERO), "at once");
        assert_eq!(lingering.pop_expired(Timestamp::ZERO).as_ref(), Some(&connections[0]));
        assert_eq!(lingering.pop_expired(Timestamp::ZERO), None);
        lingering.lift_limit();
        lingering.push(Timestamp::ZERO, &connections[0]);
        assert_eq!(lingering.pop_expired(Timestamp::ZERO), None);
    }

    #[test]
    fn dropped_connections_are_not_counted() {
        let mut lingering = Lingering::new();
        let there = Arc::new("there");
        lingering.push(Timestamp::ZERO, &there);
        for _ in 0..2 * MAX_LINGERING {
            lingering.push(Timestamp::ZERO, &Arc::new("gone"));
            assert_eq!(lingering.pop_expired(Timestamp::ZERO), None);
        }
        assert!(lingering.drain().eq([there]));
    }
}
