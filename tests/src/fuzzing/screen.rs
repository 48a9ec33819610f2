//! Checks that the bytes sent to a session are harmless on a screen.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use unicode_normalization::char::is_combining_mark;
use unicode_security::skeleton;

use crate::model::{Checked, differ};

/// A message or notice, as sent to a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// The author; `None` for a notice.
    pub(super) name: Option<String>,
    /// The text.
    pub(super) words: String,
}

/// Parses everything that a hub sent to a session of the dialect.
///
/// # Errors
///
/// If it has something that must not be shown, or a line that is not of the dialect.
pub(super) fn read(dialect: &str, stream: &[u8]) -> Checked<Vec<Shown>> {
    let shown = parse(dialect, stream)?;
    match shown.iter().find(|line| line.name.is_some() && !is_plain_to_see(&line.words)) {
        Some(line) => differ("screen", format!("more or less in it than is seen: {line:?}")),
        None => Ok(shown),
    }
}

/// Parses lines of the dialect.
///
/// # Errors
///
/// If it has a terminal control, or a line that is not of the dialect.
pub(super) fn parse(dialect: &str, stream: &[u8]) -> Checked<Vec<Shown>> {
    let unfit = |what: &str| differ("screen", format!("{what}: {:?}", String::from_utf8_lossy(stream)));
    let Ok(stream) = str::from_utf8(stream) else { return unfit("not UTF-8") };
    let mut shown = Vec::new();
    for line in stream.split_inclusive('\n') {
        let Some(line) = line.strip_suffix('\n') else { return unfit("half a line") };
        let line = match dialect {
            "text" => text(line),
            "irc" => irc(&line.replace(is_style, "")),
            _ => classic(line),
        };
        let Some(line) = line else { return unfit("not a line") };
        if line.words.contains(is_steering) || line.name.as_ref().is_some_and(|name| name.contains(is_steering)) {
            return unfit("steers the terminal");
        }
        shown.push(line);
    }
    Ok(shown)
}

/// A line of the room in which the session speaks, or, behind `[ROOM] `, one of another room.
fn text(line: &str) -> Option<Shown> {
    let of_other_room = || {
        let (room, rest) = line.strip_prefix('[')?.split_once("] ")?;
        let is_room = !room.is_empty() && !room.contains(|c: char| c.is_whitespace() || c == ':');
        is_room.then(|| text_of_room(rest))?
    };
    text_of_room(line).or_else(of_other_room)
}

/// `NAME: TEXT` is a message, and `-NAME- TEXT` a notice from a member. Every other line begins with a character with
/// which no name begins.
fn text_of_room(line: &str) -> Option<Shown> {
    if ["* ", "** ", "! "].iter().any(|mark| line.starts_with(mark)) {
        return Some(Shown { name: None, words: line.into() });
    }
    let is_name = |name: &str| !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == ':');
    let noticed = line.strip_prefix('-').and_then(|line| line.split_once("- ")).filter(|(name, _)| is_name(name));
    let (name, words) = noticed.or_else(|| line.split_once(": "))?;
    let private = name.strip_suffix(" -> you").or(name.strip_prefix("you -> ")).unwrap_or(name);
    is_name(private).then(|| Shown { name: Some(name.into()), words: words.into() })
}

/// `CHAT NAME WORDS`, `ACT NAME WORDS` and `TELL NAME WORDS` in base64.
fn classic(line: &str) -> Option<Shown> {
    let (verb, fields) = line.split_once(' ')?;
    let (name, words) = fields.split_once(' ').filter(|_| ["CHAT", "ACT", "TELL"].contains(&verb))?;
    let field = |field| String::from_utf8(BASE64_STANDARD.decode(field).ok()?).ok();
    let (name, words) = (field(name)?, field(words)?);
    Some(Shown { name: (name != "server").then_some(name), words })
}

/// A line of IRC of at most 512 bytes, apart from its tags. Only one that comes from somebody has words: what the server
/// says repeats parameters of the session itself.
fn irc(line: &str) -> Option<Shown> {
    let line = line.strip_suffix('\r').filter(|line| !line.contains(['\0', '\r']))?;
    let body = match line.strip_prefix('@') {
        Some(tagged) => tagged.split_once(' ')?.1,
        None => line,
    };
    let nothing = Shown { name: None, words: String::new() };
    let (command, source) = match body.strip_prefix(':') {
        Some(rest) => rest.split_once(' ').map(|(source, rest)| (rest, source))?,
        None => (body, ""),
    };
    let (verb, params) = command.split_once(' ').unwrap_or((command, ""));
    let is_line = body.len() <= 510 && verb.len() >= 3 && verb.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let Some((name, _)) = source.split_once('!') else { return is_line.then_some(nothing) };
    let words = params.split_once(" :").map_or("", |(_, words)| words);
    // From client to client.
    let words = words.strip_prefix('\u{1}').and_then(|words| words.strip_suffix('\u{1}')).unwrap_or(words);
    let is_message = ["PRIVMSG", "NOTICE"].contains(&verb);
    let name = (is_message && !name.is_empty()).then(|| name.into());
    is_line.then(|| Shown { name, words: words.into() })
}

/// Returns whether a character is a code of colours and styles, which clients of IRC show each other.
fn is_style(c: char) -> bool {
    matches!(c, '\u{2}' | '\u{3}' | '\u{4}' | '\u{f}' | '\u{11}' | '\u{16}' | '\u{1d}' | '\u{1e}' | '\u{1f}')
}

/// Returns whether a character controls a terminal, ends a line, or changes the direction of text.
pub(super) fn is_steering(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Returns whether a text hides nothing: no invisible characters except the joiners and selectors that letters and
/// emoji need, at most three marks in a row, at most eight white spaces in a row and 32 leading spaces.
pub(super) fn is_plain_to_see(words: &str) -> bool {
    const NEEDED: &str = "\u{200C}\u{200D}\u{FE0E}\u{FE0F}\u{180B}\u{180C}\u{180D}\u{180E}\u{180F}";
    // A skeleton leaves out default-ignorable characters.
    let is_ignorable = |c: char| !c.is_ascii() && skeleton(c.encode_utf8(&mut [0; 4])).next().is_none();
    let is_hidden =
        |c: char| is_ignorable(c) && !NEEDED.contains(c) || "\u{2800}\u{13430}\u{13441}\u{13442}".contains(c);
    let longest = |is: &dyn Fn(char) -> bool, words: &str| {
        words.split(|c| !is(c)).map(|row| row.chars().count()).max().unwrap_or_default()
    };
    let seen = words.trim_start_matches(' ');
    !words.contains(is_hidden)
        && longest(&|c| NEEDED.contains(c), words) <= 2
        && longest(&|c| is_combining_mark(c) && !is_ignorable(c), words) <= 3
        && longest(&char::is_whitespace, seen) <= 8
        && words.len() - seen.len() <= 32
}
