//! One peer: its socket, and the thread that reads from it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chat_proto::{Config, SessionId};
use rustix::event::{PollFd, PollFlags};
use socket2::{SockRef, TcpKeepalive};
use tracing::debug;

use crate::shared::{Shared, lock};
use crate::wait::wait;

/// Address space for a connection thread's stack; only the pages that it touches take memory.
const STACK: usize = 256 << 10;

/// The most bytes read at once, and offered in one hold of the lock: eight lines that are as long as they may be by
/// default, or 16,384 of a letter each, for which others wait a millisecond or two.
const READ: usize = 32 << 10;

/// The same where a rate limits how much of them the hub takes: what it leaves untaken is kept, and a flood leaves some
/// in every session.
const READ_IF_LIMITED: usize = 8 << 10;

/// Silence after which the kernel asks whether the peer is still there, for peers that vanish where no idle timeout is
/// set.
const KEEPALIVE: Duration = Duration::from_secs(120);

/// How long the system keeps what a peer takes nothing of, once we are done with the socket; where it can be told.
///
/// By default it does so for minutes, up to some megabytes for a socket, outside of any limit of ours.
const SYSTEM_PATIENCE: Duration = Duration::from_secs(10);

/// Returns the most bytes that are read at once from a session with these limits. It is the most that is kept for one,
/// too: what the hub leaves untaken, before which nothing more is read.
pub(crate) fn read_at_once(config: &Config) -> usize {
    if config.rate.is_some() { READ_IF_LIMITED } else { READ }
}

/// A peer's socket, held by its session and by its thread.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Whether the hub has left input untaken; changed under the hub's lock only.
    pub(crate) is_paused: AtomicBool,
}

impl Connection {
    /// Takes a socket fresh from the listener.
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream, thread: Mutex::new(None), is_paused: AtomicBool::new(false) })
    }

    /// Sets what a connection is better off with but can do without.
    pub(crate) fn set_options(&self) -> io::Result<()> {
        // Batches are as large as they get: nothing is gained by holding a small one back.
        self.stream.set_nodelay(true)?;
        SockRef::from(&self.stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))
    }

    /// Starts the thread that reads.
    pub(crate) fn start(self: &Arc<Self>, shared: &Arc<Shared>, id: SessionId) -> io::Result<()> {
        // Held until the handle is in its place, which the thread may look for soon.
        let mut thread = lock(&self.thread);
        let (connection, shared) = (Arc::clone(self), Arc::clone(shared));
        let serve = move || {
            let _end = End { shared: &shared, connection: &connection };
            connection.serve(&shared, id);
        };
        let builder = thread::Builder::new().name("connection".into()).stack_size(STACK);
        // Its kind would say "try again", as a socket's does.
        let started =
            builder.spawn(serve).map_err(|error| io::Error::other(format!("no thread to be had: {error}")))?;
        *thread = Some(started);
        Ok(())
    }

    /// Offers the hub all that the peer sends, until either end is closed.
    ///
    /// After the session is over the hub ignores what it is offered: that is how a closed connection lingers.
    fn serve(&self, shared: &Shared, id: SessionId) {
        loop {
            self.wait_for_input();
            match self.read(shared.read_at_once) {
                Ok(input) if input.is_empty() => return shared.act(|state, now| state.hub.receive_eof(now, id)),
                Ok(input) => self.offer(shared, id, input),
                Err(error) if is_for_now(&error) => {}
                Err(error) => {
                    debug!(session = %id, %error, "cannot read");
                    return shared.act(|state, now| state.hub.disconnect(now, id));
                }
            }
        }
    }

    /// Offers input to the hub until it has taken all of it.
    fn offer(&self, shared: &Shared, id: SessionId, mut input: Vec<u8>) {
        loop {
            let taken = shared.act(|state, now| {
                let taken = state.hub.receive(now, id, &input);
                state.set_paused(self, taken < input.len());
                taken
            });
            if taken == input.len() {
                return;
            }
            input.drain(..taken);
            // The wait may be long, the rest short.
            input.shrink_to_fit();
            // Until `resume`, which may have come already: then this returns at once.
            thread::park();
        }
    }

    /// Waits until there is input, holding no buffer.
    fn wait_for_input(&self) {
        wait(&mut [PollFd::new(&self.stream, PollFlags::IN)], None);
    }

    /// Reads once, at most `size` bytes; nothing is left to read if it comes back empty.
    fn read(&self, size: usize) -> io::Result<Vec<u8>> {
        let mut input = vec![0; size];
        let n = (&self.stream).read(&mut input)?;
        input.truncate(n);
        Ok(input)
    }

    /// Writes what the socket takes now, and returns how many bytes that was.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match (&self.stream).write(bytes) {
            Err(error) if is_for_now(&error) => Ok(0),
            result => result,
        }
    }

    /// What to poll to learn when the socket takes more.
    pub(crate) fn writable(&self) -> PollFd<'_> {
        PollFd::new(&self.stream, PollFlags::OUT)
    }

    /// What to poll to learn that the peer sends no more, while nothing is read from it.
    pub(crate) fn ended(&self) -> PollFd<'_> {
        #[cfg(any(target_os = "android", target_os = "freebsd", target_os = "linux"))]
        const ENDED: PollFlags = PollFlags::RDHUP;
        #[cfg(not(any(target_os = "android", target_os = "freebsd", target_os = "linux")))]
        const ENDED: PollFlags = PollFlags::HUP;
        PollFd::new(&self.stream, ENDED)
    }

    /// Lets the thread go on that left input untaken.
    pub(crate) fn resume(&self) {
        if let Some(thread) = &*lock(&self.thread) {
            thread.thread().unpark();
        }
    }

    /// Sends the end of output. The thread goes on reading until the peer does the same or the connection is cut.
    pub(crate) fn close(&self) {
        self.limit_unsent();
        // It fails if the peer has reset the connection.
        let _ = self.stream.shutdown(Shutdown::Write);
        self.resume();
    }

    /// Has the system give up a connection whose peer takes nothing of what is left for it.
    fn limit_unsent(&self) {
        #[cfg(any(target_os = "android", target_os = "linux"))]
        let _ = SockRef::from(&self.stream).set_tcp_user_timeout(Some(SYSTEM_PATIENCE));
        #[cfg(not(any(target_os = "android", target_os = "linux")))]
        let _ = SYSTEM_PATIENCE;
    }

    /// Ends both directions, and with them the thread.
    pub(crate) fn cut(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Whether a socket operation failed only for now.
fn is_for_now(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
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
