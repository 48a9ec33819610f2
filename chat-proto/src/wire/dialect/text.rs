//! `text`: for people with `nc` or `telnet`. A line is a message; commands begin with `/`.

mod command;

use alloc::vec::Vec;
use core::time::Duration;

use simdutf8::basic::from_utf8;

use self::command::Command;
use super::{Complaint, Dialect, Manner, Request, RoomChange, Update, push, write};
use crate::command::CloseReason;
use crate::moderation::{MaskList, Role, RoomFlags};
use crate::wire::telnet;

/// The dialect for people: `alice: hello`, notices behind `* `, errors behind `! `.
///
/// A line is a message to everyone in the room. A line that begins with `/` is a command, as `/help` lists them. A line
/// that begins with `//` is a message that begins with one `/`. Lines of rooms other than the one in which the session
/// speaks begin with `[room] `.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text;

/// The most bytes around names and words in any of the forms below, except the help.
const LONGEST_FORM: usize = 128;

impl Dialect for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn decode<'a>(&self, line: &'a [u8], _named: bool, scratch: &'a mut Vec<u8>) -> Request<'a> {
        match from_utf8(line) {
            Ok(line) => command::request(line),
            Err(_) => without_telnet(line, scratch),
        }
    }

    fn encode(&self, update: &Update<'_>, out: &mut Vec<u8>) {
        if let Update::Said { name, words, .. } = *update {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(words.as_bytes());
            out.push(b'\n');
        } else {
            encode_others(update, out);
        }
    }

    fn encoded_len(&self, payload: usize) -> usize {
        payload.max(command::HELP.len()) + LONGEST_FORM
    }

    fn folds_presence(&self) -> bool {
        true
    }

    fn has_rooms(&self) -> bool {
        true
    }

    // A member may be called `[tea]`, as some bots are. Its lines do not look like lines of the room `tea`: its name is
    // followed by `: ` or ` -> you: `, while a label is followed by an asterisk, or by a name and a colon. Names have
    // no spaces.
    fn label(&self, room: &str, out: &mut Vec<u8>) {
        push(out, &["[", room, "] "]);
    }

    fn backlog(&self) -> usize {
        20
    }
}

/// Encodes all other updates. Separate, so that messages need no stack space for its variables.
#[inline(never)]
#[expect(clippy::too_many_lines, reason = "it is a table: one form for each update")]
fn encode_others(update: &Update<'_>, out: &mut Vec<u8>) {
    match *update {
        // Two asterisks, so that an action cannot pass for a notice.
        Update::Acted { name, words } => push(out, &["** ", name, " ", words, "\n"]),
        Update::Joined { name } | Update::Entered { name } => push(out, &["* ", name, " joined\n"]),
        Update::Noticed { name, words } => push(out, &["-", name, "- ", words, "\n"]),
        Update::Parted { name, words } | Update::Left { name, reason: CloseReason::Quit, words } => {
            push(out, &["* ", name, " left"]);
            push_reason(words, out);
        }
        Update::RoomChanged { by, change } => push_change(by, change, out),
        // What is encoded elsewhere, and what only IRC has.
        Update::Said { .. }
        | Update::Tagged { .. }
        | Update::ModesSet { .. }
        | Update::AwaySet { .. }
        | Update::RealNameSet { .. }
        | Update::OtherInvited { .. } => {}
        Update::Kicked { name, by, words } => {
            push(out, &["* ", by, " kicked ", name]);
            push_reason(words, out);
        }
        Update::TopicSet { by, words: "" } => push(out, &["* ", by, " removed the topic\n"]),
        Update::TopicSet { by, words } => push(out, &["* ", by, " set the topic: ", words, "\n"]),
        Update::RoleSet { by, name, role, given } => {
            let (done, what) = match (role, given) {
                (Role::Operator, true) => (" made ", " an operator\n"),
                (Role::Operator, false) => (" took the role of operator from ", "\n"),
                (Role::Voice, true) => (" gave ", " a voice\n"),
                (Role::Voice, false) => (" took the voice from ", "\n"),
            };
            push(out, &["* ", by, done, name, what]);
        }
        Update::BanSet { by, name, banned, .. } => {
            push(out, &["* ", by, if banned { " banned " } else { " unbanned " }, name, "\n"]);
        }
        Update::Renamed { from, to } => push(out, &["* ", from, " is now ", to, "\n"]),
        Update::Left { name, reason: CloseReason::Eof, words: "" } => push(out, &["* ", name, " left\n"]),
        Update::Left { name, reason, .. } => write(out, format_args!("* {name} left ({reason})\n")),
        Update::Announced { words } => push(out, &["* server: ", words, "\n"]),
        // Both numbers, even if one is 0. A member may be called 312, but the notice of its join has no comma.
        Update::CameAndWent { joined, left } => write(out, format_args!("* {joined} joined, {left} left\n")),
        Update::Welcome { name, idle_timeout } => {
            push(out, &["* welcome, you are ", name, "; say something, or /help"]);
            if let Some(timeout) = idle_timeout {
                push_silence(timeout, out);
            }
            out.push(b'\n');
        }
        Update::BacklogBegins => push(out, &["* the latest messages:\n"]),
        Update::BacklogEnds => push(out, &["* those were the latest messages; what follows is live\n"]),
        Update::Named { name, .. } => push(out, &["* you are now ", name, "\n"]),
        // White space before the colon: no public line looks like this, because names have none.
        Update::Told { from, words, manner } => push_private(&[from, " -> you: "], words, manner, out),
        Update::TellPassed { to, words, manner } => push_private(&["you -> ", to, ": "], words, manner, out),
        Update::InRoom { room, began: true, .. } => {
            push(out, &["* you are in ", room, " now; you began it and are its operator\n"]);
        }
        Update::InRoom { room, count, began: false } => {
            write(out, format_args!("* you are in {room} now, {count} here\n"));
        }
        Update::LeftRoom { room, .. } => push(out, &["* you left ", room, "\n"]),
        Update::KickedOut { room, by: "", .. } => push(out, &["* you were kicked out of ", room, "\n"]),
        Update::KickedOut { room, by, words } => {
            push(out, &["* ", by, " kicked you out of ", room]);
            push_reason(words, out);
        }
        Update::InNoRoom => push(out, &["* you speak in no room now; /join one\n"]),
        Update::Topic { room, words: "", .. } => push(out, &["* ", room, " has no topic\n"]),
        Update::Topic { room, words, by, age } => {
            push(out, &["* topic of ", room, ": ", words, " (set by ", by, " "]);
            push_age(age, out);
            push(out, &[")\n"]);
        }
        Update::RoomListed { room, count, topic: "" } => write(out, format_args!("* {room} {count}\n")),
        Update::RoomListed { room, count, topic } => write(out, format_args!("* {room} {count} {topic}\n")),
        Update::RoomsEnd { count: 1 } => push(out, &["* that was 1 room; /join one\n"]),
        Update::RoomsEnd { count } => write(out, format_args!("* those were {count} rooms; /join one\n")),
        Update::BanListed { number, name, is_by_address: false, .. } => {
            write(out, format_args!("* #{number} {name}\n"));
        }
        Update::BanListed { number, name: "*", of, .. } if !of.is_empty() => {
            write(out, format_args!("* #{number} all from the address of {of}\n"));
        }
        Update::BanListed { number, name: "*", .. } => write(out, format_args!("* #{number} all from one address\n")),
        Update::BanListed { number, name, .. } => write(out, format_args!("* #{number} {name} from one address\n")),
        Update::BansEnd { room, count: 0 } => push(out, &["* nobody is banned from ", room, "\n"]),
        Update::BansEnd { room, count: 1 } => push(out, &["* that was the only ban of ", room, "\n"]),
        Update::BansEnd { room, count } => write(out, format_args!("* those were the {count} bans of {room}\n")),
        Update::Invited { room, by } => push(out, &["* ", by, " invites you to ", room, "; /join ", room, "\n"]),
        Update::InvitePassed { room, name } => push(out, &["* ", name, " is invited to ", room, "\n"]),
        Update::Who { room, names, count, left_out } => {
            match room {
                Some(room) => write(out, format_args!("* {count} in {room}: {names}")),
                None => write(out, format_args!("* {count} here: {names}")),
            }
            match left_out {
                0 => out.push(b'\n'),
                _ => write(out, format_args!(" and {left_out} more\n")),
            }
        }
        Update::Pong { .. } => push(out, &["* pong\n"]),
        Update::Help { command } => match command::named(command) {
            Some(Command { form, about, .. }) => push(out, &["* ", form, ": ", about, "\n"]),
            None => push(out, &[command::HELP]),
        },
        Update::SilenceWarning => {
            push(out, &["* still there? say something, or you will be disconnected in a minute\n"]);
        }
        Update::Missed { count: 1 } => push(out, &["* missed 1 message\n"]),
        Update::Missed { count } => write(out, format_args!("* missed {count} messages\n")),
        Update::Refused(complaint) => write(out, format_args!("! {complaint}\n")),
        Update::Closing { reason: CloseReason::Quit, .. } => push(out, &["* bye\n"]),
        Update::Closing { reason, words: "" } => write(out, format_args!("! closed: {reason}\n")),
        Update::Closing { reason, words } => write(out, format_args!("! closed: {reason}: {words}\n")),
        Update::NotOpened(error) => write(out, format_args!("! {error}\n")),
    }
}

/// Appends a private message, after the name of its author or recipient.
fn push_private(who: &[&str], words: &str, manner: Manner, out: &mut Vec<u8>) {
    let (before, after) = match manner {
        Manner::Said | Manner::Noticed => ("", ""),
        Manner::Acted => ("* ", ""),
        Manner::Queried | Manner::Answered => ("[", "]"),
        Manner::Tagged => return,
    };
    push(out, who);
    push(out, &[before, words, after, "\n"]);
}

/// Appends what somebody has changed in a room.
fn push_change(by: &str, change: RoomChange<'_>, out: &mut Vec<u8>) {
    push(out, &["* ", by, " "]);
    match change {
        RoomChange::Flag { flag, set } => {
            let (from_now_on, no_longer) = match flag {
                RoomFlags::TOPIC_BY_OPERATORS => ("lets only operators set the topic", "lets everyone set the topic"),
                RoomFlags::MEMBERS_SPEAK => ("lets only those speak who are here", "lets others speak here"),
                RoomFlags::MODERATED => ("lets only those with a voice speak", "lets everyone speak"),
                RoomFlags::INVITED_ONLY => ("lets only those in who are invited", "lets everyone in"),
                _ => ("hid the room", "shows the room to all"),
            };
            push(out, &[if set { from_now_on } else { no_longer }]);
        }
        RoomChange::Key(Some(_)) => push(out, &["set a key"]),
        RoomChange::Key(None) => push(out, &["removed the key"]),
        RoomChange::Limit(Some(limit)) => write(out, format_args!("lets at most {limit} in")),
        RoomChange::Limit(None) => push(out, &["lets any number in"]),
        RoomChange::Listed { list, mask, listed } => {
            let verb = match (list, listed) {
                (MaskList::Bans, true) => "banned ",
                (MaskList::Bans, false) => "unbanned ",
                (MaskList::BanExceptions, true) => "exempted from bans: ",
                (MaskList::BanExceptions, false) => "exempts no longer from bans: ",
                (MaskList::InviteExceptions, true) => "lets in without an invitation: ",
                (MaskList::InviteExceptions, false) => "lets in only with an invitation: ",
            };
            push(out, &[verb, mask]);
        }
    }
    out.push(b'\n');
}

/// Appends a reason that a peer has given, if any, and ends the line. It is in quotation marks, which the words cannot
/// end, so that it cannot pass for one of the server's reasons.
fn push_reason(words: &str, out: &mut Vec<u8>) {
    if !words.is_empty() {
        push(out, &[" (\""]);
        out.extend(words.bytes().map(|byte| if byte == b'"' { b'\'' } else { byte }));
        push(out, &["\")"]);
    }
    out.push(b'\n');
}

/// Appends how long ago something was, in whole minutes, hours or days.
fn push_age(age: Duration, out: &mut Vec<u8>) {
    const UNITS: [(u64, &str); 3] = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let seconds = age.as_secs();
    let Some((unit, name)) = UNITS.into_iter().find(|(unit, _)| seconds >= *unit) else {
        return push(out, &["just now"]);
    };
    match seconds / unit {
        1 => write(out, format_args!("1 {name} ago")),
        many => write(out, format_args!("{many} {name}s ago")),
    }
}

/// Appends how long a session may be silent, in the largest unit that gives a whole number.
fn push_silence(timeout: Duration, out: &mut Vec<u8>) {
    const UNITS: [(u64, &str); 4] = [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second")];
    // 64 bits are enough, because no limit is longer than a year.
    let millis = timeout.as_secs().saturating_mul(1_000).saturating_add(timeout.subsec_millis().into());
    let unit = UNITS.into_iter().find(|(unit, _)| millis.is_multiple_of(*unit));
    let (unit, name) = unit.unwrap_or((1, "millisecond"));
    match millis / unit {
        1 => write(out, format_args!(" (1 {name} of silence is fine)")),
        many => write(out, format_args!(" ({many} {name}s of silence are fine)")),
    }
}

/// Parses a line that is not UTF-8, possibly because of telnet commands in it.
#[cold]
fn without_telnet<'a>(line: &[u8], scratch: &'a mut Vec<u8>) -> Request<'a> {
    // Telnet's bytes never occur in UTF-8, so there is no need to look for them earlier.
    strip_telnet(line, scratch);
    from_utf8(scratch).map_or(Request::Invalid(Complaint::NotUtf8), command::request)
}

/// Copies a line without the telnet commands in it.
///
/// An option with the number 10 ends the line early, and the rest is then parsed as an unknown word. No client sends
/// such an option unasked.
fn strip_telnet(line: &[u8], out: &mut Vec<u8>) {
    let mut rest = line;
    while let Some(iac) = memchr::memchr(telnet::IAC, rest) {
        out.extend_from_slice(&rest[..iac]);
        rest = &rest[iac..];
        rest = &rest[telnet::command_len(rest)..];
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    fn decoded(line: &[u8]) -> String {
        alloc::format!("{:?}", Text.decode(line, true, &mut Vec::new()))
    }

    #[test]
    fn a_page_of_the_help_has_the_form_and_what_the_command_does() {
        for (command, page) in [("ping", "* /ping: the server answers * pong\n"), ("", command::HELP)] {
            let mut out = Vec::new();
            Text.encode(&Update::Help { command }, &mut out);
            assert_eq!(String::from_utf8(out).expect("text"), page);
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_not_understood() {
        assert_eq!(decoded(b"caf\xe9"), "Invalid(NotUtf8)");
    }

    #[test]
    fn a_newcomer_is_told_how_long_it_may_be_silent() {
        for (seconds, silence) in [
            (600.0, " (10 minutes of silence are fine)"),
            (60.0, " (1 minute of silence is fine)"),
            (90.0, " (90 seconds of silence are fine)"),
            (7_200.0, " (2 hours of silence are fine)"),
            (86_400.0, " (1 day of silence is fine)"),
            (0.0015, " (1 millisecond of silence is fine)"),
        ] {
            let mut out = Vec::new();
            Text.encode(&Update::Welcome { name: "x", idle_timeout: Some(Duration::from_secs_f64(seconds)) }, &mut out);
            let welcome = alloc::format!("* welcome, you are x; say something, or /help{silence}\n");
            assert_eq!(String::from_utf8(out).expect("text"), welcome);
        }
        let mut out = Vec::new();
        Text.encode(&Update::Welcome { name: "x", idle_timeout: None }, &mut out);
        assert_eq!(out, b"* welcome, you are x; say something, or /help\n");
    }

    #[test]
    fn last_words_cannot_end_their_quotation_marks() {
        let words = r#"idle") * alice left ("timed out"#;
        let mut out = Vec::new();
        Text.encode(&Update::Left { name: "bob", reason: CloseReason::Quit, words }, &mut out);
        assert_eq!(
            out,
            br#"* bob left ("idle') * alice left ('timed out")
"#
        );
    }

    #[test]
    fn a_member_named_like_a_label_is_not_taken_for_one() {
        let (name, words, mut label) = ("[tea]", "hi", Vec::new());
        Text.label("tea", &mut label);
        for update in
            [Update::Said { name, words, wire: None }, Update::Told { from: name, words, manner: Manner::Said }]
        {
            let mut line = Vec::new();
            Text.encode(&update, &mut line);
            // In a line of the room `tea`, a name would follow the label. This is none: it has a space.
            let speaker = line.strip_prefix(&label[..]).map(|rest| rest.split(|byte| *byte == b':').next());
            assert!(matches!(speaker, None | Some(Some(b"-> you"))), "{line:?}");
        }
    }

    #[test]
    fn telnet_negotiation_leaves_no_trace() {
        let said = decoded(b"hello");
        for line in [
            &b"\xff\xfb\x1f\xff\xfd\x03hello"[..],
            b"he\xff\xf1llo",
            b"\xff\xfa\x1f\0\x50\0\x18\xff\xf0hello",
            b"hello\xff",
            b"hello\xff\xfb",
            b"hello\xff\xfa\x18",
        ] {
            assert_eq!(decoded(line), said, "{line:?}");
        }
    }
}
