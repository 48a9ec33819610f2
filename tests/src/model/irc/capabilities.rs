//! Capabilities: what a client asks to be shown beyond RFC 1459.

use super::line::Line;
use super::numerics;
use crate::model::Model;

/// The capabilities that clients of IRC are offered, in the order in which they are listed.
pub const OFFERED: [&str; 17] = [
    "account-notify",
    "account-tag",
    "away-notify",
    "batch",
    "cap-notify",
    "draft/chathistory",
    "echo-message",
    "draft/event-playback",
    "extended-join",
    "invite-notify",
    "labeled-response",
    "message-tags",
    "multi-prefix",
    "server-time",
    "setname",
    "standard-replies",
    "userhost-in-names",
];

impl Model {
    pub(super) fn negotiate(&mut self, slot: usize, line: &Line) {
        let (subcommand, list) = (line.text(0).to_ascii_uppercase(), line.text(1));
        match &*subcommand {
            "LS" => {
                if let Some(registration) = &mut self.irc_mut(slot).registration {
                    registration.is_negotiating = true;
                }
                if list.parse::<u32>().is_ok_and(|version| version >= 302) {
                    self.irc_mut(slot).knows_302 = true;
                    self.add_cap(slot, "cap-notify");
                }
                self.list_caps(slot, "LS", &OFFERED.join(" "));
            }
            "LIST" => {
                let caps = &self.irc(slot).caps;
                let has: Vec<&str> = OFFERED.into_iter().filter(|cap| caps.contains(cap)).collect();
                self.list_caps(slot, "LIST", &has.join(" "));
            }
            "REQ" => {
                if let Some(registration) = &mut self.irc_mut(slot).registration {
                    registration.is_negotiating = true;
                }
                let is_granted = self.request_caps(slot, list);
                self.list_caps(slot, if is_granted { "ACK" } else { "NAK" }, list);
            }
            "END" => {
                if let Some(registration) = &mut self.irc_mut(slot).registration {
                    registration.is_negotiating = false;
                    self.register_if_complete(slot);
                }
            }
            _ => {
                let subcommand = line.text(0);
                self.answer_lines(slot, |model, reader| {
                    model.numbered(410, reader).word(subcommand).trailing(numerics::text(410)).end()
                });
            }
        }
    }

    fn list_caps(&mut self, slot: usize, subcommand: &str, list: &str) {
        self.answer_lines(slot, |model, reader| {
            model.by_server("CAP").word(reader).word(subcommand).trailing(list).end()
        });
    }

    fn add_cap(&mut self, slot: usize, cap: &'static str) {
        let caps = &mut self.irc_mut(slot).caps;
        if !caps.contains(&cap) {
            caps.push(cap);
        }
    }

    /// Changes all capabilities of a list, or none; returns which.
    fn request_caps(&mut self, slot: usize, list: &str) -> bool {
        let items = || list.split(' ').filter(|item| !item.is_empty());
        let name = |item: &str| item.strip_prefix('-').unwrap_or(item).to_owned();
        let has_302 = self.irc(slot).knows_302;
        let may = |item: &str| {
            let is_offered = OFFERED.contains(&&*name(item));
            is_offered && !(has_302 && item == "-cap-notify")
        };
        if !items().all(may) {
            return false;
        }
        for item in items() {
            let cap = OFFERED.into_iter().find(|cap| *cap == name(item)).expect("it is offered");
            if item.starts_with('-') {
                self.irc_mut(slot).caps.retain(|has| *has != cap);
            } else {
                self.add_cap(slot, cap);
            }
        }
        true
    }
}
