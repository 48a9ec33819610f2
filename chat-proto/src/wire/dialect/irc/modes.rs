//! Modes of channels: what a client asks for, and how changes are shown.
//!
//! The types of modes and their arguments are those of Modern IRC, "MODE message" and the ISUPPORT parameter CHANMODES.

use crate::moderation::{MaskList, Role, RoomFlags};

/// The most changes of each kind that one command may have; further ones are ignored. ISUPPORT tells it as MODES.
pub(crate) const MAX_CHANGES: usize = 12;

/// Stands for the key in a removal that names none, and is shown in place of a key that is removed.
const ANY_KEY: &str = "*";

/// The flags of a channel with their letters.
const FLAGS: [(char, RoomFlags); 5] = [
    ('i', RoomFlags::INVITED_ONLY),
    ('m', RoomFlags::MODERATED),
    ('n', RoomFlags::MEMBERS_SPEAK),
    ('s', RoomFlags::HIDDEN),
    ('t', RoomFlags::TOPIC_BY_OPERATORS),
];

/// One change of a channel's modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change<'a> {
    /// Whether it is set, or unset.
    pub(crate) add: bool,
    /// What.
    pub(crate) mode: ChannelMode<'a>,
}

/// A mode of a channel with its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChannelMode<'a> {
    /// A mask of a list (`b`, `e`, `I`; type A); `None`: a request to see the list, and no change.
    List(MaskList, Option<&'a str>),
    /// The key (`k`; type B). A removal that named no key has `*`.
    Key(&'a str),
    /// The most members (`l`; type C); `None` in a removal, and only there.
    Limit(Option<u32>),
    /// A flag (`i`, `m`, `n`, `s`, `t`; type D), always exactly one.
    Flag(RoomFlags),
    /// A role (`o`, `v`; a prefix) and who gets or loses it.
    Role(Role, &'a str),
}

/// Why one letter of a command changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModeError<'a> {
    /// There is no such mode (472).
    Unknown(char),
    /// It lacks its argument (461, or 696 with the letter).
    Missing(char),
    /// Its argument is not allowed (696, or 525 for a key).
    Invalid(char, &'a str),
}

/// The changes that a command asks for, in its order, with the errors among them.
///
/// It is bounded: after [`MAX_CHANGES`] changes with arguments, as many without and as many errors, further ones of
/// that kind are left out. Each list is asked for once at most.
#[derive(Clone, Debug)]
pub(crate) struct Changes<'p, 'a> {
    letters: core::str::Chars<'a>,
    arguments: core::slice::Iter<'p, &'a str>,
    add: bool,
    /// How many changes with arguments may follow, how many without, and how many errors.
    left: [usize; 3],
    /// Which of the lists were asked for.
    lists: [bool; 3],
}

impl<'p, 'a> Changes<'p, 'a> {
    /// Reads the parameters of MODE behind the channel's name: the letters, then the arguments.
    pub(crate) fn new(params: &'p [&'a str]) -> Self {
        let (letters, arguments) = params.split_first().map_or(("", params), |(letters, rest)| (*letters, rest));
        let left = [MAX_CHANGES; 3];
        Self { letters: letters.chars(), arguments: arguments.iter(), add: true, left, lists: [false; 3] }
    }

    /// Reads one letter, and its argument if it takes one.
    fn read(&mut self, letter: char) -> Result<ChannelMode<'a>, ModeError<'a>> {
        if let Some((_, flag)) = FLAGS.iter().find(|(known, _)| *known == letter) {
            return Ok(ChannelMode::Flag(*flag));
        }
        match letter {
            'b' => self.list(letter, MaskList::Bans),
            'e' => self.list(letter, MaskList::BanExceptions),
            'I' => self.list(letter, MaskList::InviteExceptions),
            'k' => self.key(),
            'l' if !self.add => Ok(ChannelMode::Limit(None)),
            'l' => {
                let limit = self.argument(letter)?;
                let members = limit.parse().ok().filter(|members| *members > 0);
                members.map(|members| ChannelMode::Limit(Some(members))).ok_or(ModeError::Invalid(letter, limit))
            }
            'o' => self.argument(letter).map(|name| ChannelMode::Role(Role::Operator, name)),
            'v' => self.argument(letter).map(|name| ChannelMode::Role(Role::Voice, name)),
            _ => Err(ModeError::Unknown(letter)),
        }
    }

    fn list(&mut self, letter: char, list: MaskList) -> Result<ChannelMode<'a>, ModeError<'a>> {
        match self.argument(letter) {
            Ok(mask) => Ok(ChannelMode::List(list, Some(mask))),
            Err(ModeError::Missing(_)) => Ok(ChannelMode::List(list, None)),
            Err(error) => Err(error),
        }
    }

    fn key(&mut self) -> Result<ChannelMode<'a>, ModeError<'a>> {
        match self.argument('k') {
            // Nobody could use a key with commas in a JOIN.
            Ok(key) if self.add && key.contains(',') => Err(ModeError::Invalid('k', key)),
            Err(ModeError::Missing(_)) if !self.add => Ok(ChannelMode::Key(ANY_KEY)),
            key => key.map(ChannelMode::Key),
        }
    }

    /// Takes the next argument, which has to be one that can be shown among others.
    fn argument(&mut self, letter: char) -> Result<&'a str, ModeError<'a>> {
        let argument = *self.arguments.next().ok_or(ModeError::Missing(letter))?;
        let is_middle = !argument.is_empty() && !argument.starts_with(':') && !argument.contains(' ');
        if is_middle { Ok(argument) } else { Err(ModeError::Invalid(letter, argument)) }
    }

    /// Counts it, and returns whether it is within the limit.
    fn counts(&mut self, read: &Result<ChannelMode<'a>, ModeError<'a>>) -> bool {
        let kind = match read {
            Ok(ChannelMode::List(list, None)) => {
                let asked = &mut self.lists[*list as usize];
                return !core::mem::replace(asked, true);
            }
            Ok(ChannelMode::Flag(_) | ChannelMode::Limit(None)) => 1,
            Ok(_) => 0,
            Err(_) => 2,
        };
        let counts = self.left[kind] > 0;
        self.left[kind] -= usize::from(counts);
        counts
    }
}

impl<'a> Iterator for Changes<'_, 'a> {
    type Item = Result<Change<'a>, ModeError<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.letters.next()? {
                '+' => self.add = true,
                '-' => self.add = false,
                letter => {
                    let read = self.read(letter);
                    if self.counts(&read) {
                        return Some(read.map(|mode| Change { add: self.add, mode }));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::super::random::Random;
    use super::*;
    use crate::wire::dialect::{push, write};

    impl ChannelMode<'_> {
        fn letter(&self) -> char {
            match self {
                Self::List(MaskList::Bans, _) => 'b',
                Self::List(MaskList::BanExceptions, _) => 'e',
                Self::List(MaskList::InviteExceptions, _) => 'I',
                Self::Key(_) => 'k',
                Self::Limit(_) => 'l',
                Self::Flag(flag) => FLAGS.iter().find(|(_, known)| known == flag).map_or('?', |(letter, _)| *letter),
                Self::Role(Role::Operator, _) => 'o',
                Self::Role(Role::Voice, _) => 'v',
            }
        }
    }

    /// Appends changes as the parameters of MODE, such as `+ov-k ann bob *`, with no more signs than needed.
    ///
    /// Requests to see a list are no changes and are left out. Nothing is appended if nothing changes. The
    /// longest masks of [`MAX_CHANGES`] changes do not fit in one line of 512 bytes, so the caller divides them.
    fn write_changes(changes: &[Change<'_>], out: &mut Vec<u8>) {
        let changes = changes.iter().filter(|change| !matches!(change.mode, ChannelMode::List(_, None)));
        let mut sign = None;
        for change in changes.clone() {
            if sign.replace(change.add) != Some(change.add) {
                out.push(if change.add { b'+' } else { b'-' });
            }
            // All letters are ASCII.
            out.push(change.mode.letter() as u8);
        }
        for Change { add, mode } in changes {
            match *mode {
                ChannelMode::List(_, Some(argument)) | ChannelMode::Role(_, argument) => push(out, &[" ", argument]),
                ChannelMode::Key(key) => push(out, &[" ", if *add { key } else { ANY_KEY }]),
                ChannelMode::Limit(Some(members)) if *add => write(out, format_args!(" {members}")),
                ChannelMode::List(_, None) | ChannelMode::Limit(_) | ChannelMode::Flag(_) => {}
            }
        }
    }

    /// Reads parameters, and shows what becomes of them: the changes, then the errors.
    fn read(params: &str) -> (String, Vec<ModeError<'_>>) {
        let params: Vec<_> = params.split(' ').collect();
        let (mut changes, mut errors) = (Vec::new(), Vec::new());
        for change in Changes::new(&params) {
            match change {
                Ok(change) => changes.push(change),
                Err(error) => errors.push(error),
            }
        }
        (shown(&changes), errors)
    }

    fn shown(changes: &[Change<'_>]) -> String {
        let mut out = Vec::new();
        write_changes(changes, &mut out);
        String::from_utf8(out).expect("it is made of UTF-8")
    }

    #[test]
    fn changes_take_arguments_by_their_type() {
        let params = ["+ob-kl+ntl", "ann", "*!*@a", "key", "5"];
        let changes: Vec<_> = Changes::new(&params).map(|change| change.expect("it is one")).collect();
        let change = |add, mode| Change { add, mode };
        assert_eq!(
            changes,
            [
                change(true, ChannelMode::Role(Role::Operator, "ann")),
                change(true, ChannelMode::List(MaskList::Bans, Some("*!*@a"))),
                change(false, ChannelMode::Key("key")),
                change(false, ChannelMode::Limit(None)),
                change(true, ChannelMode::Flag(RoomFlags::MEMBERS_SPEAK)),
                change(true, ChannelMode::Flag(RoomFlags::TOPIC_BY_OPERATORS)),
                change(true, ChannelMode::Limit(Some(5))),
            ]
        );
    }

    #[test]
    fn a_list_without_a_mask_is_asked_for_once() {
        let params = ["bb-be+II"];
        let asked: Vec<_> = Changes::new(&params).map(|change| change.map(|change| change.mode)).collect();
        let lists = [MaskList::Bans, MaskList::BanExceptions, MaskList::InviteExceptions];
        assert_eq!(asked, lists.map(|list| Ok(ChannelMode::List(list, None))));
    }

    #[test]
    fn changes_are_shown_with_few_signs() {
        for (params, expected) in [
            ("+o+v-k ann bob key", "+ov-k ann bob *"),
            ("nt", "+nt"),
            ("-n+t-s", "-n+t-s"),
            ("--++im", "+im"),
            ("+k-k a", "+k-k a *"),
            ("+l-l 07", "+l-l 7"),
            ("+Ie-b a!*@* b!*@* c", "+Ie-b a!*@* b!*@* c"),
            ("b", ""),
            ("", ""),
            ("+-", ""),
            ("+l 4294967295", "+l 4294967295"),
        ] {
            assert_eq!(read(params), (expected.into(), Vec::new()), "{params}");
        }
    }

    #[test]
    fn a_mode_that_cannot_be_changed_is_named_by_its_letter() {
        for (params, expected) in [
            ("+nxž-Z", &[ModeError::Unknown('x'), ModeError::Unknown('ž'), ModeError::Unknown('Z')][..]),
            ("+kn", &[ModeError::Missing('k')]),
            ("+lno", &[ModeError::Missing('l'), ModeError::Missing('o')]),
            ("n-v", &[ModeError::Missing('v')]),
            ("+ln 0", &[ModeError::Invalid('l', "0")]),
            ("+ln -5", &[ModeError::Invalid('l', "-5")]),
            ("+ln 4294967296", &[ModeError::Invalid('l', "4294967296")]),
            ("+kn a,b", &[ModeError::Invalid('k', "a,b")]),
            ("+bn :a", &[ModeError::Invalid('b', ":a")]),
            ("+on ", &[ModeError::Invalid('o', "")]),
        ] {
            let (changes, errors) = read(params);
            assert_eq!((changes.trim_start_matches('+'), &*errors), ("n", expected), "{params}");
        }
        let params = ["+b", "a b"];
        assert_eq!(Changes::new(&params).next(), Some(Err(ModeError::Invalid('b', "a b"))));
    }

    #[test]
    fn a_command_has_so_many_changes_and_no_more() {
        let params = format!("+{} {}", "v".repeat(14), "a ".repeat(14));
        assert_eq!(read(params.trim_end()), (format!("+{}{}", "v".repeat(12), " a".repeat(12)), Vec::new()));
        assert_eq!(read(&"x".repeat(400)).1.len(), MAX_CHANGES);
        assert_eq!(read(&"n".repeat(400)).0.len(), 1 + MAX_CHANGES);
    }

    #[test]
    fn shown_changes_read_back() {
        let (mut random, mut found) = (Random(4), 0);
        for _ in 0..20_000 {
            let letters = random.text("+-beIklimnstovxž", 12);
            let arguments: Vec<_> = (0..random.below(6)).map(|_| random.text("1a*!:,ž ", 4)).collect();
            let params: Vec<_> = core::iter::once(&letters).chain(&arguments).map(String::as_str).collect();
            let changes: Vec<_> = Changes::new(&params).filter_map(Result::ok).collect();
            let once = shown(&changes);
            let (twice, errors) = read(&once);
            assert_eq!((&twice, errors), (&once, Vec::new()), "{params:?}");
            found += usize::from(once.len() > 6);
        }
        assert!(found > 1_000, "{found}");
    }
}
