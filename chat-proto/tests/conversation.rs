//! The hub as a driver sees it: bytes and time in, commands and bytes out.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chat_proto::{
    Action, Batch, CloseReason, Command, Config, EnterError, Hub, NameError, OnLag, OpenError, Proposal, Rate,
    RateLimit, SayError, SessionId, Timestamp, Verdict,
};

/// A driver whose sockets take at most a given number of bytes at a time.
struct Driver {
    hub: Hub,
    now: Timestamp,
    closed: Vec<(SessionId, CloseReason)>,
    readable: Vec<SessionId>,
}

impl Driver {
    fn new(config: Config) -> Self {
        let hub = Hub::new(config).expect("the limits are in range");
        Self { hub, now: Timestamp::ZERO, closed: Vec::new(), readable: Vec::new() }
    }

    fn open(&mut self, dialect: &str) -> SessionId {
        let dialect = self.hub.dialect(dialect).expect("it is spoken");
        self.hub.open(self.now, dialect).expect("there is room")
    }

    /// Opens a session and reads its welcome.
    fn join(&mut self, dialect: &str) -> SessionId {
        let id = self.open(dialect);
        self.read(id);
        id
    }

    fn say(&mut self, id: SessionId, input: &str) {
        assert_eq!(self.hub.receive(self.now, id, input.as_bytes()), input.len(), "all of it is taken");
    }

    fn commands(&mut self) -> Vec<Command> {
        std::iter::from_fn(|| self.hub.poll_command()).collect()
    }

    /// Drains commands, recording those that are not `Send`.
    fn drain(&mut self) {
        for command in self.commands() {
            match command {
                Command::Send(_) => {}
                Command::Read(id) => self.readable.push(id),
                Command::Close(id, reason) => self.closed.push((id, reason)),
            }
        }
    }

    /// Reads everything that a session is sent.
    fn read(&mut self, id: SessionId) -> String {
        let mut read = Vec::new();
        loop {
            self.drain();
            let mut batch = Batch::new();
            if !self.hub.fill(id, &mut batch, usize::MAX) {
                return String::from_utf8(read).expect("only UTF-8 is sent");
            }
            read.extend(batch.as_bytes());
            self.hub.sent(self.now, id, &batch, batch.as_bytes().len());
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.hub.handle_timeout(self.now);
        assert!(self.hub.poll_timeout().is_none_or(|next| next > self.now), "no driver spins");
        self.drain();
    }
}

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

#[test]
fn the_backlog_leaves_half_of_the_reply_buffer_free() {
    let config = Config { reply_bytes: 16_384, max_line: 3_000, rate: None, ..Config::default() };
    let mut driver = Driver::new(config);
    let alice = driver.join("text");
    for _ in 0..20 {
        driver.say(alice, &format!("{}\n", "x".repeat(1_000)));
    }
    let bob = driver.open("text");
    let shown = driver.read(bob);
    // 166 bytes of welcome and of the lines around the messages, then lines of 1,010.
    assert_eq!(shown.lines().count(), 3 + 7, "{} bytes", shown.len());
    assert!(shown.len() <= 8_192 && shown.len() + 1_010 > 8_192);
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
fn a_newcomer_to_silence_is_shown_no_backlog_and_no_lines_around_it() {
    let mut driver = Driver::new(Config::default());
    let alice = driver.open("text");
    assert_eq!(driver.read(alice).lines().count(), 1);
    driver.say(alice, "hello\n");
    let carol = driver.open("classic");
    assert_eq!(driver.read(carol), "", "classic shows none");
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
fn the_program_finds_a_session_by_its_name_as_peers_do() {
    let mut driver = Driver::new(Config::default());
    let (alice, guest, classic) = (driver.join("text"), driver.join("text"), driver.join("classic"));
    driver.say(alice, "/name Alice\n");
    let mut find = |name| driver.hub.find(name);
    assert_eq!(["Alice", "aLICE", "guest-2"].map(&mut find), [Some(alice), Some(alice), Some(guest)]);
    assert_eq!(["guest-1", "guest-3", "guest-4", "guest-0", "anonymous", "bob", ""].map(find), [None; 7]);
    driver.hub.disconnect(driver.now, guest);
    driver.hub.disconnect(driver.now, classic);
    assert_eq!(driver.hub.find("guest-2"), None);
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

#[test]
fn the_policy_judges_last_words_and_keeps_nobody_from_leaving() {
    let policy = |proposal: &Proposal<'_>, rewritten: &mut String| match proposal.action {
        Action::Quit { words: "darn" } if proposal.name == "alice" => Verdict::Refuse("no".into()),
        Action::Quit { words: "darn" } => {
            rewritten.extend(core::iter::repeat_n("d\x1b***", 100));
            Verdict::Rewrite
        }
        Action::Quit { words } if words.is_empty() || words.len() > 256 => panic!("proposed: {words:?}"),
        _ => Verdict::Pass,
    };
    for (name, words, shown) in [
        ("alice", "darn", "* alice left\n".into()),
        ("bob", "darn", format!("* bob left (\"{}d\")\n", "d***".repeat(51))),
        ("bob", &"x".repeat(300), format!("* bob left (\"{}\")\n", "x".repeat(256))),
        ("bob", "fine", "* bob left (\"fine\")\n".into()),
        ("bob", "\u{7}", "* bob left\n".into()),
        ("bob", "", "* bob left\n".into()),
    ] {
        let mut driver = Driver::new(Config { policy: Some(Arc::new(policy)), ..Config::default() });
        let (watch, leaver) = (driver.join("text"), driver.join("text"));
        driver.say(leaver, &format!("/name {name}\n/quit {words}\n"));
        assert_eq!(driver.read(watch), format!("* {name} joined\n{shown}"));
        assert_eq!(driver.read(leaver), format!("* you are now {name}\n* bye\n"));
    }
}

#[test]
fn the_embedding_programs_policy_has_the_last_word() {
    let policy = |proposal: &Proposal<'_>, rewritten: &mut String| match proposal.action {
        Action::Say { words: "darn" } => {
            rewritten.push_str("d\x1b**n");
            Verdict::Rewrite
        }
        Action::Say { .. } | Action::Act { .. } if proposal.name == "mute" => {
            Verdict::Refuse("you\nare mute\u{7}".into())
        }
        Action::Tell { to: "guest-2", .. } if proposal.name == "alice" => Verdict::Refuse("leave them alone".into()),
        Action::Name { to: "al" } => {
            rewritten.push_str("alice");
            Verdict::Rewrite
        }
        Action::Name { to: "root" } => Verdict::Refuse("that name is ours".into()),
        _ => Verdict::Pass,
    };
    let mut driver = Driver::new(Config { policy: Some(Arc::new(policy)), ..Config::default() });
    let (alice, bob, classic) = (driver.join("text"), driver.join("text"), driver.join("classic"));
    driver.say(alice, "/name root\n/name al\n/name al\ndarn\nfine\n/msg guest-2 psst\n/name mute\nx\n/me y\n");
    driver.say(classic, "CHAT cm9vdA== aGk=\n");
    assert_eq!(
        driver.read(alice),
        "! that name is ours\n* you are now alice\n* you are now alice\n! leave them alone\n* you are now mute\n! you are mute\n! you are mute\n\
         anonymous: hi\n"
    );
    assert_eq!(driver.read(bob), "* alice joined\nalice: d**n\nalice: fine\n* alice is now mute\nanonymous: hi\n");
    assert_eq!(driver.read(classic), "CHAT YWxpY2U= ZCoqbg==\nCHAT YWxpY2U= ZmluZQ==\n");
}

#[test]
fn the_embedding_program_tells_one_session_something_and_nobody_else() {
    let mut driver = Driver::new(Config { reply_bytes: 12 << 10, ..Config::default() });
    let (alice, bob) = (driver.join("text"), driver.join("text"));
    assert!(driver.hub.tell(driver.now, alice, "your mail\nhas come \u{202e}"));
    assert!(driver.hub.tell(driver.now, alice, ""));
    assert_eq!(driver.read(alice), "* server: your mail has come\n");
    assert_eq!(driver.read(bob), "");
    // Unread output fills the buffer in the end, but leaves room for the session's own next line.
    let told = (0..100).take_while(|_| driver.hub.tell(driver.now, alice, &"x".repeat(1_000))).count();
    assert!((1..=12).contains(&told), "{told}");
    driver.hub.disconnect(driver.now, bob);
    assert!(!driver.hub.tell(driver.now, bob, "too late"));
}

#[test]
fn a_driver_that_knows_its_peer_names_it() {
    let mut driver = Driver::new(Config::default());
    let (watch, text) = (driver.join("text"), driver.hub.dialect("text").expect("spoken"));
    let alice = driver.hub.open_named(driver.now, text, None, "alice").expect("room");
    assert!(driver.read(alice).starts_with("* welcome, you are alice"));
    assert_eq!(driver.read(watch), "* alice joined\n");
    for (name, error) in [("Alice", NameError::Taken), ("server", NameError::Reserved), ("", NameError::Empty)] {
        assert_eq!(driver.hub.open_named(driver.now, text, None, name), Err(EnterError::Name(error)));
    }
    // The refused calls opened nothing: the next guest has the next number.
    assert_eq!(driver.hub.stats().sessions, 2);
    let guest = driver.join("text");
    assert_eq!(driver.hub.name(guest).as_deref(), Some("guest-2"));
    assert_eq!(driver.hub.rename(driver.now, guest, "alice"), Err(NameError::Taken));
    assert_eq!(driver.hub.rename(driver.now, guest, "bob"), Ok(()));
    assert_eq!(driver.hub.rename(driver.now, alice, "alicia"), Ok(()));
    assert_eq!(driver.read(guest), "* you are now bob\n* alice is now alicia\n");
    assert_eq!(driver.read(watch), "* bob joined\n* alice is now alicia\n");
    driver.hub.disconnect(driver.now, guest);
    assert_eq!(driver.hub.rename(driver.now, guest, "server"), Ok(()), "it is gone");
}

#[test]
fn a_member_without_a_connection_takes_part() {
    let mut driver = Driver::new(Config { max_sessions: 4, ..Config::default() });
    let now = driver.now;
    let alice = driver.join("text");
    let since = driver.hub.conversation().next_event();
    let bot = driver.hub.enter(now, "bot").expect("room");
    assert_eq!((driver.hub.find("BOT"), driver.hub.find("bot")), (Some(bot), Some(bot)));
    assert_eq!(driver.hub.enter(now, "bot"), Err(EnterError::Name(NameError::Taken)));
    driver.hub.say(now, bot, "hello\u{7}").expect("readers are there");
    driver.hub.act(now, bot, "waves").expect("readers are there");
    driver.hub.say(now, bot, "\u{200b}").expect("nothing is said");
    driver.hub.say_to(now, bot, alice, "psst").expect("it reads");
    driver.say(alice, "/msg bot hi\n/who\n");
    assert_eq!(
        driver.read(alice),
        "* bot joined\nbot: hello\n** bot waves\nbot -> you: psst\nyou -> bot: hi\n* 2 here: guest-1, bot\n"
    );
    let seen: Vec<String> = driver.hub.events(since).map(|event| format!("{:?}", event.event)).collect();
    assert!(seen.iter().any(|event| event.contains("Told") && event.contains("\"hi\"")), "{seen:?}");
    // It is no session: it is not counted, listed, kicked or closed, but takes a slot.
    assert_eq!((driver.hub.stats().sessions, driver.hub.sessions().count()), (1, 1));
    driver.hub.kick(now, bot, "out");
    assert_eq!(driver.hub.say(now, alice, "not mine"), Err(SayError::NoMember));
    assert_eq!(driver.hub.session(driver.hub.member(bot).expect("it is here")), Some(bot));
    driver.join("text");
    assert!(driver.hub.enter(now, "other").is_ok());
    assert_eq!(driver.hub.enter(now, "third"), Err(EnterError::Open(OpenError::Full)));
    driver.read(alice);
    driver.hub.leave(now, bot, "off");
    driver.hub.leave(now, bot, "off");
    assert_eq!(driver.hub.say(now, bot, "too late"), Err(SayError::NoMember));
    let other = driver.hub.find("other").expect("it is here");
    assert_eq!(driver.hub.say_to(now, other, bot, "psst"), Err(SayError::NobodyThere));
    assert_eq!(driver.read(alice), "* bot left (\"off\")\n");
    driver.hub.shut_down(now);
    driver.pass(Duration::from_secs(5));
    assert!(driver.hub.is_closed(), "a member without a connection keeps no hub open");
}

#[test]
fn a_dialect_and_a_session_may_have_limits_of_their_own() {
    let rate = |per_second, burst| {
        let number = |number| NonZeroU32::new(number).expect("not zero");
        Some(Rate { per_second: number(per_second), burst: number(burst) })
    };
    let mut config = Config { rate: rate(1, 1), ..Config::default() };
    for dialect in &mut config.dialects {
        dialect.rate = if dialect.dialect.name() == "text" { RateLimit::Own(rate(1, 2)) } else { RateLimit::AsConfig };
    }
    let mut driver = Driver::new(config);
    let (text, classic) = (driver.join("text"), driver.join("classic"));
    let takes = |driver: &mut Driver, id, lines: &str| driver.hub.receive(driver.now, id, lines.as_bytes());
    assert_eq!(takes(&mut driver, text, "a\nb\nc\n"), 4);
    assert_eq!(takes(&mut driver, classic, "PING\nPING\n"), 5);
    // A session that waits for a token continues at once when it gets a full bucket.
    driver.hub.set_rate(driver.now, text, rate(1, 3));
    driver.read(text);
    assert_eq!(takes(&mut driver, text, "c\nd\ne\nf\n"), 6);
    driver.hub.set_rate(driver.now, text, None);
    assert_eq!(takes(&mut driver, text, "f\ng\nh\ni\nj\n"), 10);
    // The defaults for silence: ten minutes for `text`, 15 seconds for `classic`.
    driver.hub.set_idle_timeout(driver.now, classic, None);
    driver.hub.set_idle_timeout(driver.now, text, Some(Duration::from_secs(3)));
    driver.pass(Duration::from_secs(4));
    assert!(driver.read(text).ends_with("! closed: timed out\n"));
    assert_eq!(driver.closed, [(text, CloseReason::Idle)]);
    driver.read(classic);
    driver.pass(Duration::from_secs(3_600));
    assert_eq!(driver.hub.sessions().collect::<Vec<_>>(), [classic]);
}

#[test]
fn names_given_to_one_who_does_not_read_take_no_more_room_than_there_is() {
    let mut driver = Driver::new(Config::default());
    let id = driver.join("text");
    for n in 0..2_000 {
        let name = if n % 2 == 0 { "ann" } else { "bob" };
        assert_eq!(driver.hub.rename(driver.now, id, name), Ok(()));
    }
    let told = driver.read(id);
    assert!(told.len() <= Config::default().reply_bytes && told.starts_with("* you are now ann\n"), "{}", told.len());
    assert_eq!(driver.hub.name(id).as_deref(), Some("bob"), "it has the name, told or not");
}

#[test]
fn a_policy_is_asked_once_about_a_message_that_waits() {
    let asked = Arc::new(AtomicUsize::new(0));
    let policy = {
        let asked = Arc::clone(&asked);
        move |proposal: &Proposal<'_>, _: &mut String| {
            asked.fetch_add(usize::from(matches!(proposal.action, Action::Tell { .. })), Ordering::Relaxed);
            Verdict::Pass
        }
    };
    let mut driver = Driver::new(Config { policy: Some(Arc::new(policy)), ..Config::default() });
    let (alice, bob) = (driver.join("text"), driver.join("text"));
    // The second waits until bob has read.
    let line = format!("/msg guest-2 {}\n", "x".repeat(3_000));
    assert_eq!(driver.hub.receive(driver.now, alice, line.repeat(4).as_bytes()), 2 * line.len());
    for _ in 0..200 {
        driver.drain();
        let mut batch = Batch::new();
        if driver.hub.fill(bob, &mut batch, 1 << 16) {
            driver.hub.sent(driver.now, bob, &batch, 50);
        }
    }
    driver.read(bob);
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

/// Opens a session in each of two hubs, both in the same slot.
fn two_hubs() -> (Hub, SessionId, Hub, SessionId) {
    let open = || {
        let mut hub = Hub::new(Config::default()).expect("the defaults are in range");
        let text = hub.dialect("text").expect("a default dialect");
        let id = hub.open(Timestamp::ZERO, text).expect("room");
        (hub, id)
    };
    let ((one, a), (other, b)) = (open(), open());
    (one, a, other, b)
}

#[test]
fn sessions_of_two_hubs_are_never_equal() {
    let (one, a, other, b) = two_hubs();
    assert_eq!((a.slot(), a.to_string()), (b.slot(), b.to_string()));
    assert_ne!(a, b);
    assert!(one.name(a).is_some() && other.name(b).is_some());
}

#[test]
#[cfg_attr(debug_assertions, should_panic(expected = "a session of another hub"))]
fn a_call_with_a_session_of_another_hub_does_nothing() {
    let (mut one, _, _, b) = two_hubs();
    one.kick(Timestamp::ZERO, b, "wrong hub");
    assert_eq!(one.sessions().count(), 1);
}
