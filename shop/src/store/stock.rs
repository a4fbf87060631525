//! The stock: how many pieces of each product are on the shelf. It stands where orders are, since an order takes from it in
//! its own transaction; the catalogue may stand elsewhere.

use async_trait::async_trait;

use super::StoreResult;
use crate::order::ProductId;

/// Products whose stock can be asked for at a time.
pub const STOCK_IDS_MAX: usize = 1_000;

/// Pieces on the shelf, product by product.
#[async_trait]
pub trait StockStore: Send + Sync {
    /// The pieces of those of these products that there are, by rising id; of at most [`STOCK_IDS_MAX`].
    async fn pieces(&self, ids: Vec<ProductId>) -> StoreResult<Vec<(ProductId, u32)>>;
    /// Sets the pieces of a product; false when there is no such product.
    async fn set(&self, id: ProductId, pieces: u32) -> StoreResult<bool>;
    /// Pieces by category, for the stock gauge.
    async fn by_category(&self) -> StoreResult<Vec<(String, u64)>>;
}
