//! New connections: opening sessions, refusing them, and waiting when the system has no room for more.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use async_io::{Async, Timer};
use chat_proto::DialectId;
use futures_lite::future;
use socket2::{SockAddr, Socket, TcpKeepalive};
use tracing::{debug, field, info, warn};

use crate::connection::{Reader, write};
use crate::shared::{Connection, Service};
#[cfg(unix)]
use crate::unix::SocketFile;

/// How many connections are accepted before others have their turn.
const ACCEPTS_A_TURN: usize = 64;

/// How long to wait after a failed accept; doubled with each that follows, up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// How often a failing accept is worth a line in the log.
const WARN_EVERY: Duration = Duration::from_secs(1);

/// How long a connection may be silent before the system asks whether its peer is still there. Deadlines see to most
/// that are not; this finds the others when deadlines are off, within some ten minutes.
const KEEPALIVE: Duration = Duration::from_secs(120);

/// An address that clients of one dialect connect to.
#[derive(Debug)]
pub(crate) struct Listener {
    /// What is to be removed when this is dropped: before the socket is closed, so it comes first.
    #[cfg(unix)]
    pub(crate) file: Option<SocketFile>,
    pub(crate) socket: Async<Socket>,
    /// For the log.
    pub(crate) addr: String,
    pub(crate) dialect: DialectId,
    pub(crate) name: String,
    /// Whether the log says that it listens.
    pub(crate) is_announced: bool,
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.is_announced {
            info!(dialect = self.name, addr = self.addr, "no longer listening");
        }
    }
}

/// Accepts connections until this task is dropped.
pub(crate) async fn accept(service: Arc<Service>, mut listener: Listener) {
    listener.is_announced = true;
    info!(dialect = listener.name, addr = listener.addr, "listening");
    let mut pause = MIN_PAUSE;
    loop {
        for _ in 0..ACCEPTS_A_TURN {
            match accept_one(&listener.socket).await {
                Ok((stream, peer)) => {
                    pause = MIN_PAUSE;
                    admit(&service, &listener, Arc::new(stream), &peer);
                }
                Err(error) if is_peers_own(&error) => debug!(%error, "a connection was lost before it was accepted"),
                // Most likely there are no descriptors left. The connection stays where it is, so that trying again
                // at once would be a spin.
                Err(error) => {
                    if service.may_warn() {
                        warn!(dialect = listener.name, addr = listener.addr, %error, "cannot accept; trying again");
                    }
                    Timer::after(pause).await;
                    pause = (pause * 2).min(MAX_PAUSE);
                }
            }
        }
        future::yield_now().await;
    }
}

async fn accept_one(listener: &Async<Socket>) -> io::Result<(Async<Socket>, SockAddr)> {
    let (stream, peer) = listener.read_with(Socket::accept).await?;
    Ok((Async::new(stream)?, peer))
}

impl Service {
    /// Whether the last warning of any listener was long enough ago.
    fn may_warn(&self) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let may = warned.is_none_or(|at| at.elapsed() >= WARN_EVERY);
        if may {
            *warned = Some(Instant::now());
        }
        may
    }
}

/// Whether the failure concerns one connection, not accepting as such.
fn is_peers_own(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

/// Opens a session for a connection, or tells it why there is none.
fn admit(service: &Arc<Service>, listener: &Listener, stream: Arc<Async<Socket>>, peer: &SockAddr) {
    let dialect = listener.dialect;
    // A peer on a Unix socket has no address to speak of, nor anything to set.
    let tcp = peer.as_socket();
    let origin = service.exemptions.origin(tcp.map(|addr| addr.ip()));
    let peer = tcp.map(field::display);
    if let Err(error) = tcp.map_or(Ok(()), |_| prepare(stream.get_ref())) {
        debug!(peer, %error, "cannot set socket options");
    }
    let Some(executor) = service.executor.upgrade() else { return };
    let mut words = Vec::new();
    let opened = service.shared.act(|state, now| match state.hub.open_from(now, dialect, origin) {
        Ok(id) => {
            // Under the lock, so that nothing else of this session is logged before it.
            info!(session = %id, peer, dialect = listener.name, "connected");
            let reader = executor.spawn(Reader::new(Arc::clone(service), id, Arc::clone(&stream)));
            state.connections.insert(Connection { id, stream: Arc::clone(&stream), _reader: reader, paused: None });
            Ok(())
        }
        Err(error) => {
            state.hub.refusal(dialect, error, &mut words);
            Err(error)
        }
    });
    if let Err(error) = opened {
        debug!(peer, %error, "refused");
        // A new socket has room for a line; if it has not, the peer can do without.
        let _ = write(stream.get_ref(), &words);
        service.close_gently(stream);
    }
}

/// Sets the options of a TCP socket.
fn prepare(stream: &Socket) -> io::Result<()> {
    // What is written is a batch already.
    stream.set_tcp_nodelay(true)?;
    stream.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))
}
