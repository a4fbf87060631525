//! Orders in PostgreSQL, as shoppers and administrators see them.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::Row;
use uuid::Uuid;

use super::id::Id;
use super::link::Link;
use super::rows::{self, order_columns};
use super::{Postgres, Sql, products};
use crate::event::{EventKind, EventTrace};
use crate::order::Order;
use crate::page::Page;
use crate::store::transitions::{self, Decision};
use crate::store::{
    Created, Idempotency, NewOrder, OrderDetails, OrderStore, StatusChange, StoreResult,
    TransitionResult,
};

#[async_trait]
impl OrderStore for Postgres {
    async fn create(&self, order: NewOrder) -> StoreResult<Created> {
        let created = self
            .write(order, |tx, order| Box::pin(create(tx, order)))
            .await?;
        self.events.notify_one();
        Ok(created)
    }

    async fn get(&self, id: Uuid) -> StoreResult<Option<Order>> {
        let sql = concat!(
            "SELECT ",
            order_columns!(),
            " FROM orders o WHERE o.id = $1"
        );
        self.read(Id(id), move |connection, id| {
            Box::pin(async move {
                let row = sqlx::query(sql).bind(id).fetch_optional(connection).await?;
                row.as_ref().map(rows::read_order).transpose()
            })
        })
        .await
    }

    async fn list(
        &self,
        owner: String,
        before: Option<(i64, Uuid)>,
        limit: u32,
    ) -> StoreResult<Page<Order, (i64, Uuid)>> {
        let sql = concat!(
            "SELECT ",
            order_columns!(),
            " FROM orders o
             WHERE o.owner = $1 AND (o.created_at_ms, o.id) < ($2, $3)
             ORDER BY o.created_at_ms DESC, o.id DESC LIMIT $4"
        );
        let (before_ms, before_id) = before.unwrap_or((i64::MAX, Uuid::max()));
        let arguments = (owner, before_ms, Id(before_id), i64::from(limit) + 1);
        self.read(
            arguments,
            move |connection, (owner, before_ms, before_id, count)| {
                Box::pin(async move {
                    let rows = sqlx::query(sql)
                        .bind(owner)
                        .bind(before_ms)
                        .bind(before_id)
                        .bind(count)
                        .fetch_all(connection)
                        .await?;
                    let orders: Vec<Order> = rows
                        .iter()
                        .map(rows::read_order)
                        .collect::<Result<_, _>>()?;
                    Ok(Page::cut(orders, limit, |order| {
                        (order.created_at_ms, order.id)
                    }))
                })
            },
        )
        .await
    }

    async fn change_status(&self, change: StatusChange) -> StoreResult<TransitionResult> {
        let moved = self
            .write(change, |tx, change| Box::pin(change_status(tx, change)))
            .await?;
        self.events.notify_one();
        Ok(moved)
    }

    async fn change_details(
        &self,
        id: Uuid,
        details: OrderDetails,
        now_ms: i64,
    ) -> StoreResult<TransitionResult> {
        self.write((id, details, now_ms), move |tx, (id, details, now_ms)| {
            Box::pin(async move {
                let Some(order) = rows::hold(tx, *id).await? else {
                    return Ok(TransitionResult::NotFound);
                };
                let decided = transitions::change_details(order, details.clone(), *now_ms);
                carry_out(tx, decided, &EventTrace::default()).await
            })
        })
        .await
    }
}

/// Two statements when all goes well: prices are read, then everything is written at once. Only when that is
/// not possible does it matter whether the key was used before.
async fn create(tx: &mut Link, new: &NewOrder) -> Sql<Created> {
    let wanted = transitions::products_wanted(&new.items);
    let known = if wanted.is_empty() {
        HashMap::new()
    } else {
        products::by_ids(tx, wanted).await?
    };
    let idempotency = new.idempotency.as_ref();
    let refused = match transitions::place(new.clone(), &known) {
        Ok(order) => {
            let event = transitions::event_about(
                &order,
                EventKind::OrderCreated,
                &new.trace,
                Uuid::now_v7(),
            );
            if rows::insert(tx, &order, idempotency, &event).await? {
                return Ok(Created::New(order));
            }
            None
        }
        Err(refused) => Some(refused),
    };
    let earlier = match idempotency {
        Some(idempotency) => earlier(tx, idempotency).await?,
        None => None,
    };
    // The key's order was there a moment ago, and orders are never removed.
    earlier.or(refused).ok_or(sqlx::Error::RowNotFound)
}

async fn change_status(tx: &mut Link, change: &StatusChange) -> Sql<TransitionResult> {
    let Some(order) = rows::hold(tx, change.order_id).await? else {
        return Ok(TransitionResult::NotFound);
    };
    let missing = if transitions::change_looks_at_stock(&order, change) {
        rows::hold_shelf(tx, &order).await?
    } else {
        Vec::new()
    };
    let decided = transitions::change_status(order, change, &missing);
    carry_out(tx, decided, &change.trace).await
}

/// What the same key made before, if it was used.
async fn earlier(connection: &mut Link, asked: &Idempotency) -> Sql<Option<Created>> {
    let sql = concat!(
        "SELECT ",
        order_columns!(),
        " FROM orders o
         WHERE o.idempotency_scope = $1 AND o.idempotency_key = $2"
    );
    let row = sqlx::query(sql)
        .bind(&asked.scope)
        .bind(&asked.key)
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        let digest: &str = row.try_get("request_digest")?;
        Ok(transitions::replay(asked, digest, rows::read_order(&row)?))
    })
    .transpose()
}

async fn carry_out(
    tx: &mut Link,
    decided: Result<Decision, TransitionResult>,
    trace: &EventTrace,
) -> Sql<TransitionResult> {
    match decided {
        Ok(decision) => {
            rows::write(tx, &decision, trace).await?;
            Ok(TransitionResult::Done(decision.order))
        }
        Err(refused) => Ok(refused),
    }
}
