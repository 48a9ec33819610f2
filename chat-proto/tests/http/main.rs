//! What HTTP answers: each status, and each shape of a request that could be read in two ways. `upgrade` is about
//! handshakes of WebSocket, `deadlines` about peers that are slow.

mod deadlines;
mod upgrade;

use chat_proto::Timestamp;
use chat_proto::http::{Action, Connection, MAX_HEAD, MAX_HEADERS, MAX_REQUESTS, Resource, Site, refusal};

const START: Timestamp = Timestamp::ZERO;
const PAGE: &str = "<!doctype html><title>A page</title>";

fn site() -> Site {
    Site::new()
        .resource(Resource::new("/", "text/html; charset=utf-8", PAGE.as_bytes()))
        .resource(Resource::new("/app.js", "text/javascript", *b"'use strict'").cache_control("max-age=60"))
        .resource(Resource::new("/empty", "text/plain", *b""))
        .upgrade(Some("/ws"), Site::IRC)
        .host("chat.example".parse().expect("a name"))
        .header("X-Content-Type-Options", "nosniff")
}

/// Offers the pieces to a connection, whose peer takes all that it is sent; returns what that is, and the state.
fn exchange(pieces: &[&[u8]]) -> (String, Action, usize) {
    let (site, mut connection, mut sent, mut taken) = (site(), Connection::new(START), Vec::new(), 0);
    'all: for piece in pieces {
        let mut rest = *piece;
        loop {
            let n = connection.receive(START, &site, rest);
            (rest, taken) = (&rest[n..], taken + n);
            while connection.action() == Action::Write {
                // The socket takes few bytes at a time.
                let bytes = &connection.pending()[..connection.pending().len().min(100)];
                sent.extend_from_slice(bytes);
                connection.sent(START, bytes.len());
            }
            if connection.action() != Action::Read {
                break 'all;
            }
            if rest.is_empty() {
                break;
            }
        }
    }
    (String::from_utf8(sent).expect("text"), connection.action(), taken)
}

fn answer(request: &str) -> (String, Action) {
    let (sent, action, _) = exchange(&[request.as_bytes()]);
    (sent, action)
}

/// Asserts the status of the answer, that a sentence follows, and whether the connection is kept.
#[track_caller]
fn assert_refused(request: &str, status: &str, action: Action) {
    let (sent, after) = answer(request);
    assert!(sent.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {sent}");
    let (head, body) = sent.split_once("\r\n\r\n").expect("a head");
    assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{head}");
    assert!(body.ends_with(".\n") && body.lines().count() == 1, "{body:?}");
    assert_eq!(after, action, "{request:?}: {sent}");
    assert_eq!(head.contains("Connection: close"), action == Action::Close, "{head}");
}

const HANDSHAKE: &str = "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

const HOST: &str = "Host: 127.0.0.1:8080\r\n";

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\n{HOST}{headers}\r\n")
}

#[test]
fn a_file_is_sent_with_its_type_and_the_headers_of_the_site() {
    let (sent, action) = answer(&get("/", ""));
    let (head, body) = sent.split_once("\r\n\r\n").expect("a head");
    assert_eq!(body, PAGE);
    for line in [
        "HTTP/1.1 200 OK",
        "X-Content-Type-Options: nosniff",
        "Content-Type: text/html; charset=utf-8",
        &format!("Content-Length: {}", PAGE.len()),
        "Cache-Control: no-cache",
    ] {
        assert!(head.lines().any(|it| it == line), "{line} in {head}");
    }
    assert!(!head.contains("Connection"), "{head}");
    assert_eq!(action, Action::Read);
    assert!(answer(&get("/app.js?v=1", "")).0.contains("\r\nCache-Control: max-age=60\r\n"));
    assert!(answer(&get("/empty", "")).0.ends_with("Content-Length: 0\r\n\r\n"));
}

#[test]
fn head_is_answered_without_a_body() {
    let get = answer(&get("/", "")).0;
    let (sent, action) = answer(&format!("HEAD / HTTP/1.1\r\n{HOST}\r\n"));
    assert_eq!((sent.as_str(), action), (get.strip_suffix(PAGE).expect("a body"), Action::Read));
    let (sent, action) = answer(&format!("HEAD /nothing HTTP/1.1\r\n{HOST}\r\n"));
    assert!(sent.starts_with("HTTP/1.1 404 ") && sent.ends_with("\r\n\r\n"), "{sent}");
    assert_eq!(action, Action::Read);
}

#[test]
fn what_the_peer_has_is_not_sent_again() {
    let sent = answer(&get("/", "")).0;
    let tag = sent.lines().find_map(|line| line.strip_prefix("ETag: ")).expect("a tag");
    for tags in [tag, &format!("W/{tag}"), &format!("\"x\", {tag}"), "*"] {
        let (sent, action) = answer(&get("/", &format!("If-None-Match: {tags}\r\n")));
        assert!(sent.starts_with("HTTP/1.1 304 Not Modified\r\n") && sent.ends_with("\r\n\r\n"), "{sent}");
        assert!(sent.contains(tag) && !sent.contains("Content-Length"), "{sent}");
        assert_eq!(action, Action::Read);
    }
    let other = answer(&get("/", "If-None-Match: \"x\"\r\n")).0;
    assert!(other.starts_with("HTTP/1.1 200 "), "{other}");
    assert!(!answer(&get("/app.js", "")).0.contains(tag), "another file has another tag");
}

#[test]
fn a_path_that_leads_nowhere_is_404() {
    for path in ["/nothing", "/index.html", "//", "/../", "/%2e", "/app.js/", "/APP.JS", "/ws/"] {
        assert_refused(&get(path, ""), "404", Action::Read);
    }
}

#[test]
fn other_methods_are_405_and_told_which_there_are() {
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "M-SEARCH"] {
        let request = format!("{method} / HTTP/1.1\r\n{HOST}\r\n");
        assert_refused(&request, "405", Action::Read);
        assert!(answer(&request).0.contains("\r\nAllow: GET, HEAD\r\n"));
    }
    let request = format!("HEAD /ws HTTP/1.1\r\n{HOST}\r\n");
    assert!(answer(&request).0.contains("405 Method Not Allowed\r\nAllow: GET\r\n"));
}

#[test]
fn a_body_is_413() {
    for length in ["1", "0001", "18446744073709551616"] {
        assert_refused(&get("/", &format!("Content-Length: {length}\r\n")), "413", Action::Close);
    }
    let post = format!("POST / HTTP/1.1\r\n{HOST}Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello");
    assert_refused(&post, "413", Action::Close);
    assert!(answer(&get("/", "Content-Length: 0\r\n")).0.starts_with("HTTP/1.1 200 "));
}

#[test]
fn a_head_has_at_most_8_kib() {
    let with_length = |length: usize| {
        let rest = length - get("/", "X: \r\n").len();
        get("/", &format!("X: {}\r\n", "x".repeat(rest)))
    };
    assert!(answer(&with_length(MAX_HEAD)).0.starts_with("HTTP/1.1 200 "));
    assert_refused(&with_length(MAX_HEAD + 1), "431", Action::Close);
    assert_refused(&format!("GET /{}", "x".repeat(2 * MAX_HEAD)), "431", Action::Close);
    assert_refused(&"\r\n".repeat(MAX_HEAD), "431", Action::Close);
    let (_, _, taken) = exchange(&["x".repeat(1 << 20).as_bytes()]);
    assert_eq!(taken, MAX_HEAD + 1, "it stops there");
}

#[test]
fn a_request_has_at_most_64_headers() {
    let with = |headers: usize| get("/", &"X: y\r\n".repeat(headers - 1));
    assert!(answer(&with(MAX_HEADERS)).0.starts_with("HTTP/1.1 200 "));
    assert_refused(&with(MAX_HEADERS + 1), "431", Action::Close);
    assert_refused(&with(10_000), "431", Action::Close);
}

#[test]
fn a_host_that_is_not_served_is_421() {
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.", "chat.example:x", "", "\u{e4}.example"] {
        assert_refused(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), "421", Action::Close);
        assert_refused(&format!("GET /nothing HTTP/1.1\r\nHost: {host}\r\n\r\n"), "421", Action::Close);
    }
    for host in ["localhost", "LocalHost:1", "[::1]:8080", "192.0.2.1", "chat.example", "CHAT.example:443"] {
        let (sent, _) = answer(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert!(sent.starts_with("HTTP/1.1 200 "), "{host}: {sent}");
    }
}

#[test]
fn other_versions_are_505() {
    for line in ["GET / HTTP/2.0", "GET / HTTP/0.9", "PRI * HTTP/2.0", "GET / HTTP/1.2"] {
        assert_refused(&format!("{line}\r\n"), "505", Action::Close);
    }
}

#[test]
fn http_1_0_and_who_asks_for_it_is_answered_and_closed() {
    for request in [format!("GET / HTTP/1.0\r\n{HOST}\r\n"), get("/", "Connection: close\r\n")] {
        let (sent, action) = answer(&request);
        assert!(sent.starts_with("HTTP/1.1 200 ") && sent.contains("\r\nConnection: close\r\n"), "{sent}");
        assert_eq!(action, Action::Close);
    }
}

/// Requests that another server might take to end elsewhere, or to be for another host.
#[test]
fn an_ambiguous_request_is_answered_with_400_and_closed() {
    let shapes: &[(&str, String)] = &[
        ("a chunked body", get("/", "Transfer-Encoding: chunked\r\n")),
        ("a chunked body, spelled otherwise", get("/", "transfer-encoding:\tCHUNKED\r\n")),
        ("an encoding that is none", get("/", "Transfer-Encoding: identity\r\n")),
        ("both kinds of length", get("/", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")),
        ("a space before the colon", get("/", "Transfer-Encoding : chunked\r\n")),
        ("two lengths", get("/", "Content-Length: 0\r\nContent-Length: 5\r\n")),
        ("two lengths that are the same", get("/", "Content-Length: 0\r\nContent-Length: 0\r\n")),
        ("two lengths in one", get("/", "Content-Length: 0, 0\r\n")),
        ("a length with a sign", get("/", "Content-Length: +5\r\n")),
        ("a negative length", get("/", "Content-Length: -1\r\n")),
        ("a length in hexadecimal", get("/", "Content-Length: 0x5\r\n")),
        ("an empty length", get("/", "Content-Length:\r\n")),
        ("no host", "GET / HTTP/1.1\r\n\r\n".into()),
        ("no host in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n".into()),
        ("two hosts", get("/", "Host: localhost\r\n")),
        ("the same host twice", get("/", HOST)),
        ("a folded header", get("/", "X: a\r\n b\r\n")),
        ("a folded header, with a tab", get("/", "X: a\r\n\tContent-Length: 5\r\n")),
        ("a first header that is folded", format!("GET / HTTP/1.1\r\n {HOST}\r\n")),
        ("an absolute target", format!("GET http://localhost/ HTTP/1.1\r\n{HOST}\r\n")),
        ("a target that is an authority", format!("CONNECT localhost:80 HTTP/1.1\r\n{HOST}\r\n")),
        ("a target that is an asterisk", format!("OPTIONS * HTTP/1.1\r\n{HOST}\r\n")),
        ("a target without a slash", format!("GET x HTTP/1.1\r\n{HOST}\r\n")),
        ("a target beyond ASCII", format!("GET /\u{e4} HTTP/1.1\r\n{HOST}\r\n")),
        ("bare line feeds", format!("GET / HTTP/1.1\n{}\n", HOST.replace('\r', ""))),
        ("a bare line feed in a header", get("/", "X: a\nContent-Length: 5\r\n")),
        ("a bare line feed at the end", format!("GET / HTTP/1.1\r\n{HOST}\n")),
        ("a bare carriage return", get("/", "X: a\rContent-Length: 5\r\n")),
        ("two carriage returns", get("/", "X: a\r\r\n")),
        ("a bare carriage return at the end", format!("GET / HTTP/1.1\r\n{HOST}\r\rx")),
        ("a null byte", get("/", "X: \0\r\n")),
        ("an escape", get("/", "X: \u{1b}\r\n")),
        ("a delete", get("/\u{7f}", "")),
        ("a header without a name", get("/", ": x\r\n")),
        ("a header without a colon", get("/", "x\r\n")),
        ("a name with a space", get("/", "X Y: z\r\n")),
        ("two spaces in the first line", format!("GET  / HTTP/1.1\r\n{HOST}\r\n")),
        ("a tab in the first line", format!("GET\t/ HTTP/1.1\r\n{HOST}\r\n")),
        ("a space at the end of the first line", format!("GET / HTTP/1.1 \r\n{HOST}\r\n")),
        ("a space before the first line", format!(" {}", get("/", ""))),
        ("a first line of HTTP/0.9", "GET /\r\n".into()),
        ("a command of IRC", "NICK alice\r\n".into()),
        ("words", "hello\r\n".into()),
        ("a TLS handshake", "\u{16}\u{3}\u{1}\u{2}".into()),
    ];
    for (shape, request) in shapes {
        // What follows is not taken for a request.
        let (sent, action, _) = exchange(&[request.as_bytes(), get("/", "").as_bytes()]);
        assert!(sent.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{shape}: {sent}");
        assert_eq!((sent.matches("HTTP/1.1 ").count(), action), (1, Action::Close), "{shape}: {sent}");
    }
}

#[test]
fn requests_sent_ahead_are_answered_in_order() {
    let ahead = [get("/", ""), get("/nothing", ""), get("/app.js", "")].concat();
    let (sent, action, _) = exchange(&[ahead.as_bytes()]);
    let statuses: Vec<_> = sent.match_indices("HTTP/1.1 ").map(|(i, _)| &sent[i + 9..i + 12]).collect();
    assert_eq!((&statuses[..], action), (&["200", "404", "200"][..], Action::Read));
    assert!(sent.ends_with("'use strict'"));

    let (site, mut connection) = (site(), Connection::new(START));
    assert_eq!(connection.receive(START, &site, ahead.as_bytes()), get("/", "").len(), "one at a time");
    assert_eq!(connection.receive(START, &site, ahead.as_bytes()), 0, "its answer comes first");
}

#[test]
fn blank_lines_before_a_request_are_skipped() {
    let (sent, action) = answer(&format!("\r\n\r\n{}", get("/", "")));
    assert!(sent.starts_with("HTTP/1.1 200 "), "{sent}");
    assert_eq!(action, Action::Read);
}

#[test]
fn a_connection_ends_after_its_last_request() {
    let many = get("/app.js", "").repeat(MAX_REQUESTS as usize + 1);
    let (sent, action, _) = exchange(&[many.as_bytes()]);
    assert_eq!((sent.matches("HTTP/1.1 200").count(), action), (MAX_REQUESTS as usize, Action::Close));
    assert_eq!(sent.matches("Connection: close").count(), 1);
}

#[test]
fn however_input_is_cut_the_answers_are_the_same() {
    for request in [
        get("/", "X: y\r\n"),
        [get("/", ""), get("/nothing", "")].concat(),
        get("/ws", HANDSHAKE) + "frames",
        get("/", "Content-Length: 5\r\n") + "hello",
        get("/", "X: a\nY: b\r\n"),
        get("/", "X: a\r\n b\r\n"),
        format!("\r\n{}hello\r\n", get("/app.js", "")),
        "NICK alice\r\nUSER a\r\n".into(),
    ] {
        let bytes = request.as_bytes();
        let whole = exchange(&[bytes]);
        for i in 0..bytes.len() {
            for j in (i..bytes.len()).step_by(7) {
                assert_eq!(exchange(&[&bytes[..i], &bytes[i..j], &bytes[j..]]), whole, "{request:?} at {i} and {j}");
            }
        }
        assert_eq!(exchange(&bytes.chunks(1).collect::<Vec<_>>()), whole, "{request:?} byte by byte");
    }
}

#[test]
fn a_connection_may_be_refused_before_it_asks() {
    let refused = String::from_utf8(refusal("The server is full.")).expect("text");
    assert!(refused.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{refused}");
    assert!(refused.contains("\r\nConnection: close\r\n") && refused.ends_with("\r\n\r\nThe server is full.\n"));
}

#[test]
fn what_is_made_for_each_request_is_new_each_time_and_kept_by_nobody() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let make = move || format!("{}", count.fetch_add(1, std::sync::atomic::Ordering::Relaxed)).into_bytes();
    let site = Site::new().resource(Resource::made("/count", "text/plain", make));
    let mut connection = Connection::new(START);
    let mut answer = |method: &str| {
        let request = format!("{method} /count HTTP/1.1\r\n{HOST}If-None-Match: *\r\n\r\n");
        connection.receive(START, &site, request.as_bytes());
        let mut sent = Vec::new();
        while connection.action() == Action::Write {
            sent.extend_from_slice(connection.pending());
            connection.sent(START, connection.pending().len());
        }
        String::from_utf8(sent).expect("text")
    };
    let head = "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n";
    assert_eq!(answer("GET"), format!("{head}0"));
    assert_eq!(answer("HEAD"), head);
    assert_eq!(answer("GET"), format!("{head}2"));
    assert!(answer("POST").starts_with("HTTP/1.1 405 "));
}

#[test]
fn a_site_with_any_host_is_served_under_any_name_but_needs_one() {
    let site = Site::new().any_host().resource(Resource::new("/", "text/plain", *b"hello"));
    let status = |request: &str| {
        let mut connection = Connection::new(START);
        connection.receive(START, &site, request.as_bytes());
        String::from_utf8_lossy(&connection.pending()[..12]).into_owned()
    };
    assert_eq!(status("GET / HTTP/1.1\r\nHost: evil.example:9\r\n\r\n"), "HTTP/1.1 200");
    assert_eq!(status("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 400");
    assert_eq!(status("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), "HTTP/1.1 400");
}
