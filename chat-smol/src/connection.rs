//! A connection's socket: reading from it, writing to it, and closing it.

use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use async_io::Async;
use chat_proto::{CloseReason, driver};
use socket2::{Socket, TcpKeepalive};
use tracing::debug;

use crate::encrypted::Encrypted;
use crate::send::FLAGS;

/// A connection. It is closed when neither the hub nor its reader holds it.
pub(crate) struct Connection {
    pub(crate) stream: Async<Socket>,
    /// The reader's waker, while it waits for the hub to take the rest of its input. Few do, so the others have no room
    /// for one.
    reader: Mutex<Option<Box<Waker>>>,
    /// `None`: what the socket has is plain.
    pub(crate) tls: Option<Box<Encrypted>>,
}

impl Connection {
    pub(crate) fn new(stream: Async<Socket>, tls: Option<Box<Encrypted>>) -> Self {
        Self { stream, reader: Mutex::default(), tls }
    }

    /// Sets the options of a TCP socket; one without a peer's address is another.
    pub(crate) fn set_options(&self, peer: Option<SocketAddr>) {
        let Some(peer) = peer else { return };
        let socket = self.stream.get_ref();
        // Writes are batches already: nothing is gained by delaying a small one.
        let set = socket.set_tcp_nodelay(true);
        let keepalive = TcpKeepalive::new().with_time(driver::KEEPALIVE);
        if let Err(error) = set.and_then(|()| socket.set_tcp_keepalive(&keepalive)) {
            debug!(%peer, %error, "cannot set socket options");
        }
    }

    /// Reads what there is; 0 at the end of the peer's input.
    pub(crate) fn read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut socket = self.stream.get_ref();
        match &self.tls {
            None => socket.read(bytes),
            Some(tls) => tls.read(socket, bytes),
        }
    }

    /// Returns whether a read would return bytes now, or perhaps only records that have none.
    pub(crate) fn has_more(&self) -> bool {
        self.has_plaintext() || self.stream.get_ref().peek(&mut [MaybeUninit::uninit()]).is_ok_and(|n| n > 0)
    }

    /// Returns whether a read would return bytes that the socket has no longer, so that it does not tell of them.
    pub(crate) fn has_plaintext(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.has_plaintext())
    }

    /// Offers the bytes once and returns how many were taken; a socket that has no room takes none.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let socket = self.stream.get_ref();
        loop {
            let written = match &self.tls {
                None => socket.send_with_flags(bytes, FLAGS),
                Some(tls) => tls.write(socket, bytes),
            };
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Registers the reader to be woken by the next [`resume`](Self::resume).
    pub(crate) fn wait_until_resumed(&self, reader: &Waker) {
        *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(reader.clone()));
    }

    /// Wakes the reader if it waits with untaken input.
    pub(crate) fn resume(&self) {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(reader) = reader {
            reader.wake_by_ref();
        }
    }

    /// Closes the connection of a session that is over.
    pub(crate) fn close(self: &Arc<Self>, reason: CloseReason) {
        if reason.has_last_words() {
            self.end_output();
        } else {
            // A reset drops unread output, which the system would otherwise keep for minutes.
            let _ = self.stream.get_ref().set_linger(Some(Duration::ZERO));
            self.cut();
        }
    }

    /// Writes the last words to a new peer. Its socket has room for a line; if not, the peer gets none.
    pub(crate) fn say_last(self: &Arc<Self>, words: &[u8]) {
        let _ = self.write(words);
        self.end_output();
    }

    /// Shuts down our half. The reader goes on until the peer has closed its own, or until [`cut`](Self::cut).
    pub(crate) fn end_output(self: &Arc<Self>) {
        // The system gives up if the peer takes no output for this long. Unix sockets lack the option, and keep nothing
        // once they are closed.
        #[cfg(any(target_os = "android", target_os = "linux"))]
        let _ = self.stream.get_ref().set_tcp_user_timeout(Some(driver::USER_TIMEOUT));
        if self.tls.as_ref().is_some_and(|tls| !tls.end(self.stream.get_ref())) {
            return self.end_when_writable();
        }
        // It fails if the peer has reset the connection; the reader finds that out.
        let _ = self.stream.get_ref().shutdown(Shutdown::Write);
    }

    /// Shuts down our half when the socket has taken what TLS has yet to say.
    fn end_when_writable(self: &Arc<Self>) {
        let waker = Waker::from(Arc::new(EndWhenWritable(Arc::downgrade(self))));
        // The first answer may be stale; the second waits for a new event. If it does not, `cut` comes soon.
        let _ = (0..2).try_for_each(|_| match self.stream.poll_writable(&mut Context::from_waker(&waker)) {
            Poll::Ready(Ok(())) => Some(()),
            _ => None,
        });
    }

    /// Shuts down both halves and resumes the reader, which ends whatever it waits for.
    pub(crate) fn cut(&self) {
        let _ = self.stream.get_ref().shutdown(Shutdown::Both);
        self.resume();
    }
}

/// A waker that ends a connection's output. Weak, or a socket that is never writable would keep itself.
struct EndWhenWritable(Weak<Connection>);

impl Wake for EndWhenWritable {
    fn wake(self: Arc<Self>) {
        if let Some(connection) = self.0.upgrade() {
            connection.end_output();
        }
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for Connection {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A mutex takes more on other systems.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_connection_is_small() {
        // With the two counts of its `Arc` and what an allocator adds to each block, 64 bytes: the next size is 80.
        assert!(size_of::<Connection>() <= 40, "{} bytes", size_of::<Connection>());
    }
}
