//! A client's socket, in TLS where the server speaks it.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::{ClientConfig, ClientConnection, StreamOwned};
use socket2::{SockAddr, Socket};

/// Where servers of this process speak TLS, and how to speak it there.
static ENCRYPTED: Mutex<Option<HashMap<SocketAddr, Arc<ClientConfig>>>> = Mutex::new(None);

/// Lets clients that connect to that address speak TLS from now on.
pub fn speak_tls(addr: SocketAddr, config: Arc<ClientConfig>) {
    let mut encrypted = ENCRYPTED.lock().unwrap_or_else(PoisonError::into_inner);
    encrypted.get_or_insert_default().insert(addr, config);
}

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(Socket),
    Tls(Box<StreamOwned<ClientConnection, Socket>>),
}

impl Stream {
    /// Takes a socket that is connected to that address. A handshake is made with the first reading or writing.
    pub(crate) fn new(socket: Socket, addr: &SockAddr) -> Self {
        let encrypted = ENCRYPTED.lock().unwrap_or_else(PoisonError::into_inner);
        let config = addr.as_socket().and_then(|addr| encrypted.as_ref()?.get(&addr).cloned());
        match config {
            None => Self::Plain(socket),
            Some(config) => {
                let name = "localhost".try_into().expect("it is a name");
                let connection = ClientConnection::new(config, name).expect("the name is one");
                Self::Tls(Box::new(StreamOwned::new(connection, socket)))
            }
        }
    }

    /// Makes the handshake now, if there is one. What fails is noticed later.
    pub(crate) fn shake_hands(&mut self) {
        if let Self::Tls(stream) = self {
            let StreamOwned { conn, sock } = &mut **stream;
            while conn.is_handshaking() && conn.complete_io(sock).is_ok() {}
        }
    }

    pub(crate) fn socket(&self) -> &Socket {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &stream.sock,
        }
    }

    /// Ends what this sends.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.say_goodbye();
        self.socket().shutdown(Shutdown::Write)
    }

    fn say_goodbye(&mut self) {
        if let Self::Tls(stream) = self {
            stream.conn.send_close_notify();
        }
        self.send_pending();
    }

    /// Sends what TLS has to send, as far as the socket takes it.
    pub(crate) fn send_pending(&mut self) {
        if let Self::Tls(stream) = self {
            let StreamOwned { conn, sock } = &mut **stream;
            while conn.wants_write() && conn.write_tls(sock).is_ok() {}
        }
    }
}

/// Ends TLS as a client should.
impl Drop for Stream {
    fn drop(&mut self) {
        // A client that has been closed or has a full socket says nothing.
        let _ = self.socket().set_nonblocking(true);
        self.say_goodbye();
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(bytes),
            Self::Tls(stream) => stream.read(bytes),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
