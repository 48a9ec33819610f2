//! A hub that speaks IRC and the other dialects, and what its peers say and read.

use std::time::Duration;

use chat_proto::dialect::{Classic, Irc, IrcSettings, Text};
use chat_proto::testing::TestHub;
use chat_proto::{Cloak, CloseReason, Config, DialectConfig, Origin, SessionId};

/// The hub with its peers. The server is called `irc.test` and has been started at 17:09:58.123 on 26 November 2026.
pub(crate) struct Net {
    pub(crate) test: TestHub,
}

impl Net {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    /// Makes a hub with other limits.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::of(IrcSettings { network: "Test".into(), ..IrcSettings::default() }, change)
    }

    /// Makes a hub with other settings.
    pub(crate) fn of(settings: IrcSettings, change: impl FnOnce(&mut Config)) -> Self {
        let settings = match settings.server_name.as_str() {
            "irc.localhost" => IrcSettings { server_name: "irc.test".into(), ..settings },
            _ => settings,
        };
        let irc = Irc::new(settings).expect("right settings");
        let mut config = Config {
            dialects: vec![DialectConfig::new(irc), DialectConfig::new(Text), DialectConfig::new(Classic)],
            started: 1_795_712_998_123,
            life: 0xabc,
            rate: None,
            ..Config::default()
        };
        change(&mut config);
        Self { test: TestHub::new(config) }
    }

    /// Opens a session of IRC that has said nothing yet.
    pub(crate) fn connect(&mut self) -> SessionId {
        self.test.connect("irc")
    }

    /// Opens one that comes from somewhere.
    pub(crate) fn connect_from(&mut self, cloak: u64) -> SessionId {
        let origin = Origin::new([1; 16]).with_cloak(Cloak::new(cloak));
        let irc = self.test.hub().dialect("irc").expect("it is spoken");
        self.test.with_hub(|hub, now| hub.open_from(now, irc, Some(origin))).expect("there is room")
    }

    /// Opens a session that is registered under that name, with `~name` as its user.
    pub(crate) fn register(&mut self, name: &str) -> SessionId {
        self.register_with(name, "")
    }

    /// Opens one that has asked for capabilities.
    pub(crate) fn register_with(&mut self, name: &str, caps: &str) -> SessionId {
        let id = self.connect();
        if !caps.is_empty() {
            self.says(id, &format!("CAP REQ :{caps}"));
            let answer = self.read(id);
            assert!(answer.ends_with(&format!(":irc.test CAP * ACK :{caps}\n")), "{answer}");
        }
        self.says(id, &format!("NICK {name}\r\nUSER {name} 0 * :Real {name}\r\nCAP END"));
        let welcome = self.read(id);
        assert!(welcome.contains(&format!(":irc.test 001 {name} ")), "{welcome}");
        id
    }

    /// Opens one that is in a channel.
    pub(crate) fn join(&mut self, name: &str, channel: &str) -> SessionId {
        let id = self.register(name);
        self.says(id, &format!("JOIN {channel}"));
        let joined = self.read(id);
        assert!(joined.ends_with(" :End of /NAMES list\n"), "{joined}");
        id
    }

    /// Opens sessions of `text` that are in a room, called `{name}-0` and so on, and read nothing.
    pub(crate) fn crowd(&mut self, size: usize, name: &str, room: &str) -> Vec<SessionId> {
        let one = |n| {
            let id = self.test.join(&format!("{name}-{n}"));
            self.test.set_reading(id, false);
            if room != "lobby" {
                self.test.say(id, &format!("/join {room}\n/leave lobby"));
            }
            id
        };
        (0..size).map(one).collect()
    }

    /// Sends lines, which end with CRLF.
    #[track_caller]
    pub(crate) fn says(&mut self, id: SessionId, lines: &str) {
        self.test.say(id, &format!("{lines}\r"));
    }

    /// Sends bytes as they are.
    pub(crate) fn sends(&mut self, id: SessionId, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = self.test.with_hub(|hub, now| hub.receive(now, id, rest));
            assert!(taken > 0, "the hub takes no more of {:?}", rest.escape_ascii().to_string());
            rest = &rest[taken..];
        }
    }

    /// Takes what a session was sent. In IRC each line ends with CRLF, of which the CR is left out here.
    #[track_caller]
    pub(crate) fn read(&mut self, id: SessionId) -> String {
        let read = self.test.read(id);
        assert_eq!(read.matches('\r').count(), read.matches("\r\n").count(), "{read:?}");
        assert!(!read.contains(['\0', '\u{fffd}']), "{read:?}");
        read.replace("\r\n", "\n")
    }

    /// Sends lines and checks what the session reads next, each line without its line end. `>` stands for
    /// `:irc.test`.
    #[track_caller]
    pub(crate) fn check(&mut self, id: SessionId, lines: &str, answers: &[&str]) {
        self.says(id, lines);
        self.reads(id, answers);
    }

    /// Checks what a session reads next.
    #[track_caller]
    pub(crate) fn reads(&mut self, id: SessionId, lines: &[&str]) {
        let expected: Vec<String> = lines
            .iter()
            .map(|line| line.strip_prefix("> ").map_or((*line).into(), |line| format!(":irc.test {line}")))
            .collect();
        let read = self.read(id);
        let read: Vec<&str> = read.split_terminator('\n').collect();
        assert_eq!(read, expected);
    }

    /// Drops what sessions were sent so far.
    pub(crate) fn forget(&mut self, ids: &[SessionId]) {
        for id in ids {
            self.test.read(*id);
        }
    }

    pub(crate) fn advance(&mut self, seconds: u64) {
        self.test.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn close_reason(&self, id: SessionId) -> Option<CloseReason> {
        self.test.close_reason(id)
    }
}
