//! Target `names`: which names sessions may take.
//!
//! Each line of an input is one action: a peer (0 to 5; peers 4 and 5 speak classic), then `=` and a name that it
//! takes, `>` and a name to which it sends a private message, or `-` to leave and reconnect.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chat_proto::{Command, Config, NameRules, SessionId, Timestamp};
use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};
use unicode_security::skeleton;

use super::lockstep::Lockstep;
use super::script::{Script, text};
use crate::model::{Checked, differ};

const PEERS: usize = 6;

/// The session that tries to take look-alikes of other sessions' names.
const TWIN: usize = 3;

/// Plays an input.
pub(super) fn play(data: &[u8]) -> Checked {
    let mut script = Script::new(data);
    let mut sessions = Sessions::new(limits(data))?;
    let mut before = None;
    // Longer scripts find little more.
    for _ in 0..24 {
        let Some(peer) = script.next() else { break };
        let peer = usize::from(peer) % PEERS;
        let kind = script.next();
        let name = text(script.line());
        match kind {
            Some(b'-') => sessions.leave(peer)?,
            Some(b'>') => sessions.look_for(peer, &name)?,
            _ => {
                if sessions.take(peer, &name)? {
                    sessions.try_twins(peer, &name)?;
                }
                if let Some(before) = before.replace(name.clone()) {
                    agree(limits(data).names, &before, &name)?;
                }
            }
        }
    }
    sessions.end()
}

/// Longer inputs allow longer names, since the rules for names depend on the length, too.
fn limits(data: &[u8]) -> Config {
    let max_name = if data.len() > 100 { 255 } else { 24 };
    Config {
        max_sessions: PEERS,
        max_name,
        names: if data.len().is_multiple_of(3) { NameRules::Loose } else { NameRules::Strict },
        max_line: 1_000,
        pace: None,
        log_bytes: 16 << 10,
        log_entries: 64,
        journal_records: 64,
        rate: None,
        ..Config::default()
    }
}

/// Checks that a conflict of two names does not depend on which is taken first.
fn agree(names: NameRules, one: &str, other: &str) -> Checked {
    let mut verdicts = [None; 2];
    for (verdict, (first, second)) in verdicts.iter_mut().zip([(one, other), (other, one)]) {
        let mut sessions = Sessions::new(Config { max_sessions: 2, max_name: 255, names, ..limits(b"") })?;
        if sessions.take(0, first)? {
            *verdict = Some(sessions.take(1, second)?);
        }
        sessions.end()?;
    }
    match verdicts {
        [Some(one_first), Some(other_first)] if one_first != other_first => {
            differ("twins", format!("{one:?} and {other:?} are twins in one order only"))
        }
        _ => Ok(()),
    }
}

/// A hub and its sessions.
struct Sessions {
    hub: Lockstep,
    ids: [Option<SessionId>; PEERS],
}

impl Sessions {
    fn new(config: Config) -> Checked<Self> {
        let mut sessions = Self { hub: Lockstep::new(config), ids: [None; PEERS] };
        for peer in 0..PEERS.min(sessions.hub.hub().config().max_sessions) {
            sessions.come(peer)?;
        }
        Ok(sessions)
    }

    fn come(&mut self, peer: usize) -> Checked {
        // The configuration has classic first.
        self.ids[peer] = self.hub.open(Timestamp::ZERO, usize::from(peer < 4))?;
        self.carry_out()
    }

    fn leave(&mut self, peer: usize) -> Checked {
        if let Some(id) = self.ids[peer] {
            self.hub.receive_eof(Timestamp::ZERO, id)?;
            self.carry_out()?;
        }
        self.come(peer)
    }

    /// Makes a peer ask for a name; returns whether it then has that name.
    fn take(&mut self, peer: usize, name: &str) -> Checked<bool> {
        let Some(id) = self.ids[peer] else { return Ok(false) };
        let line =
            if peer < 4 { format!("/name {name}\n") } else { format!("NAME {}\n", BASE64_STANDARD.encode(name)) };
        let refused = self.hub.hub().stats().refused;
        self.hub.receive(Timestamp::ZERO, id, line.as_bytes())?;
        self.carry_out()?;
        self.check()?;
        let hub = self.hub.hub();
        let composed: String = name.nfc().collect();
        Ok(hub.stats().refused == refused && hub.name(id) == Some(composed))
    }

    /// Makes a peer send a private message to a name.
    fn look_for(&mut self, peer: usize, name: &str) -> Checked {
        let Some(id) = self.ids[peer] else { return Ok(()) };
        self.hub.receive(Timestamp::ZERO, id, format!("/msg {name} hello\n").as_bytes())?;
        self.carry_out()
    }

    /// Makes another session ask for a name that looks the same; it must be refused.
    fn try_twins(&mut self, peer: usize, name: &str) -> Checked {
        if peer == TWIN {
            return Ok(());
        }
        let decomposed: String = name.nfd().collect();
        // Case is mapped after decomposition (Unicode, D145), or marks could be separated from their letters.
        let twins: [String; 7] = [
            decomposed.to_uppercase(),
            decomposed.to_lowercase(),
            decomposed.to_uppercase().to_lowercase(),
            decomposed.to_lowercase().to_uppercase(),
            decomposed,
            name.nfc().collect(),
            name.to_owned(),
        ];
        for twin in twins {
            if self.take(TWIN, &twin)? {
                return differ("twins", format!("{name:?} and {twin:?} are there at once"));
            }
        }
        Ok(())
    }

    /// Checks that every name keeps the rules, and that no two sessions have the same name.
    fn check(&self) -> Checked {
        let hub = self.hub.hub();
        let names: Vec<String> =
            self.ids.iter().flatten().filter_map(|id| hub.name(*id)).filter(|n| n != "anonymous").collect();
        for (i, name) in names.iter().enumerate() {
            let guest = name.starts_with("guest-");
            let is_sign = |c: char| match hub.config().names {
                NameRules::Strict => !c.is_alphanumeric() && !is_combining_mark(c) && !r"-.'[]\^{|}_`·・".contains(c),
                NameRules::Loose => c.is_whitespace() || c.is_control() || c == ':',
            };
            // A skeleton leaves out invisible characters.
            let is_unseen = |c: char| !c.is_ascii() && skeleton(c.encode_utf8(&mut [0; 4])).next().is_none();
            let bad =
                name.is_empty() || name.len() > hub.config().max_name || name.contains(|c| is_sign(c) || is_unseen(c));
            if !guest && (bad || !is_nfc(name) || name.starts_with(['*', '!', '/', '-'])) {
                return differ("names", format!("someone is called {name:?}, against {:?}", hub.config().names));
            }
            if names[..i].contains(name) {
                return differ("names", format!("two are called {name:?}"));
            }
        }
        Ok(())
    }

    fn carry_out(&mut self) -> Checked {
        while let Some(command) = self.hub.poll_command()? {
            match command {
                Command::Send(id) => while !self.hub.write(Timestamp::ZERO, id, usize::MAX, &mut Vec::new())? {},
                Command::Read(id) => return differ("command", format!("{id:?} left nothing untaken")),
                Command::Authenticate(id) => return differ("command", format!("{id:?} has sent no password")),
                Command::Close(id, _) => {
                    let known = self.ids.iter_mut().find(|known| **known == Some(id));
                    *known.expect("a session that is there") = None;
                }
            }
        }
        Ok(())
    }

    fn end(mut self) -> Checked {
        self.hub.shut_down(Timestamp::ZERO)?;
        self.carry_out()?;
        self.hub.end()
    }
}
