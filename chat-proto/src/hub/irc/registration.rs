//! How a connection becomes a member: by NICK and USER, once capabilities are settled.

use alloc::string::String;

use arrayvec::ArrayString;

use crate::fault::Fault;
use crate::hub::Hub;
use crate::hub::propose::Objection;
use crate::names::{NameBuf, NameError};
use crate::person::{MAX_REAL_NAME, MAX_USER};
use crate::session::irc::{Registration, cut_to};
use crate::wire::dialect::Complaint;
use crate::wire::dialect::irc::command::Command;
use crate::wire::dialect::irc::line::Line;
use crate::wire::dialect::irc::numeric::Numeric;
use crate::wire::sanitize::clean;

impl Hub {
    /// Gives a new session of IRC what it needs. One whose name is known already is a member at once.
    pub(in crate::hub) fn open_irc(&mut self, slot: u32, is_named: bool) {
        let mut irc = self.irc.take();
        if !is_named {
            irc.begin_registration();
        }
        self.sessions[slot].irc = Some(irc);
        self.make_placed_nowhere(slot);
        if is_named {
            self.note_clients();
            self.welcome(slot);
        } else {
            self.unregistered += 1;
        }
    }

    /// Returns whether a session of IRC is a member already; all others are.
    pub(in crate::hub) fn is_registered(&self, slot: u32) -> bool {
        !self.sessions[slot].is_unregistered()
    }

    /// Remembers the name that a client wants.
    pub(super) fn register_name(&mut self, slot: u32, name: &str) {
        // The name is taken only when everything else is known, so the first client to get that far has it.
        if let Err(error) = self.conversation.may_have(name) {
            return self.refuse(slot, Complaint::Name(error));
        }
        if let Err(error) = self.want_name(slot, name) {
            self.refuse(slot, Complaint::Name(error));
        }
    }

    /// Keeps an allowed name until the client registers, or registers the client now.
    ///
    /// # Errors
    ///
    /// The name is too long as it was written.
    pub(in crate::hub) fn want_name(&mut self, slot: u32, name: &str) -> Result<(), NameError> {
        let name = NameBuf::from(name).map_err(|_| NameError::TooLong { max: self.config.max_name })?;
        if let Some(registration) = self.registration(slot) {
            registration.name = name;
        }
        self.register_if_complete(slot);
        Ok(())
    }

    /// Remembers what a client says of its user.
    pub(super) fn register_user(&mut self, slot: u32, line: &Line<'_>) {
        if self.is_registered(slot) {
            return self.numeric(slot, Numeric::AlreadyRegistered, |to| to.standard().end());
        }
        let (user, real) = (line.param(0).unwrap_or_default(), line.param(3).unwrap_or_default());
        let mut scratch = String::new();
        let real = cut_to::<MAX_REAL_NAME>(clean(real, &mut scratch).as_str());
        // A user that the client states itself begins with `~`, and has none of the signs that separate the parts of a
        // prefix.
        let mut of_user = ArrayString::<MAX_USER>::from("~").unwrap_or_default();
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        for c in user.chars().filter(is_plain) {
            if of_user.try_push(c).is_err() {
                break;
            }
        }
        if of_user.len() == 1 {
            of_user.push_str("u");
        }
        if let Some(registration) = self.registration(slot) {
            (registration.user, registration.real_name) = (of_user, real);
        }
        self.register_if_complete(slot);
    }

    /// Makes the client a member, once all that is needed is known.
    pub(super) fn register_if_complete(&mut self, slot: u32) {
        let Some(registration) = self.registration(slot) else { return };
        let is_negotiating = registration.is_negotiating && !Fault::NegotiationIgnored.is_planted();
        if registration.name.is_empty() || registration.user.is_empty() || is_negotiating {
            return;
        }
        let (name, user, real) = (registration.name, registration.user, registration.real_name);
        if !self.has_given_password(slot) {
            return self.refuse_password(slot);
        }
        // Whichever line completes the registration, only the name can be refused.
        self.occasion.set_command(Command::Nick.name());
        self.occasion.set_target(&name);
        if let Err(objection) = self.take_name(slot, &name) {
            if let Some(registration) = self.registration(slot) {
                registration.name.clear();
            }
            if let Objection::Complaint(Complaint::Name(NameError::Taken)) = objection {
                // Clients take this as a sign to try another one.
                return self.numeric(slot, Numeric::NicknameInUse, |to| to.word(&name).standard().end());
            }
            return self.object(slot, &objection);
        }
        self.describe(slot, &user, &real);
        if let Some(irc) = &mut self.sessions[slot].irc {
            irc.end_registration();
            self.unregistered -= 1;
        }
        self.note_clients();
        let timeout = self.spoken(slot).config.idle_timeout;
        self.sessions[slot].set_idle_timeout(timeout);
        self.arm(slot);
        self.welcome(slot);
        if !self.watches.is_empty() {
            self.tell_watchers(self.name_of(slot).as_str());
        }
    }

    pub(super) fn registration(&mut self, slot: u32) -> Option<&mut Registration> {
        self.sessions[slot].irc.as_mut()?.registration_mut()
    }
}
