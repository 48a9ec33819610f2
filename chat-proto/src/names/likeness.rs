//! Which names look the same to readers.

use alloc::string::String;

use unicode_normalization::UnicodeNormalization as _;
use unicode_security::skeleton;

use super::NameRules;

impl NameRules {
    /// Writes to `key` what is equal for two names that must not both be in use. `scratch` is a buffer.
    pub(super) fn key_of<'a>(self, name: &str, scratch: &mut String, key: &'a mut String) -> &'a str {
        match self {
            Self::Strict => looks(name, scratch, key),
            Self::Loose => {
                key.clear();
                key.extend(caseless(name));
                key
            }
        }
    }
}

/// Writes to `key` what a name looks like.
///
/// That is the skeleton of UTS #39 ("confusable detection"), with case folded before and after, and without the marks
/// that any letter may have. `Alice`, `ALİCE`, `álice` and `аlice` with a Cyrillic а are one name. So are `paypal` and
/// `paypaI` with a capital i.
pub(super) fn looks<'a>(name: &str, folded: &mut String, key: &'a mut String) -> &'a str {
    if !name.is_ascii() {
        return looks_by_tables(name, folded, key);
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
    key
}

/// As [`looks`], for any name.
fn looks_by_tables<'a>(name: &str, folded: &mut String, key: &'a mut String) -> &'a str {
    folded.clear();
    folded.extend(caseless(name));
    key.clear();
    let bare = skeleton(folded).flat_map(fold).filter(|c| !matches!(c, '\u{300}'..='\u{36F}'));
    // A capital I looks like an l and is an i. Without case, all three become one letter.
    key.extend(bare.map(|c| if c == 'i' { 'l' } else { c }));
    key
}

/// Returns whether two names are the same without regard to case.
pub(super) fn are_caseless_equal(one: &str, other: &str) -> bool {
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
    use super::*;

    #[test]
    fn ascii_looks_like_the_tables_say() {
        let all: String = (0..128).map(char::from).collect();
        let each = (0..128).map(|byte| String::from(char::from(byte)));
        for name in each.chain([all]) {
            let (mut folded, mut short, mut key) = (String::new(), String::new(), String::new());
            assert_eq!(looks(&name, &mut folded, &mut short), looks_by_tables(&name, &mut String::new(), &mut key));
        }
    }
}
