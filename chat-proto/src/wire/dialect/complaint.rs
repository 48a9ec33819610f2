//! What may be wrong with a line.

use core::fmt;

use crate::moderation::RoomError;
use crate::names::NameError;

/// What is wrong with a peer's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Complaint<'a> {
    /// The line is longer than `max_line`; it was discarded.
    LineTooLong {
        /// The limit in bytes.
        max: usize,
    },
    /// The line is not valid UTF-8.
    NotUtf8,
    /// A field is not base64: the standard alphabet, padded.
    NotBase64,
    /// The line is not a request of this dialect.
    NotUnderstood,
    /// The command lacks an argument; this is its usage.
    Usage(&'static str),
    /// The name cannot be taken.
    Name(NameError),
    /// Nobody here has that name.
    NobodyThere,
    /// That guest has left or has taken a name.
    GuestGone {
        /// The number.
        number: u64,
    },
    /// The recipient has no room for it, because it does not read what it is sent.
    NotReading,
    /// Something about a room is refused.
    Room(RoomError),
    /// The embedding program's [`Policy`](crate::Policy) refuses it, for this reason of at most 256 bytes.
    Policy(&'a str),
    /// The session's first line belongs to another protocol, named here. The session is closed; otherwise everything
    /// that such a program sends after its first line would be published.
    WrongProtocol(&'static str),
}

impl fmt::Display for Complaint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineTooLong { max } => write!(f, "line too long: {max} bytes at most"),
            Self::NotUtf8 => f.write_str("not valid UTF-8"),
            Self::NotBase64 => f.write_str("not valid base64"),
            Self::NotUnderstood => f.write_str("not understood"),
            Self::Usage(form) => write!(f, "usage: {form}"),
            Self::Name(error) => fmt::Display::fmt(error, f),
            Self::NobodyThere => f.write_str("nobody here has that name"),
            Self::GuestGone { number } => write!(f, "guest-{number} is gone, or is called something else now"),
            Self::NotReading => f.write_str("not delivered: they are not reading"),
            Self::Room(error) => fmt::Display::fmt(error, f),
            Self::Policy(why) => f.write_str(why),
            Self::WrongProtocol(protocol) => write!(f, "this is a chat server; you seem to speak {protocol}"),
        }
    }
}
