//! CAP: what a client is shown beyond RFC 1459.

use alloc::vec::Vec;

use crate::fault::Fault;
use crate::hub::Hub;
use crate::wire::dialect::irc::caps::Caps;
use crate::wire::dialect::irc::line::Line;
use crate::wire::dialect::irc::numeric::Numeric;
use crate::wire::dialect::irc::tagged::View;

/// The lines and tags that each capability turns on.
const VIEWS: [(Caps, View); 7] = [
    (Caps::STANDARD_REPLIES, View::STANDARD_REPLIES),
    (Caps::SERVER_TIME, View::SERVER_TIME),
    (Caps::MESSAGE_TAGS, View::MESSAGE_TAGS),
    (Caps::EXTENDED_JOIN, View::EXTENDED_JOIN),
    (Caps::AWAY_NOTIFY, View::AWAY_NOTIFY),
    (Caps::SETNAME, View::SETNAME),
    (Caps::INVITE_NOTIFY, View::INVITE_NOTIFY),
];

impl Hub {
    /// Answers a request about capabilities.
    pub(super) fn negotiate(&mut self, slot: u32, line: &Line<'_>) {
        let subcommand = line.param(0).unwrap_or_default();
        let argument = line.param(1).unwrap_or_default();
        match subcommand {
            _ if subcommand.eq_ignore_ascii_case("LS") => {
                let is_302 = argument.parse::<u32>().is_ok_and(|version| version >= 302);
                self.hold_registration(slot);
                if let Some(irc) = self.sessions[slot].irc.as_mut().filter(|_| is_302) {
                    irc.knows_302 = true;
                    irc.caps = irc.caps.with(Caps::CAP_NOTIFY);
                }
                self.list_caps(slot, "LS", Caps::OFFERED, is_302);
            }
            _ if subcommand.eq_ignore_ascii_case("LIST") => {
                let Some(irc) = &self.sessions[slot].irc else { return };
                let (caps, is_302) = (irc.caps, irc.knows_302);
                self.list_caps(slot, "LIST", caps, is_302);
            }
            _ if subcommand.eq_ignore_ascii_case("REQ") => {
                self.hold_registration(slot);
                self.request_caps(slot, argument);
            }
            _ if subcommand.eq_ignore_ascii_case("END") => {
                if let Some(registration) = self.registration(slot) {
                    registration.is_negotiating = false;
                    self.register_if_complete(slot);
                }
            }
            _ => self.numeric(slot, Numeric::InvalidCapCmd, |to| to.word(subcommand).standard().end()),
        }
    }

    /// Lets registration wait until capabilities are settled.
    fn hold_registration(&mut self, slot: u32) {
        if let Some(registration) = self.registration(slot) {
            registration.is_negotiating = true;
        }
    }

    fn list_caps(&mut self, slot: u32, subcommand: &str, caps: Caps, is_302: bool) {
        let mut list = Vec::new();
        for line in caps.lines(is_302) {
            list.clear();
            line.write(&mut list);
            let names = core::str::from_utf8(&list).unwrap_or_default();
            self.answer(slot, |to| {
                let reader = to.reader();
                let head = to.server("CAP").word(reader).word(subcommand);
                // A client that does not expect several lines takes each for a whole answer.
                if line.more && is_302 { head.word("*").trailing(names).end() } else { head.trailing(names).end() }
            });
        }
    }

    fn request_caps(&mut self, slot: u32, list: &str) {
        let Some(irc) = &self.sessions[slot].irc else { return };
        let changed = irc.caps.changed_by(list, irc.knows_302);
        let is_done = changed.is_some_and(|caps| self.set_caps(slot, caps));
        self.answer(slot, |to| {
            let reader = to.reader();
            to.server("CAP").word(reader).word(if is_done { "ACK" } else { "NAK" }).trailing(list).end();
        });
    }

    /// Sets the capabilities of a session. They apply also to updates that were published but not sent yet.
    fn set_caps(&mut self, slot: u32, caps: Caps) -> bool {
        let Some(irc) = &mut self.sessions[slot].irc else { return false };
        irc.caps = caps;
        let before = if Fault::CapabilityStays.is_planted() { irc.view } else { View::PLAIN };
        irc.view = VIEWS.iter().filter(|(cap, _)| caps.has(*cap)).fold(before, |view, (_, other)| view.with(*other));
        true
    }
}
