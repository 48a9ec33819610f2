//! The resources of processes: processor time, memory, descriptors, threads. Linux only: it reads `/proc`.

use std::io;
use std::time::Duration;

use procfs::process::{self, Status};

/// A process of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// `None`: this process.
    pid: Option<u32>,
}

impl Process {
    /// Returns the process with that id.
    #[must_use]
    pub const fn new(pid: u32) -> Self {
        Self { pid: Some(pid) }
    }

    /// Returns this process.
    #[must_use]
    pub const fn this() -> Self {
        Self { pid: None }
    }

    /// Returns the processor time that all its threads have used, in steps of 10 ms on most machines.
    ///
    /// # Errors
    ///
    /// If there is no such process, or no `/proc`.
    pub fn cpu_time(self) -> io::Result<Duration> {
        let stat = self.open()?.stat().map_err(io::Error::other)?;
        Ok(Duration::from_nanos((stat.utime + stat.stime) * (1_000_000_000 / procfs::ticks_per_second())))
    }

    /// Returns how long its first thread was ready to run but waited for a processor; zero if the kernel does not count
    /// that.
    #[must_use]
    pub fn processor_wait(self) -> Duration {
        let statistics = self.open().and_then(|process| process.schedstat().map_err(io::Error::other));
        Duration::from_nanos(statistics.map_or(0, |statistics| statistics.run_delay))
    }

    /// Returns how much of its memory is in RAM, in KiB.
    ///
    /// # Errors
    ///
    /// As [`cpu_time`](Self::cpu_time).
    pub fn resident_kib(self) -> io::Result<u64> {
        self.status()?.vmrss.ok_or_else(|| io::Error::other("a process that is ending has no memory"))
    }

    /// Returns how many threads it has.
    ///
    /// # Errors
    ///
    /// As [`cpu_time`](Self::cpu_time).
    pub fn threads(self) -> io::Result<u64> {
        self.status().map(|status| status.threads)
    }

    /// Returns how many descriptors it has open.
    ///
    /// # Errors
    ///
    /// As [`cpu_time`](Self::cpu_time), or if the process is another user's.
    pub fn descriptors(self) -> io::Result<u64> {
        let descriptors = self.open()?.fd_count().map_err(io::Error::other)?;
        Ok(descriptors as u64)
    }

    fn status(self) -> io::Result<Status> {
        self.open()?.status().map_err(io::Error::other)
    }

    /// Opened anew each time: a descriptor that is kept would be counted among those of this process.
    fn open(self) -> io::Result<process::Process> {
        let opened = match self.pid.map(i32::try_from) {
            None => process::Process::myself(),
            Some(Ok(pid)) => process::Process::new(pid),
            Some(Err(_)) => return Err(io::ErrorKind::NotFound.into()),
        };
        opened.map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_uses_something() {
        let this = Process::this();
        assert!(this.resident_kib().expect("the test runs") > 100);
        assert!(this.threads().expect("the test runs") >= 1);
        assert!(this.descriptors().expect("the test runs") >= 3);
        let before = this.cpu_time().expect("the test runs");
        while this.cpu_time().expect("the test runs") == before {}
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(Process::new(u32::MAX).resident_kib().is_err());
    }
}
