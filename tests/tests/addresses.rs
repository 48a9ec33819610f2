//! Limits by address, over real sockets: clients from one address do not keep out clients from another.
//!
//! All of 127.0.0.0/8 is loopback, so clients can connect from many addresses.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::{Duration, Instant};

use chat_proto::dialect::Irc;
use chat_proto::{Config, DialectConfig, Exemptions, Rate};
use chat_tests::conformance::isolation::{in_a_process_of_its_own, raise_descriptor_limit};
use chat_tests::conformance::{Client, LOOPBACK, PATIENCE, Received, Running, eventually, new_socket};
use socket2::SockAddr;

const TOO_MANY: &str = "! too many connections from your address, close one or try again later";
const TOO_FAST: &str = "! too many new connections from your address, try again in a moment";

/// Starts a server of `text`, and of IRC if it is configured, with these limits and exemptions.
type Start = fn(Config, Exemptions) -> Running;

/// Returns the dialects that are served.
fn dialects(config: &Config) -> Vec<&'static str> {
    let is_spoken = |name: &&str| config.dialects.iter().any(|dialect| dialect.dialect.name() == *name);
    ["text", "irc"].into_iter().filter(is_spoken).collect()
}

fn start_smol(config: Config, exemptions: Exemptions) -> Running {
    let dialects = dialects(&config);
    let mut server = chat_smol::Server::new(config).expect("the limits are in range");
    server.exempt(exemptions);
    let mut listen = |name| (name, server.listen(name, LOOPBACK).expect("loopback has a free port"));
    let ports: Vec<_> = dialects.into_iter().map(&mut listen).collect();
    let threads = NonZeroUsize::new(2).expect("two is not zero");
    Running::new(ports, server.handle(), move || server.run_on_threads(threads))
}

fn start_std(config: Config, exemptions: Exemptions) -> Running {
    let dialects = dialects(&config);
    let mut server = chat_std::Server::new(config).expect("the limits are in range");
    server.exempt(exemptions);
    let mut listen = |name| (name, server.listen(name, LOOPBACK).expect("loopback has a free port"));
    let ports: Vec<_> = dialects.into_iter().map(&mut listen).collect();
    Running::new(ports, server.handle(), move || server.run())
}

/// Limits without a rate and without limits by address.
fn calm() -> Config {
    let mut config = Config { max_per_address: None, connects_per_address: None, ..Config::default() };
    (config.rate, config.rate_per_address, config.max_rooms_per_address) = (None, None, None);
    config
}

fn rate(per_second: u32, burst: u32) -> Rate {
    let number = |n| NonZeroU32::new(n).expect("not zero");
    Rate { per_second: number(per_second), burst: number(burst) }
}

/// Returns a loopback address.
fn address(n: u16) -> Ipv4Addr {
    let [high, low] = n.to_be_bytes();
    Ipv4Addr::new(127, 7, high, low)
}

/// Connects from an address.
#[track_caller]
fn connect(server: &Running, from: Ipv4Addr) -> Client {
    connect_to(server, "text", from)
}

#[track_caller]
fn connect_to(server: &Running, dialect: &str, from: Ipv4Addr) -> Client {
    let addr = server.addr(dialect);
    let socket = new_socket(&addr);
    socket.bind(&SockAddr::from(SocketAddrV4::new(from, 0))).expect("loopback has every address");
    Client::over(&format!("one from {from}"), socket, &addr)
}

/// Connects from an address, and is accepted.
#[track_caller]
fn enter(server: &Running, from: Ipv4Addr) -> Client {
    let mut client = connect(server, from);
    let line = client.line();
    assert!(line.starts_with("* welcome"), "{} hears {line}", client.who());
    client
}

/// Connects from an address, and is refused with a reason.
#[track_caller]
fn is_refused(server: &Running, from: Ipv4Addr, why: &str) {
    let mut client = connect(server, from);
    client.expect(why);
    client.expect_end();
}

fn an_address_at_its_limit_keeps_nobody_out_from_another(start: Start) {
    let server = start(Config { max_per_address: Some(3), ..calm() }, Exemptions::none());
    let mut greedy: Vec<Client> = (0..3).map(|_| enter(&server, address(1))).collect();
    is_refused(&server, address(1), TOO_MANY);
    let other = enter(&server, address(2));
    // When one leaves, another from the same address is accepted.
    let mut gone = greedy.swap_remove(0);
    gone.say("/quit");
    gone.expect("* bye");
    gone.expect_end();
    server.await_sessions(3);
    greedy.push(enter(&server, address(1)));
    is_refused(&server, address(1), TOO_MANY);
    assert_eq!(server.stats().not_opened, 2);
    server.stop(greedy.into_iter().chain([other]));
}

fn frequent_connects_are_refused_and_others_get_in(start: Start) {
    let server = start(Config { connects_per_address: Some(rate(1, 2)), ..calm() }, Exemptions::none());
    // On a slow machine some tokens are added in between, but not one for each connection.
    let mut visits = 0;
    loop {
        let mut client = connect(&server, address(1));
        let line = client.line();
        if line == TOO_FAST {
            client.expect_end();
            break;
        }
        assert!(line.starts_with("* welcome"), "{line}");
        visits += 1;
        assert!(visits < 50, "nobody is refused");
    }
    assert!(visits >= 2, "a burst of two is let in");
    drop(enter(&server, address(2)));
    eventually("a connection from there to be taken again", || {
        let mut client = connect(&server, address(1));
        let line = client.line();
        if line.starts_with("* welcome") { Ok(()) } else { Err(line) }
    });
    server.stop([]);
}

fn lines_of_one_address_are_limited_together_and_nothing_is_lost(start: Start) {
    const SESSIONS: usize = 4;
    const LINES: usize = 50;
    /// Lines a second, and the burst.
    const RATE: u32 = 50;
    let server = start(Config { rate_per_address: Some(rate(RATE, RATE)), ..calm() }, Exemptions::none());
    let mut witness = enter(&server, address(2));
    let mut talkers: Vec<Client> = (0..SESSIONS).map(|_| enter(&server, address(1))).collect();
    let since = Instant::now();
    let lines: Vec<String> = (0..LINES).map(|n| format!("line {n}\n")).collect();
    for talker in &mut talkers {
        talker.send_bytes(lines.concat().as_bytes());
    }
    let mut next = [0; SESSIONS];
    while next.iter().sum::<usize>() < SESSIONS * LINES {
        let line = witness.line();
        let Some((name, words)) = line.split_once(": ") else { continue };
        let guest: usize = name.strip_prefix("guest-").and_then(|n| n.parse().ok()).expect("a guest's name");
        let talker = &mut next[guest - 2];
        assert_eq!(words, format!("line {talker}"), "what {name} says next");
        *talker += 1;
    }
    // After the burst, the other three pages take three seconds.
    assert!(since.elapsed() >= Duration::from_secs(3), "{:?} are too short", since.elapsed());

    // Reconnecting gives no new burst.
    drop(talkers);
    server.await_sessions(1);
    let mut back = enter(&server, address(1));
    back.send_bytes(lines.concat().as_bytes());
    while !witness.line().ends_with(&format!(": line {}", LINES - 1)) {}
    assert!(since.elapsed() >= Duration::from_secs(4), "{:?} are too short", since.elapsed());
    drop(back);
    server.stop([]);
}

fn exempt_peers_are_not_counted(start: Start) {
    let exempt: Exemptions = "127.7.0.0/24".parse().expect("a network");
    let server = start(Config { max_per_address: Some(1), ..calm() }, exempt);
    let mut clients: Vec<Client> = (0..5).map(|_| enter(&server, address(1))).collect();
    clients.push(enter(&server, address(0x101)));
    is_refused(&server, address(0x101), TOO_MANY);
    server.stop(clients);
    let server = start(Config { max_per_address: Some(1), ..calm() }, Exemptions::default());
    let clients: Vec<Client> = (0..5).map(|_| enter(&server, address(1))).collect();
    server.stop(clients);
}

fn an_address_is_seen_as_a_cloak_that_another_server_does_not_know(start: Start) {
    // Whether peers are counted or not.
    let servers = [Exemptions::none(), Exemptions::default()].map(|exemptions| {
        let mut config = calm();
        config.dialects.push(DialectConfig::new(Irc::default()));
        start(config, exemptions)
    });
    let cloak = |server, nick: &str, from| {
        let mut client = connect_to(server, "irc", from);
        client.say(&format!("NICK {nick}\r\nUSER {nick} 0 * :Real\r"));
        let welcome = client.line();
        let (_, host) = welcome.trim_end().rsplit_once('@').unwrap_or_else(|| panic!("no host: {welcome:?}"));
        assert!(host.len() == 16 && host.bytes().all(|byte| byte.is_ascii_hexdigit()), "{welcome:?}");
        host.to_owned()
    };
    let of = |server| [("ann", 1), ("bob", 1), ("eve", 2)].map(|(nick, n)| cloak(server, nick, address(n)));
    let [[ann, bob, eve], [elsewhere, ..]] = servers.each_ref().map(of);
    assert_eq!(ann, bob);
    assert_ne!(ann, eve);
    assert_ne!(ann, elsewhere);
    for server in servers {
        server.stop([]);
    }
}

/// Opens many connections from few addresses: as many are accepted as the limit by address allows, and so is a client
/// from another address. With the default limits, 64 addresses get 6,400 of the 10,000 sessions; an attacker with a
/// hundred addresses could fill the server.
fn an_attack(start: Start, connections: usize, addresses: u16, config: Config) {
    // Both ends of each accepted connection are in this process.
    let descriptors = raise_descriptor_limit();
    let per_address = config.max_per_address.expect("it is limited");
    let most = usize::from(addresses) * per_address;
    assert!(most < config.max_sessions, "the attackers must not be able to fill the server");
    assert!(descriptors > connections + most + 1_500, "{descriptors} descriptors are too few for this case");
    let server = start(config, Exemptions::none());
    let mut alice = enter(&server, address(10_000));
    let attackers: Vec<Client> = (0..connections).map(|n| connect(&server, address(n as u16 % addresses))).collect();
    let expected = most.min(connections);
    eventually("all of them to be let in or refused", || {
        let stats = server.stats();
        let seen = stats.opened - 1 + stats.not_opened;
        if seen == connections as u64 { Ok(()) } else { Err(format!("{stats:?}")) }
    });
    assert_eq!(server.stats().sessions, 1 + expected);
    let mut bob = enter(&server, address(10_001));
    bob.say("/name bob");
    bob.expect("* you are now bob");
    bob.say("is it only me?");
    alice.expect("* bob joined");
    alice.expect("bob: is it only me?");
    // The last connections were refused with a reason.
    let mut attackers = attackers;
    let mut last = attackers.pop().expect("there are some");
    match last.receive(Instant::now() + PATIENCE) {
        Received::Line(line) => assert_eq!(line, TOO_MANY),
        other => panic!("{other:?}"),
    }
    drop((last, attackers));
    server.await_sessions(2);
    server.stop([alice, bob]);
}

macro_rules! tests {
    ($($adapter:ident, $start:ident: $connections:literal connections, $config:expr;)*) => {
        $(mod $adapter {
            use super::{in_a_process_of_its_own, $start, Config};

            #[test]
            fn an_address_at_its_limit_keeps_nobody_out_from_another() {
                super::an_address_at_its_limit_keeps_nobody_out_from_another($start);
            }

            #[test]
            fn frequent_connects_are_refused_and_others_get_in() {
                super::frequent_connects_are_refused_and_others_get_in($start);
            }

            #[test]
            fn lines_of_one_address_are_limited_together_and_nothing_is_lost() {
                super::lines_of_one_address_are_limited_together_and_nothing_is_lost($start);
            }

            #[test]
            fn an_address_is_seen_as_a_cloak_that_another_server_does_not_know() {
                super::an_address_is_seen_as_a_cloak_that_another_server_does_not_know($start);
            }

            #[test]
            fn exempt_peers_are_not_counted() {
                super::exempt_peers_are_not_counted($start);
            }

            #[test]
            fn a_crowd_from_one_address_keeps_nobody_out() {
                in_a_process_of_its_own(
                    concat!(module_path!(), "::a_crowd_from_one_address_keeps_nobody_out"),
                    || super::an_attack($start, $connections, 1, $config),
                );
            }

            #[test]
            fn a_crowd_from_64_addresses_keeps_nobody_out() {
                in_a_process_of_its_own(
                    concat!(module_path!(), "::a_crowd_from_64_addresses_keeps_nobody_out"),
                    || super::an_attack($start, $connections, 64, $config),
                );
            }
        })*
    };
}

tests! {
    on_smol, start_smol: 10_000 connections, Config::default();
    // A tenth of the connections, since each has a thread.
    on_std, start_std: 1_000 connections, Config { max_sessions: 1_000, max_per_address: Some(10), ..Config::default() };
}
