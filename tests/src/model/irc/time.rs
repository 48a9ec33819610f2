//! The time of day, as clients are shown it.

use chat_proto::Timestamp;

use crate::model::Model;

const DAY: u64 = 86_400_000;

impl Model {
    /// Returns milliseconds since 1970.
    pub(super) fn wall_clock(&self, at: Timestamp) -> u64 {
        let end_of_9999 = 253_402_300_799_999;
        self.config.started.saturating_add(at.as_nanos() / 1_000_000).min(end_of_9999)
    }
}

fn days_of_year(year: u64) -> u64 {
    let is_leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    if is_leap { 366 } else { 365 }
}

fn days_of_months(year: u64) -> [u64; 12] {
    [31, days_of_year(year) - 337, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

/// Returns it as `2026-11-26T17:09:58.123Z`.
pub(super) fn text(millis: u64) -> String {
    let (mut day, of_day) = (millis / DAY, millis % DAY);
    let mut year = 1_970;
    while day >= days_of_year(year) {
        day -= days_of_year(year);
        year += 1;
    }
    let mut month = 0;
    while day >= days_of_months(year)[month] {
        day -= days_of_months(year)[month];
        month += 1;
    }
    let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1_000 % 60);
    format!("{year:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", month + 1, day + 1, of_day % 1_000)
}

/// Reads such a text.
pub(super) fn parse(text: &str) -> Option<u64> {
    let number = |range| -> Option<u64> {
        let digits: &str = text.get(range)?;
        digits.chars().all(|c| c.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let is_form = text.len() >= 20 && text.is_ascii() && text.ends_with('Z') && {
        let at = |index: usize| text.as_bytes()[index];
        [at(4), at(7), at(10), at(13), at(16)] == *b"--T::"
    };
    if !is_form {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    // One to nine digits of the second, or none.
    let millis = match text[19..text.len() - 1].strip_prefix('.') {
        None if text.len() == 20 => 0,
        Some(digits) if (1..=9).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit()) => {
            format!("{digits:0<3}")[..3].parse().ok()?
        }
        _ => return None,
    };
    let is_time = hour <= 23 && minute <= 59 && second <= 60;
    if year < 1_970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) || !is_time {
        return None;
    }
    let years: u64 = (1_970..year).map(days_of_year).sum();
    let months: u64 = days_of_months(year)[..month as usize - 1].iter().sum();
    let seconds = ((years + months + day - 1) * 24 + hour) * 3_600 + minute * 60 + second;
    Some(seconds * 1_000 + millis)
}
