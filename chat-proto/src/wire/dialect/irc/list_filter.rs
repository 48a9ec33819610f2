//! The conditions of LIST: which channels are to be shown.
//!
//! They are those of the ISUPPORT parameter ELIST in Modern IRC, with the letters `MNTU`. `C`, for when a channel began,
//! is not offered.

use core::time::Duration;

use arrayvec::{ArrayString, ArrayVec};

use super::mask::is_match;

/// The most masks of one command, of both kinds together.
pub(super) const MAX_FILTER_MASKS: usize = 4;
/// The most bytes of a mask: as many as the longest name of a channel has, and one more.
const MAX_FILTER_MASK: usize = 52;

/// Which channels are to be shown: those that meet all conditions, and match one of the masks if there are any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListFilter {
    users: Range,
    /// How many seconds ago the topic was set.
    topic_age: Range,
    masks: ArrayVec<Mask, MAX_FILTER_MASKS>,
}

/// A mask of channels.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mask {
    text: ArrayString<MAX_FILTER_MASK>,
    /// Channels that match it are shown, or are not shown.
    is_wanted: bool,
}

/// Numbers that are more than one and less than another, either of which may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Range {
    more_than: Option<u64>,
    less_than: Option<u64>,
}

impl Range {
    fn is_everything(self) -> bool {
        self == Self::default()
    }

    fn contains(self, number: u64) -> bool {
        self.more_than.is_none_or(|than| number > than) && self.less_than.is_none_or(|than| number < than)
    }

    /// Reads `>n` or `<n`. A later condition of the same kind replaces an earlier one.
    fn read(&mut self, condition: &str, unit: u64) -> Option<()> {
        let (bound, number) = match condition.as_bytes().first()? {
            b'>' => (&mut self.more_than, &condition[1..]),
            b'<' => (&mut self.less_than, &condition[1..]),
            _ => return None,
        };
        *bound = Some(number.parse::<u32>().ok().map(u64::from)?.saturating_mul(unit));
        Some(())
    }
}

impl ListFilter {
    /// The filter that shows all channels.
    pub(crate) const ALL: Self = Self {
        users: Range { more_than: None, less_than: None },
        topic_age: Range { more_than: None, less_than: None },
        masks: ArrayVec::new_const(),
    };

    /// Reads conditions with commas between them, or names of channels, which are masks of one channel each.
    ///
    /// `>n` and `<n` are about members, `T>n` and `T<n` about minutes since the topic was set. `!` stands before masks
    /// of channels that are not to be shown.
    ///
    /// # Errors
    ///
    /// The first wrong condition: its number does not fit into 32 bits, its mask is longer than 52 bytes, or it is one
    /// mask too many.
    pub(crate) fn parse(conditions: &str) -> Result<Self, &str> {
        let mut filter = Self::ALL;
        for condition in conditions.split(',').filter(|condition| !condition.is_empty()) {
            filter.read(condition).ok_or(condition)?;
        }
        Ok(filter)
    }

    fn read(&mut self, condition: &str) -> Option<()> {
        match condition.as_bytes() {
            [b'>' | b'<', ..] => self.users.read(condition, 1),
            [b'T' | b't', b'>' | b'<', ..] => self.topic_age.read(&condition[1..], 60),
            [b'!', ..] => self.push(&condition[1..], false),
            _ => self.push(condition, true),
        }
    }

    /// Returns whether a channel is to be shown: its name, how many are in it, and how long ago its topic was set
    /// (`None`: it has none, so it meets no condition about that).
    pub(crate) fn matches(&self, name: &str, users: usize, topic_age: Option<Duration>) -> bool {
        let of_kind = |is_wanted| self.masks.iter().filter(move |mask| mask.is_wanted == is_wanted).peekable();
        let mut wanted = of_kind(true);
        let is_match = |mask: &Mask| is_match(&mask.text, name);
        self.users.contains(users as u64)
            && topic_age.map_or(self.topic_age.is_everything(), |age| self.topic_age.contains(age.as_secs()))
            && (wanted.peek().is_none() || wanted.any(is_match))
            && !of_kind(false).any(is_match)
    }

    fn push(&mut self, mask: &str, is_wanted: bool) -> Option<()> {
        self.masks.try_push(Mask { text: ArrayString::from(mask).ok()?, is_wanted }).ok()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::super::random::Random;
    use super::*;

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    /// Of a channel with 5 members, whose topic is 10 minutes old.
    fn shows(conditions: &str) -> bool {
        let filter = ListFilter::parse(conditions).unwrap_or_else(|condition| panic!("{condition}"));
        filter.matches("#rust", 5, Some(minutes(10)))
    }

    #[test]
    fn channels_that_meet_all_conditions_are_shown() {
        for conditions in ["", ",", ">4", "<6", ">4,<6", "T>9", "t<11", "#rust", "*US*"] {
            assert!(shows(conditions), "{conditions}");
        }
        for conditions in ["!#c*", "#c,#RUST", "*r*,!*x*", "#????", ">4,T>9,#r*,!#c"] {
            assert!(shows(conditions), "{conditions}");
        }
        for conditions in [">5", "<5", ">4,<5", "T>10", "T<10", "#c", "!*rust", "#r*,!*t", "*,>9"] {
            assert!(!shows(conditions), "{conditions}");
        }
    }

    #[test]
    fn a_channel_without_a_topic_meets_no_condition_about_it() {
        let shows = |conditions| ListFilter::parse(conditions).map(|filter| filter.matches("#rust", 5, None));
        assert_eq!((shows(""), shows("T>0"), shows("T<9")), (Ok(true), Ok(false), Ok(false)));
    }

    #[test]
    fn a_wrong_condition_is_named() {
        for condition in [">", "<x", ">-1", "T>", "T<1.5", ">4294967296", &"x".repeat(53)] {
            assert_eq!(ListFilter::parse(&format!("#a,{condition},#b")), Err(condition));
        }
        assert!(ListFilter::parse(&"#a,".repeat(4)).is_ok());
        assert_eq!(ListFilter::parse(&format!("{}#b", "#a,".repeat(4))), Err("#b"));
        assert_eq!(ListFilter::parse(&format!("{}!#b", "!#a,".repeat(4))), Err("!#b"));
    }

    #[test]
    fn no_text_makes_it_panic() {
        let (mut random, mut found) = (Random(6), 0);
        for _ in 0..20_000 {
            let conditions = random.text("a#,>>,<<,TC!*?19ž", 16);
            let Ok(filter) = ListFilter::parse(&conditions) else { continue };
            found += usize::from(filter.matches("#a", 1, None));
        }
        assert!(found > 100, "{found}");
    }
}
