//! A line on standard error that tells how a run is getting on.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use super::standing::Standing;
use crate::figures::{Grouped, Scaled, Span};

/// Shows progress once a second.
#[derive(Debug)]
pub struct Progress {
    is_quiet: bool,
    /// On a terminal one line is written over and over, elsewhere one after the other.
    is_terminal: bool,
    last: Shown,
}

/// What was shown last.
#[derive(Debug, Default)]
struct Shown {
    elapsed: Duration,
    sent: u64,
    got: u64,
}

const EVERY: Duration = Duration::from_secs(1);

impl Progress {
    /// Begins; nothing is shown if `is_quiet`.
    #[must_use]
    pub fn new(is_quiet: bool) -> Self {
        Self { is_quiet, is_terminal: io::stderr().is_terminal(), last: Shown::default() }
    }

    /// Shows where the run stands, if it is time for that.
    pub fn show(&mut self, standing: &Standing<'_>) {
        let passed = standing.elapsed.saturating_sub(self.last.elapsed);
        if self.is_quiet || passed < EVERY {
            return;
        }
        let per_second = |count: u64| Scaled(count as f64 / passed.as_secs_f64());
        let line = format!(
            "{:>4} s {}: {} open, {} messages/s, {} deliveries/s, p50 {}, p99 {}, {} lost",
            standing.elapsed.as_secs(),
            standing.doing,
            Grouped(standing.open() as u64),
            per_second(standing.sent() - self.last.sent),
            per_second(standing.got().messages - self.last.got),
            Span(standing.latency(0.5)),
            Span(standing.latency(0.99)),
            Grouped(standing.tally().lost),
        );
        self.last = Shown { elapsed: standing.elapsed, sent: standing.sent(), got: standing.got().messages };
        // That nobody sees it does not matter.
        let _ = if self.is_terminal {
            write!(io::stderr(), "\r\x1b[K{line}").and_then(|()| io::stderr().flush())
        } else {
            writeln!(io::stderr(), "{line}")
        };
    }

    /// Shows nothing more.
    pub fn end(&mut self) {
        if self.is_terminal && !self.is_quiet {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
