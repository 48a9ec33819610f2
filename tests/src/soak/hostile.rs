//! The behaviour of hostile clients.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::load::Dialect;
use crate::sim::{Random, Speaks, typing};

/// How a client is hostile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sends a message and never reads.
    Deaf,
    /// Reads a byte a second.
    Sipper,
    /// Sends a byte every few seconds, and no line end.
    Slowloris,
    /// Sends nothing until it times out.
    Silent,
    /// Sends lines as fast as the socket takes them.
    Flooder,
    /// Floods with requests, and reads no reply.
    DeafFlooder,
    /// Changes its name all the time, often to one that others want, too.
    Renamer,
    /// Sends `/who` all the time.
    Asker,
    /// Sends private messages to everybody, including sessions that do not read.
    Whisperer,
    /// Sends invalid and nearly valid lines.
    Rubbish,
    /// Connects and resets, sometimes in the middle of a line.
    Resetter,
    /// Closes its sending half and goes on reading.
    HalfCloser,
    /// Connects, sends a message, leaves and reconnects.
    Revenant,
}

/// How much a client reads of what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// All, at once.
    All,
    /// One byte each time that it acts.
    OneByte,
    /// Nothing.
    Nothing,
}

/// What a client does with its connection after it has acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It stays.
    Stay,
    /// The sending half is closed.
    ShutDownSending,
    /// It is closed.
    Leave,
    /// It is reset.
    Reset,
}

/// Every kind, in proportion to how often it is chosen: few that flood, and many that leave at once.
const KINDS: [Kind; 20] = [
    Kind::Deaf,
    Kind::Deaf,
    Kind::Deaf,
    Kind::Sipper,
    Kind::Slowloris,
    Kind::Slowloris,
    Kind::Silent,
    Kind::Silent,
    Kind::Flooder,
    Kind::DeafFlooder,
    Kind::Renamer,
    Kind::Asker,
    Kind::Whisperer,
    Kind::Rubbish,
    Kind::Rubbish,
    Kind::Resetter,
    Kind::Resetter,
    Kind::HalfCloser,
    Kind::Revenant,
    Kind::Revenant,
];

/// The server's default limits, around which rubbish is sized.
const MAX_LINE: usize = 4_096;
const MAX_NAME: usize = 32;

impl Kind {
    /// Chooses a kind.
    pub(super) fn draw(random: &mut Random) -> Self {
        random.pick(&KINDS)
    }

    /// Returns how much it reads.
    pub(super) fn reading(self) -> Reading {
        match self {
            Self::Deaf | Self::DeafFlooder => Reading::Nothing,
            Self::Sipper => Reading::OneByte,
            _ => Reading::All,
        }
    }

    /// Returns how long it goes on unless it is closed.
    pub(super) fn life(self, random: &mut Random) -> Duration {
        let (least, most) = match self {
            // Longer than the server's timeouts.
            Self::Deaf | Self::Sipper | Self::Slowloris | Self::Silent | Self::DeafFlooder => (10_000, 40_000),
            Self::Resetter | Self::Revenant => (1_000, 5_000),
            _ => (2_000, 20_000),
        };
        Duration::from_millis(random.between(least, most))
    }

    /// Returns how long it waits before it acts again.
    pub(super) fn pause(self, random: &mut Random) -> Duration {
        let (least, most) = match self {
            Self::Deaf | Self::Silent | Self::HalfCloser => (30_000, 30_000),
            Self::Slowloris => (1_000, 4_000),
            Self::Sipper => (1_000, 1_000),
            Self::Resetter | Self::Revenant => (10, 3_000),
            _ => (50, 1_500),
        };
        Duration::from_millis(random.between(least, most))
    }

    /// Writes its next output to `out`; returns what happens to the connection then.
    pub(super) fn act(self, dialect: Dialect, is_first: bool, random: &mut Random, out: &mut Vec<u8>) -> Then {
        match self {
            Self::Deaf | Self::Sipper if is_first => say(dialect, "hello, I am all ears", out),
            Self::Deaf | Self::Sipper | Self::Silent => {}
            Self::Slowloris => out.push(random.pick(b"abc \t\r/*")),
            Self::Flooder => (0..random.between(1, 40)).for_each(|_| match random.below(4) {
                0 => say(dialect, "flood flood flood flood flood flood", out),
                1 => out.extend_from_slice(b"/ping\n"),
                _ => out.push(b'\n'),
            }),
            Self::DeafFlooder => (0..random.between(1, 40)).for_each(|_| ask(dialect, random, out)),
            Self::Asker => ask(dialect, random, out),
            Self::Renamer => rename(dialect, random, out),
            Self::Whisperer => {
                out.extend_from_slice(
                    format!("/msg guest-{} psst, are you there?\n", random.between(1, 500)).as_bytes(),
                );
            }
            Self::Rubbish => {
                let speaks = if dialect == Dialect::Classic { Speaks::Classic } else { Speaks::Text };
                typing(random, speaks, MAX_LINE, MAX_NAME, out);
                if random.one_in(8) {
                    let len = random.between(1, 3 * MAX_LINE as u64) as usize;
                    out.extend((0..len).map(|_| random.below(256) as u8));
                }
            }
            Self::Resetter => {
                if !random.one_in(3) {
                    say(dialect, "I am not going to finish this sentence", out);
                    out.truncate(random.below(out.len() as u64 + 1) as usize);
                }
                return Then::Reset;
            }
            Self::HalfCloser => {
                say(dialect, "this is my last word", out);
                return Then::ShutDownSending;
            }
            Self::Revenant => {
                rename(dialect, random, out);
                say(dialect, "here I am again", out);
                if random.one_in(2) {
                    out.extend_from_slice(b"/quit see you\n");
                }
                return Then::Leave;
            }
        }
        Then::Stay
    }
}

fn say(dialect: Dialect, words: &str, out: &mut Vec<u8>) {
    match dialect {
        Dialect::Text => out.extend_from_slice(words.as_bytes()),
        Dialect::Classic => {
            out.extend_from_slice(format!("CHAT {} {}", STANDARD.encode("mallory"), STANDARD.encode(words)).as_bytes());
        }
        Dialect::Irc => out.extend_from_slice(format!("PRIVMSG #lobby :{words}").as_bytes()),
    }
    out.push(b'\n');
}

fn rename(dialect: Dialect, random: &mut Random, out: &mut Vec<u8>) {
    let name = if random.one_in(3) { "mallory".to_owned() } else { format!("mallory-{}", random.below(100_000)) };
    match dialect {
        Dialect::Text => out.extend_from_slice(format!("/name {name}\n").as_bytes()),
        Dialect::Classic => out.extend_from_slice(format!("NAME {}\n", STANDARD.encode(name)).as_bytes()),
        Dialect::Irc => out.extend_from_slice(format!("NICK {name}\nUSER m 0 * :m\nJOIN #lobby\n").as_bytes()),
    }
}

/// Writes a line that is answered: a request, or in `classic`, which has none, an invalid line.
fn ask(dialect: Dialect, random: &mut Random, out: &mut Vec<u8>) {
    let question: &[u8] = match dialect {
        Dialect::Text => random.pick(&[b"/who\n".as_slice(), b"/help\n", b"/ping\n"]),
        Dialect::Classic => random.pick(&[b"WHO\n".as_slice(), b"CHAT YQ== ?\n", b"NAME YWE\n"]),
        Dialect::Irc => random.pick(&[b"WHO *\n".as_slice(), b"NAMES #lobby\n", b"LIST\n", b"PING x\n"]),
    };
    out.extend_from_slice(question);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_does_its_worst() {
        let mut random = Random::new(1);
        for kind in KINDS {
            let mut out = Vec::new();
            for dialect in [Dialect::Text, Dialect::Classic, Dialect::Irc] {
                for i in 0..100 {
                    kind.act(dialect, i == 0, &mut random, &mut out);
                }
            }
            assert_eq!(out.is_empty(), kind == Kind::Silent, "{kind:?}");
            assert!(kind.life(&mut random) >= Duration::from_millis(200), "{kind:?}");
            assert!(kind.pause(&mut random) >= Duration::from_millis(10), "{kind:?}");
        }
    }
}
