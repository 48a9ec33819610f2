//! The journal: a bounded record of what happened to which session, the oldest overwritten.

use alloc::collections::VecDeque;

use crate::command::CloseReason;
use crate::id::{HubId, SessionId};
use crate::time::Timestamp;

/// One event in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number; the first is 0 and each is one more.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// Which session it happened to; `None` for the hub itself.
    pub session: Option<SessionId>,
    /// What happened.
    pub kind: RecordKind,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordKind {
    /// A session was opened.
    Opened,
    /// A session was not opened: the hub was full or shutting down, or there were too many from one address.
    NotOpened,
    /// A session took a name.
    Named,
    /// A line was refused.
    Refused,
    /// A session's input is left untaken until its bucket refills or its replies are read.
    Throttled,
    /// A reader does not keep pace, and nobody waits for it any more.
    Slow,
    /// A peer had ended, and not all that it had sent could be handled in time.
    CutShort,
    /// A reader fell behind the log.
    Missed {
        /// How many messages it missed.
        count: u64,
    },
    /// A session was warned that it is about to be closed for silence.
    Warned,
    /// A session began to close.
    Closing(CloseReason),
    /// A session is gone.
    Closed(CloseReason),
    /// The embedding program made an announcement.
    Announced,
    /// The hub was told to shut down.
    ShuttingDown,
}

/// A ring of the latest records.
#[derive(Debug)]
pub(crate) struct Journal {
    records: VecDeque<Kept>,
    max: usize,
    next: u64,
    /// The hub, once it has recorded anything of a session.
    hub: HubId,
}

/// A record without what is the same in all, or follows from its place.
#[derive(Clone, Copy, Debug)]
struct Kept {
    at: Timestamp,
    slot: u32,
    generation: u32,
    kind: RecordKind,
}

impl Journal {
    pub(crate) fn new(max: usize) -> Self {
        Self { records: VecDeque::with_capacity(max), max, next: 0, hub: SessionId::NONE.hub }
    }

    /// Bytes of heap for that many records.
    pub(crate) const fn memory_bound(max: usize) -> usize {
        max * size_of::<Kept>()
    }

    pub(crate) fn push(&mut self, at: Timestamp, session: Option<SessionId>, kind: RecordKind) {
        if self.records.len() == self.max {
            self.records.pop_front();
        }
        let SessionId { slot, generation, hub } = session.unwrap_or(SessionId::NONE);
        if session.is_some() {
            self.hub = hub;
        }
        self.records.push_back(Kept { at, slot, generation, kind });
        self.next += 1;
    }

    /// Returns the records from number `since` on that are kept, oldest first.
    pub(crate) fn since(&self, since: u64) -> impl Iterator<Item = Record> + '_ {
        let oldest = self.next - self.records.len() as u64;
        let skipped = since.saturating_sub(oldest).min(self.records.len() as u64);
        let kept = self.records.range(skipped as usize..);
        kept.zip(oldest + skipped..).map(|(record, seq)| {
            let Kept { at, slot, generation, kind } = *record;
            let session = Some(SessionId { slot, generation, hub: self.hub });
            Record { seq, at, session: session.filter(|_| slot != SessionId::NONE.slot), kind }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_overwritten_and_the_reader_can_tell() {
        let mut journal = Journal::new(3);
        for i in 0..5 {
            journal.push(Timestamp::from_nanos(i), None, RecordKind::Announced);
        }
        let numbers = |since| journal.since(since).map(|record| record.seq).collect::<alloc::vec::Vec<_>>();
        assert_eq!(numbers(0), [2, 3, 4]);
        assert_eq!(numbers(4), [4]);
        assert_eq!((numbers(5), numbers(u64::MAX)), ([].to_vec(), [].to_vec()));
    }
}
