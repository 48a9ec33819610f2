//! The `[web]` table of the configuration file: how browsers may reach the page.

use std::str::FromStr;

use chat_proto::http::{HostName, PageOrigin, Site};
use clap::Args;
use serde::Deserialize;
use serde::de::Deserializer;

use crate::file_value;
use crate::value::ValueError;

/// The `[web]` table. Each field is a key of it, and an option with [`PREFIX`](Self::PREFIX) in front.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct WebTable {
    /// A name by which browsers reach web and +ws, besides IP addresses and localhost; any other is refused, or pages
    /// elsewhere could reach this server. May be given several times [default: none]
    #[arg(long = "web-hosts", value_name = "NAME", help_heading = "Web")]
    pub(crate) hosts: Vec<Host>,

    /// The origin of pages elsewhere that may connect, with "https://" in front; pages of this server may anyway. May
    /// be given several times [default: none]
    #[arg(long = "web-origins", value_name = "ORIGIN", help_heading = "Web")]
    pub(crate) origins: Vec<Origin>,
}

/// A name by which browsers reach the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host(pub(crate) HostName);

/// The origin of pages elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin(pub(crate) PageOrigin);

impl WebTable {
    /// The table's name in the file.
    pub(crate) const TABLE: &str = "web";
    /// What its options begin with.
    pub(crate) const PREFIX: &str = "web-";
    pub(crate) const HOSTS: &str = "hosts";
    pub(crate) const ORIGINS: &str = "origins";

    /// Takes what another table has, list by list.
    pub(crate) fn overlay(&mut self, other: &Self) {
        if !other.hosts.is_empty() {
            self.hosts.clone_from(&other.hosts);
        }
        if !other.origins.is_empty() {
            self.origins.clone_from(&other.origins);
        }
    }

    /// Lets browsers reach a site in these ways.
    pub(crate) fn apply(&self, site: Site) -> Site {
        let site = self.hosts.iter().fold(site, |site, Host(name)| site.host(name.clone()));
        self.origins.iter().fold(site, |site, Origin(origin)| site.origin(origin.clone()))
    }
}

impl FromStr for Host {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        text.parse().map(Self).map_err(|_| ValueError::Form("a name such as chat.example, without a port"))
    }
}

impl<'de> Deserialize<'de> for Host {
    fn deserialize<D: Deserializer<'de>>(file: D) -> Result<Self, D::Error> {
        file_value::from_text(file)
    }
}

impl FromStr for Origin {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let form = "http:// or https:// and a host, with a port or without, as in https://gamja.example:8443";
        text.parse().map(Self).map_err(|_| ValueError::Form(form))
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(file: D) -> Result<Self, D::Error> {
        file_value::from_text(file)
    }
}
