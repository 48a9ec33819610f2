//! Handshakes of TLS: how many at once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use smol::lock::{Semaphore, SemaphoreGuardArc};

use crate::connection::Connection;

/// The most handshakes at once, of all listeners with one certificate. With one more the oldest is cut off: one in good
/// order takes a few round trips, so among so many the oldest is most likely from somebody who does not go on with it.
pub(crate) const MAX_HANDSHAKES: usize = 512;

/// The most memory of one handshake: rustls takes a message of 64 KiB, and sends a certificate that is as long at most.
pub(crate) const MAX_MEMORY: usize = 2 * (64 << 10) + (8 << 10);

/// The handshakes that have begun and are not done.
pub(crate) struct Handshakes {
    slots: Arc<Semaphore>,
    begun: Arc<Mutex<Begun>>,
}

#[derive(Default)]
struct Begun {
    /// By their number, so the oldest is the first.
    connections: BTreeMap<u64, Weak<Connection>>,
    next: u64,
    /// How many connections wait for the place of one that was cut off.
    waiting: usize,
}

/// The place of a handshake, which is free when this is dropped.
pub(crate) struct Slot {
    begun: Arc<Mutex<Begun>>,
    number: u64,
    _permit: SemaphoreGuardArc,
}

impl Handshakes {
    pub(crate) fn new() -> Self {
        Self { slots: Arc::new(Semaphore::new(MAX_HANDSHAKES)), begun: Arc::default() }
    }

    /// Takes a place if there is one for which nobody waits.
    pub(crate) fn try_begin(&self, connection: &Arc<Connection>) -> Option<Slot> {
        if lock(&self.begun).waiting > 0 {
            return None;
        }
        self.slots.try_acquire_arc().map(|slot| self.slot(connection, slot))
    }

    /// Takes a place for a connection's handshake; if there is none, cuts the oldest off and waits for its place.
    pub(crate) async fn begin(&self, connection: &Arc<Connection>) -> Slot {
        if let Some(slot) = self.try_begin(connection) {
            return slot;
        }
        let _waiting = Waiting::new(&self.begun);
        let oldest = lock(&self.begun).connections.pop_first();
        if let Some(oldest) = oldest.and_then(|(_, oldest)| oldest.upgrade()) {
            oldest.cut();
        }
        let slot = self.slots.acquire_arc().await;
        self.slot(connection, slot)
    }

    fn slot(&self, connection: &Arc<Connection>, slot: SemaphoreGuardArc) -> Slot {
        let mut begun = lock(&self.begun);
        let number = begun.next;
        begun.next += 1;
        begun.connections.insert(number, Arc::downgrade(connection));
        Slot { begun: Arc::clone(&self.begun), number, _permit: slot }
    }
}

/// Counts a connection as waiting until this is dropped.
struct Waiting<'a>(&'a Mutex<Begun>);

impl<'a> Waiting<'a> {
    fn new(begun: &'a Mutex<Begun>) -> Self {
        lock(begun).waiting += 1;
        Self(begun)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(self.0).waiting -= 1;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        lock(&self.begun).connections.remove(&self.number);
    }
}

impl fmt::Debug for Handshakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshakes").finish_non_exhaustive()
    }
}

fn lock(begun: &Mutex<Begun>) -> MutexGuard<'_, Begun> {
    begun.lock().unwrap_or_else(PoisonError::into_inner)
}
