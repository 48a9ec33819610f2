//! The names of limits, for errors about them.

use core::fmt;

/// A limit of [`Config`](crate::Config) or [`DialectConfig`](crate::DialectConfig); displayed as the name of its field.
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
    /// [`Config::history_bytes`](crate::Config::history_bytes).
    HistoryBytes,
    MaxRooms,
    MaxRoomsPerAddress,
    MaxRoomsPerSession,
    /// [`Config::rooms`](crate::Config::rooms): how many there are.
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

/// Which number of a [`Rate`](crate::Rate).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RatePart {
    /// [`Rate::per_second`](crate::Rate::per_second).
    PerSecond,
    /// [`Rate::burst`](crate::Rate::burst).
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
            Self::MaxRoomsPerAddress => "max_rooms_per_address",
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

    /// Returns which part of a rate it is, if it is a part of one.
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
