//! Connections that have a place among the sessions, and have to do something before they are one.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;

use super::admission::Admission;
use super::connected_hub::ConnectedHub;
use super::opening::Refusal;
use crate::command::OpenError;
use crate::conversation::MAX_LAST_WORDS;
use crate::hub::Reservation;
use crate::id::{DialectId, SessionId};
use crate::time::Timestamp;
use crate::wire::dialect::{Complaint, Update};
use crate::wire::framing::Framing;
use crate::wire::sanitize::{clean, cut};

/// A connection that may become a session, from [`ConnectedHub::arrive`].
///
/// It counts as a session everywhere, until it is given back with [`ConnectedHub::enter`] or [`ConnectedHub::depart`].
#[derive(Debug)]
#[must_use = "its place is free once it is given back"]
pub struct Arrival {
    place: Reservation,
    peer: Option<SocketAddr>,
    /// The name under which the embedding program lets it in.
    name: Option<String>,
}

/// Why a connection does not become a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The reason; `None`: another one than the hub's.
    pub error: Option<OpenError>,
    /// The reason as a sentence for the peer.
    pub why: String,
}

impl Denial {
    /// Makes one for a reason of the driver's own.
    #[must_use]
    pub fn new(why: &str) -> Self {
        let mut scratch = String::new();
        Self { error: None, why: clean(cut(why, MAX_LAST_WORDS), &mut scratch).as_str().to_string() }
    }
}

impl<T> ConnectedHub<T> {
    /// Keeps a place for a connection, as far as the embedding program [admits](super::OnAccept) it.
    ///
    /// # Errors
    ///
    /// There is no room, or the program refuses. [`denial_words`](Self::denial_words) are for the peer.
    pub fn arrive(
        &mut self,
        now: Timestamp,
        peer: Option<SocketAddr>,
        admission: Admission,
    ) -> Result<Arrival, Denial> {
        let (origin, name) = self.admitted(peer, admission).map_err(|why| Denial::new(&why))?;
        match self.hub.reserve(now, origin) {
            Ok(place) => Ok(Arrival { place, peer, name }),
            Err(error) => Err(Denial { error: Some(error), why: error.to_string() }),
        }
    }

    /// Opens a session for a connection that has a place, as [`open`](Self::open) does.
    ///
    /// # Errors
    ///
    /// The server shuts down, or the name under which the program lets it in was taken meanwhile. As with
    /// [`open`](Self::open).
    ///
    /// # Panics
    ///
    /// As [`open`](Self::open).
    pub fn enter(
        &mut self,
        now: Timestamp,
        arrival: Arrival,
        dialect: DialectId,
        framing: Framing,
        connection: &Arc<T>,
    ) -> Result<SessionId, Refusal> {
        let Arrival { place, peer, name } = arrival;
        let opened = self.hub.open_reserved(now, dialect, place, name.as_deref());
        if let Ok(id) = opened {
            self.hub.set_framing(id, framing);
        }
        self.opened(now, dialect, peer, opened, connection)
    }

    /// Gives back the place, if it has one, of a connection that did not become a session, and lets it linger. Returns
    /// an id of no session, for the reader that goes on until the peer closes.
    pub fn depart(&mut self, now: Timestamp, arrival: Option<Arrival>, connection: &Arc<T>) -> SessionId {
        if let Some(Arrival { place, .. }) = arrival {
            self.hub.release(place);
        }
        self.linger(now, connection);
        SessionId::NONE
    }

    /// Returns what to tell a peer in its dialect that does not become a session.
    #[must_use]
    pub fn denial_words(&self, dialect: DialectId, denial: &Denial) -> Vec<u8> {
        let mut words = Vec::new();
        match denial.error {
            Some(error) => self.hub.refusal(dialect, error, &mut words),
            None => self.dialect_of(dialect).encode(&Update::Refused(Complaint::Policy(&denial.why)), &mut words),
        }
        words
    }
}
