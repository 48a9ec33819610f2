//! A server under test: how an adapter starts it, and how a case controls it.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use chat_proto::{Config, HubStats, SessionId};
use socket2::SockAddr;

use super::client::{Client, PATIENCE};

/// Where servers under test listen, unless on Unix sockets: loopback, on a port chosen by the system.
pub const LOOPBACK: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

/// An adapter on which the suite is run.
pub trait Adapter: Sync {
    /// Starts a server with these limits on [`LOOPBACK`], one port for each of the dialects, or as many Unix sockets.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] if a dialect is not one of `config`'s, with a message that names it; any error
    /// of binding.
    fn start(&self, config: Config, dialects: &[&'static str]) -> io::Result<Running>;
}

/// What the suite asks of a running server, by whatever handle it has; the handles of this project's adapters do it
/// with [`driver::Control`](chat_proto::driver::Control). All calls are harmless once the server has ended.
pub trait ServerHandle: Send + Sync {
    /// Makes an announcement.
    fn announce(&self, words: &str);
    /// Closes a session.
    fn kick(&self, id: SessionId, why: &str);
    /// Returns the hub's counters.
    fn stats(&self) -> HubStats;
    /// Returns all sessions and their names.
    fn sessions(&self) -> Vec<(SessionId, String)>;
    /// Tells the server to end; returns at once.
    fn shut_down(&self);
    /// Ends the server by any means after a case, which may have failed. By default the same as `shut_down`.
    fn abandon(&self) {
        self.shut_down();
    }
}

/// A server that runs on a thread of its own until it is [stopped](Self::stop).
pub struct Running {
    ports: Vec<(&'static str, SockAddr)>,
    control: Arc<dyn ServerHandle>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("ports", &self.ports).finish_non_exhaustive()
    }
}

impl Running {
    /// Runs `serve` on a new thread. It must return once the server has been shut down and all connections are closed.
    ///
    /// `ports` are the dialects and the addresses at which they are served, already bound.
    pub fn new(
        ports: Vec<(&'static str, impl Into<SockAddr>)>,
        control: impl ServerHandle + 'static,
        serve: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> Self {
        let ports = ports.into_iter().map(|(dialect, addr)| (dialect, addr.into())).collect();
        Self { ports, control: Arc::new(control), thread: Some(thread::spawn(serve)) }
    }

    /// Returns the address at which a dialect is served.
    #[must_use]
    pub fn addr(&self, dialect: &str) -> SockAddr {
        let port = self.ports.iter().find(|(name, _)| *name == dialect);
        port.unwrap_or_else(|| panic!("{dialect} is not served here")).1.clone()
    }

    /// Returns the addresses at which the server listens, in the order in which the dialects were given.
    #[must_use]
    pub fn addrs(&self) -> Vec<SockAddr> {
        self.ports.iter().map(|(_, addr)| addr.clone()).collect()
    }

    /// Returns the server's handle, which may outlive it.
    #[must_use]
    pub fn handle(&self) -> Arc<dyn ServerHandle> {
        Arc::clone(&self.control)
    }

    /// Returns the server's handle.
    #[must_use]
    pub fn control(&self) -> &dyn ServerHandle {
        &*self.control
    }

    /// Returns the hub's counters.
    #[must_use]
    pub fn stats(&self) -> HubStats {
        self.control.stats()
    }

    /// Connects a client to the text port, and reads the welcome.
    #[track_caller]
    #[must_use]
    pub fn guest(&self, who: &str) -> Client {
        let mut client = Client::connect(who, self.addr("text"));
        let welcome = client.line();
        assert!(welcome.starts_with("* welcome, you are guest-"), "{who} was welcomed with {welcome:?}");
        client
    }

    /// Connects a client to the text port, and takes a name.
    #[track_caller]
    #[must_use]
    pub fn named(&self, name: &str) -> Client {
        let mut client = self.guest(name);
        client.say(&format!("/name {name}"));
        client.expect(&format!("* you are now {name}"));
        client
    }

    /// Connects a client to the classic port. It gets no welcome there, so it may not have been accepted yet.
    #[track_caller]
    #[must_use]
    pub fn classic(&self, who: &str) -> Client {
        Client::connect(who, self.addr("classic"))
    }

    /// Returns the id of the only session with that name.
    #[track_caller]
    #[must_use]
    pub fn id_of(&self, name: &str) -> SessionId {
        let sessions = self.control.sessions();
        let mut ids = sessions.iter().filter(|(_, its)| its == name).map(|(id, _)| *id);
        let id = ids.next().unwrap_or_else(|| panic!("nobody is called {name}: {sessions:?}"));
        assert_eq!(ids.next(), None, "two are called {name}");
        id
    }

    /// Waits until a session has that name.
    #[track_caller]
    pub fn await_name(&self, name: &str) {
        eventually(&format!("someone to be called {name}"), || {
            let sessions = self.control.sessions();
            if sessions.iter().any(|(_, its)| its == name) { Ok(()) } else { Err(format!("{sessions:?}")) }
        });
    }

    /// Waits until that many sessions are open or closing.
    #[track_caller]
    pub fn await_sessions(&self, count: usize) {
        eventually(&format!("{count} sessions"), || {
            let now = self.stats().sessions;
            if now == count { Ok(()) } else { Err(format!("there are {now}")) }
        });
    }

    /// Shuts the server down and waits for its end. The given clients must receive only the notice of that.
    #[track_caller]
    pub fn stop(self, clients: impl IntoIterator<Item = Client>) {
        self.control.shut_down();
        for client in clients {
            client.expect_shutdown();
        }
        self.join();
    }

    /// Waits for the end of a server that was told to shut down.
    #[track_caller]
    pub fn join(mut self) {
        let thread = self.thread.take().expect("a server is joined once");
        eventually("the server to end", || {
            if thread.is_finished() { Ok(()) } else { Err(format!("it still runs, with {:?}", self.stats())) }
        });
        thread.join().expect("the server does not panic").expect("the server ends well");
    }
}

/// Ends the server of a failed case, so that it does not disturb other cases.
impl Drop for Running {
    fn drop(&mut self) {
        self.control.abandon();
    }
}

/// Waits for a condition that no socket shows, such as a counter; fails with what `look` last returned.
#[track_caller]
pub fn eventually(what: &str, mut look: impl FnMut() -> Result<(), String>) {
    let start = Instant::now();
    while let Err(seen) = look() {
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}: {seen}");
        thread::sleep(Duration::from_millis(1));
    }
}
