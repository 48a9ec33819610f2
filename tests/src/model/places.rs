//! What sessions read: places in the logs of rooms.

use std::collections::VecDeque;
use std::rc::Rc;

use super::irc::Block;
use super::rooms::RoomKey;
use super::{Model, Reply};

/// A room that a session is in, or has left without having read all that was said before.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) room: RoomKey,
    /// The entries that are pending for the session.
    pub(super) pending: VecDeque<Entry>,
    /// The session has left the room.
    pub(super) left: bool,
    /// The session speaks in the room, or did when it was closed.
    pub(super) is_focus: bool,
    /// The session has reached the room's mark.
    pub(super) reached: bool,
    /// What the session is still to be told, if it was thrown out of the room.
    pub(super) untold: Option<Untold>,
}

/// That a session was thrown out of a room.
#[derive(Debug)]
pub(super) struct Untold {
    /// It spoke there, and has spoken nowhere else since.
    pub(super) is_in_no_room: bool,
}

/// An entry of a log.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its number in the log.
    pub(super) seq: u64,
    /// The number of the publication.
    pub(super) stamp: u64,
    pub(super) bytes: Rc<[u8]>,
    /// In IRC what each reader is shown differs.
    pub(super) blocks: Option<Rc<[Block]>>,
    /// It is not sent, because the reader is its author.
    pub(super) is_own: bool,
}

impl Model {
    /// A session begins to read a room, from now on.
    pub(super) fn add_place(&mut self, slot: usize, room: RoomKey) {
        let log = &self.room(room).logs[self.sessions[&slot].log];
        let reached = log.head() >= log.mark;
        let pending = VecDeque::new();
        let place = Place { room, pending, left: false, is_focus: false, reached, untold: None };
        self.session(slot).places.push(place);
    }

    /// A session reads no more of what is said in a room, only what was said before.
    pub(super) fn leave_place(&mut self, slot: usize, room: RoomKey) {
        let places = &mut self.session(slot).places;
        if let Some(place) = places.iter_mut().find(|place| place.room == room && !place.left) {
            place.left = true;
        }
        self.drop_places(slot);
        self.move_marks();
    }

    /// Forgets places that were left, are read up to their ends and are to be told nothing more of, and rooms that have
    /// ended and that nobody reads.
    pub(super) fn drop_places(&mut self, slot: usize) {
        // A simple session counts as a reader until it is gone.
        if self.sessions[&slot].is_placed {
            self.session(slot)
                .places
                .retain(|place| !place.left || place.untold.is_some() || !place.pending.is_empty());
        }
        self.drop_rooms();
    }

    /// Returns what a session is sent of an entry; nothing if it has not asked to be shown that.
    pub(super) fn sent_of(&self, slot: usize, entry: &Entry) -> Rc<[u8]> {
        let Some(blocks) = &entry.blocks else { return Rc::clone(&entry.bytes) };
        let mut bytes = Vec::new();
        blocks.iter().for_each(|block| block.show(&self.irc(slot).caps, &mut bytes));
        bytes.into()
    }

    /// Skips entries of which a session is sent nothing.
    pub(super) fn pass_hidden(&mut self, slot: usize) {
        if !self.is_irc(slot) {
            return;
        }
        let mut has_passed = false;
        loop {
            self.pass_own(slot);
            let session = &self.sessions[&slot];
            let is_hidden = |place: &Place| {
                place.pending.front().is_some_and(|entry| {
                    let is_seen = |block: &Block| block.is_for(&self.irc(slot).caps);
                    let is_kept = entry.seq >= self.room(place.room).logs[session.log].tail;
                    is_kept && !entry.is_own && !entry.blocks.iter().flat_map(|blocks| blocks.iter()).any(is_seen)
                })
            };
            let Some(place) = session.places.iter().position(is_hidden) else { break };
            self.session(slot).places[place].pending.pop_front();
            has_passed = true;
        }
        if has_passed {
            self.observe(slot);
            self.drop_places(slot);
        }
    }

    /// Returns the rooms that a session is in, in the order in which it entered them.
    pub(super) fn rooms_of(&self, slot: usize) -> Vec<RoomKey> {
        self.sessions[&slot].places.iter().filter(|place| !place.left).map(|place| place.room).collect()
    }

    /// Marks the place of the room in which a session speaks now.
    pub(super) fn mark_focus(&mut self, slot: usize) {
        let session = self.session(slot);
        for place in &mut session.places {
            place.is_focus = session.focus == Some(place.room) && !place.left;
            if let Some(untold) = &mut place.untold {
                untold.is_in_no_room &= session.focus.is_none();
            }
        }
    }

    /// A session enters another room, or leaves one, for the first time: from now on stamps order what it reads.
    pub(super) fn become_placed(&mut self, slot: usize) {
        let session = &self.sessions[&slot];
        if session.is_placed {
            return;
        }
        let log = &self.room(super::rooms::LOBBY).logs[session.log];
        let stamps: Vec<u64> = log.kept.iter().map(|entry| entry.stamp).collect();
        let (tail, head, next) = (log.tail, log.head(), self.stamp + 1);
        let converted = |at: u64| match at {
            at if at == head => next,
            at if at < tail => 0,
            at => stamps[(at - tail) as usize],
        };
        self.mark_focus(slot);
        let session = self.session(slot);
        session.is_placed = true;
        session.replies.iter_mut().for_each(|reply| reply.at = converted(reply.at));
        if let Some(front) = &mut session.front {
            front.reply = front.reply.map(converted);
        }
        if let Some(answer) = &mut session.answer {
            answer.at = converted(answer.at);
        }
    }

    /// Returns the position of a reply that is given now: it comes before all entries from there on.
    pub(super) fn place_of_reply(&self, slot: usize) -> u64 {
        let session = &self.sessions[&slot];
        if session.is_placed { self.stamp + 1 } else { self.room(super::rooms::LOBBY).logs[session.log].head() }
    }

    /// Adds a line for a session only.
    pub(super) fn push_reply(&mut self, slot: usize, at: u64, bytes: Rc<[u8]>) {
        self.session(slot).replies.push_back(Reply { at, bytes });
    }
}
