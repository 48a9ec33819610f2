//! Learns of peers that have ended while nothing is read from them.
//!
//! A reactor tells that a socket is readable, which one is all the time whose input the hub leaves untaken. So those
//! sockets are asked, now and then, whether their peers are still there.

use std::sync::Arc;
use std::time::Duration;

use async_io::{Async, Timer};
use chat_proto::SessionId;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::Socket;
use tracing::debug;

use crate::shared::Service;

/// How often they are asked: that a peer is gone is noticed within a second.
const EVERY: Duration = Duration::from_millis(500);

/// How many sockets are asked in one call; the kernel looks at each.
const AT_ONCE: usize = 1_024;

/// That the peer sends no more, though it may still read.
#[cfg(any(target_os = "android", target_os = "freebsd", target_os = "linux"))]
const ENDED: PollFlags = PollFlags::RDHUP;
#[cfg(not(any(target_os = "android", target_os = "freebsd", target_os = "linux")))]
const ENDED: PollFlags = PollFlags::HUP;

/// Asks until the server has closed; sleeps while every session's input is taken.
pub(crate) async fn watch_for_hangups(service: Arc<Service>) {
    while service.shared.paused.wait().await {
        loop {
            Timer::after(EVERY).await;
            let paused = service.shared.act(|state, _| {
                let paused: Vec<_> = state.connections.paused().collect();
                state.is_asking = !paused.is_empty();
                paused
            });
            if paused.is_empty() {
                break;
            }
            for some in paused.chunks(AT_ONCE) {
                ask(&service, some);
            }
        }
    }
}

/// Tells the hub of each whose peer has ended or gone.
fn ask(service: &Service, paused: &[(SessionId, Arc<Async<Socket>>)]) {
    let mut sockets: Vec<_> = paused.iter().map(|(_, stream)| PollFd::new(stream, ENDED)).collect();
    if let Err(error) = poll(&mut sockets, Some(&Timespec::default())) {
        return debug!(%error, "cannot ask who is gone");
    }
    for ((id, _), socket) in paused.iter().zip(&sockets) {
        let found = socket.revents();
        if found.contains(PollFlags::ERR) {
            debug!(session = %id, "reset while its input was left untaken");
            service.shared.act(|state, now| state.hub.disconnect(now, *id));
        } else if !found.is_empty() {
            service.shared.act(|state, now| state.hub.peer_ended(now, *id));
        }
    }
}
