//! Progress of a run on standard error.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use super::status::Status;
use crate::figures::{Grouped, Scaled, Span};

/// Shows progress once a second.
#[derive(Debug)]
pub struct Progress {
    is_quiet: bool,
    /// On a terminal one line is overwritten, elsewhere lines follow each other.
    is_terminal: bool,
    last: Shown,
}

/// The figures shown last.
#[derive(Debug, Default)]
struct Shown {
    elapsed: Duration,
    sent: u64,
    got: u64,
}

const EVERY: Duration = Duration::from_secs(1);

impl Progress {
    /// Makes a progress display; it shows nothing if `is_quiet`.
    #[must_use]
    pub fn new(is_quiet: bool) -> Self {
        Self { is_quiet, is_terminal: io::stderr().is_terminal(), last: Shown::default() }
    }

    /// Shows the status of the run, at most once a second.
    pub fn show(&mut self, status: &Status<'_>) {
        let passed = status.elapsed.saturating_sub(self.last.elapsed);
        if self.is_quiet || passed < EVERY {
            return;
        }
        let per_second = |count: u64| Scaled(count as f64 / passed.as_secs_f64());
        let line = format!(
            "{:>4} s {}: {} open, {} messages/s, {} deliveries/s, p50 {}, p99 {}, {} lost",
            status.elapsed.as_secs(),
            status.doing,
            Grouped(status.open() as u64),
            per_second(status.sent() - self.last.sent),
            per_second(status.got().messages - self.last.got),
            Span(status.latency(0.5)),
            Span(status.latency(0.99)),
            Grouped(status.tally().lost),
        );
        self.last = Shown { elapsed: status.elapsed, sent: status.sent(), got: status.got().messages };
        // A closed standard error is ignored.
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
