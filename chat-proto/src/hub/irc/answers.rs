//! Long answers of IRC: written line by line as their reader reads, and never built whole.

use alloc::vec::Vec;

use crate::conversation::{Conversation, ListedMask};
use crate::fault::Fault;
use crate::hub::Hub;
use crate::id::{MemberId, RoomId};
use crate::moderation::{MaskList, Role, RoomFlags};
use crate::person::MAX_HOST;
use crate::room::scenery::Clock;
use crate::session::irc::{Fields, IrcState, Query};
use crate::session::outbox::{Answer, Answered};
use crate::time::Timestamp;
use crate::wire::dialect::irc::caps::Caps;
use crate::wire::dialect::irc::limits::CHANNEL;
use crate::wire::dialect::irc::mask::Mask;
use crate::wire::dialect::irc::numeric::Numeric;
use crate::wire::dialect::irc::user_modes::UserModes;
use crate::wire::dialect::irc::writer::Writer;

/// The most members or rooms to look at for one line of an answer. If none of them is shown, the client pays for the
/// search as for another line of its own.
const LOOKED_AT: usize = 256;

impl Hub {
    /// Encodes the next line of an answer, if it has one; returns what is left of the answer.
    pub(in crate::hub) fn answer_irc(&mut self, slot: u32, answer: Answer) -> Option<Answer> {
        let voice = self.voice(slot)?;
        let member = MemberId(slot);
        let is_out = match answer.what {
            Answered::Messages { room, .. } => !self.conversation.is_in(member, room),
            Answered::Masks { room, list, .. } => !self.may_see_masks(member, room, list),
            _ => false,
        };
        let is_over = |room: RoomId, life: u32| is_out || life != self.logs.life(room);
        let room = match answer.what {
            Answered::Names { room, life }
            | Answered::Masks { room, life, .. }
            | Answered::Messages { room, life, .. } => Some((room, life)),
            Answered::Members { room } => room,
            _ => None,
        };
        if room.is_some_and(|(room, life)| is_over(room, life)) {
            self.encode_end(slot, answer.what);
            return None;
        }
        match answer.what {
            Answered::Messages { room, batch, .. } => return self.write_message(slot, answer, room, batch),
            Answered::Watched { with_status } => return self.write_watched(slot, answer, with_status),
            _ => {}
        }
        let Self { conversation, logs, sessions, now, .. } = self;
        let (people, now) = (&*conversation, *now);
        let irc = sessions[slot].irc.as_deref();
        let mut after = None;
        match answer.what {
            Answered::Names { room, .. } => {
                let is_invisible = |member: MemberId| is_invisible(sessions[member.0].irc.as_deref());
                voice.encode(logs, now, |to| {
                    after = write_names(people, member, room, irc, &is_invisible, answer, to);
                });
            }
            Answered::Masks { room, list, .. } => {
                let clock = logs.clock();
                voice.encode(logs, now, |to| after = write_mask(people, room, list, clock, answer, to));
            }
            Answered::Members { room } => {
                let query = irc.and_then(IrcState::query);
                // A member's number is its session's.
                let irc_of = |member: MemberId| sessions[member.0].irc.as_deref();
                let (irc, room) = (voice.irc.clone(), room.map(|(room, _)| room));
                let mask = match query {
                    Some(Query::Members { mask, .. }) if room.is_none() => Some(Mask::new(mask)),
                    _ => None,
                };
                let who = Who { people, asker: member, room, query, mask, irc_of: &irc_of };
                voice.encode(logs, now, |to| after = who.write(irc.server_name(), answer, to));
            }
            Answered::Channels => {
                let query = irc.and_then(IrcState::query);
                voice.encode(logs, now, |to| after = write_channel(people, member, query, now, answer, to));
            }
            Answered::Motd => {
                let irc = voice.irc.clone();
                voice.encode(logs, now, |to| match irc.motd().get(answer.next as usize) {
                    Some(line) => {
                        to.numeric(Numeric::Motd).text(&format_args!("- {line}")).end();
                        after = Some(Answer { next: answer.next + 1, ..answer });
                    }
                    None => to.numeric(Numeric::EndOfMotd).standard().end(),
                });
            }
            Answered::History { .. }
            | Answered::Rooms { .. }
            | Answered::Bans { .. }
            | Answered::Messages { .. }
            | Answered::Watched { .. } => logs.encode_nothing(),
        }
        after
    }
}

impl Hub {
    /// Encodes the end of an answer about a room that has ended.
    fn encode_end(&mut self, slot: u32, what: Answered) {
        let Some(voice) = self.voice(slot) else { return };
        let end = match what {
            Answered::Names { .. } => Numeric::EndOfNames,
            Answered::Masks { list, .. } => end_of(list),
            Answered::Members { .. } => Numeric::EndOfWho,
            Answered::Messages { batch, .. } => return self.encode_end_of_history(slot, batch),
            _ => return self.logs.encode_nothing(),
        };
        let query = self.sessions[slot].irc.as_ref().and_then(|irc| irc.query());
        voice.encode(&mut self.logs, self.now, |to| {
            let line = to.numeric(end);
            let line = match query {
                Some(Query::Room(room)) => line.channel(room),
                Some(Query::Members { mask, .. }) => line.word(mask),
                _ => line.word("*"),
            };
            line.standard().end();
        });
    }
}

fn end_of(list: MaskList) -> Numeric {
    match list {
        MaskList::Bans => Numeric::EndOfBanList,
        MaskList::BanExceptions => Numeric::EndOfExceptList,
        MaskList::InviteExceptions => Numeric::EndOfInvexList,
    }
}

/// Returns the signs before a member's name in a room.
fn signs(people: &Conversation, member: MemberId, room: RoomId, all: bool) -> &'static str {
    let has = |role| people.has_role(member, room, role);
    match (has(Role::Operator), has(Role::Voice)) {
        (true, true) if all => "@+",
        (true, _) => "@",
        (false, true) => "+",
        (false, false) => "",
    }
}

/// Returns whether others know that a member is in a room. In the lobby, a member is not announced until it has said
/// something.
fn is_announced(people: &Conversation, member: MemberId, room: RoomId) -> bool {
    people.members().has_name(member) || (room != RoomId::LOBBY || people.members().has_joined(member))
}

/// Returns whether a member is shown only to those who share a channel with it.
fn is_invisible(irc: Option<&IrcState>) -> bool {
    irc.is_some_and(|irc| irc.modes.has(UserModes::INVISIBLE))
}

fn share_a_room(people: &Conversation, one: MemberId, other: MemberId) -> bool {
    one == other || people.rooms_of(other).any(|room| people.is_in(one, room))
}

/// Writes a line of names, or the end of the answer.
fn write_names(
    people: &Conversation,
    asker: MemberId,
    id: RoomId,
    irc: Option<&IrcState>,
    is_invisible: &dyn Fn(MemberId) -> bool,
    answer: Answer,
    to: &mut Writer<'_>,
) -> Option<Answer> {
    let room = people.room(id)?;
    let has = |cap| irc.is_some_and(|irc| irc.caps.has(cap));
    let (all_signs, with_address) = (has(Caps::MULTI_PREFIX), has(Caps::USERHOST_IN_NAMES));
    let sign = if room.flags().has(RoomFlags::HIDDEN) { "@" } else { "=" };
    let (mut next, mut is_begun, mut is_over) = (answer.next, false, true);
    let (is_shown, is_in) = (people.may_see(asker, id), people.is_in(asker, id));
    let is_hidden = |member| !is_in && is_invisible(member) && !share_a_room(people, asker, member);
    for (looked_at, (after, member)) in people.members_from(id, answer.next).filter(|_| is_shown).enumerate() {
        if looked_at == LOOKED_AT {
            is_over = false;
            break;
        }
        let name = people.members().name_of(member);
        let person = people.person(member);
        let of_address = if with_address { "!@".len() + person.user.len() + MAX_HOST } else { 0 };
        if is_begun && !to.has_room_for(" @+".len() + name.len() + of_address) {
            break;
        }
        next = after;
        if !is_announced(people, member, id) || is_hidden(member) {
            continue;
        }
        let signs = signs(people, member, id, all_signs);
        if !is_begun {
            to.numeric(Numeric::NamReply).word(sign).channel(room.name()).begin_list();
            is_begun = true;
        }
        if with_address {
            to.item(format_args!("{signs}{name}!{}@{}", person.user, person.host()));
        } else {
            to.item(format_args!("{signs}{name}"));
        }
    }
    if is_begun {
        to.end();
    }
    if is_begun || !is_over {
        let is_repeated = answer.next == 0 && next > 4 && Fault::NamesRepeated.is_planted();
        return Some(Answer { next: if is_repeated { 1 } else { next }, ..answer });
    }
    to.numeric(Numeric::EndOfNames).channel(room.name()).standard().end();
    None
}

/// Writes a mask of a list, or the end of the answer.
fn write_mask(
    people: &Conversation,
    room: RoomId,
    list: MaskList,
    clock: Clock,
    answer: Answer,
    to: &mut Writer<'_>,
) -> Option<Answer> {
    let room = people.room(room)?;
    let item = match list {
        MaskList::Bans => Numeric::BanList,
        MaskList::BanExceptions => Numeric::ExceptList,
        MaskList::InviteExceptions => Numeric::InvexList,
    };
    let Some(ListedMask { mask, by, at, .. }) = room.listed_masks(list).nth(answer.next as usize) else {
        to.numeric(end_of(list)).channel(room.name()).standard().end();
        return None;
    };
    let since = clock.at(Timestamp::from_nanos(at)).seconds();
    to.numeric(item).channel(room.name()).word(mask).word(by).number(since).end();
    Some(Answer { next: answer.next + 1, ..answer })
}

/// Writes a channel of LIST, or the end of the answer.
fn write_channel(
    people: &Conversation,
    asker: MemberId,
    query: Option<&Query>,
    now: Timestamp,
    answer: Answer,
    to: &mut Writer<'_>,
) -> Option<Answer> {
    let mut from = u32::try_from(answer.next).unwrap_or(u32::MAX);
    for _ in 0..LOOKED_AT {
        let Some(id) = people.next_room(from) else {
            to.numeric(Numeric::ListEnd).standard().end();
            return None;
        };
        from = id.0 + 1;
        let Some(room) = people.room(id).filter(|room| room.members() > 0 && people.may_see(asker, id)) else {
            continue;
        };
        let since = |at: u64| now.saturating_duration_since(Timestamp::from_nanos(at));
        let topic = room.topic();
        let mut name = arrayvec::ArrayString::<64>::from(CHANNEL).unwrap_or_default();
        name.push_str(room.name());
        let is_wanted = match query {
            Some(Query::Channels(filter)) => filter.matches(&name, room.members(), topic.map(|topic| since(topic.at))),
            _ => true,
        };
        if is_wanted {
            let words = topic.map_or("", |topic| if topic.styled.is_empty() { topic.words } else { topic.styled });
            to.numeric(Numeric::List).word(&name).number(room.members() as u64).trailing(words).end();
            break;
        }
    }
    Some(Answer { next: u64::from(from), ..answer })
}

/// What WHO asks for, and about whom.
struct Who<'a> {
    people: &'a Conversation,
    asker: MemberId,
    room: Option<RoomId>,
    query: Option<&'a Query>,
    /// The pattern that members have to match, unless the question is about a room.
    mask: Option<Mask>,
    irc_of: &'a dyn Fn(MemberId) -> Option<&'a IrcState>,
}

impl Who<'_> {
    /// Writes a line about a member, or the end of the answer.
    fn write(&self, server: &str, answer: Answer, to: &mut Writer<'_>) -> Option<Answer> {
        let mut next = answer.next;
        let mut looked_at = 0;
        let members: &mut dyn Iterator<Item = (u64, MemberId)> = match self.room {
            Some(room) => &mut self.people.members_from(room, next),
            None => &mut self.people.everyone_from(next),
        };
        for (after, member) in members {
            next = after;
            looked_at += 1;
            if self.is_wanted(member) {
                self.write_member(server, member, to);
                return Some(Answer { next, ..answer });
            }
            if looked_at == LOOKED_AT {
                return Some(Answer { next, ..answer });
            }
        }
        let mask = match self.query {
            Some(Query::Members { mask, .. }) => mask,
            _ => "*",
        };
        to.numeric(Numeric::EndOfWho).word(mask).standard().end();
        None
    }

    fn is_wanted(&self, member: MemberId) -> bool {
        let people = self.people;
        if (self.irc_of)(member).is_some_and(IrcState::is_registering) {
            return false;
        }
        let is_named = || matches!(self.query, Some(Query::Members { mask, .. }) if people.find(mask) == Some(member));
        let is_operator = || (self.irc_of)(member).is_some_and(|irc| irc.modes.has(UserModes::OPERATOR));
        if matches!(self.query, Some(Query::Members { only_operators: true, .. })) && !is_operator() {
            return false;
        }
        if is_invisible((self.irc_of)(member)) && !is_named() && !share_a_room(people, self.asker, member) {
            return false;
        }
        if let Some(room) = self.room {
            return people.may_see(self.asker, room) && is_announced(people, member, room);
        }
        let Some(mask) = &self.mask else { return false };
        let (name, person) = (people.members().name_of(member), people.person(member));
        let mut host = arrayvec::ArrayString::<32>::new();
        let written = core::fmt::Write::write_fmt(&mut host, format_args!("{}", person.host()));
        debug_assert!(written.is_ok());
        people.members().has_joined(member)
            && [name.as_str(), person.user, &host, person.real_name].iter().any(|text| mask.matches(text))
    }

    /// Returns the room that is shown beside a member: the one that was asked about, or one that the asker may see.
    fn shown_room(&self, member: MemberId) -> Option<RoomId> {
        self.room.or_else(|| {
            let mut rooms = self.people.rooms_of(member);
            rooms.find(|room| {
                let is_public = !self.people.room(*room).is_none_or(|room| room.flags().has(RoomFlags::HIDDEN));
                is_public || self.people.is_in(self.asker, *room)
            })
        })
    }

    fn write_member(&self, server: &str, member: MemberId, to: &mut Writer<'_>) {
        let people = self.people;
        let (name, person) = (people.members().name_of(member), people.person(member));
        let room = self.shown_room(member);
        let of_room = room.and_then(|room| people.room(room)).map(|room| room.name());
        let mut flags = Vec::with_capacity(4);
        flags.push(if person.away.is_empty() { b'H' } else { b'G' });
        if (self.irc_of)(member).is_some_and(|irc| irc.modes.has(UserModes::OPERATOR)) {
            flags.push(b'*');
        }
        if (self.irc_of)(member).is_some_and(|irc| irc.modes.has(UserModes::BOT)) {
            flags.push(b'B');
        }
        if let Some(room) = room {
            let all = (self.irc_of)(self.asker).is_some_and(|irc| irc.caps.has(Caps::MULTI_PREFIX));
            flags.extend_from_slice(signs(people, member, room, all).as_bytes());
        }
        let flags = core::str::from_utf8(&flags).unwrap_or_default();
        let real_name = if person.real_name.is_empty() { name.as_str() } else { person.real_name };
        let fields = match self.query {
            Some(Query::Members { fields, .. }) => fields.as_ref(),
            _ => None,
        };
        let Some(Fields { letters, token }) = fields else {
            let line = to.numeric(Numeric::WhoReply);
            let line = match of_room {
                Some(room) => line.channel(room),
                None => line.word("*"),
            };
            let line = line.word(person.user).shown(person.host()).word(server).word(&name).word(flags);
            return line.text(&format_args!("0 {real_name}")).end();
        };
        let mut line = to.numeric(Numeric::WhoSpcRpl);
        // In the order of WHOX, whatever the order in which they were asked for.
        for letter in "tcuihsnfdlaor".chars().filter(|letter| letters.contains(*letter)) {
            line = match (letter, of_room) {
                ('t', _) => line.word(token),
                ('c', Some(room)) => line.channel(room),
                ('u', _) => line.word(person.user),
                ('i', _) => line.word("255.255.255.255"),
                ('h', _) => line.shown(person.host()),
                ('s', _) => line.word(server),
                ('n', _) => line.word(&name),
                ('f', _) => line.word(flags),
                ('r', _) => line.trailing(real_name),
                ('o', _) => line.word("n/a"),
                ('c', None) => line.word("*"),
                // How far away, how long silent, and which account: there are no other servers and no accounts, and
                // how long somebody is silent is nobody's business.
                _ => line.word("0"),
            };
        }
        line.end();
    }
}
