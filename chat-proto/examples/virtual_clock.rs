//! How to test your own bot: people, bot and hub in memory, and a clock that is a number.
//!
//! ```console
//! $ cargo test --example virtual_clock   # the tests at the end of this file
//! $ cargo run --example virtual_clock    # simulates a year, and prints how long that took
//! ```
//!
//! The bot is a program that would connect to the text port like any other client. It is written like the hub: bytes
//! and time in, bytes out. So a test can run through a year of deadlines in no time, and in the same way every time.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chat_proto::{Batch, CloseReason, Command, Config, Hub, SessionId, Timestamp};

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
    const HELLO: &str = "/name clock\n";

    fn new(now: Timestamp) -> Self {
        Self { reminders: Vec::new(), ping_at: now + PING_EVERY, begun: Vec::new() }
    }

    /// Takes bytes from the server.
    fn receive(&mut self, now: Timestamp, bytes: &[u8]) {
        self.begun.extend_from_slice(bytes);
        while let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.begun.drain(..=end).collect();
            if let Some(reminder) = Self::parse(now, &String::from_utf8_lossy(&line)) {
                let place = self.reminders.partition_point(|(at, _)| *at <= reminder.0);
                self.reminders.insert(place, reminder);
            }
        }
    }

    /// Parses `NAME -> you: SECONDS WORDS`.
    fn parse(now: Timestamp, line: &str) -> Option<(Timestamp, String)> {
        let (name, words) = line.trim_end().split_once(" -> you: ")?;
        let (seconds, words) = words.split_once(' ')?;
        Some((now + Duration::from_secs(seconds.parse().ok()?), format!("/msg {name} {words}\n")))
    }

    /// Returns when it wants to be called next.
    fn poll_timeout(&self) -> Timestamp {
        self.reminders.first().map_or(self.ping_at, |(at, _)| self.ping_at.min(*at))
    }

    /// Returns what it sends now.
    fn handle_timeout(&mut self, now: Timestamp) -> String {
        let due = self.reminders.partition_point(|(at, _)| *at <= now);
        let mut said: String = self.reminders.drain(..due).map(|(_, line)| line).collect();
        if self.ping_at <= now {
            self.ping_at = now + PING_EVERY;
            said.push_str("/ping\n");
        }
        said
    }
}

/// A hub and all its peers, in memory.
struct World {
    hub: Hub,
    now: Timestamp,
    people: HashMap<SessionId, Person>,
    bot: (SessionId, Reminder),
}

/// The peer's end of a connection.
#[derive(Default)]
struct Person {
    screen: String,
    /// It reads nothing: its socket takes no byte.
    asleep: bool,
    closed: Option<CloseReason>,
}

impl World {
    fn new() -> Self {
        let (mut hub, now) = (Hub::new(Config::default()).expect("the defaults are in range"), Timestamp::ZERO);
        let text = hub.dialect("text").expect("it is spoken by default");
        let id = hub.open(now, text).expect("there is room for one");
        let mut world = Self { hub, now, people: HashMap::new(), bot: (id, Reminder::new(now)) };
        world.say(id, Reminder::HELLO);
        world
    }

    /// Connects someone.
    fn join(&mut self, name: &str) -> SessionId {
        let text = self.hub.dialect("text").expect("it is spoken by default");
        let id = self.hub.open(self.now, text).expect("there is room for a few");
        self.people.insert(id, Person::default());
        self.say(id, &format!("/name {name}\n"));
        self.screen(id);
        id
    }

    /// Sends lines from a session, and processes everything that follows at once.
    fn say(&mut self, id: SessionId, lines: &str) {
        let taken = self.hub.receive(self.now, id, lines.as_bytes());
        assert_eq!(taken, lines.len(), "nobody here talks faster than the rate");
        self.settle();
    }

    /// Takes what a person has been sent since the last call.
    fn screen(&mut self, id: SessionId) -> String {
        std::mem::take(&mut self.people.get_mut(&id).expect("it was connected").screen)
    }

    /// Lets time pass, from deadline to deadline, whether of the hub or of the bot.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let next = self.hub.poll_timeout().unwrap_or(Timestamp::MAX).min(self.bot.1.poll_timeout());
            if next > end {
                break;
            }
            self.now = next;
            self.hub.handle_timeout(next);
            let said = self.bot.1.handle_timeout(next);
            self.say(self.bot.0, &said);
        }
        self.now = end;
    }

    /// Carries out the hub's commands until there are none.
    fn settle(&mut self) {
        let mut batch = Batch::new();
        while let Some(command) = self.hub.poll_command() {
            match command {
                Command::Send(id) => {
                    self.hub.fill(id, &mut batch, 64 << 10);
                    let asleep = self.people.get(&id).is_some_and(|person| person.asleep);
                    let taken = if asleep { &[][..] } else { batch.as_bytes() };
                    self.hub.sent(self.now, id, &batch, taken.len());
                    match self.people.get_mut(&id) {
                        Some(person) => person.screen += &String::from_utf8_lossy(taken),
                        None => self.bot.1.receive(self.now, taken),
                    }
                }
                Command::Read(_) => {} // `say` leaves nothing untaken.
                Command::Close(id, reason) => match self.people.get_mut(&id) {
                    Some(person) => person.closed = Some(reason),
                    None => panic!("the bot was closed: {reason}"),
                },
            }
        }
    }
}

fn main() {
    let started = Instant::now();
    let mut world = World::new();
    let alice = world.join("alice");
    world.say(alice, "/msg clock 500 tea\n");
    world.pass(Duration::from_secs(365 * 24 * 60 * 60));
    print!("{}", world.screen(alice));
    println!("a year took {:?}", started.elapsed());
}

#[cfg(test)]
mod tests {
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
        let (alice, bob) = (world.join("alice"), world.join("bob"));
        world.say(alice, "/msg clock 500 tea\n/msg clock 20 the post\n");
        world.screen(alice);
        world.pass(just_under(20));
        assert_eq!(world.screen(alice), "");
        world.pass(MS);
        assert_eq!(world.screen(alice), "clock -> you: the post\n");
        world.pass(seconds(480));
        assert_eq!(world.screen(alice), "clock -> you: tea\n");
        assert_eq!(world.screen(bob), "", "it is nobody else's");
    }

    #[test]
    fn a_reminder_for_someone_who_has_left_is_harmless() {
        let mut world = World::new();
        let alice = world.join("alice");
        world.say(alice, "/msg clock 60 tea\n/quit\n");
        world.pass(seconds(60));
        let bob = world.join("bob");
        world.say(bob, "/msg clock 60 coffee\n");
        world.screen(bob);
        world.pass(seconds(60));
        assert_eq!(world.screen(bob), "clock -> you: coffee\n");
    }

    #[test]
    fn silence_ends_a_session() {
        let mut world = World::new();
        let alice = world.join("alice");
        world.pass(just_under(600));
        assert_eq!(world.people[&alice].closed, None);
        assert!(world.screen(alice).starts_with("* still there?"));
        world.pass(MS);
        assert_eq!(world.people[&alice].closed, Some(CloseReason::Idle));
        assert_eq!(world.screen(alice), "! closed: timed out\n");
    }

    #[test]
    fn a_year_passes_and_the_bot_is_still_there() {
        // It would panic if the bot were closed.
        main();
    }

    #[test]
    fn a_person_who_does_not_read_is_closed_and_the_bot_goes_on() {
        let mut world = World::new();
        let (alice, bob) = (world.join("alice"), world.join("bob"));
        world.people.get_mut(&bob).expect("bob is here").asleep = true;
        world.say(alice, "bob?\n/msg clock 40 tea\n");
        world.pass(just_under(30));
        assert_eq!(world.people[&bob].closed, None);
        world.pass(MS);
        assert_eq!(world.people[&bob].closed, Some(CloseReason::Stalled));
        world.pass(seconds(10));
        assert!(world.screen(alice).ends_with("* bob left (not reading)\nclock -> you: tea\n"));
    }

    #[test]
    fn a_repeated_run_gives_the_same_bytes() {
        let play = || {
            let mut world = World::new();
            let alice = world.join("alice");
            world.say(alice, "/msg clock 7 x\n/msg clock 7 y\n/msg clock 3 z\n");
            world.pass(seconds(1_000));
            world.screen(alice)
        };
        assert_eq!(play(), play());
    }
}
