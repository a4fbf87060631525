//! The payment consumer: charges orders, takes note of charged intents, gives money back.
//!
//! The provider is asked under a key that follows from the order, so that a charge whose answer got
//! lost is found again instead of repeated.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use telemetry::catalogue::span_name;
use telemetry::span;
use uuid::Uuid;

use super::consumer::{Handle, MessageOutcome};
use super::message;
use super::role_context::RoleContext;
use crate::clock::now_ms;
use crate::event::{Event, EventKind};
use crate::money::{Currency, Money};
use crate::observe::current_event_trace;
use crate::order::{Order, OrderStatus, PaymentMode};
use crate::provider::{Charge, ChargeError, Charged, PaymentMethod, RefundError};
use crate::queue::{Received, Topic};
use crate::store::{Applied, ChargeRecord, Consumer, Handling, StoreResult};

/// The provider's name in traces.
const PROVIDER: &str = "payment-provider";
/// Why an order failed whose charge the provider would not even try.
const REASON_REFUSED: &str = "payment_refused";

/// The payload of `payment.confirmed`.
#[derive(Debug, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Confirmed {
    pub(super) intent_id: String,
    pub(super) charge_id: String,
    pub(super) amount_minor: i64,
    pub(super) currency: Currency,
}

/// Handles `order.created`, `payment.confirmed` and `refund.requested`.
pub(super) struct Payments {
    role: Arc<RoleContext>,
}

impl Payments {
    pub(super) fn new(role: Arc<RoleContext>) -> Self {
        Payments { role }
    }

    async fn apply(&self, event: Event) -> StoreResult<MessageOutcome> {
        let store = &self.role.context.stores.pipeline;
        if store
            .was_handled(Consumer::Payments, event.event_id)
            .await?
        {
            return Ok(MessageOutcome::Done("duplicate"));
        }
        match event.kind {
            EventKind::OrderCreated => self.charge(event).await,
            EventKind::PaymentConfirmed => self.take_note(event).await,
            EventKind::RefundRequested => self.refund(event).await,
            other => Ok(MessageOutcome::Poison(format!(
                "{other} does not belong on the payments queue"
            ))),
        }
    }

    async fn charge(&self, event: Event) -> StoreResult<MessageOutcome> {
        let Some(order) = self.role.context.stores.orders.get(event.order_id).await? else {
            return Ok(MessageOutcome::Poison("there is no such order".into()));
        };
        if order.payment_mode == PaymentMode::Intent {
            return self.acknowledge(event).await;
        }
        if order.status != OrderStatus::Pending {
            return self.charge_of_the_past(event, &order).await;
        }
        let charge = Charge {
            idempotency_key: charge_key(order.id),
            amount_minor: order.total.amount.minor(),
            currency: order.total.currency.code().to_owned(),
            method: PaymentMethod::OnFile,
            wanted_since_ms: order.created_at_ms,
        };
        let span = span::external(span_name::PAYMENT_PROCESS_EXTERNAL, PROVIDER);
        let provider = &self.role.context.resources.payments;
        match span.run(provider.charge(charge)).await {
            Ok(charged) => self.succeed(event, record(charged, order.total)).await,
            Err(ChargeError::Declined(reason)) => self.fail(event, reason.as_str()).await,
            Err(ChargeError::Invalid(cause)) => {
                tracing::error!(%cause, order_id = %order.id, "the provider refuses a charge");
                self.fail(event, REASON_REFUSED).await
            }
            Err(ChargeError::Unavailable(cause)) => Ok(MessageOutcome::Retry(cause)),
        }
    }

    /// The order has moved on. If an earlier try reached the provider and its answer was lost, the
    /// charge is recorded, which gives the money of a cancelled order back.
    async fn charge_of_the_past(&self, event: Event, order: &Order) -> StoreResult<MessageOutcome> {
        let provider = &self.role.context.resources.payments;
        match provider.lookup(&charge_key(order.id)).await {
            Ok(Some(Ok(charged))) => self.succeed(event, record(charged, order.total)).await,
            Ok(_) => self.acknowledge(event).await,
            Err(error) => Ok(MessageOutcome::Retry(error.to_string())),
        }
    }

    async fn take_note(&self, event: Event) -> StoreResult<MessageOutcome> {
        match serde_json::from_value::<Confirmed>(event.payload.clone()) {
            Ok(confirmed) => {
                if let Some(outcome) = self.give_back_second_charge(&event, &confirmed).await? {
                    return Ok(outcome);
                }
                let charge = ChargeRecord {
                    provider_charge_id: confirmed.charge_id,
                    amount: Money::new(confirmed.amount_minor, confirmed.currency),
                };
                self.succeed(event, charge).await
            }
            Err(error) => Ok(MessageOutcome::Poison(format!(
                "the payload does not fit: {error}"
            ))),
        }
    }

    /// An order that is paid already keeps its first charge; any other goes back at once.
    async fn give_back_second_charge(
        &self,
        event: &Event,
        confirmed: &Confirmed,
    ) -> StoreResult<Option<MessageOutcome>> {
        let store = &self.role.context.stores.pipeline;
        let first = store.charge_of(event.order_id).await?;
        if first.is_none_or(|first| first.provider_charge_id == confirmed.charge_id) {
            return Ok(None);
        }
        let provider = &self.role.context.resources.payments;
        match provider.refund(&confirmed.charge_id).await {
            Ok(_) => self.acknowledge(event.clone()).await.map(Some),
            Err(RefundError::Unavailable(cause)) => Ok(Some(MessageOutcome::Retry(cause))),
            Err(error) => Ok(Some(MessageOutcome::Poison(error.to_string()))),
        }
    }

    async fn refund(&self, event: Event) -> StoreResult<MessageOutcome> {
        let store = &self.role.context.stores.pipeline;
        let Some(charge) = store.charge_of(event.order_id).await? else {
            return Ok(MessageOutcome::Poison(
                "there is no charge to give back".into(),
            ));
        };
        let span = span::external(span_name::PAYMENT_PROCESS_EXTERNAL, PROVIDER);
        let provider = &self.role.context.resources.payments;
        let refund = provider.refund(&charge.provider_charge_id);
        match span.run(refund).await {
            Ok(refunded) => {
                let applied = store
                    .refund_succeeded(handling(event), refunded.refund_id)
                    .await?;
                Ok(MessageOutcome::from(&applied))
            }
            Err(RefundError::Unavailable(cause)) => Ok(MessageOutcome::Retry(cause)),
            Err(error @ RefundError::UnknownCharge(_)) => {
                Ok(MessageOutcome::Poison(error.to_string()))
            }
        }
    }

    async fn succeed(&self, event: Event, charge: ChargeRecord) -> StoreResult<MessageOutcome> {
        let store = &self.role.context.stores.pipeline;
        let amount = charge.amount;
        let applied = store.payment_succeeded(handling(event), charge).await?;
        if matches!(applied, Applied::Done(_)) {
            self.role.meter.payment_processed(amount);
        }
        Ok(MessageOutcome::from(&applied))
    }

    async fn fail(&self, event: Event, reason: &'static str) -> StoreResult<MessageOutcome> {
        let store = &self.role.context.stores.pipeline;
        let applied = store
            .payment_failed(handling(event), reason.to_owned())
            .await?;
        if let Applied::Done(order) = &applied {
            self.role.meter.payment_failed(reason);
            self.role.meter.order_finished(order);
        }
        Ok(MessageOutcome::from(&applied))
    }

    async fn acknowledge(&self, event: Event) -> StoreResult<MessageOutcome> {
        let store = &self.role.context.stores.pipeline;
        let applied = store.acknowledge(handling(event)).await?;
        Ok(MessageOutcome::from(&applied))
    }
}

#[async_trait]
impl Handle for Payments {
    fn topic(&self) -> Topic {
        Topic::Payments
    }

    fn span_name(&self) -> &'static str {
        span_name::PAYMENT_PROCESS
    }

    async fn handle(&self, message: &Received) -> MessageOutcome {
        match message::event(message) {
            Ok(event) => self.apply(event).await.unwrap_or_else(MessageOutcome::from),
            Err(error) => MessageOutcome::Poison(format!("the body is no event: {error}")),
        }
    }
}

/// What the keys of automatic charges begin with.
const KEY_PREFIX: &str = "order:";

/// The provider's key of an order's automatic charge.
fn charge_key(order_id: Uuid) -> String {
    format!("{KEY_PREFIX}{order_id}")
}

/// The order whose automatic charge has this key.
pub(crate) fn order_of_key(key: &str) -> Option<Uuid> {
    key.strip_prefix(KEY_PREFIX)?.parse().ok()
}

fn record(charged: Charged, amount: Money) -> ChargeRecord {
    ChargeRecord {
        provider_charge_id: charged.charge_id,
        amount,
    }
}

fn handling(event: Event) -> Handling {
    Handling {
        consumer: Consumer::Payments,
        event,
        trace: current_event_trace(),
        now_ms: now_ms(),
    }
}
