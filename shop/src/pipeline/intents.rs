//! How a payment intent is decided: by a confirmation, by a webhook, or by the sweep after a crash.
//!
//! The event of a charged intent is on the queue before the intent says so; whoever is interrupted in
//! between does it again, and the event's id, which follows from the intent, makes that harmless.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::message;
use super::payments::Confirmed;
use crate::clock::now_ms;
use crate::context::Context;
use crate::event::{Event, EventKind};
use crate::observe::current_event_trace;
use crate::provider::{ChargeError, Charged, DeclineReason};
use crate::queue::{QueueError, Topic};
use crate::store::{Intent, IntentChange, IntentStatus, IntentTransitionResult, StoreError};

/// Why an intent could not be decided; trying again is safe.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Undecided {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The provider.
    #[error(transparent)]
    Provider(#[from] ChargeError),
}

/// What the keys of intents' charges begin with.
const KEY_PREFIX: &str = "intent:";

/// The provider's key of an intent's charge.
pub(crate) fn charge_key(intent_id: &str) -> String {
    format!("{KEY_PREFIX}{intent_id}")
}

/// The intent whose charge has this key.
pub(crate) fn intent_of_key(key: &str) -> Option<&str> {
    key.strip_prefix(KEY_PREFIX)
}

/// The intent was charged: tell the order, then write it down.
pub(crate) async fn succeed(
    context: &Context,
    intent: &Intent,
    charged: &Charged,
    webhook_event_id: Option<String>,
) -> Result<IntentTransitionResult, Undecided> {
    if let Some(order_id) = intent.order_id {
        publish(context, intent, order_id, charged).await?;
    }
    let change = IntentChange {
        id: intent.id.clone(),
        // A sweep may have reopened an intent whose charge was only slow.
        from: vec![IntentStatus::Processing, IntentStatus::RequiresConfirmation],
        to: IntentStatus::Succeeded,
        reason: None,
        provider_charge_id: Some(charged.charge_id.clone()),
        webhook_event_id,
        now_ms: now_ms(),
    };
    Ok(context.stores.intents.change(change).await?)
}

/// The intent was declined.
pub(crate) async fn fail(
    context: &Context,
    intent: &Intent,
    reason: &str,
    webhook_event_id: Option<String>,
) -> Result<IntentTransitionResult, Undecided> {
    let change = IntentChange {
        id: intent.id.clone(),
        from: vec![IntentStatus::Processing, IntentStatus::RequiresConfirmation],
        to: IntentStatus::Failed,
        reason: Some(reason.to_owned()),
        provider_charge_id: None,
        webhook_event_id,
        now_ms: now_ms(),
    };
    Ok(context.stores.intents.change(change).await?)
}

/// Decides an intent whose confirmation was cut off: as the provider did, or back to the shopper when
/// the provider never heard of it.
pub(super) async fn resume(context: &Context, intent: Intent) -> Result<(), Undecided> {
    let key = charge_key(&intent.id);
    match context.resources.payments.lookup(&key).await? {
        Some(Ok(charged)) => {
            succeed(context, &intent, &charged, None).await?;
        }
        Some(Err(reason)) => {
            fail(context, &intent, DeclineReason::as_str(reason), None).await?;
        }
        None => reopen(context, &intent).await?,
    }
    Ok(())
}

/// Gives an intent back to the shopper: nothing was charged.
pub(crate) async fn reopen(context: &Context, intent: &Intent) -> Result<(), Undecided> {
    let change = IntentChange {
        id: intent.id.clone(),
        from: vec![IntentStatus::Processing],
        to: IntentStatus::RequiresConfirmation,
        reason: None,
        provider_charge_id: None,
        webhook_event_id: None,
        now_ms: now_ms(),
    };
    context.stores.intents.change(change).await?;
    Ok(())
}

async fn publish(
    context: &Context,
    intent: &Intent,
    order_id: Uuid,
    charged: &Charged,
) -> Result<(), Undecided> {
    let at = telemetry::Context::current();
    let payload = Confirmed {
        intent_id: intent.id.clone(),
        charge_id: charged.charge_id.clone(),
        amount_minor: intent.amount.amount.minor(),
        currency: intent.amount.currency,
    };
    let event = Event {
        event_id: event_id(&intent.id),
        kind: EventKind::PaymentConfirmed,
        order_id,
        correlation_id: at
            .as_ref()
            .and_then(telemetry::Context::correlation_id)
            .map_or_else(|| order_id.to_string(), str::to_owned),
        trace: current_event_trace(),
        occurred_at_ms: now_ms(),
        payload: serde_json::to_value(payload)
            .map_err(|error| QueueError::Limit(error.to_string()))?,
    };
    let message = message::outgoing(&event, at.as_ref())
        .map_err(|error| QueueError::Limit(error.to_string()))?;
    context
        .resources
        .queue
        .send(Topic::Payments.queue(), &[message])
        .await?;
    Ok(())
}

/// The id of the event that an intent was charged: the same at every telling.
fn event_id(intent_id: &str) -> Uuid {
    let digest = Sha256::digest(format!("payment.confirmed:{intent_id}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
