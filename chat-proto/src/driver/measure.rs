//! How long calls hold the hub, and how long messages take to reach their readers.

use core::time::Duration;

use super::histogram::Histogram;
use super::samples::Samples;
use crate::batch::Batch;
use crate::hub::Hub;
use crate::id::SessionId;
use crate::time::Timestamp;

/// What is measured of a hub and its driver.
#[derive(Debug)]
pub(super) struct Measure {
    calls: Histogram,
    delays: Histogram,
    samples: Samples,
}

impl Measure {
    /// Makes one that measures messages from now on.
    pub(super) fn new(hub: &Hub) -> Self {
        Self { calls: Histogram::default(), delays: Histogram::default(), samples: Samples::new(hub.last_stamp()) }
    }

    /// Records a call that began at `now` and took that long.
    pub(super) fn note_call(&mut self, hub: &Hub, now: Timestamp, took: Duration) {
        self.samples.note(hub.last_stamp(), now);
        self.calls.observe(took);
    }

    /// Records that a session's socket has taken the first `sent` bytes of a batch, as far as they are of messages
    /// that are measured. Call it before the hub is told.
    pub(super) fn note_sent(&mut self, hub: &Hub, id: SessionId, batch: &Batch, sent: usize, at: Timestamp) {
        if let Some(stamps) = hub.stamps(id, batch, sent) {
            for published in self.samples.within(stamps) {
                self.delays.observe(at.saturating_duration_since(published));
            }
        }
    }

    /// Returns how long calls took, and messages to their readers.
    pub(super) fn times(&self) -> [Histogram; 2] {
        [self.calls, self.delays]
    }
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;

    use alloc::sync::Arc;
    use alloc::vec::Vec;

    use super::*;
    use crate::config::Config;
    use crate::driver::{ConnectedHub, Round};

    fn at(millis: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_millis(millis)
    }

    /// Two sessions that have read their welcome, and a round that measures.
    fn room() -> (ConnectedHub<()>, Vec<SessionId>, Round<()>) {
        let mut hub = ConnectedHub::new(Hub::new(Config::default()).expect("the defaults are in range"));
        hub.measure();
        let text = hub.dialect("text").expect("a default dialect");
        let ids = (0..2).map(|_| hub.open(at(0), text, None, &Arc::new(())).expect("room")).collect();
        let mut round = Round::new();
        while round.report_and_gather(&mut hub, at(0)) {
            round.write(|(), bytes| Ok::<_, Infallible>(bytes.len()));
        }
        (hub, ids, round)
    }

    /// How long messages took, in milliseconds, by the sum.
    fn delays(hub: &ConnectedHub<()>) -> (u64, u128) {
        let [_, delays] = hub.measure.as_ref().expect("it measures").times();
        (delays.cumulative().last().map_or(0, |(_, all)| all), delays.sum().as_millis())
    }

    #[test]
    fn a_message_is_measured_for_each_reader_until_its_socket_has_it() {
        let (mut hub, ids, mut round) = room();
        hub.hub_mut().announce(at(100), "tea");
        hub.note_call(at(100), || at(101));
        assert!(round.report_and_gather(&mut hub, at(130)));
        // Of two sockets one takes nothing yet.
        let mut is_first = true;
        round.write(|(), bytes| Ok::<_, Infallible>(if core::mem::take(&mut is_first) { bytes.len() } else { 0 }));
        round.note_written(|| at(140));
        round.report_and_gather(&mut hub, at(500));
        assert_eq!(delays(&hub), (1, 40));
        let blocked: Vec<_> = round.drain_blocked().collect();
        hub.note_writable(at(600), blocked[0].0);
        round.report_and_gather(&mut hub, at(600));
        round.write(|(), bytes| Ok::<_, Infallible>(bytes.len()));
        round.report_and_gather(&mut hub, at(700));
        assert_eq!(delays(&hub), (2, 640), "not told when it was written");
        assert!(ids.contains(&blocked[0].0));
    }

    #[test]
    fn calls_are_measured_and_messages_too_close_to_another_are_not() {
        let (mut hub, _, mut round) = room();
        for millis in [100, 149] {
            hub.hub_mut().announce(at(millis), "tea");
            hub.note_call(at(millis), || at(millis + 2));
        }
        round.report_and_gather(&mut hub, at(150));
        round.write(|(), bytes| Ok::<_, Infallible>(bytes.len()));
        round.report_and_gather(&mut hub, at(150));
        assert_eq!(delays(&hub), (2, 100), "the first, to two readers");
        let [calls, _] = hub.measure.as_ref().expect("it measures").times();
        assert_eq!(calls.sum(), Duration::from_millis(4));
    }

    #[test]
    fn nothing_is_measured_and_no_clock_read_unless_it_is_wanted() {
        let mut hub = ConnectedHub::<()>::new(Hub::new(Config::default()).expect("the defaults are in range"));
        hub.note_call(at(0), || unreachable!("nobody wants to know"));
        let mut round = Round::new();
        round.report_and_gather(&mut hub, at(0));
        round.note_written(|| unreachable!("nobody wants to know"));
    }
}
