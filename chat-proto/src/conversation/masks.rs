//! Masks: patterns of names and origins.

use alloc::boxed::Box;

use arrayvec::{ArrayString, ArrayVec};

use super::members::mix_bytes;
use crate::moderation::{MAX_MASK, RoomError};
use crate::names::{Key, MAX_NAME, NameRules};
use crate::origin::Origin;

/// The text of a mask.
pub(crate) type MaskBuf = ArrayString<MAX_MASK>;

/// What stands for the origin of a member without one.
const NO_ORIGIN: &str = "-";

/// Writes the mask of all who have a name.
///
/// # Errors
///
/// [`RoomError::TooLong`]: the name is too long for a mask.
pub(crate) fn mask_of_name(name: &str) -> Result<MaskBuf, RoomError> {
    let mut mask = MaskBuf::new();
    // A loose name may have these characters, which would stand for others.
    let plain = name.chars().map(|c| if c == '*' { '?' } else { c });
    for c in plain.chain("!*".chars()) {
        mask.try_push(c).map_err(|_| RoomError::TooLong { max: MAX_MASK })?;
    }
    Ok(mask)
}

/// Writes the mask of all who come from an origin.
pub(crate) fn mask_of_origin(origin: Origin) -> MaskBuf {
    let mut mask = MaskBuf::new();
    mask.push_str("*!");
    write_hex(origin, |digit| mask.push(digit));
    mask
}

/// Returns whether two masks are the same without regard to case.
pub(crate) fn are_same(one: &str, other: &str) -> bool {
    one.chars().map(fold).eq(other.chars().map(fold))
}

/// Returns the parts of a mask: which names, and which origins.
pub(crate) fn parts_of(mask: &str) -> (&str, &str) {
    // Some rules for names allow `!` in them, and no origin has it.
    mask.rsplit_once('!').unwrap_or((mask, "*"))
}

/// A mask in a list.
#[derive(Debug)]
pub(super) struct Mask {
    pub(super) text: Box<str>,
    /// A number that is equal for names that look alike, if it has a name and no pattern. To compare looks takes
    /// microseconds, and there may be many masks.
    look: u32,
}

impl Mask {
    pub(super) fn new(text: &str, rules: NameRules) -> Self {
        let (name, _) = parts_of(text);
        Self { text: text.into(), look: if is_pattern(name) { 0 } else { look_of(&key_of(name, rules)) } }
    }
}

fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}

fn key_of(name: &str, rules: NameRules) -> Key {
    let mut key = Key::new();
    rules.write_key(name, &mut key);
    key
}

fn look_of(key: &Key) -> u32 {
    mix_bytes(0, key.as_bytes()) as u32
}

/// A member as masks see it.
pub(super) struct Subject {
    name: ArrayVec<char, MAX_NAME>,
    rules: NameRules,
    /// What the name looks like under these rules.
    key: Key,
    look: u32,
    origin: ArrayVec<char, 32>,
}

impl Subject {
    /// Returns a member with that name, which has at most [`MAX_NAME`] bytes.
    pub(super) fn new(name: &str, origin: Option<Origin>, rules: NameRules) -> Self {
        let key = key_of(name, rules);
        let mut digits = ArrayVec::new();
        match origin {
            Some(origin) => write_hex(origin, |digit| digits.push(digit)),
            None => digits.extend(NO_ORIGIN.chars()),
        }
        Self { name: name.chars().map(fold).collect(), rules, look: look_of(&key), key, origin: digits }
    }

    /// Returns whether any of these masks matches.
    pub(super) fn is_matched_by<'a>(&self, mut masks: impl Iterator<Item = &'a Mask>) -> bool {
        masks.any(|mask| self.matches(mask))
    }

    pub(super) fn matches(&self, mask: &Mask) -> bool {
        let (name, origin) = parts_of(&mask.text);
        (origin == "*" || Pattern::new(origin).matches(&self.origin))
            && match name {
                "*" => true,
                _ if is_pattern(name) => Pattern::new(name).matches(&self.name),
                _ => mask.look == self.look && key_of(name, self.rules) == self.key,
            }
    }
}

/// One part of a mask, as an automaton whose states are the bits of a number: bit n says that the text so far matches
/// the first n + 1 characters of the mask. So each character of the text costs the same, whatever the mask.
struct Pattern {
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
    fn new(mask: &str) -> Self {
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

    fn matches(&self, text: &[char]) -> bool {
        let (mut states, mut at_start) = (0_u128, true);
        for c in text {
            let fit = (states << 1 | u128::from(at_start)) & self.positions(*c);
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
fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(only), None) => only,
        _ => c,
    }
}

/// Writes an origin as 32 digits.
fn write_hex(origin: Origin, mut put: impl FnMut(char)) {
    for byte in origin.bytes() {
        for digit in [byte >> 4, byte & 15] {
            put(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;

    const ORIGIN: Origin = Origin::new([0xab, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff]);
    const HEX: &str = "ab0100000000000000000000000000ff";

    fn matches(mask: &str, name: &str, origin: Option<Origin>) -> bool {
        Subject::new(name, origin, NameRules::Strict).matches(&Mask::new(mask, NameRules::Strict))
    }

    #[test]
    fn a_mask_matches_a_name_and_an_origin() {
        for mask in ["ann!*", "ANN!*", "a*!*", "*n!*", "???!*", "*a*n*n*!*", "**!**", "*!*", "?nn!ab*ff", "ann", "*"] {
            assert!(matches(mask, "Ann", Some(ORIGIN)), "{mask}");
        }
        for mask in
            ["an!*", "anna!*", "??!*", "????!*", "", "!*", "ann!", "ann!-", "a*b!*", "ann!ab", "bann!*", "*na!*"]
        {
            assert!(!matches(mask, "Ann", Some(ORIGIN)), "{mask}");
        }
        assert!(matches(&format!("*!{}", HEX.to_uppercase()), "ann", Some(ORIGIN)));
        assert!(matches("*!-", "ann", None) && !matches("*!-", "ann", Some(ORIGIN)) && !matches("*!a*", "ann", None));
    }

    #[test]
    fn a_mask_counts_characters_and_not_bytes() {
        for mask in ["Ž?fie!*", "ž*E!*", "?????!*", "ŽOFIE!*"] {
            assert!(matches(mask, "žofie", None), "{mask}");
        }
        assert!(!matches("??????!*", "žofie", None) && !matches("z*fie!*", "žofie", None));
        // In lower case that is two characters.
        assert!(matches("İ!*", "İ", None));
    }

    #[test]
    fn a_name_without_wildcards_matches_those_that_look_like_it() {
        for name in ["bob", "b0b", "BOB", "bób", "bоb"] {
            assert!(matches("bob!*", name, None) && matches("b0b!*", name, None), "{name}");
            let is_pattern_matched = matches("bo?!*", name, None);
            assert_eq!(is_pattern_matched, name.eq_ignore_ascii_case("bob"), "{name}");
        }
        let loose = Mask::new("bob!*", NameRules::Loose);
        let is_loosely_matched = |name| Subject::new(name, None, NameRules::Loose).matches(&loose);
        assert!(is_loosely_matched("Bob") && !is_loosely_matched("b0b"));
    }

    #[test]
    fn an_exclamation_mark_in_a_name_belongs_to_the_name() {
        assert!(matches("a!b!*", "a!b", None) && matches("a*!-", "a!b", None) && !matches("a!*", "a!b", None));
    }

    #[test]
    fn the_masks_of_a_name_and_of_an_origin_match_it() {
        assert_eq!(mask_of_name("ann").as_deref(), Ok("ann!*"));
        assert_eq!(mask_of_name(&"a".repeat(126)).map(|mask| mask.len()), Ok(128));
        assert_eq!(mask_of_name(&"a".repeat(127)), Err(RoomError::TooLong { max: 128 }));
        assert_eq!(mask_of_origin(ORIGIN).as_str(), format!("*!{HEX}"));
        assert!(are_same("Ann!*", "aNN!*") && !are_same("ann!*", "ann!?"));
    }

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
            assert_eq!(Pattern::new(&mask.iter().collect::<String>()).matches(&text), expected, "{mask:?} {text:?}");
            found[usize::from(expected)] += 1;
        }
        assert!(found.iter().all(|count| *count > 1_000), "{found:?}");
    }

    #[test]
    fn the_longest_masks_match() {
        let name = "a".repeat(255);
        for mask in ["a".repeat(128), format!("{}b", "*a".repeat(63)), format!("{}*?", "a".repeat(126))] {
            assert!(!matches(&mask, &"a".repeat(126), None), "{mask}");
        }
        assert!(matches(&"a".repeat(128), &name[..128], None) && !matches(&"a".repeat(128), &name[..129], None));
        assert!(matches(&"*a".repeat(64), &name, None) && matches(&"*?".repeat(64), &name, None));
        assert!(matches(&"?*".repeat(64), &name, None) && matches(&"*".repeat(128), &name, None));
        assert!(matches(&"ž".repeat(64), &"Ž".repeat(64), None));
    }
}
