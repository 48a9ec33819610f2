//! Rounds: many commands are carried out each time the lock is taken.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use tracing::debug;

use super::authentication::{Authentication, Pending};
use super::connected_hub::ConnectedHub;
use super::control::SharedHub;
use crate::batch::Batch;
use crate::command::{CloseReason, Command};
use crate::id::SessionId;
use crate::time::Timestamp;

/// The most sessions written to in a round: enough that the lock costs next to nothing, few enough that another writer
/// finds work, too.
const MAX_DELIVERIES: usize = 128;

/// The most different batches in a round. Most readers are at the same position in their dialect's log and share one
/// batch. The others have private replies or lag.
const MAX_BATCHES: usize = 8;

/// The most bytes offered in a round: some milliseconds of writing, so that nobody waits long for the next.
const MAX_ROUND_BYTES: usize = 2 << 20;

/// The most sessions closed in a round.
const MAX_CLOSED: usize = 128;

/// Some of the hub's commands, with the bytes that they send, to be carried out while the hub is not locked.
///
/// Each thread or task that writes has a round of its own and reuses it, so that its buffers are kept:
///
/// 1. Under the lock: [`report_and_gather`](Self::report_and_gather).
/// 2. Outside of it: [`drain_blocked`](Self::drain_blocked), [`drain_resumed`](Self::drain_resumed),
///    [`drain_closed`](Self::drain_closed), where there are passwords
///    [`drain_authentications`](Self::drain_authentications), then [`write`](Self::write).
///
/// Repeat until a round is empty.
///
/// A round writes at most 128 sessions, 8 different batches and some 2 MiB. While others wait, sessions whose sockets
/// were blocked have at most half of it, so neither kind keeps the other waiting.
#[derive(Debug)]
pub struct Round<T> {
    batches: [Batch; MAX_BATCHES],
    /// How many of the batches are in use.
    filled: usize,
    deliveries: Vec<Delivery<T>>,
    /// A session for which no batch was left; it comes first in the next round.
    left_over: Option<SessionId>,
    blocked: Vec<(SessionId, Arc<T>)>,
    resumed: Vec<Arc<T>>,
    closed: Vec<(SessionId, Arc<T>, CloseReason)>,
    authentications: Vec<Pending>,
    /// When everything was written, if that is measured.
    written: Option<Timestamp>,
    is_measured: bool,
}

/// One session's share of a round.
#[derive(Debug)]
struct Delivery<T> {
    id: SessionId,
    /// `None` once the socket has taken everything, or has failed.
    connection: Option<Arc<T>>,
    /// The index of its batch.
    batch: usize,
    /// How many bytes of the batch the socket took; `None` if it failed.
    sent: Option<usize>,
}

impl<T> Round<T> {
    /// The most bytes offered to a socket at once, replies not counted.
    pub const MAX_WRITE: usize = 64 << 10;

    /// Makes an empty round; it allocates nothing before it is used.
    #[must_use]
    pub fn new() -> Self {
        Self {
            batches: Default::default(),
            filled: 0,
            deliveries: Vec::new(),
            left_over: None,
            blocked: Vec::new(),
            resumed: Vec::new(),
            closed: Vec::new(),
            authentications: Vec::new(),
            written: None,
            is_measured: false,
        }
    }

    /// Reports what the sockets took in the last round and gathers the next; returns whether there is anything to do.
    ///
    /// If there is not, wait until [`Wakes::writer`](super::Wakes::writer) is true.
    pub fn report_and_gather(&mut self, hub: &mut ConnectedHub<T>, now: Timestamp) -> bool {
        self.is_measured = hub.measure.is_some();
        self.report(hub, now);
        let is_full = self.gather(hub, now);
        let is_idle = self.blocked.is_empty() && self.resumed.is_empty() && self.closed.is_empty();
        let is_idle = is_idle && self.authentications.is_empty();
        is_full || !self.deliveries.is_empty() || !is_idle
    }

    /// Removes and returns the connections that took less than they were offered in the last round.
    ///
    /// When one takes bytes again, call [`ConnectedHub::note_writable`].
    pub fn drain_blocked(&mut self) -> impl Iterator<Item = (SessionId, Arc<T>)> + '_ {
        self.blocked.drain(..)
    }

    /// Removes and returns the connections whose input is wanted again. Offer the untaken rest.
    pub fn drain_resumed(&mut self) -> impl Iterator<Item = Arc<T>> + '_ {
        self.resumed.drain(..)
    }

    /// Removes and returns the connections whose sessions are over. Close them as the [guide](super#closing) says.
    pub fn drain_closed(&mut self) -> impl Iterator<Item = (Arc<T>, CloseReason)> + '_ {
        self.closed.drain(..).map(|(id, connection, reason)| {
            debug!(session = %id, %reason, "closed");
            (connection, reason)
        })
    }

    /// Removes and returns the credentials to be checked, each to be [run](Authentication::run) on a thread that may wait.
    /// There are none without [`ConnectedHub::verify_with`].
    pub fn drain_authentications<S: SharedHub + 'static>(
        &mut self,
        hub: &Arc<S>,
    ) -> impl Iterator<Item = Authentication> + '_ {
        let hub: Arc<dyn SharedHub> = hub.clone();
        self.authentications.drain(..).map(move |pending| Authentication::new(Arc::clone(&hub), pending))
    }

    /// Offers each connection its bytes, once. `write` must not block; it returns how many bytes the socket took, or
    /// `Ok(0)` if it would block. After an error the session is disconnected.
    pub fn write<E: fmt::Display>(&mut self, mut write: impl FnMut(&T, &[u8]) -> Result<usize, E>) {
        for delivery in &mut self.deliveries {
            let Some(connection) = delivery.connection.take() else { continue };
            let bytes = self.batches[delivery.batch].as_bytes();
            let written = write(&connection, bytes);
            let written = written.inspect_err(|error| debug!(session = %delivery.id, %error, "cannot write"));
            delivery.sent = written.ok();
            // Drop the connection here unless its socket is blocked: closing takes a while, and the hub is not locked
            // now.
            delivery.connection = delivery.sent.filter(|sent| *sent < bytes.len()).map(|_| connection);
        }
    }

    /// Records that everything was written. Reads the clock only if that is [measured](ConnectedHub::measure); without
    /// this call, the delay of messages is measured up to the next round.
    pub fn note_written(&mut self, clock: impl FnOnce() -> Timestamp) {
        self.written = self.is_measured.then(clock);
    }

    /// Tells the hub what the sockets took.
    fn report(&mut self, hub: &mut ConnectedHub<T>, now: Timestamp) {
        let written = self.written.take().unwrap_or(now);
        for Delivery { id, connection, batch, sent } in self.deliveries.drain(..) {
            if let (Some(measure), Some(sent)) = (&mut hub.measure, sent) {
                measure.note_sent(&hub.hub, id, &self.batches[batch], sent, written);
            }
            match sent {
                Some(sent) => hub.hub.sent(now, id, &self.batches[batch], sent),
                None => hub.hub.disconnect(now, id),
            }
            self.blocked.extend(connection.map(|connection| (id, connection)));
        }
        self.filled = 0;
    }

    /// Takes commands until there are none or the round is full; returns whether it is.
    fn gather(&mut self, hub: &mut ConnectedHub<T>, now: Timestamp) -> bool {
        let mut offered = 0;
        while self.deliveries.len() < MAX_DELIVERIES && self.closed.len() < MAX_CLOSED && offered < MAX_ROUND_BYTES {
            let id = match self.left_over.take().or_else(|| self.take_writable(hub)) {
                Some(id) => id,
                None => match hub.hub.poll_command() {
                    Some(Command::Send(id)) => id,
                    Some(Command::Read(id)) => {
                        self.resumed.extend(hub.connections.resume(id));
                        continue;
                    }
                    Some(Command::Authenticate(id)) => {
                        self.authentications.extend(hub.take_credentials(now, id));
                        continue;
                    }
                    Some(Command::Close(id, reason)) => {
                        // Its reader need not wait: the hub takes all input from now on.
                        self.resumed.extend(hub.connections.resume(id));
                        self.closed.extend(hub.close(now, id).map(|connection| (id, connection, reason)));
                        continue;
                    }
                    None => match hub.writable.pop_front() {
                        Some(id) => id,
                        None => return false,
                    },
                },
            };
            let Some(len) = self.prepare(hub, id) else {
                self.left_over = Some(id);
                break;
            };
            offered += len;
        }
        true
    }

    /// Takes the next session whose socket was blocked, unless such sessions already have half of the deliveries or
    /// half of the batches. Most of them need a batch of their own.
    fn take_writable(&self, hub: &mut ConnectedHub<T>) -> Option<SessionId> {
        let half = self.deliveries.len() >= MAX_DELIVERIES / 2 || self.filled >= MAX_BATCHES / 2;
        if half { None } else { hub.writable.pop_front() }
    }

    /// Copies what to send to the session, unless another one in the round is sent the same. Returns how many bytes
    /// that is, or `None` if all batches are in use.
    fn prepare(&mut self, hub: &mut ConnectedHub<T>, id: SessionId) -> Option<usize> {
        // A session without a connection is the program's own, which asks for its pending bytes itself.
        let Some(connection) = hub.connections.get(id) else { return Some(0) };
        let same = self.batches[..self.filled].iter().rposition(|batch| hub.hub.fits(id, batch));
        let batch = match same {
            Some(batch) => batch,
            None if self.filled == MAX_BATCHES => return None,
            None if hub.hub.fill(id, &mut self.batches[self.filled], Self::MAX_WRITE) => {
                self.filled += 1;
                self.filled - 1
            }
            // Nothing to send. Something may have been looked for, which takes as long as to write much.
            None => return Some(Self::MAX_WRITE),
        };
        self.deliveries.push(Delivery { id, connection: Some(Arc::clone(connection)), batch, sent: Some(0) });
        Some(self.batches[batch].as_bytes().len())
    }
}

impl<T> Default for Round<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;

    use super::*;
    use crate::config::Config;
    use crate::hub::Hub;
    use crate::journal::RecordKind;

    const NOW: Timestamp = Timestamp::ZERO;

    /// Opens sessions with a welcome of their own, so that each needs a batch. The sockets of the first `blocked` of
    /// them were blocked and take bytes again. For the others the hub has a `Send` that was not handed out yet.
    fn guests(blocked: usize, others: usize) -> (ConnectedHub<()>, Vec<SessionId>) {
        let mut hub = ConnectedHub::new(Hub::new(Config::default()).expect("the defaults are in range"));
        let text = hub.hub().dialect("text").expect("a default dialect");
        let open = |slot| {
            let id = hub.open(NOW, text, None, &Arc::new(())).expect("room");
            if slot < blocked {
                assert_eq!(hub.hub.poll_command(), Some(Command::Send(id)));
                hub.note_writable(NOW, id);
            }
            id
        };
        let ids = (0..blocked + others).map(open).collect();
        (hub, ids)
    }

    /// Gathers a round whose sockets take everything, and returns the sessions that it serves.
    fn served(round: &mut Round<()>, hub: &mut ConnectedHub<()>) -> Vec<SessionId> {
        round.report_and_gather(hub, NOW);
        round.write(|(), bytes| Ok::<_, Infallible>(bytes.len()));
        round.deliveries.iter().map(|delivery| delivery.id).collect()
    }

    #[test]
    fn blocked_sessions_and_the_others_share_a_round_and_keep_their_order() {
        let (mut hub, ids) = guests(12, 12);
        let (blocked, others) = ids.split_at(12);
        let mut round = Round::new();
        let half = MAX_BATCHES / 2;
        assert_eq!(served(&mut round, &mut hub), [&blocked[..half], &others[..half]].concat());
        // The session for which no batch was left is served first.
        let next = [&others[half..=half], &blocked[half..2 * half - 1], &others[half + 1..=2 * half]].concat();
        assert_eq!(served(&mut round, &mut hub), next);
    }

    #[test]
    fn blocked_sessions_fill_the_round_if_no_others_wait() {
        let (mut hub, blocked) = guests(2 * MAX_BATCHES, 0);
        let mut round = Round::new();
        let both = [served(&mut round, &mut hub), served(&mut round, &mut hub)].concat();
        assert_eq!(both, blocked);
    }

    #[test]
    fn readers_at_the_same_place_share_a_batch_up_to_the_limit_on_deliveries() {
        let (mut hub, _) = guests(0, MAX_DELIVERIES + 1);
        let mut round = Round::new();
        while round.report_and_gather(&mut hub, NOW) {
            round.write(|(), bytes| Ok::<_, Infallible>(bytes.len()));
        }
        hub.hub_mut().announce(NOW, "hello");
        assert_eq!(served(&mut round, &mut hub).len(), MAX_DELIVERIES);
        assert_eq!(round.filled, 1);
        assert_eq!(served(&mut round, &mut hub).len(), 1, "the rest comes in the next round");
    }

    #[test]
    fn a_short_write_is_blocked_until_the_socket_takes_bytes_again() {
        let (mut hub, ids) = guests(0, 1);
        let mut round = Round::new();
        assert!(round.report_and_gather(&mut hub, NOW));
        let mut welcome = 0;
        round.write(|(), bytes| {
            welcome = bytes.len();
            Ok::<_, Infallible>(5)
        });
        assert!(round.report_and_gather(&mut hub, NOW));
        assert_eq!(round.drain_blocked().map(|(id, _)| id).collect::<Vec<_>>(), ids);
        assert!(!round.report_and_gather(&mut hub, NOW) && !hub.has_work());
        hub.note_writable(NOW, ids[0]);
        assert!(hub.has_work() && round.report_and_gather(&mut hub, NOW));
        let mut rest = 0;
        round.write(|(), bytes| {
            rest = bytes.len();
            Ok::<_, Infallible>(rest)
        });
        assert_eq!(rest, welcome - 5);
        assert!(!round.report_and_gather(&mut hub, NOW));
        assert_eq!(round.drain_blocked().count(), 0);
    }

    #[test]
    fn a_failed_write_disconnects_its_session() {
        let (mut hub, ids) = guests(0, 1);
        let mut round = Round::new();
        assert!(round.report_and_gather(&mut hub, NOW));
        round.write(|(), _| Err("reset"));
        assert!(round.report_and_gather(&mut hub, NOW));
        let closed: Vec<_> = round.drain_closed().map(|(_, reason)| reason).collect();
        assert_eq!(closed, [CloseReason::Disconnected]);
        let is_closed = |kind| kind == RecordKind::Closed(CloseReason::Disconnected);
        assert!(hub.hub().journal(0).any(|record| record.session == Some(ids[0]) && is_closed(record.kind)));
    }
}
