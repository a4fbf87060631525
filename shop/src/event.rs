//! The events of the order pipeline. They must not know which queue carries them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What happened to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EventKind {
    /// The order is durable.
    #[serde(rename = "order.created")]
    OrderCreated,
    /// The order was called off; money and stock must go back.
    #[serde(rename = "order.cancelled")]
    OrderCancelled,
    /// The order is on its way.
    #[serde(rename = "order.shipped")]
    OrderShipped,
    /// The shopper's payment intent for the order was charged; the order does not know yet.
    #[serde(rename = "payment.confirmed")]
    PaymentConfirmed,
    /// The order has been charged.
    #[serde(rename = "payment.processed")]
    PaymentProcessed,
    /// The charge was declined for good.
    #[serde(rename = "payment.failed")]
    PaymentFailed,
    /// Money was taken for an order that will not be supplied.
    #[serde(rename = "refund.requested")]
    RefundRequested,
    /// The money went back.
    #[serde(rename = "payment.refunded")]
    PaymentRefunded,
    /// Stock is taken from the shelf.
    #[serde(rename = "inventory.reserved")]
    InventoryReserved,
    /// The stock did not suffice.
    #[serde(rename = "inventory.failed")]
    InventoryFailed,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [EventKind; 10] = [
        EventKind::OrderCreated,
        EventKind::OrderCancelled,
        EventKind::OrderShipped,
        EventKind::PaymentConfirmed,
        EventKind::PaymentProcessed,
        EventKind::PaymentFailed,
        EventKind::RefundRequested,
        EventKind::PaymentRefunded,
        EventKind::InventoryReserved,
        EventKind::InventoryFailed,
    ];

    /// The name on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::OrderCreated => "order.created",
            EventKind::OrderCancelled => "order.cancelled",
            EventKind::OrderShipped => "order.shipped",
            EventKind::PaymentConfirmed => "payment.confirmed",
            EventKind::PaymentProcessed => "payment.processed",
            EventKind::PaymentFailed => "payment.failed",
            EventKind::RefundRequested => "refund.requested",
            EventKind::PaymentRefunded => "payment.refunded",
            EventKind::InventoryReserved => "inventory.reserved",
            EventKind::InventoryFailed => "inventory.failed",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that no event has.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an event of the order pipeline")]
pub struct UnknownEvent(String);

impl FromStr for EventKind {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        EventKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownEvent(text.to_owned()))
    }
}

/// The trace an event belongs to, in the W3C form; empty when there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventTrace {
    /// The `traceparent` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The `tracestate` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<String>,
}

/// One event, as it lies in the outbox and travels in a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Identifies the event for ever; consumers remember it.
    pub event_id: Uuid,
    /// What happened.
    pub kind: EventKind,
    /// To which order.
    pub order_id: Uuid,
    /// Follows the order through every message.
    pub correlation_id: String,
    /// The trace of the request or message that caused it.
    #[serde(default)]
    pub trace: EventTrace,
    /// When, in milliseconds since 1970.
    pub occurred_at_ms: i64,
    /// Details for consumers: order and reason, never anything secret.
    #[serde(default)]
    pub payload: serde_json::Value,
}
