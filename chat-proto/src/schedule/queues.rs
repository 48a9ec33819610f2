//! A queue for each address whose sessions wait, and whose turn it is.

/// How many addresses have a queue of their own at once. Looking through so few costs nothing beside a check of a
/// password; somebody with more addresses than that makes others share queues, and has to keep all of them busy.
pub(crate) const QUEUES: usize = 64;

/// Which address has which queue. Who is in a queue is known elsewhere.
#[derive(Debug)]
pub(crate) struct Queues {
    /// The address whose sessions wait in each queue, or waited there last.
    addresses: [u64; QUEUES],
    /// The queues that somebody may wait in, a bit each.
    used: u64,
    /// The queues in which no other address waits than that, a bit each.
    owned: u64,
    /// The queue whose turn was last.
    last: u32,
    /// How many turns there have been.
    turns: u64,
    /// The number of each queue's last turn; 0: it had none.
    last_turns: [u64; QUEUES],
}

const _: () = assert!(QUEUES == u64::BITS as usize);

impl Queues {
    pub(crate) const fn new() -> Self {
        Self { addresses: [0; QUEUES], used: 0, owned: 0, last: 0, turns: 0, last_turns: [0; QUEUES] }
    }

    /// Returns the queue in which an address's sessions wait: its own, or else an empty one, which is its own from now
    /// on: the one whose turn is longest ago, so that others keep theirs and with it their place among the turns. If all
    /// are in use, it shares one of them, which is nobody's own until it is empty again.
    pub(crate) fn queue_for(&mut self, address: u64, is_empty: impl Fn(u32) -> bool) -> u32 {
        let mut queues = 0..QUEUES as u32;
        let own = queues.find(|queue| self.owned & 1 << queue != 0 && self.addresses[*queue as usize] == address);
        let empty = || (0..QUEUES as u32).filter(|queue| is_empty(*queue));
        let queue = own.or_else(|| empty().min_by_key(|queue| self.last_turns[*queue as usize])).inspect(|queue| {
            self.addresses[*queue as usize] = address;
            self.owned |= 1 << queue;
        });
        let queue = queue.unwrap_or_else(|| {
            let shared = (address % QUEUES as u64) as u32;
            self.owned &= !(1 << shared);
            shared
        });
        self.used |= 1 << queue;
        queue
    }

    /// Returns whether somebody may wait in any queue. Never false if somebody does.
    #[inline]
    pub(crate) const fn any(&self) -> bool {
        self.used != 0
    }

    /// Returns the next queue after the last one, in turn, in which somebody waits.
    pub(crate) fn next(&mut self, is_empty: impl Fn(u32) -> bool) -> Option<u32> {
        while self.used != 0 {
            let first = (self.last + 1) % QUEUES as u32;
            let queue = (first + self.used.rotate_right(first).trailing_zeros()) % QUEUES as u32;
            if !is_empty(queue) {
                self.last = queue;
                self.turns += 1;
                self.last_turns[queue as usize] = self.turns;
                return Some(queue);
            }
            // Those who waited there have left.
            self.used &= !(1 << queue);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn each_address_has_a_queue_until_that_is_empty() {
        let mut queues = Queues::new();
        let mut waiting = [false; QUEUES];
        let own: Vec<u32> = (1..=QUEUES as u64)
            .map(|address| {
                let queue = queues.queue_for(address, |queue| !waiting[queue as usize]);
                assert!(!core::mem::replace(&mut waiting[queue as usize], true), "it is another's");
                assert_eq!(queues.queue_for(address, |queue| !waiting[queue as usize]), queue);
                queue
            })
            .collect();
        assert_eq!(queues.queue_for(1_000, |_| false), 1_000 % 64, "it shares one");
        assert_eq!(queues.queue_for(5, |_| false), own[4], "another's stays its own");
        let owner = 1 + own.iter().position(|queue| *queue == 1_000 % 64).expect("it is somebody's") as u64;
        assert_eq!(queues.queue_for(owner, |queue| queue == own[7]), own[7], "one that others share is not its own");
        assert_eq!(queues.queue_for(1_000, |queue| queue == own[8]), own[8], "nor theirs");
    }

    #[test]
    fn an_address_keeps_its_queue_while_others_had_their_turn_longer_ago() {
        let mut queues = Queues::new();
        let own = queues.queue_for(1, |_| true);
        assert_eq!(queues.next(|queue| queue != own), Some(own));
        for address in 2..=QUEUES as u64 {
            let other = queues.queue_for(address, |_| true);
            assert_eq!(queues.next(|queue| queue != other), Some(other));
            assert_eq!(queues.queue_for(1, |_| true), own, "nobody waits in any, and this one is taken last");
        }
        assert_eq!(queues.queue_for(1_000, |_| true), own, "its turn is longest ago now");
        assert_ne!(queues.queue_for(1, |queue| queue != own), own, "another waits there");
    }

    #[test]
    fn queues_in_which_somebody_waits_have_turns() {
        let mut queues = Queues::new();
        let [one, two, three] = [1, 2, 3].map(|address| queues.queue_for(address, |queue| u64::from(queue) >= address));
        let turns: [_; 4] = core::array::from_fn(|_| queues.next(|_| false));
        assert_eq!(turns, [one, two, three, one].map(Some));
        assert_eq!(queues.next(|queue| queue != two), Some(two), "nobody else waits");
        assert!(queues.any() && queues.next(|_| true).is_none() && !queues.any());
    }
}
