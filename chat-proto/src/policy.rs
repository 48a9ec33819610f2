//! The embedding program's policy for what others read.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use crate::id::{DialectId, MemberId, RoomId, SessionId};
use crate::time::Timestamp;

/// Decides about what a session is about to let others read, before they do: messages, names, topics, real names, and
/// reasons for leaving, being away or throwing somebody out. It is not shown tags of clients of IRC and masks of bans.
///
/// Any closure of the right form is a policy; a type of its own may hold word lists and counters, and the program may
/// keep an `Arc` of it to change them. The [`Entry`](crate::conversation::Entry) already contains the verdict, so a
/// program that applies entries later needs no policy.
///
/// The hub calls it and waits for it, so it must not block. A driver's hub is locked meanwhile: a policy that calls a
/// handle of its own server, or waits for somebody who does, stops that server for good. To close the session, remember
/// [`Proposal::session`] and call [`Control::kick`](crate::driver::Control::kick) from another thread.
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
///
/// With a list that changes while the server runs:
///
/// ```
/// use std::sync::{Arc, RwLock};
///
/// use chat_proto::{Config, Policy, Proposal, Verdict};
///
/// #[derive(Default)]
/// struct Unwanted(RwLock<Vec<String>>);
///
/// impl Policy for Unwanted {
///     fn judge(&self, proposal: &Proposal<'_>, _: &mut String) -> Verdict {
///         let list = self.0.read().expect("no writer panics");
///         let words = proposal.action.words();
///         if list.iter().any(|word| words.contains(&**word)) {
///             return Verdict::Refuse("not here, please".into());
///         }
///         Verdict::Pass
///     }
/// }
///
/// let unwanted = Arc::new(Unwanted::default());
/// let config = Config { policy: Some(unwanted.clone()), ..Config::default() };
/// unwanted.0.write().expect("no reader panics").push("spoiler".into());
/// # drop(config);
/// ```
pub trait Policy: Send + Sync {
    /// Judges what a session is about to do. The hub asks once for each action. It asks again only about a private
    /// message that the policy has made too long for the recipient's free space, when there is more space.
    ///
    /// For [`Verdict::Rewrite`] it writes the replacement into `rewritten`, which is empty; for what people do often it
    /// holds `max_line` bytes without allocating. The replacement is cleaned and cut like a peer's words, and a name must be valid.
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

/// What a session is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal<'a> {
    /// The time.
    pub now: Timestamp,
    /// The session.
    pub session: SessionId,
    /// Its member in the conversation.
    pub member: MemberId,
    /// Its dialect.
    pub dialect: DialectId,
    /// Its name. A member without a name may be about to take one with this line.
    pub name: &'a str,
    /// The room in which it is about to do it; `None` if that is in no room, or begins one.
    pub room: Option<RoomId>,
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
    /// To do something that others see (`/me`).
    Act {
        /// What it is about to do, cleaned.
        words: &'a str,
    },
    /// To say something to one other.
    Tell {
        /// The other's name.
        to: &'a str,
        /// What it is about to say, cleaned.
        words: &'a str,
    },
    /// To leave with these words; if they are refused, it leaves without any.
    Quit {
        /// What it is about to say, cleaned and not empty, of at most 256 bytes.
        words: &'a str,
    },
    /// To leave a room with these words; if they are refused, it leaves without any.
    Leave {
        /// What it is about to say, cleaned and not empty, of at most 256 bytes.
        words: &'a str,
    },
    /// To take a name. Asked before the name is checked and put into NFC.
    Name {
        /// The name that it wants.
        to: &'a str,
    },
    /// To begin a room, which cannot be rewritten: a verdict to do so lets it pass. Asked when the name is valid and no
    /// room has it.
    Begin {
        /// The room's name, as it was typed.
        room: &'a str,
    },
    /// To set the topic of a room.
    Topic {
        /// The topic, cleaned and not empty. What is written instead is refused if it is too long for a topic.
        words: &'a str,
    },
    /// To throw somebody out of a room with these words; if they are refused, it does so without any.
    Kick {
        /// The other's name.
        to: &'a str,
        /// What it is about to say, cleaned and not empty, of at most 256 bytes.
        words: &'a str,
    },
    /// To say who it is: when a client of IRC registers, and when it changes its real name. Refused when it registers,
    /// it has the user `~u` and no real name.
    Describe {
        /// What its client says of its user, which cannot be rewritten: `~` and at most ten ASCII letters, digits or
        /// `-_.`.
        user: &'a str,
        /// The real name, cleaned, of at most 80 bytes. Empty only when it registers.
        words: &'a str,
    },
    /// To be away for that reason.
    Away {
        /// The reason, cleaned and not empty, of at most 130 bytes.
        words: &'a str,
    },
    /// To close somebody's session as an operator of the server, with these words; if they are refused, it does so
    /// without any.
    Kill {
        /// The other's name.
        to: &'a str,
        /// What it is about to say, cleaned and not empty, of at most 256 bytes.
        words: &'a str,
    },
    /// To say something, as an operator of the server, to all who want to read that.
    Wallops {
        /// What it is about to say, cleaned and not empty.
        words: &'a str,
    },
}

impl<'a> Action<'a> {
    /// Returns what others are to read: the words, or the name of a member or a room.
    #[must_use]
    pub const fn words(&self) -> &'a str {
        match *self {
            Self::Say { words }
            | Self::Act { words }
            | Self::Tell { words, .. }
            | Self::Quit { words }
            | Self::Leave { words }
            | Self::Name { to: words }
            | Self::Begin { room: words }
            | Self::Topic { words }
            | Self::Kick { words, .. }
            | Self::Describe { words, .. }
            | Self::Away { words }
            | Self::Kill { words, .. }
            | Self::Wallops { words } => words,
        }
    }
}

/// The decision about a [`Proposal`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is done as proposed.
    Pass,
    /// It is done with the words, or the name, that the policy wrote.
    Rewrite,
    /// It is not done, and the session is told why: the words are cleaned as a peer's are and cut at 256 bytes.
    Refuse(Cow<'static, str>),
}
