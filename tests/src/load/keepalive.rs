//! Keepalives of silent sessions.

use super::crowd::Crowd;
use super::dialect::Dialect;
use super::options::Keepalive;

/// Goes round all sessions of a dialect, evenly over time so that they never all send at once.
#[derive(Debug)]
pub(super) struct Rounds {
    keepalive: Keepalive,
    by_dialect: Vec<Round>,
    /// The time up to which keepalives were sent, in nanoseconds.
    until: u64,
}

#[derive(Debug)]
struct Round {
    dialect: Dialect,
    /// How long a round takes, in nanoseconds.
    period: f64,
    sessions: Vec<usize>,
    next: usize,
    /// How many sessions are due, with the fraction left over from before.
    due: f64,
}

impl Rounds {
    /// Makes rounds without any session.
    pub(super) fn new(keepalive: Keepalive) -> Self {
        Self { keepalive, by_dialect: Vec::new(), until: 0 }
    }

    /// Adds a session.
    pub(super) fn add(&mut self, index: usize, dialect: Dialect) {
        let period = match self.keepalive {
            Keepalive::Dialect => dialect.keepalive(),
            Keepalive::Every(period) => Some(period),
            Keepalive::Never => None,
        };
        let Some(period) = period else { return };
        if let Some(round) = self.by_dialect.iter_mut().find(|round| round.dialect == dialect) {
            round.sessions.push(index);
        } else {
            let period = period.as_nanos() as f64;
            self.by_dialect.push(Round { dialect, period, sessions: vec![index], next: 0, due: 0.0 });
        }
    }

    /// Makes the sessions whose turn has come send a line.
    pub(super) fn go(&mut self, crowd: &mut Crowd, now: u64) {
        let passed = now.saturating_sub(self.until) as f64;
        self.until = now;
        for round in &mut self.by_dialect {
            let all = round.sessions.len() as f64;
            // After a long pause, each session is due once.
            round.due = (round.due + all * passed / round.period).min(all);
            while round.due >= 1.0 {
                round.due -= 1.0;
                crowd.keep_alive(round.sessions[round.next]);
                round.next = (round.next + 1) % round.sessions.len();
            }
        }
    }
}
