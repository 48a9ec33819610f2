//! The costs of a whole server: an adapter in this process, and its clients over loopback.
//!
//! `cargo bench -p chat-tests --bench adapters`, or only one adapter with `-- Smol` or `-- Std`. The clients are one
//! thread that only counts bytes, so that most of what is measured is the server; but they share its processors, so
//! figures are comparable only on the same machine.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up should stop")]

use std::io::{Read, Write};
use std::net::TcpStream;

use chat_proto::Config;
use chat_tests::adapters::{Smol, Std};
use chat_tests::conformance::{Adapter, PATIENCE, Running};
use chat_tests::exact::Exact;
use chat_tests::sockets::{Interest, Poller, Ready};
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

/// One line, until every reader has it.
#[divan::bench(types = [Smol, Std], args = [1, 10, 100], sample_count = 1_000, max_time = 2)]
fn one_line<A: Adapter + Default>(bencher: Bencher<'_, '_>, readers: usize) {
    let mut room = Room::new(&A::default(), readers);
    bencher.counter(ItemsCount::new(readers)).bench_local(|| room.say(1));
    room.close();
}

/// A thousand lines as fast as the server takes them, until each of a hundred readers has all of them.
#[divan::bench(types = [Smol, Std], sample_count = 300, max_time = 4)]
fn thousand_lines_to_100<A: Adapter + Default>(bencher: Bencher<'_, '_>) {
    let mut room = Room::new(&A::default(), 100);
    bencher.counter(ItemsCount::new(100_000_usize)).bench_local(|| room.say(1_000));
    room.close();
}

/// A client connects, is welcomed, takes a name and leaves, until it and a hundred others have been told.
#[divan::bench(types = [Smol, Std], sample_count = 300, max_time = 4)]
fn come_and_go<A: Adapter + Default>(bencher: Bencher<'_, '_>) {
    let mut room = Room::new(&A::default(), 100);
    bencher.bench_local(|| room.visit());
    room.close();
}

/// A server, a sender, and readers.
struct Room {
    server: Running,
    speaker: TcpStream,
    readers: Readers,
    /// The sender's line, repeated some thousand times.
    lines: Vec<u8>,
}

/// The message: 64 bytes, without the sender's name.
const LINE: &[u8; 65] = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n";
const HEARD: usize = "speaker: ".len() + LINE.len();

impl Room {
    /// Starts a server and connects all clients.
    fn new(adapter: &dyn Adapter, readers: usize) -> Self {
        // No timeouts and no backlog, so that only the sender's lines are sent.
        let mut config = Config { rate: None, stall_timeout: None, ..Config::default() };
        for dialect in &mut config.dialects {
            (dialect.idle_timeout, dialect.backlog) = (None, 0);
        }
        Exact::replace_text(&mut config);
        let server = adapter.start(config, &["text"]).unwrap();
        let mut speaker = connect(&server);
        speaker.write_all(b"/name speaker\n").unwrap();
        read_line(&mut speaker);
        let readers = Readers::new((0..readers).map(|_| connect(&server)).collect());
        Self { server, speaker, readers, lines: LINE.repeat(1_000) }
    }

    /// Sends this many lines; returns when every reader has received all of them.
    fn say(&mut self, lines: usize) {
        self.speaker.write_all(&self.lines[..lines * LINE.len()]).unwrap();
        self.readers.read(lines * HEARD);
    }

    /// Connects a client, which then leaves.
    fn visit(&mut self) {
        let mut visitor = connect(&self.server);
        visitor.write_all(b"/name visitor\n/quit\n").unwrap();
        let mut heard = String::new();
        visitor.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "* you are now visitor\n* bye\n");
        self.readers.read("* visitor joined\n* visitor left\n".len());
    }

    /// Ends the server and all of its threads.
    fn close(self) {
        let Self { server, speaker, readers, .. } = self;
        server.control().shut_down();
        drop((speaker, readers));
        server.join();
    }
}

/// Connects a client and reads its welcome, so that it receives all messages from now on.
fn connect(server: &Running) -> TcpStream {
    let addr = server.addr("text").as_socket().expect("adapters are measured over TCP");
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    read_line(&mut stream);
    stream
}

/// Reads a line, and asserts that nothing follows it.
fn read_line(stream: &mut TcpStream) {
    let mut bytes = [0; 256];
    let mut len = 0;
    while !bytes[..len].ends_with(b"\n") {
        let n = stream.read(&mut bytes[len..]).unwrap();
        assert!(n > 0, "the server closes the connection");
        len += n;
    }
}

/// Connections that all receive the same.
struct Readers {
    streams: Vec<TcpStream>,
    /// How many of the expected bytes each has received.
    got: Vec<usize>,
    poller: Poller,
    ready: Vec<Ready>,
    buffer: Box<[u8]>,
}

impl Readers {
    fn new(streams: Vec<TcpStream>) -> Self {
        let poller = Poller::new().unwrap();
        for (index, stream) in streams.iter().enumerate() {
            poller.add(stream, index, Interest::Readable).unwrap();
        }
        Self { got: vec![0; streams.len()], streams, poller, ready: Vec::new(), buffer: vec![0; 64 << 10].into() }
    }

    /// Reads until each has received this many bytes, and asserts that none has received more.
    fn read(&mut self, bytes: usize) {
        self.got.fill(0);
        let mut left = self.streams.len() * bytes;
        while left > 0 {
            self.poller.wait(&mut self.ready, PATIENCE).unwrap();
            assert!(!self.ready.is_empty(), "{left} bytes have not come in {PATIENCE:?}");
            for ready in &self.ready {
                let n = self.streams[ready.token].read(&mut self.buffer).unwrap();
                assert!(n > 0, "the server closes the connection");
                self.got[ready.token] += n;
                assert!(self.got[ready.token] <= bytes, "a reader has got more than was said");
                left -= n;
            }
        }
    }
}
