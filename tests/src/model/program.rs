//! The embedding program's calls other than closing: it tells and names sessions, and has members without a connection.

use chat_proto::dialect::{Manner, Update};
use chat_proto::{
    CloseReason, DialectId, EnterError, NameError, OpenError, RecordKind, SayError, SessionId, Timestamp,
};

use super::requests::cut;
use super::rooms::LOBBY;
use super::words::clean;
use super::{Checked, Model, Phase, Session, differ};

impl Model {
    /// Sends one session a message from the program; returns whether there was room.
    pub fn tell(&mut self, now: Timestamp, slot: usize, words: &str) -> bool {
        self.advance(now);
        if !self.is_open(slot) {
            return false;
        }
        let words = clean(cut(words, self.config.max_line));
        let told = Update::Announced { words: &words };
        let fits = words.is_empty() || self.finds_room(slot, &told);
        if fits && !words.is_empty() {
            self.reply(slot, &told);
        }
        fits
    }

    /// Returns whether an update that a session has not requested has room: as much must stay free as the session's
    /// next line may need, or room for last words if the update is the only one pending.
    pub(super) fn finds_room(&self, slot: usize, update: &Update<'_>) -> bool {
        self.finds_room_for(slot, std::slice::from_ref(update))
    }

    /// Returns the same for several updates.
    pub(super) fn finds_room_for(&self, slot: usize, updates: &[Update<'_>]) -> bool {
        let len: usize = updates.iter().map(|update| self.line_for(slot, update).len()).sum();
        self.finds_room_for_bytes(slot, len)
    }

    /// Returns the same for bytes.
    pub(super) fn finds_room_for_bytes(&self, slot: usize, len: usize) -> bool {
        let spare = if self.has_nothing_private(slot) { 1 } else { 2 } * self.longest(slot);
        self.has_room(slot, len + spare)
    }

    /// Checks whether a newcomer may have the name.
    ///
    /// # Errors
    ///
    /// The reason, if not.
    pub fn may_come_as(&mut self, now: Timestamp, name: &str) -> Result<(), NameError> {
        self.advance(now);
        // No session has this slot.
        self.may_be_given(usize::MAX, name).map(drop)
    }

    /// Renames a session or a member without a connection.
    ///
    /// # Errors
    ///
    /// If the name is not available.
    pub fn rename(&mut self, now: Timestamp, slot: usize, name: &str) -> Result<(), NameError> {
        self.advance(now);
        if !self.is_here(slot) {
            return Ok(());
        }
        if !self.is_registered(slot) {
            self.may_be_given(slot, name)?;
            self.keep_wanted_name(slot, name);
            return Ok(());
        }
        let from = self.name(slot);
        if self.sessions[&slot].name.as_ref().is_none_or(|own| **own != name) {
            self.name_it(slot, name)?;
        }
        let name = self.name(slot);
        let named = Update::Named { from: &from, name: &name };
        if self.is_open(slot) && self.finds_room(slot, &named) {
            self.reply(slot, &named);
        }
        Ok(())
    }

    /// Names a member, regardless of the policy and without waiting for readers, and tells others.
    pub(super) fn name_it(&mut self, slot: usize, name: &str) -> Result<(), NameError> {
        let name = self.may_be_given(slot, name)?;
        let (from, to) = (self.name(slot), name.to_string());
        self.events += u64::from(from != to);
        self.session(slot).name = Some(name);
        self.record(slot, RecordKind::Named);
        self.tell_watchers(&from);
        self.tell_watchers(&to);
        self.waits_for_nobody = true;
        self.tell_of_name(slot, &from);
        self.waits_for_nobody = false;
        Ok(())
    }

    /// A member has taken a name: others are told, unless it is the same. If it has not joined yet, it joins, which
    /// those in the lobby see.
    pub(super) fn tell_of_name(&mut self, slot: usize, from: &str) {
        let to = self.name(slot);
        let joined = std::mem::replace(&mut self.session(slot).joined, true);
        if from == to {
            return;
        }
        let author = self.is_open(slot).then_some(slot);
        let (lobby, others): (Vec<_>, Vec<_>) = self.memberships(slot).into_iter().partition(|room| *room == LOBBY);
        let renamed = Update::Renamed { from, to: &to };
        if joined {
            self.publish(&renamed, &[others, lobby].concat(), author);
        } else {
            self.publish(&Update::Joined { name: &to }, &lobby, author);
            self.publish(&renamed, &others, author);
        }
    }

    /// Adds a member without a connection in the slot that the hub chose; returns the expected result.
    ///
    /// # Errors
    ///
    /// If the slot is not free.
    pub fn enter(
        &mut self,
        now: Timestamp,
        dialect: DialectId,
        name: &str,
        id: Option<SessionId>,
    ) -> Checked<Result<(), EnterError>> {
        self.advance(now);
        if self.shutting_down {
            return Ok(Err(OpenError::ShuttingDown.into()));
        }
        if let Err(error) = self.may_come_as(now, name) {
            return Ok(Err(error.into()));
        }
        if self.sessions.len() >= self.config.max_sessions {
            self.make_room();
            return Ok(Err(OpenError::Full.into()));
        }
        let Some(id) = id.filter(|id| !self.sessions.contains_key(id.slot())) else {
            return differ("enter", format!("{id:?} is not free"));
        };
        let member = Session { phase: Phase::Unconnected, ..Session::new(id, dialect, 0, self.now) };
        self.sessions.insert(id.slot(), member);
        self.enter_room(id.slot(), Some(LOBBY), "");
        let named = self.name_it(id.slot(), name);
        self.make_room();
        Ok(named.map_err(EnterError::Name))
    }

    /// A member without a connection says something to everyone, or acts.
    ///
    /// # Errors
    ///
    /// If there is no such member, or readers are behind.
    pub fn say(&mut self, now: Timestamp, slot: usize, words: &str, is_act: bool) -> Result<(), SayError> {
        self.advance(now);
        self.is_unconnected(slot)?;
        self.may_speak(slot, LOBBY).map_err(SayError::Room)?;
        if !self.is_gate_open(LOBBY) {
            return Err(SayError::NotNow);
        }
        let (name, words) = (self.name(slot), clean(cut(words, self.config.max_line)));
        let (name, said) = (name.as_str(), words.as_str());
        if !words.is_empty() {
            self.events += 1;
            let said = Update::Said { name, words: said, wire: None };
            self.publish(&if is_act { Update::Acted { name, words: &words } } else { said }, &[LOBBY], None);
        }
        Ok(())
    }

    /// A member without a connection says something to another.
    ///
    /// # Errors
    ///
    /// If there is no such member, the other is gone, or there is no room.
    pub fn say_to(&mut self, now: Timestamp, slot: usize, to: usize, words: &str) -> Result<(), SayError> {
        self.advance(now);
        self.is_unconnected(slot)?;
        let target = Some(to).filter(|to| self.is_here(*to)).ok_or(SayError::NobodyThere)?;
        let (from, words) = (self.name(slot), clean(cut(words, self.config.max_line)));
        if words.is_empty() {
            return Ok(());
        }
        let told = Update::Told { from: &from, words: &words, manner: Manner::Said };
        if self.is_open(target) && (self.has_waiting_for(target) || !self.finds_room(target, &told)) {
            return Err(SayError::NotNow);
        }
        self.events += 1;
        self.reply(target, &told);
        Ok(())
    }

    /// A member without a connection leaves.
    pub fn member_leaves(&mut self, now: Timestamp, slot: usize, words: &str) {
        self.advance(now);
        if self.is_unconnected(slot).is_ok() {
            let words = clean(cut(words, chat_proto::dialect::MAX_NOTICE / 4));
            let name = self.name(slot);
            self.gone = self.person(slot);
            self.session(slot).name = None;
            self.tell_watchers(&name);
            self.leave_rooms(slot, &Update::Left { name: &name, reason: CloseReason::Quit, words: &words });
            self.sessions.remove(slot);
        }
    }

    fn is_unconnected(&self, slot: usize) -> Result<(), SayError> {
        let is_one = self.sessions.get(slot).is_some_and(|session| session.phase == Phase::Unconnected);
        is_one.then_some(()).ok_or(SayError::NoMember)
    }

    /// Returns whether a member is there, with or without a connection.
    pub(super) fn is_here(&self, slot: usize) -> bool {
        self.sessions.get(slot).is_some_and(|session| matches!(session.phase, Phase::Open | Phase::Unconnected))
    }
}
