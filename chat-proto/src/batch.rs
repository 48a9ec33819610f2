//! Bytes to send, copied out of the hub.

use alloc::vec::Vec;

/// A copy of the bytes to send to one or more sessions, filled by [`Hub::fill`](crate::Hub::fill).
///
/// It can be written while the hub is used by others: a driver that shares its hub between threads copies under the
/// lock and writes after it. Readers at the same place in the log share one copy, so filling the batch for the next of
/// them costs nothing.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    /// Where the log's entries end, counted in bytes from the first. Kept because the log may evict them before the
    /// batch is written.
    ends: Vec<u32>,
    dialect: u8,
    out: HandOut,
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
        Self { bytes: Vec::with_capacity(bytes), ends: Vec::with_capacity(messages), ..Self::default() }
    }

    /// Returns the bytes to write.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.out = HandOut::default();
    }

    pub(crate) fn dialect(&self) -> u8 {
        self.dialect
    }

    pub(crate) fn out(&self) -> &HandOut {
        &self.out
    }

    /// Returns whether this copy can serve a session of that dialect that is to be handed `out`.
    pub(crate) fn fits(&self, dialect: u8, out: &HandOut) -> bool {
        let shared = HandOut { front: 0, replies: 0, from: self.out.from, to: self.out.to };
        let all_of_log = self.out == shared && out.front + out.replies == 0;
        all_of_log
            && !self.bytes.is_empty()
            && self.dialect == dialect
            && self.out.from == out.from
            && self.out.to <= out.to
    }

    /// Copies the pieces of a hand-out.
    pub(crate) fn copy(&mut self, pieces: [&[u8]; 4], ends: impl Iterator<Item = u32>, dialect: u8, out: HandOut) {
        self.clear();
        for piece in pieces {
            self.bytes.extend_from_slice(piece);
        }
        self.ends.extend(ends);
        self.dialect = dialect;
        self.out = out;
    }

    /// Finds the log's entry that a reader is in after the first `n` bytes, and the rest of that entry, which is empty
    /// if `n` ends with an entry. `None` if no entry was begun.
    pub(crate) fn seek(&self, n: usize) -> Option<(u64, &[u8])> {
        let private = self.out.front + self.out.replies;
        let position = n.checked_sub(private).filter(|position| *position > 0)?;
        let index = self.ends.partition_point(|end| *end as usize <= position);
        let seq = self.out.from + index as u64;
        let ends_here = self.ends[index - usize::from(index > 0)] as usize == position;
        Some((seq, if ends_here { &[] } else { &self.bytes[n..private + self.ends[index] as usize] }))
    }
}

/// What is handed out at once: first private bytes, then a range of the log.
///
/// The range ends before a message of the reader's own, or before a reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HandOut {
    /// Bytes of the outbox's front.
    pub(crate) front: usize,
    /// Bytes of replies.
    pub(crate) replies: usize,
    /// The log's entries from here …
    pub(crate) from: u64,
    /// … up to but not including this.
    pub(crate) to: u64,
}

impl HandOut {
    pub(crate) fn is_empty(&self) -> bool {
        self.front == 0 && self.replies == 0 && self.from >= self.to
    }
}
