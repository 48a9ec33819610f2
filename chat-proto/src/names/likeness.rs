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
    folded.clear();
    folded.extend(caseless(name));
    key.clear();
    let bare = skeleton(folded).flat_map(fold).filter(|c| !matches!(c, '\u{300}'..='\u{36F}'));
    // A capital I looks like an l and is an i. Without case, all three become one letter.
    key.extend(bare.map(|c| if c == 'i' { 'l' } else { c }));
    key
}

/// Returns a name without regard to case: two that are canonically equivalent are the same (Unicode's D145).
pub(super) fn caseless(name: &str) -> impl Iterator<Item = char> + '_ {
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
