//! What is known of a member besides its name.

use core::fmt;

use crate::origin::Cloak;

/// The most bytes of what a member's client says of its user.
pub const MAX_USER: usize = 11;
/// The most bytes of a real name.
pub const MAX_REAL_NAME: usize = 80;
/// The most bytes of the reason for being away.
pub const MAX_AWAY: usize = 130;

/// What is known of a member besides its name, from [`Conversation::person`](crate::conversation::Conversation::person).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Person<'a> {
    /// What its client says of its user; `~user` if that has said nothing. Nobody has checked it.
    pub user: &'a str,
    /// The real name, as its client says; may be empty.
    pub real_name: &'a str,
    /// Why it is away; empty if it is not.
    pub away: &'a str,
    /// What others see of where it comes from; `None` if nobody knows.
    pub cloak: Option<Cloak>,
}

impl Person<'_> {
    /// A member about whom nothing is known.
    pub(crate) const UNKNOWN: Self = Self { user: "~user", real_name: "", away: "", cloak: None };

    /// Returns what stands in place of a host, `-` if nobody knows where it comes from.
    pub(crate) fn host(&self) -> Host {
        Host(self.cloak)
    }
}

/// What stands in place of a host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Host(Option<Cloak>);

/// The most bytes of it.
pub(crate) const MAX_HOST: usize = 16;

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(cloak) => fmt::Display::fmt(&cloak, f),
            None => f.write_str("-"),
        }
    }
}
