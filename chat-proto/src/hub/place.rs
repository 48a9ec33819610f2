//! Sessions that read several rooms, all of them in one order: their places, and what they are sent.

use alloc::vec::Vec;

use super::Hub;
use crate::batch::{Batch, HandOut, Line};
use crate::fault::Fault;
use crate::id::{MemberId, RoomId};
use crate::log::Cursor;
use crate::room::spoken::MAX_LABEL;
use crate::session::Session;
use crate::session::places::{Place, Places};
use crate::session::table::LOBBY;
use crate::wire::dialect::irc::tagged;

/// What comes next for a session among the entries of logs.
#[derive(Clone, Copy, Debug)]
struct Next {
    /// The place, by its index in the list.
    place: usize,
    stamp: u64,
}

impl Hub {
    /// Makes a session read several rooms from now on.
    pub(super) fn make_placed(&mut self, slot: u32) {
        if self.sessions[slot].is_placed {
            return;
        }
        let (stamp, max) = (self.logs.next_stamp(), self.config.max_rooms_per_session);
        let session = &mut self.sessions[slot];
        session.is_placed = true;
        let (cursor, reached) = (session.cursor, session.reached);
        let log = &self.logs.lobby().rendered[session.dialect as usize].log;
        if let Some(outbox) = &mut session.outbox {
            // Replies were ordered by the lobby's entries; from now on they are ordered by stamps.
            outbox.move_positions(|seq| {
                if seq >= log.head() {
                    stamp
                } else if seq < log.tail() {
                    0
                } else {
                    log.stamp(seq)
                }
            });
        }
        let places = self.sessions.take_places(slot);
        let place = places.push(LOBBY, cursor, max);
        place.reached = reached;
        (places.focus_place, places.focus) = (place.serial, Some(RoomId::LOBBY));
        // The session is no longer in the list of the lobby's readers.
        self.requeue(slot);
    }

    /// Lets a new session be in no room.
    pub(super) fn make_placed_nowhere(&mut self, slot: u32) {
        self.logs.lobby_mut().rendered[self.sessions[slot].dialect as usize].sessions -= 1;
        self.sessions[slot].is_placed = true;
        self.in_no_room += 1;
        self.requeue(slot);
    }

    /// Adds a place at the head of a room's log.
    pub(super) fn add_place(&mut self, slot: u32, room: RoomId, name: &str) {
        let log = self.logs.begin(room, name);
        let session = &self.sessions[slot];
        let is_waited_for = self.logs.pace.is_some() && !session.intake.is_slow();
        let rendered = &mut self.logs.log_mut(log).rendered[session.dialect as usize];
        let cursor = Cursor::at_head(&rendered.log);
        rendered.sessions += 1;
        let place = self.sessions.take_places(slot).push(log, cursor, self.config.max_rooms_per_session);
        if is_waited_for {
            place.reached = rendered.marks.begin(cursor.next);
        }
    }

    /// Ends the place of a room that a session is no longer in. It is still sent what was said before.
    pub(super) fn end_place(&mut self, slot: u32, room: RoomId) {
        let Some(log) = self.logs.log_of(room) else { return };
        let is_waited_for = self.logs.pace.is_some() && !self.sessions[slot].intake.is_slow();
        let (session, places) = self.sessions.with_places(slot);
        let rendered = &mut self.logs.log_mut(log).rendered[session.dialect as usize];
        let Some(place) = places.and_then(|places| places.live(log)) else { return };
        let was_behind = is_waited_for && rendered.marks.end(place.reached);
        if !Fault::EndIgnored.is_planted() {
            place.end = rendered.log.head();
        }
        if was_behind {
            self.logs.move_marks(log);
        }
        self.tidy_places(slot);
    }

    /// Ends all places of a session that closes.
    pub(super) fn end_places(&mut self, slot: u32) {
        let Self { sessions, logs, .. } = self;
        let (session, Some(places)) = sessions.with_places(slot) else { return };
        for place in places.list.iter_mut().filter(|place| place.is_live()) {
            place.end = logs.log(place.log()).rendered[session.dialect as usize].log.head();
        }
        self.tidy_places(slot);
    }

    /// Gives back all places of a session that is over.
    pub(super) fn give_places_back(&mut self, slot: u32) {
        let Self { sessions, logs, schedule, origins, .. } = self;
        let (session, places) = sessions.with_places(slot);
        session.is_placed = false;
        let (dialect, Some(places)) = (session.dialect as usize, places) else { return };
        schedule.ready.forget_places(slot, places.list.len());
        for place in &places.list {
            let rendered = &mut logs.log_mut(place.log()).rendered[dialect];
            rendered.caught_up -= u32::from(place.is_caught_up(&rendered.log));
            rendered.sessions -= 1;
            origins.end_room(logs.release(place.log()));
        }
        sessions.give_places(slot);
    }

    /// Moves all places past the session's own messages, and removes the places where everything has been read.
    pub(super) fn tidy_places(&mut self, slot: u32) {
        let Self { sessions, logs, schedule, origins, .. } = self;
        let (session, places) = sessions.with_places(slot);
        let (dialect, Some(places)) = (session.dialect as usize, places) else { return };
        let mut is_any_over = false;
        for place in &mut places.list {
            let log = &logs.log(place.log()).rendered[dialect].log;
            place.cursor.skip_own(log, place.end.min(log.head()));
            is_any_over |= place.is_over();
        }
        if !is_any_over {
            return;
        }
        // Places are identified by their indices there.
        schedule.ready.forget_places(slot, places.list.len());
        for place in &mut places.list {
            let rendered = &mut logs.log_mut(place.log()).rendered[dialect];
            rendered.caught_up -= u32::from(place.is_caught_up(&rendered.log));
            place.unlist();
        }
        while let Some(index) = places.list.iter().position(Place::is_over) {
            let place = places.list.remove(index);
            logs.log_mut(place.log()).rendered[dialect].sessions -= 1;
            origins.end_room(logs.release(place.log()));
        }
    }

    /// Returns the log of a place in the dialect of its session, and where it ends.
    fn log_at(&self, dialect: u8, place: &Place) -> (&crate::log::Log, u64) {
        let log = &self.logs.log(place.log()).rendered[dialect as usize].log;
        (log, place.end.min(log.head()))
    }

    /// Returns whether a session has anything to read in any of its rooms.
    pub(super) fn has_unread(&self, slot: u32) -> bool {
        let dialect = self.sessions[slot].dialect;
        let Some(places) = self.sessions.places(slot) else { return false };
        places.list.iter().any(|place| place.cursor.next < self.log_at(dialect, place).1)
    }

    /// Returns whether the next entry of a place was evicted.
    fn is_overtaken(&self, dialect: u8, place: &Place) -> bool {
        let (log, end) = self.log_at(dialect, place);
        place.cursor.next < end && place.cursor.next < log.tail()
    }

    /// Returns what a session reads next, given the next entry at each place: the entry with the least stamp. If
    /// there are several copies of one publication, returns the copy of the room in which the session speaks, or else
    /// the first.
    fn next_entry(&self, slot: u32, ahead: &[u64]) -> Option<Next> {
        let (dialect, places) = (self.sessions[slot].dialect, self.sessions.places(slot)?);
        let focus = places.focus.map(|_| places.focus_place);
        let mut next: Option<(u64, bool, usize)> = None;
        for (index, (place, at)) in places.list.iter().zip(ahead).enumerate() {
            let (log, end) = self.log_at(dialect, place);
            if *at >= end {
                continue;
            }
            let is_elsewhere = focus != Some(place.serial);
            let candidate = (log.stamp(*at), is_elsewhere, index);
            let is_first = next.is_none_or(|next| candidate < next);
            if is_first && !(Fault::StampIgnored.is_planted() && next.is_some()) {
                next = Some(candidate);
            }
        }
        next.map(|(stamp, _, place)| Next { place, stamp })
    }

    /// Returns what to send to a placed session next, if only one of its places has something to read and no place was
    /// overtaken, or if there are only private bytes.
    fn run(&self, session: &Session, places: Option<&Places>) -> Option<HandOut> {
        let format = session.format;
        let mut unread = None;
        for place in places.map_or(&[][..], |places| &places.list) {
            let (log, end) = self.log_at(session.dialect, place);
            if place.cursor.next < end {
                if unread.is_some() || place.cursor.next < log.tail() {
                    return None;
                }
                unread = Some((place, log, end));
            }
        }
        let outbox = session.outbox.as_deref();
        let front = outbox.map_or(0, |outbox| outbox.front().len());
        let (Some((place, log, end)), Some(places)) = (unread, places) else {
            let replies = outbox.map_or(0, |outbox| outbox.len_before(u64::MAX));
            return Some(HandOut { format, front, replies, ..HandOut::default() });
        };
        let from = place.cursor.next;
        let stamp = log.stamp(from);
        let replies = outbox.map_or(0, |outbox| outbox.len_before(stamp));
        let mut limit = outbox.map_or(u64::MAX, |outbox| outbox.limit(stamp));
        let labelled = places.is_labelled(place, stamp) && self.logs.spoken[session.dialect as usize].has_labels;
        if labelled && places.is_focus(place) {
            limit = limit.min(places.focused_at);
        }
        let end = if limit == u64::MAX { end } else { log.first_at(from, limit).min(end) };
        let to = place.cursor.stretch(end).max(from);
        let log_serial = self.logs.log(place.log()).serial;
        let view = session.view();
        let out = HandOut { format, view, labelled, log: place.log(), log_serial, ..HandOut::default() };
        Some(HandOut { front, replies, from, to, ..out })
    }

    /// Returns whether a batch is what to send to a placed session next.
    pub(super) fn fits_placed(&self, slot: u32, batch: &Batch) -> bool {
        let Some(places) = self.sessions.places(slot) else { return false };
        let (session, out) = (&self.sessions[slot], batch.out());
        // Most batches of a round belong to other rooms; this rules them out cheaply.
        places.list.iter().any(|place| place.log() == out.log && place.cursor.next == out.from)
            && !session.has_pong()
            && self.run(session, Some(places)).is_some_and(|run| batch.fits(&run))
    }

    /// Fills a batch for a placed session. If nothing remains to send, returns false.
    pub(super) fn fill_placed(&mut self, slot: u32, batch: &mut Batch, max_bytes: usize) -> bool {
        if self.sessions[slot].irc.is_some() {
            self.step_over_hidden(slot);
        }
        if self.is_any_overtaken(slot) {
            if let Some(out) = self.private_before_gap(slot) {
                self.fill_private(slot, batch, out);
                return true;
            }
            if self.settle_gaps(slot) {
                let front = self.sessions[slot].outbox.as_ref().map_or(0, |outbox| outbox.front().len());
                let format = self.sessions[slot].format;
                self.fill_private(slot, batch, HandOut { format, front, ..HandOut::default() });
                return true;
            }
            if self.sessions[slot].irc.is_some() {
                self.step_over_hidden(slot);
            }
        }
        let run = self.run(&self.sessions[slot], self.sessions.places(slot));
        let Some(run) = run else { return self.fill_lines(slot, batch, max_bytes) };
        if run.is_empty() || batch.fits(&run) {
            return !run.is_empty();
        }
        let outbox = self.sessions[slot].outbox.as_deref();
        let front = outbox.map_or(&[][..], |outbox| outbox.front());
        let replies = outbox.map_or(&[][..], |outbox| &outbox.replies()[..run.replies]);
        let room = self.logs.log(run.log);
        let dialect = run.format.dialect() as usize;
        let (log, spoken) = (&room.rendered[dialect].log, &self.logs.spoken[dialect]);
        if !run.labelled && spoken.irc.is_none() && run.format.messages().is_none() {
            let to = if run.from < run.to { log.fit(run.from, run.to, max_bytes) } else { run.to };
            let (pieces, ends): ([&[u8]; 2], _) = if run.from < to {
                (log.bytes(run.from, to), Some(log.ends(run.from, to)))
            } else {
                ([&[], &[]], None)
            };
            let out = HandOut { to, ..run };
            batch.copy([front, replies, pieces[0], pieces[1]], ends.into_iter().flatten(), out);
            return true;
        }
        batch.begin([front, replies], HandOut { to: run.from, ..run });
        for seq in run.from..run.to {
            let entry = log.bytes(seq, seq + 1);
            let len = batch.log_len() as usize;
            if len > 0 && len + MAX_LABEL + entry[0].len() + entry[1].len() > max_bytes {
                break;
            }
            batch.push(|out| spoken.write_entry(&room.name, run.labelled, run.view, entry, out));
        }
        true
    }

    /// Moves all places of a session of IRC past what it has not asked to be shown, and past its own messages between.
    pub(super) fn step_over_hidden(&mut self, slot: u32) {
        let view = self.view(slot);
        let Self { sessions, logs, .. } = self;
        let (session, places) = sessions.with_places(slot);
        let (dialect, Some(places)) = (session.dialect as usize, places) else { return };
        let mut has_moved = false;
        for place in &mut places.list {
            let log = &logs.log(place.log()).rendered[dialect].log;
            let end = place.end.min(log.head());
            while (log.tail()..end).contains(&place.cursor.next) {
                let next = place.cursor.next;
                if place.cursor.skip_own(log, end) == next {
                    if tagged::is_shown(view, log.bytes(next, next + 1)) {
                        break;
                    }
                    place.cursor.next += 1;
                }
                has_moved = true;
            }
        }
        if has_moved {
            self.observe(slot);
            self.tidy_places(slot);
        }
    }

    /// Returns whether the next entry of any place was evicted.
    fn is_any_overtaken(&self, slot: u32) -> bool {
        let dialect = self.sessions[slot].dialect;
        let places = self.sessions.placed(slot);
        places.is_some_and(|places| places.iter().any(|place| self.is_overtaken(dialect, place)))
    }

    /// Returns the private bytes that come before the notice of a gap, if there are any: the bytes that stand before
    /// all kept entries.
    fn private_before_gap(&self, slot: u32) -> Option<HandOut> {
        let session = &self.sessions[slot];
        let outbox = session.outbox.as_deref()?;
        let first_kept = |place: &Place| {
            let (log, end) = self.log_at(session.dialect, place);
            let next = place.cursor.next.max(log.tail());
            (next < end).then(|| log.stamp(next))
        };
        let places = self.sessions.placed(slot)?;
        let kept = places.iter().filter_map(first_kept).min().unwrap_or(u64::MAX);
        let (front, replies) = (outbox.front().len(), outbox.len_before(kept));
        let out = HandOut { format: session.format, front, replies, ..HandOut::default() };
        (!out.is_empty()).then_some(out)
    }

    /// Fills a batch with private bytes alone.
    fn fill_private(&self, slot: u32, batch: &mut Batch, out: HandOut) {
        if let Some(outbox) = self.sessions[slot].outbox.as_deref() {
            batch.begin([outbox.front(), &outbox.replies()[..out.replies]], out);
        }
    }

    /// Fills a batch with entries of several logs, in their order.
    fn fill_lines(&mut self, slot: u32, batch: &mut Batch, max_bytes: usize) -> bool {
        let mut ahead = core::mem::take(&mut self.ahead);
        let is_filled = self.fill_lines_from(slot, &mut ahead, batch, max_bytes);
        self.ahead = ahead;
        is_filled
    }

    /// Does so with a buffer for the next entry at each place.
    fn fill_lines_from(&self, slot: u32, ahead: &mut Vec<u64>, batch: &mut Batch, max_bytes: usize) -> bool {
        let (id, session) = (self.sessions.id(slot), &self.sessions[slot]);
        let Some(places) = self.sessions.places(slot) else { return false };
        ahead.clear();
        ahead.extend(places.list.iter().map(|place| place.cursor.next));
        let Some(first) = self.next_entry(slot, ahead) else { return false };
        let view = session.view();
        let (dialect, outbox) = (session.dialect, session.outbox.as_deref());
        let front = outbox.map_or(&[][..], |outbox| outbox.front());
        let replies = outbox.map_or(&[][..], |outbox| &outbox.replies()[..outbox.len_before(first.stamp)]);
        let limit = outbox.map_or(u64::MAX, |outbox| outbox.limit(first.stamp));
        let private = (front.len(), replies.len());
        let out = HandOut { format: session.format, front: private.0, replies: private.1, ..HandOut::default() };
        batch.begin([front, replies], out);
        let mut following = Some(first);
        while let Some(next) = following.filter(|next| next.stamp < limit) {
            let (place, at) = (&places.list[next.place], ahead[next.place]);
            if place.cursor.stretch(u64::MAX) == at {
                // A message of its own, which is skipped when everything before it has been taken.
                break;
            }
            let room = self.logs.log(place.log());
            let entry = room.rendered[dialect as usize].log.bytes(at, at + 1);
            let spoken = &self.logs.spoken[dialect as usize];
            if spoken.irc.is_some() && !tagged::is_shown(view, entry) {
                // It is skipped with the next entry that is shown.
                ahead[next.place] += 1;
                following = self.next_entry(slot, ahead);
                continue;
            }
            let len = batch.log_len() as usize;
            if len > 0 && len + MAX_LABEL + entry[0].len() + entry[1].len() > max_bytes {
                break;
            }
            let is_labelled = spoken.has_labels && places.is_labelled(place, next.stamp);
            let write = |out: &mut _| spoken.write_entry(&room.name, is_labelled, view, entry, out);
            batch.push_line(id, write, place.serial, at);
            ahead[next.place] += 1;
            for (index, other) in places.list.iter().enumerate() {
                let ((log, end), at) = (self.log_at(dialect, other), ahead[index]);
                let is_copy = at < end && log.stamp(at) == next.stamp;
                if is_copy && !Fault::CopyShownTwice.is_planted() {
                    batch.push_copy(id, other.serial, at);
                    ahead[index] += 1;
                }
            }
            following = self.next_entry(slot, ahead);
        }
        !batch.as_bytes().is_empty()
    }

    /// Moves places that were overtaken to the oldest message kept, until there is a notice of a gap; returns whether
    /// there is one.
    fn settle_gaps(&mut self, slot: u32) -> bool {
        let dialect = self.sessions[slot].dialect;
        loop {
            let overtaken = |place: &&Place| self.is_overtaken(dialect, place);
            let Some(places) = self.sessions.places(slot) else { return false };
            let Some(place) = places.list.iter().find(overtaken).copied() else { return false };
            let is_labelled = !places.is_focus(&place);
            let (log, end) = self.log_at(dialect, &place);
            let mut cursor = place.cursor;
            let missed = cursor.catch_up(log, end);
            cursor.skip_own(log, end);
            if let Some(moved) = self.sessions.places_mut(slot).and_then(|places| places.find(place.serial)) {
                moved.cursor = cursor;
            }
            self.observe(slot);
            self.tidy_places(slot);
            if missed > 0 {
                let is_wrong = Fault::GapInWrongRoom.is_planted();
                self.tell_gap(slot, missed, (is_labelled != is_wrong).then_some(place.log()));
                if self.sessions[slot].outbox.as_ref().is_some_and(|outbox| !outbox.front().is_empty()) {
                    return true;
                }
            }
        }
    }

    /// Takes the report of a write to a placed session.
    pub(super) fn sent_placed(&mut self, slot: u32, batch: &Batch, n: usize) {
        let session = &self.sessions[slot];
        let is_private_given = session.was_given_private(batch.out()) && session.format == batch.out().format;
        let is_given = is_private_given
            && match batch.lines() {
                Some((owner, lines)) => owner == self.sessions.id(slot) && self.take_lines(slot, batch, lines, n),
                None => self.take_run(slot, batch, n),
            };
        if !is_given {
            return self.progressed(slot, 0, true);
        }
        self.tidy_places(slot);
        self.progressed(slot, n, n == batch.as_bytes().len());
    }

    /// Moves the places of a session past the lines of several logs that are among the first `n` bytes of a batch;
    /// returns false, and moves none, if they are not what it reads next.
    fn take_lines(&mut self, slot: u32, batch: &Batch, lines: &[Line], n: usize) -> bool {
        let (session, Some(places)) = self.sessions.with_places(slot) else { return false };
        let is_next = |place: &Place| {
            lines.first().is_some_and(|line| place.serial == line.place && place.cursor.next == line.seq)
        };
        if !places.list.iter().any(is_next) {
            return false;
        }
        let (count, rest) = batch.seek_lines(n);
        let mut end = 0;
        for line in &lines[..count] {
            // A copy of the line before it ends at the same byte.
            let is_one = u64::from(line.end != end);
            session.stats.lines_sent += is_one;
            self.stats.lines_sent += is_one;
            end = line.end;
            if let Some(place) = places.find(line.place) {
                place.cursor.next = line.seq + 1;
            }
        }
        session.take_private(batch, n, self.logs.max_encoded + MAX_LABEL);
        session.keep_rest(rest, &mut self.outboxes, self.logs.max_encoded + MAX_LABEL);
        true
    }

    /// Does the same for the entries of one log.
    fn take_run(&mut self, slot: u32, batch: &Batch, n: usize) -> bool {
        let out = batch.out();
        let (session, places) = self.sessions.with_places(slot);
        let logs = &self.logs;
        let is_next = |place: &&mut Place| {
            place.log() == out.log
                && logs.log(place.log()).serial == out.log_serial
                && place.cursor.next == out.from
                && place.cursor.stretch(place.end) >= out.to
        };
        let place = places.and_then(|places| places.list.iter_mut().find(is_next));
        if place.is_none() && out.from != out.to {
            return false;
        }
        let mut rest_of_line: &[u8] = &[];
        if let (Some((seq, rest)), Some(place)) = (batch.seek(n), place) {
            let next = seq + u64::from(!rest.is_empty());
            let lines = batch.shown((next - out.from) as usize);
            session.stats.lines_sent += lines;
            self.stats.lines_sent += lines;
            place.cursor.next = next;
            rest_of_line = rest;
        }
        session.take_private(batch, n, self.logs.max_encoded + MAX_LABEL);
        session.keep_rest(rest_of_line, &mut self.outboxes, self.logs.max_encoded + MAX_LABEL);
        true
    }

    /// Puts a placed session into the lists of all logs that it reads, now that it has read all of them.
    pub(super) fn wait_at_places(&mut self, slot: u32) {
        let Self { sessions, logs, schedule, .. } = self;
        let (session, Some(places)) = sessions.with_places(slot) else { return };
        for (index, place) in places.list.iter_mut().enumerate().filter(|(_, place)| place.is_live()) {
            if place.list() {
                schedule.ready.wait_at(slot, index, place.log(), session.dialect);
                logs.log_mut(place.log()).rendered[session.dialect as usize].caught_up += 1;
            }
        }
    }

    /// Returns the room in which a session speaks.
    pub(super) fn focus(&self, slot: u32) -> Option<RoomId> {
        if self.sessions[slot].is_placed { self.sessions.places(slot)?.focus } else { Some(RoomId::LOBBY) }
    }

    /// Moves the focus of a placed session.
    pub(super) fn set_focus(&mut self, slot: u32, room: Option<RoomId>) {
        let stamp = self.logs.next_stamp();
        let log = room.and_then(|room| self.logs.log_of(room));
        if !self.sessions[slot].is_placed || room.is_none() && self.sessions.places(slot).is_none() {
            return;
        }
        let places = self.sessions.take_places(slot);
        let before = (places.focus, places.focus_place);
        if let Some(place) = log.and_then(|log| places.live(log)) {
            places.focus_place = place.serial;
        }
        if before != (room, places.focus_place) {
            (places.focus, places.focused_at) = (room, stamp);
            self.in_no_room = self.in_no_room + usize::from(room.is_none()) - usize::from(before.0.is_none());
        }
    }

    /// Returns the room that a session entered last, but the lobby first; `None` if it is in none.
    pub(super) fn fallback(&self, slot: u32) -> Option<RoomId> {
        let member = MemberId(slot);
        if self.conversation.is_in(member, RoomId::LOBBY) {
            return Some(RoomId::LOBBY);
        }
        self.conversation.rooms_of(member).next()
    }
}
