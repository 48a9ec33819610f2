//! What a newcomer is shown: the latest messages.
//!
//! They are kept as they were said, in no dialect's form and apart from the logs: so a log that nobody reads need not
//! be written.

use alloc::string::String;
use alloc::vec::Vec;

use crate::names::NameBuf;
use crate::wire::dialect::Event;

/// The latest messages, in buffers that are allocated at once and used again.
#[derive(Debug)]
pub(crate) struct Backlog {
    messages: Vec<Message>,
    /// The most bytes of words in one of them. No line is longer; a dialect that makes more of it is not obeyed.
    max_words: usize,
    /// Where the next one goes: in place of the oldest.
    next: usize,
}

/// A message; without words, the place of one that is still to come.
#[derive(Debug, Default)]
struct Message {
    kind: Kind,
    name: NameBuf,
    words: String,
}

#[derive(Clone, Copy, Debug, Default)]
enum Kind {
    #[default]
    Said,
    Acted,
    Announced,
}

impl Backlog {
    /// Makes room for so many messages, of so many bytes at most, the names apart.
    pub(crate) fn new(messages: usize, max_words: usize) -> Self {
        let empty = || Message { words: String::with_capacity(max_words), ..Message::default() };
        Self { messages: (0..messages).map(|_| empty()).collect(), max_words, next: 0 }
    }

    /// Bytes of heap for that many of that size.
    pub(crate) const fn memory_bound(messages: usize, max_words: usize) -> usize {
        messages * (size_of::<Message>() + max_words)
    }

    /// Keeps an event if it is a message, in place of the oldest.
    #[inline(always)]
    pub(crate) fn keep(&mut self, event: &Event<'_>) {
        let (kind, name, words) = match *event {
            Event::Said { name, words, .. } => (Kind::Said, name, words),
            Event::Acted { name, words } => (Kind::Acted, name, words),
            Event::Announced { words } => (Kind::Announced, "", words),
            _ => return,
        };
        let Some(message) = self.messages.get_mut(self.next).filter(|_| words.len() <= self.max_words) else { return };
        message.kind = kind;
        message.name.clear();
        message.name.push_str(name);
        message.words.clear();
        message.words.push_str(words);
        self.next += 1;
        if self.next == self.messages.len() {
            self.next = 0;
        }
    }

    /// Returns the messages, the latest first.
    pub(crate) fn latest(&self) -> impl DoubleEndedIterator<Item = Event<'_>> {
        let (later, earlier) = self.messages.split_at(self.next);
        let there = earlier.iter().chain(later).filter(|message| !message.words.is_empty());
        there.rev().map(|Message { kind, name, words }| match kind {
            Kind::Said => Event::Said { name, words, wire: None },
            Kind::Acted => Event::Acted { name, words },
            Kind::Announced => Event::Announced { words },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &str) -> Event<'_> {
        Event::Said { name: "alice", words, wire: None }
    }

    #[test]
    fn the_latest_messages_are_kept_and_nothing_else() {
        let mut backlog = Backlog::new(3, 10);
        assert_eq!(backlog.latest().count(), 0);
        backlog.keep(&said("one"));
        backlog.keep(&Event::Joined { name: "bob" });
        assert_eq!(backlog.latest().collect::<Vec<_>>(), [said("one")]);
        let acted = Event::Acted { name: "bob", words: "waves" };
        let announced = Event::Announced { words: "tea" };
        for event in [said("two"), acted, announced] {
            backlog.keep(&event);
        }
        assert_eq!(backlog.latest().collect::<Vec<_>>(), [announced, acted, said("two")]);
        backlog.keep(&said("eleven char"));
        assert_eq!(backlog.latest().next(), Some(announced), "no more than there is room for");
        let mut none = Backlog::new(0, 10);
        none.keep(&said("one"));
        assert_eq!(none.latest().count(), 0);
    }
}
