//! What signals do.

use std::thread;
use std::time::{Duration, Instant};

use chat_tests::conformance::{Client, Received, classic_line};
use chat_tests::program::Program;
use rustix::process::Signal;

use super::{guest, serve};

#[test]
fn both_signals_shut_it_down_in_order() {
    for program in Program::ADAPTERS {
        for signal in [Signal::TERM, Signal::INT] {
            let (process, text, classic) = serve(program, &[]);
            let mut alice = guest("alice", text);
            let mut carol = Client::connect("carol", classic);
            carol.say(&classic_line("carol", "hello"));
            alice.expect("* carol joined");
            alice.expect("carol: hello");
            process.signal(signal);
            alice.expect("* server: shutting down");
            alice.expect_end();
            carol.expect(&classic_line("server", "shutting down"));
            carol.expect_end();
            let ended = process.ended();
            assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        }
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for program in Program::ADAPTERS {
        let patient = ["--linger-timeout", "10m", "--stall-timeout", "off", "--rate", "off"];
        let (process, text, _) = serve(program, &patient);
        // A reader that takes nothing, so that the server waits for the linger timeout.
        let mut lazy = Client::connect_narrow("lazy", text);
        assert!(lazy.line().starts_with("* welcome"));
        let mut alice = guest("alice", text);
        let line = "x".repeat(4_000);
        for _ in 0..4_000 {
            alice.say(&line);
        }
        alice.expect_nothing_more();
        process.signal(Signal::TERM);
        // This shows that the server has received the first signal.
        alice.expect("* server: shutting down");
        alice.expect_end();
        let since = Instant::now();
        process.signal(Signal::TERM);
        let ended = process.ended();
        assert!(since.elapsed() < Duration::from_secs(2), "it took {:?}", since.elapsed());
        assert!(!ended.status.success(), "it did not end in order: {ended:?}");
    }
}

#[test]
fn a_stopped_server_closes_nobody_when_it_continues() {
    for program in Program::ADAPTERS {
        let (process, text, _) =
            serve(program, &["--idle-timeout", "2s", "--stall-timeout", "1s", "--rate", "off", "--pace", "off"]);
        let mut slow = Client::connect_narrow("slow", text);
        slow.line();
        let mut talker = guest("talker", text);
        let line = "x".repeat(4_000);
        for _ in 0..400 {
            talker.say(&line);
        }
        talker.expect_nothing_more();
        // More than its socket and the system hold. Its peer reads while the server is stopped and cannot notice that.
        process.signal(Signal::STOP);
        let stopped = Instant::now();
        while let Received::Line(_) = slow.receive(Instant::now() + Duration::from_millis(300)) {}
        thread::sleep(Duration::from_millis(2_500).saturating_sub(stopped.elapsed()));
        slow.say("/ping");
        talker.say("/ping");
        process.signal(Signal::CONT);
        talker.expect("* pong");
        while slow.line() != "* pong" {}
    }
}
