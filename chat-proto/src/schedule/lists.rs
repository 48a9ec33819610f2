//! Lists of sessions, linked through one array.

use alloc::vec::Vec;

/// Circular doubly linked lists over slots. A slot is in at most one list.
///
/// Each list has a node of its own that stands before its first member and after its last. So a member can be removed
/// without knowing its list, and appending one list to another takes four assignments, however long they are.
#[derive(Debug)]
pub(crate) struct Lists {
    nodes: Vec<Node>,
    lists: u32,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    before: u32,
    after: u32,
}

/// Names a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct List(pub(crate) u32);

impl Lists {
    /// Makes `lists` empty lists with room for slots 0 to `slots` − 1.
    pub(crate) fn new(lists: usize, slots: usize) -> Self {
        let mut nodes = Vec::with_capacity(lists + slots);
        nodes.extend((0..lists as u32).map(|list| Node { before: list, after: list }));
        Self { nodes, lists: lists as u32 }
    }

    /// Makes room for more slots, once for all.
    pub(crate) fn make_room(&mut self, slots: usize) {
        let nodes = self.lists as usize + slots;
        if self.nodes.capacity() < nodes {
            self.nodes.reserve_exact(nodes - self.nodes.len());
        }
    }

    /// Bytes of heap for that many.
    pub(crate) const fn memory_bound(lists: usize, slots: usize) -> usize {
        (lists + slots) * size_of::<Node>()
    }

    /// Returns the first member.
    pub(crate) fn first(&self, list: List) -> Option<u32> {
        self.nodes[list.0 as usize].after.checked_sub(self.lists)
    }

    /// Returns whether the list has more than one member.
    pub(crate) fn has_two(&self, list: List) -> bool {
        let Node { before, after } = self.nodes[list.0 as usize];
        before != after
    }

    /// Returns whether the slot is in a list.
    pub(crate) fn holds(&self, slot: u32) -> bool {
        let node = slot + self.lists;
        self.nodes.get(node as usize).is_some_and(|it| it.after != node)
    }

    /// Moves the slot to the end of the list, out of any list that it was in.
    pub(crate) fn push(&mut self, list: List, slot: u32) {
        self.remove(slot);
        let node = slot + self.lists;
        self.link(self.nodes[list.0 as usize].before, node);
        self.link(node, list.0);
    }

    /// Moves the slot to the beginning of the list, out of any list that it was in.
    pub(crate) fn push_front(&mut self, list: List, slot: u32) {
        self.remove(slot);
        let node = slot + self.lists;
        self.link(node, self.nodes[list.0 as usize].after);
        self.link(list.0, node);
    }

    /// Removes the slot from the list that it is in, if any.
    pub(crate) fn remove(&mut self, slot: u32) {
        let node = slot + self.lists;
        while self.nodes.len() <= node as usize {
            let new = self.nodes.len() as u32;
            self.nodes.push(Node { before: new, after: new });
        }
        let Node { before, after } = self.nodes[node as usize];
        if after != node {
            self.link(before, after);
            self.link(node, node);
        }
    }

    /// Moves all members of `from` behind those of `to`.
    pub(crate) fn append(&mut self, to: List, from: List) {
        let Node { before: last, after: first } = self.nodes[from.0 as usize];
        if first == from.0 {
            return;
        }
        self.link(self.nodes[to.0 as usize].before, first);
        self.link(last, to.0);
        self.link(from.0, from.0);
    }

    fn link(&mut self, before: u32, after: u32) {
        self.nodes[before as usize].after = after;
        self.nodes[after as usize].before = before;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(lists: &Lists, list: List) -> Vec<u32> {
        let slots = core::iter::successors(lists.first(list), |slot| {
            lists.nodes[(slot + lists.lists) as usize].after.checked_sub(lists.lists)
        });
        slots.collect()
    }

    #[test]
    fn a_slot_is_in_at_most_one_list() {
        let (mut lists, a, b) = (Lists::new(2, 4), List(0), List(1));
        for (list, slot) in [(a, 3), (a, 1), (b, 2), (b, 1), (a, 0)] {
            lists.push(list, slot);
        }
        assert_eq!((members(&lists, a), members(&lists, b)), ([3, 0].to_vec(), [2, 1].to_vec()));
        assert_eq!([0, 1, 2, 3, 4].map(|slot| lists.holds(slot)), [true, true, true, true, false]);
        assert_eq!([a, b].map(|list| lists.has_two(list)), [true, true]);
        lists.remove(2);
        assert!(!lists.holds(2));
        assert_eq!([a, b].map(|list| lists.has_two(list)), [true, false]);
        lists.remove(2);
        assert_eq!(members(&lists, b), [1]);
    }

    #[test]
    fn an_appended_list_is_empty_afterwards() {
        let (mut lists, a, b) = (Lists::new(2, 4), List(0), List(1));
        lists.append(a, b);
        lists.push(b, 0);
        lists.push(b, 1);
        lists.append(a, b);
        lists.push(b, 2);
        lists.append(a, b);
        lists.remove(1);
        assert_eq!((members(&lists, a), members(&lists, b)), ([0, 2].to_vec(), [].to_vec()));
        lists.push_front(a, 3);
        lists.push_front(b, 2);
        assert_eq!((members(&lists, a), members(&lists, b)), ([3, 0].to_vec(), [2].to_vec()));
    }
}
