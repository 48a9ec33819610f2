//! What peers send, and how much of it is taken.

use super::{Hub, Scratch};
use crate::command::CloseReason;

use crate::fault::Fault;
use crate::id::{MemberId, SessionId};
use crate::journal::RecordKind;
use crate::schedule::pace::is_fresh;
use crate::schedule::turns::Hold;
use crate::schedule::{ENDED, Schedule};
use crate::session::state::{Ended, Phase, Untaken};
use crate::time::Timestamp;
use crate::wire::dialect::{Complaint, FirstLine};
use crate::wire::framing::lines::Frame;
use crate::wire::sanitize::Clean;

impl Hub {
    /// Takes bytes that came from a session's peer and returns how many it took.
    ///
    /// Fewer than given means that the session is out of tokens, does not read its replies, or has said something that
    /// has to [wait](crate#pace). The driver keeps the rest, stops reading from the transport, so that it pushes back,
    /// and offers the rest again after [`Command::Read`](crate::Command::Read). What comes for a session that is closing
    /// or gone is taken and ignored.
    pub fn receive(&mut self, now: Timestamp, id: SessionId, bytes: &[u8]) -> usize {
        let now = self.clock(now);
        let Some(slot) = self.sessions.slot(id) else { return bytes.len() };
        let mut taken = 0;
        while taken < bytes.len() {
            let mut session = &mut self.sessions[slot];
            if !session.is_open() {
                break;
            }
            if !session.is_unrestrained(now) {
                if !self.may_take(slot, now) {
                    if Fault::RateLimitDrops.is_planted() {
                        return bytes.len();
                    }
                    break;
                }
                session = &mut self.sessions[slot];
            }
            let (n, frame) = session.framer.next(&bytes[taken..], self.config.max_line, &mut self.partials);
            taken += n;
            match frame {
                Frame::Whole(line) => {
                    let previous = session.count_line(now);
                    let hold = self.handle_line(slot, now, previous, line);
                    if hold != Hold::None {
                        let mut copy = self.partials.take();
                        copy.set_line(line, self.config.max_line);
                        self.hold(slot, copy, hold);
                    }
                }
                Frame::Joined(partial) => {
                    let previous = session.count_line(now);
                    let hold = self.handle_line(slot, now, previous, partial.as_line());
                    if hold == Hold::None {
                        self.partials.give(partial);
                    } else {
                        self.hold(slot, partial, hold);
                    }
                }
                Frame::TooLong { begun } => {
                    session.count_line(now);
                    self.count_line(slot, now);
                    if self.sessions[slot].accepted {
                        self.refuse(slot, Complaint::LineTooLong { max: self.config.max_line });
                    } else {
                        self.accept_first_line(slot, FirstLine::Cut(begun.start()));
                    }
                    self.partials.give(begun);
                }
                Frame::Discarded if Fault::DiscardIsFree.is_planted() => {}
                Frame::Discarded => self.pay(slot, now),
                Frame::More => {}
            }
        }
        self.sessions[slot].stats.bytes_received += taken as u64;
        self.stats.bytes_received += taken as u64;
        if self.sessions[slot].is_open() { taken } else { bytes.len() }
    }

    /// Takes note that a session's peer will send no more; call it once all of its input was taken.
    ///
    /// A line without its end was not said. One that waits still is, within
    /// [`linger_timeout`](crate::Config::linger_timeout). Then the session is sent what is pending, and closed. If input
    /// was left untaken, say so at once by [`peer_ended`](Self::peer_ended), and call this when it was taken.
    pub fn receive_eof(&mut self, now: Timestamp, id: SessionId) {
        let now = self.clock(now);
        let Some(slot) = self.live(id).filter(|slot| self.sessions[*slot].is_open()) else { return };
        if self.sessions[slot].hold == Hold::None {
            return self.begin_close(slot, CloseReason::Eof, Clean::EMPTY);
        }
        self.end_input(slot, now, Ended::Input);
    }

    /// Takes note that a session's peer has ended its output, or is gone, while input of its is left untaken.
    ///
    /// What is left may be offered after `Read` as ever, for [`linger_timeout`](crate::Config::linger_timeout) at most;
    /// then, or when all of it was taken and [`receive_eof`](Self::receive_eof) was called, the session is closed. If the
    /// hub is nearly full, it is closed at once, so that nobody who is here is kept out by those who are not. A driver
    /// that does not read a transport has to ask for this: by `POLLRDHUP`, once a second, say.
    pub fn peer_ended(&mut self, now: Timestamp, id: SessionId) {
        let now = self.clock(now);
        if let Some(slot) = self.live(id).filter(|slot| self.sessions[*slot].is_open()) {
            self.end_input(slot, now, Ended::Peer);
        }
    }

    fn end_input(&mut self, slot: u32, now: Timestamp, ended: Ended) {
        let session = &mut self.sessions[slot];
        if session.ended == Ended::No {
            session.active = now;
            self.schedule.ended.push(ENDED, slot);
        }
        // A driver may be late to tell that the peer has ended, when all of its input was taken.
        if session.ended != Ended::Input {
            session.ended = ended;
        }
        self.arm(slot);
        self.make_room();
    }

    /// Ends sessions whose peers have ended, the longest ago first, while there are few slots left for others.
    ///
    /// A slot is free only when its driver has been told to close it. So one is made free for each that is taken, ahead
    /// of time.
    pub(super) fn make_room(&mut self) {
        let spare = (self.config.max_sessions / 16).clamp(1, 64);
        if self.sessions.len() + spare > self.config.max_sessions
            && let Some(slot) = self.schedule.ended.first(ENDED)
        {
            self.cut_short(slot);
            // It may have begun to close, and has until its linger timeout for that otherwise.
            if matches!(self.sessions[slot].phase(), Phase::Closing { .. }) {
                self.finish(slot, CloseReason::Eof);
            }
        }
    }

    /// Closes a session whose peer has ended, though not all of its input was said.
    pub(super) fn cut_short(&mut self, slot: u32) {
        self.stats.cut_short += 1;
        self.journal.push(self.now, Some(self.sessions.id(slot)), RecordKind::CutShort);
        self.begin_close(slot, CloseReason::Eof, Clean::EMPTY);
    }

    /// Returns whether the session may send another line now; if not, sees to it that it is told when it may.
    fn may_take(&mut self, slot: u32, now: Timestamp) -> bool {
        let session = &self.sessions[slot];
        let before = session.untaken;
        let untaken = if session.hold != Hold::None {
            Untaken::UntilSaid
        } else if self.next_line(slot, now) > now {
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
        if before == Untaken::No && untaken != Untaken::UntilSaid {
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

    /// Takes a token for as much of a long line as costs one, from the session and from its origin.
    fn pay(&mut self, slot: u32, now: Timestamp) {
        let session = &mut self.sessions[slot];
        session.bucket.take(session.flow, now);
        if let Some(place) = session.origin {
            self.pay_for_line(slot, place, now);
        }
    }

    /// Returns the moment from which on the session may send another line.
    fn next_line(&mut self, slot: u32, now: Timestamp) -> Timestamp {
        let session = &self.sessions[slot];
        let next = session.bucket.refill(session.flow);
        session.origin.map_or(next, |place| next.max(self.turn(slot, place, now)))
    }

    /// Has the hub and the session's origin count a complete line, as the session has already.
    #[inline]
    fn count_line(&mut self, slot: u32, now: Timestamp) {
        self.stats.lines_received += 1;
        if let Some(place) = self.sessions[slot].origin {
            self.pay_for_line(slot, place, now);
        }
    }

    /// Does what a line asks for, or returns what it has to wait for. `previous` is when the line before came.
    #[inline(always)]
    fn handle_line(&mut self, slot: u32, now: Timestamp, previous: Timestamp, line: &[u8]) -> Hold {
        self.count_line(slot, now);
        if !self.sessions[slot].accepted && !self.accept_first_line(slot, FirstLine::Whole(line)) {
            return Hold::None;
        }
        match self.obey_line(slot, line, false) {
            Hold::Turn { .. } => Hold::Turn { fresh: is_fresh(previous, now) },
            hold => hold,
        }
    }

    /// Returns whether a line that has not waited may publish something.
    #[inline]
    fn may_publish(&mut self) -> bool {
        let Schedule { turns, .. } = &mut self.schedule;
        if !self.room.is_open() || turns.are_calm() {
            return self.room.is_open();
        }
        turns.note_mark(self.room.marks());
        !turns.must_wait()
    }

    /// Does what a line asks for. If that publishes something, and it is neither its turn nor may it be done before others,
    /// returns that it has to wait.
    #[inline(always)]
    pub(super) fn obey_line(&mut self, slot: u32, line: &[u8], in_turn: bool) -> Hold {
        let mut scratch = self.scratch.take().unwrap_or_default();
        let Scratch { decoded, words, rewritten } = &mut *scratch;
        decoded.clear();
        let named = self.conversation.members().has_name(MemberId(slot));
        let request = self.rendered(slot).config.dialect.decode(line, named, decoded);
        let hold = if request.publishes() && !in_turn && !self.may_publish() {
            Hold::Turn { fresh: false }
        } else {
            self.handle_request(slot, request, words, rewritten)
        };
        scratch.shrink(self.config.max_line);
        self.scratch = Some(scratch);
        hold
    }
}
