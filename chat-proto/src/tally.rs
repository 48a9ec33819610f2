//! How often something happened, for each reason.

use core::marker::PhantomData;

use crate::command::{CloseReason, OpenError};

/// The most reasons of a kind.
const MOST: usize = 16;

/// How often something happened, for each reason of a kind.
///
/// ```
/// use chat_proto::{CloseReason, Config, Hub, Timestamp};
///
/// let mut hub = Hub::new(Config::default())?;
/// let text = hub.dialect("text").expect("a default dialect");
/// let id = hub.open(Timestamp::ZERO, text)?;
/// hub.receive(Timestamp::ZERO, id, b"/quit\n");
/// let _ = hub.poll_command();
/// hub.disconnect(Timestamp::ZERO, id);
/// assert_eq!(hub.stats().closed_by.of(CloseReason::Disconnected), 1);
/// assert_eq!(hub.stats().closed_by.iter().map(|(_, count)| count).sum::<u64>(), hub.stats().closed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally<R> {
    counts: [u64; MOST],
    reasons: PhantomData<R>,
}

/// A kind of reason that a [`Tally`] counts by.
pub trait Reason: Copy {
    /// A name for each, as labels of metrics have it: `wrong_protocol`.
    const NAMES: &'static [&'static str];

    /// Returns the index of its name.
    fn index(self) -> usize;
}

impl<R: Reason> Tally<R> {
    /// Counts one more.
    #[inline]
    pub fn count(&mut self, reason: R) {
        self.counts[reason.index() % MOST] += 1;
    }

    /// Returns how often it happened for that reason.
    #[must_use]
    pub fn of(&self, reason: R) -> u64 {
        self.counts[reason.index() % MOST]
    }

    /// Returns the name of each reason, and how often it happened for that.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        R::NAMES.iter().copied().zip(self.counts)
    }
}

impl<R> Tally<R> {
    /// Returns how much each count has grown since `earlier`.
    #[must_use]
    pub(crate) const fn since(&self, earlier: &Self) -> Self {
        let (mut counts, mut index) = (self.counts, 0);
        while index < MOST {
            counts[index] = counts[index].saturating_sub(earlier.counts[index]);
            index += 1;
        }
        Self { counts, reasons: PhantomData }
    }
}

impl<R> Default for Tally<R> {
    fn default() -> Self {
        Self { counts: [0; MOST], reasons: PhantomData }
    }
}

impl Reason for CloseReason {
    const NAMES: &'static [&'static str] = &[
        "quit",
        "eof",
        "disconnected",
        "idle",
        "stalled",
        "lagged",
        "wrong_protocol",
        "first_line",
        "bad_frame",
        "kicked",
        "killed",
        "wrong_password",
        "shut_down",
    ];

    fn index(self) -> usize {
        match self {
            Self::Quit => 0,
            Self::Eof => 1,
            Self::Disconnected => 2,
            Self::Idle => 3,
            Self::Stalled => 4,
            Self::Lagged { .. } => 5,
            Self::WrongProtocol => 6,
            Self::FirstLine => 7,
            Self::BadFrame => 8,
            Self::Kicked => 9,
            Self::Killed => 10,
            Self::WrongPassword => 11,
            Self::ShutDown => 12,
        }
    }
}

impl Reason for OpenError {
    const NAMES: &'static [&'static str] = &["full", "too_many_from_address", "too_fast_from_address", "shutting_down"];

    fn index(self) -> usize {
        match self {
            Self::Full => 0,
            Self::TooManyFromAddress => 1,
            Self::TooFastFromAddress => 2,
            Self::ShuttingDown => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn reasons_are_counted_under_their_names() {
        let mut tally = Tally::default();
        tally.count(CloseReason::Lagged { missed: 7 });
        let earlier = tally;
        tally.count(CloseReason::Lagged { missed: 8 });
        tally.count(CloseReason::ShutDown);
        let counted: Vec<_> = tally.iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [("lagged", 2), ("shut_down", 1)]);
        assert_eq!(tally.since(&earlier).of(CloseReason::Lagged { missed: 9 }), 1);
        assert!(CloseReason::NAMES.len() <= MOST && OpenError::NAMES.len() <= MOST);
        assert_eq!(CloseReason::ShutDown.index() + 1, CloseReason::NAMES.len());
        assert_eq!(OpenError::ShuttingDown.index() + 1, OpenError::NAMES.len());
    }
}
