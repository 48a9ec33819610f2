//! The results of a run: `table` formats them for people, `object` for programs.

mod object;
mod table;

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::audience::Got;
use super::crowd::Crowd;
use super::measure::{Measure, Snapshot};
use super::options::{Options, Pace};
use super::sequence::Tally;
use crate::figures::{Grouped, Scaled};

/// The results of a run. Displayed, they are a table.
#[derive(Debug)]
pub struct Report {
    options: Options,
    connecting: Connecting,
    /// How long the measurement took, in seconds.
    seconds: f64,
    /// Messages sent during the measurement.
    messages: u64,
    /// Messages received during the measurement, by all readers together.
    deliveries: u64,
    bytes: u64,
    reads: u64,
    latencies: Histogram<u64>,
    /// What the readers received in the whole run, with errors.
    pub got: Got,
    /// How many messages did not arrive once and in order in the whole run.
    pub tally: Tally,
    /// The reasons why connections ended, and how many ended for each.
    pub ended: BTreeMap<String, u64>,
    /// Notices from the server, and how often each came.
    pub told: BTreeMap<String, u64>,
    server: Option<Server>,
    /// How much of a processor this tool used.
    own_share: f64,
    /// How much of the time this tool had to wait for a processor.
    own_wait: f64,
    /// The longest delay between the due time of a message and sending it.
    latest: Duration,
}

/// How connecting went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connecting {
    /// How long it took, in nanoseconds.
    pub(super) took: u64,
    /// How many connections could be opened.
    pub(super) opened: usize,
    /// How many of them received no probe.
    pub(super) unreached: usize,
}

/// The resources that the server used.
#[derive(Clone, Copy, Debug)]
struct Server {
    /// How much of a processor, during the measurement.
    share: f64,
    /// Processor seconds for a million deliveries.
    cpu_per_million: f64,
    /// KiB before the first connection, with all connected, and at most.
    resident: [u64; 3],
    /// KiB for each connection.
    resident_each: f64,
}

impl Report {
    /// Makes the report. The moments are: before connecting, once connected, the beginning and the end of the
    /// measurement.
    pub(super) fn new(
        options: &Options,
        crowd: &Crowd,
        measure: &Measure,
        connecting: Connecting,
        moments: [Snapshot; 4],
        latest: u64,
    ) -> Self {
        let [before, connected, from, to] = moments;
        let seconds = (to.at - from.at) as f64 / 1e9;
        let deliveries = to.got - from.got;
        let share = |from: Duration, to: Duration| (to.saturating_sub(from)).as_secs_f64() / seconds;
        let server = || {
            let (before, connected, from, to) = (before.server?, connected.server?, from.server?, to.server?);
            let share = share(from.cpu, to.cpu);
            Some(Server {
                share,
                cpu_per_million: share * seconds / (deliveries as f64 / 1e6),
                resident: [before.resident, connected.resident, measure.most_resident.max(to.resident)],
                resident_each: (connected.resident as f64 - before.resident as f64) / connecting.opened as f64,
            })
        };
        Self {
            connecting,
            seconds,
            messages: to.sent - from.sent,
            deliveries,
            bytes: to.counts.bytes - from.counts.bytes,
            reads: to.counts.reads - from.counts.reads,
            latencies: crowd.audience.latency.histogram().clone(),
            got: crowd.audience.got,
            tally: crowd.audience.sequences.tally(),
            ended: crowd.ended.clone(),
            told: crowd.audience.told.clone(),
            server: server(),
            own_share: share(from.own_cpu, to.own_cpu),
            own_wait: share(from.own_wait, to.own_wait),
            latest: Duration::from_nanos(latest),
            options: options.clone(),
        }
    }

    /// Returns whether everything arrived once and in order, and every session stayed until the end.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let is_complete =
            self.tally == Tally::default() && self.got.damaged == 0 && self.got.unseen + self.got.held_back == 0;
        let is_reached =
            self.connecting.unreached == 0 && (self.messages == 0 || self.deliveries > 0 || self.is_alone());
        is_complete && is_reached && self.ended.is_empty()
    }

    /// Returns how many messages all readers together received during the measurement.
    #[must_use]
    pub fn deliveries(&self) -> u64 {
        self.deliveries
    }

    /// Returns whether senders were held back while neither the server nor this tool was busy, as a rate limit does.
    #[must_use]
    pub fn is_held_back(&self) -> bool {
        let is_anybody_busy =
            self.own_share + self.own_wait > BUSY || self.server.is_some_and(|server| server.share > BUSY);
        let usual = Duration::from_nanos(self.got.probe.unwrap_or(0));
        let is_slow = self.latency(0.5) > (10 * usual).max(Duration::from_millis(10));
        self.deliveries > 0 && is_slow && !is_anybody_busy && self.per_sender() < LIMITED
    }

    /// Returns whether there is no session that could receive a message.
    fn is_alone(&self) -> bool {
        self.options.readers + self.options.senders < 2
    }

    /// Returns how many messages a second arrived from each sender.
    fn per_sender(&self) -> f64 {
        let listening = (self.options.readers + self.options.senders).saturating_sub(1).max(1) as f64;
        self.deliveries as f64 / self.seconds / listening / self.options.senders.max(1) as f64
    }

    /// Returns how many messages a second all readers together received.
    pub(super) fn deliveries_per_second(&self) -> f64 {
        self.deliveries as f64 / self.seconds
    }

    /// Returns how many bytes a second all sessions together received.
    pub(super) fn bytes_per_second(&self) -> f64 {
        self.bytes as f64 / self.seconds
    }

    /// Returns the processor seconds that the server took for a million deliveries, if its process is known.
    pub(super) fn processor_per_million(&self) -> Option<f64> {
        self.server.map(|server| server.cpu_per_million)
    }

    /// Returns the latency that a share of `quantile` of the messages did not exceed.
    pub(super) fn latency(&self, quantile: f64) -> Duration {
        Duration::from_nanos(self.latencies.value_at_quantile(quantile))
    }

    /// Returns notes for the correct reading of the figures.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.is_held_back() || self.got.held_back > 0 {
            let waiting = match self.got.held_back {
                0 => String::new(),
                count => format!(", and {} are not lost but were still waiting in the end", Grouped(count)),
            };
            notes.push(format!(
                "held back by the rate: {} messages a second came from each sender, though more were waiting and \
                 nobody was busy{waiting}. A server that limits the rate does that; one of this project is started with \
                 --rate off.",
                Scaled(self.per_sender())
            ));
        }
        if self.own_share > AT_LIMIT {
            notes.push("this tool was at its limit: the server may be capable of more.".to_owned());
        }
        if self.own_wait > CROWDED {
            notes.push(format!(
                "this machine is busy with other things: this tool had to wait {:.0} % of the time for a processor.",
                self.own_wait * 100.0
            ));
        }
        if self.messages > 0 && self.deliveries == 0 && !self.is_alone() {
            notes.push("nothing arrived; is it the dialect of that port?".to_owned());
        }
        if self.connecting.unreached > 0 {
            let unreached = Grouped(self.connecting.unreached as u64);
            notes.push(format!("{unreached} sessions got nothing in the first {REACHING}."));
        }
        notes
    }

    fn latency_from(&self) -> &'static str {
        match self.options.pace {
            Pace::Window(_) => "when it was sent",
            Pace::Rate(_) => "when it was due",
        }
    }
}

/// The share of a processor from which on a process counts as busy.
const BUSY: f64 = 0.5;

/// Messages a second from one sender above which no server would limit it.
const LIMITED: f64 = 1_000.0;

/// The share of time spent waiting for a processor that makes this tool's figures doubtful.
const CROWDED: f64 = 0.1;

/// The share of a processor that this tool uses when it is at its limit.
const AT_LIMIT: f64 = 0.95;

/// How long the server has to send something to every session, as text for notes.
const REACHING: &str = "15 s";

const QUANTILES: [(&str, f64); 7] =
    [("min", 0.0), ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999), ("p9999", 0.9999), ("max", 1.0)];
