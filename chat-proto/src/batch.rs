//! Bytes to send, copied out of the hub.

use alloc::vec::Vec;

use crate::id::SessionId;
use crate::session::table::LOBBY;
use crate::wire::dialect::irc::tagged::View;
use crate::wire::framing::{Format, MessageKind, wrap};

/// A copy of the bytes to send to one or more sessions, filled by [`Hub::fill`](crate::Hub::fill).
///
/// It can be written while the hub is used by others: a driver that shares its hub between threads copies under the
/// lock and writes after it. Readers at the same position in the log share one copy, so filling the batch for the next
/// of them costs nothing.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    /// Where the log's entries end, counted in bytes from the first. Kept because the log may evict them before the
    /// batch is written.
    ends: Vec<u32>,
    /// Whether some entries have no bytes, because the readers did not ask for them.
    has_hidden: bool,
    out: HandOut,
    /// The entries, if they come from several logs. Empty if they are consecutive entries of one log.
    lines: Vec<Line>,
    /// The session that `lines` is for.
    owner: Option<SessionId>,
    /// Whether it has entries with labels, or from a log other than the lobby's. A session that is only in the lobby
    /// cannot use such a batch, and this flag makes that one test.
    is_for_placed: bool,
}

/// What a session is to be sent: private bytes, then entries of one log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HandOut {
    pub(crate) format: Format,
    /// Which lines and tags of IRC the reader is shown.
    pub(crate) view: View,
    /// The entries have labels.
    pub(crate) labelled: bool,
    /// The log, by its number.
    pub(crate) log: u32,
    /// The serial number of that log: another may have had its number.
    pub(crate) log_serial: u32,
    /// Bytes that go out before everything else.
    pub(crate) front: usize,
    /// Bytes of replies.
    pub(crate) replies: usize,
    /// How many of these only wrap them as messages.
    pub(crate) wrapping: usize,
    /// The log's entries from this …
    pub(crate) from: u64,
    /// … up to but not including this.
    pub(crate) to: u64,
}

/// An entry of a log in a batch with entries of several.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// The place with which the session reads the log.
    pub(crate) place: u32,
    pub(crate) seq: u64,
    /// Where it ends, counted in bytes from the first entry. A copy of an entry before it, which is shown once, has no
    /// bytes.
    pub(crate) end: u32,
}

impl HandOut {
    pub(crate) fn is_empty(&self) -> bool {
        self.front == 0 && self.replies == 0 && self.from >= self.to
    }

    pub(crate) fn private(&self) -> usize {
        self.front + self.replies
    }

    /// Returns whether only sessions with places can use it, not those that are only in the lobby.
    #[inline]
    fn is_for_placed(&self) -> bool {
        self.log != LOBBY || self.labelled || self.view != View::PLAIN
    }
}

impl Batch {
    /// Makes an empty batch; its buffer grows with its first use and is kept.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an empty batch that holds that many bytes and messages before its buffers grow.
    #[must_use]
    pub fn with_capacity(bytes: usize, messages: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(messages),
            lines: Vec::with_capacity(messages),
            ..Self::default()
        }
    }

    /// Returns the bytes to write.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.has_hidden = false;
        self.out = HandOut::default();
        if self.is_for_placed {
            self.lines.clear();
            (self.owner, self.is_for_placed) = (None, false);
        }
    }

    pub(crate) fn out(&self) -> &HandOut {
        &self.out
    }

    /// Returns the entries that come from several logs and the session they are for, if there are any.
    pub(crate) fn lines(&self) -> Option<(SessionId, &[Line])> {
        Some((self.owner?, &self.lines))
    }

    /// Returns whether this copy can serve a session that is to be handed `out`.
    #[inline]
    pub(crate) fn fits(&self, out: &HandOut) -> bool {
        let shared = HandOut { to: self.out.to, ..*out };
        self.out == shared
            && out.private() == 0
            && !self.bytes.is_empty()
            && self.owner.is_none()
            && self.out.to <= out.to
    }

    /// Returns whether this copy can serve a session that reads the lobby only, has no private bytes, and is to be
    /// handed those entries.
    #[inline]
    pub(crate) fn fits_simple(&self, format: Format, from: u64, to: u64) -> bool {
        let is_same = !self.is_for_placed && self.out.format == format && self.out.from == from;
        is_same && self.out.private() == 0 && !self.bytes.is_empty() && self.out.to <= to
    }

    /// Returns whether a session that is only in the lobby can use it.
    #[inline]
    pub(crate) fn is_for_simple(&self) -> bool {
        !self.is_for_placed
    }

    /// Copies the pieces of a hand-out: private bytes, then entries of one log.
    #[inline]
    pub(crate) fn copy(&mut self, pieces: [&[u8]; 4], ends: impl Iterator<Item = u32>, out: HandOut) {
        self.clear();
        for piece in pieces {
            self.bytes.extend_from_slice(piece);
        }
        self.ends.extend(ends);
        self.out = out;
        self.is_for_placed = out.is_for_placed();
    }

    /// Begins with private pieces, the second of which has lines. Other lines follow.
    #[inline]
    pub(crate) fn begin(&mut self, pieces: [&[u8]; 2], out: HandOut) {
        match out.format.messages() {
            None => self.copy([pieces[0], pieces[1], &[], &[]], core::iter::empty(), out),
            Some(kind) => self.begin_messages(kind, pieces, out),
        }
    }

    /// Does the same with messages.
    #[inline(never)] // What wraps lines takes registers that those without do not need.
    pub(crate) fn begin_messages(&mut self, kind: MessageKind, pieces: [&[u8]; 2], out: HandOut) {
        self.clear();
        self.bytes.extend_from_slice(pieces[0]);
        wrap::wrap(kind, pieces[1], &mut self.bytes);
        let replies = self.bytes.len() - out.front;
        self.out = HandOut { replies, wrapping: replies - out.replies, ..out };
        self.is_for_placed = out.is_for_placed();
    }

    /// Appends lines, wrapped as messages if its readers receive messages.
    #[inline]
    fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        if let Some(kind) = self.out.format.messages() {
            wrap::wrap_update(kind, start, &mut self.bytes);
        }
    }

    /// Appends an entry of the one log.
    pub(crate) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let before = self.log_len();
        self.append(write);
        let end = self.log_len();
        self.has_hidden |= end == before;
        self.ends.push(end);
        self.out.to += 1;
    }

    /// Appends an entry of one of several logs, which are for one session only.
    pub(crate) fn push_line(&mut self, owner: SessionId, write: impl FnOnce(&mut Vec<u8>), place: u32, seq: u64) {
        self.append(write);
        self.push_copy(owner, place, seq);
    }

    /// Appends an entry that is a copy of the one before it, and so has no bytes.
    pub(crate) fn push_copy(&mut self, owner: SessionId, place: u32, seq: u64) {
        let end = self.log_len();
        self.lines.push(Line { place, seq, end });
        (self.owner, self.is_for_placed) = (Some(owner), true);
    }

    /// Returns how many bytes of logs there are.
    pub(crate) fn log_len(&self) -> u32 {
        (self.bytes.len() - self.out.private()) as u32
    }

    /// Returns how many of the first `entries` are shown. Entries that a reader of IRC did not ask for have no bytes.
    pub(crate) fn shown(&self, entries: usize) -> u64 {
        if !self.has_hidden {
            return entries as u64;
        }
        let mut last = 0;
        self.ends[..entries].iter().filter(|end| core::mem::replace(&mut last, **end) != **end).count() as u64
    }

    /// Finds the log's entry that a reader is in after the first `n` bytes, and the rest of that entry, which is empty
    /// if `n` ends with an entry. Entries behind it that have no bytes are not passed. `None` if no entry was begun.
    #[inline(always)] // Nearly all sessions need it at one place only.
    pub(crate) fn seek(&self, n: usize) -> Option<(u64, &[u8])> {
        let private = self.out.private();
        let position = n.checked_sub(private).filter(|position| *position > 0)?;
        let index = self.ends.partition_point(|end| (*end as usize) < position);
        let (seq, end) = (self.out.from + index as u64, self.ends[index] as usize);
        Some(if end == position { (seq + 1, &[]) } else { (seq, &self.bytes[n..private + end]) })
    }

    /// Finds how many of several logs' lines are taken, wholly or in part, after the first `n` bytes, and the rest of
    /// the last, which is empty if it is taken wholly.
    pub(crate) fn seek_lines(&self, n: usize) -> (usize, &[u8]) {
        let private = self.out.private();
        let Some(position) = n.checked_sub(private).filter(|position| *position > 0) else { return (0, &[]) };
        let whole = self.lines.partition_point(|line| line.end as usize <= position);
        let last = whole.checked_sub(1).map_or(0, |last| self.lines[last].end as usize);
        if last == position {
            return (whole, &[]);
        }
        // The copies of a line that was begun are read with it.
        let end = self.lines[whole].end;
        let begun = self.lines[whole..].iter().take_while(|line| line.end == end).count();
        (whole + begun, &self.bytes[n..private + end as usize])
    }
}
