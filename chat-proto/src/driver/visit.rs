//! Connections that speak HTTP, before they become sessions.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;

use tracing::{debug, field};

use super::admission::Admission;
use super::connected_hub::{ConnectedHub, Refusal};
use crate::conversation::MAX_LAST_WORDS;
use crate::hub::Reservation;
use crate::id::{DialectId, SessionId};
use crate::time::Timestamp;
use crate::wire::framing::Framing;
use crate::wire::http;
use crate::wire::sanitize::{clean, cut};

/// A connection that speaks HTTP and may become a session, from [`ConnectedHub::visit`].
///
/// It counts as a session everywhere. Give it back with [`ConnectedHub::upgrade`] or [`ConnectedHub::leave`].
#[derive(Debug)]
#[must_use = "its place is free once it is given back"]
pub struct Visit {
    place: Reservation,
    peer: Option<SocketAddr>,
    /// The name under which the embedding program lets it in.
    name: Option<String>,
}

impl<T> ConnectedHub<T> {
    /// Keeps a place for a connection that speaks [`http`], as far as the embedding program
    /// [admits](super::OnAccept) it.
    ///
    /// # Errors
    ///
    /// There is no room, or the program refuses. This is the answer: write it once and close the connection
    /// [gently](super#closing). It [lingers](Self::linger).
    pub fn visit(
        &mut self,
        now: Timestamp,
        peer: Option<SocketAddr>,
        admission: Admission,
        connection: &Arc<T>,
    ) -> Result<Visit, Vec<u8>> {
        let admitted = self.admitted(peer, admission).map_err(|why| {
            debug!(peer = peer.map(field::display), why, "refused by the embedding program");
            let mut scratch = String::new();
            clean(cut(&why, MAX_LAST_WORDS), &mut scratch).as_str().to_string()
        });
        let place = admitted.and_then(|(origin, name)| match self.hub.reserve(now, origin) {
            Ok(place) => Ok(Visit { place, peer, name }),
            Err(error) => {
                debug!(peer = peer.map(field::display), %error, "refused");
                Err(error.to_string())
            }
        });
        place.map_err(|why| {
            self.linger(now, connection);
            http::refusal(why)
        })
    }

    /// Opens a session for a connection whose upgrade was answered, and sets its framing.
    ///
    /// # Errors
    ///
    /// The server shuts down, or the name under which the program lets it in was taken meanwhile. The connection
    /// [lingers](Self::linger).
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
    ) -> Result<SessionId, Refusal> {
        let Visit { place, peer, name } = visit;
        let opened = self.hub.open_reserved(now, dialect, place, name.as_deref());
        if let Ok(id) = opened {
            self.hub.set_framing(id, framing);
        }
        self.opened(now, dialect, peer, opened, connection)
    }

    /// Gives back the place of a connection that is closed without having become a session.
    pub fn leave(&mut self, visit: Visit) {
        self.hub.release(visit.place);
    }
}
