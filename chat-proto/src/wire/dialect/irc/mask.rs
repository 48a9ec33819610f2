//! Patterns of names and addresses, with `*` and `?`.
//!
//! Modern IRC, "Wildcard Expressions", says how they match.

use crate::moderation::MAX_MASK;
use crate::pattern::{Pattern, fold};

/// A pattern, prepared for many texts.
pub(crate) struct Mask {
    /// It matches everything.
    is_any: bool,
    /// `None` if it is too long.
    pattern: Option<Pattern>,
}

impl Mask {
    /// Prepares a pattern with `*` and `?`. One that is longer than [`MAX_MASK`] bytes matches nothing.
    pub(crate) fn new(pattern: &str) -> Self {
        Self { is_any: pattern == "*", pattern: (pattern.len() <= MAX_MASK).then(|| Pattern::new(pattern)) }
    }

    /// Returns whether it matches a text, without regard to case.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let is_match = |pattern: &Pattern| pattern.matches(text.chars().map(fold));
        self.is_any || self.pattern.as_ref().is_some_and(is_match)
    }
}

/// Returns whether a pattern matches one text.
pub(crate) fn is_match(pattern: &str, text: &str) -> bool {
    Mask::new(pattern).matches(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whatever_the_case() {
        for (pattern, text) in [("ANN", "Ann"), ("a*", "ann"), ("*b?b", "x!BOB"), ("*.Example", "host.example")] {
            assert!(is_match(pattern, text), "{pattern}");
        }
        for (pattern, text) in [("an", "ann"), ("????", "ann"), ("*host", "host.example"), ("ann{", "ann[")] {
            assert!(!is_match(pattern, text), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_is_too_long_matches_nothing() {
        assert!(is_match(&"*a".repeat(64), &"a".repeat(300)) && !is_match(&"*a".repeat(65), &"a".repeat(300)));
        // So many characters that differ.
        let pattern: alloc::string::String = ('\u{400}'..'\u{500}').collect();
        assert!(!is_match(&pattern, &pattern) && is_match("", "") && is_match("*", ""));
    }
}
