//! One session's input, from its socket to the hub, and how a socket is written to.

use std::cell::RefCell;
use std::future::Future;
use std::io::{self, Read};
use std::mem::{self, MaybeUninit};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use async_io::Async;
use chat_proto::{Config, SessionId};
use socket2::Socket;
use tracing::debug;

use crate::flusher::MAX_BATCH_BYTES;
use crate::shared::Service;

/// The most bytes read at once: as many as a socket is offered at once, so that what one read brings goes on in one
/// write.
const READ: usize = MAX_BATCH_BYTES;

/// The same where a rate limits how much of them the hub takes: what it leaves untaken is kept, and a flood leaves some
/// in every session.
const READ_IF_LIMITED: usize = 8 << 10;

/// The most bytes read in a turn from all sockets that have more to give: two reads, so that there is something to write
/// again once the first is written. However many flood, others wait about as long as it takes to write this to everyone.
const TURN: usize = 2 * READ;

/// The least of a turn for each of those sockets, or most of the time would go into asking. With more than 128 of them
/// turns are longer.
const LEAST_SHARE: usize = 1 << 10;

thread_local! {
    /// What is read into. It is the thread's, so that an idle connection has no buffer.
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Returns the most bytes that are read at once from a session with these limits. It is the most that is kept for one,
/// too: what the hub leaves untaken, before which nothing more is read.
pub(crate) fn read_at_once(config: &Config) -> usize {
    if config.rate.is_some() { READ_IF_LIMITED } else { READ }
}

/// Returns how many bytes are read in a turn from one socket, if so many have more to give.
fn share(eager: usize) -> usize {
    (TURN / eager.max(1)).max(LEAST_SHARE)
}

/// That a socket had more to give than its share; they are counted while this is held.
struct Eager(Arc<Service>);

impl Eager {
    fn new(service: &Arc<Service>) -> Self {
        service.eager.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(service))
    }
}

impl Drop for Eager {
    fn drop(&mut self) {
        self.0.eager.fetch_sub(1, Ordering::Relaxed);
    }
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
    /// If the last turn was not enough for what was there.
    eager: Option<Eager>,
}

impl Reader {
    pub(crate) fn new(service: Arc<Service>, id: SessionId, stream: Arc<Async<Socket>>) -> Self {
        Self { service, id, stream, untaken: Vec::new(), eager: None }
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
        let most = self.service.read_at_once;
        input.resize(input.len().max(most), 0);
        let mut left = share(self.service.eager.load(Ordering::Relaxed));
        while left > 0 {
            let size = left.min(most);
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
                self.eager = None;
                return Ok(false);
            }
            left -= n;
            if n < size {
                // That was all there was.
                break;
            }
        }
        self.eager = (left == 0 && self.has_more()).then(|| Eager::new(&self.service));
        Ok(true)
    }

    /// Whether there is more to read. Only then is it certain that there will be another look, so that nobody is counted
    /// who has gone quiet.
    fn has_more(&self) -> bool {
        self.stream.get_ref().peek(&mut [MaybeUninit::uninit()]).is_ok_and(|n| n > 0)
    }

    /// Offers bytes to the hub and returns how many it took. If it leaves some, the task is woken when it wants them.
    fn offer(&self, bytes: &[u8], cx: &Context<'_>) -> usize {
        let (taken, ask) = self.service.shared.act(|state, now| {
            let taken = state.hub.receive(now, self.id, bytes);
            let mut ask = false;
            if taken < bytes.len()
                && let Some(connection) = state.connections.get_mut(self.id)
            {
                connection.paused = Some(cx.waker().clone());
                ask = !mem::replace(&mut state.is_asking, true);
            }
            (taken, ask)
        });
        if ask {
            self.service.shared.paused.raise();
        }
        taken
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
                    debug!(session = %id, %error, "cannot read");
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
        // A hundred thousand of them are 6 MB.
        assert!(size_of::<Reader>() <= 56);
    }

    #[test]
    fn those_who_have_much_to_give_share_a_turn() {
        assert_eq!((share(0), share(1), share(2)), (TURN, TURN, TURN / 2));
        for eager in 1..=TURN / LEAST_SHARE {
            assert!(eager * share(eager) <= TURN);
        }
        assert_eq!(share(usize::MAX), LEAST_SHARE);
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_is_counted_while_it_has_more_than_its_share() {
        use std::sync::atomic::AtomicUsize;
        use std::sync::{Mutex, Weak};
        use std::task::Waker;

        use chat_proto::{Exemptions, Hub, Timestamp};
        use socket2::{Domain, Type};

        use crate::shared::Shared;

        const OTHERS: usize = 1_000;
        let mut hub = Hub::new(Config { rate: None, ..Config::default() }).expect("the limits are in range");
        let text = hub.dialect("text").expect("a dialect");
        let id = hub.open(Timestamp::ZERO, text).expect("a session");
        let service = Arc::new(Service {
            shared: Arc::new(Shared::new(hub)),
            executor: Weak::new(),
            exemptions: Exemptions::default(),
            farewells: async_channel::unbounded().0,
            read_at_once: READ,
            eager: AtomicUsize::new(OTHERS),
            warned: Mutex::default(),
            _alive: async_channel::bounded(1).0,
        });
        let (ours, peer) = Socket::pair(Domain::UNIX, Type::STREAM, None).expect("two sockets");
        let stream = Arc::new(Async::new(ours).expect("a reactor"));
        let mut reader = Reader::new(Arc::clone(&service), id, stream);
        let mut poll = || Pin::new(&mut reader).poll(&mut Context::from_waker(Waker::noop()));
        let eager = || service.eager.load(Ordering::Relaxed);
        let send = |n: usize| assert_eq!(peer.send(&vec![b'\n'; n]).expect("there is room"), n);

        send(LEAST_SHARE);
        assert!(poll().is_pending());
        assert_eq!(eager(), OTHERS, "it may be quiet from now on");
        send(LEAST_SHARE + 1);
        assert!(poll().is_pending());
        assert_eq!(eager(), OTHERS + 1, "a byte is left");
        assert!(poll().is_pending());
        assert_eq!(eager(), OTHERS, "nothing is left");
        send(LEAST_SHARE + 1);
        assert!(poll().is_pending());
        assert_eq!(eager(), OTHERS + 1);
        drop(reader);
        assert_eq!(eager(), OTHERS, "nobody is left");
    }
}
