//! The hub behind its lock, and the one door to it.

use std::collections::VecDeque;
use std::io::Write;
use std::mem;
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chat_proto::driver::{LateGuard, LogSummary};
use chat_proto::{DialectId, Hub, OpenError, Origin, SessionId, Timestamp};

use crate::connection::{Connection, read_at_once};
use crate::farewell::Farewells;

/// How often a failing accept is worth a line in the log.
const WARN_EVERY: Duration = Duration::from_secs(1);

/// How often those from whom nothing is read are asked whether they are still there: that one is gone is noticed within a
/// second.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// What all threads of a server share.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Flushers wait here for work.
    work: Condvar,
    /// Handles wait here for the server's end.
    closed: Condvar,
    started: Instant,
    /// The most bytes that are read at once.
    pub(crate) read_at_once: usize,
}

/// What the lock guards.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) hub: Hub,
    /// By [`SessionId::slot`].
    connections: Vec<Option<Arc<Connection>>>,
    /// Sockets that took less than they were offered, on their way to the watch.
    pub(crate) blocked: Vec<(SessionId, Arc<Connection>)>,
    /// Sessions whose sockets were blocked and can be written to again.
    pub(crate) writable: VecDeque<SessionId>,
    pub(crate) farewells: Farewells,
    /// Connections whose input the hub has left untaken.
    paused: usize,
    /// When the watch asks them next whether their peers are still there.
    pub(crate) ask_at: Timestamp,
    /// Wakes the watch out of its poll.
    pub(crate) bell: Option<Arc<UnixStream>>,
    /// Through which the watch asks for the hub's deadlines and meets them.
    pub(crate) grace: LateGuard,
    pub(crate) summary: LogSummary,
    /// When the watch wakes by itself; [`Timestamp::ZERO`] while it is awake.
    pub(crate) alarm: Timestamp,
    /// Flushers that wait and have not been called.
    sleeping: usize,
    /// Connection threads that have not ended.
    threads: usize,
    /// The connection thread that was the last to end.
    ended: Option<JoinHandle<()>>,
    /// When a listener last warned that it cannot accept.
    warned: Option<Timestamp>,
    /// The listeners' threads stop when this is closed.
    pub(crate) doors: Option<UnixStream>,
    /// Nothing is left to flush, ever.
    over: bool,
    /// Nothing is left of the server.
    closed: bool,
}

impl Shared {
    pub(crate) fn new(hub: Hub) -> Self {
        let read_at_once = read_at_once(hub.config());
        let state = State {
            hub,
            connections: Vec::new(),
            blocked: Vec::new(),
            writable: VecDeque::new(),
            farewells: Farewells::default(),
            paused: 0,
            ask_at: Timestamp::MAX,
            bell: None,
            grace: LateGuard::default(),
            summary: LogSummary::default(),
            alarm: Timestamp::ZERO,
            sleeping: 0,
            threads: 0,
            ended: None,
            warned: None,
            doors: None,
            over: false,
            closed: false,
        };
        let (work, closed) = (Condvar::new(), Condvar::new());
        Self { state: Mutex::new(state), work, closed, started: Instant::now(), read_at_once }
    }

    /// Does something to the hub: locks, takes the time, acts, and wakes whoever then has something to do.
    pub(crate) fn act<R>(&self, act: impl FnOnce(&mut State, Timestamp) -> R) -> R {
        let mut state = lock(&self.state);
        // Taken under the lock, so that time never runs backwards for the hub.
        let now = Timestamp::ZERO + self.started.elapsed();
        let result = act(&mut state, now);
        let State { hub, summary, .. } = &mut *state;
        summary.note(hub, now);
        let flush = state.call_flusher();
        let bell = state.call_watch();
        // Whoever wakes wants the lock.
        drop(state);
        if flush {
            self.work.notify_one();
        }
        if let Some(bell) = bell {
            // It can only fail because the bell is ringing already.
            let _ = (&*bell).write(&[0]);
        }
        result
    }

    /// Waits until there is something to flush; returns `false` if there never will be.
    pub(crate) fn wait_for_work(&self) -> bool {
        let mut state = lock(&self.state);
        while !state.has_work() {
            if state.over {
                return false;
            }
            state.sleeping += 1;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    /// Whether the last warning of any listener was long enough ago for another.
    pub(crate) fn may_warn(&self) -> bool {
        self.act(|state, now| {
            let may = state.warned.is_none_or(|at| at + WARN_EVERY <= now);
            if may {
                state.warned = Some(now);
            }
            may
        })
    }

    pub(crate) fn shut_down(&self) {
        self.act(|state, now| {
            state.doors = None;
            state.hub.shut_down(now);
        });
    }

    /// Ends the flushers and the listeners' threads, and joins the last connection thread.
    pub(crate) fn end(&self) {
        let ended = self.act(|state, _| {
            state.doors = None;
            state.bell = None;
            state.over = true;
            state.summary.end(&state.hub);
            state.ended.take()
        });
        self.work.notify_all();
        join(ended);
    }

    /// Lets go those who wait for the server's end.
    pub(crate) fn close(&self) {
        self.act(|state, _| state.closed = true);
        self.closed.notify_all();
    }

    /// Waits until the server has ended.
    pub(crate) fn wait_until_closed(&self) {
        let waited = self.closed.wait_while(lock(&self.state), |state| !state.closed);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Called by each connection thread as its last act.
    ///
    /// Each joins the one that ended before it, so that none stays unjoined for long and nobody has to go round.
    pub(crate) fn thread_ends(&self, thread: Option<JoinHandle<()>>) {
        join(self.act(|state, _| {
            state.threads -= 1;
            mem::replace(&mut state.ended, thread)
        }));
    }
}

impl State {
    /// Opens a session for a connection, whose thread is to be started next.
    pub(crate) fn open(
        &mut self,
        now: Timestamp,
        dialect: DialectId,
        origin: Option<Origin>,
        connection: &Arc<Connection>,
    ) -> Result<SessionId, OpenError> {
        let id = self.hub.open_from(now, dialect, origin)?;
        if self.connections.len() <= id.slot() {
            self.connections.resize(id.slot() + 1, None);
        }
        self.connections[id.slot()] = Some(Arc::clone(connection));
        self.threads += 1;
        Ok(id)
    }

    /// Takes back [`open`](Self::open): the connection's thread could not be started.
    pub(crate) fn not_started(&mut self, now: Timestamp, id: SessionId) {
        self.threads -= 1;
        self.hub.kick(now, id, "no thread is left, try again later");
    }

    /// Returns the connection of a session whose `Close` was not handed out yet.
    pub(crate) fn connection(&self, id: SessionId) -> Option<Arc<Connection>> {
        self.connections.get(id.slot())?.clone()
    }

    /// Forgets the connection of a session that is over, and returns it to be closed.
    pub(crate) fn close(&mut self, now: Timestamp, id: SessionId) -> Option<Arc<Connection>> {
        let connection = self.connections.get_mut(id.slot())?.take()?;
        self.set_paused(&connection, false);
        self.farewells.begin(now, &connection);
        Some(connection)
    }

    /// Takes note of whether a connection's input was left untaken.
    pub(crate) fn set_paused(&mut self, connection: &Connection, is_paused: bool) {
        match (connection.is_paused.swap(is_paused, Ordering::Relaxed), is_paused) {
            (false, true) => self.paused += 1,
            (true, false) => self.paused -= 1,
            _ => {}
        }
    }

    /// Returns the connections whose peers are to be asked now whether they are still there.
    pub(crate) fn whom_to_ask(&mut self, now: Timestamp) -> Vec<(SessionId, Arc<Connection>)> {
        if self.paused == 0 {
            self.ask_at = Timestamp::MAX;
        } else if self.ask_at == Timestamp::MAX {
            self.ask_at = now + ASK_EVERY;
        } else if self.ask_at <= now {
            self.ask_at = now + ASK_EVERY;
            let paused = |id: &SessionId| self.connection(*id).filter(|it| it.is_paused.load(Ordering::Relaxed));
            return self.hub.sessions().filter_map(|id| Some((id, paused(&id)?))).collect();
        }
        Vec::new()
    }

    /// Returns when the watch has to wake at the latest.
    pub(crate) fn deadline(&self) -> Timestamp {
        let deadlines = [self.grace.poll_timeout(&self.hub), self.summary.poll_timeout()];
        deadlines.into_iter().flatten().fold(self.farewells.deadline(), Timestamp::min).min(self.ask_at)
    }

    /// Whether the hub is shut down and every connection's thread has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.threads == 0 && self.hub.is_closed()
    }

    fn has_work(&self) -> bool {
        !self.writable.is_empty() || self.hub.has_commands()
    }

    /// Whether to wake a flusher. One is enough: if it leaves work behind, it calls the next.
    fn call_flusher(&mut self) -> bool {
        let call = self.sleeping > 0 && self.has_work();
        self.sleeping -= usize::from(call);
        call
    }

    /// Returns the watch's bell if it is to be rung.
    fn call_watch(&mut self) -> Option<Arc<UnixStream>> {
        let asleep = self.alarm != Timestamp::ZERO;
        let begins_to_ask = self.paused > 0 && self.ask_at == Timestamp::MAX;
        if asleep && (self.deadline() < self.alarm || begins_to_ask || !self.blocked.is_empty() || self.is_closed()) {
            self.alarm = Timestamp::ZERO;
            return self.bell.clone();
        }
        None
    }
}

/// Locks, also after a thread panicked: the others' conversation goes on.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn join(thread: Option<JoinHandle<()>>) {
    // A panic has been reported by the thread itself.
    let _ = thread.map(JoinHandle::join);
}
