//! Wire formats: they decode a line into a [`Request`], and encode an [`Update`] as bytes.

mod classic;
mod text;

use alloc::vec::Vec;
use core::fmt::{self, Debug, Write as _};
use core::time::Duration;

pub use self::classic::Classic;
pub use self::text::Text;
use crate::command::{CloseReason, OpenError};
use crate::moderation::{Role, RoomError};
use crate::names::NameError;
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
/// Input is lines, each ended by LF. If a transport has messages of its own, as WebSocket does, the driver offers each
/// message with an LF behind it. Output is whatever `encode` makes of an update. A reader may miss any number of
/// updates between two, so each has to make sense by itself.
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
}

/// How a session is called until it has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unnamed {
    /// `guest-N`, with a different N for each session ever opened.
    Guest,
    /// `anonymous`, for all of them.
    Anonymous,
}

/// What a peer asks for with one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request<'a> {
    /// Nothing: an empty line, or a keepalive that wants no answer.
    Nothing,
    /// To say something in the room in which the session speaks. A session without a name takes the claimed one if it
    /// may.
    Say {
        /// What to say.
        words: &'a str,
        /// The name that the line itself claims, in dialects whose lines carry one.
        claim: Option<&'a str>,
        /// The words as they are on the line, in dialects that encode them.
        ///
        /// If cleaning changed nothing, [`Update::Said`] carries this back to the same dialect, which may copy it
        /// instead of encoding the words again. Only for formats in which the same words have only one form.
        wire: Option<&'a [u8]>,
    },
    /// To do something that others see (`/me waves`).
    Act(&'a str),
    /// To take a name.
    Name(&'a str),
    /// To say something to one other.
    Tell {
        /// The other's name.
        to: &'a str,
        /// What to say.
        words: &'a str,
    },
    /// To see the latest messages of the room in which the session speaks.
    History {
        /// How many at most.
        last: usize,
    },
    /// To see who is in a room; `None`: in the one in which the session speaks.
    Who {
        /// The room's name.
        room: Option<&'a str>,
    },
    /// To enter a room, and to speak there from now on. If there is no room of that name, it begins.
    Join {
        /// The room's name.
        room: &'a str,
        /// The room's key; empty if none is given.
        key: &'a str,
    },
    /// To leave a room; `None`: the one in which the session speaks.
    Leave {
        /// The room's name.
        room: Option<&'a str>,
    },
    /// To see which rooms there are.
    Rooms,
    /// To see the topic of the room in which the session speaks, or to set it.
    Topic {
        /// The new topic; `None` to see the present one.
        words: Option<&'a str>,
    },
    /// To throw somebody out of the room in which the session speaks.
    Kick {
        /// Whom.
        name: &'a str,
        /// Why; may be empty.
        words: &'a str,
    },
    /// To keep somebody out of the room in which the session speaks, or no longer.
    Ban {
        /// Whom.
        name: &'a str,
        /// Whether the ban begins, or ends.
        banned: bool,
    },
    /// To give somebody a role in the room in which the session speaks, or to take it away.
    Role {
        /// To whom.
        name: &'a str,
        /// Which.
        role: Role,
        /// Whether it is given, or taken away.
        given: bool,
    },
    /// To invite somebody to the room in which the session speaks.
    Invite {
        /// Whom.
        name: &'a str,
    },
    /// To see whether the server answers.
    Ping,
    /// To see which commands there are, or more about one.
    Help {
        /// The command, which the dialect has; empty for all.
        command: &'a str,
    },
    /// To leave, with last words that may be empty and are cut at 256 bytes.
    Quit(&'a str),
    /// Something that cannot be understood.
    Invalid(Complaint<'a>),
}

impl Request<'_> {
    /// Returns where carrying this out may publish something that has to wait for readers.
    ///
    /// Leaving does not count, although others are told: nobody is kept from leaving.
    #[inline]
    pub(crate) fn publishes(&self) -> Publishes {
        match self {
            Self::Say { .. }
            | Self::Act(_)
            | Self::Topic { words: Some(_) }
            | Self::Kick { .. }
            | Self::Ban { .. }
            | Self::Role { .. } => Publishes::Here,
            Self::Name(_) => Publishes::Everywhere,
            Self::Join { .. } => Publishes::There,
            _ => Publishes::Nowhere,
        }
    }
}

/// Where a request may publish something that has to wait for readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Publishes {
    Nowhere,
    /// In the room in which the session speaks.
    Here,
    /// In all rooms that the session is in.
    Everywhere,
    /// In the room that it enters.
    There,
}

/// What happened, to be encoded by a dialect.
///
/// The first group is for everyone and goes into the log. The second is for one session and goes into its replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Update<'a> {
    /// Someone said something.
    Said {
        /// Who.
        name: &'a str,
        /// What it said.
        words: &'a str,
        /// The words as this same dialect received them, if it offered that in [`Request::Say`] and cleaning changed
        /// nothing.
        wire: Option<&'a [u8]>,
    },
    /// Someone did something (`/me`).
    Acted {
        /// Who.
        name: &'a str,
        /// What it did.
        words: &'a str,
    },
    /// Someone has taken a name or is about to say something for the first time.
    Joined {
        /// Who.
        name: &'a str,
    },
    /// Someone has another name.
    Renamed {
        /// The name before.
        from: &'a str,
        /// The name now.
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
    /// Someone has entered this room, which is not the lobby.
    Entered {
        /// Who.
        name: &'a str,
    },
    /// Someone has left this room, and is not gone.
    Parted {
        /// Who.
        name: &'a str,
    },
    /// Someone was thrown out of this room.
    Kicked {
        /// Who.
        name: &'a str,
        /// By whom.
        by: &'a str,
        /// Why; may be empty.
        words: &'a str,
    },
    /// Someone has set the topic of this room.
    TopicSet {
        /// Who.
        by: &'a str,
        /// The topic; empty if it was removed.
        words: &'a str,
    },
    /// Someone was given a role in this room, or has lost it.
    RoleSet {
        /// By whom.
        by: &'a str,
        /// Who.
        name: &'a str,
        /// Which.
        role: Role,
        /// Whether it was given, or taken away.
        given: bool,
    },
    /// Someone is banned from this room, or no longer.
    BanSet {
        /// By whom.
        by: &'a str,
        /// Who.
        name: &'a str,
        /// Whether the ban begins, or ends.
        banned: bool,
    },
    /// The embedding program speaks to everyone.
    Announced {
        /// What it says.
        words: &'a str,
    },
    /// How many have joined and left, in place of a line for each, in dialects that [fold
    /// presence](Dialect::folds_presence).
    CameAndWent {
        /// How many joined.
        joined: u64,
        /// How many left.
        left: u64,
    },

    /// The session is open.
    Welcome {
        /// Its name.
        name: &'a str,
        /// How long it may be silent; `None`: for ever.
        idle_timeout: Option<Duration>,
    },
    /// Messages of the history follow.
    BacklogBegins,
    /// Messages since the session was opened, or since it asked, follow.
    BacklogEnds,
    /// The session has another name.
    Named {
        /// Its name.
        name: &'a str,
    },
    /// Someone said something to this session only.
    Told {
        /// Who.
        from: &'a str,
        /// What it said.
        words: &'a str,
    },
    /// What this session said to one other was delivered.
    TellPassed {
        /// To whom.
        to: &'a str,
        /// What it said.
        words: &'a str,
    },
    /// The session speaks in another room from now on.
    InRoom {
        /// The room.
        room: &'a str,
        /// How many are in it.
        count: usize,
        /// The session has begun it, and is its operator.
        began: bool,
    },
    /// The session has left a room.
    LeftRoom {
        /// The room.
        room: &'a str,
    },
    /// The session was thrown out of a room.
    KickedOut {
        /// The room.
        room: &'a str,
        /// By whom.
        by: &'a str,
        /// Why; may be empty.
        words: &'a str,
    },
    /// The session speaks in no room from now on: it has left its last one, or was thrown out of the one in which it
    /// spoke. What it has typed for that room must not be said elsewhere.
    InNoRoom,
    /// The topic of a room.
    Topic {
        /// The room.
        room: &'a str,
        /// The topic; empty if there is none.
        words: &'a str,
        /// Who has set it.
        by: &'a str,
        /// How long ago.
        age: Duration,
    },
    /// A room, in the list of all.
    RoomListed {
        /// The room.
        room: &'a str,
        /// How many are in it.
        count: usize,
        /// Its topic; may be empty.
        topic: &'a str,
    },
    /// The list of all rooms ends.
    RoomsEnd {
        /// How many were listed.
        count: usize,
    },
    /// Someone invites this session to a room.
    Invited {
        /// The room.
        room: &'a str,
        /// Who.
        by: &'a str,
    },
    /// This session has invited someone to a room.
    InvitePassed {
        /// The room.
        room: &'a str,
        /// Whom.
        name: &'a str,
    },
    /// Who is here, or in another room.
    Who {
        /// The room, if it is not the one in which the session speaks.
        room: Option<&'a str>,
        /// The first of them, separated by a comma and a space.
        names: &'a str,
        /// How many are here in all.
        count: usize,
        /// How many of them are not in `names`.
        left_out: usize,
    },
    /// The answer to a ping.
    Pong,
    /// Which commands there are, or more about one.
    Help {
        /// The command, which the dialect has; empty for all.
        command: &'a str,
    },
    /// The session has been silent for so long that it will be closed in a minute.
    SilenceWarning,
    /// This reader was too slow for some messages.
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
    /// The only text for a connection for which no session could be opened.
    NotOpened(OpenError),
}

impl Update<'_> {
    /// Returns the update for dialects other than the author's.
    #[inline(never)] // Inlined, every update would be copied, and most need no copy.
    pub(crate) fn without_wire(&self) -> Self {
        match *self {
            Self::Said { name, words, .. } => Self::Said { name, words, wire: None },
            update => update,
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
