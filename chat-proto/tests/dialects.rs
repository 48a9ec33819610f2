//! Dialects of an embedder's own, by the same door as the built-in ones.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chat_proto::dialect::{Event, Request};
use chat_proto::{Batch, CloseReason, Command, Config, Dialect, DialectConfig, Hub, SessionId, Timestamp};

/// Every line is said as it is, and seen as it was said. It shows no notices, not even of what was missed, and counts
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

impl Dialect for Plain {
    fn name(&self) -> &'static str {
        self.name
    }

    fn decode<'a>(&self, line: &'a [u8], _named: bool, _scratch: &'a mut Vec<u8>) -> Request<'a> {
        std::str::from_utf8(line).map_or(Request::Nothing, |words| Request::Say { words, claim: None, wire: None })
    }

    fn encode(&self, event: &Event<'_>, out: &mut Vec<u8>) {
        if let Event::Said { words, .. } = event {
            self.encoded.fetch_add(1, Ordering::Relaxed);
            out.extend_from_slice(words.as_bytes());
            out.push(b'\n');
        }
    }

    fn encoded_len(&self, payload: usize) -> usize {
        payload + 1
    }
}

const NOW: Timestamp = Timestamp::ZERO;

fn hub(dialects: &[&'static Plain], log_entries: usize) -> Hub {
    let dialects = dialects.iter().map(|dialect| DialectConfig::new(*dialect)).collect();
    Hub::new(Config { dialects, log_entries, rate: None, ..Config::default() }).expect("the limits are in range")
}

fn open(hub: &mut Hub, dialect: &Plain) -> SessionId {
    let dialect = hub.dialect(dialect.name).expect("it is configured");
    hub.open(NOW, dialect).expect("there is room")
}

/// Returns what a session is sent at once.
fn read(hub: &mut Hub, id: SessionId) -> String {
    let bytes = hub.pending(id).slices().concat();
    hub.sent(NOW, id, bytes.len());
    String::from_utf8(bytes).expect("words are UTF-8")
}

#[test]
fn an_event_is_encoded_once_a_dialect_in_use_however_many_read_it() {
    static ONE: Plain = Plain::new("one");
    static TWO: Plain = Plain::new("two");
    static UNUSED: Plain = Plain::new("unused");
    let mut hub = hub(&[&ONE, &TWO, &UNUSED], 1_000);
    let readers: Vec<_> = (0..500).flat_map(|_| [open(&mut hub, &ONE), open(&mut hub, &TWO)]).collect();
    hub.receive(NOW, readers[0], b"hello\n");
    for reader in &readers[1..] {
        assert_eq!(read(&mut hub, *reader), "hello\n");
    }
    let encoded = [&ONE, &TWO, &UNUSED].map(|dialect| dialect.encoded.load(Ordering::Relaxed));
    assert_eq!(encoded, [1, 1, 0]);
}

/// What was asked for with a `Send` may be gone before it is fetched, without a notice if the dialect shows none. That
/// is no reason to keep the reader waiting for ever.
#[test]
fn a_gap_that_is_not_shown_keeps_no_reader_waiting() {
    static PLAIN: Plain = Plain::new("plain");
    for with_batch in [false, true] {
        let mut hub = hub(&[&PLAIN], 2);
        let (alice, bob) = (open(&mut hub, &PLAIN), open(&mut hub, &PLAIN));
        hub.receive(NOW, alice, b"one\n");
        assert_eq!(hub.poll_command(), Some(Command::Send(bob)));
        // Bob's own two messages push out what he was to be sent.
        hub.receive(NOW, bob, b"two\nthree\n");
        if with_batch {
            let mut batch = Batch::new();
            assert!(!hub.fill(bob, &mut batch, 1_000));
        } else {
            assert!(hub.pending(bob).is_empty());
        }
        hub.receive(NOW, alice, b"four\n");
        let commands: Vec<_> = std::iter::from_fn(|| hub.poll_command()).collect();
        assert!(commands.contains(&Command::Send(bob)), "{commands:?}");
        assert_eq!(read(&mut hub, bob), "four\n");
        hub.handle_timeout(NOW + Duration::from_secs(60));
        assert!(hub.sessions().any(|id| id == bob), "he has taken all there was");
    }
}

/// The same for one that closes: what it was to be sent until the end is gone, so this is the end.
#[test]
fn a_gap_that_is_not_shown_keeps_no_session_from_closing() {
    static PLAIN: Plain = Plain::new("plain");
    let mut hub = hub(&[&PLAIN], 2);
    let (alice, bob) = (open(&mut hub, &PLAIN), open(&mut hub, &PLAIN));
    hub.receive(NOW, alice, b"one\n");
    hub.receive_eof(NOW, bob);
    hub.receive(NOW, alice, b"two\nthree\nfour\n");
    assert_eq!(hub.poll_command(), Some(Command::Close(bob, CloseReason::Eof)));
    assert_eq!(hub.poll_command(), None);
}
