//! Which messages a batch has, by their stamps.

use core::ops::RangeInclusive;

use super::Hub;
use crate::batch::{Batch, Line};
use crate::id::SessionId;

impl Hub {
    /// Returns the stamp of what was published last: each publication has a greater one than those before it.
    #[inline]
    pub(crate) fn last_stamp(&self) -> u64 {
        self.logs.next_stamp() - 1
    }

    /// Returns the first and the last stamp among the messages of which a session's socket has taken bytes, if it took
    /// the first `sent` bytes of a batch that was filled for it. `None` if there are none, or if they were evicted.
    pub(crate) fn stamps(&self, id: SessionId, batch: &Batch, sent: usize) -> Option<RangeInclusive<u64>> {
        let (out, sent) = (batch.out(), sent.min(batch.as_bytes().len()));
        let dialect = usize::from(out.format.dialect());
        let stamp = |log: u32, seq: u64| {
            let log = &self.logs.log(log).rendered.get(dialect)?.log;
            (log.tail()..log.head()).contains(&seq).then(|| log.stamp(seq))
        };
        let Some((_, lines)) = batch.lines() else {
            let (next, rest) = batch.seek(sent)?;
            let last = next - u64::from(rest.is_empty());
            if self.logs.log(out.log).serial != out.log_serial {
                return None;
            }
            return Some(stamp(out.log, out.from)?..=stamp(out.log, last)?);
        };
        let places = self.sessions.places(self.live(id)?)?;
        let stamp = |line: &Line| {
            let place = places.list.iter().find(|place| place.serial == line.place)?;
            stamp(place.log(), line.seq)
        };
        let taken = &lines[..batch.seek_lines(sent).0];
        Some(stamp(taken.first()?)?..=stamp(taken.last()?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::config::Config;
    use crate::time::Timestamp;

    const NOW: Timestamp = Timestamp::ZERO;

    /// Fills the batch for that session, and lets all others take what they are sent.
    fn fill(hub: &mut Hub, id: SessionId, batch: &mut Batch) {
        while let Some(command) = hub.poll_command() {
            let Command::Send(other) = command else { continue };
            assert!(hub.fill(other, batch, 1 << 16));
            if other == id {
                return;
            }
            hub.sent(NOW, other, batch, usize::MAX);
        }
    }

    #[test]
    fn a_batch_has_the_stamps_of_the_messages_that_were_begun() {
        let mut hub = Hub::new(Config::default()).expect("limits in range");
        let text = hub.dialect("text").expect("a default dialect");
        let [reader, _] = [(); 2].map(|()| hub.open(NOW, text).expect("room"));
        let mut batch = Batch::new();
        fill(&mut hub, reader, &mut batch);
        assert_eq!(hub.stamps(reader, &batch, usize::MAX), None, "a welcome is no message");
        hub.sent(NOW, reader, &batch, usize::MAX);
        let before = hub.last_stamp();
        for words in ["one", "two", "three"] {
            hub.announce(NOW, words);
        }
        assert_eq!(hub.last_stamp(), before + 3);
        fill(&mut hub, reader, &mut batch);
        let one = "* server: one\n".len();
        for (sent, stamps) in
            [(0, None), (1, Some(1..=1)), (one, Some(1..=1)), (one + 1, Some(1..=2)), (99, Some(1..=3))]
        {
            let stamps = stamps.map(|stamps: RangeInclusive<u64>| before + stamps.start()..=before + stamps.end());
            assert_eq!(hub.stamps(reader, &batch, sent), stamps, "{sent}");
        }
    }

    #[test]
    fn a_batch_of_several_rooms_has_the_stamps_of_its_lines() {
        let mut hub = Hub::new(Config::default()).expect("limits in range");
        let text = hub.dialect("text").expect("a default dialect");
        let [reader, other] = [(); 2].map(|()| hub.open(NOW, text).expect("room"));
        for id in [reader, other] {
            hub.receive(NOW, id, b"/join tea\n");
        }
        let mut batch = Batch::new();
        while hub.has_commands() {
            fill(&mut hub, reader, &mut batch);
            hub.sent(NOW, reader, &batch, usize::MAX);
        }
        let before = hub.last_stamp();
        hub.receive(NOW, other, b"in the room\n/join lobby\nin the lobby\nthere too\n");
        fill(&mut hub, reader, &mut batch);
        assert!(batch.lines().is_some());
        let stamps = hub.stamps(reader, &batch, batch.as_bytes().len()).expect("it has lines");
        assert!(*stamps.start() > before && *stamps.end() == hub.last_stamp(), "{stamps:?}");
        assert_eq!(hub.stamps(reader, &batch, 1), Some(*stamps.start()..=*stamps.start()));
    }
}
