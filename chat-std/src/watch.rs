//! Waits for what no other thread waits for: deadlines, and sockets that took less than they were offered.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use chat_proto::{SessionId, Timestamp};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::connection::Connection;
use crate::shared::Shared;

/// How long to wait when the system cannot poll for want of memory.
const RETRY: Duration = Duration::from_millis(100);

/// The server's alarm clock, in the thread that runs the server.
#[derive(Debug)]
pub(crate) struct Watch {
    bell: UnixStream,
    blocked: Vec<(SessionId, Arc<Connection>)>,
}

impl Watch {
    /// Makes the watch of a server and hangs up its bell.
    pub(crate) fn new(shared: &Shared) -> io::Result<Self> {
        let (rope, bell) = UnixStream::pair()?;
        rope.set_nonblocking(true)?;
        bell.set_nonblocking(true)?;
        shared.set_bell(rope);
        Ok(Self { bell, blocked: Vec::new() })
    }

    /// Watches until the server is shut down and all connections' threads have ended.
    pub(crate) fn run(mut self, shared: &Shared) {
        let mut writable = Vec::new();
        let mut lingered = Vec::new();
        loop {
            let wait = shared.act(|state, now| {
                state.writable.extend(writable.drain(..));
                self.blocked.append(&mut state.blocked);
                state.hub.handle_timeout(now);
                lingered.extend(std::iter::from_fn(|| state.lingered(now)));
                state.alarm = state.deadline();
                (!state.is_closed())
                    .then(|| (state.alarm != Timestamp::MAX).then(|| state.alarm.saturating_duration_since(now)))
            });
            let Some(timeout) = wait else { return };
            for connection in lingered.drain(..) {
                Connection::cut(&connection);
            }
            self.wait(timeout, &mut writable);
        }
    }

    /// Waits for the bell, for the timeout, or until a blocked socket takes more; such go over to `writable`.
    fn wait(&mut self, timeout: Option<Duration>, writable: &mut Vec<SessionId>) {
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let mut polled: Vec<_> = self.blocked.iter().map(|(_, connection)| connection.writable()).collect();
        polled.push(PollFd::new(&self.bell, PollFlags::IN));
        match poll(&mut polled, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot wait for sockets");
                thread::sleep(RETRY);
            }
        }
        let ready: Vec<_> = polled.iter().map(|polled| !polled.revents().is_empty()).collect();
        let mut ready = ready.into_iter();
        self.blocked.retain(|(id, _)| {
            let ready = ready.next() == Some(true);
            writable.extend(ready.then_some(*id));
            !ready
        });
        // One ring or many: what it is about is looked up under the lock.
        let _ = (&self.bell).read(&mut [0; 64]);
    }
}
