//! What peers send, and what it causes.

use super::{Hub, lane::Lane};
use crate::command::CloseReason;
use crate::dialect::{Complaint, Event, MAX_NOTICE, Request};
use crate::journal::RecordKind;
use crate::line::Frame;
use crate::name::GUEST;
use crate::session::{SessionId, Untaken};
use crate::time::Timestamp;
use crate::words::clean;

impl Hub {
    /// Takes bytes that came from a session's peer and returns how many it took.
    ///
    /// Fewer than given means that the session is out of tokens or does not read its replies. The driver keeps the
    /// rest, stops reading from the transport, so that it pushes back, and offers the rest again after
    /// [`Command::Read`](crate::Command::Read). What comes for a session that is closing or gone is taken and ignored.
    pub fn receive(&mut self, now: Timestamp, id: SessionId, bytes: &[u8]) -> usize {
        let now = self.clock(now);
        let Some(slot) = self.sessions.slot(id) else { return bytes.len() };
        let mut taken = 0;
        while taken < bytes.len() && self.sessions[slot].is_open() {
            if !self.may_take(slot, now) {
                break;
            }
            let session = &mut self.sessions[slot];
            let (n, frame) = session.framer.next(&bytes[taken..], self.config.max_line, &mut self.partials);
            taken += n;
            match frame {
                Frame::Whole(line) => self.handle_line(slot, now, line),
                Frame::Joined(partial) => {
                    self.handle_line(slot, now, partial.as_line());
                    self.partials.give(partial);
                }
                Frame::TooLong => {
                    self.count_line(slot, now);
                    self.refuse(slot, Complaint::LineTooLong { max: self.config.max_line });
                }
                Frame::More => {}
            }
        }
        self.sessions[slot].stats.bytes_received += taken as u64;
        self.stats.bytes_received += taken as u64;
        if self.sessions[slot].is_open() { taken } else { bytes.len() }
    }

    /// Takes note that a session's peer will send no more; call it once all of its input was taken.
    ///
    /// A line without its end was not said. The session is sent what is pending, then closed.
    pub fn receive_eof(&mut self, now: Timestamp, id: SessionId) {
        self.clock(now);
        if let Some(slot) = self.live(id) {
            self.begin_close(slot, CloseReason::Eof, "");
        }
    }

    /// Returns whether the session may send another line now; if not, sees to it that it is told when it may.
    fn may_take(&mut self, slot: u32, now: Timestamp) -> bool {
        let session = &self.sessions[slot];
        let untaken = if self.sessions[slot].bucket.refill(self.flow) > now {
            Untaken::UntilRefill
        } else if !self.has_reply_room(slot) {
            Untaken::UntilRead
        } else {
            Untaken::No
        };
        let before = session.untaken;
        if before == untaken {
            return untaken == Untaken::No;
        }
        self.sessions[slot].untaken = untaken;
        if untaken == Untaken::No {
            return true;
        }
        if before == Untaken::No {
            self.stats.throttled += 1;
            self.journal.push(now, Some(self.sessions.id(slot)), RecordKind::Throttled);
        }
        self.arm(slot);
        false
    }

    /// Returns whether whatever a line causes finds room among the session's replies.
    pub(super) fn has_reply_room(&self, slot: u32) -> bool {
        let outbox = self.sessions[slot].outbox.as_ref();
        outbox.is_none_or(|outbox| outbox.has_room(0, self.reply_reserve, self.config.reply_bytes))
    }

    /// Takes note of a complete line: it costs a token and shows that the peer is there.
    fn count_line(&mut self, slot: u32, now: Timestamp) {
        let session = &mut self.sessions[slot];
        session.bucket.take(self.flow, now);
        session.active = now;
        session.stats.lines_received += 1;
        self.stats.lines_received += 1;
    }

    fn handle_line(&mut self, slot: u32, now: Timestamp, line: &[u8]) {
        self.count_line(slot, now);
        let mut decoded = core::mem::take(&mut self.scratch.decoded);
        decoded.clear();
        let named = self.names.get(slot).is_some();
        let request = self.lane(slot).config.dialect.decode(line, named, &mut decoded);
        self.handle_request(slot, request);
        self.scratch.decoded = decoded;
    }

    fn handle_request(&mut self, slot: u32, request: Request<'_>) {
        let mut scratch = core::mem::take(&mut self.scratch.words);
        match request {
            Request::Nothing => {}
            Request::Say { words: said, claim, wire } => {
                let words = clean(said, &mut scratch);
                if !words.is_empty() {
                    self.enter(slot, claim);
                    let name = self.name_of(slot);
                    let wire = wire.filter(|_| core::ptr::eq(words, said));
                    self.publish(&Event::Said { name: name.as_str(), words, wire }, Some(slot));
                }
            }
            Request::Act(words) => {
                let words = clean(words, &mut scratch);
                if !words.is_empty() {
                    self.enter(slot, None);
                    let name = self.name_of(slot);
                    self.publish(&Event::Acted { name: name.as_str(), words }, Some(slot));
                }
            }
            Request::Name(name) => self.rename(slot, name),
            Request::Tell { to, words } => {
                let words = clean(words, &mut scratch);
                if !words.is_empty() {
                    self.tell(slot, to, words);
                }
            }
            Request::Who => self.who(slot, &mut scratch),
            Request::Ping => self.reply(slot, &Event::Pong),
            Request::Help => self.reply(slot, &Event::Help),
            Request::Quit(words) => self.begin_close(slot, CloseReason::Quit, clean(words, &mut scratch)),
            Request::Invalid(complaint) => self.refuse(slot, complaint),
        }
        self.scratch.words = scratch;
    }

    /// Lets a session that is about to say its first words take the name that it claims, and joins it.
    fn enter(&mut self, slot: u32, claim: Option<&str>) {
        let claimed = match claim {
            // A claim that cannot be granted is ignored: the original's clients would not understand a refusal here.
            Some(claim) if self.names.get(slot).is_none() => self.names.claim(slot, claim).is_ok(),
            _ => false,
        };
        if claimed {
            self.journal.push(self.now, Some(self.sessions.id(slot)), RecordKind::Named);
        }
        let guest = self.lane(slot).config.dialect.unnamed() == crate::dialect::Unnamed::Guest;
        if (claimed || guest) && !core::mem::replace(&mut self.sessions[slot].joined, true) {
            let name = self.name_of(slot);
            self.publish(&Event::Joined { name: name.as_str() }, Some(slot));
        }
    }

    fn rename(&mut self, slot: u32, name: &str) {
        let from = self.name_of(slot);
        if self.names.get(slot) != Some(name) {
            if let Err(error) = self.names.claim(slot, name) {
                return self.refuse(slot, Complaint::Name(error));
            }
            tracing::debug!(session = slot, name, "named");
            self.journal.push(self.now, Some(self.sessions.id(slot)), RecordKind::Named);
            if core::mem::replace(&mut self.sessions[slot].joined, true) {
                self.publish(&Event::Renamed { from: from.as_str(), to: name }, Some(slot));
            } else {
                self.publish(&Event::Joined { name }, Some(slot));
            }
        }
        self.reply(slot, &Event::Named { name });
    }

    fn tell(&mut self, slot: u32, to: &str, words: &str) {
        let Some(target) = self.find(to) else { return self.refuse(slot, Complaint::NobodyThere) };
        let from = self.name_of(slot);
        let told = Event::Told { from: from.as_str(), words };
        let len = self.encode(target, &told);
        // Room must stay for the target's last words, and for the answer below if it tells itself.
        let reserve = if target == slot { self.reply_reserve } else { self.max_encoded };
        let max = self.config.reply_bytes;
        let outbox = self.sessions[target].outbox.as_ref();
        if !outbox.map_or(len + reserve <= max, |outbox| outbox.has_room(len, reserve, max)) {
            return self.refuse(slot, Complaint::NotReading);
        }
        let to = self.name_of(target);
        self.reply(target, &told);
        self.reply(slot, &Event::TellPassed { to: to.as_str(), words });
    }

    /// Finds the open session that a name means, a guest's included.
    fn find(&mut self, name: &str) -> Option<u32> {
        if let Some(slot) = self.names.find(name) {
            return Some(slot);
        }
        let number: u32 = name.strip_prefix(GUEST)?.parse().ok()?;
        let slot = number.checked_sub(1).filter(|slot| *slot < self.sessions.slots())?;
        (self.sessions[slot].is_open() && self.name_of(slot).as_str() == name).then_some(slot)
    }

    fn who(&mut self, slot: u32, names: &mut alloc::string::String) {
        const SEPARATOR: &str = ", ";
        names.clear();
        let mut listed = 0;
        for other in self.sessions.occupied().filter(|slot| self.sessions[*slot].is_open()) {
            let name = self.name_of(other);
            // Numbers and words around the list have their room in the dialects' own forms.
            if names.len() + SEPARATOR.len() + name.as_str().len() > MAX_NOTICE.min(self.config.max_line) {
                break;
            }
            if listed > 0 {
                names.push_str(SEPARATOR);
            }
            names.push_str(name.as_str());
            listed += 1;
        }
        let count = self.open;
        self.reply(slot, &Event::Who { names, count, left_out: count - listed });
    }

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
            self.lists.append(lane.behind, lane.caught_up);
        }
    }

    /// Sends an event to one session, if its dialect shows it. There must be room among its replies.
    pub(super) fn reply(&mut self, slot: u32, event: &Event<'_>) {
        self.put_reply(slot, event);
        self.relist(slot);
    }

    /// Puts an event among the session's replies.
    pub(super) fn put_reply(&mut self, slot: u32, event: &Event<'_>) {
        if self.encode(slot, event) == 0 {
            return;
        }
        let at = self.lane(slot).log.head();
        let session = &mut self.sessions[slot];
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
fn encode(lane: &Lane, event: &Event<'_>, out: &mut alloc::vec::Vec<u8>, max: usize) -> bool {
    out.clear();
    lane.config.dialect.encode(event, out);
    if out.len() > max {
        tracing::error!(dialect = lane.config.dialect.name(), len = out.len(), max, "dialect exceeds its own bound");
        out.clear();
    }
    !out.is_empty()
}

/// Cuts words to at most `max` bytes, between characters.
pub(super) fn cut(words: &str, max: usize) -> &str {
    let end = (0..=max.min(words.len())).rev().find(|end| words.is_char_boundary(*end));
    &words[..end.unwrap_or(0)]
}
