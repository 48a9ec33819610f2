//! MODE: of channels and of users.

use alloc::string::String;
use alloc::vec::Vec;

use super::Step;
use crate::conversation::masks::complete;
use crate::hub::Hub;
use crate::id::{MemberId, RoomId};
use crate::moderation::{MAX_ROOM_KEY, Role, RoomError, RoomFlags};
use crate::names::NameBuf;
use crate::person::MAX_HOST;
use crate::time::Timestamp;
use crate::wire::dialect::irc::limits::CHANNEL;
use crate::wire::dialect::irc::line::Line;
use crate::wire::dialect::irc::mode_line::ModeLine;
use crate::wire::dialect::irc::modes::{Change, Changes, ChannelMode, ModeError};
use crate::wire::dialect::irc::numeric::Numeric;
use crate::wire::dialect::irc::render::{letter_of, letter_of_list};
use crate::wire::dialect::irc::user_modes::{UserModeChange, UserModes};
use crate::wire::dialect::{Complaint, Request, Update};
use crate::wire::sanitize::clean;

impl Hub {
    /// Returns the `nth` change that a line makes to a channel.
    pub(super) fn mode_step<'a>(&mut self, slot: u32, channel: &'a str, line: &Line<'a>, nth: usize) -> Step<'a> {
        let Some(room) = self.room_of_channel(slot, channel) else { return Step::Done };
        let params = line.params();
        let Some(change) = Changes::new(&params[1..]).nth(nth) else { return Step::Done };
        if self.occasion.modes.is_none() {
            self.begin_modes(slot, room);
        }
        let mut text = [0; 4];
        let Change { add, mode } = match change {
            Ok(change) => change,
            Err(ModeError::Unknown(letter)) => {
                let letter = &*letter.encode_utf8(&mut text);
                self.numeric(slot, Numeric::UnknownMode, |to| to.word(letter).standard().end());
                return Step::Refused;
            }
            Err(ModeError::Missing(letter)) => {
                let letter = &*letter.encode_utf8(&mut text);
                self.refuse_mode(slot, letter, "*", "You must give a parameter");
                return Step::Refused;
            }
            Err(ModeError::Invalid('k', _)) => {
                self.numeric(slot, Numeric::InvalidKey, |to| to.word(channel).standard().end());
                return Step::Refused;
            }
            Err(ModeError::Invalid(letter, argument)) => {
                let letter = &*letter.encode_utf8(&mut text);
                self.refuse_mode(slot, letter, argument, "This parameter cannot be one");
                return Step::Refused;
            }
        };
        match mode {
            ChannelMode::List(list, None) => {
                // The answer may be long, and comes after what was before.
                self.tell_modes(slot);
                self.ask_masks(slot, room, list);
                Step::Refused
            }
            ChannelMode::List(list, Some(mask)) => {
                let Ok(complete) = complete(mask) else {
                    self.refuse_mode(slot, letter_of_list(list), mask, "This mask is too long");
                    return Step::Refused;
                };
                self.occasion.set_target(&complete);
                Step::Request(Request::Mask { list, mask, listed: add })
            }
            ChannelMode::Key(key) if add && (key.len() > MAX_ROOM_KEY || !is_clean(key)) => {
                self.numeric(slot, Numeric::InvalidKey, |to| to.word(channel).standard().end());
                Step::Refused
            }
            ChannelMode::Key(key) => Step::Request(Request::Key(add.then_some(key))),
            ChannelMode::Limit(limit) => Step::Request(Request::Limit(limit)),
            ChannelMode::Flag(flag) => Step::Request(Request::Flag { flag, set: add }),
            ChannelMode::Role(role, name) => {
                let people = &self.conversation;
                let has_role = |member| people.is_in(member, room) && people.has_role(member, room, role) == add;
                if people.has_role(MemberId(slot), room, Role::Operator) && people.find(name).is_some_and(has_role) {
                    // Nothing changes, so nobody is told.
                    return Step::Refused;
                }
                self.occasion.set_target(name);
                Step::Request(Request::Role { name, role, given: add })
            }
        }
    }

    /// Begins to gather the changes that a line makes to a room, so that clients are told of them at once.
    fn begin_modes(&mut self, slot: u32, room: RoomId) {
        let (name, person) = (self.name_of(slot), self.conversation.person(MemberId(slot)));
        // `:name!user@host MODE #room `
        let head = name.len() + person.user.len() + MAX_HOST + self.occasion.room_name().len() + 11;
        self.occasion.modes = Some(ModeLine::new(room, head));
    }

    /// Adds a change to those of which clients are told at once, if they are gathered.
    pub(in crate::hub) fn gather_mode(&mut self, slot: u32, update: &Update<'_>) {
        let Some(modes) = &mut self.occasion.modes else { return };
        if !modes.add(update) {
            let room = modes.room();
            self.tell_modes(slot);
            self.begin_modes(slot, room);
            if let Some(modes) = &mut self.occasion.modes {
                let is_added = modes.add(update);
                debug_assert!(is_added, "the first one always is");
            }
        }
    }

    /// Tells clients in the room of the changes that a line has made so far, the one who made them included. An answer to
    /// the line comes after what was changed before it, and so in the same order whether or not the line has to wait.
    pub(in crate::hub) fn tell_modes(&mut self, slot: u32) {
        let Some(modes) = self.occasion.modes.take().filter(|modes| !modes.is_empty()) else { return };
        let (by, (letters, arguments)) = (self.name_of(slot), modes.parts());
        let update = Update::ModesSet { by: by.as_str(), letters, arguments };
        self.publish(modes.room(), &update, Some(slot));
        self.reply(slot, &update);
    }

    fn refuse_mode(&mut self, slot: u32, letter: &str, argument: &str, why: &str) {
        let room = self.occasion.room_name();
        self.numeric(slot, Numeric::InvalidModeParam, |to| {
            to.channel(&room).word(letter).word(argument).trailing(why).end();
        });
    }

    /// Shows the modes of a channel, or shows or sets those of the user.
    pub(super) fn mode_query(&mut self, slot: u32, line: &Line<'_>) {
        let target = line.param(0).unwrap_or_default();
        if target.starts_with(CHANNEL) {
            if let Some(room) = self.room_of_channel(slot, target) {
                self.show_modes(slot, room);
            }
            return;
        }
        match self.find_slot(target) {
            Some(other) if other == slot => {}
            Some(_) => return self.numeric(slot, Numeric::UsersDontMatch, |to| to.standard().end()),
            None => return self.refuse(slot, Complaint::NobodyThere),
        }
        let Some(irc) = &mut self.sessions[slot].irc else { return };
        let before = irc.modes;
        let Some(letters) = line.param(1) else {
            let mut text = Vec::new();
            before.write(&mut text);
            let text = core::str::from_utf8(&text).unwrap_or_default();
            return self.numeric(slot, Numeric::UModeIs, |to| to.word(text).end());
        };
        let mut change = UserModeChange::parse(letters);
        // Nobody makes itself an operator of the server.
        change.set = change.set.without(UserModes::OPERATOR);
        let effect = change.effect_on(before);
        irc.modes = before.with(effect.set).without(effect.unset);
        self.server_operators -= usize::from(effect.unset.has(UserModes::OPERATOR));
        let [was, is] = [before, irc.modes].map(|modes| usize::from(modes.has(UserModes::INVISIBLE)));
        self.invisible = self.invisible + is - was;
        if effect.unknown.is_some() {
            self.numeric(slot, Numeric::UModeUnknownFlag, |to| to.standard().end());
        }
        let mut text = Vec::new();
        effect.write(&mut text);
        let text = core::str::from_utf8(&text).unwrap_or_default();
        if !text.is_empty() {
            self.show_change(slot, text);
        }
    }

    /// Shows a user how its modes have changed.
    pub(super) fn show_change(&mut self, slot: u32, change: &str) {
        let Some(voice) = self.voice(slot) else { return };
        let (name, person) = (self.name_of(slot), self.conversation.person(MemberId(slot)));
        voice.encode(&mut self.logs, self.now, |to| {
            to.from(&name, person).word("MODE").word(&name).trailing(change).end();
        });
        self.put_encoded(slot);
        self.requeue(slot);
    }

    fn show_modes(&mut self, slot: u32, id: RoomId) {
        let is_in = self.conversation.is_in(MemberId(slot), id);
        let Some(voice) = self.voice(slot) else { return };
        let Self { conversation, logs, now, .. } = self;
        let Some(room) = conversation.room(id) else { return };
        let mut modes = Vec::from(*b"+");
        for (flag, _) in RoomFlags::ALL {
            if room.flags().has(flag) {
                modes.extend_from_slice(letter_of(flag).as_bytes());
            }
        }
        let (key, limit) = (room.key(), room.limit());
        if key.is_some() {
            modes.push(b'k');
        }
        if limit.is_some() {
            modes.push(b'l');
        }
        let modes = core::str::from_utf8(&modes).unwrap_or_default();
        let began = logs.clock().at(Timestamp::from_nanos(room.began())).seconds();
        voice.encode(logs, *now, |to| {
            let mut line = to.numeric(Numeric::ChannelModeIs).channel(room.name()).word(modes);
            if let Some(key) = key {
                // Who is not in the channel is not told its key.
                line = line.word(if is_in { key } else { "*" });
            }
            if let Some(limit) = limit {
                line = line.number(limit.into());
            }
            line.end();
            to.numeric(Numeric::CreationTime).channel(room.name()).number(began).end();
        });
        self.put_encoded(slot);
        self.requeue(slot);
    }

    /// Finds the room that a channel is, or refuses the request, also if the room is hidden from the session. The
    /// session speaks there while the request is carried out.
    pub(super) fn room_of_channel(&mut self, slot: u32, channel: &str) -> Option<RoomId> {
        let name = channel.strip_prefix(CHANNEL).unwrap_or(channel);
        let found = self.conversation.find_room(name);
        let Some(room) = found.filter(|room| self.conversation.may_see(MemberId(slot), *room)) else {
            self.occasion.set_room(name);
            self.refuse(slot, Complaint::Room(RoomError::NoSuchRoom));
            return None;
        };
        let name = NameBuf::from(self.conversation.room(room).map_or("", |room| room.name())).unwrap_or_default();
        self.occasion.set_room(&name);
        self.set_focus(slot, Some(room));
        Some(room)
    }
}

/// Returns whether a key has nothing that nobody could see or type.
fn is_clean(key: &str) -> bool {
    clean(key, &mut String::new()).is_unchanged()
}
