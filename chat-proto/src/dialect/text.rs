//! `text`: for people with `nc` or `telnet`. A line is a message; commands begin with `/`.

use alloc::vec::Vec;

use simdutf8::basic::from_utf8;

use super::{Complaint, Dialect, Event, Request, push, write, wrong_protocol};
use crate::command::CloseReason;
use crate::words::trim_end;

/// The dialect for people: `alice: hello`, notices behind `* `, errors behind `! `.
///
/// A line is said to everyone. A line that begins with `/` is a command: `/name NEW`, `/me ACTION`, `/msg NAME WORDS`,
/// `/who`, `/ping`, `/quit [WHY]`, `/help`; one that begins with `//` is said with one `/`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text;

/// The words around names and words in the longest of the forms below, the help apart.
const LONGEST_FORM: usize = 128;

const HELP: &str = "\
* a line is said to everyone; a line that begins with // is said with one /
* /name NEW         be called NEW
* /me ACTION        be seen doing something
* /msg NAME WORDS   say something to one other
* /who              who is here
* /ping             does the server answer?
* /quit [WHY]       leave
* /help             this list
";

impl Dialect for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn decode<'a>(&self, line: &'a [u8], _named: bool, scratch: &'a mut Vec<u8>) -> Request<'a> {
        if let Some(protocol) = wrong_protocol(line) {
            return Request::Invalid(Complaint::WrongProtocol(protocol));
        }
        let line = from_utf8(line).or_else(|_| {
            // Telnet's bytes are in no UTF-8: only now is it worth looking for them.
            strip_telnet(line, scratch);
            from_utf8(scratch)
        });
        line.map_or(Request::Invalid(Complaint::NotUtf8), request)
    }

    fn encode(&self, event: &Event<'_>, out: &mut Vec<u8>) {
        match *event {
            Event::Said { name, words, .. } => {
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(b": ");
                out.extend_from_slice(words.as_bytes());
                out.push(b'\n');
            }
            // Two asterisks: an action must not be taken for a notice.
            Event::Acted { name, words } => push(out, &["** ", name, " ", words, "\n"]),
            Event::Joined { name } => push(out, &["* ", name, " joined\n"]),
            Event::Renamed { from, to } => push(out, &["* ", from, " is now ", to, "\n"]),
            Event::Left { name, reason: CloseReason::Quit | CloseReason::Eof, words: "" } => {
                push(out, &["* ", name, " left\n"]);
            }
            Event::Left { name, reason: CloseReason::Quit, words } => push(out, &["* ", name, " left (", words, ")\n"]),
            Event::Left { name, reason, .. } => write(out, format_args!("* {name} left ({reason})\n")),
            Event::Announced { words } => push(out, &["* server: ", words, "\n"]),
            Event::CameAndWent { joined, left: 0 } => write(out, format_args!("* {joined} joined\n")),
            Event::CameAndWent { joined: 0, left } => write(out, format_args!("* {left} left\n")),
            Event::CameAndWent { joined, left } => write(out, format_args!("* {joined} joined, {left} left\n")),
            Event::Welcome { name } => push(out, &["* welcome, you are ", name, "; say something, or /help\n"]),
            Event::Named { name } => push(out, &["* you are now ", name, "\n"]),
            // White space before the colon: no public line looks like this, for names have none.
            Event::Told { from, words } => push(out, &[from, " -> you: ", words, "\n"]),
            Event::TellPassed { to, words } => push(out, &["you -> ", to, ": ", words, "\n"]),
            Event::Who { names, count, left_out: 0 } => write(out, format_args!("* {count} here: {names}\n")),
            Event::Who { names, count, left_out } => {
                write(out, format_args!("* {count} here: {names} and {left_out} more\n"));
            }
            Event::Pong => push(out, &["* pong\n"]),
            Event::Help => push(out, &[HELP]),
            Event::Missed { count: 1 } => push(out, &["* missed 1 message\n"]),
            Event::Missed { count } => write(out, format_args!("* missed {count} messages\n")),
            Event::Refused(complaint) => write(out, format_args!("! {complaint}\n")),
            Event::Closing { reason: CloseReason::Quit, .. } => push(out, &["* bye\n"]),
            Event::Closing { reason, words: "" } => write(out, format_args!("! closed: {reason}\n")),
            Event::Closing { reason, words } => write(out, format_args!("! closed: {reason}: {words}\n")),
            Event::NotOpened(error) => write(out, format_args!("! {error}\n")),
        }
    }

    fn encoded_len(&self, payload: usize) -> usize {
        payload.max(HELP.len()) + LONGEST_FORM
    }

    fn folds_presence(&self) -> bool {
        true
    }

    fn backlog(&self) -> usize {
        20
    }
}

fn request(line: &str) -> Request<'_> {
    let line = trim_end(line);
    let Some(command) = line.strip_prefix('/') else {
        return if line.is_empty() { Request::Nothing } else { Request::Say { words: line, claim: None, wire: None } };
    };
    if command.starts_with('/') {
        return Request::Say { words: command, claim: None, wire: None };
    }
    let (verb, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = rest.trim_start();
    match verb {
        "name" | "nick" if rest.is_empty() => usage("/name NEW"),
        "name" | "nick" => Request::Name(rest),
        "me" if rest.is_empty() => usage("/me ACTION"),
        "me" => Request::Act(rest),
        "msg" => match rest.split_once(char::is_whitespace) {
            Some((to, words)) => Request::Tell { to, words: words.trim_start() },
            None => usage("/msg NAME WORDS"),
        },
        "who" => Request::Who,
        "ping" => Request::Ping,
        "quit" => Request::Quit(rest),
        "help" => Request::Help,
        _ => Request::Invalid(Complaint::NotUnderstood),
    }
}

fn usage(form: &'static str) -> Request<'static> {
    Request::Invalid(Complaint::Usage(form))
}

/// Interpret as command: what telnet puts before its negotiation (RFC 854).
const IAC: u8 = 255;

/// Copies a line without the telnet commands in it.
///
/// An option that is sent as byte 10 ends the line early; the rest of it is then read as an unknown word. No client
/// sends such an option unasked.
fn strip_telnet(line: &[u8], out: &mut Vec<u8>) {
    const SUBNEGOTIATION_END: u8 = 240;
    const SUBNEGOTIATION: u8 = 250;
    const WILL: u8 = 251;
    const DONT: u8 = 254;
    let mut rest = line;
    while let Some(iac) = memchr::memchr(IAC, rest) {
        out.extend_from_slice(&rest[..iac]);
        let command = &rest[iac + 1..];
        rest = match command.first() {
            Some(&SUBNEGOTIATION) => {
                let end = command.windows(2).position(|pair| pair == [IAC, SUBNEGOTIATION_END]);
                end.map_or(&[], |end| &command[end + 2..])
            }
            Some(&(WILL..=DONT)) => command.get(2..).unwrap_or_default(),
            _ => command.get(1..).unwrap_or_default(),
        };
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    fn decoded(line: &[u8]) -> String {
        alloc::format!("{:?}", Text.decode(line, true, &mut Vec::new()))
    }

    #[test]
    fn a_line_is_said_unless_it_is_a_command() {
        for (line, request) in [
            ("hello", Request::Say { words: "hello", claim: None, wire: None }),
            ("  indented ", Request::Say { words: "  indented", claim: None, wire: None }),
            ("//x y", Request::Say { words: "/x y", claim: None, wire: None }),
            ("", Request::Nothing),
            (" \t ", Request::Nothing),
            ("/name  bob", Request::Name("bob")),
            ("/name a b", Request::Name("a b")),
            ("/name", Request::Invalid(Complaint::Usage("/name NEW"))),
            ("/me waves at all", Request::Act("waves at all")),
            ("/me", Request::Invalid(Complaint::Usage("/me ACTION"))),
            ("/msg bob  hi there", Request::Tell { to: "bob", words: "hi there" }),
            ("/msg bob", Request::Invalid(Complaint::Usage("/msg NAME WORDS"))),
            ("/who", Request::Who),
            ("/ping", Request::Ping),
            ("/quit", Request::Quit("")),
            ("/quit so long", Request::Quit("so long")),
            ("/help", Request::Help),
            ("/", Request::Invalid(Complaint::NotUnderstood)),
            ("/nope", Request::Invalid(Complaint::NotUnderstood)),
        ] {
            assert_eq!(Text.decode(line.as_bytes(), true, &mut Vec::new()), request, "{line}");
        }
        assert_eq!(decoded(b"caf\xe9"), "Invalid(NotUtf8)");
    }

    #[test]
    fn telnet_negotiation_leaves_no_trace() {
        let said = decoded(b"hello");
        for line in [
            &b"\xff\xfb\x1f\xff\xfd\x03hello"[..],
            b"he\xff\xf1llo",
            b"\xff\xfa\x1f\0\x50\0\x18\xff\xf0hello",
            b"hello\xff",
            b"hello\xff\xfb",
            b"hello\xff\xfa\x18",
        ] {
            assert_eq!(decoded(line), said, "{line:?}");
        }
    }

    #[test]
    fn other_protocols_are_told_apart_from_people() {
        for (line, protocol) in [
            (&b"GET / HTTP/1.1"[..], "HTTP"),
            (b"OPTIONS * HTTP/1.1", "HTTP"),
            (b"GET http://example.org/ HTTP/1.0", "HTTP"),
            (b"\x16\x03\x01\x02\0\x01", "TLS"),
            (b"USER bob 0 * :Bob", "IRC"),
            (b"CAP LS 302", "IRC"),
        ] {
            assert_eq!(Text.decode(line, true, &mut Vec::new()), Request::Invalid(Complaint::WrongProtocol(protocol)));
        }
        for line in [
            "USER experience: good",
            "let us move to HTTP/1.1",
            "WE SPEAK HTTP/1.1",
            "Try / HTTP/1.1",
            "USER a :b",
            "CAP LS",
        ] {
            assert!(matches!(Text.decode(line.as_bytes(), true, &mut Vec::new()), Request::Say { .. }), "{line}");
        }
    }
}
