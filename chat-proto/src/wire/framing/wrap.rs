//! Lines wrapped as messages of [WebSocket](super::websocket), and the control frames that go out between them.

use alloc::vec::Vec;
use core::iter;

use arrayvec::ArrayVec;
use memchr::memchr;

use super::MessageKind;
use super::frame::{MAX_CONTROL, Opcode, Payload, head, head_len};
use crate::command::CloseReason;

/// A frame that goes out between messages.
#[derive(Clone, Debug)]
pub(crate) enum Control {
    Pong(Payload),
    /// The last of all. It has a code, unless it answers one that has none.
    Close(Option<u16>),
}

impl Control {
    /// Returns the whole frame.
    pub(crate) fn frame(&self) -> ArrayVec<u8, { 2 + MAX_CONTROL }> {
        let (opcode, payload) = match self {
            Self::Pong(payload) => (Opcode::Pong, payload.clone()),
            Self::Close(code) => (Opcode::Close, code.iter().flat_map(|code| code.to_be_bytes()).collect()),
        };
        head(opcode, payload.len()).into_iter().chain(payload).collect()
    }
}

/// Returns the code with which a session is closed for a reason.
pub(crate) fn close_code(reason: CloseReason) -> u16 {
    match reason {
        CloseReason::Quit | CloseReason::Eof => 1000,
        CloseReason::ShutDown => 1001,
        CloseReason::BadFrame => 1002,
        _ => 1008,
    }
}

/// Returns the frames of lines: for each its header, its payload, and how many bytes the line has with its line end.
pub(crate) fn frames(kind: MessageKind, lines: &[u8]) -> impl Iterator<Item = (ArrayVec<u8, 10>, &[u8], usize)> {
    let mut rest = lines;
    iter::from_fn(move || {
        let len = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let (line, others) = rest.split_at(len);
        rest = others;
        (len > 0).then_some(line)
    })
    .map(move |line| {
        let payload = payload_of(line);
        (message_head(kind, payload.len()), payload, line.len())
    })
}

/// Returns a line without its line end.
fn payload_of(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line))
}

pub(super) fn message_head(kind: MessageKind, len: usize) -> ArrayVec<u8, 10> {
    head(if kind == MessageKind::Text { Opcode::Text } else { Opcode::Binary }, len)
}

/// Appends lines, each as a message.
#[inline(never)] // Readers of lines pay nothing for it.
pub(crate) fn wrap(kind: MessageKind, lines: &[u8], out: &mut Vec<u8>) {
    for (head, payload, _) in frames(kind, lines) {
        out.extend_from_slice(&head);
        out.extend_from_slice(payload);
    }
}

/// Makes messages of the lines of one update, which begin at `start`. They take at most [`wrapped_bound`] bytes: if a
/// dialect of the embedding program makes many lines of a few bytes, all are one message.
#[inline]
pub(crate) fn wrap_update(kind: MessageKind, start: usize, out: &mut Vec<u8>) {
    let lines = &out[start..];
    let is_one = memchr(b'\n', lines).is_some_and(|end| end + 1 == lines.len());
    if is_one { wrap_line(kind, start, out) } else { wrap_lines(kind, start, out) }
}

/// Does it for a single line, which is what nearly all updates are. Each is moved by the length of its header only.
#[inline]
fn wrap_line(kind: MessageKind, start: usize, out: &mut Vec<u8>) {
    let len = payload_of(&out[start..]).len();
    let payload = start + head_len(len);
    // The header may be longer than the line end, or shorter.
    out.resize(out.len().max(payload + len), 0);
    out.copy_within(start..start + len, payload);
    out.truncate(payload + len);
    out[start..payload].copy_from_slice(&message_head(kind, len));
}

/// Does it for several lines, for one without its end, or for none.
#[inline(never)]
fn wrap_lines(kind: MessageKind, start: usize, out: &mut Vec<u8>) {
    let end = out.len();
    let mut at = start;
    while at < end {
        let next = memchr(b'\n', &out[at..end]).map_or(end, |len| at + len + 1);
        let len = payload_of(&out[at..next]).len();
        out.extend_from_slice(&message_head(kind, len));
        out.extend_from_within(at..at + len);
        at = next;
    }
    if out.len() - end > wrapped_bound(end - start) {
        out.truncate(end);
        out.extend_from_slice(&message_head(kind, end - start));
        out.extend_from_within(start..end);
    }
    out.drain(start..end);
}

/// The most bytes of the messages of an update of so many bytes: lines of 16 bytes or more need no more, and the header
/// of a single one has 10.
pub(crate) const fn wrapped_bound(len: usize) -> usize {
    len + len / 16 + 10
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn wrapped(lines: &[u8]) -> Vec<u8> {
        let mut out = b"before".to_vec();
        out.extend_from_slice(lines);
        wrap_update(MessageKind::Text, 6, &mut out);
        assert!(out.starts_with(b"before"));
        out.split_off(6)
    }

    #[test]
    fn each_line_of_an_update_is_a_message() {
        assert_eq!(wrapped(b""), b"");
        assert_eq!(wrapped(b"* a line of words\n"), b"\x81\x11* a line of words");
        assert_eq!(wrapped(b"* a line of words\r\n"), b"\x81\x11* a line of words");
        assert_eq!(wrapped(b"\n"), b"\x81\x00");
        let two = wrapped(b"* a line of words\r\n* and one without end");
        assert_eq!(two, b"\x81\x11* a line of words\x81\x15* and one without end");
        let mut out = Vec::new();
        wrap(MessageKind::Binary, b"* one\n\n* two\n", &mut out);
        assert_eq!(out, b"\x82\x05* one\x82\x00\x82\x05* two");
    }

    #[test]
    fn many_short_lines_of_an_update_are_one_message() {
        assert_eq!(wrapped(&[b'\n'; 100]), [&[0x81, 100][..], &[b'\n'; 100]].concat());
    }

    #[test]
    fn an_update_takes_no_more_than_its_bound() {
        for len in [1, 2, 15, 16, 17, 125, 126, 127, 128, 1_000, 0xffff, 0x1_0000, 0x1_0001, 0x2_0000] {
            for short in [1, 2, 5, 16, 17, 126, 200, len] {
                let mut lines = vec![b'x'; len];
                lines.iter_mut().skip(short - 1).step_by(short).for_each(|byte| *byte = b'\n');
                assert!(wrapped(&lines).len() <= wrapped_bound(len), "{len} bytes in lines of {short}");
            }
        }
    }
}
