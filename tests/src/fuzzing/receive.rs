//! Targets `receive_text`, `receive_classic` and `receive_irc`: raw bytes from a peer, cut in any way.
//!
//! An input is a digit that chooses the limits, a digit with the number of cut sizes that follow, those sizes as
//! characters, and then the peer's bytes. It is played twice: whole, to readers that take everything at once; and in
//! pieces, to readers that take pieces. Both must give the same output, and nothing that a screen must not show. The
//! model knows no IRC.

use std::iter::{self, Cycle};
use std::slice;
use std::sync::Arc;

use chat_proto::dialect::{Classic, Irc, Text};
use chat_proto::{Action, Command, Config, DialectConfig, HubStats, Policy, Proposal, SessionId, Timestamp, Verdict};

use super::limits::rate;
use super::lockstep::Lockstep;
use super::screen;
use super::script::Script;
use crate::model::{Checked, differ};

/// How much is sent before all readers have read everything. It is small enough that no reply buffer fills up, since
/// refusals would then depend on how fast a session reads.
const ROUND: usize = 512;

/// The dialects of the sessions; the first session sends.
type Dialects = [&'static str; 3];

/// Plays an input to a session of that dialect.
pub(super) fn play(data: &[u8], dialect: &'static str) -> Checked {
    let mut script = Script::new(data);
    let number = script.small();
    let many = script.small();
    let (cuts, input) = (script.bytes(many), script);
    let dialects = [dialect, "text", "classic"];
    let whole = Play::new(number, dialects, Cuts::none()).run(input.clone())?;
    let pieces = Play::new(number, dialects, Cuts::new(cuts)).run(input)?;
    for (i, (whole, pieces)) in whole.streams.iter().zip(&pieces.streams).enumerate() {
        if whole != pieces {
            let (whole, pieces) = (whole.escape_ascii(), pieces.escape_ascii());
            return differ("cuts", format!("reader {i} was sent\n   whole \"{whole}\"\n  pieces \"{pieces}\""));
        }
    }
    if counted(&whole.stats) != counted(&pieces.stats) {
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
    let (Action::Say { words }
    | Action::Act { words }
    | Action::Tell { words, .. }
    | Action::Quit { words }
    | Action::Name { to: words }) = proposal.action
    else {
        return Verdict::Pass;
    };
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
fn counted(stats: &HubStats) -> [u64; 8] {
    let s = stats;
    // How many bytes of an overlong line arrive before it closes its session depends on the pieces.
    let bytes_received = if s.closed == 0 { s.bytes_received } else { 0 };
    [s.opened, s.closed, s.messages, s.lines_received, bytes_received, s.bytes_sent, s.refused, s.missed]
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
    ids: [Option<SessionId>; 3],
    now: Timestamp,
    cuts: Cuts<'a>,
    outcome: Outcome,
}

/// The result of a run.
#[derive(Default)]
struct Outcome {
    streams: [Vec<u8>; 3],
    stats: HubStats,
}

impl<'a> Play<'a> {
    fn new(number: usize, dialects: Dialects, cuts: Cuts<'a>) -> Self {
        let is_irc = dialects[0] == "irc";
        let mut hub = Lockstep::new(config(number, is_irc));
        if is_irc {
            hub.forget_model();
        }
        Self { hub, dialects, ids: [None; 3], now: Timestamp::ZERO, cuts, outcome: Outcome::default() }
    }

    fn run(mut self, mut input: Script<'_>) -> Checked<Outcome> {
        loop {
            for (peer, dialect) in self.dialects.into_iter().enumerate() {
                if self.ids[peer].is_none() {
                    self.ids[peer] = self.hub.open(
                        self.now,
                        ["text", "classic", "irc"].iter().position(|it| *it == dialect).unwrap_or_default(),
                    )?;
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
            // Others send messages, so that the first session has something to read between its replies.
            self.send(1, b"meanwhile\n")?;
            self.carry_out()?;
        }
        self.outcome.stats = self.hub.hub().stats();
        self.hub.shut_down(self.now)?;
        self.carry_out()?;
        self.hub.end()?;
        Ok(self.outcome)
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
