//! Closing a socket so that the peer can read its last words.
//!
//! A socket that is closed while its peer still sends answers with a reset, and a reset may destroy what the peer has
//! not read yet. So only our half is closed at first, and the connection's thread goes on reading, for nothing, until
//! the peer closes its own. Neither time nor number is left to the peers.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use chat_proto::Timestamp;

use crate::connection::Connection;

/// The most connections that wait for their peers to close; one more, and the oldest is cut at once.
const MAX_FAREWELLS: usize = 1_024;

/// How long a peer has to close its half: a few round trips around the globe.
const PATIENCE: Duration = Duration::from_secs(1);

/// Connections whose peers have been told the last. All have the same time, so the first to come is the first to run
/// out of it.
#[derive(Debug, Default)]
pub(crate) struct Farewells(VecDeque<(Timestamp, Weak<Connection>)>);

impl Farewells {
    pub(crate) fn begin(&mut self, now: Timestamp, connection: &Arc<Connection>) {
        self.0.push_back((now + PATIENCE, Arc::downgrade(connection)));
    }

    /// Takes out a connection whose peer has had time enough, to be cut.
    pub(crate) fn out_of_time(&mut self, now: Timestamp) -> Option<Arc<Connection>> {
        while let Some((until, connection)) = self.0.front()
            && (*until <= now || self.0.len() > MAX_FAREWELLS)
        {
            let connection = connection.upgrade();
            self.0.pop_front();
            // Most have ended by themselves.
            if connection.is_some() {
                return connection;
            }
        }
        None
    }

    /// Returns when to ask again at the latest.
    pub(crate) fn deadline(&self) -> Timestamp {
        self.0.front().map_or(Timestamp::MAX, |(until, _)| *until)
    }
}
