//! The core's examples that serve sockets, as adapters for the [conformance suite](mod@crate::conformance).
//!
//! These are the files that embedders read, so an example that is copied has passed the suite.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::channel;

use chat_proto::{Config, Hub, HubStats, SessionId, Timestamp};
use tokio::runtime::Runtime;

use crate::conformance::{Adapter, LOOPBACK, Running, ServerHandle};

#[path = "../../chat-proto/examples/poller.rs"]
#[expect(dead_code, reason = "the suite does not call its main")]
mod poller;

#[path = "../../chat-proto/examples/tokio.rs"]
#[expect(dead_code, reason = "the suite does not call its main")]
mod on_tokio;

/// One thread and a poller.
#[derive(Clone, Copy, Debug)]
pub struct Poller;

/// Tokio, on as many threads as there are cores.
#[derive(Clone, Copy, Debug)]
pub struct Tokio;

impl Adapter for Poller {
    fn start(&self, config: Config, dialects: &[&'static str]) -> io::Result<Running> {
        let mut server = poller::Server::new(Hub::new(config).map_err(io::Error::other)?)?;
        let mut ports = Vec::new();
        for dialect in dialects {
            ports.push((*dialect, server.listen(dialect, LOOPBACK)?));
        }
        Ok(Running::new(ports, server.handle(), move || server.run()))
    }
}

impl Adapter for Tokio {
    fn start(&self, config: Config, dialects: &[&'static str]) -> io::Result<Running> {
        let runtime = Runtime::new()?;
        let server = on_tokio::Server::new(Hub::new(config).map_err(io::Error::other)?);
        let (mut ports, mut listeners) = (Vec::new(), Vec::new());
        for dialect in dialects {
            let (listener, id) = runtime.block_on(server.listen(dialect, LOOPBACK))?;
            ports.push((*dialect, listener.local_addr()?));
            listeners.push((listener, id));
        }
        Ok(Running::new(ports, Arc::clone(&server), move || {
            runtime.block_on(server.run(listeners));
            Ok(())
        }))
    }
}

/// Calls a hub on its own thread and waits for the answer; `None` if its server has ended.
fn ask<T: Send + 'static>(
    handle: &poller::Handle,
    question: impl FnOnce(&mut Hub, Timestamp) -> T + Send + 'static,
) -> Option<T> {
    let (answer, answered) = channel();
    handle.call(move |hub, now| {
        // The caller waits below.
        let _ = answer.send(question(hub, now));
    });
    answered.recv().ok()
}

fn sessions(hub: &Hub) -> Vec<(SessionId, String)> {
    hub.sessions().filter_map(|id| Some((id, hub.name(id)?))).collect()
}

impl ServerHandle for poller::Handle {
    fn announce(&self, words: &str) {
        let words = words.to_owned();
        ask(self, move |hub, now| hub.announce(now, &words));
    }

    fn kick(&self, id: SessionId, why: &str) {
        let why = why.to_owned();
        ask(self, move |hub, now| hub.kick(now, id, &why));
    }

    fn stats(&self) -> HubStats {
        ask(self, |hub, _| hub.stats()).unwrap_or_default()
    }

    fn sessions(&self) -> Vec<(SessionId, String)> {
        ask(self, |hub, _| sessions(hub)).unwrap_or_default()
    }

    fn shut_down(&self) {
        self.call(Hub::shut_down);
    }
}

impl ServerHandle for Arc<on_tokio::Server> {
    fn announce(&self, words: &str) {
        self.call(|hub, now| hub.hub_mut().announce(now, words));
    }

    fn kick(&self, id: SessionId, why: &str) {
        self.call(|hub, now| hub.hub_mut().kick(now, id, why));
    }

    fn stats(&self) -> HubStats {
        self.call(|hub, _| hub.hub().stats())
    }

    fn sessions(&self) -> Vec<(SessionId, String)> {
        self.call(|hub, _| sessions(hub.hub()))
    }

    fn shut_down(&self) {
        self.call(|hub, now| hub.hub_mut().shut_down(now));
    }
}
