//! Answers: a head, and a body that is sent from where it is.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{Display, Write as _};

/// The part of an answer that has not been sent.
#[derive(Debug, Default)]
pub(super) struct Response {
    pub(super) head: Vec<u8>,
    /// It follows the head. It belongs to the site, and is copied nowhere.
    pub(super) body: Option<Arc<[u8]>>,
    sent: usize,
}

impl Response {
    /// Returns the next bytes to be sent, nothing once all are.
    pub(super) fn pending(&self) -> &[u8] {
        match self.head.get(self.sent..) {
            Some(head) if !head.is_empty() => head,
            _ => self.body.as_ref().map_or(&[], |body| &body[self.sent - self.head.len()..]),
        }
    }

    /// Counts bytes that were sent. Its memory is free once all are.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent += bytes.min(self.pending().len());
        if self.pending().is_empty() {
            *self = Self::default();
        }
    }
}

/// Writes the status line, and the headers that every answer has. The caller adds its own and an empty line.
pub(super) fn begin(out: &mut Vec<u8>, status: &str, headers: &str, closes: bool) {
    let connection = if closes { "Connection: close\r\n" } else { "" };
    push(out, &format_args!("HTTP/1.1 {status}\r\n{headers}{connection}"));
}

/// Writes a whole answer that is a sentence. After HEAD it has no body.
pub(super) fn text(
    out: &mut Vec<u8>,
    status: &str,
    headers: &str,
    of_site: &str,
    words: &dyn Display,
    is_head: bool,
    closes: bool,
) {
    begin(out, status, headers, closes);
    let body: String = format!("{words}\n");
    let length = body.len();
    push(
        out,
        &format_args!(
            "{of_site}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\nCache-Control: no-store\r\n\r\n"
        ),
    );
    if !is_head {
        out.extend_from_slice(body.as_bytes());
    }
}

/// Writes formatted text.
pub(super) fn push(out: &mut Vec<u8>, text: &dyn Display) {
    struct Bytes<'a>(&'a mut Vec<u8>);
    impl core::fmt::Write for Bytes<'_> {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            self.0.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
    // Writing to memory does not fail.
    let _ = write!(Bytes(out), "{text}");
}
