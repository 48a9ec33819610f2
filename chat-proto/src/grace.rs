//! For drivers that may be stopped: a time in which nothing could be heard is held against nobody.

use core::time::Duration;

use crate::hub::Hub;
use crate::time::Timestamp;

/// Calls [`Hub::handle_timeout`] for a driver, and a little later if the driver itself is late.
///
/// Where a process is stopped for a while, or has no processor, deadlines pass that peers had no chance to keep: what
/// they sent lies in their sockets, and what they read nobody saw. So a driver on a real clock gives everyone
/// [`Grace::PERIOD`] to be heard and written to when it finds that it is more than that late. A hub that is called
/// directly makes no such difference, as a virtual clock would have it.
///
/// ```
/// use chat_proto::{Config, Grace, Hub, RecordKind, Timestamp};
///
/// let mut hub = Hub::new(Config::default())?;
/// let classic = hub.dialect("classic").expect("a default dialect");
/// let silent = hub.open(Timestamp::ZERO, classic).expect("there is room");
/// let due = hub.poll_timeout().expect("silence ends a session");
///
/// // The process was stopped for a second, just when the deadline came.
/// let (mut grace, late) = (Grace::default(), due + 10 * Grace::PERIOD);
/// grace.handle_timeout(&mut hub, late);
/// assert_eq!(grace.poll_timeout(&hub), Some(late + Grace::PERIOD));
/// // Meanwhile its line, which lay in the socket, is read.
/// hub.receive(late, silent, b"\n");
/// grace.handle_timeout(&mut hub, late + Grace::PERIOD);
/// assert!(!hub.journal(0).any(|record| matches!(record.kind, RecordKind::Closing(_))), "nobody is being closed");
/// # Ok::<(), chat_proto::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Grace {
    until: Option<Timestamp>,
}

impl Grace {
    /// How late a driver may be before it gives grace, and for how long it does.
    pub const PERIOD: Duration = Duration::from_millis(100);

    /// Does what is due, unless all have grace. In place of [`Hub::handle_timeout`].
    pub fn handle_timeout(&mut self, hub: &mut Hub, now: Timestamp) {
        if self.until.is_none() && hub.poll_timeout().is_some_and(|due| due + Self::PERIOD < now) {
            self.until = Some(now + Self::PERIOD);
        }
        if self.until.is_none_or(|until| until <= now) {
            self.until = None;
            hub.handle_timeout(now);
        }
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is to be called next. In place of [`Hub::poll_timeout`].
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

    /// Returns whether a session that stays silent is being closed, by a driver that is so late, at once and after the
    /// grace.
    fn closed(late: Duration) -> [bool; 2] {
        let mut hub = Hub::new(Config::default()).expect("the defaults are in range");
        let classic = hub.dialect("classic").expect("a default dialect");
        assert!(hub.open(Timestamp::ZERO, classic).is_ok());
        let now = hub.poll_timeout().expect("silence ends a session") + late;
        let mut grace = Grace::default();
        [now, now + Grace::PERIOD].map(|now| {
            grace.handle_timeout(&mut hub, now);
            assert!(grace.poll_timeout(&hub).is_none_or(|next| next > now), "no driver spins");
            hub.journal(0).any(|record| matches!(record.kind, RecordKind::Closing(_)))
        })
    }

    #[test]
    fn who_stays_silent_is_closed_on_time_or_when_the_grace_is_over() {
        assert_eq!([Duration::ZERO, Grace::PERIOD].map(closed), [[true, true]; 2]);
        assert_eq!(closed(Grace::PERIOD + Duration::from_nanos(1)), [false, true]);
        assert_eq!(closed(1_000_000 * Grace::PERIOD), [false, true]);
    }
}
