//! CHATHISTORY: what was said in a channel.

use chat_proto::dialect::Update;

use super::line::Line;
use super::lines::{Block, tag_lines};
use super::{Rest, time};
use crate::model::Model;
use crate::model::rooms::RoomKey;

/// The most messages, and the most channels, of one answer.
const MAX_MESSAGES: u64 = 100;
const MAX_CHANNELS: usize = 50;

/// What a client calls a message by.
#[derive(Clone, Copy)]
enum Anchor {
    Number(u64),
    /// Milliseconds since 1970.
    Time(u64),
    OtherLife,
}

impl Model {
    pub(super) fn ask_history(&mut self, slot: usize, line: &Line) {
        let subcommand = line.text(0).to_ascii_uppercase();
        if subcommand == "TARGETS" {
            return self.ask_targets(slot, line);
        }
        let (target, limit) = (line.text(1), line.text(if subcommand == "BETWEEN" { 4 } else { 3 }));
        let found = target.strip_prefix('#').and_then(|name| self.find_room(name));
        let Some(room) = found.filter(|room| self.room(*room).is_in(slot)) else {
            return self.refuse_history(slot, "INVALID_TARGET", &[&subcommand, target], "You are not in that channel");
        };
        let Ok(limit) = limit.parse::<usize>() else {
            let why = "The last parameter is how many messages";
            return self.refuse_history(slot, "INVALID_PARAMS", &[&subcommand], why);
        };
        let limit = (limit as u64).min(MAX_MESSAGES);
        let (oldest, newest) = self.room(room).history.numbers();
        let before = |model: &Self, anchor| model.first_message(room, anchor, false);
        let after = |model: &Self, anchor| model.first_message(room, anchor, true);
        let latest = |start: u64, end: u64| (start.max(end.saturating_sub(limit)), end);
        let (one, other) = (self.anchor(line.text(2)), self.anchor(line.text(3)));
        let is_of_another_life = matches!(one, Some(Anchor::OtherLife))
            || subcommand == "BETWEEN" && matches!(other, Some(Anchor::OtherLife));
        let (start, end) = match (&*subcommand, one, other) {
            ("LATEST", None, _) if line.text(2) == "*" => latest(oldest, newest),
            _ if is_of_another_life => {
                self.send_lines(slot, |model, _| {
                    let note = model.by_server("NOTE").word("CHATHISTORY").word("RESTARTED").word(target);
                    note.trailing("The server was restarted since; these are the latest messages").end()
                });
                latest(oldest, newest)
            }
            ("LATEST", Some(anchor), _) => latest(after(self, anchor), newest),
            ("BEFORE", Some(anchor), _) => latest(oldest, before(self, anchor)),
            ("AFTER", Some(anchor), _) => (after(self, anchor), newest.min(after(self, anchor) + limit)),
            ("AROUND", Some(anchor), _) => {
                let start = oldest.max(before(self, anchor).saturating_sub(limit / 2));
                (start, newest.min(start + limit))
            }
            ("BETWEEN", Some(one), Some(other)) => {
                let (first, last) = (before(self, one), before(self, other));
                if first <= last {
                    let start = after(self, one);
                    (start, last.min(start + limit))
                } else {
                    latest(after(self, other), first)
                }
            }
            _ => {
                let why = "These parameters make no sense";
                return self.refuse_history(slot, "INVALID_PARAMS", &[&subcommand], why);
            }
        };
        let batch = self.history_batch(slot);
        let name = self.room(room).name.clone();
        if let Some(batch) = batch {
            self.send_lines(slot, |model, _| {
                model.by_server("BATCH").plain(&format!("+{batch}")).word("chathistory").channel(&name).end()
            });
        }
        self.begin_answer(slot, Rest::Messages { room, next: start, end: end.max(start), batch });
    }

    fn ask_targets(&mut self, slot: usize, line: &Line) {
        let moment = |text: &str| match self.anchor(text) {
            Some(Anchor::Time(millis)) => Some(millis),
            _ => None,
        };
        let (one, other, limit) = (moment(line.text(1)), moment(line.text(2)), line.text(3).parse::<usize>());
        let (Some(one), Some(other), Ok(limit)) = (one, other, limit) else {
            let why = "Two times and how many channels are needed";
            return self.refuse_history(slot, "INVALID_PARAMS", &["TARGETS"], why);
        };
        let latest = |room: RoomKey| {
            let room = self.room(room);
            let at = room.history.latest()?;
            Some((room.name.clone(), self.config.started.saturating_add(at.as_nanos() / 1_000_000)))
        };
        let is_between = |(_, at): &(String, u64)| (one.min(other)..=one.max(other)).contains(at);
        let rooms = self.rooms_latest_first(slot).into_iter().filter_map(latest);
        let found: Vec<(String, u64)> = rooms.filter(is_between).take(limit.min(MAX_CHANNELS)).collect();
        let batch = self.history_batch(slot);
        if let Some(batch) = batch {
            self.send_lines(slot, |model, _| {
                model.by_server("BATCH").plain(&format!("+{batch}")).word("draft/chathistory-targets").end()
            });
        }
        for (name, at) in found {
            let shown = time::text(at.min(253_402_300_799_999));
            let line = self.by_server("CHATHISTORY").word("TARGETS").channel(&name).word(&shown).end();
            let bytes = in_history_batch(self.shown_lines(slot, line), batch);
            self.put(slot, bytes);
        }
        if let Some(batch) = batch {
            self.send_lines(slot, |model, _| model.by_server("BATCH").plain(&format!("-{batch}")).end());
        }
    }

    /// Returns the number of the batch of an answer, if the client knows of batches.
    fn history_batch(&mut self, slot: usize) -> Option<u32> {
        self.has_cap(slot, "batch").then(|| self.next_batch(slot))
    }

    /// Returns the number of the first message of a room that is not before an anchor, or is behind it.
    fn first_message(&self, room: RoomKey, anchor: Anchor, beyond: bool) -> u64 {
        let history = &self.room(room).history;
        history.first(|event, at| {
            let (place, number) = match anchor {
                Anchor::Number(number) => (event, number),
                Anchor::Time(millis) => (self.config.started.saturating_add(at.as_nanos() / 1_000_000), millis),
                Anchor::OtherLife => return false,
            };
            if beyond { place > number } else { place >= number }
        })
    }

    fn anchor(&self, text: &str) -> Option<Anchor> {
        if let Some(moment) = text.strip_prefix("timestamp=") {
            return time::parse(moment).map(Anchor::Time);
        }
        let (life, number) = text.strip_prefix("msgid=")?.split_once('-')?;
        let (life, number) = (u64::from_str_radix(life, 16).ok()?, number.parse().ok()?);
        Some(if life == self.config.life { Anchor::Number(number) } else { Anchor::OtherLife })
    }

    fn refuse_history(&mut self, slot: usize, code: &str, context: &[&str], why: &str) {
        self.send_lines(slot, |model, _| {
            let line = model.by_server("FAIL").word("CHATHISTORY").word(code);
            context.iter().fold(line, |line, word| line.word(word)).trailing(why).end()
        });
    }

    /// Returns the next message of an answer, or its end.
    pub(super) fn next_of_messages(
        &self,
        slot: usize,
        room: RoomKey,
        next: u64,
        end: u64,
        batch: Option<u32>,
    ) -> (Vec<u8>, Option<Rest>) {
        let is_in = self.is_there(room) && self.room(room).is_in(slot);
        let number = if is_in { next.max(self.room(room).history.numbers().0) } else { end };
        if number >= end {
            let end = batch.map(|batch| self.by_server("BATCH").plain(&format!("-{batch}")).end());
            let end = self.shown_lines(slot, end.unwrap_or_default());
            return (self.in_batch(slot, end), None);
        }
        let bytes = self.message_of(slot, room, number, batch);
        (bytes, Some(Rest::Messages { room, next: number + 1, end, batch }))
    }

    fn message_of(&self, slot: usize, room: RoomKey, number: u64, batch: Option<u32>) -> Vec<u8> {
        let room = self.room(room);
        let Some(message) = room.history.message(number) else { return Vec::new() };
        let update = message.update();
        let name = match update {
            Update::Said { name, .. } | Update::Acted { name, .. } | Update::Noticed { name, .. } => name,
            _ => "",
        };
        // Somebody else may have the name now.
        let author = self.find(name).filter(|author| message.author == Some(*author));
        let mut out = Vec::new();
        for block in self.blocks_of_history(&update, &room.name, author, message.event) {
            let time = time::text(self.wall_clock(message.at));
            Block { time, ..block }.show(&self.irc(slot).caps, &mut out);
        }
        in_history_batch(out, batch)
    }
}

fn in_history_batch(lines: Vec<u8>, batch: Option<u32>) -> Vec<u8> {
    match batch {
        Some(batch) => tag_lines(&lines, &format!("batch={batch}")),
        None => lines,
    }
}
