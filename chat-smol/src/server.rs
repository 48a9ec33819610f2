//! The server: listeners, and the life of everything that runs.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
#[cfg(unix)]
use std::os::unix::net::UnixListener;
#[cfg(unix)]
use std::path::Path;
use std::sync::Arc;
use std::thread;

use async_io::Async;
use chat_proto::driver::{ACCEPT_QUEUE, Admission, ConnectedHub, OnAccept, ReadBudget, SOCKET_BUFFER};
use chat_proto::{Config, ConfigError, Exemptions, Hub, driver};
use smol::Executor;
use socket2::{Domain, Protocol, Socket, Type};
use tracing::warn;

use crate::accept::{Listener, accept};
use crate::clock::keep_time;
use crate::handle::Handle;
use crate::reader::MAX_READ;
use crate::shared::{Service, Shared};
#[cfg(unix)]
use crate::unix;
use crate::writer::write;

/// A chat server: make it, let it listen, keep a [`Handle`], run it.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<Listener>,
    on_accept: OnAccept,
    shared: CloseOnDrop,
}

impl Server {
    /// Makes a server that listens nowhere yet.
    ///
    /// # Errors
    ///
    /// A limit in `config` is out of its range.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let shared = CloseOnDrop(Arc::new(Shared::new(Hub::new(config)?)));
        Ok(Self { listeners: Vec::new(), on_accept: OnAccept::default(), shared })
    }

    /// Returns the most memory, in bytes, that sessions and messages can ever take in a server with these limits.
    ///
    /// It is [`ReadBudget::memory_bound`] for reads of 64 KiB; where [`Config::rate`] limits what is taken they have
    /// 8 KiB. What the system keeps for connections comes on top ([`system_bound`](Self::system_bound)), and so do
    /// connections and threads themselves: a socket and a task for each connection, and for each thread the buffers
    /// that it reads into and writes from, some 2 MiB at most with the default limits. So does what was kept for a
    /// session that is over, for the moment until its task is dropped.
    #[must_use]
    pub fn memory_bound(config: &Config) -> usize {
        ReadBudget::memory_bound(config, MAX_READ)
    }

    /// Returns the most memory, in bytes, that the system keeps for the connections of all sessions with these limits:
    /// [`driver::system_bound`].
    ///
    /// It comes on top of [`memory_bound`](Self::memory_bound); so does what is kept for connections that are over, for
    /// some ten seconds.
    #[must_use]
    pub fn system_bound(config: &Config) -> usize {
        driver::system_bound(config)
    }

    /// Says whose connections are not counted by address; those of [`Exemptions::default`] if this is not called.
    ///
    /// The limits by address are [`Config::max_per_address`], [`Config::connects_per_address`] and
    /// [`Config::rate_per_address`].
    pub fn exempt(&mut self, exemptions: Exemptions) {
        self.shared.0.act(|hub, _| hub.exempt(exemptions));
    }

    /// Has `decide` say of each connection whether it becomes a session, by its peer's address, which is `None` on a Unix
    /// socket; all do if this is not called. It is called by the tasks that accept: let it be quick, and not panic.
    ///
    /// ```
    /// use chat_smol::Admission;
    ///
    /// let mut server = chat_smol::Server::new(chat_proto::Config::default())?;
    /// server.on_accept(|peer| match peer {
    ///     Some(peer) if peer.ip().is_loopback() => Admission::Accept,
    ///     _ => Admission::Refuse("only from this machine".into()),
    /// });
    /// # Ok::<(), chat_proto::ConfigError>(())
    /// ```
    pub fn on_accept(&mut self, decide: impl Fn(Option<SocketAddr>) -> Admission + Send + Sync + 'static) {
        self.on_accept = OnAccept::new(decide);
    }

    /// Binds `addr` for clients that speak `dialect`, and returns the address with its real port.
    ///
    /// Clients can connect from now on; they are served once the server runs.
    ///
    /// An IPv6 address is for IPv6 only, on every system: `[::]` and `0.0.0.0` can stand side by side.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] if the configuration has no such dialect; otherwise what the system says, such
    /// as [`io::ErrorKind::AddrInUse`].
    pub fn listen(&mut self, dialect: &str, addr: SocketAddr) -> io::Result<SocketAddr> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        // On Windows the option would let a second server take the port over.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        if addr.is_ipv6() {
            // Some systems would take IPv4 in as well, others not.
            socket.set_only_v6(true)?;
        }
        socket.bind(&addr.into())?;
        socket.listen(ACCEPT_QUEUE)?;
        self.accept_on(dialect, Async::new(socket.into())?)
    }

    /// Takes a listener that is bound already, for clients that speak `dialect`, and returns its address.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] if the configuration has no such dialect; otherwise the listener has no address.
    pub fn accept_on(&mut self, dialect: &str, listener: Async<TcpListener>) -> io::Result<SocketAddr> {
        let listener = listener.into_inner()?;
        let addr = listener.local_addr()?;
        self.listeners.push(self.listener(dialect, listener.into(), addr.to_string())?);
        Ok(addr)
    }

    /// Makes a Unix socket at `path` for clients that speak `dialect`.
    ///
    /// Clients can connect from now on; they are served once the server runs. Who may connect is for the permissions of
    /// the directory to say, and for the process's umask. The file is removed when the server listens no longer; one
    /// that a killed server has left behind is replaced.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] if the configuration has no such dialect or the path is too long for a socket;
    /// [`io::ErrorKind::AddrInUse`] if somebody listens there; [`io::ErrorKind::AlreadyExists`] if there is something
    /// other than a socket; otherwise what the system says.
    #[cfg(unix)]
    pub fn listen_unix(&mut self, dialect: &str, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref();
        let (socket, file) = unix::bind(path)?;
        socket.listen(ACCEPT_QUEUE)?;
        let mut listener = self.listener(dialect, socket, unix::name(Some(path)))?;
        listener.file = Some(file);
        self.listeners.push(listener);
        Ok(())
    }

    /// Takes a Unix socket that listens already, for clients that speak `dialect`. Its file is left to whoever made it.
    ///
    /// # Errors
    ///
    /// As [`accept_on`](Self::accept_on).
    #[cfg(unix)]
    pub fn accept_on_unix(&mut self, dialect: &str, listener: Async<UnixListener>) -> io::Result<()> {
        let listener = listener.into_inner()?;
        let name = unix::name(listener.local_addr()?.as_pathname());
        self.listeners.push(self.listener(dialect, listener.into(), name)?);
        Ok(())
    }

    /// Makes a listener of a socket that listens; `addr` is what it is called in the log.
    fn listener(&self, dialect: &str, socket: Socket, addr: String) -> io::Result<Listener> {
        let id = self.shared.0.act(|hub, _| hub.dialect(dialect));
        let id = id.map_err(|unknown| io::Error::new(io::ErrorKind::InvalidInput, unknown))?;
        // Accepted sockets inherit this: it holds from the first byte on.
        if let Err(error) =
            socket.set_send_buffer_size(SOCKET_BUFFER).and_then(|()| socket.set_recv_buffer_size(SOCKET_BUFFER))
        {
            warn!(addr, %error, "cannot say how much the system should keep for a connection");
        }
        Ok(Listener {
            #[cfg(unix)]
            file: None,
            socket: Async::new(socket)?,
            addr,
            dialect: id,
            name: dialect.to_owned(),
            is_announced: false,
        })
    }

    /// Returns a handle by which other threads speak to the server, look at it and shut it down.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.shared.0))
    }

    /// Serves on `executor` until [`Handle::shut_down`], and returns when every connection is closed and no task is
    /// left.
    ///
    /// Whoever calls this runs the executor, on one thread or several. Dropping the future instead of waiting for it
    /// closes all connections at once, without last words.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] if the server listens nowhere.
    pub async fn run(self, executor: &Arc<Executor<'static>>) -> io::Result<()> {
        let writers = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.run_with(executor, writers).await
    }

    /// Serves on that many threads of its own, this one among them, until [`Handle::shut_down`].
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), or a thread cannot be made.
    pub fn run_on_threads(self, threads: NonZeroUsize) -> io::Result<()> {
        let executor = Arc::new(Executor::new());
        let (done, until_done) = async_channel::bounded::<()>(1);
        thread::scope(|scope| {
            // Dropped on the way out, which ends the other threads.
            let _done = done;
            for n in 1..threads.get() {
                let (executor, until_done) = (&executor, until_done.clone());
                let work = move || async_io::block_on(executor.run(async { until_done.recv().await.is_ok() }));
                thread::Builder::new().name(format!("chat-{n}")).spawn_scoped(scope, work)?;
            }
            async_io::block_on(executor.run(self.run_with(&executor, threads)))
        })
    }

    async fn run_with(self, executor: &Arc<Executor<'static>>, writers: NonZeroUsize) -> io::Result<()> {
        if self.listeners.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the server listens nowhere"));
        }
        // Declared first, so dropped last.
        let guard = self.shared;
        let shared = &guard.0;
        let service = Arc::new(Service {
            shared: Arc::clone(shared),
            executor: Arc::downgrade(executor),
            budget: shared.act(|hub, _| Arc::new(ReadBudget::new(hub.hub().config(), MAX_READ))),
            on_accept: self.on_accept,
        });
        let (alive, all_gone) = async_channel::bounded(1);
        let accept = |listener| executor.spawn(accept(Arc::clone(&service), listener, alive.clone()));
        let accepting: Vec<_> = self.listeners.into_iter().map(accept).collect();
        drop((service, alive));
        let mut working: Vec<_> = (0..writers.get()).map(|_| executor.spawn(write(Arc::clone(shared)))).collect();
        working.push(executor.spawn(keep_time(Arc::clone(shared))));

        shared.stopping.wait().await;
        for task in accepting {
            task.cancel().await;
        }
        shared.closed.wait().await;
        // Until the last peer has closed, or has had the time to.
        let _ = all_gone.recv().await;
        shared.write.close();
        shared.rearm.close();
        for task in working {
            task.await;
        }
        Ok(())
    }
}

/// Closes all connections when the server ends, however it ends, and then wakes those who wait for that.
#[derive(Debug)]
struct CloseOnDrop(Arc<Shared>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        for connection in self.0.act(ConnectedHub::abort) {
            connection.cut();
        }
        self.0.ended.close();
    }
}
