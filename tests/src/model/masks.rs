//! Masks: what is shown of them, and which members they match.

use chat_proto::{Cloak, MaskList, NameRules, Timestamp};

use super::irc::Person;
use super::names::are_twins;

/// The most bytes of a mask, and the most masks in a list.
pub(super) const MAX_MASK: usize = 128;
pub(super) const MAX_MASKS: usize = 64;

/// Whose address a mask is, who has listed it, and when.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    pub(super) list: MaskList,
    pub(super) mask: String,
    /// The name of whose address it is; empty if it is nobody's.
    pub(super) of: String,
    pub(super) by: String,
    pub(super) at: Timestamp,
}

/// Returns what is shown of a mask: a name, with the user if that matters, and whether it is of certain addresses.
pub(super) fn shown_of(mask: &str) -> (&str, bool) {
    let Some((name, address)) = mask.rsplit_once('!') else { return (mask, false) };
    let (user, host) = address.rsplit_once('@').unwrap_or((address, "*"));
    (if user == "*" { name } else { &mask[..mask.len() - address.len() + user.len()] }, host != "*")
}

/// Returns the mask of a name.
pub(super) fn mask_of(name: &str) -> String {
    format!("{}!*@*", name.replace('*', "?"))
}

/// Returns what stands for an address in masks.
pub(super) fn host(cloak: Option<Cloak>) -> String {
    cloak.map_or_else(|| "-".into(), |cloak| cloak.to_string())
}

/// Returns whether a mask matches a name and a host. Case does not count; `*` stands for any text, `?` for a character.
/// A name without these stands for those that are too similar to it, too.
pub(super) fn matches(rules: NameRules, mask: &str, name: &str, person: &Person) -> bool {
    let chars = |part: &str| part.chars().flat_map(char::to_lowercase).collect::<Vec<char>>();
    let (of_names, address) = mask.rsplit_once('!').unwrap_or((mask, "*"));
    let (of_users, of_hosts) = address.rsplit_once('@').unwrap_or((address, "*"));
    let is_named = if of_names.contains(['*', '?']) {
        matches_part(&chars(of_names), &chars(name))
    } else {
        are_twins(rules, of_names, name)
    };
    is_named
        && matches_part(&chars(of_users), &chars(&person.user))
        && matches_part(&chars(of_hosts), &chars(&host(person.cloak)))
}

pub(super) fn matches_part(mask: &[char], text: &[char]) -> bool {
    match (mask, text) {
        ([], []) => true,
        (['*', rest @ ..], _) => (0..=text.len()).any(|passed| matches_part(rest, &text[passed..])),
        (['?', mask @ ..], [_, text @ ..]) => matches_part(mask, text),
        ([first, mask @ ..], [other, text @ ..]) => first == other && matches_part(mask, text),
        _ => false,
    }
}
