//! Which rooms a session is in, and in which of them it speaks: entering and leaving.

use std::mem;

use chat_proto::dialect::{Complaint, Update};
use chat_proto::{Action, RoomError};

use super::Model;
use super::moderation::Refused;
use super::rooms::{LOBBY, RoomKey};

impl Model {
    /// Returns the room in which a session speaks.
    pub(super) fn focus(&self, slot: usize) -> Result<RoomKey, RoomError> {
        let is_anywhere = || self.present_rooms().any(|room| room.is_in(slot));
        let error = || if is_anywhere() { RoomError::NoFocus } else { RoomError::InNoRoom };
        self.sessions[&slot].focus.ok_or_else(error)
    }

    /// Returns the rooms that a member is in, with or without a connection.
    pub(super) fn memberships(&self, slot: usize) -> Vec<RoomKey> {
        let mut rooms: Vec<_> = self.present_rooms().filter(|room| room.is_in(slot)).collect();
        rooms.sort_by_key(|room| room.id);
        rooms.into_iter().map(|room| room.key).collect()
    }

    /// A session speaks in another room from now on, or in none.
    pub(super) fn move_focus(&mut self, slot: usize, room: Option<RoomKey>) {
        let next = self.stamp + 1;
        let session = self.session(slot);
        if session.focus != room {
            (session.focus, session.focused) = (room, next);
            self.mark_focus(slot);
        }
    }

    /// Tells a session in which room it speaks.
    pub(super) fn tell_focus(&mut self, slot: usize, began: bool) {
        let shown =
            self.sessions[&slot].focus.map(|room| (self.room(room).name.clone(), self.room(room).members.len()));
        let update = match &shown {
            None => Update::InNoRoom,
            Some((room, count)) => Update::InRoom { room, count: *count, began },
        };
        self.reply(slot, &update);
    }

    pub(super) fn request_join(&mut self, slot: usize, name: &str, key: &str) -> Refused<'static> {
        let log = self.sessions[&slot].log;
        if !self.config.dialects[log].dialect.has_rooms() {
            return Err(Complaint::Room(RoomError::OneRoomOnly));
        }
        let found = self.may_enter(slot, name, key).map_err(Complaint::Room)?;
        if let Some(room) = found.filter(|room| self.room(*room).is_in(slot)) {
            self.move_focus(slot, Some(room));
            self.tell_focus(slot, false);
            return Ok(());
        }
        // Places that were left and are not read to their ends count as well.
        let max = self.config.max_rooms_per_session;
        if self.sessions[&slot].places.len() >= max {
            return Err(Complaint::Room(RoomError::InTooManyRooms { max }));
        }
        let max = self.config.max_rooms;
        if found.is_none_or(|room| self.room(room).members.is_empty() && room != LOBBY) && self.has_all_logs() {
            return Err(Complaint::Room(RoomError::TooManyRooms { max }));
        }
        if found.is_none() {
            self.may_begin(slot).map_err(Complaint::Room)?;
        }
        if found.is_none()
            && let Err(objection) = self.consider(slot, Action::Begin { room: name }, name)
        {
            self.object(slot, &objection);
            return Ok(());
        }
        self.become_placed(slot);
        let room = self.enter_room(slot, found, name);
        self.add_place(slot, room);
        self.move_focus(slot, Some(room));
        let own = self.name(slot);
        self.events += 1;
        let is_new = room == LOBBY && !mem::replace(&mut self.session(slot).joined, true);
        self.events += u64::from(is_new);
        if found.is_some() {
            let update = if is_new { Update::Joined { name: &own } } else { Update::Entered { name: &own } };
            self.publish(&update, &[room], Some(slot));
        }
        self.tell_focus(slot, found.is_none());
        if self.room(room).topic.is_some() {
            self.show_topic(slot, room);
        }
        if self.is_irc(slot) {
            self.begin_names(slot, room);
        } else {
            self.show_history(slot, room, self.config.dialects[log].backlog, false);
        }
        Ok(())
    }

    pub(super) fn request_leave(&mut self, slot: usize, name: Option<&str>, words: &str) -> Refused<'static> {
        let room = match name {
            None => self.focus(slot),
            Some(name) => {
                let found = self.find_room(name).filter(|room| self.room(*room).is_shown_to(slot));
                found.ok_or(RoomError::NoSuchRoom)
            }
        };
        let room = room.map_err(Complaint::Room)?;
        if !self.room(room).is_in(slot) {
            return Err(Complaint::Room(RoomError::NotIn));
        }
        let mut words = words.to_owned();
        if !words.is_empty() {
            words = self.consider(slot, Action::Leave { words: &words }, &words).unwrap_or_default();
        }
        self.leave_one(slot, room, &words);
        Ok(())
    }

    /// A session leaves one of its rooms.
    pub(super) fn leave_one(&mut self, slot: usize, room: RoomKey, words: &str) {
        let (left, own) = (self.room(room).name.clone(), self.name(slot));
        self.events += 1;
        self.put_out(slot, room);
        self.reply(slot, &Update::LeftRoom { room: &left, words });
        if !self.is_irc(slot) {
            self.refocus(slot, room);
        }
        if room != LOBBY || self.sessions[&slot].joined {
            self.publish(&Update::Parted { name: &own, words }, &[room], None);
        }
        self.end_if_empty(room);
    }

    /// A session is not in a room any more, and reads only what was said there before. A line that waits for that room
    /// waits no longer.
    pub(super) fn put_out(&mut self, slot: usize, room: RoomKey) {
        if !self.sessions[&slot].places.is_empty() {
            self.become_placed(slot);
        }
        self.leave_room(slot, room);
        self.end_answer(slot, room);
        self.leave_place(slot, room);
        self.wait_no_longer_in(slot, room);
    }

    /// If a session has left the room in which it spoke, it speaks in the lobby, or else in the room that it entered
    /// last.
    fn refocus(&mut self, slot: usize, room: RoomKey) {
        if self.sessions[&slot].focus != Some(room) {
            return;
        }
        let rooms = self.rooms_of(slot);
        let next = rooms.iter().find(|room| **room == LOBBY).or(rooms.last()).copied();
        (self.session(slot).focus, self.session(slot).focused) = (next, self.stamp + 1);
        self.mark_focus(slot);
        self.tell_focus(slot, false);
    }
}
