//! The hub behind its lock, and the one function through which it is called.

use std::io::Write;
use std::mem;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::Waker;
use std::thread::JoinHandle;
use std::time::Instant;

use chat_proto::driver::{Access, ConnectedHub, OnAccept, ReadBudget, SharedHub};
use chat_proto::{SessionId, Timestamp};

use crate::connection::{Connection, MAX_READ, lock};

/// What all threads of a server share.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Writers wait here for work.
    work: Condvar,
    /// Handles wait here for the server's end.
    closed: Condvar,
    started: Instant,
    pub(crate) budget: Arc<ReadBudget>,
    pub(crate) on_accept: Mutex<OnAccept>,
}

/// What the lock guards.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) hub: ConnectedHub<Connection>,
    /// Blocked sockets that the clock has not taken over yet.
    pub(crate) blocked: Vec<(SessionId, Arc<Connection>)>,
    /// The end of the clock's wake pipe that is written to.
    pub(crate) clock_waker: Option<Arc<UnixStream>>,
    /// Whether it was written to since the clock last took the lock.
    pub(crate) clock_is_woken: bool,
    /// Writers that wait and have not been woken.
    sleeping: usize,
    /// Connection threads that have not ended.
    pub(crate) threads: usize,
    /// The connection thread that was the last to end.
    last_ended: Option<JoinHandle<()>>,
    /// The listeners' threads stop when this is closed.
    pub(crate) accepting: Option<UnixStream>,
    /// Set once nothing will ever be left to write.
    has_no_more_work: bool,
    /// Set once nothing is left of the server.
    closed: bool,
}

impl Shared {
    pub(crate) fn new(hub: ConnectedHub<Connection>) -> Self {
        let budget = Arc::new(ReadBudget::new(hub.hub().config(), MAX_READ));
        let state = State {
            hub,
            blocked: Vec::new(),
            clock_waker: None,
            clock_is_woken: false,
            sleeping: 0,
            threads: 0,
            last_ended: None,
            accepting: None,
            has_no_more_work: false,
            closed: false,
        };
        let (state, work, closed) = (Mutex::new(state), Condvar::new(), Condvar::new());
        Self { state, work, closed, started: Instant::now(), budget, on_accept: Mutex::default() }
    }

    /// Calls the hub: locks it, reads the clock, acts, and wakes the threads that have work afterwards.
    pub(crate) fn act<R>(&self, act: impl FnOnce(&mut State, Timestamp) -> R) -> R {
        let mut state = lock(&self.state);
        // Taken under the lock, so that time never runs backwards for the hub.
        let now = Timestamp::ZERO + self.started.elapsed();
        let result = act(&mut state, now);
        let wakes = state.hub.take_wakes(now);
        // One writer is enough: if it leaves work behind, it wakes the next.
        let wake_writer = wakes.writer && state.sleeping > 0;
        state.sleeping -= usize::from(wake_writer);
        let wake_clock = wakes.timer || !state.blocked.is_empty() || state.is_over();
        let clock = state.clock_waker.clone().filter(|_| wake_clock && !mem::replace(&mut state.clock_is_woken, true));
        // Unlock first: the threads that wake up take the lock.
        drop(state);
        wakes.events.into_iter().for_each(Waker::wake);
        if wake_writer {
            self.work.notify_one();
        }
        if let Some(clock) = clock {
            // It fails only if the pipe is full, and a full pipe wakes the clock.
            let _ = (&*clock).write(&[0]);
        }
        result
    }

    /// Waits until there is something to write or to close; returns `false` if there never will be.
    pub(crate) fn wait_for_work(&self) -> bool {
        let mut state = lock(&self.state);
        while !state.hub.has_work() {
            if state.has_no_more_work {
                return false;
            }
            state.sleeping += 1;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    pub(crate) fn shut_down(&self) {
        self.act(|state, now| {
            state.accepting = None;
            state.hub.hub_mut().shut_down(now);
        });
    }

    /// Ends the writers and the listeners' threads, and joins the last connection thread.
    pub(crate) fn end(&self) {
        let ended = self.act(|state, _| {
            (state.accepting, state.clock_waker) = (None, None);
            state.has_no_more_work = true;
            state.last_ended.take()
        });
        self.work.notify_all();
        // A panic has been reported by the thread itself.
        let _ = ended.map(JoinHandle::join);
    }

    /// Closes the connections that are left, and wakes the threads that wait for the server's end.
    pub(crate) fn close(&self) {
        self.act(|state, _| state.closed = true);
        self.act(|state, now| state.hub.abort(now)).iter().for_each(|connection| connection.cut());
        self.closed.notify_all();
    }

    /// Waits until the server has ended.
    pub(crate) fn wait_until_closed(&self) {
        let waited = self.closed.wait_while(lock(&self.state), |state| !state.closed);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Called by each connection thread as its last act.
    ///
    /// Each joins the one that ended before it, so that only one is left to be joined at the end.
    pub(crate) fn thread_ends(&self, thread: Option<JoinHandle<()>>) {
        let ended = self.act(|state, _| {
            state.threads -= 1;
            mem::replace(&mut state.last_ended, thread)
        });
        let _ = ended.map(JoinHandle::join);
    }
}

impl SharedHub for Shared {
    fn call(&self, act: &mut dyn FnMut(Access<'_>)) {
        self.act(|state, now| act(state.hub.access(now)));
    }
}

impl State {
    /// Whether the hub is shut down and every connection's thread has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.threads == 0 && self.hub.hub().is_closed()
    }
}
