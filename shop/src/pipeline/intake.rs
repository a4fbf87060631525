//! The queue worker: stores each order that arrives on the orders queue, once.
//!
//! The bodies are those of `POST /api/orders`: catalogue products with quantities, or the plain order
//! `{"customerId":"123","items":["item1","item2"],"total":99.99}` whose items are free text.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use telemetry::catalogue::span_name;
use uuid::Uuid;

use super::consumer::{Handle, MessageOutcome};
use super::role_context::RoleContext;
use crate::json;
use crate::new_order::{CreateOrder, Draft};
use crate::queue::{ORIGINAL_ID_ATTRIBUTE, Received, Topic};
use crate::store::{Created, Idempotency, StoreResult};

/// Keeps keys of queued orders apart from those of shoppers.
const SCOPE: &str = "orders-queue";

/// What a producer may add to make an order unique beyond the id of its message.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    order_id: Option<Uuid>,
}

/// Reads the orders queue.
pub(super) struct Intake {
    role: Arc<RoleContext>,
}

impl Intake {
    pub(super) fn new(role: Arc<RoleContext>) -> Self {
        Intake { role }
    }

    async fn store(&self, message: &Received) -> StoreResult<MessageOutcome> {
        let order: CreateOrder = match json::from_slice(message.body.as_bytes()) {
            Ok(order) => order,
            Err(error) => {
                return Ok(MessageOutcome::Poison(format!(
                    "the body is no order: {error}"
                )));
            }
        };
        let draft = Draft {
            owner: None,
            idempotency: Some(Idempotency {
                scope: SCOPE.into(),
                key: key(message),
                request_digest: String::new(),
            }),
        };
        let order = match order.into_new(draft) {
            Ok(order) => order,
            Err(error) => return Ok(MessageOutcome::Poison(error.to_string())),
        };
        let created = self.role.context.stores.orders.create(order).await?;
        if let Created::New(order) = &created {
            self.role.meter.order_created(order);
        }
        Ok(outcome(created))
    }
}

#[async_trait]
impl Handle for Intake {
    fn topic(&self) -> Topic {
        Topic::Orders
    }

    fn span_name(&self) -> &'static str {
        span_name::ORDER_WORKER_PROCESS
    }

    async fn handle(&self, message: &Received) -> MessageOutcome {
        self.store(message)
            .await
            .unwrap_or_else(MessageOutcome::from)
    }
}

/// Why the body is no order; `None` when it is one.
pub(super) fn unread_reason(body: &str) -> Option<String> {
    json::from_slice::<CreateOrder>(body.as_bytes())
        .err()
        .map(|error| format!("the body is no order: {error}"))
}

/// The order's own id if it has one, else that of its message. A redriven message has another id than
/// the first time; what it was at first is what counts.
fn key(message: &Received) -> String {
    let own = serde_json::from_str::<Identity>(&message.body)
        .ok()
        .and_then(|identity| identity.order_id);
    match own {
        Some(order_id) => format!("order:{order_id}"),
        None => {
            let first_id = message.attributes.get(ORIGINAL_ID_ATTRIBUTE);
            format!("message:{}", first_id.unwrap_or(&message.id))
        }
    }
}

fn outcome(created: Created) -> MessageOutcome {
    match created {
        Created::New(_) => MessageOutcome::Done("processed"),
        Created::Replayed(_) | Created::KeyReused => MessageOutcome::Done("duplicate"),
        Created::UnknownProducts(ids) => {
            MessageOutcome::Poison(format!("there are no products {ids:?}"))
        }
        Created::OutOfStock(ids) => {
            MessageOutcome::Poison(format!("products {ids:?} are sold out"))
        }
        Created::CurrencyMismatch(currency) => {
            MessageOutcome::Poison(format!("the products are priced in {currency}"))
        }
        Created::TotalTooLarge => MessageOutcome::Poison("the total is too large".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queued_orders_are_read_as_strictly_as_those_over_http() {
        let plain = r#"{"customerId":"123","items":["item1"],"total":99.99}"#;
        assert_eq!(unread_reason(plain), None);
        let ambiguous = r#"{"customerId":"123","items":["item1"],"total":99.99,"total":1}"#;
        let reason = unread_reason(ambiguous).unwrap();
        assert!(reason.contains("`total`"), "{reason}");

        let line = r#"{"productId":1,"quantity":999}"#;
        let body = format!(r#"{{"items":[{line},{line}]}}"#);
        let order: CreateOrder = json::from_slice(body.as_bytes()).unwrap();
        let draft = Draft {
            owner: None,
            idempotency: None,
        };
        let reason = order.into_new(draft).unwrap_err().to_string();
        assert!(reason.contains("999 pieces of one product"), "{reason}");
    }
}
