//! Row *coming back*: reconnecting for a new burst, many connections from few addresses, and how both look to others.

use std::num::NonZeroU32;
use std::time::Duration;

use chat_proto::{CloseReason, Command, Config, DialectConfig, Exemptions, OpenError, Origin, Rate, SessionId};
use chat_tests::alloc::Meter;
use chat_tests::exact::Exact;
use chat_tests::room::Room;

use super::lines;

fn rate(per_second: u32, burst: u32) -> Rate {
    let number = |n| NonZeroU32::new(n).expect("not zero");
    Rate { per_second: number(per_second), burst: number(burst) }
}

/// Limits without a rate and without limits by address.
fn calm() -> Config {
    Config {
        rate: None,
        max_per_address: None,
        max_rooms_per_address: None,
        connects_per_address: None,
        rate_per_address: None,
        ..Config::default()
    }
}

/// Returns a different origin for each number.
fn origin(n: u32) -> Origin {
    Origin::from_ipv4((0x0a00_0000 + n).into())
}

fn open(room: &mut Room, from: u32) -> Result<SessionId, OpenError> {
    let text = room.hub.dialect("text").expect("a dialect");
    room.hub.open_from(room.now, text, Some(origin(from)))
}

/// Disconnects a session and drains its `Close`.
fn leave(room: &mut Room, id: SessionId) {
    room.hub.disconnect(room.now, id);
    let closed = room.commands().into_iter().any(|command| command == Command::Close(id, CloseReason::Disconnected));
    assert!(closed, "{id:?} is gone");
}

#[test]
fn reconnecting_gives_no_new_burst() {
    let mut room = Room::new(Config { rate: Some(rate(20, 100)), rate_per_address: Some(rate(20, 100)), ..calm() });
    let flood = "x\n".repeat(1_000);
    let mut taken = 0;
    // For ten seconds, a peer connects a hundred times a second and sends as much as is taken.
    for _ in 0..1_000 {
        let id = open(&mut room, 1).expect("there is room");
        taken += room.hub.receive(room.now, id, flood.as_bytes()) / 2;
        leave(&mut room, id);
        room.pass(Duration::from_millis(10));
    }
    assert_eq!(taken, 100 + 20 * 10 - 1, "one burst, and what the rate allows");
    // Another address has its own burst.
    let id = open(&mut room, 2).expect("there is room");
    assert_eq!(room.hub.receive(room.now, id, flood.as_bytes()), 2 * 100);
}

#[test]
fn sessions_of_one_address_take_turns() {
    const SESSIONS: usize = 50;
    let mut room = Room::new(Config { rate_per_address: Some(rate(100, 10)), pace: None, ..calm() });
    let ids: Vec<SessionId> = (0..SESSIONS).map(|_| open(&mut room, 1).expect("there is room")).collect();
    let other = open(&mut room, 2).expect("there is room");
    let mut taken = [0; SESSIONS];
    for (id, taken) in ids.iter().zip(&mut taken) {
        *taken += room.hub.receive(room.now, *id, &b"x\n".repeat(1_000)) / 2;
    }
    assert_eq!(taken[0], 10, "the first has the burst");
    room.commands();
    for _ in 0..10 * SESSIONS {
        let next = room.hub.poll_timeout().expect("somebody waits for a turn");
        assert_eq!(next, room.now + Duration::from_millis(10), "one at a time");
        room.pass(Duration::from_millis(10));
        let reads: Vec<SessionId> = room
            .commands()
            .into_iter()
            .filter_map(|command| if let Command::Read(id) = command { Some(id) } else { None })
            .collect();
        let [id] = reads[..] else { panic!("{} are to be read for one token", reads.len()) };
        let n = room.hub.receive(room.now, id, &b"x\n".repeat(1_000)) / 2;
        assert_eq!(n, 1);
        taken[id.slot()] += n;
        // A session from another address does not wait.
        assert_eq!(room.hub.receive(room.now, other, b"/ping\n"), 6);
        room.read(other);
        room.commands();
    }
    assert_eq!(taken[0], 10 + 10);
    assert!(taken[1..].iter().all(|taken| *taken == 10), "{taken:?}");
}

#[test]
fn a_session_that_leaves_while_waiting_delays_nobody() {
    let mut room = Room::new(Config { rate_per_address: Some(rate(1, 1)), ..calm() });
    let first = open(&mut room, 1).expect("there is room");
    assert_eq!(room.hub.receive(room.now, first, b"a\nb\n"), 2);
    // Each queues for a turn, and leaves before it comes.
    for _ in 0..10_000 {
        let id = open(&mut room, 1).expect("there is room");
        assert_eq!(room.hub.receive(room.now, id, b"x\n"), 0);
        leave(&mut room, id);
    }
    let last = open(&mut room, 1).expect("there is room");
    assert_eq!(room.hub.receive(room.now, last, b"x\n"), 0);
    room.pass(Duration::from_secs(1));
    assert_eq!(room.hub.receive(room.now, first, b"b\n"), 2);
    room.pass(Duration::from_secs(1));
    assert_eq!(room.hub.receive(room.now, last, b"x\n"), 2, "the second turn after the burst");
}

#[test]
fn ten_thousand_connections_from_one_address_and_from_64_keep_nobody_out() {
    for addresses in [1, 64] {
        let mut room = Room::new(Config::default());
        let (mut opened, mut refused) = (0, 0);
        for n in 0..10_000 {
            match open(&mut room, n % addresses) {
                Ok(_) => opened += 1,
                Err(OpenError::TooManyFromAddress) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!((opened, refused), (100 * addresses, 10_000 - 100 * addresses));
        for n in 64..1_000 {
            assert!(open(&mut room, n).is_ok(), "connections from other addresses are let in");
        }
    }
}

#[test]
fn an_attacker_with_many_addresses_keeps_nobody_out_of_the_table() {
    let config = Config { max_sessions: 20, max_per_address: Some(1), ..Config::default() };
    let bound = i64::try_from(config.memory_bound()).expect("a sensible bound");
    let mut meter = Meter::new();
    let mut room = meter.scope(|| Room::new(config.clone()));
    let there = meter.scope(|| open(&mut room, 0)).expect("there is room");
    // Far more addresses than are remembered, all at the same instant, so that no bucket is full again.
    for n in 1..20_000 {
        meter.scope(|| {
            let id = open(&mut room, n).expect("each is the first from there");
            assert_eq!(room.hub.receive(room.now, id, b"hello\n"), 6);
            leave(&mut room, id);
        });
    }
    assert!(meter.peak <= bound);
    assert_eq!(open(&mut room, 0), Err(OpenError::TooManyFromAddress), "a session that stays is counted all along");
    leave(&mut room, there);
    assert!(open(&mut room, 0).is_ok());
}

#[test]
fn frequent_connects_are_refused_in_both_dialects_and_allowed_later() {
    let mut room = Room::new(Config { connects_per_address: Some(rate(1, 3)), max_per_address: Some(3), ..calm() });
    let ids = [0; 3].map(|_| open(&mut room, 1).expect("a burst of three"));
    assert_eq!(open(&mut room, 1), Err(OpenError::TooManyFromAddress));
    leave(&mut room, ids[0]);
    assert_eq!(open(&mut room, 1), Err(OpenError::TooFastFromAddress));
    assert!(open(&mut room, 2).is_ok(), "another may");
    let [text, classic] = ["text", "classic"].map(|name| {
        let dialect = room.hub.dialect(name).expect("a dialect");
        let mut words = Vec::new();
        for error in [OpenError::TooManyFromAddress, OpenError::TooFastFromAddress] {
            room.hub.refusal(dialect, error, &mut words);
        }
        String::from_utf8(words).expect("text")
    });
    assert_eq!(
        text,
        "! too many connections from your address, close one or try again later\n\
         ! too many new connections from your address, try again in a moment\n"
    );
    let lines: Vec<&str> = classic.lines().collect();
    assert!(lines.len() == 2 && lines.iter().all(|line| line.starts_with("CHAT c2VydmVy ")), "{classic}");
    assert_eq!(room.hub.stats().not_opened, 2);
    room.pass(Duration::from_secs(1));
    assert!(open(&mut room, 1).is_ok(), "a second later");
    assert_eq!(open(&mut room, 1), Err(OpenError::TooManyFromAddress));
}

#[test]
fn exempt_peers_are_not_limited() {
    let mut room = Room::new(Config { max_per_address: Some(1), connects_per_address: Some(rate(1, 1)), ..calm() });
    let exempt = Exemptions::default();
    let text = room.hub.dialect("text").expect("a dialect");
    for addr in [Some("127.0.0.1"), Some("::1"), Some("::ffff:127.9.9.9"), None] {
        let origin = exempt.origin(addr.map(|addr| addr.parse().expect("an address")));
        for _ in 0..100 {
            assert!(room.hub.open_from(room.now, text, origin).is_ok(), "{addr:?}");
        }
    }
    let of = |addr: &str| exempt.origin(Some(addr.parse().expect("an address")));
    assert!(room.hub.open_from(room.now, text, of("2001:db8::1")).is_ok());
    let neighbour = room.hub.open_from(room.now, text, of("2001:db8::2"));
    assert_eq!(neighbour, Err(OpenError::TooManyFromAddress), "one /64");
    assert!(room.hub.open_from(room.now, text, of("2001:db8:0:1::1")).is_ok());
}

/// Returns what a reader is sent about visitors who join and leave: 312 at once, two in the next second, and two in the
/// second after that. It reads at once and at the end of each second.
fn watch_visitors(dialect: &str) -> [String; 5] {
    let mut config = calm();
    config.dialects.push(DialectConfig::new(Exact("exact")));
    let mut room = Room::new(config);
    let watch = room.enter(dialect);
    let mut see = |visits, millis| {
        for _ in 0..visits {
            let id = room.enter_as("visitor");
            room.types(id, "/quit\n");
            room.read(id);
            room.commands();
        }
        room.pass(Duration::from_millis(millis));
        room.read(watch)
    };
    let seen = [see(312, 999), see(0, 1), see(2, 1_000), see(2, 999), see(0, 10_000)];
    assert_eq!(room.hub.stats().messages, 2 * 316, "each is counted");
    seen
}

#[test]
fn many_joins_and_leaves_are_one_line_a_second_in_text() {
    let few = "* visitor joined\n* visitor left\n* visitor joined\n* visitor left\n* visitor joined\n";
    let calm_again = "* visitor joined\n* visitor left\n".repeat(2);
    let seen = watch_visitors("text");
    assert_eq!(seen, [few, "* 309 joined, 310 left\n", "* 2 joined, 2 left\n", &calm_again, ""]);
}

#[test]
fn many_joins_and_leaves_are_exact_for_programs() {
    let seen = watch_visitors("exact");
    assert_eq!(seen, [312, 0, 2, 2, 0].map(|visits| "* visitor joined\n* visitor left\n".repeat(visits)));
}

#[test]
fn folded_joins_are_shown_before_the_server_ends() {
    let mut room = Room::new(calm());
    let watch = room.enter("text");
    let classic = room.enter("classic");
    for n in 0..9 {
        room.enter_as(&format!("n{n}"));
    }
    let few = lines(0..5, |n| format!("* n{n} joined\n"));
    assert_eq!(room.read(watch), few);
    room.hub.shut_down(room.now);
    assert_eq!(room.read(watch), "* 4 joined, 0 left\n* server: shutting down\n");
    assert_eq!(room.read(classic).lines().count(), 1, "this dialect shows no joins");
}
