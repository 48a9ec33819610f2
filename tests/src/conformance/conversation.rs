//! Announcements, counters, and a thousand clients at once.

use std::io::ErrorKind;

use chat_proto::Config;

use super::isolation::raise_descriptor_limit;
use super::{Adapter, Client, calm, calm_with_backlog, classic_line, eventually, start};

/// A thousand clients of both dialects get all messages of ten of them, in one order.
pub fn a_thousand_at_once(adapter: &dyn Adapter) {
    const CLIENTS: usize = 1_000;
    const TALKERS: usize = 10;
    const ROUNDS: usize = 10;
    let descriptors = raise_descriptor_limit();
    assert!(descriptors > 4 * CLIENTS, "{descriptors} descriptors are too few for this case, raise the hard limit");
    let server = start(adapter, Config { max_sessions: CLIENTS, ..calm() });

    let mut talkers: Vec<Client> = (0..TALKERS).map(|n| server.named(&format!("talker-{n}"))).collect();
    for (n, talker) in talkers.iter_mut().enumerate() {
        for later in n + 1..TALKERS {
            talker.expect(&format!("* talker-{later} joined"));
        }
    }
    let mut text: Vec<Client> = (0..CLIENTS / 2).map(|n| server.guest(&format!("reader {n}"))).collect();
    let rest = CLIENTS - TALKERS - text.len();
    let mut classic: Vec<Client> = (0..rest).map(|n| server.classic(&format!("classic reader {n}"))).collect();
    server.await_sessions(CLIENTS);

    for round in 0..ROUNDS {
        for talker in &mut talkers {
            talker.say(&format!("round {round}"));
        }
    }
    let heard: Vec<(String, String)> = (0..TALKERS * ROUNDS)
        .map(|_| {
            let line = text[0].line();
            let (name, words) = line.split_once(": ").unwrap_or_else(|| panic!("nobody says {line:?}"));
            (name.into(), words.into())
        })
        .collect();
    for n in 0..TALKERS {
        let name = format!("talker-{n}");
        let said: Vec<&str> = heard.iter().filter(|(its, _)| *its == name).map(|(_, words)| words.as_str()).collect();
        let expected: Vec<String> = (0..ROUNDS).map(|round| format!("round {round}")).collect();
        assert_eq!(said, expected, "what {name} is heard to say");
    }
    for reader in &mut text[1..] {
        for (name, words) in &heard {
            reader.expect(&format!("{name}: {words}"));
        }
    }
    for reader in &mut classic {
        for (name, words) in &heard {
            reader.expect(&classic_line(name, words));
        }
    }
    for (n, talker) in talkers.iter_mut().enumerate() {
        let own = format!("talker-{n}");
        for (name, words) in heard.iter().filter(|(name, _)| *name != own) {
            talker.expect(&format!("{name}: {words}"));
        }
        talker.expect_nothing_more();
    }

    server.stop(text.into_iter().chain(talkers).chain(classic));
}

/// An announcement reaches both dialects under the server's name, and newcomers in their backlog.
pub fn an_announcement_reaches_everyone(adapter: &dyn Adapter) {
    let server = start(adapter, calm_with_backlog());
    let mut alice = server.named("alice");
    let mut carol = server.classic("carol");
    server.await_sessions(2);
    server.control().announce("back in five minutes");
    alice.expect("* server: back in five minutes");
    carol.expect(&classic_line("server", "back in five minutes"));
    // An announcement is one line, whatever characters it contains.
    server.control().announce("one\ntwo\u{1b}[2J");
    alice.expect("* server: one two[2J");
    carol.expect(&classic_line("server", "one two[2J"));
    let mut bob = server.guest("bob");
    bob.expect("* the latest messages:");
    bob.expect("* server: back in five minutes");
    bob.expect("* server: one two[2J");
    bob.expect("* those were the latest messages; what follows is live");
    server.stop([alice, bob, carol]);
}

/// Whoever is in several rooms reads an announcement once, and whoever is in none reads it, too.
pub fn an_announcement_is_read_once_wherever_its_readers_are(adapter: &dyn Adapter) {
    const WORDS: &str = "* server: back in five minutes";
    let server = start(adapter, calm());
    let mut alice = server.guest("alice");
    for room in ["tea", "cake"] {
        alice.say(&format!("/join {room}"));
        alice.expect(&format!("* you are in {room} now; you began it and are its operator"));
    }
    let mut bob = server.guest("bob");
    bob.say("/leave");
    bob.expect("* you left lobby");
    bob.expect("* you speak in no room now; /join one");
    server.control().announce("back in five minutes");
    for reader in [&mut alice, &mut bob] {
        reader.expect(WORDS);
        reader.expect_nothing_more();
    }
    server.stop([alice, bob]);
}

/// Whoever reads several rooms reads their lines in the same order as everyone who reads them too, wherever each
/// speaks.
pub fn rooms_are_read_in_one_order(adapter: &dyn Adapter) {
    const ROOMS: [&str; 3] = ["lobby", "tea", "cake"];
    const LINES: usize = 200;
    let server = start(adapter, calm());
    let join = |client: &mut Client, room: &str| {
        client.say(&format!("/join {room}"));
        while !client.line().starts_with(&format!("* you are in {room} now")) {}
    };
    // Each is in all rooms, and speaks in one.
    let mut people: Vec<(Client, &str)> = Vec::new();
    for n in 0..2 * ROOMS.len() {
        let (mut client, room) = (server.named(&format!("person-{n}")), ROOMS[n % ROOMS.len()]);
        ROOMS.iter().filter(|other| **other != room).chain([&room]).for_each(|room| join(&mut client, room));
        people.push((client, room));
    }
    // Nobody who reads is sent their own lines, so three talk and three read.
    let mut readers = people.split_off(ROOMS.len());
    people.iter_mut().chain(&mut readers).for_each(|(client, _)| client.catch_up());
    for n in 0..LINES {
        for (client, room) in &mut people {
            client.say(&format!("{room} {n}"));
        }
    }
    let heard: Vec<Vec<String>> = readers
        .iter_mut()
        .map(|(client, own)| {
            let mut heard = |_| {
                let line = client.line();
                let (name, words) = line.split_once(": ").unwrap_or_else(|| panic!("nobody says {line:?}"));
                let (label, name) = name.rsplit_once(' ').unwrap_or(("", name));
                let room = words.split(' ').next().unwrap_or_default();
                let expected = if room == *own { String::new() } else { format!("[{room}]") };
                assert_eq!(label, expected, "who speaks in {own} reads {line:?}");
                format!("{name}: {words}")
            };
            (0..LINES * people.len()).map(&mut heard).collect()
        })
        .collect();
    for room in ROOMS {
        let said: Vec<&str> = heard[0].iter().map(String::as_str).filter(|line| line.contains(room)).collect();
        assert_eq!(said.len(), LINES, "what was said in {room}");
        assert!(said.iter().enumerate().all(|(n, line)| line.ends_with(&format!(": {room} {n}"))), "{said:?}");
    }
    assert!(heard.iter().all(|order| *order == heard[0]), "all read one order");
    for (client, _) in &mut people {
        client.catch_up();
    }
    server.stop(people.into_iter().chain(readers).map(|(client, _)| client));
}

/// A newcomer, and who asks, is sent a history many times as long as a reply buffer, and what is said meanwhile after
/// it.
pub fn a_long_history_is_sent_as_its_reader_reads(adapter: &dyn Adapter) {
    const MESSAGES: usize = 1_000;
    let mut config = calm_with_backlog();
    for dialect in config.dialects.iter_mut().filter(|dialect| dialect.dialect.name() == "text") {
        dialect.backlog = MESSAGES;
    }
    let server = start(adapter, config);
    let mut alice = server.named("alice");
    let line = |n: usize| format!("{n:0>500}");
    for n in 0..MESSAGES {
        alice.say(&line(n));
    }
    alice.say("/ping");
    alice.expect("* pong");
    let mut bob = server.guest("bob");
    for is_asked in [false, true] {
        if is_asked {
            bob.say("/history 1000");
        }
        bob.expect("* the latest messages:");
        if is_asked {
            alice.say("meanwhile");
        }
        for n in 0..MESSAGES {
            bob.expect(&format!("alice: {}", line(n)));
        }
        bob.expect("* those were the latest messages; what follows is live");
    }
    bob.expect("alice: meanwhile");
    server.stop([alice, bob]);
}

/// The hub's counters agree with what the clients count.
pub fn counters_add_up(adapter: &dyn Adapter) {
    let server = start(adapter, Config { max_sessions: 3, ..calm() });
    let mut alice = server.named("alice");
    let mut bob = server.guest("bob");
    let mut carol = server.classic("carol");
    server.await_sessions(3);
    let mut dave = Client::connect("dave", server.addr("text"));
    dave.line();
    dave.expect_end();

    bob.say("hello");
    alice.expect("* guest-2 joined");
    alice.expect("guest-2: hello");
    carol.expect(&classic_line("guest-2", "hello"));
    carol.say("rubbish");
    carol.line();
    alice.say("/dance");
    alice.line();
    alice.say("/quit");
    alice.expect("* bye");
    alice.expect_end();
    bob.expect("* alice left");
    server.await_sessions(2);

    let people = [&alice, &bob, &carol];
    let heard: u64 = people.iter().map(|client| client.bytes_received()).sum();
    let said: u64 = people.iter().map(|client| client.bytes_sent()).sum();
    // Bytes are reported shortly after the socket took them.
    eventually("all bytes to be counted", || {
        let counted = server.stats().bytes_sent;
        if counted == heard { Ok(()) } else { Err(format!("{counted} of {heard}")) }
    });
    let stats = server.stats();
    assert_eq!(stats.opened, 3, "{stats:?}");
    assert_eq!(stats.not_opened, 1, "{stats:?}");
    assert_eq!(stats.closed, 1, "{stats:?}");
    assert_eq!(stats.sessions, 2, "{stats:?}");
    assert_eq!(stats.bytes_received, said, "{stats:?}");
    assert_eq!(stats.lines_received, 5, "name, hello, rubbish, dance, quit: {stats:?}");
    assert_eq!(stats.messages, 4, "alice joined, guest-2 joined, hello, alice left: {stats:?}");
    assert_eq!(stats.refused, 2, "rubbish, dance: {stats:?}");
    assert_eq!((stats.missed, stats.throttled), (0, 0), "{stats:?}");
    let mut names: Vec<String> = server.control().sessions().into_iter().map(|(_, name)| name).collect();
    names.sort_unstable();
    assert_eq!(names, ["anonymous", "guest-2"]);
    server.stop([bob, carol]);
}

/// A dialect that the hub does not speak cannot be served.
pub fn an_unknown_dialect_is_refused(adapter: &dyn Adapter) {
    let error = adapter.start(calm(), &["text", "morse"]).expect_err("nobody speaks morse");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("morse"), "the message says what is wrong: {error}");
}

/// A dialect can be served on several ports, in one conversation.
pub fn two_ports_of_one_dialect(adapter: &dyn Adapter) {
    let server = adapter.start(calm(), &["text", "text"]).expect("a server starts");
    let Ok([first, second]) = <[_; 2]>::try_from(server.addrs()) else {
        panic!("two ports were asked for: {server:?}")
    };
    assert_ne!(first, second);
    let mut alice = Client::connect("alice", first);
    alice.expect("* welcome, you are guest-1; say something, or /help");
    let mut bob = Client::connect("bob", second);
    bob.expect("* welcome, you are guest-2; say something, or /help");
    bob.say("hello");
    alice.expect("* guest-2 joined");
    alice.expect("guest-2: hello");
    server.stop([alice, bob]);
}
