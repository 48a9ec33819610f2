//! Sessions of IRC: what they have besides what every session has, and what their lines ask for.

mod answers;
mod capabilities;
mod channel_modes;
mod history;
mod labels;
mod line;
mod lines;
mod monitor;
mod numerics;
mod passwords;
mod questions;
mod registration;
mod time;
mod updates;
mod user_modes;
mod words;

use chat_proto::dialect::{Complaint, Manner, Request, Update};
use chat_proto::{Action, NameError, RoomError, Timestamp};

pub(super) use self::answers::Rest;
pub use self::capabilities::OFFERED;
pub(super) use self::channel_modes::complete;
use self::line::{Broken, Line};
pub(super) use self::lines::Block;
use self::lines::Caps;
use self::passwords::Check;
pub(super) use self::passwords::Checks;
use self::registration::Registration;
pub(super) use self::updates::Person;
use self::words::{ctcp, strip};
use super::requests::{Outcome, cut};
use super::rooms::{MAX_TOPIC, RoomKey};
use super::turns::Wait;
use super::words::clean;
use super::{Model, Session};

/// The most targets of a message.
const MAX_TARGETS: usize = 4;

/// The most bytes of a line that is received: tags with a sign before and a space behind them, and the rest.
pub(super) const MAX_LINE: usize = 1 + line::MAX_TAGS + 1 + line::MAX_BODY;

/// Returns the most bytes of an update of IRC, as the core counts them.
#[must_use]
pub fn longest(max_name: usize, payload: usize) -> usize {
    let target = max_name.max("#".len() + 50);
    // Name, user, host and target stand before each piece of long words.
    let before = (max_name + 11 + 16 + target + 24).min(line::MAX_BODY - 64);
    let pieces = payload.div_ceil(line::MAX_BODY - before - 40);
    let words = payload + pieces * (before + 2 + 24 + 8);
    let around = 9 + 24 + 37;
    3 * around + words.max(line::MAX_TAGS + 512).max(3 * 512)
}

/// What a session of IRC has besides what every session has.
#[derive(Debug, Default)]
pub(super) struct IrcSession {
    /// `None` once it is registered.
    pub(super) registration: Option<Registration>,
    pub(super) caps: Caps,
    knows_302: bool,
    /// The letters of its modes, in their order.
    modes: String,
    /// The batch in which labelled answers are.
    batch: Option<labels::Batch>,
    batches: u32,
    /// What it was called, once it has left while an answer goes on.
    pub(super) was_called: Option<String>,
    /// The names that it watches, the latest first.
    watches: Vec<monitor::Watch>,
    /// It could not be told of everything about these.
    has_untold_watches: bool,
    /// How much of a line that waits was carried out.
    step: usize,
    /// How far the check of the password in it is, and how many wrong ones of operators there were.
    check: Check,
    wrong: u8,
}

/// What answers to the line need that is being carried out.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) command: String,
    /// Whom or what it is about, and the room.
    pub(super) target: String,
    pub(super) room: String,
    /// Tags that are passed on.
    tags: String,
    /// Words with colours and styles, which other clients of IRC are shown.
    styled: String,
    /// The changes of a room's modes that clients are told of at once.
    pub(super) modes: Option<channel_modes::Modes>,
    /// It is never answered with an error.
    pub(super) is_silent: bool,
    /// Whose answers carry a label, and the label.
    label: Option<(usize, String)>,
    /// Those answers so far.
    answers: Vec<u8>,
}

/// What came of a part of a line.
enum Step {
    /// There are no more parts.
    Done,
    /// There may be more.
    Next,
    Waits(Wait),
}

/// The turn in which a line is carried out, and when the line before it came.
#[derive(Clone, Copy)]
struct Turn {
    room: Option<RoomKey>,
    previous: Timestamp,
}

impl Session {
    /// Returns whether it is a member, as all are that do not speak IRC.
    pub(super) fn is_registered(&self) -> bool {
        self.irc.as_ref().is_none_or(|irc| irc.registration.is_none())
    }
}

impl Model {
    /// Carries out a line, which may ask for several things, or returns what the next of them waits for.
    pub(super) fn carry_out_irc(
        &mut self,
        slot: usize,
        line: &[u8],
        in_turn: Option<RoomKey>,
        previous: Timestamp,
    ) -> Outcome {
        let outcome = self.carry_out_parts(slot, line, Turn { room: in_turn, previous });
        self.tell_modes(slot);
        let is_done = matches!(outcome, Outcome::Done);
        // A line that waits for the driver has not been answered yet.
        if !matches!(outcome, Outcome::Waits(Wait::Check)) {
            self.end_labelled(slot, is_done);
        }
        self.asked = Asked::default();
        if self.is_open(slot) {
            // Each line says which room it is about.
            self.move_focus(slot, None);
        }
        if is_done {
            self.irc_mut(slot).step = 0;
        }
        outcome
    }

    fn carry_out_parts(&mut self, slot: usize, line: &[u8], mut turn: Turn) -> Outcome {
        let line = match Line::parse(line) {
            Ok(line) => line,
            Err(broken) => {
                match broken {
                    Broken::TooLong => self.refuse(slot, Complaint::LineTooLong { max: 512 }),
                    Broken::NotUtf8 => self.refuse(slot, Complaint::NotUtf8),
                    Broken::NotUnderstood => self.refuse(slot, Complaint::NotUnderstood),
                    Broken::Empty => {}
                }
                return Outcome::Done;
            }
        };
        self.asked = Asked { command: cut(&line.command, 32).into(), ..Asked::default() };
        self.begin_labelled(slot, &line);
        let Some((command, least, may_come_first)) = line::find_command(&line.command) else {
            if self.is_registered(slot) {
                self.refuse(slot, Complaint::NotUnderstood);
            } else {
                self.answer_number(slot, 451);
            }
            return Outcome::Done;
        };
        self.asked.command = command.into();
        self.set_target(line.text(0));
        if !self.is_registered(slot) && !may_come_first {
            self.answer_number(slot, 451);
            return Outcome::Done;
        }
        if line.params.len() < least {
            self.refuse(slot, Complaint::Usage(""));
            return Outcome::Done;
        }
        let mut step = self.irc(slot).step;
        loop {
            if step > 0 {
                self.flush_long(slot);
                if !self.has_room_for_a_line(slot) {
                    return Outcome::Waits(Wait::Replies);
                }
            }
            match self.carry_out_part(slot, command, &line, step, &mut turn) {
                Step::Done => return Outcome::Done,
                Step::Waits(wait) => return Outcome::Waits(wait),
                Step::Next if !self.is_open(slot) => return Outcome::Done,
                Step::Next => {}
            }
            // Each part after the first costs as much as a line, and so do long tags.
            for _ in 0..usize::from(step > 0) + self.asked.tags.len() / line::MAX_BODY {
                self.pay(slot);
            }
            step += 1;
            self.irc_mut(slot).step = step;
        }
    }

    /// Carries out one part of a line.
    fn carry_out_part(&mut self, slot: usize, command: &str, line: &Line, nth: usize, turn: &mut Turn) -> Step {
        let first = line.text(0);
        match command {
            "PRIVMSG" | "NOTICE" | "TAGMSG" => return self.send_message(slot, command, line, nth, turn),
            "JOIN" if first == "0" => {
                let Some(room) = self.rooms_latest_first(slot).first().copied() else { return Step::Done };
                self.leave_one(slot, room, "");
                return Step::Next;
            }
            "JOIN" => {
                let Some(channel) = first.split(',').nth(nth) else { return Step::Done };
                let key = line.text(1).split(',').nth(nth).unwrap_or_default();
                return self.join_channel(slot, channel, key, turn);
            }
            "PART" => {
                let Some(channel) = first.split(',').nth(nth) else { return Step::Done };
                let words = strip(line.text(1));
                return self.in_channel(slot, channel, Request::Leave { room: None, words: &words }, turn);
            }
            "KICK" => {
                let Some(name) = line.text(1).split(',').nth(nth) else { return Step::Done };
                let words = strip(line.text(2));
                if self.room_of_channel(slot, first).is_none() {
                    self.set_target(name);
                    return Step::Next;
                }
                self.set_target(name);
                return self.ask(slot, Request::Kick { name, words: &words }, turn);
            }
            "MODE" if first.starts_with('#') && line.params.len() > 1 => {
                return self.change_channel(slot, first, line, nth, turn);
            }
            // The others have one part.
            _ if nth > 0 => return Step::Done,
            "TOPIC" => {
                let written = line.param(1).map(|words| cut(words, MAX_TOPIC));
                let words = written.map(strip);
                written.unwrap_or_default().clone_into(&mut self.asked.styled);
                return self.in_channel(slot, first, Request::Topic { words: words.as_deref() }, turn);
            }
            "INVITE" => match (line.param(0), line.param(1)) {
                (Some(name), Some(channel)) => {
                    if self.room_of_channel(slot, channel).is_none() {
                        return Step::Next;
                    }
                    self.set_target(name);
                    return self.ask(slot, Request::Invite { name }, turn);
                }
                (None, _) => self.list_invitations(slot),
                _ => self.refuse(slot, Complaint::Usage("")),
            },
            "NICK" => match first {
                "" => self.refuse(slot, Complaint::Name(NameError::Empty)),
                name if self.is_registered(slot) => return self.ask(slot, Request::Name(name), turn),
                name => self.want_name(slot, name),
            },
            "USER" => self.want_user(slot, line),
            "PASS" => return self.give_password(slot, first),
            "CAP" => self.negotiate(slot, line),
            "AUTHENTICATE" => self.answer_number(slot, 904),
            "PING" => match line.param(0) {
                None => self.answer_number(slot, 409),
                Some(token) => return self.ask(slot, Request::Ping { token }, turn),
            },
            "QUIT" => return self.ask(slot, Request::Quit(&strip(first)), turn),
            "PONG" | "ERROR" | "BATCH" => {}
            "MODE" => self.ask_modes(slot, line),
            "NAMES" => self.ask_names(slot, first),
            "LIST" => self.ask_list(slot, first),
            "WHO" => self.ask_who(slot, line),
            "WHOIS" => self.ask_whois(slot, line),
            "WHOWAS" => self.ask_whowas(slot, first),
            "AWAY" => return self.ask(slot, Request::Away(&strip(first)), turn),
            "SETNAME" => return self.ask(slot, Request::RealName(&strip(first)), turn),
            "ISON" => self.ask_ison(slot, line),
            "USERHOST" => self.ask_userhost(slot, line),
            "MOTD" => self.show_motd(slot),
            "LUSERS" => self.tell_counts(slot),
            "CHATHISTORY" => self.ask_history(slot, line),
            "MONITOR" => self.ask_monitor(slot, line),
            "OPER" => return self.become_operator(slot, line.text(1)),
            "KILL" => self.kill(slot, first, &strip(line.text(1))),
            "WALLOPS" => self.wallops(slot, &strip(first)),
            other => self.ask_server(slot, other, first),
        }
        Step::Done
    }

    /// Carries out a request, unless it has to wait for readers.
    fn ask(&mut self, slot: usize, request: Request<'_>, turn: &mut Turn) -> Step {
        if let Some(wait) = self.awaited(slot, &request, turn.room, turn.previous) {
            return Step::Waits(wait);
        }
        match self.obey(slot, request) {
            Outcome::Waits(wait) => Step::Waits(wait),
            Outcome::Done => {
                // What follows waits for its own turn.
                turn.room = None;
                Step::Next
            }
        }
    }

    /// Carries out a request in a channel, if the session may know of that.
    fn in_channel(&mut self, slot: usize, channel: &str, request: Request<'_>, turn: &mut Turn) -> Step {
        match self.room_of_channel(slot, channel) {
            Some(_) => self.ask(slot, request, turn),
            None => Step::Next,
        }
    }

    /// Finds the room that a channel is, and speaks there for now; refuses the request if there is none.
    fn room_of_channel(&mut self, slot: usize, channel: &str) -> Option<RoomKey> {
        let name = channel.strip_prefix('#').unwrap_or(channel);
        let found = self.find_room(name).filter(|room| self.room(*room).is_shown_to(slot));
        let shown = found.map_or(name, |room| &self.room(room).name);
        self.asked.room = cut(shown, 50).into();
        match found {
            Some(room) => self.move_focus(slot, Some(room)),
            None => self.refuse(slot, Complaint::Room(RoomError::NoSuchRoom)),
        }
        found
    }

    fn join_channel(&mut self, slot: usize, channel: &str, key: &str, turn: &mut Turn) -> Step {
        let Some(name) = channel.strip_prefix('#') else {
            self.set_target(channel);
            self.answer_lines(slot, |model, reader| {
                model.numbered(403, reader).word(channel).trailing(numerics::text(403)).end()
            });
            return Step::Next;
        };
        let found = self.find_room(name);
        if found.is_some_and(|room| self.room(room).is_in(slot)) {
            return Step::Next;
        }
        let shown = found.map_or(name, |room| &self.room(room).name);
        self.asked.room = cut(shown, 50).into();
        self.ask(slot, Request::Join { room: name, key }, turn)
    }

    /// Sends a message to one of its targets.
    fn send_message(&mut self, slot: usize, command: &str, line: &Line, nth: usize, turn: &mut Turn) -> Step {
        self.asked.is_silent = command == "NOTICE";
        let targets = line.text(0);
        if targets.is_empty() {
            self.answer_lines(slot, |model, reader| {
                model.numbered(411, reader).trailing(&format!("No recipient given ({command})")).end()
            });
            return Step::Done;
        }
        let words = line.text(1);
        if words.is_empty() && command != "TAGMSG" {
            self.answer_number(slot, 412);
            return Step::Done;
        }
        let Some(target) = targets.split(',').nth(nth) else { return Step::Done };
        if nth >= MAX_TARGETS {
            self.answer_lines(slot, |model, reader| {
                model.numbered(407, reader).word(targets).trailing(numerics::text(407)).end()
            });
            return Step::Done;
        }
        let (manner, words) = match (command, ctcp(words)) {
            ("TAGMSG", _) => (Manner::Tagged, ""),
            ("PRIVMSG", Some(("ACTION", words))) => (Manner::Acted, words),
            ("PRIVMSG", Some(_)) => (Manner::Queried, words),
            ("NOTICE", Some(_)) => (Manner::Answered, words),
            ("NOTICE", None) => (Manner::Noticed, words),
            _ => (Manner::Said, words),
        };
        if self.has_cap(slot, "message-tags") {
            self.asked.tags = line.passed_on();
        }
        let is_for_programs = matches!(manner, Manner::Queried | Manner::Answered);
        let plain = if is_for_programs { words.to_owned() } else { strip(words) };
        self.asked.styled = if plain.len() < words.len() { words.to_owned() } else { String::new() };
        if target.starts_with('#') && is_for_programs {
            if self.room_of_channel(slot, target).is_some() {
                self.answer_lines(slot, |model, reader| {
                    let why = "Only ACTION may be sent to a channel (CTCP)";
                    model.numbered(404, reader).channel(&model.asked.room).trailing(why).end()
                });
            }
            return Step::Next;
        }
        if target.starts_with('#') {
            let styled = self.asked.styled.clone();
            let wire = (!styled.is_empty()).then_some(styled.as_bytes());
            let request = match manner {
                Manner::Said => Request::Say { words: &plain, claim: None, wire },
                Manner::Acted => Request::Act(&plain),
                Manner::Noticed => Request::Notice(&plain),
                Manner::Tagged => Request::Tag,
                _ => Request::Nothing,
            };
            return self.in_channel(slot, target, request, turn);
        }
        self.set_target(target);
        self.ask(slot, Request::Tell { to: target, words: &plain, manner }, turn)
    }

    /// A new session of IRC is in no room, and is a member only once it has registered, unless its name is known.
    pub(super) fn open_irc(&mut self, slot: usize, is_named: bool) {
        let registration = (!is_named).then(Registration::default);
        let session = self.session(slot);
        session.irc = Some(IrcSession { registration, ..IrcSession::default() });
        (session.is_placed, session.focus) = (true, None);
    }

    /// Marks a member as away, or no longer.
    pub(super) fn set_away(&mut self, slot: usize, words: &str) {
        let mut words = clean(cut(words, 130));
        if !words.is_empty() {
            words = match self.consider(slot, Action::Away { words: &words }, &words) {
                Ok(words) => words,
                Err(objection) => return self.object(slot, &objection),
            };
        }
        let is_changed = self.person(slot).away != words;
        self.session(slot).person.get_or_insert_default().away.clone_from(&words);
        self.answer_number(slot, if words.is_empty() { 305 } else { 306 });
        if is_changed {
            let name = self.name(slot);
            let rooms = self.memberships(slot);
            self.publish(&Update::AwaySet { name: &name, words: &words }, &rooms, Some(slot));
        }
    }

    /// Changes a member's real name.
    pub(super) fn set_real_name(&mut self, slot: usize, words: &str) {
        let mut words = clean(words);
        if words.len() > registration::MAX_REAL_NAME {
            let max = registration::MAX_REAL_NAME;
            return self.refuse(slot, Complaint::Room(RoomError::TooLong { max }));
        }
        if !words.is_empty() {
            let action = Action::Describe { user: &self.person(slot).user, words: &words };
            words = match self.consider(slot, action, &words) {
                Ok(words) => words,
                Err(objection) => return self.object(slot, &objection),
            };
        }
        self.session(slot).person.get_or_insert_default().real_name.clone_from(&words);
        let name = self.name(slot);
        let update = Update::RealNameSet { name: &name, words: &words };
        self.reply(slot, &update);
        let rooms = self.memberships(slot);
        self.publish(&update, &rooms, Some(slot));
    }

    pub(super) fn is_irc(&self, slot: usize) -> bool {
        self.sessions[&slot].irc.is_some()
    }

    /// Returns the state of a session of IRC.
    pub(super) fn irc(&self, slot: usize) -> &IrcSession {
        self.sessions[&slot].irc.as_ref().expect("it speaks IRC")
    }

    fn irc_mut(&mut self, slot: usize) -> &mut IrcSession {
        self.session(slot).irc.as_mut().expect("it speaks IRC")
    }

    /// Returns whether it has asked for a capability.
    pub(super) fn has_cap(&self, slot: usize, cap: &str) -> bool {
        self.sessions[&slot].irc.as_ref().is_some_and(|irc| irc.caps.contains(&cap))
    }

    /// Returns whether it is a member, as all are that do not speak IRC.
    pub(super) fn is_registered(&self, slot: usize) -> bool {
        self.sessions[&slot].is_registered()
    }

    /// Returns what a client is called in answers.
    fn reader(&self, slot: usize) -> String {
        match &self.irc(slot).was_called {
            Some(name) => name.clone(),
            None if self.is_registered(slot) => self.name(slot),
            None => "*".into(),
        }
    }

    fn set_target(&mut self, target: &str) {
        self.asked.target = cut(target, 128).into();
    }

    /// Sends a client lines that it is called by a name in, unless its command is never answered.
    fn answer_lines(&mut self, slot: usize, write: impl FnOnce(&Self, &str) -> String) {
        if !self.asked.is_silent {
            self.send_lines(slot, write);
        }
    }

    /// Does the same, also for those commands.
    fn send_lines(&mut self, slot: usize, write: impl FnOnce(&Self, &str) -> String) {
        let reader = self.reader(slot);
        let lines = write(self, &reader);
        let bytes = self.shown_lines(slot, lines);
        self.put(slot, bytes);
    }

    /// Answers with a number and its text.
    fn answer_number(&mut self, slot: usize, code: u16) {
        self.answer_lines(slot, |model, reader| model.numbered(code, reader).trailing(numerics::text(code)).end());
    }

    /// Returns lines of the server as a client is shown them.
    fn shown_lines(&self, slot: usize, lines: String) -> Vec<u8> {
        let block = Block { time: time::text(self.wall_clock(self.now)), lines, ..Block::default() };
        let mut out = Vec::new();
        block.show(&self.irc(slot).caps, &mut out);
        out
    }

    /// Shows a session what it has done itself, if it has asked for that.
    pub(super) fn echo(&mut self, slot: usize, update: &Update<'_>) {
        if self.has_cap(slot, "echo-message") {
            self.reply(slot, update);
        }
    }

    /// The author of a private message is shown it, and told if the other is away.
    pub(super) fn has_told(&mut self, slot: usize, target: usize, update: &Update<'_>, manner: Manner) {
        self.echo(slot, update);
        let away = self.person(target).away;
        if !away.is_empty() && matches!(manner, Manner::Said | Manner::Acted) {
            let name = self.name(target);
            self.answer_lines(slot, |model, reader| model.numbered(301, reader).word(&name).trailing(&away).end());
        }
    }
}
