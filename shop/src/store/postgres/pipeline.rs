//! Orders in PostgreSQL, as the pipeline sees them: effect, memory and following events together.
//!
//! The outbox is polled. `NOTIFY` would wake relays at once, but a transaction with a notification commits
//! under a lock of the whole server, so that orders would be flushed to disk one by one. A process hears of
//! its own events without polling.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::Row;
use uuid::Uuid;

use super::id::Id;
use super::link::Link;
use super::rows::{self, order_columns};
use super::{Postgres, Sql, damaged};
use crate::event::EventTrace;
use crate::store::transitions;
use crate::store::{
    Applied, ChargeRecord, Consumer, Fact, Handling, OutboxRow, PipelineStore, StoreResult,
};

/// How often the outbox is looked at for events of other processes.
const OUTBOX_POLL: Duration = Duration::from_millis(25);
/// How long events that a relay has taken are left to it. Afterwards another one sends them, possibly again.
const TAKEN_S: f64 = 10.0;

#[async_trait]
impl PipelineStore for Postgres {
    async fn was_handled(&self, consumer: Consumer, event_id: Uuid) -> StoreResult<bool> {
        let sql =
            "SELECT EXISTS (SELECT FROM handled_events WHERE consumer = $1 AND event_id = $2)";
        self.read(
            (consumer, Id(event_id)),
            move |connection, (consumer, event_id)| {
                Box::pin(
                    sqlx::query_scalar(sql)
                        .bind(consumer.as_str())
                        .bind(event_id)
                        .fetch_one(connection),
                )
            },
        )
        .await
    }

    async fn apply(&self, handling: Handling, fact: Fact) -> StoreResult<Applied> {
        let applied = self
            .write((handling, fact), |tx, (handling, fact)| {
                Box::pin(apply(tx, handling, fact))
            })
            .await?;
        self.events.notify_one();
        Ok(applied)
    }

    async fn charge_of(&self, order_id: Uuid) -> StoreResult<Option<ChargeRecord>> {
        let sql =
            "SELECT provider_charge_id, amount_minor, currency FROM payments WHERE order_id = $1";
        self.read(Id(order_id), move |connection, order_id| {
            Box::pin(async move {
                let row = sqlx::query(sql)
                    .bind(order_id)
                    .fetch_optional(connection)
                    .await?;
                row.map(|row| {
                    Ok(ChargeRecord {
                        provider_charge_id: row.try_get("provider_charge_id")?,
                        amount: rows::read_money(&row, "amount_minor", "currency")?,
                    })
                })
                .transpose()
            })
        })
        .await
    }

    async fn expire_unpaid(
        &self,
        created_before_ms: i64,
        now_ms: i64,
        limit: u32,
    ) -> StoreResult<Vec<Uuid>> {
        let arguments = (created_before_ms, now_ms, i64::from(limit));
        let expired = self
            .write(arguments, |tx, (created_before_ms, now_ms, limit)| {
                Box::pin(expire_unpaid(tx, *created_before_ms, *now_ms, *limit))
            })
            .await?;
        if !expired.is_empty() {
            self.events.notify_one();
        }
        Ok(expired)
    }

    async fn unpublished(&self, limit: u32) -> StoreResult<Vec<OutboxRow>> {
        let sql = "
            WITH next AS (
                SELECT seq FROM outbox
                WHERE taken_until IS NULL OR taken_until < now() OR taken_by = $2
                ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED)
            UPDATE outbox SET taken_by = $2, taken_until = now() + make_interval(secs => $3)
            FROM next WHERE outbox.seq = next.seq RETURNING outbox.seq, outbox.body";
        // An idle shop asks often, and finds nothing nearly always: no transaction for that.
        if self.outbox_is_empty().await? {
            return Ok(Vec::new());
        }
        let mut rows = self
            .write(
                (i64::from(limit), Id(self.instance)),
                move |tx, (limit, instance)| {
                    Box::pin(async move {
                        let rows: Vec<(i64, String)> = sqlx::query_as(sql)
                            .bind(limit)
                            .bind(instance)
                            .bind(TAKEN_S)
                            .fetch_all(tx)
                            .await?;
                        rows.into_iter()
                            .map(read_outbox_row)
                            .collect::<Sql<Vec<_>>>()
                    })
                },
            )
            .await?;
        rows.sort_unstable_by_key(|row| row.seq);
        Ok(rows)
    }

    async fn mark_published(&self, seqs: Vec<i64>) -> StoreResult<()> {
        self.write(seqs, move |tx, seqs| {
            Box::pin(async move {
                sqlx::query("DELETE FROM outbox WHERE seq = ANY($1)")
                    .bind(seqs)
                    .execute(tx)
                    .await
                    .map(drop)
            })
        })
        .await
    }

    async fn wait_for_events(&self, timeout: Duration) {
        let patience = timeout.min(OUTBOX_POLL);
        // Running out of time is an answer as well: another process may have written.
        drop(tokio::time::timeout(patience, self.events.notified()).await);
    }

    async fn forget_handled(&self, before_ms: i64, limit: u32) -> StoreResult<usize> {
        let sql = "DELETE FROM handled_events WHERE (consumer, event_id) IN (
                       SELECT consumer, event_id FROM handled_events WHERE handled_at_ms < $1
                       ORDER BY handled_at_ms LIMIT $2 FOR UPDATE SKIP LOCKED)";
        self.write(
            (before_ms, i64::from(limit)),
            move |tx, (before_ms, limit)| {
                Box::pin(async move {
                    let done = sqlx::query(sql)
                        .bind(before_ms)
                        .bind(limit)
                        .execute(tx)
                        .await?;
                    usize::try_from(done.rows_affected()).map_err(damaged)
                })
            },
        )
        .await
    }
}

impl Postgres {
    async fn outbox_is_empty(&self) -> StoreResult<bool> {
        let sql = "SELECT NOT EXISTS (SELECT FROM outbox)";
        self.read((), move |connection, ()| {
            Box::pin(sqlx::query_scalar(sql).fetch_one(connection))
        })
        .await
    }
}

/// Decides a fact once for each (consumer, event), in the transaction that remembers the event.
async fn apply(tx: &mut Link, handling: &Handling, fact: &Fact) -> Sql<Applied> {
    let Some((order, is_new)) = rows::hold_and_remember(tx, handling).await? else {
        return Ok(Applied::NoSuchOrder);
    };
    if !is_new {
        return Ok(Applied::Duplicate);
    }
    let missing = if transitions::looks_at_stock(&order, fact) {
        rows::hold_shelf(tx, &order).await?
    } else {
        Vec::new()
    };
    let decision = transitions::decide(order, fact.clone(), handling, &missing);
    rows::write(tx, &decision, &handling.trace).await?;
    Ok(decision.into_applied())
}

/// Orders in the hands of a consumer are left alone: it may be paying them.
async fn expire_unpaid(
    tx: &mut Link,
    created_before_ms: i64,
    now_ms: i64,
    limit: i64,
) -> Sql<Vec<Uuid>> {
    let sql = concat!(
        "SELECT ",
        order_columns!(),
        " FROM orders o
         WHERE o.status = 'pending' AND o.payment_mode = 'intent' AND o.created_at_ms < $1
         ORDER BY o.created_at_ms LIMIT $2 FOR NO KEY UPDATE OF o SKIP LOCKED"
    );
    let unpaid = sqlx::query(sql)
        .bind(created_before_ms)
        .bind(limit)
        .fetch_all(&mut *tx)
        .await?;
    let mut ids = Vec::with_capacity(unpaid.len());
    for row in &unpaid {
        let decision = transitions::expire(rows::read_order(row)?, now_ms);
        ids.push(decision.order.id);
        rows::write(tx, &decision, &EventTrace::default()).await?;
    }
    Ok(ids)
}

fn read_outbox_row((seq, body): (i64, String)) -> Sql<OutboxRow> {
    let event = serde_json::from_str(&body).map_err(damaged)?;
    Ok(OutboxRow { seq, event })
}
