//! The help, and the names of all options, made from one table and the table of [`SETTINGS`].

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::listen::default_listeners;
use super::{DEFAULT_LOG, Program};
use crate::config::Config;
use crate::config::setting::{SETTINGS, Setting, Topic};
use crate::exemptions::Exemptions;

/// An option that is no limit.
struct Plain {
    name: &'static str,
    form: &'static str,
    help: &'static str,
}

const LISTEN: Plain = Plain {
    name: "listen",
    form: "DIALECT=ADDR",
    help: "Serve a dialect on an address: IP:PORT, NAME:PORT for each address of the name, or :PORT for all of this \
           machine, IPv4 and IPv6. May be given several times and replaces the default. Port 0 lets the system choose \
           one; a line \"listening DIALECT ADDR\" on standard output tells of each.",
};
/// What is added to the help of [`LISTEN`] where it is so.
const LISTEN_UNIX: &str = " ADDR can also be unix:PATH, a Unix socket.";
const EXEMPT: Plain = Plain {
    name: "exempt",
    form: "LIST",
    help: "Networks whose connections are not counted by address, and unix for Unix sockets, separated by commas; none for \
           no exemption. Behind a proxy all come from its address: exempt it, or count nobody.",
};
const LOG: Plain = Plain {
    name: "log",
    form: "FILTER",
    help: "What is logged to standard error: off, error, warn, info, debug, trace, or by module as in \
           info,chat_proto=debug. At info: who came, was named and left, and what happens often, summed up once a \
           second. Lines that nobody reads in time are lost and counted.",
};
const LOG_FORMAT: Plain =
    Plain { name: "log-format", form: "text|json", help: "Whether a person or a program reads the log." };
const PRINT_MEMORY_BOUND: Plain = Plain {
    name: "print-memory-bound",
    form: "[=bytes]",
    help: "Print how much memory sessions, their input, messages and the system's buffers for connections can ever take \
           with the limits given, and exit: a table, or only the sum in bytes. Tasks and threads come on top.",
};
const HELP: Plain = Plain { name: "help", form: "", help: "Print this, and exit; -h does the same." };
const VERSION: Plain = Plain { name: "version", form: "", help: "Print the version, and exit; -V does the same." };

const PLAIN: [Plain; 7] = [LISTEN, EXEMPT, LOG, LOG_FORMAT, PRINT_MEMORY_BOUND, HELP, VERSION];

/// Returns the names of all options, without their hyphens.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    PLAIN.into_iter().map(|option| option.name).chain(SETTINGS.iter().map(Setting::name))
}

/// Returns the option's name if there is one of that name.
pub(super) fn find(name: &str) -> Option<&'static str> {
    names().find(|option| *option == name)
}

/// Returns the form of the option's value, empty if it takes none.
pub(super) fn form(name: &str) -> String {
    let plain = PLAIN.into_iter().find(|option| option.name == name).map(|option| String::from(option.form));
    plain.or_else(|| Setting::find(name).map(Setting::form)).unwrap_or_default()
}

/// All that `--help` prints.
pub(super) struct Help<'a>(pub(super) &'a Program);

impl fmt::Display for Help<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Program { name, version, unix_sockets, .. } = *self.0;
        write!(
            f,
            "{name} {version}: people and programs in one conversation

Usage: {name} [OPTIONS]

Without options it serves the dialect text on 127.0.0.1:4000, for people with
nc or telnet, and classic on 127.0.0.1:4001, for programs: lines of base64.
"
        )?;

        let listeners: Vec<_> = default_listeners().iter().map(ToString::to_string).collect();
        let listen = format!("{}{}", LISTEN.help, if unix_sockets { LISTEN_UNIX } else { "" });
        write_section(f, "Where", [Row::new(LISTEN.name, LISTEN.form, &listen, &listeners)])?;
        write_section(f, "Sessions", setting_rows(Topic::Sessions))?;
        let exempt = EXEMPT.row(&[Exemptions::default().to_string()]);
        let addresses = setting_rows(Topic::Addresses).chain([exempt]);
        write_section(f, "By address, an IPv4 address or an IPv6 /64", addresses)?;
        write_section(f, "Timeouts", setting_rows(Topic::Timeouts))?;
        write_section(f, "Memory", setting_rows(Topic::Memory))?;
        write_section(f, "Log", [LOG.row(&[String::from(DEFAULT_LOG)]), LOG_FORMAT.row(&[String::from("text")])])?;
        write_section(f, "Instead of serving", [PRINT_MEMORY_BOUND, HELP, VERSION].map(|option| option.row(&[])))?;

        write!(
            f,
            "
BYTES are as in 4096, 64KiB, 4MiB or 1GiB, a TIME as in 500ms, 15s, 10m or 2h.
With DIALECT= a value is for that dialect, without it for all. Of an option
given twice the last one counts.

Examples:
  {name}
  {name} --listen text=:4000 --max-sessions 500
  {name} --listen text=[::1]:0 --idle-timeout off --rate 5/s:20
  {name} --idle-timeout text=1h --idle-timeout classic=15s --log debug
  {name} --max-sessions 100000 --print-memory-bound

SIGINT and SIGTERM end it in order: everyone is told, and what is pending is
sent within the linger timeout. A second signal ends it at once.

Exit status: 0 after such an end; 1 if it could not serve, for example because
an address is in use; 2 if the options are wrong; 128 and the signal's number
after a second signal.
"
        )
    }
}

/// An option as the help shows it.
struct Row {
    option: String,
    /// The text in words that are not broken.
    help: Vec<String>,
}

impl Row {
    fn new(name: &str, form: &str, help: &str, defaults: &[String]) -> Self {
        let mut help: Vec<_> = help.split(' ').map(String::from).collect();
        for (i, default) in defaults.iter().enumerate() {
            let before = if i == 0 { "[default: " } else { "" };
            let after = if i + 1 == defaults.len() { "]" } else { "" };
            help.push(format!("{before}{default}{after}"));
        }
        Self { option: format!("--{name} {form}"), help }
    }
}

impl Plain {
    fn row(&self, defaults: &[String]) -> Row {
        Row::new(self.name, self.form, self.help, defaults)
    }
}

fn setting_rows(topic: Topic) -> impl Iterator<Item = Row> {
    let config = Config::default();
    SETTINGS
        .iter()
        .filter(move |setting| setting.topic() == topic)
        .map(move |setting| Row::new(setting.name(), &setting.form(), setting.help(), &setting.values(&config)))
}

/// Where the texts begin: after the longest option and two blanks.
const COLUMN: usize = 38;
const WIDTH: usize = 80;

fn write_section(f: &mut fmt::Formatter<'_>, title: &str, rows: impl IntoIterator<Item = Row>) -> fmt::Result {
    write!(f, "\n{title}:\n")?;
    for Row { option, help } in rows {
        write!(f, "  {option:<width$}", width = COLUMN - 2)?;
        let mut column = COLUMN;
        for word in help {
            if column == COLUMN {
                f.write_str(&word)?;
            } else if column + 1 + word.len() <= WIDTH {
                write!(f, " {word}")?;
                column += 1;
            } else {
                write!(f, "\n{:COLUMN$}{word}", "")?;
                column = COLUMN;
            }
            column += word.len();
        }
        writeln!(f)?;
    }
    Ok(())
}
