//! Targets `receive_text`, `receive_classic`, `receive_irc` and `receive_ws`: raw bytes from a peer, cut in any way.
//!
//! An input is a digit that chooses the limits, a digit with the number of cut sizes that follow, those sizes as
//! characters, and then the peer's bytes. It is played twice: whole, to readers that take everything at once; and in
//! pieces, to readers that take pieces. Both must give the same output, and nothing that a screen must not show. The
//! model is not asked about IRC and WebSocket here. An input of `receive_ws` begins with one more digit, for dialect and
//! framing.

use std::iter::{self, Cycle};
use std::slice;
use std::sync::Arc;

use chat_proto::dialect::{Classic, Irc, Text};
use chat_proto::{
    Command, Config, DialectConfig, Framing, HubStats, MessageKind, Policy, Proposal, SessionId, Timestamp, Verdict,
};

use super::limits::rate;
use super::lockstep::Lockstep;
use super::screen;
use super::script::Script;
use crate::model::{Checked, differ};
use crate::websocket::{self, Frame, opcode};

/// How much is sent before all readers have read everything. It is small enough that no reply buffer fills up, since
/// refusals would then depend on how fast a session reads.
const ROUND: usize = 512;

/// The dialects of the sessions; the first session sends.
type Dialects = [&'static str; 3];

/// Plays an input to a session of that dialect.
pub(super) fn play(data: &[u8], dialect: &'static str) -> Checked {
    play_framed(Script::new(data), dialect, Framing::Lines)
}

/// Plays an input to a session with messages of WebSocket.
pub(super) fn play_messages(data: &[u8]) -> Checked {
    let mut script = Script::new(data);
    let number = script.small();
    let kind = if number & 4 == 0 { MessageKind::Text } else { MessageKind::Binary };
    play_framed(script, ["text", "irc", "classic", "text"][number & 3], Framing::WebSocket(kind))
}

fn play_framed(mut script: Script<'_>, dialect: &'static str, framing: Framing) -> Checked {
    let number = script.small();
    let many = script.small();
    let (cuts, input) = (script.bytes(many), script);
    let dialects = [dialect, "text", "classic"];
    let whole = Play::new(number, dialects, framing, Cuts::none()).run(input.clone())?;
    let pieces = Play::new(number, dialects, framing, Cuts::new(cuts)).run(input)?;
    for (i, (whole, pieces)) in whole.streams.iter().zip(&pieces.streams).enumerate() {
        if whole != pieces {
            let (whole, pieces) = (whole.escape_ascii(), pieces.escape_ascii());
            return differ("cuts", format!("reader {i} was sent\n   whole \"{whole}\"\n  pieces \"{pieces}\""));
        }
    }
    if whole.closes != pieces.closes {
        return differ("cuts", format!("closed with {:?} and {:?}", whole.closes, pieces.closes));
    }
    // TLS is recognized by its first bytes, with or without the end of the line that they are in.
    let lines = whole.stats.lines_received.abs_diff(pieces.stats.lines_received);
    if lines > whole.stats.wrong_protocol || counted(&whole.stats, framing) != counted(&pieces.stats, framing) {
        return differ("counters", format!("\n   whole {:?}\n  pieces {:?}", whole.stats, pieces.stats));
    }
    whole.streams.iter().zip(dialects).try_for_each(|(stream, dialect)| screen::read(dialect, stream).map(drop))
}

/// The limits with that number: fast and slow, with and without a policy, with short lines and long ones.
fn config(number: usize, is_irc: bool) -> Config {
    let silent = |dialect| DialectConfig { idle_timeout: None, ..dialect };
    let mut dialects = vec![silent(DialectConfig::new(Text)), silent(DialectConfig::new(Classic))];
    dialects.extend(is_irc.then(|| silent(DialectConfig::new(Irc::default()))));
    Config {
        max_sessions: 3,
        max_line: if number & 4 == 0 { 64 } else { 700 },
        max_name: if number & 4 == 0 { 9 } else { 255 },
        // With a pace, the set of waiting lines would depend on how the input is cut.
        pace: None,
        log_bytes: 32 << 10,
        log_entries: 1_000,
        // Many short lines of IRC have long answers, some of which tell the time.
        reply_bytes: if is_irc { 256 << 10 } else { 64 << 10 },
        rate: (number & 1 != 0 && !is_irc).then(|| rate(1_000, 2)),
        policy: (number & 2 != 0).then(|| Arc::new(judge) as Arc<dyn Policy>),
        stall_timeout: None,
        dialects,
        ..Config::default()
    }
}

/// A policy that returns the most harmful verdicts.
fn judge(proposal: &Proposal<'_>, rewritten: &mut String) -> Verdict {
    let words = proposal.action.words();
    match words.as_bytes() {
        [.., b'1'] => rewritten.push_str("forged\nby: the\r\u{1b}policy \u{202e}"),
        [.., b'2'] => {}
        [.., b'3'] => rewritten.extend(iter::repeat_n(words, 3)),
        [.., b'4'] => return Verdict::Refuse(format!("no\n{words} \u{202e}").into()),
        _ => return Verdict::Pass,
    }
    Verdict::Rewrite
}

/// The counters that must not depend on how the input is cut.
fn counted(stats: &HubStats, framing: Framing) -> [u64; 7] {
    let s = stats;
    // Which pings are answered depends on it, too.
    let bytes_sent = if framing == Framing::Lines { s.bytes_sent } else { 0 };
    // How many bytes of an overlong line arrive before it closes its session depends on the pieces.
    let bytes_received = if s.closed == 0 { s.bytes_received } else { 0 };
    [s.opened, s.closed, s.messages, bytes_received, bytes_sent, s.refused, s.missed]
}

/// Piece sizes, repeated.
struct Cuts<'a>(Option<Cycle<slice::Iter<'a, u8>>>);

impl<'a> Cuts<'a> {
    fn new(sizes: &'a [u8]) -> Self {
        Self(Some(if sizes.is_empty() { &[0] } else { sizes }.iter().cycle()))
    }

    /// Everything in one piece.
    fn none() -> Self {
        Self(None)
    }

    fn next(&mut self) -> usize {
        self.0.as_mut().and_then(Iterator::next).map_or(usize::MAX, |size| usize::from(*size) % 61 + 1)
    }
}

/// One run of an input.
struct Play<'a> {
    hub: Lockstep,
    dialects: Dialects,
    /// That of the first session.
    framing: Framing,
    ids: [Option<SessionId>; 3],
    now: Timestamp,
    cuts: Cuts<'a>,
    outcome: Outcome,
}

/// The result of a run.
#[derive(Default)]
struct Outcome {
    streams: [Vec<u8>; 3],
    /// The payloads of the close frames that the first session has read.
    closes: Vec<Vec<u8>>,
    stats: HubStats,
}

impl<'a> Play<'a> {
    fn new(number: usize, dialects: Dialects, framing: Framing, cuts: Cuts<'a>) -> Self {
        let is_irc = dialects[0] == "irc";
        let mut hub = Lockstep::new(config(number, is_irc));
        if is_irc || framing != Framing::Lines {
            hub.forget_model();
        }
        Self { hub, dialects, framing, ids: [None; 3], now: Timestamp::ZERO, cuts, outcome: Outcome::default() }
    }

    fn run(mut self, mut input: Script<'_>) -> Checked<Outcome> {
        // What the first session was sent by each of its connections.
        let mut read = Vec::new();
        loop {
            for (peer, dialect) in self.dialects.into_iter().enumerate() {
                if self.ids[peer].is_none() {
                    self.ids[peer] = self.hub.open(
                        self.now,
                        ["text", "classic", "irc"].iter().position(|it| *it == dialect).unwrap_or_default(),
                    )?;
                    if peer == 0
                        && let Some(id) = self.ids[0]
                    {
                        self.hub.set_framing(id, self.framing);
                        read.push(std::mem::take(&mut self.outcome.streams[0]));
                    }
                }
            }
            let mut round = input.bytes(ROUND);
            if round.is_empty() {
                break;
            }
            while !round.is_empty() {
                let (piece, rest) = round.split_at(self.cuts.next().min(round.len()));
                self.send(0, piece)?;
                round = rest;
            }
            // A line that waits for its own peer to read is carried out before others speak, however its bytes came.
            if self.hub.hub().gauges().held > 0 {
                self.carry_out()?;
            }
            // Others send messages, so that the first session has something to read between its replies.
            self.send(1, b"meanwhile\n")?;
            self.carry_out()?;
        }
        self.outcome.stats = self.hub.hub().stats();
        self.hub.shut_down(self.now)?;
        self.carry_out()?;
        read.push(std::mem::take(&mut self.outcome.streams[0]));
        for stream in read {
            self.read_messages(stream)?;
        }
        self.hub.end()?;
        Ok(self.outcome)
    }

    /// Appends what the first session has read on one connection, as lines. Where these are messages, pongs are left out:
    /// how many pings are answered depends on how they arrive.
    fn read_messages(&mut self, stream: Vec<u8>) -> Checked {
        let Framing::WebSocket(kind) = self.framing else {
            self.outcome.streams[0].extend(stream);
            return Ok(());
        };
        let frames = match websocket::frames(&stream) {
            Ok(frames) => frames,
            Err(what) => return differ("frames", format!("{what}: {}", stream.escape_ascii())),
        };
        let end: &[u8] = if self.dialects[0] == "irc" { b"\r\n" } else { b"\n" };
        for Frame { opcode, payload } in frames {
            match opcode {
                opcode::PONG => {}
                opcode::CLOSE => self.outcome.closes.push(payload),
                _ if payload.contains(&b'\n') => return differ("frames", "a message of several lines"),
                _ if (opcode == opcode::TEXT) != (kind == MessageKind::Text) => {
                    return differ("frames", "another kind");
                }
                _ => self.outcome.streams[0].extend([&payload, end].concat()),
            }
        }
        Ok(())
    }

    /// Offers bytes until all are taken. Between offers, replies are read or time passes.
    fn send(&mut self, peer: usize, mut bytes: &[u8]) -> Checked {
        while let (Some(id), false) = (self.ids[peer], bytes.is_empty()) {
            let taken = self.hub.receive(self.now, id, bytes)?;
            bytes = &bytes[taken..];
            if !bytes.is_empty() && !self.carry_out()? {
                let Some(at) = self.hub.hub().poll_timeout() else {
                    return differ("hung", "input is left untaken, and nothing is to come");
                };
                self.now = self.now.max(at);
                self.hub.handle_timeout(self.now)?;
                if !self.carry_out()? {
                    return differ("hung", format!("at {at} nothing came of waiting for it"));
                }
            }
        }
        // Only readers in pieces read before the round is over.
        if self.cuts.0.is_none() { Ok(()) } else { self.carry_out().map(drop) }
    }

    /// Carries out all commands; returns whether one was to read again, or the sender is gone.
    fn carry_out(&mut self) -> Checked<bool> {
        let mut may_go_on = false;
        while let Some(command) = self.hub.poll_command()? {
            let (Command::Send(id) | Command::Read(id) | Command::Authenticate(id) | Command::Close(id, _)) = command;
            let peer = self.ids.iter().position(|known| *known == Some(id)).expect("a session that is there");
            match command {
                Command::Send(_) => {
                    let out = &mut self.outcome.streams[peer];
                    while !self.hub.write(self.now, id, self.cuts.next(), out)? {}
                }
                Command::Read(_) => may_go_on = true,
                Command::Authenticate(_) => return differ("command", "there are no passwords"),
                Command::Close(..) => {
                    self.ids[peer] = None;
                    may_go_on = true;
                }
            }
        }
        Ok(may_go_on)
    }
}
