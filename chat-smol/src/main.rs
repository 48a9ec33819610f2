//! `chat-server`: serves one conversation from the command line; `--help` says how.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::process::{self, ExitCode};
use std::{env, thread};

use async_signal::{Signal, Signals};
use chat_proto::cli::{
    self, DescriptorLimit, Failure, Invocation, ListenAddr, ListenerSpec, LogFormat, Options, Program, UsageError,
};
use chat_smol::{Handle, Server};
use futures_lite::StreamExt;
use futures_lite::future::block_on;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing_subscriber::EnvFilter;

const PROGRAM: Program = Program {
    name: env!("CARGO_BIN_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    unix_sockets: true,
    memory_bound: Server::memory_bound,
};

fn main() -> ExitCode {
    let done = match cli::parse(&PROGRAM, env::args_os().skip(1)) {
        Ok(Invocation::Serve(options)) => serve(*options),
        Ok(Invocation::Print(text)) => cli::print(io::stdout(), &text),
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // That nobody reads it does not change the status.
            let _ = writeln!(io::stderr(), "{}: {failure}", PROGRAM.name);
            ExitCode::from(failure.status())
        }
    }
}

fn serve(options: Options) -> Result<(), Failure> {
    start_log(&options)?;
    raise_descriptor_limit(&options);
    // Before anybody can know that the server is up: a signal that comes at once is heard, too.
    let signals = Signals::new([Signal::Int, Signal::Term])
        .map_err(|error| Failure::System { doing: "listen for signals", error })?;

    let mut server = Server::new(options.config)?;
    server.exempt(options.exempt);
    let mut listening = Vec::new();
    for listener in options.listeners {
        match listen(&mut server, &listener) {
            Ok(addr) => listening.push(format!("listening {} {addr}\n", listener.dialect)),
            Err(error) => return Err(Failure::Listen { listener, error }),
        }
    }
    cli::print(io::stdout(), &listening.concat())?;

    let handle = server.handle();
    // A plain wait: the block_on of async-io would have this thread poll the sockets for the ones that serve them.
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || block_on(obey(signals, &handle)))
        .map_err(|error| Failure::System { doing: "start a thread", error })?;
    let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    server.run_on_threads(threads).map_err(|error| Failure::System { doing: "serve", error })
}

/// Lets the server listen, and returns where it does.
fn listen(server: &mut Server, ListenerSpec { dialect, addr }: &ListenerSpec) -> io::Result<ListenAddr> {
    match addr {
        ListenAddr::Tcp(wanted) => Ok(ListenAddr::Tcp(server.listen(dialect, *wanted)?)),
        ListenAddr::Unix(path) => server.listen_unix(dialect, path).map(|()| addr.clone()),
    }
}

/// Shuts down at the first signal, and ends the process at the second.
async fn obey(mut signals: Signals, handle: &Handle) {
    let mut shutting_down = false;
    while let Some(signal) = signals.next().await {
        match signal {
            Ok(signal) if shutting_down => process::exit(128 + signal as i32),
            Ok(signal) => {
                tracing::info!(signal = signal as i32, "shutting down; a second signal ends the process at once");
                handle.shut_down();
                shutting_down = true;
            }
            Err(error) => {
                tracing::error!(%error, "cannot listen for signals any longer; shutting down");
                return handle.shut_down();
            }
        }
    }
}

fn start_log(options: &Options) -> Result<(), UsageError> {
    let filter = EnvFilter::try_new(&options.log).map_err(|error| UsageError::log_filter(&options.log, error))?;
    // A log that cannot be written, because nobody reads it, ends no server.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).log_internal_errors(false);
    match options.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}

fn raise_descriptor_limit(options: &Options) {
    let get = || {
        let limit = getrlimit(Resource::Nofile);
        DescriptorLimit { soft: limit.current, hard: limit.maximum }
    };
    let set = |limit: DescriptorLimit| setrlimit(Resource::Nofile, Rlimit { current: limit.soft, maximum: limit.hard });
    if let Err(too_few) = options.raise_descriptor_limit(get, set) {
        tracing::warn!("{too_few}");
    }
}
