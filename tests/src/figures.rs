//! Numbers formatted for people.

use std::fmt;
use std::time::Duration;

/// A number with a comma between thousands, as in `1,234,567`.
#[derive(Clone, Copy, Debug)]
pub struct Grouped(pub u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        f.pad(&grouped)
    }
}

/// A number with three significant digits, as in `36.1 M` or `870 k`.
#[derive(Clone, Copy, Debug)]
pub struct Scaled(pub f64);

impl fmt::Display for Scaled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = match self.0 {
            number if number >= 1e9 => (number / 1e9, " G"),
            number if number >= 1e6 => (number / 1e6, " M"),
            number if number >= 1e4 => (number / 1e3, " k"),
            number => (number, ""),
        };
        f.pad(&format!("{}{unit}", significant(number)))
    }
}

/// A span of time with three significant digits, as in `1.43 ms`.
#[derive(Clone, Copy, Debug)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        let (number, unit) = match seconds {
            seconds if seconds >= 1.0 => (seconds, "s"),
            seconds if seconds >= 1e-3 => (seconds * 1e3, "ms"),
            seconds => (seconds * 1e6, "µs"),
        };
        f.pad(&format!("{} {unit}", significant(number)))
    }
}

fn significant(number: f64) -> String {
    match number {
        0.0 => "0".to_owned(),
        number if number < 10.0 => format!("{number:.2}"),
        number if number < 100.0 => format!("{number:.1}"),
        number => format!("{number:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!(["0", "999", "1,000", "1,234,567"], [0, 999, 1_000, 1_234_567].map(|n| Grouped(n).to_string())[..]);
        assert_eq!(
            ["0", "9.50", "9999", "36.1 k", "36.1 M"],
            [0.0, 9.5, 9_999.0, 36_120.0, 36.12e6].map(|n| Scaled(n).to_string())[..]
        );
        assert_eq!(
            ["200 µs", "1.43 ms", "2.00 s"],
            [200, 1_430, 2_000_000].map(|us| Span(Duration::from_micros(us)).to_string())[..]
        );
    }
}
