//! Questions with short answers.

use chat_proto::dialect::Complaint;
use chat_proto::{NameError, Timestamp};

use super::line::Line;
use super::numerics;
use super::registration::VERSION;
use crate::model::rooms::RoomKey;
use crate::model::{Model, Phase};

/// The most names in a question, and the most invitations that are shown.
const MAX_ASKED: usize = 15;

/// The most channels that WHOIS shows.
const MAX_SHOWN: usize = 20;

impl Model {
    /// Returns the rooms of a member: the latest entered first, and the lobby last.
    pub(in crate::model) fn rooms_latest_first(&self, slot: usize) -> Vec<RoomKey> {
        let since = |room: &RoomKey| self.room(*room).member(slot).map(|member| member.since);
        let mut rooms = self.memberships(slot);
        rooms.sort_by_key(|room| (*room == crate::model::rooms::LOBBY, std::cmp::Reverse(since(room))));
        rooms
    }

    pub(super) fn registered(&self, name: &str) -> Option<usize> {
        self.find(name).filter(|slot| self.is_registered(*slot))
    }

    pub(super) fn ask_whois(&mut self, slot: usize, line: &Line) {
        let asked = line.param(1).or(line.param(0)).unwrap_or_default();
        if asked.is_empty() {
            return self.refuse(slot, Complaint::Name(NameError::Empty));
        }
        let asked = asked.split(',').next().unwrap_or_default();
        self.set_target(asked);
        let Some(other) = self.registered(asked) else {
            self.refuse(slot, Complaint::NobodyThere);
            return self.answer_lines(slot, |model, reader| {
                model.numbered(318, reader).word(asked).trailing(numerics::text(318)).end()
            });
        };
        self.send_lines(slot, |model, reader| model.whois(slot, other, reader));
    }

    fn whois(&self, asker: usize, other: usize, reader: &str) -> String {
        let (name, person, session) = (self.name(other), self.person(other), &self.sessions[&other]);
        let has_mode = |mode| session.irc.as_ref().is_some_and(|irc| irc.modes.contains(mode));
        let is_seen = |room: &RoomKey| {
            let room = self.room(*room);
            let is_secret = room.flags.has(chat_proto::RoomFlags::HIDDEN) || has_mode('i');
            room.is_in(asker) || !is_secret || asker == other
        };
        let rooms = self.rooms_latest_first(other).into_iter().take(MAX_SHOWN).filter(is_seen);
        let shown: Vec<String> =
            rooms.map(|room| format!("{}#{}", self.signs(other, room, false), self.room(room).name)).collect();
        let numbered = |code| self.numbered(code, reader).word(&name);
        let real_name = if person.real_name.is_empty() { &name } else { &person.real_name };
        let user = self.numbered(311, reader).word(&name).word(&person.user).plain(&person.host()).word("*");
        let mut lines = user.trailing(real_name).end();
        for shown in shown.chunks(5) {
            lines += &numbered(319).trailing(&shown.join(" ")).end();
        }
        lines += &numbered(312).word(&self.irc_settings.server_name).trailing(VERSION).end();
        lines += &self.whois_operator(other, reader);
        if !person.away.is_empty() {
            lines += &numbered(301).trailing(&person.away).end();
        }
        let is_connected = session.phase == Phase::Open;
        if has_mode('B') || !is_connected {
            lines += &numbered(335).trailing(numerics::text(335)).end();
        }
        if is_connected {
            let silent = self.now.saturating_duration_since(session.active).as_secs();
            let since = self.wall_clock(session.stats.opened) / 1_000;
            lines += &numbered(317).number(silent).number(since).trailing(numerics::text(317)).end();
        }
        lines + &numbered(318).trailing(numerics::text(318)).end()
    }

    pub(super) fn ask_whowas(&mut self, slot: usize, name: &str) {
        if name.is_empty() {
            return self.refuse(slot, Complaint::Name(NameError::Empty));
        }
        self.send_lines(slot, |model, reader| {
            [406, 369].map(|code| model.numbered(code, reader).word(name).trailing(numerics::text(code)).end()).concat()
        });
    }

    pub(super) fn ask_ison(&mut self, slot: usize, line: &Line) {
        let asked = line.params.iter().flat_map(|names| names.split(' ')).filter(|name| !name.is_empty());
        let here: Vec<String> =
            asked.take(MAX_ASKED).filter_map(|name| self.registered(name)).map(|slot| self.name(slot)).collect();
        self.answer_lines(slot, |model, reader| {
            let line = |count: usize| model.numbered(303, reader).trailing(&here[..count].join(" "));
            // Names that do not fit are left out.
            let room = |count: usize| (0..count).all(|first| line(first).len() + 1 + here[first].len() <= 510);
            line((0..=here.len()).rev().find(|count| room(*count)).unwrap_or_default()).end()
        });
    }

    pub(super) fn ask_userhost(&mut self, slot: usize, line: &Line) {
        let here: Vec<usize> = line.params.iter().take(5).filter_map(|name| self.registered(name)).collect();
        self.send_lines(slot, |model, reader| {
            let shown = here.iter().map(|other| {
                let person = model.person(*other);
                let sign = if person.away.is_empty() { '+' } else { '-' };
                let star = if model.is_server_operator(*other) { "*" } else { "" };
                format!("{}{star}={sign}{}@{}", model.name(*other), person.user, person.host())
            });
            model.numbered(302, reader).trailing(&shown.collect::<Vec<String>>().join(" ")).end()
        });
    }

    pub(super) fn list_invitations(&mut self, slot: usize) {
        let is_invited = |room: &&crate::model::rooms::Room| self.sessions[&slot].invitations.contains(&room.key);
        let names: Vec<String> =
            self.live_rooms().into_iter().filter(is_invited).take(MAX_ASKED).map(|room| room.name.clone()).collect();
        self.send_lines(slot, |model, reader| {
            let lines: String = names.iter().map(|name| model.numbered(336, reader).channel(name).end()).collect();
            lines + &model.numbered(337, reader).trailing(numerics::text(337)).end()
        });
    }

    /// Answers what is asked of the server itself.
    pub(super) fn ask_server(&mut self, slot: usize, command: &str, first: &str) {
        let now = self.now;
        self.send_lines(slot, |model, reader| {
            let server = model.irc_settings.server_name.as_str();
            let numbered = |code| model.numbered(code, reader);
            match command {
                "VERSION" => numbered(351).word(VERSION).word(server).trailing("").end() + &model.isupport(reader),
                "TIME" => numbered(391).word(server).trailing(&super::time::text(model.wall_clock(now))).end(),
                "INFO" => numbered(371).trailing(VERSION).end() + &numbered(374).trailing(numerics::text(374)).end(),
                "ADMIN" => {
                    let network = &model.irc_settings.network;
                    let place = if network.is_empty() { String::new() } else { numbered(257).trailing(network).end() };
                    numbered(256).word(server).trailing(numerics::text(256)).end() + &place
                }
                "HELP" if !first.is_empty() => numbered(524).word(first).trailing(numerics::text(524)).end(),
                "HELP" => [
                    (704, "Commands that most clients send for you:"),
                    (705, "JOIN PART TOPIC NAMES LIST INVITE KICK MODE"),
                    (705, "PRIVMSG NOTICE TAGMSG AWAY NICK SETNAME QUIT"),
                    (705, "WHO WHOIS ISON USERHOST MOTD LUSERS VERSION TIME"),
                    (706, "End of /HELP"),
                ]
                .map(|(code, text)| numbered(code).word("index").trailing(text).end())
                .concat(),
                "LINKS" => {
                    let here = numbered(364).word(server).word(server).trailing("0 this server").end();
                    here + &numbered(365).word("*").trailing(numerics::text(365)).end()
                }
                "STATS" => {
                    let up = now.saturating_duration_since(Timestamp::ZERO).as_secs();
                    let (days, hours, minutes, seconds) = (up / 86_400, up / 3_600 % 24, up / 60 % 60, up % 60);
                    let text = format!("Server Up {days} days {hours}:{minutes:02}:{seconds:02}");
                    let shown = if first == "u" { numbered(242).trailing(&text).end() } else { String::new() };
                    shown + &numbered(219).word(first).trailing(numerics::text(219)).end()
                }
                other => unreachable!("a command that the model does not know: {other}"),
            }
        });
    }
}
