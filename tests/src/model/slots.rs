//! A map whose keys are slots.

use std::ops::Index;

/// A map from slots, used like a `BTreeMap`. Most of what the model does is to look at sessions, and slots are small
/// numbers, so it has a place for each.
#[derive(Debug)]
pub(super) struct Slots<T>(Vec<Option<T>>);

impl<T> Slots<T> {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn get(&self, slot: usize) -> Option<&T> {
        self.0.get(slot)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut T> {
        self.0.get_mut(slot)?.as_mut()
    }

    pub(super) fn contains_key(&self, slot: usize) -> bool {
        self.get(slot).is_some()
    }

    pub(super) fn insert(&mut self, slot: usize, value: T) {
        if slot >= self.0.len() {
            self.0.resize_with(slot + 1, || None);
        }
        self.0[slot] = Some(value);
    }

    pub(super) fn remove(&mut self, slot: usize) -> Option<T> {
        self.0.get_mut(slot)?.take()
    }

    pub(super) fn len(&self) -> usize {
        self.values().count()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.0.iter().enumerate().filter_map(|(slot, value)| Some((slot, value.as_ref()?)))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut T)> {
        self.0.iter_mut().enumerate().filter_map(|(slot, value)| Some((slot, value.as_mut()?)))
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = usize> {
        self.iter().map(|(slot, _)| slot)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flatten()
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().flatten()
    }
}

impl<T> Index<&usize> for Slots<T> {
    type Output = T;

    fn index(&self, slot: &usize) -> &T {
        self.get(*slot).expect("the slot has a session")
    }
}
