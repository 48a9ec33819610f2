//! This terminal as one session, and others over TCP: the chat on threads and channels.
//!
//! ```console
//! $ cargo run --example stdio                 # and, elsewhere: nc 127.0.0.1 4000
//! $ cargo run --example stdio -- 127.0.0.1:0  # on any port
//! ```
//!
//! You take part in the conversation that you host. When you leave it (`/quit`, or Ctrl-D), it ends for all.
//!
//! Any `Read` and `Write` can be a session: it has a thread that reads and one that writes, both as slow as they like.
//! They and the hub's own thread send each other what there is to do, so nothing is locked, and nothing piles up: a
//! reader waits until the hub has taken what it brought, and a writer has one [`Batch`] at a time.

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

/// About the most bytes written at once. A write that takes longer than the stall timeout counts as none.
const WRITE: usize = 4 << 10;

/// How long accepting rests when descriptors have run out.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a peer has to read its last words and to close its half. A socket that is closed before is reset if the
/// peer still sends, and the words may be lost.
const LINGER: Duration = Duration::from_secs(1);

/// What the other threads tell the hub's.
enum News {
    Connected(TcpStream),
    /// Nothing more comes after an error or zero bytes.
    Read(SessionId, io::Result<Vec<u8>>),
    Wrote(SessionId, Batch, io::Result<usize>),
}

/// What the hub's thread knows of a session. Dropping it ends both of its threads.
struct Peer {
    /// What the hub has left.
    untaken: Vec<u8>,
    /// Lets the reader go on.
    read_on: SyncSender<()>,
    /// Gives the writer something to do.
    write: SyncSender<Batch>,
    /// What to hang up; the terminal stays.
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
    /// Held by each writer, never sent on: whoever has the other end learns when the last one has ended.
    writing: Sender<Infallible>,
}

impl Host {
    /// Carries on the conversation until `you` have left and everybody else is closed.
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
                // It was time that passed.
                Err(_) => {}
            }
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.started.elapsed()
    }

    /// Does all that the hub asks for.
    fn carry_out(&mut self, now: Timestamp, you: SessionId) {
        while let Some(command) = self.hub.poll_command() {
            match command {
                Command::Send(id) => self.write(id, now),
                Command::Read(id) => {
                    let untaken = self.peers.get_mut(&id).map(|peer| std::mem::take(&mut peer.untaken));
                    self.offer(id, untaken.unwrap_or_default(), now);
                }
                Command::Close(id, _) => {
                    if let Some(Peer { wire: Some(wire), .. }) = self.peers.remove(&id) {
                        // It wakes a writer that its peer keeps waiting, and fails if the connection is reset.
                        let _ = wire.shutdown(Shutdown::Write);
                    }
                    if id == you {
                        self.hub.shut_down(now);
                    }
                }
            }
        }
    }

    /// Offers input to the hub; lets its reader go on when all of it is taken.
    fn offer(&mut self, id: SessionId, mut input: Vec<u8>, now: Timestamp) {
        let taken = self.hub.receive(now, id, &input);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if taken < input.len() {
            peer.untaken = input.split_off(taken);
        } else {
            // The reader has brought something and waits: there is room for this, unless it was told already.
            let _ = peer.read_on.try_send(());
        }
    }

    /// Gives a session's writer what is to be sent.
    fn write(&mut self, id: SessionId, now: Timestamp) {
        let mut batch = self.batches.pop().unwrap_or_default();
        if !self.hub.fill(id, &mut batch, WRITE) {
            self.batches.push(batch);
        } else if let Some(peer) = self.peers.get(&id)
            && peer.write.try_send(batch).is_err()
        {
            // It has one batch at a time, so there was room: it is gone.
            self.hub.disconnect(now, id);
        }
    }

    /// Lets somebody in, or tells them why not.
    fn admit(&mut self, mut stream: TcpStream, now: Timestamp) {
        match self.hub.open(now, self.text) {
            Ok(id) => match (stream.try_clone(), stream.try_clone()) {
                (Ok(reader), Ok(writer)) => self.start(id, reader, writer, Some(Arc::new(stream)), now),
                _ => self.hub.disconnect(now, id),
            },
            Err(error) => {
                let mut words = Vec::new();
                self.hub.refusal(self.text, error, &mut words);
                // A courtesy: a new socket has room for a line.
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
            bring(id, reader, &may_read, &news.0);
        });
        let writer = thread::Builder::new().spawn(move || {
            let _writing = writing;
            take(id, writer, &batches, &news.1);
            if let Some(wire) = wire {
                // Until the peer has closed its half and the reader has ended, or until it has had the time to.
                let _ = read.recv_timeout(LINGER);
                let _ = wire.shutdown(Shutdown::Both);
            }
        });
        if reader.and(writer).is_err() {
            self.hub.disconnect(now, id);
        }
    }
}

/// Brings what a peer sends to the hub, piece by piece; once the session is over, drops it.
fn bring(id: SessionId, mut reader: impl Read, may_read: &Receiver<()>, news: &SyncSender<News>) {
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
            // It ends with an error when the connection is hung up for good.
            let _ = io::copy(&mut reader, &mut io::sink());
            return;
        }
    }
}

/// Takes what a peer is to be sent, batch by batch, until the session is over.
fn take(id: SessionId, mut writer: impl Write, batches: &Receiver<Batch>, news: &SyncSender<News>) {
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

/// Accepts for as long as anybody wants to know.
fn accept(listener: &TcpListener, news: &SyncSender<News>) {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                if news.send(News::Connected(stream)).is_err() {
                    return;
                }
            }
            // Of that one peer only.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
            // Out of descriptors or memory. Those who wait stay in the kernel's queue.
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:4000".into());
    let listener = TcpListener::bind(addr)?;
    println!("listening text {}", listener.local_addr()?);

    let mut text = DialectConfig::new(Text);
    // The host may be silent for as long as it likes, and so may the guests.
    text.idle_timeout = None;
    let mut hub = Hub::new(Config { dialects: vec![text], max_sessions: 100, ..Config::default() })?;
    let text = hub.dialect(Text.name()).ok_or("it is configured just above")?;
    let you = hub.open(Timestamp::ZERO, text)?;
    let (news, inbox) = sync_channel(1);
    let (writing, written) = channel();
    let doors = news.clone();
    thread::spawn(move || accept(&listener, &doors));
    let mut host =
        Host { hub, text, started: Instant::now(), peers: HashMap::new(), batches: Vec::new(), news, writing };
    host.start(you, io::stdin(), io::stdout(), None, Timestamp::ZERO);
    host.run(you, &inbox);
    drop((host, inbox));
    // Until the last writer has hung up.
    let _ = written.recv();
    Ok(())
}
