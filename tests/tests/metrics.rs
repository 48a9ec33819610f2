//! Each number that a server tells about itself moves as it should.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use chat_proto::dialect::{Irc, IrcSettings};
use chat_proto::driver::{Admission, Control};
use chat_proto::http::Site;
use chat_proto::{Config, DialectConfig, OnLag, Rate};
use chat_smol::{Exemptions, Server};
use chat_tests::conformance::{Client, LOOPBACK, Running, eventually};
use chat_tests::metrics::Scraped;
use socket2::SockRef;

/// A running server, and what the program around it holds.
struct Watched {
    text: SocketAddr,
    irc: SocketAddr,
    web: SocketAddr,
    metrics: SocketAddr,
    control: Control,
    /// Stops it.
    _running: Running,
}

impl Watched {
    fn start(mut config: Config, set_up: impl FnOnce(&mut Server)) -> Self {
        let settings = IrcSettings { has_operators: true, ..IrcSettings::default() };
        config.dialects.push(DialectConfig::new(Irc::new(settings).expect("right settings")));
        for dialect in &mut config.dialects {
            dialect.backlog = 0;
        }
        let mut server = Server::new(config).expect("the limits are in range");
        set_up(&mut server);
        let [text, irc, web] = ["text", "irc", "irc"].map(|dialect| server.listen(dialect, LOOPBACK).expect("a port"));
        server.serve_site(Site::new().upgrade(Some("/ws"), Site::IRC));
        let own = |text: &mut chat_smol::Exposition| {
            text.gauge("tea_cups", "Cups of tea.").sample(&[], 7);
        };
        let metrics = server.serve_metrics(LOOPBACK, own).expect("a port");
        let (handle, threads) = (server.handle(), NonZeroUsize::new(2).expect("two is not zero"));
        let control = Control::clone(&handle);
        let running = Running::new(vec![("text", text)], handle, move || server.run_on_threads(threads));
        Self { text, irc, web, metrics, control, _running: running }
    }

    fn scrape(&self) -> Scraped {
        Scraped::get(self.metrics).expect("it answers")
    }

    fn guest(&self, who: &str) -> Client {
        let mut client = Client::connect(who, self.text);
        assert!(client.line().starts_with("* welcome"), "{who}");
        client
    }

    /// Waits until each of these numbers has grown by so much since then; a number that may grow by more has a `+`
    /// behind its name.
    #[track_caller]
    fn expect_growth(&self, since: &Scraped, growths: &[(&str, f64)]) {
        for (name, by) in growths {
            let (name, at_least) = name.strip_suffix('+').map_or((*name, false), |name| (name, true));
            let before = since.value(name).unwrap_or_else(|| panic!("there is no {name}:\n{}", since.text));
            eventually(name, || {
                let grown = self.scrape().value(name).expect("it was there before") - before;
                let is_right = if at_least { grown >= *by } else { (grown - by).abs() < 0.5 };
                if is_right { Ok(()) } else { Err(format!("it has grown by {grown}, not {by}")) }
            });
        }
    }
}

const ONE_A_MINUTE: Rate = Rate { per_second: NonZeroU32::MIN, burst: NonZeroU32::MIN };

/// What happens, how, and which numbers grow by how much then. What is returned is kept until they have grown.
type Row<'a> = (&'a str, Act, &'a [(&'a str, f64)]);
type Act = fn(&Watched) -> Vec<Box<dyn std::any::Any>>;

#[test]
fn who_comes_and_goes_is_counted_by_dialect_framing_and_reason() {
    let server = Watched::start(Config::default(), |_| ());
    let table: [Row<'_>; 11] = [
        (
            "a guest",
            |it| vec![Box::new(it.guest("ann"))],
            &[
                ("chat_sessions{dialect=\"text\",framing=\"lines\"}", 1.0),
                ("chat_sessions_opened_total", 1.0),
                ("chat_members", 1.0),
                ("chat_sent_lines_total", 1.0),
                ("chat_sent_bytes_total+", 20.0),
            ],
        ),
        (
            "a client of IRC that is not registered",
            |it| vec![Box::new(Client::connect("ann", it.irc))],
            &[("chat_sessions{dialect=\"irc\",framing=\"lines\"}", 1.0), ("chat_members", 0.0)],
        ),
        (
            "a browser that has asked for nothing",
            |it| vec![Box::new(connect(it.web))],
            &[("chat_sessions_reserved", 1.0), ("chat_sessions_opened_total", 0.0)],
        ),
        (
            "a browser in the conversation",
            |it| vec![Box::new(upgraded(it.web))],
            &[("chat_sessions{dialect=\"irc\",framing=\"websocket\"}", 1.0), ("chat_sessions_reserved", 0.0)],
        ),
        (
            "a room",
            |it| vec![Box::new(after(it, "/join tea", "* you are in tea now; you began it and are its operator"))],
            &[("chat_rooms", 1.0)],
        ),
        (
            "one that quits",
            |it| vec![Box::new(after(it, "/quit", "* bye"))],
            &[
                ("chat_sessions_closed_total{reason=\"quit\"}", 1.0),
                ("chat_sessions{dialect=\"text\",framing=\"lines\"}", 0.0),
                ("chat_members", 0.0),
            ],
        ),
        (
            "one whose connection is reset",
            |it| {
                it.guest("ann").reset();
                vec![]
            },
            &[("chat_sessions_closed_total{reason=\"disconnected\"}", 1.0)],
        ),
        (
            "one that ends its input",
            |it| {
                let mut client = it.guest("ann");
                client.end_input();
                vec![Box::new(client)]
            },
            &[("chat_sessions_closed_total{reason=\"eof\"}", 1.0)],
        ),
        (
            "one whose first line is too long",
            |it| {
                let mut client = it.guest("ann");
                client.say(&"x".repeat(5_000));
                vec![Box::new(client)]
            },
            &[("chat_sessions_closed_total{reason=\"first_line\"}", 1.0)],
        ),
        (
            "one of another protocol",
            |it| {
                let mut client = Client::connect("ann", it.text);
                client.say("GET / HTTP/1.1");
                vec![Box::new(client)]
            },
            &[("chat_sessions_closed_total{reason=\"wrong_protocol\"}", 1.0)],
        ),
        (
            "one that is no client of WebSocket",
            |it| {
                let mut stream = upgraded(it.web);
                stream.write_all(b"hello, this is no frame").expect("it reads");
                vec![Box::new(stream)]
            },
            &[("chat_sessions_closed_total{reason=\"bad_frame\"}", 1.0)],
        ),
    ];
    for (what, act, growths) in table {
        let before = server.scrape();
        let kept = act(&server);
        println!("{what}");
        server.expect_growth(&before, growths);
        drop(kept);
        eventually("all to be gone", || if is_empty(&server.scrape()) { Ok(()) } else { Err("they are not".into()) });
    }
    assert_eq!(server.scrape().value("tea_cups"), Some(7.0), "what the program adds");
}

/// Returns whether nobody is there.
fn is_empty(scraped: &Scraped) -> bool {
    [
        "chat_sessions{dialect=\"text\",framing=\"lines\"}",
        "chat_sessions{dialect=\"irc\",framing=\"lines\"}",
        "chat_sessions{dialect=\"irc\",framing=\"websocket\"}",
        "chat_sessions_reserved",
        "chat_members",
    ]
    .into_iter()
    .all(|name| scraped.value(name) == Some(0.0))
}

/// A guest that has said something and read what follows.
fn after(server: &Watched, line: &str, answer: &str) -> Client {
    let mut client = server.guest("ann");
    client.say(line);
    client.expect(answer);
    client
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    stream
}

/// Connects and begins to speak WebSocket.
fn upgraded(addr: SocketAddr) -> TcpStream {
    let mut stream = connect(addr);
    let request = "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut head = [0; 12];
    stream.read_exact(&mut head).expect("an answer");
    assert_eq!(&head, b"HTTP/1.1 101");
    stream
}

#[test]
fn what_is_said_is_counted_and_how_long_it_takes() {
    let server = Watched::start(Config::default(), |_| ());
    let [mut ann, mut bob] = ["ann", "bob"].map(|who| server.guest(who));
    let before = server.scrape();
    ann.say("hello");
    // The first line makes her known.
    bob.expect("* guest-1 joined");
    bob.expect("guest-1: hello");
    ann.say("/nonsense");
    ann.line();
    server.expect_growth(
        &before,
        &[
            ("chat_messages_total", 2.0),
            ("chat_received_lines_total", 2.0),
            ("chat_received_bytes_total", 16.0),
            ("chat_sent_lines_total", 3.0),
            ("chat_lines_refused_total", 1.0),
            ("chat_lobby_log_entries{dialect=\"text\"}", 2.0),
            ("chat_lobby_log_bytes{dialect=\"text\"}", 32.0),
            ("chat_hub_lock_hold_seconds_count+", 4.0),
            ("chat_delivery_delay_seconds_count", 1.0),
            ("chat_delivery_delay_seconds_bucket{le=\"+Inf\"}", 1.0),
            ("chat_delivery_delay_seconds_bucket{le=\"4.194304\"}", 1.0),
            ("chat_delivery_delay_seconds_bucket{le=\"0.000001\"}", 0.0),
        ],
    );
}

#[test]
fn who_is_ended_by_others_is_counted() {
    let server = Watched::start(Config::default(), |server| server.verify_with(|known| known.password() == "sesame"));
    let before = server.scrape();
    let [mut ann, mut bob] = ["ann", "bob"].map(|who| server.guest(who));
    server.control.kick(server.control.find("guest-1").expect("she is here"), "that is all");
    ann.expect("! closed: kicked: that is all");
    let mut root = Client::connect("root", server.irc);
    root.say("NICK root\r\nUSER root 0 * :Root\r\nOPER root sesame\r");
    while !root.line().contains(" 381 ") {}
    root.say("KILL guest-2 :enough\r");
    while bob.line() != "! closed: killed by an operator: root (enough)" {}
    server.expect_growth(
        &before,
        &[
            ("chat_sessions_closed_total{reason=\"kicked\"}", 1.0),
            ("chat_sessions_closed_total{reason=\"killed\"}", 1.0),
        ],
    );
}

#[test]
fn who_is_silent_too_long_is_counted() {
    let mut config = Config { max_line: 64, ..Config::default() };
    config.dialects[1].idle_timeout = Some(Duration::from_millis(300));
    assert_eq!(config.dialects[1].dialect.name(), "text");
    let server = Watched::start(config, |_| ());
    let before = server.scrape();
    let _silent = server.guest("ann");
    server.expect_growth(&before, &[("chat_sessions_closed_total{reason=\"idle\"}", 1.0)]);
}

#[test]
fn who_is_refused_is_counted_by_reason() {
    let limited = |config: Config| Watched::start(config, |server| server.exempt(Exemptions::none()));
    let server = Watched::start(Config { max_sessions: 1, ..Config::default() }, |_| ());
    let before = server.scrape();
    let _kept = server.guest("ann");
    Client::connect("bob", server.text).line();
    server.expect_growth(&before, &[("chat_connections_refused_total{reason=\"full\"}", 1.0)]);

    let server = limited(Config { max_per_address: Some(1), ..Config::default() });
    let before = server.scrape();
    let _kept = server.guest("ann");
    Client::connect("bob", server.text).line();
    server.expect_growth(&before, &[("chat_connections_refused_total{reason=\"too_many_from_address\"}", 1.0)]);

    let server = limited(Config { connects_per_address: Some(ONE_A_MINUTE), ..Config::default() });
    let before = server.scrape();
    let _kept = server.guest("ann");
    Client::connect("bob", server.text).line();
    server.expect_growth(&before, &[("chat_connections_refused_total{reason=\"too_fast_from_address\"}", 1.0)]);

    let refuse = |server: &mut Server| server.on_accept(|_| Admission::Refuse("not today".into()));
    let server = Watched::start(Config::default(), refuse);
    let before = server.scrape();
    Client::connect("bob", server.text).line();
    server.expect_growth(&before, &[("chat_connections_refused_total{reason=\"program\"}", 1.0)]);
}

#[test]
fn who_sends_too_fast_is_counted() {
    let linger_timeout = Duration::from_millis(300);
    let server = Watched::start(Config { rate: Some(ONE_A_MINUTE), linger_timeout, ..Config::default() }, |_| ());
    let mut ann = server.guest("ann");
    let before = server.scrape();
    ann.send_bytes(b"one\ntwo\nthree\n");
    server.expect_growth(&before, &[("chat_sessions_throttled_total+", 1.0)]);
    ann.end_input();
    server.expect_growth(&before, &[("chat_sessions_cut_short_total", 1.0)]);
}

/// Lets somebody talk for as long as it takes, to a reader that reads nothing, and watches.
fn to_one_who_reads_nothing(config: Config, growths: &[(&str, f64)]) -> (Watched, Client, Client) {
    let config = Config { rate: None, log_bytes: 256 << 10, pace: Some(1 << 20), ..config };
    let server = Watched::start(config, |_| ());
    let deaf = Client::connect_narrow("deaf", server.text);
    let mut talker = server.guest("talker");
    let before = server.scrape();
    let line = format!("{}\n", "x".repeat(4_000));
    eventually("the talker to wait", || {
        talker.send_what_fits(line.repeat(16).as_bytes(), Duration::from_millis(50));
        let held = server.scrape().value("chat_lines_held_total");
        if held > before.value("chat_lines_held_total") { Ok(()) } else { Err("nobody waits".into()) }
    });
    let mut sent = 0;
    eventually("the reader to be too slow", || {
        sent += talker.send_what_fits(line.repeat(64).as_bytes(), Duration::from_millis(50));
        let slow = server.scrape().value("chat_readers_slow_total");
        if slow > Some(0.0) && sent > 1 << 20 { Ok(()) } else { Err("it is not".into()) }
    });
    server.expect_growth(&before, growths);
    (server, deaf, talker)
}

#[test]
fn who_reads_too_slowly_is_counted_and_what_it_misses() {
    let (server, mut deaf, _talker) = to_one_who_reads_nothing(Config::default(), &[("chat_readers_slow_total", 1.0)]);
    let before = server.scrape();
    while !deaf.line().starts_with("* missed ") {}
    server.expect_growth(&before, &[("chat_messages_missed_total+", 1.0)]);

    let lagged = &[("chat_readers_slow_total", 1.0)];
    let (server, deaf, _talker) =
        to_one_who_reads_nothing(Config { on_lag: OnLag::Close, ..Config::default() }, lagged);
    let before = server.scrape();
    deaf.drain();
    server.expect_growth(&before, &[("chat_sessions_closed_total{reason=\"lagged\"}", 1.0)]);
}

#[test]
fn who_takes_nothing_at_all_is_counted() {
    let stall_timeout = Some(Duration::from_millis(500));
    let server = Watched::start(Config { stall_timeout, rate: None, pace: None, ..Config::default() }, |_| ());
    let _deaf = Client::connect_narrow("deaf", server.text);
    let mut talker = server.guest("talker");
    let before = server.scrape();
    let lines = format!("{}\n", "x".repeat(4_000)).repeat(64);
    eventually("the reader to be closed", || {
        talker.send_what_fits(lines.as_bytes(), Duration::from_millis(50));
        let stalled = server.scrape().value("chat_readers_stalled_total");
        if stalled == Some(1.0) { Ok(()) } else { Err("it is not".into()) }
    });
    server.expect_growth(&before, &[("chat_sessions_closed_total{reason=\"stalled\"}", 1.0)]);
}

#[test]
fn the_ports_of_metrics_are_counted_among_nobody() {
    let server = Watched::start(Config { max_sessions: 1, ..Config::default() }, |_| ());
    let idle: Vec<TcpStream> = (0..20).map(|_| connect(server.metrics)).collect();
    for stream in &idle {
        SockRef::from(stream).set_tcp_nodelay(true).expect("a socket");
    }
    let _ann = server.guest("ann");
    let scraped = server.scrape();
    assert_eq!(scraped.value("chat_sessions_opened_total"), Some(1.0));
    assert_eq!(scraped.value("chat_sessions_reserved"), Some(0.0));
    assert_eq!(scraped.value("chat_connections_refused_total{reason=\"full\"}"), Some(0.0));
}
