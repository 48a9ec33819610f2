//! Parsing the tools' options.

use std::time::Duration;

/// Parses a time in the form of the servers' options, up to a year: no run is longer, and it fits in nanoseconds.
///
/// # Errors
///
/// A description of the right form.
pub fn time(text: &str) -> Result<Duration, &'static str> {
    const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    let time = humantime::parse_duration(text).ok().filter(|time| *time <= LONGEST);
    time.ok_or("it must be a time such as 500ms, 15s, 10m or 2h")
}
