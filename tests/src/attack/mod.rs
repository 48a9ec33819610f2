//! What many peers at once do to a server, and what that does to honest ones among them.
//!
//! The conformance suite asks it of every adapter, with numbers that take seconds; the program `attack` of any server
//! that speaks `text`, with any numbers.

mod crowd;

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockAddr;

use self::crowd::Crowd;

/// A page pasted by many at once.
#[derive(Clone, Copy, Debug)]
pub struct Paste {
    /// How many paste, and read what the others do.
    pub people: usize,
    /// How many lines each of them pastes.
    pub lines: usize,
    /// Bytes of a line, its end included.
    pub len: usize,
    /// How many others never read.
    pub deaf: usize,
    /// How many others only read; what becomes of them is reported.
    pub readers: usize,
    /// When it is given up.
    pub timeout: Duration,
}

/// What became of the honest readers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Lines that all of them together should have heard.
    pub expected: u64,
    /// Lines that they heard.
    pub heard: u64,
    /// Messages that they were told they missed.
    pub missed: u64,
    /// How long it took.
    pub took: Duration,
}

/// Has many people paste a page at once.
///
/// # Errors
///
/// If they cannot connect, or the system does not let them wait for their sockets.
pub fn paste(addr: &SockAddr, paste: Paste) -> io::Result<Heard> {
    let mut crowd = Crowd::new()?;
    let readers: Vec<_> = (0..paste.readers).map(|_| crowd.connect(addr)).collect::<io::Result<_>>()?;
    for _ in 0..paste.deaf {
        let deaf = crowd.connect_deaf(addr)?;
        crowd.say(deaf, b"/ping\n");
    }
    let people: Vec<_> = (0..paste.people).map(|_| crowd.connect(addr)).collect::<io::Result<_>>()?;
    // Everyone is there before it begins.
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
    Ok(Heard {
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

/// Many who say lines without end, and read; and one who asks `/ping` meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Flood {
    /// How many there are.
    pub people: usize,
    /// Bytes of a line, its end included.
    pub len: usize,
    /// Pings that are asked, one after the other, and how long before the first of them.
    pub pings: usize,
    /// How long the flood goes on before the first.
    pub before: Duration,
    /// When it is given up.
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
    // A thread of its own: what this one takes to serve all the others is not the server's.
    thread::scope(|scope| {
        let asking = scope.spawn(|| ask(addr, flood.pings, deadline));
        crowd.run_until(deadline, |_| asking.is_finished())?;
        asking.join().unwrap_or_else(|_| Err(io::Error::other("the asker panicked")))
    })
}

/// Asks `/ping` again and again; returns how long each took, the shortest first.
fn ask(addr: &SockAddr, pings: usize, deadline: Instant) -> io::Result<Vec<Duration>> {
    const PAUSE: Duration = Duration::from_millis(20);
    let mut crowd = Crowd::new()?;
    let asker = crowd.connect(addr)?;
    let mut took = Vec::new();
    while took.len() < pings && Instant::now() < deadline {
        let (since, answers) = (Instant::now(), crowd[asker].pongs);
        crowd.say(asker, b"/ping\n");
        crowd.run_until(deadline, |crowd| crowd[asker].pongs > answers)?;
        took.push(since.elapsed());
        crowd.run_until(Instant::now() + PAUSE, |_| false)?;
    }
    took.sort_unstable();
    Ok(took)
}

/// Has some people whisper a page each to one who reads; returns how many arrived and how many were refused.
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
