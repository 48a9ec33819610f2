//! The port for browsers: the page, what is refused there, and the conversation over WebSocket.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use chat_tests::program::{Process, Program};
use chat_tests::websocket::{masked, opcode};
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

use super::{PATIENCE, connect, guest, head};

fn serve(args: &[&str]) -> (Process, SocketAddr, SocketAddr) {
    let listen = ["--listen", "text=127.0.0.1:0", "--listen", "web=127.0.0.1:0"];
    let mut process = Program::ChatServer.start(&[&listen, args].concat());
    let text = process.listening("text");
    let web = process.listening("web");
    (process, text, web)
}

/// Sends a request that asks for the connection's end, and returns the answer.
fn request(web: SocketAddr, line: &str, headers: &str) -> String {
    let mut stream = connect(web);
    let request = format!("{line} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers and closes");
    answer
}

fn host(web: SocketAddr) -> String {
    format!("Host: {web}\r\n")
}

#[test]
fn the_page_and_all_that_it_loads_are_served() {
    let (_process, _, web) = serve(&[]);
    let page = request(web, "GET /", &host(web));
    let (head, body) = page.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && body.starts_with("<!doctype html>"), "{page}");
    for part in ["default-src 'none'", "frame-ancestors 'none'", "nosniff", "no-referrer", "text/html"] {
        assert!(head.contains(part), "{part} in {head}");
    }
    for (path, kind) in [("main.js", "text/javascript"), ("style.css", "text/css")] {
        assert!(body.contains(&format!("\"{path}\"")), "{path} in {body}");
        let file = request(web, &format!("GET /{path}"), &host(web));
        assert!(file.starts_with("HTTP/1.1 200 OK\r\n") && file.contains(kind), "{file}");
    }
    let head_only = request(web, "HEAD /", &host(web));
    assert_eq!(head_only, format!("{head}\r\n\r\n"));
    let tag = head.lines().find_map(|line| line.strip_prefix("ETag: ")).expect("a tag");
    let again = request(web, "GET /", &format!("{}If-None-Match: {tag}\r\n", host(web)));
    assert!(again.starts_with("HTTP/1.1 304 ") && again.ends_with("\r\n\r\n"), "{again}");
}

#[test]
fn what_is_not_there_or_not_allowed_is_refused_in_a_sentence() {
    let (_process, _, web) = serve(&["--web-hosts", "chat.example", "--web-origins", "https://gamja.example"]);
    let headers = host(web);
    let many = "X: y\r\n".repeat(10_000);
    for (line, headers, status) in [
        ("GET /nothing", headers.as_str(), "404"),
        ("POST /", &headers, "405"),
        ("GET /", "Host: evil.example\r\n", "421"),
        ("GET /", "Host: chat.example:1\r\n", "200"),
        ("GET /ws", &headers, "426"),
        ("GET /ws", &format!("{headers}{HANDSHAKE}Origin: http://evil.example\r\n"), "403"),
        ("GET /ws", &format!("{headers}{HANDSHAKE}Origin: http://gamja.example\r\n"), "403"),
        ("POST /", &format!("{headers}Content-Length: 5\r\n"), "413"),
        ("GET /", &format!("{headers}Transfer-Encoding: chunked\r\n"), "400"),
        ("GET /", &format!("{headers}{many}"), "431"),
    ] {
        let answer = request(web, line, headers);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line}: {answer}");
    }
}

#[test]
fn connections_that_send_nothing_or_too_slowly_are_closed_and_keep_nobody_waiting() {
    let (_process, text, web) = serve(&[]);
    let begun = Instant::now();
    let mut silent: Vec<TcpStream> = (0..500).map(|_| connect(web)).collect();
    let mut slow = connect(web);
    slow.write_all(b"GET / HT").expect("it reads");
    drop(guest("alice", text));
    assert!(request(web, "GET /", &host(web)).starts_with("HTTP/1.1 200 "));
    assert!(begun.elapsed() < PATIENCE / 4, "nobody waits for the others");
    let mut answer = String::new();
    slow.read_to_string(&mut answer).expect("it is closed");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    for stream in &mut silent {
        assert_eq!(stream.read(&mut [0]).expect("it is closed"), 0);
    }
}

#[test]
fn connections_of_http_count_as_sessions_until_they_are_closed() {
    let (_process, text, web) = serve(&["--max-sessions", "2"]);
    let [first, second] = [(); 2].map(|()| connect(web));
    let mut refused = String::new();
    connect(web).read_to_string(&mut refused).expect("it is refused and closed");
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.ends_with("the server is full, try again later\n"));
    drop((first, second));
    let until = Instant::now() + PATIENCE;
    while request(web, "GET /", &host(web)).starts_with("HTTP/1.1 503 ") {
        assert!(Instant::now() < until, "their places are not free");
    }
    drop(guest("alice", text));
}

/// Connects as the page does.
fn upgrade(addr: SocketAddr, path: &str) -> WebSocket<TcpStream> {
    upgrade_as(addr, path, &addr.to_string(), &format!("http://{addr}"))
}

fn upgrade_as(addr: SocketAddr, path: &str, host: &str, origin: &str) -> WebSocket<TcpStream> {
    let mut stream = connect(addr);
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n{HANDSHAKE}\
         Sec-WebSocket-Protocol: text.ircv3.net\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let head = head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.contains("\r\nSec-WebSocket-Protocol: text.ircv3.net\r\n"), "{head}");
    WebSocket::from_raw_socket(stream, Role::Client, None)
}

const HANDSHAKE: &str = "Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Reads lines up to one that ends so.
fn expect(socket: &mut WebSocket<TcpStream>, end: &str) {
    loop {
        match socket.read().expect("a line") {
            Message::Text(line) if line.ends_with(end) => return,
            Message::Text(line) => assert!(!line.contains('\n'), "{line:?}"),
            other => panic!("{other:?} in place of {end}"),
        }
    }
}

#[test]
fn a_client_of_irc_over_websocket_talks_to_one_of_text() {
    for (service, path) in [("web", "/ws"), ("irc+ws", "/any/path")] {
        let listen = format!("{service}=127.0.0.1:0");
        let mut process = Program::ChatServer.start(&["--listen", "text=127.0.0.1:0", "--listen", &listen]);
        let text = process.listening("text");
        let addr = process.listening(service);
        let mut bob = guest("bob", text);
        bob.say("/name bob");
        bob.expect("* you are now bob");
        let mut alice = upgrade(addr, path);
        for line in ["NICK alice", "USER alice 0 * :Alice", "JOIN #lobby"] {
            alice.send(Message::text(line)).expect("it reads");
        }
        bob.expect("* alice joined");
        alice.send(Message::text("PRIVMSG #lobby :hello bob")).expect("it reads");
        bob.expect("alice: hello bob");
        bob.say("hello alice");
        expect(&mut alice, "PRIVMSG #lobby :hello alice");
        alice.close(None).expect("it reads");
        bob.expect("* alice left");
        bob.say("/quit");
        bob.expect("* bye");
        bob.say("/quit");
    }
}

/// As nginx in front of it passes them on, and as another page sends them.
#[test]
fn browsers_connect_through_a_proxy_and_from_pages_whose_origin_was_given() {
    let (_process, _, web) = serve(&["--web-hosts", "chat.example", "--web-origins", "https://gamja.example"]);
    for (host, origin) in [
        ("chat.example", "https://chat.example"),
        ("chat.example:8443", "https://chat.example:8443"),
        ("chat.example", "https://gamja.example"),
    ] {
        let mut socket = upgrade_as(web, "/ws", host, origin);
        socket.send(Message::text("PING there")).expect("it reads");
        expect(&mut socket, "there");
    }
}

/// Returns a frame of a client whose key is zero.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    masked(true, opcode, payload, [0; 4])
}

#[test]
fn requests_and_the_upgrade_and_messages_may_come_in_one_piece() {
    let (_process, _, web) = serve(&[]);
    let requests = format!("GET / HTTP/1.1\r\n{0}\r\nGET /ws HTTP/1.1\r\n{0}{HANDSHAKE}\r\n", host(web));
    let lines = ["NICK alice", "USER alice 0 * :Alice", "QUIT"].map(|line| frame(opcode::TEXT, line.as_bytes()));
    let all = [requests.into_bytes(), lines.concat()].concat();
    let mut answers = [all.len(), 7].map(|piece| {
        let mut stream = connect(web);
        for bytes in all.chunks(piece) {
            stream.write_all(bytes).expect("it reads");
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it closes");
        answer.escape_ascii().to_string()
    });
    let [whole, pieces] = &mut answers;
    assert!(whole.contains("<!doctype html>") && whole.contains("HTTP/1.1 101 ") && whole.contains(" 001 alice "));
    // 1000: it has quit.
    assert!(whole.ends_with("\\x88\\x02\\x03\\xe8"), "{whole}");
    assert!(pieces.ends_with("\\x88\\x02\\x03\\xe8"), "{pieces}");
}

#[test]
fn whoever_sends_no_frames_after_the_upgrade_is_told_and_closed() {
    let (_process, _, web) = serve(&[]);
    for (garbage, code) in
        [(&b"NICK alice\r\n"[..], 1002_u16), (b"\x81\x05hello", 1002), (b"\x81\x81\0\0\0\0\xff", 1007)]
    {
        let mut socket = upgrade(web, "/ws");
        socket.get_mut().write_all(garbage).expect("it reads");
        let close = loop {
            match socket.read().expect("a frame") {
                Message::Close(close) => break close.expect("a code"),
                Message::Text(_) => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(u16::from(close.code), code, "{}", garbage.escape_ascii());
        // RFC 6455, 7.1.1: the server closes first.
        let mut rest = Vec::new();
        socket.get_mut().read_to_end(&mut rest).expect("it is closed");
        assert_eq!(rest, b"");
    }
}
