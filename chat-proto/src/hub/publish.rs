//! How events reach sessions: through the logs, or as a reply to one session.

use super::Hub;
use crate::conversation::Entry;
use crate::fault::Fault;
use crate::journal::RecordKind;
use crate::room::Audience;
use crate::wire::dialect::{Complaint, Event};
use crate::wire::sanitize::{Clean, clean, cut};

impl Hub {
    pub(super) fn refuse(&mut self, slot: u32, complaint: Complaint<'_>) {
        self.stats.refused += 1;
        self.journal.push(self.now, Some(self.sessions.id(slot)), RecordKind::Refused);
        self.reply(slot, &Event::Refused(complaint));
    }

    pub(super) fn announce_now(&mut self, words: &str) {
        self.with_clean(words, self.config.max_line, |hub, words| {
            let words = words.as_str();
            if !words.is_empty() {
                hub.apply(&Entry::Announce { words });
                hub.publish(&Event::Announced { words }, None);
            }
        });
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
            words.as_str().is_empty() || hub.try_reply(slot, &Event::Announced { words: words.as_str() })
        })
    }

    /// Sends an event that a session has not asked for, if there is room among its replies; returns whether there was.
    pub(super) fn try_reply(&mut self, slot: u32, event: &Event<'_>) -> bool {
        let has_room = self.has_room_for(slot, event, self.room.max_encoded);
        if has_room {
            self.reply(slot, event);
        }
        has_room
    }

    /// Returns whether an event that a session has not asked for fits among its replies. Enough room must remain for
    /// what its own next line may cause, or others could keep that line from being taken. If it has no replies yet,
    /// `spare` bytes must remain.
    pub(super) fn has_room_for(&mut self, slot: u32, event: &Event<'_>, spare: usize) -> bool {
        let session = &self.sessions[slot];
        let len = self.room.encode(session.dialect, event).len();
        match &session.outbox {
            Some(outbox) => outbox.has_room(len, self.reply_reserve, self.config.reply_bytes),
            None => len + spare <= self.config.reply_bytes,
        }
    }

    /// Applies an entry that always fits the state, as the hub's own entries do.
    pub(super) fn apply(&mut self, entry: &Entry<'_>) {
        let applied = self.conversation.apply(entry);
        debug_assert_eq!(applied, Ok(()), "{entry:?}");
    }

    /// Publishes an event to everyone except its author.
    #[inline(never)]
    pub(super) fn publish(&mut self, event: &Event<'_>, author: Option<u32>) {
        self.room.publish(self.now, event, author, &mut self.sessions, &mut self.schedule.ready);
    }

    /// Sends an event to one session, if its dialect shows it. There must be room among its replies.
    pub(super) fn reply(&mut self, slot: u32, event: &Event<'_>) {
        if !self.sessions[slot].is_open() {
            return;
        }
        self.put_reply(slot, event);
        self.requeue(slot);
    }

    /// Appends an event to the session's replies.
    pub(super) fn put_reply(&mut self, slot: u32, event: &Event<'_>) {
        let head = self.rendered(slot).log.head();
        let session = &mut self.sessions[slot];
        let bytes = self.room.encode(session.dialect, event);
        if bytes.is_empty() {
            return;
        }
        session.stats.lines_sent += 1;
        let at = if Fault::ReplyOutOfOrder.is_planted() { session.cursor.next } else { head };
        let outbox = session.outbox.get_or_insert_with(|| self.outboxes.take());
        outbox.reply(at, bytes, self.config.reply_bytes);
    }

    /// Tells everyone that a member has joined or left. The author of a join does not read it.
    pub(super) fn publish_presence(&mut self, event: &Event<'_>, author: Option<u32>) {
        if !self.presence.is_wanted {
            return self.publish(event, author);
        }
        self.pass_second();
        let is_shown = self.presence.note(matches!(event, Event::Joined { .. }));
        let audience = if is_shown { Audience::All } else { Audience::Programs };
        self.room.publish_to(self.now, audience, event, author, &mut self.sessions, &mut self.schedule.ready);
    }

    /// Starts a new second if the last is over, and reports the joins and leaves that were only counted.
    pub(super) fn pass_second(&mut self) {
        if self.presence.end.has_come(self.now) {
            self.tell_counted();
            self.presence.advance(self.now);
        }
    }

    /// Reports the joins and leaves that were only counted so far.
    pub(super) fn tell_counted(&mut self) {
        if let Some(event) = self.presence.take_counted() {
            self.room.publish_to(
                self.now,
                Audience::Screens,
                &event,
                None,
                &mut self.sessions,
                &mut self.schedule.ready,
            );
        }
    }
}
