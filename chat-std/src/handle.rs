//! What may be asked of a server while it runs.

use std::sync::Arc;

use chat_proto::{HubStats, Record, SessionId};

use crate::shared::Shared;

/// Speaks to a server from any thread.
///
/// A handle outlives its server: then there is nobody to speak to, and the counters and the journal stay as they were
/// at the end. It keeps the hub's memory.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Says something to everyone in the server's name.
    pub fn announce(&self, words: &str) {
        self.shared.act(|state, now| state.hub.hub_mut().announce(now, words));
    }

    /// Closes a session, telling its peer why. Nothing happens if it is gone.
    pub fn kick(&self, id: SessionId, why: &str) {
        self.shared.act(|state, now| state.hub.hub_mut().kick(now, id, why));
    }

    /// Returns the counters of the whole server.
    #[must_use]
    pub fn stats(&self) -> HubStats {
        self.shared.act(|state, _| state.hub.hub().stats())
    }

    /// Returns the sessions that are open or closing, and what each is called.
    #[must_use]
    pub fn sessions(&self) -> Vec<(SessionId, String)> {
        self.shared.act(|state, _| {
            let hub = state.hub.hub();
            hub.sessions().filter_map(|id| Some((id, hub.name(id)?))).collect()
        })
    }

    /// Returns the journal's records from number `since` on, oldest first.
    ///
    /// Some were overwritten if the first one's `seq` is greater than `since`.
    #[must_use]
    pub fn journal(&self, since: u64) -> Vec<Record> {
        self.shared.act(|state, _| state.hub.hub().journal(since).collect())
    }

    /// Stops accepting, tells everyone, and lets [`Server::run`](crate::Server::run) return once every connection is
    /// closed. Returns at once; [`closed`](Self::closed) waits for that.
    pub fn shut_down(&self) {
        self.shared.shut_down();
    }

    /// Waits until every connection is closed and every thread has ended but the one that runs the server, because
    /// somebody has called [`shut_down`](Self::shut_down), or because the server was dropped.
    ///
    /// Not to be called by the thread that runs the server, of course.
    pub fn closed(&self) {
        self.shared.wait_until_closed();
    }
}
