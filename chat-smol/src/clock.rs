//! Calls the hub when its next deadline has come.

use std::sync::Arc;

use async_io::Timer;
use chat_proto::Timestamp;
use futures_lite::FutureExt;

use crate::shared::{Service, Shared};

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
        state.grace.handle_timeout(&mut state.hub, now);
        state.summary.handle_timeout(&state.hub, now);
        state.armed = state.deadline();
        Some(state.armed).filter(|next| *next < Timestamp::MAX)
    })
}
