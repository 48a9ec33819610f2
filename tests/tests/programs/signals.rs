//! What signals do.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use chat_tests::conformance::{Client, Received, classic_line, eventually};
use chat_tests::program::{Process, Program};
use rustix::process::Signal;

use super::{guest, serve};

#[test]
fn signals_shut_it_down_in_order() {
    for program in Program::ADAPTERS {
        let hangup = (program == Program::ChatServer).then_some(Signal::HUP);
        for signal in [Signal::TERM, Signal::INT].into_iter().chain(hangup) {
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

/// Starts a program that shuts down for a long time, because a reader that takes nothing has still something to read.
fn shutting_down(program: Program) -> (Process, Client) {
    let patient = ["--linger-timeout", "10m", "--stall-timeout", "off", "--rate", "off"];
    let (process, text, _) = serve(program, &patient);
    let mut lazy = Client::connect_narrow("lazy", text);
    assert!(lazy.line().starts_with("* welcome"));
    let mut alice = guest("alice", text);
    let line = "x".repeat(4_000);
    for _ in 0..4_000 {
        alice.say(&line);
    }
    alice.expect_nothing_more();
    process.signal(Signal::TERM);
    // This shows that the server has received the signal.
    alice.expect("* server: shutting down");
    alice.expect_end();
    (process, lazy)
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for program in Program::ADAPTERS {
        let (process, _lazy) = shutting_down(program);
        let since = Instant::now();
        process.signal(Signal::TERM);
        let ended = process.ended();
        assert!(since.elapsed() < Duration::from_secs(2), "it took {:?}", since.elapsed());
        assert!(!ended.status.success(), "it did not end in order: {ended:?}");
    }
}

/// Sends SIGHUP, and waits until it is delivered: of two signals at once, either may come first.
fn hang_up(process: &Process) {
    process.signal(Signal::HUP);
    let id = process.id().try_into().expect("a process id");
    eventually("the signal to be delivered", || {
        let status = procfs::process::Process::new(id).and_then(|process| process.status());
        let pending = status.map_or(0, |status| status.shdpnd);
        if pending == 0 { Ok(()) } else { Err(format!("{pending:#x} is pending")) }
    });
}

#[test]
fn a_hangup_during_the_shutdown_changes_nothing() {
    let (process, _lazy) = shutting_down(Program::ChatServer);
    hang_up(&process);
    process.signal(Signal::TERM);
    let ended = process.ended();
    assert_eq!(ended.status.code(), Some(128 + Signal::TERM.as_raw()), "{ended:?}");
}

#[test]
fn a_hangup_is_ignored_if_it_was_before_the_start() {
    let mut shell = Command::new("sh");
    let path = Program::ChatServer.path().display();
    shell.args(["-c", &format!("trap '' HUP && exec '{path}' --listen text=127.0.0.1:0")]);
    let mut process = Process::start(shell);
    // Until she closes her end, the server waits for a second: time for the log.
    let _alice = guest("alice", process.listening("text"));
    hang_up(&process);
    process.signal(Signal::TERM);
    let ended = process.ended();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(ended.stderr.contains(" signal=15") && !ended.stderr.contains(" signal=1\n"), "{ended:?}");
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
