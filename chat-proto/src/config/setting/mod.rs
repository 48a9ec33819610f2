//! The text form of every limit, as options and configuration files write it.
//!
//! One table, [`SETTINGS`], holds each limit's name, help and place in [`Config`]; defaults are read from
//! [`Config::default`], so that no help can tell another story than the code.

mod field;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use self::field::Field;
use super::{Config, DialectConfig};

/// A limit of [`Config`] with its name, its help and its text form.
#[derive(Debug)]
pub struct Setting {
    name: &'static str,
    topic: Topic,
    help: &'static str,
    place: Place,
}

/// What a setting is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Topic {
    /// What a session may do and gets to see.
    Sessions,
    /// What all who come from one address may do together.
    Addresses,
    /// When a session is closed.
    Timeouts,
    /// How much is kept.
    Memory,
}

/// Where a setting's value is kept.
#[derive(Debug)]
enum Place {
    Hub(fn(&mut Config) -> Field<'_>),
    /// Once for each dialect.
    Dialect(fn(&mut DialectConfig) -> Field<'_>),
}

/// Every limit of [`Config`], in the order in which a person would read about them.
pub static SETTINGS: &[Setting] = &[
    Setting {
        name: "max-sessions",
        topic: Topic::Sessions,
        help: "Sessions at once; one more is told that the server is full.",
        place: Place::Hub(|config| Field::Number(&mut config.max_sessions)),
    },
    Setting {
        name: "max-line",
        topic: Topic::Sessions,
        help: "Longest line, without its line end; a longer one is refused.",
        place: Place::Hub(|config| Field::Size(&mut config.max_line)),
    },
    Setting {
        name: "max-name",
        topic: Topic::Sessions,
        help: "Longest name.",
        place: Place::Hub(|config| Field::Size(&mut config.max_name)),
    },
    Setting {
        name: "names",
        topic: Topic::Sessions,
        help: "Which names may be had: letters and digits in common use, and none that looks like another; or, where \
               accounts tell people apart, whatever can be seen, and none that is another in other case.",
        place: Place::Hub(|config| Field::Names(&mut config.names)),
    },
    Setting {
        name: "rate",
        topic: Topic::Sessions,
        help: "Lines a second from one session, and how many at once; a session that sends more is read more slowly, \
               nothing is lost. Or off.",
        place: Place::Hub(|config| Field::Rate(&mut config.rate, Config::default().rate)),
    },
    Setting {
        name: "max-per-address",
        topic: Topic::Addresses,
        help: "Sessions at once from one address. Or off.",
        place: Place::Hub(|config| Field::NumberOrOff(&mut config.max_per_address)),
    },
    Setting {
        name: "connects-per-address",
        topic: Topic::Addresses,
        help: "Connections a second from one address, and how many at once; one more is told to come back later. Or off.",
        place: Place::Hub(|config| {
            Field::Rate(&mut config.connects_per_address, Config::default().connects_per_address)
        }),
    },
    Setting {
        name: "rate-per-address",
        topic: Topic::Addresses,
        help: "Lines a second from one address, those of all its sessions together, and how many at once; they are read \
               more slowly, each in turn. Or off.",
        place: Place::Hub(|config| Field::Rate(&mut config.rate_per_address, Config::default().rate_per_address)),
    },
    Setting {
        name: "pace",
        topic: Topic::Sessions,
        help: "Bytes a second that a reader has to take for others to wait until it has: it misses nothing then. All of \
               them together slow nobody below half of that. Or off.",
        place: Place::Hub(|config| Field::SizeOrOff(&mut config.pace)),
    },
    Setting {
        name: "backlog",
        topic: Topic::Sessions,
        help: "How many of the latest messages a newcomer is shown.",
        place: Place::Dialect(|dialect| Field::Number(&mut dialect.backlog)),
    },
    Setting {
        name: "on-lag",
        topic: Topic::Sessions,
        help: "What happens to a reader that falls behind the log: it is told how many messages it missed and goes \
               on, or it is closed.",
        place: Place::Hub(|config| Field::OnLag(&mut config.on_lag)),
    },
    Setting {
        name: "idle-timeout",
        topic: Topic::Timeouts,
        help: "How long a session may send no complete line. Or off.",
        place: Place::Dialect(|dialect| Field::TimeOrOff(&mut dialect.idle_timeout)),
    },
    Setting {
        name: "stall-timeout",
        topic: Topic::Timeouts,
        help: "How long a session may take nothing of what it is sent. Or off.",
        place: Place::Hub(|config| Field::TimeOrOff(&mut config.stall_timeout)),
    },
    Setting {
        name: "linger-timeout",
        topic: Topic::Timeouts,
        help: "How long a session that is being closed has for its last bytes. A shutdown may take a second more.",
        place: Place::Hub(|config| Field::Time(&mut config.linger_timeout)),
    },
    Setting {
        name: "log-bytes",
        topic: Topic::Memory,
        help: "Messages kept for each dialect, in bytes: how far a reader may fall behind.",
        place: Place::Hub(|config| Field::Size(&mut config.log_bytes)),
    },
    Setting {
        name: "log-entries",
        topic: Topic::Memory,
        help: "Messages kept for each dialect, in number.",
        place: Place::Hub(|config| Field::Number(&mut config.log_entries)),
    },
    Setting {
        name: "reply-bytes",
        topic: Topic::Memory,
        help: "Private replies kept for each session.",
        place: Place::Hub(|config| Field::Size(&mut config.reply_bytes)),
    },
    Setting {
        name: "journal-records",
        topic: Topic::Memory,
        help: "Records kept of what happened, for diagnosis.",
        place: Place::Hub(|config| Field::Number(&mut config.journal_records)),
    },
    Setting {
        name: "history",
        topic: Topic::Memory,
        help: "Messages, and as many of other entries, kept for programs that follow along.",
        place: Place::Hub(|config| Field::Number(&mut config.history)),
    },
];

impl Setting {
    /// Finds the setting of that name, such as `max-line`.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }

    /// Returns the name: that of the field with hyphens, such as `max-line`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns what the setting is about.
    #[must_use]
    pub fn topic(&self) -> Topic {
        self.topic
    }

    /// Returns a sentence or two for a person.
    #[must_use]
    pub fn help(&self) -> &'static str {
        self.help
    }

    /// Returns the form of a value in short, such as `BYTES` or `[DIALECT=]TIME`.
    #[must_use]
    pub fn form(&self) -> String {
        let mut config = Config::default();
        match self.place {
            Place::Hub(field) => field(&mut config).form().to_owned(),
            Place::Dialect(field) => {
                let form = config.dialects.first_mut().map_or("", |dialect| field(dialect).form());
                format!("[DIALECT=]{form}")
            }
        }
    }

    /// Returns the setting's values in `config`, each in the form that [`Config::set`] takes.
    ///
    /// There is one value, or one for each dialect. Of a time, what is below a millisecond is left out.
    #[must_use]
    pub fn values(&self, config: &Config) -> Vec<String> {
        // The table hands out fields for writing only: one table of readers more would be one to keep in step.
        let mut config = config.clone();
        match self.place {
            Place::Hub(field) => vec![field(&mut config).to_string()],
            Place::Dialect(field) => {
                config.dialects.iter_mut().map(|d| format!("{}={}", d.dialect.name(), field(d))).collect()
            }
        }
    }

    fn set(&'static self, config: &mut Config, value: &str) -> Result<(), SettingError> {
        let malformed = |expected| SettingError::Malformed { setting: self.name, value: value.to_owned(), expected };
        match self.place {
            Place::Hub(field) => field(config).parse(value).map_err(malformed),
            Place::Dialect(field) => {
                let (only, text) = match value.split_once('=') {
                    Some((dialect, text)) => (Some(dialect), text),
                    None => (None, value),
                };
                let mut found = false;
                for dialect in &mut config.dialects {
                    if only.is_none_or(|only| only == dialect.dialect.name()) {
                        field(dialect).parse(text).map_err(malformed)?;
                        found = true;
                    }
                }
                if found {
                    return Ok(());
                }
                let known = config.dialects.iter().map(|d| d.dialect.name()).collect();
                Err(SettingError::UnknownDialect { setting: self.name, value: value.to_owned(), known })
            }
        }
    }
}

impl Config {
    /// Sets the limit called `name` to `value`, both as a person writes them.
    ///
    /// The name is the field's with hyphens in place of underscores; [`SETTINGS`] has them all.
    ///
    /// | value | examples |
    /// | --- | --- |
    /// | number | `100`, and `off` where the field is an [`Option`] |
    /// | bytes | `4096`, `64KiB`, `4MiB`, `1GiB`; `64K`, `4M`, `1G` say the same |
    /// | time | `500ms`, `15s`, `10m`, `2h`, `7d`, and `off` where the field is an [`Option`] |
    /// | rate | `20/s:100`; `20/s`, which has the default's burst; `off` |
    /// | lag policy | `skip`, `close` |
    /// | rules for names | `strict`, `loose` |
    ///
    /// A limit that depends on the dialect takes `text=10m` for one dialect, or `10m` for all in
    /// [`dialects`](Self::dialects). The text is all that is looked at: whether the value is in its range,
    /// which may depend on others, [`check`](Self::check) says.
    ///
    /// ```
    /// use chat_proto::Config;
    ///
    /// let mut config = Config::default();
    /// config.set("log-bytes", "16MiB")?;
    /// config.set("idle-timeout", "text=1h")?;
    /// assert_eq!(config.log_bytes, 16 << 20);
    /// # Ok::<(), chat_proto::config::setting::SettingError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// No limit has that name, or the value has not the form of its values, or names a dialect that the
    /// configuration has not. Nothing is changed then.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError> {
        Setting::find(name).ok_or_else(|| SettingError::Unknown { name: name.to_owned() })?.set(self, value)
    }
}

/// A text that sets no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingError {
    /// No limit has this name.
    Unknown {
        /// The name asked for.
        name: String,
    },
    /// The value has not the form that it needs.
    Malformed {
        /// The setting's name.
        setting: &'static str,
        /// The value given.
        value: String,
        /// What the value must be, with examples.
        expected: &'static str,
    },
    /// The value is for a dialect that the configuration has not.
    UnknownDialect {
        /// The setting's name.
        setting: &'static str,
        /// The value given.
        value: String,
        /// The dialects that the configuration has.
        known: Vec<&'static str>,
    },
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name } => {
                let names: Vec<_> = SETTINGS.iter().map(Setting::name).collect();
                write!(f, "there is no setting {}; there are {}", name.escape_debug(), names.join(", "))
            }
            Self::Malformed { setting, value, expected } => {
                write!(f, "{setting} {}: it must be {expected}", value.escape_debug())
            }
            Self::UnknownDialect { setting, value, known } => {
                write!(f, "{setting} {}: the dialect must be {}", value.escape_debug(), known.join(" or "))
            }
        }
    }
}

impl core::error::Error for SettingError {}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::config::OnLag;
    use crate::names::NameRules;

    fn set(name: &str, value: &str) -> Result<Config, String> {
        let mut config = Config::default();
        config.set(name, value).map_err(|error| error.to_string())?;
        Ok(config)
    }

    #[test]
    fn every_setting_has_its_own_name_and_takes_back_its_own_values() {
        for (i, setting) in SETTINGS.iter().enumerate() {
            assert!(SETTINGS[..i].iter().all(|other| other.name != setting.name), "{} twice", setting.name);
            let mut config = Config::default();
            for value in setting.values(&Config::default()) {
                config.set(setting.name, &value).expect("a value that the setting itself wrote");
            }
            assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()), "{}", setting.name);
        }
    }

    #[test]
    fn every_limit_of_the_configuration_has_a_setting() {
        let mut config =
            Config { stall_timeout: None, rate: None, pace: None, max_per_address: None, ..Config::default() };
        for setting in SETTINGS {
            let value = match setting.form().as_str() {
                "N" | "[DIALECT=]N" | "BYTES" => "77",
                "TIME" | "[DIALECT=]TIME" => "77ms",
                "N/s[:BURST]" => "77/s:77",
                "skip|close" => "close",
                "strict|loose" => "loose",
                form => panic!("{form} is a form that this test has not heard of"),
            };
            config.set(setting.name, value).expect(value);
        }
        let Config {
            max_sessions: 77,
            policy: None,
            max_line: 77,
            max_name: 77,
            names: NameRules::Loose,
            log_bytes: 77,
            log_entries: 77,
            reply_bytes: 77,
            journal_records: 77,
            history: 77,
            rate: Some(rate),
            pace: Some(77),
            max_per_address: Some(77),
            connects_per_address: Some(connects),
            rate_per_address: Some(lines),
            on_lag: OnLag::Close,
            stall_timeout: Some(stall_timeout),
            linger_timeout,
            dialects,
        } = config
        else {
            panic!("a field kept its default: {config:?}");
        };
        for rate in [rate, connects, lines] {
            assert_eq!((rate.per_second.get(), rate.burst.get()), (77, 77));
        }
        assert_eq!((stall_timeout, linger_timeout), (Duration::from_millis(77), Duration::from_millis(77)));
        for dialect in dialects {
            let DialectConfig { dialect: _, idle_timeout, backlog } = dialect;
            assert_eq!((idle_timeout, backlog), (Some(Duration::from_millis(77)), 77));
        }
    }

    #[test]
    fn a_malformed_value_is_told_what_it_must_be() {
        for (name, value, expected) in [
            ("max-sessions", "many", "a whole number, such as 100"),
            ("log-bytes", "4MB", "bytes, such as 4096, 64KiB, 4MiB or 1GiB"),
            ("linger-timeout", "off", "a time with its unit, such as 500ms, 15s, 10m or 2h"),
            ("idle-timeout", "text=5", "a time with its unit, such as 500ms, 15s, 10m or 2h, or off"),
            ("backlog", "off", "a whole number, such as 100"),
            ("max-per-address", "all", "a whole number, such as 100, or off"),
            ("rate", "20", "so many a second, such as 20/s, or 20/s:100 with a burst, neither of them 0, or off"),
            ("on-lag", "drop\n", "skip or close"),
        ] {
            let error = set(name, value).expect_err(value);
            assert_eq!(error, format!("{name} {}: it must be {expected}", value.escape_debug()));
        }
    }

    #[test]
    fn a_value_for_one_dialect_leaves_the_others_alone() {
        let values = |config: &Config| Setting::find("idle-timeout").expect("a setting").values(config);
        let config = set("idle-timeout", "text=3m").expect("a time for a dialect");
        let default = values(&Config::default());
        assert_eq!(values(&config), [default[0].as_str(), "text=3m"]);
        assert_eq!(values(&set("idle-timeout", "3m").expect("a time for all")), ["classic=3m", "text=3m"]);
        assert_eq!(set("backlog", "classic=7").expect("a number for a dialect").dialects[0].backlog, 7);
    }

    #[test]
    fn a_dialect_that_is_not_there_is_told_which_are() {
        let error = set("backlog", "irc=5").expect_err("no such dialect");
        assert_eq!(error, "backlog irc=5: the dialect must be classic or text");
        set("backlog", "=5").expect_err("no such dialect");
    }

    #[test]
    fn a_malformed_value_changes_nothing() {
        for (name, value) in [("backlog", "text=x"), ("backlog", "x"), ("rate", "20/s:"), ("nothing", "5")] {
            let mut config = Config::default();
            config.set(name, value).expect_err(value);
            assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
        }
    }

    #[test]
    fn a_setting_that_is_not_there_is_told_which_are() {
        let error = set("max_line", "5").expect_err("no such setting");
        assert!(error.starts_with("there is no setting max_line; there are max-sessions, max-line, "), "{error}");
    }
}
