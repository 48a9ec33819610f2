//! The contract of `chat-server`: its output, its options, and how it ends. Whatever the adapter decides is checked for
//! chat-std as well, with the program `threads`.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs as _};
use std::path::PathBuf;
use std::process::{self, Command};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use chat_proto::Config;
use chat_tests::conformance::{Client, LOOPBACK, Received, classic_line};
use chat_tests::program::{Process, Program};
use rustix::process::Signal;

const ANY_PORTS: [&str; 4] = ["--listen", "text=127.0.0.1:0", "--listen", "classic=127.0.0.1:0"];

/// Starts a program on ports chosen by the system.
fn serve(program: Program, args: &[&str]) -> (Process, SocketAddr, SocketAddr) {
    let mut process = program.start(&[&ANY_PORTS, args].concat());
    let text = process.listening("text");
    let classic = process.listening("classic");
    (process, text, classic)
}

fn guest(who: &str, addr: SocketAddr) -> Client {
    let mut client = Client::connect(who, addr);
    let welcome = client.line();
    assert!(welcome.starts_with("* welcome"), "{who} is welcomed with {welcome:?}");
    client
}

/// Runs chat-server, which must end by itself.
#[track_caller]
fn run(args: &[&str], status: i32) -> (Vec<String>, String) {
    let ended = Program::ChatServer.start(args).ended();
    assert_eq!(ended.status.code(), Some(status), "{args:?}: {ended:?}");
    (ended.stdout, ended.stderr)
}

#[test]
fn stdout_says_where_it_listens_and_nothing_else() {
    for program in Program::ADAPTERS {
        let (process, text, classic) = serve(program, &["--log", "trace"]);
        let mut alice = guest("alice", text);
        let mut carol = Client::connect("carol", classic);
        carol.say(&classic_line("carol", "hello"));
        alice.expect("* carol joined");
        alice.expect("carol: hello");
        process.signal(Signal::TERM);
        alice.expect("* server: shutting down");
        alice.expect_end();
        let ended = process.ended();
        assert!(ended.status.success(), "{ended:?}");
        assert_eq!(ended.stdout, [""; 0], "nothing else goes to stdout");
        assert!(!ended.stderr.is_empty(), "the log goes to stderr");
    }
}

#[test]
fn a_dialect_can_be_served_on_several_ports() {
    for program in Program::ADAPTERS {
        let mut process = program.start(&["--listen", "text=127.0.0.1:0", "--listen", "text=127.0.0.1:0"]);
        let mut alice = guest("alice", process.listening("text"));
        let mut bob = guest("bob", process.listening("text"));
        bob.say("hello");
        alice.expect("* guest-2 joined");
        alice.expect("guest-2: hello");
    }
}

#[test]
fn without_arguments_it_serves_ports_4000_and_4001() {
    let defaults = ["listening text 127.0.0.1:4000", "listening classic 127.0.0.1:4001"];
    let in_use = [4000, 4001].iter().any(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_err());
    let mut process = Program::ChatServer.start(&[]);
    if in_use {
        // If a port is in use on this machine, the error names the default port.
        let ended = process.ended();
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert!(ended.stderr.contains("127.0.0.1:400"), "{ended:?}");
    } else {
        assert_eq!([process.line(), process.line()], defaults);
    }
}

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
        "--names",
        "--pace",
        "--max-per-address",
        "--connects-per-address",
        "--rate-per-address",
        "--rate",
        "--on-lag",
        "--stall-timeout",
        "--linger-timeout",
        "--idle-timeout",
        "--backlog",
    ] {
        assert!(help.contains(option), "{option} is not in the help:\n{help}");
    }
    for default in ["127.0.0.1:4000", "127.0.0.1:4001", "10000", "4MiB"] {
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
        (&["--listen", "morse=127.0.0.1:0"], &["morse", "text", "classic"]),
        (&["--max-sessions", "many"], &["max-sessions", "many"]),
        (&["--max-sessions", "0"], &["max", "sessions", "0", "1048576"]),
        (&["--max-line", "1"], &["max", "line", "64"]),
        (&["--log-bytes", "4 elephants"], &["log-bytes", "4 elephants", "MiB"]),
        (&["--idle-timeout", "classic=15"], &["idle-timeout", "15s"]),
        (&["--idle-timeout", "morse=15s"], &["morse", "text", "classic"]),
        (&["--rate", "20"], &["rate", "20/s:100", "off"]),
        (&["--on-lag", "shout"], &["on-lag", "shout", "skip", "close"]),
        (&["--log", "chat_proto=loud"], &["log", "loud"]),
        (&["--log", "bogus"], &["bogus", "off, error, warn, info, debug, trace"]),
        (&["--listen", "text=localhost"], &["localhost", "127.0.0.1:4000", "localhost:4000", " :4000"]),
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

/// A file in the system's temporary directory, removed when dropped.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn new(name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = env::temp_dir().join(format!("chat-{}-{name}", process::id()));
        fs::write(&path, text).expect("a file can be written");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("the path is UTF-8")
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn a_configuration_file_sets_options_and_the_command_line_replaces_them() {
    let file = "listen = [\"text=127.0.0.1:0\", \"classic=127.0.0.1:0\"]\nmax-line = 64\nlog = \"off\"\n\
                [idle-timeout]\nclassic = \"200ms\"";
    let file = TemporaryFile::new("good.toml", file);
    let mut process = Program::ChatServer.start(&["--config", file.path(), "--max-line", "65"]);
    let (text, classic) = (process.listening("text"), process.listening("classic"));
    let mut alice = guest("alice", text);
    alice.say(&"x".repeat(66));
    alice.expect("! line too long: 65 bytes at most");
    let mut carol = Client::connect("carol", classic);
    carol.expect(&classic_line("server", "closed: timed out"));
    process.signal(Signal::TERM);
    assert_eq!(process.ended().stderr, "", "the log is off");
    // The same without serving.
    assert_eq!(run(&["--config", file.path(), "--check-config"], 0).0, ["the configuration is valid"]);
}

#[test]
fn the_example_file_is_valid() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../chat-smol/chat.example.toml");
    let (output, errors) = run(&["--config", example, "--check-config"], 0);
    assert_eq!((output, errors.as_str()), (vec!["the configuration is valid".to_owned()], ""));
}

#[test]
fn an_error_in_a_file_is_one_sentence_with_the_line() {
    for (text, mentions) in [
        ("max-line = 64\nmax-sesions = 5", &["line 2", "max-sesions", "did you mean max-sessions?"][..]),
        ("\nmax-line = \"4 elephants\"", &["line 2", "max-line = \"4 elephants\"", "MiB"]),
        ("\n\nmax-sessions = 0", &["line 3", "max-sessions = 0", "1048576"]),
        ("[backlog]\nmorse = 5", &["line 2", "morse", "classic or text"]),
        ("rate = \"5/s\"\nrate = \"6/s\"", &["line 2", "duplicate key"]),
        ("max-line", &["line 1", "expected `=`"]),
        ("names = \"\x1b[2J\"", &["line 1"]),
    ] {
        let file = TemporaryFile::new("bad.toml", text);
        let (output, errors) = run(&["--config", file.path()], 2);
        assert_eq!((output.len(), errors.lines().count()), (0, 1), "{text:?}: {errors}");
        assert!(errors.starts_with("chat-server: ") && errors.contains(file.path()), "{errors}");
        assert!(!errors.trim_end().contains(char::is_control), "{errors:?}");
        for mention in mentions {
            assert!(errors.contains(mention), "{text:?} should mention {mention:?}: {errors}");
        }
    }
    let huge = TemporaryFile::new("huge.toml", "#\n".repeat(1 << 20));
    let rubbish = TemporaryFile::new("rubbish.toml", b"#\n\xff\xfe");
    for (path, mention) in [
        ("/nowhere/chat.toml", "cannot read /nowhere/chat.toml: "),
        ("/", "cannot read /: "),
        (huge.path(), "has more than 1048576 bytes"),
        (rubbish.path(), "line 2: it is not valid UTF-8"),
    ] {
        let (_, errors) = run(&["--config", path, "--check-config"], 2);
        assert!(errors.contains(mention) && errors.lines().count() == 1, "{errors}");
    }
    let empty = TemporaryFile::new("empty.toml", "");
    run(&["--config", empty.path(), "--check-config"], 0);
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
        &["--names", "loose"],
        &["--pace", "off"],
        &["--max-per-address", "off"],
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
        let core = config.memory_bound();
        if rate == "off" {
            config.rate = None;
        }
        let system = sessions * (576 << 10);
        assert_eq!([chat_smol::Server::system_bound(&config), chat_std::Server::system_bound(&config)], [system; 2]);
        let [smol, std] = reads.map(|kib| core + sessions * (kib << 10));
        assert_eq!(chat_smol::Server::memory_bound(&config), smol);
        assert_eq!(chat_std::Server::memory_bound(&config), std);
        assert_eq!(bound(args), smol + system);
    }
}

#[test]
fn an_address_in_use_is_named() {
    let taken = TcpListener::bind(LOOPBACK).expect("a port");
    let addr = taken.local_addr().expect("its address").to_string();
    let listen = format!("classic={addr}");
    let (output, errors) = run(&["--listen", "text=127.0.0.1:0", "--listen", &listen], 1);
    assert!(output.iter().all(|line| line.starts_with("listening text ")), "{output:?}");
    assert!(errors.contains(&addr) && errors.contains("in use"), "{errors}");
    assert_eq!(errors.lines().count(), 1, "it is said once: {errors}");
    // The port is in use on one of the machine's addresses.
    let listen = format!("text=:{}", taken.local_addr().expect("its address").port());
    let (_, errors) = run(&["--listen", &listen], 1);
    assert!(errors.contains("0.0.0.0:") && errors.contains("in use"), "{errors}");
    assert_eq!(errors.lines().count(), 1, "it is said once: {errors}");
}

#[test]
fn a_name_and_a_bare_port_are_served_on_each_of_their_addresses() {
    let has_ipv6 = |ip: Ipv6Addr| TcpListener::bind((ip, 0)).is_ok();
    let mut process = Program::ChatServer.start(&["--listen", "text=localhost:0", "--listen", "classic=:0"]);
    let local: HashSet<IpAddr> =
        ("localhost", 0).to_socket_addrs().expect("a name of every machine").map(|addr| addr.ip()).collect();
    let mut people = Vec::new();
    for ip in local.iter().filter(|ip| ip.is_ipv4() || has_ipv6(Ipv6Addr::LOCALHOST)) {
        let addr = process.listening("text");
        assert!(local.contains(&addr.ip()) && addr.port() != 0, "{addr}");
        people.push(guest(&format!("somebody at {ip}"), addr));
    }
    let addr = process.listening("classic");
    assert_eq!(addr.ip(), Ipv4Addr::UNSPECIFIED);
    let mut carol = Client::connect("carol", SocketAddr::from((Ipv4Addr::LOCALHOST, addr.port())));
    carol.say(&classic_line("carol", "hello"));
    people[0].expect("* carol joined");
    people[0].expect("carol: hello");
    if has_ipv6(Ipv6Addr::UNSPECIFIED) {
        let addr = process.listening("classic");
        assert_eq!(addr.ip(), Ipv6Addr::UNSPECIFIED);
        if has_ipv6(Ipv6Addr::LOCALHOST) {
            let mut dave = Client::connect("dave", SocketAddr::from((Ipv6Addr::LOCALHOST, addr.port())));
            dave.say(&classic_line("dave", "hello"));
            people[0].expect("* dave joined");
            carol.expect(&classic_line("dave", "hello"));
        }
    }
    process.signal(Signal::TERM);
    let ended = process.ended();
    assert_eq!(ended.stdout, [""; 0], "a line for each address");
    assert!(ended.status.success(), "{ended:?}");
}

#[test]
fn a_bare_port_is_the_same_for_both_families() {
    // A port outside the ephemeral range, so that the system gives it to no other test.
    let mut ports = (0..1_000).map(|n| 20_000 + (process::id() as u16).wrapping_add(n) % 10_000);
    let port = ports.find(|port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).is_ok()).expect("a free port");
    let mut process = Program::ChatServer.start(&["--listen", &format!("text=:{port}")]);
    assert_eq!(process.listening("text"), SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
    if TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok() {
        assert_eq!(process.listening("text"), SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)));
    }
    drop(guest("alice", SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
    process.signal(Signal::TERM);
    assert!(process.ended().status.success());
}

#[test]
fn an_unknown_host_name_is_an_error() {
    // Names below `invalid` are never assigned (RFC 2606).
    let (output, errors) = run(&["--listen", "text=nobody.invalid:0"], 1);
    assert_eq!(output, [""; 0]);
    assert!(errors.contains("cannot listen on nobody.invalid:0 for text: no such name"), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
}

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
fn log_lines(log: &str) -> Vec<&str> {
    let strip = |line: &'_ str| -> Option<usize> {
        let (time, _) = line.split_once(' ')?;
        let is_time = time.len() == "2026-11-26T00:00:00.000000Z".len() && time.ends_with('Z');
        is_time.then_some(time.len() + 1)
    };
    log.lines().map(|line| &line[strip(line).unwrap_or_else(|| panic!("no line of the log: {line:?}"))..]).collect()
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
            ": left session=0.0 name=\"alice\" reason=server shutting down after=",
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

/// Starts chat-server from a shell that has set limits of its own.
fn under_limit(limit: &str, args: &str) -> Process {
    let mut shell = Command::new("sh");
    let path = Program::ChatServer.path().display();
    shell.args(["-c", &format!("ulimit {limit} && exec '{path}' --listen text=127.0.0.1:0 {args}")]);
    Process::start(shell)
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
fn too_few_descriptors_are_logged_at_start() {
    let mut process = under_limit("-n 64", "--max-sessions 200");
    let text = process.listening("text");
    drop(guest("alice", text));
    process.signal(Signal::TERM);
    let ended = process.ended();
    assert!(ended.status.success(), "{ended:?}");
    for mention in ["200", "64"] {
        assert!(ended.stderr.contains(mention), "{mention} is not mentioned: {ended:?}");
    }
}
