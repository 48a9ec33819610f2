//! What the tasks of a server share: the hub behind its lock, and the one function through which it is called.

use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::Waker;
use std::time::Instant;

use async_channel::Sender;
use chat_proto::Timestamp;
use chat_proto::driver::{Access, ConnectedHub, OnAccept, ReadBudget, SharedHub, Wakes};
use smol::Executor;

use crate::connection::Connection;
use crate::signal::Signal;

/// State that only the tasks of a running server hold; it is dropped with the last of them.
pub(crate) struct Service {
    pub(crate) shared: Arc<Shared>,
    /// Weak, or its tasks would keep alive an executor that is dropped while the server runs.
    pub(crate) executor: Weak<Executor<'static>>,
    pub(crate) budget: Arc<ReadBudget>,
    pub(crate) on_accept: OnAccept,
    /// Never sent on; its receiver learns that no task is left that serves connections.
    pub(crate) _alive: Sender<Infallible>,
}

/// What the tasks share with every [`Handle`](crate::Handle).
pub(crate) struct Shared {
    started: Instant,
    hub: Mutex<ConnectedHub<Connection>>,
    /// Raised when there is something to write or to close.
    pub(crate) write: Signal,
    /// Raised when the next deadline is earlier than the one that the clock waits for.
    pub(crate) rearm: Signal,
    /// Closed when the server is told to shut down.
    pub(crate) stopping: Signal,
    /// Closed when the hub has shut down and has no sessions left.
    pub(crate) closed: Signal,
    /// Closed when nothing of the server is left.
    pub(crate) ended: Signal,
    /// Handshakes of TLS that came to nothing.
    pub(crate) failed_handshakes: AtomicU64,
}

impl Shared {
    pub(crate) fn new(hub: ConnectedHub<Connection>) -> Self {
        Self {
            started: Instant::now(),
            hub: Mutex::new(hub),
            write: Signal::new(),
            rearm: Signal::new(),
            stopping: Signal::new(),
            closed: Signal::new(),
            ended: Signal::new(),
            failed_handshakes: AtomicU64::new(0),
        }
    }

    /// Returns the time. Only [`act`](Self::act) has the hub's.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.started.elapsed()
    }

    /// Calls the hub: locks it, reads the clock, acts, and wakes the tasks that have work afterwards.
    pub(crate) fn act<R>(&self, act: impl FnOnce(&mut ConnectedHub<Connection>, Timestamp) -> R) -> R {
        // A panic in another call is a defect that affects one session; the others go on.
        let mut hub = self.hub.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken under the lock, so that time never runs backwards for the hub.
        let now = self.now();
        let result = act(&mut hub, now);
        let Wakes { writer, timer, closed, events } = hub.take_wakes(now);
        hub.note_call(now, || self.now());
        drop(hub);

        events.into_iter().for_each(Waker::wake);
        if writer {
            self.write.raise();
        }
        if timer {
            self.rearm.raise();
        }
        if closed {
            self.closed.close();
        }
        result
    }
}

impl SharedHub for Shared {
    fn call(&self, act: &mut dyn FnMut(Access<'_>)) {
        self.act(|hub, now| act(hub.access(now)));
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
