//! An `[[operator]]` table of the configuration file: an operator of the server.

use std::str::FromStr;

use serde::Deserialize;

use crate::file_value;
use crate::password_hash::PasswordHash;
use crate::value::ValueError;

/// The most bytes of an operator's name, which has to fit in a line beside a password.
const MAX_NAME: usize = 64;

/// An `[[operator]]` table. Each field is a key of it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct OperatorTable {
    #[serde(deserialize_with = "file_value::from_text")]
    pub(crate) name: OperatorName,
    #[serde(deserialize_with = "file_value::from_text")]
    pub(crate) password: PasswordHash,
}

/// What an operator says with `OPER`; nobody else sees it.
#[derive(Clone, Debug)]
pub(crate) struct OperatorName(pub(crate) String);

impl OperatorTable {
    /// The table's name in the file.
    pub(crate) const TABLE: &str = "operator";
    pub(crate) const NAME: &str = "name";
    pub(crate) const PASSWORD: &str = "password";
    pub(crate) const KEYS: [&str; 2] = [Self::NAME, Self::PASSWORD];
}

impl FromStr for OperatorName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let is_one = (1..=MAX_NAME).contains(&text.len()) && !text.contains([' ', ':']);
        if is_one { Ok(Self(text.into())) } else { Err(ValueError::Form("1 to 64 bytes, without spaces and colons")) }
    }
}
