//! A guard for late timers: peers are not timed out for time in which the server did not run.

use core::time::Duration;

use crate::hub::Hub;
use crate::time::Timestamp;

/// Calls [`Hub::handle_timeout`] for a driver, or postpones it a little if the driver itself is late.
///
/// While a process is stopped, or gets no processor, deadlines pass that peers could not meet: their input lies in
/// sockets that nobody reads. So a driver on a real clock that is more than [`LateGuard::PERIOD`] late waits that long
/// once more, and meanwhile reads from everyone and writes to everyone. With a virtual clock, call the hub directly.
///
/// ```
/// use chat_proto::driver::LateGuard;
/// use chat_proto::{Config, Hub, RecordKind, Timestamp};
///
/// let mut hub = Hub::new(Config::default())?;
/// let classic = hub.dialect("classic").expect("a default dialect");
/// let silent = hub.open(Timestamp::ZERO, classic).expect("there is room");
/// let due = hub.poll_timeout().expect("silence ends a session");
///
/// // The process was stopped for a second, just when the deadline came.
/// let (mut guard, late) = (LateGuard::default(), due + 10 * LateGuard::PERIOD);
/// guard.handle_timeout(&mut hub, late);
/// assert_eq!(guard.poll_timeout(&hub), Some(late + LateGuard::PERIOD));
/// // Meanwhile its line, which lay in the socket, is read.
/// hub.receive(late, silent, b"\n");
/// guard.handle_timeout(&mut hub, late + LateGuard::PERIOD);
/// assert!(!hub.journal(0).any(|record| matches!(record.kind, RecordKind::Closing(_))), "nobody is being closed");
/// # Ok::<(), chat_proto::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct LateGuard {
    until: Option<Timestamp>,
}

impl LateGuard {
    /// How late a driver may be before deadlines are postponed, and for how long they are.
    pub const PERIOD: Duration = Duration::from_millis(100);

    /// Handles what is due, unless deadlines are postponed. Call it in place of [`Hub::handle_timeout`].
    pub fn handle_timeout(&mut self, hub: &mut Hub, now: Timestamp) {
        if self.until.is_none() && hub.poll_timeout().is_some_and(|due| due + Self::PERIOD < now) {
            self.until = Some(now + Self::PERIOD);
        }
        if self.until.is_none_or(|until| until <= now) {
            self.until = None;
            hub.handle_timeout(now);
        }
    }

    /// Returns when to call [`handle_timeout`](Self::handle_timeout) next. Call it in place of [`Hub::poll_timeout`].
    #[must_use]
    pub fn poll_timeout(&self, hub: &Hub) -> Option<Timestamp> {
        self.until.or(hub.poll_timeout())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::journal::RecordKind;

    /// Returns whether a silent session is being closed by a driver that is `late`: at once, and a period later.
    fn closed(late: Duration) -> [bool; 2] {
        let mut hub = Hub::new(Config::default()).expect("the defaults are in range");
        let classic = hub.dialect("classic").expect("a default dialect");
        assert!(hub.open(Timestamp::ZERO, classic).is_ok());
        let now = hub.poll_timeout().expect("silence ends a session") + late;
        let mut guard = LateGuard::default();
        [now, now + LateGuard::PERIOD].map(|now| {
            guard.handle_timeout(&mut hub, now);
            assert!(guard.poll_timeout(&hub).is_none_or(|next| next > now), "no driver spins");
            hub.journal(0).any(|record| matches!(record.kind, RecordKind::Closing(_)))
        })
    }

    #[test]
    fn a_late_driver_closes_a_silent_session_a_period_later() {
        assert_eq!([Duration::ZERO, LateGuard::PERIOD].map(closed), [[true, true]; 2]);
        assert_eq!(closed(LateGuard::PERIOD + Duration::from_nanos(1)), [false, true]);
        assert_eq!(closed(1_000_000 * LateGuard::PERIOD), [false, true]);
    }
}
