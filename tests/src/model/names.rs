//! Who may be called what.

use chat_proto::NameError;
use chat_proto::dialect::Unnamed;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_security::skeleton;

use super::{Model, Phase};

impl Model {
    /// Returns what a session is called.
    #[must_use]
    pub fn name(&self, slot: usize) -> String {
        match &self.sessions[&slot].name {
            Some(name) => name.clone(),
            None if self.unnamed(slot) == Unnamed::Guest => format!("guest-{}", self.sessions[&slot].guest),
            None => "anonymous".into(),
        }
    }

    /// Says whether a session may be called that.
    pub(super) fn may_have(&self, slot: usize, name: &str) -> Result<(), NameError> {
        check(name, self.config.max_name)?;
        let key = key(name);
        if key == self::key("server") || key == self::key("anonymous") || key.starts_with(&self::key("guest-")) {
            return Err(NameError::Reserved);
        }
        let mut others = self.sessions.iter().filter(|(other, _)| **other != slot);
        if others.any(|(_, other)| other.name.as_ref().is_some_and(|other| self::key(other) == key)) {
            return Err(NameError::Taken);
        }
        Ok(())
    }

    /// Finds the session that someone means by a name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let means = |slot: &usize| {
            let session = &self.sessions[slot];
            match &session.name {
                Some(own) => caseless(own) == caseless(name),
                None => {
                    session.phase == Phase::Open && self.unnamed(*slot) == Unnamed::Guest && self.name(*slot) == name
                }
            }
        };
        self.sessions.keys().copied().find(means)
    }
}

/// Returns the number in a guest's name.
pub(super) fn number_in(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("guest-")?;
    let is_one = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| is_one)
}

fn check(name: &str, max: usize) -> Result<(), NameError> {
    let Some(first) = name.chars().next() else { return Err(NameError::Empty) };
    if name.len() > max {
        return Err(NameError::TooLong { max });
    }
    let unseen = |c: char| c.is_control() || c.is_whitespace() || is_invisible(c);
    if "*!/".contains(first) || is_combining_mark(first) || name.contains(':') || name.contains(unseen) {
        return Err(NameError::Character);
    }
    Ok(())
}

/// The `Default_Ignorable_Code_Point`s of Unicode 16, the interlinear annotation characters, blank signs, private use
/// and noncharacters; the last two of each plane are those whose number ends in FFFE and FFFF.
fn is_invisible(c: char) -> bool {
    const RANGES: [(u32, u32); 27] = [
        (0x2800, 0x2800),
        (0xE000, 0xF8FF),
        (0xFDD0, 0xFDEF),
        (0xFFFC, 0xFFFC),
        (0x1D159, 0x1D159),
        (0xF0000, 0x10_FFFF),
        (0xAD, 0xAD),
        (0x34F, 0x34F),
        (0x61C, 0x61C),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x200B, 0x200F),
        (0x202A, 0x202E),
        (0x2060, 0x206F),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFEFF, 0xFEFF),
        (0xFFA0, 0xFFA0),
        (0xFFF0, 0xFFF8),
        (0xFFF9, 0xFFFB),
        (0x1BCA0, 0x1BCA3),
        (0x1D173, 0x1D17A),
        (0xE0000, 0xE007F),
        (0xE0080, 0xE00FF),
        (0xE0100, 0xE01EF),
        (0xE01F0, 0xE0FFF),
    ];
    let number = u32::from(c);
    number % 0x1_0000 >= 0xFFFE || RANGES.iter().any(|(first, last)| (*first..=*last).contains(&number))
}

/// What two names have in common that must not both be in use: how they look, whatever their case.
fn key(name: &str) -> String {
    fold(&skeleton(&caseless(name)).collect::<String>()).replace('i', "l")
}

/// Canonically equivalent names are the same (Unicode's D145).
fn caseless(name: &str) -> String {
    fold(&name.nfd().collect::<String>()).nfd().collect()
}

fn fold(name: &str) -> String {
    name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}
