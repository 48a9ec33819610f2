//! What a driver asks the system for: the numbers that it sets sockets to, and what follows from them.

use core::time::Duration;

use super::round::Round;
use crate::config::Config;

/// Connections that the system keeps for a listener between two accepts. It may keep fewer: `net.core.somaxconn` is 4,096
/// on Linux.
pub const ACCEPT_QUEUE: i32 = 4_096;

/// Bytes that the system is asked to keep for a connection in either direction (`SO_SNDBUF`, `SO_RCVBUF`): what a peer
/// half a second away reads at some 250 KiB a second, and two writes of ours.
///
/// It takes up to twice as much, with what it keeps besides. If it is left to choose, it comes to some megabytes for each
/// peer that first reads and then stops, and a socket takes bytes again in steps so large that its peer looks slow.
pub const SOCKET_BUFFER: usize = 128 << 10;

/// Silence after which the system asks whether a peer is still there (`SO_KEEPALIVE`).
///
/// Deadlines end most sessions whose peers are gone. Where deadlines are off, this ends them, within ten minutes or so.
pub const KEEPALIVE: Duration = Duration::from_secs(120);

/// How long the system keeps what a peer takes nothing of, once our half is shut down (`TCP_USER_TIMEOUT`).
///
/// By default it does so for minutes, outside of any limit of ours.
pub const USER_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the most memory, in bytes, that the system keeps for the connections of all sessions with these limits: what
/// their peers have not taken, and what the driver has not.
///
/// It is twice [`SOCKET_BUFFER`] in each direction, and a write of [`Round::MAX_WRITE`], for each session.
#[must_use]
pub const fn system_bound(config: &Config) -> usize {
    config.max_sessions.saturating_mul(2 * 2 * SOCKET_BUFFER + Round::<()>::MAX_WRITE)
}
