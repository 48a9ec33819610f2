//! The examples do what they say, run as programs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long anything immediate may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// The lines read from a stream.
struct Screen(Receiver<String>);

impl Screen {
    fn new(stream: impl Read + Send + 'static) -> Self {
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self(lines)
    }

    #[track_caller]
    fn line(&self) -> String {
        self.0.recv_timeout(PATIENCE).expect("another line comes")
    }

    #[track_caller]
    fn expect(&self, line: &str) {
        assert_eq!(self.line(), line);
    }

    #[track_caller]
    fn expect_end(&self) {
        assert_eq!(self.0.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected), "nothing more comes");
    }
}

/// An example that runs until its input ends.
struct Example {
    child: Child,
    stdin: Option<ChildStdin>,
    screen: Screen,
}

impl Example {
    fn start(name: &str, args: &[&str]) -> Self {
        let mut command = Command::new(program(name));
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("an example is a program");
        let stdin = child.stdin.take();
        let screen = Screen::new(child.stdout.take().expect("it is piped"));
        Self { child, stdin, screen }
    }

    /// Returns the address of the next line that the example prints, `listening DIALECT ADDR`.
    #[track_caller]
    fn address(&self, dialect: &str) -> String {
        let line = self.screen.line();
        let addr = line.strip_prefix("listening ").and_then(|rest| rest.strip_prefix(dialect)?.strip_prefix(' '));
        addr.unwrap_or_else(|| panic!("it should listen for {dialect}: {line}")).into()
    }

    fn say(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().expect("its input has not ended"), "{line}").expect("it reads");
    }

    /// Ends its input, and waits until it has ended in order.
    #[track_caller]
    fn end(&mut self) {
        drop(self.stdin.take());
        self.screen.expect_end();
        assert!(self.child.wait().expect("it is a child").success());
    }
}

/// Leaves no program behind when a test fails.
impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns where Cargo has put an example: beside the tests, before it runs them all.
///
/// If Cargo was told to run these tests alone, it has built no examples.
fn program(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().expect("a test knows its own file");
    path.pop();
    path.pop();
    path = path.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = newest(&package.join("src")).max(newest(&package.join("examples").join(name).with_extension("rs")));
    assert!(newest(&path) >= sources, "{} is out of date: run `cargo build --examples` first", path.display());
    path
}

/// Returns when the file, or the newest file in the directory, was last changed.
fn newest(path: &Path) -> SystemTime {
    match path.read_dir() {
        Ok(entries) => entries.flatten().map(|entry| newest(&entry.path())).max().unwrap_or(UNIX_EPOCH),
        Err(_) => path.metadata().and_then(|metadata| metadata.modified()).unwrap_or(UNIX_EPOCH),
    }
}

/// A person at the far end of a connection.
struct Person {
    stream: TcpStream,
    screen: Screen,
}

impl Person {
    fn connect(addr: &str) -> Self {
        let stream = TcpStream::connect(addr).expect("the example listens");
        let screen = Screen::new(stream.try_clone().expect("there are descriptors"));
        Self { stream, screen }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.stream, "{line}").expect("the example reads");
    }

    fn expect(&self, line: &str) {
        self.screen.expect(line);
    }
}

/// Alice and bob in text and carol in classic hold a conversation, which the server's shutdown ends.
fn converse(example: &str) {
    let mut server = Example::start(example, &["127.0.0.1:0", "127.0.0.1:0"]);
    let (text, classic) = (server.address("text"), server.address("classic"));

    let mut alice = Person::connect(&text);
    alice.expect("* welcome, you are guest-1; say something, or /help (10 minutes of silence are fine)");
    alice.say("/name alice");
    alice.expect("* you are now alice");
    let mut bob = Person::connect(&text);
    bob.expect("* welcome, you are guest-2; say something, or /help (10 minutes of silence are fine)");
    bob.say("/name Alice");
    bob.expect("! that name is taken, or looks like one that is");
    bob.say("/name bob");
    bob.expect("* you are now bob");
    alice.expect("* bob joined");
    let mut carol = Person::connect(&classic);
    carol.say("CHAT Y2Fyb2w= aGVsbG8=");
    for person in [&alice, &bob] {
        person.expect("* carol joined");
        person.expect("carol: hello");
    }
    bob.say("hello carol");
    alice.expect("bob: hello carol");
    carol.screen.expect("CHAT Ym9i aGVsbG8gY2Fyb2w=");
    carol.say("rubbish");
    carol.screen.expect("CHAT c2VydmVy bm90IHVuZGVyc3Rvb2Q=");
    alice.say("/msg bob psst");
    alice.expect("you -> bob: psst");
    bob.expect("alice -> you: psst");
    // Half-closed, but still sent everything that was pending.
    bob.say("/who\nso long");
    bob.stream.shutdown(Shutdown::Write).expect("half of a connection can be closed");
    bob.expect("* 3 here: alice, bob, carol");
    bob.screen.expect_end();
    alice.expect("bob: so long");
    alice.expect("* bob left");
    carol.screen.expect("CHAT Ym9i c28gbG9uZw==");

    drop(server.stdin.take());
    alice.expect("* server: shutting down");
    alice.screen.expect_end();
    carol.screen.expect("CHAT c2VydmVy c2h1dHRpbmcgZG93bg==");
    carol.screen.expect_end();
    // The server waits a moment for them to close their ends, too.
    drop((alice, carol));
    server.end();
}

#[test]
fn poller() {
    converse("poller");
}

#[test]
fn tokio() {
    converse("tokio");
}

#[test]
fn stdio() {
    let mut terminal = Example::start("stdio", &["127.0.0.1:0"]);
    let addr = terminal.address("text");
    terminal.screen.expect("* welcome, you are guest-1; say something, or /help");
    terminal.say("/name host");
    terminal.screen.expect("* you are now host");
    let mut bob = Person::connect(&addr);
    bob.expect("* welcome, you are guest-2; say something, or /help");
    bob.say("is anybody in?");
    terminal.screen.expect("* guest-2 joined");
    terminal.screen.expect("guest-2: is anybody in?");
    terminal.say("come in");
    bob.expect("host: come in");
    // More lines than the rate allows at once: some are left untaken for a while, none is lost.
    let questions = 130;
    bob.say(&vec!["/ping"; questions].join("\n"));
    for _ in 0..questions {
        bob.expect("* pong");
    }
    terminal.say("closing time\n/quit good night");
    terminal.screen.expect("* bye");
    bob.expect("host: closing time");
    bob.expect("* host left (\"good night\")");
    bob.expect("* server: shutting down");
    bob.screen.expect_end();
    drop(bob);
    terminal.end();
}

#[test]
fn echo() {
    let mut server = Example::start("echo", &["127.0.0.1:0", "100"]);
    let mut stream = TcpStream::connect(server.address("echo")).expect("the example listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout may be set");
    let request = b"GET / HTTP/1.1\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    // A text, a ping, and a message that is too long.
    let frames = b"\x81\x82\0\0\0\0hi\x89\x81\0\0\0\0!\x82\xfe\0\x7e\0\0\0\0";
    stream.write_all(&[&request[..], frames, &[0; 126]].concat()).expect("the example reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it closes in order");
    let accepted = b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    assert!(
        answer.ends_with(&[&accepted[..], b"\x81\x02hi\x8a\x01!\x88\x02\x03\xf1"].concat()),
        "{}",
        answer.escape_ascii()
    );
    drop(stream);
    server.end();
}

/// Runs an example that needs no input, and compares its output.
fn prints(example: &str, transcript: &str) {
    let output = Command::new(program(example)).output().expect("an example is a program");
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).expect("it prints UTF-8");
    for (number, (printed, expected)) in (1..).zip(printed.lines().zip(transcript.lines())) {
        assert_eq!(printed, expected, "line {number}");
    }
    assert_eq!(printed.lines().count(), transcript.lines().count());
}

#[test]
fn json() {
    prints("json", include_str!("transcripts/json.txt"));
}

#[test]
fn bot() {
    prints("bot", include_str!("transcripts/bot.txt"));
}
