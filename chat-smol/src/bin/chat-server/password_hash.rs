//! Hashes of passwords, in which the configuration file keeps them.

use std::fmt;
use std::str::FromStr;

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{Error, Output, PasswordHasher as _, Salt, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};

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

    /// Returns whether it is the hash of this password. That takes some 20 ms of a core with a hash of our own, and
    /// `memory`, which is made large enough.
    pub(crate) fn is_of(&self, password: &str, memory: &mut Vec<Block>) -> bool {
        let hash = argon2::PasswordHash::new(&self.text).expect("it was checked when it was read");
        hash_as(&hash, password, memory).is_ok_and(|output| Some(output) == hash.hash)
    }

    /// Returns how many bytes checking a password takes.
    pub(crate) fn memory(&self) -> u64 {
        u64::from(self.memory) << 10
    }
}

/// Hashes a password as that hash was made.
fn hash_as(hash: &argon2::PasswordHash<'_>, password: &str, memory: &mut Vec<Block>) -> Result<Output, Error> {
    let params = Params::try_from(hash)?;
    let version = hash.version.map_or(Ok(Version::default()), Version::try_from)?;
    let blocks = params.block_count();
    memory.reserve_exact(blocks.saturating_sub(memory.len()));
    memory.resize(memory.len().max(blocks), Block::new());
    let mut salt = [0; Salt::MAX_LENGTH];
    let salt = hash.salt.ok_or(Error::Password)?.decode_b64(&mut salt)?;
    let len = hash.hash.map_or(0, |output| output.len());
    Output::init_with(len, |out| {
        let argon2 = Argon2::new(Algorithm::try_from(hash.algorithm)?, version, params);
        Ok(argon2.hash_password_into_with_memory(password.as_bytes(), salt, out, memory)?)
    })
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
        // Whatever else may be wrong with it, such as a salt that is too short, shows when it is used.
        hash_as(&hash, "", &mut Vec::new()).map_err(|_| form())?;
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
        let mut memory = Vec::new();
        assert!(one.is_of("sesame", &mut memory) && other.is_of("sesame", &mut memory));
        assert!(!one.is_of("Sesame", &mut memory) && !one.is_of("", &mut memory));
        assert_eq!(memory.capacity() * size_of::<Block>(), 19 << 20);
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
        let dear = "checking it would take too much: allow at most 64 MiB (m=65536) and 4 passes (t=4)";
        assert_eq!(with("m=65537,t=1,p=1"), Err(dear.into()));
        assert_eq!(with("m=8,t=5,p=1"), Err(dear.into()));
        let none = "it must be a hash that `chat-server hash-password` prints, not the password itself";
        assert_eq!(with("m=1,t=1,p=1"), Err(none.into()), "too little memory to be argon2");
        let salt = "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";
        assert!(salt.parse::<PasswordHash>().is_err(), "its salt is too short");
        for text in ["", "sesame", "$argon2id$v=19$m=8,t=1,p=1", "$scrypt$ln=1$c2FsdA$aGFzaA", "$2b$10$x"] {
            assert_eq!(text.parse::<PasswordHash>().map(|_| ()).map_err(|error| error.to_string()), Err(none.into()));
        }
    }
}
