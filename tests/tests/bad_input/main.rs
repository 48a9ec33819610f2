//! What the world will send, row by row, against the core: bytes in.
//!
//! Each test does one bad thing while two others talk. Whatever it is, they must notice nothing of it but what the rules
//! say, memory must stay within its bound, and the offender must get a clear answer or a close with a reason. The table
//! in this package's README.md says which test tries what.

mod coming_back;
mod encoding;
mod flood;
mod framing;
mod identity;
mod injection;
mod limits;
mod misuse;
mod pace;
mod slow;
mod time;
mod wrong_protocol;

use std::ops::Range;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chat_proto::{Command, Config, SessionId};
use chat_tests::room::Room;

/// A room with two who talk with each other and one who means no good.
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

    /// Reads away what everyone is to be sent.
    fn quiet(&mut self) {
        for id in self.room.hub.sessions().collect::<Vec<_>>() {
            self.room.read(id);
        }
    }

    /// The offender types; returns what it is answered.
    fn offends(&mut self, bytes: impl AsRef<[u8]>) -> String {
        self.room.asks(self.offender, bytes)
    }

    /// What bob has heard since he last looked.
    fn bob_hears(&mut self) -> String {
        self.room.read(self.bob)
    }

    /// The others are as well as ever: they heard nothing of it, and they hear each other.
    #[track_caller]
    fn unharmed(&mut self) {
        assert_eq!(self.bob_hears(), "", "nothing of it reached the others");
        self.room.read(self.alice);
        self.room.types(self.alice, "still here?\n");
        assert_eq!(self.bob_hears(), "alice: still here?\n");
        self.room.types(self.bob, "yes\n");
        assert_eq!(self.room.read(self.alice), "bob: yes\n");
    }

    /// The offender is still there, and heard like anyone.
    #[track_caller]
    fn still_welcome(&mut self) {
        self.quiet();
        self.room.types(self.offender, "sorry\n");
        let heard = self.bob_hears();
        assert!(heard.ends_with(": sorry\n"), "{heard}");
    }

    /// The reason for which the offender's connection is to be closed, if it is.
    fn closed(&mut self) -> Option<chat_proto::CloseReason> {
        self.room.read(self.offender);
        let offender = self.offender;
        self.room.commands().into_iter().find_map(|command| match command {
            Command::Close(id, reason) if id == offender => Some(reason),
            _ => None,
        })
    }
}

/// A line of the classic dialect that says the words under the name.
fn chat(name: impl AsRef<[u8]>, words: impl AsRef<[u8]>) -> String {
    format!("CHAT {} {}\n", BASE64_STANDARD.encode(name), BASE64_STANDARD.encode(words))
}

/// The lines that are made of these numbers, one after another.
fn lines(numbers: Range<usize>, line: impl Fn(usize) -> String) -> String {
    numbers.map(line).collect()
}
