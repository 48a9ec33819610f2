//! Wire formats: they decode a line into a [`Request`], and encode an [`Update`] as bytes.

mod classic;
mod complaint;
pub(crate) mod irc;
mod request;
mod text;
mod update;

use alloc::vec::Vec;
use core::fmt::{self, Debug, Write as _};
use core::time::Duration;

pub use self::classic::Classic;
pub use self::complaint::Complaint;
pub use self::irc::{Irc, IrcSettings, IrcSettingsError};
pub(crate) use self::request::Publishes;
pub use self::request::{Manner, Request};
pub use self::text::Text;
pub use self::update::{RoomChange, Update};
pub use crate::wire::sniff::{FirstLine, other_protocol};

/// The most bytes of names and words in an update that carries no peer's line, such as the list of who is here.
///
/// The help text is the longest. Lists and reasons are cut to fit.
pub const MAX_NOTICE: usize = 1_024;

/// A wire format: it decodes a line into a [`Request`] and encodes an [`Update`] as bytes.
///
/// Sessions of different dialects share one conversation. Each update is encoded once for every dialect in use, however
/// many sessions read it. A dialect keeps no state: the hub keeps what belongs to a session. The same line or update
/// must give the same result each time, or a trace could not be replayed.
///
/// Input is lines, whatever the [framing](crate::Framing) cuts them from. Output is whatever `encode` makes of an
/// update: lines, each with its line end, and UTF-8 where they are to be text messages of WebSocket. A reader may miss
/// any number of updates between two, so each has to make sense by itself.
pub trait Dialect: Debug + Send + Sync {
    /// The name of the dialect in options and logs, such as `text`.
    fn name(&self) -> &str;

    /// Returns the other protocol that a session's first line belongs to, if any.
    ///
    /// Called with the first line that is not blank. Such a peer is told what this server is, and closed. Nothing that
    /// it sends is carried out, because a browser's request contains lines that some web page chose. A dialect whose
    /// own lines look like another protocol's overrides this, and may leave the rest to [`other_protocol`].
    fn other_protocol(&self, first: FirstLine<'_>) -> Option<&'static str> {
        other_protocol(first)
    }

    /// Decodes one line, given without its LF or CRLF. It may be any bytes: nothing is removed from it before, not even
    /// telnet's commands.
    ///
    /// `named` tells whether the session has a name; if so, a name that the line claims need not be decoded. `scratch`
    /// is empty and can hold `max_line` bytes without allocating; the request may borrow from it. Words should not be
    /// longer than the line. Words longer than [`Config::max_line`](crate::Config::max_line) are published, but not
    /// kept for newcomers and followers. They may have any characters, since they are cleaned afterwards.
    ///
    /// [`Complaint::NotUtf8`] for the first line closes the session, because no chat client begins like that; any other
    /// complaint does not.
    fn decode<'a>(&self, line: &'a [u8], named: bool, scratch: &'a mut Vec<u8>) -> Request<'a>;

    /// Appends the update to `out` as this dialect encodes it, or nothing if it does not show such an update.
    ///
    /// Names are valid. Words have no control characters and nothing else that [controls a terminal or
    /// hides](crate#names-and-words).
    fn encode(&self, update: &Update<'_>, out: &mut Vec<u8>);

    /// Returns the most bytes that [`encode`](Self::encode) appends for an update whose names and words have `payload`
    /// bytes in all. Words are also the reason in [`Complaint::Policy`]. Other reasons and numbers come on top: allow
    /// 200 bytes for them.
    ///
    /// Two of the longest updates must fit in [`Config::reply_bytes`](crate::Config::reply_bytes). By default that is 8
    /// KiB for each, with at most 4,160 bytes of names and words. A format that may double them needs a larger buffer
    /// or shorter lines, or the configuration is refused. An update longer than the
    /// longest promised for any dialect is not sent, and an error is logged.
    fn encoded_len(&self, payload: usize) -> usize;

    /// Returns how a session is called until it has a name.
    fn unnamed(&self) -> Unnamed {
        Unnamed::Guest
    }

    /// Returns whether many joins and leaves are folded into one line, as people at a screen want it.
    ///
    /// If so, the first five within a second are shown one by one, and the others are only counted. At the end of the
    /// second one [`Update::CameAndWent`] says how many there were. In the second after one with more than five, all
    /// are only counted. If not, which is the default and what programs want, each is an update of its own.
    fn folds_presence(&self) -> bool {
        false
    }

    /// Returns whether its sessions may be in rooms other than the lobby. If not, which is the default, they are in the
    /// lobby and nowhere else, and no memory is set aside for logs of other rooms.
    fn has_rooms(&self) -> bool {
        false
    }

    /// Appends what stands before each line of a room that is not the one in which the session speaks, and nothing by
    /// default. At most 66 bytes, 16 more than the longest name of a room has; a longer label is left out.
    fn label(&self, room: &str, out: &mut Vec<u8>) {
        let _ = (room, out);
    }

    /// Returns the default of [`DialectConfig::idle_timeout`](crate::DialectConfig::idle_timeout).
    fn idle_timeout(&self) -> Option<Duration> {
        Some(Duration::from_secs(600))
    }

    /// Returns the default of [`DialectConfig::backlog`](crate::DialectConfig::backlog).
    fn backlog(&self) -> usize {
        0
    }

    /// Returns it as IRC, which the hub knows more of.
    #[doc(hidden)]
    fn as_irc(&self) -> Option<&Irc> {
        None
    }
}

/// How a session is called until it has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unnamed {
    /// `guest-N`, with a number that no session had before. Sessions that are opened under a name use up none.
    Guest,
    /// `anonymous`, for all of them.
    Anonymous,
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
