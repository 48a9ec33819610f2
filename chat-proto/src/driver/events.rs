//! What happens on a server, for programs around it.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::fmt;
use core::task::{Context, Poll, Waker};

use super::control::{SharedHub, call};
use crate::conversation::{OwnedEvent, Recorded};

/// The most events copied in one hold of the lock: with lines of 4 KiB some 130 KiB, which takes microseconds.
const BATCH: usize = 32;

/// A position in a hub's [events](crate::Hub::events), from which a program follows along. Adapters wrap it in a
/// stream; [`BlockingEvents`] is an iterator.
///
/// It begins with what happens after it was made, and ends when the hub has closed and all was read. It never makes the
/// hub wait and has no queue of its own but the [`OwnedEvent`]s of the last read, 32 at most. Whoever reads too
/// slowly finds a gap in the numbers of events ([`OwnedEvent::seq`]): so many are overwritten in the hub's history
/// ([`Config::history`](crate::Config::history)).
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use std::task::{Context, Poll, Waker};
///
/// use chat_proto::conversation::Event;
/// use chat_proto::driver::{Access, ConnectedHub, Control, Events, SharedHub};
/// use chat_proto::{Config, Hub, Timestamp};
///
/// struct Server(Mutex<ConnectedHub<()>>);
///
/// impl SharedHub for Server {
///     // As in the example of `Control`.
/// #    fn call(&self, act: &mut dyn FnMut(Access<'_>)) {
/// #        let (mut hub, now) = (self.0.lock().expect("no call panics"), Timestamp::ZERO);
/// #        act(hub.access(now));
/// #        let wakes = hub.take_wakes(now);
/// #        drop(hub);
/// #        wakes.events.into_iter().for_each(Waker::wake);
/// #    }
/// }
///
/// let server = Arc::new(Server(Mutex::new(ConnectedHub::new(Hub::new(Config::default())?))));
/// let mut events = Events::new(server.clone());
/// let mut cx = Context::from_waker(Waker::noop()); // a runtime has one that wakes its task
/// assert!(events.poll_next(&mut cx).is_pending());
/// Control::new(server).announce("tea is ready");
/// let Poll::Ready(Some(event)) = events.poll_next(&mut cx) else { unreachable!("it was announced") };
/// assert_eq!((event.seq, event.event()), (0, Event::Announced { words: "tea is ready" }));
/// # Ok::<(), chat_proto::ConfigError>(())
/// ```
pub struct Events {
    hub: Arc<dyn SharedHub>,
    /// The number of the next event to be read from the hub.
    next: u64,
    /// The number that the next event to be handed out has if none is missed.
    expected: u64,
    /// What was read and not yet handed out.
    read: VecDeque<OwnedEvent>,
    key: u64,
    /// Whether a waker may be with the hub.
    is_waiting: bool,
    has_ended: bool,
}

impl Events {
    /// Begins after the latest event.
    #[must_use]
    pub fn new(hub: Arc<dyn SharedHub>) -> Self {
        let (next, key) = call(&*hub, |it| (it.hub.conversation().next_event(), it.waiting.new_key()));
        Self { hub, next, expected: next, read: VecDeque::new(), key, is_waiting: false, has_ended: false }
    }

    /// Returns the number that the next event has if none is missed.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.expected
    }

    /// Returns the next event, or `None` when there will be no more; if there is none yet, wakes the task of `cx`
    /// later.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<OwnedEvent>> {
        if self.read.is_empty() && !self.has_ended {
            self.read_on(cx);
        }
        let event = self.read.pop_front();
        if let Some(event) = &event {
            self.expected = event.seq + 1;
        } else if !self.has_ended {
            return Poll::Pending;
        }
        Poll::Ready(event)
    }

    /// Reads what is new, or waits for it, or learns that there will be no more.
    fn read_on(&mut self, cx: &Context<'_>) {
        let Self { hub, next, read, key, is_waiting, has_ended, .. } = self;
        call(&**hub, |it| {
            read.extend(it.hub.events(*next).take(BATCH).map(Recorded::to_owned));
            *next = match read.back() {
                Some(last) if read.len() == BATCH => last.seq + 1,
                // The latest may be missing: one that was too long to be kept.
                _ => it.hub.conversation().next_event(),
            };
            *has_ended = read.is_empty() && it.hub.is_closed();
            *is_waiting = read.is_empty() && !*has_ended;
            if *is_waiting {
                it.waiting.put(it.hub, *key, cx.waker());
            }
        });
    }
}

/// The same as an iterator, for programs on threads: whoever asks for the next event waits for it.
#[derive(Debug)]
pub struct BlockingEvents {
    events: Events,
    waker: fn() -> Waker,
    park: fn(),
}

impl BlockingEvents {
    /// Begins after the latest event. `waker` makes one that ends the next wait of its own thread, now or later, and
    /// `park` waits: with `std`, by [`Thread::unpark`] and [`park`].
    ///
    /// [`Thread::unpark`]: https://doc.rust-lang.org/std/thread/struct.Thread.html#method.unpark
    /// [`park`]: https://doc.rust-lang.org/std/thread/fn.park.html
    #[must_use]
    pub fn new(hub: Arc<dyn SharedHub>, waker: fn() -> Waker, park: fn()) -> Self {
        Self { events: Events::new(hub), waker, park }
    }

    /// Returns the number that the next event has if none is missed.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.events.next_seq()
    }
}

impl Iterator for BlockingEvents {
    type Item = OwnedEvent;

    fn next(&mut self) -> Option<OwnedEvent> {
        let waker = (self.waker)();
        loop {
            match self.events.poll_next(&mut Context::from_waker(&waker)) {
                Poll::Ready(event) => return event,
                Poll::Pending => (self.park)(),
            }
        }
    }
}

/// Leaves no waker behind.
impl Drop for Events {
    fn drop(&mut self) {
        if self.is_waiting {
            call(&*self.hub, |it| it.waiting.remove(self.key));
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("next_seq", &self.next_seq()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use alloc::format;
    use alloc::string::String;
    use alloc::task::Wake;
    use alloc::vec::Vec;
    use core::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::Mutex;

    use super::*;
    use crate::config::Config;
    use crate::conversation::Event;
    use crate::driver::{Access, ConnectedHub};
    use crate::hub::Hub;
    use crate::time::Timestamp;

    struct Server(Mutex<ConnectedHub<()>>);

    impl Server {
        fn new(history: usize) -> Arc<Self> {
            let mut config = Config { history, ..Config::default() };
            config.dialects.iter_mut().for_each(|dialect| dialect.backlog = 0);
            Arc::new(Self(Mutex::new(ConnectedHub::new(Hub::new(config).expect("limits in range")))))
        }

        fn announce(&self, words: &str) {
            self.call(&mut |it| it.hub.announce(it.now, words));
        }

        fn shut_down(&self) {
            self.call(&mut |it| it.hub.shut_down(it.now));
        }
    }

    impl SharedHub for Server {
        fn call(&self, act: &mut dyn FnMut(Access<'_>)) {
            let mut hub = self.0.lock().expect("no call panics");
            act(hub.access(Timestamp::ZERO));
            let wakes = hub.take_wakes(Timestamp::ZERO);
            drop(hub);
            wakes.events.into_iter().for_each(Waker::wake);
        }
    }

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes what was announced and is there, with the numbers.
    fn take(events: &mut Events) -> Vec<(u64, String)> {
        let mut taken = Vec::new();
        while let Poll::Ready(Some(event)) = events.poll_next(&mut Context::from_waker(Waker::noop())) {
            let Event::Announced { words } = event.event() else { panic!("{event:?} was not announced") };
            taken.push((event.seq, words.into()));
        }
        taken
    }

    #[test]
    fn a_subscriber_gets_what_happens_after_it_subscribed() {
        let server = Server::new(8);
        server.announce("before");
        let mut events = Events::new(server.clone());
        assert_eq!((events.next_seq(), take(&mut events).len()), (1, 0));
        server.announce("after");
        assert_eq!(take(&mut events), [(1, "after".into())]);
        assert_eq!(events.next_seq(), 2);
    }

    #[test]
    fn a_waiting_subscriber_is_woken_once_and_others_are_not() {
        let server = Server::new(8);
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let mut events = Events::new(server.clone());
        let woken = || count.0.load(Ordering::Relaxed);
        server.announce("nobody waits");
        assert_eq!((take(&mut events).len(), woken()), (1, 0));
        for _ in 0..2 {
            assert!(events.poll_next(&mut Context::from_waker(&waker)).is_pending());
        }
        assert_eq!(woken(), 0, "nothing has happened");
        server.announce("one");
        server.announce("two");
        assert_eq!(woken(), 1);
    }

    #[test]
    fn a_subscriber_that_is_dropped_leaves_no_waker_behind() {
        let server = Server::new(8);
        let count = Arc::new(Count::default());
        let mut events = Events::new(server.clone());
        assert!(events.poll_next(&mut Context::from_waker(&Waker::from(count.clone()))).is_pending());
        drop(events);
        assert_eq!(Arc::strong_count(&count), 1);
    }

    #[test]
    fn what_is_overwritten_is_a_gap_in_the_numbers() {
        let server = Server::new(4);
        let mut events = Events::new(server.clone());
        (0..10).for_each(|n| server.announce(&format!("message {n}")));
        let taken = take(&mut events);
        assert_eq!(taken.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [6, 7, 8, 9]);
    }

    #[test]
    fn events_are_read_in_batches_and_none_is_lost() {
        let server = Server::new(3 * BATCH);
        let mut events = Events::new(server.clone());
        let all = 2 * BATCH + 1;
        (0..all).for_each(|n| server.announce(&format!("message {n}")));
        assert!(events.poll_next(&mut Context::from_waker(Waker::noop())).is_ready());
        assert_eq!(events.read.len(), BATCH - 1);
        let rest = take(&mut events);
        assert!(rest.iter().map(|(seq, _)| *seq).eq(1..all as u64));
    }

    #[test]
    fn it_ends_for_good_when_the_hub_has_closed_and_all_was_read() {
        let server = Server::new(8);
        let count = Arc::new(Count::default());
        let mut waits = Events::new(server.clone());
        let mut events = Events::new(server.clone());
        server.announce("goodbye");
        server.shut_down();
        let said = [(0, "goodbye".into()), (1, "shutting down".into())];
        assert_eq!((take(&mut events), take(&mut waits)), (said.clone().into(), said.into()));
        server.announce("is anybody there?");
        assert_eq!(events.poll_next(&mut Context::from_waker(&Waker::from(count))), Poll::Ready(None));
    }
}
