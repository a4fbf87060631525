//! The books of the shop over HTTP, for auditors: orders with their money, stock with its sales, the state of the pipeline.
//!
//! Reading only, and never to shoppers.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::caller::Auditor;
use crate::clock::{now_ms, rfc3339};
use crate::context::AppState;
use crate::error::ApiError;
use crate::extract::Query;
use crate::money::{Amount, Currency};
use crate::order::{OrderStatus, PRODUCT_ID_MAX, PaymentMode, ProductId};
use crate::queue::{Depth, Queue, QueueError, Topic};
use crate::store::{LedgerEntry, LedgerStock};
use crate::validate::Problems;
use crate::warning::RepeatedWarning;

const ORDERS_MAX: u32 = 500;
const ORDERS_DEFAULT: u32 = 100;
/// A row of stock is some forty bytes, so that the usual catalogue is one page.
const STOCK_MAX: u32 = 10_000;
const STOCK_DEFAULT: u32 = 1_000;
/// Undecided intents are counted up to here.
const UNDECIDED_MAX: u32 = 1_000;
/// Bytes of a key's digest that are shown: enough to tell keys apart, useless to guess them.
const KEY_DIGEST_BYTES: usize = 16;

/// The routes of the books.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(orders))
        .routes(routes!(stock))
        .routes(routes!(pipeline))
}

/// A page of the orders' book.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BookedOrderPage {
    /// The orders, by id.
    orders: Vec<BookedOrder>,
    /// Send it as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<Uuid>,
}

/// One order with what the shop wrote down about its money.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BookedOrder {
    /// Its id.
    id: Uuid,
    /// Where it stands.
    status: OrderStatus,
    /// Why it was cancelled or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What it costs.
    total: Amount,
    /// In which currency.
    currency: Currency,
    /// Who moves the money.
    payment: PaymentMode,
    /// What became of the money: `none`, `charged`, `refund_due`, `refunded` or `external`.
    payment_status: &'static str,
    /// The provider's name for the charge.
    #[serde(skip_serializing_if = "Option::is_none")]
    charge_id: Option<String>,
    /// What was charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    charged: Option<Amount>,
    /// The provider's name for the refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    refund_id: Option<String>,
    /// Whether its pieces are taken from the shelf.
    stock_held: bool,
    /// What was ordered.
    items: Vec<BookedLine>,
    /// First half of the SHA-256 of the idempotency key it was made under, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_digest: Option<String>,
    /// When it was made.
    created_at: String,
}

/// One line of a booked order.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BookedLine {
    /// Which product; absent for free-text items.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    product_id: Option<ProductId>,
    /// How many.
    quantity: u32,
}

impl From<LedgerEntry> for BookedOrder {
    fn from(entry: LedgerEntry) -> Self {
        let LedgerEntry { order, payment, .. } = entry;
        BookedOrder {
            id: order.id,
            status: order.status,
            reason: order.reason,
            total: order.total.amount,
            currency: order.total.currency,
            payment: order.payment_mode,
            payment_status: order.payment.as_str(),
            charged: payment.as_ref().map(|payment| payment.amount.amount),
            charge_id: payment.as_ref().map(|payment| payment.charge_id.clone()),
            refund_id: payment.and_then(|payment| payment.refund_id),
            stock_held: order.stock_held,
            items: order
                .lines
                .iter()
                .map(|line| BookedLine {
                    product_id: line.product_id,
                    quantity: line.quantity,
                })
                .collect(),
            key_digest: entry.idempotency_key.as_deref().map(key_digest),
            created_at: rfc3339(order.created_at_ms),
        }
    }
}

/// Names a key without showing it: a guest's key opens the way to the guest's order.
fn key_digest(key: &str) -> String {
    telemetry::text::hex(&Sha256::digest(key)[..KEY_DIGEST_BYTES])
}

/// Which orders.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OrdersQuery {
    /// Only orders with greater ids; ids begin with the time of the order (UUID version 7).
    after: Option<Uuid>,
    /// Orders on a page.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
}

/// All orders by id, with their money and stock. For auditors.
#[utoipa::path(get, path = "/api/admin/orders", params(OrdersQuery), security(("bearer" = [])), responses(
    (status = 200, body = BookedOrderPage),
))]
async fn orders(
    State(state): State<AppState>,
    Auditor: Auditor,
    Query(query): Query<OrdersQuery>,
) -> Result<JsonAnswer<BookedOrderPage>, ApiError> {
    let limit = limit(query.limit, ORDERS_DEFAULT, ORDERS_MAX)?;
    let ledger = &state.context.stores.ledger;
    let page = ledger.entries(query.after, limit).await?;
    Ok(JsonAnswer(BookedOrderPage {
        orders: page.items.into_iter().map(BookedOrder::from).collect(),
        next_after: page.next,
    }))
}

/// A page of the stock's book.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BookedStockPage {
    /// The products, by number.
    stock: Vec<BookedStock>,
    /// Send it as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    next_after: Option<ProductId>,
}

/// One product's pieces. Unless somebody sets the stock, `onShelf + sold` stays the same for ever.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BookedStock {
    /// Which product.
    #[schema(value_type = i64)]
    product_id: ProductId,
    /// Pieces on the shelf.
    on_shelf: i64,
    /// Pieces of all orders that hold stock.
    sold: i64,
}

impl From<LedgerStock> for BookedStock {
    fn from(stock: LedgerStock) -> Self {
        BookedStock {
            product_id: stock.product_id,
            on_shelf: stock.on_shelf,
            sold: stock.sold,
        }
    }
}

/// Which products.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct StockQuery {
    /// Only products with greater numbers.
    #[param(minimum = 0, maximum = 1_000_000_000, value_type = Option<i64>)]
    after: Option<ProductId>,
    /// Products on a page.
    #[param(minimum = 1, maximum = 10_000, default = 1_000)]
    limit: Option<u32>,
}

/// All products by number: pieces on the shelf, pieces sold. For auditors.
#[utoipa::path(get, path = "/api/admin/stock", params(StockQuery), security(("bearer" = [])), responses(
    (status = 200, body = BookedStockPage),
))]
async fn stock(
    State(state): State<AppState>,
    Auditor: Auditor,
    Query(query): Query<StockQuery>,
) -> Result<JsonAnswer<BookedStockPage>, ApiError> {
    let limit = limit(query.limit, STOCK_DEFAULT, STOCK_MAX)?;
    let after = query.after.unwrap_or(0);
    Problems::new()
        .check(
            (0..=PRODUCT_ID_MAX).contains(&after),
            format!("`after` must be 0 to {PRODUCT_ID_MAX}"),
        )
        .finish()?;
    let page = state.context.stores.ledger.stock(after, limit).await?;
    Ok(JsonAnswer(BookedStockPage {
        stock: page.items.into_iter().map(BookedStock::from).collect(),
        next_after: page.next,
    }))
}

fn limit(given: Option<u32>, default: u32, max: u32) -> Result<u32, ApiError> {
    let limit = given.unwrap_or(default);
    Problems::new()
        .check(
            (1..=max).contains(&limit),
            format!("`limit` must be 1 to {max}"),
        )
        .finish()?;
    Ok(limit)
}

/// What is under way between an order and its end.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PipelineState {
    /// The shop's clock, in milliseconds since 1970.
    now_ms: i64,
    /// Events that wait in the outbox.
    outbox: u64,
    /// Payment intents whose confirmation has begun and not ended; what a crash cut off is decided by a sweep.
    undecided_intents: u64,
    /// Each queue with its dead letters.
    queues: Vec<QueueState>,
}

/// One queue. On SQS the figures are approximate and may be some seconds old.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct QueueState {
    /// Its name.
    queue: &'static str,
    /// Messages that could be received now.
    visible: u64,
    /// Messages in the hands of a consumer.
    in_flight: u64,
    /// Messages that were sent with a delay.
    delayed: u64,
    /// Seconds since the oldest one was sent.
    oldest_age_s: u64,
    /// Messages that no consumer could handle.
    dead_letters: u64,
}

impl QueueState {
    fn of(topic: Topic, depth: &Depth, dead: &Depth) -> Self {
        QueueState {
            queue: topic.queue().name(),
            visible: depth.visible,
            in_flight: depth.in_flight,
            delayed: depth.delayed,
            oldest_age_s: depth.oldest_age.as_secs(),
            dead_letters: dead.total(),
        }
    }
}

/// Outbox, queues and dead letters: all zero when the pipeline is idle. For auditors.
#[utoipa::path(get, path = "/api/admin/pipeline", security(("bearer" = [])), responses(
    (status = 200, body = PipelineState),
))]
async fn pipeline(
    State(state): State<AppState>,
    Auditor: Auditor,
) -> Result<JsonAnswer<PipelineState>, ApiError> {
    // In the direction of the flow: what moves on meanwhile is seen twice rather than not at all.
    let stores = &state.context.stores;
    let undecided = stores
        .intents
        .processing_since(now_ms() + 1, UNDECIDED_MAX)
        .await?;
    let outbox = stores.ledger.outbox_len().await?;
    let queues = queue_states(&*state.context.resources.queue)
        .await
        .map_err(|error| {
            static TROUBLE: RepeatedWarning = RepeatedWarning::new();
            TROUBLE.failed(|suppressed| {
                tracing::warn!(%error, suppressed, "the queues cannot be looked at");
            });
            ApiError::unavailable("the queue does not answer; try again shortly")
        })?;
    Ok(JsonAnswer(PipelineState {
        now_ms: now_ms(),
        outbox,
        undecided_intents: undecided.len() as u64,
        queues,
    }))
}

async fn queue_states(queue: &dyn Queue) -> Result<Vec<QueueState>, QueueError> {
    let mut states = Vec::with_capacity(Topic::ALL.len());
    for topic in Topic::ALL {
        let depth = queue.depth(topic.queue()).await?;
        let dead = queue.depth(topic.dead_letters()).await?;
        states.push(QueueState::of(topic, &depth, &dead));
    }
    Ok(states)
}
