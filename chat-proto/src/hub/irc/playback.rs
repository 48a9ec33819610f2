//! Events among the messages of CHATHISTORY: who came, went, was renamed or kicked, and what was changed in the channel
//! (IRCv3, "draft/event-playback").
//!
//! They are read from the room's log, in the form in which its readers of IRC were shown them. So they take no extra
//! memory. They reach back as far as the log does, and only to times when somebody read the room in IRC.

use super::history::Anchor;
use crate::conversation::Recorded;
use crate::hub::Hub;
use crate::id::RoomId;
use crate::log::Log;
use crate::session::irc::{Events, Query};
use crate::wire::dialect::irc::tagged::{Peek, View, peek};
use crate::wire::dialect::irc::time::{WALL_LEN, WallTime};

/// The most entries of a log with the same time among which a message is looked for.
const MAX_AT_ONCE: usize = 256;

/// The most entries of a log among which the latest events are looked for.
const LOOKED_AT: usize = 1_024;

/// A message between events: its number among events, and the time at which it was said.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    number: u64,
    time: [u8; WALL_LEN],
}

impl Hub {
    /// Finds the events to show with some messages of a room: events between the anchors, and not beyond the messages
    /// next to those that are shown. Finds at most `most`: the first of them, or with `latest` the last.
    pub(super) fn begin_events(
        &mut self,
        slot: u32,
        room: RoomId,
        (start, end): (u64, u64),
        [after, before]: [Option<Anchor>; 2],
        most: usize,
        latest: bool,
    ) {
        let Some(log) = self.logs.log_of(room) else { return };
        let log = &self.logs.log(log).rendered[self.sessions[slot].dialect as usize].log;
        let message = |number: u64| self.conversation.message(room, number).map(|message| self.mark_of(&message));
        let place = |anchor: Anchor, beyond: bool| match anchor {
            Anchor::Time(millis) => {
                let time = WallTime::from_millis(millis).text();
                first_where(log, |entry| if beyond { entry.time > time } else { entry.time >= time })
            }
            Anchor::Number(number) => match message(self.first_message(room, anchor, false)) {
                Some(mark) => place_of(log, mark) + u64::from(beyond && mark.number == number),
                None => log.head(),
            },
            Anchor::OtherLife if beyond => log.tail(),
            Anchor::OtherLife => log.head(),
        };
        let mut next = after.map_or(log.tail(), |anchor| place(anchor, true));
        let mut last = before.map_or(log.head(), |anchor| place(anchor, false));
        if let Some(earlier) = start.checked_sub(1).and_then(message) {
            next = next.max(place_of(log, earlier));
        }
        if let Some(later) = message(end) {
            last = last.min(place_of(log, later));
        }
        if latest {
            let looked_at = (next..last).rev().take(LOOKED_AT);
            let found = looked_at.filter(|seq| entry(log, *seq).is_event).take(most).last();
            next = found.unwrap_or(last);
        }
        self.set_query(slot, Query::Events(Events { next, end: last, left: most as u16 }));
    }

    /// Returns what distinguishes a message in a log.
    pub(super) fn mark_of(&self, message: &Recorded<'_>) -> Mark {
        let at = message.at.unwrap_or_default();
        Mark { number: message.seq, time: self.logs.clock().at(at).text() }
    }

    /// Encodes the next event before a message, or before the end if that is none; returns whether there is one.
    pub(super) fn write_event(&mut self, slot: u32, room: RoomId, before: Option<Mark>) -> bool {
        let (view, dialect) = (self.view(slot).without(View::NEWS), self.sessions[slot].dialect);
        let (Some(irc), Some(log)) = (&mut self.sessions[slot].irc, self.logs.log_of(room)) else { return false };
        let Some(Query::Events(events)) = irc.query_mut() else { return false };
        let entries = &self.logs.log(log).rendered[dialect as usize].log;
        events.next = events.next.max(entries.tail());
        while events.next < events.end && events.left > 0 {
            let entry = entry(entries, events.next);
            match (entry.number, before) {
                (Some(number), Some(mark)) if number > mark.number => return false,
                // The log may lack the message, if nobody read the room in IRC then.
                (None, Some(mark)) if entry.time > mark.time => return false,
                (None, Some(mark)) if entry.time == mark.time && place_of(entries, mark) < events.next => return false,
                _ => events.next += 1,
            }
            if before.is_some_and(|mark| entry.number == Some(mark.number)) {
                return false;
            }
            if entry.is_event {
                events.left -= 1;
                let seq = events.next - 1;
                self.logs.encode_entry(log, dialect, seq, view);
                return true;
            }
        }
        false
    }
}

fn entry(log: &Log, seq: u64) -> Peek {
    peek(log.bytes(seq, seq + 1))
}

/// Returns the first entry of a log that `is_late`; all entries after it are late, too.
fn first_where(log: &Log, is_late: impl Fn(&Peek) -> bool) -> u64 {
    let (mut low, mut high) = (log.tail(), log.head());
    while low < high {
        let middle = low.midpoint(high);
        if is_late(&entry(log, middle)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// Returns the entry of a message; if the log lacks it, the first one after its time.
fn place_of(log: &Log, mark: Mark) -> u64 {
    let first = first_where(log, |entry| entry.time >= mark.time);
    let at_once = (first..log.head()).take(MAX_AT_ONCE).take_while(|seq| entry(log, *seq).time == mark.time);
    let found = at_once.into_iter().find(|seq| entry(log, *seq).number == Some(mark.number));
    found.unwrap_or_else(|| first_where(log, |entry| entry.time > mark.time))
}
