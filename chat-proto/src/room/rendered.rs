//! The conversation of one room as one dialect encodes it.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::scenery::{Place, Scenery};
use crate::config::DialectConfig;
use crate::log::Log;
use crate::schedule::pace::{Marks, Pace};
use crate::session::table::Sessions;
use crate::time::Timestamp;
use crate::wire::dialect::irc::Irc;
use crate::wire::dialect::{Dialect, Update};

/// One dialect's log, and its readers.
#[derive(Debug)]
pub(crate) struct Rendered {
    dialect: Arc<dyn Dialect>,
    /// It is IRC.
    irc: Option<Irc>,
    pub(crate) log: Log,
    pub(crate) marks: Marks,
    /// Whether its readers are shown many joins and leaves as a number.
    pub(crate) folds_presence: bool,
    /// Places of sessions of this dialect that still read it.
    pub(crate) sessions: u32,
    /// Those of them that have read all of it and stand in the list of such.
    pub(crate) caught_up: u32,
}

impl Rendered {
    pub(crate) fn new(config: &DialectConfig, log: Log, pace: Option<&Pace>) -> Self {
        let dialect = config.dialect.clone();
        let folds_presence = dialect.folds_presence();
        let irc = dialect.as_irc().cloned();
        Self { dialect, irc, log, marks: Marks::new(pace), folds_presence, sessions: 0, caught_up: 0 }
    }

    /// Lets the log begin at the start of its memory again, if everyone has read all of it. A log of IRC goes on: it is
    /// also where events are read from that are shown among old messages.
    #[inline]
    pub(crate) fn restart_if_read(&mut self) {
        if self.caught_up == self.sessions && self.irc.is_none() {
            self.log.restart();
        }
    }

    /// Encodes an update for the log; returns whether there is anything to show.
    #[inline(always)]
    pub(crate) fn encode_in<'a>(
        &self,
        update: &Update<'_>,
        scenery: Scenery<'_>,
        at: impl FnOnce() -> Place<'a>,
        out: &mut Vec<u8>,
        max: usize,
    ) -> bool {
        match &self.irc {
            None => self.encode(update, out, max),
            Some(irc) => {
                out.clear();
                scenery.render(irc, update, &at(), out);
                debug_assert!(out.len() <= max, "longer than the dialect said");
                !out.is_empty() && out.len() <= max
            }
        }
    }

    /// Encodes an update for a dialect that needs nothing else to show it; returns whether there is anything to show.
    ///
    /// If a dialect writes more than it said it would, its output is dropped: the bounds come first.
    #[inline]
    pub(crate) fn encode(&self, update: &Update<'_>, out: &mut Vec<u8>, max: usize) -> bool {
        out.clear();
        let dialect = &*self.dialect;
        dialect.encode(update, out);
        if out.len() > max {
            exceeded(dialect, out, max);
        }
        !out.is_empty()
    }

    /// Records how far a session has read that is waited for; returns whether it has reached the mark just now.
    #[inline]
    pub(crate) fn observe(
        &mut self,
        log: u32,
        slot: u32,
        sessions: &mut Sessions,
        pace: &Pace,
        now: Timestamp,
    ) -> bool {
        let session = &mut sessions[slot];
        if session.is_placed {
            return self.observe_place(log, slot, sessions);
        }
        let is_waited_for = !session.intake.is_slow();
        let has_reached = self.marks.observe(&mut session.reached, session.cursor.next, is_waited_for);
        if has_reached {
            session.intake.restore(pace, now);
        }
        has_reached
    }

    /// Does the same for a placed session.
    #[cold]
    fn observe_place(&mut self, log: u32, slot: u32, sessions: &mut Sessions) -> bool {
        let (session, places) = sessions.with_places(slot);
        let is_waited_for = !session.intake.is_slow();
        let place = places.and_then(|places| places.live(log));
        place.is_some_and(|place| self.marks.observe(&mut place.reached, place.cursor.next, is_waited_for))
    }
}

#[cold]
fn exceeded(dialect: &dyn Dialect, out: &mut Vec<u8>, max: usize) {
    tracing::error!(dialect = dialect.name(), len = out.len(), max, "dialect exceeds its own bound");
    out.clear();
    // The memory that it has grown to is released, too.
    out.shrink_to(2 * max);
}
