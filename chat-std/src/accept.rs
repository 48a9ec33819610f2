//! A listener's thread: opens sessions, refuses them, and waits when the system has no room for more.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use chat_proto::{DialectId, Exemptions};
use rustix::event::{PollFd, PollFlags};
use tracing::{debug, info, warn};

use crate::connection::Connection;
use crate::shared::Shared;
use crate::wait::wait;

/// How long to wait when descriptors, memory or threads have run out; doubled as long as that does not help, up to
/// [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(1);

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
    pub(crate) fn run(self, shared: &Arc<Shared>, exemptions: &Exemptions, closed: &UnixStream) {
        info!(dialect = self.name, addr = %self.addr, "listening");
        let mut pause = MIN_PAUSE;
        while self.wait(PollFlags::IN, closed, None) {
            let admitted = self.socket.accept().and_then(|(stream, peer)| self.admit(shared, exemptions, stream, peer));
            match admitted {
                Ok(()) => pause = MIN_PAUSE,
                Err(error) if is_peers_own(&error) => debug!(%error, "a connection was lost before it was accepted"),
                Err(error) => {
                    if shared.may_warn() {
                        warn!(dialect = self.name, addr = %self.addr, %error, "cannot accept; trying again");
                    }
                    // Most likely the connection stays where it is: to look for it at once would be a spin.
                    self.wait(PollFlags::empty(), closed, Some(pause));
                    pause = MAX_PAUSE.min(2 * pause);
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

    /// Opens a session for a connection, or tells it why there is none.
    fn admit(
        &self,
        shared: &Arc<Shared>,
        exemptions: &Exemptions,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> io::Result<()> {
        let connection = Arc::new(Connection::new(stream)?);
        if let Err(error) = connection.set_options() {
            // Some systems set nothing on a socket whose peer has gone already; that says nothing about the next one.
            debug!(%peer, %error, "cannot set socket options");
        }
        let origin = exemptions.origin(Some(peer.ip()));
        let mut words = Vec::new();
        let opened = shared.act(|state, now| {
            let opened = state.open(now, self.dialect, origin, &connection);
            // Under the lock, so that nothing else of this session is logged before it.
            let opened = opened.inspect(|id| info!(session = %id, %peer, dialect = self.name, "connected"));
            opened.inspect_err(|error| state.hub.refusal(self.dialect, *error, &mut words))
        });
        match opened {
            Ok(id) => connection.start(shared, id).inspect_err(|_| shared.act(|state, now| state.not_started(now, id))),
            Err(error) => {
                debug!(%peer, %error, "refused");
                // A new socket has room for a line; if it has not, the peer can do without.
                let _ = connection.write(&words);
                connection.close();
                Ok(())
            }
        }
    }
}

/// Whether the failure concerns one connection, not accepting as such.
fn is_peers_own(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | WouldBlock)
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use chat_proto::{Config, Hub};

    use super::*;

    #[test]
    fn a_socket_on_which_no_option_can_be_set_is_served_all_the_same() {
        let shared = Arc::new(Shared::new(Hub::new(Config::default()).expect("the defaults are in range")));
        let dialect = shared.act(|state, _| state.hub.dialect("text")).expect("a default dialect");
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = socket.local_addr().expect("its address");
        let listener = Listener { socket, addr, dialect, name: String::from("text") };

        // It knows nothing of TCP, so that every option fails as it does where a peer has reset.
        let (ours, theirs) = UnixStream::pair().expect("two sockets");
        let stream = TcpStream::from(OwnedFd::from(ours));
        stream.set_nodelay(true).expect_err("no TCP");
        listener.admit(&shared, &Exemptions::default(), stream, addr).expect("only an option is missing");
        assert_eq!(shared.act(|state, _| state.hub.stats().sessions), 1);
        drop(theirs);
    }
}
