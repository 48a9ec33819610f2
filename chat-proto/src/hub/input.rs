//! What peers send, and how much of it is taken.

use super::{Hub, Scratch};
use crate::command::CloseReason;
use crate::dialect::Complaint;
use crate::fault::Fault;
use crate::journal::RecordKind;
use crate::line::Frame;
use crate::session::{SessionId, Untaken};
use crate::time::Timestamp;

impl Hub {
    /// Takes bytes that came from a session's peer and returns how many it took.
    ///
    /// Fewer than given means that the session is out of tokens or does not read its replies. The driver keeps the
    /// rest, stops reading from the transport, so that it pushes back, and offers the rest again after
    /// [`Command::Read`](crate::Command::Read). What comes for a session that is closing or gone is taken and ignored.
    pub fn receive(&mut self, now: Timestamp, id: SessionId, bytes: &[u8]) -> usize {
        let now = self.clock(now);
        let Some(slot) = self.sessions.slot(id) else { return bytes.len() };
        let mut taken = 0;
        while taken < bytes.len() && self.sessions[slot].is_open() {
            if !self.may_take(slot, now) {
                if Fault::RateLimitDrops.is_planted() {
                    return bytes.len();
                }
                break;
            }
            let session = &mut self.sessions[slot];
            let (n, frame) = session.framer.next(&bytes[taken..], self.config.max_line, &mut self.partials);
            taken += n;
            match frame {
                Frame::Whole { line, plain } => self.handle_line(slot, now, line, plain),
                Frame::Joined(partial) => {
                    self.handle_line(slot, now, partial.as_line(), false);
                    self.partials.give(partial);
                }
                Frame::TooLong => {
                    self.count_line(slot, now);
                    self.refuse(slot, Complaint::LineTooLong { max: self.config.max_line });
                }
                Frame::More => {}
            }
        }
        self.sessions[slot].stats.bytes_received += taken as u64;
        self.stats.bytes_received += taken as u64;
        if self.sessions[slot].is_open() { taken } else { bytes.len() }
    }

    /// Takes note that a session's peer will send no more; call it once all of its input was taken.
    ///
    /// A line without its end was not said. The session is sent what is pending, then closed.
    pub fn receive_eof(&mut self, now: Timestamp, id: SessionId) {
        self.clock(now);
        if let Some(slot) = self.live(id) {
            self.begin_close(slot, CloseReason::Eof, "");
        }
    }

    /// Returns whether the session may send another line now; if not, sees to it that it is told when it may.
    fn may_take(&mut self, slot: u32, now: Timestamp) -> bool {
        let session = &self.sessions[slot];
        let before = session.untaken;
        let mut next = session.bucket.refill(self.flow);
        if let Some(place) = session.origin {
            next = next.max(self.turn(slot, place, now));
        }
        let untaken = if next > now {
            Untaken::UntilRefill
        } else if !self.has_reply_room(slot) {
            Untaken::UntilRead
        } else {
            Untaken::No
        };
        if before == untaken {
            return untaken == Untaken::No;
        }
        self.sessions[slot].untaken = untaken;
        if untaken == Untaken::No {
            return true;
        }
        if before == Untaken::No {
            self.stats.throttled += 1;
            self.journal.push(now, Some(self.sessions.id(slot)), RecordKind::Throttled);
        }
        self.arm(slot);
        false
    }

    /// Returns whether whatever a line causes finds room among the session's replies.
    pub(super) fn has_reply_room(&self, slot: u32) -> bool {
        let outbox = self.sessions[slot].outbox.as_ref();
        outbox.is_none_or(|outbox| outbox.has_room(0, self.reply_reserve, self.config.reply_bytes))
    }

    /// Takes note of a complete line: it costs a token and shows that the peer is there.
    fn count_line(&mut self, slot: u32, now: Timestamp) {
        let session = &mut self.sessions[slot];
        session.bucket.take(self.flow, now);
        session.active = now;
        session.stats.lines_received += 1;
        self.stats.lines_received += 1;
        if let Some(place) = session.origin {
            self.pay_for_line(slot, place, now);
        }
    }

    fn handle_line(&mut self, slot: u32, now: Timestamp, line: &[u8], plain: bool) {
        self.count_line(slot, now);
        let mut scratch = self.scratch.take().unwrap_or_default();
        let Scratch { decoded, words, rewritten } = &mut *scratch;
        decoded.clear();
        let named = self.names.has(slot);
        let request = self.lane(slot).config.dialect.decode(line, named, decoded);
        let plain = if plain { line } else { &[] };
        self.handle_request(slot, request, plain, words, rewritten);
        if decoded.capacity() > self.config.max_line {
            // A dialect that makes more of a line than there was has had its memory for a moment.
            decoded.clear();
            decoded.shrink_to(self.config.max_line);
        }
        self.scratch = Some(scratch);
    }
}
