//! How sessions end.

use super::Hub;
use crate::command::CloseReason;
use crate::conversation::{Entry, MAX_LAST_WORDS};
use crate::id::{MemberId, RoomId, SessionId};
use crate::journal::RecordKind;
use crate::names::NameBuf;
use crate::room::scenery::Gone;
use crate::schedule::ready::Belongs;
use crate::schedule::turns::Hold;
use crate::session::SessionStats;
use crate::session::state::{Ended, Phase, Step, Untaken};
use crate::time::Timestamp;
use crate::wire::dialect::Update;
use crate::wire::dialect::irc::user_modes::UserModes;
use crate::wire::framing::wrap::close_code;
use crate::wire::sanitize::Clean;

impl Hub {
    /// Reports that a session's transport failed. Its `Close` still follows.
    pub fn disconnect(&mut self, now: Timestamp, id: SessionId) {
        self.clock(now);
        if let Some(slot) = self.live(id) {
            self.end(slot, CloseReason::Disconnected);
        }
    }

    /// Closes a session and tells it why. The text is cleaned like a peer's and cut at 256 bytes.
    pub fn kick(&mut self, now: Timestamp, id: SessionId, why: &str) {
        self.clock(now);
        if let Some(slot) = self.live(id) {
            self.with_clean(why, MAX_LAST_WORDS, |hub, why| hub.begin_close(slot, CloseReason::Kicked, why));
        }
    }

    /// Opens no more sessions, tells everyone, and closes each session once it has been sent what is pending, or after
    /// `linger_timeout` at the latest. [`is_closed`](Self::is_closed) tells when all are gone.
    pub fn shut_down(&mut self, now: Timestamp) {
        let now = self.clock(now);
        if core::mem::replace(&mut self.shutting_down, true) {
            return;
        }
        self.journal.push(now, None, RecordKind::ShuttingDown);
        self.tell_counted();
        self.announce_now("shutting down");
        for slot in 0..self.sessions.slots() {
            if self.sessions[slot].phase() == Phase::Unconnected {
                self.let_leave(slot, CloseReason::ShutDown, "");
            }
            self.begin_close(slot, CloseReason::ShutDown, Clean::EMPTY);
        }
    }

    /// Returns whether [`shut_down`](Self::shut_down) was called.
    #[must_use]
    pub const fn is_shutting_down(&self) -> bool {
        self.shutting_down
    }

    /// Returns whether the hub was shut down and every session's `Close` was handed out.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shutting_down && self.sessions.len() == 0
    }

    /// Begins to close a session: others are told, its name becomes free, and its input is ignored. It is still sent
    /// what was published before this moment, and last words that say why.
    pub(super) fn begin_close(&mut self, slot: u32, reason: CloseReason, words: Clean<'_>) {
        let words = words.as_str();
        if !self.sessions[slot].is_open() {
            return;
        }
        if reason != CloseReason::Eof
            && let Some(outbox) = &mut self.sessions[slot].outbox
        {
            // The rest of an answer would come before the notice of a shutdown, and after last words.
            outbox.answer = None;
        }
        if !matches!(reason, CloseReason::Eof | CloseReason::ShutDown | CloseReason::WrongProtocol) {
            // Answers to a line with a label do not keep it back.
            self.encode(slot, &Update::Closing { reason, words });
            if !self.logs.encoded().is_empty() {
                self.append_encoded(slot);
            }
        }
        if self.sessions[slot].format.messages().is_some() {
            self.put_close_frame(slot, Some(close_code(reason)));
        }
        self.leave_now(slot, reason, words);
        let session = &mut self.sessions[slot];
        session.framer.reset(&mut self.partials);
        session.untaken = Untaken::No;
        session.owes_read = false;
        session.waiting = self.now;
        if self.has_pending(slot) {
            self.requeue(slot);
            self.arm(slot);
        } else {
            self.finish(slot, reason);
        }
    }

    /// Has a close frame go out after everything else that a session is sent.
    pub(super) fn put_close_frame(&mut self, slot: u32, code: Option<u16>) {
        self.sessions[slot].outbox.get_or_insert_with(|| self.outboxes.take()).close(code);
    }

    /// Ends a session at once.
    pub(super) fn end(&mut self, slot: u32, reason: CloseReason) {
        if self.sessions[slot].is_open() {
            self.leave_now(slot, reason, "");
        }
        self.finish(slot, reason);
    }

    /// Takes a session out of the conversation: it receives nothing that is published from now on, and others are told.
    fn leave_now(&mut self, slot: u32, reason: CloseReason, words: &str) {
        if self.sessions[slot].is_placed {
            return self.leave_rooms(slot, reason, words);
        }
        let mut name = NameBuf::new();
        self.remember(slot);
        let had_joined = self.leave_conversation(slot, reason, words, &mut name);
        // When all leave at once, nobody is left to be told.
        if had_joined && reason != CloseReason::ShutDown {
            self.publish_presence_in_lobby(&Update::Left { name: name.as_str(), reason, words }, None);
        }
    }

    /// Does the same for a placed session, which may be in several rooms.
    #[cold]
    fn leave_rooms(&mut self, slot: u32, reason: CloseReason, words: &str) {
        let (mut name, rooms) = (NameBuf::new(), self.rooms_of(slot));
        self.remember(slot);
        let had_joined = self.leave_conversation(slot, reason, words, &mut name);
        self.end_places(slot);
        self.in_no_room -= usize::from(self.focus(slot).is_none());
        let told = |room: &RoomId| had_joined || *room != RoomId::LOBBY;
        if reason != CloseReason::ShutDown && rooms.iter().any(told) {
            let update = Update::Left { name: name.as_str(), reason, words };
            self.publish_presence(rooms.iter().copied().filter(told), &update, None);
        }
        for room in rooms {
            self.end_room_if_empty(room);
        }
    }

    /// Remembers what IRC shows of a member that is about to leave.
    #[inline]
    pub(super) fn remember(&mut self, slot: u32) {
        if self.logs.has_irc {
            self.occasion.gone = Some(Gone::new(self.conversation.person(MemberId(slot))));
        }
    }

    /// Ends a session's part in the conversation, without telling others. Returns whether those in the lobby know of
    /// it, and its name.
    #[inline(always)] // Nearly all sessions need it at one place only.
    fn leave_conversation(&mut self, slot: u32, reason: CloseReason, words: &str, name: &mut NameBuf) -> bool {
        let end = self.lobby_log(self.sessions[slot].dialect).head();
        let member = MemberId(slot);
        let had_joined = self.conversation.members().has_joined(member);
        let applied = self.conversation.apply_and_name(&Entry::Leave { member, reason, words }, name);
        debug_assert_eq!(applied, Ok(()), "an open session is a member");
        let (session, id) = (&self.sessions[slot], self.sessions.id(slot));
        let SessionStats { opened, lines_received, lines_sent, .. } = session.stats;
        tracing::info!(
            session = %id,
            // In quotation marks and escaped, so that the name cannot pass for other fields of the log line.
            name = name.as_str(),
            %reason,
            after = format_args!("{:.1?}", self.now.saturating_duration_since(opened)),
            lines_in = lines_received,
            lines_out = lines_sent,
            "left"
        );
        self.journal.push(self.now, Some(id), RecordKind::Closing(reason));
        self.open -= 1;
        if let Some(irc) = session.irc.as_deref() {
            self.unregistered -= usize::from(irc.is_registering());
            self.invisible -= usize::from(irc.modes.has(UserModes::INVISIBLE));
            self.server_operators -= usize::from(irc.modes.has(UserModes::OPERATOR));
        }
        self.schedule.turns.forget(slot);
        if let Hold::Target(target) = session.hold {
            // It may have been released already; then this releases the next one.
            self.schedule.turns.release_first(target);
        }
        if session.ended != Ended::No {
            self.schedule.ended.remove(slot);
        }
        self.wait_no_longer_for(slot);
        let session = &mut self.sessions[slot];
        session.hold = Hold::None;
        session.step(Step::Leave { reason, end });
        if let Some(irc) = session.irc.as_mut().filter(|irc| !irc.is_registering())
            && session.outbox.as_ref().is_some_and(|outbox| outbox.answer.is_some())
        {
            irc.set_former_name(name.as_str());
        }
        if !self.watches.is_empty() {
            self.watches.clear(slot);
            // When all leave at once, nobody is left to be told.
            if reason != CloseReason::ShutDown {
                self.tell_watchers(name.as_str());
            }
        }
        had_joined
    }

    /// Releases everything that a session holds. Its slot becomes free once its `Close` was handed out.
    pub(super) fn finish(&mut self, slot: u32, reason: CloseReason) {
        let session = &mut self.sessions[slot];
        session.step(Step::End(reason));
        session.framer.reset(&mut self.partials);
        if let Some(outbox) = session.outbox.take() {
            self.outboxes.give(outbox);
        }
        if let Some(irc) = session.irc.take() {
            self.irc.give(irc);
        }
        let is_behind = if session.is_placed {
            self.give_places_back(slot);
            false
        } else {
            let rendered = &mut self.logs.lobby_mut().rendered[session.dialect as usize];
            rendered.sessions -= 1;
            session.cursor.next < rendered.log.head()
        };
        self.schedule.ready.put(slot, Belongs::Queued { is_behind });
        self.schedule.deadlines.remove(slot);
        self.stats.closed += 1;
        self.stats.closed_by.count(reason);
        match reason {
            CloseReason::Stalled => self.stats.stalled += 1,
            CloseReason::WrongProtocol => self.stats.wrong_protocol += 1,
            _ => {}
        }
        self.journal.push(self.now, Some(self.sessions.id(slot)), RecordKind::Closed(reason));
    }
}
