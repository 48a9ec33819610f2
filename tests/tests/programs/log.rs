//! What is in the log, and what never is.

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

use chat_tests::conformance::{Client, Received, classic_line};
use chat_tests::program::Program;
use rustix::process::Signal;

use super::{guest, serve};

#[test]
fn the_log_has_connects_names_and_leaves_but_no_messages() {
    for program in Program::ADAPTERS {
        let (process, text, _) = serve(program, &["--max-sessions", "2", "--backlog", "0"]);
        let (mut alice, mut bob) = (guest("alice", text), guest("bob", text));
        for _ in 0..3 {
            let mut dave = Client::connect("dave", text);
            dave.expect("! the server is full, try again later");
            dave.expect_end();
        }
        alice.say("/name alice");
        alice.expect("* you are now alice");
        bob.expect("* alice joined");
        alice.say("a secret");
        bob.expect("alice: a secret");
        bob.say("/msg alice a whisper");
        bob.expect("you -> alice: a whisper");
        bob.say("/quit a reason");
        bob.expect("* bye");
        bob.expect_end();
        process.signal(Signal::TERM);
        let ended = process.ended();
        let lines = log_lines(&ended.stderr);
        let find =
            |part: &str| lines.iter().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{part}: {lines:?}"));
        for part in [
            ": connected session=0.0 peer=127.0.0.1:",
            ": connected session=1.0 peer=127.0.0.1:",
            ": named session=0.0 name=\"alice\"",
            match program {
                Program::ChatServer => ": left session=0.0 name=\"alice\" reason=\"server shutting down\" after=",
                _ => ": left session=0.0 name=\"alice\" reason=server shutting down after=",
            },
            ": connections refused count=3",
        ] {
            find(part);
        }
        let bob = find(": left session=1.0 name=\"guest-2\" reason=quit after=");
        // It sent two lines; the number of lines sent to it depends on what was pending when it left.
        assert!(bob.contains(" lines_in=2 lines_out="), "{bob}");
        assert!(lines.iter().all(|line| line.starts_with(" INFO ")), "{lines:?}");
        for words in ["secret", "whisper", "a reason"] {
            assert!(!ended.stderr.contains(words), "{words:?} is in the log: {lines:?}");
        }
    }
}

#[test]
fn the_first_log_line_of_a_session_is_connected() {
    for program in Program::ADAPTERS {
        let log = ["--log", "chat_proto=trace,chat_smol=trace,chat_std=trace", "--backlog", "0"];
        let (process, text, _) = serve(program, &log);
        thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for n in 0..100 {
                        let mut client = Client::connect(&format!("client {thread}.{n}"), text);
                        client.say("/name x");
                        match n % 3 {
                            // A reset during the welcome.
                            0 => client.reset(),
                            1 => drop(client),
                            _ => client.say("/quit"),
                        }
                    }
                });
            }
        });
        // The last to connect is served last.
        drop(guest("the last", text));
        process.signal(Signal::TERM);
        let ended = process.ended();
        let mut seen = HashSet::new();
        for line in log_lines(&ended.stderr) {
            let Some((_, rest)) = line.split_once(" session=") else { continue };
            let session = rest.split(' ').next().expect("a part of a line");
            if seen.insert(session) {
                assert!(line.contains(": connected session="), "the first line about {session} is {line:?}");
                assert!(line.contains(" peer=127.0.0.1:") && line.contains(" dialect=\"text\""), "{line:?}");
            }
        }
        assert_eq!(seen.len(), 401, "sessions in the log");
    }
}

#[test]
fn nothing_that_a_client_sends_forges_a_line_of_the_log() {
    const FORGED: &str = "2026-11-26T00:00:00.000000Z  INFO chat_proto::hub: named session=77777.7";
    let lines = [
        // Names with the quotation marks, backslashes, braces and other special characters that are allowed.
        "/name \"reason=quit".to_owned(),
        "/name x\\nname=\"y\"".to_owned(),
        "/name {\"level\"}".to_owned(),
        "/name %s%n$(id)".to_owned(),
        format!("/name x\n{FORGED}"),
        format!("/name x\r{FORGED}"),
        format!("/name x\u{85}{FORGED}"),
        format!("/name x\u{2028}{FORGED}"),
        "/name \x1b[31mred\x1b[0m".to_owned(),
        "/name \u{9b}31mred".to_owned(),
        format!("/quit x\n{FORGED}"),
    ];
    for program in Program::ADAPTERS {
        for format in ["text", "json"] {
            let (process, text, classic) =
                serve(program, &["--log", "debug", "--log-format", format, "--names", "loose"]);
            for line in &lines {
                let mut client = guest("client", text);
                client.say(line);
                client.say("/ping");
                client.say("/quit");
                while let Received::Line(_) = client.receive(Instant::now() + Duration::from_secs(10)) {}
            }
            let mut carol = Client::connect("carol", classic);
            carol.say(&classic_line(&format!("x\n{FORGED}"), &format!("hello\n{FORGED}")));
            carol.say("?");
            carol.expect(&classic_line("server", "not understood"));
            process.signal(Signal::TERM);
            let ended = process.ended();
            assert!(!ended.stderr.contains(['\x1b', '\r', '\u{85}', '\u{9b}', '\u{2028}']), "{}", ended.stderr);
            assert!(!ended.stderr.contains("77777"), "{}", ended.stderr);
            let named = |line: &&str| line.contains("named");
            if format == "text" {
                let lines = log_lines(&ended.stderr);
                for line in lines.iter().filter(|line| line.contains(" name=")) {
                    // The name is one quoted string, with its contents escaped.
                    let (_, name) = line.split_once(" name=\"").expect("a name is quoted");
                    let unescaped = name.replace("\\\\", "").replace("\\\"", "");
                    let (_, rest) = unescaped.split_once('"').expect("the quotation ends");
                    assert!(rest.is_empty() || rest.starts_with(" reason="), "{line}");
                }
                assert!(lines.iter().filter(|line| named(line)).count() >= 3, "{}", ended.stderr);
            } else {
                for line in ended.stderr.lines() {
                    let record: serde_json::Value = serde_json::from_str(line).expect(line);
                    assert!(record["level"].is_string() && record["target"].is_string(), "{line}");
                }
                assert!(ended.stderr.lines().filter(named).count() >= 3, "{}", ended.stderr);
            }
        }
    }
}

#[test]
fn frequent_events_are_one_log_line_a_second() {
    for program in Program::ADAPTERS {
        let (process, text, _) = serve(program, &["--max-sessions", "1", "--rate", "1000/s:1"]);
        let mut alice = guest("alice", text);
        let since = Instant::now();
        // Each line but the first waits for a token, and none is dropped.
        for n in 0..1_500 {
            alice.say(&format!("line {n}"));
        }
        let mut refused = 0;
        while since.elapsed() < Duration::from_millis(1_200) {
            let mut dave = Client::connect("dave", text);
            dave.expect("! the server is full, try again later");
            refused += 1;
        }
        alice.say("/ping");
        alice.expect("* pong");
        process.signal(Signal::TERM);
        let ended = process.ended();
        let seconds = since.elapsed().as_secs() + 1;
        for (kind, expected) in [("connections refused", Some(refused)), ("sessions throttled", None)] {
            let lines = log_lines(&ended.stderr);
            let counts = lines.iter().filter_map(|line| line.split_once(&format!(": {kind} count=")));
            let counts: Vec<u64> = counts.map(|(_, count)| count.parse().expect("a number")).collect();
            assert!((1..=seconds + 1).contains(&(counts.len() as u64)), "{counts:?} in {seconds} s");
            let sum: u64 = counts.iter().sum();
            assert!(expected.map_or(sum >= 1_000, |expected| sum == expected), "{kind}: {counts:?}, {expected:?}");
        }
    }
}

#[test]
fn logs_can_be_read_by_programs() {
    for program in Program::ADAPTERS {
        let (process, text, _) = serve(program, &["--log", "debug", "--log-format", "json"]);
        drop(guest("alice", text));
        process.signal(Signal::TERM);
        let ended = process.ended();
        assert!(ended.stderr.lines().count() > 0, "{ended:?}");
        for line in ended.stderr.lines() {
            assert!(line.starts_with('{') && line.ends_with('}'), "no JSON: {line}");
        }
    }
}

#[test]
fn the_log_can_be_switched_off() {
    for program in Program::ADAPTERS {
        let (process, text, _) = serve(program, &["--log", "off"]);
        drop(guest("alice", text));
        process.signal(Signal::TERM);
        let ended = process.ended();
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    }
}

/// Returns the lines of a log without their timestamps.
pub(super) fn log_lines(log: &str) -> Vec<&str> {
    let strip = |line: &'_ str| -> Option<usize> {
        let (time, _) = line.split_once(' ')?;
        let is_time = time.len() == "2026-11-26T00:00:00.000000Z".len() && time.ends_with('Z');
        is_time.then_some(time.len() + 1)
    };
    log.lines().map(|line| &line[strip(line).unwrap_or_else(|| panic!("no line of the log: {line:?}"))..]).collect()
}
