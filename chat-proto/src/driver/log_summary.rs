//! A summary in the program's log of what happens too often for a line each.

use core::time::Duration;

use crate::hub::{Hub, HubStats};
use crate::time::Timestamp;

impl HubStats {
    /// Returns how much each counter has grown since `earlier`. [`sessions`](Self::sessions) is not a counter and stays
    /// as it is.
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        // Destructured, so that the compiler reports a new counter here.
        let Self {
            sessions,
            opened,
            not_opened,
            kept_out,
            not_opened_by,
            closed,
            closed_by,
            messages,
            lines_received,
            bytes_received,
            lines_sent,
            bytes_sent,
            refused,
            missed,
            throttled,
            held,
            slow,
            cut_short,
            stalled,
            wrong_protocol,
        } = *earlier;
        let _ = sessions;
        Self {
            sessions: self.sessions,
            opened: self.opened.saturating_sub(opened),
            not_opened: self.not_opened.saturating_sub(not_opened),
            kept_out: self.kept_out.saturating_sub(kept_out),
            not_opened_by: self.not_opened_by.since(&not_opened_by),
            closed: self.closed.saturating_sub(closed),
            closed_by: self.closed_by.since(&closed_by),
            messages: self.messages.saturating_sub(messages),
            lines_received: self.lines_received.saturating_sub(lines_received),
            bytes_received: self.bytes_received.saturating_sub(bytes_received),
            lines_sent: self.lines_sent.saturating_sub(lines_sent),
            bytes_sent: self.bytes_sent.saturating_sub(bytes_sent),
            refused: self.refused.saturating_sub(refused),
            missed: self.missed.saturating_sub(missed),
            throttled: self.throttled.saturating_sub(throttled),
            held: self.held.saturating_sub(held),
            slow: self.slow.saturating_sub(slow),
            cut_short: self.cut_short.saturating_sub(cut_short),
            stalled: self.stalled.saturating_sub(stalled),
            wrong_protocol: self.wrong_protocol.saturating_sub(wrong_protocol),
        }
    }

    /// Returns the counters that the summary logs, with their names. Add a new one here.
    const fn troubles(&self) -> [(&'static str, u64); 9] {
        [
            ("connections refused", self.not_opened.saturating_sub(self.kept_out)),
            ("connections refused by address", self.kept_out),
            ("sessions throttled", self.throttled),
            ("lines held for pace", self.held),
            ("slow readers", self.slow),
            ("messages missed", self.missed),
            ("sessions stalled", self.stalled),
            ("sessions cut short", self.cut_short),
            ("wrong protocol", self.wrong_protocol),
        ]
    }

    /// Returns a number that changes as soon as there is something to log.
    fn count_troubles(&self) -> u64 {
        self.troubles().iter().fold(0, |sum, (_, count)| sum.wrapping_add(*count))
    }
}

/// Logs a summary once a second, with one line for each kind, of what happens too often for a line each: connections
/// refused, sessions throttled, messages missed and the like.
///
/// For drivers with a clock. Call [`note`](Self::note) after calls to the hub, [`handle_timeout`](Self::handle_timeout)
/// when [`poll_timeout`](Self::poll_timeout) has come, and [`end`](Self::end) at the end. While none of these things
/// happen there is no deadline, so an idle driver need not wake up.
///
/// The lines are `tracing` records at the level `info`. They contain numbers, and nothing that a peer has sent.
///
/// ```
/// use chat_proto::driver::LogSummary;
/// use chat_proto::{Config, Hub, Timestamp};
///
/// let mut hub = Hub::new(Config { max_sessions: 1, ..Config::default() })?;
/// let text = hub.dialect("text").expect("a default dialect");
/// let (mut summary, now) = (LogSummary::default(), Timestamp::ZERO);
/// hub.open(now, text)?;
/// summary.note(&hub, now);
/// assert_eq!(summary.poll_timeout(), None, "all is well");
///
/// for _ in 0..1_000 {
///     hub.open(now, text).expect_err("there is room for one");
///     summary.note(&hub, now);
/// }
/// // Logs "connections refused count=1000" if somebody listens.
/// summary.handle_timeout(&hub, now + LogSummary::EVERY);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct LogSummary {
    /// The counters as of the last summary.
    told: HubStats,
    due: Option<Timestamp>,
}

impl LogSummary {
    /// The time between two summaries.
    pub const EVERY: Duration = Duration::from_secs(1);

    /// Schedules a summary for a second later if there is something to log.
    pub fn note(&mut self, hub: &Hub, now: Timestamp) {
        if self.due.is_none() && hub.counters().count_troubles() != self.told.count_troubles() && is_heard() {
            self.due = Some(now + Self::EVERY);
        }
    }

    /// Returns when to call [`handle_timeout`](Self::handle_timeout); `None` while there is nothing to log.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Timestamp> {
        self.due
    }

    /// Logs the summary if it is due. A call that comes too early does nothing.
    pub fn handle_timeout(&mut self, hub: &Hub, now: Timestamp) {
        if self.due.is_some_and(|due| due <= now) {
            self.end(hub);
        }
    }

    /// Logs the summary now, due or not.
    pub fn end(&mut self, hub: &Hub) {
        let stats = hub.stats();
        for (kind, count) in stats.since(&self.told).troubles() {
            if count > 0 {
                tracing::info!(count, "{kind}");
            }
        }
        *self = Self { told: stats, due: None };
    }
}

fn is_heard() -> bool {
    tracing::enabled!(tracing::Level::INFO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn since_returns_how_much_the_counters_have_grown() {
        let mut hub = Hub::new(Config { max_sessions: 1, ..Config::default() }).expect("limits in range");
        let text = hub.dialect("text").expect("a default dialect");
        let id = hub.open(Timestamp::ZERO, text).expect("room");
        hub.receive(Timestamp::ZERO, id, b"one\ntwo\n");
        let earlier = hub.stats();
        assert_eq!(earlier.since(&HubStats::default()), earlier);
        hub.receive(Timestamp::ZERO, id, b"GET / HTTP/1.1\n/nonsense\n");
        hub.open(Timestamp::ZERO, text).expect_err("no room");
        let grown = hub.stats().since(&earlier);
        let expected = HubStats { sessions: 1, not_opened: 1, lines_received: 2, bytes_received: 25, ..grown };
        assert_eq!((grown, grown.refused, grown.opened), (expected, 1, 0));
        assert_ne!(hub.stats().count_troubles(), earlier.count_troubles());
    }

    #[test]
    fn without_a_subscriber_there_is_no_deadline() {
        // No subscriber wants log records here, so there is no reason to wake up for them.
        let mut hub = Hub::new(Config { max_sessions: 1, ..Config::default() }).expect("limits in range");
        let text = hub.dialect("text").expect("a default dialect");
        let _ = hub.open(Timestamp::ZERO, text).and_then(|_| hub.open(Timestamp::ZERO, text));
        let mut summary = LogSummary::default();
        summary.note(&hub, Timestamp::ZERO);
        assert_eq!(summary.poll_timeout(), None);
        assert_ne!(hub.stats().count_troubles(), summary.told.count_troubles());
        summary.end(&hub);
        assert_eq!(hub.stats(), summary.told);
    }
}
