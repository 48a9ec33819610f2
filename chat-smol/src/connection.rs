//! One session's input, from its socket to the hub, and how a socket is written to.

use std::future::Future;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_io::Async;
use chat_proto::SessionId;
use socket2::Socket;
use tracing::debug;

use crate::shared::Service;

/// The most bytes read at once, on the thread's stack; also the most that is kept for a session whose input the hub
/// leaves untaken.
const CHUNK: usize = 8 << 10;

/// How many full chunks are read from one socket before others have their turn.
const CHUNKS_A_TURN: usize = 8;

/// Reads a session's stream until it ends, fails, or this is dropped.
///
/// There is one for every connection, so it is a future made by hand: a third of the size of an `async` block, and
/// with no buffer while it waits.
pub(crate) struct Reader {
    service: Arc<Service>,
    id: SessionId,
    stream: Arc<Async<Socket>>,
    /// What the hub has left; the socket is not read before it has taken this.
    untaken: Vec<u8>,
}

impl Reader {
    pub(crate) fn new(service: Arc<Service>, id: SessionId, stream: Arc<Async<Socket>>) -> Self {
        Self { service, id, stream, untaken: Vec::new() }
    }

    /// Waits until the hub has taken what it had left.
    fn poll_offer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let paused = self.service.shared.act(|state, _| {
            let connection = state.connections.get_mut(self.id)?;
            let waker = connection.paused.as_mut()?;
            waker.clone_from(cx.waker());
            Some(())
        });
        if paused.is_some() {
            return Poll::Pending;
        }
        let taken = self.offer(&self.untaken, cx);
        self.untaken.drain(..taken);
        if !self.untaken.is_empty() {
            return Poll::Pending;
        }
        self.untaken = Vec::new();
        Poll::Ready(())
    }

    /// Reads and hands over; ready when the hub leaves something untaken, and with an error at the end of the stream.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            // Read at once, whether or not the reactor says so: it distrusts an event that it waited for already when
            // we began to wait, which with several threads is the usual case, and would make us wait for it twice.
            let mut chunk = [0; CHUNK];
            for _ in 0..CHUNKS_A_TURN {
                let n = match self.stream.get_ref().read(&mut chunk) {
                    Ok(0) => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                    Ok(n) => n,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Poll::Ready(Err(error)),
                };
                let taken = self.offer(&chunk[..n], cx);
                if taken < n {
                    self.untaken = chunk[taken..n].to_vec();
                    return Poll::Ready(Ok(()));
                }
                // Less than there was room for is most likely all there is.
                if n < CHUNK {
                    break;
                }
            }
            // The first answer may be about what has just been read; asked again, the reactor waits for news.
            for _ in 0..2 {
                ready!(self.stream.poll_readable(cx))?;
            }
        }
    }

    /// Offers bytes to the hub. If it leaves some, the task is woken when it wants them.
    fn offer(&self, bytes: &[u8], cx: &Context<'_>) -> usize {
        self.service.shared.act(|state, now| {
            let taken = state.hub.receive(now, self.id, bytes);
            if taken < bytes.len()
                && let Some(connection) = state.connections.get_mut(self.id)
            {
                connection.paused = Some(cx.waker().clone());
            }
            taken
        })
    }
}

impl Future for Reader {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if !self.untaken.is_empty() {
                ready!(self.poll_offer(cx));
            }
            if let Err(error) = ready!(self.poll_read(cx)) {
                let (id, shared) = (self.id, &self.service.shared);
                if error.kind() == io::ErrorKind::UnexpectedEof {
                    shared.act(|state, now| state.hub.receive_eof(now, id));
                } else {
                    debug!(session = id.slot(), %error, "cannot read");
                    shared.act(|state, now| state.hub.disconnect(now, id));
                }
                return Poll::Ready(());
            }
        }
    }
}

/// That a peer has gone is an error and no signal, whatever the embedding program makes of SIGPIPE. (Systems that know
/// no such flag either have no such signal, or have been told with the socket.)
#[cfg(all(unix, not(target_vendor = "apple")))]
const FLAGS: i32 = rustix::net::SendFlags::NOSIGNAL.bits().cast_signed();
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
const FLAGS: i32 = 0;

/// Offers the bytes once and returns how many were taken; a socket that has no room takes none.
pub(crate) fn write(socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match socket.send_with_flags(bytes, FLAGS) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_is_small() {
        // A hundred thousand of them are 5 MB.
        assert!(size_of::<Reader>() <= 48);
    }
}
