//! Orders and events as rows of PostgreSQL: reading, holding, writing. Used within transactions.

use std::collections::HashMap;

use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::id::Id;
use super::link::Link;
use super::{Sql, damaged, u32_of};
use crate::event::{Event, EventTrace};
use crate::money::{Amount, Money};
use crate::order::{Order, OrderLine, PaymentMode, ProductId};
use crate::store::transitions::{self, Booking, Decision, StockChange};
use crate::store::{ChargeRecord, Handling, Idempotency};

/// The lines of the order in row `o`, in one column.
macro_rules! order_columns {
    () => {
        "o.*, (SELECT coalesce(json_agg(json_build_array(
                   l.product_id, l.name, l.quantity, l.unit_price_minor) ORDER BY l.position), '[]'::json)::text
               FROM order_lines l WHERE l.order_id = o.id) AS lines"
    };
}
pub(super) use order_columns;

/// One line as it stands in the column `lines`.
type LineColumns = (Option<ProductId>, String, u32, i64);

/// An order with its lines, out of [`order_columns`].
pub(super) fn read_order(row: &PgRow) -> Sql<Order> {
    let mode: &str = row.try_get("payment_mode")?;
    Ok(Order {
        id: row.try_get::<Id, _>("id")?.0,
        owner: row.try_get("owner")?,
        customer_id: row.try_get("customer_id")?,
        email: row.try_get("email")?,
        shipping_address: row.try_get("shipping_address")?,
        cart_session_id: row.try_get("cart_session_id")?,
        lines: read_lines(row.try_get("lines")?)?,
        total: read_money(row, "total_minor", "currency")?,
        status: row.try_get::<&str, _>("status")?.parse().map_err(damaged)?,
        reason: row.try_get("reason")?,
        payment_mode: if mode == PaymentMode::Intent.as_str() {
            PaymentMode::Intent
        } else {
            PaymentMode::Automatic
        },
        payment: row
            .try_get::<&str, _>("payment_state")?
            .parse()
            .map_err(damaged)?,
        stock_held: row.try_get("stock_held")?,
        correlation_id: row.try_get("correlation_id")?,
        created_at_ms: row.try_get("created_at_ms")?,
        updated_at_ms: row.try_get("updated_at_ms")?,
    })
}

fn read_lines(json: &str) -> Sql<Vec<OrderLine>> {
    let lines: Vec<LineColumns> = serde_json::from_str(json).map_err(damaged)?;
    let line = |(product_id, name, quantity, unit_price)| OrderLine {
        product_id,
        name,
        quantity,
        unit_price: Amount::from_minor(unit_price),
    };
    Ok(lines.into_iter().map(line).collect())
}

/// Money out of two columns.
pub(super) fn read_money(row: &PgRow, amount: &str, currency: &str) -> Sql<Money> {
    let code: &str = row.try_get(currency)?;
    Ok(Money::new(
        row.try_get(amount)?,
        code.parse().map_err(damaged)?,
    ))
}

/// One order, held until the transaction ends.
pub(super) async fn hold(tx: &mut Link, id: Uuid) -> Sql<Option<Order>> {
    let sql = concat!(
        "SELECT ",
        order_columns!(),
        " FROM orders o WHERE o.id = $1 FOR NO KEY UPDATE OF o"
    );
    let row = sqlx::query(sql).bind(Id(id)).fetch_optional(tx).await?;
    row.as_ref().map(read_order).transpose()
}

/// The order of an event, held until the transaction ends, and whether the event is new to the consumer,
/// who remembers it from now on. The order is held first, so that one event is never handled twice at once.
pub(super) async fn hold_and_remember(
    tx: &mut Link,
    handling: &Handling,
) -> Sql<Option<(Order, bool)>> {
    let sql = concat!(
        "WITH held AS MATERIALIZED (SELECT * FROM orders WHERE id = $1 FOR NO KEY UPDATE),
         remembered AS (
             INSERT INTO handled_events (consumer, event_id, handled_at_ms)
             SELECT $2, $3, $4 FROM held ON CONFLICT DO NOTHING RETURNING 1)
         SELECT ",
        order_columns!(),
        ", EXISTS (SELECT FROM remembered) AS is_new FROM held o"
    );
    let row = sqlx::query(sql)
        .bind(Id(handling.event.order_id))
        .bind(handling.consumer.as_str())
        .bind(Id(handling.event.event_id))
        .bind(handling.now_ms)
        .fetch_optional(tx)
        .await?;
    row.map(|row| Ok((read_order(&row)?, row.try_get("is_new")?)))
        .transpose()
}

/// Holds the stock of the order's products until the transaction ends, by rising id, so that two orders
/// never wait for each other. Returns the products that do not suffice.
pub(super) async fn hold_shelf(tx: &mut Link, order: &Order) -> Sql<Vec<ProductId>> {
    let pieces = transitions::pieces_of(order);
    let ids: Vec<ProductId> = pieces.iter().map(|(id, _)| *id).collect();
    let rows: Vec<(ProductId, i64)> = sqlx::query_as(
        "SELECT id, stock FROM products WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
    )
    .bind(ids)
    .fetch_all(tx)
    .await?;
    let stock: HashMap<ProductId, i64> = rows.into_iter().collect();
    let suffices = |id, quantity| {
        stock
            .get(id)
            .is_some_and(|stock| *stock >= i64::from(quantity))
    };
    Ok(pieces
        .iter()
        .filter(|(id, quantity)| !suffices(id, *quantity))
        .map(|(id, _)| *id)
        .collect())
}

/// The statement that writes a decision: the order's row, what else is decided, and the events.
macro_rules! move_statement {
    ($more:literal) => {
        concat!(
            "WITH moved AS (
                 UPDATE orders SET email = $2, shipping_address = $3, status = $4, reason = $5,
                     payment_state = $6, stock_held = $7, updated_at_ms = $8
                 WHERE id = $1)",
            $more,
            " INSERT INTO outbox (event_id, body) SELECT * FROM unnest($9::uuid[], $10::text[])"
        )
    };
}

const MOVE: &str = move_statement!("");
const MOVE_AND_SHELF: &str = move_statement!(
    ", shelf AS (
         UPDATE products SET stock = products.stock + piece.quantity
         FROM unnest($11::bigint[], $12::bigint[]) AS piece (id, quantity) WHERE products.id = piece.id)"
);
const MOVE_AND_CHARGE: &str = move_statement!(
    ", booked AS (
         INSERT INTO payments (order_id, provider_charge_id, amount_minor, currency, charged_at_ms)
         VALUES ($1, $11, $12, $13, $8))"
);
const MOVE_AND_REFUND: &str = move_statement!(
    ", booked AS (
         UPDATE payments SET provider_refund_id = $11, refunded_at_ms = $8 WHERE order_id = $1)"
);

type Arguments<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// Writes what was decided about an order: row, stock, money and events, in one statement.
pub(super) async fn write(tx: &mut Link, decision: &Decision, trace: &EventTrace) -> Sql<()> {
    if !decision.changed {
        return Ok(());
    }
    let order = &decision.order;
    let statement = match (&decision.booking, decision.stock_change) {
        (Some(Booking::Charge(charge)), _) => {
            bind_charge(bind_move(MOVE_AND_CHARGE, decision, trace)?, charge)
        }
        (Some(Booking::Refund(id)), _) => bind_move(MOVE_AND_REFUND, decision, trace)?.bind(id),
        (None, Some(StockChange::Take)) => {
            bind_pieces(bind_move(MOVE_AND_SHELF, decision, trace)?, order, -1)
        }
        (None, Some(StockChange::PutBack)) => {
            hold_shelf(tx, order).await?;
            bind_pieces(bind_move(MOVE_AND_SHELF, decision, trace)?, order, 1)
        }
        (None, None) => bind_move(MOVE, decision, trace)?,
    };
    statement.execute(tx).await?;
    Ok(())
}

fn bind_move<'q>(sql: &'q str, decision: &'q Decision, trace: &EventTrace) -> Sql<Arguments<'q>> {
    let order = &decision.order;
    let events = decision.events.iter();
    let events: Vec<Event> = events
        .map(|kind| transitions::event_about(order, *kind, trace, Uuid::now_v7()))
        .collect();
    let ids: Vec<Id> = events.iter().map(|event| Id(event.event_id)).collect();
    let bodies = events.iter().map(serde_json::to_string);
    let bodies: Vec<String> = bodies.collect::<Result<_, _>>().map_err(damaged)?;
    Ok(sqlx::query(sql)
        .bind(Id(order.id))
        .bind(&order.email)
        .bind(&order.shipping_address)
        .bind(order.status.as_str())
        .bind(&order.reason)
        .bind(order.payment.as_str())
        .bind(order.stock_held)
        .bind(order.updated_at_ms)
        .bind(ids)
        .bind(bodies))
}

fn bind_charge<'q>(statement: Arguments<'q>, charge: &'q ChargeRecord) -> Arguments<'q> {
    statement
        .bind(&charge.provider_charge_id)
        .bind(charge.amount.amount.minor())
        .bind(charge.amount.currency.code())
}

fn bind_pieces<'q>(statement: Arguments<'q>, order: &Order, direction: i64) -> Arguments<'q> {
    let pieces = transitions::pieces_of(order).into_iter();
    let (ids, shifts): (Vec<i64>, Vec<i64>) = pieces
        .map(|(id, quantity)| (id, direction * i64::from(quantity)))
        .unzip();
    statement.bind(ids).bind(shifts)
}

/// Nothing is made when the key is taken; a racing request with the same key is waited for.
const INSERT: &str = "
    WITH made AS (
        INSERT INTO orders (id, owner, customer_id, email, shipping_address, cart_session_id, total_minor,
            currency, status, reason, payment_mode, payment_state, stock_held, correlation_id,
            idempotency_scope, idempotency_key, request_digest, created_at_ms, updated_at_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
        ON CONFLICT (idempotency_scope, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
        RETURNING id),
    lines AS (
        INSERT INTO order_lines (order_id, position, product_id, name, quantity, unit_price_minor)
        SELECT made.id, line.number - 1, line.product_id, line.name, line.quantity, line.unit_price_minor
        FROM made, unnest($20::bigint[], $21::text[], $22::bigint[], $23::bigint[])
            WITH ORDINALITY AS line (product_id, name, quantity, unit_price_minor, number)),
    announced AS (
        INSERT INTO outbox (event_id, body) SELECT $24, $25 FROM made)
    SELECT count(*) FROM made";

/// Writes a new order with its lines and its event in one statement, which is a transaction of its own;
/// false when its key was used before.
pub(super) async fn insert(
    connection: &mut Link,
    order: &Order,
    idempotency: Option<&Idempotency>,
    event: &Event,
) -> Sql<bool> {
    let lines = &order.lines;
    let made: i64 = sqlx::query_scalar(INSERT)
        .bind(Id(order.id))
        .bind(&order.owner)
        .bind(&order.customer_id)
        .bind(&order.email)
        .bind(&order.shipping_address)
        .bind(&order.cart_session_id)
        .bind(order.total.amount.minor())
        .bind(order.total.currency.code())
        .bind(order.status.as_str())
        .bind(&order.reason)
        .bind(order.payment_mode.as_str())
        .bind(order.payment.as_str())
        .bind(order.stock_held)
        .bind(&order.correlation_id)
        .bind(idempotency.map(|idempotency| &idempotency.scope))
        .bind(idempotency.map(|idempotency| &idempotency.key))
        .bind(idempotency.map(|idempotency| &idempotency.request_digest))
        .bind(order.created_at_ms)
        .bind(order.updated_at_ms)
        .bind(lines.iter().map(|line| line.product_id).collect::<Vec<_>>())
        .bind(
            lines
                .iter()
                .map(|line| line.name.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(
            lines
                .iter()
                .map(|line| i64::from(line.quantity))
                .collect::<Vec<_>>(),
        )
        .bind(
            lines
                .iter()
                .map(|line| line.unit_price.minor())
                .collect::<Vec<_>>(),
        )
        .bind(Id(event.event_id))
        .bind(serde_json::to_string(event).map_err(damaged)?)
        .fetch_one(connection)
        .await?;
    Ok(made == 1)
}

/// A whole number that must fit.
pub(super) fn read_u32(row: &PgRow, column: &str) -> Sql<u32> {
    u32_of(row.try_get(column)?)
}
