//! What `--print-memory-bound` prints.

use alloc::format;
use alloc::string::String;
use std::ffi::OsString;

use super::{Program, UsageError};
use crate::config::Config;

/// For whom it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// A table for people.
    Table,
    /// The sum for programs, in bytes.
    Bytes,
}

impl Form {
    /// Reads what stands behind the option's `=`.
    pub(super) fn parse(value: Option<OsString>) -> Result<Self, UsageError> {
        match value {
            None => Ok(Self::Table),
            Some(value) if value == "bytes" => Ok(Self::Bytes),
            Some(value) => Err(UsageError::Value {
                option: "print-memory-bound",
                value: value.to_string_lossy().into_owned(),
                expected: String::from("it must be bytes, or left out for a table"),
            }),
        }
    }

    pub(super) fn print(self, program: &Program, config: &Config) -> String {
        let core = config.memory_bounds();
        let process = (program.memory_bound)(config) as u64;
        let system = (program.system_bound)(config) as u64;
        let total = process.saturating_add(system);
        if matches!(self, Self::Bytes) {
            return format!("{total}\n");
        }
        let rows = [
            ("sessions", core.sessions),
            ("logs", core.logs),
            ("journal", core.journal),
            ("connections", process.saturating_sub(core.total())),
            ("kernel at most", system),
            ("total", total),
        ];
        rows.map(|(name, bytes)| format!("{name:<14} {:>12}\n", in_mebibytes(bytes))).concat()
    }
}

/// Writes bytes as MiB with a decimal.
fn in_mebibytes(bytes: u64) -> String {
    let tenths = (u128::from(bytes) * 10).div_ceil(1 << 20);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}
