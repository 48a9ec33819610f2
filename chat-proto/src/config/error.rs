//! Why a configuration is refused.

use alloc::format;
use alloc::string::String;
use core::fmt;

use super::limit::Limit;
use crate::moderation::RoomError;

/// A limit that is out of its range.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// A number is outside its range.
    OutOfRange {
        /// Which limit.
        limit: Limit,
        /// The dialect whose limit it is, if the limit is one of a dialect.
        dialect: Option<String>,
        /// What it was set to.
        value: usize,
        /// The least allowed, which may depend on other limits.
        min: usize,
        /// The most allowed.
        max: usize,
    },
    /// There is less room than the longest updates of a dialect take.
    TooLittleRoom {
        /// Which limit: [`Limit::LogBytes`] or [`Limit::ReplyBytes`].
        limit: Limit,
        /// The dialect whose updates are the longest.
        dialect: String,
        /// What it was set to.
        value: usize,
        /// The least that this dialect needs, with the other limits as they are.
        min: usize,
        /// The most allowed.
        max: usize,
    },
    /// A timeout is under 1 ms or over 365 days.
    Timeout {
        /// Which limit.
        limit: Limit,
        /// The dialect whose limit it is, if the limit is one of a dialect.
        dialect: Option<String>,
    },
    /// Two dialects have the same name.
    SameDialect(String),
    /// A room in [`Config::rooms`](crate::Config::rooms) cannot be had.
    Room {
        /// Its name.
        name: String,
        /// Why.
        error: RoomError,
    },
    /// A room in [`Config::rooms`](crate::Config::rooms) is for those who are invited, and has no operators who could
    /// invite.
    NobodyInvites {
        /// Its name.
        name: String,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { limit, dialect, value, min, max } => {
                write!(f, "{limit}{} is {value}: it must be from {min} to {max}", of(dialect.as_deref()))
            }
            Self::TooLittleRoom { limit, dialect, value, min, max } => {
                write!(f, "{limit} is {value}: for the longest events of {dialect} it must be from {min} to {max}")
            }
            Self::Timeout { limit, dialect } => {
                write!(f, "{limit}{} must be from 1 ms to 365 days", of(dialect.as_deref()))
            }
            Self::Room { name, error } => write!(f, "the room {name:?}: {error}"),
            Self::NobodyInvites { name } => {
                write!(f, "the room {name:?} cannot be invited-only: it has no operators who could invite")
            }
            Self::SameDialect(name) => write!(f, "the dialect {name} is listed twice"),
        }
    }
}

/// Says whose limit it is.
fn of(dialect: Option<&str>) -> String {
    dialect.map(|name| format!(" of {name}")).unwrap_or_default()
}

impl core::error::Error for ConfigError {}

impl ConfigError {
    /// Says that it is this dialect's limit.
    pub(super) fn of(mut self, name: &str) -> Self {
        if let Self::OutOfRange { dialect, .. } | Self::Timeout { dialect, .. } = &mut self {
            *dialect = Some(name.into());
        }
        self
    }
}
