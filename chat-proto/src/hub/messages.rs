//! What peers send as messages of WebSocket, and how much of it is taken.

use super::Hub;
use crate::command::CloseReason;
use crate::id::SessionId;
use crate::session::state::Ended;
use crate::time::Timestamp;
use crate::wire::framing::Framing;
use crate::wire::framing::frame::{Payload, Violation};
use crate::wire::framing::websocket::Incoming;
use crate::wire::sanitize::Clean;

impl Hub {
    /// Sets how a session's bytes are cut into lines, and what is put around the lines that it is sent: call it right
    /// after the session was opened. Without this call it is [`Framing::Lines`].
    ///
    /// Does nothing once the session has received or was given bytes, or is gone.
    pub fn set_framing(&mut self, id: SessionId, framing: Framing) {
        let Some(slot) = self.live(id) else { return };
        let session = &mut self.sessions[slot];
        if session.stats.bytes_received == 0 && session.stats.bytes_sent == 0 && !session.sending {
            session.format = self.by_format.change(session.format, framing);
        }
    }

    /// Takes bytes that came from a session's peer, and returns how many it took.
    #[inline(never)]
    pub(super) fn receive_messages(&mut self, slot: u32, now: Timestamp, bytes: &[u8]) -> usize {
        let max_line = self.max_line(slot);
        let mut taken = 0;
        while taken < bytes.len() && self.sessions[slot].is_open() {
            if !self.sessions[slot].is_unrestrained(now) && !self.may_take(slot, now) {
                break;
            }
            let framer = &mut self.sessions[slot].framer;
            let (n, incoming) = framer.next_message(&bytes[taken..], max_line, &mut self.partials);
            taken += n;
            match incoming {
                Incoming::Message(_, mut line) => {
                    line.make_line();
                    self.take_joined(slot, now, line);
                }
                Incoming::TooLong { begun } => self.take_too_long(slot, now, begun, max_line),
                Incoming::Ping(payload) => self.answer_ping(slot, now, payload),
                Incoming::Pong => self.take_control(slot, now),
                Incoming::Close(code) => {
                    self.begin_close(slot, CloseReason::Quit, Clean::EMPTY);
                    self.put_close_frame(slot, code);
                }
                Incoming::Broken(violation) => self.end_broken(slot, violation),
                Incoming::Costs => self.pay(slot, now),
                Incoming::More => {}
            }
        }
        self.sessions[slot].stats.bytes_received += taken as u64;
        self.stats.bytes_received += taken as u64;
        if self.sessions[slot].is_open() { taken } else { bytes.len() }
    }

    fn answer_ping(&mut self, slot: u32, now: Timestamp, payload: Payload) {
        self.take_control(slot, now);
        self.sessions[slot].outbox.get_or_insert_with(|| self.outboxes.take()).pong(payload);
        self.requeue(slot);
        self.arm(slot);
    }

    /// Takes a control frame, which costs as much as a line and shows that the peer is there.
    fn take_control(&mut self, slot: u32, now: Timestamp) {
        self.pay(slot, now);
        let session = &mut self.sessions[slot];
        if session.ended == Ended::No {
            session.heard(now);
        }
    }

    /// Closes a session whose peer has broken a rule of its framing.
    fn end_broken(&mut self, slot: u32, violation: Violation) {
        tracing::debug!(session = %self.sessions.id(slot), %violation, "bad frame");
        self.begin_close(slot, CloseReason::BadFrame, Clean::EMPTY);
        self.put_close_frame(slot, Some(violation.close_code()));
    }
}
