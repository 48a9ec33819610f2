//! Limits by address: what the sessions of one origin may do together.

use super::Hub;
use crate::command::OpenError;
use crate::fault::Fault;
use crate::origin::Origin;
use crate::session::Turn;
use crate::session::origins::Place;
use crate::time::Timestamp;

impl Hub {
    /// Says whether another session may come from there.
    pub(super) fn check_origin(&self, now: Timestamp, origin: Option<Origin>) -> Result<(), OpenError> {
        origin.map_or(Ok(()), |origin| self.origins.check(now, origin))
    }

    /// Counts a session where it comes from, from now until its slot is vacant.
    pub(super) fn count_in(&mut self, now: Timestamp, slot: u32, origin: Option<Origin>) {
        self.sessions[slot].origin = origin.map(|origin| self.origins.enter(now, origin));
    }

    /// Takes note that a session is gone from where it came from.
    pub(super) fn count_out(&mut self, slot: u32) {
        let session = &mut self.sessions[slot];
        if let Some(place) = session.origin.take() {
            self.origins.leave(place, session.turn.take().is_some());
        }
    }

    /// Returns the moment from which on it is the session's turn among all of its origin.
    ///
    /// One that has to wait takes the next token that comes: so each waits no longer than those before it make it, however
    /// many wait, and each is looked at when its own turn comes and not before.
    #[cold] // It is not, but so the path of those that are not counted stays short.
    pub(super) fn turn(&mut self, slot: u32, place: Place, now: Timestamp) -> Timestamp {
        let session = &mut self.sessions[slot];
        if let Some(turn) = session.turn {
            return turn.at();
        }
        let next = self.origins.next_line(place);
        if next > now {
            self.origins.take_line(place, now);
            session.turn = Some(Turn::new(next));
        }
        next
    }

    /// Has a session's line paid for by its origin, unless it has waited for its turn, and so has paid.
    #[cold]
    pub(super) fn pay_for_line(&mut self, slot: u32, place: Place, now: Timestamp) {
        if self.sessions[slot].turn.take().is_none() || Fault::TurnPaidTwice.is_planted() {
            self.origins.take_line(place, now);
        }
    }
}
