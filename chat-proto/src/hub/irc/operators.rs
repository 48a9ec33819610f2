//! Operators of the server: who becomes one, and what only they may do.

use alloc::format;
use alloc::string::String;

use super::Step;
use crate::command::CloseReason;
use crate::conversation::MAX_LAST_WORDS;
use crate::fault::Fault;
use crate::hub::Hub;
use crate::id::MemberId;
use crate::policy::Action;
use crate::wire::dialect::Complaint;
use crate::wire::dialect::irc::Irc;
use crate::wire::dialect::irc::numeric::Numeric;
use crate::wire::dialect::irc::user_modes::UserModes;
use crate::wire::sanitize::{clean, cut};

/// How many wrong passwords a session may give with OPER; with the last it is closed. People mistype one once or twice.
const MAX_WRONG: u8 = 3;

impl Hub {
    /// Makes a member an operator of the server, once it is known whether the password is right.
    pub(super) fn become_operator<'a>(&mut self, slot: u32, password: &str) -> Step<'a> {
        if !self.spoken(slot).irc.as_ref().is_some_and(Irc::has_operators) {
            self.numeric(slot, Numeric::NoOperHost, |to| to.standard().end());
            return Step::Done;
        }
        match self.take_answer(slot, password) {
            None => return Step::Authenticate,
            Some(true) => self.make_operator(slot),
            Some(false) => {
                self.charge_for_guess(slot);
                let Some(irc) = &mut self.sessions[slot].irc else { return Step::Done };
                irc.wrong += 1;
                let is_last = irc.wrong >= MAX_WRONG;
                self.numeric(slot, Numeric::PasswdMismatch, |to| to.standard().end());
                if is_last {
                    self.close_guesser(slot);
                }
            }
        }
        Step::Done
    }

    fn make_operator(&mut self, slot: u32) {
        let Some(irc) = &mut self.sessions[slot].irc else { return };
        irc.wrong = 0;
        self.server_operators += usize::from(!irc.modes.has(UserModes::OPERATOR));
        irc.modes = irc.modes.with(UserModes::OPERATOR);
        tracing::info!(session = %self.sessions.id(slot), name = self.name_of(slot).as_str(), "operator of the server");
        self.numeric(slot, Numeric::YoureOper, |to| to.standard().end());
        self.show_change(slot, "+o");
    }

    /// Returns whether a session is an operator's; if not, tells it so.
    fn check_operator(&mut self, slot: u32) -> bool {
        let is_operator = self.is_server_operator(slot) || Fault::OperatorUnchecked.is_planted();
        if !is_operator {
            self.numeric(slot, Numeric::NoPrivileges, |to| to.standard().end());
        }
        is_operator
    }

    /// Returns whether a session is that of an operator of the server.
    pub(in crate::hub) fn is_server_operator(&self, slot: u32) -> bool {
        self.sessions[slot].irc.as_ref().is_some_and(|irc| irc.modes.has(UserModes::OPERATOR))
    }

    /// Closes the session of a member of any dialect.
    pub(super) fn kill(&mut self, slot: u32, name: &str, why: &str) {
        if !self.check_operator(slot) {
            return;
        }
        let Some(target) = self.find_slot(name).filter(|target| self.is_registered(*target)) else {
            return self.refuse(slot, Complaint::NobodyThere);
        };
        if !self.sessions[target].is_open() {
            // A member without a connection.
            return self.numeric(slot, Numeric::CantKillServer, |to| to.standard().end());
        }
        let (by, mut scratch) = (self.name_of(slot), String::new());
        let room = MAX_LAST_WORDS.saturating_sub(by.len() + " ()".len());
        let (to, mut rewritten) = (self.name_of(target), String::new());
        let words = clean(cut(why, room), &mut scratch);
        let action = |words| Action::Kill { to: to.as_str(), words };
        // The policy decides about the words, not about the rest.
        let words = self.passed(slot, words, action, &mut rewritten).map_or("", |words| cut(words.as_str(), room));
        if self.has_reply_room(target)
            && let Some(voice) = self.voice(target)
        {
            let (victim, person) = (self.name_of(target), self.conversation.person(MemberId(slot)));
            voice.encode(&mut self.logs, self.now, |to| {
                to.from(&by, person).word("KILL").word(&victim).trailing(words).end();
            });
            self.put_encoded(target);
        }
        if target == slot {
            self.end_labelled(slot, true);
        }
        tracing::info!(session = %self.sessions.id(target), by = by.as_str(), "killed");
        let (why, mut scratch) = (format!("{by} ({words})"), String::new());
        self.begin_close(target, CloseReason::Killed, clean(&why, &mut scratch));
    }

    /// Says something to all who want to read what operators say.
    pub(super) fn wallops(&mut self, slot: u32, words: &str) {
        if !self.check_operator(slot) {
            return;
        }
        let (by, mut scratch) = (self.name_of(slot), String::new());
        let (words, mut rewritten) = (clean(words, &mut scratch), String::new());
        let words = match self.passed(slot, words, |words| Action::Wallops { words }, &mut rewritten) {
            Ok(words) => words.as_str(),
            Err(objection) => return self.object(slot, &objection),
        };
        for reader in 0..self.sessions.slots() {
            let session = &self.sessions[reader];
            let is_wanted = session.irc.as_ref().is_some_and(|irc| irc.modes.has(UserModes::WALLOPS));
            // A session that does not read misses it, as it misses any notice.
            if !is_wanted || !session.is_open() || !self.has_reply_room(reader) {
                continue;
            }
            let Some(voice) = self.voice(reader) else { continue };
            let person = self.conversation.person(MemberId(slot));
            voice.encode(&mut self.logs, self.now, |to| to.from(&by, person).word("WALLOPS").trailing(words).end());
            self.put_encoded(reader);
            self.requeue(reader);
        }
    }
}
