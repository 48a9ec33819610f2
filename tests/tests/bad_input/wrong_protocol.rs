//! Row *wrong protocol*: programs that take this port for theirs.

use chat_proto::CloseReason;

use super::{Scene, chat};

#[test]
fn an_http_request_is_told_what_this_is_and_closed_before_it_says_more() {
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
fn who_has_joined_may_speak_of_http() {
    let mut scene = Scene::new();
    scene.offends("/name ann\n");
    assert_eq!(scene.offends("GET / HTTP/1.1\r\n"), "! this is a chat server; you seem to speak HTTP\n");
    scene.offends("that is how it begins\n");
    assert_eq!(scene.bob_hears(), "* ann joined\nann: that is how it begins\n");
    scene.still_welcome();
}

#[test]
fn a_tls_client_hello_is_told_what_this_is() {
    let mut scene = Scene::new();
    let mut hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec();
    hello.extend((0..=255).cycle().take(502).filter(|byte| *byte != b'\n'));
    assert_eq!(scene.offends(&hello), "", "no line ends in it");
    assert_eq!(scene.offends("\n"), "! this is a chat server; you seem to speak TLS\n");
    assert_eq!(scene.closed(), Some(CloseReason::WrongProtocol));
    scene.unharmed();
}

#[test]
fn telnet_negotiation_is_passed_over() {
    let mut scene = Scene::new();
    // WILL ECHO, DO SUPPRESS GO AHEAD, a sub-negotiation of the terminal type, an escaped 255.
    scene.offends(b"\xff\xfb\x01\xff\xfd\x03hel\xff\xfa\x18\x00vt100\xff\xf0lo\xff\xf1\r\n");
    assert_eq!(scene.bob_hears(), "* guest-3 joined\nguest-3: hello\n");
    // One that never ends takes its line with it, no more.
    scene.offends(b"\xff\xfa\x18 never ends\n\xff\n\xff\xfb\n");
    scene.unharmed();
    scene.still_welcome();
}

#[test]
fn an_irc_registration_is_told_what_this_is_and_closed() {
    let mut scene = Scene::new();
    let registration = "CAP LS 302\r\nNICK joe\r\nUSER joe 0 * :Joe\r\n";
    assert_eq!(scene.offends(registration), "! this is a chat server; you seem to speak IRC\n");
    assert_eq!(scene.closed(), Some(CloseReason::WrongProtocol));
    assert_eq!(scene.bob_hears(), "");
    scene.unharmed();
}

#[test]
fn an_ssh_client_is_told_what_this_is_and_closed() {
    let mut scene = Scene::new();
    assert_eq!(scene.offends("SSH-2.0-OpenSSH_9.9\r\n"), "! this is a chat server; you seem to speak SSH\n");
    assert_eq!(scene.closed(), Some(CloseReason::WrongProtocol));
    scene.unharmed();
}

#[test]
fn what_is_no_protocol_known_is_not_understood_on_the_classic_port() {
    let mut scene = Scene::new();
    scene.offender = scene.room.enter("classic");
    for line in ["NICK alice\r\n", "hello?\n", "/who\n"] {
        assert_eq!(scene.offends(line), chat("server", "not understood"), "{line:?}");
    }
    scene.unharmed();
}
