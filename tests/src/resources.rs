//! What the kernel says a process uses: processor time, memory, descriptors, threads. Linux only: it reads `/proc`.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// A process of this machine.
#[derive(Clone, Debug)]
pub struct Process {
    folder: PathBuf,
}

impl Process {
    /// Names a process by its id.
    #[must_use]
    pub fn new(pid: u32) -> Self {
        Self { folder: PathBuf::from(format!("/proc/{pid}")) }
    }

    /// Names the process that asks.
    #[must_use]
    pub fn this() -> Self {
        Self { folder: PathBuf::from("/proc/self") }
    }

    /// Returns the processor time that all its threads have used, in steps of 10 ms on most machines.
    ///
    /// # Errors
    ///
    /// If there is no such process, or no `/proc`.
    pub fn cpu_time(&self) -> io::Result<Duration> {
        let stat = fs::read_to_string(self.folder.join("stat"))?;
        // The second field is the name, in parentheses, and may hold anything; utime and stime are the 14th and 15th.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Ok(Duration::from_nanos(ticks * (1_000_000_000 / rustix::param::clock_ticks_per_second())))
    }

    /// Returns how long its first thread has been able to run but had to wait for a processor; zero if the kernel does
    /// not count that.
    #[must_use]
    pub fn processor_wait(&self) -> Duration {
        let statistics = fs::read_to_string(self.folder.join("schedstat")).unwrap_or_default();
        Duration::from_nanos(statistics.split_whitespace().nth(1).and_then(|wait| wait.parse().ok()).unwrap_or(0))
    }

    /// Returns how much of its memory is in RAM, in KiB.
    ///
    /// # Errors
    ///
    /// As [`cpu_time`](Self::cpu_time).
    pub fn resident_kib(&self) -> io::Result<u64> {
        self.status("VmRSS:")
    }

    /// Returns how many threads it has.
    ///
    /// # Errors
    ///
    /// As [`cpu_time`](Self::cpu_time).
    pub fn threads(&self) -> io::Result<u64> {
        self.status("Threads:")
    }

    /// Returns how many descriptors it has open.
    ///
    /// # Errors
    ///
    /// As [`cpu_time`](Self::cpu_time), or if the process is another user's.
    pub fn descriptors(&self) -> io::Result<u64> {
        Ok(fs::read_dir(self.folder.join("fd"))?.count() as u64)
    }

    fn status(&self, field: &str) -> io::Result<u64> {
        let status = fs::read_to_string(self.folder.join("status"))?;
        let value = status.lines().find_map(|line| line.strip_prefix(field)?.split_whitespace().next()?.parse().ok());
        value.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no {field} in the status of a process")))
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
