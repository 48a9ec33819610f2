//! How the program ends otherwise than asked to.

use std::io;
use std::{error, fmt};

use chat_proto::ConfigError;

use crate::config_file::ConfigFileError;
use crate::limit::LimitError;
use crate::listen::ListenError;
use crate::memory::MemoryError;

/// Why the program ends otherwise than asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line is wrong.
    Usage(clap::Error),
    /// The configuration file cannot be read, or is wrong.
    ConfigFile(ConfigFileError),
    /// A limit is out of its range.
    Limit(LimitError),
    /// The server does not take the limits, which were checked before.
    Config(ConfigError),
    /// A listener could not be opened.
    Listen(ListenError),
    /// There is not enough memory to start with.
    Memory(MemoryError),
    /// Something else that the system refused.
    System {
        /// What was to be done, as after "cannot".
        doing: &'static str,
        /// The system's reason.
        error: io::Error,
    },
}

impl Failure {
    /// Returns the program's exit status: 2 if the command line or the file is wrong, otherwise 1.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::ConfigFile(_) | Self::Limit(_) => 2,
            Self::Config(_) | Self::Listen(_) | Self::Memory(_) | Self::System { .. } => 1,
        }
    }

    /// Returns what is written to standard error, its last line end included.
    ///
    /// Characters of an argument or a file that would move the cursor are escaped.
    pub(crate) fn message(&self) -> String {
        let message = match self {
            // It names itself an error, and tells of --help in a paragraph of its own.
            Self::Usage(error) => error.to_string(),
            _ => format!("{}: {self}\n", env!("CARGO_BIN_NAME")),
        };
        let escape = |c: char| if c.is_control() && c != '\n' { c.escape_debug().collect() } else { String::from(c) };
        message.chars().map(escape).collect()
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

impl From<ConfigFileError> for Failure {
    fn from(error: ConfigFileError) -> Self {
        Self::ConfigFile(error)
    }
}

impl From<LimitError> for Failure {
    fn from(error: LimitError) -> Self {
        Self::Limit(error)
    }
}

impl From<ListenError> for Failure {
    fn from(error: ListenError) -> Self {
        Self::Listen(error)
    }
}

impl From<MemoryError> for Failure {
    fn from(error: MemoryError) -> Self {
        Self::Memory(error)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) => error.fmt(f),
            Self::ConfigFile(error) => error.fmt(f),
            Self::Limit(error) => error.fmt(f),
            Self::Config(error) => error.fmt(f),
            Self::Listen(error) => error.fmt(f),
            Self::Memory(error) => error.fmt(f),
            Self::System { doing, error } => write!(f, "cannot {doing}: {error}"),
        }
    }
}

impl error::Error for Failure {}
