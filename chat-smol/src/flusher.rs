//! Carries out the hub's commands, and writes to every socket.

use std::io;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use async_io::Async;
use chat_proto::{Batch, CloseReason, Command, SessionId, Timestamp};
use futures_lite::future;
use socket2::Socket;
use tracing::debug;

use crate::connection::write;
use crate::shared::{Connection, Service, Shared, State};

/// The most sessions written to in a round: enough to make the lock's cost vanish, few enough that another flusher
/// finds work too.
const MAX_DELIVERIES: usize = 128;

/// The most different batches in a round. Most readers are at the same place of their dialect's log and share one; the
/// others have private replies or lag.
const MAX_BATCHES: usize = 8;

/// The most bytes offered to a socket at once.
pub(crate) const MAX_BATCH_BYTES: usize = 64 << 10;

/// The most bytes offered in a round, so that nobody waits long for the next: some milliseconds.
const MAX_ROUND_BYTES: usize = 2 << 20;

/// The most sessions closed in a round.
const MAX_CLOSED: usize = 128;

/// Carries out commands until the server has closed.
pub(crate) async fn flush(service: Arc<Service>) {
    let mut round = Round::default();
    while service.shared.flush.wait().await {
        while round.turn(&service) {
            // Others on this thread have their turn, those that read among them.
            future::yield_now().await;
        }
    }
}

/// What a flusher takes from the hub at once. Its buffers are kept from turn to turn.
#[derive(Default)]
struct Round {
    /// The bytes to write.
    batches: [Batch; MAX_BATCHES],
    /// How many of the batches are in use.
    filled: usize,
    deliveries: Vec<Delivery>,
    /// The deliveries of the turn before, which the hub is still to be told about.
    delivered: Vec<Delivery>,
    /// A session that there was no batch left for.
    left_over: Option<SessionId>,
    closed: Vec<(Connection, CloseReason)>,
    /// Readers whose untaken input is wanted.
    resumed: Vec<Waker>,
}

/// One session's share of a round.
struct Delivery {
    id: SessionId,
    stream: Arc<Async<Socket>>,
    /// Which of the round's batches it is sent.
    batch: usize,
    /// How many bytes that is.
    offered: usize,
    /// How many of them the socket took.
    sent: io::Result<usize>,
}

impl Round {
    /// Reports the turn before, takes what there is to do and does it; returns whether another turn is needed.
    fn turn(&mut self, service: &Arc<Service>) -> bool {
        mem::swap(&mut self.deliveries, &mut self.delivered);
        let more = service.shared.act(|state, now| {
            self.report(state, now);
            self.gather(state)
        });
        // The lock is free: from here on there are calls to the system.
        for delivery in self.delivered.drain(..) {
            if delivery.sent.is_ok_and(|sent| sent < delivery.offered) {
                wait_until_writable(&service.shared, delivery.id, &delivery.stream);
            }
        }
        self.resumed.drain(..).for_each(Waker::wake);
        for (connection, reason) in self.closed.drain(..) {
            close(service, connection, reason);
        }
        for delivery in &mut self.deliveries {
            delivery.sent = write(delivery.stream.get_ref(), self.batches[delivery.batch].as_bytes());
        }
        more || !self.deliveries.is_empty()
    }

    /// Tells the hub what the sockets took.
    fn report(&mut self, state: &mut State, now: Timestamp) {
        for Delivery { id, batch, sent, .. } in &self.delivered {
            match sent {
                Ok(sent) => state.hub.sent_batch(now, *id, &self.batches[*batch], *sent),
                Err(error) => {
                    debug!(session = %id, %error, "cannot write");
                    state.hub.disconnect(now, *id);
                }
            }
        }
        self.filled = 0;
    }

    /// Takes commands until there are none or the round is full; returns whether it is.
    fn gather(&mut self, state: &mut State) -> bool {
        let mut offered = 0;
        while self.deliveries.len() < MAX_DELIVERIES && self.closed.len() < MAX_CLOSED && offered < MAX_ROUND_BYTES {
            let id = match self.left_over.take().or_else(|| self.next_blocked(state)) {
                Some(id) => id,
                None => match state.hub.poll_command() {
                    Some(Command::Send(id)) => id,
                    Some(Command::Read(id)) => {
                        self.resumed.extend(state.connections.get_mut(id).and_then(|c| c.paused.take()));
                        continue;
                    }
                    Some(Command::Close(id, reason)) => {
                        self.closed.extend(state.connections.remove(id).map(|c| (c, reason)));
                        continue;
                    }
                    None => match state.writable.pop_front() {
                        Some(id) => id,
                        None => return false,
                    },
                },
            };
            if !self.prepare(state, id) {
                self.left_over = Some(id);
                break;
            }
            offered += self.deliveries.last().map_or(0, |delivery| delivery.offered);
        }
        true
    }

    /// Takes the next of those whose sockets were blocked. They have half a round at most before others have their turn,
    /// so that neither they nor the others wait for long; and half the batches, since most are at a place of their own.
    fn next_blocked(&self, state: &mut State) -> Option<SessionId> {
        let half = self.deliveries.len() >= MAX_DELIVERIES / 2 || self.filled >= MAX_BATCHES / 2;
        if half { None } else { state.writable.pop_front() }
    }

    /// Copies what the session is to be sent, unless another of the round is sent the same; returns false if all
    /// batches are in use.
    fn prepare(&mut self, state: &mut State, id: SessionId) -> bool {
        let same = self.batches[..self.filled].iter().rposition(|batch| state.hub.fits(id, batch));
        let batch = match same {
            Some(batch) => batch,
            None if self.filled == MAX_BATCHES => return false,
            None if state.hub.fill(id, &mut self.batches[self.filled], MAX_BATCH_BYTES) => {
                self.filled += 1;
                self.filled - 1
            }
            // It is gone.
            None => return true,
        };
        if let Some(connection) = state.connections.get(id) {
            let stream = Arc::clone(&connection.stream);
            let offered = self.batches[batch].as_bytes().len();
            self.deliveries.push(Delivery { id, stream, batch, offered, sent: Ok(0) });
        }
        true
    }
}

/// Puts the session back in line when its socket takes bytes again.
fn wait_until_writable(shared: &Arc<Shared>, id: SessionId, stream: &Async<Socket>) {
    let waker = Waker::from(Arc::new(WhenWritable { shared: Arc::clone(shared), id }));
    let cx = &mut Context::from_waker(&waker);
    // The first answer may be about the write before; asked again, the reactor waits for news.
    for _ in 0..2 {
        match stream.poll_writable(cx) {
            Poll::Pending => return,
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => {
                debug!(session = %id, %error, "cannot wait for the socket");
                return shared.act(|state, now| state.hub.disconnect(now, id));
            }
        }
    }
    waker.wake();
}

/// In place of a task that waits: the reactor calls it, once, or drops it with the socket.
struct WhenWritable {
    shared: Arc<Shared>,
    id: SessionId,
}

impl Wake for WhenWritable {
    fn wake(self: Arc<Self>) {
        self.shared.act(|state, now| {
            state.hub.writable(now, self.id);
            state.writable.push_back(self.id);
        });
    }
}

/// Closes the socket of a session that is over.
fn close(service: &Arc<Service>, connection: Connection, reason: CloseReason) {
    debug!(session = %connection.id, %reason, "closed");
    match reason {
        CloseReason::Disconnected | CloseReason::Eof => {}
        // What the peer does not read, the system would keep for minutes; a reset drops it.
        CloseReason::Stalled => {
            if let Err(error) = connection.stream.get_ref().set_linger(Some(Duration::ZERO)) {
                debug!(session = %connection.id, %error, "cannot reset");
            }
        }
        _ => service.close_gently(connection.stream),
    }
}

#[cfg(test)]
mod tests {
    use chat_proto::{Config, Hub};
    use smol::Executor;
    use socket2::{Domain, Type};

    use super::*;

    /// Guests who are each to be sent a welcome of their own. The hub has said so for the first `blocked` of them,
    /// whose sockets are writable again, and is still to say so for the others.
    fn guests(blocked: usize, others: usize) -> (Shared, Vec<SessionId>) {
        let shared = Shared::new(Hub::new(Config::default()).expect("the defaults are in range"));
        let executor = Executor::new();
        let ids = shared.act(|state, now| {
            let text = state.hub.dialect("text").expect("a default dialect");
            let open = |_| {
                let id = state.hub.open(now, text).expect("room");
                let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a descriptor");
                let stream = Arc::new(Async::new(socket).expect("a socket that can be waited for"));
                let connection = Connection { id, stream, _reader: executor.spawn(async {}), paused: None };
                state.connections.insert(connection);
                if id.slot() < blocked {
                    assert_eq!(state.hub.poll_command(), Some(Command::Send(id)));
                    state.writable.push_back(id);
                }
                id
            };
            (0..blocked + others).map(open).collect()
        });
        (shared, ids)
    }

    /// Gathers a round and returns whom it serves.
    fn gathered(round: &mut Round, shared: &Shared) -> Vec<SessionId> {
        shared.act(|state, now| {
            round.report(state, now);
            round.gather(state);
        });
        round.deliveries.drain(..).map(|delivery| delivery.id).collect()
    }

    #[test]
    fn those_who_were_blocked_and_the_others_share_a_round_and_keep_their_order() {
        let (shared, ids) = guests(12, 12);
        let (blocked, others) = ids.split_at(12);
        let mut round = Round::default();
        let half = MAX_BATCHES / 2;
        assert_eq!(gathered(&mut round, &shared), [&blocked[..half], &others[..half]].concat());
        // The one that there was no batch left for is served first.
        let served = [&others[half..=half], &blocked[half..2 * half - 1], &others[half + 1..=2 * half]].concat();
        assert_eq!(gathered(&mut round, &shared), served);
    }

    #[test]
    fn those_who_were_blocked_have_the_round_to_themselves_if_nobody_else_waits() {
        let (shared, blocked) = guests(2 * MAX_BATCHES, 0);
        let mut round = Round::default();
        let served = [gathered(&mut round, &shared), gathered(&mut round, &shared)].concat();
        assert_eq!(served, blocked);
    }
}
