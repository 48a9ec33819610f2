//! Long words, cut into pieces that fit in lines.

use unicode_normalization::char::is_combining_mark;

/// How far back from the longest possible piece a better place is looked for, in bytes.
pub(super) const LOOK_BACK: usize = 40;

/// Joins two emoji into one.
const ZERO_WIDTH_JOINER: char = '\u{200d}';

/// The pieces of a text. Together they are the text, and none is empty.
#[derive(Clone, Debug)]
pub(crate) struct Pieces<'a> {
    rest: &'a str,
    max: usize,
}

/// Cuts a text into pieces of at most `max` bytes.
///
/// A piece ends after a space if there is one among its last 40 bytes. If not, it does not end before a combining mark
/// or at a joiner, unless there are more than 40 bytes of them. A character is never cut: a piece has at least one,
/// even if that is longer than `max`.
pub(crate) fn pieces(text: &str, max: usize) -> Pieces<'_> {
    Pieces { rest: text, max }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let first = self.rest.chars().next()?;
        let len = if self.rest.len() <= self.max { self.rest.len() } else { piece_len(self.rest, self.max) };
        let (piece, rest) = self.rest.split_at(len.max(first.len_utf8()));
        self.rest = rest;
        Some(piece)
    }
}

/// Returns where the first piece of a text ends that is longer than `max`; 0 if no whole character fits.
fn piece_len(text: &str, max: usize) -> usize {
    let mut len = max;
    while !text.is_char_boundary(len) {
        len -= 1;
    }
    let places = || {
        let least = len.saturating_sub(LOOK_BACK).max(1);
        (least..=len).rev().filter(|place| text.is_char_boundary(*place))
    };
    let after_space = places().find(|place| text[..*place].ends_with(' '));
    after_space.or_else(|| places().find(|place| may_cut(text, *place))).unwrap_or(len)
}

/// Returns whether what a reader sees as one character does not go on at this place.
fn may_cut(text: &str, place: usize) -> bool {
    let (before, after) = text.split_at(place);
    let goes_on = |c| c == ZERO_WIDTH_JOINER || is_combining_mark(c);
    !before.ends_with(ZERO_WIDTH_JOINER) && !after.starts_with(goes_on)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::super::random::Random;
    use super::*;

    fn cut(text: &str, max: usize) -> Vec<&str> {
        pieces(text, max).collect()
    }

    #[test]
    fn a_text_that_fits_is_one_piece() {
        assert_eq!(cut("", 5), [""; 0]);
        assert_eq!(cut("12345", 5), ["12345"]);
        assert_eq!(cut("1 345", 5), ["1 345"]);
    }

    #[test]
    fn a_piece_ends_after_a_space_if_one_is_near() {
        assert_eq!(cut("ann and bob", 8), ["ann and ", "bob"]);
        assert_eq!(cut("ann and bob", 7), ["ann ", "and bob"]);
        assert_eq!(cut("ann and bob", 9), ["ann and ", "bob"]);
        let text = format!("a {}", "x".repeat(100));
        assert_eq!(cut(&text, 42).first().map(|piece| piece.len()), Some(2));
        assert_eq!(cut(&text, 43).first().map(|piece| piece.len()), Some(43));
    }

    #[test]
    fn no_character_is_cut() {
        assert_eq!(cut("žžž", 5), ["žž", "ž"]);
        assert_eq!(cut("ažž", 1), ["a", "ž", "ž"]);
        assert_eq!(cut("😀😀", 3), ["😀", "😀"]);
        assert_eq!(cut("ab", 0), ["a", "b"]);
    }

    #[test]
    fn marks_and_joiners_stay_with_what_they_belong_to() {
        assert_eq!(cut("abe\u{301}", 4), ["ab", "e\u{301}"]);
        assert_eq!(cut("a👩\u{200d}💻", 11), ["a", "👩\u{200d}💻"]);
        assert_eq!(cut("a👩\u{200d}💻", 6), ["a", "👩", "\u{200d}", "💻"]);
        assert_eq!(cut("a❤\u{fe0f}", 6), ["a", "❤\u{fe0f}"]);
        let marks = "\u{301}".repeat(60);
        assert!(cut(&marks, 50).iter().all(|piece| piece.len() > 9));
    }

    #[test]
    fn pieces_are_the_text_and_fit() {
        let mut random = Random(8);
        for _ in 0..5_000 {
            let text = random.text("ab \u{301}ž😀\u{200d}", 120);
            let max = 4 + random.below(60);
            let pieces = cut(&text, max);
            assert_eq!(pieces.concat(), text);
            assert!(pieces.iter().all(|piece| (1..=max).contains(&piece.len())), "{max}: {pieces:?}");
        }
    }
}
