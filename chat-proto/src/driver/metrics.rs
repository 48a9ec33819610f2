//! The metrics of a server, as Prometheus collects them.

use alloc::boxed::Box;

use arrayvec::ArrayVec;

use super::connected_hub::ConnectedHub;
use super::exposition::Exposition;
use super::histogram::Histogram;
use super::measure::Measure;
use crate::config::{Config, MAX_DIALECTS};
use crate::hub::{DialectGauges, HubGauges, HubStats};
use crate::id::DialectId;
use crate::time::Timestamp;

/// The numbers of a server at one moment, from [`ConnectedHub::metrics`].
///
/// Taking them copies some 2 KiB however much there is, so a driver does that under its lock, and
/// [writes](Self::write) them without it. Each metric is explained in the project's `docs/metrics.md`.
///
/// ```
/// use chat_proto::driver::{ConnectedHub, Exposition};
/// use chat_proto::{Config, Hub, Timestamp};
///
/// let config = Config::default();
/// let mut hub = ConnectedHub::<()>::new(Hub::new(config.clone())?);
/// hub.measure();
/// hub.hub_mut().announce(Timestamp::ZERO, "hello");
/// let mut text = Exposition::default();
/// hub.metrics().write(&config, &mut text);
/// assert!(text.as_str().contains("\nchat_messages_total 1\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Metrics {
    stats: HubStats,
    gauges: HubGauges,
    accept_errors: u64,
    /// Connections that the embedding program refused.
    refused_by_program: u64,
    /// How long calls took, and messages to their readers; `None` if that is not measured.
    measured: Option<[Histogram; 2]>,
}

impl<T> ConnectedHub<T> {
    /// Measures from now on how long calls hold the hub, and how long messages take to reach their readers. This costs
    /// another reading of the clock for each [call](Self::note_call), and some 5 KiB.
    pub fn measure(&mut self) {
        self.measure.get_or_insert_with(|| Box::new(Measure::new(&self.hub)));
    }

    /// Ends a call that began at `now`: the last thing before the lock is released. Reads the clock only if the hub
    /// [measures](Self::measure).
    #[inline]
    pub fn note_call(&mut self, now: Timestamp, clock: impl FnOnce() -> Timestamp) {
        if let Some(measure) = &mut self.measure {
            measure.note_call(&self.hub, now, clock().saturating_duration_since(now));
        }
    }

    /// Returns the numbers of now.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        Metrics {
            stats: self.hub.stats(),
            gauges: self.hub.gauges(),
            accept_errors: self.accept_errors,
            refused_by_program: self.refused_by_program,
            measured: self.measure.as_ref().map(|measure| measure.times()),
        }
    }
}

impl Metrics {
    /// Writes them as text. The configuration is the hub's.
    pub fn write(&self, config: &Config, text: &mut Exposition) {
        self.write_people(config, text);
        self.write_traffic(text);
        self.write_readers(config, text);
        let Some([calls, delays]) = &self.measured else { return };
        text.histogram("chat_hub_lock_hold_seconds", "How long calls held the lock that all sessions share.", calls);
        text.histogram(
            "chat_delivery_delay_seconds",
            "Time until a reader's socket has taken a message, of at most one message in 50 ms and up to 12 s.",
            delays,
        );
    }

    /// Writes who is here, comes and goes.
    fn write_people(&self, config: &Config, text: &mut Exposition) {
        let Self { stats, gauges, .. } = self;
        let mut sessions = text.gauge("chat_sessions", "Sessions, by dialect and framing.");
        for (name, of) in self.dialects(config) {
            sessions.sample(&[("dialect", name), ("framing", "lines")], of.in_lines);
            sessions.sample(&[("dialect", name), ("framing", "websocket")], of.in_messages);
        }
        text.gauge("chat_sessions_limit", "The most sessions at once.").sample(&[], config.max_sessions);
        text.gauge(
            "chat_sessions_reserved",
            "Connections that have a session's place and are none yet, such as browsers.",
        )
        .sample(&[], gauges.reserved);
        text.gauge("chat_members", "Members of the conversation, with or without a connection.")
            .sample(&[], gauges.members);
        text.gauge("chat_rooms", "Rooms, the lobby counted.").sample(&[], gauges.rooms);
        text.counter("chat_sessions_opened_total", "Sessions that began.").sample(&[], stats.opened);
        let mut closed = text.counter("chat_sessions_closed_total", "Sessions that ended, by reason.");
        for (reason, count) in stats.closed_by.iter() {
            closed.sample(&[("reason", reason)], count);
        }
        text.counter(
            "chat_sessions_cut_short_total",
            "Sessions closed before all was handled that their peers had sent.",
        )
        .sample(&[], stats.cut_short);
        let mut refused =
            text.counter("chat_connections_refused_total", "Connections that did not become sessions, by reason.");
        for (reason, count) in stats.not_opened_by.iter() {
            refused.sample(&[("reason", reason)], count);
        }
        refused.sample(&[("reason", "program")], self.refused_by_program);
        text.counter(
            "chat_accept_errors_total",
            "Connections that the system could not hand over, for example for want of descriptors.",
        )
        .sample(&[], self.accept_errors);
    }

    /// Writes what goes in and out.
    fn write_traffic(&self, text: &mut Exposition) {
        let stats = &self.stats;
        for (name, help, count) in [
            ("chat_received_lines_total", "Complete lines from peers, refused ones among them.", stats.lines_received),
            ("chat_received_bytes_total", "Bytes taken from peers.", stats.bytes_received),
            ("chat_sent_lines_total", "Messages that sockets have taken, and replies.", stats.lines_sent),
            ("chat_sent_bytes_total", "Bytes that sockets have taken.", stats.bytes_sent),
            ("chat_messages_total", "Messages and notices to everyone in a room.", stats.messages),
            ("chat_lines_refused_total", "Lines answered with a complaint.", stats.refused),
        ] {
            text.counter(name, help).sample(&[], count);
        }
    }

    /// Writes who waits for whom, and how much the logs hold.
    fn write_readers(&self, config: &Config, text: &mut Exposition) {
        let stats = &self.stats;
        for (name, help, count) in [
            ("chat_lines_held_total", "Lines that had to wait for readers.", stats.held),
            ("chat_sessions_throttled_total", "Times that a session began to be read more slowly.", stats.throttled),
            ("chat_readers_slow_total", "Times that a reader became too slow to be waited for.", stats.slow),
            ("chat_readers_stalled_total", "Sessions closed because their peers took nothing.", stats.stalled),
            (
                "chat_messages_missed_total",
                "Messages that readers were too slow for, once for each reader.",
                stats.missed,
            ),
        ] {
            text.counter(name, help).sample(&[], count);
        }
        text.gauge("chat_senders_held", "Sessions whose line waits: for readers, or for the check of a password.")
            .sample(&[], self.gauges.held);
        let mut used = text.gauge("chat_lobby_log_bytes", "Bytes in the lobby's log, by dialect.");
        for (name, of) in self.dialects(config) {
            used.sample(&[("dialect", name)], of.log_bytes);
        }
        text.gauge("chat_lobby_log_limit_bytes", "The most bytes in the lobby's log.").sample(&[], config.log_bytes);
        let mut used = text.gauge("chat_lobby_log_entries", "Messages in the lobby's log, by dialect.");
        for (name, of) in self.dialects(config) {
            used.sample(&[("dialect", name)], of.log_entries);
        }
        text.gauge("chat_lobby_log_limit_entries", "The most messages in the lobby's log.")
            .sample(&[], config.log_entries);
    }

    fn dialects<'a>(&self, config: &'a Config) -> ArrayVec<(&'a str, DialectGauges), MAX_DIALECTS> {
        let of = |(index, _): (usize, _)| self.gauges.of_dialect(DialectId(index as u8));
        config.dialects.iter().map(|it| it.dialect.name()).zip(config.dialects.iter().enumerate().map(of)).collect()
    }
}
