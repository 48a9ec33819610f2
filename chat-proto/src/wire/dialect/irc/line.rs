//! Lines: tags, source, command and parameters.
//!
//! The grammar is that of Modern IRC, "Message Format", and of the IRCv3 specification "Message Tags".

use simdutf8::basic::from_utf8;

/// The most parameters of a line (RFC 2812, section 2.3.1).
pub(crate) const MAX_PARAMS: usize = 15;
/// The most bytes of tags that a client may send, `@` and the space not counted (IRCv3, "Message Tags").
pub(crate) const MAX_TAGS: usize = 4_094;
/// The most bytes of the rest of a line, its CRLF not counted (RFC 1459, section 2.3).
pub(crate) const MAX_BODY: usize = 510;
/// The most bytes of a label (IRCv3, "Labeled Responses").
pub(crate) const MAX_LABEL: usize = 64;

/// One line of a client, in parts that borrow from it.
///
/// The source of the line is skipped, because the server knows who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// The tags as they were sent, without `@`; empty if there are none.
    tags: &'a str,
    /// The command as it was sent: letters in any case, or three digits.
    pub(crate) command: &'a str,
    params: [&'a str; MAX_PARAMS],
    len: usize,
    /// How many bytes follow the tags. The line is too long if these are more than [`MAX_BODY`].
    pub(crate) body_len: usize,
}

/// Why a line cannot be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineError {
    /// It is not UTF-8.
    NotUtf8,
    /// It has a NUL, CR or LF, which no line may have within. Some clients would take an echo of it for two lines.
    Control,
    /// It has more than [`MAX_TAGS`] bytes of tags.
    TagsTooLong,
    /// It has no command and no parameters.
    Empty,
    /// The word in the place of the command cannot be a command.
    NoCommand,
}

impl<'a> Line<'a> {
    /// Takes a line apart, given without its LF or CRLF.
    ///
    /// Several spaces count as one, and spaces before the command are skipped. The fifteenth parameter has all the rest
    /// of the line.
    ///
    /// # Errors
    ///
    /// It is no line of the protocol, as [`LineError`] says.
    pub(crate) fn parse(line: &'a [u8]) -> Result<Self, LineError> {
        let line = from_utf8(line).map_err(|_| LineError::NotUtf8)?;
        if line.bytes().any(|byte| matches!(byte, b'\0' | b'\r' | b'\n')) {
            return Err(LineError::Control);
        }
        let (tags, body) = match line.strip_prefix('@') {
            Some(tagged) => tagged.split_once(' ').unwrap_or((tagged, "")),
            None => ("", line),
        };
        if tags.len() > MAX_TAGS {
            return Err(LineError::TagsTooLong);
        }
        let mut rest = body.trim_start_matches(' ');
        if rest.starts_with(':') {
            rest = rest.split_once(' ').map_or("", |(_source, rest)| rest).trim_start_matches(' ');
        }
        let (command, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        if command.is_empty() {
            return Err(LineError::Empty);
        }
        if !is_command(command) {
            return Err(LineError::NoCommand);
        }
        let mut parsed = Self { tags, command, params: [""; MAX_PARAMS], len: 0, body_len: body.len() };
        parsed.set_params(rest);
        Ok(parsed)
    }

    fn set_params(&mut self, rest: &'a str) {
        let mut rest = rest.trim_start_matches(' ');
        while !rest.is_empty() && self.len < MAX_PARAMS {
            let (param, others) = match rest.strip_prefix(':') {
                Some(trailing) => (trailing, ""),
                None if self.len + 1 == MAX_PARAMS => (rest, ""),
                None => rest.split_once(' ').unwrap_or((rest, "")),
            };
            self.params[self.len] = param;
            self.len += 1;
            rest = others.trim_start_matches(' ');
        }
    }

    /// Returns the parameters.
    pub(crate) fn params(&self) -> &[&'a str] {
        &self.params[..self.len]
    }

    /// Returns a parameter, counted from 0.
    pub(crate) fn param(&self, index: usize) -> Option<&'a str> {
        self.params().get(index).copied()
    }

    /// Returns the tags in their order.
    pub(crate) fn tags(&self) -> impl Iterator<Item = Tag<'a>> + use<'a> {
        self.tags.split(';').filter_map(Tag::parse)
    }

    /// Returns the label that the answers are to carry, as it was sent, so that it can be sent back unchanged.
    ///
    /// If there are several, the last one counts. A label that is empty or longer than 64 bytes does not count.
    pub(crate) fn label(&self) -> Option<&'a str> {
        let is_label = |tag: &Tag<'_>| tag.key == "label" && !tag.client_only;
        let label = self.tags().filter(is_label).last()?.escaped;
        (1..=MAX_LABEL).contains(&label.len()).then_some(label)
    }
}

/// Returns whether a word can be a command.
fn is_command(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.iter().all(u8::is_ascii_alphabetic) || bytes.len() == 3 && bytes.iter().all(u8::is_ascii_digit)
}

/// One tag of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag<'a> {
    /// Its name, without the `+` of a tag that is from client to client.
    pub(crate) key: &'a str,
    /// Whether it is from client to client, and the server passes it on.
    pub(crate) client_only: bool,
    /// Its value as it was sent; empty if it has none, which means the same.
    pub(crate) escaped: &'a str,
}

impl<'a> Tag<'a> {
    fn parse(tag: &'a str) -> Option<Self> {
        let (key, escaped) = tag.split_once('=').unwrap_or((tag, ""));
        let (client_only, key) = key.strip_prefix('+').map_or((false, key), |key| (true, key));
        (!key.is_empty()).then_some(Self { key, client_only, escaped })
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::super::random::Random;
    use super::*;

    fn parse(line: &str) -> Line<'_> {
        Line::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error:?}"))
    }

    #[test]
    fn a_line_has_a_command_and_parameters() {
        for (line, command, params) in [
            ("PING", "PING", &[][..]),
            ("ping 1", "ping", &["1"]),
            ("PRIVMSG #a :b c", "PRIVMSG", &["#a", "b c"]),
            ("PRIVMSG #a ::-) ", "PRIVMSG", &["#a", ":-) "]),
            ("USER  a  0   * :", "USER", &["a", "0", "*", ""]),
            ("JOIN #a  ", "JOIN", &["#a"]),
            (":ann!a@b  TOPIC #a:b :c", "TOPIC", &["#a:b", "c"]),
            ("  001 a", "001", &["a"]),
            ("@a=b;c   :d QUIT ž", "QUIT", &["ž"]),
        ] {
            assert_eq!((parse(line).command, parse(line).params()), (command, params), "{line}");
        }
        let line = parse("PRIVMSG #a :b c");
        assert_eq!((line.param(0), line.param(1), line.param(2)), (Some("#a"), Some("b c"), None));
    }

    #[test]
    fn the_fifteenth_parameter_has_all_the_rest() {
        let line = parse("A 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16  :17");
        assert_eq!((line.params().len(), line.param(13), line.param(14)), (15, Some("14"), Some("15 16  :17")));
        let line = parse("A 1 2 3 4 5 6 7 8 9 10 11 12 13 14 :15 16");
        assert_eq!(line.param(14), Some("15 16"));
        let line = parse("A 1 2 3 4 5 6 7 8 9 10 11 12 13 14 ");
        assert_eq!(line.params().len(), 14);
    }

    #[test]
    fn an_invalid_line_is_refused() {
        for line in ["", "  ", ":ann", ":ann ", "@a=b", "@a=b ", "@", "@a :b "] {
            assert_eq!(Line::parse(line.as_bytes()), Err(LineError::Empty), "{line}");
        }
        for line in ["12 a", "1234", "PRIV-MSG", "P1", "žofie", "/join", "@a  @b PING", ":a :b PING"] {
            assert_eq!(Line::parse(line.as_bytes()), Err(LineError::NoCommand), "{line}");
        }
        for line in ["PING a\0", "PING a\rPING b", "\r", "PING a\nPING b"] {
            assert_eq!(Line::parse(line.as_bytes()), Err(LineError::Control), "{line}");
        }
        assert_eq!(Line::parse(b"PING \xff"), Err(LineError::NotUtf8));
    }

    #[test]
    fn tags_have_4094_bytes_at_most_and_the_body_tells_its_length() {
        let line = format!("@{} PING  a", "t".repeat(MAX_TAGS));
        assert_eq!(parse(&line).body_len, 7);
        let line = format!("@{} PING", "t".repeat(MAX_TAGS + 1));
        assert_eq!(Line::parse(line.as_bytes()), Err(LineError::TagsTooLong));
        let line = format!("@{}", "t".repeat(MAX_TAGS + 1));
        assert_eq!(Line::parse(line.as_bytes()), Err(LineError::TagsTooLong));
        let line = format!("PRIVMSG #a :{}", "x".repeat(1_000));
        assert!(parse(&line).body_len > MAX_BODY && parse("PING").body_len == 4);
    }

    #[test]
    fn tags_have_keys_and_values() {
        let line = parse("@a=1;;+b=x\\sy;c;=d;+=e;f=g=h TAGMSG #a");
        let found: Vec<_> = line.tags().map(|tag| (tag.key, tag.client_only, tag.escaped)).collect();
        assert_eq!(found, [("a", false, "1"), ("b", true, "x\\sy"), ("c", false, ""), ("f", false, "g=h")]);
        assert_eq!(parse("PING").tags().count(), 0);
    }

    #[test]
    fn the_last_label_counts() {
        assert_eq!(parse("@label=a;label=b\\s PING").label(), Some("b\\s"));
        assert_eq!(parse("@+label=a;Label=b PING").label(), None);
        assert_eq!(parse("@label=a;label= PING").label(), None);
        let label = "x".repeat(64);
        assert_eq!(parse(&format!("@label={label} PING")).label(), Some(&*label));
        assert_eq!(parse(&format!("@label={label}x PING")).label(), None);
    }

    #[test]
    fn a_rendered_line_reads_back() {
        let mut random = Random(2);
        for _ in 0..10_000 {
            let middles: Vec<_> = (0..random.below(MAX_PARAMS)).map(|_| random.text("a:#,ž", 5)).collect();
            let middles =
                middles.iter().map(|middle| middle.trim_start_matches(':')).filter(|middle| !middle.is_empty());
            let mut params: Vec<_> = middles.collect();
            let trailing = random.text("a: ž", 9);
            params.push(&trailing);
            let (last, middles) = params.split_last().expect("there is one");
            let start = ["", "@t=1 ", "@t ", ":s "][random.below(4)];
            let line = format!("{start}CMD {} :{last}", middles.join(" "));
            assert_eq!(parse(&line).params(), params, "{line}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let (mut random, mut parsed) = (Random(3), 0);
        let alphabet = b"@:;=+\\ @:;= aAbcdefgh  12\0\xc5\xbe#,";
        for _ in 0..50_000 {
            let line: Vec<u8> = (0..random.below(24)).map(|_| alphabet[random.below(alphabet.len())]).collect();
            let Ok(line) = Line::parse(&line) else { continue };
            assert!(line.params().len() <= MAX_PARAMS && line.body_len >= line.command.len());
            let len: usize = line.tags().map(|tag| tag.escaped.len() + 1).sum();
            assert!(len <= line.tags.len() + 1);
            parsed += 1;
        }
        assert!(parsed > 1_000, "{parsed}");
    }
}
