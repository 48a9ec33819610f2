//! The options of the soak.

use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Parser, ValueEnum};

use crate::load::Target;

/// Soaks a chat server with hostile clients and reports how it held up.
#[derive(Debug, Parser)]
#[command(name = "soak", max_term_width = 80, after_help = AFTER_HELP, override_usage = USAGE)]
struct Arguments {
    /// Start this adapter in a process of its own
    #[arg(long, value_name = "smol|std", default_value_t = Adapter::Smol, hide_possible_values = true)]
    #[arg(conflicts_with_all = ["connect", "pid"])]
    adapter: Adapter,

    /// Instead of that: a server that runs already, such as text=127.0.0.1:4000. Several times if it speaks several
    /// dialects
    #[arg(long, value_name = "DIALECT=ADDR", requires = "pid")]
    connect: Vec<Target>,

    /// That server's process, on this machine
    #[arg(long, value_name = "N", requires = "connect")]
    pid: Option<u32>,

    /// Hostile clients at once
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    clients: usize,

    /// How long, such as 10 or 0.5
    #[arg(long, value_name = "N", default_value = "10", value_parser = minutes)]
    minutes: Duration,

    /// Which hostile clients do what when
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Be the server of a soak for --adapter and --clients: print where it listens, and serve until standard input ends
    #[arg(long, conflicts_with_all = ["connect", "pid"])]
    serve: bool,
}

const USAGE: &str = "soak [--adapter smol|std] [OPTIONS]\n       soak --connect DIALECT=ADDR --pid N [OPTIONS]";

const AFTER_HELP: &str = "\
Hostile clients never read, send a byte every few seconds, flood, rename
themselves, ask who is there in a loop, whisper to those who do not read, send
rubbish, connect and reset, close half of a connection, leave and come back. A
few honest clients talk among them and check what they hear.

A row is printed every minute: the sessions that are open, how many were opened
in all, the lines that honest clients heard in all, and what the server's
process uses.

Exit status: 0 if the server's memory stayed flat, the honest clients missed
nothing, and once all were gone nothing of them was left; 1 if not; 2 if the
options are wrong.";

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The server under test.
    pub server: ServerChoice,
    /// Hostile clients at once.
    pub clients: usize,
    /// How long.
    pub duration: Duration,
    /// The seed of random numbers.
    pub seed: u64,
}

/// The server under test.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerChoice {
    /// An adapter in a process of its own.
    Start(Adapter),
    /// A server that is running already.
    Running {
        /// Where it listens; at least one.
        targets: Vec<Target>,
        /// Its process.
        pid: u32,
    },
}

/// An adapter of this project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Adapter {
    /// `chat-smol`
    Smol,
    /// `chat-std`
    Std,
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Smol => "smol",
            Self::Std => "std",
        })
    }
}

/// What the arguments ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Invocation {
    /// To run a soak.
    Run(Options),
    /// To be the server.
    Serve {
        /// Which one.
        adapter: Adapter,
        /// For how many hostile clients.
        clients: usize,
    },
}

/// Reads the arguments, the program's own name in front.
///
/// # Errors
///
/// An argument that is no option, one with a wrong value, or a server without its address or process; or the help,
/// which is to be printed.
pub fn parse(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Invocation, clap::Error> {
    let Arguments { adapter, connect: targets, pid, clients, minutes: duration, seed, serve } =
        Arguments::try_parse_from(args)?;
    if serve {
        return Ok(Invocation::Serve { adapter, clients });
    }
    let server = pid.map_or(ServerChoice::Start(adapter), |pid| ServerChoice::Running { targets, pid });
    Ok(Invocation::Run(Options { server, clients, duration, seed }))
}

fn minutes(text: &str) -> Result<Duration, &'static str> {
    let minutes = text.parse::<f64>().ok().and_then(|minutes| Duration::try_from_secs_f64(minutes * 60.0).ok());
    minutes.filter(|duration| !duration.is_zero()).ok_or("it must be minutes, more than 0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &str) -> Result<Invocation, String> {
        parse(["soak"].into_iter().chain(args.split_whitespace())).map_err(|error| error.to_string())
    }

    #[test]
    fn every_option_is_read() {
        let started = Options {
            server: ServerChoice::Start(Adapter::Std),
            clients: 50,
            duration: Duration::from_secs(30),
            seed: 7,
        };
        assert_eq!(parsed("--adapter std --clients 50 --minutes 0.5 --seed 7"), Ok(Invocation::Run(started.clone())));
        let targets = vec!["text=127.0.0.1:4000".parse().expect("a target")];
        let running = Options { server: ServerChoice::Running { targets, pid: 9 }, ..started };
        assert_eq!(
            parsed("--connect text=127.0.0.1:4000 --pid 9 --clients 50 --minutes 0.5 --seed 7"),
            Ok(Invocation::Run(running))
        );
        assert_eq!(parsed("--serve --clients 3"), Ok(Invocation::Serve { adapter: Adapter::Smol, clients: 3 }));
        let help = parsed("--help").expect_err("help");
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
    }

    #[test]
    fn errors_name_what_is_wrong() {
        for (args, mention) in [
            ("--adapter tokio", "[possible values: smol, std]"),
            ("--connect text=127.0.0.1:4000", "--pid <N>"),
            ("--pid 7", "--connect <DIALECT=ADDR>"),
            ("--adapter smol --connect text=127.0.0.1:4000 --pid 7", "cannot be used with"),
            ("--serve --connect text=127.0.0.1:4000 --pid 7", "cannot be used with"),
            ("--connect irc3=127.0.0.1:4000 --pid 7", "DIALECT=ADDR"),
            ("--clients 0", "0 is not in 1.."),
            ("--minutes 0", "more than 0"),
            ("--minutes=-1", "more than 0"),
            ("--hours 1", "--help"),
        ] {
            let error = parsed(args).expect_err(args);
            assert!(error.contains(mention), "{args}: {error}");
        }
    }
}
