//! Which other cases may run beside a case.

use std::env;
use std::process::Command;
use std::sync::{PoisonError, RwLock};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Held for reading by cases that may run beside others, for writing by cases that measure time.
static QUIET: RwLock<()> = RwLock::new(());

/// Set, to the case's name, for the process that runs one case alone.
const ALONE: &str = "CHAT_TESTS_ALONE";

/// Runs a case that may run beside others.
pub fn beside_others(_name: &str, case: impl FnOnce()) {
    let _company = QUIET.read().unwrap_or_else(PoisonError::into_inner);
    case();
}

/// Runs a case while no other of this test file runs.
pub fn quietly(_name: &str, case: impl FnOnce()) {
    let _quiet = QUIET.write().unwrap_or_else(PoisonError::into_inner);
    case();
}

/// Runs a case in a process of its own, and beside no other: it counts or uses up resources of the whole process.
///
/// # Panics
///
/// If the case fails there, with what it wrote.
pub fn in_a_process_of_its_own(name: &str, case: impl FnOnce()) {
    if env::var_os(ALONE).is_some_and(|alone| alone == name) {
        return case();
    }
    // The test harness knows a test by its path within the crate.
    let (_crate, path) = name.split_once("::").expect("a test stands in a module");
    quietly(name, || {
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
