//! The subcommand `hash-password`: reads a password and prints its hash, for the configuration file.

use std::io::{self, BufRead, IsTerminal as _};

use chat_proto::MAX_PASSWORD;
use thiserror::Error;

use crate::password_hash::PasswordHash;

/// Why a password has no hash.
#[derive(Debug, Error)]
pub(crate) enum PasswordError {
    #[error("cannot read the password: {0}")]
    Unreadable(#[from] io::Error),
    #[error("the password must be 1 to {MAX_PASSWORD} bytes, without control characters")]
    Form,
    #[error("the two passwords differ; nothing is printed")]
    Differ,
}

/// Reads a password and returns what is printed: its hash, with a line end.
///
/// # Errors
///
/// None can be read, clients could not send it, or the second one at a terminal is another.
pub(crate) fn run() -> Result<Vec<u8>, PasswordError> {
    let hash = PasswordHash::of(&read()?);
    Ok(format!("{hash}\n").into_bytes())
}

/// Reads a password from the terminal, twice and without showing it, or else a line of the standard input.
fn read() -> Result<String, PasswordError> {
    if !io::stdin().is_terminal() {
        return read_line(io::stdin().lock());
    }
    let password = checked(rpassword::prompt_password("Password: ")?)?;
    if rpassword::prompt_password("Again: ")? == password { Ok(password) } else { Err(PasswordError::Differ) }
}

fn read_line(input: impl BufRead) -> Result<String, PasswordError> {
    let mut line = String::new();
    // With a longer one, what is read is too long, too.
    input.take(MAX_PASSWORD as u64 + 3).read_line(&mut line)?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    checked(line.strip_suffix('\r').unwrap_or(line).into())
}

/// Checks that clients can send a password.
fn checked(password: String) -> Result<String, PasswordError> {
    let is_right = (1..=MAX_PASSWORD).contains(&password.len()) && !password.contains(char::is_control);
    if is_right { Ok(password) } else { Err(PasswordError::Form) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_one_line() {
        let longest = "x".repeat(MAX_PASSWORD);
        for (input, password) in [
            ("open sesame", "open sesame"),
            ("se\u{df}ame\n", "se\u{df}ame"),
            ("sesame\r\nand more", "sesame"),
            (&format!("{longest}\r\n"), &longest),
        ] {
            assert_eq!(read_line(input.as_bytes()).expect(input), password);
        }
        for input in ["", "\n", "\r\n", "bell\x07", "cr\rlf\n", &format!("{longest}x\n"), &longest.repeat(3)] {
            assert!(matches!(read_line(input.as_bytes()), Err(PasswordError::Form)), "{input:?}");
        }
        assert!(matches!(read_line(&b"\xff\n"[..]), Err(PasswordError::Unreadable(_))));
    }
}
