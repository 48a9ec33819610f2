//! New connections: opening sessions, refusing them, and waiting when the system has no room for more.

use std::io;
use std::sync::Arc;

use async_io::{Async, Timer};
use chat_proto::DialectId;
use chat_proto::driver::Admission;
use chat_proto::http::Site;
use futures_lite::future;
use socket2::{SockAddr, Socket};
use tracing::{debug, info};

use crate::connection::Connection;
#[cfg(feature = "tls")]
use crate::newcomer::Newcomer;
use crate::reader::Reader;
use crate::shared::Service;
#[cfg(feature = "tls")]
use crate::tls::Tls;
#[cfg(unix)]
use crate::unix::SocketFile;
use crate::web::serve;

/// How many connections are accepted before others have their turn.
const ACCEPTS_A_TURN: usize = 64;

/// An address that clients of one dialect connect to.
#[derive(Debug)]
pub(crate) struct Listener {
    /// Removed on drop. It must be dropped before the socket, so it is declared first.
    #[cfg(unix)]
    pub(crate) file: Option<SocketFile>,
    pub(crate) socket: Async<Socket>,
    /// For the log.
    pub(crate) addr: String,
    pub(crate) dialect: DialectId,
    pub(crate) name: String,
    /// What clients find here that speak HTTP before their dialect; `None`: they do not.
    pub(crate) site: Option<Arc<Site>>,
    /// What clients begin with; `None`: they speak without TLS.
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Tls>,
    /// Set once `listening` is logged, so that the end is logged too.
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
    loop {
        for _ in 0..ACCEPTS_A_TURN {
            match accept_one(&listener.socket).await {
                Ok((stream, peer)) => admit(&service, &listener, stream, &peer),
                Err(error) if is_peers_own(&error) => debug!(%error, "a connection was lost before it was accepted"),
                // Most likely no descriptor is left. The connection stays in the system's queue: without a pause
                // this would spin.
                Err(error) => {
                    Timer::after(service.shared.act(|hub, now| hub.accept_failed(now, &error))).await;
                }
            }
        }
        future::yield_now().await;
    }
}

pub(crate) async fn accept_one(listener: &Async<Socket>) -> io::Result<(Async<Socket>, SockAddr)> {
    let (stream, peer) = listener.read_with(Socket::accept).await?;
    Ok((Async::new(stream)?, peer))
}

/// Whether the failure concerns one connection only. The driver kit cannot tell: it is `no_std`.
pub(crate) fn is_peers_own(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

/// Opens a session for a connection, or sends it the reason for the refusal.
fn admit(service: &Arc<Service>, listener: &Listener, stream: Async<Socket>, peer: &SockAddr) {
    // A peer on a Unix socket has no address, and no TCP options to set.
    let peer = peer.as_socket();
    let admission = service.on_accept.ask(peer);
    if admission == Admission::Drop {
        return;
    }
    let Some(executor) = service.executor.upgrade() else { return };
    #[cfg(feature = "tls")]
    if let Some(tls) = &listener.tls {
        let arrival = service.shared.act(|hub, now| hub.arrive(now, peer, admission));
        let newcomer = Newcomer { dialect: listener.dialect, site: listener.site.clone(), peer, arrival };
        return newcomer.begin(service, &executor, tls, stream);
    }
    let connection = Arc::new(Connection::new(stream, None));
    connection.set_options(peer);
    let id = match &listener.site {
        None => {
            let opened = service.shared.act(|hub, now| hub.admit(now, listener.dialect, peer, admission, &connection));
            opened.unwrap_or_else(|refusal| {
                connection.say_last(&refusal.words);
                refusal.id
            })
        }
        Some(site) => match service.shared.act(|hub, now| hub.visit(now, site, peer, admission, &connection)) {
            Ok(visit) => {
                return executor.spawn(serve(Arc::clone(service), listener.dialect, visit, connection)).detach();
            }
            Err(refusal) => {
                connection.say_last(&refusal.words);
                refusal.id
            }
        },
    };
    executor.spawn(Reader::new(Arc::clone(service), id, connection, Vec::new())).detach();
}
