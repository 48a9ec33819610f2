//! Sessions with a waiting line, and whose line is carried out next.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use crate::fault::Fault;
use crate::id::RoomId;
use crate::schedule::bits::Bits;
use crate::schedule::lists::{List, Lists};
use crate::schedule::queues::{QUEUES, Queues};
use crate::time::Timestamp;

/// Sessions whose line waits. Each is in at most one of the lists.
#[derive(Debug)]
pub(crate) struct Turns {
    lists: Lists,
    /// How many sessions wait, for whatever reason.
    waiting: usize,
    /// Which address has which of the lists of sessions whose credentials nobody was asked about yet.
    unchecked: Queues,
    rooms: Vec<RoomTurns>,
    /// The rooms in which the next turn may be: all that have waiting sessions, but for those that were closed when
    /// they were last looked at and have not opened since.
    next: Bits,
    /// The rooms with contended turns, how many there are, and the last that was looked at.
    contended: Bits,
    contended_count: usize,
    contended_last: u32,
    /// The room whose line was carried out last.
    last: u32,
}

/// The turns of one room.
#[derive(Clone, Copy, Debug, Default)]
struct RoomTurns {
    /// Several sessions waited for readers when the mark last moved. Until it moves again, or no line has come for a
    /// while, each says one line in its turn; otherwise the first would use up all the room.
    contended: bool,
    /// When turns stop being contended, unless a line comes before.
    quiet_at: Timestamp,
    /// The last turn for readers went to a session that had been silent.
    fresh_last: bool,
    /// The number of that mark.
    mark: u32,
}

/// Sessions whose line may be carried out: what it waited for has come.
const READY: List = List(0);
/// Sessions whose own peers have to read their replies first.
const REPLIES: List = List(1);
/// The first of the lists of sessions whose credentials nobody was asked about yet.
const FIRST_UNCHECKED: u32 = 2;
/// The first of the lists of each room: sessions that wait for its readers and had sent no line for a while, which get
/// every second turn, and the others, with one line each in turn.
const FIRST_ROOM: u32 = FIRST_UNCHECKED + QUEUES as u32;

/// Turns stop being contended once no line has come for this long.
const QUIET: Duration = Duration::from_secs(1);

/// What a session's line waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// No line waits.
    None,
    /// For readers of a room, and for its turn.
    Turn {
        /// The room.
        room: RoomId,
        /// The session had been silent for a second; such sessions get every second turn.
        fresh: bool,
    },
    /// For this session to read its private messages.
    Target(u32),
    /// For its own peer to read its replies.
    Replies,
    /// For the driver to say whether the credentials in it are right.
    Authentication,
    /// For nothing any more: it is carried out when a command is asked for.
    Ready,
}

impl Turns {
    pub(crate) fn new(rooms: usize, sessions: usize) -> Self {
        Self {
            lists: Lists::new(FIRST_ROOM as usize + 2 * rooms + sessions, sessions),
            waiting: 0,
            unchecked: Queues::new(),
            rooms: vec![RoomTurns::default(); rooms],
            next: Bits::new(rooms),
            contended: Bits::new(rooms),
            contended_count: 0,
            contended_last: 0,
            last: 0,
        }
    }

    /// Bytes of heap for that many rooms and sessions.
    pub(crate) const fn memory_bound(rooms: usize, sessions: usize) -> usize {
        Lists::memory_bound(FIRST_ROOM as usize + 2 * rooms + sessions, sessions)
            + rooms * size_of::<RoomTurns>()
            + 2 * Bits::memory_bound(rooms)
    }

    /// Returns how many sessions hold a line.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Returns whether any session holds a line.
    #[inline]
    pub(crate) fn is_anyone_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// Returns whether nobody waits and turns are contended in no room.
    #[inline]
    pub(crate) fn are_calm(&self) -> bool {
        self.waiting == 0 && self.contended_count == 0
    }

    /// Records the number of a room's mark. If the mark has moved, decides again whether several sessions wait and so
    /// take turns.
    pub(crate) fn note_mark(&mut self, room: RoomId, mark: u32, now: Timestamp) {
        let [fresh, others] = Self::lists_of(room);
        let turns = &mut self.rooms[room.0 as usize];
        if mark != turns.mark {
            turns.mark = mark;
            let is_contended = self.lists.has_two(fresh)
                || self.lists.has_two(others)
                || self.lists.first(fresh).is_some() && self.lists.first(others).is_some();
            self.set_contended(room, is_contended);
            if is_contended {
                self.rooms[room.0 as usize].quiet_at = now + QUIET;
            }
        }
    }

    fn set_contended(&mut self, room: RoomId, is_contended: bool) {
        let was = core::mem::replace(&mut self.rooms[room.0 as usize].contended, is_contended);
        self.contended_count = self.contended_count + usize::from(is_contended) - usize::from(was);
        if is_contended {
            self.contended.insert(room.0);
        } else {
            self.contended.remove(room.0);
        }
    }

    fn is_contended(&self, room: RoomId, now: Timestamp) -> bool {
        let turns = &self.rooms[room.0 as usize];
        turns.contended && now < turns.quiet_at
    }

    /// Records that a line is about to wait for the readers of a room, whose mark has that number.
    pub(crate) fn note_line(&mut self, room: RoomId, mark: u32, now: Timestamp) {
        // While nobody waited, nobody looked at the marks.
        self.note_mark(room, mark, now);
        if !self.is_contended(room, now) {
            self.set_contended(room, false);
        }
        self.rooms[room.0 as usize].quiet_at = now + QUIET;
    }

    /// Records that a room has opened, and the number of its mark.
    pub(crate) fn note_open(&mut self, room: RoomId, mark: u32, now: Timestamp) {
        self.note_mark(room, mark, now);
        if self.any_for_readers(room) {
            self.next.insert(room.0);
        }
    }

    /// Looks at the next room with contended turns: whether it has become quiet. Nothing but
    /// [`are_calm`](Self::are_calm) depends on when that is.
    pub(crate) fn look_for_quiet(&mut self, now: Timestamp) {
        if let Some(number) = self.contended.next(self.contended_last + 1).or_else(|| self.contended.next(0)) {
            self.contended_last = number;
            if !self.is_contended(RoomId(number), now) {
                self.set_contended(RoomId(number), false);
            }
        }
    }

    /// Returns whether a new line has to wait for its turn in a room.
    pub(crate) fn must_wait(&self, room: RoomId, now: Timestamp) -> bool {
        self.is_contended(room, now) || self.any_for_readers(room)
    }

    /// Returns whether any session waits for readers of a room.
    #[inline]
    fn any_for_readers(&self, room: RoomId) -> bool {
        let [fresh, others] = Self::lists_of(room);
        self.waiting > 0 && (self.lists.first(fresh).is_some() || self.lists.first(others).is_some())
    }

    /// Returns whether [`next`](Self::next) may return a session. Never false if it would.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.waiting > 0 && (self.lists.first(READY).is_some() || self.next.next(0).is_some())
    }

    /// Returns the next room after the last whose line was carried out, in turn, that has waiting sessions and in which
    /// something may be published.
    fn next_room(&mut self, may_publish: impl Fn(RoomId) -> bool) -> Option<RoomId> {
        while let Some(number) = self.next.next(self.last + 1).or_else(|| self.next.next(0)) {
            let room = RoomId(number);
            if self.any_for_readers(room) && may_publish(room) {
                return Some(room);
            }
            // It comes back with its next line, or when it opens.
            self.next.remove(number);
        }
        None
    }

    /// Puts a session at the end of the list for what its line waits for, or at its beginning if `first`. Those with
    /// [credentials](Self::wait_for_check) have lists of their own.
    pub(crate) fn wait(&mut self, slot: u32, hold: Hold, first: bool) {
        let list = match hold {
            Hold::None | Hold::Authentication => return,
            Hold::Ready => READY,
            Hold::Replies => REPLIES,
            Hold::Turn { room, fresh } => {
                self.next.insert(room.0);
                let [of_fresh, others] = Self::lists_of(room);
                if fresh { of_fresh } else { others }
            }
            Hold::Target(target) => self.list_for(target),
        };
        self.waiting += usize::from(!self.lists.holds(slot));
        if first {
            self.lists.push_front(list, slot);
        } else {
            self.lists.push(list, slot);
        }
    }

    /// Puts a session in line until somebody may be asked about its credentials, behind those from the same address
    /// unless so many addresses wait that they share [queues](Queues).
    pub(crate) fn wait_for_check(&mut self, slot: u32, address: u64) {
        let Self { lists, unchecked, .. } = self;
        self.waiting += usize::from(!lists.holds(slot));
        let queue = unchecked.queue_for(address, |queue| lists.first(Self::unchecked(queue)).is_none());
        lists.push(Self::unchecked(queue), slot);
    }

    /// Removes and returns the next session. Those that wait for readers come only if something may be published.
    pub(crate) fn next(&mut self, may_publish: impl Fn(RoomId) -> bool) -> Option<u32> {
        if self.waiting == 0 {
            return None;
        }
        let slot = if let Some(slot) = self.lists.first(READY) {
            slot
        } else {
            let room = self.next_room(may_publish)?;
            self.last = room.0;
            self.next_for_readers(room)?
        };
        self.forget(slot);
        Some(slot)
    }

    /// Returns whether there may be credentials that nobody was asked about yet. Never false if there are.
    #[inline]
    pub(crate) const fn any_to_authenticate(&self) -> bool {
        self.waiting > 0 && self.unchecked.any()
    }

    /// Removes and returns the next session whose credentials nobody was asked about yet. Each address has its turn.
    pub(crate) fn next_to_authenticate(&mut self) -> Option<u32> {
        let Self { lists, unchecked, .. } = self;
        let queue = unchecked.next(|queue| lists.first(Self::unchecked(queue)).is_none())?;
        let slot = lists.first(Self::unchecked(queue))?;
        self.forget(slot);
        Some(slot)
    }

    /// Returns the next of those that wait for readers of a room: every second turn is for those that were silent.
    fn next_for_readers(&mut self, room: RoomId) -> Option<u32> {
        let [fresh, others] = Self::lists_of(room).map(|list| self.lists.first(list));
        let turns = &mut self.rooms[room.0 as usize];
        turns.fresh_last = fresh.is_some() && (others.is_none() || !turns.fresh_last);
        if turns.fresh_last { fresh } else { others }
    }

    /// Forgets a room that has ended: sessions that wait to enter it need wait no longer. Their lines are ready, and
    /// `release` must record for each that it has no turn there any more, because another room may get the number.
    pub(crate) fn end_room(&mut self, room: RoomId, mut release: impl FnMut(u32)) {
        for list in Self::lists_of(room) {
            while let Some(slot) = self.lists.first(list) {
                self.lists.push(READY, slot);
                release(slot);
            }
        }
        self.set_contended(room, false);
        self.next.remove(room.0);
        self.rooms[room.0 as usize] = RoomTurns::default();
    }

    /// Returns whether somebody waits for that session.
    pub(crate) fn any_for(&self, target: u32) -> bool {
        self.lists.first(self.list_for(target)).is_some()
    }

    /// Releases the first session that waits for `target`.
    pub(crate) fn release_first(&mut self, target: u32) {
        if self.waiting > 0
            && !Fault::WhisperForgotten.is_planted()
            && let Some(slot) = self.lists.first(self.list_for(target))
        {
            self.lists.push(READY, slot);
        }
    }

    /// Releases all sessions that wait for `target`.
    pub(crate) fn release_all(&mut self, target: u32) {
        if self.waiting > 0 && !Fault::WhisperForgotten.is_planted() {
            self.lists.append(READY, self.list_for(target));
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

    /// Returns the list of those that are in that queue for a check of their credentials.
    const fn unchecked(queue: u32) -> List {
        List(FIRST_UNCHECKED + queue)
    }

    /// Returns the lists of those that wait for readers of a room.
    fn lists_of(room: RoomId) -> [List; 2] {
        [FIRST_ROOM + 2 * room.0, FIRST_ROOM + 2 * room.0 + 1].map(List)
    }

    /// Returns the list of those that wait for a session to read its private messages.
    fn list_for(&self, target: u32) -> List {
        List(FIRST_ROOM + 2 * self.rooms.len() as u32 + target)
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;

    /// Returns the order in which the waiting sessions get their turns.
    fn order(turns: &mut Turns) -> [Option<u32>; 5] {
        core::array::from_fn(|_| turns.next(|_| true))
    }

    #[test]
    fn silent_sessions_have_every_second_turn() {
        let mut turns = Turns::new(200, 8);
        for (slot, fresh) in [(3, false), (1, true), (2, false), (0, true)] {
            turns.wait(slot, Hold::Turn { room: RoomId::LOBBY, fresh }, false);
        }
        assert_eq!(turns.next(|_| false), None, "nothing may be published");
        assert!(!turns.any(), "nor will it be before the room opens");
        turns.note_open(RoomId::LOBBY, 0, Timestamp::ZERO);
        assert_eq!(order(&mut turns), [Some(1), Some(3), Some(0), Some(2), None]);
        assert!(!turns.any());
    }

    #[test]
    fn waiters_for_one_member_are_released_one_by_one_or_all_at_once() {
        let mut turns = Turns::new(200, 8);
        for slot in [4, 5, 6] {
            turns.wait(slot, Hold::Target(2), false);
        }
        assert!(!turns.any() && !turns.any_for_readers(RoomId::LOBBY));
        turns.release_first(2);
        assert_eq!(order(&mut turns), [Some(4), None, None, None, None]);
        turns.wait(4, Hold::Target(2), true);
        turns.forget(5);
        turns.release_all(2);
        assert_eq!(order(&mut turns), [Some(4), Some(6), None, None, None]);
        turns.release_all(2);
        assert!(!turns.any());
    }

    #[test]
    fn credentials_from_one_address_are_taken_in_order_and_not_as_turns() {
        let mut turns = Turns::new(200, 8);
        for slot in [4, 5, 6] {
            turns.wait_for_check(slot, 1);
        }
        turns.forget(5);
        assert!(turns.any_to_authenticate() && !turns.any() && turns.next(|_| true).is_none());
        assert_eq!([4, 6].map(Some), [turns.next_to_authenticate(), turns.next_to_authenticate()]);
        assert!(turns.next_to_authenticate().is_none() && !turns.any_to_authenticate() && turns.are_calm());
    }

    #[test]
    fn each_address_has_its_turn_to_have_credentials_checked() {
        let mut turns = Turns::new(200, 8);
        for (slot, address) in [(0, 1), (1, 1), (2, 1), (3, 2), (4, 3), (5, 3)] {
            turns.wait_for_check(slot, address);
        }
        let order: [_; 7] = core::array::from_fn(|_| turns.next_to_authenticate());
        assert_eq!(order, [Some(3), Some(4), Some(0), Some(5), Some(1), Some(2), None]);
    }

    #[test]
    fn a_closed_room_is_looked_at_once_until_it_opens_or_a_line_comes() {
        let mut turns = Turns::new(200, 8);
        let line = |room| Hold::Turn { room: RoomId(room), fresh: false };
        for slot in 0..5 {
            turns.wait(slot, line(40 * slot), false);
        }
        let looks = Cell::new(0);
        let closed = |_| {
            looks.set(looks.get() + 1);
            false
        };
        for _ in 0..100 {
            assert_eq!(turns.next(closed), None);
        }
        assert_eq!(looks.get(), 5);
        turns.wait(5, line(0), false);
        turns.note_open(RoomId(80), 1, Timestamp::ZERO);
        turns.note_open(RoomId(81), 1, Timestamp::ZERO);
        assert!(turns.any() && turns.next(closed).is_none() && !turns.any());
        assert_eq!(looks.get(), 7, "nobody waits for room 81");
    }

    #[test]
    fn turns_are_contended_until_the_mark_moves_or_no_line_has_come_for_a_second() {
        let (room, hold) = (RoomId(7), Hold::Turn { room: RoomId(7), fresh: false });
        let at = |millis| Timestamp::ZERO + Duration::from_millis(millis);
        let mut turns = Turns::new(200, 8);
        let contend = |turns: &mut Turns, mark: u32, now| {
            for slot in [1, 2] {
                turns.note_line(room, mark - 1, now);
                turns.wait(slot, hold, false);
            }
            turns.note_open(room, mark, now);
            assert_eq!([turns.next(|_| true), turns.next(|_| true)], [Some(1), Some(2)]);
            assert!(turns.must_wait(room, now) && !turns.are_calm());
        };
        contend(&mut turns, 1, at(0));
        turns.note_open(room, 2, at(1));
        assert!(!turns.must_wait(room, at(1)) && turns.are_calm(), "one moved mark without a line");
        contend(&mut turns, 3, at(0));
        turns.note_line(room, 3, at(700));
        for (millis, is_contended) in [(1_699, true), (1_700, false)] {
            turns.look_for_quiet(at(millis));
            assert_eq!((turns.must_wait(room, at(millis)), turns.are_calm()), (is_contended, !is_contended));
        }
        // It is over for good, even if nobody has looked.
        contend(&mut turns, 4, at(2_000));
        turns.note_line(room, 4, at(3_000));
        assert!(!turns.must_wait(room, at(3_000)));
    }

    #[test]
    fn rooms_take_turns_by_number() {
        let mut turns = Turns::new(200, 8);
        for (slot, room) in [(0, 3), (1, 3), (2, 130), (3, 0), (4, 3), (5, 199), (6, 64)] {
            turns.wait(slot, Hold::Turn { room: RoomId(room), fresh: false }, false);
        }
        let is_open = |room: RoomId| room != RoomId(64);
        let mut next = || turns.next(is_open);
        assert_eq!([next(), next(), next(), next(), next()], [Some(0), Some(2), Some(5), Some(3), Some(1)]);
        assert_eq!([next(), next()], [Some(4), None]);
        assert!(!turns.any());
        turns.wait(1, Hold::Turn { room: RoomId(64), fresh: true }, false);
        let mut released = Vec::new();
        turns.end_room(RoomId(64), |slot| released.push(slot));
        assert_eq!((released, turns.next(is_open), turns.next(is_open)), (vec![1, 6], Some(1), Some(6)));
    }
}
