//! Compares this project's servers with another. They are loaded in turn, so that each ratio is of runs that are seconds
//! apart.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::ControlFlow;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::dialect::{Dialect, Transport};
use super::ircd;
use super::options::{Beside, Comparison, Ircd, Options, Pace, Target};
use super::report::Report;
use super::run::{LoadError, run};
use super::wire::RunId;
use crate::figures::{Grouped, Scaled};
use crate::program::{Process, Program};

/// A running server, in one dialect.
struct Server {
    name: String,
    target: Target,
    pid: u32,
}

/// What is compared; the first is what the others are compared with.
struct Servers {
    list: Vec<Server>,
    /// This project's processes, which end with this.
    processes: Vec<Process>,
    /// The other server, likewise.
    others: Vec<ircd::Running>,
}

/// The results of one run.
struct Outcome {
    deliveries: f64,
    bytes: f64,
    /// Processor seconds for a million deliveries.
    processor: f64,
    p50: f64,
    p99: f64,
}

/// Compares the servers and writes a table to `out`; returns whether everything arrived once and in order in all runs.
///
/// # Errors
///
/// If no connection can be opened, or another server is not installed.
///
/// # Panics
///
/// If this project's programs do not build or do not start.
pub fn compare(comparison: &Comparison, out: &mut impl Write) -> Result<bool, LoadError> {
    let Servers { list: servers, .. } = &start(comparison.beside)?;
    let mut is_clean = true;
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(HEADER);
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for row in &comparison.rows {
        let mut outcomes: Vec<Vec<Outcome>> = servers.iter().map(|_| Vec::new()).collect();
        for round in 0..comparison.rounds {
            for (server, outcomes) in servers.iter().zip(&mut outcomes) {
                if !row.quiet {
                    let _ = writeln!(io::stderr(), "{}, round {}: {}", title(row), round + 1, server.name);
                }
                let connecting =
                    if comparison.beside == Beside::Ngircd { CONNECTING_TO_NGIRCD } else { row.connecting };
                let options =
                    Options { targets: vec![server.target], pid: Some(server.pid), connecting, ..row.clone() };
                let id = RunId::new(RandomState::new().hash_one(round));
                let report = run(&options, id, &mut |_| ControlFlow::Continue(()))?;
                if !report.is_clean() {
                    is_clean = false;
                    let _ = writeln!(io::stderr(), "not clean, {}:\n{report}", server.name);
                }
                outcomes.push(Outcome::of(&report));
            }
        }
        for cells in rows(row, servers, &outcomes) {
            table.add_row(cells);
        }
    }
    let rounds = comparison.rounds;
    // A closed output is ignored.
    let _ = writeln!(
        out,
        "medians of {rounds} rounds, and medians of the ratios to {} in the same round\n\n{}",
        servers[0].name,
        table.trim_fmt()
    );
    Ok(is_clean)
}

/// How many connections are opened at once beside ngIRCd, whose listen backlog is 10. One too many is tried again after
/// a second.
const CONNECTING_TO_NGIRCD: usize = 4;

const HEADER: [&str; 12] =
    ["row", "server", "deliveries/s", "ratio", "B/s", "ratio", "s a million", "ratio", "p50", "ratio", "p99", "ratio"];

/// Starts all servers on the first processor, and moves this tool to the last, if there are several.
fn start(beside: Beside) -> Result<Servers, LoadError> {
    let processors: Vec<usize> = sched_getaffinity(None)
        .map(|set| (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect())
        .unwrap_or_default();
    let stay_on = |processor: Option<&usize>| {
        if let (Some(processor), true) = (processor, processors.len() > 1) {
            let mut set = CpuSet::new();
            set.set(*processor);
            // If this fails, the figures cannot be compared with those in PERFORMANCE.md, which are pinned.
            let _ = sched_setaffinity(None, &set);
        }
    };
    // Build the program before anything is measured.
    let _ = Program::Limit.path();
    stay_on(processors.first());
    let mut servers = Servers { list: Vec::new(), processes: Vec::new(), others: Vec::new() };
    match beside {
        Beside::Limit => {
            let listen = ["--listen", "classic=127.0.0.1:0"];
            servers.add("limit", Program::Limit, &["127.0.0.1:0"], &[CLASSIC]);
            servers.add("chat-smol", Program::ChatServer, &listen, &[CLASSIC]);
            servers.add("chat-std", Program::Threads, &listen, &[CLASSIC]);
        }
        Beside::Classic => servers.add_smol(&[CLASSIC, IRC]),
        Beside::Text => servers.add_smol(&[TEXT, (Dialect::Text, Transport::WebSocket)]),
        Beside::Irc => servers.add_smol(&[IRC, (Dialect::Irc, Transport::WebSocket)]),
        Beside::Inspircd | Beside::Ngircd => {
            servers.add_other(if beside == Beside::Inspircd { Ircd::Inspircd } else { Ircd::Ngircd })?;
            servers.add_smol(&[IRC]);
        }
    }
    stay_on(processors.last());
    Ok(servers)
}

const TEXT: (Dialect, Transport) = (Dialect::Text, Transport::Lines);
const CLASSIC: (Dialect, Transport) = (Dialect::Classic, Transport::Lines);
const IRC: (Dialect, Transport) = (Dialect::Irc, Transport::Lines);

impl Servers {
    /// Starts chat-smol, which is loaded in each of these dialects.
    fn add_smol(&mut self, dialects: &[(Dialect, Transport)]) {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listen = dialects.iter().map(|(dialect, transport)| {
            format!(
                "--listen={}",
                Target { dialect: *dialect, transport: *transport, is_encrypted: false, addr: anywhere }
            )
        });
        let listen: Vec<String> = listen.collect();
        let args: Vec<&str> = listen.iter().map(String::as_str).collect();
        self.add("chat-smol", Program::ChatServer, &args, dialects);
    }

    /// Starts a program, which is loaded in each of these dialects.
    fn add(&mut self, name: &str, program: Program, args: &[&str], dialects: &[(Dialect, Transport)]) {
        let unlimited = ["--rate", "off", "--idle-timeout", "60s"];
        let args = if program == Program::Limit { args.to_vec() } else { [args, &unlimited].concat() };
        let mut process = program.start(&args);
        for (dialect, transport) in dialects.iter().copied() {
            let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let mut target = Target { dialect, transport, is_encrypted: false, addr };
            let service = target.service();
            target.addr = process.listening(&service);
            let name = if dialects.len() > 1 { format!("{name}, {service}") } else { name.to_owned() };
            self.list.push(Server { name, target, pid: process.id() });
        }
        self.processes.push(process);
    }

    fn add_other(&mut self, ircd: Ircd) -> Result<(), LoadError> {
        let started = ircd.start().map_err(|error| LoadError::Start { server: ircd.to_string(), error });
        let running = started?;
        let (dialect, transport) = IRC;
        let target = Target { dialect, transport, is_encrypted: false, addr: running.addr };
        self.list.push(Server { name: ircd.to_string(), target, pid: running.process.id() });
        self.others.push(running);
        Ok(())
    }
}

impl Outcome {
    fn of(report: &Report) -> Self {
        Self {
            deliveries: report.deliveries_per_second(),
            bytes: report.bytes_per_second(),
            processor: report.processor_per_million().unwrap_or(f64::NAN),
            p50: report.latency(0.5).as_secs_f64() * 1e6,
            p99: report.latency(0.99).as_secs_f64() * 1e6,
        }
    }
}

fn title(row: &Options) -> String {
    let of =
        |count: usize, what: &str| format!("{} {what}{}", Grouped(count as u64), if count == 1 { "" } else { "s" });
    let pace = match row.pace {
        Pace::Window(1) => String::from("one outstanding"),
        Pace::Window(size) => format!("window {size}"),
        Pace::Rate(rate) => format!("{rate} a second"),
    };
    format!("{}, {}, {} B, {pace}", of(row.senders, "sender"), of(row.readers, "reader"), row.sizes)
}

/// Returns a row's lines of the table, one for each server; the first is the one that the others are compared with.
fn rows(row: &Options, servers: &[Server], outcomes: &[Vec<Outcome>]) -> Vec<[String; HEADER.len()]> {
    let cells = |(i, (server, own)): (usize, (&Server, &Vec<Outcome>))| {
        let figure = |of: fn(&Outcome) -> f64| median(own.iter().map(of));
        let ratio = |of: fn(&Outcome) -> f64| {
            let ratio = median(own.iter().zip(&outcomes[0]).map(|(own, limit)| of(own) / of(limit)));
            format!("{ratio:.2}")
        };
        [
            if i == 0 { title(row) } else { String::new() },
            server.name.clone(),
            Scaled(figure(|o| o.deliveries)).to_string(),
            ratio(|o| o.deliveries),
            Scaled(figure(|o| o.bytes)).to_string(),
            ratio(|o| o.bytes),
            format!("{:.4}", figure(|o| o.processor)),
            ratio(|o| o.processor),
            format!("{:.0} µs", figure(|o| o.p50)),
            ratio(|o| o.p50),
            format!("{:.0} µs", figure(|o| o.p99)),
            ratio(|o| o.p99),
        ]
    };
    servers.iter().zip(outcomes).enumerate().map(cells).collect()
}

/// Returns the median; of an even count the mean of the two in the middle.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    match (values.get(low), values.get(high)) {
        (Some(low), Some(high)) => f64::midpoint(*low, *high),
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median([3.0, 1.0, 2.0].into_iter()) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0].into_iter()) - 2.5).abs() < 1e-9);
        assert!(median([].into_iter()).is_nan());
    }
}
