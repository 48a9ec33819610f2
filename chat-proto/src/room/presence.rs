//! Joins and leaves as people on screens see them: a few are shown one by one, many as a number.
//!
//! Records, counters, and programs that read dialects which do not [fold presence](crate::Dialect::folds_presence) get
//! each of them.

use core::time::Duration;

use crate::config::Config;
use crate::fault::Fault;
use crate::time::Timestamp;
use crate::wire::dialect::Event;

/// How many joins and leaves in a second are shown one by one.
const SHOWN: u64 = 5;

const SECOND: Duration = Duration::from_secs(1);

/// What was shown in the current second, and what was only counted.
#[derive(Debug)]
pub(crate) struct Presence {
    /// Whether any dialect wants it.
    pub(crate) is_wanted: bool,
    /// When the second ends.
    pub(crate) end: Timestamp,
    /// How many may be shown one by one in this second.
    allowed: u64,
    /// How many joins and leaves there were in this second.
    seen: u64,
    /// Joins and leaves that were only counted.
    joined: u64,
    left: u64,
}

impl Presence {
    pub(crate) fn new(config: &Config) -> Self {
        let is_wanted = config.dialects.iter().any(|dialect| dialect.dialect.folds_presence());
        Self { is_wanted, end: Timestamp::ZERO, allowed: SHOWN, seen: 0, joined: 0, left: 0 }
    }

    /// Returns when to report those that were only counted; [`Timestamp::MAX`] for never.
    pub(crate) fn deadline(&self) -> Timestamp {
        if self.joined + self.left > 0 { self.end } else { Timestamp::MAX }
    }

    /// Starts a new second, if the last is over.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        if self.end.has_come(now) {
            self.allowed = if self.seen > SHOWN { 0 } else { SHOWN };
            (self.end, self.seen) = (now + SECOND, 0);
        }
    }

    /// Records a join or a leave; returns whether to show it by itself.
    pub(crate) fn note(&mut self, is_join: bool) -> bool {
        self.seen += 1;
        if self.seen <= self.allowed {
            return true;
        }
        if is_join {
            self.joined += 1;
        } else {
            self.left += 1;
        }
        false
    }

    /// Removes and returns what was only counted, as an event.
    pub(crate) fn take_counted(&mut self) -> Option<Event<'static>> {
        let (joined, left) = (core::mem::take(&mut self.joined), core::mem::take(&mut self.left));
        (joined + left > 0 && !Fault::PresenceUntold.is_planted()).then_some(Event::CameAndWent { joined, left })
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Plays that many joins at each of these moments; returns how many were shown, and what was reported before.
    fn play(presence: &mut Presence, joins: &[(u64, u64)]) -> Vec<(usize, Option<u64>)> {
        let at = |&(millis, joins): &(u64, u64)| {
            let now = Timestamp::from_nanos(millis * 1_000_000);
            let told = if presence.end.has_come(now) { presence.take_counted() } else { None };
            presence.advance(now);
            let told = told.map(|event| match event {
                Event::CameAndWent { joined, left: 0 } => joined,
                other => panic!("{other:?}"),
            });
            ((0..joins).filter(|_| presence.note(true)).count(), told)
        };
        joins.iter().map(at).collect()
    }

    #[test]
    fn a_few_joins_are_shown_and_many_are_one_line_a_second() {
        let mut presence = Presence::new(&Config::default());
        let seen = play(&mut presence, &[(0, 3), (999, 2), (999, 1), (1_000, 9), (1_999, 1), (2_000, 4), (3_000, 5)]);
        // In the second after one with too many, none are shown one by one. In the one after that they are again.
        let expected = [(3, None), (2, None), (0, None), (0, Some(1)), (0, None), (0, Some(10)), (5, Some(4))];
        assert_eq!(seen, expected);
        assert_eq!(presence.deadline(), Timestamp::MAX, "nothing is left to report");
    }

    #[test]
    fn at_the_end_of_time_nothing_is_due() {
        let mut presence = Presence::new(&Config::default());
        presence.advance(Timestamp::MAX);
        assert_eq!((0..9).filter(|_| presence.note(false)).count(), 5);
        assert_eq!(presence.deadline(), Timestamp::MAX);
    }
}
