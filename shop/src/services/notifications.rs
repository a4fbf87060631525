//! Mail to shoppers. It keeps no data: it checks, writes the text and hands it to the mail provider.
//!
//! The same notification asked for twice is one mail, because the provider gets the same key.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use telemetry::catalogue::span_name;
use telemetry::span;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::context::AppState;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Json;
use crate::money::{Amount, Currency};
use crate::pipeline::meter::Meter;
use crate::provider::{Mail, MailError};
use crate::validate::Problems;

/// The provider's name in traces.
const PROVIDER: &str = "mail-provider";
/// Longest tracking number and carrier.
const TRACKING_CHARS_MAX: usize = 60;

/// The service's routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(order_confirmation))
        .routes(routes!(shipping_update))
}

/// An order that was accepted and reserved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OrderConfirmation {
    /// The order.
    order_id: Uuid,
    /// Who is told.
    #[schema(format = Email, max_length = 254, example = "ann@example.com")]
    email: String,
    /// What it costs.
    #[serde(default)]
    total: Option<Amount>,
    /// The total's currency.
    #[serde(default)]
    currency: Option<Currency>,
}

/// A parcel that moved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ShippingUpdate {
    /// The order.
    order_id: Uuid,
    /// Who is told.
    #[schema(format = Email, max_length = 254, example = "ann@example.com")]
    email: String,
    /// Where the parcel is.
    status: ShippingStatus,
    /// The carrier's number of the parcel.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 60, pattern = "^[^\\x00-\\x1f\\x7f]*$")]
    tracking_number: Option<String>,
    /// Who carries it.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 60, pattern = "^[^\\x00-\\x1f\\x7f]*$")]
    carrier: Option<String>,
}

/// Where a parcel is.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ShippingStatus {
    /// It left the shop.
    Shipped,
    /// It comes today.
    OutForDelivery,
    /// It arrived.
    Delivered,
}

/// A notification that the mail provider took.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Accepted {
    /// Always `accepted`.
    status: &'static str,
    /// The mail provider's name for the mail.
    message_id: String,
}

/// Confirms an order by mail.
#[utoipa::path(
    post,
    path = "/api/notifications/order-confirmation",
    request_body = OrderConfirmation,
    responses(
        (status = 202, body = Accepted),
        (status = 400, body = ErrorBody, description = "The request cannot be read"),
        (status = 413, body = ErrorBody, description = "The body is too large"),
        (status = 415, body = ErrorBody, description = "The body is not JSON"),
        (status = 422, body = ErrorBody, description = "A value is not acceptable, or the mail provider refuses the address"),
        (status = 503, body = ErrorBody, description = "The mail provider is down"),
    )
)]
async fn order_confirmation(
    State(state): State<AppState>,
    Json(request): Json<OrderConfirmation>,
) -> Result<(StatusCode, axum::Json<Accepted>), ApiError> {
    Problems::new().email("email", &request.email).finish()?;
    let order_id = request.order_id;
    let total = request.total.map_or_else(String::new, |total| {
        let currency = request.currency.unwrap_or_default();
        format!("\nTotal: {total} {currency}")
    });
    let mail = Mail {
        idempotency_key: format!("order-confirmation:{order_id}:{}", request.email),
        to: request.email,
        subject: format!("Your order {order_id}"),
        text: format!("Thank you. Your order {order_id} is confirmed.{total}\n"),
    };
    send(&state, "order_confirmation", mail).await
}

/// Tells by mail where a parcel is.
#[utoipa::path(
    post,
    path = "/api/notifications/shipping-update",
    request_body = ShippingUpdate,
    responses(
        (status = 202, body = Accepted),
        (status = 400, body = ErrorBody, description = "The request cannot be read"),
        (status = 413, body = ErrorBody, description = "The body is too large"),
        (status = 415, body = ErrorBody, description = "The body is not JSON"),
        (status = 422, body = ErrorBody, description = "A value is not acceptable, or the mail provider refuses the address"),
        (status = 503, body = ErrorBody, description = "The mail provider is down"),
    )
)]
async fn shipping_update(
    State(state): State<AppState>,
    Json(request): Json<ShippingUpdate>,
) -> Result<(StatusCode, axum::Json<Accepted>), ApiError> {
    let mut problems = Problems::new();
    problems.email("email", &request.email);
    for (field, text) in [
        ("trackingNumber", &request.tracking_number),
        ("carrier", &request.carrier),
    ] {
        let fine = text.as_deref().is_none_or(is_plain);
        problems.check(
            fine,
            format!(
                "`{field}` must have 1 to {TRACKING_CHARS_MAX} characters and no control characters"
            ),
        );
    }
    problems.finish()?;
    let order_id = request.order_id;
    let place = match request.status {
        ShippingStatus::Shipped => "is on its way",
        ShippingStatus::OutForDelivery => "comes today",
        ShippingStatus::Delivered => "has arrived",
    };
    let carrier = request
        .carrier
        .map_or_else(String::new, |c| format!("\nCarrier: {c}"));
    let tracking = request
        .tracking_number
        .map_or_else(String::new, |t| format!("\nTracking number: {t}"));
    let mail = Mail {
        idempotency_key: format!("shipping-update:{order_id}:{place}:{}", request.email),
        to: request.email,
        subject: format!("Your order {order_id} {place}"),
        text: format!("Your order {order_id} {place}.{carrier}{tracking}\n"),
    };
    send(&state, "shipping_update", mail).await
}

async fn send(
    state: &AppState,
    kind: &'static str,
    mail: Mail,
) -> Result<(StatusCode, axum::Json<Accepted>), ApiError> {
    let meter = Meter::new(state.observer().registry.clone());
    let span = span::external(span_name::NOTIFICATION_SEND_EMAIL, PROVIDER);
    let delivered = span.run(state.context.resources.mail.send(mail)).await;
    match delivered {
        Ok(delivered) => {
            meter.notification_sent(kind);
            let accepted = Accepted {
                status: "accepted",
                message_id: delivered.message_id,
            };
            Ok((StatusCode::ACCEPTED, axum::Json(accepted)))
        }
        Err(error @ MailError::Rejected(_)) => {
            span.fail("rejected", &error.to_string());
            meter.notification_failed(kind, "rejected");
            let message = "the mail provider refuses to deliver to this address";
            Err(ApiError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "mail_rejected",
                message,
            ))
        }
        Err(error @ MailError::Unavailable(_)) => {
            span.fail("unavailable", &error.to_string());
            meter.notification_failed(kind, "unavailable");
            Err(ApiError::unavailable(
                "the mail provider is down; try again shortly",
            ))
        }
    }
}

fn is_plain(text: &str) -> bool {
    (1..=TRACKING_CHARS_MAX).contains(&text.chars().count())
        && !text.chars().any(|c| c.is_ascii_control())
}
