//! How much memory the limits need: checked at start, and printed by `--print-memory-bound`.

use std::hint;

use chat_proto::Config;
use chat_proto::driver::system_bound;
use chat_smol::Server;
use clap::ValueEnum;
use thiserror::Error;

use crate::passwords::Passwords;

/// Address space for the stacks and buffers of a few threads, which every server needs to start.
const OTHER_MEMORY: usize = 16 << 20;

/// Checks that the system has the memory that a server allocates when it is made, by allocating and freeing as much.
///
/// Not in [`Server::new`]: embedding programs rely on it failing only because of limits. Without this check, the
/// allocator would abort the process with no advice. What sessions take later is not checked: most of it is never used
/// at once.
///
/// # Errors
///
/// The system refuses it, for example because of `ulimit -v`.
pub(crate) fn check(config: &Config) -> Result<(), MemoryError> {
    let bytes = config.memory_at_start().saturating_add(OTHER_MEMORY);
    let mut memory: Vec<u8> = Vec::new();
    memory.try_reserve_exact(bytes).map_err(|_| MemoryError { bytes })?;
    // Keeps the compiler from removing the allocation.
    drop(hint::black_box(memory));
    Ok(())
}

/// There is not enough memory to start with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "cannot have {bytes} bytes of memory, which these limits need from the start; lower --log-bytes, --log-entries or \
     --max-sessions, or raise the limit of the process (ulimit -v)"
)]
pub(crate) struct MemoryError {
    /// How many bytes were asked for.
    bytes: usize,
}

/// How the bound is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BoundFormat {
    /// A table for people
    Table,
    /// The sum for programs, in bytes
    Bytes,
}

impl BoundFormat {
    /// Returns what is printed, its last line end included.
    pub(crate) fn print(self, config: &Config, passwords: &Passwords, has_tls: bool) -> String {
        let core = config.memory_bounds();
        let process = Server::memory_bound(config) as u64;
        let system = system_bound(config) as u64;
        let checks = passwords.memory_bound();
        let tls = if has_tls { Server::tls_bound(config) as u64 } else { 0 };
        let total = process.saturating_add(system).saturating_add(checks).saturating_add(tls);
        if matches!(self, Self::Bytes) {
            return format!("{total}\n");
        }
        // Two parts, because different options limit them.
        let lobby = Config { max_rooms: 1, rooms: Vec::new(), ..config.clone() }.memory_bounds().logs;
        let rows = [
            ("sessions", core.sessions),
            ("lobby", lobby),
            ("other rooms", core.logs.saturating_sub(lobby)),
            ("journal", core.journal),
            ("connections", process.saturating_sub(core.total())),
            ("TLS", tls),
            ("passwords", checks),
            ("kernel at most", system),
            ("total", total),
        ];
        // Most servers have no passwords, and some no TLS.
        let rows = rows.into_iter().filter(|(name, bytes)| !["passwords", "TLS"].contains(name) || *bytes > 0);
        rows.map(|(name, bytes)| format!("{name:<14} {:>12}\n", in_mebibytes(bytes))).collect::<Vec<_>>().concat()
    }
}

/// Writes bytes as MiB with a decimal.
fn in_mebibytes(bytes: u64) -> String {
    let tenths = (u128::from(bytes) * 10).div_ceil(1 << 20);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password_hash::PasswordHash;

    #[test]
    fn the_bound_is_that_of_the_server_and_the_system() {
        let config = Config { max_sessions: 77, ..Config::default() };
        let sum = Server::memory_bound(&config) + system_bound(&config);
        let none = Passwords::default();
        assert_eq!(BoundFormat::Bytes.print(&config, &none, false), format!("{sum}\n"));
        let some = Passwords { server: Some(PasswordHash::of("sesame")), ..none.clone() };
        assert_eq!(BoundFormat::Bytes.print(&config, &some, false), format!("{}\n", sum + 4 * (19 << 20)));
        assert_eq!(BoundFormat::Bytes.print(&config, &none, true), format!("{}\n", sum + Server::tls_bound(&config)));
        assert!(BoundFormat::Table.print(&config, &none, true).contains("\nTLS  "));
        assert!(
            BoundFormat::Table
                .print(&config, &some, false)
                .contains(&format!("{:<14} {:>12}\n", "passwords", "76.0 MiB"))
        );
        let table = BoundFormat::Table.print(&Config { max_sessions: 1_000_000, ..Config::default() }, &none, false);
        let rows: Vec<_> =
            table.lines().map(|line| line.trim_end_matches(" MiB").rsplit_once(' ').expect("two")).collect();
        let names: Vec<_> = rows.iter().map(|(name, _)| name.trim_end()).collect();
        assert_eq!(names, ["sessions", "lobby", "other rooms", "journal", "connections", "kernel at most", "total"]);
        let numbers: Vec<f64> = rows.iter().map(|(_, number)| number.parse().expect("a number")).collect();
        assert!((numbers[..6].iter().sum::<f64>() - numbers[6]).abs() < 1.0, "{table}");
        assert!(numbers.iter().all(|number| *number > 0.0), "{table}");
        let only_lobby = BoundFormat::Table.print(&Config { max_rooms: 1, ..Config::default() }, &none, false);
        assert!(only_lobby.contains("other rooms         0.0 MiB\n"), "{only_lobby}");
    }
}
