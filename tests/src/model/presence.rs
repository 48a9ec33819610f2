//! Joins and leaves: the journal has each; dialects that fold them show only the first few of many.

use std::time::Duration;

use chat_proto::Timestamp;
use chat_proto::dialect::Update;

use super::Model;
use super::rooms::RoomKey;

/// How many joins and leaves within a second are shown individually in a room.
const SHOWN: usize = 5;

/// The joins and leaves of a room in the current second.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// The previous second had too many, so none is shown individually.
    crowded: bool,
    /// How many were shown individually.
    shown: usize,
    /// Those that were not shown: true for a join, false for a leave.
    counted: Vec<bool>,
}

impl Model {
    /// Counts a join or a leave in a room; returns whether it is shown individually.
    pub(super) fn is_shown(&mut self, room: RoomKey, is_join: bool) -> bool {
        let counts = &mut self.room_mut(room).presence;
        let is_shown = !counts.crowded && counts.shown < SHOWN;
        if is_shown {
            counts.shown += 1;
        } else {
            counts.counted.push(is_join);
        }
        is_shown
    }

    /// Ends the second if it is over, and publishes one line in each room about those that were not shown.
    pub(super) fn end_second(&mut self) {
        let is_over = self.second.is_none_or(|began| {
            let end = began + Duration::from_secs(1);
            end <= self.now && end < Timestamp::MAX
        });
        if is_over {
            for room in &mut self.rooms {
                let Counts { shown, counted, .. } = &room.presence;
                room.presence.crowded = shown + counted.len() > SHOWN;
                room.presence.shown = 0;
            }
            self.tell_counted();
            self.second = Some(self.now);
        }
    }

    /// Publishes one line in each room about joins and leaves that were not shown, if there are any.
    pub(super) fn tell_counted(&mut self) {
        for room in self.live_keys() {
            let counted = std::mem::take(&mut self.room_mut(room).presence.counted);
            if counted.is_empty() {
                continue;
            }
            let joined = counted.iter().filter(|is_join| **is_join).count() as u64;
            let update = Update::CameAndWent { joined, left: counted.len() as u64 - joined };
            self.stamp += 1;
            for log in 0..self.config.dialects.len() {
                if self.config.dialects[log].dialect.folds_presence() {
                    self.publish_in(room, log, &update, None);
                }
            }
        }
        self.move_marks();
    }

    /// Returns when these lines are due, if any join or leave was not shown.
    pub(super) fn telling(&self) -> Option<Timestamp> {
        let is_read = self.config.dialects.iter().any(|dialect| dialect.dialect.folds_presence());
        let is_any_counted = self.present_rooms().any(|room| !room.presence.counted.is_empty());
        let began = self.second.filter(|_| is_read && is_any_counted)?;
        Some(began + Duration::from_secs(1)).filter(|at| *at < Timestamp::MAX)
    }
}
