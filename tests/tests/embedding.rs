//! What a program around a server may do, with either adapter: decide who comes in, find, tell and close sessions, and
//! follow along.

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;

use chat_proto::conversation::{Event, OwnedEvent};
use chat_proto::driver::{Admission, Control, OnAccept};
use chat_proto::{CloseReason, Config, Origin};
use chat_tests::conformance::{Client, LOOPBACK, PATIENCE, Running};

/// A server of `text` that runs, and what the program around it holds.
struct Server {
    running: Running,
    control: Control,
    follow: Box<dyn Fn() -> Followed>,
}

type Followed = Box<dyn Iterator<Item = OwnedEvent> + Send>;

/// Starts a server that asks this about each connection.
type Start = fn(Config, OnAccept) -> Server;

fn start_smol(config: Config, on_accept: OnAccept) -> Server {
    let mut server = chat_smol::Server::new(config).expect("the limits are in range");
    server.on_accept(move |peer| on_accept.ask(peer));
    let addr = server.listen("text", LOOPBACK).expect("loopback has a free port");
    let (handle, threads) = (server.handle(), NonZeroUsize::new(2).expect("two is not zero"));
    let control = Control::clone(&handle);
    let running = Running::new(vec![("text", addr)], handle.clone(), move || server.run_on_threads(threads));
    Server { running, control, follow: Box::new(move || Box::new(smol::stream::block_on(handle.events()))) }
}

fn start_std(config: Config, on_accept: OnAccept) -> Server {
    let mut server = chat_std::Server::new(config).expect("the limits are in range");
    server.on_accept(move |peer| on_accept.ask(peer));
    let addr = server.listen("text", LOOPBACK).expect("loopback has a free port");
    let handle = server.handle();
    let control = Control::clone(&handle);
    let running = Running::new(vec![("text", addr)], handle.clone(), move || server.run());
    Server { running, control, follow: Box::new(move || Box::new(handle.events())) }
}

/// Makes a test of each function for each adapter.
macro_rules! both {
    ($($test:ident)*) => {
        mod smol_ {
            $(#[test]
            fn $test() {
                super::$test(super::start_smol);
            })*
        }

        mod std_ {
            $(#[test]
            fn $test() {
                super::$test(super::start_std);
            })*
        }
    };
}

both! {
    a_refused_peer_reads_the_sentence_and_the_end
    a_peer_may_be_refused_without_a_word
    a_peer_may_come_under_a_name_of_the_programs
    an_origin_of_the_programs_choice_is_counted
    the_function_sees_the_address_and_may_ask_the_server
    sessions_have_a_name_and_an_address
    a_session_is_found_by_its_name
    what_is_told_to_one_is_read_by_one
    a_kicked_peer_reads_why
    who_waits_for_events_is_woken_by_each_and_by_the_end
    who_subscribes_gets_nothing_from_before
    what_a_slow_subscriber_misses_is_a_gap
    events_end_for_good_when_the_server_has_closed
}

fn connect(server: &Server, who: &str) -> Client {
    Client::connect(who, server.running.addr("text"))
}

fn start_open(start: Start) -> Server {
    start(Config::default(), OnAccept::default())
}

fn a_refused_peer_reads_the_sentence_and_the_end(start: Start) {
    let server = start(Config::default(), OnAccept::new(|_| Admission::Refuse("members only,\nsorry".into())));
    let mut alice = connect(&server, "alice");
    alice.expect("! members only, sorry");
    alice.expect_end();
    assert_eq!(server.control.stats().opened, 0);
}

fn a_peer_may_be_refused_without_a_word(start: Start) {
    let server = start(Config::default(), OnAccept::new(|_| Admission::Drop));
    connect(&server, "alice").expect_end();
    assert_eq!(server.control.stats().opened, 0);
}

fn a_peer_may_come_under_a_name_of_the_programs(start: Start) {
    let server = start(Config::default(), OnAccept::new(|_| Admission::AcceptAs("alice".into())));
    let mut alice = connect(&server, "alice");
    assert!(alice.line().starts_with("* welcome, you are alice"));
    let mut other = connect(&server, "other");
    other.expect("! that name is taken, or looks like one that is");
    other.expect_end();
}

fn an_origin_of_the_programs_choice_is_counted(start: Start) {
    let origin = Origin::from_ipv4([192, 0, 2, 1].into());
    let config = Config { max_per_address: Some(1), ..Config::default() };
    let server = start(config, OnAccept::new(move |_| Admission::AcceptFrom(Some(origin))));
    let _alice = server.running.guest("alice");
    let mut bob = connect(&server, "bob");
    bob.expect("! too many connections from your address, close one or try again later");
    bob.expect_end();
}

fn the_function_sees_the_address_and_may_ask_the_server(start: Start) {
    let control = Arc::new(OnceLock::<Control>::new());
    let (asked, (tell, told)) = (Arc::clone(&control), mpsc::channel());
    let server = start(
        Config::default(),
        OnAccept::new(move |peer| {
            let sessions = asked.get().map(|server| server.sessions().len());
            tell.send((peer, sessions)).expect("the test listens");
            Admission::Accept
        }),
    );
    control.set(server.control.clone()).expect("it is set once");
    let alice = server.running.guest("alice");
    assert_eq!(told.recv(), Ok((alice.local_addr(), Some(0))));
}

fn sessions_have_a_name_and_an_address(start: Start) {
    let server = start_open(start);
    let alice = server.running.named("alice");
    let sessions = server.control.sessions();
    let [session] = &sessions[..] else { panic!("{sessions:?}") };
    let addr = alice.local_addr();
    assert_eq!((session.name.as_str(), session.peer), ("alice", addr));
    assert_eq!(server.control.peer(session.id), addr);
}

fn a_session_is_found_by_its_name(start: Start) {
    let server = start_open(start);
    let _alice = server.running.named("Alice");
    assert_eq!(server.control.find("alice"), Some(server.control.sessions()[0].id));
    assert_eq!(server.control.find("bob"), None);
}

fn what_is_told_to_one_is_read_by_one(start: Start) {
    let server = start_open(start);
    let (mut alice, mut bob) = (server.running.named("alice"), server.running.guest("bob"));
    bob.catch_up();
    let id = server.control.find("alice").expect("she is here");
    assert!(server.control.tell(id, "your tea is ready"));
    alice.expect("* server: your tea is ready");
    bob.expect_nothing_more();
}

fn a_kicked_peer_reads_why(start: Start) {
    let server = start_open(start);
    let mut alice = server.running.named("alice");
    let id = server.control.find("alice").expect("she is here");
    server.control.kick(id, "that is all");
    alice.expect("! closed: kicked: that is all");
    alice.expect_end();
    assert!(!server.control.tell(id, "are you there?"));
}

fn who_waits_for_events_is_woken_by_each_and_by_the_end(start: Start) {
    let server = start_open(start);
    let events = (server.follow)();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || events.for_each(|event| tell.send(event).expect("the test listens")));
    let next = || told.recv_timeout(PATIENCE).expect("there is more to come");

    let mut alice = server.running.named("alice");
    assert_eq!(next().event(), Event::Joined { name: "alice" });
    alice.say("hello");
    assert_eq!(next().event(), Event::Said { name: "alice", words: "hello" });
    server.running.stop([alice]);
    assert_eq!(next().event(), Event::Announced { words: "shutting down" });
    assert_eq!(next().event(), Event::Left { name: "alice", reason: CloseReason::ShutDown, words: "" });
    assert_eq!(told.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected), "the events have ended");
}

fn who_subscribes_gets_nothing_from_before(start: Start) {
    let server = start_open(start);
    server.control.announce("before");
    let mut events = (server.follow)();
    server.control.announce("after");
    let event = events.next().expect("it was announced");
    assert_eq!((event.seq, event.event()), (1, Event::Announced { words: "after" }));
}

fn what_a_slow_subscriber_misses_is_a_gap(start: Start) {
    let mut config = Config { history: 4, ..Config::default() };
    config.dialects.iter_mut().for_each(|dialect| dialect.backlog = 0);
    let server = start(config, OnAccept::default());
    let events = (server.follow)();
    (0..10).for_each(|n| server.control.announce(&format!("message {n}")));
    let numbers: Vec<u64> = events.take(4).map(|event| event.seq).collect();
    assert_eq!(numbers, [6, 7, 8, 9]);
}

fn events_end_for_good_when_the_server_has_closed(start: Start) {
    let server = start_open(start);
    let mut events = (server.follow)();
    server.running.stop([]);
    assert!(events.by_ref().all(|event| event.event() == Event::Announced { words: "shutting down" }));
    assert_eq!(events.next(), None, "for good");
}
