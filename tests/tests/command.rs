//! The conformance suite on a server that is a program, and the fate of a server that hangs.

use std::env;
use std::net::TcpListener;
use std::panic::catch_unwind;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use chat_proto::Config;
use chat_tests::conformance::{Adapter, ServerProgram, isolation, new_socket};
use chat_tests::program::Program;
use socket2::SockAddr;

/// chat-smol's program, with the limits of a case.
fn chat_server(config: &Config, dialects: &[&'static str]) -> Command {
    let mut command = Command::new(Program::ChatServer.path());
    command.args(["--rate=off", "--idle-timeout=off", "--stall-timeout=off", "--log=off"]);
    command.arg(format!("--max-sessions={}", config.max_sessions));
    if config.dialects.iter().all(|dialect| dialect.backlog == 0) {
        command.arg("--backlog=0");
    }
    for dialect in dialects {
        command.arg(format!("--listen={dialect}=127.0.0.1:0"));
    }
    command
}

chat_tests::conformance_of_program!(&ServerProgram(chat_server));

/// Set in the process that acts as the fake server.
const FAKE: &str = "CHAT_TESTS_FAKE_SERVER";

/// A server that accepts connections and never answers: this test program, started again.
fn fake(_config: &Config, dialects: &[&'static str]) -> Command {
    let mut command = Command::new(env::current_exe().expect("a test knows its own file"));
    command.args(["the_fake_server", "--exact", "--nocapture"]).env(FAKE, dialects.join(","));
    command
}

#[test]
fn the_fake_server() {
    let Ok(dialects) = env::var(FAKE) else { return };
    let listeners: Vec<_> = dialects.split(',').map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    println!();
    for (dialect, listener) in dialects.split(',').zip(&listeners) {
        println!("listening {dialect} {}", listener.local_addr().expect("its address"));
    }
    let held: Vec<_> = listeners[0].incoming().collect();
    drop(held);
}

#[test]
fn a_server_that_hangs_fails_the_case() {
    let case = || chat_tests::conformance::scripts::names(&ServerProgram(fake));
    let panic = catch_unwind(|| isolation::within(Duration::from_secs(2), "names", case));
    let panic = panic.expect_err("the server never answers");
    let words = panic.downcast_ref::<String>().expect("words");
    assert!(words.starts_with("names was not over after 2s and was given up: the server hangs"), "{words}");
}

#[test]
fn a_server_that_hangs_is_killed() {
    static ADDR: OnceLock<SockAddr> = OnceLock::new();
    let case = || {
        let server = ServerProgram(fake).start(Config::default(), &["text"]).expect("it listens");
        let addr = ADDR.get_or_init(|| server.addr("text"));
        new_socket(addr).connect(addr).expect("it accepts");
        let _alice = server.guest("alice");
    };
    catch_unwind(|| isolation::within(Duration::from_secs(2), "a case", case)).expect_err("it never answers");
    let addr = ADDR.get().expect("it was started in time");
    assert!(new_socket(addr).connect(addr).is_err(), "its listener is gone with it");
}
