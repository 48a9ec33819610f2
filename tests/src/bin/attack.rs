//! `attack`: what many peers at once do to a server that speaks `text`, and to the honest ones among them.
//!
//! ```text
//! attack ADDR paste PEOPLE LINES LEN DEAF
//! attack ADDR flood PEOPLE LEN
//! attack ADDR whisper PEOPLE LINES LEN
//! ```

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use chat_tests::attack::{Flood, Paste, flood, paste, whisper};
use socket2::SockAddr;

const USAGE: &str = "\
attack ADDR paste PEOPLE LINES LEN DEAF   everyone pastes a page at once
attack ADDR flood PEOPLE LEN              everyone talks without end, one asks /ping
attack ADDR whisper PEOPLE LINES LEN      everyone whispers a page to one";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
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

fn run(args: &[String]) -> Result<String, String> {
    let [addr, what, numbers @ ..] = args else { return Err(USAGE.into()) };
    let addr: SocketAddr = addr.parse().map_err(|error| format!("{addr}: {error}"))?;
    if !addr.ip().is_loopback() {
        return Err(format!("{addr}: only servers on this machine are attacked"));
    }
    let addr = SockAddr::from(addr);
    let numbers: Vec<usize> =
        numbers.iter().map(|number| number.parse().map_err(|_| USAGE)).collect::<Result<_, _>>()?;
    let timeout = Duration::from_secs(120);
    let report = match (what.as_str(), numbers.as_slice()) {
        ("paste", &[people, lines, len, deaf]) => {
            paste(&addr, Paste { people, lines, len, deaf, readers: 3, timeout }).map(|heard| format!("{heard:?}"))
        }
        ("flood", &[people, len]) => {
            let before = Duration::from_secs(12);
            flood(&addr, Flood { people, len, pings: 200, before, timeout }).map(|took| {
                let at = |part: usize| took.get(took.len() * part / 100).or(took.last());
                format!("{} pings, p50 {:?}, p99 {:?}, most {:?}", took.len(), at(50), at(99), took.last())
            })
        }
        ("whisper", &[people, lines, len]) => {
            whisper(&addr, people, lines, len).map(|(told, refused)| format!("{told} arrived, {refused} refused"))
        }
        _ => return Err(USAGE.into()),
    };
    report.map_err(|error| error.to_string())
}
