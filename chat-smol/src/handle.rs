//! The handle by which other threads control a server.

use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use chat_proto::conversation::OwnedEvent;
use chat_proto::driver::{self, Control};
use futures_lite::Stream;

use crate::shared::Shared;

/// Controls a server from any thread, with the methods of [`Control`], such as [`announce`](Control::announce),
/// [`tell`](Control::tell), [`find`](Control::find), [`kick`](Control::kick) and [`sessions`](Control::sessions), and
/// with those below. Whatever else the hub can do is done with [`with_hub`](Control::with_hub), such as speaking as a
/// bot.
///
/// Once the server is gone, calls have no effect. A [policy](chat_proto::Policy) must make none.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
    control: Control,
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { control: Control::new(shared.clone()), shared }
    }

    /// Returns the events from now on, as a stream that ends when the server has closed: joins, leaves, and what is
    /// said, to everyone and in private ([`Event::Told`](chat_proto::conversation::Event::Told)).
    ///
    /// ```
    /// use chat_proto::conversation::Event;
    /// use futures_lite::StreamExt;
    ///
    /// let server = chat_smol::Server::new(chat_proto::Config::default())?;
    /// let (handle, mut events) = (server.handle(), server.handle().events());
    /// handle.announce("tea is ready");
    /// let event = smol::block_on(events.next()).expect("it was announced");
    /// assert_eq!(event.event(), Event::Announced { words: "tea is ready" });
    /// # Ok::<(), chat_proto::ConfigError>(())
    /// ```
    #[must_use]
    pub fn events(&self) -> Events {
        Events(driver::Events::new(self.shared.clone()))
    }

    /// Tells the server to stop: it accepts no more connections, tells everyone, and closes each connection once its
    /// pending output is sent, at most the linger timeout later.
    ///
    /// Returns at once; [`Server::run`](crate::Server::run) returns when all is closed, and [`closed`](Self::closed)
    /// waits for that.
    pub fn shut_down(&self) {
        self.shared.act(|hub, now| hub.hub_mut().shut_down(now));
        self.shared.stopping.close();
    }

    /// Waits until every connection is closed and no task is left after [`shut_down`](Self::shut_down), or until the
    /// server is dropped. A drop ends its tasks as soon as their executor runs.
    ///
    /// This can be awaited on any executor, or by a thread:
    ///
    /// ```no_run
    /// # let handle = chat_smol::Server::new(chat_proto::Config::default())?.handle();
    /// handle.shut_down();
    /// smol::block_on(handle.closed());
    /// # Ok::<(), chat_proto::ConfigError>(())
    /// ```
    pub async fn closed(&self) {
        self.shared.ended.wait().await;
    }
}

impl Deref for Handle {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}

/// The events of a server, as a stream: [`driver::Events`].
#[derive(Debug)]
pub struct Events(driver::Events);

impl Events {
    /// Returns the number that the next event has if none is missed; see [`OwnedEvent::seq`].
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.0.next_seq()
    }
}

impl Stream for Events {
    type Item = OwnedEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<OwnedEvent>> {
        self.0.poll_next(cx)
    }
}
