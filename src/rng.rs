//! Seeded random numbers: every choice of a run follows from (seed, stream, index).
//!
//! PURE. Each purpose draws from a stream of its own, so that one more draw in a shopper's walk does not change the
//! ids it sends. ChaCha8 gives the same numbers on every platform. Must not know: what the numbers are for.

use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Keeps the keys of this program apart from any other use of the same seed. Changing it changes every run.
const KEY_DOMAIN: u64 = u64::from_le_bytes(*b"loadgen1");

/// 2⁻⁵³: turns the upper 53 bits of a word into an evenly spread number in `[0, 1)`.
pub(crate) const UNIT: f64 = 1.0 / (1_u64 << 53) as f64;

/// Random numbers of one stream of one shopper (or of one node of the schedule).
#[derive(Debug, Clone)]
pub struct ShopperRng(ChaCha8Rng);

impl ShopperRng {
    /// The generator named `stream` of item `index` in the run seeded with `seed`.
    pub fn new(seed: u64, stream: &str, index: u64) -> Self {
        Self::of_run(seed, 0, stream, index)
    }

    /// The same for what must differ between two runs with one seed; `run` is the run id's key, 0 for none.
    pub fn of_run(seed: u64, run: u64, stream: &str, index: u64) -> Self {
        let words = [seed, index, hash(stream.as_bytes()), KEY_DOMAIN ^ run];
        let mut key = [0; 32];
        for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * UNIT
    }

    /// `true` with the given probability; draws exactly once whatever the probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A whole number from the inclusive range; `from` if the range is empty.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        if from < to {
            self.0.random_range(from..=to)
        } else {
            from
        }
    }

    /// A whole number below `bound`; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound > 1 {
            self.0.random_range(0..bound)
        } else {
            0
        }
    }

    /// The position of one weight, drawn in proportion; `None` if no weight is above zero.
    pub fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> Option<usize> {
        let total: f64 = weights.clone().filter(|weight| *weight > 0.0).sum();
        let mut rest = self.unit() * total;
        let mut last = None;
        for (position, weight) in weights.enumerate().filter(|(_, weight)| *weight > 0.0) {
            if rest < weight {
                return Some(position);
            }
            rest -= weight;
            last = Some(position);
        }
        last
    }
}

impl RngCore for ShopperRng {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

/// FNV-1a: a fixed, portable number for a name.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_stable_and_independent() {
        let first = |seed, stream, index| ShopperRng::new(seed, stream, index).next_u64();
        assert_eq!(first(1, "walk", 0), first(1, "walk", 0));
        let all = [
            first(1, "walk", 0),
            first(1, "data", 0),
            first(1, "walk", 1),
            first(2, "walk", 0),
            ShopperRng::of_run(1, 5, "walk", 0).next_u64(),
        ];
        for (position, number) in all.iter().enumerate() {
            assert!(!all[..position].contains(number));
        }
    }

    #[test]
    fn weights_are_respected() {
        let mut rng = ShopperRng::new(7, "test", 0);
        let mut drawn = [0_u32; 4];
        for _ in 0..10_000 {
            drawn[rng
                .weighted([1.0, 0.0, 3.0, -1.0].into_iter())
                .expect("a positive weight")] += 1;
        }
        assert_eq!((drawn[1], drawn[3]), (0, 0));
        assert!((2_300..2_700).contains(&drawn[0]), "{drawn:?}");
        assert_eq!(rng.weighted([0.0].into_iter()), None);
    }

    #[test]
    fn empty_ranges_give_their_lower_end() {
        let mut rng = ShopperRng::new(7, "test", 1);
        assert_eq!(
            (
                rng.between(5, 5),
                rng.between(5, 1),
                rng.below(0),
                rng.below(1)
            ),
            (5, 5, 0, 0)
        );
    }
}
