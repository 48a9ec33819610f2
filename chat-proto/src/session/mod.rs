//! One session: the connection of a member.

pub(crate) mod irc;
pub(crate) mod origins;
pub(crate) mod outbox;
pub(crate) mod places;
pub(crate) mod state;
pub(crate) mod table;
pub(crate) mod watches;

use alloc::boxed::Box;
use core::num::NonZeroU64;
use core::time::Duration;

use self::irc::IrcState;
use self::origins::OriginIndex;
use self::outbox::Outbox;
use self::places::PlacesIndex;
use self::state::{Ended, Phase, Step, Untaken};
use crate::log::Cursor;
use crate::rate::{Bucket, Flow};
use crate::schedule::pace::Intake;
use crate::schedule::turns::Hold;
use crate::time::Timestamp;
use crate::wire::dialect::irc::tagged::View;
use crate::wire::framing::lines::Framer;
use crate::wire::framing::{Format, Framing};

/// What one session has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionStats {
    /// Bytes that the peer's socket has taken.
    pub bytes_sent: u64,
    /// Messages that the peer's socket has taken, wholly or in part, and replies that were made for it. Messages of the
    /// history are not counted.
    pub lines_sent: u64,
    /// When it was opened.
    pub opened: Timestamp,
    /// Bytes taken from the peer.
    pub bytes_received: u64,
    /// Complete lines taken from the peer, refused ones among them.
    pub lines_received: u64,
    /// Messages that it was too slow for.
    pub missed: u64,
}

/// When a session's next line is allowed by its origin's limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn(NonZeroU64);

impl Turn {
    pub(crate) fn new(at: Timestamp) -> Self {
        // Nobody has to wait for time zero.
        Self(NonZeroU64::new(at.as_nanos()).unwrap_or(NonZeroU64::MIN))
    }

    pub(crate) fn at(self) -> Timestamp {
        Timestamp::from_nanos(self.0.get())
    }
}

/// All that the hub knows of one session, except its name.
///
/// In this order, because memory is slower than anything else where ten thousand sessions have their turns: first what
/// every look at a session needs, then what is needed to send to it, then what is needed to take its lines.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Session {
    pub(crate) generation: u32,
    /// Its dialect, by its index in the configuration.
    pub(crate) dialect: u8,
    /// Which bytes it is sent.
    pub(crate) format: Format,
    /// A `Send` was handed out, and not all of what it was for has been sent.
    pub(crate) sending: bool,
    /// A `Read` has to be handed out.
    pub(crate) owes_read: bool,
    /// It has entered another room than the lobby, or left that, or began in no room.
    pub(crate) is_placed: bool,
    /// Its first line is not another protocol's.
    pub(crate) accepted: bool,
    /// It was warned that it is about to be closed for silence.
    pub(crate) warned: bool,
    /// Any of its places [is untold](places::Place::is_untold).
    pub(crate) is_untold: bool,
    pub(crate) untaken: Untaken,
    pub(crate) ended: Ended,
    phase: Phase,
    /// Where it reads, once it is placed and has entered a room.
    places: Option<PlacesIndex>,
    /// Private bytes; `None` while there are none.
    pub(crate) outbox: Option<Box<Outbox>>,
    /// What it needs if it speaks IRC.
    pub(crate) irc: Option<Box<IrcState>>,
    pub(crate) intake: Intake,
    /// Since when it has taken no pending byte. While closing, since when it is closing.
    pub(crate) waiting: Timestamp,
    pub(crate) stats: SessionStats,
    /// Its position in the log of the lobby, unless it is placed.
    pub(crate) cursor: Cursor,
    /// The number of the last mark of that log that it reached.
    pub(crate) reached: u32,
    /// Where it is counted with others of its origin; `None` if it is not counted.
    pub(crate) origin: Option<OriginIndex>,
    pub(crate) framer: Framer,
    pub(crate) bucket: Bucket,
    /// How fast it may send lines.
    pub(crate) flow: Flow,
    /// When the last complete line came, or when it was opened. Once its peer has ended, when that was.
    pub(crate) active: Timestamp,
    /// How long it may be silent, in nanoseconds; `None`: for ever.
    idle_timeout: Option<NonZeroU64>,
    /// What the line in the framer waits for.
    pub(crate) hold: Hold,
    /// Its turn among the sessions of its origin, while it has reserved one of their tokens and not used it.
    pub(crate) turn: Option<Turn>,
}

impl Session {
    /// Returns a session that opens or enters now.
    fn new(generation: u32, dialect: u8, cursor: Cursor, now: Timestamp, step: Step) -> Self {
        let mut session = Self {
            generation,
            dialect,
            format: Format::new(dialect, Framing::Lines),
            accepted: false,
            sending: false,
            warned: false,
            owes_read: false,
            is_untold: false,
            is_placed: false,
            phase: Phase::Vacant,
            framer: Framer::default(),
            cursor,
            reached: 0,
            places: None,
            irc: None,
            outbox: None,
            untaken: Untaken::No,
            hold: Hold::None,
            ended: Ended::No,
            bucket: Bucket::default(),
            flow: Flow::new(None),
            idle_timeout: None,
            intake: Intake::new(),
            origin: None,
            turn: None,
            active: now,
            waiting: now,
            stats: SessionStats { opened: now, ..SessionStats::default() },
        };
        session.step(step);
        session
    }

    #[inline]
    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Returns whether it is open, and has been in the lobby and no other room since it was opened.
    pub(crate) fn is_simple(&self) -> bool {
        self.is_open() && !self.is_placed
    }

    /// Returns whether it takes part, with or without a connection.
    pub(crate) fn is_here(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Unconnected)
    }

    /// Returns which lines and tags of IRC it is shown.
    #[inline]
    pub(crate) fn view(&self) -> View {
        self.irc.as_ref().map_or(View::PLAIN, |irc| irc.view)
    }

    /// Returns whether it speaks IRC and is not a member yet.
    #[inline]
    pub(crate) fn is_unregistered(&self) -> bool {
        self.irc.as_ref().is_some_and(|irc| irc.is_registering())
    }

    /// Returns whether it is being given a long answer that has not ended.
    pub(crate) fn is_answered(&self) -> bool {
        self.outbox.as_ref().is_some_and(|outbox| outbox.answer.is_some())
    }

    /// Moves on to the next phase.
    pub(crate) fn step(&mut self, step: Step) {
        let next = self.phase.after(step);
        debug_assert!(next.is_some(), "{step:?} while {:?}", self.phase);
        self.phase = next.unwrap_or(self.phase);
    }

    /// Returns whether its next line may be taken without further checks: it has a token, and no other reason to wait.
    #[inline]
    pub(crate) fn is_unrestrained(&self, now: Timestamp) -> bool {
        self.untaken == Untaken::No
            && self.hold == Hold::None
            && self.origin.is_none()
            && self.outbox.is_none()
            && self.bucket.refill(self.flow) <= now
    }

    /// Records a complete line, which costs a token and shows that the peer is there. Returns when the line before
    /// came.
    #[inline]
    pub(crate) fn count_line(&mut self, now: Timestamp) -> Timestamp {
        self.bucket.take(self.flow, now);
        self.stats.lines_received += 1;
        if self.ended != Ended::No {
            return now;
        }
        let previous = self.active;
        self.heard(now);
        previous
    }

    /// Sets how fast it may send lines, with a full bucket, and how long it may be silent.
    pub(crate) fn limit(&mut self, flow: Flow, idle_timeout: Option<Duration>) {
        (self.flow, self.bucket) = (flow, Bucket::default());
        self.set_idle_timeout(idle_timeout);
    }

    /// Sets how long it may be silent. It was not warned of that yet.
    pub(crate) fn set_idle_timeout(&mut self, timeout: Option<Duration>) {
        // Not even a nanosecond is as little as one.
        let nanos = |timeout: Duration| NonZeroU64::new(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX).max(1));
        self.idle_timeout = timeout.and_then(nanos);
        self.warned = false;
    }

    /// Returns how long it may be silent, in nanoseconds.
    pub(crate) fn idle_nanos(&self) -> Option<u64> {
        self.idle_timeout.map(NonZeroU64::get)
    }

    /// Records that its silence begins now.
    pub(crate) fn heard(&mut self, now: Timestamp) {
        self.active = now;
        self.warned = false;
    }

    /// Returns the end of what it has to read, in a log with that head.
    pub(crate) fn end(&self, head: u64) -> u64 {
        match self.phase {
            Phase::Open => head,
            Phase::Closing { end, .. } => end,
            Phase::Vacant | Phase::Over(_) | Phase::Unconnected => self.cursor.next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_small() {
        // With its share of the lists, heaps and tables an idle session stays below 370 bytes, and needs 80 more where
        // it is counted by address.
        assert!(size_of::<Session>() <= 232, "{} bytes", size_of::<Session>());
    }
}
