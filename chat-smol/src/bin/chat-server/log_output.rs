//! Writes a program's log on a thread of its own, so that logging never waits for the log's reader.
//!
//! The queue in front of that thread comes from a library. It drops lines when it is full and counts them.
//! [`LogOutput`] adds the lines that could not be written and logs the sum. [`LogProgress`] ends the log without
//! waiting for a reader that has gone away.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, mem};

/// The most lines that wait for the log's thread; a line has some 150 bytes.
///
/// Enough for a thousand clients that connect, take a name and leave at once, if the reader keeps up.
pub(crate) const MAX_LOG_LINES: usize = 8_192;

/// The shortest time between two reports of lost lines.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// How long to wait for the end of the log.
const PATIENCE: Duration = Duration::from_millis(500);

/// What the log's thread writes to, such as standard error.
///
/// It never fails: a line that cannot be written is counted as lost, like one for which the queue had no room.
pub(crate) struct LogOutput<W> {
    out: W,
    /// Lines that the queue had no room for.
    overflowed: Box<dyn Fn() -> usize + Send>,
    /// Logs how many lines were lost so far.
    tell: Box<dyn Fn(usize) + Send>,
    told: usize,
    told_at: Option<Instant>,
    progress: LogProgress,
}

/// The progress of the log's thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogProgress(Arc<Progress>);

#[derive(Debug, Default)]
struct Progress {
    /// How often the thread has reached the end of its queue.
    flushes: Mutex<u64>,
    flushed: Condvar,
    /// Lines that could not be written.
    failed: AtomicUsize,
    /// The log is about to end: the last chance to report lost lines.
    ending: AtomicBool,
}

impl<W: Write> LogOutput<W> {
    /// Makes the output of a log; `overflowed` returns how many lines its queue has dropped.
    ///
    /// `tell` logs the number of all lines lost so far. It is called on the log's thread, once lines get through again,
    /// and at most once a second.
    pub(crate) fn new(
        out: W,
        overflowed: impl Fn() -> usize + Send + 'static,
        tell: impl Fn(usize) + Send + 'static,
    ) -> Self {
        Self {
            out,
            overflowed: Box::new(overflowed),
            tell: Box::new(tell),
            told: 0,
            told_at: None,
            progress: LogProgress::default(),
        }
    }

    /// Returns what the program needs to end the log.
    #[must_use]
    pub(crate) fn progress(&self) -> LogProgress {
        self.progress.clone()
    }

    fn lost(&self) -> usize {
        (self.overflowed)().saturating_add(self.progress.failed())
    }

    /// Logs how many lines were lost, if there are new ones.
    fn tell_lost(&mut self) {
        let lost = self.lost();
        if lost == self.told {
            return;
        }
        let is_due = self.told_at.is_none_or(|at| at.elapsed() >= TELL_EVERY);
        if is_due || self.progress.0.ending.swap(false, Ordering::AcqRel) {
            self.told_at = Some(Instant::now());
            (self.tell)(lost);
            // If that record is lost as well, the number grows and it is logged again.
            self.told = lost;
        }
    }
}

impl<W: Write> Write for LogOutput<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match self.out.write(bytes) {
            Ok(n) if n > 0 => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            _ => {
                self.progress.0.failed.fetch_add(1, Ordering::Relaxed);
                bytes.len()
            }
        };
        self.tell_lost();
        Ok(written)
    }

    /// Called by the log's thread whenever it has written all that was in the queue.
    fn flush(&mut self) -> io::Result<()> {
        // An error here does not concern a particular line.
        let _ = self.out.flush();
        self.tell_lost();
        *self.progress.0.flushes.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.progress.0.flushed.notify_all();
        Ok(())
    }
}

impl<W: fmt::Debug> fmt::Debug for LogOutput<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogOutput")
            .field("out", &self.out)
            .field("lost", &(self.overflowed)().saturating_add(self.progress.failed()))
            .finish_non_exhaustive()
    }
}

impl LogProgress {
    /// Returns how many lines could not be written.
    pub(crate) fn failed(&self) -> usize {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// Ends the log. Dropping `guard` ends its thread, once everything in the `queue` is written.
    ///
    /// If that takes longer than half a second, because nobody reads, the rest is lost and the thread ends with the
    /// process.
    pub(crate) fn end<G>(&self, mut queue: impl Write, guard: G) {
        self.0.ending.store(true, Ordering::Release);
        let flushes = self.0.flushes.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *flushes;
        // Nothing to write, but the thread reaches the end of its queue once more.
        let _ = queue.write(&[]);
        let waited = self.0.flushed.wait_timeout_while(flushes, PATIENCE, |flushes| *flushes == before);
        let (flushes, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let is_written = *flushes != before;
        drop(flushes);
        if is_written { drop(guard) } else { mem::forget(guard) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;

    use super::*;

    /// Makes an output that fails while there is no room, and a receiver for what it reports.
    fn output(room: Arc<AtomicUsize>, overflowed: Arc<AtomicUsize>) -> (LogOutput<Room>, mpsc::Receiver<usize>) {
        let (tell, told) = mpsc::channel();
        let overflowed = move || overflowed.load(Ordering::Relaxed);
        let tell = move |lost| tell.send(lost).expect("the test listens");
        (LogOutput::new(Room { taken: Vec::new(), room }, overflowed, tell), told)
    }

    #[derive(Debug)]
    struct Room {
        taken: Vec<u8>,
        room: Arc<AtomicUsize>,
    }

    impl Write for Room {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let n = bytes.len().min(self.room.load(Ordering::Relaxed));
            if n == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.room.fetch_sub(n, Ordering::Relaxed);
            self.taken.extend_from_slice(&bytes[..n]);
            Ok(n)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_cannot_be_written_are_lost_and_counted_with_those_that_overflowed() {
        let (room, overflowed) = (Arc::new(AtomicUsize::new(4)), Arc::default());
        let (mut output, told) = output(Arc::clone(&room), Arc::clone(&overflowed));
        output.write_all(b"one\n").expect("it never fails");
        assert_eq!(told.try_iter().count(), 0, "nothing is lost yet");
        overflowed.store(5, Ordering::Relaxed);
        output.write_all(b"two\n").expect("it never fails");
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [6]);
        room.store(100, Ordering::Relaxed);
        overflowed.store(7, Ordering::Relaxed);
        output.write_all(b"three\n").expect("it never fails");
        output.flush().expect("it never fails");
        assert_eq!(told.try_iter().count(), 0, "once a second at most");
        output.told_at = Instant::now().checked_sub(TELL_EVERY);
        output.flush().expect("it never fails");
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [8]);
        assert_eq!(output.out.taken, b"one\nthree\n");
    }

    /// Records that it was dropped.
    struct Guard(mpsc::Sender<()>);

    impl Drop for Guard {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }

    #[test]
    fn the_end_waits_for_what_is_left_but_not_for_ever() {
        let (dropped, drops) = mpsc::channel();
        let (output, _told) = output(Arc::new(AtomicUsize::new(9)), Arc::default());
        let (queue, lines) = mpsc::channel::<Vec<u8>>();
        let progress = output.progress();
        let thread = std::thread::spawn(move || {
            let mut output = output;
            while lines.recv().is_ok() {
                output.flush().expect("it never fails");
            }
        });
        progress.end(Sender(queue.clone()), Guard(dropped.clone()));
        assert_eq!(drops.try_recv(), Ok(()), "all was written");
        drop(queue);
        thread.join().expect("it does not panic");

        // Nothing takes from this queue.
        let since = Instant::now();
        progress.end(io::sink(), Guard(dropped));
        assert!(drops.try_recv().is_err(), "a guard would wait for its thread");
        assert!(since.elapsed() >= PATIENCE);
    }

    struct Sender(mpsc::Sender<Vec<u8>>);

    impl Write for Sender {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(vec![0; bytes.len()]).expect("somebody takes it");
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_lost_last_are_reported_at_the_end() {
        let overflowed = Arc::new(AtomicUsize::new(1));
        let (mut output, told) = output(Arc::new(AtomicUsize::new(9)), Arc::clone(&overflowed));
        output.flush().expect("it never fails");
        overflowed.store(3, Ordering::Relaxed);
        output.flush().expect("it never fails");
        output.progress().end(io::sink(), ());
        output.flush().expect("it never fails");
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [1, 3]);
    }
}
