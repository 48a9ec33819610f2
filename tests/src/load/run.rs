//! A run from the first connection to the report.

use std::fmt;
use std::io;
use std::iter;
use std::ops::ControlFlow;
use std::time::Duration;

use super::crowd::{Counts, Crowd, Role};
use super::keepalive::Rounds;
use super::measure::{Measure, Snapshot};
use super::options::{Options, Pace};
use super::report::{Connecting, Report};
use super::sent::Sent;
use super::sources::Sources;
use super::status::{Status, Watch};
use super::window::Window;
use super::wire::{RunId, Wire};
use crate::sockets::raise_descriptor_limit;

/// Why there is no report.
#[derive(Debug)]
pub enum LoadError {
    /// No connection could be opened.
    NobodyConnected {
        /// The most common reason.
        reason: String,
    },
    /// The server's process cannot be inspected.
    Process {
        /// Its id.
        pid: u32,
        /// The system's error.
        error: io::Error,
    },
    /// Another server does not start.
    Start {
        /// Its name.
        server: String,
        /// Why.
        error: io::Error,
    },
    /// Another refusal of the system.
    System(io::Error),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NobodyConnected { reason } => write!(f, "no connection at all: {reason}"),
            Self::Process { pid, error } => write!(f, "cannot tell what process {pid} uses: {error}"),
            Self::Start { server, error } => write!(f, "{server} does not start: {error}"),
            Self::System(error) => write!(f, "the system refuses: {error}"),
        }
    }
}

impl std::error::Error for LoadError {}

impl From<io::Error> for LoadError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// Loads a server; `id` distinguishes this run's messages from others. `watch` is called many times a second.
///
/// # Errors
///
/// If no connection can be opened, or the server's process does not exist.
pub fn run(options: &Options, id: RunId, watch: &mut Watch<'_>) -> Result<Report, LoadError> {
    let mut run = Run::new(options, id, watch)?;
    let before = run.measure.snapshot(&run.crowd)?;
    let connecting = run.connect()?;
    let connected = run.measure.snapshot(&run.crowd)?;
    let (from, to) = run.load()?;
    run.drain()?;
    Ok(Report::new(options, &run.crowd, &run.measure, connecting, [before, connected, from, to], run.latest))
}

struct Run<'a, 'w> {
    options: &'a Options,
    crowd: Crowd,
    measure: Measure,
    watch: &'a mut Watch<'w>,
    rounds: Rounds,
    /// The sender whose turn is next.
    next_sender: usize,
    /// The longest delay between the due time of a message and sending it, in nanoseconds.
    latest: u64,
}

/// Descriptors that are not connections: standard streams, epoll, files of `/proc`.
const OTHERS: u64 = 32;

/// How long it may take until every session receives messages.
const REACHING: Duration = Duration::from_secs(15);

/// How often a probe is sent until then.
const PROBING: Duration = Duration::from_millis(250);

/// After this long without input, messages on their way are given up.
const SILENCE: Duration = Duration::from_secs(2);

/// How long to wait for messages on their way at the end.
const DRAINING: Duration = Duration::from_secs(10);

/// The most bytes that a connection may have queued; beyond that, nothing more is sent over it.
const UNWRITTEN: usize = 1 << 20;

/// How many messages are sent before reading.
const AT_ONCE: usize = 256;

/// The longest wait, since some work must be done regularly.
const TURN: Duration = Duration::from_millis(50);

impl<'a, 'w> Run<'a, 'w> {
    fn new(options: &'a Options, id: RunId, watch: &'a mut Watch<'w>) -> Result<Self, LoadError> {
        let total = options.readers + options.senders + options.idle;
        let room = raise_descriptor_limit(total as u64 + OTHERS).saturating_sub(OTHERS);
        // By default Linux may wait 50 µs too long, which would be attributed to the server.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        let window = if let Pace::Window(size) = options.pace { Some(size) } else { None };
        let sent = Sent::new(options.senders, window.unwrap_or(0) as usize, Wire::new(id, options.sizes));
        Ok(Self {
            crowd: Crowd::new(options.readers, options.senders, room, sent, window)?,
            measure: Measure::new(options.pid)?,
            watch,
            rounds: Rounds::new(options.keepalive),
            next_sender: 0,
            latest: 0,
            options,
        })
    }

    /// Opens all connections, and waits until every one whose input is checked receives messages.
    fn connect(&mut self) -> Result<Connecting, LoadError> {
        let options = self.options;
        let begin = self.crowd.now();
        let sources = Sources::new(options);
        let roles = iter::repeat_n(Role::Listens, options.readers + options.senders);
        let names =
            iter::repeat_n(None, options.readers).chain((0..options.senders).map(Some)).chain(iter::repeat(None));
        for (i, (role, name)) in roles.chain(iter::repeat_n(Role::Idle, options.idle)).zip(names).enumerate() {
            let most = options.connecting;
            // Some servers let those that wait in once a second, all together.
            self.wait_while("connecting", |counts| counts.connecting >= most || counts.entering >= 2 * most)?;
            let target = options.targets[i % options.targets.len()];
            let wire = &self.crowd.sent.wire;
            let name = name.map(|sender| wire.name(sender));
            let name = name.or_else(|| target.dialect.needs_names().then(|| wire.silent_name(i)));
            self.crowd.connect(target, sources.get(i, target), role, name.as_deref());
            self.rounds.add(i, target.dialect);
        }
        while self.crowd.counts().connecting > 0 {
            self.go_on("connecting")?;
        }
        self.wait_while("entering", |counts| counts.entering > 0)?;
        let took = self.crowd.now() - begin;
        let outside = self.crowd.counts().entering;
        if self.crowd.counts().open == 0 && !self.crowd.is_empty() {
            let reason = self.crowd.ended.iter().max_by_key(|(_, count)| **count);
            return Err(LoadError::NobodyConnected {
                reason: reason.map_or_else(String::new, |(reason, _)| reason.clone()),
            });
        }
        let unreached = self.reach()?.max(outside);
        Ok(Connecting { took, opened: self.crowd.counts().opened, unreached })
    }

    /// Goes on while the connections are in a certain state, but no longer than it may take to reach a session.
    fn wait_while(&mut self, doing: &'static str, is_so: impl Fn(Counts) -> bool) -> io::Result<()> {
        let give_up = self.crowd.now() + REACHING.as_nanos() as u64;
        while is_so(self.crowd.counts()) && self.crowd.now() < give_up {
            self.go_on(doing)?;
        }
        Ok(())
    }

    /// Sends probes until every session has received one; returns how many have not.
    fn reach(&mut self) -> io::Result<usize> {
        let give_up = self.crowd.now() + REACHING.as_nanos() as u64;
        let mut next = 0;
        loop {
            // One sender is not enough, since it does not receive its own probe.
            let mut speakers = (0..self.options.senders).filter(|sender| self.can_say(*sender));
            let speakers = [speakers.next(), speakers.next()];
            let now = self.crowd.now();
            let is_open = |i: &usize| self.crowd.is_open(*i);
            let waiting = (0..self.listening()).filter(is_open).filter(|i| !self.crowd.audience.is_reached(*i));
            let own = speakers[0].filter(|_| speakers[1].is_none()).map(|sender| self.crowd.connection_of(sender));
            let unreached = waiting.filter(|i| Some(*i) != own).count();
            if unreached == 0 || now >= give_up || speakers[0].is_none() {
                // Without senders, no message can be lost.
                let settled = now + if speakers[0].is_none() { SILENCE.as_nanos() as u64 } else { 0 };
                while self.crowd.now() < settled {
                    self.go_on("settling")?;
                }
                return Ok(if speakers[0].is_none() { 0 } else { unreached });
            }
            if now >= next {
                next = now + PROBING.as_nanos() as u64;
                speakers.into_iter().flatten().for_each(|sender| self.crowd.probe(sender));
            }
            self.go_on("reaching everybody")?;
        }
    }

    /// Sends, first during the warm-up; returns the states of the run at the beginning and the end of the measurement.
    fn load(&mut self) -> io::Result<(Snapshot, Snapshot)> {
        let begin = self.crowd.now();
        let warm = begin + self.options.warm_up.as_nanos() as u64;
        let end = warm + self.options.duration.as_nanos() as u64;
        let (mut from, mut is_over) = (None, false);
        let mut heard = (0, begin);
        loop {
            let now = self.crowd.now();
            if from.is_none() && now >= warm {
                from = Some(self.measure.snapshot(&self.crowd)?);
                self.crowd.audience.latency.reset();
                self.latest = 0;
            }
            if now >= end || is_over {
                let to = self.measure.snapshot(&self.crowd)?;
                return Ok((from.unwrap_or_else(|| to.clone()), to));
            }
            let due = match self.options.pace {
                Pace::Window(_) => {
                    self.fill_window(now);
                    end
                }
                Pace::Rate(rate) => self.keep_to(&mut Schedule { begin, rate, next: self.crowd.sent.total() }, now),
            };
            if self.crowd.counts().bytes != heard.0 {
                heard = (self.crowd.counts().bytes, now);
            } else if now - heard.1 > SILENCE.as_nanos() as u64 {
                self.crowd.window.iter_mut().for_each(Window::give_up);
                heard.1 = now;
            }
            let wait = Duration::from_nanos(due.min(end).saturating_sub(self.crowd.now()));
            is_over = self.turn(wait.min(TURN), if from.is_none() { "warming up" } else { "measuring" })?.is_break();
        }
    }

    /// Sends as much as the window allows, equally from all senders.
    fn fill_window(&mut self, now: u64) {
        let room = self.crowd.window.as_ref().map_or(0, Window::room);
        if room == 0 {
            return;
        }
        let senders: Vec<usize> = self.senders_in_turn().filter(|sender| self.can_say(*sender)).collect();
        for (i, sender) in senders.iter().enumerate() {
            let share = room as usize / senders.len() + usize::from(i < room as usize % senders.len());
            (0..share).for_each(|_| self.crowd.say(*sender, now));
            self.crowd.flush(self.crowd.connection_of(*sender));
        }
        self.next_sender += room as usize;
    }

    /// Sends what is due; returns when the next message is due.
    fn keep_to(&mut self, schedule: &mut Schedule, now: u64) -> u64 {
        let first = schedule.next;
        while schedule.due() <= now && schedule.next - first < AT_ONCE as u64 {
            let Some(sender) = self.senders_in_turn().find(|sender| self.can_say(*sender)) else {
                // A message that cannot be sent now stays due.
                return now + TURN.as_nanos() as u64;
            };
            self.latest = self.latest.max(now - schedule.due());
            self.crowd.say(sender, schedule.due());
            schedule.next += 1;
            self.next_sender = sender + 1;
            self.crowd.flush(self.crowd.connection_of(sender));
        }
        schedule.due()
    }

    fn senders_in_turn(&self) -> impl Iterator<Item = usize> + use<> {
        let (senders, first) = (self.options.senders, self.next_sender);
        (0..senders).map(move |i| (first + i) % senders)
    }

    fn can_say(&self, sender: usize) -> bool {
        let index = self.crowd.connection_of(sender);
        self.crowd.is_open(index) && self.crowd.unwritten(index) < UNWRITTEN
    }

    /// Waits until every session has received everything, or nothing more arrives.
    fn drain(&mut self) -> io::Result<()> {
        let give_up = self.crowd.now() + DRAINING.as_nanos() as u64;
        let mut heard = (self.crowd.counts().bytes, self.crowd.now());
        let mut arrivals = vec![(0, 0); self.options.senders];
        while self.is_anything_missing() {
            let now = self.crowd.now();
            for (sender, (count, at)) in arrivals.iter_mut().enumerate() {
                let heard = self.crowd.audience.sequences.heard(sender, 0..self.listening());
                if heard > *count {
                    (*count, *at) = (heard, now);
                }
            }
            if self.crowd.counts().bytes != heard.0 {
                heard = (self.crowd.counts().bytes, now);
            } else if now - heard.1 > SILENCE.as_nanos() as u64 {
                break;
            }
            if now > give_up {
                break;
            }
            self.go_on("waiting for the last")?;
        }
        let is_silent = |at: u64| self.crowd.now() - at > SILENCE.as_nanos() as u64;
        let still_coming: Vec<bool> = arrivals.iter().map(|(_, at)| !is_silent(*at)).collect();
        self.give_up_missing(&still_coming);
        Ok(())
    }

    fn is_anything_missing(&self) -> bool {
        let (crowd, listening) = (&self.crowd, self.listening());
        (0..self.options.senders).any(|sender| {
            let count = crowd.sent.count(sender);
            (0..listening).any(|i| crowd.is_open(i) && crowd.audience.sequences.expected(i, sender) < count)
        })
    }

    /// Counts each sender's missing messages: as held back while its messages still arrive, otherwise as unseen or
    /// lost.
    fn give_up_missing(&mut self, still_coming: &[bool]) {
        if self.listening() < 2 {
            // There is no reader.
            return;
        }
        let open: Vec<usize> = (0..self.listening()).filter(|i| self.crowd.is_open(*i)).collect();
        for (sender, still_coming) in still_coming.iter().enumerate() {
            let heard = self.crowd.audience.sequences.heard(sender, 0..self.listening());
            let missing = self.crowd.sent.count(sender) - heard;
            if *still_coming && missing > 0 {
                self.crowd.audience.got.held_back += missing;
                continue;
            }
            self.crowd.audience.got.unseen += missing;
            for i in &open {
                self.crowd.audience.sequences.give_up(*i, sender, heard);
            }
        }
    }

    /// Returns how many connections have their input checked.
    fn listening(&self) -> usize {
        (self.options.readers + self.options.senders).min(self.crowd.len())
    }

    /// Waits and works once, in a part of the run that cannot be ended early.
    fn go_on(&mut self, doing: &'static str) -> io::Result<()> {
        self.turn(TURN, doing).map(|_| ())
    }

    /// Waits for sockets, handles them, and does the regular work.
    fn turn(&mut self, wait: Duration, doing: &'static str) -> io::Result<ControlFlow<()>> {
        self.crowd.turn(wait)?;
        let now = self.crowd.now();
        self.rounds.go(&mut self.crowd, now);
        self.measure.watch(now);
        Ok((self.watch)(&Status { doing, elapsed: Duration::from_nanos(now), crowd: &self.crowd }))
    }
}

/// When messages are due in an open loop.
struct Schedule {
    begin: u64,
    /// Messages a second.
    rate: f64,
    /// The number of the next message.
    next: u64,
}

impl Schedule {
    fn due(&self) -> u64 {
        self.begin + Duration::from_secs_f64(self.next as f64 / self.rate).as_nanos() as u64
    }
}
