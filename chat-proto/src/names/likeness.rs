//! Which names look the same to readers.

use arrayvec::ArrayString;
use unicode_normalization::UnicodeNormalization as _;
use unicode_security::skeleton;

use super::{MAX_NAME, NameRules};

/// What is equal for two names that must not both be in use.
pub(crate) type Key = ArrayString<MAX_KEY>;

/// The most bytes of a key. No character's key is more than ten times as long as the character is (U+FDFA), as a test
/// shows. Keys are made on the stack, up to three at a time.
const MAX_KEY: usize = MAX_NAME * 10;

impl NameRules {
    /// Writes a name's key to `key`.
    pub(crate) fn write_key(self, name: &str, key: &mut Key) {
        match self {
            Self::Strict => write_look(name, key),
            Self::Loose if name.is_ascii() => set(key, name.bytes().map(|byte| char::from(byte.to_ascii_lowercase()))),
            Self::Loose => set(key, caseless(name)),
        }
    }
}

/// Writes to `key` what a name looks like.
///
/// That is the skeleton of UTS #39 ("confusable detection"), with case folded before and after, and without the marks
/// that any letter may have. `Alice`, `ALİCE`, `álice` and `аlice` with a Cyrillic а are one name. So are `paypal` and
/// `paypaI` with a capital i.
pub(super) fn write_look(name: &str, key: &mut Key) {
    if !name.is_ascii() {
        return write_look_by_tables(name, key);
    }
    // Most names. The tables would take twenty times as long.
    key.clear();
    for byte in name.bytes() {
        match byte.to_ascii_lowercase() {
            b'm' => key.push_str("rn"),
            b'0' => key.push('o'),
            b'1' | b'i' | b'|' => key.push('l'),
            b'`' => key.push('\''),
            b'"' => key.push_str("''"),
            b'%' => key.push_str("°/₀"),
            other => key.push(char::from(other)),
        }
    }
}

/// As [`write_look`], for any name.
#[inline(never)]
fn write_look_by_tables(name: &str, key: &mut Key) {
    let mut folded = Key::new();
    set(&mut folded, caseless(name));
    let bare = skeleton(&folded).flat_map(fold).filter(|c| !matches!(c, '\u{300}'..='\u{36F}'));
    // A capital I looks like an l and is an i. Without case, all three become one letter.
    set(key, bare.map(|c| if c == 'i' { 'l' } else { c }));
}

/// Writes characters to a key, as many as there is room for.
fn set(key: &mut Key, chars: impl Iterator<Item = char>) {
    key.clear();
    for c in chars {
        if key.try_push(c).is_err() {
            break;
        }
    }
}

/// Returns whether two names are the same without regard to case.
pub(crate) fn are_caseless_equal(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || !(one.is_ascii() && other.is_ascii()) && caseless(one).eq(caseless(other))
}

/// Returns a name without regard to case: two that are canonically equivalent are the same (Unicode's D145).
fn caseless(name: &str) -> impl Iterator<Item = char> + '_ {
    name.nfd().flat_map(fold).nfd()
}

/// Folds case: to lower case, then to upper case. So letters with several lower cases, such as σ and ς, become one. So
/// do ẞ and ß, of which only the second has another upper case.
fn fold(c: char) -> impl Iterator<Item = char> {
    // The common case is ASCII, where lower case is enough.
    let (ascii, other) = if c.is_ascii() { (Some(c.to_ascii_lowercase()), None) } else { (None, Some(c)) };
    let other = other.into_iter().flat_map(char::to_lowercase).flat_map(char::to_uppercase);
    ascii.into_iter().chain(other.flat_map(char::to_lowercase))
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    #[test]
    fn ascii_looks_like_the_tables_say() {
        let all: String = (0..128).map(char::from).collect();
        let each = (0..128).map(|byte| String::from(char::from(byte)));
        for name in each.chain([all]) {
            let (mut short, mut key) = (Key::new(), Key::new());
            write_look(&name, &mut short);
            write_look_by_tables(&name, &mut key);
            assert_eq!(short, key);
        }
    }

    #[test]
    fn no_key_is_more_than_ten_times_as_long_as_the_name() {
        let mut key = Key::new();
        for c in '\0'..=char::MAX {
            let mut utf8 = [0; 4];
            let name = c.encode_utf8(&mut utf8);
            // A key that only folds case is part of the way to this one.
            write_look(name, &mut key);
            assert!(key.len() <= 10 * name.len(), "{:x}: {} bytes", u32::from(c), key.len());
        }
    }
}
