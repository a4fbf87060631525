//! The catalogue. How many pieces there are is known by the stock (`stock.rs`), which stands where orders are.

use async_trait::async_trait;

use super::StoreResult;
use crate::catalogue::Catalogue;
use crate::money::{Currency, Money};
use crate::order::ProductId;
use crate::page::Page;

/// One product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its number.
    pub id: ProductId,
    /// Its name.
    pub name: String,
    /// A sentence or two about it.
    pub description: String,
    /// Its category, also its class in telemetry.
    pub category: String,
    /// Its price.
    pub price: Money,
    /// Pieces on the shelf.
    pub stock: u32,
    /// Its place in the order of popularity, from 1; 0 when it has none.
    pub popularity_rank: u32,
}

/// The seeded catalogue as products to fill an empty store with. Ids rise with rarity, so they are
/// the popularity rank as well.
pub fn seed_products(catalogue: &Catalogue) -> Vec<Product> {
    catalogue
        .products()
        .iter()
        .map(|seed| Product {
            id: seed.id,
            name: seed.name.clone(),
            description: seed.description.clone(),
            category: seed.category.to_owned(),
            price: Money::new(seed.price_minor, Currency::default()),
            stock: seed.stock,
            popularity_rank: u32::try_from(seed.id).unwrap_or(0),
        })
        .collect()
}

/// A product to be added.
#[derive(Clone, Debug)]
pub struct NewProduct {
    /// Its name.
    pub name: String,
    /// A sentence or two about it.
    pub description: String,
    /// Its category.
    pub category: String,
    /// Its price.
    pub price: Money,
    /// Pieces on the shelf.
    pub stock: u32,
}

/// The catalogue. Products are shown with their stock: a store that keeps products apart from orders asks the
/// [`StockStore`](super::StockStore) for it.
#[async_trait]
pub trait ProductStore: Send + Sync {
    /// Fills an empty catalogue; does nothing when there are products. Returns how many were added.
    async fn seed(&self, products: Vec<Product>) -> StoreResult<usize>;
    /// One product.
    async fn get(&self, id: ProductId) -> StoreResult<Option<Product>>;
    /// Products with ids above `after`, in the order of their ids.
    async fn list(
        &self,
        category: Option<String>,
        after: ProductId,
        limit: u32,
    ) -> StoreResult<Page<Product, ProductId>>;
    /// Products whose name or description has words beginning with the words of `text`, best first.
    async fn search(&self, text: String, offset: u32, limit: u32) -> StoreResult<Vec<Product>>;
    /// Adds a product under the next free id.
    async fn add(&self, product: NewProduct) -> StoreResult<Product>;
}
