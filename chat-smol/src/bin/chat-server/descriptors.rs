//! The limit on open descriptors: raised to what the sessions need, or else the sessions limited to what it permits.

use chat_proto::driver::MAX_LINGERING;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use thiserror::Error;

/// The limit on a process's open descriptors; `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limit {
    /// The limit in effect.
    soft: Option<u64>,
    /// The most to which the process may raise it.
    hard: Option<u64>,
}

/// Descriptors other than sessions and listeners: standard streams, the poller and its timer, signals, files that the
/// process was started with, and a connection that is only accepted to be told that the server is full.
const OTHER_DESCRIPTORS: u64 = 32;

/// Descriptors of connections that linger after their sessions.
const LINGERING_DESCRIPTORS: u64 = MAX_LINGERING as u64;

/// Raises the limit to what that many sessions and listeners need, the hard limit included if the system permits it.
///
/// A limit that suffices is not touched, and none is ever lowered.
///
/// # Errors
///
/// The system does not permit enough for all sessions; the limit is then as high as it permits, and the server must
/// have [no more sessions](TooFewDescriptors::sessions) than that. Too few for lingering connections is no error:
/// accepting pauses until they are closed, a second later.
pub(crate) fn raise_limit(max_sessions: usize, listeners: usize) -> Result<(), TooFewDescriptors> {
    let get = || {
        let limit = getrlimit(Resource::Nofile);
        Limit { soft: limit.current, hard: limit.maximum }
    };
    let set = |limit: Limit| setrlimit(Resource::Nofile, Rlimit { current: limit.soft, maximum: limit.hard });
    raise_with(max_sessions, listeners, get, set)
}

/// Raises the limit with the given functions for reading and setting it.
fn raise_with<E>(
    max_sessions: usize,
    listeners: usize,
    get: impl Fn() -> Limit,
    set: impl Fn(Limit) -> Result<(), E>,
) -> Result<(), TooFewDescriptors> {
    let needed = needed(max_sessions, listeners);
    let Limit { soft, hard } = get();
    if soft.is_none_or(|soft| soft >= needed) {
        return Ok(());
    }
    let raised = Limit { soft: Some(needed), hard: hard.map(|hard| hard.max(needed)) };
    if set(raised).is_err() {
        // If this is refused too, the limit read next shows it.
        let _ = set(Limit { soft: hard, hard });
    }
    let Some(limit) = get().soft else { return Ok(()) };
    // No server has none. If there is no room for the one, accepting it fails.
    let sessions = usize::try_from(limit.saturating_sub(besides_sessions(listeners))).unwrap_or(usize::MAX).max(1);
    if sessions < max_sessions { Err(TooFewDescriptors { limit, needed, sessions, max_sessions }) } else { Ok(()) }
}

/// Returns how many descriptors the server needs: one for each session and listener, and some that stay open for a
/// moment after their sessions.
fn needed(max_sessions: usize, listeners: usize) -> u64 {
    max_sessions as u64 + besides_sessions(listeners) + LINGERING_DESCRIPTORS
}

fn besides_sessions(listeners: usize) -> u64 {
    // A name or a bare port is an IPv4 and an IPv6 address; `OTHER_DESCRIPTORS` covers names with more.
    2 * listeners as u64 + OTHER_DESCRIPTORS
}

/// The process may not open as many descriptors as its sessions could need. It can serve fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the limit of {limit} open descriptors leaves room for {sessions} of --max-sessions {max_sessions}: others are told \
     that the server is full; raise it (ulimit -Hn {needed}, as root) or lower --max-sessions"
)]
pub(crate) struct TooFewDescriptors {
    /// How many it may open.
    limit: u64,
    /// How many it could need.
    needed: u64,
    /// The sessions for which there is room; at least one.
    pub(crate) sessions: usize,
    /// The sessions allowed.
    max_sessions: usize,
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const LISTENERS: usize = 2;

    /// Raises from `limit` on a system that permits a hard limit up to `ceiling`; returns the limit afterwards, and the
    /// result.
    fn raise_from(limit: (u64, u64), ceiling: u64) -> ((u64, u64), Result<(), TooFewDescriptors>) {
        let to_limit = |(soft, hard)| Limit { soft: Some(soft), hard: Some(hard) };
        let limit = Cell::new(to_limit(limit));
        let set = |raised: Limit| {
            assert!(raised.hard >= limit.get().hard && raised.soft > limit.get().soft, "lowered: {raised:?}");
            if raised.hard > limit.get().hard && raised.hard > Some(ceiling) {
                return Err(());
            }
            limit.set(raised);
            Ok(())
        };
        let said = raise_with(1_000, LISTENERS, || limit.get(), set);
        let Limit { soft: Some(soft), hard: Some(hard) } = limit.get() else { panic!("unlimited") };
        ((soft, hard), said)
    }

    #[test]
    fn descriptors_are_raised_only_as_far_as_needed_and_permitted() {
        let needed = needed(1_000, LISTENERS);
        assert!(needed > 1_000 + 2 + 1_024, "sessions, two listeners, lingering connections and more");
        assert_eq!(raise_from((needed, needed), 0), ((needed, needed), Ok(())));
        assert_eq!(raise_from((256, 1 << 20), 0), ((needed, 1 << 20), Ok(())));
        assert_eq!(raise_from((256, 512), 1 << 20), ((needed, needed), Ok(())));

        let (limit, said) = raise_from((256, 512), 512);
        assert_eq!(limit, (512, 512));
        let said = said.expect_err("too few").to_string();
        let room = 512 - (needed - 1_000 - LINGERING_DESCRIPTORS);
        assert_eq!(
            said,
            format!(
                "the limit of 512 open descriptors leaves room for {room} of --max-sessions 1000: \
                 others are told that the server is full; raise it (ulimit -Hn {needed}, as root) or lower --max-sessions"
            )
        );
    }

    #[test]
    fn room_for_all_sessions_but_not_for_lingering_is_no_error() {
        let sessions_only = needed(1_000, LISTENERS) - LINGERING_DESCRIPTORS;
        assert_eq!(raise_from((256, sessions_only), 0), ((sessions_only, sessions_only), Ok(())));
        let (limit, said) = raise_from((256, sessions_only - 1), 0);
        assert_eq!(limit, (sessions_only - 1, sessions_only - 1));
        assert_eq!(said.expect_err("one too few").sessions, 999);
    }

    #[test]
    fn an_unlimited_process_needs_no_raise() {
        let get = || Limit { soft: None, hard: None };
        let set = |limit| -> Result<(), ()> { panic!("{limit:?} was set") };
        assert_eq!(raise_with(1 << 20, LISTENERS, get, set), Ok(()));
    }

    #[test]
    fn a_limit_below_what_the_program_itself_needs_leaves_one_session() {
        let get = || Limit { soft: Some(8), hard: Some(8) };
        let said = raise_with(5, LISTENERS, get, |_| Err(())).expect_err("too few");
        assert_eq!((said.limit, said.sessions, said.max_sessions), (8, 1, 5));
    }
}
