//! The commands of `text`: how each is typed, what `/help` says about it, and what it asks for.

use crate::moderation::Role;
use crate::wire::dialect::{Complaint, Manner, Request};
use crate::wire::sanitize::trim_end;

/// A command.
pub(super) struct Command {
    verb: &'static str,
    /// How it is typed, such as `/me ACTION`.
    pub(super) form: &'static str,
    /// What it does, for its page of the help.
    pub(super) about: &'static str,
    /// Parses what follows the verb and white space; `None` if that does not have the form.
    parse: fn(&str) -> Option<Request<'_>>,
}

/// What `/help` shows: each command with the others that are for the same.
pub(super) const HELP: &str = "\
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

/// How many messages `/history` shows without a number: some screens.
const HISTORY: usize = 100;

/// All commands, those that are used most often first: they are found by looking through this table.
static COMMANDS: &[Command] = &[
    Command {
        verb: "me",
        form: "/me ACTION",
        about: "others see ** and your name and ACTION",
        parse: |rest| some(rest).map(Request::Act),
    },
    Command {
        verb: "msg",
        form: "/msg NAME WORDS",
        about: "only NAME reads WORDS, wherever they are; it waits while they read",
        parse: |rest| {
            let (to, words) = rest.split_once(char::is_whitespace)?;
            Some(Request::Tell { to, words: words.trim_start(), manner: Manner::Said })
        },
    },
    Command {
        verb: "name",
        form: "/name NEW",
        about: "be called NEW from now on; others are told",
        parse: |rest| some(rest).map(Request::Name),
    },
    Command {
        verb: "join",
        form: "/join ROOM [KEY]",
        about: "enter ROOM and speak there from now on; you stay in the rooms you are in, and their lines begin with \
                [their name]; a room that is not there begins, and you are its operator",
        parse: |rest| {
            let (room, key) = name_and_words(rest)?;
            Some(Request::Join { room: room_named(room), key })
        },
    },
    Command {
        verb: "leave",
        form: "/leave [ROOM]",
        about: "leave ROOM, or the one you speak in; a room that nobody is in ends",
        parse: |rest| Some(Request::Leave { room: some(rest).map(room_named), words: "" }),
    },
    Command {
        verb: "who",
        form: "/who [ROOM]",
        about: "who is in ROOM, or here; @ marks operators, + those with a voice",
        parse: |rest| Some(Request::Who { room: some(rest).map(room_named) }),
    },
    Command {
        verb: "nick",
        form: "/nick NEW",
        about: "the same as /name NEW",
        parse: |rest| some(rest).map(Request::Name),
    },
    Command {
        verb: "history",
        form: "/history [N]",
        about: "the latest N messages of this room, 100 if you do not say how many",
        parse: |rest| match rest {
            "" => Some(Request::History { last: HISTORY }),
            _ => Some(Request::History { last: rest.parse().ok()? }),
        },
    },
    Command {
        verb: "rooms",
        form: "/rooms",
        about: "each room with how many are in it and what it is about; hidden ones only if you are in",
        parse: |_| Some(Request::Rooms),
    },
    Command {
        verb: "part",
        form: "/part [ROOM]",
        about: "the same as /leave [ROOM]",
        parse: |rest| Some(Request::Leave { room: some(rest).map(room_named), words: "" }),
    },
    Command {
        verb: "topic",
        form: "/topic [WORDS]",
        about: "see what this room is about, or say what it is about",
        parse: |rest| Some(Request::Topic { words: some(rest) }),
    },
    Command {
        verb: "invite",
        form: "/invite NAME",
        about: "tell NAME of this room and let them in, whatever its key and limit are",
        parse: |rest| Some(Request::Invite { name: some(rest)? }),
    },
    Command {
        verb: "kick",
        form: "/kick NAME [WHY]",
        about: "throw NAME out of this room; they may come back",
        parse: |rest| {
            let (name, words) = name_and_words(rest)?;
            Some(Request::Kick { name, words })
        },
    },
    Command {
        verb: "ban",
        form: "/ban NAME",
        about: "throw NAME out and let nobody of that name or from where they are come in; /ban: list bans",
        parse: |rest| match rest {
            "" => Some(Request::Bans),
            name => Some(Request::Ban { name, banned: true }),
        },
    },
    Command {
        verb: "unban",
        form: "/unban NAME",
        about: "end what /ban NAME began; /unban #N: end ban N of those that /ban lists",
        parse: |rest| Some(Request::Ban { name: some(rest)?, banned: false }),
    },
    Command {
        verb: "op",
        form: "/op NAME",
        about: "make NAME an operator of this room",
        parse: |rest| Some(Request::Role { name: some(rest)?, role: Role::Operator, given: true }),
    },
    Command {
        verb: "deop",
        form: "/deop NAME",
        about: "NAME is an operator of this room no longer",
        parse: |rest| Some(Request::Role { name: some(rest)?, role: Role::Operator, given: false }),
    },
    Command {
        verb: "voice",
        form: "/voice NAME",
        about: "let NAME speak while this room is moderated",
        parse: |rest| Some(Request::Role { name: some(rest)?, role: Role::Voice, given: true }),
    },
    Command {
        verb: "devoice",
        form: "/devoice NAME",
        about: "take the voice from NAME",
        parse: |rest| Some(Request::Role { name: some(rest)?, role: Role::Voice, given: false }),
    },
    Command {
        verb: "ping",
        form: "/ping",
        about: "the server answers * pong",
        parse: |_| Some(Request::Ping { token: "" }),
    },
    Command {
        verb: "quit",
        form: "/quit [WHY]",
        about: "leave the server; others are told why",
        parse: |rest| Some(Request::Quit(rest)),
    },
    Command {
        verb: "help",
        form: "/help [COMMAND]",
        about: "the list of commands, or more about one",
        parse: |rest| match rest.strip_prefix('/').unwrap_or(rest) {
            command if command.is_empty() || named(command).is_some() => Some(Request::Help { command }),
            _ => Some(Request::Invalid(Complaint::NotUnderstood)),
        },
    },
];

/// Returns the command of that name, given without its slash.
pub(super) fn named(verb: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.verb == verb)
}

/// Parses a line.
#[inline]
pub(super) fn request(line: &str) -> Request<'_> {
    let line = trim_end(line);
    match line.strip_prefix('/') {
        Some(command) => request_of_command(command),
        None if line.is_empty() => Request::Nothing,
        None => Request::Say { words: line, claim: None, wire: None },
    }
}

/// Parses a command, given without its slash.
#[inline(never)]
fn request_of_command(line: &str) -> Request<'_> {
    if line.starts_with('/') {
        return Request::Say { words: line, claim: None, wire: None };
    }
    let (verb, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let Some(Command { form, parse, .. }) = named(verb) else {
        return Request::Invalid(Complaint::NotUnderstood);
    };
    parse(rest.trim_start()).unwrap_or(Request::Invalid(Complaint::Usage(form)))
}

/// Returns what follows a command, if there is anything.
fn some(rest: &str) -> Option<&str> {
    (!rest.is_empty()).then_some(rest)
}

/// Returns the name of a room without the `#` that people know from IRC, and that no name has.
fn room_named(text: &str) -> &str {
    text.strip_prefix('#').unwrap_or(text)
}

/// Returns the name that a command needs, and the words behind it, which may be empty.
fn name_and_words(rest: &str) -> Option<(&str, &str)> {
    let (name, words) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    Some((some(name)?, words.trim_start()))
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::*;

    /// Lines, and what they ask for. Each command has one at least.
    const LINES: &[(&str, Request<'_>)] = &[
        ("hello", Request::Say { words: "hello", claim: None, wire: None }),
        ("  indented ", Request::Say { words: "  indented", claim: None, wire: None }),
        ("//x y", Request::Say { words: "/x y", claim: None, wire: None }),
        ("", Request::Nothing),
        (" \t ", Request::Nothing),
        ("/name  bob", Request::Name("bob")),
        ("/name a b", Request::Name("a b")),
        ("/name", Request::Invalid(Complaint::Usage("/name NEW"))),
        ("/nick bob", Request::Name("bob")),
        ("/me waves at all", Request::Act("waves at all")),
        ("/me", Request::Invalid(Complaint::Usage("/me ACTION"))),
        ("/msg bob  hi there", Request::Tell { to: "bob", words: "hi there", manner: Manner::Said }),
        ("/msg bob", Request::Invalid(Complaint::Usage("/msg NAME WORDS"))),
        ("/who", Request::Who { room: None }),
        ("/who den", Request::Who { room: Some("den") }),
        ("/who #den", Request::Who { room: Some("den") }),
        ("/rooms", Request::Rooms),
        ("/join", Request::Invalid(Complaint::Usage("/join ROOM [KEY]"))),
        ("/join den", Request::Join { room: "den", key: "" }),
        ("/join #den #1", Request::Join { room: "den", key: "#1" }),
        ("/join ##den", Request::Join { room: "#den", key: "" }),
        ("/join den  open sesame", Request::Join { room: "den", key: "open sesame" }),
        ("/leave", Request::Leave { room: None, words: "" }),
        ("/leave den", Request::Leave { room: Some("den"), words: "" }),
        ("/leave #den", Request::Leave { room: Some("den"), words: "" }),
        ("/part den", Request::Leave { room: Some("den"), words: "" }),
        ("/part #den", Request::Leave { room: Some("den"), words: "" }),
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
        ("/deop bob", Request::Role { name: "bob", role: Role::Operator, given: false }),
        ("/voice bob", Request::Role { name: "bob", role: Role::Voice, given: true }),
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
    ];

    #[test]
    fn a_line_is_said_unless_it_is_a_command() {
        for (line, meant) in LINES {
            assert_eq!(request(line), *meant, "{line}");
        }
    }

    #[test]
    fn each_command_is_tried_and_has_its_place_in_the_help() {
        let in_help: Vec<&str> = HELP.split(&[' ', '\n'][..]).filter_map(|word| word.strip_prefix('/')).collect();
        for Command { verb, form, .. } in COMMANDS {
            let is_it = |typed: &str| typed.split(' ').next() == Some(&*format!("/{verb}"));
            assert!(is_it(form), "the form {form:?} does not begin with /{verb}");
            assert!(LINES.iter().any(|(line, _)| is_it(line)), "add a line with /{verb} to LINES");
            assert!(in_help.contains(verb) || ["nick", "part"].contains(verb), "add /{verb} to HELP");
        }
        for verb in in_help.iter().filter(|verb| !verb.is_empty() && !verb.starts_with('/')) {
            assert!(named(verb).is_some(), "HELP has /{verb}, but it is no command");
        }
    }

    #[test]
    fn the_help_fits_on_a_screen() {
        // Below it stands what its reader types.
        assert!(HELP.lines().count() < 24);
        assert!(HELP.lines().all(|line| line.len() <= 80));
    }
}
