//! Long answers, which go on as their reader reads.

use chat_proto::{MaskList, RoomFlags};

use super::line::Line;
use super::lines::Line as Written;
use super::numerics;
use super::words::matches;
use crate::model::Model;
use crate::model::masks::MAX_MASK;
use crate::model::requests::cut;
use crate::model::rooms::{LISTS, LOBBY, RoomKey};

/// What is left of an answer.
#[derive(Clone, Debug)]
pub(in crate::model) enum Rest {
    /// Names of a room, after the member that entered it with that number, or has that slot in the lobby.
    Names { room: RoomKey, name: String, last: Option<u64> },
    /// Masks of a list of a room, from this place in it on.
    Masks { room: RoomKey, name: String, list: MaskList, next: usize },
    /// Members of a room, or all, for WHO.
    Members {
        room: Option<RoomKey>,
        mask: String,
        only_operators: bool,
        fields: Option<(String, String)>,
        last: Option<u64>,
    },
    /// Channels from that number on.
    Channels { filter: Filter, next: u32 },
    /// Messages of a room, with the number of their batch if they are in one.
    Messages { room: RoomKey, next: u64, end: u64, batch: Option<u32> },
    /// Names that are watched: all or those who are here, then those who are not, and how many were shown.
    Watched { with_status: bool, round: u8, done: usize },
    /// The message of the day, from this line on.
    Motd { next: usize },
}

/// Which channels are wanted.
#[derive(Clone, Debug, Default)]
pub(in crate::model) struct Filter {
    more_users: Option<u64>,
    less_users: Option<u64>,
    more_age: Option<u64>,
    less_age: Option<u64>,
    masks: Vec<String>,
    not_masks: Vec<String>,
}

impl Filter {
    /// Reads conditions; `None` if one of them is none.
    fn parse(text: &str) -> Option<Self> {
        let mut filter = Self::default();
        for condition in text.split(',').filter(|condition| !condition.is_empty()) {
            let about_topic = condition.strip_prefix(['T', 't']).filter(|rest| rest.starts_with(['<', '>']));
            let unit = if about_topic.is_some() { 60 } else { 1 };
            let rest = about_topic.unwrap_or(condition);
            if let Some(number) = rest.strip_prefix(['<', '>']) {
                let number = Some(u64::from(number.parse::<u32>().ok()?) * unit);
                match (about_topic.is_some(), rest.starts_with('>')) {
                    (false, true) => filter.more_users = number,
                    (false, false) => filter.less_users = number,
                    (true, true) => filter.more_age = number,
                    (true, false) => filter.less_age = number,
                }
                continue;
            }
            let is_full = filter.masks.len() + filter.not_masks.len() == 4;
            let (list, mask) = match condition.strip_prefix('!') {
                Some(mask) => (&mut filter.not_masks, mask),
                None => (&mut filter.masks, condition),
            };
            if mask.len() > 52 || is_full {
                return None;
            }
            list.push(mask.into());
        }
        Some(filter)
    }

    fn wants(&self, channel: &str, users: u64, age: Option<u64>) -> bool {
        let is_within = |number: u64, more: Option<u64>, less: Option<u64>| {
            more.is_none_or(|more| number > more) && less.is_none_or(|less| number < less)
        };
        let is_any = |masks: &[String]| masks.iter().any(|mask| matches(mask, channel));
        let is_of_age = match age {
            Some(age) => is_within(age, self.more_age, self.less_age),
            None => self.more_age.is_none() && self.less_age.is_none(),
        };
        is_within(users, self.more_users, self.less_users)
            && is_of_age
            && (self.masks.is_empty() || is_any(&self.masks))
            && !is_any(&self.not_masks)
    }
}

impl Model {
    /// Shows who is in a channel.
    pub(super) fn ask_names(&mut self, slot: usize, channels: &str) {
        let channel = channels.split(',').next().unwrap_or_default();
        let found = channel.strip_prefix('#').and_then(|name| self.find_room(name));
        if let Some(room) = found.filter(|room| self.room(*room).is_shown_to(slot)) {
            return self.begin_names(slot, room);
        }
        self.answer_lines(slot, |model, reader| {
            model.numbered(366, reader).word(channel).trailing(numerics::text(366)).end()
        });
    }

    pub(in crate::model) fn begin_names(&mut self, slot: usize, room: RoomKey) {
        let name = self.room(room).name.clone();
        self.begin_answer(slot, Rest::Names { room, name, last: None });
    }

    pub(super) fn ask_list(&mut self, slot: usize, conditions: &str) {
        let Some(filter) = Filter::parse(conditions) else {
            return self.answer_lines(slot, |model, reader| {
                model.numbered(416, reader).word("LIST").trailing(numerics::text(416)).end()
            });
        };
        self.answer_lines(slot, |model, reader| {
            model.numbered(321, reader).word("Channel").trailing(numerics::text(321)).end()
        });
        self.begin_answer(slot, Rest::Channels { filter, next: 0 });
    }

    pub(super) fn ask_who(&mut self, slot: usize, line: &Line) {
        let asked = if line.text(0).is_empty() { "*" } else { line.text(0) };
        let fields = line.param(1).and_then(|flags| flags.split_once('%')).map(|(_, fields)| {
            let (letters, token) = fields.split_once(',').unwrap_or((fields, ""));
            let is_token = (1..=3).contains(&token.len()) && token.chars().all(|c| c.is_ascii_digit());
            (cut(letters, 16).to_owned(), if is_token { token.to_owned() } else { "0".into() })
        });
        let room = asked.strip_prefix('#').map(|name| self.find_room(name));
        if room == Some(None) {
            return self.answer_lines(slot, |model, reader| {
                model.numbered(315, reader).word(asked).trailing(numerics::text(315)).end()
            });
        }
        let mask = cut(asked, MAX_MASK).to_owned();
        let only_operators = line.param(1).is_some_and(|flags| flags == "o" || flags.starts_with("o%"));
        self.begin_answer(slot, Rest::Members { room: room.flatten(), mask, only_operators, fields, last: None });
    }

    /// Returns the next lines of an answer, and what is left of it.
    pub(in crate::model) fn next_of_irc(&self, slot: usize, rest: Rest) -> (Vec<u8>, Option<Rest>) {
        if let Rest::Messages { room, next, end, batch } = rest {
            return self.next_of_messages(slot, room, next, end, batch);
        }
        let reader = self.reader(slot);
        let (lines, after) = match rest {
            Rest::Names { room, name, last } => self.names(slot, &reader, room, name, last),
            Rest::Masks { room, name, list, next } => self.masks(slot, &reader, room, name, list, next),
            asked @ Rest::Members { .. } => self.members(slot, &reader, asked),
            Rest::Channels { filter, next } => self.channels(slot, &reader, filter, next),
            Rest::Watched { with_status, round, done } => self.watched(slot, &reader, with_status, round, done),
            Rest::Motd { next } => match self.irc_settings.motd.get(next) {
                Some(line) => {
                    let line = self.numbered(372, &reader).trailing(&format!("- {line}"));
                    (line.end(), Some(Rest::Motd { next: next + 1 }))
                }
                None => (self.numbered(376, &reader).trailing(numerics::text(376)).end(), None),
            },
            Rest::Messages { .. } => unreachable!("they are shown above"),
        };
        (self.in_batch(slot, self.shown_lines(slot, lines)), after)
    }

    /// Returns whether a room is still there.
    pub(super) fn is_there(&self, room: RoomKey) -> bool {
        self.present_rooms().any(|it| it.key == room)
    }

    /// Returns the members of a room after one, each with its number: those of the lobby by slot, else as they entered.
    fn after(&self, room: RoomKey, last: Option<u64>) -> Vec<(u64, usize)> {
        let room = self.room(room);
        let number = |slot: usize| match room.member(slot) {
            Some(member) if room.key != LOBBY => member.since,
            _ => slot as u64,
        };
        let members = room.slots().into_iter().map(|slot| (number(slot), slot));
        members.filter(|(number, _)| last.is_none_or(|last| *number > last)).collect()
    }

    /// Returns the signs before a name.
    pub(super) fn signs(&self, slot: usize, room: RoomKey, all: bool) -> &'static str {
        match self.room(room).member(slot).map(|member| (member.is_operator, member.has_voice)) {
            Some((true, true)) if all => "@+",
            Some((true, _)) => "@",
            Some((false, true)) => "+",
            _ => "",
        }
    }

    fn is_announced(&self, slot: usize, room: RoomKey) -> bool {
        let session = &self.sessions[&slot];
        session.name.is_some() || room != LOBBY || session.joined
    }

    /// Returns whether a member is shown to one who may share no channel with it.
    fn is_invisible_to(&self, asker: usize, other: usize) -> bool {
        let is_invisible = self.sessions[&other].irc.as_ref().is_some_and(|irc| irc.modes.contains('i'));
        let share = self.memberships(other).into_iter().any(|room| self.room(room).is_in(asker));
        is_invisible && asker != other && !share
    }

    fn names(
        &self,
        slot: usize,
        reader: &str,
        room: RoomKey,
        name: String,
        last: Option<u64>,
    ) -> (String, Option<Rest>) {
        let end = |name: &str| self.numbered(366, reader).channel(name).trailing(numerics::text(366)).end();
        if !self.is_there(room) || !self.room(room).is_shown_to(slot) {
            return (end(&name), None);
        }
        let it = self.room(room);
        let sign = if it.flags.has(RoomFlags::HIDDEN) { "@" } else { "=" };
        let head = self.numbered(353, reader).plain(sign).channel(&it.name);
        let (mut shown, mut passed): (Vec<String>, _) = (Vec::new(), last);
        let with_address = self.has_cap(slot, "userhost-in-names");
        for (number, member) in self.after(room, last) {
            let (name, person) = (self.name(member), self.person(member));
            // As long as an address may be.
            let address = if with_address { 2 + person.user.len() + 16 } else { 0 };
            let len = head.clone().trailing(&shown.join(" ")).len();
            if !shown.is_empty() && len + " @+".len() + name.len() + address > 510 {
                break;
            }
            passed = Some(number);
            let is_hidden = !it.is_in(slot) && self.is_invisible_to(slot, member);
            if !self.is_announced(member, room) || is_hidden {
                continue;
            }
            let signs = self.signs(member, room, self.has_cap(slot, "multi-prefix"));
            shown.push(if with_address {
                format!("{signs}{name}!{}@{}", person.user, person.host())
            } else {
                format!("{signs}{name}")
            });
        }
        if shown.is_empty() {
            return (end(&it.name), None);
        }
        (head.trailing(&shown.join(" ")).end(), Some(Rest::Names { room, name, last: passed }))
    }

    fn masks(
        &self,
        slot: usize,
        reader: &str,
        room: RoomKey,
        name: String,
        list: MaskList,
        next: usize,
    ) -> (String, Option<Rest>) {
        let (item, end) = match list {
            MaskList::Bans => (367, 368),
            MaskList::BanExceptions => (348, 349),
            MaskList::InviteExceptions => (346, 347),
        };
        let index = LISTS.iter().position(|other| *other == list).expect("it is one of them");
        let is_seen = self.is_there(room) && self.may_see_masks(slot, room, list);
        let masks = || {
            let it = self.room(room);
            [&it.bans, &it.ban_exceptions, &it.invite_exceptions][index]
        };
        match Some(()).filter(|()| is_seen).and_then(|()| masks().get(next)) {
            Some(mask) => {
                let (by, at) = self.room(room).listing(list, mask);
                let line = self.numbered(item, reader).channel(&name).word(mask).word(by);
                let line = line.number(self.wall_clock(at) / 1_000).end();
                (line, Some(Rest::Masks { room, name, list, next: next + 1 }))
            }
            None => (self.numbered(end, reader).channel(&name).trailing(numerics::text(end)).end(), None),
        }
    }

    fn channels(&self, slot: usize, reader: &str, filter: Filter, next: u32) -> (String, Option<Rest>) {
        for room in self.live_rooms() {
            let id = room.id.expect("it has not ended");
            if id < next || room.members.is_empty() || !room.is_shown_to(slot) {
                continue;
            }
            let topic = room.topic.as_ref();
            let age = topic.map(|topic| self.now.saturating_duration_since(topic.at).as_secs());
            let (channel, users) = (format!("#{}", room.name), room.members.len() as u64);
            if filter.wants(&channel, users, age) {
                let words = topic.map_or("", |topic| super::updates::or(&topic.styled, &topic.words));
                let line = self.numbered(322, reader).word(&channel).number(users).trailing(words);
                return (line.end(), Some(Rest::Channels { filter, next: id + 1 }));
            }
        }
        (self.numbered(323, reader).trailing(numerics::text(323)).end(), None)
    }

    fn members(&self, slot: usize, reader: &str, asked: Rest) -> (String, Option<Rest>) {
        let Rest::Members { room, mask, only_operators, fields, last } = asked else {
            unreachable!("it is of members")
        };
        let members = match room {
            Some(room) if !self.is_there(room) => Vec::new(),
            Some(room) => self.after(room, last),
            None => {
                let everyone = self.sessions.keys().filter(|slot| self.is_here(*slot));
                let later = everyone.filter(|slot| last.is_none_or(|last| *slot as u64 > last));
                later.map(|slot| (slot as u64, slot)).collect()
            }
        };
        let is_wanted = |member: usize| {
            (!only_operators || self.is_server_operator(member)) && self.is_wanted(slot, member, room, &mask)
        };
        match members.into_iter().find(|(_, member)| is_wanted(*member)) {
            Some((number, member)) => {
                let line = self.who_line(slot, reader, member, room, fields.as_ref());
                (line.end(), Some(Rest::Members { room, mask, only_operators, fields, last: Some(number) }))
            }
            None => (self.numbered(315, reader).word(&mask).trailing(numerics::text(315)).end(), None),
        }
    }

    fn is_wanted(&self, asker: usize, member: usize, room: Option<RoomKey>, mask: &str) -> bool {
        if !self.is_registered(member) || self.is_invisible_to(asker, member) && self.find(mask) != Some(member) {
            return false;
        }
        if let Some(room) = room {
            return self.room(room).is_shown_to(asker) && self.is_announced(member, room);
        }
        let person = self.person(member);
        let texts = [&self.name(member), &person.user, &person.host(), &person.real_name];
        self.sessions[&member].joined && (mask == "*" || texts.into_iter().any(|text| matches(mask, text)))
    }

    fn who_line(
        &self,
        asker: usize,
        reader: &str,
        member: usize,
        room: Option<RoomKey>,
        fields: Option<&(String, String)>,
    ) -> Written {
        let (name, person) = (self.name(member), self.person(member));
        let is_seen = |room: &RoomKey| self.room(*room).is_shown_to(asker);
        let room = room.or_else(|| self.rooms_latest_first(member).into_iter().find(is_seen));
        let channel = room.map_or_else(|| "*".into(), |room| format!("#{}", self.room(room).name));
        let mut flags = String::from(if person.away.is_empty() { "H" } else { "G" });
        if self.is_server_operator(member) {
            flags.push('*');
        }
        if self.sessions[&member].irc.as_ref().is_some_and(|irc| irc.modes.contains('B')) {
            flags.push('B');
        }
        if let Some(room) = room {
            flags += self.signs(member, room, self.has_cap(asker, "multi-prefix"));
        }
        let server = &self.irc_settings.server_name;
        let real_name = if person.real_name.is_empty() { &name } else { &person.real_name };
        let host = person.host();
        let Some((letters, token)) = fields else {
            let line = self.numbered(352, reader).plain(&channel).word(&person.user).plain(&host);
            return line.word(server).word(&name).word(&flags).trailing(&format!("0 {real_name}"));
        };
        "tcuihsnfdlaor".chars().filter(|letter| letters.contains(*letter)).fold(
            self.numbered(354, reader),
            |line, letter| match letter {
                't' => line.word(token),
                'c' => line.plain(&channel),
                'u' => line.word(&person.user),
                'i' => line.word("255.255.255.255"),
                'h' => line.plain(&host),
                's' => line.word(server),
                'n' => line.word(&name),
                'f' => line.word(&flags),
                'r' => line.trailing(real_name),
                'o' => line.word("n/a"),
                _ => line.word("0"),
            },
        )
    }
}
