//! Properties of IRC: whatever its clients send, their lines are well-formed, followers agree, and memory is bounded.

use std::time::Duration;

use chat_proto::conversation::{Conversation, Entry};
use chat_proto::dialect::{Classic, Irc, IrcSettings, Text};
use chat_proto::{Batch, Command, Config, DialectConfig, Hub, SessionId, Timestamp};
use chat_tests::alloc::Meter;
use chat_tests::fuzzing::fitted;
use chat_tests::model::CAPABILITIES_OF_IRC;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::config;

/// One call on a hub, for the session of that number.
#[derive(Clone, Debug)]
enum Call {
    Open { dialect: &'static str },
    Say { who: usize, line: Vec<u8> },
    Disconnect { who: usize },
    Announce { words: String },
    Pass { millis: u64 },
    Write { who: usize, most: usize },
}

const COMMANDS: [&str; 46] = [
    "PRIVMSG",
    "PONG",
    "PING",
    "TAGMSG",
    "JOIN",
    "PART",
    "MODE",
    "WHO",
    "NOTICE",
    "NICK",
    "USER",
    "CAP",
    "PASS",
    "TOPIC",
    "NAMES",
    "LIST",
    "INVITE",
    "KICK",
    "WHOIS",
    "WHOWAS",
    "AWAY",
    "ISON",
    "USERHOST",
    "MONITOR",
    "SETNAME",
    "CHATHISTORY",
    "BATCH",
    "AUTHENTICATE",
    "MOTD",
    "LUSERS",
    "VERSION",
    "TIME",
    "INFO",
    "ADMIN",
    "HELP",
    "LINKS",
    "STATS",
    "OPER",
    "KILL",
    "WALLOPS",
    "ERROR",
    "MODE",
    "JOIN",
    "PRIVMSG",
    "001",
    "FOO",
];

/// Words as parameters have them: mostly names that there are, or may be.
fn param() -> impl Strategy<Value = String> {
    let names = select(vec!["ann", "bob", "ANN", "tom", "#tea", "#Tea", "#lobby", "#cake", "#tea,#cake,ann", "0", "*"]);
    let modes =
        select(vec!["+o", "-o", "+v", "+b", "b", "+beI", "+k", "-k", "+l", "+imnst", "-nt", "+mkl-t+vb", "+xyz"]);
    let others = select(vec![
        "LS",
        "302",
        "REQ",
        "END",
        "LIST",
        "LATEST",
        "BEFORE",
        "BETWEEN",
        "TARGETS",
        "msgid=abc-3",
        "timestamp=2026-11-26T17:09:59.123Z",
        "5",
        "%tcuihsnfdlaor,42",
        ">1,T<5",
        "ann!*@*",
        "*!*@*",
        "*?*",
        "u",
        "",
    ]);
    prop_oneof![
        6 => names.prop_map(String::from),
        2 => modes.prop_map(String::from),
        3 => others.prop_map(String::from),
        1 => "[a-z#,*?!@]{1,12}",
        1 => "\\PC{1,12}",
    ]
}

/// The last parameter: words.
fn trailing() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[ -~]{0,60}",
        1 => "\\PC{0,40}",
        1 => "[ -~]{400,600}",
        1 => "(語|🦀|e\u{301}|a ){100,200}",
        1 => "[A-Z]{1,8}".prop_map(|command| format!("\u{1}{command} \u{3}4,12 x\u{2}\u{1}")),
        1 => "[ -~]{0,20}".prop_map(|words| format!("\u{1}ACTION {words}\u{1}")),
    ]
}

/// Lines that are nearly right.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let tags = prop_oneof![
        8 => Just(String::new()),
        1 => "[a-z]{0,5}".prop_map(|label| format!("@label={label} ")),
        1 => "(\\+?[a-z/]{1,5}(=[ -9<-~]{0,8})?;){1,6}".prop_map(|tags| format!("@{} ", tags.replace(' ', "\\s"))),
        1 => (4_000..4_200_usize).prop_map(|len| format!("@+x={} ", "y".repeat(len))),
    ];
    let command = (tags, select(COMMANDS.to_vec()), vec(param(), 0..4), proptest::option::of(trailing()));
    let command = command.prop_map(|(tags, command, params, trailing)| {
        let mut line = format!("{tags}{command}");
        for param in &params {
            line.extend([" ", param]);
        }
        if let Some(words) = &trailing {
            line.extend([" :", words]);
        }
        line.into_bytes()
    });
    prop_oneof![
        14 => command,
        2 => select([&CAPABILITIES_OF_IRC[..], &["nonsense"]].concat()).prop_map(|cap| format!("CAP REQ {cap}").into_bytes()),
        1 => select(vec!["NICK ann", "NICK bob", "NICK tom"]).prop_map(|nick| format!("{nick}\r\nUSER u 0 * :r").into()),
        1 => vec(any::<u8>(), 0..60),
        1 => select(vec!["QUIT", "QUIT :so long", "JOIN #tea", "hello", "/name tom", "/join tea"]).prop_map(Into::into),
    ]
}

fn calls(most: usize) -> impl Strategy<Value = Vec<Call>> {
    let who = 0..5_usize;
    let call = prop_oneof![
        1 => select(vec!["irc", "irc", "irc", "text", "classic"]).prop_map(|dialect| Call::Open { dialect }),
        24 => (who.clone(), line()).prop_map(|(who, line)| Call::Say { who, line }),
        1 => who.clone().prop_map(|who| Call::Disconnect { who }),
        1 => "\\PC{0,300}".prop_map(|words| Call::Announce { words }),
        2 => (0..20_000_u64).prop_map(|millis| Call::Pass { millis }),
        8 => (who, select(vec![0, 1, 50, 700, usize::MAX])).prop_map(|(who, most)| Call::Write { who, most }),
    ];
    vec(call, 20..most)
}

/// Limits that are reached.
fn limits() -> impl Strategy<Value = Config> {
    let name = select(vec![9_usize, 32, 255]);
    (name, any::<bool>(), any::<bool>(), 3..6_usize, 1..40_usize).prop_map(
        |(max_name, paced, rated, max_sessions, entries)| {
            let settings = IrcSettings {
                server_name: if paced { "s".into() } else { "s".repeat(63) },
                network: "n".repeat(63),
                motd: vec!["m".repeat(400)],
                has_operators: paced,
                ..IrcSettings::default()
            };
            let irc = DialectConfig::new(Irc::new(settings).expect("right settings"));
            let default = Config::default();
            fitted(Config {
                max_sessions,
                max_line: 600,
                max_name,
                max_rooms: 3,
                max_rooms_per_session: 2,
                pace: default.pace.filter(|_| paced),
                rate: default.rate.filter(|_| rated),
                log_bytes: 0,
                log_entries: 10 * entries,
                room_log_bytes: 40_000,
                room_log_entries: 10 * entries,
                history: 100 * entries,
                room_history: 100 * entries,
                reply_bytes: 0,
                started: 1_795_712_998_123,
                life: 0xabc,
                dialects: vec![irc, DialectConfig::new(Text), DialectConfig::new(Classic)],
                ..default
            })
        },
    )
}

/// A hub whose heap is measured, and what it has sent to each session.
struct Bench {
    hub: Hub,
    meter: Meter,
    now: Timestamp,
    /// The open sessions; whether each is of IRC, what it was sent, and what it has said that the hub has not taken.
    peers: Vec<(SessionId, bool, Vec<u8>, Vec<u8>)>,
    batch: Batch,
}

impl Bench {
    fn new(config: &Config) -> Self {
        let mut meter = Meter::new();
        let hub = meter.scope(|| Hub::new(config.clone()).expect("valid limits"));
        // It holds whatever is pending, so that filling it allocates nothing.
        let batch = Batch::with_capacity(16 << 20, 10_000);
        Self { hub, meter, now: Timestamp::ZERO, peers: Vec::new(), batch }
    }

    /// Makes a call; returns what a session that was closed had been sent.
    fn make(&mut self, call: &Call) -> Option<Vec<u8>> {
        let Self { hub, meter, now, peers, .. } = self;
        let at = |who: usize| who % peers.len().max(1);
        match call {
            Call::Open { dialect } => {
                let id = hub.dialect(dialect).expect("it is spoken");
                let opened = meter.scope(|| hub.open(*now, id));
                peers.extend(opened.ok().map(|id| (id, *dialect == "irc", Vec::new(), Vec::new())));
            }
            Call::Say { who, line } => {
                let who = at(*who);
                if let Some((_, _, _, said)) = peers.get_mut(who).filter(|(.., said)| said.len() < 20_000) {
                    said.extend_from_slice(line);
                    said.extend_from_slice(b"\r\n");
                    self.offer(who);
                }
            }
            Call::Disconnect { who } => {
                if let Some((id, ..)) = peers.get(at(*who)) {
                    meter.scope(|| hub.disconnect(*now, *id));
                }
            }
            Call::Announce { words } => meter.scope(|| hub.announce(*now, words)),
            Call::Pass { millis } => {
                *now = *now + Duration::from_millis(*millis);
                meter.scope(|| hub.handle_timeout(*now));
            }
            Call::Write { who, most } => {
                let who = at(*who);
                self.write(who, *most);
            }
        }
        self.command()
    }

    fn offer(&mut self, who: usize) {
        let (id, _, _, said) = &mut self.peers[who];
        let taken = self.meter.scope(|| self.hub.receive(self.now, *id, said));
        said.drain(..taken);
    }

    fn write(&mut self, who: usize, most: usize) {
        let Self { hub, meter, now, peers, batch } = self;
        let Some((id, _, sent, _)) = peers.get_mut(who) else { return };
        if meter.scope(|| hub.fill(*id, batch, usize::MAX)) {
            let taken = most.min(batch.as_bytes().len());
            meter.scope(|| hub.sent(*now, *id, batch, taken));
            sent.extend_from_slice(&batch.as_bytes()[..taken]);
        }
    }

    /// Carries out a command, or begins to: bytes are written by other calls.
    fn command(&mut self) -> Option<Vec<u8>> {
        let command = self.meter.scope(|| self.hub.poll_command())?;
        let (Command::Send(id) | Command::Read(id) | Command::Authenticate(id) | Command::Close(id, _)) = command;
        let who = self.peers.iter().position(|(known, ..)| *known == id)?;
        match command {
            Command::Send(_) => None,
            Command::Authenticate(_) => {
                // Half of the passwords are right.
                self.meter.scope(|| self.hub.authenticated(self.now, id, id.slot() % 2 == 0));
                None
            }
            Command::Read(_) => {
                self.offer(who);
                None
            }
            Command::Close(..) => {
                let (_, is_irc, sent, _) = self.peers.remove(who);
                is_irc.then_some(sent)
            }
        }
    }
}

/// Checks that what a client was sent is lines of IRC; the last may be cut.
fn check_lines(sent: &[u8]) -> Result<(), TestCaseError> {
    for line in sent.split_inclusive(|byte| *byte == b'\n') {
        let Some(whole) = line.strip_suffix(b"\n") else { break };
        let shown = line.escape_ascii().to_string();
        let text = std::str::from_utf8(whole);
        let text = text.ok().and_then(|text| text.strip_suffix('\r'));
        prop_assert!(text.is_some_and(|text| !text.contains(['\0', '\r'])), "{}", shown);
        let text = text.unwrap_or_default();
        let (tags, body) = match text.strip_prefix('@') {
            Some(tagged) => tagged.split_once(' ').unwrap_or((tagged, "")),
            None => ("", text),
        };
        prop_assert!(body.len() <= 510 && tags.len() <= 8_189, "{} bytes: {}", body.len(), shown);
        let command = body.split(' ').nth(usize::from(body.starts_with(':'))).unwrap_or_default();
        prop_assert!(command.len() >= 3 && command.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{}", shown);
        let source = body.split(' ').next().unwrap_or_default();
        prop_assert!(!body.starts_with(':') || source.len() > 1, "{}", shown);
    }
    Ok(())
}

/// Gives a follower the new entries, as bytes; afterwards both must be in the same state. Returns none if it has missed
/// entries: those of rooms that have ended are not kept.
fn follow(mut follower: Conversation, conversation: &Conversation) -> Result<Option<Conversation>, TestCaseError> {
    let mut bytes = Vec::new();
    for (number, entry) in conversation.entries(follower.applied()) {
        if number != follower.applied() {
            return Ok(None);
        }
        bytes.clear();
        entry.encode(&mut bytes);
        let (decoded, _) = Entry::decode(&bytes).expect("what was encoded");
        prop_assert_eq!(follower.apply(&decoded), Ok(()));
    }
    if follower.applied() < conversation.applied() {
        return Ok(None);
    }
    prop_assert_eq!(follower.digest(), conversation.digest());
    Ok(Some(follower))
}

proptest! {
    #![proptest_config(config(96))]

    #[test]
    fn clients_are_sent_lines_of_irc_followers_agree_and_memory_is_bounded(config in limits(), calls in calls(200)) {
        let bound = i64::try_from(config.memory_bound()).expect("a sensible bound");
        let mut follower = Some(Conversation::new(&config).expect("valid limits"));
        let mut bench = Bench::new(&config);
        for dialect in ["irc", "irc", "text"] {
            bench.make(&Call::Open { dialect });
        }
        for (who, name) in ["ann", "bob"].into_iter().enumerate() {
            let line = format!("NICK {name}\r\nUSER u 0 * :r\r\nJOIN #tea\r\nCAP REQ :server-time message-tags");
            bench.make(&Call::Say { who, line: line.into_bytes() });
        }
        for call in &calls {
            if let Some(sent) = bench.make(call) {
                check_lines(&sent)?;
            }
            if let Some(replica) = follower.take() {
                follower = follow(replica, bench.hub.conversation())?;
            }
            prop_assert!(bench.meter.peak <= bound, "{} bytes, over {bound}", bench.meter.peak);
        }
        for who in 0..bench.peers.len() {
            for _ in 0..200 {
                bench.write(who, usize::MAX);
            }
        }
        for (_, is_irc, sent, _) in &bench.peers {
            if *is_irc {
                check_lines(sent)?;
            }
        }
        let Bench { hub, mut meter, .. } = bench;
        meter.scope(|| drop(hub));
        prop_assert_eq!(meter.live, 0, "nothing is left behind");
    }
}
