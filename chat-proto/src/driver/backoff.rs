//! How long to wait after a failed accept.

use core::time::Duration;

use crate::time::Timestamp;

/// The pause after the first failure; doubled with each that follows, up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// How often a failing accept is worth a line in the log.
const WARN_EVERY: Duration = Duration::from_secs(1);

/// What to do after a failed accept, from [`ConnectedHub::accept_failed`](super::ConnectedHub::accept_failed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptPause {
    /// How long to wait before the next accept: 50 ms to 1 s.
    pub duration: Duration,
    /// Whether to log the failure: the last one logged is a second ago or longer.
    pub is_logged: bool,
}

/// The back-off of all listeners of a server: descriptors and memory run out for all of them at once.
#[derive(Debug)]
pub(super) struct Backoff {
    pause: Duration,
    logged: Option<Timestamp>,
}

impl Backoff {
    pub(super) const fn new() -> Self {
        Self { pause: MIN_PAUSE, logged: None }
    }

    /// Starts again with the shortest pause.
    pub(super) const fn reset(&mut self) {
        self.pause = MIN_PAUSE;
    }

    /// Takes the pause after a failure; the next one is longer.
    pub(super) fn take_pause(&mut self, now: Timestamp) -> AcceptPause {
        let duration = self.pause;
        self.pause = MAX_PAUSE.min(2 * duration);
        let is_logged = self.logged.is_none_or(|at| at + WARN_EVERY <= now);
        if is_logged {
            self.logged = Some(now);
        }
        AcceptPause { duration, is_logged }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_second_and_start_again_after_a_success() {
        let mut backoff = Backoff::new();
        let mut pauses = |n| -> [u128; 7] { [0; 7].map(|_| backoff.take_pause(n).duration.as_millis()) };
        assert_eq!(pauses(Timestamp::ZERO), [50, 100, 200, 400, 800, 1_000, 1_000]);
        backoff.reset();
        assert_eq!(backoff.take_pause(Timestamp::ZERO).duration, MIN_PAUSE);
    }

    #[test]
    fn failures_are_logged_once_a_second() {
        let mut backoff = Backoff::new();
        let logged = [0, 1, 999, 1_000, 1_999, 5_000].map(|millis| {
            let now = Timestamp::ZERO + Duration::from_millis(millis);
            backoff.take_pause(now).is_logged
        });
        assert_eq!(logged, [true, false, false, true, false, true]);
    }
}
