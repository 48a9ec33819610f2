//! Labels: answers that tell to which line they belong.

use super::line::Line;
use super::lines::tag_lines;
use crate::model::Model;

/// The most bytes of answers that are kept while a line goes on.
const MAX_KEPT: usize = 1_024;

/// A batch of answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    number: u32,
    /// It ends with the long answer in progress, not with the line.
    ends_with_answer: bool,
}

impl Model {
    /// Sends a session something that answers its line, or keeps it if the answers carry a label.
    pub(in crate::model) fn put(&mut self, slot: usize, bytes: Vec<u8>) {
        if self.is_labelled(slot) {
            self.asked.answers.extend_from_slice(&bytes);
        } else {
            self.put_now(slot, bytes);
        }
    }

    /// Sends a session something at once.
    pub(in crate::model) fn put_now(&mut self, slot: usize, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.session(slot).stats.lines_sent += 1;
            self.stats.lines_sent += 1;
            self.push_reply(slot, self.place_of_reply(slot), bytes.into());
        }
    }

    fn is_labelled(&self, slot: usize) -> bool {
        self.asked.label.as_ref().is_some_and(|(labelled, _)| *labelled == slot)
    }

    pub(super) fn begin_labelled(&mut self, slot: usize, line: &Line) {
        if self.has_cap(slot, "labeled-response") && self.has_cap(slot, "batch") {
            self.asked.label = line.label().map(|label| (slot, label.into()));
        }
    }

    /// Sends the answers that were kept: one line with the label, several as a batch, none as `ACK`.
    pub(super) fn end_labelled(&mut self, slot: usize, is_done: bool) {
        let Some((_, label)) = self.asked.label.clone() else { return };
        if !self.is_open(slot) {
            return;
        }
        let more_follow = !is_done || self.sessions[&slot].answer.is_some();
        let count = self.asked.answers.split(|byte| *byte == b'\n').count() - 1;
        if self.irc(slot).batch.is_none() && !more_follow && count <= 1 {
            if count == 0 {
                self.asked.answers = self.shown_lines(slot, self.by_server("ACK").end());
            }
            return self.send_kept(slot, &format!("label={label}"));
        }
        self.flush_labelled(slot);
        if is_done && more_follow {
            if let Some(batch) = &mut self.irc_mut(slot).batch {
                batch.ends_with_answer = true;
            }
        } else if is_done {
            self.close_batch(slot);
        }
    }

    /// Sends what was kept if that is long.
    pub(super) fn flush_long(&mut self, slot: usize) {
        if self.asked.answers.len() > MAX_KEPT {
            self.flush_labelled(slot);
        }
    }

    /// Sends what was kept in a batch, which begins if there is none.
    pub(in crate::model) fn flush_labelled(&mut self, slot: usize) {
        let Some((_, label)) = self.asked.label.clone().filter(|(labelled, _)| *labelled == slot) else { return };
        if self.irc(slot).batch.is_none() {
            let number = self.next_batch(slot);
            self.irc_mut(slot).batch = Some(Batch { number, ends_with_answer: false });
            let begin = self.by_server("BATCH").plain(&format!("+{number}")).word("labeled-response").end();
            let bytes = tag_lines(&self.shown_lines(slot, begin), &format!("label={label}"));
            self.put_now(slot, bytes);
        }
        let number = self.irc(slot).batch.expect("it has begun").number;
        self.send_kept(slot, &format!("batch={number}"));
    }

    fn send_kept(&mut self, slot: usize, tag: &str) {
        let kept = std::mem::take(&mut self.asked.answers);
        self.put_now(slot, tag_lines(&kept, tag));
    }

    /// Puts the tag of the batch before lines of a long answer, if they are in one.
    pub(super) fn in_batch(&self, slot: usize, lines: Vec<u8>) -> Vec<u8> {
        match self.irc(slot).batch {
            Some(Batch { number, .. }) => tag_lines(&lines, &format!("batch={number}")),
            None => lines,
        }
    }

    /// A long answer has ended.
    pub(in crate::model) fn answer_ended(&mut self, slot: usize) {
        if self.is_irc(slot) && self.irc(slot).batch.is_some_and(|batch| batch.ends_with_answer) {
            self.close_batch(slot);
        }
    }

    pub(super) fn next_batch(&mut self, slot: usize) -> u32 {
        let irc = self.irc_mut(slot);
        irc.batches = irc.batches % u32::from(u16::MAX) + 1;
        irc.batches
    }

    fn close_batch(&mut self, slot: usize) {
        if let Some(Batch { number, .. }) = self.irc_mut(slot).batch.take() {
            let end = self.by_server("BATCH").plain(&format!("-{number}")).end();
            let bytes = self.shown_lines(slot, end);
            self.put_now(slot, bytes);
        }
    }
}
