//! A WebSocket server that sends back each message, on the crate's codec alone and without a hub: what suites that test
//! WebSocket servers talk to.
//!
//! `cargo run --release -p chat-proto --example echo -- 127.0.0.1:9001 16777216` listens there, for messages of at most
//! so many bytes. It serves each connection on a thread of its own, and asks no request for more than it needs.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use chat_proto::websocket::{Decoder, Message, accept_key, encode, encode_close, encode_pong};

/// The most bytes of a request.
const MAX_HEAD: usize = 8 << 10;

/// The most bytes read at once.
const MAX_READ: usize = 64 << 10;

/// How long a peer has to close its end, too.
const LINGER: Duration = Duration::from_secs(1);

/// Answers the handshake; returns the bytes that have come after it, or `None` if it was none.
fn shake_hands(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let (mut head, mut buffer) = (Vec::new(), [0; MAX_HEAD]);
    let end = loop {
        if let Some(end) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end + 4;
        }
        let n = stream.read(&mut buffer)?;
        if n == 0 || head.len() + n > MAX_HEAD {
            return Ok(None);
        }
        head.extend_from_slice(&buffer[..n]);
    };
    let rest = head.split_off(end);
    let head = String::from_utf8_lossy(&head);
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let key =
        fields.filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key")).map(|(_, key)| key.trim()).next();
    let Some(key) = key else {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
        return Ok(None);
    };
    let accept = accept_key(key.as_bytes());
    let answer =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
    stream.write_all(&[answer.as_bytes(), &accept, b"\r\n\r\n"].concat())?;
    Ok(Some(rest))
}

/// Sends back each message, until the peer closes or breaks a rule.
fn serve(mut stream: TcpStream, max_message: usize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let Some(mut input) = shake_hands(&mut stream)? else { return Ok(()) };
    let (mut decoder, mut out, mut buffer) = (Decoder::new(max_message), Vec::new(), vec![0; MAX_READ]);
    let mut is_open = true;
    while is_open {
        let mut rest = &input[..];
        while is_open && !rest.is_empty() {
            let message = match decoder.next(rest) {
                Ok((n, message)) => {
                    rest = &rest[n..];
                    message
                }
                Err(violation) => {
                    encode_close(Some(violation.close_code()), &mut out);
                    is_open = false;
                    break;
                }
            };
            match message {
                Some(Message::Data(kind, payload)) => encode(kind, &payload, &mut out),
                Some(Message::Ping(payload)) => encode_pong(&payload, &mut out),
                Some(Message::Close(code)) => {
                    encode_close(code, &mut out);
                    is_open = false;
                }
                Some(Message::Pong) | None => {}
            }
        }
        stream.write_all(&out)?;
        out.clear();
        if is_open {
            let n = stream.read(&mut buffer)?;
            is_open = n > 0;
            input.clear();
            input.extend_from_slice(&buffer[..n]);
        }
    }
    // Otherwise what the peer still sends could make the system discard what it has not read.
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(LINGER))?;
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let addr = args.next().unwrap_or_else(|| "127.0.0.1:9001".into());
    let max_message = args.next().map_or(Ok(16 << 20), |max| max.parse())?;
    let listener = TcpListener::bind(addr)?;
    println!("listening echo {}", listener.local_addr()?);
    thread::spawn(move || {
        for stream in listener.incoming() {
            match stream {
                Ok(stream) => drop(thread::spawn(move || serve(stream, max_message))),
                // The peer is gone again, or there are no descriptors for a while.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    });
    // Whatever ends the input, it has ended.
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    Ok(())
}
