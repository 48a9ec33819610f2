//! The hub's heap use, counted by the allocator: how much it holds, when it allocates, and what is left at the end.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::sync::Arc;

use chat_proto::dialect::Irc;
use chat_proto::{Action, Batch, Command, Config, DialectConfig, Hub, Proposal, SessionId, Timestamp, Verdict};
use chat_tests::alloc::Meter;
use chat_tests::output::roomy_batch;

/// A hub with every call measured, and sockets that take everything.
struct Measured {
    hub: Hub,
    meter: Meter,
    /// Holds whatever is pending, so that filling it allocates nothing.
    batch: Batch,
    now: Timestamp,
    bound: i64,
}

impl Measured {
    fn new(config: &Config) -> Self {
        let mut meter = Meter::new();
        let hub = meter.scope(|| Hub::new(config.clone()).expect("valid limits"));
        let bound = i64::try_from(config.memory_bound()).expect("a sensible bound");
        Self { hub, meter, batch: roomy_batch(config), now: Timestamp::ZERO, bound }
    }

    fn open(&mut self, dialect: &str) -> SessionId {
        let dialect = self.hub.dialect(dialect).expect("a dialect of the hub's");
        self.meter.scope(|| self.hub.open(self.now, dialect)).expect("there is room")
    }

    /// Offers the hub input from a peer; what it does not take is dropped.
    fn receive(&mut self, id: SessionId, bytes: &[u8]) {
        self.meter.scope(|| self.hub.receive(self.now, id, bytes));
    }

    /// Carries out all commands.
    fn drain(&mut self) {
        self.meter.scope(|| {
            while let Some(command) = self.hub.poll_command() {
                if let Command::Send(id) = command {
                    self.hub.fill(id, &mut self.batch, usize::MAX);
                    self.hub.sent(self.now, id, &self.batch, self.batch.as_bytes().len());
                }
            }
        });
    }
}

#[test]
fn a_new_hub_allocates_what_memory_at_start_says() {
    for config in [Config::default(), config(10), Config { log_bytes: 64 << 20, max_sessions: 77, ..Config::default() }]
    {
        let (said, held) = (config.memory_at_start(), Measured::new(&config).meter.live);
        let held = usize::try_from(held).expect("a hub holds something");
        assert!(held <= said && said - held < 100_000 + said / 10, "{held} bytes, {said} said");
    }
}

/// A config for `max_sessions`, with a small log and no rate.
fn config(max_sessions: usize) -> Config {
    Config { max_sessions, log_bytes: 64 << 10, log_entries: 1_000, rate: None, ..Config::default() }
}

/// All requests, in both dialects.
fn requests() -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let text = [
        "hello everyone",
        "/me waves",
        "/who",
        "/ping",
        "/help",
        "/msg ann psst",
        "/msg nobody psst",
        "/name ann",
        "/name Ann",
        "/name ž\u{30c}luťoučký",
        "/name server",
        "/name",
        "/nonsense",
        "//escaped",
        "\x1b[31mred\x07 \u{202e}evil",
        "\u{fffd} 李小龍 🦀",
        "GET / HTTP/1.1",
        "",
    ];
    let field = |words: &str| BASE64_STANDARD.encode(words);
    let mut classic: Vec<Vec<u8>> = ["hello", "a\r\nb", "žluťoučký", ""]
        .map(|words| format!("CHAT {} {}\n", field("carl"), field(words)).into_bytes())
        .to_vec();
    classic.extend(["carl", "Carl", "server", ""].map(|name| format!("NAME {}\n", field(name)).into_bytes()));
    classic.extend([b"rubbish\n".to_vec(), b"CHAT YQ== !\n".to_vec(), b"\xff\xfe\n".to_vec()]);
    let mut text: Vec<Vec<u8>> = text.iter().map(|line| format!("{line}\n").into_bytes()).collect();
    text.extend([b"\xff\xfb\x01telnet\r\n".to_vec(), b"caf\xc3\n".to_vec(), [&[b'x'; 5_000][..], b"\n"].concat()]);
    (text, classic)
}

/// One round of everything: all requests, whole and in two pieces; an announcement; a reader that lags; guests that
/// are kicked.
fn round(measured: &mut Measured, text: &[SessionId], classic: &[SessionId], requests: &(Vec<Vec<u8>>, Vec<Vec<u8>>)) {
    for (ids, requests) in [(text, &requests.0), (classic, &requests.1)] {
        for (request, id) in requests.iter().zip(ids.iter().cycle()) {
            measured.receive(*id, request);
            measured.drain();
            let (one, two) = request.split_at(request.len() / 2);
            measured.receive(*id, one);
            measured.drain();
            measured.receive(*id, two);
        }
    }
    measured.meter.scope(|| measured.hub.announce(measured.now, "tea is ready"));
    measured.drain();
    // A reader takes half a line, the log evicts later ones, and the reader is told how much it missed.
    let hub = &mut measured.hub;
    measured.meter.scope(|| {
        hub.receive(measured.now, text[1], b"a line of which half is read\n");
        hub.fill(text[0], &mut measured.batch, usize::MAX);
        hub.sent(measured.now, text[0], &measured.batch, measured.batch.as_bytes().len() / 2);
        for _ in 0..1_100 {
            hub.receive(measured.now, text[1], b"more\n");
        }
    });
    for _ in 0..4 {
        let Measured { hub, batch, meter, now, .. } = &mut *measured;
        meter.scope(|| {
            hub.fill(text[0], batch, usize::MAX);
            hub.sent(*now, text[0], batch, batch.as_bytes().len());
        });
    }
    measured.drain();
    // Some join and are kicked.
    for _ in 0..3 {
        let guest = measured.open("text");
        measured.receive(guest, b"/name zoe\nhello\nunfinished");
        measured.drain();
        let how = measured.now;
        measured.meter.scope(|| measured.hub.kick(how, guest, "out"));
        measured.drain();
    }
    measured.now = measured.now + std::time::Duration::from_secs(1);
    measured.meter.scope(|| measured.hub.handle_timeout(measured.now));
    measured.drain();
}

#[test]
fn nothing_is_allocated_in_the_steady_state() {
    assert_nothing_is_allocated(&config(100));
}

#[test]
fn nothing_is_allocated_for_a_policy_that_rewrites() {
    let policy = |proposal: &Proposal<'_>, rewritten: &mut String| {
        match proposal.action {
            Action::Name { to } => rewritten.push_str(to),
            Action::Say { words } | Action::Act { words } | Action::Tell { words, .. } => {
                rewritten.push_str(words);
            }
            _ => return Verdict::Pass,
        }
        rewritten.push('x');
        Verdict::Rewrite
    };
    assert_nothing_is_allocated(&Config { policy: Some(Arc::new(policy)), ..config(100) });
}

#[test]
fn overlong_output_of_a_policy_is_not_kept() {
    for verdict in [Verdict::Pass, Verdict::Refuse("no".into()), Verdict::Rewrite] {
        let policy = move |_: &Proposal<'_>, rewritten: &mut String| {
            rewritten.push_str(&"x".repeat(16 << 20));
            verdict.clone()
        };
        let mut measured = Measured::new(&Config { policy: Some(Arc::new(policy)), ..config(10) });
        let id = measured.open("text");
        measured.receive(id, b"hi\n/name alice\n/me waves\n/quit so long\n");
        assert!(measured.meter.live <= measured.bound, "{} bytes, over {}", measured.meter.live, measured.bound);
    }
}

fn assert_nothing_is_allocated(config: &Config) {
    let mut measured = Measured::new(config);
    let text: Vec<SessionId> = (0..20).map(|_| measured.open("text")).collect();
    let classic: Vec<SessionId> = (0..20).map(|_| measured.open("classic")).collect();
    let requests = requests();
    // Buffers pass between sessions and grow to the largest size needed; after that, none grows.
    for _ in 0..30 {
        round(&mut measured, &text, &classic, &requests);
    }
    let before = measured.meter;
    for _ in 0..20 {
        round(&mut measured, &text, &classic, &requests);
    }
    assert_eq!(measured.meter.allocations - before.allocations, 0, "not one");
    assert_eq!(measured.meter.live, before.live);
}

#[test]
fn memory_stays_within_the_bound_and_is_freed() {
    // The last owner frees the dialects.
    let config = config(50);
    let mut measured = Measured::new(&config);
    let text: Vec<SessionId> = (0..20).map(|_| measured.open("text")).collect();
    let classic: Vec<SessionId> = (0..20).map(|_| measured.open("classic")).collect();
    for _ in 0..3 {
        round(&mut measured, &text, &classic, &requests());
    }
    assert!(measured.meter.peak <= measured.bound, "{} bytes, over {}", measured.meter.peak, measured.bound);
    let Measured { hub, mut meter, .. } = measured;
    meter.scope(|| drop(hub));
    assert_eq!(meter.live, 0);
}

/// Limits that rooms reach soon, with names as long as a mask may have.
fn config_of_rooms() -> Config {
    Config {
        max_name: 126,
        max_rooms: 25,
        max_rooms_per_session: 6,
        room_log_bytes: 32 << 10,
        room_log_entries: 500,
        room_history: 50,
        room_history_bytes: 64 << 10,
        reply_bytes: 20_000,
        pace: None,
        ..config(24)
    }
}

/// Fills all that the room has in which the session speaks, and which it has begun: topic, bans, log and history.
fn fill_room(measured: &mut Measured, operator: SessionId) {
    measured.receive(operator, format!("/topic {}\n", "t".repeat(390)).as_bytes());
    for n in 0..64 {
        measured.receive(operator, format!("/ban {n:z>126}\n").as_bytes());
        measured.drain();
    }
    for _ in 0..10 {
        measured.receive(operator, &[&[b'x'; 4_000][..], b"\n"].concat());
    }
    for n in 0..500 {
        measured.receive(operator, format!("{n}\n").as_bytes());
    }
    measured.drain();
}

#[test]
fn memory_stays_within_the_bound_when_all_rooms_are_full() {
    let config = config_of_rooms();
    let mut measured = Measured::new(&config);
    let ids: Vec<SessionId> = (0..24).map(|_| measured.open("text")).collect();
    for (n, id) in ids.iter().enumerate() {
        measured.receive(*id, format!("/name {n:a>126}\n/join {n:r>50}\n").as_bytes());
        measured.drain();
        fill_room(&mut measured, *id);
    }
    // Everyone is in the lobby, in a room of its own and in four of others; in the last round all of them have left.
    for round in 0..4 {
        for (n, id) in ids.iter().enumerate() {
            for other in 1..5 {
                let other = (n + 5 * round + other) % ids.len();
                measured.receive(*id, format!("/join {other:r>50}\n").as_bytes());
                measured.drain();
            }
            measured.receive(*id, format!("/join {n:r>50}\n/invite {:a>126}\n", (n + 12) % ids.len()).as_bytes());
            measured.drain();
        }
        let rooms: Vec<_> = measured.hub.conversation().rooms().collect();
        assert_eq!(rooms.len(), 25, "with the lobby");
        for id in &ids {
            let member = measured.hub.member(*id).expect("it is here");
            assert_eq!(measured.hub.conversation().rooms_of(member).count(), 6);
        }
        // Nobody reads: replies fill up as far as they may, and all logs evict what nobody has read.
        for _ in 0..20 {
            for id in &ids {
                measured.receive(*id, &[&[b'x'; 4_000][..], b"\n", &b"/help\n".repeat(20)].concat());
            }
        }
        // Half a line is to be sent, and half a line is received.
        for id in &ids {
            let Measured { hub, meter, batch, now, .. } = &mut measured;
            meter.scope(|| {
                hub.fill(*id, batch, usize::MAX);
                hub.sent(*now, *id, batch, batch.as_bytes().len().saturating_sub(1));
                hub.receive(*now, *id, &[b'y'; 4_095]);
            });
        }
        assert!(measured.meter.peak <= measured.bound, "{} bytes, over {}", measured.meter.peak, measured.bound);
        measured.drain();
        for (n, id) in ids.iter().enumerate() {
            measured.receive(*id, b"\n");
            for other in 1..5 {
                let other = (n + 5 * round + other) % ids.len();
                measured.receive(*id, format!("/leave {other:r>50}\n").as_bytes());
                measured.drain();
            }
        }
    }
    assert!(
        measured.meter.peak > measured.bound / 2,
        "the bound {} is far above {}",
        measured.bound,
        measured.meter.peak
    );
    let Measured { hub, mut meter, .. } = measured;
    meter.scope(|| drop(hub));
    assert_eq!(meter.live, 0);
}

#[test]
fn a_room_that_has_ended_holds_less_than_a_kib() {
    const ROOMS: i64 = 24;
    let mut measured = Measured::new(&config_of_rooms());
    let ids: Vec<SessionId> = (0..24).map(|_| measured.open("text")).collect();
    // Each has been in a room once, and has what it needs for that.
    let one_after_another = |measured: &mut Measured| {
        for id in &ids {
            measured.receive(*id, b"/join one\n");
            measured.drain();
            fill_room(measured, *id);
            measured.receive(*id, b"/leave one\n");
            measured.drain();
        }
    };
    one_after_another(&mut measured);
    let before = measured.meter.live;
    for _ in 0..3 {
        for (n, id) in ids.iter().enumerate() {
            measured.receive(*id, format!("/join room-{n}\n").as_bytes());
            measured.drain();
            fill_room(&mut measured, *id);
        }
        let during = measured.meter.live;
        assert!(during > before + ROOMS * (100 << 10), "the rooms are full: {before}, then {during}");
        for id in &ids {
            measured.receive(*id, b"/leave\n");
            measured.drain();
        }
        let left = measured.meter.live - before;
        assert!(left < ROOMS << 10, "{ROOMS} rooms that have ended hold {left} bytes");
    }
    let after = measured.meter.live;
    one_after_another(&mut measured);
    assert!(measured.meter.live <= after, "what is left is used again");
}

#[test]
fn the_bound_is_below_400_mib_by_default() {
    let mut with_irc = Config::default();
    with_irc.dialects.push(DialectConfig::new(Irc::default()));
    for config in [Config::default(), with_irc] {
        let bounds = config.memory_bounds();
        assert!(bounds.total() < 400 << 20, "{bounds:?}");
    }
}

#[test]
fn raising_a_limit_costs_what_the_bound_says() {
    let limits: [fn(&mut Config); 5] = [
        |config| config.log_bytes += 1_000,
        |config| config.log_entries += 1_000,
        |config| config.journal_records += 1_000,
        |config| config.history += 100,
        |config| config.history_bytes += 1_000,
    ];
    let before = Measured::new(&config(10));
    for raise in limits {
        let mut config = config(10);
        raise(&mut config);
        let after = Measured::new(&config);
        let (held, bound) = (after.meter.live - before.meter.live, after.bound - before.bound);
        assert!(held > 0 && held == bound, "it takes {held} bytes more, the bound is {bound} higher");
    }
}

#[test]
fn an_idle_session_costs_at_most_375_bytes_and_80_more_where_it_is_counted_by_address() {
    let off = |sessions| Config {
        max_per_address: None,
        max_rooms_per_address: None,
        connects_per_address: None,
        rate_per_address: None,
        ..config(sessions)
    };
    let (counted, not) = (bytes_of_an_idle_session(config), bytes_of_an_idle_session(off));
    assert!(not <= 375 && counted <= 375 + 80, "{not} bytes, {counted} where it is counted");
}

#[test]
fn an_idle_session_of_irc_costs_at_most_510_bytes() {
    let with_irc = |sessions| {
        let mut config = Config { log_bytes: 128 << 10, ..config(sessions) };
        config.dialects.push(DialectConfig::new(Irc::default()));
        config
    };
    let register = |i| format!("NICK n{i}\r\nUSER load 0 * :load\r\n");
    let each = bytes_of_an_idle_session_in("irc", with_irc, register);
    assert!(each <= 510, "{each} bytes");
}

fn bytes_of_an_idle_session(config: impl Fn(usize) -> Config) -> i64 {
    bytes_of_an_idle_session_in("classic", config, |i| format!("NAME {}\n", BASE64_STANDARD.encode(format!("n{i}"))))
}

fn bytes_of_an_idle_session_in(
    dialect: &str,
    config: impl Fn(usize) -> Config,
    first_line: impl Fn(usize) -> String,
) -> i64 {
    let held = |sessions: usize| {
        let mut measured = Measured::new(&config(sessions));
        for i in 0..sessions {
            let id = measured.open(dialect);
            measured.receive(id, first_line(i).as_bytes());
            measured.drain();
        }
        measured.meter.live
    };
    // For both numbers, the table of addresses grows with the number of sessions.
    (held(16_384) - held(8_192)) / 8_192
}

#[test]
fn a_burst_of_buffers_is_given_back_when_it_is_over() {
    let mut measured = Measured::new(&config(3_000));
    let ids: Vec<SessionId> = (0..3_000).map(|_| measured.open("text")).collect();
    measured.drain();
    let before = measured.meter.live;
    for id in &ids {
        measured.receive(*id, b"/help\n/help\n/help\n/pin");
    }
    let during = measured.meter.live;
    assert!(during > before + 3_000 * 1_000, "everyone has a full buffer: {before}, then {during}");
    measured.drain();
    for id in &ids {
        measured.receive(*id, b"g\n");
    }
    measured.drain();
    // Some buffers are kept for reuse, but not all.
    assert!(measured.meter.live < before + (during - before) / 2, "{before}, {during}, {}", measured.meter.live);
}
