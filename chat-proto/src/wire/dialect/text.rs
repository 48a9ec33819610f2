//! `text`: for people with `nc` or `telnet`. A line is a message; commands begin with `/`.

use alloc::vec::Vec;
use core::time::Duration;

use simdutf8::basic::from_utf8;

use super::{Complaint, Dialect, Manner, Request, RoomChange, Update, push, write};
use crate::command::CloseReason;
use crate::moderation::{MaskList, Role, RoomFlags};
use crate::wire::sanitize::trim_end;
use crate::wire::telnet;

/// The dialect for people: `alice: hello`, notices behind `* `, errors behind `! `.
///
/// A line is a message to everyone in the room. A line that begins with `/` is a command, as `/help` lists them. A line
/// that begins with `//` is a message that begins with one `/`. Lines of rooms other than the one in which the session
/// speaks begin with `[room] `.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text;

/// How many messages `/history` shows without a number: some screens.
const HISTORY: usize = 100;

/// The most bytes around names and words in any of the forms below, except the help.
const LONGEST_FORM: usize = 128;

const HELP: &str = "\
* a line is said to everyone here; a line that begins with // is said with one /
* /name NEW           be called NEW
* /me ACTION          be seen doing something
* /msg NAME WORDS     say something to one other
* /who [ROOM]         who is here
* /history [N]        the latest N messages
* /rooms              which rooms there are
* /join ROOM [KEY]    speak in that room, and stay in the others
* /leave [ROOM]       leave this room
* /topic [WORDS]      what this room is about
* /invite NAME        let somebody come in here
* /kick /ban /unban /op /deop /voice /devoice NAME   for operators of this room
* /ping               does the server answer?
* /quit [WHY]         leave the server
* /help [COMMAND]     this list, or more about a command
";

/// More about each command: its form, and what it does.
const PAGES: [(&str, &str); 21] = [
    ("name", "* /name NEW: be called NEW from now on; others are told\n"),
    ("nick", "* /nick NEW: the same as /name NEW\n"),
    ("me", "* /me ACTION: others see ** and your name and ACTION\n"),
    ("msg", "* /msg NAME WORDS: only NAME reads WORDS, wherever they are; it waits while they read\n"),
    ("who", "* /who [ROOM]: who is in ROOM, or here; @ marks operators, + those with a voice\n"),
    ("history", "* /history [N]: the latest N messages of this room, 100 if you do not say how many\n"),
    ("rooms", "* /rooms: each room with how many are in it and what it is about; hidden ones only if you are in\n"),
    (
        "join",
        "* /join ROOM [KEY]: enter ROOM and speak there from now on; you stay in the rooms you are in, and their lines \
         begin with [their name]; a room that is not there begins, and you are its operator\n",
    ),
    ("leave", "* /leave [ROOM]: leave ROOM, or the one you speak in; a room that nobody is in ends\n"),
    ("topic", "* /topic [WORDS]: see what this room is about, or say what it is about\n"),
    ("invite", "* /invite NAME: tell NAME of this room and let them in, whatever its key and limit are\n"),
    ("kick", "* /kick NAME [WHY]: throw NAME out of this room; they may come back\n"),
    (
        "ban",
        "* /ban NAME: throw NAME out and let nobody of that name or from where they are come in; /ban: list bans\n",
    ),
    ("unban", "* /unban NAME: end what /ban NAME began; /unban #N: end ban N of those that /ban lists\n"),
    ("op", "* /op NAME: make NAME an operator of this room\n"),
    ("deop", "* /deop NAME: NAME is an operator of this room no longer\n"),
    ("voice", "* /voice NAME: let NAME speak while this room is moderated\n"),
    ("devoice", "* /devoice NAME: take the voice from NAME\n"),
    ("ping", "* /ping: the server answers * pong\n"),
    ("quit", "* /quit [WHY]: leave the server; others are told why\n"),
    ("help", "* /help [COMMAND]: the list of commands, or more about one\n"),
];

/// Returns more about a command.
fn page(command: &str) -> Option<&'static str> {
    PAGES.iter().find(|(verb, _)| *verb == command).map(|(_, page)| *page)
}

impl Dialect for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn decode<'a>(&self, line: &'a [u8], _named: bool, scratch: &'a mut Vec<u8>) -> Request<'a> {
        match from_utf8(line) {
            Ok(line) => request(line),
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
        payload.max(HELP.len()) + LONGEST_FORM
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
        Update::BanListed { number, name, is_by_address: false } => write(out, format_args!("* #{number} {name}\n")),
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
        Update::Help { command } => push(out, &[page(command).unwrap_or(HELP)]),
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

#[inline]
fn request(line: &str) -> Request<'_> {
    let line = trim_end(line);
    match line.strip_prefix('/') {
        Some(command) => request_of_command(command),
        None if line.is_empty() => Request::Nothing,
        None => Request::Say { words: line, claim: None, wire: None },
    }
}

/// Parses a command, given without its slash.
#[inline(never)]
fn request_of_command(command: &str) -> Request<'_> {
    if command.starts_with('/') {
        return Request::Say { words: command, claim: None, wire: None };
    }
    let (verb, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = rest.trim_start();
    match verb {
        "name" | "nick" if rest.is_empty() => usage("/name NEW"),
        "name" | "nick" => Request::Name(rest),
        "me" if rest.is_empty() => usage("/me ACTION"),
        "me" => Request::Act(rest),
        "msg" => match rest.split_once(char::is_whitespace) {
            Some((to, words)) => Request::Tell { to, words: words.trim_start(), manner: Manner::Said },
            None => usage("/msg NAME WORDS"),
        },
        "history" if rest.is_empty() => Request::History { last: HISTORY },
        "history" => rest.parse().map_or(usage("/history [N]"), |last| Request::History { last }),
        "who" => Request::Who { room: some(rest) },
        "rooms" => Request::Rooms,
        "join" => match rest.split_once(char::is_whitespace) {
            _ if rest.is_empty() => usage("/join ROOM [KEY]"),
            Some((room, key)) => Request::Join { room, key: key.trim_start() },
            None => Request::Join { room: rest, key: "" },
        },
        "leave" | "part" => Request::Leave { room: some(rest), words: "" },
        "topic" => Request::Topic { words: some(rest) },
        "invite" if rest.is_empty() => usage("/invite NAME"),
        "invite" => Request::Invite { name: rest },
        "kick" if rest.is_empty() => usage("/kick NAME [WHY]"),
        "kick" => {
            let (name, words) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            Request::Kick { name, words: words.trim_start() }
        }
        "ban" if rest.is_empty() => Request::Bans,
        "unban" if rest.is_empty() => usage("/unban NAME"),
        "ban" | "unban" => Request::Ban { name: rest, banned: verb == "ban" },
        "op" if rest.is_empty() => usage("/op NAME"),
        "deop" if rest.is_empty() => usage("/deop NAME"),
        "voice" if rest.is_empty() => usage("/voice NAME"),
        "devoice" if rest.is_empty() => usage("/devoice NAME"),
        "op" | "deop" => Request::Role { name: rest, role: Role::Operator, given: verb == "op" },
        "voice" | "devoice" => Request::Role { name: rest, role: Role::Voice, given: verb == "voice" },
        "ping" => Request::Ping { token: "" },
        "quit" => Request::Quit(rest),
        "help" => match rest.strip_prefix('/').unwrap_or(rest) {
            command if command.is_empty() || page(command).is_some() => Request::Help { command },
            _ => Request::Invalid(Complaint::NotUnderstood),
        },
        _ => Request::Invalid(Complaint::NotUnderstood),
    }
}

/// Parses a line that is not UTF-8, possibly because of telnet commands in it.
#[cold]
fn without_telnet<'a>(line: &[u8], scratch: &'a mut Vec<u8>) -> Request<'a> {
    // Telnet's bytes never occur in UTF-8, so there is no need to look for them earlier.
    strip_telnet(line, scratch);
    from_utf8(scratch).map_or(Request::Invalid(Complaint::NotUtf8), request)
}

/// Returns the rest of a command, if there is any.
fn some(rest: &str) -> Option<&str> {
    (!rest.is_empty()).then_some(rest)
}

fn usage(form: &'static str) -> Request<'static> {
    Request::Invalid(Complaint::Usage(form))
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
    fn a_line_is_said_unless_it_is_a_command() {
        for (line, request) in [
            ("hello", Request::Say { words: "hello", claim: None, wire: None }),
            ("  indented ", Request::Say { words: "  indented", claim: None, wire: None }),
            ("//x y", Request::Say { words: "/x y", claim: None, wire: None }),
            ("", Request::Nothing),
            (" \t ", Request::Nothing),
            ("/name  bob", Request::Name("bob")),
            ("/name a b", Request::Name("a b")),
            ("/name", Request::Invalid(Complaint::Usage("/name NEW"))),
            ("/me waves at all", Request::Act("waves at all")),
            ("/me", Request::Invalid(Complaint::Usage("/me ACTION"))),
            ("/msg bob  hi there", Request::Tell { to: "bob", words: "hi there", manner: Manner::Said }),
            ("/msg bob", Request::Invalid(Complaint::Usage("/msg NAME WORDS"))),
            ("/who", Request::Who { room: None }),
            ("/who den", Request::Who { room: Some("den") }),
            ("/rooms", Request::Rooms),
            ("/join", Request::Invalid(Complaint::Usage("/join ROOM [KEY]"))),
            ("/join den", Request::Join { room: "den", key: "" }),
            ("/join den  open sesame", Request::Join { room: "den", key: "open sesame" }),
            ("/leave", Request::Leave { room: None, words: "" }),
            ("/leave den", Request::Leave { room: Some("den"), words: "" }),
            ("/topic", Request::Topic { words: None }),
            ("/topic tea and cake", Request::Topic { words: Some("tea and cake") }),
            ("/kick", Request::Invalid(Complaint::Usage("/kick NAME [WHY]"))),
            ("/kick bob", Request::Kick { name: "bob", words: "" }),
            ("/kick bob too  loud", Request::Kick { name: "bob", words: "too  loud" }),
            ("/ban", Request::Bans),
            ("/ban bob", Request::Ban { name: "bob", banned: true }),
            ("/unban bob", Request::Ban { name: "bob", banned: false }),
            ("/unban #2", Request::Ban { name: "#2", banned: false }),
            ("/unban", Request::Invalid(Complaint::Usage("/unban NAME"))),
            ("/op bob", Request::Role { name: "bob", role: Role::Operator, given: true }),
            ("/devoice bob", Request::Role { name: "bob", role: Role::Voice, given: false }),
            ("/invite bob", Request::Invite { name: "bob" }),
            ("/help join", Request::Help { command: "join" }),
            ("/help /me", Request::Help { command: "me" }),
            ("/help nope", Request::Invalid(Complaint::NotUnderstood)),
            ("/history", Request::History { last: 100 }),
            ("/history 7", Request::History { last: 7 }),
            ("/history -1", Request::Invalid(Complaint::Usage("/history [N]"))),
            ("/history all", Request::Invalid(Complaint::Usage("/history [N]"))),
            ("/ping", Request::Ping { token: "" }),
            ("/quit", Request::Quit("")),
            ("/quit so long", Request::Quit("so long")),
            ("/help", Request::Help { command: "" }),
            ("/", Request::Invalid(Complaint::NotUnderstood)),
            ("/nope", Request::Invalid(Complaint::NotUnderstood)),
        ] {
            assert_eq!(Text.decode(line.as_bytes(), true, &mut Vec::new()), request, "{line}");
        }
        assert_eq!(decoded(b"caf\xe9"), "Invalid(NotUtf8)");
    }

    #[test]
    fn the_help_and_the_pages_have_the_same_commands() {
        let in_help: Vec<&str> = HELP.split(&[' ', '\n'][..]).filter_map(|word| word.strip_prefix('/')).collect();
        for verb in in_help.iter().filter(|verb| !verb.is_empty() && **verb != "." && !verb.starts_with('/')) {
            assert!(page(verb).is_some(), "there is no page about /{verb}");
        }
        for (verb, page) in PAGES {
            assert!(in_help.contains(&verb) || verb == "nick", "/{verb} is not in the help");
            assert!(page.starts_with(&alloc::format!("* /{verb}")), "{page}");
            assert!(!decoded(alloc::format!("/{verb}").as_bytes()).contains("NotUnderstood"), "/{verb}");
        }
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
