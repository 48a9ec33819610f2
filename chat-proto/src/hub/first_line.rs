//! A session's first line: it decides whether the peer is a chat client at all.

use simdutf8::basic::from_utf8;

use super::Hub;
use crate::command::CloseReason;
use crate::wire::dialect::{Complaint, FirstLine, Request};
use crate::wire::framing::lines::Partial;
use crate::wire::sanitize::Clean;
use crate::wire::sniff::{is_blank, is_tls};

impl Hub {
    /// Checks a session's first line, and returns whether to carry it out.
    ///
    /// A blank line is skipped, and the next line is the first one. If the line belongs to another protocol, the peer
    /// is told so and the session closes, because the lines after it belong to that protocol, too.
    #[cold]
    pub(super) fn accept_first_line(&mut self, slot: u32, first: FirstLine<'_>) -> bool {
        if matches!(first, FirstLine::Whole(line) if is_blank(line)) {
            return false;
        }
        let protocol = self.spoken(slot).config.dialect.other_protocol(first);
        let (complaint, reason) = match (protocol, first) {
            (Some(protocol), _) => (Complaint::WrongProtocol(protocol), CloseReason::WrongProtocol),
            (None, FirstLine::Cut(_)) => (Complaint::LineTooLong { max: self.config.max_line }, CloseReason::FirstLine),
            (None, FirstLine::Whole(line)) if self.is_broken_text(slot, line) => {
                (Complaint::NotUtf8, CloseReason::FirstLine)
            }
            (None, FirstLine::Whole(_)) => {
                self.sessions[slot].accepted = true;
                return true;
            }
        };
        self.refuse(slot, complaint);
        self.begin_close(slot, reason, Clean::EMPTY);
        false
    }

    /// Closes a session whose first line begins as TLS does: its client waits for an answer, and no line end may ever
    /// come.
    #[cold]
    pub(super) fn look_at_beginning(&mut self, slot: u32) {
        let beginning = self.sessions[slot].framer.held().map(Partial::start);
        let Some(beginning) = beginning.filter(|beginning| is_tls(beginning)) else { return };
        if let Some(protocol) = self.spoken(slot).config.dialect.other_protocol(FirstLine::Cut(beginning)) {
            self.refuse(slot, Complaint::WrongProtocol(protocol));
            self.begin_close(slot, CloseReason::WrongProtocol, Clean::EMPTY);
        }
    }

    /// Returns whether a line is not UTF-8 although its dialect requires that. What base64 encodes is not checked here.
    fn is_broken_text(&mut self, slot: u32, line: &[u8]) -> bool {
        if from_utf8(line).is_ok() {
            return false;
        }
        let mut scratch = self.scratch.take().unwrap_or_default();
        scratch.decoded.clear();
        let request = self.spoken(slot).config.dialect.decode(line, false, &mut scratch.decoded);
        let is_broken = request == Request::Invalid(Complaint::NotUtf8);
        scratch.shrink(self.config.max_line);
        self.scratch = Some(scratch);
        is_broken
    }
}
