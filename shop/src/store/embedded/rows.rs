//! Orders and events as rows of `shop.db`: reading, writing, remembering. Used within transactions.

use rusqlite::{Connection, Row};
use uuid::Uuid;

use super::{all, execute, find, parsed};
use crate::db::DbError;
use crate::event::{EventKind, EventTrace};
use crate::money::{Amount, Money};
use crate::order::{Order, OrderLine, PaymentMode, ProductId};
use crate::store::transitions::{self, Booking, Decision, StockChange};
use crate::store::{ChargeRecord, Handling, Idempotency};

/// One order with its lines.
pub(super) fn load(tx: &Connection, id: Uuid) -> Result<Option<Order>, DbError> {
    let order = find(
        tx,
        "SELECT * FROM orders WHERE id = ?1",
        [id.to_string()],
        read_order,
    )?;
    order.map(|order| with_lines(tx, order)).transpose()
}

/// Adds the lines to an order that was read.
pub(super) fn with_lines(tx: &Connection, mut order: Order) -> Result<Order, DbError> {
    order.lines = all(
        tx,
        "SELECT * FROM order_lines WHERE order_id = ?1 ORDER BY position",
        [order.id.to_string()],
        |row| {
            Ok(OrderLine {
                product_id: row.get("product_id")?,
                name: row.get("name")?,
                quantity: row.get("quantity")?,
                unit_price: Amount::from_minor(row.get("unit_price_minor")?),
            })
        },
    )?;
    Ok(order)
}

/// An order without its lines.
pub(super) fn read_order(row: &Row<'_>) -> rusqlite::Result<Order> {
    let mode: String = row.get("payment_mode")?;
    Ok(Order {
        id: parsed(row, "id")?,
        owner: row.get("owner")?,
        customer_id: row.get("customer_id")?,
        email: row.get("email")?,
        shipping_address: row.get("shipping_address")?,
        cart_session_id: row.get("cart_session_id")?,
        lines: Vec::new(),
        total: Money::new(row.get("total_minor")?, parsed(row, "currency")?),
        status: parsed(row, "status")?,
        reason: row.get("reason")?,
        payment_mode: if mode == PaymentMode::Intent.as_str() {
            PaymentMode::Intent
        } else {
            PaymentMode::Automatic
        },
        payment: parsed(row, "payment_state")?,
        stock_held: row.get("stock_held")?,
        correlation_id: row.get("correlation_id")?,
        created_at_ms: row.get("created_at_ms")?,
        updated_at_ms: row.get("updated_at_ms")?,
    })
}

/// Writes a new order with its lines.
pub(super) fn insert(
    tx: &Connection,
    order: &Order,
    idempotency: Option<&Idempotency>,
) -> Result<(), DbError> {
    let id = order.id.to_string();
    execute(
        tx,
        "INSERT INTO orders (id, owner, customer_id, email, shipping_address, cart_session_id, total_minor,
             currency, status, reason, payment_mode, payment_state, stock_held, correlation_id,
             idempotency_scope, idempotency_key, request_digest, created_at_ms, updated_at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        rusqlite::params![
            id,
            order.owner,
            order.customer_id,
            order.email,
            order.shipping_address,
            order.cart_session_id,
            order.total.amount.minor(),
            order.total.currency.code(),
            order.status.as_str(),
            order.reason,
            order.payment_mode.as_str(),
            order.payment.as_str(),
            order.stock_held,
            order.correlation_id,
            idempotency.map(|idempotency| &idempotency.scope),
            idempotency.map(|idempotency| &idempotency.key),
            idempotency.map(|idempotency| &idempotency.request_digest),
            order.created_at_ms,
            order.updated_at_ms,
        ],
    )?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO order_lines (order_id, position, product_id, name, quantity, unit_price_minor)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (position, line) in order.lines.iter().enumerate() {
        insert.execute((
            &id,
            position,
            line.product_id,
            &line.name,
            line.quantity,
            line.unit_price.minor(),
        ))?;
    }
    Ok(())
}

/// Writes what was decided about an order: row, stock, money and events.
pub(super) fn write(
    tx: &Connection,
    decision: &Decision,
    trace: &EventTrace,
    now_ms: i64,
) -> Result<(), DbError> {
    let order = &decision.order;
    match &decision.booking {
        Some(Booking::Charge(charge)) => book_charge(tx, order.id, charge, now_ms)?,
        Some(Booking::Refund(refund_id)) => book_refund(tx, order.id, refund_id, now_ms)?,
        None => {}
    }
    match decision.stock_change {
        Some(StockChange::Take) => shift_stock(tx, order, -1)?,
        Some(StockChange::PutBack) => shift_stock(tx, order, 1)?,
        None => {}
    }
    if decision.changed {
        update(tx, order)?;
    }
    for kind in &decision.events {
        emit(tx, *kind, order, trace)?;
    }
    Ok(())
}

fn book_charge(
    tx: &Connection,
    order_id: Uuid,
    charge: &ChargeRecord,
    now_ms: i64,
) -> Result<(), DbError> {
    execute(
        tx,
        "INSERT INTO payments (order_id, provider_charge_id, amount_minor, currency, charged_at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        (
            order_id.to_string(),
            &charge.provider_charge_id,
            charge.amount.amount.minor(),
            charge.amount.currency.code(),
            now_ms,
        ),
    )?;
    Ok(())
}

fn book_refund(
    tx: &Connection,
    order_id: Uuid,
    refund_id: &str,
    now_ms: i64,
) -> Result<(), DbError> {
    execute(
        tx,
        "UPDATE payments SET provider_refund_id = ?2, refunded_at_ms = ?3 WHERE order_id = ?1",
        (order_id.to_string(), refund_id, now_ms),
    )?;
    Ok(())
}

fn update(tx: &Connection, order: &Order) -> Result<(), DbError> {
    execute(
        tx,
        "UPDATE orders SET email = ?2, shipping_address = ?3, status = ?4, reason = ?5,
             payment_state = ?6, stock_held = ?7, updated_at_ms = ?8
         WHERE id = ?1",
        (
            order.id.to_string(),
            &order.email,
            &order.shipping_address,
            order.status.as_str(),
            &order.reason,
            order.payment.as_str(),
            order.stock_held,
            order.updated_at_ms,
        ),
    )?;
    Ok(())
}

/// Puts an event about the order into the outbox.
pub(super) fn emit(
    tx: &Connection,
    kind: EventKind,
    order: &Order,
    trace: &EventTrace,
) -> Result<(), DbError> {
    let event = transitions::event_about(order, kind, trace, Uuid::now_v7());
    let body =
        serde_json::to_string(&event).map_err(|error| DbError::Corrupt(error.to_string()))?;
    execute(
        tx,
        "INSERT INTO outbox (event_id, body) VALUES (?1, ?2)",
        (event.event_id.to_string(), body),
    )?;
    Ok(())
}

/// Remembers that the consumer handled the event; false when it did before.
pub(super) fn remember(tx: &Connection, handling: &Handling) -> Result<bool, DbError> {
    let added = execute(
        tx,
        "INSERT INTO handled_events (consumer, event_id, handled_at_ms) VALUES (?1, ?2, ?3)
         ON CONFLICT DO NOTHING",
        (
            handling.consumer.as_str(),
            handling.event.event_id.to_string(),
            handling.now_ms,
        ),
    )?;
    Ok(added == 1)
}

/// Products of the order whose stock does not suffice. Within a write transaction nobody else can
/// change that until the commit.
pub(super) fn missing(tx: &Connection, order: &Order) -> Result<Vec<ProductId>, DbError> {
    let mut missing = Vec::new();
    for (id, quantity) in transitions::pieces_of(order) {
        let enough = find(
            tx,
            "SELECT 1 FROM products WHERE id = ?1 AND stock >= ?2",
            (id, quantity),
            |_| Ok(()),
        )?;
        if enough.is_none() {
            missing.push(id);
        }
    }
    Ok(missing)
}

fn shift_stock(tx: &Connection, order: &Order, direction: i64) -> Result<(), DbError> {
    for (id, quantity) in transitions::pieces_of(order) {
        execute(
            tx,
            "UPDATE products SET stock = stock + ?2 WHERE id = ?1",
            (id, direction * i64::from(quantity)),
        )?;
    }
    Ok(())
}
