//! Calls the hub when its next deadline has come.

use std::sync::Arc;
use std::time::Duration;

use async_io::Timer;
use chat_proto::Timestamp;
use futures_lite::FutureExt;

use crate::shared::{Service, Shared};

/// How late the clock may be before it is taken that the process was stopped or had no processor: whoever seems to have
/// been silent, or not to have read, may have had no chance, and gets as much again before it is judged.
const GRACE: Duration = Duration::from_millis(100);

/// Keeps the hub's deadlines until the server has closed.
pub(crate) async fn keep_deadlines(service: Arc<Service>) {
    let shared = &service.shared;
    let mut running = true;
    while running {
        let alarm = meet_deadlines(shared).and_then(|next| shared.instant(next)).map_or_else(Timer::never, Timer::at);
        let alarmed = async {
            alarm.await;
            true
        };
        running = shared.rearm.wait().or(alarmed).await;
    }
}

/// Does what is due and returns the deadline to wait for, if there is one.
fn meet_deadlines(shared: &Shared) -> Option<Timestamp> {
    shared.act(|state, now| {
        let is_late = |at: Timestamp| at + GRACE < now;
        if state.grace.is_none() && state.hub.poll_timeout().is_some_and(is_late) {
            state.grace = Some(now + GRACE);
        }
        if state.grace.is_none_or(|until| until <= now) {
            state.grace = None;
            state.hub.handle_timeout(now);
        }
        let next = state.deadline();
        state.armed = next.unwrap_or(Timestamp::MAX);
        next
    })
}
