//! Who is in which room, and who is invited to which, apart from the lobby's members.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::members::{mix, summand};
use crate::fault::Fault;
use crate::id::{MemberId, RoomId};
use crate::moderation::Role;

/// A pool of nodes, one for each room that a member is in, and for each invitation. Each is in two lists: that of its
/// member, the latest first, and that of its room, the oldest first.
///
/// Memory is allocated as it is needed, a chunk at a time, and is kept for the next that need it.
#[derive(Debug)]
pub(super) struct Memberships {
    chunks: Vec<Box<[Node]>>,
    /// The most nodes, and how many were ever in use.
    max: usize,
    used: usize,
    /// The first node that is free; its `of_member` is the next.
    free: u32,
    /// The first node of each member. Nobody has one where there are no rooms.
    of_member: Vec<u32>,
    /// The nodes of each room.
    of_room: Vec<OfRoom>,
    /// The sum of all nodes' digests.
    digest: u64,
}

/// No node. The others are numbered from 1 on.
const NONE: u32 = 0;

/// How many nodes are allocated at once: some tens of KiB.
const CHUNK: usize = 1_024;

#[derive(Clone, Copy, Debug, Default)]
struct Node {
    /// The next node of the same member, and those beside it in the room's list.
    of_member: u32,
    before: u32,
    after: u32,
    member: u32,
    /// Which entry made it, modulo 2³²: for the digest, which so depends on the order of the lists.
    since: u32,
    room: u16,
    state: u8,
}

/// The member is invited, and not in the room.
const INVITED: u8 = 1;
/// The roles of a member that is in the room.
const OPERATOR: u8 = 2;
const VOICE: u8 = 4;

#[derive(Clone, Copy, Debug, Default)]
struct OfRoom {
    members: List,
    invited: List,
}

#[derive(Clone, Copy, Debug, Default)]
struct List {
    first: u32,
    last: u32,
    count: u32,
}

impl Memberships {
    /// Makes room for members 0 to `members` − 1 with `each` rooms and invitations at most, in rooms 0 to `rooms` − 1.
    pub(super) fn new(members: usize, each: usize, rooms: usize) -> Self {
        Self {
            chunks: Vec::with_capacity((members * each).div_ceil(CHUNK)),
            max: members * each,
            used: 0,
            free: NONE,
            of_member: vec![NONE; if each > 0 { members } else { 0 }],
            of_room: vec![OfRoom::default(); rooms],
            digest: 0,
        }
    }

    /// Bytes of heap at their fullest.
    pub(super) fn memory_bound(members: usize, each: usize, rooms: usize) -> u64 {
        members as u64 * each as u64 * size_of::<Node>() as u64 + Self::memory_at_start(members, each, rooms)
    }

    /// Bytes of heap that are allocated at once.
    pub(super) fn memory_at_start(members: usize, each: usize, rooms: usize) -> u64 {
        let max = members as u64 * each as u64;
        max.div_ceil(CHUNK as u64) * size_of::<Box<[Node]>>() as u64
            + if each > 0 { members as u64 * size_of::<u32>() as u64 } else { 0 }
            + rooms as u64 * size_of::<OfRoom>() as u64
    }

    pub(super) fn is_in(&self, member: MemberId, room: RoomId) -> bool {
        self.find(member, room).is_some_and(|node| node.state & INVITED == 0)
    }

    pub(super) fn is_invited(&self, member: MemberId, room: RoomId) -> bool {
        self.find(member, room).is_some_and(|node| node.state & INVITED != 0 || Fault::InvitationStays.is_planted())
    }

    pub(super) fn has_role(&self, member: MemberId, room: RoomId, role: Role) -> bool {
        self.find(member, room).is_some_and(|node| node.state & bit_of(role) != 0)
    }

    /// Returns how many members are in a room.
    pub(super) fn len(&self, room: RoomId) -> usize {
        self.of_room.get(room.0 as usize).map_or(0, |lists| lists.members.count as usize)
    }

    /// Returns how many rooms a member is in, and how many invitations it has.
    pub(super) fn count(&self, member: MemberId) -> (usize, usize) {
        let invitations = self.nodes(member).filter(|node| node.state & INVITED != 0).count();
        (self.nodes(member).count() - invitations, invitations)
    }

    /// Returns whether there is no room for another invitation, because there are no rooms but the lobby.
    pub(super) fn is_full(&self) -> bool {
        self.free == NONE && self.used == self.max
    }

    /// Returns to which room a member was invited first, of its invitations.
    pub(super) fn oldest_invitation(&self, member: MemberId) -> Option<RoomId> {
        self.nodes(member).filter(|node| node.state & INVITED != 0).last().map(Node::room)
    }

    /// Returns the rooms that a member is in, the latest entered first.
    pub(super) fn rooms_of(&self, member: MemberId) -> impl Iterator<Item = RoomId> + '_ {
        self.nodes(member).filter(|node| node.state & INVITED == 0).map(Node::room)
    }

    /// Returns the room that a member has entered or was invited to last.
    pub(super) fn latest(&self, member: MemberId) -> Option<RoomId> {
        self.nodes(member).next().map(Node::room)
    }

    /// Returns the members of a room in the order in which they entered it.
    pub(super) fn members_of(&self, room: RoomId) -> impl Iterator<Item = MemberId> + '_ {
        let mut next = self.of_room.get(room.0 as usize).map_or(NONE, |lists| lists.members.first);
        core::iter::from_fn(move || {
            let node = self.get(next)?;
            next = node.after;
            Some(MemberId(node.member))
        })
    }

    /// Returns the members of a room in the order in which they entered it, each with the place after it, from which on
    /// the others are found later; `from` 0: all. It is found at once, unless its member has left in the meantime.
    pub(super) fn members_from(&self, room: RoomId, from: u64) -> impl Iterator<Item = (u64, MemberId)> + '_ {
        let last = (from > 0).then(|| Place::unpack(from));
        let node_there = last.and_then(|last| self.get(last.node).filter(|node| last.is_of(node, room)));
        let mut next = match node_there {
            Some(node) => node.after,
            None => self.of_room.get(room.0 as usize).map_or(NONE, |lists| lists.members.first),
        };
        let nodes = core::iter::from_fn(move || {
            let (number, node) = (next, self.get(next)?);
            next = node.after;
            Some((Place { node: number, since: node.since }, MemberId(node.member)))
        });
        let later = nodes.skip_while(move |(place, _)| last.is_some_and(|last| !place.is_after(last)));
        later.map(|(place, member)| (place.pack(), member))
    }

    /// Returns who was invited first of those who are invited to a room.
    pub(super) fn first_invited(&self, room: RoomId) -> Option<MemberId> {
        self.get(self.of_room.get(room.0 as usize)?.invited.first).map(|node| MemberId(node.member))
    }

    /// Returns a number that is equal for all who have the same memberships and invitations. It is updated with each
    /// change.
    pub(super) fn digest(&self) -> u64 {
        self.digest
    }

    /// Lets a member be in a room; it is not in it, and not invited to it. `since` is the number of the entry.
    pub(super) fn enter(&mut self, member: MemberId, room: RoomId, since: u64) {
        self.add(member, room, 0, since);
    }

    /// Invites a member to a room; it is not in it, and not invited to it.
    pub(super) fn invite(&mut self, member: MemberId, room: RoomId, since: u64) {
        self.add(member, room, INVITED, since);
    }

    /// Gives a member of a room a role, or takes it away.
    pub(super) fn set_role(&mut self, member: MemberId, room: RoomId, role: Role, given: bool) {
        let mut index = self.first(member);
        while let Some(node) = self.get(index) {
            if node.room() == room {
                self.digest = self.digest.wrapping_sub(node.digest());
                let node = self.get_mut(index);
                node.state = node.state & !bit_of(role) | if given { bit_of(role) } else { 0 };
                self.digest = self.digest.wrapping_add(self.node(index).digest());
                return;
            }
            index = node.of_member;
        }
    }

    /// Takes a member out of a room, or its invitation away; does nothing if it has neither.
    pub(super) fn remove(&mut self, member: MemberId, room: RoomId) {
        let (mut before, mut index) = (NONE, self.first(member));
        while let Some(node) = self.get(index).copied() {
            if node.room() == room {
                match before {
                    NONE => self.of_member[member.0 as usize] = node.of_member,
                    before => self.get_mut(before).of_member = node.of_member,
                }
                self.unlink(node);
                self.digest = self.digest.wrapping_sub(node.digest());
                *self.get_mut(index) = Node { of_member: self.free, ..Node::default() };
                self.free = index;
                return;
            }
            (before, index) = (index, node.of_member);
        }
    }

    fn add(&mut self, member: MemberId, room: RoomId, state: u8, since: u64) {
        let index = self.take_free();
        let of_member = core::mem::replace(&mut self.of_member[member.0 as usize], index);
        let (room, since) = (room.0 as u16, since as u32);
        let mut node = Node { of_member, member: member.0, since, room, state, ..Node::default() };
        let list = self.list(node);
        node.before = list.last;
        list.last = index;
        list.count += 1;
        match node.before {
            NONE => list.first = index,
            before => self.get_mut(before).after = index,
        }
        *self.get_mut(index) = node;
        self.digest = self.digest.wrapping_add(node.digest());
    }

    /// Takes a node out of its room's list.
    fn unlink(&mut self, node: Node) {
        self.list(node).count -= 1;
        match node.before {
            NONE => self.list(node).first = node.after,
            before => self.get_mut(before).after = node.after,
        }
        match node.after {
            NONE => self.list(node).last = node.before,
            after => self.get_mut(after).before = node.before,
        }
    }

    fn list(&mut self, node: Node) -> &mut List {
        let lists = &mut self.of_room[usize::from(node.room)];
        if node.state & INVITED == 0 { &mut lists.members } else { &mut lists.invited }
    }

    /// Returns a node that nobody uses. There is one, as each member has at most its share.
    fn take_free(&mut self) -> u32 {
        if self.free != NONE {
            let index = self.free;
            self.free = self.node(index).of_member;
            return index;
        }
        if self.used.is_multiple_of(CHUNK) {
            self.chunks.push(vec![Node::default(); CHUNK.min(self.max - self.used)].into());
        }
        self.used += 1;
        self.used as u32
    }

    fn first(&self, member: MemberId) -> u32 {
        self.of_member.get(member.0 as usize).copied().unwrap_or(NONE)
    }

    fn nodes(&self, member: MemberId) -> impl Iterator<Item = &Node> {
        let mut next = self.first(member);
        core::iter::from_fn(move || {
            let node = self.get(next)?;
            next = node.of_member;
            Some(node)
        })
    }

    fn find(&self, member: MemberId, room: RoomId) -> Option<&Node> {
        self.nodes(member).find(|node| node.room() == room)
    }

    fn get(&self, index: u32) -> Option<&Node> {
        (index != NONE).then(|| self.node(index))
    }

    fn node(&self, index: u32) -> &Node {
        let index = index as usize - 1;
        &self.chunks[index / CHUNK][index % CHUNK]
    }

    fn get_mut(&mut self, index: u32) -> &mut Node {
        let index = index as usize - 1;
        &mut self.chunks[index / CHUNK][index % CHUNK]
    }

    /// Computes the digest from all nodes.
    #[cfg(test)]
    pub(super) fn digest_afresh(&self) -> u64 {
        let members = (0..self.of_member.len() as u32).map(MemberId);
        members.flat_map(|member| self.nodes(member)).fold(0, |sum, node| sum.wrapping_add(node.digest()))
    }
}

/// A place in the list of a room's members: the node before it, and since when that is there.
#[derive(Clone, Copy)]
struct Place {
    node: u32,
    since: u32,
}

impl Place {
    /// Returns it as a number that is not 0.
    fn pack(self) -> u64 {
        u64::from(self.node) << 32 | u64::from(self.since)
    }

    fn unpack(packed: u64) -> Self {
        Self { node: (packed >> 32) as u32, since: packed as u32 }
    }

    /// Returns whether it is the place of that node, which may have become another's.
    fn is_of(self, node: &Node, room: RoomId) -> bool {
        node.since == self.since && node.room() == room && node.state & INVITED == 0
    }

    fn is_after(self, other: Self) -> bool {
        // The numbers are those of entries, cut to 32 bits. The numbers of one room's members differ by less than that.
        self.since.wrapping_sub(other.since).cast_signed() > 0
    }
}

impl Node {
    fn room(&self) -> RoomId {
        RoomId(self.room.into())
    }

    fn digest(&self) -> u64 {
        let key = u64::from(self.member) << 32 | u64::from(self.room) << 8 | u64::from(self.state);
        summand(mix(mix(1, key), self.since.into()))
    }
}

const fn bit_of(role: Role) -> u8 {
    match role {
        Role::Operator => OPERATOR,
        Role::Voice => VOICE,
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn a_place_among_the_members_is_found_again_while_they_come_and_go() {
        let (room, mut pool) = (RoomId(3), Memberships::new(10, 4, 5));
        let from = |pool: &Memberships, place| pool.members_from(room, place).map(|(_, it)| it.0).collect::<Vec<_>>();
        let start = u64::from(u32::MAX) - 2;
        for member in 0..6 {
            pool.enter(MemberId(member), RoomId(2), start + u64::from(member) * 2);
            pool.enter(MemberId(member), room, start + u64::from(member) * 2 + 1);
        }
        assert_eq!(from(&pool, 0), [0, 1, 2, 3, 4, 5]);
        let places: Vec<u64> = pool.members_from(room, 0).map(|(place, _)| place).collect();
        for (index, place) in places.iter().enumerate() {
            assert_eq!(from(&pool, *place), (index as u32 + 1..6).collect::<Vec<_>>());
        }
        // The member at the place is gone, and its node is another one's.
        pool.remove(MemberId(2), room);
        assert_eq!(from(&pool, places[2]), [3, 4, 5]);
        pool.enter(MemberId(7), RoomId(2), start + 20);
        pool.enter(MemberId(2), room, start + 21);
        pool.remove(MemberId(4), room);
        pool.enter(MemberId(8), room, start + 22);
        assert_eq!((from(&pool, places[2]), from(&pool, places[4])), (alloc::vec![3, 5, 2, 8], alloc::vec![5, 2, 8]));
    }

    /// Compares it with a plain list, on numbers from a multiplicative generator.
    #[test]
    fn it_agrees_with_a_list() {
        const MEMBERS: usize = 40;
        const EACH: usize = 60;
        const ROOMS: usize = 60;
        let mut pool = Memberships::new(MEMBERS, EACH, ROOMS);
        let mut list: Vec<(MemberId, RoomId, bool)> = Vec::new();
        let mut random = 1_u64;
        for since in 0..8_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let member = MemberId((random >> 33) as u32 % MEMBERS as u32);
            let room = RoomId((random >> 45) as u32 % ROOMS as u32);
            let found = list.iter().position(|entry| (entry.0, entry.1) == (member, room));
            // At first more come than go, so that a second and a third chunk are needed.
            match (found, random >> 60) {
                (None, 0..=7) => {
                    pool.enter(member, room, since);
                    list.push((member, room, true));
                }
                (None, 8..=9) => {
                    pool.invite(member, room, since);
                    list.push((member, room, false));
                }
                (None, _) => pool.remove(member, room),
                (Some(at), 0..=2) => {
                    list.remove(at);
                    pool.remove(member, room);
                }
                (Some(_), _) => {}
            }
            let of_room =
                |is_in| list.iter().filter(move |entry| entry.1 == room && entry.2 == is_in).map(|entry| entry.0);
            assert!(pool.members_of(room).eq(of_room(true)) && pool.len(room) == of_room(true).count());
            assert_eq!(pool.first_invited(room), of_room(false).next());
            let of_member = |is_in| {
                let mine = list.iter().rev().filter(move |entry| entry.0 == member && entry.2 == is_in);
                mine.map(|entry| entry.1)
            };
            assert!(pool.rooms_of(member).eq(of_member(true)));
            assert_eq!(pool.oldest_invitation(member), of_member(false).next_back());
            assert_eq!(pool.count(member), (of_member(true).count(), of_member(false).count()));
        }
        assert!(pool.chunks.len() > 1 && !pool.is_full());
        assert_eq!(pool.digest(), pool.digest_afresh());
        for (member, room, _) in list {
            pool.remove(member, room);
        }
        assert_eq!(pool.digest(), 0);
    }

    #[test]
    fn the_pool_has_as_many_nodes_as_all_members_need() {
        let mut pool = Memberships::new(3, 500, 500);
        for n in 0..1_500 {
            assert!(!pool.is_full());
            pool.enter(MemberId(n % 3), RoomId(n / 3), 0);
        }
        assert!(pool.is_full());
        let chunks: usize = pool.chunks.iter().map(|chunk| size_of_val(&chunk[..])).sum();
        let held = chunks + pool.chunks.capacity() * 16 + pool.of_member.capacity() * 4 + 500 * 24;
        assert_eq!(held as u64, Memberships::memory_bound(3, 500, 500));
        pool.remove(MemberId(1), RoomId(7));
        assert!(!pool.is_full());
        assert!(Memberships::new(3, 0, 1).is_full());
    }
}
