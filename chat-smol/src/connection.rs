//! A connection's socket: writing to it and closing it.

use std::convert::Infallible;
use std::io;
use std::net::Shutdown;
use std::sync::{Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use async_channel::Sender;
use async_io::Async;
use chat_proto::{CloseReason, driver};
use socket2::{Socket, TcpKeepalive};

/// A write to a peer that is gone returns an error and raises no SIGPIPE, whatever the embedding program does about
/// that signal. (Systems without the flag have no such signal, or a socket option that socket2 sets.)
#[cfg(all(unix, not(target_vendor = "apple")))]
pub(crate) const FLAGS: i32 = rustix::net::SendFlags::NOSIGNAL.bits().cast_signed();
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
pub(crate) const FLAGS: i32 = 0;

/// A connection. It is closed when neither the hub nor its reader holds it.
pub(crate) struct Connection {
    pub(crate) stream: Async<Socket>,
    /// The reader's waker, while it waits for the hub to take the rest of its input.
    reader: Mutex<Option<Waker>>,
    /// Never sent on; its receiver learns that no connection is left.
    _alive: Sender<Infallible>,
}

impl Connection {
    pub(crate) fn new(stream: Async<Socket>, alive: Sender<Infallible>) -> Self {
        Self { stream, reader: Mutex::default(), _alive: alive }
    }

    /// Sets the options of a TCP socket.
    pub(crate) fn set_options(&self) -> io::Result<()> {
        // Writes are batches already: nothing is gained by delaying a small one.
        self.stream.get_ref().set_tcp_nodelay(true)?;
        self.stream.get_ref().set_tcp_keepalive(&TcpKeepalive::new().with_time(driver::KEEPALIVE))
    }

    /// Offers the bytes once and returns how many were taken; a socket that has no room takes none.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.stream.get_ref().send_with_flags(bytes, FLAGS) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Registers the reader to be woken by the next [`resume`](Self::resume).
    pub(crate) fn wait_until_resumed(&self, reader: &Waker) {
        *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(reader.clone());
    }

    /// Wakes the reader if it waits with untaken input.
    pub(crate) fn resume(&self) {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Closes the connection of a session that is over.
    pub(crate) fn close(&self, reason: CloseReason) {
        if reason.has_last_words() {
            self.end_output();
        } else {
            // A reset drops unread output, which the system would otherwise keep for minutes.
            let _ = self.stream.get_ref().set_linger(Some(Duration::ZERO));
            self.cut();
        }
    }

    /// Shuts down our half. The reader goes on until the peer has closed its own, or until [`cut`](Self::cut).
    pub(crate) fn end_output(&self) {
        // The system gives up if the peer takes no output for this long. Unix sockets lack the option, and keep nothing
        // once they are closed.
        #[cfg(any(target_os = "android", target_os = "linux"))]
        let _ = self.stream.get_ref().set_tcp_user_timeout(Some(driver::USER_TIMEOUT));
        // It fails if the peer has reset the connection; the reader finds that out.
        let _ = self.stream.get_ref().shutdown(Shutdown::Write);
    }

    /// Shuts down both halves and resumes the reader, which ends whatever it waits for.
    pub(crate) fn cut(&self) {
        let _ = self.stream.get_ref().shutdown(Shutdown::Both);
        self.resume();
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for Connection {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
