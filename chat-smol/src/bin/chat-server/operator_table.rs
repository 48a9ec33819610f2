//! An `[[operator]]` table of the configuration file: an operator of the server.

use serde::Deserialize;

use crate::password_hash::PasswordHash;
use crate::value;

/// An `[[operator]]` table. Each field is a key of it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct OperatorTable {
    /// What the operator says with `OPER`; nobody else sees it.
    pub(crate) name: String,
    #[serde(deserialize_with = "value::from_text")]
    pub(crate) password: PasswordHash,
}

impl OperatorTable {
    /// The table's name in the file.
    pub(crate) const TABLE: &str = "operator";
    pub(crate) const NAME: &str = "name";
    pub(crate) const PASSWORD: &str = "password";
    pub(crate) const KEYS: [&str; 2] = [Self::NAME, Self::PASSWORD];
}
