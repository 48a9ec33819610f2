//! The closed loop: limits how many messages are on their way at once.

/// Allows a message only while fewer than `size` messages have not reached the slowest reader.
#[derive(Debug)]
pub(super) struct Window {
    size: u64,
    published: u64,
    /// By reader: how many of all messages it has received, lost or sent itself; `None` if it no longer counts.
    resolved: Vec<Option<u64>>,
    /// How many readers have resolved a given number of messages, at that number modulo the length. It gives the
    /// slowest reader without a search.
    readers_at: Vec<u32>,
    slowest: u64,
}

impl Window {
    /// Makes a window with that many readers, which have resolved nothing.
    pub(super) fn new(size: u64, readers: usize) -> Self {
        // No reader is further behind than the window; one more, since a message is published before it is resolved.
        let mut readers_at = vec![0; (size as usize + 2).next_power_of_two()];
        readers_at[0] = readers as u32;
        Self { size, published: 0, resolved: vec![Some(0); readers], readers_at, slowest: 0 }
    }

    /// Returns how many messages have not yet reached the slowest reader.
    pub(super) fn outstanding(&self) -> u64 {
        self.published - self.slowest
    }

    /// Returns how many messages may be published now: none until a quarter of the window is free, so that they go out
    /// in batches.
    pub(super) fn room(&self) -> u64 {
        let room = self.size - self.outstanding();
        if room >= self.size.div_ceil(4) { room } else { 0 }
    }

    /// Records that a message was published.
    ///
    /// # Panics
    ///
    /// In a debug build, if there is no room for it.
    pub(super) fn publish(&mut self) {
        debug_assert!(self.outstanding() < self.size, "published beyond the window");
        self.published += 1;
        // Without readers, nothing is outstanding.
        self.advance();
    }

    /// Records that a reader no longer waits for this many messages.
    pub(super) fn resolve(&mut self, reader: usize, count: u64) {
        if let Some(before) = self.resolved[reader] {
            // A message that was given up may still arrive.
            self.put(reader, before, (before + count).min(self.published));
        }
    }

    /// Stops waiting for a reader.
    pub(super) fn remove(&mut self, reader: usize) {
        if let Some(before) = self.resolved[reader].take() {
            *self.readers_at(before) -= 1;
            self.advance();
        }
    }

    /// Stops waiting for all messages published so far.
    pub(super) fn give_up(&mut self) {
        for reader in 0..self.resolved.len() {
            if let Some(before) = self.resolved[reader] {
                self.put(reader, before, self.published);
            }
        }
    }

    fn put(&mut self, reader: usize, before: u64, after: u64) {
        *self.readers_at(before) -= 1;
        *self.readers_at(after) += 1;
        self.resolved[reader] = Some(after);
        if before == self.slowest {
            self.advance();
        }
    }

    fn readers_at(&mut self, resolved: u64) -> &mut u32 {
        let mask = self.readers_at.len() - 1;
        &mut self.readers_at[resolved as usize & mask]
    }

    fn advance(&mut self) {
        while self.slowest < self.published && *self.readers_at(self.slowest) == 0 {
            self.slowest += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(window: &mut Window, count: u64) {
        (0..count).for_each(|_| window.publish());
    }

    #[test]
    fn the_slowest_reader_counts() {
        let mut window = Window::new(8, 3);
        publish(&mut window, 8);
        assert_eq!(window.room(), 0);
        window.resolve(0, 8);
        window.resolve(1, 5);
        assert_eq!(window.outstanding(), 8);
        window.resolve(2, 1);
        assert_eq!((window.outstanding(), window.room()), (7, 0));
        window.resolve(2, 2);
        assert_eq!((window.outstanding(), window.room()), (5, 3));
        publish(&mut window, 3);
        window.resolve(2, 8);
        assert_eq!(window.outstanding(), 6);
    }

    #[test]
    fn departed_readers_are_not_waited_for() {
        let mut window = Window::new(4, 2);
        publish(&mut window, 4);
        window.resolve(0, 3);
        window.remove(1);
        window.remove(1);
        assert_eq!(window.outstanding(), 1);
        window.remove(0);
        assert_eq!(window.room(), 4);
        publish(&mut window, 100);
    }

    #[test]
    fn a_message_given_up_may_arrive_late() {
        let mut window = Window::new(4, 1);
        publish(&mut window, 4);
        window.give_up();
        assert_eq!(window.room(), 4);
        window.resolve(0, 4);
        publish(&mut window, 4);
        assert_eq!(window.room(), 0);
        window.resolve(0, 4);
        assert_eq!(window.outstanding(), 0);
    }

    #[test]
    fn a_window_of_one_is_a_message_at_a_time() {
        let mut window = Window::new(1, 2);
        for _ in 0..10 {
            assert_eq!(window.room(), 1);
            window.publish();
            window.resolve(0, 1);
            assert_eq!(window.room(), 0);
            window.resolve(1, 1);
        }
    }
}
