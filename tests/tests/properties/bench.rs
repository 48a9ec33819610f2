//! Random calls on a hub, and a hub whose heap is measured.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chat_proto::dialect::{Classic, Text};
use chat_proto::{Batch, Command, Config, DialectConfig, Hub, OnLag, SessionId, Timestamp};
use chat_tests::alloc::Meter;
use chat_tests::output::roomy_batch;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// One call on a hub.
#[derive(Clone, Debug)]
pub(super) enum Call {
    Open { classic: bool },
    Receive { who: usize, bytes: Vec<u8> },
    Eof { who: usize },
    Disconnect { who: usize },
    Kick { who: usize, why: String },
    Announce { words: String },
    Timeout,
    Pass { nanos: u64 },
    Command,
    Write { who: usize, most: usize },
    ShutDown,
}

/// The rooms that may begin, the lobby, and names that no room has.
pub(super) const ROOMS: [&str; 6] = ["tea", "Tea", "rust", "lobby", "x.y", ""];

/// Input from peers: valid lines, nearly valid lines, and random bytes.
pub(super) fn typing() -> impl Strategy<Value = Vec<u8>> {
    let names = select(vec!["alice", "Bob", "bob", "carol", "server", "guest-2", "x y", ""]);
    let words = prop_oneof!["[ -~]{0,80}", "\\PC{0,20}", any::<String>().prop_map(|s| s.chars().take(30).collect())];
    let rooms = select(ROOMS.to_vec());
    let in_rooms = select(vec!["topic", "kick", "ban", "unban", "op", "deop", "voice", "devoice", "invite"]);
    let alone = vec!["/who", "/rooms", "/history", "/ban", "/ping", "/help", "/me waves", "/quit", "/"];
    let encode = |s: &str| BASE64_STANDARD.encode(s);
    let line = prop_oneof![
        4 => words.clone().prop_map(String::into_bytes),
        3 => (names.clone(), words.clone()).prop_map(move |(n, w)| format!("CHAT {} {}", encode(n), encode(&w)).into()),
        1 => names.clone().prop_map(move |name| format!("NAME {}", encode(name)).into()),
        2 => names.clone().prop_map(|name| format!("/name {name}").into()),
        1 => (names.clone(), words.clone()).prop_map(|(name, words)| format!("/msg {name} {words}").into()),
        4 => (in_rooms, names, words).prop_map(|(verb, name, words)| format!("/{verb} {name} {words}").into()),
        3 => (select(vec!["join", "leave", "who"]), rooms).prop_map(|(verb, room)| format!("/{verb} {room}").into()),
        1 => select(alone).prop_map(|line| line.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..100),
    ];
    let end = select(vec!["\n", "\n", "\n", "\r\n", ""]);
    vec((line, end), 1..4)
        .prop_map(|lines| lines.into_iter().flat_map(|(line, end)| [&line, end.as_bytes()].concat()).collect())
}

pub(super) fn calls(most: usize) -> impl Strategy<Value = Vec<Call>> {
    let who = 0..6_usize;
    let call = prop_oneof![
        3 => any::<bool>().prop_map(|classic| Call::Open { classic }),
        8 => (who.clone(), typing()).prop_map(|(who, bytes)| Call::Receive { who, bytes }),
        1 => who.clone().prop_map(|who| Call::Eof { who }),
        1 => who.clone().prop_map(|who| Call::Disconnect { who }),
        1 => (who.clone(), "\\PC{0,30}").prop_map(|(who, why)| Call::Kick { who, why }),
        1 => "\\PC{0,200}".prop_map(|words| Call::Announce { words }),
        2 => Just(Call::Timeout),
        2 => (0..3_000_000_000_u64).prop_map(|nanos| Call::Pass { nanos }),
        4 => Just(Call::Command),
        6 => (who, select(vec![0, 1, 7, 50, 1_000, usize::MAX])).prop_map(|(who, most)| Call::Write { who, most }),
        1 => Just(Call::ShutDown),
    ];
    vec(call, 1..most)
}

/// Limits so tight that all of them are reached.
pub(super) fn tight() -> impl Strategy<Value = Config> {
    let timeouts = select(vec![None, Some(Duration::from_millis(700)), Some(Duration::from_secs(2))]);
    let dialect = |dialect| {
        (timeouts.clone(), select(vec![0_usize, 3])).prop_map(move |(idle_timeout, backlog)| DialectConfig {
            idle_timeout,
            backlog,
            ..DialectConfig::clone(&dialect)
        })
    };
    let lag = select(vec![OnLag::Skip, OnLag::Close]);
    let dialects = (dialect(DialectConfig::new(Classic)), dialect(DialectConfig::new(Text)));
    (1..5_usize, 1..6_usize, any::<bool>(), lag, timeouts, dialects).prop_map(
        |(max_sessions, log_entries, limited, on_lag, stall_timeout, dialects)| {
            let default = Config::default();
            Config {
                max_sessions,
                max_line: 100,
                max_name: 16,
                // A pace needs a log of ten messages at least.
                pace: default.pace.filter(|_| log_entries > 3),
                log_bytes: if log_entries > 3 { 20_000 } else { 2_000 },
                log_entries: if log_entries > 3 { 3 * log_entries } else { log_entries },
                reply_bytes: 4_000,
                journal_records: 8,
                rate: default.rate.filter(|_| limited),
                on_lag,
                stall_timeout,
                linger_timeout: Duration::from_secs(1),
                dialects: vec![dialects.0, dialects.1],
                ..default
            }
        },
    )
}

/// A hub whose heap is measured, and its driver's record of every session ever opened.
pub(super) struct Bench {
    pub(super) hub: Hub,
    pub(super) meter: Meter,
    pub(super) now: Timestamp,
    pub(super) ids: Vec<SessionId>,
    pub(super) gone: Vec<SessionId>,
    /// Sessions with a `Send` for which the driver has not yet written everything.
    pub(super) told: Vec<SessionId>,
    pub(super) seen: Vec<(SessionId, Vec<u8>)>,
    /// Holds whatever is pending, so that filling it allocates nothing.
    batch: Batch,
}

impl Bench {
    pub(super) fn new(config: &Config) -> Self {
        let mut meter = Meter::new();
        let hub = meter.scope(|| Hub::new(config.clone()).expect("valid limits"));
        let (ids, gone, told, seen) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { hub, meter, now: Timestamp::ZERO, ids, gone, told, seen, batch: roomy_batch(config) }
    }

    pub(super) fn hub<T>(&mut self, f: impl FnOnce(&mut Hub, Timestamp) -> T) -> T {
        let Self { hub, meter, now, .. } = self;
        meter.scope(|| f(hub, *now))
    }

    pub(super) fn make(&mut self, call: &Call) {
        match call {
            Call::Open { classic } => {
                let dialect = self.hub.dialect(if *classic { "classic" } else { "text" }).expect("both are spoken");
                let opened = self.hub(|hub, now| hub.open(now, dialect));
                self.ids.extend(opened.ok());
            }
            Call::Announce { words } => self.hub(|hub, now| hub.announce(now, words)),
            Call::Timeout => self.hub(Hub::handle_timeout),
            Call::Pass { nanos } => self.now = self.now + Duration::from_nanos(*nanos),
            Call::Command => drop(self.command()),
            Call::ShutDown => self.hub(Hub::shut_down),
            Call::Receive { who, bytes } => self.with(*who, |hub, now, id| _ = hub.receive(now, id, bytes)),
            Call::Eof { who } => self.with(*who, Hub::receive_eof),
            Call::Disconnect { who } => self.with(*who, Hub::disconnect),
            Call::Kick { who, why } => self.with(*who, |hub, now, id| hub.kick(now, id, why)),
            Call::Write { who, most } => {
                if let Some(id) = self.id(*who) {
                    self.write(id, *most);
                }
            }
        }
    }

    /// Returns one of the open sessions.
    fn id(&self, who: usize) -> Option<SessionId> {
        self.ids.get(who % self.ids.len().max(1)).copied()
    }

    fn with(&mut self, who: usize, f: impl FnOnce(&mut Hub, Timestamp, SessionId)) {
        if let Some(id) = self.id(who) {
            self.hub(|hub, now| f(hub, now, id));
        }
    }

    /// Writes up to `most` pending bytes to a session.
    pub(super) fn write(&mut self, id: SessionId, most: usize) {
        let Self { hub, meter, now, batch, .. } = self;
        meter.scope(|| hub.fill(id, batch, usize::MAX));
        let bytes = batch.as_bytes();
        if most >= bytes.len() {
            self.told.retain(|other| *other != id);
        }
        let taken = most.min(bytes.len());
        meter.scope(|| hub.sent(*now, id, batch, taken));
        self.seen.push((id, bytes[..taken].to_vec()));
    }

    /// Polls a command, which may be carried out later.
    pub(super) fn command(&mut self) -> Option<Command> {
        let command = self.hub(|hub, _| hub.poll_command());
        match command {
            Some(Command::Send(id)) => self.told.push(id),
            Some(Command::Close(id, _)) => {
                self.ids.retain(|other| *other != id);
                self.told.retain(|other| *other != id);
                self.gone.push(id);
            }
            _ => {}
        }
        command
    }

    /// Carries out all commands, late ones included, with sockets that take everything.
    pub(super) fn drain(&mut self) {
        for _ in 0..100_000 {
            if let Some(id) = self.told.first().copied() {
                self.write(id, usize::MAX);
            } else if self.command().is_none() {
                return;
            }
        }
        panic!("commands follow commands, and nothing comes of them");
    }

    /// Returns everything that a session was sent.
    pub(super) fn sent_to(&self, id: SessionId) -> Vec<u8> {
        self.seen.iter().filter(|(to, _)| *to == id).flat_map(|(_, bytes)| bytes.clone()).collect()
    }
}
