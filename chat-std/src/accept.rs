//! A listener's thread: lets peers in.

use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chat_proto::DialectId;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::connection::Connection;
use crate::shared::Shared;

/// The first wait after descriptors, memory or threads ran out; it doubles until things get better.
const BACK_OFF: Duration = Duration::from_millis(100);

/// The longest such wait, and the least time between two log lines about it.
const MAX_BACK_OFF: Duration = Duration::from_secs(1);

/// A listener and the dialect that is spoken there.
#[derive(Debug)]
pub(crate) struct Door {
    shared: Arc<Shared>,
    listener: TcpListener,
    dialect: DialectId,
    /// At its end once the server stops accepting.
    closed: UnixStream,
}

impl Door {
    pub(crate) fn new(shared: Arc<Shared>, listener: TcpListener, dialect: DialectId, closed: UnixStream) -> Self {
        Self { shared, listener, dialect, closed }
    }

    /// Accepts until the server stops.
    pub(crate) fn run(self) {
        let mut back_off = BACK_OFF;
        let mut logged: Option<Instant> = None;
        while self.wait_for_peer() {
            let Err(error) = self.accept() else {
                back_off = BACK_OFF;
                continue;
            };
            if is_of_the_peer(&error) {
                continue;
            }
            if logged.is_none_or(|at| at.elapsed() >= MAX_BACK_OFF) {
                logged = Some(Instant::now());
                tracing::warn!(%error, "cannot take connections for now");
            }
            if !self.pause(back_off) {
                return;
            }
            back_off = MAX_BACK_OFF.min(2 * back_off);
        }
    }

    /// Waits for a peer; returns `false` if the server stops accepting.
    fn wait_for_peer(&self) -> bool {
        let mut polled = [PollFd::new(&self.closed, PollFlags::IN), PollFd::new(&self.listener, PollFlags::IN)];
        // If polling fails, accepting says how it stands.
        let _ = poll(&mut polled, None);
        polled[0].revents().is_empty()
    }

    /// Waits for some time; returns `false` if the server stops accepting.
    fn pause(&self, time: Duration) -> bool {
        let mut polled = [PollFd::new(&self.closed, PollFlags::IN)];
        let _ = poll(&mut polled, Timespec::try_from(time).ok().as_ref());
        polled[0].revents().is_empty()
    }

    /// Lets one peer in, or tells it why not.
    fn accept(&self) -> io::Result<()> {
        let (stream, peer) = self.listener.accept()?;
        let connection = Arc::new(Connection::new(stream)?);
        let opened = self.shared.act(|state, now| {
            state.open(now, self.dialect, &connection).map_err(|error| {
                let mut words = Vec::new();
                state.hub.refusal(self.dialect, error, &mut words);
                (error, words)
            })
        });
        match opened {
            Ok(id) => {
                tracing::debug!(%peer, session = id.slot(), "connected");
                connection.start(&self.shared, id).inspect_err(|_| {
                    self.shared.act(|state, now| state.not_started(now, id));
                })
            }
            Err((error, words)) => {
                tracing::debug!(%peer, %error, "refused");
                // A courtesy: nobody waits for a peer that is not let in.
                let _ = connection.write(&words);
                connection.close();
                Ok(())
            }
        }
    }
}

/// Whether accepting failed for that one peer only, or there was none after all.
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::WouldBlock | Kind::Interrupted | Kind::ConnectionAborted | Kind::ConnectionReset | Kind::InvalidInput
    )
}
