//! Every limit of the hub: its default, its reason, its range.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::moderation::{MAX_TOPIC, RoomError, RoomFlags};
use crate::names::{LOBBY, MAX_MADE_NAME, MAX_NAME, NameRules, RoomNames};
use crate::policy::Policy;
pub use crate::rate::Rate;
use crate::schedule::pace::Pace;
use crate::schedule::ready::Numbers;
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
    /// loopback and Unix sockets unless told to; that goes for all three limits by address. `None`: no limit besides
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
            dialects: vec![DialectConfig::new(Classic), DialectConfig::new(Text)],
        }
    }
}

/// A room that is always there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomConfig {
    /// Its name: letters, digits and `-`, 1 to 50 bytes, and not `lobby`.
    pub name: String,
    /// Its topic until an operator sets another; may be empty.
    pub topic: String,
    /// Its flags.
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

/// A limit of [`Config`] or [`DialectConfig`]; displayed as the name of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the field of that name")]
pub enum Limit {
    MaxSessions,
    MaxLine,
    MaxName,
    Dialects,
    LogBytes,
    LogEntries,
    ReplyBytes,
    JournalRecords,
    History,
    /// [`Config::history_bytes`].
    HistoryBytes,
    MaxRooms,
    MaxRoomsPerSession,
    /// [`Config::rooms`]: how many there are.
    Rooms,
    RoomLogBytes,
    RoomLogEntries,
    RoomHistory,
    RoomHistoryBytes,
    Rate(RatePart),
    Pace,
    MaxPerAddress,
    ConnectsPerAddress(RatePart),
    RatePerAddress(RatePart),
    StallTimeout,
    LingerTimeout,
    IdleTimeout,
    Backlog,
}

/// Which number of a [`Rate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RatePart {
    /// [`Rate::per_second`].
    PerSecond,
    /// [`Rate::burst`].
    Burst,
}

impl Limit {
    /// Returns the name of the field, such as `max_sessions`.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::MaxSessions => "max_sessions",
            Self::MaxLine => "max_line",
            Self::MaxName => "max_name",
            Self::Dialects => "dialects",
            Self::LogBytes => "log_bytes",
            Self::LogEntries => "log_entries",
            Self::ReplyBytes => "reply_bytes",
            Self::JournalRecords => "journal_records",
            Self::History => "history",
            Self::HistoryBytes => "history_bytes",
            Self::MaxRooms => "max_rooms",
            Self::MaxRoomsPerSession => "max_rooms_per_session",
            Self::Rooms => "rooms",
            Self::RoomLogBytes => "room_log_bytes",
            Self::RoomLogEntries => "room_log_entries",
            Self::RoomHistory => "room_history",
            Self::RoomHistoryBytes => "room_history_bytes",
            Self::Rate(_) => "rate",
            Self::Pace => "pace",
            Self::MaxPerAddress => "max_per_address",
            Self::ConnectsPerAddress(_) => "connects_per_address",
            Self::RatePerAddress(_) => "rate_per_address",
            Self::StallTimeout => "stall_timeout",
            Self::LingerTimeout => "linger_timeout",
            Self::IdleTimeout => "idle_timeout",
            Self::Backlog => "backlog",
        }
    }

    /// Returns which number of a rate it is, if it is one.
    #[must_use]
    pub const fn rate_part(self) -> Option<RatePart> {
        match self {
            Self::Rate(part) | Self::ConnectsPerAddress(part) | Self::RatePerAddress(part) => Some(part),
            _ => None,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field())?;
        f.write_str(match self.rate_part() {
            Some(RatePart::PerSecond) => ".per_second",
            Some(RatePart::Burst) => ".burst",
            None => "",
        })
    }
}

/// A limit that is out of its range.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// A number is outside its range.
    OutOfRange {
        /// Which limit.
        limit: Limit,
        /// The dialect that it is of, if it is one of a dialect.
        dialect: Option<String>,
        /// What it was set to.
        value: usize,
        /// The least allowed, which may depend on other limits.
        min: usize,
        /// The most allowed.
        max: usize,
    },
    /// There is less room than the longest updates of a dialect take.
    TooLittleRoom {
        /// Which limit: [`Limit::LogBytes`] or [`Limit::ReplyBytes`].
        limit: Limit,
        /// The dialect whose updates are the longest.
        dialect: String,
        /// What it was set to.
        value: usize,
        /// The least that this dialect needs, with the other limits as they are.
        min: usize,
        /// The most allowed.
        max: usize,
    },
    /// A timeout is under 1 ms or over 365 days.
    Timeout {
        /// Which limit.
        limit: Limit,
        /// The dialect that it is of, if it is one of a dialect.
        dialect: Option<String>,
    },
    /// Two dialects have the same name.
    SameDialect(String),
    /// A room in [`Config::rooms`] cannot be had.
    Room {
        /// Its name.
        name: String,
        /// Why.
        error: RoomError,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { limit, dialect, value, min, max } => {
                write!(f, "{limit}{} is {value}: it must be from {min} to {max}", of(dialect.as_deref()))
            }
            Self::TooLittleRoom { limit, dialect, value, min, max } => {
                write!(f, "{limit} is {value}: for the longest events of {dialect} it must be from {min} to {max}")
            }
            Self::Timeout { limit, dialect } => {
                write!(f, "{limit}{} must be from 1 ms to 365 days", of(dialect.as_deref()))
            }
            Self::Room { name, error } => write!(f, "the room {name:?}: {error}"),
            Self::SameDialect(name) => write!(f, "the dialect {name} is listed twice"),
        }
    }
}

/// Says whose limit it is.
fn of(dialect: Option<&str>) -> String {
    dialect.map(|name| format!(" of {name}")).unwrap_or_default()
}

impl core::error::Error for ConfigError {}

impl ConfigError {
    /// Says that it is this dialect's limit.
    fn of(mut self, name: &str) -> Self {
        if let Self::OutOfRange { dialect, .. } | Self::Timeout { dialect, .. } = &mut self {
            *dialect = Some(name.into());
        }
        self
    }
}

const MAX_SESSIONS: usize = 1 << 20;
const MAX_LINE: usize = 1 << 20;
const MAX_LOG_BYTES: usize = 1 << 30;
const MAX_LOG_ENTRIES: usize = 1 << 24;
const MAX_REPLY_BYTES: usize = 16 << 20;
const MAX_JOURNAL: usize = 1 << 24;
const MAX_HISTORY: usize = 1 << 16;
const MAX_HISTORY_BYTES: usize = 1 << 30;
const MAX_DIALECTS: usize = 16;
const MAX_BACKLOG: usize = 1_000;
const MAX_ROOMS: usize = 1 << 16;
pub(crate) const MAX_ROOMS_PER_SESSION: usize = 256;
const MIN_PACE: usize = 1 << 10;
const MAX_PACE: usize = 1 << 30;
const MIN_TIMEOUT: Duration = Duration::from_millis(1);
const MAX_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Config {
    /// Checks every limit, as [`Hub::new`](crate::Hub::new) does.
    ///
    /// # Errors
    ///
    /// The first limit found to be out of its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range(Limit::MaxSessions, self.max_sessions, 1, MAX_SESSIONS)?;
        range(Limit::MaxLine, self.max_line, 64, MAX_LINE)?;
        range(Limit::MaxName, self.max_name, 1, MAX_NAME)?;
        range(Limit::Dialects, self.dialects.len(), 1, MAX_DIALECTS)?;
        let (least_bytes, least_entries) = self.least_log();
        self.room(Limit::LogBytes, self.log_bytes, least_bytes, MAX_LOG_BYTES)?;
        range(Limit::LogEntries, self.log_entries, least_entries, MAX_LOG_ENTRIES)?;
        self.room(Limit::ReplyBytes, self.reply_bytes, self.reply_reserve(), MAX_REPLY_BYTES)?;
        range(Limit::JournalRecords, self.journal_records, 1, MAX_JOURNAL)?;
        range(Limit::History, self.history, 0, MAX_HISTORY)?;
        range(Limit::HistoryBytes, self.history_bytes, self.least_history_bytes(), MAX_HISTORY_BYTES)?;
        range(Limit::MaxRooms, self.max_rooms, 1, MAX_ROOMS)?;
        range(Limit::MaxRoomsPerSession, self.max_rooms_per_session, 1, MAX_ROOMS_PER_SESSION)?;
        range(Limit::Rooms, self.rooms.len(), 0, self.max_rooms - 1)?;
        self.check_rooms()?;
        range(Limit::RoomLogBytes, self.room_log_bytes, 1, MAX_LOG_BYTES)?;
        range(Limit::RoomLogEntries, self.room_log_entries, 1, MAX_LOG_ENTRIES)?;
        range(Limit::RoomHistory, self.room_history, 0, MAX_HISTORY)?;
        range(Limit::RoomHistoryBytes, self.room_history_bytes, 1, MAX_HISTORY_BYTES)?;
        check_rate(Limit::Rate, self.rate)?;
        range(Limit::MaxPerAddress, self.max_per_address.unwrap_or(1), 1, MAX_SESSIONS)?;
        check_rate(Limit::ConnectsPerAddress, self.connects_per_address)?;
        check_rate(Limit::RatePerAddress, self.rate_per_address)?;
        if let Some(pace) = self.pace {
            range(Limit::Pace, pace, MIN_PACE, MAX_PACE)?;
        }
        timeout(Limit::StallTimeout, self.stall_timeout)?;
        timeout(Limit::LingerTimeout, Some(self.linger_timeout))?;
        for (i, dialect) in self.dialects.iter().enumerate() {
            let name = dialect.dialect.name();
            timeout(Limit::IdleTimeout, dialect.idle_timeout).map_err(|error| error.of(name))?;
            check_rate(Limit::Rate, dialect.rate.or(None)).map_err(|error| error.of(name))?;
            range(Limit::Backlog, dialect.backlog, 0, MAX_BACKLOG).map_err(|error| error.of(name))?;
            if self.dialects[..i].iter().any(|other| other.dialect.name() == name) {
                return Err(ConfigError::SameDialect(name.into()));
            }
        }
        Ok(())
    }

    /// Checks that the rooms that are listed can be had at once.
    fn check_rooms(&self) -> Result<(), ConfigError> {
        let refused = |room: &RoomConfig, error| Err(ConfigError::Room { name: room.name.clone(), error });
        if let Err((i, error)) = RoomNames::check_all(LOBBY, self.rooms.iter().map(|room| &*room.name)) {
            return refused(&self.rooms[i], error);
        }
        match self.rooms.iter().find(|room| room.topic.len() > MAX_TOPIC) {
            Some(room) => refused(room, RoomError::TooLong { max: MAX_TOPIC }),
            None => Ok(()),
        }
    }

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

    /// Checks a limit whose least is what the longest updates take.
    fn room(&self, limit: Limit, value: usize, min: usize, max: usize) -> Result<(), ConfigError> {
        match self.dialects.iter().max_by_key(|dialect| dialect.dialect.encoded_len(self.payload())) {
            Some(longest) if value < min => {
                let dialect = longest.dialect.name().into();
                Err(ConfigError::TooLittleRoom { limit, dialect, value, min, max })
            }
            _ => range(limit, value, min, max),
        }
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
        self.dialects.iter().map(|dialect| dialect.dialect.encoded_len(payload)).max().unwrap_or(payload)
    }

    /// The free space that a session's reply buffer must have for its next line to be taken. One line causes at most a
    /// reply, and a close with last words.
    pub(crate) fn reply_reserve(&self) -> usize {
        2 * self.max_encoded()
    }
}

fn range(limit: Limit, value: usize, min: usize, max: usize) -> Result<(), ConfigError> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(ConfigError::OutOfRange { limit, dialect: None, value, min, max })
    }
}

fn check_rate(limit: fn(RatePart) -> Limit, rate: Option<Rate>) -> Result<(), ConfigError> {
    let Some(rate) = rate else { return Ok(()) };
    range(limit(RatePart::PerSecond), rate.per_second.get() as usize, 1, 1_000_000_000)?;
    range(limit(RatePart::Burst), rate.burst.get() as usize, 1, 1_000_000)
}

fn timeout(limit: Limit, value: Option<Duration>) -> Result<(), ConfigError> {
    match value {
        Some(value) if !(MIN_TIMEOUT..=MAX_TIMEOUT).contains(&value) => {
            Err(ConfigError::Timeout { limit, dialect: None })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_that_are_listed_can_be_had_at_once() {
        let check = |rooms: &[(&str, &str)]| {
            let room = |(name, topic): &(&str, &str)| RoomConfig {
                name: (*name).into(),
                topic: (*topic).into(),
                flags: RoomFlags::NEW,
            };
            Config { rooms: rooms.iter().map(room).collect(), ..Config::default() }.check()
        };
        assert_eq!(check(&[("rust", ""), ("tea-room", &"t".repeat(390)), ("部屋", "")]), Ok(()));
        let alike = RoomError::LooksLikeAnother;
        for (name, topic, error) in [
            ("", "", RoomError::InvalidName),
            ("tea room", "", RoomError::InvalidName),
            ("Lobby", "", alike),
            ("Iobby", "", alike),
            ("RUST", "", alike),
            ("tea", &"t".repeat(391), RoomError::TooLong { max: 390 }),
        ] {
            let refused = Err(ConfigError::Room { name: name.into(), error });
            assert_eq!(check(&[("rust", "ok"), (name, topic)]), refused, "{name}");
        }
    }
}
