//! Passwords, which the driver checks, and what only operators of the server may do.

use std::collections::HashMap;

use chat_proto::{Action, Cloak, CloseReason, Hub, SessionId, Timestamp};

use super::Step;
use super::line::{self, Line};
use super::numerics;
use super::registration::TO_REGISTER;
use crate::model::requests::cut;
use crate::model::turns::Wait;
use crate::model::words::clean;
use crate::model::{Checked, Model, Phase, Session, differ};

/// The password that a client has to give, and that of the only operator, who is called `root`.
const PASSWORD: &str = "sesame";

/// The most bytes of a password about which the driver is asked.
const MAX_PASSWORD: usize = 256;

/// What a wrong password costs besides its line.
const WRONG_COSTS: usize = 40;

/// With which wrong password of an operator a client is closed.
const MAX_WRONG: u8 = 3;

/// How far the check of the password in a line is that waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::model) enum Check {
    #[default]
    No,
    Asked,
    Answered(bool),
}

/// The checks that the driver makes, and the sessions that wait for theirs.
#[derive(Debug, Default)]
pub(in crate::model) struct Checks {
    asked: Vec<SessionId>,
    /// In the order in which they came; each with the number of the last question by then.
    waiting: Vec<(usize, usize)>,
    /// The number of the last question, and of the last about each address.
    count: usize,
    last: HashMap<Option<Cloak>, usize>,
}

impl Checks {
    pub(in crate::model) fn wait(&mut self, slot: usize) {
        self.waiting.push((slot, self.count));
    }

    pub(in crate::model) fn forget(&mut self, slot: usize) {
        self.waiting.retain(|(other, _)| *other != slot);
    }
}

impl Model {
    /// Returns whether the driver has to be asked about a password.
    #[must_use]
    pub fn owes_check(&self) -> bool {
        self.checks.asked.len() < Hub::MAX_AUTHENTICATIONS && !self.checks.waiting.is_empty()
    }

    /// The driver is asked about a session's password. Returns whether it is right.
    ///
    /// # Errors
    ///
    /// If it is not the session's turn.
    pub fn hand_out_check(&mut self, id: SessionId) -> Checked<bool> {
        let slot = id.slot();
        if !self.checks.waiting.iter().any(|(other, _)| *other == slot) {
            return differ("authenticate", format!("{id:?} does not wait for it"));
        }
        if !self.owes_check() {
            return differ("authenticate", "too many are checked at once");
        }
        let of = |slot: usize| self.sessions[&slot].cloak;
        let address = of(slot);
        let last = self.checks.last.get(&address).copied();
        let mut earlier = self.checks.waiting.iter().take_while(|(other, _)| *other != slot);
        if let Some((other, _)) = earlier.find(|(other, _)| of(*other) == address) {
            return differ("authenticate", format!("slot {other} from the same address came before {id:?}"));
        }
        for (other, came) in &self.checks.waiting {
            let (theirs, their_last) = (of(*other), self.checks.last.get(&of(*other)).copied());
            // They waited when this address had its last turn, and have had none since.
            if theirs != address && last.is_some_and(|last| *came < last && their_last < Some(last)) {
                return differ("authenticate", format!("it was the turn of slot {other}, not of {id:?}"));
            }
        }
        let held = self.sessions[&slot].held.clone().unwrap_or_default();
        let Ok(line) = Line::parse(&held) else { return differ("authenticate", "its line is broken") };
        let is_right = match line::find_command(&line.command) {
            Some(("PASS", ..)) => line.text(0) == PASSWORD,
            Some(("OPER", ..)) => line.text(0) == "root" && line.text(1) == PASSWORD,
            _ => return differ("authenticate", format!("there is no password in a line of {id:?}")),
        };
        self.checks.forget(slot);
        self.checks.count += 1;
        self.checks.last.insert(address, self.checks.count);
        self.checks.asked.push(id);
        self.irc_mut(slot).check = Check::Asked;
        Ok(is_right)
    }

    /// The driver says whether a password is right.
    pub fn authenticated(&mut self, now: Timestamp, id: SessionId, is_right: bool) {
        self.advance(now);
        let Some(index) = self.checks.asked.iter().position(|asked| *asked == id) else { return };
        self.checks.asked.remove(index);
        let Some(session) = self.sessions.get_mut(id.slot()).filter(|it| it.id == id && it.phase == Phase::Open) else {
            return;
        };
        if let Some(irc) = session.irc.as_mut().filter(|irc| irc.check == Check::Asked) {
            irc.check = Check::Answered(is_right);
            session.wait = Some(Wait::Nothing);
            self.make_ready(id.slot());
        }
    }

    /// Returns whether the password in a line is right, once that is known.
    fn take_answer(&mut self, slot: usize, password: &str) -> Option<bool> {
        if password.len() > MAX_PASSWORD {
            return Some(false);
        }
        match std::mem::take(&mut self.irc_mut(slot).check) {
            Check::Answered(is_right) => Some(is_right),
            Check::No | Check::Asked => None,
        }
    }

    /// A client gives the password of the server.
    pub(super) fn give_password(&mut self, slot: usize, password: &str) -> Step {
        if self.is_registered(slot) {
            self.answer_number(slot, 462);
        } else if !self.has_given_password(slot) {
            match self.take_answer(slot, password) {
                None => return Step::Waits(Wait::Check),
                Some(true) => {
                    self.irc_mut(slot).registration.as_mut().expect("it is not registered").has_password = true;
                }
                Some(false) => {
                    self.pay_for_guess(slot);
                    self.refuse_password(slot);
                }
            }
        }
        Step::Done
    }

    /// Returns by when a client has to register; `None` if never, or not while its password is checked.
    pub(in crate::model) fn registers_until(&self, session: &Session) -> Option<Timestamp> {
        let irc = session.irc.as_ref()?;
        let registration = irc.registration.as_ref()?;
        let waits = self.checks.waiting.iter().any(|(slot, _)| *slot == session.id.slot());
        let since = if registration.has_password { session.active } else { session.stats.opened };
        (irc.check == Check::No && !waits).then_some(since + TO_REGISTER)
    }

    /// Returns whether a client may register, as far as the password of the server is concerned.
    pub(super) fn has_given_password(&self, slot: usize) -> bool {
        let registration = self.irc(slot).registration.as_ref();
        !self.irc_settings.asks_password || registration.is_none_or(|registration| registration.has_password)
    }

    fn pay_for_guess(&mut self, slot: usize) {
        for _ in 0..WRONG_COSTS {
            self.pay(slot);
        }
    }

    pub(super) fn refuse_password(&mut self, slot: usize) {
        self.answer_number(slot, 464);
        self.close_guesser(slot);
    }

    fn close_guesser(&mut self, slot: usize) {
        self.end_labelled(slot, true);
        self.close(slot, CloseReason::WrongPassword, "");
    }

    /// A client says that it is an operator of the server.
    pub(super) fn become_operator(&mut self, slot: usize, password: &str) -> Step {
        if !self.irc_settings.has_operators {
            self.answer_number(slot, 491);
            return Step::Done;
        }
        match self.take_answer(slot, password) {
            None => return Step::Waits(Wait::Check),
            Some(true) => {
                let irc = self.irc_mut(slot);
                irc.wrong = 0;
                let before = std::mem::take(&mut irc.modes);
                irc.modes = super::user_modes::LETTERS.chars().filter(|c| *c == 'o' || before.contains(*c)).collect();
                self.answer_number(slot, 381);
                self.show_change(slot, "+o");
            }
            Some(false) => {
                self.pay_for_guess(slot);
                let irc = self.irc_mut(slot);
                irc.wrong += 1;
                let is_last = irc.wrong >= MAX_WRONG;
                self.answer_number(slot, 464);
                if is_last {
                    self.close_guesser(slot);
                }
            }
        }
        Step::Done
    }

    pub(super) fn is_server_operator(&self, slot: usize) -> bool {
        self.sessions[&slot].irc.as_ref().is_some_and(|irc| irc.modes.contains('o'))
    }

    /// An operator of the server closes somebody's session.
    pub(super) fn kill(&mut self, slot: usize, name: &str, why: &str) {
        if !self.is_server_operator(slot) {
            return self.answer_number(slot, 481);
        }
        let Some(target) = self.registered(name) else {
            return self.refuse(slot, chat_proto::dialect::Complaint::NobodyThere);
        };
        if !self.is_open(target) {
            return self.answer_number(slot, 483);
        }
        let (by, victim) = (self.name(slot), self.name(target));
        let most = 256 - by.len() - " ()".len();
        let mut words = clean(cut(why, most));
        if !words.is_empty() {
            let judged = self.consider(slot, Action::Kill { to: &victim, words: &words }, &words);
            words = cut(&judged.unwrap_or_default(), most).into();
        }
        if self.is_irc(target) && self.has_room_for_a_line(target) {
            self.send_lines(target, |model, _| {
                let line = model.line_from(&by, &model.person(slot)).word("KILL").word(&victim);
                line.trailing(&words).end()
            });
        }
        if target == slot {
            self.end_labelled(slot, true);
        }
        self.close(target, CloseReason::Killed, &format!("{by} ({words})"));
    }

    /// An operator of the server says something to all who want to read that.
    pub(super) fn wallops(&mut self, slot: usize, words: &str) {
        if !self.is_server_operator(slot) {
            return self.answer_number(slot, 481);
        }
        let mut words = clean(words);
        if !words.is_empty() {
            words = match self.consider(slot, Action::Wallops { words: &words }, &words) {
                Ok(words) => words,
                Err(objection) => return self.object(slot, &objection),
            };
        }
        let by = self.name(slot);
        for reader in self.slots().collect::<Vec<_>>() {
            let is_wanted = self.sessions[&reader].irc.as_ref().is_some_and(|irc| irc.modes.contains('w'));
            if is_wanted && self.is_open(reader) && self.has_room_for_a_line(reader) {
                self.send_lines(reader, |model, _| {
                    model.line_from(&by, &model.person(slot)).word("WALLOPS").trailing(&words).end()
                });
            }
        }
    }

    /// Shows a user a change of its modes.
    pub(super) fn show_change(&mut self, slot: usize, change: &str) {
        self.send_lines(slot, |model, _| {
            let name = model.name(slot);
            model.line_from(&name, &model.person(slot)).word("MODE").word(&name).trailing(change).end()
        });
    }

    /// Returns the line of WHOIS that says that somebody is an operator.
    pub(super) fn whois_operator(&self, other: usize, reader: &str) -> String {
        if !self.is_server_operator(other) {
            return String::new();
        }
        self.numbered(313, reader).word(&self.name(other)).trailing(numerics::text(313)).end()
    }
}
