//! Why the program fails.

use std::io;

use chat_proto::ConfigError;
use chat_smol::TlsError;
use thiserror::Error;

use crate::config_file::ConfigFileError;
use crate::hash_password::PasswordError;
use crate::listen::ListenError;
use crate::memory::MemoryError;
use crate::self_signed::SelfSignedError;
use crate::settings::SettingsError;

/// Why the program fails.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The command line is wrong.
    #[error(transparent)]
    Usage(#[from] clap::Error),
    /// The configuration file cannot be read, or is wrong.
    #[error(transparent)]
    ConfigFile(#[from] ConfigFileError),
    /// A limit is out of its range, or the message of the day cannot be had.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The server refuses the limits, although they were checked before.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A listener could not be opened.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// There is not enough memory to start with.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// A password has no hash.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A certificate cannot be made.
    #[error(transparent)]
    SelfSigned(#[from] SelfSignedError),
    /// Another refusal of the system.
    #[error("cannot {doing}: {error}")]
    System {
        /// What failed, as it reads after "cannot".
        doing: &'static str,
        /// The system's reason.
        error: io::Error,
    },
}

impl Failure {
    /// Returns the program's exit status: 2 if the command line or the file is wrong, otherwise 1.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::ConfigFile(_) | Self::Settings(_) => 2,
            Self::Config(_)
            | Self::Listen(_)
            | Self::Memory(_)
            | Self::Password(_)
            | Self::Tls(_)
            | Self::SelfSigned(_)
            | Self::System { .. } => 1,
        }
    }

    /// Returns what is written to standard error, its last line end included.
    ///
    /// Characters of an argument or a file that would move the cursor are escaped.
    pub(crate) fn message(&self) -> String {
        let message = match self {
            // Its text begins with `error:` and mentions --help in a paragraph of its own.
            Self::Usage(error) => error.to_string(),
            _ => format!("{}: {self}\n", env!("CARGO_BIN_NAME")),
        };
        let escape = |c: char| if c.is_control() && c != '\n' { c.escape_debug().collect() } else { String::from(c) };
        message.chars().map(escape).collect()
    }
}
