//! What is specific to this adapter: its threads, what they wait for, and that they end.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use chat_proto::{OnLag, Rate};
use chat_std::{Config, Handle, Server};

/// Longer than anything here takes: if something never comes, the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that speaks `text`.
struct Running {
    addr: SocketAddr,
    handle: Handle,
    thread: JoinHandle<io::Result<()>>,
}

impl Running {
    fn start(config: Config) -> Self {
        let mut server = Server::new(config).expect("the limits are in range");
        let addr = server.listen("text", (Ipv4Addr::LOCALHOST, 0).into()).expect("loopback has a free port");
        let handle = server.handle();
        Self { addr, handle, thread: thread::spawn(|| server.run()) }
    }

    fn stop(self) -> Handle {
        self.handle.shut_down();
        self.thread.join().expect("the server does not panic").expect("the server runs");
        self.handle
    }

    /// Connects and takes a name; returns once the server has answered.
    fn join(&self, name: &str) -> Peer {
        let mut peer = Peer::connect(self.addr);
        peer.say(&format!("/name {name}"));
        peer.wait_for(&format!("* you are now {name}"));
        peer
    }
}

struct Peer {
    stream: BufReader<TcpStream>,
}

impl Peer {
    fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        Self { stream: BufReader::new(stream) }
    }

    fn say(&mut self, line: &str) {
        self.send(format!("{line}\n").as_bytes());
    }

    fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).expect("the server reads");
    }

    /// Reads a line; `None` at the end.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("the connection is not reset");
        line.pop().map(|_| line)
    }

    fn wait_for(&mut self, expected: &str) {
        while self.line().expect("the server has more to say") != expected {}
    }
}

/// A config without a stall timeout or rates, for tests of the flow of bytes alone.
fn without_deadlines() -> Config {
    let mut config = Config { rate: None, stall_timeout: None, ..Config::default() };
    for dialect in &mut config.dialects {
        dialect.idle_timeout = None;
    }
    config
}

#[test]
fn a_short_write_goes_on_where_it_ended() {
    // The log holds all messages: the reader is slow, but it misses nothing.
    let lines = 20_000;
    let words = "x".repeat(1_000);
    let server = Running::start(Config {
        log_bytes: 64 << 20,
        log_entries: 1 << 20,
        on_lag: OnLag::Close,
        ..without_deadlines()
    });
    let mut reader = server.join("reader");
    let mut talker = server.join("talker");
    for i in 0..lines {
        talker.say(&format!("{i} {words}"));
    }
    // All messages are sent before the reader begins, far more than the kernel's buffers hold.
    talker.say("/ping");
    talker.wait_for("* pong");
    reader.wait_for("* talker joined");
    for i in 0..lines {
        assert_eq!(reader.line(), Some(format!("talker: {i} {words}")));
    }
    server.stop();
}

#[test]
fn readers_do_not_wait_for_peers_that_do_not_read() {
    let server = Running::start(without_deadlines());
    let silent: Vec<_> = (0..20).map(|i| server.join(&format!("silent{i}"))).collect();
    let mut reader = server.join("reader");
    let mut talker = server.join("talker");
    let words = "x".repeat(1_000);
    for i in 0..20_000 {
        talker.say(&format!("{i} {words}"));
        if i % 100 == 0 {
            reader.wait_for(&format!("talker: {i} {words}"));
        }
    }
    drop(silent);
    server.stop();
}

#[test]
fn input_that_was_left_untaken_is_taken_in_time() {
    let rate = Rate { per_second: 1_000.try_into().expect("not zero"), burst: 2.try_into().expect("not zero") };
    let server = Running::start(Config { rate: Some(rate), ..without_deadlines() });
    let mut reader = server.join("reader");
    let mut talker = server.join("talker");
    let lines: Vec<_> = (0..200).map(|i| i.to_string()).collect();
    talker.say(&lines.join("\n"));
    reader.wait_for("* talker joined");
    for i in 0..200 {
        assert_eq!(reader.line(), Some(format!("talker: {i}")));
    }
    assert!(server.stop().stats().throttled > 0);
}

#[test]
fn last_words_are_seen_by_a_peer_whose_input_was_not_read() {
    let server = Running::start(without_deadlines());
    for _ in 0..50 {
        let mut peer = server.join("hasty");
        // A lot of input follows the request to leave, and the hub never takes it.
        peer.send(format!("/quit\n{}", "more\n".repeat(10_000)).as_bytes());
        peer.wait_for("* bye");
        assert_eq!(peer.line(), None);
    }
    server.stop();
}

#[test]
fn a_peer_that_never_closes_does_not_hold_up_the_end() {
    let server = Running::start(without_deadlines());
    let peers: Vec<_> = (0..10).map(|i| server.join(&format!("peer{i}"))).collect();
    let begun = Instant::now();
    server.stop();
    assert!(begun.elapsed() < PATIENCE);
    drop(peers);
}

#[test]
fn a_server_shut_down_before_it_runs_returns_at_once() {
    let mut server = Server::new(Config::default()).expect("the defaults are in range");
    server.listen("text", (Ipv4Addr::LOCALHOST, 0).into()).expect("loopback has a free port");
    server.handle().shut_down();
    server.run().expect("the server runs");
}

#[test]
fn a_handle_is_harmless_when_the_server_is_gone() {
    let server = Running::start(Config::default());
    let peer = server.join("peer");
    let id = server.handle.sessions()[0].id;
    let handle = server.stop();
    drop(peer);
    handle.announce("anyone there?");
    handle.kick(id, "for nothing");
    handle.shut_down();
    assert_eq!(handle.sessions(), []);
    assert_eq!((handle.stats().opened, handle.stats().closed), (1, 1));
    assert!(!handle.journal(0).is_empty());
}

#[test]
fn a_dialect_that_is_not_configured_is_refused() {
    let mut server = Server::new(Config::default()).expect("the defaults are in range");
    let error = server.listen("irc", (Ipv4Addr::LOCALHOST, 0).into()).expect_err("there is no such dialect");
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("classic, text"), "{error}");
}

#[test]
fn a_peer_that_resets_ends_its_thread() {
    let server = Running::start(without_deadlines());
    for closed in 1..=20 {
        let peer = server.join("rude");
        socket2::SockRef::from(peer.stream.get_ref()).set_linger(Some(Duration::ZERO)).expect("linger can be set");
        drop(peer);
        let since = Instant::now();
        while server.handle.stats().closed < closed {
            assert!(since.elapsed() < PATIENCE, "the reset was noticed");
            thread::yield_now();
        }
    }
    server.stop();
}

#[test]
fn refused_peers_are_told_and_closed() {
    let server = Running::start(Config { max_sessions: 1, ..without_deadlines() });
    let first = server.join("first");
    for _ in 0..20 {
        let mut second = Peer::connect(server.addr);
        assert_eq!(second.line().as_deref(), Some("! the server is full, try again later"));
        assert_eq!(second.stream.read(&mut [0]).expect("the connection is closed"), 0);
    }
    drop(first);
    server.stop();
}

#[test]
fn several_threads_can_wait_until_all_is_closed() {
    let server = Running::start(without_deadlines());
    let mut alice = server.join("alice");
    let waiting = [server.handle.clone(), server.handle.clone()].map(|handle| {
        thread::spawn(move || {
            handle.closed();
            handle.sessions()
        })
    });
    // After another answer, they still wait.
    alice.say("/ping");
    alice.wait_for("* pong");
    assert!(!waiting.iter().any(JoinHandle::is_finished), "alice is still here");
    server.handle.shut_down();
    while alice.line().is_some() {}
    drop(alice);
    for waiting in waiting {
        assert_eq!(waiting.join().expect("waiting does not panic"), []);
    }
    assert!(TcpStream::connect(server.addr).is_err());
    server.stop();
}

#[test]
fn a_server_that_is_dropped_before_it_runs_keeps_nobody_waiting() {
    let mut server = Server::new(without_deadlines()).expect("the limits are in range");
    let addr = server.listen("text", (Ipv4Addr::LOCALHOST, 0).into()).expect("loopback has a free port");
    let handle = server.handle();
    drop(server);
    handle.closed();
    assert!(TcpStream::connect(addr).is_err());
}
