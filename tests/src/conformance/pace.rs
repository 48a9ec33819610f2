//! Many senders at once, readers that keep pace and readers that do not, and peers that are gone.

use std::thread;
use std::time::{Duration, Instant};

use chat_proto::Config;

use super::pressure::Flood;
use super::{Adapter, Client, PATIENCE, Running, calm, new_socket, rate, start};
use crate::attack::{self, Paste};

/// A log so small that one page from each person who pastes here overruns it three times.
const LOG: usize = 512 << 10;

/// The default limits with a small log.
fn small_log() -> Config {
    Config { log_bytes: LOG, ..Config::default() }
}

fn a_page(deaf: usize) -> Paste {
    Paste { people: 40, lines: 40, len: 1_000, deaf, readers: 2, timeout: 3 * PATIENCE }
}

#[track_caller]
fn expect_whole(server: &Running, paste: Paste) {
    let heard = attack::paste(&server.addr("text"), paste).expect("peers connect");
    assert_eq!((heard.heard, heard.missed), (heard.expected, 0), "{heard:?}");
}

/// Many people paste a page at once, at the default rate; a reader misses none of it.
pub fn pages_pasted_by_many_arrive_whole(adapter: &dyn Adapter) {
    let server = start(adapter, small_log());
    expect_whole(&server, a_page(0));
    server.stop([]);
}

/// The same without a rate, while some sessions read nothing.
pub fn pages_pasted_beside_stopped_readers_arrive_whole(adapter: &dyn Adapter) {
    let server = start(adapter, Config { rate: None, ..small_log() });
    expect_whole(&server, a_page(10));
    server.stop([]);
}

/// Five people each send a page of private messages to one reader, and none is refused.
pub fn private_messages_wait_for_a_reader(adapter: &dyn Adapter) {
    let server = start(adapter, Config::default());
    let (told, refused) = attack::whisper(&server.addr("text"), 5, 5, 1_000).expect("peers connect");
    assert_eq!((told, refused), (25, 0));
    server.stop([]);
}

/// A request during a flood is answered soon.
pub fn an_answer_does_not_wait_for_a_flood(adapter: &dyn Adapter) {
    let server = start(adapter, Config { rate: None, ..Config::default() });
    let flood =
        attack::Flood { people: 50, len: 64, pings: 20, before: Duration::from_millis(500), timeout: 3 * PATIENCE };
    let took = attack::flood(&server.addr("text"), flood).expect("peers connect");
    assert_eq!(took.len(), 20, "each is answered");
    assert!(took[10] <= Duration::from_millis(100) && took[19] <= Duration::from_millis(600), "{took:?}");
    server.stop([]);
}

/// Senders wait for a reader at exactly the pace: they are slowed down to it, but not below half of it.
pub fn a_reader_at_the_pace_misses_nothing(adapter: &dyn Adapter) {
    // A busy machine may stop the reader for a while, which makes it slower than the pace.
    const STOPPED: Duration = Duration::from_millis(40);
    for _ in 0..4 {
        match read_at_the_pace(adapter) {
            Ok(()) => return,
            Err(late) => assert!(late > STOPPED, "something is missed though the reader was {late:?} late at most"),
        }
    }
    panic!("the machine stops the reader again and again");
}

/// Reads at exactly the pace. If something is missed, the error is by how much the reader overslept at most.
fn read_at_the_pace(adapter: &dyn Adapter) -> Result<(), Duration> {
    // A pace that a busy machine can keep, and more bytes than all buffers and the log together hold.
    const PACE: usize = 512 << 10;
    const BYTES: usize = 3 << 20;
    let at_the_pace = |bytes: usize| Duration::from_micros(bytes as u64 * 1_000_000 / PACE as u64);
    let server = start(adapter, Config { pace: Some(PACE), log_bytes: LOG, rate: None, ..calm() });
    let addr = server.addr("text");
    let socket = new_socket(&addr);
    socket.set_recv_buffer_size(64 << 10).expect("a receive buffer has a size");
    let mut reader = Client::over("reader", socket, &addr);
    reader.say("/name reader");
    while reader.line() != "* you are now reader" {}
    let mut sender = server.named("sender");
    reader.expect("* sender joined");
    let (line, lines) = ("x".repeat(999), BYTES / 1_000);
    let begun = Instant::now();
    let mut late = Duration::ZERO;
    let is_whole = thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..lines {
                sender.say(&line);
            }
        });
        let expected = format!("sender: {line}");
        (1..=lines).all(|heard| {
            let line = reader.line();
            if line.starts_with("* missed ") {
                return false;
            }
            assert_eq!(line, expected);
            // No faster than the pace.
            let due = at_the_pace(heard * expected.len());
            let wait = due.saturating_sub(begun.elapsed());
            if !wait.is_zero() {
                thread::sleep(wait);
                late = late.max(begun.elapsed().saturating_sub(due));
            }
            true
        })
    });
    if !is_whole {
        reader.reset();
        server.stop([sender]);
        return Err(late);
    }
    let took = begun.elapsed();
    assert_eq!(server.stats().missed, 0);
    // Half of the pace, and some slack for a busy machine.
    assert!(took <= at_the_pace(22 * BYTES / 10), "{took:?}");
    server.stop([reader, sender]);
    Ok(())
}

/// Readers that stop delay the others once, for at most a second.
pub fn stopped_readers_delay_others_once(adapter: &dyn Adapter) {
    let server = start(adapter, calm());
    let deaf: Vec<Client> = (0..10).map(|_| super::pressure::lazy_guest(&server)).collect();
    let mut flood = Flood::new(&server);
    assert_eq!(flood.go_on(24 << 20), [""; 0], "bob hears the flood and nothing else");
    let stats = server.stats();
    assert_eq!(stats.slow, 10, "each counts as slow once: {stats:?}");
    for lazy in deaf {
        lazy.reset();
    }
    server.stop(flood.into_clients());
}

/// The system's buffers hold a bounded number of bytes for a reader that has stopped. (Not in the suite, since each
/// adapter chooses its own bound.)
///
/// # Panics
///
/// If they hold more.
pub fn the_systems_buffers_are_bounded(adapter: &dyn Adapter) {
    /// Twice the requested socket buffer, one write, and the reader's own receive buffer, which is small.
    const MOST: u64 = (2 * 128 + 64 + 16) << 10;
    let server = start(adapter, calm());
    let lazy = super::pressure::lazy_guest(&server);
    let mut flood = Flood::new(&server);
    flood.go_on(16 << 20);
    let [alice, bob] = flood.into_clients();
    let kept = server.stats().bytes_sent - alice.bytes_received() - bob.bytes_received();
    assert!(kept <= MOST, "{kept} bytes are kept for one who does not read");
    lazy.reset();
    server.stop([alice, bob]);
}

/// Connects a client that sends more than the rate allows, for a long time.
fn throttled(server: &Running) -> Client {
    let mut client = server.guest("spammer");
    client.send_what_fits("spam spam spam\n".repeat(5_000).as_bytes(), Duration::from_millis(100));
    client
}

/// A reset is noticed within a second, even while the peer's input is left untaken. (Unix sockets have none: leave this
/// out there.)
pub fn a_reset_is_noticed_while_input_is_left_untaken(adapter: &dyn Adapter) {
    let server = start(adapter, Config { rate: Some(rate(1, 5)), linger_timeout: 3 * PATIENCE, ..calm() });
    let mut alice = server.named("alice");
    let spammer = throttled(&server);
    // Its lines arrive; the rest of its input is left untaken.
    wait_for_line(&mut alice, "guest-2: spam spam spam");
    let begun = Instant::now();
    spammer.reset();
    wait_for_line(&mut alice, "* guest-2 left (connection lost)");
    assert!(begun.elapsed() <= Duration::from_millis(1_500), "{:?}", begun.elapsed());
    server.stop([alice]);
}

/// After a peer has ended its input, its lines are taken at the rate, but only for the linger timeout.
pub fn input_of_an_ended_peer_is_taken_for_the_linger_timeout_only(adapter: &dyn Adapter) {
    let linger_timeout = Duration::from_secs(1);
    let server = start(adapter, Config { rate: Some(rate(20, 5)), linger_timeout, ..calm() });
    let mut alice = server.named("alice");
    let mut spammer = throttled(&server);
    let begun = Instant::now();
    spammer.end_input();
    let said = wait_for_line(&mut alice, "* guest-2 left");
    // The adapter checks every half second whether the peer has ended.
    assert!(begun.elapsed() <= linger_timeout + Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(said >= 20, "{said} lines were said, at the rate");
    assert_eq!(server.stats().cut_short, 1);
    spammer.drain();
    server.stop([alice]);
}

/// Reads lines until the one that is waited for; returns how many came before it.
fn wait_for_line(client: &mut Client, awaited: &str) -> usize {
    let begun = Instant::now();
    let mut before = 0;
    while client.line() != awaited {
        before += 1;
        assert!(
            begun.elapsed() <= PATIENCE,
            "no line {awaited:?} within {PATIENCE:?}: does the adapter check for peers that are gone while it does not read?"
        );
    }
    before
}

/// A server that is full of sessions whose peers have ended makes room for new ones.
pub fn ended_peers_keep_nobody_out(adapter: &dyn Adapter) {
    const MOST: usize = 20;
    let config = Config { max_sessions: MOST, rate: Some(rate(1, 5)), linger_timeout: 3 * PATIENCE, ..calm() };
    let server = start(adapter, config);
    let spammers: Vec<Client> = (0..MOST)
        .map(|_| {
            let mut spammer = throttled(&server);
            spammer.end_input();
            spammer
        })
        .collect();
    // There is room once the adapter has noticed that they ended.
    let begun = Instant::now();
    let alice = loop {
        let mut alice = Client::connect("alice", server.addr("text"));
        if alice.line().starts_with("* welcome") {
            break alice;
        }
        assert!(begun.elapsed() <= Duration::from_secs(2), "the server stays full");
        thread::sleep(Duration::from_millis(50));
    };
    drop((alice, spammers));
    server.stop([]);
}
