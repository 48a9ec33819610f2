//! What lines of IRC say besides what happened: where, when, by whom, and for whom.

use alloc::string::String;

use super::formatting::strip;
use super::tagged::{Tags, View};
use super::time::WallTime;
use crate::person::Person;

/// What lines say in addition to their update.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'a> {
    /// The server's name.
    pub(crate) server: &'a str,
    pub(crate) time: WallTime,
    /// The room in which it is published, or that it is about; empty if there is none.
    pub(crate) room: &'a str,
    /// The member who did it.
    pub(crate) actor: Person<'a>,
    /// The session that it is for, if it is for one only; `*` before that has a name.
    pub(crate) reader: &'a str,
    /// What the reader has asked for, if it is for one session only.
    pub(crate) view: View,
    /// The tags of a message.
    pub(crate) tags: Tags<'a>,
    /// The words of the line that it comes from, with colours and styles; empty if there are none.
    pub(crate) styled: &'a str,
    /// The request that it answers.
    pub(crate) asked: Asked<'a>,
}

/// The parameters of a request that answers repeat.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) command: &'a str,
    /// Its target: a member, a channel or a mask.
    pub(crate) target: &'a str,
}

impl<'a> Scene<'a> {
    /// Returns words as their author has written them, with colours and styles.
    pub(crate) fn as_written(&self, words: &'a str) -> &'a str {
        as_written(self.styled, words)
    }
}

/// Returns words as they were written, with colours and styles, if they are the same without: cleaning, or the
/// embedding program, may have changed them.
pub(crate) fn as_written<'a>(styled: &'a str, words: &'a str) -> &'a str {
    let is_it = !styled.is_empty() && strip(styled, &mut String::new()) == words;
    if is_it { styled } else { words }
}
