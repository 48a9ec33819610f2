//! Compares what readers receive with what was sent.

use std::collections::BTreeMap;

use super::dialect::{Dialect, Transport};
use super::form::{Classic, Form, Heard, Line, Text};
use super::irc::Irc;
use super::latency::Latency;
use super::sent::Sent;
use super::sequence::Sequences;
use super::websocket::Messages;
use super::wire::PROBE;

/// All sessions that receive messages: readers, and senders, which receive each other's.
#[derive(Debug)]
pub(super) struct Audience {
    senders: usize,
    forms: [LineForm; 3],
    reached: Vec<bool>,
    /// The next message that each session expects from each sender.
    pub(super) sequences: Sequences,
    /// The latencies of messages.
    pub(super) latency: Latency,
    /// Counts of what was received.
    pub(super) got: Got,
    /// Notices from the server, mostly errors, and how often each came.
    pub(super) told: BTreeMap<String, u64>,
}

/// How many different notices are kept: most servers send two or three, but some have numbers in them.
const KINDS_TOLD: usize = 32;

/// Counts of what was received.
#[derive(Clone, Copy, Debug, Default)]
pub struct Got {
    /// Messages.
    pub messages: u64,
    /// Lines that are not messages of this run.
    pub others: u64,
    /// Messages of this run that were changed on the way.
    pub damaged: u64,
    /// Messages that a reader missed, according to the server.
    pub announced_missed: u64,
    /// Messages that no reader has received at the end, each counted once.
    pub unseen: u64,
    /// Messages that no reader had received at the end, while messages of their senders were still arriving: a rate
    /// limit holds them back.
    pub held_back: u64,
    /// The shortest latency of a probe, in nanoseconds.
    pub probe: Option<u64>,
}

/// How the lines of a dialect are recognized.
#[derive(Debug)]
struct LineForm {
    /// How many bytes come before the text; all names of a run have the same length.
    prefix_len: usize,
    /// By sender: the bytes before its text, as seen in its first line.
    prefixes: Vec<Vec<u8>>,
}

/// The result of reading some bytes from the server.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// How many bytes were read. The rest is an unfinished line.
    pub(super) used: usize,
    /// How many messages the reader no longer waits for.
    pub(super) resolved: u64,
    /// What this session was told about itself.
    pub(super) heard: Heard,
}

impl Audience {
    /// Makes an audience that has received nothing. The senders come after the other readers.
    pub(super) fn new(readers: usize, senders: usize) -> Self {
        let form = || LineForm { prefix_len: 0, prefixes: vec![Vec::new(); senders] };
        let mut sequences = Sequences::new(readers, senders);
        for sender in 0..senders {
            // A sender does not receive its own messages; if one comes, it counts as repeated.
            sequences.expect_nothing(readers - senders + sender, sender);
        }
        Self {
            senders,
            forms: [form(), form(), form()],
            reached: vec![false; readers],
            sequences,
            latency: Latency::new(),
            got: Got::default(),
            told: BTreeMap::new(),
        }
    }

    /// Reads what the server sent to a reader.
    pub(super) fn read(
        &mut self,
        reader: usize,
        (dialect, transport): (Dialect, Transport),
        bytes: &[u8],
        sent: &Sent,
        now: u64,
    ) -> Scanned {
        self.latency.begin(now);
        let scanned = match (dialect, transport) {
            (Dialect::Text, Transport::Lines) => self.scan::<Text>(0, reader, bytes, sent, now),
            (Dialect::Classic, Transport::Lines) => self.scan::<Classic>(1, reader, bytes, sent, now),
            (Dialect::Irc, Transport::Lines) => self.scan::<Irc>(2, reader, bytes, sent, now),
            (Dialect::Text, Transport::WebSocket) => self.scan::<Messages<Text>>(0, reader, bytes, sent, now),
            (Dialect::Classic, Transport::WebSocket) => self.scan::<Messages<Classic>>(1, reader, bytes, sent, now),
            (Dialect::Irc, Transport::WebSocket) => self.scan::<Messages<Irc>>(2, reader, bytes, sent, now),
        };
        self.latency.end();
        scanned
    }

    fn scan<F: Form>(&mut self, which: usize, reader: usize, bytes: &[u8], sent: &Sent, now: u64) -> Scanned {
        let mut scanned = Scanned::default();
        loop {
            let rest = &bytes[scanned.used..];
            if let Some(len) = self.expected_line::<F>(which, reader, rest, sent) {
                scanned.used += len;
                scanned.resolved += 1;
            } else if let Some((line, len)) = F::first(rest) {
                self.line::<F>(which, reader, line, sent, now, &mut scanned);
                scanned.used += len;
            } else {
                return scanned;
            }
        }
    }

    /// Takes the line at the start of `bytes` if it is the one that the reader expects next from its sender; returns
    /// its length.
    ///
    /// Nearly every line is, so the speed of the tool depends on this: it decodes only the sender.
    #[inline]
    fn expected_line<F: Form>(&mut self, which: usize, reader: usize, bytes: &[u8], sent: &Sent) -> Option<usize> {
        let form = &self.forms[which];
        let (before, told_len) = F::begin(bytes)?;
        let (prefix, words) = bytes.get(before..)?.split_at_checked(form.prefix_len)?;
        let (header, words) = words.split_at_checked(F::HEADER)?;
        let sender = F::sender(header)? as usize;
        if sender >= self.senders || *prefix != *form.prefixes[sender] {
            return None;
        }
        let seq = self.sequences.expected(reader, sender);
        let message = sent.get(sender, seq)?;
        let filler = F::filler(&sent.wire, sent.wire.size(seq));
        let len = form.prefix_len + F::HEADER + filler.len();
        if told_len.is_some_and(|told| told != len)
            || *header != *F::header(&message.header)
            || !words.starts_with(filler)
            || !words[filler.len()..].starts_with(F::END)
        {
            return None;
        }
        self.sequences.came_as_expected(reader, sender);
        self.latency.came(message.due);
        self.got.messages += 1;
        Some(before + len + F::END.len())
    }

    /// Reads any line.
    fn line<F: Form>(
        &mut self,
        which: usize,
        reader: usize,
        line: &[u8],
        sent: &Sent,
        now: u64,
        scanned: &mut Scanned,
    ) {
        match F::read(line) {
            None => self.got.others += 1,
            Some(Line::Missed(count)) => self.got.announced_missed += count,
            Some(Line::Told(words)) => {
                let told =
                    if self.told.len() < KINDS_TOLD || self.told.contains_key(&words) { &words } else { "others" };
                *self.told.entry(told.to_owned()).or_default() += 1;
                scanned.heard.take(Line::Told(words));
            }
            Some(line @ (Line::Asked(_) | Line::Registered | Line::Joined)) => scanned.heard.take(line),
            Some(Line::Said { words, .. }) if !sent.wire.is_own(&words) => self.got.others += 1,
            Some(Line::Said { prefix, words }) => match sent.wire.decode(&words) {
                Some(header) if header.sender == PROBE => {
                    self.reached[reader] = true;
                    let took = now.saturating_sub(header.due);
                    self.got.probe = Some(self.got.probe.map_or(took, |least| least.min(took)));
                }
                Some(header) if sent.has_sent(header) => {
                    let sender = header.sender as usize;
                    self.forms[which].prefix_len = prefix.len();
                    prefix.clone_into(&mut self.forms[which].prefixes[sender]);
                    scanned.resolved += self.sequences.came(reader, sender, header.seq);
                    self.latency.came(header.due);
                    self.got.messages += 1;
                }
                _ => self.got.damaged += 1,
            },
        }
    }

    /// Returns whether a reader has received a probe, so the server sends it messages.
    pub(super) fn is_reached(&self, reader: usize) -> bool {
        self.reached[reader]
    }
}

#[cfg(test)]
mod tests {
    use chat_proto::MessageKind;
    use chat_proto::websocket::encode;

    use super::super::sequence::Tally;
    use super::super::wire::{Header, RunId, Sizes, Wire};
    use super::*;

    const DUE: u64 = 1_000;
    const CAME: u64 = 5_000;

    /// A reader of one sender's messages, and the lines of those that were sent.
    struct Stream {
        form: (Dialect, Transport),
        audience: Audience,
        sent: Sent,
        lines: Vec<Vec<u8>>,
    }

    impl Stream {
        fn new(form: (Dialect, Transport), messages: usize) -> Self {
            let mut sent = Sent::new(1, 0, Wire::new(RunId::new(7), Sizes { min: 40, max: 50 }));
            let mut line = || {
                let (seq, message) = sent.next(0, DUE);
                let header = message.header;
                let mut line = line_start(form.0).to_vec();
                form.0.write_words(&sent.wire, &header, sent.wire.size(seq), &mut line);
                framed(form.1, &line)
            };
            let lines = (0..messages).map(|_| line()).collect();
            Self { form, audience: Audience::new(2, 1), sent, lines }
        }

        /// Feeds the lines of these messages in this order, in pieces of that length.
        fn feed(&mut self, messages: &[usize], piece: usize) -> u64 {
            let bytes: Vec<u8> = messages.iter().flat_map(|i| self.lines[*i].clone()).collect();
            self.feed_bytes(&bytes, piece)
        }

        fn feed_bytes(&mut self, bytes: &[u8], piece: usize) -> u64 {
            let (mut begun, mut resolved) = (Vec::new(), 0);
            for piece in bytes.chunks(piece) {
                begun.extend_from_slice(piece);
                let scanned = self.audience.read(0, self.form, &begun, &self.sent, CAME);
                begun.drain(..scanned.used);
                resolved += scanned.resolved;
            }
            assert!(begun.is_empty());
            resolved
        }
    }

    fn line_start(dialect: Dialect) -> &'static [u8] {
        match dialect {
            Dialect::Text => b"alice: ",
            Dialect::Classic => b"CHAT YWxpY2U= ",
            Dialect::Irc => b":alice!~u@host PRIVMSG #lobby :",
        }
    }

    /// Returns lines as a server sends them.
    fn framed(transport: Transport, lines: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        match transport {
            Transport::Lines => out.extend_from_slice(lines),
            Transport::WebSocket => {
                for line in lines.split_inclusive(|byte| *byte == b'\n') {
                    encode(MessageKind::Text, line.trim_ascii_end(), &mut out);
                }
            }
        }
        out
    }

    fn for_each_form_and_piece(check: impl Fn((Dialect, Transport), usize)) {
        for dialect in [Dialect::Text, Dialect::Classic, Dialect::Irc] {
            for transport in [Transport::Lines, Transport::WebSocket] {
                for piece in [1, 7, 100, 10_000] {
                    check((dialect, transport), piece);
                }
            }
        }
    }

    #[test]
    fn a_stream_in_order_is_clean_however_it_is_cut() {
        for_each_form_and_piece(|form, piece| {
            let mut stream = Stream::new(form, 20);
            assert_eq!(stream.feed(&(0..20).collect::<Vec<_>>(), piece), 20);
            let audience = &stream.audience;
            assert_eq!((audience.got.messages, audience.got.damaged), (20, 0));
            assert_eq!(audience.sequences.tally(), Tally::default());
            let latencies = audience.latency.histogram();
            assert_eq!((latencies.len(), latencies.min()), (20, CAME - DUE));
        });
    }

    #[test]
    fn lost_double_and_late_lines_are_seen() {
        for_each_form_and_piece(|form, piece| {
            let mut stream = Stream::new(form, 20);
            // 3 and 4 never come, 6 comes twice, 9 comes after 10.
            assert_eq!(stream.feed(&[0, 1, 2, 5, 6, 6, 7, 8, 10, 9, 11], piece), 12);
            let tally = Tally { lost: 2, duplicated: 1, reordered: 1 };
            assert_eq!(stream.audience.sequences.tally(), tally);
            assert_eq!(stream.audience.got.messages, 11);
        });
    }

    #[test]
    fn a_damaged_line_is_seen() {
        for_each_form_and_piece(|form, piece| {
            let mut stream = Stream::new(form, 3);
            stream.feed(&[0], piece);
            let mut line = stream.lines[1].clone();
            // The same character of the filler, with and without a line end.
            let i = line.len() - if form.1 == Transport::Lines { 8 } else { 7 };
            line[i] ^= 2;
            stream.feed_bytes(&line, piece);
            stream.feed(&[2], piece);
            assert_eq!(stream.audience.got.damaged, 1);
            assert_eq!(stream.audience.sequences.tally(), Tally { lost: 1, ..Tally::default() });
        });
    }

    #[test]
    fn other_lines_disturb_nothing() {
        for_each_form_and_piece(|form, piece| {
            let mut stream = Stream::new(form, 2);
            stream.feed(&[0], piece);
            let other: &[u8] = match form.0 {
                Dialect::Text => b"* bob joined\nbob: hello\n** bob waves\n\n* missed 3 messages\n! not understood\n",
                Dialect::Classic => {
                    b"CHAT Ym9i aGVsbG8=\nrubbish\n\nCHAT c2VydmVy bWlzc2VkIDMgbWVzc2FnZXM=\nCHAT c2VydmVy bm90IHVuZGVyc3Rvb2Q=\n"
                }
                Dialect::Irc => {
                    b":bob!~u@host JOIN #lobby\r\n:bob!~u@host PRIVMSG #lobby :hello\r\n\r\nPING x\r\n\
                      :srv NOTICE #lobby :you were too slow and missed 3 messages\r\n:srv 400 me :not understood\r\n"
                }
            };
            assert_eq!(stream.feed_bytes(&framed(form.1, other), piece), 0);
            stream.feed(&[1], piece);
            let audience = &stream.audience;
            assert_eq!((audience.got.messages, audience.got.damaged, audience.got.announced_missed), (2, 0, 3));
            assert_eq!(audience.sequences.tally(), Tally::default());
            assert_eq!(audience.told, BTreeMap::from([("not understood".to_owned(), 1)]));
        });
    }

    #[test]
    fn endlessly_different_notices_take_bounded_memory() {
        let mut stream = Stream::new((Dialect::Text, Transport::Lines), 0);
        for i in 0..1_000 {
            stream.feed_bytes(format!("! complaint {i}\n").as_bytes(), 100);
        }
        assert_eq!(stream.audience.told.len(), KINDS_TOLD + 1);
        assert_eq!(stream.audience.told.values().sum::<u64>(), 1_000);
    }

    #[test]
    fn a_probe_shows_that_a_reader_is_reached() {
        for_each_form_and_piece(|form, piece| {
            let mut stream = Stream::new(form, 1);
            assert!(!stream.audience.is_reached(0));
            let header = stream.sent.wire.encode(Header { sender: PROBE, seq: 0, due: DUE });
            let mut line = line_start(form.0).to_vec();
            form.0.write_words(&stream.sent.wire, &header, super::super::wire::HEADER, &mut line);
            stream.feed_bytes(&framed(form.1, &line), piece);
            assert!(stream.audience.is_reached(0) && !stream.audience.is_reached(1));
            assert_eq!((stream.audience.got.probe, stream.audience.got.messages), (Some(CAME - DUE), 0));
        });
    }
}
