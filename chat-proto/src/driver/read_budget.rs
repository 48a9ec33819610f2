//! How much is read at once from each socket.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::config::Config;

/// The most bytes read at once where a rate limits how many of them the hub takes. What the hub leaves untaken is kept,
/// and during a flood that happens in every session.
const READ_IF_LIMITED: usize = 8 << 10;

/// The bytes read in a turn from all flooding sockets together: two writes of 64 KiB. However many flood, others wait
/// about as long as it takes to write this to everyone.
const TURN: usize = 128 << 10;

/// The least share of a turn for each of those sockets, or most of the time would go into system calls. With more than
/// 128 of them turns become longer.
const MIN_SHARE: usize = 1 << 10;

/// Divides what is read in a turn among the sockets that have more to give.
///
/// A reader reads at most [`share`](Self::share) bytes from its socket, [`max_read`](Self::max_read) at once, before
/// others have their turn. If its socket has more to give, it keeps a [`Flooding`] until the socket has no more.
///
/// ```
/// use std::sync::Arc;
///
/// use chat_proto::Config;
/// use chat_proto::driver::ReadBudget;
///
/// let config = Config { rate: None, ..Config::default() };
/// let budget = Arc::new(ReadBudget::new(&config, 32 << 10));
/// assert_eq!((budget.max_read(), budget.share()), (32 << 10, 128 << 10));
/// let floods = [(); 4].map(|()| ReadBudget::count_flood(&budget));
/// assert_eq!(budget.share(), 32 << 10);
/// drop(floods);
/// assert_eq!(budget.share(), 128 << 10);
/// ```
#[derive(Debug)]
pub struct ReadBudget {
    max_read: usize,
    floods: AtomicUsize,
}

/// Counts a socket that has more to give than its share, until it is dropped.
///
/// Keep it only while the socket is certain to be read again soon: a quiet socket must not be counted.
#[derive(Debug)]
pub struct Flooding(Arc<ReadBudget>);

impl ReadBudget {
    /// Makes the budget of a server with these limits. `max_read` is the most bytes that the driver reads at once; more
    /// than 64 KiB gains nothing.
    #[must_use]
    pub fn new(config: &Config, max_read: usize) -> Self {
        let most = if config.rate.is_some() { READ_IF_LIMITED } else { usize::MAX };
        Self { max_read: max_read.min(most), floods: AtomicUsize::new(0) }
    }

    /// Returns the most memory, in bytes, that sessions and messages can ever take with these limits, in a driver that
    /// reads `max_read` bytes at once. It is [`Config::memory_bound`] and one read for each session, which is kept
    /// while the hub leaves it untaken.
    #[must_use]
    pub fn memory_bound(config: &Config, max_read: usize) -> usize {
        let untaken = config.max_sessions.saturating_mul(Self::new(config, max_read).max_read);
        config.memory_bound().saturating_add(untaken)
    }

    /// Returns the most bytes to read at once: 8 KiB where [`Config::rate`] limits what is taken.
    ///
    /// It is also the most untaken input that a reader has to keep.
    #[must_use]
    pub fn max_read(&self) -> usize {
        self.max_read
    }

    /// Returns the most bytes to read in a turn from one socket.
    #[must_use]
    pub fn share(&self) -> usize {
        (TURN / self.floods.load(Ordering::Relaxed).max(1)).max(MIN_SHARE)
    }

    /// Counts one more socket that has more to give than its share.
    #[must_use]
    pub fn count_flood(this: &Arc<Self>) -> Flooding {
        this.floods.fetch_add(1, Ordering::Relaxed);
        Flooding(Arc::clone(this))
    }
}

impl Drop for Flooding {
    fn drop(&mut self) {
        self.0.floods.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn flooding_sockets_share_a_turn() {
        let budget = Arc::new(ReadBudget::new(&Config::default(), 64 << 10));
        let mut floods = Vec::new();
        while floods.len() < TURN / MIN_SHARE {
            floods.push(ReadBudget::count_flood(&budget));
            assert_eq!(budget.share(), TURN / floods.len());
        }
        floods.push(ReadBudget::count_flood(&budget));
        assert_eq!(budget.share(), MIN_SHARE);
        drop(floods);
        assert_eq!(budget.share(), TURN);
    }

    #[test]
    fn less_is_read_at_once_where_a_rate_limits_what_is_taken() {
        let max_read = |rate| ReadBudget::new(&Config { rate, ..Config::default() }, 64 << 10).max_read();
        assert_eq!((max_read(None), max_read(Config::default().rate)), (64 << 10, READ_IF_LIMITED));
    }
}
