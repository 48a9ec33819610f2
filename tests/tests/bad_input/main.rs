//! Bad input to the core, one file for each row of the table in this package's README.md.
//!
//! In each test a third session does one bad thing while two others talk. The two must be affected only as the rules
//! allow, memory must stay within its bound, and the offender must get a clear answer or a close with a reason. The
//! table lists the tests of each row.

mod coming_back;
mod encoding;
mod flood;
mod framing;
mod identity;
mod injection;
mod limits;
mod misuse;
mod moderation;
mod pace;
mod rooms;
mod slow;
mod time;
mod wrong_protocol;

use std::ops::Range;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chat_proto::{Command, Config, SessionId};
use chat_tests::room::Room;

/// A room with two members who talk to each other, and an offender.
struct Scene {
    room: Room,
    alice: SessionId,
    bob: SessionId,
    /// Speaks `text`, unnamed.
    offender: SessionId,
}

impl Scene {
    fn new() -> Self {
        Self::with(Config { rate: None, ..Config::default() })
    }

    fn with(config: Config) -> Self {
        let mut room = Room::new(config);
        let [alice, bob] = ["alice", "bob"].map(|name| room.enter_as(name));
        let offender = room.enter("text");
        let mut scene = Self { room, alice, bob, offender };
        scene.quiet();
        scene
    }

    /// Reads and drops what is pending for all.
    fn quiet(&mut self) {
        for id in self.room.hub.sessions().collect::<Vec<_>>() {
            self.room.read(id);
        }
    }

    /// Sends bytes from the offender; returns the answer.
    fn offends(&mut self, bytes: impl AsRef<[u8]>) -> String {
        self.room.asks(self.offender, bytes)
    }

    /// Returns what bob was sent since the last call.
    fn bob_hears(&mut self) -> String {
        self.room.read(self.bob)
    }

    /// Asserts that the others were sent nothing, and that they still receive each other's messages.
    #[track_caller]
    fn unharmed(&mut self) {
        assert_eq!(self.bob_hears(), "", "the others were sent something");
        self.room.read(self.alice);
        self.room.types(self.alice, "still here?\n");
        assert_eq!(self.bob_hears(), "alice: still here?\n");
        self.room.types(self.bob, "yes\n");
        assert_eq!(self.room.read(self.alice), "bob: yes\n");
    }

    /// Asserts that the offender is still connected and that its messages are published.
    #[track_caller]
    fn still_welcome(&mut self) {
        self.quiet();
        self.room.types(self.offender, "sorry\n");
        let heard = self.bob_hears();
        assert!(heard.ends_with(": sorry\n"), "{heard}");
    }

    /// Returns the reason for closing the offender's connection, if it is to be closed.
    fn closed(&mut self) -> Option<chat_proto::CloseReason> {
        self.room.read(self.offender);
        let offender = self.offender;
        self.room.commands().into_iter().find_map(|command| match command {
            Command::Close(id, reason) if id == offender => Some(reason),
            _ => None,
        })
    }
}

/// Returns a `CHAT` line of the classic dialect.
fn chat(name: impl AsRef<[u8]>, words: impl AsRef<[u8]>) -> String {
    format!("CHAT {} {}\n", BASE64_STANDARD.encode(name), BASE64_STANDARD.encode(words))
}

/// Returns the lines for all the numbers, concatenated.
fn lines(numbers: Range<usize>, line: impl Fn(usize) -> String) -> String {
    numbers.map(line).collect()
}
