//! Sessions that may have a command, and the order in which they get it.

use alloc::vec;
use alloc::vec::Vec;

use super::lists::{List, Lists};
use crate::fault::Fault;

/// The queue of sessions that may have a command, and lists of those that wait for news.
///
/// The queue is first come, first served, whatever the command is, so that nobody waits for ever while others always
/// have something new. Sessions with a private reply have a queue of their own, which gets every second command. So a
/// peer that asks something during a flood does not wait until all others have been sent all of it.
///
/// A session that has read all of a log stands in that log's list. When the log grows, the whole list moves to the end
/// of the queue at once. So publishing costs the same with ten readers as with a hundred thousand.
///
/// A session that reads several logs stands in the list of each, once for each of its places. These standings stay
/// where they are while the session is being sent to. If the queue comes to one then, it has no effect.
#[derive(Debug)]
pub(crate) struct Ready {
    lists: Lists,
    /// How many dialects each log of a room has, how many sessions there may be, and how many places each may have.
    dialects: u32,
    sessions: u32,
    places: u32,
    /// How each session is queued.
    standings: Vec<Standing>,
    /// The last command went to a session with a private reply.
    replied_last: bool,
}

/// The queue.
const QUEUE: List = List(0);
/// The queue of sessions with a private reply.
const REPLIES: List = List(1);
/// The first of the lists of sessions that have read all of a log.
const FIRST_LOG: u32 = 2;

/// How a session is queued.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    /// Queued individually, not by splicing the whole list of a log's readers.
    is_queued: bool,
    /// Queued for a private reply.
    has_reply: bool,
}

/// Where a session belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Belongs {
    /// In the queue. If its log has something for it to read (`is_behind`), it may be there already.
    Queued { is_behind: bool },
    /// In the queue of sessions with a private reply.
    Replied,
    /// In no list: its driver is at work for it.
    Nowhere,
    /// In the list of sessions that have read all of the lobby's log in that dialect.
    CaughtUp(u8),
}

/// How many of each there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers {
    pub(crate) rooms: usize,
    pub(crate) dialects: usize,
    pub(crate) sessions: usize,
    /// Places of a session.
    pub(crate) places: usize,
}

impl Ready {
    pub(crate) fn new(numbers: Numbers) -> Self {
        let Numbers { rooms, dialects, sessions, places } = numbers;
        Self {
            lists: Lists::new(FIRST_LOG as usize + rooms * dialects, sessions),
            dialects: dialects as u32,
            sessions: sessions as u32,
            places: places as u32,
            standings: vec![Standing::default(); sessions],
            replied_last: false,
        }
    }

    /// Bytes of heap for that many, but for what is there twice while it [grows](Self::memory_to_grow).
    pub(crate) const fn memory_bound(numbers: Numbers) -> usize {
        let Numbers { rooms, dialects, sessions, places } = numbers;
        Lists::memory_bound(FIRST_LOG as usize + rooms * dialects, sessions * (1 + places))
            + sessions * size_of::<Standing>()
    }

    /// The most bytes of heap that are there twice for a moment while room for places is made.
    pub(crate) const fn memory_to_grow(numbers: Numbers) -> usize {
        let Numbers { rooms, dialects, sessions, places } = numbers;
        if places > 0 { Lists::memory_bound(FIRST_LOG as usize + rooms * dialects, sessions) } else { 0 }
    }

    /// Returns whether any session is queued.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.lists.first(QUEUE).is_some() || self.lists.first(REPLIES).is_some()
    }

    /// Removes the next session from the queue.
    #[inline]
    pub(crate) fn take_next(&mut self) -> Option<u32> {
        let (queued, replied) = (self.lists.first(QUEUE), self.lists.first(REPLIES));
        self.replied_last = replied.is_some() && !(self.replied_last && queued.is_some());
        let node = if self.replied_last { replied } else { queued }?;
        if node >= self.sessions {
            return Some(self.take_place(node));
        }
        self.take_out(node);
        Some(node)
    }

    /// Removes a standing for one place of a session from the queue, and returns the session.
    #[cold]
    fn take_place(&mut self, node: u32) -> u32 {
        self.lists.remove(node);
        let slot = node % self.sessions;
        self.take_out(slot);
        slot
    }

    /// Puts a session into the list of those that have read all of a log, for one of its places.
    pub(crate) fn wait_at(&mut self, slot: u32, place: usize, log: u32, dialect: u8) {
        // Nobody needs it before the first session enters another room.
        self.lists.make_room((self.sessions * (1 + self.places)) as usize);
        let list = self.readers_of(log, dialect);
        let node = self.node(slot, place);
        self.lists.push(list, node);
    }

    /// Removes a session's standings for its places; there were that many.
    pub(crate) fn forget_places(&mut self, slot: u32, places: usize) {
        for place in 0..places {
            let node = self.node(slot, place);
            if self.lists.holds(node) {
                self.lists.remove(node);
            }
        }
    }

    fn node(&self, slot: u32, place: usize) -> u32 {
        debug_assert!((place as u32) < self.places, "a session has so many places at most");
        // The first places of all sessions stand side by side: few sessions have many.
        self.sessions * (1 + place as u32) + slot
    }

    /// Puts a session where it belongs. A session that is queued already keeps its position.
    #[inline]
    pub(crate) fn put(&mut self, slot: u32, belongs: Belongs) {
        let standing = &mut self.standings[slot as usize];
        match belongs {
            Belongs::Replied => {
                if !standing.has_reply {
                    self.lists.push(REPLIES, slot);
                }
                *standing = Standing { is_queued: true, has_reply: true };
            }
            Belongs::Queued { is_behind } => {
                if !(standing.is_queued || is_behind && self.lists.holds(slot)) {
                    self.lists.push(QUEUE, slot);
                }
                standing.is_queued = true;
            }
            Belongs::Nowhere => self.take_out(slot),
            Belongs::CaughtUp(dialect) => {
                *standing = Standing::default();
                self.lists.push(List(FIRST_LOG + u32::from(dialect)), slot);
            }
        }
    }

    /// Removes a session from the list that it is in.
    #[inline]
    fn take_out(&mut self, slot: u32) {
        self.standings[slot as usize] = Standing::default();
        self.lists.remove(slot);
    }

    /// Queues all sessions that had read all of a log, now that it has grown.
    #[inline]
    pub(crate) fn log_has_grown(&mut self, log: u32, dialect: u8) {
        if !Fault::WakeLost.is_planted() {
            self.lists.append(QUEUE, self.readers_of(log, dialect));
        }
    }

    #[inline]
    fn readers_of(&self, log: u32, dialect: u8) -> List {
        List(FIRST_LOG + log * self.dialects + u32::from(dialect))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the order of the commands.
    fn order(ready: &mut Ready) -> [Option<u32>; 6] {
        core::array::from_fn(|_| ready.take_next())
    }

    const SIX: Numbers = Numbers { rooms: 3, dialects: 2, sessions: 6, places: 3 };

    const QUEUED: Belongs = Belongs::Queued { is_behind: false };

    #[test]
    fn a_session_keeps_its_place_in_the_queue() {
        let mut ready = Ready::new(SIX);
        for slot in [3, 1, 2, 3, 1] {
            ready.put(slot, QUEUED);
        }
        assert_eq!(order(&mut ready), [Some(3), Some(1), Some(2), None, None, None]);
        assert!(!ready.any());
    }

    #[test]
    fn every_second_command_goes_to_a_session_with_a_private_reply() {
        let mut ready = Ready::new(SIX);
        for slot in [0, 1, 2] {
            ready.put(slot, QUEUED);
        }
        for slot in [3, 4, 2] {
            ready.put(slot, Belongs::Replied);
        }
        assert_eq!(order(&mut ready), [Some(3), Some(0), Some(4), Some(1), Some(2), None]);
    }

    #[test]
    fn readers_at_the_head_are_queued_when_the_log_grows() {
        let mut ready = Ready::new(SIX);
        for (slot, log) in [(0, 0), (1, 1), (2, 0)] {
            ready.put(slot, Belongs::CaughtUp(log));
        }
        ready.put(3, QUEUED);
        assert_eq!(ready.lists.first(QUEUE), Some(3));
        ready.log_has_grown(0, 0);
        // A session that was queued in this way keeps its position, too.
        ready.put(0, Belongs::Queued { is_behind: true });
        ready.put(2, Belongs::Nowhere);
        assert_eq!(order(&mut ready), [Some(3), Some(0), None, None, None, None]);
        ready.log_has_grown(0, 1);
        assert_eq!(order(&mut ready)[0], Some(1));
    }

    #[test]
    fn a_session_is_queued_when_any_log_grows_that_it_reads() {
        let mut ready = Ready::new(SIX);
        for (place, log) in [(0, 0), (1, 2)] {
            ready.wait_at(4, place, log, 1);
        }
        ready.put(5, Belongs::CaughtUp(1));
        ready.log_has_grown(2, 0);
        assert!(!ready.any());
        ready.log_has_grown(2, 1);
        ready.log_has_grown(0, 1);
        // Its second standing is still there, and is for a driver that has been told already.
        assert_eq!(order(&mut ready), [Some(4), Some(4), Some(5), None, None, None]);
        ready.wait_at(4, 1, 1, 1);
        ready.forget_places(4, 2);
        ready.log_has_grown(1, 1);
        assert!(!ready.any());
    }
}
