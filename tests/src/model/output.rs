//! The output of sessions: compares the model's lines with the hub's bytes.

use std::rc::Rc;

use chat_proto::dialect::Update;
use chat_proto::{CloseReason, OnLag, RecordKind, SessionStats, Timestamp};

use super::pace::Offer;
use super::places::{Entry, Place};
use super::rooms::{RoomKey, room_of};
use super::{Checked, Model, Phase, Session, Untaken, differ};

/// The replies of one session go before at most this many different places, less two that are kept free.
const MAX_PLACES: usize = 16;

/// The line that goes before everything else: the notice of a gap, or the rest of a line of which the socket took a
/// part.
#[derive(Debug)]
pub(super) struct Front {
    bytes: Rc<[u8]>,
    /// The place of the reply that it is the rest of.
    pub(super) reply: Option<u64>,
}

/// A line that was offered to a session's socket.
#[derive(Debug)]
pub(super) struct Offered {
    bytes: Rc<[u8]>,
    from: From,
}

#[derive(Clone, Copy, Debug)]
enum From {
    Front,
    Reply,
    /// The publication with that stamp.
    Log(u64),
}

impl Model {
    /// The driver was told to write to a session.
    pub fn hand_out_send(&mut self, slot: usize) {
        let now = self.now;
        let session = self.session(slot);
        session.sending = true;
        session.pace.offer(Offer::Made(now), now);
        if session.phase == Phase::Open {
            session.waiting = now;
        }
    }

    /// The driver was told to offer a session's input again.
    ///
    /// # Errors
    ///
    /// If no `Read` is due.
    pub fn hand_out_read(&mut self, slot: usize) -> Checked {
        if !std::mem::take(&mut self.session(slot).read_due) {
            return differ("read", format!("slot {slot} has nothing to be read again"));
        }
        Ok(())
    }

    /// The driver was told to close a session.
    ///
    /// # Errors
    ///
    /// If no `Close` is due, or one with another reason.
    pub fn hand_out_close(&mut self, slot: usize, reason: CloseReason) -> Checked {
        let session = self.sessions.remove(slot);
        if let Some(session) = &session {
            self.go(session.origin, session.turn);
        }
        match session.map(|session| session.phase) {
            Some(Phase::Over(mine)) if mine == reason => Ok(()),
            phase => differ("close", format!("slot {slot}: the hub says {reason:?}, the model {phase:?}")),
        }
    }

    /// Compares what the hub hands out with what it should hand out.
    ///
    /// # Errors
    ///
    /// If the bytes are not a prefix of what is pending, or if there are none although something is pending.
    ///
    /// # Panics
    ///
    /// Never: what it shows of bytes is ASCII.
    pub fn offered(&mut self, slot: usize, bytes: &[u8]) -> Checked {
        self.resume_answer(slot);
        self.pass_hidden(slot);
        self.settle_gaps(slot);
        if self.sessions[&slot].front.is_none() {
            self.pass_hidden(slot);
        }
        let lines = self.next_lines(slot, bytes.len());
        let expected = joined(&lines);
        if expected.is_empty() != bytes.is_empty() || !expected.starts_with(bytes) {
            let same = bytes.iter().zip(&expected).take_while(|(a, b)| a == b).count();
            let lines = self.next_lines(slot, bytes.len() + 300);
            let expected = joined(&lines);
            let show = |bytes: &[u8]| bytes[same.min(bytes.len())..].escape_ascii().take(300).collect::<Vec<_>>();
            let show = |bytes| String::from_utf8(show(bytes)).expect("escapes are ASCII");
            let (hub, model) = (show(bytes), show(&expected));
            return differ(
                "stream",
                format!("slot {slot}, after {same} bytes that are right:\n     hub \"{hub}\"\n   model \"{model}\""),
            );
        }
        self.session(slot).offered = lines;
        Ok(())
    }

    /// Returns the next lines that are pending for a session, with at least `most` bytes if there are so many: a line
    /// of which a part was sent; then all entries in their order, and each reply before the first entry from its place
    /// on. What was published in several rooms is sent once. The log is not read beyond the place of an answer.
    fn next_lines(&self, slot: usize, most: usize) -> Vec<Offered> {
        let session = &self.sessions[&slot];
        let key = |entry: &Entry| if session.is_placed { entry.stamp } else { entry.seq };
        let mut lines: Vec<Offered> = Vec::new();
        lines.extend(session.front.iter().map(|front| Offered { bytes: Rc::clone(&front.bytes), from: From::Front }));
        let mut replies = session.replies.iter().peekable();
        let mut size: usize = lines.iter().map(|line| line.bytes.len()).sum();
        let mut passed = 0;
        if let Some(kept) = self.gap_before(slot) {
            // Only replies come before the notice of the gap.
            let first = session.replies.iter().take_while(|reply| reply.at <= kept);
            lines.extend(first.map(|reply| Offered { bytes: Rc::clone(&reply.bytes), from: From::Reply }));
            return lines;
        }
        while lines.is_empty() || size < most {
            let pending = session.places.iter().flat_map(|place| place.pending.iter().map(move |entry| (place, entry)));
            let next = pending
                .filter(|(_, entry)| !entry.is_own && entry.stamp > passed)
                .min_by_key(|(place, entry)| (entry.stamp, !place.is_focus));
            let line = match (replies.peek(), next) {
                (Some(reply), next) if next.is_none_or(|(_, entry)| reply.at <= key(entry)) => {
                    let line = Offered { bytes: Rc::clone(&reply.bytes), from: From::Reply };
                    replies.next();
                    line
                }
                (_, Some((place, entry))) if session.answer.as_ref().is_none_or(|answer| key(entry) < answer.at) => {
                    passed = entry.stamp;
                    let sent = self.sent_of(slot, entry);
                    if sent.is_empty() {
                        continue;
                    }
                    let is_here = place.is_focus && entry.stamp >= session.focused;
                    let label = if is_here { Vec::new() } else { self.label(slot, place.room) };
                    let bytes = if label.is_empty() { sent } else { [&*label, &*sent].concat().into() };
                    Offered { bytes, from: From::Log(entry.stamp) }
                }
                _ => break,
            };
            size += line.bytes.len();
            lines.push(line);
        }
        lines
    }

    /// If anything that a placed session has to read was evicted, returns the stamp of the first entry that is kept.
    fn gap_before(&self, slot: usize) -> Option<u64> {
        let session = &self.sessions[&slot];
        let is_kept = |place: &Place, entry: &Entry| entry.seq >= self.tail(slot, place);
        let is_gap = |place: &Place| place.pending.front().is_some_and(|entry| !is_kept(place, entry));
        let kept = |place: &Place| place.pending.iter().find(|entry| is_kept(place, entry)).map(|entry| entry.stamp);
        let first = session.places.iter().filter_map(kept).min().unwrap_or(u64::MAX);
        (session.is_placed && session.places.iter().any(is_gap)).then_some(first)
    }

    /// Returns what stands before lines of a room that is not the focus.
    fn label(&self, slot: usize, room: RoomKey) -> Vec<u8> {
        let mut label = Vec::new();
        let session = &self.sessions[&slot];
        if session.is_placed {
            self.config.dialects[session.log].dialect.label(&self.room(room).name, &mut label);
        }
        label
    }

    /// The session's socket took `n` bytes; `all` if that is everything it was given. Ignored if the session is over.
    pub fn sent(&mut self, now: Timestamp, slot: usize, n: usize, all: bool) {
        self.advance(now);
        if matches!(self.sessions[&slot].phase, Phase::Over(_)) {
            return;
        }
        let now = self.now;
        self.stats.bytes_sent += n as u64;
        let session = self.session(slot);
        session.stats.bytes_sent += n as u64;
        session.sending &= !all;
        session.pace.offer(if all { Offer::Taken } else { Offer::Blocked(now) }, now);
        if n > 0 && session.phase == Phase::Open {
            session.waiting = now;
        }
        let (mut left, before) = (n, session.stats.lines_sent);
        for line in std::mem::take(&mut session.offered) {
            if left == 0 {
                break;
            }
            let taken = left.min(line.bytes.len());
            session.take(&line, taken);
            left -= taken;
        }
        let lines = session.stats.lines_sent - before;
        self.stats.lines_sent += lines;
        self.forget_own(slot);
        self.pass_own(slot);
        self.drop_places(slot);
        self.pass_hidden(slot);
        self.tell_untold(slot);
        self.observe(slot);
        if n > 0 {
            self.has_taken(slot, n);
        }
        self.replies_read(slot);
        if self.sessions[&slot].untaken == Untaken::UntilRead && self.has_room_for_a_line(slot) {
            let now = self.now;
            let session = self.session(slot);
            (session.untaken, session.read_due) = (Untaken::No, true);
            if session.ended.is_none() {
                (session.active, session.warned) = (now, false);
            }
        }
        self.finish_if_flushed(slot);
    }

    /// Drops evicted entries from a reader's places, and puts the notice of the gap before everything else, once it has
    /// read the replies that come before.
    fn settle_gaps(&mut self, slot: usize) {
        let (session, kept) = (&self.sessions[&slot], self.gap_before(slot).unwrap_or(0));
        if session.is_placed && session.replies.front().is_some_and(|reply| reply.at <= kept) {
            return;
        }
        loop {
            let session = &self.sessions[&slot];
            if session.front.is_some() {
                return;
            }
            let gap = |place: &Place| {
                let is_gone = |entry: &&Entry| entry.seq < self.tail(slot, place);
                let reply = session.replies.front().filter(|_| !session.is_placed);
                let next = place.pending.front().filter(is_gone)?;
                let is_next = reply.is_none_or(|reply| next.seq < reply.at);
                is_next.then(|| place.pending.iter().take_while(is_gone).filter(|entry| !entry.is_own).count() as u64)
            };
            let gaps = session.places.iter().map(gap).enumerate();
            let Some((place, missed)) = gaps.into_iter().find_map(|(place, missed)| Some((place, missed?))) else {
                return;
            };
            self.settle(slot, place, missed);
        }
    }

    fn settle(&mut self, slot: usize, place: usize, missed: u64) {
        let (log, room) = (self.sessions[&slot].log, self.sessions[&slot].places[place].room);
        let session = &self.sessions[&slot];
        let at = &session.places[place];
        let (is_elsewhere, tail) = (!at.is_focus, self.tail(slot, at));
        self.session(slot).places[place].pending.retain(|entry| entry.seq >= tail);
        if missed > 0 {
            self.session(slot).stats.missed += missed;
            self.stats.missed += missed;
            self.record(slot, RecordKind::Missed { count: missed });
            let mut label = if is_elsewhere { self.label(slot, room) } else { Vec::new() };
            let update = Update::Missed { count: missed };
            let mut notice = if self.is_irc(slot) {
                self.irc_reply(slot, &self.room(room).name, &update)
            } else {
                self.line(log, &update).to_vec()
            };
            if !notice.is_empty() {
                label.append(&mut notice);
                self.session(slot).front = Some(Front { bytes: label.into(), reply: None });
            }
        }
        self.pass_own(slot);
        self.drop_places(slot);
        self.observe(slot);
        if missed > 0 && self.config.on_lag == OnLag::Close {
            self.close(slot, CloseReason::Lagged { missed: missed.try_into().unwrap_or(u32::MAX) }, "");
        }
    }

    /// Returns the number of the oldest entry that is kept in the log of a place.
    fn tail(&self, slot: usize, place: &Place) -> u64 {
        self.room(place.room).logs[self.sessions[&slot].log].tail
    }

    /// Drops a reader's own evicted messages, unless a message of others in the same log was evicted too.
    fn forget_own(&mut self, slot: usize) {
        let Self { sessions, rooms, .. } = self;
        let session = sessions.get_mut(slot).expect("the slot has a session");
        for place in &mut session.places {
            let tail = room_of(rooms, place.room).logs[session.log].tail;
            if place.pending.iter().filter(|entry| entry.seq < tail).all(|entry| entry.is_own) {
                place.pending.retain(|entry| entry.seq >= tail);
            }
        }
    }

    /// Skips a reader's own messages as soon as no message of others comes before them.
    pub(super) fn pass_own(&mut self, slot: usize) {
        let Self { sessions, rooms, .. } = self;
        let session = sessions.get_mut(slot).expect("the slot has a session");
        for place in &mut session.places {
            let tail = room_of(rooms, place.room).logs[session.log].tail;
            while place.pending.front().is_some_and(|entry| entry.is_own && entry.seq >= tail) {
                place.pending.pop_front();
            }
        }
    }

    /// Returns whether only log entries are pending for a session.
    pub(super) fn has_nothing_private(&self, slot: usize) -> bool {
        self.sessions[&slot].has_nothing_private()
    }

    /// Ends a closing session once it has been sent everything.
    pub(super) fn finish_if_flushed(&mut self, slot: usize) {
        if !self.is_unsent(slot) {
            self.has_taken_all(slot);
        }
        if let Phase::Closing(reason) = self.sessions[&slot].phase
            && !self.is_unsent(slot)
        {
            self.finish(slot, reason);
        }
    }

    /// Returns whether a session's reply buffer has room for `len` more bytes.
    pub(super) fn has_room(&self, slot: usize, len: usize) -> bool {
        let session = &self.sessions[&slot];
        let first = session.front.as_ref().and_then(|front| front.reply);
        let (mut places, mut last) = (0, None);
        for at in first.into_iter().chain(session.replies.iter().map(|reply| reply.at)) {
            places += usize::from(last.replace(at) != Some(at));
        }
        let has_place = places + 2 <= MAX_PLACES;
        session.answer.is_none() && self.reply_bytes(slot) + len <= self.config.reply_bytes && has_place
    }

    /// Returns how many bytes of replies are pending for a session.
    pub(super) fn reply_bytes(&self, slot: usize) -> usize {
        let session = &self.sessions[&slot];
        let begun = session.front.as_ref().filter(|front| front.reply.is_some()).map_or(0, |front| front.bytes.len());
        begun + session.replies.iter().map(|reply| reply.bytes.len()).sum::<usize>()
    }

    /// Returns whether it has room for all that its next line may cause.
    pub(super) fn has_room_for_a_line(&self, slot: usize) -> bool {
        self.has_room(slot, 2 * self.longest(slot))
    }

    /// Returns the length for which a session's replies keep room: that of its dialect, or of others that are not IRC.
    pub(super) fn longest(&self, slot: usize) -> usize {
        self.limits.reserve[self.sessions[&slot].log]
    }

    /// Returns whether anything is pending for a session.
    #[must_use]
    pub fn is_unsent(&self, slot: usize) -> bool {
        self.sessions[&slot].is_unsent()
    }

    /// Returns whether a write to a session is under way or blocked.
    #[must_use]
    pub fn is_sending(&self, slot: usize) -> bool {
        self.sessions[&slot].sending
    }

    /// Returns a session for which a command is due, if there is one.
    #[must_use]
    pub fn due(&self) -> Option<usize> {
        self.sessions.iter().find(|(_, session)| session.is_due()).map(|(slot, _)| slot)
    }

    /// Returns the index of a session's dialect.
    #[must_use]
    pub fn dialect_of(&self, slot: usize) -> Option<usize> {
        self.sessions.get(slot).map(|session| session.log)
    }

    /// Returns the counters that a session should have.
    #[must_use]
    pub fn stats_of(&self, slot: usize) -> Option<SessionStats> {
        self.sessions.get(slot).map(|session| session.stats)
    }

    /// Returns the slots of all sessions that are open or closing, and whether they are open.
    pub fn live(&self) -> impl Iterator<Item = (usize, bool)> + '_ {
        let live =
            self.sessions.iter().filter(|(_, session)| !matches!(session.phase, Phase::Over(_) | Phase::Unconnected));
        live.map(|(slot, session)| (slot, session.phase == Phase::Open))
    }

    /// Returns how many sessions there are, including those that are over but not closed yet.
    #[must_use]
    pub fn count(&self) -> usize {
        self.sessions.values().filter(|session| session.phase != Phase::Unconnected).count()
    }

    /// Returns whether the hub was shut down and every session has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shutting_down && self.sessions.is_empty()
    }
}

/// Returns the bytes of several lines.
fn joined(lines: &[Offered]) -> Vec<u8> {
    let mut all = Vec::with_capacity(lines.iter().map(|line| line.bytes.len()).sum());
    for line in lines {
        all.extend_from_slice(&line.bytes);
    }
    all
}

impl Session {
    fn has_nothing_private(&self) -> bool {
        self.front.is_none() && self.replies.is_empty() && self.answer.is_none()
    }

    fn is_unsent(&self) -> bool {
        let is_unread = |place: &Place| place.pending.iter().any(|entry| !entry.is_own);
        !self.has_nothing_private() || self.places.iter().any(is_unread)
    }

    /// Returns whether a command is due for it.
    fn is_due(&self) -> bool {
        matches!(self.phase, Phase::Over(_)) || self.read_due || !self.sending && self.is_unsent()
    }

    /// The socket took a line that was offered, or the first bytes of it; the rest goes before everything else then.
    fn take(&mut self, line: &Offered, taken: usize) {
        let reply = match line.from {
            From::Front => self.front.take().and_then(|front| front.reply),
            From::Reply => self.replies.pop_front().map(|reply| reply.at),
            From::Log(stamp) => {
                // A message is counted when its first byte is sent.
                self.stats.lines_sent += 1;
                for place in &mut self.places {
                    // Only own messages come before it.
                    if let Some(last) = place.pending.iter().position(|entry| entry.stamp == stamp) {
                        place.pending.drain(..=last);
                    }
                }
                None
            }
        };
        if taken < line.bytes.len() {
            self.front = Some(Front { bytes: line.bytes[taken..].into(), reply });
        }
    }
}
