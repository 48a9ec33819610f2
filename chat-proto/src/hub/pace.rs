//! Which lines wait for which readers, and how waiting lines get their turns.

use alloc::boxed::Box;

use super::Hub;
use crate::command::CloseReason;
use crate::fault::Fault;
use crate::id::SessionId;
use crate::journal::RecordKind;
use crate::schedule::turns::Hold;
use crate::session::state::{Ended, Untaken};
use crate::session::table::LOBBY;
use crate::time::Timestamp;
use crate::wire::framing::lines::Partial;
use crate::wire::sanitize::Clean;

/// The most waiting lines that are carried out in one call.
const TURNS_A_CALL: usize = 256;

impl Hub {
    /// Reports that a session's socket, which took less than it was offered, takes bytes again.
    ///
    /// Call it when the transport says so, before the next write. Until then the time is charged to the peer, which
    /// becomes slow if it does not keep [pace](crate::Config::pace). From then on the time is the driver's.
    pub fn writable(&mut self, now: Timestamp, id: SessionId) {
        let now = self.clock(now);
        if let Some(slot) = self.live(id) {
            self.sessions[slot].intake.unblock(now);
            self.arm(slot);
        }
    }

    /// Starts to wait for a reader.
    pub(super) fn wait_for(&mut self, slot: u32) {
        let Self { sessions, logs, .. } = self;
        let Some(pace) = logs.pace else { return };
        let session = &mut sessions[slot];
        session.intake.begin(&pace, self.now);
        if session.is_placed {
            return self.wait_for_at_places(slot);
        }
        // One more reader to wait for moves no marks.
        let marks = &mut logs.lobby_mut().rendered[session.dialect as usize].marks;
        session.reached = marks.begin(session.cursor.next);
    }

    /// Starts to wait for a placed reader in each of its rooms.
    #[cold]
    fn wait_for_at_places(&mut self, slot: u32) {
        let Self { sessions, logs, .. } = self;
        let (session, Some(places)) = sessions.with_places(slot) else { return };
        let dialect = session.dialect as usize;
        for place in places.list.iter_mut().filter(|place| place.is_live()) {
            let marks = &mut logs.log_mut(place.log()).rendered[dialect].marks;
            place.reached = marks.begin(place.cursor.next);
        }
    }

    /// Returns whether others wait for this session to read.
    pub(super) fn is_waited_for(&self, slot: u32) -> bool {
        self.logs.pace.is_some() && self.sessions[slot].is_open() && !self.sessions[slot].intake.is_slow()
    }

    /// Records how far a reader is.
    #[inline]
    pub(super) fn observe(&mut self, slot: u32) {
        let Self { sessions, logs, .. } = self;
        let (session, Some(pace)) = (&sessions[slot], logs.pace) else { return };
        if !session.is_open() {
            return;
        }
        if session.is_placed {
            return self.observe_places(slot);
        }
        let rendered = &mut logs.lobby_mut().rendered[session.dialect as usize];
        if rendered.observe(LOBBY, slot, sessions, &pace, self.now) {
            logs.move_marks(LOBBY);
        }
    }

    /// Records how far a placed reader is in each of its rooms.
    #[cold]
    fn observe_places(&mut self, slot: u32) {
        let Self { sessions, logs, .. } = self;
        let (session, Some(places)) = sessions.with_places(slot) else { return };
        let dialect = session.dialect as usize;
        if session.intake.is_slow() {
            return;
        }
        for place in places.list.iter_mut().filter(|place| place.is_live()) {
            let marks = &mut logs.log_mut(place.log()).rendered[dialect].marks;
            if marks.observe(&mut place.reached, place.cursor.next, true) {
                logs.move_marks(place.log());
            }
        }
    }

    /// Records that a reader has taken `n` bytes, and whether that was all it was offered.
    #[inline]
    pub(super) fn has_taken(&mut self, slot: u32, n: usize, complete: bool) {
        if self.logs.pace.is_none() {
            // A line with a longer answer waits for the session that sent it to read.
            if self.schedule.turns.is_anyone_waiting() {
                self.replies_read(slot);
            }
            return;
        }
        let session = &mut self.sessions[slot];
        session.intake.report(complete, self.now);
        if session.is_placed {
            self.has_taken_of_several(slot, n);
        } else if session.intake.is_slow() {
            // Others wait for it again when it has reached the mark or has taken the whole answer.
            let marks = &self.logs.lobby().rendered[session.dialect as usize].marks;
            let is_there = session.is_open() && marks.is_reached(session.cursor.next);
            if n > 0 && is_there && !session.is_answered() {
                self.wait_for(slot);
            }
        } else if session.reached != self.logs.lobby().moves() {
            self.observe(slot);
        }
        if self.schedule.turns.is_anyone_waiting() {
            self.replies_read(slot);
        }
        if !complete {
            // The peer's allowance runs from now on.
            self.arm(slot);
        }
    }

    /// Records that a placed reader has taken `n` bytes.
    #[cold]
    fn has_taken_of_several(&mut self, slot: u32, n: usize) {
        if let Some(pace) = &self.logs.pace {
            self.sessions[slot].intake.earn(n, pace);
        }
        self.observe(slot);
    }

    /// Records that a reader has taken everything that there is.
    #[inline]
    pub(super) fn has_taken_all(&mut self, slot: u32) {
        let Some(pace) = &self.logs.pace else { return };
        let session = &mut self.sessions[slot];
        if session.intake.is_done(pace) && session.is_open() {
            self.wait_for(slot);
        }
    }

    /// Marks a reader as slow, and stops waiting for it.
    pub(super) fn give_up_on(&mut self, slot: u32) {
        tracing::debug!(session = %self.sessions.id(slot), "slow");
        self.stats.slow += 1;
        self.journal.push(self.now, Some(self.sessions.id(slot)), RecordKind::Slow);
        if !Fault::SlowWaitedFor.is_planted() {
            self.wait_no_longer_for(slot);
        }
        self.sessions[slot].intake.give_up();
    }

    /// Stops waiting for a reader: releases those who publish, and those who have private messages for it.
    pub(super) fn wait_no_longer_for(&mut self, slot: u32) {
        let Self { sessions, logs, .. } = self;
        if logs.pace.is_none() {
            return;
        }
        let session = &sessions[slot];
        if session.intake.is_slow() {
            // Nobody waits for it.
        } else if session.is_placed {
            self.wait_no_longer_at_places(slot);
        } else if logs.lobby_mut().rendered[session.dialect as usize].marks.end(session.reached) {
            logs.move_marks(LOBBY);
        }
        self.schedule.turns.release_all(slot);
    }

    /// Stops waiting for a placed reader in each of its rooms.
    #[cold]
    fn wait_no_longer_at_places(&mut self, slot: u32) {
        let Self { sessions, logs, .. } = self;
        let dialect = sessions[slot].dialect as usize;
        let Some(places) = sessions.places(slot) else { return };
        for place in places.list.iter().filter(|place| place.is_live()) {
            if logs.log_mut(place.log()).rendered[dialect].marks.end(place.reached) {
                logs.move_marks(place.log());
            }
        }
    }

    /// Holds a line until it may be carried out.
    pub(super) fn hold(&mut self, slot: u32, line: Box<Partial>, hold: Hold) {
        let session = &mut self.sessions[slot];
        session.framer.hold(line);
        session.hold = hold;
        let is_for_readers = match hold {
            Hold::Turn { room, .. } => !self.logs.is_open(room),
            _ => hold != Hold::Authentication,
        };
        self.stats.held += u64::from(is_for_readers);
        self.put_in_line(slot, hold, false);
    }

    /// Puts a session in line for what its line waits for, or at the front if `first`.
    fn put_in_line(&mut self, slot: u32, hold: Hold, first: bool) {
        match hold {
            Hold::Turn { room, .. } => self.schedule.turns.note_line(room, self.logs.marks(room), self.now),
            Hold::Authentication => {
                let address = self.guesser_address(slot);
                return self.schedule.turns.wait_for_check(slot, address);
            }
            _ => {}
        }
        self.schedule.turns.wait(slot, hold, first);
    }

    /// Returns whether a waiting line may be carried out. May be true when there is none.
    #[inline]
    pub(super) fn has_turns(&self) -> bool {
        self.schedule.turns.any()
            || self.has_authentications()
            || self.schedule.turns.is_anyone_waiting() && self.logs.has_any_opened()
    }

    /// Carries out waiting lines, each in its turn, until nothing more may be published.
    pub(super) fn take_turns(&mut self) {
        let Self { schedule, logs, now, .. } = self;
        while let Some(room) = logs.take_opened() {
            schedule.turns.note_open(room, logs.marks(room), *now);
        }
        schedule.turns.look_for_quiet(*now);
        for _ in 0..TURNS_A_CALL {
            let Some(slot) = self.schedule.turns.next(|room| self.logs.is_open(room)) else { return };
            self.take_turn(slot);
        }
    }

    /// Carries out the line that a session holds, or makes it wait again.
    fn take_turn(&mut self, slot: u32) {
        if !self.has_reply_room(slot) {
            // Others have filled its reply buffer meanwhile. The line is carried out first when there is room.
            let waited_for = core::mem::replace(&mut self.sessions[slot].hold, Hold::Replies);
            self.schedule.turns.wait(slot, Hold::Replies, false);
            return self.pass_turn_on(waited_for);
        }
        let session = &mut self.sessions[slot];
        let waited_for = core::mem::replace(&mut session.hold, Hold::None);
        let Some(line) = session.framer.take_held() else { return };
        let in_turn = if let Hold::Turn { room, .. } = waited_for { Some(room) } else { None };
        let hold = self.obey_line(slot, line.as_line(), in_turn);
        if hold != waited_for {
            self.pass_turn_on(waited_for);
        }
        if hold == Hold::None {
            self.partials.give(line);
            return self.resume(slot);
        }
        let session = &mut self.sessions[slot];
        session.framer.hold(line);
        session.hold = hold;
        self.put_in_line(slot, hold, true);
    }

    /// Releases the next of those who wait for the same member, once one of them no longer does.
    fn pass_turn_on(&mut self, waited_for: Hold) {
        if let Hold::Target(target) = waited_for {
            self.schedule.turns.release_first(target);
        }
    }

    /// Resumes a session whose line has been carried out.
    fn resume(&mut self, slot: u32) {
        let session = &mut self.sessions[slot];
        if !session.is_open() {
            return;
        }
        if session.ended == Ended::Input {
            return self.begin_close(slot, CloseReason::Eof, Clean::EMPTY);
        }
        if session.ended == Ended::No {
            // Silence that the hub itself imposes is not idleness.
            session.heard(self.now);
        }
        if session.untaken == Untaken::UntilSaid {
            session.untaken = Untaken::No;
            session.owes_read = !Fault::SenderNotResumed.is_planted();
            self.requeue(slot);
        }
        self.arm(slot);
    }

    /// Releases what waited for the session to read its replies.
    pub(super) fn replies_read(&mut self, slot: u32) {
        if !self.has_reply_room(slot) {
            return;
        }
        self.schedule.turns.release_first(slot);
        if self.sessions[slot].hold == Hold::Replies {
            self.sessions[slot].hold = Hold::Ready;
            self.schedule.turns.wait(slot, Hold::Ready, false);
        }
    }
}
