//! All connections of a run, on one thread: opening, sending, reading, and why they end.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::mem;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::audience::Audience;
pub(super) use super::connection::Role;
use super::connection::{Connection, Entry, State};
use super::form::Heard;
use super::irc;
use super::options::Target;
use super::sent::Sent;
use super::tls::CLIENT;
use super::websocket;
use super::window::Window;
use super::wire::{HEADER, Header, PROBE};
use crate::sockets::{BATCH, Interest, Poller, Ready, start_connect};
use crate::stream::Stream;

/// The connections, what is sent over them and what is received.
///
/// Connections whose input is checked come first, so that a connection's index is also its index in the audience. Among
/// them the senders come last.
#[derive(Debug)]
pub(super) struct Crowd {
    started: Instant,
    poller: Poller,
    /// Watches the connections whose input is discarded; polled only now and then.
    idle: Poller,
    /// When that was last polled.
    emptied: Instant,
    ready: Vec<Ready>,
    buffer: Box<[u8]>,
    connections: Vec<Connection>,
    counts: Counts,
    /// How many connections there are descriptors for.
    room: u64,
    /// The index of the first sender's connection.
    first_sender: usize,
    /// What was sent.
    pub(super) sent: Sent,
    /// What was received.
    pub(super) audience: Audience,
    /// How much may be sent, in a closed loop.
    pub(super) window: Option<Window>,
    /// The reasons why connections ended, and how many ended for each.
    pub(super) ended: BTreeMap<String, u64>,
}

/// Counts of connections.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Being connected.
    pub(super) connecting: usize,
    /// Connected.
    pub(super) open: usize,
    /// All that were ever connected.
    pub(super) opened: usize,
    /// Connected, but not registered yet or not in the room, in a dialect where that takes an answer of the server.
    pub(super) entering: usize,
    /// Bytes received.
    pub(super) bytes: u64,
    /// Reads that returned bytes.
    pub(super) reads: u64,
}

/// Large enough for everything that the kernel has, small enough to stay in the processor's cache.
const BUFFER: usize = 256 << 10;

/// How often the input of idle connections is discarded: so rarely that it takes this tool little processor time, but
/// often enough that their receive buffers, 128 KiB and more, rarely fill up.
const EMPTY_EVERY: Duration = Duration::from_millis(20);

impl Crowd {
    /// Makes a crowd without connections, with descriptors for `room` of them.
    ///
    /// # Errors
    ///
    /// If there is no descriptor left for epoll.
    pub(super) fn new(readers: usize, senders: usize, room: u64, sent: Sent, window: Option<u64>) -> io::Result<Self> {
        let listening = readers + senders;
        Ok(Self {
            started: Instant::now(),
            poller: Poller::new()?,
            idle: Poller::new()?,
            emptied: Instant::now(),
            ready: Vec::new(),
            buffer: vec![0; BUFFER].into(),
            connections: Vec::new(),
            counts: Counts::default(),
            room,
            first_sender: readers,
            sent,
            audience: Audience::new(listening, senders),
            window: window.map(|size| Window::new(size, listening)),
            ended: BTreeMap::new(),
        })
    }

    /// Returns the nanoseconds since the start.
    pub(super) fn now(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }

    /// Returns the counts of connections.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Returns how many connections there ever were.
    pub(super) fn len(&self) -> usize {
        self.connections.len()
    }

    /// Returns whether there never was a connection.
    pub(super) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Starts one more connection, which first asks for the name if one is given.
    pub(super) fn connect(&mut self, target: Target, from: Option<IpAddr>, role: Role, name: Option<&str>) {
        let index = self.connections.len();
        let connected = self.check_room().and_then(|()| start_connect(target.addr, from)).and_then(|stream| {
            self.poller.add(&stream, index, Interest::Writable)?;
            Ok(stream)
        });
        let (state, failure) = match connected {
            Ok(stream) => (State::Connecting { stream, is_encrypted: target.is_encrypted }, None),
            Err(error) => (State::Closed, Some(error)),
        };
        self.counts.connecting += usize::from(failure.is_none());
        self.connections.push(Connection::new(state, target, role, name));
        if let Some(error) = failure {
            self.gone(index, format!("could not connect: {error}"));
        }
    }

    fn check_room(&self) -> io::Result<()> {
        let Counts { connecting, open, .. } = self.counts;
        let has_room = ((connecting + open) as u64) < self.room;
        has_room
            .then_some(())
            .ok_or_else(|| io::Error::other("this tool may not have that many descriptors (ulimit -n)"))
    }

    /// Returns whether the connection is open.
    pub(super) fn is_open(&self, index: usize) -> bool {
        self.connections[index].is_open()
    }

    /// Returns the connection of a sender.
    pub(super) fn connection_of(&self, sender: usize) -> usize {
        self.first_sender + sender
    }

    /// Returns how many bytes a connection has not written yet.
    pub(super) fn unwritten(&self, index: usize) -> usize {
        self.connections[index].out.len()
    }

    /// Queues a sender's next message, due at that time; [`flush`](Self::flush) sends it.
    pub(super) fn say(&mut self, sender: usize, due: u64) {
        let index = self.connection_of(sender);
        let (seq, message) = self.sent.next(sender, due);
        let header = message.header;
        self.connections[index].put_message(&self.sent.wire, &header, self.sent.wire.size(seq));
        if let Some(window) = &mut self.window {
            window.publish();
            window.resolve(index, 1);
        }
    }

    /// Queues a probe, which shows to which connections the server sends messages.
    pub(super) fn probe(&mut self, sender: usize) {
        let index = self.connection_of(sender);
        let header = self.sent.wire.encode(Header { sender: PROBE, seq: 0, due: self.now() });
        self.connections[index].put_message(&self.sent.wire, &header, HEADER);
        self.flush(index);
    }

    /// Sends a line as a keepalive, unless other output is queued.
    pub(super) fn keep_alive(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        if connection.is_open() && connection.entry != Entry::Upgrading && connection.out.is_empty() {
            connection.put(connection.dialect.keepalive_line());
            self.flush(index);
        }
    }

    /// Writes as much as the socket takes.
    pub(super) fn flush(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        let State::Open { stream, waits_for_room } = &mut connection.state else { return };
        let (mut written, mut failure) = (0, None);
        while written < connection.out.len() {
            match stream.write(&connection.out[written..]) {
                Ok(len) => written += len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        connection.out.drain(..written);
        let is_done = connection.out.is_empty() && !stream.send_pending();
        if is_done == *waits_for_room && failure.is_none() {
            let interest = if is_done { Interest::Readable } else { Interest::Both };
            let poller = if connection.role == Role::Idle { &self.idle } else { &self.poller };
            failure = poller.change(stream.socket(), index, interest).err();
            *waits_for_room = !is_done;
        }
        if let Some(error) = failure {
            self.failed(index, &error);
        }
    }

    /// Waits for sockets for at most `timeout`, and handles those that are ready.
    ///
    /// # Errors
    ///
    /// If epoll fails.
    pub(super) fn turn(&mut self, timeout: Duration) -> io::Result<()> {
        let mut ready = mem::take(&mut self.ready);
        self.poller.wait(&mut ready, timeout)?;
        self.serve(&ready);
        if self.emptied.elapsed() >= EMPTY_EVERY {
            // Poll until every connection has been handled once.
            for _ in 0..=self.counts.open / BATCH {
                self.idle.wait(&mut ready, Duration::ZERO)?;
                self.serve(&ready);
                if ready.is_empty() {
                    break;
                }
            }
            self.emptied = Instant::now();
        }
        self.ready = ready;
        Ok(())
    }

    /// Handles sockets that are ready.
    fn serve(&mut self, ready: &[Ready]) {
        for Ready { token, readable, writable } in ready.iter().copied() {
            match self.connections[token].state {
                State::Connecting { .. } => self.connected(token),
                State::Open { .. } => {
                    if writable {
                        self.flush(token);
                    }
                    if readable {
                        self.read(token);
                    }
                }
                State::Closed => {}
            }
        }
    }

    /// Handles the result of connecting.
    fn connected(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        let State::Connecting { stream, is_encrypted } = mem::replace(&mut connection.state, State::Closed) else {
            return;
        };
        self.counts.connecting -= 1;
        let outcome = match stream.take_error() {
            Ok(None) if connection.role == Role::Idle => {
                self.poller.remove(&stream).and_then(|()| self.idle.add(&stream, index, Interest::Readable))
            }
            Ok(None) => self.poller.change(&stream, index, Interest::Readable),
            Ok(Some(error)) | Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => {
                let tls = is_encrypted.then(|| CLIENT.clone());
                connection.state = State::Open { stream: Stream::new(stream.into(), tls), waits_for_room: false };
                self.counts.open += 1;
                self.counts.opened += 1;
                self.counts.entering += usize::from(connection.entry != Entry::Done);
                connection.begin();
                self.flush(index);
            }
            Err(error) => self.gone(index, format!("could not connect: {error}")),
        }
    }

    fn read(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        let State::Open { stream, .. } = &mut connection.state else { return };
        let begun = connection.begun.len();
        self.buffer[..begun].copy_from_slice(&connection.begun);
        match stream.read(&mut self.buffer[begun..]) {
            Ok(0) => {
                let reason = connection.told.take().unwrap_or_else(|| "closed without a word".to_owned());
                self.close(index, reason);
            }
            Ok(len) => {
                self.counts.bytes += len as u64;
                self.counts.reads += 1;
                self.take(index, begun + len);
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => self.failed(index, &error),
        }
    }

    /// Handles the first `len` bytes of the buffer, which a connection received.
    fn take(&mut self, index: usize, len: usize) {
        let now = self.now();
        let connection = &mut self.connections[index];
        let mut bytes = &self.buffer[..len];
        let has_upgraded = connection.entry == Entry::Upgrading;
        if has_upgraded {
            match websocket::upgraded(bytes) {
                Ok(Some(head)) => bytes = &bytes[head..],
                Ok(None) => {
                    connection.begun = bytes.to_vec();
                    return;
                }
                Err(reason) => return self.close(index, reason),
            }
            connection.upgraded();
            self.counts.entering -= usize::from(connection.entry == Entry::Done);
        }
        let (used, heard) = match connection.role {
            Role::Listens => {
                let form = (connection.dialect, connection.transport);
                let scanned = self.audience.read(index, form, bytes, &self.sent, now);
                if let Some(window) = &mut self.window {
                    window.resolve(index, scanned.resolved);
                }
                (scanned.used, scanned.heard)
            }
            Role::Idle => {
                let mut heard = Heard::default();
                let used = connection.dialect.hear_last(connection.transport, bytes, &mut heard);
                (used, heard)
            }
        };
        connection.begun.clear();
        // A line that does not fit is not of this run.
        let rest = &bytes[used..];
        connection.begun.extend_from_slice(if rest.len() < BUFFER { rest } else { &[] });
        if heard != Heard::default() {
            self.hear(index, heard);
        } else if has_upgraded {
            self.flush(index);
        }
    }

    /// Does what a session has to do about what it was told.
    fn hear(&mut self, index: usize, heard: Heard) {
        let connection = &mut self.connections[index];
        connection.told = heard.told.or(connection.told.take());
        connection.put(&heard.answer);
        let before = connection.entry;
        if heard.is_registered && before == Entry::Registering {
            // Who is silent has nothing to say in a channel, and thousands of joins would be told to thousands.
            let joins = connection.role == Role::Listens;
            connection.entry = if joins { Entry::Joining } else { Entry::Done };
            connection.put(if joins { irc::JOIN } else { b"" });
        }
        if heard.has_joined {
            connection.entry = Entry::Done;
        }
        if before != Entry::Done && connection.entry == Entry::Done {
            self.counts.entering -= 1;
        }
        self.flush(index);
    }

    fn failed(&mut self, index: usize, error: &io::Error) {
        let told = self.connections[index].told.take();
        self.close(index, told.unwrap_or_else(|| error.to_string()));
    }

    fn close(&mut self, index: usize, reason: String) {
        let connection = &mut self.connections[index];
        connection.state = State::Closed;
        self.counts.open -= 1;
        self.counts.entering -= usize::from(connection.entry != Entry::Done);
        connection.entry = Entry::Done;
        self.gone(index, reason);
    }

    /// Counts a connection that has ended or could not be opened.
    fn gone(&mut self, index: usize, reason: String) {
        let connection = &mut self.connections[index];
        connection.begun = Vec::new();
        connection.out = Vec::new();
        if let (Role::Listens, Some(window)) = (connection.role, &mut self.window) {
            window.remove(index);
        }
        *self.ended.entry(reason).or_default() += 1;
    }
}
