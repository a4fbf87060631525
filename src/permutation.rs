//! A seeded shuffle of `0..size` that needs no memory: a Feistel network with cycle walking.
//!
//! PURE. Used where a rank becomes an id and where each row of a feeder comes up once. Not a cipher.
//! Must not know: what is being shuffled.

/// Rounds of the network; four mix well enough for shuffling.
const ROUNDS: u64 = 4;

/// A one-to-one map of `0..size` onto itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permutation {
    size: u64,
    half_bits: u32,
    key: u64,
}

impl Permutation {
    /// The shuffle of `size` items that belongs to `key`.
    pub fn new(size: u64, key: u64) -> Self {
        let bits = u64::BITS - size.saturating_sub(1).leading_zeros();
        Self {
            size,
            half_bits: bits.div_ceil(2).max(1),
            key,
        }
    }

    /// Where `index` goes; an index past the end stays where it is.
    pub fn at(&self, index: u64) -> u64 {
        if index >= self.size {
            return index;
        }
        // The network permutes at most 4 · size numbers: on its way round the cycle, a number below `size` must come
        // back to one below `size`, usually at once.
        let mut place = self.round_trip(index);
        while place >= self.size {
            place = self.round_trip(place);
        }
        place
    }

    fn round_trip(&self, index: u64) -> u64 {
        let mask = (1 << self.half_bits) - 1;
        let (mut left, mut right) = (index >> self.half_bits, index & mask);
        for round in 0..ROUNDS {
            let mixed = mix(right ^ mix(self.key.wrapping_add(round)));
            (left, right) = (right, (left ^ mixed) & mask);
        }
        left << self.half_bits | right
    }
}

/// The finaliser of SplitMix64: each bit of the input changes about half of the bits of the output.
pub(crate) fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Every place is taken exactly once.
        #[test]
        fn permutes(size in 1_u64..3_000, key: u64) {
            let permutation = Permutation::new(size, key);
            let places: BTreeSet<u64> = (0..size).map(|index| permutation.at(index)).collect();
            prop_assert_eq!(places.len() as u64, size);
            prop_assert!(places.last() < Some(&size));
        }

        /// Large sizes stay in range, too.
        #[test]
        fn stays_in_range(size in 1_u64..u64::MAX / 4, key: u64, index: u64) {
            prop_assert!(Permutation::new(size, key).at(index % size) < size);
        }
    }

    #[test]
    fn keys_give_different_shuffles() {
        let shuffled = |key| {
            (0..100)
                .map(|index| Permutation::new(100, key).at(index))
                .collect::<Vec<_>>()
        };
        assert_ne!(shuffled(1), shuffled(2));
        assert_ne!(shuffled(1), (0..100).collect::<Vec<_>>());
    }
}
