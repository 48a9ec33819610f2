//! The port for metrics: what is told there, and that whoever asks harms nobody.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chat_proto::http::HEAD_TIMEOUT;
use chat_tests::metrics::{Scraped, ask};
use chat_tests::program::{Process, Program};

use super::{PATIENCE, connect, guest, head, run};

fn serve(args: &[&str]) -> (Process, SocketAddr, SocketAddr) {
    let listen = ["--listen", "text=127.0.0.1:0", "--metrics", "127.0.0.1:0"];
    let mut process = Program::ChatServer.start(&[&listen, args].concat());
    let text = process.listening("text");
    let metrics = process.listening("metrics");
    (process, text, metrics)
}

/// The rows of the documentation, and of what a server tells: name, type, labels and help.
type Row = (String, String, BTreeSet<String>, String);

fn documented() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let text = fs::read_to_string(path).expect("it is there");
    let plain = |cell: &str| cell.trim().trim_matches('`').to_owned();
    let rows = text.lines().filter(|line| line.starts_with("| `chat_") || line.starts_with("| `process_"));
    rows.filter_map(|line| {
        let [_, name, kind, labels, help, _] = line.split('|').collect::<Vec<_>>()[..] else { return None };
        let labels = labels.split(',').map(plain).filter(|label| !label.is_empty()).collect();
        ["gauge", "counter", "histogram"]
            .contains(&kind.trim())
            .then(|| (plain(name), plain(kind), labels, plain(help)))
    })
    .collect()
}

fn told(text: &str) -> Vec<Row> {
    let of = |word: &str, name: &str| {
        let start = format!("# {word} {name} ");
        text.lines()
            .find_map(|line| line.strip_prefix(&start))
            .unwrap_or_else(|| panic!("no {word} of {name}"))
            .to_owned()
    };
    let names = text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next());
    names
        .map(|name| {
            let kind = of("TYPE", name);
            let sample = if kind == "histogram" { format!("{name}_bucket") } else { name.to_owned() };
            let is_own = |line: &&str| line.strip_prefix(&sample).is_some_and(|rest| rest.starts_with(['{', ' ']));
            let samples = text.lines().filter(is_own).flat_map(|line| line.split(['{', ',']).skip(1));
            let labels = samples.filter_map(|label| label.split_once("=\"")).map(|(name, _)| name.to_owned());
            (name.to_owned(), kind, labels.filter(|label| label != "le").collect(), of("HELP", name))
        })
        .collect()
}

#[test]
fn the_documentation_lists_what_is_told() {
    let (_process, _, metrics) = serve(&[]);
    let text = Scraped::get(metrics).expect("it answers").text;
    let (mut documented, mut told) = (documented(), told(&text));
    documented.sort();
    told.sort();
    assert_eq!(documented, told);
    let samples = text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>();
    let unique: BTreeSet<_> = samples.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(unique.len(), samples.len(), "each sample is told once");
}

#[test]
fn what_the_process_uses_is_told() {
    let (process, _, metrics) = serve(&[]);
    let scraped = Scraped::get(metrics).expect("it answers");
    let value = |name: &str| scraped.value(name).unwrap_or_else(|| panic!("no {name}"));
    let resident = chat_tests::resources::Process::new(process.id()).resident_kib().expect("it runs");
    let (resident, told) =
        (f64::from(u32::try_from(resident).expect("no TiB")) * 1_024.0, value("process_resident_memory_bytes"));
    assert!((resident - told).abs() < 16e6, "{resident} and {told}");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("later").as_secs_f64();
    assert!((now - 60.0..now).contains(&value("process_start_time_seconds")));
    assert!(scraped.text.contains(&format!("\nchat_build_info{{version=\"{}\"}} 1\n", env!("CARGO_PKG_VERSION"))));
    let bound: f64 =
        run(&["--listen", "text=127.0.0.1:0", "--print-memory-bound=bytes"], 0).0[0].parse().expect("bytes");
    assert!((1.0..bound).contains(&value("chat_memory_bound_bytes")), "the bound without the system's buffers");
}

#[test]
fn connections_that_the_system_cannot_hand_over_are_counted() {
    let program = Program::ChatServer.path().display();
    let mut shell = Command::new("sh");
    let line = format!("ulimit -n 80 && exec '{program}' --listen text=127.0.0.1:0 --metrics 127.0.0.1:0 --log off");
    shell.args(["-c", &line]);
    let mut process = Process::start(shell);
    let (text, metrics) = (process.listening("text"), process.listening("metrics"));
    // Those that are told that the server is full linger for a second, and take descriptors.
    let _many: Vec<TcpStream> = (0..200).map(|_| connect(text)).collect();
    expect_some(metrics, "chat_accept_errors_total", || ());
}

#[test]
fn lines_of_the_log_that_nobody_reads_are_counted() {
    let args = ["--listen", "text=127.0.0.1:0", "--metrics", "127.0.0.1:0", "--log", "trace", "--rate", "off"];
    let mut process = Program::ChatServer.start_unread(&args);
    let (text, metrics) = (process.listening("text"), process.listening("metrics"));
    expect_some(metrics, "chat_log_lines_lost_total", || (0..100).for_each(|_| drop(guest("ann", text))));
}

/// Does something until the number is more than nothing.
fn expect_some(metrics: SocketAddr, name: &str, mut act: impl FnMut()) {
    let begun = Instant::now();
    // While no descriptors are left, there is no answer.
    while !Scraped::get(metrics).is_ok_and(|scraped| scraped.value(name) > Some(0.0)) {
        assert!(begun.elapsed() < PATIENCE, "{name} stays 0");
        act();
    }
}

#[test]
fn nothing_is_served_unless_it_is_asked_for() {
    let process = Program::ChatServer.start(&["--listen", "text=127.0.0.1:0", "--metrics", "off"]);
    let mut process = process;
    process.listening("text");
    process.signal(rustix::process::Signal::TERM);
    assert_eq!(process.ended().stdout, [""; 0]);
}

#[test]
fn requests_are_answered_as_on_other_ports_and_under_any_name() {
    let (_process, _, metrics) = serve(&[]);
    let many = "X: y\r\n".repeat(10_000);
    let long = format!("X: {}\r\n", "y".repeat(9_000));
    let host = "Host: metrics.example:9100\r\n";
    for (line, headers, status) in [
        ("GET /metrics", host, "200 OK"),
        ("GET /metrics?name=x", host, "200 OK"),
        ("GET /healthz", host, "200 OK"),
        ("HEAD /metrics", host, "200 OK"),
        ("GET /", host, "404 Not Found"),
        ("GET /metrics/", host, "404 Not Found"),
        ("POST /metrics", host, "405 Method Not Allowed"),
        ("GET /metrics", "", "400 Bad Request"),
        ("GET /metrics", "Host: a\r\nHost: b\r\n", "400 Bad Request"),
        ("GET /metrics", &format!("{host}Content-Length: 5\r\n"), "413 Content Too Large"),
        ("GET /metrics", &format!("{host}Transfer-Encoding: chunked\r\n"), "400 Bad Request"),
        ("GET /metrics", &format!("{host}{many}"), "431 Request Header Fields Too Large"),
        ("GET /metrics", &format!("{host}{long}"), "431 Request Header Fields Too Large"),
        ("CONNECT example.com:443", host, "400 Bad Request"),
        ("GET http://example.com/metrics", host, "400 Bad Request"),
    ] {
        let answer = ask(metrics, &format!("{line} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n"));
        let answer = answer.unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{line}: {answer}");
        assert_eq!(answer.ends_with("\r\n\r\n"), line.starts_with("HEAD"), "{answer}");
    }
    assert_eq!(
        ask(metrics, "\x16\x03\x01\x02\x00\n\n").expect("an answer").lines().next(),
        Some("HTTP/1.1 400 Bad Request")
    );
    let healthy =
        ask(metrics, &format!("GET /healthz HTTP/1.1\r\nConnection: close\r\n{host}\r\n")).expect("an answer");
    assert!(healthy.ends_with("\r\n\r\nok\n"), "{healthy}");
}

#[test]
fn a_connection_is_kept_for_further_requests() {
    let (_process, text, metrics) = serve(&[]);
    let mut stream = connect(metrics);
    let mut opened = |requests: usize| {
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {metrics}\r\n\r\n").repeat(requests);
        stream.write_all(request.as_bytes()).expect("it reads");
        (0..requests)
            .map(|_| body(&mut stream))
            .filter(|body| body.contains("\nchat_sessions_opened_total 1\n"))
            .count()
    };
    assert_eq!(opened(1), 0);
    let _ann = guest("ann", text);
    assert_eq!(opened(3), 3, "each is answered anew");
}

/// Reads one answer and returns its body.
fn body(stream: &mut TcpStream) -> String {
    let head = head(stream);
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).expect("a length");
    let mut body = vec![0; length.parse().expect("a number")];
    stream.read_exact(&mut body).expect("as much as it said");
    String::from_utf8(body).expect("text")
}

#[test]
fn headers_without_end_are_ended() {
    let (_process, text, metrics) = serve(&[]);
    let mut stream = connect(metrics);
    stream.write_all(b"GET /metrics HTTP/1.1\r\n").expect("it reads");
    let begun = Instant::now();
    // The server reads on for a moment after its answer, then no more.
    while stream.write_all(b"X-Header: of no use to anybody\r\n").is_ok() {
        assert!(begun.elapsed() < PATIENCE, "it takes headers without end");
    }
    drop(guest("ann", text));
    Scraped::get(metrics).expect("it answers others");
}

#[test]
fn who_sends_on_after_the_answer_can_still_read_it() {
    let (_process, _, metrics) = serve(&[]);
    // More than sockets hold.
    let request = format!("GET /metrics HTTP/1.1\r\n{}", "X-Header: y\r\n".repeat((8 << 20) / 13));
    // The server reads on for a second only, which may be over before a busy machine has written it all.
    let answer = (0..5).find_map(|_| ask(metrics, &request).ok()).expect("it takes what comes after the answer");
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[test]
fn a_head_that_comes_too_slowly_is_ended() {
    let (_process, _, metrics) = serve(&[]);
    let mut slow = connect(metrics);
    slow.write_all(b"GET /met").expect("it reads");
    Scraped::get(metrics).expect("nobody waits for it");
    let mut answer = String::new();
    slow.read_to_string(&mut answer).expect("it is closed");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[test]
fn a_thousand_connections_that_ask_for_nothing_keep_nobody_out() {
    let (process, text, metrics) = serve(&["--max-sessions", "3"]);
    let usage = chat_tests::resources::Process::new(process.id());
    let before = usage.descriptors().expect("it runs");
    let mut idle: Vec<TcpStream> = (0..1_000).map(|_| connect(metrics)).collect();
    for stream in &mut idle {
        // Half of a request.
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost:");
    }
    let begun = Instant::now();
    let people = ["ann", "bob", "eve"].map(|who| guest(who, text));
    let scraped = Scraped::get(metrics).expect("it answers");
    assert!(begun.elapsed() < Duration::from_secs(2), "it took {:?}", begun.elapsed());
    assert_eq!(scraped.value("chat_sessions_opened_total"), Some(3.0));
    // All of them came before whoever was answered. Deadlines would close them, too, but later.
    while usage.descriptors().expect("it runs").saturating_sub(before) > 16 + 3 {
        assert!(begun.elapsed() < HEAD_TIMEOUT / 2, "the oldest are not closed");
        thread::yield_now();
    }
    let is_open = |stream: &mut TcpStream| {
        stream.set_nonblocking(true).expect("a socket");
        stream.read(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    };
    let open = idle.iter_mut().map(is_open).filter(|open| *open).count();
    assert!(open <= 16, "{open} are open");
    drop(people);
}

#[test]
fn collecting_all_the_time_does_not_starve_messages() {
    let (_process, text, metrics) = serve(&["--rate", "off"]);
    let (mut ann, mut bob) = (guest("ann", text), guest("bob", text));
    ann.say("/name ann");
    ann.expect("* you are now ann");
    bob.expect("* ann joined");
    let mut slowest = |rounds: usize| {
        let mut times = Vec::new();
        for round in 0..rounds {
            let begun = Instant::now();
            ann.say(&format!("round {round}"));
            bob.expect(&format!("ann: round {round}"));
            times.push(begun.elapsed());
        }
        times.sort();
        times[rounds * 95 / 100]
    };
    let alone = slowest(200);
    let stop = AtomicBool::new(false);
    let collected = thread::scope(|scope| {
        let collectors: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut count = 0;
                    while !stop.load(Ordering::Relaxed) {
                        count += u32::from(Scraped::get(metrics).is_ok());
                    }
                    count
                })
            })
            .collect();
        let beside = slowest(200);
        stop.store(true, Ordering::Relaxed);
        let count: u32 = collectors.into_iter().map(|it| it.join().expect("it does not panic")).sum();
        // Collectors and messages share the machine's processors, so shorter delays say nothing.
        assert!(
            beside < 20 * alone + Duration::from_millis(50),
            "{alone:?} alone, {beside:?} beside {count} collections"
        );
        println!("{alone:?} alone, {beside:?} beside {count} collections");
        count
    });
    assert!(collected > 0);
}

#[test]
fn a_wrong_address_or_one_in_use_is_told_in_a_sentence() {
    for wrong in ["on", "9100", "unix:/run/metrics", "text=:9100"] {
        let (_, errors) = run(&["--metrics", wrong], 2);
        assert!(errors.contains("it must be IP:PORT, NAME:PORT or :PORT, or off"), "{errors}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = taken.local_addr().expect("its address").to_string();
    let (_, errors) = run(&["--listen", "text=127.0.0.1:0", "--metrics", &addr, "--log", "off"], 1);
    assert!(errors.contains(&format!("cannot listen on {addr} for metrics: the address is in use; ")), "{errors}");
    assert!(errors.contains("as in --metrics 127.0.0.1:0 "), "{errors}");
}
