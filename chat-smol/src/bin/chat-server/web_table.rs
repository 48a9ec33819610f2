//! The `[web]` table of the configuration file: how browsers may reach the page.

use std::str::FromStr;

use chat_proto::http::HostName;
use clap::Args;
use serde::Deserialize;
use serde::de::Deserializer;

use crate::value::{self, ValueError};

/// The `[web]` table. Each field is a key of it, and an option with [`PREFIX`](Self::PREFIX) in front.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct WebTable {
    /// A name by which browsers reach web and +ws, besides IP addresses and localhost; any other is refused, or pages
    /// elsewhere could reach this server. May be given several times [default: none]
    #[arg(long = "web-hosts", value_name = "NAME", help_heading = "Web")]
    pub(crate) hosts: Vec<Host>,
}

/// A name by which browsers reach the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host(pub(crate) HostName);

impl WebTable {
    /// The table's name in the file.
    pub(crate) const TABLE: &str = "web";
    /// What its options begin with.
    pub(crate) const PREFIX: &str = "web-";
    pub(crate) const HOSTS: &str = "hosts";
}

impl FromStr for Host {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        text.parse().map(Self).map_err(|_| ValueError::Form("a name such as chat.example, without a port"))
    }
}

impl<'de> Deserialize<'de> for Host {
    fn deserialize<D: Deserializer<'de>>(file: D) -> Result<Self, D::Error> {
        value::from_text(file)
    }
}
