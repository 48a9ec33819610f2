//! Connections become sessions, or are told why not.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;

use tracing::{debug, field, info};

use super::admission::Admission;
use super::cloak::CloakKey;
use super::connected_hub::ConnectedHub;
use crate::command::OpenError;
use crate::conversation::MAX_LAST_WORDS;
use crate::exemptions::Exemptions;
use crate::hub::EnterError;
use crate::id::{DialectId, SessionId};
use crate::origin::Origin;
use crate::time::Timestamp;
use crate::wire::dialect::{Complaint, Update};
use crate::wire::sanitize::{clean, cut};

/// Why no session was opened, and what to tell the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason; `None`: the embedding program's own.
    pub error: Option<OpenError>,
    /// What to write to the peer, once.
    pub words: Vec<u8>,
    /// An id of no session, for the reader. Calls with it do nothing, and all input counts as taken.
    pub id: SessionId,
}

impl<T> ConnectedHub<T> {
    /// Sets the peers that are not counted by address. Without this call it is [`Exemptions::default`].
    pub fn exempt(&mut self, exemptions: Exemptions) {
        self.exemptions = exemptions;
    }

    /// Sets the key by which others see where peers come from, as a [cloak](crate::Cloak). Without this call nobody
    /// does, and rooms cannot ban by it.
    ///
    /// A peer has the cloak of its address, also where it is not counted; one on a Unix socket has none. An origin that
    /// the embedding program [gives](Admission::AcceptFrom) keeps its own cloak, or is given one by its name.
    pub fn cloak_with(&mut self, key: CloakKey) {
        self.cloak_key = Some(key);
    }

    /// Opens a session for an accepted connection; see [`Hub::open_from`](crate::Hub::open_from). A peer without an
    /// address is on a Unix socket.
    ///
    /// # Errors
    ///
    /// No session could be opened. The connection lingers from now on: write [`Refusal::words`] once and close it
    /// [gently](super#closing).
    ///
    /// # Panics
    ///
    /// May panic if the dialect belongs to another hub.
    pub fn open(
        &mut self,
        now: Timestamp,
        dialect: DialectId,
        peer: Option<SocketAddr>,
        connection: &Arc<T>,
    ) -> Result<SessionId, Refusal> {
        self.admit(now, dialect, peer, Admission::Accept, connection)
    }

    /// Does the same as far as the embedding program [admits](super::OnAccept) the connection.
    ///
    /// # Errors
    ///
    /// There is no room, or the program refuses. As with [`open`](Self::open); of [`Admission::Drop`] there are no
    /// words, and a driver does better to close such a connection and not to come here.
    ///
    /// # Panics
    ///
    /// As [`open`](Self::open).
    pub fn admit(
        &mut self,
        now: Timestamp,
        dialect: DialectId,
        peer: Option<SocketAddr>,
        admission: Admission,
        connection: &Arc<T>,
    ) -> Result<SessionId, Refusal> {
        let (origin, name) = match self.admitted(peer, admission) {
            Ok(admitted) => admitted,
            Err(why) => return Err(self.refuse(now, dialect, peer, &why, connection)),
        };
        let opened = match name {
            Some(name) => self.hub.open_named(now, dialect, origin, &name),
            None => self.hub.open_from(now, dialect, origin).map_err(EnterError::Open),
        };
        self.opened(now, dialect, peer, opened, connection)
    }

    /// Returns where a connection comes from and under which name it is let in; an error is why it is not.
    pub(super) fn admitted(
        &mut self,
        peer: Option<SocketAddr>,
        admission: Admission,
    ) -> Result<(Option<Origin>, Option<String>), String> {
        match admission {
            Admission::Accept => Ok((self.origin(peer), None)),
            Admission::AcceptFrom(origin) => Ok((origin.map(|origin| self.cloaked(origin)), None)),
            Admission::AcceptAs(name) => Ok((self.origin(peer), Some(name))),
            Admission::Refuse(why) => Err(self.count_refused(why)),
            Admission::Drop => Err(self.count_refused(String::new())),
        }
    }

    /// Counts a connection that the embedding program refuses; returns why it does.
    fn count_refused(&mut self, why: String) -> String {
        self.refused_by_program += 1;
        why
    }

    /// Keeps the connection of a session that was opened, or says why none was.
    pub(super) fn opened(
        &mut self,
        now: Timestamp,
        dialect: DialectId,
        peer: Option<SocketAddr>,
        opened: Result<SessionId, EnterError>,
        connection: &Arc<T>,
    ) -> Result<SessionId, Refusal> {
        let shown = peer.map(field::display);
        match opened {
            Ok(id) => {
                info!(session = %id, peer = shown, dialect = self.dialect_of(dialect).name(), "connected");
                self.connections.insert(id, peer, Arc::clone(connection));
                Ok(id)
            }
            Err(EnterError::Name(error)) => {
                let why = self.count_refused(error.to_string());
                Err(self.refuse(now, dialect, peer, &why, connection))
            }
            Err(EnterError::Open(error)) => {
                debug!(peer = shown, %error, "refused");
                self.linger(now, connection);
                let mut words = Vec::new();
                self.hub.refusal(dialect, error, &mut words);
                Err(Refusal { error: Some(error), words, id: SessionId::NONE })
            }
        }
    }

    /// Lets a connection without a session linger from now on, as one does whose session is over. Its reader goes on
    /// until the peer closes or the connection has [expired](super::Due::expired).
    pub fn linger(&mut self, now: Timestamp, connection: &Arc<T>) {
        self.lingering.push(now, connection);
    }

    /// Returns where a peer comes from, and whether it is counted.
    fn origin(&self, peer: Option<SocketAddr>) -> Option<Origin> {
        let addr = peer.map(|addr| addr.ip());
        let counted = self.exemptions.origin(addr);
        match addr {
            Some(addr) => Some(self.cloaked(counted.unwrap_or(Origin::from(addr.to_canonical()).uncounted()))),
            // They have no addresses to be told apart by.
            None => counted,
        }
    }

    /// Returns an origin with the cloak that others see, unless it has one already.
    fn cloaked(&self, origin: Origin) -> Origin {
        match &self.cloak_key {
            Some(key) if origin.cloak().is_none() => origin.with_cloak(key.cloak(origin)),
            _ => origin,
        }
    }

    /// Refuses a connection that the embedding program does not want.
    fn refuse(
        &mut self,
        now: Timestamp,
        dialect: DialectId,
        peer: Option<SocketAddr>,
        why: &str,
        connection: &Arc<T>,
    ) -> Refusal {
        debug!(peer = peer.map(field::display), why, "refused by the embedding program");
        self.lingering.push(now, connection);
        let (mut scratch, mut words) = (String::new(), Vec::new());
        let why = clean(cut(why, MAX_LAST_WORDS), &mut scratch).as_str();
        if !why.is_empty() {
            self.dialect_of(dialect).encode(&Update::Refused(Complaint::Policy(why)), &mut words);
        }
        Refusal { error: None, words, id: SessionId::NONE }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::config::Config;
    use crate::hub::Hub;
    use crate::origin::Cloak;

    const NOW: Timestamp = Timestamp::ZERO;

    fn with(config: Config) -> (ConnectedHub<&'static str>, DialectId) {
        let hub = ConnectedHub::new(Hub::new(config).expect("limits in range"));
        let text = hub.hub().dialect("text").expect("a default dialect");
        (hub, text)
    }

    #[test]
    fn a_refused_connection_lingers() {
        let (mut hub, text) = with(Config { max_sessions: 1, ..Config::default() });
        let (first, second) = (Arc::new("first"), Arc::new("second"));
        hub.open(NOW, text, None, &first).expect("room for one");
        let refusal = hub.open(NOW, text, None, &second).expect_err("room for one only");
        assert_eq!(refusal.error, Some(OpenError::Full));
        assert_eq!(refusal.words, b"! the server is full, try again later\n");
        let second_later = NOW + Duration::from_secs(1);
        assert_eq!(hub.handle_timeout(second_later).expired, [second]);
    }

    #[test]
    fn peers_are_counted_by_address_unless_exempt() {
        let (mut hub, text) = with(Config { max_per_address: Some(1), ..Config::default() });
        let open = |hub: &mut ConnectedHub<_>, peer: Option<&str>| {
            let peer = peer.map(|addr| addr.parse().expect("an address"));
            hub.open(NOW, text, peer, &Arc::new("it")).map_err(|refusal| refusal.error)
        };
        for peer in [None, Some("127.0.0.1:1"), Some("192.0.2.1:1")] {
            assert!(open(&mut hub, peer).is_ok());
        }
        assert!(open(&mut hub, None).is_ok() && open(&mut hub, Some("127.0.0.1:2")).is_ok());
        assert_eq!(open(&mut hub, Some("192.0.2.1:2")), Err(Some(OpenError::TooManyFromAddress)));
        hub.exempt(Exemptions::none());
        assert!(open(&mut hub, Some("127.0.0.1:3")).is_ok());
        assert_eq!(open(&mut hub, Some("127.0.0.1:4")), Err(Some(OpenError::TooManyFromAddress)));
    }

    #[test]
    fn a_peer_has_the_cloak_of_its_address_whether_it_is_counted_or_not() {
        let (mut hub, _) = with(Config::default());
        let peer = |addr: &str| Some(addr.parse().expect("an address"));
        let cloak = |hub: &ConnectedHub<_>, peer| hub.origin(peer).and_then(Origin::cloak);
        assert_eq!(cloak(&hub, peer("192.0.2.1:1")), None, "there is no key");

        hub.cloak_with(CloakKey::new(1, 2));
        for (one, same, other) in [
            ("192.0.2.1:1", "[::ffff:192.0.2.1]:2", "192.0.2.2:1"),
            ("127.0.0.1:1", "[::ffff:127.0.0.1]:2", "127.0.0.2:1"),
            ("[2001:db8::1]:1", "[2001:db8::2]:2", "[2001:db8:0:1::1]:1"),
        ] {
            let [one, same, other] = [one, same, other].map(|addr| cloak(&hub, peer(addr)));
            assert!(one.is_some() && one == same && one != other);
        }
        let is_counted = |hub: &ConnectedHub<_>, addr| hub.origin(peer(addr)).map(Origin::is_counted);
        assert_eq!(is_counted(&hub, "127.0.0.1:1"), Some(false));
        let exempt = cloak(&hub, peer("127.0.0.1:1"));
        hub.exempt(Exemptions::none());
        assert_eq!(is_counted(&hub, "127.0.0.1:1"), Some(true));
        assert_eq!(cloak(&hub, peer("127.0.0.1:1")), exempt);
        assert_eq!(cloak(&hub, None), None, "on a Unix socket");
    }

    #[test]
    fn an_origin_of_the_embedding_programs_keeps_its_cloak() {
        let (mut hub, _) = with(Config::default());
        hub.cloak_with(CloakKey::new(1, 2));
        let origin = Origin::new([7; 16]);
        assert!(hub.cloaked(origin).cloak().is_some());
        let cloak = Cloak::new(5);
        assert_eq!(hub.cloaked(origin.with_cloak(cloak)).cloak(), Some(cloak));
    }
}
