//! One session's input, from its socket to the hub.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use chat_proto::SessionId;
use chat_proto::driver::{Flooding, ReadBudget, Round};
use tracing::debug;

use crate::connection::Connection;
use crate::shared::Service;

/// The most bytes read at once. It is also the most offered to a socket at once, so that what one read brings fits one
/// write.
pub(crate) const MAX_READ: usize = Round::<Connection>::MAX_WRITE;

thread_local! {
    /// The thread's read buffer. It is the thread's, so that an idle connection has none.
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Reads a connection's stream until it ends or fails, beyond the end of its session.
///
/// There is one for every connection, so it is a hand-written future: a third of the size of an `async` block, and
/// without a buffer while it waits.
pub(crate) struct Reader {
    id: SessionId,
    connection: Arc<Connection>,
    /// What the last turn has left. Nearly always it is nothing, and then takes no memory.
    left: Option<Box<Left>>,
    /// Dropped after the connection: who waits for the last reader finds its socket closed.
    service: Arc<Service>,
}

enum Left {
    /// Input that the hub did not take; the socket is not read until it has.
    Untaken(Vec<u8>),
    /// Bytes in the socket.
    Unread { _flooding: Flooding },
}

impl Left {
    fn untaken(bytes: Vec<u8>) -> Option<Box<Self>> {
        (!bytes.is_empty()).then(|| Box::new(Self::Untaken(bytes)))
    }
}

impl Reader {
    /// Makes the reader of a session to which some input belongs that was read before.
    pub(crate) fn new(service: Arc<Service>, id: SessionId, connection: Arc<Connection>, untaken: Vec<u8>) -> Self {
        Self { id, connection, left: Left::untaken(untaken), service }
    }

    /// Waits until the hub has taken the untaken input.
    fn poll_offer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(Left::Untaken(untaken)) = self.left.as_deref() else { return Poll::Ready(()) };
        // Register before looking, or a resume in between is lost.
        self.connection.wait_until_resumed(cx.waker());
        if self.service.shared.act(|hub, _| hub.is_paused(self.id)) {
            return Poll::Pending;
        }
        self.left = Left::untaken(untaken[self.offer(untaken)..].to_vec());
        if self.left.is_none() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Reads and offers input. Ready when the hub leaves some untaken; an error at the end of the stream.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            // Read before asking the reactor. It ignores an event of a poll that began before we registered, which is
            // usual with several threads: each read would have to wait for two events.
            if !INPUT.with_borrow_mut(|input| self.read(input))? {
                return Poll::Ready(Ok(()));
            }
            if self.connection.has_plaintext() {
                // More than a turn may take, and the socket does not tell of it.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            // The first answer may be stale, about what has just been read; the second waits for a new event.
            for _ in 0..2 {
                ready!(self.connection.stream.poll_readable(cx))?;
            }
        }
    }

    /// Reads and offers one turn's input; returns whether the hub took all of it.
    fn read(&mut self, input: &mut Vec<u8>) -> io::Result<bool> {
        let budget = &self.service.budget;
        let (most, mut left) = (budget.max_read(), budget.share());
        input.resize(input.len().max(most), 0);
        while left > 0 {
            let size = left.min(most);
            let n = match self.connection.read(&mut input[..size]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            let taken = self.offer(&input[..n]);
            if taken < n {
                self.left = Left::untaken(input[taken..n].to_vec());
                return Ok(false);
            }
            left -= n;
            if n < size && self.connection.tls.is_none() {
                // The socket is empty.
                break;
            }
        }
        // Only if there is more to read is the socket certain to be read again soon, as `Flooding` demands.
        let is_flooding = left == 0 && self.connection.has_more();
        self.left = is_flooding.then(|| Box::new(Left::Unread { _flooding: ReadBudget::count_flood(budget) }));
        Ok(true)
    }

    /// Offers bytes to the hub; returns how many it took.
    fn offer(&self, bytes: &[u8]) -> usize {
        self.service.shared.act(|hub, now| hub.receive(now, self.id, bytes))
    }

    /// Tells the hub why nothing more can be read.
    fn end(&self, error: &io::Error) {
        let (id, shared) = (self.id, &self.service.shared);
        if error.kind() == io::ErrorKind::UnexpectedEof {
            shared.act(|hub, now| hub.hub_mut().receive_eof(now, id));
        } else {
            debug!(session = %id, %error, "cannot read");
            shared.act(|hub, now| hub.hub_mut().disconnect(now, id));
        }
    }
}

impl Future for Reader {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.poll_offer(cx));
            if let Err(error) = ready!(self.poll_read(cx)) {
                self.end(&error);
                return Poll::Ready(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_is_small() {
        // A hundred thousand of them are 4 MB.
        assert!(size_of::<Reader>() <= 40);
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_is_counted_while_it_has_more_than_its_share() {
        use std::sync::Weak;
        use std::task::Waker;

        use async_io::Async;
        use chat_proto::driver::{ConnectedHub, OnAccept};
        use chat_proto::{Config, Hub};
        use socket2::{Domain, Socket, Type};

        use crate::shared::Shared;

        let config = Config { rate: None, ..Config::default() };
        let budget = Arc::new(ReadBudget::new(&config, MAX_READ));
        // One more flood brings the share to its minimum.
        let _others = [(); 127].map(|()| ReadBudget::count_flood(&budget));
        let (share, smaller_share) = (budget.share(), 1 << 10);
        let shared = Arc::new(Shared::new(ConnectedHub::new(Hub::new(config).expect("the limits are in range"))));
        let (ours, peer) = Socket::pair(Domain::UNIX, Type::STREAM, None).expect("two sockets");
        let connection = Arc::new(Connection::new(Async::new(ours).expect("a reactor"), None));
        let id = shared.act(|hub, now| {
            let text = hub.hub().dialect("text").expect("a dialect");
            hub.open(now, text, None, &connection).expect("a session")
        });
        let (executor, on_accept) = (Weak::new(), OnAccept::default());
        let (alive, _) = async_channel::bounded(1);
        let service = Service { shared, executor, budget: Arc::clone(&budget), on_accept, _alive: alive };
        let mut reader = Reader::new(Arc::new(service), id, connection, Vec::new());
        let mut poll = || Pin::new(&mut reader).poll(&mut Context::from_waker(Waker::noop()));
        let send = |n: usize| assert_eq!(peer.send(&vec![b'\n'; n]).expect("there is room"), n);

        send(share);
        assert!(poll().is_pending());
        assert_eq!(budget.share(), share, "no more input may follow");
        send(share + 1);
        assert!(poll().is_pending());
        assert_eq!(budget.share(), smaller_share, "one byte is left");
        assert!(poll().is_pending());
        assert_eq!(budget.share(), share, "nothing is left");
        send(share + 1);
        assert!(poll().is_pending());
        assert_eq!(budget.share(), smaller_share);
        drop(reader);
        assert_eq!(budget.share(), share, "no reader is left");
    }
}
