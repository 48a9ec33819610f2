//! One participant: its slot, its phase, its counters.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU64;

use crate::bucket::Bucket;
use crate::command::CloseReason;
use crate::fault::Fault;
use crate::line::Framer;
use crate::log::{Cursor, Readers};
use crate::origins::Place;
use crate::outbox::Outbox;
use crate::pace::Intake;
use crate::time::Timestamp;
use crate::turns::Hold;

/// Names a session; a slot and a generation, so that an id that is out of date is harmless.
///
/// A call with the id of a session that is gone does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl SessionId {
    /// The id of no session.
    pub(crate) const NONE: Self = Self { slot: u32::MAX, generation: u32::MAX };

    /// Returns the session's place among the open ones, 0 to `max_sessions` − 1.
    ///
    /// No two open sessions have the same, so a driver may keep its connections in a plain vector; the place is
    /// reused after the session's [`Command::Close`](crate::Command::Close).
    #[must_use]
    pub fn slot(self) -> usize {
        self.slot as usize
    }
}

/// Writes the slot and the generation, as in `12.3`: no two sessions that a log tells of look the same.
impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot, self.generation)
    }
}

/// What one session has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionStats {
    /// When it was opened.
    pub opened: Timestamp,
    /// Bytes taken from the peer.
    pub bytes_received: u64,
    /// Complete lines taken from the peer, refused ones among them.
    pub lines_received: u64,
    /// Bytes that the peer's socket has taken.
    pub bytes_sent: u64,
    /// Messages that the peer's socket has taken, or begun to, and answers that were made for it; what a newcomer is shown
    /// is not counted.
    pub lines_sent: u64,
    /// Messages it was too slow for.
    pub missed: u64,
}

/// Where a session is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nobody has the slot.
    Vacant,
    /// It may say things and hears others.
    Open,
    /// Its input is ignored; it is sent what the log held before entry `end`, and its last words.
    Closing { reason: CloseReason, end: u64 },
    /// Nothing more goes in or out; the driver has not been told yet.
    Over(CloseReason),
}

/// Why a session's input is left untaken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Untaken {
    /// It is not.
    No,
    /// It is out of tokens.
    UntilRefill,
    /// Its replies leave no room for another.
    UntilRead,
    /// A line of its own waits.
    UntilSaid,
}

/// Whether a session's peer has ended its output, or gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It may send more.
    No,
    /// It has ended; some of what it sent is still untaken.
    Peer,
    /// All that it sent was taken; a line of it waits.
    Input,
}

/// When it is a session's turn among all of its origin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn(NonZeroU64);

impl Turn {
    pub(crate) fn new(at: Timestamp) -> Self {
        // Nobody has to wait for the start.
        Self(NonZeroU64::new(at.as_nanos()).unwrap_or(NonZeroU64::MIN))
    }

    pub(crate) fn at(self) -> Timestamp {
        Timestamp::from_nanos(self.0.get())
    }
}

/// All that the hub knows of one session, but for its name.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other and of the phase")]
pub(crate) struct Session {
    pub(crate) generation: u32,
    /// Which of the hub's lanes it reads.
    pub(crate) lane: u8,
    /// Its first line is none of another protocol.
    pub(crate) accepted: bool,
    /// Others have been told that it is here.
    pub(crate) joined: bool,
    /// A `Send` was handed out and not all that it was about has been sent.
    pub(crate) sending: bool,
    /// It was put in line by itself, not with all whom the log left behind.
    pub(crate) due: bool,
    /// It is in line as one who asked.
    pub(crate) asked: bool,
    /// It was warned that its silence is about to end it.
    pub(crate) warned: bool,
    /// A `Read` is to be handed out.
    pub(crate) read_due: bool,
    pub(crate) phase: Phase,
    pub(crate) framer: Framer,
    pub(crate) cursor: Cursor,
    /// Private bytes; `None` while there are none.
    pub(crate) outbox: Option<Box<Outbox>>,
    pub(crate) untaken: Untaken,
    /// What its line waits for that the framer holds.
    pub(crate) hold: Hold,
    pub(crate) ended: Ended,
    pub(crate) bucket: Bucket,
    pub(crate) intake: Intake,
    /// Where it is counted with others; `None` if it is not.
    pub(crate) origin: Option<Place>,
    /// Its turn among those, while it has a token of theirs that it has not used.
    pub(crate) turn: Option<Turn>,
    /// The last complete line, or the opening; once its peer has ended, when that was.
    pub(crate) active: Timestamp,
    /// Since when it has taken no byte of what is pending; while closing, since when it is.
    pub(crate) waiting: Timestamp,
    pub(crate) stats: SessionStats,
}

impl Session {
    pub(crate) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Takes note that its silence begins now.
    pub(crate) fn heard(&mut self, now: Timestamp) {
        self.active = now;
        self.warned = false;
    }

    /// The end of what it is to read of a log with that head.
    pub(crate) fn end(&self, head: u64) -> u64 {
        match self.phase {
            Phase::Open => head,
            Phase::Closing { end, .. } => end,
            Phase::Vacant | Phase::Over(_) => self.cursor.next,
        }
    }
}

/// The sessions by slot.
#[derive(Debug)]
pub(crate) struct Sessions {
    slots: Vec<Session>,
    vacant: Vec<u32>,
    max: usize,
}

impl Sessions {
    pub(crate) fn new(max: usize) -> Self {
        Self { slots: Vec::with_capacity(max), vacant: Vec::with_capacity(max), max }
    }

    /// Bytes of heap for that many, their buffers apart.
    pub(crate) const fn memory_bound(max: usize) -> usize {
        max * (size_of::<Session>() + size_of::<u32>())
    }

    /// Returns how many are there, in any phase.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.vacant.len()
    }

    /// Returns whether another finds a slot.
    pub(crate) fn has_room(&self) -> bool {
        self.len() < self.max
    }

    /// Puts a session into a slot; `None` if all are taken.
    pub(crate) fn insert(&mut self, lane: u8, cursor: Cursor, now: Timestamp) -> Option<SessionId> {
        if !self.has_room() {
            return None;
        }
        let (slot, generation) = match self.vacant.pop() {
            Some(slot) => (slot, self.slots[slot as usize].generation),
            None => (self.slots.len() as u32, 0),
        };
        let session = Session {
            generation,
            lane,
            accepted: false,
            joined: false,
            sending: false,
            due: false,
            asked: false,
            warned: false,
            read_due: false,
            phase: Phase::Open,
            framer: Framer::default(),
            cursor,
            outbox: None,
            untaken: Untaken::No,
            hold: Hold::None,
            ended: Ended::No,
            bucket: Bucket::default(),
            intake: Intake::new(),
            origin: None,
            turn: None,
            active: now,
            waiting: now,
            stats: SessionStats { opened: now, ..SessionStats::default() },
        };
        match self.slots.get_mut(slot as usize) {
            Some(vacant) => *vacant = session,
            None => self.slots.push(session),
        }
        Some(SessionId { slot, generation })
    }

    /// Empties a slot, whose id is out of date from here on.
    pub(crate) fn remove(&mut self, slot: u32) {
        let session = &mut self.slots[slot as usize];
        debug_assert!(matches!(session.phase, Phase::Over(_)));
        session.phase = Phase::Vacant;
        // After 2³² sessions in one slot an id comes round again; at a million a second that is over an hour for an
        // id that its driver has held on to after its `Close`.
        session.generation = session.generation.wrapping_add(u32::from(!Fault::GenerationStays.is_planted()));
        if !Fault::SlotLeaked.is_planted() {
            self.vacant.push(slot);
        }
    }

    /// Returns the slot of a session that is there.
    pub(crate) fn slot(&self, id: SessionId) -> Option<u32> {
        let session = self.slots.get(id.slot())?;
        (session.generation == id.generation && session.phase != Phase::Vacant).then_some(id.slot)
    }

    /// Returns the id of the session in that slot.
    pub(crate) fn id(&self, slot: u32) -> SessionId {
        SessionId { slot, generation: self.slots[slot as usize].generation }
    }

    /// Returns those of the first `most` slots that are not vacant.
    pub(crate) fn occupied(&self, most: u32) -> impl Iterator<Item = u32> + '_ {
        (0..most.min(self.slots())).filter(|slot| self.slots[*slot as usize].phase != Phase::Vacant)
    }

    /// Returns one past the highest slot ever used.
    pub(crate) fn slots(&self) -> u32 {
        self.slots.len() as u32
    }

    /// Returns the readers of one lane, to its log.
    pub(crate) fn readers(&mut self, lane: u8) -> LaneReaders<'_> {
        LaneReaders { sessions: self, lane }
    }
}

impl core::ops::Index<u32> for Sessions {
    type Output = Session;

    fn index(&self, slot: u32) -> &Session {
        &self.slots[slot as usize]
    }
}

impl core::ops::IndexMut<u32> for Sessions {
    fn index_mut(&mut self, slot: u32) -> &mut Session {
        &mut self.slots[slot as usize]
    }
}

/// The sessions that read one lane.
pub(crate) struct LaneReaders<'a> {
    sessions: &'a mut Sessions,
    lane: u8,
}

impl Readers for LaneReaders<'_> {
    fn cursor(&mut self, reader: u32) -> Option<&mut Cursor> {
        let session = &mut self.sessions[reader];
        (session.lane == self.lane && session.phase != Phase::Vacant).then_some(&mut session.cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_small() {
        // With its share of the lists, heaps and tables an idle session stays below 344 bytes, and 80 more where it is
        // counted by address.
        assert!(size_of::<Session>() <= 216, "{} bytes", size_of::<Session>());
    }

    #[test]
    fn two_sessions_of_a_slot_are_told_apart_in_the_log() {
        use alloc::string::ToString as _;

        let mut sessions = Sessions::new(1);
        let cursor = Cursor::at_head(&crate::log::Log::new(1, 1));
        let mut come_and_go = || {
            let id = sessions.insert(0, cursor, Timestamp::ZERO).expect("room");
            sessions[id.slot].phase = Phase::Over(CloseReason::Eof);
            sessions.remove(id.slot);
            id.to_string()
        };
        assert_eq!([come_and_go(), come_and_go()], ["0.0", "0.1"]);
    }

    #[test]
    fn a_lanes_readers_are_those_who_are_there_and_read_it() {
        let mut sessions = Sessions::new(3);
        let cursor = Cursor::at_head(&crate::log::Log::new(1, 1));
        let [_, other, gone] = [0, 1, 0].map(|lane| sessions.insert(lane, cursor, Timestamp::ZERO).expect("room").slot);
        sessions[gone].phase = Phase::Over(CloseReason::Eof);
        sessions.remove(gone);
        assert_eq!([0, other, gone].map(|slot| sessions.readers(0).cursor(slot).is_some()), [true, false, false]);
    }
}
