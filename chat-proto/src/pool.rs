//! Buffers that are reused from session to session.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::fault::Fault;

/// How many buffers are kept for the next session that needs one. More than that are freed.
///
/// Enough that a busy server allocates nothing, few enough that buffers grown by a burst are not all held for ever:
/// with the default limits, some 0.9 MiB.
const MAX_SPARE: usize = 96;

/// How many of them are kept as large as they have become.
const MAX_GROWN: usize = 32;

/// A buffer that can be reused once it is empty.
pub(crate) trait Recycle: Default {
    /// Empties it and keeps its memory.
    fn clear(&mut self);

    /// Frees its memory if it has become large.
    fn shrink(&mut self) {}
}

/// Spare buffers: a session takes one while it has something to hold, and gives it back afterwards.
///
/// Used and spare buffers together are never more than there were sessions at once, because one is only made when none
/// is spare.
#[derive(Debug)]
pub(crate) struct Buffers<T> {
    // Boxed, so that a session that holds nothing needs only a pointer, and a buffer moves by its address.
    spare: Vec<Box<T>>,
}

impl<T> Default for Buffers<T> {
    fn default() -> Self {
        Self { spare: Vec::new() }
    }
}

impl<T: Recycle> Buffers<T> {
    /// Makes an empty store with room for as many as `sessions` sessions may leave spare.
    pub(crate) fn new(sessions: usize) -> Self {
        Self { spare: Vec::with_capacity(sessions.min(MAX_SPARE)) }
    }

    /// Bytes of heap for the store itself.
    pub(crate) fn memory_bound(sessions: usize) -> usize {
        sessions.min(MAX_SPARE) * size_of::<Box<T>>()
    }

    #[expect(clippy::unnecessary_box_returns)]
    pub(crate) fn take(&mut self) -> Box<T> {
        self.spare.pop().unwrap_or_default()
    }

    pub(crate) fn give(&mut self, mut buffer: Box<T>) {
        if Fault::BufferLeaked.is_planted() {
            return core::mem::forget(buffer);
        }
        if self.spare.len() < MAX_SPARE {
            buffer.clear();
            if self.spare.len() >= MAX_GROWN {
                buffer.shrink();
            }
            self.spare.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::framing::lines::Partial;

    #[test]
    fn no_more_are_kept_than_the_store_has_room_for() {
        let mut buffers: Buffers<Partial> = Buffers::new(MAX_SPARE + 100);
        for _ in 0..MAX_SPARE + 100 {
            buffers.give(Box::default());
        }
        let held = buffers.spare.capacity() * size_of::<Box<Partial>>();
        assert_eq!((buffers.spare.len(), held), (MAX_SPARE, Buffers::<Partial>::memory_bound(MAX_SPARE + 100)));
    }
}
