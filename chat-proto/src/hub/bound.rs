//! The sum of all limits: how much memory a hub can use.

use super::Hub;
use super::scratch::Scratch;
use crate::config::Config;
use crate::conversation::Conversation;
use crate::journal::Journal;
use crate::pool::Buffers;
use crate::room::RoomLogs;
use crate::room::spoken::MAX_LABEL;
use crate::schedule::Schedule;
use crate::schedule::ready::{Numbers, Ready};
use crate::session::irc::IrcState;
use crate::session::origins::Origins;
use crate::session::outbox::Outbox;
use crate::session::places::PlacesTable;
use crate::session::table::Sessions;
use crate::session::watches::Watches;
use crate::wire::framing::lines::Partial;

/// The parts of the most heap that a hub ever holds, in bytes; see [`Config::memory_bound`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryBound {
    /// Sessions, their names, half-received lines and replies.
    pub sessions: u64,
    /// A log for each dialect, and the history for newcomers and followers, in each room.
    pub logs: u64,
    /// The journal.
    pub journal: u64,
}

impl MemoryBound {
    /// Returns the sum.
    #[must_use]
    pub fn total(self) -> u64 {
        self.sessions.saturating_add(self.logs).saturating_add(self.journal)
    }
}

impl Config {
    /// Returns the most heap, in bytes, that a hub with these limits ever holds.
    ///
    /// This is the worst case of everything at once. Every session has half a line still to be sent, half a line
    /// received, and its reply buffer full. Every log, the history and the journal are full. It counts what the limits
    /// allow, whether that was ever used or not, without the allocator's own overhead. It is `usize::MAX` if the sum
    /// does not fit a `usize`, as may happen with 32 bits, or if a limit is out of its range.
    #[must_use]
    pub fn memory_bound(&self) -> usize {
        if self.check().is_err() {
            return usize::MAX;
        }
        usize::try_from(self.memory_bounds().total()).unwrap_or(usize::MAX)
    }

    /// Returns the parts of [`memory_bound`](Self::memory_bound), for limits that are in their ranges.
    #[must_use]
    pub fn memory_bounds(&self) -> MemoryBound {
        Hub::memory_bound(self)
    }

    /// Returns about how many bytes of heap [`Hub::new`] allocates with these limits: the part of
    /// [`memory_bound`](Self::memory_bound) that does not depend on what sessions do.
    ///
    /// Where the system may refuse so much, a program can try to allocate it first and report the failure, instead of
    /// being aborted by the allocator. `usize::MAX` as for `memory_bound`.
    #[must_use]
    pub fn memory_at_start(&self) -> usize {
        if self.check().is_err() {
            return usize::MAX;
        }
        usize::try_from(Hub::memory_at_start(self)).unwrap_or(usize::MAX)
    }
}

impl Hub {
    /// Bytes of heap for what [`new`](Self::new) allocates and for the full buffers of all sessions.
    ///
    /// With limits in range, the size of one of each part fits a `usize` of 32 bits. Multiplied by a count, or summed,
    /// it may not.
    fn memory_bound(config: &Config) -> MemoryBound {
        let longest = config.max_encoded() + MAX_LABEL;
        let buffers = Partial::memory_bound(config.longest_line())
            + Outbox::memory_bound(config.reply_bytes, longest)
            + PlacesTable::memory_bound(config.numbers().places)
            + if config.has_irc() { IrcState::memory_bound(config.max_name) } else { 0 };
        let journal = Journal::memory_bound(config.journal_records) as u64;
        let schedule =
            Schedule::memory_bound(config.numbers()) - Schedule::memory_bound(Self::numbers_at_start(config));
        let watches = if config.has_irc() { Watches::memory_bound(config.max_sessions, config.max_name) } else { 0 };
        let grows = Self::memory_to_grow(config) - Self::memory_to_grow_at_start(config);
        let once = (schedule + watches + grows) as u64;
        let sessions = once + Self::memory_at_start(config) - Self::logs_at_start(config) - journal;
        let logs =
            RoomLogs::memory_bound(config) + Conversation::history_bound(config) + Conversation::rooms_bound(config);
        MemoryBound { sessions: sessions + config.max_sessions as u64 * buffers as u64, logs, journal }
    }

    /// Bytes of heap for what [`new`](Self::new) allocates, and a little more.
    fn memory_at_start(config: &Config) -> u64 {
        let sessions = config.max_sessions;
        let once = [
            Sessions::memory_bound(sessions),
            Buffers::<Partial>::memory_bound(sessions),
            Buffers::<Outbox>::memory_bound(sessions),
            Buffers::<IrcState>::memory_bound(sessions),
            Conversation::members_bound(config),
            Origins::memory_bound(config),
            Schedule::memory_bound(Self::numbers_at_start(config)),
            Journal::memory_bound(config.journal_records),
            Scratch::memory_bound(config),
            config.numbers().places * size_of::<u64>(),
            Self::memory_to_grow_at_start(config),
            size_of_val(&config.dialects[..]),
        ];
        once.iter().map(|part| *part as u64).sum::<u64>() + Self::logs_at_start(config)
    }

    /// Bytes of heap for a buffer that grows, which may exist twice for a moment.
    fn memory_to_grow(config: &Config) -> usize {
        Self::memory_to_grow_at_start(config)
            .max(Ready::memory_to_grow(config.numbers()))
            .max(RoomLogs::memory_to_grow(config))
            .max(Conversation::memory_to_grow(config))
    }

    /// Bytes of heap for such a buffer before any session has entered another room.
    fn memory_to_grow_at_start(config: &Config) -> usize {
        config.longest_line().max(config.reply_bytes).max(config.max_encoded())
    }

    /// Bytes of heap for the logs and the history of the lobby, and for what other rooms need before there are any.
    fn logs_at_start(config: &Config) -> u64 {
        RoomLogs::memory_at_start(config) + Conversation::history_bound(config) + Conversation::rooms_at_start(config)
    }

    /// Returns the sizes of the queues before any session has entered another room.
    fn numbers_at_start(config: &Config) -> Numbers {
        Numbers { places: 0, ..config.numbers() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DialectConfig;
    use crate::wire::dialect::Text;

    #[test]
    fn limits_out_of_range_have_no_bound() {
        for max_sessions in [0, usize::MAX] {
            assert_eq!(Config { max_sessions, ..Config::default() }.memory_bound(), usize::MAX);
        }
        assert_eq!(Config { max_line: usize::MAX, ..Config::default() }.memory_bound(), usize::MAX);
    }

    /// The core's part of what the program `chat-server` says by default.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn the_bound_with_all_dialects_is_below_400_mib() {
        let mut config = Config::default();
        config.dialects.push(DialectConfig::new(crate::wire::dialect::Irc::default()));
        assert!(config.memory_bound() < 400 << 20, "{} bytes", config.memory_bound());
    }

    /// A program may have sized a machine by the bound, so a larger bound after an update is a breaking change.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn the_bound_for_given_limits_does_not_change() {
        let few = Config {
            max_sessions: 3,
            max_line: 100,
            max_name: 7,
            log_bytes: 12_000,
            log_entries: 11,
            reply_bytes: 9_000,
            journal_records: 13,
            history: 0,
            max_rooms: 1,
            dialects: alloc::vec![DialectConfig { backlog: 5, ..DialectConfig::new(Text) }],
            ..Config::default()
        };
        assert_eq!(few.check(), Ok(()));
        assert_eq!([few, Config::default()].map(|config| config.memory_bound()), [196_292, 363_848_134]);
    }
}
