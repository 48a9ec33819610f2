//! Descriptors, threads and processor time of the whole process.

use std::fs::File;
use std::thread;
use std::time::{Duration, Instant};

use chat_proto::Config;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::isolation::raise_descriptor_limit;
use super::{Adapter, Client, PATIENCE, Received, calm, eventually, new_socket, start};

/// When no descriptor is left for new connections, the server waits without spinning, serves those it has, and accepts
/// the others as soon as descriptors are free.
pub fn descriptors_running_out(adapter: &dyn Adapter) {
    /// Fewer than clients, but enough for some of them even if a connection takes two.
    const LEFT: usize = 6;
    const CLIENTS: usize = 12;
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(256), ..limit }).expect("a limit can be lowered");
    let server = start(adapter, calm());
    let mut alice = server.named("alice");
    let mut bob = server.guest("bob");

    let addr = server.addr("text");
    let sockets: Vec<_> = (0..CLIENTS).map(|_| new_socket(&addr)).collect();
    let mut hoard: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert!(hoard.len() > LEFT, "the limit was lower than {} to begin with", hoard.len());
    hoard.truncate(hoard.len() - LEFT);
    let mut waiting: Vec<Client> =
        (0..).zip(sockets).map(|(n, socket)| Client::over(&format!("client {n}"), socket, &addr)).collect();

    // Some are accepted. When the next one has waited long enough, no more will be.
    let mut welcome = Vec::new();
    let next = loop {
        assert!(!waiting.is_empty(), "{LEFT} descriptors were enough for {CLIENTS} clients");
        let mut client = waiting.remove(0);
        match client.receive(Instant::now() + Duration::from_millis(500)) {
            Received::Line(_) => welcome.push(client),
            Received::Nothing => break client,
            other => panic!("{} hears {other:?}", client.who()),
        }
    };
    waiting.insert(0, next);
    assert!(!welcome.is_empty(), "{LEFT} descriptors were not enough for a single client");

    // Connected clients notice nothing, and waiting takes no processor time.
    let (before, since) = (processor_time(), Instant::now());
    bob.say("is it only me?");
    alice.expect("* guest-2 joined");
    alice.expect("guest-2: is it only me?");
    assert_eq!(waiting[0].receive(since + Duration::from_secs(1)), Received::Nothing);
    let spent = processor_time().saturating_sub(before);
    assert!(spent < Duration::from_millis(100), "{spent:?} of processor time were spent on waiting for a second");

    // When one leaves, a waiting one is accepted, without another event.
    let there = server.stats().opened;
    drop(welcome.pop());
    eventually("the next in line to get in", || {
        let opened = server.stats().opened;
        if opened > there { Ok(()) } else { Err(format!("{opened} were opened")) }
    });
    drop(hoard);
    for client in &mut waiting {
        assert!(client.line().starts_with("* welcome"), "{} gets in", client.who());
    }
    alice.expect_nothing_more();
    server.stop([alice, bob].into_iter().chain(waiting));
}

/// Starting and stopping leaves no thread and no descriptor behind.
pub fn a_hundred_starts_and_stops(adapter: &dyn Adapter) {
    let visit = || {
        let server = start(adapter, calm());
        let mut alice = server.named("alice");
        let bob = server.guest("bob");
        let carol = server.classic("carol");
        alice.say("hello");
        alice.expect_nothing_more();
        // One leaves, one is reset, and one is closed by the server's end.
        drop(bob);
        carol.reset();
        server.stop([alice]);
    };
    // A runtime makes some threads and descriptors once and keeps them; they exist after the first round.
    visit();
    let before = (count("/proc/self/task"), count("/proc/self/fd"));
    for _ in 0..100 {
        visit();
    }
    // A thread that was joined may still be listed for a moment.
    eventually("threads and descriptors to be as before", || {
        let after = (count("/proc/self/task"), count("/proc/self/fd"));
        if after.0 <= before.0 && after.1 <= before.1 { Ok(()) } else { Err(format!("{before:?} became {after:?}")) }
    });
}

/// Thousands of idle clients, with all deadlines armed, take less than a hundredth of a core.
pub fn idle_clients_cost_no_processor_time(adapter: &dyn Adapter) {
    const CLIENTS: usize = 5_000;
    const WATCHED: Duration = Duration::from_secs(2);
    // Both ends are in this process, and an adapter may need a second descriptor for a connection.
    let clients = CLIENTS.min((raise_descriptor_limit() - 100) / 3);
    assert!(clients >= 1_000, "a limit of 3,100 descriptors is the least for this case, raise the hard limit");
    let mut config = Config { max_sessions: CLIENTS, stall_timeout: Config::default().stall_timeout, ..calm() };
    for dialect in &mut config.dialects {
        dialect.idle_timeout = Some(Duration::from_secs(60));
    }
    let server = start(adapter, config);
    let listening: Vec<Client> = (0..clients).map(|n| server.guest(&format!("client {n}"))).collect();
    // Wait until all work of connecting is done.
    let resting = Instant::now();
    eventually("the server to come to rest", || {
        let before = processor_time();
        thread::sleep(Duration::from_millis(50));
        let spent = processor_time().saturating_sub(before);
        if spent < Duration::from_millis(1) || resting.elapsed() > PATIENCE / 2 {
            Ok(())
        } else {
            Err(format!("{spent:?} in 50 ms"))
        }
    });
    let before = processor_time();
    thread::sleep(WATCHED);
    let spent = processor_time().saturating_sub(before);
    assert!(spent < WATCHED / 100, "{clients} idle clients cost {spent:?} in {WATCHED:?}");
    assert_eq!(server.stats().sessions, clients);
    server.stop(listening);
}

/// The processor time that this process has used so far.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).expect("time spent is not negative");
    Duration::from_secs(seconds)
        + Duration::from_nanos(u64::try_from(time.tv_nsec).expect("nanoseconds are not negative"))
}

fn count(directory: &str) -> usize {
    std::fs::read_dir(directory).expect("this needs the /proc of Linux").count()
}
