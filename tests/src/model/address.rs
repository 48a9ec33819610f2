//! Limits by address: who comes from where, and what those of one origin may do together.

use std::time::Duration;

use chat_proto::{Config, OpenError, Origin, Rate, Timestamp};

use super::Model;

/// What an origin has saved up, in nanoseconds: it pays for connections and lines with the time in which a token comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Purse {
    connects: i128,
    lines: i128,
    counted: Timestamp,
}

/// How many origins are forgotten with each session opened, if they have saved up all that they may.
const FORGOTTEN_AT_ONCE: usize = 2;

impl Model {
    /// Says whether one more session may come from there.
    pub(super) fn may_come(&self, now: Timestamp, origin: Option<Origin>) -> Result<(), OpenError> {
        let Some(origin) = self.counted(origin) else { return Ok(()) };
        let now = self.now.max(now);
        let there = self.sessions.values().filter(|session| session.origin == Some(origin)).count();
        let purse = self.purse(now, origin);
        if self.config.max_per_address.is_some_and(|max| there >= max) {
            Err(OpenError::TooManyFromAddress)
        } else if purse.connects < cost(self.config.connects_per_address) {
            Err(OpenError::TooFastFromAddress)
        } else {
            Ok(())
        }
    }

    /// A session comes from there; returns the origin if it is counted.
    pub(super) fn come(&mut self, origin: Option<Origin>) -> Option<Origin> {
        let origin = self.counted(origin)?;
        let mut purse = self.purse(self.now, origin);
        purse.connects -= cost(self.config.connects_per_address);
        self.purses.insert(origin, purse);
        self.departed.retain(|departed| *departed != origin);
        for _ in 0..FORGOTTEN_AT_ONCE {
            let Some(first) = self.departed.front().copied() else { break };
            let Purse { connects, lines, .. } = self.purse(self.now, first);
            if connects < most(self.config.connects_per_address) || lines < most(self.config.rate_per_address) {
                break;
            }
            self.forget_first();
        }
        Some(origin)
    }

    /// A session is gone from there, with a turn that it has paid for and not had, or without.
    pub(super) fn go(&mut self, origin: Option<Origin>, turn: Option<Timestamp>) {
        let Some(origin) = origin else { return };
        if turn.is_some() {
            let mut purse = self.purse(self.now, origin);
            purse.lines = (purse.lines + cost(self.config.rate_per_address)).min(most(self.config.rate_per_address));
            self.purses.insert(origin, purse);
        }
        if self.sessions.values().all(|session| session.origin != Some(origin)) {
            self.departed.push_back(origin);
            // As many as a quarter of the sessions, or 1,024.
            if self.departed.len() > self.config.max_sessions.div_ceil(4).max(1_024) {
                self.forget_first();
            }
        }
    }

    /// Returns how long a session has to wait for its turn among all of its origin. If it has to, it pays at once.
    pub(super) fn wait_for_turn(&mut self, slot: usize) -> Duration {
        let session = &self.sessions[&slot];
        let Some(origin) = session.origin else { return Duration::ZERO };
        if let Some(turn) = session.turn {
            return turn.saturating_duration_since(self.now);
        }
        let (mut purse, cost) = (self.purse(self.now, origin), cost(self.config.rate_per_address));
        let wait = nanos(cost - purse.lines);
        if wait.is_zero() {
            return wait;
        }
        purse.lines -= cost;
        self.purses.insert(origin, purse);
        self.session(slot).turn = Some(self.now + wait);
        wait
    }

    /// A line is paid for by all of its session's origin, if it is not yet.
    pub(super) fn pay_together(&mut self, slot: usize) {
        let session = self.session(slot);
        let (origin, turn) = (session.origin, session.turn.take());
        if let (Some(origin), None) = (origin, turn) {
            let mut purse = self.purse(self.now, origin);
            purse.lines -= cost(self.config.rate_per_address);
            self.purses.insert(origin, purse);
        }
    }

    /// Where nothing is limited by address, nobody is counted.
    fn counted(&self, origin: Option<Origin>) -> Option<Origin> {
        let Config { max_per_address, connects_per_address, rate_per_address, .. } = self.config;
        let any = max_per_address.is_some() || connects_per_address.is_some() || rate_per_address.is_some();
        origin.filter(|_| any)
    }

    /// Returns what an origin has saved up by now, which has a limit.
    fn purse(&self, now: Timestamp, origin: Origin) -> Purse {
        let (connects, lines) = (most(self.config.connects_per_address), most(self.config.rate_per_address));
        let full = Purse { connects, lines, counted: now };
        // At the end of time nothing more would ever be saved up, and everything is allowed.
        self.purses.get(&origin).filter(|_| now < Timestamp::MAX).map_or(full, |purse| {
            let passed = now.saturating_duration_since(purse.counted).as_nanos().cast_signed();
            Purse {
                connects: (purse.connects + passed).min(connects),
                lines: (purse.lines + passed).min(lines),
                counted: now,
            }
        })
    }

    fn forget_first(&mut self) {
        let first = self.departed.pop_front();
        self.purses.retain(|origin, _| Some(*origin) != first);
    }
}

/// The time in which one token comes; nothing where nothing is limited.
fn cost(rate: Option<Rate>) -> i128 {
    rate.map_or(0, |rate| 1_000_000_000 / i128::from(rate.per_second.get()))
}

/// The most that can be saved up.
fn most(rate: Option<Rate>) -> i128 {
    rate.map_or(0, |rate| i128::from(rate.burst.get())) * cost(rate)
}

fn nanos(nanos: i128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
}
