//! Does what time brings: deadlines, connections that have lingered long enough, and peers that are gone.

use std::sync::Arc;

use async_io::Timer;
use chat_proto::driver::ConnectedHub;
use futures_lite::FutureExt;

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
        hangup::find(&shared, &due.paused);
        drop(due.paused);
        let alarm = due.wait.map_or_else(Timer::never, Timer::after);
        let alarmed = async {
            alarm.await;
            true
        };
        running = shared.rearm.wait().or(alarmed).await;
    }
}

/// Learns of peers that have ended while nothing is read from them: a reactor would only tell, all the time, that their
/// sockets are readable.
#[cfg(unix)]
mod hangup {
    use chat_proto::SessionId;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use tracing::debug;

    use super::{Arc, Shared};
    use crate::connection::Connection;

    /// How many sockets are looked at in one call of the system, which looks at each.
    const AT_ONCE: usize = 1_024;

    /// That the peer sends no more, though it may still read.
    #[cfg(any(target_os = "android", target_os = "freebsd", target_os = "linux"))]
    const ENDED: PollFlags = PollFlags::RDHUP;
    #[cfg(not(any(target_os = "android", target_os = "freebsd", target_os = "linux")))]
    const ENDED: PollFlags = PollFlags::HUP;

    /// Tells the hub of each whose peer has ended or gone.
    pub(super) fn find(shared: &Shared, paused: &[(SessionId, Arc<Connection>)]) {
        for paused in paused.chunks(AT_ONCE) {
            let mut sockets: Vec<_> = paused.iter().map(|(_, connection)| PollFd::new(connection, ENDED)).collect();
            if let Err(error) = poll(&mut sockets, Some(&Timespec::default())) {
                return debug!(%error, "cannot look who is gone");
            }
            for ((id, _), socket) in paused.iter().zip(&sockets) {
                let found = socket.revents();
                if found.contains(PollFlags::ERR) {
                    debug!(session = %id, "reset while its input was left untaken");
                    shared.act(|hub, now| hub.hub_mut().disconnect(now, *id));
                } else if !found.is_empty() {
                    shared.act(|hub, now| hub.hub_mut().peer_ended(now, *id));
                }
            }
        }
    }
}
