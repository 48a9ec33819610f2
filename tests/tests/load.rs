//! The load tool on real servers: its reports are true.

#![cfg(target_os = "linux")]

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::num::{NonZeroU32, NonZeroUsize};
use std::ops::ControlFlow;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{io, process};

use chat_proto::dialect::Irc;
use chat_proto::http::Site;
use chat_proto::{Config, DialectConfig, Rate};
use chat_smol::{Handle, Server};
use chat_tests::load::{Comparison, Invocation, LoadError, Report, RunId, Tally, compare, parse, run};

/// A server that runs until it is dropped.
struct Running {
    handle: Handle,
    /// `--connect` for text and classic.
    connect: String,
    /// `--connect` for irc.
    irc: String,
    /// `--connect` for each of them over WebSocket.
    over_websocket: String,
    thread: Option<JoinHandle<io::Result<()>>>,
}

fn serve(config: Config) -> Running {
    serve_in(DialectConfig::new(Irc::default()), config)
}

/// Serves `irc` with these limits, besides what the configuration has.
fn serve_in(irc: DialectConfig, mut config: Config) -> Running {
    config.dialects.push(irc);
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut server = Server::new(config).expect("a configuration that is right");
    let text = server.listen("text", local).expect("a port");
    let classic = server.listen("classic", local).expect("a port");
    let irc = format!("--connect irc={}", server.listen("irc", local).expect("a port"));
    let over_websocket = ["text", "classic", "irc"].map(|dialect| {
        let addr = server.listen(dialect, local).expect("a port");
        server.serve_site(Site::new().upgrade(Some("/ws"), &[]));
        format!("--connect {dialect}+ws={addr}")
    });
    let over_websocket = over_websocket.join(" ");
    let handle = server.handle();
    let thread = thread::spawn(|| server.run_on_threads(NonZeroUsize::MIN));
    let connect = format!("--connect text={text} --connect classic={classic}");
    Running { handle, connect, irc, over_websocket, thread: Some(thread) }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.shut_down();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server does not panic").expect("the server ends in order");
        }
    }
}

fn load(connect: &str, options: &str) -> Result<Report, LoadError> {
    let args = format!("{connect} --quiet {options}");
    let Ok(Invocation::Run(options)) = parse(["load"].into_iter().chain(args.split_whitespace())) else {
        panic!("{args}")
    };
    run(&options, RunId::new(0x5eed), &mut |_| ControlFlow::Continue(()))
}

fn unlimited() -> Config {
    Config { rate: None, ..Config::default() }
}

#[test]
fn a_closed_loop_in_both_dialects_is_clean() {
    let server = serve(unlimited());
    let options = format!(
        "--readers 20 --senders 4 --idle 6 --window 64 --size 30..300 --warmup 100ms --duration 500ms --pid {}",
        process::id()
    );
    let report = load(&server.connect, &options).expect("a report");
    assert!(report.is_clean(), "{report}");
    assert!(report.deliveries() > 1_000, "{report}");
    let json = report.json();
    assert_eq!(
        (&json["clean"], &json["checks"]["lost"], &json["connect"]["opened"]),
        (&true.into(), &0.into(), &30.into())
    );
    assert!(json["server"]["cpu_seconds_per_million"].is_f64() && json["latency_ns"]["p99"].is_u64(), "{json}");
}

#[test]
fn sessions_of_irc_register_and_join_before_anything_is_measured() {
    let server = serve(unlimited());
    let options = "--readers 20 --senders 4 --idle 6 --window 64 --size 30..400 --warmup 100ms --duration 500ms";
    let report = load(&server.irc, options).expect("a report");
    assert!(report.is_clean(), "{report}");
    assert!(report.deliveries() > 1_000 && report.told.is_empty(), "{report}");
    assert_eq!(report.json()["connect"]["unreached"], 0);
}

#[test]
fn one_server_is_loaded_in_all_dialects_at_once() {
    let server = serve(unlimited());
    let connect = format!("{} {}", server.connect, server.irc);
    let report = load(&connect, "--readers 30 --senders 6 --window 64 --size 30..300 --warmup 100ms --duration 500ms");
    let report = report.expect("a report");
    assert!(report.is_clean() && report.deliveries() > 1_000, "{report}");
}

#[test]
fn messages_over_websocket_are_counted_exactly() {
    let server = serve(unlimited());
    let options = "--readers 30 --senders 6 --idle 6 --window 64 --size 30..400 --warmup 100ms --duration 500ms";
    let report = load(&server.over_websocket, options).expect("a report");
    assert!(report.is_clean() && report.told.is_empty(), "{report}");
    assert!(report.deliveries() > 1_000, "{report}");
    // Another server: the backlog of the first would tell of another run.
    let server = serve(unlimited());
    let both = format!("{} {}", server.irc, server.over_websocket);
    let report = load(&both, options).expect("a report");
    assert!(report.is_clean() && report.deliveries() > 1_000, "{report}");
}

#[test]
fn a_full_server_tells_those_it_refuses_over_websocket() {
    let server = serve(Config { max_sessions: 8, ..unlimited() });
    let options = "--readers 12 --senders 0 --warmup 0s --duration 100ms";
    let report = load(&server.over_websocket, options).expect("a report");
    assert_eq!(report.ended.get("the server is full, try again later"), Some(&4), "{report}");
}

#[test]
fn an_open_loop_keeps_to_its_rate() {
    let server = serve(unlimited());
    let report = load(&server.connect, "--readers 10 --senders 2 --rate 500 --warmup 100ms --duration 1s");
    let report = report.expect("a report");
    assert!(report.is_clean(), "{report}");
    // Eleven others get each message. Late senders catch up, so only the start and the end of the measurement are
    // inexact.
    let expected = 500 * 11;
    assert!(report.deliveries().abs_diff(expected) < expected / 5, "{report}");
}

#[test]
fn a_rate_limit_is_noticed() {
    let server = serve(Config::default());
    let report = load(&server.connect, "--readers 4 --senders 1 --window 16 --warmup 500ms --duration 2s");
    let report = report.expect("a report");
    assert!(report.is_held_back(), "{report}");
    assert!(report.to_string().contains("--rate off"), "{report}");
    assert_eq!((report.tally, report.got.unseen), (Tally::default(), 0), "nothing is lost: {report}");
}

#[test]
fn messages_held_back_by_a_rate_are_not_counted_as_lost() {
    let rate = Some(Rate { per_second: NonZeroU32::new(5).expect("not zero"), burst: NonZeroU32::MIN });
    let server = serve(Config { rate, ..Config::default() });
    // At five a second this takes much longer than the tool waits.
    let report = load(&server.connect, "--readers 4 --senders 2 --window 500 --warmup 0s --duration 500ms");
    let report = report.expect("a report");
    assert!(report.got.held_back > 100, "{report}");
    assert_eq!((report.tally, report.got.unseen), (Tally::default(), 0), "nothing is lost: {report}");
    assert!(!report.is_clean() && report.to_string().contains("held back by the rate"), "{report}");
}

#[test]
fn a_full_server_tells_those_it_refuses() {
    let server = serve(Config { max_sessions: 8, ..unlimited() });
    let report = load(&server.connect, "--readers 12 --senders 0 --warmup 0s --duration 100ms").expect("a report");
    assert!(!report.is_clean());
    assert_eq!(report.ended.get("the server is full, try again later"), Some(&4), "{report}");
    assert_eq!(report.tally, Tally::default());
}

#[test]
fn silent_sessions_are_kept_alive() {
    let mut config = unlimited();
    for dialect in &mut config.dialects {
        dialect.idle_timeout = Some(Duration::from_millis(600));
    }
    let server = serve(config);
    let options = "--readers 4 --senders 0 --idle 4 --warmup 0s --duration 1500ms";
    let report = load(&server.connect, &format!("{options} --keepalive 100ms")).expect("a report");
    assert!(report.is_clean(), "{report}");
    let report = load(&server.connect, &format!("{options} --keepalive off")).expect("a report");
    assert_eq!(report.ended.get("closed: timed out"), Some(&8), "{report}");
}

#[test]
fn silent_sessions_of_irc_answer_what_the_server_asks() {
    // The server asks after half of that.
    let mut irc = DialectConfig::new(Irc::default());
    irc.idle_timeout = Some(Duration::from_millis(600));
    let server = serve_in(irc, unlimited());
    let report = load(&server.irc, "--readers 4 --senders 0 --idle 4 --warmup 0s --duration 1500ms");
    let report = report.expect("a report");
    assert!(report.is_clean(), "{report}");
}

#[test]
fn servers_are_compared_with_limit() {
    assert_compared("limit", &["limit", "chat-smol", "chat-std"]);
}

#[test]
fn lines_are_compared_with_messages_of_websocket() {
    assert_compared("text", &["chat-smol, text ", "chat-smol, text+ws"]);
    assert_compared("irc", &["chat-smol, irc ", "chat-smol, irc+ws"]);
}

#[test]
fn irc_is_compared_with_classic() {
    assert_compared("classic", &["chat-smol, classic", "chat-smol, irc"]);
}

#[test]
fn other_servers_of_irc_are_compared_if_installed() {
    for name in ["inspircd", "ngircd"] {
        if Path::new("/usr/sbin").join(name).exists() {
            assert_compared(name, &[name, "chat-smol"]);
        } else {
            let error = compare(&comparison(name), &mut Vec::new()).expect_err("it is not installed");
            assert!(error.to_string().contains("install the package"), "{error}");
        }
    }
}

/// Checks that these are the servers of a comparison, in this order, and that nothing is lost.
#[track_caller]
fn assert_compared(beside: &str, servers: &[&str]) {
    let mut table = Vec::new();
    let is_clean = compare(&comparison(beside), &mut table).expect("servers can be connected to");
    let table = String::from_utf8(table).expect("a table is text");
    assert!(is_clean, "{table}");
    let lines: Vec<&str> = table.lines().collect();
    for (line, server) in lines[lines.len() - servers.len()..].iter().zip(servers) {
        assert!(line.contains(server), "{server} is missing:\n{table}");
    }
}

fn comparison(beside: &str) -> Comparison {
    let args = format!("--beside {beside} --rounds 1 --readers 3 --senders 2 --warmup 50ms --duration 200ms --quiet");
    match parse(["load"].into_iter().chain(args.split_whitespace())) {
        Ok(Invocation::Compare(comparison)) => *comparison,
        other => panic!("{args}: {other:?}"),
    }
}

#[test]
fn a_server_that_is_not_there_is_an_error() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let addr = listener.local_addr().expect("its address");
    drop(listener);
    let error = load(&format!("--connect text={addr}"), "").expect_err("nobody is there");
    assert!(error.to_string().contains("refused"), "{error}");
    let server = serve(unlimited());
    let error = load(&server.connect, &format!("--pid {}", u32::MAX)).expect_err("no such process");
    assert!(matches!(error, LoadError::Process { .. }), "{error}");
}
