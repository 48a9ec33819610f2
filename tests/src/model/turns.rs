//! Which lines wait, what they wait for, and in which order they are carried out.

use std::time::Duration;

use chat_proto::{CloseReason, Timestamp};

use super::requests::Outcome;
use super::rooms::{Room, RoomKey};
use super::{Model, Untaken};

/// Every second turn goes to a session that had sent no line for this long.
const FRESH: Duration = Duration::from_secs(1);

/// Lines take turns no more once none has come for this long.
const QUIET: Duration = Duration::from_secs(1);

/// What a line waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Readers of a room that are waited for.
    Turn { room: RoomKey, fresh: bool },
    /// A member, until it has read private messages.
    Target(usize),
    /// The session's own peer, until it has read replies.
    Replies,
    /// The driver, until it has said whether the password in it is right.
    Check,
    /// Nothing any more: what it waited for is gone.
    Nothing,
}

/// Sessions whose lines wait for other reasons than a room's readers, in order.
#[derive(Debug, Default)]
pub(super) struct Lines {
    ready: Vec<usize>,
    targets: Vec<(usize, usize)>,
    /// The number of the room that had the last turn; at first the lobby's.
    served: u32,
}

/// Sessions whose lines wait for the readers of a room, in order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    fresh: Vec<usize>,
    others: Vec<usize>,
    /// The last turn went to a session that had been silent.
    fresh_last: bool,
    /// Several lines were waiting for readers when a mark last moved.
    contended: bool,
    /// How often the marks have moved, now and when `contended` was last set.
    moves: u64,
    looked_at: u64,
    /// When `contended` is over unless a line comes before.
    quiet_at: Timestamp,
}

impl Queue {
    /// The marks of the room have moved.
    pub(super) fn note_move(&mut self) {
        self.moves += 1;
    }

    /// If the marks have moved since this was last called, notes whether several lines wait.
    fn look_at_crowd(&mut self, now: Timestamp) {
        if std::mem::replace(&mut self.looked_at, self.moves) != self.moves {
            self.contended = self.len() > 1;
            if self.contended {
                self.quiet_at = now + QUIET;
            }
        }
    }

    fn len(&self) -> usize {
        self.fresh.len() + self.others.len()
    }

    /// Returns all who wait.
    pub(super) fn slots(&self) -> impl Iterator<Item = usize> + '_ {
        self.fresh.iter().chain(&self.others).copied()
    }
}

impl Lines {
    /// All that wait for a member wait no longer.
    pub(super) fn release_all(&mut self, target: usize) {
        let (released, left) = self.targets.drain(..).partition(|(other, _)| *other == target);
        self.targets = left;
        self.ready.extend(released.into_iter().map(|(_, waiting): (usize, usize)| waiting));
    }

    /// The room for whose readers these waited has ended.
    pub(super) fn let_go(&mut self, queue: &Queue) {
        self.ready.extend(queue.slots());
    }
}

impl Model {
    /// Returns whether a private message to a session waits.
    pub(super) fn has_waiting_for(&self, target: usize) -> bool {
        self.waits.targets.iter().any(|(other, _)| *other == target)
    }

    /// Returns whether a new line may be published in a room at once: not while several lines wait for their turns.
    pub(super) fn may_publish(&mut self, room: RoomKey) -> bool {
        if !self.is_gate_open(room) {
            return false;
        }
        let now = self.now;
        let queue = &mut self.room_mut(room).queue;
        queue.look_at_crowd(now);
        !(queue.contended && now < queue.quiet_at) && queue.len() == 0
    }

    /// Returns whether a session that sent its previous line at `previous` had been silent.
    pub(super) fn is_fresh(&self, previous: Timestamp) -> bool {
        self.now.saturating_duration_since(previous) >= FRESH
    }

    /// Keeps a line until it may be carried out.
    pub(super) fn hold(&mut self, slot: usize, line: Vec<u8>, wait: Wait) {
        self.stats.held += u64::from(match wait {
            Wait::Turn { room, .. } => !self.is_gate_open(room),
            Wait::Target(_) | Wait::Replies | Wait::Nothing => true,
            Wait::Check => false,
        });
        let session = self.session(slot);
        (session.held, session.wait) = (Some(line), Some(wait));
        self.put_in_line(slot, wait, false);
    }

    fn put_in_line(&mut self, slot: usize, wait: Wait, first: bool) {
        if let Wait::Target(target) = wait {
            let index = self.waits.targets.iter().position(|(other, _)| first && *other == target);
            self.waits.targets.insert(index.unwrap_or(self.waits.targets.len()), (target, slot));
            return;
        }
        if let Wait::Turn { room, .. } = wait {
            let now = self.now;
            let queue = &mut self.room_mut(room).queue;
            queue.look_at_crowd(now);
            queue.contended &= now < queue.quiet_at;
            queue.quiet_at = now + QUIET;
        }
        let line = match wait {
            Wait::Turn { room, fresh: true } => &mut self.room_mut(room).queue.fresh,
            Wait::Turn { room, fresh: false } => &mut self.room_mut(room).queue.others,
            Wait::Check => return self.checks.wait(slot),
            Wait::Target(_) | Wait::Replies | Wait::Nothing => return,
        };
        line.insert(if first { 0 } else { line.len() }, slot);
    }

    /// A session is not in a room any more: its line need not wait for that one's readers.
    pub(super) fn wait_no_longer_in(&mut self, slot: usize, room: RoomKey) {
        if matches!(self.sessions[&slot].wait, Some(Wait::Turn { room: awaited, .. }) if awaited == room) {
            let queue = &mut self.room_mut(room).queue;
            for line in [&mut queue.fresh, &mut queue.others] {
                line.retain(|other| *other != slot);
            }
            if !self.waits.ready.contains(&slot) {
                self.waits.ready.push(slot);
            }
            self.session(slot).wait = Some(Wait::Nothing);
        }
    }

    /// Drops the waiting line of a session that closes.
    pub(super) fn forget_line(&mut self, slot: usize) {
        let session = self.session(slot);
        let waited_for = session.wait.take();
        session.held = None;
        let queues = self.rooms.iter_mut().flat_map(|room| [&mut room.queue.fresh, &mut room.queue.others]);
        queues.chain([&mut self.waits.ready]).for_each(|line| line.retain(|other| *other != slot));
        self.waits.targets.retain(|(_, other)| *other != slot);
        self.checks.forget(slot);
        if let Some(Wait::Target(target)) = waited_for {
            self.release_first(target);
        }
    }

    /// Returns whether a line that has waited may be carried out.
    #[must_use]
    pub fn has_turns(&self) -> bool {
        !self.waits.ready.is_empty() || self.next_to_be_served().is_some()
    }

    /// Returns the room whose readers let the next line through: the next one, in the order of numbers, after the one
    /// that was served last.
    fn next_to_be_served(&self) -> Option<RoomKey> {
        let is_one = |room: &&Room| room.queue.len() > 0 && self.is_gate_open(room.key);
        let is_passed = |room: &Room| room.id <= Some(self.waits.served);
        self.present_rooms().filter(is_one).min_by_key(|room| (is_passed(room), room.id)).map(|room| room.key)
    }

    /// Carries out lines that have waited, as the hub does when it is asked for a command.
    pub fn take_turns(&mut self) {
        for room in self.rooms.iter_mut().filter(|room| room.id.is_some()) {
            room.queue.look_at_crowd(self.now);
        }
        for _ in 0..256 {
            if !self.has_turns() {
                return;
            }
            let slot = self.next_turn();
            self.take_turn(slot);
        }
    }

    /// Removes and returns the session whose turn it is: in a room, alternately one that had been silent and another.
    fn next_turn(&mut self) -> usize {
        if !self.waits.ready.is_empty() {
            return self.waits.ready.remove(0);
        }
        let room = self.next_to_be_served().expect("there is a turn");
        self.waits.served = self.room(room).id.expect("it has not ended");
        let Queue { fresh, others, fresh_last, .. } = &mut self.room_mut(room).queue;
        *fresh_last = !fresh.is_empty() && (others.is_empty() || !*fresh_last);
        if *fresh_last { fresh.remove(0) } else { others.remove(0) }
    }

    fn take_turn(&mut self, slot: usize) {
        if !self.has_room_for_a_line(slot) {
            let waited_for = self.session(slot).wait.replace(Wait::Replies);
            if let Some(Wait::Target(target)) = waited_for {
                self.release_first(target);
            }
            return;
        }
        let (Some(line), Some(wait)) = (self.session(slot).held.take(), self.session(slot).wait.take()) else {
            unreachable!("a session that waits has a line");
        };
        let in_turn = if let Wait::Turn { room, .. } = wait { Some(room) } else { None };
        match self.carry_out(slot, &line, in_turn, self.now) {
            Outcome::Done => {
                if let Wait::Target(target) = wait {
                    self.release_first(target);
                }
                self.resume(slot);
            }
            Outcome::Waits(new) => {
                if let Wait::Target(target) = wait
                    && new != wait
                {
                    self.release_first(target);
                }
                let session = self.session(slot);
                (session.held, session.wait) = (Some(line), Some(new));
                self.put_in_line(slot, new, true);
            }
        }
    }

    /// What a session's line waited for has come.
    pub(super) fn make_ready(&mut self, slot: usize) {
        self.waits.ready.push(slot);
    }

    fn resume(&mut self, slot: usize) {
        if !self.is_open(slot) {
            return;
        }
        if self.sessions[&slot].ended == Some(true) {
            return self.close(slot, CloseReason::Eof, "");
        }
        let now = self.now;
        let session = self.session(slot);
        if session.ended.is_none() {
            (session.active, session.warned) = (now, false);
        }
        if session.untaken == Untaken::UntilSaid {
            (session.untaken, session.read_due) = (Untaken::No, true);
        }
    }

    /// Releases the first line that waits for a member.
    fn release_first(&mut self, target: usize) {
        if let Some(index) = self.waits.targets.iter().position(|(other, _)| *other == target) {
            let (_, waiting) = self.waits.targets.remove(index);
            self.waits.ready.push(waiting);
        }
    }

    /// A session has read something, perhaps replies: lines that waited for that may continue.
    pub(super) fn replies_read(&mut self, slot: usize) {
        // With less room than a line of its own may need, none of the waiting lines has room.
        if !self.has_room_for_a_line(slot) {
            return;
        }
        self.release_first(slot);
        if self.sessions[&slot].wait == Some(Wait::Replies) && !self.waits.ready.contains(&slot) {
            self.waits.ready.push(slot);
        }
    }
}
