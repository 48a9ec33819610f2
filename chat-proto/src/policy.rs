//! What the embedding program has a say in before it is said.

use alloc::string::String;

/// A function that the hub asks before a session says something, leaves with words or takes a name.
///
/// A plain function of values: the same proposals get the same verdicts, so that a trace can be replayed. For
/// [`Verdict::Rewrite`] it puts what is to be said instead into the string, which is empty and holds `max_line` bytes
/// without allocating; what it puts there is cleaned and cut as a peer's words are, and a name must be a valid one.
///
/// ```
/// use chat_proto::{Config, Policy, Proposal, Verdict};
///
/// const POLICY: Policy = |proposal, rewritten| match proposal {
///     Proposal::Say { words, .. } if words.contains("darn") => {
///         rewritten.push_str(&words.replace("darn", "****"));
///         Verdict::Rewrite
///     }
///     Proposal::Name { to, .. } if to.starts_with("admin") => Verdict::Refuse("that name is ours"),
///     _ => Verdict::Pass,
/// };
/// let config = Config { policy: Some(POLICY), ..Config::default() };
/// ```
pub type Policy = fn(Proposal<'_>, &mut String) -> Verdict;

/// What a session is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proposal<'a> {
    /// To say something to everyone.
    Say {
        /// What it is called; one that has no name yet may be about to take one with this line.
        name: &'a str,
        /// What it is about to say, cleaned.
        words: &'a str,
    },
    /// To be seen doing something.
    Act {
        /// What it is called.
        name: &'a str,
        /// What it is about to do, cleaned.
        words: &'a str,
    },
    /// To say something to one other.
    Tell {
        /// What it is called.
        from: &'a str,
        /// What the other is called.
        to: &'a str,
        /// What it is about to say, cleaned.
        words: &'a str,
    },
    /// To leave with these words; if they are refused, it leaves without any.
    Quit {
        /// What it is called.
        name: &'a str,
        /// What it is about to say, cleaned and not empty, of at most 256 bytes.
        words: &'a str,
    },
    /// To be called something else. Asked before the name is checked and put into NFC.
    Name {
        /// What it is called.
        from: &'a str,
        /// What it wants to be called.
        to: &'a str,
    },
}

/// What becomes of a [`Proposal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is done as proposed.
    Pass,
    /// It is done with the words, or the name, that the policy wrote.
    Rewrite,
    /// It is not done, and the session is told why; of more than 256 bytes, those.
    Refuse(&'static str),
}
