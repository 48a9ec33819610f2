//! A connection's TLS: what is between its plain bytes and its socket.
//!
//! The hub is told that bytes were sent when the socket has taken the record that they are in, as without TLS. A record
//! cannot be taken back, though, and the hub may offer other bytes after a pause. So when the socket takes only a part
//! of a record, the rest is kept here, and nothing more is encrypted until it is sent. If that record ends what was
//! offered, its last byte is withheld from the count: the hub must offer it again, first of all, since it finishes a
//! line that was begun.

use std::io::{self, IoSlice, Read, Write};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::{ServerConfig, ServerConnection};
use socket2::Socket;

use crate::send::FLAGS;

/// The most plain bytes that are encrypted before the socket has taken them: those of one record (RFC 8446, 5.1).
const MAX_PENDING: usize = 16 << 10;

/// The most memory of one connection after its handshake: a record that has come in part, what was decrypted of
/// another, a record that is being sent (each at most 16 KiB and 2 KiB of TLS), and 8 KiB that rustls keeps besides.
pub(crate) const MAX_MEMORY: usize = 64 << 10;

/// How often the socket is read for one read of plain bytes. A peer that sends records without any has its turn again
/// when others had theirs.
const READS_A_TURN: usize = 16;

/// The TLS of one connection, for its reader and its writer.
pub(crate) struct Encrypted(Mutex<State>);

struct State {
    /// `None`: the handshake has failed, and the socket has plain bytes.
    tls: Option<ServerConnection>,
    /// The record that the socket has not taken whole ends with the byte that the hub offers next.
    is_withheld: bool,
}

impl Encrypted {
    /// Begins a handshake.
    pub(crate) fn new(config: Arc<ServerConfig>) -> io::Result<Self> {
        let mut tls = ServerConnection::new(config).map_err(io::Error::other)?;
        tls.set_buffer_limit(Some(MAX_PENDING));
        Ok(Self(Mutex::new(State { tls: Some(tls), is_withheld: false })))
    }

    /// Goes on with the handshake as far as the socket lets it, with what has been read already before that;
    /// [`io::ErrorKind::WouldBlock`] until it is done.
    pub(crate) fn shake_hands(&self, socket: &Socket, input: &mut &[u8]) -> io::Result<()> {
        let State { tls: Some(tls), .. } = &mut *self.lock() else { return Ok(()) };
        if !input.is_empty() {
            tls.read_tls(input)?;
        }
        loop {
            if !flush(tls, socket)? {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            if !tls.is_handshaking() {
                return Ok(());
            }
            if receive(tls, socket)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Returns whether something is left to be sent.
    pub(crate) fn wants_write(&self) -> bool {
        self.lock().tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Ends TLS; what the socket has is plain from now on.
    pub(crate) fn give_up(&self) {
        self.lock().tls = None;
    }

    /// As the read of a socket.
    pub(crate) fn read(&self, mut socket: &Socket, bytes: &mut [u8]) -> io::Result<usize> {
        let State { tls: Some(tls), .. } = &mut *self.lock() else { return socket.read(bytes) };
        for _ in 0..READS_A_TURN {
            match tls.reader().read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Somebody else may have cut the connection. That does no harm: the hub takes whole lines only.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                result => return result,
            }
            receive(tls, socket)?;
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Returns whether a read returns bytes without the socket, which so does not tell of them.
    pub(crate) fn has_plaintext(&self) -> bool {
        let State { tls: Some(tls), .. } = &mut *self.lock() else { return false };
        tls.process_new_packets().is_ok_and(|state| state.plaintext_bytes_to_read() > 0)
    }

    /// As the write of a connection: 0 if the socket takes nothing now.
    pub(crate) fn write(&self, socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
        let State { tls: Some(tls), is_withheld } = &mut *self.lock() else {
            return socket.send_with_flags(bytes, FLAGS);
        };
        if !flush(tls, socket)? {
            return Ok(0);
        }
        let mut taken = usize::from(mem::take(is_withheld)).min(bytes.len());
        while taken < bytes.len() {
            let n = tls.writer().write(&bytes[taken..])?;
            if n == 0 && !tls.wants_write() {
                return Err(io::ErrorKind::WriteZero.into());
            }
            taken += n;
            if !flush(tls, socket)? {
                *is_withheld = taken == bytes.len();
                return Ok(taken - usize::from(*is_withheld));
            }
        }
        Ok(taken)
    }

    /// Tells the peer that nothing more follows; returns whether the socket has taken that, or takes nothing any more.
    pub(crate) fn end(&self, socket: &Socket) -> bool {
        let State { tls: Some(tls), .. } = &mut *self.lock() else { return true };
        tls.send_close_notify();
        flush(tls, socket).unwrap_or(true)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads from the socket once, and decrypts; returns how many bytes the socket had, 0 at its end.
fn receive(tls: &mut ServerConnection, mut socket: &Socket) -> io::Result<usize> {
    let n = loop {
        match tls.read_tls(&mut socket) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => break result?,
        }
    };
    if let Err(error) = tls.process_new_packets() {
        // The alert that tells the peer why, if there is room for it.
        let _ = flush(tls, socket);
        return Err(io::Error::new(io::ErrorKind::InvalidData, error));
    }
    Ok(n)
}

/// Sends what is encrypted; returns whether the socket took all of it.
fn flush(tls: &mut ServerConnection, socket: &Socket) -> io::Result<bool> {
    while tls.wants_write() {
        match tls.write_tls(&mut Sink(socket)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// A socket that raises no SIGPIPE.
struct Sink<'a>(&'a Socket);

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send_with_flags(bytes, FLAGS)
    }

    fn write_vectored(&mut self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        match bytes {
            // Most often: one record.
            [bytes] => self.write(bytes),
            _ => self.0.send_vectored_with_flags(bytes, FLAGS),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
