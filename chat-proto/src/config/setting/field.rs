//! How a value of each kind is read and written.

use core::fmt;
use core::num::NonZeroU32;
use core::time::Duration;

use crate::config::{OnLag, Rate};
use crate::names::NameRules;

/// A value in its place, which knows its text form.
pub(super) enum Field<'a> {
    Number(&'a mut usize),
    NumberOrOff(&'a mut Option<usize>),
    Size(&'a mut usize),
    SizeOrOff(&'a mut Option<usize>),
    Time(&'a mut Duration),
    TimeOrOff(&'a mut Option<Duration>),
    /// With the default, whose burst is taken where none is given.
    Rate(&'a mut Option<Rate>, Option<Rate>),
    OnLag(&'a mut OnLag),
    Names(&'a mut NameRules),
}

impl Field<'_> {
    /// The form in short, for a column of options.
    pub(super) fn form(&self) -> &'static str {
        match self {
            Self::Number(_) | Self::NumberOrOff(_) => "N",
            Self::Size(_) | Self::SizeOrOff(_) => "BYTES",
            Self::Time(_) | Self::TimeOrOff(_) => "TIME",
            Self::Rate(..) => "N/s[:BURST]",
            Self::OnLag(_) => "skip|close",
            Self::Names(_) => "strict|loose",
        }
    }

    /// What a text must be that [`parse`](Self::parse) takes.
    fn expected(&self) -> &'static str {
        match self {
            Self::Number(_) => "a whole number, such as 100",
            Self::NumberOrOff(_) => "a whole number, such as 100, or off",
            Self::Size(_) => "bytes, such as 4096, 64KiB, 4MiB or 1GiB",
            Self::SizeOrOff(_) => "bytes, such as 4096, 64KiB, 4MiB or 1GiB, or off",
            Self::Time(_) => "a time with its unit, such as 500ms, 15s, 10m or 2h",
            Self::TimeOrOff(_) => "a time with its unit, such as 500ms, 15s, 10m or 2h, or off",
            Self::Rate(..) => "so many a second, such as 20/s, or 20/s:100 with a burst, neither of them 0, or off",
            Self::OnLag(_) => "skip or close",
            Self::Names(_) => "strict or loose",
        }
    }

    /// Sets the value, or says what the text must be, having changed nothing.
    pub(super) fn parse(self, text: &str) -> Result<(), &'static str> {
        let expected = self.expected();
        self.try_parse(text).ok_or(expected)
    }

    fn try_parse(self, text: &str) -> Option<()> {
        match self {
            Self::Number(number) => *number = saturate(scaled(text, &[ONE])?),
            Self::NumberOrOff(number) if text == "off" => *number = None,
            Self::NumberOrOff(number) => *number = Some(saturate(scaled(text, &[ONE])?)),
            Self::Size(size) => *size = saturate(scaled(text, SIZES)?),
            Self::SizeOrOff(size) if text == "off" => *size = None,
            Self::SizeOrOff(size) => *size = Some(saturate(scaled(text, SIZES)?)),
            Self::Time(time) => *time = Duration::from_millis(scaled(text, TIMES)?),
            Self::TimeOrOff(time) if text == "off" => *time = None,
            Self::TimeOrOff(time) => *time = Some(Duration::from_millis(scaled(text, TIMES)?)),
            Self::Rate(rate, _) if text == "off" => *rate = None,
            Self::Rate(rate, default) => *rate = Some(parse_rate(text, default.unwrap_or_default())?),
            Self::OnLag(policy) => {
                *policy = match text {
                    "skip" => OnLag::Skip,
                    "close" => OnLag::Close,
                    _ => return None,
                }
            }
            Self::Names(rules) => {
                *rules = match text {
                    "strict" => NameRules::Strict,
                    "loose" => NameRules::Loose,
                    _ => return None,
                }
            }
        }
        Some(())
    }
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::NumberOrOff(Some(number)) => write!(f, "{number}"),
            Self::Size(size) => write_scaled(f, **size as u64, SIZES),
            Self::SizeOrOff(Some(size)) => write_scaled(f, *size as u64, SIZES),
            Self::Time(time) => write_time(f, **time),
            Self::TimeOrOff(Some(time)) => write_time(f, *time),
            Self::NumberOrOff(None) | Self::SizeOrOff(None) | Self::TimeOrOff(None) | Self::Rate(None, _) => {
                f.write_str("off")
            }
            Self::Rate(Some(rate), _) => write!(f, "{}/s:{}", rate.per_second, rate.burst),
            Self::OnLag(OnLag::Skip) => f.write_str("skip"),
            Self::OnLag(OnLag::Close) => f.write_str("close"),
            Self::Names(NameRules::Strict) => f.write_str("strict"),
            Self::Names(NameRules::Loose) => f.write_str("loose"),
        }
    }
}

/// Units from the least to the greatest; of those that say the same, the last is the one written.
type Units = [(&'static str, u64)];

const ONE: (&str, u64) = ("", 1);

/// The letters alone count in 1,024s too, as in most servers' options; `KB` is left out because it is read both ways.
const SIZES: &Units =
    &[ONE, ("K", 1 << 10), ("KiB", 1 << 10), ("M", 1 << 20), ("MiB", 1 << 20), ("G", 1 << 30), ("GiB", 1 << 30)];

/// In milliseconds. There is no unit that goes without saying: a bare number would be seconds to some.
const TIMES: &Units = &[MILLISECOND, ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

const MILLISECOND: (&str, u64) = ("ms", 1);

/// Reads digits and a unit. A number too large for any limit becomes the largest, which no limit's range has.
fn scaled(text: &str, units: &Units) -> Option<u64> {
    let (digits, suffix) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let (_, factor) = units.iter().find(|(unit, _)| unit.eq_ignore_ascii_case(suffix))?;
    if digits.is_empty() {
        return None;
    }
    let number =
        digits.bytes().fold(0, |sum: u64, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
    Some(number.saturating_mul(*factor))
}

fn saturate(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn parse_rate(text: &str, default: Rate) -> Option<Rate> {
    let (per_second, burst) = text.split_once("/s")?;
    let count = |text| NonZeroU32::new(u32::try_from(scaled(text, &[ONE])?).unwrap_or(u32::MAX));
    let burst = match burst {
        "" => default.burst,
        _ => count(burst.strip_prefix(':')?)?,
    };
    Some(Rate { per_second: count(per_second)?, burst })
}

fn write_time(f: &mut fmt::Formatter<'_>, time: Duration) -> fmt::Result {
    write_scaled(f, u64::try_from(time.as_millis()).unwrap_or(u64::MAX), TIMES)
}

/// Writes the number in the greatest unit in which it is whole.
fn write_scaled(f: &mut fmt::Formatter<'_>, number: u64, units: &Units) -> fmt::Result {
    let whole = |(_, factor): &&(&str, u64)| number >= *factor && number.is_multiple_of(*factor);
    let (unit, factor) = units.iter().rev().find(whole).unwrap_or(&units[0]);
    write!(f, "{}{unit}", number / factor)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::config::Config;

    fn size(text: &str) -> Option<usize> {
        let mut size = 0;
        Field::Size(&mut size).parse(text).ok().map(|()| size)
    }

    fn time(text: &str) -> Option<Duration> {
        let mut time = Duration::ZERO;
        Field::Time(&mut time).parse(text).ok().map(|()| time)
    }

    fn rate(text: &str) -> Option<(u32, u32)> {
        let mut rate = None;
        Field::Rate(&mut rate, Some(Rate::default())).parse(text).ok()?;
        rate.map(|rate| (rate.per_second.get(), rate.burst.get()))
    }

    #[test]
    fn sizes_count_in_1024s() {
        assert_eq!(size("0"), Some(0));
        assert_eq!(size("4096"), Some(4_096));
        for (text, bytes) in [("5KiB", 5 << 10), ("5k", 5 << 10), ("3MiB", 3 << 20), ("3M", 3 << 20), ("1g", 1 << 30)] {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in ["", "x", "4MB", "4 MiB", "-1", "+1", "1.5MiB", "MiB", "off", "4096\n", "\u{661}"] {
            assert_eq!(size(text), None, "{text:?}");
        }
    }

    #[test]
    fn numbers_have_no_unit() {
        let mut number = 0;
        Field::Number(&mut number).parse("5").expect("a number");
        assert_eq!(number, 5);
        for text in ["", "5K", "five", "5/s", "text=5", "0x5", "5_000"] {
            assert_eq!(Field::Number(&mut number).parse(text), Err("a whole number, such as 100"), "{text}");
        }
        assert_eq!(number, 5);
    }

    #[test]
    fn numbers_too_large_for_the_machine_are_left_to_the_check() {
        for text in ["99999999999999999999999999", "18446744073709551616", "18446744073709551615GiB"] {
            assert_eq!(size(text), Some(usize::MAX), "{text}");
        }
        assert_eq!(time("99999999999999999999d"), Some(Duration::from_millis(u64::MAX)));
        assert_eq!(rate("99999999999/s:99999999999"), Some((u32::MAX, u32::MAX)));
    }

    #[test]
    fn times_need_a_unit() {
        for (text, millis) in
            [("0s", 0), ("500ms", 500), ("15s", 15_000), ("10m", 600_000), ("2h", 7_200_000), ("365d", 31_536_000_000)]
        {
            assert_eq!(time(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "15", "15 s", "15sec", "1m30s", "s", "off", "never"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn off_is_for_what_may_be_none() {
        let mut stall = Some(Duration::ZERO);
        Field::TimeOrOff(&mut stall).parse("off").expect("off");
        assert_eq!(stall, None);
        let mut number = Some(5);
        Field::NumberOrOff(&mut number).parse("off").expect("off");
        assert_eq!(number, None);
        Field::NumberOrOff(&mut number).parse("7").expect("a number");
        assert_eq!(number, Some(7));
        let mut rate = Some(Rate::default());
        Field::Rate(&mut rate, Some(Rate::default())).parse("off").expect("off");
        assert_eq!(rate, None);
    }

    #[test]
    fn a_rate_without_a_burst_has_the_defaults() {
        assert_eq!(rate("7/s:9"), Some((7, 9)));
        assert_eq!(rate("7/s"), Some((7, Rate::default().burst.get())));
        let (mut config, default) = (Config::default(), Config::default().rate_per_address.map(|rate| rate.burst));
        config.set("rate-per-address", "7/s").expect("a rate");
        assert_eq!(config.rate_per_address.map(|rate| rate.burst), default, "each has its own");
        for text in ["", "7", "7/m", "7:9", "/s", "7/s:", "7/s9", "0/s", "7/s:0", "7/s:9/s"] {
            assert_eq!(rate(text), None, "{text}");
        }
    }

    #[test]
    fn a_lag_policy_is_one_of_two() {
        let mut policy = OnLag::Skip;
        Field::OnLag(&mut policy).parse("close").expect("a policy");
        assert_eq!(policy, OnLag::Close);
        Field::OnLag(&mut policy).parse("skip").expect("a policy");
        assert_eq!(policy, OnLag::Skip);
        assert_eq!(Field::OnLag(&mut policy).parse("drop"), Err("skip or close"));
    }

    #[test]
    fn rules_for_names_are_strict_or_loose() {
        let mut rules = NameRules::Strict;
        Field::Names(&mut rules).parse("loose").expect("rules");
        assert_eq!((rules, Field::Names(&mut rules).to_string()), (NameRules::Loose, "loose".into()));
        Field::Names(&mut rules).parse("strict").expect("rules");
        assert_eq!((rules, Field::Names(&mut rules).to_string()), (NameRules::Strict, "strict".into()));
        assert_eq!(Field::Names(&mut rules).parse("Strict"), Err("strict or loose"));
    }

    #[test]
    fn values_are_written_in_the_greatest_unit_in_which_they_are_whole() {
        for (mut bytes, text) in [(0, "0"), (1_025, "1025"), (2_048, "2KiB"), (3 << 19, "1536KiB"), (2 << 30, "2GiB")] {
            assert_eq!(Field::Size(&mut bytes).to_string(), text);
        }
        for (millis, text) in [(0, "0ms"), (1_500, "1500ms"), (90_000, "90s"), (120_000, "2m"), (172_800_000, "2d")] {
            assert_eq!(Field::Time(&mut Duration::from_millis(millis)).to_string(), text);
        }
        assert_eq!(Field::TimeOrOff(&mut None).to_string(), "off");
        assert_eq!([None, Some(7)].map(|mut number| Field::NumberOrOff(&mut number).to_string()), ["off", "7"]);
        assert_eq!(Field::Rate(&mut None, None).to_string(), "off");
        assert_eq!(Field::Rate(&mut Some(Rate::default()), None).to_string(), "20/s:100");
        assert_eq!(Field::OnLag(&mut OnLag::Close).to_string(), "close");
    }
}
