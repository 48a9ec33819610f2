//! Whose line is published next, of those whose lines wait.

use crate::fault::Fault;
use crate::schedule::lists::{List, Lists};

/// Sessions whose line waits; each is in one line at most.
#[derive(Debug)]
pub(crate) struct Turns {
    lists: Lists,
    /// How many wait, for whatever it is.
    waiting: usize,
    /// Several waited for readers when the mark last moved, so that each says a line in its turn until it moves again.
    /// Otherwise whoever was first would say all that there is room for.
    contended: bool,
    /// The number of that mark.
    mark: u32,
    /// The last turn for readers was of one who had been silent.
    fresh_last: bool,
}

/// Those whose line may go on by itself: what it waited for has come.
const READY: List = List(0);
/// Those who wait for readers, and had sent no line for a while: every second turn is for one of them.
const FRESH: List = List(1);
/// The others who wait for readers, a line each in turn.
const OTHERS: List = List(2);
/// Those who wait for their own peers to read their replies.
const REPLIES: List = List(3);
/// The first of the lists of those who wait for one member to read its private messages.
const FIRST_TARGET: u32 = 4;

/// What a session's line waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// No line waits.
    None,
    /// For readers, and for its turn.
    Turn {
        /// It had been silent for a second: every second turn is for these.
        fresh: bool,
    },
    /// For this session to read its private messages.
    Target(u32),
    /// For its own peer to read its replies.
    Replies,
    /// For nothing any more: it goes on when a command is asked for.
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

    /// Returns whether nobody waits, nor did when the mark last moved.
    #[inline]
    pub(crate) fn are_calm(&self) -> bool {
        self.waiting == 0 && !self.contended
    }

    /// Takes note of the number of the mark: if it has moved, whether several wait decides anew whether they have turns.
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

    /// Returns whether somebody waits for readers.
    #[inline]
    pub(crate) fn any_for_readers(&self) -> bool {
        self.waiting > 0 && (self.lists.first(FRESH).is_some() || self.lists.first(OTHERS).is_some())
    }

    /// Returns whether [`next`](Self::next) has somebody.
    #[inline]
    pub(crate) fn any(&self, may_publish: impl FnOnce() -> bool) -> bool {
        self.waiting > 0 && (self.lists.first(READY).is_some() || self.any_for_readers() && may_publish())
    }

    /// Puts a session into the line for what its line waits for; `first` before the others there.
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

    /// Takes out whoever is next: of those who wait for readers only if something may be published.
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

    /// Returns who is next of those who wait for readers: every second turn is for those who were silent.
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

    /// Lets the first go on of those who wait for that session.
    pub(crate) fn release_first(&mut self, target: u32) {
        if self.waiting > 0
            && !Fault::WhisperForgotten.is_planted()
            && let Some(slot) = self.lists.first(List(FIRST_TARGET + target))
        {
            self.lists.push(READY, slot);
        }
    }

    /// Lets all go on who wait for that session.
    pub(crate) fn release_all(&mut self, target: u32) {
        if self.waiting > 0 && !Fault::WhisperForgotten.is_planted() {
            self.lists.append(READY, List(FIRST_TARGET + target));
        }
    }

    /// Takes a session out of its line.
    pub(crate) fn forget(&mut self, slot: u32) {
        if self.lists.holds(slot) {
            self.waiting -= 1;
            self.lists.remove(slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns in which order all who wait have their turn.
    fn order(turns: &mut Turns) -> [Option<u32>; 5] {
        core::array::from_fn(|_| turns.next(|| true))
    }

    #[test]
    fn whoever_was_silent_has_every_second_turn() {
        let mut turns = Turns::new(8);
        for (slot, fresh) in [(3, false), (1, true), (2, false), (0, true)] {
            turns.wait(slot, Hold::Turn { fresh }, false);
        }
        assert_eq!(turns.next(|| false), None, "nothing may be published");
        assert_eq!(order(&mut turns), [Some(1), Some(3), Some(0), Some(2), None]);
        assert!(!turns.any(|| true));
    }

    #[test]
    fn who_waits_for_one_is_let_go_one_by_one_or_with_all_others() {
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
