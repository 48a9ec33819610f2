//! Many peers in one thread.

use std::io::{self, Read, Write};
use std::ops::Index;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use socket2::{SockAddr, Socket, Type};

use crate::conformance::tls::stream_to;
use crate::stream::Stream;

/// The most bytes that one peer reads or writes in a turn.
const TURN: usize = 256 << 10;

/// Peers, numbered in the order of connecting.
pub(super) struct Crowd {
    poll: Poll,
    events: Events,
    peers: Vec<Peer>,
    /// Peers whose sockets were still ready when their turn ended.
    unfinished: Vec<usize>,
    input: Vec<u8>,
}

/// A peer, and counts of what it was sent.
pub(super) struct Peer {
    stream: Stream,
    is_deaf: bool,
    output: Vec<u8>,
    written: usize,
    /// It sends its output over and over.
    is_endless: bool,
    /// The start of a line, enough to tell its kind.
    begun: Vec<u8>,
    /// Lines of any kind.
    pub(super) lines: u64,
    /// Public messages.
    pub(super) said: u64,
    /// Messages that it missed, according to the server.
    pub(super) missed: u64,
    pub(super) pongs: u64,
    /// Private messages.
    pub(super) told: u64,
    /// Its own lines that were refused.
    pub(super) refused: u64,
}

/// How many bytes of a line tell its kind.
const BEGINNING: usize = 40;

impl Crowd {
    pub(super) fn new() -> io::Result<Self> {
        let (peers, unfinished) = (Vec::new(), Vec::new());
        Ok(Self { poll: Poll::new()?, events: Events::with_capacity(1_024), peers, unfinished, input: vec![0; TURN] })
    }

    pub(super) fn connect(&mut self, addr: &SockAddr) -> io::Result<usize> {
        self.add(addr, Socket::new(addr.domain(), Type::STREAM, None)?, false)
    }

    /// Connects a peer that never reads, with a small receive buffer.
    pub(super) fn connect_deaf(&mut self, addr: &SockAddr) -> io::Result<usize> {
        let socket = Socket::new(addr.domain(), Type::STREAM, None)?;
        socket.set_recv_buffer_size(4 << 10)?;
        self.add(addr, socket, true)
    }

    fn add(&mut self, addr: &SockAddr, socket: Socket, is_deaf: bool) -> io::Result<usize> {
        socket.connect(addr)?;
        let mut stream = stream_to(addr, socket);
        stream.shake_hands();
        let socket = stream.socket();
        socket.set_nonblocking(true)?;
        let (peer, interest) = (self.peers.len(), Interest::READABLE | Interest::WRITABLE);
        self.poll.registry().register(&mut SourceFd(&socket.as_raw_fd()), Token(peer), interest)?;
        self.peers.push(Peer {
            stream,
            is_deaf,
            output: Vec::new(),
            written: 0,
            is_endless: false,
            begun: Vec::new(),
            lines: 0,
            said: 0,
            missed: 0,
            pongs: 0,
            told: 0,
            refused: 0,
        });
        Ok(peer)
    }

    pub(super) fn say(&mut self, peer: usize, bytes: &[u8]) {
        self.peers[peer].output.extend_from_slice(bytes);
        self.unfinished.push(peer);
    }

    pub(super) fn say_for_ever(&mut self, peer: usize, line: &[u8]) {
        self.peers[peer].output = line.repeat(64);
        self.peers[peer].is_endless = true;
        self.unfinished.push(peer);
    }

    /// Lets all peers read and write until `is_enough`, or until the deadline.
    pub(super) fn run_until(&mut self, deadline: Instant, is_enough: impl Fn(&Self) -> bool) -> io::Result<()> {
        while !is_enough(self) && Instant::now() < deadline {
            let wait = deadline.saturating_duration_since(Instant::now()).min(Duration::from_millis(20));
            let wait = if self.unfinished.is_empty() { wait } else { Duration::ZERO };
            match self.poll.poll(&mut self.events, Some(wait)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            let mut ready: Vec<usize> = self.events.iter().map(|event| event.token().0).collect();
            ready.append(&mut self.unfinished);
            ready.sort_unstable();
            ready.dedup();
            for peer in ready {
                if self.peers[peer].turn(&mut self.input) {
                    self.unfinished.push(peer);
                }
            }
        }
        Ok(())
    }
}

impl Index<usize> for Crowd {
    type Output = Peer;

    fn index(&self, peer: usize) -> &Peer {
        &self.peers[peer]
    }
}

impl Peer {
    /// Reads and writes once; returns whether there may be more to do at once.
    fn turn(&mut self, input: &mut [u8]) -> bool {
        let mut goes_on = false;
        self.stream.send_pending();
        if !self.is_deaf
            && let Ok(n) = self.stream.read(input)
            && n > 0
        {
            self.receive(&input[..n]);
            goes_on = true;
        }
        if self.written < self.output.len()
            && let Ok(n) = self.stream.write(&self.output[self.written..])
        {
            self.written += n;
            goes_on = true;
            if self.written == self.output.len() {
                self.written = 0;
                if !self.is_endless {
                    self.output.clear();
                }
            }
        }
        goes_on
    }

    fn receive(&mut self, mut bytes: &[u8]) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            bytes = &rest[1..];
            if self.begun.is_empty() {
                self.count(line);
            } else {
                let mut begun = std::mem::take(&mut self.begun);
                begun.extend_from_slice(&line[..line.len().min(BEGINNING)]);
                self.count(&begun);
                begun.clear();
                self.begun = begun;
            }
        }
        if self.begun.len() < BEGINNING {
            self.begun.extend_from_slice(&bytes[..bytes.len().min(BEGINNING)]);
        }
    }

    fn count(&mut self, line: &[u8]) {
        self.lines += 1;
        if line.starts_with(b"guest-") {
            let name = line.iter().position(|byte| matches!(byte, b':' | b' '));
            let is_told = name.is_some_and(|end| line[end..].starts_with(b" -> you"));
            *(if is_told { &mut self.told } else { &mut self.said }) += 1;
        } else if line == b"* pong" {
            self.pongs += 1;
        } else if line.starts_with(b"! ") {
            self.refused += 1;
        } else if let Some(count) = line.strip_prefix(b"* missed ") {
            let digits = count.iter().take_while(|byte| byte.is_ascii_digit());
            self.missed += digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
        }
    }
}
