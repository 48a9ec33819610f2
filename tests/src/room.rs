//! A hub for tests, with its peers and its clock.

use std::time::Duration;

use chat_proto::{Command, Config, Hub, SessionId, Timestamp};

use crate::output::pending;

/// A hub with a driver that does everything at once: all input is taken, all output is read.
#[derive(Debug)]
pub struct Room {
    /// The hub, for direct calls.
    pub hub: Hub,
    /// The driver's clock.
    pub now: Timestamp,
}

impl Room {
    /// Makes a room with these limits.
    ///
    /// # Panics
    ///
    /// If they are out of range.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { hub: Hub::new(config).expect("valid limits"), now: Timestamp::ZERO }
    }

    /// Makes a room with the default limits but without a rate.
    #[must_use]
    pub fn open() -> Self {
        Self::new(Config { rate: None, ..Config::default() })
    }

    /// Opens a session of that dialect, and reads its welcome.
    ///
    /// # Panics
    ///
    /// If there is no room or no such dialect.
    pub fn enter(&mut self, dialect: &str) -> SessionId {
        let dialect = self.hub.dialect(dialect).expect("a dialect of the hub's");
        let id = self.hub.open(self.now, dialect).expect("there is room");
        self.read(id);
        id
    }

    /// Opens a session of `text` with that name.
    pub fn enter_as(&mut self, name: &str) -> SessionId {
        let id = self.enter("text");
        self.types(id, format!("/name {name}\n"));
        self.read(id);
        id
    }

    /// Sends input of a peer; all of it must be taken.
    ///
    /// # Panics
    ///
    /// If some of it is not.
    pub fn types(&mut self, id: SessionId, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        assert_eq!(self.hub.receive(self.now, id, bytes), bytes.len(), "all of it is taken");
    }

    /// Reads everything pending for a peer.
    pub fn read(&mut self, id: SessionId) -> String {
        let mut read = Vec::new();
        loop {
            let pending = pending(&mut self.hub, id);
            read.extend(pending.as_bytes());
            self.hub.sent(self.now, id, &pending, pending.as_bytes().len());
            if pending.as_bytes().is_empty() {
                return String::from_utf8_lossy(&read).into_owned();
            }
        }
    }

    /// Sends input of a peer, and reads what is then pending for it.
    pub fn asks(&mut self, id: SessionId, bytes: impl AsRef<[u8]>) -> String {
        self.types(id, bytes);
        self.read(id)
    }

    /// Lets time pass, and calls `handle_timeout` at its end.
    pub fn pass(&mut self, span: Duration) {
        self.now = self.now + span;
        self.hub.handle_timeout(self.now);
    }

    /// Takes all commands.
    pub fn commands(&mut self) -> Vec<Command> {
        std::iter::from_fn(|| self.hub.poll_command()).collect()
    }
}
