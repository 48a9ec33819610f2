//! A bot inside the program: a member without a connection. `cargo run --example bot` prints what people see.
//!
//! `host` greets newcomers, answers `!seen NAME`, and kicks anyone who shouts twice. A policy softens what peers say.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chat_proto::conversation::{Event, MemberId, Recorded};
use chat_proto::testing::TestHub;
use chat_proto::{Action, Config, Hub, Proposal, SayError, SessionId, Timestamp, Verdict};

struct Host {
    id: SessionId,
    next_event: u64,
    /// How often each member has shouted. By number, since a name may have a new owner.
    shouts: HashMap<MemberId, u32>,
    /// Messages to be sent, with their recipient; `None` is everyone.
    unsaid: Vec<(Option<MemberId>, String)>,
}

impl Host {
    /// Acts on new events. No command announces them, so a driver calls this in each of its rounds.
    fn follow(&mut self, hub: &mut Hub, now: Timestamp) {
        let mut lost = false;
        for Recorded { seq, member, event, .. } in hub.events(self.next_event) {
            (lost, self.next_event) = (lost || seq > self.next_event, seq + 1);
            let Some(member) = member.filter(|it| Some(*it) != hub.member(self.id)) else { continue }; // Not its own.
            match event {
                Event::Joined { .. } => self.unsaid.push((Some(member), "welcome; we do not shout here".into())),
                Event::Left { .. } => {
                    self.shouts.remove(&member);
                    self.unsaid.retain(|(to, _)| *to != Some(member));
                }
                Event::Said { words, .. } if words.starts_with("!seen ") => {
                    self.unsaid.push((None, seen(hub, &words[6..], seq)));
                }
                Event::Said { words, .. } if words.matches(char::is_uppercase).count() > words.len().max(8) / 2 => {
                    *self.shouts.entry(member).or_default() += 1;
                    self.unsaid.push((Some(member), "not so loud, please".into()));
                }
                _ => {}
            }
        }
        if lost || self.next_event < hub.conversation().next_event() {
            // The history is bounded. Members may have left, and others have their numbers: forget them all.
            self.shouts.clear();
            self.unsaid.retain(|(to, _)| to.is_none());
            self.next_event = hub.conversation().next_event();
        }
        for (member, _) in self.shouts.iter().filter(|(_, times)| **times > 1) {
            hub.session(*member).into_iter().for_each(|id| hub.kick(now, id, "shouting"));
        }
        // While readers are behind, up to 100 messages wait for the next round.
        self.unsaid.truncate(100);
        self.unsaid.retain(|(to, words)| {
            let Some(member) = *to else { return hub.say(now, self.id, words) == Err(SayError::NotNow) };
            hub.session(member).is_some_and(|to| hub.say_to(now, self.id, to, words) == Err(SayError::NotNow))
        });
    }
}

/// Describes the latest event of a member in the history, before event number `end`.
fn seen(hub: &Hub, whom: &str, end: u64) -> String {
    let seen = hub.events(0).take_while(|recorded| recorded.seq < end).filter_map(|recorded| match recorded.event {
        Event::Said { name, words } if name == whom => Some(format!("{name} said: {words}")),
        Event::Left { name, reason, .. } if name == whom => Some(format!("{name} left ({reason})")),
        _ => None,
    });
    seen.last().unwrap_or_else(|| format!("{whom}? not lately"))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let policy = |proposal: &Proposal<'_>, rewritten: &mut String| match proposal.action {
        Action::Say { words } | Action::Act { words } if words.contains("darn") => {
            rewritten.push_str(&words.replace("darn", "d**n"));
            Verdict::Rewrite
        }
        Action::Name { to } if to.to_lowercase().starts_with("admin") => Verdict::Refuse("we have no admins".into()),
        _ => Verdict::Pass,
    };
    let mut test = TestHub::new(Config { policy: Some(Arc::new(policy)), ..Config::default() });
    let id = test.with_hub(|hub, now| hub.enter(now, "host"))?;
    let next_event = test.hub().conversation().next_event(); // What happened before is skipped.
    let mut host = Host { id, next_event, shouts: HashMap::new(), unsaid: Vec::new() };
    let (alice, bob) = ((test.connect("text"), "alice"), (test.connect("text"), "bob"));
    show(&mut test, [alice, bob]);
    for (speaker, other, line) in [
        (alice, bob, "/name alice"),
        (bob, alice, "/name administrator"),
        (bob, alice, "/name bob"),
        (bob, alice, "/msg host hello?"),
        (alice, bob, "where is the darn manual?"),
        (bob, alice, "IN THE DRAWER"),
        (bob, alice, "WHERE ELSE"),
        (alice, bob, "!seen bob"),
    ] {
        test.advance(Duration::from_secs(1));
        println!("\n{} > {line}", speaker.1);
        test.say(speaker.0, line);
        show(&mut test, [speaker, other]);
        test.with_hub(|hub, now| host.follow(hub, now));
        show(&mut test, [speaker, other]);
    }
    test.with_hub(|hub, now| hub.leave(now, host.id, "good night"));
    show(&mut test, [alice, bob]);
    Ok(())
}

/// Prints what each person is sent.
fn show(test: &mut TestHub, people: [(SessionId, &str); 2]) {
    for (id, name) in people {
        test.read(id).lines().for_each(|line| println!("{name} < {line}"));
    }
}
