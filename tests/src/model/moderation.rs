//! Requests about rooms: to keep order in them, and to ask about them.

use chat_proto::dialect::{Complaint, MAX_NOTICE, Request, RoomChange, Update};
use chat_proto::{Action, MaskList, Role, RoomError, RoomFlags};

use super::Model;
use super::irc::complete;
use super::masks::{MAX_MASK, MAX_MASKS, mask_of, shown_of};
use super::names::valid_name;
use super::places::{Place, Untold};
use super::requests::cut;
use super::rooms::{MAX_TOPIC, RoomKey, Topic};
use super::words::clean;

pub(super) type Refused<'a> = Result<(), Complaint<'a>>;

impl Model {
    /// Carries out a request that concerns rooms.
    pub(super) fn obey_in_room(&mut self, slot: usize, request: Request<'_>) {
        let done = match request {
            Request::Join { room, key } => self.request_join(slot, room, key),
            Request::Leave { room, words } => self.request_leave(slot, room, &clean(cut(words, MAX_NOTICE / 4))),
            Request::Rooms => {
                self.list_rooms(slot);
                Ok(())
            }
            Request::Who { room } => self.who(slot, room),
            Request::History { last } => {
                self.focus(slot).map_err(Complaint::Room).map(|room| self.show_history(slot, room, last, true))
            }
            Request::Topic { words } => self.request_topic(slot, words),
            Request::Invite { name } => self.request_invite(slot, name),
            Request::Kick { name, words } => self.request_kick(slot, name, words),
            Request::Ban { name, banned: true } => self.request_ban(slot, name),
            Request::Ban { name, banned: false } => self.request_unban(slot, name),
            Request::Bans => self.focus(slot).map_err(Complaint::Room).and_then(|room| {
                self.is_operator(slot, room)?;
                self.list_bans(slot, room);
                Ok(())
            }),
            Request::Role { name, role, given } => self.request_role(slot, name, role, given),
            Request::Mask { list, mask, listed } => self.request_mask(slot, list, &clean(mask), listed),
            Request::Flag { flag, set } => self.request_flag(slot, flag, set),
            Request::Key(key) => self.request_key(slot, &clean(key.unwrap_or_default())),
            Request::Limit(limit) => self.request_limit(slot, limit),
            request => unreachable!("a request that the model does not know: {request:?}"),
        };
        if let Err(complaint) = done {
            self.refuse(slot, complaint);
        }
    }

    pub(super) fn show_topic(&mut self, slot: usize, room: RoomKey) {
        let (name, topic) = (self.room(room).name.clone(), self.room(room).topic.clone());
        let none = Topic { words: String::new(), styled: String::new(), by: String::new(), at: self.now };
        let Topic { words, styled, by, at } = topic.unwrap_or(none);
        let words = if self.is_irc(slot) && !styled.is_empty() { styled } else { words };
        let age = self.now.saturating_duration_since(at);
        self.reply(slot, &Update::Topic { room: &name, words: &words, by: &by, age });
    }

    fn request_topic(&mut self, slot: usize, words: Option<&str>) -> Refused<'static> {
        let room = self.focus(slot).map_err(Complaint::Room)?;
        if let Some(words) = words {
            self.is_in(slot, room)?;
            if self.room(room).flags.has(RoomFlags::TOPIC_BY_OPERATORS) {
                self.is_operator(slot, room)?;
            }
            let mut words = clean(words);
            if !words.is_empty() {
                match self.consider(slot, Action::Topic { words: &words }, &words) {
                    Ok(passed) => words = passed,
                    Err(objection) => {
                        self.object(slot, &objection);
                        return Ok(());
                    }
                }
            }
            if words.len() > MAX_TOPIC {
                return Err(Complaint::Room(RoomError::TooLong { max: MAX_TOPIC }));
            }
            let (by, styled) = (self.name(slot), self.styled(&words));
            self.events += 1;
            let set = Update::TopicSet { by: &by, words: &words };
            self.publish(&set, &[room], Some(slot));
            if self.is_irc(slot) {
                self.reply(slot, &set);
            }
            let topic = Some(Topic { words, styled, by, at: self.now }).filter(|topic| !topic.words.is_empty());
            self.room_mut(room).topic = topic;
            if self.is_irc(slot) {
                return Ok(());
            }
        }
        self.show_topic(slot, room);
        Ok(())
    }

    fn request_invite(&mut self, slot: usize, name: &str) -> Refused<'static> {
        let room = self.focus(slot).map_err(Complaint::Room)?;
        self.is_in(slot, room)?;
        let target = self.find_other(name)?;
        if self.room(room).is_in(target) {
            return Err(Complaint::Room(RoomError::OtherIsIn));
        }
        if self.is_open(target) && !self.config.dialects[self.sessions[&target].log].dialect.has_rooms() {
            return Err(Complaint::Room(RoomError::OtherHasOneRoom));
        }
        if self.room(room).flags.has(RoomFlags::INVITED_ONLY) {
            self.is_operator(slot, room)?;
        }
        let invitations = &self.sessions[&target].invitations;
        if invitations.contains(&room) {
            return Err(Complaint::Room(RoomError::OtherIsInvited));
        }
        let is_full = self.memberships(target).len() + invitations.len() >= self.config.max_rooms_per_session;
        if is_full {
            return Err(Complaint::Room(RoomError::TooManyInvitations));
        }
        let (shown, by, other) = (self.room(room).name.clone(), self.name(slot), self.name(target));
        let invited = Update::Invited { room: &shown, by: &by };
        if self.is_open(target) && !self.finds_room(target, &invited) {
            return Err(Complaint::NotReading);
        }
        self.session(target).invitations.push(room);
        self.reply(target, &invited);
        if self.limits.irc.is_some() {
            self.publish(&Update::OtherInvited { by: &by, name: &other }, &[room], Some(slot));
        }
        self.reply(slot, &Update::InvitePassed { room: &shown, name: &other });
        Ok(())
    }

    fn request_kick(&mut self, slot: usize, name: &str, words: &str) -> Refused<'static> {
        let (room, target) = self.other_in(slot, name)?;
        let mut words = clean(cut(words, MAX_NOTICE / 4));
        if !words.is_empty() {
            let action = Action::Kick { to: &self.name(target), words: &words };
            words = self.consider(slot, action, &words).unwrap_or_default();
        }
        self.reply_kicked(slot, room, target, &words);
        self.throw_out(Some(slot), room, target, &words);
        Ok(())
    }

    /// Returns the room in which an operator speaks, and another who is in it.
    fn other_in(&self, slot: usize, name: &str) -> Result<(RoomKey, usize), Complaint<'static>> {
        let room = self.focus(slot).map_err(Complaint::Room)?;
        self.is_in(slot, room)?;
        let target = self.find_other(name)?;
        if !self.room(room).is_in(target) {
            return Err(Complaint::Room(RoomError::OtherNotIn));
        }
        self.is_operator(slot, room)?;
        Ok((room, target))
    }

    fn is_in(&self, slot: usize, room: RoomKey) -> Refused<'static> {
        if self.room(room).is_in(slot) { Ok(()) } else { Err(Complaint::Room(RoomError::NotIn)) }
    }

    /// Returns the room in which an operator speaks.
    fn operated(&self, slot: usize) -> Result<RoomKey, Complaint<'static>> {
        let room = self.focus(slot).map_err(Complaint::Room)?;
        self.is_in(slot, room)?;
        self.is_operator(slot, room)?;
        Ok(room)
    }

    fn is_operator(&self, slot: usize, room: RoomKey) -> Refused<'static> {
        if self.room(room).is_operator(slot) { Ok(()) } else { Err(Complaint::Room(RoomError::NotOperator)) }
    }

    /// Throws a member out of a room; without a kicker, the program does.
    pub(super) fn throw_out(&mut self, kicker: Option<usize>, room: RoomKey, target: usize, words: &str) {
        let (by, other) = (kicker.map_or_else(|| "server".into(), |kicker| self.name(kicker)), self.name(target));
        let lost_focus = self.sessions[&target].focus == Some(room);
        self.events += 1;
        let is_told = kicker != Some(target) && self.is_open(target);
        if self.is_open(target) {
            self.become_placed(target);
        }
        let places = &mut self.session(target).places;
        if let Some(place) = places.iter_mut().find(|place| place.room == room && !place.left) {
            place.untold = is_told.then_some(Untold { is_in_no_room: lost_focus });
        }
        self.put_out(target, room);
        if lost_focus {
            (self.session(target).focus, self.session(target).focused) = (None, self.stamp + 1);
            self.mark_focus(target);
        }
        if is_told {
            let is_it = |place: &Place| place.untold.is_some() && place.room == room;
            let place = self.sessions[&target].places.iter().rposition(is_it).expect("it stays until it is told");
            if !self.tell_thrown_out(target, place, &by, words) {
                self.tell_untold(target);
            }
        } else if lost_focus && self.is_open(target) {
            self.tell_focus(target, false);
        }
        self.publish(&Update::Kicked { name: &other, by: &by, words }, &[room], kicker);
        self.end_if_empty(room);
    }

    /// Tells a session of the rooms that it was thrown out of and does not know of, as far as there is room.
    pub(super) fn tell_untold(&mut self, slot: usize) {
        while let Some(place) = self.sessions[&slot].places.iter().position(|place| place.untold.is_some()) {
            if !self.tell_thrown_out(slot, place, "", "") {
                break;
            }
        }
        self.tell_untold_watches(slot);
    }

    /// Tells a session that it was thrown out of the room of a place, and that it speaks in none; or returns that there
    /// is no room for that.
    fn tell_thrown_out(&mut self, slot: usize, place: usize, by: &str, words: &str) -> bool {
        let session = &self.sessions[&slot];
        let is_in_no_room = session.places[place].untold.as_ref().is_some_and(|untold| untold.is_in_no_room);
        let room = self.room(session.places[place].room).name.clone();
        let out = Update::KickedOut { room: &room, by, words };
        let updates: &[Update<'_>] = if is_in_no_room { &[out, Update::InNoRoom] } else { &[out] };
        if !self.finds_room_for(slot, updates) {
            return false;
        }
        self.session(slot).places[place].untold = None;
        for update in updates {
            self.reply(slot, update);
        }
        self.drop_places(slot);
        true
    }

    /// Tells an operator that it has thrown somebody out, or itself.
    fn reply_kicked(&mut self, slot: usize, room: RoomKey, target: usize, words: &str) {
        let (room, by, name) = (self.room(room).name.clone(), self.name(slot), self.name(target));
        let (out, kicked) =
            (Update::KickedOut { room: &room, by: &by, words }, Update::Kicked { name: &name, by: &by, words });
        self.reply(slot, if target == slot { &out } else { &kicked });
    }

    fn request_ban(&mut self, slot: usize, name: &str) -> Refused<'static> {
        let room = self.focus(slot).map_err(Complaint::Room)?;
        self.is_operator(slot, room)?;
        let target = self.find(name);
        let name = match target {
            Some(target) => self.name(target),
            None => valid_name(&self.config, name).map_err(Complaint::Name)?,
        };
        let masks: Vec<String> = [Some(mask_of(&name)), self.mask_of_address(target)].into_iter().flatten().collect();
        let is_new = self.room_mut(room).ban(&masks).map_err(Complaint::Room)?;
        self.note_listing(slot, room, MaskList::Bans, &masks[..1], "");
        self.note_listing(slot, room, MaskList::Bans, &masks[1..], &name);
        let listed: Vec<&str> = masks.iter().map(String::as_str).collect();
        let set = Update::BanSet { by: &self.name(slot), name: &name, masks: &listed, banned: true };
        let out = target.filter(|target| self.room(room).is_in(*target));
        if is_new {
            self.publish(&set, &[room], Some(slot));
        }
        self.reply(slot, &set);
        if let Some(target) = out {
            self.reply_kicked(slot, room, target, "");
            self.throw_out(Some(slot), room, target, "");
        }
        Ok(())
    }

    fn request_unban(&mut self, slot: usize, name: &str) -> Refused<'static> {
        let room = self.focus(slot).map_err(Complaint::Room)?;
        self.is_operator(slot, room)?;
        let target = self.find(name);
        let named = target.map(|target| self.name(target)).or_else(|| valid_name(&self.config, name).ok());
        let address = self.mask_of_address(target);
        let rules = self.config.names;
        let bans_of = |named: &String| self.room(room).bans_of(rules, named, address.as_deref());
        let mut ended = named.as_ref().map_or_else(Vec::new, bans_of);
        let mut shown = named.unwrap_or_default();
        if ended.is_empty() {
            let ban = self.room(room).listed_ban(name).ok_or(Complaint::Room(RoomError::NotListed))?;
            let mask = self.room(room).bans[ban].clone();
            shown = match shown_of(&mask) {
                (who, false) => who.to_owned(),
                (_, true) => format!("#{}", ban + 1),
            };
            ended.push(mask);
        }
        self.room_mut(room).bans.retain(|ban| !ended.contains(ban));
        self.note_listing(slot, room, MaskList::Bans, &[], "");
        let listed: Vec<&str> = ended.iter().map(String::as_str).collect();
        let set = Update::BanSet { by: &self.name(slot), name: &shown, masks: &listed, banned: false };
        self.publish(&set, &[room], Some(slot));
        self.reply(slot, &set);
        Ok(())
    }

    /// Returns the mask of the address of a session, if it is counted and has a cloak.
    fn mask_of_address(&self, target: Option<usize>) -> Option<String> {
        let session = &self.sessions[&target?];
        session.origin?;
        session.cloak.map(|cloak| format!("*!*@{cloak}"))
    }

    fn request_role(&mut self, slot: usize, name: &str, role: Role, given: bool) -> Refused<'static> {
        let (room, target) = self.other_in(slot, name)?;
        let is_new = self.set_role(room, target, role, given);
        let set = Update::RoleSet { by: &self.name(slot), name: &self.name(target), role, given };
        self.gather_mode(slot, &set);
        self.reply(slot, &set);
        if is_new {
            self.publish(&set, &[room], Some(slot));
        }
        Ok(())
    }

    fn request_mask(&mut self, slot: usize, list: MaskList, mask: &str, listed: bool) -> Refused<'static> {
        let key = self.operated(slot)?;
        let mask = complete(mask).ok_or(Complaint::Room(RoomError::TooLong { max: MAX_MASK }))?;
        let room = self.room_mut(key);
        let masks = match list {
            MaskList::Bans => &mut room.bans,
            MaskList::BanExceptions => &mut room.ban_exceptions,
            MaskList::InviteExceptions => &mut room.invite_exceptions,
        };
        match (masks.iter().position(|other| other.to_lowercase() == mask.to_lowercase()), listed) {
            (Some(_), true) | (None, false) => return Ok(()),
            (Some(place), false) => drop(masks.remove(place)),
            (None, true) if masks.len() >= MAX_MASKS => {
                return Err(Complaint::Room(RoomError::ListFull { max: MAX_MASKS }));
            }
            (None, true) => masks.push(mask.clone()),
        }
        self.note_listing(slot, key, list, std::slice::from_ref(&mask), "");
        self.tell_change(slot, key, RoomChange::Listed { list, mask: &mask, listed });
        Ok(())
    }

    /// Remembers whose address masks are, who has listed them, and when.
    fn note_listing(&mut self, slot: usize, room: RoomKey, list: MaskList, masks: &[String], of: &str) {
        let (by, at) = (self.name(slot), self.now);
        self.room_mut(room).note_listing(list, masks, of, &by, at);
    }

    fn request_flag(&mut self, slot: usize, flag: RoomFlags, set: bool) -> Refused<'static> {
        let key = self.operated(slot)?;
        let before = self.room(key).flags;
        let flags = if set { before | flag } else { before.without(flag) };
        if flags != before {
            self.room_mut(key).flags = flags;
            self.tell_change(slot, key, RoomChange::Flag { flag, set });
        }
        Ok(())
    }

    fn request_key(&mut self, slot: usize, password: &str) -> Refused<'static> {
        let key = self.operated(slot)?;
        if self.room(key).password != password {
            self.room_mut(key).password = password.into();
            self.tell_change(slot, key, RoomChange::Key(Some(password).filter(|password| !password.is_empty())));
        }
        Ok(())
    }

    fn request_limit(&mut self, slot: usize, limit: Option<u32>) -> Refused<'static> {
        let key = self.operated(slot)?;
        let members = limit.unwrap_or_default() as usize;
        if self.room(key).limit != members {
            self.room_mut(key).limit = members;
            self.tell_change(slot, key, RoomChange::Limit(limit));
        }
        Ok(())
    }

    /// Tells those in a room, and whoever has done it, that something is different.
    fn tell_change(&mut self, slot: usize, room: RoomKey, change: RoomChange<'_>) {
        let by = self.name(slot);
        let update = Update::RoomChanged { by: &by, change };
        self.gather_mode(slot, &update);
        self.publish(&update, &[room], Some(slot));
        self.reply(slot, &update);
    }

    fn who(&mut self, slot: usize, asked: Option<&str>) -> Refused<'static> {
        let room = match asked {
            None => self.focus(slot),
            Some(name) => {
                let found = self.find_room(name).filter(|room| self.room(*room).is_shown_to(slot));
                found.ok_or(RoomError::NoSuchRoom)
            }
        };
        let room = room.map_err(Complaint::Room)?;
        let it = self.room(room);
        let marked = |other: &usize| {
            let member = it.member(*other).expect("it is in");
            let mark = if member.is_operator {
                "@"
            } else if member.has_voice {
                "+"
            } else {
                ""
            };
            format!("{mark}{}", self.name(*other))
        };
        let here: Vec<String> = it.slots().iter().map(marked).collect();
        let mut names = String::new();
        let mut listed = 0;
        for name in &here {
            if names.len() + ", ".len() + name.len() > MAX_NOTICE.min(self.config.max_line) {
                break;
            }
            names += if listed > 0 { ", " } else { "" };
            names += name;
            listed += 1;
        }
        let shown = it.name.clone();
        let elsewhere = Some(shown.as_str()).filter(|_| self.sessions[&slot].focus != Some(room));
        let left_out = here.len() - listed;
        self.reply(slot, &Update::Who { room: elsewhere, names: &names, count: here.len(), left_out });
        Ok(())
    }
}
