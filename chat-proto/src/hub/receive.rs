//! What peers send, and how much of it is taken.

use alloc::boxed::Box;
use alloc::string::String;

use super::Hub;
use super::scratch::Scratch;
use crate::command::CloseReason;
use crate::config::MAX_DIALECTS;
use crate::fault::Fault;
use crate::id::{MemberId, RoomId, SessionId};
use crate::journal::RecordKind;
use crate::schedule::pace::is_fresh;
use crate::schedule::turns::Hold;
use crate::schedule::{ENDED, Schedule};
use crate::session::state::{Ended, Phase, Untaken};
use crate::time::Timestamp;
use crate::wire::dialect::{Complaint, FirstLine, Publishes, Request};
use crate::wire::framing::lines::{Frame, Partial};
use crate::wire::sanitize::Clean;

impl Hub {
    /// Takes bytes that came from a session's peer, and returns how many it took.
    ///
    /// If it took fewer than given, the session has no tokens, does not read its replies, or has sent a line that has
    /// to [wait](crate#pace). The driver keeps the rest, stops reading from the transport so that it pushes back, and
    /// offers the rest again after [`Command::Read`](crate::Command::Read). Bytes for a session that is closing or gone
    /// are taken and ignored.
    pub fn receive(&mut self, now: Timestamp, id: SessionId, bytes: &[u8]) -> usize {
        let now = self.clock(now);
        let Some(slot) = self.sessions.slot(id) else { return bytes.len() };
        if self.sessions[slot].format.messages().is_some() {
            return self.receive_messages(slot, now, bytes);
        }
        let max_line = self.max_line(slot);
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
            let (n, frame) = session.framer.next(&bytes[taken..], max_line, &mut self.partials);
            taken += n;
            match frame {
                Frame::Whole(line) => {
                    let previous = session.count_line(now);
                    let hold = self.handle_line(slot, now, previous, line);
                    if hold != Hold::None {
                        let mut copy = self.partials.take();
                        copy.set_line(line, max_line);
                        self.hold(slot, copy, hold);
                    }
                }
                Frame::Joined(partial) => self.take_joined(slot, now, partial),
                Frame::TooLong { begun } => self.take_too_long(slot, now, begun, max_line),
                Frame::Discarded if Fault::DiscardIsFree.is_planted() => {}
                Frame::Discarded => self.pay(slot, now),
                Frame::More if session.accepted => {}
                Frame::More => self.look_at_beginning(slot),
            }
        }
        self.sessions[slot].stats.bytes_received += taken as u64;
        self.stats.bytes_received += taken as u64;
        if self.sessions[slot].is_open() { taken } else { bytes.len() }
    }

    /// Returns the most bytes of a line of a session.
    #[inline]
    pub(super) fn max_line(&self, slot: u32) -> usize {
        self.max_lines[usize::from(self.sessions[slot].dialect) % MAX_DIALECTS]
    }

    /// Takes a line whose parts came at different times. Out of line, to keep the way of a whole line short.
    #[inline(never)]
    pub(super) fn take_joined(&mut self, slot: u32, now: Timestamp, partial: Box<Partial>) {
        let previous = self.sessions[slot].count_line(now);
        let hold = self.handle_line(slot, now, previous, partial.as_line());
        if hold == Hold::None {
            self.partials.give(partial);
        } else {
            self.hold(slot, partial, hold);
        }
    }

    /// Refuses a line that is too long, of which the beginning was kept.
    #[cold]
    pub(super) fn take_too_long(&mut self, slot: u32, now: Timestamp, begun: Box<Partial>, max_line: usize) {
        self.sessions[slot].count_line(now);
        self.count_line(slot, now);
        if self.sessions[slot].accepted {
            self.refuse(slot, Complaint::LineTooLong { max: max_line });
        } else {
            self.accept_first_line(slot, FirstLine::Cut(begun.start()));
        }
        self.partials.give(begun);
    }

    /// Reports that a session's peer will send no more. Call it once all of its input was taken.
    ///
    /// A line without its line end is not carried out. A line that waits still is, within
    /// [`linger_timeout`](crate::Config::linger_timeout). Then the session is sent what is pending, and closed. If
    /// input was left untaken, call [`peer_ended`](Self::peer_ended) at once, and this method when all of it was taken.
    pub fn receive_eof(&mut self, now: Timestamp, id: SessionId) {
        let now = self.clock(now);
        let Some(slot) = self.live(id).filter(|slot| self.sessions[*slot].is_open()) else { return };
        if self.sessions[slot].hold == Hold::None {
            return self.begin_close(slot, CloseReason::Eof, Clean::EMPTY);
        }
        self.end_input(slot, now, Ended::Input);
    }

    /// Reports that a session's peer has ended its output, or is gone, while some of its input is untaken.
    ///
    /// The driver may still offer that input after `Read`, for [`linger_timeout`](crate::Config::linger_timeout) at
    /// most. The session is closed after that time, or when all of it was taken and [`receive_eof`](Self::receive_eof)
    /// was called. If the hub is nearly full, the session is closed at once, so that peers who are gone keep nobody
    /// out. A driver that does not read from a transport has to [check](crate#back-pressure) for this every half a
    /// second.
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
        // The report may be late: all of the peer's input may have been taken already.
        if session.ended != Ended::Input {
            session.ended = ended;
        }
        self.arm(slot);
        self.make_room();
    }

    /// Ends the session whose peer ended longest ago, while few slots are free.
    ///
    /// A slot becomes free only after its driver has been told to close the session. So for each slot that is taken
    /// another is freed ahead of time.
    pub(super) fn make_room(&mut self) {
        let spare = (self.config.max_sessions / 16).clamp(1, 64);
        if !self.sessions.has_room_for(spare)
            && let Some(slot) = self.schedule.ended.first(ENDED)
        {
            self.cut_short(slot);
            // If it was closing already, it would otherwise stay until its linger timeout.
            if matches!(self.sessions[slot].phase(), Phase::Closing { .. }) {
                self.finish(slot, CloseReason::Eof);
            }
        }
    }

    /// Closes a session whose peer has ended before all of its input was handled.
    pub(super) fn cut_short(&mut self, slot: u32) {
        self.stats.cut_short += 1;
        self.journal.push(self.now, Some(self.sessions.id(slot)), RecordKind::CutShort);
        self.begin_close(slot, CloseReason::Eof, Clean::EMPTY);
    }

    /// Returns whether the session may send another line now. If not, makes sure that it is told when it may.
    pub(super) fn may_take(&mut self, slot: u32, now: Timestamp) -> bool {
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

    /// Returns whether anything that a line may cause fits among the session's replies.
    pub(super) fn has_reply_room(&self, slot: u32) -> bool {
        let outbox = self.sessions[slot].outbox.as_ref();
        outbox.is_none_or(|outbox| outbox.has_room(0, self.reply_reserve(slot), self.config.reply_bytes))
    }

    /// Charges one token, to the session and to its origin, for each part of a long line that costs as much as a line.
    pub(super) fn pay(&mut self, slot: u32, now: Timestamp) {
        let session = &mut self.sessions[slot];
        session.bucket.take(session.flow, now);
        if let Some(origin) = session.origin {
            self.pay_for_line(slot, origin, now);
        }
    }

    /// Returns when the session may send another line.
    fn next_line(&mut self, slot: u32, now: Timestamp) -> Timestamp {
        let session = &self.sessions[slot];
        let next = session.bucket.refill(session.flow);
        session.origin.map_or(next, |origin| next.max(self.turn(slot, origin, now)))
    }

    /// Counts a complete line for the hub and the session's origin. The session has already counted it.
    #[inline]
    pub(super) fn count_line(&mut self, slot: u32, now: Timestamp) {
        self.stats.lines_received += 1;
        if let Some(origin) = self.sessions[slot].origin {
            self.pay_for_line(slot, origin, now);
        }
    }

    /// Carries out a line, or returns what it has to wait for. `previous` is when the line before it came.
    #[inline(always)]
    pub(super) fn handle_line(&mut self, slot: u32, now: Timestamp, previous: Timestamp, line: &[u8]) -> Hold {
        self.count_line(slot, now);
        if !self.sessions[slot].accepted && !self.accept_first_line(slot, FirstLine::Whole(line)) {
            return Hold::None;
        }
        match self.obey_line(slot, line, None) {
            Hold::Turn { room, .. } => Hold::Turn { room, fresh: is_fresh(previous, now) },
            hold => hold,
        }
    }

    /// Returns whether a line that has not waited may publish something in a room.
    fn may_publish(&mut self, room: RoomId) -> bool {
        let Schedule { turns, .. } = &mut self.schedule;
        if !self.logs.is_open(room) || turns.are_calm() {
            return self.logs.is_open(room);
        }
        turns.note_mark(room, self.logs.marks(room), self.now);
        !turns.must_wait(room, self.now)
    }

    /// Carries out a request that may have to wait for the readers of a room, or returns that it has to.
    #[cold]
    pub(super) fn handle_in_turn(
        &mut self,
        slot: u32,
        request: Request<'_>,
        in_turn: Option<RoomId>,
        scratch: &mut String,
        rewritten: &mut String,
    ) -> Hold {
        match self.waits_for(slot, request, in_turn) {
            Some(room) => Hold::Turn { room, fresh: false },
            None => self.handle_request(slot, request, self.sessions[slot].is_simple(), scratch, rewritten),
        }
    }

    /// Returns the room for whose readers a request has to wait, given the room for which it has waited.
    fn waits_for(&mut self, slot: u32, request: Request<'_>, in_turn: Option<RoomId>) -> Option<RoomId> {
        let publishes = request.publishes();
        if publishes == Publishes::Nowhere {
            return None;
        }
        if !self.sessions[slot].is_placed && publishes != Publishes::There {
            let is_free = in_turn == Some(RoomId::LOBBY) || self.may_publish(RoomId::LOBBY);
            return (!is_free).then_some(RoomId::LOBBY);
        }
        // In its turn for one room it waits for the readers of another, but not for turns: two rooms could pass it to
        // and fro.
        let must_wait = |hub: &mut Self, room| match in_turn {
            Some(served) => served != room && !hub.logs.is_open(room),
            None => !hub.may_publish(room),
        };
        match request {
            Request::Join { room, .. } => {
                let room = self.conversation.find_room(room)?;
                let is_in = self.conversation.is_in(MemberId(slot), room);
                (!is_in && must_wait(self, room)).then_some(room)
            }
            // These are told in all of the session's rooms.
            Request::Name(_) | Request::Away(_) | Request::RealName(_) => {
                let count = self.sessions.placed(slot).map_or(0, <[_]>::len);
                (0..count).find_map(|index| {
                    let place = self.sessions.placed(slot)?.get(index)?;
                    let room = self.logs.log(place.log()).id;
                    (place.is_live() && must_wait(self, room)).then_some(room)
                })
            }
            _ => self.focus(slot).filter(|room| must_wait(self, *room)),
        }
    }

    /// Carries out a line. If it would publish something, is not taking its turn, and others have to go first, returns
    /// that it has to wait. `in_turn` is the room in which it takes its turn.
    #[inline(always)]
    pub(super) fn obey_line(&mut self, slot: u32, line: &[u8], in_turn: Option<RoomId>) -> Hold {
        let session = &self.sessions[slot];
        // Sessions of IRC are placed, so of nearly all others only this is asked.
        let is_placed = session.is_placed;
        if is_placed && session.irc.is_some() {
            return self.obey_irc(slot, line, in_turn);
        }
        let mut scratch = self.scratch.take().unwrap_or_default();
        let Scratch { decoded, words, rewritten, .. } = &mut *scratch;
        decoded.clear();
        let named = self.conversation.members().has_name(MemberId(slot));
        let request = self.spoken(slot).config.dialect.decode(line, named, decoded);
        // Nearly always nobody waits, and the session is in the lobby only.
        let is_simple = !is_placed && !matches!(request, Request::Join { .. });
        let hold = if is_simple && self.logs.lobby().is_open() && self.schedule.turns.are_calm() {
            self.handle_request(slot, request, true, words, rewritten)
        } else {
            self.handle_in_turn(slot, request, in_turn, words, rewritten)
        };
        scratch.shrink(self.config.max_line);
        self.scratch = Some(scratch);
        hold
    }
}
