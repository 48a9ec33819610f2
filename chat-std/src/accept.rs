//! A listener's thread: opens sessions, refuses them, and waits when the system has no room for more.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use chat_proto::DialectId;
use chat_proto::driver::Admission;
use rustix::event::{PollFd, PollFlags};
use tracing::{debug, info};

use crate::connection::{Connection, lock};
use crate::reader;
use crate::shared::Shared;
use crate::wait::wait;

/// The most threads, beside those of sessions, that wait for peers to read their last words. Beyond that, a refused
/// peer is closed at once, and may see a reset instead of the reason. So many, in some 8 MB, refuse 2,560 peers a second
/// that are 100 ms away.
const MAX_LINGERING_THREADS: usize = 256;

/// An address that clients of one dialect connect to.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) addr: SocketAddr,
    pub(crate) dialect: DialectId,
    pub(crate) name: String,
}

impl Listener {
    /// Accepts connections until `closed` is at its end.
    pub(crate) fn run(self, shared: &Arc<Shared>, closed: &UnixStream) {
        info!(dialect = self.name, addr = %self.addr, "listening");
        while self.wait(PollFlags::IN, closed, None) {
            let admitted = self.socket.accept().and_then(|(stream, peer)| self.admit(shared, stream, peer));
            match admitted {
                Ok(()) => {}
                Err(error) if is_peers_own(&error) => debug!(%error, "a connection was lost before it was accepted"),
                Err(error) => {
                    let pause = shared.act(|state, now| state.hub.accept_failed(now, &error));
                    // Most likely the connection stays in the system's queue: without a pause this would spin.
                    self.wait(PollFlags::empty(), closed, Some(pause));
                }
            }
        }
        info!(dialect = self.name, addr = %self.addr, "no longer listening");
    }

    /// Waits until `flags` come true for the listener; returns false if `closed` is at its end.
    fn wait(&self, flags: PollFlags, closed: &UnixStream, timeout: Option<Duration>) -> bool {
        let mut sockets = [PollFd::new(&self.socket, flags), PollFd::new(closed, PollFlags::IN)];
        wait(&mut sockets, timeout);
        sockets[1].revents().is_empty()
    }

    /// Opens a session for a connection, or sends it the reason for the refusal.
    fn admit(&self, shared: &Arc<Shared>, stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
        // Cloned, so that the function is called without a lock held.
        let on_accept = lock(&shared.on_accept).clone();
        let admission = on_accept.ask(Some(peer));
        if admission == Admission::Drop {
            return Ok(());
        }
        let connection = Arc::new(Connection::new(stream)?);
        if let Err(error) = connection.set_options() {
            // Some systems refuse options on a socket whose peer is gone already; the next connection may be fine.
            debug!(%peer, %error, "cannot set socket options");
        }
        let (opened, has_thread) = shared.act(|state, now| {
            let lingering = state.threads.saturating_sub(state.hub.hub().stats().sessions);
            let opened = state.hub.admit(now, self.dialect, Some(peer), admission, &connection);
            let has_thread = opened.is_ok() || lingering < MAX_LINGERING_THREADS;
            state.threads += usize::from(has_thread);
            (opened, has_thread)
        });
        let id = opened.unwrap_or_else(|refusal| {
            // A new socket has room for a line; if not, the peer gets no reason.
            let _ = connection.write(&refusal.words);
            connection.end_output();
            refusal.id
        });
        if !has_thread {
            return Ok(());
        }
        reader::start(shared, id, &connection).inspect_err(|_| {
            shared.act(|state, now| {
                state.threads -= 1;
                state.hub.hub_mut().kick(now, id, "no thread is left, try again later");
            });
        })
    }
}

/// Whether the failure concerns one connection only. The driver kit cannot tell: it is `no_std`.
fn is_peers_own(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | WouldBlock)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::OwnedFd;

    use chat_proto::driver::ConnectedHub;
    use chat_proto::{Config, Hub};

    use super::*;

    /// A listener of a server that has room for one session.
    fn listener() -> (Arc<Shared>, Listener) {
        let config = Config { max_sessions: 1, ..Config::default() };
        let shared = Arc::new(Shared::new(ConnectedHub::new(Hub::new(config).expect("the limits are in range"))));
        let dialect = shared.act(|state, _| state.hub.hub().dialect("text")).expect("a default dialect");
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = socket.local_addr().expect("its address");
        (shared, Listener { socket, addr, dialect, name: String::from("text") })
    }

    /// Admits a socket and returns the peer's end. It is no TCP socket, so every option fails, as after a reset.
    fn admit(shared: &Arc<Shared>, listener: &Listener) -> UnixStream {
        let (ours, theirs) = UnixStream::pair().expect("two sockets");
        let stream = TcpStream::from(OwnedFd::from(ours));
        stream.set_nodelay(true).expect_err("no TCP");
        listener.admit(shared, stream, listener.addr).expect("only an option is missing");
        theirs
    }

    #[test]
    fn a_socket_on_which_no_option_can_be_set_is_served_all_the_same() {
        let (shared, listener) = listener();
        let _theirs = admit(&shared, &listener);
        assert_eq!(shared.act(|state, _| state.hub.hub().stats().sessions), 1);
    }

    #[test]
    fn refused_peers_have_threads_up_to_a_limit() {
        let (shared, listener) = listener();
        let threads = || shared.act(|state, _| state.threads);
        let _peers: Vec<_> = (0..=MAX_LINGERING_THREADS).map(|_| admit(&shared, &listener)).collect();
        assert_eq!(threads(), 1 + MAX_LINGERING_THREADS);
        let mut words = String::new();
        admit(&shared, &listener).read_to_string(&mut words).expect("it is closed in order");
        assert_eq!((threads(), words.as_str()), (1 + MAX_LINGERING_THREADS, "! the server is full, try again later\n"));
    }
}
