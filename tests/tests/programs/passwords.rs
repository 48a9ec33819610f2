//! Passwords: `hash-password`, the hashes of a file, and clients that have to know what they are of.

use std::io::Write as _;
use std::net::SocketAddrV4;
use std::process::{Command, Stdio};
use std::time::Instant;

use chat_tests::conformance::{Client, Received, new_socket};
use chat_tests::program::Program;
use socket2::SockAddr;

use super::config_file::TemporaryFile;
use super::run;

/// Runs `hash-password` with this input; returns its status, its output and its errors.
fn hash(input: &[u8]) -> (Option<i32>, String, String) {
    let mut command = Command::new(Program::ChatServer.path());
    command.arg("hash-password").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    child.stdin.take().expect("a pipe").write_all(input).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("it writes UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn hash_of(password: &str) -> String {
    let (status, hash, errors) = hash(format!("{password}\n").as_bytes());
    assert_eq!((status, errors.as_str()), (Some(0), ""));
    hash.strip_suffix('\n').expect("a line").to_owned()
}

#[test]
fn hash_password_reads_a_line_and_prints_its_hash() {
    let (one, other) = (hash_of("sesame"), hash_of("sesame"));
    assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && !one.contains('\n'), "{one}");
    assert_ne!(one, other, "each has a salt of its own");
}

#[test]
fn a_password_that_clients_cannot_send_has_no_hash() {
    for input in [&b""[..], b"\n", b"bell\x07\n", b"\xff\n", &[b'x'; 257]] {
        let (status, output, errors) = hash(input);
        assert_eq!((status, output.as_str()), (Some(1), ""), "{errors}");
        assert!(errors.starts_with("chat-server: ") && errors.lines().count() == 1, "{errors}");
    }
}

#[test]
fn a_plain_password_in_a_file_is_refused_and_not_shown() {
    for (text, line) in [
        ("[irc]\npassword = \"hunter2\"", "line 2: irc.password: it must be a hash"),
        ("[[operator]]\nname = \"ann\"\npassword = \"hunter2\"", "line 3: operator.password: it must be a hash"),
        ("[irc]\npassword = 222222", "line 2: irc.password: it must be in quotation marks"),
        ("[[operator]]\nname = \"ann\"\npassword = 222222", "line 3: operator.password: it must be in quotation marks"),
    ] {
        let file = TemporaryFile::new("plain.toml", text);
        let (_, errors) = run(&["--config", file.path(), "--check-config"], 2);
        assert!(errors.contains(line) && errors.lines().count() == 1, "{errors}");
        assert!(!errors.contains("hunter2") && !errors.contains("222222"), "{errors}");
        assert!(!line.ends_with("a hash") || errors.contains("`chat-server hash-password`"), "{errors}");
    }
}

#[test]
fn a_hash_that_takes_too_much_to_check_is_refused() {
    let dear = hash_of("sesame").replace("m=19456", "m=1048576");
    let file = TemporaryFile::new("dear.toml", format!("[irc]\npassword = \"{dear}\""));
    let (_, errors) = run(&["--config", file.path(), "--check-config"], 2);
    assert!(errors.contains("line 2: irc.password: checking it would take too much: allow at most 64 MiB"), "{errors}");
}

#[test]
fn clients_of_irc_need_the_password_and_operators_theirs() {
    let text = format!(
        "listen = [\"irc=127.0.0.1:0\", \"text=127.0.0.1:0\"]\n[irc]\npassword = \"{}\"\n\
         [[operator]]\nname = \"root\"\npassword = \"{}\"",
        hash_of("open sesame"),
        hash_of("of root")
    );
    let file = TemporaryFile::new("passwords.toml", text);
    let mut process = Program::ChatServer.start(&["--config", file.path()]);
    let (irc, text) = (process.listening("irc"), process.listening("text"));
    let mut mallory = super::guest("mallory", text);

    for first in ["PASS :open", "PASS x", "PING x"] {
        let mut eve = Client::connect("eve", irc);
        eve.say(&format!("{first}\r\nNICK eve\r\nUSER eve 0 * :Eve\r"));
        let mut line = eve.line();
        if line.contains(" PONG ") {
            line = eve.line();
        }
        assert_eq!(line, ":irc.localhost 464 * :Password incorrect\r", "{first}");
        eve.expect("ERROR :wrong password\r");
        eve.expect_end();
    }

    let mut ann = Client::connect("ann", irc);
    ann.say("PASS :open sesame\r\nNICK ann\r\nUSER ann 0 * :Ann\r");
    // 422 is the end of the welcome.
    while !ann.line().contains(" 422 ") {}
    ann.say("OPER root x\r");
    ann.expect(":irc.localhost 464 ann :Password incorrect\r");
    ann.say("OPER root :of root\r");
    ann.expect(":irc.localhost 381 ann :You are now an IRC operator\r");
    assert!(ann.line().ends_with(" MODE ann :+o\r"));
    ann.say("KILL guest-1 :spam\r");
    mallory.expect("! closed: killed by an operator: ann (spam)");
    mallory.expect_end();
}

/// Connects from an address and sends a password.
fn sends_password(from: [u8; 4], server: &SockAddr, password: &str) -> Client {
    let socket = new_socket(server);
    socket.bind(&SockAddr::from(SocketAddrV4::new(from.into(), 0))).expect("loopback has every address");
    let mut client = Client::over(password, socket, server);
    client.say(&format!("PASS {password}\r\nNICK {password}\r\nUSER {password} 0 * :N\r"));
    client
}

// Other systems have no second address of loopback.
#[cfg(target_os = "linux")]
#[test]
fn guesses_from_one_address_keep_no_client_waiting_at_another() {
    let text = format!("listen = [\"irc=127.0.0.1:0\"]\n[irc]\npassword = \"{}\"", hash_of("sesame"));
    let file = TemporaryFile::new("guesses.toml", text);
    let mut process = Program::ChatServer.start(&["--config", file.path()]);
    let irc = SockAddr::from(process.listening("irc"));
    let mut guessers: Vec<_> = (0..400).map(|_| sends_password([127, 0, 0, 1], &irc, "xyzzy")).collect();
    let mut ann = sends_password([127, 0, 0, 2], &irc, "sesame");
    assert!(ann.line().starts_with(":irc.localhost 001 "));
    let last = guessers.last_mut().expect("there are many").receive(Instant::now());
    assert_eq!(last, Received::Nothing, "the last of them is to wait longer than she does");
}

#[test]
fn the_memory_bound_has_what_checks_take_at_once() {
    let bytes = |args: &[&str]| run(args, 0).0[0].parse::<u64>().expect("a number");
    let file = TemporaryFile::new("bound.toml", format!("[irc]\npassword = \"{}\"", hash_of("sesame")));
    let print = "--print-memory-bound=bytes";
    assert_eq!(bytes(&["--config", file.path(), print]), bytes(&[print]) + 4 * (19 << 20));
}
