//! The keys of the file's tables.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::entry::{Entry, line_of};
use super::error::Reason;
use crate::irc_table::IrcTable;
use crate::operator_table::OperatorTable;
use crate::room_table::RoomTable;
use crate::tls_table::TlsTable;
use crate::value;
use crate::web_table::WebTable;

/// The tables of which each key is an option, and what those options begin with.
pub(super) const OF_OPTIONS: [(&str, &str); 3] =
    [(IrcTable::TABLE, IrcTable::PREFIX), (WebTable::TABLE, WebTable::PREFIX), (TlsTable::TABLE, TlsTable::PREFIX)];

/// The keys that have no option besides: table and key. Other people see the arguments of a program.
pub(super) const SECRETS: [(&str, &str); 2] =
    [(IrcTable::TABLE, IrcTable::PASSWORD), (OperatorTable::TABLE, OperatorTable::PASSWORD)];

/// The keys whose value is a list: table, key, and the form. The values of all others are in quotation marks.
const LISTS: [(&str, &str, &str); 3] = [
    (WebTable::TABLE, WebTable::HOSTS, "it must be a list, as in [\"chat.example\"]"),
    (WebTable::TABLE, WebTable::ORIGINS, "it must be a list, as in [\"https://gamja.example\"]"),
    (RoomTable::TABLE, RoomTable::FLAGS, "it must be a list, as in [\"hidden\"]"),
];

/// The tables of which there may be several.
pub(super) const REPEATED: [Repeated; 2] = [
    Repeated {
        name: RoomTable::TABLE,
        keys: &RoomTable::KEYS,
        needs: &[RoomTable::NAME],
        form: "each room must be a table under [[room]]",
        lacks: "it must have a name, as in name = \"tea\"",
        same_name: None,
    },
    Repeated {
        name: OperatorTable::TABLE,
        keys: &OperatorTable::KEYS,
        needs: &OperatorTable::KEYS,
        form: "each operator must be a table under [[operator]]",
        lacks: "it must have a name and a password",
        same_name: Some("there is another operator of that name"),
    },
];

/// A table of which there may be several, such as `[[room]]`. Each has a name.
pub(super) struct Repeated {
    pub(super) name: &'static str,
    keys: &'static [&'static str],
    needs: &'static [&'static str],
    /// What is said of one that is no table.
    form: &'static str,
    /// What is said of one without a key that it needs.
    lacks: &'static str,
    /// What is said of two with one name; `None`: the core says it.
    same_name: Option<&'static str>,
}

impl Repeated {
    /// The key of the name.
    pub(super) const NAME: &str = "name";
}

/// A key of the file whose value should be a table, or several.
pub(super) struct Tables<'a> {
    pub(super) text: &'a str,
    /// The keys that stand above all tables.
    pub(super) options: &'a [&'a str],
    pub(super) key: &'a Spanned<DeString<'a>>,
    pub(super) value: &'a Spanned<DeValue<'a>>,
}

impl Tables<'_> {
    /// Lists all keys of a table with their values. Each key must be among `known`, and its value of a kind that the
    /// key takes.
    pub(super) fn entries(&self, known: &[&str]) -> Result<Vec<Entry>, Reason> {
        let header = format!("[{}]", self.name());
        let DeValue::Table(table) = self.value.get_ref() else {
            return Err(Reason::value(self.at(self.key.span()), format!("it must be a table, under {header}")));
        };
        self.entries_of(table, known, &header)
    }

    /// Does the same for all tables of that kind.
    pub(super) fn repeated(&self, kind: &Repeated) -> Result<Vec<Entry>, Reason> {
        let wrong = |span, message| Err(Reason::value(self.at(span), message));
        let DeValue::Array(tables) = self.value.get_ref() else { return wrong(self.key.span(), kind.form) };
        let mut entries: Vec<Entry> = Vec::new();
        for item in tables {
            let DeValue::Table(table) = item.get_ref() else { return wrong(item.span(), kind.form) };
            let name = table.get(Repeated::NAME).and_then(|name| name.get_ref().as_str());
            let its_own = self.entries_of(table, kind.keys, &format!("the first [[{}]]", kind.name))?;
            if kind.needs.iter().any(|key| !table.contains_key(*key)) {
                return wrong(item.span(), kind.lacks);
            }
            let is_name = |entry: &&Entry| entry.subkey.as_deref() == Some(Repeated::NAME);
            if let (Some(message), Some(entry)) = (kind.same_name, its_own.iter().find(is_name))
                && entries.iter().any(|other| other.name.as_deref() == name)
            {
                return Err(Reason::value(entry.clone(), message));
            }
            entries.extend(its_own.into_iter().map(|entry| Entry { name: name.map(Into::into), ..entry }));
        }
        Ok(entries)
    }

    fn entries_of(&self, table: &DeTable<'_>, known: &[&str], header: &str) -> Result<Vec<Entry>, Reason> {
        table.iter().map(|(key, value)| self.entry(key, value, known, header)).collect()
    }

    fn entry(
        &self,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
        known: &[&str],
        header: &str,
    ) -> Result<Entry, Reason> {
        let (table, subkey) = (self.name(), key.get_ref().as_ref());
        let is_secret = SECRETS.contains(&(table, subkey));
        let entry = Entry { subkey: Some(subkey.into()), is_secret, ..self.at(key.span()) };
        if !known.contains(&subkey) {
            let advice = if self.options.contains(&subkey) {
                format!("put {subkey} above {header}")
            } else {
                value::did_you_mean(subkey, known, &format!("there are {}", known.join(", ")))
            };
            return Err(Reason::UnknownKey { line: entry.line, key: format!("{table}.{subkey}"), advice });
        }
        match wrong_kind(table, subkey, value.get_ref()) {
            // A value of another kind may have many lines, so it is not shown.
            Some(message) => Err(Reason::value(entry, message)),
            None => Ok(entry.at(self.text, value.span())),
        }
    }

    fn name(&self) -> &str {
        self.key.get_ref()
    }

    fn at(&self, span: Range<usize>) -> Entry {
        let line = line_of(self.text.as_bytes(), span.start);
        Entry { key: self.name().into(), line, ..Entry::default() }
    }
}

/// Returns what the value of a key must be, if it is of another kind.
fn wrong_kind(table: &str, key: &str, value: &DeValue<'_>) -> Option<&'static str> {
    let list = LISTS.into_iter().find(|(of, list, _)| (*of, *list) == (table, key));
    match (list, value) {
        (Some(_), DeValue::Array(items)) if items.iter().all(|item| item.get_ref().is_str()) => None,
        (Some((_, _, form)), _) => Some(form),
        (None, DeValue::String(_)) => None,
        (None, _) => Some("it must be in quotation marks"),
    }
}
