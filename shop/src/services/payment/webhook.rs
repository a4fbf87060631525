//! What the payment provider tells the shop: signed, remembered, harmless when repeated.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::secret::WebhookSecret;
use crate::clock::now_ms;
use crate::context::{AppState, Own};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{body_error, json_body};
use crate::pipeline::intents::{self, Undecided};
use crate::provider::{Charged, DeclineReason, signature};
use crate::store::{Intent, IntentTransitionResult};

/// The shop's own name for the header, and that of a well-known provider.
const SIGNATURE_HEADERS: [&str; 2] = ["webhook-signature", "stripe-signature"];
/// Longest event id that is remembered.
const EVENT_ID_BYTES_MAX: usize = 200;
/// Reason of a failed intent when the provider gives none.
const REASON_UNKNOWN: &str = "generic_decline";

/// An event of the provider; fields that the shop does not use are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct WebhookEvent {
    /// The provider's id of the event.
    #[schema(min_length = 1, max_length = 200)]
    id: String,
    /// What happened: `payment_intent.succeeded`, `payment_intent.payment_failed`, `charge.refunded`; others are taken note of.
    #[serde(rename = "type")]
    kind: String,
    /// To what.
    data: WebhookData,
}

/// The subject of an event.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct WebhookData {
    /// The intent or charge.
    object: WebhookObject,
}

/// An intent or a charge, as far as the shop needs it.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct WebhookObject {
    /// The shop's id of the intent, or the provider's own when `metadata` names the shop's.
    id: String,
    /// The provider's id of the charge.
    #[serde(default)]
    latest_charge: Option<String>,
    /// Why a payment failed.
    #[serde(default)]
    decline_code: Option<String>,
    /// Why the last attempt failed, as the provider's own intents say it.
    #[serde(default)]
    last_payment_error: Option<PaymentError>,
    /// What the shop gave along with the charge.
    #[serde(default)]
    metadata: Metadata,
}

/// Why a payment failed.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct PaymentError {
    /// The provider's word.
    #[serde(default)]
    code: Option<String>,
    /// The bank's word.
    #[serde(default)]
    decline_code: Option<String>,
}

/// What the shop gave along with a charge.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct Metadata {
    /// The key of the charge, which names the intent.
    #[serde(default)]
    idempotency_key: Option<String>,
}

impl WebhookObject {
    /// The shop's id of the intent.
    fn intent_id(&self) -> &str {
        let key = self.metadata.idempotency_key.as_deref();
        key.and_then(intents::intent_of_key).unwrap_or(&self.id)
    }

    fn decline_word(&self) -> &str {
        let error = self.last_payment_error.as_ref();
        self.decline_code
            .as_deref()
            .or_else(|| error?.decline_code.as_deref())
            .or_else(|| error?.code.as_deref())
            .unwrap_or(REASON_UNKNOWN)
    }
}

/// The shop's answer to an event.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Receipt {
    /// Always true.
    received: bool,
    /// Whether the event had been received before.
    duplicate: bool,
}

/// Takes an event of the payment provider.
#[utoipa::path(
    post,
    path = "/api/payment/webhook",
    params(("Webhook-Signature" = String, Header, description = "`t=<unix seconds>,v1=<hex HMAC-SHA-256 of \"t.body\">`; `Stripe-Signature` is read as well")),
    request_body = WebhookEvent,
    responses(
        (status = 200, body = Receipt),
        (status = 400, body = ErrorBody, description = "The body is signed but cannot be read"),
        (status = 401, body = ErrorBody, description = "The signature is missing or wrong"),
        (status = 413, body = ErrorBody, description = "The body is too large"),
        (status = 422, body = ErrorBody, description = "The body is signed but does not fit"),
        (status = 503, body = ErrorBody, description = "Something behind the service is down"),
    )
)]
pub(super) async fn receive(
    State(state): State<AppState>,
    Own(secret): Own<WebhookSecret>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<axum::Json<Receipt>, ApiError> {
    let body = body.map_err(body_error)?;
    check_signature(&secret, &headers, &body)?;
    let event = parse(&body)?;
    let duplicate = apply(&state, event).await?;
    Ok(axum::Json(Receipt {
        received: true,
        duplicate,
    }))
}

fn check_signature(
    WebhookSecret(secret): &WebhookSecret,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), ApiError> {
    let given = SIGNATURE_HEADERS
        .iter()
        .find_map(|name| headers.get(*name))
        .and_then(|value| value.to_str().ok())
        .ok_or_else(|| {
            refused("the header Webhook-Signature (or Stripe-Signature) is missing".to_owned())
        })?;
    signature::verify(secret.expose().as_bytes(), given, body, now_ms() / 1_000)
        .map_err(|error| refused(error.to_string()))
}

fn refused(message: String) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "invalid_signature", message)
}

fn parse(body: &[u8]) -> Result<WebhookEvent, ApiError> {
    let event: WebhookEvent = json_body(body)?;
    match (1..=EVENT_ID_BYTES_MAX).contains(&event.id.len()) {
        true => Ok(event),
        false => Err(ApiError::invalid(format!(
            "`id` must have 1 to {EVENT_ID_BYTES_MAX} bytes"
        ))),
    }
}

/// True when the event had been received before. Events that change nothing are acknowledged all the
/// same: the provider would only repeat them.
async fn apply(state: &AppState, event: WebhookEvent) -> Result<bool, ApiError> {
    let object = event.data.object;
    let store = &state.context.stores.intents;
    let Some(intent) = store.get(object.intent_id().to_owned(), now_ms()).await? else {
        tracing::info!(event_type = event.kind, "an event about an unknown intent");
        return Ok(false);
    };
    let moved = match event.kind.as_str() {
        "payment_intent.succeeded" => succeed(state, &intent, object, event.id).await?,
        "payment_intent.payment_failed" => {
            let reason = DeclineReason::from_word(object.decline_word()).as_str();
            intents::fail(&state.context, &intent, reason, Some(event.id)).await?
        }
        _ => return Ok(false),
    };
    Ok(matches!(moved, IntentTransitionResult::Duplicate(_)))
}

async fn succeed(
    state: &AppState,
    intent: &Intent,
    object: WebhookObject,
    event_id: String,
) -> Result<IntentTransitionResult, Undecided> {
    let context = &state.context;
    // The provider's own books name the charge best.
    let key = intents::charge_key(&intent.id);
    let charged = match context.resources.payments.lookup(&key).await? {
        Some(Ok(charged)) => charged,
        _ => Charged {
            charge_id: object
                .latest_charge
                .unwrap_or_else(|| format!("webhook:{event_id}")),
            last4: None,
        },
    };
    intents::succeed(context, intent, &charged, Some(event_id)).await
}
