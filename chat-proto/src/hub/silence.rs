//! Sessions that say nothing: they are warned, then closed.

use core::time::Duration;

use super::Hub;
use crate::command::CloseReason;
use crate::journal::RecordKind;
use crate::time::Timestamp;
use crate::wire::dialect::Event;
use crate::wire::sanitize::Clean;

/// How long before the end a session is warned, where silence may last twice as long at least.
const WARNING: Duration = Duration::from_secs(60);

impl Hub {
    /// Returns when a silent session is to be warned or, if it was, closed.
    pub(super) fn silence_deadline(&self, slot: u32) -> Timestamp {
        let session = &self.sessions[slot];
        let Some(timeout) = session.idle_timeout() else { return Timestamp::MAX };
        let is_to_be_warned = timeout >= 2 * WARNING && !session.warned;
        session.active + if is_to_be_warned { timeout.saturating_sub(WARNING) } else { timeout }
    }

    /// Closes a session whose silence has lasted too long, or warns it that this is near.
    pub(super) fn expire_silence(&mut self, slot: u32) {
        // As if it were warned: a clock may leap over both moments.
        self.sessions[slot].warned = true;
        if self.silence_deadline(slot).has_come(self.now) {
            return self.begin_close(slot, CloseReason::Idle, Clean::EMPTY);
        }
        let warning = self.room.encode(self.sessions[slot].dialect, &Event::SilenceWarning).len();
        // Room must stay for last words. One that does not read need not be told more.
        let (reserve, max) = (self.room.max_encoded, self.config.reply_bytes);
        let outbox = self.sessions[slot].outbox.as_ref();
        if warning > 0 && outbox.is_none_or(|outbox| outbox.has_room(warning, reserve, max)) {
            self.journal.push(self.now, Some(self.sessions.id(slot)), RecordKind::Warned);
            self.reply(slot, &Event::SilenceWarning);
        }
    }
}
