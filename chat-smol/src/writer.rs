//! Carries out the hub's commands, and writes to every socket.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use chat_proto::SessionId;
use chat_proto::driver::Round;
use futures_lite::future;
use tracing::debug;

use crate::connection::Connection;
use crate::shared::Shared;

/// Writes until the server has closed.
pub(crate) async fn write(shared: Arc<Shared>) {
    let mut round = Round::new();
    while shared.write.wait().await {
        while shared.act(|hub, now| round.report_and_gather(hub, now)) {
            for (id, connection) in round.drain_blocked() {
                wait_until_writable(&shared, id, &connection);
            }
            round.drain_closed().for_each(|(connection, reason)| connection.close(reason));
            round.drain_resumed().for_each(|connection| connection.resume());
            // At most four at once, which the hub sees to.
            round.drain_authentications(&shared).for_each(|it| smol::unblock(|| it.run()).detach());
            round.write(Connection::write);
            round.note_written(|| shared.now());
            // Lets other tasks of this thread run, readers among them.
            future::yield_now().await;
        }
    }
}

/// Queues the session again when its socket takes bytes again.
fn wait_until_writable(shared: &Arc<Shared>, id: SessionId, connection: &Connection) {
    let waker = Waker::from(Arc::new(WhenWritable { shared: Arc::clone(shared), id }));
    let cx = &mut Context::from_waker(&waker);
    // The first answer may be stale, about the write before; the second waits for a new event.
    for _ in 0..2 {
        match connection.stream.poll_writable(cx) {
            Poll::Pending => return,
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => {
                debug!(session = %id, %error, "cannot wait for the socket");
                return shared.act(|hub, now| hub.hub_mut().disconnect(now, id));
            }
        }
    }
    waker.wake();
}

/// A waker in place of a task that waits: the reactor wakes it once, or drops it with the socket.
struct WhenWritable {
    shared: Arc<Shared>,
    id: SessionId,
}

impl Wake for WhenWritable {
    fn wake(self: Arc<Self>) {
        self.shared.act(|hub, now| hub.note_writable(now, self.id));
    }
}
