//! Deadlines: at most one entry for each session, the earliest first.

use alloc::vec::Vec;

use crate::time::Timestamp;

/// A heap of (moment, slot) with each slot in it at most once.
///
/// An entry is a moment to look at the session again, at or before its real deadline. Activity that moves a deadline
/// later therefore changes nothing here. Only a deadline earlier than the entry moves the entry.
#[derive(Debug)]
pub(crate) struct Deadlines {
    heap: Vec<(Timestamp, u32)>,
    /// Where each slot stands in the heap, or [`NOWHERE`].
    positions: Vec<u32>,
}

const NOWHERE: u32 = u32::MAX;

/// Children of a node. With four the heap is half as deep as with two, and they lie in one cache line.
const ARITY: usize = 4;

impl Deadlines {
    /// Makes an empty heap with room for slots 0 to `slots` − 1.
    pub(crate) fn new(slots: usize) -> Self {
        Self { heap: Vec::with_capacity(slots), positions: Vec::with_capacity(slots) }
    }

    /// Bytes of heap for that many slots.
    pub(crate) const fn memory_bound(slots: usize) -> usize {
        slots * (size_of::<(Timestamp, u32)>() + size_of::<u32>())
    }

    /// Returns the earliest moment.
    pub(crate) fn first(&self) -> Option<Timestamp> {
        self.heap.first().map(|entry| entry.0)
    }

    /// Removes the earliest entry if its moment has come, and returns its slot.
    pub(crate) fn pop_expired(&mut self, now: Timestamp) -> Option<u32> {
        let (at, slot) = *self.heap.first()?;
        (at <= now).then(|| {
            self.remove(slot);
            slot
        })
    }

    /// Makes sure that the slot is looked at no later than `at`.
    #[inline]
    pub(crate) fn no_later(&mut self, slot: u32, at: Timestamp) {
        let position = self.positions.get(slot as usize).map_or(NOWHERE, |position| *position);
        // With every write the deadlines move later, so nearly always this is all there is to do.
        let is_early_enough = self.heap.get(position as usize).is_some_and(|entry| entry.0 <= at);
        if !is_early_enough && at != Timestamp::MAX {
            self.move_up(slot, at);
        }
    }

    /// Gives the slot an earlier entry, or its first.
    #[inline(never)]
    fn move_up(&mut self, slot: u32, at: Timestamp) {
        if self.positions.len() <= slot as usize {
            self.positions.resize(slot as usize + 1, NOWHERE);
        }
        let mut position = self.positions[slot as usize] as usize;
        if position == NOWHERE as usize {
            position = self.heap.len();
            self.heap.push((at, slot));
        } else {
            self.heap[position].0 = at;
        }
        self.sift_up(position);
    }

    /// Removes the slot's entry, if it has one.
    pub(crate) fn remove(&mut self, slot: u32) {
        let Some(position) = self.positions.get_mut(slot as usize) else { return };
        let position = core::mem::replace(position, NOWHERE) as usize;
        if position == NOWHERE as usize {
            return;
        }
        let (removed, _) = self.heap.swap_remove(position);
        match self.heap.get(position) {
            Some((moved, _)) if *moved < removed => self.sift_up(position),
            Some(_) => self.sift_down(position),
            None => {}
        }
    }

    fn sift_up(&mut self, mut position: usize) {
        let entry = self.heap[position];
        while position > 0 {
            let parent = (position - 1) / ARITY;
            if self.heap[parent].0 <= entry.0 {
                break;
            }
            self.put(position, self.heap[parent]);
            position = parent;
        }
        self.put(position, entry);
    }

    fn sift_down(&mut self, mut position: usize) {
        let entry = self.heap[position];
        loop {
            let first = position * ARITY + 1;
            let children = first..(first + ARITY).min(self.heap.len());
            let Some(least) = children.min_by_key(|child| self.heap[*child].0) else { break };
            if entry.0 <= self.heap[least].0 {
                break;
            }
            self.put(position, self.heap[least]);
            position = least;
        }
        self.put(position, entry);
    }

    fn put(&mut self, position: usize, entry: (Timestamp, u32)) {
        self.heap[position] = entry;
        self.positions[entry.1 as usize] = position as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    #[test]
    fn the_earliest_entry_comes_first_and_a_later_deadline_moves_nothing() {
        let mut deadlines = Deadlines::new(4);
        for (slot, nanos) in [(0, 30), (1, 10), (2, 20), (0, 40), (1, 5)] {
            deadlines.no_later(slot, at(nanos));
        }
        deadlines.no_later(3, Timestamp::MAX);
        assert_eq!(deadlines.first(), Some(at(5)));
        assert_eq!(deadlines.pop_expired(at(4)), None);
        assert_eq!(deadlines.pop_expired(at(5)), Some(1));
        deadlines.remove(2);
        deadlines.remove(2);
        assert_eq!(deadlines.pop_expired(at(100)), Some(0));
        assert_eq!((deadlines.pop_expired(at(100)), deadlines.first()), (None, None));
    }

    /// Compares it with a plain list, on numbers from a multiplicative generator.
    #[test]
    fn it_agrees_with_a_sorted_list() {
        let (mut deadlines, mut list, mut random) = (Deadlines::new(64), [None; 64], 1_u64);
        for _ in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (slot, nanos) = ((random >> 33) % 64, (random >> 40) % 1_000);
            let entry = &mut list[slot as usize];
            match (random >> 60) % 4 {
                0 => {
                    deadlines.remove(slot as u32);
                    *entry = None;
                }
                1 => {
                    let due = deadlines.pop_expired(at(nanos / 10));
                    let least = list.iter().flatten().min().copied();
                    assert_eq!(due.is_some(), least.is_some_and(|least| least <= nanos / 10));
                    if let Some(slot) = due {
                        assert_eq!(list[slot as usize].take(), least);
                    }
                }
                _ => {
                    deadlines.no_later(slot as u32, at(nanos));
                    *entry = Some(entry.map_or(nanos, |old: u64| old.min(nanos)));
                }
            }
            assert_eq!(deadlines.first(), list.iter().flatten().min().map(|nanos| at(*nanos)));
        }
    }
}
