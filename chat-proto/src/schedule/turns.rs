//! Sessions with a waiting line, and whose line is carried out next.

use crate::fault::Fault;
use crate::schedule::lists::{List, Lists};

/// Sessions whose line waits. Each is in at most one of the lists.
#[derive(Debug)]
pub(crate) struct Turns {
    lists: Lists,
    /// How many sessions wait, for whatever reason.
    waiting: usize,
    /// Several sessions waited for readers when the mark last moved. Until it moves again each says one line in its
    /// turn; otherwise the first would use up all the room.
    contended: bool,
    /// The number of that mark.
    mark: u32,
    /// The last turn for readers went to a session that had been silent.
    fresh_last: bool,
}

/// Sessions whose line may be carried out: what it waited for has come.
const READY: List = List(0);
/// Sessions that wait for readers and had sent no line for a while. They get every second turn.
const FRESH: List = List(1);
/// The others that wait for readers, with one line each in turn.
const OTHERS: List = List(2);
/// Sessions whose own peers have to read their replies first.
const REPLIES: List = List(3);
/// The first of the lists of sessions that wait for one member to read its private messages.
const FIRST_TARGET: u32 = 4;

/// What a session's line waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// No line waits.
    None,
    /// For readers, and for its turn.
    Turn {
        /// The session had been silent for a second; such sessions get every second turn.
        fresh: bool,
    },
    /// For this session to read its private messages.
    Target(u32),
    /// For its own peer to read its replies.
    Replies,
    /// For nothing any more: it is carried out when a command is asked for.
    Ready,
}

impl Turns {
    pub(crate) fn new(sessions: usize) -> Self {
        Self {
            lists: Lists::new(FIRST_TARGET as usize + sessions, sessions),
            waiting: 0,
            contended: false,
            mark: 0,
            fresh_last: false,
        }
    }

    /// Bytes of heap for that many sessions.
    pub(crate) const fn memory_bound(sessions: usize) -> usize {
        Lists::memory_bound(FIRST_TARGET as usize + sessions, sessions)
    }

    /// Returns whether any session holds a line.
    #[inline]
    pub(crate) fn is_anyone_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// Returns whether nobody waits and turns are not contended.
    #[inline]
    pub(crate) fn are_calm(&self) -> bool {
        self.waiting == 0 && !self.contended
    }

    /// Records the number of the mark. If the mark has moved, decides again whether several sessions wait and so take
    /// turns.
    pub(crate) fn note_mark(&mut self, mark: u32) {
        if mark != self.mark {
            self.mark = mark;
            self.contended = self.lists.has_two(FRESH)
                || self.lists.has_two(OTHERS)
                || self.lists.first(FRESH).is_some() && self.lists.first(OTHERS).is_some();
        }
    }

    /// Returns whether a new line has to wait for its turn.
    pub(crate) fn must_wait(&self) -> bool {
        self.contended || self.any_for_readers()
    }

    /// Returns whether any session waits for readers.
    #[inline]
    pub(crate) fn any_for_readers(&self) -> bool {
        self.waiting > 0 && (self.lists.first(FRESH).is_some() || self.lists.first(OTHERS).is_some())
    }

    /// Returns whether [`next`](Self::next) would return a session.
    #[inline]
    pub(crate) fn any(&self, may_publish: impl FnOnce() -> bool) -> bool {
        self.waiting > 0 && (self.lists.first(READY).is_some() || self.any_for_readers() && may_publish())
    }

    /// Puts a session at the end of the list for what its line waits for, or at its beginning if `first`.
    pub(crate) fn wait(&mut self, slot: u32, hold: Hold, first: bool) {
        let list = match hold {
            Hold::None => return,
            Hold::Ready => READY,
            Hold::Replies => REPLIES,
            Hold::Turn { fresh: true } => FRESH,
            Hold::Turn { fresh: false } => OTHERS,
            Hold::Target(target) => List(FIRST_TARGET + target),
        };
        self.waiting += usize::from(!self.lists.holds(slot));
        if first {
            self.lists.push_front(list, slot);
        } else {
            self.lists.push(list, slot);
        }
    }

    /// Removes and returns the next session. Those that wait for readers come only if something may be published.
    pub(crate) fn next(&mut self, may_publish: impl FnOnce() -> bool) -> Option<u32> {
        if self.waiting == 0 {
            return None;
        }
        let slot = match self.lists.first(READY) {
            Some(slot) => slot,
            None => self.next_for_readers(may_publish)?,
        };
        self.forget(slot);
        Some(slot)
    }

    /// Returns the next of those that wait for readers: every second turn is for those that were silent.
    fn next_for_readers(&mut self, may_publish: impl FnOnce() -> bool) -> Option<u32> {
        let (fresh, others) = (self.lists.first(FRESH), self.lists.first(OTHERS));
        if fresh.or(others).is_none() || !may_publish() {
            return None;
        }
        self.fresh_last = fresh.is_some() && (others.is_none() || !self.fresh_last);
        if self.fresh_last { fresh } else { others }
    }

    /// Returns whether somebody waits for that session.
    pub(crate) fn any_for(&self, target: u32) -> bool {
        self.lists.first(List(FIRST_TARGET + target)).is_some()
    }

    /// Releases the first session that waits for `target`.
    pub(crate) fn release_first(&mut self, target: u32) {
        if self.waiting > 0
            && !Fault::WhisperForgotten.is_planted()
            && let Some(slot) = self.lists.first(List(FIRST_TARGET + target))
        {
            self.lists.push(READY, slot);
        }
    }

    /// Releases all sessions that wait for `target`.
    pub(crate) fn release_all(&mut self, target: u32) {
        if self.waiting > 0 && !Fault::WhisperForgotten.is_planted() {
            self.lists.append(READY, List(FIRST_TARGET + target));
        }
    }

    /// Removes a session from its list.
    #[inline]
    pub(crate) fn forget(&mut self, slot: u32) {
        if self.waiting > 0 && self.lists.holds(slot) {
            self.waiting -= 1;
            self.lists.remove(slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the order in which the waiting sessions get their turns.
    fn order(turns: &mut Turns) -> [Option<u32>; 5] {
        core::array::from_fn(|_| turns.next(|| true))
    }

    #[test]
    fn silent_sessions_have_every_second_turn() {
        let mut turns = Turns::new(8);
        for (slot, fresh) in [(3, false), (1, true), (2, false), (0, true)] {
            turns.wait(slot, Hold::Turn { fresh }, false);
        }
        assert_eq!(turns.next(|| false), None, "nothing may be published");
        assert_eq!(order(&mut turns), [Some(1), Some(3), Some(0), Some(2), None]);
        assert!(!turns.any(|| true));
    }

    #[test]
    fn waiters_for_one_member_are_released_one_by_one_or_all_at_once() {
        let mut turns = Turns::new(8);
        for slot in [4, 5, 6] {
            turns.wait(slot, Hold::Target(2), false);
        }
        assert!(!turns.any(|| true) && !turns.any_for_readers());
        turns.release_first(2);
        assert_eq!(order(&mut turns), [Some(4), None, None, None, None]);
        turns.wait(4, Hold::Target(2), true);
        turns.forget(5);
        turns.release_all(2);
        assert_eq!(order(&mut turns), [Some(4), Some(6), None, None, None]);
        turns.release_all(2);
        assert!(!turns.any(|| true));
    }
}
