//! Every limit of the hub: its default, its reason, its range.

mod check;
mod error;
mod limit;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

pub(crate) use self::check::{MAX_DIALECTS, MAX_ROOMS};
pub use self::error::ConfigError;
pub use self::limit::{Limit, RatePart};
use crate::moderation::RoomFlags;
use crate::names::{MAX_MADE_NAME, NameRules};
use crate::policy::Policy;
pub use crate::rate::Rate;
use crate::schedule::pace::Pace;
use crate::schedule::ready::Numbers;
use crate::wire::dialect::irc::{Irc, limits};
use crate::wire::dialect::{Classic, Dialect, MAX_NOTICE, Text};

/// The limits of a [`Hub`](crate::Hub), checked when the hub is made.
///
/// ```
/// use chat_proto::{Config, Hub};
///
/// let config = Config { max_sessions: 100, ..Config::default() };
/// println!("never more than {} bytes", config.memory_bound());
/// let hub = Hub::new(config)?;
/// # Ok::<(), chat_proto::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// Sessions at once, 1 to 1,048,576 (what Linux lets a process open by default); 10,000 by default.
    pub max_sessions: usize,
    /// Bytes of a line without its line end, 64 to 1,048,576; 4,096 by default, as `PIPE_BUF`: eight
    /// times what RFC 1459 allows.
    pub max_line: usize,
    /// Bytes of a name, 1 to 255; 32 by default: ten characters of any script, or 32 of ASCII.
    pub max_name: usize,
    /// Which names are valid, and which are too similar for two members; [`NameRules::Strict`] by default.
    pub names: NameRules,
    /// Bytes of encoded messages of the lobby kept for each dialect, up to 1 GiB; 4 MiB by default. This is how far a
    /// reader may fall behind. The least is the longest message, or ten of them where there is a [`pace`](Self::pace).
    pub log_bytes: usize,
    /// Messages of the lobby kept for each dialect, 1 (with a [`pace`](Self::pace) 10) to 16,777,216; 65,536 by
    /// default, so that short lines do not fill the index before [`log_bytes`](Self::log_bytes) is used.
    pub log_entries: usize,
    /// Bytes of private replies kept for a session, up to 16 MiB; 16 KiB by default. The least is what one line can
    /// cause: two of the longest updates in [any dialect](crate::Dialect::encoded_len). A session whose reply buffer
    /// has less room than that is not read from until it has read its replies.
    pub reply_bytes: usize,
    /// Records in the journal, 1 to 16,777,216; 10,000 by default, as the original's log.
    pub journal_records: usize,
    /// How much is kept for newcomers and [followers](crate::conversation): the latest messages of the lobby, and as
    /// many other events of all rooms, 0 to 65,536; 1,000 of each by default, or as many as fit in
    /// [`history_bytes`](Self::history_bytes). At least as many messages are kept as any
    /// [backlog](DialectConfig::backlog) shows.
    pub history: usize,
    /// Bytes of names and words kept in the history, for messages and for other events each, up to 1 GiB; 1 MiB by
    /// default, so that a thousand long messages fit. The least is one of the longest: `max_line` and two names.
    pub history_bytes: usize,
    /// [Rooms](crate#rooms) at once, 1 to 65,536; 256 by default. The lobby counts, and so does a room that has ended
    /// until all who were in it have read what was said there.
    pub max_rooms: usize,
    /// Rooms at once that were begun from one [origin](crate::Origin), 1 to 65,536; 32 by default: more than a few
    /// people need, and an eighth of all rooms. Those of [`rooms`](Self::rooms) do not count; one that has ended does,
    /// as for [`max_rooms`](Self::max_rooms). `None`: no limit besides that.
    pub max_rooms_per_address: Option<usize>,
    /// Rooms that one session is in at once, 1 to 256; 20 by default. The lobby counts, and so does a room that it has
    /// left until it has read what was said there before.
    pub max_rooms_per_session: usize,
    /// Whether a session may begin a room; true by default. If not, there are only the lobby and those of
    /// [`rooms`](Self::rooms).
    pub new_rooms: bool,
    /// Rooms that are always there, besides the lobby; none by default.
    pub rooms: Vec<RoomConfig>,
    /// Bytes of encoded messages kept in each room but the lobby, for each dialect that [has
    /// rooms](crate::Dialect::has_rooms), up to 1 GiB; 64 KiB by default, so that hundreds of rooms take some
    /// megabytes. Where [`log_bytes`](Self::log_bytes) would have to be larger, it is, whatever this says.
    pub room_log_bytes: usize,
    /// Messages kept in each of these logs, 1 to 16,777,216; 1,024 by default. With a [`pace`](Self::pace) at least 10.
    pub room_log_entries: usize,
    /// How many messages each room but the lobby keeps for those who enter it, 0 to 65,536; 100 by default.
    pub room_history: usize,
    /// Bytes of names and words of these, up to 1 GiB; 64 KiB by default. At least one message is kept.
    pub room_history_bytes: usize,
    /// How fast a session may send lines; 20 a second with a burst of 100 by default. Each KiB of a line beyond
    /// [`max_line`](Self::max_line) counts as a line. `None`: as fast as readers take them.
    pub rate: Option<Rate>,
    /// Bytes a second that a reader has to take, while its socket is blocked, for others to wait for it: 1,024 to 1
    /// GiB; 1 MiB by default, which is more than anybody reads and less than most networks carry.
    ///
    /// A reader that keeps pace misses nothing: while it is behind by a [small part](crate#pace) of a room's log, lines
    /// that would publish something there wait. A slower reader is not waited for, and [`on_lag`](Self::on_lag) says
    /// what happens if the log evicts what it has not read. No number of readers slows publishing below half of this,
    /// counted in the dialect whose log grows fastest. `None`: nobody is waited for.
    pub pace: Option<usize>,
    /// Sessions at once from one [origin](crate::Origin), 1 to 1,048,576; 100 by default: a school or an office behind
    /// one address, and a hundredth of all sessions. Drivers that use [`Exemptions`](crate::Exemptions) do not count
    /// loopback and Unix sockets unless told to; that goes for all limits by address. `None`: no limit besides
    /// [`max_sessions`](Self::max_sessions).
    pub max_per_address: Option<usize>,
    /// How fast sessions may be opened from one origin; 10 a second with a burst of 100 by default, so that all
    /// sessions of an origin can come back at once. `None`: no limit.
    pub connects_per_address: Option<Rate>,
    /// How fast all sessions of one origin may send lines together; 200 a second with a burst of 1,000 by default: ten
    /// sessions at their full [`rate`](Self::rate). A session without a token waits for its turn. An origin's bucket
    /// stays when its sessions end, so that reconnecting gives no new burst. `None`: only [`rate`](Self::rate) applies.
    pub rate_per_address: Option<Rate>,
    /// What happens to a reader that falls behind the log; [`OnLag::Skip`] by default.
    pub on_lag: OnLag,
    /// How long a session may take no pending byte, 1 ms to 365 days; 30 s by default. `None`: for ever.
    pub stall_timeout: Option<Duration>,
    /// How long a closing session has for its last bytes, 1 ms to 365 days; 5 s by default. A peer that has
    /// [ended](crate::Hub::peer_ended) has the same time for its untaken input.
    pub linger_timeout: Duration,
    /// Judges messages and names before they are published; `None` by default.
    pub policy: Option<Arc<dyn Policy>>,
    /// The time of day when the hub's time was zero, in milliseconds since 1970; 0 by default. Only IRC shows times of
    /// day.
    pub started: u64,
    /// A number that no other hub has, such as a random one; 0 by default. Where a format numbers messages, as IRC does,
    /// a client that comes back after a restart knows by it that the numbers are others.
    pub life: u64,
    /// The dialects in use, 1 to 16 with different names; `classic` and `text` by default. Each has a log of its own in
    /// each room that its sessions may enter and, while it has readers there, encodes each message once.
    pub dialects: Vec<DialectConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_sessions: 10_000,
            max_line: 4_096,
            max_name: 32,
            names: NameRules::Strict,
            log_bytes: 4 << 20,
            log_entries: 65_536,
            reply_bytes: 16 << 10,
            journal_records: 10_000,
            history: 1_000,
            history_bytes: 1 << 20,
            max_rooms: 256,
            max_rooms_per_address: Some(32),
            max_rooms_per_session: 20,
            new_rooms: true,
            rooms: Vec::new(),
            room_log_bytes: 64 << 10,
            room_log_entries: 1_024,
            room_history: 100,
            room_history_bytes: 64 << 10,
            rate: Some(Rate::default()),
            pace: Some(1 << 20),
            max_per_address: Some(100),
            connects_per_address: Some(Rate::CONNECTS_PER_ADDRESS),
            rate_per_address: Some(Rate::LINES_PER_ADDRESS),
            on_lag: OnLag::Skip,
            stall_timeout: Some(Duration::from_secs(30)),
            linger_timeout: Duration::from_secs(5),
            policy: None,
            started: 0,
            life: 0,
            dialects: vec![DialectConfig::new(Classic), DialectConfig::new(Text)],
        }
    }
}

/// A room that is always there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomConfig {
    /// Its name: letters and digits, and `-` after the first, 1 to 50 bytes, and not `lobby`.
    pub name: String,
    /// Its topic until an operator sets another; may be empty.
    pub topic: String,
    /// Its flags. [`RoomFlags::INVITED_ONLY`] cannot be among them: the room has no operators at first, so nobody could
    /// invite. [`Hub::set_room_flags`](crate::Hub::set_room_flags) can add it later.
    pub flags: RoomFlags,
}

/// A dialect in use, and the limits that depend on it.
#[derive(Clone, Debug)]
pub struct DialectConfig {
    /// The wire format.
    pub dialect: Arc<dyn Dialect>,
    /// How long a session may send no complete line, 1 ms to 365 days; 15 s in `classic` (the original's three ticks of
    /// 5 s), 10 minutes in `text`. `None`: for ever. From 2 minutes on, `text` warns a minute before the end.
    pub idle_timeout: Option<Duration>,
    /// How fast a session of this dialect may send lines; as [`Config::rate`] says by default.
    pub rate: RateLimit,
    /// How many of the latest messages of a room are shown to a newcomer and to whoever enters the room, 0 to 1,000; 20
    /// in `text`, none in `classic`. They are encoded as it reads, whatever the size of its reply buffer, and as far as
    /// the history has them.
    pub backlog: usize,
}

impl DialectConfig {
    /// Takes the dialect's own defaults.
    #[must_use]
    pub fn new(dialect: impl Dialect + 'static) -> Self {
        let (idle_timeout, backlog) = (dialect.idle_timeout(), dialect.backlog());
        Self { dialect: Arc::new(dialect), idle_timeout, rate: RateLimit::AsConfig, backlog }
    }
}

/// How fast sessions of one dialect may send lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateLimit {
    /// As [`Config::rate`] says.
    #[default]
    AsConfig,
    /// As fast as this; `None`: as fast as readers take it.
    Own(Option<Rate>),
}

impl RateLimit {
    /// Returns the rate that counts, where `config` is that of all dialects.
    pub(crate) fn or(self, config: Option<Rate>) -> Option<Rate> {
        match self {
            Self::AsConfig => config,
            Self::Own(rate) => rate,
        }
    }
}

/// What happens to a reader that falls behind the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLag {
    /// It is told how many messages it missed, and continues at the oldest one kept.
    #[default]
    Skip,
    /// It is told how many it missed and closed with [`CloseReason::Lagged`](crate::CloseReason::Lagged).
    Close,
}

/// The most that [`Config::max_rooms_per_session`] may be.
pub(crate) const MAX_ROOMS_PER_SESSION: usize = 256;

impl Config {
    /// The least bytes and entries of a log.
    fn least_log(&self) -> (usize, usize) {
        match self.pace {
            Some(_) => (Pace::least_log_bytes(self.max_encoded()), Pace::LEAST_LOG_ENTRIES),
            None => (self.max_encoded(), 1),
        }
    }

    /// Whether a dialect has rooms. If none has, there is only the lobby, whatever the limits say.
    fn has_rooms(&self) -> bool {
        self.dialects.iter().any(|dialect| dialect.dialect.has_rooms())
    }

    /// The most rooms that there can be.
    pub(crate) fn rooms_at_most(&self) -> usize {
        if self.has_rooms() { self.max_rooms } else { 1 }
    }

    /// The most rooms of a session for which there is memory. Whoever may leave the lobby needs it, even if there is no
    /// other room.
    pub(crate) fn session_rooms_at_most(&self) -> usize {
        if self.has_rooms() { self.max_rooms_per_session } else { 0 }
    }

    /// How many there may be of what is queued.
    pub(crate) fn numbers(&self) -> Numbers {
        let (rooms, places) = (self.rooms_at_most(), self.session_rooms_at_most());
        Numbers { rooms, dialects: self.dialects.len(), sessions: self.max_sessions, places }
    }

    /// The bytes and entries of the log of a room that is not the lobby.
    pub(crate) fn room_log(&self) -> (usize, usize) {
        let (least_bytes, least_entries) = self.least_log();
        (self.room_log_bytes.max(least_bytes), self.room_log_entries.max(least_entries))
    }

    /// The most bytes of names and words in one update.
    fn payload(&self) -> usize {
        self.max_line.saturating_add(2 * self.max_name).max(MAX_NOTICE)
    }

    /// The most bytes of names and words that are kept of one event.
    fn least_history_bytes(&self) -> usize {
        self.payload().saturating_add(2 * MAX_MADE_NAME)
    }

    /// The most bytes that one update takes in any dialect: a full line, two names and the text around them.
    pub(crate) fn max_encoded(&self) -> usize {
        let payload = self.payload();
        self.dialects.iter().map(|dialect| self.longest(dialect)).max().unwrap_or(payload)
    }

    /// The most bytes that one update takes in a dialect.
    pub(crate) fn longest(&self, dialect: &DialectConfig) -> usize {
        match dialect.dialect.as_irc() {
            Some(_) => Irc::longest(self.max_name, self.payload()),
            None => dialect.dialect.encoded_len(self.payload()),
        }
    }

    /// The most bytes that one update takes in a dialect, or in any other that is not IRC. One line may cause several
    /// short replies, for which this has room, too.
    pub(crate) fn longest_beside(&self, dialect: &DialectConfig) -> usize {
        let others = self.dialects.iter().filter(|other| other.dialect.as_irc().is_none());
        let longest = others.map(|other| self.longest(other)).max().unwrap_or_default();
        longest.max(self.longest(dialect))
    }

    /// Whether there is IRC, whose sessions need more than others.
    pub(crate) fn has_irc(&self) -> bool {
        self.dialects.iter().any(|dialect| dialect.dialect.as_irc().is_some())
    }

    /// The most bytes of a line in a dialect.
    pub(crate) fn max_line_in(&self, dialect: &DialectConfig) -> usize {
        dialect.dialect.as_irc().map_or(self.max_line, |_| limits::MAX_LINE)
    }

    /// The most bytes of a line in any dialect.
    pub(crate) fn longest_line(&self) -> usize {
        if self.has_irc() { self.max_line.max(limits::MAX_LINE) } else { self.max_line }
    }

    /// The least size of a reply buffer: what one line can cause in any dialect, a reply and last words.
    pub(crate) fn reply_reserve(&self) -> usize {
        2 * self.max_encoded()
    }
}
