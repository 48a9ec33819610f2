//! The contract of `chat-server`: its output, its options, and how it ends. Whatever the adapter decides is checked for
//! chat-std as well, with the program `threads`.

mod config_file;
mod listening;
mod log;
mod metrics;
mod options;
mod passwords;
mod signals;
mod system_limits;
mod tls;
mod unread_log;
mod web;

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use chat_tests::conformance::Client;
use chat_tests::program::{Process, Program};

/// Longer than any deadline of HTTP.
const PATIENCE: Duration = Duration::from_secs(30);

const ANY_PORTS: [&str; 4] = ["--listen", "text=127.0.0.1:0", "--listen", "classic=127.0.0.1:0"];

/// Starts a program on ports chosen by the system.
fn serve(program: Program, args: &[&str]) -> (Process, SocketAddr, SocketAddr) {
    let mut process = program.start(&[&ANY_PORTS, args].concat());
    let text = process.listening("text");
    let classic = process.listening("classic");
    (process, text, classic)
}

fn guest(who: &str, addr: SocketAddr) -> Client {
    let mut client = Client::connect(who, addr);
    let welcome = client.line();
    assert!(welcome.starts_with("* welcome"), "{who} is welcomed with {welcome:?}");
    client
}

/// Connects without speaking.
fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Reads the head of an answer of HTTP.
fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        head.extend(byte);
    }
    String::from_utf8(head).expect("text")
}

/// Runs chat-server, which must end by itself.
#[track_caller]
fn run(args: &[&str], status: i32) -> (Vec<String>, String) {
    let ended = Program::ChatServer.start(args).ended();
    assert_eq!(ended.status.code(), Some(status), "{args:?}: {ended:?}");
    (ended.stdout, ended.stderr)
}
