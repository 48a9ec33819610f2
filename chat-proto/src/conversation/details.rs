//! What a member's client says of its user, in as little memory as it takes: most say a few bytes and are never away.

use alloc::boxed::Box;

use crate::person::{MAX_AWAY, MAX_REAL_NAME, MAX_USER};

/// What a member's client says of its user, and why it is away.
#[derive(Debug, Default)]
pub(super) struct Details {
    /// The user, the real name and why it is away, one after the other.
    text: Box<str>,
    /// How many bytes of that are the user, and how many the real name.
    lens: [u8; 2],
}

const _: () = assert!(MAX_USER <= 255 && MAX_REAL_NAME <= 255, "a length is a byte");

impl Details {
    /// The most bytes of memory that one takes.
    pub(super) const MEMORY_BOUND: usize = size_of::<Self>() + MAX_USER + MAX_REAL_NAME + MAX_AWAY;

    /// Returns the details with these texts. One that is longer than it may be counts as empty.
    pub(super) fn new(user: &str, real_name: &str, away: &str) -> Self {
        let within = |text, max| if str::len(text) <= max { text } else { "" };
        let [user, real_name] = [within(user, MAX_USER), within(real_name, MAX_REAL_NAME)];
        let away = within(away, MAX_AWAY);
        let text = [user, real_name, away].concat();
        Self { text: text.into_boxed_str(), lens: [user.len() as u8, real_name.len() as u8] }
    }

    /// Returns whether nothing was said.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Returns the user, the real name, and why it is away.
    pub(super) fn parts(&self) -> [&str; 3] {
        let (user, rest) = self.text.split_at(usize::from(self.lens[0]));
        let (real_name, away) = rest.split_at(usize::from(self.lens[1]));
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
}
