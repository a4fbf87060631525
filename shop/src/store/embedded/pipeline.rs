//! Orders in `shop.db`, as the pipeline sees them: effect, memory and following events together.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;
use uuid::Uuid;

use super::rows::{self, emit, load, move_to, remember};
use super::{ShopFile, all, execute, find, parsed};
use crate::db::DbError;
use crate::event::{Event, EventKind, EventTrace};
use crate::money::Money;
use crate::order::{Order, OrderStatus, PaymentState};
use crate::store::{
    Applied, ChargeRecord, Consumer, Handling, OutboxRow, PipelineStore, StoreResult,
};

const EXPIRED_REASON: &str = "payment_expired";
const OUT_OF_STOCK_REASON: &str = "out_of_stock";

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

    async fn acknowledge(&self, handling: Handling) -> StoreResult<Applied> {
        self.apply(handling, |_, order, _| Ok(Applied::Done(order)))
            .await
    }

    async fn payment_succeeded(
        &self,
        handling: Handling,
        charge: ChargeRecord,
    ) -> StoreResult<Applied> {
        self.apply(handling, move |tx, order, handling| {
            payment_succeeded(tx, order, handling, &charge)
        })
        .await
    }

    async fn payment_failed(&self, handling: Handling, reason: String) -> StoreResult<Applied> {
        self.apply(handling, move |tx, order, handling| {
            payment_failed(tx, order, handling, reason)
        })
        .await
    }

    async fn reserve_stock(&self, handling: Handling) -> StoreResult<Applied> {
        self.apply(handling, reserve_stock).await
    }

    async fn release_stock(&self, handling: Handling) -> StoreResult<Applied> {
        self.apply(handling, release_stock).await
    }

    async fn refund_succeeded(
        &self,
        handling: Handling,
        provider_refund_id: String,
    ) -> StoreResult<Applied> {
        self.apply(handling, move |tx, order, handling| {
            refund_succeeded(tx, order, handling, &provider_refund_id)
        })
        .await
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

impl ShopFile {
    /// Runs an effect once for each (consumer, event), in the transaction that remembers it.
    async fn apply<F>(&self, handling: Handling, effect: F) -> StoreResult<Applied>
    where
        F: FnOnce(&Connection, Order, &Handling) -> Result<Applied, DbError> + Send + 'static,
    {
        let job = move |tx: &Connection| {
            let Some(order) = load(tx, handling.event.order_id)? else {
                return Ok(Applied::NoSuchOrder);
            };
            if !remember(tx, &handling)? {
                return Ok(Applied::Duplicate);
            }
            effect(tx, order, &handling)
        };
        let applied = self.db.write(job).await?;
        self.events.notify_one();
        Ok(applied)
    }
}

fn payment_succeeded(
    tx: &Connection,
    mut order: Order,
    handling: &Handling,
    charge: &ChargeRecord,
) -> Result<Applied, DbError> {
    if matches!(
        order.payment,
        PaymentState::Charged | PaymentState::RefundDue | PaymentState::Refunded
    ) {
        return Ok(Applied::Obsolete(order));
    }
    execute(
        tx,
        "INSERT INTO payments (order_id, provider_charge_id, amount_minor, currency, charged_at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        (
            order.id.to_string(),
            &charge.provider_charge_id,
            charge.amount.amount.minor(),
            charge.amount.currency.code(),
            handling.now_ms,
        ),
    )?;
    if order.status != OrderStatus::Pending {
        return give_back_late_charge(tx, order, handling);
    }
    order.payment = PaymentState::Charged;
    finish(
        tx,
        order,
        handling,
        OrderStatus::Paid,
        None,
        EventKind::PaymentProcessed,
    )
}

/// The order was called off, or paid otherwise, while the provider was charging it.
fn give_back_late_charge(
    tx: &Connection,
    mut order: Order,
    handling: &Handling,
) -> Result<Applied, DbError> {
    order.payment = PaymentState::RefundDue;
    order.updated_at_ms = handling.now_ms;
    rows::update(tx, &order)?;
    emit(tx, EventKind::RefundRequested, &order, &handling.trace)?;
    Ok(Applied::Obsolete(order))
}

fn payment_failed(
    tx: &Connection,
    order: Order,
    handling: &Handling,
    reason: String,
) -> Result<Applied, DbError> {
    if order.status != OrderStatus::Pending {
        return Ok(Applied::Obsolete(order));
    }
    finish(
        tx,
        order,
        handling,
        OrderStatus::Failed,
        Some(reason),
        EventKind::PaymentFailed,
    )
}

fn reserve_stock(
    tx: &Connection,
    mut order: Order,
    handling: &Handling,
) -> Result<Applied, DbError> {
    if order.status != OrderStatus::Paid {
        return Ok(Applied::Obsolete(order));
    }
    if !rows::take_stock(tx, &order)?.is_empty() {
        let reason = Some(OUT_OF_STOCK_REASON.to_owned());
        return finish(
            tx,
            order,
            handling,
            OrderStatus::Failed,
            reason,
            EventKind::InventoryFailed,
        );
    }
    order.stock_held = true;
    finish(
        tx,
        order,
        handling,
        OrderStatus::Reserved,
        None,
        EventKind::InventoryReserved,
    )
}

fn finish(
    tx: &Connection,
    mut order: Order,
    handling: &Handling,
    status: OrderStatus,
    reason: Option<String>,
    event: EventKind,
) -> Result<Applied, DbError> {
    move_to(
        tx,
        &mut order,
        status,
        reason,
        &handling.trace,
        handling.now_ms,
    )?;
    emit(tx, event, &order, &handling.trace)?;
    Ok(Applied::Done(order))
}

fn release_stock(
    tx: &Connection,
    mut order: Order,
    handling: &Handling,
) -> Result<Applied, DbError> {
    let called_off = matches!(order.status, OrderStatus::Cancelled | OrderStatus::Failed);
    if !(called_off && order.stock_held) {
        return Ok(Applied::Obsolete(order));
    }
    rows::put_back_stock(tx, &order)?;
    order.stock_held = false;
    order.updated_at_ms = handling.now_ms;
    rows::update(tx, &order)?;
    Ok(Applied::Done(order))
}

fn refund_succeeded(
    tx: &Connection,
    mut order: Order,
    handling: &Handling,
    provider_refund_id: &str,
) -> Result<Applied, DbError> {
    if order.payment != PaymentState::RefundDue {
        return Ok(Applied::Obsolete(order));
    }
    execute(
        tx,
        "UPDATE payments SET provider_refund_id = ?2, refunded_at_ms = ?3 WHERE order_id = ?1",
        (order.id.to_string(), provider_refund_id, handling.now_ms),
    )?;
    order.payment = PaymentState::Refunded;
    order.updated_at_ms = handling.now_ms;
    rows::update(tx, &order)?;
    emit(tx, EventKind::PaymentRefunded, &order, &handling.trace)?;
    Ok(Applied::Done(order))
}

fn expire_unpaid(
    tx: &Connection,
    created_before_ms: i64,
    now_ms: i64,
    limit: u32,
) -> Result<Vec<Uuid>, DbError> {
    let ids = all(
        tx,
        "SELECT id FROM orders WHERE status = 'pending' AND payment_mode = 'intent'
             AND created_at_ms < ?1 ORDER BY created_at_ms LIMIT ?2",
        (created_before_ms, limit),
        |row| parsed::<Uuid>(row, "id"),
    )?;
    let nobody = EventTrace::default();
    for &id in &ids {
        if let Some(mut order) = load(tx, id)? {
            let reason = Some(EXPIRED_REASON.to_owned());
            move_to(
                tx,
                &mut order,
                OrderStatus::Cancelled,
                reason,
                &nobody,
                now_ms,
            )?;
            emit(tx, EventKind::OrderCancelled, &order, &nobody)?;
        }
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
