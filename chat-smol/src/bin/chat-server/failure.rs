//! How the program ends otherwise than asked to.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::{error, fmt};

use chat_proto::ConfigError;

use crate::config_file::ConfigFileError;
use crate::limit::LimitError;
use crate::listen::{ListenAddr, Listener};

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
    /// The listener could not be opened.
    Listen {
        /// The listener.
        listener: Listener,
        /// The system's reason.
        error: io::Error,
    },
    /// There is not enough memory to start with.
    Memory {
        /// How many bytes were asked for.
        bytes: usize,
    },
    /// Something else that the system refused.
    System {
        /// What was to be done, as after "cannot".
        doing: &'static str,
        /// The system's reason.
        error: io::Error,
    },
}

/// Writes `text` to standard output (`out`) and flushes it.
///
/// That nobody reads it, as after `| head`, is no failure.
///
/// # Errors
///
/// The output cannot be written for another reason.
pub(crate) fn print(mut out: impl Write, text: &[u8]) -> Result<(), Failure> {
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::System { doing: "write to standard output", error })
        }
        _ => Ok(()),
    }
}

impl Failure {
    /// Returns the program's exit status: 2 if the command line or the file is wrong, otherwise 1.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::ConfigFile(_) | Self::Limit(_) => 2,
            Self::Config(_) | Self::Listen { .. } | Self::Memory { .. } | Self::System { .. } => 1,
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
            Self::Listen { listener, error } => {
                let Listener { dialect, addr } = listener;
                write!(f, "cannot listen on {addr} for {dialect}: ")?;
                match (error.kind(), addr) {
                    (io::ErrorKind::AddrInUse, ListenAddr::Tcp(addr)) => write!(
                        f,
                        "the address is in use; stop what uses it, or choose another port, as in \
                         --listen {dialect}={} (0: any that is free)",
                        SocketAddr::new(addr.ip(), 0)
                    ),
                    (io::ErrorKind::AddrInUse, ListenAddr::Unix(_)) => {
                        f.write_str("the address is in use; stop what uses it, or choose another path")
                    }
                    (io::ErrorKind::NotFound, ListenAddr::Unix(_)) => f.write_str("there is no such directory"),
                    (io::ErrorKind::AddrNotAvailable, _) => f.write_str("this machine has no such address"),
                    (io::ErrorKind::PermissionDenied, ListenAddr::Tcp(addr)) if addr.port() < 1024 => {
                        f.write_str("ports below 1024 need a privilege; choose one above")
                    }
                    _ => error.fmt(f),
                }
            }
            Self::Memory { bytes } => write!(
                f,
                "cannot have {bytes} bytes of memory, which these limits need from the start; lower --log-bytes, \
                 --log-entries or --max-sessions, or raise the limit of the process (ulimit -v)"
            ),
            Self::System { doing, error } => write!(f, "cannot {doing}: {error}"),
        }
    }
}

impl error::Error for Failure {}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Takes `room` bytes, then fails with `kind`.
    struct Pipe {
        taken: RefCell<Vec<u8>>,
        room: usize,
        kind: io::ErrorKind,
    }

    impl Write for &Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut taken = self.taken.borrow_mut();
            let count = bytes.len().min(self.room - taken.len());
            taken.extend_from_slice(&bytes[..count]);
            if count == 0 { Err(self.kind.into()) } else { Ok(count) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn output_that_nobody_reads_is_no_failure() {
        let pipe = |room, kind| Pipe { taken: RefCell::default(), room, kind };
        let open = pipe(100, io::ErrorKind::BrokenPipe);
        print(&open, b"listening\n").expect("room");
        assert_eq!(open.taken.borrow().as_slice(), b"listening\n");
        print(&pipe(3, io::ErrorKind::BrokenPipe), b"listening\n").expect("nobody reads");
        let failure = print(&pipe(3, io::ErrorKind::StorageFull), b"listening\n").expect_err("no room");
        assert!(failure.to_string().starts_with("cannot write to standard output: "), "{failure}");
        assert_eq!(failure.status(), 1);
    }
}
