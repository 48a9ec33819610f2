//! Connections that begin with a handshake of TLS.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_io::{Async, Timer};
use chat_proto::driver::{Arrival, Denial, Visit};
use chat_proto::http::{self, Site};
use chat_proto::{DialectId, Framing, OpenError, SessionId};
use futures_lite::FutureExt;
use smol::Executor;
use socket2::Socket;
use tracing::{debug, field, warn};

use crate::connection::Connection;
use crate::encrypted::Encrypted;
use crate::reader::Reader;
use crate::shared::{Service, Shared};
use crate::tls::Tls;
use crate::web::serve;

/// How long a handshake may take: five round trips of two seconds. Nobody who has to wait longer stays for a
/// conversation.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The first byte of a client that speaks TLS: a record of the handshake (RFC 8446, 5.1).
const HANDSHAKE_RECORD: u8 = 22;

/// What became of a handshake.
enum Outcome {
    Done,
    /// The client speaks something else, or nothing.
    NoTls,
    Failed(io::Error),
}

/// A connection that was accepted and has to make its handshake, and what follows it.
pub(crate) struct Newcomer {
    pub(crate) dialect: DialectId,
    pub(crate) site: Option<Arc<Site>>,
    pub(crate) peer: Option<SocketAddr>,
    /// Its place among the sessions. Who is denied one is told so after the handshake.
    pub(crate) arrival: Result<Arrival, Denial>,
}

impl Newcomer {
    /// Starts the task that makes the handshake; then begins the session, or serves HTTP, or says why not.
    pub(crate) fn begin(
        self,
        service: &Arc<Service>,
        executor: &Arc<Executor<'static>>,
        tls: &Tls,
        stream: Async<Socket>,
    ) {
        // Nothing is spent on who connects faster than that.
        let is_too_fast = |denial: &Denial| denial.error == Some(OpenError::TooFastFromAddress);
        if self.arrival.as_ref().is_err_and(is_too_fast) {
            return;
        }
        let encrypted = Encrypted::new(tls.config()).map(Box::new);
        let encrypted = encrypted.inspect_err(|error| warn!(%error, "no TLS")).ok();
        let connection = Arc::new(Connection::new(stream, encrypted));
        connection.set_options(self.peer);
        executor.spawn(self.welcome(Arc::clone(service), tls.clone(), connection)).detach();
    }

    async fn welcome(self, service: Arc<Service>, tls: Tls, connection: Arc<Connection>) {
        let slot = match &self.arrival {
            Ok(_) => Some(tls.handshakes().begin(&connection).await),
            // Who is not let in keeps nobody out.
            Err(_) => tls.handshakes().try_begin(&connection),
        };
        let outcome = match slot {
            Some(_) => shake_hands(&service.shared, &connection).await,
            None => Outcome::Failed(io::ErrorKind::ResourceBusy.into()),
        };
        drop(slot);
        let Self { dialect, site, peer, arrival } = self;
        let shared = &service.shared;
        let peer = peer.map(field::display);
        let (arrival, words) = match (outcome, arrival) {
            (Outcome::Done, Ok(arrival)) => {
                if let Some(site) = site {
                    let visit = Visit::new(shared.now(), &site, arrival);
                    return serve(service, dialect, visit, connection).await;
                }
                let opened = shared.act(|hub, now| hub.enter(now, arrival, dialect, Framing::default(), &connection));
                let id = opened.unwrap_or_else(|refusal| {
                    connection.say_last(&refusal.words);
                    refusal.id
                });
                return read(service, id, connection);
            }
            (Outcome::Done, Err(denial)) => {
                debug!(peer, why = denial.why, "refused");
                let words = match site {
                    Some(_) => http::refusal(denial.why),
                    None => shared.act(|hub, _| hub.denial_words(dialect, &denial)),
                };
                (None, words)
            }
            (Outcome::NoTls, arrival) => {
                debug!(peer, "a client without TLS where there is TLS");
                give_up(&connection);
                let words = if site.is_some() {
                    http::bad_request("This port speaks HTTPS: open it with https:// in front.")
                } else {
                    let denial = Denial::new("this port speaks TLS: connect with that");
                    shared.act(|hub, _| hub.denial_words(dialect, &denial))
                };
                (arrival.ok(), words)
            }
            (Outcome::Failed(error), arrival) => {
                debug!(peer, %error, "no handshake");
                shared.failed_handshakes.fetch_add(1, Ordering::Relaxed);
                // Nobody looks at what the peer still sends.
                give_up(&connection);
                (arrival.ok(), Vec::new())
            }
        };
        let id = shared.act(|hub, now| hub.depart(now, arrival, &connection));
        connection.say_last(&words);
        read(service, id, connection);
    }
}

/// Makes the handshake, unless the server shuts down before that.
async fn shake_hands(shared: &Shared, connection: &Connection) -> Outcome {
    let Connection { stream, tls: Some(tls), .. } = connection else {
        return Outcome::Failed(io::ErrorKind::Unsupported.into());
    };
    let has_begun = AtomicBool::new(false);
    let done = async {
        let mut first = [0];
        let n = stream.read_with(|mut socket| socket.read(&mut first)).await?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if first[0] != HANDSHAKE_RECORD {
            return Ok(Outcome::NoTls);
        }
        has_begun.store(true, Ordering::Relaxed);
        let mut input = &first[..];
        loop {
            match tls.shake_hands(stream.get_ref(), &mut input) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done.map(|()| Outcome::Done),
            }
            if tls.wants_write() { stream.writable().await? } else { stream.readable().await? }
        }
    };
    let late = async {
        Timer::after(HANDSHAKE_TIMEOUT).await;
        // Who has sent nothing may wait for a welcome.
        if has_begun.load(Ordering::Relaxed) { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Outcome::NoTls) }
    };
    let stopped = async {
        shared.stopping.wait().await;
        Err(io::ErrorKind::ConnectionAborted.into())
    };
    done.or(late).or(stopped).await.unwrap_or_else(Outcome::Failed)
}

/// Lets the connection go on without TLS.
fn give_up(connection: &Connection) {
    if let Some(tls) = &connection.tls {
        tls.give_up();
    }
}

/// Starts the reader of a connection.
fn read(service: Arc<Service>, id: SessionId, connection: Arc<Connection>) {
    if let Some(executor) = service.executor.upgrade() {
        executor.spawn(Reader::new(service, id, connection, Vec::new())).detach();
    }
}
