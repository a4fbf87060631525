//! Which product: a few are in great demand, most are not.

use rand::distr::Distribution;
use rand_distr::Zipf;

use crate::permutation::{Permutation, mix};
use crate::rng::ShopperRng;
use crate::scenario::Popularity;

/// Draws that hit the hot item by chance are repeated so often at most, to keep its share exact.
const REDRAWS_MAX: u32 = 32;

/// A [`Popularity`], ready to draw from in constant time and memory.
#[derive(Debug, Clone)]
pub struct Sampler {
    /// `None` if there is only one item (or none).
    ranks: Option<Zipf<f64>>,
    items: u64,
    ids: Permutation,
    hot: Option<(u64, f64)>,
}

impl Sampler {
    /// The distribution with the ids shuffled by the run's seed.
    pub fn new(popularity: &Popularity, seed: u64) -> Self {
        let key = popularity
            .name
            .bytes()
            .fold(mix(seed), |key, byte| mix(key ^ u64::from(byte)));
        let ranks =
            (popularity.items > 1).then(|| Zipf::new(popularity.items as f64, popularity.exponent));
        Self {
            ranks: ranks.and_then(Result::ok),
            items: popularity.items,
            ids: Permutation::new(popularity.items, key),
            hot: popularity.hot,
        }
    }

    /// An item's id: 1 to the number of items.
    pub fn draw(&self, rng: &mut ShopperRng) -> u64 {
        let Some((hot, share)) = self.hot else {
            return self.draw_ranked(rng);
        };
        if rng.chance(share) {
            return hot;
        }
        let others = (0..REDRAWS_MAX).map(|_| self.draw_ranked(rng));
        others.into_iter().find(|id| *id != hot).unwrap_or(hot)
    }

    /// The id at `rank`, counted from 1 for the most popular.
    pub fn id_at(&self, rank: u64) -> u64 {
        self.ids.at(rank.clamp(1, self.items.max(1)) - 1) + 1
    }

    fn draw_ranked(&self, rng: &mut ShopperRng) -> u64 {
        let rank = self
            .ranks
            .as_ref()
            .map_or(1, |ranks| ranks.sample(rng) as u64);
        self.id_at(rank)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn popularity(items: u64, exponent: f64, hot: Option<(u64, f64)>) -> Popularity {
        Popularity {
            name: "products".into(),
            items,
            exponent,
            hot,
        }
    }

    #[test]
    fn ranks_map_to_ids_one_to_one() {
        let sampler = Sampler::new(&popularity(10_000, 1.05, None), 1);
        let ids: BTreeSet<_> = (1..=10_000).map(|rank| sampler.id_at(rank)).collect();
        assert_eq!(
            (ids.len(), ids.first(), ids.last()),
            (10_000, Some(&1), Some(&10_000))
        );
    }

    /// The first ranks come as often as k^−s says: within four standard deviations.
    #[test]
    fn draws_follow_zipf() {
        const DRAWS: u32 = 50_000;
        for exponent in [0.0, 0.8, 1.0, 1.3] {
            let sampler = Sampler::new(&popularity(1_000, exponent, None), 3);
            let mut rng = ShopperRng::new(3, "test", 0);
            let drawn: Vec<_> = (0..DRAWS).map(|_| sampler.draw(&mut rng)).collect();
            let norm: f64 = (1..=1_000)
                .map(|rank| f64::from(rank).powf(-exponent))
                .sum();
            for rank in [1, 2, 5, 50] {
                let probability = (rank as f64).powf(-exponent) / norm;
                let seen = drawn
                    .iter()
                    .filter(|id| **id == sampler.id_at(rank))
                    .count() as f64;
                let expected = probability * f64::from(DRAWS);
                assert!(
                    (seen - expected).abs() < 4.0 * expected.sqrt() + 1.0,
                    "s={exponent} k={rank}: {seen} {expected}"
                );
            }
        }
    }

    #[test]
    fn the_hot_item_takes_its_share() {
        let sampler = Sampler::new(&popularity(50, 1.0, Some((42, 0.8))), 3);
        let mut rng = ShopperRng::new(3, "test", 1);
        let hot = (0..10_000).filter(|_| sampler.draw(&mut rng) == 42).count();
        assert!((7_840..8_160).contains(&hot), "{hot}");
        let alone = Sampler::new(&popularity(1, 1.0, Some((1, 0.5))), 3);
        assert_eq!(alone.draw(&mut rng), 1);
    }
}
