//! The sessions by slot.

use alloc::vec::Vec;

use super::Session;
use super::places::{Place, Places, PlacesTable};
use super::state::{Phase, Step};
use crate::fault::Fault;
use crate::id::{HubId, SessionId};
use crate::log::{Cursor, Readers};
use crate::time::Timestamp;

/// The sessions by slot.
#[derive(Debug)]
pub(crate) struct Sessions {
    slots: Vec<Session>,
    vacant: Vec<u32>,
    /// Where placed sessions read.
    places: PlacesTable,
    /// How many slots are kept for connections that are not sessions yet.
    reserved: usize,
    max: usize,
    /// The hub that they belong to.
    hub: HubId,
}

impl Sessions {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            slots: Vec::with_capacity(max),
            vacant: Vec::with_capacity(max),
            places: PlacesTable::new(max),
            reserved: 0,
            max,
            hub: HubId::next(),
        }
    }

    /// Bytes of heap for that many, without their places and buffers.
    pub(crate) const fn memory_bound(max: usize) -> usize {
        max * (size_of::<Session>() + size_of::<u32>())
    }

    /// Returns how many there are, in any phase.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.vacant.len()
    }

    /// Returns whether there is a slot for another.
    pub(crate) fn has_room(&self) -> bool {
        self.has_room_for(1)
    }

    /// Returns whether there are slots for so many others.
    pub(crate) fn has_room_for(&self, others: usize) -> bool {
        self.len() + self.reserved + others <= self.max
    }

    /// Returns how many slots are kept free.
    pub(crate) const fn reserved(&self) -> usize {
        self.reserved
    }

    /// Keeps one slot free. The caller has checked that there is one.
    pub(crate) const fn reserve(&mut self) {
        self.reserved += 1;
    }

    /// Lets the others have a slot that was kept free.
    pub(crate) const fn release(&mut self) {
        self.reserved -= 1;
    }

    /// Puts a session into a free slot; `None` if there is none.
    pub(crate) fn insert(&mut self, dialect: u8, cursor: Cursor, now: Timestamp, step: Step) -> Option<SessionId> {
        if !self.has_room() {
            return None;
        }
        let (slot, generation) = match self.vacant.pop() {
            Some(slot) => (slot, self.slots[slot as usize].generation),
            None => (self.slots.len() as u32, 0),
        };
        let session = Session::new(generation, dialect, cursor, now, step);
        match self.slots.get_mut(slot as usize) {
            Some(vacant) => *vacant = session,
            None => self.slots.push(session),
        }
        Some(SessionId { slot, generation, hub: self.hub })
    }

    /// Frees a slot. Its id is stale from now on.
    pub(crate) fn remove(&mut self, slot: u32) {
        let session = &mut self.slots[slot as usize];
        session.step(Step::Forget);
        debug_assert!(session.places.is_none(), "who is over has given its places back");
        // After 2³² sessions in one slot an id repeats. At a million a second that takes over an hour, and only a
        // driver that kept an id after its `Close` could notice.
        session.generation = session.generation.wrapping_add(u32::from(!Fault::GenerationStays.is_planted()));
        if !Fault::SlotLeaked.is_planted() {
            self.vacant.push(slot);
        }
    }

    /// Returns the slot of a session that still exists.
    pub(crate) fn slot(&self, id: SessionId) -> Option<u32> {
        debug_assert!(id.hub == self.hub || id == SessionId::NONE, "{id} is a session of another hub");
        if id.hub != self.hub {
            return None;
        }
        let session = self.slots.get(id.slot())?;
        (session.generation == id.generation && session.phase() != Phase::Vacant).then_some(id.slot)
    }

    /// Returns the id of the session in that slot.
    pub(crate) fn id(&self, slot: u32) -> SessionId {
        SessionId { slot, generation: self.slots[slot as usize].generation, hub: self.hub }
    }

    /// Returns those of the first `most` slots that are not vacant.
    pub(crate) fn occupied(&self, most: u32) -> impl Iterator<Item = u32> + '_ {
        (0..most.min(self.slots())).filter(|slot| self.slots[*slot as usize].phase() != Phase::Vacant)
    }

    /// Returns one past the highest slot ever used.
    pub(crate) fn slots(&self) -> u32 {
        self.slots.len() as u32
    }

    /// Returns the places of a session that is placed and has been in a room since, and the room in which it speaks.
    #[inline]
    pub(crate) fn places(&self, slot: u32) -> Option<&Places> {
        Some(&self.places[self[slot].places?])
    }

    /// Returns the same for changing.
    #[inline]
    pub(crate) fn places_mut(&mut self, slot: u32) -> Option<&mut Places> {
        self.with_places(slot).1
    }

    /// Returns the session, and its places for changing.
    #[inline]
    pub(crate) fn with_places(&mut self, slot: u32) -> (&mut Session, Option<&mut Places>) {
        let session = &mut self.slots[slot as usize];
        let places = session.places.map(|index| &mut self.places[index]);
        (session, places)
    }

    /// Returns a session's places, which are none if it is in no room; `None` for a simple session, which is in the
    /// lobby.
    #[inline]
    pub(crate) fn placed(&self, slot: u32) -> Option<&[Place]> {
        self[slot].is_placed.then(|| self.places(slot).map_or(&[][..], |places| &places.list[..]))
    }

    /// Returns a session's places, and makes them if it has none.
    pub(crate) fn take_places(&mut self, slot: u32) -> &mut Places {
        let Self { slots, places, .. } = self;
        let index = *slots[slot as usize].places.get_or_insert_with(|| places.take());
        &mut places[index]
    }

    /// Gives back the places of a session, if it has any.
    pub(crate) fn give_places(&mut self, slot: u32) {
        if let Some(index) = self.slots[slot as usize].places.take() {
            self.places.give(index);
        }
    }

    /// Returns the cursor with which a placed session reads the entry `seq` of a log.
    #[cold]
    fn cursor_in(&mut self, slot: u32, log: u32, seq: u64) -> Option<&mut Cursor> {
        self.places_mut(slot)?.reading(log, seq).map(|place| &mut place.cursor)
    }

    /// Returns the readers of one dialect in the log of that number.
    #[inline]
    pub(crate) fn readers(&mut self, log: u32, dialect: u8) -> LogReaders<'_> {
        LogReaders { sessions: self, log, dialect }
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

/// The sessions that read one dialect in one log.
pub(crate) struct LogReaders<'a> {
    sessions: &'a mut Sessions,
    log: u32,
    dialect: u8,
}

impl Readers for LogReaders<'_> {
    #[inline]
    fn cursor(&mut self, reader: u32, seq: u64) -> Option<&mut Cursor> {
        let session = &self.sessions[reader];
        if session.dialect != self.dialect || session.phase() == Phase::Vacant {
            return None;
        }
        if session.is_placed {
            return self.sessions.cursor_in(reader, self.log, seq);
        }
        // A session that was placed and is over has given its places back.
        (self.log == LOBBY).then_some(&mut self.sessions.slots[reader as usize].cursor)
    }
}

/// The number of the lobby's log.
pub(crate) const LOBBY: u32 = 0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::CloseReason;

    /// Ends a session and empties its slot.
    fn end(sessions: &mut Sessions, slot: u32) {
        let (reason, end) = (CloseReason::Eof, 0);
        sessions[slot].step(Step::Leave { reason, end });
        sessions[slot].step(Step::End(reason));
        sessions.remove(slot);
    }

    #[test]
    fn two_sessions_of_one_slot_have_different_ids_in_the_log() {
        use alloc::string::ToString as _;

        let mut sessions = Sessions::new(1);
        let cursor = Cursor::at_head(&crate::log::Log::new(1, 1));
        let mut come_and_go = || {
            let id = sessions.insert(0, cursor, Timestamp::ZERO, Step::Open).expect("room");
            end(&mut sessions, id.slot);
            id.to_string()
        };
        assert_eq!([come_and_go(), come_and_go()], ["0.0", "0.1"]);
    }

    #[test]
    fn readers_of_a_log_excludes_vacant_slots() {
        let mut sessions = Sessions::new(3);
        let cursor = Cursor::at_head(&crate::log::Log::new(1, 1));
        let [_, other, gone] =
            [0, 1, 0].map(|dialect| sessions.insert(dialect, cursor, Timestamp::ZERO, Step::Open).expect("room").slot);
        end(&mut sessions, gone);
        assert_eq!(
            [0, other, gone].map(|slot| sessions.readers(LOBBY, 0).cursor(slot, 0).is_some()),
            [true, false, false]
        );
    }
}
