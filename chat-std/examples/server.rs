//! A chat server on plain threads with a few options; `--help` lists them. The program with all of them is chat-smol's.
//!
//! ```text
//! cargo run --release -p chat-std --example server
//! ```

use std::error::Error;
use std::fmt::Display;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;
use std::{io, process, thread};

use chat_proto::dialect::Irc;
use chat_proto::{DialectConfig, Rate};
use chat_std::{Config, Server};
use clap::Parser;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// A chat server on plain threads
#[derive(Parser)]
struct Options {
    /// Serve a dialect on an address; may be given several times
    #[arg(long, value_name = "DIALECT=IP:PORT", value_parser = for_dialect::<SocketAddr>)]
    #[arg(default_values = ["text=127.0.0.1:4000", "classic=127.0.0.1:4001", "irc=127.0.0.1:6667"])]
    listen: Vec<(String, SocketAddr)>,
    /// Sessions at once
    #[arg(long, value_name = "N", default_value_t = Config::default().max_sessions)]
    max_sessions: usize,
    /// Lines a second from one session, and how many at once
    #[arg(long, value_name = "N/s:BURST|off", default_value = "20/s:100", value_parser = rate)]
    rate: OrOff<Rate>,
    /// Bytes a second that a reader has to take to be waited for
    #[arg(long, value_name = "BYTES|off", default_value = "1048576")]
    pace: OrOff<usize>,
    /// How long a session may send no complete line
    #[arg(long, value_name = "DIALECT=TIME|off", value_parser = for_dialect::<OrOff<humantime::Duration>>)]
    #[arg(default_values = ["text=10m", "classic=15s", "irc=4m"])]
    idle_timeout: Vec<(String, OrOff<humantime::Duration>)>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    tracing_subscriber::fmt().with_writer(io::stderr).init();

    let mut config =
        Config { max_sessions: options.max_sessions, rate: options.rate.0, pace: options.pace.0, ..Config::default() };
    config.dialects.push(DialectConfig::new(Irc::default()));
    for (dialect, OrOff(timeout)) in options.idle_timeout {
        let known = config.dialects.iter_mut().find(|known| known.dialect.name() == dialect);
        known.ok_or_else(|| format!("there is no dialect {dialect}"))?.idle_timeout = timeout.map(Duration::from);
    }
    let mut server = Server::new(config)?;
    for (dialect, addr) in options.listen {
        println!("listening {dialect} {}", server.listen(&dialect, addr)?);
    }

    let handle = server.handle();
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(move || {
        let mut signals = signals.forever();
        // The first shuts down, the second ends the process at once.
        signals.next();
        handle.shut_down();
        process::exit(128 + signals.next().unwrap_or_default());
    });
    server.run()?;
    Ok(())
}

/// A limit, which may be off.
#[derive(Clone)]
struct OrOff<T>(Option<T>);

impl<T: FromStr> FromStr for OrOff<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        if text == "off" { Ok(Self(None)) } else { text.parse().map(|value| Self(Some(value))) }
    }
}

fn rate(text: &str) -> Result<OrOff<Rate>, Box<dyn Error + Send + Sync>> {
    if text == "off" {
        return Ok(OrOff(None));
    }
    let (per_second, burst) = text.split_once("/s:").ok_or("it must be as 20/s:100, or off")?;
    Ok(OrOff(Some(Rate { per_second: per_second.parse()?, burst: burst.parse()? })))
}

fn for_dialect<T: FromStr<Err: Display>>(text: &str) -> Result<(String, T), String> {
    let (dialect, value) = text.split_once('=').ok_or("it must be DIALECT=VALUE")?;
    Ok((dialect.into(), value.parse().map_err(|error: T::Err| error.to_string())?))
}
