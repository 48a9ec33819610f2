//! What peers ask for in IRC. Requests that other wire formats have, too, are carried out in the same way; the rest is
//! in this folder.
//!
//! `registration` makes a connection a member, `about` has what that says about itself, `capabilities` negotiates what it
//! is shown, `modes` has the modes of channels and users, `password` and `operators` have the commands that take a
//! password, `queries` answers questions, `answers` gives the long answers, and `replies` writes all of them.

mod about;
mod answers;
mod capabilities;
mod history;
mod labels;
mod modes;
mod monitor;
mod operators;
mod password;
mod playback;
mod queries;
mod registration;
mod replies;

use alloc::string::String;

use super::Hub;
use super::scratch::Scratch;
use crate::id::{MemberId, RoomId};
use crate::moderation::MAX_TOPIC;
use crate::names::NameError;
use crate::schedule::turns::Hold;
use crate::wire::dialect::irc::command::Command;
use crate::wire::dialect::irc::formatting::{ctcp, strip};
use crate::wire::dialect::irc::limits::{CHANNEL, MAX_TARGETS};
use crate::wire::dialect::irc::line::{Line, LineError, MAX_BODY};
use crate::wire::dialect::irc::numeric::Numeric;
use crate::wire::dialect::{Complaint, Manner, Request};
use crate::wire::sanitize::{Clean, cut};

/// What a line asks for, one after the other.
enum Step<'a> {
    /// Something that other wire formats have, too.
    Request(Request<'a>),
    /// It was refused; there may be more.
    Refused,
    /// The driver has to say first whether the credentials in the line are right.
    Authenticate,
    /// Nothing any more, or it was carried out at once.
    Done,
}

impl Hub {
    /// Carries out a line of IRC, which may ask for several things, or returns what the next of them has to wait for.
    /// `in_turn` is the room in which it takes its turn.
    #[inline(never)]
    pub(super) fn obey_irc(&mut self, slot: u32, line: &[u8], in_turn: Option<RoomId>) -> Hold {
        let mut scratch = self.scratch.take().unwrap_or_default();
        let hold = self.obey_irc_with(slot, line, in_turn, &mut scratch);
        self.tell_modes(slot);
        scratch.shrink(self.config.max_line);
        self.scratch = Some(scratch);
        // A line that waits for the driver has not been answered yet.
        if hold != Hold::Authentication {
            self.end_labelled(slot, hold == Hold::None);
        }
        self.occasion.end();
        if self.sessions[slot].is_open() {
            // Each line says which room it is about.
            self.set_focus(slot, None);
        }
        if hold == Hold::None
            && let Some(irc) = &mut self.sessions[slot].irc
        {
            irc.step = 0;
        }
        hold
    }

    fn obey_irc_with(&mut self, slot: u32, line: &[u8], mut in_turn: Option<RoomId>, scratch: &mut Scratch) -> Hold {
        let line = match Line::parse(line) {
            Ok(line) if line.body_len <= MAX_BODY => line,
            Ok(_) | Err(LineError::TagsTooLong) => {
                let max = MAX_BODY + 2;
                self.refuse(slot, Complaint::LineTooLong { max });
                return Hold::None;
            }
            Err(LineError::NotUtf8) => {
                self.refuse(slot, Complaint::NotUtf8);
                return Hold::None;
            }
            Err(LineError::Empty) => return Hold::None,
            Err(LineError::NoCommand | LineError::Control) => {
                self.refuse(slot, Complaint::NotUnderstood);
                return Hold::None;
            }
        };
        self.occasion.begin(line.command, "");
        self.begin_labelled(slot, &line);
        let Some(command) = Command::find(line.command) else {
            if self.is_registered(slot) {
                self.refuse(slot, Complaint::NotUnderstood);
            } else {
                self.numeric(slot, Numeric::NotRegistered, |to| to.standard().end());
            }
            return Hold::None;
        };
        self.occasion.set_command(command.name());
        self.occasion.set_target(line.param(0).unwrap_or_default());
        if !self.is_registered(slot) && !command.is_for_registration() {
            self.numeric(slot, Numeric::NotRegistered, |to| to.standard().end());
            return Hold::None;
        }
        if line.params().len() < command.min_params() {
            self.refuse(slot, Complaint::Usage(""));
            return Hold::None;
        }
        let mut step = self.sessions[slot].irc.as_ref().map_or(0, |irc| irc.step);
        loop {
            if step > 0 {
                self.flush_long(slot);
                if !self.has_reply_room(slot) {
                    return Hold::Replies;
                }
            }
            let Scratch { words, rewritten, plain, .. } = scratch;
            match self.irc_step(slot, command, &line, step, plain) {
                Step::Done => return Hold::None,
                Step::Refused => {}
                Step::Authenticate => return Hold::Authentication,
                Step::Request(request) => {
                    let hold = self.handle_in_turn(slot, request, in_turn, words, rewritten);
                    if hold != Hold::None || !self.sessions[slot].is_open() {
                        return hold;
                    }
                    // What follows waits for its own turn.
                    in_turn = None;
                }
            }
            // Each further thing that a line does costs as much as a line of its own, and so do long tags.
            for _ in 0..usize::from(step > 0) + self.occasion.tags_mut().len() / MAX_BODY {
                self.pay(slot, self.now);
            }
            step += 1;
            if let Some(irc) = &mut self.sessions[slot].irc {
                irc.step = step;
            }
        }
    }

    /// Returns the request that a line makes as its `step`th, or carries out what only IRC has.
    fn irc_step<'a>(
        &mut self,
        slot: u32,
        command: Command,
        line: &Line<'a>,
        step: u16,
        plain: &'a mut String,
    ) -> Step<'a> {
        let param = |index: usize| line.param(index);
        let first = param(0).unwrap_or_default();
        let nth = usize::from(step);
        match command {
            Command::Privmsg | Command::Notice | Command::Tagmsg => {
                return self.message_step(slot, command, line, nth, plain);
            }
            Command::Join if first == "0" => {
                let Some(room) = self.conversation.rooms_of(MemberId(slot)).next() else { return Step::Done };
                self.leave_room(slot, room, Clean::EMPTY);
                return Step::Refused;
            }
            Command::Join => {
                let Some(channel) = first.split(',').nth(nth) else { return Step::Done };
                let key = param(1).and_then(|keys| keys.split(',').nth(nth)).unwrap_or_default();
                return self.join_step(slot, channel, key);
            }
            Command::Part => {
                let Some(channel) = first.split(',').nth(nth) else { return Step::Done };
                let words = strip(param(1).unwrap_or_default(), plain);
                return self.for_channel(slot, channel, |_| Request::Leave { room: None, words });
            }
            Command::Kick => {
                let Some(name) = param(1).and_then(|names| names.split(',').nth(nth)) else { return Step::Done };
                let words = strip(param(2).unwrap_or_default(), plain);
                let step = self.for_channel(slot, first, |_| Request::Kick { name, words });
                self.occasion.set_target(name);
                return step;
            }
            Command::Mode if first.starts_with(CHANNEL) && line.params().len() > 1 => {
                return self.mode_step(slot, first, line, nth);
            }
            // The others make one request.
            _ if step > 0 => return Step::Done,
            Command::Topic => {
                // As others do, it is cut and not refused.
                let written = param(1).map(|words| cut(words, MAX_TOPIC));
                let words = written.map(|words| strip(words, plain));
                self.occasion.set_styled(written.filter(|written| Some(*written) != words).unwrap_or_default());
                return self.for_channel(slot, first, |_| Request::Topic { words });
            }
            Command::Invite => match (param(0), param(1)) {
                (Some(name), Some(channel)) => {
                    let step = self.for_channel(slot, channel, |_| Request::Invite { name });
                    self.occasion.set_target(name);
                    return step;
                }
                (None, _) => self.list_invitations(slot),
                _ => self.refuse(slot, Complaint::Usage("")),
            },
            Command::Nick => match param(0).filter(|name| !name.is_empty()) {
                None => self.refuse(slot, Complaint::Name(NameError::Empty)),
                Some(name) if self.is_registered(slot) => return Step::Request(Request::Name(name)),
                Some(name) => self.register_name(slot, name),
            },
            Command::User => self.register_user(slot, line),
            Command::Pass => return self.register_password(slot, first),
            Command::Cap => self.negotiate(slot, line),
            // SASL is not offered. Who tries it all the same waits for one of its own numbers, which 421 is not.
            Command::Authenticate => self.numeric(slot, Numeric::SaslFail, |to| to.standard().end()),
            Command::Ping => match param(0) {
                None => self.numeric(slot, Numeric::NoOrigin, |to| to.standard().end()),
                Some(token) => return Step::Request(Request::Ping { token }),
            },
            Command::Quit => return Step::Request(Request::Quit(strip(first, plain))),
            Command::Pong | Command::Error | Command::Batch => {}
            Command::Mode => self.mode_query(slot, line),
            Command::Names => self.ask_names(slot, first),
            Command::List => self.ask_list(slot, first),
            Command::Who => self.ask_who(slot, line),
            Command::Whois => self.ask_whois(slot, line),
            Command::Whowas => self.ask_whowas(slot, first),
            Command::Away => return Step::Request(Request::Away(strip(first, plain))),
            Command::Ison => self.ask_ison(slot, line),
            Command::Userhost => self.ask_userhost(slot, line),
            Command::Setname => return Step::Request(Request::RealName(strip(first, plain))),
            Command::Motd => self.ask_motd(slot),
            Command::Lusers => self.tell_counts(slot),
            Command::Version => self.tell_version(slot),
            Command::Time => self.tell_time(slot),
            Command::Info => self.tell_info(slot),
            Command::Admin => self.tell_admin(slot),
            Command::Help => self.tell_help(slot, first),
            Command::Links => self.tell_links(slot),
            Command::Stats => self.tell_stats(slot, first),
            Command::Oper => return self.become_operator(slot, param(1).unwrap_or_default()),
            Command::Kill => self.kill(slot, first, strip(param(1).unwrap_or_default(), plain)),
            Command::Wallops => self.wallops(slot, strip(first, plain)),
            Command::Chathistory => self.ask_history(slot, line),
            Command::Monitor => self.ask_monitor(slot, line),
        }
        Step::Done
    }

    /// Returns the message that a line has for its `nth` target.
    fn message_step<'a>(
        &mut self,
        slot: u32,
        command: Command,
        line: &Line<'a>,
        nth: usize,
        plain: &'a mut String,
    ) -> Step<'a> {
        self.occasion.is_silent = command == Command::Notice;
        let Some(targets) = line.param(0).filter(|targets| !targets.is_empty()) else {
            self.numeric(slot, Numeric::NoRecipient, |to| {
                to.text(&format_args!("No recipient given ({})", command.name())).end();
            });
            return Step::Done;
        };
        let words = line.param(1).unwrap_or_default();
        if words.is_empty() && command != Command::Tagmsg {
            self.numeric(slot, Numeric::NoTextToSend, |to| to.standard().end());
            return Step::Done;
        }
        if nth == MAX_TARGETS && targets.split(',').nth(nth).is_some() {
            self.numeric(slot, Numeric::TooManyTargets, |to| to.word(targets).standard().end());
            return Step::Done;
        }
        let Some(target) = targets.split(',').nth(nth).filter(|_| nth < MAX_TARGETS) else { return Step::Done };
        let (manner, words) = match (command, ctcp(words)) {
            (Command::Tagmsg, _) => (Manner::Tagged, ""),
            (Command::Privmsg, Some(("ACTION", words))) => (Manner::Acted, words),
            // Cleaning takes out what stands around the words.
            (Command::Privmsg, Some(_)) => (Manner::Queried, words),
            (Command::Notice, Some(_)) => (Manner::Answered, words),
            (Command::Notice, None) => (Manner::Noticed, words),
            _ => (Manner::Said, words),
        };
        self.keep_tags(slot, line);
        // Other dialects are shown the words without colours and styles. Messages between programs stay as they are.
        let is_for_programs = matches!(manner, Manner::Queried | Manner::Answered);
        let written = words;
        let words = if is_for_programs { words } else { strip(words, plain) };
        let styled = if written.len() > words.len() { written } else { "" };
        self.occasion.set_styled(styled);
        if target.starts_with(CHANNEL) && is_for_programs {
            return self.refuse_ctcp(slot, target);
        }
        if target.starts_with(CHANNEL) {
            let wire = (!styled.is_empty()).then_some(styled.as_bytes());
            return self.for_channel(slot, target, |_| match manner {
                Manner::Said => Request::Say { words, claim: None, wire },
                Manner::Acted => Request::Act(words),
                Manner::Noticed => Request::Notice(words),
                Manner::Tagged => Request::Tag,
                // These were refused above.
                Manner::Queried | Manner::Answered => Request::Nothing,
            });
        }
        self.occasion.set_target(target);
        Step::Request(Request::Tell { to: target, words, manner })
    }

    /// Refuses a question to all programs in a channel, which is a nuisance; so are answers to it.
    fn refuse_ctcp<'a>(&mut self, slot: u32, channel: &str) -> Step<'a> {
        if self.room_of_channel(slot, channel).is_some() {
            let room = self.occasion.room_name();
            self.numeric(slot, Numeric::CannotSendToChan, |to| {
                to.channel(&room).trailing("Only ACTION may be sent to a channel (CTCP)").end();
            });
        }
        Step::Refused
    }

    /// Makes a request in a channel, or refuses it.
    fn for_channel<'a>(
        &mut self,
        slot: u32,
        channel: &'a str,
        request: impl FnOnce(&'a str) -> Request<'a>,
    ) -> Step<'a> {
        match self.room_of_channel(slot, channel) {
            Some(_) => Step::Request(request(channel)),
            None => Step::Refused,
        }
    }

    /// Makes the request to join a channel, unless the session is there already.
    fn join_step<'a>(&mut self, slot: u32, channel: &'a str, key: &'a str) -> Step<'a> {
        let Some(name) = channel.strip_prefix(CHANNEL) else {
            self.occasion.set_target(channel);
            self.numeric(slot, Numeric::NoSuchChannel, |to| to.word(channel).standard().end());
            return Step::Refused;
        };
        let found = self.conversation.find_room(name);
        if found.is_some_and(|room| self.conversation.is_in(MemberId(slot), room)) {
            return Step::Refused;
        }
        self.occasion.set_room(found.and_then(|room| self.conversation.room(room)).map_or(name, |room| room.name()));
        Step::Request(Request::Join { room: name, key })
    }
}
