//! Where a program listens, and the lines on its standard output that say so.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs as _};
use std::process;

use chat_tests::conformance::{Client, LOOPBACK, classic_line};
use chat_tests::program::Program;
use rustix::process::Signal;

use super::{guest, run, serve};

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
fn without_arguments_it_serves_ports_4000_and_4001_and_6667_and_8080() {
    let defaults = [
        "listening text 127.0.0.1:4000",
        "listening classic 127.0.0.1:4001",
        "listening irc 127.0.0.1:6667",
        "listening web 127.0.0.1:8080",
    ];
    let in_use = [4000, 4001, 6667, 8080].iter().any(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_err());
    let mut process = Program::ChatServer.start(&[]);
    if in_use {
        // If a port is in use on this machine, the error names the default port.
        let ended = process.ended();
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert!(
            ["127.0.0.1:400", "127.0.0.1:6667", "127.0.0.1:8080"].iter().any(|addr| ended.stderr.contains(addr)),
            "{ended:?}"
        );
    } else {
        assert_eq!([(); 4].map(|()| process.line()), defaults);
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
