//! The configuration file: TOML whose keys are named like the options.

mod entry;
mod error;
mod tables;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str;

use clap::{Arg, ArgAction, Args, Command};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, Deserializer};

use self::entry::line_of;
use self::error::{MAX_BYTES, Reason};
use self::tables::{OF_OPTIONS, REPEATED, SECRETS, Tables};
use crate::options::{Options, SWITCH};
use crate::room_table::RoomTable;
use crate::value;

pub(crate) use self::entry::Entry;
pub(crate) use self::error::ConfigFileError;

/// A configuration file that has been read.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    path: PathBuf,
    /// What it sets.
    pub(crate) options: Options,
    entries: Vec<Entry>,
}

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
            Err(error) => Err(Reason::Unreadable(error).of(path)),
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
        let (options, entries) = parsed.map_err(|reason| reason.of(path))?;
        Ok(Self { path: path.into(), options, entries })
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
        self.of_rooms(key).rfind(|entry| entry.name.as_deref() == Some(name))
    }

    /// Returns where the name of a room is set, by its index in the list.
    pub(crate) fn nth_room(&self, index: usize) -> Option<&Entry> {
        self.of_rooms(RoomTable::NAME).nth(index)
    }

    /// Lists where that key of any room is set.
    fn of_rooms(&self, key: &str) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.key == RoomTable::TABLE && entry.subkey.as_deref() == Some(key))
    }
}

fn parse(text: &str) -> Result<(Options, Vec<Entry>), Reason> {
    let table = DeTable::parse(text).map_err(|error| Reason::syntax(text, &error))?;
    let entries = entries(text, table.get_ref())?;
    let options = Options::deserialize(Deserializer::from(table)).map_err(|error| {
        let span = error.span().unwrap_or_default();
        match entries.iter().find(|entry| entry.span.contains(&span.start)) {
            // In a list, the span is that of the item.
            Some(entry) => Reason::value(entry.clone().at(text, span), error.message()),
            None => Reason::syntax(text, &error),
        }
    })?;
    Ok((options, entries))
}

/// Lists all keys with their values, if each is that of an option and has a value of a kind that the option takes.
fn entries(text: &str, table: &DeTable<'_>) -> Result<Vec<Entry>, Reason> {
    let known = Options::augment_args(Command::new(""));
    let (of_tables, mut keys): (Vec<&str>, Vec<&str>) = known
        .get_arguments()
        .filter_map(Arg::get_long)
        .partition(|option| OF_OPTIONS.iter().any(|(_, prefix)| option.starts_with(prefix)));
    keys.extend(OF_OPTIONS.map(|(table, _)| table));
    keys.extend(REPEATED.map(|kind| kind.name));
    let mut entries = Vec::new();
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        let tables = Tables { text, options: &keys, key, value };
        if let Some(kind) = REPEATED.iter().find(|kind| kind.name == name) {
            entries.extend(tables.repeated(kind)?);
        } else if let Some((_, prefix)) = OF_OPTIONS.iter().find(|(table, _)| *table == name) {
            let options = of_tables.iter().filter_map(|option| option.strip_prefix(prefix));
            let secrets = SECRETS.into_iter().filter_map(|(table, key)| (table == name).then_some(key));
            entries.extend(tables.entries(&options.chain(secrets).collect::<Vec<_>>())?);
        } else {
            let option = known.get_arguments().find(|option| option.get_long() == Some(name));
            match option.filter(|_| keys.contains(&name)) {
                Some(option) => entries.extend(option_entries(text, &keys, option, key, value)?),
                None => return Err(unknown(text, &known, &keys, key, value)),
            }
        }
    }
    Ok(entries)
}

/// Says that there is no such key. If it is one of a table, with or without the beginning of its option, says so.
fn unknown(
    text: &str,
    known: &Command,
    keys: &[&str],
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
) -> Reason {
    let name = key.get_ref().as_ref();
    let of_table = |(table, prefix): (_, &str)| {
        let key = name.strip_prefix(prefix).unwrap_or(name);
        let option = format!("{prefix}{key}");
        known.get_arguments().any(|known| known.get_long() == Some(&*option)).then_some((table, key))
    };
    let advice = match OF_OPTIONS.into_iter().find_map(of_table) {
        Some((table, key)) => format!("it is {key} under [{table}]"),
        None if value.get_ref().is_table() => {
            let of_dialects = known.get_arguments().filter(|option| is_per_dialect(&form(option)));
            let others = OF_OPTIONS.map(|(table, _)| table).into_iter().chain(REPEATED.map(|kind| kind.name));
            let tables: Vec<&str> = of_dialects.filter_map(Arg::get_long).chain(others).collect();
            value::did_you_mean(name, &tables, &format!("there are tables only for {}", tables.join(", ")))
        }
        None => value::did_you_mean(name, keys, "--help lists the options, which are the keys"),
    };
    Reason::UnknownKey { line: line_of(text.as_bytes(), key.span().start), key: name.into(), advice }
}

/// Lists the key of an option with its value, or those of a table of dialects.
fn option_entries(
    text: &str,
    keys: &[&str],
    option: &Arg,
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
) -> Result<Vec<Entry>, Reason> {
    let name = key.get_ref().as_ref();
    let entry = Entry { key: name.into(), ..Entry::default() };
    let form = form(option);
    let (per_dialect, is_switch) = (is_per_dialect(&form), form == SWITCH);
    let is_list = !per_dialect && matches!(option.get_action(), ArgAction::Append);
    let at = |value: &Spanned<DeValue<'_>>| entry.clone().at(text, value.span());
    let mut entries = Vec::new();
    match value.get_ref() {
        DeValue::Table(dialects) if per_dialect => {
            for (dialect, value) in dialects {
                let entry = Entry { subkey: Some(dialect.get_ref().as_ref().into()), ..at(value) };
                if let Err(error) = value::dialect(dialect.get_ref()) {
                    let dialect = dialect.get_ref().as_ref();
                    let message = if keys.contains(&dialect) {
                        format!("{dialect} is a key of its own: put it above [{name}]")
                    } else {
                        format!(
                            "there is no such dialect; {}",
                            value::did_you_mean(dialect, &value::DIALECTS, &error.to_string())
                        )
                    };
                    return Err(Reason::value(entry, message));
                }
                if !is_scalar(value) {
                    let entry = Entry { value: String::new(), ..entry };
                    return Err(Reason::value(entry, scalar(&form)));
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
                (true, _) => "it must be a list, as in [\"text=127.0.0.1:4000\"]".into(),
                (_, true) => format!("{}, or a table of dialects", scalar(&form)),
                _ if is_switch => "it must be true or false, without quotation marks".into(),
                _ => scalar(&form).to_owned(),
            };
            // A value that begins at the key, or has many lines, is not shown.
            let entry = Entry { line: line_of(text.as_bytes(), key.span().start), ..entry };
            return Err(Reason::value(entry, message));
        }
    }
    Ok(entries)
}

/// Returns the form of an option's value, as the help shows it.
fn form(option: &Arg) -> String {
    option.get_value_names().unwrap_or_default().concat()
}

/// Returns whether a value of that form may be a table with a value for each dialect.
fn is_per_dialect(form: &str) -> bool {
    form.starts_with("[DIALECT=]")
}

/// Says how a value is written that is no list, table or switch.
fn scalar(form: &str) -> &'static str {
    match form.trim_start_matches("[DIALECT=]") {
        "N" => "it must be a whole number",
        "N|off" | "BYTES" | "BYTES|off" => "it must be a whole number, or in quotation marks",
        _ => "it must be in quotation marks",
    }
}

fn is_scalar(value: &Spanned<DeValue<'_>>) -> bool {
    matches!(value.get_ref(), DeValue::String(_) | DeValue::Integer(_))
}
