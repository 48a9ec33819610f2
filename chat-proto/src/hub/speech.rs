//! How events reach sessions: through the log, or as a reply to one.

use super::Hub;
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
        let mut scratch = self.scratch.take().unwrap_or_default();
        let words = clean(cut(words, self.config.max_line), &mut scratch.words);
        if !words.is_empty() {
            self.publish(&Event::Announced { words }, None);
        }
        self.scratch = Some(scratch);
    }

    /// Appends an event to the log of every dialect that has readers and shows it. Its author is not to read it.
    pub(super) fn publish(&mut self, event: &Event<'_>, author: Option<u32>) {
        self.stats.messages += 1;
        self.backlog.keep(event);
        let home = author.map(|slot| self.sessions[slot].lane);
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            if lane.sessions == 0 {
                continue;
            }
            let index = index as u8;
            let readers = &mut self.sessions.readers(index);
            let moved = if home == Some(index) {
                lane.append(event, author, readers, &mut self.encoded, self.max_encoded)
            } else {
                // Only the dialect that read the words from the wire knows what to make of them as they came.
                lane.append(&event.without_wire(), None, readers, &mut self.encoded, self.max_encoded)
            };
            if moved && !Fault::WakeLost.is_planted() {
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
        outbox.reply(at, &self.encoded, self.config.reply_bytes);
    }

    /// Encodes an event in the session's dialect into the scratch buffer; returns its length.
    pub(super) fn encode(&mut self, slot: u32, event: &Event<'_>) -> usize {
        let lane = &self.lanes[self.sessions[slot].lane as usize];
        lane.encode(event, &mut self.encoded, self.max_encoded);
        self.encoded.len()
    }

    /// Puts the latest messages among a newcomer's replies, as many as half of their room holds.
    pub(super) fn replay_backlog(&mut self, slot: u32) {
        let (session, encoded, max) = (&mut self.sessions[slot], &mut self.encoded, self.max_encoded);
        let lane = &self.lanes[session.lane as usize];
        let mut room = self.config.reply_bytes / 2;
        room = room.saturating_sub(session.outbox.as_ref().map_or(0, |outbox| outbox.replies().len()));
        let fitting = self.backlog.latest().take(lane.config.backlog).take_while(|event| {
            lane.encode(event, encoded, max);
            let fits = encoded.len() <= room;
            room = room.saturating_sub(encoded.len());
            fits
        });
        let fitting = fitting.count();
        let skipped = self.backlog.latest().count() - fitting;
        for event in self.backlog.latest().rev().skip(skipped) {
            if lane.encode(&event, encoded, max) {
                let outbox = session.outbox.get_or_insert_with(|| self.outboxes.take());
                outbox.reply(lane.log.head(), encoded, self.config.reply_bytes);
            }
        }
    }
}
