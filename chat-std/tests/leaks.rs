//! Starting and stopping leaves nothing behind. Alone in its process, whose threads it counts.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use chat_std::{Config, Server};

#[test]
fn a_hundred_servers_leave_no_thread_and_no_descriptor() {
    let count = || ["/proc/self/task", "/proc/self/fd"].map(|dir| fs::read_dir(dir).expect("procfs").count());
    let before = count();
    let handles: Vec<_> = (0..100)
        .map(|round| {
            let mut server = Server::new(Config::default()).expect("the defaults are in range");
            let addr = server.listen("text", (Ipv4Addr::LOCALHOST, 0).into()).expect("loopback has a free port");
            let handle = server.handle();
            let run = thread::spawn(|| server.run());
            let peers: Vec<_> = (0..round % 10)
                .map(|i| {
                    let mut peer = TcpStream::connect(addr).expect("the server listens");
                    peer.write_all(format!("/name peer{i}\n").as_bytes()).expect("the server reads");
                    let mut lines = BufReader::new(peer).lines();
                    lines.next().expect("a welcome").expect("text");
                    lines
                })
                .collect();
            handle.shut_down();
            let peers = thread::spawn(|| peers.into_iter().for_each(|lines| lines.for_each(drop)));
            run.join().expect("no panic").expect("the server runs");
            peers.join().expect("no panic");
            handle
        })
        .collect();
    // The handles still exist. A joined thread leaves the list an instant later.
    let begun = Instant::now();
    while count() != before && begun.elapsed() < Duration::from_secs(10) {
        thread::yield_now();
    }
    assert_eq!(count(), before);
    drop(handles);
}
