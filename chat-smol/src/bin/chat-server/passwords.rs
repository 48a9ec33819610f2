//! The passwords that the server knows, by their hashes.

use std::sync::{Mutex, PoisonError};

use argon2::Block;
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
    /// Returns the function that checks credentials. It takes as long as the hash wants it to, and may be called by
    /// several threads at once.
    pub(crate) fn into_verifier(self) -> impl Fn(Credentials<'_>) -> bool + Send + Sync {
        // Kept, and not given back after each check: each is made on another thread, and an allocator that keeps memory
        // for each of them took a GiB during a flood of guesses.
        let spare: Mutex<Vec<Vec<Block>>> = Mutex::default();
        move |credentials| {
            let lock = || spare.lock().unwrap_or_else(PoisonError::into_inner);
            let mut memory = lock().pop().unwrap_or_default();
            let are_right = self.are_right(credentials, &mut memory);
            lock().push(memory);
            are_right
        }
    }

    fn are_right(&self, credentials: Credentials<'_>, memory: &mut Vec<Block>) -> bool {
        match credentials {
            Credentials::Server { password } => self.server.as_ref().is_some_and(|hash| hash.is_of(password, memory)),
            Credentials::Operator { name, password } => {
                let operator = self.operators.iter().find(|operator| operator.name.0 == name);
                // It takes as long with a wrong name, which so is not told from a wrong password.
                let checked = operator.or(self.operators.first());
                checked.is_some_and(|it| it.password.is_of(password, memory)) && operator.is_some()
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
    use crate::operator_table::OperatorName;

    #[test]
    fn each_password_is_right_for_what_it_is_of() {
        let operator = |name: &str, password| OperatorTable {
            name: OperatorName(name.into()),
            password: PasswordHash::of(password),
        };
        let passwords = Passwords {
            server: Some(PasswordHash::of("sesame")),
            operators: vec![operator("ann", "of ann"), operator("bob", "of bob")],
        };
        let verifier = passwords.clone().into_verifier();
        for (credentials, are_right) in [
            (Credentials::Server { password: "sesame" }, true),
            (Credentials::Server { password: "of ann" }, false),
            (Credentials::Operator { name: "ann", password: "of ann" }, true),
            (Credentials::Operator { name: "bob", password: "of bob" }, true),
            (Credentials::Operator { name: "bob", password: "of ann" }, false),
            (Credentials::Operator { name: "eve", password: "of ann" }, false),
        ] {
            assert_eq!(verifier(credentials), are_right, "{credentials:?}");
        }
        assert_eq!(passwords.memory_bound(), 4 * (19 << 20));
        assert!(!Passwords::default().into_verifier()(Credentials::Server { password: "" }));
        assert_eq!(Passwords::default().memory_bound(), 0);
    }
}
