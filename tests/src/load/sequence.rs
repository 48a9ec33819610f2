//! Checks that every reader receives every sender's messages once and in order.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

/// The next message that each reader expects from each sender.
#[derive(Debug)]
pub(super) struct Sequences {
    senders: usize,
    /// By reader, then by sender.
    expected: Vec<u64>,
    /// The gaps, by index in `expected`, to distinguish late messages from repeated ones.
    gaps: HashMap<usize, VecDeque<Range<u64>>>,
    tally: Tally,
}

/// How many messages did not come once and in order, each counted for every reader that should have received it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Never received, although a later one of the same sender was, or another reader received it.
    pub lost: u64,
    /// Received after a later one of the same sender.
    pub reordered: u64,
    /// Received more than once, or by its sender.
    pub duplicated: u64,
}

/// A number above those of all messages, so that every message received counts as duplicated.
const NOTHING: u64 = u64::MAX;

/// How many gaps are remembered for a reader and sender. A message of a forgotten gap that still arrives counts as lost
/// and as duplicated.
const GAPS: usize = 1_024;

impl Sequences {
    /// Makes sequences in which every reader expects every sender's first message.
    pub(super) fn new(readers: usize, senders: usize) -> Self {
        Self { senders, expected: vec![0; readers * senders], gaps: HashMap::new(), tally: Tally::default() }
    }

    /// Records that the reader is the sender itself, which receives nothing of its own.
    pub(super) fn expect_nothing(&mut self, reader: usize, sender: usize) {
        self.expected[reader * self.senders + sender] = NOTHING;
    }

    /// Returns the number of the next message that the reader expects from the sender.
    pub(super) fn expected(&self, reader: usize, sender: usize) -> u64 {
        self.expected[reader * self.senders + sender]
    }

    /// Records that the expected message was received.
    pub(super) fn came_as_expected(&mut self, reader: usize, sender: usize) {
        self.expected[reader * self.senders + sender] += 1;
    }

    /// Records that a message was received; returns how many of the sender's messages the reader no longer waits for.
    pub(super) fn came(&mut self, reader: usize, sender: usize, seq: u64) -> u64 {
        let index = reader * self.senders + sender;
        let expected = self.expected[index];
        if seq >= expected {
            self.expected[index] = seq + 1;
            if seq > expected {
                self.tally.lost += seq - expected;
                let gaps = self.gaps.entry(index).or_default();
                if gaps.len() == GAPS {
                    gaps.pop_front();
                }
                gaps.push_back(expected..seq);
            }
            return seq + 1 - expected;
        }
        if self.fill_gap(index, seq) {
            self.tally.lost -= 1;
            self.tally.reordered += 1;
        } else {
            self.tally.duplicated += 1;
        }
        0
    }

    /// Removes a message from its gap, if it is in one.
    fn fill_gap(&mut self, index: usize, seq: u64) -> bool {
        let Some(gaps) = self.gaps.get_mut(&index) else { return false };
        let Some(i) = gaps.iter().position(|gap| gap.contains(&seq)) else { return false };
        let gap = gaps[i].clone();
        gaps[i] = gap.start..seq;
        gaps.insert(i + 1, seq + 1..gap.end);
        gaps.retain(|gap| !gap.is_empty());
        true
    }

    /// Returns how many messages of a sender at least one of these readers has received or given up.
    pub(super) fn heard(&self, sender: usize, readers: impl IntoIterator<Item = usize>) -> u64 {
        let expected = readers.into_iter().map(|reader| self.expected(reader, sender));
        expected.filter(|expected| *expected != NOTHING).max().unwrap_or(0)
    }

    /// Counts those of the sender's first `count` messages as lost that the reader has not received.
    pub(super) fn give_up(&mut self, reader: usize, sender: usize, count: u64) {
        let expected = &mut self.expected[reader * self.senders + sender];
        self.tally.lost += count.saturating_sub(*expected);
        *expected = count.max(*expected);
    }

    /// Returns the counts so far.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a reader's tally after one sender's messages came in this order.
    fn tally(seqs: &[u64]) -> Tally {
        let mut sequences = Sequences::new(2, 3);
        let resolved: u64 = seqs.iter().map(|seq| sequences.came(1, 2, *seq)).sum();
        let next = seqs.iter().max().map_or(0, |last| last + 1);
        assert_eq!((sequences.expected(1, 2), resolved), (next, next));
        assert_eq!(sequences.expected(0, 2) + sequences.expected(1, 1), 0, "others are not concerned");
        sequences.tally()
    }

    #[test]
    fn messages_in_order_are_no_fault() {
        assert_eq!(tally(&[0, 1, 2, 3]), Tally::default());
    }

    #[test]
    fn skipped_is_lost() {
        assert_eq!(tally(&[0, 3, 4, 6]), Tally { lost: 3, ..Tally::default() });
        assert_eq!(tally(&[2]), Tally { lost: 2, ..Tally::default() });
    }

    #[test]
    fn twice_is_duplicated() {
        assert_eq!(tally(&[0, 1, 1, 0, 2]), Tally { duplicated: 2, ..Tally::default() });
    }

    #[test]
    fn late_is_reordered() {
        assert_eq!(tally(&[0, 2, 1, 3]), Tally { reordered: 1, ..Tally::default() });
        assert_eq!(tally(&[5, 2, 0, 4, 3]), Tally { lost: 1, reordered: 4, ..Tally::default() });
        assert_eq!(tally(&[2, 1, 1]), Tally { lost: 1, reordered: 1, duplicated: 1 });
    }

    #[test]
    fn an_echo_counts_as_repeated() {
        let mut sequences = Sequences::new(1, 1);
        sequences.expect_nothing(0, 0);
        assert_eq!(sequences.came(0, 0, 0), 0);
        sequences.give_up(0, 0, 7);
        assert_eq!(sequences.heard(0, [0]), 0);
        assert_eq!(sequences.tally(), Tally { duplicated: 1, ..Tally::default() });
    }

    #[test]
    fn the_end_of_a_stream_can_be_missing() {
        let mut sequences = Sequences::new(2, 1);
        for seq in 0..5 {
            sequences.came(0, 0, seq);
        }
        sequences.came_as_expected(1, 0);
        assert_eq!(sequences.heard(0, [0, 1]), 5);
        sequences.give_up(0, 0, 5);
        sequences.give_up(1, 0, 5);
        assert_eq!(sequences.tally(), Tally { lost: 4, ..Tally::default() });
    }

    #[test]
    fn endless_gaps_take_bounded_memory() {
        let mut sequences = Sequences::new(1, 1);
        for seq in 0..10 * GAPS as u64 {
            sequences.came(0, 0, 2 * seq + 1);
        }
        assert_eq!(sequences.gaps[&0].len(), GAPS);
        assert_eq!(sequences.tally().lost, 10 * GAPS as u64);
    }
}
