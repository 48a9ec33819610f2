//! The message of the day: a text file that is read at start.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str;

use chat_proto::dialect::{Irc, IrcSettings, IrcSettingsError};
use thiserror::Error;

/// What is wrong with the file.
#[derive(Debug, Error)]
pub(crate) enum MotdError {
    /// The system's reason, and where the path was given.
    #[error("{place}: it cannot be read: {error}")]
    Unreadable { place: String, error: io::Error },
    #[error("{}: it has more than {MAX_BYTES} bytes, too many for a message of the day", path.display())]
    TooLarge { path: PathBuf },
    #[error("{}, line {line}: it is not valid UTF-8", path.display())]
    NotUtf8 { path: PathBuf, line: usize },
    #[error("{}: {error}", path.display())]
    Lines { path: PathBuf, error: IrcSettingsError },
}

/// The most bytes read of the file: anything larger has too many lines, or too long ones, or is endless.
const MAX_BYTES: u64 = 1 << 20;

/// Reads the lines of the file; `place` is where its path was given.
///
/// # Errors
///
/// The file cannot be read, or clients of IRC cannot be shown what it has.
pub(crate) fn read(path: &Path, place: impl FnOnce() -> String) -> Result<Vec<String>, MotdError> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| MotdError::Unreadable { place: place(), error })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(MotdError::TooLarge { path: path.into() });
    }
    let text = str::from_utf8(&bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
        MotdError::NotUtf8 { path: path.into(), line }
    })?;
    let motd: Vec<String> = text.lines().map(String::from).collect();
    Irc::new(IrcSettings { motd: motd.clone(), ..IrcSettings::default() })
        .map_err(|error| MotdError::Lines { path: path.into(), error })?;
    Ok(motd)
}
