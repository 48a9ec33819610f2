//! What is wrong with a configuration file.

use std::path::PathBuf;
use std::{error, fmt, io};

use super::entry::{Entry, excerpt, line_of};

/// The most bytes read of a file: anything larger is no configuration file, or endless. The example has 5 KiB.
pub(super) const MAX_BYTES: u64 = 1 << 20;

/// What is wrong with a configuration file.
#[derive(Debug)]
pub(crate) struct ConfigFileError {
    path: PathBuf,
    reason: Box<Reason>,
}

/// What is wrong, and in which line.
#[derive(Debug)]
pub(super) enum Reason {
    /// The system's reason.
    Unreadable(io::Error),
    TooLarge,
    NotUtf8 {
        line: usize,
    },
    /// It is not TOML.
    Syntax {
        line: usize,
        message: String,
        at: String,
    },
    UnknownKey {
        line: usize,
        key: String,
        advice: String,
    },
    Value {
        entry: Box<Entry>,
        message: String,
    },
}

impl Reason {
    pub(super) fn value(entry: Entry, message: impl Into<String>) -> Self {
        Self::Value { entry: Box::new(entry), message: message.into() }
    }

    pub(super) fn syntax(text: &str, error: &toml::de::Error) -> Self {
        let span = error.span().unwrap_or_default();
        let (line, at) = (line_of(text.as_bytes(), span.start), excerpt(text, span));
        // The library takes `info` for a number, since `inf` is one.
        let is_unquoted = ["string values must be quoted", "invalid float", "invalid boolean"]
            .into_iter()
            .any(|begin| error.message().starts_with(begin));
        let message = match error.message() {
            _ if is_unquoted && at.is_empty() => "the value is missing",
            _ if is_unquoted => "a value must be in quotation marks, unless it is a whole number, true or false",
            message => message,
        };
        Self::Syntax { line, message: message.into(), at }
    }

    /// Says of which file it is true.
    pub(super) fn of(self, path: impl Into<PathBuf>) -> ConfigFileError {
        ConfigFileError { path: path.into(), reason: Box::new(self) }
    }
}

impl fmt::Display for ConfigFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &*self.reason {
            Reason::Unreadable(error) => write!(f, "cannot read {path}: {error}"),
            Reason::TooLarge => write!(f, "{path} has more than {MAX_BYTES} bytes, too many for a configuration file"),
            Reason::NotUtf8 { line } => write!(f, "{path}, line {line}: it is not valid UTF-8"),
            Reason::Syntax { line, message, at } if at.is_empty() => write!(f, "{path}, line {line}: {message}"),
            Reason::Syntax { line, message, at } => write!(f, "{path}, line {line}: {message}, at {at}"),
            Reason::UnknownKey { line, key, advice } => {
                write!(f, "{path}, line {line}: there is no key {key}; {advice}")
            }
            Reason::Value { entry, message } => write!(f, "{path}, {entry}: {message}"),
        }
    }
}

impl error::Error for ConfigFileError {}
