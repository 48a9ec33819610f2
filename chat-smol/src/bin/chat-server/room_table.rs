//! A `[[room]]` table of the configuration file: a room that is always there.

use std::str::FromStr;

use chat_proto::{RoomConfig, RoomFlags};
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use crate::{file_value, value};

/// A `[[room]]` table. Each field is a key of it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RoomTable {
    name: String,
    #[serde(default)]
    topic: String,
    /// `None`: those of a new room.
    flags: Option<Vec<Flag>>,
}

impl RoomTable {
    /// The table's name in the file.
    pub(crate) const TABLE: &str = "room";
    pub(crate) const NAME: &str = "name";
    pub(crate) const TOPIC: &str = "topic";
    pub(crate) const FLAGS: &str = "flags";
    pub(crate) const KEYS: [&str; 3] = [Self::NAME, Self::TOPIC, Self::FLAGS];

    /// Returns the room as the core takes it.
    pub(crate) fn room(&self) -> RoomConfig {
        let flags = match &self.flags {
            Some(flags) => flags.iter().fold(RoomFlags::NONE, |all, Flag(flag)| all | *flag),
            None => RoomFlags::NEW,
        };
        RoomConfig { name: self.name.clone(), topic: self.topic.clone(), flags }
    }
}

/// A flag of a room, by its name.
#[derive(Clone, Copy, Debug)]
struct Flag(RoomFlags);

/// There is no flag of that name.
#[derive(Debug, Error)]
#[error("there is no such flag; {advice}")]
struct UnknownFlag {
    advice: String,
}

impl FromStr for Flag {
    type Err = UnknownFlag;

    fn from_str(text: &str) -> Result<Self, UnknownFlag> {
        if let Some((flag, _)) = RoomFlags::ALL.into_iter().find(|(_, name)| *name == text) {
            return Ok(Self(flag));
        }
        let names = RoomFlags::ALL.map(|(_, name)| name);
        let all = format!("there are {}", names.join(", "));
        Err(UnknownFlag { advice: value::did_you_mean(text, &names, &all) })
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(file: D) -> Result<Self, D::Error> {
        file_value::from_text(file)
    }
}
