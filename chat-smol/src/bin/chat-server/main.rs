//! `chat-server`: serves one conversation from the command line; `--help` says how.

mod completions;
mod config_file;
mod descriptors;
mod failure;
mod file_value;
mod hash_password;
mod irc_table;
mod limit;
mod listen;
mod listener;
mod log;
mod log_fields;
mod log_output;
mod man_page;
mod memory;
mod metrics;
mod motd;
mod operator_table;
mod options;
mod page;
mod password_hash;
mod passwords;
mod room_table;
mod self_signed;
mod settings;
mod signals;
mod tls_table;
mod value;
mod web_table;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::{env, thread};

use chat_smol::{Server, Tls};
use clap::FromArgMatches;

use crate::config_file::ConfigFile;
use crate::failure::Failure;
use crate::listener::{ListenAddr, Listener, Service, Transport};
use crate::options::{Arguments, PrintCommand};
use crate::settings::Settings;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // If nobody reads the message, the status stays the same.
            let _ = io::stderr().write_all(failure.message().as_bytes());
            ExitCode::from(failure.status())
        }
    }
}

/// Does what the arguments ask for.
fn run() -> Result<(), Failure> {
    let matches = match options::command().try_get_matches_from(env::args_os()) {
        // The help, or the version.
        Err(text) if !text.use_stderr() => return print(io::stdout(), text.to_string().as_bytes()),
        matches => matches?,
    };
    let arguments = Arguments::from_arg_matches(&matches)?;
    if let Some(command) = arguments.command {
        return print(io::stdout(), &command.print()?);
    }
    let file = arguments.config.as_deref().map(ConfigFile::read).transpose()?;
    let settings = Settings::new(&arguments.options, &matches, file.as_ref())?;
    let tls = settings.certificate.clone().map(|(certificate, key)| Tls::read(certificate, key)).transpose()?;
    if arguments.check_config {
        return print(io::stdout(), b"the configuration is valid\n");
    }
    if let Some(format) = arguments.print_memory_bound {
        return print(io::stdout(), format.print(&settings.config, &settings.passwords, settings.has_tls()).as_bytes());
    }
    serve(settings, tls)
}

impl PrintCommand {
    fn print(self) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Completions { shell } => Ok(completions::script(shell).into()),
            Self::HashPassword => Ok(hash_password::run()?),
            Self::SelfSigned { directory, names } => Ok(self_signed::run(&directory, names)?),
            Self::Man => Ok(man_page::page().into()),
        }
    }
}

fn serve(settings: Settings, tls: Option<Tls>) -> Result<(), Failure> {
    // A certificate that no listener uses changes nothing.
    let tls = tls.filter(|_| settings.has_tls());
    let Settings { mut listeners, metrics, mut config, passwords, exempt, web, certificate: _, log, log_format } =
        settings;
    memory::check(&config)?;
    let log = log::start(&log, log_format);
    // A connection to a metrics port takes a descriptor as a listener does.
    let for_metrics = if metrics.is_some() { Server::METRICS_CONNECTIONS } else { 0 };
    listeners.extend(metrics.map(|addr| Listener { service: Service::METRICS, addr }));
    if let Err(too_few) = descriptors::raise_limit(config.max_sessions, listeners.len() + for_metrics) {
        tracing::warn!("{too_few}");
        config.max_sessions = too_few.sessions;
    }
    // Before the server announces itself: a signal sent right after that is caught.
    let signals =
        signals::listen(tls.is_some()).map_err(|error| Failure::System { doing: "listen for signals", error })?;

    let in_tls = if tls.is_some() { Server::tls_bound(&config) as u64 } else { 0 };
    let memory_bound = (Server::memory_bound(&config) as u64).saturating_add(passwords.memory_bound());
    let memory_bound = memory_bound.saturating_add(in_tls);
    let own_metrics = Arc::new(metrics::of_process(memory_bound, log.lines_lost()));
    let mut server = Server::new(config)?;
    server.exempt(exempt);
    server.verify_with(passwords.into_verifier());
    let mut pages = Vec::new();
    let listening = listen::listen(&listeners, |&Service { dialect, transport, is_encrypted }, addr| {
        let opened = match addr {
            ListenAddr::Tcp(wanted) if transport == Transport::Metrics => {
                let own = Arc::clone(&own_metrics);
                ListenAddr::Tcp(server.serve_metrics(*wanted, move |text| own(text))?)
            }
            ListenAddr::Tcp(wanted) => ListenAddr::Tcp(server.listen(dialect, *wanted)?),
            ListenAddr::Unix(path) => server.listen_unix(dialect, path).map(|()| addr.clone())?,
            ListenAddr::Name { .. } | ListenAddr::Any { .. } => unreachable!("listen has looked up its addresses"),
        };
        if let Some(site) = page::site(dialect, transport, &web) {
            server.serve_site(site);
        }
        if let (Transport::Page, ListenAddr::Tcp(addr)) = (transport, &opened) {
            pages.push(listen::link(*addr, is_encrypted));
        }
        if let (true, Some(tls)) = (is_encrypted, &tls) {
            server.serve_tls(tls);
        }
        Ok(opened)
    })?;
    for link in pages {
        tracing::info!("open {link}");
    }
    print(io::stdout(), listening.as_bytes())?;

    signals::obey(signals, server.handle(), tls).map_err(|error| Failure::System { doing: "start a thread", error })?;
    let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    server.run_on_threads(threads).map_err(|error| Failure::System { doing: "serve", error })
}

/// Writes `text` to standard output (`out`) and flushes it.
///
/// A reader that has gone away, as after `| head`, is no failure.
///
/// # Errors
///
/// The output cannot be written for another reason.
fn print(mut out: impl Write, text: &[u8]) -> Result<(), Failure> {
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::System { doing: "write to standard output", error })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Takes `room` bytes, then fails with `kind`.
    struct Pipe {
        taken: RefCell<Vec<u8>>,
        room: usize,
        kind: io::ErrorKind,
    }

    impl Write for &Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut taken = self.taken.borrow_mut();
            let count = bytes.len().min(self.room - taken.len());
            taken.extend_from_slice(&bytes[..count]);
            if count == 0 { Err(self.kind.into()) } else { Ok(count) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn output_that_nobody_reads_is_no_failure() {
        let pipe = |room, kind| Pipe { taken: RefCell::default(), room, kind };
        let open = pipe(100, io::ErrorKind::BrokenPipe);
        print(&open, b"listening\n").expect("room");
        assert_eq!(open.taken.borrow().as_slice(), b"listening\n");
        print(&pipe(3, io::ErrorKind::BrokenPipe), b"listening\n").expect("nobody reads");
        let failure = print(&pipe(3, io::ErrorKind::StorageFull), b"listening\n").expect_err("no room");
        assert!(failure.to_string().starts_with("cannot write to standard output: "), "{failure}");
        assert_eq!(failure.status(), 1);
    }
}
