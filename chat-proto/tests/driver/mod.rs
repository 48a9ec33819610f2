//! A driver for tests of what hub and driver owe each other: it reads nothing and offers nothing unless the test says
//! so. For tests of bots and policies, which need no driver to look at, there is `chat_proto::testing`.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::time::Duration;

use chat_proto::{Batch, CloseReason, Command, Config, Hub, SessionId, Timestamp};

/// A driver whose sockets take at most a given number of bytes at a time.
pub(crate) struct Driver {
    pub(crate) hub: Hub,
    pub(crate) now: Timestamp,
    pub(crate) closed: Vec<(SessionId, CloseReason)>,
    pub(crate) readable: Vec<SessionId>,
}

impl Driver {
    pub(crate) fn new(config: Config) -> Self {
        let hub = Hub::new(config).expect("the limits are in range");
        Self { hub, now: Timestamp::ZERO, closed: Vec::new(), readable: Vec::new() }
    }

    pub(crate) fn open(&mut self, dialect: &str) -> SessionId {
        let dialect = self.hub.dialect(dialect).expect("it is spoken");
        self.hub.open(self.now, dialect).expect("there is room")
    }

    /// Opens a session and reads its welcome.
    pub(crate) fn join(&mut self, dialect: &str) -> SessionId {
        let id = self.open(dialect);
        self.read(id);
        id
    }

    pub(crate) fn say(&mut self, id: SessionId, input: &str) {
        assert_eq!(self.hub.receive(self.now, id, input.as_bytes()), input.len(), "all of it is taken");
    }

    pub(crate) fn commands(&mut self) -> Vec<Command> {
        std::iter::from_fn(|| self.hub.poll_command()).collect()
    }

    /// Drains commands, recording those that are not `Send`.
    pub(crate) fn drain(&mut self) {
        for command in self.commands() {
            match command {
                Command::Send(_) | Command::Authenticate(_) => {}
                Command::Read(id) => self.readable.push(id),
                Command::Close(id, reason) => self.closed.push((id, reason)),
            }
        }
    }

    /// Reads everything that a session is sent.
    pub(crate) fn read(&mut self, id: SessionId) -> String {
        let mut read = Vec::new();
        loop {
            self.drain();
            let mut batch = Batch::new();
            if !self.hub.fill(id, &mut batch, usize::MAX) {
                return String::from_utf8(read).expect("only UTF-8 is sent");
            }
            read.extend(batch.as_bytes());
            self.hub.sent(self.now, id, &batch, batch.as_bytes().len());
        }
    }

    /// Sends a line, and reads everything that comes of it.
    pub(crate) fn ask(&mut self, id: SessionId, line: &str) -> String {
        self.say(id, line);
        self.read(id)
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.hub.handle_timeout(self.now);
        assert!(self.hub.poll_timeout().is_none_or(|next| next > self.now), "no driver spins");
        self.drain();
    }
}
