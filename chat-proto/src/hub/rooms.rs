//! What members do with rooms: they enter and leave them, ask about them, set topics and invite others.

use alloc::string::String;
use core::iter;
use core::time::Duration;

use arrayvec::{ArrayString, ArrayVec};

use super::Hub;
use super::propose::Objection;
use crate::config::MAX_ROOMS_PER_SESSION;
use crate::conversation::{Entry, MAX_TOPIC, Rejected};
use crate::id::{MemberId, RoomId};
use crate::moderation::{Role, RoomError, RoomFlags};
use crate::names::NameBuf;
use crate::policy::Action;
use crate::schedule::turns::Hold;
use crate::time::Timestamp;
use crate::wire::dialect::irc::scene::as_written;
use crate::wire::dialect::{Complaint, MAX_NOTICE, Update};
use crate::wire::sanitize::{Clean, clean};

/// The rooms of one member.
pub(super) type SessionRooms = ArrayVec<RoomId, MAX_ROOMS_PER_SESSION>;

impl Hub {
    /// Returns the room in which a session speaks, or refuses a request if there is none.
    pub(super) fn focus_or_refuse(&mut self, slot: u32) -> Option<RoomId> {
        let focus = self.focus(slot);
        if focus.is_none() {
            self.refuse_room(slot, self.no_focus(slot));
        }
        focus
    }

    /// Returns why a session speaks in no room.
    fn no_focus(&self, slot: u32) -> RoomError {
        let is_in_none = self.conversation.rooms_of(MemberId(slot)).next().is_none();
        if is_in_none { RoomError::InNoRoom } else { RoomError::NoFocus }
    }

    /// Returns the room of that name, if the session may know of it; without a name, the room in which it speaks.
    fn room_or_focus(&self, slot: u32, name: Option<&str>) -> Result<RoomId, RoomError> {
        let Some(name) = name else { return self.focus(slot).ok_or_else(|| self.no_focus(slot)) };
        let found = self.conversation.find_room(name);
        found.filter(|room| self.conversation.may_see(MemberId(slot), *room)).ok_or(RoomError::NoSuchRoom)
    }

    /// Returns the rooms that a member is in.
    pub(super) fn rooms_of(&self, slot: u32) -> SessionRooms {
        if self.sessions[slot].is_simple() {
            return iter::once(RoomId::LOBBY).collect();
        }
        self.conversation.rooms_of(MemberId(slot)).take(MAX_ROOMS_PER_SESSION).collect()
    }

    /// Refuses a request about a room.
    pub(super) fn refuse_room(&mut self, slot: u32, error: RoomError) {
        self.refuse(slot, Complaint::Room(error));
    }

    /// Enters a room, or moves the focus to one that the session is in.
    pub(super) fn request_join(&mut self, slot: u32, name: &str, key: &str, rewritten: &mut String) {
        if let Err(objection) = self.try_join(slot, name, key, rewritten) {
            self.object(slot, &objection);
        }
    }

    fn try_join(&mut self, slot: u32, name: &str, key: &str, rewritten: &mut String) -> Result<(), Objection> {
        let member = MemberId(slot);
        if !self.spoken(slot).has_rooms {
            return Err(RoomError::OneRoomOnly.into());
        }
        let there = self.conversation.may_enter(member, name, key)?;
        if let Some(room) = there.filter(|room| self.conversation.is_in(member, *room)) {
            self.set_focus(slot, Some(room));
            self.tell_focus(slot, false);
            return Ok(());
        }
        let places = self.sessions.placed(slot).map_or(1, <[_]>::len);
        if places >= self.config.max_rooms_per_session {
            return Err(RoomError::InTooManyRooms { max: self.config.max_rooms_per_session }.into());
        }
        if there.is_none_or(|room| self.logs.log_of(room).is_none()) && !self.logs.has_free_log() {
            return Err(RoomError::TooManyRooms { max: self.config.max_rooms }.into());
        }
        if there.is_none() {
            self.check_begin(slot)?;
            self.consider(slot, Action::Begin { room: name }, rewritten)?;
        }
        let mut of_member = NameBuf::new();
        let at = self.now.as_nanos();
        match self.conversation.apply_and_name(&Entry::EnterRoom { member, name, at }, &mut of_member) {
            Ok(()) => {}
            Err(Rejected::Room(error)) => return Err(error.into()),
            Err(other) => {
                debug_assert!(false, "{name}: {other}");
                return Err(RoomError::InvalidName.into());
            }
        }
        let Some(room) = self.conversation.find_room(name) else { return Err(RoomError::NoSuchRoom.into()) };
        self.make_placed(slot);
        let began = there.is_none();
        let name = self.conversation.name_of_room(room);
        self.add_place(slot, room, &name);
        self.set_focus(slot, Some(room));
        if began {
            self.count_room(slot, room);
        } else {
            let (name, is_first) = (of_member.as_str(), room == RoomId::LOBBY && !self.has_joined(slot));
            if is_first {
                self.apply(&Entry::Join { member });
                self.publish_presence(iter::once(room), &Update::Joined { name }, Some(slot));
            } else {
                self.publish_presence(iter::once(room), &Update::Entered { name }, Some(slot));
            }
        }
        self.tell_focus(slot, began);
        self.tell_topic(slot, room, false);
        if self.sessions[slot].irc.is_some() {
            self.begin_names(slot, room);
        } else {
            self.show_backlog(slot, room);
        }
        self.requeue(slot);
        self.arm(slot);
        Ok(())
    }

    /// Returns whether others in the lobby have been told of a member.
    pub(super) fn has_joined(&self, slot: u32) -> bool {
        self.conversation.members().has_joined(MemberId(slot))
    }

    /// Tells a session in which room it speaks.
    fn tell_focus(&mut self, slot: u32, began: bool) {
        match self.focus(slot) {
            Some(room) => {
                let (name, count) = (self.conversation.name_of_room(room), self.members_in(room));
                self.reply(slot, &Update::InRoom { room: &name, count, began });
            }
            None => self.reply(slot, &Update::InNoRoom),
        }
    }

    fn members_in(&self, room: RoomId) -> usize {
        self.conversation.room(room).map_or(0, |room| room.members())
    }

    /// Tells a session the topic of a room; if there is none, only if it was asked for.
    fn tell_topic(&mut self, slot: u32, room: RoomId, is_asked: bool) {
        let (mut words, mut by, mut age) = (ArrayString::<MAX_TOPIC>::new(), NameBuf::new(), Duration::ZERO);
        if let Some(topic) = self.conversation.room(room).and_then(|room| room.topic()) {
            let is_styled = self.sessions[slot].irc.is_some() && !topic.styled.is_empty();
            words.push_str(if is_styled { topic.styled } else { topic.words });
            by.push_str(topic.by);
            age = self.now.saturating_duration_since(Timestamp::from_nanos(topic.at));
        }
        if is_asked || !words.is_empty() {
            let room = self.conversation.name_of_room(room);
            self.reply(slot, &Update::Topic { room: &room, words: &words, by: &by, age });
        }
    }

    /// Leaves a room.
    pub(super) fn request_leave<'a>(
        &mut self,
        slot: u32,
        name: Option<&str>,
        mut words: Clean<'a>,
        rewritten: &'a mut String,
    ) {
        let room = self.room_or_focus(slot, name).and_then(|room| {
            let is_in = self.conversation.is_in(MemberId(slot), room);
            is_in.then_some(room).ok_or(RoomError::NotIn)
        });
        match room {
            Ok(_) if !self.spoken(slot).has_rooms => self.refuse_room(slot, RoomError::OneRoomOnly),
            Ok(room) => {
                if !words.is_empty() {
                    let action = Action::Leave { words: words.as_str() };
                    // The policy has a say in the words, not in the leaving.
                    words =
                        self.consider(slot, action, rewritten).map_or(Clean::EMPTY, |passed| passed.unwrap_or(words));
                }
                self.leave_room(slot, room, words);
            }
            Err(error) => self.refuse_room(slot, error),
        }
    }

    pub(super) fn leave_room(&mut self, slot: u32, room: RoomId, words: Clean<'_>) {
        let words = words.as_str();
        self.make_placed(slot);
        let (name, is_known) = (self.conversation.name_of_room(room), room != RoomId::LOBBY || self.has_joined(slot));
        let had_focus = self.focus(slot) == Some(room);
        let mut of_member = NameBuf::new();
        let applied =
            self.conversation.apply_and_name(&Entry::LeaveRoom { member: MemberId(slot), room, words }, &mut of_member);
        debug_assert_eq!(applied, Ok(()), "it is in the room");
        self.take_out_of(slot, room);
        // In IRC each line says which room it is about.
        let moves_focus = had_focus && self.sessions[slot].irc.is_none();
        if moves_focus {
            let fallback = self.fallback(slot);
            self.set_focus(slot, fallback);
        }
        self.reply(slot, &Update::LeftRoom { room: &name, words });
        if moves_focus {
            self.tell_focus(slot, false);
        }
        if is_known {
            self.publish_presence(iter::once(room), &Update::Parted { name: of_member.as_str(), words }, None);
        }
        self.end_room_if_empty(room);
        self.requeue(slot);
    }

    /// Ends a session's place in a room that its member is no longer in.
    pub(super) fn take_out_of(&mut self, slot: u32, room: RoomId) {
        self.end_answer(slot, room);
        self.end_place(slot, room);
        // A line that waits to be said there is checked again.
        if matches!(self.sessions[slot].hold, Hold::Turn { room: of_line, .. } if of_line == room) {
            self.sessions[slot].hold = Hold::Ready;
            self.schedule.turns.wait(slot, Hold::Ready, false);
        }
    }

    /// Frees the log of a room that nobody is in, and releases the sessions that wait to enter it.
    pub(super) fn end_room_if_empty(&mut self, room: RoomId) {
        if room != RoomId::LOBBY && self.members_in(room) == 0 {
            let Self { schedule, sessions, logs, origins, .. } = self;
            schedule.turns.end_room(room, |slot| sessions[slot].hold = Hold::Ready);
            origins.end_room(logs.end(room));
            if self.conversation.room(room).is_none() {
                self.logs.end_life(room);
            }
        }
    }

    /// Shows or sets the topic.
    pub(super) fn request_topic<'a>(
        &mut self,
        slot: u32,
        words: Option<&str>,
        scratch: &'a mut String,
        rewritten: &'a mut String,
    ) {
        let Some(room) = self.focus_or_refuse(slot) else { return };
        let Some(words) = words else { return self.tell_topic(slot, room, true) };
        if !self.conversation.is_in(MemberId(slot), room) {
            return self.refuse_room(slot, RoomError::NotIn);
        }
        let is_restricted =
            self.conversation.room(room).is_some_and(|room| room.flags().has(RoomFlags::TOPIC_BY_OPERATORS));
        if is_restricted && !self.is_operator(slot, room) {
            return self.refuse_room(slot, RoomError::NotOperator);
        }
        let mut words = clean(words, scratch);
        if !words.is_empty() {
            match self.consider(slot, Action::Topic { words: words.as_str() }, rewritten) {
                Ok(passed) => words = passed.unwrap_or(words),
                Err(objection) => return self.object(slot, &objection),
            }
        }
        if words.as_str().len() > MAX_TOPIC {
            return self.refuse_room(slot, RoomError::TooLong { max: MAX_TOPIC });
        }
        let (by, words) = (self.name_of(slot), words.as_str());
        let styled = as_written(self.occasion.styled(), words);
        let styled = ArrayString::<MAX_TOPIC>::from(if styled == words { "" } else { styled }).unwrap_or_default();
        let by_member = Some(MemberId(slot));
        self.apply(&Entry::Topic { by: by_member, room, words, styled: &styled, at: self.now.as_nanos() });
        let update = Update::TopicSet { by: by.as_str(), words };
        self.publish(room, &update, Some(slot));
        if self.sessions[slot].irc.is_some() {
            self.reply(slot, &update);
        } else {
            self.tell_topic(slot, room, true);
        }
    }

    /// Invites somebody to the room.
    pub(super) fn request_invite(&mut self, slot: u32, name: &str) {
        let Some(room) = self.focus_or_refuse(slot) else { return };
        if !self.conversation.is_in(MemberId(slot), room) {
            return self.refuse_room(slot, RoomError::NotIn);
        }
        let Some(target) = self.find_slot(name) else {
            let absence = self.absence(name);
            return self.refuse(slot, absence);
        };
        let member = MemberId(target);
        let is_restricted = self.conversation.room(room).is_some_and(|room| room.flags().has(RoomFlags::INVITED_ONLY));
        if self.conversation.is_in(member, room) {
            return self.refuse_room(slot, RoomError::OtherIsIn);
        } else if self.sessions[target].is_open() && !self.spoken(target).has_rooms {
            return self.refuse_room(slot, RoomError::OtherHasOneRoom);
        } else if is_restricted && !self.is_operator(slot, room) {
            return self.refuse_room(slot, RoomError::NotOperator);
        } else if let Err(error) = self.conversation.may_be_invited(member, room) {
            // A member who is invited already is not told again, however often the invitation is repeated.
            return self.refuse_room(slot, error);
        }
        let (of_room, by, name) = (self.conversation.name_of_room(room), self.name_of(slot), self.name_of(target));
        let invited = Update::Invited { room: &of_room, by: by.as_str() };
        if self.sessions[target].is_open() && !self.has_room_for(target, &invited, 1) {
            return self.refuse(slot, Complaint::NotReading);
        }
        self.apply(&Entry::Invite { by: Some(MemberId(slot)), member, room });
        self.reply(target, &invited);
        self.publish_invited(room, slot, by.as_str(), name.as_str());
        self.reply(slot, &Update::InvitePassed { room: &of_room, name: name.as_str() });
    }

    /// Lists who is in a room.
    pub(super) fn request_who(&mut self, slot: u32, name: Option<&str>, names: &mut String) {
        let room = match self.room_or_focus(slot, name) {
            Ok(room) => room,
            Err(error) => return self.refuse_room(slot, error),
        };
        names.clear();
        let (mut listed, max) = (0, MAX_NOTICE.min(self.config.max_line));
        for member in self.conversation.members_of(room) {
            let name = self.conversation.members().name_of(member);
            let is = |role| self.conversation.has_role(member, room, role);
            let sign = if is(Role::Operator) {
                "@"
            } else if is(Role::Voice) {
                "+"
            } else {
                ""
            };
            // The numbers and words around the list are counted in each dialect's longest form.
            if names.len() + SEPARATOR.len() + sign.len() + name.as_str().len() > max {
                break;
            }
            if listed > 0 {
                names.push_str(SEPARATOR);
            }
            names.push_str(sign);
            names.push_str(name.as_str());
            listed += 1;
        }
        let (count, of_room) = (self.members_in(room), self.conversation.name_of_room(room));
        let room = (Some(room) != self.focus(slot)).then_some(of_room.as_str());
        self.reply(slot, &Update::Who { room, names, count, left_out: count - listed });
    }

    /// Returns whether a session may speak in its focus; if not, refuses the request.
    pub(super) fn may_speak(&mut self, slot: u32) -> Option<RoomId> {
        let room = self.focus_or_refuse(slot)?;
        match self.conversation.may_speak(MemberId(slot), room) {
            Ok(()) => Some(room),
            Err(error) => {
                self.refuse_room(slot, error);
                None
            }
        }
    }
}

const SEPARATOR: &str = ", ";
