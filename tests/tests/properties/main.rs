//! Properties of the core, for random input from proptest.

mod bench;
mod conversation;
mod cuts;
mod dialects;
mod hub;
mod irc;

use proptest::prelude::ProptestConfig;
use proptest::test_runner::FileFailurePersistence;

/// Failures are saved, and tried first in later runs.
fn config(cases: u32) -> ProptestConfig {
    let regressions = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/properties.txt");
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(regressions))),
        ..ProptestConfig::with_cases(cases)
    }
}
