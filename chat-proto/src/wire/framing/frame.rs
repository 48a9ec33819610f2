//! Headers of WebSocket frames (RFC 6455, section 5.2): those of clients, taken as they come, and those for clients.

use core::fmt;

use arrayvec::ArrayVec;

/// The most bytes of the payload of a control frame.
pub(crate) const MAX_CONTROL: usize = 125;

/// The most bytes of a header that a client sends: two, a length of eight, and a key of four.
const MAX_HEAD: usize = 14;

/// The payload of a control frame.
pub(crate) type Payload = ArrayVec<u8, MAX_CONTROL>;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

impl Opcode {
    fn new(number: u8) -> Option<Self> {
        [Self::Continuation, Self::Text, Self::Binary, Self::Close, Self::Ping, Self::Pong]
            .into_iter()
            .find(|opcode| *opcode as u8 == number)
    }

    pub(crate) const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// A rule of WebSocket that a peer has broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// A reserved bit is set, although no extension was agreed on.
    ReservedBit,
    /// The opcode is none of those that there are.
    Opcode,
    /// A frame of a client is not masked.
    NotMasked,
    /// The length is not in its shortest form, or is 2⁶³ or more.
    Length,
    /// A control frame is in fragments.
    FragmentedControl,
    /// A control frame has more than 125 bytes.
    LongControl,
    /// A message begins before the last fragment of another.
    Unfinished,
    /// A fragment continues no message.
    NothingToContinue,
    /// A close frame has half a code, or a code that nobody may send.
    CloseCode,
    /// A text message or the reason of a close frame is not UTF-8.
    NotUtf8,
    /// A message is longer than allowed.
    TooLong,
}

impl Violation {
    /// Returns the code with which the connection is closed (RFC 6455, section 7.4.1).
    #[must_use]
    pub const fn close_code(self) -> u16 {
        match self {
            Self::NotUtf8 => 1007,
            Self::TooLong => 1009,
            _ => 1002,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedBit => "a reserved bit is set",
            Self::Opcode => "the opcode is unknown",
            Self::NotMasked => "a frame is not masked",
            Self::Length => "a length is not in its shortest form, or too large",
            Self::FragmentedControl => "a control frame is in fragments",
            Self::LongControl => "a control frame is longer than 125 bytes",
            Self::Unfinished => "a message begins before the end of another",
            Self::NothingToContinue => "a fragment continues no message",
            Self::CloseCode => "the code of a close frame is not valid",
            Self::NotUtf8 => "a text is not UTF-8",
            Self::TooLong => "a message is too long",
        })
    }
}

impl core::error::Error for Violation {}

/// The header of a client's frame, and how much of the payload is still to come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) is_last: bool,
    pub(crate) opcode: Opcode,
    /// Bytes of the payload that have not come yet.
    pub(crate) left: u64,
    /// Its first byte masks the next byte of the payload.
    pub(crate) key: [u8; 4],
}

/// The bytes of a header that have come so far.
#[derive(Debug, Default)]
pub(crate) struct HeadBytes {
    bytes: [u8; MAX_HEAD],
    len: u8,
}

impl HeadBytes {
    /// Returns whether none has come.
    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes bytes up to the end of the header; returns how many, and the header once it is complete.
    pub(crate) fn take(&mut self, input: &[u8]) -> (usize, Result<Option<Head>, Violation>) {
        for (index, byte) in input.iter().enumerate() {
            self.bytes[usize::from(self.len)] = *byte;
            self.len += 1;
            if self.len == 2
                && let Err(violation) = self.check_start()
            {
                return (index + 1, Err(violation));
            }
            if self.len > 1 && usize::from(self.len) == self.whole() {
                self.len = 0;
                return (index + 1, self.parse().map(Some));
            }
        }
        (input.len(), Ok(None))
    }

    /// Checks what the first two bytes say.
    fn check_start(&self) -> Result<(), Violation> {
        let [first, second, ..] = self.bytes;
        let Some(opcode) = Opcode::new(first & 0x0f) else { return Err(Violation::Opcode) };
        if first & 0x70 != 0 {
            Err(Violation::ReservedBit)
        } else if opcode.is_control() && first & 0x80 == 0 {
            Err(Violation::FragmentedControl)
        } else if opcode.is_control() && usize::from(second & 0x7f) > MAX_CONTROL {
            Err(Violation::LongControl)
        } else if second & 0x80 == 0 {
            Err(Violation::NotMasked)
        } else {
            Ok(())
        }
    }

    /// Returns how many bytes the header has, given the first two.
    fn whole(&self) -> usize {
        6 + match self.bytes[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        }
    }

    fn parse(&self) -> Result<Head, Violation> {
        let whole = self.whole();
        let len = match (&self.bytes[2..whole - 4], self.bytes[1] & 0x7f) {
            ([], len) => u64::from(len),
            (extended, _) => extended.iter().fold(0, |len, byte| len << 8 | u64::from(*byte)),
        };
        let (least, most) = match whole {
            6 => (0, 125),
            8 => (126, 0xffff),
            _ => (0x1_0000, u64::MAX >> 1),
        };
        if !(least..=most).contains(&len) {
            return Err(Violation::Length);
        }
        let mut key = [0; 4];
        key.copy_from_slice(&self.bytes[whole - 4..whole]);
        let opcode = Opcode::new(self.bytes[0] & 0x0f).ok_or(Violation::Opcode)?;
        Ok(Head { is_last: self.bytes[0] & 0x80 != 0, opcode, left: len, key })
    }
}

impl Head {
    /// Returns how many of so many bytes belong to the payload, but at most `most`.
    pub(crate) fn of(&self, available: usize, most: usize) -> usize {
        available.min(most).min(usize::try_from(self.left).unwrap_or(usize::MAX))
    }

    /// Counts bytes of the payload as taken.
    pub(crate) fn pass(&mut self, n: usize) {
        self.left -= n as u64;
        self.key.rotate_left(n % 4);
    }
}

/// Takes the mask off bytes, of which the first was masked with the first byte of the key.
pub(crate) fn unmask(bytes: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let twice = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (chunks, rest) = bytes.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ twice).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// Returns the header of a frame for a client: a whole message or a control frame, not masked.
pub(crate) fn head(opcode: Opcode, len: usize) -> ArrayVec<u8, 10> {
    let mut head = ArrayVec::new();
    head.push(0x80 | opcode as u8);
    if len <= MAX_CONTROL {
        head.push(len as u8);
    } else if let Ok(len) = u16::try_from(len) {
        head.push(126);
        head.extend(len.to_be_bytes());
    } else {
        head.push(127);
        head.extend((len as u64).to_be_bytes());
    }
    head
}

/// Returns how many bytes that header has.
pub(crate) const fn head_len(len: usize) -> usize {
    match len {
        0..=125 => 2,
        126..=0xffff => 4,
        _ => 10,
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Takes a header in one piece, then a byte at a time; both must give the same.
    fn parse(bytes: &[u8]) -> Result<Option<Head>, Violation> {
        let (n, whole) = HeadBytes::default().take(bytes);
        let (mut pieces, mut taken) = (HeadBytes::default(), 0);
        let mut last = Ok(None);
        for byte in bytes {
            let (n, head) = pieces.take(&[*byte]);
            taken += n;
            last = head;
            if !matches!(last, Ok(None)) {
                break;
            }
        }
        assert_eq!((n, alloc::format!("{whole:?}")), (taken, alloc::format!("{last:?}")));
        whole
    }

    #[test]
    fn lengths_have_one_form_each() {
        let key = [1, 2, 3, 4];
        for (len, is_valid) in [(0_u64, true), (125, true), (126, false), (0xffff, false)] {
            let short = [&[0x81, 0x80 | len.min(127) as u8][..], &key].concat();
            if is_valid {
                assert!(matches!(parse(&short), Ok(Some(Head { left, .. })) if left == len), "{len}");
            }
        }
        for (len, is_valid) in [(125_u16, false), (126, true), (u16::MAX, true)] {
            let middle = [&[0x82, 0xfe][..], &len.to_be_bytes(), &key].concat();
            assert_eq!(matches!(parse(&middle), Ok(Some(_))), is_valid, "{len}");
        }
        for (len, is_valid) in
            [(0xffff_u64, false), (0x1_0000, true), (1 << 30, true), (u64::MAX >> 1, true), (1 << 63, false)]
        {
            let long = [&[0x82, 0xff][..], &len.to_be_bytes(), &key].concat();
            assert_eq!(matches!(parse(&long), Ok(Some(_))), is_valid, "{len}");
        }
    }

    #[test]
    fn what_a_client_must_not_send_is_seen_in_the_first_two_bytes() {
        for (start, violation) in [
            ([0xc1, 0x80], Violation::ReservedBit),
            ([0xa1, 0x80], Violation::ReservedBit),
            ([0x91, 0x80], Violation::ReservedBit),
            ([0x83, 0x80], Violation::Opcode),
            ([0x8b, 0x80], Violation::Opcode),
            ([0x81, 0x00], Violation::NotMasked),
            ([0x09, 0x80], Violation::FragmentedControl),
            ([0x89, 0xfe], Violation::LongControl),
        ] {
            assert_eq!(parse(&start).err(), Some(violation), "{start:x?}");
        }
    }

    #[test]
    fn a_header_for_a_client_has_the_shortest_length() {
        for (len, expected) in [
            (0, &[0x81, 0][..]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (0xffff, &[0x81, 126, 0xff, 0xff]),
            (0x1_0000, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            assert_eq!((&head(Opcode::Text, len)[..], head_len(len)), (expected, expected.len()));
        }
    }

    #[test]
    fn a_mask_is_taken_off_wherever_the_payload_is_cut() {
        let (key, text) = ([0x37, 0xfa, 0x21, 0x3d], b"some words that are longer than the key");
        let masked: Vec<u8> = text.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        for cut in 0..=masked.len() {
            let mut head = Head { is_last: true, opcode: Opcode::Text, left: masked.len() as u64, key };
            let mut out = Vec::new();
            for piece in [&masked[..cut], &masked[cut..]] {
                let (start, n) = (out.len(), head.of(piece.len(), usize::MAX));
                out.extend_from_slice(&piece[..n]);
                unmask(&mut out[start..], head.key);
                head.pass(n);
            }
            assert_eq!((&out[..], head.left), (&text[..], 0), "cut at {cut}");
        }
    }
}
