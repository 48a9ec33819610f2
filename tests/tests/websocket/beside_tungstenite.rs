//! `tungstenite` takes the client's part, and the server's for comparison.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};

use chat_proto::websocket::{Decoder, Message as Decoded};
use chat_proto::{Batch, Command, Config, Framing, Hub, MessageKind, SessionId};
use chat_tests::websocket::masked;
use proptest::collection::vec;
use proptest::prelude::*;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

use super::NOW;

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
