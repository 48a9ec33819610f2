//! The dialects in which load can be sent.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::form::{Classic, Form, Line, Text};
use super::wire::{Encoded, Wire};

/// A dialect of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// For people: a line is a message.
    Text,
    /// The original's: lines of base64.
    Classic,
}

impl Dialect {
    /// Returns the line that asks for a name.
    pub(super) fn name_line(self, name: &str) -> Vec<u8> {
        match self {
            Self::Text => Text::name_line(name),
            Self::Classic => Classic::name_line(name),
        }
    }

    /// Returns the bytes before the text in a message of a member with that name.
    pub(super) fn line_start(self, name: &str) -> Vec<u8> {
        match self {
            Self::Text => Text::line_start(name),
            Self::Classic => Classic::line_start(name),
        }
    }

    /// Appends a message and the line end.
    pub(super) fn write_words(self, wire: &Wire, header: &Encoded, size: usize, out: &mut Vec<u8>) {
        fn write<F: Form>(wire: &Wire, header: &Encoded, size: usize, out: &mut Vec<u8>) {
            out.extend_from_slice(F::header(header));
            out.extend_from_slice(F::filler(wire, size));
            out.push(b'\n');
        }
        match self {
            Self::Text => write::<Text>(wire, header, size, out),
            Self::Classic => write::<Classic>(wire, header, size, out),
        }
    }

    /// Returns the server's notice in the last of these lines, if it is one.
    pub(super) fn last_told(self, lines: &[u8]) -> Option<String> {
        let line = lines.strip_suffix(b"\n")?.rsplit(|byte| *byte == b'\n').next()?;
        let line = match self {
            Self::Text => Text::read(line),
            Self::Classic => Classic::read(line),
        };
        if let Some(Line::Told(words)) = line { Some(words) } else { None }
    }

    /// Returns how often a silent session sends an empty line so that a server with default timeouts does not close it:
    /// three times as often as needed.
    pub(super) fn keepalive(self) -> Duration {
        match self {
            Self::Text => Duration::from_secs(200),
            Self::Classic => Duration::from_secs(5),
        }
    }
}

impl FromStr for Dialect {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "text" => Ok(Self::Text),
            "classic" => Ok(Self::Classic),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Classic => "classic",
        })
    }
}
