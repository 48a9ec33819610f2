//! Which readers publishing waits for, and for how long.

use std::time::Duration;

use chat_proto::{RecordKind, Timestamp};

use super::places::Place;
use super::rooms::RoomKey;
use super::{Checked, Model, Phase, Session, differ};

/// The size limit of a small part of a log.
const SMALL_PART: usize = 128 << 10;

/// A write that has not been reported for about a second counts as blocked, from the next full second on.
fn unreported(since: Timestamp) -> Timestamp {
    const SECOND: u128 = 1 << 30;
    let seconds = (u128::from(since.as_nanos()) + SECOND).div_ceil(SECOND);
    Timestamp::from_nanos(u64::try_from(seconds * SECOND).unwrap_or(u64::MAX))
}

/// The state of the last write to a reader, and its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    Taken,
    Made(Timestamp),
    Blocked(Timestamp),
}

/// Returns the size of a small part of a log, in bytes and in entries.
fn small_part((bytes, entries): (usize, usize)) -> (usize, usize) {
    (SMALL_PART.min(bytes / 4), entries / 4)
}

/// Returns how long a reader may be blocked between two marks of the lobby's log.
pub(super) fn allowance(pace: usize, lobby: (usize, usize)) -> Duration {
    let nanos = 2 * small_part(lobby).0 as u128 * 1_000_000_000 / pace as u128;
    Duration::from_nanos(u64::try_from(nanos).expect("no more than some hours"))
}

/// A reader's state for the pace.
#[derive(Clone, Copy, Debug)]
pub(super) struct PaceState {
    /// Publishing waits for this reader.
    pub(super) on_pace: bool,
    pub(super) offer: Offer,
    /// How long it was blocked since it last reached a mark or took everything, without what has not been counted yet.
    used: Duration,
    /// It is being given a long answer, which counts like a block.
    answered: bool,
    /// The time up to which `used` is counted.
    counted: Timestamp,
}

impl PaceState {
    pub(super) const NONE: Self =
        Self { on_pace: false, offer: Offer::Taken, used: Duration::ZERO, answered: false, counted: Timestamp::ZERO };

    /// Adds the time used by the last write, and replaces it.
    pub(super) fn offer(&mut self, offer: Offer, now: Timestamp) {
        self.used = self.used.saturating_add(self.going_on(now));
        (self.offer, self.counted) = (offer, now);
    }

    /// A long answer begins or ends.
    pub(super) fn answer(&mut self, answered: bool, now: Timestamp) {
        if self.answered != answered {
            self.used = self.used.saturating_add(self.going_on(now));
            self.answered = answered;
            self.start_anew(now);
        }
    }

    fn going_on(&self, now: Timestamp) -> Duration {
        match self.offer {
            _ if self.answered => now.saturating_duration_since(self.counted),
            Offer::Taken => Duration::ZERO,
            Offer::Made(since) => now.saturating_duration_since(unreported(since)),
            Offer::Blocked(since) => now.saturating_duration_since(since),
        }
    }
}

impl Model {
    /// Returns the size of a small part of a room's log, in bytes and in entries.
    fn small_part(&self, room: RoomKey) -> (usize, usize) {
        small_part(self.limits.log(room))
    }

    /// Begins to wait for a reader.
    pub(super) fn wait_for(&mut self, slot: usize) {
        if self.config.pace.is_none() {
            return;
        }
        let now = self.now;
        self.session(slot).pace.on_pace = true;
        self.session(slot).pace.restore(now);
        for place in 0..self.sessions[&slot].places.len() {
            let reached = self.is_at_mark(slot, &self.sessions[&slot].places[place]);
            self.session(slot).places[place].reached = reached;
        }
        self.move_marks();
    }

    fn is_at_mark(&self, slot: usize, place: &Place) -> bool {
        let log = &self.room(place.room).logs[self.sessions[&slot].log];
        log.position(place) >= log.mark
    }

    /// Records which marks a reader has reached, and moves the marks if possible.
    pub(super) fn observe(&mut self, slot: usize) {
        self.note_places(slot);
        self.move_marks();
    }

    /// Records which marks a reader has reached.
    pub(super) fn note_places(&mut self, slot: usize) {
        if self.config.pace.is_none() || !self.is_open(slot) || !self.sessions[&slot].pace.on_pace {
            return;
        }
        for place in 0..self.sessions[&slot].places.len() {
            let is_there = self.is_at_mark(slot, &self.sessions[&slot].places[place]);
            let now = self.now;
            let session = self.session(slot);
            if is_there && !std::mem::replace(&mut session.places[place].reached, true) && !session.is_placed {
                session.pace.restore(now);
            }
        }
    }

    /// A reader has taken bytes: if it was slow, it is waited for again once it has reached the mark. One that reads
    /// several rooms earns time by what it takes.
    pub(super) fn has_taken(&mut self, slot: usize, n: usize) {
        let Some(pace) = self.config.pace else { return };
        let session = &self.sessions[&slot];
        if session.is_placed {
            let earned = n as u128 * 2_000_000_000 / pace as u128;
            let earned = Duration::from_nanos(u64::try_from(earned).unwrap_or(u64::MAX));
            let allowance = self.limits.allowance;
            let used = &mut self.session(slot).pace.used;
            *used = (*used).min(allowance).saturating_sub(earned);
            return;
        }
        let is_there = session.places.iter().all(|place| self.is_at_mark(slot, place));
        let may_wait = session.phase == Phase::Open && session.answer.is_none();
        if is_there && !session.pace.on_pace && may_wait {
            self.wait_for(slot);
        }
    }

    /// Moves the marks of all rooms where a small part of a log was written since the last move and all readers have
    /// reached their marks.
    pub(super) fn move_marks(&mut self) {
        if self.config.pace.is_none() {
            return;
        }
        for room in 0..self.rooms.len() {
            let room = self.rooms[room].key;
            if !self.is_part_full(room) || self.is_anyone_behind(room) {
                continue;
            }
            let it = self.room_mut(room);
            it.queue.note_move();
            for log in &mut it.logs {
                log.start = (log.head(), log.bytes);
                log.mark = log.head() + 1;
            }
            for session in self.sessions.values_mut().filter(|session| session.phase == Phase::Open) {
                session.places.iter_mut().filter(|place| place.room == room).for_each(|place| place.reached = false);
            }
        }
    }

    fn is_part_full(&self, room: RoomKey) -> bool {
        let (bytes, entries) = self.small_part(room);
        let is_full = |log: &super::LogModel| {
            log.bytes - log.start.1 >= bytes as u64 || log.head() - log.start.0 >= entries as u64
        };
        self.room(room).logs.iter().any(is_full)
    }

    /// Returns whether a reader that is waited for is in the room and has not reached the mark.
    fn is_anyone_behind(&self, room: RoomKey) -> bool {
        let logs = &self.room(room).logs;
        let behind = |place: &Place| place.room == room && !place.left && !place.reached;
        let could = |s: &Session| logs[s.log].head() >= logs[s.log].mark;
        let is_read = |s: &Session| s.pace.on_pace && s.phase == Phase::Open && s.places.iter().any(behind);
        self.sessions.values().any(|session| is_read(session) && could(session))
    }

    /// Returns whether lines may be published in a room.
    pub(super) fn is_gate_open(&self, room: RoomKey) -> bool {
        self.config.pace.is_none() || !self.is_part_full(room) || !self.is_anyone_behind(room)
    }

    /// Returns whether private messages wait for a member.
    pub(super) fn is_waited_for(&self, slot: usize) -> bool {
        self.config.pace.is_some() && self.is_open(slot) && self.sessions[&slot].pace.on_pace
    }

    /// Returns when a reader will count as slow.
    pub(super) fn gives_up_at(&self, session: &Session) -> Option<Timestamp> {
        let pace = &session.pace;
        if !pace.on_pace {
            return None;
        }
        let left = self.limits.allowance.saturating_sub(pace.used);
        match pace.offer {
            _ if pace.answered => Some(pace.counted + left),
            Offer::Taken => None,
            Offer::Made(since) => Some(unreported(since) + left),
            Offer::Blocked(since) => Some(since + left),
        }
    }

    /// A reader has been blocked for too long: it counts as slow.
    pub(super) fn give_up_on(&mut self, slot: usize) {
        self.stats.slow += 1;
        self.record(slot, RecordKind::Slow);
        self.wait_no_longer_for(slot);
    }

    /// Stops waiting for a reader.
    pub(super) fn wait_no_longer_for(&mut self, slot: usize) {
        self.session(slot).pace.on_pace = false;
        self.move_marks();
        self.waits.release_all(slot);
    }

    /// A reader has taken everything.
    pub(super) fn has_taken_all(&mut self, slot: usize) {
        if self.config.pace.is_none() || !self.is_open(slot) {
            return;
        }
        let pace = &mut self.session(slot).pace;
        pace.used = Duration::ZERO;
        if !pace.on_pace {
            self.wait_for(slot);
        }
    }

    /// The socket of a session takes bytes again.
    pub fn writable(&mut self, now: Timestamp, slot: usize) {
        self.advance(now);
        let now = self.now;
        let pace = &mut self.session(slot).pace;
        if matches!(pace.offer, Offer::Blocked(_)) {
            pace.offer(Offer::Made(now), now);
        }
    }

    /// Checks that no reader that is waited for is further behind than two small parts. Lines may exceed that a little,
    /// and what the hub itself publishes is not counted.
    ///
    /// # Errors
    ///
    /// The reader that is further behind.
    pub fn check_pace(&self) -> Checked {
        if self.config.pace.is_none() {
            return Ok(());
        }
        for (slot, session) in self.sessions.iter().filter(|(_, s)| s.phase == Phase::Open && s.pace.on_pace) {
            for place in session.places.iter().filter(|place| !place.left) {
                let (bytes, entries) = self.small_part(place.room);
                let log = &self.room(place.room).logs[session.log];
                let (behind, own) = (log.passed(log.head()), log.passed(log.position(place)));
                let behind = (behind.0 - own.0, behind.1 - own.1);
                // One line may exceed each part, and the mark is one entry further.
                if behind.0 > (2 * bytes + 5 * self.limits.max_encoded) as u64 || behind.1 > (2 * entries + 5) as u64 {
                    let detail = format!("slot {slot} is waited for, and {behind:?} bytes and entries behind");
                    return differ("pace", detail);
                }
            }
        }
        Ok(())
    }
}

impl PaceState {
    fn restore(&mut self, now: Timestamp) {
        self.used = Duration::ZERO;
        self.start_anew(now);
    }

    /// Counts the current write from now on.
    fn start_anew(&mut self, now: Timestamp) {
        self.counted = now;
        self.offer = match self.offer {
            Offer::Taken => Offer::Taken,
            Offer::Made(_) => Offer::Made(now),
            Offer::Blocked(_) => Offer::Blocked(now),
        };
    }
}

impl super::LogModel {
    /// Returns the number of the next entry that is pending for a reader in a place.
    fn position(&self, place: &Place) -> u64 {
        place.pending.front().map_or_else(|| self.head(), |entry| entry.seq)
    }

    /// Returns how many bytes and entries before that number had waited for readers.
    fn passed(&self, seq: u64) -> (u64, u64) {
        seq.checked_sub(1).map_or((0, 0), |last| self.gated[last as usize])
    }
}
