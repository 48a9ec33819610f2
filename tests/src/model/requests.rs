//! Peers' input and its effects.

use std::sync::Arc;

use chat_proto::conversation::MemberId;
use chat_proto::dialect::{Complaint, FirstLine, MAX_NOTICE, Manner, Request, Unnamed, Update};
use chat_proto::{Action, CloseReason, Proposal, RecordKind, RoomError, RoomId, Timestamp, Verdict};

use super::names::{number_in, valid_name};
use super::rooms::{LOBBY, RoomKey};
use super::turns::Wait;
use super::words::clean;
use super::{Checked, Model, Session, differ, irc};

/// How many discarded bytes cost a token.
const CHARGE: usize = 1_024;

/// The result of a line.
pub(super) enum Outcome {
    Done,
    Waits(Wait),
}
/// How many bytes of a line that is too long are examined.
const START: usize = 64;

impl Model {
    /// Takes as many bytes as the rules allow, which must be as many as the hub took.
    ///
    /// # Errors
    ///
    /// If the numbers differ.
    pub fn receive(&mut self, now: Timestamp, slot: usize, bytes: &[u8], taken: usize) -> Checked {
        self.advance(now);
        let mut mine = 0;
        while mine < bytes.len() && self.is_open(slot) && self.may_take(slot) {
            let (piece, is_too_long) = self.piece(slot, &bytes[mine..]);
            mine += piece.len();
            self.stats.bytes_received += piece.len() as u64;
            self.session(slot).stats.bytes_received += piece.len() as u64;
            self.take(slot, piece, is_too_long);
        }
        let mine = if self.is_open(slot) { mine } else { bytes.len() };
        if mine == taken {
            return Ok(());
        }
        differ("receive", format!("slot {slot}: the hub took {taken} of {} bytes, the model {mine}", bytes.len()))
    }

    /// Returns the next piece to take, and whether it makes a line too long. A piece ends where a line ends, where a
    /// line becomes too long, or where discarded bytes cost a token.
    fn piece<'a>(&self, slot: usize, bytes: &'a [u8]) -> (&'a [u8], bool) {
        let max = self.max_line(slot);
        let session = &self.sessions[&slot];
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let whole = end.map_or(bytes.len(), |end| end + 1);
        let Some(line) = &session.line else {
            return (&bytes[..whole.min(CHARGE - session.discarded)], false);
        };
        let words = end.unwrap_or(bytes.len());
        let ends_in_cr = line.iter().chain(&bytes[..words]).last() == Some(&b'\r');
        let room = (max + 1).saturating_sub(line.len()).max(1);
        let is_too_long = line.len() + words - usize::from(ends_in_cr) > max;
        (if is_too_long && words > room { &bytes[..room] } else { &bytes[..whole] }, is_too_long)
    }

    /// Takes bytes that contain no line end, except as the last one.
    fn take(&mut self, slot: usize, piece: &[u8], is_too_long: bool) {
        let max = self.max_line(slot);
        let session = self.session(slot);
        let is_whole = piece.ends_with(b"\n");
        let after = is_whole.then(Vec::new);
        let Some(mut line) = session.line.take() else {
            session.line = after;
            session.discarded += piece.len();
            if session.discarded == CHARGE {
                session.discarded = 0;
                self.pay(slot);
            }
            return;
        };
        line.extend_from_slice(piece.strip_suffix(b"\n").unwrap_or(piece));
        let content = line.strip_suffix(b"\r").unwrap_or(&line);
        if is_too_long {
            session.line = after;
            let start = content[..START].to_vec();
            self.count_line(slot);
            if self.accepts(slot, FirstLine::Cut(&start)) {
                self.refuse(slot, Complaint::LineTooLong { max });
            }
        } else if is_whole {
            session.line = after;
            let previous = self.count_line(slot);
            if !self.accepts(slot, FirstLine::Whole(content)) {
                return;
            }
            if let Outcome::Waits(wait) = self.carry_out(slot, content, None, previous) {
                self.hold(slot, content.to_vec(), wait);
            }
        } else {
            let start = line[..line.len().min(START)].to_vec();
            session.line = Some(line);
            // Its client waits for an answer.
            if start.starts_with(&[22, 3]) {
                self.accepts(slot, FirstLine::Cut(&start));
            }
        }
    }

    /// Carries out a line, or returns what it waits for. In its turn for a room, it does not wait for that one's
    /// readers, and for other rooms it waits only until they are open.
    pub(super) fn carry_out(
        &mut self,
        slot: usize,
        line: &[u8],
        in_turn: Option<RoomKey>,
        previous: Timestamp,
    ) -> Outcome {
        if self.is_irc(slot) {
            return self.carry_out_irc(slot, line, in_turn, previous);
        }
        let is_named = self.sessions[&slot].name.is_some();
        let dialect = Arc::clone(&self.config.dialects[self.sessions[&slot].log].dialect);
        let mut decoded = Vec::new();
        let request = dialect.decode(line, is_named, &mut decoded);
        match self.awaited(slot, &request, in_turn, previous) {
            Some(wait) => Outcome::Waits(wait),
            None => self.obey(slot, request),
        }
    }

    /// Returns what a request has to wait for.
    pub(super) fn awaited(
        &mut self,
        slot: usize,
        request: &Request<'_>,
        in_turn: Option<RoomKey>,
        previous: Timestamp,
    ) -> Option<Wait> {
        for room in self.publishes_in(slot, request) {
            let may_publish = match in_turn {
                Some(served) => served == room || self.is_gate_open(room),
                None => self.may_publish(room),
            };
            if !may_publish {
                return Some(Wait::Turn { room, fresh: self.is_fresh(previous) });
            }
        }
        None
    }

    /// Returns the most bytes of a line.
    fn max_line(&self, slot: usize) -> usize {
        if self.is_irc(slot) { irc::MAX_LINE } else { self.config.max_line }
    }

    /// Returns the rooms for whose readers a request has to wait.
    fn publishes_in(&self, slot: usize, request: &Request<'_>) -> Vec<RoomKey> {
        match request {
            Request::Say { .. }
            | Request::Act(_)
            | Request::Notice(_)
            | Request::Tag
            | Request::Mask { .. }
            | Request::Flag { .. }
            | Request::Key(_)
            | Request::Limit(_)
            | Request::Topic { words: Some(_) }
            | Request::Kick { .. }
            | Request::Ban { .. }
            | Request::Role { .. }
            | Request::Invite { .. } => self.sessions[&slot].focus.into_iter().collect(),
            Request::Join { room, .. } => {
                self.find_room(room).into_iter().filter(|room| !self.room(*room).is_in(slot)).collect()
            }
            Request::Name(_) | Request::Away(_) | Request::RealName(_) => self.rooms_of(slot),
            _ => Vec::new(),
        }
    }

    /// Counts a line; returns when the previous one was received.
    fn count_line(&mut self, slot: usize) -> Timestamp {
        self.stats.lines_received += 1;
        self.pay(slot);
        let now = self.now;
        let session = self.session(slot);
        session.stats.lines_received += 1;
        if session.ended.is_some() {
            return now;
        }
        session.warned = false;
        std::mem::replace(&mut session.active, now)
    }

    /// Takes the cost of a line, or of discarded bytes, from the buckets of the session and of its origin.
    pub(super) fn pay(&mut self, slot: usize) {
        self.pay_together(slot);
        self.credit(slot);
        let cost = self.line_cost(slot);
        let session = self.session(slot);
        session.credit -= cost;
    }

    pub(super) fn obey(&mut self, slot: usize, request: Request<'_>) -> Outcome {
        match request {
            Request::Nothing => {}
            Request::Say { words: said, claim, wire } => {
                let words = clean(said);
                // What was changed is not shown as it was sent, and Classic's form says the same.
                let wire = wire.filter(|_| self.is_irc(slot) && words == said);
                self.speak(slot, Manner::Said, &words, claim, wire);
            }
            Request::Act(words) => self.speak(slot, Manner::Acted, &clean(words), None, None),
            Request::Notice(words) => self.speak(slot, Manner::Noticed, &clean(words), None, None),
            Request::Tag => self.pass_tags(slot),
            Request::Name(name) => self.request_name(slot, name),
            Request::Away(words) => self.set_away(slot, words),
            Request::RealName(words) => self.set_real_name(slot, words),
            Request::Tell { to, words, manner } => {
                let words = clean(words);
                if !words.is_empty() || manner == Manner::Tagged {
                    return self.request_tell(slot, to, &words, manner);
                }
            }
            Request::Ping { token } => self.reply(slot, &Update::Pong { token }),
            Request::Help { command } => self.reply(slot, &Update::Help { command }),
            Request::Quit(words) => self.quit(slot, &clean(cut(words, MAX_NOTICE / 4))),
            Request::Invalid(complaint) => self.refuse(slot, complaint),
            request => self.obey_in_room(slot, request),
        }
        Outcome::Done
    }

    /// A session says or does something in the room in which it speaks.
    fn speak(&mut self, slot: usize, manner: Manner, words: &str, claim: Option<&str>, wire: Option<&[u8]>) {
        if words.is_empty() {
            return;
        }
        let Some(room) = self.where_it_speaks(slot) else { return };
        let action = if manner == Manner::Acted { Action::Act { words } } else { Action::Say { words } };
        match self.consider(slot, action, words) {
            Ok(passed) => {
                self.join(slot, room, claim);
                self.events += 1;
                let (name, wire) = (self.name(slot), wire.filter(|_| passed == words));
                let (name, words) = (name.as_str(), passed.as_str());
                let update = match manner {
                    Manner::Acted => Update::Acted { name, words },
                    Manner::Noticed => Update::Noticed { name, words },
                    _ => Update::Said { name, words, wire },
                };
                self.publish_from(slot, room, &update);
                self.echo(slot, &update);
            }
            Err(objection) => self.object(slot, &objection),
        }
    }

    /// A session passes on tags.
    fn pass_tags(&mut self, slot: usize) {
        let Some(room) = self.where_it_speaks(slot) else { return };
        let name = self.name(slot);
        self.publish_from(slot, room, &Update::Tagged { name: &name });
        self.echo(slot, &Update::Tagged { name: &name });
    }

    /// Publishes a message of one who may not be in the room. If nobody is, it is only kept.
    fn publish_from(&mut self, slot: usize, room: RoomKey, update: &Update<'_>) {
        if room != LOBBY && self.room(room).members.is_empty() {
            self.keep(update, room, Some(slot));
        } else {
            self.publish(update, &[room], Some(slot));
        }
    }

    /// Returns the room in which a session speaks, if it may.
    fn where_it_speaks(&mut self, slot: usize) -> Option<RoomKey> {
        let room = self.focus(slot).and_then(|room| self.may_speak(slot, room).map(|()| room));
        match room {
            Ok(room) => Some(room),
            Err(error) => {
                self.refuse(slot, Complaint::Room(error));
                None
            }
        }
    }

    /// Returns a text or a name as the policy leaves it.
    pub(super) fn consider(&self, slot: usize, action: Action<'_>, original: &str) -> Result<String, Objection> {
        let Some(policy) = &self.config.policy else { return Ok(original.into()) };
        let (name, mut rewritten) = (self.name(slot), String::with_capacity(self.config.max_line));
        let Session { id, dialect, .. } = self.sessions[&slot];
        let member = MemberId(u32::try_from(slot).expect("a slot"));
        let is_of_room = matches!(
            action,
            Action::Say { .. } | Action::Act { .. } | Action::Topic { .. } | Action::Kick { .. } | Action::Leave { .. }
        );
        let focus = self.sessions[&slot].focus.filter(|_| is_of_room);
        let room = focus.and_then(|room| self.room(room).id).map(RoomId);
        let proposal = Proposal { now: self.now, session: id, member, dialect, name: &name, room, action };
        match policy.judge(&proposal, &mut rewritten) {
            Verdict::Pass => Ok(original.into()),
            Verdict::Refuse(why) => Err(Objection::Policy(clean(cut(&why, MAX_NOTICE / 4)))),
            Verdict::Rewrite => {
                let max = match action {
                    Action::Quit { .. } | Action::Kick { .. } | Action::Leave { .. } | Action::Kill { .. } => {
                        MAX_NOTICE / 4
                    }
                    Action::Away { .. } => 130,
                    Action::Describe { .. } => 80,
                    _ => self.config.max_line,
                };
                let rewritten = clean(cut(&rewritten, max.min(self.config.max_line)));
                if rewritten.is_empty() {
                    Err(Objection::Policy("nothing is left of it".into()))
                } else {
                    Ok(rewritten)
                }
            }
        }
    }

    pub(super) fn object(&mut self, slot: usize, objection: &Objection) {
        self.refuse(
            slot,
            match objection {
                Objection::Complaint(complaint) => *complaint,
                Objection::Policy(why) => Complaint::Policy(why),
            },
        );
    }

    /// Prepares a session for its first message: takes the claimed name if it may, and announces the join in the lobby,
    /// unless the session is anonymous.
    fn join(&mut self, slot: usize, room: RoomKey, claim: Option<&str>) {
        if let Some(claim) = claim.filter(|_| self.sessions[&slot].name.is_none()) {
            // The original's clients would not understand a refusal here.
            let _ = self.take_name(slot, claim);
        }
        let nobody = self.sessions[&slot].name.is_none() && self.unnamed(slot) == Unnamed::Anonymous;
        if room == LOBBY && !nobody && !std::mem::replace(&mut self.session(slot).joined, true) {
            // Who has just taken a name has joined by that.
            self.events += u64::from(self.sessions[&slot].name.is_none());
            self.publish(&Update::Joined { name: &self.name(slot) }, &[LOBBY], Some(slot));
        }
    }

    fn request_name(&mut self, slot: usize, name: &str) {
        let from = self.name(slot);
        if self.sessions[&slot].name.as_ref().is_none_or(|own| **own != name) {
            if let Err(objection) = self.take_name(slot, name) {
                return self.object(slot, &objection);
            }
            // The policy may have rewritten it to the session's present name.
            self.tell_of_name(slot, &from);
        }
        self.reply(slot, &Update::Named { from: &from, name: &self.name(slot) });
    }

    pub(super) fn take_name(&mut self, slot: usize, name: &str) -> Result<(), Objection> {
        let name = self.consider(slot, Action::Name { to: name }, name)?;
        if let Ok(name) = valid_name(&self.config, &name)
            && let Some(room) = self.where_banned_as(slot, &name)
        {
            if self.is_irc(slot) {
                self.asked.room = self.room(room).name.to_string();
            }
            return Err(Objection::Complaint(Complaint::Room(RoomError::NameBanned)));
        }
        let name = self.may_be_given(slot, &name).map_err(|error| Objection::Complaint(Complaint::Name(error)))?;
        self.events += u64::from(self.name(slot) != *name);
        let (before, after) = (self.name(slot), name.to_string());
        self.session(slot).name = Some(name);
        self.record(slot, RecordKind::Named);
        self.tell_watchers(&before);
        self.tell_watchers(&after);
        Ok(())
    }

    fn request_tell(&mut self, slot: usize, to: &str, words: &str, manner: Manner) -> Outcome {
        let target = match self.find_other(to) {
            Ok(target) => target,
            Err(complaint) => {
                self.refuse(slot, complaint);
                return Outcome::Done;
            }
        };
        // The policy is asked when there is room, and if it makes the text longer, that needs room again.
        if let Some(outcome) = self.await_room(slot, target, words, manner) {
            return outcome;
        }
        let to = self.name(target);
        let words = match self.consider(slot, Action::Tell { to: &to, words }, words) {
            Ok(words) => words,
            Err(objection) => {
                self.object(slot, &objection);
                return Outcome::Done;
            }
        };
        if let Some(outcome) = self.await_room(slot, target, &words, manner) {
            return outcome;
        }
        self.events += u64::from(matches!(manner, Manner::Said | Manner::Acted));
        self.reply(target, &Update::Told { from: &self.name(slot), words: &words, manner });
        let passed = Update::TellPassed { to: &to, words: &words, manner };
        if self.is_irc(slot) {
            self.has_told(slot, target, &passed, manner);
        } else {
            self.reply(slot, &passed);
        }
        Outcome::Done
    }

    /// Checks for room for a private message; if there is none, returns the outcome of the line.
    fn await_room(&mut self, slot: usize, target: usize, words: &str, manner: Manner) -> Option<Outcome> {
        let from = self.name(slot);
        let told = Update::Told { from: &from, words, manner };
        let encoded = self.line_for(target, &told);
        // Room must be left for replies to the target's own next line. If nothing else is pending for it, room for the
        // closing notice is enough.
        let is_alone = self.has_nothing_private(target);
        let spare = if is_alone && target != slot { 1 } else { 2 } * self.longest(target);
        if !self.is_open(target) || self.has_room(target, encoded.len() + spare) {
            return None;
        }
        if target != slot && self.is_waited_for(target) && !is_alone {
            return Some(Outcome::Waits(Wait::Target(target)));
        }
        self.refuse(slot, Complaint::NotReading);
        Some(Outcome::Done)
    }

    fn quit(&mut self, slot: usize, words: &str) {
        // The policy cannot prevent leaving, only the reason given.
        let words =
            if words.is_empty() { Ok(String::new()) } else { self.consider(slot, Action::Quit { words }, words) };
        self.close(slot, CloseReason::Quit, &words.unwrap_or_default());
    }

    /// Finds the member of that name.
    pub(super) fn find_other(&self, name: &str) -> Result<usize, Complaint<'static>> {
        self.find(name).ok_or_else(|| {
            let gone = number_in(name).filter(|number| *number <= self.guests);
            gone.map_or(Complaint::NobodyThere, |number| Complaint::GuestGone { number })
        })
    }

    pub(super) fn refuse(&mut self, slot: usize, complaint: Complaint<'_>) {
        if self.asked.is_silent {
            return;
        }
        self.tell_modes(slot);
        self.stats.refused += 1;
        self.record(slot, RecordKind::Refused);
        self.reply(slot, &Update::Refused(complaint));
    }
}

/// The reason for refusing a request.
pub(super) enum Objection {
    Complaint(Complaint<'static>),
    /// The policy's refusal.
    Policy(String),
}

/// Cuts a text to at most `max` bytes, between characters.
pub(super) fn cut(words: &str, max: usize) -> &str {
    let end = (0..=max.min(words.len())).rev().find(|end| words.is_char_boundary(*end));
    &words[..end.expect("0 is one")]
}
