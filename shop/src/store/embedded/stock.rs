//! The stock in `shop.db`.

use async_trait::async_trait;
use rusqlite::Connection;

use super::{ShopFile, all, execute, find};
use crate::db::DbError;
use crate::order::ProductId;
use crate::store::{STOCK_IDS_MAX, StockStore, StoreResult};

#[async_trait]
impl StockStore for ShopFile {
    async fn pieces(&self, ids: Vec<ProductId>) -> StoreResult<Vec<(ProductId, u32)>> {
        let look = move |tx: &Connection| pieces(tx, ids);
        Ok(self.db.read(look).await?)
    }

    async fn set(&self, id: ProductId, pieces: u32) -> StoreResult<bool> {
        let sql = "UPDATE products SET stock = ?2 WHERE id = ?1";
        let set = move |tx: &Connection| Ok(execute(tx, sql, (id, pieces))? == 1);
        Ok(self.db.write(set).await?)
    }

    async fn by_category(&self) -> StoreResult<Vec<(String, u64)>> {
        let sql = "SELECT category, sum(stock) AS pieces FROM products GROUP BY category";
        let count = move |tx: &Connection| {
            all(tx, sql, (), |row| {
                Ok((row.get("category")?, row.get("pieces")?))
            })
        };
        Ok(self.db.read(count).await?)
    }
}

fn pieces(tx: &Connection, mut ids: Vec<ProductId>) -> Result<Vec<(ProductId, u32)>, DbError> {
    ids.truncate(STOCK_IDS_MAX);
    ids.sort_unstable();
    ids.dedup();
    let sql = "SELECT stock FROM products WHERE id = ?1";
    let found = ids.into_iter().map(|id| {
        let pieces = find(tx, sql, [id], |row| row.get("stock"))?;
        Ok(pieces.map(|pieces| (id, pieces)))
    });
    found.filter_map(Result::transpose).collect()
}
