//! A server that is a program: started by a command, observed through its output, ended by a signal.

use std::fmt;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;

use chat_proto::{Config, HubStats, SessionId};
use rustix::process::{Pid, Signal, kill_process};

use super::client::PATIENCE;
use super::running::{Adapter, Running, ServerHandle};

/// A server program, given as the command that starts it, for
/// [`conformance_of_program!`](crate::conformance_of_program).
///
/// The command sets these limits and listens for each of these dialects on loopback, on a port that the system picks.
/// The program writes `listening DIALECT IP:PORT` for each, in this order, to its standard output; other lines are
/// skipped. It shuts down at SIGTERM and exits with status 0.
pub struct ServerProgram(pub fn(&Config, &[&'static str]) -> Command);

/// How often to check whether a program has ended: there is no notification.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Running programs, and the threads whose cases started them.
static STARTED: Mutex<Vec<(ThreadId, Weak<Started>)>> = Mutex::new(Vec::new());

/// A program that was started; killed when dropped.
struct Started(Mutex<Child>);

impl Adapter for ServerProgram {
    fn start(&self, config: Config, dialects: &[&'static str]) -> io::Result<Running> {
        let mut command = (self.0)(&config, dialects);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take();
        let program = Arc::new(Started(Mutex::new(child)));
        lock(&STARTED).push((thread::current().id(), Arc::downgrade(&program)));

        let (tell, lines) = mpsc::channel();
        thread::spawn(move || {
            // Read to the end, even if no receiver is left: a full pipe would block the program.
            for line in stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines()).map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        let mut ports = Vec::new();
        for dialect in dialects {
            ports.push((*dialect, listening(dialect, &lines)?));
        }
        Ok(Running::new(ports, Arc::clone(&program), move || program.wait()))
    }
}

/// Waits for the line that says where a dialect is served.
fn listening(dialect: &str, lines: &mpsc::Receiver<String>) -> io::Result<SocketAddr> {
    let start = format!("listening {dialect} ");
    loop {
        let line = lines.recv_timeout(PATIENCE).map_err(|error| match error {
            mpsc::RecvTimeoutError::Timeout => {
                io::Error::other(format!("the program has not written `{start}IP:PORT` within {PATIENCE:?}"))
            }
            mpsc::RecvTimeoutError::Disconnected => {
                io::Error::other(format!("the program has closed its output, and not written `{start}IP:PORT`"))
            }
        })?;
        if let Some(addr) = line.strip_prefix(&start) {
            return addr.trim().parse().map_err(|_| io::Error::other(format!("no address: {line:?}")));
        }
    }
}

/// Kills the programs that a case has started on this thread.
pub(super) fn kill_all_of(thread: ThreadId) {
    let programs = lock(&STARTED).extract_if(.., |(id, _)| *id == thread).collect::<Vec<_>>();
    programs.iter().filter_map(|(_, program)| program.upgrade()).for_each(|program| program.kill());
}

impl Started {
    /// Waits until it has ended.
    fn wait(&self) -> io::Result<()> {
        loop {
            // Unlocked at once: another thread may have to kill it meanwhile.
            match lock(&self.0).try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(io::Error::other(format!("the program ended with {status}"))),
                None => {}
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    fn kill(&self) {
        let mut child = lock(&self.0);
        // It may have ended already.
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.kill();
        lock(&STARTED).retain(|(_, program)| program.strong_count() > 0);
    }
}

/// A program has no handle, so the cases for programs only ask it to end.
impl ServerHandle for Arc<Started> {
    fn announce(&self, _words: &str) {
        panic!("a program announces nothing at a test's wish: this case is not for programs");
    }

    fn kick(&self, _id: SessionId, _why: &str) {
        panic!("a program closes no session at a test's wish: this case is not for programs");
    }

    /// Nothing: this is only printed about a server that does not end.
    fn stats(&self) -> HubStats {
        HubStats::default()
    }

    fn sessions(&self) -> Vec<(SessionId, String)> {
        panic!("a program does not tell its sessions: this case is not for programs");
    }

    fn shut_down(&self) {
        let mut child = lock(&self.0);
        if matches!(child.try_wait(), Ok(None)) {
            // It may have ended in between.
            let _ = kill_process(Pid::from_child(&child), Signal::TERM);
        }
    }

    fn abandon(&self) {
        self.kill();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for ServerProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerProgram").finish_non_exhaustive()
    }
}
