//! CHATHISTORY: what was said in a channel, for clients that come back (IRCv3, "Chat History").

use core::num::NonZeroU16;

use smallvec::SmallVec;

use super::labels::tag_of;
use crate::conversation::{Event, Recorded};
use crate::hub::Hub;
use crate::id::{MemberId, RoomId};
use crate::person::Person;
use crate::session::outbox::{Answer, Answered};
use crate::time::Timestamp;
use crate::wire::dialect::Update;
use crate::wire::dialect::irc::caps::Caps;
use crate::wire::dialect::irc::limits::CHANNEL;
use crate::wire::dialect::irc::line::Line;
use crate::wire::dialect::irc::render::render;
use crate::wire::dialect::irc::scene::{Asked, Scene};
use crate::wire::dialect::irc::tagged::{Tags, message_id};
use crate::wire::dialect::irc::time::WallTime;

/// The most messages of one answer. ISUPPORT tells it as CHATHISTORY.
pub(super) const MAX_MESSAGES: usize = 100;

/// The most channels of one answer about channels. Their lines are short, and so many take less than 8 KiB.
const MAX_TARGETS: usize = 30;

/// A message that a client refers to.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    /// By its number among events.
    Number(u64),
    /// By when it was said, in milliseconds since 1970.
    Time(u64),
    /// By a number from before a restart of the server.
    OtherLife,
}

impl Hub {
    /// Shows messages of a channel that are before, after, around or between others.
    pub(super) fn ask_history(&mut self, slot: u32, line: &Line<'_>) {
        let param = |index: usize| line.param(index).unwrap_or_default();
        let subcommand = param(0).to_ascii_uppercase();
        if subcommand == "TARGETS" {
            return self.ask_targets(slot, param(1), param(2), param(3));
        }
        let is_between = subcommand == "BETWEEN";
        let (target, limit) = (param(1), param(if is_between { 4 } else { 3 }));
        let room = target.strip_prefix(CHANNEL).and_then(|name| self.conversation.find_room(name));
        let Some(room) = room.filter(|room| self.conversation.is_in(MemberId(slot), *room)) else {
            let context = [&*subcommand, target];
            return self.refuse_history(slot, "INVALID_TARGET", &context, "You are not in that channel");
        };
        let Ok(limit) = limit.parse::<usize>() else {
            let why = "The last parameter is how many messages";
            return self.refuse_history(slot, "INVALID_PARAMS", &[&subcommand], why);
        };
        let limit = limit.min(MAX_MESSAGES) as u64;
        let clock = self.logs.clock();
        let anchor = |text: &str| anchor(text, clock.life);
        let kept = self.conversation.kept_messages(room);
        let before = |hub: &Self, anchor| hub.first_message(room, anchor, false);
        let after = |hub: &Self, anchor| hub.first_message(room, anchor, true);
        let (mut start, mut end) = (kept.start, kept.end);
        // The messages after and before which events are shown, too.
        let mut events = [None; 2];
        match (&*subcommand, anchor(param(2)), anchor(param(3))) {
            ("LATEST", None, _) if param(2) == "*" => start = start.max(end.saturating_sub(limit)),
            (_, Some(Anchor::OtherLife), _) | ("BETWEEN", _, Some(Anchor::OtherLife)) => {
                // The client refers to a message from before a restart, so it has seen none of these.
                self.warn_history(slot, target);
                start = start.max(end.saturating_sub(limit));
            }
            ("LATEST", Some(anchor), _) => {
                start = after(self, anchor).max(end.saturating_sub(limit));
                events[0] = Some(anchor);
            }
            ("BEFORE", Some(anchor), _) => {
                end = before(self, anchor);
                start = start.max(end.saturating_sub(limit));
                events[1] = Some(anchor);
            }
            ("AFTER", Some(anchor), _) => {
                start = after(self, anchor);
                end = end.min(start + limit);
                events[0] = Some(anchor);
            }
            ("AROUND", Some(anchor), _) => {
                start = start.max(before(self, anchor).saturating_sub(limit / 2));
                end = end.min(start + limit);
            }
            ("BETWEEN", Some(one), Some(other)) => {
                let (first, last) = (before(self, one), before(self, other));
                if first <= last {
                    (start, end) = (after(self, one), last);
                    events = [Some(one), Some(other)];
                    end = end.min(start + limit).max(start);
                } else {
                    (start, end) = (after(self, other), first);
                    events = [Some(other), Some(one)];
                    start = start.max(end.saturating_sub(limit));
                }
            }
            _ => {
                return self.refuse_history(slot, "INVALID_PARAMS", &[&subcommand], "These parameters make no sense");
            }
        }
        let batch = self.history_batch(slot);
        let name = self.conversation.name_of_room(room);
        if let Some(batch) = batch {
            self.answer(slot, |to| {
                to.server("BATCH").shown(format_args!("+{batch}")).word("chathistory").channel(&name).end();
            });
        }
        if self.has_cap(slot, Caps::EVENT_PLAYBACK) {
            let latest = matches!(&*subcommand, "LATEST" | "BEFORE");
            self.begin_events(slot, room, (start, end.max(start)), events, limit as usize, latest);
        }
        let what = Answered::Messages { room, life: self.logs.life(room), batch };
        self.answer_range(slot, start, end.max(start), what);
    }

    /// Encodes the next message of an answer, or its end.
    pub(super) fn write_message(
        &mut self,
        slot: u32,
        answer: Answer,
        room: RoomId,
        batch: Option<NonZeroU16>,
    ) -> Option<Answer> {
        let voice = self.voice(slot)?;
        let oldest = self.conversation.kept_messages(room).start;
        let number = answer.next.max(oldest);
        let message = self.conversation.message(room, number).filter(|_| number < answer.end);
        let mark = message.as_ref().map(|message| self.mark_of(message));
        if self.write_event(slot, room, mark) {
            if let Some(batch) = batch {
                self.logs.tag_encoded(&tag_of(batch));
            }
            return Some(answer);
        }
        if number >= answer.end {
            self.encode_end_of_history(slot, batch);
            return None;
        }
        let Self { conversation, logs, .. } = self;
        let clock = logs.clock();
        let room_name = conversation.room(room).map_or("", |room| room.name());
        logs.encode_nothing();
        if let Some(message) = conversation.message(room, number)
            && let Some((name, update)) = update_of(&message)
        {
            let id = message_id(clock.life, message.seq);
            // Somebody else may have the name now, so details are shown only of members who still have it.
            let author = conversation.find(name).filter(|member| message.member == Some(*member));
            let actor = author.map_or(Person::UNKNOWN, |member| conversation.person(member));
            let scene = Scene {
                server: voice.irc.server_name(),
                time: clock.at(message.at.unwrap_or(Timestamp::ZERO)),
                room: room_name,
                actor,
                reader: voice.reader(),
                view: voice.view(),
                tags: Tags { id: &id, client: "" },
                styled: "",
                asked: Asked::default(),
            };
            logs.encode_scene(voice.view(), |out| render(&update, &scene, out));
            if let Some(batch) = batch {
                logs.tag_encoded(&tag_of(batch));
            }
        }
        Some(Answer { next: number + 1, ..answer })
    }

    /// Shows in which channels something was said between two moments.
    fn ask_targets(&mut self, slot: u32, from: &str, to: &str, limit: &str) {
        let time = |text: &str| match anchor(text, self.logs.clock().life) {
            Some(Anchor::Time(millis)) => Some(millis),
            _ => None,
        };
        let (Some(one), Some(other), Ok(limit)) = (time(from), time(to), limit.parse::<usize>()) else {
            let why = "Two times and how many channels are needed";
            return self.refuse_history(slot, "INVALID_PARAMS", &["TARGETS"], why);
        };
        let (first, last) = (one.min(other), one.max(other));
        let batch = self.history_batch(slot);
        let Some(voice) = self.voice(slot) else { return };
        let started = self.logs.clock().started;
        let conversation = &self.conversation;
        let latest = |room: RoomId| {
            let number = conversation.kept_messages(room).end.checked_sub(1)?;
            let at = conversation.message(room, number)?.at?;
            Some(started.saturating_add(at.as_nanos() / 1_000_000))
        };
        let rooms = conversation.rooms_of(MemberId(slot));
        let found = rooms.filter_map(|room| Some((conversation.name_of_room(room), latest(room)?)));
        let found: SmallVec<[_; 8]> =
            found.filter(|(_, at)| (first..=last).contains(at)).take(limit.min(MAX_TARGETS)).collect();
        if let Some(batch) = batch {
            let kind = "draft/chathistory-targets";
            self.answer(slot, |to| to.server("BATCH").shown(format_args!("+{batch}")).word(kind).end());
        }
        for (name, at) in found {
            let time = WallTime::from_millis(at).text();
            voice.encode(&mut self.logs, self.now, |to| {
                let line = to.server("CHATHISTORY").word("TARGETS").channel(&name);
                line.word(core::str::from_utf8(&time).unwrap_or_default()).end();
            });
            if let Some(batch) = batch {
                self.logs.tag_encoded(&tag_of(batch));
            }
            self.put_encoded(slot);
        }
        if let Some(batch) = batch {
            self.answer(slot, |to| to.server("BATCH").shown(format_args!("-{batch}")).end());
        }
        self.requeue(slot);
    }

    /// Returns the number of the batch of an answer; `None` if the client does not know of batches.
    fn history_batch(&mut self, slot: u32) -> Option<NonZeroU16> {
        if self.has_cap(slot, Caps::BATCH) { self.next_batch(slot) } else { None }
    }

    /// Encodes the lines after the messages of an answer.
    pub(super) fn encode_end_of_history(&mut self, slot: u32, batch: Option<NonZeroU16>) {
        let Some((voice, batch)) = self.voice(slot).zip(batch) else { return self.logs.encode_nothing() };
        voice.encode(&mut self.logs, self.now, |to| to.server("BATCH").shown(format_args!("-{batch}")).end());
        self.tag_encoded(slot);
    }

    /// Returns the number, among the messages of a room, of the first one that is not before an anchor; with `beyond`,
    /// of the first one after it.
    pub(super) fn first_message(&self, room: RoomId, anchor: Anchor, beyond: bool) -> u64 {
        let started = self.logs.clock().started;
        self.conversation.first_message(room, |event, at| match anchor {
            Anchor::Number(number) if beyond => event > number,
            Anchor::Number(number) => event >= number,
            Anchor::Time(millis) => {
                let said = started.saturating_add(at / 1_000_000);
                if beyond { said > millis } else { said >= millis }
            }
            Anchor::OtherLife => false,
        })
    }

    fn refuse_history(&mut self, slot: u32, code: &str, context: &[&str], why: &str) {
        self.answer(slot, |to| {
            let line = to.server("FAIL").word("CHATHISTORY").word(code);
            context.iter().fold(line, |line, word| line.word(word)).trailing(why).end();
        });
    }

    /// Tells a client that it refers to a message from before a restart.
    fn warn_history(&mut self, slot: u32, target: &str) {
        self.answer(slot, |to| {
            let note = to.server("NOTE").word("CHATHISTORY").word("RESTARTED").word(target);
            note.trailing("The server was restarted since; these are the latest messages").end();
        });
    }
}

/// Reads a client's reference to a message.
fn anchor(text: &str, life: u64) -> Option<Anchor> {
    if let Some(time) = text.strip_prefix("timestamp=") {
        return WallTime::parse(time).map(|time| Anchor::Time(time.millis()));
    }
    let (of_life, number) = text.strip_prefix("msgid=")?.split_once('-')?;
    let (of_life, number) = (u64::from_str_radix(of_life, 16).ok()?, number.parse().ok()?);
    Some(if of_life == life { Anchor::Number(number) } else { Anchor::OtherLife })
}

/// Returns a message of the history with its author, as it is shown.
fn update_of<'a>(message: &Recorded<'a>) -> Option<(&'a str, Update<'a>)> {
    Some(match message.event {
        Event::Said { name, words } => (name, Update::Said { name, words, wire: None }),
        Event::Acted { name, words } => (name, Update::Acted { name, words }),
        Event::Noticed { name, words } => (name, Update::Noticed { name, words }),
        Event::Announced { words } => ("", Update::Announced { words }),
        _ => return None,
    })
}
