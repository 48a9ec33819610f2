//! What happens, as lines for clients.

use std::rc::Rc;

use chat_proto::dialect::{Complaint, Manner, RoomChange, Update};
use chat_proto::{Cloak, CloseReason, MaskList, NameError, Role, RoomError, RoomFlags};

use super::lines::{Block, Line};
use super::words::{pieces, strip};
use super::{numerics, time};
use crate::model::names::number_in;
use crate::model::{Model, Phase, Session};

/// What others see of a member besides its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::model) struct Person {
    pub(in crate::model) user: String,
    pub(super) real_name: String,
    pub(super) away: String,
    pub(in crate::model) cloak: Option<Cloak>,
}

impl Default for Person {
    fn default() -> Self {
        Self { user: "~user".into(), real_name: String::new(), away: String::new(), cloak: None }
    }
}

impl Person {
    pub(super) fn host(&self) -> String {
        crate::model::masks::host(self.cloak)
    }
}

/// Where an update is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The room that it is of; empty if it is of none.
    pub(super) room: &'a str,
    /// The member whose doing it is, if it is published.
    pub(super) author: Option<usize>,
    /// What its reader is called, and whether that wants standard replies, if it is for one session only.
    pub(super) reader: &'a str,
    pub(super) wants_standard_replies: bool,
    /// The number of a message of the history, which shows its author only if that is still the same.
    pub(super) past: Option<u64>,
}

/// The longest host, which counts when long words are cut.
const MAX_HOST: usize = 16;

impl Model {
    /// Returns an update as the log of a room keeps it for clients.
    pub(in crate::model) fn irc_blocks(&self, room: &str, author: Option<usize>, update: &Update<'_>) -> Rc<[Block]> {
        let place = Place { room, author, reader: "", wants_standard_replies: false, past: None };
        self.blocks(update, &place).into()
    }

    /// Returns what a client is sent of an update that is for it only.
    pub(in crate::model) fn irc_reply(&self, slot: usize, room: &str, update: &Update<'_>) -> Vec<u8> {
        let caps = &self.irc(slot).caps;
        let reader = self.reader(slot);
        let wants_standard_replies = caps.contains(&"standard-replies");
        let place = Place { room, author: None, reader: &reader, wants_standard_replies, past: None };
        let mut out = Vec::new();
        for block in self.blocks(update, &place) {
            block.show(caps, &mut out);
        }
        out
    }

    /// Returns a message of the history, with its number.
    pub(super) fn blocks_of_history(
        &self,
        update: &Update<'_>,
        room: &str,
        author: Option<usize>,
        number: u64,
    ) -> Vec<Block> {
        let place = Place { room, author, reader: "", wants_standard_replies: false, past: Some(number) };
        self.blocks(update, &place)
    }

    /// Returns what is known of a member.
    pub(in crate::model) fn person(&self, slot: usize) -> Person {
        let session = &self.sessions[&slot];
        let is_here = matches!(session.phase, Phase::Open | Phase::Unconnected);
        let cloak = session.cloak.filter(|_| is_here);
        session
            .person
            .as_ref()
            .map_or_else(|| Person { cloak, ..Person::default() }, |person| Person { cloak, ..person.clone() })
    }

    /// Returns the member that is called exactly so.
    pub(in crate::model) fn called(&self, name: &str) -> Option<usize> {
        let number = number_in(name);
        let is_called = |(_, session): &(usize, &Session)| match &session.name {
            Some(own) => **own == name,
            None => number == Some(session.guest) && session.phase == Phase::Open,
        };
        self.sessions.iter().find(is_called).map(|(slot, _)| slot)
    }

    fn known_as(&self, name: &str) -> Person {
        self.called(name).map_or_else(Person::default, |slot| self.person(slot))
    }

    /// Begins a line that comes from somebody.
    pub(super) fn line_from(&self, name: &str, person: &Person) -> Line {
        match name {
            "server" => Line::begin(format!(":{}", self.irc_settings.server_name)),
            name => Line::begin(format!(":{name}!{}@{}", person.user, person.host())),
        }
    }

    /// Begins a line that comes from the server.
    pub(super) fn by_server(&self, command: &str) -> Line {
        Line::begin(format!(":{}", self.irc_settings.server_name)).word(command)
    }

    /// Begins an answer with a number.
    pub(super) fn numbered(&self, code: u16, reader: &str) -> Line {
        self.by_server(&format!("{code:03}")).word(reader)
    }

    fn block(&self, lines: String) -> Block {
        Block { time: time::text(self.wall_clock(self.now)), lines, ..Block::default() }
    }

    fn blocks(&self, update: &Update<'_>, place: &Place<'_>) -> Vec<Block> {
        if let Some(blocks) = self.message_blocks(update, place) {
            return blocks;
        }
        let Place { room, reader, .. } = *place;
        let doing = |name: &str| match place.author {
            Some(author) => self.person(author),
            None => self.known_as(name),
        };
        let from = |name: &str| self.line_from(name, &doing(name));
        // What a reply says of the reader itself.
        let of_reader = |name: &str| self.line_from(name, &self.known_as(reader));
        let line: Line = match *update {
            Update::Joined { name } | Update::Entered { name } => return self.join_blocks(room, name, &doing(name)),
            Update::InRoom { room, .. } => return self.join_blocks(room, reader, &self.known_as(reader)),
            Update::Renamed { from: before, to } => self.line_from(before, &doing(to)).word("NICK").trailing(to),
            Update::Left { name, reason, words } => {
                self.line_from(name, &self.gone).word("QUIT").trailing(&why(reason, words))
            }
            Update::Parted { name, words } => with_words(from(name).word("PART").channel(room), words),
            Update::Kicked { name, by, words } => {
                from(by).word("KICK").channel(room).word(name).trailing(or(words, by))
            }
            Update::TopicSet { by, words } => {
                from(by).word("TOPIC").channel(room).trailing(or(&self.styled(words), words))
            }
            // Clients are told of these at once.
            Update::RoleSet { .. } | Update::RoomChanged { .. } if self.asked.modes.is_some() => return Vec::new(),
            Update::ModesSet { by, letters, arguments } => {
                from(by).word("MODE").channel(room).plain(&format!("{letters}{arguments}"))
            }
            Update::RoleSet { by, name, role, given } => {
                let letter = if role == Role::Operator { "o" } else { "v" };
                from(by).word("MODE").channel(room).plain(&format!("{}{letter}", sign(given))).word(name)
            }
            Update::BanSet { by, masks, banned, .. } => {
                return self.bans(&|| from(by).word("MODE").channel(room), masks, banned);
            }
            Update::RoomChanged { by, change } => {
                let line = from(by).word("MODE").channel(room);
                match change {
                    RoomChange::Flag { flag, set } => line.plain(&format!("{}{}", sign(set), letter_of(flag))),
                    RoomChange::Key(Some(key)) => line.plain("+k").word(key),
                    RoomChange::Key(None) => line.plain("-k").word("*"),
                    RoomChange::Limit(Some(limit)) => line.plain("+l").number(limit.into()),
                    RoomChange::Limit(None) => line.plain("-l"),
                    RoomChange::Listed { list, mask, listed } => {
                        line.plain(&format!("{}{}", sign(listed), letter_of_list(list))).word(mask)
                    }
                }
            }
            Update::Announced { words } => {
                let id = if reader.is_empty() { self.message_id(place) } else { String::new() };
                return vec![Block { id, ..self.block(self.notice(place).trailing(words).end()) }];
            }
            Update::AwaySet { name, words } => {
                return self
                    .only("away-notify", with_words(self.line_from(name, &self.author(place)).word("AWAY"), words));
            }
            Update::RealNameSet { name, words } => {
                let line = self.line_from(name, &self.author(place)).word("SETNAME").trailing(words);
                return self.only("setname", line);
            }
            Update::OtherInvited { by, name } => {
                let line = self.line_from(by, &self.author(place)).word("INVITE").word(name).channel(room);
                return self.only("invite-notify", line);
            }
            Update::Named { from: before, name } if !before.is_empty() && before != name => {
                of_reader(before).word("NICK").trailing(name)
            }
            Update::LeftRoom { room, words } => with_words(of_reader(reader).word("PART").channel(room), words),
            Update::KickedOut { room, by, words } => {
                let line = if by.is_empty() { self.by_server("KICK") } else { from(by).word("KICK") };
                line.channel(room).word(reader).trailing(or(words, or(by, "kicked")))
            }
            Update::Topic { room, words: "", .. } => {
                self.numbered(331, reader).channel(room).trailing(numerics::text(331))
            }
            Update::Topic { room, words, by, age } => {
                let set = (self.wall_clock(self.now) / 1_000).saturating_sub(age.as_secs());
                let topic = self.numbered(332, reader).channel(room).trailing(words).end();
                let who = self.numbered(333, reader).channel(room).word(by).number(set).end();
                return vec![self.block(topic + &who)];
            }
            Update::Invited { room, by } => from(by).word("INVITE").word(reader).channel(room),
            Update::InvitePassed { room, name } => self.numbered(341, reader).word(name).channel(room),
            Update::Pong { token } => {
                let server = self.irc_settings.server_name.as_str();
                self.by_server("PONG").word(server).trailing(or(token, server))
            }
            Update::SilenceWarning => Line::begin("PING").trailing(&self.irc_settings.server_name),
            Update::Missed { count } => {
                let plural = if count == 1 { "" } else { "s" };
                self.notice(place).trailing(&format!("you were too slow and missed {count} message{plural}"))
            }
            Update::Refused(complaint) => self.complaint_line(complaint, place),
            Update::Closing { reason: CloseReason::Killed, words } => killed(reader, words),
            Update::Closing { reason, words } => Line::begin("ERROR").trailing(&why(reason, words)),
            Update::NotOpened(error) => Line::begin("ERROR").trailing(&error.to_string()),
            _ => return Vec::new(),
        };
        vec![self.block(line.end())]
    }

    /// Shows bans that begin or end: in a line as many as fit, up to twelve, and eight lines at most.
    fn bans(&self, begin: &dyn Fn() -> Line, masks: &[&str], banned: bool) -> Vec<Block> {
        let head = begin().end().len() - 2;
        let (mut blocks, mut rest) = (Vec::new(), masks);
        while !rest.is_empty() && blocks.len() < 8 {
            let fits = |n: &usize| head + 2 + rest[..*n].iter().map(|mask| mask.len() + 2).sum::<usize>() <= 510;
            let count = (1..=rest.len().min(12)).filter(fits).max().unwrap_or(1);
            let letters = "b".repeat(count);
            let line = begin().plain(&format!("{}{letters}", sign(banned)));
            blocks.push(self.block(rest[..count].iter().fold(line, |line, mask| line.word(mask)).end()));
            rest = &rest[count..];
        }
        blocks
    }

    /// Returns words of the line with its colours and styles; empty if it has none.
    pub(in crate::model) fn styled(&self, words: &str) -> String {
        let styled = &self.asked.styled;
        if styled != words && strip(styled) == words { styled.clone() } else { String::new() }
    }

    /// Returns whoever publishes it, or its reader.
    fn author(&self, place: &Place<'_>) -> Person {
        place.author.map_or_else(|| self.known_as(place.reader), |author| self.person(author))
    }

    fn only(&self, cap: &'static str, line: Line) -> Vec<Block> {
        vec![Block { to: Some(cap), ..self.block(line.end()) }]
    }

    fn notice(&self, place: &Place<'_>) -> Line {
        let line = self.by_server("NOTICE");
        if place.room.is_empty() { line.word(place.reader) } else { line.channel(place.room) }
    }

    /// A join: a line for those who want real names, and one for the others; and that the newcomer is away.
    fn join_blocks(&self, room: &str, name: &str, person: &Person) -> Vec<Block> {
        let line = || self.line_from(name, person).word("JOIN").channel(room);
        let extended = line().plain("*").trailing(or(&person.real_name, name));
        let mut blocks = vec![
            Block { unless: Some("extended-join"), ..self.block(line().end()) },
            Block { to: Some("extended-join"), ..self.block(extended.end()) },
        ];
        if !person.away.is_empty() {
            let line = self.line_from(name, person).word("AWAY").trailing(&person.away);
            blocks.extend(self.only("away-notify", line));
        }
        blocks
    }

    /// Returns what clients know a message by, which is of the history or has been recorded just now.
    fn message_id(&self, place: &Place<'_>) -> String {
        let number = place.past.unwrap_or_else(|| self.events.saturating_sub(1));
        format!("{:x}-{number}", self.config.life)
    }

    /// Returns a message with its tags, if the update is one.
    fn message_blocks(&self, update: &Update<'_>, place: &Place<'_>) -> Option<Vec<Block>> {
        let Place { room, reader, .. } = *place;
        let in_room = format!("#{room}");
        // Unless cleaning, or a policy, has changed them.
        let is_written =
            |words: &str| place.past.is_none() && !self.asked.styled.is_empty() && strip(&self.asked.styled) == words;
        let as_written = |words| if is_written(words) { self.asked.styled.as_str() } else { words };
        let (from, target, words, manner) = match *update {
            Update::Said { name, words, wire } => {
                let styled = wire.and_then(|wire| std::str::from_utf8(wire).ok());
                (name, in_room.as_str(), styled.unwrap_or(words), Manner::Said)
            }
            Update::Acted { name, words } => (name, in_room.as_str(), as_written(words), Manner::Acted),
            Update::Noticed { name, words } => (name, in_room.as_str(), as_written(words), Manner::Noticed),
            Update::Tagged { name } => (name, in_room.as_str(), "", Manner::Tagged),
            Update::Told { from, words, manner } => (from, reader, as_written(words), manner),
            Update::TellPassed { to, words, manner } => (reader, to, as_written(words), manner),
            _ => return None,
        };
        let is_private = matches!(update, Update::Told { .. } | Update::TellPassed { .. });
        if manner == Manner::Tagged && !is_private && self.asked.tags.is_empty() {
            return Some(Vec::new());
        }
        let person = match (place.author, update) {
            (Some(author), _) => self.person(author),
            (None, _) if place.past.is_some() => Person::default(),
            // Only IRC's own messages to all are shown as those of their reader.
            (None, Update::Tagged { .. }) => self.known_as(reader),
            (None, _) => self.known_as(from),
        };
        let has_id = matches!(manner, Manner::Said | Manner::Acted) || manner == Manner::Noticed && !is_private;
        let command = match manner {
            Manner::Noticed | Manner::Answered => "NOTICE",
            Manner::Tagged => "TAGMSG",
            _ => "PRIVMSG",
        };
        let head = || self.line_from(from, &person).word(command).word(target);
        let request = |words: &str| head().trailing(&format!("\x01{words}\x01")).end();
        let lines = match manner {
            Manner::Queried | Manner::Answered => request(words),
            Manner::Tagged => head().end(),
            manner => {
                let around = if manner == Manner::Acted { "\x01ACTION \x01".len() } else { 0 };
                let before = from.len() + person.user.len() + MAX_HOST + command.len() + target.len() + 7 + around;
                let piece = |piece: &&str| match manner {
                    Manner::Acted => request(&format!("ACTION {piece}")),
                    _ => head().trailing(piece).end(),
                };
                pieces(words, 510_usize.saturating_sub(before).max(64)).iter().map(piece).collect()
            }
        };
        if lines.is_empty() {
            return Some(Vec::new());
        }
        Some(vec![Block {
            to: (manner == Manner::Tagged).then_some("message-tags"),
            id: if has_id { self.message_id(place) } else { String::new() },
            client: if place.past.is_some() { String::new() } else { self.asked.tags.clone() },
            ..self.block(lines)
        }])
    }

    fn complaint_line(&self, complaint: Complaint<'_>, place: &Place<'_>) -> Line {
        let Place { room, reader, .. } = *place;
        let (command, target) = (self.asked.command.as_str(), self.asked.target.as_str());
        let numbered = |code| self.numbered(code, reader);
        let standard = |code, line: Line| line.trailing(numerics::text(code));
        let fail = |command: &str, code: &str, context: &str| {
            if !place.wants_standard_replies {
                return self.by_server("NOTICE").word(reader).trailing(&complaint.to_string());
            }
            let line = self.by_server("FAIL").word(command).word(code);
            let line = if context.is_empty() { line } else { line.word(context) };
            line.trailing(&complaint.to_string())
        };
        match complaint {
            Complaint::LineTooLong { .. } => standard(417, numbered(417)),
            Complaint::NotUtf8 => fail("*", "INVALID_UTF8", ""),
            Complaint::NotUnderstood => standard(421, numbered(421).word(command)),
            Complaint::Usage(_) => standard(461, numbered(461).word(command)),
            Complaint::Name(NameError::Empty) => standard(431, numbered(431)),
            Complaint::Name(NameError::Taken) => standard(433, numbered(433).word(target)),
            Complaint::Name(error) => numbered(432).word(target).trailing(&error.to_string()),
            Complaint::NobodyThere | Complaint::GuestGone { .. } => standard(401, numbered(401).word(target)),
            Complaint::Room(error) => {
                let is_message = matches!(command, "PRIVMSG" | "TAGMSG");
                let code = match error {
                    RoomError::NotIn | RoomError::Banned if is_message => 404,
                    RoomError::InNoRoom | RoomError::NoFocus | RoomError::NoSuchRoom | RoomError::NoNewRooms => 403,
                    RoomError::InTooManyRooms { .. } => 405,
                    RoomError::NotIn => 442,
                    RoomError::Banned => 474,
                    RoomError::InvitedOnly => 473,
                    RoomError::WrongKey => 475,
                    RoomError::RoomFull => 471,
                    RoomError::NotOperator => 482,
                    RoomError::NoVoice | RoomError::Silenced => 404,
                    RoomError::OtherNotIn => return standard(441, numbered(441).word(target).channel(room)),
                    RoomError::OtherIsIn => return standard(443, numbered(443).word(target).channel(room)),
                    RoomError::ListFull { .. } => return standard(478, numbered(478).channel(room).word(target)),
                    RoomError::InvalidName | RoomError::LooksLikeAnother => {
                        return numbered(476).channel(room).trailing(&error.to_string());
                    }
                    RoomError::TooManyRooms { .. } | RoomError::TooManyRoomsFromAddress { .. } => {
                        return numbered(437).channel(room).trailing(&error.to_string());
                    }
                    RoomError::NameBanned => return standard(435, numbered(435).word(target).channel(room)),
                    RoomError::TooLong { .. } if command == "SETNAME" => {
                        return fail(command, "INVALID_REALNAME", "");
                    }
                    _ => return fail(command, "REFUSED", target),
                };
                standard(code, numbered(code).channel(room))
            }
            Complaint::Policy(_) if command == "NICK" => numbered(432).word(target).trailing(&complaint.to_string()),
            Complaint::Policy(_) if matches!(command, "USER" | "SETNAME") => fail(command, "INVALID_REALNAME", ""),
            Complaint::Policy(_) if matches!(command, "AWAY" | "WALLOPS") => fail(command, "REFUSED", ""),
            Complaint::Policy(_) | Complaint::NotReading if room.is_empty() => fail(command, "CANNOT_SEND", target),
            Complaint::Policy(_) | Complaint::NotReading => {
                numbered(404).channel(room).trailing(&complaint.to_string())
            }
            complaint => Line::begin("ERROR").trailing(&complaint.to_string()),
        }
    }
}

fn with_words(line: Line, words: &str) -> Line {
    if words.is_empty() { line } else { line.trailing(words) }
}

pub(super) fn or<'a>(words: &'a str, otherwise: &'a str) -> &'a str {
    if words.is_empty() { otherwise } else { words }
}

fn sign(set: bool) -> char {
    if set { '+' } else { '-' }
}

pub(super) fn letter_of(flag: RoomFlags) -> char {
    match flag {
        RoomFlags::TOPIC_BY_OPERATORS => 't',
        RoomFlags::MEMBERS_SPEAK => 'n',
        RoomFlags::MODERATED => 'm',
        RoomFlags::INVITED_ONLY => 'i',
        _ => 's',
    }
}

pub(super) fn letter_of_list(list: MaskList) -> char {
    match list {
        MaskList::Bans => 'b',
        MaskList::BanExceptions => 'e',
        MaskList::InviteExceptions => 'I',
    }
}

/// Tells a session that an operator has ended it.
fn killed(reader: &str, words: &str) -> Line {
    Line::begin("ERROR").trailing(&format!("Closing Link: {reader} ({})", why(CloseReason::Killed, words)))
}

/// Why somebody has left.
fn why(reason: CloseReason, words: &str) -> String {
    match (reason, words) {
        (CloseReason::Quit, "") => "Client quit".into(),
        (CloseReason::Quit, words) => format!("Quit: {words}"),
        (CloseReason::Eof, "") => "Connection closed".into(),
        (CloseReason::Disconnected, "") => "Connection lost".into(),
        (CloseReason::Idle, "") => "Ping timeout".into(),
        (CloseReason::Killed, words) => format!("Killed ({words})"),
        (reason, "") => reason.to_string(),
        (reason, words) => format!("{reason}: {words}"),
    }
}
