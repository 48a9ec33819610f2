//! What sessions are sent: handing bytes out, and taking reports of what was written.

use super::Hub;
use crate::batch::{Batch, HandOut};
use crate::command::{CloseReason, Command};
use crate::config::OnLag;
use crate::fault::Fault;
use crate::id::SessionId;
use crate::journal::RecordKind;
use crate::log::Log;
use crate::pool::Buffers;
use crate::room::spoken::MAX_LABEL;
use crate::session::outbox::Outbox;
use crate::session::state::{Ended, Phase, Untaken};
use crate::time::Timestamp;
use crate::wire::dialect::Update;
use crate::wire::framing::MessageKind;
use crate::wire::framing::wrap::wrapped_bound;
use crate::wire::sanitize::Clean;

impl Hub {
    /// Copies the bytes to send to a session into `batch`: at most `max_bytes` of the log, but at least one message.
    /// Returns whether there is anything; if not, there is nothing to report.
    ///
    /// The bytes end where an update ends, and may be less than everything; another `Send` follows then. Write once, as
    /// much as the socket takes, and report it with [`sent`](Self::sent). Other calls may be made before that.
    ///
    /// A batch that already [`fits`](Self::fits) the session is left as it is, so that readers at the same position
    /// share one copy. Any other batch is overwritten, so no session that was given it may still be unreported.
    ///
    /// 64 KiB is a good `max_bytes`: about what a socket takes at once. The buffer of each batch grows to about that
    /// size.
    pub fn fill(&mut self, id: SessionId, batch: &mut Batch, max_bytes: usize) -> bool {
        let Some(slot) = self.live(id) else {
            batch.clear();
            return false;
        };
        self.resume_answer(slot);
        if let Some(outbox) = &mut self.sessions[slot].outbox {
            outbox.offer_pong();
        }
        let is_filled = if self.sessions[slot].is_placed {
            self.fill_placed(slot, batch, max_bytes)
        } else {
            self.fill_simple(slot, batch, max_bytes)
        };
        if is_filled || self.fill_close(slot, batch) {
            return true;
        }
        batch.clear();
        self.progressed(slot, 0, true);
        false
    }

    /// Fills a batch with the close frame of a session that is sent nothing more; returns false if it needs none.
    fn fill_close(&mut self, slot: u32, batch: &mut Batch) -> bool {
        let session = &mut self.sessions[slot];
        let Some(outbox) = session.outbox.as_mut() else { return false };
        let is_due = outbox.offer_close();
        if is_due {
            let out = HandOut { format: session.format, front: outbox.front().len(), ..HandOut::default() };
            batch.begin_messages(MessageKind::Text, [outbox.front(), &[]], out);
        }
        is_due
    }

    /// Fills a batch for a session that reads the lobby only. If nothing remains to send, returns false.
    fn fill_simple(&mut self, slot: u32, batch: &mut Batch, max_bytes: usize) -> bool {
        self.settle_lag(slot);
        let mut out = self.hand_out(slot);
        if out.is_empty() {
            return false;
        }
        if out.private() == 0 && batch.fits_simple(out.format, out.from, out.to) {
            return true;
        }
        if let Some(kind) = out.format.messages() {
            self.fill_messages(slot, batch, kind, out, max_bytes);
            return true;
        }
        let log = &self.logs.lobby().rendered[out.format.dialect() as usize].log;
        out.to = log.fit(out.from, out.to, max_bytes);
        let outbox = self.sessions[slot].outbox.as_deref();
        let front = outbox.map_or(&[][..], |outbox| outbox.front());
        let replies = outbox.map_or(&[][..], |outbox| &outbox.replies()[..out.replies]);
        let [first, second] = log.bytes(out.from, out.to);
        batch.copy([front, replies, first, second], log.ends(out.from, out.to), out);
        true
    }

    /// Fills a batch with messages of the lobby.
    #[inline(never)]
    fn fill_messages(&self, slot: u32, batch: &mut Batch, kind: MessageKind, out: HandOut, max_bytes: usize) {
        let outbox = self.sessions[slot].outbox.as_deref();
        let front = outbox.map_or(&[][..], |outbox| outbox.front());
        let replies = outbox.map_or(&[][..], |outbox| &outbox.replies()[..out.replies]);
        batch.begin_messages(kind, [front, replies], HandOut { to: out.from, ..out });
        let log = self.lobby_log(out.format.dialect());
        for seq in out.from..out.to {
            let entry = log.bytes(seq, seq + 1);
            let (before, len) = (batch.log_len() as usize, entry[0].len() + entry[1].len());
            if before > 0 && before + wrapped_bound(len) > max_bytes {
                break;
            }
            batch.push(|out| entry.into_iter().for_each(|piece| out.extend_from_slice(piece)));
        }
    }

    /// Returns whether `batch` already holds exactly what to send to this session next, so that it need not be filled.
    ///
    /// True only for batches without private bytes, filled for a session of the same dialect at the same position.
    #[must_use]
    pub fn fits(&self, id: SessionId, batch: &Batch) -> bool {
        let Some(slot) = self.live(id) else { return false };
        let session = &self.sessions[slot];
        if session.is_placed {
            return self.fits_placed(slot, batch);
        }
        let log = &self.logs.lobby().rendered[session.dialect as usize].log;
        let next = session.cursor.next;
        if next < log.tail() {
            // It must first be told how many messages it missed.
            return false;
        }
        if session.outbox.is_none() {
            // The common case needs only the cursor.
            let to = session.cursor.stretch(session.end(log.head()));
            return batch.fits_simple(session.format, next, to);
        }
        !session.has_pong() && batch.fits(&self.hand_out(slot))
    }

    /// Reports that the session's socket took the first `n` bytes of a batch that was filled for it.
    ///
    /// If it took all and there is more, another `Send` follows. If it took less, the driver tries again when the
    /// socket is writable; if it took part of a message, the rest comes first then, even if the log has evicted that
    /// message. If `n` is more than the batch holds, all counts as taken. A batch that was not filled for this session,
    /// or was reported before, counts as nothing taken.
    pub fn sent(&mut self, now: Timestamp, id: SessionId, batch: &Batch, n: usize) {
        self.clock(now);
        let Some(slot) = self.live(id) else { return };
        let whole = batch.as_bytes().len();
        let n = n.min(whole);
        if self.sessions[slot].is_placed {
            return self.sent_placed(slot, batch, n);
        }
        let session = &mut self.sessions[slot];
        if !session.was_given(batch) {
            return self.progressed(slot, 0, true);
        }
        session.take_private(batch, n, self.logs.max_encoded);
        if let Some((seq, rest)) = batch.seek(n) {
            let next = seq + u64::from(!rest.is_empty());
            let lines = next - session.cursor.next;
            session.stats.lines_sent += lines;
            self.stats.lines_sent += lines;
            session.cursor.next = next;
            session.keep_rest(rest, &mut self.outboxes, self.logs.max_encoded);
        }
        self.step_over_own(slot);
        self.progressed(slot, n, n == whole);
    }

    /// Hands out a session's `Send`. From now on its driver is writing.
    pub(super) fn start_sending(&mut self, slot: u32) -> Command {
        let session = &mut self.sessions[slot];
        session.sending = true;
        session.intake.offer(self.now);
        if session.is_open() {
            session.waiting = self.now;
            let stalled = self.config.stall_timeout.map_or(Timestamp::MAX, |stall| self.now + stall);
            self.schedule.deadlines.no_later(slot, stalled.min(session.intake.runs_out()));
        }
        Command::Send(self.sessions.id(slot))
    }

    /// Returns whether there is anything to send to the session, including a notice of missed messages.
    #[inline(always)] // Nearly all sessions have neither outbox nor places.
    pub(super) fn has_pending(&self, slot: u32) -> bool {
        let session = &self.sessions[slot];
        if session.is_placed {
            return self.has_pending_at_places(slot);
        }
        session.outbox.as_ref().is_some_and(|outbox| !outbox.is_empty())
            || session.cursor.next < session.end(self.lobby_log(session.dialect).head())
    }

    /// Does the same for a placed session.
    #[cold]
    fn has_pending_at_places(&self, slot: u32) -> bool {
        self.sessions[slot].outbox.as_ref().is_some_and(|outbox| !outbox.is_empty()) || self.has_unread(slot)
    }

    /// Returns the lobby's log in a dialect.
    #[inline]
    pub(super) fn lobby_log(&self, dialect: u8) -> &Log {
        &self.logs.lobby().rendered[dialect as usize].log
    }

    /// Returns what to send to the session next. Call [`settle_lag`](Self::settle_lag) first.
    fn hand_out(&self, slot: u32) -> HandOut {
        let session = &self.sessions[slot];
        let log = self.lobby_log(session.dialect);
        let next = session.cursor.next;
        let outbox = session.outbox.as_deref();
        let front = outbox.map_or(0, |outbox| outbox.front().len());
        let replies = outbox.map_or(0, |outbox| outbox.len_before(next));
        let out = HandOut { format: session.format, front, replies, ..HandOut::default() };
        if next < log.tail() {
            // Private bytes come before the notice of the gap.
            return HandOut { from: log.tail(), to: log.tail(), ..out };
        }
        let limit = outbox.map_or(u64::MAX, |outbox| outbox.limit(next));
        let to = session.cursor.stretch(limit.min(session.end(log.head()))).max(next);
        HandOut { from: next, to, ..out }
    }

    /// If a gap comes next for a reader that has fallen behind, moves it to the oldest message kept, with a notice of
    /// the gap.
    fn settle_lag(&mut self, slot: u32) {
        let log = &self.logs.lobby().rendered[self.sessions[slot].dialect as usize].log;
        let session = &mut self.sessions[slot];
        let end = session.end(log.head());
        let next = session.cursor.next;
        if next >= end || next >= log.tail() {
            return;
        }
        if session.outbox.as_ref().is_some_and(|outbox| !outbox.front().is_empty() || outbox.len_before(next) > 0) {
            return;
        }
        let count = session.cursor.catch_up(log, end);
        session.cursor.skip_own(log, end);
        self.observe(slot);
        if count > 0 {
            self.tell_gap(slot, count, None);
        }
    }

    /// Tells a session how many messages it missed, of a log whose label is wanted if one is given.
    pub(super) fn tell_gap(&mut self, slot: u32, count: u64, label: Option<u32>) {
        self.sessions[slot].stats.missed += count;
        self.stats.missed += count;
        self.journal.push(self.now, Some(self.sessions.id(slot)), RecordKind::Missed { count });
        let max = self.logs.max_encoded + MAX_LABEL;
        let (dialect, update) = (self.sessions[slot].dialect, Update::Missed { count });
        match label {
            _ if self.sessions[slot].irc.is_some() => self.encode_irc(slot, label, &update),
            Some(log) => self.logs.encode_labelled(dialect, log, &update),
            None => self.logs.encode(dialect, &update),
        }
        let (session, notice) = (&mut self.sessions[slot], self.logs.encoded());
        if !notice.is_empty() {
            let outbox = session.outbox.get_or_insert_with(|| self.outboxes.take());
            match session.format.messages() {
                None => outbox.set_front(notice, max),
                Some(kind) => outbox.set_front_messages(kind, notice, max),
            }
        }
        if self.config.on_lag == OnLag::Close {
            let missed = u32::try_from(count).unwrap_or(u32::MAX);
            self.begin_close(slot, CloseReason::Lagged { missed }, Clean::EMPTY);
        }
    }

    /// Moves a reader past its own messages, which it is not shown.
    #[inline]
    fn step_over_own(&mut self, slot: u32) {
        let session = &mut self.sessions[slot];
        let log = &self.logs.lobby().rendered[session.dialect as usize].log;
        let end = session.end(log.head());
        session.cursor.skip_own(log, end);
    }

    /// Updates the session after a write; `complete` if the socket took everything that was handed out.
    pub(super) fn progressed(&mut self, slot: u32, n: usize, complete: bool) {
        self.stats.bytes_sent += n as u64;
        let session = &mut self.sessions[slot];
        session.stats.bytes_sent += n as u64;
        session.sending &= !complete;
        if n > 0 && session.is_open() {
            session.waiting = self.now;
        }
        if let Some(outbox) = session.outbox.take_if(|outbox| outbox.is_empty()) {
            self.outboxes.give(outbox);
        }
        let is_waiting = session.untaken == Untaken::UntilRead;
        let (is_irc, is_untold) = (session.irc.is_some(), session.is_untold);
        if is_irc {
            // So that what is not shown is passed at the same time whatever the batch held.
            self.step_over_hidden(slot);
        }
        if is_irc || is_untold {
            self.tell_untold(slot);
        }
        self.has_taken(slot, n, complete);
        if is_waiting && self.has_reply_room(slot) {
            let session = &mut self.sessions[slot];
            session.untaken = Untaken::No;
            if session.ended == Ended::No {
                // It may have sent lines meanwhile, which nobody has looked at.
                session.heard(self.now);
            }
            session.owes_read = !Fault::ReadForgotten.is_planted();
            self.arm(slot);
        }
        self.go_on(slot);
    }

    /// Puts a session into the list where it belongs now. Finishes a closing session that has nothing left to send.
    pub(super) fn go_on(&mut self, slot: u32) {
        let pending = self.has_pending(slot);
        match self.sessions[slot].phase() {
            Phase::Closing { reason, .. } if !pending => self.finish(slot, reason),
            _ => {
                if !pending {
                    self.has_taken_all(slot);
                }
                self.requeue_if(slot, pending);
            }
        }
    }
}

impl crate::session::Session {
    /// Returns whether the batch can have been filled for this session, which reads the lobby only, and not been
    /// reported yet. A wrong report from a driver must not move the cursor.
    fn was_given(&self, batch: &Batch) -> bool {
        let out = batch.out();
        let log = self.format == out.format && self.cursor.next == out.from && self.cursor.stretch(u64::MAX) >= out.to;
        self.was_given_private(out) && batch.is_for_simple() && (log || out.from == out.to)
    }

    /// Returns whether this session has the private bytes that the batch has.
    pub(super) fn was_given_private(&self, out: &HandOut) -> bool {
        let outbox = self.outbox.as_deref();
        outbox.map_or(0, |outbox| outbox.front().len()) == out.front
            && outbox.map_or(0, |outbox| outbox.replies().len()) + out.wrapping >= out.replies
    }

    /// Returns whether a pong is to be sent. It would wait for as long as others say something if the session were sent
    /// only what they are sent.
    pub(super) fn has_pong(&self) -> bool {
        self.outbox.as_ref().is_some_and(|outbox| outbox.has_pong())
    }

    /// Removes the private part of the first `n` bytes that were handed out.
    pub(super) fn take_private(&mut self, batch: &Batch, n: usize, max: usize) {
        if let Some(outbox) = &mut self.outbox {
            let out = batch.out();
            outbox.take_front(n.min(out.front));
            let of_replies = n.saturating_sub(out.front).min(out.replies);
            match out.format.messages() {
                None => outbox.take_replies(of_replies),
                Some(kind) => outbox.take_messages(kind, &batch.as_bytes()[out.front..out.private()], of_replies, max),
            }
        }
    }

    /// Keeps the rest of an entry that was taken in part, to send it first.
    #[inline]
    pub(super) fn keep_rest(&mut self, rest: &[u8], outboxes: &mut Buffers<Outbox>, max: usize) {
        if !rest.is_empty() && !Fault::RestOfLineLost.is_planted() {
            self.outbox.get_or_insert_with(|| outboxes.take()).set_front(rest, max);
        }
    }
}
