//! The hub composes the parts and is the one thing that a driver holds.
//!
//! This file has the hub's construction and what a driver asks of it. `open` opens sessions, and `close` ends them.
//! `receive` takes what peers send, `messages` does so for WebSocket, `first_line` decides whether they are chat
//! clients at all, `propose` carries out requests, with the buffers of `scratch`, `member` does what the embedding
//! program asks for members that it manages, `rooms` carries out what is asked about rooms, `operators` what their
//! operators ask for, `moderate` does there what the embedding program wants, `pace` makes lines wait for readers,
//! `publish` sends updates to everyone in a room or to one session, `deliver` hands out bytes, `place` does so for
//! sessions that read several rooms, `deadlines` handles timeouts, `answer` shows long answers as a reader reads,
//! `silence` warns idle sessions, and `authentication` asks the driver whether passwords are right. `address` has the
//! limits by address, `reserve` keeps places for connections that may become sessions, `bound` adds up the memory,
//! `stats` counts what has happened, `gauges` tells how much there is, and `stamps` which messages a batch has.

mod address;
mod answer;
mod authentication;
mod bound;
mod close;
mod deadlines;
mod deliver;
mod first_line;
mod gauges;
mod irc;
mod member;
mod messages;
mod moderate;
mod open;
mod operators;
mod pace;
mod place;
mod propose;
mod publish;
mod receive;
mod reserve;
mod rooms;
mod scratch;
mod silence;
mod stamps;
mod stats;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::array;

use self::authentication::Authentications;
pub use self::bound::MemoryBound;
use self::gauges::SessionsByFormat;
pub use self::gauges::{DialectGauges, HubGauges};
pub use self::member::{EnterError, SayError};
pub use self::reserve::Reservation;
use self::scratch::Scratch;
pub use self::stats::HubStats;
use crate::command::Command;
use crate::config::{Config, ConfigError, MAX_DIALECTS};
use crate::conversation::{Conversation, Recorded};
use crate::id::{DialectId, MemberId, SessionId};
use crate::journal::{Journal, Record, RecordKind};
use crate::names::NameBuf;
use crate::pool::Buffers;
use crate::room::RoomLogs;
use crate::room::scenery::Occasion;
use crate::room::spoken::Spoken;
use crate::schedule::Schedule;
use crate::schedule::ready::Belongs;
use crate::session::SessionStats;
use crate::session::irc::IrcState;
use crate::session::origins::Origins;
use crate::session::outbox::Outbox;
use crate::session::state::Phase;
use crate::session::table::Sessions;
use crate::session::watches::Watches;
use crate::time::Timestamp;
use crate::wire::framing::lines::Partial;

/// The chat server's core: sessions, names and the shared logs.
///
/// A driver calls it with what its transports bring and with the time, and does what
/// [`poll_command`](Self::poll_command) says. Any call may be made at any time; a call for a session that is gone does
/// nothing. If `now` runs backwards, the hub uses the latest time that it has seen.
#[derive(Debug)]
pub struct Hub {
    config: Config,
    /// The most bytes of a line in each dialect, kept here because every read needs it.
    max_lines: [usize; MAX_DIALECTS],
    now: Timestamp,
    shutting_down: bool,
    sessions: Sessions,
    /// Sessions that are open: neither closing nor over.
    open: usize,
    /// Members without a connection.
    unconnected: usize,
    /// Open sessions that speak in no room.
    in_no_room: usize,
    /// Open sessions of IRC that are not registered yet.
    unregistered: usize,
    /// Sessions of IRC that are shown only to who shares a room with them.
    invisible: usize,
    /// Open sessions of operators of the server.
    server_operators: usize,
    /// The most clients that there were at once.
    most_clients: usize,
    by_format: SessionsByFormat,
    authentications: Authentications,
    origins: Origins,
    /// The members, their names, the rooms and the history.
    conversation: Conversation,
    /// The logs, and how far their readers are.
    logs: RoomLogs,
    /// Which session is next, and when.
    schedule: Schedule,
    journal: Journal,
    partials: Buffers<Partial>,
    outboxes: Buffers<Outbox>,
    irc: Buffers<IrcState>,
    /// While a batch is filled from several logs, the next entry at each place.
    ahead: Vec<u64>,
    /// Which names sessions of IRC watch.
    watches: Watches,
    /// What only IRC shows of what is going on.
    occasion: Occasion,
    /// `None` while a caller works in it.
    scratch: Option<Box<Scratch>>,
    /// A name that the policy rewrote. It is separate because a claimed name is handled while words are in the scratch.
    rewritten_name: String,
    stats: HubStats,
}

impl Hub {
    /// Makes a hub with these limits, and allocates all of its fixed memory.
    ///
    /// # Errors
    ///
    /// A limit is out of its range.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        config.check()?;
        let max = config.max_sessions;
        Ok(Self {
            max_lines: array::from_fn(|index| config.dialects.get(index).map_or(0, |it| config.max_line_in(it))),
            now: Timestamp::ZERO,
            shutting_down: false,
            sessions: Sessions::new(max),
            open: 0,
            unconnected: 0,
            in_no_room: 0,
            unregistered: 0,
            invisible: 0,
            server_operators: 0,
            most_clients: 0,
            by_format: SessionsByFormat::default(),
            authentications: Authentications::default(),
            origins: Origins::new(&config),
            conversation: Conversation::with_limits(&config),
            logs: RoomLogs::new(&config),
            schedule: Schedule::new(config.numbers()),
            journal: Journal::new(config.journal_records),
            partials: Buffers::new(max),
            outboxes: Buffers::new(max),
            irc: Buffers::new(max),
            ahead: Vec::with_capacity(config.numbers().places),
            watches: Watches::new(max),
            occasion: Occasion::default(),
            scratch: Some(Box::new(Scratch::new(&config))),
            rewritten_name: Scratch::room_to_rewrite(&config),
            stats: HubStats::default(),
            config,
        })
    }

    /// Returns the limits.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the id of the dialect of that name, if the hub speaks it.
    #[must_use]
    pub fn dialect(&self, name: &str) -> Option<DialectId> {
        let index = self.config.dialects.iter().position(|dialect| dialect.dialect.name() == name)?;
        Some(DialectId(index as u8))
    }

    /// Sends a message to everyone, as the server.
    ///
    /// The words are cleaned like a peer's, and cut at `max_line` bytes.
    pub fn announce(&mut self, now: Timestamp, words: &str) {
        let now = self.clock(now);
        self.journal.push(now, None, RecordKind::Announced);
        self.announce_now(words);
    }

    /// Sends a message to one session, as the server. Returns false if the session is gone, or has no room: it does
    /// not read, or is shown a history longer than its replies may be.
    ///
    /// The words are cleaned like a peer's, and cut at `max_line` bytes; if none are left, nothing is sent. A dialect
    /// shows them like [announced](Self::announce) ones.
    pub fn tell(&mut self, now: Timestamp, id: SessionId, words: &str) -> bool {
        self.clock(now);
        let Some(slot) = self.live(id).filter(|slot| self.sessions[*slot].is_open()) else { return false };
        self.tell_now(slot, words)
    }

    /// Returns the next command for the driver.
    ///
    /// Drain until `None`, or stop at any time: nothing is lost. The cost does not depend on the number of sessions.
    pub fn poll_command(&mut self) -> Option<Command> {
        if self.schedule.turns.are_calm() {
            return self.next_command();
        }
        loop {
            self.take_turns();
            let command = self.next_authentication().or_else(|| self.next_command());
            if command.is_some() || !self.has_turns() {
                return command;
            }
        }
    }

    fn next_command(&mut self) -> Option<Command> {
        while let Some(slot) = self.schedule.ready.take_next() {
            let session = &mut self.sessions[slot];
            if let Phase::Over(reason) = session.phase() {
                *self.by_format.count_mut(session.format) -= 1;
                let id = self.sessions.id(slot);
                self.count_out(slot);
                self.sessions.remove(slot);
                return Some(Command::Close(id, reason));
            }
            if core::mem::take(&mut session.owes_read) {
                self.requeue(slot);
                return Some(Command::Read(self.sessions.id(slot)));
            }
            if session.sending {
                debug_assert!(session.is_placed, "a session that is being sent to is not queued again");
                continue;
            }
            if self.has_pending(slot) {
                return Some(self.start_sending(slot));
            }
            // Nothing to send: it was queued with all other readers of its log.
            self.go_on(slot);
        }
        None
    }

    /// Returns whether to call [`poll_command`](Self::poll_command).
    ///
    /// Never false while there is a command. May be true when there is none.
    #[must_use]
    pub fn has_commands(&self) -> bool {
        self.schedule.ready.any() || self.has_turns()
    }

    /// Returns the counters.
    #[must_use]
    pub fn stats(&self) -> HubStats {
        HubStats { sessions: self.sessions.len() - self.unconnected, messages: self.logs.messages(), ..self.stats }
    }

    /// Returns the counters that are kept directly, without those that have to be computed.
    pub(crate) const fn counters(&self) -> &HubStats {
        &self.stats
    }

    /// Returns a session's counters.
    #[must_use]
    pub fn session_stats(&self, id: SessionId) -> Option<SessionStats> {
        Some(self.sessions[self.sessions.slot(id)?].stats)
    }

    /// Returns the ids of all sessions that are open or closing.
    pub fn sessions(&self) -> impl Iterator<Item = SessionId> + '_ {
        let live = |slot: &u32| matches!(self.sessions[*slot].phase(), Phase::Open | Phase::Closing { .. });
        self.sessions.occupied(u32::MAX).filter(live).map(|slot| self.sessions.id(slot))
    }

    /// Returns a session's name: `alice`, `guest-7`, `anonymous`. A closing session has lost its name.
    #[must_use]
    pub fn name(&self, id: SessionId) -> Option<String> {
        Some(self.name_of(self.sessions.slot(id)?).as_str().into())
    }

    /// Returns the session of that name, as peers find it: regardless of case, and guests included.
    ///
    /// Events have names, while [`kick`](Self::kick) needs an id.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<SessionId> {
        self.find_slot(name).map(|slot| self.sessions.id(slot))
    }

    /// Returns which member of the conversation a session, or somebody without a connection, is.
    #[must_use]
    pub fn member(&self, id: SessionId) -> Option<MemberId> {
        let slot = self.sessions.slot(id).filter(|slot| self.sessions[*slot].is_here());
        slot.map(MemberId)
    }

    /// Returns the id by which calls speak of a member, such as the author of an [event](Self::events) if it is still
    /// here.
    #[must_use]
    pub fn session(&self, member: MemberId) -> Option<SessionId> {
        let slot = (member.0 < self.sessions.slots()).then_some(member.0)?;
        self.sessions[slot].is_here().then(|| self.sessions.id(slot))
    }

    /// Returns the conversation: who is here, and the latest entries that were applied.
    #[must_use]
    pub fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// Returns the events that are kept, from number `since` on, oldest first: who joined and left, and what was said,
    /// in private as well.
    ///
    /// A follower asks for new events, and learns from a gap in the numbers how many it
    /// [missed](crate::conversation::Recorded::seq).
    pub fn events(&self, since: u64) -> impl Iterator<Item = Recorded<'_>> {
        self.conversation.events(since)
    }

    /// Returns the journal's records from number `since` on, oldest first.
    ///
    /// Some may have been overwritten: compare the first one's [`seq`](Record::seq) with `since`.
    pub fn journal(&self, since: u64) -> impl Iterator<Item = Record> + '_ {
        self.journal.since(since)
    }

    /// Advances the hub's clock, never backwards, and returns it.
    fn clock(&mut self, now: Timestamp) -> Timestamp {
        self.now = self.now.max(now);
        self.now
    }

    /// Returns the slot of a session that is not over.
    fn live(&self, id: SessionId) -> Option<u32> {
        let slot = self.sessions.slot(id)?;
        matches!(self.sessions[slot].phase(), Phase::Open | Phase::Closing { .. }).then_some(slot)
    }

    /// Returns the name of a session.
    fn name_of(&self, slot: u32) -> NameBuf {
        self.conversation.members().name_of(MemberId(slot))
    }

    /// Returns the dialect that a session speaks.
    fn spoken(&self, slot: u32) -> &Spoken {
        &self.logs.spoken[self.sessions[slot].dialect as usize]
    }

    /// Returns the most bytes that one update takes in a session's dialect.
    #[inline]
    fn longest(&self, slot: u32) -> usize {
        self.spoken(slot).longest
    }

    /// Returns the free space that a session's reply buffer must have for its next line to be taken. One line causes at
    /// most a reply, and a close with last words. In IRC it may cause many short replies, which take no more: `MOST_LINES`
    /// says why.
    #[inline]
    fn reply_reserve(&self, slot: u32) -> usize {
        2 * self.longest(slot)
    }

    /// Queues a session for its next command, or puts it where it waits for one.
    fn requeue(&mut self, slot: u32) {
        let pending = self.has_pending(slot);
        self.requeue_if(slot, pending);
    }

    /// Does the same, given whether there is anything to send.
    #[inline]
    fn requeue_if(&mut self, slot: u32, pending: bool) {
        let session = &self.sessions[slot];
        let is_waiting_to_be_sent = !session.sending && pending;
        let belongs = if matches!(session.phase(), Phase::Over(_)) || session.owes_read || is_waiting_to_be_sent {
            if !session.sending && session.outbox.as_ref().is_some_and(|outbox| !outbox.replies().is_empty()) {
                Belongs::Replied
            } else {
                // A placed session stands in no list that moves into the queue, but for its places.
                let is_behind = !session.is_placed && session.cursor.next < self.lobby_log(session.dialect).head();
                Belongs::Queued { is_behind }
            }
        } else if session.sending {
            Belongs::Nowhere
        } else if session.is_placed {
            return self.requeue_at_places(slot);
        } else {
            Belongs::CaughtUp(session.dialect)
        };
        self.schedule.ready.put(slot, belongs);
    }

    /// Puts a placed session where it waits for news of each of its rooms.
    #[cold]
    fn requeue_at_places(&mut self, slot: u32) {
        self.schedule.ready.put(slot, Belongs::Nowhere);
        self.wait_at_places(slot);
    }
}
