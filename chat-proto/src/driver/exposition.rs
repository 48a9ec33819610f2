//! The text format in which Prometheus collects metrics, version 0.0.4.

use alloc::string::String;
use core::fmt::{self, Display, Write as _};
use core::time::Duration;

use super::histogram::Histogram;

/// Metrics as text, in the format that Prometheus and others collect.
///
/// ```
/// use chat_proto::driver::Exposition;
///
/// let mut text = Exposition::default();
/// text.counter("tea_cups_total", "Cups of tea.").sample(&[("kind", "green")], 3);
/// assert_eq!(
///     text.as_str(),
///     "# HELP tea_cups_total Cups of tea.\n# TYPE tea_cups_total counter\ntea_cups_total{kind=\"green\"} 3\n"
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposition(String);

/// A metric that was begun: its samples follow, each with other labels.
#[derive(Debug)]
pub struct Family<'a> {
    text: &'a mut String,
    name: &'a str,
}

impl Exposition {
    /// The type of the text, for `Content-Type`.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// Begins a metric that only grows, whose name ends in `_total`. The help is one line.
    pub fn counter<'a>(&'a mut self, name: &'a str, help: &str) -> Family<'a> {
        self.family(name, "counter", help)
    }

    /// Begins a metric that grows and shrinks. The help is one line.
    pub fn gauge<'a>(&'a mut self, name: &'a str, help: &str) -> Family<'a> {
        self.family(name, "gauge", help)
    }

    /// Adds a histogram, in seconds. The help is one line.
    pub fn histogram(&mut self, name: &str, help: &str, times: &Histogram) {
        let Family { text, .. } = self.family(name, "histogram", help);
        let mut all = 0;
        for (bound, count) in times.cumulative() {
            let _ = match bound {
                Some(bound) => writeln!(text, "{name}_bucket{{le=\"{}\"}} {count}", Seconds(bound)),
                None => writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {count}"),
            };
            all = count;
        }
        let _ = writeln!(text, "{name}_sum {}\n{name}_count {all}", Seconds(times.sum()));
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn family<'a>(&'a mut self, name: &'a str, kind: &str, help: &str) -> Family<'a> {
        // Writing to memory does not fail, here and below.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family { text: &mut self.0, name }
    }
}

impl Family<'_> {
    /// Adds a sample: the names of its labels with their values, and a number.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) -> &mut Self {
        self.text.push_str(self.name);
        for (index, (name, of_label)) in labels.iter().enumerate() {
            let _ = write!(self.text, "{}{name}=\"{}\"", if index == 0 { '{' } else { ',' }, Escaped(of_label));
        }
        let _ = writeln!(self.text, "{} {value}", if labels.is_empty() { "" } else { "}" });
        self
    }
}

impl From<Exposition> for String {
    fn from(text: Exposition) -> Self {
        text.0
    }
}

/// The value of a label.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|char| match char {
            '\n' => f.write_str("\\n"),
            '"' | '\\' => write!(f, "\\{char}"),
            _ => f.write_char(char),
        })
    }
}

/// A time in seconds, with as many decimals as it needs.
struct Seconds(Duration);

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_secs())?;
        let (mut nanos, mut width) = (self.0.subsec_nanos(), 9);
        if nanos == 0 {
            return Ok(());
        }
        while nanos % 10 == 0 {
            (nanos, width) = (nanos / 10, width - 1);
        }
        write!(f, ".{nanos:0width$}")
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn values_of_labels_are_escaped() {
        let mut text = Exposition::default();
        text.gauge("cups", "Cups.").sample(&[("of", "a \"good\"\\\n tea"), ("size", "é")], 0).sample(&[], 1);
        assert!(text.as_str().ends_with("\ncups{of=\"a \\\"good\\\"\\\\\\n tea\",size=\"é\"} 0\ncups 1\n"));
    }

    #[test]
    fn times_are_seconds() {
        for (nanos, seconds) in
            [(0, "0"), (1, "0.000000001"), (1_024_000, "0.001024"), (1_500_000_000, "1.5"), (60_000_000_000, "60")]
        {
            assert_eq!(Seconds(Duration::from_nanos(nanos)).to_string(), seconds);
        }
    }

    #[test]
    fn the_ranges_of_a_histogram_add_up() {
        let (mut text, mut times) = (Exposition::default(), Histogram::default());
        times.observe(Duration::from_micros(2));
        times.observe(Duration::from_secs(30));
        text.histogram("brew_seconds", "Brewing.", &times);
        let text = text.as_str();
        assert!(text.starts_with("# HELP brew_seconds Brewing.\n# TYPE brew_seconds histogram\n"), "{text}");
        assert!(text.contains("brew_seconds_bucket{le=\"0.000001\"} 0\nbrew_seconds_bucket{le=\"0.000004\"} 1\n"));
        assert!(text.ends_with("{le=\"+Inf\"} 2\nbrew_seconds_sum 30.000002\nbrew_seconds_count 2\n"), "{text}");
    }
}
