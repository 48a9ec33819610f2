//! Where a session reads if it is, or was, in rooms other than the lobby.
//!
//! A session begins in the lobby, and most stay there. Such a *simple* session has one cursor. With the first room that
//! it enters, or when it leaves the lobby, it becomes a *placed* session: it has a place in the log of each of its
//! rooms, and reads all of them in one order, that of the stamps.

use alloc::vec::Vec;
use core::num::NonZeroU32;
use core::ops::{Index, IndexMut};

use smallvec::SmallVec;

use crate::config::MAX_ROOMS;
use crate::id::RoomId;
use crate::log::{Cursor, Log};

/// A place in the log of a room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) cursor: Cursor,
    /// Where it ends, once the session has left the room; [`u64::MAX`] before.
    pub(crate) end: u64,
    /// Distinguishes it from other places of the session.
    pub(crate) serial: u32,
    /// The number of the last mark of the log that it reached.
    pub(crate) reached: u32,
    /// The lower half of the number of the entry for which it was put last into the list of those that have read all
    /// of the log. Only a log that grows by exactly 2³² entries between two such moments would be mistaken for one that
    /// has not grown.
    waits_at: u32,
    /// Whether it was put there and not taken out. It may have moved with the list since, when the log grew.
    is_listed: bool,
    /// The session was thrown out of the room, and its replies were too full to tell it.
    pub(crate) is_untold: bool,
    /// The number of its log, see [`log`](Self::log).
    log: u16,
}

const _: () = assert!(MAX_ROOMS - 1 <= u16::MAX as usize, "the number of a log fits");

impl Place {
    /// Returns the log, by its number among all logs.
    #[inline]
    pub(crate) fn log(&self) -> u32 {
        self.log.into()
    }

    /// Returns whether it stands in the list of those that have read all of its log.
    pub(crate) fn is_caught_up(&self, log: &Log) -> bool {
        self.is_listed && self.waits_at == log.head() as u32
    }

    /// Records that it is in that list, now that it has read everything; returns whether it has to be put there.
    #[inline]
    pub(crate) fn list(&mut self) -> bool {
        // If the log has not grown since then, it still stands there.
        let next = self.cursor.next as u32;
        let is_new = !self.is_listed || self.waits_at != next;
        (self.waits_at, self.is_listed) = (next, true);
        is_new
    }

    /// Records that it was taken out of any list.
    pub(crate) fn unlist(&mut self) {
        self.is_listed = false;
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

/// For how many places a session needs no memory of its own.
const INLINE: usize = 2;

/// The places of one session, and the room in which it speaks.
///
/// With two places it fills two cache lines: where a thousand rooms have their turns, memory is slower than anything
/// else.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Places {
    /// In the order in which it entered the rooms. Most are in the lobby and one other; these are found with one step
    /// through memory less.
    pub(crate) list: SmallVec<[Place; INLINE]>,
    /// The room in which it speaks, and the serial number of the place there.
    pub(crate) focus: Option<RoomId>,
    pub(crate) focus_place: u32,
    /// The stamp from which on lines of that room have no label.
    pub(crate) focused_at: u64,
    /// The serial number of the next place.
    next_serial: u32,
}

const _: () = assert!(size_of::<usize>() != 8 || size_of::<Places>() == 128, "two cache lines");

/// The places of all sessions that have any.
///
/// They lie side by side, and a session has the index of its own. Where ten thousand sessions have their turns, what is
/// needed next is then in the processor's cache before it is asked for.
#[derive(Debug)]
pub(crate) struct PlacesTable {
    all: Vec<Places>,
    free: Vec<PlacesIndex>,
    /// How many sessions there may be.
    max: usize,
}

/// The index of a session's places, while it has any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlacesIndex(NonZeroU32);

impl PlacesIndex {
    const fn number(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl PlacesTable {
    /// Makes a table for so many sessions, without memory for any.
    pub(crate) const fn new(max: usize) -> Self {
        Self { all: Vec::new(), free: Vec::new(), max }
    }

    /// Bytes of heap for the places of a session that may be in that many rooms.
    pub(crate) const fn memory_bound(rooms: usize) -> usize {
        let spilled = if rooms > INLINE { rooms * size_of::<Place>() } else { 0 };
        if rooms == 0 { 0 } else { size_of::<Places>() + size_of::<PlacesIndex>() + spilled }
    }

    /// Returns the index of places that are free.
    pub(crate) fn take(&mut self) -> PlacesIndex {
        if let Some(index) = self.free.pop() {
            return index;
        }
        if self.all.capacity() == 0 {
            // Nobody needs them before the first session enters another room. At once and for good: no place moves then.
            self.all.reserve_exact(self.max);
            self.free.reserve_exact(self.max);
        }
        self.all.push(Places::default());
        PlacesIndex(NonZeroU32::new(self.all.len() as u32).unwrap_or(NonZeroU32::MAX))
    }

    /// Frees places, and the memory of those of a session that was in many rooms.
    pub(crate) fn give(&mut self, index: PlacesIndex) {
        self[index] = Places::default();
        self.free.push(index);
    }
}

impl Index<PlacesIndex> for PlacesTable {
    type Output = Places;

    #[inline]
    fn index(&self, index: PlacesIndex) -> &Places {
        &self.all[index.number()]
    }
}

impl IndexMut<PlacesIndex> for PlacesTable {
    #[inline]
    fn index_mut(&mut self, index: PlacesIndex) -> &mut Places {
        &mut self.all[index.number()]
    }
}

impl Places {
    /// Adds a place, of at most `max`.
    pub(crate) fn push(&mut self, log: u32, cursor: Cursor, max: usize) -> &mut Place {
        if self.list.len() == self.list.capacity() {
            // Few sessions are in many rooms. No session has memory for more rooms than it may be in.
            self.list.reserve_exact(self.list.len().max(INLINE).min(max - self.list.len()).max(1));
        }
        let serial = self.next_serial;
        self.next_serial = serial.wrapping_add(1);
        let index = self.list.len();
        self.list.push(Place {
            cursor,
            end: u64::MAX,
            serial,
            reached: 0,
            waits_at: 0,
            is_listed: false,
            is_untold: false,
            log: log as u16,
        });
        &mut self.list[index]
    }

    /// Returns whether a place is that of the room in which the session speaks, or did when it was closed.
    #[inline]
    pub(crate) fn is_focus(&self, place: &Place) -> bool {
        self.focus.is_some() && self.focus_place == place.serial
    }

    /// Returns whether an entry at a place is sent with the label of its room, if the dialect has labels.
    #[inline]
    pub(crate) fn is_labelled(&self, place: &Place, stamp: u64) -> bool {
        !self.is_focus(place) || stamp < self.focused_at
    }

    /// Returns the place of that serial number.
    pub(crate) fn find(&mut self, serial: u32) -> Option<&mut Place> {
        self.list.iter_mut().find(|place| place.serial == serial)
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
