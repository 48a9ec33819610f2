//! A log that nobody reads in time.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use chat_tests::program::Program;
use rustix::process::Signal;

use super::log::log_lines;
use super::{ANY_PORTS, guest};

#[test]
fn an_unread_log_does_not_block_the_server() {
    let mut process =
        Program::ChatServer.start_unread(&[&ANY_PORTS, &["--log", "trace", "--backlog", "0"][..]].concat());
    let text = process.listening("text");
    // More lines than the pipe and the queue hold.
    fill_log(text, 4_000);
    let (mut alice, mut bob) = (guest("alice", text), guest("bob", text));
    alice.say("/name alice");
    while alice.line() != "* you are now alice" {}
    alice.say("hello");
    while bob.line() != "alice: hello" {}
    let since = Instant::now();
    process.signal(Signal::TERM);
    while alice.line() != "* server: shutting down" {}
    alice.expect_end();
    while bob.line() != "* server: shutting down" {}
    bob.expect_end();
    let ended = process.ended();
    assert!(since.elapsed() < Duration::from_secs(5), "it took {:?}", since.elapsed());
    assert_eq!(ended.status.code(), Some(0), "{:?}", ended.status);
    assert!(ended.stdout.iter().all(|line| line.starts_with("listening ")), "{:?}", ended.stdout);
}

#[test]
fn dropped_log_lines_are_counted_in_the_log() {
    const CLIENTS: usize = 4_000;
    let mut process = Program::ChatServer.start_unread(&[&ANY_PORTS, &["--backlog", "0"][..]].concat());
    let text = process.listening("text");
    fill_log(text, CLIENTS);
    process.read_errors();
    drop(guest("alice", text));
    process.signal(Signal::TERM);
    let ended = process.ended();
    let mut told = ended.stderr.lines().filter_map(|line| line.split_once(" lost=")).map(|(_, lost)| lost);
    let lost: usize =
        told.next_back().and_then(|lost| lost.parse().ok()).expect("the log says how many lines it dropped");
    let there = log_lines(&ended.stderr).iter().filter(|line| !line.contains(" lost=")).count();
    // Three lines for each client, and some for the start, for alice and for the end.
    let all = there + lost;
    assert!(lost > 1_000 && (3 * CLIENTS..3 * CLIENTS + 20).contains(&all), "{there} are there, {lost} are lost");
}

/// Lets many clients with different names come and go, until the log's queue is full.
fn fill_log(text: SocketAddr, clients: usize) {
    for n in 0..clients {
        let mut client = guest(&format!("client {n}"), text);
        client.say(&format!("/name passer-by-{n}"));
        client.say("/quit");
        // It is also told of others that join and leave as fast.
        while client.line() != format!("* you are now passer-by-{n}") {}
        while client.line() != "* bye" {}
    }
}
