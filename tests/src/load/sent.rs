//! The messages sent most recently, so that received ones can be compared instead of parsed.

use super::wire::{Encoded, Header, Wire};

/// The latest messages of all senders.
#[derive(Debug)]
pub(super) struct Sent {
    /// What all messages have in common.
    pub(super) wire: Wire,
    senders: Vec<Ring>,
}

/// A message that was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    /// When it was due, in nanoseconds since the start of the run.
    pub(super) due: u64,
    /// Its header.
    pub(super) header: Encoded,
}

/// The latest messages of one sender, each at its number modulo the length.
#[derive(Debug)]
struct Ring {
    /// The number of the next message.
    next: u64,
    latest: Box<[Message]>,
}

/// How many messages of all senders together are kept: more than readers usually lag. Older messages are parsed, which
/// is slower.
const KEPT: usize = 65_536;

impl Sent {
    /// Makes an empty record. `window` is how many messages may be on their way at once, if known.
    pub(super) fn new(senders: usize, window: usize, wire: Wire) -> Self {
        let kept = (KEPT.max(4 * window) / senders.max(1)).max(64).next_power_of_two();
        let nothing = Message { due: 0, header: wire.encode(Header { sender: 0, seq: 0, due: 0 }) };
        let ring = || Ring { next: 0, latest: vec![nothing; kept].into() };
        let senders = (0..senders).map(|_| ring()).collect();
        Self { wire, senders }
    }

    /// Makes the next message of a sender; returns its number and the message.
    pub(super) fn next(&mut self, sender: usize, due: u64) -> (u64, &Message) {
        let ring = &mut self.senders[sender];
        let seq = ring.next;
        ring.next += 1;
        let header = self.wire.encode(Header { sender: sender as u32, seq, due });
        let index = ring.index(seq);
        ring.latest[index] = Message { due, header };
        (seq, &ring.latest[index])
    }

    /// Returns how many messages a sender has sent.
    pub(super) fn count(&self, sender: usize) -> u64 {
        self.senders[sender].next
    }

    /// Returns how many messages all senders have sent.
    pub(super) fn total(&self) -> u64 {
        self.senders.iter().map(|ring| ring.next).sum()
    }

    /// Returns whether a message with that header was sent; the header may be forged.
    pub(super) fn has_sent(&self, header: Header) -> bool {
        self.senders.get(header.sender as usize).is_some_and(|ring| header.seq < ring.next)
    }

    /// Returns the message in that message's place: itself, or another one if it is too old or not sent yet.
    pub(super) fn get(&self, sender: usize, seq: u64) -> Option<&Message> {
        let ring = self.senders.get(sender)?;
        Some(&ring.latest[ring.index(seq)])
    }
}

impl Ring {
    fn index(&self, seq: u64) -> usize {
        seq as usize & (self.latest.len() - 1)
    }
}
