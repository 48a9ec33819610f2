//! Row *encoding*: bytes that are not UTF-8, fields that are not base64.

use chat_proto::CloseReason;

use super::{Scene, chat};

/// Not UTF-8: a byte that begins no sequence, a cut sequence, two overlong forms of `/`, a surrogate, a code point
/// beyond Unicode, continuation bytes alone.
const NOT_UTF8: [&[u8]; 7] =
    [b"\xfe", b"caf\xc3", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80\x80"];

#[test]
fn invalid_utf8_is_refused_and_not_published() {
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
fn a_first_line_of_invalid_utf8_is_answered_and_closes_the_session() {
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
fn a_character_cut_across_reads_is_accepted_and_an_invalid_one_is_refused() {
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
fn invalid_utf8_within_base64_is_refused() {
    let mut scene = Scene::new();
    scene.offender = scene.room.enter("classic");
    for bytes in NOT_UTF8 {
        assert_eq!(scene.offends(chat("mallory", bytes)), chat("server", "not valid UTF-8"));
        assert_eq!(scene.offends(chat(bytes, "hi")), chat("server", "not valid UTF-8"));
    }
    scene.unharmed();
}

#[test]
fn control_characters_within_base64_reach_nobody() {
    let mut scene = Scene::new();
    let carol = scene.room.enter("classic");
    scene.offender = scene.room.enter("classic");
    scene.offends(chat("mallory", "a\0b\r\nc\x1b[31md\te\u{9b}f"));
    assert_eq!(scene.bob_hears(), "* mallory joined\nmallory: ab  c[31md ef\n");
    assert_eq!(
        scene.room.read(carol),
        chat("mallory", "ab  c[31md ef"),
        "clients that decode base64 get the cleaned text, too"
    );
    scene.unharmed();
}

#[test]
fn a_lone_line_end_within_base64_reaches_nobody() {
    // The cleaned text is as long as the original, so comparing lengths would not show that it was cleaned.
    let mut scene = Scene::new();
    let carol = scene.room.enter("classic");
    scene.offender = scene.room.enter("classic");
    for control in ["\n", "\r", "\t"] {
        scene.offends(chat("mallory", format!("a{control}b")));
        assert_eq!(scene.room.read(carol), chat("mallory", "a b"));
    }
}

#[test]
fn invalid_base64_is_refused_and_the_session_stays() {
    let mut scene = Scene::new();
    scene.offender = scene.room.enter("classic");
    for (line, complaint) in [
        // Padding that is missing, too long or in the middle; the URL alphabet; trailing bits that are not zero; a
        // missing character; no base64 at all.
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
