//! The options of the load tool.

use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

use lexopt::prelude::*;

use super::dialect::Dialect;
use super::wire::{HEADER, MAX_SENDERS, Sizes};
use crate::usage::{TARGET, UsageError, plain, value};

/// What `--help` prints.
pub const HELP: &str = "\
Loads a chat server and measures it: throughput, latency, and whether everything
arrives once and in order.

Usage: load --connect DIALECT=ADDR [OPTIONS]
       load --beside limit [OPTIONS]

Whom:
  --connect DIALECT=ADDR  A server to load, such as text=127.0.0.1:4000 or
                          classic=chat.example:4001. Several times: readers and
                          senders are spread over them, which is how one server
                          is loaded in both dialects. There is no default.
  --source IP             Connect from this address of this machine. Several
                          times: from each in turn, since one address has some
                          28,000 ports. Without it a server on 127.0.0.1 is
                          connected to from as many of 127.0.0.* as needed.
  --beside limit          Instead of all that: build and start both servers of
                          this project and limit, about the least that such a
                          server can do, load them in turn, and print medians
                          and the medians of their ratios to limit. Without
                          other options it measures the rows of PERFORMANCE.md,
                          which takes some minutes; with any of --readers,
                          --senders, --window, --rate and --size one row.
  --rounds N              How often each is loaded for that [default: 8]
  --pid N                 The server's process, if it runs on this machine: its
                          processor time and memory are measured, too.

How much:
  --readers N             Sessions that read [default: 100]
  --senders N             Sessions that send, and read what the others send
                          [default: 1]
  --idle N                Further sessions that are silent; what they are sent
                          is thrown away [default: 0]
  --window N              Send as fast as it goes, but have at most N messages
                          on their way to the slowest reader [default: 1024]
  --rate N                Instead of that: send N messages a second, all senders
                          together, whether or not the server keeps up. Latency
                          counts from when a message was due.
  --size BYTES[..BYTES]   The size of messages, or of the shortest and the
                          longest [default: 64]

How long:
  --warmup TIME           Before the measurement [default: 2s; 300ms --beside
                          limit]
  --duration TIME         The measurement [default: 10s; 1200ms --beside limit]
  --keepalive TIME|off    How often a session sends an empty line, lest the
                          server take it for dead [default: classic 5s, text
                          200s]

What is told:
  --json                  A JSON object instead of a table on standard output
  --quiet                 No progress on standard error
  --help                  This; -h does the same

A TIME is as in 500ms, 15s, 10m or 2h. A server of this project lets a session
say 20 lines a second unless it is started with --rate off.

Exit status: 0 if everything arrived once and in order and nobody was
disconnected; 1 if not, or if there was nothing to be connected to; 2 if the
options are wrong.
";

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
    /// Sessions that are silent and not looked at.
    pub idle: usize,
    /// When messages are sent.
    pub pace: Pace,
    /// How long messages are.
    pub sizes: Sizes,
    /// How long to wait until all is as it will be.
    pub warm_up: Duration,
    /// How long to measure.
    pub duration: Duration,
    /// How often silent sessions send an empty line.
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
    /// Where it is.
    pub addr: SocketAddr,
}

impl FromStr for Target {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (dialect, addr) = text.split_once('=').ok_or(())?;
        let addr = addr.to_socket_addrs().map_err(|_| ())?.next().ok_or(())?;
        Ok(Self { dialect: dialect.parse()?, addr })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.dialect, self.addr)
    }
}

/// When messages are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// When fewer than that many have not reached the slowest reader: a closed loop.
    Window(u64),
    /// So many a second: an open loop.
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

/// How often silent sessions send an empty line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keepalive {
    /// As often as the dialect's default timeout asks for.
    Dialect,
    /// So often.
    Every(Duration),
    /// Never.
    Never,
}

/// What is compared, and how often.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
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
    /// To compare this project's servers with `limit`.
    Compare(Box<Comparison>),
    /// To print [`HELP`].
    Help,
}

/// Reads the arguments, without the program's own name in front.
///
/// # Errors
///
/// An argument that is no option, or one with a wrong value. Host names are looked up, which can fail.
pub fn parse(args: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Invocation, UsageError> {
    let mut options = Options {
        targets: Vec::new(),
        sources: Vec::new(),
        pid: None,
        readers: 100,
        senders: 1,
        idle: 0,
        pace: Pace::Window(1_024),
        sizes: Sizes { min: 64, max: 64 },
        warm_up: Duration::from_secs(2),
        duration: Duration::from_secs(10),
        keepalive: Keepalive::Dialect,
        json: false,
        quiet: false,
    };
    let (mut window, mut rate) = (None, None);
    let (mut is_comparison, mut rounds) = (false, None);
    let (mut warm_up, mut duration, mut is_row_given) = (None, None, false);
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(option) = parser.next()? {
        is_row_given |= matches!(option, Long("readers" | "senders" | "window" | "rate" | "size"));
        match option {
            Long("beside") => is_comparison = value(&mut parser, "beside", "limit", beside)?,
            Long("rounds") => rounds = Some(value(&mut parser, "rounds", ROUNDS, round_count)?),
            Long("connect") => options.targets.push(value(&mut parser, "connect", TARGET, plain)?),
            Long("source") => options.sources.push(value(&mut parser, "source", "an IP address", plain)?),
            Long("pid") => options.pid = Some(value(&mut parser, "pid", "a process id", plain)?),
            Long("readers") => options.readers = value(&mut parser, "readers", COUNT, count)?,
            Long("senders") => options.senders = value(&mut parser, "senders", SENDERS, senders)?,
            Long("idle") => options.idle = value(&mut parser, "idle", COUNT, count)?,
            Long("window") => window = Some(value(&mut parser, "window", WINDOW, window_size)?),
            Long("rate") => rate = Some(value(&mut parser, "rate", RATE, rate_per_second)?),
            Long("size") => options.sizes = value(&mut parser, "size", SIZE, sizes)?,
            Long("warmup") => warm_up = Some(value(&mut parser, "warmup", TIME, time)?),
            Long("duration") => duration = Some(value(&mut parser, "duration", TIME, time)?),
            Long("keepalive") => options.keepalive = value(&mut parser, "keepalive", "a time or off", keepalive)?,
            Long("json") => options.json = true,
            Long("quiet") => options.quiet = true,
            Long("help") | Short('h') => return Ok(Invocation::Help),
            _ => return Err(option.unexpected().into()),
        }
    }
    options.pace = match (window, rate) {
        (None, None) => options.pace,
        (Some(window), None) => Pace::Window(window),
        (None, Some(rate)) => Pace::Rate(rate),
        (Some(_), Some(_)) => return Err(UsageError::Combination("--window and --rate exclude each other")),
    };
    let (usual_warm_up, usual_duration) = if is_comparison { SHORT } else { (options.warm_up, options.duration) };
    options.warm_up = warm_up.unwrap_or(usual_warm_up);
    options.duration = duration.unwrap_or(usual_duration);
    match (options.targets.is_empty(), is_comparison) {
        (true, false) => Err(UsageError::Combination(NO_TARGET)),
        (false, true) => Err(UsageError::Combination("--connect and --beside exclude each other")),
        (false, false) if rounds.is_some() => Err(UsageError::Combination("--rounds needs --beside limit")),
        (false, false) => Ok(Invocation::Run(Box::new(options))),
        (true, true) if options.pid.is_some() => Err(UsageError::Combination("--pid and --beside exclude each other")),
        (true, true) => {
            let rows = if is_row_given { vec![options] } else { usual_rows(&options) };
            Ok(Invocation::Compare(Box::new(Comparison { rows, rounds: rounds.unwrap_or(ROUNDS_USUAL) })))
        }
    }
}

/// The rows of PERFORMANCE.md, with all other options as they are.
fn usual_rows(options: &Options) -> Vec<Options> {
    let row = |senders, readers, size, pace| Options {
        senders,
        readers,
        sizes: Sizes { min: size, max: size },
        pace,
        ..options.clone()
    };
    let wide = Pace::Window(1_024);
    vec![
        row(1, 10, 64, wide),
        row(1, 100, 64, wide),
        row(1, 1_000, 64, wide),
        row(1, 5_000, 64, wide),
        row(10, 1_000, 64, wide),
        row(1, 100, 1_024, wide),
        row(1, 1_000, 64, Pace::Window(1)),
        row(1, 100, 64, Pace::Rate(1_000.0)),
        row(1, 1_000, 64, Pace::Rate(100.0)),
    ]
}

/// Warming up and measuring in a comparison.
const SHORT: (Duration, Duration) = (Duration::from_millis(300), Duration::from_millis(1_200));
const ROUNDS_USUAL: usize = 8;
const ROUNDS: &str = "a number from 1 to 1000";

const NO_TARGET: &str = "which server? name it, as in --connect text=127.0.0.1:4000";
const COUNT: &str = "a number up to 1000000";
const SENDERS: &str = "a number up to 262143";
const WINDOW: &str = "a number from 1 to 1000000";
const RATE: &str = "messages a second, more than 0";
const SIZE: &str = "bytes from 21 to 1000000, such as 64 or 64..1024";
const TIME: &str = "a time such as 500ms, 15s, 10m or 2h";

/// There is but one program to be compared with.
fn beside(text: &str) -> Option<bool> {
    (text == "limit").then_some(true)
}

fn round_count(text: &str) -> Option<usize> {
    plain(text).filter(|count| (1..=1_000).contains(count))
}

fn count(text: &str) -> Option<usize> {
    plain(text).filter(|count| *count <= 1_000_000)
}

fn senders(text: &str) -> Option<usize> {
    count(text).filter(|count| *count <= MAX_SENDERS)
}

fn window_size(text: &str) -> Option<u64> {
    plain(text).filter(|size| (1..=1_000_000).contains(size))
}

fn rate_per_second(text: &str) -> Option<f64> {
    plain(text).filter(|rate| *rate > 0.0 && *rate <= 1e9)
}

fn sizes(text: &str) -> Option<Sizes> {
    let (min, max) = text.split_once("..").unwrap_or((text, text));
    let sizes = Sizes { min: plain(min)?, max: plain(max)? };
    (HEADER <= sizes.min && sizes.min <= sizes.max && sizes.max <= 1_000_000).then_some(sizes)
}

fn time(text: &str) -> Option<Duration> {
    crate::usage::time(text).ok()
}

fn keepalive(text: &str) -> Option<Keepalive> {
    if text == "off" { Some(Keepalive::Never) } else { time(text).filter(|time| !time.is_zero()).map(Keepalive::Every) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(args: &str) -> Result<Options, String> {
        match parse(args.split_whitespace()) {
            Ok(Invocation::Run(options)) => Ok(*options),
            Ok(Invocation::Compare(_)) => Err("a comparison".into()),
            Ok(Invocation::Help) => Err("help".into()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn every_option_is_read() {
        let options = options(
            "--connect text=127.0.0.1:4000 --connect classic=[::1]:4001 --source 127.0.0.2 --pid 7 --readers 1000 \
             --senders 10 --idle 5 --rate 2.5 --size 64..1024 --warmup 500ms --duration 2m --keepalive 7s --json --quiet",
        );
        let target = |dialect, addr: &str| Target { dialect, addr: addr.parse().expect("an address") };
        let expected = Options {
            targets: vec![target(Dialect::Text, "127.0.0.1:4000"), target(Dialect::Classic, "[::1]:4001")],
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
        let comparison = |args: &str| match parse(args.split_whitespace()) {
            Ok(Invocation::Compare(comparison)) => *comparison,
            other => panic!("{args}: {other:?}"),
        };
        let usual = comparison("--beside limit --quiet");
        assert_eq!((usual.rows.len(), usual.rounds), (9, 8));
        assert!(usual.rows.iter().all(|row| row.quiet && (row.warm_up, row.duration) == SHORT));
        let one = comparison("--beside limit --rounds 3 --readers 7 --duration 2s");
        assert_eq!((one.rows.len(), one.rounds, one.rows[0].readers), (1, 3, 7));
        assert_eq!(one.rows[0].duration, Duration::from_secs(2));
        for (args, wrong) in [
            ("--beside redis", "--beside redis: it must be limit"),
            ("--beside limit --connect text=127.0.0.1:4000", "--connect and --beside exclude each other"),
            ("--beside limit --pid 7", "--pid and --beside exclude each other"),
            ("--connect text=127.0.0.1:4000 --rounds 3", "--rounds needs --beside limit"),
        ] {
            assert_eq!(options(args), Err(wrong.to_owned()));
        }
    }

    #[test]
    fn most_has_a_default_but_not_whom_to_load() {
        let options_of = options("--connect text=127.0.0.1:4000").expect("enough");
        assert_eq!((options_of.readers, options_of.senders, options_of.idle), (100, 1, 0));
        assert_eq!((options_of.pace, options_of.keepalive), (Pace::Window(1_024), Keepalive::Dialect));
        assert!(options("--readers 10").is_err_and(|error| error.contains("--connect")));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (args, mention) in [
            ("--connect 127.0.0.1:4000", "--connect 127.0.0.1:4000: it must be DIALECT=ADDR"),
            ("--connect irc=127.0.0.1:4000", "DIALECT=ADDR"),
            ("--connect text=127.0.0.1", "DIALECT=ADDR"),
            ("--window 10 --rate 10", "exclude each other"),
            ("--window 0", "--window 0: it must be a number from 1"),
            ("--rate 0", "more than 0"),
            ("--rate nan", "more than 0"),
            ("--size 20", "bytes from 21"),
            ("--size 100..99", "bytes from 21"),
            ("--duration 10", "--duration 10: it must be a time"),
            ("--duration 9999999h", "it must be a time"),
            ("--keepalive 0s", "a time or off"),
            ("--senders 262144", "up to 262143"),
            ("--source localhost", "an IP address"),
            ("--readers", "missing argument"),
            ("--reader 5", "--help"),
            ("text=127.0.0.1:4000", "--help"),
        ] {
            let error = options(args).expect_err(args);
            assert!(error.contains(mention), "{args}: {error}");
        }
    }

    #[test]
    fn help_names_every_option() {
        assert_eq!(options("--help"), Err("help".into()));
        assert_eq!(options("--connect text=127.0.0.1:1 -h"), Err("help".into()));
        for option in HELP.split_whitespace().filter(|word| word.starts_with("--")) {
            let option = option.trim_end_matches([',', '.']);
            let known = parse([option]).map_err(|error| error.to_string());
            assert!(!known.is_err_and(|error| error.contains("invalid option")), "{option}");
        }
    }
}
