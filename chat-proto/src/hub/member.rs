//! Members that the embedding program manages: those with a name that it knows, and those without a connection.

use core::fmt;
use core::time::Duration;

use super::Hub;
use crate::command::{CloseReason, OpenError};
use crate::conversation::{Entry, MAX_LAST_WORDS, Rejected};
use crate::id::{DialectId, MemberId, RoomId, SessionId};
use crate::journal::RecordKind;
use crate::log::Cursor;
use crate::moderation::RoomError;
use crate::names::{Key, MAX_NAME, NameBuf, NameError, NameRules};
use crate::origin::Origin;
use crate::rate::{Bucket, Flow, Rate};
use crate::session::state::{Phase, Step, Untaken};
use crate::time::Timestamp;
use crate::wire::dialect::{Manner, Update};

/// Why a session could not be opened under a name, or a member could not enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnterError {
    /// No session could be opened.
    Open(OpenError),
    /// The name cannot be taken.
    Name(NameError),
}

impl fmt::Display for EnterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => fmt::Display::fmt(error, f),
            Self::Name(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl core::error::Error for EnterError {}

impl From<OpenError> for EnterError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<NameError> for EnterError {
    fn from(error: NameError) -> Self {
        Self::Name(error)
    }
}

/// Why a message of a member without a connection was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SayError {
    /// There is no such member, also because the hub was shut down, or it has a connection and speaks through that.
    NoMember,
    /// Readers that keep [pace](crate::Config::pace) are behind, or the recipient has no room, or others wait to send
    /// it something: try again when the hub has no more [commands](crate::Hub::poll_command), or next time.
    NotNow,
    /// The recipient is gone.
    NobodyThere,
    /// The member may not speak in the lobby.
    Room(RoomError),
}

impl fmt::Display for SayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Room(error) => return fmt::Display::fmt(error, f),
            Self::NoMember => "no such member without a connection",
            Self::NotNow => "readers are behind, try again later",
            Self::NobodyThere => "the recipient is gone",
        })
    }
}

impl core::error::Error for SayError {}

impl Hub {
    /// Opens a session for a peer whose name the driver knows, such as one that has signed in. The session is welcomed
    /// under that name, and others are told that it has joined. The [policy](crate::Policy) is not asked.
    ///
    /// # Errors
    ///
    /// As [`open_from`](Self::open_from); or the name cannot be taken, and then nothing has changed.
    ///
    /// # Panics
    ///
    /// As [`open`](Self::open).
    pub fn open_named(
        &mut self,
        now: Timestamp,
        dialect: DialectId,
        origin: Option<Origin>,
        name: &str,
    ) -> Result<SessionId, EnterError> {
        self.clock(now);
        self.may_come_as(name)?;
        Ok(self.open_as(now, dialect, origin, Some(name))?)
    }

    /// Gives a session, or a member without a connection, another name that the driver has chosen; others are told, and
    /// the session itself if there is room among its replies. The [policy](crate::Policy) is not asked. Does nothing if
    /// the session is gone.
    ///
    /// A client of IRC that has not registered yet takes the name when it registers, as if it had asked for it.
    ///
    /// # Errors
    ///
    /// The name cannot be taken.
    pub fn rename(&mut self, now: Timestamp, id: SessionId, name: &str) -> Result<(), NameError> {
        self.clock(now);
        let Some(slot) = self.sessions.slot(id).filter(|slot| self.sessions[*slot].is_here()) else { return Ok(()) };
        if !self.is_registered(slot) {
            self.may_come_as(name)?;
            return self.want_name(slot, name);
        }
        let (from, had_joined) = (self.name_of(slot), self.has_joined(slot));
        if self.conversation.members().own_name(MemberId(slot)) != Some(name) {
            self.claim(slot, name)?;
        }
        let name = self.name_of(slot);
        self.publish_name(slot, &from, &name, had_joined);
        if self.sessions[slot].is_open() {
            self.try_reply(slot, &Update::Named { from: from.as_str(), name: name.as_str() });
        }
        Ok(())
    }

    /// Sets how fast a session may send lines from now on, with a full bucket, in place of what its dialect or
    /// [`Config::rate`](crate::Config::rate) says; `None`: as fast as readers take it. Does nothing if the session is
    /// gone.
    pub fn set_rate(&mut self, now: Timestamp, id: SessionId, rate: Option<Rate>) {
        self.clock(now);
        let Some(slot) = self.live(id).filter(|slot| self.sessions[*slot].is_open()) else { return };
        let session = &mut self.sessions[slot];
        (session.flow, session.bucket) = (Flow::new(rate), Bucket::default());
        if session.untaken == Untaken::UntilRefill {
            self.resume_refilled(slot);
        }
        self.arm(slot);
    }

    /// Sets how long a session may be silent from now on, in place of what its dialect's
    /// [`idle_timeout`](crate::DialectConfig::idle_timeout) says; `None`: for ever. Does nothing if the session is
    /// gone.
    pub fn set_idle_timeout(&mut self, now: Timestamp, id: SessionId, timeout: Option<Duration>) {
        self.clock(now);
        let Some(slot) = self.live(id).filter(|slot| self.sessions[*slot].is_open()) else { return };
        self.sessions[slot].set_idle_timeout(timeout);
        self.arm(slot);
    }

    /// Adds a member without a connection, such as a bot that is part of the program. It has a name, sends messages and
    /// actions, can be found, and is listed by `/who`. It is sent nothing and never closed.
    ///
    /// It follows the conversation by [`events`](Self::events), which include its own messages and all private ones,
    /// also those that are not for it. Collect what to say from them first, then say it, and keep what was
    /// [`NotNow`](SayError::NotNow) for later. When the hub is shut down, the member is gone at once. It counts towards
    /// [`Config::max_sessions`](crate::Config::max_sessions) until it [leaves](Self::leave). Its messages are cleaned
    /// like a peer's; the [policy](crate::Policy) is not asked, and no rate limit applies.
    ///
    /// ```
    /// use chat_proto::{Config, Hub, Timestamp};
    ///
    /// let now = Timestamp::ZERO;
    /// let mut hub = Hub::new(Config::default())?;
    /// let bot = hub.enter(now, "bot")?;
    /// hub.say(now, bot, "the kettle is on")?;
    /// hub.leave(now, bot, "");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The hub is full or shutting down, or the name cannot be taken.
    pub fn enter(&mut self, now: Timestamp, name: &str) -> Result<SessionId, EnterError> {
        let now = self.clock(now);
        if self.shutting_down {
            return Err(OpenError::ShuttingDown.into());
        }
        self.may_come_as(name)?;
        // It reads no log, so any log will do for its cursor.
        let cursor = Cursor::at_head(self.lobby_log(0));
        let Some(id) = self.sessions.insert(0, cursor, now, Step::Enter) else {
            self.make_room();
            return Err(OpenError::Full.into());
        };
        self.unconnected += 1;
        self.apply(&Entry::Enter { member: MemberId(id.slot), guest: false, lobby: true, cloak: None });
        let claimed = self.claim(id.slot, name);
        debug_assert_eq!(claimed, Ok(()), "the name was checked before");
        self.publish_joined(id.slot, &self.name_of(id.slot));
        self.make_room();
        Ok(id)
    }

    /// Publishes a message of a member without a connection.
    ///
    /// # Errors
    ///
    /// There is no such member, or readers are behind.
    pub fn say(&mut self, now: Timestamp, id: SessionId, words: &str) -> Result<(), SayError> {
        let at = self.clock(now).as_nanos();
        self.publish_for(now, id, words, |member, words| Entry::Say { member, room: RoomId::LOBBY, words, at })
    }

    /// Publishes an action (`/me`) of a member without a connection.
    ///
    /// # Errors
    ///
    /// There is no such member, or readers are behind.
    pub fn act(&mut self, now: Timestamp, id: SessionId, words: &str) -> Result<(), SayError> {
        let at = self.clock(now).as_nanos();
        self.publish_for(now, id, words, |member, words| Entry::Act { member, room: RoomId::LOBBY, words, at })
    }

    /// Sends a private message from a member without a connection to a session, or to another such member.
    ///
    /// # Errors
    ///
    /// There is no such member, or the recipient is gone or has no room.
    pub fn say_to(&mut self, now: Timestamp, id: SessionId, to: SessionId, words: &str) -> Result<(), SayError> {
        self.clock(now);
        let slot = self.unconnected_slot(id)?;
        let target = self.sessions.slot(to).filter(|target| self.sessions[*target].is_here());
        let target = target.ok_or(SayError::NobodyThere)?;
        self.with_words(words, |hub, words| {
            let from = hub.name_of(slot);
            let told = Update::Told { from: from.as_str(), words, manner: Manner::Said };
            let has_room = |hub: &mut Self| hub.has_room_for(target, &told, 1);
            if hub.sessions[target].is_open() && (hub.schedule.turns.any_for(target) || !has_room(hub)) {
                return Err(SayError::NotNow);
            }
            hub.apply(&Entry::Tell { member: MemberId(slot), to: MemberId(target), words });
            hub.reply(target, &told);
            Ok(())
        })
    }

    /// Removes a member without a connection, with last words that may be empty and are cut at 256 bytes. Does nothing
    /// if there is no such member.
    pub fn leave(&mut self, now: Timestamp, id: SessionId, words: &str) {
        self.clock(now);
        let Ok(slot) = self.unconnected_slot(id) else { return };
        self.with_clean(words, MAX_LAST_WORDS, |hub, words| hub.let_leave(slot, CloseReason::Quit, words.as_str()));
    }

    /// Removes a member without a connection from the conversation.
    pub(super) fn let_leave(&mut self, slot: u32, reason: CloseReason, words: &str) {
        let (name, rooms) = (self.name_of(slot), self.rooms_of(slot));
        self.remember(slot);
        self.apply(&Entry::Leave { member: MemberId(slot), reason, words });
        self.sessions.remove(slot);
        self.unconnected -= 1;
        if reason != CloseReason::ShutDown && !self.watches.is_empty() {
            self.tell_watchers(name.as_str());
        }
        if reason != CloseReason::ShutDown && !rooms.is_empty() {
            self.publish_presence(rooms.into_iter(), &Update::Left { name: name.as_str(), reason, words }, None);
        }
    }

    /// Returns the slot of a member without a connection.
    fn unconnected_slot(&self, id: SessionId) -> Result<u32, SayError> {
        let slot = self.sessions.slot(id).filter(|slot| self.sessions[*slot].phase() == Phase::Unconnected);
        slot.ok_or(SayError::NoMember)
    }

    /// Publishes a message or action of a member without a connection.
    fn publish_for(
        &mut self,
        now: Timestamp,
        id: SessionId,
        words: &str,
        entry: impl for<'w> Fn(MemberId, &'w str) -> Entry<'w>,
    ) -> Result<(), SayError> {
        self.clock(now);
        let slot = self.unconnected_slot(id)?;
        self.conversation.may_speak(MemberId(slot), RoomId::LOBBY).map_err(SayError::Room)?;
        if !self.logs.is_open(RoomId::LOBBY) {
            return Err(SayError::NotNow);
        }
        self.with_words(words, |hub, words| {
            let (name, entry) = (hub.name_of(slot), entry(MemberId(slot), words));
            let name = name.as_str();
            hub.apply(&entry);
            let update = match entry {
                Entry::Act { .. } => Update::Acted { name, words },
                _ => Update::Said { name, words, wire: None },
            };
            hub.publish(RoomId::LOBBY, &update, None);
            Ok(())
        })
    }

    /// Cleans words, and passes them on if any are left.
    fn with_words(
        &mut self,
        words: &str,
        act: impl FnOnce(&mut Self, &str) -> Result<(), SayError>,
    ) -> Result<(), SayError> {
        self.with_clean(words, self.config.max_line, |hub, words| match words.as_str() {
            "" => Ok(()),
            words => act(hub, words),
        })
    }

    /// Gives a member a name, if the rules allow it.
    pub(super) fn claim(&mut self, slot: u32, name: &str) -> Result<(), NameError> {
        if self.logs.has_irc && self.is_a_server(name) {
            return Err(NameError::Reserved);
        }
        let before = (!self.watches.is_empty()).then(|| self.name_of(slot));
        match self.conversation.apply(&Entry::Name { member: MemberId(slot), name }) {
            Err(Rejected::Name(error)) => return Err(error),
            applied => debug_assert_eq!(applied, Ok(()), "a member may take a name"),
        }
        let (id, name) = (self.sessions.id(slot), self.conversation.members().own_name(MemberId(slot)));
        tracing::info!(session = %id, name, "named");
        self.journal.push(self.now, Some(id), RecordKind::Named);
        if let Some(before) = before {
            self.tell_watchers(&before);
            self.tell_watchers(self.name_of(slot).as_str());
        }
        Ok(())
    }

    /// Checks whether somebody may come under a name.
    fn may_come_as(&self, name: &str) -> Result<(), NameError> {
        if self.logs.has_irc && self.is_a_server(name) {
            return Err(NameError::Reserved);
        }
        self.conversation.may_have(name)
    }

    /// Returns whether a name is that of the server in IRC, or looks like it.
    fn is_a_server(&self, name: &str) -> bool {
        let look = |name: &str| {
            let mut key = Key::new();
            NameRules::Strict.write_key(name, &mut key);
            key
        };
        let mut servers = self.logs.spoken.iter().filter_map(|spoken| spoken.irc.as_ref());
        name.len() <= MAX_NAME && servers.any(|irc| *look(irc.server_name()) == *look(name))
    }

    /// Tells others that a member is called `to` now, and was called `from` before.
    pub(super) fn publish_name(&mut self, slot: u32, from: &NameBuf, to: &NameBuf, had_joined: bool) {
        if from == to {
            // It has asked for the name that it has, or the policy rewrote it to that one.
        } else if !had_joined && self.sessions[slot].is_simple() {
            self.publish_joined(slot, to);
        } else {
            let mut rooms = self.rooms_of(slot);
            if !had_joined && let Some(lobby) = rooms.iter().position(|room| *room == RoomId::LOBBY) {
                // Others in the lobby have not been told of it before.
                rooms.remove(lobby);
                self.publish_joined(slot, to);
            }
            if !rooms.is_empty() {
                let update = Update::Renamed { from: from.as_str(), to: to.as_str() };
                self.publish_in(rooms.into_iter(), &update, self.reader(slot));
            }
        }
    }

    /// Tells others in the lobby that a member has joined.
    pub(super) fn publish_joined(&mut self, slot: u32, name: &NameBuf) {
        self.publish_presence_in_lobby(&Update::Joined { name: name.as_str() }, self.reader(slot));
    }

    /// Returns the session with which a member reads the log, and which has to skip the member's own messages.
    fn reader(&self, slot: u32) -> Option<u32> {
        self.sessions[slot].is_open().then_some(slot)
    }
}
