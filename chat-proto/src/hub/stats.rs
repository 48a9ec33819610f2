//! What has happened since a hub was made, counted.

use crate::command::{CloseReason, OpenError};
use crate::tally::Tally;

/// Counters of the whole hub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HubStats {
    /// Sessions now: open, closing, or over with a `Close` that was not handed out yet.
    pub sessions: usize,
    /// Sessions opened since the start.
    pub opened: u64,
    /// Sessions not opened: the hub was full or shutting down, or there were too many from one address.
    pub not_opened: u64,
    /// Those of `not_opened` that exceeded a limit by address.
    pub kept_out: u64,
    /// Those of `not_opened` for each reason.
    pub not_opened_by: Tally<OpenError>,
    /// Sessions that have ended.
    pub closed: u64,
    /// Those of `closed` for each reason.
    pub closed_by: Tally<CloseReason>,
    /// Messages and notices that went to everyone.
    pub messages: u64,
    /// Complete lines taken from peers, including refused ones.
    pub lines_received: u64,
    /// Bytes taken from peers.
    pub bytes_received: u64,
    /// Messages that peers' sockets have taken, wholly or in part, and replies that were made for them; see
    /// [`SessionStats::lines_sent`](crate::SessionStats::lines_sent).
    pub lines_sent: u64,
    /// Bytes that peers' sockets have taken.
    pub bytes_sent: u64,
    /// Lines refused.
    pub refused: u64,
    /// Messages that readers were too slow for, counted once for each reader.
    pub missed: u64,
    /// Times that a session's input began to be left untaken, because it had no tokens or did not read its replies.
    pub throttled: u64,
    /// Lines that had to wait for readers that keep pace, or for the recipient of a private message.
    pub held: u64,
    /// Times that a reader became slow, so that nobody waited for it any more.
    pub slow: u64,
    /// Sessions that were closed before everything was handled that their peers had sent.
    pub cut_short: u64,
    /// Sessions that ended because their peers took no pending bytes.
    pub stalled: u64,
    /// Sessions that ended because their peers spoke another protocol.
    pub wrong_protocol: u64,
}
