//! What is specific to this adapter: its tasks, its executor, and how its sockets end.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chat_proto::{Config, Rate};
use chat_smol::{Handle, Server};
use futures_lite::future;
use smol::Executor;

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A server on two threads of its own.
struct Running {
    addr: SocketAddr,
    handle: Handle,
    thread: JoinHandle<std::io::Result<()>>,
}

impl Running {
    fn start(config: Config) -> Self {
        let mut server = Server::new(config).unwrap();
        let addr = server.listen("text", ANY_PORT).unwrap();
        let handle = server.handle();
        let thread = thread::spawn(move || server.run_on_threads(NonZeroUsize::new(2).unwrap()));
        Self { addr, handle, thread }
    }

    /// Connects and takes a name; returns once others are told.
    fn join(&self, name: &str) -> Client {
        let mut client = Client::connect(self.addr);
        client.send(&format!("/name {name}\n"));
        client.read_until(|line| line == format!("* you are now {name}"));
        client
    }

    fn stop(self) {
        self.handle.shut_down();
        self.thread.join().unwrap().unwrap();
    }
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        // Reached only by a test that fails.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(BufReader::new(stream))
    }

    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// Reads a line without its end; `None` at the end of the stream.
    fn read_line(&mut self) -> Option<String> {
        let mut line = String::new();
        let n = self.0.read_line(&mut line).unwrap();
        (n > 0).then(|| line.trim_end().to_owned())
    }

    fn read_until(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        loop {
            let line = self.read_line().expect("the stream ended before the line came");
            if wanted(&line) {
                return line;
            }
        }
    }
}

fn unlimited() -> Config {
    Config { rate: None, ..Config::default() }
}

#[test]
fn a_hundred_servers_on_one_executor_leave_nothing_behind() {
    let executor = Arc::new(Executor::new());
    let descriptors = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let mut after_the_first = None;
    for _ in 0..100 {
        let mut server = Server::new(Config { max_sessions: 10, ..Config::default() }).unwrap();
        let addr = server.listen("text", ANY_PORT).unwrap();
        let handle = server.handle();
        let peers = thread::spawn(move || {
            let mut clients = [Client::connect(addr), Client::connect(addr)];
            for client in &mut clients {
                client.read_until(|line| line.starts_with("* welcome"));
            }
            clients[0].send("hello\n");
            clients[1].read_until(|line| line.ends_with(": hello"));
            handle.shut_down();
            for client in &mut clients {
                while client.read_line().is_some() {}
            }
            handle
        });
        async_io::block_on(executor.run(server.run(&executor))).unwrap();
        assert!(executor.is_empty(), "{executor:?}");

        // A handle that outlives its server does no harm.
        let handle = peers.join().unwrap();
        handle.announce("is anybody there?");
        handle.shut_down();
        assert_eq!((handle.stats().sessions, handle.sessions().len()), (0, 0));
        assert!(TcpStream::connect(addr).is_err());
        // Other tests of this process open sockets too, but far fewer than a hundred.
        let now = descriptors();
        assert!(now < *after_the_first.get_or_insert(now) + 50);
    }
}

#[test]
fn dropping_a_server_that_runs_closes_its_connections() {
    let executor = Arc::new(Executor::new());
    let mut server = Server::new(Config::default()).unwrap();
    let addr = server.listen("text", ANY_PORT).unwrap();
    let handle = server.handle();
    let mut client = async_io::block_on(executor.run(async {
        let welcomed = smol::unblock(move || {
            let mut client = Client::connect(addr);
            client.read_until(|line| line.starts_with("* welcome"));
            client
        });
        future::or(async { Err(server.run(&executor).await) }, async { Ok(welcomed.await) }).await.unwrap()
    }));
    assert_eq!(handle.sessions(), []);
    // An executor that no longer runs keeps cancelled tasks until it is dropped.
    drop(executor);
    let mut rest = Vec::new();
    match client.0.read_to_end(&mut rest) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

/// The flood's reader waits for the hub, not for the socket.
#[test]
fn dropping_a_server_ends_the_reader_of_a_flood_too() {
    let executor = Arc::new(Executor::new());
    let mut server = Server::new(Config::default()).unwrap();
    let addr = server.listen("text", ANY_PORT).unwrap();
    let handle = server.handle();
    let throttled = || handle.stats().throttled > 0;
    async_io::block_on(executor.run(async {
        let flood = smol::unblock(move || {
            let mut client = Client::connect(addr);
            client.send(&"flood\n".repeat(3_000));
            client
        });
        let until_throttled = async {
            let client = flood.await;
            while !throttled() {
                future::yield_now().await;
            }
            Ok(client)
        };
        future::or(async { Err(server.run(&executor).await) }, until_throttled).await.unwrap();
        let until_empty = async {
            while !executor.is_empty() {
                smol::Timer::after(Duration::from_millis(1)).await;
            }
        };
        let too_late = async {
            smol::Timer::after(Duration::from_secs(20)).await;
            panic!("a task is left");
        };
        future::or(until_empty, too_late).await;
    }));
}

#[test]
fn several_threads_can_wait_until_all_is_closed() {
    let server = Running::start(unlimited());
    let mut alice = server.join("alice");
    let waiting = [server.handle.clone(), server.handle.clone()].map(|handle| {
        thread::spawn(move || {
            future::block_on(handle.closed());
            handle.sessions()
        })
    });
    assert_eq!(future::block_on(future::poll_once(server.handle.closed())), None, "alice is still here");
    server.handle.shut_down();
    while alice.read_line().is_some() {}
    drop(alice);
    for waiting in waiting {
        assert_eq!(waiting.join().unwrap(), []);
    }
    assert!(TcpStream::connect(server.addr).is_err());
    server.stop();
}

#[test]
fn a_server_that_is_dropped_before_it_runs_keeps_nobody_waiting() {
    let mut server = Server::new(Config::default()).unwrap();
    let addr = server.listen("text", ANY_PORT).unwrap();
    let handle = server.handle();
    drop(server);
    future::block_on(handle.closed());
    assert!(TcpStream::connect(addr).is_err());
}

#[test]
fn a_server_that_listens_nowhere_does_not_run() {
    let server = Server::new(Config::default()).unwrap();
    assert_eq!(server.run_on_threads(NonZeroUsize::MIN).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn an_unknown_dialect_is_refused() {
    let mut server = Server::new(Config::default()).unwrap();
    let error = server.listen("klingon", ANY_PORT).unwrap_err();
    assert_eq!((error.kind(), error.to_string().contains("klingon")), (ErrorKind::InvalidInput, true));
}

#[test]
fn last_words_reach_a_peer_that_goes_on_sending() {
    let server = Running::start(unlimited());
    let mut noisy = server.join("noisy");
    let mut quiet = server.join("quiet");
    let id = server.handle.find("noisy").unwrap();
    let mut sending = noisy.0.get_ref().try_clone().unwrap();
    let talk = thread::spawn(move || while sending.write_all(b"and another thing\n").is_ok() {});
    quiet.read_until(|line| line == "noisy: and another thing");
    server.handle.kick(id, "too loud");
    // A reset would be an error here.
    noisy.read_until(|line| line.contains("too loud"));
    assert_eq!(noisy.read_line(), None);
    drop(noisy);
    talk.join().unwrap();
    server.stop();
}

#[test]
fn a_refused_peer_reads_the_reason() {
    let server = Running::start(Config { max_sessions: 1, ..Config::default() });
    let _first = server.join("first");
    let mut second = Client::connect(server.addr);
    // Input that the server never reads must not cost the peer its answer.
    second.send("/name second\nhello\n");
    assert!(second.read_line().unwrap().contains("full"));
    assert_eq!(second.read_line(), None);
    server.stop();
}

#[test]
fn input_that_comes_too_fast_is_taken_later_and_in_order() {
    let rate = Rate { per_second: NonZeroU32::new(2_000).unwrap(), burst: NonZeroU32::new(10).unwrap() };
    let server = Running::start(Config { rate: Some(rate), ..Config::default() });
    let mut talker = server.join("talker");
    let mut listener = server.join("listener");
    let lines: Vec<_> = (0..1_000).map(|n| format!("line {n}\n")).collect();
    talker.send(&lines.concat());
    for n in 0..1_000 {
        let line = listener.read_until(|line| line.starts_with("talker: "));
        assert_eq!(line, format!("talker: line {n}"));
    }
    assert!(server.handle.stats().throttled > 0);
    server.stop();
}

#[test]
fn a_peer_that_is_closed_while_its_input_waits_still_reads_its_last_words() {
    let rate = Rate { per_second: NonZeroU32::MIN, burst: NonZeroU32::new(2).unwrap() };
    let server = Running::start(Config { rate: Some(rate), ..Config::default() });
    let mut talker = server.join("talker");
    let mut listener = server.join("listener");
    talker.send(&"again\n".repeat(10_000));
    listener.read_until(|line| line == "talker: again");
    let id = server.handle.find("talker").unwrap();
    server.handle.kick(id, "enough");
    talker.read_until(|line| line.contains("enough"));
    assert_eq!(talker.read_line(), None);
    server.stop();
}

#[test]
fn a_reader_that_pauses_misses_nothing_that_the_log_holds() {
    const LINES: usize = 40_000;
    let server = Running::start(Config { log_bytes: 64 << 20, ..unlimited() });
    let mut slow = server.join("slow");
    let mut fast = server.join("fast");
    let mut talker = server.join("talker");
    // More than the socket buffers at both ends hold.
    let words = "x".repeat(500);
    let talk = thread::spawn(move || {
        for n in 0..LINES {
            talker.send(&format!("{n} {words}\n"));
        }
        talker
    });
    for client in [&mut fast, &mut slow] {
        for n in 0..LINES {
            let line = client.read_until(|line| line.starts_with("talker: "));
            assert!(line.starts_with(&format!("talker: {n} ")), "{n}: {line}");
        }
    }
    drop(talk.join().unwrap());
    assert_eq!(server.handle.stats().missed, 0);
    server.stop();
}
