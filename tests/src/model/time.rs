//! The effects of time: buckets are refilled; idle, stalled and lingering sessions are closed.

use std::time::Duration;

use chat_proto::dialect::Update;
use chat_proto::{CloseReason, Rate, RecordKind, Timestamp};

use super::{Checked, Model, Phase, Session, Untaken, differ};

impl Model {
    /// Returns the latest moment seen.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Sets the time; an earlier time than the latest seen is ignored.
    pub fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// Handles all deadlines up to `now`. `order` has the slots in the order in which the hub handled them, according
    /// to its journal; any order is correct. For slots that are missing, the order makes no visible difference.
    ///
    /// # Errors
    ///
    /// If something is still due afterwards.
    pub fn handle_timeout(&mut self, now: Timestamp, order: &[usize]) -> Checked {
        self.advance(now);
        if self.telling().is_some_and(|at| at <= self.now) {
            self.end_second();
        }
        let unseen: Vec<usize> = self.slots().filter(|slot| !order.contains(slot)).collect();
        for slot in unseen.into_iter().chain(order.iter().copied()) {
            while self.sessions.contains_key(slot)
                && self.deadline_of(&self.sessions[&slot]).is_some_and(|at| has_come(at, self.now))
            {
                self.expire(slot);
            }
        }
        match self.deadline() {
            Some(at) if at <= self.now => differ("deadline", format!("{at} is still due at {}", self.now)),
            _ => Ok(()),
        }
    }

    fn expire(&mut self, slot: usize) {
        let (now, stall) = (self.now, self.config.stall_timeout);
        let session = &self.sessions[&slot];
        if let Phase::Closing(reason) = session.phase {
            return self.finish(slot, reason);
        }
        let stalled = session.sending && stall.is_some_and(|stall| has_come(session.waiting + stall, now));
        let cut_short = session.ended.is_some() && has_come(session.active + self.config.linger_timeout, now);
        if stalled {
            return self.end(slot, CloseReason::Stalled);
        }
        if self.gives_up_at(session).is_some_and(|at| has_come(at, now)) {
            return self.give_up_on(slot);
        }
        if matches!(session.untaken, Untaken::UntilRefill(at) if at <= now) {
            let session = self.session(slot);
            (session.untaken, session.read_due) = (Untaken::No, true);
            if session.ended.is_none() {
                (session.active, session.warned) = (now, false);
            }
            return;
        }
        if cut_short || session.ended.is_some() {
            self.cut_short(slot);
        } else if !self.is_silence_over(slot) {
            // A client has not registered in time.
            self.close(slot, CloseReason::Idle, "");
        } else if self.is_to_be_warned(slot) {
            self.warn(slot);
        } else {
            self.close(slot, CloseReason::Idle, "");
        }
    }

    /// Returns the next deadline, if any.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.sessions.values().filter_map(|session| self.deadline_of(session)).chain(self.telling()).min()
    }

    fn deadline_of(&self, session: &Session) -> Option<Timestamp> {
        // The end of time, which never comes.
        const NEVER: Timestamp = Timestamp::MAX;
        let is_irc = session.irc.is_some();
        let at = match session.phase {
            Phase::Over(_) | Phase::Unconnected => NEVER,
            Phase::Closing(_) => session.waiting + self.config.linger_timeout,
            Phase::Open => {
                let stall = self.config.stall_timeout.filter(|_| session.sending);
                let stalled = stall.map_or(NEVER, |stall| session.waiting + stall);
                let input = match session.untaken {
                    // A session whose input is left untaken is not idle.
                    Untaken::UntilRefill(at) => at,
                    Untaken::UntilRead if session.answer.is_some() => NEVER,
                    _ if session.held.is_some() || session.ended.is_some() => NEVER,
                    _ => {
                        let wait = |idle| if session.warned { idle } else { warned_after(idle, is_irc) };
                        session.idle.map_or(NEVER, |idle| session.active + wait(idle))
                    }
                };
                let cut_short = session.ended.map_or(NEVER, |_| session.active + self.config.linger_timeout);
                let registered = self.registers_until(session).unwrap_or(NEVER);
                let slow = self.gives_up_at(session).unwrap_or(NEVER);
                stalled.min(slow).min(input).min(cut_short).min(registered)
            }
        };
        Some(at).filter(|at| *at < NEVER)
    }

    /// Returns whether a session has been silent until it is to be warned or closed.
    fn is_silence_over(&self, slot: usize) -> bool {
        let session = &self.sessions[&slot];
        let is_silent = session.held.is_none()
            && session.ended.is_none()
            && !matches!(session.untaken, Untaken::UntilRefill(_))
            && !(session.untaken == Untaken::UntilRead && session.answer.is_some());
        let wait = |idle| if session.warned { idle } else { warned_after(idle, session.irc.is_some()) };
        is_silent && session.idle.is_some_and(|idle| has_come(session.active + wait(idle), self.now))
    }

    /// Returns whether a silent session is to be warned, and not yet to be closed.
    fn is_to_be_warned(&self, slot: usize) -> bool {
        let session = &self.sessions[&slot];
        let idle = session.idle;
        !session.warned && idle.is_some_and(|idle| !has_come(session.active + idle, self.now))
    }

    /// Warns a silent session, if its dialect shows warnings and there is room.
    fn warn(&mut self, slot: usize) {
        self.session(slot).warned = true;
        let warning = self.line_for(slot, &Update::SilenceWarning);
        if !warning.is_empty() && self.has_room(slot, warning.len() + self.longest(slot)) {
            self.record(slot, RecordKind::Warned);
            self.reply(slot, &Update::SilenceWarning);
        }
    }

    /// Returns whether input of the session is taken now; if not, records what it waits for.
    pub(super) fn may_take(&mut self, slot: usize) -> bool {
        let missing = (self.line_cost(slot) - self.credit(slot)).max(0);
        let refill = Duration::from_nanos(u64::try_from(missing).unwrap_or(u64::MAX));
        let is_held = self.sessions[&slot].held.is_some();
        let wait = if is_held { Duration::ZERO } else { refill.max(self.wait_for_turn(slot)) };
        let untaken = if is_held {
            Untaken::UntilSaid
        } else if wait > Duration::ZERO {
            Untaken::UntilRefill(self.now + wait)
        } else if !self.has_room_for_a_line(slot) {
            Untaken::UntilRead
        } else {
            Untaken::No
        };
        let before = std::mem::replace(&mut self.session(slot).untaken, untaken);
        if !matches!(untaken, Untaken::No | Untaken::UntilSaid) && before == Untaken::No {
            self.stats.throttled += 1;
            self.record(slot, RecordKind::Throttled);
        }
        untaken == Untaken::No
    }

    /// Returns the time in which one token is added, in nanoseconds; 0 without a rate.
    pub(super) fn line_cost(&self, slot: usize) -> i128 {
        self.sessions[&slot].rate.map_or(0, |rate| 1_000_000_000 / i128::from(rate.per_second.get()))
    }

    /// Adds the time since the last call to a session's credit, up to the burst, and returns the credit.
    pub(super) fn credit(&mut self, slot: usize) -> i128 {
        let (now, burst) = (self.now, self.sessions[&slot].rate.map_or(0, |rate| i128::from(rate.burst.get())));
        let most = burst * self.line_cost(slot);
        let session = self.session(slot);
        let passed = now.saturating_duration_since(session.credited).as_nanos().cast_signed();
        session.credited = now;
        session.credit = session.credit.saturating_add(passed).min(most);
        // At the end of time no token would be added any more.
        if now == Timestamp::MAX { most } else { session.credit }
    }

    /// The embedding program sets how fast a session may send lines; its bucket is full then.
    pub fn set_rate(&mut self, now: Timestamp, slot: usize, rate: Option<Rate>) {
        self.advance(now);
        if !self.is_open(slot) {
            return;
        }
        let now = self.now;
        let session = self.session(slot);
        (session.rate, session.credit, session.credited) = (rate, i128::MAX, now);
        if matches!(session.untaken, Untaken::UntilRefill(_)) {
            (session.untaken, session.read_due) = (Untaken::No, true);
            if session.ended.is_none() {
                (session.active, session.warned) = (now, false);
            }
        }
    }

    /// The embedding program sets how long a session may be silent.
    pub fn set_idle_timeout(&mut self, now: Timestamp, slot: usize, timeout: Option<Duration>) {
        self.advance(now);
        if self.is_open(slot) {
            let session = self.session(slot);
            (session.idle, session.warned) = (timeout, false);
        }
    }

    /// Returns the slots of all sessions, in any phase.
    pub fn slots(&self) -> impl Iterator<Item = usize> + '_ {
        self.sessions.keys()
    }
}

/// Returns how long a silence lasts before the warning: a minute less than the timeout, if that is two minutes or more.
/// Clients of IRC are asked after half of a shorter one.
fn warned_after(idle: Duration, is_irc: bool) -> Duration {
    const MINUTE: Duration = Duration::from_secs(60);
    match idle {
        idle if idle >= 2 * MINUTE => idle.saturating_sub(MINUTE),
        idle if is_irc => idle.saturating_sub(idle / 2),
        idle => idle,
    }
}

/// Returns whether a deadline has come; one at the end of time never does.
fn has_come(at: Timestamp, now: Timestamp) -> bool {
    at <= now && at < Timestamp::MAX
}
