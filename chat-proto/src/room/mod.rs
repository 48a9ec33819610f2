//! The logs: one for each dialect, and how far its readers are.

pub(crate) mod presence;
pub(crate) mod rendered;

use alloc::vec::Vec;

use self::rendered::Rendered;
use crate::config::{Config, DialectConfig};
use crate::fault::Fault;
use crate::log::Log;
use crate::schedule::pace::Pace;
use crate::schedule::ready::Ready;
use crate::session::table::Sessions;
use crate::time::Timestamp;
use crate::wire::dialect::Event;

/// What is published, as each dialect encodes it.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) rendered: Vec<Rendered>,
    /// `None` if nobody is waited for.
    pub(crate) pace: Option<Pace>,
    /// A small part of a log lies behind its mark, and a reader that is waited for has not reached the mark of its own
    /// log.
    is_closed: bool,
    /// How often the marks have moved; wraps around.
    moves: u32,
    /// The buffer that dialects encode into.
    encoded: Vec<u8>,
    /// [`Config::max_encoded`], kept here because every event needs it.
    pub(crate) max_encoded: usize,
    /// Messages and notices that went to everyone.
    pub(crate) messages: u64,
}

/// The dialects that an event is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    All,
    /// Those in which each of many joins and leaves is an event of its own.
    Programs,
    /// The others. What they are told instead is not counted as a message.
    Screens,
}

impl Audience {
    fn has(self, rendered: &Rendered) -> bool {
        self == Self::All || rendered.folds_presence == (self == Self::Screens)
    }
}

impl Room {
    pub(crate) fn new(config: &Config) -> Self {
        let pace = Pace::new(config.pace, config.log_bytes, config.log_entries);
        let rendered = |dialect: &DialectConfig| {
            Rendered::new(dialect.clone(), config.log_bytes, config.log_entries, pace.as_ref())
        };
        let rendered = config.dialects.iter().map(rendered).collect();
        Self {
            rendered,
            pace,
            is_closed: false,
            moves: 0,
            encoded: Vec::with_capacity(Self::room_to_encode(config)),
            max_encoded: config.max_encoded(),
            messages: 0,
        }
    }

    /// Bytes of heap for a room with these limits.
    pub(crate) fn memory_bound(config: &Config) -> u64 {
        let rendered = size_of::<Rendered>() + Log::memory_bound(config.log_bytes, config.log_entries);
        config.dialects.len() as u64 * rendered as u64 + Self::room_to_encode(config) as u64
    }

    /// Bytes of the encoding buffer: a dialect may write an event twice, plain and encoded, before it drops one.
    fn room_to_encode(config: &Config) -> usize {
        2 * config.max_encoded()
    }

    /// Appends an event to the log of every dialect that has readers and shows it. Its author does not read it.
    #[inline(always)]
    pub(crate) fn publish(
        &mut self,
        now: Timestamp,
        event: &Event<'_>,
        author: Option<u32>,
        sessions: &mut Sessions,
        ready: &mut Ready,
    ) {
        self.messages += 1;
        self.append(now, |_| true, event, author, sessions, ready);
    }

    /// Does the same for some dialects only.
    pub(crate) fn publish_to(
        &mut self,
        now: Timestamp,
        audience: Audience,
        event: &Event<'_>,
        author: Option<u32>,
        sessions: &mut Sessions,
        ready: &mut Ready,
    ) {
        self.messages += u64::from(audience != Audience::Screens);
        self.append(now, |rendered| audience.has(rendered), event, author, sessions, ready);
    }

    /// Does the same for the dialects that `is_wanted` selects; inlined, because nearly always all are.
    #[inline(always)]
    fn append(
        &mut self,
        now: Timestamp,
        is_wanted: impl Fn(&Rendered) -> bool,
        event: &Event<'_>,
        author: Option<u32>,
        sessions: &mut Sessions,
        ready: &mut Ready,
    ) {
        let home = author.map(|slot| sessions[slot].dialect);
        let mut may_move = false;
        for (index, rendered) in self.rendered.iter_mut().enumerate() {
            if rendered.sessions == 0 || !is_wanted(rendered) {
                continue;
            }
            let index = index as u8;
            let readers = &mut sessions.readers(index);
            let elsewhere;
            let (event, author) = if home == Some(index) {
                (event, author)
            } else {
                // Only the dialect that decoded the line knows how to use its wire form.
                elsewhere = event.without_wire();
                (&elsewhere, None)
            };
            let moved = rendered.append(event, author, readers, &mut self.encoded, self.max_encoded);
            if moved {
                ready.log_has_grown(index);
            }
            may_move |= rendered.marks.is_full(&rendered.log);
            // An author at the head has nothing to take, so no report would show that it has reached the mark.
            if let Some(pace) = &self.pace
                && let Some(author) = author
            {
                let author = &mut sessions[author];
                may_move |= rendered.marks.observe(&mut author.intake, author.cursor.next, pace, now);
            }
        }
        if may_move {
            self.move_marks();
        }
    }

    /// Moves the marks of all logs, if a small part of one lies behind its mark and all readers have reached theirs.
    pub(crate) fn move_marks(&mut self) {
        let Some(pace) = &self.pace else { return };
        let is_full = self.rendered.iter().any(|rendered| rendered.marks.is_full(&rendered.log));
        let is_anyone_behind = || self.rendered.iter().any(|rendered| rendered.marks.is_anyone_behind(&rendered.log));
        self.is_closed = is_full && is_anyone_behind() && !Fault::PaceIgnored.is_planted();
        if is_full && !self.is_closed {
            self.moves = self.moves.wrapping_add(1);
            for rendered in &mut self.rendered {
                rendered.marks.set(&rendered.log, pace);
            }
        }
    }

    /// Returns whether something may be published: every reader that is waited for is far enough.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        !self.is_closed
    }

    /// Returns a number that changes whenever the marks have moved.
    #[inline]
    pub(crate) fn marks(&self) -> u32 {
        self.moves
    }

    /// Returns an event as one dialect encodes it; empty if the dialect does not show it.
    pub(crate) fn encode(&mut self, dialect: u8, event: &Event<'_>) -> &[u8] {
        self.rendered[dialect as usize].encode(event, &mut self.encoded, self.max_encoded);
        &self.encoded
    }
}
