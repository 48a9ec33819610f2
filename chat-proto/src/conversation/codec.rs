//! Entries as bytes.

use alloc::vec::Vec;
use core::fmt;
use core::str::from_utf8;

use super::entry::{Entry, MAX_KICK_WORDS};
use crate::command::CloseReason;
use crate::id::{MemberId, RoomId};
use crate::moderation::{MAX_MASK, MAX_ROOM_KEY, MAX_ROOM_NAME, MAX_TOPIC, MaskList, Role, RoomFlags};
use crate::names::MAX_NAME;
use crate::origin::Cloak;
use crate::person::{MAX_AWAY, MAX_REAL_NAME, MAX_USER};

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
                write!(f, "the entry has version {version}; only version {} is understood", Entry::VERSION)
            }
            Self::Unknown(byte) => write!(f, "the byte {byte} has no meaning here"),
            Self::Number => f.write_str("a number is out of its range"),
            Self::TooLong => {
                write!(f, "a name has at most {MAX_NAME} bytes, and words have at most {}", Entry::MAX_WORDS)
            }
            Self::NotUtf8 => f.write_str("names and words must be UTF-8"),
        }
    }
}

impl core::error::Error for DecodeError {}

impl<'a> Entry<'a> {
    /// The version of the byte format. A hub understands this one and no other.
    pub const VERSION: u8 = 4;

    /// The most bytes of words in an entry, which is the upper limit of [`Config::max_line`](crate::Config::max_line).
    pub const MAX_WORDS: usize = 1 << 20;

    /// Appends the entry to `out`: a byte for the version, one for the kind, then its fields. Numbers are LEB128. Who
    /// decides something in a room is 0 for the server, and otherwise one more than the member's number. A name or
    /// words are a length and UTF-8, and come last.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(Self::VERSION);
        match *self {
            Self::Enter { member, guest, lobby, cloak } => {
                let [known, cloak] = cloak.map_or([0, 0], |cloak| [1, cloak.number()]);
                put(out, 0, &[member.0.into(), guest.into(), lobby.into(), known, cloak], "");
            }
            Self::Name { member, name } => put(out, 1, &[member.0.into()], name),
            Self::Join { member } => put(out, 2, &[member.0.into()], ""),
            Self::Say { member, room, words, at } => put(out, 3, &[member.0.into(), room.0.into(), at], words),
            Self::Act { member, room, words, at } => put(out, 4, &[member.0.into(), room.0.into(), at], words),
            Self::Notice { member, room, words, at } => put(out, 18, &[member.0.into(), room.0.into(), at], words),
            Self::Describe { member, user, real_name } => {
                put(out, 19, &[member.0.into()], user);
                put_text(out, real_name);
            }
            Self::Away { member, words } => put(out, 20, &[member.0.into()], words),
            Self::Tell { member, to, words } => put(out, 5, &[member.0.into(), to.0.into()], words),
            Self::Leave { member, reason, words } => {
                let (reason, missed) = code_of(reason);
                put(out, 6, &[member.0.into(), reason.into(), missed.into()], words);
            }
            Self::Announce { words, at } => put(out, 7, &[at], words),
            Self::EnterRoom { member, name, at } => put(out, 8, &[member.0.into(), at], name),
            Self::LeaveRoom { member, room, words } => put(out, 9, &[member.0.into(), room.0.into()], words),
            Self::Kick { by, member, room, words } => {
                put(out, 10, &[one_more(by), member.0.into(), room.0.into()], words);
            }
            Self::Topic { by, room, words, styled, at } => {
                put(out, 11, &[one_more(by), room.0.into(), at], words);
                put_text(out, styled);
            }
            Self::Role { by, member, room, role, given } => {
                let numbers = [one_more(by), member.0.into(), room.0.into(), role as u64, given.into()];
                put(out, 12, &numbers, "");
            }
            Self::Flags { by, room, flags } => {
                put(out, 13, &[one_more(by), room.0.into(), flags.bits().into()], "");
            }
            Self::Key { by, room, key } => put(out, 14, &[one_more(by), room.0.into()], key),
            Self::Limit { by, room, limit } => put(out, 15, &[one_more(by), room.0.into(), limit.into()], ""),
            Self::Mask { by, room, list, mask, of, listed, at } => {
                put(out, 16, &[one_more(by), room.0.into(), list as u64, listed.into(), at], mask);
                put_text(out, of);
            }
            Self::Invite { by, member, room } => {
                put(out, 17, &[one_more(by), member.0.into(), room.0.into()], "");
            }
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
            0 => {
                let (member, guest, lobby) = (rest.member()?, rest.flag()?, rest.flag()?);
                Self::Enter { member, guest, lobby, cloak: rest.cloak()? }
            }
            1 => Self::Name { member: rest.member()?, name: rest.text(MAX_NAME)? },
            2 => Self::Join { member: rest.member()? },
            3 => {
                let (member, room, at) = (rest.member()?, rest.room()?, rest.number()?);
                Self::Say { member, room, at, words: rest.text(Self::MAX_WORDS)? }
            }
            4 => {
                let (member, room, at) = (rest.member()?, rest.room()?, rest.number()?);
                Self::Act { member, room, at, words: rest.text(Self::MAX_WORDS)? }
            }
            5 => Self::Tell { member: rest.member()?, to: rest.member()?, words: rest.text(Self::MAX_WORDS)? },
            6 => Self::Leave { member: rest.member()?, reason: rest.reason()?, words: rest.text(Self::MAX_WORDS)? },
            7 => Self::Announce { at: rest.number()?, words: rest.text(Self::MAX_WORDS)? },
            8 => {
                let (member, at) = (rest.member()?, rest.number()?);
                Self::EnterRoom { member, at, name: rest.text(MAX_ROOM_NAME)? }
            }
            9 => {
                let (member, room) = (rest.member()?, rest.room()?);
                Self::LeaveRoom { member, room, words: rest.text(MAX_KICK_WORDS)? }
            }
            10 => {
                let (by, member, room) = (rest.by()?, rest.member()?, rest.room()?);
                Self::Kick { by, member, room, words: rest.text(MAX_KICK_WORDS)? }
            }
            11 => {
                let (by, room, at) = (rest.by()?, rest.room()?, rest.number()?);
                let words = rest.text(MAX_TOPIC)?;
                Self::Topic { by, room, at, words, styled: rest.text(MAX_TOPIC)? }
            }
            12 => {
                let (by, member, room) = (rest.by()?, rest.member()?, rest.room()?);
                Self::Role { by, member, room, role: rest.role()?, given: rest.flag()? }
            }
            13 => Self::Flags { by: rest.by()?, room: rest.room()?, flags: rest.flags()? },
            14 => Self::Key { by: rest.by()?, room: rest.room()?, key: rest.text(MAX_ROOM_KEY)? },
            15 => Self::Limit { by: rest.by()?, room: rest.room()?, limit: rest.half()? },
            16 => {
                let (by, room, list, listed) = (rest.by()?, rest.room()?, rest.list()?, rest.flag()?);
                let (at, mask) = (rest.number()?, rest.text(MAX_MASK)?);
                Self::Mask { by, room, list, listed, at, mask, of: rest.text(MAX_NAME)? }
            }
            17 => Self::Invite { by: rest.by()?, member: rest.member()?, room: rest.room()? },
            18 => {
                let (member, room, at) = (rest.member()?, rest.room()?, rest.number()?);
                Self::Notice { member, room, at, words: rest.text(Self::MAX_WORDS)? }
            }
            19 => {
                let (member, user) = (rest.member()?, rest.text(MAX_USER)?);
                Self::Describe { member, user, real_name: rest.text(MAX_REAL_NAME)? }
            }
            20 => Self::Away { member: rest.member()?, words: rest.text(MAX_AWAY)? },
            kind => return Err(DecodeError::Unknown(kind)),
        };
        Ok((entry, rest.0))
    }

    /// Returns whether entries of this kind have text, even if it is empty.
    const fn has_text(kind: u8) -> bool {
        !matches!(kind, 0 | 2 | 12 | 13 | 15 | 17)
    }
}

/// Appends an entry's kind, its numbers and its text.
fn put(out: &mut Vec<u8>, kind: u8, numbers: &[u64], text: &str) {
    out.push(kind);
    for number in numbers {
        put_number(out, *number);
    }
    if Entry::has_text(kind) {
        put_text(out, text);
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Returns the number for who decides something.
fn one_more(by: Option<MemberId>) -> u64 {
    by.map_or(0, |member| u64::from(member.0) + 1)
}

/// Returns the number for a reason, and how many messages were missed.
fn code_of(reason: CloseReason) -> (u8, u32) {
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
        CloseReason::BadFrame => (10, 0),
        CloseReason::Killed => (11, 0),
        CloseReason::WrongPassword => (12, 0),
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

    /// Decodes a number of 32 bits.
    fn half(&mut self) -> Result<u32, DecodeError> {
        self.number()?.try_into().map_err(|_| DecodeError::Number)
    }

    fn member(&mut self) -> Result<MemberId, DecodeError> {
        self.half().map(MemberId)
    }

    fn room(&mut self) -> Result<RoomId, DecodeError> {
        self.half().map(RoomId)
    }

    fn by(&mut self) -> Result<Option<MemberId>, DecodeError> {
        match self.number()?.checked_sub(1) {
            Some(member) => member.try_into().map(|member| Some(MemberId(member))).map_err(|_| DecodeError::Number),
            None => Ok(None),
        }
    }

    fn role(&mut self) -> Result<Role, DecodeError> {
        match self.byte()? {
            0 => Ok(Role::Operator),
            1 => Ok(Role::Voice),
            other => Err(DecodeError::Unknown(other)),
        }
    }

    fn list(&mut self) -> Result<MaskList, DecodeError> {
        match self.byte()? {
            0 => Ok(MaskList::Bans),
            1 => Ok(MaskList::BanExceptions),
            2 => Ok(MaskList::InviteExceptions),
            other => Err(DecodeError::Unknown(other)),
        }
    }

    fn flags(&mut self) -> Result<RoomFlags, DecodeError> {
        let byte = self.byte()?;
        RoomFlags::from_bits(byte).ok_or(DecodeError::Unknown(byte))
    }

    fn flag(&mut self) -> Result<bool, DecodeError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(DecodeError::Unknown(other)),
        }
    }

    fn cloak(&mut self) -> Result<Option<Cloak>, DecodeError> {
        match (self.flag()?, self.number()?) {
            (true, number) if number > 0 => Ok(Some(Cloak::new(number))),
            (false, 0) => Ok(None),
            _ => Err(DecodeError::Number),
        }
    }

    fn reason(&mut self) -> Result<CloseReason, DecodeError> {
        let code = self.byte()?;
        let missed = u32::try_from(self.number()?).map_err(|_| DecodeError::Number)?;
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
            10 => CloseReason::BadFrame,
            11 => CloseReason::Killed,
            12 => CloseReason::WrongPassword,
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
        let (member, room, by) = (MemberId(300), RoomId(7), Some(MemberId(u32::MAX)));
        let lagged = CloseReason::Lagged { missed: u32::MAX };
        for (entry, bytes) in [
            (Entry::Enter { member, guest: true, lobby: false, cloak: None }, &b"\x04\0\xac\x02\x01\0\0\0"[..]),
            (
                Entry::Enter { member, guest: false, lobby: true, cloak: Some(Cloak::new(200)) },
                b"\x04\0\xac\x02\0\x01\x01\xc8\x01",
            ),
            (Entry::Notice { member, room, words: "x", at: 9 }, b"\x04\x12\xac\x02\x07\x09\x01x"),
            (Entry::Describe { member, user: "~u", real_name: "R" }, b"\x04\x13\xac\x02\x02~u\x01R"),
            (Entry::Away { member, words: "" }, b"\x04\x14\xac\x02\0"),
            (Entry::Name { member, name: "ann" }, b"\x04\x01\xac\x02\x03ann"),
            (Entry::Join { member: MemberId(0) }, b"\x04\x02\0"),
            (
                Entry::Say { member, room: RoomId(130), words: "h\u{e9}", at: 9 },
                b"\x04\x03\xac\x02\x82\x01\x09\x03h\xc3\xa9",
            ),
            (Entry::Act { member, room: RoomId::LOBBY, words: "waves", at: 9 }, b"\x04\x04\xac\x02\0\x09\x05waves"),
            (Entry::Tell { member, to: MemberId(u32::MAX), words: "x" }, b"\x04\x05\xac\x02\xff\xff\xff\xff\x0f\x01x"),
            (Entry::Leave { member, reason: lagged, words: "" }, b"\x04\x06\xac\x02\x05\xff\xff\xff\xff\x0f\0"),
            (Entry::Leave { member, reason: CloseReason::Quit, words: "bye" }, b"\x04\x06\xac\x02\0\0\x03bye"),
            (Entry::Announce { words: "", at: 9 }, b"\x04\x07\x09\0"),
            (Entry::EnterRoom { member, name: "tea", at: 9 }, b"\x04\x08\xac\x02\x09\x03tea"),
            (Entry::LeaveRoom { member, room, words: "bye" }, b"\x04\x09\xac\x02\x07\x03bye"),
            (Entry::Kick { by: None, member, room, words: "" }, b"\x04\x0a\0\xac\x02\x07\0"),
            (
                Entry::Topic { by, room, words: "tea", styled: "\x02tea", at: 200 },
                b"\x04\x0b\x80\x80\x80\x80\x10\x07\xc8\x01\x03tea\x04\x02tea",
            ),
            (
                Entry::Role { by: Some(member), member, room, role: Role::Voice, given: true },
                b"\x04\x0c\xad\x02\xac\x02\x07\x01\x01",
            ),
            (Entry::Flags { by: None, room, flags: RoomFlags::HIDDEN }, b"\x04\x0d\0\x07\x10"),
            (Entry::Key { by: None, room, key: "k" }, b"\x04\x0e\0\x07\x01k"),
            (Entry::Limit { by: None, room, limit: u32::MAX }, b"\x04\x0f\0\x07\xff\xff\xff\xff\x0f"),
            (
                Entry::Mask {
                    by: None,
                    room,
                    list: MaskList::InviteExceptions,
                    mask: "*!*@a",
                    of: "bob",
                    listed: true,
                    at: 9,
                },
                b"\x04\x10\0\x07\x02\x01\x09\x05*!*@a\x03bob",
            ),
            (Entry::Invite { by: None, member, room }, b"\x04\x11\0\xac\x02\x07"),
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
            (&b"\x01\x02\0"[..], DecodeError::Version(1)),
            (b"\x04\x15\0", DecodeError::Unknown(21)),
            (b"\x04\0\0\x02", DecodeError::Unknown(2)),
            (b"\x04\0\0\0\0\0\x01", DecodeError::Number),
            (b"\x04\x13\0\x0c", DecodeError::TooLong),
            (b"\x04\x13\0\0\x51", DecodeError::TooLong),
            (b"\x04\x14\0\x83\x01", DecodeError::TooLong),
            (b"\x04\x06\0\x0d\0\0", DecodeError::Unknown(13)),
            (b"\x04\x06\0\0\x01\0", DecodeError::Number),
            (b"\x04\x02\x80\0", DecodeError::Number),
            (b"\x04\x02\xff\xff\xff\xff\x1f", DecodeError::Number),
            (b"\x04\x03\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", DecodeError::Number),
            (b"\x04\x01\0\x80\x02", DecodeError::TooLong),
            (b"\x04\x03\0\0\0\x81\x80\x40", DecodeError::TooLong),
            (b"\x04\x03\0\0\0\x01\xff", DecodeError::NotUtf8),
            (b"\x04\x03\0\xff\xff\xff\xff\x1f\0", DecodeError::Number),
            (b"\x04\x08\0\0\x33", DecodeError::TooLong),
            (b"\x04\x09\0\0\x81\x02", DecodeError::TooLong),
            (b"\x04\x0a\0\0\0\x81\x02", DecodeError::TooLong),
            (b"\x04\x0a\x81\x80\x80\x80\x10\0\0\0", DecodeError::Number),
            (b"\x04\x0b\0\0\0\x87\x03", DecodeError::TooLong),
            (b"\x04\x0b\0\0\0\0\x87\x03", DecodeError::TooLong),
            (b"\x04\x0c\0\0\0\x02\x01", DecodeError::Unknown(2)),
            (b"\x04\x0d\0\0\x20", DecodeError::Unknown(32)),
            (b"\x04\x0e\0\0\x21", DecodeError::TooLong),
            (b"\x04\x10\0\0\x03\x01\0", DecodeError::Unknown(3)),
            (b"\x04\x10\0\0\0\x01\0\x81\x01", DecodeError::TooLong),
            (b"\x04\x10\0\0\0\x01\0\0\x80\x02", DecodeError::TooLong),
        ] {
            assert_eq!(Entry::decode(bytes), Err(error), "{}", bytes.escape_ascii());
        }
    }
}
