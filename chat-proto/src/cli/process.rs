//! What the programs do alike once the command line is read: descriptors, standard output, how they end.

use alloc::vec::Vec;
use core::fmt;
use std::io;
use std::io::Write;
use std::net::SocketAddr;

use super::{ListenAddr, ListenerSpec, Options, UsageError};
use crate::config::ConfigError;
use crate::driver::MAX_LINGERING;

/// The limit on a process's open descriptors; `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescriptorLimit {
    /// What holds now.
    pub soft: Option<u64>,
    /// Up to where the process may raise it.
    pub hard: Option<u64>,
}

/// Descriptors other than sessions and listeners: standard streams, the poller and its timer, signals, files that the
/// process was started with, and a connection that is only accepted to be told that the server is full.
const OTHER_DESCRIPTORS: u64 = 32;

/// Descriptors of connections that linger after their sessions.
const LINGERING_DESCRIPTORS: u64 = MAX_LINGERING as u64;

/// Address space for the stacks and buffers of a few threads, without which no server starts either.
const OTHER_MEMORY: usize = 16 << 20;

impl Options {
    /// Returns how many descriptors a server needs that opens one for each session and listener, and keeps some open
    /// for a moment after their sessions.
    #[must_use]
    pub fn descriptors(&self) -> u64 {
        self.config.max_sessions as u64 + self.besides_sessions() + LINGERING_DESCRIPTORS
    }

    /// Raises the limit on descriptors to what is needed, the hard limit included if the system permits it.
    ///
    /// `get` and `set` are the system's; a limit that suffices is not touched, and none is ever lowered.
    ///
    /// # Errors
    ///
    /// The system does not permit enough for all sessions; as many as it permits were asked for. That there may be too
    /// few for those that are over as well is no error: accepting pauses until they are closed, a second later.
    pub fn raise_descriptor_limit<E>(
        &self,
        get: impl Fn() -> DescriptorLimit,
        set: impl Fn(DescriptorLimit) -> Result<(), E>,
    ) -> Result<(), TooFewDescriptors> {
        let needed = self.descriptors();
        let suffices = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
        let DescriptorLimit { soft, hard } = get();
        if suffices(soft) {
            return Ok(());
        }
        let raised = DescriptorLimit { soft: Some(needed), hard: hard.map(|hard| hard.max(needed)) };
        if set(raised).is_err() {
            // What was not permitted shows in the limit read next.
            let _ = set(DescriptorLimit { soft: hard, hard });
        }
        let max_sessions = self.config.max_sessions;
        match get().soft.map(|limit| (limit, limit.saturating_sub(self.besides_sessions()))) {
            Some((limit, sessions)) if sessions < max_sessions as u64 => {
                Err(TooFewDescriptors { limit, needed, sessions, max_sessions })
            }
            _ => Ok(()),
        }
    }

    fn besides_sessions(&self) -> u64 {
        // A name or a bare port is an IPv4 and an IPv6 address; what has more is within the others.
        2 * self.listeners.len() as u64 + OTHER_DESCRIPTORS
    }

    /// Asks the system whether it has the memory that a server allocates when it is made, and gives it back.
    ///
    /// Here, and not in [`Hub::new`](crate::Hub::new): that can fail because of its limits only, which embedding programs
    /// rely on, and the allocator aborts a program that it has no memory for. A program of its own can do better while
    /// nothing depends on it yet. What sessions take later is not asked for: most of it is never used at once.
    ///
    /// # Errors
    ///
    /// The system refuses it, for example because of `ulimit -v`.
    pub fn check_memory(&self) -> Result<(), Failure> {
        let bytes = self.config.memory_at_start().saturating_add(OTHER_MEMORY);
        let mut memory: Vec<u8> = Vec::new();
        memory.try_reserve_exact(bytes).map_err(|_| Failure::Memory { bytes })?;
        // Lest the compiler see that nobody uses it.
        drop(core::hint::black_box(memory));
        Ok(())
    }
}

/// The process may not open as many descriptors as its sessions could need.
///
/// It can serve all the same: accepting pauses while there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFewDescriptors {
    /// How many it may open.
    pub limit: u64,
    /// How many it could need.
    pub needed: u64,
    /// The sessions for which there is room.
    pub sessions: u64,
    /// The sessions allowed.
    pub max_sessions: usize,
}

impl fmt::Display for TooFewDescriptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, needed, sessions, max_sessions } = self;
        write!(
            f,
            "the limit of {limit} open descriptors leaves room for {sessions} of --max-sessions {max_sessions}; \
             raise it (ulimit -Hn {needed}, as root) or lower --max-sessions"
        )
    }
}

impl core::error::Error for TooFewDescriptors {}

/// Writes `text` to standard output (`out`) and flushes it.
///
/// That nobody reads it, as after `| head`, is no failure.
///
/// # Errors
///
/// The output cannot be written for another reason.
pub fn print(mut out: impl Write, text: &str) -> Result<(), Failure> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::System { doing: "write to standard output", error })
        }
        _ => Ok(()),
    }
}

/// Why a program ends otherwise than asked to.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The command line is wrong.
    Usage(UsageError),
    /// The limits are wrong; [`parse`](super::parse) checks them, so this is for programs that change them.
    Config(ConfigError),
    /// The listener could not be opened.
    Listen {
        /// The listener.
        listener: ListenerSpec,
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

impl Failure {
    /// Returns the program's exit status: 2 if the command line is wrong, otherwise 1.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Config(_) | Self::Listen { .. } | Self::Memory { .. } | Self::System { .. } => 1,
        }
    }
}

impl From<UsageError> for Failure {
    fn from(error: UsageError) -> Self {
        Self::Usage(error)
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
            Self::Config(error) => error.fmt(f),
            Self::Listen { listener, error } => {
                let ListenerSpec { dialect, addr } = listener;
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

impl core::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;
    use core::cell::{Cell, RefCell};

    use super::*;
    use crate::cli::{Invocation, Program, parse};

    fn options(max_sessions: usize) -> Options {
        let program = Program {
            name: "chat-server",
            version: "1.2.3",
            unix_sockets: true,
            memory_bound: crate::config::Config::memory_bound,
            system_bound: |_| 0,
        };
        match parse(&program, ["--max-sessions", &max_sessions.to_string()]) {
            Ok(Invocation::Serve(options)) => *options,
            other => panic!("{other:?}"),
        }
    }

    /// Raises from `limit` on a system that permits a hard limit up to `ceiling`; returns what held then, and what
    /// was said.
    fn raise(limit: (u64, u64), ceiling: u64) -> ((u64, u64), Result<(), TooFewDescriptors>) {
        let to_limit = |(soft, hard)| DescriptorLimit { soft: Some(soft), hard: Some(hard) };
        let limit = Cell::new(to_limit(limit));
        let set = |raised: DescriptorLimit| {
            assert!(raised.hard >= limit.get().hard && raised.soft > limit.get().soft, "lowered: {raised:?}");
            if raised.hard > limit.get().hard && raised.hard > Some(ceiling) {
                return Err(());
            }
            limit.set(raised);
            Ok(())
        };
        let said = options(1_000).raise_descriptor_limit(|| limit.get(), set);
        let DescriptorLimit { soft: Some(soft), hard: Some(hard) } = limit.get() else { panic!("unlimited") };
        ((soft, hard), said)
    }

    #[test]
    fn descriptors_are_raised_only_as_far_as_needed_and_permitted() {
        let needed = options(1_000).descriptors();
        assert!(needed > 1_000 + 2 + 1_024, "sessions, two listeners, lingering connections and more");
        assert_eq!(raise((needed, needed), 0), ((needed, needed), Ok(())));
        assert_eq!(raise((256, 1 << 20), 0), ((needed, 1 << 20), Ok(())));
        assert_eq!(raise((256, 512), 1 << 20), ((needed, needed), Ok(())));

        let (limit, said) = raise((256, 512), 512);
        assert_eq!(limit, (512, 512));
        let said = said.expect_err("too few").to_string();
        let room = 512 - (needed - 1_000 - LINGERING_DESCRIPTORS);
        assert_eq!(
            said,
            format!(
                "the limit of 512 open descriptors leaves room for {room} of --max-sessions 1000; \
                 raise it (ulimit -Hn {needed}, as root) or lower --max-sessions"
            )
        );
    }

    #[test]
    fn room_for_all_sessions_but_not_for_lingering_is_used_and_not_complained_of() {
        let sessions_only = options(1_000).descriptors() - LINGERING_DESCRIPTORS;
        assert_eq!(raise((256, sessions_only), 0), ((sessions_only, sessions_only), Ok(())));
        let (limit, said) = raise((256, sessions_only - 1), 0);
        assert_eq!(limit, (sessions_only - 1, sessions_only - 1));
        assert_eq!(said.expect_err("one too few").sessions, 999);
    }

    #[test]
    fn no_limit_suffices() {
        let get = || DescriptorLimit { soft: None, hard: None };
        let set = |limit| -> Result<(), ()> { panic!("{limit:?} was set") };
        assert_eq!(options(1 << 20).raise_descriptor_limit(get, set), Ok(()));
    }

    #[test]
    fn a_limit_below_what_the_program_itself_needs_leaves_room_for_none() {
        let get = || DescriptorLimit { soft: Some(8), hard: Some(8) };
        let said = options(5).raise_descriptor_limit(get, |_| Err(())).expect_err("too few");
        assert_eq!((said.limit, said.sessions, said.max_sessions), (8, 0, 5));
    }

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
        print(&open, "listening\n").expect("room");
        assert_eq!(open.taken.borrow().as_slice(), b"listening\n");
        print(&pipe(3, io::ErrorKind::BrokenPipe), "listening\n").expect("nobody reads");
        let failure = print(&pipe(3, io::ErrorKind::StorageFull), "listening\n").expect_err("no room");
        assert!(failure.to_string().starts_with("cannot write to standard output: "), "{failure}");
        assert_eq!(failure.status(), 1);
    }

    #[test]
    fn an_address_that_cannot_be_had_is_told_another_way() {
        let told = |dialect: &str, addr: &str, kind: io::ErrorKind| {
            let addr = match addr.strip_prefix("unix:") {
                Some(path) => ListenAddr::Unix(path.into()),
                None => ListenAddr::Tcp(addr.parse().expect(addr)),
            };
            let listener = ListenerSpec { dialect: String::from(dialect), addr };
            let failure = Failure::Listen { listener, error: kind.into() };
            assert_eq!(failure.status(), 1);
            failure.to_string()
        };
        assert_eq!(
            told("text", "127.0.0.1:4000", io::ErrorKind::AddrInUse),
            "cannot listen on 127.0.0.1:4000 for text: the address is in use; stop what uses it, or choose another \
             port, as in --listen text=127.0.0.1:0 (0: any that is free)"
        );
        assert_eq!(
            told("classic", "[::1]:23", io::ErrorKind::PermissionDenied),
            "cannot listen on [::1]:23 for classic: ports below 1024 need a privilege; choose one above"
        );
        assert_eq!(
            told("text", "10.1.2.3:5", io::ErrorKind::AddrNotAvailable),
            "cannot listen on 10.1.2.3:5 for text: this machine has no such address"
        );
        assert_eq!(
            told("text", "unix:/run/chat.sock", io::ErrorKind::AddrInUse),
            "cannot listen on unix:/run/chat.sock for text: the address is in use; stop what uses it, or choose \
             another path"
        );
        assert_eq!(
            told("text", "unix:nowhere/chat.sock", io::ErrorKind::NotFound),
            "cannot listen on unix:nowhere/chat.sock for text: there is no such directory"
        );
        assert_eq!(
            told("text", "127.0.0.1:5", io::ErrorKind::OutOfMemory),
            format!("cannot listen on 127.0.0.1:5 for text: {}", io::Error::from(io::ErrorKind::OutOfMemory))
        );
    }

    #[test]
    fn a_wrong_command_line_has_a_status_of_its_own() {
        let failure = Failure::from(UsageError::log_filter("a=b=c", "invalid filter directive"));
        assert_eq!(failure.status(), 2);
        let said = failure.to_string();
        assert!(said.starts_with("--log a=b=c: invalid filter directive; a filter is as in "), "{said}");
        assert_eq!(Failure::from(ConfigError::SameDialect("text")).status(), 1);
    }
}
