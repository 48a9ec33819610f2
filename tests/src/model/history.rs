//! The latest messages, and answers that show them.

use std::collections::VecDeque;
use std::rc::Rc;

use chat_proto::dialect::Event;

use super::{Line, Model, Place};

/// The latest messages to everyone.
#[derive(Debug, Default)]
pub(super) struct History {
    kept: VecDeque<Message>,
    /// How many messages there were.
    count: u64,
}

#[derive(Debug)]
struct Message {
    number: u64,
    /// Bytes of its name and words.
    len: usize,
    /// Its line in each dialect; empty if the dialect does not show it.
    shown: Vec<Rc<[u8]>>,
}

/// What a session is still to be shown of the history.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    /// It comes before the log entry with this number.
    at: u64,
    /// The numbers of the next message and of the first that is not shown.
    next: u64,
    end: u64,
    begun: bool,
    is_asked: bool,
}

impl Answer {
    /// Returns the number of the log entry before which it comes.
    pub(super) fn place(self) -> u64 {
        self.at
    }
}

impl Model {
    /// Keeps a message, as long as there is room for it.
    pub(super) fn keep(&mut self, event: &Event<'_>) {
        let len = match event {
            Event::Said { name, words, .. } | Event::Acted { name, words } => name.len() + words.len(),
            Event::Announced { words } => words.len(),
            _ => return,
        };
        let encoded = |log| {
            let mut bytes = Vec::new();
            self.encode(log, event, &mut bytes);
            bytes.into()
        };
        let shown = (0..self.logs.len()).map(encoded).collect();
        let most = self.config.dialects.iter().map(|dialect| dialect.backlog).fold(self.config.history, usize::max);
        let History { kept, count } = &mut self.history;
        kept.push_back(Message { number: *count, len, shown });
        *count += 1;
        while kept.len() > most || kept.iter().map(|message| message.len).sum::<usize>() > self.config.history_bytes {
            kept.pop_front();
        }
    }

    /// A session has asked for the latest messages.
    pub(super) fn request_history(&mut self, slot: usize, count: usize) {
        self.show_history(slot, count, true);
    }

    /// Begins to show the latest messages.
    pub(super) fn show_history(&mut self, slot: usize, count: usize, is_asked: bool) {
        let History { kept, count: end } = &self.history;
        let next = kept.iter().rev().take(count).next_back().map_or(*end, |message| message.number);
        let at = self.logs[self.sessions[&slot].log].head();
        let answer = Answer { at, next, end: *end, begun: false, is_asked };
        self.session(slot).answer = Some(answer);
        let is_whole = self.write_answer(slot);
        let now = self.now;
        self.session(slot).pace.answer(!is_whole, now);
    }

    /// Goes on with a session's answer once it has taken all of its replies.
    pub(super) fn resume_answer(&mut self, slot: usize) {
        if self.sessions[&slot].answer.is_some() && self.reply_bytes(slot) == 0 && self.write_answer(slot) {
            let now = self.now;
            self.session(slot).pace.answer(false, now);
        }
    }

    /// Writes as much of an answer as fits in half of the reply buffer, but at least one line.
    fn write_answer(&mut self, slot: usize) -> bool {
        while let Some(answer) = self.sessions[&slot].answer {
            let log = self.sessions[&slot].log;
            let line = |event: &Event<'_>| {
                let mut bytes = Vec::new();
                self.encode(log, event, &mut bytes);
                Rc::<[u8]>::from(bytes)
            };
            let is_left = |message: &&Message| (answer.next..answer.end).contains(&message.number);
            let left: Vec<&Message> = self.history.kept.iter().filter(is_left).collect();
            let first = left.first().map_or(answer.end, |message| message.number);
            let is_any_shown = left.iter().any(|message| !message.shown[log].is_empty());
            let (bytes, after) = match left.first() {
                _ if !answer.begun && (answer.is_asked || is_any_shown) => {
                    (line(&Event::BacklogBegins), Some(Answer { begun: true, ..answer }))
                }
                _ if !answer.begun => (Rc::from([]), None),
                _ if first > answer.next => {
                    let missed = Event::Missed { count: first - answer.next };
                    (line(&missed), Some(Answer { next: first, ..answer }))
                }
                Some(message) => (Rc::clone(&message.shown[log]), Some(Answer { next: first + 1, ..answer })),
                None => (line(&Event::BacklogEnds), None),
            };
            let used = self.reply_bytes(slot);
            if used > 0 && !bytes.is_empty() && used + bytes.len() > self.config.reply_bytes / 2 {
                return false;
            }
            let session = self.session(slot);
            session.answer = after;
            if !bytes.is_empty() {
                let place = session.lines.iter().position(|line| line.seq() >= Some(answer.at));
                let line = Line { bytes, place: Place::Reply(answer.at) };
                session.lines.insert(place.unwrap_or(session.lines.len()), line);
            }
        }
        true
    }
}
