//! Connections that speak HTTP, before they become sessions.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use tracing::{debug, field};

use super::admission::Admission;
use super::arrival::Arrival;
use super::connected_hub::ConnectedHub;
use super::opening::Refusal;
use crate::id::{DialectId, SessionId};
use crate::time::Timestamp;
use crate::wire::framing::Framing;
use crate::wire::http::{self, Action, Site};

/// A connection that speaks [`http`] and may become a session, from [`ConnectedHub::visit`].
///
/// A driver owns it and needs no lock to use it. It asks [`action`](Self::action) what to do until that is to upgrade or
/// to close. The connection counts as a session everywhere, until the visit is given back with
/// [`ConnectedHub::upgrade`] or [`ConnectedHub::leave`].
#[derive(Debug)]
#[must_use = "its place is free once it is given back"]
pub struct Visit {
    http: http::Connection,
    site: Arc<Site>,
    /// What was read and is not taken yet.
    input: Vec<u8>,
    arrival: Arrival,
}

impl Visit {
    /// The most bytes to read at once: requests are small, and each connection may hold what is read ahead.
    pub const MAX_READ: usize = 4 << 10;

    /// Makes the visit of a connection that has a place and speaks [`http`] from now on.
    pub fn new(now: Timestamp, site: &Arc<Site>, arrival: Arrival) -> Self {
        Self { http: http::Connection::new(now), site: Arc::clone(site), input: Vec::new(), arrival }
    }

    /// Returns what to do now; handles what is due.
    pub fn action(&mut self, now: Timestamp) -> Action {
        self.http.handle_timeout(now, &self.site);
        if !self.input.is_empty() && self.http.action() == Action::Read {
            let taken = self.http.receive(now, &self.site, &self.input);
            self.input.drain(..taken);
            if self.input.is_empty() {
                self.input = Vec::new();
            }
        }
        self.http.action()
    }

    /// Returns how long to wait for the socket before the next [`action`](Self::action).
    #[must_use]
    pub fn wait(&self, now: Timestamp) -> Duration {
        self.http.poll_timeout().saturating_duration_since(now)
    }

    /// Takes what was read, at most [`MAX_READ`](Self::MAX_READ) bytes. Read only when that is the action.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// Returns what to write.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.http.pending()
    }

    /// Counts bytes that the socket took.
    pub fn sent(&mut self, now: Timestamp, bytes: usize) {
        self.http.sent(now, bytes);
    }
}

impl<T> ConnectedHub<T> {
    /// Keeps a place for a connection that speaks [`http`], as far as the embedding program
    /// [admits](super::OnAccept) it.
    ///
    /// # Errors
    ///
    /// There is no room, or the program refuses. As with [`open`](Self::open); the words are an answer of HTTP.
    pub fn visit(
        &mut self,
        now: Timestamp,
        site: &Arc<Site>,
        peer: Option<SocketAddr>,
        admission: Admission,
        connection: &Arc<T>,
    ) -> Result<Visit, Refusal> {
        match self.arrive(now, peer, admission) {
            Ok(arrival) => Ok(Visit::new(now, site, arrival)),
            Err(denial) => {
                debug!(peer = peer.map(field::display), why = denial.why, "refused");
                self.linger(now, connection);
                Err(Refusal { error: denial.error, words: http::refusal(denial.why), id: SessionId::NONE })
            }
        }
    }

    /// Opens a session for a connection whose upgrade was answered, and sets its framing. Returns also the input that
    /// belongs to the session: offer it to [`receive`](Self::receive) before anything else.
    ///
    /// # Errors
    ///
    /// The server shuts down, or the name under which the program lets it in was taken meanwhile. Close the connection
    /// [gently](super#closing); it lingers from now on.
    ///
    /// # Panics
    ///
    /// As [`open`](Self::open).
    pub fn upgrade(
        &mut self,
        now: Timestamp,
        visit: Visit,
        dialect: DialectId,
        framing: Framing,
        connection: &Arc<T>,
    ) -> Result<(SessionId, Vec<u8>), SessionId> {
        let Visit { input, arrival, .. } = visit;
        match self.enter(now, arrival, dialect, framing, connection) {
            Ok(id) => Ok((id, input)),
            // Its words are no frames.
            Err(refusal) => Err(refusal.id),
        }
    }

    /// Gives back the place of a connection that did not become a session, and lets it linger. Returns an id of no
    /// session, for the reader that goes on until the peer closes.
    pub fn leave(&mut self, now: Timestamp, visit: Visit, connection: &Arc<T>) -> SessionId {
        self.depart(now, Some(visit.arrival), connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;
    use crate::config::Config;
    use crate::hub::Hub;
    use crate::wire::framing::MessageKind;

    const NOW: Timestamp = Timestamp::ZERO;

    fn hub(max_sessions: usize) -> (ConnectedHub<&'static str>, DialectId, Arc<Site>) {
        let config = Config { max_sessions, max_line: 64, ..Config::default() };
        let hub = ConnectedHub::new(Hub::new(config).expect("limits in range"));
        let text = hub.hub().dialect("text").expect("a default dialect");
        (hub, text, Arc::new(Site::new().upgrade(Some("/ws"), &[])))
    }

    const HANDSHAKE: &[u8] = b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    #[test]
    fn an_upgraded_connection_is_a_session_that_speaks_websocket() {
        let (mut hub, text, site) = hub(1);
        let connection = Arc::new("it");
        let mut visit = hub.visit(NOW, &site, None, Admission::Accept, &connection).expect("room");
        assert_eq!(visit.action(NOW), Action::Read);
        visit.receive(&[HANDSHAKE, b"frames"].concat());
        assert_eq!(visit.action(NOW), Action::Write);
        let len = visit.pending().len();
        visit.sent(NOW, len);
        let Action::Upgrade(kind) = visit.action(NOW) else { panic!("it was answered") };
        let framing = Framing::WebSocket(kind);
        let (id, rest) = hub.upgrade(NOW, visit, text, framing, &connection).expect("its place was kept");
        assert_eq!((kind, rest.as_slice()), (MessageKind::Text, &b"frames"[..]));
        let mut batch = Batch::new();
        assert!(hub.hub_mut().fill(id, &mut batch, 1 << 16));
        assert_eq!(batch.as_bytes()[0], 0x81, "a whole message of text");
    }

    #[test]
    fn who_is_refused_reads_why_and_lingers() {
        let (mut hub, _, site) = hub(1);
        let [first, second, third] = ["first", "second", "third"].map(Arc::new);
        let visit = hub.visit(NOW, &site, None, Admission::Accept, &first).expect("room for one");
        let full = hub.visit(NOW, &site, None, Admission::Accept, &second).expect_err("room for one only");
        assert!(
            full.words.ends_with(b"\r\n\r\nthe server is full, try again later\n"),
            "{}",
            full.words.escape_ascii()
        );
        hub.leave(NOW, visit, &first);
        let unwanted = Admission::Refuse("not \u{1b}today\r\n".into());
        let unwanted = hub.visit(NOW, &site, None, unwanted, &third).expect_err("the program refuses");
        assert!(unwanted.words.ends_with(b"\r\n\r\nnot today\n"), "{}", unwanted.words.escape_ascii());
        assert_eq!(hub.handle_timeout(NOW + Duration::from_secs(1)).expired, [second, first, third]);
        assert!(hub.visit(NOW, &site, None, Admission::Accept, &Arc::new("it")).is_ok(), "its place is free");
    }

    #[test]
    fn a_visit_that_asks_for_nothing_ends() {
        let (mut hub, _, site) = hub(1);
        let mut visit = hub.visit(NOW, &site, None, Admission::Accept, &Arc::new("it")).expect("room");
        assert_eq!(visit.action(NOW), Action::Read);
        assert_eq!(visit.action(NOW + visit.wait(NOW)), Action::Close);
    }
}
