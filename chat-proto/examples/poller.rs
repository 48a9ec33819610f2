//! The chat on one thread: a poller, non-blocking sockets, and the hub.
//!
//! ```console
//! $ cargo run --example poller                             # text on 127.0.0.1:4000, classic on 127.0.0.1:4001
//! $ cargo run --example poller -- 127.0.0.1:0 127.0.0.1:0  # on any two ports
//! ```
//!
//! It serves until its input ends (Ctrl-D), and then shuts down in order. What any server needs is in the driver kit,
//! [`chat_proto::driver`]; its loops are one here.
//!
//! Mio tells once that a socket is ready, and not again before an operation has found that it no longer is. So sockets
//! are registered once and for all: one whose input the hub leaves untaken is just not read from.

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

/// The most bytes read at once; also the most kept for a session whose input the hub leaves untaken.
const READ: usize = 16 << 10;

/// The waker's key. Listeners and connections are numbered from 1 on, and no number is used twice.
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
    /// Connections worth reading from.
    readable: BTreeSet<Token>,
    /// When accepting goes on, while it rests.
    accept_at: Option<Timestamp>,
    buffer: Box<[u8]>,
}

/// What the hub knows a connection by.
struct Socket {
    key: Token,
    stream: TcpStream,
}

struct Connection {
    socket: Arc<Socket>,
    /// `None` when it is over: what still comes is dropped.
    session: Option<SessionId>,
    /// What the hub has left; no more is read until it has taken this.
    untaken: Vec<u8>,
    /// The socket takes no more for now.
    blocked: bool,
    /// Its peer sends no more than what has not been read yet.
    ended: bool,
}

/// Speaks to the server's hub from other threads.
#[derive(Clone)]
pub(crate) struct Handle {
    calls: Sender<Call>,
    waker: Arc<Waker>,
}

type Call = Box<dyn FnOnce(&mut Hub, Timestamp) + Send>;

impl Handle {
    /// Has the server make a call soon. It is dropped instead if the server has ended.
    pub(crate) fn call(&self, call: impl FnOnce(&mut Hub, Timestamp) + Send + 'static) {
        if self.calls.send(Box::new(call)).is_ok() {
            // It fails only if the server ends in this moment.
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
        // What it accepts has the same.
        SockRef::from(&listener).set_send_buffer_size(SOCKET_BUFFER)?;
        let addr = listener.local_addr()?;
        let key = self.next_key();
        self.poll.registry().register(&mut listener, key, Interest::READABLE)?;
        self.listeners.insert(key, (listener, dialect));
        Ok(addr)
    }

    /// Returns what other threads speak to the server by.
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
            // Once each: nobody who sends without end keeps the others waiting.
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

    /// Does what time has brought, and returns how long to wait for events; `None` for ever.
    fn keep_time(&mut self) -> Option<Duration> {
        let now = self.now();
        let due = self.hub.handle_timeout(now);
        for socket in due.expired {
            self.connections.remove(&socket.key);
        }
        // No need to look at `due.paused`: mio has told whose peers have ended.
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

    /// Lets in all who wait at a listener.
    fn accept(&mut self, key: Token, now: Timestamp) {
        while let Some((listener, dialect)) = self.listeners.get(&key) {
            let dialect = *dialect;
            match listener.accept() {
                Ok((stream, peer)) => self.admit(stream, peer, dialect, now),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // Of that one peer only.
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                // Out of descriptors or memory. Those who wait stay in the kernel's queue.
                Err(error) => return self.accept_at = Some(now + self.hub.accept_failed(now, error)),
            }
        }
    }

    /// Opens a session for a connection, or tells its peer why there is none.
    fn admit(&mut self, mut stream: TcpStream, peer: SocketAddr, dialect: DialectId, now: Timestamp) {
        let key = self.next_key();
        let interest = Interest::READABLE | Interest::WRITABLE;
        if stream.set_nodelay(true).and_then(|()| self.poll.registry().register(&mut stream, key, interest)).is_err() {
            // Out of memory, most likely. The peer finds itself disconnected.
            return;
        }
        let socket = Arc::new(Socket { key, stream });
        let opened = self.hub.open(now, dialect, Some(peer), &socket);
        if let Err(refusal) = &opened {
            // A courtesy: a new socket has room for a line.
            let _ = socket.write(&refusal.words);
            socket.end_output();
        }
        let connection = Connection { socket, session: opened.ok(), untaken: Vec::new(), blocked: false, ended: false };
        self.connections.insert(key, connection);
    }

    /// Reads once, unless the hub has left something, and offers what there is to the hub.
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

    /// Does all that the hub asks for.
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
    /// Writes until that is all or the socket takes no more; only then does mio tell when it takes bytes again.
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

    /// Shuts down our half. It fails if the peer has reset the connection, which reading will tell.
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
        // Whatever ends it, it has ended.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        handle.call(Hub::shut_down);
    });
    server.run()?;
    Ok(())
}
