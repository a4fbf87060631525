//! Events as messages: JSON bodies, and attributes that carry the trace and the correlation id.

use std::time::Duration;

use telemetry::Context;
use telemetry::trace::TraceContext;

use crate::event::{Event, EventKind, EventTrace};
use crate::queue::{Attributes, Outgoing, Received, Topic};

/// The attribute that tells what a message is without opening it.
const EVENT_TYPE_ATTRIBUTE: &str = "eventType";

/// The message that carries `event`, sent by the work at `at`.
pub(super) fn outgoing(event: &Event, at: Option<&Context>) -> Result<Outgoing, serde_json::Error> {
    let mut attributes = Attributes::new();
    attributes.insert(EVENT_TYPE_ATTRIBUTE.into(), event.kind.as_str().into());
    if let Some(at) = at {
        at.inject_attributes(&mut attributes);
    }
    Ok(Outgoing {
        body: serde_json::to_string(event)?,
        attributes,
        delay: Duration::ZERO,
    })
}

/// The event in a message.
pub(super) fn event(message: &Received) -> Result<Event, serde_json::Error> {
    serde_json::from_str(&message.body)
}

/// The trace that an event was stored with.
pub(super) fn stored_trace(trace: &EventTrace) -> Option<TraceContext> {
    let carrier: Attributes = [
        ("traceparent", trace.traceparent.as_ref()),
        ("tracestate", trace.tracestate.as_ref()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?.clone())))
    .collect();
    TraceContext::extract(&carrier)
}

/// Where events of a kind go; those that nobody waits for go nowhere.
pub(super) fn topic_of(kind: EventKind) -> Option<Topic> {
    match kind {
        EventKind::OrderCreated | EventKind::PaymentConfirmed | EventKind::RefundRequested => {
            Some(Topic::Payments)
        }
        EventKind::PaymentProcessed | EventKind::OrderCancelled => Some(Topic::Inventory),
        EventKind::InventoryReserved | EventKind::OrderShipped => Some(Topic::Notifications),
        EventKind::PaymentFailed | EventKind::PaymentRefunded | EventKind::InventoryFailed => None,
    }
}
