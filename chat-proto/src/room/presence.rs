//! Joins and leaves as people on screens see them: a few are shown one by one, many as a number.
//!
//! Records and counters have each of them, and so have dialects that do not [fold
//! presence](crate::Dialect::folds_presence).

use core::time::Duration;

use crate::config::Config;
use crate::fault::Fault;
use crate::time::Timestamp;
use crate::wire::dialect::Update;

/// How many joins and leaves in a second are shown one by one.
const SHOWN: u64 = 5;

const SECOND: Duration = Duration::from_secs(1);

/// The second in which joins and leaves are counted, the same for all rooms.
#[derive(Debug)]
pub(crate) struct Second {
    /// Whether any dialect wants it.
    pub(crate) is_wanted: bool,
    /// When it ends.
    pub(crate) end: Timestamp,
    number: u64,
    /// Joins and leaves of all rooms that were only counted.
    counted: u64,
}

/// The joins and leaves of a room in the current second: those that were shown, and those that were only counted.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    /// The number of the second in which these were counted.
    second: u64,
    /// Whether none may be shown one by one in this second, because there were too many in the one before.
    is_crowded: bool,
    /// How many joins and leaves there were in this second.
    seen: u64,
    /// Joins and leaves that were only counted.
    joined: u64,
    left: u64,
}

impl Second {
    pub(crate) fn new(config: &Config) -> Self {
        let is_wanted = config.dialects.iter().any(|dialect| dialect.dialect.folds_presence());
        Self { is_wanted, end: Timestamp::ZERO, number: 0, counted: 0 }
    }

    /// Returns when to report those that were only counted; [`Timestamp::MAX`] for never.
    pub(crate) fn deadline(&self) -> Timestamp {
        if self.counted > 0 { self.end } else { Timestamp::MAX }
    }

    /// Returns whether any room has joins and leaves that were only counted.
    pub(crate) fn is_any_counted(&self) -> bool {
        self.counted > 0
    }

    /// Starts a new second.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        (self.end, self.number) = (now + SECOND, self.number + 1);
    }
}

impl Presence {
    /// Records a join or a leave; returns whether to show it by itself.
    pub(crate) fn note(&mut self, second: &mut Second, is_join: bool) -> bool {
        if self.second != second.number {
            self.is_crowded = self.second + 1 == second.number && self.seen > SHOWN;
            (self.second, self.seen) = (second.number, 0);
        }
        self.seen += 1;
        if !self.is_crowded && self.seen <= SHOWN {
            return true;
        }
        second.counted += 1;
        if is_join {
            self.joined += 1;
        } else {
            self.left += 1;
        }
        false
    }

    /// Removes and returns what was only counted, as an update.
    pub(crate) fn take_counted(&mut self, second: &mut Second) -> Option<Update<'static>> {
        let (joined, left) = (core::mem::take(&mut self.joined), core::mem::take(&mut self.left));
        second.counted -= joined + left;
        (joined + left > 0 && !Fault::PresenceUntold.is_planted()).then_some(Update::CameAndWent { joined, left })
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Plays that many joins at each of these moments; returns how many were shown, and what was reported before.
    fn play(second: &mut Second, presence: &mut Presence, joins: &[(u64, u64)]) -> Vec<(usize, Option<u64>)> {
        let at = |&(millis, joins): &(u64, u64)| {
            let now = Timestamp::from_nanos(millis * 1_000_000);
            let mut told = None;
            if second.end.has_come(now) {
                told = presence.take_counted(second);
                second.advance(now);
            }
            let told = told.map(|update| match update {
                Update::CameAndWent { joined, left: 0 } => joined,
                other => panic!("{other:?}"),
            });
            ((0..joins).filter(|_| presence.note(second, true)).count(), told)
        };
        joins.iter().map(at).collect()
    }

    #[test]
    fn a_few_joins_are_shown_and_many_are_one_line_a_second() {
        let (mut second, mut presence) = (Second::new(&Config::default()), Presence::default());
        let seen = play(
            &mut second,
            &mut presence,
            &[(0, 3), (999, 2), (999, 1), (1_000, 9), (1_999, 1), (2_000, 4), (3_000, 5)],
        );
        // In the second after one with too many, none are shown one by one. In the one after that they are again.
        let expected = [(3, None), (2, None), (0, None), (0, Some(1)), (0, None), (0, Some(10)), (5, Some(4))];
        assert_eq!(seen, expected);
        assert_eq!(second.deadline(), Timestamp::MAX, "nothing is left to report");
    }

    #[test]
    fn at_the_end_of_time_nothing_is_due() {
        let (mut second, mut presence) = (Second::new(&Config::default()), Presence::default());
        second.advance(Timestamp::MAX);
        assert_eq!((0..9).filter(|_| presence.note(&mut second, false)).count(), 5);
        assert_eq!(second.deadline(), Timestamp::MAX);
    }
}
