//! WebSocket (RFC 6455) as a server speaks it, after the upgrade: messages in, messages out.
//!
//! Each message is one line, and each line is one message without its line end, as IRCv3 has it ("WebSocket support").
//! A line end at the end of a message is left out. One within a message becomes a space, so that nothing can be put into
//! another line. Text is checked as it comes. Peers may send messages of either kind.
//!
//! A message that is too long is answered and discarded up to its end, as a line is, and each KiB of it costs as much as
//! a line. So does each KiB of headers of fragments, and so does each control frame; an announced length costs nothing.
//! Of several pings the last is answered. There are no extensions, and so no compression.
//!
//! A session that is closed is sent its last words, and then a close frame with one of these codes:
//!
//! | code | why |
//! | --- | --- |
//! | the peer's own | it has sent a close frame |
//! | 1000 | it has quit, or ended its input |
//! | 1001 | the server shuts down |
//! | 1002, 1007 | it has broken a [rule](Violation) |
//! | 1008 | all other reasons: it was kicked, silent, too slow, or is no chat client |

use alloc::boxed::Box;
use alloc::vec::Vec;

use base64_simd::{Out, STANDARD};
use memchr::memchr;
use sha1::{Digest as _, Sha1};
use simdutf8::compat::from_utf8;

use super::MessageKind;
pub use super::frame::Violation;
use super::frame::{MAX_CONTROL, Opcode, Payload, head_len, unmask};
use super::lines::{CHARGE, Framer, Partial, Progress};
use super::wrap::{Control, message_head};
use crate::pool::Buffers;

/// Returns the value of `Sec-WebSocket-Accept` with which a server answers a client's `Sec-WebSocket-Key`, given
/// without white space around it (RFC 6455, section 4.2.2).
///
/// ```
/// let accept = chat_proto::websocket::accept_key(b"dGhlIHNhbXBsZSBub25jZQ==");
/// assert_eq!(&accept, b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
#[must_use]
pub fn accept_key(key: &[u8]) -> [u8; 28] {
    let digest = Sha1::new().chain_update(key).chain_update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
    let mut accept = [0; 28];
    let written = STANDARD.encode(&digest, Out::from_slice(&mut accept)).len();
    debug_assert_eq!(written, accept.len());
    accept
}

/// Cuts a client's bytes into messages, for servers that are no chat: see the example `echo`.
///
/// A [`Hub`](crate::Hub) has one for each session, within what sessions need anyway.
#[derive(Debug)]
pub struct Decoder {
    framer: Framer,
    buffers: Buffers<Partial>,
    max_len: usize,
}

/// What a client has sent, from [`Decoder::next`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A message, of whatever kind and bytes; a text is UTF-8.
    Data(MessageKind, Vec<u8>),
    /// A ping with that payload, which is to be sent back with [`encode_pong`].
    Ping(Vec<u8>),
    /// A pong, which is not answered.
    Pong,
    /// The client closes, with that code if it gives one: answer with [`encode_close`], and send nothing more.
    Close(Option<u16>),
}

impl Decoder {
    /// Makes a decoder for messages of at most that many bytes. It allocates no more for a message than has come of it.
    #[must_use]
    pub fn new(max_len: usize) -> Self {
        Self { framer: Framer::default(), buffers: Buffers::default(), max_len }
    }

    /// Takes bytes up to the end of a message, or all of them if none ends; returns how many, now and then none. Call it
    /// again with the rest as long as there is any.
    ///
    /// # Errors
    ///
    /// The client has broken a rule: close with its [code](Violation::close_code), and call this no more.
    pub fn next(&mut self, input: &[u8]) -> Result<(usize, Option<Message>), Violation> {
        let (taken, incoming) = self.framer.next_message(input, self.max_len, &mut self.buffers);
        let message = match incoming {
            Incoming::Message(kind, partial) => Message::Data(kind, partial.bytes),
            Incoming::Ping(payload) => Message::Ping(payload.to_vec()),
            Incoming::Pong => Message::Pong,
            Incoming::Close(code) => Message::Close(code),
            Incoming::TooLong { .. } => return Err(Violation::TooLong),
            Incoming::Broken(violation) => return Err(violation),
            Incoming::Costs | Incoming::More => return Ok((taken, None)),
        };
        Ok((taken, Some(message)))
    }
}

/// Appends a message for a client.
pub fn encode(kind: MessageKind, payload: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&message_head(kind, payload.len()));
    out.extend_from_slice(payload);
}

/// Appends the answer to a [ping](Message::Ping): the first 125 bytes of the payload, and it has no more.
pub fn encode_pong(payload: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&Control::Pong(payload.iter().copied().take(MAX_CONTROL).collect()).frame());
}

/// Appends a close frame, with that code if there is one.
pub fn encode_close(code: Option<u16>, out: &mut Vec<u8>) {
    out.extend_from_slice(&Control::Close(code).frame());
}

/// What the next bytes of the input are.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A whole message.
    Message(MessageKind, Box<Partial>),
    /// A message that has just passed the limit. Reported now, because its end may never come.
    TooLong {
        /// Its start.
        begun: Box<Partial>,
    },
    /// To be answered with the same payload.
    Ping(Payload),
    Pong,
    /// The peer closes, with that code if it gives one.
    Close(Option<u16>),
    /// So many bytes came without a message that they cost as much as a line.
    Costs,
    /// The peer has broken a rule. Nothing that follows has a meaning.
    Broken(Violation),
    /// Nothing ends here: more input is needed.
    More,
}

impl Framer {
    /// Takes bytes up to the end of a message or of a control frame, or all of them if none ends; returns how many.
    pub(crate) fn next_message(
        &mut self,
        input: &[u8],
        max_len: usize,
        buffers: &mut Buffers<Partial>,
    ) -> (usize, Incoming) {
        let mut partial = self.partial.take().unwrap_or_else(|| buffers.take());
        let (taken, incoming) = self.advance(&mut partial, input, max_len);
        let incoming = match incoming {
            Next::Message(kind) => return (taken, Incoming::Message(kind, partial)),
            Next::TooLong => {
                let mut rest = buffers.take();
                rest.progress = core::mem::take(&mut partial.progress);
                (rest.progress.held, rest.progress.checked) = (0, 0);
                let begun = core::mem::replace(&mut partial, rest);
                Incoming::TooLong { begun }
            }
            Next::Other(incoming) => incoming,
        };
        let Partial { progress, .. } = &*partial;
        if progress.head.is_empty() && progress.frame.is_none() && progress.message.is_none() {
            buffers.give(partial);
        } else {
            self.partial = Some(partial);
        }
        (taken, incoming)
    }

    /// Takes bytes up to the end of something that is to be reported.
    fn advance(&mut self, partial: &mut Partial, input: &[u8], max_len: usize) -> (usize, Next) {
        let mut taken = 0;
        loop {
            let rest = &input[taken..];
            let frame = partial.progress.frame;
            // A frame that is complete comes first: no more input may follow that would ask for it.
            if usize::from(self.discarded) >= CHARGE && frame.is_none_or(|frame| frame.left > 0) {
                self.discarded -= CHARGE as u16;
                return (taken, Next::Other(Incoming::Costs));
            }
            let (n, next) = match frame {
                None => self.take_head(partial, rest),
                Some(frame) if frame.opcode.is_control() => partial.take_control(rest, max_len),
                Some(_) if partial.progress.discarding => self.discard_payload(partial, rest),
                Some(_) => partial.take_data(rest, max_len),
            };
            taken += n;
            if let Some(next) = next {
                return (taken, next);
            }
            if taken == input.len() && partial.progress.frame.is_none_or(|frame| frame.left > 0) {
                return (taken, Next::Other(Incoming::More));
            }
        }
    }

    /// Takes bytes of a header.
    fn take_head(&mut self, partial: &mut Partial, input: &[u8]) -> (usize, Option<Next>) {
        let progress = &mut partial.progress;
        let (n, head) = progress.head.take(input);
        let head = match head {
            Ok(Some(head)) => head,
            Ok(None) => return (n, None),
            Err(violation) => return (n, Some(Next::Other(Incoming::Broken(violation)))),
        };
        let message = match (head.opcode, progress.message) {
            (Opcode::Text, None) => Ok(Some(MessageKind::Text)),
            (Opcode::Binary, None) => Ok(Some(MessageKind::Binary)),
            (Opcode::Text | Opcode::Binary, Some(_)) => Err(Violation::Unfinished),
            (Opcode::Continuation, None) => Err(Violation::NothingToContinue),
            (Opcode::Continuation, message) => {
                // Without this, fragments without payload could be sent for ever at no cost.
                self.discarded += client_head_len(head.left);
                Ok(message)
            }
            (_, message) => Ok(message),
        };
        match message {
            Ok(message) => (progress.message, progress.frame) = (message, Some(head)),
            Err(violation) => return (n, Some(Next::Other(Incoming::Broken(violation)))),
        }
        (n, None)
    }

    /// Discards bytes of a message over the limit, up to the end of the frame or the next charge.
    fn discard_payload(&mut self, partial: &mut Partial, input: &[u8]) -> (usize, Option<Next>) {
        let most = CHARGE.saturating_sub(usize::from(self.discarded));
        let n = partial.progress.pass(input.len(), most);
        self.discarded += n as u16;
        // Nothing of it is reported.
        partial.progress.end_frame();
        (n, None)
    }
}

impl Partial {
    /// Takes bytes of the payload of a message.
    fn take_data(&mut self, input: &[u8], max_len: usize) -> (usize, Option<Next>) {
        let room = max_len - self.progress.held;
        if room == 0 && !input.is_empty() && self.progress.frame.is_some_and(|frame| frame.left > 0) {
            self.progress.pass(1, 1);
            self.progress.discarding = true;
            self.progress.end_frame();
            return (1, Some(Next::TooLong));
        }
        let n = self.append(input, room, max_len);
        self.progress.held += n;
        let is_whole = self.progress.frame.is_some_and(|frame| frame.left == 0 && frame.is_last);
        if let Err(violation) = self.check(is_whole) {
            return (n, Some(Next::Other(Incoming::Broken(violation))));
        }
        (n, self.progress.end_frame().map(Next::Message))
    }

    /// Checks that a text is UTF-8 as far as it has come.
    fn check(&mut self, is_whole: bool) -> Result<(), Violation> {
        let Progress { message, checked, .. } = &mut self.progress;
        if *message != Some(MessageKind::Text) {
            return Ok(());
        }
        match from_utf8(&self.bytes[*checked..]) {
            Ok(text) => *checked += text.len(),
            // A character may be cut.
            Err(error) if error.error_len().is_none() && !is_whole => *checked += error.valid_up_to(),
            Err(_) => return Err(Violation::NotUtf8),
        }
        Ok(())
    }

    /// Takes bytes of the payload of a control frame.
    fn take_control(&mut self, input: &[u8], max_len: usize) -> (usize, Option<Next>) {
        let n = self.append(input, MAX_CONTROL, max_len);
        let Some(frame) = self.progress.frame.take_if(|frame| frame.left == 0) else { return (n, None) };
        let payload: Payload = self.bytes.drain(self.progress.held..).collect();
        let incoming = match frame.opcode {
            Opcode::Ping => Incoming::Ping(payload),
            Opcode::Pong => Incoming::Pong,
            _ => closing(&payload).map_or_else(Incoming::Broken, Incoming::Close),
        };
        (n, Some(Next::Other(incoming)))
    }

    /// Appends bytes of the payload, at most `most`, without their mask; returns how many.
    fn append(&mut self, input: &[u8], most: usize, max_len: usize) -> usize {
        let (start, key) = (self.bytes.len(), self.progress.frame.map(|frame| frame.key).unwrap_or_default());
        let n = self.progress.pass(input.len(), most);
        self.extend(&input[..n], max_len + MAX_CONTROL - 1);
        unmask(&mut self.bytes[start..], key);
        n
    }

    /// Makes a message the line that it stands for.
    pub(crate) fn make_line(&mut self) {
        if self.bytes.last() == Some(&b'\n') {
            self.bytes.pop();
        }
        let mut from = 0;
        while let Some(at) = memchr(b'\n', &self.bytes[from..]) {
            self.bytes[from + at] = b' ';
            from += at + 1;
        }
    }
}

impl Progress {
    /// Counts as many bytes of the payload as taken as are there, at most `most`; returns how many.
    fn pass(&mut self, available: usize, most: usize) -> usize {
        let Some(frame) = &mut self.frame else { return 0 };
        let n = frame.of(available, most);
        frame.pass(n);
        n
    }

    /// Ends the frame if all of it has come; returns the kind of the message that ends with it, unless that was
    /// discarded.
    fn end_frame(&mut self) -> Option<MessageKind> {
        let frame = self.frame.take_if(|frame| frame.left == 0)?;
        let kind = self.message.take_if(|_| frame.is_last)?;
        let was_discarded = core::mem::take(&mut self.discarding);
        (self.held, self.checked) = (0, 0);
        (!was_discarded).then_some(kind)
    }
}

/// What has ended, where the message that has begun stays where it is.
enum Next {
    Message(MessageKind),
    TooLong,
    Other(Incoming),
}

/// Returns the code that a close frame gives, if any.
fn closing(payload: &[u8]) -> Result<Option<u16>, Violation> {
    let (code, reason) = match payload {
        [] => return Ok(None),
        [_] => return Err(Violation::CloseCode),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
    };
    // RFC 6455, section 7.4.2, and the registry of codes that it began.
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Violation::CloseCode);
    }
    from_utf8(reason).map_or(Err(Violation::NotUtf8), |_| Ok(Some(code)))
}

/// Returns how many bytes the header of a client's frame has.
fn client_head_len(len: u64) -> u16 {
    head_len(usize::try_from(len).unwrap_or(usize::MAX)) as u16 + 4
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec;

    use super::*;

    /// Feeds the pieces to a decoder with a limit of 100, and returns what it made of them.
    fn decoded(pieces: &[&[u8]]) -> Vec<String> {
        let (mut decoder, mut out) = (Decoder::new(100), Vec::new());
        for piece in pieces {
            let mut input = *piece;
            while !input.is_empty() {
                match decoder.next(input) {
                    Ok((n, message)) => {
                        input = &input[n..];
                        out.extend(message.map(|message| alloc::format!("{message:?}")));
                    }
                    Err(violation) => {
                        out.push(alloc::format!("{violation}"));
                        return out;
                    }
                }
            }
        }
        out
    }

    #[test]
    fn any_cut_gives_the_same_messages() {
        for input in [
            &b"\x81\x83\x01\x02\x03\x04`bc\x89\x80\0\0\0\0\x88\x82\0\0\0\0\x03\xe8"[..],
            b"\x01\x82\0\0\0\0\xe2\x82\x8a\x81\0\0\0\0x\x80\x81\0\0\0\0\xac\x82\xfe\0\x7e",
            b"\x01\x81\0\0\0\0\xe2\x80\x81\0\0\0\0\xe2",
            b"\x02\x80\0\0\0\0\0\x80\0\0\0\0\x80\xe5\0\0\0\0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
              aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            let whole = decoded(&[input]);
            assert!(!whole.is_empty());
            for i in 0..input.len() {
                for j in i..input.len() {
                    assert_eq!(decoded(&[&input[..i], &input[i..j], &input[j..]]), whole, "cut at {i} and {j}");
                }
            }
            assert_eq!(decoded(&input.chunks(1).collect::<Vec<_>>()), whole);
        }
    }

    #[test]
    fn an_idle_session_holds_nothing_and_a_message_no_more_than_its_bound() {
        let (mut framer, mut buffers) = (Framer::default(), Buffers::default());
        // Announces 1 GiB and sends 300 bytes, which are discarded after a hundred; a ping comes between.
        let input = [&b"\x02\xff\0\0\0\0\x40\0\0\0\0\0\0\0"[..], &[b'x'; 300]].concat();
        for byte in input {
            framer.next_message(&[byte], 100, &mut buffers);
            let held = framer.partial.as_ref().map_or(0, |it| size_of::<Partial>() + it.bytes.capacity());
            assert!(held <= Partial::memory_bound(100), "{held} bytes");
        }
        let mut framer = Framer::default();
        for byte in *b"\x81\x81\0\0\0\0x\x89\x80\0\0\0\0" {
            framer.next_message(&[byte], 100, &mut buffers);
        }
        assert!(framer.partial.is_none());
    }

    #[test]
    fn fragments_without_payload_and_what_is_discarded_cost_as_much_as_lines() {
        let head = |first, len: u16| [&[first, 0xfe][..], &len.to_be_bytes(), &[0; 4]].concat();
        let fragments = [&b"\x01\x80\0\0\0\0"[..], &b"\0\x80\0\0\0\0".repeat(1_024)].concat();
        let discarded = [head(2, 100 + 1 + 6 * CHARGE as u16), vec![0; 101 + 6 * CHARGE]].concat();
        for input in [fragments, discarded] {
            for size in [1, 7, 1_000, input.len()] {
                let (mut framer, mut buffers, mut charged) = (Framer::default(), Buffers::default(), 0);
                for mut piece in input.chunks(size) {
                    while !piece.is_empty() {
                        let (n, incoming) = framer.next_message(piece, 100, &mut buffers);
                        piece = &piece[n..];
                        charged += usize::from(matches!(incoming, Incoming::Costs));
                    }
                }
                assert_eq!(charged + usize::from(framer.discarded) / CHARGE, 6, "in pieces of {size}");
            }
        }
    }
}
