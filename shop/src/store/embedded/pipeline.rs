//! Orders in `shop.db`, as the pipeline sees them: effect, memory and following events together.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;
use uuid::Uuid;

use super::rows::{self, load, remember};
use super::{ShopFile, all, execute, find, parsed};
use crate::db::DbError;
use crate::event::{Event, EventTrace};
use crate::money::Money;
use crate::store::transitions;
use crate::store::{
    Applied, ChargeRecord, Consumer, Fact, Handling, OutboxRow, PipelineStore, StoreResult,
};

#[async_trait]
impl PipelineStore for ShopFile {
    async fn was_handled(&self, consumer: Consumer, event_id: Uuid) -> StoreResult<bool> {
        let sql = "SELECT 1 FROM handled_events WHERE consumer = ?1 AND event_id = ?2";
        let look = move |tx: &Connection| {
            let key = (consumer.as_str(), event_id.to_string());
            Ok(find(tx, sql, key, |_| Ok(()))?.is_some())
        };
        Ok(self.db.read(look).await?)
    }

    async fn apply(&self, handling: Handling, fact: Fact) -> StoreResult<Applied> {
        let job = move |tx: &Connection| apply(tx, &handling, fact);
        let applied = self.db.write(job).await?;
        self.events.notify_one();
        Ok(applied)
    }

    async fn charge_of(&self, order_id: Uuid) -> StoreResult<Option<ChargeRecord>> {
        let sql = "SELECT * FROM payments WHERE order_id = ?1";
        let look = move |tx: &Connection| {
            find(tx, sql, [order_id.to_string()], |row| {
                Ok(ChargeRecord {
                    provider_charge_id: row.get("provider_charge_id")?,
                    amount: Money::new(row.get("amount_minor")?, parsed(row, "currency")?),
                })
            })
        };
        Ok(self.db.read(look).await?)
    }

    async fn expire_unpaid(
        &self,
        created_before_ms: i64,
        now_ms: i64,
        limit: u32,
    ) -> StoreResult<Vec<Uuid>> {
        let expire = move |tx: &Connection| expire_unpaid(tx, created_before_ms, now_ms, limit);
        let expired = self.db.write(expire).await?;
        if !expired.is_empty() {
            self.events.notify_one();
        }
        Ok(expired)
    }

    async fn unpublished(&self, limit: u32) -> StoreResult<Vec<OutboxRow>> {
        Ok(self.db.read(move |tx| unpublished(tx, limit)).await?)
    }

    async fn mark_published(&self, seqs: Vec<i64>) -> StoreResult<()> {
        let mark = move |tx: &Connection| {
            let mut delete = tx.prepare_cached("DELETE FROM outbox WHERE seq = ?1")?;
            for seq in &seqs {
                delete.execute([seq])?;
            }
            Ok(())
        };
        Ok(self.db.write(mark).await?)
    }

    async fn wait_for_events(&self, timeout: Duration) {
        // Running out of time is an answer as well: another process may have written.
        drop(tokio::time::timeout(timeout, self.events.notified()).await);
    }

    async fn forget_handled(&self, before_ms: i64, limit: u32) -> StoreResult<usize> {
        let sql = "DELETE FROM handled_events WHERE (consumer, event_id) IN (
                       SELECT consumer, event_id FROM handled_events
                       WHERE handled_at_ms < ?1 ORDER BY handled_at_ms LIMIT ?2)";
        let forget = move |tx: &Connection| execute(tx, sql, (before_ms, limit));
        Ok(self.db.write(forget).await?)
    }
}

/// Decides a fact once for each (consumer, event), in the transaction that remembers the event.
fn apply(tx: &Connection, handling: &Handling, fact: Fact) -> Result<Applied, DbError> {
    let Some(order) = load(tx, handling.event.order_id)? else {
        return Ok(Applied::NoSuchOrder);
    };
    if !remember(tx, handling)? {
        return Ok(Applied::Duplicate);
    }
    let missing = if transitions::looks_at_stock(&order, &fact) {
        rows::missing(tx, &order)?
    } else {
        Vec::new()
    };
    let decision = transitions::decide(order, fact, handling, &missing);
    rows::write(tx, &decision, &handling.trace, handling.now_ms)?;
    Ok(decision.into_applied())
}

fn expire_unpaid(
    tx: &Connection,
    created_before_ms: i64,
    now_ms: i64,
    limit: u32,
) -> Result<Vec<Uuid>, DbError> {
    let unpaid = all(
        tx,
        "SELECT * FROM orders WHERE status = 'pending' AND payment_mode = 'intent'
             AND created_at_ms < ?1 ORDER BY created_at_ms LIMIT ?2",
        (created_before_ms, limit),
        rows::read_order,
    )?;
    let mut ids = Vec::with_capacity(unpaid.len());
    for order in unpaid {
        ids.push(order.id);
        let decision = transitions::expire(rows::with_lines(tx, order)?, now_ms);
        rows::write(tx, &decision, &EventTrace::default(), now_ms)?;
    }
    Ok(ids)
}

fn unpublished(tx: &Connection, limit: u32) -> Result<Vec<OutboxRow>, DbError> {
    let bodies = all(
        tx,
        "SELECT seq, body FROM outbox ORDER BY seq LIMIT ?1",
        [limit],
        |row| Ok((row.get("seq")?, row.get::<_, String>("body")?)),
    )?;
    bodies
        .into_iter()
        .map(|(seq, body)| {
            let event: Event =
                serde_json::from_str(&body).map_err(|error| DbError::Corrupt(error.to_string()))?;
            Ok(OutboxRow { seq, event })
        })
        .collect()
}
