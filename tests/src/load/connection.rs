//! One connection of a run: how far it has come, and what it is to send.

use std::mem;
use std::net::TcpStream;

use super::dialect::{Dialect, Transport};
use super::options::Target;
use super::websocket;
use super::wire::{Encoded, Wire};
use crate::stream::Stream;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Its input is checked.
    Listens,
    /// Its input is discarded, and it joins no channel.
    Idle,
}

/// How far a session has come, where it must upgrade to WebSocket, register or join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Upgrading,
    Registering,
    Joining,
    Done,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) state: State,
    pub(super) role: Role,
    pub(super) dialect: Dialect,
    pub(super) transport: Transport,
    pub(super) entry: Entry,
    /// What it sends first in its dialect, until it has.
    pub(super) first_lines: Vec<u8>,
    /// The start of a line that is not complete yet.
    pub(super) begun: Vec<u8>,
    /// Bytes to be written.
    pub(super) out: Vec<u8>,
    /// The bytes before the text in its lines.
    pub(super) line_start: Vec<u8>,
    /// The last notice to it.
    pub(super) told: Option<String>,
}

#[derive(Debug)]
pub(super) enum State {
    Connecting { stream: TcpStream, is_encrypted: bool },
    Open { stream: Stream, waits_for_room: bool },
    Closed,
}

impl Entry {
    /// Returns where a session begins in a dialect.
    fn first(dialect: Dialect) -> Self {
        if dialect.needs_names() { Self::Registering } else { Self::Done }
    }
}

impl Connection {
    /// Makes a connection, which first asks for the name if one is given.
    pub(super) fn new(state: State, target: Target, role: Role, name: Option<&str>) -> Self {
        let Target { dialect, transport, addr, .. } = target;
        let (entry, out) = match transport {
            Transport::WebSocket => (Entry::Upgrading, websocket::request(addr)),
            Transport::Lines => (Entry::first(dialect), Vec::new()),
        };
        Self {
            state,
            role,
            dialect,
            transport,
            entry,
            first_lines: name.map(|name| dialect.name_line(name)).unwrap_or_default(),
            begun: Vec::new(),
            out,
            line_start: name.map(|name| dialect.line_start(name)).unwrap_or_default(),
            told: None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// Queues what comes first, once it is connected.
    pub(super) fn begin(&mut self) {
        if self.entry != Entry::Upgrading {
            self.put_first_lines();
        }
    }

    /// Queues what comes first once it is a WebSocket.
    pub(super) fn upgraded(&mut self) {
        self.entry = Entry::first(self.dialect);
        self.put_first_lines();
    }

    /// Queues lines.
    pub(super) fn put(&mut self, lines: &[u8]) {
        let start = self.out.len();
        self.out.extend_from_slice(lines);
        self.wrap(start);
    }

    /// Queues the lines that come first.
    fn put_first_lines(&mut self) {
        let lines = mem::take(&mut self.first_lines);
        self.put(&lines);
    }

    /// Queues a message of that size.
    pub(super) fn put_message(&mut self, wire: &Wire, header: &Encoded, size: usize) {
        let start = self.out.len();
        self.out.extend_from_slice(&self.line_start);
        self.dialect.write_words(wire, header, size, &mut self.out);
        self.wrap(start);
    }

    fn wrap(&mut self, start: usize) {
        if self.transport == Transport::WebSocket {
            websocket::wrap(&mut self.out, start);
        }
    }
}
