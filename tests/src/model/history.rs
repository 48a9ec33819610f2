//! The latest messages of rooms, and answers that do not fit among the replies at once.

use std::collections::VecDeque;
use std::rc::Rc;

use chat_proto::Timestamp;
use chat_proto::dialect::Update;

use super::masks::shown_of;
use super::rooms::{LOBBY, RoomKey};
use super::{Model, irc, without_wire};

/// The latest messages to everyone in a room.
#[derive(Debug, Default)]
pub(super) struct History {
    kept: VecDeque<Message>,
    /// How many messages there were.
    count: u64,
}

#[derive(Debug)]
pub(super) struct Message {
    number: u64,
    /// Its number among events, when it was said, by whom, and how.
    pub(super) event: u64,
    pub(super) at: Timestamp,
    pub(super) author: Option<usize>,
    manner: HowSaid,
    name: String,
    words: String,
    /// Bytes of its name and words.
    len: usize,
    /// Its line in each dialect; empty if the dialect does not show it.
    shown: Vec<Rc<[u8]>>,
}

#[derive(Clone, Copy, Debug)]
enum HowSaid {
    Said,
    Acted,
    Noticed,
    Announced,
}

impl Message {
    pub(super) fn update(&self) -> Update<'_> {
        let (name, words) = (self.name.as_str(), self.words.as_str());
        match self.manner {
            HowSaid::Said => Update::Said { name, words, wire: None },
            HowSaid::Acted => Update::Acted { name, words },
            HowSaid::Noticed => Update::Noticed { name, words },
            HowSaid::Announced => Update::Announced { words },
        }
    }
}

impl History {
    /// Returns the numbers of the oldest message that is kept and of the next one.
    pub(super) fn numbers(&self) -> (u64, u64) {
        (self.kept.front().map_or(self.count, |message| message.number), self.count)
    }

    /// Returns a message that is kept.
    pub(super) fn message(&self, number: u64) -> Option<&Message> {
        self.kept.iter().find(|message| message.number == number)
    }

    /// Returns when the latest message was said.
    pub(super) fn latest(&self) -> Option<Timestamp> {
        self.kept.back().map(|message| message.at)
    }

    /// Returns the number of the first message that is kept for which this holds.
    pub(super) fn first(&self, is_it: impl Fn(u64, Timestamp) -> bool) -> u64 {
        self.kept.iter().find(|message| is_it(message.event, message.at)).map_or(self.count, |message| message.number)
    }
}

/// What a session is still to be told.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// It comes before the log entry of this number.
    pub(super) at: u64,
    rest: Rest,
}

#[derive(Clone, Debug)]
enum Rest {
    /// Messages of a room: the numbers of the next and of the first that is not shown.
    Messages { room: RoomKey, next: u64, end: u64, begun: bool, is_asked: bool },
    /// The bans of a room from this place in the list on.
    Bans { room: RoomKey, next: usize },
    /// The rooms from this number on, and how many were listed.
    Rooms { next: u32, count: usize },
    /// An answer of IRC.
    Irc(irc::Rest),
}

impl Model {
    /// Keeps a message, as long as there is room for it.
    pub(super) fn keep(&mut self, update: &Update<'_>, room: RoomKey, author: Option<usize>) {
        let (manner, name, words) = match *update {
            Update::Said { name, words, .. } => (HowSaid::Said, name, words),
            Update::Acted { name, words } => (HowSaid::Acted, name, words),
            Update::Noticed { name, words } => (HowSaid::Noticed, name, words),
            Update::Announced { words } if room == LOBBY => (HowSaid::Announced, "", words),
            _ => return,
        };
        let len = name.len() + words.len();
        let author = author.or_else(|| self.called(name));
        // Those who are shown the history in rooms are not shown notices of it.
        let is_shown = !matches!(manner, HowSaid::Noticed);
        let encoded = |log| {
            let mut bytes = Vec::new();
            if is_shown {
                self.encode(log, &without_wire(update), &mut bytes);
            }
            bytes.into()
        };
        let shown = (0..self.config.dialects.len()).map(encoded).collect();
        let (most, most_bytes) = self.history_limits(room);
        let (event, at) = (self.events.saturating_sub(1), self.now);
        let History { kept, count } = &mut self.room_mut(room).history;
        let (name, words) = (name.into(), words.into());
        kept.push_back(Message { number: *count, event, at, author, manner, name, words, len, shown });
        *count += 1;
        while kept.len() > most || kept.iter().map(|message| message.len).sum::<usize>() > most_bytes {
            kept.pop_front();
        }
    }

    /// Returns how many messages a room keeps, and how many bytes of them.
    fn history_limits(&self, room: RoomKey) -> (usize, usize) {
        let config = &self.config;
        if room == LOBBY {
            let most = config.dialects.iter().map(|dialect| dialect.backlog).fold(config.history, usize::max);
            return (most, config.history_bytes);
        }
        // `guest-` and a number of 64 bits is the longest name that is made.
        let longest = config.max_name.max(26) + config.max_line;
        (config.room_history, config.room_history_bytes.max(longest))
    }

    /// Begins to show the latest messages of a room.
    pub(super) fn show_history(&mut self, slot: usize, room: RoomKey, count: usize, is_asked: bool) {
        let History { kept, count: end } = &self.room(room).history;
        let next = kept.iter().rev().take(count).next_back().map_or(*end, |message| message.number);
        self.answer(slot, Rest::Messages { room, next, end: *end, begun: false, is_asked });
    }

    /// Ends the answer that shows a session the messages or the bans of a room that it leaves.
    pub(super) fn end_answer(&mut self, slot: usize, left: RoomKey) {
        let is_of_room = |answer: &mut Answer| match answer.rest {
            Rest::Messages { room, .. } | Rest::Bans { room, .. } => room == left,
            Rest::Rooms { .. } | Rest::Irc(_) => false,
        };
        let now = self.now;
        let session = self.session(slot);
        if session.answer.take_if(is_of_room).is_some() {
            session.pace.answer(false, now);
        }
    }

    /// Begins to list the rooms.
    pub(super) fn list_rooms(&mut self, slot: usize) {
        self.answer(slot, Rest::Rooms { next: 0, count: 0 });
    }

    /// Begins to list the bans of a room.
    pub(super) fn list_bans(&mut self, slot: usize, room: RoomKey) {
        self.answer(slot, Rest::Bans { room, next: 0 });
    }

    /// Begins an answer of IRC.
    pub(super) fn begin_answer(&mut self, slot: usize, rest: irc::Rest) {
        self.flush_labelled(slot);
        self.answer(slot, Rest::Irc(rest));
    }

    fn answer(&mut self, slot: usize, rest: Rest) {
        let at = self.place_of_reply(slot);
        self.session(slot).answer = Some(Answer { at, rest });
        let is_whole = self.write_answer(slot);
        let now = self.now;
        self.session(slot).pace.answer(!is_whole, now);
    }

    /// Goes on with a session's answer once it has taken all of its replies.
    pub(super) fn resume_answer(&mut self, slot: usize) {
        if self.sessions[&slot].answer.is_some() && self.reply_bytes(slot) == 0 && self.write_answer(slot) {
            let now = self.now;
            self.session(slot).pace.answer(false, now);
            self.tell_untold(slot);
        }
    }

    /// Writes as much of an answer as fits in half of the reply buffer, but at least one line.
    fn write_answer(&mut self, slot: usize) -> bool {
        while let Some(Answer { at, rest }) = self.sessions[&slot].answer.clone() {
            let (bytes, after) = match rest {
                Rest::Messages { .. } => self.next_message(slot, &rest),
                Rest::Bans { room, next } => self.next_ban(slot, room, next),
                Rest::Rooms { next, count } => self.next_room(slot, next, count),
                Rest::Irc(rest) => {
                    let (bytes, after) = self.next_of_irc(slot, rest);
                    (bytes.into(), after.map(Rest::Irc))
                }
            };
            let used = self.reply_bytes(slot);
            if used > 0 && !bytes.is_empty() && used + bytes.len() > self.config.reply_bytes / 2 {
                return false;
            }
            self.session(slot).answer = after.map(|rest| Answer { at, rest });
            if !bytes.is_empty() {
                self.push_reply(slot, at, bytes);
            }
            if self.sessions[&slot].answer.is_none() {
                self.answer_ended(slot);
            }
        }
        true
    }

    /// Returns the next line of an answer that shows messages, and what is left of it.
    fn next_message(&self, slot: usize, rest: &Rest) -> (Rc<[u8]>, Option<Rest>) {
        let &Rest::Messages { room, next, end, begun, is_asked } = rest else { unreachable!("it shows messages") };
        let log = self.sessions[&slot].log;
        let line = |update| self.line(log, &update);
        let after = |next, begun| Some(Rest::Messages { room, next, end, begun, is_asked });
        // Nothing is left of a room that has ended.
        let is_there = |it: &&super::rooms::Room| it.key == room && it.id.is_some();
        let (kept, next) = match self.rooms.iter().find(is_there) {
            Some(room) => (room.history.kept.iter().collect(), next),
            None => (Vec::new(), end),
        };
        let left: Vec<&Message> = kept.into_iter().filter(|message| (next..end).contains(&message.number)).collect();
        let first = left.first().map_or(end, |message| message.number);
        let is_any_shown = left.iter().any(|message| !message.shown[log].is_empty());
        match left.first() {
            _ if !begun && (is_asked || is_any_shown) => (line(Update::BacklogBegins), after(next, true)),
            _ if !begun => (Rc::from([]), None),
            _ if first > next => (line(Update::Missed { count: first - next }), after(first, true)),
            Some(message) => (Rc::clone(&message.shown[log]), after(first + 1, true)),
            None => (line(Update::BacklogEnds), None),
        }
    }

    /// Returns the next line of a list of bans, and what is left of it.
    fn next_ban(&self, slot: usize, key: RoomKey, next: usize) -> (Rc<[u8]>, Option<Rest>) {
        let log = self.sessions[&slot].log;
        let Some(room) = self.rooms.iter().find(|room| room.key == key && room.id.is_some()) else {
            return (Rc::from([]), None);
        };
        let Some(mask) = room.bans.get(next) else {
            return (self.line(log, &Update::BansEnd { room: &room.name, count: next }), None);
        };
        let (name, is_by_address) = shown_of(mask);
        let listed = Update::BanListed { number: next + 1, name, is_by_address, of: room.banned_as(mask) };
        (self.line(log, &listed), Some(Rest::Bans { room: key, next: next + 1 }))
    }

    /// Returns the next line of a list of rooms, and what is left of it.
    fn next_room(&self, slot: usize, next: u32, count: usize) -> (Rc<[u8]>, Option<Rest>) {
        let log = self.sessions[&slot].log;
        let rooms = self.live_rooms();
        let is_next = |room: &&&super::rooms::Room| {
            room.id >= Some(next) && room.is_shown_to(slot) && (room.is_listed || !room.members.is_empty())
        };
        let Some(room) = rooms.iter().find(is_next) else {
            return (self.line(log, &Update::RoomsEnd { count }), None);
        };
        let topic = room.topic.as_ref().map_or("", |topic| &topic.words);
        let listed = Update::RoomListed { room: &room.name, count: room.members.len(), topic };
        let next = room.id.expect("it has not ended") + 1;
        (self.line(log, &listed), Some(Rest::Rooms { next, count: count + 1 }))
    }
}
