//! Hashes of passwords, in which the configuration file keeps them.

use std::fmt;
use std::str::FromStr;

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params};

use crate::value::ValueError;

/// The most memory that checking one password may take, in KiB. Whoever connects can make the server check some, four
/// at once, so dearer hashes would let strangers exhaust the memory of a small machine.
const MAX_MEMORY: u32 = 64 << 10;

/// The most passes over that memory, for the same reason: some 100 ms of a core at the most memory.
const MAX_PASSES: u32 = 4;

/// The hash of a password, in PHC form: `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`.
///
/// `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PasswordHash {
    text: String,
    /// In KiB.
    memory: u32,
}

impl PasswordHash {
    /// Hashes a password as OWASP recommends: argon2id, 19 MiB, two passes.
    pub(crate) fn of(password: &str) -> Self {
        let salt = SaltString::generate(&mut OsRng);
        let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
        let text = hash.expect("the default parameters and a new salt are right").to_string();
        text.parse().expect("the default parameters are within the limits")
    }

    /// Returns whether it is the hash of this password. That takes some 20 ms of a core with a hash of our own.
    pub(crate) fn is_of(&self, password: &str) -> bool {
        let hash = argon2::PasswordHash::new(&self.text).expect("it was checked when it was read");
        Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
    }

    /// Returns how many bytes checking a password takes.
    pub(crate) fn memory(&self) -> u64 {
        u64::from(self.memory) << 10
    }
}

impl FromStr for PasswordHash {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let form = || ValueError::Form("a hash that `chat-server hash-password` prints, not the password itself");
        let hash = argon2::PasswordHash::new(text).map_err(|_| form())?;
        Algorithm::try_from(hash.algorithm).map_err(|_| form())?;
        let params = Params::try_from(&hash).map_err(|_| form())?;
        if hash.salt.is_none() || hash.hash.is_none() {
            return Err(form());
        }
        if params.m_cost() > MAX_MEMORY || params.t_cost() > MAX_PASSES {
            return Err(ValueError::DearHash { mebibytes: MAX_MEMORY >> 10, passes: MAX_PASSES });
        }
        Ok(Self { text: text.into(), memory: params.m_cost() })
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHash").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_its_password_only() {
        let (one, other) = (PasswordHash::of("sesame"), PasswordHash::of("sesame"));
        assert!(one.is_of("sesame") && !one.is_of("Sesame") && !one.is_of(""));
        assert_ne!(one, other, "each has a salt of its own");
        assert_eq!(one.memory(), 19 << 20);
        assert_eq!(one.to_string().parse(), Ok(one.clone()));
        assert!(!format!("{one:?}").contains("argon2"));
    }

    #[test]
    fn what_is_no_hash_or_too_dear_is_refused() {
        let with = |params: &str| {
            let hash = format!("$argon2id$v=19${params}$c2FsdHNhbHQ$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY");
            hash.parse::<PasswordHash>().map(|_| ()).map_err(|error| error.to_string())
        };
        assert_eq!(with("m=65536,t=4,p=1"), Ok(()));
        let dear = "checking it takes too much: at most 64 MiB (m=65536) and 4 passes (t=4)";
        assert_eq!(with("m=65537,t=1,p=1"), Err(dear.into()));
        assert_eq!(with("m=8,t=5,p=1"), Err(dear.into()));
        let none = "it must be a hash that `chat-server hash-password` prints, not the password itself";
        assert_eq!(with("m=1,t=1,p=1"), Err(none.into()), "too little memory to be argon2");
        for text in ["", "sesame", "$argon2id$v=19$m=8,t=1,p=1", "$scrypt$ln=1$c2FsdA$aGFzaA", "$2b$10$x"] {
            assert_eq!(text.parse::<PasswordHash>().map(|_| ()).map_err(|error| error.to_string()), Err(none.into()));
        }
    }
}
