//! What a program around a server may do, with either adapter: accept and refuse peers; find, tell and close sessions;
//! and follow events.

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;

use chat_proto::conversation::{Event, OwnedEvent};
use chat_proto::driver::{Admission, Control, OnAccept};
use chat_proto::{CloseReason, Config, Origin};
use chat_tests::conformance::{Client, LOOPBACK, PATIENCE, Running};

/// A running server of `text`, and what the program around it holds.
struct Server {
    running: Running,
    control: Control,
    follow: Box<dyn Fn() -> Followed>,
}

type Followed = Box<dyn Iterator<Item = OwnedEvent> + Send>;

/// Starts a server that calls this for each connection.
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
    a_refused_peer_reads_the_reason_and_the_end
    a_peer_may_be_refused_without_a_reason
    the_program_may_name_a_peer
    an_origin_chosen_by_the_program_is_counted
    on_accept_sees_the_address_and_may_call_the_server
    sessions_have_a_name_and_an_address
    a_session_is_found_by_its_name
    a_message_to_one_session_reaches_no_other
    a_kicked_peer_reads_the_reason
    a_waiting_subscriber_is_woken_by_each_event_and_by_the_end
    a_subscriber_gets_no_earlier_events
    a_slow_subscriber_finds_a_gap
    events_end_for_good_when_the_server_has_closed
}

fn connect(server: &Server, who: &str) -> Client {
    Client::connect(who, server.running.addr("text"))
}

fn start_open(start: Start) -> Server {
    start(Config::default(), OnAccept::default())
}

fn a_refused_peer_reads_the_reason_and_the_end(start: Start) {
    let server = start(Config::default(), OnAccept::new(|_| Admission::Refuse("members only,\nsorry".into())));
    let mut alice = connect(&server, "alice");
    alice.expect("! members only, sorry");
    alice.expect_end();
    assert_eq!(server.control.stats().opened, 0);
}

fn a_peer_may_be_refused_without_a_reason(start: Start) {
    let server = start(Config::default(), OnAccept::new(|_| Admission::Drop));
    connect(&server, "alice").expect_end();
    assert_eq!(server.control.stats().opened, 0);
}

fn the_program_may_name_a_peer(start: Start) {
    let server = start(Config::default(), OnAccept::new(|_| Admission::AcceptAs("alice".into())));
    let mut alice = connect(&server, "alice");
    assert!(alice.line().starts_with("* welcome, you are alice"));
    let mut other = connect(&server, "other");
    other.expect("! that name is taken, or looks like one that is");
    other.expect_end();
}

fn an_origin_chosen_by_the_program_is_counted(start: Start) {
    let origin = Origin::from_ipv4([192, 0, 2, 1].into());
    let config = Config { max_per_address: Some(1), ..Config::default() };
    let server = start(config, OnAccept::new(move |_| Admission::AcceptFrom(Some(origin))));
    let _alice = server.running.guest("alice");
    let mut bob = connect(&server, "bob");
    bob.expect("! too many connections from your address, close one or try again later");
    bob.expect_end();
}

fn on_accept_sees_the_address_and_may_call_the_server(start: Start) {
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

fn a_message_to_one_session_reaches_no_other(start: Start) {
    let server = start_open(start);
    let (mut alice, mut bob) = (server.running.named("alice"), server.running.guest("bob"));
    bob.catch_up();
    let id = server.control.find("alice").expect("she is here");
    assert!(server.control.tell(id, "your tea is ready"));
    alice.expect("* server: your tea is ready");
    bob.expect_nothing_more();
}

fn a_kicked_peer_reads_the_reason(start: Start) {
    let server = start_open(start);
    let mut alice = server.running.named("alice");
    let id = server.control.find("alice").expect("she is here");
    server.control.kick(id, "that is all");
    alice.expect("! closed: kicked: that is all");
    alice.expect_end();
    assert!(!server.control.tell(id, "are you there?"));
}

fn a_waiting_subscriber_is_woken_by_each_event_and_by_the_end(start: Start) {
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

fn a_subscriber_gets_no_earlier_events(start: Start) {
    let server = start_open(start);
    server.control.announce("before");
    let mut events = (server.follow)();
    server.control.announce("after");
    let event = events.next().expect("it was announced");
    assert_eq!((event.seq, event.event()), (1, Event::Announced { words: "after" }));
}

fn a_slow_subscriber_finds_a_gap(start: Start) {
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
