//! Which products go with a product: its neighbours in category and price. Pure and deterministic.

use std::collections::HashMap;

use crate::catalogue::{Catalogue, SeedProduct};

/// Neighbours looked at for each recommendation that is wanted, so that the brand can have a say.
const CANDIDATES_EACH: usize = 4;

/// Products of each category by price; immutable once built.
#[derive(Debug)]
pub(super) struct Affinity {
    catalogue: Catalogue,
    /// Ids of each category, ordered by price, then id.
    by_price: HashMap<&'static str, Vec<i64>>,
}

impl Affinity {
    pub(super) fn build(catalogue: Catalogue) -> Self {
        let mut by_price: HashMap<&'static str, Vec<i64>> = HashMap::new();
        for product in catalogue.products() {
            by_price
                .entry(product.category)
                .or_default()
                .push(product.id);
        }
        for ids in by_price.values_mut() {
            ids.sort_by_key(|&id| (catalogue.get(id).map_or(0, |p| p.price_minor), id));
        }
        Self {
            catalogue,
            by_price,
        }
    }

    /// Up to `limit` other products of the same category, nearest in price, the same brand first.
    /// `None` when there is no such product.
    pub(super) fn recommend(&self, id: i64, limit: usize) -> Option<Vec<&SeedProduct>> {
        let product = self.catalogue.get(id)?;
        let mut near = self.nearest(product, limit.saturating_mul(CANDIDATES_EACH));
        near.sort_by_key(|other| {
            (
                other.brand != product.brand,
                distance(product, other),
                other.id,
            )
        });
        near.truncate(limit);
        Some(near)
    }

    fn nearest(&self, product: &SeedProduct, count: usize) -> Vec<&SeedProduct> {
        let ids = self
            .by_price
            .get(product.category)
            .map_or(&[][..], Vec::as_slice);
        let Some(place) = ids.iter().position(|&id| id == product.id) else {
            return Vec::new();
        };
        let mut cheaper = ids[..place]
            .iter()
            .rev()
            .filter_map(|&id| self.catalogue.get(id))
            .peekable();
        let mut dearer = ids[place + 1..]
            .iter()
            .filter_map(|&id| self.catalogue.get(id))
            .peekable();
        let mut near = Vec::with_capacity(count.min(ids.len()));
        while near.len() < count {
            let next = match (cheaper.peek(), dearer.peek()) {
                (Some(a), Some(b)) if distance(product, a) <= distance(product, b) => {
                    cheaper.next()
                }
                (_, Some(_)) => dearer.next(),
                _ => cheaper.next(),
            };
            let Some(next) = next else { break };
            near.push(next);
        }
        near
    }
}

fn distance(one: &SeedProduct, other: &SeedProduct) -> u64 {
    one.price_minor.abs_diff(other.price_minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recommendations_are_others_of_the_category_and_the_same_each_time() {
        let affinity = Affinity::build(Catalogue::generate(42, 1_000));
        for id in 1..=1_000 {
            let product = affinity.catalogue.get(id).expect("exists");
            let first = affinity.recommend(id, 4).expect("exists");
            assert_eq!(first.len(), 4);
            assert!(
                first
                    .iter()
                    .all(|p| p.id != id && p.category == product.category)
            );
            assert_eq!(affinity.recommend(id, 4), Some(first));
        }
    }

    #[test]
    fn a_small_category_gives_what_it_has() {
        let affinity = Affinity::build(Catalogue::generate(42, 21));
        assert_eq!(affinity.recommend(2, 4), Some(Vec::new()));
        let lone = affinity.recommend(1, 4).map(|found| found.len());
        assert!(lone <= Some(1));
        assert_eq!(affinity.recommend(22, 4), None);
    }
}
