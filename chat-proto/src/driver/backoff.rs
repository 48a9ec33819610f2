//! Back-off after a failed accept.

use core::time::Duration;

use crate::time::Timestamp;

/// The pause after the first failure. It doubles with each failure that follows, up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// After a pause and this time without a failure, the next failure counts as the first again.
const FORGOTTEN_AFTER: Duration = MAX_PAUSE;

/// How often a failing accept is logged.
const WARN_EVERY: Duration = Duration::from_secs(1);

/// What to do after a failed accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AcceptPause {
    pub(super) duration: Duration,
    /// Whether to log the failure: none was logged within the last second.
    pub(super) is_logged: bool,
}

/// The back-off of all listeners of a server: descriptors and memory run out for all of them together.
#[derive(Debug)]
pub(super) struct Backoff {
    /// The last pause, and when it ends.
    last: Option<(Duration, Timestamp)>,
    logged: Option<Timestamp>,
}

impl Backoff {
    pub(super) const fn new() -> Self {
        Self { last: None, logged: None }
    }

    /// Begins the pause after a failure, and returns it.
    pub(super) fn begin_pause(&mut self, now: Timestamp) -> AcceptPause {
        let last = self.last.filter(|(_, over)| now <= *over + FORGOTTEN_AFTER);
        let duration = last.map_or(MIN_PAUSE, |(pause, _)| MAX_PAUSE.min(2 * pause));
        self.last = Some((duration, now + duration));
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
    fn pauses_double_up_to_a_second_and_start_over_after_a_second_without_failures() {
        let (mut backoff, mut now) = (Backoff::new(), Timestamp::ZERO);
        let pauses = [(); 7].map(|()| {
            let pause = backoff.begin_pause(now).duration;
            now = now + pause;
            pause.as_millis()
        });
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1_000, 1_000]);
        now = now + FORGOTTEN_AFTER;
        assert_eq!(backoff.begin_pause(now).duration, MAX_PAUSE);
        now = now + MAX_PAUSE + FORGOTTEN_AFTER + Duration::from_nanos(1);
        assert_eq!(backoff.begin_pause(now).duration, MIN_PAUSE);
    }

    #[test]
    fn failures_are_logged_once_a_second() {
        let mut backoff = Backoff::new();
        let logged = [0, 1, 999, 1_000, 1_999, 5_000].map(|millis| {
            let now = Timestamp::ZERO + Duration::from_millis(millis);
            backoff.begin_pause(now).is_logged
        });
        assert_eq!(logged, [true, false, false, true, false, true]);
    }
}
