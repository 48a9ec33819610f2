//! What the embedding program says to a connection before there is a session.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::net::SocketAddr;

use crate::origin::Origin;

/// What becomes of a connection that was accepted: the answer of an [`OnAccept`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// A session is opened and counted by its address, unless that is [exempt](crate::Exemptions).
    Accept,
    /// A session is opened and counted with all others of this origin, whatever its address; `None`: with nobody.
    AcceptFrom(Option<Origin>),
    /// As [`Accept`](Self::Accept), under this name, as [`Hub::open_named`](crate::Hub::open_named) does; the peer is
    /// refused with a sentence if the name is not to be had.
    AcceptAs(String),
    /// No session is opened, and the peer reads this sentence: cleaned as a peer's words are, and cut at 256 bytes.
    Refuse(String),
    /// The connection is closed without a word.
    Drop,
}

/// The function that decides on connections before the hub does. By default it accepts all.
///
/// It gets the peer's address, or `None` on a Unix socket. A driver calls it without holding its lock, so it may ask
/// the server through a [`Control`](super::Control).
///
/// ```
/// use chat_proto::driver::{Admission, OnAccept};
///
/// let on_accept = OnAccept::new(|peer| match peer {
///     Some(peer) if peer.port() < 1_024 => Admission::Refuse("no servers, please".into()),
///     _ => Admission::Accept,
/// });
/// assert_eq!(on_accept.ask(None), Admission::Accept);
/// assert_eq!(OnAccept::default().ask(Some("192.0.2.1:22".parse()?)), Admission::Accept);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Default)]
pub struct OnAccept(Option<Arc<Decide>>);

type Decide = dyn Fn(Option<SocketAddr>) -> Admission + Send + Sync;

impl OnAccept {
    /// Takes the function.
    pub fn new(decide: impl Fn(Option<SocketAddr>) -> Admission + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(decide)))
    }

    /// Asks what becomes of a connection from there.
    #[must_use]
    pub fn ask(&self, peer: Option<SocketAddr>) -> Admission {
        self.0.as_ref().map_or(Admission::Accept, |decide| decide(peer))
    }
}

impl fmt::Debug for OnAccept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnAccept").field(&self.0.is_some()).finish()
    }
}
