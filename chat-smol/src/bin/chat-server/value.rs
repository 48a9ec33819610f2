//! The values of options.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use chat_proto::dialect::IrcSettingsError;
use chat_proto::{NameRules, Rate};
use clap::ValueEnum;
use thiserror::Error;

/// A whole number, such as `100`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(usize);

/// A number of bytes, such as `4096`, `64KiB`, `4MiB` or `1GiB`; `64K`, `4M` and `1G` say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(usize);

/// A time with its unit, such as `500ms`, `15s`, `10m`, `2h` or `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time(Duration);

/// A rate, such as `20/s`, or `20/s:100` with a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RatePerSecond {
    per_second: NonZeroU32,
    /// `None`: the default's burst.
    burst: Option<NonZeroU32>,
}

/// A value, or `off`, which is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrOff<T>(pub(crate) Option<T>);

/// `text=10m` for one dialect, or `10m` for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ForDialect<T> {
    /// `None`: all.
    pub(crate) dialect: Option<&'static str>,
    pub(crate) value: T,
}

/// What happens to a reader that falls behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnLag {
    Skip,
    Close,
}

/// Which names are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Names {
    Strict,
    Loose,
}

/// A text that is not a value of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum ValueError {
    /// It is not in this form.
    #[error("it must be {0}")]
    Form(&'static str),
    /// It is neither in this form nor `off`.
    #[error("it must be {0}, or off")]
    FormOrOff(&'static str),
    /// There is no such dialect.
    #[error("the dialect must be {}", one_of(&DIALECTS))]
    Dialect,
    /// Whoever connects can make the server check passwords, so the hash must not ask for much.
    #[error("checking it would take too much: allow at most {mebibytes} MiB (m={}) and {passes} passes (t={passes})", mebibytes << 10)]
    DearHash { mebibytes: u32, passes: u32 },
    /// No listener serves that.
    #[error("it must be {}, one of these with +ws, or web, and each may have +tls", DIALECTS.join(", "))]
    Service,
    /// Clients of IRC cannot be told so.
    #[error(transparent)]
    Irc(#[from] IrcSettingsError),
}

impl FromStr for Count {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        whole_number(text).map(Self).ok_or(ValueError::Form("a whole number, such as 100"))
    }
}

/// Parsed here: the libraries at hand accept `KB`, which is ambiguous, or take `K` for 1,000. Here a letter alone
/// counts in 1,024s, as in most servers' options.
impl FromStr for Bytes {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let factor = match unit.to_ascii_lowercase().as_str() {
            "" => Some(1),
            "k" | "kib" => Some(1 << 10),
            "m" | "mib" => Some(1 << 20),
            "g" | "gib" => Some(1 << 30),
            _ => None,
        };
        let bytes = whole_number(digits).zip(factor).map(|(number, factor)| number.saturating_mul(factor));
        bytes.map(Self).ok_or(ValueError::Form("bytes, such as 4096, 64KiB, 4MiB or 1GiB"))
    }
}

impl FromStr for Time {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        // The library takes a capital `M` for months.
        match humantime::parse_duration(&text.to_ascii_lowercase()) {
            Ok(time) => Ok(Self(time)),
            // Beyond the range of any limit, which is reported then.
            Err(humantime::DurationError::NumberOverflow) => Ok(Self(Duration::MAX)),
            Err(_) => Err(ValueError::Form("a time with its unit, such as 500ms, 15s, 10m or 2h")),
        }
    }
}

impl FromStr for RatePerSecond {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let count = |text: &str| whole_number(text).and_then(|n| NonZeroU32::new(u32::try_from(n).unwrap_or(u32::MAX)));
        let read = || {
            let (per_second, burst) = text.split_once("/s")?;
            let burst = match burst {
                "" => None,
                _ => Some(count(burst.strip_prefix(':')?)?),
            };
            Some(Self { per_second: count(per_second)?, burst })
        };
        read().ok_or(ValueError::Form("a rate above 0, such as 20/s, or 20/s:100 with a burst"))
    }
}

impl<T: FromStr<Err = ValueError>> FromStr for OrOff<T> {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text == "off" {
            return Ok(Self(None));
        }
        text.parse().map(|value| Self(Some(value))).map_err(|error| match error {
            ValueError::Form(form) => ValueError::FormOrOff(form),
            other => other,
        })
    }
}

impl<T: FromStr<Err = ValueError>> FromStr for ForDialect<T> {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text.split_once('=') {
            Some((name, value)) => Ok(Self { dialect: Some(dialect(name)?), value: value.parse()? }),
            None => Ok(Self { dialect: None, value: text.parse()? }),
        }
    }
}

impl FromStr for OnLag {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        choice(text, "skip or close")
    }
}

impl FromStr for Names {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        choice(text, "strict or loose")
    }
}

/// Parses one of the words that an option takes.
pub(crate) fn choice<T: ValueEnum>(text: &str, words: &'static str) -> Result<T, ValueError> {
    T::from_str(text, false).map_err(|_| ValueError::Form(words))
}

/// Parses digits only. A number too large for `usize` becomes `usize::MAX`, which is beyond the range of any limit.
fn whole_number(text: &str) -> Option<usize> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(usize::MAX))
}

/// Returns a question whether the most similar of the `known` words was meant; `otherwise`, if none is similar.
pub(crate) fn did_you_mean(word: &str, known: &[&str], otherwise: &str) -> String {
    let word = word.to_lowercase();
    // Two letters of a short word in the wrong order are a slip, too, and so is a word that begins right.
    let similarity = |known: &&str| match strsim::damerau_levenshtein(&word, known) {
        1 if word.len() > 2 => 1.0,
        _ => strsim::jaro_winkler(&word, known),
    };
    let nearest = known.iter().copied().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    // A less similar one is a different word.
    match nearest.filter(|nearest| similarity(nearest) > 0.8) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => otherwise.into(),
    }
}

/// Returns the dialect's name if there is such a dialect.
pub(crate) fn dialect(name: &str) -> Result<&'static str, ValueError> {
    DIALECTS.into_iter().find(|dialect| *dialect == name).ok_or(ValueError::Dialect)
}

fn one_of(words: &[&str]) -> String {
    match words {
        [others @ .., last] if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => words.concat(),
    }
}

/// The dialects that can be served.
pub(crate) const DIALECTS: [&str; 3] = ["classic", "text", "irc"];

impl From<Count> for usize {
    fn from(Count(number): Count) -> Self {
        number
    }
}

impl From<Bytes> for usize {
    fn from(Bytes(number): Bytes) -> Self {
        number
    }
}

impl From<Time> for Duration {
    fn from(Time(time): Time) -> Self {
        time
    }
}

impl RatePerSecond {
    /// Returns the rate, with the burst of `default` if it has none.
    pub(crate) fn or_burst_of(self, default: Option<Rate>) -> Rate {
        let burst = self.burst.unwrap_or(default.unwrap_or_default().burst);
        Rate { per_second: self.per_second, burst }
    }
}

impl From<OnLag> for chat_proto::OnLag {
    fn from(policy: OnLag) -> Self {
        match policy {
            OnLag::Skip => Self::Skip,
            OnLag::Close => Self::Close,
        }
    }
}

impl From<Names> for NameRules {
    fn from(names: Names) -> Self {
        match names {
            Names::Strict => Self::Strict,
            Names::Loose => Self::Loose,
        }
    }
}

#[cfg(test)]
mod tests {
    use chat_proto::Config;

    use super::*;

    fn bytes(text: &str) -> Option<usize> {
        text.parse::<Bytes>().ok().map(usize::from)
    }

    fn time(text: &str) -> Option<Duration> {
        text.parse::<Time>().ok().map(Duration::from)
    }

    fn rate(text: &str) -> Option<(u32, Option<u32>)> {
        text.parse().ok().map(|RatePerSecond { per_second, burst }| (per_second.get(), burst.map(NonZeroU32::get)))
    }

    #[test]
    fn sizes_count_in_1024s() {
        assert_eq!(bytes("0"), Some(0));
        assert_eq!(bytes("4096"), Some(4_096));
        for (text, size) in [("5KiB", 5 << 10), ("5k", 5 << 10), ("3MiB", 3 << 20), ("3M", 3 << 20), ("1g", 1 << 30)] {
            assert_eq!(bytes(text), Some(size), "{text}");
        }
        for text in ["", "x", "4MB", "4KB", "4 MiB", "-1", "+1", "1.5MiB", "MiB", "off", "4096\n", "\u{661}"] {
            assert_eq!(bytes(text), None, "{text:?}");
        }
    }

    #[test]
    fn numbers_have_no_unit() {
        assert_eq!("5".parse::<Count>().map(usize::from), Ok(5));
        for text in ["", "5K", "five", "5/s", "text=5", "0x5", "5_000", "-5", "+5"] {
            assert_eq!(text.parse::<Count>(), Err(ValueError::Form("a whole number, such as 100")), "{text}");
        }
    }

    #[test]
    fn numbers_too_large_for_the_machine_are_left_to_the_check() {
        for text in ["99999999999999999999999999", "18446744073709551616", "18446744073709551615GiB"] {
            assert_eq!(bytes(text), Some(usize::MAX), "{text}");
        }
        assert_eq!(time("99999999999999999999d"), Some(Duration::MAX));
        assert_eq!(rate("99999999999/s:99999999999"), Some((u32::MAX, Some(u32::MAX))));
    }

    #[test]
    fn times_need_a_unit() {
        for (text, millis) in [
            ("0s", 0),
            ("500ms", 500),
            ("15s", 15_000),
            ("10m", 600_000),
            ("10M", 600_000),
            ("2H", 7_200_000),
            ("1m30s", 90_000),
            ("365d", 31_536_000_000),
        ] {
            assert_eq!(time(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "15", "s", "off", "never", "-5s", "5x"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn off_is_for_what_may_be_none() {
        assert_eq!("off".parse::<OrOff<Time>>(), Ok(OrOff(None)));
        assert_eq!("7".parse::<OrOff<Count>>(), Ok(OrOff(Some(Count(7)))));
        assert_eq!(
            "all".parse::<OrOff<Count>>().map_err(|error| error.to_string()),
            Err(String::from("it must be a whole number, such as 100, or off"))
        );
        assert!("off".parse::<Time>().is_err());
    }

    #[test]
    fn a_rate_without_a_burst_has_the_defaults() {
        assert_eq!(rate("7/s:9"), Some((7, Some(9))));
        assert_eq!(rate("7/s"), Some((7, None)));
        let default = Config::default().rate_per_address;
        let seven = "7/s".parse::<RatePerSecond>().map(|rate| rate.or_burst_of(default));
        assert_eq!(seven.ok().map(|rate| rate.burst), default.map(|rate| rate.burst));
        for text in ["", "7", "7/m", "7:9", "/s", "7/s:", "7/s9", "0/s", "7/s:0", "7/s:9/s"] {
            assert_eq!(rate(text), None, "{text}");
        }
    }

    #[test]
    fn a_value_is_for_one_dialect_or_for_all() {
        let parse = |text: &str| text.parse::<ForDialect<Count>>();
        assert_eq!(parse("7"), Ok(ForDialect { dialect: None, value: Count(7) }));
        assert_eq!(parse("text=7"), Ok(ForDialect { dialect: Some("text"), value: Count(7) }));
        for text in ["morse=7", "=7"] {
            let error = parse(text).expect_err(text).to_string();
            assert_eq!(error, "the dialect must be classic, text or irc");
        }
    }
}
