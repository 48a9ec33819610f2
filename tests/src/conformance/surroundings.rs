//! Which other cases may run beside a case.

use std::convert::Infallible;
use std::env;
use std::panic::resume_unwind;
use std::process::Command;
use std::sync::{PoisonError, RwLock, mpsc};
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::program::kill_all_of;

/// Held for reading by cases that may run beside others, for writing by cases that measure time.
static QUIET: RwLock<()> = RwLock::new(());

/// Set, to the case's name, for the process that runs one case alone.
const ALONE: &str = "CHAT_TESTS_ALONE";

/// How long a case may take, in place of [`CASE_DEADLINE`]: seconds.
const DEADLINE_VARIABLE: &str = "CHAT_TESTS_CASE_DEADLINE";

/// How long a case may take: three minutes, where all cases together take 42 s on two busy cores.
///
/// A single wait ends after [`PATIENCE`](super::PATIENCE). The deadline also ends a case whose server always sends
/// something and never what the case waits for, and a case that is blocked in the server's own code.
/// `CHAT_TESTS_CASE_DEADLINE=600` in the environment allows ten minutes, for slower machines.
pub const CASE_DEADLINE: Duration = Duration::from_secs(180);

/// Runs a case that may run beside others.
pub fn beside_others(name: &str, case: impl FnOnce() + Send + 'static) {
    let _company = QUIET.read().unwrap_or_else(PoisonError::into_inner);
    within(case_deadline(), name, case);
}

/// Runs a case while no other of this test file runs.
pub fn quietly(name: &str, case: impl FnOnce() + Send + 'static) {
    let _quiet = QUIET.write().unwrap_or_else(PoisonError::into_inner);
    within(case_deadline(), name, case);
}

fn case_deadline() -> Duration {
    let Ok(seconds) = env::var(DEADLINE_VARIABLE) else { return CASE_DEADLINE };
    let seconds = seconds.parse().unwrap_or_else(|_| panic!("{DEADLINE_VARIABLE}={seconds} is no number of seconds"));
    Duration::from_secs(seconds)
}

/// Runs a case on a thread of its own, and gives it so long. The programs of one that takes longer are killed; a server in
/// this process stays with its threads until the process ends.
///
/// # Panics
///
/// If the case does, or takes longer.
pub fn within(deadline: Duration, name: &str, case: impl FnOnce() + Send + 'static) {
    let (ended, end) = mpsc::channel::<Infallible>();
    let run = move || {
        // Dropped when the case returns or panics, which ends the wait below.
        let _ended = ended;
        case();
    };
    let thread = thread::Builder::new().name(name.into()).spawn(run).expect("a thread can be started");
    if end.recv_timeout(deadline) == Err(mpsc::RecvTimeoutError::Timeout) {
        kill_all_of(thread.thread().id());
        panic!(
            "{name} was not over after {deadline:?} and was given up: the server hangs, or the machine is so slow that \
             {DEADLINE_VARIABLE}=SECONDS has to allow more"
        );
    }
    if let Err(panic) = thread.join() {
        resume_unwind(panic);
    }
}

/// Runs a case in a process of its own, and beside no other: it counts or uses up resources of the whole process.
///
/// # Panics
///
/// If the case fails there, with what it wrote.
pub fn in_a_process_of_its_own(name: &'static str, case: impl FnOnce() + Send + 'static) {
    if env::var_os(ALONE).is_some_and(|alone| alone == name) {
        return case();
    }
    // The test harness knows a test by its path within the crate.
    let (_crate, path) = name.split_once("::").expect("a test stands in a module");
    quietly(name, move || {
        let harness = env::current_exe().expect("a test knows its own file");
        let output = Command::new(harness)
            .args([path, "--exact", "--nocapture", "--test-threads=1"])
            .env(ALONE, name)
            .output()
            .expect("a test can be started again");
        let told = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name} fails in a process of its own: {}\n{told}\n{errors}", output.status);
        // With a wrong name no test would run, and that would succeed.
        assert!(told.contains("1 passed"), "{path} was not found: {told}");
    });
}

/// Raises the limit of open descriptors as far as it may be, and returns it.
#[must_use]
pub fn raise_descriptor_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    // Another test may do this at the same time; both set the same limit.
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("a soft limit can be raised");
    limit.maximum.map_or(usize::MAX, |maximum| usize::try_from(maximum).unwrap_or(usize::MAX))
}
