//! The server as an embedding program sees it.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::SystemTime;
use std::{io, mem};

use chat_proto::driver::{ACCEPT_QUEUE, Admission, ConnectedHub, OnAccept, ReadBudget, SOCKET_BUFFER, Verifier};
use chat_proto::{Config, ConfigError, Credentials, Exemptions};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tracing::warn;

use crate::accept::Listener;
use crate::clock::Clock;
use crate::connection::{MAX_READ, lock};
use crate::handle::Handle;
use crate::shared::Shared;
use crate::writer;

/// A chat server on plain threads, not yet running.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<Listener>,
    shared: Arc<Shared>,
}

impl Server {
    /// Makes a server that listens nowhere yet.
    ///
    /// If they are 0, [`Config::started`] is set to the present time and [`Config::life`] to a random number.
    ///
    /// # Errors
    ///
    /// The first limit found to be out of its range.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let random = || RandomState::new().build_hasher().finish();
        let hub = ConnectedHub::start(config, since_1970, random)?;
        Ok(Self { listeners: Vec::new(), shared: Arc::new(Shared::new(hub)) })
    }

    /// Returns the most memory, in bytes, that sessions and messages can ever take in a server with these limits.
    ///
    /// This is [`ReadBudget::memory_bound`] for reads of 32 KiB, or of 8 KiB where [`Config::rate`] limits input. It
    /// does not count what the system keeps for connections ([`system_bound`](chat_proto::driver::system_bound)); a
    /// socket and a thread for each connection; the write buffers of each writer, some 2 MiB at most with the default
    /// limits; and the reads of up to 1,024 connections that are over, whose peers have a second to read their last
    /// words.
    #[must_use]
    pub fn memory_bound(config: &Config) -> usize {
        ReadBudget::memory_bound(config, MAX_READ)
    }

    /// Sets which peers' connections are not counted by address; [`Exemptions::default`] unless this is called.
    ///
    /// The limits by address are the fields of [`Config`] whose names end in `per_address`.
    pub fn exempt(&mut self, exemptions: Exemptions) {
        self.shared.act(|state, _| state.hub.exempt(exemptions));
    }

    /// Sets the function that decides, by its peer's address, whether a connection becomes a session. Unless this is
    /// called, all do. Its listener accepts nobody during the call, so it must be quick and must not panic.
    pub fn on_accept(&mut self, decide: impl Fn(Option<SocketAddr>) -> Admission + Send + Sync + 'static) {
        *lock(&self.shared.on_accept) = OnAccept::new(decide);
    }

    /// Sets the [function](Verifier) that says whether passwords of clients of IRC are right; none is unless this is
    /// called. It runs on a thread of its own.
    pub fn verify_with(&mut self, verify: impl Fn(Credentials<'_>) -> bool + Send + Sync + 'static) {
        self.shared.act(|state, _| state.hub.verify_with(Verifier::new(verify)));
    }

    /// Binds `addr` for sessions that speak `dialect`, and returns the address with its real port.
    ///
    /// Peers can connect from now on; they are served once the server runs.
    ///
    /// An IPv6 address accepts IPv6 only, on every system: `[::]` and `0.0.0.0` can be used side by side.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] if the configuration has no such dialect; otherwise the system's error, such as
    /// [`io::ErrorKind::AddrInUse`].
    pub fn listen(&mut self, dialect: &str, addr: SocketAddr) -> io::Result<SocketAddr> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        // So that a restarted server need not wait for its predecessor's connections to time out.
        socket.set_reuse_address(true)?;
        if addr.is_ipv6() {
            // By default, some systems would accept IPv4 as well.
            socket.set_only_v6(true)?;
        }
        socket.bind(&addr.into())?;
        socket.listen(ACCEPT_QUEUE)?;
        self.accept_on(dialect, socket.into())
    }

    /// Accepts clients that speak `dialect` on a listener that is ready, such as one inherited from a service manager;
    /// returns its address.
    ///
    /// # Errors
    ///
    /// As [`listen`](Self::listen).
    pub fn accept_on(&mut self, dialect: &str, listener: TcpListener) -> io::Result<SocketAddr> {
        let id = self.shared.act(|state, _| state.hub.dialect(dialect));
        let id = id.map_err(|unknown| io::Error::new(io::ErrorKind::InvalidInput, unknown))?;
        listener.set_nonblocking(true)?;
        // Accepted sockets inherit these sizes, so they hold from the first byte on.
        let socket = SockRef::from(&listener);
        if let Err(error) =
            socket.set_send_buffer_size(SOCKET_BUFFER).and_then(|()| socket.set_recv_buffer_size(SOCKET_BUFFER))
        {
            warn!(%error, "cannot say how much the system should keep for a connection");
        }
        let addr = listener.local_addr()?;
        self.listeners.push(Listener { socket: listener, addr, dialect: id, name: dialect.to_owned() });
        Ok(addr)
    }

    /// Returns a handle that other threads may hold while the server runs, and after it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.shared))
    }

    /// Serves until [`Handle::shut_down`] was called and every connection is closed; no thread is left behind but those
    /// that still check passwords.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] if the server listens nowhere; otherwise the server could not get a thread or a
    /// descriptor that it needs itself. Later failures of connections and listeners are logged, and the server goes on.
    pub fn run(mut self) -> io::Result<()> {
        if self.listeners.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the server listens nowhere"));
        }
        let (listeners, shared) = (mem::take(&mut self.listeners), &self.shared);
        let clock = Clock::new(shared)?;
        let mut threads = Vec::new();
        let started = start(shared, listeners, &mut threads);
        if started.is_err() {
            shared.shut_down();
        }
        clock.run(shared);
        shared.end();
        for thread in threads {
            let _ = thread.join(); // A panic has been reported by the thread itself.
        }
        started
    }
}

/// Closes what is left when the server ends, however it ends, and then wakes the callers of [`Handle::closed`].
impl Drop for Server {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// Starts the writers, then a thread for each listener.
fn start(shared: &Arc<Shared>, listeners: Vec<Listener>, threads: &mut Vec<JoinHandle<()>>) -> io::Result<()> {
    for _ in 0..thread::available_parallelism().map_or(1, NonZeroUsize::get) {
        let shared = Arc::clone(shared);
        threads.push(thread::Builder::new().name("writer".into()).spawn(move || writer::run(&shared))?);
    }
    let (accepting, closed) = UnixStream::pair()?;
    for listener in listeners {
        let (shared, closed) = (Arc::clone(shared), closed.try_clone()?);
        threads.push(thread::Builder::new().name("accept".into()).spawn(move || listener.run(&shared, &closed))?);
    }
    shared.act(|state, _| state.accepting = Some(accepting));
    Ok(())
}
