//! When each session has to be looked at again, and what happens then.

use core::time::Duration;

use super::Hub;
use crate::command::CloseReason;
use crate::fault::Fault;
use crate::schedule::turns::Hold;
use crate::session::Turn;
use crate::session::irc::Check;
use crate::session::state::{Ended, Phase, Untaken};
use crate::time::Timestamp;
use crate::wire::sanitize::Clean;

/// How long a client of IRC has to register, whatever it sends; other IRC servers allow the same time. The check of a
/// password is not its time, and after a right one it may be silent that long again.
const TO_REGISTER: Duration = Duration::from_secs(60);

/// What a deadline is for.
#[derive(Clone, Copy, Debug)]
enum Expiry {
    /// No pending byte was taken for too long, or the session has been closing for too long.
    Output,
    /// The session has been blocked for so long that it is slow.
    Slow,
    /// A token for the session's next line is there, or the idle timeout or its warning is due.
    Input,
    /// The session's peer ended its input too long ago, or the client has not registered in time.
    CutShort,
}

impl Expiry {
    /// In the order in which they are handled if several have passed.
    const ALL: [Self; 4] = [Self::Output, Self::Slow, Self::Input, Self::CutShort];
}

impl Hub {
    /// Returns when to call [`handle_timeout`](Self::handle_timeout) next; `None`: not before something else happens.
    ///
    /// Any other call may change it. Asking costs nothing.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let told = self.logs.second.deadline();
        if told == Timestamp::MAX {
            return self.schedule.deadlines.first();
        }
        Some(self.schedule.deadlines.first().map_or(told, |at| at.min(told)))
    }

    /// Handles the deadlines that have passed: closes idle, stalled and lingering sessions, refills buckets, and tells
    /// readers how many members joined and left.
    ///
    /// A call that comes too early changes nothing. Afterwards [`poll_timeout`](Self::poll_timeout) is `None` or later
    /// than `now`.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        let now = self.clock(now);
        if self.logs.second.deadline().has_come(now) {
            self.pass_second();
        }
        while let Some(slot) = self.schedule.deadlines.pop_expired(now) {
            for (expiry, at) in Expiry::ALL.into_iter().zip(self.deadlines_of(slot)) {
                if at.has_come(now) {
                    self.expire(slot, expiry);
                }
            }
            debug_assert!(!self.deadline(slot).has_come(now), "an expired deadline was not handled");
            if !Fault::DeadlineNotRearmed.is_planted() {
                self.arm(slot);
            }
        }
    }

    /// Handles one of a session's deadlines, unless an earlier one has ended the session.
    fn expire(&mut self, slot: u32, expiry: Expiry) {
        let session = &mut self.sessions[slot];
        match (expiry, session.phase()) {
            (Expiry::Input, Phase::Open) if session.untaken == Untaken::UntilRefill => {
                self.resume_refilled(slot);
            }
            (Expiry::Slow, Phase::Open) => self.give_up_on(slot),
            (Expiry::CutShort, Phase::Open) if session.ended == Ended::No => self.expire_registration(slot),
            (Expiry::CutShort, Phase::Open) => self.cut_short(slot),
            (Expiry::Input, Phase::Open) => self.expire_silence(slot),
            // Its transport takes nothing, so last words would not reach the peer either.
            (Expiry::Output, Phase::Open) => self.end(slot, CloseReason::Stalled),
            (Expiry::Output, Phase::Closing { reason, .. }) => self.finish(slot, reason),
            _ => {}
        }
    }

    /// Closes a client that has not registered in time. If there is a token for its next line since this very instant,
    /// it was not silent.
    fn expire_registration(&mut self, slot: u32) {
        if self.end_of_registration(slot).has_come(self.now) {
            self.begin_close(slot, CloseReason::Idle, Clean::EMPTY);
        }
    }

    /// Goes on with a session for whose next line there is a token.
    pub(super) fn resume_refilled(&mut self, slot: u32) {
        let session = &mut self.sessions[slot];
        session.untaken = Untaken::No;
        if session.ended == Ended::No {
            session.heard(self.now);
        }
        session.owes_read = true;
        self.requeue(slot);
    }

    /// Makes sure that the session is looked at no later than at its earliest deadline.
    pub(super) fn arm(&mut self, slot: u32) {
        self.schedule.deadlines.no_later(slot, self.deadline(slot));
    }

    /// Returns the session's earliest deadline.
    fn deadline(&self, slot: u32) -> Timestamp {
        let [one, two, three, four] = self.deadlines_of(slot);
        one.min(two).min(three).min(four)
    }

    /// Returns the session's deadlines, in the order of [`Expiry::ALL`]; [`Timestamp::MAX`] for never.
    #[inline]
    fn deadlines_of(&self, slot: u32) -> [Timestamp; 4] {
        const NEVER: Timestamp = Timestamp::MAX;
        let session = &self.sessions[slot];
        let after = |since, timeout: Option<Duration>| timeout.map_or(NEVER, |timeout| since + timeout);
        let linger = self.config.linger_timeout;
        match session.phase() {
            Phase::Open => {
                let input = match session.untaken {
                    // Silence that the hub itself imposes is not idleness.
                    Untaken::UntilRefill => {
                        let turn = session.turn.map_or(Timestamp::ZERO, Turn::at);
                        session.bucket.refill(session.flow).max(turn)
                    }
                    Untaken::UntilRead if session.is_answered() => NEVER,
                    _ if session.hold != Hold::None || session.ended != Ended::No => NEVER,
                    _ => self.silence_deadline(slot),
                };
                let stall_timeout = self.config.stall_timeout.filter(|_| session.sending);
                let stays = session.ended == Ended::No || Fault::EndedOutlivesPeer.is_planted();
                let mut ended = if stays { NEVER } else { session.active + linger };
                if session.is_unregistered() && !Fault::RegistrationUnlimited.is_planted() {
                    ended = ended.min(self.end_of_registration(slot));
                }
                [after(session.waiting, stall_timeout), session.intake.runs_out(), input, ended]
            }
            Phase::Closing { .. } => [session.waiting + linger, NEVER, NEVER, NEVER],
            Phase::Vacant | Phase::Over(_) | Phase::Unconnected => [NEVER; 4],
        }
    }

    /// Returns when a client that has not registered yet has to have done so.
    fn end_of_registration(&self, slot: u32) -> Timestamp {
        let session = &self.sessions[slot];
        let irc = session.irc.as_ref();
        if session.hold == Hold::Authentication || irc.is_some_and(|irc| irc.check != Check::No) {
            return Timestamp::MAX;
        }
        let has_password = irc.and_then(|irc| irc.registration()).is_some_and(|it| it.has_password);
        if has_password { session.active + TO_REGISTER } else { session.stats.opened + TO_REGISTER }
    }
}
