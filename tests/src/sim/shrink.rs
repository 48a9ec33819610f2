//! Shrinking: reduces a long trace that fails to a short one that fails in the same way.

use super::episode::Episode;
use super::run::play;
use super::step::Step;
use crate::model::Difference;

/// Removes steps as long as the same rule stays broken: halves, quarters, at last single steps ("delta debugging",
/// Zeller and Hildebrandt, 2002). Returns the remaining steps, and the resulting failure.
#[must_use]
pub(super) fn shrink(episode: &Episode, steps: Vec<Step>, difference: &Difference) -> (Vec<Step>, Difference) {
    let mut best = (steps, difference.clone());
    let mut size = best.0.len();
    while size > 0 {
        let before = best.0.len();
        // From the end: steps after the failure go first, and causes stay before their effects.
        let mut end = before;
        while end > 0 {
            let start = end.saturating_sub(size);
            let mut fewer = best.0.clone();
            fewer.drain(start..end);
            match play(episode, &fewer) {
                Err(found) if found.rule == difference.rule => best = (fewer, found),
                _ => {}
            }
            end = start;
        }
        // Single steps again, as long as that helps: a step may have been needed only by one that is now gone.
        if size > 1 || best.0.len() == before {
            size /= 2;
        }
    }
    best
}
