//! A hub together with the connections of its sessions.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;
use core::task::Waker;
use core::time::Duration;

use tracing::{debug, field, info, warn};

use super::admission::Admission;
use super::authentication::{Pending, Verifier};
use super::backoff::{AcceptPause, Backoff};
use super::cloak::CloakKey;
use super::connections::Connections;
use super::control::Access;
use super::late::LateGuard;
use super::linger::Lingering;
use super::log_summary::LogSummary;
use super::measure::Measure;
use super::waiting::Waiting;
use crate::command::OpenError;
use crate::conversation::MAX_LAST_WORDS;
use crate::exemptions::Exemptions;
use crate::hub::{EnterError, Hub};
use crate::id::{DialectId, SessionId};
use crate::origin::Origin;
use crate::time::Timestamp;
use crate::wire::dialect::{Complaint, Dialect, Update};
use crate::wire::sanitize::{clean, cut};

/// How often paused connections are checked, so that a peer that is gone is noticed within a second.
const CHECK_PAUSED_EVERY: Duration = Duration::from_millis(500);

/// A [`Hub`] and the connections of its sessions: what a driver keeps behind its lock.
///
/// `T` is a connection, in whatever form the driver has it. It is kept in an [`Arc`]: here while its session lasts, and
/// by the driver while it reads from it. The [guide](super) shows how it is used.
#[derive(Debug)]
pub struct ConnectedHub<T> {
    pub(super) hub: Hub,
    pub(super) connections: Connections<T>,
    /// The peers that are not counted by address.
    exemptions: Exemptions,
    /// By which others see where peers come from; `None`: they do not.
    cloak_key: Option<CloakKey>,
    /// Says whether passwords are right; `None`: none is.
    verifier: Option<Verifier>,
    /// Sessions whose sockets were blocked and take bytes again.
    pub(super) writable: VecDeque<SessionId>,
    /// Connections whose sessions are over, while the driver still reads from them.
    lingering: Lingering<T>,
    /// Programs that wait for events.
    waiting: Waiting,
    late: LateGuard,
    summary: LogSummary,
    /// `None` if nothing is to be measured.
    pub(super) measure: Option<Box<Measure>>,
    /// Connections that the embedding program refused, and accepts that failed.
    pub(super) refused_by_program: u64,
    pub(super) accept_errors: u64,
    backoff: Backoff,
    /// When paused connections are checked next; `None` while there are none.
    check_paused_at: Option<Timestamp>,
    /// The deadline that the driver's timer is set to.
    armed: Timestamp,
}

/// Which parts of the driver to wake after a call, from [`ConnectedHub::take_wakes`].
#[derive(Debug)]
pub struct Wakes {
    /// A [`Round`](super::Round) has something to do.
    pub writer: bool,
    /// The next deadline is earlier than the last [`Due`] said.
    pub timer: bool,
    /// The hub was shut down and all sessions are over. Once true, it stays true.
    pub closed: bool,
    /// Programs that wait for [`Events`](super::Events): wake them after unlocking. Nearly always empty.
    pub events: Vec<Waker>,
}

/// What is due and left to the driver, from [`ConnectedHub::handle_timeout`].
///
/// Drop these connections before waiting: each is closed when its last holder drops it.
#[derive(Debug)]
pub struct Due<T> {
    /// Connections that have lingered long enough: shut down both directions, which ends their readers.
    pub expired: Vec<Arc<T>>,
    /// Connections that are not being read from. Check whether their peers have ended their input or are gone, and if
    /// so call [`Hub::peer_ended`] or [`Hub::disconnect`].
    pub paused: Vec<(SessionId, Arc<T>)>,
    /// How long to wait before the next call; `None`: until [`Wakes::timer`] is true.
    pub wait: Option<Duration>,
}

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

/// No dialect has this name, from [`ConnectedHub::dialect`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownDialect {
    name: String,
    known: Vec<String>,
}

impl<T> ConnectedHub<T> {
    /// Takes a hub that has no sessions yet.
    #[must_use]
    pub fn new(hub: Hub) -> Self {
        Self {
            hub,
            connections: Connections::new(),
            exemptions: Exemptions::default(),
            cloak_key: None,
            verifier: None,
            writable: VecDeque::new(),
            lingering: Lingering::new(),
            waiting: Waiting::default(),
            late: LateGuard::default(),
            summary: LogSummary::default(),
            measure: None,
            refused_by_program: 0,
            accept_errors: 0,
            backoff: Backoff::new(),
            check_paused_at: None,
            armed: Timestamp::MAX,
        }
    }

    /// Returns the hub for reading its state.
    #[must_use]
    pub const fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Returns the hub, to report events to it and to speak through it.
    ///
    /// Leave opening, [`receive`](Hub::receive), commands, writing and timeouts to this type. No round writes to a
    /// session that the program opens for itself, without a connection. For such a session call
    /// [`fill`](Hub::fill) and [`sent`](Hub::sent) after each call.
    pub const fn hub_mut(&mut self) -> &mut Hub {
        &mut self.hub
    }

    /// Lends the hub to a [`Control`](super::Control) or to [`Events`](super::Events) for one call.
    pub const fn access(&mut self, now: Timestamp) -> Access<'_> {
        Access { now, hub: &mut self.hub, peers: &self.connections, waiting: &mut self.waiting }
    }

    /// Returns the id of the dialect of that name.
    ///
    /// # Errors
    ///
    /// The hub does not speak it.
    pub fn dialect(&self, name: &str) -> Result<DialectId, UnknownDialect> {
        let known = || self.hub.config().dialects.iter().map(|it| it.dialect.name().to_owned()).collect();
        self.hub.dialect(name).ok_or_else(|| UnknownDialect { name: name.to_owned(), known: known() })
    }

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

    /// Sets who says whether passwords are right. Without this call none is. With it, drain
    /// [`authentications`](super::Round::drain_authentications) in each round.
    pub fn verify_with(&mut self, verifier: Verifier) {
        self.verifier = Some(verifier);
    }

    /// Opens a session for an accepted connection; see [`Hub::open_from`]. A peer without an address is on a Unix
    /// socket.
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
    /// until the peer closes or the connection has [expired](Due::expired).
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

    pub(super) fn dialect_of(&self, dialect: DialectId) -> &dyn Dialect {
        &*self.hub.config().dialects[usize::from(dialect.0)].dialect
    }

    /// Records that an accept failed, and returns how long to wait before the next one: 50 ms to 1 s.
    ///
    /// The error is logged, at most once a second. An error of a single connection, such as `ECONNABORTED`, needs no
    /// pause: do not report it.
    pub fn accept_failed(&mut self, now: Timestamp, error: impl fmt::Display) -> Duration {
        self.accept_errors += 1;
        let AcceptPause { duration, is_logged } = self.backoff.begin_pause(now);
        if is_logged {
            warn!(%error, "cannot accept; trying again");
        }
        duration
    }

    /// Offers input to the hub and returns how many bytes it took; see [`Hub::receive`].
    ///
    /// If it left some, the connection is paused: keep the rest, and offer it when a round
    /// [resumes](super::Round::drain_resumed) the connection.
    pub fn receive(&mut self, now: Timestamp, id: SessionId, bytes: &[u8]) -> usize {
        let taken = self.hub.receive(now, id, bytes);
        if taken < bytes.len() {
            self.connections.pause(id);
            self.check_paused_at.get_or_insert(now + CHECK_PAUSED_EVERY);
        } else if self.connections.has_paused() {
            // The driver may have offered it before a round resumed the connection.
            self.connections.resume(id);
        }
        taken
    }

    /// Returns whether the hub left input untaken and has not asked for it yet.
    #[must_use]
    pub fn is_paused(&self, id: SessionId) -> bool {
        self.connections.is_paused(id)
    }

    /// Records that a socket takes bytes again, and queues its session for the next round.
    ///
    /// Call it once for each session that [`drain_blocked`](super::Round::drain_blocked) returned.
    pub fn note_writable(&mut self, now: Timestamp, id: SessionId) {
        self.hub.writable(now, id);
        self.writable.push_back(id);
    }

    /// Returns which parts of the driver to wake. Call it each time before you release the lock.
    ///
    /// [`Wakes::timer`] is true once for each deadline that becomes earlier.
    pub fn take_wakes(&mut self, now: Timestamp) -> Wakes {
        self.summary.note(&self.hub, now);
        let next = self.deadline();
        let timer = next < self.armed;
        if timer {
            self.armed = next;
        }
        let events = self.waiting.take_due(&self.hub);
        Wakes { writer: self.has_work(), timer, closed: self.hub.is_closed(), events }
    }

    /// Returns whether to gather a round.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.writable.is_empty() || self.hub.has_commands()
    }

    /// Handles what is due and returns what is left to the driver. A call that comes too early does nothing.
    pub fn handle_timeout(&mut self, now: Timestamp) -> Due<T> {
        self.late.handle_timeout(&mut self.hub, now);
        self.summary.note(&self.hub, now);
        self.summary.handle_timeout(&self.hub, now);
        let expired = core::iter::from_fn(|| self.lingering.pop_expired(now)).collect();
        let mut paused = Vec::new();
        if self.check_paused_at.is_some_and(|at| at <= now) {
            paused.extend(self.connections.paused());
            self.check_paused_at = self.connections.has_paused().then(|| now + CHECK_PAUSED_EVERY);
        }
        self.armed = self.deadline();
        let wait = (self.armed < Timestamp::MAX).then(|| self.armed.saturating_duration_since(now));
        Due { expired, paused, wait }
    }

    /// Ends everything at once, without last words, and returns all remaining connections. Shut them down and resume
    /// them, because some of their readers wait for that. Writes the rest of the summary to the log.
    ///
    /// For a server that is dropped; does no harm if the server has already ended.
    pub fn abort(&mut self, now: Timestamp) -> Vec<Arc<T>> {
        self.hub.shut_down(now);
        let mut left: Vec<_> = self.connections.take_all().collect();
        let ids: Vec<_> = self.hub.sessions().collect();
        for id in ids {
            self.hub.disconnect(now, id);
        }
        while self.hub.poll_command().is_some() {}
        left.extend(self.lingering.drain());
        self.summary.end(&self.hub);
        left
    }

    /// Copies the credentials that a session has sent, to be checked; `None` if that is settled already.
    pub(super) fn take_credentials(&mut self, now: Timestamp, id: SessionId) -> Option<Pending> {
        let credentials = self.verifier.as_ref().zip(self.hub.credentials(id));
        let pending = credentials.map(|(verifier, credentials)| verifier.pending(id, credentials));
        if pending.is_none() {
            self.hub.authenticated(now, id, false);
        }
        pending
    }

    /// Removes the connection of a session that is over, and lets it linger.
    pub(super) fn close(&mut self, now: Timestamp, id: SessionId) -> Option<Arc<T>> {
        if self.hub.is_shutting_down() {
            self.lingering.lift_limit();
        }
        let connection = self.connections.remove(id)?;
        self.lingering.push(now, &connection);
        Some(connection)
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) has something to do; [`Timestamp::MAX`] for never.
    fn deadline(&self) -> Timestamp {
        let (hub, summary) = (self.late.poll_timeout(&self.hub), self.summary.poll_timeout());
        let deadlines = [hub, summary, self.lingering.poll_timeout(), self.check_paused_at];
        deadlines.into_iter().flatten().min().unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Display for UnknownDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown dialect `{}`: it must be one of {}", self.name, self.known.join(", "))
    }
}

impl core::error::Error for UnknownDialect {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::batch::Batch;
    use crate::command::Command;
    use crate::config::Config;
    use crate::origin::Cloak;

    const NOW: Timestamp = Timestamp::ZERO;

    fn with_room_for(max_sessions: usize) -> (ConnectedHub<&'static str>, DialectId) {
        let config = Config { max_sessions, max_line: 64, ..Config::default() };
        let hub = ConnectedHub::new(Hub::new(config).expect("limits in range"));
        let text = hub.hub().dialect("text").expect("a default dialect");
        (hub, text)
    }

    #[test]
    fn a_refused_connection_lingers() {
        let (mut hub, text) = with_room_for(1);
        let (first, second) = (Arc::new("first"), Arc::new("second"));
        hub.open(NOW, text, None, &first).expect("room for one");
        let refusal = hub.open(NOW, text, None, &second).expect_err("room for one only");
        assert_eq!(refusal.error, Some(OpenError::Full));
        assert_eq!(refusal.words, b"! the server is full, try again later\n");
        let second_later = NOW + Duration::from_secs(1);
        assert_eq!(hub.handle_timeout(second_later).expired, [second]);
    }

    #[test]
    fn a_reader_is_not_blocked_while_the_driver_has_noted_that_its_socket_takes_bytes() {
        let (mut hub, text) = with_room_for(1);
        let id = hub.open(NOW, text, None, &Arc::new("reader")).expect("room for one");
        let mut batch = Batch::new();
        assert_eq!(hub.hub.poll_command(), Some(Command::Send(id)));
        assert!(hub.hub.fill(id, &mut batch, 1 << 16));
        hub.hub.sent(NOW, id, &batch, 1);
        hub.note_writable(NOW, id);
        // The allowance of a reader is 250 ms, and a driver has a second.
        hub.hub.handle_timeout(NOW + Duration::from_millis(900));
        assert_eq!(hub.hub.stats().slow, 0);
    }

    #[test]
    fn an_unknown_dialect_is_an_error_that_lists_the_known_ones() {
        let (hub, text) = with_room_for(1);
        assert_eq!(hub.dialect("text"), Ok(text));
        let error = hub.dialect("irc").expect_err("not among the defaults").to_string();
        assert_eq!(error, "unknown dialect `irc`: it must be one of classic, text");
    }

    #[test]
    fn peers_are_counted_by_address_unless_exempt() {
        let config = Config { max_per_address: Some(1), ..Config::default() };
        let mut hub = ConnectedHub::new(Hub::new(config).expect("limits in range"));
        let text = hub.hub().dialect("text").expect("a default dialect");
        let open = |hub: &mut ConnectedHub<_>, peer: Option<&str>| {
            let peer = peer.map(|addr| addr.parse().expect("an address"));
            hub.open(NOW, text, peer, &Arc::new(())).map_err(|refusal| refusal.error)
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
        let (mut hub, _) = with_room_for(1);
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
        let (mut hub, _) = with_room_for(1);
        hub.cloak_with(CloakKey::new(1, 2));
        let origin = Origin::new([7; 16]);
        assert!(hub.cloaked(origin).cloak().is_some());
        let cloak = Cloak::new(5);
        assert_eq!(hub.cloaked(origin.with_cloak(cloak)).cloak(), Some(cloak));
    }

    #[test]
    fn a_connection_lingers_only_while_it_is_read_from() {
        let (mut hub, text) = with_room_for(2);
        let connections = ["read", "dropped"].map(Arc::new);
        let ids = connections.each_ref().map(|connection| hub.open(NOW, text, None, connection).expect("room"));
        for id in ids {
            assert!(hub.close(NOW, id).is_some());
        }
        let [read, dropped] = connections;
        drop(dropped);
        assert_eq!(hub.handle_timeout(NOW + Duration::from_secs(1)).expired, [read]);
    }

    #[test]
    fn the_limit_on_lingering_is_lifted_when_the_server_shuts_down() {
        let count = 1_100;
        for shuts_down in [false, true] {
            let (mut hub, text) = with_room_for(count);
            let connections: Vec<_> = (0..count).map(|_| Arc::new("it")).collect();
            let ids: Vec<_> = connections.iter().map(|it| hub.open(NOW, text, None, it).expect("room")).collect();
            if shuts_down {
                hub.hub_mut().shut_down(NOW);
            }
            for id in ids {
                hub.close(NOW, id);
            }
            let expired = hub.handle_timeout(NOW).expired.len();
            assert_eq!(expired, if shuts_down { 0 } else { count - 1_024 });
        }
    }

    #[test]
    fn paused_connections_are_checked_twice_a_second_until_none_is_left() {
        let (mut hub, text) = with_room_for(1);
        let id = hub.open(NOW, text, None, &Arc::new("it")).expect("room");
        let flood = b"a\n".repeat(1_000);
        assert!(hub.receive(NOW, id, &flood) < flood.len() && hub.is_paused(id));
        let first = NOW + CHECK_PAUSED_EVERY;
        assert!(hub.handle_timeout(NOW).paused.is_empty());
        assert_eq!(hub.handle_timeout(first).paused, [(id, Arc::new("it"))]);
        assert!(hub.handle_timeout(first).paused.is_empty(), "they are checked once each time");
        hub.close(first, id);
        assert!(!hub.is_paused(id));
        assert!(hub.handle_timeout(first + CHECK_PAUSED_EVERY).paused.is_empty());
        assert_eq!(hub.check_paused_at, None);
    }

    #[test]
    fn the_timer_is_woken_once_for_an_earlier_deadline() {
        let (mut hub, text) = with_room_for(1);
        let wakes = |hub: &mut ConnectedHub<_>| {
            let Wakes { writer, timer, closed, .. } = hub.take_wakes(NOW);
            (writer, timer, closed)
        };
        assert_eq!(wakes(&mut hub), (false, false, false));
        hub.open(NOW, text, None, &Arc::new("it")).expect("room");
        assert_eq!(wakes(&mut hub), (true, true, false));
        assert!(!hub.take_wakes(NOW).timer, "the timer is about to be told");
        assert!(hub.handle_timeout(NOW).wait.is_some());
        assert!(!hub.take_wakes(NOW).timer, "the timer already knows");
    }

    #[test]
    fn an_abort_returns_all_connections() {
        let (mut hub, text) = with_room_for(1);
        let (first, second) = (Arc::new("first"), Arc::new("second"));
        hub.open(NOW, text, None, &first).expect("room for one");
        hub.open(NOW, text, None, &second).expect_err("room for one only");
        assert_eq!(hub.abort(NOW), [first, second]);
        assert!(hub.take_wakes(NOW).closed && hub.abort(NOW).is_empty());
    }
}
