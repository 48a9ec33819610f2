//! The hub composes the parts and is the one thing that a driver holds.
//!
//! This file has its construction and what a driver asks of it. `receive` takes what peers send, `first_line` sees
//! whether they are chat clients at all, `propose` does what they ask for, `pace` has lines wait for those who read,
//! `publish` writes what comes of it to everyone or to one, `deliver` hands it out, `silence` warns who says nothing, and
//! `close` is how sessions end. `address` has the limits by address, and `bound` adds up the memory.

mod address;
mod bound;
mod close;
mod deliver;
mod first_line;
mod pace;
mod propose;
mod publish;
mod receive;
mod silence;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

pub use self::bound::MemoryBound;
pub use self::deliver::Pending;
use crate::command::{Command, OpenError};
use crate::config::{Config, ConfigError};
use crate::conversation::{Conversation, Entry, MemberId, Recorded};
use crate::fault::Fault;
use crate::id::{DialectId, SessionId};
use crate::journal::{Journal, Record, RecordKind};
use crate::log::Cursor;
use crate::names::NameBuf;
use crate::origin::Origin;
use crate::pool::Buffers;
use crate::rate::Flow;
use crate::room::Room;
use crate::room::presence::Presence;
use crate::room::rendered::Rendered;
use crate::schedule::deadlines::Deadlines;
use crate::schedule::lists::{List, Lists};
use crate::schedule::ready::{Belongs, Ready, Standing};
use crate::schedule::turns::{Hold, Turns};
use crate::session::origins::Origins;
use crate::session::outbox::Outbox;
use crate::session::state::{Ended, Phase, Untaken};
use crate::session::table::Sessions;
use crate::session::{SessionStats, Turn};
use crate::time::Timestamp;
use crate::wire::dialect::{Event, Unnamed};
use crate::wire::framing::lines::Partial;

/// The chat server's core: sessions, names, the shared log.
///
/// A driver calls it with what its transports bring and with the time, and does what
/// [`poll_command`](Self::poll_command) says. Any call may be made at any time; one for a session that is gone does
/// nothing. If `now` runs backwards, the latest that was seen counts.
#[derive(Debug)]
pub struct Hub {
    config: Config,
    /// [`Config::reply_reserve`], which is asked for with every line.
    reply_reserve: usize,
    flow: Flow,
    now: Timestamp,
    shutting_down: bool,
    sessions: Sessions,
    /// Sessions that are open: neither closing nor over.
    open: usize,
    origins: Origins,
    presence: Presence,
    /// Who is here, and what came about.
    conversation: Conversation,
    /// Where everyone hears it.
    room: Room,
    /// Who has something for its driver to do.
    ready: Ready,
    /// Sessions whose line waits.
    turns: Turns,
    /// Sessions that are open though their peers have ended, the longest ago first.
    ended: Lists,
    deadlines: Deadlines,
    journal: Journal,
    partials: Buffers<Partial>,
    outboxes: Buffers<Outbox>,
    /// `None` while somebody works in it.
    scratch: Option<Box<Scratch>>,
    /// A name that the policy rewrote: apart, since a claim is made while words wait in the scratch.
    rewritten_name: String,
    stats: HubStats,
}

/// Counters of the whole hub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HubStats {
    /// Sessions there now: open, closing, or over and their `Close` not yet handed out.
    pub sessions: usize,
    /// Sessions opened ever.
    pub opened: u64,
    /// Sessions not opened: the hub was full or shutting down, or there were too many from one address.
    pub not_opened: u64,
    /// Of those, the ones that were one too many, or too soon, for where they came from.
    pub kept_out: u64,
    /// Sessions over.
    pub closed: u64,
    /// Messages and notices that went to everyone.
    pub messages: u64,
    /// Complete lines taken from peers, refused ones among them.
    pub lines_received: u64,
    /// Bytes taken from peers.
    pub bytes_received: u64,
    /// Bytes that peers' sockets have taken.
    pub bytes_sent: u64,
    /// Lines refused.
    pub refused: u64,
    /// Messages that readers were too slow for, each counted once a reader.
    pub missed: u64,
    /// Times that a session's input began to be left untaken, for want of tokens or for replies that it does not read.
    pub throttled: u64,
    /// Lines that had to wait for readers that keep pace, or for the one whom they are for.
    pub held: u64,
    /// Times that a reader was no longer waited for, since it did not keep pace.
    pub slow: u64,
    /// Sessions that were closed before all was said that their peers had sent before they ended.
    pub cut_short: u64,
    /// Sessions over because they took nothing of what was pending.
    pub stalled: u64,
    /// Sessions over because they spoke another protocol.
    pub wrong_protocol: u64,
}

/// Buffers for what becomes of a line before it is encoded. They live as long as the hub, so that handling a line
/// allocates nothing; whoever works in them takes them out of it meanwhile.
#[derive(Debug, Default)]
struct Scratch {
    /// What a dialect decodes into.
    decoded: Vec<u8>,
    /// Words that had to be cleaned.
    words: String,
    /// Words that the policy rewrote.
    rewritten: String,
}

/// The one list of those whose peers have ended.
const ENDED: List = List(0);

impl Hub {
    /// Makes a hub with these limits; all of its fixed memory is allocated here.
    ///
    /// # Errors
    ///
    /// A limit is out of its range.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        config.check()?;
        let max = config.max_sessions;
        Ok(Self {
            reply_reserve: config.reply_reserve(),
            flow: Flow::new(config.rate),
            now: Timestamp::ZERO,
            shutting_down: false,
            sessions: Sessions::new(max),
            open: 0,
            origins: Origins::new(&config),
            presence: Presence::new(&config),
            conversation: Conversation::with_limits(&config),
            room: Room::new(&config),
            ready: Ready::new(config.dialects.len(), max),
            turns: Turns::new(max),
            ended: Lists::new(1, max),
            deadlines: Deadlines::new(max),
            journal: Journal::new(config.journal_records),
            partials: Buffers::new(max),
            outboxes: Buffers::new(max),
            scratch: Some(Box::new(Scratch::new(&config))),
            rewritten_name: Scratch::room_to_rewrite(&config),
            stats: HubStats::default(),
            config,
        })
    }

    /// Bytes of heap for what [`new`](Self::new) allocates and sessions' buffers at their brim.
    ///
    /// Of limits in range each part fits a `usize` of 32 bits; what is there many times, and the sum, may not.
    pub(crate) fn memory_bound(config: &Config) -> MemoryBound {
        let buffers =
            Partial::memory_bound(config.max_line) + Outbox::memory_bound(config.reply_bytes, config.max_encoded());
        let (logs, journal) = (Self::logs_bound(config), Journal::memory_bound(config.journal_records) as u64);
        let sessions = Self::memory_at_start(config) - logs - journal;
        MemoryBound { sessions: sessions + config.max_sessions as u64 * buffers as u64, logs, journal }
    }

    /// Bytes of heap for what [`new`](Self::new) allocates, and a little more.
    pub(crate) fn memory_at_start(config: &Config) -> u64 {
        let sessions = config.max_sessions;
        let once = [
            Sessions::memory_bound(sessions),
            Buffers::<Partial>::memory_bound(sessions),
            Buffers::<Outbox>::memory_bound(sessions),
            Conversation::members_bound(config),
            Origins::memory_bound(config),
            Ready::memory_bound(config.dialects.len(), sessions),
            Turns::memory_bound(sessions),
            Lists::memory_bound(1, sessions),
            Deadlines::memory_bound(sessions),
            Journal::memory_bound(config.journal_records),
            Scratch::memory_bound(config),
            // A buffer that grows may be there twice for a moment.
            config.max_line.max(config.reply_bytes).max(config.max_encoded()),
            size_of_val(&config.dialects[..]),
        ];
        once.iter().map(|part| *part as u64).sum::<u64>() + Self::logs_bound(config)
    }

    /// Bytes of heap for the logs and the history.
    fn logs_bound(config: &Config) -> u64 {
        Room::memory_bound(config) + Conversation::history_bound(config)
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

    /// Opens a session for a new transport, whose peer is not counted by address.
    ///
    /// # Errors
    ///
    /// The hub is full or shutting down. [`refusal`](Self::refusal) has the words for the peer.
    ///
    /// # Panics
    ///
    /// If the dialect is of another hub that speaks more of them.
    pub fn open(&mut self, now: Timestamp, dialect: DialectId) -> Result<SessionId, OpenError> {
        self.open_from(now, dialect, None)
    }

    /// Opens a session for a new transport, and counts it with all others of its origin; `None`: with nobody.
    ///
    /// # Errors
    ///
    /// The hub is full or shutting down, or there are too many sessions of that origin, or too many new ones.
    /// [`refusal`](Self::refusal) has the words for the peer.
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
        let now = self.clock(now);
        let origin = origin.filter(|_| Origins::is_wanted(&self.config));
        let rendered = &self.room.rendered[dialect.0 as usize];
        let cursor = Cursor::at_head(&rendered.log);
        let opened = if self.shutting_down {
            Err(OpenError::ShuttingDown)
        } else if let Err(error) = self.check_origin(now, origin) {
            Err(error)
        } else {
            self.sessions.insert(dialect.0, cursor, now).ok_or(OpenError::Full)
        };
        let id = match opened {
            Ok(id) => id,
            Err(error) => {
                self.stats.not_opened += 1;
                let kept_out = matches!(error, OpenError::TooManyFromAddress | OpenError::TooFastFromAddress);
                self.stats.kept_out += u64::from(kept_out);
                self.journal.push(now, None, RecordKind::NotOpened);
                if error == OpenError::Full {
                    self.make_room();
                }
                return Err(error);
            }
        };
        self.count_in(now, id.slot, origin);
        self.open += 1;
        self.stats.opened += 1;
        self.journal.push(now, Some(id), RecordKind::Opened);
        self.room.rendered[dialect.0 as usize].sessions += 1;
        let guest = self.rendered(id.slot).config.dialect.unnamed() == Unnamed::Guest;
        self.apply(&Entry::Enter { member: MemberId(id.slot), guest });
        let idle_timeout = self.rendered(id.slot).config.idle_timeout;
        self.reply(id.slot, &Event::Welcome { name: self.name_of(id.slot).as_str(), idle_timeout });
        self.replay_backlog(id.slot);
        self.wait_for(id.slot);
        self.requeue(id.slot);
        self.arm(id.slot);
        self.make_room();
        Ok(id)
    }

    /// Appends to `out` what to tell a peer for which no session could be opened: write it once, then close [gently](crate#closing).
    pub fn refusal(&self, dialect: DialectId, error: OpenError, out: &mut Vec<u8>) {
        self.room.rendered[dialect.0 as usize].config.dialect.encode(&Event::NotOpened(error), out);
    }

    /// Tells everyone something, as the server.
    ///
    /// The words are cleaned as a peer's are, and cut at `max_line` bytes.
    pub fn announce(&mut self, now: Timestamp, words: &str) {
        let now = self.clock(now);
        self.journal.push(now, None, RecordKind::Announced);
        self.announce_now(words);
    }

    /// Returns the next thing for the driver to do.
    ///
    /// Drain until `None`, or stop at any time: nothing is lost. Costs the same however many sessions there are.
    pub fn poll_command(&mut self) -> Option<Command> {
        if self.turns.are_calm() {
            return self.next_command();
        }
        loop {
            self.take_turns();
            let command = self.next_command();
            if command.is_some() || !self.has_turns() {
                return command;
            }
        }
    }

    fn next_command(&mut self) -> Option<Command> {
        while let Some(slot) = self.ready.take_next() {
            let session = &mut self.sessions[slot];
            session.standing = Standing::default();
            if let Phase::Over(reason) = session.phase() {
                let id = self.sessions.id(slot);
                self.count_out(slot);
                self.sessions.remove(slot);
                return Some(Command::Close(id, reason));
            }
            if core::mem::take(&mut session.owes_read) {
                self.requeue(slot);
                return Some(Command::Read(self.sessions.id(slot)));
            }
            debug_assert!(!session.sending, "one that is being sent to is not in line for that again");
            if self.has_pending(slot) {
                return Some(self.start_sending(slot));
            }
            // Nothing to send: it was queued with all who had read its log.
            self.go_on(slot);
        }
        None
    }

    /// Returns whether [`poll_command`](Self::poll_command) is worth calling.
    ///
    /// Never false while there is a command; true now and then when there is none after all.
    #[must_use]
    pub fn has_commands(&self) -> bool {
        self.ready.any() || self.has_turns()
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is to be called next; `None`: not before something happens.
    ///
    /// Any other call may change it. To ask costs nothing.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let told = self.presence.deadline();
        if told == Timestamp::MAX {
            return self.deadlines.first();
        }
        Some(self.deadlines.first().map_or(told, |at| at.min(told)))
    }

    /// Returns the counters.
    #[must_use]
    pub fn stats(&self) -> HubStats {
        HubStats { sessions: self.sessions.len(), messages: self.room.messages, ..self.stats }
    }

    /// Returns the counters that need no adding up.
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

    /// Returns what a session is called: `alice`, `guest-7`, `anonymous`. One that is closing has lost its name.
    #[must_use]
    pub fn name(&self, id: SessionId) -> Option<String> {
        Some(self.name_of(self.sessions.slot(id)?).as_str().into())
    }

    /// Returns the session of that name, as peers find it: without regard to case, and a guest, too.
    ///
    /// Events speak of names; to [`kick`](Self::kick) somebody takes an id.
    #[must_use]
    pub fn find(&mut self, name: &str) -> Option<SessionId> {
        self.find_slot(name).map(|slot| self.sessions.id(slot))
    }

    /// Returns the conversation: who is here, and the latest of the entries that were applied.
    #[must_use]
    pub fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// Returns what happened from number `since` on and is kept, oldest first: who joined and left, what was said.
    ///
    /// A program that follows along asks for what is new, and learns from a gap in the numbers how much it
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

    /// Takes note of the time.
    fn clock(&mut self, now: Timestamp) -> Timestamp {
        self.now = self.now.max(now);
        self.now
    }

    /// Returns the slot of a session that is not over.
    fn live(&self, id: SessionId) -> Option<u32> {
        let slot = self.sessions.slot(id)?;
        matches!(self.sessions[slot].phase(), Phase::Open | Phase::Closing { .. }).then_some(slot)
    }

    /// Returns what a session is called.
    fn name_of(&self, slot: u32) -> NameBuf {
        self.conversation.members().name_of(MemberId(slot))
    }

    fn rendered(&self, slot: u32) -> &Rendered {
        &self.room.rendered[self.sessions[slot].dialect as usize]
    }

    /// Queues a session for its next command, or puts it where it waits for one.
    fn requeue(&mut self, slot: u32) {
        let pending = self.has_pending(slot);
        self.requeue_if(slot, pending);
    }

    /// Does the same, knowing whether anything is to be sent to it.
    #[inline]
    fn requeue_if(&mut self, slot: u32, pending: bool) {
        let session = &mut self.sessions[slot];
        let log = &self.room.rendered[session.dialect as usize].log;
        let is_waiting_to_be_sent = !session.sending && pending;
        let belongs = if matches!(session.phase(), Phase::Over(_)) || session.owes_read || is_waiting_to_be_sent {
            if !session.sending && session.outbox.as_ref().is_some_and(|outbox| !outbox.replies().is_empty()) {
                Belongs::Replied
            } else {
                Belongs::Queued { is_behind: session.cursor.next < log.head() }
            }
        } else if session.sending {
            Belongs::Nowhere
        } else {
            Belongs::CaughtUp(session.dialect)
        };
        self.ready.put(slot, &mut session.standing, belongs);
    }

    /// Makes sure that the session is looked at when its earliest deadline comes.
    fn arm(&mut self, slot: u32) {
        self.deadlines.no_later(slot, self.deadline(slot));
    }

    /// Returns the session's earliest deadline.
    fn deadline(&self, slot: u32) -> Timestamp {
        let [one, two, three, four] = self.deadlines_of(slot);
        one.min(two).min(three).min(four)
    }

    /// Returns the session's deadlines, in the order of [`Expiry::ALL`]; [`Timestamp::MAX`] for never.
    #[inline]
    fn deadlines_of(&self, slot: u32) -> [Timestamp; 4] {
        const NEVER: Timestamp = Timestamp::MAX;
        let session = &self.sessions[slot];
        let after = |since, timeout: Option<Duration>| timeout.map_or(NEVER, |timeout| since + timeout);
        let linger = self.config.linger_timeout;
        match session.phase() {
            Phase::Open => {
                let input = match session.untaken {
                    // Silence that the hub itself imposes is not idleness.
                    Untaken::UntilRefill => {
                        let turn = session.turn.map_or(Timestamp::ZERO, Turn::at);
                        session.bucket.refill(self.flow).max(turn)
                    }
                    _ if session.hold != Hold::None || session.ended != Ended::No => NEVER,
                    _ => self.silence_deadline(slot),
                };
                let stall_timeout = self.config.stall_timeout.filter(|_| session.sending);
                let stays = session.ended == Ended::No || Fault::EndedOutlivesPeer.is_planted();
                let ended = if stays { NEVER } else { session.active + linger };
                [after(session.waiting, stall_timeout), session.intake.runs_out(), input, ended]
            }
            Phase::Closing { .. } => [session.waiting + linger, NEVER, NEVER, NEVER],
            Phase::Vacant | Phase::Over(_) => [NEVER; 4],
        }
    }
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug)]
enum Expiry {
    /// No byte of what is pending was taken for too long; or the session has been closing for too long.
    Output,
    /// The session has been blocked for too long to be waited for.
    Slow,
    /// There is a token for the session's next line; or no complete line has come for too long, or for nearly as long.
    Input,
    /// The session's peer has ended too long ago.
    CutShort,
}

impl Expiry {
    /// In the order in which they are done where several have come.
    const ALL: [Self; 4] = [Self::Output, Self::Slow, Self::Input, Self::CutShort];
}

impl Scratch {
    fn new(config: &Config) -> Self {
        Self {
            decoded: Vec::with_capacity(config.max_line),
            words: String::with_capacity(config.max_line),
            rewritten: Self::room_to_rewrite(config),
        }
    }

    /// Makes a buffer for what the policy writes, if there is one.
    fn room_to_rewrite(config: &Config) -> String {
        String::with_capacity(if config.policy.is_some() { config.max_line } else { 0 })
    }

    /// Bytes of heap for them, and for the name that the policy rewrote.
    const fn memory_bound(config: &Config) -> usize {
        size_of::<Self>() + config.max_line * if config.policy.is_some() { 4 } else { 2 }
    }
}
