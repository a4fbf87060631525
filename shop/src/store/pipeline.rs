//! Orders, as the pipeline sees them: effect, memory of the event and the events that follow are one.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::StoreResult;
use crate::event::{Event, EventTrace};
use crate::money::Money;
use crate::order::Order;

/// Which consumer remembers an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Consumer {
    /// Charges and refunds.
    Payments,
    /// Stock.
    Inventory,
    /// Mail.
    Notifications,
    /// Orders that arrive by queue.
    OrderIntake,
}

impl Consumer {
    /// The word used in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Consumer::Payments => "payments",
            Consumer::Inventory => "inventory",
            Consumer::Notifications => "notifications",
            Consumer::OrderIntake => "order_intake",
        }
    }
}

/// One event in the hands of one consumer: the consumer's memory is written with its effect.
#[derive(Clone, Debug)]
pub struct Handling {
    /// Who handles it.
    pub consumer: Consumer,
    /// What is handled.
    pub event: Event,
    /// The consumer's own trace, for the events that follow.
    pub trace: EventTrace,
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
}

/// What became of an event.
#[derive(Clone, Debug)]
pub enum Applied {
    /// It took effect; this is the order afterwards.
    Done(Order),
    /// It came too late to have an effect (the order had moved on); that is remembered too.
    Obsolete(Order),
    /// This consumer has handled it before; nothing changed.
    Duplicate,
    /// No such order.
    NoSuchOrder,
}

/// What a charge came to.
#[derive(Clone, Debug)]
pub struct ChargeRecord {
    /// The provider's id of the charge.
    pub provider_charge_id: String,
    /// What was charged.
    pub amount: Money,
}

/// One row of the outbox.
#[derive(Clone, Debug)]
pub struct OutboxRow {
    /// Its place, rising.
    pub seq: i64,
    /// The event.
    pub event: Event,
}

/// What became known about an order through an event.
#[derive(Clone, Debug)]
pub enum Fact {
    /// Nothing that moves it.
    Noted,
    /// The provider took the money.
    Charged(ChargeRecord),
    /// The provider will not take the money, and why.
    Declined(String),
    /// Its stock is wanted.
    StockWanted,
    /// Its stock can go back.
    StockReturned,
    /// The provider gave the money back, under this id.
    Refunded(String),
}

/// What the pipeline does to orders. Effect, memory of the event and the events that follow are
/// one transaction in every method.
#[async_trait]
pub trait PipelineStore: Send + Sync {
    /// Whether the consumer has handled the event already (to spare the call to a provider).
    async fn was_handled(&self, consumer: Consumer, event_id: Uuid) -> StoreResult<bool>;
    /// Moves the order by what became known about it, once for each (consumer, event).
    async fn apply(&self, handling: Handling, fact: Fact) -> StoreResult<Applied>;
    /// Remembers an event that needs no effect.
    async fn acknowledge(&self, handling: Handling) -> StoreResult<Applied> {
        self.apply(handling, Fact::Noted).await
    }
    /// The order was charged: pending → paid, then `payment.processed`. When the order had been
    /// called off meanwhile, the charge is recorded and `refund.requested` follows (`Obsolete`).
    async fn payment_succeeded(
        &self,
        handling: Handling,
        charge: ChargeRecord,
    ) -> StoreResult<Applied> {
        self.apply(handling, Fact::Charged(charge)).await
    }
    /// The charge was declined for good: pending → failed, then `payment.failed`.
    async fn payment_failed(&self, handling: Handling, reason: String) -> StoreResult<Applied> {
        self.apply(handling, Fact::Declined(reason)).await
    }
    /// Takes the stock: paid → reserved, then `inventory.reserved`; or paid → failed, then
    /// `inventory.failed` and, when money was charged, `refund.requested`.
    async fn reserve_stock(&self, handling: Handling) -> StoreResult<Applied> {
        self.apply(handling, Fact::StockWanted).await
    }
    /// Puts the stock of a cancelled order back, once.
    async fn release_stock(&self, handling: Handling) -> StoreResult<Applied> {
        self.apply(handling, Fact::StockReturned).await
    }
    /// The money of an order went back, once; then `payment.refunded`.
    async fn refund_succeeded(
        &self,
        handling: Handling,
        provider_refund_id: String,
    ) -> StoreResult<Applied> {
        self.apply(handling, Fact::Refunded(provider_refund_id))
            .await
    }
    /// The charge recorded for an order, if any (what a refund refers to).
    async fn charge_of(&self, order_id: Uuid) -> StoreResult<Option<ChargeRecord>>;
    /// Cancels pending orders that wait for an intent since before `created_before_ms`, each with
    /// its `order.cancelled` event. At most `limit`; returns their ids.
    async fn expire_unpaid(
        &self,
        created_before_ms: i64,
        now_ms: i64,
        limit: u32,
    ) -> StoreResult<Vec<Uuid>>;
    /// The oldest events that are not published yet.
    async fn unpublished(&self, limit: u32) -> StoreResult<Vec<OutboxRow>>;
    /// Removes events that the queue has taken.
    async fn mark_published(&self, seqs: Vec<i64>) -> StoreResult<()>;
    /// Returns when there may be new events in the outbox, at the latest after `timeout`.
    async fn wait_for_events(&self, timeout: Duration);
    /// Forgets handled events older than `before_ms`, at most `limit`; returns how many.
    async fn forget_handled(&self, before_ms: i64, limit: u32) -> StoreResult<usize>;
}
