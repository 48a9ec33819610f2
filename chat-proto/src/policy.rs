//! What the embedding program has a say in before it is said.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use crate::id::{DialectId, MemberId, SessionId};
use crate::time::Timestamp;

/// What the hub asks before a session says something, leaves with words or takes a name.
///
/// Any closure of the right form is one; a type of its own may hold word lists and counters. It is asked while the hub
/// is called, so it must not wait. Its verdict is in the [`Entry`](crate::conversation::Entry) that comes of it: whoever
/// applies the entries later needs no policy.
///
/// ```
/// use std::sync::Arc;
///
/// use chat_proto::{Action, Config, Proposal, Verdict};
///
/// let policy = |proposal: &Proposal<'_>, rewritten: &mut String| match proposal.action {
///     Action::Say { words } if words.contains("darn") => {
///         rewritten.push_str(&words.replace("darn", "****"));
///         Verdict::Rewrite
///     }
///     Action::Name { to } if to.starts_with("admin") => Verdict::Refuse("that name is ours".into()),
///     _ => Verdict::Pass,
/// };
/// let config = Config { policy: Some(Arc::new(policy)), ..Config::default() };
/// ```
pub trait Policy: Send + Sync {
    /// Judges what a session is about to do. It is asked once, unless words that it makes longer find no room at the one
    /// whom they are for: then it is asked again when there is some.
    ///
    /// For [`Verdict::Rewrite`] it puts what is to be said instead into `rewritten`, which is empty and holds `max_line`
    /// bytes without allocating; what it puts there is cleaned and cut as a peer's words are, and a name must be a valid one.
    fn judge(&self, proposal: &Proposal<'_>, rewritten: &mut String) -> Verdict;
}

impl<F: Fn(&Proposal<'_>, &mut String) -> Verdict + Send + Sync> Policy for F {
    fn judge(&self, proposal: &Proposal<'_>, rewritten: &mut String) -> Verdict {
        self(proposal, rewritten)
    }
}

impl fmt::Debug for dyn Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Policy")
    }
}

/// Who is about to do what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal<'a> {
    /// When.
    pub now: Timestamp,
    /// Through which session.
    pub session: SessionId,
    /// Which member of the conversation that is.
    pub member: MemberId,
    /// Which dialect it speaks.
    pub dialect: DialectId,
    /// What it is called; one that has no name yet may be about to take one with this line.
    pub name: &'a str,
    /// What it is about to do.
    pub action: Action<'a>,
}

/// What a session is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action<'a> {
    /// To say something to everyone.
    Say {
        /// What it is about to say, cleaned.
        words: &'a str,
    },
    /// To be seen doing something.
    Act {
        /// What it is about to do, cleaned.
        words: &'a str,
    },
    /// To say something to one other.
    Tell {
        /// What the other is called.
        to: &'a str,
        /// What it is about to say, cleaned.
        words: &'a str,
    },
    /// To leave with these words; if they are refused, it leaves without any.
    Quit {
        /// What it is about to say, cleaned and not empty, of at most 256 bytes.
        words: &'a str,
    },
    /// To be called something else. Asked before the name is checked and put into NFC.
    Name {
        /// What it wants to be called.
        to: &'a str,
    },
}

/// What becomes of a [`Proposal`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is done as proposed.
    Pass,
    /// It is done with the words, or the name, that the policy wrote.
    Rewrite,
    /// It is not done, and the session is told why: the words are cleaned as a peer's are and cut at 256 bytes.
    Refuse(Cow<'static, str>),
}
