//! Many sockets on one thread: epoll, non-blocking connects, and the limit of descriptors.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Protocol, Socket, Type};

/// Reports which sockets can be read from or written to.
///
/// It is level-triggered: a socket with unread bytes is reported again. A closed socket is removed by the kernel.
pub struct Poller {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

/// What to wait for on a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Only its failure.
    Nothing,
    /// Something to read, or the end of input.
    Readable,
    /// Room to write, or the result of connecting.
    Writable,
    /// Either.
    Both,
}

/// A socket that is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The token with which the socket was added.
    pub token: usize,
    /// A read will return bytes, the end, or an error.
    pub readable: bool,
    /// A write will not block.
    pub writable: bool,
}

/// How many sockets are reported at once.
pub const BATCH: usize = 1_024;

impl Poller {
    /// Makes a poller that watches nothing yet.
    ///
    /// # Errors
    ///
    /// If no descriptor is left for it.
    pub fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?, events: Vec::with_capacity(BATCH) })
    }

    /// Watches a socket under the given token.
    ///
    /// # Errors
    ///
    /// If the kernel has no room for it.
    pub fn add(&self, socket: &impl AsFd, token: usize, interest: Interest) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, socket, EventData::new_u64(token as u64), interest.flags())?)
    }

    /// Changes what a socket is watched for.
    ///
    /// # Errors
    ///
    /// If the socket was never added.
    pub fn change(&self, socket: &impl AsFd, token: usize, interest: Interest) -> io::Result<()> {
        Ok(epoll::modify(&self.epoll, socket, EventData::new_u64(token as u64), interest.flags())?)
    }

    /// Stops watching a socket.
    ///
    /// # Errors
    ///
    /// If the socket was never added.
    pub fn remove(&self, socket: &impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, socket)?)
    }

    /// Waits until a socket is ready, for at most `timeout`, and replaces the contents of `ready`.
    ///
    /// # Errors
    ///
    /// None that a program could handle.
    pub fn wait(&mut self, ready: &mut Vec<Ready>, timeout: Duration) -> io::Result<()> {
        ready.clear();
        if !self.take(ready)? && !timeout.is_zero() {
            // epoll_wait counts in milliseconds, which is too coarse for a schedule; ppoll does not.
            let timeout = Timespec { tv_sec: timeout.as_secs().cast_signed(), tv_nsec: timeout.subsec_nanos().into() };
            match poll(&mut [PollFd::new(&self.epoll, PollFlags::IN)], Some(&timeout)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => drop(self.take(ready)?),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Collects what is ready now; returns whether anything is.
    fn take(&mut self, ready: &mut Vec<Ready>) -> io::Result<bool> {
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&Timespec::default())) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let failed = EventFlags::ERR | EventFlags::HUP;
        ready.extend(self.events.iter().map(|event| {
            let (flags, data) = (event.flags, event.data);
            Ready {
                token: data.u64() as usize,
                readable: flags.intersects(EventFlags::IN | failed),
                writable: flags.intersects(EventFlags::OUT | failed),
            }
        }));
        Ok(!ready.is_empty())
    }
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Poller").field(&self.epoll).finish()
    }
}

impl Interest {
    fn flags(self) -> EventFlags {
        match self {
            Self::Nothing => EventFlags::empty(),
            Self::Readable => EventFlags::IN,
            Self::Writable => EventFlags::OUT,
            Self::Both => EventFlags::IN | EventFlags::OUT,
        }
    }
}

/// Starts to connect, from a certain address of this machine if one is given.
///
/// The socket becomes writable once the result is known; `TcpStream::take_error` returns it.
///
/// # Errors
///
/// If it fails at once, for example because all ports of `from` are in use.
pub fn start_connect(to: SocketAddr, from: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_tcp_nodelay(true)?;
    if let Some(from) = from {
        socket.bind(&SocketAddr::new(from, 0).into())?;
    }
    match socket.connect(&to.into()) {
        Ok(()) => Ok(socket.into()),
        Err(error) if Errno::from_io_error(&error) == Some(Errno::INPROGRESS) => Ok(socket.into()),
        Err(error) => Err(error),
    }
}

/// Raises the limit of open descriptors to `wanted`, if possible; returns the limit.
///
/// A privileged process also raises the hard limit if necessary.
#[must_use]
pub fn raise_descriptor_limit(wanted: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let is_enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= wanted);
    if !is_enough(limit.current) {
        let most = limit.maximum.map_or(wanted, |hard| hard.min(wanted));
        let raised = Rlimit { current: Some(wanted), maximum: limit.maximum.map(|hard| hard.max(wanted)) };
        let unprivileged = Rlimit { current: Some(most), maximum: limit.maximum };
        // The limit in effect is read back below.
        let _ = setrlimit(Resource::Nofile, raised).or_else(|_| setrlimit(Resource::Nofile, unprivileged));
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
