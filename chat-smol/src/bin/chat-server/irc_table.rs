//! The `[irc]` table of the configuration file: what clients of IRC are told of the server.

use std::path::PathBuf;
use std::str::FromStr;

use chat_proto::dialect::{Irc, IrcSettings};
use clap::Args;
use serde::Deserialize;

use crate::file_value;
use crate::password_hash::PasswordHash;
use crate::value::{OrOff, ValueError};

/// The `[irc]` table. Each field is a key of it, and an option with [`PREFIX`](Self::PREFIX) in front.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct IrcTable {
    /// The server's name, which clients show: letters, digits, "-" and ".", at most 63 bytes. The names of a machine
    /// are such [default: irc.localhost]
    #[arg(long = "irc-server-name", value_name = "NAME", help_heading = "IRC")]
    #[serde(deserialize_with = "file_value::some_from_text")]
    pub(crate) server_name: Option<ServerName>,

    /// The name of the network, by which clients call the connection: letters, digits, "-", "." and "_", at most 63
    /// bytes [default: off]
    #[arg(long = "irc-network", value_name = "NAME|off", help_heading = "IRC")]
    pub(crate) network: Option<OrOff<NetworkName>>,

    /// The message of the day, a text file that is read at start: at most 200 lines of 400 bytes [default: off]
    #[arg(long = "irc-motd", value_name = "FILE|off", help_heading = "IRC")]
    pub(crate) motd: Option<OrOff<MotdPath>>,

    /// The hash of the password that clients need. Only a file has it, because others can read command lines.
    #[arg(skip)]
    pub(crate) password: Option<OrOff<PasswordHash>>,
}

/// A server's name that IRC allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerName(String);

/// A network's name that IRC allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NetworkName(String);

/// Where the message of the day is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MotdPath(pub(crate) PathBuf);

impl IrcTable {
    /// The table's name in the file.
    pub(crate) const TABLE: &str = "irc";
    /// What its options begin with.
    pub(crate) const PREFIX: &str = "irc-";
    pub(crate) const MOTD: &str = "motd";
    pub(crate) const PASSWORD: &str = "password";

    /// Sets the names that are given here, and leaves the others.
    pub(crate) fn apply(&self, settings: &mut IrcSettings) {
        if let Some(ServerName(name)) = &self.server_name {
            settings.server_name.clone_from(name);
        }
        if let Some(OrOff(network)) = &self.network {
            settings.network = network.as_ref().map(|NetworkName(name)| name.clone()).unwrap_or_default();
        }
    }
}

impl FromStr for ServerName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        Irc::new(IrcSettings { server_name: text.into(), ..IrcSettings::default() })?;
        Ok(Self(text.into()))
    }
}

impl FromStr for NetworkName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        Irc::new(IrcSettings { network: text.into(), ..IrcSettings::default() })?;
        Ok(Self(text.into()))
    }
}

impl FromStr for MotdPath {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text.is_empty() { Err(ValueError::Form("a file's path")) } else { Ok(Self(text.into())) }
    }
}
