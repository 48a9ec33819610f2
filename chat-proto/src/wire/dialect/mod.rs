//! Wire formats: a line in becomes a [`Request`], an [`Event`] becomes bytes out.

mod classic;
mod text;

use alloc::vec::Vec;
use core::fmt::{self, Debug, Write as _};
use core::time::Duration;

pub use self::classic::Classic;
pub use self::text::Text;
use crate::command::{CloseReason, OpenError};
use crate::names::NameError;
pub use crate::wire::sniff::{FirstLine, other_protocol};

/// The most bytes of names and words in an event that carries no peer's line, such as the list of who is here.
///
/// The help text is the longest; lists and reasons are cut to fit.
pub const MAX_NOTICE: usize = 1_024;

/// A wire format: it turns a line into a [`Request`] and an [`Event`] into bytes.
///
/// Sessions of different dialects share one conversation. Each event is encoded once for every dialect in use, however
/// many sessions read it. A dialect keeps no state: what belongs to a session is kept by the hub, and the same line or
/// event comes out the same each time, or a trace could not be replayed.
///
/// Input is lines, and LF ends one. For a transport with messages of its own, such as WebSocket, the driver offers each
/// message with an LF behind it. Output is whatever `encode` makes of an event; since a reader may miss any number of
/// events between two, each has to stand for itself.
pub trait Dialect: Debug + Send + Sync {
    /// The name by which options and logs call it, such as `text`.
    fn name(&self) -> &str;

    /// Returns which other protocol a session's first line shows its peer to speak, if it does.
    ///
    /// Asked of the first line that is not blank; blank ones before it are passed over. Such a peer is told what this
    /// is and closed, and nothing of what it sends is carried out: a browser's request has lines in it that some web
    /// page chose. A dialect whose own lines look like another protocol's overrides this, and may leave the rest to
    /// [`other_protocol`].
    fn other_protocol(&self, first: FirstLine<'_>) -> Option<&'static str> {
        other_protocol(first)
    }

    /// Decodes one line, given without its LF or CRLF.
    ///
    /// `named` tells whether the session has a name: one that the line claims need not be decoded then. `scratch` is
    /// empty and can hold `max_line` bytes without allocating; the request may borrow from it. Words should not be longer
    /// than the line: what is longer than [`Config::max_line`](crate::Config::max_line) is said, but not kept for newcomers
    /// and followers.
    fn decode<'a>(&self, line: &'a [u8], named: bool, scratch: &'a mut Vec<u8>) -> Request<'a>;

    /// Appends the event to `out` as this dialect writes it, or nothing if it does not show such an event.
    ///
    /// Names are valid; words hold no control characters and nothing else that [steers a terminal or hides](crate#names-and-words).
    fn encode(&self, event: &Event<'_>, out: &mut Vec<u8>);

    /// Returns the most bytes that [`encode`](Self::encode) appends for an event whose names and words have
    /// `payload` bytes in all.
    ///
    /// Two of the longest events must fit [`Config::reply_bytes`](crate::Config::reply_bytes). By default that is 8 KiB
    /// for each, of at most 4,160 bytes of names and words: a format that may double them needs a larger buffer, or
    /// shorter lines, or the configuration is refused. What is longer than it was said to be is not sent.
    fn encoded_len(&self, payload: usize) -> usize;

    /// Returns what a session is called until it has named itself.
    fn unnamed(&self) -> Unnamed {
        Unnamed::Guest
    }

    /// Returns whether readers are spared a line for each of many joins and leaves, as people at a screen want it.
    ///
    /// If so, the first five within a second are shown as they are, and the others are counted: at the end of the second
    /// one [`Event::CameAndWent`] tells how many there were. In the second after one in which more than five joined and
    /// left, all are only counted. If not, as is the default and programs want it, each is an event of its own.
    fn folds_presence(&self) -> bool {
        false
    }

    /// Returns the default of [`DialectConfig::idle_timeout`](crate::DialectConfig::idle_timeout).
    fn idle_timeout(&self) -> Option<Duration> {
        Some(Duration::from_secs(600))
    }

    /// Returns the default of [`DialectConfig::backlog`](crate::DialectConfig::backlog).
    fn backlog(&self) -> usize {
        0
    }
}

/// What a session is called until it has named itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unnamed {
    /// `guest-N`, each with an N that no other has or had.
    Guest,
    /// `anonymous`, all of them.
    Anonymous,
}

/// What a peer asks for with one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request<'a> {
    /// To do nothing: an empty line, or a keepalive that wants no answer.
    Nothing,
    /// To say something to everyone. A session that has no name yet takes the claimed one if it may.
    Say {
        /// What to say.
        words: &'a str,
        /// The name that the line itself claims, in dialects whose lines carry one.
        claim: Option<&'a str>,
        /// The words as the line has them, in dialects that write them otherwise than they are.
        ///
        /// If nothing had to be cleaned from the words, [`Event::Said`] brings them back to the same dialect, which
        /// may copy them instead of encoding the words again. Only for formats in which words have one form.
        wire: Option<&'a [u8]>,
    },
    /// To be seen doing something (`/me waves`).
    Act(&'a str),
    /// To be called something else.
    Name(&'a str),
    /// To say something to one other.
    Tell {
        /// The other's name.
        to: &'a str,
        /// What to say.
        words: &'a str,
    },
    /// To know who is here.
    Who,
    /// To see whether the server answers.
    Ping,
    /// To know what can be asked for.
    Help,
    /// To leave, with words that may be empty; of more than 256 bytes, those.
    Quit(&'a str),
    /// Something that cannot be understood.
    Invalid(Complaint<'a>),
}

impl Request<'_> {
    /// Returns whether everyone may be told something if this is done.
    ///
    /// That somebody leaves is not among it: nobody is kept from leaving.
    #[inline]
    pub(crate) fn publishes(&self) -> bool {
        matches!(self, Self::Say { .. } | Self::Act(_) | Self::Name(_))
    }
}

/// What happened, to be written in a dialect's own words.
///
/// The first group is for everyone and goes into the log; the second is for one session and goes into its replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Someone said something.
    Said {
        /// Who.
        name: &'a str,
        /// What it said.
        words: &'a str,
        /// The words as this very dialect read them, if it offered that in [`Request::Say`] and they are unchanged.
        wire: Option<&'a [u8]>,
    },
    /// Someone did something (`/me`).
    Acted {
        /// Who.
        name: &'a str,
        /// What it did.
        words: &'a str,
    },
    /// Someone has named itself or said its first words.
    Joined {
        /// Who.
        name: &'a str,
    },
    /// Someone is called something else now.
    Renamed {
        /// What it was called.
        from: &'a str,
        /// What it is called.
        to: &'a str,
    },
    /// Someone who had joined is gone.
    Left {
        /// Who.
        name: &'a str,
        /// Why.
        reason: CloseReason,
        /// What it said on leaving, or the embedding program's reason; may be empty.
        words: &'a str,
    },
    /// The embedding program speaks to everyone.
    Announced {
        /// What it says.
        words: &'a str,
    },
    /// So many have joined and left, in place of a line for each, in dialects that
    /// [fold presence](Dialect::folds_presence).
    CameAndWent {
        /// How many joined.
        joined: u64,
        /// How many left.
        left: u64,
    },

    /// The session is open.
    Welcome {
        /// What it is called.
        name: &'a str,
        /// How long it may be silent; `None`: for ever.
        idle_timeout: Option<Duration>,
    },
    /// Messages follow that were said before the session was opened.
    BacklogBegins,
    /// What follows is said from now on.
    BacklogEnds,
    /// The session has another name.
    Named {
        /// What it is called.
        name: &'a str,
    },
    /// Someone said something to this session only.
    Told {
        /// Who.
        from: &'a str,
        /// What it said.
        words: &'a str,
    },
    /// What this session said to one other was passed on.
    TellPassed {
        /// To whom.
        to: &'a str,
        /// What it said.
        words: &'a str,
    },
    /// Who is here.
    Who {
        /// The first of them, separated by a comma and a space.
        names: &'a str,
        /// How many are here in all.
        count: usize,
        /// How many of them are not in `names`.
        left_out: usize,
    },
    /// The answer to a ping.
    Pong,
    /// What can be asked for.
    Help,
    /// The session has been silent for so long that it is closed in a minute.
    SilenceWarning,
    /// Messages that this reader was too slow for.
    Missed {
        /// How many, 1 or more.
        count: u64,
    },
    /// The peer's line could not be carried out.
    Refused(Complaint<'a>),
    /// The last words to a session that is being closed.
    Closing {
        /// Why.
        reason: CloseReason,
        /// The embedding program's own reason; may be empty.
        words: &'a str,
    },
    /// The only words to a connection for which no session could be opened.
    NotOpened(OpenError),
}

impl Event<'_> {
    /// Returns the event for dialects other than the speaker's.
    #[inline(never)] // Or all would be fetched for each event, most of which need no copy.
    pub(crate) fn without_wire(&self) -> Self {
        match *self {
            Self::Said { name, words, .. } => Self::Said { name, words, wire: None },
            event => event,
        }
    }
}

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
    /// The line is no request of this dialect.
    NotUnderstood,
    /// The command lacks something; this is how it is used.
    Usage(&'static str),
    /// The name cannot be had.
    Name(NameError),
    /// Nobody here has that name.
    NobodyThere,
    /// There was a guest of that number: it has left, or has taken a name.
    GuestGone {
        /// The number.
        number: u64,
    },
    /// The one it is for has no room for it: it does not read what it is sent.
    NotReading,
    /// The embedding program's [`Policy`](crate::Policy) is against it, for this reason, of at most 256 bytes.
    Policy(&'a str),
    /// The session's first line is of another protocol, named here. It is closed, or all that such a program sends after
    /// its first line would be said to everyone.
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
            Self::Policy(why) => f.write_str(why),
            Self::WrongProtocol(protocol) => write!(f, "this is a chat server; you seem to speak {protocol}"),
        }
    }
}

/// Appends the pieces to `out`.
fn push(out: &mut Vec<u8>, pieces: &[&str]) {
    for piece in pieces {
        out.extend_from_slice(piece.as_bytes());
    }
}

/// Appends formatted text to `out`.
fn write(out: &mut Vec<u8>, args: fmt::Arguments<'_>) {
    struct Utf8<'a>(&'a mut Vec<u8>);

    impl fmt::Write for Utf8<'_> {
        fn write_str(&mut self, s: &str) -> fmt::Result {
            self.0.extend_from_slice(s.as_bytes());
            Ok(())
        }
    }

    // Writing to memory does not fail, nor do our own Display implementations.
    let written = Utf8(out).write_fmt(args);
    debug_assert!(written.is_ok());
}
