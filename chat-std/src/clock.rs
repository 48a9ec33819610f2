//! Waits for what no other thread waits for: deadlines, and blocked sockets.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use chat_proto::SessionId;
use rustix::event::{PollFd, PollFlags};

use crate::connection::Connection;
use crate::shared::Shared;
use crate::wait::wait;

/// The event for a peer that sends no more, though it may still read.
#[cfg(any(target_os = "android", target_os = "freebsd", target_os = "linux"))]
const ENDED: PollFlags = PollFlags::RDHUP;
#[cfg(not(any(target_os = "android", target_os = "freebsd", target_os = "linux")))]
const ENDED: PollFlags = PollFlags::HUP;

/// The loop of the thread that runs the server.
#[derive(Debug)]
pub(crate) struct Clock {
    /// The end of the wake pipe that is read.
    woken: UnixStream,
    blocked: Vec<(SessionId, Arc<Connection>)>,
}

impl Clock {
    /// Makes the clock of a server, and the pipe that wakes it.
    pub(crate) fn new(shared: &Shared) -> io::Result<Self> {
        let (waker, woken) = UnixStream::pair()?;
        waker.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        shared.act(|state, _| state.clock_waker = Some(Arc::new(waker)));
        Ok(Self { woken, blocked: Vec::new() })
    }

    /// Runs until the server is shut down and all connections' threads have ended.
    pub(crate) fn run(mut self, shared: &Shared) {
        let mut writable = Vec::new();
        loop {
            let due = shared.act(|state, now| {
                for id in writable.drain(..) {
                    state.hub.note_writable(now, id);
                }
                self.blocked.append(&mut state.blocked);
                state.clock_is_woken = false;
                let due = state.hub.handle_timeout(now);
                (!state.is_over()).then_some(due)
            });
            let Some(due) = due else { return };
            for connection in due.expired {
                connection.cut();
            }
            find_gone(shared, &due.paused);
            drop(due.paused);
            writable = self.wait(due.wait);
        }
    }

    /// Waits until woken, until the timeout, or until blocked sockets are writable; returns the sessions of those.
    fn wait(&mut self, timeout: Option<Duration>) -> Vec<SessionId> {
        let mut sockets: Vec<_> = self.blocked.iter().map(|(_, it)| PollFd::new(&it.stream, PollFlags::OUT)).collect();
        sockets.push(PollFd::new(&self.woken, PollFlags::IN));
        wait(&mut sockets, timeout);
        let ready: Vec<_> = sockets.iter().map(|socket| !socket.revents().is_empty()).collect();
        // The caller finds under the lock why the clock was woken.
        let _ = (&self.woken).read(&mut [0; 64]);
        let mut ready = ready.into_iter();
        self.blocked.extract_if(.., |_| ready.next() == Some(true)).map(|(id, _)| id).collect()
    }
}

/// Tells the hub about peers that ended or are gone while nothing is read from them.
fn find_gone(shared: &Shared, paused: &[(SessionId, Arc<Connection>)]) {
    let mut sockets: Vec<_> = paused.iter().map(|(_, it)| PollFd::new(&it.stream, ENDED)).collect();
    wait(&mut sockets, Some(Duration::ZERO));
    for ((id, _), socket) in paused.iter().zip(&sockets) {
        let found = socket.revents();
        if found.contains(PollFlags::ERR) {
            shared.act(|state, now| state.hub.hub_mut().disconnect(now, *id));
        } else if !found.is_empty() {
            shared.act(|state, now| state.hub.hub_mut().peer_ended(now, *id));
        }
    }
}
