//! `limit 127.0.0.1:0`: about the least that a chat server can do, for `load --beside limit` to compare real servers
//! with.
//!
//! It has one thread and one ring of bytes. Complete lines from peers are copied into the ring unchanged. In each
//! round, every other peer is sent its new bytes in one write. There are no names, dialects, deadlines, limits or
//! checks; a reader that is a whole ring behind is disconnected. A first line that asks for a name is dropped.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::ExitCode;

use chat_tests::sockets::raise_descriptor_limit;
use clap::Parser;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

/// How many bytes a reader may be behind.
const RING: u64 = 16 << 20;

/// The most bytes read from one peer in a round.
const READ: usize = 64 << 10;

/// The longest line.
const LINE: usize = 1 << 20;

/// The listener's token in epoll.
const LISTENER: u64 = u64::MAX;

/// Events taken at once.
const EVENTS: usize = 1_024;

/// Does about the least that a chat server can do
#[derive(Parser)]
struct Arguments {
    /// Where to listen
    #[arg(value_name = "IP:PORT")]
    addr: SocketAddr,
}

fn main() -> ExitCode {
    let Arguments { addr } = Arguments::parse();
    if let Err(error) = Limit::new(addr).and_then(Limit::run) {
        eprintln!("limit: {error}");
    }
    ExitCode::FAILURE
}

struct Limit {
    listener: TcpListener,
    epoll: OwnedFd,
    peers: Vec<Option<Peer>>,
    vacant: Vec<usize>,
    ring: Ring,
    input: Box<[u8]>,
}

struct Peer {
    stream: TcpStream,
    /// The position in the ring up to which it has been written.
    next: u64,
    /// It has sent something, which must not be sent back to it.
    has_spoken: bool,
    /// Its socket takes nothing more for now.
    is_blocked: bool,
    /// The start of a line that is not complete yet.
    begun: Vec<u8>,
}

/// The latest bytes of all messages.
struct Ring {
    bytes: Box<[u8]>,
    /// How many bytes were ever written.
    head: u64,
    /// The author of each stretch of bytes, in order.
    stretches: VecDeque<Stretch>,
}

struct Stretch {
    author: usize,
    from: u64,
    to: u64,
}

impl Limit {
    fn new(addr: SocketAddr) -> io::Result<Self> {
        let _ = raise_descriptor_limit(20_000);
        let listener = TcpListener::bind(addr)?;
        listener.set_nonblocking(true)?;
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        writeln!(io::stdout(), "listening classic {}", listener.local_addr()?)?;
        Ok(Self {
            listener,
            epoll,
            peers: Vec::new(),
            vacant: Vec::new(),
            ring: Ring::new(),
            input: vec![0; READ].into(),
        })
    }

    fn run(mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let before = self.ring.head;
            for event in events.drain(..) {
                match event.data.u64() {
                    LISTENER => self.accept(),
                    peer => self.serve(peer as usize, event.flags),
                }
            }
            if self.ring.head != before {
                (0..self.peers.len()).for_each(|peer| self.write(peer));
            }
        }
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            let slot = self.vacant.pop().unwrap_or(self.peers.len());
            let data = EventData::new_u64(slot as u64);
            let added = epoll::add(&self.epoll, &stream, data, EventFlags::IN);
            if stream.set_nonblocking(true).is_err() || stream.set_nodelay(true).is_err() || added.is_err() {
                self.vacant.push(slot);
                continue;
            }
            self.peers.resize_with(self.peers.len().max(slot + 1), || None);
            let next = self.ring.head;
            let peer = Peer { stream, next, has_spoken: false, is_blocked: false, begun: Vec::new() };
            self.peers[slot] = Some(peer);
        }
    }

    fn serve(&mut self, slot: usize, flags: EventFlags) {
        if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            self.read(slot);
        }
        if flags.contains(EventFlags::OUT)
            && let Some(peer) = &mut self.peers[slot]
        {
            peer.is_blocked = false;
            let data = EventData::new_u64(slot as u64);
            // If this fails, so will the write.
            let _ = epoll::modify(&self.epoll, &peer.stream, data, EventFlags::IN);
            self.write(slot);
        }
    }

    fn read(&mut self, slot: usize) {
        let Some(peer) = &mut self.peers[slot] else { return };
        let n = match peer.stream.read(&mut self.input) {
            Ok(n) if n > 0 && peer.begun.len() < LINE => n,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => return,
            _ => return self.close(slot),
        };
        let input = &self.input[..n];
        let whole = memchr::memrchr(b'\n', input).map_or(0, |end| end + 1);
        if whole > 0 {
            let mut lines = &input[..whole];
            if !peer.has_spoken
                && peer.begun.is_empty()
                && (lines.starts_with(b"NAME ") || lines.starts_with(b"/name "))
            {
                let name = memchr::memchr(b'\n', lines).map_or(0, |end| end + 1);
                lines = &lines[name..];
            }
            self.ring.push(slot, &[&peer.begun, lines]);
            peer.has_spoken = true;
            peer.begun.clear();
        }
        peer.begun.extend_from_slice(&input[whole..]);
    }

    /// Writes new bytes to a peer, except those that it has sent itself.
    fn write(&mut self, slot: usize) {
        while let Some(peer) = self.peers[slot].as_mut().filter(|peer| !peer.is_blocked) {
            let to = if peer.has_spoken { self.ring.skip_own(slot, &mut peer.next) } else { self.ring.head };
            if peer.next == to {
                return;
            }
            if peer.next + RING < self.ring.head {
                return self.close(slot);
            }
            let [one, other] = self.ring.bytes(peer.next, to);
            match peer.stream.write_vectored(&[IoSlice::new(one), IoSlice::new(other)]) {
                Ok(n) => peer.next += n as u64,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    peer.is_blocked = true;
                    let data = EventData::new_u64(slot as u64);
                    if epoll::modify(&self.epoll, &peer.stream, data, EventFlags::IN | EventFlags::OUT).is_err() {
                        self.close(slot);
                    }
                }
                Err(_) => self.close(slot),
            }
        }
    }

    fn close(&mut self, slot: usize) {
        // Its slot may be reused, and its bytes must not count as those of the next peer in it.
        if self.peers[slot].take().is_some() {
            self.ring.forget(slot);
            self.vacant.push(slot);
        }
    }
}

impl Ring {
    fn new() -> Self {
        Self { bytes: vec![0; RING as usize].into(), head: 0, stretches: VecDeque::new() }
    }

    fn push(&mut self, author: usize, pieces: &[&[u8]]) {
        let from = self.head;
        for mut piece in pieces.iter().copied() {
            while !piece.is_empty() {
                let at = (self.head % RING) as usize;
                let n = piece.len().min(self.bytes.len() - at);
                self.bytes[at..at + n].copy_from_slice(&piece[..n]);
                self.head += n as u64;
                piece = &piece[n..];
            }
        }
        match self.stretches.back_mut().filter(|last| last.author == author) {
            Some(last) => last.to = self.head,
            None => self.stretches.push_back(Stretch { author, from, to: self.head }),
        }
        while self.stretches.front().is_some_and(|first| first.to + RING <= self.head) {
            self.stretches.pop_front();
        }
    }

    /// Moves `next` past the author's own bytes, and returns where the author's next bytes begin.
    fn skip_own(&self, author: usize, next: &mut u64) -> u64 {
        let first = self.stretches.partition_point(|stretch| stretch.to <= *next);
        for stretch in self.stretches.range(first..).filter(|stretch| stretch.author == author) {
            if stretch.from > *next {
                return stretch.from;
            }
            *next = stretch.to;
        }
        self.head
    }

    /// Removes this peer as the author of its bytes.
    fn forget(&mut self, author: usize) {
        for stretch in self.stretches.iter_mut().filter(|stretch| stretch.author == author) {
            stretch.author = usize::MAX;
        }
    }

    fn bytes(&self, from: u64, to: u64) -> [&[u8]; 2] {
        let (at, len) = ((from % RING) as usize, (to - from) as usize);
        let first = len.min(self.bytes.len() - at);
        [&self.bytes[at..at + first], &self.bytes[..len - first]]
    }
}
