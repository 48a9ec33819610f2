//! A connection's thread, which reads from its socket.

use std::io::{self, Read};
use std::sync::Arc;
use std::thread;

use chat_proto::SessionId;
use chat_proto::driver::{Flooding, ReadBudget};
use rustix::event::{PollFd, PollFlags};
use rustix::io::ioctl_fionread;
use tracing::debug;

use crate::connection::{Connection, is_transient, lock};
use crate::shared::Shared;
use crate::wait::wait;

/// Address space for a connection thread's stack; only the pages that it touches take memory.
const STACK: usize = 256 << 10;

/// The state of a connection's thread.
struct Reader<'a> {
    shared: &'a Shared,
    id: SessionId,
    connection: &'a Connection,
    /// Set if the last read left bytes in the socket.
    flooding: Option<Flooding>,
}

/// Starts the thread that reads.
pub(crate) fn start(shared: &Arc<Shared>, id: SessionId, connection: &Arc<Connection>) -> io::Result<()> {
    let (shared, on_thread) = (Arc::clone(shared), Arc::clone(connection));
    let read = move || {
        let _end = End { shared: &shared, connection: &on_thread };
        Reader { shared: &shared, id, connection: &on_thread, flooding: None }.run();
    };
    let builder = thread::Builder::new().name("connection".into()).stack_size(STACK);
    // Locked until the handle is stored: the thread may end at once, and then takes it.
    let mut thread = lock(&connection.thread);
    // The error's own kind is `WouldBlock`, which would look like the socket's.
    let started = builder.spawn(read).map_err(|error| io::Error::other(format!("no thread to be had: {error}")))?;
    *thread = Some(started);
    Ok(())
}

impl Reader<'_> {
    /// Offers the hub everything that the peer sends, until either end is closed.
    ///
    /// Once the session is over, the hub ignores what it is offered: that is how a closed connection lingers.
    fn run(&mut self) {
        let (shared, id) = (self.shared, self.id);
        loop {
            wait(&mut [PollFd::new(&self.connection.stream, PollFlags::IN)], None);
            match self.read() {
                Ok(input) if input.is_empty() => {
                    return shared.act(|state, now| state.hub.hub_mut().receive_eof(now, id));
                }
                Ok(input) => self.offer(input),
                Err(error) if is_transient(&error) => {}
                Err(error) => {
                    debug!(session = %id, %error, "cannot read");
                    return shared.act(|state, now| state.hub.hub_mut().disconnect(now, id));
                }
            }
        }
    }

    /// Reads what is there, at most this connection's share of a turn. If the result is empty, nothing is left to read.
    fn read(&mut self) -> io::Result<Vec<u8>> {
        let (budget, mut stream) = (&self.shared.budget, &self.connection.stream);
        let available = usize::try_from(ioctl_fionread(stream)?).unwrap_or(usize::MAX);
        let mut input = vec![0; available.clamp(1, budget.max_read().min(budget.share()))];
        let n = stream.read(&mut input)?;
        input.truncate(n);
        self.flooding = (n < available).then(|| ReadBudget::count_flood(budget));
        Ok(input)
    }

    /// Offers input to the hub until it has taken all of it.
    fn offer(&mut self, mut input: Vec<u8>) {
        loop {
            let taken = self.shared.act(|state, now| state.hub.receive(now, self.id, &input));
            if taken == input.len() {
                return;
            }
            self.flooding = None;
            input.drain(..taken);
            // Frees the rest of the buffer: the wait may be long.
            input.shrink_to_fit();
            // Until `resume`; if that came first, this returns at once.
            thread::park();
        }
    }
}

/// Accounts for the end of a connection's thread, however it comes.
struct End<'a> {
    shared: &'a Shared,
    connection: &'a Connection,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        let thread = lock(&self.connection.thread).take();
        self.shared.thread_ends(thread);
    }
}
