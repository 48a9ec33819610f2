//! The chat on tokio: a task for each connection, and the hub behind a lock.
//!
//! `cargo run --example tokio [ADDR [ADDR]]` serves text on 127.0.0.1:4000 and classic on 127.0.0.1:4001, or on the
//! given addresses, until its input ends (Ctrl-D), and then shuts down in order. What any server needs is in the driver
//! kit, [`chat_proto::driver`], whose guide explains the loops that are tasks here.

use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chat_proto::driver::{ConnectedHub, Round, SOCKET_BUFFER};
use chat_proto::{Config, DialectId, Hub, SessionId, Timestamp};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// A server. All its tasks share it, and other threads call the hub through it.
pub(crate) struct Server {
    started: Instant,
    hub: Mutex<ConnectedHub<Connection>>,
    writer: Notify,
    timer: Notify,
    closed: Notify,
}

pub(crate) struct Connection {
    stream: TcpStream,
    resumed: Notify,
    /// Never sent on: the receiver learns when no connection is left.
    _alive: mpsc::Sender<()>,
}

impl Server {
    pub(crate) fn new(hub: Hub) -> Arc<Self> {
        let [writer, timer, closed] = [(); 3].map(|()| Notify::new());
        Arc::new(Self { started: Instant::now(), hub: Mutex::new(ConnectedHub::new(hub)), writer, timer, closed })
    }

    /// Listens for peers that speak `dialect`.
    pub(crate) async fn listen(&self, dialect: &str, addr: SocketAddr) -> io::Result<(TcpListener, DialectId)> {
        let unknown = |error| io::Error::new(ErrorKind::InvalidInput, error);
        let dialect = self.call(|hub, _| hub.dialect(dialect)).map_err(unknown)?;
        let listener = TcpListener::bind(addr).await?;
        SockRef::from(&listener).set_send_buffer_size(SOCKET_BUFFER)?; // what it accepts has the same
        Ok((listener, dialect))
    }

    /// Serves until the hub was shut down and every connection is closed.
    pub(crate) async fn run(self: Arc<Self>, listeners: Vec<(TcpListener, DialectId)>) {
        let (alive, mut all_gone) = mpsc::channel(1);
        let mut accepting = JoinSet::new();
        for (listener, dialect) in listeners {
            accepting.spawn(Arc::clone(&self).accept(listener, dialect, alive.clone()));
        }
        drop(alive);
        let ended = async {
            self.closed.notified().await;
            accepting.shutdown().await;
            all_gone.recv().await
        };
        tokio::select!(_ = ended => {}, () = self.write() => {}, () = self.keep_time() => {});
    }

    /// Calls the hub: locks it, reads the clock, acts, and wakes the tasks that have work afterwards.
    pub(crate) fn call<R>(&self, act: impl FnOnce(&mut ConnectedHub<Connection>, Timestamp) -> R) -> R {
        let mut hub = self.hub.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Timestamp::ZERO + self.started.elapsed();
        let result = act(&mut hub, now);
        let wakes = hub.take_wakes(now);
        let tasks = [(wakes.writer, &self.writer), (wakes.timer, &self.timer), (wakes.closed, &self.closed)];
        tasks.iter().filter(|(wake, _)| *wake).for_each(|(_, task)| task.notify_one());
        result
    }

    async fn accept(self: Arc<Self>, listener: TcpListener, dialect: DialectId, alive: mpsc::Sender<()>) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.admit(stream, peer, dialect, alive.clone()),
                // Out of descriptors, most likely. Waiting connections stay in the kernel's queue.
                Err(error) => sleep(self.call(|hub, now| hub.accept_failed(now, error))).await,
            }
        }
    }

    fn admit(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr, dialect: DialectId, alive: mpsc::Sender<()>) {
        let _ = stream.set_nodelay(true); // only slower without
        let connection = Arc::new(Connection { stream, resumed: Notify::new(), _alive: alive });
        let id = self.call(|hub, now| hub.open(now, dialect, Some(peer), &connection)).unwrap_or_else(|refusal| {
            let _ = connection.stream.try_write(&refusal.words); // a new socket has room for a line
            let _ = SockRef::from(&connection.stream).shutdown(Shutdown::Write);
            refusal.id
        });
        tokio::spawn(Arc::clone(self).read(id, connection));
    }

    /// Reads until the peer ends or the connection is cut, also after the end of its session.
    async fn read(self: Arc<Self>, id: SessionId, connection: Arc<Connection>) {
        while connection.stream.readable().await.is_ok() {
            let mut input = vec![0; 8 << 10]; // the most that is kept while the hub leaves input untaken
            match connection.stream.try_read(&mut input) {
                Ok(0) => return self.call(|hub, now| hub.hub_mut().receive_eof(now, id)),
                Ok(n) => input.truncate(n),
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(_) => return self.call(|hub, now| hub.hub_mut().disconnect(now, id)),
            }
            let mut taken = self.call(|hub, now| hub.receive(now, id, &input));
            while taken < input.len() {
                connection.resumed.notified().await;
                taken += self.call(|hub, now| hub.receive(now, id, &input[taken..]));
            }
        }
    }

    async fn write(self: &Arc<Self>) {
        let mut round = Round::new();
        loop {
            self.writer.notified().await;
            while self.call(|hub, now| round.report_and_gather(hub, now)) {
                for (id, connection) in round.drain_blocked() {
                    let server = Arc::clone(self);
                    tokio::spawn(async move {
                        let _ = connection.stream.writable().await; // if that fails, so does the next write
                        server.call(|hub, now| hub.note_writable(now, id));
                    });
                }
                round.drain_resumed().for_each(|connection| connection.resumed.notify_one());
                round.drain_closed().for_each(|(it, _)| drop(SockRef::from(&it.stream).shutdown(Shutdown::Write)));
                round.write(|connection, bytes| match connection.stream.try_write(bytes) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
                    written => written,
                });
                tokio::task::yield_now().await;
            }
        }
    }

    async fn keep_time(&self) {
        loop {
            let due = self.call(ConnectedHub::handle_timeout);
            due.expired.into_iter().for_each(|it| drop(SockRef::from(&it.stream).shutdown(Shutdown::Both)));
            for (id, connection) in due.paused {
                let ready = timeout(Duration::ZERO, connection.stream.ready(tokio::io::Interest::READABLE)).await;
                if !matches!(connection.stream.take_error(), Ok(None)) {
                    self.call(|hub, now| hub.hub_mut().disconnect(now, id));
                } else if matches!(ready, Ok(Ok(ready)) if ready.is_read_closed()) {
                    self.call(|hub, now| hub.hub_mut().peer_ended(now, id));
                }
            }
            let _ = timeout(due.wait.unwrap_or(Duration::MAX), self.timer.notified()).await;
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::new(Hub::new(Config::default())?);
    let (mut listeners, mut addrs) = (Vec::new(), std::env::args().skip(1));
    for (dialect, default) in [("text", "127.0.0.1:4000"), ("classic", "127.0.0.1:4001")] {
        let (listener, id) = server.listen(dialect, addrs.next().as_deref().unwrap_or(default).parse()?).await?;
        println!("listening {dialect} {}", listener.local_addr()?);
        listeners.push((listener, id));
    }
    let serving = tokio::spawn(Arc::clone(&server).run(listeners));
    let _ = io::copy(&mut io::stdin(), &mut io::sink()); // whatever ends it, it has ended
    server.call(|hub, now| hub.hub_mut().shut_down(now));
    Ok(serving.await?)
}
