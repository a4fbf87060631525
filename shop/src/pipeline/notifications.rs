//! The notification consumer: asks the notifications service to tell the customer.

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderValue, StatusCode};
use serde_json::json;
use telemetry::catalogue::span_name;

use super::consumer::{Handle, MessageOutcome};
use super::message;
use super::role_context::RoleContext;
use crate::clock::now_ms;
use crate::event::{Event, EventKind};
use crate::observe::current_event_trace;
use crate::order::Order;
use crate::queue::{Received, Topic};
use crate::service::Service;
use crate::store::{Consumer, Handling, StoreResult};
use crate::token::Tokens;

/// Handles `inventory.reserved` and `order.shipped`.
pub(super) struct Notifications {
    role: Arc<RoleContext>,
}

impl Notifications {
    pub(super) fn new(role: Arc<RoleContext>) -> Self {
        Notifications { role }
    }

    async fn apply(&self, event: Event) -> StoreResult<MessageOutcome> {
        let stores = &self.role.context.stores;
        let path = match event.kind {
            EventKind::InventoryReserved => "/api/notifications/order-confirmation",
            EventKind::OrderShipped => "/api/notifications/shipping-update",
            other => {
                let reason = format!("{other} does not belong on the notifications queue");
                return Ok(MessageOutcome::Poison(reason));
            }
        };
        if stores
            .pipeline
            .was_handled(Consumer::Notifications, event.event_id)
            .await?
        {
            return Ok(MessageOutcome::Done("duplicate"));
        }
        let Some(order) = stores.orders.get(event.order_id).await? else {
            return Ok(MessageOutcome::Poison("there is no such order".into()));
        };
        // Whoever left no address cannot be told.
        if let Some(email) = &order.email
            && let Err(outcome) = self.tell(path, event.kind, email, &order).await
        {
            return Ok(outcome);
        }
        let applied = stores
            .pipeline
            .acknowledge(Handling {
                consumer: Consumer::Notifications,
                event,
                trace: current_event_trace(),
                now_ms: now_ms(),
            })
            .await?;
        Ok(MessageOutcome::from(&applied))
    }

    async fn tell(
        &self,
        path: &str,
        kind: EventKind,
        email: &str,
        order: &Order,
    ) -> Result<(), MessageOutcome> {
        let mut body = json!({ "orderId": order.id, "email": email });
        if kind == EventKind::OrderShipped {
            body["status"] = json!("shipped");
        } else {
            body["total"] = json!(order.total.amount);
            body["currency"] = json!(order.total.currency);
        }
        let context = &self.role.context;
        let authorization = authorization(&context.tokens, order)?;
        let told: Result<serde_json::Value, _> = context
            .peers
            .post_as(Service::Notifications, path, &body, authorization)
            .await;
        match told.map_err(|error| (error.status(), error)) {
            Ok(_) => Ok(()),
            // The service counted the refusal; asking again would be refused again.
            Err((Some(status), _)) if is_final(status) => {
                tracing::error!(%status, order_id = %order.id, "a notification was refused");
                Ok(())
            }
            Err((_, error)) => Err(MessageOutcome::Retry(error.to_string())),
        }
    }
}

/// Shows the notifications service that it is the pipeline which asks.
fn authorization(tokens: &Tokens, order: &Order) -> Result<HeaderValue, MessageOutcome> {
    let token = tokens.issue_for_pipeline(order.id);
    let token = token.map_err(|error| MessageOutcome::Retry(error.to_string()))?;
    HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|error| MessageOutcome::Retry(error.to_string()))
}

/// Whether the same request would be answered the same for ever. A token that is refused is no property of the request: the
/// services have different signing keys until somebody gives them the same.
fn is_final(status: StatusCode) -> bool {
    status.is_client_error()
        && !matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
        )
}

#[async_trait]
impl Handle for Notifications {
    fn topic(&self) -> Topic {
        Topic::Notifications
    }

    fn span_name(&self) -> &'static str {
        span_name::NOTIFICATION_PROCESS
    }

    async fn handle(&self, message: &Received) -> MessageOutcome {
        match message::event(message) {
            Ok(event) => self.apply(event).await.unwrap_or_else(MessageOutcome::from),
            Err(error) => MessageOutcome::Poison(format!("the body is no event: {error}")),
        }
    }
}
