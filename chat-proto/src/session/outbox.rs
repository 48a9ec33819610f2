//! A session's private bytes: its replies, and the rest of a line that was begun.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::num::NonZeroU16;

use crate::fault::Fault;
use crate::id::RoomId;
use crate::moderation::MaskList;
use crate::pool::Recycle;
use crate::wire::framing::MessageKind;
use crate::wire::framing::frame::Payload;
use crate::wire::framing::wrap::{Control, frames, wrapped_bound};

/// The most positions in the log at which a session's replies may stand.
///
/// Replies at the same position count as one. When a session has this many, none of its lines is taken until it has
/// read some. It is a power of two, as the memory for them is. A reader has to leave as many messages of others unread,
/// and ask something after each, to have replies at so many positions.
pub(crate) const MAX_MARKS: usize = 16;

/// The private bytes of one session, in the order in which they go out.
///
/// First comes the front: the rest of a message that a socket has taken in part, or the notice of a gap. Then come the
/// replies, each at its position in the log; where a session reads several logs, its position is a stamp. Below, the
/// number of an entry means its stamp then.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    front: Bytes,
    replies: Bytes,
    marks: VecDeque<Mark>,
    /// A frame of WebSocket that goes out between messages.
    control: Option<Control>,
    /// An answer of which only a part has become replies so far.
    pub(crate) answer: Option<Answer>,
}

/// The rest of an answer that is longer than the replies may be. It becomes replies as its reader reads.
///
/// Until nothing is left of it, the log is not read beyond its position, and nothing else becomes a reply.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    /// It goes out before the log's entry of this number.
    pub(crate) at: u64,
    /// It goes on with this item …
    pub(crate) next: u64,
    /// … up to but not including this one.
    pub(crate) end: u64,
    pub(crate) what: Answered,
}

/// What an answer shows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answered {
    /// Messages of a room, numbered among its messages alone.
    History {
        /// The room, and how many rooms of its number had ended. A session that leaves it is shown no more of them.
        room: RoomId,
        life: u32,
        /// The line before the messages was written. It comes only if any is shown, or if they were asked for.
        begun: bool,
        /// The session has asked for it.
        is_asked: bool,
    },
    /// The bans of a room, by their indices in the list.
    Bans {
        /// The room, and how many rooms of its number had ended. A session that leaves it is shown no more of them.
        room: RoomId,
        life: u32,
    },
    /// Rooms, by their numbers.
    Rooms {
        /// How many were shown.
        shown: u32,
    },
    /// Names of the members of a room, several on each line of IRC.
    Names {
        /// The room, as in `History`.
        room: RoomId,
        life: u32,
    },
    /// Masks of a list of a room, by their places in it.
    Masks {
        /// The room, as in `History`.
        room: RoomId,
        life: u32,
        list: MaskList,
    },
    /// Members, for WHO. The session keeps the question.
    Members {
        /// The members of a room, as in `History`; `None`: all members.
        room: Option<(RoomId, u32)>,
    },
    /// Channels, for LIST; the conditions are kept with the session.
    Channels,
    /// Messages of a room for IRC, numbered among its messages alone.
    Messages {
        /// The room, as in `History`.
        room: RoomId,
        life: u32,
        /// The batch in which they are, for clients that know of batches.
        batch: Option<NonZeroU16>,
    },
    /// Lines of the message of the day.
    Motd,
    /// The names that the session watches.
    Watched {
        /// Names of members who are here are shown apart from all others.
        with_status: bool,
    },
}

/// Replies that stand at one position.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// They go out before the log's entry of this number.
    at: u64,
    len: usize,
}

/// From how many bytes on a buffer is large: what a client of IRC is sent when it registers is more, most replies are
/// less.
const LARGE: usize = 1 << 10;

/// A queue of bytes: appended at the end, taken from the start.
#[derive(Debug, Default)]
struct Bytes {
    buffer: Vec<u8>,
    taken: usize,
}

impl Recycle for Outbox {
    fn clear(&mut self) {
        self.front.clear();
        self.replies.clear();
        self.marks.clear();
        self.control = None;
        self.answer = None;
    }

    fn shrink(&mut self) {
        for bytes in [&mut self.front, &mut self.replies] {
            if bytes.buffer.capacity() > LARGE {
                *bytes = Bytes::default();
            }
        }
    }
}

impl Outbox {
    /// Bytes of heap for an outbox with `reply_bytes` of replies and messages of at most `max_encoded` bytes.
    pub(crate) const fn memory_bound(reply_bytes: usize, max_encoded: usize) -> usize {
        size_of::<Self>() + wrapped_bound(max_encoded) + reply_bytes + MAX_MARKS * size_of::<Mark>()
    }

    /// Returns the bytes that go out before everything else.
    pub(crate) fn front(&self) -> &[u8] {
        self.front.as_slice()
    }

    /// Returns all replies, at all positions.
    pub(crate) fn replies(&self) -> &[u8] {
        self.replies.as_slice()
    }

    /// Returns how many bytes of replies go out before the log's entry `seq`.
    pub(crate) fn len_before(&self, seq: u64) -> usize {
        self.marks.iter().take_while(|mark| mark.at <= seq).map(|mark| mark.len).sum()
    }

    /// Returns the log's entry up to which a reader that has come to the entry `seq` may read, because private bytes
    /// come next.
    pub(crate) fn limit(&self, seq: u64) -> u64 {
        let mark = self.marks.iter().map(|mark| mark.at).find(|at| *at > seq);
        let answer = self.answer.filter(|_| !Fault::AnswerOvertaken.is_planted()).map(|answer| answer.at);
        mark.into_iter().chain(answer).min().unwrap_or(u64::MAX)
    }

    /// Moves the positions of all replies, for a session that reads several logs from now on.
    pub(crate) fn move_positions(&mut self, to: impl Fn(u64) -> u64) {
        // Replies whose positions are the same now stand at one position.
        let mut last = 0;
        for index in 0..self.marks.len() {
            let Mark { at, len } = self.marks[index];
            let at = to(at);
            if index > 0 && self.marks[last].at == at {
                self.marks[last].len += len;
            } else {
                last += usize::from(index > 0);
                self.marks[last] = Mark { at, len };
            }
        }
        self.marks.truncate(last + 1);
        if let Some(answer) = &mut self.answer {
            answer.at = to(answer.at);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.front.is_empty() && self.replies.is_empty() && self.control.is_none() && self.answer.is_none()
    }

    /// Returns whether `len` more bytes of replies, at a position of their own, leave room for `reserve` bytes after.
    /// While an answer goes on there is none.
    pub(crate) fn has_room(&self, len: usize, reserve: usize, reply_bytes: usize) -> bool {
        // One position for these, one for last words.
        let has_position = self.marks.len() + 2 <= MAX_MARKS;
        self.answer.is_none() && self.replies.len() + len + reserve <= reply_bytes && has_position
    }

    /// Appends a reply, to go out before the log's entry `at`.
    pub(crate) fn reply(&mut self, at: u64, bytes: &[u8], reply_bytes: usize) {
        debug_assert!(self.replies.len() + bytes.len() <= reply_bytes, "the caller checked for room");
        match self.marks.back_mut() {
            Some(mark) if mark.at == at => mark.len += bytes.len(),
            _ => {
                debug_assert!(self.marks.len() < MAX_MARKS, "the caller checked for a free position");
                self.marks.push_back(Mark { at, len: bytes.len() });
            }
        }
        self.replies.extend(bytes, reply_bytes);
    }

    /// Sets the bytes that go out before everything else. There must be none.
    pub(crate) fn set_front(&mut self, bytes: &[u8], max_encoded: usize) {
        debug_assert!(self.front.is_empty(), "a line is finished before another begins");
        self.front.extend(bytes, max_encoded);
    }

    /// Does the same with lines, each as a message.
    #[inline(never)]
    pub(crate) fn set_front_messages(&mut self, kind: MessageKind, lines: &[u8], max_encoded: usize) {
        debug_assert!(self.front.is_empty(), "a line is finished before another begins");
        for (head, payload, _) in frames(kind, lines) {
            self.front.extend(&head, max_encoded);
            self.front.extend(payload, max_encoded);
        }
    }

    /// Answers a ping, in place of the answer to an earlier one.
    pub(crate) fn pong(&mut self, payload: Payload) {
        if !matches!(self.control, Some(Control::Close(_))) {
            self.control = Some(Control::Pong(payload));
        }
    }

    /// Has a close frame go out after everything else.
    pub(crate) fn close(&mut self, code: Option<u16>) {
        self.control = Some(Control::Close(code));
    }

    /// Returns whether a ping is to be answered.
    pub(crate) fn has_pong(&self) -> bool {
        matches!(self.control, Some(Control::Pong(_)))
    }

    /// Moves a pong to the front, unless a message has to be finished before.
    pub(crate) fn offer_pong(&mut self) {
        if self.has_pong() && self.front.is_empty() {
            self.offer_control();
        }
    }

    /// Moves the close frame to the front, now that there is nothing else; returns whether there is one.
    pub(crate) fn offer_close(&mut self) -> bool {
        let is_due = matches!(self.control, Some(Control::Close(_))) && self.front.is_empty();
        if is_due {
            self.offer_control();
        }
        is_due
    }

    #[inline(never)]
    fn offer_control(&mut self) {
        if let Some(control) = self.control.take() {
            self.front.extend(&control.frame(), 0);
        }
    }

    /// Removes replies of which the first `n` bytes were taken, given all that was handed out of them as messages. The
    /// rest of a message that was begun becomes the front.
    #[inline(never)]
    pub(crate) fn take_messages(&mut self, kind: MessageKind, handed_out: &[u8], n: usize, max_encoded: usize) {
        let (mut lines, mut end) = (0, 0);
        for (head, payload, line) in frames(kind, self.replies()) {
            if end >= n {
                break;
            }
            lines += line;
            end += head.len() + payload.len();
        }
        self.take_replies(lines);
        if end > n {
            self.set_front(&handed_out[n..end], max_encoded);
        }
    }

    /// Removes the first `n` bytes of the front.
    pub(crate) fn take_front(&mut self, n: usize) {
        self.front.take(n);
    }

    /// Removes the first `n` bytes of the replies.
    pub(crate) fn take_replies(&mut self, n: usize) {
        self.replies.take(n);
        let mut left = n;
        while left > 0 {
            let Some(mark) = self.marks.front_mut() else { return };
            let of_mark = left.min(mark.len);
            mark.len -= of_mark;
            left -= of_mark;
            if mark.len == 0 {
                self.marks.pop_front();
            }
        }
    }
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        &self.buffer[self.taken..]
    }

    fn len(&self) -> usize {
        self.buffer.len() - self.taken
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn clear(&mut self) {
        self.buffer.clear();
        self.taken = 0;
    }

    fn take(&mut self, n: usize) {
        self.taken += n.min(self.len());
        if self.is_empty() {
            self.clear();
        }
    }

    /// Appends bytes. The buffer never grows beyond `max` bytes; the caller has checked that this is enough.
    fn extend(&mut self, bytes: &[u8], max: usize) {
        if self.buffer.len() + bytes.len() > self.buffer.capacity() {
            self.buffer.drain(..self.taken);
            self.taken = 0;
            let needed = self.buffer.len() + bytes.len();
            if needed > self.buffer.capacity() {
                let capacity = needed.max((2 * self.buffer.capacity()).max(256).min(max));
                self.buffer.reserve_exact(capacity - self.buffer.len());
            }
        }
        self.buffer.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn replies_go_out_at_their_places() {
        let mut outbox = Outbox::default();
        for (at, bytes) in [(3, "a"), (3, "bc"), (7, "def")] {
            outbox.reply(at, bytes.as_bytes(), 100);
        }
        assert_eq!([2, 3, 6, 7].map(|seq| outbox.len_before(seq)), [0, 3, 3, 6]);
        assert_eq!([2, 3, 7].map(|seq| outbox.limit(seq)), [3, 7, u64::MAX]);
        outbox.take_replies(4);
        assert_eq!((outbox.replies(), outbox.len_before(6), outbox.len_before(7)), (&b"ef"[..], 0, 2));
        outbox.take_replies(2);
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_spare_outbox_shrinks_only_if_it_has_become_large() {
        let capacity = |len: usize| {
            let mut outbox = Outbox::default();
            outbox.reply(0, &vec![b'x'; len], 1 << 14);
            outbox.clear();
            outbox.shrink();
            outbox.replies.buffer.capacity()
        };
        assert_eq!([100, LARGE, LARGE + 1].map(capacity), [256, LARGE, 0]);
    }

    #[test]
    fn a_full_buffer_stays_within_its_bound() {
        let mut outbox = Outbox::default();
        for round in 0..1_000 {
            while outbox.has_room(7, 10, 100) {
                outbox.reply(round, b"1234567", 100);
            }
            assert!(outbox.replies.buffer.capacity() <= 100);
            outbox.take_replies(5);
        }
    }

    #[test]
    fn a_buffer_never_grows_beyond_its_limit() {
        const MOST: usize = 1_000;
        for first in (1..=MOST).step_by(37) {
            for taken in [0, first / 2, first] {
                for second in (1..=MOST - (first - taken)).step_by(41) {
                    let mut bytes = Bytes::default();
                    bytes.extend(&[b'1'; MOST][..first], MOST);
                    bytes.take(taken);
                    bytes.extend(&[b'2'; MOST][..second], MOST);
                    assert_eq!(bytes.len(), first - taken + second);
                    let held = bytes.buffer.capacity();
                    assert!(held <= MOST, "{held} bytes: {first} less {taken} and {second}");
                }
            }
        }
    }

    #[test]
    fn appending_byte_by_byte_reallocates_only_a_few_times() {
        let (mut bytes, mut moved) = (Bytes::default(), 0);
        for _ in 0..16_384 {
            let before = bytes.buffer.capacity();
            bytes.extend(b"x", 16_384);
            moved += usize::from(bytes.buffer.capacity() != before);
        }
        // The buffer starts with 256 bytes and doubles.
        assert!(moved <= 7, "{moved} times");
    }

    #[test]
    fn replies_at_one_place_share_a_mark() {
        let mut outbox = Outbox::default();
        for _ in 0..10 * MAX_MARKS {
            assert!(outbox.has_room(1, 1, 1_000));
            outbox.reply(5, b"x", 1_000);
        }
        assert_eq!(outbox.len_before(5), 10 * MAX_MARKS);
    }

    #[test]
    fn places_run_out_before_memory_does() {
        let mut outbox = Outbox::default();
        let placed = (0..).take_while(|at| {
            outbox.has_room(1, 1, 1_000) && {
                outbox.reply(*at, b"x", 1_000);
                true
            }
        });
        assert_eq!(placed.count(), MAX_MARKS - 1);
        outbox.reply(1_000, b"last words", 1_000);
        assert!(outbox.marks.capacity() <= MAX_MARKS);
    }
}
