//! Target `driver`: any sequence of calls on a hub, misuse included, compared with the model.
//!
//! A script begins with a digit that chooses the [limits](super::limits); then comes one letter for each call, with its
//! operands (see [`Script`]): `P` is a peer, `N` an amount, `S` a small number, `TEXT` goes up to the end of the line.
//!
//! | letter | call |
//! | --- | --- |
//! | `oPS` | open a session for the peer, in dialect `S`; its socket takes everything (`O`: from one origin for all even peers, or for all odd ones) |
//! | `rP TEXT` | its peer sends a line; `RP` without the line's end |
//! | `eP`, `dP` | its input ends; its transport fails (`D`: twice) |
//! | `fP` | its peer has ended, though not all of its input was taken |
//! | `kP TEXT`, `a TEXT` | kick it; announce |
//! | `iP TEXT` | tell it something (`I`: give it that name) |
//! | `j TEXT` | a bot comes under that name, or says that (`J`: does that) |
//! | `lP TEXT` | the bot says that to the peer (`L`: leaves with that) |
//! | `pP` | its socket is writable again |
//! | `wPN` | write, and `N` bytes are taken (`W`: more is reported than was pending) |
//! | `vPN` | from now on its socket takes `N` bytes a write |
//! | `mPS` | from now on it is written to from a copy of everything (0), a shared copy (1), or its own copy, later (2) |
//! | `bPN` | the write begun earlier ends: `N` bytes are taken |
//! | `cN` | carry out `N` commands |
//! | `tSN` | time passes: `N` of the unit `S`; `u` the same, backwards |
//! | `hN` | `handle_timeout`, `N` nanoseconds early |
//! | `n` | the clock goes to just before the next deadline, then to it; `handle_timeout` both times |
//! | `z` | the clock goes to the end of time |
//! | `s` | shut down |
//! | `xP` | make every call with the id that the peer had before |
//! | `gPPN` | report the end of a write that never happened, of bytes copied for another peer. From here on the model is not used, only the rules that hold for any driver |

use chat_proto::{Batch, Cloak, Command, Origin, SessionId, Timestamp};

use super::limits::limits;
use super::lockstep::Lockstep;
use super::script::{Script, text};
use crate::model::{Checked, differ};

const PEERS: usize = 8;

/// The units of time in nanoseconds: from one nanosecond to a century.
const UNITS: [u64; 8] = [
    1,
    1_000,
    1_000_000,
    100_000_000,
    1_000_000_000,
    60_000_000_000,
    86_400_000_000_000,
    100 * 365 * 86_400_000_000_000,
];

/// Runs a script.
pub(super) fn play(data: &[u8]) -> Checked {
    let mut script = Script::new(data);
    let mut driver = Driver::new(Lockstep::new(limits(script.small())));
    while let Some(letter) = script.next() {
        driver.step(letter, &mut script)?;
    }
    driver.end()
}

/// A driver and its state for each peer.
struct Driver {
    hub: Lockstep,
    /// Its clock, which may step back.
    clock: u64,
    peers: [Peer; PEERS],
    /// A member without a connection.
    bot: Option<SessionId>,
    /// The copy that peers share.
    shared: Batch,
}

#[derive(Default)]
struct Peer {
    id: Option<SessionId>,
    /// The id it had before.
    stale: Option<SessionId>,
    /// Input that was left untaken.
    untaken: Vec<u8>,
    /// A `Send` was handed out, and the socket has not yet taken everything that was written.
    sending: bool,
    /// How many bytes its socket takes at once.
    window: usize,
    way: Way,
    /// A write that is under way.
    writing: Option<Batch>,
    /// The last copy made for it.
    copied: Batch,
}

/// How a peer is written to.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Way {
    #[default]
    Whole,
    Shared,
    Later,
}

impl Driver {
    fn new(hub: Lockstep) -> Self {
        Self { hub, clock: 0, bot: None, peers: Default::default(), shared: Batch::new() }
    }

    fn step(&mut self, letter: u8, script: &mut Script<'_>) -> Checked {
        let (now, capital) = (self.now(), letter.is_ascii_uppercase());
        match letter | 0x20 {
            b'o' => {
                let (peer, dialect) = (script.small(), script.small());
                if self.peers[peer].id.is_none() {
                    let stale = self.peers[peer].stale;
                    let origin = capital.then(|| origin(peer as u8 % 2));
                    let id = self.hub.open_from(now, dialect, origin)?;
                    self.peers[peer] = Peer { id, stale, window: usize::MAX, ..Peer::default() };
                }
                Ok(())
            }
            b'r' => {
                let (peer, line) = (script.small(), script.line());
                let without = if capital { line.strip_suffix(b"\n").unwrap_or(line) } else { line };
                self.read(peer, without)
            }
            b'e' => self.on_session(script, |driver, id| driver.hub.receive_eof(now, id)),
            b'f' => self.on_session(script, |driver, id| driver.hub.peer_ended(now, id)),
            b'p' => self.on_session(script, |driver, id| driver.hub.writable(now, id)),
            b'd' => self.on_session(script, |driver, id| {
                driver.hub.disconnect(now, id)?;
                if capital { driver.hub.disconnect(now, id) } else { Ok(()) }
            }),
            b'k' => {
                let (peer, why) = (script.small(), text(script.line()));
                self.peers[peer].id.map_or(Ok(()), |id| self.hub.kick(now, id, &why))
            }
            b'a' => self.hub.announce(now, &text(script.line())),
            b'i' => {
                let (peer, words) = (script.small(), text(script.line()));
                let Some(id) = self.peers[peer].id else { return Ok(()) };
                if capital { self.hub.rename(now, id, words.trim()) } else { self.hub.tell_session(now, id, &words) }
            }
            b'j' => {
                let words = text(script.line());
                if let Some(bot) = self.bot {
                    return self.hub.say(now, bot, &words, capital);
                }
                self.bot = self.hub.enter(now, words.trim())?;
                Ok(())
            }
            b'l' => {
                let (peer, words) = (script.small(), text(script.line()));
                let Some(bot) = self.bot else { return Ok(()) };
                if capital {
                    self.bot = None;
                    return self.hub.leave(now, bot, &words);
                }
                self.hub.say_to(now, bot, self.peers[peer].id.unwrap_or(bot), &words)
            }
            b'w' => {
                let (peer, taken) = (script.small(), script.amount());
                self.write(peer, taken, capital)
            }
            b'v' => {
                let (peer, window) = (script.small(), script.amount());
                self.peers[peer].window = window;
                Ok(())
            }
            b'm' => {
                let (peer, way) = (script.small(), script.small());
                self.peers[peer].way = [Way::Whole, Way::Shared, Way::Later][way % 3];
                Ok(())
            }
            b'b' => {
                let (peer, taken) = (script.small(), script.amount());
                self.write_ends(peer, taken)
            }
            b'c' => {
                let most = script.amount();
                self.carry_out(most)
            }
            b't' | b'u' => {
                let (unit, number) = (UNITS[script.small()], script.amount() as u64);
                let span = unit.saturating_mul(number);
                let forwards = letter | 0x20 == b't';
                self.clock = if forwards { self.clock.saturating_add(span) } else { self.clock.saturating_sub(span) };
                Ok(())
            }
            b'h' => {
                let early = script.amount() as u64;
                self.hub.handle_timeout(moment(self.clock.saturating_sub(early)))
            }
            b'n' => self.wait(),
            b'z' => {
                self.clock = u64::MAX;
                Ok(())
            }
            b's' => self.hub.shut_down(now),
            b'x' => {
                let stale = self.peers[script.small()].stale;
                stale.map_or(Ok(()), |id| self.hub.call_stale(now, id))
            }
            b'g' => {
                let (peer, other, taken) = (script.small(), script.small(), script.amount());
                self.report_falsely(peer, other, taken)
            }
            _ => Ok(()),
        }
    }

    fn now(&self) -> Timestamp {
        moment(self.clock)
    }

    fn on_session(&mut self, script: &mut Script<'_>, f: impl FnOnce(&mut Self, SessionId) -> Checked) -> Checked {
        let id = self.peers[script.small()].id;
        id.map_or(Ok(()), |id| f(self, id))
    }

    /// Offers the untaken input, followed by `more`.
    fn read(&mut self, peer: usize, more: &[u8]) -> Checked {
        let now = self.now();
        let Peer { id: Some(id), untaken, .. } = &mut self.peers[peer] else { return Ok(()) };
        untaken.extend_from_slice(more);
        let taken = self.hub.receive(now, *id, untaken)?;
        untaken.drain(..taken);
        Ok(())
    }

    fn write(&mut self, peer: usize, taken: usize, exaggerate: bool) -> Checked {
        let now = self.now();
        let Peer { id: Some(id), way, sending, writing: None, copied, .. } = &mut self.peers[peer] else {
            return Ok(());
        };
        let complete = match way {
            // A write without a `Send` must be complete before any other call.
            Way::Later if *sending => {
                let mut batch = Batch::new();
                self.hub.fill(*id, &mut batch, taken)?;
                self.peers[peer].writing = Some(batch);
                return Ok(());
            }
            Way::Whole => self.hub.write(now, *id, if exaggerate { usize::MAX } else { taken }, &mut Vec::new())?,
            Way::Shared | Way::Later => {
                let batch = if *way == Way::Shared { &mut self.shared } else { copied };
                self.hub.fill(*id, batch, taken)?;
                self.hub.wrote(now, *id, batch, if exaggerate { usize::MAX } else { taken })?
            }
        };
        *sending &= !complete;
        Ok(())
    }

    fn write_ends(&mut self, peer: usize, taken: usize) -> Checked {
        let now = self.now();
        let peer = &mut self.peers[peer];
        let Some(batch) = peer.writing.take() else { return Ok(()) };
        if let Some(id) = peer.id {
            peer.sending &= !self.hub.wrote(now, id, &batch, taken)?;
        }
        peer.copied = batch;
        Ok(())
    }

    fn carry_out(&mut self, most: usize) -> Checked {
        for _ in 0..most {
            let Some(command) = self.hub.poll_command()? else { return self.check_drained() };
            let (Command::Send(id) | Command::Read(id) | Command::Authenticate(id) | Command::Close(id, _)) = command;
            let Some(peer) = self.peers.iter().position(|peer| peer.id == Some(id)) else {
                return differ("command for nobody", format!("{command:?}"));
            };
            match command {
                Command::Send(_) if self.peers[peer].sending && self.hub.is_followed() => {
                    return differ("send twice", format!("{command:?}"));
                }
                Command::Send(_) => {
                    self.peers[peer].sending = true;
                    self.write(peer, self.peers[peer].window, false)?;
                }
                Command::Read(_) => self.read(peer, b"")?,
                Command::Authenticate(_) => return differ("command", "there are no passwords"),
                Command::Close(..) => {
                    let peer = &mut self.peers[peer];
                    (peer.id, peer.stale) = (None, Some(id));
                    (peer.sending, peer.writing) = (false, None);
                    peer.untaken.clear();
                }
            }
        }
        Ok(())
    }

    /// Checks, once all commands have been carried out, that every session with pending bytes is being written to.
    fn check_drained(&mut self) -> Checked {
        for peer in &self.peers {
            if let (Some(id), false) = (peer.id, peer.sending)
                && !self.hub.is_quiet(id)?
            {
                return differ("lost wake", format!("{id:?} has bytes pending, and no command says so"));
            }
        }
        Ok(())
    }

    /// Calls `handle_timeout` just before the next deadline, then at it.
    fn wait(&mut self) -> Checked {
        let Some(at) = self.hub.hub().poll_timeout() else { return Ok(()) };
        self.clock = self.clock.max(at.as_nanos().saturating_sub(1));
        self.hub.handle_timeout(self.now())?;
        self.clock = self.clock.max(at.as_nanos());
        self.hub.handle_timeout(self.now())
    }

    fn report_falsely(&mut self, peer: usize, other: usize, taken: usize) -> Checked {
        let now = self.now();
        let Some(id) = self.peers[peer].id else { return Ok(()) };
        self.hub.forget_model();
        let other = &self.peers[other];
        let batch =
            other.writing.as_ref().unwrap_or(if other.way == Way::Shared { &self.shared } else { &other.copied });
        // The hub may or may not count the write as ended; the driver continues as before.
        self.hub.wrote(now, id, batch, taken).map(drop)
    }

    /// Lets every socket take everything, then shuts down.
    fn end(mut self) -> Checked {
        self.settle()?;
        self.hub.shut_down(self.now())?;
        self.settle()?;
        self.hub.end()
    }

    fn settle(&mut self) -> Checked {
        // Each write without a `Send` is followed by a `Send` if more is pending.
        for _ in 0..10_000 {
            for peer in 0..PEERS {
                self.peers[peer].window = usize::MAX;
                self.write_ends(peer, usize::MAX)?;
                if self.peers[peer].sending {
                    self.write(peer, usize::MAX, false)?;
                }
            }
            if !self.hub.hub().has_commands() && self.peers.iter().all(|peer| !peer.sending) {
                return Ok(());
            }
            self.carry_out(usize::MAX)?;
        }
        differ("hung", "every socket takes everything, and there is always more")
    }
}

/// Returns the time that a clock shows. The last day before the end of time counts as the end: sums saturate there, and
/// rates and timeouts are no longer exact to the nanosecond.
fn moment(clock: u64) -> Timestamp {
    let last_day = u64::MAX - UNITS[6];
    if clock < last_day { Timestamp::from_nanos(clock) } else { Timestamp::MAX }
}

/// Returns the origin of a peer.
fn origin(number: u8) -> Origin {
    Origin::new([number; 16]).with_cloak(Cloak::new(number.into()))
}
