//! The `[tls]` table of the configuration file: the certificate of the listeners with `+tls`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use serde::Deserialize;

use crate::value::{OrOff, ValueError};

/// The `[tls]` table. Each field is a key of it, and an option with [`PREFIX`](Self::PREFIX) in front.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TlsTable {
    /// The certificate of listeners with +tls, and those that lead to its root: a PEM file. It is read again with the
    /// key on SIGHUP, and when one of them has changed [default: off]
    #[arg(long = "tls-certificate", alias = "tls-cert", value_name = "FILE|off", help_heading = "TLS")]
    pub(crate) certificate: Option<OrOff<PemPath>>,

    /// Its key, a PEM file that nobody else should be able to read [default: off]
    #[arg(long = "tls-key", value_name = "FILE|off", help_heading = "TLS")]
    pub(crate) key: Option<OrOff<PemPath>>,
}

/// Where a certificate or a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PemPath(pub(crate) PathBuf);

impl TlsTable {
    /// The table's name in the file.
    pub(crate) const TABLE: &str = "tls";
    /// What its options begin with.
    pub(crate) const PREFIX: &str = "tls-";
    pub(crate) const CERTIFICATE: &str = "certificate";
    pub(crate) const KEY: &str = "key";
}

impl FromStr for PemPath {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text.is_empty() { Err(ValueError::Form("a file's path")) } else { Ok(Self(text.into())) }
    }
}
