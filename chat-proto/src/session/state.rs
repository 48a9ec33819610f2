//! A session's phases, as one table.
//!
//! | phase | its steps |
//! | --- | --- |
//! | vacant | opens: open; enters: unconnected |
//! | open | leaves: closing |
//! | closing | ends: over |
//! | over | is forgotten: vacant |
//! | unconnected | is forgotten: vacant |
//!
//! An open session leaves before it ends, even where both happen at once. So others are told, and its name becomes
//! free.

use crate::command::CloseReason;

/// The phase of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The slot is free.
    Vacant,
    /// The session may publish and reads what others publish.
    Open,
    /// Its input is ignored. It is sent what the log held before entry `end`, and its last words.
    Closing { reason: CloseReason, end: u64 },
    /// Nothing more goes in or out. Its `Close` was not handed out yet.
    Over(CloseReason),
    /// It takes part without a connection: the embedding program speaks for it.
    Unconnected,
}

/// Why a session's input is left untaken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Untaken {
    /// It is not left untaken.
    No,
    /// It has no tokens.
    UntilRefill,
    /// Its replies leave no room for another.
    UntilRead,
    /// A line of its own waits.
    UntilSaid,
}

/// Whether a session's peer has ended its output, or is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It may send more.
    No,
    /// It has ended; some of what it sent is still untaken.
    Peer,
    /// All that it sent was taken, but one of its lines waits.
    Input,
}

/// What moves a session to another phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Its transport was opened.
    Open,
    /// It enters without a connection.
    Enter,
    /// It no longer takes part, and reads what was published before `end`.
    Leave { reason: CloseReason, end: u64 },
    /// It has read all that it had to read, or never will.
    End(CloseReason),
    /// Its driver has been told, or it has none.
    Forget,
}

impl Phase {
    /// Returns the phase after a step; `None` if this phase has no such step.
    pub(crate) fn after(self, step: Step) -> Option<Self> {
        match (self, step) {
            (Self::Vacant, Step::Open) => Some(Self::Open),
            (Self::Open, Step::Leave { reason, end }) => Some(Self::Closing { reason, end }),
            (Self::Closing { .. }, Step::End(reason)) => Some(Self::Over(reason)),
            (Self::Vacant, Step::Enter) => Some(Self::Unconnected),
            (Self::Over(_) | Self::Unconnected, Step::Forget) => Some(Self::Vacant),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_follow_one_order() {
        let reason = CloseReason::Quit;
        let phases = [Phase::Vacant, Phase::Open, Phase::Closing { reason, end: 7 }, Phase::Over(reason)];
        let steps = [Step::Open, Step::Leave { reason, end: 7 }, Step::End(reason), Step::Forget];
        for (i, phase) in phases.into_iter().enumerate() {
            for (j, step) in steps.into_iter().enumerate() {
                let next = (i == j).then(|| phases[(i + 1) % phases.len()]);
                assert_eq!(phase.after(step), next, "{step:?} while {phase:?}");
            }
        }
    }

    #[test]
    fn an_unconnected_session_is_only_forgotten() {
        assert_eq!(Phase::Vacant.after(Step::Enter), Some(Phase::Unconnected));
        let (reason, end) = (CloseReason::Quit, 7);
        for step in [Step::Open, Step::Enter, Step::Leave { reason, end }, Step::End(reason)] {
            assert_eq!(Phase::Unconnected.after(step), None, "{step:?}");
        }
        assert_eq!(Phase::Unconnected.after(Step::Forget), Some(Phase::Vacant));
        for phase in [Phase::Open, Phase::Closing { reason, end }, Phase::Over(reason)] {
            assert_eq!(phase.after(Step::Enter), None, "{phase:?}");
        }
    }

    #[test]
    fn the_last_reason_counts() {
        let closing = Phase::Closing { reason: CloseReason::Quit, end: 7 };
        assert_eq!(closing.after(Step::End(CloseReason::Disconnected)), Some(Phase::Over(CloseReason::Disconnected)));
    }
}
