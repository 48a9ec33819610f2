//! The server under test: one of this project's adapters in a process of its own, or one that is running already.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use chat_proto::Config;

use super::options::{Adapter, ServerChoice};
use crate::load::Target;
use crate::resources::Process;
use crate::sockets::raise_descriptor_limit;

/// Serves until standard input ends. Prints a line for each dialect with its address, as in `text=127.0.0.1:4000`.
///
/// # Errors
///
/// If the system refuses sockets or threads.
pub fn serve(adapter: Adapter, clients: usize) -> io::Result<()> {
    let config = config(clients);
    let _ = raise_descriptor_limit(config.max_sessions as u64 + 64);
    match adapter {
        Adapter::Smol => {
            let mut server = chat_smol::Server::new(config).map_err(io::Error::other)?;
            announce(|dialect, addr| server.listen(dialect, addr))?;
            let handle = server.handle();
            at_end_of_input(move || handle.shut_down());
            server.run_on_threads(thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
        }
        Adapter::Std => {
            let mut server = chat_std::Server::new(config).map_err(io::Error::other)?;
            announce(|dialect, addr| server.listen(dialect, addr))?;
            let handle = server.handle();
            at_end_of_input(move || handle.shut_down());
            server.run()
        }
    }
}

/// The default limits, except where their effect would not show within minutes: room for nine of ten clients, so that
/// some find the server full; a log that soon wraps; and short timeouts.
fn config(clients: usize) -> Config {
    let mut config = Config {
        max_sessions: super::honest::CLIENTS + clients - clients / 10,
        log_bytes: 1 << 20,
        stall_timeout: Some(Duration::from_secs(10)),
        ..Config::default()
    };
    for dialect in &mut config.dialects {
        dialect.idle_timeout = Some(Duration::from_secs(20));
    }
    config
}

fn announce(mut listen: impl FnMut(&str, SocketAddr) -> io::Result<SocketAddr>) -> io::Result<()> {
    for dialect in DIALECTS {
        let addr = listen(dialect, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        writeln!(io::stdout(), "{dialect}={addr}")?;
    }
    Ok(())
}

const DIALECTS: [&str; 2] = ["text", "classic"];

fn at_end_of_input(act: impl FnOnce() + Send + 'static) {
    thread::spawn(move || {
        // In any case, the process at the other end has ended.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        act();
    });
}

/// The server under test. If it was started for the soak, it is killed when dropped.
#[derive(Debug)]
pub(super) struct Server {
    /// Where it listens.
    pub(super) targets: Vec<Target>,
    /// Its process.
    pub(super) process: Process,
    child: Option<Child>,
}

/// How long a server may take to end in order: more than its linger timeout.
const ENDING: Duration = Duration::from_secs(15);

impl Server {
    /// Uses a running server, or starts one.
    pub(super) fn new(choice: &ServerChoice, clients: usize) -> io::Result<Self> {
        let adapter = match choice {
            ServerChoice::Running { targets, pid } => {
                return Ok(Self { targets: targets.clone(), process: Process::new(*pid), child: None });
            }
            ServerChoice::Start(adapter) => adapter.to_string(),
        };
        let mut command = Command::new(env::current_exe()?);
        command.args(["--serve", "--adapter", &adapter, "--clients", &clients.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let process = Process::new(child.id());
        let output = child.stdout.take();
        let mut server = Self { targets: Vec::new(), process, child: Some(child) };
        for line in BufReader::new(output.ok_or(io::ErrorKind::BrokenPipe)?).lines().take(DIALECTS.len()) {
            let target = line?.parse().map_err(|_| io::Error::other("the server does not tell where it listens"))?;
            server.targets.push(target);
        }
        if server.targets.len() < DIALECTS.len() {
            return Err(io::Error::other("the server ended at once"));
        }
        Ok(server)
    }

    /// Returns whether it was started for the soak, and so has no other clients.
    pub(super) fn is_own(&self) -> bool {
        self.child.is_some()
    }

    /// Ends it in order, if it was started for the soak; `None` if it does not end.
    pub(super) fn end(mut self) -> io::Result<Option<ExitStatus>> {
        let Some(child) = &mut self.child else { return Ok(None) };
        drop(child.stdin.take());
        let since = Instant::now();
        loop {
            let status = child.try_wait()?;
            if status.is_some() || since.elapsed() > ENDING {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
