//! Row *wrong protocol*: programs that speak another protocol to this port.

use chat_proto::CloseReason;

use super::{Scene, chat};

#[test]
fn an_http_request_is_answered_and_closed_before_anything_is_published() {
    let request = "POST / HTTP/1.1\r\nHost: localhost:4000\r\nUser-Agent: any\r\n\r\n/name admin\r\nbuy this\r\n";
    for dialect in ["text", "classic"] {
        let mut scene = Scene::new();
        scene.offender = scene.room.enter(dialect);
        let answer = scene.offends(request);
        let words = "this is a chat server; you seem to speak HTTP";
        assert_eq!(answer, if dialect == "text" { format!("! {words}\n") } else { chat("server", words) });
        assert_eq!(scene.closed(), Some(CloseReason::WrongProtocol));
        assert_eq!(scene.bob_hears(), "");
        scene.unharmed();
    }
}

#[test]
fn a_browser_publishes_nothing_however_long_its_url() {
    for dialect in ["text", "classic"] {
        for length in [1, 4_000, 4_080, 4_096, 5_000, 100_000] {
            let mut scene = Scene::new();
            scene.offender = scene.room.enter(dialect);
            let request = format!(
                "POST /{} HTTP/1.1\r\nHost: localhost:4000\r\nCookie: session=secret\r\n\r\n\
                 /name evil\r\nCHAT ZXZpbA== ZXZpbA==\r\nbuy this\r\n",
                "a".repeat(length)
            );
            let mut answer = String::new();
            for piece in request.as_bytes().chunks(1_460) {
                answer += &scene.offends(piece);
            }
            let words = "this is a chat server; you seem to speak HTTP";
            assert_eq!(answer, if dialect == "text" { format!("! {words}\n") } else { chat("server", words) });
            assert_eq!(scene.closed(), Some(CloseReason::WrongProtocol), "{length}");
            scene.unharmed();
        }
    }
}

#[test]
fn any_other_protocol_is_answered_and_closed_before_anything_is_published() {
    for (first, protocol) in [
        ("CONNECT example.org:443 HTTP/1.1", "HTTP"),
        ("GET http://example.org/ HTTP/1.1", "HTTP"),
        ("NICK joe", "IRC"),
        ("PASS secret", "IRC, POP3 or FTP"),
        ("USER joe", "POP3 or FTP"),
        ("EHLO example.org", "SMTP"),
        ("AUTH PLAIN AGpvZQBzZWNyZXQ=", "SMTP"),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443", "the PROXY protocol"),
        ("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", "the PROXY protocol"),
        ("OPTIONS rtsp://example.org/ RTSP/1.0", "RTSP"),
        ("REGISTER sip:example.org SIP/2.0", "SIP"),
    ] {
        for (dialect, before) in [
            ("text", &b""[..]),
            ("text", b"\xef\xbb\xbf"),
            ("text", b"\xff\xfb\x1f\xff\xfd\x03"),
            ("text", b"\r\n"),
            ("classic", b""),
            ("classic", b"\xff\xfa\x18\0vt100\xff\xf0"),
        ] {
            let mut scene = Scene::new();
            scene.offender = scene.room.enter(dialect);
            let lines = [before, first.as_bytes(), b"\r\nPASS secret\r\n/name mallory\r\nCHAT YQ== YQ==\r\n"].concat();
            let words = format!("this is a chat server; you seem to speak {protocol}");
            let answer = if dialect == "text" { format!("! {words}\n") } else { chat("server", &words) };
            assert_eq!(scene.offends(lines), answer, "{first}");
            assert_eq!(scene.closed(), Some(CloseReason::WrongProtocol));
            scene.unharmed();
        }
    }
}

#[test]
fn a_line_that_only_begins_like_another_protocol_is_published() {
    for line in ["PASS the salt", "NICK named me so", "USER experience: good", "GET out of here"] {
        let mut scene = Scene::new();
        assert_eq!(scene.offends(format!("{line}\n")), "");
        assert_eq!(scene.bob_hears(), format!("* guest-3 joined\nguest-3: {line}\n"));
        scene.still_welcome();
    }
}

#[test]
fn a_member_may_talk_about_http() {
    let mut scene = Scene::new();
    scene.offends("/name ann\n");
    assert_eq!(scene.offends("GET / HTTP/1.1\r\nPASS secret\n"), "");
    assert_eq!(scene.bob_hears(), "* ann joined\nann: GET / HTTP/1.1\nann: PASS secret\n");
    scene.still_welcome();
}

#[test]
fn a_tls_client_hello_is_answered_and_closed_at_once() {
    let mut scene = Scene::new();
    let mut hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec();
    hello.extend((0..=255).cycle().take(502).filter(|byte| *byte != b'\n'));
    // No line ends in it, and its client waits.
    assert_eq!(scene.offends(&hello), "! this is a chat server; you seem to speak TLS\n");
    assert_eq!(scene.closed(), Some(CloseReason::WrongProtocol));
    scene.unharmed();
    // Byte by byte; after a first line it is text like any other.
    let mut scene = Scene::new();
    assert_eq!(scene.offends(b"\x16"), "");
    assert_eq!(scene.offends(b"\x03"), "! this is a chat server; you seem to speak TLS\n");
    scene.unharmed();
    let mut scene = Scene::new();
    assert_eq!(scene.offends(b"hello\n\x16\x03"), "");
    assert_eq!(scene.offends(b"\n"), "");
    scene.still_welcome();
}

#[test]
fn telnet_negotiation_is_ignored() {
    let mut scene = Scene::new();
    // WILL ECHO, DO SUPPRESS GO AHEAD, a sub-negotiation of the terminal type, an escaped 255.
    scene.offends(b"\xff\xfb\x01\xff\xfd\x03hel\xff\xfa\x18\x00vt100\xff\xf0lo\xff\xf1\r\n");
    assert_eq!(scene.bob_hears(), "* guest-3 joined\nguest-3: hello\n");
    // An endless sub-negotiation makes its own line unreadable, but no other.
    scene.offends(b"\xff\xfa\x18 never ends\n\xff\n\xff\xfb\n");
    scene.unharmed();
    scene.still_welcome();
}

#[test]
fn an_irc_registration_is_answered_and_closed() {
    let mut scene = Scene::new();
    let registration = "CAP LS 302\r\nNICK joe\r\nUSER joe 0 * :Joe\r\n";
    assert_eq!(scene.offends(registration), "! this is a chat server; you seem to speak IRC\n");
    assert_eq!(scene.closed(), Some(CloseReason::WrongProtocol));
    assert_eq!(scene.bob_hears(), "");
    scene.unharmed();
}

#[test]
fn an_ssh_client_is_answered_and_closed() {
    let mut scene = Scene::new();
    assert_eq!(scene.offends("SSH-2.0-OpenSSH_9.9\r\n"), "! this is a chat server; you seem to speak SSH\n");
    assert_eq!(scene.closed(), Some(CloseReason::WrongProtocol));
    scene.unharmed();
}

#[test]
fn an_unknown_first_line_is_not_understood_on_the_classic_port() {
    let mut scene = Scene::new();
    scene.offender = scene.room.enter("classic");
    for line in ["hello?\n", "/who\n", "NICK alice\r\n"] {
        assert_eq!(scene.offends(line), chat("server", "not understood"), "{line:?}");
    }
    scene.unharmed();
}
