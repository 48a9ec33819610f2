//! Long answers: the history, encoded as its reader reads it and never built whole.

use super::Hub;
use crate::conversation::{Event as Happened, Recorded};
use crate::fault::Fault;
use crate::session::outbox::{Answer, Outbox};
use crate::wire::dialect::Event;

impl Hub {
    /// Begins to show a newcomer the latest messages; returns whether all that is shown of them is among its replies now.
    pub(super) fn show_backlog(&mut self, slot: u32) -> bool {
        let count = self.rendered(slot).config.backlog;
        self.show_history(slot, count, false)
    }

    /// Shows a session the latest `count` messages because it has asked for them.
    pub(super) fn request_history(&mut self, slot: u32, count: usize) {
        if !self.show_history(slot, count, true) {
            // Nobody waits for it while the answer goes on: it could ask again and again.
            self.wait_no_longer_for(slot);
            self.sessions[slot].intake.give_up();
        }
        self.requeue(slot);
    }

    /// Begins to show a session the latest `count` messages; returns whether the whole answer is among its replies now.
    fn show_history(&mut self, slot: u32, count: usize, is_asked: bool) -> bool {
        let end = self.conversation.next_event();
        let next = self.conversation.history().start_of_latest(count).unwrap_or(end);
        if next == end && !is_asked {
            return true;
        }
        let at = self.rendered(slot).log.head();
        let outbox = self.sessions[slot].outbox.get_or_insert_with(|| self.outboxes.take());
        outbox.answer = Some(Answer { at, next, end, begun: false, is_asked });
        let is_whole = self.write_answer(slot);
        if let Some(outbox) = self.sessions[slot].outbox.take_if(|outbox| outbox.is_empty()) {
            self.outboxes.give(outbox);
        }
        is_whole
    }

    /// Goes on with a session's answer, if there is one and its reader has taken all replies so far.
    pub(super) fn resume_answer(&mut self, slot: u32) {
        let is_next = |outbox: &Outbox| outbox.answer.is_some() && outbox.replies().is_empty();
        let session = &self.sessions[slot];
        if session.outbox.as_deref().is_some_and(is_next) && !Fault::AnswerForgotten.is_planted() {
            // When nothing is left of it, the session is waited for again as soon as it has reached the mark.
            self.write_answer(slot);
        }
    }

    /// Writes as much of a session's answer as fits in half of its reply buffer, but at least one line; returns whether
    /// nothing is left.
    fn write_answer(&mut self, slot: u32) -> bool {
        let max = self.config.reply_bytes;
        loop {
            let session = &mut self.sessions[slot];
            let Some(outbox) = &mut session.outbox else { return true };
            let Some(answer) = outbox.answer else { return true };
            let history = self.conversation.history();
            let messages = history.messages(answer.next, answer.end);
            let mut piece = &[][..];
            let mut shown = None;
            for message in messages {
                let bytes = event_of(message).map_or(0, |event| self.room.encode(session.dialect, &event).len());
                if bytes > 0 {
                    shown = Some(message.seq);
                    break;
                }
            }
            let after = match shown {
                Some(seq) if answer.begun => {
                    piece = self.room.encoded();
                    Some(Answer { next: seq + 1, ..answer })
                }
                // The line before the messages comes only if any is shown, or if they were asked for.
                Some(_) => {
                    piece = self.room.encode(session.dialect, &Event::BacklogBegins);
                    Some(Answer { begun: true, ..answer })
                }
                None if !answer.begun && answer.is_asked => {
                    piece = self.room.encode(session.dialect, &Event::BacklogBegins);
                    Some(Answer { begun: true, next: answer.end, ..answer })
                }
                None => {
                    if answer.begun {
                        piece = self.room.encode(session.dialect, &Event::BacklogEnds);
                    }
                    None
                }
            };
            let used = outbox.replies().len();
            if used > 0 && used + piece.len() > max / 2 {
                return false;
            }
            if !piece.is_empty() {
                outbox.reply(answer.at, piece, max);
            }
            outbox.answer = after;
        }
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
