//! PASS: the password of the server. Where one is asked for, nobody registers without it.

use super::Step;
use crate::command::CloseReason;
use crate::hub::Hub;
use crate::wire::dialect::irc::Irc;
use crate::wire::dialect::irc::numeric::Numeric;
use crate::wire::sanitize::Clean;

impl Hub {
    /// Takes the password of the server, once it is known whether it is right. If none is asked for, any password is
    /// taken.
    pub(super) fn register_password<'a>(&mut self, slot: u32, password: &str) -> Step<'a> {
        if self.is_registered(slot) {
            self.numeric(slot, Numeric::AlreadyRegistered, |to| to.standard().end());
            return Step::Done;
        }
        // A password that was right is not checked again.
        if self.has_given_password(slot) {
            return Step::Done;
        }
        match self.take_answer(slot, password) {
            None => return Step::Authenticate,
            Some(true) => {
                if let Some(registration) = self.registration(slot) {
                    registration.has_password = true;
                }
            }
            Some(false) => {
                self.charge_for_guess(slot);
                self.refuse_password(slot);
            }
        }
        Step::Done
    }

    /// Returns whether a client may register as far as the password of the server is concerned.
    pub(super) fn has_given_password(&mut self, slot: u32) -> bool {
        let asks_password = self.spoken(slot).irc.as_ref().is_some_and(Irc::asks_password);
        !asks_password || self.registration(slot).is_none_or(|registration| registration.has_password)
    }

    /// Closes a client that has given no password, or a wrong one.
    pub(super) fn refuse_password(&mut self, slot: u32) {
        self.numeric(slot, Numeric::PasswdMismatch, |to| to.standard().end());
        self.close_guesser(slot);
    }

    /// Closes a client that does not know a password.
    pub(super) fn close_guesser(&mut self, slot: u32) {
        // The error is sent before the last words.
        self.end_labelled(slot, true);
        self.begin_close(slot, CloseReason::WrongPassword, Clean::EMPTY);
    }
}
