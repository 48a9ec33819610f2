//! A blocking client that sends lines and waits for those it expects.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};
use socket2::{SockAddr, Socket, Type};

use super::tls::stream_to;
use crate::stream::Stream;

/// How long anything immediate may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The smallest receive buffer that systems grant (they round it up), so that a client that does not read soon blocks
/// its sender.
const SMALL_BUFFER: usize = 4 << 10;

/// One connection to a server under test.
///
/// All waiting ends after [`PATIENCE`], with a panic that names the client and what it waited for.
#[derive(Debug)]
pub struct Client {
    who: String,
    stream: BufReader<Stream>,
    /// The start of a line that is not complete yet.
    begun: Vec<u8>,
    bytes_received: u64,
    bytes_sent: u64,
}

/// What a client receives next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A line, without its LF.
    Line(String),
    /// The end of the stream, in order, after a complete line.
    End,
    /// The connection was reset.
    Reset,
    /// Nothing in the time given.
    Nothing,
}

impl Client {
    /// Connects; `who` names the client in failure messages.
    ///
    /// # Panics
    ///
    /// If the server does not accept. All methods panic if they fail.
    #[track_caller]
    #[must_use]
    pub fn connect(who: &str, addr: impl Into<SockAddr>) -> Self {
        let addr = addr.into();
        Self::over(who, new_socket(&addr), &addr).with_handshake()
    }

    /// Connects with a receive buffer that is soon full.
    #[track_caller]
    #[must_use]
    pub fn connect_narrow(who: &str, addr: impl Into<SockAddr>) -> Self {
        let addr = addr.into();
        let socket = new_socket(&addr);
        socket.set_recv_buffer_size(SMALL_BUFFER).expect("a receive buffer can be small");
        Self::over(who, socket, &addr).with_handshake()
    }

    /// Connects a socket that was made earlier, when a descriptor was free.
    #[track_caller]
    #[must_use]
    pub fn over(who: &str, socket: Socket, addr: &SockAddr) -> Self {
        socket.connect_timeout(addr, PATIENCE).unwrap_or_else(|error| panic!("{who} cannot connect: {error}"));
        if !addr.is_unix() {
            // Each write is sent at once.
            socket.set_tcp_nodelay(true).expect("a socket has TCP_NODELAY");
        }
        socket.set_write_timeout(Some(PATIENCE)).expect("a socket has timeouts");
        let stream = BufReader::new(stream_to(addr, socket));
        Self { who: who.into(), stream, begun: Vec::new(), bytes_received: 0, bytes_sent: 0 }
    }

    /// Makes the handshake of TLS, where there is one.
    fn with_handshake(mut self) -> Self {
        self.stream.get_ref().socket().set_read_timeout(Some(PATIENCE)).expect("a socket has timeouts");
        self.stream.get_mut().shake_hands();
        self
    }

    /// Returns the client's name in failure messages.
    #[must_use]
    pub fn who(&self) -> &str {
        &self.who
    }

    /// Changes the client's name in failure messages.
    pub fn rename(&mut self, who: String) {
        self.who = who;
    }

    /// Returns the address from which it is connected; `None` on a Unix socket.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.stream.get_ref().socket().local_addr().ok()?.as_socket()
    }

    /// Returns how many bytes of complete lines were received so far.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.bytes_received
    }

    /// Returns how many bytes were sent so far.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.bytes_sent
    }

    /// Sends a line.
    #[track_caller]
    pub fn say(&mut self, line: &str) {
        self.send_bytes(format!("{line}\n").as_bytes());
    }

    /// Sends bytes as they are.
    #[track_caller]
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        if let Err(error) = self.stream.get_mut().write_all(bytes) {
            panic!("{} cannot say {:?}: {error}", self.who, String::from_utf8_lossy(bytes));
        }
        self.bytes_sent += bytes.len() as u64;
    }

    /// Sends as much of `bytes` as the other end takes without a pause of `patience`, and returns how much that was.
    pub fn send_what_fits(&mut self, bytes: &[u8], patience: Duration) -> usize {
        let stream = self.stream.get_mut();
        stream.socket().set_write_timeout(Some(patience)).expect("a socket has timeouts");
        let mut said = 0;
        while said < bytes.len() {
            match stream.write(&bytes[said..]) {
                // The other end takes no more, or has closed.
                Ok(0) | Err(_) => break,
                Ok(n) => said += n,
            }
        }
        stream.socket().set_write_timeout(Some(PATIENCE)).expect("a socket has timeouts");
        self.bytes_sent += said as u64;
        said
    }

    /// Waits for what comes next, at most until `deadline`.
    #[track_caller]
    pub fn receive(&mut self, deadline: Instant) -> Received {
        loop {
            // A timeout of zero would mean none.
            let patience = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            self.stream.get_ref().socket().set_read_timeout(Some(patience)).expect("a socket has timeouts");
            match self.stream.read_until(b'\n', &mut self.begun) {
                Ok(_) if self.begun.ends_with(b"\n") => {
                    let line = std::mem::take(&mut self.begun);
                    self.bytes_received += line.len() as u64;
                    let line = std::str::from_utf8(&line[..line.len() - 1]);
                    return Received::Line(line.expect("the server writes UTF-8").into());
                }
                Ok(_) => {
                    assert!(self.begun.is_empty(), "{}'s stream ends in mid-line: {:?}", self.who, self.begun());
                    return Received::End;
                }
                Err(error) if is_timeout(error.kind()) => {
                    if Instant::now() >= deadline {
                        return Received::Nothing;
                    }
                }
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Received::Reset,
                Err(error) => panic!("{} cannot read: {error}", self.who),
            }
        }
    }

    /// Waits for the next line.
    #[track_caller]
    pub fn line(&mut self) -> String {
        match self.receive(Instant::now() + PATIENCE) {
            Received::Line(line) => line,
            other => panic!("{} waits for a line and gets: {other:?} {}", self.who, self.begun()),
        }
    }

    /// Waits for the next line, which must be this one.
    #[track_caller]
    pub fn expect(&mut self, line: &str) {
        match self.receive(Instant::now() + PATIENCE) {
            Received::Line(heard) => assert_eq!(heard, line, "what {} hears", self.who),
            other => panic!("{} waits for {line:?} and gets: {other:?} {}", self.who, self.begun()),
        }
    }

    /// Expects the end of the stream now, without another line and without a reset.
    #[track_caller]
    pub fn expect_end(&mut self) {
        match self.receive(Instant::now() + PATIENCE) {
            Received::End => {}
            other => panic!("{} waits for the end and gets: {other:?} {}", self.who, self.begun()),
        }
    }

    /// Expects the notice of the shutdown, in either dialect, and then the end.
    #[track_caller]
    pub fn expect_shutdown(mut self) {
        const WORDS: &str = "shutting down";
        let line = self.line();
        let told = line == format!("* server: {WORDS}") || line == classic_line("server", WORDS);
        assert!(told, "{} waits to be told of the shutdown and hears {line:?}", self.who);
        self.expect_end();
    }

    /// Reads what is left, up to the end of the stream, even within a line, or up to a reset.
    #[track_caller]
    pub fn drain(mut self) {
        self.stream.get_ref().socket().set_read_timeout(Some(PATIENCE)).expect("a socket has timeouts");
        match io::copy(&mut self.stream, &mut io::sink()) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("{} waits for the end: {error}", self.who),
        }
    }

    /// Expects that nothing is pending: the next line is the answer to a ping. (Text only.)
    #[track_caller]
    pub fn expect_nothing_more(&mut self) {
        self.say("/ping");
        self.expect("* pong");
    }

    /// Skips all lines sent up to now. (Text only.)
    #[track_caller]
    pub fn catch_up(&mut self) {
        self.say("/ping");
        while self.line() != "* pong" {}
    }

    /// Ends the input to the server; its output can still be read.
    pub fn end_input(&mut self) {
        self.stream.get_mut().end().expect("one half of a connection can be closed");
    }

    /// Resets the connection; bytes on their way in either direction are lost.
    ///
    /// A Unix socket is only closed: what was sent before still arrives.
    pub fn reset(self) {
        self.stream.get_ref().socket().set_linger(Some(Duration::ZERO)).expect("a connection can be reset");
    }

    fn begun(&self) -> String {
        if self.begun.is_empty() { String::new() } else { format!("({:?})", String::from_utf8_lossy(&self.begun)) }
    }
}

/// Makes a socket to be connected later; it takes its descriptor now.
///
/// # Panics
///
/// If there is no descriptor for it.
#[must_use]
pub fn new_socket(addr: &SockAddr) -> Socket {
    Socket::new(addr.domain(), Type::STREAM, None).expect("a socket can be made")
}

/// Returns the `CHAT` line of the classic dialect for this name and text.
#[must_use]
pub fn classic_line(name: &str, words: &str) -> String {
    format!("CHAT {} {}", BASE64.encode(name), BASE64.encode(words))
}

/// Returns the name and the text of a `CHAT` line of the classic dialect.
///
/// # Panics
///
/// If it is not a `CHAT` line.
#[track_caller]
#[must_use]
pub fn classic_words(line: &str) -> (String, String) {
    let decode = |field: Option<&str>| {
        let bytes = field.and_then(|field| BASE64.decode(field).ok());
        bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| panic!("no CHAT line: {line:?}"))
    };
    let mut fields = line.split(' ');
    assert_eq!(fields.next(), Some("CHAT"), "no CHAT line: {line:?}");
    let (name, words) = (decode(fields.next()), decode(fields.next()));
    assert_eq!(fields.next(), None, "no CHAT line: {line:?}");
    (name, words)
}

fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
