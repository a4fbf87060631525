//! Payment intents: made for an order or an amount, confirmed by the shopper, settled by the provider.
//!
//! A confirmation is answered as succeeded only after the event that pays the order is durable, and
//! the provider is asked under a key of the intent, so confirming again never charges again.
//! Card numbers pass through to the provider and are neither stored nor logged.

use std::sync::Arc;

use anyhow::Context as _;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use telemetry::catalogue::span_name;
use telemetry::span;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::entry::{Entry, Started};
use crate::caller::MaybeCaller;
use crate::clock::now_ms;
use crate::context::{AppState, Context, Own};
use crate::error::{ApiError, ErrorBody};
use crate::extract::Json;
use crate::money::{Amount, Currency, Money};
use crate::order::{OrderStatus, PaymentMode};
use crate::own_order::own_order;
use crate::pipeline::intents::{self, Undecided};
use crate::pipeline::meter::Meter;
use crate::provider::{Charge, ChargeError, PaymentMethod};
use crate::service::Service;
use crate::store::{Intent, IntentChange, IntentStatus, IntentTransitionResult};
use crate::token::Caller;
use crate::warning::RepeatedWarning;

mod body;
mod books;
mod secret;
mod webhook;

use body::{Confirm, Confirmed, CreateIntent, CreatedIntent};
use secret::WebhookSecret;

/// The provider's name in traces.
const PROVIDER: &str = "payment-provider";

pub(super) const SERVICE: Entry =
    Entry::new(Service::Payment, routes).starting(|context| Box::pin(start(context)));

async fn start(context: Arc<Context>) -> anyhow::Result<Started> {
    let secret = context.config.webhook_secret.clone();
    let secret = secret.context("payment needs a secret that signs webhooks")?;
    Ok(Started::with(WebhookSecret(secret)))
}

/// The service's routes.
fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_intent))
        .routes(routes!(confirm))
        .routes(routes!(webhook::receive))
        .merge(books::routes())
}

/// Makes a payment intent, or gives the one that the order has.
#[utoipa::path(
    post,
    path = "/api/payment/create-intent",
    request_body = CreateIntent,
    security((), ("bearer" = [])),
    responses(
        (status = 201, body = CreatedIntent),
        (status = 400, body = ErrorBody, description = "The request cannot be read"),
        (status = 401, body = ErrorBody, description = "The token is not valid, or the order needs one"),
        (status = 403, body = ErrorBody, description = "The order belongs to somebody else"),
        (status = 404, body = ErrorBody, description = "There is no such order"),
        (status = 409, body = ErrorBody, description = "The order cannot be paid by an intent"),
        (status = 413, body = ErrorBody, description = "The body is too large"),
        (status = 415, body = ErrorBody, description = "The body is not JSON"),
        (status = 422, body = ErrorBody, description = "A value is not acceptable"),
        (status = 503, body = ErrorBody, description = "Something behind the service is down"),
    )
)]
async fn create_intent(
    State(state): State<AppState>,
    Own(webhook_secret): Own<WebhookSecret>,
    MaybeCaller(caller): MaybeCaller,
    headers: HeaderMap,
    Json(request): Json<CreateIntent>,
) -> Result<(StatusCode, axum::Json<CreatedIntent>), ApiError> {
    let (order_id, amount) = match request {
        CreateIntent::ForOrder(wanted) => {
            let amount = payable_amount(&state, wanted.order_id, &headers).await?;
            (Some(wanted.order_id), amount)
        }
        CreateIntent::ForAmount(wanted) => {
            let minor = wanted.amount.minor();
            if minor == 0 {
                return Err(ApiError::invalid("`amount` must be at least 0.01"));
            }
            (None, Money::new(minor, wanted.currency.unwrap_or_default()))
        }
    };
    let now = now_ms();
    let ttl_ms = i64::try_from(state.context.config.intent_ttl.as_millis()).unwrap_or(i64::MAX);
    let intent = Intent {
        id: format!("pi_{}", Uuid::new_v4().simple()),
        order_id,
        owner: caller.map(|caller| caller.subject),
        amount,
        status: IntentStatus::RequiresConfirmation,
        reason: None,
        provider_charge_id: None,
        created_at_ms: now,
        expires_at_ms: now.saturating_add(ttl_ms),
    };
    let intent = state.context.stores.intents.create(intent).await?;
    let client_secret = secret::of(&webhook_secret, &intent.id);
    Ok((
        StatusCode::CREATED,
        axum::Json(CreatedIntent::new(&intent, client_secret)),
    ))
}

/// What the payment service reads of an order.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderToPay {
    status: OrderStatus,
    total: Amount,
    currency: Currency,
    payment: PaymentMode,
}

/// What the order costs, if the caller may see it and it can be paid by an intent.
async fn payable_amount(
    state: &AppState,
    order_id: Uuid,
    headers: &HeaderMap,
) -> Result<Money, ApiError> {
    let order: OrderToPay = own_order(&state.context.peers, order_id, headers).await?;
    if order.payment != PaymentMode::Intent {
        let message = "the order is charged automatically; make it with `\"payment\": \"intent\"`";
        return Err(ApiError::conflict("paid_automatically", message));
    }
    if order.status != OrderStatus::Pending {
        let message = format!("the order is {} and cannot be paid", order.status);
        return Err(ApiError::conflict("order_not_payable", message));
    }
    if order.total.minor() == 0 {
        return Err(ApiError::conflict(
            "nothing_to_pay",
            "the order costs nothing",
        ));
    }
    Ok(Money::new(order.total.minor(), order.currency))
}

/// Confirms an intent: charges it. Safe to repeat.
#[utoipa::path(
    post,
    path = "/api/payment/confirm",
    request_body = Confirm,
    security((), ("bearer" = [])),
    responses(
        (status = 200, body = Confirmed),
        (status = 400, body = ErrorBody, description = "The request cannot be read"),
        (status = 401, body = ErrorBody, description = "The token is not valid"),
        (status = 402, body = ErrorBody, description = "The card was declined; `declineReason` says why"),
        (status = 403, body = ErrorBody, description = "The intent belongs to somebody else"),
        (status = 404, body = ErrorBody, description = "There is no such intent"),
        (status = 409, body = ErrorBody, description = "The intent was called off"),
        (status = 413, body = ErrorBody, description = "The body is too large"),
        (status = 415, body = ErrorBody, description = "The body is not JSON"),
        (status = 422, body = ErrorBody, description = "The payment method is not acceptable"),
        (status = 503, body = ErrorBody, description = "Something behind the service is down"),
    )
)]
async fn confirm(
    State(state): State<AppState>,
    Own(webhook_secret): Own<WebhookSecret>,
    MaybeCaller(caller): MaybeCaller,
    Json(request): Json<Confirm>,
) -> Result<axum::Json<Confirmed>, ApiError> {
    let store = &state.context.stores.intents;
    let intent = store
        .get(request.intent_id.clone(), now_ms())
        .await?
        .ok_or_else(|| ApiError::not_found("there is no such intent, or it has lapsed"))?;
    check_owner(&webhook_secret, &intent, caller.as_ref(), &request)?;
    let method = request.payment_method.into_method()?;
    let intent = match begin(&state, &intent.id).await? {
        // A repetition, or the second of two at once: the provider's key makes them one charge.
        IntentTransitionResult::Done(intent)
        | IntentTransitionResult::Refused(intent)
        | IntentTransitionResult::Duplicate(intent) => intent,
        IntentTransitionResult::NotFound => {
            return Err(ApiError::not_found("the intent has lapsed"));
        }
    };
    let intent = match intent.status {
        IntentStatus::Processing => charge(&state, intent, method).await?,
        _ => intent,
    };
    answer(intent)
}

/// An intent with an owner is confirmed by its owner, or by whoever was given its client secret.
fn check_owner(
    webhook_secret: &WebhookSecret,
    intent: &Intent,
    caller: Option<&Caller>,
    request: &Confirm,
) -> Result<(), ApiError> {
    if let Some(given) = &request.client_secret {
        let expected = secret::of(webhook_secret, &intent.id);
        return match crate::secret::same(expected.as_bytes(), given.as_bytes()) {
            true => Ok(()),
            false => Err(ApiError::forbidden("`clientSecret` is not the intent's")),
        };
    }
    let Some(owner) = &intent.owner else {
        return Ok(());
    };
    match caller {
        Some(caller) if caller.is_admin() || caller.subject == *owner => Ok(()),
        Some(_) => Err(ApiError::forbidden("the intent belongs to somebody else")),
        None => Err(ApiError::unauthorized(
            "the intent needs its owner's token or its `clientSecret`",
        )),
    }
}

async fn begin(state: &AppState, intent_id: &str) -> Result<IntentTransitionResult, ApiError> {
    let change = IntentChange {
        id: intent_id.to_owned(),
        from: vec![IntentStatus::RequiresConfirmation],
        to: IntentStatus::Processing,
        reason: None,
        provider_charge_id: None,
        webhook_event_id: None,
        now_ms: now_ms(),
    };
    Ok(state.context.stores.intents.change(change).await?)
}

/// Asks the provider and settles the intent by its answer.
async fn charge(
    state: &AppState,
    intent: Intent,
    method: PaymentMethod,
) -> Result<Intent, ApiError> {
    let context = &state.context;
    let meter = Meter::new(state.observer().registry.clone());
    let charge = Charge {
        idempotency_key: intents::charge_key(&intent.id),
        amount_minor: intent.amount.amount.minor(),
        currency: intent.amount.currency.code().to_owned(),
        method,
        wanted_since_ms: intent.created_at_ms,
    };
    let span = span::external(span_name::PAYMENT_PROCESS_EXTERNAL, PROVIDER);
    let moved = match span.run(context.resources.payments.charge(charge)).await {
        Ok(charged) => intents::succeed(context, &intent, &charged, None).await,
        Err(ChargeError::Declined(reason)) => {
            meter.payment_failed(reason.as_str());
            intents::fail(context, &intent, reason.as_str(), None).await
        }
        Err(ChargeError::Invalid(message)) => {
            intents::reopen(context, &intent).await?;
            return Err(ApiError::invalid(format!("`paymentMethod`: {message}")));
        }
        Err(error @ ChargeError::Unavailable(_)) => {
            span.fail("unavailable", &error.to_string());
            return Err(Undecided::from(error).into());
        }
    };
    match moved? {
        IntentTransitionResult::Done(intent)
        | IntentTransitionResult::Refused(intent)
        | IntentTransitionResult::Duplicate(intent) => Ok(intent),
        // Only a sweep of long-lapsed intents could have taken it; what was charged stays charged.
        IntentTransitionResult::NotFound => Ok(intent),
    }
}

fn answer(intent: Intent) -> Result<axum::Json<Confirmed>, ApiError> {
    match intent.status {
        IntentStatus::Succeeded => Ok(axum::Json(Confirmed::new(&intent))),
        IntentStatus::Failed => {
            let reason = intent.reason.unwrap_or_default();
            Err(ApiError::new(
                StatusCode::PAYMENT_REQUIRED,
                "card_declined",
                "the card was declined",
            )
            .with_decline_reason(reason))
        }
        IntentStatus::Cancelled => Err(ApiError::conflict(
            "intent_cancelled",
            "the intent was called off",
        )),
        IntentStatus::Processing | IntentStatus::RequiresConfirmation => Err(
            ApiError::unavailable("the payment is not decided yet; confirm again shortly"),
        ),
    }
}

impl From<Undecided> for ApiError {
    fn from(error: Undecided) -> Self {
        static TROUBLE: RepeatedWarning = RepeatedWarning::new();
        TROUBLE.failed(|suppressed| {
            tracing::warn!(%error, suppressed, "a payment is not decided yet");
        });
        ApiError::unavailable("the payment is not decided yet; confirm again shortly")
    }
}
