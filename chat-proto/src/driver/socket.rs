//! Socket options: the values that a driver sets, and what follows from them.

use core::time::Duration;

use super::round::Round;
use crate::config::Config;

/// Connections that the system queues for a listener between two accepts. It may queue fewer: `net.core.somaxconn` is
/// 4,096 on Linux.
pub const ACCEPT_QUEUE: i32 = 4_096;

/// The buffer size, in bytes, that a driver sets for each direction of a connection (`SO_SNDBUF`, `SO_RCVBUF`). It
/// holds what a peer half a second away reads at some 250 KiB a second, and two of our writes.
///
/// With its own overhead the system takes up to twice as much. If the system chooses the size, it grows to some
/// megabytes for each peer that first reads and then stops. Such a socket takes bytes again in steps so large that its
/// peer looks slow.
pub const SOCKET_BUFFER: usize = 128 << 10;

/// Silence after which the system checks whether a peer is still there (`SO_KEEPALIVE`).
///
/// Deadlines end most sessions whose peers are gone. Where deadlines are off, this ends them within about ten minutes.
pub const KEEPALIVE: Duration = Duration::from_secs(120);

/// How long the system keeps bytes for a peer that takes none, once our half is shut down (`TCP_USER_TIMEOUT`).
///
/// The default is some minutes, during which these bytes escape every limit of ours.
pub const USER_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the most memory, in bytes, that the system uses for the connections of all sessions with these limits: bytes
/// that peers have not taken, and bytes that the driver has not.
///
/// It is twice [`SOCKET_BUFFER`] in each direction, and a write of [`Round::MAX_WRITE`], for each session.
#[must_use]
pub const fn system_bound(config: &Config) -> usize {
    config.max_sessions.saturating_mul(2 * 2 * SOCKET_BUFFER + Round::<()>::MAX_WRITE)
}
