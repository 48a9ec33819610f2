//! Things happen on time: never early, and at most 100 ms late.

use std::time::{Duration, Instant};

use chat_proto::Config;

use super::pressure::{Flood, lazy};
use super::{Adapter, Client, PATIENCE, Received, calm, classic_line, rate, start};

/// How late a deadline may be.
const TOLERANCE: Duration = Duration::from_millis(100);
const TIMEOUT: Duration = Duration::from_millis(300);

fn impatient() -> Config {
    let mut config = calm();
    for dialect in &mut config.dialects {
        dialect.idle_timeout = Some(TIMEOUT);
    }
    config
}

/// Asserts that something took the expected time.
#[track_caller]
fn assert_took(what: &str, took: Duration, expected: Duration) {
    assert!(took >= expected, "{what} came after {took:?}, too early for {expected:?}");
    assert!(took <= expected + TOLERANCE, "{what} came after {took:?}, too late for {expected:?}");
}

/// Waits until a silent session is told of its timeout, and for the end of its stream.
#[track_caller]
fn expect_timed_out(client: &mut Client, dialect: &str) {
    match dialect {
        "classic" => client.expect(&classic_line("server", "closed: timed out")),
        _ => client.expect("! closed: timed out"),
    }
    client.expect_end();
}

/// A session that is silent for the idle timeout is closed, in each dialect.
pub fn silence_is_closed_on_time(adapter: &dyn Adapter) {
    let server = start(adapter, impatient());
    for dialect in ["classic", "text"] {
        let start = Instant::now();
        let mut client = Client::connect(dialect, server.addr(dialect));
        if dialect == "text" {
            client.line();
        }
        expect_timed_out(&mut client, dialect);
        assert_took(dialect, start.elapsed(), TIMEOUT);
    }
    server.stop([]);
}

/// Every line postpones the deadline, even a refused or an empty one.
pub fn a_line_postpones_the_idle_deadline(adapter: &dyn Adapter) {
    let server = start(adapter, impatient());
    let mut client = server.classic("alice");
    let mut last = Instant::now();
    for line in ["", "rubbish", "NAME YWxpY2U="] {
        // Silent until two thirds of the time are over.
        while let Received::Line(_) = client.receive(last + TIMEOUT * 2 / 3) {}
        last = Instant::now();
        client.say(line);
    }
    expect_timed_out(&mut client, "classic");
    assert_took("the deadline", last.elapsed(), TIMEOUT);
    server.stop([]);
}

/// Bytes without a line end do not postpone the idle deadline.
pub fn half_a_line_does_not_postpone_the_idle_deadline(adapter: &dyn Adapter) {
    let server = start(adapter, impatient());
    let start = Instant::now();
    let mut client = server.classic("slowloris");
    let mut next = start;
    let line = loop {
        client.send_bytes(b"x");
        next += TIMEOUT / 10;
        match client.receive(next) {
            Received::Nothing => {}
            Received::Line(line) => break line,
            other => panic!("slowloris hears {other:?}"),
        }
    };
    assert_eq!(line, classic_line("server", "closed: timed out"));
    assert_took("the deadline", start.elapsed(), TIMEOUT);
    server.stop([]);
}

/// A hundred sessions that fall silent in the same instant are all closed on time.
pub fn many_deadlines_at_once(adapter: &dyn Adapter) {
    let server = start(adapter, impatient());
    let mut clients: Vec<(Instant, Client)> =
        (0..100).map(|n| (Instant::now(), server.classic(&format!("client {n}")))).collect();
    for (start, client) in &mut clients {
        expect_timed_out(client, "classic");
        // They are checked in the order of connecting; each may have been closed shortly before its check.
        assert_took("the deadline", start.elapsed(), TIMEOUT);
    }
    server.await_sessions(0);
    server.stop([]);
}

/// A reader that stops reading is closed when the stall timeout has passed since it last took something.
pub fn a_stalled_reader_is_closed_on_time(adapter: &dyn Adapter) {
    let server = start(adapter, Config { stall_timeout: Some(TIMEOUT), ..calm() });
    let mut flood = Flood::new(&server);
    let start = Instant::now();
    let _lazy = lazy(&server);
    let (mut taken, mut last_taken) = (0, start);
    let mut notices = Vec::new();
    while start.elapsed() < PATIENCE && server.stats().sessions == 3 {
        notices.extend(flood.go_on(64 << 10));
        // The bytes that were not sent to the others are those that lazy's socket has taken.
        let now_taken = server.stats().bytes_sent - flood.bytes_received();
        if now_taken != taken {
            (taken, last_taken) = (now_taken, Instant::now());
        }
    }
    let late = last_taken.elapsed();
    assert!(start.elapsed() >= TIMEOUT, "lazy was closed after {:?}", start.elapsed());
    assert!(late <= TIMEOUT + TOLERANCE, "lazy was closed {late:?} after it had last taken something");
    server.control().announce("that was all");
    notices.extend(flood.notices_before("* server: that was all"));
    assert_eq!(notices, ["* lazy joined", "* lazy left (not reading)"]);
    server.stop(flood.into_clients());
}

/// Lines beyond the burst are taken at the rate, all of them, and in order.
pub fn the_rate_is_kept_and_nothing_is_lost(adapter: &dyn Adapter) {
    const BURST: u32 = 10;
    const LINES: u32 = 40;
    const PER_SECOND: u32 = 100;
    let server = start(adapter, Config { rate: Some(rate(PER_SECOND, BURST)), ..calm() });
    let mut bob = server.named("bob");
    let mut alice = server.guest("alice");
    let start = Instant::now();
    let lines: Vec<String> = (0..LINES).map(|n| format!("line {n}")).collect();
    alice.say(&lines.join("\n"));
    bob.expect("* guest-2 joined");
    for n in 0..LINES {
        bob.expect(&format!("guest-2: line {n}"));
    }
    let (took, due) = (start.elapsed(), Duration::from_secs(1) * (LINES - BURST) / PER_SECOND);
    assert!(took >= due, "the last line came after {took:?}, too early for {due:?}");
    // A busy machine may delay each of thirty wake-ups, so the upper limit is not tight; the other cases check
    // lateness.
    assert!(took < due + PATIENCE, "the last line came after {took:?}, too late for {due:?}");
    alice.expect_nothing_more();
    assert!(server.stats().throttled >= 1, "{:?}", server.stats());
    server.stop([alice, bob]);
}
