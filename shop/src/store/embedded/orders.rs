//! Orders in `shop.db`, as shoppers and administrators see them.

use async_trait::async_trait;
use rusqlite::Connection;
use uuid::Uuid;

use super::rows::{self, emit, load, move_to};
use super::{ShopFile, all, find, parsed, products};
use crate::db::DbError;
use crate::event::EventKind;
use crate::money::{Amount, Currency, Money};
use crate::order::{Order, OrderLine, OrderStatus, PaymentState, ProductId};
use crate::store::{
    Created, Idempotency, Moved, NewItems, NewOrder, OrderDetails, OrderStore, Page, StatusChange,
    StoreResult,
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

    async fn change_status(&self, change: StatusChange) -> StoreResult<Moved> {
        let moved = self.db.write(move |tx| change_status(tx, change)).await?;
        self.events.notify_one();
        Ok(moved)
    }

    async fn change_details(
        &self,
        id: Uuid,
        details: OrderDetails,
        now_ms: i64,
    ) -> StoreResult<Moved> {
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
    let priced = match &new.items {
        NewItems::Plain(lines, total) => Ok((lines.clone(), *total)),
        NewItems::Catalogue(items) => price(tx, items, new.currency)?,
    };
    let (lines, total) = match priced {
        Ok(priced) => priced,
        Err(refused) => return Ok(refused),
    };
    let idempotency = new.idempotency.clone();
    let trace = new.trace.clone();
    let order = pending(new, lines, total);
    rows::insert(tx, &order, idempotency.as_ref())?;
    emit(tx, EventKind::OrderCreated, &order, &trace)?;
    Ok(Created::New(order))
}

fn pending(new: NewOrder, lines: Vec<OrderLine>, total: Money) -> Order {
    Order {
        id: new.id,
        owner: new.owner,
        customer_id: new.customer_id,
        email: new.email,
        shipping_address: new.shipping_address,
        cart_session_id: new.cart_session_id,
        lines,
        total,
        status: OrderStatus::Pending,
        reason: None,
        payment_mode: new.payment_mode,
        payment: PaymentState::None,
        stock_held: false,
        correlation_id: new.correlation_id,
        created_at_ms: new.now_ms,
        updated_at_ms: new.now_ms,
    }
}

/// What the same key made before, if it was used.
fn earlier(tx: &Connection, idempotency: &Idempotency) -> Result<Option<Created>, DbError> {
    let found = find(
        tx,
        "SELECT id, request_digest FROM orders WHERE idempotency_scope = ?1 AND idempotency_key = ?2",
        (&idempotency.scope, &idempotency.key),
        |row| {
            Ok((
                parsed::<Uuid>(row, "id")?,
                row.get::<_, String>("request_digest")?,
            ))
        },
    )?;
    match found {
        None => Ok(None),
        Some((_, digest)) if digest != idempotency.request_digest => Ok(Some(Created::KeyReused)),
        Some((id, _)) => Ok(load(tx, id)?.map(Created::Replayed)),
    }
}

type Priced = Result<(Vec<OrderLine>, Money), Created>;

/// Lines at the prices of now, or why they cannot be ordered.
fn price(
    tx: &Connection,
    items: &[(ProductId, u32)],
    currency: Option<Currency>,
) -> Result<Priced, DbError> {
    let mut lines = Vec::with_capacity(items.len());
    let (mut unknown, mut short) = (Vec::new(), Vec::new());
    let mut total = Some(Amount::ZERO);
    let mut expected = currency;
    for &(id, quantity) in items {
        let Some(product) = products::product(tx, id)? else {
            unknown.push(id);
            continue;
        };
        if *expected.get_or_insert(product.price.currency) != product.price.currency {
            return Ok(Err(Created::CurrencyMismatch(product.price.currency)));
        }
        if product.stock < quantity {
            short.push(id);
        }
        let cost = product.price.amount.times(quantity);
        total = total.zip(cost).and_then(|(total, cost)| total.plus(cost));
        lines.push(OrderLine {
            product_id: Some(id),
            name: product.name,
            quantity,
            unit_price: product.price.amount,
        });
    }
    if !unknown.is_empty() {
        return Ok(Err(Created::UnknownProducts(unknown)));
    }
    if !short.is_empty() {
        return Ok(Err(Created::OutOfStock(short)));
    }
    Ok(match total {
        None => Err(Created::TotalTooLarge),
        Some(amount) => Ok((
            lines,
            Money {
                amount,
                currency: expected.unwrap_or_default(),
            },
        )),
    })
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
    let mut found = all(
        tx,
        "SELECT * FROM orders WHERE owner = ?1 AND (created_at_ms, id) < (?2, ?3)
         ORDER BY created_at_ms DESC, id DESC LIMIT ?4",
        (owner, before_ms, before_id, i64::from(limit) + 1),
        rows::read_order,
    )?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let items: Vec<Order> = found
        .into_iter()
        .map(|order| rows::with_lines(tx, order))
        .collect::<Result<_, _>>()?;
    let next = items
        .last()
        .filter(|_| more)
        .map(|order| (order.created_at_ms, order.id));
    Ok(Page { items, next })
}

fn change_status(tx: &Connection, change: StatusChange) -> Result<Moved, DbError> {
    let Some(mut order) = load(tx, change.order_id)? else {
        return Ok(Moved::NotFound);
    };
    if !order.status.may_become(change.to) {
        return Ok(Moved::Illegal(order.status));
    }
    match change.to {
        OrderStatus::Paid => order.payment = PaymentState::External,
        OrderStatus::Reserved => {
            let missing = rows::take_stock(tx, &order)?;
            if !missing.is_empty() {
                return Ok(Moved::OutOfStock(missing));
            }
            order.stock_held = true;
        }
        _ => {}
    }
    move_to(
        tx,
        &mut order,
        change.to,
        change.reason,
        &change.trace,
        change.now_ms,
    )?;
    if let Some(kind) = event_of_move(change.to) {
        emit(tx, kind, &order, &change.trace)?;
    }
    Ok(Moved::Done(order))
}

fn event_of_move(to: OrderStatus) -> Option<EventKind> {
    match to {
        OrderStatus::Paid => Some(EventKind::PaymentProcessed),
        OrderStatus::Reserved => Some(EventKind::InventoryReserved),
        OrderStatus::Shipped => Some(EventKind::OrderShipped),
        OrderStatus::Cancelled | OrderStatus::Failed => Some(EventKind::OrderCancelled),
        OrderStatus::Pending | OrderStatus::Delivered => None,
    }
}

fn change_details(
    tx: &Connection,
    id: Uuid,
    details: OrderDetails,
    now_ms: i64,
) -> Result<Moved, DbError> {
    let Some(mut order) = load(tx, id)? else {
        return Ok(Moved::NotFound);
    };
    if order.status != OrderStatus::Pending {
        return Ok(Moved::Illegal(order.status));
    }
    order.email = details.email.or(order.email);
    order.shipping_address = details.shipping_address.or(order.shipping_address);
    order.updated_at_ms = now_ms;
    rows::update(tx, &order)?;
    Ok(Moved::Done(order))
}
