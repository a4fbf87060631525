//! The shop's side of an audit: its books, as its admin routes tell them. Shapes only, no IO.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::promises::minor;

/// Everything that the shop has written down since a moment.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// Orders with smaller ids are older than the run.
    pub floor: Uuid,
    /// The orders since then.
    pub orders: Vec<BookOrder>,
    /// The payment provider's charges since then.
    pub charges: Vec<BookCharge>,
    /// Every product's pieces.
    pub stock: Vec<StockLevel>,
    /// What was under way when the books were read.
    pub pipeline: Pipeline,
}

/// One order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BookOrder {
    /// Its id.
    pub id: Uuid,
    /// `pending`, `paid`, `reserved`, `shipped`, `delivered`, `cancelled` or `failed`.
    pub status: String,
    /// Why it was cancelled or failed.
    pub reason: Option<String>,
    /// What it costs, in minor units.
    #[serde(rename = "total", deserialize_with = "money")]
    pub total_minor: i64,
    /// In which currency.
    pub currency: String,
    /// `automatic` or `intent`.
    pub payment: String,
    /// `none`, `charged`, `refund_due`, `refunded` or `external`.
    pub payment_status: String,
    /// The provider's name for the charge.
    pub charge_id: Option<String>,
    /// The provider's name for the refund.
    pub refund_id: Option<String>,
    /// Whether its pieces are taken from the shelf.
    pub stock_held: bool,
    /// What was ordered.
    pub items: Vec<BookLine>,
    /// First half of the SHA-256 of its idempotency key, in hex.
    pub key_digest: Option<String>,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BookLine {
    /// Which product, if it is one of the catalogue.
    pub product_id: Option<i64>,
    /// How many.
    pub quantity: i64,
}

/// One charge in the provider's books.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BookCharge {
    /// The provider's name for it.
    pub id: String,
    /// How much, in minor units.
    #[serde(rename = "amount", deserialize_with = "money")]
    pub amount_minor: i64,
    /// In which currency.
    pub currency: String,
    /// Whether it was given back.
    pub refunded: bool,
    /// `order`, `amount` (a payment without an order) or `unknown`.
    pub purpose: String,
    /// The order it paid, if the shop can tell.
    pub order_id: Option<Uuid>,
}

/// One product's pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockLevel {
    /// Which product.
    pub product_id: i64,
    /// Pieces on the shelf.
    pub on_shelf: i64,
    /// Pieces of all orders that hold stock.
    pub sold: i64,
}

/// What is under way in the shop.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pipeline {
    /// The shop's clock, in milliseconds since 1970.
    pub now_ms: i64,
    /// Events that wait in the outbox.
    pub outbox: u64,
    /// Payment intents whose confirmation has begun and not ended.
    pub undecided_intents: u64,
    /// Each queue with its dead letters.
    pub queues: Vec<QueueState>,
}

/// One queue.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueState {
    /// Its name.
    pub queue: String,
    /// Messages that could be received now.
    pub visible: u64,
    /// Messages in the hands of a consumer.
    pub in_flight: u64,
    /// Messages that were sent with a delay.
    pub delayed: u64,
    /// Messages that no consumer could handle.
    pub dead_letters: u64,
}

/// What the shop had before the run began; kept in the run folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Before {
    /// Version of this shape.
    pub version: u32,
    /// The shop's clock, in milliseconds since 1970.
    pub at_ms: i64,
    /// Messages that no consumer could handle.
    pub dead_letters: u64,
    /// Product, pieces on the shelf, pieces sold.
    pub stock: Vec<(i64, i64, i64)>,
}

impl Pipeline {
    /// Whether nothing is under way. Dead letters are not under way.
    pub fn is_idle(&self) -> bool {
        self.outbox == 0
            && self.undecided_intents == 0
            && self.queues.iter().all(|queue| queue.waiting() == 0)
    }

    /// Messages that no consumer could handle, of all queues.
    pub fn dead_letters(&self) -> u64 {
        self.queues.iter().map(|queue| queue.dead_letters).sum()
    }
}

impl QueueState {
    /// Messages that will be handled sooner or later.
    pub fn waiting(&self) -> u64 {
        self.visible + self.in_flight + self.delayed
    }
}

fn money<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    minor(&value).ok_or_else(|| serde::de::Error::custom("an amount of money"))
}
