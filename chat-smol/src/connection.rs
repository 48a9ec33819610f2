//! One session's input, from its socket to the hub, and how a socket is written to.

use std::cell::{Cell, RefCell};
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

/// The most bytes read at once.
const READ: usize = 32 << 10;

/// The same where a rate limits how much of them the hub takes: what it leaves untaken is kept, and a flood leaves some
/// in every session.
const READ_IF_LIMITED: usize = 8 << 10;

/// How often one socket is read at most before others have their turn.
const READS_A_TURN: usize = 2;

/// After how many lines a socket is not read again in the same turn: what has been said is on its way to the readers
/// while more is read, and both sides would only wait for each other if that were much more. One read may bring more
/// lines than this, if they are short; it is handed over whole.
const LINES_A_TURN: u64 = 384;

/// The same for each session, if that is more: the more there are, the longer it takes to write to them, and the more
/// is to be had by writing much at once.
const LINES_A_SESSION: u64 = 4;

/// Who has sent less than this at once has most likely sent all; from others more comes while it is handled.
const LITTLE: usize = 1 << 10;

/// How often in a row the readers on a thread go on without the reactor, which others wait for.
const MAX_HURRIES: u8 = 8;

thread_local! {
    /// What is read into. It is the thread's, so that an idle connection has no buffer.
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// How often the thread's readers have gone on without the reactor.
    static HURRIES: Cell<u8> = const { Cell::new(0) };
}

/// What a look at a socket brought.
enum Look {
    /// Nothing, or little enough to be all there was.
    Little,
    /// So much that there is most likely more.
    Much,
    /// More than the hub took.
    TooMuch,
}

/// What the hub did with what it was offered.
struct Offered {
    /// How many bytes it took.
    taken: usize,
    /// How many lines ended in them.
    lines: u64,
    /// How many sessions there are.
    sessions: u64,
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
        let Offered { taken, .. } = self.offer(&self.untaken, cx);
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
            match INPUT.with_borrow_mut(|input| self.look(input, cx))? {
                Look::TooMuch => return Poll::Ready(Ok(())),
                Look::Much if HURRIES.get() < MAX_HURRIES => {
                    // There will be more once others have had their turn: the reactor need not be asked for it.
                    HURRIES.set(HURRIES.get() + 1);
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Look::Much | Look::Little => HURRIES.set(0),
            }
            // The first answer may be about what has just been read; asked again, the reactor waits for news.
            for _ in 0..2 {
                ready!(self.stream.poll_readable(cx))?;
            }
        }
    }

    /// Reads what is there and hands it over, for one turn.
    fn look(&mut self, input: &mut Vec<u8>, cx: &Context<'_>) -> io::Result<Look> {
        let size = self.service.read_at_once;
        input.resize(input.len().max(size), 0);
        let mut lines = 0;
        for _ in 0..READS_A_TURN {
            let n = match self.stream.get_ref().read(&mut input[..size]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Look::Little),
                Err(error) => return Err(error),
            };
            let offered = self.offer(&input[..n], cx);
            if offered.taken < n {
                self.untaken = input[offered.taken..n].to_vec();
                return Ok(Look::TooMuch);
            }
            if n < LITTLE {
                return Ok(Look::Little);
            }
            lines += offered.lines;
            if lines >= LINES_A_TURN.max(LINES_A_SESSION * offered.sessions) {
                break;
            }
        }
        Ok(Look::Much)
    }

    /// Offers bytes to the hub. If it leaves some, the task is woken when it wants them.
    fn offer(&self, bytes: &[u8], cx: &Context<'_>) -> Offered {
        self.service.shared.act(|state, now| {
            let before = state.hub.stats();
            let taken = state.hub.receive(now, self.id, bytes);
            if taken < bytes.len()
                && let Some(connection) = state.connections.get_mut(self.id)
            {
                connection.paused = Some(cx.waker().clone());
            }
            let lines = state.hub.stats().lines_received - before.lines_received;
            Offered { taken, lines, sessions: before.sessions as u64 }
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
