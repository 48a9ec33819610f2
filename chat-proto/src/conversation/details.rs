//! What a member's client says of its user, in as little memory as it takes: most say a few bytes and are never away.

use alloc::boxed::Box;
use alloc::string::String;

use arrayvec::ArrayString;

use crate::person::{MAX_AWAY, MAX_REAL_NAME, MAX_USER};

/// What a member's client says of its user, and why it is away.
///
/// The user, the real name and why it is away stand in one text, one after the other. Before them stand two characters,
/// whose numbers are the lengths of the first two. The text is empty if nothing was said.
#[derive(Debug)]
pub(super) enum Details {
    /// A text that fits here, as of the many clients that say their name twice.
    Short(ArrayString<MAX_SHORT>),
    Long(Box<str>),
}

/// How many bytes the lengths take.
const LENS: usize = 2;

/// The most bytes of a short text: as many as are in a `Details` at no cost.
const MAX_SHORT: usize = 16;

const _: () = assert!(MAX_USER < 128 && MAX_REAL_NAME < 128, "a length is a character of one byte");

impl Default for Details {
    fn default() -> Self {
        Self::Short(ArrayString::new_const())
    }
}

impl Details {
    /// The most bytes of memory that one takes.
    pub(super) const MEMORY_BOUND: usize = size_of::<Self>() + LENS + MAX_USER + MAX_REAL_NAME + MAX_AWAY;

    /// Returns the details with these texts. One that is longer than it may be counts as empty.
    pub(super) fn new(user: &str, real_name: &str, away: &str) -> Self {
        let within = |text, max| if str::len(text) <= max { text } else { "" };
        let [user, real_name] = [within(user, MAX_USER), within(real_name, MAX_REAL_NAME)];
        let away = within(away, MAX_AWAY);
        if user.is_empty() && real_name.is_empty() && away.is_empty() {
            return Self::default();
        }
        let mut text = String::with_capacity(LENS + user.len() + real_name.len() + away.len());
        text.extend([user, real_name].map(|part| char::from(part.len() as u8)));
        text.extend([user, real_name, away]);
        match ArrayString::from(&text) {
            Ok(short) => Self::Short(short),
            Err(_) => Self::Long(text.into_boxed_str()),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Short(text) => text,
            Self::Long(text) => text,
        }
    }

    /// Returns whether nothing was said.
    pub(super) fn is_empty(&self) -> bool {
        self.text().is_empty()
    }

    /// Returns the user, the real name, and why it is away.
    pub(super) fn parts(&self) -> [&str; 3] {
        let text = self.text();
        let &[user, real_name, ..] = text.as_bytes() else { return [""; 3] };
        let (user, rest) = text[LENS..].split_at(usize::from(user));
        let (real_name, away) = rest.split_at(usize::from(real_name));
        [user, real_name, away]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_kept_and_none_is_longer_than_it_may_be() {
        let long = "x".repeat(MAX_AWAY);
        for parts in [["~ann", "Ann O", "tea"], ["~ann", "", ""], ["", "", "tea"], ["~ann", "é", &long[..]]] {
            assert_eq!(Details::new(parts[0], parts[1], parts[2]).parts(), parts);
        }
        assert_eq!(Details::new("~ann", "Ann", &"x".repeat(MAX_AWAY + 1)).parts(), ["~ann", "Ann", ""]);
        assert!(Details::default().is_empty() && Details::new("", "", "").is_empty());
    }

    #[test]
    fn what_most_clients_say_stays_within_the_value() {
        for (user, real_name) in [("~ann", "Ann O"), ("~elisabeth", "lisa"), ("", "")] {
            assert!(matches!(Details::new(user, real_name, ""), Details::Short(_)), "{user} {real_name}");
        }
        assert!(matches!(Details::new("~elisabeth", "betty", ""), Details::Long(_)));
        assert!(size_of::<Details>() <= 24, "{} bytes", size_of::<Details>());
    }
}
