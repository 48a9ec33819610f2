//! Unix sockets: when their files are made, replaced and removed.

use std::fs;
use std::io::{self, ErrorKind};
use std::num::NonZeroUsize;
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use chat_proto::Config;
use chat_smol::Server;
use chat_tests::adapters::unused_path;
use chat_tests::conformance::{Client, LOOPBACK, Running};
use chat_tests::program::{Ended, Process, Program};
use rustix::process::Signal;
use socket2::SockAddr;

const THREADS: NonZeroUsize = NonZeroUsize::new(2).expect("two is not zero");

fn new_server() -> Server {
    Server::new(Config::default()).expect("the defaults are in range")
}

/// Runs a server whose text is served at `path`.
fn run(server: Server, path: &Path) -> Running {
    let text = SockAddr::unix(path).expect("the path is short");
    Running::new(vec![("text", text)], server.handle(), move || server.run_on_threads(THREADS))
}

/// Asserts that listening at `path` fails, and returns the error.
#[track_caller]
fn refused(path: &Path) -> io::Error {
    new_server().listen_unix("text", path).expect_err("this is refused")
}

/// Leaves a socket file without a listener, as a killed server does.
fn stale() -> PathBuf {
    let path = unused_path();
    drop(UnixListener::bind(&path).expect("nothing is there"));
    path
}

#[test]
fn both_transports_carry_one_conversation() {
    let path = unused_path();
    let mut server = new_server();
    server.listen_unix("text", &path).expect("nothing is there");
    let port = server.listen("text", LOOPBACK).expect("loopback has a free port");
    let server = run(server, &path);
    let mut alice = server.named("alice");
    let mut bob = Client::connect("bob", port);
    bob.expect("* welcome, you are guest-2; say something, or /help (10 minutes of silence are fine)");
    bob.say("is that alice at the console?");
    alice.expect("* guest-2 joined");
    alice.expect("guest-2: is that alice at the console?");
    alice.say("it is");
    bob.expect("alice: it is");
    server.stop([alice, bob]);
}

#[test]
fn the_file_goes_when_the_server_stops_listening() {
    let path = unused_path();
    let mut server = new_server();
    server.listen_unix("text", &path).expect("nothing is there");
    let server = run(server, &path);
    let alice = server.named("alice");
    assert!(path.exists());
    server.stop([alice]);
    assert!(!path.exists());
}

#[test]
fn the_file_goes_with_a_server_that_never_ran() {
    let path = unused_path();
    let mut server = new_server();
    server.listen_unix("text", &path).expect("nothing is there");
    assert!(path.exists());
    drop(server);
    assert!(!path.exists());
    let error = new_server().listen_unix("morse", &path).expect_err("nobody speaks morse");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(!path.exists());
}

#[test]
fn a_file_left_behind_is_replaced() {
    let path = stale();
    let mut server = new_server();
    server.listen_unix("text", &path).expect("nobody listens there any more");
    let server = run(server, &path);
    let alice = server.named("alice");
    server.stop([alice]);
    assert!(!path.exists());
}

#[test]
fn a_socket_in_use_is_refused_and_left_alone() {
    let path = unused_path();
    let listener = UnixListener::bind(&path).expect("nothing is there");
    assert_eq!(refused(&path).kind(), ErrorKind::AddrInUse);
    drop(listener.accept().expect("it was asked whether it listens"));
    UnixStream::connect(&path).expect("it still listens there");
    fs::remove_file(path).expect("it is still there");
}

#[test]
fn a_file_that_is_not_a_socket_is_refused_and_left_alone() {
    let (file, directory, link, target) = (unused_path(), unused_path(), unused_path(), stale());
    fs::write(&file, "dear diary").expect("a file can be made");
    fs::create_dir(&directory).expect("a directory can be made");
    symlink(&target, &link).expect("a link can be made");
    for path in [&file, &directory, &link] {
        let error = refused(path);
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert!(error.to_string().contains("not a socket"), "{error}");
    }
    assert_eq!(fs::read_to_string(&file).expect("it is still there"), "dear diary");
    assert!(target.exists(), "what the link leads to is still there");
    fs::remove_dir(directory).expect("it is still there");
    for path in [file, link, target] {
        fs::remove_file(path).expect("it is still there");
    }
}

#[test]
fn a_file_that_another_server_replaced_stays() {
    let path = unused_path();
    let mut server = new_server();
    server.listen_unix("text", &path).expect("nothing is there");
    fs::remove_file(&path).expect("the server has made it");
    let _another = UnixListener::bind(&path).expect("nothing is there any more");
    drop(server);
    UnixStream::connect(&path).expect("the other one listens there");
    fs::remove_file(path).expect("it is still there");
}

#[test]
fn a_listener_given_ready_keeps_its_file() {
    let path = unused_path();
    let mut server = new_server();
    let listener = UnixListener::bind(&path).expect("nothing is there");
    server.accept_on_unix("text", listener).expect("it listens");
    let server = run(server, &path);
    let alice = server.named("alice");
    server.stop([alice]);
    fs::remove_file(path).expect("it is still there");
}

#[test]
fn an_invalid_socket_path_is_an_error() {
    let long = PathBuf::from("x".repeat(120));
    let error = refused(&long);
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().starts_with("120 bytes are too long for the path of a socket"), "{error}");
    for path in ["", "\0abstract"] {
        assert_eq!(refused(Path::new(path)).kind(), ErrorKind::InvalidInput, "{path:?}");
    }
    assert_eq!(refused(Path::new("/nowhere/at/all")).kind(), ErrorKind::NotFound);
}

#[test]
fn the_program_says_where_it_listens_and_leaves_nothing_behind() {
    let path = unused_path();
    let listen = format!("text=unix:{}", path.display());
    let start = || Program::ChatServer.start(&["--listen", &listen, "--listen", "classic=127.0.0.1:0"]);
    let expected = format!("listening text unix:{}", path.display());
    let connect = || Client::connect("alice", SockAddr::unix(&path).expect("the path is short"));

    let mut killed = start();
    assert_eq!(killed.line(), expected);
    drop(killed);
    assert!(path.exists(), "who is killed removes nothing");

    let mut process = start();
    assert_eq!(process.line(), expected);
    let mut alice = connect();
    alice.expect("* welcome, you are guest-1; say something, or /help (10 minutes of silence are fine)");

    // While it runs, no other server gets the path.
    let Ended { status, stdout, stderr } = start().ended();
    assert_eq!((status.code(), stdout.len()), (Some(1), 0), "{stderr}");
    assert!(stderr.contains(&path.display().to_string()) && stderr.contains("in use"), "{stderr}");
    alice.expect_nothing_more();

    process.signal(Signal::TERM);
    alice.expect_shutdown();
    assert!(process.ended().status.success());
    assert!(!path.exists());
}

#[test]
fn the_program_takes_a_path_that_is_relative() {
    let directory = unused_path();
    fs::create_dir(&directory).expect("a directory can be made");
    let mut command = Command::new(Program::ChatServer.path());
    command.current_dir(&directory).args(["--listen", "text=unix:chat.sock"]);
    let mut process = Process::start(command);
    assert_eq!(process.line(), "listening text unix:chat.sock");
    let path = SockAddr::unix(directory.join("chat.sock")).expect("the path is short");
    let mut alice = Client::connect("alice", path);
    alice.expect("* welcome, you are guest-1; say something, or /help (10 minutes of silence are fine)");
    process.signal(Signal::INT);
    alice.expect_shutdown();
    assert!(process.ended().status.success());
    fs::remove_dir(directory).expect("it is empty");
}
