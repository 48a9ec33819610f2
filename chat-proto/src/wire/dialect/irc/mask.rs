//! Patterns of names and addresses, with `*` and `?`.
//!
//! Modern IRC, "Wildcard Expressions", says how they match.

use crate::moderation::MAX_MASK;
use crate::pattern::{Pattern, fold};

/// Returns whether a pattern with `*` and `?` matches a text, without regard to case. One that is longer than
/// [`MAX_MASK`] bytes matches nothing.
pub(crate) fn is_match(pattern: &str, text: &str) -> bool {
    pattern == "*" || pattern.len() <= MAX_MASK && Pattern::new(pattern).matches(text.chars().map(fold))
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
