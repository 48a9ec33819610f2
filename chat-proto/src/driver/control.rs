//! What a program around a server may ask of it and tell it, from any thread.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;

use super::connections::Peers;
use super::waiting::Waiting;
use crate::hub::{Hub, HubStats};
use crate::id::SessionId;
use crate::journal::Record;
use crate::time::Timestamp;

/// A driver's hub behind its lock: what [`Control`] and [`Events`](super::Events) call.
pub trait SharedHub: Send + Sync {
    /// Locks, takes the time, calls `act` once with [`ConnectedHub::access`](super::ConnectedHub::access), takes the
    /// [`Wakes`](super::Wakes), unlocks, and wakes: the function through which the driver itself calls the hub.
    fn call(&self, act: &mut dyn FnMut(Access<'_>));
}

/// A [`ConnectedHub`](super::ConnectedHub) for the time of one call, whatever its connections are.
pub struct Access<'a> {
    pub(super) now: Timestamp,
    pub(super) hub: &'a mut Hub,
    pub(super) peers: &'a dyn Peers,
    pub(super) waiting: &'a mut Waiting,
}

/// Speaks to a server and looks at it, from any thread: what the handles of all adapters can do.
///
/// Once the server is gone nobody hears what is said, and the counters and the journal stay as they were. Each call
/// locks the hub, so a [policy](crate::Policy) must make none.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use std::task::Waker;
///
/// use chat_proto::driver::{Access, ConnectedHub, Control, SharedHub};
/// use chat_proto::{Config, Hub, Timestamp};
///
/// /// A driver: its connections have nothing in them, and its clock stands still.
/// struct Server(Mutex<ConnectedHub<()>>);
///
/// impl SharedHub for Server {
///     fn call(&self, act: &mut dyn FnMut(Access<'_>)) {
///         let (mut hub, now) = (self.0.lock().expect("no call panics"), Timestamp::ZERO);
///         act(hub.access(now));
///         let wakes = hub.take_wakes(now);
///         drop(hub); // whoever is woken may take the lock at once
///         wakes.events.into_iter().for_each(Waker::wake);
///     }
/// }
///
/// let mut hub = ConnectedHub::new(Hub::new(Config::default())?);
/// let (text, peer) = (hub.dialect("text")?, "192.0.2.1:5000".parse()?);
/// let alice = hub.open(Timestamp::ZERO, text, Some(peer), &Arc::new(())).expect("there is room");
/// hub.receive(Timestamp::ZERO, alice, b"/name Alice\n");
///
/// let control = Control::new(Arc::new(Server(Mutex::new(hub))));
/// assert_eq!(control.find("alice"), Some(alice));
/// assert_eq!(control.peer(alice), Some(peer));
/// let sessions = control.sessions();
/// assert_eq!((sessions[0].name.as_str(), sessions[0].peer), ("Alice", Some(peer)));
/// assert!(control.tell(alice, "only you read this"));
/// control.announce("everyone reads this");
/// control.kick(alice, "that is all");
/// assert_eq!(control.find("alice"), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Control(Arc<dyn SharedHub>);

/// A session that is open or closing, from [`Control::sessions`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectedSession {
    /// Its id.
    pub id: SessionId,
    /// What it is called. One that is closing has lost its name.
    pub name: String,
    /// The address of its peer; `None` on a Unix socket.
    pub peer: Option<SocketAddr>,
}

impl Control {
    /// Takes a driver's hub.
    #[must_use]
    pub fn new(hub: Arc<dyn SharedHub>) -> Self {
        Self(hub)
    }

    /// Says something to everyone, as the server; see [`Hub::announce`].
    pub fn announce(&self, words: &str) {
        self.call(|it| it.hub.announce(it.now, words));
    }

    /// Says something to one session, as the server; returns false if it is gone or reads too little of what it is
    /// sent, see [`Hub::tell`].
    #[expect(clippy::must_use_candidate, reason = "callers need not care whether it was sent")]
    pub fn tell(&self, id: SessionId, words: &str) -> bool {
        self.call(|it| it.hub.tell(it.now, id, words))
    }

    /// Closes a session, telling its peer why. Nothing happens if it is gone.
    pub fn kick(&self, id: SessionId, why: &str) {
        self.call(|it| it.hub.kick(it.now, id, why));
    }

    /// Returns the session of that name, without regard to case; see [`Hub::find`].
    #[must_use]
    pub fn find(&self, name: &str) -> Option<SessionId> {
        self.call(|it| it.hub.find(name))
    }

    /// Returns the address of a session's peer; `None` if the session is gone, or on a Unix socket.
    #[must_use]
    pub fn peer(&self, id: SessionId) -> Option<SocketAddr> {
        self.call(|it| it.peers.peer(id))
    }

    /// Returns every session that is open or closing.
    #[must_use]
    pub fn sessions(&self) -> Vec<ConnectedSession> {
        self.call(|Access { hub, peers, .. }| {
            let session = |id| Some(ConnectedSession { id, name: hub.name(id)?, peer: peers.peer(id) });
            hub.sessions().filter_map(session).collect()
        })
    }

    /// Returns the counters of the whole server.
    #[must_use]
    pub fn stats(&self) -> HubStats {
        self.call(|it| it.hub.stats())
    }

    /// Returns the journal's records from number `since` on that are kept, oldest first.
    ///
    /// Some were overwritten if the first one's `seq` is greater than `since`.
    #[must_use]
    pub fn journal(&self, since: u64) -> Vec<Record> {
        self.call(|it| it.hub.journal(since).collect())
    }

    /// Calls the hub while it is locked, with the time: for everything that has no method here, such as a
    /// [member without a connection](Hub::enter), [`rename`](Hub::rename) and [`set_rate`](Hub::set_rate).
    ///
    /// Leave opening, [`receive`](Hub::receive), commands, writing and timeouts to the driver: a session whose command
    /// is taken from it hangs. Everyone waits until `act` returns.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let control: chat_proto::driver::Control = unimplemented!();
    /// let bot = control.with_hub(|hub, now| hub.enter(now, "bot"))?;
    /// // `SayError::NotNow` means to try again in a moment: readers are behind.
    /// control.with_hub(|hub, now| hub.say(now, bot, "the kettle is on"))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_hub<R>(&self, act: impl FnOnce(&mut Hub, Timestamp) -> R) -> R {
        self.call(|it| act(it.hub, it.now))
    }

    fn call<R>(&self, act: impl FnOnce(Access<'_>) -> R) -> R {
        call(&*self.0, act)
    }
}

/// Calls a hub and returns what came of it.
pub(super) fn call<R>(hub: &dyn SharedHub, act: impl FnOnce(Access<'_>) -> R) -> R {
    let (mut act, mut result) = (Some(act), None);
    hub.call(&mut |access| result = act.take().map(|act| act(access)));
    result.expect("`SharedHub::call` calls what it is given, once")
}

impl fmt::Debug for Access<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("now", &self.now).finish_non_exhaustive()
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}
