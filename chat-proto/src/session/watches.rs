//! Which sessions are told when a name is taken or left (MONITOR of IRC).

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::names::{Key, NameRules, are_caseless_equal};

/// The most names that one session watches, as many as other networks allow. ISUPPORT tells it as MONITOR.
pub(crate) const MAX_WATCHED: usize = 100;

/// How many names all sessions watch at most, for each session that there may be. Most clients watch none or a few.
const SHARE: usize = 2;

/// The end of a list of watches.
const END: u32 = u32::MAX;

/// The names that sessions watch.
///
/// It takes no memory until the first name is watched; then it allocates all that it may ever need. A member that comes
/// or goes costs one look-up, and one step for each session that watches its name.
#[derive(Debug)]
pub(crate) struct Watches {
    /// All watches by number, those that are free among them.
    all: Vec<Watch>,
    /// The first that is free.
    free: u32,
    used: usize,
    /// The lists of the sessions, by slot.
    lists: Vec<List>,
    /// For each name that is watched, the first of its watches.
    by_name: HashTable<u32>,
    hasher: DefaultHashBuilder,
    sessions: usize,
}

/// One name that one session watches.
#[derive(Debug)]
struct Watch {
    name: Box<str>,
    hash: u64,
    slot: u32,
    /// Its neighbours among the watches of the same name.
    before: u32,
    after: u32,
    /// The next of the same session, or the next that is free.
    next: u32,
    /// What the session was told last: whether somebody of that name is here.
    is_here: bool,
}

/// What one session watches.
#[derive(Clone, Copy, Debug)]
struct List {
    first: u32,
    len: u8,
    /// Whether it could not be told everything.
    is_untold: bool,
}

const EMPTY: List = List { first: END, len: 0, is_untold: false };

/// The number of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WatchId(u32);

/// The session, or all sessions together, may watch no more names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Watches {
    pub(crate) fn new(sessions: usize) -> Self {
        Self {
            all: Vec::new(),
            free: END,
            used: 0,
            lists: Vec::new(),
            by_name: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            sessions,
        }
    }

    /// Bytes of heap for that many sessions, with names of that length.
    pub(crate) fn memory_bound(sessions: usize, max_name: usize) -> usize {
        let max = Self::max(sessions);
        // hashbrown: a power of two of buckets, an eighth of them free, a control byte each and 16 more.
        let buckets = (2 * max * 8 / 7).next_power_of_two().max(16);
        let table = buckets * (size_of::<u32>() + 1) + 64;
        max * (size_of::<Watch>() + max_name) + sessions * size_of::<List>() + table
    }

    /// The most watches of all sessions.
    fn max(sessions: usize) -> usize {
        sessions.saturating_mul(SHARE).max(MAX_WATCHED)
    }

    /// Returns whether nobody watches anything.
    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Lets a session watch a name from now on; `is_here` is what it is told now.
    ///
    /// # Errors
    ///
    /// The session, or all sessions together, may watch no more names.
    pub(crate) fn watch(&mut self, slot: u32, name: &str, is_here: bool) -> Result<(), Full> {
        let known = self.of_session(slot).find(|watch| self.is_of(*watch, name));
        if let Some(WatchId(known)) = known {
            self.all[known as usize].is_here = is_here;
            return Ok(());
        }
        if self.len(slot) >= MAX_WATCHED || self.used >= Self::max(self.sessions) {
            return Err(Full);
        }
        self.make_room();
        let hash = self.hash(name);
        let head = self.find(hash, name);
        let list = &mut self.lists[slot as usize];
        let watch =
            Watch { name: name.into(), hash, slot, before: head.unwrap_or(END), after: END, next: list.first, is_here };
        let number = if self.free == END {
            self.all.push(watch);
            self.all.len() as u32 - 1
        } else {
            let number = self.free;
            self.free = core::mem::replace(&mut self.all[number as usize], watch).next;
            number
        };
        (list.first, list.len) = (number, list.len + 1);
        self.used += 1;
        // Behind the first of the same name, so that the table need not change.
        if let Some(head) = head {
            let after = core::mem::replace(&mut self.all[head as usize].after, number);
            self.all[number as usize].after = after;
            if after != END {
                self.all[after as usize].before = number;
            }
        } else {
            let all = &self.all;
            self.by_name.insert_unique(hash, number, |number| all[*number as usize].hash);
        }
        Ok(())
    }

    /// Lets a session watch a name no longer.
    pub(crate) fn unwatch(&mut self, slot: u32, name: &str) {
        let mut before = END;
        while let Some(number) = self.next_of(slot, before) {
            if self.is_of(WatchId(number), name) {
                return self.remove(slot, before, number);
            }
            before = number;
        }
    }

    /// Lets a session watch nothing any more.
    pub(crate) fn clear(&mut self, slot: u32) {
        while let Some(first) = self.next_of(slot, END) {
            self.remove(slot, END, first);
        }
        if let Some(list) = self.lists.get_mut(slot as usize) {
            *list = EMPTY;
        }
    }

    /// Returns how many names a session watches.
    pub(crate) fn len(&self, slot: u32) -> usize {
        self.lists.get(slot as usize).map_or(0, |list| list.len.into())
    }

    /// Returns the watches of a session, the latest first.
    pub(crate) fn of_session(&self, slot: u32) -> impl Iterator<Item = WatchId> + '_ {
        let numbers = core::iter::successors(self.next_of(slot, END), move |number| self.next_of(slot, *number));
        numbers.map(WatchId)
    }

    /// Returns the first watch of a name.
    pub(crate) fn first_of(&self, name: &str) -> Option<WatchId> {
        self.find(self.hash(name), name).map(WatchId)
    }

    /// Returns the next watch of the same name.
    pub(crate) fn after(&self, watch: WatchId) -> Option<WatchId> {
        Some(self.get(watch).after).filter(|after| *after != END).map(WatchId)
    }

    /// Returns which session watches.
    pub(crate) fn slot(&self, watch: WatchId) -> u32 {
        self.get(watch).slot
    }

    /// Returns which name is watched, as the session has written it.
    pub(crate) fn name(&self, watch: WatchId) -> &str {
        &self.get(watch).name
    }

    /// Returns what the session was told last: whether somebody of that name is here.
    pub(crate) fn was_here(&self, watch: WatchId) -> bool {
        self.get(watch).is_here
    }

    /// Notes what the session is told.
    pub(crate) fn set_here(&mut self, watch: WatchId, is_here: bool) {
        self.all[watch.0 as usize].is_here = is_here;
    }

    /// Returns whether a session could not be told of everything.
    pub(crate) fn is_untold(&self, slot: u32) -> bool {
        self.lists.get(slot as usize).is_some_and(|list| list.is_untold)
    }

    /// Notes whether a session could not be told of everything.
    pub(crate) fn set_untold(&mut self, slot: u32, is_untold: bool) {
        if let Some(list) = self.lists.get_mut(slot as usize) {
            list.is_untold = is_untold;
        }
    }

    fn get(&self, watch: WatchId) -> &Watch {
        &self.all[watch.0 as usize]
    }

    fn is_of(&self, watch: WatchId, name: &str) -> bool {
        are_caseless_equal(self.name(watch), name)
    }

    /// Returns the watch of a session after that one; after `END`, the first.
    fn next_of(&self, slot: u32, before: u32) -> Option<u32> {
        let next = match self.all.get(before as usize) {
            Some(watch) => watch.next,
            None => self.lists.get(slot as usize)?.first,
        };
        Some(next).filter(|next| *next != END)
    }

    /// Makes all the memory that is ever needed, if there is none yet.
    fn make_room(&mut self) {
        if self.lists.is_empty() {
            let max = Self::max(self.sessions);
            self.all.reserve_exact(max);
            self.lists = vec![EMPTY; self.sessions];
            // Twice the number of entries: with spare room it cleans up after removals in place and never grows.
            self.by_name = HashTable::with_capacity(2 * max);
        }
    }

    fn hash(&self, name: &str) -> u64 {
        let mut key = Key::new();
        NameRules::Loose.write_key(name, &mut key);
        self.hasher.hash_one(key.as_bytes())
    }

    fn find(&self, hash: u64, name: &str) -> Option<u32> {
        let is_it = |number: &u32| self.all[*number as usize].hash == hash && self.is_of(WatchId(*number), name);
        self.by_name.find(hash, is_it).copied()
    }

    /// Removes the watch of a session that comes after another of its list.
    fn remove(&mut self, slot: u32, before_in_list: u32, number: u32) {
        let Watch { hash, before, after, next, .. } = self.all[number as usize];
        match self.all.get_mut(before_in_list as usize) {
            Some(other) => other.next = next,
            None => self.lists[slot as usize].first = next,
        }
        self.lists[slot as usize].len -= 1;
        self.used -= 1;
        if after != END {
            self.all[after as usize].before = before;
        }
        if before != END {
            self.all[before as usize].after = after;
        } else if let Ok(mut head) = self.by_name.find_entry(hash, |head| *head == number) {
            // It was the first of its name.
            if after == END {
                head.remove();
            } else {
                *head.get_mut() = after;
            }
        }
        let watch = &mut self.all[number as usize];
        (watch.name, watch.next) = (Box::default(), self.free);
        self.free = number;
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::format;
    use alloc::string::String;

    use super::*;

    /// Returns the slots of those who watch a name, in order.
    fn watchers(watches: &Watches, name: &str) -> Vec<u32> {
        let all = core::iter::successors(watches.first_of(name), |watch| watches.after(*watch));
        let mut slots: Vec<u32> = all.map(|watch| watches.slot(watch)).collect();
        slots.sort_unstable();
        slots
    }

    fn names(watches: &Watches, slot: u32) -> BTreeSet<String> {
        watches.of_session(slot).map(|watch| String::from(watches.name(watch))).collect()
    }

    #[test]
    fn a_name_is_watched_without_regard_to_case_and_not_to_looks() {
        let mut watches = Watches::new(4);
        for (slot, name) in [(0, "Bob"), (1, "bob"), (2, "b0b"), (3, "Žofie")] {
            assert_eq!(watches.watch(slot, name, false), Ok(()));
            assert_eq!(watches.watch(slot, name, false), Ok(()), "again");
        }
        assert_eq!(watchers(&watches, "BOB"), [0, 1]);
        assert_eq!(watchers(&watches, "z\u{30c}OFIE"), [3]);
        assert_eq!((watches.len(0), watches.used), (1, 4));
        watches.unwatch(0, "bOb");
        watches.unwatch(1, "b0b");
        assert_eq!(watchers(&watches, "bob"), [1]);
    }

    #[test]
    fn watches_are_limited_for_a_session_and_in_total() {
        let mut watches = Watches::new(200);
        for n in 0..MAX_WATCHED {
            assert_eq!(watches.watch(0, &format!("n{n}"), false), Ok(()));
        }
        assert_eq!(watches.watch(0, "more", false), Err(Full));
        assert_eq!(watches.watch(0, "n7", true), Ok(()), "it watches that already");
        for slot in 1..4 {
            for n in 0..MAX_WATCHED {
                assert_eq!(watches.watch(slot, &format!("n{n}"), false), Ok(()));
            }
        }
        assert_eq!(watches.watch(4, "n1", false), Err(Full));
        watches.clear(2);
        assert_eq!((watches.len(2), watches.watch(4, "n1", false)), (0, Ok(())));
        assert_eq!(watchers(&watches, "n1"), [0, 1, 3, 4]);
    }

    #[test]
    fn nothing_is_allocated_before_somebody_watches_and_nothing_after() {
        let mut watches = Watches::new(50);
        assert!(watches.is_empty() && watches.all.capacity() == 0 && watches.by_name.capacity() == 0);
        assert_eq!(watches.watch(0, "ann", false), Ok(()));
        let held = |watches: &Watches| (watches.all.capacity(), watches.by_name.capacity());
        let before = held(&watches);
        // Names that nobody has watched before, so that the table is cleaned up.
        for round in 0..1_000 {
            for n in 0..10 {
                assert_eq!(watches.watch(n, &format!("n{round}-{n}"), false), Ok(()));
            }
            (0..10).for_each(|slot| watches.clear(slot));
        }
        assert_eq!((held(&watches), watches.is_empty()), (before, true));
    }

    /// Compares it with sets, on numbers from a multiplicative generator.
    #[test]
    fn it_agrees_with_sets() {
        const SESSIONS: u32 = 6;
        let (mut watches, mut sets) = (Watches::new(SESSIONS as usize), vec![BTreeSet::new(); SESSIONS as usize]);
        let mut random = 1_u64;
        let mut next = |range: u32| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as u32 % range
        };
        for _ in 0..20_000 {
            let (slot, name) = (next(SESSIONS), format!("n{}", next(9)));
            match next(12) {
                0 => {
                    watches.clear(slot);
                    sets[slot as usize].clear();
                }
                1..6 => {
                    watches.unwatch(slot, &name);
                    sets[slot as usize].remove(&name);
                }
                _ => {
                    assert_eq!(watches.watch(slot, &name, false), Ok(()));
                    sets[slot as usize].insert(name.clone());
                }
            }
            assert_eq!(names(&watches, slot), sets[slot as usize]);
            let expected = (0..SESSIONS).filter(|slot| sets[*slot as usize].contains(&name));
            assert!(watchers(&watches, &name).into_iter().eq(expected), "{name}");
            assert_eq!(watches.used, sets.iter().map(BTreeSet::len).sum::<usize>());
        }
    }
}
