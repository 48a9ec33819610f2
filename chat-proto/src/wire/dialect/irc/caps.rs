//! Capabilities: what a client can ask the server to do differently.
//!
//! The negotiation is that of the IRCv3 specification "Client Capability Negotiation".

use alloc::vec::Vec;

/// The most bytes of a list of capabilities on one line, which leaves room for what stands before it.
const MAX_LIST: usize = 400;

/// A set of capabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Caps(u32);

/// Makes the constants and the table of [`Caps`] from one list: each with its bit, its name, and the value that clients
/// of version 302 are told, if it has one.
macro_rules! capabilities {
    ($($constant:ident $bit:literal $name:literal $value:expr,)*) => {
        impl Caps {
            $(#[doc = concat!("`", $name, "`")] pub(crate) const $constant: Self = Self(1 << $bit);)*

            /// Each capability, with its name and its value.
            const TABLE: &[(Self, &'static str, Option<&'static str>)] = &[$((Self::$constant, $name, $value),)*];
        }
    };
}

capabilities! {
    ACCOUNT_NOTIFY 0 "account-notify" None,
    ACCOUNT_TAG 1 "account-tag" None,
    AWAY_NOTIFY 2 "away-notify" None,
    BATCH 3 "batch" None,
    CAP_NOTIFY 4 "cap-notify" None,
    CHATHISTORY 5 "draft/chathistory" None,
    ECHO_MESSAGE 6 "echo-message" None,
    EVENT_PLAYBACK 7 "draft/event-playback" None,
    EXTENDED_JOIN 8 "extended-join" None,
    INVITE_NOTIFY 9 "invite-notify" None,
    LABELED_RESPONSE 10 "labeled-response" None,
    MESSAGE_TAGS 11 "message-tags" None,
    MULTI_PREFIX 12 "multi-prefix" None,
    SERVER_TIME 13 "server-time" None,
    SETNAME 14 "setname" None,
    STANDARD_REPLIES 15 "standard-replies" None,
    USERHOST_IN_NAMES 16 "userhost-in-names" None,
}

impl Caps {
    /// None.
    pub(crate) const NONE: Self = Self(0);

    /// Those that are offered to clients. A capability may be here only if all that it promises is done.
    pub(crate) const OFFERED: Self = Self::SERVER_TIME
        .with(Self::ECHO_MESSAGE)
        .with(Self::MULTI_PREFIX)
        .with(Self::USERHOST_IN_NAMES)
        .with(Self::CAP_NOTIFY)
        .with(Self::SETNAME)
        .with(Self::EXTENDED_JOIN)
        .with(Self::INVITE_NOTIFY)
        .with(Self::AWAY_NOTIFY)
        .with(Self::MESSAGE_TAGS)
        .with(Self::BATCH)
        .with(Self::LABELED_RESPONSE)
        .with(Self::STANDARD_REPLIES)
        .with(Self::ACCOUNT_TAG)
        .with(Self::ACCOUNT_NOTIFY)
        .with(Self::CHATHISTORY)
        .with(Self::EVENT_PLAYBACK);

    /// Returns whether all of these are in the set.
    pub(crate) const fn has(self, caps: Self) -> bool {
        self.0 & caps.0 == caps.0
    }

    /// Returns these and others.
    pub(crate) const fn with(self, caps: Self) -> Self {
        Self(self.0 | caps.0)
    }

    /// Returns these without some.
    pub(crate) const fn without(self, caps: Self) -> Self {
        Self(self.0 & !caps.0)
    }

    /// Returns the set as a client asks to change it with `CAP REQ`, to be answered with `ACK`; `None`: it is not to be
    /// changed at all, and the answer is `NAK`.
    ///
    /// A name is added, and with `-` before it removed. What is not [`OFFERED`](Self::OFFERED) is refused, and so is
    /// the removal of `cap-notify` by a client of version 302, which has it for good.
    pub(crate) fn changed_by(self, list: &str, is_302: bool) -> Option<Self> {
        let mut caps = self;
        for item in list.split(' ').filter(|item| !item.is_empty()) {
            let (removed, name) = item.strip_prefix('-').map_or((false, item), |name| (true, name));
            let (cap, ..) = Self::TABLE.iter().find(|(_, known, _)| *known == name)?;
            if !Self::OFFERED.has(*cap) || removed && is_302 && *cap == Self::CAP_NOTIFY {
                return None;
            }
            caps = if removed { caps.without(*cap) } else { caps.with(*cap) };
        }
        Some(caps)
    }

    /// Returns the set divided into lines of at most 400 bytes, for the answers to `CAP LS` and `CAP LIST`. There is at
    /// least one line, which may be empty.
    ///
    /// With `values`, as clients of version 302 want it in `LS`, what [`CapLine::write`] writes has values.
    pub(crate) fn lines(self, values: bool) -> CapLines {
        CapLines { left: Some(self), values, max: MAX_LIST }
    }

    fn names(self) -> impl Iterator<Item = &'static (Self, &'static str, Option<&'static str>)> {
        Self::TABLE.iter().filter(move |(cap, ..)| self.has(*cap))
    }
}

/// The lines of a list.
#[derive(Clone, Debug)]
pub(crate) struct CapLines {
    left: Option<Caps>,
    values: bool,
    /// The most bytes of a line.
    max: usize,
}

/// One line of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CapLine {
    caps: Caps,
    values: bool,
    /// Whether another line follows, so that a `*` stands before this one.
    pub(crate) more: bool,
}

impl Iterator for CapLines {
    type Item = CapLine;

    fn next(&mut self) -> Option<CapLine> {
        let left = self.left?;
        let (mut caps, mut len) = (Caps::NONE, 0);
        for (cap, name, value) in left.names() {
            let value = value.filter(|_| self.values).map_or(0, |value| "=".len() + value.len());
            len += usize::from(caps != Caps::NONE) + name.len() + value;
            if len > self.max && caps != Caps::NONE {
                break;
            }
            caps = caps.with(*cap);
        }
        self.left = Some(left.without(caps)).filter(|left| *left != Caps::NONE);
        Some(CapLine { caps, values: self.values, more: self.left.is_some() })
    }
}

impl CapLine {
    /// Appends the names with spaces between them.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        for (index, (_, name, value)) in self.caps.names().enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(name.as_bytes());
            if let Some(value) = value.filter(|_| self.values) {
                out.push(b'=');
                out.extend_from_slice(value.as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::super::random::Random;
    use super::*;

    fn written(caps: Caps) -> String {
        let mut out = Vec::new();
        caps.lines(false).next().expect("there is a line").write(&mut out);
        String::from_utf8(out).expect("it is ASCII")
    }

    /// All that there are.
    fn all() -> Caps {
        Caps::TABLE.iter().fold(Caps::NONE, |caps, (cap, ..)| caps.with(*cap))
    }

    #[test]
    fn each_capability_has_a_bit_and_a_name_of_its_own() {
        assert_eq!(all().0.count_ones() as usize, Caps::TABLE.len());
        for (index, (_, name, _)) in Caps::TABLE.iter().enumerate() {
            assert!(!name.contains([' ', '=']) && !name.starts_with('-'), "{name}");
            assert!(!Caps::TABLE[..index].iter().any(|(_, other, _)| other == name), "{name}");
        }
    }

    #[test]
    fn a_request_adds_and_removes_all_or_nothing() {
        let some = Caps::SETNAME.with(Caps::ECHO_MESSAGE);
        for (list, expected) in [
            ("", Some(some)),
            (" multi-prefix  -setname ", Some(Caps::ECHO_MESSAGE.with(Caps::MULTI_PREFIX))),
            ("-setname setname", Some(some)),
            ("setname -setname", Some(Caps::ECHO_MESSAGE)),
            ("-away-notify", Some(some)),
            ("multi-prefix sasl", None),
            ("-sasl", None),
            ("Setname", None),
            ("setname=1", None),
            ("--setname", None),
            ("-", None),
            ("draft/event-playback", Some(some.with(Caps::EVENT_PLAYBACK))),
        ] {
            assert_eq!(some.changed_by(list, false), expected, "{list}");
        }
    }

    #[test]
    fn who_has_version_302_keeps_cap_notify() {
        assert_eq!(Caps::CAP_NOTIFY.changed_by("-cap-notify", false), Some(Caps::NONE));
        assert_eq!(Caps::CAP_NOTIFY.changed_by("-cap-notify", true), None);
        assert_eq!(Caps::NONE.changed_by("cap-notify", true), Some(Caps::CAP_NOTIFY));
    }

    #[test]
    fn a_list_has_names_with_spaces_between_them() {
        assert_eq!(written(Caps::NONE), "");
        assert_eq!(written(Caps::SETNAME.with(Caps::BATCH)), "batch setname");
        // Clients before version 302 cannot read a list of several lines.
        assert!(written(all()).len() <= MAX_LIST);
    }

    #[test]
    fn a_long_list_has_several_lines() {
        let lines: Vec<_> = CapLines { left: Some(all()), values: true, max: 40 }.collect();
        assert!(lines.len() > 5, "{}", lines.len());
        let (last, others) = lines.split_last().expect("there is a line");
        assert!(!last.more && others.iter().all(|line| line.more));
        let (mut listed, mut names) = (Caps::NONE, 0);
        for line in lines {
            let mut out = Vec::new();
            line.write(&mut out);
            assert!((1..=40).contains(&out.len()), "{}", out.len());
            (listed, names) = (listed.with(line.caps), names + line.caps.names().count());
        }
        assert_eq!((listed, names), (all(), Caps::TABLE.len()));
        // A name that is longer than a line has one of its own.
        let lines = CapLines { left: Some(Caps::BATCH.with(Caps::SETNAME)), values: true, max: 3 };
        assert_eq!(lines.count(), 2);
    }

    #[test]
    fn every_set_of_offered_capabilities_can_be_requested() {
        let mut random = Random(9);
        for _ in 0..1_000 {
            let caps = Caps(random.below(1 << Caps::TABLE.len()) as u32 & Caps::OFFERED.0);
            assert_eq!(Caps::NONE.changed_by(&written(caps), true), Some(caps));
            let lines: Vec<_> = caps.lines(true).collect();
            assert!(lines.len() == 1 && !lines[0].more);
        }
    }
}
