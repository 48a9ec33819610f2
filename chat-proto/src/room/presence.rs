//! Joins and leaves as screens see them: a few one by one, many as a number.
//!
//! Others see each of them as it is: records, counters, and programs, which read dialects that do not
//! [fold presence](crate::Dialect::folds_presence).

use core::time::Duration;

use crate::config::Config;
use crate::fault::Fault;
use crate::time::Timestamp;
use crate::wire::dialect::Event;

/// How many joins and leaves within a second are shown one by one.
const SHOWN: u64 = 5;

const SECOND: Duration = Duration::from_secs(1);

/// What was shown in the current second, and what was only counted.
#[derive(Debug)]
pub(crate) struct Presence {
    /// Any dialect wants it.
    pub(crate) is_wanted: bool,
    /// When the second is over.
    pub(crate) end: Timestamp,
    /// How many are shown one by one in this second.
    allowed: u64,
    /// How many joins and leaves there were in it.
    seen: u64,
    /// Those that were only counted.
    joined: u64,
    left: u64,
}

impl Presence {
    pub(crate) fn new(config: &Config) -> Self {
        let is_wanted = config.dialects.iter().any(|dialect| dialect.dialect.folds_presence());
        Self { is_wanted, end: Timestamp::ZERO, allowed: SHOWN, seen: 0, joined: 0, left: 0 }
    }

    /// Returns when those who were only counted are to be told of; [`Timestamp::MAX`] for never.
    pub(crate) fn deadline(&self) -> Timestamp {
        if self.joined + self.left > 0 { self.end } else { Timestamp::MAX }
    }

    /// Begins another second, if the last is over.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        if self.end.has_come(now) {
            self.allowed = if self.seen > SHOWN { 0 } else { SHOWN };
            (self.end, self.seen) = (now + SECOND, 0);
        }
    }

    /// Takes note of a join or a leave; returns whether it is shown as it is.
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

    /// Takes out those who were only counted.
    pub(crate) fn take_counted(&mut self) -> Option<Event<'static>> {
        let (joined, left) = (core::mem::take(&mut self.joined), core::mem::take(&mut self.left));
        (joined + left > 0 && !Fault::PresenceUntold.is_planted()).then_some(Event::CameAndWent { joined, left })
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Lets so many join at once at each of these moments; returns how many were shown, and what was told before.
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
    fn a_few_are_shown_and_many_are_one_line_a_second() {
        let mut presence = Presence::new(&Config::default());
        let seen = play(&mut presence, &[(0, 3), (999, 2), (999, 1), (1_000, 9), (1_999, 1), (2_000, 4), (3_000, 5)]);
        // The second after one with too many shows none one by one, and the one after that does again.
        let expected = [(3, None), (2, None), (0, None), (0, Some(1)), (0, None), (0, Some(10)), (5, Some(4))];
        assert_eq!(seen, expected);
        assert_eq!(presence.deadline(), Timestamp::MAX, "nobody is left to be told of");
    }

    #[test]
    fn at_the_end_of_time_nothing_is_due() {
        let mut presence = Presence::new(&Config::default());
        presence.advance(Timestamp::MAX);
        assert_eq!((0..9).filter(|_| presence.note(false)).count(), 5);
        assert_eq!(presence.deadline(), Timestamp::MAX);
    }
}
