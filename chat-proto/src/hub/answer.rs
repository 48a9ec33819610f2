//! Long answers: the history of a room, its bans, and the list of rooms, encoded as their reader reads and never built
//! whole.

use super::Hub;
use crate::conversation::masks::shown_parts;
use crate::conversation::{Conversation, Event, ListedMask, Recorded};
use crate::fault::Fault;
use crate::id::{MemberId, RoomId};
use crate::moderation::MaskList;
use crate::session::outbox::{Answer, Answered, Outbox};
use crate::wire::dialect::Update;

/// How often a call of the hub looks at many members or rooms of which none is shown, before others have their turn.
const SEARCHES_AT_ONCE: u32 = 4;

impl Hub {
    /// Begins to show a session that enters a room the latest messages.
    pub(super) fn show_backlog(&mut self, slot: u32, room: RoomId) {
        let count = self.spoken(slot).config.backlog;
        if count > 0 && !self.conversation.kept_messages(room).is_empty() {
            self.show_history(slot, room, count, false);
        }
    }

    /// Shows a session the latest `count` messages of a room because it has asked for them.
    pub(super) fn request_history(&mut self, slot: u32, room: RoomId, count: usize) {
        self.show_history(slot, room, count, true);
        self.requeue(slot);
        self.arm(slot);
    }

    /// Shows a session which rooms there are.
    pub(super) fn request_rooms(&mut self, slot: u32) {
        self.answer_with(slot, Answered::Rooms { shown: 0 });
    }

    /// Shows a session who is banned from a room.
    pub(super) fn show_bans(&mut self, slot: u32, room: RoomId) {
        self.answer_with(slot, Answered::Bans { room, life: self.logs.life(room) });
    }

    /// Begins to show a session the latest `count` messages of a room.
    fn show_history(&mut self, slot: u32, room: RoomId, count: usize, is_asked: bool) {
        let kept = self.conversation.kept_messages(room);
        let next = kept.end.saturating_sub(count as u64).max(kept.start);
        let what = Answered::History { room, life: self.logs.life(room), begun: false, is_asked };
        self.begin_answer(slot, Answer { at: self.reply_position(slot), next, end: kept.end, what });
    }

    /// Begins an answer that goes on as its reader reads.
    pub(super) fn answer_with(&mut self, slot: u32, what: Answered) {
        self.answer_range(slot, 0, u64::MAX, what);
    }

    /// Begins an answer that shows the items from `next` up to but not including `end`.
    pub(super) fn answer_range(&mut self, slot: u32, next: u64, end: u64, what: Answered) {
        self.flush_labelled(slot);
        let at = self.reply_position(slot);
        self.begin_answer(slot, Answer { at, next, end, what });
        self.requeue(slot);
        self.arm(slot);
    }

    fn begin_answer(&mut self, slot: u32, answer: Answer) {
        let outbox = self.sessions[slot].outbox.get_or_insert_with(|| self.outboxes.take());
        outbox.answer = Some(answer);
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
            self.tell_untold(slot);
        }
    }

    /// Ends the answer that shows a session the history or the bans of a room that it has left.
    pub(super) fn end_answer(&mut self, slot: u32, left: RoomId) {
        let session = &mut self.sessions[slot];
        let Some(outbox) = &mut session.outbox else { return };
        let is_of_room = |answer: &mut Answer| match answer.what {
            Answered::History { room, .. } | Answered::Bans { room, .. } => room == left,
            // Answers of IRC end with a line that says so.
            _ => false,
        };
        if outbox.answer.take_if(is_of_room).is_some() {
            session.intake.answer(false, self.now);
            if let Some(outbox) = session.outbox.take_if(|outbox| outbox.is_empty()) {
                self.outboxes.give(outbox);
            }
            self.arm(slot);
        }
    }

    /// Writes as much of a session's answer as fits in half of its reply buffer, but at least one line, unless it has
    /// searched for long; returns whether nothing is left.
    fn write_answer(&mut self, slot: u32) -> bool {
        let mut searches = 0;
        while let Some(answer) = self.sessions[slot].outbox.as_ref().and_then(|outbox| outbox.answer) {
            let after = match answer.what {
                Answered::History { .. } | Answered::Rooms { .. } | Answered::Bans { .. } => {
                    self.write_line(slot, answer)
                }
                Answered::Messages { .. } => self.answer_irc(slot, answer),
                _ => {
                    let after = self.answer_irc(slot, answer);
                    self.tag_encoded(slot);
                    after
                }
            };
            let bytes = self.logs.encoded();
            let Some(outbox) = &mut self.sessions[slot].outbox else { return true };
            let used = outbox.replies().len();
            if used > 0 && !bytes.is_empty() && used + bytes.len() > self.config.reply_bytes / 2 {
                return false;
            }
            let is_search =
                matches!(answer.what, Answered::Members { .. } | Answered::Names { .. } | Answered::Channels);
            let is_fruitless = is_search && bytes.is_empty() && after.is_some();
            if !bytes.is_empty() {
                outbox.reply(answer.at, bytes, self.config.reply_bytes);
            }
            outbox.answer = after;
            if is_fruitless {
                // A search that looks at many members and shows none costs as much as a line.
                self.pay(slot, self.now);
                searches += 1;
                if searches == SEARCHES_AT_ONCE {
                    // Other sessions come first. The rest of the answer follows as if the reader had taken something.
                    return false;
                }
            }
            if after.is_none() {
                self.answer_ended(slot);
            }
        }
        true
    }

    /// Encodes the next line of an answer, if it has one; returns what is left of the answer.
    fn write_line(&mut self, slot: u32, answer: Answer) -> Option<Answer> {
        let Self { sessions, logs, conversation, .. } = self;
        let dialect = sessions[slot].dialect;
        let (line, after) = match answer.what {
            Answered::Rooms { shown } => next_room(conversation, MemberId(slot), answer, shown),
            // A closing session may read it after the room has ended.
            Answered::History { room, life, .. } | Answered::Bans { room, life } if life != logs.life(room) => {
                (None, None)
            }
            Answered::Bans { room, .. } => next_ban(conversation, answer, room),
            Answered::History { room, life, begun, is_asked } => {
                let is_shown = |update: &Update<'_>| {
                    logs.encode(dialect, update);
                    !logs.encoded().is_empty()
                };
                if begun {
                    next_message(conversation, answer, room)
                } else if is_asked || is_any_shown(conversation, answer, room, is_shown) {
                    let what = Answered::History { room, life, begun: true, is_asked };
                    (Some(Update::BacklogBegins), Some(Answer { what, ..answer }))
                } else {
                    (None, None)
                }
            }
            // The other answers are of IRC.
            _ => (None, None),
        };
        match line {
            Some(line) => logs.encode(dialect, &line),
            None => logs.encode_nothing(),
        }
        after
    }
}

/// The next line of an answer, and what is left of the answer after it.
type Next<'a> = (Option<Update<'a>>, Option<Answer>);

/// Returns the next line of the list of rooms, in which a member sees those that it may see.
fn next_room(conversation: &Conversation, member: MemberId, answer: Answer, shown: u32) -> Next<'_> {
    let mut from = u32::try_from(answer.next).unwrap_or(u32::MAX);
    let mut rooms = core::iter::from_fn(|| {
        let room = conversation.next_room(from)?;
        from = room.0 + 1;
        Some(room)
    });
    let next = rooms.find(|room| conversation.may_see(member, *room));
    let Some((id, room)) = next.and_then(|room| Some((room, conversation.room(room)?))) else {
        return (Some(Update::RoomsEnd { count: shown as usize }), None);
    };
    let topic = room.topic().map_or("", |topic| topic.words);
    let what = Answered::Rooms { shown: shown + 1 };
    (
        Some(Update::RoomListed { room: room.name(), count: room.members(), topic }),
        Some(Answer { next: u64::from(id.0) + 1, what, ..answer }),
    )
}

/// Returns the next line of the list of bans of a room.
fn next_ban(conversation: &Conversation, answer: Answer, room: RoomId) -> Next<'_> {
    let Some(room) = conversation.room(room) else { return (None, None) };
    let index = answer.next as usize;
    let Some(ListedMask { mask, of, .. }) = room.listed_masks(MaskList::Bans).nth(index) else {
        return (Some(Update::BansEnd { room: room.name(), count: index }), None);
    };
    let (name, is_by_address) = shown_parts(mask);
    let update = Update::BanListed { number: index + 1, name, is_by_address, of };
    (Some(update), Some(Answer { next: answer.next + 1, ..answer }))
}

/// Returns the next line of the history of a room.
fn next_message(conversation: &Conversation, answer: Answer, room: RoomId) -> Next<'_> {
    let oldest = conversation.kept_messages(room).start.min(answer.end);
    if answer.next < oldest {
        // They were evicted while others were read.
        (Some(Update::Missed { count: oldest - answer.next }), Some(Answer { next: oldest, ..answer }))
    } else if answer.next < answer.end {
        let message = conversation.message(room, answer.next).and_then(update_of);
        (message, Some(Answer { next: answer.next + 1, ..answer }))
    } else {
        (Some(Update::BacklogEnds), None)
    }
}

/// Returns whether the history of a room has any message that is shown to the session.
fn is_any_shown(
    conversation: &Conversation,
    answer: Answer,
    room: RoomId,
    mut is_shown: impl FnMut(&Update<'_>) -> bool,
) -> bool {
    let messages = (answer.next..answer.end).filter_map(|number| conversation.message(room, number));
    messages.filter_map(update_of).any(|update| is_shown(&update))
}

/// Returns a message of the history as dialects encode it.
fn update_of(message: Recorded<'_>) -> Option<Update<'_>> {
    Some(match message.event {
        Event::Said { name, words } => Update::Said { name, words, wire: None },
        Event::Acted { name, words } => Update::Acted { name, words },
        Event::Announced { words } => Update::Announced { words },
        _ => return None,
    })
}
