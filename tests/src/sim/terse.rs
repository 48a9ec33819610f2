//! A dialect that does not show everything.

use std::time::Duration;

use chat_proto::dialect::{Dialect, Request, Text, Update};

/// `text` that shows messages only: no gaps, joins, leaves or actions.
///
/// Its readers may be given a `Send` for an entry that is evicted before it is read, without a notice in its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terse;

impl Dialect for Terse {
    fn name(&self) -> &'static str {
        Text.name()
    }

    fn decode<'a>(&self, line: &'a [u8], named: bool, scratch: &'a mut Vec<u8>) -> Request<'a> {
        Text.decode(line, named, scratch)
    }

    fn encode(&self, update: &Update<'_>, out: &mut Vec<u8>) {
        let is_hidden = matches!(
            update,
            Update::Missed { .. }
                | Update::Joined { .. }
                | Update::Renamed { .. }
                | Update::Entered { .. }
                | Update::Parted { .. }
                | Update::Left { .. }
                | Update::CameAndWent { .. }
                | Update::Acted { .. }
                | Update::Closing { .. }
        );
        if !is_hidden {
            Text.encode(update, out);
        }
    }

    fn encoded_len(&self, payload: usize) -> usize {
        Text.encoded_len(payload)
    }

    fn folds_presence(&self) -> bool {
        Text.folds_presence()
    }

    fn has_rooms(&self) -> bool {
        Text.has_rooms()
    }

    fn label(&self, room: &str, out: &mut Vec<u8>) {
        Text.label(room, out);
    }

    fn idle_timeout(&self) -> Option<Duration> {
        Text.idle_timeout()
    }

    fn backlog(&self) -> usize {
        Text.backlog()
    }
}
