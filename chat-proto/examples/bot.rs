//! A bot inside the program: a session without a socket, which sees all that happens and has a say in it.
//!
//! ```console
//! $ cargo run --example bot
//! ```
//!
//! Everything is a session, the bot, too: it is opened, receives, and has pending bytes, so it has a name and a place
//! in the order of things like anybody else. Its dialect is made for it: fields between tabs, which no name and no
//! words can hold.
//!
//! The example's bot, `host`, greets newcomers, answers `!seen NAME`, and has who shouts twice kicked. A [`Policy`](chat_proto::Policy) keeps
//! its name for it and softens words. All is in memory; what people see is printed.

use std::collections::{HashMap, HashSet, VecDeque};
use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use chat_proto::dialect::{Complaint, Event, Request, Text};
use chat_proto::{
    Action, Command, Config, Dialect, DialectConfig, Hub, Proposal, RecordKind, SessionId, Timestamp, Verdict,
};

/// What the bot speaks with the hub.
#[derive(Debug)]
struct Fields;

impl Dialect for Fields {
    fn name(&self) -> &'static str {
        "fields"
    }

    fn decode<'a>(&self, line: &'a [u8], _named: bool, _scratch: &'a mut Vec<u8>) -> Request<'a> {
        let Ok(line) = std::str::from_utf8(line) else { return Request::Invalid(Complaint::NotUtf8) };
        let mut fields = line.splitn(3, '\t');
        match (fields.next(), fields.next(), fields.next()) {
            (Some("say"), Some(words), None) => Request::Say { words, claim: None, wire: None },
            (Some("tell"), Some(to), Some(words)) => Request::Tell { to, words },
            (Some("name"), Some(name), None) => Request::Name(name),
            _ => Request::Invalid(Complaint::NotUnderstood),
        }
    }

    fn encode(&self, event: &Event<'_>, out: &mut Vec<u8>) {
        let written = match *event {
            Event::Said { name, words, .. } => writeln!(out, "said\t{name}\t{words}"),
            Event::Joined { name } => writeln!(out, "joined\t{name}\t"),
            Event::Renamed { from, to } => writeln!(out, "renamed\t{from}\t{to}"),
            Event::Left { name, reason, .. } => writeln!(out, "left\t{name}\t{reason}"),
            // A bot that wants to know of the rest writes the rest.
            _ => Ok(()),
        };
        debug_assert!(written.is_ok(), "memory takes all");
    }

    fn encoded_len(&self, payload: usize) -> usize {
        payload + 64
    }

    /// It has nothing to say for hours, and is not gone.
    fn idle_timeout(&self) -> Option<Duration> {
        None
    }
}

/// What is refused, and what is said in other words, whoever says it.
fn judge(proposal: &Proposal<'_>, rewritten: &mut String) -> Verdict {
    match proposal.action {
        Action::Say { words } | Action::Act { words } if words.contains("darn") => {
            rewritten.push_str(&words.replace("darn", "d**n"));
            Verdict::Rewrite
        }
        Action::Name { to } if to.to_lowercase().starts_with("admin") => Verdict::Refuse("we have no admins".into()),
        _ => Verdict::Pass,
    }
}

/// How many things said and done it remembers.
const MEMORY: usize = 1_000;

/// The bot.
struct Host {
    id: SessionId,
    /// What the hub has left: the bot is held to the rate like anybody else.
    untaken: Vec<u8>,
    /// Who did what, the latest last.
    seen: VecDeque<(String, String)>,
    /// Those who are here and have shouted.
    warned: HashSet<String>,
    /// The journal's next record.
    journal: u64,
}

impl Host {
    fn new(hub: &mut Hub, now: Timestamp) -> Result<Self, Box<dyn Error>> {
        let dialect = hub.dialect(Fields.name()).ok_or("the bot's dialect is not configured")?;
        let id = hub.open(now, dialect)?;
        let mut host = Self { id, untaken: Vec::new(), seen: VecDeque::new(), warned: HashSet::new(), journal: 0 };
        host.ask(hub, now, "name\thost");
        Ok(host)
    }

    /// Sends a line to the hub.
    fn ask(&mut self, hub: &mut Hub, now: Timestamp, line: &str) {
        self.untaken.extend_from_slice(line.as_bytes());
        self.untaken.push(b'\n');
        self.offer(hub, now);
    }

    /// Offers the hub what it has not taken yet.
    fn offer(&mut self, hub: &mut Hub, now: Timestamp) {
        let taken = hub.receive(now, self.id, &self.untaken);
        self.untaken.drain(..taken);
    }

    /// Reads what is pending, and acts on it.
    fn read(&mut self, hub: &mut Hub, now: Timestamp) {
        let lines = hub.pending(self.id).slices().concat();
        hub.sent(now, self.id, lines.len());
        for line in String::from_utf8_lossy(&lines).lines() {
            let mut fields = line.split('\t');
            let mut field = || fields.next().unwrap_or_default();
            let (what, name, rest) = (field(), field(), field());
            match what {
                "said" => self.listen(hub, now, name, rest),
                "joined" => {
                    self.ask(hub, now, &format!("tell\t{name}\twelcome; we do not shout here"));
                    self.remember(name, "joined".into());
                }
                "renamed" => {
                    if self.warned.remove(name) {
                        self.warned.insert(rest.into());
                    }
                    self.remember(name, format!("is {rest} now"));
                }
                "left" => {
                    self.warned.remove(name);
                    self.remember(name, format!("left ({rest})"));
                }
                _ => {}
            }
        }
    }

    /// Acts on what somebody says.
    fn listen(&mut self, hub: &mut Hub, now: Timestamp, name: &str, words: &str) {
        if let Some(whom) = words.strip_prefix("!seen ") {
            let seen = self.seen.iter().rfind(|(name, _)| name == whom);
            let answer = seen.map_or_else(|| format!("{whom}? never"), |(name, what)| format!("{name} {what}"));
            self.ask(hub, now, &format!("say\t{answer}"));
            return;
        }
        self.remember(name, format!("said: {words}"));
        let shouts = words.len() > 4 && words.contains(char::is_alphabetic) && words == words.to_uppercase();
        if !shouts {
            return;
        }
        if self.warned.insert(name.into()) {
            self.ask(hub, now, &format!("tell\t{name}\tnot so loud, please"));
        } else if let Some(id) = hub.find(name) {
            hub.kick(now, id, "shouting");
        }
    }

    fn remember(&mut self, name: &str, what: String) {
        if self.seen.len() == MEMORY {
            self.seen.pop_front();
        }
        self.seen.push_back((name.into(), what));
    }

    /// Prints how sessions ended since it was last asked for, and how many there were.
    fn report(&mut self, hub: &Hub) {
        for record in hub.journal(self.journal) {
            if record.seq > self.journal {
                println!("journal: {} records are overwritten", record.seq - self.journal);
            }
            self.journal = record.seq + 1;
            if let (RecordKind::Closed(reason), Some(id)) = (record.kind, record.session) {
                println!("journal: at {} session {} ended: {reason}", record.at, id.slot());
            }
        }
        let stats = hub.stats();
        println!("counters: {} opened, {} refused, {} messages", stats.opened, stats.refused, stats.messages);
    }
}

/// What people do, one line a second.
const EVENING: [(&str, &str); 9] = [
    ("alice", "/name alice"),
    ("bob", "/name administrator"),
    ("bob", "/name bob"),
    ("bob", "/msg host hello?"),
    ("alice", "where is the darn manual?"),
    ("bob", "IN THE DRAWER"),
    ("bob", "WHERE ELSE"),
    ("alice", "!seen bob"),
    ("alice", "/quit"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let dialects = vec![DialectConfig::new(Text), DialectConfig::new(Fields)];
    let mut hub = Hub::new(Config { dialects, policy: Some(Arc::new(judge)), ..Config::default() })?;
    let mut now = Timestamp::ZERO;
    let mut host = Host::new(&mut hub, now)?;
    let text = hub.dialect("text").ok_or("it is one of the two above")?;
    let mut people = HashMap::from([(hub.open(now, text)?, "alice"), (hub.open(now, text)?, "bob")]);
    carry_out(&mut hub, now, &mut host, &mut people);
    for (who, line) in EVENING {
        now = now + Duration::from_secs(1);
        hub.handle_timeout(now);
        println!("\n{who} > {line}");
        let id = people.iter().find(|(_, name)| **name == who).map(|(id, _)| *id);
        hub.receive(now, id.ok_or("who has left says nothing")?, format!("{line}\n").as_bytes());
        carry_out(&mut hub, now, &mut host, &mut people);
    }
    println!();
    host.report(&hub);
    Ok(())
}

/// Does what the hub asks for; what people are sent is printed.
fn carry_out(hub: &mut Hub, now: Timestamp, host: &mut Host, people: &mut HashMap<SessionId, &str>) {
    while let Some(command) = hub.poll_command() {
        match command {
            Command::Send(id) if id == host.id => host.read(hub, now),
            Command::Send(id) => {
                let lines = hub.pending(id).slices().concat();
                hub.sent(now, id, lines.len());
                for line in String::from_utf8_lossy(&lines).lines() {
                    println!("{} < {line}", people[&id]);
                }
            }
            Command::Read(id) if id == host.id => host.offer(hub, now),
            Command::Read(_) => {} // No person here talks faster than the rate.
            Command::Close(id, reason) => println!("{} is gone: {reason}", people.remove(&id).unwrap_or("host")),
        }
    }
}
