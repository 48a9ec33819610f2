//! The passwords that the server knows, by their hashes.

use chat_proto::{Credentials, Hub};

use crate::operator_table::OperatorTable;
use crate::password_hash::PasswordHash;

/// Whose passwords are checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Passwords {
    /// What clients of IRC have to know; `None`: nothing.
    pub(crate) server: Option<PasswordHash>,
    pub(crate) operators: Vec<OperatorTable>,
}

impl Passwords {
    /// Returns whether credentials are right. It takes as long as the hash wants it to.
    pub(crate) fn are_right(&self, credentials: Credentials<'_>) -> bool {
        match credentials {
            Credentials::Server { password } => self.server.as_ref().is_some_and(|hash| hash.is_of(password)),
            Credentials::Operator { name, password } => {
                let operator = self.operators.iter().find(|operator| operator.name == name);
                // It takes as long with a wrong name, which so is not told from a wrong password.
                let checked = operator.or(self.operators.first());
                checked.is_some_and(|it| it.password.is_of(password)) && operator.is_some()
            }
            _ => false,
        }
    }

    /// Returns the most bytes that checks take at once.
    pub(crate) fn memory_bound(&self) -> u64 {
        let hashes = self.server.iter().chain(self.operators.iter().map(|operator| &operator.password));
        hashes.map(PasswordHash::memory).max().unwrap_or_default() * Hub::MAX_AUTHENTICATIONS as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_password_is_right_for_what_it_is_of() {
        let operator = |name: &str, password| OperatorTable { name: name.into(), password: PasswordHash::of(password) };
        let passwords = Passwords {
            server: Some(PasswordHash::of("sesame")),
            operators: vec![operator("ann", "of ann"), operator("bob", "of bob")],
        };
        for (credentials, are_right) in [
            (Credentials::Server { password: "sesame" }, true),
            (Credentials::Server { password: "of ann" }, false),
            (Credentials::Operator { name: "ann", password: "of ann" }, true),
            (Credentials::Operator { name: "bob", password: "of bob" }, true),
            (Credentials::Operator { name: "bob", password: "of ann" }, false),
            (Credentials::Operator { name: "eve", password: "of ann" }, false),
        ] {
            assert_eq!(passwords.are_right(credentials), are_right, "{credentials:?}");
        }
        assert_eq!(passwords.memory_bound(), 4 * (19 << 20));
        assert!(!Passwords::default().are_right(Credentials::Server { password: "" }));
        assert_eq!(Passwords::default().memory_bound(), 0);
    }
}
