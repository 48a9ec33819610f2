//! The reference model: the shortest hub that is obviously right.
//!
//! It has vectors and maps where the hub has rings and lists. Every session has a full copy of every line that is
//! pending for it, and only the rules themselves set limits. From the core it takes only the dialects, which have tests
//! of their own: how a line is decoded and an update encoded.

mod address;
mod bans;
mod closing;
mod difference;
mod first_line;
mod gauges;
mod history;
mod irc;
mod limits;
mod masks;
mod membership;
mod moderate;
mod moderation;
mod names;
mod output;
mod pace;
mod places;
mod presence;
mod program;
mod requests;
mod rooms;
mod rooms_shown;
mod slots;
mod time;
mod turns;
mod words;

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use chat_proto::dialect::{IrcSettings, Unnamed, Update};
use chat_proto::{
    Cloak, CloseReason, Config, DialectId, HubStats, OpenError, Origin, Rate, RateLimit, RecordKind, SessionId,
    SessionStats, Timestamp,
};

use self::address::TokenBuckets;
pub use self::difference::{Checked, Difference, differ};
pub use self::irc::{OFFERED as CAPABILITIES_OF_IRC, longest as longest_of_irc};
use self::limits::Limits;
use self::names::Name;
use self::places::{Entry, Place};
use self::rooms::{LOBBY, Room, RoomKey};
use self::slots::Slots;

/// A hub as the rules describe it.
#[derive(Debug)]
pub struct Model {
    config: Config,
    limits: Limits,
    now: Timestamp,
    shutting_down: bool,
    sessions: Slots<Session>,
    /// How many guest numbers have been given out.
    guests: u64,
    /// All rooms, and those that have ended and that somebody still reads.
    rooms: Vec<Room>,
    /// How many rooms there have been besides the lobby.
    keys: RoomKey,
    /// How many publications there were: one update to one or several rooms is one.
    stamp: u64,
    /// Sessions whose lines wait.
    waits: turns::Lines,
    /// Open sessions whose peers have ended, the earliest first.
    ended: Vec<usize>,
    /// The tokens of each origin that is remembered.
    buckets: HashMap<Origin, TokenBuckets>,
    /// Remembered origins without a session, in the order in which their last session left.
    departed: VecDeque<Origin>,
    /// When the current second of joins and leaves began; `None` before the first.
    second: Option<Timestamp>,
    /// What is published now waits for no readers, although the same update from a peer would.
    waits_for_nobody: bool,
    /// How many events there were, by which clients of IRC know messages.
    events: u64,
    /// How many times anybody entered a room.
    entered: u64,
    /// What the line of IRC needs that is being carried out, and what was known of whoever left last.
    asked: irc::Asked,
    /// The checks of passwords.
    checks: irc::Checks,
    /// The most clients that there were at once.
    most_clients: usize,
    gone: irc::Person,
    /// What clients of IRC are told of the server.
    pub irc_settings: IrcSettings,
    /// The counters that the hub should have.
    pub stats: HubStats,
    /// The records that the hub should have added to its journal since this was last emptied: slot and kind.
    pub journal: Vec<(Option<usize>, RecordKind)>,
}

/// One session.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other and of the phase")]
struct Session {
    id: SessionId,
    dialect: DialectId,
    log: usize,
    /// The origin under which it is counted.
    origin: Option<Origin>,
    /// What others see of its address.
    cloak: Option<Cloak>,
    /// When it may send the next line of its origin, if it has paid for that line and not sent it yet.
    turn: Option<Timestamp>,
    name: Option<Name>,
    /// Its guest number; 0 if it has none.
    guest: u64,
    /// Its first line has been accepted.
    accepted: bool,
    joined: bool,
    phase: Phase,
    /// The unfinished line; `None` if it is too long, and is discarded up to its end.
    line: Option<Vec<u8>>,
    /// Bytes discarded since the last token was paid.
    discarded: usize,
    /// A line that waits, and what it waits for.
    held: Option<Vec<u8>>,
    wait: Option<turns::Wait>,
    /// `None` until its peer has ended; then, whether all of its input was taken.
    ended: Option<bool>,
    pace: pace::PaceState,
    untaken: Untaken,
    /// A `Read` is to be handed out.
    read_due: bool,
    /// The balance for lines, in nanoseconds: a line costs the time in which one token is added. A line of IRC that asks
    /// for several things may take more than there is.
    credit: i128,
    credited: Timestamp,
    /// How fast it may send lines, and how long it may be silent.
    rate: Option<Rate>,
    idle: Option<Duration>,
    /// When the last complete line was received, or when it was opened.
    active: Timestamp,
    /// It has been warned since then.
    warned: bool,
    /// It has been in another room than the lobby, or has left the lobby. Until then the positions of its replies are
    /// numbers of log entries, from then on stamps.
    is_placed: bool,
    /// The rooms that it reads, in the order in which it entered them.
    places: Vec<Place>,
    /// The room in which it speaks, and the first publication since then.
    focus: Option<RoomKey>,
    focused: u64,
    /// The rooms to which it is invited, the oldest invitation first.
    invitations: Vec<RoomKey>,
    /// What it needs if it speaks IRC, and what its client says of its user.
    irc: Option<irc::IrcSession>,
    person: Option<irc::Person>,
    /// What goes before everything else.
    front: Option<output::Front>,
    /// Lines that are pending for it only.
    replies: VecDeque<Reply>,
    /// What was last offered to its socket.
    offered: Vec<output::Offered>,
    /// The rest of an answer that is longer than its replies may be.
    answer: Option<history::Answer>,
    /// A `Send` was handed out, and the socket has not yet taken all that was written.
    sending: bool,
    /// Since when the socket has taken no byte; while closing, since when it is closing.
    waiting: Timestamp,
    stats: SessionStats,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Closing(CloseReason),
    /// Nothing more is received or sent; a `Close` is to be handed out.
    Over(CloseReason),
    /// It takes part without a connection.
    Unconnected,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Untaken {
    No,
    UntilRefill(Timestamp),
    UntilRead,
    UntilSaid,
}

/// A line that is pending for one session only.
#[derive(Clone, Debug)]
struct Reply {
    /// It comes before the log entry of this number.
    at: u64,
    bytes: Rc<[u8]>,
}

/// The log of one room in one dialect: what it should hold.
#[derive(Debug, Default)]
struct LogModel {
    kept: VecDeque<Kept>,
    /// How many entries have been evicted.
    tail: u64,
    /// Bytes ever appended.
    bytes: u64,
    /// For each entry: the bytes and entries up to and including it that waited for readers.
    gated: Vec<(u64, u64)>,
    /// A reader has reached the mark when its next pending entry is this one or a later one.
    mark: u64,
    /// The head of the log, and its bytes, when the mark was last moved.
    start: (u64, u64),
}

/// An entry that a log holds.
#[derive(Debug)]
struct Kept {
    stamp: u64,
    len: usize,
}

impl Model {
    /// Makes the model of a hub with these limits.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            rooms: rooms::first_rooms(&config),
            keys: config.rooms.len() as u64,
            stamp: 0,
            now: Timestamp::ZERO,
            shutting_down: false,
            sessions: Slots::new(),
            waits: turns::Lines::default(),
            ended: Vec::new(),
            guests: 0,
            buckets: HashMap::new(),
            departed: VecDeque::new(),
            second: None,
            waits_for_nobody: false,
            events: 0,
            entered: 0,
            asked: irc::Asked::default(),
            checks: irc::Checks::default(),
            most_clients: 0,
            gone: irc::Person::default(),
            irc_settings: IrcSettings::default(),
            stats: HubStats::default(),
            journal: Vec::new(),
            limits: Limits::new(&config),
            config,
        }
    }

    /// Opens a session in the slot that the hub chose.
    ///
    /// # Errors
    ///
    /// If the slot is not free.
    pub fn open(
        &mut self,
        now: Timestamp,
        dialect: DialectId,
        log: usize,
        origin: Option<Origin>,
        name: Option<&str>,
        id: Option<SessionId>,
    ) -> Checked<Result<(), OpenError>> {
        self.advance(now);
        if let Err(error) = self.may_open(now, origin) {
            self.stats.not_opened += 1;
            self.stats.not_opened_by.count(error);
            let kept_out = matches!(error, OpenError::TooManyFromAddress | OpenError::TooFastFromAddress);
            self.stats.kept_out += u64::from(kept_out);
            self.journal.push((None, RecordKind::NotOpened));
            if error == OpenError::Full {
                self.make_room();
            }
            return Ok(Err(error));
        }
        let is_free = |slot| slot < self.config.max_sessions && !self.sessions.contains_key(slot);
        let Some(id) = id.filter(|id| is_free(id.slot())) else {
            return differ("open", format!("the slot of {id:?} is not free"));
        };
        let slot = id.slot();
        self.stats.opened += 1;
        let cloak = origin.and_then(Origin::cloak);
        let origin = self.come(origin);
        let limits = &self.config.dialects[log];
        let rate = match limits.rate {
            RateLimit::AsConfig => self.config.rate,
            RateLimit::Own(rate) => rate,
        };
        let idle = limits.idle_timeout;
        let session = Session { origin, cloak, rate, idle, ..Session::new(id, dialect, log, self.now) };
        self.sessions.insert(slot, session);
        let is_irc = self.speaks_irc(log);
        if is_irc {
            self.open_irc(slot, name.is_some());
        } else {
            self.enter_room(slot, Some(LOBBY), "");
            self.add_place(slot, LOBBY);
        }
        self.record(slot, RecordKind::Opened);
        if let Some(name) = name.and_then(|name| self.may_have(slot, name).ok()) {
            // Others learn the name when they read the session's messages.
            let text = name.to_string();
            self.session(slot).name = Some(name);
            self.record(slot, RecordKind::Named);
            self.events += 1;
            self.tell_watchers(&text);
        } else if self.unnamed(slot) == Unnamed::Guest {
            self.guests += 1;
            self.session(slot).guest = self.guests;
            let name = self.name(slot);
            self.tell_watchers(&name);
        }
        self.note_clients();
        if !is_irc {
            let idle_timeout = self.config.dialects[log].idle_timeout;
            self.reply(slot, &Update::Welcome { name: &self.name(slot), idle_timeout });
            let backlog = self.config.dialects[log].backlog;
            self.show_history(slot, LOBBY, backlog, false);
        } else if name.is_some() {
            self.welcome(slot);
        }
        self.wait_for(slot);
        if name.is_some() {
            self.session(slot).joined = true;
        }
        if name.is_some() && !is_irc {
            self.waits_for_nobody = true;
            self.publish(&Update::Joined { name: &self.name(slot) }, &[LOBBY], Some(slot));
            self.waits_for_nobody = false;
        }
        self.make_room();
        Ok(Ok(()))
    }

    /// Checks whether one more session may be opened from an origin.
    ///
    /// # Errors
    ///
    /// The reason, if not.
    pub fn may_open(&self, now: Timestamp, origin: Option<Origin>) -> Result<(), OpenError> {
        if self.shutting_down {
            return Err(OpenError::ShuttingDown);
        }
        self.may_come(now, origin)?;
        if self.sessions.len() < self.config.max_sessions { Ok(()) } else { Err(OpenError::Full) }
    }

    /// Publishes an update in some rooms, for all who are in them but its author.
    fn publish(&mut self, update: &Update<'_>, rooms: &[RoomKey], author: Option<usize>) {
        if rooms.is_empty() {
            return;
        }
        self.stats.messages += 1;
        let presence = match update {
            Update::Joined { .. } | Update::Entered { .. } => Some(true),
            Update::Left { .. } | Update::Parted { .. } => Some(false),
            _ => None,
        };
        if presence.is_some() {
            self.end_second();
        }
        self.stamp += 1;
        for room in rooms {
            let is_shown = presence.is_none_or(|is_join| self.is_shown(*room, is_join));
            self.keep(update, *room, author);
            for log in 0..self.config.dialects.len() {
                if is_shown || !self.config.dialects[log].dialect.folds_presence() {
                    self.publish_in(*room, log, update, author);
                }
            }
        }
        self.move_marks();
    }

    /// Adds an update to a room's log of one dialect, if anybody reads that.
    fn publish_in(&mut self, room: RoomKey, log: usize, update: &Update<'_>, author: Option<usize>) {
        let is_read = |session: &Session| session.log == log && session.places.iter().any(|place| place.room == room);
        if !self.sessions.values().any(is_read) {
            return;
        }
        let (bytes, blocks) = if self.speaks_irc(log) {
            (Rc::from([]), Some(self.irc_blocks(&self.room(room).name, author, update)))
        } else {
            (self.line(log, &without_wire(update)), None)
        };
        let len = blocks.as_ref().map_or(bytes.len(), |blocks| blocks.iter().map(irc::Block::kept_len).sum());
        if len == 0 {
            return;
        }
        let waits = !self.waits_for_nobody
            && !matches!(
                update,
                Update::Announced { .. } | Update::Left { .. } | Update::Parted { .. } | Update::CameAndWent { .. }
            );
        let (stamp, limits) = (self.stamp, self.limits.log(room));
        let seq = self.room_mut(room).logs[log].append(Kept { stamp, len }, waits, limits);
        for (slot, session) in self.sessions.iter_mut().filter(|(_, s)| s.log == log && s.phase == Phase::Open) {
            let is_own = author == Some(slot);
            if let Some(place) = session.places.iter_mut().find(|place| place.room == room && !place.left) {
                place.pending.push_back(Entry { seq, stamp, bytes: Rc::clone(&bytes), blocks: blocks.clone(), is_own });
            }
        }
        if let Some(author) = author.filter(|author| self.sessions[author].log == log) {
            self.pass_own(author);
            self.note_places(author);
        }
    }

    fn reply(&mut self, slot: usize, update: &Update<'_>) {
        if self.is_open(slot) {
            self.put_reply(slot, update);
        }
    }

    fn put_reply(&mut self, slot: usize, update: &Update<'_>) {
        let bytes = self.line_for(slot, update);
        self.put(slot, bytes);
    }

    /// Returns an update as a session is sent it.
    fn line_for(&self, slot: usize, update: &Update<'_>) -> Vec<u8> {
        if self.is_irc(slot) {
            return self.irc_reply(slot, &self.asked.room, update);
        }
        let mut bytes = Vec::new();
        self.encode(self.sessions[&slot].log, update, &mut bytes);
        bytes
    }

    fn speaks_irc(&self, log: usize) -> bool {
        self.limits.irc == Some(log)
    }

    /// Returns the update as that dialect encodes it.
    fn line(&self, log: usize, update: &Update<'_>) -> Rc<[u8]> {
        let mut bytes = Vec::new();
        self.encode(log, update, &mut bytes);
        bytes.into()
    }

    /// Appends the update, encoded by that dialect, to the bytes.
    pub fn encode(&self, log: usize, update: &Update<'_>, out: &mut Vec<u8>) {
        self.config.dialects[log].dialect.encode(update, out);
    }

    fn record(&mut self, slot: usize, kind: RecordKind) {
        self.journal.push((Some(slot), kind));
    }

    fn session(&mut self, slot: usize) -> &mut Session {
        self.sessions.get_mut(slot).expect("the slot has a session")
    }

    fn unnamed(&self, slot: usize) -> Unnamed {
        self.config.dialects[self.sessions[&slot].log].dialect.unnamed()
    }

    fn is_open(&self, slot: usize) -> bool {
        self.sessions[&slot].phase == Phase::Open
    }
}

impl Session {
    fn new(id: SessionId, dialect: DialectId, log: usize, now: Timestamp) -> Self {
        let mut stats = SessionStats::default();
        stats.opened = now;
        Self {
            id,
            dialect,
            log,
            origin: None,
            cloak: None,
            turn: None,
            name: None,
            guest: 0,
            accepted: false,
            joined: false,
            phase: Phase::Open,
            line: Some(Vec::new()),
            discarded: 0,
            held: None,
            wait: None,
            ended: None,
            pace: pace::PaceState::NONE,
            untaken: Untaken::No,
            read_due: false,
            rate: None,
            idle: None,
            credit: i128::MAX,
            credited: now,
            active: now,
            warned: false,
            is_placed: false,
            places: Vec::new(),
            focus: Some(LOBBY),
            focused: 0,
            invitations: Vec::new(),
            irc: None,
            person: None,
            front: None,
            replies: VecDeque::new(),
            offered: Vec::new(),
            answer: None,
            sending: false,
            waiting: now,
            stats,
        }
    }
}

/// Returns the update for dialects other than its author's.
fn without_wire<'a>(update: &Update<'a>) -> Update<'a> {
    match *update {
        Update::Said { name, words, .. } => Update::Said { name, words, wire: None },
        update => update,
    }
}

impl LogModel {
    /// The number of the next entry.
    fn head(&self) -> u64 {
        self.tail + self.kept.len() as u64
    }

    /// Appends an entry, and evicts the oldest ones beyond the limits of bytes and entries; returns its number.
    fn append(&mut self, entry: Kept, waits: bool, (most_bytes, most): (usize, usize)) -> u64 {
        let len = entry.len as u64;
        self.bytes += len;
        let before = self.gated.last().copied().unwrap_or_default();
        self.gated.push(if waits { (before.0 + len, before.1 + 1) } else { before });
        self.kept.push_back(entry);
        let mut size: usize = self.kept.iter().map(|entry| entry.len).sum();
        while self.kept.len() > most || size > most_bytes {
            size -= self.kept.pop_front().expect("it is over a limit").len;
            self.tail += 1;
        }
        self.head() - 1
    }
}
