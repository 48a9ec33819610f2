//! Who waits for events.

use alloc::vec::Vec;
use core::task::Waker;

use crate::hub::Hub;

/// The wakers of those who have read all events there were. Each waits once at most, under its own key.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    wakers: Vec<(u64, Waker)>,
    /// How many events there were when the last of them began to wait. All of them have seen so many: an event would
    /// have woken the earlier ones.
    seen: u64,
    keys: u64,
}

impl Waiting {
    /// Returns a key that nobody else has.
    pub(super) const fn new_key(&mut self) -> u64 {
        self.keys += 1;
        self.keys
    }

    /// Wakes `waker` at the next event. Whoever calls this has seen all events there were.
    pub(super) fn put(&mut self, hub: &Hub, key: u64, waker: &Waker) {
        self.seen = hub.conversation().next_event();
        match self.wakers.iter_mut().find(|(other, _)| *other == key) {
            Some((_, known)) => known.clone_from(waker),
            None => self.wakers.push((key, waker.clone())),
        }
    }

    /// Forgets one that waits no longer.
    pub(super) fn remove(&mut self, key: u64) {
        self.wakers.retain(|(other, _)| *other != key);
    }

    /// Removes and returns all of them if there is an event that they have not seen, or the hub
    /// has closed.
    #[inline]
    pub(super) fn take_due(&mut self, hub: &Hub) -> Vec<Waker> {
        if self.wakers.is_empty() { Vec::new() } else { self.take_due_of_some(hub) }
    }

    #[cold]
    fn take_due_of_some(&mut self, hub: &Hub) -> Vec<Waker> {
        if self.seen == hub.conversation().next_event() && !hub.is_closed() {
            return Vec::new();
        }
        self.wakers.drain(..).map(|(_, waker)| waker).collect()
    }
}
