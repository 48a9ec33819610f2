//! What the system does not permit: memory and descriptors.

use std::process::Command;

use chat_tests::conformance::Client;
use chat_tests::program::{Process, Program};
use rustix::process::Signal;

use super::guest;

#[test]
fn memory_refused_at_start_is_reported_in_a_sentence() {
    for limits in ["--log-bytes 1GiB", "--max-sessions 1048576 --log-entries 1000"] {
        let ended = under_limit("-v 200000", limits).ended();
        assert_eq!(ended.status.code(), Some(1), "{limits}: {ended:?}");
        assert_eq!(ended.stdout, [""; 0]);
        assert!(ended.stderr.contains(": cannot have ") && ended.stderr.contains(" bytes of memory"), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    }
    let mut process = under_limit("-v 200000", "");
    drop(guest("alice", process.listening("text")));
}

#[test]
fn the_soft_limit_of_descriptors_is_raised_to_what_is_needed() {
    let mut process = under_limit("-S -n 64", "--max-sessions 200");
    let text = process.listening("text");
    let _people: Vec<Client> = (0..200).map(|n| guest(&format!("client {n}"), text)).collect();
    process.signal(Signal::TERM);
    let ended = process.ended();
    assert!(ended.status.success(), "{ended:?}");
}

#[test]
fn with_too_few_descriptors_it_has_as_many_sessions_as_its_warning_says() {
    let mut process = under_limit("-n 64", "--max-sessions 200");
    let text = process.listening("text");
    let mut people = Vec::new();
    let mut refused = 0;
    // More than there are descriptors.
    for n in 0..100 {
        let mut client = Client::connect(&format!("client {n}"), text);
        match client.line().as_str() {
            "! the server is full, try again later" => refused += 1,
            welcome => {
                assert!(welcome.starts_with("* welcome") && refused == 0, "{welcome} after {refused} were refused");
                people.push(client);
            }
        }
    }
    process.signal(Signal::TERM);
    let ended = process.ended();
    assert!(ended.status.success(), "{ended:?}");
    let warning = format!("the limit of 64 open descriptors leaves room for {} of --max-sessions 200:", 100 - refused);
    assert!(ended.stderr.contains(&warning), "{warning:?} is not there: {ended:?}");
}

/// Starts chat-server from a shell that has set limits of its own.
fn under_limit(limit: &str, args: &str) -> Process {
    let mut shell = Command::new("sh");
    let path = Program::ChatServer.path().display();
    shell.args(["-c", &format!("ulimit {limit} && exec '{path}' --listen text=127.0.0.1:0 {args}")]);
    Process::start(shell)
}
