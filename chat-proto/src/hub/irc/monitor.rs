//! MONITOR: who wants to be told when somebody comes or goes (IRCv3, "Monitor").
//!
//! The hub remembers what it told a client last. If the client's replies had no space when somebody came and went, it
//! is told when there is space, and only if something is different then.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::fault::Fault;
use crate::hub::Hub;
use crate::id::MemberId;
use crate::names::NameBuf;
use crate::session::outbox::{Answer, Answered};
use crate::session::watches::{Full, MAX_WATCHED, WatchId};
use crate::wire::dialect::Complaint;
use crate::wire::dialect::irc::limits::LINE_LEN;
use crate::wire::dialect::irc::line::Line;
use crate::wire::dialect::irc::numeric::Numeric;
use crate::wire::dialect::irc::writer::Writer;

/// The most bytes of names in a refusal, which leaves room for the rest of the line.
const MAX_REFUSED: usize = 350;

impl Hub {
    /// Changes or shows which names a client watches.
    pub(super) fn ask_monitor(&mut self, slot: u32, line: &Line<'_>) {
        let names = line.param(1).unwrap_or_default();
        match line.param(0).unwrap_or_default() {
            "+" if !names.is_empty() => self.watch(slot, names),
            "-" if !names.is_empty() => names.split(',').for_each(|name| self.watches.unwatch(slot, name)),
            "C" | "c" => self.watches.clear(slot),
            "L" | "l" => self.answer_with(slot, Answered::Watched { with_status: false }),
            "S" | "s" => self.answer_with(slot, Answered::Watched { with_status: true }),
            _ => self.refuse(slot, Complaint::Usage("")),
        }
    }

    fn watch(&mut self, slot: u32, names: &str) {
        let (mut here, mut gone, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for asked in names.split(',') {
            let mut composed = NameBuf::new();
            // Nobody can ever have an invalid name.
            let Ok(name) = self.config.names.check(asked, self.config.max_name, &mut composed) else { continue };
            if here.len() + gone.len() == MAX_WATCHED {
                // The same names again.
                refused.push(asked);
                continue;
            }
            let other = self.registered(name);
            match (self.watches.watch(slot, name, other.is_some()), other) {
                (Ok(()), Some(other)) => here.push(self.address_of(other)),
                (Ok(()), None) => gone.push(String::from(name)),
                (Err(Full), _) => refused.push(asked),
            }
        }
        self.answer(slot, |to| {
            write_list(to, Numeric::MonOnline, &here);
            write_list(to, Numeric::MonOffline, &gone);
            let mut rest = &refused[..];
            while !rest.is_empty() {
                let fits = |bytes: &mut usize, name: &&str| {
                    *bytes += name.len() + 1;
                    Some(*bytes)
                };
                let count = rest.iter().scan(0, fits).take_while(|bytes| *bytes <= MAX_REFUSED).count().max(1);
                let (first, others) = rest.split_at(count);
                to.numeric(Numeric::MonListFull).number(MAX_WATCHED as u64).word(&first.join(",")).standard().end();
                rest = others;
            }
        });
    }

    /// Returns `name!user@host`.
    fn address_of(&self, slot: u32) -> String {
        let person = self.conversation.person(MemberId(slot));
        format!("{}!{}@{}", self.name_of(slot), person.user, person.host())
    }

    /// Encodes the next line of the names that a client watches, if there is one; returns what is left of the answer.
    pub(super) fn write_watched(&mut self, slot: u32, answer: Answer, with_status: bool) -> Option<Answer> {
        // All names come first, or only the names of members who are here; then the names of those who are not.
        let (round, done) = (answer.next / MAX_WATCHED as u64, answer.next as usize % MAX_WATCHED);
        let voice = self.voice(slot)?;
        let numeric = match (with_status, round) {
            (false, 0) => Numeric::MonList,
            (true, 0) => Numeric::MonOnline,
            (true, 1) => Numeric::MonOffline,
            (false, _) => {
                voice.encode(&mut self.logs, self.now, |to| to.numeric(Numeric::EndOfMonList).standard().end());
                return None;
            }
            (true, _) => {
                self.logs.encode_nothing();
                return None;
            }
        };
        let (mut items, mut bytes, mut next) = (Vec::new(), 0, (round + 1) * MAX_WATCHED as u64);
        for (index, watch) in self.watches.of_session(slot).enumerate().skip(done) {
            let name = self.watches.name(watch);
            let item = match (with_status, self.registered(name)) {
                (true, Some(other)) if round == 0 => self.address_of(other),
                (true, Some(_)) => continue,
                (true, None) if round == 0 => continue,
                _ => String::from(name),
            };
            bytes += item.len() + 1;
            // One fits always: `:server 730 reader :` and the longest names do.
            if !items.is_empty() && bytes > LINE_LEN - voice.reader().len() - voice.irc.server_name().len() - 8 {
                next = round * MAX_WATCHED as u64 + index as u64;
                break;
            }
            items.push(item);
        }
        voice.encode(&mut self.logs, self.now, |to| write_list(to, numeric, &items));
        Some(Answer { next, ..answer })
    }

    /// Tells those who watch a name that somebody has taken or left it.
    #[cold]
    pub(in crate::hub) fn tell_watchers(&mut self, name: &str) {
        let mut next = self.watches.first_of(name);
        while let Some(watch) = next {
            next = self.watches.after(watch);
            let is_told = self.tell_watcher(watch);
            if !is_told && !Fault::WatchForgotten.is_planted() {
                self.watches.set_untold(self.watches.slot(watch), true);
            }
        }
    }

    /// Tells a client what its replies had no space for before.
    #[cold]
    #[inline(never)]
    pub(in crate::hub) fn tell_untold_watches(&mut self, slot: u32) {
        if self.watches.is_untold(slot) {
            let watches: Vec<_> = self.watches.of_session(slot).collect();
            let is_told = watches.into_iter().all(|watch| self.tell_watcher(watch));
            self.watches.set_untold(slot, !is_told);
        }
    }

    /// Tells a client whether somebody with a name is here, unless it was told the same before. Returns false if its
    /// replies have no space.
    fn tell_watcher(&mut self, watch: WatchId) -> bool {
        let slot = self.watches.slot(watch);
        let other = self.registered(self.watches.name(watch));
        let is_missed = other.is_none() && Fault::WatcherUntold.is_planted();
        if other.is_some() == self.watches.was_here(watch) || is_missed {
            return true;
        }
        let (numeric, item) = match other {
            Some(other) => (Numeric::MonOnline, self.address_of(other)),
            None => (Numeric::MonOffline, String::from(self.watches.name(watch))),
        };
        let Some(voice) = self.voice(slot).filter(|_| self.sessions[slot].is_open()) else { return true };
        voice.encode(&mut self.logs, self.now, |to| write_list(to, numeric, &[item]));
        if !self.has_room_for_bytes(slot, self.logs.encoded().len(), 1) {
            return false;
        }
        // This does not answer the line that is being carried out, so it does not carry that line's label.
        self.append_encoded(slot);
        self.requeue(slot);
        self.watches.set_here(watch, other.is_some());
        true
    }
}

/// Writes lines of items with commas between them; none if there are no items.
fn write_list(to: &mut Writer<'_>, numeric: Numeric, items: &[String]) {
    let mut is_begun = false;
    for item in items {
        if is_begun && !to.has_room_for(",".len() + item.len()) {
            to.end();
            is_begun = false;
        }
        let separator = if is_begun { "," } else { "" };
        if !is_begun {
            to.numeric(numeric).begin_list();
            is_begun = true;
        }
        to.append(separator).append(item);
    }
    if is_begun {
        to.end();
    }
}
