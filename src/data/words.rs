//! What shoppers type into the search field: words of the catalogue, a few of them again and again.

use rand::distr::Distribution;
use rand_distr::Zipf;

use crate::rng::ShopperRng;

/// From the most to the least sought. All occur in the reference catalogue.
const WORDS: &[&str] = &[
    "lamp",
    "backpack",
    "headphones",
    "rain jacket",
    "desk",
    "mug",
    "trainers",
    "tent",
    "keyboard",
    "yoga mat",
    "linen",
    "oak",
    "frying pan",
    "wireless",
    "leather",
    "rug",
    "armchair",
    "merino",
    "puzzle",
    "cookbook",
    "planter",
    "water bottle",
    "monitor arm",
    "helmet",
    "tripod",
    "throw",
    "bookcase",
    "hoodie",
    "teapot",
    "saddle",
    "kettlebell",
    "suitcase",
    "soundbar",
    "webcam",
    "novel",
    "sandals",
    "stool",
    "curtain",
    "bamboo",
    "sleeping bag",
    "saucepan",
    "cork",
    "board game",
    "dress",
    "turntable",
    "duvet cover",
    "hammock",
    "lantern",
    "copper",
    "card holder",
    "bike light",
    "foam roller",
    "train set",
    "secateurs",
    "atlas",
    "camera bag",
    "casserole",
    "walnut",
    "slippers",
    "kite",
];

/// Popularity of words falls with this exponent: a quarter of all searches are for the first three.
const EXPONENT: f64 = 1.0;

/// Search words by popularity.
#[derive(Debug, Clone, Default)]
pub struct Words {
    ranks: Option<Zipf<f64>>,
}

impl Words {
    /// The catalogue's words.
    pub fn new() -> Self {
        Self {
            ranks: Zipf::new(WORDS.len() as f64, EXPONENT).ok(),
        }
    }

    /// A word, popular ones more often.
    pub fn draw(&self, rng: &mut ShopperRng) -> &'static str {
        let rank = self
            .ranks
            .as_ref()
            .map_or(1, |ranks| ranks.sample(rng) as usize);
        WORDS[rank.clamp(1, WORDS.len()) - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A search that could never find anything would measure an empty answer.
    #[test]
    fn every_word_finds_a_product() {
        let catalogue = shop::catalogue::Catalogue::generate(1, shop::catalogue::DEFAULT_PRODUCTS);
        let names: Vec<_> = catalogue
            .products()
            .iter()
            .map(|product| product.name.to_lowercase())
            .collect();
        let missing: Vec<_> = WORDS
            .iter()
            .filter(|word| !names.iter().any(|name| name.contains(*word)))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn the_first_word_leads() {
        let words = Words::new();
        let mut rng = ShopperRng::new(1, "test", 0);
        let first = (0..10_000)
            .filter(|_| words.draw(&mut rng) == WORDS[0])
            .count();
        assert!((1_900..2_400).contains(&first), "{first}");
    }
}
