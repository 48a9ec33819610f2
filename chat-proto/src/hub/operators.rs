//! What operators of rooms ask for: to throw somebody out, to ban and to end bans, to give and take roles, and to change
//! how a room works.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::iter;

use arrayvec::{ArrayString, ArrayVec};

use super::Hub;
use crate::conversation::masks::{MaskBuf, are_same, complete, mask_of_cloak, mask_of_name, shown_parts};
use crate::conversation::{Entry, MAX_LAST_WORDS, MAX_MASK, MAX_MASKS, Rejected, Room};
use crate::id::{MemberId, RoomId};
use crate::moderation::{MaskList, Role, RoomError, RoomFlags};
use crate::names::{NameBuf, NameError, SERVER};
use crate::policy::Action;
use crate::session::places::Places;
use crate::wire::dialect::{Complaint, RoomChange, Update};
use crate::wire::sanitize::{Clean, clean, cut};

impl Hub {
    pub(super) fn is_operator(&self, slot: u32, room: RoomId) -> bool {
        self.conversation.has_role(MemberId(slot), room, Role::Operator)
    }

    /// Returns the room in which a session speaks and the member of that name. Refuses the request unless that member
    /// is in the room and the session is an operator there.
    fn target(&mut self, slot: u32, name: &str) -> Option<(RoomId, u32)> {
        let room = self.focus_or_refuse(slot)?;
        if !self.conversation.is_in(MemberId(slot), room) {
            self.refuse_room(slot, RoomError::NotIn);
            return None;
        }
        let Some(target) = self.find_slot(name) else {
            let absence = self.absence(name);
            self.refuse(slot, absence);
            return None;
        };
        let error = if !self.spoken(slot).has_rooms {
            RoomError::OneRoomOnly
        } else if !self.conversation.is_in(MemberId(target), room) {
            RoomError::OtherNotIn
        } else if !self.is_operator(slot, room) {
            RoomError::NotOperator
        } else {
            return Some((room, target));
        };
        self.refuse_room(slot, error);
        None
    }

    /// Throws somebody out of the room.
    pub(super) fn request_kick<'a>(
        &mut self,
        slot: u32,
        name: &str,
        words: &str,
        scratch: &'a mut String,
        rewritten: &'a mut String,
    ) {
        let Some((room, target)) = self.target(slot, name) else { return };
        let mut words = clean(cut(words, MAX_LAST_WORDS), scratch);
        if !words.is_empty() {
            let to = self.name_of(target);
            let action = Action::Kick { to: to.as_str(), words: words.as_str() };
            // The policy decides about the words, not about the kick.
            words = self.consider(slot, action, rewritten).map_or(Clean::EMPTY, |passed| passed.unwrap_or(words));
        }
        self.reply_kicked(slot, room, target, words);
        self.throw_out(Some(slot), room, target, words);
    }

    /// Tells the member who threw somebody out that this was done.
    fn reply_kicked(&mut self, slot: u32, room: RoomId, target: u32, words: Clean<'_>) {
        let (by, name, words) = (self.name_of(slot), self.name_of(target), words.as_str());
        if target == slot {
            self.reply(
                slot,
                &Update::KickedOut { room: &self.conversation.name_of_room(room), by: by.as_str(), words },
            );
        } else {
            self.reply(slot, &Update::Kicked { name: name.as_str(), by: by.as_str(), words });
        }
    }

    /// Throws a member out of a room; `None`: the embedding program does. A member who throws itself out has been told
    /// already.
    pub(super) fn throw_out(&mut self, kicker: Option<u32>, room: RoomId, target: u32, words: Clean<'_>) {
        let by = kicker.map(|kicker| self.name_of(kicker));
        let by = by.as_ref().map_or(SERVER, |by| by.as_str());
        let (name, words) = (self.name_of(target), words.as_str());
        let is_open = self.sessions[target].is_open();
        let had_focus = is_open && self.focus(target) == Some(room);
        let mut untold = None;
        if is_open {
            self.make_placed(target);
            let log = self.logs.log_of(room);
            let (session, places) = self.sessions.with_places(target);
            if let Some(log) = log.filter(|_| kicker != Some(target))
                && let Some(place) = places.and_then(|places| places.live(log))
            {
                place.is_untold = true;
                untold = Some(place.serial);
                session.is_untold = true;
            }
        }
        self.apply(&Entry::Kick { by: kicker.map(MemberId), member: MemberId(target), room, words });
        self.take_out_of(target, room);
        if had_focus {
            // What it has typed for this room must not be said in another one.
            self.set_focus(target, None);
        }
        if let Some(place) = untold {
            if !self.tell_thrown_out(target, place, by, words) {
                self.tell_untold(target);
            }
        } else if had_focus {
            self.reply(target, &Update::InNoRoom);
        }
        self.publish(room, &Update::Kicked { name: name.as_str(), by, words }, kicker);
        self.end_room_if_empty(room);
        if is_open {
            self.requeue(target);
        }
    }

    /// Tells a session which rooms it was thrown out of while its replies were full, as far as they have space now. By
    /// then the hub no longer knows who did it and why.
    pub(super) fn tell_untold(&mut self, slot: u32) {
        let first = |places: &Places| places.list.iter().find(|place| place.is_untold).map(|place| place.serial);
        while let Some(place) = self.sessions.places(slot).and_then(first)
            && self.tell_thrown_out(slot, place, "", "")
        {}
        if !self.watches.is_empty() {
            self.tell_untold_watches(slot);
        }
    }

    /// Tells a session that it was thrown out of the room of a place, and, if it spoke there, that it speaks in none.
    /// Returns whether its replies had space for that. The place stays until it is told.
    fn tell_thrown_out(&mut self, slot: u32, serial: u32, by: &str, words: &str) -> bool {
        let Some(places) = self.sessions.places(slot) else { return true };
        let Some(place) = places.list.iter().find(|place| place.serial == serial) else { return true };
        let is_in_none = places.focus.is_none() && places.focus_place == serial;
        let room = self.logs.log(place.log()).name;
        let out = Update::KickedOut { room: &room, by, words };
        let mut len = 0;
        for update in iter::once(out).chain(is_in_none.then_some(Update::InNoRoom)) {
            self.encode(slot, &update);
            len += self.logs.encoded().len();
        }
        if !self.has_room_for_bytes(slot, len, 1) {
            return false;
        }
        self.reply(slot, &out);
        if is_in_none {
            self.reply(slot, &Update::InNoRoom);
        }
        if let (session, Some(places)) = self.sessions.with_places(slot) {
            if let Some(place) = places.find(serial) {
                place.is_untold = false;
            }
            session.is_untold = places.list.iter().any(|place| place.is_untold);
        }
        self.tidy_places(slot);
        true
    }

    /// Shows who is banned from the room.
    pub(super) fn request_bans(&mut self, slot: u32) {
        if let Some(room) = self.operated(slot) {
            self.show_bans(slot, room);
        }
    }

    /// Returns the room in which a session speaks, if it is an operator there; otherwise refuses the request.
    fn operated(&mut self, slot: u32) -> Option<RoomId> {
        let room = self.focus_or_refuse(slot)?;
        let error = if !self.spoken(slot).has_rooms {
            RoomError::OneRoomOnly
        } else if !self.conversation.is_in(MemberId(slot), room) {
            RoomError::NotIn
        } else if !self.is_operator(slot, room) {
            RoomError::NotOperator
        } else {
            return Some(room);
        };
        self.refuse_room(slot, error);
        None
    }

    /// Keeps somebody out of the room: the name, and the address, which is listed as that of the name.
    pub(super) fn request_ban(&mut self, slot: u32, name: &str) {
        let Some(room) = self.operated(slot) else { return };
        let target = self.find_slot(name);
        let name = match self.name_to_ban(target, name) {
            Ok(name) => name,
            Err(error) => return self.refuse(slot, Complaint::Name(error)),
        };
        let mut masks = ArrayVec::<_, 2>::new();
        match mask_of_name(name.as_str()) {
            Ok(mask) => masks.push(mask),
            Err(error) => return self.refuse_room(slot, error),
        }
        masks.extend(target.and_then(|target| self.mask_of_address(target)));
        let bans = || self.conversation.room(room).into_iter().flat_map(|room| room.masks(MaskList::Bans));
        let new = masks.iter().filter(|mask| !bans().any(|ban| are_same(ban, mask))).count();
        if bans().count() + new > MAX_MASKS {
            // Without the second mask they could come back.
            return self.refuse_room(slot, RoomError::ListFull { max: MAX_MASKS });
        }
        let (by, list, at) = (Some(MemberId(slot)), MaskList::Bans, self.now.as_nanos());
        for (mask, of) in masks.iter().zip(["", name.as_str()]) {
            self.apply(&Entry::Mask { by, room, list, mask, of, listed: true, at });
        }
        let by = self.name_of(slot);
        let listed: ArrayVec<&str, 2> = masks.iter().map(ArrayString::as_str).collect();
        let update = Update::BanSet { by: by.as_str(), name: name.as_str(), masks: &listed, banned: true };
        let target = target.filter(|target| self.conversation.is_in(MemberId(*target), room));
        // This comes before the replies, so that all of them are at one position. If nothing changes, others are not told.
        if new > 0 {
            self.publish(room, &update, Some(slot));
        }
        self.reply(slot, &update);
        if let Some(target) = target {
            self.reply_kicked(slot, room, target, Clean::EMPTY);
            self.throw_out(Some(slot), room, target, Clean::EMPTY);
        }
    }

    /// Ends the bans of somebody: of the name, of the addresses that were banned as theirs, and of the one that they have
    /// now; or else the ban that has that number or mask. Everyone is told the name, or the number of a ban by address.
    pub(super) fn request_unban(&mut self, slot: u32, name: &str) {
        let Some(room) = self.operated(slot) else { return };
        let target = self.find_slot(name);
        let named = self.name_to_ban(target, name).ok();
        let address = target.and_then(|target| self.mask_of_address(target));
        let bans = named.iter().flat_map(|named| self.conversation.bans_of(room, named, address.as_deref()));
        let mut ended: Vec<String> = bans.map(String::from).collect();
        let mut shown = named.unwrap_or_default();
        if ended.is_empty() {
            let Some((index, mask)) = self.listed_ban(room, name) else {
                return self.refuse_room(slot, RoomError::NotListed);
            };
            shown.clear();
            match shown_parts(&mask) {
                (who, false) => shown.push_str(who),
                _ => write!(shown, "#{}", index + 1).expect("a number has 20 digits at most"),
            }
            ended.push(mask);
        }
        let (by, list, at) = (Some(MemberId(slot)), MaskList::Bans, self.now.as_nanos());
        for mask in &ended {
            self.apply(&Entry::Mask { by, room, list, mask, of: "", listed: false, at });
        }
        let by = self.name_of(slot);
        let masks: Vec<&str> = ended.iter().map(String::as_str).collect();
        let update = Update::BanSet { by: by.as_str(), name: shown.as_str(), masks: &masks, banned: false };
        self.publish(room, &update, Some(slot));
        self.reply(slot, &update);
    }

    /// Returns the name that is banned, or no longer: that of a member, or one that a member could have.
    fn name_to_ban(&self, target: Option<u32>, name: &str) -> Result<NameBuf, NameError> {
        if let Some(target) = target {
            return Ok(self.name_of(target));
        }
        let mut composed = NameBuf::new();
        let name = self.config.names.check(name, self.config.max_name, &mut composed)?;
        Ok(NameBuf::from(name).unwrap_or_default())
    }

    /// Returns the mask of a member's address. One that is not counted, such as a proxy's, is shared by many people.
    fn mask_of_address(&self, target: u32) -> Option<MaskBuf> {
        self.sessions[target].origin?;
        self.conversation.person(MemberId(target)).cloak.map(mask_of_cloak)
    }

    /// Finds a ban of a room by its number in the list, as `#2`, or by its mask or what is shown of it. Returns its index
    /// and its mask.
    fn listed_ban(&self, room: RoomId, text: &str) -> Option<(usize, String)> {
        let room = self.conversation.room(room)?;
        let bans = || room.masks(MaskList::Bans);
        let number = text.strip_prefix('#').and_then(|digits| digits.parse::<usize>().ok());
        let is_it = |ban: &str| are_same(ban, text) || shown_parts(ban) == (text, false);
        let numbered = number.and_then(|number| number.checked_sub(1)).filter(|index| *index < bans().len());
        let index = numbered.or_else(|| bans().position(is_it))?;
        Some((index, String::from(bans().nth(index)?)))
    }

    /// Changes how a room works. If nothing changes, nobody is told.
    fn change_room(&mut self, slot: u32, entry: &Entry<'_>, room: RoomId, change: RoomChange<'_>) {
        match self.conversation.apply(entry) {
            Ok(()) => {}
            Err(Rejected::Room(error)) => return self.refuse_room(slot, error),
            Err(other) => return debug_assert!(false, "{entry:?}: {other}"),
        }
        let by = self.name_of(slot);
        let update = Update::RoomChanged { by: by.as_str(), change };
        self.gather_mode(slot, &update);
        self.publish(room, &update, Some(slot));
        self.reply(slot, &update);
    }

    /// Lists a mask, or no longer.
    pub(super) fn request_mask(&mut self, slot: u32, list: MaskList, mask: Clean<'_>, listed: bool) {
        let Some(room) = self.operated(slot) else { return };
        let Ok(mask) = complete(mask.as_str()) else {
            return self.refuse_room(slot, RoomError::TooLong { max: MAX_MASK });
        };
        let (by, mask) = (Some(MemberId(slot)), &*mask);
        let is_listed = |it: Room<'_>| it.masks(list).any(|other| are_same(other, mask));
        if listed == self.conversation.room(room).is_some_and(is_listed) {
            return;
        }
        let change = RoomChange::Listed { list, mask, listed };
        let at = self.now.as_nanos();
        self.change_room(slot, &Entry::Mask { by, room, list, mask, of: "", listed, at }, room, change);
    }

    /// Sets a flag, or unsets it.
    pub(super) fn request_flag(&mut self, slot: u32, flag: RoomFlags, set: bool) {
        let Some(room) = self.operated(slot) else { return };
        let before = self.conversation.room(room).map_or(RoomFlags::NONE, |room| room.flags());
        let flags = if set { before | flag } else { before.without(flag) };
        if flags != before {
            let entry = Entry::Flags { by: Some(MemberId(slot)), room, flags };
            self.change_room(slot, &entry, room, RoomChange::Flag { flag, set });
        }
    }

    /// Sets the key, or removes it.
    pub(super) fn request_key(&mut self, slot: u32, key: Option<Clean<'_>>) {
        let Some(room) = self.operated(slot) else { return };
        let key = key.map(Clean::as_str).filter(|key| !key.is_empty());
        if self.conversation.room(room).and_then(|room| room.key()) != key {
            let entry = Entry::Key { by: Some(MemberId(slot)), room, key: key.unwrap_or_default() };
            self.change_room(slot, &entry, room, RoomChange::Key(key));
        }
    }

    /// Sets the limit of members, or removes it.
    pub(super) fn request_limit(&mut self, slot: u32, limit: Option<u32>) {
        let Some(room) = self.operated(slot) else { return };
        if self.conversation.room(room).and_then(|room| room.limit()) != limit {
            let entry = Entry::Limit { by: Some(MemberId(slot)), room, limit: limit.unwrap_or_default() };
            self.change_room(slot, &entry, room, RoomChange::Limit(limit));
        }
    }

    /// Gives somebody a role, or takes it away. If nothing changes, nobody is told.
    pub(super) fn request_role(&mut self, slot: u32, name: &str, role: Role, given: bool) {
        let Some((room, target)) = self.target(slot, name) else { return };
        let (by, member) = (Some(MemberId(slot)), MemberId(target));
        let is_new = self.conversation.has_role(member, room, role) != given;
        if is_new {
            self.apply(&Entry::Role { by, member, room, role, given });
        }
        let (by, name) = (self.name_of(slot), self.name_of(target));
        let update = Update::RoleSet { by: by.as_str(), name: name.as_str(), role, given };
        self.gather_mode(slot, &update);
        self.reply(slot, &update);
        if is_new {
            self.publish(room, &update, Some(slot));
        }
    }
}
