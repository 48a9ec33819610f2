//! The dialects in which load can be sent.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::form::{Classic, Form, Heard, Text};
use super::irc::{self, Irc};
use super::websocket::Messages;
use super::wire::{Encoded, Wire};

/// A dialect of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// For people: a line is a message.
    Text,
    /// The original's: lines of base64.
    Classic,
    /// IRC, in the channel `#lobby`.
    Irc,
}

/// How the lines of a dialect go over the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// As they are.
    Lines,
    /// Each as a message of WebSocket.
    WebSocket,
}

impl Dialect {
    /// Returns whether every session must have a name, not only those that send.
    pub(super) fn needs_names(self) -> bool {
        self == Self::Irc
    }

    /// Returns what asks for a name.
    pub(super) fn name_line(self, name: &str) -> Vec<u8> {
        match self {
            Self::Text => Text::name_line(name),
            Self::Classic => Classic::name_line(name),
            Self::Irc => Irc::name_line(name),
        }
    }

    /// Returns the bytes before the text in a message of a member with that name.
    pub(super) fn line_start(self, name: &str) -> Vec<u8> {
        match self {
            Self::Text => Text::line_start(name),
            Self::Classic => Classic::line_start(name),
            Self::Irc => Irc::line_start(name),
        }
    }

    /// Appends a message and the line end.
    pub(super) fn write_words(self, wire: &Wire, header: &Encoded, size: usize, out: &mut Vec<u8>) {
        fn write<F: Form>(wire: &Wire, header: &Encoded, size: usize, out: &mut Vec<u8>) {
            out.extend_from_slice(F::header(header));
            out.extend_from_slice(F::filler(wire, size));
            out.extend_from_slice(F::END);
        }
        match self {
            Self::Text => write::<Text>(wire, header, size, out),
            Self::Classic => write::<Classic>(wire, header, size, out),
            Self::Irc => write::<Irc>(wire, header, size, out),
        }
    }

    /// Takes in what a silent session must hear of what it was sent; returns how many bytes its complete lines have.
    pub(super) fn hear_last(self, transport: Transport, bytes: &[u8], heard: &mut Heard) -> usize {
        fn hear<F: Form>(transport: Transport, bytes: &[u8], heard: &mut Heard) -> usize {
            match transport {
                Transport::Lines => F::hear_last(bytes, heard),
                Transport::WebSocket => Messages::<F>::hear_last(bytes, heard),
            }
        }
        match self {
            Self::Text => hear::<Text>(transport, bytes, heard),
            Self::Classic => hear::<Classic>(transport, bytes, heard),
            Self::Irc => hear::<Irc>(transport, bytes, heard),
        }
    }

    /// Returns how often a silent session sends a line so that a server with default timeouts does not close it: three
    /// times as often as needed. `None`: it is enough that it answers what the server asks.
    pub(super) fn keepalive(self) -> Option<Duration> {
        match self {
            Self::Text => Some(Duration::from_secs(200)),
            Self::Classic => Some(Duration::from_secs(5)),
            Self::Irc => None,
        }
    }

    /// Returns that line.
    pub(super) fn keepalive_line(self) -> &'static [u8] {
        match self {
            Self::Text | Self::Classic => b"\n",
            Self::Irc => irc::PING,
        }
    }
}

impl FromStr for Dialect {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "text" => Ok(Self::Text),
            "classic" => Ok(Self::Classic),
            "irc" => Ok(Self::Irc),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Classic => "classic",
            Self::Irc => "irc",
        })
    }
}
