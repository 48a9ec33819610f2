//! Lines of clients: tags, a command and parameters.

/// The most bytes of tags, and of the rest of a line.
pub(super) const MAX_TAGS: usize = 4_094;
pub(super) const MAX_BODY: usize = 510;
const MAX_PARAMS: usize = 15;
const MAX_LABEL: usize = 64;

/// A line in its parts.
#[derive(Debug)]
pub(super) struct Line {
    tags: String,
    pub(super) command: String,
    pub(super) params: Vec<String>,
}

/// Why a line is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    NotUtf8,
    TooLong,
    Empty,
    NotUnderstood,
}

impl Line {
    pub(super) fn parse(line: &[u8]) -> Result<Self, Broken> {
        let line = std::str::from_utf8(line).map_err(|_| Broken::NotUtf8)?;
        if line.contains(['\0', '\r', '\n']) {
            return Err(Broken::NotUnderstood);
        }
        let (tags, body) = match line.strip_prefix('@') {
            Some(tagged) => tagged.split_once(' ').unwrap_or((tagged, "")),
            None => ("", line),
        };
        if tags.len() > MAX_TAGS {
            return Err(Broken::TooLong);
        }
        let mut rest = body.trim_start_matches(' ');
        if rest.starts_with(':') {
            // Whoever the client says that it is.
            rest = rest.split_once(' ').map_or("", |(_, rest)| rest).trim_start_matches(' ');
        }
        let command: String = rest.chars().take_while(|c| *c != ' ').collect();
        if command.is_empty() {
            return Err(Broken::Empty);
        }
        let is_number = command.len() == 3 && command.chars().all(|c| c.is_ascii_digit());
        if !is_number && !command.chars().all(|c| c.is_ascii_alphabetic()) {
            return Err(Broken::NotUnderstood);
        }
        if body.len() > MAX_BODY {
            return Err(Broken::TooLong);
        }
        let mut params = Vec::new();
        rest = rest[command.len()..].trim_start_matches(' ');
        while !rest.is_empty() && params.len() < MAX_PARAMS {
            let is_last = params.len() + 1 == MAX_PARAMS;
            let (param, others) = match rest.strip_prefix(':') {
                Some(trailing) => (trailing, ""),
                None if is_last => (rest, ""),
                None => rest.split_once(' ').unwrap_or((rest, "")),
            };
            params.push(param.into());
            rest = others.trim_start_matches(' ');
        }
        Ok(Self { tags: tags.into(), command, params })
    }

    pub(super) fn param(&self, index: usize) -> Option<&str> {
        self.params.get(index).map(String::as_str)
    }

    /// Returns a parameter; an empty one if it is not there.
    pub(super) fn text(&self, index: usize) -> &str {
        self.param(index).unwrap_or_default()
    }

    /// Returns the tags: their names, and their values as they were sent.
    fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        let split = self.tags.split(';').map(|tag| tag.split_once('=').unwrap_or((tag, "")));
        split.filter(|(key, _)| !key.trim_start_matches('+').is_empty() || key.starts_with("++"))
    }

    /// Returns the label that the answers are to carry.
    pub(super) fn label(&self) -> Option<&str> {
        let (_, label) = self.tags().filter(|(key, _)| *key == "label").last()?;
        let is_valid = (1..=MAX_LABEL).contains(&label.len()) && !label.contains(char::is_control);
        is_valid.then_some(label)
    }

    /// Returns the tags that are passed on to others, as those are shown them.
    pub(super) fn passed_on(&self) -> String {
        let passed = self.tags().filter(|(key, value)| {
            key.starts_with('+') && ![key, value].iter().any(|text| text.contains(char::is_control))
        });
        let shown = passed.map(|(key, value)| if value.is_empty() { key.into() } else { format!("{key}={value}") });
        shown.collect::<Vec<String>>().join(";")
    }
}

/// Commands, how many parameters each needs, and whether it may come before registration.
const COMMANDS: &[(&str, usize, bool)] = &[
    ("PRIVMSG", 0, false),
    ("PONG", 0, true),
    ("PING", 0, true),
    ("TAGMSG", 0, false),
    ("JOIN", 1, false),
    ("PART", 1, false),
    ("MODE", 1, false),
    ("WHO", 1, false),
    ("NOTICE", 0, false),
    ("NICK", 0, true),
    ("USER", 4, true),
    ("CAP", 1, true),
    ("PASS", 1, true),
    ("QUIT", 0, true),
    ("TOPIC", 1, false),
    ("NAMES", 0, false),
    ("LIST", 0, false),
    ("INVITE", 0, false),
    ("KICK", 2, false),
    ("WHOIS", 0, false),
    ("WHOWAS", 0, false),
    ("AWAY", 0, false),
    ("ISON", 1, false),
    ("USERHOST", 1, false),
    ("SETNAME", 1, false),
    ("MONITOR", 1, false),
    ("OPER", 2, false),
    ("KILL", 2, false),
    ("WALLOPS", 1, false),
    ("CHATHISTORY", 0, false),
    ("BATCH", 1, false),
    ("AUTHENTICATE", 1, true),
    ("MOTD", 0, false),
    ("LUSERS", 0, false),
    ("VERSION", 0, false),
    ("TIME", 0, false),
    ("INFO", 0, false),
    ("ADMIN", 0, false),
    ("HELP", 0, false),
    ("LINKS", 0, false),
    ("STATS", 1, false),
    ("ERROR", 0, true),
];

/// Returns a command's name, how many parameters it needs, and whether it may come before registration.
pub(super) fn find_command(name: &str) -> Option<(&'static str, usize, bool)> {
    COMMANDS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name)).copied()
}
