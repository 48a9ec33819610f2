//! Conversations as terminals show them, played against a server.
//!
//! A script is played from top to bottom; each line belongs to one person:
//!
//! ```text
//! alice $ nc 127.0.0.1 4000                 connects; 4000 is the text port, 4001 the classic one
//! alice > hello                             types a line
//! alice < bob: hi                           sees this line next, and none before it
//! alice ^D                                  ends the input, but still reads
//! alice ^C                                  breaks the connection off
//! alice $                                   is back at the shell's prompt: the server has closed the connection
//! ```
//!
//! Lines that begin with `#` are comments. Before one person types after another, the script must show them the effect
//! of the earlier line; otherwise the server may get both lines in either order. So a script has only one outcome.

use std::collections::BTreeMap;
use std::fmt;

use socket2::SockAddr;

use super::client::Client;

/// How lines are typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// A line at a time, ending in LF.
    Lines,
    /// A line at a time, ending in CRLF as telnet does.
    CrLf,
    /// A byte at a time, each in a segment of its own.
    Bytes,
}

/// A conversation in progress: who is connected, and to which server.
pub struct Stage<'a> {
    title: &'a str,
    typing: Typing,
    dial: Box<dyn Fn(u16) -> SockAddr + 'a>,
    cast: BTreeMap<&'a str, Client>,
}

impl fmt::Debug for Stage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("title", &self.title).field("cast", &self.cast).finish_non_exhaustive()
    }
}

impl<'a> Stage<'a> {
    /// Makes an empty stage. `dial` returns the server's address for the port that the script calls 4000 or 4001.
    pub fn new<A: Into<SockAddr>>(title: &'a str, typing: Typing, dial: impl Fn(u16) -> A + 'a) -> Self {
        Self { title, typing, dial: Box::new(move |port| dial(port).into()), cast: BTreeMap::new() }
    }

    /// Plays a whole script.
    ///
    /// # Panics
    ///
    /// At the first line that does not happen as written; the message has its number.
    pub fn play(&mut self, script: &'a str) {
        for (number, line) in (1..).zip(script.lines()) {
            self.play_line(number, line);
        }
    }

    /// Plays one line of a script; `number` is for messages of failure.
    ///
    /// # Panics
    ///
    /// If it does not happen as written, or is no line of a script.
    pub fn play_line(&mut self, number: usize, line: &'a str) {
        if line.trim().is_empty() || line.starts_with('#') {
            return;
        }
        let title = self.title;
        let (who, step) = Step::parse(line).unwrap_or_else(|| panic!("{title}, line {number} is no step: {line}"));
        let at = format!("{who} ({title}, line {number})");
        if let Step::Connect { port } = step {
            let absent = self.cast.insert(who, Client::connect(&at, (self.dial)(port))).is_none();
            assert!(absent, "{at} is connected already");
            return;
        }
        let mut client = self.cast.remove(who).unwrap_or_else(|| panic!("{at} is not connected"));
        client.rename(at);
        match step {
            Step::Connect { .. } => unreachable!("dealt with above"),
            Step::Type(words) => self.typing.type_line(&mut client, words),
            Step::See(words) => client.expect(words),
            Step::EndInput => client.end_input(),
            Step::BreakOff => return,
            Step::BackAtPrompt => return client.expect_end(),
        }
        self.cast.insert(who, client);
    }

    /// Returns the clients that are still connected.
    #[must_use]
    pub fn into_cast(self) -> Vec<Client> {
        self.cast.into_values().collect()
    }
}

impl Typing {
    fn type_line(self, client: &mut Client, line: &str) {
        match self {
            Self::Lines => client.say(line),
            Self::CrLf => client.send_bytes(format!("{line}\r\n").as_bytes()),
            Self::Bytes => {
                for byte in line.bytes().chain([b'\n']) {
                    client.send_bytes(&[byte]);
                }
            }
        }
    }
}

enum Step<'a> {
    Connect { port: u16 },
    Type(&'a str),
    See(&'a str),
    EndInput,
    BreakOff,
    BackAtPrompt,
}

impl<'a> Step<'a> {
    fn parse(line: &'a str) -> Option<(&'a str, Self)> {
        let (who, rest) = line.split_once(' ')?;
        let rest = rest.trim_start();
        let (mark, words) = rest.split_once(' ').unwrap_or((rest, ""));
        let step = match (mark, words) {
            ("$", "") => Self::BackAtPrompt,
            ("$", command) => Self::Connect { port: command.strip_prefix("nc 127.0.0.1 ")?.parse().ok()? },
            (">", words) => Self::Type(words),
            ("<", words) => Self::See(words),
            ("^D", "") => Self::EndInput,
            ("^C", "") => Self::BreakOff,
            _ => return None,
        };
        Some((who, step))
    }
}
