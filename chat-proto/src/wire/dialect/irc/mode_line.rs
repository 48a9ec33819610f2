//! Several changes of a channel's modes, written as one line.

use arrayvec::ArrayString;

use super::limits::LINE_LEN;
use super::modes::MAX_CHANGES;
use super::render::{letter_of, letter_of_list};
use crate::id::RoomId;
use crate::moderation::Role;
use crate::wire::dialect::{RoomChange, Update};
use crate::wire::sanitize::cut;

/// The most changes with arguments and without, each with a sign before its letter.
const MAX_LETTERS: usize = 2 * 2 * MAX_CHANGES;

/// The changes that a line has made so far, and that clients have not been told of.
#[derive(Debug)]
pub(crate) struct ModeLine {
    room: RoomId,
    /// The most bytes of letters and arguments.
    max: usize,
    /// The sign of the last letter.
    is_set: Option<bool>,
    letters: ArrayString<MAX_LETTERS>,
    /// The arguments, each with a space before it.
    arguments: ArrayString<LINE_LEN>,
}

impl ModeLine {
    /// Begins a line for a room. `head` is how many bytes stand before the letters.
    pub(crate) fn new(room: RoomId, head: usize) -> Self {
        let (letters, arguments) = (ArrayString::new(), ArrayString::new());
        Self { room, max: LINE_LEN.saturating_sub(head), is_set: None, letters, arguments }
    }

    pub(crate) fn room(&self) -> RoomId {
        self.room
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    /// Returns whether clients are told of an update by such a line.
    pub(crate) fn tells(update: &Update<'_>) -> bool {
        matches!(update, Update::RoleSet { .. } | Update::RoomChanged { .. })
    }

    /// Adds a change. Returns false if it has no space beside the others.
    pub(crate) fn add(&mut self, update: &Update<'_>) -> bool {
        let mut number = ArrayString::<10>::new();
        let (set, letter, argument) = match *update {
            Update::RoleSet { name, role: Role::Operator, given, .. } => (given, "o", name),
            Update::RoleSet { name, role: Role::Voice, given, .. } => (given, "v", name),
            Update::RoomChanged { change, .. } => match change {
                RoomChange::Flag { flag, set } => (set, letter_of(flag), ""),
                RoomChange::Key(key) => (key.is_some(), "k", key.unwrap_or("*")),
                RoomChange::Limit(None) => (false, "l", ""),
                RoomChange::Limit(Some(limit)) => {
                    let written = core::fmt::Write::write_fmt(&mut number, format_args!("{limit}"));
                    debug_assert!(written.is_ok(), "a number of 32 bits has ten digits at most");
                    (true, "l", &*number)
                }
                RoomChange::Listed { list, mask, listed } => (listed, letter_of_list(list), mask),
            },
            _ => return true,
        };
        // A sign, the letter, and a space before the argument.
        let has_space = self.letters.len() + self.arguments.len() + argument.len() + 3 <= self.max;
        if !(self.is_empty() || has_space && self.letters.remaining_capacity() >= 2) {
            return false;
        }
        if self.is_set.replace(set) != Some(set) {
            self.letters.push(if set { '+' } else { '-' });
        }
        self.letters.push_str(letter);
        if !argument.is_empty() {
            self.arguments.push(' ');
            // Only one that has no other beside it can be too long.
            self.arguments.push_str(cut(argument, self.arguments.remaining_capacity()));
        }
        true
    }

    /// Returns the letters, and the arguments with a space before each.
    pub(crate) fn parts(&self) -> (&str, &str) {
        (&self.letters, &self.arguments)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;
    use crate::moderation::{MaskList, RoomFlags};

    const BY: &str = "ann";

    fn change(change: RoomChange<'_>) -> Update<'_> {
        Update::RoomChanged { by: BY, change }
    }

    fn role(name: &str, role: Role, given: bool) -> Update<'_> {
        Update::RoleSet { by: BY, name, role, given }
    }

    fn written(line: &ModeLine) -> String {
        let (letters, arguments) = line.parts();
        [letters, arguments].concat()
    }

    #[test]
    fn changes_are_one_line_with_few_signs() {
        let mut line = ModeLine::new(RoomId(1), 40);
        assert!(line.is_empty() && line.room() == RoomId(1));
        let listed = |list, mask| change(RoomChange::Listed { list, mask, listed: false });
        for update in [
            role("bob", Role::Operator, true),
            role("tom", Role::Voice, true),
            change(RoomChange::Flag { flag: RoomFlags::TOPIC_BY_OPERATORS, set: false }),
            change(RoomChange::Key(None)),
            change(RoomChange::Limit(None)),
            change(RoomChange::Limit(Some(u32::MAX))),
            change(RoomChange::Key(Some("key"))),
            listed(MaskList::BanExceptions, "a!*@*"),
            listed(MaskList::InviteExceptions, "b!*@*"),
        ] {
            assert!(ModeLine::tells(&update) && line.add(&update), "{update:?}");
        }
        assert_eq!(written(&line), "+ov-tkl+lk-eI bob tom * 4294967295 key a!*@* b!*@*");
    }

    #[test]
    fn a_line_is_no_longer_than_it_may_be() {
        let long = "x".repeat(100);
        let mut line = ModeLine::new(RoomId(1), 60);
        let count = (0..12).take_while(|_| line.add(&role(&long, Role::Voice, true))).count();
        assert_eq!((count, written(&line).len() + 60), (4, 60 + 5 + 404));
        // One that is alone is always taken.
        let mut line = ModeLine::new(RoomId(1), 600);
        assert!(line.add(&role(&"x".repeat(600), Role::Voice, true)));
        assert!(!line.add(&change(RoomChange::Limit(None))));
    }

    #[test]
    fn all_changes_of_a_line_have_space_for_their_letters() {
        let mut line = ModeLine::new(RoomId(1), 20);
        for n in 0..2 * MAX_CHANGES {
            assert!(line.add(&change(RoomChange::Flag { flag: RoomFlags::MODERATED, set: n % 2 == 0 })), "{n}");
        }
    }
}
