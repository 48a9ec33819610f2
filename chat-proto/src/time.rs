//! Time as a value: the core never reads a clock.

use core::fmt;
use core::time::Duration;

/// A moment on the driver's own monotonic clock.
///
/// Counted in nanoseconds from a start that the driver chooses, usually when it made its
/// [`Hub`](crate::Hub). All arithmetic saturates: 2⁶⁴ ns are 584 years, after which
/// [`Timestamp::MAX`] means "never".
///
/// ```
/// use core::time::Duration;
/// use chat_proto::Timestamp;
///
/// let t = Timestamp::ZERO + Duration::from_millis(5);
/// assert_eq!(t.as_nanos(), 5_000_000);
/// assert_eq!(t.saturating_duration_since(Timestamp::MAX), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The driver's start.
    pub const ZERO: Self = Self(0);
    /// The latest moment; as a deadline, "never".
    pub const MAX: Self = Self(u64::MAX);

    /// Makes the moment that lies `nanos` nanoseconds after the driver's start.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Returns the nanoseconds since the driver's start.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Returns the time from `earlier` to `self`, zero if `earlier` is later.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Returns whether a deadline has come; [`Timestamp::MAX`] never does, even at the end of time.
    pub(crate) fn has_come(self, now: Self) -> bool {
        self <= now && self < Self::MAX
    }
}

/// Adds a duration, saturating at [`Timestamp::MAX`].
impl core::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}s", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_moment_is_shown_in_seconds() {
        assert_eq!(Timestamp::from_nanos(12_000_000_345).to_string(), "12.000000345s");
    }
}
