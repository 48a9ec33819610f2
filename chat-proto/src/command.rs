//! What the hub asks of its driver, and why sessions end.

use core::fmt;

use crate::id::SessionId;

/// Something for the driver to do, from [`Hub::poll_command`](crate::Hub::poll_command).
///
/// Commands are flags on sessions, not a queue: at most one of each kind is outstanding for a session, so leaving them
/// undrained for any number of calls costs nothing and loses nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// The session has bytes for its peer: write once, as much as the socket takes, and report it.
    ///
    /// If the socket took all that was handed out and there is more, another `Send` follows by itself. If it took
    /// less, the driver writes again when the socket is writable; no further `Send` comes for this session until then.
    Send(SessionId),
    /// Input that [`Hub::receive`](crate::Hub::receive) left untaken may be offered again. This command does not come
    /// for a session that has begun to close.
    Read(SessionId),
    /// The session has sent credentials: check [`Hub::credentials`](crate::Hub::credentials), which takes long and so is
    /// done without the hub, then call [`Hub::authenticated`](crate::Hub::authenticated), once. Comes only if
    /// [`IrcSettings`](crate::dialect::IrcSettings) ask for a password, or say that there are operators.
    Authenticate(SessionId),
    /// The session is over: close its transport, [gently](crate#closing). The id is stale from here on.
    ///
    /// Given exactly once for every session that was opened, whoever ended it.
    Close(SessionId, CloseReason),
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The peer asked to leave.
    Quit,
    /// The peer ended its input and was sent everything.
    Eof,
    /// The transport failed ([`Hub::disconnect`](crate::Hub::disconnect)). There are no last words: drop it.
    Disconnected,
    /// No complete line came for the dialect's idle timeout.
    Idle,
    /// The peer took no pending byte for the stall timeout. There are no last words, because it would not read them:
    /// drop it.
    Stalled,
    /// The reader fell behind the log and the policy is [`OnLag::Close`](crate::OnLag::Close).
    Lagged {
        /// How many messages it had missed by then; [`u32::MAX`] if it was more.
        missed: u32,
    },
    /// The peer is no chat client: it speaks another protocol, and has been told so.
    WrongProtocol,
    /// Its first line was too long, or not UTF-8 although its dialect requires that, so it is not a chat client.
    FirstLine,
    /// It broke a rule of its [framing](crate::Framing): it does not speak WebSocket, or not well.
    BadFrame,
    /// The embedding program ended it ([`Hub::kick`](crate::Hub::kick)).
    Kicked,
    /// An operator of the server ended it.
    Killed,
    /// The peer does not know the password.
    WrongPassword,
    /// The hub was shut down.
    ShutDown,
}

impl CloseReason {
    /// Returns whether the peer may still read its last words. If not, its connection is to be dropped at once.
    #[must_use]
    pub const fn has_last_words(self) -> bool {
        !matches!(self, Self::Disconnected | Self::Stalled)
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quit => f.write_str("quit"),
            Self::Eof => f.write_str("end of input"),
            Self::Disconnected => f.write_str("connection lost"),
            Self::Idle => f.write_str("timed out"),
            Self::Stalled => f.write_str("not reading"),
            Self::Lagged { missed } => write!(f, "fell {missed} messages behind"),
            Self::WrongProtocol => f.write_str("wrong protocol"),
            Self::FirstLine => f.write_str("first line refused"),
            Self::BadFrame => f.write_str("bad WebSocket frame"),
            Self::Kicked => f.write_str("kicked"),
            Self::Killed => f.write_str("killed by an operator"),
            Self::WrongPassword => f.write_str("wrong password"),
            Self::ShutDown => f.write_str("server shutting down"),
        }
    }
}

/// Why a session could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// [`Config::max_sessions`](crate::Config::max_sessions) are open.
    Full,
    /// [`Config::max_per_address`](crate::Config::max_per_address) sessions come from the same origin.
    TooManyFromAddress,
    /// Sessions from the same origin are opened faster than
    /// [`Config::connects_per_address`](crate::Config::connects_per_address).
    TooFastFromAddress,
    /// The hub is shutting down.
    ShuttingDown,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the server is full, try again later",
            Self::TooManyFromAddress => "too many connections from your address, close one or try again later",
            Self::TooFastFromAddress => "too many new connections from your address, try again in a moment",
            Self::ShuttingDown => "the server is shutting down",
        })
    }
}

impl core::error::Error for OpenError {}
