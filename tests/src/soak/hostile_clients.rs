//! All hostile clients on one thread. When one ends, or the server closes it, it reconnects as another kind.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Read, Write};
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpStream};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::hostile::{Kind, Reading, Then};
use crate::load::Target;
use crate::sim::Random;
use crate::sockets::{Interest, Poller, Ready, start_connect};

/// The hostile clients.
#[derive(Debug)]
pub(super) struct HostileClients {
    targets: Vec<Target>,
    random: Random,
    poller: Poller,
    ready: Vec<Ready>,
    clients: Vec<Client>,
    /// When each client acts next, with the number of that turn. Only the latest turn scheduled for a client counts.
    turns: BinaryHeap<Reverse<(Instant, usize, u64)>>,
    buffer: Box<[u8]>,
    counts: Counts,
}

/// Counts of hostile clients.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Connected now.
    pub(super) open: usize,
    /// Connected ever.
    pub(super) opened: u64,
    /// Could not connect.
    pub(super) failed: u64,
    /// Closed by the server.
    pub(super) closed: u64,
}

#[derive(Debug)]
struct Client {
    /// How many turns were scheduled for it.
    turns: u64,
    kind: Kind,
    target: Target,
    state: State,
    /// When it ends, to reconnect as another kind.
    end: Instant,
    /// Output that the socket has not taken yet.
    out: Vec<u8>,
    has_acted: bool,
}

#[derive(Debug)]
enum State {
    /// Not connected.
    Away,
    Connecting(TcpStream),
    Open(TcpStream),
}

/// How much is read at once.
const BUFFER: usize = 64 << 10;

/// The receive buffer of clients that do not read, so that it is soon full.
const NARROW: usize = 4 << 10;

/// Source addresses in 127.0.0.0/8: one has too few ports for a storm.
const SOURCES: u64 = 16;

/// How long a client waits after a failure to connect.
const DISCOURAGED: Duration = Duration::from_secs(1);

/// The time within which all clients first connect.
const GATHERING_MS: u64 = 5_000;

impl HostileClients {
    /// Prepares that many clients; they connect within seconds once turns are taken.
    pub(super) fn new(clients: usize, targets: Vec<Target>, mut random: Random) -> io::Result<Self> {
        let now = Instant::now();
        let turn = |i| Reverse((now + Duration::from_millis(random.below(GATHERING_MS)), i, 0));
        let turns = (0..clients).map(turn).collect();
        let nobody = |target| Client {
            turns: 0,
            kind: Kind::Silent,
            target,
            state: State::Away,
            end: now,
            out: Vec::new(),
            has_acted: false,
        };
        Ok(Self {
            clients: (0..clients).map(|_| nobody(targets[0])).collect(),
            targets,
            random,
            poller: Poller::new()?,
            ready: Vec::new(),
            turns,
            buffer: vec![0; BUFFER].into(),
            counts: Counts::default(),
        })
    }

    /// Returns the counts of clients.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Lets the clients act and read, waiting for at most `most`.
    pub(super) fn turn(&mut self, most: Duration) -> io::Result<()> {
        let now = Instant::now();
        let next = self.turns.peek().map_or(most, |Reverse((at, ..))| at.saturating_duration_since(now));
        let mut ready = mem::take(&mut self.ready);
        self.poller.wait(&mut ready, next.min(most))?;
        for Ready { token, .. } in ready.iter().copied() {
            match self.clients[token].state {
                State::Connecting(_) => self.connected(token),
                State::Open(_) => self.read(token),
                State::Away => {}
            }
        }
        self.ready = ready;
        let now = Instant::now();
        while let Some(Reverse((at, index, turn))) = self.turns.peek().copied() {
            if at > now {
                break;
            }
            self.turns.pop();
            if self.clients[index].turns == turn {
                self.take_turn(index, now);
            }
        }
        Ok(())
    }

    fn take_turn(&mut self, index: usize, now: Instant) {
        match self.clients[index].state {
            State::Away => self.come(index, now),
            _ if now >= self.clients[index].end => self.go(index),
            State::Connecting(_) => self.again_after(index, DISCOURAGED),
            State::Open(_) => self.act(index),
        }
    }

    fn come(&mut self, index: usize, now: Instant) {
        let client = &mut self.clients[index];
        client.kind = Kind::draw(&mut self.random);
        client.target = self.random.pick(&self.targets);
        client.end = now + client.kind.life(&mut self.random);
        client.out.clear();
        client.has_acted = false;
        let to = client.target.addr;
        let from = (to.is_ipv4() && to.ip().is_loopback())
            .then(|| IpAddr::V4(Ipv4Addr::new(127, 0, 0, self.random.between(1, SOURCES) as u8)));
        let is_narrow = client.kind.reading() != Reading::All;
        let come = start_connect(to, from).and_then(|stream| {
            if is_narrow {
                SockRef::from(&stream).set_recv_buffer_size(NARROW)?;
            }
            self.poller.add(&stream, index, Interest::Writable)?;
            Ok(stream)
        });
        match come {
            Ok(stream) => {
                client.state = State::Connecting(stream);
                self.again_after(index, DISCOURAGED);
            }
            Err(_) => self.fail(index),
        }
    }

    fn connected(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let State::Connecting(stream) = mem::replace(&mut client.state, State::Away) else { return };
        let interest = if client.kind.reading() == Reading::All { Interest::Readable } else { Interest::Nothing };
        match stream.take_error() {
            Ok(None) if self.poller.change(&stream, index, interest).is_ok() => {
                client.state = State::Open(stream);
                self.counts.open += 1;
                self.counts.opened += 1;
                self.act(index);
            }
            _ => self.fail(index),
        }
    }

    fn act(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let State::Open(stream) = &mut client.state else { return };
        let mut then = Then::Stay;
        if client.out.is_empty() {
            let is_first = !mem::replace(&mut client.has_acted, true);
            then = client.kind.act(client.target.dialect, is_first, &mut self.random, &mut client.out);
        }
        if write(stream, &mut client.out).is_err() {
            return self.closed(index);
        }
        if client.kind.reading() == Reading::OneByte && matches!(stream.read(&mut [0]), Ok(0)) {
            return self.closed(index);
        }
        match then {
            Then::Stay => {}
            // If the peer is gone already, a later call reports it.
            Then::ShutDownSending => drop(stream.shutdown(Shutdown::Write)),
            Then::Leave => return self.leave(index),
            Then::Reset => {
                let _ = SockRef::from(&*stream).set_linger(Some(Duration::ZERO));
                return self.leave(index);
            }
        }
        let pause = client.kind.pause(&mut self.random);
        self.again_after(index, pause);
    }

    /// Reads and discards. A client that does not read is woken only when its connection has failed.
    fn read(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let State::Open(stream) = &mut client.state else { return };
        let is_over = client.kind.reading() != Reading::All
            || match stream.read(&mut self.buffer) {
                Ok(len) => len == 0,
                Err(error) => !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
            };
        if is_over {
            self.closed(index);
        }
    }

    /// Ends a client's connection in one of several ways.
    fn go(&mut self, index: usize) {
        match &mut self.clients[index].state {
            State::Open(stream) => {
                match self.random.below(3) {
                    0 => drop(SockRef::from(&*stream).set_linger(Some(Duration::ZERO))),
                    1 => drop(stream.shutdown(Shutdown::Both)),
                    _ => {}
                }
                self.leave(index);
            }
            _ => self.fail(index),
        }
    }

    fn closed(&mut self, index: usize) {
        self.counts.closed += 1;
        self.leave(index);
    }

    fn leave(&mut self, index: usize) {
        self.counts.open -= 1;
        let client = &mut self.clients[index];
        client.state = State::Away;
        let pause = client.kind.pause(&mut self.random).min(DISCOURAGED);
        self.again_after(index, pause);
    }

    fn fail(&mut self, index: usize) {
        self.counts.failed += 1;
        self.clients[index].state = State::Away;
        self.again_after(index, DISCOURAGED);
    }

    /// Schedules a client's next turn, replacing any other.
    fn again_after(&mut self, index: usize, pause: Duration) {
        let client = &mut self.clients[index];
        client.turns += 1;
        let mut at = Instant::now() + pause;
        if !matches!(client.state, State::Away) {
            at = at.min(client.end);
        }
        self.turns.push(Reverse((at, index, client.turns)));
    }
}

/// Writes as much as the socket takes now.
fn write(stream: &mut TcpStream, out: &mut Vec<u8>) -> io::Result<()> {
    while !out.is_empty() {
        match stream.write(out) {
            Ok(len) => drop(out.drain(..len)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
