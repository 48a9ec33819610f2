//! `irc`: the pieces of an IRC server that know of no session and no room.
//!
//! The sources are [Modern IRC](https://modern.ircdocs.horse/), RFC 1459, RFC 2812 and the [IRCv3
//! specifications](https://ircv3.net/irc/).

pub(crate) mod caps;
pub(crate) mod command;
mod complaint;
pub(crate) mod formatting;
pub(crate) mod isupport;
pub(crate) mod limits;
pub(crate) mod line;
pub(crate) mod list_filter;
pub(crate) mod mask;
pub(crate) mod mode_line;
pub(crate) mod modes;
pub(crate) mod numeric;
pub(crate) mod render;
pub(crate) mod scene;
mod split;
pub(crate) mod tagged;
pub(crate) mod time;
pub(crate) mod user_modes;
pub(crate) mod writer;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use self::limits::{BAN_LINES, CHANNEL, LINE_LEN, MOST_LINES};
use self::line::MAX_TAGS;
use self::render::LEAST_PIECE;
use self::split::LOOK_BACK;
use self::tagged::MAX_AROUND;
use self::time::WALL_LEN;
use super::{Dialect, FirstLine, Request, Unnamed, Update, other_protocol, write};
use crate::moderation::MAX_ROOM_NAME;
use crate::person::{MAX_HOST, MAX_USER};

/// The dialect for clients and bots of IRC.
///
/// Unlike other dialects, it keeps a state for each session, which the hub holds: whether the client is registered,
/// what it has asked to be shown, its modes. A room `tea` is the channel `#tea`, and the lobby is `#lobby`. Clients
/// begin in no room.
///
/// ```
/// use chat_proto::dialect::{Irc, IrcSettings};
/// use chat_proto::{Config, DialectConfig, Hub};
///
/// let settings = IrcSettings { server_name: "chat.example.org".into(), ..IrcSettings::default() };
/// let dialects = vec![DialectConfig::new(Irc::new(settings)?)];
/// let hub = Hub::new(Config { dialects, ..Config::default() })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Irc {
    settings: Arc<IrcSettings>,
}

/// What clients of IRC are told of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IrcSettings {
    /// The server's name: letters, digits, `-` and `.`, 1 to 63 bytes; `irc.localhost` by default.
    pub server_name: String,
    /// The name of the network, which clients show; letters, digits, `-`, `.` and `_`, at most 63 bytes. None if it is
    /// empty, the default.
    pub network: String,
    /// What newcomers are shown, at most 200 lines of at most 400 bytes without control characters; none by default.
    pub motd: Vec<String>,
    /// Whether clients have to give a password (`PASS`) before they register, which the driver
    /// [checks](crate::Command::Authenticate); false by default. A session that is [opened under a
    /// name](crate::Hub::open_named) needs none.
    pub asks_password: bool,
    /// Whether the driver [knows](crate::Command::Authenticate) operators of the server (`OPER`); false by default.
    pub has_operators: bool,
}

/// A setting that IRC does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IrcSettingsError {
    /// The server's name is empty, too long, or has other characters.
    ServerName,
    /// The network's name is too long or has other characters.
    Network,
    /// There are too many lines for newcomers.
    MotdLines,
    /// A line for newcomers is too long or has control characters.
    MotdLine {
        /// Which, counted from 1.
        number: usize,
    },
}

impl fmt::Display for IrcSettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServerName => {
                write!(f, "the server's name has letters, digits, - and ., and 1 to {MAX_SERVER_NAME} bytes")
            }
            Self::Network => {
                write!(f, "the network's name has letters, digits, -, . and _, and at most {MAX_SERVER_NAME} bytes")
            }
            Self::MotdLines => write!(f, "the message of the day has at most {MAX_MOTD} lines"),
            Self::MotdLine { number } => write!(
                f,
                "line {number} of the message of the day has more than {MAX_MOTD_LINE} bytes, or control characters"
            ),
        }
    }
}

impl core::error::Error for IrcSettingsError {}

const MAX_SERVER_NAME: usize = 63;
const MAX_MOTD: usize = 200;
const MAX_MOTD_LINE: usize = 400;

impl Default for IrcSettings {
    fn default() -> Self {
        Self {
            server_name: "irc.localhost".into(),
            network: String::new(),
            motd: Vec::new(),
            asks_password: false,
            has_operators: false,
        }
    }
}

impl Default for Irc {
    fn default() -> Self {
        Self { settings: Arc::new(IrcSettings::default()) }
    }
}

impl Irc {
    /// Makes the dialect with these settings.
    ///
    /// # Errors
    ///
    /// A setting is out of its range.
    pub fn new(settings: IrcSettings) -> Result<Self, IrcSettingsError> {
        let IrcSettings { server_name, network, motd, .. } = &settings;
        let is_name = |name: &str, signs: &str| {
            name.len() <= MAX_SERVER_NAME && name.chars().all(|c| c.is_ascii_alphanumeric() || signs.contains(c))
        };
        if server_name.is_empty() || !is_name(server_name, "-.") {
            return Err(IrcSettingsError::ServerName);
        }
        if !is_name(network, "-._") {
            return Err(IrcSettingsError::Network);
        }
        if motd.len() > MAX_MOTD {
            return Err(IrcSettingsError::MotdLines);
        }
        let is_too_long = |line: &String| line.len() > MAX_MOTD_LINE || line.contains(char::is_control);
        if let Some(index) = motd.iter().position(is_too_long) {
            return Err(IrcSettingsError::MotdLine { number: index + 1 });
        }
        Ok(Self { settings: Arc::new(settings) })
    }

    pub(crate) fn server_name(&self) -> &str {
        &self.settings.server_name
    }

    pub(crate) fn network(&self) -> &str {
        &self.settings.network
    }

    pub(crate) fn motd(&self) -> &[String] {
        &self.settings.motd
    }

    pub(crate) fn asks_password(&self) -> bool {
        self.settings.asks_password
    }

    pub(crate) fn has_operators(&self) -> bool {
        self.settings.has_operators
    }

    /// Returns the most bytes of an update, for names of at most `max_name` bytes and that many bytes of names and words
    /// in all.
    pub(crate) fn longest(max_name: usize, payload: usize) -> usize {
        // `:name!user@host PRIVMSG target :` stands before each piece of long words, and that may be an action.
        let target = max_name.max(CHANNEL.len() + MAX_ROOM_NAME);
        let before = (max_name + MAX_USER + MAX_HOST + target + 24).min(LINE_LEN - LEAST_PIECE);
        // A piece ends at a space among its last bytes if it can.
        let pieces = payload.div_ceil(LINE_LEN - before - LOOK_BACK);
        let words = payload + pieces * (before + 2 + WALL_LEN + 8);
        // Only short words have tags of their author's.
        let tagged = MAX_TAGS + LINE_LEN + 2;
        // A join has a line for each of two kinds of readers.
        MAX_AROUND * 3 + words.max(tagged)
    }
}

/// The tags of an answer: `@batch=` with a number of 32 bits, `;time=` and a space.
const ANSWER_TAGS: usize = 7 + 10 + 6 + WALL_LEN + 1;

const _: () = assert!(
    BAN_LINES * (MAX_AROUND + LINE_LEN + 2) <= MAX_AROUND * 3 + MAX_TAGS + LINE_LEN + 2,
    "there is room for all bans that end at once"
);

const _: () = assert!(
    // And last words.
    (MOST_LINES + 1) * (ANSWER_TAGS + LINE_LEN + 2) <= 2 * (MAX_AROUND * 3 + MAX_TAGS + LINE_LEN + 2),
    "there is room for all that a line is answered with at once"
);

impl Dialect for Irc {
    fn name(&self) -> &'static str {
        "irc"
    }

    fn other_protocol(&self, first: FirstLine<'_>) -> Option<&'static str> {
        // PASS may be several protocols', IRC among them.
        other_protocol(first).filter(|protocol| !protocol.starts_with("IRC"))
    }

    /// The hub takes lines of IRC apart itself, because one may ask for several things.
    fn decode<'a>(&self, _line: &'a [u8], _named: bool, _scratch: &'a mut Vec<u8>) -> Request<'a> {
        Request::Nothing
    }

    /// Encodes only what is said to a connection without a session. Other updates need details about members, which the
    /// hub adds.
    fn encode(&self, update: &Update<'_>, out: &mut Vec<u8>) {
        match update {
            Update::NotOpened(error) => write(out, format_args!("ERROR :{error}\r\n")),
            Update::Refused(complaint) => write(out, format_args!("ERROR :{complaint}\r\n")),
            _ => {}
        }
    }

    fn encoded_len(&self, payload: usize) -> usize {
        Self::longest(crate::names::MAX_NAME, payload)
    }

    fn unnamed(&self) -> Unnamed {
        Unnamed::Anonymous
    }

    fn has_rooms(&self) -> bool {
        true
    }

    fn idle_timeout(&self) -> Option<Duration> {
        // A minute before the end the server asks whether the client is there, and clients answer that by themselves.
        Some(Duration::from_secs(240))
    }

    fn as_irc(&self) -> Option<&Self> {
        Some(self)
    }
}

#[cfg(test)]
mod random {
    use alloc::string::String;

    /// Numbers from a multiplicative generator, the same in each run.
    pub(super) struct Random(pub(super) u64);

    impl Random {
        /// Returns a number below `range`.
        pub(super) fn below(&mut self, range: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % range
        }

        /// Returns a text of fewer than `range` of these characters.
        pub(super) fn text(&mut self, alphabet: &str, range: usize) -> String {
            let count = alphabet.chars().count();
            let len = self.below(range);
            (0..len).filter_map(|_| alphabet.chars().nth(self.below(count))).collect()
        }
    }
}
