//! Limits by address, which all sessions of one origin share.

use super::Hub;
use crate::command::OpenError;
use crate::fault::Fault;
use crate::id::RoomId;
use crate::moderation::RoomError;
use crate::origin::Origin;
use crate::session::Turn;
use crate::session::origins::OriginIndex;
use crate::time::Timestamp;

impl Hub {
    /// Checks whether another session may be opened from that origin.
    pub(super) fn check_origin(&self, now: Timestamp, origin: Option<Origin>) -> Result<(), OpenError> {
        origin.map_or(Ok(()), |origin| self.origins.check(now, origin))
    }

    /// Counts a session under its origin until its slot is vacant.
    pub(super) fn count_in(&mut self, now: Timestamp, slot: u32, origin: Option<Origin>) {
        self.sessions[slot].origin = origin.map(|origin| self.origins.enter(now, origin));
    }

    /// Stops counting a session under its origin.
    pub(super) fn count_out(&mut self, slot: u32) {
        let session = &mut self.sessions[slot];
        if let Some(origin) = session.origin.take() {
            self.origins.leave(origin, session.turn.take().is_some());
        }
    }

    /// Checks whether a session may begin another room, as far as its origin's limit is concerned.
    pub(super) fn check_begin(&self, slot: u32) -> Result<(), RoomError> {
        self.sessions[slot].origin.map_or(Ok(()), |origin| self.origins.check_room(origin))
    }

    /// Counts a room under the origin of the session that began it, until nobody reads its log.
    pub(super) fn count_room(&mut self, slot: u32, room: RoomId) {
        if let Some(log) = self.logs.log_of(room)
            && let Some(origin) = self.sessions[slot].origin
        {
            self.logs.log_mut(log).begun_from = self.origins.begin_room(origin);
        }
    }

    /// Returns when the session may send its next line, as far as its origin's limit is concerned.
    ///
    /// A session that has to wait reserves the next token. So each waits only for those that came before it, and is
    /// looked at once, when its own turn comes.
    #[cold] // Not rare, but this keeps the path of sessions that are not counted short.
    pub(super) fn turn(&mut self, slot: u32, origin: OriginIndex, now: Timestamp) -> Timestamp {
        let session = &mut self.sessions[slot];
        if let Some(turn) = session.turn {
            return turn.at();
        }
        let next = self.origins.next_line(origin);
        if next > now {
            self.origins.take_line(origin, now);
            session.turn = Some(Turn::new(next));
        }
        next
    }

    /// Charges a session's line to its origin, unless the session has already paid by waiting for its turn.
    #[cold]
    pub(super) fn pay_for_line(&mut self, slot: u32, origin: OriginIndex, now: Timestamp) {
        if self.sessions[slot].turn.take().is_none() || Fault::TurnPaidTwice.is_planted() {
            self.origins.take_line(origin, now);
        }
    }
}
