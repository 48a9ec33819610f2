//! Custom dialects, used in the same way as the built-in ones.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chat_proto::dialect::{FirstLine, Request, Update, other_protocol};
use chat_proto::{Batch, CloseReason, Command, Config, Dialect, DialectConfig, Hub, SessionId, Timestamp};

/// Every line is a message, sent on as it is. The dialect shows no notices, not even of missed messages, and counts
/// what it encodes.
#[derive(Debug)]
struct Plain {
    name: &'static str,
    encoded: AtomicUsize,
}

impl Plain {
    const fn new(name: &'static str) -> Self {
        Self { name, encoded: AtomicUsize::new(0) }
    }
}

impl Dialect for &'static Plain {
    fn name(&self) -> &'static str {
        self.name
    }

    fn decode<'a>(&self, line: &'a [u8], _named: bool, _scratch: &'a mut Vec<u8>) -> Request<'a> {
        std::str::from_utf8(line).map_or(Request::Nothing, |words| Request::Say { words, claim: None, wire: None })
    }

    fn encode(&self, update: &Update<'_>, out: &mut Vec<u8>) {
        if let Update::Said { words, .. } = update {
            self.encoded.fetch_add(1, Ordering::Relaxed);
            out.extend_from_slice(words.as_bytes());
            out.push(b'\n');
        }
    }

    fn encoded_len(&self, payload: usize) -> usize {
        payload + 1
    }
}

/// Like Plain, but `NICK` is a command of its own.
#[derive(Debug)]
struct Nick;

impl Dialect for Nick {
    fn name(&self) -> &'static str {
        "nick"
    }

    fn other_protocol(&self, first: FirstLine<'_>) -> Option<&'static str> {
        other_protocol(first).filter(|protocol| *protocol != "IRC")
    }

    fn decode<'a>(&self, line: &'a [u8], _named: bool, _scratch: &'a mut Vec<u8>) -> Request<'a> {
        let line = std::str::from_utf8(line).unwrap_or_default();
        line.strip_prefix("NICK ").map_or(Request::Nothing, Request::Name)
    }

    fn encode(&self, update: &Update<'_>, out: &mut Vec<u8>) {
        if let Update::Named { name, .. } = update {
            out.extend_from_slice(name.as_bytes());
        }
    }

    fn encoded_len(&self, payload: usize) -> usize {
        payload
    }
}

#[test]
fn a_dialect_may_use_first_lines_of_another_protocol() {
    let mut hub = Hub::new(Config { dialects: vec![DialectConfig::new(Nick)], ..Config::default() }).expect("in range");
    let nick = hub.dialect("nick").expect("it is configured");
    for (line, named, closed) in [
        (&b"NICK joe\n"[..], "joe", None),
        (b"GET / HTTP/1.1\n", "", Some(CloseReason::WrongProtocol)),
        (b"\xff\n", "", None),
    ] {
        let id = hub.open(NOW, nick).expect("there is room");
        hub.receive(NOW, id, line);
        assert_eq!(read(&mut hub, id), named);
        let commands: Vec<_> = std::iter::from_fn(|| hub.poll_command()).collect();
        let reason = commands.iter().find_map(|command| match command {
            Command::Close(_, reason) => Some(*reason),
            _ => None,
        });
        assert_eq!(reason, closed, "{}", line.escape_ascii());
    }
}

const NOW: Timestamp = Timestamp::ZERO;

fn hub(dialects: &[&'static Plain], log_entries: usize) -> Hub {
    let dialects = dialects.iter().map(|dialect| DialectConfig::new(*dialect)).collect();
    Hub::new(Config { dialects, log_entries, rate: None, pace: None, ..Config::default() })
        .expect("the limits are in range")
}

fn open(hub: &mut Hub, dialect: &Plain) -> SessionId {
    let dialect = hub.dialect(dialect.name).expect("it is configured");
    hub.open(NOW, dialect).expect("there is room")
}

/// Returns what a session is sent now.
fn read(hub: &mut Hub, id: SessionId) -> String {
    let mut batch = Batch::new();
    hub.fill(id, &mut batch, usize::MAX);
    hub.sent(NOW, id, &batch, batch.as_bytes().len());
    String::from_utf8(batch.as_bytes().to_vec()).expect("words are UTF-8")
}

#[test]
fn an_event_is_encoded_once_for_each_dialect_in_use() {
    static ONE: Plain = Plain::new("one");
    static TWO: Plain = Plain::new("two");
    static UNUSED: Plain = Plain::new("unused");
    let mut hub = hub(&[&ONE, &TWO, &UNUSED], 1_000);
    let readers: Vec<_> = (0..500).flat_map(|_| [open(&mut hub, &ONE), open(&mut hub, &TWO)]).collect();
    hub.receive(NOW, readers[0], b"hello\n");
    for reader in &readers[1..] {
        assert_eq!(read(&mut hub, *reader), "hello\n");
    }
    // A session that is gone reads no more.
    let gone = open(&mut hub, &UNUSED);
    hub.disconnect(NOW, gone);
    hub.receive(NOW, readers[0], b"anybody else?\n");
    let encoded = [&ONE, &TWO, &UNUSED].map(|dialect| dialect.encoded.load(Ordering::Relaxed));
    assert_eq!(encoded, [2, 2, 0]);
}

/// The log may evict the entries of a `Send` before it is fetched, and the dialect may show no notice of the gap. Then
/// the reader must not wait for ever.
#[test]
fn a_gap_that_is_not_shown_keeps_no_reader_waiting() {
    static PLAIN: Plain = Plain::new("plain");
    let mut hub = hub(&[&PLAIN], 2);
    let (alice, bob) = (open(&mut hub, &PLAIN), open(&mut hub, &PLAIN));
    hub.receive(NOW, alice, b"one\n");
    assert_eq!(hub.poll_command(), Some(Command::Send(bob)));
    // Bob's own two messages evict those he was to be sent.
    hub.receive(NOW, bob, b"two\nthree\n");
    assert!(!hub.fill(bob, &mut Batch::new(), 1_000));
    hub.receive(NOW, alice, b"four\n");
    let commands: Vec<_> = std::iter::from_fn(|| hub.poll_command()).collect();
    assert!(commands.contains(&Command::Send(bob)), "{commands:?}");
    assert_eq!(read(&mut hub, bob), "four\n");
    hub.handle_timeout(NOW + Duration::from_secs(60));
    assert!(hub.sessions().any(|id| id == bob), "he has taken all there was");
}

/// The same for a closing session: everything still pending is gone, so it is closed.
#[test]
fn a_gap_that_is_not_shown_keeps_no_session_from_closing() {
    static PLAIN: Plain = Plain::new("plain");
    let mut hub = hub(&[&PLAIN], 2);
    let (alice, bob) = (open(&mut hub, &PLAIN), open(&mut hub, &PLAIN));
    hub.receive(NOW, alice, b"one\n");
    hub.receive_eof(NOW, bob);
    hub.receive(NOW, alice, b"two\nthree\nfour\n");
    assert_eq!(hub.poll_command(), Some(Command::Send(bob)));
    assert!(!hub.fill(bob, &mut Batch::new(), 1_000));
    assert_eq!(hub.poll_command(), Some(Command::Close(bob, CloseReason::Eof)));
    assert_eq!(hub.poll_command(), None);
}

#[test]
fn the_dialects_have_the_defaults_that_config_promises() {
    let defaults =
        Config::default().dialects.into_iter().map(|d| (d.dialect.name().to_string(), d.idle_timeout, d.backlog));
    let seconds = |n| Some(Duration::from_secs(n));
    assert_eq!(defaults.collect::<Vec<_>>(), [("classic".into(), seconds(15), 0), ("text".into(), seconds(600), 20)]);
}

#[test]
fn by_default_a_dialect_closes_a_session_after_ten_silent_minutes() {
    static PLAIN: Plain = Plain::new("plain");
    let mut hub = hub(&[&PLAIN], 2);
    let id = open(&mut hub, &PLAIN);
    hub.handle_timeout(NOW + Duration::from_millis(599_999));
    assert_eq!(hub.poll_command(), None);
    hub.handle_timeout(NOW + Duration::from_secs(600));
    assert_eq!(hub.poll_command(), Some(Command::Close(id, CloseReason::Idle)));
}

/// Encodes every message as that many bytes, which may be more than it promised.
#[derive(Debug)]
struct Long;

impl Long {
    const PROMISED: usize = 2_000;
}

impl Dialect for Long {
    fn name(&self) -> &'static str {
        "long"
    }

    fn decode<'a>(&self, line: &'a [u8], _named: bool, _scratch: &'a mut Vec<u8>) -> Request<'a> {
        std::str::from_utf8(line).map_or(Request::Nothing, |words| Request::Say { words, claim: None, wire: None })
    }

    fn encode(&self, update: &Update<'_>, out: &mut Vec<u8>) {
        if let Update::Said { words, .. } = update {
            out.resize(out.len() + words.parse::<usize>().expect("a number"), b'x');
        }
    }

    fn encoded_len(&self, _payload: usize) -> usize {
        Self::PROMISED
    }
}

#[test]
fn an_event_longer_than_its_dialect_promised_is_not_sent() {
    let dialects = vec![DialectConfig::new(Long)];
    let mut hub = Hub::new(Config { dialects, ..Config::default() }).expect("the limits are in range");
    let long = hub.dialect("long").expect("it is configured");
    let (alice, bob) = (hub.open(NOW, long).expect("there is room"), hub.open(NOW, long).expect("there is room"));
    for (len, sent) in [(Long::PROMISED, Long::PROMISED), (Long::PROMISED + 1, 0), (10_000, 0), (1, 1)] {
        hub.receive(NOW, alice, format!("{len}\n").as_bytes());
        assert_eq!(read(&mut hub, bob).len(), sent, "of {len}");
    }
}
