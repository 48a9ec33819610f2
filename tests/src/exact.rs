//! A dialect for tests that expect every line.

use std::sync::Arc;
use std::time::Duration;

use chat_proto::Config;
use chat_proto::dialect::{Dialect, Request, Text, Update};

/// `text`, but with a line for each join and leave, however many there are, so that a script's output does not depend
/// on its speed. It has a name of its own, so that both can be served.
#[derive(Clone, Copy, Debug)]
pub struct Exact(pub &'static str);

impl Exact {
    /// Puts it in the place of `text`.
    pub fn replace_text(config: &mut Config) {
        for dialect in &mut config.dialects {
            if dialect.dialect.name() == Text.name() {
                dialect.dialect = Arc::new(Self("text"));
            }
        }
    }
}

impl Dialect for Exact {
    fn name(&self) -> &'static str {
        self.0
    }

    fn decode<'a>(&self, line: &'a [u8], named: bool, scratch: &'a mut Vec<u8>) -> Request<'a> {
        Text.decode(line, named, scratch)
    }

    fn encode(&self, update: &Update<'_>, out: &mut Vec<u8>) {
        Text.encode(update, out);
    }

    fn encoded_len(&self, payload: usize) -> usize {
        Text.encoded_len(payload)
    }

    fn has_rooms(&self) -> bool {
        Text.has_rooms()
    }

    fn label(&self, room: &str, out: &mut Vec<u8>) {
        Text.label(room, out);
    }

    fn idle_timeout(&self) -> Option<Duration> {
        Text.idle_timeout()
    }

    fn backlog(&self) -> usize {
        Text.backlog()
    }
}
