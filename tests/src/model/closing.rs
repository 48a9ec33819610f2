//! How sessions end, and the calls of the embedding program.

use chat_proto::dialect::{MAX_NOTICE, Update};
use chat_proto::{CloseReason, RecordKind, Timestamp};

use super::requests::cut;
use super::rooms::{LOBBY, RoomKey};
use super::words::clean;
use super::{Model, Phase, Untaken};

impl Model {
    /// The peer sends no more, and all that it sent was taken.
    pub fn eof(&mut self, now: Timestamp, slot: usize) {
        self.advance(now);
        if self.is_open(slot) && self.sessions[&slot].held.is_some() {
            return self.end_input(slot, true);
        }
        self.close(slot, CloseReason::Eof, "");
    }

    /// The peer has ended, and not all that it sent was taken.
    pub fn peer_ended(&mut self, now: Timestamp, slot: usize) {
        self.advance(now);
        if self.is_open(slot) {
            self.end_input(slot, false);
        }
    }

    fn end_input(&mut self, slot: usize, all_taken: bool) {
        let now = self.now;
        let session = self.session(slot);
        let before = session.ended.replace(all_taken);
        if before == Some(true) {
            session.ended = before;
        }
        if before.is_none() {
            session.active = now;
            self.ended.push(slot);
        }
        self.make_room();
    }

    /// If few slots are left, closes the session whose peer ended first.
    pub(super) fn make_room(&mut self) {
        let open = self.sessions.len();
        let spare = (self.config.max_sessions / 16).clamp(1, 64);
        if open + spare > self.config.max_sessions
            && let Some(slot) = self.ended.first().copied()
        {
            self.cut_short(slot);
            if matches!(self.sessions[&slot].phase, Phase::Closing(_)) {
                self.finish(slot, CloseReason::Eof);
            }
        }
    }

    /// Closes a session although not all of its input was carried out.
    pub(super) fn cut_short(&mut self, slot: usize) {
        self.stats.cut_short += 1;
        self.record(slot, RecordKind::CutShort);
        self.close(slot, CloseReason::Eof, "");
    }

    /// The transport failed.
    pub fn disconnect(&mut self, now: Timestamp, slot: usize) {
        self.advance(now);
        self.end(slot, CloseReason::Disconnected);
    }

    /// The embedding program ends a session.
    pub fn kick(&mut self, now: Timestamp, slot: usize, why: &str) {
        self.advance(now);
        self.close(slot, CloseReason::Kicked, &clean(cut(why, MAX_NOTICE / 4)));
    }

    /// The embedding program makes an announcement.
    pub fn announce(&mut self, now: Timestamp, words: &str) {
        self.advance(now);
        self.journal.push((None, RecordKind::Announced));
        let words = clean(cut(words, self.config.max_line));
        if !words.is_empty() {
            self.announce_to_all(&words);
        }
    }

    /// Publishes an announcement in all rooms, and tells sessions that are in none if they have room for it.
    fn announce_to_all(&mut self, words: &str) {
        let announced = Update::Announced { words };
        self.events += 1;
        self.publish(&announced, &self.live_keys(), None);
        for slot in self.slots().collect::<Vec<_>>() {
            if self.is_open(slot) && self.memberships(slot).is_empty() && self.finds_room(slot, &announced) {
                self.reply(slot, &announced);
            }
        }
    }

    /// The embedding program shuts the hub down.
    pub fn shut_down(&mut self, now: Timestamp) {
        self.advance(now);
        if std::mem::replace(&mut self.shutting_down, true) {
            return;
        }
        self.journal.push((None, RecordKind::ShuttingDown));
        self.tell_counted();
        self.announce_to_all("shutting down");
        let members: Vec<usize> = self.slots().filter(|slot| self.sessions[slot].phase == Phase::Unconnected).collect();
        for slot in members {
            self.leave_rooms(slot, &Update::Left { name: "", reason: CloseReason::ShutDown, words: "" });
            self.sessions.remove(slot);
        }
        for slot in self.slots().collect::<Vec<_>>() {
            self.close(slot, CloseReason::ShutDown, "");
        }
    }

    /// Begins to close a session: it is still sent what is pending, and the reason; others are told that it left.
    pub(super) fn close(&mut self, slot: usize, reason: CloseReason, words: &str) {
        if !self.is_open(slot) {
            return;
        }
        if reason != CloseReason::Eof {
            self.session(slot).answer = None;
        }
        if !matches!(reason, CloseReason::Eof | CloseReason::ShutDown | CloseReason::WrongProtocol) {
            let bytes = self.line_for(slot, &Update::Closing { reason, words });
            self.put_now(slot, bytes);
        }
        self.leave(slot, reason, words);
        let now = self.now;
        let session = self.session(slot);
        (session.waiting, session.untaken, session.read_due) = (now, Untaken::No, false);
        self.finish_if_flushed(slot);
    }

    /// Ends a session at once; what is pending is dropped.
    pub(super) fn end(&mut self, slot: usize, reason: CloseReason) {
        if self.is_open(slot) {
            self.leave(slot, reason, "");
        }
        if matches!(self.sessions[&slot].phase, Phase::Closing(_)) {
            self.finish(slot, reason);
        }
    }

    fn leave(&mut self, slot: usize, reason: CloseReason, words: &str) {
        self.record(slot, RecordKind::Closing(reason));
        let name = self.name(slot);
        self.gone = self.person(slot);
        self.forget_line(slot);
        self.ended.retain(|other| *other != slot);
        self.wait_no_longer_for(slot);
        let session = self.session(slot);
        session.phase = Phase::Closing(reason);
        let is_answered = session.answer.is_some();
        if let Some(irc) = session.irc.as_mut().filter(|irc| is_answered && irc.registration.is_none()) {
            irc.was_called = Some(name.clone());
        }
        (session.name, session.person) = (None, None);
        session.invitations.clear();
        if self.is_irc(slot) {
            self.clear_watches(slot);
        }
        if reason != CloseReason::ShutDown {
            self.tell_watchers(&name);
        }
        self.session(slot).places.iter_mut().for_each(|place| place.left = true);
        self.drop_places(slot);
        self.leave_rooms(slot, &Update::Left { name: &name, reason, words });
    }

    /// A member leaves all rooms, and others are told, unless the hub is shut down. Those in the lobby are told only if
    /// the member had joined. Rooms that nobody is in then end: the one that was entered last first.
    pub(super) fn leave_rooms(&mut self, slot: usize, update: &Update<'_>) {
        let rooms = self.rooms_latest_first(slot);
        for room in &rooms {
            self.leave_room(slot, *room);
        }
        let is_joined = self.sessions[&slot].joined;
        self.events += u64::from(is_joined || rooms.iter().any(|room| *room != LOBBY));
        let told: Vec<RoomKey> = rooms.iter().copied().filter(|room| is_joined || *room != LOBBY).collect();
        if !matches!(update, Update::Left { reason: CloseReason::ShutDown, .. }) {
            self.publish(update, &told, None);
        }
        for room in &rooms {
            self.end_if_empty(*room);
        }
    }

    pub(super) fn finish(&mut self, slot: usize, reason: CloseReason) {
        self.stats.closed += 1;
        self.stats.closed_by.count(reason);
        self.stats.stalled += u64::from(reason == CloseReason::Stalled);
        self.stats.wrong_protocol += u64::from(reason == CloseReason::WrongProtocol);
        let session = self.session(slot);
        session.phase = Phase::Over(reason);
        (session.front, session.answer) = (None, None);
        session.replies.clear();
        session.places.clear();
        self.drop_rooms();
        self.record(slot, RecordKind::Closed(reason));
    }
}
