//! The history: what newcomers and those who ask are shown, also if it is longer than the reply buffer.

mod driver;

use std::time::Duration;

use chat_proto::{Batch, CloseReason, Config, SessionId};

use self::driver::Driver;

#[test]
fn a_newcomer_is_shown_the_latest_messages_and_no_more() {
    let mut config = Config::default();
    config.dialects[1].backlog = 2;
    let mut driver = Driver::new(config);
    let alice = driver.join("text");
    driver.say(alice, "one\ntwo\n/name alice\nthree\n");
    let bob = driver.open("text");
    driver.say(alice, "four\n");
    assert_eq!(
        driver.read(bob),
        "* welcome, you are guest-2; say something, or /help (10 minutes of silence are fine)\n* the latest messages:\nguest-1: two\n\
         alice: three\n* those were the latest messages; what follows is live\nalice: four\n"
    );
}

/// A config with a small reply buffer for long lines, a backlog of 1,000, and no rate.
fn long_backlog() -> Config {
    let mut config = Config { reply_bytes: 16_384, max_line: 3_000, rate: None, ..Config::default() };
    config.dialects[1].backlog = 1_000;
    config
}

/// Says that many lines of 1,000 bytes.
fn say_long_lines(driver: &mut Driver, speaker: SessionId, count: usize) {
    for n in 0..count {
        driver.say(speaker, &format!("{n:0>1000}\n"));
        driver.drain();
    }
}

#[test]
fn a_newcomer_is_shown_a_backlog_longer_than_its_reply_buffer_as_it_reads() {
    let mut driver = Driver::new(long_backlog());
    let alice = driver.join("text");
    say_long_lines(&mut driver, alice, 1_000);
    let bob = driver.open("text");
    driver.say(alice, "and now this\n");
    let shown = driver.read(bob);
    let mut lines = shown.lines();
    assert!(lines.next().is_some_and(|line| line.starts_with("* welcome")));
    assert_eq!(lines.next(), Some("* the latest messages:"));
    for n in 0..1_000 {
        assert_eq!(lines.next(), Some(&*format!("guest-1: {n:0>1000}")));
    }
    assert_eq!(lines.next(), Some("* those were the latest messages; what follows is live"));
    assert_eq!((lines.next(), lines.next()), (Some("guest-1: and now this"), None));
}

#[test]
fn an_answer_takes_no_more_than_half_of_the_reply_buffer_at_once() {
    let mut driver = Driver::new(long_backlog());
    let alice = driver.join("text");
    say_long_lines(&mut driver, alice, 100);
    let bob = driver.open("text");
    let mut batch = Batch::new();
    for _ in 0..12 {
        assert!(driver.hub.fill(bob, &mut batch, usize::MAX));
        let len = batch.as_bytes().len();
        assert!(len <= 8_192 && len + 1_010 > 8_192, "{len} bytes");
        driver.hub.sent(driver.now, bob, &batch, len);
    }
}

#[test]
fn history_is_shown_on_request_and_the_next_line_waits_for_its_end() {
    let mut driver = Driver::new(long_backlog());
    let (alice, bob) = (driver.join("text"), driver.join("text"));
    assert_eq!(driver.ask(bob, "/history\n").lines().count(), 2, "the lines before and after, and no messages");
    say_long_lines(&mut driver, alice, 50);
    driver.read(bob);
    assert_eq!(driver.hub.receive(driver.now, bob, b"/history 20\n/ping\n"), 12, "the rest is left untaken");
    driver.say(alice, "meanwhile\n");
    let shown = driver.read(bob);
    assert_eq!(shown.lines().count(), 1 + 20 + 1 + 1);
    assert!(shown.ends_with("* those were the latest messages; what follows is live\nguest-1: meanwhile\n"));
    assert_eq!(driver.readable, [bob]);
    assert_eq!(driver.ask(bob, "/ping\n"), "* pong\n");
}

#[test]
fn a_peer_that_ends_its_input_after_asking_gets_the_whole_answer() {
    let mut driver = Driver::new(long_backlog());
    let (alice, bob) = (driver.join("text"), driver.join("text"));
    say_long_lines(&mut driver, alice, 50);
    driver.read(bob);
    driver.say(bob, "/history 40\n");
    driver.hub.receive_eof(driver.now, bob);
    assert_eq!(driver.read(bob).lines().count(), 1 + 40 + 1);
    driver.drain();
    assert_eq!(driver.closed, [(bob, CloseReason::Eof)]);
}

#[test]
fn a_kick_ends_an_answer() {
    let mut driver = Driver::new(long_backlog());
    let (alice, bob) = (driver.join("text"), driver.join("text"));
    say_long_lines(&mut driver, alice, 50);
    driver.read(bob);
    driver.say(bob, "/history 40\n");
    driver.hub.kick(driver.now, bob, "out");
    let shown = driver.read(bob);
    assert!(shown.lines().count() < 12 && shown.ends_with("! closed: kicked: out\n"), "{shown}");
}

#[test]
fn a_reader_of_a_long_answer_is_waited_for_until_its_allowance_is_used_up() {
    let mut driver = Driver::new(long_backlog());
    let (alice, bob) = (driver.join("text"), driver.join("text"));
    say_long_lines(&mut driver, alice, 50);
    driver.read(bob);
    driver.say(bob, "/history 40\n");
    // Bob takes what he is offered, but so little at a time that he would not get to the end of it.
    let line = format!("{}\n", "x".repeat(1_000));
    let mut batch = Batch::new();
    let mut said = 0;
    let waited_at = loop {
        if driver.hub.receive(driver.now, alice, line.as_bytes()) == 0 {
            break said;
        }
        said += 1;
        driver.drain();
    };
    assert!((128..300).contains(&waited_at), "two small parts: {waited_at}");
    driver.pass(Duration::from_millis(200));
    assert_eq!(driver.hub.receive(driver.now, alice, line.as_bytes()), 0);
    driver.pass(Duration::from_millis(100));
    assert_eq!(driver.hub.stats().slow, 1);
    assert_eq!(driver.hub.receive(driver.now, alice, b"/msg guest-2 hello?\n"), 20);
    assert!(driver.read(alice).ends_with("! not delivered: they are not reading\n"));
    assert!(driver.hub.fill(bob, &mut batch, usize::MAX));
    assert!(driver.read(bob).ends_with("xxx\n"));
}

#[test]
fn a_reader_that_keeps_pace_misses_nothing_though_it_asks_for_the_history() {
    let mut driver = Driver::new(long_backlog());
    let (alice, bob) = (driver.join("text"), driver.join("text"));
    for _ in 0..5 {
        say_long_lines(&mut driver, alice, 100);
        driver.read(bob);
    }
    // Bob takes all that he is offered, and alice says more than that: what waits is offered again.
    let (mut batch, mut unsaid) = (Batch::new(), Vec::new());
    for n in 0..400 {
        if n % 100 == 50 {
            driver.hub.receive(driver.now, bob, b"/history 400\n");
        }
        if unsaid.is_empty() {
            unsaid = format!("{n:0>1000}\n").repeat(100).into_bytes();
        }
        let taken = driver.hub.receive(driver.now, alice, &unsaid);
        unsaid.drain(..taken);
        for id in [alice, bob] {
            if driver.hub.fill(id, &mut batch, 64 << 10) {
                driver.hub.sent(driver.now, id, &batch, batch.as_bytes().len());
            }
        }
        driver.drain();
    }
    assert_eq!(driver.hub.stats().missed, 0);
    assert!(driver.hub.stats().held > 0, "alice has waited for bob");
}

#[test]
fn a_newcomer_to_silence_is_shown_no_backlog_and_no_lines_around_it() {
    let mut driver = Driver::new(Config::default());
    let alice = driver.open("text");
    assert_eq!(driver.read(alice).lines().count(), 1);
    driver.say(alice, "hello\n");
    let carol = driver.open("classic");
    assert_eq!(driver.read(carol), "", "classic shows none");
}

#[test]
fn what_is_evicted_before_it_was_read_is_counted() {
    let mut config = Config { history: 100, ..long_backlog() };
    config.dialects[1].backlog = 0;
    let mut driver = Driver::new(config);
    let (alice, bob) = (driver.join("text"), driver.join("text"));
    say_long_lines(&mut driver, alice, 100);
    driver.read(bob);
    driver.say(bob, "/history 50\n");
    say_long_lines(&mut driver, alice, 100);
    let shown = driver.read(bob);
    let lines: Vec<&str> = shown.lines().collect();
    // The line before, and as many messages as fit at once; the others are gone when bob reads on.
    let gap = lines.iter().position(|line| line.starts_with("* missed")).expect("a gap is shown");
    assert_eq!(lines[gap], format!("* missed {} messages", 50 - (gap - 1)));
    assert_eq!(lines[gap + 1], "* those were the latest messages; what follows is live");
    assert_eq!(lines.len(), gap + 2 + 100);
}

#[test]
fn a_reader_of_a_long_answer_is_not_idle_while_its_lines_are_left_untaken() {
    let mut config = long_backlog();
    config.dialects[1].idle_timeout = Some(Duration::from_secs(10));
    let mut driver = Driver::new(config);
    let alice = driver.join("text");
    say_long_lines(&mut driver, alice, 500);
    let bob = driver.open("text");
    let mut batch = Batch::new();
    for _ in 0..30 {
        driver.hub.receive(driver.now, alice, b"\n");
        assert!(driver.hub.fill(bob, &mut batch, usize::MAX));
        driver.hub.sent(driver.now, bob, &batch, batch.as_bytes().len());
        assert_eq!(driver.hub.receive(driver.now, bob, b"hello\n"), 0, "his line waits for the end of the answer");
        driver.pass(Duration::from_secs(1));
    }
    assert_eq!(driver.closed, []);
    // Once he has all of it, he is given as long as anybody.
    driver.read(bob);
    for _ in 0..9 {
        driver.hub.receive(driver.now, alice, b"\n");
        driver.pass(Duration::from_secs(1));
    }
    assert_eq!(driver.closed, []);
    driver.pass(Duration::from_secs(1));
    assert_eq!(driver.read(bob), "! closed: timed out\n");
}

#[test]
fn a_shutdown_ends_an_answer_and_is_told() {
    let mut driver = Driver::new(long_backlog());
    let (alice, bob) = (driver.join("text"), driver.join("text"));
    say_long_lines(&mut driver, alice, 50);
    driver.read(bob);
    driver.say(bob, "/history 40\n");
    driver.hub.shut_down(driver.now);
    let shown = driver.read(bob);
    assert!(shown.lines().count() < 12 && shown.ends_with("* server: shutting down\n"), "{shown}");
    driver.drain();
    assert!(driver.closed.contains(&(bob, CloseReason::ShutDown)));
}
