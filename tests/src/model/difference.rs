//! How a difference between hub and model is reported.

use std::fmt;

/// How the hub differs from the model, or which rule it broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The rule, in a word or two.
    pub rule: &'static str,
    /// The observed and the expected value.
    pub detail: String,
}

/// The result of a check.
pub type Checked<T = ()> = Result<T, Difference>;

/// Returns the difference as an error.
///
/// # Errors
///
/// Always.
pub fn differ<T>(rule: &'static str, detail: impl Into<String>) -> Checked<T> {
    Err(Difference { rule, detail: detail.into() })
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.detail)
    }
}

impl std::error::Error for Difference {}
