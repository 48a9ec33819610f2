//! Checking credentials while the hub is not locked.

use alloc::string::String;
use alloc::sync::Arc;
use core::{fmt, hint, mem};

use super::control::{SharedHub, call};
use crate::credentials::Credentials;
use crate::id::SessionId;

/// The function that says whether [credentials](Credentials) are right; see
/// [`ConnectedHub::verify_with`](super::ConnectedHub::verify_with).
///
/// It is called without the driver's lock and may take long, as a function for passwords should. At most
/// [`MAX_AUTHENTICATIONS`](crate::Hub::MAX_AUTHENTICATIONS) calls run at once. If it panics, the credentials count as
/// wrong.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use std::thread;
///
/// use chat_proto::dialect::{Irc, IrcSettings};
/// use chat_proto::driver::{Access, ConnectedHub, Round, SharedHub, Verifier};
/// use chat_proto::{CloseReason, Config, DialectConfig, Hub, RecordKind, Timestamp};
///
/// /// A driver: its connections have nothing in them, its clock stands still, and nobody is to be woken.
/// struct Server(Mutex<ConnectedHub<()>>);
///
/// impl SharedHub for Server {
///     fn call(&self, act: &mut dyn FnMut(Access<'_>)) {
///         act(self.0.lock().expect("no call panics").access(Timestamp::ZERO));
///     }
/// }
///
/// let settings = IrcSettings { asks_password: true, ..IrcSettings::default() };
/// let dialects = vec![DialectConfig::new(Irc::new(settings)?)];
/// let mut hub = ConnectedHub::new(Hub::new(Config { dialects, ..Config::default() })?);
/// hub.verify_with(Verifier::new(|credentials| credentials.password() == "sesame"));
/// let (irc, now) = (hub.dialect("irc")?, Timestamp::ZERO);
/// for password in ["sesame", "xyzzy"] {
///     let id = hub.open(now, irc, None, &Arc::new(())).expect("there is room");
///     hub.receive(now, id, format!("PASS {password}\r\n").as_bytes());
/// }
///
/// let (server, mut round) = (Arc::new(Server(Mutex::new(hub))), Round::new());
/// round.report_and_gather(&mut server.0.lock().expect("no call panics"), now);
/// for authentication in round.drain_authentications(&server) {
///     thread::spawn(move || authentication.run()).join().expect("the verifier does not panic");
/// }
/// let mut hub = server.0.lock().expect("no call panics");
/// while hub.hub_mut().poll_command().is_some() {}
/// let closing: Vec<_> = hub.hub().journal(0).filter(|it| matches!(it.kind, RecordKind::Closing(_))).collect();
/// assert_eq!(closing.len(), 1, "one of the passwords was wrong");
/// assert_eq!(closing[0].kind, RecordKind::Closing(CloseReason::WrongPassword));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Verifier(Arc<Verify>);

type Verify = dyn Fn(Credentials<'_>) -> bool + Send + Sync;

/// Credentials to be checked, from [`Round::drain_authentications`](super::Round::drain_authentications).
///
/// One that is dropped counts as wrong, so that its session does not wait for ever. The password is wiped.
#[must_use]
pub struct Authentication {
    hub: Arc<dyn SharedHub>,
    pending: Pending,
    are_right: bool,
}

/// A copy of credentials, and who checks them.
pub(super) struct Pending {
    id: SessionId,
    verifier: Verifier,
    /// The operator that the peer says it is; `None`: it has sent the server's password.
    operator: Option<String>,
    password: String,
}

impl Verifier {
    /// Takes the function.
    pub fn new(verify: impl Fn(Credentials<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(verify))
    }

    /// Copies credentials, to be checked later. Credentials of an unknown kind cannot be right.
    pub(super) fn pending(&self, id: SessionId, credentials: Credentials<'_>) -> Pending {
        let operator = match credentials {
            Credentials::Server { .. } => None,
            Credentials::Operator { name, .. } => Some(name.into()),
        };
        Pending { id, verifier: self.clone(), operator, password: credentials.password().into() }
    }
}

impl Authentication {
    pub(super) fn new(hub: Arc<dyn SharedHub>, pending: Pending) -> Self {
        Self { hub, pending, are_right: false }
    }

    /// Checks the credentials and tells the hub. This takes as long as the [`Verifier`] does: call it on a thread that
    /// may wait, and without the hub's lock.
    pub fn run(mut self) {
        let Pending { verifier, operator, password, .. } = &self.pending;
        self.are_right = (verifier.0)(match operator {
            None => Credentials::Server { password },
            Some(name) => Credentials::Operator { name, password },
        });
    }
}

impl Drop for Authentication {
    fn drop(&mut self) {
        let (id, are_right) = (self.pending.id, self.are_right);
        call(&*self.hub, |it| it.hub.authenticated(it.now, id, are_right));
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let mut password = mem::take(&mut self.password).into_bytes();
        password.fill(0);
        // Keeps the compiler from leaving out what nobody reads.
        hint::black_box(&password);
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pending.fmt(f)
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authentication").field("id", &self.id).field("operator", &self.operator).finish_non_exhaustive()
    }
}
