//! This terminal as one session, and others over TCP: the chat on threads and channels.
//!
//! ```console
//! $ cargo run --example stdio                 # and, elsewhere: nc 127.0.0.1 4000
//! $ cargo run --example stdio -- 127.0.0.1:0  # on any port
//! ```
//!
//! You take part in the conversation that you host. When you leave (`/quit`, or Ctrl-D), it ends for all.
//!
//! Any `Read` and `Write` can be a session: it has a thread that reads and one that writes, both as slow as they like.
//! They and the hub's own thread send each other work over channels, so nothing is locked. Nothing piles up either: a
//! reader waits until the hub has taken its input, and a writer has one [`Batch`] at a time.

use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use chat_proto::dialect::Text;
use chat_proto::{Batch, Command, Config, Dialect as _, DialectConfig, DialectId, Hub, SessionId, Timestamp};

/// The most bytes read at once.
const READ: usize = 4 << 10;

/// Roughly the most bytes written at once. A write that takes longer than the stall timeout counts as no progress.
const WRITE: usize = 4 << 10;

/// How long accepting pauses when descriptors have run out.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a peer has to read its last words and to close its half. If the socket were closed earlier while the peer
/// still sends, it would be reset, and the words might be lost.
const LINGER: Duration = Duration::from_secs(1);

/// Messages from the other threads to the hub's.
enum News {
    Connected(TcpStream),
    /// Nothing more comes after an error or zero bytes.
    Read(SessionId, io::Result<Vec<u8>>),
    Wrote(SessionId, Batch, io::Result<usize>),
}

/// A session, as the hub's thread knows it. Dropping it ends both of its threads.
struct Peer {
    /// Input that the hub left.
    untaken: Vec<u8>,
    /// Lets the reader continue.
    read_on: SyncSender<()>,
    /// Passes batches to the writer.
    write: SyncSender<Batch>,
    /// The connection to shut down; `None` for the terminal.
    wire: Option<Arc<TcpStream>>,
}

/// The hub's thread.
struct Host {
    hub: Hub,
    text: DialectId,
    started: Instant,
    peers: HashMap<SessionId, Peer>,
    /// Batches that no writer has.
    batches: Vec<Batch>,
    news: SyncSender<News>,
    /// Held by each writer and never sent on: the receiver learns when the last writer has ended.
    writing: Sender<Infallible>,
}

impl Host {
    /// Runs the conversation until `you` have left and every other session is closed.
    fn run(&mut self, you: SessionId, inbox: &Receiver<News>) {
        let mut now = self.now();
        loop {
            self.carry_out(now, you);
            if self.hub.is_closed() {
                return;
            }
            let wait = self.hub.poll_timeout().map(|deadline| deadline.saturating_duration_since(now));
            let news = inbox.recv_timeout(wait.unwrap_or(Duration::MAX));
            now = self.now();
            self.hub.handle_timeout(now);
            match news {
                Ok(News::Connected(stream)) => self.admit(stream, now),
                Ok(News::Read(id, Ok(input))) if input.is_empty() => self.hub.receive_eof(now, id),
                Ok(News::Read(id, Ok(input))) => self.offer(id, input, now),
                Ok(News::Wrote(id, batch, Ok(n))) => {
                    self.hub.sent(now, id, &batch, n);
                    let again = n < batch.as_bytes().len();
                    self.batches.push(batch);
                    if again {
                        self.write(id, now);
                    }
                }
                Ok(News::Read(id, Err(_)) | News::Wrote(id, _, Err(_))) => self.hub.disconnect(now, id),
                // The next deadline has come.
                Err(_) => {}
            }
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.started.elapsed()
    }

    /// Carries out the hub's commands.
    fn carry_out(&mut self, now: Timestamp, you: SessionId) {
        while let Some(command) = self.hub.poll_command() {
            match command {
                Command::Send(id) => self.write(id, now),
                Command::Read(id) => {
                    let untaken = self.peers.get_mut(&id).map(|peer| std::mem::take(&mut peer.untaken));
                    self.offer(id, untaken.unwrap_or_default(), now);
                }
                // No dialect here asks for a password.
                Command::Authenticate(_) => {}
                Command::Close(id, _) => {
                    if let Some(Peer { wire: Some(wire), .. }) = self.peers.remove(&id) {
                        // Wakes a writer that is blocked by its peer; fails if the connection is reset.
                        let _ = wire.shutdown(Shutdown::Write);
                    }
                    if id == you {
                        self.hub.shut_down(now);
                    }
                }
            }
        }
    }

    /// Offers input to the hub; lets its reader continue when all of it is taken.
    fn offer(&mut self, id: SessionId, mut input: Vec<u8>, now: Timestamp) {
        let taken = self.hub.receive(now, id, &input);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if taken < input.len() {
            peer.untaken = input.split_off(taken);
        } else {
            // The reader waits after sending input, so there is room, unless it was told already.
            let _ = peer.read_on.try_send(());
        }
    }

    /// Passes pending output to a session's writer.
    fn write(&mut self, id: SessionId, now: Timestamp) {
        let mut batch = self.batches.pop().unwrap_or_default();
        if !self.hub.fill(id, &mut batch, WRITE) {
            self.batches.push(batch);
        } else if let Some(peer) = self.peers.get(&id)
            && peer.write.try_send(batch).is_err()
        {
            // The writer has one batch at a time, so the channel has room: the writer is gone.
            self.hub.disconnect(now, id);
        }
    }

    /// Admits a connection, or sends it the reason for the refusal.
    fn admit(&mut self, mut stream: TcpStream, now: Timestamp) {
        match self.hub.open(now, self.text) {
            Ok(id) => match (stream.try_clone(), stream.try_clone()) {
                (Ok(reader), Ok(writer)) => self.start(id, reader, writer, Some(Arc::new(stream)), now),
                _ => self.hub.disconnect(now, id),
            },
            Err(error) => {
                let mut words = Vec::new();
                self.hub.refusal(self.text, error, &mut words);
                // A new socket has room for a line.
                let _ = stream.write(&words);
            }
        }
    }

    /// Starts the threads of a session.
    fn start(
        &mut self,
        id: SessionId,
        reader: impl Read + Send + 'static,
        writer: impl Write + Send + 'static,
        wire: Option<Arc<TcpStream>>,
        now: Timestamp,
    ) {
        let (read_on, may_read) = sync_channel(1);
        let (write, batches) = sync_channel(1);
        let (reading, read) = channel::<Infallible>();
        let news = (self.news.clone(), self.news.clone());
        let writing = self.writing.clone();
        self.peers.insert(id, Peer { untaken: Vec::new(), read_on, write, wire: wire.clone() });
        let reader = thread::Builder::new().spawn(move || {
            let _reading = reading;
            read_input(id, reader, &may_read, &news.0);
        });
        let writer = thread::Builder::new().spawn(move || {
            let _writing = writing;
            write_output(id, writer, &batches, &news.1);
            if let Some(wire) = wire {
                // Until the peer has closed its half and the reader has ended, or the time is over.
                let _ = read.recv_timeout(LINGER);
                let _ = wire.shutdown(Shutdown::Both);
            }
        });
        if reader.and(writer).is_err() {
            self.hub.disconnect(now, id);
        }
    }
}

/// Passes a peer's input to the hub, read by read; once the session is over, drops it.
fn read_input(id: SessionId, mut reader: impl Read, may_read: &Receiver<()>, news: &SyncSender<News>) {
    let mut buffer = [0; READ];
    loop {
        let input = match reader.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read.map(|n| buffer[..n].to_vec()),
        };
        let ended = input.as_ref().map_or(true, Vec::is_empty);
        if news.send(News::Read(id, input)).is_err() || ended {
            return;
        }
        if may_read.recv().is_err() {
            // It ends with an error when the connection is shut down for good.
            let _ = io::copy(&mut reader, &mut io::sink());
            return;
        }
    }
}

/// Writes batches to a peer until the session is over.
fn write_output(id: SessionId, mut writer: impl Write, batches: &Receiver<Batch>, news: &SyncSender<News>) {
    for batch in batches {
        let wrote = match writer.write(batch.as_bytes()) {
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(0),
            wrote => wrote.and_then(|n| writer.flush().map(|()| n)),
        };
        if news.send(News::Wrote(id, batch, wrote)).is_err() {
            return;
        }
    }
}

/// Accepts connections while the hub's thread runs.
fn accept(listener: &TcpListener, news: &SyncSender<News>) {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                if news.send(News::Connected(stream)).is_err() {
                    return;
                }
            }
            // Concerns that one peer only.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
            // Out of descriptors or memory. Waiting connections stay in the kernel's queue.
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:4000".into());
    let listener = TcpListener::bind(addr)?;
    println!("listening text {}", listener.local_addr()?);

    let mut text = DialectConfig::new(Text);
    // Neither the host nor the guests have an idle timeout.
    text.idle_timeout = None;
    let mut hub = Hub::new(Config { dialects: vec![text], max_sessions: 100, ..Config::default() })?;
    let text = hub.dialect(Text.name()).ok_or("it is configured just above")?;
    let you = hub.open(Timestamp::ZERO, text)?;
    let (news, inbox) = sync_channel(1);
    let (writing, written) = channel();
    let from_listener = news.clone();
    thread::spawn(move || accept(&listener, &from_listener));
    let mut host =
        Host { hub, text, started: Instant::now(), peers: HashMap::new(), batches: Vec::new(), news, writing };
    host.start(you, io::stdin(), io::stdout(), None, Timestamp::ZERO);
    host.run(you, &inbox);
    drop((host, inbox));
    // Until the last writer has ended.
    let _ = written.recv();
    Ok(())
}
