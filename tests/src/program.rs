//! This project's programs, built by cargo and run as processes.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};

use crate::conformance::{PATIENCE, eventually};

/// A program of this project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// chat-smol's binary, `chat-server`.
    ChatServer,
    /// This package's `threads`, which is chat-std's server.
    Threads,
    /// chat-std's example, `server`.
    StdExample,
    /// This package's `limit`, about the least that a chat server can do.
    Limit,
}

/// A running program. It is killed when dropped.
pub struct Process {
    child: Child,
    stdout: mpsc::Receiver<String>,
    /// What was read of standard error.
    errors: Arc<Mutex<String>>,
    /// The thread that reads it; `None` until one does.
    stderr: Option<JoinHandle<()>>,
}

/// The result of a program that has ended.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// The lines on its standard output that were not read before.
    pub stdout: Vec<String>,
    /// All of its standard error.
    pub stderr: String,
}

impl Program {
    /// The server program of each adapter, for what holds for both.
    pub const ADAPTERS: [Self; 2] = [Self::ChatServer, Self::Threads];

    /// Returns the name of its file, which messages use as well.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ChatServer => "chat-server",
            Self::Threads => "threads",
            Self::StdExample => "server",
            Self::Limit => "limit",
        }
    }

    /// Returns the path of the built program; the first call builds all programs, unless they are up to date.
    ///
    /// # Panics
    ///
    /// If it does not build.
    #[must_use]
    pub fn path(self) -> &'static Path {
        static PROGRAMS: OnceLock<[PathBuf; 4]> = OnceLock::new();
        let [chat_server, threads, limit, std_example] = PROGRAMS.get_or_init(|| {
            let names = [Self::ChatServer, Self::Threads, Self::Limit, Self::StdExample].map(Self::name);
            let [chat_server, threads, limit, std_example] = names;
            build(&["--bin", chat_server, "--bin", threads, "--bin", limit, "--example", std_example], names)
        });
        match self {
            Self::ChatServer => chat_server,
            Self::Threads => threads,
            Self::Limit => limit,
            Self::StdExample => std_example,
        }
    }

    /// Starts it with these arguments.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[must_use]
    pub fn start(self, args: &[&str]) -> Process {
        let mut command = Command::new(self.path());
        command.args(args);
        Process::start(command)
    }

    /// Starts it with these arguments; its standard error is a pipe that is not read before
    /// [`read_errors`](Process::read_errors).
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[must_use]
    pub fn start_unread(self, args: &[&str]) -> Process {
        let mut command = Command::new(self.path());
        command.args(args);
        Process::start_unread(command)
    }
}

/// Builds the programs with the same options as the tests, so that a run of all tests has built them already.
fn build<const N: usize>(targets: &[&str], names: [&str; N]) -> [PathBuf; N] {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above its package");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root).args(["build", "--workspace"]).args(targets);
    cargo.arg("--message-format=json-render-diagnostics");
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.stderr(Stdio::inherit()).output().expect("cargo is there: it built this");
    assert!(output.status.success(), "{cargo:?} failed");
    let messages = String::from_utf8(output.stdout).expect("cargo's messages are UTF-8");
    let executables = messages.split("\"executable\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    let executables: Vec<&Path> = executables.map(Path::new).collect();
    names.map(|name| {
        let path = executables.iter().find(|path| path.file_stem().is_some_and(|stem| stem == name));
        path.unwrap_or_else(|| panic!("{name} is not among {executables:?}")).to_path_buf()
    })
}

impl Process {
    /// Starts a command whose output is captured.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[must_use]
    pub fn start(command: Command) -> Self {
        let mut process = Self::start_unread(command);
        process.read_errors();
        process
    }

    fn start_unread(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.lines() {
                let line = line.expect("a program writes UTF-8");
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, stdout: lines, errors: Arc::default(), stderr: None }
    }

    /// Starts reading its standard error, so that it no longer blocks on it.
    pub fn read_errors(&mut self) {
        if let Some(stderr) = self.child.stderr.take() {
            let errors = Arc::clone(&self.errors);
            self.stderr = Some(thread::spawn(move || read_lines(stderr, &errors)));
        }
    }

    /// Returns the lines that it has written to standard error so far, as far as they were read.
    #[must_use]
    pub fn errors(&self) -> String {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the next line on its standard output.
    ///
    /// # Panics
    ///
    /// If none comes.
    #[track_caller]
    pub fn line(&mut self) -> String {
        match self.stdout.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("the program printed nothing for {PATIENCE:?}"),
            Err(mpsc::RecvTimeoutError::Disconnected) => panic!("the program ended: {:?}", self.end()),
        }
    }

    /// Waits for the line with the address of a dialect, and returns that.
    ///
    /// # Panics
    ///
    /// If the next line is another one.
    #[track_caller]
    pub fn listening(&mut self, dialect: &str) -> SocketAddr {
        let line = self.line();
        let addr = line.strip_prefix(&format!("listening {dialect} ")).and_then(|addr| addr.parse().ok());
        addr.unwrap_or_else(|| panic!("no address for {dialect}: {line:?}"))
    }

    /// Sends it a signal.
    ///
    /// # Panics
    ///
    /// If it has ended.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the program is still there");
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// If it does not end in time.
    #[must_use]
    #[track_caller]
    pub fn ended(mut self) -> Ended {
        self.end()
    }

    #[track_caller]
    fn end(&mut self) -> Ended {
        let mut status = None;
        eventually("the program to end", || {
            status = self.child.try_wait().expect("a child can be waited for");
            if status.is_some() { Ok(()) } else { Err("it still runs".into()) }
        });
        self.read_errors();
        self.stderr.take().expect("it ends once").join().expect("standard error was read");
        Ended { status: status.expect("it has ended"), stdout: self.stdout.iter().collect(), stderr: self.errors() }
    }
}

/// Appends what comes to `lines`, line by line.
fn read_lines(from: impl Read, lines: &Mutex<String>) {
    let mut from = BufReader::new(from);
    let mut line = String::new();
    while from.read_line(&mut line).expect("a program writes UTF-8") > 0 {
        lines.lock().unwrap_or_else(PoisonError::into_inner).push_str(&line);
        line.clear();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Process").field(&self.child.id()).finish()
    }
}
