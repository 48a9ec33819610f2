//! Buffers that handling a line needs.

use alloc::string::String;
use alloc::vec::Vec;

use crate::config::Config;
use crate::wire::dialect::irc::limits;

/// Buffers for a line before it is encoded. They live as long as the hub, so that handling a line allocates nothing. A
/// caller takes them out of the hub while it works in them.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// What a dialect decodes into.
    pub(super) decoded: Vec<u8>,
    /// Words that were changed by cleaning.
    pub(super) words: String,
    /// Words that the policy rewrote.
    pub(super) rewritten: String,
    /// Words of IRC without colours and styles.
    pub(super) plain: String,
}

impl Scratch {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            decoded: Vec::with_capacity(config.max_line),
            words: String::with_capacity(config.max_line),
            rewritten: Self::room_to_rewrite(config),
            plain: String::with_capacity(if config.has_irc() { limits::LINE_LEN } else { 0 }),
        }
    }

    /// Gives back what a dialect has decoded into beyond the longest line: one that makes more of a line than there was
    /// has had its memory for a moment.
    #[inline]
    pub(super) fn shrink(&mut self, max_line: usize) {
        if self.decoded.capacity() > max_line {
            self.decoded.clear();
            self.decoded.shrink_to(max_line);
        }
    }

    /// Makes a buffer for words that the policy rewrites, if there is a policy.
    pub(super) fn room_to_rewrite(config: &Config) -> String {
        String::with_capacity(if config.policy.is_some() { config.max_line } else { 0 })
    }

    /// Bytes of heap for these buffers and for the name that the policy rewrote.
    pub(super) fn memory_bound(config: &Config) -> usize {
        // What is kept of a line of IRC: its words without styles and with them, its tags, and the answers to it.
        let of_irc = if config.has_irc() { limits::MAX_LINE + limits::LINE_LEN + config.reply_bytes } else { 0 };
        size_of::<Self>() + config.max_line * if config.policy.is_some() { 4 } else { 2 } + of_irc
    }
}
