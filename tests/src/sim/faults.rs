//! Checks the simulator: it must find each fault that can be planted in the core.

use std::fmt;

use chat_proto::fault::Fault;

use super::run::{Failure, Run};

/// How many steps are enough to find any of the faults, for any seed.
pub const ENOUGH: u64 = 1_000_000;

/// How one planted fault was noticed.
#[derive(Debug)]
pub struct Finding {
    /// The fault that was planted.
    pub fault: Fault,
    /// The failure by which it was noticed, if it was.
    pub failure: Option<Box<Failure>>,
}

/// Plants one fault after another and simulates each until something is noticed, for [`ENOUGH`] steps at most.
pub fn find_faults(seed: u64) -> impl Iterator<Item = Finding> {
    Fault::ALL.into_iter().map(move |fault| {
        Fault::plant(Some(fault));
        let mut run = Run::new(seed, ENOUGH);
        let failure = loop {
            match run.episode() {
                Ok(true) => {}
                Ok(false) => break None,
                Err(failure) => break Some(failure),
            }
        };
        Fault::plant(None);
        Finding { fault, failure }
    })
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            Some(found) => write!(f, "{:?}: found after {} steps, {}", self.fault, found.step, found.difference.rule),
            None => write!(f, "{:?}: not found in {ENOUGH} steps", self.fault),
        }
    }
}
