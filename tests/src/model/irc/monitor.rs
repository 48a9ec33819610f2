//! MONITOR: who is told when somebody comes or goes.

use chat_proto::dialect::Complaint;

use super::answers::Rest;
use super::line::Line;
use crate::model::Model;
use crate::model::names::{caseless, valid_name};

/// The most names that one session watches.
const MAX_WATCHED: usize = 100;

/// The most bytes of names in a refusal.
const MAX_REFUSED: usize = 350;

/// A name that a client watches.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    name: String,
    /// What it was told last.
    is_here: bool,
}

impl Model {
    pub(super) fn ask_monitor(&mut self, slot: usize, line: &Line) {
        let names = line.text(1);
        match line.text(0) {
            "+" if !names.is_empty() => self.watch(slot, names),
            "-" if !names.is_empty() => {
                let is_named = |watch: &Watch| names.split(',').any(|name| caseless(name) == caseless(&watch.name));
                self.irc_mut(slot).watches.retain(|watch| !is_named(watch));
            }
            "C" | "c" => self.clear_watches(slot),
            "L" | "l" => self.begin_answer(slot, Rest::Watched { with_status: false, round: 0, done: 0 }),
            "S" | "s" => self.begin_answer(slot, Rest::Watched { with_status: true, round: 0, done: 0 }),
            _ => self.refuse(slot, Complaint::Usage("")),
        }
    }

    pub(in crate::model) fn clear_watches(&mut self, slot: usize) {
        let irc = self.irc_mut(slot);
        irc.watches.clear();
        irc.has_untold_watches = false;
    }

    fn watch(&mut self, slot: usize, names: &str) {
        let (mut here, mut gone, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for asked in names.split(',') {
            let Ok(name) = valid_name(&self.config, asked) else { continue };
            if here.len() + gone.len() == MAX_WATCHED {
                refused.push(asked);
                continue;
            }
            let other = self.registered(&name);
            let used: usize = self.sessions.values().filter_map(|session| session.irc.as_ref()).map(count).sum();
            let is_all = used >= (2 * self.config.max_sessions).max(MAX_WATCHED);
            let watches = &mut self.irc_mut(slot).watches;
            let is_full = is_all || watches.len() >= MAX_WATCHED;
            match watches.iter_mut().find(|watch| caseless(&watch.name) == caseless(&name)) {
                Some(known) => known.is_here = other.is_some(),
                None if is_full => {
                    refused.push(asked);
                    continue;
                }
                // The latest comes first.
                None => watches.insert(0, Watch { name: name.clone(), is_here: other.is_some() }),
            }
            match other {
                Some(other) => here.push(self.address_of(other)),
                None => gone.push(name),
            }
        }
        self.answer_lines(slot, |model, reader| {
            let mut lines = model.list_lines(730, reader, &here) + &model.list_lines(731, reader, &gone);
            let mut rest = &refused[..];
            while !rest.is_empty() {
                let fits =
                    |count: &usize| rest[..*count].iter().map(|name| name.len() + 1).sum::<usize>() <= MAX_REFUSED;
                let count = (1..=rest.len()).take_while(fits).last().unwrap_or(1);
                let (first, others) = rest.split_at(count);
                let line = model.numbered(734, reader).number(MAX_WATCHED as u64).word(&first.join(","));
                lines += &line.trailing(super::numerics::text(734)).end();
                rest = others;
            }
            lines
        });
    }

    fn address_of(&self, slot: usize) -> String {
        let person = self.person(slot);
        format!("{}!{}@{}", self.name(slot), person.user, person.host())
    }

    /// Returns lines of items with commas between them.
    fn list_lines(&self, code: u16, reader: &str, items: &[String]) -> String {
        let (mut lines, mut line) = (String::new(), String::new());
        let head = self.numbered(code, reader);
        for item in items {
            let longer = if line.is_empty() { item.clone() } else { format!("{line},{item}") };
            if !line.is_empty() && head.clone().trailing(&longer).len() > 510 {
                lines += &head.clone().trailing(&line).end();
                line.clone_from(item);
            } else {
                line = longer;
            }
        }
        if line.is_empty() { lines } else { lines + &head.trailing(&line).end() }
    }

    /// Returns the next line of the names that a client watches, and what is left of the answer.
    pub(super) fn watched(
        &self,
        slot: usize,
        reader: &str,
        with_status: bool,
        round: u8,
        done: usize,
    ) -> (String, Option<Rest>) {
        let code = match (with_status, round) {
            (false, 0) => 732,
            (true, 0) => 730,
            (true, 1) => 731,
            (false, _) => return (self.numbered(733, reader).trailing(super::numerics::text(733)).end(), None),
            (true, _) => return (String::new(), None),
        };
        let max = 510 - reader.len() - self.irc_settings.server_name.len() - 8;
        let (mut items, mut bytes) = (Vec::new(), 0);
        let mut after = Rest::Watched { with_status, round: round + 1, done: 0 };
        for (index, watch) in self.irc(slot).watches.iter().enumerate().skip(done) {
            let item = match (with_status, self.registered(&watch.name)) {
                (true, Some(other)) if round == 0 => self.address_of(other),
                (true, Some(_)) => continue,
                (true, None) if round == 0 => continue,
                _ => watch.name.clone(),
            };
            bytes += item.len() + 1;
            if !items.is_empty() && bytes > max {
                after = Rest::Watched { with_status, round, done: index };
                break;
            }
            items.push(item);
        }
        (self.list_lines(code, reader, &items), Some(after))
    }

    /// Tells those who watch a name that somebody has taken or left it.
    pub(in crate::model) fn tell_watchers(&mut self, name: &str) {
        for slot in self.slots().collect::<Vec<_>>() {
            let list = self.sessions[&slot].irc.as_ref().map_or(&[][..], |irc| &irc.watches);
            let watched = list.iter().position(|watch| caseless(&watch.name) == caseless(name));
            if watched.is_some_and(|watched| !self.tell_watcher(slot, watched)) {
                self.irc_mut(slot).has_untold_watches = true;
            }
        }
    }

    /// Tells a client what its replies had no room for before.
    pub(in crate::model) fn tell_untold_watches(&mut self, slot: usize) {
        if self.sessions[&slot].irc.as_ref().is_some_and(|irc| irc.has_untold_watches) {
            let is_told = (0..self.irc(slot).watches.len()).all(|watched| self.tell_watcher(slot, watched));
            self.irc_mut(slot).has_untold_watches = !is_told;
        }
    }

    /// Tells a client whether somebody of a name is here, if it was told something else; returns false if there is no
    /// room for that.
    fn tell_watcher(&mut self, slot: usize, watched: usize) -> bool {
        let Watch { name, is_here } = self.irc(slot).watches[watched].clone();
        let other = self.registered(&name);
        if other.is_some() == is_here || !self.is_open(slot) {
            return true;
        }
        let (code, item) = other.map_or_else(|| (731, name), |other| (730, self.address_of(other)));
        let lines = self.list_lines(code, &self.reader(slot), &[item]);
        let bytes = self.shown_lines(slot, lines);
        if !self.finds_room_for_bytes(slot, bytes.len()) {
            return false;
        }
        self.put_now(slot, bytes);
        self.irc_mut(slot).watches[watched].is_here = other.is_some();
        true
    }
}

fn count(irc: &super::IrcSession) -> usize {
    irc.watches.len()
}
