//! How updates reach sessions: through the logs, or as a reply to one session.

use super::Hub;
use crate::conversation::Entry;
use crate::fault::Fault;
use crate::id::RoomId;
use crate::journal::RecordKind;
use crate::room::Audience;
use crate::room::scenery::Scenery;
use crate::wire::dialect::{Complaint, Update};
use crate::wire::sanitize::{Clean, clean, cut};

impl Hub {
    pub(super) fn refuse(&mut self, slot: u32, complaint: Complaint<'_>) {
        if self.occasion.is_silent {
            return;
        }
        self.tell_modes(slot);
        self.stats.refused += 1;
        self.journal.push(self.now, Some(self.sessions.id(slot)), RecordKind::Refused);
        self.reply(slot, &Update::Refused(complaint));
    }

    pub(super) fn announce_now(&mut self, words: &str) {
        self.with_clean(words, self.config.max_line, |hub, words| {
            let words = words.as_str();
            if !words.is_empty() {
                hub.apply(&Entry::Announce { words, at: hub.now.as_nanos() });
                hub.announce_everywhere(&Update::Announced { words });
            }
        });
    }

    /// Publishes an update in every room, and tells it those who are in none, if they have room for it.
    fn announce_everywhere(&mut self, update: &Update<'_>) {
        if self.in_no_room == 0 && self.logs.is_lobby_alone() {
            return self.publish(RoomId::LOBBY, update, None);
        }
        self.logs.begin_publication(true);
        let mut next = self.logs.next_with_log(0);
        while let Some(room) = next {
            self.append_to(room, Audience::All, update, None);
            next = self.logs.next_with_log(room.0 + 1);
        }
        let slots = if self.in_no_room > 0 { self.sessions.slots() } else { 0 };
        for slot in 0..slots {
            let reads_none = |hub: &Self| hub.rooms_of(slot).is_empty();
            if self.sessions[slot].is_open() && self.focus(slot).is_none() && reads_none(self) {
                self.try_reply(slot, update);
            }
        }
    }

    /// Cuts words of the embedding program at `max` bytes, cleans them, and passes them on.
    pub(super) fn with_clean<T>(&mut self, words: &str, max: usize, act: impl FnOnce(&mut Self, Clean<'_>) -> T) -> T {
        let mut scratch = self.scratch.take().unwrap_or_default();
        let done = act(self, clean(cut(words, max), &mut scratch.words));
        self.scratch = Some(scratch);
        done
    }

    /// Sends a message to one session as the server; returns whether there was room.
    pub(super) fn tell_now(&mut self, slot: u32, words: &str) -> bool {
        self.with_clean(words, self.config.max_line, |hub, words| {
            words.as_str().is_empty() || hub.try_reply(slot, &Update::Announced { words: words.as_str() })
        })
    }

    /// Sends an update that a session has not asked for, if there is room among its replies; returns whether there was.
    pub(super) fn try_reply(&mut self, slot: u32, update: &Update<'_>) -> bool {
        let has_room = self.has_room_for(slot, update, 1);
        if has_room {
            self.reply(slot, update);
        }
        has_room
    }

    /// Returns whether an update that a session has not asked for fits among its replies. Enough room must remain for
    /// what its own next line may cause, or others could keep that line from being taken. If it has no replies yet,
    /// room for `spare` of the longest updates must remain.
    pub(super) fn has_room_for(&mut self, slot: u32, update: &Update<'_>, spare: usize) -> bool {
        self.encode(slot, update);
        let len = self.logs.encoded().len();
        self.has_room_for_bytes(slot, len, spare)
    }

    /// Returns the same for one or several updates of that many bytes.
    pub(super) fn has_room_for_bytes(&self, slot: u32, len: usize, spare: usize) -> bool {
        match &self.sessions[slot].outbox {
            Some(outbox) => outbox.has_room(len, self.reply_reserve(slot), self.config.reply_bytes),
            None => len + spare * self.longest(slot) <= self.config.reply_bytes,
        }
    }

    /// Applies an entry that always fits the state, as the hub's own entries do.
    pub(super) fn apply(&mut self, entry: &Entry<'_>) {
        let applied = self.conversation.apply(entry);
        debug_assert_eq!(applied, Ok(()), "{entry:?}");
    }

    /// Publishes an update to everyone in a room except its author.
    pub(super) fn publish(&mut self, room: RoomId, update: &Update<'_>, author: Option<u32>) {
        let Self { logs, sessions, schedule, conversation, occasion, now, .. } = self;
        let scenery = Scenery { people: conversation, occasion };
        logs.publish(*now, room, update, author, scenery, sessions, &mut schedule.ready);
    }

    /// Publishes an update in several rooms. A session that reads several of them sees it once.
    pub(super) fn publish_in(&mut self, rooms: impl Iterator<Item = RoomId>, update: &Update<'_>, author: Option<u32>) {
        self.logs.begin_publication(true);
        for room in rooms {
            self.append_to(room, Audience::All, update, author);
        }
    }

    /// Appends an update in one room, as a part of the present publication.
    fn append_to(&mut self, room: RoomId, audience: Audience, update: &Update<'_>, author: Option<u32>) {
        let Some(log) = self.logs.log_of(room) else { return };
        let Self { logs, sessions, schedule, conversation, occasion, now, .. } = self;
        let scenery = Scenery { people: conversation, occasion };
        logs.append_to(*now, log, audience, update, author, scenery, sessions, &mut schedule.ready);
    }

    /// Sends an update to one session, if its dialect shows it. There must be room among its replies.
    pub(super) fn reply(&mut self, slot: u32, update: &Update<'_>) {
        if !self.sessions[slot].is_open() {
            return;
        }
        self.put_reply(slot, update);
        self.requeue(slot);
    }

    /// Returns the position of what becomes a reply now: the head of the lobby's log, or the next stamp.
    pub(super) fn reply_position(&self, slot: u32) -> u64 {
        let session = &self.sessions[slot];
        if session.is_placed { self.logs.next_stamp() } else { self.lobby_log(session.dialect).head() }
    }

    /// Encodes an update as a session is shown it.
    #[inline]
    pub(super) fn encode(&mut self, slot: u32, update: &Update<'_>) {
        if self.sessions[slot].irc.is_some() {
            self.encode_irc(slot, None, update);
        } else {
            self.logs.encode(self.sessions[slot].dialect, update);
        }
    }

    /// Appends an update to the session's replies.
    pub(super) fn put_reply(&mut self, slot: u32, update: &Update<'_>) {
        let session = &self.sessions[slot];
        if session.irc.is_some() {
            self.encode_irc(slot, None, update);
            return self.put_encoded(slot);
        }
        self.logs.encode(session.dialect, update);
        if !self.logs.encoded().is_empty() {
            self.append_encoded(slot);
        }
    }

    /// Appends what was encoded last to the replies of a session of IRC.
    pub(super) fn put_encoded(&mut self, slot: u32) {
        let bytes = self.logs.encoded();
        if bytes.is_empty() {
            return;
        }
        if self.occasion.label_for(slot).is_some() {
            return self.occasion.answers_mut().extend_from_slice(bytes);
        }
        self.append_encoded(slot);
    }

    /// Appends what was encoded last to the session's replies, even if answers to it are kept until all are known.
    pub(super) fn append_encoded(&mut self, slot: u32) {
        let head = self.reply_position(slot);
        let session = &mut self.sessions[slot];
        let bytes = self.logs.encoded();
        session.stats.lines_sent += 1;
        self.stats.lines_sent += 1;
        let is_early = Fault::ReplyOutOfOrder.is_planted() && !session.is_placed;
        let at = if is_early { session.cursor.next } else { head };
        let outbox = session.outbox.get_or_insert_with(|| self.outboxes.take());
        outbox.reply(at, bytes, self.config.reply_bytes);
    }

    /// Tells everyone in some rooms that a member has joined or left. The author of a join does not read it.
    pub(super) fn publish_presence(
        &mut self,
        rooms: impl Iterator<Item = RoomId>,
        update: &Update<'_>,
        author: Option<u32>,
    ) {
        if !self.logs.second.is_wanted {
            return self.publish_in(rooms, update, author);
        }
        self.pass_second();
        self.logs.begin_publication(true);
        let is_join = matches!(update, Update::Joined { .. } | Update::Entered { .. });
        for room in rooms {
            let is_shown = self.logs.note_presence(room, is_join);
            let audience = if is_shown { Audience::All } else { Audience::Programs };
            self.append_to(room, audience, update, author);
        }
    }

    /// Does the same in the lobby.
    pub(super) fn publish_presence_in_lobby(&mut self, update: &Update<'_>, author: Option<u32>) {
        if !self.logs.second.is_wanted {
            return self.publish(RoomId::LOBBY, update, author);
        }
        self.pass_second();
        self.logs.begin_publication(true);
        let is_shown = self.logs.note_presence_in_lobby(matches!(update, Update::Joined { .. }));
        let audience = if is_shown { Audience::All } else { Audience::Programs };
        let Self { logs, sessions, schedule, conversation, occasion, now, .. } = self;
        let scenery = Scenery { people: conversation, occasion };
        logs.append_in_lobby(*now, audience, update, author, scenery, sessions, &mut schedule.ready);
    }

    /// Starts a new second if the last is over, and reports the joins and leaves that were only counted.
    pub(super) fn pass_second(&mut self) {
        if self.logs.second.end.has_come(self.now) {
            self.tell_counted();
            self.logs.second.advance(self.now);
        }
    }

    /// Reports the joins and leaves that were only counted so far.
    pub(super) fn tell_counted(&mut self) {
        if !self.logs.second.is_any_counted() {
            return;
        }
        let mut next = self.logs.next_with_log(0);
        while let Some(room) = next {
            next = self.logs.next_with_log(room.0 + 1);
            if let Some(update) = self.logs.take_counted(room) {
                self.logs.begin_publication(false);
                self.append_to(room, Audience::Screens, &update, None);
            }
        }
    }
}
