//! What peers know, by which they show who they are.

use core::fmt;

/// The most bytes of a password, which fits in a line of IRC. A longer one is wrong, and no driver is asked about it.
pub const MAX_PASSWORD: usize = 256;

/// What a driver is asked to check: [`Hub::credentials`](crate::Hub::credentials).
///
/// `Debug` does not show the password.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials<'a> {
    /// The password of the server, without which clients of IRC do not register (`PASS`).
    Server {
        /// What the client says it is, at most [`MAX_PASSWORD`] bytes.
        password: &'a str,
    },
    /// What an operator of the server knows (`OPER`).
    Operator {
        /// Which operator the client says it is: not its name in the conversation.
        name: &'a str,
        /// The operator's password, at most [`MAX_PASSWORD`] bytes.
        password: &'a str,
    },
}

impl<'a> Credentials<'a> {
    /// Returns the password.
    #[must_use]
    pub const fn password(self) -> &'a str {
        match self {
            Self::Server { password } | Self::Operator { password, .. } => password,
        }
    }
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server { .. } => f.debug_struct("Server").finish_non_exhaustive(),
            Self::Operator { name, .. } => f.debug_struct("Operator").field("name", name).finish_non_exhaustive(),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn debug_output_has_no_password() {
        let password = "hunter2";
        for credentials in [Credentials::Server { password }, Credentials::Operator { name: "ann", password }] {
            assert!(!format!("{credentials:?}").contains(password));
            assert_eq!(credentials.password(), password);
        }
    }
}
