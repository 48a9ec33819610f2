//! A hub whose peers are in memory and whose clock is a number: for tests of bots, policies and dialects of your own.
//!
//! [`TestHub`] is the driver, so a test says who speaks and looks at what others read. A test of a policy:
//!
//! ```
//! use std::sync::Arc;
//!
//! use chat_proto::testing::TestHub;
//! use chat_proto::{Action, Config, Proposal, Verdict};
//!
//! let policy = |proposal: &Proposal<'_>, rewritten: &mut String| match proposal.action {
//!     Action::Say { words } if words.contains("darn") => {
//!         rewritten.push_str(&words.replace("darn", "d**n"));
//!         Verdict::Rewrite
//!     }
//!     _ => Verdict::Pass,
//! };
//! let mut test = TestHub::new(Config { policy: Some(Arc::new(policy)), ..Config::default() });
//! let (alice, bob) = (test.join("alice"), test.join("bob"));
//! test.say(alice, "where is the darn manual?");
//! assert_eq!(test.read(bob), "alice: where is the d**n manual?\n");
//! ```
//!
//! A bot inside the program is called as the program's own rounds do, with [`with_hub`](TestHub::with_hub), and time
//! passes when the test says so:
//!
//! ```
//! use std::time::Duration;
//!
//! use chat_proto::conversation::Event;
//! use chat_proto::testing::TestHub;
//! use chat_proto::{CloseReason, Config, Hub, SessionId, Timestamp};
//!
//! /// The bot under test: it greets whoever joins.
//! struct Greeter {
//!     id: SessionId,
//!     next_event: u64,
//! }
//!
//! impl Greeter {
//!     fn follow(&mut self, hub: &mut Hub, now: Timestamp) {
//!         let joined = |event| if let Event::Joined { name } = event { Some(format!("hello {name}")) } else { None };
//!         let greetings: Vec<String> = hub.events(self.next_event).filter_map(|it| joined(it.event)).collect();
//!         self.next_event = hub.conversation().next_event();
//!         for greeting in greetings {
//!             hub.say(now, self.id, &greeting).expect("everybody reads");
//!         }
//!     }
//! }
//!
//! let mut test = TestHub::new(Config::default());
//! let id = test.with_hub(|hub, now| hub.enter(now, "host")).expect("there is room");
//! let mut bot = Greeter { id, next_event: test.hub().conversation().next_event() };
//! let alice = test.join("alice");
//! test.with_hub(|hub, now| bot.follow(hub, now));
//! assert_eq!(test.read(alice), "host: hello alice\n");
//!
//! test.advance(Duration::from_secs(600));
//! assert_eq!(test.close_reason(alice), Some(CloseReason::Idle));
//! ```
//!
//! A bot that is a client, with bytes and deadlines of its own, is tested in the example `virtual_clock`. To test a
//! driver, call a [`Hub`] yourself: here everything that a driver may do wrong is done right.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use core::{fmt, mem};

use hashbrown::HashMap;

use crate::batch::Batch;
use crate::command::{CloseReason, Command};
use crate::config::Config;
use crate::hub::Hub;
use crate::id::{DialectId, SessionId};
use crate::time::Timestamp;

/// The most bytes of the log that a peer takes at once.
const MAX_WRITE: usize = 64 << 10;

/// A [`Hub`] with a driver and all its peers, in memory. Its clock begins at [`Timestamp::ZERO`] and moves only by
/// [`advance`](Self::advance).
///
/// Whatever a call causes is done when it returns. Every peer reads all that it is sent at once, unless it
/// [has stopped](Self::set_reading). Input that the hub leaves untaken, because of a rate or while others read, is kept
/// and offered again as the hub asks for it. So the same calls give the same bytes, each time.
pub struct TestHub {
    hub: Hub,
    now: Timestamp,
    peers: HashMap<SessionId, Peer>,
    /// Reused for each write.
    batch: Batch,
    /// The sessions whose credentials are to be checked.
    authentications: Vec<SessionId>,
}

/// The peer's end of a connection.
#[derive(Default)]
struct Peer {
    /// What it was sent and nobody has looked at yet.
    received: Vec<u8>,
    /// What it has said and the hub has not taken yet.
    untaken: Vec<u8>,
    has_stopped: bool,
    closed: Option<CloseReason>,
}

impl TestHub {
    /// Makes a hub with these limits.
    ///
    /// # Panics
    ///
    /// If a limit is out of its range.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let hub = Hub::new(config).unwrap_or_else(|error| panic!("{error}"));
        Self { hub, now: Timestamp::ZERO, peers: HashMap::new(), batch: Batch::new(), authentications: Vec::new() }
    }

    /// Returns the hub, for its queries.
    #[must_use]
    pub const fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Returns the time.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Calls the hub for whatever has no method here, such as [`enter`](Hub::enter), [`kick`](Hub::kick),
    /// [`open_from`](Hub::open_from) and [`receive_eof`](Hub::receive_eof).
    pub fn with_hub<R>(&mut self, act: impl FnOnce(&mut Hub, Timestamp) -> R) -> R {
        let result = act(&mut self.hub, self.now);
        self.settle();
        result
    }

    /// Opens a session of that dialect. Its welcome is there to be [read](Self::read).
    ///
    /// # Panics
    ///
    /// If the hub refuses the session, or does not speak the dialect.
    #[track_caller]
    pub fn connect(&mut self, dialect: &str) -> SessionId {
        let dialect = self.dialect(dialect);
        let opened = self.with_hub(|hub, now| hub.open(now, dialect));
        opened.unwrap_or_else(|error| panic!("the hub refuses a session: {error}"))
    }

    /// Opens a session of `text` under that name, and drops what it is sent so far.
    ///
    /// The [policy](Config::policy) is not asked about the name. To test that, [connect](Self::connect) and
    /// [say](Self::say) `/name …`.
    ///
    /// # Panics
    ///
    /// If the hub refuses the session or the name, or does not speak `text`.
    #[track_caller]
    pub fn join(&mut self, name: &str) -> SessionId {
        let text = self.dialect("text");
        let opened = self.with_hub(|hub, now| hub.open_named(now, text, None, name));
        let id = opened.unwrap_or_else(|error| panic!("{name} cannot join: {error}"));
        self.read(id);
        id
    }

    /// Sends a line from a session. Its line end is added, and `line` may hold several lines.
    ///
    /// # Panics
    ///
    /// If the session is closed.
    #[track_caller]
    pub fn say(&mut self, id: SessionId, line: &str) {
        let peer = self.peers.entry(id).or_default();
        assert_eq!(peer.closed, None, "session {id} is closed and says {line:?}");
        peer.untaken.extend_from_slice(line.as_bytes());
        peer.untaken.push(b'\n');
        self.offer(id);
        self.settle();
    }

    /// Takes everything that a session was sent since the last call: lines, each with its line end.
    ///
    /// What is not UTF-8, in a dialect of your own, is replaced by `U+FFFD`.
    pub fn read(&mut self, id: SessionId) -> String {
        let received = self.peers.get_mut(&id).map(|peer| mem::take(&mut peer.received));
        String::from_utf8_lossy(&received.unwrap_or_default()).into_owned()
    }

    /// Says whether a peer reads. While it does not, its socket takes no byte, so it may fall behind, keep others
    /// waiting, and be closed as stalled.
    pub fn set_reading(&mut self, id: SessionId, reads: bool) {
        self.peers.entry(id).or_default().has_stopped = !reads;
        if reads {
            self.hub.writable(self.now, id);
            self.write(id);
        }
        self.settle();
    }

    /// Lets time pass, from one deadline of the hub to the next.
    ///
    /// To let a bot of yours act on deadlines of its own, advance to the earlier of its next one and the hub's
    /// [`poll_timeout`](Hub::poll_timeout), and call it in between.
    pub fn advance(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.hub.poll_timeout().filter(|next| *next <= end) {
            self.now = next.max(self.now);
            self.hub.handle_timeout(self.now);
            self.settle();
        }
        self.now = end;
    }

    /// Takes the sessions whose credentials are to be checked, in order. Answer with
    /// [`authenticated`](Hub::authenticated), through [`with_hub`](Self::with_hub).
    pub fn take_authentications(&mut self) -> Vec<SessionId> {
        mem::take(&mut self.authentications)
    }

    /// Returns why a session was closed; `None` if it is open, or still has last words to read.
    #[must_use]
    pub fn close_reason(&self, id: SessionId) -> Option<CloseReason> {
        self.peers.get(&id)?.closed
    }

    #[track_caller]
    fn dialect(&self, name: &str) -> DialectId {
        self.hub.dialect(name).unwrap_or_else(|| panic!("the hub does not speak {name}"))
    }

    /// Carries out the hub's commands until there are none.
    fn settle(&mut self) {
        while let Some(command) = self.hub.poll_command() {
            match command {
                Command::Send(id) => self.write(id),
                Command::Read(id) => self.offer(id),
                Command::Authenticate(id) => self.authentications.push(id),
                Command::Close(id, reason) => self.peers.entry(id).or_default().closed = Some(reason),
            }
        }
    }

    /// Writes what a session is to be sent, as much as its peer takes.
    fn write(&mut self, id: SessionId) {
        let peer = self.peers.entry(id).or_default();
        if self.hub.fill(id, &mut self.batch, MAX_WRITE) {
            let taken = if peer.has_stopped { &[] } else { self.batch.as_bytes() };
            peer.received.extend_from_slice(taken);
            self.hub.sent(self.now, id, &self.batch, taken.len());
        }
    }

    /// Offers the hub what a peer has said.
    fn offer(&mut self, id: SessionId) {
        let peer = self.peers.entry(id).or_default();
        let taken = self.hub.receive(self.now, id, &peer.untaken);
        peer.untaken.drain(..taken);
    }
}

impl fmt::Debug for TestHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestHub").field("now", &self.now).field("peers", &self.peers.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU32;

    use super::*;
    use crate::config::Rate;
    use crate::hub::SayError;

    const MS: Duration = Duration::from_millis(1);

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_line_is_there_for_the_others_when_say_returns() {
        let mut test = TestHub::new(Config::default());
        let (alice, bob, carol) = (test.join("alice"), test.join("bob"), test.connect("classic"));
        assert_eq!(test.read(alice), "* bob joined\n");
        test.say(alice, "hello\nbob");
        assert_eq!(test.read(bob), "alice: hello\nalice: bob\n");
        assert_eq!(test.read(bob), "", "it was read");
        assert_eq!(test.read(carol), "CHAT YWxpY2U= aGVsbG8=\nCHAT YWxpY2U= Ym9i\n");
    }

    #[test]
    fn a_session_that_connects_has_its_welcome_to_read() {
        let mut test = TestHub::new(Config::default());
        let guest = test.connect("text");
        assert!(test.read(guest).starts_with("* welcome, you are guest-1"));
    }

    #[test]
    fn input_beyond_the_rate_is_taken_as_time_passes() {
        let number = |n| NonZeroU32::new(n).expect("not zero");
        let rate = Rate { per_second: number(1), burst: number(2) };
        let mut test = TestHub::new(Config { rate: Some(rate), ..Config::default() });
        let (alice, bob) = (test.join("alice"), test.join("bob"));
        test.say(alice, "1\n2\n3\n4");
        assert_eq!(test.read(bob), "alice: 1\nalice: 2\n");
        test.advance(seconds(1).saturating_sub(MS));
        assert_eq!(test.read(bob), "");
        test.advance(MS);
        assert_eq!(test.read(bob), "alice: 3\n");
        test.advance(seconds(1));
        assert_eq!(test.read(bob), "alice: 4\n");
    }

    #[test]
    fn deadlines_come_at_their_times_however_far_the_clock_is_advanced() {
        let mut test = TestHub::new(Config::default());
        let alice = test.join("alice");
        test.advance(seconds(3_600));
        assert_eq!(test.now(), Timestamp::ZERO + seconds(3_600));
        let read = test.read(alice);
        assert!(read.starts_with("* still there?") && read.ends_with("\n! closed: timed out\n"), "{read}");
        assert_eq!(test.close_reason(alice), Some(CloseReason::Idle));
    }

    #[test]
    #[should_panic(expected = "is closed and says \"hello?\"")]
    fn a_closed_session_says_nothing() {
        let mut test = TestHub::new(Config::default());
        let alice = test.join("alice");
        test.with_hub(|hub, now| hub.kick(now, alice, "out"));
        assert_eq!(test.close_reason(alice), Some(CloseReason::Kicked));
        test.say(alice, "hello?");
    }

    #[test]
    fn one_that_has_stopped_reading_keeps_others_waiting_and_reads_all_when_it_goes_on() {
        let mut test = TestHub::new(Config::default());
        let (host, bob) = (test.with_hub(|hub, now| hub.enter(now, "host")).expect("room"), test.join("bob"));
        test.set_reading(bob, false);
        let line = "x".repeat(1_000);
        let said = (0..10_000).take_while(|_| test.with_hub(|hub, now| hub.say(now, host, &line)).is_ok()).count();
        assert_eq!(test.with_hub(|hub, now| hub.say(now, host, &line)), Err(SayError::NotNow));
        assert_eq!(test.read(bob), "");
        test.set_reading(bob, true);
        assert_eq!(test.read(bob), alloc::format!("host: {line}\n").repeat(said));
        assert_eq!(test.with_hub(|hub, now| hub.say(now, host, "at last")), Ok(()));
        assert_eq!(test.read(bob), "host: at last\n");
    }

    #[test]
    fn one_that_does_not_read_is_closed_as_stalled() {
        let mut test = TestHub::new(Config::default());
        let (alice, bob) = (test.join("alice"), test.join("bob"));
        test.set_reading(bob, false);
        test.say(alice, "bob?");
        test.advance(seconds(30).saturating_sub(MS));
        assert_eq!(test.close_reason(bob), None);
        test.advance(MS);
        assert_eq!(test.close_reason(bob), Some(CloseReason::Stalled));
    }
}
