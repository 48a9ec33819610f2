//! Sessions are opened, or refused.

use alloc::vec::Vec;

use super::Hub;
use crate::command::OpenError;
use crate::config::DialectConfig;
use crate::conversation::Entry;
use crate::id::{DialectId, MemberId, RoomId, SessionId};
use crate::journal::RecordKind;
use crate::log::Cursor;
use crate::origin::Origin;
use crate::rate::Flow;
use crate::session::origins::Origins;
use crate::session::state::Step;
use crate::time::Timestamp;
use crate::wire::dialect::{Unnamed, Update};

impl Hub {
    /// Opens a session for a new transport, whose peer is not counted by address.
    ///
    /// # Errors
    ///
    /// The hub is full or shutting down. [`refusal`](Self::refusal) has the text for the peer.
    ///
    /// # Panics
    ///
    /// May panic if the dialect belongs to another hub.
    pub fn open(&mut self, now: Timestamp, dialect: DialectId) -> Result<SessionId, OpenError> {
        self.open_from(now, dialect, None)
    }

    /// Opens a session for a new transport, and counts it with all others of its origin. It is not counted without an
    /// origin, or with an [uncounted](Origin::uncounted) one.
    ///
    /// # Errors
    ///
    /// The hub is full or shutting down, or that origin has too many sessions or opened too many too quickly.
    /// [`refusal`](Self::refusal) has the text for the peer.
    ///
    /// # Panics
    ///
    /// As [`open`](Self::open).
    pub fn open_from(
        &mut self,
        now: Timestamp,
        dialect: DialectId,
        origin: Option<Origin>,
    ) -> Result<SessionId, OpenError> {
        self.open_as(now, dialect, origin, None)
    }

    /// Opens a session, under a name if one is given. The caller has checked that the name may be taken.
    pub(super) fn open_as(
        &mut self,
        now: Timestamp,
        dialect: DialectId,
        origin: Option<Origin>,
        name: Option<&str>,
    ) -> Result<SessionId, OpenError> {
        let now = self.clock(now);
        let cloak = origin.and_then(Origin::cloak);
        let origin = origin.filter(|origin| origin.is_counted() && Origins::is_wanted(&self.config));
        let cursor = Cursor::at_head(self.lobby_log(dialect.0));
        let opened = if self.shutting_down {
            Err(OpenError::ShuttingDown)
        } else if let Err(error) = self.check_origin(now, origin) {
            Err(error)
        } else {
            self.sessions.insert(dialect.0, cursor, now, Step::Open).ok_or(OpenError::Full)
        };
        let id = match opened {
            Ok(id) => id,
            Err(error) => {
                self.note_not_opened(now, error);
                return Err(error);
            }
        };
        self.count_in(now, id.slot, origin);
        self.open += 1;
        *self.by_format.count_mut(self.sessions[id.slot].format) += 1;
        self.stats.opened += 1;
        self.journal.push(now, Some(id), RecordKind::Opened);
        self.logs.lobby_mut().rendered[dialect.0 as usize].sessions += 1;
        let spoken = &self.logs.spoken[dialect.0 as usize];
        let DialectConfig { idle_timeout, rate, .. } = spoken.config;
        let guest = name.is_none() && spoken.config.dialect.unnamed() == Unnamed::Guest;
        // Clients of IRC begin in no room.
        let is_irc = spoken.irc.is_some();
        self.apply(&Entry::Enter { member: MemberId(id.slot), guest, lobby: !is_irc, cloak });
        if guest && !self.watches.is_empty() {
            self.tell_watchers(self.name_of(id.slot).as_str());
        }
        self.sessions[id.slot].limit(Flow::new(rate.or(self.config.rate)), idle_timeout);
        if let Some(name) = name {
            let claimed = self.claim(id.slot, name);
            debug_assert_eq!(claimed, Ok(()), "the name was checked before");
        }
        if is_irc {
            self.open_irc(id.slot, name.is_some());
        } else {
            self.note_clients();
            self.reply(id.slot, &Update::Welcome { name: self.name_of(id.slot).as_str(), idle_timeout });
            self.show_backlog(id.slot, RoomId::LOBBY);
            if name.is_some() {
                self.publish_joined(id.slot, &self.name_of(id.slot));
            }
        }
        self.wait_for(id.slot);
        self.requeue(id.slot);
        self.arm(id.slot);
        self.make_room();
        Ok(id)
    }

    /// Appends to `out` the text for a peer for which no session could be opened. Write it once, then close
    /// [gently](crate#closing).
    pub fn refusal(&self, dialect: DialectId, error: OpenError, out: &mut Vec<u8>) {
        self.logs.spoken[dialect.0 as usize].config.dialect.encode(&Update::NotOpened(error), out);
    }

    /// Counts a connection that did not become a session.
    pub(super) fn note_not_opened(&mut self, now: Timestamp, error: OpenError) {
        self.stats.not_opened += 1;
        self.stats.not_opened_by.count(error);
        let kept_out = matches!(error, OpenError::TooManyFromAddress | OpenError::TooFastFromAddress);
        self.stats.kept_out += u64::from(kept_out);
        self.journal.push(now, None, RecordKind::NotOpened);
        if error == OpenError::Full {
            self.make_room();
        }
    }
}
