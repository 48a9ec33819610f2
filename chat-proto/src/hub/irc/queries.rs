//! Questions that clients of IRC ask.

use alloc::string::String;
use alloc::vec::Vec;

use arrayvec::ArrayString;

use crate::conversation::MAX_KICK_WORDS;
use crate::hub::Hub;
use crate::id::{MemberId, RoomId};
use crate::moderation::{
    MAX_MASK, MAX_MASKS, MAX_ROOM_KEY, MAX_ROOM_NAME, MAX_TOPIC, MaskList, Role, RoomError, RoomFlags,
};
use crate::names::NameError;
use crate::person::{MAX_AWAY, MAX_REAL_NAME};
use crate::session::irc::{Fields, Query, cut_to};
use crate::session::outbox::Answered;
use crate::session::watches::MAX_WATCHED;
use crate::wire::dialect::irc::isupport::Limits;
use crate::wire::dialect::irc::limits::{CHANNEL, MAX_TARGETS};
use crate::wire::dialect::irc::line::Line;
use crate::wire::dialect::irc::list_filter::ListFilter;
use crate::wire::dialect::irc::modes::MAX_CHANGES;
use crate::wire::dialect::irc::numeric::Numeric;
use crate::wire::dialect::irc::user_modes::UserModes;
use crate::wire::dialect::{Complaint, Update};
use crate::wire::sanitize::cut;

/// The name and the version of the server.
const VERSION: &str = concat!("chat-proto-", env!("CARGO_PKG_VERSION"));

/// The most names that one question may have.
const MAX_ASKED: usize = 15;

/// The most channels that WHOIS shows.
const MAX_SHOWN: usize = 20;

impl Hub {
    /// Welcomes a client that has become a member.
    pub(super) fn welcome(&mut self, slot: u32) {
        let Some(voice) = self.voice(slot) else { return };
        let (name, now) = (self.name_of(slot), self.now);
        let started = self.logs.clock().at(crate::time::Timestamp::ZERO).text();
        let started = core::str::from_utf8(&started).unwrap_or_default();
        let limits = self.isupport(voice.irc.network());
        let network = match voice.irc.network() {
            "" => "chat",
            network => network,
        };
        let (people, server) = (&self.conversation, String::from(voice.irc.server_name()));
        let person = people.person(MemberId(slot));
        voice.encode(&mut self.logs, now, |to| {
            to.numeric(Numeric::Welcome)
                .text(&format_args!("Welcome to the {network} network, {name}!{}@{}", person.user, person.host()))
                .end();
            to.numeric(Numeric::YourHost).text(&format_args!("Your host is {server}, running {VERSION}")).end();
            to.numeric(Numeric::Created).text(&format_args!("This server was started {started}")).end();
            to.numeric(Numeric::MyInfo)
                .word(&server)
                .word(VERSION)
                .word("iowB")
                .word("beIiklmnostv")
                .word("beIklov")
                .end();
            to.isupport(&limits);
        });
        self.put_encoded(slot);
        self.tell_counts(slot);
        self.ask_motd(slot);
    }

    fn isupport<'a>(&self, network: &'a str) -> Limits<'a> {
        Limits {
            network,
            nick_len: self.config.max_name,
            name_len: MAX_REAL_NAME,
            channel_len: CHANNEL.len() + MAX_ROOM_NAME,
            topic_len: MAX_TOPIC,
            kick_len: MAX_KICK_WORDS,
            away_len: MAX_AWAY,
            key_len: MAX_ROOM_KEY,
            chan_limit: self.config.max_rooms_per_session,
            max_lists: MAX_MASKS,
            max_targets: MAX_TARGETS,
            modes: MAX_CHANGES,
            history: super::history::MAX_MESSAGES,
            monitor: MAX_WATCHED,
        }
    }

    /// Records that there may be more clients than ever: those of all dialects, in IRC once they have registered.
    pub(in crate::hub) fn note_clients(&mut self) {
        self.most_clients = self.most_clients.max(self.open - self.unregistered);
    }

    /// Tells how many are here.
    pub(super) fn tell_counts(&mut self, slot: u32) {
        let users = self.open + self.unconnected;
        let unknown = self.unregistered;
        let (rooms, operators) = (self.conversation.rooms().count(), self.server_operators as u64);
        let (clients, most, invisible) = (self.open - unknown, self.most_clients, self.invisible);
        let visible = users - unknown - invisible;
        self.answer(slot, |to| {
            to.numeric(Numeric::LuserClient)
                .text(&format_args!("There are {visible} users and {invisible} invisible on 1 server"))
                .end();
            to.numeric(Numeric::LuserOp).number(operators).standard().end();
            if unknown > 0 {
                to.numeric(Numeric::LuserUnknown).number(unknown as u64).standard().end();
            }
            to.numeric(Numeric::LuserChannels).number(rooms as u64).standard().end();
            to.numeric(Numeric::LuserMe).text(&format_args!("I have {clients} clients and 0 servers")).end();
            for (numeric, place) in [(Numeric::LocalUsers, "local"), (Numeric::GlobalUsers, "global")] {
                let text = format_args!("Current {place} users {clients}, max {most}");
                to.numeric(numeric).number(clients as u64).number(most as u64).text(&text).end();
            }
        });
    }

    /// Shows the message of the day.
    pub(super) fn ask_motd(&mut self, slot: u32) {
        let Some(voice) = self.voice(slot) else { return };
        if voice.irc.motd().is_empty() {
            return self.numeric(slot, Numeric::NoMotd, |to| to.standard().end());
        }
        self.numeric(slot, Numeric::MotdStart, |to| {
            to.text(&format_args!("- {} Message of the day -", voice.irc.server_name())).end();
        });
        self.answer_with(slot, Answered::Motd);
    }

    /// Shows who is in a channel.
    pub(super) fn ask_names(&mut self, slot: u32, channels: &str) {
        // One channel at a time, as ISUPPORT says.
        let channel = channels.split(',').next().unwrap_or_default();
        let room = channel.strip_prefix(CHANNEL).and_then(|name| self.conversation.find_room(name));
        if let Some(room) = room.filter(|room| self.conversation.may_see(MemberId(slot), *room)) {
            return self.begin_names(slot, room);
        }
        let channel = if channel.is_empty() { "*" } else { channel };
        self.numeric(slot, Numeric::EndOfNames, |to| to.word(channel).standard().end());
    }

    /// Begins to show who is in a room.
    pub(in crate::hub) fn begin_names(&mut self, slot: u32, room: RoomId) {
        self.set_query_of(slot, room);
        self.answer_with(slot, Answered::Names { room, life: self.logs.life(room) });
    }

    /// Shows the masks of a list of a channel.
    pub(super) fn ask_masks(&mut self, slot: u32, room: RoomId, list: MaskList) {
        if !self.may_see_masks(MemberId(slot), room, list) {
            return self.refuse(slot, Complaint::Room(RoomError::NotOperator));
        }
        self.set_query_of(slot, room);
        self.answer_with(slot, Answered::Masks { room, life: self.logs.life(room), list });
    }

    /// Returns whether a member may see a list of a channel. Anybody who may see the channel may see its bans; the
    /// other lists are shown to its operators only.
    pub(super) fn may_see_masks(&self, member: MemberId, room: RoomId, list: MaskList) -> bool {
        match list {
            MaskList::Bans => self.conversation.may_see(member, room),
            _ => self.conversation.has_role(member, room, Role::Operator),
        }
    }

    /// Shows which channels there are.
    pub(super) fn ask_list(&mut self, slot: u32, conditions: &str) {
        let Ok(filter) = ListFilter::parse(conditions) else {
            return self.numeric(slot, Numeric::TooManyMatches, |to| to.word("LIST").standard().end());
        };
        self.set_query(slot, Query::Channels(filter.into()));
        self.numeric(slot, Numeric::ListStart, |to| to.word("Channel").standard().end());
        self.answer_with(slot, Answered::Channels);
    }

    fn set_query_of(&mut self, slot: u32, room: RoomId) {
        let name = self.conversation.room(room).map_or("", |room| room.name());
        let query = Query::Room(cut_to(name));
        self.set_query(slot, query);
    }

    pub(super) fn set_query(&mut self, slot: u32, query: Query) {
        if let Some(irc) = &mut self.sessions[slot].irc {
            irc.set_query(query);
        }
    }

    /// Shows the members of a channel, or those that match a mask.
    pub(super) fn ask_who(&mut self, slot: u32, line: &Line<'_>) {
        // An empty mask is none, and asks for everybody.
        let asked = line.param(0).filter(|mask| !mask.is_empty()).unwrap_or("*");
        let fields = line.param(1).and_then(|flags| flags.split_once('%')).map(|(_, fields)| {
            let (letters, token) = fields.split_once(',').unwrap_or((fields, ""));
            let is_token = (1..=3).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_digit());
            Fields { letters: cut_to(letters), token: cut_to(if is_token { token } else { "0" }) }
        });
        let mask = ArrayString::<MAX_MASK>::from(cut(asked, MAX_MASK)).unwrap_or_default();
        let room = asked.strip_prefix(CHANNEL).map(|name| self.conversation.find_room(name));
        let room = match room {
            Some(Some(room)) => Some((room, self.logs.life(room))),
            Some(None) => return self.numeric(slot, Numeric::EndOfWho, |to| to.word(asked).standard().end()),
            None => None,
        };
        // In the form of WHOX, what is to match stands before the sign, and the fields behind it.
        let only_operators = line.param(1).is_some_and(|flags| flags.split('%').next() == Some("o"));
        self.set_query(slot, Query::Members { mask, only_operators, fields });
        self.answer_with(slot, Answered::Members { room });
    }

    /// Shows what is known of somebody.
    pub(super) fn ask_whois(&mut self, slot: u32, line: &Line<'_>) {
        // With two parameters, the first is a server's name, and there is only this one.
        let Some(name) = line.param(1).or(line.param(0)).filter(|name| !name.is_empty()) else {
            return self.refuse(slot, Complaint::Name(NameError::Empty));
        };
        let name = name.split(',').next().unwrap_or_default();
        self.occasion.set_target(name);
        let Some(other) = self.find_slot(name).filter(|other| self.is_registered(*other)) else {
            self.refuse(slot, Complaint::NobodyThere);
            return self.numeric(slot, Numeric::EndOfWhois, |to| to.word(name).standard().end());
        };
        let Some(voice) = self.voice(slot) else { return };
        let name = self.name_of(other);
        let Self { conversation, logs, sessions, now, .. } = self;
        let (asker, member) = (MemberId(slot), MemberId(other));
        let (person, session) = (conversation.person(member), &sessions[other]);
        let modes = session.irc.as_ref().map(|irc| irc.modes).unwrap_or_default();
        let mut channels = Vec::new();
        for id in conversation.rooms_of(member).take(MAX_SHOWN) {
            let Some(room) = conversation.room(id) else { continue };
            let is_shared = conversation.is_in(asker, id);
            let is_secret = room.flags().has(RoomFlags::HIDDEN) || modes.has(UserModes::INVISIBLE);
            if is_shared || !is_secret || asker == member {
                let sign = if conversation.has_role(member, id, Role::Operator) {
                    "@"
                } else if conversation.has_role(member, id, Role::Voice) {
                    "+"
                } else {
                    ""
                };
                channels.push((sign, room.name()));
            }
        }
        let silent = now.saturating_duration_since(session.active).as_secs();
        let signed_on = logs.clock().at(session.stats.opened).seconds();
        let is_connected = session.is_open();
        let (irc, real_name) = (voice.irc.clone(), if person.real_name.is_empty() { &name } else { person.real_name });
        voice.encode(logs, *now, |to| {
            let user = to.numeric(Numeric::WhoisUser).word(&name).word(person.user).shown(person.host());
            user.word("*").trailing(real_name).end();
            // Five of the longest items fit on a line.
            for channels in channels.chunks(5) {
                let line = to.numeric(Numeric::WhoisChannels).word(&name).begin_list();
                channels.iter().fold(line, |line, (sign, room)| line.item(format_args!("{sign}#{room}"))).end();
            }
            to.numeric(Numeric::WhoisServer).word(&name).word(irc.server_name()).trailing(VERSION).end();
            if modes.has(UserModes::OPERATOR) {
                to.numeric(Numeric::WhoisOperator).word(&name).standard().end();
            }
            if !person.away.is_empty() {
                to.numeric(Numeric::Away).word(&name).trailing(person.away).end();
            }
            if modes.has(UserModes::BOT) || !is_connected {
                to.numeric(Numeric::WhoisBot).word(&name).standard().end();
            }
            if is_connected {
                to.numeric(Numeric::WhoisIdle).word(&name).number(silent).number(signed_on).standard().end();
            }
            to.numeric(Numeric::EndOfWhois).word(&name).standard().end();
        });
        self.put_encoded(slot);
        self.requeue(slot);
    }

    /// Tells that nothing is kept of those who have left.
    pub(super) fn ask_whowas(&mut self, slot: u32, name: &str) {
        if name.is_empty() {
            return self.refuse(slot, Complaint::Name(NameError::Empty));
        }
        self.answer(slot, |to| {
            to.numeric(Numeric::WasNoSuchNick).word(name).standard().end();
            to.numeric(Numeric::EndOfWhowas).word(name).standard().end();
        });
    }

    /// Tells which of some names somebody has.
    pub(super) fn ask_ison(&mut self, slot: u32, line: &Line<'_>) {
        let names = line.params().iter().flat_map(|names| names.split(' ')).filter(|name| !name.is_empty());
        let here: Vec<_> = names.take(MAX_ASKED).filter_map(|name| self.registered(name)).collect();
        let here: Vec<_> = here.into_iter().map(|slot| self.name_of(slot)).collect();
        self.numeric(slot, Numeric::IsOn, |to| {
            let mut line = to.begin_list();
            for name in &here {
                // A name that is cut might be somebody else's.
                if !line.has_room_for(" ".len() + name.len()) {
                    break;
                }
                line = line.item(format_args!("{name}"));
            }
            line.end();
        });
    }

    /// Returns the slot of whoever has that name, if that is a member.
    pub(super) fn registered(&self, name: &str) -> Option<u32> {
        self.find_slot(name).filter(|slot| self.is_registered(*slot))
    }

    /// Tells who some names are.
    pub(super) fn ask_userhost(&mut self, slot: u32, line: &Line<'_>) {
        let Some(voice) = self.voice(slot) else { return };
        let asked: Vec<_> = line.params().iter().take(5).filter_map(|name| self.registered(name)).collect();
        let star = |other| if self.is_server_operator(other) { "*" } else { "" };
        let names: Vec<_> = asked.iter().map(|it| (self.name_of(*it), star(*it), MemberId(*it))).collect();
        let Self { conversation, logs, now, .. } = self;
        voice.encode(logs, *now, |to| {
            let mut line = to.numeric(Numeric::UserHost).begin_list();
            for (name, star, member) in &names {
                let person = conversation.person(*member);
                let sign = if person.away.is_empty() { '+' } else { '-' };
                line = line.item(format_args!("{name}{star}={sign}{}@{}", person.user, person.host()));
            }
            line.end();
        });
        self.put_encoded(slot);
        self.requeue(slot);
    }

    /// Tells those in a room that somebody is invited.
    pub(in crate::hub) fn publish_invited(&mut self, room: RoomId, slot: u32, by: &str, name: &str) {
        if self.logs.has_irc {
            self.publish(room, &Update::OtherInvited { by, name }, Some(slot));
        }
    }

    /// Lists to which channels the member is invited.
    pub(super) fn list_invitations(&mut self, slot: u32) {
        let Some(voice) = self.voice(slot) else { return };
        let Self { conversation, logs, now, .. } = self;
        voice.encode(logs, *now, |to| {
            let invited = conversation.rooms().filter(|room| conversation.is_invited(MemberId(slot), *room));
            for room in invited.filter_map(|room| conversation.room(room)).take(MAX_ASKED) {
                to.numeric(Numeric::InviteList).channel(room.name()).end();
            }
            to.numeric(Numeric::EndOfInviteList).standard().end();
        });
        self.put_encoded(slot);
        self.requeue(slot);
    }

    pub(super) fn tell_version(&mut self, slot: u32) {
        let Some(voice) = self.voice(slot) else { return };
        let limits = self.isupport(voice.irc.network());
        voice.encode(&mut self.logs, self.now, |to| {
            to.numeric(Numeric::Version).word(VERSION).word(voice.irc.server_name()).trailing("").end();
            to.isupport(&limits);
        });
        self.put_encoded(slot);
        self.requeue(slot);
    }

    pub(super) fn tell_time(&mut self, slot: u32) {
        let Some(voice) = self.voice(slot) else { return };
        let time = self.logs.clock().at(self.now).text();
        let time = core::str::from_utf8(&time).unwrap_or_default();
        self.numeric(slot, Numeric::Time, |to| to.word(voice.irc.server_name()).trailing(time).end());
    }

    pub(super) fn tell_info(&mut self, slot: u32) {
        self.answer(slot, |to| {
            to.numeric(Numeric::Info).trailing(VERSION).end();
            to.numeric(Numeric::EndOfInfo).standard().end();
        });
    }

    pub(super) fn tell_admin(&mut self, slot: u32) {
        let Some(voice) = self.voice(slot) else { return };
        self.answer(slot, |to| {
            to.numeric(Numeric::AdminMe).word(voice.irc.server_name()).standard().end();
            if !voice.irc.network().is_empty() {
                to.numeric(Numeric::AdminLoc1).trailing(voice.irc.network()).end();
            }
        });
    }

    pub(super) fn tell_help(&mut self, slot: u32, topic: &str) {
        if !topic.is_empty() {
            return self.numeric(slot, Numeric::HelpNotFound, |to| to.word(topic).standard().end());
        }
        self.answer(slot, |to| {
            to.numeric(Numeric::HelpStart).word("index").trailing("Commands that most clients send for you:").end();
            for line in [
                "JOIN PART TOPIC NAMES LIST INVITE KICK MODE",
                "PRIVMSG NOTICE TAGMSG AWAY NICK SETNAME QUIT",
                "WHO WHOIS ISON USERHOST MOTD LUSERS VERSION TIME",
            ] {
                to.numeric(Numeric::HelpTxt).word("index").trailing(line).end();
            }
            to.numeric(Numeric::EndOfHelp).word("index").trailing("End of /HELP").end();
        });
    }

    pub(super) fn tell_links(&mut self, slot: u32) {
        let Some(voice) = self.voice(slot) else { return };
        let server = voice.irc.server_name();
        self.answer(slot, |to| {
            to.numeric(Numeric::Links).word(server).word(server).trailing("0 this server").end();
            to.numeric(Numeric::EndOfLinks).word("*").standard().end();
        });
    }

    pub(super) fn tell_stats(&mut self, slot: u32, letter: &str) {
        let up = self.now.as_nanos() / 1_000_000_000;
        self.answer(slot, |to| {
            if letter == "u" {
                let (days, hours, minutes, seconds) = (up / 86_400, up / 3_600 % 24, up / 60 % 60, up % 60);
                let text = format_args!("Server Up {days} days {hours}:{minutes:02}:{seconds:02}");
                to.numeric(Numeric::StatsUptime).text(&text).end();
            }
            to.numeric(Numeric::EndOfStats).word(letter).standard().end();
        });
    }
}
