//! What a session of IRC needs besides what every session has.

use alloc::boxed::Box;
use core::num::NonZeroU16;

use arrayvec::ArrayString;

use crate::moderation::{MAX_MASK, MAX_ROOM_NAME};
use crate::names::{MAX_MADE_NAME, NameBuf};
use crate::person::{MAX_REAL_NAME, MAX_USER};
use crate::pool::Recycle;
use crate::wire::dialect::irc::caps::Caps;
use crate::wire::dialect::irc::list_filter::ListFilter;
use crate::wire::dialect::irc::tagged::View;
use crate::wire::dialect::irc::user_modes::UserModes;

/// The state of one session of IRC.
#[derive(Debug, Default)]
pub(crate) struct IrcState {
    /// What it has for a while only. Most have nothing, so it is one pointer.
    passing: Option<Box<Passing>>,
    /// The capabilities that it has asked for.
    pub(crate) caps: Caps,
    /// Those of them that decide which lines and tags it is shown.
    pub(crate) view: View,
    /// Whether it knows of changes of the capabilities: it has asked for version 302.
    pub(crate) knows_302: bool,
    pub(crate) modes: UserModes,
    /// The number of the batch in which labelled answers are, while more are to come: what the client knows it by.
    pub(crate) batch: Option<NonZeroU16>,
    /// True: that batch ends with the answer in progress. False: it ends with the line.
    pub(crate) batch_ends_with_answer: bool,
    /// How many batches there were; goes on with 1 after the highest number.
    pub(crate) batches: u16,
    /// How many parts of the waiting line were carried out, if it asks for several things.
    pub(crate) step: u16,
    /// How far the check of the credentials in the waiting line is.
    pub(crate) check: Check,
    /// How many wrong passwords of operators it gave.
    pub(crate) wrong: u8,
}

/// How far the check of credentials is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Check {
    /// Nobody was asked.
    #[default]
    No,
    /// The driver is at work.
    Asked,
    /// The driver has answered, and the line has not been carried out yet.
    Answered { are_right: bool },
}

/// What a client has for a while only: all until they are members, few afterwards.
#[derive(Debug)]
enum Passing {
    Registration(Box<Registration>),
    Asked(Box<Asked>),
}

/// What belongs to an answer in progress.
#[derive(Debug, Default)]
struct Asked {
    query: Option<Query>,
    /// What the client was called, if it has left and is still being given the answer.
    former_name: Option<Box<str>>,
}

/// What is known of a client until it is a member.
#[derive(Debug, Default)]
pub(crate) struct Registration {
    /// The name that it wants; empty if it has not said that.
    pub(crate) name: NameBuf,
    /// What it says of its user; empty if it has not said that.
    pub(crate) user: ArrayString<MAX_USER>,
    pub(crate) real_name: ArrayString<MAX_REAL_NAME>,
    /// It is negotiating capabilities, and registration waits for the end of that.
    pub(crate) is_negotiating: bool,
    /// It has given the password of the server.
    pub(crate) has_password: bool,
}

/// What a question with a long answer has asked for.
#[derive(Debug)]
pub(crate) enum Query {
    /// The members or masks of a room, which may have ended before the answer has.
    Room(ArrayString<MAX_ROOM_NAME>),
    Channels(Box<ListFilter>),
    /// The events among the messages that are shown.
    Events(Events),
    Members {
        /// What the names, users, hosts or real names have to match.
        mask: ArrayString<MAX_MASK>,
        /// Only operators of the server are asked for.
        only_operators: bool,
        /// For WHOX: which fields are shown, and the token that the client has given.
        fields: Option<Fields>,
    },
}

/// Events of a room's log that are shown among messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Events {
    /// The entry that comes next, and the end.
    pub(crate) next: u64,
    pub(crate) end: u64,
    /// How many may still be shown.
    pub(crate) left: u16,
}

/// The fields of an answer to WHO that a client has asked for (WHOX).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fields {
    pub(crate) letters: ArrayString<16>,
    pub(crate) token: ArrayString<3>,
}

impl Recycle for IrcState {
    fn clear(&mut self) {
        *self = Self::default();
    }
}

impl IrcState {
    /// Bytes of heap for one, with names of that length. Only registered clients ask questions.
    pub(crate) fn memory_bound(max_name: usize) -> usize {
        let asked = size_of::<Asked>() + size_of::<ListFilter>() + max_name.max(MAX_MADE_NAME);
        size_of::<Self>() + size_of::<Passing>() + size_of::<Registration>().max(asked)
    }

    /// Lets the client register before it is a member.
    pub(crate) fn begin_registration(&mut self) {
        self.passing = Some(Box::new(Passing::Registration(Box::default())));
    }

    /// Records that the client is a member.
    pub(crate) fn end_registration(&mut self) {
        self.passing = None;
    }

    /// Returns whether the client is not a member yet.
    #[inline]
    pub(crate) fn is_registering(&self) -> bool {
        matches!(self.passing.as_deref(), Some(Passing::Registration(_)))
    }

    /// Returns what is known of the client until it is a member; `None` from then on.
    pub(crate) fn registration(&self) -> Option<&Registration> {
        match self.passing.as_deref()? {
            Passing::Registration(registration) => Some(registration),
            Passing::Asked(_) => None,
        }
    }

    /// As [`registration`](Self::registration), to change it.
    pub(crate) fn registration_mut(&mut self) -> Option<&mut Registration> {
        match self.passing.as_deref_mut()? {
            Passing::Registration(registration) => Some(registration),
            Passing::Asked(_) => None,
        }
    }

    fn asked(&self) -> Option<&Asked> {
        match self.passing.as_deref()? {
            Passing::Asked(asked) => Some(asked),
            Passing::Registration(_) => None,
        }
    }

    /// Returns what belongs to an answer; `None` if the client may not ask yet.
    fn asked_mut(&mut self) -> Option<&mut Asked> {
        match &mut **self.passing.get_or_insert_with(|| Box::new(Passing::Asked(Box::default()))) {
            Passing::Asked(asked) => Some(asked),
            Passing::Registration(_) => None,
        }
    }

    /// Returns what a question has asked for, while it is being answered.
    pub(crate) fn query(&self) -> Option<&Query> {
        self.asked()?.query.as_ref()
    }

    /// Returns the same, to be changed.
    pub(crate) fn query_mut(&mut self) -> Option<&mut Query> {
        // Not `asked_mut`, which makes a place for one.
        match self.passing.as_deref_mut()? {
            Passing::Asked(asked) => asked.query.as_mut(),
            Passing::Registration(_) => None,
        }
    }

    pub(crate) fn set_query(&mut self, query: Query) {
        if let Some(asked) = self.asked_mut() {
            asked.query = Some(query);
        }
    }

    /// Forgets what a question has asked for, which has been answered.
    pub(crate) fn forget_query(&mut self) {
        let Some(Passing::Asked(asked)) = self.passing.as_deref_mut() else { return };
        asked.query = None;
        if asked.former_name.is_none() {
            self.passing = None;
        }
    }

    /// Returns what the client was called, if it has left and is still being given an answer.
    pub(crate) fn former_name(&self) -> Option<&str> {
        self.asked()?.former_name.as_deref()
    }

    pub(crate) fn set_former_name(&mut self, name: &str) {
        if let Some(asked) = self.asked_mut() {
            asked.former_name = Some(name.into());
        }
    }
}

/// Returns as much of a text as fits.
pub(crate) fn cut_to<const MAX: usize>(text: &str) -> ArrayString<MAX> {
    ArrayString::from(crate::wire::sanitize::cut(text, MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten thousand idle clients have this each, and an allocator hands out memory in steps.
    #[test]
    fn the_state_of_a_client_stays_small() {
        assert!(size_of::<IrcState>() <= 24, "{} bytes", size_of::<IrcState>());
    }
}
