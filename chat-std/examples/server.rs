//! The chat server of `chat-smol` on plain threads, with the same options; `--help` lists them.
//!
//! ```text
//! cargo run --release -p chat-std --example server
//! ```

use std::io::{self, Write};
use std::process::{self, ExitCode};
use std::sync::{Arc, OnceLock};
use std::{env, thread};

use chat_proto::cli::{
    self, DescriptorLimit, Failure, Invocation, ListenAddr, LogFormat, LogOutput, LogProgress, MAX_LOG_LINES, Options,
    Program, UsageError,
};
use chat_std::{Handle, Server};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

const PROGRAM: Program = Program {
    name: env!("CARGO_BIN_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    unix_sockets: false,
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
    options.check_memory()?;
    let _log = start_log(&options)?;
    raise_descriptor_limit(&options);
    // Before anybody can know that the server is up: a signal that comes at once is heard, too.
    let signals =
        Signals::new([SIGINT, SIGTERM]).map_err(|error| Failure::System { doing: "listen for signals", error })?;

    let mut server = Server::new(options.config)?;
    server.exempt(options.exempt);
    let listening = cli::listen(&options.listeners, |dialect, addr| match addr {
        ListenAddr::Tcp(addr) => server.listen(dialect, *addr).map(ListenAddr::Tcp),
        _ => unreachable!("PROGRAM serves no Unix sockets, and cli::listen looks up the addresses of names"),
    })?;
    cli::print(io::stdout(), &listening)?;

    let handle = server.handle();
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || obey(signals, &handle))
        .map_err(|error| Failure::System { doing: "start a thread", error })?;
    server.run().map_err(|error| Failure::System { doing: "serve", error })
}

/// Shuts down at the first signal, and ends the process at the second.
fn obey(mut signals: Signals, handle: &Handle) {
    let mut shutting_down = false;
    for signal in signals.forever() {
        if shutting_down {
            process::exit(128 + signal);
        }
        // Done before it is said: whoever reads the log has no say in it.
        handle.shut_down();
        shutting_down = true;
        tracing::info!(signal, "shutting down; a second signal ends the process at once");
    }
}

/// The log, which is written as far as it gets when this is dropped.
struct Log {
    queue: NonBlocking,
    guard: Option<WorkerGuard>,
    progress: LogProgress,
}

impl Drop for Log {
    fn drop(&mut self) {
        self.progress.end(&mut self.queue, self.guard.take());
    }
}

fn start_log(options: &Options) -> Result<Log, UsageError> {
    let filter = EnvFilter::try_new(&options.log).map_err(|error| UsageError::log_filter(&options.log, error))?;
    let counter = Arc::new(OnceLock::<ErrorCounter>::new());
    let overflowed = Arc::clone(&counter);
    let output = LogOutput::new(
        io::stderr(),
        move || overflowed.get().map_or(0, ErrorCounter::dropped_lines),
        |lost| tracing::warn!(lost, "log lines were lost: whoever reads the log is too slow"),
    );
    let progress = output.progress();
    let queue = NonBlockingBuilder::default().buffered_lines_limit(MAX_LOG_LINES).thread_name("log");
    let (queue, guard) = queue.finish(output);
    // It is not set yet.
    let _ = counter.set(queue.error_counter());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(queue.clone()).log_internal_errors(false);
    match options.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(Log { queue, guard: Some(guard), progress })
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
