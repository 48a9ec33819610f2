//! The command line that the servers of this project share, so that they can be compared like for like.
//!
//! [`parse`] turns arguments into [`Options`] or into a text to print; what a program then does in its own way (open
//! sockets, catch signals, write a log) is left to it. [`Failure`] gives both programs the same messages and statuses,
//! and [`LogOutput`] a log that nobody waits for.

mod filter;
mod help;
mod listen;
mod log;
mod process;
mod usage;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::ffi::OsString;

pub use self::listen::{ListenAddr, ListenerSpec, listen};
pub use self::log::{LogOutput, LogProgress, MAX_LOG_LINES};
pub use self::process::{DescriptorLimit, Failure, TooFewDescriptors, print};
pub use self::usage::UsageError;
use crate::config::Config;
use crate::exemptions::{Exemptions, ExemptionsError};

/// A program as it speaks of itself.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// How it is called in its help and messages.
    pub name: &'static str,
    /// Its version, without a `v`.
    pub version: &'static str,
    /// Whether it serves Unix sockets; if not, [`parse`] refuses them and the help does not offer them.
    pub unix_sockets: bool,
    /// The most bytes of memory that sessions and messages can ever take with the limits given: what
    /// [`Config::memory_bound`] says of the hub, and what the program keeps for sessions beside it.
    pub memory_bound: fn(&Config) -> usize,
}

/// What the arguments ask for.
#[derive(Debug)]
pub enum Invocation {
    /// To serve.
    Serve(Box<Options>),
    /// To write this to standard output, its last line end included, and to be done.
    Print(String),
}

/// How to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen, in the order given; at least one.
    pub listeners: Vec<ListenerSpec>,
    /// The limits, checked; only the dialects that a listener speaks are left in it.
    pub config: Config,
    /// Whose connections are not counted by address.
    pub exempt: Exemptions,
    /// Which log records are written, in the form of `tracing-subscriber`'s `EnvFilter`. Words that it would take for
    /// modules that do not exist have been refused; the rest is for it to check.
    pub log: String,
    /// How log records are written.
    pub log_format: LogFormat,
}

/// How log records are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// A line for a person.
    #[default]
    Text,
    /// A line with a JSON object.
    Json,
}

/// Reads a program's arguments, without its own name in front.
///
/// # Errors
///
/// An argument that is no option, has no value or a wrong one, or limits that do not go together. Programs show it and
/// exit with status 2, as [`Failure::status`] says.
///
/// ```
/// use chat_proto::Config;
/// use chat_proto::cli::{Invocation, Program, parse};
///
/// let program = Program {
///     name: "chat-server",
///     version: "1.0.0",
///     unix_sockets: true,
///     memory_bound: Config::memory_bound, // for a program that keeps nothing of its own
/// };
/// let Invocation::Serve(options) = parse(&program, ["--listen", "text=127.0.0.1:0", "--max-line", "1KiB"])? else {
///     unreachable!("there is nothing to print");
/// };
/// assert_eq!(options.config.max_line, 1_024);
/// assert_eq!(parse(&program, ["--max-lin", "1KiB"]).unwrap_err().to_string(),
///     "there is no option --max-lin; did you mean --max-line?");
/// # Ok::<(), chat_proto::cli::UsageError>(())
/// ```
pub fn parse<A>(program: &Program, args: A) -> Result<Invocation, UsageError>
where
    A: IntoIterator,
    A::Item: Into<OsString>,
{
    let mut args = lexopt::Parser::from_args(args);
    let mut listeners = Vec::new();
    let mut config = Config::default();
    let mut exempt = Exemptions::default();
    let mut log = String::from(DEFAULT_LOG);
    let mut log_format = LogFormat::default();
    let mut print_memory_bound = false;

    while let Some(arg) = args.next().map_err(|error| UsageError::Syntax { reason: error.to_string() })? {
        let option = match arg {
            lexopt::Arg::Short('h') => "help",
            lexopt::Arg::Short('V') => "version",
            lexopt::Arg::Short(letter) => return Err(UsageError::unknown_option(format!("-{letter}"))),
            lexopt::Arg::Long(name) => {
                help::find(name).ok_or_else(|| UsageError::unknown_option(format!("--{name}")))?
            }
            lexopt::Arg::Value(value) => {
                return Err(UsageError::NoOption { argument: value.to_string_lossy().into_owned() });
            }
        };
        match option {
            "help" => return Ok(Invocation::Print(help::Help(program).to_string())),
            "version" => return Ok(Invocation::Print(format!("{} {}\n", program.name, program.version))),
            "print-memory-bound" => print_memory_bound = true,
            "listen" => listeners.push(ListenerSpec::parse(program, &value(&mut args, option)?, &config)?),
            "exempt" => exempt = parse_exempt(&value(&mut args, option)?)?,
            "log" => log = filter::check(program, value(&mut args, option)?)?,
            "log-format" => log_format = LogFormat::parse(&value(&mut args, option)?)?,
            setting => config.set(setting, &value(&mut args, setting)?).map_err(UsageError::Setting)?,
        }
    }

    if listeners.is_empty() {
        listeners = listen::default_listeners();
    }
    // A dialect that nobody can speak would cost its log and an encoding of every message all the same.
    config.dialects.retain(|dialect| listeners.iter().any(|listener| listener.dialect == dialect.dialect.name()));
    config.check().map_err(|error| UsageError::limit(&error, &config))?;
    if print_memory_bound {
        return Ok(Invocation::Print(format!("{}\n", (program.memory_bound)(&config))));
    }
    Ok(Invocation::Serve(Box::new(Options { listeners, config, exempt, log, log_format })))
}

const DEFAULT_LOG: &str = "info";

fn value(args: &mut lexopt::Parser, option: &'static str) -> Result<String, UsageError> {
    let value = args.value().map_err(|_| UsageError::NoValue { option })?;
    value.into_string().map_err(|_| UsageError::NotUtf8 { option })
}

fn parse_exempt(list: &str) -> Result<Exemptions, UsageError> {
    list.parse().map_err(|error: ExemptionsError| UsageError::Value {
        option: "exempt",
        value: String::from(list),
        expected: error.to_string(),
    })
}

impl LogFormat {
    fn parse(value: &str) -> Result<Self, UsageError> {
        match value {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(UsageError::Value {
                option: "log-format",
                value: String::from(value),
                expected: String::from("it must be text or json"),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
