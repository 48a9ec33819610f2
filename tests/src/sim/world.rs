//! The world around a hub: a clock, peers with sockets, a driver, and the model, which is told of every call.

use std::collections::VecDeque;

use chat_proto::conversation::Conversation;
use chat_proto::dialect::Update;
use chat_proto::{Batch, Cloak, Command, EnterError, Hub, Origin, SessionId, Timestamp};

use super::driver::ENDLESS;
use super::episode::{Conduct, Episode};
use super::grammar;
use super::random::{Digest, Random};
use super::step::{Speaks, Step};
use crate::alloc::Meter;
use crate::model::{Checked, Model, differ};
use crate::output::roomy_batch;

/// How many ids of closed sessions are kept, for stale calls.
const STALE: usize = 8;

/// A hub, its model, and everything around them.
#[derive(Debug)]
pub struct World {
    pub(super) hub: Hub,
    pub(super) meter: Meter,
    /// The memory bound that the hub states.
    pub(super) bound: i64,
    pub(super) model: Model,
    pub(super) conduct: Conduct,
    /// The index of each dialect that is spoken.
    pub(super) dialects: Vec<(Speaks, usize)>,
    /// The driver's clock, which may step back.
    pub(super) clock: u64,
    pub(super) peers: Vec<Option<Connection>>,
    /// The peer of the session in each slot.
    pub(super) peer_of: Vec<Option<u8>>,
    /// A batch that readers share.
    pub(super) batch: Batch,
    /// Holds whatever is pending, so that filling it allocates nothing.
    pub(super) pending: Batch,
    pub(super) journal_seen: u64,
    /// The follower, which is given only the hub's entries; `None` once it has missed some.
    pub(super) follower: Option<Conversation>,
    /// Everything seen so far.
    pub(super) digest: Digest,
    pub(super) stale: VecDeque<SessionId>,
    /// The member without a connection, if there is one.
    pub(super) bot: Option<SessionId>,
    /// Passwords that are being checked, and whether they are right.
    pub(super) checks: Vec<(SessionId, bool)>,
    accepts_to_fail: u8,
    steps: u64,
}

/// A peer's connection: its socket, and what the driver keeps for it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: SessionId,
    /// What the peer typed and the driver has not read, or the hub has not taken.
    pub(super) typed: Vec<u8>,
    /// The peer types no more.
    pub(super) half_closed: bool,
    /// The hub has been told of the end of input.
    pub(super) eof_told: bool,
    /// The hub left input untaken; the driver reads no more until it is told to.
    pub(super) paused: bool,
    /// How many bytes the socket takes.
    pub(super) window: usize,
    pub(super) writing: Writing,
}

impl Connection {
    /// Takes out the write in progress, if there is one.
    pub(super) fn take_write(&mut self) -> Option<Batch> {
        match std::mem::replace(&mut self.writing, Writing::Done) {
            Writing::UnderWay(batch) => Some(batch),
            other => {
                self.writing = other;
                None
            }
        }
    }
}

/// The state of writing to a connection.
#[derive(Debug)]
pub(super) enum Writing {
    /// Everything that the driver was told to write is written.
    Done,
    /// The socket took only a part; the driver waits until it takes more.
    Blocked,
    /// A write is in progress.
    UnderWay(Batch),
}

impl World {
    /// Makes the world of an episode.
    ///
    /// # Panics
    ///
    /// If the episode's configuration is not one that a hub accepts.
    #[must_use]
    pub fn new(episode: &Episode) -> Self {
        let mut meter = Meter::new();
        let config = episode.config.clone();
        let hub = meter.scope(|| Hub::new(episode.config.clone()).expect("episodes have valid limits"));
        let follower = Conversation::new(&config).expect("episodes have valid limits");
        let index = |speaks: Speaks| config.dialects.iter().position(|d| d.dialect.name() == speaks.name());
        let all = [Speaks::Text, Speaks::Classic, Speaks::Irc];
        let dialects = all.into_iter().filter_map(|speaks| Some((speaks, index(speaks)?))).collect();
        let mut model = Model::new(config.clone());
        model.irc_settings.clone_from(&episode.irc_settings);
        Self {
            hub,
            meter,
            bound: i64::try_from(config.memory_bound()).expect("a sensible bound"),
            dialects,
            peers: (0..episode.weather.peers).map(|_| None).collect(),
            peer_of: vec![None; config.max_sessions],
            model,
            conduct: episode.conduct.clone(),
            clock: 0,
            batch: Batch::new(),
            pending: roomy_batch(&episode.config),
            journal_seen: 0,
            follower: Some(follower),
            digest: Digest::new(),
            stale: VecDeque::new(),
            bot: None,
            checks: Vec::new(),
            accepts_to_fail: 0,
            steps: 0,
        }
    }

    /// Plays one step and checks everything that must hold after it.
    ///
    /// # Errors
    ///
    /// The first rule found broken.
    pub fn apply(&mut self, step: Step) -> Checked {
        self.carry_out(step)?;
        if self.conduct.prompt {
            self.drain(usize::MAX)?;
        }
        self.steps += 1;
        self.check()?;
        if self.steps.is_multiple_of(64) { self.sweep() } else { Ok(()) }
    }

    /// Returns the digest of everything observed.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.digest.value()
    }

    fn carry_out(&mut self, step: Step) -> Checked {
        let now = self.now();
        match step {
            Step::Connect { peer, speaks, from } => self.connect(peer, speaks, from, None),
            Step::AcceptFails { times } => {
                self.accepts_to_fail = times;
                Ok(())
            }
            Step::Type { peer, seed, read } => {
                self.type_something(peer, seed);
                self.read(peer, usize::from(read))
            }
            Step::Read { peer, most } => self.read(peer, usize::from(most)),
            Step::HalfClose { peer } => {
                let Some(connection) = self.connection(peer) else { return Ok(()) };
                connection.half_closed = true;
                self.read(peer, 0)
            }
            Step::Reset { peer } => self.on_session(peer, |world, id| {
                world.meter.scope(|| world.hub.disconnect(now, id));
                world.model.disconnect(now, id.slot());
                Ok(())
            }),
            Step::Window { peer, bytes } => {
                let Some(connection) = self.connection(peer) else { return Ok(()) };
                connection.window += bytes as usize;
                let (id, goes_on) = (connection.id, matches!(connection.writing, Writing::Blocked) && bytes > 0);
                if goes_on && self.conduct.says_writable {
                    self.meter.scope(|| self.hub.writable(now, id));
                    self.model.writable(now, id.slot());
                }
                if goes_on { self.write(peer) } else { Ok(()) }
            }
            Step::PeerEnded { peer } => {
                let is_told = self.sees_order_of_closing();
                // The next peer of which some input is untaken.
                let count = self.peers.len().max(1);
                let all = (0..count).map(|step| (usize::from(peer) + step) % count);
                let is_paused = |peer: &usize| self.peers[*peer].as_ref().is_some_and(|it| it.paused);
                let Some(peer) = all.filter(|_| is_told && !self.peers.is_empty()).find(is_paused) else {
                    return Ok(());
                };
                let Some(connection) = self.peers[peer].as_mut() else { return Ok(()) };
                connection.half_closed = true;
                let id = connection.id;
                self.meter.scope(|| self.hub.peer_ended(now, id));
                self.model.peer_ended(now, id.slot());
                Ok(())
            }
            Step::Write { peer } => self.write(peer),
            Step::WriteEnds { peer } => {
                self.write_ends(peer);
                Ok(())
            }
            Step::Drain { most } => self.drain(usize::from(most)),
            Step::Answer { which, twice } => {
                self.answer(which, twice);
                Ok(())
            }
            Step::Pass { nanos, fire } => {
                self.clock = self.clock.saturating_add(nanos);
                let now = self.now();
                let due = self.hub.poll_timeout().is_some_and(|at| at <= now);
                if fire && due { self.fire(now) } else { Ok(()) }
            }
            Step::Fire { ahead, behind } => {
                let at = self.clock.saturating_add(u64::from(ahead)).saturating_sub(u64::from(behind));
                self.fire(Timestamp::from_nanos(at))
            }
            Step::StepBack { nanos } => {
                // The clock cannot step back from the end of time: sums and limits saturate just before it.
                if self.clock < u64::MAX {
                    self.clock = self.clock.saturating_sub(nanos);
                }
                Ok(())
            }
            Step::EndOfTime => {
                self.clock = u64::MAX;
                Ok(())
            }
            Step::Announce { seed } => {
                let words = grammar::words(&mut Random::new(u64::from(seed)), self.conduct.max_line * 2);
                self.meter.scope(|| self.hub.announce(now, &words));
                self.model.announce(now, &words);
                Ok(())
            }
            Step::Kick { peer, seed } => {
                let why = grammar::words(&mut Random::new(u64::from(seed)), self.conduct.max_line * 2);
                self.on_session(peer, |world, id| {
                    world.meter.scope(|| world.hub.kick(now, id, &why));
                    world.model.kick(now, id.slot(), &why);
                    Ok(())
                })
            }
            Step::Program { peer, speaks, seed } => self.program(peer, speaks, &mut Random::new(u64::from(seed))),
            Step::ShutDown => {
                self.meter.scope(|| self.hub.shut_down(now));
                self.model.shut_down(now);
                Ok(())
            }
            Step::Misuse { peer, how } => self.misuse(peer, how),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.clock)
    }

    pub(super) fn connection(&mut self, peer: u8) -> Option<&mut Connection> {
        self.peers.get_mut(usize::from(peer))?.as_mut()
    }

    /// Calls `f` with the session of a peer, if it has one.
    pub(super) fn on_session(&mut self, peer: u8, f: impl FnOnce(&mut Self, SessionId) -> Checked) -> Checked {
        match self.connection(peer).map(|connection| connection.id) {
            Some(id) => f(self, id),
            None => Ok(()),
        }
    }

    /// Connects a peer, under a name if the driver gives it one.
    pub(super) fn connect(&mut self, peer: u8, speaks: Speaks, from: u8, called: Option<&str>) -> Checked {
        if self.connection(peer).is_some() || usize::from(peer) >= self.peers.len() {
            return Ok(());
        }
        if self.accepts_to_fail > 0 {
            self.accepts_to_fail -= 1;
            return Ok(());
        }
        let Some((_, index)) = self.dialects.iter().find(|(spoken, _)| *spoken == speaks).copied() else {
            return Ok(());
        };
        let (now, name) = (self.now(), speaks.name());
        let Some(dialect) = self.hub.dialect(name) else { return differ("dialect", format!("no dialect {name}")) };
        let opened = self.meter.scope(|| match called {
            Some(name) => self.hub.open_named(now, dialect, origin(from), name),
            None => self.hub.open_from(now, dialect, origin(from)).map_err(EnterError::Open),
        });
        let opened = match (opened, called.map_or(Ok(()), |name| self.model.may_come_as(now, name))) {
            (Err(EnterError::Name(error)), Err(expected)) if error == expected => return Ok(()),
            (Ok(id), Ok(())) => Ok(id),
            (Err(EnterError::Open(error)), Ok(())) => Err(error),
            (opened, expected) => {
                return differ("name", format!("{called:?}: the hub says {opened:?}, the model {expected:?}"));
            }
        };
        let expected = self.model.open(now, dialect, index, origin(from), called, opened.ok())?;
        if opened.map(drop) != expected {
            return differ("open", format!("the hub says {opened:?}, the model {expected:?}"));
        }
        let id = match opened {
            Ok(id) => id,
            Err(error) => {
                let (mut words, mut expected) = (Vec::new(), Vec::new());
                self.hub.refusal(dialect, error, &mut words);
                self.model.encode(index, &Update::NotOpened(error), &mut expected);
                self.digest.bytes(&words);
                return if words == expected { Ok(()) } else { differ("refusal", String::from_utf8_lossy(&words)) };
            }
        };
        self.digest.number(id.slot() as u64);
        self.peer_of[id.slot()] = Some(peer);
        self.peers[usize::from(peer)] = Some(Connection {
            id,
            typed: Vec::new(),
            half_closed: false,
            eof_told: false,
            paused: false,
            window: self.conduct.first_window(peer),
            writing: Writing::Done,
        });
        Ok(())
    }

    /// Returns whether a peer has a connection.
    pub(super) fn is_connected(&self, peer: u8) -> bool {
        self.peers.get(usize::from(peer)).is_some_and(Option::is_some)
    }

    /// Returns whether the hub is shut down and everyone is gone.
    pub(super) fn is_over(&self) -> bool {
        self.hub.is_closed()
    }

    /// Returns whether one more session might be opened from that address.
    pub(super) fn would_accept(&self, from: u8) -> bool {
        self.model.may_open(self.now(), origin(from)).is_ok()
    }

    fn type_something(&mut self, peer: u8, seed: u32) {
        let Conduct { max_line, max_name, .. } = self.conduct;
        let Some(connection) = self.peers.get_mut(usize::from(peer)).and_then(Option::as_mut) else { return };
        // The socket's buffer is bounded: a peer that is not read from cannot type for ever.
        if connection.half_closed || connection.typed.len() > 8 * max_line {
            return;
        }
        let index = self.model.dialect_of(connection.id.slot());
        let spoken = self.dialects.iter().find(|(_, spoken)| Some(*spoken) == index);
        let speaks = spoken.map_or(Speaks::Text, |(speaks, _)| *speaks);
        grammar::typing(&mut Random::new(u64::from(seed)), speaks, max_line, max_name, &mut connection.typed);
    }

    /// Returns whether the journal is so large that it is sure to show in which order sessions were closed whose deadlines
    /// were equal.
    pub(super) fn sees_order_of_closing(&self) -> bool {
        self.conduct.journal_records >= 1_000
    }

    pub(super) fn fire(&mut self, at: Timestamp) -> Checked {
        self.meter.scope(|| self.hub.handle_timeout(at));
        // The hub chooses the order in which sessions with equal deadlines are handled; its journal says which.
        let order: Vec<usize> =
            self.hub.journal(self.journal_seen).filter_map(|r| r.session).map(SessionId::slot).collect();
        self.model.handle_timeout(at, &order)?;
        let now = self.model.now();
        match self.hub.poll_timeout() {
            Some(next) if next <= now && now < Timestamp::MAX => {
                differ("spin", format!("after handle_timeout({at}) at {now} the next is {next}"))
            }
            _ => Ok(()),
        }
    }

    /// Forgets a connection whose session is over.
    pub(super) fn drop_connection(&mut self, id: SessionId) {
        let Some(peer) = self.peer_of[id.slot()].take() else { return };
        let write = self.peers[usize::from(peer)].take().and_then(|mut connection| connection.take_write());
        if let Some(batch) = write {
            let now = self.now();
            // The write ends, although its session is closed.
            self.meter.scope(|| self.hub.sent(now, id, &batch, batch.as_bytes().len()));
            self.model.advance(now);
        }
        self.stale.push_back(id);
        if self.stale.len() > STALE {
            self.stale.pop_front();
        }
    }

    /// Ends the episode: every reader is sent everything, the hub shuts down, and no memory may be left.
    pub(super) fn end(mut self) -> Checked<u64> {
        for connection in self.peers.iter_mut().flatten() {
            connection.window = usize::MAX / 2;
        }
        self.settle()?;
        if let Some(slot) = self.model.slots().find(|slot| self.model.is_unsent(*slot)) {
            return differ("hung", format!("slot {slot} takes everything, but is not sent everything"));
        }
        let now = self.now();
        self.meter.scope(|| self.hub.shut_down(now));
        self.model.shut_down(now);
        self.settle()?;
        if !self.hub.is_closed() {
            return differ("hung", "everyone has taken everything, but some session is not closed");
        }
        self.use_stale_ids()?;
        self.check()?;
        let Self { hub, mut meter, digest, .. } = self;
        meter.scope(|| drop(hub));
        if meter.live == 0 { Ok(digest.value()) } else { differ("leak", format!("{} bytes", meter.live)) }
    }

    /// Carries out commands and ends writes until nothing more is left to do.
    fn settle(&mut self) -> Checked {
        let is_busy = |connection: &Connection| !matches!(connection.writing, Writing::Done);
        let mut rounds = 0;
        while self.hub.has_commands() || self.peers.iter().flatten().any(is_busy) {
            rounds += 1;
            if rounds == ENDLESS {
                return differ("endless", "there is always more to do, though nothing is done");
            }
            self.drain(usize::MAX)?;
            for peer in 0..self.peers.len() as u8 {
                self.write_ends(peer);
                if self.connection(peer).is_some_and(|connection| matches!(connection.writing, Writing::Blocked)) {
                    self.write(peer)?;
                }
            }
        }
        Ok(())
    }

    /// Adds a command to the digest.
    pub(super) fn saw(&mut self, command: Command) {
        let (kind, id) = match command {
            Command::Send(id) => (1, id),
            Command::Read(id) => (2, id),
            Command::Close(id, _) => (3, id),
            Command::Authenticate(id) => (4, id),
        };
        self.digest.number(kind << 32 | id.slot() as u64);
    }
}

/// Returns the origin of an address; the first address is exempt.
fn origin(from: u8) -> Option<Origin> {
    let origin = || Origin::from_ipv4([192, 0, 2, from].into()).with_cloak(Cloak::new(from.into()));
    (from > 0).then(origin)
}
