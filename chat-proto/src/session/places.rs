//! Where a session reads if it is, or was, in rooms other than the lobby.
//!
//! A session begins in the lobby, and most stay there. Such a *simple* session has one cursor. With the first room that
//! it enters, or when it leaves the lobby, it becomes a *placed* session: it has a place in the log of each of its
//! rooms, and reads all of them in one order, that of the stamps.

use smallvec::SmallVec;

use crate::config::MAX_ROOMS;
use crate::id::RoomId;
use crate::log::{Cursor, Log};
use crate::pool::Recycle;

/// A place in the log of a room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Distinguishes it from other places of the session.
    pub(crate) serial: u32,
    /// The number of its log, see [`log`](Self::log).
    log: u16,
    /// The session was thrown out of the room, and its replies were too full to tell it.
    pub(crate) is_untold: bool,
    pub(crate) cursor: Cursor,
    /// The number of the last mark of the log that it reached.
    pub(crate) reached: u32,
    /// The entry for which it was put last into the list of those that have read all of the log; [`u64::MAX`] if it
    /// does not stand there.
    pub(crate) waits_at: u64,
    /// How many entries from the cursor on are in the batch that is being filled for it.
    pub(crate) filled: u32,
    /// Where it ends, once the session has left the room; [`u64::MAX`] before.
    pub(crate) end: u64,
}

const _: () = assert!(MAX_ROOMS - 1 <= u16::MAX as usize, "the number of a log fits");

impl Place {
    /// Returns the log, by its number among all logs.
    #[inline]
    pub(crate) fn log(&self) -> u32 {
        self.log.into()
    }

    /// Returns the entry up to which the batch is filled for it.
    #[inline]
    pub(crate) fn ahead(&self) -> u64 {
        self.cursor.next + u64::from(self.filled)
    }

    /// Returns whether it stands in the list of those that have read all of its log.
    pub(crate) fn is_caught_up(&self, log: &Log) -> bool {
        self.waits_at == log.head()
    }

    /// Returns whether the session is still in the room.
    pub(crate) fn is_live(&self) -> bool {
        self.end == u64::MAX
    }

    /// Returns whether it can be removed: the session has read up to the end, and was told if it was thrown out.
    pub(crate) fn is_over(&self) -> bool {
        self.cursor.next >= self.end && !self.is_untold
    }
}

/// The places of one session, and the room in which it speaks.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// In the order in which it entered the rooms. Most are in the lobby and one other; these are found with one step
    /// through memory less.
    pub(crate) list: SmallVec<[Place; 2]>,
    /// The room in which it speaks, and the serial number of the place there.
    pub(crate) focus: Option<RoomId>,
    pub(crate) focus_place: u32,
    /// The stamp from which on lines of that room have no label.
    pub(crate) focused_at: u64,
    /// The serial number of the next place.
    next_serial: u32,
}

impl Recycle for Places {
    fn clear(&mut self) {
        self.list.clear();
        (self.focus, self.focus_place, self.focused_at, self.next_serial) = (None, 0, 0, 0);
    }
}

impl Places {
    /// Bytes of heap for the places of a session that may be in that many rooms.
    pub(crate) const fn memory_bound(rooms: usize) -> usize {
        match rooms {
            0 => 0,
            1 | 2 => size_of::<Self>(),
            _ => size_of::<Self>() + rooms * size_of::<Place>(),
        }
    }

    /// Adds a place, of at most `max`.
    pub(crate) fn push(&mut self, log: u32, cursor: Cursor, max: usize) -> &mut Place {
        if self.list.len() == self.list.capacity() {
            // Few sessions are in many rooms. No session has memory for more rooms than it may be in.
            self.list.reserve_exact((self.list.len().max(2)).min(max - self.list.len()).max(1));
        }
        let serial = self.next_serial;
        self.next_serial = serial.wrapping_add(1);
        let index = self.list.len();
        let place = Place {
            serial,
            log: log as u16,
            is_untold: false,
            cursor,
            reached: 0,
            waits_at: u64::MAX,
            filled: 0,
            end: u64::MAX,
        };
        self.list.push(place);
        &mut self.list[index]
    }

    /// Returns the place in the log of a room that the session is in.
    pub(crate) fn live(&mut self, log: u32) -> Option<&mut Place> {
        self.list.iter_mut().find(|place| place.log() == log && place.is_live())
    }

    /// Returns the place that has read or will read the entry `seq` of a log.
    pub(crate) fn reading(&mut self, log: u32, seq: u64) -> Option<&mut Place> {
        // Of two places in one log the first ends before the second begins.
        self.list.iter_mut().find(|place| place.log() == log && seq < place.end)
    }
}
