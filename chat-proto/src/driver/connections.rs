//! The connections of all sessions.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;
use core::net::{Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::id::{HubId, SessionId};

/// The connections of all sessions, each at its session's slot.
#[derive(Debug)]
pub(super) struct Connections<T> {
    slots: Vec<Option<Entry<T>>>,
    /// The hub that they belong to, once there is any.
    hub: HubId,
    /// How many are paused.
    paused: usize,
}

#[derive(Debug)]
struct Entry<T> {
    generation: u32,
    /// Whether the hub has left input untaken.
    is_paused: bool,
    peer: Peer,
    connection: Arc<T>,
}

/// A peer's address, in less memory than a [`SocketAddr`] takes: there is one for each connection. It has no flow label,
/// which says nothing about the peer.
#[derive(Clone, Copy, Debug)]
enum Peer {
    Unix,
    V4(SocketAddrV4),
    V6 { ip: Ipv6Addr, port: u16, scope: u32 },
}

impl From<Option<SocketAddr>> for Peer {
    fn from(addr: Option<SocketAddr>) -> Self {
        match addr {
            None => Self::Unix,
            Some(SocketAddr::V4(addr)) => Self::V4(addr),
            Some(SocketAddr::V6(addr)) => Self::V6 { ip: *addr.ip(), port: addr.port(), scope: addr.scope_id() },
        }
    }
}

impl Peer {
    fn addr(self) -> Option<SocketAddr> {
        match self {
            Self::Unix => None,
            Self::V4(addr) => Some(addr.into()),
            Self::V6 { ip, port, scope } => Some(SocketAddrV6::new(ip, port, 0, scope).into()),
        }
    }
}

/// The addresses of all sessions' peers, whatever their connections are.
pub(super) trait Peers {
    /// Returns a peer's address; `None` if the session is gone, or on a Unix socket.
    fn peer(&self, id: SessionId) -> Option<SocketAddr>;
}

impl<T> Peers for Connections<T> {
    fn peer(&self, id: SessionId) -> Option<SocketAddr> {
        self.entry(id)?.peer.addr()
    }
}

impl<T> Connections<T> {
    /// Reserves room for that many sessions: growing would leave touched memory behind.
    pub(super) fn new(sessions: usize) -> Self {
        Self { slots: Vec::with_capacity(sessions), hub: SessionId::NONE.hub, paused: 0 }
    }

    pub(super) fn insert(&mut self, id: SessionId, peer: Option<SocketAddr>, connection: Arc<T>) {
        if self.slots.len() <= id.slot() {
            self.slots.resize_with(id.slot() + 1, || None);
        }
        self.hub = id.hub;
        let entry = Entry { generation: id.generation, is_paused: false, peer: peer.into(), connection };
        let before = self.slots[id.slot()].replace(entry);
        debug_assert!(before.is_none(), "the hub reuses a slot only after it has closed the session there");
    }

    pub(super) fn get(&self, id: SessionId) -> Option<&Arc<T>> {
        self.entry(id).map(|entry| &entry.connection)
    }

    pub(super) fn remove(&mut self, id: SessionId) -> Option<Arc<T>> {
        self.entry(id)?;
        let entry = self.slots[id.slot()].take()?;
        self.paused -= usize::from(entry.is_paused);
        Some(entry.connection)
    }

    /// Removes and returns all connections.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Arc<T>> {
        mem::replace(self, Self::new(0)).slots.into_iter().flatten().map(|entry| entry.connection)
    }

    /// Marks a connection whose input was left untaken.
    pub(super) fn pause(&mut self, id: SessionId) {
        if let Some(entry) = self.entry_mut(id) {
            let was_paused = mem::replace(&mut entry.is_paused, true);
            self.paused += usize::from(!was_paused);
        }
    }

    /// Unmarks a connection whose input is wanted again, and returns it if it was marked.
    pub(super) fn resume(&mut self, id: SessionId) -> Option<Arc<T>> {
        let entry = self.entry_mut(id).filter(|entry| entry.is_paused)?;
        entry.is_paused = false;
        let connection = Arc::clone(&entry.connection);
        self.paused -= 1;
        Some(connection)
    }

    pub(super) fn is_paused(&self, id: SessionId) -> bool {
        self.entry(id).is_some_and(|entry| entry.is_paused)
    }

    pub(super) const fn has_paused(&self) -> bool {
        self.paused > 0
    }

    /// Returns the paused connections.
    pub(super) fn paused(&self) -> impl Iterator<Item = (SessionId, Arc<T>)> + '_ {
        let paused = (0..).zip(&self.slots).filter_map(|(slot, entry)| Some((slot, entry.as_ref()?)));
        let paused = paused.filter(|(_, entry)| entry.is_paused);
        paused.map(|(slot, Entry { generation, connection, .. })| {
            (SessionId { slot, generation: *generation, hub: self.hub }, Arc::clone(connection))
        })
    }

    fn entry(&self, id: SessionId) -> Option<&Entry<T>> {
        let entry = self.slots.get(id.slot())?.as_ref()?;
        (id.hub == self.hub && id.generation == entry.generation).then_some(entry)
    }

    fn entry_mut(&mut self, id: SessionId) -> Option<&mut Entry<T>> {
        let entry = self.slots.get_mut(id.slot())?.as_mut()?;
        (id.hub == self.hub && id.generation == entry.generation).then_some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::HubId;

    #[test]
    fn a_stale_id_finds_nothing() {
        let hub = HubId::next();
        let [stale, id] = [0, 1].map(|generation| SessionId { slot: 3, generation, hub });
        let mut connections = Connections::new(4);
        connections.insert(id, None, Arc::new("it"));
        connections.pause(stale);
        assert!(connections.get(stale).is_none() && connections.remove(stale).is_none());
        assert!(!connections.has_paused() && connections.resume(id).is_none());
        assert_eq!(connections.get(id).map(|it| **it), Some("it"));
    }

    #[test]
    fn an_address_is_kept_as_it_is_in_little_memory() {
        let addrs = ["192.0.2.7:4000", "[2001:db8::7]:4000", "[fe80::1%3]:65535"].map(|it| it.parse().expect("valid"));
        for addr in addrs.into_iter().map(Some).chain([None]) {
            assert_eq!(Peer::from(addr).addr(), addr);
        }
        // One for each session that there may be.
        assert!(size_of::<Option<Entry<()>>>() <= 40);
    }

    #[test]
    fn a_connection_is_paused_until_it_is_resumed_or_removed() {
        let hub = HubId::next();
        let ids = [0, 1, 2].map(|slot| SessionId { slot, generation: 0, hub });
        let mut connections = Connections::new(4);
        for id in ids {
            connections.insert(id, None, Arc::new(id));
            connections.pause(id);
            connections.pause(id);
        }
        assert_eq!(connections.resume(ids[0]).as_deref(), Some(&ids[0]));
        assert_eq!(connections.remove(ids[1]).as_deref(), Some(&ids[1]));
        assert_eq!(ids.map(|id| connections.is_paused(id)), [false, false, true]);
        assert_eq!(connections.paused().map(|(id, _)| id).collect::<Vec<_>>(), [ids[2]]);
        connections.resume(ids[2]);
        assert!(!connections.has_paused());
    }
}
