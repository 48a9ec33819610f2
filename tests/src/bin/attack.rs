//! `attack`: many peers at once against a server that speaks `text`, and the effect on its honest clients.
//!
//! ```text
//! attack ADDR paste PEOPLE LINES LEN DEAF
//! attack ADDR flood PEOPLE LEN
//! attack ADDR whisper PEOPLE LINES LEN
//! ```

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use chat_tests::attack::{Flood, Paste, flood, paste, whisper};
use clap::{Parser, Subcommand};
use socket2::SockAddr;

/// Attacks a server that speaks text with many peers at once
#[derive(Parser)]
struct Arguments {
    /// The server, on this machine
    #[arg(value_parser = local)]
    addr: SocketAddr,
    #[command(subcommand)]
    attack: Attack,
}

#[derive(Clone, Copy, Subcommand)]
enum Attack {
    /// Everyone pastes a page at once
    Paste { people: usize, lines: usize, len: usize, deaf: usize },
    /// Everyone sends lines without end, one asks /ping
    Flood { people: usize, len: usize },
    /// Everyone sends a page of private messages to one reader
    Whisper { people: usize, lines: usize, len: usize },
}

fn main() -> ExitCode {
    let Arguments { addr, attack } = Arguments::parse();
    match run(&addr.into(), attack) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("attack: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(addr: &SockAddr, attack: Attack) -> io::Result<String> {
    let timeout = Duration::from_secs(120);
    match attack {
        Attack::Paste { people, lines, len, deaf } => {
            paste(addr, Paste { people, lines, len, deaf, readers: 3, timeout }).map(|heard| format!("{heard:?}"))
        }
        Attack::Flood { people, len } => {
            let before = Duration::from_secs(12);
            flood(addr, Flood { people, len, pings: 200, before, timeout }).map(|took| {
                let at = |part: usize| took.get(took.len() * part / 100).or(took.last());
                format!("{} pings, p50 {:?}, p99 {:?}, most {:?}", took.len(), at(50), at(99), took.last())
            })
        }
        Attack::Whisper { people, lines, len } => {
            whisper(addr, people, lines, len).map(|(told, refused)| format!("{told} arrived, {refused} refused"))
        }
    }
}

fn local(text: &str) -> Result<SocketAddr, &'static str> {
    let addr: SocketAddr = text.parse().map_err(|_| "it must be IP:PORT")?;
    if addr.ip().is_loopback() { Ok(addr) } else { Err("only servers on this machine are attacked") }
}
