//! ISUPPORT (005): what the server tells clients of its limits and its choices.
//!
//! The parameters are those of Modern IRC, "`RPL_ISUPPORT` Parameters", and of the IRCv3 specifications "Bot Mode",
//! "UTF8ONLY", "WHOX" and "setname".

use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use super::limits::LINE_LEN;
use super::list_filter::MAX_FILTER_MASKS;
use crate::wire::dialect::{push, write};

/// The most tokens of a line, as Modern IRC has it.
const TOKENS_PER_LINE: usize = 13;

/// The limits that clients are told. Lengths are in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits<'a> {
    /// The name of the network; not told if empty.
    pub(crate) network: &'a str,
    /// The longest nickname.
    pub(crate) nick_len: usize,
    /// The longest real name. `setname` requires that it is told.
    pub(crate) name_len: usize,
    /// The longest name of a channel, its `#` counted.
    pub(crate) channel_len: usize,
    /// The longest topic.
    pub(crate) topic_len: usize,
    /// The longest reason of a KICK.
    pub(crate) kick_len: usize,
    /// The longest reason of an AWAY.
    pub(crate) away_len: usize,
    /// The longest key of a channel.
    pub(crate) key_len: usize,
    /// How many channels one may be in.
    pub(crate) chan_limit: usize,
    /// How many masks the lists of a channel may have together.
    pub(crate) max_lists: usize,
    /// How many targets a PRIVMSG or NOTICE may have.
    pub(crate) max_targets: usize,
    /// How many changes with arguments a MODE may have.
    pub(crate) modes: usize,
    /// How many messages of the history one answer shows.
    pub(crate) history: usize,
    /// How many names one may watch.
    pub(crate) monitor: usize,
}

impl Limits<'_> {
    /// Appends lines, each with `before` and `after` around its 13 tokens at most; fewer if they would not fit.
    ///
    /// `before` ends with a space, and `after` begins with one and ends the line.
    pub(crate) fn write(&self, before: &str, after: &str, out: &mut Vec<u8>) {
        let mut lines = Lines { start: out.len(), out, before, after, tokens: 0 };
        if !self.network.is_empty() {
            lines.add(format_args!("NETWORK={}", Escaped(self.network)));
        }
        for token in [
            // Names are compared without regard to the case of more letters than ASCII's; clients know no name for
            // that.
            "CASEMAPPING=ascii",
            "UTF8ONLY",
            "CHANTYPES=#",
            "PREFIX=(ov)@+",
            "CHANMODES=beI,k,l,imnst",
            "EXCEPTS=e",
            "INVEX=I",
            "ELIST=MNTU",
            "WHOX",
            "BOT=B",
            "MSGREFTYPES=msgid,timestamp",
        ] {
            lines.add(format_args!("{token}"));
        }
        lines.add(format_args!("CHANLIMIT=#:{}", self.chan_limit));
        lines.add(format_args!("MAXLIST=beI:{}", self.max_lists));
        for (name, limit) in [
            ("MODES", self.modes),
            ("NICKLEN", self.nick_len),
            ("NAMELEN", self.name_len),
            ("CHANNELLEN", self.channel_len),
            ("TOPICLEN", self.topic_len),
            ("KICKLEN", self.kick_len),
            ("AWAYLEN", self.away_len),
            ("CHATHISTORY", self.history),
            ("KEYLEN", self.key_len),
            ("MONITOR", self.monitor),
        ] {
            lines.add(format_args!("{name}={limit}"));
        }
        let (list, targets) = (MAX_FILTER_MASKS, self.max_targets);
        lines.add(format_args!(
            "TARGMAX=JOIN:,PART:,NAMES:1,LIST:{list},KICK:,WHOIS:1,PRIVMSG:{targets},NOTICE:{targets},TAGMSG:{targets}"
        ));
        lines.end();
    }
}

/// Lines of tokens.
struct Lines<'a> {
    out: &'a mut Vec<u8>,
    before: &'a str,
    after: &'a str,
    /// Where the last line begins, and how many it has.
    start: usize,
    tokens: usize,
}

impl Lines<'_> {
    fn add(&mut self, token: fmt::Arguments<'_>) {
        if self.tokens == TOKENS_PER_LINE {
            self.end();
        }
        let end = self.out.len();
        push(self.out, &[if self.tokens == 0 { self.before } else { " " }]);
        write(self.out, token);
        if self.tokens > 0 && self.out.len() - self.start + self.after.len() > LINE_LEN + "\r\n".len() {
            self.out.truncate(end);
            self.end();
            return self.add(token);
        }
        self.tokens += 1;
    }

    fn end(&mut self) {
        push(self.out, &[self.after]);
        (self.start, self.tokens) = (self.out.len(), 0);
    }
}

/// A value, in which `\x` and two digits stand for what would end it.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\0'..=' ' | '\\' | '=' | '\x7f' => write!(f, "\\x{:02X}", u32::from(c)),
            _ => f.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    const LIMITS: Limits<'_> = Limits {
        network: "Example Net",
        nick_len: 32,
        name_len: 128,
        channel_len: 51,
        topic_len: 390,
        kick_len: 256,
        away_len: 200,
        key_len: 32,
        chan_limit: 20,
        max_lists: 64,
        max_targets: 4,
        modes: 12,
        history: 100,
        monitor: 100,
    };

    fn written(limits: Limits<'_>) -> String {
        written_for("ann", limits)
    }

    fn written_for(reader: &str, limits: Limits<'_>) -> String {
        let mut out = Vec::new();
        let before = alloc::format!(":s 005 {reader} ");
        limits.write(&before, " :are supported by this server\r\n", &mut out);
        String::from_utf8(out).expect("it is made of UTF-8")
    }

    #[test]
    fn limits_are_told_in_lines_of_13_tokens() {
        assert_eq!(
            written(LIMITS),
            ":s 005 ann NETWORK=Example\\x20Net CASEMAPPING=ascii UTF8ONLY CHANTYPES=# PREFIX=(ov)@+ \
             CHANMODES=beI,k,l,imnst EXCEPTS=e INVEX=I ELIST=MNTU WHOX BOT=B MSGREFTYPES=msgid,timestamp \
             CHANLIMIT=#:20 :are supported by this server\r\n\
             :s 005 ann MAXLIST=beI:64 MODES=12 NICKLEN=32 NAMELEN=128 CHANNELLEN=51 TOPICLEN=390 KICKLEN=256 AWAYLEN=200 \
             CHATHISTORY=100 KEYLEN=32 MONITOR=100 TARGMAX=JOIN:,PART:,NAMES:1,LIST:4,KICK:,WHOIS:1,PRIVMSG:4,NOTICE:4,TAGMSG:4 \
             :are supported by this server\r\n"
        );
    }

    #[test]
    fn a_server_without_a_network_tells_none() {
        assert!(written(Limits { network: "", ..LIMITS }).starts_with(":s 005 ann CASEMAPPING=ascii "));
    }

    #[test]
    fn a_value_cannot_end_its_token() {
        let written = written(Limits { network: "a =\\\nž", ..LIMITS });
        assert!(written.starts_with(":s 005 ann NETWORK=a\\x20\\x3D\\x5C\\x0Až CASEMAPPING=ascii "), "{written}");
    }

    #[test]
    fn each_line_fits_whatever_the_limits_are() {
        let network = "n".repeat(64);
        let max = usize::MAX;
        for reader in ["ann", &"a".repeat(255)] {
            let limits = Limits { network: &network, chan_limit: max, max_lists: max, max_targets: max, ..LIMITS };
            for line in written_for(reader, limits).split_inclusive("\r\n") {
                let tokens = line.split(' ').skip(3).take_while(|token| !token.starts_with(':')).count();
                assert!((1..=13).contains(&tokens) && line.len() <= 512, "{line}");
            }
        }
    }
}
