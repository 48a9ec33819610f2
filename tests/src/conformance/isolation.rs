//! Isolates a case: which other cases may run beside it, how long it may take, and in which process it runs.

use std::convert::Infallible;
use std::env;
use std::panic::resume_unwind;
use std::process::Command;
use std::sync::{PoisonError, RwLock, mpsc};
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::program::kill_all_of;

/// Locked for reading by cases that may run beside others, for writing by cases that measure time.
static EXCLUSIVE: RwLock<()> = RwLock::new(());

/// Set to the case's name in a process that runs one case alone.
const ALONE: &str = "CHAT_TESTS_ALONE";

/// Overrides [`CASE_DEADLINE`], in seconds.
const DEADLINE_VARIABLE: &str = "CHAT_TESTS_CASE_DEADLINE";

/// How long a case may take: three minutes, while all cases together take 42 s on two busy cores.
///
/// A single wait ends after [`PATIENCE`](super::PATIENCE). The deadline also ends a case whose server keeps sending
/// something other than what the case waits for, and a case that is blocked in the server's own code.
/// `CHAT_TESTS_CASE_DEADLINE=600` in the environment allows ten minutes, for slower machines.
pub const CASE_DEADLINE: Duration = Duration::from_secs(180);

/// Runs a case that may run beside others.
pub fn beside_others(name: &str, case: impl FnOnce() + Send + 'static) {
    let _shared = EXCLUSIVE.read().unwrap_or_else(PoisonError::into_inner);
    within(case_deadline(), name, case);
}

/// Runs a case while no other case of this test file runs.
pub fn exclusively(name: &str, case: impl FnOnce() + Send + 'static) {
    let _exclusive = EXCLUSIVE.write().unwrap_or_else(PoisonError::into_inner);
    within(case_deadline(), name, case);
}

fn case_deadline() -> Duration {
    let Ok(seconds) = env::var(DEADLINE_VARIABLE) else { return CASE_DEADLINE };
    let seconds = seconds.parse().unwrap_or_else(|_| panic!("{DEADLINE_VARIABLE}={seconds} is no number of seconds"));
    Duration::from_secs(seconds)
}

/// Runs a case on a thread of its own, for at most that long. If a case takes longer, its programs are killed; a server
/// in this process stays, with its threads, until the process ends.
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

/// Runs a case in a process of its own, and beside no other: it counts or uses up resources of the process.
///
/// # Panics
///
/// If the case fails there; the message has its output.
pub fn in_a_process_of_its_own(name: &'static str, case: impl FnOnce() + Send + 'static) {
    if env::var_os(ALONE).is_some_and(|alone| alone == name) {
        return case();
    }
    // The test harness knows a test by its path within the crate.
    let (_crate, path) = name.split_once("::").expect("a test is in a module");
    exclusively(name, move || {
        let harness = env::current_exe().expect("a test knows its own file");
        let output = Command::new(harness)
            .args([path, "--exact", "--include-ignored", "--nocapture", "--test-threads=1"])
            .env(ALONE, name)
            .output()
            .expect("a test can be started again");
        let told = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name} fails in a process of its own: {}\n{told}\n{errors}", output.status);
        // With a wrong name, no test would run, and that would succeed.
        assert!(told.contains("1 passed"), "{path} was not found: {told}");
    });
}

/// Raises the limit on open descriptors as far as allowed, and returns it.
#[must_use]
pub fn raise_descriptor_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    // Another test may do this at the same time; both set the same limit.
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("a soft limit can be raised");
    limit.maximum.map_or(usize::MAX, |maximum| usize::try_from(maximum).unwrap_or(usize::MAX))
}
