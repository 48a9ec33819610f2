//! Target `receive_http`: raw bytes from a peer on the port for browsers, cut in any way.
//!
//! An input is a digit with the number of cut sizes that follow, those sizes as characters, and then the peer's bytes.
//! It is played twice: whole, to a peer that takes its answers at once; and in pieces, to one that takes pieces. Both
//! must be answered the same, in answers that a browser can tell apart, and the connection must end some time.

use chat_proto::http::{Action, Connection, MAX_HEAD, Resource, Site};
use chat_proto::{MessageKind, Timestamp};

use super::script::Script;
use crate::alloc::Meter;
use crate::model::{Checked, differ};

/// What a connection may hold: a head, in a buffer that was doubled up to it, what is parsed of it, and the head of an
/// answer.
const MOST_HELD: usize = 2 * MAX_HEAD + (4 << 10);

/// Plays an input.
pub(super) fn play(data: &[u8]) -> Checked {
    let mut script = Script::new(data);
    let many = script.small();
    let cuts = script.bytes(many);
    let input = script.bytes(usize::MAX);
    let site = site();
    let whole = run(&site, input, &[])?;
    let pieces = run(&site, input, if cuts.is_empty() { b"\0" } else { cuts })?;
    if whole != pieces {
        return differ("cuts", format!("\n   whole {whole:?}\n  pieces {pieces:?}"));
    }
    check_answers(&whole.sent)?;
    let has_key = input.windows(17).any(|bytes| bytes.eq_ignore_ascii_case(b"Sec-WebSocket-Key"));
    if matches!(whole.last, Action::Upgrade(_)) && !has_key {
        return differ("upgrade", "nobody asked for it");
    }
    Ok(())
}

fn site() -> Site {
    Site::new()
        .resource(Resource::new("/", "text/html", *b"<!doctype html><title>HTTP/1.1 200 OK</title>"))
        .resource(Resource::new("/a.js", "text/javascript", *b"1").cache_control("max-age=60"))
        .resource(Resource::new("/empty", "text/plain", *b""))
        .upgrade(Some("/ws"), &[("text", MessageKind::Text), ("binary", MessageKind::Binary)])
        .host("chat.example".parse().expect("a name"))
        .header("X", "y")
}

/// What came of an input.
#[derive(PartialEq, Eq)]
struct Outcome {
    sent: Vec<u8>,
    /// The bytes that are not taken belong to the session that follows, or to nobody.
    taken: usize,
    last: Action,
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { sent, taken, last } = self;
        write!(f, "{taken} bytes, {last:?}, \"{}\"", sent.escape_ascii())
    }
}

/// Offers an input in pieces of those sizes, or whole if there are none. The peer takes as many bytes at once.
fn run(to: &Site, input: &[u8], cuts: &[u8]) -> Checked<Outcome> {
    let mut sizes = cuts.iter().cycle().map(|size| usize::from(*size) % 61 + 1);
    let mut size = || if cuts.is_empty() { usize::MAX } else { sizes.next().unwrap_or(usize::MAX) };
    let (mut meter, mut now) = (Meter::new(), Timestamp::ZERO);
    let mut connection = Connection::new(now);
    let (mut sent, mut taken) = (Vec::new(), 0);
    loop {
        match connection.action() {
            Action::Read if taken < input.len() => {
                let piece = &input[taken..][..size().min(input.len() - taken)];
                let n = meter.scope(|| connection.receive(now, to, piece));
                if n == 0 {
                    return differ("hung", format!("it takes nothing, {taken} bytes after the beginning"));
                }
                taken += n;
            }
            Action::Write => {
                let n = connection.pending().len().min(size());
                sent.extend_from_slice(&connection.pending()[..n]);
                meter.scope(|| connection.sent(now, n));
            }
            Action::Read | Action::Upgrade(_) | Action::Close => break,
        }
        if usize::try_from(meter.peak).is_ok_and(|peak| peak > MOST_HELD) {
            return differ("memory", format!("{} bytes, over {MOST_HELD}", meter.peak));
        }
    }
    let last = connection.action();
    if last == Action::Read {
        // A half request is answered; after that, or if there is none, it is over.
        now = connection.poll_timeout();
        meter.scope(|| connection.handle_timeout(now, to));
        sent.extend_from_slice(connection.pending());
        meter.scope(|| connection.sent(now, usize::MAX));
        if connection.action() != Action::Close {
            return differ("hung", format!("{:?} once its time was over", connection.action()));
        }
    }
    meter.scope(|| drop(connection));
    if meter.live != 0 {
        return differ("memory", format!("{} bytes are left", meter.live));
    }
    Ok(Outcome { sent, taken, last })
}

/// Checks that answers follow each other, each with as many bytes as it says.
fn check_answers(mut sent: &[u8]) -> Checked {
    while !sent.is_empty() {
        let end = sent.windows(4).position(|bytes| bytes == b"\r\n\r\n").map(|at| at + 4);
        let (Some(end), Some(rest)) = (end, sent.strip_prefix(b"HTTP/1.1 ")) else {
            return differ("answers", format!("no head: {}", sent.escape_ascii()));
        };
        let head = String::from_utf8_lossy(&sent[..end]);
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let length: Option<usize> = length.map(|length| length.parse().expect("a number"));
        let has_none = rest.starts_with(b"101 ") || rest.starts_with(b"304 ");
        if length.is_none() != has_none {
            return differ("answers", format!("a length: {head}"));
        }
        sent = &sent[end..];
        // After HEAD there is no body.
        if !sent.starts_with(b"HTTP/1.1 ") && !sent.is_empty() {
            let Some(rest) = sent.get(length.unwrap_or_default()..) else {
                return differ("answers", format!("less than it says: {head}"));
            };
            sent = rest;
        }
    }
    Ok(())
}
