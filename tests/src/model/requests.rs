//! What peers send, and what comes of it.

use chat_proto::dialect::{Complaint, Event, MAX_NOTICE, Request, Unnamed};
use chat_proto::{CloseReason, Proposal, RecordKind, Timestamp, Verdict};

use super::{Checked, Model, differ};

impl Model {
    /// Takes what of the bytes it may, which must be as much as the hub took.
    ///
    /// # Errors
    ///
    /// If it is not.
    pub fn receive(&mut self, now: Timestamp, slot: usize, bytes: &[u8], taken: usize) -> Checked {
        self.advance(now);
        let mut mine = 0;
        while mine < bytes.len() && self.is_open(slot) && self.may_take(slot) {
            let end = bytes[mine..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| mine + end + 1);
            let piece = &bytes[mine..end];
            mine = end;
            self.stats.bytes_received += piece.len() as u64;
            self.session(slot).stats.bytes_received += piece.len() as u64;
            self.take(slot, piece);
        }
        let mine = if self.is_open(slot) { mine } else { bytes.len() };
        if mine == taken {
            return Ok(());
        }
        differ("receive", format!("slot {slot}: the hub took {taken} of {} bytes, the model {mine}", bytes.len()))
    }

    /// Takes bytes that end where a line ends, or do not hold the end of one.
    fn take(&mut self, slot: usize, piece: &[u8]) {
        let max = self.config.max_line;
        let session = self.session(slot);
        let is_whole = piece.ends_with(b"\n");
        let after = is_whole.then(Vec::new);
        let Some(mut line) = session.line.take() else {
            session.line = after;
            return;
        };
        line.extend_from_slice(piece.strip_suffix(b"\n").unwrap_or(piece));
        let content = line.strip_suffix(b"\r").unwrap_or(&line);
        if content.len() > max {
            session.line = after;
            self.count_line(slot);
            self.refuse(slot, Complaint::LineTooLong { max });
        } else if is_whole {
            session.line = after;
            self.count_line(slot);
            let is_named = self.sessions[&slot].name.is_some();
            let dialect = self.config.dialects[self.sessions[&slot].lane].dialect;
            self.obey(slot, dialect.decode(content, is_named, &mut Vec::new()));
        } else {
            session.line = Some(line);
        }
    }

    fn count_line(&mut self, slot: usize) {
        self.stats.lines_received += 1;
        self.pay_together(slot);
        let (now, cost) = (self.now, self.line_cost());
        let session = self.session(slot);
        session.stats.lines_received += 1;
        session.active = now;
        session.credit = session.credit.saturating_sub(cost);
    }

    fn obey(&mut self, slot: usize, request: Request<'_>) {
        match request {
            Request::Nothing => {}
            Request::Say { words, claim, wire: _ } => {
                let words = clean(words);
                if !words.is_empty() {
                    self.say(slot, &words, claim);
                }
            }
            Request::Act(words) => {
                let words = clean(words);
                if !words.is_empty() {
                    self.act(slot, &words);
                }
            }
            Request::Name(name) => self.rename(slot, name),
            Request::Tell { to, words } => {
                let words = clean(words);
                if !words.is_empty() {
                    self.tell(slot, to, &words);
                }
            }
            Request::Who => self.who(slot),
            Request::Ping => self.reply(slot, &Event::Pong),
            Request::Help => self.reply(slot, &Event::Help),
            Request::Quit(words) => self.close(slot, CloseReason::Quit, &clean(words)),
            Request::Invalid(complaint) => {
                self.refuse(slot, complaint);
                if matches!(complaint, Complaint::WrongProtocol(_)) && !self.sessions[&slot].joined {
                    self.close(slot, CloseReason::WrongProtocol, "");
                }
            }
            request => unreachable!("a request that the model does not know: {request:?}"),
        }
    }

    fn say(&mut self, slot: usize, words: &str, claim: Option<&str>) {
        match self.consider(Proposal::Say { name: &self.name(slot), words }, words) {
            Ok(words) => {
                self.enter(slot, claim);
                self.publish(&Event::Said { name: &self.name(slot), words: &words, wire: None }, Some(slot));
            }
            Err(complaint) => self.refuse(slot, complaint),
        }
    }

    fn act(&mut self, slot: usize, words: &str) {
        match self.consider(Proposal::Act { name: &self.name(slot), words }, words) {
            Ok(words) => {
                self.enter(slot, None);
                self.publish(&Event::Acted { name: &self.name(slot), words: &words }, Some(slot));
            }
            Err(complaint) => self.refuse(slot, complaint),
        }
    }

    /// Returns what the embedding program makes of words or of a name.
    fn consider(&self, proposal: Proposal<'_>, original: &str) -> Result<String, Complaint> {
        let mut rewritten = String::with_capacity(self.config.max_line);
        match self.config.policy.map_or(Verdict::Pass, |policy| policy(proposal, &mut rewritten)) {
            Verdict::Pass => Ok(original.into()),
            Verdict::Refuse(why) => Err(Complaint::Policy(why)),
            Verdict::Rewrite => {
                let rewritten = clean(cut(&rewritten, self.config.max_line));
                if rewritten.is_empty() { Err(Complaint::Policy("nothing is left of it")) } else { Ok(rewritten) }
            }
        }
    }

    /// First words: a claimed name is taken if it may be, and others learn who speaks, unless that is nobody.
    fn enter(&mut self, slot: usize, claim: Option<&str>) {
        if let Some(claim) = claim.filter(|_| self.sessions[&slot].name.is_none()) {
            // The original's clients would not understand a refusal here.
            let _ = self.take_name(slot, claim);
        }
        let nobody = self.sessions[&slot].name.is_none() && self.unnamed(slot) == Unnamed::Anonymous;
        if !nobody && !std::mem::replace(&mut self.session(slot).joined, true) {
            self.publish(&Event::Joined { name: &self.name(slot) }, Some(slot));
        }
    }

    fn rename(&mut self, slot: usize, name: &str) {
        let from = self.name(slot);
        if self.sessions[&slot].name.as_deref() != Some(name) {
            if let Err(complaint) = self.take_name(slot, name) {
                return self.refuse(slot, complaint);
            }
            let to = self.name(slot);
            let joined = std::mem::replace(&mut self.session(slot).joined, true);
            // The policy may have made of it the name that it has.
            if from != to {
                let event = if joined { Event::Renamed { from: &from, to: &to } } else { Event::Joined { name: &to } };
                self.publish(&event, Some(slot));
            }
        }
        self.reply(slot, &Event::Named { name: &self.name(slot) });
    }

    fn take_name(&mut self, slot: usize, name: &str) -> Result<(), Complaint> {
        let name = self.consider(Proposal::Name { from: &self.name(slot), to: name }, name)?;
        self.may_have(slot, &name).map_err(Complaint::Name)?;
        self.session(slot).name = Some(name);
        self.record(slot, RecordKind::Named);
        Ok(())
    }

    fn tell(&mut self, slot: usize, to: &str, words: &str) {
        let Some(target) = self.find(to) else { return self.refuse(slot, Complaint::NobodyThere) };
        let (from, to) = (self.name(slot), self.name(target));
        let words = match self.consider(Proposal::Tell { from: &from, to: &to, words }, words) {
            Ok(words) => words,
            Err(complaint) => return self.refuse(slot, complaint),
        };
        let told = Event::Told { from: &from, words: &words };
        let mut encoded = Vec::new();
        self.encode(self.sessions[&target].lane, &told, &mut encoded);
        // Room must stay for the target's last words, and for the answer if it tells itself.
        let spare = if target == slot { 2 } else { 1 } * self.max_encoded();
        if !self.has_room(target, encoded.len() + spare) {
            return self.refuse(slot, Complaint::NotReading);
        }
        self.reply(target, &told);
        self.reply(slot, &Event::TellPassed { to: &to, words: &words });
    }

    fn who(&mut self, slot: usize) {
        let here: Vec<String> =
            self.sessions.keys().filter(|slot| self.is_open(**slot)).map(|slot| self.name(*slot)).collect();
        let mut names = String::new();
        let mut listed = 0;
        for name in &here {
            if names.len() + ", ".len() + name.len() > MAX_NOTICE.min(self.config.max_line) {
                break;
            }
            names += if listed > 0 { ", " } else { "" };
            names += name;
            listed += 1;
        }
        self.reply(slot, &Event::Who { names: &names, count: here.len(), left_out: here.len() - listed });
    }

    fn refuse(&mut self, slot: usize, complaint: Complaint) {
        self.stats.refused += 1;
        self.record(slot, RecordKind::Refused);
        self.reply(slot, &Event::Refused(complaint));
    }
}

/// Makes words harmless: line ends and tabs are spaces, what steers a terminal or the order of reading is dropped.
pub(super) fn clean(words: &str) -> String {
    let shown = |c: char| match c {
        '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => Some(' '),
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => None,
        c if c.is_control() => None,
        c => Some(c),
    };
    words.chars().filter_map(shown).collect::<String>().trim_end().into()
}

/// Cuts words to at most `max` bytes, between characters.
pub(super) fn cut(words: &str, max: usize) -> &str {
    let end = (0..=max.min(words.len())).rev().find(|end| words.is_char_boundary(*end));
    &words[..end.expect("0 is one")]
}
