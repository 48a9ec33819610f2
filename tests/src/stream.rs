//! A client's socket, in TLS where the server speaks it.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;

use rustls::{ClientConfig, ClientConnection, StreamOwned};
use socket2::Socket;

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(Socket),
    Tls(Box<StreamOwned<ClientConnection, Socket>>),
}

impl Stream {
    /// Takes a connected socket, and how to speak TLS to `localhost` over it, if at all. A handshake is made with the
    /// first reading or writing.
    pub(crate) fn new(socket: Socket, tls: Option<Arc<ClientConfig>>) -> Self {
        let Some(config) = tls else { return Self::Plain(socket) };
        let name = "localhost".try_into().expect("it is a name");
        let connection = ClientConnection::new(config, name).expect("the configuration is right");
        Self::Tls(Box::new(StreamOwned::new(connection, socket)))
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
    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.say_goodbye();
        self.socket().shutdown(Shutdown::Write)
    }

    fn say_goodbye(&mut self) {
        if let Self::Tls(stream) = self {
            stream.conn.send_close_notify();
        }
        self.send_pending();
    }

    /// Sends what TLS has to send, as far as the socket takes it; returns whether something is left.
    pub(crate) fn send_pending(&mut self) -> bool {
        let Self::Tls(stream) = self else { return false };
        let StreamOwned { conn, sock } = &mut **stream;
        while conn.wants_write() && conn.write_tls(sock).is_ok() {}
        conn.wants_write()
    }
}

/// Ends TLS as a client should.
impl Drop for Stream {
    fn drop(&mut self) {
        if let Self::Tls(stream) = self {
            // A client that has been closed or has a full socket says nothing.
            let _ = stream.sock.set_nonblocking(true);
            self.say_goodbye();
        }
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
