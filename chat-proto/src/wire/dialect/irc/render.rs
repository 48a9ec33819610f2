//! Updates as lines of IRC.

use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt;

use simdutf8::basic::from_utf8;

use super::limits::{BAN_LINES, CHANNEL, LINE_LEN};
use super::modes::MAX_CHANGES;
use super::numeric::Numeric;
use super::scene::Scene;
use super::split::pieces;
use super::tagged::{self, Shown, Tags, View};
use super::writer::Writer;
use crate::command::CloseReason;
use crate::moderation::{MaskList, Role, RoomFlags};
use crate::person::{MAX_HOST, Person};
use crate::wire::dialect::{Manner, RoomChange, Update};

/// Appends an update as a log, or a reply, keeps it; nothing if IRC does not show it.
pub(crate) fn render(update: &Update<'_>, scene: &Scene<'_>, out: &mut Vec<u8>) {
    let lines = |shown, tags, out: &mut Vec<u8>, body: &dyn Fn(&mut Writer<'_>)| {
        tagged::write(shown, scene.time, tags, out, |out| body(&mut Writer::new(out, scene.server, scene.reader)));
    };
    let all = |out: &mut Vec<u8>, body: &dyn Fn(&mut Writer<'_>)| lines(Shown::default(), Tags::default(), out, body);
    let Scene { room, actor, .. } = *scene;
    match *update {
        Update::Said { name, words, wire } => lines(Shown::default(), scene.tags, out, &|to| {
            // As its author has written it, with colours and styles. It came as one line, and goes out as one.
            let styled = wire.and_then(|wire| from_utf8(wire).ok());
            say(to, name, actor, "PRIVMSG", Target::Room(room), styled.unwrap_or(words), false);
        }),
        Update::Noticed { name, words } => lines(Shown::default(), scene.tags, out, &|to| {
            say(to, name, actor, "NOTICE", Target::Room(room), scene.as_written(words), false);
        }),
        Update::Acted { name, words } => lines(Shown::default(), scene.tags, out, &|to| {
            say(to, name, actor, "PRIVMSG", Target::Room(room), scene.as_written(words), true);
        }),
        Update::Tagged { name } if !scene.tags.client.is_empty() => {
            let shown = Shown { to: View::MESSAGE_TAGS, ..Shown::default() };
            lines(shown, scene.tags, out, &|to| to.from(name, actor).word("TAGMSG").channel(room).end());
        }
        Update::Told { from, words, manner } => tell(scene, from, scene.reader, words, manner, out),
        // Only those who have asked for an echo are told.
        Update::TellPassed { to: other, words, manner } => tell(scene, scene.reader, other, words, manner, out),
        Update::Joined { name } | Update::Entered { name } => join(scene, name, out),
        Update::Renamed { from, to: new } => all(out, &|to| to.from(from, actor).word("NICK").trailing(new).end()),
        Update::Left { name, reason, words } => all(out, &|to| {
            to.from(name, actor).word("QUIT").text(&Why { reason, words }).end();
        }),
        Update::Parted { name, words: "" } => {
            all(out, &|to| to.from(name, actor).word("PART").channel(room).end());
        }
        Update::Parted { name, words } => {
            all(out, &|to| to.from(name, actor).word("PART").channel(room).trailing(words).end());
        }
        Update::Kicked { name, by, words } => all(out, &|to| {
            to.from(by, actor).word("KICK").channel(room).word(name).trailing(or(words, by)).end();
        }),
        Update::TopicSet { by, words } => {
            all(out, &|to| to.from(by, actor).word("TOPIC").channel(room).trailing(scene.as_written(words)).end());
        }
        Update::RoleSet { by, name, role, given } => all(out, &|to| {
            let letter = match role {
                Role::Operator => "o",
                Role::Voice => "v",
            };
            to.from(by, actor).word("MODE").channel(room).change(given, letter).word(name).end();
        }),
        Update::BanSet { by, masks, banned, .. } => {
            let mut rest = masks;
            for _ in 0..BAN_LINES {
                if rest.is_empty() {
                    break;
                }
                let written = Cell::new(0);
                all(out, &|to| written.set(bans(to.from(by, actor).word("MODE").channel(room), banned, rest)));
                rest = &rest[written.get()..];
            }
        }
        Update::RoomChanged { by, change } => all(out, &|to| {
            let line = to.from(by, actor).word("MODE").channel(room);
            match change {
                RoomChange::Flag { flag, set } => line.change(set, letter_of(flag)).end(),
                RoomChange::Key(Some(key)) => line.change(true, "k").word(key).end(),
                RoomChange::Key(None) => line.change(false, "k").word("*").end(),
                RoomChange::Limit(Some(limit)) => line.change(true, "l").number(limit.into()).end(),
                RoomChange::Limit(None) => line.change(false, "l").end(),
                RoomChange::Listed { list, mask, listed } => {
                    line.change(listed, letter_of_list(list)).word(mask).end();
                }
            }
        }),
        Update::ModesSet { by, letters, arguments } => all(out, &|to| {
            to.from(by, actor).word("MODE").channel(room).word(letters).append(arguments).end();
        }),
        Update::Announced { words } => lines(Shown::default(), scene.tags, out, &|to| {
            to.server("NOTICE").target(scene.room).trailing(words).end();
        }),
        Update::AwaySet { name, words } => {
            let shown = Shown { to: View::AWAY_NOTIFY, ..Shown::default() };
            lines(shown, Tags::default(), out, &|to| {
                let line = to.from(name, actor).word("AWAY");
                if words.is_empty() { line.end() } else { line.trailing(words).end() }
            });
        }
        Update::RealNameSet { name, words } => {
            let shown = Shown { to: View::SETNAME, ..Shown::default() };
            lines(shown, Tags::default(), out, &|to| to.from(name, actor).word("SETNAME").trailing(words).end());
        }
        Update::OtherInvited { by, name } => {
            let shown = Shown { to: View::INVITE_NOTIFY, ..Shown::default() };
            lines(shown, Tags::default(), out, &|to| to.from(by, actor).word("INVITE").word(name).channel(room).end());
        }
        _ => render_reply(update, scene, out),
    }
}

/// Appends an update that is for one session.
fn render_reply(update: &Update<'_>, scene: &Scene<'_>, out: &mut Vec<u8>) {
    let Scene { actor, .. } = *scene;
    let all = |out: &mut Vec<u8>, body: &dyn Fn(&mut Writer<'_>)| {
        tagged::write(Shown::default(), scene.time, Tags::default(), out, |out| {
            body(&mut Writer::new(out, scene.server, scene.reader));
        });
    };
    match *update {
        // A session that asks for the name that it has is not told.
        Update::Named { from, name } if !from.is_empty() && from != name => {
            all(out, &|to| to.from(from, actor).word("NICK").trailing(name).end());
        }
        Update::InRoom { room, .. } => join(&Scene { room, ..*scene }, scene.reader, out),
        Update::LeftRoom { room, words } => all(out, &|to| {
            let line = to.from(scene.reader, actor).word("PART").channel(room);
            if words.is_empty() { line.end() } else { line.trailing(words).end() }
        }),
        // The member who did it may not be known any more.
        Update::KickedOut { room, by: "", words } => all(out, &|to| {
            to.server("KICK").channel(room).word(scene.reader).trailing(or(words, "kicked")).end();
        }),
        Update::KickedOut { room, by, words } => all(out, &|to| {
            to.from(by, actor).word("KICK").channel(room).word(scene.reader).trailing(or(words, by)).end();
        }),
        Update::Topic { room, words: "", .. } => all(out, &|to| {
            to.numeric(Numeric::NoTopic).channel(room).standard().end();
        }),
        Update::Topic { room, words, by, age } => all(out, &|to| {
            to.numeric(Numeric::Topic).channel(room).trailing(words).end();
            let set = scene.time.seconds().saturating_sub(age.as_secs());
            to.numeric(Numeric::TopicWhoTime).channel(room).word(by).number(set).end();
        }),
        Update::Invited { room, by } => all(out, &|to| {
            to.from(by, actor).word("INVITE").word(scene.reader).channel(room).end();
        }),
        Update::InvitePassed { room, name } => {
            all(out, &|to| to.numeric(Numeric::Inviting).word(name).channel(room).end());
        }
        Update::Pong { token } => {
            all(out, &|to| to.server("PONG").word(scene.server).trailing(or(token, scene.server)).end());
        }
        Update::SilenceWarning => all(out, &|to| to.bare("PING").trailing(scene.server).end()),
        Update::Missed { count } => all(out, &|to| {
            to.server("NOTICE").target(scene.room).text(&Missed(count)).end();
        }),
        Update::Refused(complaint) => all(out, &|to| super::complaint::write(&complaint, scene, to)),
        Update::Closing { reason: reason @ CloseReason::Killed, words } => all(out, &|to| {
            to.bare("ERROR").text(&format_args!("Closing Link: {} ({})", scene.reader, Why { reason, words })).end();
        }),
        Update::Closing { reason, words } => all(out, &|to| to.bare("ERROR").text(&Why { reason, words }).end()),
        Update::NotOpened(error) => all(out, &|to| to.bare("ERROR").text(&error).end()),
        _ => {}
    }
}

/// Appends a join: a line for those who want the real name, and one for the others.
fn join(scene: &Scene<'_>, name: &str, out: &mut Vec<u8>) {
    let Scene { room, actor, .. } = *scene;
    let plain = Shown { to: View::PLAIN, unless: View::EXTENDED_JOIN };
    let extended = Shown { to: View::EXTENDED_JOIN, unless: View::PLAIN };
    for (shown, is_extended) in [(plain, false), (extended, true)] {
        tagged::write(shown, scene.time, Tags::default(), out, |out| {
            let mut to = Writer::new(out, scene.server, scene.reader);
            let line = to.from(name, actor).word("JOIN").channel(room);
            // Nobody has an account.
            if is_extended { line.word("*").trailing(or(actor.real_name, name)).end() } else { line.end() }
        });
    }
    if !actor.away.is_empty() {
        let shown = Shown { to: View::AWAY_NOTIFY, ..Shown::default() };
        tagged::write(shown, scene.time, Tags::default(), out, |out| {
            Writer::new(out, scene.server, scene.reader).from(name, actor).word("AWAY").trailing(actor.away).end();
        });
    }
}

/// Where a message goes.
#[derive(Clone, Copy)]
enum Target<'a> {
    Room(&'a str),
    Name(&'a str),
}

/// Appends a message, as several lines if its words are too long for one.
fn say(
    to: &mut Writer<'_>,
    name: &str,
    actor: Person<'_>,
    command: &str,
    target: Target<'_>,
    words: &str,
    is_action: bool,
) {
    let around = if is_action { "\x01ACTION \x01".len() } else { 0 };
    // `:name!user@host COMMAND #target :`
    let target_len = match target {
        Target::Room(room) => CHANNEL.len() + room.len(),
        Target::Name(name) => name.len(),
    };
    let head = name.len() + actor.user.len() + MAX_HOST + command.len() + target_len + 7 + around;
    for piece in pieces(words, LINE_LEN.saturating_sub(head).max(LEAST_PIECE)) {
        let line = to.from(name, actor).word(command);
        let line = match target {
            Target::Room(room) => line.channel(room),
            Target::Name(name) => line.word(name),
        };
        if is_action { line.action(piece).end() } else { line.trailing(piece).end() }
    }
}

/// The least bytes of words in a line, whatever stands before them.
pub(super) const LEAST_PIECE: usize = 64;

/// Appends a private message.
fn tell(scene: &Scene<'_>, from: &str, other: &str, words: &str, manner: Manner, out: &mut Vec<u8>) {
    let shown = if manner == Manner::Tagged { View::MESSAGE_TAGS } else { View::PLAIN };
    tagged::write(Shown { to: shown, ..Shown::default() }, scene.time, scene.tags, out, |out| {
        let (to, target) = (&mut Writer::new(out, scene.server, scene.reader), Target::Name(other));
        let words = scene.as_written(words);
        match manner {
            Manner::Said => say(to, from, scene.actor, "PRIVMSG", target, words, false),
            Manner::Acted => say(to, from, scene.actor, "PRIVMSG", target, words, true),
            Manner::Noticed => say(to, from, scene.actor, "NOTICE", target, words, false),
            Manner::Queried => to.from(from, scene.actor).word("PRIVMSG").word(other).ctcp(words).end(),
            Manner::Answered => to.from(from, scene.actor).word("NOTICE").word(other).ctcp(words).end(),
            Manner::Tagged => to.from(from, scene.actor).word("TAGMSG").word(other).end(),
        }
    });
}

/// The letters of as many bans as there may be changes in a line.
const BANS: &str = "bbbbbbbbbbbb";

const _: () = assert!(BANS.len() == MAX_CHANGES);

/// Appends as many bans as fit on a line that was begun, and ends it; returns how many.
fn bans(line: &mut Writer<'_>, banned: bool, masks: &[&str]) -> usize {
    // A space, a sign, and for each a letter, a space and the mask.
    let fit = |n: &usize| line.has_room_for(2 + masks[..*n].iter().map(|mask| mask.len() + 2).sum::<usize>());
    let count = (1..=masks.len().min(BANS.len())).rev().find(fit).unwrap_or(1);
    let line = line.change(banned, &BANS[..count]);
    masks[..count].iter().fold(line, |line, mask| line.word(mask)).end();
    count
}

/// Returns the letter of a flag.
pub(crate) fn letter_of(flag: RoomFlags) -> &'static str {
    match flag {
        RoomFlags::TOPIC_BY_OPERATORS => "t",
        RoomFlags::MEMBERS_SPEAK => "n",
        RoomFlags::MODERATED => "m",
        RoomFlags::INVITED_ONLY => "i",
        _ => "s",
    }
}

/// Returns the letter of a list.
pub(crate) fn letter_of_list(list: MaskList) -> &'static str {
    match list {
        MaskList::Bans => "b",
        MaskList::BanExceptions => "e",
        MaskList::InviteExceptions => "I",
    }
}

/// Returns the words, or others if there are none.
fn or<'a>(words: &'a str, otherwise: &'a str) -> &'a str {
    if words.is_empty() { otherwise } else { words }
}

/// Why somebody has left, for quit messages: in the words that people know from other servers. The peer's own words
/// come after `Quit:`, so that they cannot pass for a reason of the server's.
struct Why<'a> {
    reason: CloseReason,
    words: &'a str,
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.reason, self.words) {
            (CloseReason::Quit, "") => f.write_str("Client quit"),
            (CloseReason::Quit, words) => write!(f, "Quit: {words}"),
            (CloseReason::Eof, "") => f.write_str("Connection closed"),
            (CloseReason::Disconnected, "") => f.write_str("Connection lost"),
            (CloseReason::Idle, "") => f.write_str("Ping timeout"),
            (CloseReason::Killed, words) => write!(f, "Killed ({words})"),
            (reason, "") => write!(f, "{reason}"),
            (reason, words) => write!(f, "{reason}: {words}"),
        }
    }
}

/// How many messages a reader missed.
struct Missed(u64);

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "you were too slow and missed {} message{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}
