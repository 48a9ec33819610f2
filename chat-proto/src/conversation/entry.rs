//! Entries: changes to the conversation, as plain values and as bytes.

use alloc::vec::Vec;
use core::fmt;
use core::str::from_utf8;

use crate::command::CloseReason;
use crate::id::MemberId;
use crate::names::MAX_NAME;

/// A change to the conversation, for [`Conversation::apply`](super::Conversation::apply).
///
/// An entry is complete. Two conversations with the same limits that apply the same entries in the same order are in
/// the same state, whoever proposed the entries, wherever and whenever. Its words are clean already: a program that
/// applies entries from elsewhere trusts whoever cleaned them. Names are checked when the entry is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entry<'a> {
    /// A member enters, without a name of its own.
    Enter {
        /// Who enters; nobody with that number may be here.
        member: MemberId,
        /// Until it has a name it is called `guest-N`, with a number that nobody had before. Without this it is
        /// `anonymous`.
        guest: bool,
    },
    /// A member takes a name. If it has not joined yet, it joins.
    Name {
        /// Who takes it.
        member: MemberId,
        /// The name; the rules may refuse it.
        name: &'a str,
    },
    /// A member joins without a name of its own, because it is about to say something.
    Join {
        /// Who joins.
        member: MemberId,
    },
    /// A member says something to everyone.
    Say {
        /// Who says it.
        member: MemberId,
        /// What it says.
        words: &'a str,
    },
    /// A member does something that others see (`/me`).
    Act {
        /// Who does it.
        member: MemberId,
        /// What it does.
        words: &'a str,
    },
    /// A member says something to one other.
    Tell {
        /// Who says it.
        member: MemberId,
        /// Whom it is for.
        to: MemberId,
        /// What it says.
        words: &'a str,
    },
    /// A member leaves; its name becomes free.
    Leave {
        /// Who leaves.
        member: MemberId,
        /// Why.
        reason: CloseReason,
        /// What it says on leaving, or the reason that it was given.
        words: &'a str,
    },
    /// The server says something to everyone.
    Announce {
        /// What it says.
        words: &'a str,
    },
}

/// The most bytes of last words. Leaving must cost little, so this is a quarter of a
/// [notice](crate::dialect::MAX_NOTICE).
pub(crate) const MAX_LAST_WORDS: usize = 256;

/// Why bytes are not an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// They end within an entry.
    Incomplete,
    /// They have another version than [`Entry::VERSION`].
    Version(u8),
    /// A kind, a reason or a flag is unknown.
    Unknown(u8),
    /// A number has too many bits.
    Number,
    /// A name or words are too long.
    TooLong,
    /// A name or words are not UTF-8.
    NotUtf8,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete => f.write_str("the bytes end within an entry"),
            Self::Version(version) => {
                write!(f, "the entry has version {version}, and {} is understood", Entry::VERSION)
            }
            Self::Unknown(byte) => write!(f, "{byte} stands for nothing"),
            Self::Number => f.write_str("a number is out of its range"),
            Self::TooLong => write!(f, "a name may have {MAX_NAME} bytes, words {}", Entry::MAX_WORDS),
            Self::NotUtf8 => f.write_str("names and words must be UTF-8"),
        }
    }
}

impl core::error::Error for DecodeError {}

impl<'a> Entry<'a> {
    /// The version of the byte format. A hub understands this one and no other.
    pub const VERSION: u8 = 1;

    /// The most bytes of words in an entry, which is the upper limit of [`Config::max_line`](crate::Config::max_line).
    pub const MAX_WORDS: usize = 1 << 20;

    /// Appends the entry to `out`: a byte for the version, one for the kind, then its fields. Numbers are LEB128. A
    /// name or words are a length and UTF-8.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(Self::VERSION);
        match *self {
            Self::Enter { member, guest } => put(out, 0, &[member.0.into(), guest.into()], ""),
            Self::Name { member, name } => put(out, 1, &[member.0.into()], name),
            Self::Join { member } => put(out, 2, &[member.0.into()], ""),
            Self::Say { member, words } => put(out, 3, &[member.0.into()], words),
            Self::Act { member, words } => put(out, 4, &[member.0.into()], words),
            Self::Tell { member, to, words } => put(out, 5, &[member.0.into(), to.0.into()], words),
            Self::Leave { member, reason, words } => {
                let (reason, missed) = code_of(reason);
                put(out, 6, &[member.0.into(), reason.into(), missed], words);
            }
            Self::Announce { words } => put(out, 7, &[], words),
        }
    }

    /// Decodes the entry at the beginning of `bytes`, and returns it with the bytes that follow.
    ///
    /// # Errors
    ///
    /// The bytes are not an entry of this version, or are incomplete.
    pub fn decode(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        let mut rest = Reader(bytes);
        match rest.byte()? {
            Self::VERSION => {}
            version => return Err(DecodeError::Version(version)),
        }
        let entry = match rest.byte()? {
            0 => Self::Enter { member: rest.member()?, guest: rest.flag()? },
            1 => Self::Name { member: rest.member()?, name: rest.text(MAX_NAME)? },
            2 => Self::Join { member: rest.member()? },
            3 => Self::Say { member: rest.member()?, words: rest.text(Self::MAX_WORDS)? },
            4 => Self::Act { member: rest.member()?, words: rest.text(Self::MAX_WORDS)? },
            5 => Self::Tell { member: rest.member()?, to: rest.member()?, words: rest.text(Self::MAX_WORDS)? },
            6 => Self::Leave { member: rest.member()?, reason: rest.reason()?, words: rest.text(Self::MAX_WORDS)? },
            7 => Self::Announce { words: rest.text(Self::MAX_WORDS)? },
            kind => return Err(DecodeError::Unknown(kind)),
        };
        Ok((entry, rest.0))
    }

    /// Returns the member that the entry is of; `None` if it is the server's.
    #[must_use]
    pub fn member(&self) -> Option<MemberId> {
        match *self {
            Self::Enter { member, .. }
            | Self::Name { member, .. }
            | Self::Join { member }
            | Self::Say { member, .. }
            | Self::Act { member, .. }
            | Self::Tell { member, .. }
            | Self::Leave { member, .. } => Some(member),
            Self::Announce { .. } => None,
        }
    }

    /// Returns whether entries of this kind have text, even if it is empty.
    const fn has_text(kind: u8) -> bool {
        !matches!(kind, 0 | 2)
    }
}

/// Appends an entry's kind, its numbers and its text.
fn put(out: &mut Vec<u8>, kind: u8, numbers: &[u64], text: &str) {
    out.push(kind);
    for number in numbers {
        put_number(out, *number);
    }
    if Entry::has_text(kind) {
        put_number(out, text.len() as u64);
        out.extend_from_slice(text.as_bytes());
    }
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Returns the number for a reason, and how many messages were missed.
fn code_of(reason: CloseReason) -> (u8, u64) {
    match reason {
        CloseReason::Quit => (0, 0),
        CloseReason::Eof => (1, 0),
        CloseReason::Disconnected => (2, 0),
        CloseReason::Idle => (3, 0),
        CloseReason::Stalled => (4, 0),
        CloseReason::Lagged { missed } => (5, missed),
        CloseReason::WrongProtocol => (6, 0),
        CloseReason::FirstLine => (7, 0),
        CloseReason::Kicked => (8, 0),
        CloseReason::ShutDown => (9, 0),
    }
}

/// The bytes still to be decoded.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, DecodeError> {
        let (byte, rest) = self.0.split_first().ok_or(DecodeError::Incomplete)?;
        self.0 = rest;
        Ok(*byte)
    }

    /// Decodes a number in its shortest form.
    fn number(&mut self) -> Result<u64, DecodeError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 || shift > 0 && byte == 0 {
                return Err(DecodeError::Number);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(DecodeError::Number)
    }

    fn member(&mut self) -> Result<MemberId, DecodeError> {
        self.number()?.try_into().map(MemberId).map_err(|_| DecodeError::Number)
    }

    fn flag(&mut self) -> Result<bool, DecodeError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(DecodeError::Unknown(other)),
        }
    }

    fn reason(&mut self) -> Result<CloseReason, DecodeError> {
        let code = self.byte()?;
        let missed = self.number()?;
        let reason = match code {
            0 => CloseReason::Quit,
            1 => CloseReason::Eof,
            2 => CloseReason::Disconnected,
            3 => CloseReason::Idle,
            4 => CloseReason::Stalled,
            5 => CloseReason::Lagged { missed },
            6 => CloseReason::WrongProtocol,
            7 => CloseReason::FirstLine,
            8 => CloseReason::Kicked,
            9 => CloseReason::ShutDown,
            code => return Err(DecodeError::Unknown(code)),
        };
        if code != 5 && missed > 0 { Err(DecodeError::Number) } else { Ok(reason) }
    }

    fn text(&mut self, max: usize) -> Result<&'a str, DecodeError> {
        let len = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        if len > max {
            return Err(DecodeError::TooLong);
        }
        let (text, rest) = self.0.split_at_checked(len).ok_or(DecodeError::Incomplete)?;
        self.0 = rest;
        from_utf8(text).map_err(|_| DecodeError::NotUtf8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(entry: Entry<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        entry.encode(&mut bytes);
        bytes
    }

    #[test]
    fn entries_encode_to_these_bytes() {
        let member = MemberId(300);
        let lagged = CloseReason::Lagged { missed: u64::MAX };
        for (entry, bytes) in [
            (Entry::Enter { member, guest: true }, &b"\x01\0\xac\x02\x01"[..]),
            (Entry::Name { member, name: "ann" }, b"\x01\x01\xac\x02\x03ann"),
            (Entry::Join { member: MemberId(0) }, b"\x01\x02\0"),
            (Entry::Say { member, words: "h\u{e9}" }, b"\x01\x03\xac\x02\x03h\xc3\xa9"),
            (Entry::Act { member, words: "waves" }, b"\x01\x04\xac\x02\x05waves"),
            (Entry::Tell { member, to: MemberId(u32::MAX), words: "x" }, b"\x01\x05\xac\x02\xff\xff\xff\xff\x0f\x01x"),
            (
                Entry::Leave { member, reason: lagged, words: "" },
                b"\x01\x06\xac\x02\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0",
            ),
            (Entry::Leave { member, reason: CloseReason::Quit, words: "bye" }, b"\x01\x06\xac\x02\0\0\x03bye"),
            (Entry::Announce { words: "" }, b"\x01\x07\0"),
        ] {
            assert_eq!(encoded(entry), bytes, "{entry:?}");
            let mut followed = bytes.to_vec();
            followed.push(9);
            assert_eq!(Entry::decode(&followed), Ok((entry, &[9][..])));
            for end in 0..bytes.len() {
                assert_eq!(Entry::decode(&bytes[..end]), Err(DecodeError::Incomplete), "{entry:?} up to {end}");
            }
        }
    }

    #[test]
    fn invalid_bytes_are_refused() {
        for (bytes, error) in [
            (&b"\x02\x02\0"[..], DecodeError::Version(2)),
            (b"\x01\x08\0", DecodeError::Unknown(8)),
            (b"\x01\0\0\x02", DecodeError::Unknown(2)),
            (b"\x01\x06\0\x0a\0\0", DecodeError::Unknown(10)),
            (b"\x01\x06\0\0\x01\0", DecodeError::Number),
            (b"\x01\x02\x80\0", DecodeError::Number),
            (b"\x01\x02\xff\xff\xff\xff\x1f", DecodeError::Number),
            (b"\x01\x03\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", DecodeError::Number),
            (b"\x01\x01\0\x80\x02", DecodeError::TooLong),
            (b"\x01\x03\0\x81\x80\x40", DecodeError::TooLong),
            (b"\x01\x03\0\x01\xff", DecodeError::NotUtf8),
        ] {
            assert_eq!(Entry::decode(bytes), Err(error), "{}", bytes.escape_ascii());
        }
    }
}
