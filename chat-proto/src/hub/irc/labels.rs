//! Labels: with them clients know which answers belong to which of their lines (IRCv3, "Labeled Responses").

use core::fmt::Write as _;
use core::num::NonZeroU16;

use arrayvec::ArrayString;

use crate::fault::Fault;
use crate::hub::Hub;
use crate::wire::dialect::irc::caps::Caps;
use crate::wire::dialect::irc::line::Line;

/// The tag of a line in a batch: `batch=`, a number of 16 bits, and room for a label.
pub(super) type Tag = ArrayString<80>;

/// The most bytes of answers that are kept while a line is carried out; room for several refusals.
const MAX_KEPT: usize = 1_024;

impl Hub {
    /// Keeps the answers to a line that has a label, until it is known how many there are.
    pub(super) fn begin_labelled(&mut self, slot: u32, line: &Line<'_>) {
        let label = line.label().filter(|label| !label.contains(char::is_control));
        if let Some(label) = label.filter(|_| self.has_cap(slot, Caps::LABELED_RESPONSE.with(Caps::BATCH))) {
            self.occasion.set_label(slot, label);
        }
    }

    /// Sends the answers that were kept. One answer carries the label itself, and several go into a batch that carries
    /// it. If there is none, `ACK` says so. `is_done` tells whether the line was carried out; if not, more answers follow.
    pub(super) fn end_labelled(&mut self, slot: u32, is_done: bool) {
        let Some(label) = self.occasion.label_for(slot) else { return };
        if !self.sessions[slot].is_open() {
            return;
        }
        let more_follow = !is_done || self.sessions[slot].is_answered();
        let Some(irc) = &self.sessions[slot].irc else { return };
        let lines = memchr::memchr_iter(b'\n', self.occasion.answers_mut()).count();
        if irc.batch.is_none() && !more_follow && lines <= 1 {
            if lines == 0 {
                let Some(voice) = self.voice(slot) else { return };
                voice.encode(&mut self.logs, self.now, |to| to.server("ACK").end());
                self.occasion.answers_mut().extend_from_slice(self.logs.encoded());
            }
            let mut tag = Tag::from("label=").unwrap_or_default();
            tag.push_str(&label);
            return self.put_answers(slot, &tag);
        }
        self.open_batch(slot);
        if let Some(number) = self.batch(slot) {
            self.put_answers(slot, &tag_of(number));
        }
        if is_done && more_follow {
            if let Some(irc) = &mut self.sessions[slot].irc {
                irc.batch_ends_with_answer = true;
            }
        } else if is_done {
            self.close_batch(slot);
        }
    }

    /// Sends what was kept if it is long, so that a line with many answers waits for its reader like any other.
    pub(super) fn flush_long(&mut self, slot: u32) {
        if self.occasion.label_for(slot).is_some() && self.occasion.answers_mut().len() > MAX_KEPT {
            self.flush_labelled(slot);
        }
    }

    /// Sends what was kept before an answer that goes on as its reader reads.
    pub(in crate::hub) fn flush_labelled(&mut self, slot: u32) {
        if self.occasion.label_for(slot).is_some() {
            self.open_batch(slot);
            if let Some(number) = self.batch(slot) {
                self.put_answers(slot, &tag_of(number));
            }
        }
    }

    /// Puts the tag of the batch that an answer belongs to before the lines that were encoded last.
    pub(in crate::hub) fn tag_encoded(&mut self, slot: u32) {
        if let Some(number) = self.batch(slot) {
            self.logs.tag_encoded(&tag_of(number));
        }
    }

    /// Forgets what an answer that has ended was about, and ends its batch.
    pub(in crate::hub) fn answer_ended(&mut self, slot: u32) {
        // This is not done when the last line is encoded, because a line that did not fit is encoded again.
        let Some(irc) = &mut self.sessions[slot].irc else { return };
        irc.forget_query();
        if irc.batch_ends_with_answer {
            self.close_batch(slot);
        }
    }

    /// Returns the number of a new batch.
    pub(super) fn next_batch(&mut self, slot: u32) -> Option<NonZeroU16> {
        let irc = self.sessions[slot].irc.as_mut()?;
        let next = NonZeroU16::new(irc.batches.wrapping_add(1)).unwrap_or(NonZeroU16::MIN);
        irc.batches = next.get();
        Some(next)
    }

    fn batch(&self, slot: u32) -> Option<NonZeroU16> {
        self.sessions[slot].irc.as_ref()?.batch
    }

    /// Begins a batch for the answers to the line, unless that was done.
    fn open_batch(&mut self, slot: u32) {
        let (Some(voice), Some(label)) = (self.voice(slot), self.occasion.label_for(slot)) else { return };
        if self.batch(slot).is_some() {
            return;
        }
        let Some(number) = self.next_batch(slot) else { return };
        if let Some(irc) = &mut self.sessions[slot].irc {
            (irc.batch, irc.batch_ends_with_answer) = (Some(number), false);
        }
        voice.encode(&mut self.logs, self.now, |to| {
            to.server("BATCH").shown(format_args!("+{number}")).word("labeled-response").end();
        });
        let mut tag = Tag::from("label=").unwrap_or_default();
        tag.push_str(&label);
        self.logs.tag_encoded(&tag);
        self.put_now(slot);
    }

    fn close_batch(&mut self, slot: u32) {
        let Some(voice) = self.voice(slot) else { return };
        let Some(irc) = self.sessions[slot].irc.as_mut() else { return };
        irc.batch_ends_with_answer = false;
        let Some(number) = irc.batch.take() else { return };
        if Fault::BatchNotEnded.is_planted() {
            return;
        }
        voice.encode(&mut self.logs, self.now, |to| to.server("BATCH").shown(format_args!("-{number}")).end());
        self.put_now(slot);
    }

    /// Sends the answers that were kept, each with that tag.
    fn put_answers(&mut self, slot: u32, tag: &str) {
        let answers = core::mem::take(self.occasion.answers_mut());
        self.logs.set_encoded(&answers);
        self.logs.tag_encoded(tag);
        self.put_now(slot);
        // Its memory is used again.
        *self.occasion.answers_mut() = answers;
        self.occasion.answers_mut().clear();
    }

    /// Appends what was encoded last to the replies, whether answers are kept or not.
    fn put_now(&mut self, slot: u32) {
        if !self.logs.encoded().is_empty() {
            self.append_encoded(slot);
            self.requeue(slot);
        }
    }
}

pub(super) fn tag_of(batch: NonZeroU16) -> Tag {
    let mut tag = Tag::new();
    let written = write!(tag, "batch={batch}");
    debug_assert!(written.is_ok());
    tag
}
