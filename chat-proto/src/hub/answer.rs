//! Long answers: the history, encoded as its reader reads it and never built whole.

use super::Hub;
use crate::conversation::{Event as Happened, Recorded};
use crate::fault::Fault;
use crate::session::outbox::{Answer, Outbox};
use crate::wire::dialect::Event;

impl Hub {
    /// Begins to show a newcomer the latest messages.
    pub(super) fn show_backlog(&mut self, slot: u32) {
        let count = self.rendered(slot).config.backlog;
        if count > 0 && !self.conversation.history().kept_messages().is_empty() {
            self.show_history(slot, count, false);
        }
    }

    /// Shows a session the latest `count` messages because it has asked for them.
    pub(super) fn request_history(&mut self, slot: u32, count: usize) {
        self.show_history(slot, count, true);
        self.requeue(slot);
        self.arm(slot);
    }

    /// Begins to show a session the latest `count` messages.
    fn show_history(&mut self, slot: u32, count: usize, is_asked: bool) {
        let kept = self.conversation.history().kept_messages();
        let next = kept.end.saturating_sub(count as u64).max(kept.start);
        let at = self.rendered(slot).log.head();
        let outbox = self.sessions[slot].outbox.get_or_insert_with(|| self.outboxes.take());
        outbox.answer = Some(Answer { at, next, end: kept.end, begun: false, is_asked });
        let is_whole = self.write_answer(slot);
        self.sessions[slot].intake.answer(!is_whole, self.now);
        if let Some(outbox) = self.sessions[slot].outbox.take_if(|outbox| outbox.is_empty()) {
            self.outboxes.give(outbox);
        }
    }

    /// Goes on with a session's answer, if there is one and its reader has taken all replies so far.
    pub(super) fn resume_answer(&mut self, slot: u32) {
        let is_next = |outbox: &Outbox| outbox.answer.is_some() && outbox.replies().is_empty();
        let session = &self.sessions[slot];
        if session.outbox.as_deref().is_some_and(is_next)
            && !Fault::AnswerForgotten.is_planted()
            && self.write_answer(slot)
        {
            self.sessions[slot].intake.answer(false, self.now);
            // The session may be idle again.
            self.arm(slot);
        }
    }

    /// Writes as much of a session's answer as fits in half of its reply buffer, but at least one line; returns whether
    /// nothing is left.
    fn write_answer(&mut self, slot: u32) -> bool {
        let Self { sessions, room, conversation, config, .. } = self;
        let history = conversation.history();
        let session = &mut sessions[slot];
        let dialect = session.dialect;
        let Some(outbox) = &mut session.outbox else { return true };
        while let Some(answer) = outbox.answer {
            let oldest = history.kept_messages().start.min(answer.end);
            let message = |number| history.message(number).and_then(event_of);
            let is_shown = |number| message(number).is_some_and(|event| !room.encode(dialect, &event).is_empty());
            let (line, after) = if !answer.begun && (answer.is_asked || (answer.next..answer.end).any(is_shown)) {
                (Some(Event::BacklogBegins), Some(Answer { begun: true, ..answer }))
            } else if !answer.begun {
                (None, None)
            } else if answer.next < oldest {
                // They were evicted while others were read.
                let count = oldest - answer.next;
                (Some(Event::Missed { count }), Some(Answer { next: oldest, ..answer }))
            } else if answer.next < answer.end {
                (message(answer.next), Some(Answer { next: answer.next + 1, ..answer }))
            } else {
                (Some(Event::BacklogEnds), None)
            };
            let bytes = line.map_or(&[][..], |line| room.encode(dialect, &line));
            let used = outbox.replies().len();
            if used > 0 && !bytes.is_empty() && used + bytes.len() > config.reply_bytes / 2 {
                return false;
            }
            if !bytes.is_empty() {
                outbox.reply(answer.at, bytes, config.reply_bytes);
            }
            outbox.answer = after;
        }
        true
    }
}

/// Returns a message of the history as dialects encode it.
fn event_of(message: Recorded<'_>) -> Option<Event<'_>> {
    Some(match message.event {
        Happened::Said { name, words } => Event::Said { name, words, wire: None },
        Happened::Acted { name, words } => Event::Acted { name, words },
        Happened::Announced { words } => Event::Announced { words },
        _ => return None,
    })
}
