//! The options of the load tool.

use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, ValueEnum};

use super::dialect::{Dialect, Transport};
use super::irc;
use super::wire::{HEADER, MAX_SENDERS, Sizes};
use crate::usage::time;

/// Loads a chat server and measures it: throughput, latency, and whether everything arrives once and in order.
#[derive(Debug, Parser)]
#[command(name = "load", max_term_width = 80, after_help = AFTER_HELP, override_usage = USAGE)]
struct Arguments {
    /// A server to load, such as text=127.0.0.1:4000 or classic=chat.example:4001. Several times: readers and senders
    /// are spread over them, which is how one server is loaded in several dialects. Sessions of irc register, and
    /// all but idle ones join #lobby, in which everything is said. text+ws, classic+ws and irc+ws are over WebSocket,
    /// where the port of the page is irc+ws, and with +tls behind it any of them is in TLS, with whatever certificate.
    /// There is no default
    #[arg(long, value_name = "DIALECT=ADDR", help_heading = "Whom")]
    #[arg(required_unless_present = "beside", conflicts_with = "beside")]
    connect: Vec<Target>,

    /// Connect from this address of this machine. Several times: from each in turn, since one address has some 28,000
    /// ports. Without it a server on 127.0.0.1 is connected to from as many of 127.0.0.* as needed
    #[arg(long, value_name = "IP", help_heading = "Whom")]
    source: Vec<IpAddr>,

    /// Instead of all that: build and start this project's servers and another, load them in turn, and print
    /// medians and the medians of their ratios to the other. Without other options it measures the rows of
    /// PERFORMANCE.md, which takes some minutes; with any of --readers, --senders, --window, --rate and --size one row
    #[arg(long, value_name = "WHAT", help_heading = "Whom")]
    beside: Option<Beside>,

    /// How often each is loaded for that [default: 8]
    #[arg(long, value_name = "N", value_parser = number(1, 1_000), conflicts_with = "connect", help_heading = "Whom")]
    rounds: Option<usize>,

    /// The server's process, if it runs on this machine: its processor time and memory are measured, too
    #[arg(long, value_name = "N", conflicts_with = "beside", help_heading = "Whom")]
    pid: Option<u32>,

    /// Sessions that read [default: 100]
    #[arg(long, value_name = "N", value_parser = number(0, MAX_SESSIONS), help_heading = "How much")]
    readers: Option<usize>,

    /// Sessions that send, and read what the others send [default: 1]
    #[arg(long, value_name = "N", value_parser = number(0, MAX_SENDERS as u64), help_heading = "How much")]
    senders: Option<usize>,

    /// Further sessions that are silent; what they are sent is thrown away
    #[arg(long, value_name = "N", default_value_t = 0)]
    #[arg(value_parser = number(0, MAX_SESSIONS), help_heading = "How much")]
    idle: usize,

    /// Send as fast as it goes, but have at most N messages on their way to the slowest reader [default: 1024]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    #[arg(conflicts_with = "rate", help_heading = "How much")]
    window: Option<u64>,

    /// Instead of that: send N messages a second, all senders together, whether or not the server keeps up. Latency
    /// counts from when a message was due
    #[arg(long, value_name = "N", value_parser = rate, help_heading = "How much")]
    rate: Option<f64>,

    /// The size of messages, or of the shortest and the longest [default: 64]
    #[arg(long, value_name = "BYTES[..BYTES]", value_parser = sizes, help_heading = "How much")]
    size: Option<Sizes>,

    /// Before the measurement [default: 2s; 300ms --beside another]
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "How long")]
    warmup: Option<Duration>,

    /// The measurement [default: 10s; 1200ms --beside another]
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "How long")]
    duration: Option<Duration>,

    /// How often a session sends an empty line, or a PING in irc, so that the server keeps it open [default: classic
    /// 5s, text 200s; in irc it answers the server's PINGs]
    #[arg(long, value_name = "TIME|off", value_parser = keepalive, help_heading = "How long")]
    keepalive: Option<Keepalive>,

    /// A JSON object instead of a table on standard output
    #[arg(long, help_heading = "What is told")]
    json: bool,

    /// No progress on standard error
    #[arg(long, help_heading = "What is told")]
    quiet: bool,
}

/// How many connections are opened at once: fewer than the listen backlog of most servers.
pub(crate) const CONNECTING: usize = 128;

const USAGE: &str = "load --connect DIALECT=ADDR [OPTIONS]\n       load --beside WHAT [OPTIONS]";

const AFTER_HELP: &str = "\
A TIME is as in 500ms, 15s, 10m or 2h. A server of this project lets a session
say 20 lines a second unless it is started with --rate off.

Exit status: 0 if everything arrived once and in order and nobody was
disconnected; 1 if not, or if there was nothing to be connected to; 2 if the
options are wrong.";

const MAX_SESSIONS: u64 = 1_000_000;

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The servers; at least one.
    pub targets: Vec<Target>,
    /// Where to connect from; if none are given, the system chooses.
    pub sources: Vec<IpAddr>,
    /// The server's process.
    pub pid: Option<u32>,
    /// Sessions that only read.
    pub readers: usize,
    /// Sessions that send.
    pub senders: usize,
    /// Sessions that are silent, and whose input is discarded.
    pub idle: usize,
    /// How many connections are opened at once, and half of how many sessions register and join at once: as many as the
    /// listen backlog of servers has room for.
    pub connecting: usize,
    /// When messages are sent.
    pub pace: Pace,
    /// How long messages are.
    pub sizes: Sizes,
    /// How long to warm up.
    pub warm_up: Duration,
    /// How long to measure.
    pub duration: Duration,
    /// How often silent sessions send a line.
    pub keepalive: Keepalive,
    /// Whether the report is for a program.
    pub json: bool,
    /// Whether progress is not shown.
    pub quiet: bool,
}

/// A server and how to speak with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The dialect spoken there.
    pub dialect: Dialect,
    /// How its lines get there.
    pub transport: Transport,
    /// All of it is in TLS.
    pub is_encrypted: bool,
    /// Where it is.
    pub addr: SocketAddr,
}

impl FromStr for Target {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let read = || {
            let (service, addr) = text.split_once('=')?;
            let plain = service.strip_suffix(IN_TLS);
            let (service, is_encrypted) = (plain.unwrap_or(service), plain.is_some());
            let (dialect, transport) = match service.strip_suffix(OVER_WEBSOCKET) {
                Some(dialect) => (dialect, Transport::WebSocket),
                None => (service, Transport::Lines),
            };
            let addr = addr.to_socket_addrs().ok()?.next()?;
            Some(Self { dialect: dialect.parse().ok()?, transport, is_encrypted, addr })
        };
        read().ok_or(
            "it must be DIALECT=ADDR that can be reached, such as text=127.0.0.1:4000, classic=[::1]:4001 or \
             irc+ws=127.0.0.1:8080",
        )
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.service(), self.addr)
    }
}

impl Target {
    /// Returns what listens there, as a server of this project names it.
    pub(super) fn service(self) -> String {
        let over = if self.transport == Transport::WebSocket { OVER_WEBSOCKET } else { "" };
        format!("{}{over}{}", self.dialect, if self.is_encrypted { IN_TLS } else { "" })
    }
}

const OVER_WEBSOCKET: &str = "+ws";
const IN_TLS: &str = "+tls";

/// When messages are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// While fewer than this many have not reached the slowest reader: a closed loop.
    Window(u64),
    /// This many a second: an open loop.
    Rate(f64),
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window(size) => write!(f, "{size} on their way at most"),
            Self::Rate(rate) => write!(f, "{rate} a second"),
        }
    }
}

/// How often silent sessions send a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keepalive {
    /// As often as the dialect's default timeout requires.
    Dialect,
    /// At this interval.
    Every(Duration),
    /// Never.
    Never,
}

/// What this project's servers are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Beside {
    /// About the least that such a server can do, in classic
    Limit,
    /// chat-smol in classic, with chat-smol in irc
    Classic,
    /// chat-smol in text, with chat-smol in text over WebSocket
    Text,
    /// chat-smol in irc, with chat-smol in irc over WebSocket
    Irc,
    /// Inspircd, if installed, with chat-smol in irc
    Inspircd,
    /// ngIRCd, if installed, with chat-smol in irc
    Ngircd,
}

/// Another server of IRC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ircd {
    /// `InspIRCd`.
    Inspircd,
    /// ngIRCd.
    Ngircd,
}

impl fmt::Display for Ircd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inspircd => "inspircd",
            Self::Ngircd => "ngircd",
        })
    }
}

/// What is compared, and how often.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// With what.
    pub beside: Beside,
    /// Loads without a target, each a row of the table.
    pub rows: Vec<Options>,
    /// How often each server is loaded in each row.
    pub rounds: usize,
}

/// What the arguments ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Invocation {
    /// To load a server.
    Run(Box<Options>),
    /// To compare this project's servers with another.
    Compare(Box<Comparison>),
}

/// Reads the arguments, the program's own name in front.
///
/// # Errors
///
/// An argument that is no option, or one with a wrong value; or the help, which is to be printed. Host names are looked
/// up, which can fail.
pub fn parse(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Invocation, clap::Error> {
    let arguments = Arguments::try_parse_from(args)?;
    let is_row_given = arguments.readers.is_some()
        || arguments.senders.is_some()
        || arguments.window.is_some()
        || arguments.rate.is_some()
        || arguments.size.is_some();
    let beside = arguments.beside;
    let is_comparison = beside.is_some();
    let (usual_warm_up, usual_duration) = if is_comparison { SHORT } else { LONG };
    let options = Options {
        connecting: CONNECTING,
        targets: arguments.connect,
        sources: arguments.source,
        pid: arguments.pid,
        readers: arguments.readers.unwrap_or(100),
        senders: arguments.senders.unwrap_or(1),
        idle: arguments.idle,
        pace: arguments.rate.map_or(Pace::Window(arguments.window.unwrap_or(1_024)), Pace::Rate),
        sizes: arguments.size.unwrap_or(Sizes { min: 64, max: 64 }),
        warm_up: arguments.warmup.unwrap_or(usual_warm_up),
        duration: arguments.duration.unwrap_or(usual_duration),
        keepalive: arguments.keepalive.unwrap_or(Keepalive::Dialect),
        json: arguments.json,
        quiet: arguments.quiet,
    };
    let of_irc = options.targets.iter().any(|target| target.dialect == Dialect::Irc)
        || beside.is_some_and(|beside| !matches!(beside, Beside::Limit | Beside::Text));
    if of_irc && options.sizes.max > irc::MAX_SIZE {
        let words = format!("--size: a line of irc has room for {} bytes", irc::MAX_SIZE);
        return Err(Arguments::command().error(ErrorKind::ValueValidation, words));
    }
    let Some(beside) = beside else {
        return Ok(Invocation::Run(Box::new(options)));
    };
    let rows = if is_row_given { vec![options] } else { usual_rows(&options, of_irc) };
    Ok(Invocation::Compare(Box::new(Comparison { beside, rows, rounds: arguments.rounds.unwrap_or(ROUNDS) })))
}

/// The rows of PERFORMANCE.md, with all other options as given.
fn usual_rows(options: &Options, of_irc: bool) -> Vec<Options> {
    let row = |senders, readers, size, pace| Options {
        senders,
        readers,
        sizes: Sizes { min: size, max: size },
        pace,
        ..options.clone()
    };
    let wide = Pace::Window(1_024);
    let rows = [
        row(1, 10, 64, wide),
        row(1, 100, 64, wide),
        row(1, 1_000, 64, wide),
        row(1, 5_000, 64, wide),
        row(10, 1_000, 64, wide),
        row(1, 100, 1_024, wide),
        row(1, 1_000, 64, Pace::Window(1)),
        row(1, 100, 64, Pace::Rate(1_000.0)),
        row(1, 1_000, 64, Pace::Rate(100.0)),
    ];
    // A line of IRC is short, and in a channel of thousands other servers are busy for minutes with telling who joins.
    let is_wanted = |row: &Options| !of_irc || row.sizes.max <= irc::MAX_SIZE && row.readers <= 1_000;
    rows.into_iter().filter(is_wanted).collect()
}

/// Warming up and measuring a server, and in a comparison.
const LONG: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(10));
const SHORT: (Duration, Duration) = (Duration::from_millis(300), Duration::from_millis(1_200));
const ROUNDS: usize = 8;

fn number(least: u64, most: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(least..=most)
}

fn rate(text: &str) -> Result<f64, &'static str> {
    let rate = text.parse().ok().filter(|rate| *rate > 0.0 && *rate <= 1e9);
    rate.ok_or("it must be messages a second, more than 0")
}

fn sizes(text: &str) -> Result<Sizes, &'static str> {
    let read = || {
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        let sizes = Sizes { min: min.parse().ok()?, max: max.parse().ok()? };
        (HEADER <= sizes.min && sizes.min <= sizes.max && sizes.max <= 1_000_000).then_some(sizes)
    };
    read().ok_or("it must be bytes from 21 to 1000000, such as 64 or 64..1024")
}

fn keepalive(text: &str) -> Result<Keepalive, &'static str> {
    match time(text) {
        _ if text == "off" => Ok(Keepalive::Never),
        Ok(time) if !time.is_zero() => Ok(Keepalive::Every(time)),
        _ => Err("it must be a time, such as 500ms, 15s, 10m or 2h, or off"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(args: &str) -> Result<Options, String> {
        match parse(["load"].into_iter().chain(args.split_whitespace())) {
            Ok(Invocation::Run(options)) => Ok(*options),
            Ok(Invocation::Compare(_)) => Err("a comparison".into()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn every_option_is_read() {
        let options = options(
            "--connect text=127.0.0.1:4000 --connect classic+ws=[::1]:4001 --source 127.0.0.2 --pid 7 --readers 1000 \
             --senders 10 --idle 5 --rate 2.5 --size 64..1024 --warmup 500ms --duration 2m --keepalive 7s --json --quiet",
        );
        let target = |dialect, transport, addr: &str| {
            let addr = addr.parse().expect("an address");
            Target { dialect, transport, is_encrypted: false, addr }
        };
        let expected = Options {
            connecting: CONNECTING,
            targets: vec![
                target(Dialect::Text, Transport::Lines, "127.0.0.1:4000"),
                target(Dialect::Classic, Transport::WebSocket, "[::1]:4001"),
            ],
            sources: vec!["127.0.0.2".parse().expect("an address")],
            pid: Some(7),
            readers: 1_000,
            senders: 10,
            idle: 5,
            pace: Pace::Rate(2.5),
            sizes: Sizes { min: 64, max: 1_024 },
            warm_up: Duration::from_millis(500),
            duration: Duration::from_secs(120),
            keepalive: Keepalive::Every(Duration::from_secs(7)),
            json: true,
            quiet: true,
        };
        assert_eq!(options, Ok(expected));
    }

    #[test]
    fn a_comparison_is_of_the_usual_rows_or_of_one() {
        let comparison = |args: &str| match parse(["load"].into_iter().chain(args.split_whitespace())) {
            Ok(Invocation::Compare(comparison)) => *comparison,
            other => panic!("{args}: {other:?}"),
        };
        let usual = comparison("--beside limit --quiet");
        assert_eq!((usual.beside, usual.rows.len(), usual.rounds), (Beside::Limit, 9, 8));
        assert!(usual.rows.iter().all(|row| row.quiet && (row.warm_up, row.duration) == SHORT));
        let one = comparison("--beside limit --rounds 3 --readers 7 --duration 2s");
        assert_eq!((one.rows.len(), one.rounds, one.rows[0].readers), (1, 3, 7));
        assert_eq!(one.rows[0].duration, Duration::from_secs(2));
        assert_eq!(comparison("--beside text").rows.len(), 9);
        let of_irc = comparison("--beside inspircd");
        assert_eq!(
            (of_irc.beside, of_irc.rows.len()),
            (Beside::Inspircd, 7),
            "without 1 KiB, and without 5,000 readers"
        );
        for (args, wrong) in [
            ("--beside redis", "invalid value 'redis' for '--beside <WHAT>'"),
            ("--beside limit --connect text=127.0.0.1:4000", "'--beside <WHAT>' cannot be used with"),
            ("--beside limit --pid 7", "'--beside <WHAT>' cannot be used with"),
            ("--beside classic --size 64..1024", "a line of irc has room for 400 bytes"),
            ("--connect text=127.0.0.1:4000 --rounds 3", "cannot be used with"),
        ] {
            let error = options(args).expect_err(args);
            assert!(error.contains(wrong), "{args}: {error}");
        }
    }

    #[test]
    fn everything_but_the_target_has_a_default() {
        let options_of = options("--connect text=127.0.0.1:4000").expect("enough");
        assert_eq!((options_of.readers, options_of.senders, options_of.idle), (100, 1, 0));
        assert_eq!((options_of.pace, options_of.keepalive), (Pace::Window(1_024), Keepalive::Dialect));
        assert!(options("--readers 10").is_err_and(|error| error.contains("--connect")));
    }

    #[test]
    fn errors_name_what_is_wrong() {
        for (args, mention) in [
            ("--connect 127.0.0.1:4000", "'127.0.0.1:4000' for '--connect <DIALECT=ADDR>': it must be DIALECT=ADDR"),
            ("--connect irc3=127.0.0.1:4000", "DIALECT=ADDR"),
            ("--connect irc+wss=127.0.0.1:4000", "DIALECT=ADDR"),
            ("--connect irc=127.0.0.1:6667 --size 401", "a line of irc has room for 400 bytes"),
            ("--connect text=127.0.0.1", "DIALECT=ADDR"),
            ("--window 10 --rate 10", "cannot be used with"),
            ("--window 0", "0 is not in 1.."),
            ("--rate 0", "more than 0"),
            ("--rate nan", "more than 0"),
            ("--size 20", "bytes from 21"),
            ("--size 100..99", "bytes from 21"),
            ("--duration 10", "it must be a time"),
            ("--duration 9999999h", "it must be a time"),
            ("--keepalive 0s", "or off"),
            ("--senders 262144", "262144 is not in 0..=262143"),
            ("--source localhost", "invalid IP address"),
            ("--readers", "a value is required"),
            ("--reader 5", "--help"),
            ("text=127.0.0.1:4000", "--help"),
        ] {
            let error = options(args).expect_err(args);
            assert!(error.contains(mention), "{args}: {error}");
        }
    }

    #[test]
    fn help_fits_a_terminal() {
        Arguments::command().debug_assert();
        let help = options("--help").expect_err("help");
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
    }
}
