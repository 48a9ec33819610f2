//! Silent sessions: they are warned, then closed.

use super::Hub;
use crate::command::CloseReason;
use crate::journal::RecordKind;
use crate::time::Timestamp;
use crate::wire::dialect::Update;
use crate::wire::sanitize::Clean;

/// How long before its end a session is warned, in nanoseconds, if its idle timeout is at least twice as long.
const WARNING: u64 = 60_000_000_000;

impl Hub {
    /// Returns when to warn a silent session or, if it was warned, to close it.
    pub(super) fn silence_deadline(&self, slot: u32) -> Timestamp {
        let session = &self.sessions[slot];
        let Some(timeout) = session.idle_nanos() else { return Timestamp::MAX };
        let ahead = match timeout {
            _ if session.warned => 0,
            _ if timeout >= 2 * WARNING => WARNING,
            // Clients of IRC answer the question whether they are there, so they are asked in any case.
            _ if session.irc.is_some() => timeout / 2,
            _ => 0,
        };
        Timestamp::from_nanos(session.active.as_nanos().saturating_add(timeout - ahead))
    }

    /// Closes a session that has been silent too long, or warns it shortly before that.
    pub(super) fn expire_silence(&mut self, slot: u32) {
        // Set before the check, because the clock may jump past both moments.
        self.sessions[slot].warned = true;
        if self.silence_deadline(slot).has_come(self.now) {
            return self.begin_close(slot, CloseReason::Idle, Clean::EMPTY);
        }
        self.encode(slot, &Update::SilenceWarning);
        let warning = self.logs.encoded().len();
        // Room must stay for last words. A session that does not read needs no further warning.
        let (reserve, max) = (self.longest(slot), self.config.reply_bytes);
        let outbox = self.sessions[slot].outbox.as_ref();
        if warning > 0 && outbox.is_none_or(|outbox| outbox.has_room(warning, reserve, max)) {
            self.journal.push(self.now, Some(self.sessions.id(slot)), RecordKind::Warned);
            self.reply(slot, &Update::SilenceWarning);
        }
    }
}
