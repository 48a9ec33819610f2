//! What other threads may ask of a server.

use std::sync::Arc;

use chat_proto::{HubStats, Record, SessionId};

use crate::shared::Shared;

/// Speaks to a server, looks at it and shuts it down, from any thread.
///
/// Once the server is gone, nothing that a handle does has an effect.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Says something to everyone, as the server.
    pub fn announce(&self, words: &str) {
        self.shared.act(|hub, now| hub.hub_mut().announce(now, words));
    }

    /// Closes a session, telling it why; nothing happens if it is gone already.
    pub fn kick(&self, id: SessionId, why: &str) {
        self.shared.act(|hub, now| hub.hub_mut().kick(now, id, why));
    }

    /// Returns the counters of the whole server.
    #[must_use]
    pub fn stats(&self) -> HubStats {
        self.shared.act(|hub, _| hub.hub().stats())
    }

    /// Returns every session that is open or closing, and what it is called.
    #[must_use]
    pub fn sessions(&self) -> Vec<(SessionId, String)> {
        self.shared.act(|hub, _| {
            let hub = hub.hub();
            hub.sessions().filter_map(|id| Some((id, hub.name(id)?))).collect()
        })
    }

    /// Returns the diagnostic records from number `since` on that are still kept, oldest first.
    #[must_use]
    pub fn journal(&self, since: u64) -> Vec<Record> {
        self.shared.act(|hub, _| hub.hub().journal(since).collect())
    }

    /// Tells the server to stop: it accepts nobody any more, tells everyone, and closes each connection once its peer
    /// has been sent what was pending, at most the linger timeout later.
    ///
    /// Returns at once; [`Server::run`](crate::Server::run) returns when all is closed, and [`closed`](Self::closed)
    /// waits for that.
    pub fn shut_down(&self) {
        self.shared.act(|hub, now| hub.hub_mut().shut_down(now));
        self.shared.stopping.close();
    }

    /// Waits until every connection is closed and no task is left, because somebody has called
    /// [`shut_down`](Self::shut_down); or until the server was dropped, which ends its tasks as soon as their executor
    /// runs.
    ///
    /// This can be awaited on any executor, or by a thread:
    ///
    /// ```no_run
    /// # let handle = chat_smol::Server::new(chat_proto::Config::default())?.handle();
    /// handle.shut_down();
    /// smol::block_on(handle.closed());
    /// # Ok::<(), chat_proto::ConfigError>(())
    /// ```
    pub async fn closed(&self) {
        self.shared.ended.wait().await;
    }
}
