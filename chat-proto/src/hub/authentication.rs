//! Credentials: the driver is asked whether they are right, and the line that has them waits for its answer.
//!
//! Checking a password takes long on purpose, so it is never done while the hub is locked. The line stays where a line
//! that waits is kept, and is carried out once the answer is there. So credentials take no memory of their own, and no
//! further line of the session is taken meanwhile.

use arrayvec::ArrayVec;

use super::Hub;
use crate::command::Command;
use crate::credentials::{Credentials, MAX_PASSWORD};
use crate::fault::Fault;
use crate::id::{MemberId, SessionId};
use crate::origin::Cloak;
use crate::schedule::turns::Hold;
use crate::session::irc::Check;
use crate::time::Timestamp;
use crate::wire::dialect::irc::command::Command as IrcCommand;
use crate::wire::dialect::irc::line::Line;

/// How many tokens of the session's rate, and of its address's, a wrong password costs besides that of its line. With
/// the default limits nobody tries more than five a second from one address, after a burst of 25.
const WRONG_COSTS: usize = 40;

/// The sessions whose credentials a driver is checking. They stay until it has answered, also if they have ended: it is
/// still at work.
#[derive(Debug, Default)]
pub(super) struct Authentications {
    asked: ArrayVec<SessionId, { Hub::MAX_AUTHENTICATIONS }>,
}

impl Authentications {
    pub(super) fn is_full(&self) -> bool {
        self.asked.is_full()
    }
}

impl Hub {
    /// The most credentials that a driver is asked to check at once; others wait for their turn. A check takes much
    /// memory and time on purpose, and so few leave most of a machine to the conversation.
    ///
    /// Addresses have turns, and those who wait at one address are checked in order. So guesses from one, however many,
    /// keep others waiting for a check or two. With more than 64 addresses at once some share their turns. Sessions
    /// without a [cloak](crate::Cloak) that are not counted by address wait in one line.
    pub const MAX_AUTHENTICATIONS: usize = 4;

    /// Returns what to check after [`Command::Authenticate`]; `None` if the session has ended meanwhile, or was answered.
    ///
    /// A copy of the password must live no longer than the check takes.
    #[must_use]
    pub fn credentials(&self, id: SessionId) -> Option<Credentials<'_>> {
        let session = &self.sessions[self.live(id)?];
        if session.irc.as_ref()?.check != Check::Asked {
            return None;
        }
        let line = Line::parse(session.framer.held()?.as_line()).ok()?;
        match (IrcCommand::find(line.command)?, line.params()) {
            (IrcCommand::Pass, [password, ..]) => Some(Credentials::Server { password }),
            (IrcCommand::Oper, [name, password, ..]) => Some(Credentials::Operator { name, password }),
            _ => None,
        }
    }

    /// Answers [`Command::Authenticate`]: whether the credentials are right. Call it once for each such command, also if
    /// the session has ended: until then it counts as one of [`MAX_AUTHENTICATIONS`](Self::MAX_AUTHENTICATIONS).
    ///
    /// An answer that nobody has asked for does nothing. A second one to the same command may be taken for the answer
    /// to the session's next question.
    pub fn authenticated(&mut self, now: Timestamp, id: SessionId, are_right: bool) {
        self.clock(now);
        let Some(index) = self.authentications.asked.iter().position(|asked| *asked == id) else { return };
        self.authentications.asked.remove(index);
        let Some(slot) = self.live(id).filter(|slot| self.sessions[*slot].is_open()) else { return };
        let session = &mut self.sessions[slot];
        if let Some(irc) = session.irc.as_mut().filter(|irc| irc.check == Check::Asked) {
            irc.check = Check::Answered { are_right };
            session.hold = Hold::Ready;
            self.schedule.turns.wait(slot, Hold::Ready, false);
        }
    }

    /// Returns how many lines wait for the driver, which is at work.
    pub(super) fn under_check(&self) -> usize {
        let waits =
            |id: &&SessionId| self.live(**id).is_some_and(|slot| self.sessions[slot].hold == Hold::Authentication);
        self.authentications.asked.iter().filter(waits).count()
    }

    /// Returns whether there are credentials about which a driver may be asked now.
    #[inline]
    pub(super) fn has_authentications(&self) -> bool {
        self.schedule.turns.any_to_authenticate() && !self.authentications.is_full()
    }

    /// Hands out the next `Authenticate`.
    pub(super) fn next_authentication(&mut self) -> Option<Command> {
        if self.authentications.is_full() {
            return None;
        }
        let slot = self.schedule.turns.next_to_authenticate()?;
        let id = self.sessions.id(slot);
        if let Some(irc) = &mut self.sessions[slot].irc {
            irc.check = Check::Asked;
        }
        self.authentications.asked.push(id);
        Some(Command::Authenticate(id))
    }

    /// Returns what tells the address of a session that has sent credentials from those of others.
    pub(super) fn guesser_address(&self, slot: u32) -> u64 {
        let cloak = self.conversation.person(MemberId(slot)).cloak.map(Cloak::number);
        let counted = || self.sessions[slot].origin.map(|origin| 1 + u64::from(origin.number()));
        // Numbers of origins are small and cloaks are 64 random bits, so one is not taken for the other in practice.
        cloak.or_else(counted).unwrap_or_default()
    }

    /// Returns whether the password in the line that a session sends is right. `None`: the line has to wait until the
    /// driver has said so.
    pub(super) fn take_answer(&mut self, slot: u32, password: &str) -> Option<bool> {
        if password.len() > MAX_PASSWORD {
            return Some(false);
        }
        let irc = self.sessions[slot].irc.as_mut()?;
        match core::mem::take(&mut irc.check) {
            Check::Answered { are_right } => Some(are_right || Fault::WrongPasswordTaken.is_planted()),
            Check::No | Check::Asked => None,
        }
    }

    /// Makes guessing slow: charges a session, and all of its address, for a wrong password.
    pub(super) fn charge_for_guess(&mut self, slot: u32) {
        for _ in 0..WRONG_COSTS {
            self.pay(slot, self.now);
        }
    }
}
