//! The handle by which other threads control a server.

use std::ops::Deref;
use std::sync::Arc;
use std::task::Wake;
use std::thread::{self, Thread};

use chat_proto::driver::{BlockingEvents, Control};

use crate::shared::Shared;

/// Controls a server from any thread, with the methods of [`Control`], such as [`announce`](Control::announce),
/// [`tell`](Control::tell), [`find`](Control::find), [`kick`](Control::kick) and [`sessions`](Control::sessions), and
/// with those below. Whatever else the hub can do is done with [`with_hub`](Control::with_hub), such as speaking as a
/// bot.
///
/// A handle outlives its server, and keeps the hub's memory. A [policy](chat_proto::Policy) must not call one. The
/// crate's README shows one at work.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
    control: Control,
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { control: Control::new(shared.clone()), shared }
    }

    /// Returns the events from now on, as an iterator that waits for the next one and ends when the server has closed:
    /// joins, leaves, and what is said, to everyone and in private
    /// ([`Event::Told`](chat_proto::conversation::Event::Told)).
    #[must_use]
    pub fn events(&self) -> BlockingEvents {
        BlockingEvents::new(self.shared.clone(), || Arc::new(Unpark(thread::current())).into(), thread::park)
    }

    /// Stops accepting, tells everyone, and lets [`Server::run`](crate::Server::run) return once every connection is
    /// closed. Returns at once; [`closed`](Self::closed) waits for that.
    pub fn shut_down(&self) {
        self.shared.shut_down();
    }

    /// Waits until every connection is closed and every thread has ended but the one that runs the server: after
    /// [`shut_down`](Self::shut_down), or once the server was dropped.
    ///
    /// The thread that runs the server must not call this.
    pub fn closed(&self) {
        self.shared.wait_until_closed();
    }
}

impl Deref for Handle {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}

/// Wakes a thread that waits for events.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
