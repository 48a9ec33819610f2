//! How events reach sessions: through the log, or as a reply to one.

use alloc::vec::Vec;

use super::{Hub, lane::Lane};
use crate::dialect::{Complaint, Event};
use crate::fault::Fault;
use crate::journal::RecordKind;
use crate::words::{clean, cut};

impl Hub {
    pub(super) fn refuse(&mut self, slot: u32, complaint: Complaint) {
        self.stats.refused += 1;
        self.journal.push(self.now, Some(self.sessions.id(slot)), RecordKind::Refused);
        self.reply(slot, &Event::Refused(complaint));
    }

    pub(super) fn announce_now(&mut self, words: &str) {
        let mut scratch = core::mem::take(&mut self.scratch.words);
        let words = clean(cut(words, self.config.max_line), &mut scratch);
        if !words.is_empty() {
            self.publish(&Event::Announced { words }, None);
        }
        self.scratch.words = scratch;
    }

    /// Appends an event to the log of every dialect that shows it. Its author is not to read it.
    pub(super) fn publish(&mut self, event: &Event<'_>, author: Option<u32>) {
        self.stats.messages += 1;
        let home = author.map(|slot| self.sessions[slot].lane);
        for (index, lane) in (0..).zip(&mut self.lanes) {
            if lane.is_unused() {
                continue;
            }
            let at_home = home == Some(index);
            // Only the dialect that read the words from the wire knows what to make of them as they came.
            let event = if at_home { *event } else { event.without_wire() };
            let encoded = &mut self.scratch.encoded;
            if !encode(lane, &event, encoded, self.max_encoded) {
                continue;
            }
            let author = author.filter(|_| at_home);
            let seq = lane.log.append(encoded, author, &mut self.sessions.readers(index));
            lane.remember(&event, seq);
            if !Fault::WakeLost.is_planted() {
                self.lists.append(lane.behind, lane.caught_up);
            }
        }
    }

    /// Sends an event to one session, if its dialect shows it. There must be room among its replies.
    ///
    /// A session that is closing gets no more than its last words: it may have begun to close within the same request,
    /// when it was found to lag.
    pub(super) fn reply(&mut self, slot: u32, event: &Event<'_>) {
        if !self.sessions[slot].is_open() {
            return;
        }
        self.put_reply(slot, event);
        self.relist(slot);
    }

    /// Puts an event among the session's replies.
    pub(super) fn put_reply(&mut self, slot: u32, event: &Event<'_>) {
        if self.encode(slot, event) == 0 {
            return;
        }
        let head = self.lane(slot).log.head();
        let session = &mut self.sessions[slot];
        let at = if Fault::ReplyOutOfOrder.is_planted() { session.cursor.next } else { head };
        let outbox = session.outbox.get_or_insert_with(|| self.outboxes.take());
        outbox.reply(at, &self.scratch.encoded, self.config.reply_bytes);
    }

    /// Encodes an event in the session's dialect into the scratch buffer; returns its length.
    pub(super) fn encode(&mut self, slot: u32, event: &Event<'_>) -> usize {
        let lane = &self.lanes[self.sessions[slot].lane as usize];
        encode(lane, event, &mut self.scratch.encoded, self.max_encoded);
        self.scratch.encoded.len()
    }

    /// Puts the latest messages among a newcomer's replies, as many as half of their room holds.
    pub(super) fn replay_backlog(&mut self, slot: u32) {
        let session = &mut self.sessions[slot];
        let lane = &self.lanes[session.lane as usize];
        let (log, head) = (&lane.log, lane.log.head());
        let mut room = self.config.reply_bytes / 2;
        room = room.saturating_sub(session.outbox.as_ref().map_or(0, |outbox| outbox.replies().len()));
        let fitting = lane.recent.iter().rev().take_while(|seq| {
            let len = if **seq < log.tail() { usize::MAX } else { log.len(**seq, **seq + 1) };
            let fits = len <= room;
            room = room.saturating_sub(len);
            fits
        });
        let first = lane.recent.len() - fitting.count();
        for seq in lane.recent.range(first..) {
            let outbox = session.outbox.get_or_insert_with(|| self.outboxes.take());
            for piece in log.bytes(*seq, *seq + 1) {
                outbox.reply(head, piece, self.config.reply_bytes);
            }
        }
    }
}

/// Encodes an event; returns whether there is anything to show.
///
/// A dialect that writes more than it said it would is not obeyed: the bounds come first.
fn encode(lane: &Lane, event: &Event<'_>, out: &mut Vec<u8>, max: usize) -> bool {
    out.clear();
    lane.config.dialect.encode(event, out);
    if out.len() > max {
        tracing::error!(dialect = lane.config.dialect.name(), len = out.len(), max, "dialect exceeds its own bound");
        out.clear();
    }
    !out.is_empty()
}
