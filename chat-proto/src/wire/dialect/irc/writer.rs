//! Lines of IRC, written part by part.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use super::isupport::Limits;
use super::numeric::Numeric;

use super::limits::{CHANNEL, LINE_LEN};
use crate::names::SERVER;
use crate::person::Person;

/// Writes the lines that are for one reader, or for everyone in a room.
///
/// A line begins with [`from`](Self::from), [`server`](Self::server), [`numeric`](Self::numeric) or
/// [`bare`](Self::bare), and ends with [`end`](Self::end), which cuts it at 512 bytes.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    server: &'a str,
    reader: &'a str,
    /// Where the line begins.
    start: usize,
    /// The standard text of the numeric.
    standard: &'static str,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>, server: &'a str, reader: &'a str) -> Self {
        Self { out, server, reader, start: 0, standard: "" }
    }

    /// Returns the reader of the lines.
    pub(crate) fn reader(&self) -> &'a str {
        self.reader
    }

    /// Begins a line that comes from somebody. A command follows.
    pub(crate) fn from(&mut self, name: &str, person: Person<'_>) -> &mut Self {
        self.start = self.out.len();
        if name == SERVER {
            // The embedding program acts in the server's name.
            self.out.push(b':');
            self.out.extend_from_slice(self.server.as_bytes());
            return self;
        }
        for piece in [":", name, "!", person.user, "@"] {
            self.out.extend_from_slice(piece.as_bytes());
        }
        self.push(format_args!("{}", person.host()))
    }

    /// Begins a line that comes from the server.
    pub(crate) fn server(&mut self, command: &str) -> &mut Self {
        self.start = self.out.len();
        self.out.push(b':');
        self.out.extend_from_slice(self.server.as_bytes());
        self.word(command)
    }

    /// Begins a line that does not say where it comes from.
    pub(crate) fn bare(&mut self, command: &str) -> &mut Self {
        self.start = self.out.len();
        self.out.extend_from_slice(command.as_bytes());
        self
    }

    /// Begins an answer with a number.
    pub(crate) fn numeric(&mut self, numeric: Numeric) -> &mut Self {
        let reader = self.reader;
        self.standard = numeric.text();
        self.server(numeric.code()).word(reader)
    }

    /// Appends a parameter. One that is empty, or would be read as several, becomes `*`.
    pub(crate) fn word(&mut self, word: &str) -> &mut Self {
        let is_word = !word.is_empty() && !word.starts_with(':') && !word.contains([' ', '\r', '\n', '\0']);
        self.out.push(b' ');
        self.out.extend_from_slice(if is_word { word.as_bytes() } else { b"*" });
        self
    }

    /// Appends a parameter that is one word.
    pub(crate) fn shown(&mut self, word: impl fmt::Display) -> &mut Self {
        self.push(format_args!(" {word}"))
    }

    /// Begins the last parameter as a list; [items](Self::item) follow.
    pub(crate) fn begin_list(&mut self) -> &mut Self {
        self.out.extend_from_slice(b" :");
        self
    }

    /// Returns whether so many bytes more fit on the line.
    pub(crate) fn has_room_for(&self, bytes: usize) -> bool {
        self.out.len() - self.start + bytes <= LINE_LEN
    }

    /// Appends an item of a list.
    pub(crate) fn item(&mut self, item: fmt::Arguments<'_>) -> &mut Self {
        if !self.out.ends_with(b" :") {
            self.out.push(b' ');
        }
        self.push(item)
    }

    /// Appends a part of the last parameter.
    pub(crate) fn append(&mut self, text: &str) -> &mut Self {
        self.out.extend_from_slice(text.as_bytes());
        self
    }

    /// Appends the name of a room as a channel.
    pub(crate) fn channel(&mut self, room: &str) -> &mut Self {
        if room.contains(' ') {
            return self.word("*");
        }
        self.out.push(b' ');
        self.out.extend_from_slice(CHANNEL.as_bytes());
        self.out.extend_from_slice(room.as_bytes());
        self
    }

    /// Appends a room as a channel, or the reader if there is none.
    pub(crate) fn target(&mut self, room: &str) -> &mut Self {
        let reader = self.reader;
        if room.is_empty() { self.word(reader) } else { self.channel(room) }
    }

    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.shown(number)
    }

    /// Appends the letters of a mode that is set or unset.
    pub(crate) fn change(&mut self, set: bool, letters: &str) -> &mut Self {
        self.out.extend_from_slice(if set { b" +" } else { b" -" });
        self.out.extend_from_slice(letters.as_bytes());
        self
    }

    /// Appends the last parameter, which may have spaces.
    pub(crate) fn trailing(&mut self, words: &str) -> &mut Self {
        self.text(&words)
    }

    /// Appends the last parameter.
    pub(crate) fn text(&mut self, words: &dyn fmt::Display) -> &mut Self {
        self.push(format_args!(" :{words}"))
    }

    /// Appends the words of an action as the last parameter.
    pub(crate) fn action(&mut self, words: &str) -> &mut Self {
        self.push(format_args!(" :\x01ACTION {words}\x01"))
    }

    /// Appends a request to a client, or its answer (CTCP), as the last parameter.
    pub(crate) fn ctcp(&mut self, words: &str) -> &mut Self {
        self.push(format_args!(" :\x01{words}\x01"))
    }

    /// Writes the lines that tell clients of limits.
    pub(crate) fn isupport(&mut self, limits: &Limits<'_>) {
        let mut before = String::new();
        for piece in [":", self.server, " ", Numeric::ISupport.code(), " ", self.reader, " "] {
            before.push_str(piece);
        }
        let mut after = String::from(" :");
        after.push_str(Numeric::ISupport.text());
        after.push_str("\r\n");
        limits.write(&before, &after, self.out);
    }

    /// Appends what the numeric says by itself.
    pub(crate) fn standard(&mut self) -> &mut Self {
        let standard = self.standard;
        self.trailing(standard)
    }

    /// Ends the line.
    pub(crate) fn end(&mut self) {
        let mut end = self.out.len().min(self.start + LINE_LEN);
        if end < self.out.len() {
            // Not within a character.
            while end > self.start && self.out[end] & 0xc0 == 0x80 {
                end -= 1;
            }
            self.out.truncate(end);
        }
        self.out.extend_from_slice(b"\r\n");
    }

    fn push(&mut self, args: fmt::Arguments<'_>) -> &mut Self {
        // Writing to memory does not fail, nor do our own Display implementations.
        let written = Utf8(self.out).write_fmt(args);
        debug_assert!(written.is_ok());
        self
    }
}

struct Utf8<'a>(&'a mut Vec<u8>);

impl fmt::Write for Utf8<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Cloak;

    const BOB: Person<'_> = Person { user: "~bob", cloak: Some(Cloak::new(0xb0b)), ..Person::UNKNOWN };

    #[test]
    fn lines_are_written_part_by_part() {
        let mut out = Vec::new();
        let mut to = Writer::new(&mut out, "irc.example", "ann");
        to.from("bob", BOB).word("KICK").channel("tea").word("ann").trailing("go away").end();
        to.numeric(Numeric::NoTopic).channel("tea").standard().end();
        to.from("server", Person::UNKNOWN).word("TOPIC").channel("tea").trailing("tea").end();
        to.server("NOTICE").target("").trailing("").end();
        to.bare("PING").trailing("irc.example").end();
        to.numeric(Numeric::List).word("").word(":x").word("a b").number(7).end();
        let lines = ":bob!~bob@0000000000000b0b KICK #tea ann :go away\r\n\
            :irc.example 331 ann #tea :No topic is set\r\n\
            :irc.example TOPIC #tea :tea\r\n\
            :irc.example NOTICE ann :\r\n\
            PING :irc.example\r\n\
            :irc.example 322 ann * * * 7\r\n";
        assert_eq!(core::str::from_utf8(&out), Ok(lines));
    }

    #[test]
    fn a_line_has_at_most_512_bytes_and_ends_between_characters() {
        for letter in ["x", "é", "語", "🦀"] {
            let mut out = Vec::new();
            Writer::new(&mut out, "s", "ann").bare("ERROR").trailing(&letter.repeat(600)).end();
            assert!((509..=512).contains(&out.len()), "{}", out.len());
            assert!(core::str::from_utf8(&out).is_ok_and(|line| line.ends_with("\r\n")));
        }
    }
}
