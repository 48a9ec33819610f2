//! Modes of users: what a client asks for, and how changes are shown.
//!
//! The letters are those of Modern IRC, "User Modes", and of the IRCv3 specification "Bot Mode".

use alloc::vec::Vec;

/// The modes of a user, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct UserModes(u8);

impl UserModes {
    /// `i`: not shown to those who share no channel.
    pub(crate) const INVISIBLE: Self = Self(1);
    /// `o`: operator of the server. A client cannot set it itself; OPER does.
    pub(crate) const OPERATOR: Self = Self(2);
    /// `w`: receives WALLOPS.
    pub(crate) const WALLOPS: Self = Self(4);
    /// `B`: a bot.
    pub(crate) const BOT: Self = Self(8);

    const LETTERS: [(char, Self); 4] =
        [('i', Self::INVISIBLE), ('o', Self::OPERATOR), ('w', Self::WALLOPS), ('B', Self::BOT)];

    /// Returns whether all of these are set.
    pub(crate) const fn has(self, modes: Self) -> bool {
        self.0 & modes.0 == modes.0
    }

    /// Returns these modes and others.
    pub(crate) const fn with(self, modes: Self) -> Self {
        Self(self.0 | modes.0)
    }

    /// Returns these modes without some.
    pub(crate) const fn without(self, modes: Self) -> Self {
        Self(self.0 & !modes.0)
    }

    /// Appends their letters behind a sign, such as `+iw`; the sign alone if there are none.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        out.push(b'+');
        self.write_letters(out);
    }

    fn write_letters(self, out: &mut Vec<u8>) {
        // All letters are ASCII.
        out.extend(Self::LETTERS.iter().filter(|(_, mode)| self.has(*mode)).map(|(letter, _)| *letter as u8));
    }
}

/// What a user asks to change of its modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct UserModeChange {
    /// Which are set.
    pub(crate) set: UserModes,
    /// Which are unset. None of them is also in `set`.
    pub(crate) unset: UserModes,
    /// The first letter that is no mode, if any (501).
    pub(crate) unknown: Option<char>,
}

impl UserModeChange {
    /// Reads the letters. If a letter occurs twice, the last one counts.
    pub(crate) fn parse(letters: &str) -> Self {
        let (mut change, mut add) = (Self::default(), true);
        for letter in letters.chars() {
            match (letter, UserModes::LETTERS.iter().find(|(known, _)| *known == letter)) {
                ('+', _) => add = true,
                ('-', _) => add = false,
                (_, Some((_, mode))) if add => {
                    change.set = change.set.with(*mode);
                    change.unset = change.unset.without(*mode);
                }
                (_, Some((_, mode))) => {
                    change.set = change.set.without(*mode);
                    change.unset = change.unset.with(*mode);
                }
                (_, None) => change.unknown = change.unknown.or(Some(letter)),
            }
        }
        change
    }

    /// Returns the part of it that changes something for a user with these modes.
    pub(crate) fn effect_on(self, modes: UserModes) -> Self {
        let unset = UserModes(self.unset.0 & modes.0);
        Self { set: self.set.without(modes), unset, unknown: self.unknown }
    }

    /// Appends it, such as `+i-w`; nothing if nothing changes.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        for (sign, modes) in [(b'+', self.set), (b'-', self.unset)] {
            if modes != UserModes::default() {
                out.push(sign);
                modes.write_letters(out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    #[test]
    fn modes_of_users_are_set_and_unset() {
        let change = UserModeChange::parse("i-w+B");
        let expected = UserModes::INVISIBLE.with(UserModes::BOT);
        assert_eq!(change, UserModeChange { set: expected, unset: UserModes::WALLOPS, unknown: None });
        assert_eq!(UserModeChange::parse("i-i+w-w+w").set, UserModes::WALLOPS);
        assert_eq!(UserModeChange::parse("i-i+w-w+w").unset, UserModes::INVISIBLE);
        assert_eq!(UserModeChange::parse("ixžo").unknown, Some('x'));
        assert_eq!(UserModeChange::parse(""), UserModeChange::default());
    }

    #[test]
    fn modes_of_users_are_shown() {
        let shown = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            write(&mut out);
            String::from_utf8(out).expect("it is ASCII")
        };
        assert_eq!(shown(&|out| UserModes::default().write(out)), "+");
        assert_eq!(shown(&|out| UserModes::BOT.with(UserModes::INVISIBLE).write(out)), "+iB");
        let change = UserModeChange::parse("iB-wo");
        assert_eq!(shown(&|out| change.write(out)), "+iB-ow");
        let had = UserModes::INVISIBLE.with(UserModes::WALLOPS);
        assert_eq!(shown(&|out| change.effect_on(had).write(out)), "+B-w");
        assert_eq!(shown(&|out| UserModeChange::parse("i").effect_on(had).write(out)), "");
    }
}
