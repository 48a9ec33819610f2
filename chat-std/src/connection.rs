//! A connection's socket: writing to it and closing it.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use chat_proto::{CloseReason, driver};
use socket2::{SockRef, TcpKeepalive};

/// The most bytes read at once, and offered under one hold of the lock: eight lines of the longest default length, or
/// 16,384 lines of one letter, for which others wait a millisecond or two.
pub(crate) const MAX_READ: usize = 32 << 10;

/// A connection. It is closed when neither the hub nor its thread holds it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    /// The thread that reads.
    pub(crate) thread: Mutex<Option<JoinHandle<()>>>,
}

impl Connection {
    /// Takes a socket fresh from the listener.
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream, thread: Mutex::new(None) })
    }

    /// Sets options that a connection can do without.
    pub(crate) fn set_options(&self) -> io::Result<()> {
        // Writes are batches already: nothing is gained by delaying a small one.
        self.stream.set_nodelay(true)?;
        SockRef::from(&self.stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(driver::KEEPALIVE))
    }

    /// Writes what the socket takes now, and returns how many bytes that was.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match (&self.stream).write(bytes) {
            Err(error) if is_transient(&error) => Ok(0),
            result => result,
        }
    }

    /// Wakes the thread if it waits with untaken input.
    pub(crate) fn resume(&self) {
        if let Some(thread) = &*lock(&self.thread) {
            thread.thread().unpark();
        }
    }

    /// Closes the connection of a session that is over.
    pub(crate) fn close(&self, reason: CloseReason) {
        if reason.has_last_words() {
            self.end_output();
        } else {
            // A reset drops unread output, which the system would otherwise keep for minutes.
            let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
            self.cut();
        }
    }

    /// Shuts down our half. The thread goes on until the peer has closed its own, or until [`cut`](Self::cut).
    pub(crate) fn end_output(&self) {
        // The system gives up if the peer takes no output for this long.
        #[cfg(any(target_os = "android", target_os = "linux"))]
        let _ = SockRef::from(&self.stream).set_tcp_user_timeout(Some(driver::USER_TIMEOUT));
        // It fails if the peer has reset the connection; the thread finds that out.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Shuts down both halves and resumes the thread, which ends whatever it waits for.
    pub(crate) fn cut(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        self.resume();
    }
}

/// Locks, even if another thread panicked: a panic is a defect that affects one session; the others go on.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a socket operation may succeed if it is tried again.
pub(crate) fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
