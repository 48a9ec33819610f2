//! The sum of all limits.

use super::Config;
use crate::hub::Hub;

impl Config {
    /// Returns the most heap, in bytes, that a hub with these limits ever holds.
    ///
    /// The worst case of everything at once: every session there with half a line sent to it, half a line received
    /// from it and its replies at the brim, every log and the journal full. What the limits themselves allow is what
    /// is counted, whether it was ever used or not; the allocator's own overhead is not. The limits are taken as they
    /// are, in range or not.
    #[must_use]
    pub fn memory_bound(&self) -> usize {
        Hub::memory_bound(self)
    }
}
