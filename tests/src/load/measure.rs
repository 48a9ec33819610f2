//! The state of a run at one moment, and the resources of the server.

use std::io;
use std::time::Duration;

use super::crowd::{Counts, Crowd};
use super::run::LoadError;
use crate::resources::Process;

/// Samples the processes now and then.
#[derive(Debug)]
pub(super) struct Measure {
    server: Option<Process>,
    this: Process,
    /// The most memory that the server was seen to use, in KiB.
    pub(super) most_resident: u64,
    next: u64,
}

/// The state of a run at one moment.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    /// When that is, in nanoseconds since the start.
    pub(super) at: u64,
    /// Messages sent.
    pub(super) sent: u64,
    /// Messages received by all readers together.
    pub(super) got: u64,
    /// The connections.
    pub(super) counts: Counts,
    /// The processor time that this tool has used.
    pub(super) own_cpu: Duration,
    /// How long this tool had to wait for a processor.
    pub(super) own_wait: Duration,
    /// The resources that the server has used, if its process is known.
    pub(super) server: Option<Usage>,
}

/// The resources of a process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    /// The processor time it has used.
    pub(super) cpu: Duration,
    /// The memory it has in RAM, in KiB.
    pub(super) resident: u64,
}

/// How often memory is sampled.
const EVERY: Duration = Duration::from_millis(200);

impl Measure {
    /// Prepares to sample a server's process, if it is known.
    ///
    /// # Errors
    ///
    /// If there is no such process.
    pub(super) fn new(pid: Option<u32>) -> Result<Self, LoadError> {
        let server = pid.map(Process::new);
        if let (Some(pid), Some(server)) = (pid, server) {
            usage(server).map_err(|error| LoadError::Process { pid, error })?;
        }
        Ok(Self { server, this: Process::this(), most_resident: 0, next: 0 })
    }

    /// Samples the server's memory if it is time for that.
    pub(super) fn watch(&mut self, now: u64) {
        if now >= self.next {
            self.next = now + EVERY.as_nanos() as u64;
            // If the process is gone, its connections will show that.
            let resident = self.server.and_then(|server| server.resident_kib().ok());
            self.most_resident = self.most_resident.max(resident.unwrap_or(0));
        }
    }

    /// Returns the state of the run.
    ///
    /// # Errors
    ///
    /// If there is no `/proc`.
    pub(super) fn snapshot(&self, crowd: &Crowd) -> io::Result<Snapshot> {
        Ok(Snapshot {
            at: crowd.now(),
            sent: crowd.sent.total(),
            got: crowd.audience.got.messages,
            counts: crowd.counts(),
            own_cpu: self.this.cpu_time()?,
            own_wait: self.this.processor_wait(),
            server: self.server.and_then(|server| usage(server).ok()),
        })
    }
}

fn usage(process: Process) -> io::Result<Usage> {
    Ok(Usage { cpu: process.cpu_time()?, resident: process.resident_kib()? })
}
