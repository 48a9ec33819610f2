//! One session's input, from its socket to the hub, and how a socket is written to.

use std::cell::RefCell;
use std::future::Future;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_io::Async;
use chat_proto::{Config, SessionId};
use socket2::Socket;
use tracing::debug;

use crate::shared::Service;

/// The most bytes read at once: as many as a socket is offered at once, so that what one read brings goes on in one
/// write.
const READ: usize = 64 << 10;

/// The same where a rate limits how much of them the hub takes: what it leaves untaken is kept, and a flood leaves some
/// in every session.
const READ_IF_LIMITED: usize = 8 << 10;

/// How often one socket is read at most before others have their turn: twice, so that there is something to write again
/// once the first is written.
const READS_A_TURN: usize = 2;

thread_local! {
    /// What is read into. It is the thread's, so that an idle connection has no buffer.
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Returns the most bytes that are read at once from a session with these limits. It is the most that is kept for one,
/// too: what the hub leaves untaken, before which nothing more is read.
pub(crate) fn read_at_once(config: &Config) -> usize {
    if config.rate.is_some() { READ_IF_LIMITED } else { READ }
}

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
            // Look at once, whether or not the reactor says so: it distrusts an event that it waited for already when
            // we began to wait, which with several threads is the usual case, and would make us wait for it twice.
            if !INPUT.with_borrow_mut(|input| self.look(input, cx))? {
                return Poll::Ready(Ok(()));
            }
            // The first answer may be about what has just been read; asked again, the reactor waits for news.
            for _ in 0..2 {
                ready!(self.stream.poll_readable(cx))?;
            }
        }
    }

    /// Reads what is there and hands it over, for one turn; returns whether the hub took all of it.
    fn look(&mut self, input: &mut Vec<u8>, cx: &Context<'_>) -> io::Result<bool> {
        let size = self.service.read_at_once;
        input.resize(input.len().max(size), 0);
        for _ in 0..READS_A_TURN {
            let n = match self.stream.get_ref().read(&mut input[..size]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            let taken = self.offer(&input[..n], cx);
            if taken < n {
                self.untaken = input[taken..n].to_vec();
                return Ok(false);
            }
            if n < size {
                // That was all there was.
                break;
            }
        }
        Ok(true)
    }

    /// Offers bytes to the hub and returns how many it took. If it leaves some, the task is woken when it wants them.
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
