//! Every way in which a connection ends, and the end of the server itself.

use std::sync::Once;
use std::thread;
use std::time::{Duration, Instant};

use chat_proto::Config;

use super::{Adapter, Client, PATIENCE, Received, Running, calm, classic_line, new_socket, rate, start};

/// A kicked session is told why and closed; the others are told that it left.
pub fn a_kicked_session_is_told_why(adapter: &dyn Adapter) {
    let server = start(adapter, calm());
    let mut alice = server.named("alice");
    let mut bob = server.named("bob");
    alice.expect("* bob joined");
    let mut carol = server.classic("carol");
    server.await_sessions(3);

    server.control().kick(server.id_of("bob"), "that is enough");
    bob.expect("! closed: kicked: that is enough");
    bob.expect_end();
    alice.expect("* bob left (kicked)");
    server.control().kick(server.id_of("anonymous"), "");
    carol.expect(&classic_line("server", "closed: kicked"));
    carol.expect_end();
    server.await_sessions(1);
    alice.expect_nothing_more();
    server.stop([alice]);
}

/// A session that ends its input is sent its replies and the conversation up to then, and is then closed.
pub fn a_half_closed_client_gets_pending_output(adapter: &dyn Adapter) {
    const QUESTIONS: usize = 500;
    let server = start(adapter, calm());
    let mut alice = server.named("alice");
    let mut bob = server.named("bob");
    alice.expect("* bob joined");
    bob.say("before");
    bob.expect_nothing_more();
    alice.send_bytes("/ping\n".repeat(QUESTIONS).as_bytes());
    alice.end_input();
    alice.expect("bob: before");
    for _ in 0..QUESTIONS {
        alice.expect("* pong");
    }
    alice.expect_end();
    bob.expect("* alice left");
    server.stop([bob]);
}

/// A line before the end of input is published; an unfinished line is not.
pub fn a_line_before_the_end_of_input_is_published(adapter: &dyn Adapter) {
    let server = start(adapter, calm());
    let mut alice = server.named("alice");
    let mut bob = server.named("bob");
    alice.expect("* bob joined");
    bob.send_bytes(b"one last thing\nand ano");
    bob.end_input();
    bob.expect_end();
    alice.expect("bob: one last thing");
    alice.expect("* bob left");
    alice.expect_nothing_more();
    server.stop([alice]);
}

/// Input after `/quit` is ignored. In particular, it does not turn the end of the connection into a reset.
pub fn input_after_a_quit_does_not_reset_the_connection(adapter: &dyn Adapter) {
    let server = start(adapter, calm());
    let mut alice = server.named("alice");
    // More than one read, so that some of it arrives after the session's end.
    let more = "and another thing\n".repeat(20_000);
    for _ in 0..20 {
        let mut bob = server.named("bob");
        alice.expect("* bob joined");
        bob.say("/quit for now");
        bob.send_what_fits(more.as_bytes(), PATIENCE);
        bob.expect("* bye");
        bob.expect_end();
        alice.expect("* bob left (\"for now\")");
    }
    alice.expect_nothing_more();
    server.stop([alice]);
}

/// A reset would discard a refusal that has not been read yet. So input after the refusal may cause a reset only after
/// a second.
pub fn a_refused_peer_is_not_reset_before_it_can_read_why(adapter: &dyn Adapter) {
    let server = start(adapter, Config { max_sessions: 1, ..calm() });
    let alice = server.named("alice");
    let begun = Instant::now();
    let mut bob = Client::connect("bob", server.addr("text"));
    bob.expect("! the server is full, try again later");
    bob.expect_end();
    super::eventually("bob's connection to be cut", || match bob.send_what_fits(b"\n", PATIENCE) {
        0 => Ok(()),
        _ => Err("bob can still write".into()),
    });
    assert!(begun.elapsed() >= Duration::from_secs(1), "bob was cut off after {:?}", begun.elapsed());
    server.stop([alice]);
}

/// A stage of a connection at which it is reset, and how to reach it.
type Stage = (&'static str, fn(&Running));

/// A reset at any stage of a connection soon ends that session, and no other.
pub fn resets_at_every_stage(adapter: &dyn Adapter) {
    let config = Config { rate: Some(rate(50, 30)), linger_timeout: 10 * PATIENCE, ..calm() };
    let server = start(adapter, config);
    let mut watch = server.named("watch");
    let stages: [Stage; 10] = [
        ("on connecting", |server| Client::connect("bob", server.addr("text")).reset()),
        ("when welcomed", |server| server.guest("bob").reset()),
        ("in mid-line", |server| {
            let mut bob = server.guest("bob");
            bob.send_bytes(b"/name b");
            bob.reset();
        }),
        ("when named", |server| server.named("bob").reset()),
        ("with answers on their way", |server| {
            let mut bob = server.named("bob");
            bob.send_bytes("/help\n".repeat(20).as_bytes());
            bob.reset();
        }),
        ("with input left untaken", |server| {
            let throttled = server.stats().throttled;
            let mut bob = server.named("bob");
            bob.send_bytes("/ping\n".repeat(60).as_bytes());
            super::eventually("bob's input to be left untaken", || {
                if server.stats().throttled > throttled { Ok(()) } else { Err("it is not".into()) }
            });
            bob.reset();
        }),
        ("after the end of its input", |server| {
            let mut bob = server.named("bob");
            bob.end_input();
            bob.reset();
        }),
        ("while it takes nothing", |server| fill(server, "bob").reset()),
        ("while it is being closed", |server| {
            let bob = fill(server, "bob");
            server.control().kick(server.id_of("bob"), "so long");
            bob.reset();
        }),
        ("on the classic port", |server| {
            let mut bob = server.classic("bob");
            bob.say("NAME Ym9i");
            server.await_name("bob");
            bob.reset();
        }),
    ];
    for (stage, reset) in stages {
        let closed = server.stats().closed;
        reset(&server);
        // Bob's deadline is far off, so only the reset can end the session. If it comes early, there may have been no
        // session yet; the counter covers both cases.
        super::eventually(&format!("the end of the session that was reset {stage}"), || {
            let stats = server.stats();
            if stats.closed > closed { Ok(()) } else { Err(format!("{stats:?}")) }
        });
        watch.catch_up();
    }
    server.stop([watch]);
}

/// Connects a reader that reads nothing, and sends it more than any socket holds.
fn fill(server: &Running, who: &str) -> Client {
    let mut lazy = Client::connect_narrow(who, server.addr("text"));
    assert!(lazy.line().starts_with("* welcome"));
    lazy.say(&format!("/name {who}"));
    lazy.expect(&format!("* you are now {who}"));
    let words = "x".repeat(4_000);
    for _ in 0..4_000 {
        server.control().announce(&words);
    }
    lazy
}

/// Clients that connect and leave as fast as they can leave nothing behind in the server.
pub fn a_storm_of_reconnects(adapter: &dyn Adapter) {
    const VISITS: u64 = 500;
    let server = start(adapter, Config { max_sessions: 50, ..calm() });
    thread::scope(|scope| {
        for part in 0..4 {
            let server = &server;
            scope.spawn(move || {
                for _ in 0..VISITS / 4 {
                    let mut visitor = server.guest(&format!("visitor {part}"));
                    visitor.say("/quit");
                    visitor.expect("* bye");
                    visitor.expect_end();
                }
            });
        }
    });
    server.await_sessions(0);
    let stats = server.stats();
    assert_eq!((stats.opened, stats.closed, stats.not_opened), (VISITS, VISITS, 0), "{stats:?}");
    server.stop([]);
}

/// At shutdown everyone is told, no connection is accepted, and all connections end in order.
pub fn shut_down_tells_everyone(adapter: &dyn Adapter) {
    let server = start(adapter, calm());
    let mut alice = server.named("alice");
    let mut carol = server.classic("carol");
    server.await_sessions(2);
    let addr = server.addr("text");
    server.control().shut_down();
    alice.expect("* server: shutting down");
    alice.expect_end();
    carol.expect(&classic_line("server", "shutting down"));
    carol.expect_end();
    drop([alice, carol]);
    server.join();
    assert!(new_socket(&addr).connect(&addr).is_err(), "nobody listens any more");
}

/// Shutdown while everyone talks: all readers get the same lines, in one order and without a gap, including every line
/// that the server is known to have taken.
pub fn shut_down_under_load_loses_nothing(adapter: &dyn Adapter) {
    const TALKERS: usize = 4;
    const READERS: usize = 4;
    const BATCH: usize = 16;
    let server = start(adapter, calm());
    let readers: Vec<Client> = (0..READERS).map(|n| server.guest(&format!("reader {n}"))).collect();
    let shut_down = Once::new();

    thread::scope(|scope| {
        let talkers: Vec<_> = (0..TALKERS)
            .map(|n| {
                let mut talker = server.guest(&format!("talker {n}"));
                // Returns how many lines the server has certainly taken. The log holds all lines that can be sent here.
                scope.spawn(move || {
                    for batch in 0..1_000 {
                        let lines: Vec<String> = (0..BATCH).map(|i| format!("{n} {}", batch * BATCH + i)).collect();
                        // The server may end during this write.
                        talker.send_what_fits(format!("{}\n/ping\n", lines.join("\n")).as_bytes(), PATIENCE);
                        loop {
                            match talker.receive(Instant::now() + PATIENCE) {
                                Received::Line(line) if line == "* pong" => break,
                                Received::Line(_) => {}
                                Received::End | Received::Reset => return batch * BATCH,
                                Received::Nothing => panic!("talker {n} is left without an answer"),
                            }
                        }
                    }
                    panic!("talker {n} was done before the server ended");
                })
            })
            .collect();
        let readers: Vec<_> = readers
            .into_iter()
            .map(|mut reader| {
                let (server, shut_down) = (&server, &shut_down);
                scope.spawn(move || {
                    let mut heard = Vec::new();
                    loop {
                        match reader.receive(Instant::now() + PATIENCE) {
                            Received::Line(line) => heard.push(line),
                            Received::End => return heard,
                            other => panic!("{} hears {other:?} after {:?}", reader.who(), heard.last()),
                        }
                        if heard.len() == 1_000 {
                            shut_down.call_once(|| server.control().shut_down());
                        }
                    }
                })
            })
            .collect();

        let taken: Vec<usize> = talkers.into_iter().map(|talker| talker.join().expect("a talker ends well")).collect();
        let heard: Vec<Vec<String>> =
            readers.into_iter().map(|reader| reader.join().expect("a reader ends well")).collect();
        for other in &heard[1..] {
            assert_eq!(other, &heard[0], "all readers hear the same");
        }
        assert_eq!(heard[0].last().map(String::as_str), Some("* server: shutting down"));
        for (n, taken) in taken.iter().enumerate() {
            let own = format!(": {n} ");
            let numbers = heard[0].iter().filter_map(|line| line.split_once(&own)?.1.parse::<usize>().ok());
            let mut next = 0;
            for number in numbers {
                assert_eq!(number, next, "a line of talker {n} is missing");
                next += 1;
            }
            assert!(next >= *taken, "talker {n} said {taken} lines that the server took; {next} were heard");
        }
    });
    server.join();
}

/// A reader that takes nothing delays the server's end by the linger timeout and no more.
pub fn shut_down_does_not_wait_for_ever(adapter: &dyn Adapter) {
    let linger_timeout = Duration::from_millis(300);
    let server = start(adapter, Config { linger_timeout, ..calm() });
    let _lazy = fill(&server, "lazy");
    let asked = Instant::now();
    server.stop([]);
    let took = asked.elapsed();
    assert!(took >= linger_timeout, "the reader had {took:?} to take its last bytes");
    assert!(took < linger_timeout + Duration::from_secs(2), "the server took {took:?} to end");
}

/// Every method of a handle is harmless after the server has ended.
pub fn a_handle_outlives_its_server(adapter: &dyn Adapter) {
    let server = start(adapter, calm());
    let alice = server.named("alice");
    let id = server.id_of("alice");
    server.control().shut_down();
    alice.expect_shutdown();
    let control = server.handle();
    server.join();
    control.announce("is anybody there?");
    control.kick(id, "for nothing");
    control.shut_down();
    assert!(control.sessions().is_empty(), "{:?}", control.sessions());
    assert_eq!(control.stats().sessions, 0);
}
