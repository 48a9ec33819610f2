//! The logs: in each room one for each dialect, and how far their readers are.

mod encode;
pub(crate) mod presence;
pub(crate) mod rendered;
pub(crate) mod scenery;
pub(crate) mod spoken;

use alloc::vec;
use alloc::vec::Vec;

use arrayvec::ArrayString;

use self::presence::{Presence, Second};
use self::rendered::Rendered;
use self::scenery::{Clock, Place, Scenery};
use self::spoken::{LOBBY_NAME, Spoken};
use crate::config::{Config, DialectConfig};
use crate::fault::Fault;
use crate::id::{MemberId, RoomId};
use crate::log::Log;
use crate::moderation::MAX_ROOM_NAME;
use crate::schedule::bits::Bits;
use crate::schedule::pace::Pace;
use crate::schedule::ready::Ready;
use crate::session::origins::OriginIndex;
use crate::session::table::{LOBBY, Sessions};
use crate::time::Timestamp;
use crate::wire::dialect::Update;
use crate::wire::dialect::irc::tagged::View;

/// What is published, in each room as each dialect encodes it.
#[derive(Debug)]
pub(crate) struct RoomLogs {
    table: Table,
    /// The log of each room; [`NO_LOG`] if it has none.
    log_of: Vec<u32>,
    /// How many rooms of each number have ended; wraps around. Not the serial number of its log: a room that is always
    /// there gets a new log whenever somebody enters after all had left, but it is the same room with the same history.
    lives: Vec<u32>,
    /// Logs that no room has.
    free: Vec<u32>,
    /// The last serial number that a log was given; wraps around.
    last_serial: u32,
    /// Rooms whose marks have moved since they were [taken](Self::take_opened).
    opened: Bits,
    pub(crate) spoken: Vec<Spoken>,
    /// One of them is IRC.
    pub(crate) has_irc: bool,
    /// The numbers for the lobby's marks, and for those of other rooms; `None` if nobody is waited for.
    pub(crate) pace: Option<Pace>,
    room_pace: Option<Pace>,
    /// Bytes and entries of a log of a room that is not the lobby.
    room_log: (usize, usize),
    /// The second in which joins and leaves are counted.
    pub(crate) second: Second,
    /// The buffer that dialects encode into.
    encoded: Vec<u8>,
    /// A reply of IRC, before what its reader is shown is taken from it.
    kept: Vec<u8>,
    clock: Clock,
    /// [`Config::max_encoded`], kept here because every update needs it.
    pub(crate) max_encoded: usize,
    /// The number of the last publication.
    stamp: u64,
    /// How many publications only said how many members had joined and left, and were no messages.
    summaries: u64,
}

/// The logs of all rooms, by number.
#[derive(Debug)]
struct Table {
    /// The log of the lobby, which has the number [`LOBBY`]. It is a field, so that what is published there, which is
    /// nearly everything, is found without a look into a vector.
    lobby: RoomLog,
    /// The logs of other rooms: number 1 and so on.
    others: Vec<RoomLog>,
}

/// The log of one room, as each dialect renders it.
#[derive(Debug)]
pub(crate) struct RoomLog {
    /// The room, and its name, which stay until the last reader has read what was said before the room ended.
    pub(crate) id: RoomId,
    pub(crate) name: ArrayString<MAX_ROOM_NAME>,
    pub(crate) rendered: Vec<Rendered>,
    /// A small part of a log lies behind its mark, and a reader that is waited for has not reached the mark of its own
    /// log.
    is_closed: bool,
    /// How often the marks have moved; wraps around.
    moves: u32,
    pub(crate) presence: Presence,
    /// Distinguishes this log from others that had the same number; 0 for the lobby's.
    pub(crate) serial: u32,
    /// The room has ended.
    has_ended: bool,
    /// The origin for which it counts as a room that was begun from there, until nobody reads it.
    pub(crate) begun_from: Option<OriginIndex>,
}

/// No log.
const NO_LOG: u32 = u32::MAX;

/// The dialects that an update is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    All,
    /// Dialects that are sent an update for each join and leave, however many there are.
    Programs,
    /// The other dialects. The summary that they are sent instead does not count as a message.
    Screens,
}

impl Audience {
    fn has(self, rendered: &Rendered) -> bool {
        self == Self::All || rendered.folds_presence == (self == Self::Screens)
    }
}

impl RoomLogs {
    pub(crate) fn new(config: &Config) -> Self {
        let pace = Pace::new(config.pace, config.log_bytes, config.log_entries);
        let room_log = config.room_log();
        let max_rooms = config.rooms_at_most();
        let rendered = |dialect: &DialectConfig| {
            Rendered::new(dialect, Log::new(config.log_bytes, config.log_entries), pace.as_ref())
        };
        let lobby = RoomLog::new(RoomId::LOBBY, LOBBY_NAME, config.dialects.iter().map(rendered).collect());
        let mut rooms = Self {
            table: Table { lobby, others: Vec::with_capacity(max_rooms - 1) },
            log_of: vec![NO_LOG; max_rooms],
            lives: vec![0; max_rooms],
            free: Vec::with_capacity(max_rooms),
            last_serial: 0,
            opened: Bits::new(max_rooms),
            has_irc: config.has_irc(),
            spoken: config.dialects.iter().map(|dialect| Spoken::new(dialect, config)).collect(),
            pace,
            room_pace: Pace::new(config.pace, room_log.0, room_log.1),
            room_log,
            second: Second::new(config),
            encoded: Vec::with_capacity(Self::room_to_encode(config)),
            kept: Vec::with_capacity(Self::room_to_keep(config)),
            clock: Clock { started: config.started, life: config.life },
            max_encoded: config.max_encoded(),
            stamp: 0,
            summaries: 0,
        };
        rooms.log_of[0] = LOBBY;
        rooms
    }

    /// Bytes of heap for the logs of all rooms with these limits.
    pub(crate) fn memory_bound(config: &Config) -> u64 {
        let lobby = size_of::<Rendered>() + Log::memory_bound(config.log_bytes, config.log_entries);
        let (bytes, entries) = config.room_log();
        let with_rooms = config.dialects.iter().filter(|dialect| dialect.dialect.has_rooms()).count();
        let (dialects, others) = (config.dialects.len(), config.rooms_at_most() as u64 - 1);
        let other = (dialects * size_of::<Rendered>() + with_rooms * Log::memory_bound(bytes, entries)) as u64;
        dialects as u64 * lobby as u64
            + others * other
            + Self::table(config)
            + (Self::room_to_encode(config) + Self::room_to_keep(config)) as u64
    }

    /// The most bytes of heap that are there twice for a moment while the log of a room grows.
    pub(crate) fn memory_to_grow(config: &Config) -> usize {
        let (bytes, entries) = config.room_log();
        if config.rooms_at_most() == 1 { 0 } else { Log::memory_to_grow(bytes, entries) }
    }

    /// Bytes of heap that are allocated at once.
    pub(crate) fn memory_at_start(config: &Config) -> u64 {
        let lobby = Config { max_rooms: 1, rooms: Vec::new(), ..config.clone() };
        Self::memory_bound(&lobby) - Self::table(&lobby) + Self::table(config)
    }

    /// Bytes of heap to find the logs of rooms.
    fn table(config: &Config) -> u64 {
        let rooms = config.rooms_at_most();
        (rooms * (3 * size_of::<u32>() + size_of::<RoomLog>()) + Bits::memory_bound(rooms)) as u64
    }

    /// Bytes of the encoding buffer: a dialect may write an update twice, plain and encoded, before it drops one.
    fn room_to_encode(config: &Config) -> usize {
        2 * config.max_encoded()
    }

    /// Bytes of the buffer for replies of IRC.
    fn room_to_keep(config: &Config) -> usize {
        if config.has_irc() { config.max_encoded() } else { 0 }
    }

    /// Returns the log of that number.
    #[inline]
    pub(crate) fn log(&self, log: u32) -> &RoomLog {
        self.table.get(log)
    }

    #[inline]
    pub(crate) fn log_mut(&mut self, log: u32) -> &mut RoomLog {
        self.table.get_mut(log)
    }

    /// Returns what is published in the lobby.
    #[inline]
    pub(crate) fn lobby(&self) -> &RoomLog {
        &self.table.lobby
    }

    #[inline]
    pub(crate) fn lobby_mut(&mut self) -> &mut RoomLog {
        &mut self.table.lobby
    }

    /// Returns the log of a room that has one.
    #[inline]
    pub(crate) fn log_of(&self, room: RoomId) -> Option<u32> {
        self.log_of.get(room.0 as usize).copied().filter(|log| *log != NO_LOG)
    }

    /// Returns the first room that has a log whose number is `from` or more.
    pub(crate) fn next_with_log(&self, from: u32) -> Option<RoomId> {
        (from..self.log_of.len() as u32).map(RoomId).find(|room| self.log_of(*room).is_some())
    }

    /// Returns how many rooms of that number have ended.
    pub(crate) fn life(&self, room: RoomId) -> u32 {
        self.lives[room.0 as usize]
    }

    /// Records that a room has ended, so that another one may get its number.
    pub(crate) fn end_life(&mut self, room: RoomId) {
        let life = &mut self.lives[room.0 as usize];
        *life = life.wrapping_add(1);
    }

    /// Returns whether a room that has no log could have one.
    pub(crate) fn has_free_log(&self) -> bool {
        !self.free.is_empty() || self.table.others.len() + 1 < self.log_of.len()
    }

    /// Returns the log of a room, and makes it if there is none.
    pub(crate) fn begin(&mut self, id: RoomId, name: &str) -> u32 {
        if let Some(log) = self.log_of(id) {
            return log;
        }
        let (bytes, entries) = self.room_log;
        let rendered = |spoken: &Spoken| {
            let (bytes, entries) = if spoken.has_rooms { (bytes, entries) } else { (0, 0) };
            Rendered::new(&spoken.config, Log::growing(bytes, entries), self.room_pace.as_ref())
        };
        let mut room = RoomLog::new(id, name, self.spoken.iter().map(rendered).collect());
        self.last_serial = self.last_serial.wrapping_add(1);
        room.serial = self.last_serial;
        let log = if let Some(log) = self.free.pop() {
            *self.log_mut(log) = room;
            log
        } else {
            self.table.others.push(room);
            self.table.others.len() as u32
        };
        self.log_of[id.0 as usize] = log;
        log
    }

    /// Records that a room has ended, or that nobody is in it any more. Its log stays until nobody reads it. Returns
    /// what [`release`](Self::release) does.
    pub(crate) fn end(&mut self, id: RoomId) -> Option<OriginIndex> {
        let log = self.log_of(id).filter(|log| *log != LOBBY)?;
        self.log_of[id.0 as usize] = NO_LOG;
        let room = self.table.get_mut(log);
        room.has_ended = true;
        // Nobody is left to be told.
        room.presence.take_counted(&mut self.second);
        self.release(log)
    }

    /// Frees a log that is needed no more: its room has ended, and nobody reads it. Returns the origin for which it
    /// counts no more.
    #[must_use]
    pub(crate) fn release(&mut self, log: u32) -> Option<OriginIndex> {
        let room = self.log_mut(log);
        let is_read = room.rendered.iter().any(|rendered| rendered.sessions > 0);
        if !room.has_ended || room.rendered.is_empty() || is_read {
            return None;
        }
        room.rendered = Vec::new();
        let begun_from = room.begun_from.take();
        self.free.push(log);
        begun_from
    }

    /// Returns how many messages and notices went to everyone.
    pub(crate) fn messages(&self) -> u64 {
        self.stamp - self.summaries
    }

    /// Returns the number of the next publication: what is a reply now goes out before it.
    #[inline]
    pub(crate) fn next_stamp(&self) -> u64 {
        self.stamp + 1
    }

    /// Appends an update to the logs of every dialect that has readers in the lobby, and shows it. Its author does not
    /// read it.
    #[inline(always)]
    pub(crate) fn publish_in_lobby(
        &mut self,
        now: Timestamp,
        update: &Update<'_>,
        author: Option<u32>,
        scenery: Scenery<'_>,
        sessions: &mut Sessions,
        ready: &mut Ready,
    ) {
        self.begin_publication(true);
        self.append(now, LOBBY, |_| true, update, author, scenery, sessions, ready);
    }

    /// Does the same in any room. Out of line, to keep the path of messages in the lobby short.
    #[inline(never)]
    #[expect(clippy::too_many_arguments, reason = "they are what an update needs")]
    pub(crate) fn publish(
        &mut self,
        now: Timestamp,
        room: RoomId,
        update: &Update<'_>,
        author: Option<u32>,
        scenery: Scenery<'_>,
        sessions: &mut Sessions,
        ready: &mut Ready,
    ) {
        if let Some(log) = self.log_of(room) {
            self.begin_publication(true);
            self.append(now, log, |_| true, update, author, scenery, sessions, ready);
        }
    }

    /// Begins a publication, maybe in several rooms, which readers of several of them see once.
    #[inline]
    pub(crate) fn begin_publication(&mut self, is_message: bool) {
        self.stamp += 1;
        self.summaries += u64::from(!is_message);
    }

    /// Appends an update to logs of the lobby, as a part of the present publication.
    #[expect(clippy::too_many_arguments, reason = "they are what an update needs")]
    pub(crate) fn append_in_lobby(
        &mut self,
        now: Timestamp,
        audience: Audience,
        update: &Update<'_>,
        author: Option<u32>,
        scenery: Scenery<'_>,
        sessions: &mut Sessions,
        ready: &mut Ready,
    ) {
        self.append(now, LOBBY, |rendered| audience.has(rendered), update, author, scenery, sessions, ready);
    }

    /// Does the same in any room.
    #[inline(never)]
    #[expect(clippy::too_many_arguments, reason = "they are what an update needs")]
    pub(crate) fn append_to(
        &mut self,
        now: Timestamp,
        log: u32,
        audience: Audience,
        update: &Update<'_>,
        author: Option<u32>,
        scenery: Scenery<'_>,
        sessions: &mut Sessions,
        ready: &mut Ready,
    ) {
        self.append(now, log, |rendered| audience.has(rendered), update, author, scenery, sessions, ready);
    }

    /// Does the same for the dialects that `is_wanted` selects; inlined, because nearly always all are, and the room is
    /// the lobby.
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "they are what an update needs")]
    fn append(
        &mut self,
        now: Timestamp,
        log: u32,
        is_wanted: impl Fn(&Rendered) -> bool,
        update: &Update<'_>,
        author: Option<u32>,
        scenery: Scenery<'_>,
        sessions: &mut Sessions,
        ready: &mut Ready,
    ) {
        let home = author.map(|slot| sessions[slot].dialect);
        let RoomLog { rendered, name, .. } = self.table.get_mut(log);
        let member = author.map(MemberId);
        let place = || Place { room: name, member, reader: "", view: View::PLAIN, now, clock: self.clock };
        let mut may_move = false;
        for (index, rendered) in rendered.iter_mut().enumerate() {
            if rendered.sessions == 0 || !is_wanted(rendered) {
                continue;
            }
            let index = index as u8;
            let readers = &mut sessions.readers(log, index);
            let elsewhere;
            let (update, author) = if home == Some(index) {
                (update, author)
            } else {
                // Only the dialect that decoded the line knows how to use its wire form.
                elsewhere = update.without_wire();
                (&elsewhere, None)
            };
            if rendered.encode_in(update, scenery, place, &mut self.encoded, self.max_encoded) {
                if log != LOBBY {
                    rendered.restart_if_read();
                }
                rendered.caught_up = 0;
                rendered.log.append(&self.encoded, self.stamp, author, readers);
                ready.log_has_grown(log, index);
            }
            may_move |= rendered.marks.is_full(&rendered.log);
            // An author at the head has nothing to take, so no report would show that it has reached the mark.
            if let Some(pace) = &self.pace
                && let Some(author) = author
            {
                may_move |= rendered.observe(log, author, sessions, pace, now);
            }
        }
        if may_move {
            self.move_marks(log);
        }
    }

    /// Records a join or a leave in a room; returns whether to show it by itself.
    pub(crate) fn note_presence(&mut self, room: RoomId, is_join: bool) -> bool {
        let Some(log) = self.log_of(room) else { return true };
        let room = self.table.get_mut(log);
        room.presence.note(&mut self.second, is_join)
    }

    /// Does the same in the lobby.
    pub(crate) fn note_presence_in_lobby(&mut self, is_join: bool) -> bool {
        self.table.lobby.presence.note(&mut self.second, is_join)
    }

    /// Removes and returns the joins and leaves of a room that were only counted, as an update.
    pub(crate) fn take_counted(&mut self, room: RoomId) -> Option<Update<'static>> {
        let log = self.log_of(room)?;
        let room = self.table.get_mut(log);
        room.presence.take_counted(&mut self.second)
    }

    /// Returns whether only the lobby has a log.
    pub(crate) fn is_lobby_alone(&self) -> bool {
        self.table.others.len() == self.free.len()
    }

    /// Moves the marks of all logs of a room, if a small part of one lies behind its mark and all readers have reached
    /// theirs.
    pub(crate) fn move_marks(&mut self, log: u32) {
        let pace = if log == LOBBY { &self.pace } else { &self.room_pace };
        let (Some(pace), room) = (pace, self.table.get_mut(log)) else { return };
        let is_full = room.rendered.iter().any(|rendered| rendered.marks.is_full(&rendered.log));
        let is_anyone_behind = || room.rendered.iter().any(|rendered| rendered.marks.is_anyone_behind(&rendered.log));
        room.is_closed = is_full && is_anyone_behind() && !Fault::PaceIgnored.is_planted();
        if is_full && !room.is_closed {
            if !room.has_ended {
                self.opened.insert(room.id.0);
            }
            room.moves = room.moves.wrapping_add(1);
            for rendered in &mut room.rendered {
                rendered.marks.set(&rendered.log, pace);
            }
        }
    }

    /// Returns whether any room has opened that was not taken.
    pub(crate) fn has_any_opened(&self) -> bool {
        self.opened.next(0).is_some()
    }

    /// Takes the next room whose marks have moved. Publishing there may have been stopped before.
    pub(crate) fn take_opened(&mut self) -> Option<RoomId> {
        let number = self.opened.next(0)?;
        self.opened.remove(number);
        Some(RoomId(number))
    }

    /// Returns whether something may be published in a room: every reader that is waited for is far enough.
    #[inline]
    pub(crate) fn is_open(&self, room: RoomId) -> bool {
        self.log_of(room).is_none_or(|log| self.log(log).is_open())
    }

    /// Returns a number that changes whenever the marks of a room have moved.
    #[inline]
    pub(crate) fn marks(&self, room: RoomId) -> u32 {
        self.log_of(room).map_or(0, |log| self.log(log).moves)
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }
}

impl Table {
    #[inline]
    fn get(&self, log: u32) -> &RoomLog {
        match log.checked_sub(1) {
            None => &self.lobby,
            Some(index) => &self.others[index as usize],
        }
    }

    #[inline]
    fn get_mut(&mut self, log: u32) -> &mut RoomLog {
        match log.checked_sub(1) {
            None => &mut self.lobby,
            Some(index) => &mut self.others[index as usize],
        }
    }
}

impl RoomLog {
    /// Returns whether something may be published in it: every reader that is waited for is far enough.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        !self.is_closed
    }

    /// Returns how often the marks have moved, which is the number of the last one.
    #[inline]
    pub(crate) fn moves(&self) -> u32 {
        self.moves
    }

    fn new(id: RoomId, name: &str, rendered: Vec<Rendered>) -> Self {
        Self {
            id,
            name: ArrayString::from(name).unwrap_or_default(),
            rendered,
            is_closed: false,
            moves: 0,
            presence: Presence::default(),
            serial: 0,
            has_ended: false,
            begun_from: None,
        }
    }
}
