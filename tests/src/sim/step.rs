//! The steps of an episode, and how likely each is.

use std::fmt;

use super::episode::Conduct;
use super::grammar;
use super::random::Random;
use super::world::World;

/// One event at the hub or at one of its peers.
///
/// A step is valid in every state of the world, so any part of a trace is a trace. A peer's input is drawn from the
/// step's `seed`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the description of each variant covers its fields")]
pub enum Step {
    /// A peer connects, if it is not connected; address 0 is not counted.
    Connect { peer: u8, speaks: Speaks, from: u8 },
    /// The next connections, this many, cannot be accepted, because no descriptor is left.
    AcceptFails { times: u8 },
    /// A peer types, and the driver reads up to `read` bytes.
    Type { peer: u8, seed: u32, read: u16 },
    /// The driver reads up to `most` bytes of what a peer has typed.
    Read { peer: u8, most: u16 },
    /// A peer will type no more.
    HalfClose { peer: u8 },
    /// A peer will type no more, and the driver notices that before all of its input was taken.
    PeerEnded { peer: u8 },
    /// A peer's connection breaks.
    Reset { peer: u8 },
    /// A peer's socket has room for more bytes; if the driver waits for that, it writes.
    Window { peer: u8, bytes: u32 },
    /// The driver writes without a `Send`.
    Write { peer: u8 },
    /// The driver's write in progress ends.
    WriteEnds { peer: u8 },
    /// The driver carries out up to `most` commands.
    Drain { most: u8 },
    /// The driver says whether one of the passwords is right that it has been asked about; if `twice`, it says the
    /// opposite afterwards.
    Answer { which: u8, twice: bool },
    /// Time passes; the driver may call `handle_timeout` when something is due.
    Pass { nanos: u64, fire: bool },
    /// The driver calls `handle_timeout`, due or not, with a moment that lies `ahead` or `behind`.
    Fire { ahead: u32, behind: u32 },
    /// The clock steps back.
    StepBack { nanos: u64 },
    /// The clock leaps to the end of time.
    EndOfTime,
    /// The embedding program makes an announcement.
    Announce { seed: u32 },
    /// The embedding program ends a session.
    Kick { peer: u8, seed: u32 },
    /// The embedding program tells or names a session, opens one under a name, or makes its bot do something.
    Program { peer: u8, speaks: Speaks, seed: u32 },
    /// The embedding program shuts the hub down.
    ShutDown,
    /// The driver breaks its contract in a way that must do no harm.
    Misuse { peer: u8, how: Misuse },
}

/// What a peer speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names say which")]
pub enum Speaks {
    Text,
    Classic,
    Irc,
}

impl Speaks {
    /// Returns the name of the dialect.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Classic => "classic",
            Self::Irc => "irc",
        }
    }
}

/// A way in which a driver breaks its contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// Every call with the id of a closed session.
    Stale,
    /// `disconnect` twice.
    DisconnectTwice,
    /// `sent` of more than was pending.
    SentTooMuch,
    /// `sent` without having looked at what is pending.
    SentNothing,
    /// Bytes after the end of input.
    BytesAfterEof,
    /// `receive` of what was left untaken, though no `Read` came.
    OfferAgain,
    /// `receive` of nothing.
    OfferNothing,
    /// `handle_timeout` over and over.
    FireOften,
}

impl Step {
    /// Returns the text that the step generates from its seed, if it has one.
    pub(super) fn note(self, conduct: &Conduct) -> String {
        let Conduct { max_line, max_name, .. } = *conduct;
        let typed = |seed, speaks| {
            let mut out = Vec::new();
            grammar::typing(&mut Random::new(u64::from(seed)), speaks, max_line, max_name, &mut out);
            out.escape_ascii().to_string()
        };
        match self {
            Self::Type { seed, .. } => {
                let all = [Speaks::Text, Speaks::Classic, Speaks::Irc];
                all.map(|speaks| format!("\n      {:>7} \"{}\"", speaks.name(), typed(seed, speaks))).concat()
            }
            Self::Announce { seed } | Self::Kick { seed, .. } => {
                format!(": {:?}", grammar::words(&mut Random::new(u64::from(seed)), max_line * 2))
            }
            _ => String::new(),
        }
    }
}

impl Misuse {
    const ALL: [Self; 8] = [
        Self::Stale,
        Self::DisconnectTwice,
        Self::SentTooMuch,
        Self::SentNothing,
        Self::BytesAfterEof,
        Self::OfferAgain,
        Self::OfferNothing,
        Self::FireOften,
    ];
}

/// The likelihood of each kind of step, and the range of its numbers.
///
/// Drawn anew for every episode, with some kinds left out: rare states are reached because the steps that lead away
/// from them may not happen at all ("swarm testing", Groce and others, ISSTA 2012).
#[derive(Clone, Debug)]
pub struct Weather {
    /// How many peers there are.
    pub peers: u8,
    /// Weights of the kinds of step, in the order of [`Weather::step`]'s match, summed up.
    cumulated: [u64; KINDS],
    /// The number of addresses from which they connect.
    addresses: u64,
    /// Some peers speak IRC.
    has_irc: bool,
    /// How often a step for a peer that is not connected does not connect it: one in this many.
    absence: u64,
    /// The most bytes that a driver reads at once.
    read: u64,
    /// The most bytes by which a socket's window can grow at once.
    window: u64,
    /// Nanoseconds between two steps, and spans of time that matter to the hub.
    tick: u64,
    spans: [u64; 5],
}

const KINDS: usize = 21;

/// The weight of each kind of step in ordinary weather: mostly input, reads and time.
const ORDINARY: [u64; KINDS] = [
    200,   // Connect
    10,    // AcceptFails
    5_000, // Type
    800,   // Read
    20,    // HalfClose
    20,    // Reset
    1_500, // Window
    50,    // Write
    700,   // WriteEnds
    1_500, // Drain
    700,   // Pass
    30,    // Fire
    15,    // StepBack
    0,     // EndOfTime
    40,    // Announce
    10,    // Kick
    0,     // ShutDown
    80,    // Misuse
    200,   // PeerEnded
    150,   // Program
    500,   // Answer
];

impl Weather {
    /// Draws the weather for a hub to which these spans matter, in nanoseconds.
    pub(super) fn draw(random: &mut Random, peers: u8, spans: [u64; 5], has_irc: bool) -> Self {
        let mut weights = ORDINARY;
        for weight in &mut weights {
            match random.below(8) {
                0 => *weight = 0,
                1 => *weight *= 5,
                2 => *weight = *weight / 5 + 1,
                _ => {}
            }
        }
        // Without messages nothing happens.
        weights[2] = weights[2].max(1_000);
        // Shutdown occurs in few episodes, and late.
        weights[13] = u64::from(random.one_in(32));
        weights[16] = 2 * u64::from(random.one_in(4));
        for i in 1..KINDS {
            weights[i] += weights[i - 1];
        }
        let shortest = *spans.iter().min().expect("there are five");
        Self {
            peers,
            cumulated: weights,
            addresses: random.pick(&[1, 2, 3, 6, 20, 40]),
            has_irc,
            absence: random.pick(&[3, 10, 100]),
            read: random.pick(&[1, 9, 100, 4_096, 60_000, 60_000, 60_000, 60_000]),
            window: random.pick(&[1, 20, 300, 5_000, 100_000]),
            tick: if random.one_in(4) { random.pick(&spans) } else { shortest } / random.pick(&[1_000, 30, 2]),
            spans,
        }
    }

    /// Draws the next step.
    pub fn step(&self, random: &mut Random, world: &World) -> Step {
        let ticket = random.below(self.cumulated[KINDS - 1]);
        let kind = self.cumulated.partition_point(|sum| *sum <= ticket);
        let peer = random.below(u64::from(self.peers)) as u8;
        let seed = random.bits() as u32;
        // Mostly each peer has its own address, so that it returns to the same origin.
        let from = if random.one_in(4) { random.below(self.addresses) } else { u64::from(peer) % self.addresses } as u8;
        let is_absent = !world.is_connected(peer) && world.would_accept(from);
        if is_absent && !random.one_in(self.absence) {
            return Step::Connect { peer, speaks: self.speaks(random), from };
        }
        match kind {
            0 => Step::Connect { peer, speaks: self.speaks(random), from },
            1 => Step::AcceptFails { times: random.between(1, 3) as u8 },
            2 => Step::Type { peer, seed, read: random.between(0, self.read) as u16 },
            3 => Step::Read { peer, most: random.between(0, self.read) as u16 },
            4 => Step::HalfClose { peer },
            5 => Step::Reset { peer },
            6 => Step::Window { peer, bytes: random.between(0, self.window) as u32 },
            7 => Step::Write { peer },
            8 => Step::WriteEnds { peer },
            9 => Step::Drain { most: if random.one_in(4) { random.below(4) as u8 } else { u8::MAX } },
            10 => Step::Pass { nanos: self.span(random), fire: !random.one_in(6) },
            11 => Step::Fire { ahead: self.offset(random), behind: self.offset(random) },
            12 => Step::StepBack { nanos: self.span(random) },
            13 => Step::EndOfTime,
            14 => Step::Announce { seed },
            15 => Step::Kick { peer, seed },
            16 => Step::ShutDown,
            17 => Step::Misuse { peer, how: random.pick(&Misuse::ALL) },
            18 => Step::PeerEnded { peer },
            19 => Step::Program { peer, speaks: self.speaks(random), seed },
            _ => Step::Answer { which: random.below(8) as u8, twice: random.one_in(8) },
        }
    }

    fn speaks(&self, random: &mut Random) -> Speaks {
        match random.below(6) {
            0..3 if self.has_irc => Speaks::Irc,
            0 | 3 => Speaks::Classic,
            _ => Speaks::Text,
        }
    }

    /// Returns a span of time: mostly about a tick, sometimes one that matters to the hub, rarely years.
    fn span(&self, random: &mut Random) -> u64 {
        let span = random.pick(&self.spans);
        match random.below(96) {
            0 => 0,
            1 => 1,
            2 => span,
            3 => span.saturating_add(1),
            4 => span - 1,
            5 => random.below(span.saturating_mul(3)),
            6 if random.one_in(50) => random.below(100 * 365 * 24 * 3_600_000_000_000),
            _ => random.below(2 * self.tick + 2),
        }
    }

    fn offset(&self, random: &mut Random) -> u32 {
        if random.one_in(2) { 0 } else { random.below(self.tick.min(u64::from(u32::MAX))) as u32 }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { peer, speaks, from } => {
                write!(f, "peer {peer} connects ({}) from address {from}", speaks.name())
            }
            Self::AcceptFails { times } => write!(f, "the next {times} accepts fail"),
            Self::Type { peer, seed, read } => write!(f, "peer {peer} types (seed {seed}); {read} bytes are read"),
            Self::Read { peer, most } => write!(f, "{most} bytes of peer {peer} are read"),
            Self::HalfClose { peer } => write!(f, "peer {peer} half-closes"),
            Self::PeerEnded { peer } => {
                write!(f, "peer {peer} half-closes, if its input is left untaken, and the driver notices")
            }
            Self::Reset { peer } => write!(f, "peer {peer} resets"),
            Self::Window { peer, bytes } => write!(f, "the socket of peer {peer} takes {bytes} bytes more"),
            Self::Write { peer } => write!(f, "the driver writes to peer {peer} unasked"),
            Self::WriteEnds { peer } => write!(f, "the write to peer {peer} ends"),
            Self::Drain { most } => write!(f, "the driver carries out {most} commands"),
            Self::Answer { which, twice: false } => write!(f, "the driver answers about password {which}"),
            Self::Answer { which, twice: true } => write!(f, "the driver answers twice about password {which}"),
            Self::Pass { nanos, fire: true } => write!(f, "{nanos} ns pass; the driver wakes if something is due"),
            Self::Pass { nanos, fire: false } => write!(f, "{nanos} ns pass; the driver sleeps"),
            Self::Fire { ahead, behind } => write!(f, "handle_timeout is called for now + {ahead} - {behind} ns"),
            Self::StepBack { nanos } => write!(f, "the clock steps back by {nanos} ns"),
            Self::EndOfTime => write!(f, "the clock leaps to the end of time"),
            Self::Announce { seed } => write!(f, "an announcement (seed {seed})"),
            Self::Kick { peer, seed } => write!(f, "peer {peer} is kicked (seed {seed})"),
            Self::Program { peer, seed, .. } => write!(f, "the program does something with peer {peer} (seed {seed})"),
            Self::ShutDown => write!(f, "the hub is shut down"),
            Self::Misuse { peer, how } => write!(f, "misuse with peer {peer}: {how:?}"),
        }
    }
}
