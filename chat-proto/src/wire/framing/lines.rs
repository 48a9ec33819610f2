//! Framing: cutting bytes into lines.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::ops::BitOr;

use super::MessageKind;
use super::frame::{Head, HeadBytes, MAX_CONTROL};
use crate::fault::Fault;
use crate::pool::{Buffers, Recycle};

/// A session's state within the line that it is receiving.
///
/// A line that arrives whole is borrowed from the input. Only a line that is split across reads is copied, into a
/// buffer that the session holds until the line is complete.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    pub(super) partial: Option<Box<Partial>>,
    /// The line is over the limit; its bytes are discarded up to its end.
    discarding: bool,
    /// How many bytes were discarded since the last [charge](Frame::Discarded).
    pub(super) discarded: u16,
}

/// How many bytes of a line over the limit cost as much as a line.
pub(crate) const CHARGE: usize = 1 << 10;

/// The beginning of a line whose end has not come yet.
///
/// `Debug` does not show it: it may be a password.
#[derive(Default)]
pub(crate) struct Partial {
    pub(super) bytes: Vec<u8>,
    /// Where the peer is within a message, if it sends such.
    pub(super) progress: Progress,
}

/// Where a peer is within a frame and a message of [WebSocket](super::websocket).
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The beginning of a header.
    pub(super) head: HeadBytes,
    /// The frame whose payload comes next.
    pub(super) frame: Option<Head>,
    /// The kind of the message of which a frame has begun.
    pub(super) message: Option<MessageKind>,
    /// The message is over the limit; its bytes are discarded up to its end.
    pub(super) discarding: bool,
    /// How many bytes of the message are held. Those of a control frame stand behind them.
    pub(super) held: usize,
    /// How many of these are UTF-8.
    pub(super) checked: usize,
}

impl Recycle for Partial {
    fn clear(&mut self) {
        // The memory is kept, and must not keep a password.
        self.bytes.fill(0);
        self.bytes.clear();
        self.progress = Progress::default();
    }
}

impl fmt::Debug for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partial").field("len", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl Partial {
    /// Bytes of heap for a partial line of at most `max_line` bytes and its CR, or for a message of as many and a
    /// control frame within it.
    pub(crate) const fn memory_bound(max_line: usize) -> usize {
        size_of::<Self>() + max_line + MAX_CONTROL
    }

    pub(crate) fn as_line(&self) -> &[u8] {
        without_cr(&self.bytes)
    }

    /// Returns the start of a line that is too long.
    pub(crate) fn start(&self) -> &[u8] {
        &self.bytes[..self.bytes.len().min(START)]
    }

    /// Copies a line, so that [`as_line`](Self::as_line) returns it.
    pub(crate) fn set_line(&mut self, line: &[u8], max_line: usize) {
        self.extend(line, max_line);
        if line.last() == Some(&b'\r') {
            self.extend(b"\r", max_line);
        }
    }

    #[inline]
    pub(super) fn extend(&mut self, bytes: &[u8], max_line: usize) {
        if bytes.len() > self.bytes.capacity() - self.bytes.len() {
            self.grow(bytes.len(), max_line);
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Makes room for `more` bytes.
    #[cold]
    fn grow(&mut self, more: usize, max_line: usize) {
        let needed = self.bytes.len() + more;
        // Doubling, so that a line sent byte by byte costs no more than one sent at once; but never past the limit.
        let capacity = needed.max(2 * self.bytes.capacity()).max(64).min(max_line + 1);
        self.bytes.reserve_exact(capacity - self.bytes.len());
    }
}

/// How many bytes of a line that is too long are kept to recognise other protocols: at most the least `max_line`.
pub(crate) const START: usize = 64;

/// What the next bytes of the input are.
#[derive(Debug)]
pub(crate) enum Frame<'a> {
    /// A line that came whole, without its line end.
    Whole(&'a [u8]),
    /// A line that came in pieces.
    Joined(Box<Partial>),
    /// A line that has just passed the limit. Reported now, because its end may never come.
    TooLong {
        /// Its [start](Partial::start).
        begun: Box<Partial>,
    },
    /// So many bytes of a line over the limit were discarded that they cost as much as another line.
    Discarded,
    /// No line ends here: more input is needed.
    More,
}

impl Framer {
    /// Takes bytes up to the end of a line, or all of them if none ends; returns how many.
    #[inline]
    pub(crate) fn next<'a>(
        &mut self,
        input: &'a [u8],
        max_line: usize,
        buffers: &mut Buffers<Partial>,
    ) -> (usize, Frame<'a>) {
        if self.partial.is_none() && !self.discarding {
            let end = line_end(input);
            if let Some(end) = end
                && end <= max_line
            {
                // The common case.
                return (end + 1, Frame::Whole(without_cr(&input[..end])));
            }
        }
        self.next_of_others(input, max_line, buffers)
    }

    /// Does the same for everything but whole lines.
    #[inline(never)]
    fn next_of_others<'a>(
        &mut self,
        input: &'a [u8],
        max_line: usize,
        buffers: &mut Buffers<Partial>,
    ) -> (usize, Frame<'a>) {
        if self.discarding {
            return self.discard(input);
        }
        let end = line_end(input);
        if end.is_none()
            && let Some(partial) = &mut self.partial
            && partial.bytes.len() + input.len() <= max_line
        {
            // The common case for a peer that sends a byte at a time.
            partial.extend(input, max_line);
            return (input.len(), Frame::More);
        }
        let piece = &input[..end.unwrap_or(input.len())];
        let taken = piece.len() + usize::from(end.is_some());
        let held = self.partial.as_ref().map_or(0, |partial| partial.bytes.len());
        // An unfinished line may hold one byte more than the limit if that is a CR, which may be part of the line end.
        let ends_in_cr = piece.last().or_else(|| self.partial.as_ref().and_then(|p| p.bytes.last())) == Some(&b'\r');
        if held + piece.len() - usize::from(ends_in_cr) > max_line {
            let mut begun = self.partial.take().unwrap_or_else(|| buffers.take());
            begun.extend(&piece[..piece.len().min(START.saturating_sub(held))], max_line);
            // Take as much as could have been held, at least one byte. The rest is charged as it is discarded.
            let kept = (max_line + 1).saturating_sub(held).max(1);
            let is_whole = end.is_some() && piece.len() <= kept;
            self.discarding = !is_whole && !Fault::TailOfLongLine.is_planted();
            return (if is_whole { taken } else { piece.len().min(kept) }, Frame::TooLong { begun });
        }
        if end.is_none() {
            if !piece.is_empty() {
                self.partial.get_or_insert_with(|| buffers.take()).extend(piece, max_line);
            }
            return (taken, Frame::More);
        }
        match self.partial.take() {
            None => (taken, Frame::Whole(without_cr(piece))),
            Some(mut partial) => {
                partial.extend(piece, max_line);
                (taken, Frame::Joined(partial))
            }
        }
    }

    /// Discards bytes of a line over the limit, up to its end or the next charge.
    fn discard<'a>(&mut self, input: &'a [u8]) -> (usize, Frame<'a>) {
        let most = (CHARGE - usize::from(self.discarded)).min(input.len());
        let end = line_end(&input[..most]);
        self.discarding = end.is_none();
        let taken = end.map_or(most, |end| end + 1);
        self.discarded += taken as u16;
        if usize::from(self.discarded) < CHARGE {
            return (taken, Frame::More);
        }
        self.discarded = 0;
        (taken, Frame::Discarded)
    }

    /// Holds a line until it can be carried out; no other line is framed meanwhile.
    pub(crate) fn hold(&mut self, line: Box<Partial>) {
        debug_assert!(self.partial.is_none(), "no line is framed while another is held");
        self.partial = Some(line);
    }

    /// Returns the line that is held.
    pub(crate) fn held(&self) -> Option<&Partial> {
        self.partial.as_deref()
    }

    /// Removes and returns the line that is held.
    pub(crate) fn take_held(&mut self) -> Option<Box<Partial>> {
        self.partial.take()
    }

    /// Drops the unfinished line.
    pub(crate) fn reset(&mut self, buffers: &mut Buffers<Partial>) {
        self.discarding = false;
        if let Some(partial) = self.partial.take() {
            buffers.give(partial);
        }
    }
}

/// Finds the first line end.
#[inline]
fn line_end(input: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xff;
    let mut at = 0;
    // The chunk size suits vectorised code; then eight bytes at a time, to find the line end.
    for chunk in input.as_chunks::<32>().0 {
        if chunk.iter().map(|byte| *byte == b'\n').fold(false, BitOr::bitor) {
            break;
        }
        at += chunk.len();
    }
    for eight in input[at..].as_chunks::<8>().0 {
        // Sets the high bit of each byte that is a line end. The subtraction may carry into bytes after the first one.
        let others = u64::from_le_bytes(*eight) ^ (ONES * u64::from(b'\n'));
        let ends = others.wrapping_sub(ONES) & !others & (ONES * 0x80);
        if ends != 0 {
            return Some(at + ends.trailing_zeros() as usize / 8);
        }
        at += eight.len();
    }
    input[at..].iter().position(|byte| *byte == b'\n').map(|end| at + end)
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec;
    use alloc::vec::Vec;
    use core::iter;

    use super::*;

    /// Feeds the pieces to a framer with a limit of 8, and returns what it made of them.
    fn frames(pieces: &[&[u8]]) -> Vec<String> {
        let (mut framer, mut buffers, mut out) = (Framer::default(), Buffers::default(), Vec::new());
        for mut input in pieces.iter().copied() {
            while !input.is_empty() {
                let (taken, frame) = framer.next(input, 8, &mut buffers);
                assert!(taken > 0 && taken <= input.len(), "some of the input is always taken");
                input = &input[taken..];
                match frame {
                    Frame::Whole(line) => out.push(String::from_utf8_lossy(line).into_owned()),
                    Frame::Joined(line) => out.push(String::from_utf8_lossy(line.as_line()).into_owned()),
                    Frame::TooLong { .. } => out.push("too long".into()),
                    Frame::More | Frame::Discarded => {}
                }
            }
        }
        out
    }

    #[test]
    fn lf_and_crlf_end_a_line_and_a_bare_cr_does_not() {
        assert_eq!(frames(&[b"a\nb\r\nc\rd\n\n\r\n"]), ["a", "b", "c\rd", "", ""]);
    }

    #[test]
    fn a_line_at_the_limit_is_whole_and_one_byte_more_is_too_long() {
        assert_eq!(frames(&[b"1234567\n12345678\n123456789\nx\n"]), ["1234567", "12345678", "too long", "x"]);
        assert_eq!(frames(&[b"12345678\r\n123456789\r\nx\n"]), ["12345678", "too long", "x"]);
    }

    #[test]
    fn any_cut_gives_the_same_lines() {
        let input = b"12345678\r\n12345678\r9\n123456789\nab\r\n\n12345678\rx\n12345678\n\rok\n";
        let whole = frames(&[input]);
        for i in 0..input.len() {
            for j in i..input.len() {
                assert_eq!(frames(&[&input[..i], &input[i..j], &input[j..]]), whole, "cut at {i} and {j}");
            }
        }
        assert_eq!(frames(&input.chunks(1).collect::<Vec<_>>()), whole);
    }

    #[test]
    fn a_line_without_end_is_reported_once_and_holds_no_buffer() {
        let (mut framer, mut buffers) = (Framer::default(), Buffers::default());
        let endless = vec![b'x'; 1000];
        assert!(matches!(framer.next(&endless, 8, &mut buffers), (9, Frame::TooLong { .. })));
        for _ in 0..10 {
            assert!(framer.next(&endless, 8, &mut buffers).0 > 0);
            assert!(framer.partial.is_none());
        }
    }

    #[test]
    fn discarded_bytes_are_charged_by_the_kib_however_they_arrive() {
        let line: Vec<u8> = iter::repeat_n(b'x', 9 + 3 * CHARGE + 5).chain([b'\n']).collect();
        for size in [1, 7, 1_000, CHARGE, line.len()] {
            let (mut framer, mut buffers, mut charged) = (Framer::default(), Buffers::default(), 0);
            // Twice: what is left over from the first line counts with the second.
            for piece in line.chunks(size).chain(line.chunks(size)) {
                let mut input = piece;
                while !input.is_empty() {
                    let (taken, frame) = framer.next(input, 8, &mut buffers);
                    input = &input[taken..];
                    charged += usize::from(matches!(frame, Frame::Discarded));
                }
            }
            assert_eq!(charged, 6, "in pieces of {size}");
        }
    }

    #[test]
    fn a_held_line_is_the_line_that_came() {
        for line in [&b""[..], b"abc", b"abc\r", b"\r\r"] {
            let mut partial = Partial::default();
            partial.set_line(line, 8);
            assert_eq!(partial.as_line(), line);
        }
    }

    #[test]
    fn the_start_of_a_line_that_is_too_long_is_kept_however_it_is_cut() {
        let line: Vec<u8> = (b' '..=b'~').collect();
        for cut in 0..line.len() {
            let (mut framer, mut buffers) = (Framer::default(), Buffers::default());
            let mut starts = Vec::new();
            for piece in [&line[..cut], &line[cut..], b"\n"] {
                let mut input = piece;
                while !input.is_empty() {
                    let (taken, frame) = framer.next(input, START, &mut buffers);
                    input = &input[taken..];
                    if let Frame::TooLong { begun } = frame {
                        starts.push(begun.start().to_vec());
                    }
                }
            }
            assert!(matches!(&starts[..], [start] if start[..] == line[..START]), "cut at {cut}: {starts:?}");
        }
    }

    #[test]
    fn a_partial_line_never_takes_more_than_its_bound() {
        let line: Vec<u8> = iter::repeat_n(b'x', 100).chain([b'\r']).collect();
        for size in 1..=line.len() {
            let (mut framer, mut buffers) = (Framer::default(), Buffers::default());
            for piece in line.chunks(size) {
                assert!(matches!(framer.next(piece, 100, &mut buffers), (_, Frame::More)));
            }
            let partial = framer.partial.expect("a line was begun");
            let held = size_of::<Partial>() + partial.bytes.capacity();
            assert!(held <= Partial::memory_bound(100), "{held} bytes, in pieces of {size}");
        }
    }

    #[test]
    fn receiving_byte_by_byte_reallocates_only_a_few_times() {
        let (mut partial, mut moved) = (Partial::default(), 0);
        for _ in 0..4_096 {
            let before = partial.bytes.capacity();
            partial.extend(b"x", 4_096);
            moved += usize::from(partial.bytes.capacity() != before);
        }
        // The buffer starts with 64 bytes and doubles.
        assert!(moved <= 7, "{moved} times");
    }
}
