//! Target `round_trip`: whatever a dialect encodes can be decoded, and messages arrive.
//!
//! An input is a name, up to the end of its first line, and a text.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chat_proto::dialect::{
    Classic, Complaint, Dialect, FirstLine, Manner, Request, RoomChange, Text, Update, other_protocol,
};
use chat_proto::{CloseReason, Command, Config, Role, RoomError, SessionId, Timestamp};
use unicode_normalization::char::is_combining_mark;

use super::lockstep::Lockstep;
use super::screen::{self, Shown, is_steering};
use super::script::{Script, text};
use crate::model::{Checked, differ};

/// Plays an input.
pub(super) fn play(data: &[u8]) -> Checked {
    let mut script = Script::new(data);
    let (first, rest) = (script.line(), script.bytes(usize::MAX));
    let (name, words) = (text(first), String::from_utf8_lossy(rest));
    has_one_form(first.strip_suffix(b"\n").unwrap_or(first), rest)?;
    fits_its_bound(&name, &words)?;
    classic_reads_itself(&name, &words)?;
    text_is_read_as_meant(&name, &words)?;
    arrives(&words)
}

/// Base64 is accepted in one form only, so input may be passed on unchanged. If a message had two forms, a sender could
/// use them to tell readers apart.
fn has_one_form(name: &[u8], words: &[u8]) -> Checked {
    let line = [b"CHAT ", name, b" ", words].concat();
    let mut scratch = Vec::new();
    if let Request::Say { words, claim, wire } = Classic.decode(&line, false, &mut scratch) {
        // White space around a field is not part of it, and is not sent.
        let fields: Vec<&[u8]> = line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty()).collect();
        let encoded = [claim.unwrap_or_default(), words].map(|field| BASE64_STANDARD.encode(field));
        if wire != Some(fields[2]) || encoded[0].as_bytes() != fields[1] || encoded[1].as_bytes() != fields[2] {
            return differ("base64", format!("{:?} is read as {claim:?} {words:?}", line.escape_ascii().to_string()));
        }
    }
    Ok(())
}

/// Returns every reason for which a session is closed, as one that has missed so many messages.
#[must_use]
pub fn close_reasons(missed: u32) -> [CloseReason; 13] {
    [
        CloseReason::Quit,
        CloseReason::Eof,
        CloseReason::Disconnected,
        CloseReason::Idle,
        CloseReason::Stalled,
        CloseReason::Lagged { missed },
        CloseReason::WrongProtocol,
        CloseReason::FirstLine,
        CloseReason::BadFrame,
        CloseReason::Kicked,
        CloseReason::Killed,
        CloseReason::WrongPassword,
        CloseReason::ShutDown,
    ]
}

/// No update is longer than the dialect says.
fn fits_its_bound(name: &str, words: &str) -> Checked {
    let masks = [words];
    let mut updates = vec![
        Update::Said { name, words, wire: None },
        Update::Acted { name, words },
        Update::Joined { name },
        Update::Renamed { from: name, to: words },
        Update::Entered { name },
        Update::Parted { name, words },
        Update::Noticed { name, words },
        Update::Tagged { name },
        Update::RoomChanged { by: name, change: RoomChange::Key(Some(words)) },
        Update::AwaySet { name, words },
        Update::RealNameSet { name, words },
        Update::OtherInvited { by: name, name },
        Update::ModesSet { by: name, letters: "+l", arguments: " 7" },
        Update::Kicked { name, by: name, words },
        Update::TopicSet { by: name, words },
        Update::RoleSet { by: name, name, role: Role::Operator, given: false },
        Update::BanSet { by: name, name, masks: &masks, banned: false },
        Update::Announced { words },
        Update::CameAndWent { joined: u64::MAX, left: u64::MAX },
        Update::Welcome { name, idle_timeout: Some(Duration::from_millis(31_536_000_000 - 1)) },
        Update::BacklogBegins,
        Update::BacklogEnds,
        Update::SilenceWarning,
        Update::Named { from: name, name },
        Update::Told { from: name, words, manner: Manner::Queried },
        Update::TellPassed { to: name, words, manner: Manner::Said },
        Update::InRoom { room: name, count: usize::MAX, began: false },
        Update::InRoom { room: name, count: 1, began: true },
        Update::LeftRoom { room: name, words },
        Update::KickedOut { room: name, by: name, words },
        Update::InNoRoom,
        Update::Topic { room: name, words, by: name, age: Duration::MAX },
        Update::RoomListed { room: name, count: usize::MAX, topic: words },
        Update::RoomsEnd { count: usize::MAX },
        Update::BanListed { number: usize::MAX, name: "*", is_by_address: true, of: name },
        Update::BanListed { number: usize::MAX, name, is_by_address: true, of: "" },
        Update::BansEnd { room: name, count: usize::MAX },
        Update::Invited { room: name, by: name },
        Update::InvitePassed { room: name, name },
        Update::Who { room: Some(name), names: words, count: usize::MAX, left_out: usize::MAX },
        Update::Pong { token: words },
        Update::Help { command: "" },
        Update::Missed { count: u64::MAX },
        Update::Refused(Complaint::LineTooLong { max: usize::MAX }),
        Update::Refused(Complaint::Room(RoomError::InTooManyRooms { max: usize::MAX })),
        Update::Refused(Complaint::Room(RoomError::TooManyRoomsFromAddress { max: usize::MAX })),
    ];
    for reason in close_reasons(u32::MAX) {
        updates.extend([Update::Left { name, reason, words }, Update::Closing { reason, words }]);
    }
    for dialect in [&Text as &dyn Dialect, &Classic] {
        for update in &updates {
            let mut out = Vec::new();
            dialect.encode(update, &mut out);
            // No update has more than three names.
            if out.len() > dialect.encoded_len(3 * name.len() + words.len()) {
                return differ("encoded_len", format!("{} writes {} bytes: {update:?}", dialect.name(), out.len()));
            }
        }
    }
    Ok(())
}

/// `classic` can decode what it encodes.
fn classic_reads_itself(name: &str, words: &str) -> Checked {
    if name.is_empty() || words.is_empty() {
        return Ok(());
    }
    let wire = BASE64_STANDARD.encode(words);
    let (mut line, mut copied) = (Vec::new(), Vec::new());
    Classic.encode(&Update::Said { name, words, wire: None }, &mut line);
    Classic.encode(&Update::Said { name, words, wire: Some(wire.as_bytes()) }, &mut copied);
    let expected = format!("CHAT {} {wire}\n", BASE64_STANDARD.encode(name));
    if line != copied || line != expected.as_bytes() {
        return differ("classic", format!("{:?}, not {expected:?}", line.escape_ascii().to_string()));
    }
    let line = expected.trim_end().as_bytes();
    let wire = Some(wire.as_bytes());
    reads(&Classic, line, false, Request::Say { words, claim: Some(name), wire })?;
    reads(&Classic, line, true, Request::Say { words, claim: None, wire })?;
    reads(&Classic, format!("NAME {}", BASE64_STANDARD.encode(name)).as_bytes(), true, Request::Name(name))
}

/// `text` decodes each line as the request it stands for, and different updates look different.
fn text_is_read_as_meant(name: &str, words: &str) -> Checked {
    // A message is one line, without line ends.
    let words = &words.replace(is_steering, " ");
    let words = words.trim_end();
    let is_name = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || is_steering(c) || c == ':');
    if words.is_empty() || !is_name || name.starts_with(['*', '!', '/', '-']) {
        return Ok(());
    }
    let escape = if words.starts_with('/') { "/" } else { "" };
    let meant = words.trim_start();
    let room = name.strip_prefix('#').unwrap_or(name);
    let typed = [
        (format!("{escape}{words}"), Request::Say { words, claim: None, wire: None }),
        (format!("/me {meant}"), Request::Act(meant)),
        (format!("/quit {meant}"), Request::Quit(meant)),
        (format!("/msg {name} {meant}"), Request::Tell { to: name, words: meant, manner: Manner::Said }),
        (format!("/name {name}"), Request::Name(name)),
        (format!("/join {name}"), Request::Join { room, key: "" }),
        (format!("/join {name} {meant}"), Request::Join { room, key: meant }),
        (format!("/leave {name}"), Request::Leave { room: Some(room), words: "" }),
        (format!("/who {name}"), Request::Who { room: Some(room) }),
        (format!("/topic {meant}"), Request::Topic { words: Some(meant) }),
        (format!("/kick {name} {meant}"), Request::Kick { name, words: meant }),
        (format!("/ban {name}"), Request::Ban { name, banned: true }),
        (format!("/devoice {name}"), Request::Role { name, role: Role::Voice, given: false }),
        (format!("/invite {name}"), Request::Invite { name }),
    ];
    for (line, request) in &typed {
        reads(&Text, line.as_bytes(), true, *request)?;
    }
    let said = Shown { name: Some(name.into()), words: words.into() };
    let told = Shown { name: Some(format!("{name} -> you")), words: words.into() };
    let acted = Shown { name: None, words: format!("** {name} {words}") };
    let shown = [
        (Update::Said { name, words, wire: None }, said),
        (Update::Told { from: name, words, manner: Manner::Said }, told),
        (Update::Acted { name, words }, acted),
    ];
    for (update, expected) in shown {
        let mut line = Vec::new();
        Text.encode(&update, &mut line);
        let shown = screen::parse("text", &line)?;
        if shown != [expected] {
            return differ("text", format!("{update:?} is shown as {shown:?}"));
        }
    }
    Ok(())
}

fn reads(dialect: &dyn Dialect, line: &[u8], named: bool, meant: Request<'_>) -> Checked {
    let mut scratch = Vec::new();
    let read = dialect.decode(line, named, &mut scratch);
    if read == meant {
        Ok(())
    } else {
        differ("decode", format!("{:?} is read as {read:?}", line.escape_ascii().to_string()))
    }
}

/// Returns whether a session with this first line is closed for speaking another protocol.
fn is_impostor(line: &str) -> bool {
    other_protocol(FirstLine::Whole(line.as_bytes())).is_some()
}

/// A message from either dialect arrives in both, cleaned once.
fn arrives(words: &str) -> Checked {
    let is_ordinary = |c: char| c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric() && !is_combining_mark(c);
    let harmless = words.chars().all(is_ordinary) && screen::is_plain_to_see(words);
    let mut relay = Relay::new()?;
    let Some(first) = relay.say_classic(words)? else { return relay.end() };
    if harmless && first != words.trim_end() {
        return differ("words", format!("{words:?} arrived as {first:?}"));
    }
    let again = relay.say_classic(&first)?;
    if again.as_ref() != Some(&first) {
        return differ("words", format!("{first:?}, said again, arrived as {again:?}"));
    }
    if !is_impostor(&first) {
        let typed = relay.say_text(&first)?;
        if typed.as_ref() != Some(&first) {
            return differ("words", format!("{first:?}, typed, arrived as {typed:?}"));
        }
    }
    relay.end()
}

/// A hub with two senders and two readers, one of each in each dialect.
struct Relay {
    hub: Lockstep,
    ids: [SessionId; 4],
}

impl Relay {
    fn new() -> Checked<Self> {
        let config = Config {
            max_sessions: 4,
            max_line: 8 << 10,
            log_bytes: 256 << 10,
            log_entries: 64,
            reply_bytes: 64 << 10,
            ..Config::default()
        };
        let mut hub = Lockstep::new(config);
        let mut open = |dialect| hub.open(Timestamp::ZERO, dialect).map(|id| id.expect("there is room"));
        // The configuration has classic first.
        let ids = [open(0)?, open(1)?, open(0)?, open(1)?];
        let mut relay = Self { hub, ids };
        relay.heard(0)?;
        Ok(relay)
    }

    fn say_classic(&mut self, words: &str) -> Checked<Option<String>> {
        let words = BASE64_STANDARD.encode(words);
        self.say(0, &format!("CHAT c3BlYWtlcg== {words}\n"))
    }

    fn say_text(&mut self, words: &str) -> Checked<Option<String>> {
        let escape = if words.starts_with('/') { "/" } else { "" };
        self.say(1, &format!("{escape}{words}\n"))
    }

    /// Makes a sender send a line; returns what the readers were sent, on which they must agree.
    fn say(&mut self, speaker: usize, line: &str) -> Checked<Option<String>> {
        if line.len() > self.hub.hub().config().max_line {
            return Ok(None);
        }
        self.hub.receive(Timestamp::ZERO, self.ids[speaker], line.as_bytes())?;
        self.heard(speaker)
    }

    fn heard(&mut self, speaker: usize) -> Checked<Option<String>> {
        let mut streams: [Vec<u8>; 4] = Default::default();
        while let Some(command) = self.hub.poll_command()? {
            let Command::Send(id) = command else { return differ("command", format!("{command:?}")) };
            let peer = self.ids.iter().position(|known| *known == id).expect("a session that is there");
            while !self.hub.write(Timestamp::ZERO, id, usize::MAX, &mut streams[peer])? {}
        }
        let is_said = |shown: &Shown| shown.name.is_some();
        let classic = screen::read("classic", &streams[2])?.into_iter().rfind(is_said);
        let text = screen::read("text", &streams[3])?.into_iter().rfind(is_said);
        let name = ["speaker", "guest-1"][speaker];
        match (classic, text) {
            (Some(classic), Some(text)) if classic == text && text.name.as_deref() == Some(name) => {
                Ok(Some(text.words))
            }
            (None, None) => Ok(None),
            (classic, text) => differ("listeners", format!("they heard {classic:?} and {text:?}")),
        }
    }

    fn end(mut self) -> Checked {
        self.hub.shut_down(Timestamp::ZERO)?;
        while let Some(command) = self.hub.poll_command()? {
            if let Command::Send(id) = command {
                while !self.hub.write(Timestamp::ZERO, id, usize::MAX, &mut Vec::new())? {}
            }
        }
        self.hub.end()
    }
}
