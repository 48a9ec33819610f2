//! Readers that do not read, senders that flood, a full server.

use std::time::{Duration, Instant};

use chat_proto::{Config, OnLag};

use super::{Adapter, Client, PATIENCE, Received, Running, calm, classic_line, rate, start};

/// Bytes of a line in a [`Flood`], including its number and its line end.
const LINE: usize = 4_000;
/// More than the two buffers of a connection can hold: Linux lets a send buffer grow to 4 MiB, and the reader's receive
/// buffer is small.
const FLOOD: usize = 16 << 20;

/// Alice, who sends numbered lines, and bob, who reads them.
///
/// She is never more than a few lines ahead of him, so he misses none, however small the log is.
pub(super) struct Flood {
    alice: Client,
    bob: Client,
    next: usize,
}

impl Flood {
    pub(super) fn new(server: &Running) -> Self {
        let mut alice = server.named("alice");
        let bob = server.named("bob");
        alice.expect("* bob joined");
        Self { alice, bob, next: 0 }
    }

    /// Returns alice and bob, who have read everything.
    pub(super) fn into_clients(mut self) -> [Client; 2] {
        self.alice.catch_up();
        self.bob.catch_up();
        [self.alice, self.bob]
    }

    /// Returns how many bytes alice and bob have received.
    pub(super) fn bytes_received(&self) -> u64 {
        self.alice.bytes_received() + self.bob.bytes_received()
    }

    fn line(number: usize) -> String {
        format!("{number:07} {}", "x".repeat(LINE - "0000000 \n".len()))
    }

    /// Sends this many more bytes; returns the notices that bob was sent meanwhile.
    pub(super) fn go_on(&mut self, bytes: usize) -> Vec<String> {
        const AHEAD: usize = 8;
        let mut notices = Vec::new();
        let end = self.next + bytes / LINE;
        while self.next < end {
            let batch = self.next..(self.next + AHEAD).min(end);
            let lines: Vec<String> = batch.clone().map(Self::line).collect();
            self.alice.say(&lines.join("\n"));
            for line in lines {
                notices.extend(self.notices_before(&format!("alice: {line}")));
            }
            self.next = batch.end;
        }
        notices
    }

    /// Waits until bob receives `line`; returns the notices before it.
    pub(super) fn notices_before(&mut self, line: &str) -> Vec<String> {
        let mut notices = Vec::new();
        loop {
            let heard = self.bob.line();
            if heard == line {
                return notices;
            }
            assert!(heard.starts_with("* "), "bob hears {heard:?} where he should hear {line:?}");
            notices.push(heard);
        }
    }
}

/// What a reader that had stopped receives when it reads again.
#[derive(Debug, Default)]
struct Found {
    /// Lines of the flood that it got.
    heard: usize,
    /// Lines that it missed, according to the notices.
    missed: usize,
    /// Notices of gaps.
    gaps: usize,
}

impl Found {
    /// Reads up to the first line that is not of the flood; returns it, and what came before it.
    ///
    /// The flood's lines must come in order, with no gap except where a notice states its exact size.
    fn before_another_line(lazy: &mut Client) -> (Self, String) {
        let mut found = Self::default();
        loop {
            let line = lazy.line();
            if let Some(words) = line.strip_prefix("alice: ") {
                let number = words.split(' ').next().and_then(|number| number.parse::<usize>().ok());
                assert_eq!(number, Some(found.heard + found.missed), "the next line after {found:?}");
                assert_eq!(words.len() + 1, LINE, "a line came in part: {words:?}");
                found.heard += 1;
            } else if let Some(count) = missed(&line) {
                found.missed += count;
                found.gaps += 1;
            } else {
                return (found, line);
            }
        }
    }
}

/// Returns the count of a gap notice.
fn missed(line: &str) -> Option<usize> {
    let count = line.strip_prefix("* missed ")?;
    count.strip_suffix(" messages").or_else(|| count.strip_suffix(" message"))?.parse().ok()
}

/// Connects a reader with a small receive buffer.
pub(super) fn lazy(server: &Running) -> Client {
    let mut lazy = Client::connect_narrow("lazy", server.addr("text"));
    assert!(lazy.line().starts_with("* welcome"), "lazy is welcome");
    lazy.say("/name lazy");
    lazy.expect("* you are now lazy");
    lazy
}

/// The same without a name, so that the others are not told about it.
pub(super) fn lazy_guest(server: &Running) -> Client {
    let mut lazy = Client::connect_narrow("lazy", server.addr("text"));
    assert!(lazy.line().starts_with("* welcome"), "lazy is welcome");
    lazy
}

/// A reader that stops does not disturb the others; when it reads again, it is told exactly how much it missed.
pub fn a_reader_that_never_reads_finds_a_gap(adapter: &dyn Adapter) {
    let server = start(adapter, Config { log_bytes: 128 << 10, ..calm() });
    let mut lazy = lazy(&server);
    let mut flood = Flood::new(&server);
    lazy.expect("* alice joined");
    lazy.expect("* bob joined");
    assert_eq!(flood.go_on(FLOOD), [""; 0], "bob hears the flood and nothing else");

    server.control().announce("that was all");
    flood.bob.expect("* server: that was all");
    let (found, line) = Found::before_another_line(&mut lazy);
    assert_eq!(line, "* server: that was all");
    assert_eq!(found.heard + found.missed, FLOOD / LINE, "{found:?}");
    assert!(found.missed > 0, "a socket held {FLOOD} bytes, the flood is too small: {found:?}");
    assert_eq!(server.stats().missed, found.missed as u64, "what the hub counts");
    // From now on it is an ordinary reader again.
    assert_eq!(flood.go_on(10 * LINE), [""; 0]);
    lazy.say("/ping");
    for number in FLOOD / LINE..FLOOD / LINE + 10 {
        lazy.expect(&format!("alice: {}", Flood::line(number)));
    }
    lazy.expect("* pong");
    server.stop(flood.into_clients().into_iter().chain([lazy]));
}

/// A reader that falls behind is told so and closed, if so configured.
pub fn a_reader_that_never_reads_is_closed_if_so_configured(adapter: &dyn Adapter) {
    let config = Config { log_bytes: 128 << 10, on_lag: OnLag::Close, linger_timeout: PATIENCE, ..calm() };
    let server = start(adapter, config);
    let mut lazy = lazy(&server);
    let mut flood = Flood::new(&server);
    lazy.expect("* alice joined");
    lazy.expect("* bob joined");
    let notices = flood.go_on(FLOOD);

    let (found, line) = Found::before_another_line(&mut lazy);
    assert!(found.missed > 0, "{found:?}");
    assert_eq!(found.gaps, 1, "{found:?}");
    assert_eq!(line, format!("! closed: fell {} messages behind", found.missed));
    lazy.expect_end();
    server.await_sessions(2);
    server.control().announce("that was all");
    let later = flood.notices_before("* server: that was all");
    let left = [notices, later].concat();
    assert_eq!(left, [format!("* lazy left (fell {} messages behind)", found.missed)]);
    server.stop(flood.into_clients());
}

/// A reader that takes no byte for the stall timeout is closed, and its name becomes free.
pub fn a_reader_that_takes_nothing_is_closed(adapter: &dyn Adapter) {
    let server = start(adapter, Config { stall_timeout: Some(Duration::from_millis(200)), ..calm() });
    let lazy = lazy(&server);
    let mut flood = Flood::new(&server);
    let notices = flood.go_on(FLOOD);
    server.await_sessions(2);
    server.control().announce("that was all");
    let later = flood.notices_before("* server: that was all");
    assert_eq!([notices, later].concat(), ["* lazy left (not reading)"]);
    // It still gets the bytes that its socket had taken, then the end of the stream or a reset.
    lazy.drain();
    let lazy = server.named("lazy");
    server.stop(flood.into_clients().into_iter().chain([lazy]));
}

/// A sender that exceeds the rate is not read from: its own socket fills up, and no other is disturbed.
pub fn a_flood_is_left_untaken(adapter: &dyn Adapter) {
    let server = start(adapter, Config { rate: Some(rate(20, 10)), ..calm() });
    let mut alice = server.named("alice");
    let mut bob = server.named("bob");
    alice.expect("* bob joined");
    // More than the buffers of two sockets can hold.
    let flood = format!("{}\n", "x".repeat(LINE - 1)).repeat(FLOOD / LINE);
    let swallowed = (0..16).all(|_| alice.send_what_fits(flood.as_bytes(), Duration::from_millis(200)) == flood.len());
    assert!(!swallowed, "the server swallowed a flood: {:?}", server.stats());
    let asked = Instant::now();
    bob.catch_up();
    assert!(asked.elapsed() < Duration::from_secs(1), "bob waited {:?}", asked.elapsed());
    let stats = server.stats();
    assert!(stats.throttled >= 1, "{stats:?}");
    // The burst, the rate's allowance since then, and one read.
    let elapsed = usize::try_from(asked.elapsed().as_secs()).expect("a short time") + 2;
    let bound = (10 + 20 * elapsed) * LINE + (1 << 20);
    assert!(stats.bytes_received < bound as u64, "at most {bound} bytes are to be taken: {stats:?}");
    assert_eq!(alice.receive(Instant::now()), Received::Nothing, "alice is neither told nor closed");
    // A Unix socket has no reset: the end comes after what its buffers hold.
    let left = if server.addr("text").is_unix() { "* alice left" } else { "* alice left (connection lost)" };
    alice.reset();
    while bob.line() != left {}
    server.stop([bob]);
}

/// A full server refuses connections with a reason; when a session leaves, there is room again.
pub fn a_full_server_says_so(adapter: &dyn Adapter) {
    let server = start(adapter, Config { max_sessions: 2, ..calm() });
    let mut alice = server.named("alice");
    let bob = server.guest("bob");
    for _ in 0..20 {
        let mut carol = Client::connect("carol", server.addr("text"));
        // A client that sends first is told so, too.
        carol.say("hello?");
        carol.expect("! the server is full, try again later");
        carol.expect_end();
    }
    let mut dave = Client::connect("dave", server.addr("classic"));
    dave.expect(&classic_line("server", "the server is full, try again later"));
    dave.expect_end();
    alice.expect_nothing_more();
    drop(bob);
    server.await_sessions(1);
    let carol = server.guest("carol");
    assert_eq!(server.stats().not_opened, 21);
    drop(carol);
    server.stop([alice]);
}
