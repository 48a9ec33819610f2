//! Updates for one session, encoded into a buffer.

use alloc::vec::Vec;

use super::RoomLogs;
use super::scenery::{Place, Scenery};
use crate::wire::dialect::Update;
use crate::wire::dialect::irc::Irc;
use crate::wire::dialect::irc::tagged::{self, Shown, Tags, View};

impl RoomLogs {
    /// Encodes an update as one dialect does, which is not IRC. [`encoded`](Self::encoded) is empty then if the dialect
    /// does not show it.
    pub(crate) fn encode(&mut self, dialect: u8, update: &Update<'_>) {
        self.table.lobby.rendered[dialect as usize].encode(update, &mut self.encoded, self.max_encoded);
    }

    /// Does the same, behind the label of a room.
    pub(crate) fn encode_labelled(&mut self, dialect: u8, log: u32, update: &Update<'_>) {
        let rendered = &self.table.lobby.rendered[dialect as usize];
        if rendered.encode(update, &mut self.encoded, self.max_encoded) {
            let (len, name) = (self.encoded.len(), self.log(log).name);
            self.spoken[dialect as usize].label(&name, &mut self.encoded);
            self.encoded.rotate_left(len);
        }
    }

    /// Encodes an update of IRC as a reader with that view is shown it.
    pub(crate) fn encode_irc(
        &mut self,
        view: View,
        irc: &Irc,
        update: &Update<'_>,
        scenery: Scenery<'_>,
        at: &Place<'_>,
    ) {
        self.kept.clear();
        scenery.render(irc, update, at, &mut self.kept);
        self.show(view);
    }

    /// Encodes what `render` appends, as a reader with that view is shown it.
    pub(crate) fn encode_scene(&mut self, view: View, render: impl FnOnce(&mut Vec<u8>)) {
        self.kept.clear();
        render(&mut self.kept);
        self.show(view);
    }

    /// Encodes lines of IRC that come from the server, as a reader with that view is shown them.
    pub(crate) fn encode_lines(&mut self, view: View, at: &Place<'_>, body: impl FnOnce(&mut Vec<u8>)) {
        self.kept.clear();
        tagged::write(Shown::default(), at.wall_time(), Tags::default(), &mut self.kept, body);
        self.show(view);
    }

    fn show(&mut self, view: View) {
        self.encoded.clear();
        tagged::show(view, [&self.kept, &[]], &mut self.encoded);
    }

    /// Encodes an entry of a log of IRC as a reader with that view is shown it.
    pub(crate) fn encode_entry(&mut self, log: u32, dialect: u8, seq: u64, view: View) {
        self.encoded.clear();
        let entries = &self.table.get(log).rendered[dialect as usize].log;
        tagged::show(view, entries.bytes(seq, seq + 1), &mut self.encoded);
    }

    /// Puts a tag before each line of IRC that was encoded last.
    pub(crate) fn tag_encoded(&mut self, tag: &str) {
        self.kept.clear();
        tagged::tag_lines(&self.encoded, tag, &mut self.kept);
        core::mem::swap(&mut self.kept, &mut self.encoded);
    }

    /// Takes lines as what was encoded last.
    pub(crate) fn set_encoded(&mut self, lines: &[u8]) {
        self.encoded.clear();
        self.encoded.extend_from_slice(lines);
    }

    /// Forgets what was encoded last.
    pub(crate) fn encode_nothing(&mut self) {
        self.encoded.clear();
    }

    /// Returns what was encoded last.
    pub(crate) fn encoded(&self) -> &[u8] {
        &self.encoded
    }
}
