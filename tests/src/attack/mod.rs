//! Many peers at once against a server, and the effect on its honest clients.
//!
//! The conformance suite runs this against every adapter, with numbers that take seconds. The program `attack` runs it
//! against any server that speaks `text`, with any numbers.

mod crowd;

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockAddr;

use self::crowd::Crowd;

/// A page pasted by many at once.
#[derive(Clone, Copy, Debug)]
pub struct Paste {
    /// How many people paste, and read what the others paste.
    pub people: usize,
    /// How many lines each of them pastes.
    pub lines: usize,
    /// Bytes of a line, its end included.
    pub len: usize,
    /// How many others never read.
    pub deaf: usize,
    /// How many others only read; the result is about these.
    pub readers: usize,
    /// When to give up.
    pub timeout: Duration,
}

/// What the honest readers received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PasteResult {
    /// Lines that all of them together should receive.
    pub expected: u64,
    /// Lines that they received.
    pub heard: u64,
    /// Messages that they missed, according to the server.
    pub missed: u64,
    /// How long it took.
    pub took: Duration,
}

/// Makes many people paste a page at once.
///
/// # Errors
///
/// If they cannot connect, or the system does not let them wait for their sockets.
pub fn paste(addr: &SockAddr, paste: Paste) -> io::Result<PasteResult> {
    let mut crowd = Crowd::new()?;
    let readers: Vec<_> = (0..paste.readers).map(|_| crowd.connect(addr)).collect::<io::Result<_>>()?;
    for _ in 0..paste.deaf {
        let deaf = crowd.connect_deaf(addr)?;
        crowd.say(deaf, b"/ping\n");
    }
    let people: Vec<_> = (0..paste.people).map(|_| crowd.connect(addr)).collect::<io::Result<_>>()?;
    // Everyone connects before the paste begins.
    let deadline = Instant::now() + paste.timeout;
    crowd.run_until(deadline, |crowd| readers.iter().chain(&people).all(|peer| crowd[*peer].lines > 0))?;
    let begun = Instant::now();
    let page: Vec<u8> = (0..paste.lines).flat_map(|number| line(number, paste.len)).collect();
    for &peer in &people {
        crowd.say(peer, &page);
    }
    let each = (paste.people * paste.lines) as u64;
    let done = |crowd: &Crowd, peer: &usize| crowd[*peer].said + crowd[*peer].missed >= each;
    crowd.run_until(deadline, |crowd| readers.iter().all(|peer| done(crowd, peer)))?;
    Ok(PasteResult {
        expected: each * paste.readers as u64,
        heard: readers.iter().map(|peer| crowd[*peer].said).sum(),
        missed: readers.iter().map(|peer| crowd[*peer].missed).sum(),
        took: begun.elapsed(),
    })
}

fn line(number: usize, len: usize) -> Vec<u8> {
    let mut line = format!("{number:05} ").into_bytes();
    line.resize(len - 1, b'x');
    line.push(b'\n');
    line
}

/// Many senders that send lines without end, and read; and one peer that sends `/ping` meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Flood {
    /// How many there are.
    pub people: usize,
    /// Bytes of a line, its end included.
    pub len: usize,
    /// How many pings are sent, one after another.
    pub pings: usize,
    /// How long the flood lasts before the first ping.
    pub before: Duration,
    /// When to give up.
    pub timeout: Duration,
}

/// Floods a server; returns how long each ping took, the shortest first.
///
/// # Errors
///
/// As [`paste`].
pub fn flood(addr: &SockAddr, flood: Flood) -> io::Result<Vec<Duration>> {
    let mut crowd = Crowd::new()?;
    let people: Vec<_> = (0..flood.people).map(|_| crowd.connect(addr)).collect::<io::Result<_>>()?;
    let deadline = Instant::now() + flood.timeout;
    crowd.run_until(deadline, |crowd| people.iter().all(|peer| crowd[*peer].lines > 0))?;
    for &peer in &people {
        crowd.say_for_ever(peer, &line(0, flood.len));
    }
    crowd.run_until(Instant::now() + flood.before, |_| false)?;
    // On a thread of its own, so that time spent on the other peers is not counted.
    thread::scope(|scope| {
        let asking = scope.spawn(|| ask(addr, flood.pings, deadline));
        crowd.run_until(deadline, |_| asking.is_finished())?;
        asking.join().unwrap_or_else(|_| Err(io::Error::other("the asker panicked")))
    })
}

/// Sends `/ping` repeatedly; returns how long each took, the shortest first.
fn ask(addr: &SockAddr, pings: usize, deadline: Instant) -> io::Result<Vec<Duration>> {
    const PAUSE: Duration = Duration::from_millis(20);
    let mut crowd = Crowd::new()?;
    let asker = crowd.connect(addr)?;
    let mut took = Vec::new();
    while took.len() < pings && Instant::now() < deadline {
        let (begun, answers) = (Instant::now(), crowd[asker].pongs);
        crowd.say(asker, b"/ping\n");
        crowd.run_until(deadline, |crowd| crowd[asker].pongs > answers)?;
        took.push(begun.elapsed());
        crowd.run_until(Instant::now() + PAUSE, |_| false)?;
    }
    took.sort_unstable();
    Ok(took)
}

/// Makes some people each send a page of private messages to one reader; returns how many arrived and how many were
/// refused.
///
/// # Errors
///
/// As [`paste`].
pub fn whisper(addr: &SockAddr, people: usize, lines: usize, len: usize) -> io::Result<(u64, u64)> {
    let mut crowd = Crowd::new()?;
    let target = crowd.connect(addr)?;
    crowd.say(target, b"/name target\n");
    let people: Vec<_> = (0..people).map(|_| crowd.connect(addr)).collect::<io::Result<_>>()?;
    let deadline = Instant::now() + Duration::from_secs(20);
    crowd.run_until(deadline, |crowd| crowd[target].lines > 1 && people.iter().all(|peer| crowd[*peer].lines > 0))?;
    let page: Vec<u8> = (0..lines).flat_map(|number| [b"/msg target ".to_vec(), line(number, len)].concat()).collect();
    for &peer in &people {
        crowd.say(peer, &page);
    }
    let each = (people.len() * lines) as u64;
    let refused = |crowd: &Crowd| people.iter().map(|peer| crowd[*peer].refused).sum::<u64>();
    crowd.run_until(deadline, |crowd| crowd[target].told + refused(crowd) >= each)?;
    Ok((crowd[target].told, refused(&crowd)))
}
