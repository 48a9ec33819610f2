//! Joins and leaves: the journal has each; dialects that fold them show only the first few of many.

use std::time::Duration;

use chat_proto::Timestamp;
use chat_proto::dialect::Event;

use super::Model;

/// How many joins and leaves within a second are shown individually.
const SHOWN: usize = 5;

/// The joins and leaves of the current second.
#[derive(Debug, Default)]
pub(super) struct Presence {
    /// When it began; `None` before the first.
    began: Option<Timestamp>,
    /// The previous second had too many, so none is shown individually.
    crowded: bool,
    /// How many were shown individually.
    shown: usize,
    /// Those that were not shown: true for a join, false for a leave.
    counted: Vec<bool>,
}

impl Model {
    /// Counts a join or a leave; returns whether it is shown individually.
    pub(super) fn is_shown(&mut self, is_join: bool) -> bool {
        self.end_second();
        let presence = &mut self.presence;
        let is_shown = !presence.crowded && presence.shown < SHOWN;
        if is_shown {
            presence.shown += 1;
        } else {
            presence.counted.push(is_join);
        }
        is_shown
    }

    /// Ends the second if it is over, and publishes one line about those that were not shown.
    pub(super) fn end_second(&mut self) {
        let is_over = self.presence.began.is_none_or(|began| {
            let end = began + Duration::from_secs(1);
            end <= self.now && end < Timestamp::MAX
        });
        if is_over {
            let Presence { shown, counted, .. } = &self.presence;
            let crowded = shown + counted.len() > SHOWN;
            self.tell_counted();
            self.presence = Presence { began: Some(self.now), crowded, ..Presence::default() };
        }
    }

    /// Publishes one line about joins and leaves that were not shown, if there are any.
    pub(super) fn tell_counted(&mut self) {
        let counted = std::mem::take(&mut self.presence.counted);
        if counted.is_empty() {
            return;
        }
        let joined = counted.iter().filter(|is_join| **is_join).count() as u64;
        let event = Event::CameAndWent { joined, left: counted.len() as u64 - joined };
        for log in 0..self.logs.len() {
            if self.config.dialects[log].dialect.folds_presence() {
                self.publish_in(log, &event, None);
            }
        }
        self.move_marks();
    }

    /// Returns when that line is due, if any join or leave was not shown.
    pub(super) fn telling(&self) -> Option<Timestamp> {
        let is_read = self.config.dialects.iter().any(|dialect| dialect.dialect.folds_presence());
        let began = self.presence.began.filter(|_| is_read && !self.presence.counted.is_empty())?;
        Some(began + Duration::from_secs(1)).filter(|at| *at < Timestamp::MAX)
    }
}
