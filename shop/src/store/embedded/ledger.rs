//! The books in `shop.db`.

use async_trait::async_trait;
use rusqlite::{Connection, Row};
use uuid::Uuid;

use super::{ShopFile, all, parsed, rows};
use crate::db::DbError;
use crate::money::Money;
use crate::order::ProductId;
use crate::page::Page;
use crate::store::{LedgerEntry, LedgerPayment, LedgerStock, LedgerStore, StoreResult};

/// `orders.*` comes first, so that its columns win over those of the same name.
const ENTRIES: &str = "
    SELECT orders.*, provider_charge_id, payments.amount_minor AS charged_minor,
           payments.currency AS charged_currency, provider_refund_id
    FROM orders LEFT JOIN payments ON payments.order_id = orders.id
    WHERE orders.id > ?1 ORDER BY orders.id LIMIT ?2";

/// The sales of a page's products are added up in one pass over the lines of held orders.
const STOCK: &str = "
    WITH page AS MATERIALIZED (SELECT id, stock FROM products WHERE id > ?1 ORDER BY id LIMIT ?2),
    sales AS (
        SELECT product_id, sum(quantity) AS sold
        FROM order_lines JOIN orders ON orders.id = order_lines.order_id
        WHERE stock_held AND product_id > ?1 AND product_id <= (SELECT max(id) FROM page)
        GROUP BY product_id)
    SELECT id, stock, coalesce(sold, 0) AS sold
    FROM page LEFT JOIN sales ON product_id = id ORDER BY id";

#[async_trait]
impl LedgerStore for ShopFile {
    async fn entries(
        &self,
        after: Option<Uuid>,
        limit: u32,
    ) -> StoreResult<Page<LedgerEntry, Uuid>> {
        Ok(self.db.read(move |tx| entries(tx, after, limit)).await?)
    }

    async fn stock(
        &self,
        after: ProductId,
        limit: u32,
    ) -> StoreResult<Page<LedgerStock, ProductId>> {
        let look = move |tx: &Connection| {
            let items = all(tx, STOCK, (after, i64::from(limit) + 1), read_stock)?;
            Ok(Page::cut(items, limit, |item| item.product_id))
        };
        Ok(self.db.read(look).await?)
    }

    async fn outbox_len(&self) -> StoreResult<u64> {
        let count = |tx: &Connection| {
            let mut count = tx.prepare_cached("SELECT count(*) FROM outbox")?;
            Ok(count.query_row((), |row| row.get(0))?)
        };
        Ok(self.db.read(count).await?)
    }
}

fn entries(
    tx: &Connection,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Page<LedgerEntry, Uuid>, DbError> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let found = all(tx, ENTRIES, (after, i64::from(limit) + 1), read_entry)?;
    let mut page = Page::cut(found, limit, |entry| entry.order.id);
    for entry in &mut page.items {
        entry.order = rows::with_lines(tx, entry.order.clone())?;
    }
    Ok(page)
}

fn read_entry(row: &Row<'_>) -> rusqlite::Result<LedgerEntry> {
    let charge_id: Option<String> = row.get("provider_charge_id")?;
    let payment = match charge_id {
        None => None,
        Some(charge_id) => Some(LedgerPayment {
            charge_id,
            amount: Money::new(row.get("charged_minor")?, parsed(row, "charged_currency")?),
            refund_id: row.get("provider_refund_id")?,
        }),
    };
    Ok(LedgerEntry {
        order: rows::read_order(row)?,
        payment,
        idempotency_key: row.get("idempotency_key")?,
    })
}

fn read_stock(row: &Row<'_>) -> rusqlite::Result<LedgerStock> {
    Ok(LedgerStock {
        product_id: row.get("id")?,
        on_shelf: row.get("stock")?,
        sold: row.get("sold")?,
    })
}
