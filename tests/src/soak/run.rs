//! A soak from start to verdict.

use std::fmt;
use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use super::honest::Honest;
use super::hostile_clients::HostileClients;
use super::options::Options;
use super::samples::{Sample, Trend};
use super::server::Server;
use super::verdict::{Rest, Verdict};
use crate::figures::Grouped;
use crate::load::{LoadError, RunId};
use crate::sim::Random;
use crate::sockets::raise_descriptor_limit;

/// Why there is no verdict.
#[derive(Debug)]
pub enum SoakError {
    /// The server could not be started or inspected.
    Server(io::Error),
    /// Even the honest clients could not connect.
    Honest(LoadError),
    /// Another refusal of the system.
    System(io::Error),
}

impl fmt::Display for SoakError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(error) => write!(f, "the server is not there: {error}"),
            Self::Honest(error) => write!(f, "the honest clients gave up: {error}"),
            Self::System(error) => write!(f, "the system refuses: {error}"),
        }
    }
}

impl std::error::Error for SoakError {}

/// Descriptors that are not hostile clients.
const OTHERS: u64 = 64;

/// The longest single wait for the hostile clients.
const TURN: Duration = Duration::from_millis(50);

/// How often the server's process is sampled.
const SAMPLING: Duration = Duration::from_secs(1);

/// How often a row is printed.
const ROW: Duration = Duration::from_secs(60);

/// How long the server has to close all sessions: more than its timeouts.
const CLEARING: Duration = Duration::from_secs(60);

/// Runs a soak, and writes a table to `out` meanwhile.
///
/// # Errors
///
/// If the server cannot be started or goes away, or the honest clients cannot connect. Harm to the server or the honest
/// clients is no error; it is in the [`Verdict`].
pub fn run(options: &Options, out: &mut dyn Write) -> Result<Verdict, SoakError> {
    let _ = raise_descriptor_limit(options.clients as u64 + OTHERS);
    let server = Server::new(&options.server, options.clients).map_err(SoakError::Server)?;
    let before = settled(&server).map_err(SoakError::Server)?;
    let mut random = Random::new(options.seed);
    let honest = Honest::start(&server.targets, RunId::new(random.bits()));
    while !honest.are_settled() {
        thread::sleep(TURN);
    }

    let mut clients =
        HostileClients::new(options.clients, server.targets.clone(), random).map_err(SoakError::System)?;
    let (begin, mut samples) = (Instant::now(), Vec::new());
    let mut table = Table { out, rows: 0 };
    table.head();
    while begin.elapsed() < options.duration {
        clients.turn(TURN).map_err(SoakError::System)?;
        let elapsed = begin.elapsed();
        if elapsed >= SAMPLING * samples.len() as u32 {
            let sample = Sample::take(server.process).map_err(SoakError::Server)?;
            samples.push((elapsed, sample));
            table.row(elapsed, &clients, &honest, sample);
        }
    }

    let hostile = clients.counts();
    drop(clients);
    let honest = honest.end().map_err(SoakError::Honest)?;
    let rest = if server.is_own() { Some(rest(server, before).map_err(SoakError::Server)?) } else { None };
    Ok(Verdict { resident: Trend::of(&samples), honest, hostile, rest })
}

/// Waits until a server that has just started has all its threads.
fn settled(server: &Server) -> io::Result<Sample> {
    let mut before = Sample::take(server.process)?;
    loop {
        thread::sleep(10 * TURN);
        let now = Sample::take(server.process)?;
        if (now.descriptors, now.threads) == (before.descriptors, before.threads) {
            return Ok(now);
        }
        before = now;
    }
}

/// Waits until a server has closed all sessions, and ends it.
fn rest(server: Server, before: Sample) -> io::Result<Rest> {
    let since = Instant::now();
    loop {
        let after = Sample::take(server.process)?;
        let is_rid = after.descriptors <= before.descriptors && after.threads <= before.threads;
        if is_rid || since.elapsed() > CLEARING {
            let status = server.end()?;
            return Ok(Rest { before, after, has_ended: status.is_some_and(|status| status.success()) });
        }
        thread::sleep(TURN);
    }
}

/// The rows, one a minute. Formatted here, because each row is printed at once, which a table library does not do.
struct Table<'a> {
    out: &'a mut dyn Write,
    rows: u32,
}

impl Table<'_> {
    fn head(&mut self) {
        let columns = ["minute", "sessions", "opened", "lines heard", "resident KiB", "descriptors", "threads"];
        self.line(&columns.map(|column| format!("{column:>14}")).concat());
    }

    fn row(&mut self, elapsed: Duration, clients: &HostileClients, honest: &Honest, sample: Sample) {
        if elapsed < ROW * self.rows {
            return;
        }
        let hostile = clients.counts();
        let columns = [
            self.rows.into(),
            (hostile.open + honest.open()) as u64,
            hostile.opened + super::honest::CLIENTS as u64,
            honest.lines(),
            sample.resident,
            sample.descriptors,
            sample.threads,
        ];
        self.line(&columns.map(|column| format!("{:>14}", Grouped(column))).concat());
        self.rows += 1;
    }

    fn line(&mut self, line: &str) {
        // A closed output does not end the soak.
        let _ = writeln!(self.out, "{line}").and_then(|()| self.out.flush());
    }
}
