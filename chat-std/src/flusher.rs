//! Carries the hub's commands out: what is pending goes to the sockets, round by round.

use std::sync::Arc;

use chat_proto::{Batch, Command, SessionId, Timestamp};

use crate::connection::Connection;
use crate::shared::{Shared, State};

/// Sessions served between two looks at the hub: enough that the lock costs little, few enough that a flusher more can
/// share the work.
const SESSIONS: usize = 64;

/// Different copies made in one round, one for each place in the log at which its sessions are.
const BATCHES: usize = 8;

/// About the most bytes given to a socket at once.
const BATCH_BYTES: usize = 64 << 10;

/// Flushes until the server is over.
pub(crate) fn run(shared: &Shared) {
    let mut round = Round::new();
    while shared.wait_for_work() {
        loop {
            shared.act(|state, now| {
                round.report(state, now);
                round.collect(state, now);
            });
            if round.is_empty() {
                break;
            }
            round.carry_out();
        }
    }
}

/// Some of the hub's commands and what they need, taken along out of the lock.
struct Round {
    batches: [Batch; BATCHES],
    sends: Vec<Send>,
    resumes: Vec<Arc<Connection>>,
    closes: Vec<Arc<Connection>>,
}

/// A session that is to be sent one of the round's batches.
struct Send {
    id: SessionId,
    connection: Arc<Connection>,
    batch: usize,
    /// How many bytes the socket took; `None` if it failed.
    sent: Option<usize>,
}

impl Round {
    fn new() -> Self {
        Self { batches: Default::default(), sends: Vec::new(), resumes: Vec::new(), closes: Vec::new() }
    }

    fn is_empty(&self) -> bool {
        self.sends.is_empty() && self.resumes.is_empty() && self.closes.is_empty()
    }

    /// Takes commands from the hub and copies what is to be sent.
    fn collect(&mut self, state: &mut State, now: Timestamp) {
        let mut batches = 0;
        // Half a round at most for those who were blocked, so that neither they nor the others have to wait for long.
        while self.sends.len() < SESSIONS / 2 && batches < BATCHES {
            let Some(id) = state.writable.pop_front() else { break };
            self.fill(state, id, &mut batches);
        }
        while self.sends.len() + self.closes.len() < SESSIONS && batches < BATCHES {
            match state.hub.poll_command() {
                Some(Command::Send(id)) => self.fill(state, id, &mut batches),
                Some(Command::Read(id)) => self.resumes.extend(state.connection(id)),
                Some(Command::Close(id, _)) => self.closes.extend(state.close(now, id)),
                None => break,
            }
        }
    }

    /// Finds or makes the batch for a session.
    fn fill(&mut self, state: &mut State, id: SessionId, batches: &mut usize) {
        let made = &self.batches[..*batches];
        let batch = made.iter().position(|batch| state.hub.fits(id, batch)).unwrap_or(*batches);
        if batch == *batches {
            if !state.hub.fill(id, &mut self.batches[batch], BATCH_BYTES) {
                return;
            }
            *batches += 1;
        }
        if let Some(connection) = state.connection(id) {
            self.sends.push(Send { id, connection, batch, sent: None });
        }
    }

    /// Writes, wakes and closes, each once; nothing here waits for a peer.
    fn carry_out(&mut self) {
        for send in &mut self.sends {
            send.sent = send.connection.write(self.batches[send.batch].as_bytes()).ok();
        }
        for connection in self.resumes.drain(..) {
            connection.resume();
        }
        for connection in self.closes.drain(..) {
            connection.close();
        }
    }

    /// Tells the hub what the sockets took.
    fn report(&mut self, state: &mut State, now: Timestamp) {
        for Send { id, connection, batch, sent } in self.sends.drain(..) {
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
