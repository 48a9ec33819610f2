//! How a connection becomes a member.

use std::time::Duration;

use chat_proto::dialect::Complaint;
use chat_proto::{Action, NameError};

use super::line::Line;
use super::numerics;
use super::updates::Person;
use crate::model::requests::{Objection, cut};
use crate::model::words::clean;
use crate::model::{Model, Phase};

/// How long a client has for it.
pub(super) const TO_REGISTER: Duration = Duration::from_secs(60);

/// The most bytes of what a client says of its user, and of a real name.
const MAX_USER: usize = 11;
pub(super) const MAX_REAL_NAME: usize = 80;

/// What is known of a client before.
#[derive(Debug, Default)]
pub(in crate::model) struct Registration {
    name: String,
    user: String,
    real_name: String,
    /// It is negotiating capabilities.
    pub(super) is_negotiating: bool,
    /// It has given the password of the server.
    pub(super) has_password: bool,
}

impl Model {
    /// A client wants a name, which it has only once all else is known.
    pub(super) fn want_name(&mut self, slot: usize, name: &str) {
        // No session has this slot.
        if let Err(error) = self.may_have(usize::MAX, name) {
            return self.refuse(slot, Complaint::Name(error));
        }
        self.keep_wanted_name(slot, name);
    }

    /// Keeps a name that may be had until the client registers.
    pub(in crate::model) fn keep_wanted_name(&mut self, slot: usize, name: &str) {
        if let Some(registration) = &mut self.irc_mut(slot).registration {
            registration.name = name.into();
        }
        self.register_if_complete(slot);
    }

    /// A client says who its user is.
    pub(super) fn want_user(&mut self, slot: usize, line: &Line) {
        if self.is_registered(slot) {
            return self.answer_number(slot, 462);
        }
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
        let user: String = line.text(0).chars().filter(is_plain).take(MAX_USER - 1).collect();
        let user = if user.is_empty() { "~u".into() } else { format!("~{user}") };
        let real_name = clean(line.text(3));
        if let Some(registration) = &mut self.irc_mut(slot).registration {
            registration.user = user;
            registration.real_name = cut(&real_name, MAX_REAL_NAME).into();
        }
        self.register_if_complete(slot);
    }

    pub(super) fn register_if_complete(&mut self, slot: usize) {
        let Some(registration) = &self.irc(slot).registration else { return };
        let Registration { name, user, real_name, is_negotiating, .. } = registration;
        if name.is_empty() || user.is_empty() || *is_negotiating {
            return;
        }
        let (name, user, real_name) = (name.clone(), user.clone(), real_name.clone());
        if !self.has_given_password(slot) {
            return self.refuse_password(slot);
        }
        self.asked.command = "NICK".into();
        self.set_target(&name);
        if let Err(objection) = self.take_name(slot, &name) {
            if let Some(registration) = &mut self.irc_mut(slot).registration {
                registration.name.clear();
            }
            if let Objection::Complaint(Complaint::Name(NameError::Taken)) = objection {
                return self.answer_lines(slot, |model, reader| {
                    model.numbered(433, reader).word(&name).trailing(numerics::text(433)).end()
                });
            }
            return self.object(slot, &objection);
        }
        let action = Action::Describe { user: &user, words: &real_name };
        let (user, real_name) = match self.consider(slot, action, &real_name) {
            Ok(words) => (user, words),
            Err(objection) => {
                self.asked.command = "USER".into();
                self.object(slot, &objection);
                ("~u".into(), String::new())
            }
        };
        let idle = self.config.dialects[self.sessions[&slot].log].idle_timeout;
        let session = self.session(slot);
        session.joined = true;
        session.person = Some(Person { user, real_name, ..Person::default() });
        session.idle = idle;
        self.irc_mut(slot).registration = None;
        self.note_clients();
        self.welcome(slot);
        let name = self.name(slot);
        self.tell_watchers(&name);
    }

    /// Welcomes a client that has become a member.
    pub(in crate::model) fn welcome(&mut self, slot: usize) {
        self.send_lines(slot, |model, reader| {
            let server = model.irc_settings.server_name.as_str();
            let network = if model.irc_settings.network.is_empty() { "chat" } else { &model.irc_settings.network };
            let person = model.person(slot);
            let whole = format!("{reader}!{}@{}", person.user, person.host());
            let started = super::time::text(model.wall_clock(chat_proto::Timestamp::ZERO));
            let mine = model.numbered(4, reader).word(server).word(VERSION);
            [
                model.numbered(1, reader).trailing(&format!("Welcome to the {network} network, {whole}")),
                model.numbered(2, reader).trailing(&format!("Your host is {server}, running {VERSION}")),
                model.numbered(3, reader).trailing(&format!("This server was started {started}")),
                mine.word("iowB").word("beIiklmnostv").word("beIklov"),
            ]
            .map(super::lines::Line::end)
            .concat()
                + &model.isupport(reader)
        });
        self.tell_counts(slot);
        self.show_motd(slot);
    }

    /// Returns the lines that tell a client of limits, 13 on a line.
    pub(super) fn isupport(&self, reader: &str) -> String {
        let config = &self.config;
        let mut tokens = Vec::new();
        if !self.irc_settings.network.is_empty() {
            tokens.push(format!("NETWORK={}", self.irc_settings.network));
        }
        let fixed = "CASEMAPPING=ascii UTF8ONLY CHANTYPES=# PREFIX=(ov)@+ CHANMODES=beI,k,l,imnst EXCEPTS=e INVEX=I \
            ELIST=MNTU WHOX BOT=B MSGREFTYPES=msgid,timestamp";
        tokens.extend(fixed.split(' ').map(str::to_owned));
        tokens.push(format!("CHANLIMIT=#:{}", config.max_rooms_per_session));
        tokens.push("MAXLIST=beI:64".into());
        tokens.push("MODES=12".into());
        tokens.push(format!("NICKLEN={}", config.max_name));
        let last = "NAMELEN=80 CHANNELLEN=51 TOPICLEN=390 KICKLEN=256 AWAYLEN=130 CHATHISTORY=100 KEYLEN=32 \
            MONITOR=100 TARGMAX=JOIN:,PART:,NAMES:1,LIST:4,KICK:,WHOIS:1,PRIVMSG:4,NOTICE:4,TAGMSG:4";
        tokens.extend(last.split(' ').map(str::to_owned));
        let line = |tokens: &[String]| {
            // The reader's name is valid.
            let line = self.by_server("005").plain(reader).plain(&tokens.join(" "));
            line.trailing(numerics::text(5)).end()
        };
        tokens.chunks(13).map(line).collect()
    }

    /// There may be more clients than ever.
    pub(in crate::model) fn note_clients(&mut self) {
        let is_client = |slot: &usize| self.is_open(*slot) && self.is_registered(*slot);
        self.most_clients = self.most_clients.max(self.slots().filter(is_client).count());
    }

    /// Tells a client how many are here.
    pub(super) fn tell_counts(&mut self, slot: usize) {
        let count = |is: &dyn Fn(usize) -> bool| self.sessions.keys().filter(|slot| is(*slot)).count();
        let open = count(&|slot| self.is_open(slot));
        let unknown = count(&|slot| self.is_open(slot) && !self.is_registered(slot));
        let unconnected = count(&|slot| self.sessions[&slot].phase == Phase::Unconnected);
        let invisible = count(&|slot| self.is_open(slot) && self.is_irc(slot) && self.irc(slot).modes.contains('i'));
        let operators = count(&|slot| self.is_open(slot) && self.is_server_operator(slot));
        let (clients, visible) = (open - unknown, open - unknown + unconnected - invisible);
        let rooms = self.present_rooms().count();
        self.send_lines(slot, |model, reader| {
            let counted = |code, count: usize| {
                model.numbered(code, reader).number(count as u64).trailing(numerics::text(code)).end()
            };
            let users = format!("There are {visible} users and {invisible} invisible on 1 server");
            let mut lines = model.numbered(251, reader).trailing(&users).end() + &counted(252, operators);
            if unknown > 0 {
                lines += &counted(253, unknown);
            }
            lines += &counted(254, rooms);
            let me = format!("I have {clients} clients and 0 servers");
            lines += &model.numbered(255, reader).trailing(&me).end();
            for (code, place) in [(265, "local"), (266, "global")] {
                let line = model.numbered(code, reader).number(clients as u64).number(model.most_clients as u64);
                lines += &line.trailing(&format!("Current {place} users {clients}, max {}", model.most_clients)).end();
            }
            lines
        });
    }

    /// Shows a client the message of the day.
    pub(super) fn show_motd(&mut self, slot: usize) {
        if self.irc_settings.motd.is_empty() {
            return self.answer_number(slot, 422);
        }
        self.answer_lines(slot, |model, reader| {
            let title = format!("- {} Message of the day -", model.irc_settings.server_name);
            model.numbered(375, reader).trailing(&title).end()
        });
        self.begin_answer(slot, super::Rest::Motd { next: 0 });
    }
}

/// What the server calls itself.
pub(super) const VERSION: &str = concat!("chat-proto-", env!("CARGO_PKG_VERSION"));
