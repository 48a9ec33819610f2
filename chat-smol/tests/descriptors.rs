//! What happens when the process may open no more descriptors. In a file of its own, since the limit is the process's.

#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::num::NonZeroUsize;
use std::thread;
use std::time::{Duration, Instant};

use chat_proto::Config;
use chat_smol::Server;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[test]
fn service_resumes_when_descriptors_are_free_again() {
    let mut server = Server::new(Config::default()).unwrap();
    let addr = server.listen("text", SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let handle = server.handle();
    let thread = thread::spawn(move || server.run_on_threads(NonZeroUsize::new(2).unwrap()));
    let welcome = |client: &mut BufReader<TcpStream>| {
        let mut line = String::new();
        client.read_line(&mut line).unwrap();
        assert!(line.starts_with("* welcome"), "{line}");
    };

    let stat = File::open("/proc/self/stat").unwrap();
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(100), ..limit }).unwrap();
    let mut hoard = Vec::new();
    let mut let_in = Vec::new();
    // A connection takes two descriptors of this process, one for each end, the client's first: with one left, a client
    // finds a server that cannot accept it. A thread of the server's that is just starting may take that one, or may
    // have held another and given it back. So the first clients may not come about, or be let in.
    let mut waiting = loop {
        hoard.extend(std::iter::from_fn(|| File::open("/dev/null").ok()));
        assert!(hoard.pop().is_some(), "{} clients were let in without a descriptor left", let_in.len());
        let Ok(client) = TcpStream::connect(addr).map(BufReader::new) else { continue };
        client.get_ref().set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        if client.get_ref().peek(&mut [0]).is_err() {
            break client;
        }
        let_in.push(client);
    };
    let before = cpu_ticks(&stat);
    assert!(waiting.get_ref().read(&mut [0]).is_err(), "no descriptor is left");
    assert!(cpu_ticks(&stat) < before + 10, "the server spins");

    drop(hoard);
    waiting.get_ref().set_read_timeout(None).unwrap();
    let freed = Instant::now();
    welcome(&mut waiting);
    assert!(freed.elapsed() < Duration::from_secs(5));

    setrlimit(Resource::Nofile, limit).unwrap();
    handle.shut_down();
    thread.join().unwrap().unwrap();
}

/// The process's user and system time, read from its open `/proc/self/stat`, in ticks of 10 ms.
fn cpu_ticks(mut stat: &File) -> u64 {
    let mut text = String::new();
    stat.rewind().unwrap();
    stat.read_to_string(&mut text).unwrap();
    let fields: Vec<_> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
