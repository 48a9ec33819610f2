//! Lines over WebSocket (RFC 6455): the handshake, a message for each line that is sent, and the lines that come.

use std::marker::PhantomData;
use std::net::SocketAddr;
use std::str;

use chat_proto::websocket::accept_key;

use super::form::{Form, Heard, Line};
use super::wire::{Encoded, Wire};
use crate::websocket::{masked, opcode};

/// A nonce needs no secret here: nothing between this tool and the server caches.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// The longest head of an answer.
const MAX_HEAD: usize = 8 << 10;

/// Returns the request for the upgrade, at the path where `web` listeners have it; others have it everywhere.
pub(super) fn request(to: SocketAddr) -> Vec<u8> {
    format!(
        "GET /ws HTTP/1.1\r\nHost: {to}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: {KEY}\r\n\r\n"
    )
    .into_bytes()
}

/// Returns how long the head of the answer is; `None` if its end has not come.
///
/// # Errors
///
/// The answer is another one than the upgrade: what it says.
pub(super) fn upgraded(answer: &[u8]) -> Result<Option<usize>, String> {
    let Some(end) = memchr::memmem::find(answer, b"\r\n\r\n") else {
        return if answer.len() < MAX_HEAD { Ok(None) } else { Err("no answer of HTTP".into()) };
    };
    let (head, body) = answer.split_at(end + 4);
    let accept = [b"\r\nSec-WebSocket-Accept: ", &accept_key(KEY.as_bytes())[..], b"\r\n"].concat();
    if head.starts_with(b"HTTP/1.1 101 ") && memchr::memmem::find(head, &accept).is_some() {
        return Ok(Some(head.len()));
    }
    // Servers of this project say why in a sentence.
    let said = if body.is_empty() { head } else { body };
    Err(str::from_utf8(said).ok().and_then(|said| said.lines().next()).unwrap_or("no answer of HTTP").into())
}

/// Makes messages of the lines from `start` on.
pub(super) fn wrap(out: &mut Vec<u8>, start: usize) {
    let lines = out.split_off(start);
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        // Any key that is not zero: the server has to take the mask off.
        let key = (out.len() as u32).wrapping_mul(0x9e37_79b9).to_be_bytes();
        out.extend(masked(true, opcode::TEXT, line.trim_ascii_end(), key));
    }
}

/// The lines of a dialect, each a message. Only what is received differs.
#[derive(Debug)]
pub(super) struct Messages<F>(PhantomData<F>);

impl<F: Form> Form for Messages<F> {
    const HEADER: usize = F::HEADER;
    const END: &[u8] = b"";

    fn name_line(name: &str) -> Vec<u8> {
        F::name_line(name)
    }

    fn line_start(name: &str) -> Vec<u8> {
        F::line_start(name)
    }

    fn header(encoded: &Encoded) -> &[u8] {
        F::header(encoded)
    }

    fn filler(wire: &Wire, size: usize) -> &[u8] {
        F::filler(wire, size)
    }

    fn sender(header: &[u8]) -> Option<u32> {
        F::sender(header)
    }

    fn read(line: &[u8]) -> Option<Line<'_>> {
        F::read(line)
    }

    #[inline]
    fn begin(bytes: &[u8]) -> Option<(usize, Option<usize>)> {
        let (head, len) = match bytes {
            [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([*high, *low]))),
            [_, 127, rest @ ..] => (10, usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).ok()?),
            [_, len, ..] => (2, usize::from(*len)),
            _ => return None,
        };
        Some((head, Some(len)))
    }

    fn first(bytes: &[u8]) -> Option<(&[u8], usize)> {
        let (head, len) = Self::begin(bytes)?;
        let end = head.checked_add(len?)?;
        let payload = bytes.get(head..end)?;
        // The code of a close frame is no line.
        let is_line = matches!(bytes[0] & 0x0f, opcode::TEXT | opcode::BINARY);
        Some((if is_line { payload } else { b"" }, end))
    }

    fn hear_last(bytes: &[u8], heard: &mut Heard) -> usize {
        let mut used = 0;
        while let Some((line, len)) = Self::first(&bytes[used..]) {
            used += len;
            if let Some(line) = F::read(line) {
                heard.take(line);
            }
        }
        used
    }
}

#[cfg(test)]
mod tests {
    use super::super::form::Text;
    use super::super::irc::Irc;
    use super::*;

    #[test]
    fn each_line_is_a_masked_message() {
        let mut out = b"before".to_vec();
        out.extend(Irc::name_line("ann"));
        wrap(&mut out, 6);
        let mut bytes = out.strip_prefix(b"before").expect("what was there");
        let mut lines = Vec::new();
        while let [0x81, len, rest @ ..] = bytes {
            let len = usize::from(len & 0x7f);
            let (key, rest) = rest.split_first_chunk::<4>().expect("a key");
            assert_ne!(*key, [0; 4], "it is masked");
            lines.push(rest[..len].iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect::<Vec<_>>());
            bytes = &rest[len..];
        }
        assert_eq!(lines, [&b"NICK ann"[..], b"USER load 0 * :load"]);
        assert!(bytes.is_empty());
    }

    #[test]
    fn an_answer_is_the_upgrade_or_says_why_not() {
        let accept = String::from_utf8(accept_key(KEY.as_bytes()).to_vec()).expect("base64");
        let head = format!("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {accept}\r\n\r\n");
        assert_eq!(upgraded(format!("{head}\u{1}frames").as_bytes()), Ok(Some(head.len())));
        assert_eq!(upgraded(&head.as_bytes()[..head.len() - 1]), Ok(None));
        let other = head.replace(&accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOO=");
        assert_eq!(upgraded(other.as_bytes()), Err("HTTP/1.1 101 Switching Protocols".into()));
        let full = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 19\r\n\r\nthe server is full\n";
        assert_eq!(upgraded(full.as_bytes()), Err("the server is full".into()));
    }

    #[test]
    fn messages_are_lines_and_close_frames_are_none() {
        let mut heard = Heard::default();
        let bytes = b"\x81\x09! closed!\x88\x02\x03\xe8\x81\x05hel";
        assert_eq!(Messages::<Text>::hear_last(bytes, &mut heard), 15);
        assert_eq!(heard.told.as_deref(), Some("closed!"));
        assert_eq!(Messages::<Text>::first(&bytes[15..]), None, "it is not complete");
    }

    #[test]
    fn all_lengths_are_read() {
        for len in [0_usize, 1, 125, 126, 127, 0xffff, 0x1_0000] {
            let mut bytes = Vec::new();
            chat_proto::websocket::encode(chat_proto::MessageKind::Text, &vec![b'x'; len], &mut bytes);
            let (line, used) = Messages::<Text>::first(&bytes).expect("a message");
            assert_eq!((line.len(), used), (len, bytes.len()));
            assert_eq!(Messages::<Text>::first(&bytes[..bytes.len() - 1]), None);
        }
    }
}
