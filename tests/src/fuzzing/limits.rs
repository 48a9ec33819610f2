//! The limits of fuzzed hubs: roomy, tight, and as tight as possible.

use std::num::NonZeroU32;
use std::time::Duration;

use chat_proto::dialect::{Classic, Dialect, Text};
use chat_proto::{Config, ConfigError, DialectConfig, Limit, OnLag, Rate};

/// Returns the limits with that number, of which there are eight.
pub(super) fn limits(number: usize) -> Config {
    let second = Some(Duration::from_secs(1));
    let config = match number % 8 {
        // The defaults, but small enough to be allocated many times a second.
        0 => Config { log_bytes: 32 << 10, log_entries: 256, reply_bytes: 8 << 10, rate: None, ..of(6) },
        // The smallest value of each limit.
        1 => Config {
            max_line: 64,
            max_name: 1,
            rate: Some(rate(1, 1)),
            max_per_address: Some(1),
            max_rooms_per_address: Some(1),
            connects_per_address: Some(rate(1, 1)),
            rate_per_address: Some(rate(1, 1)),
            stall_timeout: Some(Duration::from_millis(1)),
            linger_timeout: Duration::from_millis(1),
            ..least(1, 0)
        },
        2 => Config {
            max_line: 64,
            max_name: 8,
            on_lag: OnLag::Close,
            rate: None,
            rate_per_address: Some(rate(2, 3)),
            ..least(3, 2)
        },
        // No timeouts, and the shortest journal.
        3 => Config {
            stall_timeout: None,
            journal_records: 1,
            rate: Some(rate(3, 2)),
            dialects: vec![dialect(Text, None, 5)],
            ..least(2, 0)
        },
        4 => Config { dialects: vec![dialect(Classic, second, 1)], on_lag: OnLag::Close, ..least(2, 500) },
        // All deadlines fall on the same instant.
        5 => Config {
            stall_timeout: second,
            linger_timeout: Duration::from_secs(1),
            rate: Some(rate(1, 7)),
            dialects: vec![dialect(Text, second, 1_000), dialect(Classic, second, 1_000)],
            ..least(8, 300)
        },
        6 => Config {
            max_line: 1_000,
            max_name: 255,
            rate: Some(rate(1_000_000_000, 1)),
            reply_bytes: 20_000,
            pace: Some(1 << 20),
            ..least(40, 3_000)
        },
        // Logs that hold more than is ever sent, and a reply buffer that is soon full.
        _ => Config { rate: None, log_bytes: 16 << 10, stall_timeout: None, ..least(512, 0) },
    };
    fitted(config)
}

fn of(max_sessions: usize) -> Config {
    Config { max_sessions, max_line: 200, journal_records: 1_000, ..Config::default() }
}

/// Logs of that many entries, and that many bytes more than the minimum, which is filled in later.
fn least(log_entries: usize, spare: usize) -> Config {
    Config { log_entries, log_bytes: spare, reply_bytes: 0, pace: None, ..of(3) }
}

/// Adds to the bytes of log and replies the minimum that the hub demands, if they are less.
///
/// # Panics
///
/// If another limit is out of its range.
#[must_use]
pub fn fitted(mut config: Config) -> Config {
    while let Err(error) = config.check() {
        match error {
            ConfigError::TooLittleRoom { limit: Limit::LogBytes, min, .. } => config.log_bytes += min,
            ConfigError::TooLittleRoom { limit: Limit::ReplyBytes, min, .. } => config.reply_bytes += min,
            error => panic!("{error}"),
        }
    }
    config
}

fn dialect(dialect: impl Dialect + 'static, idle_timeout: Option<Duration>, backlog: usize) -> DialectConfig {
    DialectConfig { idle_timeout, backlog, ..DialectConfig::new(dialect) }
}

pub(super) fn rate(per_second: u32, burst: u32) -> Rate {
    let number = |n| NonZeroU32::new(n).expect("not zero");
    Rate { per_second: number(per_second), burst: number(burst) }
}
