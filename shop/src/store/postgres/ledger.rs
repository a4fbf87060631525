//! The books in PostgreSQL.

use async_trait::async_trait;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::id::Id;
use super::rows::{self, order_columns};
use super::{Postgres, Sql, damaged};
use crate::order::ProductId;
use crate::page::Page;
use crate::store::{LedgerEntry, LedgerPayment, LedgerStock, LedgerStore, StoreResult};

const ENTRIES: &str = concat!(
    "SELECT ",
    order_columns!(),
    ", p.provider_charge_id, p.amount_minor AS charged_minor,
         p.currency AS charged_currency, p.provider_refund_id
     FROM orders o LEFT JOIN payments p ON p.order_id = o.id
     WHERE o.id > $1 ORDER BY o.id LIMIT $2"
);

/// The sales of a page's products are added up in one pass over the lines of held orders.
const STOCK: &str = "
    WITH page AS MATERIALIZED (SELECT id, stock FROM products WHERE id > $1 ORDER BY id LIMIT $2),
    sales AS (
        SELECT product_id, sum(quantity)::bigint AS sold
        FROM order_lines JOIN orders ON orders.id = order_lines.order_id
        WHERE stock_held AND product_id > $1 AND product_id <= (SELECT max(id) FROM page)
        GROUP BY product_id)
    SELECT id, stock, coalesce(sold, 0) AS sold
    FROM page LEFT JOIN sales ON product_id = id ORDER BY id";

#[async_trait]
impl LedgerStore for Postgres {
    async fn entries(
        &self,
        after: Option<Uuid>,
        limit: u32,
    ) -> StoreResult<Page<LedgerEntry, Uuid>> {
        let arguments = (Id(after.unwrap_or(Uuid::nil())), i64::from(limit) + 1);
        self.read(arguments, move |connection, (after, count)| {
            Box::pin(async move {
                let query = sqlx::query(ENTRIES).bind(after).bind(count);
                let rows = query.fetch_all(connection).await?;
                let entries: Vec<_> = rows.iter().map(read_entry).collect::<Result<_, _>>()?;
                Ok(Page::cut(entries, limit, |entry| entry.order.id))
            })
        })
        .await
    }

    async fn stock(
        &self,
        after: ProductId,
        limit: u32,
    ) -> StoreResult<Page<LedgerStock, ProductId>> {
        let arguments = (after, i64::from(limit) + 1);
        self.read(arguments, move |connection, (after, count)| {
            Box::pin(async move {
                let query = sqlx::query_as(STOCK).bind(after).bind(count);
                let rows: Vec<(ProductId, i64, i64)> = query.fetch_all(connection).await?;
                let shelves = rows
                    .into_iter()
                    .map(|(product_id, on_shelf, sold)| LedgerStock {
                        product_id,
                        on_shelf,
                        sold,
                    });
                Ok(Page::cut(shelves.collect(), limit, |shelf| {
                    shelf.product_id
                }))
            })
        })
        .await
    }

    async fn outbox_len(&self) -> StoreResult<u64> {
        self.read((), move |connection, ()| {
            Box::pin(async move {
                let count: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox")
                    .fetch_one(connection)
                    .await?;
                u64::try_from(count).map_err(damaged)
            })
        })
        .await
    }
}

fn read_entry(row: &PgRow) -> Sql<LedgerEntry> {
    let charge_id: Option<String> = row.try_get("provider_charge_id")?;
    let payment = match charge_id {
        None => None,
        Some(charge_id) => Some(LedgerPayment {
            charge_id,
            amount: rows::read_money(row, "charged_minor", "charged_currency")?,
            refund_id: row.try_get("provider_refund_id")?,
        }),
    };
    Ok(LedgerEntry {
        order: rows::read_order(row)?,
        payment,
        idempotency_key: row.try_get("idempotency_key")?,
    })
}
