//! `classic`: the original's wire format. Names and words in base64, one request or message a line.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use data_encoding::BASE64;

use super::{Complaint, Dialect, Event, Request, Unnamed, write};
use crate::command::CloseReason;
use crate::name::SERVER;

/// The original's dialect: `CHAT <base64 name> <base64 words>`, and `NAME <base64 name>` from a client.
#[derive(Clone, Copy, Debug, Default)]
pub struct Classic;

impl Dialect for Classic {
    fn name(&self) -> &'static str {
        "classic"
    }

    fn decode<'a>(&self, line: &'a [u8], scratch: &'a mut Vec<u8>) -> Request<'a> {
        let mut fields = line.split(|byte| *byte == b' ').filter(|field| !field.is_empty());
        match (fields.next(), fields.next(), fields.next(), fields.next()) {
            (None, ..) => Request::Nothing,
            (Some(b"NAME"), Some(name), None, None) => match decode_two(name, b"", scratch) {
                Ok((name, _)) => Request::Name(name),
                Err(complaint) => Request::Invalid(complaint),
            },
            (Some(b"CHAT"), Some(name), Some(words), None) => match decode_two(name, words, scratch) {
                Ok((name, words)) => Request::Say { words, claim: Some(name) },
                Err(complaint) => Request::Invalid(complaint),
            },
            _ => Request::Invalid(Complaint::NotUnderstood),
        }
    }

    fn encode(&self, event: &Event<'_>, out: &mut Vec<u8>) {
        match *event {
            Event::Said { name, words } => chat(name, words, out),
            Event::Acted { name, words } => chat_args(name, format_args!("* {words}"), out),
            Event::Told { from, words } => chat_args(from, format_args!("(private) {words}"), out),
            Event::Announced { words } => chat(SERVER, words, out),
            Event::Missed { count: 1 } => chat(SERVER, "missed 1 message", out),
            Event::Missed { count } => chat_args(SERVER, format_args!("missed {count} messages"), out),
            Event::Refused(complaint) => chat_args(SERVER, format_args!("{complaint}"), out),
            // The original has no words for these.
            Event::Closing { reason: CloseReason::Quit, .. }
            | Event::Joined { .. }
            | Event::Renamed { .. }
            | Event::Left { .. }
            | Event::Welcome { .. }
            | Event::Named { .. }
            | Event::TellPassed { .. }
            | Event::Who { .. }
            | Event::Pong
            | Event::Help => {}
            Event::Closing { reason, words: "" } => chat_args(SERVER, format_args!("closed: {reason}"), out),
            Event::Closing { reason, words } => chat_args(SERVER, format_args!("closed: {reason}: {words}"), out),
            Event::NotOpened(error) => chat_args(SERVER, format_args!("{error}"), out),
        }
    }

    fn encoded_len(&self, payload: usize) -> usize {
        // Two fields, each padded to a multiple of four, around the longest form above.
        (payload + 128).div_ceil(3) * 4 + "CHAT  \n".len() + 8
    }

    fn unnamed(&self) -> Unnamed {
        Unnamed::Anonymous
    }

    fn idle_timeout(&self) -> Option<Duration> {
        // Three ticks of 5 s without a line, as in the original.
        Some(Duration::from_secs(15))
    }
}

/// Decodes two fields into `scratch`.
fn decode_two<'a>(one: &[u8], two: &[u8], scratch: &'a mut Vec<u8>) -> Result<(&'a str, &'a str), Complaint> {
    let len = |field: &[u8]| BASE64.decode_len(field.len()).map_err(|_| Complaint::NotBase64);
    let (len_one, len_two) = (len(one)?, len(two)?);
    scratch.resize(len_one + len_two, 0);
    let (out_one, out_two) = scratch.split_at_mut(len_one);
    Ok((decode(one, out_one)?, decode(two, out_two)?))
}

fn decode<'a>(field: &[u8], out: &'a mut [u8]) -> Result<&'a str, Complaint> {
    let len = BASE64.decode_mut(field, out).map_err(|_| Complaint::NotBase64)?;
    core::str::from_utf8(&out[..len]).map_err(|_| Complaint::NotUtf8)
}

fn chat(name: &str, words: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"CHAT ");
    encode(name.as_bytes(), out);
    out.push(b' ');
    encode(words.as_bytes(), out);
    out.push(b'\n');
}

fn chat_args(name: &str, words: fmt::Arguments<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"CHAT ");
    encode(name.as_bytes(), out);
    out.push(b' ');
    // The words are written out, encoded behind themselves, and taken away: no other buffer is needed.
    let plain = out.len();
    write(out, words);
    let encoded = out.len();
    out.resize(encoded + BASE64.encode_len(encoded - plain), 0);
    let (before, after) = out.split_at_mut(encoded);
    BASE64.encode_mut(&before[plain..], after);
    out.drain(plain..encoded);
    out.push(b'\n');
}

fn encode(field: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + BASE64.encode_len(field.len()), 0);
    BASE64.encode_mut(field, &mut out[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded<'a>(line: &'a str, scratch: &'a mut Vec<u8>) -> Request<'a> {
        Classic.decode(line.as_bytes(), scratch)
    }

    fn encoded(event: Event<'_>) -> alloc::string::String {
        let mut out = b"before ".to_vec();
        Classic.encode(&event, &mut out);
        alloc::string::String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn the_originals_lines_are_understood() {
        let mut scratch = Vec::new();
        assert_eq!(decoded("NAME YWxpY2U=", &mut scratch), Request::Name("alice"));
        assert_eq!(
            decoded("CHAT YWxpY2U= aGVsbG8=", &mut scratch),
            Request::Say { claim: Some("alice"), words: "hello" }
        );
        assert_eq!(
            decoded("CHAT  YWxpY2U=  aGVsbG8= ", &mut scratch),
            decoded("CHAT YWxpY2U= aGVsbG8=", &mut Vec::new())
        );
        assert_eq!(decoded("", &mut scratch), Request::Nothing);
    }

    #[test]
    fn what_is_not_the_originals_is_told_so() {
        for (line, complaint) in [
            ("hello", Complaint::NotUnderstood),
            ("NAME", Complaint::NotUnderstood),
            ("NAME YWxpY2U= YWxpY2U=", Complaint::NotUnderstood),
            ("CHAT YWxpY2U=", Complaint::NotUnderstood),
            ("chat YWxpY2U= aGVsbG8=", Complaint::NotUnderstood),
            ("GET / HTTP/1.1", Complaint::NotUnderstood),
            ("NAME YWxpY2U", Complaint::NotBase64),
            ("NAME YWxpY2U==", Complaint::NotBase64),
            ("NAME YWxp_2U=", Complaint::NotBase64),
            ("NAME YWxpY2V=", Complaint::NotBase64),
            ("NAME /////w==", Complaint::NotUtf8),
            ("CHAT YWxpY2U= wIA=", Complaint::NotUtf8),
            ("CHAT YWxpY2U= 7aCA", Complaint::NotUtf8),
        ] {
            assert_eq!(decoded(line, &mut Vec::new()), Request::Invalid(complaint), "{line}");
        }
    }

    #[test]
    fn everything_shown_is_a_chat_line() {
        assert_eq!(encoded(Event::Said { name: "alice", words: "hello" }), "before CHAT YWxpY2U= aGVsbG8=\n");
        assert_eq!(encoded(Event::Acted { name: "alice", words: "waves" }), "before CHAT YWxpY2U= KiB3YXZlcw==\n");
        assert_eq!(encoded(Event::Missed { count: 12 }), "before CHAT c2VydmVy bWlzc2VkIDEyIG1lc3NhZ2Vz\n");
        assert_eq!(encoded(Event::Joined { name: "alice" }), "before ");
    }
}
