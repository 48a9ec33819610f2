//! Masks: patterns of names, users and hosts.

use alloc::boxed::Box;
use core::fmt::Write as _;

use arrayvec::{ArrayString, ArrayVec};

use super::members::mix_bytes;
use crate::moderation::{MAX_MASK, RoomError};
use crate::names::{Key, MAX_NAME, NameRules};
use crate::origin::Cloak;
use crate::pattern::{Pattern, fold};
use crate::person::{MAX_HOST, Person};

/// The text of a mask.
pub(crate) type MaskBuf = ArrayString<MAX_MASK>;

/// Writes the mask of all who have a name.
///
/// # Errors
///
/// [`RoomError::TooLong`]: the name is too long for a mask.
pub(crate) fn mask_of_name(name: &str) -> Result<MaskBuf, RoomError> {
    let mut mask = MaskBuf::new();
    // A loose name may have these characters, which would stand for others.
    let plain = name.chars().map(|c| if c == '*' { '?' } else { c });
    for c in plain.chain("!*@*".chars()) {
        mask.try_push(c).map_err(|_| RoomError::TooLong { max: MAX_MASK })?;
    }
    Ok(mask)
}

/// Writes the mask of all who come from where that cloak stands for.
pub(crate) fn mask_of_cloak(cloak: Cloak) -> MaskBuf {
    let mut mask = MaskBuf::new();
    // It is short.
    let _ = write!(mask, "*!*@{cloak}");
    mask
}

/// Completes a mask, so that all its parts are there: `ann` is `ann!*@*`, `*@host` is `*!*@host`.
///
/// # Errors
///
/// [`RoomError::TooLong`]: it has more than [`MAX_MASK`] bytes then.
pub(crate) fn complete(mask: &str) -> Result<MaskBuf, RoomError> {
    let (name, address) = match mask.split_once('!') {
        Some((name, address)) => (name, address),
        None if mask.contains('@') => ("", mask),
        None => (mask, ""),
    };
    let (user, host) = address.rsplit_once('@').unwrap_or((address, ""));
    let mut whole = MaskBuf::new();
    let written = write!(whole, "{}!{}@{}", or_any(name), or_any(user), or_any(host));
    written.map(|()| whole).map_err(|_| RoomError::TooLong { max: MAX_MASK })
}

/// Returns a part of a mask, or what stands for all if it is empty.
fn or_any(part: &str) -> &str {
    if part.is_empty() { "*" } else { part }
}

/// Returns whether two masks are the same without regard to case.
pub(crate) fn are_same(one: &str, other: &str) -> bool {
    one.chars().map(fold).eq(other.chars().map(fold))
}

/// Returns the parts of a mask: which names, and which addresses, `*` for all.
fn parts_of(mask: &str) -> (&str, &str) {
    match mask.rsplit_once('!') {
        Some((name, "*@*")) => (name, "*"),
        Some(parts) => parts,
        None => (mask, "*"),
    }
}

/// Returns what is shown of a mask: whom it matches, `*` for all, and whether only those at certain addresses. The user
/// is shown if it matters, as in `bob!~bob`.
pub(crate) fn shown_parts(mask: &str) -> (&str, bool) {
    let (name, address) = parts_of(mask);
    let (user, host) = address.rsplit_once('@').unwrap_or((address, "*"));
    (if user == "*" { name } else { &mask[..name.len() + 1 + user.len()] }, host != "*")
}

/// A mask in a list of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedMask<'a> {
    /// The mask.
    pub mask: &'a str,
    /// The name with which this address was banned; empty if it was not listed as somebody's.
    pub of: &'a str,
    /// The name that whoever listed it had then; `server` for the server.
    pub by: &'a str,
    /// When it was listed, in nanoseconds of the proposer's clock.
    pub at: u64,
}

/// The same, as it is kept.
#[derive(Debug)]
pub(super) struct Mask {
    /// The mask, and the name with which this address was banned.
    texts: Box<str>,
    /// How many of these bytes are the mask.
    len: u8,
    /// The name of whoever listed it, and when.
    pub(super) by: Box<str>,
    pub(super) at: u64,
    /// A number that is equal for names that look alike: for its name or, if that is a pattern, for the name with which
    /// the address was banned. To compare looks takes microseconds, and there may be many masks.
    look: u32,
}

impl Mask {
    /// Returns the mask of that listing, which has at most [`MAX_MASK`] bytes.
    pub(super) fn new(listing: &ListedMask<'_>, rules: NameRules) -> Self {
        let ListedMask { mask, of, by, at } = *listing;
        let (name, _) = parts_of(mask);
        let name = if is_pattern(name) { of } else { name };
        let look = if name.is_empty() { 0 } else { look_of(&key_of(name, rules)) };
        Self { texts: [mask, of].concat().into(), len: mask.len() as u8, by: by.into(), at, look }
    }

    pub(super) fn text(&self) -> &str {
        &self.texts[..self.len.into()]
    }

    /// Returns the name with which this address was banned; empty if it was not listed as somebody's.
    pub(super) fn of(&self) -> &str {
        &self.texts[self.len.into()..]
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
pub(super) struct Subject<'a> {
    name: ArrayVec<char, MAX_NAME>,
    rules: NameRules,
    /// What the name looks like under these rules.
    key: Key,
    look: u32,
    user: &'a str,
    host: ArrayString<MAX_HOST>,
}

impl<'a> Subject<'a> {
    /// Returns a member with that name, which has at most [`MAX_NAME`] bytes.
    pub(super) fn new(name: &str, person: Person<'a>, rules: NameRules) -> Self {
        let key = key_of(name, rules);
        let mut host = ArrayString::new();
        let written = write!(host, "{}", person.host());
        debug_assert!(written.is_ok());
        let name = name.chars().map(fold).collect();
        Self { name, rules, look: look_of(&key), key, user: person.user, host }
    }

    /// Returns whether any of these masks matches.
    pub(super) fn is_matched_by<'m>(&self, mut masks: impl Iterator<Item = &'m Mask>) -> bool {
        masks.any(|mask| self.matches(mask))
    }

    /// Returns whether a mask is that of a name, or of an address that was banned with a name, that looks like this one.
    pub(super) fn is_named_in(&self, mask: &Mask) -> bool {
        let name = match parts_of(mask.text()) {
            (name, "*") if !is_pattern(name) => name,
            _ => mask.of(),
        };
        !name.is_empty() && mask.look == self.look && key_of(name, self.rules) == self.key
    }

    /// Returns whether a mask matches the member.
    pub(super) fn matches(&self, mask: &Mask) -> bool {
        let (name, address) = parts_of(mask.text());
        let (user, host) = address.rsplit_once('@').unwrap_or((address, "*"));
        let fits = |pattern: &str, text: &str| pattern == "*" || Pattern::new(pattern).matches(text.chars().map(fold));
        fits(user, self.user)
            && fits(host, &self.host)
            && match name {
                "*" => true,
                _ if is_pattern(name) => Pattern::new(name).matches(self.name.iter().copied()),
                _ => mask.look == self.look && key_of(name, self.rules) == self.key,
            }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    const CLOAK: Cloak = Cloak::new(0xab01_0000_0000_00ff);

    fn matches(mask: &str, name: &str, cloak: Option<Cloak>) -> bool {
        let (person, rules) = (Person { user: "~bob", cloak, ..Person::UNKNOWN }, NameRules::Strict);
        Subject::new(name, person, rules).matches(&Mask::new(&ListedMask { mask, of: "", by: "", at: 0 }, rules))
    }

    #[test]
    fn a_mask_matches_a_name_a_user_and_a_host() {
        let right =
            "ann!* ANN!* a*!* *n!* ???!* *a*n*n*!* **!** *!* ?nn!*@ab*ff ann * *!~bob@* *!~BOB *!?b*b@* ann!*@*";
        for mask in right.split(' ') {
            assert!(matches(mask, "Ann", Some(CLOAK)), "{mask}");
        }
        let wrong = "an!* anna!* ??!* ????!*  !* ann! ann!*@- a*b!* ann!ab bann!* *na!* *!bob@* *!*@ab *!*@ *!@*";
        for mask in wrong.split(' ') {
            assert!(!matches(mask, "Ann", Some(CLOAK)), "{mask}");
        }
        assert!(matches("*!*@AB010000000000FF", "ann", Some(CLOAK)));
        assert!(matches("*!*@-", "ann", None) && !matches("*!*@a*", "ann", None));
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
        let loose = Mask::new(&ListedMask { mask: "bob!*", of: "", by: "", at: 0 }, NameRules::Loose);
        let is_loosely_matched = |text| Subject::new(text, Person::UNKNOWN, NameRules::Loose).matches(&loose);
        assert!(is_loosely_matched("Bob") && !is_loosely_matched("b0b"));
    }

    #[test]
    fn an_exclamation_mark_in_a_name_belongs_to_the_name() {
        assert!(matches("a!b!*", "a!b", None) && matches("a*!*@-", "a!b", None) && !matches("a!*", "a!b", None));
    }

    #[test]
    fn the_masks_of_a_name_and_of_a_cloak_match_it() {
        assert_eq!(mask_of_name("ann").as_deref(), Ok("ann!*@*"));
        assert_eq!(mask_of_name(&"a".repeat(124)).map(|mask| mask.len()), Ok(128));
        assert_eq!(mask_of_name(&"a".repeat(125)), Err(RoomError::TooLong { max: 128 }));
        assert_eq!(mask_of_cloak(CLOAK).as_str(), "*!*@ab010000000000ff");
        assert!(are_same("Ann!*", "aNN!*") && !are_same("ann!*", "ann!?"));
    }

    #[test]
    fn a_mask_is_completed() {
        for (mask, whole) in [
            ("ann", "ann!*@*"),
            ("", "*!*@*"),
            ("*@host", "*!*@host"),
            ("ann!bob", "ann!bob@*"),
            ("ann!@", "ann!*@*"),
            ("a!b@c", "a!b@c"),
        ] {
            assert_eq!(complete(mask).as_deref(), Ok(whole), "{mask}");
        }
        assert_eq!(complete(&"a".repeat(124)).map(|mask| mask.len()), Ok(128));
        assert_eq!(complete(&"a".repeat(125)), Err(RoomError::TooLong { max: 128 }));
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
