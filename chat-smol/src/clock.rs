//! Timed work: deadlines, the end of lingering, and the search for peers that are gone.

use std::sync::Arc;

use async_io::Timer;
use chat_proto::driver::ConnectedHub;
use futures_lite::FutureExt;
#[cfg(unix)]
use {
    crate::connection::Connection,
    chat_proto::SessionId,
    rustix::event::{PollFd, PollFlags, Timespec, poll},
    tracing::debug,
};

use crate::shared::Shared;

/// Keeps the hub's deadlines until the server has closed.
pub(crate) async fn keep_time(shared: Arc<Shared>) {
    let mut running = true;
    while running {
        let due = shared.act(ConnectedHub::handle_timeout);
        for connection in due.expired {
            connection.cut();
        }
        #[cfg(unix)]
        find_gone(&shared, &due.paused);
        drop(due.paused);
        let alarm = due.wait.map_or_else(Timer::never, Timer::after);
        let alarmed = async {
            alarm.await;
            true
        };
        running = shared.rearm.wait().or(alarmed).await;
    }
}

/// The event for a peer that sends no more, though it may still read.
#[cfg(any(target_os = "android", target_os = "freebsd", target_os = "linux"))]
const ENDED: PollFlags = PollFlags::RDHUP;
#[cfg(all(unix, not(any(target_os = "android", target_os = "freebsd", target_os = "linux"))))]
const ENDED: PollFlags = PollFlags::HUP;

/// Tells the hub about peers that ended or are gone while nothing is read from them. The reactor cannot: it would
/// report all the time that their sockets are readable.
#[cfg(unix)]
fn find_gone(shared: &Shared, paused: &[(SessionId, Arc<Connection>)]) {
    let mut sockets: Vec<_> = paused.iter().map(|(_, it)| PollFd::new(it, ENDED)).collect();
    if let Err(error) = poll(&mut sockets, Some(&Timespec::default())) {
        return debug!(%error, "cannot look who is gone");
    }
    for ((id, _), socket) in paused.iter().zip(&sockets) {
        let found = socket.revents();
        if found.contains(PollFlags::ERR) {
            shared.act(|hub, now| hub.hub_mut().disconnect(now, *id));
        } else if !found.is_empty() {
            shared.act(|hub, now| hub.hub_mut().peer_ended(now, *id));
        }
    }
}
