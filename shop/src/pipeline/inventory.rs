//! The inventory consumer: takes stock for paid orders and puts it back for cancelled ones.

use std::sync::Arc;

use async_trait::async_trait;
use telemetry::catalogue::span_name;
use telemetry::span;

use super::consumer::{Handle, MessageOutcome};
use super::message;
use super::role_context::RoleContext;
use crate::clock::now_ms;
use crate::event::{Event, EventKind};
use crate::observe::current_event_trace;
use crate::order::OrderStatus;
use crate::queue::{Received, Topic};
use crate::store::{Applied, Consumer, Handling, StoreResult};

/// Handles `payment.processed` and `order.cancelled`.
pub(super) struct Inventory {
    role: Arc<RoleContext>,
}

impl Inventory {
    pub(super) fn new(role: Arc<RoleContext>) -> Self {
        Inventory { role }
    }

    async fn apply(&self, event: Event) -> StoreResult<MessageOutcome> {
        let store = &self.role.context.stores.pipeline;
        let kind = event.kind;
        let handling = Handling {
            consumer: Consumer::Inventory,
            event,
            trace: current_event_trace(),
            now_ms: now_ms(),
        };
        let applied = match kind {
            EventKind::PaymentProcessed => {
                let span = span::internal(span_name::INVENTORY_ATTEMPT_RESERVATION);
                span.run(store.reserve_stock(handling)).await?
            }
            EventKind::OrderCancelled => store.release_stock(handling).await?,
            other => {
                let reason = format!("{other} does not belong on the inventory queue");
                return Ok(MessageOutcome::Poison(reason));
            }
        };
        if kind == EventKind::PaymentProcessed {
            self.measure(&applied);
        }
        Ok(MessageOutcome::from(&applied))
    }

    fn measure(&self, applied: &Applied) {
        let Applied::Done(order) = applied else {
            return;
        };
        if order.status == OrderStatus::Reserved {
            self.role.meter.inventory_reserved();
        } else {
            let reason = order.reason.as_deref().unwrap_or("unknown");
            self.role.meter.inventory_failed(reason);
        }
        self.role.meter.order_finished(order);
    }
}

#[async_trait]
impl Handle for Inventory {
    fn topic(&self) -> Topic {
        Topic::Inventory
    }

    fn span_name(&self) -> &'static str {
        span_name::INVENTORY_PROCESS
    }

    async fn handle(&self, message: &Received) -> MessageOutcome {
        match message::event(message) {
            Ok(event) => self.apply(event).await.unwrap_or_else(MessageOutcome::from),
            Err(error) => MessageOutcome::Poison(format!("the body is no event: {error}")),
        }
    }
}
