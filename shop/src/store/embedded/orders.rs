//! Orders in `shop.db`, as shoppers and administrators see them.

use std::collections::HashMap;

use async_trait::async_trait;
use rusqlite::Connection;
use uuid::Uuid;

use super::rows::{self, load};
use super::{ShopFile, all, find, products};
use crate::db::DbError;
use crate::event::{EventKind, EventTrace};
use crate::order::Order;
use crate::page::Page;
use crate::store::transitions::{self, Decision};
use crate::store::{
    Created, Idempotency, NewOrder, OrderDetails, OrderStore, StatusChange, StoreResult,
    TransitionResult,
};

#[async_trait]
impl OrderStore for ShopFile {
    async fn create(&self, order: NewOrder) -> StoreResult<Created> {
        let created = self.db.write(move |tx| create(tx, order)).await?;
        self.events.notify_one();
        Ok(created)
    }

    async fn get(&self, id: Uuid) -> StoreResult<Option<Order>> {
        Ok(self.db.read(move |tx| load(tx, id)).await?)
    }

    async fn list(
        &self,
        owner: String,
        before: Option<(i64, Uuid)>,
        limit: u32,
    ) -> StoreResult<Page<Order, (i64, Uuid)>> {
        let list = move |tx: &Connection| list(tx, &owner, before, limit);
        Ok(self.db.read(list).await?)
    }

    async fn change_status(&self, change: StatusChange) -> StoreResult<TransitionResult> {
        let moved = self.db.write(move |tx| change_status(tx, &change)).await?;
        self.events.notify_one();
        Ok(moved)
    }

    async fn change_details(
        &self,
        id: Uuid,
        details: OrderDetails,
        now_ms: i64,
    ) -> StoreResult<TransitionResult> {
        let change = move |tx: &Connection| change_details(tx, id, details, now_ms);
        Ok(self.db.write(change).await?)
    }
}

fn create(tx: &Connection, new: NewOrder) -> Result<Created, DbError> {
    if let Some(idempotency) = &new.idempotency
        && let Some(outcome) = earlier(tx, idempotency)?
    {
        return Ok(outcome);
    }
    let mut known = HashMap::new();
    for id in transitions::products_wanted(&new.items) {
        known.extend(products::product(tx, id)?.map(|product| (id, product)));
    }
    let idempotency = new.idempotency.clone();
    let trace = new.trace.clone();
    let order = match transitions::place(new, &known) {
        Ok(order) => order,
        Err(refused) => return Ok(refused),
    };
    rows::insert(tx, &order, idempotency.as_ref())?;
    rows::emit(tx, EventKind::OrderCreated, &order, &trace)?;
    Ok(Created::New(order))
}

/// What the same key made before, if it was used.
fn earlier(tx: &Connection, idempotency: &Idempotency) -> Result<Option<Created>, DbError> {
    let found = find(
        tx,
        "SELECT * FROM orders WHERE idempotency_scope = ?1 AND idempotency_key = ?2",
        (&idempotency.scope, &idempotency.key),
        |row| {
            let digest: String = row.get("request_digest")?;
            Ok((digest, rows::read_order(row)?))
        },
    )?;
    let Some((digest, order)) = found else {
        return Ok(None);
    };
    let order = rows::with_lines(tx, order)?;
    Ok(Some(transitions::replay(idempotency, &digest, order)))
}

fn list(
    tx: &Connection,
    owner: &str,
    before: Option<(i64, Uuid)>,
    limit: u32,
) -> Result<Page<Order, (i64, Uuid)>, DbError> {
    let (before_ms, before_id) = match before {
        Some((ms, id)) => (ms, id.to_string()),
        None => (i64::MAX, String::new()),
    };
    let found = all(
        tx,
        "SELECT * FROM orders WHERE owner = ?1 AND (created_at_ms, id) < (?2, ?3)
         ORDER BY created_at_ms DESC, id DESC LIMIT ?4",
        (owner, before_ms, before_id, i64::from(limit) + 1),
        rows::read_order,
    )?;
    let mut page = Page::cut(found, limit, |order| (order.created_at_ms, order.id));
    let with_lines = |order| rows::with_lines(tx, order);
    page.items = page
        .items
        .into_iter()
        .map(with_lines)
        .collect::<Result<_, _>>()?;
    Ok(page)
}

fn change_status(tx: &Connection, change: &StatusChange) -> Result<TransitionResult, DbError> {
    let Some(order) = load(tx, change.order_id)? else {
        return Ok(TransitionResult::NotFound);
    };
    let missing = if transitions::change_looks_at_stock(&order, change) {
        rows::missing(tx, &order)?
    } else {
        Vec::new()
    };
    let decided = transitions::change_status(order, change, &missing);
    carry_out(tx, decided, &change.trace, change.now_ms)
}

fn change_details(
    tx: &Connection,
    id: Uuid,
    details: OrderDetails,
    now_ms: i64,
) -> Result<TransitionResult, DbError> {
    let Some(order) = load(tx, id)? else {
        return Ok(TransitionResult::NotFound);
    };
    let decided = transitions::change_details(order, details, now_ms);
    carry_out(tx, decided, &EventTrace::default(), now_ms)
}

fn carry_out(
    tx: &Connection,
    decided: Result<Decision, TransitionResult>,
    trace: &EventTrace,
    now_ms: i64,
) -> Result<TransitionResult, DbError> {
    match decided {
        Ok(decision) => {
            rows::write(tx, &decision, trace, now_ms)?;
            Ok(TransitionResult::Done(decision.order))
        }
        Err(refused) => Ok(refused),
    }
}
