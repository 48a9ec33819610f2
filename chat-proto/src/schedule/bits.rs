//! A set of small numbers, in which the next one is found quickly however few there are.

use alloc::vec;
use alloc::vec::Vec;

/// A bit for each number, and a bit for each word of these that is not empty. So 65,536 numbers take sixteen steps to
/// find the only one that is in the set.
#[derive(Debug)]
pub(crate) struct Bits {
    words: Vec<u64>,
    filled: Vec<u64>,
}

impl Bits {
    /// Makes an empty set of numbers below `len`.
    pub(crate) fn new(len: usize) -> Self {
        let words = len.div_ceil(64);
        Self { words: vec![0; words], filled: vec![0; words.div_ceil(64)] }
    }

    /// Bytes of heap for numbers below `len`.
    pub(crate) const fn memory_bound(len: usize) -> usize {
        let words = len.div_ceil(64);
        (words + words.div_ceil(64)) * size_of::<u64>()
    }

    pub(crate) fn insert(&mut self, number: u32) {
        let word = number as usize / 64;
        self.words[word] |= 1 << (number % 64);
        self.filled[word / 64] |= 1 << (word % 64);
    }

    pub(crate) fn remove(&mut self, number: u32) {
        let word = number as usize / 64;
        self.words[word] &= !(1 << (number % 64));
        if self.words[word] == 0 {
            self.filled[word / 64] &= !(1 << (word % 64));
        }
    }

    /// Returns the least number in the set that is `from` or more.
    pub(crate) fn next(&self, from: u32) -> Option<u32> {
        let word = from as usize / 64;
        if let Some(bits) = self.words.get(word).map(|bits| bits & u64::MAX << (from % 64)).filter(|bits| *bits != 0) {
            return Some(word as u32 * 64 + bits.trailing_zeros());
        }
        let word = next_in(&self.filled, word + 1)?;
        Some(word as u32 * 64 + self.words[word].trailing_zeros())
    }
}

/// Returns the index of the first bit that is set, at or after `from`.
fn next_in(words: &[u64], from: usize) -> Option<usize> {
    let mut mask = u64::MAX << (from % 64);
    for (word, bits) in words.iter().enumerate().skip(from / 64) {
        if bits & mask != 0 {
            return Some(word * 64 + (bits & mask).trailing_zeros() as usize);
        }
        mask = u64::MAX;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_order() {
        let numbers = [0, 5, 63, 64, 4_095, 4_096, 9_999];
        let mut bits = Bits::new(10_000);
        assert_eq!(bits.next(0), None);
        numbers.iter().rev().for_each(|number| bits.insert(*number));
        assert!(core::iter::successors(bits.next(0), |number| bits.next(number + 1)).eq(numbers));
        assert_eq!(
            [6, 64, 65, 4_097, 9_999].map(|from| bits.next(from)),
            [Some(63), Some(64), Some(4_095), Some(9_999), Some(9_999)]
        );
        assert_eq!([10_000, 20_000].map(|from| bits.next(from)), [None, None]);
        for number in numbers {
            assert_eq!(bits.next(0), Some(number));
            bits.remove(number);
        }
        assert_eq!(bits.next(0), None);
    }
}
