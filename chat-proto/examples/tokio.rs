//! The chat on tokio: a task for each connection, and the hub behind a lock.
//!
//! ```console
//! $ cargo run --example tokio                             # text on 127.0.0.1:4000, classic on 127.0.0.1:4001
//! $ cargo run --example tokio -- 127.0.0.1:0 127.0.0.1:0  # on any two ports
//! ```
//!
//! It serves until its input ends (Ctrl-D), and then shuts down in order.
//!
//! Everybody calls the hub through one function, [`Shared::call`], which passes the hub's commands on to the tasks that
//! carry them out. Nothing is written under the lock: what a session is to be sent is copied into a [`Batch`].

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use chat_proto::{Batch, Command, Config, DialectId, Hub, SessionId, Timestamp};
use socket2::SockRef;
use tokio::io::{AsyncWriteExt as _, Interest, Ready};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// The most bytes read at once; also the most kept for a session whose input the hub leaves untaken.
const READ: usize = 8 << 10;

/// About the most bytes written at once.
const WRITE: usize = 64 << 10;

/// How long accepting rests when descriptors have run out.
const PAUSE: Duration = Duration::from_millis(100);

/// How often a peer from whom nothing is read is asked whether it is still there.
const ASK: Duration = Duration::from_millis(500);

/// How long a peer has to read its last words and to close its half. A socket that is closed before is reset if the
/// peer still sends, and the words may be lost.
const LINGER: Duration = Duration::from_secs(1);

/// A session has at most one command of each kind outstanding, so that there is always room for one more.
const COMMANDS: usize = 3;

/// A server on whatever runtime runs it.
pub(crate) struct Server {
    shared: Arc<Shared>,
    listeners: Vec<(TcpListener, DialectId)>,
}

/// Speaks to the server's hub from anywhere.
#[derive(Clone)]
pub(crate) struct Handle(Arc<Shared>);

struct Shared {
    started: Instant,
    state: Mutex<State>,
    /// Told when the next deadline is another.
    rearm: Notify,
    /// Whether the hub was shut down and every session is over.
    closed: watch::Sender<bool>,
}

struct State {
    hub: Hub,
    /// The way to each session's task.
    tasks: HashMap<SessionId, mpsc::Sender<Command>>,
    /// Batches that nobody writes from just now. Who takes the last one may find in it what it needs.
    batches: Vec<Batch>,
}

impl Handle {
    /// Calls the hub.
    pub(crate) fn call<R>(&self, call: impl FnOnce(&mut Hub, Timestamp) -> R) -> R {
        self.0.call(|state, now| call(&mut state.hub, now))
    }
}

impl Server {
    /// Makes a server that listens nowhere yet.
    pub(crate) fn new(hub: Hub) -> Self {
        let state = State { hub, tasks: HashMap::new(), batches: Vec::new() };
        let shared = Shared {
            started: Instant::now(),
            state: Mutex::new(state),
            rearm: Notify::new(),
            closed: watch::Sender::new(false),
        };
        Self { shared: Arc::new(shared), listeners: Vec::new() }
    }

    /// Listens for peers that speak `dialect`; returns the address with its real port.
    pub(crate) async fn listen(&mut self, dialect: &str, addr: SocketAddr) -> io::Result<SocketAddr> {
        let dialect = self
            .shared
            .call(|state, _| state.hub.dialect(dialect))
            .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, format!("no dialect {dialect} is configured")))?;
        let listener = TcpListener::bind(addr).await?;
        // What it accepts has the same. If the system may keep megabytes for a peer, that takes bytes again in large steps,
        // and looks as if it did not keep pace.
        SockRef::from(&listener).set_send_buffer_size(2 * WRITE)?;
        let addr = listener.local_addr()?;
        self.listeners.push((listener, dialect));
        Ok(addr)
    }

    /// Returns what others speak to the server by.
    pub(crate) fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.shared))
    }

    /// Serves until the hub was shut down and every connection is closed.
    pub(crate) async fn run(self) {
        let mut tasks = JoinSet::new();
        for (listener, dialect) in self.listeners {
            tasks.spawn(Arc::clone(&self.shared).accept(listener, dialect));
        }
        tokio::select! {
            () = self.shared.keep_time() => {}
            () = self.shared.until_closed() => {}
        }
        while tasks.join_next().await.is_some() {}
    }
}

impl Shared {
    /// Calls the hub: locks, takes the time, acts, and passes on what follows.
    fn call<R>(&self, act: impl FnOnce(&mut State, Timestamp) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken under the lock, so that time does not run backwards.
        let now = Timestamp::ZERO + self.started.elapsed();
        let deadline = state.hub.poll_timeout();
        let result = act(&mut state, now);
        while let Some(command) = state.hub.poll_command() {
            let (Command::Send(id) | Command::Read(id) | Command::Close(id, _)) = command;
            let passed_on = state.tasks.get(&id).map(|task| task.try_send(command));
            debug_assert_eq!(passed_on, Some(Ok(())), "a task is there until it is told that its session is over");
            if let Command::Close(..) = command {
                state.tasks.remove(&id);
            }
        }
        if state.hub.poll_timeout() != deadline {
            self.rearm.notify_one();
        }
        if state.hub.is_closed() {
            self.closed.send_replace(true);
        }
        result
    }

    /// Waits until the hub was shut down and every session is over.
    async fn until_closed(&self) {
        // It cannot fail: the sender is here.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }

    /// Calls the hub at each deadline.
    async fn keep_time(&self) {
        loop {
            let wait = self.call(|state, now| {
                state.hub.handle_timeout(now);
                state.hub.poll_timeout().map(|deadline| deadline.saturating_duration_since(now))
            });
            tokio::select! {
                () = sleep(wait.unwrap_or(Duration::MAX)) => {}
                () = self.rearm.notified() => {}
            }
        }
    }

    /// Lets peers in until the server ends, and waits for their connections to end.
    async fn accept(self: Arc<Self>, listener: TcpListener, dialect: DialectId) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = self.until_closed() => break,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(Arc::clone(&self).admit(stream, dialect))),
                    // Of that one peer only.
                    Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                    // Out of descriptors or memory. Those who wait stay in the kernel's queue.
                    Err(_) => sleep(PAUSE).await,
                },
            }
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }

    /// Opens a session for a connection, or tells its peer why there is none.
    async fn admit(self: Arc<Self>, mut stream: TcpStream, dialect: DialectId) {
        // Only slower without.
        let _ = stream.set_nodelay(true);
        let (sender, commands) = mpsc::channel(COMMANDS);
        let mut refusal = Vec::new();
        let opened = self.call(|state, now| {
            let id = state.hub.open(now, dialect).inspect_err(|e| state.hub.refusal(dialect, *e, &mut refusal))?;
            state.tasks.insert(id, sender);
            Ok::<_, chat_proto::OpenError>(id)
        });
        match opened {
            Ok(id) => self.serve(id, &mut stream, commands).await,
            // A courtesy: a new socket has room for a line.
            Err(_) => drop(stream.try_write(&refusal)),
        }
        // Closed is our half; what still comes is dropped until the peer has closed its own, or had the time to.
        if stream.shutdown().await.is_ok() {
            let _ = timeout(LINGER, tokio::io::copy(&mut stream, &mut tokio::io::sink())).await;
        }
    }

    /// Carries bytes between a session and its socket until the hub says that it is over.
    async fn serve(&self, id: SessionId, stream: &mut TcpStream, mut commands: mpsc::Receiver<Command>) {
        let mut untaken = Vec::new();
        let (mut blocked, mut ended) = (false, false);
        let mut ask = interval(ASK);
        ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Send(_)) => blocked = self.write(id, stream),
                    Some(Command::Read(_)) => {
                        let taken = self.call(|state, now| state.hub.receive(now, id, &untaken));
                        untaken = untaken.split_off(taken);
                    }
                    Some(Command::Close(..)) | None => return,
                },
                _ = stream.writable(), if blocked => {
                    self.call(|state, now| state.hub.writable(now, id));
                    blocked = self.write(id, stream);
                }
                // Nothing is read, so nothing else would tell that the peer is gone.
                _ = ask.tick(), if !untaken.is_empty() => self.ask(id, stream).await,
                _ = stream.readable(), if untaken.is_empty() && !ended => ended = !self.read(id, stream, &mut untaken),
            }
        }
    }

    /// Looks whether the peer of a session whose input is left untaken is still there.
    async fn ask(&self, id: SessionId, stream: &TcpStream) {
        let has_failed = !matches!(stream.take_error(), Ok(None));
        let has_ended = stream.ready(Interest::READABLE).await.is_ok_and(Ready::is_read_closed);
        self.call(|state, now| match (has_failed, has_ended) {
            (true, _) => state.hub.disconnect(now, id),
            (_, true) => state.hub.peer_ended(now, id),
            _ => {}
        });
    }

    /// Reads once and offers what came to the hub; returns whether more may come.
    fn read(&self, id: SessionId, stream: &TcpStream, untaken: &mut Vec<u8>) -> bool {
        let mut buffer = [0; READ];
        match stream.try_read(&mut buffer) {
            Ok(0) => self.call(|state, now| state.hub.receive_eof(now, id)),
            Ok(n) => {
                let taken = self.call(|state, now| state.hub.receive(now, id, &buffer[..n]));
                untaken.extend_from_slice(&buffer[taken..n]);
                return true;
            }
            Err(error) if is_for_now(&error) => return true,
            Err(_) => self.call(|state, now| state.hub.disconnect(now, id)),
        }
        false
    }

    /// Writes once what a session is to be sent; returns whether the socket takes no more for now.
    fn write(&self, id: SessionId, stream: &TcpStream) -> bool {
        let filled = self.call(|state, _| {
            let mut batch = state.batches.pop().unwrap_or_default();
            if state.hub.fill(id, &mut batch, WRITE) {
                return Some(batch);
            }
            state.batches.push(batch);
            None
        });
        let Some(batch) = filled else { return false };
        let written = match stream.try_write(batch.as_bytes()) {
            Err(error) if is_for_now(&error) => Ok(0),
            written => written,
        };
        self.call(|state, now| {
            match written {
                Ok(n) => state.hub.sent_batch(now, id, &batch, n),
                Err(_) => state.hub.disconnect(now, id),
            }
            let blocked = written.is_ok_and(|n| n < batch.as_bytes().len());
            state.batches.push(batch);
            blocked
        })
    }
}

fn is_for_now(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut server = Server::new(Hub::new(Config::default())?);
    let mut addrs = std::env::args().skip(1);
    for (dialect, default) in [("text", "127.0.0.1:4000"), ("classic", "127.0.0.1:4001")] {
        let addr = addrs.next().unwrap_or_else(|| default.into());
        println!("listening {dialect} {}", server.listen(dialect, addr.parse()?).await?);
    }
    let handle = server.handle();
    thread::spawn(move || {
        // Whatever ends it, it has ended.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        handle.call(Hub::shut_down);
    });
    server.run().await;
    Ok(())
}
