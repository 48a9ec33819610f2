//! The options of the soak.

use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use lexopt::prelude::*;

use crate::load::Target;
use crate::usage::{TARGET, UsageError, plain, value};

/// What `--help` prints.
pub const HELP: &str = "\
Plagues a chat server with hostile clients and watches what becomes of it.

Usage: soak [--adapter smol|std] [OPTIONS]
       soak --connect DIALECT=ADDR --pid N [OPTIONS]

  --adapter smol|std      Start this adapter in a process of its own
                          [default: smol]
  --connect DIALECT=ADDR  Instead of that: a server that runs already, such as
                          text=127.0.0.1:4000. Several times if it speaks
                          several dialects.
  --pid N                 That server's process, on this machine
  --clients N             Hostile clients at once [default: 2000]
  --minutes N             How long, such as 10 or 0.5 [default: 10]
  --seed N                Which hostile clients do what when [default: 1]
  --serve                 Be the server of a soak for --adapter and --clients:
                          print where it listens, and serve until standard
                          input ends
  --help                  This; -h does the same

Hostile clients never read, send a byte every few seconds, flood, rename
themselves, ask who is there in a loop, whisper to those who do not read, send
rubbish, connect and reset, close half of a connection, leave and come back. A
few honest clients talk among them and check what they hear.

A row is printed every minute: the sessions that are open, how many were opened
in all, the lines that honest clients heard in all, and what the server's process
uses.

Exit status: 0 if the server's memory stayed flat, the honest clients missed
nothing, and once all were gone nothing of them was left; 1 if not; 2 if the
options are wrong.
";

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Whom to plague.
    pub server: ServerChoice,
    /// Hostile clients at once.
    pub clients: usize,
    /// How long.
    pub duration: Duration,
    /// What chance begins with.
    pub seed: u64,
}

/// Whom to plague.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerChoice {
    /// An adapter in a process of its own.
    Start(Adapter),
    /// One that runs already.
    Running {
        /// Where it listens; at least one.
        targets: Vec<Target>,
        /// Its process.
        pid: u32,
    },
}

/// An adapter of this project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adapter {
    /// `chat-smol`.
    Smol,
    /// `chat-std`.
    Std,
}

impl FromStr for Adapter {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "smol" => Ok(Self::Smol),
            "std" => Ok(Self::Std),
            _ => Err(()),
        }
    }
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
    /// To plague a server.
    Run(Options),
    /// To be the server.
    Serve {
        /// Which one.
        adapter: Adapter,
        /// For how many hostile clients.
        clients: usize,
    },
    /// To print [`HELP`].
    Help,
}

/// Reads the arguments, without the program's own name in front.
///
/// # Errors
///
/// An argument that is no option, one with a wrong value, or a server that is only half told.
pub fn parse(args: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Invocation, UsageError> {
    let (mut adapter, mut targets, mut pid, mut is_server) = (None, Vec::new(), None, false);
    let (mut clients, mut duration, mut seed) = (2_000, Duration::from_secs(600), 1);
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(option) = parser.next()? {
        match option {
            Long("adapter") => adapter = Some(value(&mut parser, "adapter", "smol or std", plain)?),
            Long("connect") => targets.push(value(&mut parser, "connect", TARGET, plain)?),
            Long("pid") => pid = Some(value(&mut parser, "pid", "a process id", plain)?),
            Long("clients") => clients = value(&mut parser, "clients", "a number from 1 to 100000", count)?,
            Long("minutes") => duration = value(&mut parser, "minutes", "minutes, more than 0", minutes)?,
            Long("seed") => seed = value(&mut parser, "seed", "a number", plain)?,
            Long("serve") => is_server = true,
            Long("help") | Short('h') => return Ok(Invocation::Help),
            _ => return Err(option.unexpected().into()),
        }
    }
    let server = match (adapter, pid) {
        (adapter, None) if targets.is_empty() => ServerChoice::Start(adapter.unwrap_or(Adapter::Smol)),
        (None, Some(pid)) if !targets.is_empty() => ServerChoice::Running { targets, pid },
        _ => return Err(UsageError::Combination(SERVER)),
    };
    match server {
        ServerChoice::Start(adapter) if is_server => Ok(Invocation::Serve { adapter, clients }),
        ServerChoice::Running { .. } if is_server => Err(UsageError::Combination(SERVER)),
        server => Ok(Invocation::Run(Options { server, clients, duration, seed })),
    }
}

const SERVER: &str = "give either --adapter, or both --connect and --pid";

fn count(text: &str) -> Option<usize> {
    plain(text).filter(|count| (1..=100_000).contains(count))
}

fn minutes(text: &str) -> Option<Duration> {
    let minutes: f64 = plain(text)?;
    Duration::try_from_secs_f64(minutes * 60.0).ok().filter(|duration| !duration.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &str) -> Result<Invocation, String> {
        parse(args.split_whitespace()).map_err(|error| error.to_string())
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
        assert_eq!(parsed("--help"), Ok(Invocation::Help));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (args, mention) in [
            ("--adapter tokio", "--adapter tokio: it must be smol or std"),
            ("--connect text=127.0.0.1:4000", "both --connect and --pid"),
            ("--pid 7", "both --connect and --pid"),
            ("--adapter smol --connect text=127.0.0.1:4000 --pid 7", "either --adapter"),
            ("--serve --connect text=127.0.0.1:4000 --pid 7", "either --adapter"),
            ("--connect irc=127.0.0.1:4000 --pid 7", "DIALECT=ADDR"),
            ("--clients 0", "from 1"),
            ("--minutes 0", "more than 0"),
            ("--minutes -1", "more than 0"),
            ("--hours 1", "--help"),
        ] {
            let error = parsed(args).expect_err(args);
            assert!(error.contains(mention), "{args}: {error}");
        }
    }
}
