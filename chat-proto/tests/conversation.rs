//! The hub as a driver sees it: bytes and time in, commands and bytes out.

mod driver;

use std::num::NonZeroU32;
use std::time::Duration;

use chat_proto::{Batch, CloseReason, Command, Config, OnLag, OpenError, Rate, SessionId};

use self::driver::Driver;

const MS: Duration = Duration::from_millis(1);

#[test]
fn two_dialects_hold_one_conversation() {
    let mut driver = Driver::new(Config::default());
    let (alice, bob, carol) = (driver.open("text"), driver.open("text"), driver.open("classic"));
    assert_eq!(
        driver.read(alice),
        "* welcome, you are guest-1; say something, or /help (10 minutes of silence are fine)\n"
    );
    assert_eq!(
        driver.read(bob),
        "* welcome, you are guest-2; say something, or /help (10 minutes of silence are fine)\n"
    );
    driver.say(alice, "/name alice\n");
    driver.say(bob, "/name bob\n");
    driver.say(carol, "NAME Y2Fyb2w=\nCHAT Y2Fyb2w= aGVsbG8=\n");
    driver.say(alice, "hi carol\r\n//who\n/me waves\n");
    driver.say(bob, "/name Alice\n/msg carol psst\n/who\n/quit so long\n");
    assert_eq!(
        driver.read(alice),
        "* you are now alice\n* bob joined\n* carol joined\ncarol: hello\n* bob left (\"so long\")\n"
    );
    assert_eq!(
        driver.read(bob),
        "* alice joined\n* you are now bob\n* carol joined\ncarol: hello\nalice: hi carol\nalice: /who\n** alice waves\n\
         ! that name is taken, or looks like one that is\nyou -> carol: psst\n* 3 here: alice, bob, carol\n* bye\n"
    );
    assert_eq!(
        driver.read(carol),
        "CHAT YWxpY2U= aGkgY2Fyb2w=\nCHAT YWxpY2U= L3dobw==\nACT YWxpY2U= d2F2ZXM=\n\
         TELL Ym9i cHNzdA==\n"
    );
    driver.drain();
    assert_eq!(driver.closed, [(bob, CloseReason::Quit)]);
}

#[test]
fn a_classic_session_is_anonymous_until_it_claims_a_free_name() {
    let mut driver = Driver::new(Config::default());
    let text = driver.join("text");
    driver.say(text, "/name alice\n");
    driver.read(text);
    let classic = driver.open("classic");
    driver.say(classic, "CHAT YWxpY2U= b25l\nCHAT c2VydmVy dHdv\nCHAT Ym9i dGhyZWU=\nCHAT YWxpY2U= Zm91cg==\n");
    assert_eq!(driver.read(text), "anonymous: one\nanonymous: two\n* bob joined\nbob: three\nbob: four\n");
    driver.say(classic, "rubbish\n");
    assert_eq!(driver.read(classic), "CHAT c2VydmVy bm90IHVuZGVyc3Rvb2Q=\n");
}

#[test]
fn a_line_begun_is_finished_even_if_the_log_evicts_it() {
    let mut config = Config { log_entries: 2, pace: None, ..Config::default() };
    config.rate = None;
    let mut driver = Driver::new(config);
    let (alice, bob) = (driver.join("text"), driver.join("text"));
    driver.say(alice, "one\n");
    driver.read(bob);
    for cut in 1..22 {
        driver.say(alice, "begun\n");
        driver.drain();
        let mut batch = Batch::new();
        assert!(driver.hub.fill(bob, &mut batch, 1 << 16));
        assert_eq!(batch.as_bytes(), b"guest-1: begun\n");
        for word in ["two\n", "three\n", "four\n"] {
            driver.say(alice, word);
        }
        let taken = cut.min(15);
        driver.hub.sent(driver.now, bob, &batch, taken);
        let mut read = batch.as_bytes()[..taken].to_vec();
        read.extend(driver.read(bob).into_bytes());
        assert_eq!(
            String::from_utf8(read).expect("UTF-8"),
            "guest-1: begun\n* missed 1 message\nguest-1: three\nguest-1: four\n"
        );
    }
}

#[test]
fn a_lagging_reader_is_closed_when_bytes_are_handed_out() {
    let config = Config { log_entries: 2, pace: None, on_lag: OnLag::Close, ..Config::default() };
    let mut driver = Driver::new(config);
    let (alice, bob) = (driver.join("text"), driver.join("text"));
    driver.say(alice, "1\n2\n3\n");
    driver.say(bob, "/ping\n");
    assert_eq!(driver.hub.stats().missed, 0, "a lag is noticed only when bytes are handed out");
    assert_eq!(
        driver.read(bob),
        "* missed 2 messages\nguest-1: 2\nguest-1: 3\n* pong\n! closed: fell 2 messages behind\n"
    );
    driver.drain();
    assert_eq!(driver.closed, [(bob, CloseReason::Lagged { missed: 2 })]);
}

#[test]
fn readers_at_the_same_place_share_one_copy() {
    let mut driver = Driver::new(Config::default());
    let [alice, bob, carol, dave] = ["text", "text", "text", "classic"].map(|dialect| driver.join(dialect));
    driver.say(alice, "hello\n");
    let mut batch = Batch::new();
    assert!(driver.hub.fill(bob, &mut batch, 1 << 16));
    assert!(driver.hub.fits(carol, &batch));
    assert!(!driver.hub.fits(dave, &batch), "the batch is of another dialect");
    driver.say(carol, "/ping\n");
    assert!(driver.hub.fits(carol, &batch), "her private bytes come after it");
    driver.hub.sent(driver.now, carol, &batch, 5);
    assert!(!driver.hub.fits(carol, &batch), "she has taken a part of it");
    assert!(driver.hub.fits(bob, &batch));
}

#[test]
fn a_batch_holds_at_most_max_bytes_of_the_log_but_at_least_one_message() {
    let mut driver = Driver::new(Config::default());
    let (alice, bob) = (driver.join("text"), driver.join("text"));
    driver.say(alice, "/name alice\none\ntwo\nthree\n");
    let mut batch = Batch::new();
    for (most, copied) in [(1, "* alice joined\n"), (22, "alice: one\nalice: two\n"), (22, "alice: three\n")] {
        assert!(driver.hub.fill(bob, &mut batch, most));
        assert_eq!(batch.as_bytes(), copied.as_bytes());
        driver.hub.sent(driver.now, bob, &batch, copied.len());
    }
}

#[test]
fn every_reader_gets_its_turn_while_messages_keep_coming() {
    const READERS: usize = 300;
    /// How many sessions a driver writes to before it reports and takes more.
    const ROUND: usize = 128;
    const ROUNDS: usize = 200;
    let rate = None;
    let mut driver = Driver::new(Config { rate, ..Config::default() });
    let ids: Vec<SessionId> = ["classic", "text"]
        .iter()
        .flat_map(|dialect| [*dialect; READERS])
        .map(|dialect| driver.join(dialect))
        .collect();
    let speaker = driver.join("text");
    let mut turns = vec![0; driver.hub.config().max_sessions];
    let mut writing: Vec<(SessionId, Batch)> = Vec::new();
    for _ in 0..ROUNDS {
        driver.say(speaker, "anything new\n");
        // A few sessions always have a reply pending.
        for asking in &ids[2 * READERS - 10..] {
            driver.hub.receive(driver.now, *asking, b"/ping\n");
        }
        for (id, batch) in writing.drain(..) {
            driver.hub.sent(driver.now, id, &batch, batch.as_bytes().len());
        }
        while writing.len() < ROUND
            && let Some(command) = driver.hub.poll_command()
        {
            if let Command::Send(id) = command {
                let mut batch = Batch::new();
                assert!(driver.hub.fill(id, &mut batch, 64 << 10));
                turns[id.slot()] += 1;
                writing.push((id, batch));
            }
        }
    }
    let turns: Vec<usize> = ids.iter().map(|id| turns[id.slot()]).collect();
    let (listening, asking) = turns.split_at(2 * READERS - 10);
    // Sessions with replies go first, but leave at least half of all turns to the others, who share them equally.
    let answers: usize = asking.iter().sum();
    assert!(answers <= ROUNDS * ROUND / 2, "{asking:?}");
    let fair = (ROUNDS * ROUND - answers) / (listening.len() + 1);
    assert!(asking.iter().all(|turns| *turns >= fair), "{fair} each, not {asking:?}");
    assert!(listening.iter().all(|turns| (fair - 2..=fair + 2).contains(turns)), "{fair} each, not {listening:?}");
    // Every second turn is for a reply, so each reply is sent in the round of its request.
    assert!(asking.iter().all(|turns| *turns == ROUNDS), "{ROUNDS} each, not {asking:?}");
}

#[test]
fn a_reader_that_lags_is_closed_if_the_operator_chose_so() {
    let config = Config { log_entries: 2, pace: None, on_lag: OnLag::Close, ..Config::default() };
    let mut driver = Driver::new(config);
    let (alice, bob) = (driver.join("text"), driver.join("text"));
    driver.say(alice, "1\n2\n3\n");
    assert_eq!(driver.read(bob), "* missed 2 messages\nguest-1: 2\nguest-1: 3\n! closed: fell 2 messages behind\n");
    driver.drain();
    assert_eq!(driver.closed, [(bob, CloseReason::Lagged { missed: 2 })]);
}

#[test]
fn input_beyond_the_rate_is_left_untaken_and_none_of_it_is_lost() {
    let rate = Rate { per_second: NonZeroU32::new(10).expect("10"), burst: NonZeroU32::new(2).expect("2") };
    let mut driver = Driver::new(Config { rate: Some(rate), ..Config::default() });
    let (alice, bob) = (driver.join("text"), driver.join("text"));
    let mut input = &b"a\nb\nc\nd\n"[..];
    input = &input[driver.hub.receive(driver.now, alice, input)..];
    assert_eq!(input, b"c\nd\n", "the burst is taken");
    assert_eq!(driver.hub.receive(driver.now, alice, input), 0);
    for left in [&b"d\n"[..], b""] {
        driver.pass(99 * MS);
        assert_eq!(driver.readable, []);
        driver.pass(MS);
        assert_eq!(driver.readable, [alice]);
        driver.readable.clear();
        input = &input[driver.hub.receive(driver.now, alice, input)..];
        assert_eq!(input, left);
    }
    assert_eq!(driver.read(bob), "* guest-1 joined\nguest-1: a\nguest-1: b\nguest-1: c\nguest-1: d\n");
}

#[test]
fn input_offered_again_before_its_read_is_taken_if_it_may_be() {
    let rate = Rate { per_second: NonZeroU32::new(10).expect("10"), burst: NonZeroU32::MIN };
    let mut driver = Driver::new(Config { rate: Some(rate), ..Config::default() });
    let alice = driver.join("text");
    assert_eq!(driver.hub.receive(driver.now, alice, b"a\nb\n"), 2);
    driver.now = driver.now + 100 * MS;
    driver.say(alice, "b\n");
    driver.pass(Duration::ZERO);
    assert_eq!(driver.readable, [], "no input is left to offer again");
}

#[test]
fn a_peer_that_does_not_read_its_replies_is_not_read_from() {
    let mut driver = Driver::new(Config { rate: None, ..Config::default() });
    let alice = driver.join("text");
    let input = "/help\n".repeat(1_000);
    let taken = driver.hub.receive(driver.now, alice, input.as_bytes());
    assert!(taken > 0 && taken < input.len());
    assert!(driver.read(alice).starts_with("* a line is said to everyone"));
    assert_eq!(driver.readable, [alice]);
    assert!(driver.hub.receive(driver.now, alice, &input.as_bytes()[taken..]) > 0);
}

#[test]
fn silence_and_stalling_end_a_session_on_time() {
    let mut config = Config::default();
    config.dialects[0].idle_timeout = Some(100 * MS);
    config.stall_timeout = Some(50 * MS);
    let mut driver = Driver::new(config);
    let (silent, alice) = (driver.join("classic"), driver.join("text"));
    driver.say(alice, "/name alice\n");
    driver.say(silent, "CHAT Ym9i aGk=\n");
    driver.pass(30 * MS);
    driver.say(silent, "\n");
    driver.pass(49 * MS);
    assert_eq!(driver.closed, []);
    driver.pass(MS);
    assert_eq!(driver.closed, [(alice, CloseReason::Stalled)], "pending since the first commands were drained");
    driver.pass(49 * MS);
    assert_eq!(driver.closed.len(), 1);
    driver.pass(MS);
    assert_eq!(driver.read(silent), "CHAT c2VydmVy Y2xvc2VkOiB0aW1lZCBvdXQ=\n");
    driver.drain();
    assert_eq!(driver.closed[1..], [(silent, CloseReason::Idle)]);
}

const WARNING: &str = "* still there? say something, or you will be disconnected in a minute\n";

/// A hub in which text sessions may be silent for so many seconds, and one such session.
fn silent_for(seconds: u64) -> (Driver, SessionId) {
    let mut config = Config::default();
    config.dialects[1].idle_timeout = Some(Duration::from_secs(seconds));
    let mut driver = Driver::new(config);
    let silent = driver.join("text");
    (driver, silent)
}

#[test]
fn silence_is_warned_of_once_a_minute_before_the_end() {
    for seconds in [120, 600] {
        let (mut driver, silent) = silent_for(seconds);
        // Any line ends a silence, and an empty one is a line.
        for line in ["hello\n", "\n"] {
            driver.pass(Duration::from_millis((seconds - 60) * 1_000 - 1));
            assert_eq!(driver.read(silent), "");
            driver.pass(MS);
            assert_eq!(driver.read(silent), WARNING);
            driver.pass(Duration::from_secs(59));
            assert_eq!((driver.read(silent).as_str(), driver.closed.len()), ("", 0));
            driver.say(silent, line);
        }
        driver.pass(Duration::from_secs(seconds - 60));
        assert_eq!(driver.read(silent), WARNING);
        driver.pass(Duration::from_millis(59_999));
        assert_eq!(driver.closed, [], "a warning neither counts as activity nor closes");
        driver.pass(MS);
        assert_eq!(driver.read(silent), "! closed: timed out\n");
        driver.drain();
        assert_eq!(driver.closed, [(silent, CloseReason::Idle)]);
    }
}

#[test]
fn a_short_timeout_or_a_clock_jump_ends_a_session_without_a_warning() {
    let (mut driver, silent) = silent_for(119);
    driver.pass(Duration::from_millis(118_999));
    assert_eq!(driver.read(silent), "");
    driver.pass(MS);
    assert_eq!(driver.read(silent), "! closed: timed out\n");
    let (mut driver, silent) = silent_for(120);
    driver.pass(Duration::from_secs(1_000));
    assert_eq!(driver.read(silent), "! closed: timed out\n");
}

#[test]
fn a_dialect_without_a_warning_is_closed_on_time() {
    let mut config = Config::default();
    config.dialects[0].idle_timeout = Some(Duration::from_secs(120));
    let mut driver = Driver::new(config);
    let silent = driver.join("classic");
    driver.pass(Duration::from_millis(119_999));
    assert_eq!((driver.read(silent).as_str(), driver.closed.len()), ("", 0));
    driver.pass(MS);
    assert_eq!(driver.read(silent), "CHAT c2VydmVy Y2xvc2VkOiB0aW1lZCBvdXQ=\n");
}

#[test]
fn whispers_leave_room_for_a_warning_and_last_words() {
    let mut config = Config { rate: None, pace: None, stall_timeout: None, ..Config::default() };
    config.dialects[1].idle_timeout = Some(Duration::from_secs(120));
    let mut driver = Driver::new(config);
    let (deaf, other) = (driver.join("text"), driver.join("text"));
    // Private messages until there is no more room for them.
    let mut words = 4_000;
    while words > 0 {
        driver.hub.receive(driver.now, other, format!("/msg guest-1 {}\n", "x".repeat(words)).as_bytes());
        if driver.read(other).starts_with("! not delivered") {
            words /= 2;
        }
    }
    driver.pass(Duration::from_secs(60));
    driver.pass(Duration::from_secs(60));
    let read = driver.read(deaf);
    assert!(read.ends_with("\n! closed: timed out\n") && read.contains(WARNING));
}

#[test]
fn a_write_that_takes_nothing_is_not_progress() {
    let mut driver = Driver::new(Config { stall_timeout: Some(50 * MS), ..Config::default() });
    let (alice, bob) = (driver.join("text"), driver.join("text"));
    driver.say(alice, "hello\n");
    driver.drain();
    let mut batch = Batch::new();
    for _ in 0..5 {
        assert_eq!(driver.closed, []);
        assert!(driver.hub.fill(bob, &mut batch, 1 << 16));
        driver.hub.sent(driver.now, bob, &batch, 0);
        driver.pass(10 * MS);
    }
    assert_eq!(driver.closed, [(bob, CloseReason::Stalled)]);
}

#[test]
fn from_writable_on_the_time_is_the_drivers() {
    // A reader may be blocked for 250 ms. The driver then needs longer than that for the next write.
    let slow_after = |calls_writable: bool| {
        let mut driver = Driver::new(Config::default());
        let (alice, bob) = (driver.join("text"), driver.join("text"));
        driver.say(alice, "hello\n");
        driver.drain();
        let mut batch = Batch::new();
        assert!(driver.hub.fill(bob, &mut batch, 1 << 16));
        driver.hub.sent(driver.now, bob, &batch, 5);
        driver.pass(200 * MS);
        if calls_writable {
            driver.hub.writable(driver.now, bob);
        }
        driver.pass(900 * MS);
        assert_eq!(driver.read(bob), "st-1 joined\nguest-1: hello\n");
        driver.hub.stats().slow
    };
    assert_eq!((slow_after(true), slow_after(false)), (0, 1));
}

#[test]
fn a_full_hub_says_so_and_serves_again() {
    let mut driver = Driver::new(Config { max_sessions: 1, ..Config::default() });
    let alice = driver.join("text");
    let text = driver.hub.dialect("text").expect("spoken");
    assert_eq!(driver.hub.open(driver.now, text), Err(OpenError::Full));
    let mut words = Vec::new();
    driver.hub.refusal(text, OpenError::Full, &mut words);
    assert_eq!(words, b"! the server is full, try again later\n");
    driver.hub.disconnect(driver.now, alice);
    driver.hub.disconnect(driver.now, alice);
    assert_eq!(driver.hub.open(driver.now, text), Err(OpenError::Full), "not before its Close was handed out");
    assert_eq!(driver.commands(), [Command::Close(alice, CloseReason::Disconnected)]);
    let bob = driver.open("text");
    assert_ne!(alice, bob);
    assert_eq!(
        (driver.hub.name(alice), driver.hub.name(bob)),
        (None, Some("guest-2".into())),
        "a guest's number is not used again"
    );
}

#[test]
fn shutting_down_sends_what_is_pending_and_waits_no_longer_than_the_linger_time() {
    let mut driver = Driver::new(Config::default());
    let (alice, bob) = (driver.join("text"), driver.join("text"));
    driver.say(alice, "last words\n");
    driver.hub.shut_down(driver.now);
    driver.hub.shut_down(driver.now);
    assert_eq!(driver.read(bob), "* guest-1 joined\nguest-1: last words\n* server: shutting down\n");
    assert!(!driver.hub.is_closed());
    driver.pass(Duration::from_secs(5));
    assert_eq!(driver.closed, [(bob, CloseReason::ShutDown), (alice, CloseReason::ShutDown)]);
    assert!(driver.hub.is_closed());
    let text = driver.hub.dialect("text").expect("spoken");
    assert_eq!(driver.hub.open(driver.now, text), Err(OpenError::ShuttingDown));
}
