//! Measures the core alone, on one thread, driven as the adapters drive it: copied under a lock, written after
//! unlocking.

use std::hint::black_box;
use std::time::{Duration, Instant};

use chat_proto::{Batch, Command, Config, Hub, SessionId, Timestamp};
use procfs::{CpuInfo, Current as _};

use super::table::{Figures, Row, Sweep, Table};

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// For each figure.
    pub each: Duration,
}

/// Measures every row of every sweep, and reports each row to `progress`.
///
/// The swept number goes from small to large; the others stay at 1,000 sessions, 64 bytes and one sender. A figure is
/// the minimum of many measurements: other load on the machine makes things slower, never faster.
///
/// # Panics
///
/// If a defect of the core keeps a message from its readers.
pub fn measure(effort: Effort, mut progress: impl FnMut(&Row)) -> Table {
    let mut rows = Vec::new();
    for (sweep, at) in places() {
        let (sessions, bytes, senders) = match sweep {
            Sweep::Sessions => (at, BYTES, 1),
            Sweep::Bytes => (SESSIONS, at, 1),
            Sweep::Senders => (SESSIONS, BYTES, at),
        };
        let figures = Room::new(sessions, bytes, senders).figures(effort);
        let row = Row { sweep, at, figures };
        progress(&row);
        rows.push(row);
    }
    Table { notes: vec![processor()], rows }
}

const SESSIONS: u32 = 1_000;
const BYTES: u32 = 64;

/// Every position of every sweep.
fn places() -> impl Iterator<Item = (Sweep, u32)> {
    let sessions = [10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000];
    let bytes = [16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096];
    let senders = [1, 3, 10, 30, 100, 300, SESSIONS];
    let sessions = sessions.into_iter().map(|at| (Sweep::Sessions, at));
    let bytes = bytes.into_iter().map(|at| (Sweep::Bytes, at));
    sessions.chain(bytes).chain(senders.into_iter().map(|at| (Sweep::Senders, at)))
}

/// A hub in which some sessions speak, in turn, and all read.
struct Room {
    hub: Hub,
    speakers: Vec<SessionId>,
    /// The index of the next speaker.
    turn: usize,
    line: Vec<u8>,
    sessions: u32,
    driver: Driver,
}

impl Room {
    fn new(sessions: u32, bytes: u32, senders: u32) -> Self {
        let config = Config { max_sessions: sessions as usize, rate: None, pace: None, ..Config::default() };
        let mut hub = Hub::new(config).expect("the limits are in range");
        let text = hub.dialect("text").expect("it is one of the default dialects");
        let mut open = || hub.open(Timestamp::ZERO, text).expect("there is room");
        let ids: Vec<_> = (0..sessions).map(|_| open()).collect();
        let line = [&b"x".repeat(bytes as usize), &b"\n"[..]].concat();
        // Speakers are spread among the others.
        let speakers = ids.into_iter().step_by((sessions / senders) as usize).take(senders as usize).collect();
        let mut room = Self { hub, speakers, turn: 0, line, sessions, driver: Driver::default() };
        // After this, every speaker is known, and every buffer has its final size.
        room.say(senders.max(LINES));
        room.driver.drain(&mut room.hub);
        room
    }

    /// Sends that many lines, each alone.
    fn say(&mut self, lines: u32) {
        for _ in 0..lines {
            let taken = self.hub.receive(Timestamp::ZERO, self.speakers[self.turn], black_box(&self.line));
            debug_assert_eq!(taken, self.line.len(), "there is no limit to how fast they speak");
            self.turn = (self.turn + 1) % self.speakers.len();
        }
    }

    fn figures(&mut self, effort: Effort) -> Figures {
        let say = least(effort, || {
            let time = timed(|| self.say(SAID));
            self.driver.drain(&mut self.hub);
            per(time, SAID)
        });
        let mut deliver = |lines: u32| {
            least(effort, || {
                self.say(lines);
                let time = timed(|| self.driver.drain(&mut self.hub));
                // A sender does not read its own message.
                per(time, lines * (self.sessions - 1))
            })
        };
        let figures = Figures { say, alone: deliver(1), among_100: deliver(LINES) };
        assert_eq!(self.hub.stats().missed, 0, "the log holds all that is said at once");
        figures
    }
}

/// How many lines are sent at once to measure one; of 4 KiB each, they fill half of the log.
const SAID: u32 = 500;

/// How many lines a reader gets at once, unless it is one.
const LINES: u32 = 100;

/// Carries out the hub's commands in rounds: fills batches for some sessions, "writes" them, then reports them.
#[derive(Default)]
struct Driver {
    batches: [Batch; 8],
    /// How many of the batches are in use.
    filled: usize,
    /// Sessions, and the indices of their batches.
    round: Vec<(SessionId, usize)>,
}

/// How many sessions there are in a round.
const ROUND: usize = 128;

/// How many bytes of the log are offered to a socket at once.
const MAX_BYTES: usize = 64 << 10;

impl Driver {
    /// Delivers everything pending.
    fn drain(&mut self, hub: &mut Hub) {
        loop {
            match hub.poll_command() {
                Some(Command::Send(id)) => self.send(hub, id),
                Some(_) => {}
                // The reports may make more pending for the same sessions.
                None if self.round.is_empty() => return,
                None => self.report(hub),
            }
        }
    }

    fn send(&mut self, hub: &mut Hub, id: SessionId) {
        let fitting = self.batches[..self.filled].iter().rposition(|batch| hub.fits(id, batch));
        let batch = fitting.unwrap_or_else(|| {
            if self.filled == self.batches.len() {
                self.report(hub);
            }
            hub.fill(id, &mut self.batches[self.filled], MAX_BYTES);
            self.filled += 1;
            self.filled - 1
        });
        self.round.push((id, batch));
        if self.round.len() == ROUND {
            self.report(hub);
        }
    }

    /// Reports that every socket has taken everything.
    fn report(&mut self, hub: &mut Hub) {
        for (id, batch) in self.round.drain(..) {
            let batch = &self.batches[batch];
            let bytes = black_box(batch.as_bytes()).len();
            hub.sent(Timestamp::ZERO, id, batch, bytes);
        }
        self.filled = 0;
    }
}

/// Measures repeatedly, a few times at least, and returns the minimum.
fn least(effort: Effort, mut measure: impl FnMut() -> f64) -> f64 {
    const TIMES: usize = 5;
    let start = Instant::now();
    let mut least = f64::INFINITY;
    for time in 0.. {
        least = least.min(measure());
        if time >= TIMES && start.elapsed() > effort.each {
            break;
        }
    }
    least
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Returns the nanoseconds for one of `count`.
fn per(time: Duration, count: u32) -> f64 {
    time.as_secs_f64() * 1e9 / f64::from(count)
}

/// Returns the processor's name.
fn processor() -> String {
    let name = CpuInfo::current().ok().and_then(|cpus| cpus.model_name(0).map(String::from));
    name.unwrap_or_else(|| "some processor".to_owned())
}
