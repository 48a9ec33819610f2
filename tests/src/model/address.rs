//! Limits by address: the origin of a session, and what the sessions of one origin may do together.

use std::time::Duration;

use chat_proto::{Config, OpenError, Origin, Rate, RoomError, Timestamp};

use super::Model;

/// An origin's token buckets, in nanoseconds: a connection or a line costs the time in which one token is added.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenBuckets {
    connects: i128,
    lines: i128,
    counted: Timestamp,
}

/// How many origins are forgotten for each session opened, if their buckets are full.
const FORGOTTEN_AT_ONCE: usize = 2;

impl Model {
    /// Checks whether one more session may be opened from an origin.
    pub(super) fn may_come(&self, now: Timestamp, origin: Option<Origin>) -> Result<(), OpenError> {
        let Some(origin) = self.counted(origin) else { return Ok(()) };
        let now = self.now.max(now);
        let there = self.sessions.values().filter(|session| session.origin == Some(origin)).count();
        let buckets = self.buckets(now, origin);
        if self.config.max_per_address.is_some_and(|max| there >= max) {
            Err(OpenError::TooManyFromAddress)
        } else if buckets.connects < cost(self.config.connects_per_address) {
            Err(OpenError::TooFastFromAddress)
        } else {
            Ok(())
        }
    }

    /// Counts a session of an origin; returns the origin if it is counted at all.
    pub(super) fn come(&mut self, origin: Option<Origin>) -> Option<Origin> {
        let origin = self.counted(origin)?;
        let mut buckets = self.buckets(self.now, origin);
        buckets.connects -= cost(self.config.connects_per_address);
        self.buckets.insert(origin, buckets);
        self.departed.retain(|departed| *departed != origin);
        for _ in 0..FORGOTTEN_AT_ONCE {
            let Some(first) = self.departed.front().copied() else { break };
            let TokenBuckets { connects, lines, .. } = self.buckets(self.now, first);
            if connects < most(self.config.connects_per_address) || lines < most(self.config.rate_per_address) {
                break;
            }
            self.forget_first();
        }
        Some(origin)
    }

    /// Stops counting a session of an origin, and pays back a turn that it has paid for and not used.
    pub(super) fn go(&mut self, origin: Option<Origin>, turn: Option<Timestamp>) {
        let Some(origin) = origin else { return };
        if turn.is_some() {
            let mut buckets = self.buckets(self.now, origin);
            buckets.lines =
                (buckets.lines + cost(self.config.rate_per_address)).min(most(self.config.rate_per_address));
            self.buckets.insert(origin, buckets);
        }
        self.depart_if_gone(origin);
    }

    /// Checks whether one more room may begin from the origin of a session.
    pub(super) fn may_begin(&self, slot: usize) -> Result<(), RoomError> {
        let (Some(max), Some(origin)) = (self.config.max_rooms_per_address, self.sessions[&slot].origin) else {
            return Ok(());
        };
        let begun = self.rooms.iter().filter(|room| room.begun_from == Some(origin)).count();
        if begun < max { Ok(()) } else { Err(RoomError::TooManyRoomsFromAddress { max }) }
    }

    /// Begins to remember an origin that has no sessions any more, nor rooms that were begun from there.
    pub(super) fn depart_if_gone(&mut self, origin: Origin) {
        let is_there = self.sessions.values().any(|session| session.origin == Some(origin))
            || self.rooms.iter().any(|room| room.begun_from == Some(origin));
        if !is_there && !self.departed.contains(&origin) {
            self.departed.push_back(origin);
            // At most a quarter of the session limit, or 1,024, are remembered.
            if self.departed.len() > self.config.max_sessions.div_ceil(4).max(1_024) {
                self.forget_first();
            }
        }
    }

    /// Returns how long a session must wait for its turn among the sessions of its origin. If it must wait, it pays at
    /// once.
    pub(super) fn wait_for_turn(&mut self, slot: usize) -> Duration {
        let session = &self.sessions[&slot];
        let Some(origin) = session.origin else { return Duration::ZERO };
        if let Some(turn) = session.turn {
            return turn.saturating_duration_since(self.now);
        }
        let (mut buckets, cost) = (self.buckets(self.now, origin), cost(self.config.rate_per_address));
        let wait = nanos(cost - buckets.lines);
        if wait.is_zero() {
            return wait;
        }
        buckets.lines -= cost;
        self.buckets.insert(origin, buckets);
        self.session(slot).turn = Some(self.now + wait);
        wait
    }

    /// Takes a line's cost from the origin's bucket, unless it was paid earlier.
    pub(super) fn pay_together(&mut self, slot: usize) {
        let session = self.session(slot);
        let (origin, turn) = (session.origin, session.turn.take());
        if let (Some(origin), None) = (origin, turn) {
            let mut buckets = self.buckets(self.now, origin);
            buckets.lines -= cost(self.config.rate_per_address);
            self.buckets.insert(origin, buckets);
        }
    }

    /// Returns the origin if there is any limit by address.
    fn counted(&self, origin: Option<Origin>) -> Option<Origin> {
        let Config { max_per_address, connects_per_address, rate_per_address, max_rooms_per_address, .. } = self.config;
        let may_begin = self.config.max_rooms > 1 && self.config.dialects.iter().any(|it| it.dialect.has_rooms());
        let any = max_per_address.is_some()
            || connects_per_address.is_some()
            || rate_per_address.is_some()
            || max_rooms_per_address.is_some() && may_begin;
        origin.filter(|_| any)
    }

    /// Returns an origin's buckets as they are now.
    fn buckets(&self, now: Timestamp, origin: Origin) -> TokenBuckets {
        let (connects, lines) = (most(self.config.connects_per_address), most(self.config.rate_per_address));
        let full = TokenBuckets { connects, lines, counted: now };
        // At the end of time no token would be added any more, so everything is allowed.
        self.buckets.get(&origin).filter(|_| now < Timestamp::MAX).map_or(full, |buckets| {
            let passed = now.saturating_duration_since(buckets.counted).as_nanos().cast_signed();
            TokenBuckets {
                connects: (buckets.connects + passed).min(connects),
                lines: (buckets.lines + passed).min(lines),
                counted: now,
            }
        })
    }

    fn forget_first(&mut self) {
        let first = self.departed.pop_front();
        self.buckets.retain(|origin, _| Some(*origin) != first);
    }
}

/// Returns the time in which one token is added; 0 without a rate.
fn cost(rate: Option<Rate>) -> i128 {
    rate.map_or(0, |rate| 1_000_000_000 / i128::from(rate.per_second.get()))
}

/// Returns the size of a bucket.
fn most(rate: Option<Rate>) -> i128 {
    rate.map_or(0, |rate| i128::from(rate.burst.get())) * cost(rate)
}

fn nanos(nanos: i128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
}
