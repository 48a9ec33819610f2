//! Row *encoding*: bytes that are no text, text that is no base64.

use chat_proto::CloseReason;

use super::{Scene, chat};

/// Not UTF-8: a byte that begins nothing, a cut sequence, overlong forms of `/`, a surrogate, beyond Unicode.
const NOT_UTF8: [&[u8]; 7] =
    [b"\xfe", b"caf\xc3", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80\x80"];

#[test]
fn what_is_not_utf8_is_refused_and_said_to_nobody() {
    let mut scene = Scene::new();
    scene.offends("/ping\n");
    for bytes in NOT_UTF8 {
        assert_eq!(scene.offends([bytes, b"\n"].concat()), "! not valid UTF-8\n", "{}", bytes.escape_ascii());
        assert_eq!(scene.offends([b"/name ", bytes, b"\n"].concat()), "! not valid UTF-8\n");
    }
    scene.unharmed();
    scene.still_welcome();
}

#[test]
fn a_first_line_that_is_not_utf8_is_answered_and_closes() {
    for bytes in NOT_UTF8 {
        let words = ["not valid UTF-8", "closed: first line refused"];
        for (dialect, answer) in [
            ("text", words.map(|words| format!("! {words}\n")).concat()),
            ("classic", words.map(|words| chat("server", words)).concat()),
        ] {
            let mut scene = Scene::new();
            scene.offender = scene.room.enter(dialect);
            let line = [b"\n \r\nPASS x ", bytes, b"\n/name mallory\nhello\nCHAT YQ== YQ==\n"].concat();
            assert_eq!(scene.offends(line), answer, "{}", bytes.escape_ascii());
            assert_eq!(scene.closed(), Some(CloseReason::FirstLine));
            scene.unharmed();
        }
    }
}

#[test]
fn a_character_cut_across_reads_is_whole_and_a_broken_one_is_still_broken() {
    let mut scene = Scene::new();
    for byte in "žluťoučký 🦀\n".bytes() {
        scene.offends([byte]);
    }
    assert_eq!(scene.bob_hears(), "* guest-3 joined\nguest-3: žluťoučký 🦀\n");
    assert_eq!((scene.offends(b"caf\xc3"), scene.offends(b"\n").as_str()), (String::new(), "! not valid UTF-8\n"));
    assert_eq!(
        (scene.offends(b"\xf0\x9f"), scene.offends(b"\xa6 crab\n").as_str()),
        (String::new(), "! not valid UTF-8\n")
    );
    scene.unharmed();
}

#[test]
fn what_is_not_utf8_within_base64_is_refused() {
    let mut scene = Scene::new();
    scene.offender = scene.room.enter("classic");
    for bytes in NOT_UTF8 {
        assert_eq!(scene.offends(chat("mallory", bytes)), chat("server", "not valid UTF-8"));
        assert_eq!(scene.offends(chat(bytes, "hi")), chat("server", "not valid UTF-8"));
    }
    scene.unharmed();
}

#[test]
fn controls_within_base64_reach_nobody() {
    let mut scene = Scene::new();
    let carol = scene.room.enter("classic");
    scene.offender = scene.room.enter("classic");
    scene.offends(chat("mallory", "a\0b\r\nc\x1b[31md\te\u{9b}f"));
    assert_eq!(scene.bob_hears(), "* mallory joined\nmallory: ab  c[31md ef\n");
    assert_eq!(scene.room.read(carol), chat("mallory", "ab  c[31md ef"), "nor those who decode it themselves");
    scene.unharmed();
}

#[test]
fn a_line_end_alone_within_base64_reaches_nobody() {
    // As long when cleaned as it was before, so that nothing but the bytes themselves tells them apart.
    let mut scene = Scene::new();
    let carol = scene.room.enter("classic");
    scene.offender = scene.room.enter("classic");
    for control in ["\n", "\r", "\t"] {
        scene.offends(chat("mallory", format!("a{control}b")));
        assert_eq!(scene.room.read(carol), chat("mallory", "a b"));
    }
}

#[test]
fn base64_that_is_none_is_refused_and_the_session_stays() {
    let mut scene = Scene::new();
    scene.offender = scene.room.enter("classic");
    for (line, complaint) in [
        // No padding, too much, in the middle; the URL alphabet; bits that mean nothing; a letter too few; no alphabet at all.
        ("CHAT YQ== YQ", "not valid base64"),
        ("CHAT YQ== YQ===", "not valid base64"),
        ("CHAT YQ== Y=Q=", "not valid base64"),
        ("CHAT YQ== _-==", "not valid base64"),
        ("CHAT YQ== YR==", "not valid base64"),
        ("CHAT YQ== Y", "not valid base64"),
        ("CHAT YQ== hello", "not valid base64"),
        ("CHAT ==== YQ==", "not valid base64"),
        ("NAME hello", "not valid base64"),
        ("CHAT YQ==", "not understood"),
        ("CHAT", "not understood"),
        ("NAME", "not understood"),
        ("NAME YQ== YQ==", "not understood"),
        ("CHAT YQ== YQ== YQ==", "not valid base64"),
        ("chat YQ== YQ==", "not understood"),
    ] {
        assert_eq!(scene.offends(format!("{line}\n")), chat("server", complaint), "{line}");
    }
    scene.unharmed();
    scene.offends(chat("mallory", "now as it should be"));
    assert_eq!(scene.bob_hears(), "* mallory joined\nmallory: now as it should be\n");
}

#[test]
fn huge_base64_is_a_line_too_long() {
    let mut scene = Scene::new();
    scene.offender = scene.room.enter("classic");
    scene.offends(chat("mallory", "hello"));
    scene.quiet();
    assert_eq!(
        scene.offends(chat("mallory", vec![b'x'; 1_000_000])),
        chat("server", "line too long: 4096 bytes at most")
    );
    scene.unharmed();
}
