//! `classic`: the original's wire format. Names and words in base64, one request or message a line. `docs/classic.md`
//! in the project's repository specifies it.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use base64_simd::{AsOut as _, STANDARD};
use simdutf8::basic::from_utf8;

use super::{Complaint, Dialect, Manner, Request, Unnamed, Update, write};
use crate::command::CloseReason;
use crate::names::SERVER;

/// The original's dialect: `CHAT <base64 name> <base64 words>`, and `NAME <base64 name>` from a client.
///
/// Additions to the original have lines of their own, so that no message can look like one: `TELL <base64 name> <base64
/// words>` is private, `ACT <base64 name> <base64 words>` an action.
#[derive(Clone, Copy, Debug, Default)]
pub struct Classic;

impl Dialect for Classic {
    fn name(&self) -> &'static str {
        "classic"
    }

    fn decode<'a>(&self, line: &'a [u8], named: bool, scratch: &'a mut Vec<u8>) -> Request<'a> {
        let line = line.trim_ascii_start();
        let request = if let Some(rest) = line.strip_prefix(b"CHAT ") {
            chat_request(rest, named, scratch)
        } else if let Some(rest) = line.strip_prefix(b"NAME ") {
            name_request(rest, scratch)
        } else if line.is_empty() {
            Ok(Request::Nothing)
        } else {
            Err(not_understood(line))
        };
        request.unwrap_or_else(Request::Invalid)
    }

    fn encode(&self, update: &Update<'_>, out: &mut Vec<u8>) {
        match *update {
            // With its padding, base64 has one form for the same words, so the received form can be sent on.
            Update::Said { name, wire: Some(wire), .. } => {
                chat_start(name, out);
                out.extend_from_slice(wire);
                out.push(b'\n');
            }
            Update::Said { name, words, wire: None } | Update::Noticed { name, words } => chat(name, words, out),
            Update::Acted { name, words } => line(b"ACT ", name, words, out),
            Update::Told { from, words, manner: Manner::Said | Manner::Acted | Manner::Noticed } => {
                line(b"TELL ", from, words, out);
            }
            Update::Announced { words } => chat(SERVER, words, out),
            Update::Missed { count: 1 } => chat(SERVER, "missed 1 message", out),
            Update::Missed { count } => chat_args(SERVER, format_args!("missed {count} messages"), out),
            Update::Refused(complaint) => chat_args(SERVER, format_args!("{complaint}"), out),
            // The original has no lines for these.
            Update::Closing { reason: CloseReason::Quit, .. }
            | Update::Told { .. }
            | Update::Joined { .. }
            | Update::Renamed { .. }
            | Update::Left { .. }
            | Update::CameAndWent { .. }
            | Update::Welcome { .. }
            | Update::BacklogBegins
            | Update::BacklogEnds
            | Update::Named { .. }
            | Update::TellPassed { .. }
            | Update::Entered { .. }
            | Update::Parted { .. }
            | Update::Kicked { .. }
            | Update::TopicSet { .. }
            | Update::RoleSet { .. }
            | Update::BanSet { .. }
            | Update::InRoom { .. }
            | Update::LeftRoom { .. }
            | Update::KickedOut { .. }
            | Update::InNoRoom
            | Update::Topic { .. }
            | Update::RoomListed { .. }
            | Update::RoomsEnd { .. }
            | Update::BanListed { .. }
            | Update::BansEnd { .. }
            | Update::Invited { .. }
            | Update::InvitePassed { .. }
            | Update::Who { .. }
            | Update::Pong { .. }
            | Update::Tagged { .. }
            | Update::RoomChanged { .. }
            | Update::ModesSet { .. }
            | Update::AwaySet { .. }
            | Update::RealNameSet { .. }
            | Update::OtherInvited { .. }
            | Update::SilenceWarning
            | Update::Help { .. } => {}
            Update::Closing { reason, words: "" } => chat_args(SERVER, format_args!("closed: {reason}"), out),
            Update::Closing { reason, words } => chat_args(SERVER, format_args!("closed: {reason}: {words}"), out),
            Update::NotOpened(error) => chat_args(SERVER, format_args!("{error}"), out),
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

fn chat_request<'a>(rest: &'a [u8], named: bool, scratch: &'a mut Vec<u8>) -> Result<Request<'a>, Complaint<'static>> {
    let (claim, words) = fields(rest);
    if words.is_empty() {
        return Err(Complaint::NotUnderstood);
    }
    let wire = Some(words);
    if named {
        return Ok(Request::Say { words: decode(words, scratch)?, claim: None, wire });
    }
    let (words, claim) = decode_two(words, claim, scratch)?;
    Ok(Request::Say { words, claim: Some(claim), wire })
}

fn name_request<'a>(rest: &[u8], scratch: &'a mut Vec<u8>) -> Result<Request<'a>, Complaint<'static>> {
    match fields(rest) {
        ([], _) | (_, [_, ..]) => Err(Complaint::NotUnderstood),
        (name, []) => decode(name, scratch).map(Request::Name),
    }
}

/// Returns the complaint for a line of no known kind.
#[cold]
#[inline(never)] // Inlined, it would slow every line down.
fn not_understood(line: &[u8]) -> Complaint<'static> {
    if from_utf8(line).is_ok() { Complaint::NotUnderstood } else { Complaint::NotUtf8 }
}

/// Splits off the first field. Spaces separate it from the last, in which a space is not valid base64.
fn fields(rest: &[u8]) -> (&[u8], &[u8]) {
    let rest = rest.trim_ascii();
    // Names are short, so a search that starts quickly beats one with more throughput.
    let (first, last) = rest.split_at(rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len()));
    (first, last.trim_ascii_start())
}

/// Decodes a field into `scratch`.
fn decode<'a>(field: &[u8], scratch: &'a mut Vec<u8>) -> Result<&'a str, Complaint<'static>> {
    scratch.clear();
    STANDARD.decode_append(field, scratch).map_err(|_| Complaint::NotBase64)?;
    text(scratch)
}

/// Decodes two fields into `scratch`.
fn decode_two<'a>(one: &[u8], two: &[u8], scratch: &'a mut Vec<u8>) -> Result<(&'a str, &'a str), Complaint<'static>> {
    scratch.clear();
    STANDARD.decode_append(one, scratch).map_err(|_| Complaint::NotBase64)?;
    let len = scratch.len();
    STANDARD.decode_append(two, scratch).map_err(|_| Complaint::NotBase64)?;
    let (one, two) = scratch.split_at(len);
    Ok((text(one)?, text(two)?))
}

fn text(decoded: &[u8]) -> Result<&str, Complaint<'static>> {
    from_utf8(decoded).map_err(|_| Complaint::NotUtf8)
}

fn chat_start(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"CHAT ");
    STANDARD.encode_append(name, out);
    out.push(b' ');
}

fn chat(name: &str, words: &str, out: &mut Vec<u8>) {
    chat_start(name, out);
    STANDARD.encode_append(words, out);
    out.push(b'\n');
}

fn line(verb: &[u8], name: &str, words: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(verb);
    STANDARD.encode_append(name, out);
    out.push(b' ');
    STANDARD.encode_append(words, out);
    out.push(b'\n');
}

fn chat_args(name: &str, words: fmt::Arguments<'_>, out: &mut Vec<u8>) {
    chat_start(name, out);
    // The words are written, encoded behind themselves, and removed, so no other buffer is needed.
    let plain = out.len();
    write(out, words);
    let start = out.len();
    out.resize(start + STANDARD.encoded_length(start - plain), 0);
    let (before, after) = out.split_at_mut(start);
    let _ = STANDARD.encode(&before[plain..], after.as_out());
    out.drain(plain..start);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded<'a>(line: &'a str, scratch: &'a mut Vec<u8>) -> Request<'a> {
        Classic.decode(line.as_bytes(), false, scratch)
    }

    fn encoded(update: Update<'_>) -> alloc::string::String {
        let mut out = b"before ".to_vec();
        Classic.encode(&update, &mut out);
        alloc::string::String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn the_originals_lines_are_understood() {
        let mut scratch = Vec::new();
        assert_eq!(decoded("NAME YWxpY2U=", &mut scratch), Request::Name("alice"));
        assert_eq!(
            decoded("CHAT YWxpY2U= aGVsbG8=", &mut scratch),
            Request::Say { claim: Some("alice"), words: "hello", wire: Some(b"aGVsbG8=") }
        );
        assert_eq!(
            decoded("CHAT  YWxpY2U=  aGVsbG8= ", &mut scratch),
            decoded("CHAT YWxpY2U= aGVsbG8=", &mut Vec::new())
        );
        assert_eq!(decoded("", &mut scratch), Request::Nothing);
    }

    #[test]
    fn the_name_on_a_line_is_ignored_once_the_session_has_one() {
        let said = Request::Say { claim: None, words: "hello", wire: Some(b"aGVsbG8=") };
        assert_eq!(Classic.decode(b"CHAT YWxpY2U= aGVsbG8=", true, &mut Vec::new()), said);
        assert_eq!(Classic.decode(b"CHAT rubbish aGVsbG8=", true, &mut Vec::new()), said);
    }

    #[test]
    fn lines_that_are_not_the_originals_are_refused() {
        for (line, complaint) in [
            ("hello", Complaint::NotUnderstood),
            ("NAME", Complaint::NotUnderstood),
            ("NAME YWxpY2U= YWxpY2U=", Complaint::NotUnderstood),
            ("CHAT YWxpY2U=", Complaint::NotUnderstood),
            ("CHAT YWxpY2U= aGVsbG8= aGVsbG8=", Complaint::NotBase64),
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
    fn messages_actions_and_private_messages_have_lines_of_their_own() {
        for wire in [None, Some(&b"aGVsbG8="[..])] {
            assert_eq!(
                encoded(Update::Said { name: "alice", words: "hello", wire }),
                "before CHAT YWxpY2U= aGVsbG8=\n"
            );
        }
        assert_eq!(encoded(Update::Acted { name: "alice", words: "waves" }), "before ACT YWxpY2U= d2F2ZXM=\n");
        assert_eq!(
            encoded(Update::Told { from: "alice", words: "hello", manner: Manner::Said }),
            "before TELL YWxpY2U= aGVsbG8=\n"
        );
        assert_eq!(encoded(Update::Missed { count: 12 }), "before CHAT c2VydmVy bWlzc2VkIDEyIG1lc3NhZ2Vz\n");
        assert_eq!(encoded(Update::Joined { name: "alice" }), "before ");
    }
}
