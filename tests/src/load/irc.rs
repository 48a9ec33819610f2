//! The dialect `irc`: how a session registers and joins, and the lines that it is sent.

use super::form::{Form, Heard, Line, Text, complete_lines, missed};
use super::wire::{Encoded, HEADER, Wire};

/// The dialect `irc`.
#[derive(Debug)]
pub(super) struct Irc;

/// The longest message that fits the 512 bytes of a line, with what servers put before it.
pub(super) const MAX_SIZE: usize = 400;

/// What joins the channel, in which all messages of a run are said. On a server of this project it is the lobby.
pub(super) const JOIN: &[u8] = b"JOIN #lobby\r\n";

/// What a session sends to be kept open. It is answered.
pub(super) const PING: &[u8] = b"PING load\r\n";

/// A message in that channel.
const SAID: &[u8] = b"PRIVMSG #lobby :";

impl Form for Irc {
    const HEADER: usize = HEADER;
    const END: &[u8] = b"\r\n";

    fn name_line(name: &str) -> Vec<u8> {
        format!("NICK {name}\r\nUSER load 0 * :load\r\n").into_bytes()
    }

    fn line_start(_name: &str) -> Vec<u8> {
        SAID.to_vec()
    }

    fn header(encoded: &Encoded) -> &[u8] {
        Text::header(encoded)
    }

    fn filler(wire: &Wire, size: usize) -> &[u8] {
        Text::filler(wire, size)
    }

    fn sender(header: &[u8]) -> Option<u32> {
        Text::sender(header)
    }

    fn read(line: &[u8]) -> Option<Line<'_>> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (source, rest) = match line.strip_prefix(b":") {
            Some(sourced) => sourced.split_at_checked(memchr::memchr(b' ', sourced)? + 1)?,
            None => (&b""[..], line),
        };
        if let Some(words) = rest.strip_prefix(SAID) {
            return Some(Line::Said { prefix: &line[..line.len() - words.len()], words: words.to_vec() });
        }
        if let Some(token) = rest.strip_prefix(b"PING ") {
            return Some(Line::Asked(token));
        }
        if let Some(words) = rest.strip_prefix(b"ERROR :") {
            return Some(told(words));
        }
        if rest.starts_with(b"NOTICE ") && !source.contains(&b'!') {
            return missed(trailing(rest).strip_prefix(b"you were too slow and ")?);
        }
        match rest.split_first_chunk()? {
            (b"001 ", _) => Some(Line::Registered),
            (b"366 ", _) => Some(Line::Joined),
            // There is no message of the day.
            (b"422 ", _) => None,
            ([b'4' | b'5', _, _, b' '], _) => Some(told(trailing(rest))),
            _ => None,
        }
    }

    fn hear_last(bytes: &[u8], heard: &mut Heard) -> usize {
        let (lines, used) = complete_lines(bytes);
        // Unlike elsewhere, each line may have to be answered.
        for line in lines.split(|byte| *byte == b'\n') {
            if let Some(line) = Self::read(line) {
                heard.take(line);
            }
        }
        used
    }
}

fn told(words: &[u8]) -> Line<'_> {
    Line::Told(String::from_utf8_lossy(words).into_owned())
}

/// Returns the last parameter of a line.
fn trailing(line: &[u8]) -> &[u8] {
    memchr::memmem::find(line, b" :").map_or(&[], |at| &line[at + 2..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_servers_are_understood() {
        let told = |words: &str| Some(Line::Told(words.into()));
        let said = Line::Said { prefix: b":ann!~u@host PRIVMSG #lobby :", words: b"hi".to_vec() };
        for (line, read) in [
            ("ERROR :Closing link: timed out", told("Closing link: timed out")),
            (":irc.localhost ERROR :no", told("no")),
            (":irc.localhost 433 * ann :Nickname is already in use", told("Nickname is already in use")),
            (":irc.localhost 001 ann :Welcome", Some(Line::Registered)),
            (":irc.localhost 366 ann #lobby :End of /NAMES list", Some(Line::Joined)),
            (":irc.localhost 422 ann :MOTD File is missing", None),
            (":irc.localhost 353 ann = #lobby :@bob ann", None),
            ("PING :irc.localhost", Some(Line::Asked(b":irc.localhost"))),
            (":irc.localhost PING irc.localhost", Some(Line::Asked(b"irc.localhost"))),
            (":ann!~u@host JOIN #lobby", None),
            (":irc.localhost NOTICE #lobby :you were too slow and missed 12 messages", Some(Line::Missed(12))),
            (":irc.localhost NOTICE * :*** Looking up your hostname", None),
            (":ann!~u@host NOTICE #lobby :you were too slow and missed 12 messages", None),
            (":ann!~u@host PRIVMSG #lobby :hi", Some(said)),
            ("", None),
            (":", None),
        ] {
            assert_eq!(Irc::read(format!("{line}\r").as_bytes()), read, "{line}");
        }
    }

    #[test]
    fn a_silent_session_answers_each_question() {
        let mut heard = Heard::default();
        let lines = b"PING a\r\n:srv 001 me :hi\r\nPING :b\r\nERROR :bye\r\n";
        assert_eq!(Irc::hear_last(&[&lines[..], b"PING"].concat(), &mut heard), lines.len());
        let expected = Heard {
            told: Some("bye".into()),
            answer: b"PONG a\r\nPONG :b\r\n".to_vec(),
            is_registered: true,
            has_joined: false,
        };
        assert_eq!(heard, expected);
    }
}
