//! What must hold after every step.

use chat_proto::conversation::Entry;
use chat_proto::{Config, Record, SessionId, Timestamp};

use super::world::World;
use crate::alloc::Meter;
use crate::model::{Checked, differ};

impl World {
    /// Checks everything that is cheap to check.
    pub(super) fn check(&mut self) -> Checked {
        self.check_journal()?;
        self.check_follower()?;
        self.model.stats.sessions = self.model.count();
        let stats = self.hub.stats();
        if stats != self.model.stats {
            return differ("counters", format!("\n     hub {stats:?}\n   model {:?}", self.model.stats));
        }
        self.model.check_gauges(&self.hub)?;
        if self.meter.peak > self.bound {
            let Meter { live, peak, .. } = self.meter;
            return differ("memory", format!("{live} bytes, at most {peak}, over the bound of {}", self.bound));
        }
        match (self.hub.poll_timeout(), self.model.deadline()) {
            (hub, Some(mine)) if hub.is_none_or(|hub| hub > mine) => {
                return differ("poll_timeout", format!("the hub says {hub:?}, though {mine} is due"));
            }
            (Some(Timestamp::MAX), _) => return differ("poll_timeout", "a deadline at the end of time should be none"),
            _ => {}
        }
        if self.hub.is_closed() != self.model.is_closed() {
            return differ("is_closed", format!("the hub says {}", self.hub.is_closed()));
        }
        if !self.hub.has_commands() && (self.model.has_turns() || self.model.owes_check() || self.model.due().is_some())
        {
            return differ("lost wake", "the hub has no command, though one is due");
        }
        self.model.check_pace()
    }

    /// Checks that no session is left waiting once all commands have been carried out.
    pub(super) fn check_drained(&mut self) -> Checked {
        if self.model.owes_check() {
            return differ("lost wake", "there are passwords that nobody was asked about");
        }
        match self.model.due() {
            Some(slot) => differ("lost wake", format!("no command for slot {slot}, though one is due")),
            None => Ok(()),
        }
    }

    /// Gives the hub's new entries to the follower, as bytes; afterwards both must be in the same state.
    fn check_follower(&mut self) -> Checked {
        let Some(follower) = &mut self.follower else { return Ok(()) };
        let hub = self.hub.conversation();
        let mut bytes = Vec::new();
        for (seq, entry) in hub.entries(follower.applied()) {
            if seq != follower.applied() {
                break;
            }
            bytes.clear();
            entry.encode(&mut bytes);
            match Entry::decode(&bytes) {
                Ok((decoded, [])) if decoded == entry => {}
                other => return differ("codec", format!("{entry:?} became {other:?}")),
            }
            if let Err(error) = follower.apply(&entry) {
                return differ("follower", format!("{entry:?}: {error}"));
            }
        }
        if follower.applied() < hub.applied() {
            // The hub keeps a limited number of entries and of their bytes, fewer of a room, and none of one that has
            // ended. It may have dropped only older ones.
            let Config { history, history_bytes, room_history, max_line, max_name, .. } = self.hub.config();
            let count = hub.applied() - follower.applied();
            let longest = max_line.max(&256) + 2 * max_name.max(&26);
            let (most, most_bytes) = if self.hub.config().max_rooms > 1 {
                (history.min(room_history), 0)
            } else {
                (history, *history_bytes)
            };
            let may_miss = count > *most as u64 || count * longest as u64 > most_bytes as u64;
            if !may_miss {
                return differ("follower", format!("entry {} of {} is missing", follower.applied(), hub.applied()));
            }
            self.follower = None;
        } else if follower.digest() != hub.digest() {
            return differ(
                "digest",
                format!("after {} entries\n     hub {hub:?}\n  follower {follower:?}", hub.applied()),
            );
        }
        Ok(())
    }

    fn check_journal(&mut self) -> Checked {
        let expected = self.model.journal.len() as u64;
        // A small journal holds only the latest records.
        let lost = expected.saturating_sub(self.conduct.journal_records);
        let now = self.model.now();
        let mine = self.model.journal.iter().enumerate().skip(lost as usize);
        let same = self.hub.journal(self.journal_seen).map(Some).chain([None]).zip(mine.map(Some).chain([None])).all(
            |(record, mine)| match (record, mine) {
                (Some(record), Some((i, (slot, kind)))) => {
                    let is_next = record.seq == self.journal_seen + i as u64 && record.at <= now;
                    is_next && record.session.map(SessionId::slot) == *slot && record.kind == *kind
                }
                (None, None) => true,
                _ => false,
            },
        );
        if !same {
            let hub: Vec<Record> = self.hub.journal(self.journal_seen).collect();
            return differ("journal", format!("\n     hub {hub:?}\n   model {:?}", self.model.journal));
        }
        self.journal_seen += expected;
        self.model.journal.clear();
        Ok(())
    }

    /// Checks the rest: names, counters and ids of every session.
    pub(super) fn sweep(&mut self) -> Checked {
        let mut live = self.model.live();
        for id in self.hub.sessions() {
            let Some((slot, is_open)) = live.next() else { return differ("sessions", format!("{id:?} is not there")) };
            let (name, stats) = (self.hub.name(id), self.hub.session_stats(id));
            if id.slot() != slot || stats != self.model.stats_of(slot) {
                return differ("session", format!("{id:?}: {stats:?}, {:?}", self.model.stats_of(slot)));
            }
            if is_open && name.as_deref() != Some(&self.model.name(slot)) {
                return differ("name", format!("{id:?} is called {name:?}, not {}", self.model.name(slot)));
            }
        }
        self.model.check_rooms(&self.hub)?;
        if let Some(follower) = &self.follower
            && !self.hub.events(0).eq(follower.events(0))
        {
            return differ("events", "the follower has seen others");
        }
        match live.next() {
            Some((slot, _)) => differ("sessions", format!("the hub forgot slot {slot}")),
            None => Ok(()),
        }
    }
}
