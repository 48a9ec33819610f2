//! WebSocket in the core beside `tungstenite`, which takes the client's part, and the server's for comparison.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};

use chat_proto::websocket::{Decoder, Message as Decoded};
use chat_proto::{Batch, Command, Config, Framing, Hub, MessageKind, SessionId, Timestamp};
use chat_tests::alloc::Meter;
use chat_tests::output::roomy_batch;
use chat_tests::websocket::{masked, opcode};
use proptest::collection::vec;
use proptest::prelude::*;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

const NOW: Timestamp = Timestamp::ZERO;

/// One end of a connection in memory.
#[derive(Default)]
struct Pipe {
    incoming: VecDeque<u8>,
    outgoing: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.incoming.is_empty() { Err(ErrorKind::WouldBlock.into()) } else { self.incoming.read(out) }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outgoing.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A client of a hub, and what it was sent.
struct Client {
    id: SessionId,
    socket: WebSocket<Pipe>,
}

impl Client {
    fn open(hub: &mut Hub, name: &str, kind: MessageKind) -> Self {
        let text = hub.dialect("text").expect("a default dialect");
        let id = hub.open_named(NOW, text, None, name).expect("there is room");
        hub.set_framing(id, Framing::WebSocket(kind));
        Self { id, socket: WebSocket::from_raw_socket(Pipe::default(), Role::Client, None) }
    }

    /// Sends a message, of which the hub is offered so many bytes at once.
    fn sends(&mut self, hub: &mut Hub, message: Message, at_once: usize) {
        self.socket.send(message).expect("a message that may be sent");
        for piece in std::mem::take(&mut self.socket.get_mut().outgoing).chunks(at_once) {
            assert_eq!(hub.receive(NOW, self.id, piece), piece.len());
        }
    }

    /// Reads all messages that have come.
    fn reads(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| match self.socket.read() {
            Ok(message) => Some(message),
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => None,
            Err(Error::ConnectionClosed) => None,
            Err(error) => panic!("the server has broken a rule: {error}"),
        })
        .collect()
    }
}

/// Carries out the hub's commands. Sockets take so many bytes at once.
fn deliver(hub: &mut Hub, clients: &mut [Client], lines: &mut (SessionId, Vec<u8>), at_once: usize) {
    let mut batch = Batch::new();
    while let Some(command) = hub.poll_command() {
        let Command::Send(id) = command else { continue };
        while hub.fill(id, &mut batch, 64 << 10) {
            let taken = &batch.as_bytes()[..batch.as_bytes().len().min(at_once)];
            if id == lines.0 {
                lines.1.extend_from_slice(taken);
            }
            if let Some(client) = clients.iter_mut().find(|client| client.id == id) {
                client.socket.get_mut().incoming.extend(taken);
            }
            hub.sent(NOW, id, &batch, taken.len());
            if taken.len() == batch.as_bytes().len() {
                break;
            }
            hub.writable(NOW, id);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_client_reads_as_messages_what_others_read_as_lines(
        said in vec(("[ -~é€𝄞]{1,300}", any::<bool>()), 1..20),
        received_at_once in 1..200_usize,
        sent_at_once in 1..200_usize,
    ) {
        let mut hub = Hub::new(Config { rate: None, ..Config::default() }).expect("limits in range");
        let text = hub.dialect("text").expect("a default dialect");
        let mut lines = (hub.open_named(NOW, text, None, "carol").expect("room"), Vec::new());
        let mut clients =
            [("alice", MessageKind::Text), ("bob", MessageKind::Binary)].map(|(name, kind)| Client::open(&mut hub, name, kind));
        deliver(&mut hub, &mut clients, &mut lines, usize::MAX);
        lines.1.clear();
        for client in &mut clients {
            client.reads();
        }
        for (words, is_text) in said {
            let message = if is_text { Message::text(format!("- {words}")) } else { Message::binary(format!("- {words}")) };
            clients[0].sends(&mut hub, message, received_at_once);
            clients[1].sends(&mut hub, Message::Ping(words.into_bytes().into_iter().take(125).collect()), received_at_once);
            deliver(&mut hub, &mut clients, &mut lines, sent_at_once);
        }
        let read = clients[1].reads().into_iter().filter(|message| !message.is_pong());
        let read: Vec<String> = read.map(|message| format!("{}\n", message.into_text().expect("text"))).collect();
        prop_assert_eq!(read.concat(), String::from_utf8(lines.1.clone()).expect("text"));
        // Both sides close as the RFC says.
        for client in &mut clients {
            client.socket.close(None).expect("it is open");
            client.socket.flush().expect("memory takes all");
            let close = std::mem::take(&mut client.socket.get_mut().outgoing);
            hub.receive(NOW, client.id, &close);
        }
        deliver(&mut hub, &mut clients, &mut lines, sent_at_once);
        for client in &mut clients {
            let read = client.reads();
            prop_assert!(matches!(read.last(), Some(Message::Close(None))), "{:?}", read);
        }
    }

    #[test]
    fn frames_mean_the_same_to_both_servers(sent in vec(frame(), 1..12), at_once in 1..64_usize) {
        let bytes = sent.concat();
        prop_assert_eq!(decoded(&bytes, at_once), decoded_by_tungstenite(&bytes));
    }
}

/// Frames of a client: most are right by themselves, and often together.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        4 => "[a-zé€𝄞]{0,40}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..140),
        1 => Just("é€".as_bytes()[..4].to_vec()),
        1 => Just(vec![0x82, 0xac]),
        1 => Just(vec![b'x'; 70_000]),
        2 => (prop_oneof![990..1014_u16, 1015..1020_u16, 2990..3005_u16, 4990..5005_u16], "[a-zé]{0,9}")
            .prop_map(|(code, reason)| [&code.to_be_bytes()[..], reason.as_bytes()].concat()),
    ];
    let opcode = prop_oneof![4 => Just(0_u8), 4 => Just(1), 2 => Just(2), 1 => Just(8), 1 => Just(9), 1 => Just(10), 1 => 3..8_u8];
    let bits = prop_oneof![30 => Just(0_u8), 1 => Just(0x40), 1 => Just(0x20), 1 => Just(0x10)];
    (any::<bool>(), opcode, bits, prop::bool::weighted(0.03), payload, any::<[u8; 4]>()).prop_map(
        |(is_last, opcode, bits, says_unmasked, payload, key)| {
            let mut bytes = masked(is_last, opcode, &payload, key);
            bytes[0] |= bits;
            bytes[1] ^= u8::from(says_unmasked) << 7;
            bytes
        },
    )
}

/// What a server makes of frames, up to a close frame or the first rule that is broken.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
    Broken,
}

fn decoded(bytes: &[u8], at_once: usize) -> Vec<Outcome> {
    let (mut decoder, mut outcomes) = (Decoder::new(1 << 20), Vec::new());
    for mut piece in bytes.chunks(at_once) {
        while !piece.is_empty() {
            let Ok((n, message)) = decoder.next(piece) else {
                outcomes.push(Outcome::Broken);
                return outcomes;
            };
            piece = &piece[n..];
            outcomes.extend(message.map(|message| match message {
                Decoded::Data(MessageKind::Text, text) => Outcome::Text(text),
                Decoded::Data(MessageKind::Binary, bytes) => Outcome::Binary(bytes),
                Decoded::Ping(payload) => Outcome::Ping(payload),
                Decoded::Pong => Outcome::Pong,
                Decoded::Close(code) => Outcome::Close(code),
            }));
            if let Some(Outcome::Close(_)) = outcomes.last() {
                return outcomes;
            }
        }
    }
    outcomes
}

fn decoded_by_tungstenite(bytes: &[u8]) -> Vec<Outcome> {
    let pipe = Pipe { incoming: bytes.iter().copied().collect(), outgoing: Vec::new() };
    let mut socket = WebSocket::from_raw_socket(pipe, Role::Server, Some(WebSocketConfig::default()));
    let mut outcomes = Vec::new();
    loop {
        outcomes.push(match socket.read() {
            Ok(Message::Text(text)) => Outcome::Text(text.as_bytes().to_vec()),
            Ok(Message::Binary(bytes)) => Outcome::Binary(bytes.to_vec()),
            Ok(Message::Ping(payload)) => Outcome::Ping(payload.to_vec()),
            Ok(Message::Pong(_)) => Outcome::Pong,
            // It replaces a code that may not be sent by that of a broken rule.
            Ok(Message::Close(Some(close))) if &*close.reason == "Protocol violation" => Outcome::Broken,
            Ok(Message::Close(close)) => Outcome::Close(close.map(|close| close.code.into())),
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => return outcomes,
            Ok(Message::Frame(_)) | Err(_) => Outcome::Broken,
        });
        if let Some(Outcome::Close(_) | Outcome::Broken) = outcomes.last() {
            return outcomes;
        }
    }
}

/// A hub with every call measured, whose peers send and read messages.
struct Measured {
    hub: Hub,
    meter: Meter,
    batch: Batch,
    ids: Vec<SessionId>,
}

impl Measured {
    fn new(config: &Config) -> Self {
        let mut meter = Meter::new();
        let hub = meter.scope(|| Hub::new(config.clone()).expect("limits in range"));
        let mut measured = Self { hub, meter, batch: roomy_batch(config), ids: Vec::new() };
        for number in 0..config.max_sessions {
            let dialect = ["text", "classic"][number % 2];
            let id = measured.open(dialect);
            measured.ids.push(id);
        }
        measured
    }

    fn open(&mut self, dialect: &str) -> SessionId {
        let dialect = self.hub.dialect(dialect).expect("a default dialect");
        let id = self.meter.scope(|| self.hub.open(NOW, dialect)).expect("there is room");
        self.hub.set_framing(id, Framing::WebSocket(MessageKind::Text));
        id
    }

    fn receive(&mut self, id: SessionId, bytes: &[u8]) {
        self.meter.scope(|| self.hub.receive(NOW, id, bytes));
    }

    /// Writes to all, who take all but the last `less` bytes.
    fn write(&mut self, less: usize) {
        let Self { hub, meter, batch, ids } = self;
        for id in ids {
            meter.scope(|| {
                hub.fill(*id, batch, usize::MAX);
                hub.sent(NOW, *id, batch, batch.as_bytes().len().saturating_sub(less));
                hub.writable(NOW, *id);
            });
        }
        meter.scope(|| while hub.poll_command().is_some() {});
    }

    /// Everything that sessions may send and be sent: messages in pieces, with pings within, that are too long, and
    /// frames that are written in part.
    fn round(&mut self) {
        let frame = |is_last, code, payload: &[u8]| masked(is_last, code, payload, [1, 2, 3, 4]);
        let classic = frame(true, opcode::TEXT, b"CHAT Y2Fyb2w= aGVsbG8=");
        let long = "é".repeat(2_000);
        for number in 0..self.ids.len() {
            let id = self.ids[number];
            let input = [
                frame(true, opcode::TEXT, b"hello"),
                frame(true, opcode::TEXT, b"/help"),
                classic.clone(),
                frame(false, opcode::TEXT, long.as_bytes()),
                frame(true, opcode::PING, &[7; 125]),
                frame(true, opcode::CONTINUATION, b"!"),
                frame(true, opcode::BINARY, &[b'x'; 10_000]),
                frame(false, opcode::TEXT, &[b'y'; 4_096]),
                frame(true, opcode::PING, &[8; 125]),
            ]
            .concat();
            let (most, rest) = input.split_at(input.len() - 1);
            self.receive(id, most);
            self.write(3);
            self.receive(id, rest);
            self.write(1);
            self.receive(id, &frame(true, opcode::CONTINUATION, b""));
            self.write(0);
        }
        for _ in 0..3 {
            self.write(0);
        }
    }
}

fn small() -> Config {
    Config { max_sessions: 20, log_bytes: 64 << 10, log_entries: 1_000, rate: None, pace: None, ..Config::default() }
}

#[test]
fn nothing_is_allocated_for_messages_in_the_steady_state() {
    let mut measured = Measured::new(&small());
    for _ in 0..5 {
        measured.round();
    }
    let before = measured.meter.allocations;
    for _ in 0..3 {
        measured.round();
    }
    assert_eq!(measured.meter.allocations - before, 0);
}

#[test]
fn memory_for_messages_stays_within_the_bound_and_is_freed() {
    let config = small();
    let mut measured = Measured::new(&config);
    for _ in 0..3 {
        measured.round();
    }
    let bound = i64::try_from(config.memory_bound()).expect("a sensible bound");
    assert!(measured.meter.peak <= bound, "{} bytes, over {bound}", measured.meter.peak);
    let Measured { hub, mut meter, .. } = measured;
    meter.scope(|| drop(hub));
    assert_eq!(meter.live, 0);
}

#[test]
fn an_idle_session_with_messages_costs_what_others_cost() {
    let held = |framing| {
        let config = small();
        let mut measured = Measured::new(&Config { max_sessions: 1, ..config.clone() });
        let mut meter = Meter::new();
        let mut hub = meter.scope(|| Hub::new(config).expect("limits in range"));
        let text = hub.dialect("text").expect("a default dialect");
        for _ in 0..10 {
            let id = meter.scope(|| hub.open(NOW, text)).expect("room");
            hub.set_framing(id, framing);
            meter.scope(|| hub.fill(id, &mut measured.batch, usize::MAX));
            meter.scope(|| hub.sent(NOW, id, &measured.batch, usize::MAX));
        }
        meter.live
    };
    assert_eq!(held(Framing::WebSocket(MessageKind::Text)), held(Framing::Lines));
}

/// What happens in both hubs of a comparison.
#[derive(Clone, Debug)]
enum Step {
    /// A session sends a line.
    Say {
        who: usize,
        line: &'static str,
    },
    /// A session's socket takes so many bytes at most, of as many as it is offered at once.
    Take {
        who: usize,
        most: usize,
        at_once: usize,
    },
    Announce,
}

fn step() -> impl Strategy<Value = Step> {
    let lines = [
        "hello",
        "/who",
        "/help",
        "/join tea",
        "/leave tea",
        "/join lobby",
        "/me waves",
        "/msg bob psst",
        "/name bob",
        "/topic all about tea",
        "/history 5",
        "a line that takes more than a hundred and twenty-six bytes, so that its length is in a form of its own, as is due to \
         a long one",
    ];
    prop_oneof![
        6 => (0..4_usize, 0..lines.len()).prop_map(move |(who, line)| Step::Say { who, line: lines[line] }),
        6 => (0..4_usize, prop_oneof![1..9_usize, 1..200_usize, Just(usize::MAX)], 0..500_usize)
            .prop_map(|(who, most, at_once)| Step::Take { who, most, at_once }),
        1 => Just(Step::Announce),
    ]
}

/// A hub whose log keeps ten messages, with four sessions and what they were sent.
struct Side {
    hub: Hub,
    ids: Vec<SessionId>,
    streams: [Vec<u8>; 4],
}

impl Side {
    fn new(framing: Framing) -> Self {
        let config = Config { log_entries: 10, room_log_entries: 10, pace: None, rate: None, ..Config::default() };
        let mut hub = Hub::new(config).expect("limits in range");
        let text = hub.dialect("text").expect("a default dialect");
        let mut open = || {
            let id = hub.open(NOW, text).expect("there is room");
            hub.set_framing(id, framing);
            id
        };
        let ids = (0..4).map(|_| open()).collect();
        Self { hub, ids, streams: Default::default() }
    }

    /// Lets a session's socket take at most so many bytes; returns how many it took.
    fn take(&mut self, who: usize, most: usize, at_once: usize) -> usize {
        let mut batch = Batch::new();
        self.hub.fill(self.ids[who], &mut batch, at_once);
        let taken = &batch.as_bytes()[..batch.as_bytes().len().min(most)];
        self.streams[who].extend_from_slice(taken);
        self.hub.sent(NOW, self.ids[who], &batch, taken.len());
        taken.len()
    }
}

/// Returns the lines that a stream of frames has, and how many bytes there are of them. Of a line that was begun there
/// is at least one.
fn lines_begun(mut stream: &[u8]) -> (String, usize) {
    let (mut lines, mut begun) = (String::new(), 0);
    while !stream.is_empty() {
        let (len, head) = match stream {
            [_, 126, high, low, ..] => (usize::from(u16::from_be_bytes([*high, *low])), 4),
            [_, 126 | 127, ..] | [_] => (usize::MAX, stream.len()),
            [_, len, ..] => (usize::from(*len), 2),
            [] => break,
        };
        let rest = &stream[head..];
        let part = &rest[..len.min(rest.len())];
        lines.push_str(str::from_utf8(part).expect("ASCII"));
        if part.len() == len {
            lines.push('\n');
            begun = lines.len();
        } else {
            begun = lines.len().max(begun + 1);
        }
        stream = &rest[part.len()..];
    }
    (lines, begun)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Of rooms, replies, answers that go on and gaps, too, and wherever a socket stops.
    #[test]
    fn a_hub_with_messages_says_what_a_hub_with_lines_says(steps in vec(step(), 1..120)) {
        let mut messages = Side::new(Framing::WebSocket(MessageKind::Text));
        let mut lines = Side::new(Framing::Lines);
        for step in steps {
            match step {
                Step::Say { who, line } => {
                    let frame = masked(true, opcode::TEXT, line.as_bytes(), [9, 8, 7, 6]);
                    let taken = messages.hub.receive(NOW, messages.ids[who], &frame);
                    let line = format!("{line}\n");
                    prop_assert_eq!(taken > 0, lines.hub.receive(NOW, lines.ids[who], line.as_bytes()) > 0);
                }
                Step::Take { who, most, at_once } => {
                    messages.take(who, most, at_once);
                    let (_, begun) = lines_begun(&messages.streams[who]);
                    while lines.streams[who].len() < begun {
                        let most = begun - lines.streams[who].len();
                        prop_assert!(lines.take(who, most, at_once) > 0, "{who} is sent more messages than lines");
                    }
                    let (said, _) = lines_begun(&messages.streams[who]);
                    let shown = String::from_utf8_lossy(&lines.streams[who]);
                    prop_assert!(shown.starts_with(&said), "{}\n{}", shown, said);
                }
                Step::Announce => {
                    messages.hub.announce(NOW, "tea is ready");
                    lines.hub.announce(NOW, "tea is ready");
                }
            }
        }
        for who in 0..4 {
            while messages.take(who, usize::MAX, 0) > 0 {}
            while lines.take(who, usize::MAX, 0) > 0 {}
            let (said, begun) = lines_begun(&messages.streams[who]);
            prop_assert_eq!(begun, said.len());
            prop_assert_eq!(said, String::from_utf8_lossy(&lines.streams[who]));
            prop_assert!(chat_tests::websocket::frames(&messages.streams[who]).is_ok());
        }
    }
}
