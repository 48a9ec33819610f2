//! The options: one struct for the command line, the keys of a configuration file, and the help.

use std::path::PathBuf;

use chat_proto::dialect::Irc;
use chat_proto::{Config, DialectConfig, Exemptions, Rate, RateLimit};
use clap::{ArgAction, Args, Command, CommandFactory, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use serde::Deserialize;

use crate::file_value;
use crate::irc_table::IrcTable;
use crate::listener::Listener;
use crate::log::{LogFilter, LogFormat};
use crate::memory::BoundFormat;
use crate::metrics::MetricsAddr;
use crate::operator_table::OperatorTable;
use crate::room_table::RoomTable;
use crate::tls_table::TlsTable;
use crate::value::{Bytes, Count, ForDialect, Names, OnLag, OrOff, RatePerSecond, Time};
use crate::web_table::WebTable;

/// People and programs in one conversation.
#[derive(Debug, Parser)]
#[allow(rustdoc::broken_intra_doc_links, reason = "the texts are printed as they are")]
#[command(
    name = env!("CARGO_BIN_NAME"),
    version,
    disable_help_flag = true,
    disable_version_flag = true,
    args_override_self = true,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    before_help = BEFORE_HELP,
    after_help = AFTER_HELP,
    help_template = TEMPLATE,
    max_term_width = 80,
    next_line_help = true
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<PrintCommand>,

    #[command(flatten)]
    pub(crate) options: Options,

    /// Read options from a TOML file. A key is an option's name without the hyphens in front, as in max-sessions = 500.
    /// An option that takes DIALECT= may be a table, as in [idle-timeout]; the options irc-..., web-... and tls-... are
    /// the tables [irc], [web] and [tls]. Each [[room]] table, with name, topic and flags, is a room that is always
    /// there. Only a file has passwords: password in [irc] is what clients of IRC need, and each [[operator]] table,
    /// with name and password, is an operator of the server. An option on the command line replaces the file's.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Configuration")]
    pub(crate) config: Option<PathBuf>,

    /// Check the options and the file, and exit. No address is opened.
    #[arg(long, help_heading = "Instead of serving")]
    pub(crate) check_config: bool,

    /// Print how much memory sessions, their input, messages and the system's buffers for connections can ever take
    /// with the limits given, and exit. FORMAT is table, or bytes for the sum alone. Tasks and threads come on top.
    #[arg(
        long,
        value_name = "FORMAT",
        num_args = 0..=1,
        require_equals = true,
        hide_possible_values = true,
        default_missing_value = "table",
        help_heading = "Instead of serving"
    )]
    pub(crate) print_memory_bound: Option<BoundFormat>,

    /// Print this help, and exit.
    #[arg(short, long, action = ArgAction::Help, help_heading = "Instead of serving")]
    help: Option<bool>,

    /// Print the version, and exit.
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = "Instead of serving")]
    version: Option<bool>,
}

/// Subcommands that print something and end.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum PrintCommand {
    /// Print a script that completes the options in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Read a password, at a terminal or as a line of standard input, and print its hash for the configuration file.
    HashPassword,
    /// Print the manual page.
    Man,
    /// Make a certificate for trying out TLS, certificate.pem, and its key, key.pem, and print how to serve with them.
    SelfSigned {
        /// The directory for the files; it is made if it is not there.
        #[arg(value_hint = ValueHint::DirPath)]
        directory: PathBuf,
        /// Names and addresses of this machine, besides `localhost`, `127.0.0.1` and `::1`.
        names: Vec<String>,
    },
}

/// Where to listen, every limit, and what is logged.
///
/// Each field is an option and a configuration key of that name. Its comment is its help, and ends with the range and
/// the default, which tests compare with [`Config`]. `None`, or an empty list, means that it was not given.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[expect(clippy::doc_markdown, reason = "the texts are printed as they are")]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Options {
    /// Serve a dialect on an address: IP:PORT, NAME:PORT for each address of the name, :PORT for all of this machine,
    /// IPv4 and IPv6, or unix:PATH, a Unix socket. DIALECT+ws serves it over WebSocket, and web a page for browsers,
    /// with irc over WebSocket at /ws; +tls behind any of them serves it in TLS. May be given several times and replaces
    /// the default. Port 0 lets the system choose one; a line "listening DIALECT ADDR" on standard output tells of each [default:
    /// text=127.0.0.1:4000 classic=127.0.0.1:4001 irc=127.0.0.1:6667 web=127.0.0.1:8080]
    #[arg(long, value_name = "DIALECT=ADDR", help_heading = "Where")]
    pub(crate) listen: Vec<Listener>,

    /// Serve metrics on an address, IP:PORT, NAME:PORT or :PORT: /metrics as Prometheus collects them, and /healthz.
    /// Whoever reaches the address may read them [default: off]
    #[arg(long, value_name = "ADDR|off", help_heading = "Where")]
    pub(crate) metrics: Option<OrOff<MetricsAddr>>,

    /// Sessions at once; one more is told that the server is full [1 to 1048576; default: 10000]
    #[arg(long, value_name = "N", help_heading = "Sessions")]
    pub(crate) max_sessions: Option<Count>,

    /// Longest line, without its line end; a longer one is refused [64 to 1MiB; default: 4KiB]
    #[arg(long, value_name = "BYTES", help_heading = "Sessions")]
    pub(crate) max_line: Option<Bytes>,

    /// Longest name [1 to 255; default: 32]
    #[arg(long, value_name = "BYTES", help_heading = "Sessions")]
    pub(crate) max_name: Option<Bytes>,

    /// Which names are allowed. strict: letters and digits in common use, and no name that looks like another; loose,
    /// for servers with accounts: all visible characters, and no name that differs only in case [default: strict]
    #[arg(long, value_name = "RULES", help_heading = "Sessions", hide_possible_values = true)]
    pub(crate) names: Option<Names>,

    /// Lines a second from one session, and how many at once. A session that sends more is read more slowly; nothing is
    /// lost [up to 1000000000/s:1000000; default: 20/s:100]
    #[arg(long, value_name = "[DIALECT=]N/s[:BURST]|off", help_heading = "Sessions")]
    #[serde(deserialize_with = "file_value::per_dialect")]
    pub(crate) rate: Vec<ForDialect<OrOff<RatePerSecond>>>,

    /// Bytes a second that a reader has to take for senders to wait for it, so that it misses nothing. However many
    /// readers are slow, senders get half of this at least [1KiB to 1GiB; default: 1MiB]
    #[arg(long, value_name = "BYTES|off", help_heading = "Sessions")]
    pub(crate) pace: Option<OrOff<Bytes>>,

    /// How many of the latest messages a newcomer is shown [0 to 1000; default: classic=0 text=20 irc=0]
    #[arg(long, value_name = "[DIALECT=]N", help_heading = "Sessions")]
    #[serde(deserialize_with = "file_value::per_dialect")]
    pub(crate) backlog: Vec<ForDialect<Count>>,

    /// What happens to a reader that falls behind the log. skip: it is told how many messages it missed, and goes on;
    /// close: it is closed [default: skip]
    #[arg(long, value_name = "POLICY", help_heading = "Sessions", hide_possible_values = true)]
    pub(crate) on_lag: Option<OnLag>,

    /// Rooms at once, the lobby counted; beginning one more is refused [1 to 65536; default: 256]
    #[arg(long, value_name = "N", help_heading = "Rooms")]
    pub(crate) max_rooms: Option<Count>,

    /// Rooms that one session is in at once [1 to 256; default: 20]
    #[arg(long, value_name = "N", help_heading = "Rooms")]
    pub(crate) max_rooms_per_session: Option<Count>,

    /// Whether entering a room that does not exist begins it. If not, there are only the lobby and the rooms of the
    /// file [default: true]
    #[arg(long, value_name = SWITCH, help_heading = "Rooms", hide_possible_values = true)]
    pub(crate) new_rooms: Option<bool>,

    /// Rooms that are always there. Only a file has them, as `[[room]]` tables.
    #[arg(skip)]
    pub(crate) room: Vec<RoomTable>,

    /// Operators of the server. Only a file has them, as `[[operator]]` tables.
    #[arg(skip)]
    pub(crate) operator: Vec<OperatorTable>,

    /// Bytes of messages kept in each room but the lobby, for each dialect that has rooms. Raised to ten of the longest
    /// messages where it is less; without a pace, to one [1 to 1GiB; default: 64KiB]
    #[arg(long, value_name = "BYTES", help_heading = "Rooms")]
    pub(crate) room_log_bytes: Option<Bytes>,

    /// Number of messages kept in each room but the lobby, for each dialect that has rooms. With a pace, raised to 10
    /// where it is less [1 to 16777216; default: 1024]
    #[arg(long, value_name = "N", help_heading = "Rooms")]
    pub(crate) room_log_entries: Option<Count>,

    /// Number of messages kept in each room but the lobby for newcomers and /history [0 to 65536; default: 100]
    #[arg(long, value_name = "N", help_heading = "Rooms")]
    pub(crate) room_history: Option<Count>,

    /// Bytes of messages kept in each room but the lobby for newcomers and /history. One message is always kept [1 to
    /// 1GiB; default: 64KiB]
    #[arg(long, value_name = "BYTES", help_heading = "Rooms")]
    pub(crate) room_history_bytes: Option<Bytes>,

    /// What clients of IRC are told of the server; a table of the file.
    #[command(flatten)]
    pub(crate) irc: IrcTable,

    /// How browsers may reach the page; a table of the file.
    #[command(flatten)]
    pub(crate) web: WebTable,

    /// The certificate of listeners with TLS; a table of the file.
    #[command(flatten)]
    pub(crate) tls: TlsTable,

    /// Sessions at once from one address [1 to 1048576; default: 100]
    #[arg(long, value_name = "N|off", help_heading = BY_ADDRESS)]
    pub(crate) max_per_address: Option<OrOff<Count>>,

    /// Rooms at once that people at one address began [1 to 65536; default: 32]
    #[arg(long, value_name = "N|off", help_heading = BY_ADDRESS)]
    pub(crate) max_rooms_per_address: Option<OrOff<Count>>,

    /// Connections a second from one address, and how many at once; one more is told to come back later
    /// [up to 1000000000/s:1000000; default: 10/s:100]
    #[arg(long, value_name = "N/s[:BURST]|off", help_heading = BY_ADDRESS)]
    pub(crate) connects_per_address: Option<OrOff<RatePerSecond>>,

    /// Lines a second from all sessions of one address together, and how many at once. Sessions that send more are read
    /// more slowly, in turn [up to 1000000000/s:1000000; default: 200/s:1000]
    #[arg(long, value_name = "N/s[:BURST]|off", help_heading = BY_ADDRESS)]
    pub(crate) rate_per_address: Option<OrOff<RatePerSecond>>,

    /// Networks whose connections are not counted by address, and unix for Unix sockets, separated by commas; none for
    /// no exemption. Behind a proxy all connections come from the proxy's address: exempt that [default:
    /// 127.0.0.0/8,::1/128,unix]
    #[arg(long, value_name = "LIST", help_heading = BY_ADDRESS)]
    #[serde(deserialize_with = "file_value::some_from_text")]
    pub(crate) exempt: Option<Exemptions>,

    /// How long a session may send no complete line. A minute before the end, clients of IRC are asked whether they are
    /// there [1ms to 365d; default: classic=15s text=10m irc=4m]
    #[arg(long, value_name = "[DIALECT=]TIME|off", help_heading = "Timeouts")]
    #[serde(deserialize_with = "file_value::per_dialect")]
    pub(crate) idle_timeout: Vec<ForDialect<OrOff<Time>>>,

    /// How long a session may take nothing of what it is sent [1ms to 365d; default: 30s]
    #[arg(long, value_name = "TIME|off", help_heading = "Timeouts")]
    pub(crate) stall_timeout: Option<OrOff<Time>>,

    /// How long a session that is being closed has for its last bytes. A shutdown may take a second more
    /// [1ms to 365d; default: 5s]
    #[arg(long, value_name = "TIME", help_heading = "Timeouts")]
    pub(crate) linger_timeout: Option<Time>,

    /// Bytes of messages kept in the lobby for each dialect: how far a reader may fall behind. At least ten of the
    /// longest messages; without a pace, one [up to 1GiB; default: 4MiB]
    #[arg(long, value_name = "BYTES", help_heading = "Memory")]
    pub(crate) log_bytes: Option<Bytes>,

    /// Number of messages kept in the lobby for each dialect. Without a pace, 1 is enough [10 to 16777216;
    /// default: 65536]
    #[arg(long, value_name = "N", help_heading = "Memory")]
    pub(crate) log_entries: Option<Count>,

    /// Bytes of private replies kept for each session. At least two of the longest messages [up to 16MiB; default:
    /// 16KiB]
    #[arg(long, value_name = "BYTES", help_heading = "Memory")]
    pub(crate) reply_bytes: Option<Bytes>,

    /// Number of records kept of what happened to sessions, for diagnosis [1 to 16777216; default: 10000]
    #[arg(long, value_name = "N", help_heading = "Memory")]
    pub(crate) journal_records: Option<Count>,

    /// Number of messages kept in the lobby for newcomers and /history, at least as many as --backlog shows, and of
    /// other events for programs that follow along [0 to 65536; default: 1000]
    #[arg(long, value_name = "N", help_heading = "Memory")]
    pub(crate) history: Option<Count>,

    /// Bytes of messages kept in the lobby for newcomers and /history, and as many of other events [up to 1GiB;
    /// default: 1MiB]
    #[arg(long, value_name = "BYTES", help_heading = "Memory")]
    pub(crate) history_bytes: Option<Bytes>,

    /// What is logged to standard error: off, error, warn, info, debug, trace, or by module as in
    /// info,chat_proto=debug. The level info has who connects, takes a name and leaves, and once a second a summary of
    /// what happens often. Lines that nobody reads in time are dropped and counted [default: info]
    #[arg(long, value_name = "FILTER", help_heading = "Log")]
    pub(crate) log: Option<LogFilter>,

    /// The form of the log: text for people, json for programs [default: text]
    #[arg(long, value_name = "FORMAT", help_heading = "Log", hide_possible_values = true)]
    pub(crate) log_format: Option<LogFormat>,
}

/// The form of an option that is true or false; in a file it has no quotation marks.
pub(crate) const SWITCH: &str = "true|false";

const BY_ADDRESS: &str = "By address, an IPv4 address or an IPv6 /64";

const TEMPLATE: &str = "{name} {version}: {about}\n\n{usage-heading} {usage}\n\n{before-help}{all-args}{after-help}\n";

const BEFORE_HELP: &str = "\
Without options it serves the dialect text on 127.0.0.1:4000, for people with
nc or telnet; classic on 127.0.0.1:4001, for programs: lines of base64; irc on
127.0.0.1:6667, for clients of IRC; and a page on 127.0.0.1:8080, for browsers:
open http://127.0.0.1:8080/.";

const AFTER_HELP: &str = "\
BYTES are as in 4096, 64KiB, 4MiB or 1GiB, a TIME as in 500ms, 15s, 10m or 2h.
With DIALECT= a value is for that dialect, without it for all. Of an option
given twice the last one counts.

Examples:
  chat-server
  chat-server --listen text=:4000 --max-sessions 500
  chat-server --listen text=[::1]:0 --idle-timeout off --rate 5/s:20
  chat-server --idle-timeout text=1h --idle-timeout classic=15s --log debug
  chat-server --max-sessions 100000 --print-memory-bound
  chat-server --config chat.toml --check-config
  chat-server completions bash
  chat-server hash-password
  chat-server self-signed /tmp/certificate chat.example

Only clients of IRC can be asked for a password. Whoever reaches a listener of
text or classic needs none: bind those to addresses that only friends reach.

SIGINT, SIGTERM and SIGHUP end the server in order: everyone is told, and what
is pending is sent within the linger timeout. A second SIGINT or SIGTERM ends it
at once. On Linux, SIGHUP stays ignored under nohup. With TLS, SIGHUP does not
end the server: it reads the certificate again.

Exit status: 0 after the server has ended in order; 1 if it could not serve, for
example because an address is in use; 2 if the options or the file are wrong;
128 and the signal's number after a second SIGINT or SIGTERM.";

/// Returns the program's command line, for [`Arguments`].
pub(crate) fn command() -> Command {
    Arguments::command().mut_args(|arg| {
        // A shell completes the names of files only where one is wanted.
        let files = ["config", IrcTable::MOTD, TlsTable::CERTIFICATE, TlsTable::KEY];
        let hint = if files.contains(&arg.get_id().as_str()) { ValueHint::FilePath } else { ValueHint::Other };
        let arg = if arg.get_action().takes_values() { arg.value_hint(hint) } else { arg };
        // Puts the range and the default, which are the end, on a line of their own.
        let help = arg.get_help().map(ToString::to_string).filter(|help| help.ends_with(']'));
        match help.as_deref().and_then(|help| help.rsplit_once(" [")) {
            Some((text, end)) => arg.help(format!("{text}\n[{end}")),
            None => arg,
        }
    })
}

/// Returns the limits if no option is given: those of the core, for all dialects that can be served.
pub(crate) fn default_config() -> Config {
    let mut config = Config::default();
    config.dialects.push(DialectConfig::new(Irc::default()));
    config
}

impl Options {
    /// Sets in `config` the limits that are given here, and leaves the others.
    pub(crate) fn apply(&self, config: &mut Config) {
        set(&mut config.max_sessions, self.max_sessions);
        set(&mut config.max_line, self.max_line);
        set(&mut config.max_name, self.max_name);
        set(&mut config.names, self.names);
        for ForDialect { dialect: only, value: OrOff(rate) } in &self.rate {
            set_rate_of_lines(config, *only, rate.map(|rate| rate.or_burst_of(Config::default().rate)));
        }
        set_or_off(&mut config.pace, self.pace);
        set(&mut config.on_lag, self.on_lag);
        set(&mut config.max_rooms, self.max_rooms);
        set(&mut config.max_rooms_per_session, self.max_rooms_per_session);
        set(&mut config.new_rooms, self.new_rooms);
        if !self.room.is_empty() {
            config.rooms = self.room.iter().map(RoomTable::room).collect();
        }
        set(&mut config.room_log_bytes, self.room_log_bytes);
        set(&mut config.room_log_entries, self.room_log_entries);
        set(&mut config.room_history, self.room_history);
        set(&mut config.room_history_bytes, self.room_history_bytes);
        set_or_off(&mut config.max_per_address, self.max_per_address);
        set_or_off(&mut config.max_rooms_per_address, self.max_rooms_per_address);
        set_rate(config, |config| &mut config.connects_per_address, self.connects_per_address);
        set_rate(config, |config| &mut config.rate_per_address, self.rate_per_address);
        set_or_off(&mut config.stall_timeout, self.stall_timeout);
        set(&mut config.linger_timeout, self.linger_timeout);
        set(&mut config.log_bytes, self.log_bytes);
        set(&mut config.log_entries, self.log_entries);
        set(&mut config.reply_bytes, self.reply_bytes);
        set(&mut config.journal_records, self.journal_records);
        set(&mut config.history, self.history);
        set(&mut config.history_bytes, self.history_bytes);
        set_for_dialects(config, &self.backlog, |dialect, backlog| dialect.backlog = backlog.into());
        set_for_dialects(config, &self.idle_timeout, |dialect, timeout| {
            dialect.idle_timeout = timeout.0.map(Into::into);
        });
    }
}

fn set<T>(limit: &mut T, given: Option<impl Into<T>>) {
    if let Some(value) = given {
        *limit = value.into();
    }
}

fn set_or_off<T>(limit: &mut Option<T>, given: Option<OrOff<impl Into<T>>>) {
    if let Some(OrOff(value)) = given {
        *limit = value.map(Into::into);
    }
}

fn set_rate(config: &mut Config, limit: fn(&mut Config) -> &mut Option<Rate>, given: Option<OrOff<RatePerSecond>>) {
    if let Some(OrOff(rate)) = given {
        let default = *limit(&mut Config::default());
        *limit(config) = rate.map(|rate| rate.or_burst_of(default));
    }
}

/// Sets how fast sessions send lines: those of one dialect, or of all.
fn set_rate_of_lines(config: &mut Config, only: Option<&str>, rate: Option<Rate>) {
    for dialect in &mut config.dialects {
        if only.is_none() {
            dialect.rate = RateLimit::AsConfig;
        } else if only == Some(dialect.dialect.name()) {
            dialect.rate = RateLimit::Own(rate);
        }
    }
    if only.is_none() {
        config.rate = rate;
    }
}

fn set_for_dialects<T: Copy>(config: &mut Config, given: &[ForDialect<T>], set: impl Fn(&mut DialectConfig, T)) {
    for ForDialect { dialect: only, value } in given {
        for dialect in &mut config.dialects {
            if only.is_none_or(|only| only == dialect.dialect.name()) {
                set(dialect, *value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
