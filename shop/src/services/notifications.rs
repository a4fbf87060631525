//! Mail to shoppers. It keeps no data: it checks, writes the text and hands it to the mail provider.
//!
//! The pipeline asks for mails as orders move. Anybody else can ask only about an order that is theirs, is told nothing but
//! what is true of it, in the shop's own words, at the order's own address, and not often. The same notification asked for
//! twice is one mail, because the provider gets the same key.

use std::num::NonZeroU32;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde::{Deserialize, Serialize};
use telemetry::catalogue::span_name;
use telemetry::span;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::entry::{Entry, Started};
use crate::context::{AppState, Own};
use crate::error::{ApiError, ErrorBody};
use crate::extract::Json;
use crate::money::{Amount, Currency};
use crate::order::OrderStatus;
use crate::own_order::own_order;
use crate::pipeline::meter::Meter;
use crate::provider::{Mail, MailError};
use crate::service::Service;
use crate::validate::Problems;

/// The provider's name in traces.
const PROVIDER: &str = "mail-provider";
/// Mails that an order's owner may ask for in an hour.
const MAILS_PER_HOUR_MAX: NonZeroU32 = NonZeroU32::new(6).unwrap();
/// When one more is allowed, at the latest.
const RETRY_AFTER_S: u32 = 3_600 / MAILS_PER_HOUR_MAX.get();
/// Orders whose mails are counted at a time.
const ORDERS_MAX: usize = 100_000;

pub(super) const SERVICE: Entry = Entry::new(Service::Notifications, routes)
    .starting(|_| Box::pin(async { Ok(Started::with(MailRequests::default())) }));

/// The service's routes.
fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(order_confirmation))
        .routes(routes!(shipping_update))
}

/// Which order is confirmed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OrderConfirmation {
    /// The order, which is reserved, shipped or delivered.
    order_id: Uuid,
    /// The order's own mail address; need not be said.
    #[serde(default)]
    #[schema(format = Email, max_length = 254, example = "ann@example.com")]
    email: Option<String>,
    /// What it costs: heard from the shop's pipeline alone.
    #[serde(default)]
    total: Option<Amount>,
    /// The total's currency: heard from the shop's pipeline alone.
    #[serde(default)]
    currency: Option<Currency>,
}

/// A parcel that moved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ShippingUpdate {
    /// The order.
    order_id: Uuid,
    /// The order's own mail address; need not be said.
    #[serde(default)]
    #[schema(format = Email, max_length = 254, example = "ann@example.com")]
    email: Option<String>,
    /// Where the parcel is; the order's status must agree.
    status: ShippingStatus,
}

/// What the service reads of an order when somebody else than the pipeline asks for a mail.
#[derive(Debug, Deserialize)]
struct OrderToTell {
    status: OrderStatus,
    email: Option<String>,
    #[serde(deserialize_with = "amount_of_the_shop")]
    total: Amount,
    currency: Currency,
}

/// Totals of the shop's own may be zero, other than those that clients send.
fn amount_of_the_shop<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Amount, D::Error> {
    Amount::try_from(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
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

/// Confirms an order by mail to its own address. The same confirmation again is no second mail.
#[utoipa::path(
    post,
    path = "/api/notifications/order-confirmation",
    request_body = OrderConfirmation,
    security(("bearer" = [])),
    responses(
        (status = 202, body = Accepted),
        (status = 404, body = ErrorBody, description = "No such order, or another shopper's"),
        (status = 409, body = ErrorBody, description = "The order is not reserved yet, or has no mail address"),
        (status = 422, body = ErrorBody, description = "A value is not acceptable, or the mail provider refuses the address"),
        (status = 429, body = ErrorBody, description = "This order's owner was told often enough, or too many requests from this address"),
    )
)]
async fn order_confirmation(
    State(state): State<AppState>,
    Own(requests): Own<MailRequests>,
    headers: HeaderMap,
    Json(request): Json<OrderConfirmation>,
) -> Result<(StatusCode, axum::Json<Accepted>), ApiError> {
    use OrderStatus::{Delivered, Reserved, Shipped};
    let order_id = request.order_id;
    let currency = request.currency.unwrap_or_default();
    let mut total = request.total.map(|total| (total, currency));
    let to = match asker(&state, &requests, order_id, &headers).await? {
        Asker::Pipeline => request.email.ok_or_else(no_address)?,
        Asker::Shopper(order) => {
            total = Some((order.total, order.currency));
            order.address(request.email.as_deref(), &[Reserved, Shipped, Delivered])?
        }
    };
    Problems::new().email("email", &to).finish()?;
    let total = total.map_or_else(String::new, |(total, currency)| {
        format!("\nTotal: {total} {currency}")
    });
    let mail = Mail {
        idempotency_key: format!("order-confirmation:{order_id}:{to}"),
        to,
        subject: format!("Your order {order_id}"),
        text: format!("Thank you. Your order {order_id} is confirmed.{total}\n"),
    };
    send(&state, "order_confirmation", mail).await
}

/// Tells an order's own address by mail where the parcel is. The same news again is no second mail.
#[utoipa::path(
    post,
    path = "/api/notifications/shipping-update",
    request_body = ShippingUpdate,
    security(("bearer" = [])),
    responses(
        (status = 202, body = Accepted),
        (status = 404, body = ErrorBody, description = "No such order, or another shopper's"),
        (status = 409, body = ErrorBody, description = "The parcel is not there, or the order has no mail address"),
        (status = 422, body = ErrorBody, description = "A value is not acceptable, or the mail provider refuses the address"),
        (status = 429, body = ErrorBody, description = "This order's owner was told often enough, or too many requests from this address"),
    )
)]
async fn shipping_update(
    State(state): State<AppState>,
    Own(requests): Own<MailRequests>,
    headers: HeaderMap,
    Json(request): Json<ShippingUpdate>,
) -> Result<(StatusCode, axum::Json<Accepted>), ApiError> {
    let order_id = request.order_id;
    let (place, true_when) = match request.status {
        ShippingStatus::Shipped => ("is on its way", OrderStatus::Shipped),
        ShippingStatus::OutForDelivery => ("comes today", OrderStatus::Shipped),
        ShippingStatus::Delivered => ("has arrived", OrderStatus::Delivered),
    };
    let to = match asker(&state, &requests, order_id, &headers).await? {
        Asker::Pipeline => request.email.ok_or_else(no_address)?,
        Asker::Shopper(order) => order.address(request.email.as_deref(), &[true_when])?,
    };
    Problems::new().email("email", &to).finish()?;
    let mail = Mail {
        idempotency_key: format!("shipping-update:{order_id}:{place}:{to}"),
        to,
        subject: format!("Your order {order_id} {place}"),
        text: format!("Your order {order_id} {place}.\n"),
    };
    send(&state, "shipping_update", mail).await
}

/// Who asks for a mail.
enum Asker {
    /// The pipeline, which has read the order.
    Pipeline,
    /// The order's owner or an administrator.
    Shopper(OrderToTell),
}

async fn asker(
    state: &AppState,
    requests: &MailRequests,
    order_id: Uuid,
    headers: &HeaderMap,
) -> Result<Asker, ApiError> {
    let context = &state.context;
    if context.tokens.are_pipelines(headers, order_id) {
        return Ok(Asker::Pipeline);
    }
    let order = own_order(&context.peers, order_id, headers).await?;
    requests.admit(order_id)?;
    Ok(Asker::Shopper(order))
}

impl OrderToTell {
    /// The address that is told, if what it is told is true. A caller cannot name another one.
    fn address(self, claimed: Option<&str>, true_when: &[OrderStatus]) -> Result<String, ApiError> {
        if !true_when.contains(&self.status) {
            return Err(ApiError::conflict(
                "not_true_yet",
                format!(
                    "the order is {}; the mail would say something else",
                    self.status
                ),
            ));
        }
        let own = self.email.ok_or_else(no_address)?;
        let is_own = claimed.is_none_or(|claimed| claimed.eq_ignore_ascii_case(&own));
        let problem = "`email` must be the order's own address; leave it out";
        Problems::new().check(is_own, problem).finish()?;
        Ok(own)
    }
}

fn no_address() -> ApiError {
    ApiError::conflict("no_address", "the order has no mail address")
}

/// Counts the mails that owners ask for, order by order.
struct MailRequests {
    limiter: DefaultKeyedRateLimiter<Uuid>,
}

impl Default for MailRequests {
    fn default() -> Self {
        let quota = Quota::per_hour(MAILS_PER_HOUR_MAX).allow_burst(MAILS_PER_HOUR_MAX);
        MailRequests {
            limiter: RateLimiter::keyed(quota),
        }
    }
}

impl MailRequests {
    fn admit(&self, order_id: Uuid) -> Result<(), ApiError> {
        if self.limiter.len() >= ORDERS_MAX {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        let room = self.limiter.len() < ORDERS_MAX;
        if room && self.limiter.check_key(&order_id).is_ok() {
            return Ok(());
        }
        Err(ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "this order's owner was told often enough; try again later",
        )
        .retry_after(RETRY_AFTER_S))
    }
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
