//! How a dialect writes lines: messages, and the server's other lines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::wire::{CLASSIC_HEADER, Encoded, HEADER, Wire, get};

/// How a dialect writes lines.
pub(super) trait Form {
    /// Bytes of a header on the wire.
    const HEADER: usize;

    /// The line end.
    const END: &[u8] = b"\n";

    /// Returns the line that asks for a name.
    fn name_line(name: &str) -> Vec<u8>;

    /// Returns the bytes before the text in a message of a member with that name.
    fn line_start(name: &str) -> Vec<u8>;

    /// Returns a header as it is written in lines.
    fn header(encoded: &Encoded) -> &[u8];

    /// Returns the bytes after the header in the line of a message of that size, without the line end.
    fn filler(wire: &Wire, size: usize) -> &[u8];

    /// Returns the sender in the first [`HEADER`](Self::HEADER) bytes of a message.
    fn sender(header: &[u8]) -> Option<u32>;

    /// Parses a line from the server; `None` if it does not concern this tool.
    fn read(line: &[u8]) -> Option<Line<'_>>;

    /// Returns how many bytes come before the line at the start of `bytes`, and how many the line has if they tell it.
    #[inline]
    fn begin(_bytes: &[u8]) -> Option<(usize, Option<usize>)> {
        Some((0, None))
    }

    /// Returns the first line without its end, and how many bytes it takes; `None` if it is not complete.
    fn first(bytes: &[u8]) -> Option<(&[u8], usize)> {
        memchr::memchr(b'\n', bytes).map(|end| (&bytes[..end], end + 1))
    }

    /// Takes in what a session must hear of lines whose other contents are discarded: why it is closed. Returns how
    /// many bytes the complete lines have.
    fn hear_last(bytes: &[u8], heard: &mut Heard) -> usize {
        let (lines, used) = complete_lines(bytes);
        let last = lines.strip_suffix(b"\n").and_then(|lines| lines.rsplit(|byte| *byte == b'\n').next());
        if let Some(line) = last.and_then(Self::read) {
            heard.take(line);
        }
        used
    }
}

/// Returns the lines whose ends have come, and how many bytes they have.
pub(super) fn complete_lines(bytes: &[u8]) -> (&[u8], usize) {
    let used = memchr::memrchr(b'\n', bytes).map_or(0, |end| end + 1);
    (&bytes[..used], used)
}

/// A line from the server, without its line end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A message.
    Said {
        /// The bytes before the text: the name, and what the dialect puts around it.
        prefix: &'a [u8],
        /// The text.
        words: Vec<u8>,
    },
    /// The session missed this many messages.
    Missed(u64),
    /// An error, the reason for closing the session, or an announcement.
    Told(String),
    /// The server asks whether the session is there, with this token.
    Asked(&'a [u8]),
    /// The session is registered.
    Registered,
    /// The session is in the room, and was told who else is.
    Joined,
}

/// What a session was told about itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// The last notice.
    pub(super) told: Option<String>,
    /// What it has to answer.
    pub(super) answer: Vec<u8>,
    /// It is registered.
    pub(super) is_registered: bool,
    /// It is in the room.
    pub(super) has_joined: bool,
}

impl Heard {
    /// Takes in a line; messages are for others.
    pub(super) fn take(&mut self, line: Line<'_>) {
        match line {
            Line::Told(words) => self.told = Some(words),
            Line::Asked(token) => {
                self.answer.extend_from_slice(&[b"PONG ", token, b"\r\n"].concat());
            }
            Line::Registered => self.is_registered = true,
            Line::Joined => self.has_joined = true,
            Line::Said { .. } | Line::Missed(_) => {}
        }
    }
}

/// The dialect `text`.
#[derive(Debug)]
pub(super) struct Text;

impl Form for Text {
    const HEADER: usize = HEADER;

    fn name_line(name: &str) -> Vec<u8> {
        format!("/name {name}\n").into_bytes()
    }

    fn line_start(_name: &str) -> Vec<u8> {
        Vec::new()
    }

    fn header(encoded: &Encoded) -> &[u8] {
        &encoded.text
    }

    fn filler(wire: &Wire, size: usize) -> &[u8] {
        &wire.text_filler[..size - HEADER]
    }

    fn sender(header: &[u8]) -> Option<u32> {
        get(header.get(3..6)?).map(|sender| sender as u32)
    }

    fn read(line: &[u8]) -> Option<Line<'_>> {
        if let Some(words) = line.strip_prefix(b"! ").or_else(|| line.strip_prefix(b"* server: ")) {
            return Some(Line::Told(String::from_utf8_lossy(words).into_owned()));
        }
        if let Some(words) = line.strip_prefix(b"* ") {
            return missed(words);
        }
        let colon = memchr::memmem::find(line, b": ")?;
        Some(Line::Said { prefix: &line[..colon + 2], words: line[colon + 2..].to_vec() })
    }
}

/// The values of base64's characters. Other characters may have any value, since the decoded bytes are compared.
const SIX_BITS: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits = [0; 256];
    let mut i = 0;
    while i < alphabet.len() {
        bits[alphabet[i] as usize] = i as u8;
        i += 1;
    }
    bits
};

/// The dialect `classic`.
#[derive(Debug)]
pub(super) struct Classic;

impl Form for Classic {
    const HEADER: usize = CLASSIC_HEADER;

    fn name_line(name: &str) -> Vec<u8> {
        format!("NAME {}\n", STANDARD.encode(name)).into_bytes()
    }

    fn line_start(name: &str) -> Vec<u8> {
        format!("CHAT {} ", STANDARD.encode(name)).into_bytes()
    }

    fn header(encoded: &Encoded) -> &[u8] {
        &encoded.classic
    }

    fn filler(wire: &Wire, size: usize) -> &[u8] {
        let len = (size - HEADER).div_ceil(3) * 4;
        let longest = &wire.classic_filler[(size - HEADER) % 3];
        &longest[longest.len() - len..]
    }

    fn sender(header: &[u8]) -> Option<u32> {
        // Decoded by hand: this runs for every message received, and a general decoder takes longer than all the rest.
        let bits = header.get(4..8)?.iter().fold(0, |bits, c| bits << 6 | u32::from(SIX_BITS[usize::from(*c)]));
        get(&bits.to_be_bytes()[1..]).map(|sender| sender as u32)
    }

    fn read(line: &[u8]) -> Option<Line<'_>> {
        let after_name = memchr::memchr(b' ', line.strip_prefix(b"CHAT ")?)? + b"CHAT  ".len();
        let (prefix, words) = line.split_at(after_name);
        let words = STANDARD.decode(words).ok()?;
        if prefix == b"CHAT c2VydmVy " {
            return missed(&words).or_else(|| Some(Line::Told(String::from_utf8_lossy(&words).into_owned())));
        }
        Some(Line::Said { prefix, words })
    }
}

/// Parses `missed 12 messages`.
pub(super) fn missed(words: &[u8]) -> Option<Line<'static>> {
    let count = std::str::from_utf8(words).ok()?.strip_prefix("missed ")?;
    let count = count.strip_suffix(" messages").or_else(|| count.strip_suffix(" message"))?;
    count.parse().ok().map(Line::Missed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_distinguished_from_messages() {
        let told = |words: &str| Some(Line::Told(words.into()));
        assert_eq!(Text::read(b"! closed: timed out"), told("closed: timed out"));
        assert_eq!(Text::read(b"* server: shutting down"), told("shutting down"));
        assert_eq!(Text::read(b"* missed 12 messages"), Some(Line::Missed(12)));
        assert_eq!(Text::read(b"* missed 1 message"), Some(Line::Missed(1)));
        assert_eq!(Text::read(b"* alice joined"), None);
        let from_server = |words: &str| format!("CHAT c2VydmVy {}", STANDARD.encode(words)).into_bytes();
        assert_eq!(Classic::read(&from_server("closed: timed out")), told("closed: timed out"));
        assert_eq!(Classic::read(&from_server("missed 12 messages")), Some(Line::Missed(12)));
        assert_eq!(Classic::read(b"CHAT YWxpY2U= ?"), None);
    }
}
