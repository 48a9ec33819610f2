//! The format of a message: a header with its sender, number and due time, then filler up to its size. The module
//! `form` puts it into lines.
//!
//! A reader knows what must come next, so it compares the header's bytes instead of parsing them. For that, the header
//! has the same length in every message, and a multiple of three, so that no base64 character is shared with the
//! filler. A message is ASCII that no server has a reason to change, and is not a command in any dialect.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of a header, and so of the shortest message.
pub(super) const HEADER: usize = 21;

/// Bytes of a header in base64.
pub(super) const CLASSIC_HEADER: usize = HEADER / 3 * 4;

/// The contents of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The sender's number, from 0.
    pub(super) sender: u32,
    /// The number of the message among the sender's, from 0.
    pub(super) seq: u64,
    /// When it was due, in nanoseconds since the start of the run.
    pub(super) due: u64,
}

/// The sender of probes, which are sent until every reader has seen one.
pub(super) const PROBE: u32 = MAX_SENDERS as u32;

/// The most senders that fit a header.
pub(super) const MAX_SENDERS: usize = (1 << 18) - 1;

/// The run of a message: a server may send a backlog, and other tools may measure at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunId(u16);

impl RunId {
    /// Derives an id from any number; numbers that differ only above their last 12 bits give the same id.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(number as u16 & 0xfff)
    }
}

/// The size of messages in bytes: the same for all, or every size of a range in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The least, 21 or more: a header.
    pub min: usize,
    /// The most, `min` or more.
    pub max: usize,
}

impl Sizes {
    /// Returns the size of a sender's message, which the receiver can compute, too.
    pub(super) fn of(self, seq: u64) -> usize {
        if self.min == self.max {
            // A division for every message received would take noticeable time.
            return self.min;
        }
        // Large steps, so that long and short messages alternate.
        self.min + (seq.wrapping_mul(40_503) % (self.max - self.min + 1) as u64) as usize
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max { write!(f, "{}", self.min) } else { write!(f, "{} to {}", self.min, self.max) }
    }
}

/// A header as sent in each of the dialects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encoded {
    pub(super) text: [u8; HEADER],
    pub(super) classic: [u8; CLASSIC_HEADER],
}

/// What all messages of a run have in common.
#[derive(Debug)]
pub(super) struct Wire {
    run: RunId,
    sizes: Sizes,
    pub(super) text_filler: Vec<u8>,
    /// The filler, by its length modulo three, which decides the end of its base64. A shorter filler is a suffix of
    /// this one.
    pub(super) classic_filler: [Vec<u8>; 3],
}

/// The filler repeats, so that every part of it looks the same in base64.
const FILLER: &[u8; 3] = b"abc";

impl Wire {
    /// Prepares the messages of a run.
    pub(super) fn new(run: RunId, sizes: Sizes) -> Self {
        let len = (sizes.max - HEADER) / 3 * 3;
        let filler = |more: usize| -> Vec<u8> { FILLER.iter().copied().cycle().take(len + more).collect() };
        let classic_filler = [0, 1, 2].map(|more| STANDARD.encode(filler(more)).into_bytes());
        Self { run, sizes, text_filler: filler(3), classic_filler }
    }

    /// Returns the size of a sender's message.
    pub(super) fn size(&self, seq: u64) -> usize {
        self.sizes.of(seq)
    }

    /// Returns the name of a sender. All names have the same length.
    pub(super) fn name(&self, sender: usize) -> String {
        format!("load-{:03x}-{sender:05x}", self.run.0)
    }

    /// Returns the name of a connection that sends nothing, where every session has one.
    pub(super) fn silent_name(&self, connection: usize) -> String {
        format!("idle-{:03x}-{connection:05x}", self.run.0)
    }

    /// Returns a header as it is sent.
    pub(super) fn encode(&self, header: Header) -> Encoded {
        let mut text = [0; HEADER];
        let [mark, sender, seq, due] = fields_mut(&mut text);
        mark[0] = MARK;
        put(&mut mark[1..], self.run.0.into());
        put(sender, header.sender.into());
        put(seq, header.seq);
        put(due, header.due);
        let mut classic = [0; CLASSIC_HEADER];
        let written = STANDARD.encode_slice(text, &mut classic);
        debug_assert_eq!(written, Ok(CLASSIC_HEADER));
        Encoded { text, classic }
    }

    /// Parses a message without its line; `None` if it is not of this run or was changed.
    pub(super) fn decode(&self, message: &[u8]) -> Option<Header> {
        let (header, filler) = message.split_first_chunk::<HEADER>()?;
        let [mark, sender, seq, due] = fields(header);
        let header = Header { sender: get(sender)? as u32, seq: get(seq)?, due: get(due)? };
        let size = if header.sender == PROBE { HEADER } else { self.sizes.of(header.seq) };
        (self.is_own(mark) && message.len() == size && *filler == self.text_filler[..filler.len()]).then_some(header)
    }

    /// Returns whether a text that begins like this is meant to be a message of this run.
    pub(super) fn is_own(&self, message: &[u8]) -> bool {
        message.len() >= 3 && message[0] == MARK && get(&message[1..3]) == Some(self.run.0.into())
    }
}

/// The first byte of a header: no dialect's commands begin with it, and it is not a digit.
const MARK: u8 = b'\'';

/// Mark, sender, number and time; the last two are enough for 4 million million messages and for three days.
fn fields(header: &[u8; HEADER]) -> [&[u8]; 4] {
    [&header[..3], &header[3..6], &header[6..13], &header[13..]]
}

fn fields_mut(header: &mut [u8; HEADER]) -> [&mut [u8]; 4] {
    let (mark, rest) = header.split_at_mut(3);
    let (sender, rest) = rest.split_at_mut(3);
    let (seq, due) = rest.split_at_mut(7);
    [mark, sender, seq, due]
}

/// The digit zero of base-64 numbers; the others follow it in ASCII, up to `~`.
const ZERO: u8 = b'?';

fn put(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = ZERO + (number & 63) as u8;
        number >>= 6;
    }
    debug_assert_eq!(number, 0, "no room for the number");
}

pub(super) fn get(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = digit.wrapping_sub(ZERO);
        (digit < 64).then_some(number << 6 | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::super::form::{Classic, Form, Line, Text};
    use super::*;

    const RUN: RunId = RunId(0xabc);

    fn wire(min: usize, max: usize) -> Wire {
        Wire::new(RUN, Sizes { min, max })
    }

    /// Returns what a reader is sent for a message of a member with that name.
    fn line<F: Form>(wire: &Wire, start: &str, header: Header) -> Vec<u8> {
        let encoded = wire.encode(header);
        [start.as_bytes(), F::header(&encoded), F::filler(wire, wire.size(header.seq))].concat()
    }

    #[test]
    fn sent_lines_can_be_parsed_in_both_dialects() {
        let wire = wire(HEADER, 200);
        for seq in (0..400).chain([(1 << 42) - 1]) {
            let header = Header { sender: seq as u32 % PROBE, seq, due: seq << 6 };
            let words = line::<Text>(&wire, "", header);
            assert_eq!(words.len(), wire.size(seq));
            assert_eq!(wire.decode(&words), Some(header));

            let text = line::<Text>(&wire, "alice: ", header);
            assert_eq!(Text::read(&text), Some(Line::Said { prefix: b"alice: ", words: words.clone() }));
            assert_eq!(Text::sender(&text[7..]), Some(header.sender));
            let classic = line::<Classic>(&wire, "CHAT YWxpY2U= ", header);
            assert_eq!(Classic::read(&classic), Some(Line::Said { prefix: b"CHAT YWxpY2U= ", words }));
            assert_eq!(Classic::sender(&classic[14..]), Some(header.sender));
        }
    }

    #[test]
    fn every_size_of_a_range_comes_soon() {
        let sizes = Sizes { min: 30, max: 39 };
        let mut seen: Vec<usize> = (0..10).map(|seq| sizes.of(seq)).collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(30..40));
        assert_eq!(Sizes { min: 64, max: 64 }.of(12_345), 64);
    }

    #[test]
    fn damage_is_noticed() {
        let wire = wire(64, 64);
        let header = Header { sender: 3, seq: 7, due: 1_000 };
        let words = line::<Text>(&wire, "", header);
        assert_eq!(wire.decode(&words), Some(header));
        assert_eq!(wire.decode(&words[..63]), None);
        assert_eq!(wire.decode(&[&words[..], b"x"].concat()), None);
        for i in (0..words.len()).filter(|i| !(3..HEADER).contains(i)) {
            let mut words = words.clone();
            words[i] ^= 1;
            assert_eq!(wire.decode(&words), None, "byte {i}");
        }
        for i in 3..HEADER {
            let mut words = words.clone();
            words[i] = b' ';
            assert_eq!(wire.decode(&words), None, "byte {i}");
        }
    }

    #[test]
    fn another_runs_messages_are_not_ours() {
        let words = line::<Text>(&wire(64, 64), "", Header { sender: 0, seq: 0, due: 0 });
        assert!(wire(64, 64).is_own(&words));
        assert!(!Wire::new(RunId::new(1), Sizes { min: 64, max: 64 }).is_own(&words));
        for words in ["", "'", "hello", "it's"] {
            assert!(!wire(64, 64).is_own(words.as_bytes()), "{words}");
        }
    }

    #[test]
    fn names_are_all_of_one_length() {
        let wire = wire(64, 64);
        assert_eq!(wire.name(0), "load-abc-00000");
        assert_eq!(wire.name(MAX_SENDERS).len(), wire.name(0).len());
    }
}
