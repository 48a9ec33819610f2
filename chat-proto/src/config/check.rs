//! The range of every limit.

use core::time::Duration;

use super::error::ConfigError;
use super::limit::{Limit, RatePart};
use super::{Config, MAX_ROOMS_PER_SESSION, RoomConfig};
use crate::moderation::{MAX_TOPIC, RoomError, RoomFlags};
use crate::names::{LOBBY, MAX_NAME, RoomNames};
use crate::rate::Rate;

const MAX_SESSIONS: usize = 1 << 20;
const MAX_LINE: usize = 1 << 20;
const MAX_LOG_BYTES: usize = 1 << 30;
const MAX_LOG_ENTRIES: usize = 1 << 24;
const MAX_REPLY_BYTES: usize = 16 << 20;
const MAX_JOURNAL: usize = 1 << 24;
const MAX_HISTORY: usize = 1 << 16;
const MAX_HISTORY_BYTES: usize = 1 << 30;
/// The most that there may be of [`Config::dialects`].
pub(crate) const MAX_DIALECTS: usize = 16;
const MAX_BACKLOG: usize = 1_000;
pub(crate) const MAX_ROOMS: usize = 1 << 16;
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
        range(Limit::MaxRoomsPerAddress, self.max_rooms_per_address.unwrap_or(1), 1, MAX_ROOMS)?;
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
        if let Some(room) = self.rooms.iter().find(|room| room.topic.len() > MAX_TOPIC) {
            return refused(room, RoomError::TooLong { max: MAX_TOPIC });
        }
        match self.rooms.iter().find(|room| room.flags.has(RoomFlags::INVITED_ONLY)) {
            Some(room) => Err(ConfigError::NobodyInvites { name: room.name.clone() }),
            None => Ok(()),
        }
    }

    /// Checks a limit whose least is what the longest updates take.
    fn room(&self, limit: Limit, value: usize, min: usize, max: usize) -> Result<(), ConfigError> {
        match self.dialects.iter().max_by_key(|dialect| self.longest(dialect)) {
            Some(longest) if value < min => {
                let dialect = longest.dialect.name().into();
                Err(ConfigError::TooLittleRoom { limit, dialect, value, min, max })
            }
            _ => range(limit, value, min, max),
        }
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
    use alloc::string::String;

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

    #[test]
    fn a_room_that_is_listed_cannot_be_for_those_who_are_invited() {
        let with = |flags| {
            let staff = RoomConfig { name: "staff".into(), topic: String::new(), flags };
            Config { rooms: [staff].into(), ..Config::default() }.check()
        };
        assert_eq!(with(RoomFlags::HIDDEN | RoomFlags::MODERATED), Ok(()));
        let refused = ConfigError::NobodyInvites { name: "staff".into() };
        assert_eq!(with(RoomFlags::HIDDEN | RoomFlags::INVITED_ONLY), Err(refused));
    }
}
