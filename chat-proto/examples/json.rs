//! A custom dialect: one JSON value a line.
//!
//! ```console
//! $ cargo run --example json
//! ```
//!
//! Three people hold one conversation, each in a different dialect; the example prints what each of them sees. The core
//! needs no change: a type with four methods goes into [`Config::dialects`], and each update is encoded in it once,
//! however many read it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::error::Error;
use std::fmt::Display;

use chat_proto::dialect::{Classic, Complaint, Manner, Request, Text, Update};
use chat_proto::{Batch, Command, Config, Dialect, DialectConfig, Hub, SessionId, Timestamp};
use serde::{Deserialize, Serialize, Serializer};

/// The dialect. It has no fields, since the hub keeps the state of each session.
#[derive(Debug)]
struct Json;

/// What a peer may send: `{"say":"hello"}`, `{"tell":{"to":"bob","words":"psst"}}`, `"who"`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Ask<'a> {
    Say(#[serde(borrow)] Cow<'a, str>),
    Act(#[serde(borrow)] Cow<'a, str>),
    Name(#[serde(borrow)] Cow<'a, str>),
    Tell {
        #[serde(borrow)]
        to: Cow<'a, str>,
        #[serde(borrow)]
        words: Cow<'a, str>,
    },
    Who,
    Ping,
    Quit(#[serde(borrow)] Cow<'a, str>),
}

/// What a peer is sent: `{"said":{"name":"bob","words":"hello"}}`.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Tell<'a> {
    Said { name: &'a str, words: &'a str },
    Acted { name: &'a str, words: &'a str },
    Joined { name: &'a str },
    Renamed { from: &'a str, to: &'a str },
    Left { name: &'a str, reason: Shown<'a>, words: &'a str },
    Announced { words: &'a str },
    Welcome { name: &'a str },
    Named { name: &'a str },
    Told { from: &'a str, words: &'a str },
    Passed { to: &'a str, words: &'a str },
    Who { names: Names<'a>, count: usize },
    Pong,
    Missed { count: u64 },
    Refused { why: Shown<'a> },
    Closing { reason: Shown<'a>, words: &'a str },
}

/// Text as it is shown to people.
struct Shown<'a>(&'a dyn Display);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self.0)
    }
}

/// The hub's list of names; a name has no white space.
struct Names<'a>(&'a str);

impl Serialize for Names<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.split(", "))
    }
}

impl Dialect for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn decode<'a>(&self, line: &'a [u8], _named: bool, scratch: &'a mut Vec<u8>) -> Request<'a> {
        if line.is_empty() {
            return Request::Nothing;
        }
        match serde_json::from_slice(line) {
            // JSON can write the same words in several ways, so the line is not passed on as it came.
            Ok(Ask::Say(words)) => Request::Say { words: kept(words, scratch), claim: None, wire: None },
            Ok(Ask::Act(words)) => Request::Act(kept(words, scratch)),
            Ok(Ask::Name(name)) => Request::Name(kept(name, scratch)),
            Ok(Ask::Tell { to, words }) => {
                let (to, words) = kept([&*to, &*words].concat().into(), scratch).split_at(to.len());
                Request::Tell { to, words, manner: Manner::Said }
            }
            Ok(Ask::Who) => Request::Who { room: None },
            Ok(Ask::Ping) => Request::Ping { token: "" },
            Ok(Ask::Quit(words)) => Request::Quit(kept(words, scratch)),
            Err(_) => Request::Invalid(Complaint::NotUnderstood),
        }
    }

    fn encode(&self, update: &Update<'_>, out: &mut Vec<u8>) {
        let tell = match *update {
            Update::Said { name, words, .. } => Tell::Said { name, words },
            Update::Acted { name, words } => Tell::Acted { name, words },
            Update::Joined { name } => Tell::Joined { name },
            Update::Renamed { from, to } => Tell::Renamed { from, to },
            Update::Left { name, ref reason, words } => Tell::Left { name, reason: Shown(reason), words },
            Update::Announced { words } => Tell::Announced { words },
            Update::Welcome { name, .. } => Tell::Welcome { name },
            Update::Named { name, .. } => Tell::Named { name },
            Update::Told { from, words, .. } => Tell::Told { from, words },
            Update::TellPassed { to, words, .. } => Tell::Passed { to, words },
            Update::Who { names, count, .. } => Tell::Who { names: Names(names), count },
            Update::Pong { .. } => Tell::Pong,
            Update::Missed { count } => Tell::Missed { count },
            Update::Refused(ref why) => Tell::Refused { why: Shown(why) },
            Update::NotOpened(ref why) => Tell::Refused { why: Shown(why) },
            Update::Closing { ref reason, words } => Tell::Closing { reason: Shown(reason), words },
            // Programs need no help text, and this version does not know updates that later versions may add.
            _ => return,
        };
        // This cannot fail: strings and numbers can be written, and memory has room.
        if serde_json::to_writer(&mut *out, &tell).is_ok() {
            out.push(b'\n');
        }
    }

    fn encoded_len(&self, payload: usize) -> usize {
        // Words have no control characters, so at worst every byte needs a backslash. Around them are keys, numbers and
        // reasons.
        2 * payload + 256
    }
}

/// Returns the text for as long as the line and the scratch buffer live. Only text with escapes in it is copied.
fn kept<'a>(text: Cow<'a, str>, scratch: &'a mut Vec<u8>) -> &'a str {
    match text {
        Cow::Borrowed(text) => text,
        Cow::Owned(text) => {
            scratch.extend_from_slice(text.as_bytes());
            std::str::from_utf8(scratch).unwrap_or_default()
        }
    }
}

/// What is sent, and by whom.
const CONVERSATION: [(&str, &str); 12] = [
    ("alice", "/name alice"),
    ("dave", r#"{"name":"dave"}"#),
    ("carol", "CHAT Y2Fyb2w= aGVsbG8="),
    ("dave", r#"{"say":"my \"dialect\" is caf\u00e9\tJSON"}"#),
    ("alice", r#"quotes: "\""#),
    ("alice", "/me waves"),
    ("dave", r#"{"tell":{"to":"alice","words":"psst"}}"#),
    ("dave", r#"{"name":"Alice"}"#),
    ("dave", r#""who""#),
    ("dave", "hello?"),
    ("carol", "NAME Y2Fyb2xpbmU="),
    ("dave", r#"{"quit":"so long"}"#),
];

fn main() -> Result<(), Box<dyn Error>> {
    let dialects = vec![DialectConfig::new(Classic), DialectConfig::new(Json), DialectConfig::new(Text)];
    // The smallest `reply_bytes` grows with the longest update of any dialect.
    let mut hub = Hub::new(Config { dialects, reply_bytes: 32 << 10, ..Config::default() })?;
    // Nothing here waits for a deadline.
    let now = Timestamp::ZERO;
    let mut people = HashMap::new();
    for (name, dialect) in [("alice", "text"), ("dave", "json"), ("carol", "classic")] {
        let dialect = hub.dialect(dialect).ok_or("it is one of the three above")?;
        people.insert(hub.open(now, dialect)?, name);
    }
    show(&mut hub, now, &mut people);
    for (who, line) in CONVERSATION {
        println!("\n{who} > {line}");
        let id = people.iter().find(|(_, name)| **name == who).map(|(id, _)| *id);
        hub.receive(now, id.ok_or("who has left says nothing")?, format!("{line}\n").as_bytes());
        show(&mut hub, now, &mut people);
    }
    Ok(())
}

/// Prints what each person is sent.
fn show(hub: &mut Hub, now: Timestamp, people: &mut HashMap<SessionId, &str>) {
    let mut batch = Batch::new();
    while let Some(command) = hub.poll_command() {
        match command {
            Command::Send(id) => {
                hub.fill(id, &mut batch, 64 << 10);
                hub.sent(now, id, &batch, batch.as_bytes().len());
                for line in String::from_utf8_lossy(batch.as_bytes()).lines() {
                    println!("{} < {line}", people[&id]);
                }
            }
            // Nobody here talks faster than the rate, and only IRC asks for passwords.
            Command::Read(_) | Command::Authenticate(_) => {}
            Command::Close(id, reason) => println!("{} is gone: {reason}", people.remove(&id).unwrap_or_default()),
        }
    }
}
