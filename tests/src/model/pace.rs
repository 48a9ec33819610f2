//! Which readers publishing waits for, which lines wait, and what they wait for.

use std::time::Duration;

use chat_proto::{CloseReason, RecordKind, Timestamp};

use super::requests::Outcome;
use super::{Checked, Model, Phase, Place, differ};

/// The size limit of a small part of a log.
const SMALL_PART: usize = 128 << 10;

/// A write that has not been reported for about a second counts as blocked, from the next full second on.
fn unreported(since: Timestamp) -> Timestamp {
    const SECOND: u128 = 1 << 30;
    let seconds = (u128::from(since.as_nanos()) + SECOND).div_ceil(SECOND);
    Timestamp::from_nanos(u64::try_from(seconds * SECOND).unwrap_or(u64::MAX))
}

/// Every second turn goes to a session that had sent no line for this long.
const FRESH: Duration = Duration::from_secs(1);

/// What a line waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Readers that are waited for.
    Turn { fresh: bool },
    /// A member, until it has read private messages.
    Target(usize),
    /// The session's own peer, until it has read replies.
    Replies,
}

/// The state of the last write to a reader, and its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    Taken,
    Made(Timestamp),
    Blocked(Timestamp),
}

/// A reader's state for the pace.
#[derive(Clone, Copy, Debug)]
pub(super) struct PaceState {
    /// Publishing waits for this reader.
    pub(super) on_pace: bool,
    /// It has reached the mark.
    reached: bool,
    pub(super) offer: Offer,
    /// How long it was blocked since it last reached a mark or took everything, without what has not been counted yet.
    used: Duration,
    /// It is being given a long answer, which counts like a block.
    answered: bool,
    /// The time up to which `used` is counted.
    counted: Timestamp,
}

/// Sessions whose lines wait, in order.
#[derive(Debug, Default)]
pub(super) struct Lines {
    ready: Vec<usize>,
    fresh: Vec<usize>,
    others: Vec<usize>,
    /// The last turn went to a session that had been silent.
    fresh_last: bool,
    /// Several lines were waiting for readers when a mark last moved.
    contended: bool,
    /// How often the marks have moved, now and when `contended` was last set.
    moves: u64,
    looked_at: u64,
    targets: Vec<(usize, usize)>,
}

impl PaceState {
    pub(super) const NONE: Self = Self {
        on_pace: false,
        reached: true,
        offer: Offer::Taken,
        used: Duration::ZERO,
        answered: false,
        counted: Timestamp::ZERO,
    };

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
    /// Returns how long a reader may be blocked between two marks.
    fn allowance(&self) -> Duration {
        let pace = self.config.pace.expect("there is one") as u128;
        let nanos = 2 * self.small_part().0 as u128 * 1_000_000_000 / pace;
        Duration::from_nanos(u64::try_from(nanos).expect("no more than some hours"))
    }

    /// Returns the size of a small part of a log, in bytes and in entries.
    fn small_part(&self) -> (usize, usize) {
        (SMALL_PART.min(self.config.log_bytes / 4), self.config.log_entries / 4)
    }

    /// Begins to wait for a reader.
    pub(super) fn wait_for(&mut self, slot: usize) {
        if self.config.pace.is_none() {
            return;
        }
        let reached = self.position(slot) >= self.logs[self.sessions[&slot].log].mark;
        let now = self.now;
        let pace = &mut self.session(slot).pace;
        (pace.on_pace, pace.reached) = (true, reached);
        pace.restore(now);
        self.move_marks();
    }

    /// Returns the number of the next log entry that is pending for a session.
    fn position(&self, slot: usize) -> u64 {
        let session = &self.sessions[&slot];
        let begun = usize::from(session.begun > 0);
        let next = session.lines.iter().skip(begun).find_map(|line| match line.place {
            Place::Log(seq) | Place::Own(seq) => Some(seq),
            Place::Reply(_) | Place::Notice => None,
        });
        next.unwrap_or(self.logs[session.log].head())
    }

    /// Records whether a reader has reached the mark, and moves the marks if possible.
    pub(super) fn observe(&mut self, slot: usize) {
        self.note_place(slot);
        self.move_marks();
    }

    /// Records whether a reader has reached the mark.
    pub(super) fn note_place(&mut self, slot: usize) {
        if self.config.pace.is_none() || !self.is_open(slot) {
            return;
        }
        let log = self.sessions[&slot].log;
        let is_there = self.position(slot) >= self.logs[log].mark;
        let now = self.now;
        let pace = &mut self.session(slot).pace;
        if is_there && pace.on_pace && !pace.reached {
            pace.reached = true;
            pace.restore(now);
        }
    }

    /// A reader has taken bytes: if it was slow, it is waited for again once it has reached the mark.
    pub(super) fn has_taken(&mut self, slot: usize) {
        let session = &self.sessions[&slot];
        let is_there = self.position(slot) >= self.logs[session.log].mark;
        let may_wait = session.phase == Phase::Open && session.answer.is_none();
        if is_there && !session.pace.on_pace && may_wait {
            self.wait_for(slot);
        }
    }

    /// Moves the marks of all logs, if a small part of one was written since the last move and all readers have reached
    /// their marks.
    pub(super) fn move_marks(&mut self) {
        if self.config.pace.is_none() || !self.is_part_full() || self.is_anyone_behind() {
            return;
        }
        self.waits.moves += 1;
        for log in &mut self.logs {
            log.start = (log.head(), log.bytes);
            log.mark = log.head() + 1;
        }
        for session in self.sessions.values_mut().filter(|session| session.phase == Phase::Open) {
            session.pace.reached = false;
        }
    }

    fn is_part_full(&self) -> bool {
        let (bytes, entries) = self.small_part();
        let is_full = |log: &super::LogModel| {
            log.bytes - log.start.1 >= bytes as u64 || log.head() - log.start.0 >= entries as u64
        };
        self.logs.iter().any(is_full)
    }

    /// Returns whether a reader that is waited for has not reached the mark.
    fn is_anyone_behind(&self) -> bool {
        let behind = |s: &super::Session| s.pace.on_pace && !s.pace.reached && s.phase == Phase::Open;
        let could = |s: &super::Session| self.logs[s.log].head() >= self.logs[s.log].mark;
        self.sessions.values().any(|session| behind(session) && could(session))
    }

    /// Returns whether lines may be published.
    pub(super) fn is_gate_open(&self) -> bool {
        self.config.pace.is_none() || !self.is_part_full() || !self.is_anyone_behind()
    }

    /// Returns whether a private message to a session waits.
    pub(super) fn has_waiting_for(&self, target: usize) -> bool {
        self.waits.targets.iter().any(|(other, _)| *other == target)
    }

    /// Returns whether a new line may be published at once: not while several lines wait for their turns.
    pub(super) fn may_publish(&mut self) -> bool {
        if !self.is_gate_open() {
            return false;
        }
        self.look_at_crowd();
        !self.waits.contended && self.waits.fresh.is_empty() && self.waits.others.is_empty()
    }

    fn look_at_crowd(&mut self) {
        let nobody_waits = self.sessions.values().all(|session| session.wait.is_none());
        let waits = &mut self.waits;
        if nobody_waits && !waits.contended {
            return;
        }
        if std::mem::replace(&mut waits.looked_at, waits.moves) != waits.moves {
            waits.contended = waits.fresh.len() + waits.others.len() > 1;
        }
    }

    /// Returns whether a session that sent its previous line at `previous` had been silent.
    pub(super) fn is_fresh(&self, previous: Timestamp) -> bool {
        self.now.saturating_duration_since(previous) >= FRESH
    }

    /// Returns whether private messages wait for a member.
    pub(super) fn is_waited_for(&self, slot: usize) -> bool {
        self.config.pace.is_some() && self.is_open(slot) && self.sessions[&slot].pace.on_pace
    }

    /// Returns when a reader will count as slow.
    pub(super) fn gives_up_at(&self, slot: usize) -> Option<Timestamp> {
        let pace = self.sessions[&slot].pace;
        if !pace.on_pace {
            return None;
        }
        let left = self.allowance().saturating_sub(pace.used);
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
        let (released, left) = self.waits.targets.drain(..).partition(|(target, _)| *target == slot);
        self.waits.targets = left;
        self.waits.ready.extend(released.into_iter().map(|(_, waiting): (usize, usize)| waiting));
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

    /// Keeps a line until it may be carried out.
    pub(super) fn hold(&mut self, slot: usize, line: Vec<u8>, wait: Wait) {
        self.stats.held += u64::from(!matches!(wait, Wait::Turn { .. }) || !self.is_gate_open());
        let session = self.session(slot);
        (session.held, session.wait) = (Some(line), Some(wait));
        self.put_in_line(slot, wait, false);
    }

    fn put_in_line(&mut self, slot: usize, wait: Wait, first: bool) {
        if let Wait::Target(target) = wait {
            let place = self.waits.targets.iter().position(|(other, _)| first && *other == target);
            self.waits.targets.insert(place.unwrap_or(self.waits.targets.len()), (target, slot));
            return;
        }
        let line = match wait {
            Wait::Turn { fresh: true } => &mut self.waits.fresh,
            Wait::Turn { fresh: false } => &mut self.waits.others,
            Wait::Target(_) | Wait::Replies => return,
        };
        line.insert(if first { 0 } else { line.len() }, slot);
    }

    /// Drops the waiting line of a session that closes.
    pub(super) fn forget_line(&mut self, slot: usize) {
        let session = self.session(slot);
        let waited_for = session.wait.take();
        session.held = None;
        for line in [&mut self.waits.ready, &mut self.waits.fresh, &mut self.waits.others] {
            line.retain(|other| *other != slot);
        }
        self.waits.targets.retain(|(_, other)| *other != slot);
        if let Some(Wait::Target(target)) = waited_for {
            self.release_first(target);
        }
    }

    /// Returns whether a line that has waited may be carried out.
    #[must_use]
    pub fn has_turns(&self) -> bool {
        let may_publish = || self.is_gate_open();
        !self.waits.ready.is_empty() || !(self.waits.fresh.is_empty() && self.waits.others.is_empty()) && may_publish()
    }

    /// Carries out lines that have waited, as the hub does when it is asked for a command.
    pub fn take_turns(&mut self) {
        self.look_at_crowd();
        for _ in 0..256 {
            if !self.has_turns() {
                return;
            }
            let slot = self.next_turn();
            self.take_turn(slot);
        }
    }

    /// Removes and returns the session whose turn it is: alternately one that had been silent and another one.
    fn next_turn(&mut self) -> usize {
        let Lines { ready, fresh, others, fresh_last, .. } = &mut self.waits;
        if !ready.is_empty() {
            return ready.remove(0);
        }
        *fresh_last = !fresh.is_empty() && (others.is_empty() || !*fresh_last);
        if *fresh_last { fresh.remove(0) } else { others.remove(0) }
    }

    fn take_turn(&mut self, slot: usize) {
        if !self.has_room(slot, 2 * self.max_encoded()) {
            let waited_for = self.session(slot).wait.replace(Wait::Replies);
            if let Some(Wait::Target(target)) = waited_for {
                self.release_first(target);
            }
            return;
        }
        let (Some(line), Some(wait)) = (self.session(slot).held.take(), self.session(slot).wait.take()) else {
            unreachable!("a session that waits has a line");
        };
        let in_turn = matches!(wait, Wait::Turn { .. });
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
        if session.untaken == super::Untaken::UntilSaid {
            (session.untaken, session.read_due) = (super::Untaken::No, true);
        }
    }

    /// Releases the first line that waits for a member.
    fn release_first(&mut self, target: usize) {
        if let Some(place) = self.waits.targets.iter().position(|(other, _)| *other == target) {
            let (_, waiting) = self.waits.targets.remove(place);
            self.waits.ready.push(waiting);
        }
    }

    /// A session has read something, perhaps replies: lines that waited for that may continue.
    pub(super) fn replies_read(&mut self, slot: usize) {
        // With less room than a line of its own may need, none of the waiting lines has room.
        if !self.has_room(slot, 2 * self.max_encoded()) {
            return;
        }
        self.release_first(slot);
        if self.sessions[&slot].wait == Some(Wait::Replies) && !self.waits.ready.contains(&slot) {
            self.waits.ready.push(slot);
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
        let (bytes, entries) = self.small_part();
        for (slot, session) in self.sessions.iter().filter(|(_, s)| s.phase == Phase::Open && s.pace.on_pace) {
            let log = &self.logs[session.log];
            let position = self.position(*slot);
            let (behind, own) = (log.passed(log.head()), log.passed(position));
            let behind = (behind.0 - own.0, behind.1 - own.1);
            // One line may exceed each part, and the mark is one entry further.
            if behind.0 > (2 * bytes + 5 * self.max_encoded()) as u64 || behind.1 > (2 * entries + 5) as u64 {
                return differ("pace", format!("slot {slot} is waited for, and {behind:?} bytes and entries behind"));
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
    /// Returns how many bytes and entries before that number had waited for readers.
    fn passed(&self, seq: u64) -> (u64, u64) {
        seq.checked_sub(1).map_or((0, 0), |last| self.gated[last as usize])
    }
}
