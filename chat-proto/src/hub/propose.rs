//! Requests of peers, and how they are carried out.

use alloc::borrow::Cow;
use alloc::string::String;

use super::Hub;
use crate::command::CloseReason;
use crate::conversation::{Entry, MAX_LAST_WORDS};
use crate::id::{DialectId, MemberId, RoomId};
use crate::moderation::RoomError;
use crate::names::NameBuf;
use crate::person::{MAX_AWAY, MAX_REAL_NAME};
use crate::policy::{Action, Proposal, Verdict};
use crate::room::scenery::Scenery;
use crate::schedule::turns::Hold;
use crate::wire::dialect::{Complaint, Manner, Request, Unnamed, Update};
use crate::wire::sanitize::{Clean, clean, clean_in_place, cut};

/// Why a request is refused.
pub(super) enum Objection {
    /// The hub's own rules refuse it.
    Complaint(Complaint<'static>),
    /// The embedding program's policy refuses it, for this reason.
    Policy(Cow<'static, str>),
}

impl From<RoomError> for Objection {
    fn from(error: RoomError) -> Self {
        Self::Complaint(Complaint::Room(error))
    }
}

impl Hub {
    /// Carries out a request, or returns what it has to wait for.
    ///
    /// `is_simple`: the session reads the lobby only, and so speaks there. `scratch` and `rewritten` are buffers for
    /// cleaned and rewritten words.
    #[inline(always)]
    pub(super) fn handle_request(
        &mut self,
        slot: u32,
        request: Request<'_>,
        is_simple: bool,
        scratch: &mut String,
        rewritten: &mut String,
    ) -> Hold {
        if let Request::Say { words: said, claim, wire } = request {
            let words = clean(said, scratch);
            if words.is_empty() {
                // There is nothing to say.
            } else if is_simple && !self.conversation.is_lobby_restricted() {
                // A session that reads the lobby only does not speak IRC, and wants no echo.
                self.say_in(slot, RoomId::LOBBY, words, claim, wire, rewritten);
            } else {
                self.request_say(slot, words, claim, wire, rewritten);
            }
            Hold::None
        } else {
            self.handle_other(slot, request, scratch, rewritten)
        }
    }

    /// Carries out requests other than messages to everyone. Separate, so that messages need no stack space for its
    /// variables.
    #[inline(never)]
    fn handle_other(&mut self, slot: u32, request: Request<'_>, scratch: &mut String, rewritten: &mut String) -> Hold {
        match request {
            Request::Nothing | Request::Say { .. } => {}
            Request::Act(words) | Request::Notice(words) => {
                let is_notice = matches!(request, Request::Notice(_));
                let words = clean(words, scratch);
                if !words.is_empty() {
                    self.request_act_or_notice(slot, words, is_notice, rewritten);
                }
            }
            Request::Tag => self.request_tag(slot),
            Request::Name(name) => self.request_name(slot, name),
            Request::Away(words) => self.set_away(slot, words, rewritten),
            Request::RealName(words) => self.set_real_name(slot, words, rewritten),
            Request::Tell { to, words, manner } => {
                let words = clean(words, scratch);
                if !words.is_empty() || manner == Manner::Tagged {
                    return self.request_tell(slot, to, words, manner, rewritten);
                }
            }
            Request::History { last } => {
                if let Some(room) = self.focus_or_refuse(slot) {
                    self.request_history(slot, room, last);
                }
            }
            Request::Who { room } => self.request_who(slot, room, scratch),
            Request::Join { room, key } => self.request_join(slot, room, key, rewritten),
            Request::Leave { room, words } => {
                self.request_leave(slot, room, clean(cut(words, MAX_LAST_WORDS), scratch), rewritten);
            }
            Request::Rooms => self.request_rooms(slot),
            Request::Topic { words } => self.request_topic(slot, words, scratch, rewritten),
            Request::Kick { name, words } => self.request_kick(slot, name, words, scratch, rewritten),
            Request::Ban { name, banned: true } => self.request_ban(slot, name),
            Request::Ban { name, banned: false } => self.request_unban(slot, name),
            Request::Mask { list, mask, listed } => self.request_mask(slot, list, clean(mask, scratch), listed),
            Request::Flag { flag, set } => self.request_flag(slot, flag, set),
            Request::Key(key) => self.request_key(slot, key.map(|key| clean(key, scratch))),
            Request::Limit(limit) => self.request_limit(slot, limit),
            Request::Bans => self.request_bans(slot),
            Request::Role { name, role, given } => self.request_role(slot, name, role, given),
            Request::Invite { name } => self.request_invite(slot, name),
            Request::Ping { token } => self.reply(slot, &Update::Pong { token }),
            Request::Help { command } => self.reply(slot, &Update::Help { command }),
            Request::Quit(words) => self.request_quit(slot, clean(cut(words, MAX_LAST_WORDS), scratch), rewritten),
            Request::Invalid(complaint) => self.refuse(slot, complaint),
        }
        Hold::None
    }

    /// Says something in the room where the session speaks, if it may.
    #[cold]
    fn request_say(
        &mut self,
        slot: u32,
        words: Clean<'_>,
        claim: Option<&str>,
        wire: Option<&[u8]>,
        rewritten: &mut String,
    ) {
        let Some(room) = self.may_speak(slot) else { return };
        let said = self.say_in(slot, room, words, claim, wire, rewritten);
        if let Some((words, wire)) = said.filter(|_| self.sessions[slot].irc.is_some()) {
            let name = self.name_of(slot);
            self.echo(slot, &Update::Said { name: name.as_str(), words, wire });
        }
    }

    /// Says something in a room; inlined, because nearly always that is the lobby. Returns what was said, as words and
    /// as the line has it.
    #[inline(always)]
    fn say_in<'a>(
        &mut self,
        slot: u32,
        room: RoomId,
        mut words: Clean<'a>,
        claim: Option<&str>,
        wire: Option<&'a [u8]>,
        rewritten: &'a mut String,
    ) -> Option<(&'a str, Option<&'a [u8]>)> {
        if self.config.policy.is_some() {
            match self.consider(slot, Action::Say { words: words.as_str() }, rewritten) {
                Ok(passed) => words = passed.unwrap_or(words),
                Err(objection) => {
                    self.object(slot, &objection);
                    return None;
                }
            }
        }
        let (wire, words) = (wire.filter(|_| words.is_unchanged()), words.as_str());
        let member = MemberId(slot);
        if room == RoomId::LOBBY && !self.conversation.members().has_joined(member) {
            self.join(slot, claim);
        }
        let (entry, mut made) = (Entry::Say { member, room, words, at: self.now.as_nanos() }, NameBuf::new());
        let Self { logs, sessions, schedule, conversation, occasion, now, .. } = self;
        let (name, people) = conversation.apply_message(&entry, member, &mut made).ok()?;
        let update = Update::Said { name, words, wire };
        let scenery = Scenery { people, occasion };
        if room == RoomId::LOBBY {
            logs.publish_in_lobby(*now, &update, Some(slot), scenery, sessions, &mut schedule.ready);
        } else {
            logs.publish(*now, room, &update, Some(slot), scenery, sessions, &mut schedule.ready);
        }
        Some((words, wire))
    }

    /// Publishes an action or a notice in the room where the session speaks, if it may.
    fn request_act_or_notice(&mut self, slot: u32, words: Clean<'_>, is_notice: bool, rewritten: &mut String) {
        let Some(room) = self.may_speak(slot) else { return };
        let action = match words.as_str() {
            words if is_notice => Action::Say { words },
            words => Action::Act { words },
        };
        match self.consider(slot, action, rewritten) {
            Ok(passed) => {
                let (name, words) = (self.name_of(slot), passed.unwrap_or(words).as_str());
                if room == RoomId::LOBBY && !self.has_joined(slot) {
                    self.join(slot, None);
                }
                let (member, name, at) = (MemberId(slot), name.as_str(), self.now.as_nanos());
                let (entry, update) = if is_notice {
                    (Entry::Notice { member, room, words, at }, Update::Noticed { name, words })
                } else {
                    (Entry::Act { member, room, words, at }, Update::Acted { name, words })
                };
                self.apply(&entry);
                self.publish(room, &update, Some(slot));
                self.echo(slot, &update);
            }
            Err(objection) => self.object(slot, &objection),
        }
    }

    /// Passes on the tags of a line.
    fn request_tag(&mut self, slot: u32) {
        let Some(room) = self.may_speak(slot) else { return };
        let name = self.name_of(slot);
        let update = Update::Tagged { name: name.as_str() };
        self.publish(room, &update, Some(slot));
        self.echo(slot, &update);
    }

    /// Asks the embedding program's policy, if there is one. Returns the words to say, or the name to take, in place of
    /// those proposed.
    pub(super) fn consider<'a>(
        &self,
        slot: u32,
        action: Action<'_>,
        rewritten: &'a mut String,
    ) -> Result<Option<Clean<'a>>, Objection> {
        let Some(policy) = &self.config.policy else { return Ok(None) };
        let max = match action {
            Action::Quit { .. } | Action::Leave { .. } | Action::Kick { .. } | Action::Kill { .. } => MAX_LAST_WORDS,
            Action::Describe { .. } => MAX_REAL_NAME,
            Action::Away { .. } => MAX_AWAY,
            _ => usize::MAX,
        }
        .min(self.config.max_line);
        let (name, session) = (self.name_of(slot), self.sessions.id(slot));
        let (member, dialect) = (MemberId(slot), DialectId(self.sessions[slot].dialect));
        rewritten.clear();
        let room = match action {
            Action::Say { .. }
            | Action::Act { .. }
            | Action::Topic { .. }
            | Action::Leave { .. }
            | Action::Kick { .. } => self.focus(slot),
            Action::Tell { .. }
            | Action::Quit { .. }
            | Action::Name { .. }
            | Action::Begin { .. }
            | Action::Describe { .. }
            | Action::Away { .. }
            | Action::Kill { .. }
            | Action::Wallops { .. } => None,
        };
        let proposal = Proposal { now: self.now, session, member, dialect, name: name.as_str(), room, action };
        let verdict = policy.judge(&proposal, rewritten);
        // The same rules apply to the program's words as to the peer's.
        rewritten.truncate(cut(rewritten, max).len());
        // If the program wrote more, the hub does not keep the memory that this took.
        rewritten.shrink_to(self.config.max_line);
        match verdict {
            Verdict::Pass => Ok(None),
            Verdict::Rewrite => {
                let words = clean_in_place(rewritten);
                if words.is_empty() { Err(Objection::Policy("nothing is left of it".into())) } else { Ok(Some(words)) }
            }
            Verdict::Refuse(why) => Err(Objection::Policy(why)),
        }
    }

    /// Tells a session why its request was refused.
    pub(super) fn object(&mut self, slot: u32, objection: &Objection) {
        match objection {
            Objection::Complaint(complaint) => self.refuse(slot, *complaint),
            Objection::Policy(why) => {
                let mut scratch = String::new();
                let why = clean(cut(why, MAX_LAST_WORDS), &mut scratch);
                self.refuse(slot, Complaint::Policy(why.as_str()));
            }
        }
    }

    /// Joins a session that is about to say something for the first time, under the name that it claims if it may have
    /// that.
    #[cold]
    fn join(&mut self, slot: u32, claim: Option<&str>) {
        // A claim that cannot be granted is ignored: the original's clients would not understand a refusal here.
        let member = MemberId(slot);
        let may_claim = !self.conversation.members().has_name(member);
        let claimed = claim.is_some_and(|claim| may_claim && self.take_name(slot, claim).is_ok());
        if claimed || self.spoken(slot).config.dialect.unnamed() == Unnamed::Guest {
            if !claimed {
                self.apply(&Entry::Join { member });
            }
            let name = self.name_of(slot);
            self.publish_presence_in_lobby(&Update::Joined { name: name.as_str() }, Some(slot));
        }
    }

    fn request_name(&mut self, slot: u32, name: &str) {
        let (from, had_joined) = (self.name_of(slot), self.has_joined(slot));
        if self.conversation.members().own_name(MemberId(slot)) != Some(name)
            && let Err(objection) = self.take_name(slot, name)
        {
            return self.object(slot, &objection);
        }
        let name = self.name_of(slot);
        self.publish_name(slot, &from, &name, had_joined);
        self.reply(slot, &Update::Named { from: from.as_str(), name: name.as_str() });
    }

    /// Gives the session a name, if the policy and the rules for names allow it.
    pub(super) fn take_name(&mut self, slot: u32, name: &str) -> Result<(), Objection> {
        let mut rewritten = core::mem::take(&mut self.rewritten_name);
        let taken = self.consider(slot, Action::Name { to: name }, &mut rewritten).and_then(|passed| {
            let name = passed.map_or(name, Clean::as_str);
            if self.conversation.is_where_bans_are(MemberId(slot)) {
                // An invalid name is refused as invalid.
                let mut composed = NameBuf::new();
                if let Ok(name) = self.config.names.check(name, self.config.max_name, &mut composed)
                    && let Some(room) = self.conversation.where_banned_as(MemberId(slot), name)
                {
                    if self.sessions[slot].irc.is_some() {
                        self.occasion.set_room(&self.conversation.name_of_room(room));
                    }
                    return Err(RoomError::NameBanned.into());
                }
            }
            self.claim(slot, name).map_err(|error| Objection::Complaint(Complaint::Name(error)))
        });
        self.rewritten_name = rewritten;
        taken
    }

    fn request_tell(&mut self, slot: u32, to: &str, words: Clean<'_>, manner: Manner, rewritten: &mut String) -> Hold {
        let Some(target) = self.find_slot(to) else {
            self.refuse(slot, self.absence(to));
            return Hold::None;
        };
        // This comes before the policy, which would be asked again after the wait.
        if let Err(hold) = self.await_room(slot, target, words.as_str(), manner) {
            return hold;
        }
        let to = self.name_of(target);
        match self.consider(slot, Action::Tell { to: to.as_str(), words: words.as_str() }, rewritten) {
            Ok(passed) => return self.pass_on(slot, target, passed.unwrap_or(words).as_str(), manner),
            Err(objection) => self.object(slot, &objection),
        }
        Hold::None
    }

    /// Sends a private message to one member, or returns that it has to wait until that member has read more.
    fn pass_on(&mut self, slot: u32, target: u32, words: &str, manner: Manner) -> Hold {
        if let Err(hold) = self.await_room(slot, target, words, manner) {
            return hold;
        }
        let (from, to) = (self.name_of(slot), self.name_of(target));
        // Programs that follow events, such as bots, must not answer notices or messages between programs. So these are
        // no events.
        if matches!(manner, Manner::Said | Manner::Acted) {
            self.apply(&Entry::Tell { member: MemberId(slot), to: MemberId(target), words });
        }
        self.reply(target, &Update::Told { from: from.as_str(), words, manner });
        if self.sessions[slot].irc.is_some() {
            self.told_in_irc(slot, target, words, manner);
        } else {
            self.reply(slot, &Update::TellPassed { to: to.as_str(), words, manner });
        }
        Hold::None
    }

    /// Looks for room to say something to one member; if there is none, returns what to wait for, or refuses it and
    /// returns that there is nothing to wait for.
    fn await_room(&mut self, slot: u32, target: u32, words: &str, manner: Manner) -> Result<(), Hold> {
        let from = self.name_of(slot);
        let told = Update::Told { from: from.as_str(), words, manner };
        // A long message may leave room only for last words. A message to oneself also needs room for its confirmation.
        let spare = if target == slot { 2 } else { 1 };
        // A member without a connection reads it among the events.
        if self.sessions[target].is_open() && !self.has_room_for(target, &told, spare) {
            if target != slot && self.is_waited_for(target) && self.sessions[target].outbox.is_some() {
                return Err(Hold::Target(target));
            }
            self.refuse(slot, Complaint::NotReading);
            return Err(Hold::None);
        }
        Ok(())
    }

    /// Closes a session with its last words, or without them if the policy refuses them.
    fn request_quit<'a>(&mut self, slot: u32, mut words: Clean<'a>, rewritten: &'a mut String) {
        if !words.is_empty() {
            let action = Action::Quit { words: words.as_str() };
            words = self.consider(slot, action, rewritten).map_or(Clean::EMPTY, |passed| passed.unwrap_or(words));
        }
        self.begin_close(slot, CloseReason::Quit, words);
    }

    /// Finds the open session of that name, guests included.
    pub(super) fn find_slot(&self, name: &str) -> Option<u32> {
        self.conversation.find(name).map(|member| member.0)
    }

    /// Returns the complaint for a name that nobody has.
    pub(super) fn absence(&self, name: &str) -> Complaint<'static> {
        let gone = self.conversation.members().former_guest(name);
        gone.map_or(Complaint::NobodyThere, |number| Complaint::GuestGone { number })
    }
}
