//! `threads`: chat-std's server as a program, which the tests of programs and `load --beside limit` compare with
//! `chat-server`. It has the options that those two need, with the same meaning as in chat-server.

use std::error::Error;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::process::{self, ExitCode};
use std::time::Duration;
use std::{io, thread};

use chat_proto::{Config, DialectConfig, NameRules, Rate};
use chat_std::{Handle, Server};
use chat_tests::usage::time;
use clap::{Parser, ValueEnum};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tracing_subscriber::EnvFilter;

/// Serves chat on plain threads, to be compared with chat-server
#[derive(Debug, Parser)]
struct Options {
    #[arg(long, value_name = "DIALECT=IP:PORT", required = true, value_parser = listener)]
    listen: Vec<(String, SocketAddr)>,
    #[arg(long, value_name = "N", default_value_t = Config::default().max_sessions)]
    max_sessions: usize,
    #[arg(long, value_name = "BYTES", default_value_t = Config::default().max_line)]
    max_line: usize,
    #[arg(long, value_name = "RULES", default_value = "strict")]
    names: Names,
    #[arg(long, value_name = "N/s:BURST|off", default_value = "20/s:100", value_parser = rate)]
    rate: OrOff<Rate>,
    #[arg(long, value_name = "off", value_parser = off)]
    pace: Option<()>,
    #[arg(long, value_name = "N")]
    backlog: Option<usize>,
    #[arg(long, value_name = "[DIALECT=]TIME|off", value_parser = idle_timeout)]
    idle_timeout: Vec<IdleTimeout>,
    #[arg(long, value_name = "TIME|off", default_value = "30s", value_parser = time_or_off)]
    stall_timeout: OrOff<Duration>,
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = time)]
    linger_timeout: Duration,
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: EnvFilter,
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

/// A limit, which may be off.
#[derive(Clone, Debug)]
struct OrOff<T>(Option<T>);

#[derive(Clone, Debug)]
struct IdleTimeout {
    /// `None`: all.
    dialect: Option<String>,
    timeout: OrOff<Duration>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Names {
    Strict,
    Loose,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

fn main() -> ExitCode {
    match serve(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("threads: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(options: Options) -> Result<(), Box<dyn Error>> {
    let config = config(&options);
    let log = tracing_subscriber::fmt().with_env_filter(options.log).with_writer(io::stderr);
    match options.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    // Before the server announces itself: a signal sent right after that is caught.
    let signals = Signals::new([SIGINT, SIGTERM])?;
    let mut server = Server::new(config)?;
    for (dialect, addr) in options.listen {
        println!("listening {dialect} {}", server.listen(&dialect, addr)?);
    }
    let handle = server.handle();
    thread::spawn(move || obey(signals, &handle));
    Ok(server.run()?)
}

fn config(options: &Options) -> Config {
    let mut config = Config {
        max_sessions: options.max_sessions,
        max_line: options.max_line,
        names: match options.names {
            Names::Strict => NameRules::Strict,
            Names::Loose => NameRules::Loose,
        },
        rate: options.rate.0,
        stall_timeout: options.stall_timeout.0,
        linger_timeout: options.linger_timeout,
        ..Config::default()
    };
    if options.pace.is_some() {
        config.pace = None;
    }
    for DialectConfig { dialect, idle_timeout, backlog, .. } in &mut config.dialects {
        *backlog = options.backlog.unwrap_or(*backlog);
        for IdleTimeout { dialect: only, timeout } in &options.idle_timeout {
            if only.as_ref().is_none_or(|only| only == dialect.name()) {
                *idle_timeout = timeout.0;
            }
        }
    }
    config
}

/// Shuts down at the first signal, and ends the process at the second.
fn obey(mut signals: Signals, handle: &Handle) {
    let mut shutting_down = false;
    for signal in signals.forever() {
        if shutting_down {
            process::exit(128 + signal);
        }
        handle.shut_down();
        shutting_down = true;
    }
}

fn listener(text: &str) -> Result<(String, SocketAddr), Box<dyn Error + Send + Sync>> {
    let (dialect, addr) = text.split_once('=').ok_or("it must be DIALECT=IP:PORT")?;
    Ok((dialect.into(), addr.parse()?))
}

fn rate(text: &str) -> Result<OrOff<Rate>, Box<dyn Error + Send + Sync>> {
    if text == "off" {
        return Ok(OrOff(None));
    }
    let (per_second, burst) = text.split_once("/s:").ok_or("it must be as in 20/s:100, or off")?;
    let [per_second, burst] = [per_second.parse::<NonZeroU32>()?, burst.parse()?];
    Ok(OrOff(Some(Rate { per_second, burst })))
}

fn off(text: &str) -> Result<(), &'static str> {
    if text == "off" { Ok(()) } else { Err("it must be off") }
}

fn time_or_off(text: &str) -> Result<OrOff<Duration>, &'static str> {
    if text == "off" { Ok(OrOff(None)) } else { time(text).map(|time| OrOff(Some(time))) }
}

fn idle_timeout(text: &str) -> Result<IdleTimeout, &'static str> {
    let (dialect, time) = text.split_once('=').map_or((None, text), |(dialect, time)| (Some(dialect.into()), time));
    Ok(IdleTimeout { dialect, timeout: time_or_off(time)? })
}
