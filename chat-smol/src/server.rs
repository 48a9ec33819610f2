//! The server: its listeners, and starting and ending its tasks.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
#[cfg(unix)]
use std::os::unix::net::UnixListener;
#[cfg(unix)]
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;
use std::{io, mem, thread};

use async_io::Async;
use chat_proto::driver::{
    ACCEPT_QUEUE, Admission, ConnectedHub, Exposition, OnAccept, ReadBudget, SOCKET_BUFFER, Verifier,
};
use chat_proto::http::Site;
use chat_proto::{Config, ConfigError, Credentials, Exemptions};
use smol::Executor;
use socket2::{Domain, Protocol, Socket, Type};
use tracing::warn;

use crate::accept::{Listener, accept};
use crate::clock::keep_time;
use crate::handle::Handle;
use crate::metrics::{self, MetricsListener};
use crate::reader::MAX_READ;
use crate::shared::{Service, Shared};
#[cfg(feature = "tls")]
use crate::tls::Tls;
#[cfg(unix)]
use crate::unix;
use crate::writer::write;
#[cfg(feature = "tls")]
use crate::{encrypted, handshakes};

/// A chat server. Make it, add listeners, keep a [`Handle`], and run it.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<Listener>,
    metrics: Vec<MetricsListener>,
    on_accept: OnAccept,
    shared: Arc<Shared>,
}

impl Server {
    /// Makes a server that listens nowhere yet.
    ///
    /// If they are 0, [`Config::started`] is set to the present time and [`Config::life`] to a random number.
    ///
    /// # Errors
    ///
    /// A limit in `config` is out of its range.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let random = || RandomState::new().build_hasher().finish();
        let hub = ConnectedHub::start(config, since_1970, random)?;
        let shared = Arc::new(Shared::new(hub));
        Ok(Self { listeners: Vec::new(), metrics: Vec::new(), on_accept: OnAccept::default(), shared })
    }

    /// Returns the most memory, in bytes, that sessions and messages can ever take in a server with these limits.
    ///
    /// This is [`ReadBudget::memory_bound`] for reads of 64 KiB, or of 8 KiB where [`Config::rate`] limits input. It
    /// does not count what the system keeps for connections ([`system_bound`](chat_proto::driver::system_bound)); TLS,
    /// where a listener has it (`tls_bound`); a socket and a task for each connection; the read and write buffers of
    /// each thread, some 2 MiB at most with the default limits; and the untaken input of a session that is over, until
    /// its task is dropped.
    #[must_use]
    pub fn memory_bound(config: &Config) -> usize {
        ReadBudget::memory_bound(config, MAX_READ)
    }

    /// Returns the most memory, in bytes, that TLS takes with these limits if all sessions speak it: 64 KiB for each,
    /// and 136 KiB for each of 512 handshakes at once.
    ///
    /// It is not part of [`memory_bound`](Self::memory_bound), because most servers have listeners without TLS. An idle
    /// session takes a tenth of that.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_bound(config: &Config) -> usize {
        let sessions = config.max_sessions.saturating_mul(encrypted::MAX_MEMORY);
        sessions.saturating_add(handshakes::MAX_HANDSHAKES * handshakes::MAX_MEMORY)
    }

    /// Sets which peers' connections are not counted by address; [`Exemptions::default`] unless this is called.
    ///
    /// The limits by address are the fields of [`Config`] whose names end in `per_address`.
    pub fn exempt(&mut self, exemptions: Exemptions) {
        self.shared.act(|hub, _| hub.exempt(exemptions));
    }

    /// Sets the function that decides whether a connection becomes a session, by its peer's address, which is `None` on
    /// a Unix socket. Unless this is called, all do. The accepting tasks call it, so it must be quick and must not
    /// panic.
    ///
    /// ```
    /// use chat_smol::Admission;
    ///
    /// let mut server = chat_smol::Server::new(chat_proto::Config::default())?;
    /// let friends: chat_proto::Exemptions = "127.0.0.0/8,10.0.0.0/8,unix".parse()?;
    /// server.on_accept(move |peer| match peer.map(|addr| addr.ip()) {
    ///     addr if friends.contains(addr) => Admission::Accept,
    ///     _ => Admission::Refuse("only from our own network".into()),
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_accept(&mut self, decide: impl Fn(Option<SocketAddr>) -> Admission + Send + Sync + 'static) {
        self.on_accept = OnAccept::new(decide);
    }

    /// Sets the [function](Verifier) that says whether passwords of clients of IRC are right; none is unless this is
    /// called. It runs on a thread where blocking is fine.
    pub fn verify_with(&mut self, verify: impl Fn(Credentials<'_>) -> bool + Send + Sync + 'static) {
        self.shared.act(|hub, _| hub.verify_with(Verifier::new(verify)));
    }

    /// Binds `addr` for clients that speak `dialect`, and returns the address with its real port.
    ///
    /// Clients can connect from now on; they are served once the server runs.
    ///
    /// An IPv6 address accepts IPv6 only, on every system: `[::]` and `0.0.0.0` can be used side by side.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] if the configuration has no such dialect; otherwise the system's error, such as
    /// [`io::ErrorKind::AddrInUse`].
    pub fn listen(&mut self, dialect: &str, addr: SocketAddr) -> io::Result<SocketAddr> {
        self.accept_on(dialect, Self::bind(addr)?.into())
    }

    /// Makes a socket that listens there.
    fn bind(addr: SocketAddr) -> io::Result<Socket> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        // On Windows the option would let a second server take the port over.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        if addr.is_ipv6() {
            // By default, some systems would accept IPv4 as well.
            socket.set_only_v6(true)?;
        }
        socket.bind(&addr.into())?;
        socket.listen(ACCEPT_QUEUE)?;
        Ok(socket)
    }

    /// Accepts clients that speak `dialect` on a socket that already listens; returns its address.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] if the configuration has no such dialect; otherwise the listener has no address.
    pub fn accept_on(&mut self, dialect: &str, listener: TcpListener) -> io::Result<SocketAddr> {
        let addr = listener.local_addr()?;
        self.listeners.push(self.listener(dialect, listener.into(), addr.to_string())?);
        Ok(addr)
    }

    /// Makes a Unix socket at `path` for clients that speak `dialect`.
    ///
    /// Clients can connect from now on; they are served once the server runs. The permissions of the directory and the
    /// process's umask decide who may connect. The file is removed when the server stops listening; a file left by a
    /// killed server is replaced.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] if the configuration has no such dialect or the path is too long for a socket;
    /// [`io::ErrorKind::AddrInUse`] if a process listens there; [`io::ErrorKind::AlreadyExists`] if there is something
    /// other than a socket; otherwise the system's error.
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

    /// Accepts clients that speak `dialect` on a Unix socket that already listens. Its file is not removed.
    ///
    /// # Errors
    ///
    /// As [`accept_on`](Self::accept_on).
    #[cfg(unix)]
    pub fn accept_on_unix(&mut self, dialect: &str, listener: UnixListener) -> io::Result<()> {
        let name = unix::name(listener.local_addr()?.as_pathname());
        self.listeners.push(self.listener(dialect, listener.into(), name)?);
        Ok(())
    }

    /// Lets clients of the listener that was added last speak HTTP first: they find the site's files there, and speak the
    /// dialect over WebSocket where the site has that. Does nothing if there is no listener.
    ///
    /// ```
    /// use chat_smol::chat_proto::http::{Resource, Site};
    ///
    /// let mut server = chat_smol::Server::new(chat_proto::Config::default())?;
    /// let addr = server.listen("text", "127.0.0.1:0".parse()?)?;
    /// let page = Resource::new("/", "text/html; charset=utf-8", *b"<!doctype html><title>Chat</title>");
    /// server.serve_site(Site::new().resource(page).upgrade(Some("/ws"), &[]));
    /// println!("open http://{addr}/");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn serve_site(&mut self, site: Site) {
        if let Some(listener) = self.listeners.last_mut() {
            listener.site = Some(Arc::new(site));
        }
    }

    /// The most connections at once of each [metrics](Self::serve_metrics) port. For one more the oldest is closed.
    pub const METRICS_CONNECTIONS: usize = metrics::MAX_CONNECTIONS;

    /// Binds `addr` for programs that watch over the server, and returns the address with its real port. They find the
    /// [metrics](chat_proto::driver::Metrics) at `/metrics`, as Prometheus collects them, and behind those what `own`
    /// adds; `/healthz` answers `ok`. Without this call nothing is measured.
    ///
    /// Whoever reaches the port can read them, a page in a browser as well: choose an address that only friends reach.
    /// Connections there are no sessions, and need up to half a MiB together.
    ///
    /// ```
    /// let mut server = chat_smol::Server::new(chat_proto::Config::default())?;
    /// let addr = server.serve_metrics("127.0.0.1:0".parse()?, |text| {
    ///     text.counter("tea_cups_total", "Cups of tea.").sample(&[], 7);
    /// })?;
    /// println!("curl http://{addr}/metrics");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The system's error, such as [`io::ErrorKind::AddrInUse`].
    pub fn serve_metrics(
        &mut self,
        addr: SocketAddr,
        own: impl Fn(&mut Exposition) + Send + Sync + 'static,
    ) -> io::Result<SocketAddr> {
        let listener = TcpListener::from(Self::bind(addr)?);
        let addr = listener.local_addr()?;
        let socket = limit_buffers(listener.into(), &addr.to_string());
        let site = metrics::site(&self.shared, own);
        self.metrics.push(MetricsListener { socket: Async::new(socket)?, addr: addr.to_string(), site });
        Ok(addr)
    }

    /// Lets clients of the listener that was added last speak TLS, and everything else in it. Does nothing if there is
    /// no listener.
    ///
    /// A client without TLS is told so in a sentence. A handshake has 10 seconds, and there are at most 512 at once.
    ///
    /// ```no_run
    /// let mut server = chat_smol::Server::new(chat_proto::Config::default())?;
    /// server.listen("text", "127.0.0.1:4443".parse()?)?;
    /// let tls = chat_smol::Tls::read("certificate.pem", "key.pem")?;
    /// server.serve_tls(&tls);
    /// // Once the files are new, from any thread:
    /// tls.reload()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "tls")]
    pub fn serve_tls(&mut self, tls: &Tls) {
        if let Some(listener) = self.listeners.last_mut() {
            listener.tls = Some(tls.clone());
        }
    }

    /// Makes a listener from a listening socket; `addr` is its name in the log.
    fn listener(&self, dialect: &str, socket: Socket, addr: String) -> io::Result<Listener> {
        let id = self.shared.act(|hub, _| hub.dialect(dialect));
        let id = id.map_err(|unknown| io::Error::new(io::ErrorKind::InvalidInput, unknown))?;
        let socket = limit_buffers(socket, &addr);
        Ok(Listener {
            #[cfg(unix)]
            file: None,
            socket: Async::new(socket)?,
            addr,
            dialect: id,
            name: dialect.to_owned(),
            site: None,
            #[cfg(feature = "tls")]
            tls: None,
            is_announced: false,
        })
    }

    /// Returns a handle by which other threads control the server.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.shared))
    }

    /// Serves on `executor` until [`Handle::shut_down`], and returns when every connection is closed and no task is
    /// left.
    ///
    /// The caller runs the executor, on one thread or several. Dropping the future instead of waiting for it closes all
    /// connections at once, without last words.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] if the server listens nowhere.
    pub async fn run(self, executor: &Arc<Executor<'static>>) -> io::Result<()> {
        let writers = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.run_with(executor, writers).await
    }

    /// Serves on `threads` threads, this one among them, until [`Handle::shut_down`].
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), or a thread cannot be made.
    pub fn run_on_threads(self, threads: NonZeroUsize) -> io::Result<()> {
        let executor = Arc::new(Executor::new());
        let (done, until_done) = async_channel::bounded::<()>(1);
        thread::scope(|scope| {
            // The drop on return ends the other threads.
            let _done = done;
            for n in 1..threads.get() {
                let (executor, until_done) = (&executor, until_done.clone());
                let work = move || async_io::block_on(executor.run(async { until_done.recv().await.is_ok() }));
                thread::Builder::new().name(format!("chat-{n}")).spawn_scoped(scope, work)?;
            }
            async_io::block_on(executor.run(self.run_with(&executor, threads)))
        })
    }

    async fn run_with(mut self, executor: &Arc<Executor<'static>>, writers: NonZeroUsize) -> io::Result<()> {
        if self.listeners.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the server listens nowhere"));
        }
        let shared = &self.shared;
        let (alive, all_gone) = async_channel::bounded(1);
        let service = Arc::new(Service {
            shared: Arc::clone(shared),
            executor: Arc::downgrade(executor),
            budget: shared.act(|hub, _| Arc::new(ReadBudget::new(hub.hub().config(), MAX_READ))),
            on_accept: mem::take(&mut self.on_accept),
            _alive: alive,
        });
        let accept = |listener| executor.spawn(accept(Arc::clone(&service), listener));
        let mut accepting: Vec<_> = self.listeners.drain(..).map(accept).collect();
        let of_metrics = |listener| executor.spawn(metrics::serve(Arc::clone(&service), listener));
        accepting.extend(self.metrics.drain(..).map(of_metrics));
        drop(service);
        let mut working: Vec<_> = (0..writers.get()).map(|_| executor.spawn(write(Arc::clone(shared)))).collect();
        working.push(executor.spawn(keep_time(Arc::clone(shared))));

        shared.stopping.wait().await;
        for task in accepting {
            task.cancel().await;
        }
        shared.closed.wait().await;
        // Until every peer has closed, or its time to do so is over.
        let _ = all_gone.recv().await;
        shared.write.close();
        shared.rearm.close();
        for task in working {
            task.await;
        }
        Ok(())
    }
}

/// Says how much the system should keep for each connection of a listener; `addr` is its name in the log.
fn limit_buffers(socket: Socket, addr: &str) -> Socket {
    // Accepted sockets inherit these sizes, so they hold from the first byte on.
    if let Err(error) =
        socket.set_send_buffer_size(SOCKET_BUFFER).and_then(|()| socket.set_recv_buffer_size(SOCKET_BUFFER))
    {
        warn!(addr, %error, "cannot say how much the system should keep for a connection");
    }
    socket
}

/// Closes all connections when the server ends, however it ends, and then wakes the callers of [`Handle::closed`].
impl Drop for Server {
    fn drop(&mut self) {
        for connection in self.shared.act(ConnectedHub::abort) {
            connection.cut();
        }
        self.shared.stopping.close();
        self.shared.ended.close();
    }
}
