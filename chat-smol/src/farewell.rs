//! Closing a socket so that the peer can read its last words.
//!
//! A socket that is closed while its peer still sends answers with a reset, and a reset may destroy what the peer has
//! not read yet. So only our half is closed at first, and what still comes in is read and dropped until the peer
//! closes its own. Neither time nor number is left to the peers.

use std::io::{self, Read};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_channel::Receiver;
use async_io::{Async, Timer};
use futures_lite::FutureExt;
use smol::Task;
use socket2::Socket;

use crate::shared::Service;

/// The most sockets that wait for their peers to close while the server runs; one more is closed at once.
const MAX_FAREWELLS: usize = 1_024;

/// How long a peer has to close its half: a few round trips around the globe.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long the system keeps what a peer takes nothing of, once we are done with the socket; where it can be told.
///
/// By default it does so for minutes, up to some megabytes for a socket, outside of any limit of ours.
const SYSTEM_PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes dropped at once.
const CHUNK: usize = 8 << 10;

/// A socket whose peer has been told the last.
pub(crate) struct Farewell {
    /// Ends when the peer has closed.
    drain: Task<()>,
    until: Instant,
}

impl Service {
    /// Closes our half of a stream, and the rest once the peer has closed its own or had time to.
    pub(crate) fn close_gently(self: &Arc<Self>, stream: Arc<Async<Socket>>) {
        // Those of a server that shuts down are the last, and no more than its sessions were.
        let room = self.farewells.len() < MAX_FAREWELLS || self.shared.stopping.is_closed();
        limit_unsent(stream.get_ref());
        if stream.get_ref().shutdown(Shutdown::Write).is_err() || !room {
            return;
        }
        let Some(executor) = self.executor.upgrade() else { return };
        let drain = executor.spawn(drain(Arc::clone(self), stream));
        // Fails when all else is closed; dropped, it closes the socket.
        let _ = self.farewells.try_send(Farewell { drain, until: Instant::now() + PATIENCE });
    }
}

/// Has the system give up a connection whose peer takes nothing of what is left for it.
fn limit_unsent(socket: &Socket) {
    // It fails for Unix sockets, which keep nothing once they are closed.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let _ = socket.set_tcp_user_timeout(Some(SYSTEM_PATIENCE));
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    let _ = (socket, SYSTEM_PATIENCE);
}

/// Waits for each peer in turn; all have the same time, so the first to come is the first to run out of it.
pub(crate) async fn bid_farewell(parting: Receiver<Farewell>) {
    while let Ok(Farewell { mut drain, until }) = parting.recv().await {
        let out_of_time = async {
            Timer::at(until).await;
        };
        (&mut drain).or(out_of_time).await;
        drain.cancel().await;
    }
}

/// Reads and drops what comes until the peer closes.
async fn drain(_service: Arc<Service>, stream: Arc<Async<Socket>>) {
    while stream.readable().await.is_ok() {
        let mut chunk = [0; CHUNK];
        match stream.get_ref().read(&mut chunk) {
            Ok(n) if n > 0 => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            _ => return,
        }
    }
}
