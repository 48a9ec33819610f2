//! Row *limits*: everything full, and values out of range.

use std::num::NonZeroU32;
use std::time::Duration;

use chat_proto::{Config, ConfigError, DialectConfig, Hub, Limit, OpenError, Rate, RecordKind};
use chat_tests::alloc::Meter;
use chat_tests::fuzzing::fitted;
use chat_tests::output::roomy_batch;
use chat_tests::room::Room;

use super::{Scene, lines};

/// Sets a limit to a number.
type Set = fn(&mut Config, usize);

/// Every limit that is a number.
const NUMBERS: &[(Limit, Set)] = &[
    (Limit::MaxSessions, |c, n| c.max_sessions = n),
    (Limit::MaxLine, |c, n| c.max_line = n),
    (Limit::MaxName, |c, n| c.max_name = n),
    (Limit::LogBytes, |c, n| c.log_bytes = n),
    (Limit::LogEntries, |c, n| c.log_entries = n),
    (Limit::ReplyBytes, |c, n| c.reply_bytes = n),
    (Limit::JournalRecords, |c, n| c.journal_records = n),
    (Limit::History, |c, n| c.history = n),
    (Limit::HistoryBytes, |c, n| c.history_bytes = n),
    (Limit::MaxRooms, |c, n| c.max_rooms = n),
    (Limit::MaxRoomsPerAddress, |c, n| c.max_rooms_per_address = Some(n)),
    (Limit::MaxRoomsPerSession, |c, n| c.max_rooms_per_session = n),
    (Limit::RoomLogBytes, |c, n| c.room_log_bytes = n),
    (Limit::RoomLogEntries, |c, n| c.room_log_entries = n),
    (Limit::RoomHistory, |c, n| c.room_history = n),
    (Limit::RoomHistoryBytes, |c, n| c.room_history_bytes = n),
    (Limit::Pace, |c, n| c.pace = Some(n)),
    (Limit::MaxPerAddress, |c, n| c.max_per_address = Some(n)),
    (Limit::Backlog, |c, n| c.dialects[0].backlog = n),
];

/// Those that turn something off with 0.
const MAY_BE_ZERO: [Limit; 3] = [Limit::History, Limit::RoomHistory, Limit::Backlog];

/// Those for which a hub keeps nothing: they only say when something is refused, or has to wait.
const ONLY_REFUSE: [Limit; 3] = [Limit::MaxRoomsPerAddress, Limit::Pace, Limit::MaxPerAddress];

/// Returns the fields of the default limits that are numbers, and these.
fn defaults() -> Vec<(String, usize)> {
    let shown = format!("{:#?}", Config::default());
    let lines: Vec<&str> = shown.lines().collect();
    let fields = lines.windows(2).filter_map(|lines| {
        let (name, value) = lines[0].strip_prefix("    ")?.split_once(": ")?;
        let number = if value == "Some(" { lines[1] } else { value };
        let number = number.trim().trim_end_matches(',').parse().ok()?;
        let is_limit = !name.starts_with(' ') && !["started", "life"].contains(&name);
        is_limit.then(|| (name.to_owned(), number))
    });
    fields.collect()
}

/// The smallest limits that a hub accepts.
fn least() -> Config {
    fitted(Config {
        max_sessions: 1,
        max_line: 64,
        max_name: 1,
        log_bytes: 0,
        log_entries: 1,
        reply_bytes: 0,
        journal_records: 1,
        stall_timeout: Some(Duration::from_millis(1)),
        linger_timeout: Duration::from_millis(1),
        rate: Some(Rate { per_second: NonZeroU32::MIN, burst: NonZeroU32::MIN }),
        pace: None,
        ..Config::default()
    })
}

#[test]
fn a_session_over_the_limit_is_refused() {
    let mut room = Room::new(Config { max_sessions: 3, ..Config::default() });
    let ids = [room.enter("text"), room.enter("classic"), room.enter("text")];
    for name in ["text", "classic"] {
        let dialect = room.hub.dialect(name).expect("a dialect");
        assert_eq!(room.hub.open(room.now, dialect), Err(OpenError::Full));
    }
    assert_eq!((room.hub.stats().sessions, room.hub.stats().not_opened), (3, 2));
    room.types(ids[0], "/quit\n");
    room.read(ids[0]);
    room.commands();
    room.enter("text");
}

#[test]
fn a_hub_works_with_the_least_limits() {
    let mut room = Room::new(least());
    let id = room.enter("text");
    for _ in 0..5 {
        room.types(id, "/ping\n");
        assert_eq!(room.read(id), "* pong\n");
        room.pass(Duration::from_secs(1));
        room.commands();
    }
    assert_eq!(room.asks(id, "/name n\n"), "* you are now n\n");
    room.pass(Duration::from_secs(1));
    assert_eq!(room.asks(id, format!("{}\n", "x".repeat(65))), "! line too long: 64 bytes at most\n");
    assert_eq!(room.hub.journal(0).count(), 1, "a journal of one record has the latest");
}

#[test]
fn every_number_of_the_limits_is_in_the_table() {
    for (name, _) in defaults() {
        let is_there = NUMBERS.iter().any(|(limit, ..)| limit.field() == name);
        assert!(is_there, "add {name} to NUMBERS");
    }
    assert!(defaults().len() > 15, "{:?}", defaults());
}

#[test]
fn zero_is_out_of_range_where_a_limit_must_be_positive() {
    for (limit, set) in NUMBERS {
        let mut config = Config::default();
        set(&mut config, 0);
        let error = match Hub::new(config) {
            Err(error) => error,
            Ok(_) if MAY_BE_ZERO.contains(limit) => continue,
            Ok(_) => panic!("{limit} may be 0: add it to MAY_BE_ZERO, or to the checks of `Config::check`"),
        };
        match error {
            ConfigError::OutOfRange { limit: found, value, .. }
            | ConfigError::TooLittleRoom { limit: found, value, .. } => assert_eq!((found, value), (*limit, 0)),
            error => panic!("{limit}: {error}"),
        }
    }
    let no_dialects = Config { dialects: Vec::new(), ..Config::default() };
    assert!(Hub::new(no_dialects).is_err());
    let mut no_time = Config::default();
    no_time.dialects[0].idle_timeout = Some(Duration::ZERO);
    let error = Hub::new(no_time).expect_err("no time at all");
    assert_eq!(error.to_string(), "idle_timeout of classic must be from 1 ms to 365 days");
    let mut twice = Config::default();
    twice.dialects = vec![twice.dialects[0].clone(); 2];
    assert!(matches!(Hub::new(twice), Err(ConfigError::SameDialect(_))));
}

#[test]
fn what_a_limit_allows_is_in_the_bound() {
    let bound = Config::default().memory_bound();
    for (name, default) in defaults() {
        let (limit, set) = NUMBERS.iter().find(|(limit, ..)| limit.field() == name).expect(&name);
        let mut config = Config::default();
        set(&mut config, 2 * default);
        let is_more = config.memory_bound() > bound;
        assert!(is_more || ONLY_REFUSE.contains(limit), "twice {name} takes no more memory: count it in memory_bound");
        assert!(!is_more || !ONLY_REFUSE.contains(limit), "{name} takes memory");
    }
}

#[test]
fn the_error_for_a_limit_names_its_range() {
    let mut twice = Config::default();
    twice.dialects = vec![twice.dialects[0].clone(); 2];
    for (config, words) in [
        (Config { max_line: 63, ..Config::default() }, "max_line is 63: it must be from 64 to 1048576"),
        (
            Config { linger_timeout: Duration::ZERO, ..Config::default() },
            "linger_timeout must be from 1 ms to 365 days",
        ),
        (
            Config { rate: Some(Rate { per_second: NonZeroU32::MAX, burst: NonZeroU32::MIN }), ..Config::default() },
            "rate.per_second is 4294967295: it must be from 1 to 1000000000",
        ),
        (
            Config { reply_bytes: 5_000, ..Config::default() },
            "reply_bytes is 5000: for the longest events of classic it must be from 11470 to 16777216",
        ),
        (twice, "the dialect classic is listed twice"),
    ] {
        assert_eq!(Hub::new(config).expect_err("out of range").to_string(), words);
    }
}

#[test]
fn the_largest_numbers_are_out_of_range_and_nothing_overflows() {
    for (limit, set) in NUMBERS {
        let mut config = Config::default();
        set(&mut config, usize::MAX);
        match Hub::new(config).expect_err("out of range") {
            ConfigError::OutOfRange { limit: found, value: usize::MAX, .. } => assert_eq!(found, *limit),
            error => panic!("{limit}: {error}"),
        }
    }
    let mut backlog = Config::default();
    backlog.dialects[1].backlog = 1_001;
    let error = Hub::new(backlog).expect_err("out of range");
    assert_eq!(error.to_string(), "backlog of text is 1001: it must be from 0 to 1000");
    let error = Hub::new(Config { history_bytes: 100, ..Config::default() }).expect_err("out of range");
    assert_eq!(error.to_string(), "history_bytes is 100: it must be from 4212 to 1073741824");
    let long = Config { stall_timeout: Some(Duration::MAX), linger_timeout: Duration::MAX, ..Config::default() };
    assert!(matches!(Hub::new(long), Err(ConfigError::Timeout { .. })));
}

#[test]
fn the_largest_allowed_limits_have_a_bound() {
    // The bound is computed; nothing is allocated.
    let mut config = Config {
        max_sessions: 1 << 20,
        max_line: 1 << 20,
        max_name: 255,
        log_bytes: 1 << 30,
        log_entries: 1 << 24,
        reply_bytes: 16 << 20,
        journal_records: 1 << 24,
        history: 1 << 16,
        history_bytes: 1 << 30,
        rate: Some(Rate { per_second: NonZeroU32::MAX, burst: NonZeroU32::MAX }),
        ..Config::default()
    };
    assert!(config.check().is_err(), "the rate is beyond its range");
    config.rate = None;
    config.dialects.iter_mut().for_each(|DialectConfig { backlog, .. }| *backlog = 1_000);
    assert_eq!(config.check(), Ok(()));
    assert!(config.memory_bound() > 1 << 44, "every session with its buffers full");
}

#[test]
fn a_full_log_keeps_the_latest_and_counts_the_rest() {
    let mut scene = Scene::with(Config { log_entries: 10, rate: None, pace: None, ..Config::default() });
    for i in 0..100 {
        scene.room.types(scene.alice, format!("line {i}\n"));
    }
    let kept = lines(90..100, |i| format!("alice: line {i}\n"));
    assert_eq!(scene.bob_hears(), format!("* missed 90 messages\n{kept}"));
    scene.quiet();
    scene.unharmed();
}

#[test]
fn an_entry_as_long_as_the_log_is_the_only_one_in_it() {
    let config = Config { max_sessions: 2, max_line: 4_000, rate: None, ..least() };
    let mut config = Config { max_name: 8, reply_bytes: 100_000, ..config };
    config.stall_timeout = None;
    let Err(ConfigError::TooLittleRoom { min, .. }) = config.check() else {
        panic!("the log is too small for that line")
    };
    config.log_bytes = min;
    config.log_entries = 100;
    let mut room = Room::new(config);
    let (one, two) = (room.enter("classic"), room.enter("text"));
    room.types(two, format!("{}\n", "x".repeat(4_000)));
    let first = room.read(one);
    assert!(first.starts_with("CHAT Z3Vlc3QtMQ== eHh4") && first.len() > 5_000);
    room.types(two, "a\nb\n");
    assert_eq!(room.read(one).lines().count(), 2);
}

#[test]
fn a_full_reply_buffer_holds_back_its_session() {
    let mut scene = Scene::with(Config { reply_bytes: 20_000, rate: None, ..Config::default() });
    let asked = "/help\n".repeat(1_000);
    let taken = scene.room.hub.receive(scene.room.now, scene.offender, asked.as_bytes());
    assert!(taken > 0 && taken < asked.len());
    assert_eq!(scene.room.hub.receive(scene.room.now, scene.offender, b"/ping\n"), 0, "not one more");
    let help = scene.room.read(scene.offender);
    assert!(help.len() <= 20_000);
    assert_eq!(help.matches("* this").count() + help.matches("this list").count(), taken / 6, "an answer to each");
    scene.unharmed();
}

#[test]
fn a_full_journal_overwrites_the_oldest_and_shows_the_gap() {
    let mut room = Room::new(Config { journal_records: 5, rate: None, ..Config::default() });
    let id = room.enter("text");
    for i in 0..20 {
        room.types(id, format!("/name n{i}\n"));
        room.read(id);
    }
    let records: Vec<(u64, RecordKind)> = room.hub.journal(0).map(|record| (record.seq, record.kind)).collect();
    assert_eq!(
        records,
        (16..21).map(|seq| (seq, RecordKind::Named)).collect::<Vec<_>>(),
        "the 16 oldest are overwritten"
    );
    assert_eq!(room.hub.journal(20).count(), 1);
    assert_eq!((room.hub.journal(21).count(), room.hub.journal(u64::MAX).count()), (0, 0));
}

#[test]
fn memory_is_within_the_bound_when_everything_is_full() {
    let config = Config {
        max_sessions: 20,
        log_bytes: 20_000,
        log_entries: 100,
        journal_records: 10,
        reply_bytes: 20_000,
        // The bound with rooms is tried in `memory.rs`.
        max_rooms: 1,
        rate: None,
        pace: None,
        ..Config::default()
    };
    let bound = i64::try_from(config.memory_bound()).expect("a sensible bound");
    let mut meter = Meter::new();
    let mut room = meter.scope(|| Room::new(config.clone()));
    let line = format!("{}\n", "x".repeat(4_000));
    let half = "y".repeat(4_096);
    let ids: Vec<_> =
        (0..20).map(|i| meter.scope(|| room.enter(if i % 2 == 0 { "text" } else { "classic" }))).collect();
    let mut batch = roomy_batch(room.hub.config());
    for _ in 0..10 {
        for id in &ids {
            meter.scope(|| {
                room.hub.receive(room.now, *id, "/help\n".repeat(100).as_bytes());
                room.hub.receive(room.now, *id, line.as_bytes());
                // All output except one byte is sent, and half a line is received.
                room.hub.fill(*id, &mut batch, usize::MAX);
                room.hub.sent(room.now, *id, &batch, batch.as_bytes().len().saturating_sub(1));
                room.hub.receive(room.now, *id, half.as_bytes());
            });
        }
    }
    assert!(meter.peak <= bound, "{} bytes over {bound}", meter.peak);
    assert!(meter.peak > bound / 4, "the bound is not far off: {} of {bound}", meter.peak);
}
