//! What is wrong with a command line, and what would be right.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::help;
use crate::config::setting::{Setting, SettingError};
use crate::config::{Config, ConfigError};

/// A command line that cannot be followed.
///
/// Its `Display` says what is wrong and what would be right, in the options' own spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UsageError {
    /// There is no such option.
    UnknownOption {
        /// The option with its hyphens.
        option: String,
        /// The one that was probably meant.
        meant: Option<&'static str>,
    },
    /// An argument that belongs to no option.
    NoOption {
        /// The argument.
        argument: String,
    },
    /// The option needs a value and is the last argument.
    NoValue {
        /// The option without its hyphens.
        option: &'static str,
    },
    /// The option's value is not UTF-8.
    NotUtf8 {
        /// The option without its hyphens.
        option: &'static str,
    },
    /// The arguments break the form of options, such as a value for an option that takes none.
    Syntax {
        /// What is wrong.
        reason: String,
    },
    /// The option cannot have this value.
    Value {
        /// The option without its hyphens.
        option: &'static str,
        /// The value given.
        value: String,
        /// What would be right.
        expected: String,
    },
    /// A limit has a value that cannot be read.
    Setting(SettingError),
    /// A limit is out of its range, or the limits do not go together.
    Limit {
        /// The option without its hyphens.
        option: &'static str,
        /// Its value, as in `5`, or as in `text=5` if it is one dialect's.
        value: String,
        /// Whether it has its default, so that another limit asks for more than that.
        is_default: bool,
        /// What it must be.
        expected: String,
    },
}

impl UsageError {
    /// Tells of a log filter that could not be read because of `reason`.
    pub fn log_filter(filter: &str, reason: impl fmt::Display) -> Self {
        Self::Value {
            option: "log",
            value: String::from(filter),
            expected: format!("{reason}; a filter is as in info, or in info,chat_proto=debug"),
        }
    }

    pub(super) fn unknown_option(option: String) -> Self {
        let meant = nearest(option.trim_start_matches('-'));
        Self::UnknownOption { option, meant }
    }

    /// Says in the spelling of options what [`Config::check`] found.
    pub(super) fn limit(error: &ConfigError, config: &Config) -> Self {
        let (limit, dialect, mut expected) = match error {
            ConfigError::OutOfRange { limit, dialect, min, max, .. } => {
                (*limit, *dialect, format!("it must be from {min} to {max}"))
            }
            ConfigError::Timeout { limit, dialect } => (*limit, *dialect, String::from("it must be from 1ms to 365d")),
            ConfigError::SameDialect(_) => ("dialects", None, String::new()),
        };
        let (field, part) = limit.split_once('.').unwrap_or((limit, ""));
        let Some(setting) = Setting::find(&field.replace('_', "-")) else {
            // No option sets the dialects: listeners name at least one, and each is kept once.
            return Self::Syntax { reason: error.to_string() };
        };
        expected += match (setting.form().as_str(), part) {
            ("BYTES", _) => " bytes",
            (_, "per_second") => " a second",
            (_, "burst") => " at once",
            _ => "",
        };
        if Config::default().set(setting.name(), "off").is_ok() {
            expected += ", or off";
        }
        let values = setting.values(config);
        let is_default = values == setting.values(&Config::default());
        let at_fault = |value: &String| {
            dialect.is_none_or(|name| value.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')))
        };
        let values: Vec<_> = values.into_iter().filter(at_fault).collect();
        Self::Limit { option: setting.name(), value: values.join(" "), is_default, expected }
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownOption { option, meant: Some(meant) } => {
                write!(f, "there is no option {}; did you mean --{meant}?", option.escape_debug())
            }
            Self::UnknownOption { option, meant: None } => {
                write!(f, "there is no option {}; --help lists all there are", option.escape_debug())
            }
            Self::NoOption { argument } => write!(
                f,
                "{} belongs to no option; an address is given as --listen text=127.0.0.1:4000",
                argument.escape_debug()
            ),
            Self::NoValue { option } => write!(f, "--{option} needs a value: --{option} {}", help::form(option)),
            Self::NotUtf8 { option } => write!(f, "the value of --{option} is not valid UTF-8"),
            Self::Syntax { reason } => f.write_str(reason),
            Self::Value { option, value, expected } => write!(f, "--{option} {}: {expected}", value.escape_debug()),
            Self::Setting(error) => write!(f, "--{error}"),
            Self::Limit { option, value, is_default: false, expected } => write!(f, "--{option} {value}: {expected}"),
            Self::Limit { option, value, is_default: true, expected } => {
                write!(f, "--{option} is {value} by default: with the other limits given {expected}")
            }
        }
    }
}

impl core::error::Error for UsageError {}

/// Finds the option that was probably meant: the one of which `name` is a part, or the one that is fewest slips away.
fn nearest(name: &str) -> Option<&'static str> {
    let part =
        help::names().filter(|option| name.len() >= 3 && option.contains(name)).min_by_key(|option| option.len());
    part.or_else(|| {
        let (slips, option) = help::names().map(|option| (slips(name, option), option)).min()?;
        // More than a third of the letters wrong is another word.
        (slips * 3 <= option.len()).then_some(option)
    })
}

/// Counts the letters to put in, leave out or change that make one word of the other (Levenshtein's distance).
fn slips(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.chars().enumerate() {
            let change = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}
