//! Pace: which readers are waited for, and for how long.
//!
//! A log is bounded, so somebody must give way when more is said than is read. A reader that keeps pace never does:
//! senders wait for it. A reader that does not keep pace is not waited for.
//!
//! Each log has a *mark*. Publishing stops while both of these hold: a *small part* of any log lies behind its mark,
//! and a reader that is waited for has not reached the mark of its own log. When all have reached their marks, the
//! marks of all logs move together to what is published next. If each log moved its mark alone, the readers of one
//! dialect could hold the others up after those of another had done so. So no reader that is waited for is ever more
//! than two small parts of its log behind.
//!
//! On its way from one mark to the next, a reader may be *blocked* for the *allowance*: twice the time in which a small
//! part passes at [`Config::pace`](crate::Config::pace). After that it is *slow* and no longer waited for, until it has
//! reached the mark or has taken everything. All readers spend their allowances at the same time. So no number of them,
//! at once or in turns, delays a small part for longer than one allowance, and all others always get at least half of
//! the pace.
//!
//! Each room has marks of its own, so a reader of several rooms may be a small part behind in each. Its allowance is
//! the same, and comes back with each byte that it takes: at half of the pace it never runs out.

use core::time::Duration;

use crate::fault::Fault;
use crate::log::Log;
use crate::time::Timestamp;

/// The most bytes of a small part: what a hundred readers take in some milliseconds, and enough for two writes.
const MAX_SMALL_BYTES: usize = 128 << 10;

/// A small part is at most one part in so many of a log. A reader is at most two of them behind. The other half is for
/// the hub's own notices, which do not wait.
const PARTS: usize = 4;

/// Nanoseconds that a driver may take to report a write before its reader counts as blocked. They are about a second,
/// rounded up to the next multiple of this number, so that readers whose drivers were told to write at about the same
/// time are looked at together. A power of two, because this is computed with every write.
const UNREPORTED: u64 = 1 << 30;

/// How long a session must have sent no line for its next one to join the queue that has every second turn.
const FRESH: Duration = Duration::from_secs(1);

/// The numbers that follow from [`Config::pace`](crate::Config::pace).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    small_bytes: u64,
    small_entries: u64,
    /// Nanoseconds for which a reader may be blocked between two marks.
    allowance: u64,
    bytes_a_second: u64,
}

impl Pace {
    /// Returns the numbers, or `None` if nobody is waited for.
    pub(crate) fn new(pace: Option<usize>, log_bytes: usize, log_entries: usize) -> Option<Self> {
        let small_bytes = MAX_SMALL_BYTES.min(log_bytes / PARTS) as u64;
        let small_entries = (log_entries / PARTS) as u64;
        let bytes_a_second = (pace? as u64).max(1);
        let allowance = 2 * small_bytes * 1_000_000_000 / bytes_a_second;
        Some(Self { small_bytes, small_entries, allowance, bytes_a_second })
    }

    /// Returns twice the time, in nanoseconds, in which that many bytes pass.
    fn time_for(&self, bytes: usize) -> u64 {
        (bytes as u64).saturating_mul(2_000_000_000) / self.bytes_a_second
    }

    /// The least bytes of a log that allows waiting for readers. At most two small parts lie between a reader and the
    /// head. Each may be exceeded by what one line publishes, and what is published at the mark itself is added.
    pub(crate) const fn least_log_bytes(max_encoded: usize) -> usize {
        (2 * EVENTS_A_LINE + 1) * max_encoded * 2
    }

    /// The least entries of such a log, for the same reason.
    pub(crate) const LEAST_LOG_ENTRIES: usize = (2 * EVENTS_A_LINE + 1) * 2;
}

/// The most updates that one line publishes: that its author has joined, and its message. (Notices of joins and leaves
/// are the hub's own, and have the rest of the log.)
const EVENTS_A_LINE: usize = 2;

/// Returns whether a session had been silent (see [`FRESH`]), given that its line before this one came at `previous`.
pub(crate) fn is_fresh(previous: Timestamp, now: Timestamp) -> bool {
    now.saturating_duration_since(previous) >= FRESH
}

/// A log's mark, and how many of its readers have not reached it.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// How many marks there were, so that a reader knows the last one that it reached.
    number: u32,
    /// The readers that are waited for …
    readers: u32,
    /// … and those of them that have not reached the mark.
    behind: u32,
    /// A reader has reached the mark when it has read up to this entry.
    mark: u64,
    /// The log's head, in entries and in bytes, from which on a small part lies behind the mark.
    full: u64,
    full_position: u64,
}

impl Marks {
    /// Makes the first mark, at the start of a log.
    pub(crate) fn new(pace: Option<&Pace>) -> Self {
        let (full, full_position) = pace.map_or((u64::MAX, u64::MAX), |pace| (pace.small_entries, pace.small_bytes));
        Self { full, full_position, ..Self::default() }
    }

    /// Returns whether a small part lies behind the mark.
    #[inline]
    pub(crate) fn is_full(&self, log: &Log) -> bool {
        log.head_position() >= self.full_position || log.head() >= self.full
    }

    /// Returns whether a reader that is waited for could have reached the mark but has not.
    pub(crate) fn is_anyone_behind(&self, log: &Log) -> bool {
        // If nothing was published since the mark was set, nobody has anything to read before it.
        self.behind > 0 && log.head() >= self.mark
    }

    /// Sets the next mark: one entry after the log's head, so that every reader has something to read before it.
    pub(crate) fn set(&mut self, log: &Log, pace: &Pace) {
        self.number = self.number.wrapping_add(1);
        self.full = log.head() + pace.small_entries;
        self.full_position = log.head_position() + pace.small_bytes;
        self.mark = log.head() + 1;
        self.behind = self.readers;
    }

    /// Starts to wait for a reader that is at `next`; returns the number of the last mark that it counts as having
    /// reached.
    pub(crate) fn begin(&mut self, next: u64) -> u32 {
        self.readers += 1;
        self.behind += u32::from(next < self.mark);
        self.number.wrapping_sub(u32::from(next < self.mark))
    }

    /// Stops waiting for a reader that was waited for; returns whether it had not reached the mark.
    pub(crate) fn end(&mut self, reached: u32) -> bool {
        let was_behind = reached != self.number;
        self.readers -= 1;
        self.behind -= u32::from(was_behind);
        was_behind
    }

    /// Records where a reader is, if it is waited for; returns whether it has reached the mark just now.
    #[inline]
    pub(crate) fn observe(&mut self, reached: &mut u32, next: u64, is_waited_for: bool) -> bool {
        let has_reached = *reached != self.number && is_waited_for && next >= self.mark;
        if has_reached {
            self.behind -= 1;
            *reached = self.number;
        }
        has_reached
    }

    /// Returns whether a reader at `next` has reached the mark, so that it may be waited for again.
    pub(crate) fn is_reached(&self, next: u64) -> bool {
        next >= self.mark
    }
}

/// How quickly a reader takes what it is offered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Intake {
    offer: Offer,
    /// It is being given a long answer, which takes from its allowance as if it were blocked: it could ask again and
    /// again, and would then not get to its mark.
    answered: bool,
    /// It has used up its allowance and is not waited for.
    slow: bool,
    /// When the present offer was made, or when the reader became blocked.
    since: Timestamp,
    /// Nanoseconds of the allowance that were left at that time.
    left: u64,
}

/// The state of what a reader was offered last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offer {
    /// The reader took all of it.
    Taken,
    /// Its driver is writing it.
    Made,
    /// Its socket took less, and takes nothing now.
    Blocked,
}

impl Intake {
    /// Makes the state of a session that nobody waits for.
    pub(crate) fn new() -> Self {
        Self { offer: Offer::Taken, answered: false, slow: true, since: Timestamp::ZERO, left: 0 }
    }

    /// Returns whether the reader is not waited for.
    #[inline]
    pub(crate) fn is_slow(&self) -> bool {
        self.slow
    }

    /// Records that a driver has been told to write.
    #[inline]
    pub(crate) fn offer(&mut self, now: Timestamp) {
        if self.offer != Offer::Taken || self.answered || Fault::AllowanceEarnedIdle.is_planted() {
            self.spend(now);
        }
        (self.offer, self.since) = (Offer::Made, now);
    }

    /// Records a report: whether the socket took all that it was offered.
    #[inline]
    pub(crate) fn report(&mut self, complete: bool, now: Timestamp) {
        if self.offer != Offer::Made || self.answered || now.as_nanos() - self.since.as_nanos() > UNREPORTED {
            self.spend(now);
        }
        self.offer = if complete { Offer::Taken } else { Offer::Blocked };
        self.since = now;
    }

    /// Records that the socket takes bytes again.
    pub(crate) fn unblock(&mut self, now: Timestamp) {
        if self.offer == Offer::Blocked {
            self.spend(now);
            self.offer = Offer::Made;
        }
    }

    /// Records that a long answer begins or ends.
    pub(crate) fn answer(&mut self, answered: bool, now: Timestamp) {
        if self.answered != answered {
            self.spend(now);
            self.answered = answered;
        }
    }

    /// Records that the reader has taken everything; returns whether to wait for it again.
    #[inline]
    pub(crate) fn is_done(&mut self, pace: &Pace) -> bool {
        self.left = pace.allowance;
        self.slow
    }

    /// Returns when the reader becomes slow, unless it reaches the mark before.
    #[inline]
    pub(crate) fn runs_out(&self) -> Timestamp {
        let since = match self.offer {
            _ if self.answered => self.since.as_nanos(),
            Offer::Taken => return Timestamp::MAX,
            Offer::Made => unreported(self.since),
            Offer::Blocked => self.since.as_nanos(),
        };
        if self.slow { Timestamp::MAX } else { Timestamp::from_nanos(since.saturating_add(self.left)) }
    }

    /// Adds to the allowance for bytes that a reader of several rooms has taken: twice the time in which they pass at
    /// the pace. The marks of its rooms come at any time, so they restore nothing.
    pub(crate) fn earn(&mut self, bytes: usize, pace: &Pace) {
        // A reader that takes everything always has all of it.
        if self.left < pace.allowance {
            self.left = self.left.saturating_add(pace.time_for(bytes)).min(pace.allowance);
        }
    }

    /// Begins to wait for the reader.
    pub(crate) fn begin(&mut self, pace: &Pace, now: Timestamp) {
        self.slow = false;
        self.restore(pace, now);
    }

    /// Marks the reader as slow.
    pub(crate) fn give_up(&mut self) {
        self.slow = true;
    }

    /// Subtracts from the allowance what the present offer has used.
    #[cold]
    fn spend(&mut self, now: Timestamp) {
        let now_nanos = now.as_nanos();
        let used = match self.offer {
            Offer::Taken if Fault::AllowanceEarnedIdle.is_planted() => {
                self.left = self.left.saturating_add(now_nanos - self.since.as_nanos());
                0
            }
            _ if self.answered => now_nanos - self.since.as_nanos(),
            Offer::Taken => 0,
            Offer::Made => now_nanos.saturating_sub(unreported(self.since)),
            Offer::Blocked => now_nanos - self.since.as_nanos(),
        };
        self.left = self.left.saturating_sub(used);
        self.since = now;
    }

    /// Restores the whole allowance.
    #[inline]
    pub(crate) fn restore(&mut self, pace: &Pace, now: Timestamp) {
        (self.left, self.since) = (pace.allowance, now);
    }
}

/// Returns, in nanoseconds, when a reader begins to count as blocked if its driver was told to write at `since`.
#[inline]
fn unreported(since: Timestamp) -> u64 {
    match since.as_nanos().checked_add(2 * UNREPORTED - 1) {
        Some(nanos) => nanos & !(UNREPORTED - 1),
        None => u64::MAX,
    }
}
