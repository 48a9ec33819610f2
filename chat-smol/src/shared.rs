//! What the tasks of a server share: the hub behind its lock, and the one function through which it is called.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::Waker;
use std::time::Instant;

use async_channel::Sender;
use async_io::Async;
use chat_proto::driver::{LateGuard, LogSummary};
use chat_proto::{Exemptions, Hub, SessionId, Timestamp};
use smol::{Executor, Task};
use socket2::Socket;

use crate::farewell::Farewell;
use crate::signal::Signal;

/// What a running server's tasks hold, and nobody else: when the last of them is gone, so is this.
pub(crate) struct Service {
    pub(crate) shared: Arc<Shared>,
    /// Weak, or an executor that is dropped with the server on it would keep itself alive.
    pub(crate) executor: Weak<Executor<'static>>,
    /// Whose connections are not counted by address.
    pub(crate) exemptions: Exemptions,
    pub(crate) farewells: Sender<Farewell>,
    /// The most bytes that are read at once.
    pub(crate) read_at_once: usize,
    /// How many sockets had more to give than they were read in a turn.
    pub(crate) eager: AtomicUsize,
    /// When a listener last warned that it cannot accept.
    pub(crate) warned: Mutex<Option<Instant>>,
    /// Never sent on; its receiver learns that no task is left.
    pub(crate) _alive: Sender<Infallible>,
}

/// What the tasks share with every [`Handle`](crate::Handle).
pub(crate) struct Shared {
    started: Instant,
    state: Mutex<State>,
    /// Raised when there is something to write or to close.
    pub(crate) flush: Signal,
    /// Raised when the first session's input is left untaken.
    pub(crate) paused: Signal,
    /// Raised when the next deadline is earlier than the one that the clock waits for.
    pub(crate) rearm: Signal,
    /// Closed when the server is told to shut down.
    pub(crate) stopping: Signal,
    /// Closed when the hub has shut down and let go of every session.
    pub(crate) closed: Signal,
    /// Closed when nothing of the server is left.
    pub(crate) ended: Signal,
}

/// What the lock protects.
pub(crate) struct State {
    pub(crate) hub: Hub,
    pub(crate) connections: Connections,
    /// Sessions whose sockets once took less than they were offered and take bytes again. Each is in here at most
    /// once, since nothing is written to it until then.
    pub(crate) writable: VecDeque<SessionId>,
    /// Through which the clock asks for the hub's deadlines and meets them.
    pub(crate) grace: LateGuard,
    pub(crate) summary: LogSummary,
    /// What the clock waits for; [`Timestamp::MAX`] for nothing.
    pub(crate) armed: Timestamp,
    /// Whether somebody asks now and then for peers that are gone.
    pub(crate) is_asking: bool,
}

impl Shared {
    pub(crate) fn new(hub: Hub) -> Self {
        let state = State {
            hub,
            connections: Connections::default(),
            writable: VecDeque::new(),
            grace: LateGuard::default(),
            summary: LogSummary::default(),
            armed: Timestamp::MAX,
            is_asking: false,
        };
        Self {
            started: Instant::now(),
            state: Mutex::new(state),
            flush: Signal::new(),
            paused: Signal::new(),
            rearm: Signal::new(),
            stopping: Signal::new(),
            closed: Signal::new(),
            ended: Signal::new(),
        }
    }

    /// Calls the hub: takes the lock and the time, acts, and wakes whoever has something to do after it.
    pub(crate) fn act<R>(&self, act: impl FnOnce(&mut State, Timestamp) -> R) -> R {
        // A panic elsewhere is a defect that one session has met; the others go on.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken under the lock, so that time never runs backwards for the hub.
        let now = Timestamp::ZERO + self.started.elapsed();
        let result = act(&mut state, now);
        let flush = state.hub.has_commands() || !state.writable.is_empty();
        let State { hub, summary, .. } = &mut *state;
        summary.note(hub, now);
        let deadline = state.deadline();
        let rearm = deadline < state.armed;
        if rearm {
            state.armed = deadline;
        }
        let closed = state.hub.is_closed();
        drop(state);

        if flush {
            self.flush.raise();
        }
        if rearm {
            self.rearm.raise();
        }
        if closed {
            self.closed.close();
        }
        result
    }

    /// Returns when `deadline` is by the system's clock; `None` if that is beyond what it can say.
    pub(crate) fn instant(&self, deadline: Timestamp) -> Option<Instant> {
        self.started.checked_add(deadline.saturating_duration_since(Timestamp::ZERO))
    }
}

impl State {
    /// Returns when the clock has something to do; [`Timestamp::MAX`] for never.
    pub(crate) fn deadline(&self) -> Timestamp {
        let deadlines = [self.grace.poll_timeout(&self.hub), self.summary.poll_timeout()];
        deadlines.into_iter().flatten().min().unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// The connections of all open sessions, each at its session's slot.
#[derive(Default)]
pub(crate) struct Connections(Vec<Option<Connection>>);

/// The transport of one session.
pub(crate) struct Connection {
    pub(crate) id: SessionId,
    pub(crate) stream: Arc<Async<Socket>>,
    /// Reads the stream until it ends; dropping it stops that.
    pub(crate) _reader: Task<()>,
    /// The reader's, while it waits for the hub to take input that it has left untaken.
    pub(crate) paused: Option<Waker>,
}

impl Connections {
    pub(crate) fn insert(&mut self, connection: Connection) {
        let slot = connection.id.slot();
        if slot >= self.0.len() {
            self.0.resize_with(slot + 1, || None);
        }
        debug_assert!(self.0[slot].is_none(), "the hub reuses a slot only after it has closed the session there");
        self.0[slot] = Some(connection);
    }

    pub(crate) fn get(&self, id: SessionId) -> Option<&Connection> {
        self.0.get(id.slot())?.as_ref().filter(|connection| connection.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: SessionId) -> Option<&mut Connection> {
        self.0.get_mut(id.slot())?.as_mut().filter(|connection| connection.id == id)
    }

    /// Returns those whose input the hub has left untaken.
    #[cfg(unix)]
    pub(crate) fn paused(&self) -> impl Iterator<Item = (SessionId, Arc<Async<Socket>>)> + '_ {
        let paused = self.0.iter().flatten().filter(|connection| connection.paused.is_some());
        paused.map(|connection| (connection.id, Arc::clone(&connection.stream)))
    }

    pub(crate) fn remove(&mut self, id: SessionId) -> Option<Connection> {
        self.0.get_mut(id.slot())?.take_if(|connection| connection.id == id)
    }
}
