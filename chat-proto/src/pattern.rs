//! Patterns of text with `*` and `?`.

use arrayvec::ArrayVec;

use crate::moderation::MAX_MASK;

/// A pattern of characters, `*` (any run of them, also none) and `?` (any one), without regard to case.
///
/// It is an automaton whose states are the bits of a number: bit n says that the text so far matches the first n + 1
/// characters of the mask. So each character of the text costs the same, whatever the mask.
pub(crate) struct Pattern {
    /// How many characters it has, `*` not counted.
    len: u32,
    /// Which of them match any character; before which any run may stand, and whether one may stand first.
    any: u128,
    runs: u128,
    begins_with_run: bool,
    /// Which of them are this one.
    ascii: [u128; 128],
    others: ArrayVec<(char, u128), { MAX_MASK / 2 }>,
}

impl Pattern {
    /// Reads a mask of at most [`MAX_MASK`] bytes.
    pub(crate) fn new(mask: &str) -> Self {
        let (ascii, others) = ([0; 128], ArrayVec::new());
        let mut pattern = Self { len: 0, any: 0, runs: 0, begins_with_run: false, ascii, others };
        for c in mask.chars().map(fold).take(MAX_MASK) {
            let bit = 1_u128.checked_shl(pattern.len).unwrap_or_default();
            match c {
                '*' if pattern.len == 0 => pattern.begins_with_run = true,
                '*' => pattern.runs |= 1 << (pattern.len - 1),
                '?' => pattern.any |= bit,
                _ if c.is_ascii() => pattern.ascii[c as usize] |= bit,
                _ => match pattern.others.iter_mut().find(|(other, _)| *other == c) {
                    Some((_, bits)) => *bits |= bit,
                    None => pattern.others.push((c, bit)),
                },
            }
            pattern.len += u32::from(c != '*');
        }
        pattern
    }

    /// Returns whether the whole text matches. The text is given as [`fold`] leaves it.
    pub(crate) fn matches(&self, text: impl Iterator<Item = char>) -> bool {
        let (mut states, mut at_start) = (0_u128, true);
        for c in text {
            let fit = (states << 1 | u128::from(at_start)) & self.positions(c);
            states = fit | states & self.runs;
            at_start &= self.begins_with_run;
        }
        match self.len.checked_sub(1) {
            Some(last) => states >> last & 1 == 1,
            None => at_start,
        }
    }

    /// Returns where in the mask the character matches.
    fn positions(&self, c: char) -> u128 {
        let positions = if c.is_ascii() {
            self.ascii[c as usize]
        } else {
            self.others.iter().find(|(other, _)| *other == c).map(|(_, bits)| *bits).unwrap_or_default()
        };
        positions | self.any
    }
}

/// Returns a character in lower case, if that is one character.
pub(crate) fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(only), None) => only,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;

    /// Compares it with the definition, on numbers from a multiplicative generator.
    #[test]
    fn patterns_agree_with_their_definition() {
        fn agrees(mask: &[char], text: &[char]) -> bool {
            match mask {
                [] => text.is_empty(),
                ['*', rest @ ..] => (0..=text.len()).any(|run| agrees(rest, &text[run..])),
                ['?', rest @ ..] => text.split_first().is_some_and(|(_, text)| agrees(rest, text)),
                [c, rest @ ..] => text.split_first().is_some_and(|(first, text)| first == c && agrees(rest, text)),
            }
        }
        let (mut random, mut found) = (1_u64, [0, 0]);
        for _ in 0..20_000 {
            let mut word = |letters: &[char], max: u64| -> Vec<char> {
                let mut next = |range: u64| {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (random >> 33) % range
                };
                (0..next(max)).map(|_| letters[next(letters.len() as u64) as usize]).collect()
            };
            let (mask, text) = (word(&['a', 'b', 'ž', '*', '?'], 8), word(&['a', 'b', 'ž'], 8));
            let expected = agrees(&mask, &text);
            assert_eq!(
                Pattern::new(&mask.iter().collect::<String>()).matches(text.iter().copied()),
                expected,
                "{mask:?} {text:?}"
            );
            found[usize::from(expected)] += 1;
        }
        assert!(found.iter().all(|count| *count > 1_000), "{found:?}");
    }
}
