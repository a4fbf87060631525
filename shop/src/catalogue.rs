//! The seed catalogue: every product of a fresh shop, computed from a seed.
//!
//! Pure: no clock, no IO, no store. The same seed and size give the same products on every
//! machine, so services that need the catalogue (orders as seed data, search and recommendations
//! as their static catalogue) build it for themselves instead of asking each other.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

mod words;

use words::{BRANDS, CATEGORIES, Category};

/// How many products a shop has unless configured otherwise: enough that a missing index hurts.
pub const DEFAULT_PRODUCTS: u32 = 10_000;
/// The most products one catalogue may hold; above it generation would be felt at start-up.
pub const PRODUCTS_MAX: u32 = 1_000_000;
/// Units of each product a fresh shop has on its shelves.
const STOCK_RANGE: std::ops::RangeInclusive<u32> = 10_000..=50_000;
/// Coprime to every combination count, so that neighbours in the catalogue look unlike each other.
const STRIDE: usize = 7_919;
/// Prices end like prices do; the last two digits of the minor units.
const PRICE_ENDINGS: [i64; 6] = [99, 99, 99, 95, 49, 0];

/// One product as it stands in the seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedProduct {
    /// 1 to n, without gaps.
    pub id: i64,
    /// What the shopper reads, unique in the catalogue: `Brass desk lamp, 40 cm`.
    pub name: String,
    /// One or two sentences of prose.
    pub description: String,
    /// Short machine name of the category: `lighting`.
    pub category: &'static str,
    /// Who makes it.
    pub brand: &'static str,
    /// Price in minor units of the shop's currency; always above zero.
    pub price_minor: i64,
    /// Units on the shelf of a fresh shop.
    pub stock: u32,
}

/// All products of a seed, ordered by id.
#[derive(Clone, Debug)]
pub struct Catalogue {
    products: Vec<SeedProduct>,
}

impl Catalogue {
    /// Computes the catalogue of `seed` with `n` products (at most [`PRODUCTS_MAX`]).
    pub fn generate(seed: u64, n: u32) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let offset = rng.random_range(0..STRIDE);
        let products = (0..n.min(PRODUCTS_MAX) as usize)
            .map(|index| product(index, offset, &mut rng))
            .collect();
        Self { products }
    }

    /// Every product, ordered by id.
    pub fn products(&self) -> &[SeedProduct] {
        &self.products
    }

    /// The product with this id.
    pub fn get(&self, id: i64) -> Option<&SeedProduct> {
        let index = usize::try_from(id.checked_sub(1)?).ok()?;
        self.products.get(index)
    }

    /// The machine names of all categories a catalogue can hold.
    pub fn categories() -> impl Iterator<Item = &'static str> {
        CATEGORIES.iter().map(|category| category.name)
    }
}

fn product(index: usize, offset: usize, rng: &mut ChaCha8Rng) -> SeedProduct {
    let category = &CATEGORIES[index % CATEGORIES.len()];
    let round = index / CATEGORIES.len();
    let (noun, material, size, edition) = combination(category, round, offset);
    let brand = BRANDS[rng.random_range(0..BRANDS.len())];
    SeedProduct {
        id: index as i64 + 1,
        name: name(noun, material, size, edition),
        description: description(category, noun, material, brand, rng),
        category: category.name,
        brand,
        price_minor: price(category, rng),
        stock: rng.random_range(STOCK_RANGE),
    }
}

/// Walks every noun × material × size of a category once before an edition number is needed.
fn combination(
    category: &Category,
    round: usize,
    offset: usize,
) -> (&'static str, &'static str, &'static str, usize) {
    let (nouns, materials, sizes) = (category.nouns, category.materials, category.sizes);
    let total = nouns.len() * materials.len() * sizes.len();
    let pick = (round * STRIDE + offset) % total;
    let noun = nouns[pick % nouns.len()];
    let material = materials[pick / nouns.len() % materials.len()];
    let size = sizes[pick / (nouns.len() * materials.len())];
    (noun, material, size, round / total + 1)
}

fn name(noun: &str, material: &str, size: &str, edition: usize) -> String {
    if edition == 1 {
        format!("{material} {noun}, {size}")
    } else {
        format!("{material} {noun}, {size}, edition {edition}")
    }
}

fn description(
    category: &Category,
    noun: &str,
    material: &str,
    brand: &str,
    rng: &mut ChaCha8Rng,
) -> String {
    let praise = category.praise[rng.random_range(0..category.praise.len())];
    format!(
        "{} {noun} by {brand}. {praise}",
        material.trim_end_matches(',')
    )
}

fn price(category: &Category, rng: &mut ChaCha8Rng) -> i64 {
    let (low, high) = category.price_major;
    // The square keeps most prices near the low end, as in a real assortment.
    let spread: f64 = rng.random::<f64>().powi(2);
    let major = low + ((high - low) as f64 * spread) as i64;
    let ending = PRICE_ENDINGS[rng.random_range(0..PRICE_ENDINGS.len())];
    major * 100 + ending
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn same_seed_same_catalogue_and_other_seed_another() {
        let first = Catalogue::generate(7, 500);
        assert_eq!(first.products(), Catalogue::generate(7, 500).products());
        assert_ne!(first.products(), Catalogue::generate(8, 500).products());
    }

    #[test]
    fn a_smaller_catalogue_is_a_prefix_of_a_larger_one() {
        let large = Catalogue::generate(7, 1_000);
        let small = Catalogue::generate(7, 100);
        assert_eq!(small.products(), &large.products()[..100]);
    }

    #[test]
    fn names_are_unique_prices_positive_and_ids_without_gaps() {
        let catalogue = Catalogue::generate(42, 30_000);
        let names: HashSet<_> = catalogue.products().iter().map(|p| &p.name).collect();
        assert_eq!(names.len(), 30_000);
        for (index, product) in catalogue.products().iter().enumerate() {
            assert_eq!(product.id, index as i64 + 1);
            assert!(product.price_minor > 0, "{product:?}");
            assert_eq!(catalogue.get(product.id), Some(product));
        }
        assert_eq!(catalogue.get(0), None);
        assert_eq!(catalogue.get(30_001), None);
        assert_eq!(catalogue.get(i64::MIN), None);
    }

    #[test]
    fn every_category_is_stocked() {
        let catalogue = Catalogue::generate(42, DEFAULT_PRODUCTS);
        let used: HashSet<_> = catalogue.products().iter().map(|p| p.category).collect();
        assert_eq!(used.len(), Catalogue::categories().count());
        assert!(used.len() >= 20);
    }

    #[test]
    fn the_stride_reaches_every_combination() {
        for category in CATEGORIES {
            let total = category.nouns.len() * category.materials.len() * category.sizes.len();
            assert!(total < STRIDE, "{}: {total}", category.name);
        }
    }
}
