//! What follows from a configuration.

use std::time::Duration;

use chat_proto::Config;
use chat_proto::dialect::MAX_NOTICE;

use super::pace::allowance;
use super::rooms::{LOBBY, RoomKey};

/// Limits that follow from a configuration.
#[derive(Debug)]
pub(super) struct Limits {
    /// The index of IRC among the dialects.
    pub(super) irc: Option<usize>,
    /// The length of the longest update in any dialect, in bytes.
    pub(super) max_encoded: usize,
    /// For each dialect the length for which replies keep room: its own longest update, or that of others but IRC.
    pub(super) reserve: Vec<usize>,
    /// How many bytes and entries the lobby's logs hold, and those of other rooms.
    lobby_log: (usize, usize),
    room_log: (usize, usize),
    /// How long a reader may be blocked between two marks; zero without a pace.
    pub(super) allowance: Duration,
}

impl Limits {
    pub(super) fn new(config: &Config) -> Self {
        let payload = (config.max_line + 2 * config.max_name).max(MAX_NOTICE);
        let irc = config.dialects.iter().position(|it| it.dialect.name() == "irc");
        let longest = |log: usize| match irc {
            Some(irc) if irc == log => super::irc::longest(config.max_name, payload),
            _ => config.dialects[log].dialect.encoded_len(payload),
        };
        let all = 0..config.dialects.len();
        let max_encoded = all.clone().map(longest).max().expect("at least one dialect");
        let reserve = |own: usize| {
            let logs = all.clone().filter(|log| *log == own || Some(*log) != irc);
            logs.map(longest).max().expect("its own is one")
        };
        let lobby_log = (config.log_bytes, config.log_entries);
        // With a pace, ten of the longest lines.
        let least = if config.pace.is_some() { 10 } else { 1 };
        let room_log = (config.room_log_bytes.max(least * max_encoded), config.room_log_entries.max(least));
        Self {
            irc,
            max_encoded,
            reserve: all.clone().map(reserve).collect(),
            lobby_log,
            room_log,
            allowance: config.pace.map_or(Duration::ZERO, |pace| allowance(pace, lobby_log)),
        }
    }

    /// Returns how many bytes and entries the logs of a room hold.
    pub(super) fn log(&self, room: RoomKey) -> (usize, usize) {
        if room == LOBBY { self.lobby_log } else { self.room_log }
    }
}
