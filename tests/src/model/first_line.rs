//! The first line of a session, which must be a chat client's.

use chat_proto::CloseReason;
use chat_proto::dialect::{Complaint, FirstLine, Request};

use super::Model;

impl Model {
    /// Returns whether a line may be carried out; a first line that may not be closes its session.
    pub(super) fn accepts(&mut self, slot: usize, line: FirstLine<'_>) -> bool {
        if self.sessions[&slot].accepted {
            return true;
        }
        // A blank line does nothing; the next counts as the first.
        if matches!(line, FirstLine::Whole(line) if is_blank(line)) {
            return false;
        }
        let dialect = &self.config.dialects[self.sessions[&slot].log].dialect;
        let not_utf8 = |line| {
            let mut scratch = Vec::new();
            let request = dialect.decode(line, false, &mut scratch);
            std::str::from_utf8(line).is_err() && request == Request::Invalid(Complaint::NotUtf8)
        };
        let verdict = match (dialect.other_protocol(line), line) {
            (Some(protocol), _) => Some((Complaint::WrongProtocol(protocol), CloseReason::WrongProtocol)),
            (None, FirstLine::Cut(_)) => {
                Some((Complaint::LineTooLong { max: self.config.max_line }, CloseReason::FirstLine))
            }
            (None, FirstLine::Whole(line)) => not_utf8(line).then_some((Complaint::NotUtf8, CloseReason::FirstLine)),
        };
        match verdict {
            None => self.session(slot).accepted = true,
            Some((complaint, reason)) => {
                self.refuse(slot, complaint);
                self.close(slot, reason, "");
            }
        }
        verdict.is_none()
    }
}

/// Whether a line is nothing but white space, after any number of byte-order marks and telnet commands, each of which
/// may follow spaces and control characters. Control character 22, with which a TLS record begins, is not blank.
fn is_blank(line: &[u8]) -> bool {
    match line {
        // A subnegotiation, up to its end or the line's.
        [255, 250, rest @ ..] => {
            let end = rest.windows(2).position(|pair| pair == [255, 240]);
            end.is_none_or(|end| is_blank(&rest[end + 2..]))
        }
        // WILL, WONT, DO and DONT have an option behind them.
        [0xEF, 0xBB, 0xBF, rest @ ..] | [255, 251..=254, _, rest @ ..] | [255, 0..=249 | 255, rest @ ..] => {
            is_blank(rest)
        }
        [255] | [255, 251..=254] => true,
        line => match line.iter().position(|byte| *byte == 22 || *byte != b' ' && !byte.is_ascii_control()) {
            None => line.iter().all(u8::is_ascii_whitespace),
            Some(visible) => visible > 0 && is_blank(&line[visible..]),
        },
    }
}
