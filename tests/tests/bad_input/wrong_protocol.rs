//! Row *wrong protocol*: programs that take this port for theirs.

use super::{Scene, chat};

#[test]
fn an_http_request_is_told_what_this_is() {
    let mut scene = Scene::new();
    let answer = scene.offends("GET / HTTP/1.1\r\n");
    assert_eq!(answer, "! this is a chat server; you seem to speak HTTP\n");
    scene.unharmed();
    // The headers that follow are lines like others; a browser that reads the answer hangs up.
    scene.offends("\r\n");
    assert_eq!(scene.bob_hears(), "");
}

#[test]
fn a_tls_client_hello_is_told_what_this_is() {
    let mut scene = Scene::new();
    let mut hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec();
    hello.extend((0..=255).cycle().take(502).filter(|byte| *byte != b'\n'));
    assert_eq!(scene.offends(&hello), "", "no line ends in it");
    assert_eq!(scene.offends("\n"), "! this is a chat server; you seem to speak TLS\n");
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
fn an_irc_registration_is_told_what_this_is() {
    let mut scene = Scene::new();
    assert_eq!(scene.offends("CAP LS 302\r\n"), "! this is a chat server; you seem to speak IRC\n");
    assert_eq!(scene.offends("USER guest 0 * :Guest\r\n"), "! this is a chat server; you seem to speak IRC\n");
    scene.unharmed();
    scene.still_welcome();
}

#[test]
fn other_protocols_on_the_classic_port_are_not_understood() {
    let mut scene = Scene::new();
    scene.offender = scene.room.enter("classic");
    for line in ["GET / HTTP/1.1\r\n", "\x16\x03\x01\x02\x00\n", "NICK alice\r\n", "hello?\n", "/who\n"] {
        assert_eq!(scene.offends(line), chat("server", "not understood"), "{line:?}");
    }
    scene.unharmed();
}
