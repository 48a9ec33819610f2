//! A hub whose peers speak WebSocket, the frames that they send, and those that they read.

use std::collections::HashMap;

use chat_proto::dialect::{Classic, Irc, Text};
use chat_proto::{Batch, CloseReason, Command, Config, DialectConfig, Framing, Hub, MessageKind, SessionId, Timestamp};

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// Returns a whole message of a client, or a control frame.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    fragment(true, opcode, payload)
}

/// Returns a text message of a client.
pub(crate) fn text(payload: &str) -> Vec<u8> {
    frame(TEXT, payload.as_bytes())
}

/// Returns a frame of a client, the last of its message or not.
pub(crate) fn fragment(is_last: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = head(is_last, opcode, payload.len() as u64);
    let key = [0x37, 0xfa, 0x21, 0x3d];
    bytes.extend(key);
    bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// Returns the header of a client's frame, without the key.
pub(crate) fn head(is_last: bool, opcode: u8, len: u64) -> Vec<u8> {
    let mut head = vec![u8::from(is_last) << 7 | opcode];
    match len {
        0..=125 => head.push(0x80 | len as u8),
        126..=0xffff => head.extend([&[0xfe][..], &(len as u16).to_be_bytes()].concat()),
        _ => head.extend([&[0xff][..], &len.to_be_bytes()].concat()),
    }
    head
}

/// A frame of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn text(words: &str) -> Self {
        Self { opcode: TEXT, payload: words.into() }
    }

    pub(crate) fn close(code: u16) -> Self {
        Self { opcode: CLOSE, payload: code.to_be_bytes().into() }
    }
}

/// Takes the server's bytes apart. Its frames are whole messages, are not masked, and have the shortest lengths.
pub(crate) fn frames(mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let [first, second, rest @ ..] = bytes {
        assert_eq!(first & 0xf0, 0x80, "a frame that is final and has no reserved bits");
        assert_eq!(second & 0x80, 0, "a frame without mask");
        let (len, rest) = match second {
            126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
            127 => (u64::from_be_bytes(rest[..8].try_into().expect("eight bytes")) as usize, &rest[8..]),
            len => (usize::from(*len), rest),
        };
        assert_eq!(head(true, first & 0x0f, len as u64).len(), bytes.len() - rest.len(), "the shortest length");
        frames.push(Frame { opcode: first & 0x0f, payload: rest[..len].to_vec() });
        bytes = &rest[len..];
    }
    assert!(bytes.is_empty(), "the last frame is whole: {bytes:x?}");
    frames
}

/// The hub with its peers, which read what they are sent.
pub(crate) struct Net {
    pub(crate) hub: Hub,
    pub(crate) now: Timestamp,
    /// How many bytes each socket takes at once.
    pub(crate) at_once: usize,
    sent: HashMap<SessionId, Vec<u8>>,
    closed: HashMap<SessionId, CloseReason>,
}

impl Net {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config {
            dialects: vec![DialectConfig::new(Text), DialectConfig::new(Classic), DialectConfig::new(Irc::default())],
            rate: None,
            ..Config::default()
        };
        change(&mut config);
        let hub = Hub::new(config).expect("limits in range");
        Self { hub, now: Timestamp::ZERO, at_once: usize::MAX, sent: HashMap::new(), closed: HashMap::new() }
    }

    /// Opens a session of `text` with text messages that has read its welcome and is called so.
    pub(crate) fn join(&mut self, name: &str) -> SessionId {
        let id = self.open("text", Framing::WebSocket(MessageKind::Text));
        self.sends(id, &text(&format!("/name {name}")));
        self.reads(id);
        id
    }

    pub(crate) fn open(&mut self, dialect: &str, framing: Framing) -> SessionId {
        let dialect = self.hub.dialect(dialect).expect("it is spoken");
        let id = self.hub.open(self.now, dialect).expect("there is room");
        self.hub.set_framing(id, framing);
        self.drain();
        id
    }

    /// Offers bytes until all are taken.
    #[track_caller]
    pub(crate) fn sends(&mut self, id: SessionId, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = self.hub.receive(self.now, id, rest);
            rest = &rest[taken..];
            self.drain();
            assert!(taken > 0 || rest.is_empty(), "{} bytes are left untaken", rest.len());
        }
    }

    /// Takes what a session was sent.
    pub(crate) fn bytes(&mut self, id: SessionId) -> Vec<u8> {
        self.sent.remove(&id).unwrap_or_default()
    }

    /// Takes the frames that a session was sent.
    #[track_caller]
    pub(crate) fn reads(&mut self, id: SessionId) -> Vec<Frame> {
        frames(&self.bytes(id))
    }

    /// Takes the text messages that a session was sent, and nothing else.
    #[track_caller]
    pub(crate) fn reads_text(&mut self, id: SessionId) -> Vec<String> {
        let message = |frame: Frame| {
            assert_eq!(frame.opcode, TEXT);
            String::from_utf8(frame.payload).expect("text")
        };
        self.reads(id).into_iter().map(message).collect()
    }

    pub(crate) fn close_reason(&self, id: SessionId) -> Option<CloseReason> {
        self.closed.get(&id).copied()
    }

    /// Carries out all commands.
    pub(crate) fn drain(&mut self) {
        while let Some(command) = self.hub.poll_command() {
            match command {
                Command::Send(id) => while !self.write(id) {},
                Command::Read(_) | Command::Authenticate(_) => {}
                Command::Close(id, reason) => {
                    self.closed.insert(id, reason);
                }
            }
        }
    }

    /// Writes once; returns whether the socket took all.
    fn write(&mut self, id: SessionId) -> bool {
        let mut batch = Batch::new();
        if !self.hub.fill(id, &mut batch, 64 << 10) {
            return true;
        }
        let n = batch.as_bytes().len().min(self.at_once);
        self.sent.entry(id).or_default().extend_from_slice(&batch.as_bytes()[..n]);
        self.hub.sent(self.now, id, &batch, n);
        self.hub.writable(self.now, id);
        n == batch.as_bytes().len()
    }
}
