//! The time of day, as IRCv3's `server-time` has it.

/// The bytes of `2026-11-26T17:09:58.123Z`.
pub(crate) const WALL_LEN: usize = 24;

/// A time of day, in milliseconds since 1970 without leap seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WallTime(u64);

const MILLIS_OF_DAY: u64 = 86_400_000;
/// The end of the year 9999, after which years have five digits.
const LATEST: u64 = 253_402_300_799_999;

impl WallTime {
    pub(crate) const fn from_millis(millis: u64) -> Self {
        Self(if millis > LATEST { LATEST } else { millis })
    }

    /// Returns milliseconds since 1970.
    pub(crate) const fn millis(self) -> u64 {
        self.0
    }

    /// Returns whole seconds since 1970, as numerics have them.
    pub(crate) const fn seconds(self) -> u64 {
        self.0 / 1_000
    }

    /// Returns it as ISO 8601 in UTC with milliseconds.
    pub(crate) fn text(self) -> [u8; WALL_LEN] {
        let (year, month, day) = date(self.0 / MILLIS_OF_DAY);
        let of_day = self.0 % MILLIS_OF_DAY;
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let mut put = |at: usize, digits: usize, mut number: u64| {
            for place in (at..at + digits).rev() {
                text[place] = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        put(0, 4, year);
        put(5, 2, month);
        put(8, 2, day);
        put(11, 2, of_day / 3_600_000);
        put(14, 2, of_day / 60_000 % 60);
        put(17, 2, of_day / 1_000 % 60);
        put(20, 3, of_day % 1_000);
        text
    }

    /// Reads such a text; fractions of a second may be missing.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('Z')?;
        let number = |range: core::ops::Range<usize>| -> Option<u64> {
            let digits = text.get(range)?;
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
        };
        let are_signs = [(4, '-'), (7, '-'), (10, 'T'), (13, ':'), (16, ':')];
        if !are_signs.iter().all(|(at, sign)| text[..].get(*at..).is_some_and(|rest| rest.starts_with(*sign))) {
            return None;
        }
        let millis = match text.get(19..)? {
            "" => 0,
            fraction => {
                let digits = fraction.strip_prefix('.').filter(|digits| (1..=9).contains(&digits.len()))?;
                let all = digits.bytes().all(|byte| byte.is_ascii_digit());
                let taken = digits.get(..digits.len().min(3))?;
                all.then(|| taken.parse::<u64>().ok())?? * 10_u64.pow(3 - taken.len() as u32)
            }
        };
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
        let is_date = year >= 1_970 && (1..=12).contains(&month) && (1..=31).contains(&day);
        if !is_date || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let seconds = (days(year, month, day) * 24 + hour) * 3_600 + minute * 60 + second;
        Some(Self::from_millis(seconds * 1_000 + millis))
    }
}

/// Returns year, month and day of a day since 1970, by counting in years that begin in March, whose leap day is the
/// last one (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn date(day: u64) -> (u64, u64, u64) {
    let day = day + 719_468;
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// The reverse of [`date`].
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, of_era) = (year / 400, year % 400);
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    (era * 146_097 + day_of_era).saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_827_696_789, "2000-02-29T12:34:56.789Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_709_251_200_000, "2024-03-01T00:00:00.000Z"),
            (1_795_712_998_123, "2026-11-26T17:09:58.123Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
            (u64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            let time = WallTime::from_millis(millis);
            assert_eq!(core::str::from_utf8(&time.text()), Ok(text));
            assert_eq!(WallTime::parse(text), Some(time));
        }
        assert_eq!(WallTime::parse("1970-01-01T00:00:01Z"), Some(WallTime::from_millis(1_000)));
        assert_eq!(WallTime::parse("1970-01-01T00:00:01.5Z"), Some(WallTime::from_millis(1_500)));
        for wrong in [
            "",
            "Z",
            "1970-01-01T00:00:01",
            "1970-13-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01 00:00:00Z",
            "197é-01-01T00:00:00Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00.1x3Z",
        ] {
            assert_eq!(WallTime::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_day_of_four_hundred_years_is_the_day_after_the_one_before() {
        for day in 0..146_097 {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
        }
    }
}
