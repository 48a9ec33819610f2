//! Reports a limit that is out of its range, with where it was set: on the command line, in the file, or nowhere.

use chat_proto::{ConfigError, Limit, RatePart, RoomError};
use clap::{ArgMatches, Command};
use thiserror::Error;

use crate::config_file::{ConfigFile, Entry};
use crate::options;
use crate::room_table::RoomTable;

/// A limit that is out of its range, as in [`ConfigError`], and where it was set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum LimitError {
    #[error("--{option} {value}: {expected}")]
    CommandLine { option: String, value: String, expected: String },
    #[error("{path}, {entry}: {expected}")]
    File { path: String, entry: Box<Entry>, expected: String },
    /// It has its default, which the other limits make too small or too large.
    #[error("--{option} is {value} by default: with the other limits given {expected}")]
    Default { option: String, value: usize, expected: String },
    /// No option sets it. There is no such limit now; one would be reported under its name in `Config`.
    #[error(transparent)]
    NoOption(ConfigError),
}

impl LimitError {
    /// Finds where the limit was set that `error` is about.
    pub(crate) fn new(error: ConfigError, matches: &ArgMatches, file: Option<&ConfigFile>) -> Self {
        if let Some((file, (entry, expected))) = file.and_then(|file| Some((file, in_room_table(file, &error)?))) {
            return Self::File { path: file.path(), entry: Box::new(entry.clone()), expected };
        }
        let range = |min: &usize, max: &usize| format!("it must be from {min} to {max}");
        let (limit, dialect, value, mut expected) = match &error {
            ConfigError::OutOfRange { limit, dialect, value, min, max } => {
                (limit, dialect.as_deref(), Some(*value), range(min, max))
            }
            ConfigError::TooLittleRoom { limit, value, min, max, .. } => (limit, None, Some(*value), range(min, max)),
            ConfigError::Timeout { limit, dialect } => {
                (limit, dialect.as_deref(), None, String::from("it must be from 1ms to 365d"))
            }
            _ => return Self::NoOption(error),
        };
        let field = limit.field();
        let command = options::command();
        let form = form(&command, field);
        expected += match limit.rate_part() {
            Some(RatePart::PerSecond) => " a second",
            Some(RatePart::Burst) => " at once",
            None if form.contains("BYTES") => " bytes",
            None => "",
        };
        if form.contains("off") {
            expected += ", or off";
        }
        let option = field.replace('_', "-");
        if let Some(value) = on_command_line(matches, field, dialect) {
            Self::CommandLine { option, value, expected }
        } else if let Some((file, entry)) = file.and_then(|file| Some((file, file.entry(&option, dialect)?))) {
            Self::File { path: file.path(), entry: Box::new(entry.clone()), expected }
        } else if let (Some(value), false) = (value, form.is_empty()) {
            Self::Default { option, value, expected }
        } else {
            Self::NoOption(error)
        }
    }
}

/// Returns the key of a `[[room]]` table that `error` is about, and what is wrong with it.
fn in_room_table<'a>(file: &'a ConfigFile, error: &ConfigError) -> Option<(&'a Entry, String)> {
    match error {
        ConfigError::Room { name, error: error @ RoomError::TooLong { .. } } => {
            Some((file.room_entry(name, RoomTable::TOPIC)?, format!("the topic of {name} is {error}")))
        }
        ConfigError::NobodyInvites { name } => {
            let why = "a room of the file has no operators who could invite".to_owned();
            Some((file.room_entry(name, RoomTable::FLAGS)?, why))
        }
        // Of several rooms with that name, the last cannot be had either.
        ConfigError::Room { name, error } => Some((file.room_entry(name, RoomTable::NAME)?, error.to_string())),
        ConfigError::OutOfRange { limit: Limit::Rooms, max, .. } => {
            Some((file.nth_room(*max)?, format!("it is one too many: max-rooms is {}, the lobby counted", max + 1)))
        }
        _ => None,
    }
}

/// Returns the form of the option's value, empty if there is no such option.
fn form(command: &Command, field: &str) -> String {
    let arg = command.get_arguments().find(|arg| arg.get_id() == field);
    arg.and_then(|arg| Some(arg.get_value_names()?.concat())).unwrap_or_default()
}

/// Returns the value in effect: the last one, or the last one for that dialect.
fn on_command_line(matches: &ArgMatches, field: &str, dialect: Option<&str>) -> Option<String> {
    let mut values = matches.try_get_raw(field).ok()??.map(|value| value.to_string_lossy().into_owned());
    let is_for = |value: &String| match (dialect, value.split_once('=')) {
        (Some(dialect), Some((name, _))) => dialect == name,
        _ => true,
    };
    values.rfind(is_for)
}
