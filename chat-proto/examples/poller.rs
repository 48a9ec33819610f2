//! The chat on one thread: a poller, non-blocking sockets, and the hub.
//!
//! ```console
//! $ cargo run --example poller                             # text on 127.0.0.1:4000, classic on 127.0.0.1:4001
//! $ cargo run --example poller -- 127.0.0.1:0 127.0.0.1:0  # on any two ports
//! ```
//!
//! It serves until its input ends (Ctrl-D), and then shuts down in order. What any server needs is in the driver kit,
//! [`chat_proto::driver`]; its loops are one loop here.
//!
//! Mio reports once that a socket is ready, and not again before an operation has found it not ready. So sockets are
//! registered once; a socket whose input the hub leaves untaken is simply not read.

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use chat_proto::driver::{ConnectedHub, Round, SOCKET_BUFFER};
use chat_proto::{Config, DialectId, Hub, SessionId, Timestamp};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use socket2::SockRef;

/// The most bytes read at once, and the most kept for a session whose input the hub leaves untaken.
const READ: usize = 16 << 10;

/// The waker's key. Listeners and connections are numbered from 1, and no number is reused.
const WAKE: Token = Token(usize::MAX);

/// A server that is one loop on one thread.
pub(crate) struct Server {
    hub: ConnectedHub<Socket>,
    round: Round<Socket>,
    started: Instant,
    poll: Poll,
    handle: Handle,
    calls: Receiver<Call>,
    last_key: usize,
    listeners: HashMap<Token, (TcpListener, DialectId)>,
    connections: HashMap<Token, Connection>,
    /// Connections that may have input to read.
    readable: BTreeSet<Token>,
    /// When accepting resumes after a failure.
    accept_at: Option<Timestamp>,
    buffer: Box<[u8]>,
}

/// The hub's handle on a connection.
struct Socket {
    key: Token,
    stream: TcpStream,
}

struct Connection {
    socket: Arc<Socket>,
    /// `None` when the session is over: further input is dropped.
    session: Option<SessionId>,
    /// Input that the hub left; no more is read until the hub has taken it.
    untaken: Vec<u8>,
    /// The socket takes no more for now.
    blocked: bool,
    /// Its peer sends no more than what is still to be read.
    ended: bool,
}

/// Calls the server's hub from other threads.
#[derive(Clone)]
pub(crate) struct Handle {
    calls: Sender<Call>,
    waker: Arc<Waker>,
}

type Call = Box<dyn FnOnce(&mut Hub, Timestamp) + Send>;

impl Handle {
    /// Makes the server call `call` soon. If the server has ended, the call is dropped.
    pub(crate) fn call(&self, call: impl FnOnce(&mut Hub, Timestamp) + Send + 'static) {
        if self.calls.send(Box::new(call)).is_ok() {
            // It fails only if the server ends at this moment.
            let _ = self.waker.wake();
        }
    }
}

impl Server {
    /// Makes a server that listens nowhere yet.
    pub(crate) fn new(hub: Hub) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let (sender, calls) = channel();
        Ok(Self {
            hub: ConnectedHub::new(hub),
            round: Round::new(),
            started: Instant::now(),
            poll,
            handle: Handle { calls: sender, waker },
            calls,
            last_key: 0,
            listeners: HashMap::new(),
            connections: HashMap::new(),
            readable: BTreeSet::new(),
            accept_at: None,
            buffer: vec![0; READ].into(),
        })
    }

    /// Listens for peers that speak `dialect`; returns the address with its real port.
    pub(crate) fn listen(&mut self, dialect: &str, addr: SocketAddr) -> io::Result<SocketAddr> {
        let dialect = self.hub.dialect(dialect).map_err(|unknown| io::Error::new(ErrorKind::InvalidInput, unknown))?;
        let mut listener = TcpListener::bind(addr)?;
        // Accepted sockets inherit this.
        SockRef::from(&listener).set_send_buffer_size(SOCKET_BUFFER)?;
        let addr = listener.local_addr()?;
        let key = self.next_key();
        self.poll.registry().register(&mut listener, key, Interest::READABLE)?;
        self.listeners.insert(key, (listener, dialect));
        Ok(addr)
    }

    /// Returns a handle for other threads.
    pub(crate) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Serves until the hub was shut down and every connection is closed.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1_024);
        while !self.hub.hub().is_closed() || !self.connections.is_empty() {
            let wait = self.keep_time();
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            let now = self.now();
            for event in &events {
                match event.token() {
                    WAKE => {
                        for call in self.calls.try_iter() {
                            call(self.hub.hub_mut(), now);
                        }
                    }
                    key if self.listeners.contains_key(&key) => self.accept(key, now),
                    key => {
                        let Some(connection) = self.connections.get_mut(&key) else { continue };
                        connection.ended |= event.is_read_closed();
                        self.readable.insert(key);
                        let Some(id) = connection.session else { continue };
                        if event.is_error() {
                            self.hub.hub_mut().disconnect(now, id);
                        }
                        if event.is_writable() && mem::take(&mut connection.blocked) {
                            self.hub.note_writable(now, id);
                        }
                    }
                }
            }
            // Once each, so that a peer that sends without end keeps no other waiting.
            for key in mem::take(&mut self.readable) {
                self.read(key, now);
            }
            self.write();
        }
        Ok(())
    }

    fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.started.elapsed()
    }

    fn next_key(&mut self) -> Token {
        self.last_key += 1;
        Token(self.last_key)
    }

    /// Does timed work, and returns how long to wait for events; `None` is for ever.
    fn keep_time(&mut self) -> Option<Duration> {
        let now = self.now();
        let due = self.hub.handle_timeout(now);
        for socket in due.expired {
            self.connections.remove(&socket.key);
        }
        // `due.paused` needs no check: mio reports peers that end.
        if self.accept_at.take_if(|at| *at <= now).is_some() {
            for key in self.listeners.keys().copied().collect::<Vec<_>>() {
                self.accept(key, now);
            }
        }
        if self.hub.hub().is_closed() {
            self.listeners.clear();
        }
        if !self.readable.is_empty() || self.hub.has_work() {
            return Some(Duration::ZERO);
        }
        let rest = self.accept_at.map(|at| at.saturating_duration_since(now));
        [due.wait, rest].into_iter().flatten().min()
    }

    /// Accepts all connections that wait at a listener.
    fn accept(&mut self, key: Token, now: Timestamp) {
        while let Some((listener, dialect)) = self.listeners.get(&key) {
            let dialect = *dialect;
            match listener.accept() {
                Ok((stream, peer)) => self.admit(stream, peer, dialect, now),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // Concerns that one peer only.
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                // Out of descriptors or memory. Waiting connections stay in the kernel's queue.
                Err(error) => return self.accept_at = Some(now + self.hub.accept_failed(now, error)),
            }
        }
    }

    /// Opens a session for a connection, or sends its peer the reason for the refusal.
    fn admit(&mut self, mut stream: TcpStream, peer: SocketAddr, dialect: DialectId, now: Timestamp) {
        let key = self.next_key();
        let interest = Interest::READABLE | Interest::WRITABLE;
        if stream.set_nodelay(true).and_then(|()| self.poll.registry().register(&mut stream, key, interest)).is_err() {
            // Out of memory, most likely. The peer sees a disconnect.
            return;
        }
        let socket = Arc::new(Socket { key, stream });
        let opened = self.hub.open(now, dialect, Some(peer), &socket);
        if let Err(refusal) = &opened {
            // A new socket has room for a line.
            let _ = socket.write(&refusal.words);
            socket.end_output();
        }
        let connection = Connection { socket, session: opened.ok(), untaken: Vec::new(), blocked: false, ended: false };
        self.connections.insert(key, connection);
    }

    /// Reads once, unless input is left, and offers the input to the hub.
    fn read(&mut self, key: Token, now: Timestamp) {
        let Some(connection) = self.connections.get_mut(&key) else { return };
        if connection.untaken.is_empty() {
            match ((&connection.socket.stream).read(&mut self.buffer), connection.session) {
                (Ok(n @ 1..), Some(_)) => connection.untaken.extend_from_slice(&self.buffer[..n]),
                (Ok(1..), None) => {}
                (Err(error), _) if error.kind() == ErrorKind::WouldBlock => return,
                (Err(error), _) if error.kind() == ErrorKind::Interrupted => {}
                (Ok(0), Some(id)) => return self.hub.hub_mut().receive_eof(now, id),
                (Err(_), Some(id)) => return self.hub.hub_mut().disconnect(now, id),
                (_, None) => return drop(self.connections.remove(&key)),
            }
        }
        if let Some(id) = connection.session.filter(|id| !self.hub.is_paused(*id)) {
            let taken = self.hub.receive(now, id, &connection.untaken);
            connection.untaken = connection.untaken.split_off(taken);
        }
        match connection.session {
            Some(id) if !connection.untaken.is_empty() => {
                if connection.ended {
                    self.hub.hub_mut().peer_ended(now, id);
                }
            }
            _ => drop(self.readable.insert(key)),
        }
    }

    /// Carries out the hub's commands.
    fn write(&mut self) {
        loop {
            let now = self.now();
            if !self.round.report_and_gather(&mut self.hub, now) {
                return;
            }
            for (_, socket) in self.round.drain_blocked() {
                if let Some(connection) = self.connections.get_mut(&socket.key) {
                    connection.blocked = true;
                }
            }
            self.readable.extend(self.round.drain_resumed().map(|socket| socket.key));
            for (socket, _) in self.round.drain_closed() {
                socket.end_output();
                if let Some(connection) = self.connections.get_mut(&socket.key) {
                    connection.session = None;
                    connection.untaken = Vec::new();
                }
                self.readable.insert(socket.key);
            }
            self.round.write(Socket::write);
        }
    }
}

impl Socket {
    /// Writes until all is written or the socket is full; only then does mio report when it is writable again.
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < bytes.len() {
            match (&self.stream).write(&bytes[written..]) {
                Ok(n) => written += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }

    /// Shuts down our half. If this fails because the peer has reset the connection, reading finds that out.
    fn end_output(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut server = Server::new(Hub::new(Config::default())?)?;
    let mut addrs = std::env::args().skip(1);
    for (dialect, default) in [("text", "127.0.0.1:4000"), ("classic", "127.0.0.1:4001")] {
        let addr = addrs.next().unwrap_or_else(|| default.into());
        println!("listening {dialect} {}", server.listen(dialect, addr.parse()?)?);
    }
    let handle = server.handle();
    thread::spawn(move || {
        // Even if reading fails, the input has ended.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        handle.call(Hub::shut_down);
    });
    server.run()?;
    Ok(())
}
