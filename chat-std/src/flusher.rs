//! Carries the hub's commands out: what is pending goes to the sockets, round by round.

use std::sync::Arc;

use chat_proto::{Batch, Command, SessionId, Timestamp};
use tracing::debug;

use crate::connection::Connection;
use crate::shared::{Shared, State};

/// Sessions served between two looks at the hub: enough that the lock costs little, few enough that a flusher more can
/// share the work.
const SESSIONS: usize = 64;

/// Different copies made in one round, one for each place in the log at which its sessions are.
const BATCHES: usize = 8;

/// About the most bytes given to a socket at once.
pub(crate) const BATCH_BYTES: usize = 64 << 10;

/// Flushes until the server is over.
pub(crate) fn run(shared: &Shared) {
    let mut round = Round::default();
    while shared.wait_for_work() {
        loop {
            shared.act(|state, now| {
                round.report(state, now);
                round.gather(state, now);
            });
            if round.is_empty() {
                break;
            }
            round.carry_out();
        }
    }
}

/// Some of the hub's commands and what they need, taken along out of the lock. Its buffers are kept from round to round.
#[derive(Default)]
struct Round {
    batches: [Batch; BATCHES],
    deliveries: Vec<Delivery>,
    resumed: Vec<Arc<Connection>>,
    closed: Vec<Arc<Connection>>,
    out_of_time: Vec<Arc<Connection>>,
}

/// A session that is to be sent one of the round's batches.
struct Delivery {
    id: SessionId,
    connection: Arc<Connection>,
    batch: usize,
    /// How many of its bytes the socket took; `None` if it failed.
    sent: Option<usize>,
}

impl Round {
    fn is_empty(&self) -> bool {
        self.deliveries.is_empty() && self.resumed.is_empty() && self.closed.is_empty()
    }

    /// Takes commands from the hub and copies what is to be sent.
    fn gather(&mut self, state: &mut State, now: Timestamp) {
        let mut batches = 0;
        // Half a round at most for those who were blocked, so that neither they nor the others have to wait for long;
        // and half the batches, since most are at a place of their own.
        while self.deliveries.len() < SESSIONS / 2 && batches < BATCHES / 2 {
            let Some(id) = state.writable.pop_front() else { break };
            self.prepare(state, id, &mut batches);
        }
        while self.deliveries.len() + self.closed.len() < SESSIONS && batches < BATCHES {
            match state.hub.poll_command() {
                Some(Command::Send(id)) => self.prepare(state, id, &mut batches),
                Some(Command::Read(id)) => self.resumed.extend(state.connection(id)),
                Some(Command::Close(id, _)) => {
                    self.closed.extend(state.close(now, id));
                    self.out_of_time.extend(state.farewells.out_of_time(now));
                }
                None => break,
            }
        }
    }

    /// Finds or makes the batch for a session.
    fn prepare(&mut self, state: &mut State, id: SessionId, batches: &mut usize) {
        let made = &self.batches[..*batches];
        let batch = made.iter().position(|batch| state.hub.fits(id, batch)).unwrap_or(*batches);
        if batch == *batches {
            if !state.hub.fill(id, &mut self.batches[batch], BATCH_BYTES) {
                return;
            }
            *batches += 1;
        }
        if let Some(connection) = state.connection(id) {
            self.deliveries.push(Delivery { id, connection, batch, sent: None });
        }
    }

    /// Writes, wakes and closes, each once; nothing here waits for a peer.
    fn carry_out(&mut self) {
        for delivery in &mut self.deliveries {
            let written = delivery.connection.write(self.batches[delivery.batch].as_bytes());
            let written = written.inspect_err(|error| debug!(session = %delivery.id, %error, "cannot write"));
            delivery.sent = written.ok();
        }
        for connection in self.resumed.drain(..) {
            connection.resume();
        }
        for connection in self.closed.drain(..) {
            connection.close();
        }
        for connection in self.out_of_time.drain(..) {
            connection.cut();
        }
    }

    /// Tells the hub what the sockets took.
    fn report(&mut self, state: &mut State, now: Timestamp) {
        for Delivery { id, connection, batch, sent } in self.deliveries.drain(..) {
            let batch = &self.batches[batch];
            let Some(sent) = sent else {
                state.hub.disconnect(now, id);
                continue;
            };
            state.hub.sent_batch(now, id, batch, sent);
            if sent < batch.as_bytes().len() && state.connection(id).is_some() {
                state.blocked.push((id, connection));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use chat_proto::{Config, Hub};

    use super::*;

    #[test]
    fn those_who_were_blocked_leave_others_half_of_the_batches() {
        let shared = Shared::new(Hub::new(Config::default()).expect("the defaults are in range"));
        // Each is to be sent a welcome of its own, for which it takes a batch.
        let ids: Vec<_> = (0..2 * BATCHES).map(|_| open(&shared)).collect();
        let (blocked, others) = ids.split_at(BATCHES);
        let mut round = Round::default();
        shared.act(|state, now| {
            for &id in blocked {
                assert_eq!(state.hub.poll_command(), Some(Command::Send(id)));
                state.writable.push_back(id);
            }
            round.gather(state, now);
        });
        let served: Vec<_> = round.deliveries.iter().map(|delivery| delivery.id).collect();
        assert_eq!(served, [&blocked[..BATCHES / 2], &others[..BATCHES / 2]].concat());
    }

    /// Opens a session whose connection nobody reads from.
    fn open(shared: &Shared) -> SessionId {
        let (ours, _) = UnixStream::pair().expect("two sockets");
        let connection = Connection::new(TcpStream::from(OwnedFd::from(ours))).expect("a socket");
        let connection = Arc::new(connection);
        shared.act(|state, now| {
            let text = state.hub.dialect("text").expect("a default dialect");
            state.open(now, text, None, &connection).expect("room")
        })
    }
}
