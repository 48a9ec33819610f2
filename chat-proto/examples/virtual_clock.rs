//! How to test your own bot: people, bot and hub in memory, and a clock that is a number, with `chat_proto::testing`.
//!
//! ```console
//! $ cargo test --example virtual_clock   # the tests at the end of this file
//! $ cargo run --example virtual_clock    # simulates a year, and prints how long that took
//! ```
//!
//! The bot is a program that would connect to the text port like any other client. It is written like the hub: bytes
//! and time in, bytes out. So a test can run through a year of deadlines in no time, and in the same way every time.

use std::time::{Duration, Instant};

use chat_proto::testing::TestHub;
use chat_proto::{Config, SessionId, Timestamp};

/// The bot under test: `/msg clock 600 tea` makes it say `tea` to the sender, 600 seconds later.
struct Reminder {
    /// Messages to send, each with its time, the earliest first.
    reminders: Vec<(Timestamp, String)>,
    /// When it must send its next ping: the hub closes silent sessions.
    ping_at: Timestamp,
    /// The start of a line that is not complete yet.
    begun: Vec<u8>,
}

/// Half of what the text dialect allows by default.
const PING_EVERY: Duration = Duration::from_secs(300);

impl Reminder {
    const HELLO: &str = "/name clock";

    fn new(now: Timestamp) -> Self {
        Self { reminders: Vec::new(), ping_at: now + PING_EVERY, begun: Vec::new() }
    }

    /// Takes bytes from the server.
    fn receive(&mut self, now: Timestamp, bytes: &[u8]) {
        self.begun.extend_from_slice(bytes);
        while let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.begun.drain(..=end).collect();
            if let Some(reminder) = Self::parse(now, &String::from_utf8_lossy(&line)) {
                let index = self.reminders.partition_point(|(at, _)| *at <= reminder.0);
                self.reminders.insert(index, reminder);
            }
        }
    }

    /// Parses `NAME -> you: SECONDS WORDS`.
    fn parse(now: Timestamp, line: &str) -> Option<(Timestamp, String)> {
        let (name, words) = line.trim_end().split_once(" -> you: ")?;
        let (seconds, words) = words.split_once(' ')?;
        Some((now + Duration::from_secs(seconds.parse().ok()?), format!("/msg {name} {words}")))
    }

    /// Returns when it wants to be called next.
    fn poll_timeout(&self) -> Timestamp {
        self.reminders.first().map_or(self.ping_at, |(at, _)| self.ping_at.min(*at))
    }

    /// Returns the lines that it sends now.
    fn handle_timeout(&mut self, now: Timestamp) -> Vec<String> {
        let due = self.reminders.partition_point(|(at, _)| *at <= now);
        let mut lines: Vec<String> = self.reminders.drain(..due).map(|(_, line)| line).collect();
        if self.ping_at <= now {
            self.ping_at = now + PING_EVERY;
            lines.push("/ping".into());
        }
        lines
    }
}

/// A hub with its people and the bot.
struct World {
    test: TestHub,
    bot: (SessionId, Reminder),
}

impl World {
    fn new() -> Self {
        let mut test = TestHub::new(Config::default());
        let id = test.connect("text");
        test.say(id, Reminder::HELLO);
        let bot = Reminder::new(test.now());
        Self { test, bot: (id, bot) }
    }

    /// Sends a line from a session, and lets the bot read what it is sent because of that.
    fn say(&mut self, id: SessionId, line: &str) {
        self.test.say(id, line);
        self.bot.1.receive(self.test.now(), self.test.read(self.bot.0).as_bytes());
    }

    /// Lets time pass, from deadline to deadline, whether of the hub or of the bot.
    fn pass(&mut self, time: Duration) {
        let end = self.test.now() + time;
        while self.test.now() < end {
            let next = self.test.hub().poll_timeout().unwrap_or(end).min(self.bot.1.poll_timeout()).min(end);
            self.test.advance(next.saturating_duration_since(self.test.now()));
            self.bot.1.receive(next, self.test.read(self.bot.0).as_bytes());
            for line in self.bot.1.handle_timeout(next) {
                self.say(self.bot.0, &line);
            }
        }
    }
}

fn main() {
    let started = Instant::now();
    let mut world = World::new();
    let alice = world.test.join("alice");
    world.say(alice, "/msg clock 500 tea");
    world.pass(Duration::from_secs(365 * 24 * 60 * 60));
    print!("{}", world.test.read(alice));
    println!("a year took {:?}", started.elapsed());
}

#[cfg(test)]
mod tests {
    use chat_proto::CloseReason;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    /// One millisecond less than `n` seconds.
    fn just_under(n: u64) -> Duration {
        seconds(n).saturating_sub(MS)
    }

    #[test]
    fn a_reminder_comes_on_time_and_not_before() {
        let mut world = World::new();
        let (alice, bob) = (world.test.join("alice"), world.test.join("bob"));
        world.say(alice, "/msg clock 500 tea\n/msg clock 20 the post");
        world.test.read(alice);
        world.pass(just_under(20));
        assert_eq!(world.test.read(alice), "");
        world.pass(MS);
        assert_eq!(world.test.read(alice), "clock -> you: the post\n");
        world.pass(seconds(480));
        assert_eq!(world.test.read(alice), "clock -> you: tea\n");
        assert_eq!(world.test.read(bob), "", "it is nobody else's");
    }

    #[test]
    fn a_reminder_for_someone_who_has_left_is_harmless() {
        let mut world = World::new();
        let alice = world.test.join("alice");
        world.say(alice, "/msg clock 60 tea\n/quit");
        world.pass(seconds(60));
        let bob = world.test.join("bob");
        world.say(bob, "/msg clock 60 coffee");
        world.test.read(bob);
        world.pass(seconds(60));
        assert_eq!(world.test.read(bob), "clock -> you: coffee\n");
    }

    #[test]
    fn silence_ends_a_session() {
        let mut world = World::new();
        let alice = world.test.join("alice");
        world.pass(just_under(600));
        assert_eq!(world.test.close_reason(alice), None);
        assert!(world.test.read(alice).starts_with("* still there?"));
        world.pass(MS);
        assert_eq!(world.test.close_reason(alice), Some(CloseReason::Idle));
        assert_eq!(world.test.read(alice), "! closed: timed out\n");
    }

    #[test]
    fn a_year_passes_and_the_bot_is_still_there() {
        // It would panic if the bot were closed.
        main();
    }

    #[test]
    fn a_person_who_does_not_read_is_closed_and_the_bot_goes_on() {
        let mut world = World::new();
        let (alice, bob) = (world.test.join("alice"), world.test.join("bob"));
        world.test.set_reading(bob, false);
        world.say(alice, "bob?\n/msg clock 40 tea");
        world.pass(just_under(30));
        assert_eq!(world.test.close_reason(bob), None);
        world.pass(MS);
        assert_eq!(world.test.close_reason(bob), Some(CloseReason::Stalled));
        world.pass(seconds(10));
        assert!(world.test.read(alice).ends_with("* bob left (not reading)\nclock -> you: tea\n"));
    }

    #[test]
    fn a_repeated_run_gives_the_same_bytes() {
        let play = || {
            let mut world = World::new();
            let alice = world.test.join("alice");
            world.say(alice, "/msg clock 7 x\n/msg clock 7 y\n/msg clock 3 z");
            world.pass(seconds(1_000));
            world.test.read(alice)
        };
        assert_eq!(play(), play());
    }
}
