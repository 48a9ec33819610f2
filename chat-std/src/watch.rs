//! Waits for what no other thread waits for: deadlines, and sockets that took less than they were offered.

use std::io::{self, Read};
use std::iter;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use chat_proto::{SessionId, Timestamp};
use rustix::event::{PollFd, PollFlags};
use tracing::debug;

use crate::connection::Connection;
use crate::shared::{Shared, State};
use crate::wait::wait;

/// The server's alarm clock, in the thread that runs the server.
#[derive(Debug)]
pub(crate) struct Watch {
    bell: UnixStream,
    blocked: Vec<(SessionId, Arc<Connection>)>,
    /// Those that were blocked and are to be written to again.
    writable: Vec<SessionId>,
    /// Those that are to be cut.
    out_of_time: Vec<Arc<Connection>>,
    /// Those from whom nothing is read, to be asked whether they are still there.
    next_asked: Vec<(SessionId, Arc<Connection>)>,
}

impl Watch {
    /// Makes the watch of a server and hangs up its bell.
    pub(crate) fn new(shared: &Shared) -> io::Result<Self> {
        let (rope, bell) = UnixStream::pair()?;
        rope.set_nonblocking(true)?;
        bell.set_nonblocking(true)?;
        shared.act(|state, _| state.bell = Some(Arc::new(rope)));
        Ok(Self { bell, blocked: Vec::new(), writable: Vec::new(), out_of_time: Vec::new(), next_asked: Vec::new() })
    }

    /// Watches until the server is shut down and all connections' threads have ended.
    pub(crate) fn run(mut self, shared: &Shared) {
        while let Some(timeout) = shared.act(|state, now| self.look(state, now)) {
            for connection in self.out_of_time.drain(..) {
                connection.cut();
            }
            self.ask(shared);
            self.wait(timeout);
        }
    }

    /// Does what is due and returns how long there is nothing more to do; `None` if nothing is left to watch.
    fn look(&mut self, state: &mut State, now: Timestamp) -> Option<Duration> {
        for id in self.writable.drain(..) {
            state.hub.writable(now, id);
            state.writable.push_back(id);
        }
        self.blocked.append(&mut state.blocked);
        state.grace.handle_timeout(&mut state.hub, now);
        state.summary.handle_timeout(&state.hub, now);
        self.out_of_time.extend(iter::from_fn(|| state.farewells.out_of_time(now)));
        self.next_asked = state.next_asked(now);
        state.alarm = state.deadline();
        (!state.is_closed()).then(|| state.alarm.saturating_duration_since(now))
    }

    /// Tells the hub of peers that have ended or gone while nothing is read from them.
    fn ask(&mut self, shared: &Shared) {
        if self.next_asked.is_empty() {
            return;
        }
        let mut sockets: Vec<_> = self.next_asked.iter().map(|(_, connection)| connection.ended()).collect();
        wait(&mut sockets, Some(Duration::ZERO));
        for ((id, _), socket) in self.next_asked.iter().zip(&sockets) {
            let found = socket.revents();
            if found.contains(PollFlags::ERR) {
                debug!(session = %id, "reset while its input was left untaken");
                shared.act(|state, now| state.hub.disconnect(now, *id));
            } else if !found.is_empty() {
                shared.act(|state, now| state.hub.peer_ended(now, *id));
            }
        }
        drop(sockets);
        self.next_asked.clear();
    }

    /// Waits for the bell, for the timeout, or until a blocked socket takes more.
    fn wait(&mut self, timeout: Duration) {
        let mut sockets: Vec<_> = self.blocked.iter().map(|(_, connection)| connection.writable()).collect();
        sockets.push(PollFd::new(&self.bell, PollFlags::IN));
        wait(&mut sockets, Some(timeout));
        let ready: Vec<_> = sockets.iter().map(|socket| !socket.revents().is_empty()).collect();
        let mut ready = ready.into_iter();
        let unblocked = self.blocked.extract_if(.., |_| ready.next() == Some(true));
        self.writable.extend(unblocked.map(|(id, _)| id));
        // One ring or many: what it is about is looked up under the lock.
        let _ = (&self.bell).read(&mut [0; 64]);
    }
}
