//! The simulator finds every planted fault.

use chat_tests::sim::{ENOUGH, find_faults};

#[test]
fn every_planted_fault_is_found_in_enough_steps() {
    for seed in 1..=3 {
        for finding in find_faults(seed) {
            assert!(finding.failure.is_some(), "with seed {seed} and {ENOUGH} steps: {finding}");
        }
    }
}
