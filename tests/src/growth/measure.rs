//! Measures the core alone, on one thread, driven as the adapters drive it: copied under a lock, written after
//! unlocking.

use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

use chat_proto::{Batch, Command, Config, Hub, SessionId, Timestamp};
use procfs::{CpuInfo, Current as _};

use super::table::{Figures, Row, Sweep, Table};
use super::touch::Touched;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// For each figure.
    pub each: Duration,
}

/// Measures every row of every sweep, and reports each row to `progress`.
///
/// The swept number goes from small to large; the others stay at 1,000 sessions, 64 bytes and one sender. Rooms have
/// ten members each, one of whom speaks. A figure is the minimum of many measurements: other load on the machine makes
/// things slower, never faster.
///
/// # Panics
///
/// If a defect of the core keeps a message from its readers.
pub fn measure(effort: Effort, mut progress: impl FnMut(&Row)) -> Table {
    // First, as `growth rooms` does: memory that was used before and given back is slower.
    let notes = vec![processor(), compare_rooms(effort).to_string()];
    let mut rows = Vec::new();
    for (sweep, at) in points() {
        let mut hall = match sweep {
            Sweep::Sessions => Hall::new(at, BYTES, 1),
            Sweep::Bytes => Hall::new(SESSIONS, at, 1),
            Sweep::Senders => Hall::new(SESSIONS, BYTES, at),
            Sweep::Rooms => Hall::with_rooms(at),
        };
        let row = Row { sweep, at, figures: hall.figures(effort) };
        progress(&row);
        rows.push(row);
    }
    Table { notes, rows }
}

/// What a delivery costs in total in many rooms with one message outstanding in each, and the same in one such room.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// Nanoseconds for a delivery with its share of publishing the message, in one room.
    pub in_one: f64,
    /// The same in each of 1,000.
    pub in_many: f64,
    /// Nanoseconds for merely touching the memory that a delivery needs, in one room and in 1,000.
    pub touching: [f64; 2],
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { in_one, in_many, touching: [touch_one, touch_many] } = self;
        let ratio = in_many / in_one;
        write!(
            f,
            "a delivery in one room of 10: {in_one:.0} ns, in 1,000 such rooms: {in_many:.0} ns, ratio {ratio:.2}; \
             touching its memory: {touch_one:.0} ns and {touch_many:.0} ns"
        )
    }
}

/// Measures both in turns, so that a slow moment of the machine affects both.
///
/// # Panics
///
/// As [`measure`].
#[must_use]
pub fn compare_rooms(effort: Effort) -> Comparison {
    let mut halls = [1, ROOMS].map(|rooms| (Hall::with_rooms(rooms), rooms));
    let mut touched = [1, ROOMS].map(|rooms| Touched::new(rooms, MEMBERS));
    let (mut least, mut touching) = ([f64::INFINITY; 2], [f64::INFINITY; 2]);
    repeat(Effort { each: 2 * effort.each }, || {
        for (touched, (least, rooms)) in touched.iter_mut().zip(touching.iter_mut().zip([1, ROOMS])) {
            let time = timed(|| (0..ROOMS / rooms).for_each(|_| touched.touch()));
            *least = least.min(per(time, ROOMS * MEMBERS));
        }
        for ((hall, rooms), least) in halls.iter_mut().zip(&mut least) {
            let (rooms, rounds) = (*rooms, ROOMS / *rooms);
            let time = timed(|| {
                for _ in 0..rounds {
                    hall.say(rooms);
                    hall.driver.drain(&mut hall.hub);
                }
            });
            *least = least.min(per(time, rounds * rooms * hall.readers));
        }
    });
    let [in_one, in_many] = least;
    Comparison { in_one, in_many, touching }
}

const SESSIONS: u32 = 1_000;
const BYTES: u32 = 64;
/// Rooms, and the members of each.
const ROOMS: u32 = 1_000;
const MEMBERS: u32 = 10;

/// Every position of every sweep.
fn points() -> impl Iterator<Item = (Sweep, u32)> {
    let sessions = [10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000];
    let bytes = [16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096];
    let senders = [1, 3, 10, 30, 100, 300, SESSIONS];
    let rooms = [1, 3, 10, 30, 100, 300, ROOMS];
    let sessions = sessions.into_iter().map(|at| (Sweep::Sessions, at));
    let bytes = bytes.into_iter().map(|at| (Sweep::Bytes, at));
    let senders = senders.into_iter().map(|at| (Sweep::Senders, at));
    sessions.chain(bytes).chain(senders).chain(rooms.into_iter().map(|at| (Sweep::Rooms, at)))
}

/// A hub in which some sessions speak, in turn, and others read.
struct Hall {
    hub: Hub,
    speakers: Vec<SessionId>,
    /// The index of the next speaker.
    turn: usize,
    line: Vec<u8>,
    /// How many rooms are spoken in, in turn.
    rooms: u32,
    /// How many read what one says.
    readers: u32,
    driver: Driver,
}

impl Hall {
    /// Makes a hub in which all are in the lobby only.
    fn new(sessions: u32, bytes: u32, senders: u32) -> Self {
        let (hub, ids) = open(sessions, 1);
        // Speakers are spread among the others.
        let speakers = ids.into_iter().step_by((sessions / senders) as usize).take(senders as usize).collect();
        Self { hub, speakers, turn: 0, line: line(bytes), rooms: 1, readers: sessions - 1, driver: Driver::default() }
            .warmed_up()
    }

    /// Makes a hub in which all are in the lobby, and in one of some rooms besides.
    fn with_rooms(rooms: u32) -> Self {
        let (mut hub, ids) = open(rooms * MEMBERS, rooms as usize + 1);
        let mut driver = Driver::default();
        for (room, members) in ids.chunks(MEMBERS as usize).enumerate() {
            for id in members {
                hub.receive(Timestamp::ZERO, *id, format!("/join room-{room}\n").as_bytes());
                driver.drain(&mut hub);
            }
        }
        let speakers = ids.into_iter().step_by(MEMBERS as usize).collect();
        Self { hub, speakers, turn: 0, line: line(BYTES), rooms, readers: MEMBERS - 1, driver }.warmed_up()
    }

    /// After this, every speaker is known, and every buffer has its final size.
    fn warmed_up(mut self) -> Self {
        self.say((self.speakers.len() as u32).max(LINES));
        self.driver.drain(&mut self.hub);
        self
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
                self.say(lines * self.rooms);
                let time = timed(|| self.driver.drain(&mut self.hub));
                per(time, lines * self.rooms * self.readers)
            })
        };
        let figures = Figures { say, alone: deliver(1), among_100: deliver(LINES) };
        assert_eq!(self.hub.stats().missed, 0, "the log holds all that is said at once");
        figures
    }
}

/// Opens sessions in a hub with that many rooms.
fn open(sessions: u32, rooms: usize) -> (Hub, Vec<SessionId>) {
    let config =
        Config { max_sessions: sessions as usize, max_rooms: rooms, rate: None, pace: None, ..Config::default() };
    let mut hub = Hub::new(config).expect("the limits are in range");
    let text = hub.dialect("text").expect("it is one of the default dialects");
    let ids = (0..sessions).map(|_| hub.open(Timestamp::ZERO, text).expect("there is room")).collect();
    (hub, ids)
}

/// Returns a line with so many bytes of words.
fn line(bytes: u32) -> Vec<u8> {
    [&b"x".repeat(bytes as usize), &b"\n"[..]].concat()
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
    let mut least = f64::INFINITY;
    repeat(effort, || least = least.min(measure()));
    least
}

/// Does it again and again, a few times at least.
fn repeat(effort: Effort, mut act: impl FnMut()) {
    const TIMES: usize = 5;
    let start = Instant::now();
    for time in 0.. {
        act();
        if time >= TIMES && start.elapsed() > effort.each {
            break;
        }
    }
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
