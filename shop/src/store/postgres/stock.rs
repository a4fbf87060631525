//! The stock in PostgreSQL.

use async_trait::async_trait;

use super::{Postgres, Sql, damaged, u32_of};
use crate::order::ProductId;
use crate::store::{STOCK_IDS_MAX, StockStore, StoreResult};

#[async_trait]
impl StockStore for Postgres {
    async fn pieces(&self, mut ids: Vec<ProductId>) -> StoreResult<Vec<(ProductId, u32)>> {
        ids.truncate(STOCK_IDS_MAX);
        let sql = "SELECT id, stock::bigint FROM products WHERE id = ANY($1) ORDER BY id";
        self.read(ids, move |connection, ids| {
            Box::pin(async move {
                let query = sqlx::query_as(sql).bind(ids);
                let rows: Vec<(ProductId, i64)> = query.fetch_all(connection).await?;
                let pieces = rows.into_iter().map(|(id, stock)| Ok((id, u32_of(stock)?)));
                pieces.collect::<Sql<_>>()
            })
        })
        .await
    }

    async fn set(&self, id: ProductId, pieces: u32) -> StoreResult<bool> {
        let sql = "UPDATE products SET stock = $2 WHERE id = $1";
        self.write((id, i64::from(pieces)), move |tx, (id, pieces)| {
            Box::pin(async move {
                let done = sqlx::query(sql).bind(id).bind(pieces).execute(tx).await?;
                Ok(done.rows_affected() == 1)
            })
        })
        .await
    }

    async fn by_category(&self) -> StoreResult<Vec<(String, u64)>> {
        let sql =
            "SELECT category, sum(stock)::bigint FROM products GROUP BY category ORDER BY category";
        self.read((), move |connection, ()| {
            Box::pin(async move {
                let rows: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(connection).await?;
                let counted = rows.into_iter().map(|(category, pieces)| {
                    u64::try_from(pieces)
                        .map(|pieces| (category, pieces))
                        .map_err(damaged)
                });
                counted.collect()
            })
        })
        .await
    }
}
