//! The chat on one thread: a poller, non-blocking sockets, and the hub.
//!
//! ```console
//! $ cargo run --example poller                             # text on 127.0.0.1:4000, classic on 127.0.0.1:4001
//! $ cargo run --example poller -- 127.0.0.1:0 127.0.0.1:0  # on any two ports
//! ```
//!
//! It serves until its input ends (Ctrl-D), and then shuts down in order.
//!
//! Mio tells once that a socket is ready, and not again before an operation has found that it no longer is. So sockets
//! are registered once and for all: one whose input the hub leaves untaken is just not read from.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::error::Error;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::mem;
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use chat_proto::{Command, Config, DialectId, Hub, Pending, SessionId, Timestamp};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use socket2::SockRef;

/// The most bytes read at once; also the most kept for a session whose input the hub leaves untaken.
const READ: usize = 16 << 10;

/// Bytes that the system is asked to keep for a peer.
const WRITE_BUFFER: usize = 128 << 10;

/// How long accepting rests when descriptors have run out.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a peer has to read its last words and to close its half. A socket that is closed before is reset if the
/// peer still sends, and the words may be lost.
const LINGER: Duration = Duration::from_secs(1);

/// The waker's key. Listeners and connections are numbered from 1 on, and no number is used twice.
const WAKE: Token = Token(usize::MAX);

/// A server that is one loop on one thread.
pub(crate) struct Server {
    hub: Hub,
    started: Instant,
    poll: Poll,
    handle: Handle,
    calls: Receiver<Call>,
    last_key: usize,
    listeners: HashMap<Token, (TcpListener, DialectId)>,
    connections: HashMap<Token, Connection>,
    /// Which connection a session has.
    keys: HashMap<SessionId, Token>,
    /// Connections worth reading from.
    readable: BTreeSet<Token>,
    /// Connections whose session is over, and when they are cut.
    lingering: VecDeque<(Timestamp, Token)>,
    /// When accepting goes on, while it rests.
    accept_at: Option<Timestamp>,
    buffer: Box<[u8]>,
}

struct Connection {
    stream: TcpStream,
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
            hub,
            started: Instant::now(),
            poll,
            handle: Handle { calls: sender, waker },
            calls,
            last_key: 0,
            listeners: HashMap::new(),
            connections: HashMap::new(),
            keys: HashMap::new(),
            readable: BTreeSet::new(),
            lingering: VecDeque::new(),
            accept_at: None,
            buffer: vec![0; READ].into(),
        })
    }

    /// Listens for peers that speak `dialect`; returns the address with its real port.
    pub(crate) fn listen(&mut self, dialect: &str, addr: SocketAddr) -> io::Result<SocketAddr> {
        let dialect = self
            .hub
            .dialect(dialect)
            .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, format!("no dialect {dialect} is configured")))?;
        let mut listener = TcpListener::bind(addr)?;
        // What it accepts has the same. If the system may keep megabytes for a peer, that takes bytes again in large steps,
        // and looks as if it did not keep pace.
        SockRef::from(&listener).set_send_buffer_size(WRITE_BUFFER)?;
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
        while !self.hub.is_closed() || !self.connections.is_empty() {
            match self.poll.poll(&mut events, self.patience()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            let now = self.now();
            self.keep_time(now);
            for event in &events {
                match event.token() {
                    WAKE => {
                        for call in self.calls.try_iter() {
                            call(&mut self.hub, now);
                        }
                    }
                    key if self.listeners.contains_key(&key) => self.accept(key, now),
                    key => {
                        if event.is_writable()
                            && let Some(connection) = self.connections.get(&key).filter(|it| it.blocked)
                        {
                            if let Some(id) = connection.session {
                                self.hub.writable(now, id);
                            }
                            self.write(key, now);
                        }
                        if event.is_error() || event.is_read_closed() {
                            self.look_for_the_end(key, event.is_error(), now);
                        }
                        if event.is_readable() {
                            self.readable.insert(key);
                        }
                    }
                }
            }
            // Once each: nobody who sends without end keeps the others waiting.
            for key in mem::take(&mut self.readable) {
                self.read(key, now);
            }
            self.carry_out(now);
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

    /// How long to wait for events; `None` for ever.
    fn patience(&self) -> Option<Duration> {
        if !self.readable.is_empty() {
            return Some(Duration::ZERO);
        }
        let lingering = self.lingering.front().map(|(until, _)| *until);
        let next = [self.hub.poll_timeout(), lingering, self.accept_at].into_iter().flatten().min();
        next.map(|next| next.saturating_duration_since(self.now()))
    }

    /// Does what time has brought.
    fn keep_time(&mut self, now: Timestamp) {
        self.hub.handle_timeout(now);
        while let Some(&(until, key)) = self.lingering.front()
            && until <= now
        {
            self.lingering.pop_front();
            self.connections.remove(&key);
        }
        if self.accept_at.take_if(|at| *at <= now).is_some() {
            for key in self.listeners.keys().copied().collect::<Vec<_>>() {
                self.accept(key, now);
            }
        }
        if self.hub.is_closed() {
            self.listeners.clear();
        }
    }

    /// Lets in all who wait at a listener.
    fn accept(&mut self, key: Token, now: Timestamp) {
        while let Some((listener, dialect)) = self.listeners.get(&key) {
            let dialect = *dialect;
            match listener.accept() {
                Ok((stream, _)) => self.admit(stream, dialect, now),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // Of that one peer only.
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                // Out of descriptors or memory. Those who wait stay in the kernel's queue.
                Err(_) => return self.accept_at = Some(now + PAUSE),
            }
        }
    }

    /// Opens a session for a connection, or tells its peer why there is none.
    fn admit(&mut self, mut stream: TcpStream, dialect: DialectId, now: Timestamp) {
        let key = self.next_key();
        let interest = Interest::READABLE | Interest::WRITABLE;
        if stream.set_nodelay(true).and_then(|()| self.poll.registry().register(&mut stream, key, interest)).is_err() {
            // Out of memory, most likely. The peer finds itself disconnected.
            return;
        }
        let session = match self.hub.open(now, dialect) {
            Ok(id) => {
                self.keys.insert(id, key);
                Some(id)
            }
            Err(error) => {
                let mut words = Vec::new();
                self.hub.refusal(dialect, error, &mut words);
                // A courtesy: a new socket has room for a line.
                let _ = stream.write(&words);
                None
            }
        };
        self.connections.insert(key, Connection { stream, session, untaken: Vec::new(), blocked: false, ended: false });
        if session.is_none() {
            self.hang_up(key, now);
        }
    }

    /// Tells the hub of a peer that has gone, or has ended while its input is left untaken; else reading finds it out.
    fn look_for_the_end(&mut self, key: Token, failed: bool, now: Timestamp) {
        let Some(connection) = self.connections.get_mut(&key) else { return };
        connection.ended = true;
        match connection.session {
            Some(id) if failed => self.hub.disconnect(now, id),
            Some(id) if !connection.untaken.is_empty() => self.hub.peer_ended(now, id),
            _ => {}
        }
    }

    /// Reads once, and offers what came to the hub.
    fn read(&mut self, key: Token, now: Timestamp) {
        let Some(connection) = self.connections.get_mut(&key) else { return };
        if !connection.untaken.is_empty() {
            return;
        }
        match (connection.stream.read(&mut self.buffer), connection.session) {
            (Ok(0), Some(id)) => self.hub.receive_eof(now, id),
            (Ok(n @ 1..), session) => {
                let taken = session.map_or(n, |id| self.hub.receive(now, id, &self.buffer[..n]));
                connection.untaken.extend_from_slice(&self.buffer[taken..n]);
                if let Some(id) = session.filter(|_| connection.ended && !connection.untaken.is_empty()) {
                    self.hub.peer_ended(now, id);
                }
                self.readable.insert(key);
            }
            (Err(error), _) if error.kind() == ErrorKind::WouldBlock => {}
            (Err(error), _) if error.kind() == ErrorKind::Interrupted => drop(self.readable.insert(key)),
            (Err(_), Some(id)) => self.hub.disconnect(now, id),
            (_, None) => drop(self.connections.remove(&key)),
        }
    }

    /// Does all that the hub asks for.
    fn carry_out(&mut self, now: Timestamp) {
        while let Some(command) = self.hub.poll_command() {
            let (Command::Send(id) | Command::Read(id) | Command::Close(id, _)) = command;
            let Some(&key) = self.keys.get(&id) else { continue };
            match command {
                Command::Send(_) => self.write(key, now),
                Command::Read(_) => {
                    if let Some(connection) = self.connections.get_mut(&key) {
                        let taken = self.hub.receive(now, id, &connection.untaken);
                        connection.untaken = connection.untaken.split_off(taken);
                        self.readable.insert(key);
                    }
                }
                Command::Close(..) => {
                    self.keys.remove(&id);
                    self.hang_up(key, now);
                }
            }
        }
    }

    /// Writes what its session has pending, until that is all or the socket takes no more.
    fn write(&mut self, key: Token, now: Timestamp) {
        let Some(connection) = self.connections.get_mut(&key) else { return };
        let Some(id) = connection.session else { return };
        connection.blocked = false;
        loop {
            let pending = self.hub.pending(id);
            let mut slices = [IoSlice::new(&[]); Pending::MAX_SLICES];
            for (slice, pending) in slices.iter_mut().zip(pending.slices()) {
                *slice = IoSlice::new(pending);
            }
            let len = pending.len();
            match connection.stream.write_vectored(&slices[..pending.slices().len()]) {
                Ok(n) => {
                    self.hub.sent(now, id, n);
                    if n == len {
                        // If there is more, another `Send` says so.
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return connection.blocked = true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return self.hub.disconnect(now, id),
            }
        }
    }

    /// Closes our half of a connection, and the rest when the peer has closed its own, or soon.
    fn hang_up(&mut self, key: Token, now: Timestamp) {
        let Some(connection) = self.connections.get_mut(&key) else { return };
        // It fails if the peer has reset the connection, which reading will tell.
        let _ = connection.stream.shutdown(Shutdown::Write);
        connection.session = None;
        connection.untaken = Vec::new();
        self.readable.insert(key);
        self.lingering.push_back((now + LINGER, key));
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
