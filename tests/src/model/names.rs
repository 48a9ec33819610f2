//! Which names are allowed, and which sessions may take them.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;
use std::sync::LazyLock;

use chat_proto::dialect::Unnamed;
use chat_proto::{Config, NameError, NameRules};
use unicode_ident::is_xid_continue;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::{is_combining_mark, is_public_assigned};
use unicode_script::UnicodeScript as _;
use unicode_security::general_security_profile::IdentifierType;
use unicode_security::{GeneralSecurityProfile as _, skeleton};

use super::words::is_invisible;
use super::{Model, Session};

impl Model {
    /// Returns the name under which a session is shown.
    #[must_use]
    pub fn name(&self, slot: usize) -> String {
        match &self.sessions[&slot].name {
            Some(name) => name.to_string(),
            None if self.unnamed(slot) == Unnamed::Guest => format!("guest-{}", self.sessions[&slot].guest),
            None => "anonymous".into(),
        }
    }

    /// Checks whether a session may have a name; returns the name in its stored form.
    pub(super) fn may_have(&self, slot: usize, name: &str) -> Result<Name, NameError> {
        let rules = self.config.names;
        let name: String = name.nfc().collect();
        check(rules, &name, self.config.max_name)?;
        let name = Name::new(name);
        let [server, anonymous, you, guest, serv] = &*RESERVED;
        let is_reserved = [server, anonymous, you].contains(&&name.look);
        if is_reserved || name.look.starts_with(guest) || name.look.ends_with(serv) {
            return Err(NameError::Reserved);
        }
        let mut others = self.sessions.iter().filter(|(other, _)| *other != slot);
        if others.any(|(_, other)| other.name.as_ref().is_some_and(|other| other.is_twin(rules, &name))) {
            return Err(NameError::Taken);
        }
        Ok(name)
    }

    /// Checks whether a session may have a name, which must not look like that of the server of IRC either.
    pub(super) fn may_be_given(&self, slot: usize, name: &str) -> Result<Name, NameError> {
        if self.limits.irc.is_some() && look(name) == look(&self.irc_settings.server_name) {
            return Err(NameError::Reserved);
        }
        self.may_have(slot, name)
    }

    /// Finds the session that has a name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let is_valid = check(self.config.names, &name.nfc().collect::<String>(), self.config.max_name).is_ok();
        let (caseless, number) = (caseless(name), number_in(name));
        let is_guest = |slot| self.is_open(slot) && self.unnamed(slot) == Unnamed::Guest;
        let means = |(slot, session): &(usize, &Session)| match &session.name {
            Some(own) => is_valid && own.caseless == caseless,
            None => number == Some(session.guest) && is_guest(*slot),
        };
        self.sessions.iter().find(means).map(|(slot, _)| slot)
    }
}

/// A name that a member or a room has, with the forms in which names are compared.
#[derive(Debug)]
pub(super) struct Name {
    text: String,
    caseless: String,
    look: String,
}

impl Name {
    pub(super) fn new(name: String) -> Self {
        Self { caseless: caseless(&name), look: look(&name), text: name }
    }

    /// Returns whether it is too similar to another for two sessions to have them.
    fn is_twin(&self, rules: NameRules, other: &Self) -> bool {
        match rules {
            NameRules::Strict => self.look == other.look,
            NameRules::Loose => self.caseless == other.caseless,
        }
    }
}

impl Deref for Name {
    type Target = String;

    fn deref(&self) -> &String {
        &self.text
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What names must not look like; the fourth, how they must not begin, and the last, how they must not end.
static RESERVED: LazyLock<[String; 5]> = LazyLock::new(|| ["server", "anonymous", "you", "guest-", "serv"].map(look));

/// Returns the number in a guest's name.
pub(super) fn number_in(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("guest-")?;
    let is_one = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| is_one)
}

fn check(rules: NameRules, name: &str, max: usize) -> Result<(), NameError> {
    let chars: Vec<char> = name.chars().collect();
    let Some(first) = chars.first() else { return Err(NameError::Empty) };
    if name.len() > max {
        return Err(NameError::TooLong { max });
    }
    let is_stray = |(i, c): (usize, &char)| STACKERS.contains(*c) && !is_between_its_own(&chars, i);
    let has_stray = chars.iter().enumerate().any(is_stray);
    if rules == NameRules::Loose {
        let is_seen = |c: &char| is_public_assigned(*c) && !c.is_control() && !c.is_whitespace() && !is_invisible(*c);
        let is_fine = chars.iter().all(is_seen) && !name.contains([':', '!', '@', ',']) && !"*#/-".contains(*first);
        return if is_fine && !has_stray && !is_combining_mark(*first) { Ok(()) } else { Err(NameError::Character) };
    }
    let is_type =
        |c: char| matches!(c.identifier_type(), Some(IdentifierType::Recommended | IdentifierType::Inclusion));
    let is_letter = |c: char| is_xid_continue(c) && is_type(c) && !is_invisible(c);
    if *first == '-' || has_stray || !chars.iter().all(|c| is_letter(*c) || r"-.'[]\^{|}_`".contains(*c)) {
        return Err(NameError::Restricted);
    }
    // Each letter with the marks after it, and with those of its decomposition.
    let letters = chars.chunk_by(|_, next| is_combining_mark(*next));
    let mut rows = letters.map(|row| row[0].nfd().chain(row[1..].iter().copied()).filter(|c| is_combining_mark(*c)));
    let is_fine = |row: Vec<char>| row.len() <= 3 && row.iter().collect::<BTreeSet<_>>().len() == row.len();
    let are_fine = rows.all(|row| is_fine(row.collect()));
    if are_fine && !is_combining_mark(*first) { Ok(()) } else { Err(NameError::Marks) }
}

/// Marks that put the next letter below the previous one and are not drawn themselves.
const STACKERS: &str = "\u{1039}\u{17D2}\u{1A60}\u{1BAB}\u{AAF6}\u{10A3F}\u{11133}\u{113D0}\u{1193E}\u{11A47}\u{11A99}\
    \u{11D45}\u{11D97}\u{11F42}";

fn is_between_its_own(chars: &[char], i: usize) -> bool {
    let neighbours = [i.checked_sub(1).and_then(|i| chars.get(i)), chars.get(i + 1)];
    let is_its_own = |c: &char| c.script() == chars[i].script() && !STACKERS.contains(*c);
    neighbours.iter().all(|c| c.is_some_and(is_its_own))
}

/// Returns whether two names are too similar for two sessions to have them.
pub(super) fn are_twins(rules: NameRules, one: &str, other: &str) -> bool {
    match rules {
        NameRules::Strict => look(one) == look(other),
        NameRules::Loose => caseless(one) == caseless(other),
    }
}

/// Returns the appearance of a name, without case and marks.
fn look(name: &str) -> String {
    let bare = fold(&skeleton(&caseless(name)).collect::<String>()).replace('i', "l");
    bare.replace(|c| ('\u{300}'..='\u{36F}').contains(&c), "")
}

/// Canonically equivalent names are the same (Unicode's D145).
pub(super) fn caseless(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    fold(&name.nfd().collect::<String>()).nfd().collect()
}

fn fold(name: &str) -> String {
    name.to_lowercase().to_uppercase().to_lowercase().replace('ς', "σ")
}

/// A valid name of a room.
pub(super) struct RoomName(Name);

impl RoomName {
    /// Returns the name in its stored form; `None` if it is not valid: letters and digits by the strict rules, and `-`.
    pub(super) fn new(name: &str) -> Option<Self> {
        const MAX: usize = 50;
        let name: String = name.nfc().collect();
        let is_valid = check(NameRules::Strict, &name, MAX).is_ok() && !name.contains(|c| r".'[]\^{|}_`".contains(c));
        is_valid.then(|| Self(Name::new(name)))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether it is the same name as that of a room.
    pub(super) fn means(&self, room: &Name) -> bool {
        self.0.caseless == room.caseless
    }

    /// Returns whether it looks like the name of a room.
    pub(super) fn looks_like(&self, room: &Name) -> bool {
        self.0.look == room.look
    }
}

/// Checks a name that nobody needs to have; returns it in its stored form.
pub(super) fn valid_name(config: &Config, name: &str) -> Result<String, NameError> {
    let name: String = name.nfc().collect();
    check(config.names, &name, config.max_name).map(|()| name)
}
