//! The dialects in use, and how the lines of rooms begin in each.

use alloc::vec::Vec;

use crate::config::{Config, DialectConfig};
use crate::fault::Fault;
use crate::moderation::MAX_ROOM_NAME;
use crate::wire::dialect::irc::Irc;
use crate::wire::dialect::irc::tagged::{self, View};

/// A dialect in use.
#[derive(Debug)]
pub(crate) struct Spoken {
    pub(crate) config: DialectConfig,
    pub(crate) has_rooms: bool,
    /// Lines of rooms that are not the focus have a label.
    pub(crate) has_labels: bool,
    /// The most bytes of an update.
    pub(crate) longest: usize,
    /// It is IRC.
    pub(crate) irc: Option<Irc>,
}

/// The name of the lobby.
pub(crate) const LOBBY_NAME: &str = "lobby";

/// The most bytes of a label.
pub(crate) const MAX_LABEL: usize = MAX_ROOM_NAME + 16;

impl Spoken {
    pub(super) fn new(config: &DialectConfig, limits_of_all: &Config) -> Self {
        let (dialect, mut label) = (&config.dialect, Vec::new());
        dialect.label(LOBBY_NAME, &mut label);
        Self {
            has_rooms: dialect.has_rooms(),
            has_labels: !label.is_empty(),
            longest: limits_of_all.longest_beside(config),
            irc: dialect.as_irc().cloned(),
            config: config.clone(),
        }
    }

    /// Appends an entry of the log of a room as a reader with that view is shown it, behind the label of the room if that
    /// is wanted.
    pub(crate) fn write_entry(&self, room: &str, labelled: bool, view: View, entry: [&[u8]; 2], out: &mut Vec<u8>) {
        if self.irc.is_some() {
            return tagged::show(view, entry, out);
        }
        if labelled {
            self.label(room, out);
        }
        out.extend_from_slice(entry[0]);
        out.extend_from_slice(entry[1]);
    }

    /// Appends the label of a room.
    pub(crate) fn label(&self, room: &str, out: &mut Vec<u8>) {
        let start = out.len();
        if !Fault::LabelMissing.is_planted() {
            self.config.dialect.label(room, out);
        }
        if out.len() > start + MAX_LABEL {
            out.truncate(start);
        }
    }
}
