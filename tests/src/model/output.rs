//! The output of sessions: compares the model's lines with the hub's bytes.

use chat_proto::dialect::{Event, MAX_NOTICE};
use chat_proto::{CloseReason, OnLag, RecordKind, SessionStats, Timestamp};

use super::pace::Offer;
use super::{Checked, Line, Model, Phase, Place, Session, Untaken, differ};

/// The replies of one session go before at most this many different log entries, less two that are kept free.
const MAX_PLACES: usize = 64;

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
        let session = self.sessions.remove(&slot);
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
    pub fn offered(&mut self, slot: usize, mut bytes: &[u8]) -> Checked {
        let offered = bytes;
        self.resume_answer(slot);
        self.catch_up(slot);
        let session = &self.sessions[&slot];
        // The log is not read beyond the place of an answer until nothing is left of that.
        let is_next = |line: &&Line| session.answer.is_none_or(|answer| line.seq() < Some(answer.place()));
        let mut lines = session.shown().take_while(is_next);
        let mut expected = lines.next().map_or(&[][..], |line| &line.bytes[session.begun..]);
        if expected.is_empty() != bytes.is_empty() {
            return self.misfit(slot, offered);
        }
        while !bytes.is_empty() {
            let n = bytes.len().min(expected.len());
            if n == 0 || bytes[..n] != expected[..n] {
                return self.misfit(slot, offered);
            }
            (bytes, expected) = (&bytes[n..], &expected[n..]);
            if expected.is_empty() {
                expected = lines.next().map_or(&[], |line| &line.bytes);
            }
        }
        Ok(())
    }

    fn misfit<T>(&self, slot: usize, offered: &[u8]) -> Checked<T> {
        let session = &self.sessions[&slot];
        let expected: Vec<u8> =
            session.shown().flat_map(|line| line.bytes.iter().copied()).skip(session.begun).collect();
        let same = offered.iter().zip(&expected).take_while(|(a, b)| a == b).count();
        let show = |bytes: &[u8]| bytes[same.min(bytes.len())..].escape_ascii().take(300).collect::<Vec<_>>();
        let show = |bytes| String::from_utf8(show(bytes)).expect("escapes are ASCII");
        differ(
            "stream",
            format!(
                "slot {slot}, after {same} bytes that are right:\n     hub \"{}\"\n   model \"{}\"",
                show(offered),
                show(&expected)
            ),
        )
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
        let mut left = n;
        while left > 0 {
            let Some(line) = session.lines.front() else { break };
            // A message is counted when its first byte is sent.
            let is_message = matches!(line.place, Place::Log(_)) && session.begun == 0;
            session.stats.lines_sent += u64::from(is_message);
            let rest = if line.is_own() { 0 } else { line.bytes.len() - session.begun };
            if left < rest {
                session.begun += left;
                break;
            }
            left -= rest;
            session.begun = 0;
            session.lines.pop_front();
        }
        self.forget_own(slot);
        self.pass_own(slot);
        self.observe(slot);
        if n > 0 {
            self.has_taken(slot);
        }
        self.replies_read(slot);
        if self.sessions[&slot].untaken == Untaken::UntilRead && self.has_room(slot, 2 * self.max_encoded()) {
            let now = self.now;
            let session = self.session(slot);
            (session.untaken, session.read_due) = (Untaken::No, true);
            if session.ended.is_none() {
                (session.active, session.warned) = (now, false);
            }
        }
        self.finish_if_flushed(slot);
    }

    /// Drops evicted entries from a reader's pending lines, and puts the notice of the gap in their place. Does nothing
    /// unless the gap comes next.
    fn catch_up(&mut self, slot: usize) {
        let tail = self.logs[self.sessions[&slot].log].tail;
        let close = self.config.on_lag == OnLag::Close;
        let session = self.session(slot);
        let is_gone = |line: &Line| line.seq().is_some_and(|seq| seq < tail);
        if session.begun > 0 || !session.lines.front().is_some_and(is_gone) {
            return;
        }
        let missed = session.shown().filter(|line| is_gone(line)).count() as u64;
        session.lines.retain(|line| !is_gone(line));
        if missed > 0 {
            session.stats.missed += missed;
            let log = session.log;
            self.stats.missed += missed;
            self.record(slot, RecordKind::Missed { count: missed });
            let mut bytes = Vec::new();
            self.encode(log, &Event::Missed { count: missed }, &mut bytes);
            if !bytes.is_empty() {
                self.session(slot).lines.push_front(Line { bytes: bytes.into(), place: Place::Notice });
            }
        }
        self.pass_own(slot);
        self.observe(slot);
        if missed > 0 && close {
            self.close(slot, CloseReason::Lagged { missed }, "");
        }
    }

    /// Drops a reader's own evicted messages, unless a message of others was evicted too.
    fn forget_own(&mut self, slot: usize) {
        let tail = self.logs[self.sessions[&slot].log].tail;
        let session = self.session(slot);
        let begun = usize::from(session.begun > 0);
        let is_gone = |line: &Line| line.seq().is_some_and(|seq| seq < tail);
        if session.lines.iter().skip(begun).filter(|line| is_gone(line)).all(Line::is_own) {
            session.lines.retain(|line| !(line.is_own() && is_gone(line)));
        }
    }

    /// Skips a reader's own messages as soon as no message of others comes before them.
    pub(super) fn pass_own(&mut self, slot: usize) {
        let tail = self.logs[self.sessions[&slot].log].tail;
        let session = self.session(slot);
        let begun = usize::from(session.begun > 0);
        while let Some(first) = session.lines.iter().skip(begun).position(|line| line.seq().is_some())
            && let line = &session.lines[begun + first]
            && line.is_own()
            && line.seq() >= Some(tail)
        {
            session.lines.remove(begun + first);
        }
    }

    /// Returns whether only log entries are pending for a session.
    pub(super) fn has_nothing_private(&self, slot: usize) -> bool {
        let session = &self.sessions[&slot];
        let private = |line: &Line| matches!(line.place, Place::Reply(_) | Place::Notice);
        session.begun == 0 && !session.lines.iter().any(private)
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
        let (mut places, mut last) = (0, None);
        for line in &session.lines {
            if let Place::Reply(at) = line.place {
                places += usize::from(last.replace(at) != Some(at));
            }
        }
        let has_place = places + 2 <= MAX_PLACES;
        session.answer.is_none() && self.reply_bytes(slot) + len <= self.config.reply_bytes && has_place
    }

    /// Returns how many bytes of replies are pending for a session.
    pub(super) fn reply_bytes(&self, slot: usize) -> usize {
        let session = &self.sessions[&slot];
        let replies = session.lines.iter().enumerate().filter(|(_, line)| matches!(line.place, Place::Reply(_)));
        replies.map(|(i, line)| line.bytes.len() - if i == 0 { session.begun } else { 0 }).sum()
    }

    /// Returns the length of the longest line in any dialect, in bytes.
    pub(super) fn max_encoded(&self) -> usize {
        let payload = (self.config.max_line + 2 * self.config.max_name).max(MAX_NOTICE);
        self.config.dialects.iter().map(|d| d.dialect.encoded_len(payload)).max().expect("at least one dialect")
    }

    /// Returns whether anything is pending for a session.
    #[must_use]
    pub fn is_unsent(&self, slot: usize) -> bool {
        let session = &self.sessions[&slot];
        session.answer.is_some() || session.shown().next().is_some()
    }

    /// Returns whether a write to a session is under way or blocked.
    #[must_use]
    pub fn is_sending(&self, slot: usize) -> bool {
        self.sessions[&slot].sending
    }

    /// Returns whether a command is due for a session.
    #[must_use]
    pub fn is_due(&self, slot: usize) -> bool {
        let session = &self.sessions[&slot];
        matches!(session.phase, Phase::Over(_)) || session.read_due || !session.sending && self.is_unsent(slot)
    }

    /// Returns the index of a session's dialect.
    #[must_use]
    pub fn dialect_of(&self, slot: usize) -> Option<usize> {
        self.sessions.get(&slot).map(|session| session.log)
    }

    /// Returns the counters that a session should have.
    #[must_use]
    pub fn stats_of(&self, slot: usize) -> Option<SessionStats> {
        self.sessions.get(&slot).map(|session| session.stats)
    }

    /// Returns the slots of all sessions that are open or closing, and whether they are open.
    pub fn live(&self) -> impl Iterator<Item = (usize, bool)> + '_ {
        let live =
            self.sessions.iter().filter(|(_, session)| !matches!(session.phase, Phase::Over(_) | Phase::Unconnected));
        live.map(|(slot, session)| (*slot, session.phase == Phase::Open))
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

impl Session {
    /// Returns the pending lines, without the session's own messages.
    fn shown(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| !line.is_own())
    }
}

impl Line {
    fn is_own(&self) -> bool {
        matches!(self.place, Place::Own(_))
    }

    /// Returns the number of the line's entry in the log.
    pub(super) fn seq(&self) -> Option<u64> {
        match self.place {
            Place::Log(seq) | Place::Own(seq) => Some(seq),
            Place::Reply(_) | Place::Notice => None,
        }
    }
}
