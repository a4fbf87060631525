//! An inverted index over the static catalogue. Pure: knows no HTTP and no money beyond minor units.

use std::{cmp::Reverse, collections::BTreeMap};

use crate::catalogue::{Catalogue, SeedProduct};

/// Words of a query that count; further ones are ignored.
const QUERY_WORDS_MAX: usize = 8;
/// How much a word says about a product, by where it stands.
const WEIGHT_NAME: u16 = 8;
const WEIGHT_CATEGORY: u16 = 6;
const WEIGHT_BRAND: u16 = 4;
const WEIGHT_DESCRIPTION: u16 = 1;

/// What to look for.
#[derive(Clone, Debug, Default)]
pub(super) struct Query<'a> {
    /// Every word must occur, the beginning of a word is enough. Without words everything matches.
    pub(super) text: &'a str,
    pub(super) category: Option<&'a str>,
    pub(super) min_price_minor: Option<i64>,
    pub(super) max_price_minor: Option<i64>,
    pub(super) sort: Sort,
}

/// The order of the answer; equal products follow each other by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    #[default]
    Relevance,
    PriceAsc,
    PriceDesc,
    Name,
}

/// One page and how many products match in all.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page<'a> {
    pub(super) products: Vec<&'a SeedProduct>,
    pub(super) total: usize,
}

/// The index; immutable once built.
#[derive(Debug)]
pub(super) struct Index {
    catalogue: Catalogue,
    words: BTreeMap<String, Vec<Posting>>,
    /// Place of each product in the alphabet of names.
    name_rank: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Posting {
    product: u32,
    weight: u16,
}

impl Index {
    pub(super) fn build(catalogue: Catalogue) -> Self {
        let mut words: BTreeMap<String, Vec<Posting>> = BTreeMap::new();
        for (index, product) in catalogue.products().iter().enumerate() {
            for (text, weight) in [
                (product.name.as_str(), WEIGHT_NAME),
                (product.category, WEIGHT_CATEGORY),
                (product.brand, WEIGHT_BRAND),
                (product.description.as_str(), WEIGHT_DESCRIPTION),
            ] {
                for word in words_of(text) {
                    add(&mut words, word, index as u32, weight);
                }
            }
        }
        let name_rank = name_rank(&catalogue);
        Self {
            catalogue,
            words,
            name_rank,
        }
    }

    /// The products of a query from `offset` on, at most `limit`.
    pub(super) fn search(&self, query: &Query<'_>, offset: usize, limit: usize) -> Page<'_> {
        let mut matches = self.matches(query);
        let total = matches.len();
        let end = offset.saturating_add(limit).min(total);
        // Only the part up to the end of the page is sorted: an empty query matches everything.
        if end > 0 && end < total {
            matches.select_nth_unstable_by_key(end - 1, |found| self.rank(query.sort, *found));
        }
        matches.truncate(end);
        matches.sort_unstable_by_key(|found| self.rank(query.sort, *found));
        let products = matches
            .iter()
            .skip(offset)
            .map(|found| &self.catalogue.products()[found.product as usize])
            .collect();
        Page { products, total }
    }

    fn matches(&self, query: &Query<'_>) -> Vec<Posting> {
        let words: Vec<String> = words_of(query.text).take(QUERY_WORDS_MAX).collect();
        let mut scores: Vec<Option<u16>> = vec![Some(0); self.catalogue.products().len()];
        for word in &words {
            self.keep_matching(word, &mut scores);
        }
        // Text without a single word, `---` say, matches nothing rather than everything.
        if words.is_empty() && !query.text.trim().is_empty() {
            return Vec::new();
        }
        scores
            .iter()
            .zip(self.catalogue.products())
            .enumerate()
            .filter(|(_, (_, product))| passes(query, product))
            .filter_map(|(index, (score, _))| {
                Some(Posting {
                    product: index as u32,
                    weight: (*score)?,
                })
            })
            .collect()
    }

    /// Adds the weight of `word` to every product that has it and strikes out all others.
    fn keep_matching(&self, word: &str, scores: &mut [Option<u16>]) {
        let mut found = vec![0u16; scores.len()];
        let from = (std::ops::Bound::Included(word), std::ops::Bound::Unbounded);
        for (candidate, postings) in self
            .words
            .range::<str, _>(from)
            .take_while(|(candidate, _)| candidate.starts_with(word))
        {
            // A whole word says twice as much as a beginning.
            let factor = if candidate == word { 2 } else { 1 };
            for posting in postings {
                let best = &mut found[posting.product as usize];
                *best = (*best).max(posting.weight * factor);
            }
        }
        for (score, weight) in scores.iter_mut().zip(found) {
            *score = score.filter(|_| weight > 0).map(|score| score + weight);
        }
    }

    fn rank(&self, sort: Sort, found: Posting) -> (Reverse<u16>, i64, u32) {
        let index = found.product as usize;
        let price = self.catalogue.products()[index].price_minor;
        match sort {
            Sort::Relevance => (Reverse(found.weight), 0, found.product),
            Sort::PriceAsc => (Reverse(0), price, found.product),
            Sort::PriceDesc => (Reverse(0), -price, found.product),
            Sort::Name => (Reverse(0), i64::from(self.name_rank[index]), found.product),
        }
    }
}

fn passes(query: &Query<'_>, product: &SeedProduct) -> bool {
    query.category.is_none_or(|c| product.category == c)
        && query
            .min_price_minor
            .is_none_or(|m| product.price_minor >= m)
        && query
            .max_price_minor
            .is_none_or(|m| product.price_minor <= m)
}

fn add(words: &mut BTreeMap<String, Vec<Posting>>, word: String, product: u32, weight: u16) {
    let postings = words.entry(word).or_default();
    match postings.last_mut() {
        Some(last) if last.product == product => last.weight = last.weight.max(weight),
        _ => postings.push(Posting { product, weight }),
    }
}

fn name_rank(catalogue: &Catalogue) -> Vec<u32> {
    let products = catalogue.products();
    let mut order: Vec<usize> = (0..products.len()).collect();
    order.sort_unstable_by_key(|&index| (products[index].name.as_str(), index));
    let mut rank = vec![0; products.len()];
    for (place, index) in order.into_iter().enumerate() {
        rank[index] = place as u32;
    }
    rank
}

fn words_of(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn index() -> Index {
        Index::build(Catalogue::generate(42, 2_000))
    }

    fn search<'a>(index: &'a Index, query: Query<'_>) -> Page<'a> {
        index.search(&query, 0, 2_000)
    }

    #[test]
    fn every_word_must_occur_and_beginnings_count() {
        let index = index();
        let page = search(
            &index,
            Query {
                text: "Brass lam",
                ..Query::default()
            },
        );
        assert!(page.total > 0);
        for product in page.products {
            let text = product.name.to_lowercase();
            assert!(text.contains("brass") && text.contains("lam"), "{text}");
        }
    }

    #[test]
    fn a_whole_name_finds_its_product_first() {
        let index = index();
        for product in index.catalogue.products().iter().step_by(97) {
            let query = Query {
                text: &product.name,
                ..Query::default()
            };
            let first = index.search(&query, 0, 1).products[0];
            assert_eq!(first.name, product.name);
        }
    }

    #[test]
    fn filters_hold_and_pages_join_to_the_whole() {
        let index = index();
        let query = Query {
            category: Some("kitchen"),
            min_price_minor: Some(2_000),
            max_price_minor: Some(9_000),
            sort: Sort::PriceAsc,
            ..Query::default()
        };
        let whole = index.search(&query, 0, 2_000);
        assert!(whole.total > 20);
        assert!(whole.products.is_sorted_by_key(|p| p.price_minor));
        assert!(
            whole
                .products
                .iter()
                .all(|p| p.category == "kitchen" && (2_000..=9_000).contains(&p.price_minor))
        );
        let pages: Vec<_> = (0..whole.total)
            .step_by(7)
            .flat_map(|offset| index.search(&query, offset, 7).products)
            .collect();
        assert_eq!(pages, whole.products);
    }

    #[test]
    fn text_without_words_matches_nothing_and_no_text_everything() {
        let index = index();
        let nothing = Query {
            text: "---",
            ..Query::default()
        };
        assert_eq!(search(&index, nothing).total, 0);
        assert_eq!(search(&index, Query::default()).total, 2_000);
    }

    #[test]
    fn names_sort_by_the_alphabet() {
        let index = index();
        let query = Query {
            sort: Sort::Name,
            ..Query::default()
        };
        let page = index.search(&query, 0, 300);
        assert!(page.products.is_sorted_by_key(|p| &p.name));
    }

    proptest! {
        /// Any text and any page is answered without a panic and within its bounds.
        #[test]
        fn any_query_is_answered(text in "\\PC{0,40}", offset: usize, limit in 0usize..50) {
            let index = Index::build(Catalogue::generate(1, 50));
            let query = Query { text: &text, ..Query::default() };
            let page = index.search(&query, offset, limit);
            prop_assert!(page.products.len() <= limit.min(page.total));
        }
    }
}
