//! Handshakes of WebSocket: which are answered, and which are refused.

use chat_proto::MessageKind;
use chat_proto::http::{Action, Connection, Site};

use super::{HANDSHAKE, START, answer, assert_refused, exchange, get, site};

#[test]
fn a_handshake_upgrades_and_what_follows_is_not_taken() {
    let request = get("/ws?x", HANDSHAKE);
    let (sent, action, taken) = exchange(&[format!("{request}\u{1}frames").as_bytes()]);
    assert_eq!(
        sent,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    );
    assert_eq!((action, taken), (Action::Upgrade(MessageKind::Text), request.len()));
}

/// RFC 6455, 4.2.1: the tokens are compared without regard to case, in lists with others, and names of headers are, too.
#[test]
fn a_handshake_is_read_without_regard_to_case() {
    for headers in [HANDSHAKE.to_ascii_lowercase(), HANDSHAKE.to_ascii_uppercase()] {
        // The key is not.
        let (before, after) = headers.split_at(headers.to_ascii_lowercase().find("-key: ").expect("a key") + 6);
        let request = get("/ws", &format!("{before}dGhlIHNhbXBsZSBub25jZQ=={}", &after[24..]));
        let (sent, action) = answer(&request);
        assert_eq!(action, Action::Upgrade(MessageKind::Text), "{request}: {sent}");
    }
    let among_others = HANDSHAKE.replace("Upgrade: websocket", "Upgrade: h2c , websocket");
    assert_eq!(answer(&get("/ws", &among_others)).1, Action::Upgrade(MessageKind::Text));
}

/// RFC 6455, 9.1: a server agrees on none of the extensions that it does not know, and this one knows none.
#[test]
fn extensions_are_declined() {
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-webkit-deflate-frame\r\n";
    let (sent, action) = answer(&get("/ws", &format!("{HANDSHAKE}{offer}")));
    assert!(action == Action::Upgrade(MessageKind::Text) && !sent.contains("Extensions"), "{sent}");
}

#[test]
fn the_first_subprotocol_that_is_known_is_agreed_on() {
    for (asked, name, kind) in [
        ("text.ircv3.net", Some("text.ircv3.net"), MessageKind::Text),
        ("binary.ircv3.net, text.ircv3.net", Some("binary.ircv3.net"), MessageKind::Binary),
        ("x\r\nSec-WebSocket-Protocol:  ,binary.ircv3.net", Some("binary.ircv3.net"), MessageKind::Binary),
        ("chat", None, MessageKind::Text),
        ("TEXT.ircv3.net", None, MessageKind::Text),
        ("", None, MessageKind::Text),
    ] {
        let (sent, action) = answer(&get("/ws", &format!("{HANDSHAKE}Sec-WebSocket-Protocol: {asked}\r\n")));
        let agreed = sent.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Protocol: "));
        assert_eq!((agreed, action), (name, Action::Upgrade(kind)), "{asked}: {sent}");
    }
}

#[test]
fn a_request_that_is_no_handshake_is_answered_with_426() {
    assert_refused(&get("/ws", ""), "426", Action::Read);
    for (right, wrong) in [
        ("Upgrade: websocket", "Upgrade: h2c"),
        ("Upgrade: websocket", "Upgrade: websocket2"),
        ("Upgrade: websocket\r\n", ""),
        ("keep-alive, Upgrade", "keep-alive"),
        ("Connection: keep-alive, Upgrade\r\n", ""),
    ] {
        let request = get("/ws", &HANDSHAKE.replace(right, wrong));
        assert_refused(&request, "426", Action::Read);
        assert!(answer(&request).0.contains("\r\nUpgrade: websocket\r\n"));
    }
    assert_refused(&get("/ws", HANDSHAKE).replace("HTTP/1.1", "HTTP/1.0"), "426", Action::Close);
    for version in ["Sec-WebSocket-Version: 8\r\n", "Sec-WebSocket-Version: 13, 8\r\n", ""] {
        let request = get("/ws", &HANDSHAKE.replace("Sec-WebSocket-Version: 13\r\n", version));
        assert_refused(&request, "426", Action::Read);
        assert!(answer(&request).0.contains("\r\nSec-WebSocket-Version: 13\r\n"));
    }
}

#[test]
fn a_wrong_key_is_400() {
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for wrong in [
        "",
        "Sec-WebSocket-Key:\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSBu\r\n",
        &key.repeat(2),
    ] {
        assert_refused(&get("/ws", &HANDSHAKE.replace(key, wrong)), "400", Action::Close);
    }
    assert_refused(&get("/ws", &format!("{HANDSHAKE}Sec-WebSocket-Version: 13\r\n")), "400", Action::Close);
}

#[test]
fn the_page_that_asks_for_an_upgrade_must_be_the_hosts_own() {
    let upgrade = |origin: &str| get("/ws", &format!("{HANDSHAKE}Origin: {origin}\r\n"));
    let own = answer(&upgrade("http://127.0.0.1:8080"));
    assert_eq!(own.1, Action::Upgrade(MessageKind::Text), "{}", own.0);
    for origin in ["http://evil.example", "http://127.0.0.1", "http://localhost:8080", "null", ""] {
        assert_refused(&upgrade(origin), "403", Action::Close);
    }
    let twice = upgrade("http://127.0.0.1:8080\r\nOrigin: http://127.0.0.1:8080");
    assert_refused(&twice, "400", Action::Close);
    let foreign = format!("GET /ws HTTP/1.1\r\nHost: evil.example\r\n{HANDSHAKE}Origin: http://evil.example\r\n\r\n");
    assert_refused(&foreign, "421", Action::Close);
}

#[test]
fn a_page_elsewhere_may_connect_if_its_origin_was_given() {
    let site = site().origin("https://gamja.example".parse().expect("an origin"));
    let status = |host: &str, origin: &str| {
        let request = format!("GET /ws HTTP/1.1\r\nHost: {host}\r\n{HANDSHAKE}Origin: {origin}\r\n\r\n");
        let mut connection = Connection::new(START);
        connection.receive(START, &site, request.as_bytes());
        String::from_utf8_lossy(&connection.pending()[9..12]).into_owned()
    };
    assert_eq!(status("chat.example", "https://gamja.example"), "101");
    assert_eq!(status("127.0.0.1:8080", "https://gamja.example"), "101");
    assert_eq!(status("chat.example", "https://chat.example"), "101", "its own pages still may");
    assert_eq!(status("chat.example", "http://gamja.example"), "403");
    assert_eq!(status("chat.example", "https://gamja.example:444"), "403");
    assert_eq!(status("evil.example", "https://gamja.example"), "421", "the name of the server counts as before");
    assert_eq!(status("gamja.example", "https://gamja.example"), "421");
}

#[test]
fn without_a_path_websocket_begins_everywhere() {
    let site = Site::new().upgrade(None, &[]);
    let mut connection = Connection::new(START);
    let request = get("/socket", &format!("{HANDSHAKE}Sec-WebSocket-Protocol: text.ircv3.net\r\n"));
    connection.receive(START, &site, request.as_bytes());
    let sent = String::from_utf8_lossy(connection.pending()).into_owned();
    assert!(sent.starts_with("HTTP/1.1 101 ") && !sent.contains("Protocol:"), "{sent}");
}
