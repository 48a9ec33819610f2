//! The options: how they are explained, that wrong ones are answered, and that right ones take effect.

use std::process::Command;

use chat_proto::dialect::Irc;
use chat_proto::driver::system_bound;
use chat_proto::{Config, DialectConfig};
use chat_tests::conformance::{Client, classic_line};
use chat_tests::program::Program;
use rustix::process::Signal;

use super::{guest, run, serve};

#[test]
fn help_is_written_for_a_person() {
    let (help, errors) = run(&["--help"], 0);
    assert_eq!(errors, "");
    let help = help.join("\n");
    for option in [
        "--listen",
        "--log ",
        "--log-format",
        "--print-memory-bound",
        "--version",
        "--help",
        "--max-sessions",
        "--max-line",
        "--max-name",
        "--log-bytes",
        "--log-entries",
        "--reply-bytes",
        "--journal-records",
        "--history",
        "--history-bytes",
        "--max-rooms ",
        "--max-rooms-per-session",
        "--new-rooms <true|false>",
        "--room-log-bytes",
        "--room-log-entries",
        "--room-history ",
        "--room-history-bytes",
        "--names",
        "--pace",
        "--max-per-address",
        "--max-rooms-per-address",
        "--connects-per-address",
        "--rate-per-address",
        "--rate",
        "--on-lag",
        "--stall-timeout",
        "--linger-timeout",
        "--idle-timeout",
        "--backlog",
        "--irc-server-name",
        "--irc-network",
        "--irc-motd",
        "--tls-certificate",
        "--tls-key",
        "self-signed",
    ] {
        assert!(help.contains(option), "{option} is not in the help:\n{help}");
    }
    for default in
        ["127.0.0.1:4000", "127.0.0.1:4001", "127.0.0.1:6667", "127.0.0.1:8080", "irc.localhost", "10000", "4MiB"]
    {
        assert!(help.contains(default), "{default} is not in the help:\n{help}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 100), "a line is too long:\n{help}");
}

#[test]
fn the_version_is_one_line() {
    let (version, errors) = run(&["--version"], 0);
    assert_eq!(version, [format!("chat-server {}", env!("CARGO_PKG_VERSION"))]);
    assert_eq!(errors, "");
}

#[test]
fn a_bad_option_is_answered_with_what_would_be_right() {
    // The arguments, and what the message must mention.
    for (args, mentions) in [
        (&["--nonsense"][..], &["--nonsense", "--help"][..]),
        (&["stray"], &["stray"]),
        (&["--listen"], &["--listen"]),
        (&["--listen", "text"], &["--listen", "text", "127.0.0.1:"]),
        (&["--listen", "text=nowhere"], &["nowhere", "127.0.0.1:"]),
        (
            &["--listen", "morse=127.0.0.1:0"],
            &["morse", "classic, text, irc, one of these with +ws, or web, and each may have +tls"],
        ),
        (&["--max-sessions", "many"], &["max-sessions", "many"]),
        (&["--max-sessions", "0"], &["max", "sessions", "0", "1048576"]),
        (&["--max-line", "1"], &["max", "line", "64"]),
        (&["--log-bytes", "4 elephants"], &["log-bytes", "4 elephants", "MiB"]),
        (&["--idle-timeout", "classic=15"], &["idle-timeout", "15s"]),
        (&["--idle-timeout", "morse=15s"], &["morse", "classic, text or irc"]),
        (&["--rate", "20"], &["rate", "20/s:100", "off"]),
        (&["--on-lag", "shout"], &["on-lag", "shout", "skip", "close"]),
        (&["--new-rooms", "no"], &["new-rooms", "no", "true, false"]),
        (&["--max-rooms-per-address", "0"], &["--max-rooms-per-address 0", "1 to 65536"]),
        (&["--max-rooms", "0"], &["--max-rooms 0", "1 to 65536"]),
        (&["--log", "chat_proto=loud"], &["log", "loud"]),
        (&["--log", "bogus"], &["bogus", "off, error, warn, info, debug, trace"]),
        (&["--listen", "text=localhost"], &["localhost", "127.0.0.1:4000", "localhost:4000", " :4000"]),
        (&["--irc-server-name", "a b"], &["--irc-server-name", "a b", "letters, digits"]),
        (&["--irc-network", "a b"], &["--irc-network", "a b", "letters, digits"]),
        (&["--irc-motd", "/nowhere/motd"], &["--irc-motd /nowhere/motd: it cannot be read"]),
        (&["--log-format", "xml"], &["log-format", "xml", "text", "json"]),
        (&["--print-memory-bound", "--max-name", "0"], &["max", "name", "0", "255"]),
    ] {
        let (output, errors) = run(args, 2);
        assert_eq!(output, [""; 0], "{args:?}");
        for mention in mentions {
            assert!(errors.contains(mention), "{args:?} should mention {mention:?}: {errors}");
        }
        assert!(!errors.contains("panicked"), "{args:?}: {errors}");
    }
}

#[test]
fn completions_and_the_manual_page_have_every_option() {
    let (help, _) = run(&["--help"], 0);
    let options = help.iter().filter_map(|line| line.trim_start().strip_prefix("--"));
    let options: Vec<&str> = options.filter_map(|line| line.split([' ', '[']).next()).collect();
    assert!(options.len() > 20, "{options:?}");
    for args in [&["completions", "bash"][..], &["completions", "zsh"], &["completions", "fish"], &["man"]] {
        let (text, errors) = run(args, 0);
        assert_eq!(errors, "");
        // The page escapes hyphens.
        let text = text.join("\n").replace("\\-", "-");
        for option in &options {
            assert!(text.contains(option), "{option} is not in {args:?}");
        }
    }
}

#[test]
fn bash_completes_options_values_and_subcommands() {
    let (script, _) = run(&["completions", "bash"], 0);
    // What bash itself sets before it calls the function, with the last word as the one to complete.
    let complete = r#"
        eval "$SCRIPT"
        function=$(complete -p chat-server | grep -o -- '-F [^ ]*' | cut -c 4-)
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        "$function" chat-server "${*: -1}" "${*: -2:1}"
        echo "${COMPREPLY[*]}"
    "#;
    for (words, completed) in [
        (&["--max-s"][..], "--max-sessions"),
        (&["comp"], "completions"),
        (&["--on-lag", ""], "skip close"),
        (&["--log-format", "j"], "json"),
        (&["completions", ""], "bash elvish fish powershell zsh"),
        (&["--check-config", "--conf"], "--config"),
    ] {
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", complete, "bash", "chat-server"]).args(words).env("SCRIPT", script.join("\n"));
        let output = bash.output().expect("bash runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), completed, "{words:?}: {errors}");
    }
}

#[test]
fn the_manual_page_has_the_sections_of_a_manual_page() {
    let (page, _) = run(&["man"], 0);
    let sections: Vec<&str> = page.iter().filter_map(|line| line.strip_prefix(".SH ")).collect();
    let begin = ["NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "WHERE"];
    assert_eq!(sections[..begin.len()], begin);
    assert!(sections.ends_with(&["NOTES", "EXAMPLES", "\"EXIT STATUS\""]), "{sections:?}");
    let page = page.join("\n");
    assert!(page.contains("\n.TP\n\\fBcompletions\\fR SHELL\n"), "{page}");
    assert!(page.contains(".SH EXAMPLES\n.nf\nchat\\-server\n"), "{page}");
}

#[test]
fn every_limit_has_its_option() {
    for args in [
        &["--max-sessions", "100"][..],
        &["--max-line=512"],
        &["--max-name", "16"],
        &["--log-bytes", "1MiB"],
        &["--log-entries", "1000"],
        &["--reply-bytes", "64KiB"],
        &["--journal-records", "100"],
        &["--history", "1000"],
        &["--history-bytes", "64KiB"],
        &["--max-rooms", "1"],
        &["--max-rooms", "10000"],
        &["--max-rooms-per-session", "256"],
        &["--new-rooms", "false"],
        &["--room-log-bytes", "1MiB"],
        &["--room-log-entries", "100"],
        &["--room-history", "0"],
        &["--room-history-bytes", "1MiB"],
        &["--names", "loose"],
        &["--pace", "off"],
        &["--max-per-address", "off"],
        &["--max-rooms-per-address", "off"],
        &["--connects-per-address", "5/s:10"],
        &["--rate-per-address", "off"],
        &["--rate", "5/s:10"],
        &["--rate", "off"],
        &["--on-lag", "skip"],
        &["--on-lag", "close"],
        &["--stall-timeout", "off"],
        &["--stall-timeout", "10s"],
        &["--linger-timeout", "500ms"],
        &["--idle-timeout", "text=10m"],
        &["--idle-timeout", "classic=15s", "--idle-timeout", "text=off"],
        &["--idle-timeout", "off"],
        &["--backlog", "5"],
        &["--backlog", "classic=20"],
    ] {
        let (bound, errors) = run(&[args, &["--print-memory-bound=bytes"]].concat(), 0);
        let [bound] = &bound[..] else { panic!("{args:?} print {bound:?}") };
        assert!(bound.parse::<usize>().is_ok_and(|bound| bound > 0), "{args:?} print {bound:?}");
        assert_eq!(errors, "", "{args:?}");
    }
}

#[test]
fn options_take_effect() {
    for program in Program::ADAPTERS {
        let limits = ["--max-sessions", "2", "--max-line", "64", "--idle-timeout", "classic=200ms", "--backlog", "1"];
        let (_process, text, classic) = serve(program, &limits);
        let mut alice = guest("alice", text);
        alice.say("/ping");
        alice.expect("* pong");
        alice.say(&"x".repeat(65));
        alice.expect("! line too long: 64 bytes at most");
        let mut carol = Client::connect("carol", classic);
        carol.expect(&classic_line("server", "closed: timed out"));
        carol.expect_end();
        alice.say("one");
        alice.say("two");
        alice.expect_nothing_more();
        let mut bob = guest("bob", text);
        bob.expect("* the latest messages:");
        bob.expect("guest-1: two");
        bob.expect("* those were the latest messages; what follows is live");
        let mut dave = Client::connect("dave", text);
        dave.expect("! the server is full, try again later");
        dave.expect_end();
    }
}

#[test]
fn the_printed_memory_bound_includes_untaken_input_and_socket_buffers() {
    let bound = |args: &[&str]| {
        let (lines, errors) = run(&[&["--print-memory-bound=bytes"], args].concat(), 0);
        assert_eq!(errors, "");
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines[0].parse::<usize>().expect("a number of bytes")
    };
    // Without a rate, reads are larger.
    for (sessions, rate, args, reads) in [
        (10_000, "", &[][..], [8, 8]),
        (20_000, "", &["--max-sessions", "20000"], [8, 8]),
        (10_000, "off", &["--rate", "off"], [64, 32]),
    ] {
        let mut config = Config { max_sessions: sessions, ..Config::default() };
        config.dialects.push(DialectConfig::new(Irc::default()));
        let core = config.memory_bound();
        if rate == "off" {
            config.rate = None;
        }
        let system = sessions * (576 << 10);
        assert_eq!(system_bound(&config), system);
        let [smol, std] = reads.map(|kib| core + sessions * (kib << 10));
        assert_eq!(chat_smol::Server::memory_bound(&config), smol);
        assert_eq!(chat_std::Server::memory_bound(&config), std);
        assert_eq!(bound(args), smol + system);
    }
}

#[test]
fn the_example_of_chat_std_serves_with_its_options() {
    let args = ["--max-sessions", "2", "--rate", "off", "--pace", "off", "--idle-timeout", "classic=200ms"];
    let (process, text, classic) = serve(Program::StdExample, &args);
    let mut alice = guest("alice", text);
    let mut carol = Client::connect("carol", classic);
    carol.expect(&classic_line("server", "closed: timed out"));
    process.signal(Signal::TERM);
    alice.expect("* server: shutting down");
    alice.expect_end();
    assert!(process.ended().status.success());
    for args in [["--rate", "20"], ["--idle-timeout", "5m"], ["--listen", "text"]] {
        let ended = Program::StdExample.start(&args).ended();
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    }
}
