//! The README is true: its conversations, commands, links and versions. (This package's doc tests run its code.)

use std::fs;
use std::path::{Path, PathBuf};

use chat_tests::conformance::Client;
use chat_tests::conformance::script::{Stage, Typing};
use chat_tests::program::{Process, Program};
use rustix::process::Signal;

/// How the README starts the server; the test starts the same program, but on free ports.
const RUN: &str = "cargo run --release -p chat-smol";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above its package").to_path_buf()
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("there is a README")
}

/// Returns the blocks that are fenced as `language`.
fn blocks<'a>(readme: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    let blocks: Vec<&str> =
        readme.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect();
    assert!(!blocks.is_empty(), "no block is fenced as {language}");
    blocks
}

#[test]
fn the_conversations_happen_as_written() {
    let readme = readme();
    let conversations = blocks(&readme, "text").into_iter().filter(|block| block.starts_with("server $ "));
    assert_eq!(conversations.map(play).count(), 2, "one of the lobby, one of rooms");
}

/// Plays a conversation, from the server's start to its end.
fn play(conversation: &str) {
    assert!(conversation.trim_end().ends_with("\nserver $"), "it ends with the server's end");

    let (first, rest) = conversation.split_once('\n').expect("it has more than a line");
    let options = first.strip_prefix("server $ ").and_then(|command| command.strip_prefix(RUN));
    let options = options.unwrap_or_else(|| panic!("the server is not started by {RUN}: {first}"));
    let mut args = vec!["--listen", "text=127.0.0.1:0", "--listen", "classic=127.0.0.1:0"];
    args.extend(["--listen", "irc=127.0.0.1:0", "--listen", "web=127.0.0.1:0"]);
    args.extend(options.strip_prefix(" -- ").unwrap_or_default().split_whitespace());
    let mut server: Option<Process> = Some(Program::ChatServer.start(&args));

    let mut stage: Option<Stage<'_>> = None;
    let mut addrs = Vec::new();
    for (number, line) in (2..).zip(rest.lines()) {
        let running = server.as_mut().unwrap_or_else(|| panic!("the server has ended before line {number}: {line}"));
        match line.strip_prefix("server ") {
            Some("^C") => running.signal(Signal::INT),
            Some("$") => {
                let ended = server.take().expect("it has not ended twice").ended();
                assert!(ended.status.success(), "{ended:?}");
                assert_eq!(ended.stdout, [""; 0], "the server prints more than the README shows");
            }
            Some(said) => {
                let said = said.strip_prefix("< listening ").and_then(|said| said.split_once(" 127.0.0.1:"));
                let (dialect, port) = said.unwrap_or_else(|| panic!("the server does not print such a line: {line}"));
                addrs.push((port.parse().unwrap_or(0), running.listening(dialect)));
            }
            None => {
                let addrs = addrs.clone();
                let dial = move |port: u16| {
                    let addr = addrs.iter().find(|(its, _)| *its == port);
                    addr.unwrap_or_else(|| panic!("the server does not listen on port {port}")).1
                };
                stage.get_or_insert_with(|| Stage::new("README.md", Typing::Lines, dial)).play_line(number, line);
            }
        }
    }
    assert!(server.is_none(), "the conversation does not end with the server");
    let left = stage.expect("people talked").into_cast();
    assert_eq!(left.iter().map(Client::who).collect::<Vec<_>>(), [""; 0], "somebody is still connected");
}

#[test]
fn the_ports_are_the_defaults() {
    let readme = readme();
    for default in [
        "listening text 127.0.0.1:4000",
        "listening classic 127.0.0.1:4001",
        "listening irc 127.0.0.1:6667",
        "listening web 127.0.0.1:8080",
    ] {
        assert!(readme.contains(default), "{default}");
    }
}

#[test]
fn the_two_commands_are_those_that_ci_runs() {
    let readme = readme();
    let commands: Vec<&str> =
        blocks(&readme, "console")[0].lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    let [run, test] = commands[..] else { panic!("two commands come first, not {commands:?}") };
    assert_eq!(run, RUN);
    assert_eq!(test, "cargo test --workspace");
    let ci = fs::read_to_string(root().join(".ci/run")).expect("there is a .ci/run");
    assert!(ci.contains("README.md"), "CI takes the test command from the README");
}

#[test]
fn every_path_exists() {
    let readme = readme();
    let targets = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let mut count = 0;
    for target in targets.filter(|target| !target.contains("://")) {
        assert!(root().join(target).exists(), "{target} is linked and not there");
        count += 1;
    }
    assert!(count >= 8, "only {count} links were found");
}

#[test]
fn the_stated_rust_version_is_the_workspaces() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("there is a manifest");
    let version = manifest.split("rust-version = \"").nth(1).and_then(|rest| rest.split('"').next());
    let version = version.expect("the workspace states a rust-version");
    assert!(readme().contains(&format!("Rust {version} or newer")), "the README does not ask for Rust {version}");
}
