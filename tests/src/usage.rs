//! How the tools read their options, and what they say of wrong ones.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use lexopt::ValueExt as _;

/// What a target is, to whoever has named none that can be understood.
pub(crate) const TARGET: &str = "DIALECT=ADDR that can be reached, such as text=127.0.0.1:4000 or classic=[::1]:4001";

/// Why the arguments of a tool cannot be understood.
#[derive(Debug)]
pub enum UsageError {
    /// They break the form of options, or there is no such option.
    Syntax(lexopt::Error),
    /// Options lack one another, or exclude one another, in this way.
    Combination(&'static str),
    /// An option cannot have this value.
    Value {
        /// The option without its hyphens.
        option: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => write!(f, "{error}; --help lists all options"),
            Self::Combination(how) => f.write_str(how),
            Self::Value { option, value, expected } => {
                write!(f, "--{option} {}: it must be {expected}", value.escape_debug())
            }
        }
    }
}

impl std::error::Error for UsageError {}

impl From<lexopt::Error> for UsageError {
    fn from(error: lexopt::Error) -> Self {
        Self::Syntax(error)
    }
}

/// Reads an option's value.
pub(crate) fn value<T>(
    parser: &mut lexopt::Parser,
    option: &'static str,
    expected: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<T, UsageError> {
    let value = parser.value()?.string()?;
    read(&value).ok_or(UsageError::Value { option, value, expected })
}

/// Reads what has but one form: a number, an address, a target.
pub(crate) fn plain<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// Reads a time as the servers' own options have it, up to a year: no run is longer, and it can be counted in nanoseconds.
///
/// # Errors
///
/// What would be right.
pub fn time(text: &str) -> Result<Duration, &'static str> {
    const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    let time = humantime::parse_duration(text).ok().filter(|time| *time <= LONGEST);
    time.ok_or("it must be a time such as 500ms, 15s, 10m or 2h")
}
