//! Row *framing*: line ends, line lengths, and the end of input.

use std::num::NonZeroU32;
use std::time::Duration;

use chat_proto::{CloseReason, Config, Rate};

use super::{Scene, chat, lines};

#[test]
fn an_endless_line_is_refused_once_and_holds_no_memory() {
    let mut scene = Scene::new();
    scene.offends("/ping\n");
    assert_eq!(scene.offends(vec![b'x'; 5_000]), "! line too long: 4096 bytes at most\n");
    for _ in 0..1_000 {
        assert_eq!(scene.offends([b'x'; 1_000]), "", "refused once, discarded since");
    }
    scene.unharmed();
    scene.quiet();
    assert_eq!(scene.offends("\n"), "", "the line end completes it");
    scene.still_welcome();
}

#[test]
fn an_endless_first_line_is_answered_and_closes_the_session() {
    let mut scene = Scene::new();
    let answer = scene.offends([&[b'x'; 5_000][..], b"\n/name mallory\nhello\n"].concat());
    assert_eq!(answer, "! line too long: 4096 bytes at most\n! closed: first line refused\n");
    assert_eq!(scene.closed(), Some(CloseReason::FirstLine));
    scene.unharmed();
}

#[test]
fn a_line_may_arrive_one_byte_at_a_time() {
    let mut scene = Scene::new();
    for byte in b"slowly said\r\n" {
        assert_eq!(scene.offends([*byte]), "");
    }
    assert_eq!(scene.bob_hears(), "* guest-3 joined\nguest-3: slowly said\n");
    scene.unharmed();
}

#[test]
fn many_lines_may_arrive_in_one_read() {
    let mut scene = Scene::new();
    let many = lines(0..500, |i| format!("line {i}\n"));
    scene.offends(&many);
    let heard = lines(0..500, |i| format!("guest-3: line {i}\n"));
    assert_eq!(scene.bob_hears(), format!("* guest-3 joined\n{heard}"));
    scene.unharmed();
}

#[test]
fn crlf_and_lf_end_a_line_but_bare_cr_and_nul_do_not() {
    let mut scene = Scene::new();
    scene.offends("one\r\ntwo\nthree\rfour\0five\n\r\n\n");
    assert_eq!(scene.bob_hears(), "* guest-3 joined\nguest-3: one\nguest-3: two\nguest-3: three fourfive\n");
    scene.unharmed();
}

#[test]
fn a_line_at_the_limit_is_published_and_a_longer_one_is_not() {
    let mut scene = Scene::with(Config { rate: None, max_line: 100, ..Config::default() });
    scene.offends("hello\n");
    scene.quiet();
    for (length, end, is_said) in
        [(99, "\n", true), (100, "\n", true), (100, "\r\n", true), (101, "\n", false), (101, "\r\n", false)]
    {
        let words = "x".repeat(length);
        let answer = scene.offends(format!("{words}{end}"));
        if is_said {
            assert_eq!((answer.as_str(), scene.bob_hears()), ("", format!("guest-3: {words}\n")));
        } else {
            assert_eq!((answer.as_str(), scene.bob_hears().as_str()), ("! line too long: 100 bytes at most\n", ""));
        }
    }
    scene.unharmed();
}

#[test]
fn a_classic_line_at_the_limit_is_published_and_a_longer_one_is_not() {
    let mut scene = Scene::with(Config { rate: None, max_line: 100, ..Config::default() });
    scene.offender = scene.room.enter("classic");
    // "CHAT YQ== " has 10 bytes, and 66 bytes of text are 88 of base64; spaces fill the rest.
    let line = |padding: usize| chat("a", "x".repeat(66)).replacen("CHAT ", &format!("CHAT{}", " ".repeat(padding)), 1);
    assert_eq!((line(3).len(), line(4).len()), (101, 102), "with their line end");
    assert_eq!(scene.offends(line(3)), "");
    assert_eq!(scene.bob_hears(), format!("* a joined\na: {}\n", "x".repeat(66)));
    assert_eq!(scene.offends(line(4)), chat("server", "line too long: 100 bytes at most"));
    scene.unharmed();
}

#[test]
fn bytes_after_the_end_of_input_are_taken_and_ignored() {
    let mut scene = Scene::new();
    let (now, id) = (scene.room.now, scene.offender);
    scene.room.hub.receive(now, id, b"unfinished");
    scene.room.hub.receive_eof(now, id);
    scene.room.types(id, " business\nand more\n");
    scene.unharmed();
    assert_eq!(scene.closed(), Some(CloseReason::Eof));
}

#[test]
fn an_unfinished_line_at_the_end_of_input_is_not_published() {
    let mut scene = Scene::new();
    scene.offends("said\nnot said");
    scene.room.hub.receive_eof(scene.room.now, scene.offender);
    assert_eq!(scene.bob_hears(), "* guest-3 joined\nguest-3: said\n* guest-3 left\n");
    scene.unharmed();
}

#[test]
fn discarded_input_costs_a_token_per_kib() {
    const KIB: usize = 1 << 10;
    let rate = Rate { per_second: NonZeroU32::MIN, burst: NonZeroU32::new(10).expect("not zero") };
    let mut scene = Scene::with(Config { rate: Some(rate), max_line: 100, ..Config::default() });
    let endless = vec![b'x'; 100 * KIB];
    scene.offends("/ping\n");
    // The line costs a token, and so does each of eight KiB beyond the limit. With `/ping`, all ten tokens are used up.
    let taken = scene.room.hub.receive(scene.room.now, scene.offender, &endless);
    assert_eq!(taken, 101 + 8 * KIB);
    assert_eq!(scene.room.hub.receive(scene.room.now, scene.offender, b"x"), 0, "not a byte more");
    scene.room.pass(Duration::from_secs(2));
    assert_eq!(scene.room.hub.receive(scene.room.now, scene.offender, &endless), 2 * KIB, "a KiB a second");
}
