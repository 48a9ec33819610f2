//! The configuration file: TOML whose keys are named like the options.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::{error, fmt, str};

use clap::{Arg, ArgAction, Args, Command};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, Deserializer};

use crate::irc_table::IrcTable;
use crate::operator_table::OperatorTable;
use crate::options::{Options, SWITCH};
use crate::room_table::RoomTable;
use crate::value;
use crate::web_table::WebTable;

/// A configuration file that has been read.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    path: PathBuf,
    /// What it sets.
    pub(crate) options: Options,
    entries: Vec<Entry>,
}

/// A key and its value, as written in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    key: String,
    /// The key in the table `key`: a dialect, or a key of `[irc]` or `[[room]]`.
    subkey: Option<String>,
    /// The room's name, in a `[[room]]` table.
    room: Option<String>,
    value: String,
    line: usize,
    span: Range<usize>,
    /// The value is not shown.
    is_secret: bool,
}

/// What is wrong with a configuration file.
#[derive(Debug)]
pub(crate) struct ConfigFileError {
    path: PathBuf,
    reason: Box<Reason>,
}

#[derive(Debug)]
enum Reason {
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

/// The most bytes read of a file: anything larger is no configuration file, or endless. The example has 5 KiB.
const MAX_BYTES: u64 = 1 << 20;

impl ConfigFile {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is not TOML, or has a key or a value that no option has. The ranges of limits are not
    /// checked here.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigFileError> {
        let read = || {
            let mut bytes = Vec::new();
            File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => Self::parse(path, &bytes),
            Err(error) => Err(ConfigFileError { path: path.into(), reason: Box::new(Reason::Unreadable(error)) }),
        }
    }

    /// Reads the contents of a file.
    pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ConfigFileError> {
        let parsed = if bytes.len() as u64 > MAX_BYTES {
            Err(Reason::TooLarge)
        } else {
            match str::from_utf8(bytes) {
                Ok(text) => parse(text),
                Err(error) => Err(Reason::NotUtf8 { line: line_of(bytes, error.valid_up_to()) }),
            }
        };
        match parsed {
            Ok((options, entries)) => Ok(Self { path: path.into(), options, entries }),
            Err(reason) => Err(ConfigFileError { path: path.into(), reason: Box::new(reason) }),
        }
    }

    /// Returns its path for a person.
    pub(crate) fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// Returns where an option is set; for a dialect, or a key of the table, if it depends on that.
    pub(crate) fn entry(&self, option: &str, subkey: Option<&str>) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.key == option && (entry.subkey.is_none() || entry.subkey.as_deref() == subkey))
    }

    /// Returns where a key of a room is set; of the last one, if several have that name.
    pub(crate) fn room_entry(&self, name: &str, key: &str) -> Option<&Entry> {
        self.entries.iter().rfind(|entry| entry.room.as_deref() == Some(name) && entry.subkey.as_deref() == Some(key))
    }

    /// Returns where the name of a room is set, by its index in the list.
    pub(crate) fn nth_room(&self, index: usize) -> Option<&Entry> {
        let is_name = |entry: &&Entry| entry.room.is_some() && entry.subkey.as_deref() == Some(RoomTable::NAME);
        self.entries.iter().filter(is_name).nth(index)
    }
}

fn parse(text: &str) -> Result<(Options, Vec<Entry>), Reason> {
    let table = DeTable::parse(text).map_err(|error| syntax(text, &error))?;
    let entries = entries(text, table.get_ref())?;
    let options = Options::deserialize(Deserializer::from(table)).map_err(|error| {
        let span = error.span().unwrap_or_default();
        match entries.iter().find(|entry| entry.span.contains(&span.start)) {
            // In a list, the span is that of the item.
            Some(entry) => Reason::value(entry.clone().at(text, span), error.message()),
            None => syntax(text, &error),
        }
    })?;
    Ok((options, entries))
}

fn syntax(text: &str, error: &toml::de::Error) -> Reason {
    let span = error.span().unwrap_or_default();
    Reason::Syntax {
        line: line_of(text.as_bytes(), span.start),
        message: error.message().into(),
        at: excerpt(text, span),
    }
}

/// Lists all keys with their values, if each is that of an option and has a value of a kind that the option takes.
fn entries(text: &str, table: &DeTable<'_>) -> Result<Vec<Entry>, Reason> {
    let known = Options::augment_args(Command::new(""));
    let (of_tables, mut keys): (Vec<&str>, Vec<&str>) = known
        .get_arguments()
        .filter_map(Arg::get_long)
        .partition(|option| TABLES.iter().any(|(_, prefix)| option.starts_with(prefix)));
    keys.extend(TABLES.map(|(table, _)| table));
    keys.extend([RoomTable::TABLE, OperatorTable::TABLE]);
    let mut entries = Vec::new();
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        if name == RoomTable::TABLE {
            entries.extend(room_entries(text, &keys, key, value)?);
            continue;
        }
        if name == OperatorTable::TABLE {
            entries.extend(operator_entries(text, &keys, key, value)?);
            continue;
        }
        if let Some((table, prefix)) = TABLES.into_iter().find(|(table, _)| *table == name) {
            let of_table = of_tables.iter().filter_map(|option| option.strip_prefix(prefix));
            // Passwords are no options: other people see the arguments of a program.
            let of_table: Vec<&str> =
                of_table.chain((table == IrcTable::TABLE).then_some(IrcTable::PASSWORD)).collect();
            entries.extend(table_entries(text, table, &keys, &of_table, key, value)?);
            continue;
        }
        let entry = Entry { key: name.into(), ..Entry::default() };
        let option = known.get_arguments().find(|option| option.get_long() == Some(name));
        let Some(option) = option.filter(|_| keys.contains(&name)) else {
            let table = |(table, prefix)| Some((table, name.strip_prefix(prefix)?));
            let advice = match TABLES.into_iter().find_map(table).filter(|_| option.is_some()) {
                Some((table, key)) => format!("it is {key} under [{table}]"),
                None => value::did_you_mean(name, &keys, "--help lists the options, which are the keys"),
            };
            return Err(Reason::UnknownKey {
                line: line_of(text.as_bytes(), key.span().start),
                key: name.into(),
                advice,
            });
        };
        let form = option.get_value_names().unwrap_or_default().concat();
        let (per_dialect, is_switch) = (form.starts_with("[DIALECT=]"), form == SWITCH);
        let is_list = !per_dialect && matches!(option.get_action(), ArgAction::Append);
        let at = |value: &Spanned<DeValue<'_>>| entry.clone().at(text, value.span());
        match value.get_ref() {
            DeValue::Table(dialects) if per_dialect => {
                for (dialect, value) in dialects {
                    let entry = Entry { subkey: Some(dialect.get_ref().as_ref().into()), ..at(value) };
                    if let Err(error) = value::dialect(dialect.get_ref()) {
                        let message = if keys.contains(&dialect.get_ref().as_ref()) {
                            format!("{} is a key of its own: put it above [{name}]", dialect.get_ref())
                        } else {
                            error.to_string()
                        };
                        return Err(Reason::value(entry, message));
                    }
                    if !is_scalar(value) {
                        let entry = Entry { value: String::new(), ..entry };
                        return Err(Reason::value(entry, SCALAR));
                    }
                    entries.push(entry);
                }
            }
            DeValue::Array(items) if is_list && items.is_empty() => {
                let message = "it must list something; leave it out for the default";
                return Err(Reason::value(at(value), message));
            }
            DeValue::Array(items) if is_list && items.iter().all(is_scalar) => entries.push(at(value)),
            DeValue::Boolean(_) if is_switch => entries.push(at(value)),
            _ if !is_list && !is_switch && is_scalar(value) => entries.push(at(value)),
            _ => {
                let message = match (is_list, per_dialect) {
                    (true, _) => "it must be a list, as in [\"text=127.0.0.1:4000\"]",
                    (_, true) => "it must be in quotation marks, a whole number, or a table of dialects",
                    _ if is_switch => "it must be true or false, without quotation marks",
                    _ => SCALAR,
                };
                // A value that begins at the key, or has many lines, is not shown.
                let entry = Entry { line: line_of(text.as_bytes(), key.span().start), ..entry };
                return Err(Reason::value(entry, message));
            }
        }
    }
    Ok(entries)
}

/// The tables of which each key is an option, and what those options begin with.
const TABLES: [(&str, &str); 2] = [(IrcTable::TABLE, IrcTable::PREFIX), (WebTable::TABLE, WebTable::PREFIX)];

/// Lists all keys of such a table, which are `known`, with their values, as [`entries`] does.
fn table_entries(
    text: &str,
    name: &str,
    options: &[&str],
    known: &[&str],
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
) -> Result<Vec<Entry>, Reason> {
    let at = |span: Range<usize>| {
        let line = line_of(text.as_bytes(), span.start);
        Entry { key: name.into(), line, ..Entry::default() }
    };
    let DeValue::Table(table) = value.get_ref() else {
        return Err(Reason::value(at(key.span()), format!("it must be a table, under [{name}]")));
    };
    let mut entries = Vec::new();
    for (key, value) in table {
        let subkey = key.get_ref().as_ref();
        let is_secret = subkey == IrcTable::PASSWORD;
        let entry = Entry { subkey: Some(subkey.into()), is_secret, ..at(key.span()) };
        if !known.contains(&subkey) {
            return Err(unknown_key_of_table(&format!("[{name}]"), name, known, subkey, entry.line, options));
        }
        match value.get_ref() {
            DeValue::Array(items) if subkey == WebTable::HOSTS && items.iter().all(|item| item.get_ref().is_str()) => {}
            _ if subkey == WebTable::HOSTS => {
                return Err(Reason::value(entry, "it must be a list, as in [\"chat.example\"]"));
            }
            DeValue::String(_) => {}
            _ => return Err(Reason::value(entry, "it must be in quotation marks")),
        }
        entries.push(entry.at(text, value.span()));
    }
    Ok(entries)
}

/// Lists all keys of the `[[room]]` tables with their values, as [`entries`] does.
fn room_entries(
    text: &str,
    options: &[&str],
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
) -> Result<Vec<Entry>, Reason> {
    let at = |span: Range<usize>| {
        let line = line_of(text.as_bytes(), span.start);
        Entry { key: RoomTable::TABLE.into(), line, ..Entry::default() }
    };
    let DeValue::Array(rooms) = value.get_ref() else { return Err(Reason::value(at(key.span()), ROOM)) };
    let mut entries = Vec::new();
    for room in rooms {
        let DeValue::Table(table) = room.get_ref() else { return Err(Reason::value(at(room.span()), ROOM)) };
        let name = table.get(RoomTable::NAME);
        for (key, value) in table {
            let subkey = key.get_ref().as_ref();
            let entry = Entry {
                subkey: Some(subkey.into()),
                room: name.and_then(|name| name.get_ref().as_str()).map(Into::into),
                ..at(key.span())
            };
            if !RoomTable::KEYS.contains(&subkey) {
                let keys = &RoomTable::KEYS;
                return Err(unknown_key_of_table(
                    "the first [[room]]",
                    RoomTable::TABLE,
                    keys,
                    subkey,
                    entry.line,
                    options,
                ));
            }
            if let Some(message) = wrong_kind_for_room(subkey, value.get_ref()) {
                return Err(Reason::value(entry, message));
            }
            entries.push(entry.at(text, value.span()));
        }
        if name.is_none() {
            return Err(Reason::value(at(room.span()), "it must have a name, as in name = \"tea\""));
        }
    }
    Ok(entries)
}

/// Lists all keys of the `[[operator]]` tables with their values, as [`entries`] does.
fn operator_entries(
    text: &str,
    options: &[&str],
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
) -> Result<Vec<Entry>, Reason> {
    let at = |span: Range<usize>| {
        let line = line_of(text.as_bytes(), span.start);
        Entry { key: OperatorTable::TABLE.into(), line, ..Entry::default() }
    };
    let DeValue::Array(operators) = value.get_ref() else { return Err(Reason::value(at(key.span()), OPERATOR)) };
    let (mut entries, mut names) = (Vec::new(), Vec::new());
    for operator in operators {
        let DeValue::Table(table) = operator.get_ref() else {
            return Err(Reason::value(at(operator.span()), OPERATOR));
        };
        for (key, value) in table {
            let subkey = key.get_ref().as_ref();
            let is_secret = subkey == OperatorTable::PASSWORD;
            let entry = Entry { subkey: Some(subkey.into()), is_secret, ..at(key.span()) };
            let keys = &OperatorTable::KEYS;
            if !keys.contains(&subkey) {
                let table = OperatorTable::TABLE;
                return Err(unknown_key_of_table("the first [[operator]]", table, keys, subkey, entry.line, options));
            }
            let entry = entry.at(text, value.span());
            let Some(value) = value.get_ref().as_str() else {
                return Err(Reason::value(entry, "it must be in quotation marks"));
            };
            if !is_secret && (value.is_empty() || value.len() > MAX_OPERATOR || value.contains([' ', ':'])) {
                return Err(Reason::value(entry, "it must be 1 to 64 bytes, without spaces and colons"));
            }
            if !is_secret && names.contains(&value) {
                return Err(Reason::value(entry, "there is another operator of that name"));
            }
            if !is_secret {
                names.push(value);
            }
            entries.push(entry);
        }
        if OperatorTable::KEYS.iter().any(|key| !table.contains_key(*key)) {
            return Err(Reason::value(at(operator.span()), "it must have a name and a password"));
        }
    }
    Ok(entries)
}

/// The form of the operators.
const OPERATOR: &str = "each operator must be a table under [[operator]]";

/// The most bytes of an operator's name, which has to fit in a line beside a password.
const MAX_OPERATOR: usize = 64;

/// The form of the rooms.
const ROOM: &str = "each room must be a table under [[room]]";

/// Says that a table, which begins with `header`, has no such key, but the keys `known`.
fn unknown_key_of_table(header: &str, table: &str, known: &[&str], key: &str, line: usize, options: &[&str]) -> Reason {
    let advice = if options.contains(&key) {
        format!("put {key} above {header}")
    } else {
        value::did_you_mean(key, known, &format!("there are {}", known.join(", ")))
    };
    Reason::UnknownKey { line, key: format!("{table}.{key}"), advice }
}

/// Returns what the value of a room's key must be, if it is of another kind.
fn wrong_kind_for_room(key: &str, value: &DeValue<'_>) -> Option<&'static str> {
    match value {
        DeValue::Array(flags) if key == RoomTable::FLAGS && flags.iter().all(|flag| flag.get_ref().is_str()) => None,
        _ if key == RoomTable::FLAGS => Some("it must be a list, as in [\"hidden\"]"),
        DeValue::String(_) => None,
        _ => Some("it must be in quotation marks"),
    }
}

/// The form of every value, except lists, tables and switches.
const SCALAR: &str = "it must be in quotation marks, or a whole number";

fn is_scalar(value: &Spanned<DeValue<'_>>) -> bool {
    matches!(value.get_ref(), DeValue::String(_) | DeValue::Integer(_))
}

impl Reason {
    fn value(entry: Entry, message: impl Into<String>) -> Self {
        Self::Value { entry: Box::new(entry), message: message.into() }
    }
}

impl Entry {
    /// Records that its value is at `span`.
    fn at(self, text: &str, span: Range<usize>) -> Self {
        let value = if self.is_secret { String::new() } else { excerpt(text, span.clone()) };
        Self { value, line: line_of(text.as_bytes(), span.start), span, ..self }
    }
}

/// Returns the text at `span`, cut to what fits in a message.
fn excerpt(text: &str, span: Range<usize>) -> String {
    const LONGEST: usize = 60;
    let line = text.get(span).and_then(|text| text.lines().next()).unwrap_or_default();
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.into(),
    }
}

fn line_of(bytes: &[u8], at: usize) -> usize {
    1 + bytes.iter().take(at).filter(|byte| **byte == b'\n').count()
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, subkey, value, line, room: _, span: _, is_secret: _ } = self;
        write!(f, "line {line}: {key}")?;
        if let Some(subkey) = subkey {
            write!(f, ".{subkey}")?;
        }
        if value.is_empty() { Ok(()) } else { write!(f, " = {value}") }
    }
}

impl fmt::Display for ConfigFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &*self.reason {
            Reason::Unreadable(error) => write!(f, "cannot read {path}: {error}"),
            Reason::TooLarge => write!(f, "{path} has more than {MAX_BYTES} bytes, and so is no configuration file"),
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

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "line 2: irc.password: it must be a hash that `chat-server hash-password` prints, not the \
                          password itself, or off";

    fn refused(text: &str) -> String {
        ConfigFile::parse(Path::new("chat.toml"), text.as_bytes()).expect_err(text).to_string()
    }

    #[test]
    fn errors_name_their_line() {
        for (text, message) in [
            ("\nmax-sesions = 5", "line 2: there is no key max-sesions; did you mean max-sessions?"),
            ("max_line = 5", "line 1: there is no key max_line; did you mean max-line?"),
            ("x = 5", "line 1: there is no key x; --help lists the options, which are the keys"),
            ("config = \"x\"", "line 1: there is no key config; --help lists the options, which are the keys"),
            (
                "\n\nmax-line = \"4MB\"",
                "line 3: max-line = \"4MB\": it must be bytes, such as 4096, 64KiB, 4MiB or 1GiB",
            ),
            ("rate = false", "line 1: rate: it must be in quotation marks, a whole number, or a table of dialects"),
            ("max-sessions = -5", "line 1: max-sessions = -5: it must be a whole number, such as 100"),
            ("[max-line]\ntext = 5", "line 1: max-line: it must be in quotation marks, or a whole number"),
            ("on-lag = \"shout\"", "line 1: on-lag = \"shout\": it must be skip or close"),
            ("new-rooms = \"no\"", "line 1: new-rooms: it must be true or false, without quotation marks"),
            ("max-rooms = true", "line 1: max-rooms: it must be in quotation marks, or a whole number"),
            ("names = \"Strict\"", "line 1: names = \"Strict\": it must be strict or loose"),
            ("log-format = \"xml\"", "line 1: log-format = \"xml\": it must be text or json"),
            (
                "exempt = \"lan\"",
                "line 1: exempt = \"lan\": lan is no network: a list is as in 127.0.0.0/8,::1/128,unix, or none",
            ),
            (
                "[idle-timeout]\n\nmorse = \"5m\"",
                "line 3: idle-timeout.morse = \"5m\": the dialect must be classic, text or irc",
            ),
            ("[backlog]\ntext = \"five\"", "line 2: backlog.text = \"five\": it must be a whole number, such as 100"),
            ("[backlog]\ntext.x = 5", "line 2: backlog.text: it must be in quotation marks, or a whole number"),
            ("backlog = []", "line 1: backlog: it must be in quotation marks, a whole number, or a table of dialects"),
            ("listen = []", "line 1: listen = []: it must list something; leave it out for the default"),
            (
                "[backlog]\ntext = 5\nmax-sessions = 100",
                "line 3: backlog.max-sessions = 100: max-sessions is a key of its own: put it above [backlog]",
            ),
            ("listen = \"text=:4000\"", "line 1: listen: it must be a list, as in [\"text=127.0.0.1:4000\"]"),
            (
                "listen = [\n  \"text=:4000\",\n  \"morse=:5\"\n]",
                "line 3: listen = \"morse=:5\": it must be classic, text, irc, one of these with +ws, or web",
            ),
            ("irc = \"chat.example.org\"", "line 1: irc: it must be a table, under [irc]"),
            ("[[irc]]\nmotd = \"x\"", "line 1: irc: it must be a table, under [irc]"),
            ("[irc]\nservername = \"x\"", "line 2: there is no key irc.servername; did you mean server-name?"),
            ("[irc]\nx = \"x\"", "line 2: there is no key irc.x; there are server-name, network, motd, password"),
            ("[irc]\nmax-line = 64", "line 2: there is no key irc.max-line; put max-line above [irc]"),
            ("irc-motd = \"x\"", "line 1: there is no key irc-motd; it is motd under [irc]"),
            ("[irc]\nnetwork = 5", "line 2: irc.network: it must be in quotation marks"),
            ("[irc]\nmotd = \"\"", "line 2: irc.motd = \"\": it must be a file's path, or off"),
            (
                "[irc]\n\nserver-name = \"a b\"",
                "line 3: irc.server-name = \"a b\": the server's name has letters, digits, - and ., and 1 to 63 bytes",
            ),
            ("[web]\nhosts = \"x\"", "line 2: web.hosts: it must be a list, as in [\"chat.example\"]"),
            ("[web]\nhost = []", "line 2: there is no key web.host; did you mean hosts?"),
            (
                "[web]\nhosts = [\"a\", \"b:1\"]",
                "line 2: web.hosts = \"b:1\": it must be a name such as chat.example, without a port",
            ),
            ("[room]\nname = \"tea\"", "line 1: room: each room must be a table under [[room]]"),
            ("room = [\n  \"tea\"\n]", "line 2: room: each room must be a table under [[room]]"),
            ("\n[[room]]\ntopic = \"tea\"", "line 2: room: it must have a name, as in name = \"tea\""),
            ("[[room]]\nnam = \"tea\"", "line 2: there is no key room.nam; did you mean name?"),
            ("[[room]]\nname = 5", "line 2: room.name: it must be in quotation marks"),
            ("[[room]]\nname = \"tea\"\ntopc = \"\"", "line 3: there is no key room.topc; did you mean topic?"),
            ("[[room]]\nname = \"tea\"\nx = 5", "line 3: there is no key room.x; there are name, topic, flags"),
            (
                "[[room]]\nname = \"tea\"\nmax-line = 64",
                "line 3: there is no key room.max-line; put max-line above the first [[room]]",
            ),
            ("rooms = 5", "line 1: there is no key rooms; did you mean room?"),
            (
                "[[room]]\nname = \"tea\"\nflags = \"hidden\"",
                "line 3: room.flags: it must be a list, as in [\"hidden\"]",
            ),
            (
                "[[room]]\nname = \"tea\"\nflags = [\n  \"hidden\",\n  \"invite-only\"\n]",
                "line 5: room.flags = \"invite-only\": there is no such flag; did you mean invited-only?",
            ),
            (
                "[[room]]\nname = \"tea\"\nflags = [\"x\"]",
                "line 3: room.flags = \"x\": there is no such flag; there are topic-by-operators, members-speak, \
                 moderated, invited-only, hidden",
            ),
            ("rate = \"5/s\"\nrate = \"6/s\"", "line 2: duplicate key, at rate"),
            ("max-sessions", "line 1: key with no value, expected `=`"),
        ] {
            assert_eq!(refused(text), format!("chat.toml, {message}"));
        }
        let long = refused(&format!("max-line = \"{}\"", "\u{e4}".repeat(1_000)));
        assert!(long.contains("\u{e4}...: it must be bytes") && long.len() < 250, "{long}");
        for text in ["listen = [[\"text=:5\"]]", "[[listen]]\ntext = 5", "max-line = \"", "= 5", "a = 1 b = 2", "\0"] {
            let refused = refused(text);
            assert!(refused.starts_with("chat.toml, line 1: ") && !refused.contains('\n'), "{refused}");
        }
    }

    #[test]
    fn errors_about_passwords_name_their_line_and_never_the_password() {
        for (text, message) in [
            ("[irc]\npassword = \"hunter2\"", SECRET),
            ("operator = 5", "line 1: operator: each operator must be a table under [[operator]]"),
            ("[[operator]]\nname = \"a\"", "line 1: operator: it must have a name and a password"),
            (
                "[[operator]]\nname = \"a b\"\npassword = \"x\"",
                "line 2: operator.name = \"a b\": it must be 1 to 64 bytes, without spaces and colons",
            ),
            (
                "[[operator]]\nname = \"a\"\npasword = \"x\"",
                "line 3: there is no key operator.pasword; did you mean password?",
            ),
        ] {
            assert_eq!(refused(text), format!("chat.toml, {message}"));
        }
    }

    #[test]
    fn an_entry_records_where_its_value_is() {
        let text = "max-line = 64\n[idle-timeout]\ntext = \"5m\"";
        let file = ConfigFile::parse(Path::new("chat.toml"), text.as_bytes()).expect(text);
        let entry = |option, dialect| file.entry(option, dialect).map(ToString::to_string);
        assert_eq!(entry("max-line", None).as_deref(), Some("line 1: max-line = 64"));
        assert_eq!(entry("idle-timeout", Some("text")).as_deref(), Some("line 3: idle-timeout.text = \"5m\""));
        assert_eq!(entry("idle-timeout", Some("classic")), None);
    }

    #[test]
    fn a_key_of_a_room_is_found_by_the_rooms_name_or_number() {
        let text = "[[room]]\nname = \"a\"\n[[room]]\nname = \"b\"\ntopic = \"c\"\n[[room]]\nname = \"a\"";
        let file = ConfigFile::parse(Path::new("chat.toml"), text.as_bytes()).expect(text);
        let entry = |name, key| file.room_entry(name, key).map(ToString::to_string);
        assert_eq!(entry("b", "topic").as_deref(), Some("line 5: room.topic = \"c\""));
        assert_eq!(entry("a", "name").as_deref(), Some("line 7: room.name = \"a\""), "the last of that name");
        assert_eq!(entry("a", "topic"), None);
        assert_eq!(file.nth_room(1).map(ToString::to_string).as_deref(), Some("line 4: room.name = \"b\""));
        assert_eq!(file.nth_room(3), None);
    }

    #[test]
    fn files_that_are_not_utf8_text_are_refused() {
        let refused = |path: &str| ConfigFile::read(Path::new(path)).expect_err(path).to_string();
        assert!(refused("/nowhere/chat.toml").starts_with("cannot read /nowhere/chat.toml: "));
        assert!(refused("/").starts_with("cannot read /: "));
        assert_eq!(refused("/dev/zero"), "/dev/zero has more than 1048576 bytes, and so is no configuration file");
        let error = ConfigFile::parse(Path::new("chat.toml"), b"history = 5\n# \xff").expect_err("no text");
        assert_eq!(error.to_string(), "chat.toml, line 2: it is not valid UTF-8");
    }
}
