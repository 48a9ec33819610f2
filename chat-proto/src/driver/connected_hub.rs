//! A hub together with the connections of its sessions.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::task::Waker;
use core::time::Duration;

use tracing::warn;

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
use crate::exemptions::Exemptions;
use crate::hub::Hub;
use crate::id::{DialectId, SessionId};
use crate::time::Timestamp;
use crate::wire::dialect::Dialect;

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
    pub(super) exemptions: Exemptions,
    /// By which others see where peers come from; `None`: they do not.
    pub(super) cloak_key: Option<CloakKey>,
    /// Says whether passwords are right; `None`: none is.
    verifier: Option<Verifier>,
    /// Sessions whose sockets were blocked and take bytes again.
    pub(super) writable: VecDeque<SessionId>,
    /// Connections whose sessions are over, while the driver still reads from them.
    pub(super) lingering: Lingering<T>,
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
            connections: Connections::new(hub.config().max_sessions),
            hub,
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

    /// Sets who says whether passwords are right. Without this call none is. With it, drain
    /// [`authentications`](super::Round::drain_authentications) in each round.
    pub fn verify_with(&mut self, verifier: Verifier) {
        self.verifier = Some(verifier);
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

    const NOW: Timestamp = Timestamp::ZERO;

    fn with_room_for(max_sessions: usize) -> (ConnectedHub<&'static str>, DialectId) {
        let config = Config { max_sessions, max_line: 64, ..Config::default() };
        let hub = ConnectedHub::new(Hub::new(config).expect("limits in range"));
        let text = hub.hub().dialect("text").expect("a default dialect");
        (hub, text)
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
