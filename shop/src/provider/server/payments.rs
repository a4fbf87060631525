//! Payment intents, charges and refunds in the shape of Stripe's API.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::form::Form;
use super::{PaymentFailure, ProviderState, has_key, idempotency_key};
use crate::clock::now_ms;
use crate::provider::simulated::{Attempt, Attempts};
use crate::provider::{
    Card, Charge, ChargeError, Charged, DeclineReason, PaymentMethod, PaymentProvider, RefundError,
};
use crate::warning::RepeatedWarning;

/// Charges on a page.
const PAGE_MAX: u32 = 100;
const PAGE_DEFAULT: u32 = 10;

type Answer = Result<Json<Value>, PaymentFailure>;

/// `POST /v1/payment_intents`: made and confirmed in one call.
pub(super) async fn create(
    State(provider): State<ProviderState>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    check_key(&provider, &headers)?;
    let charge = charge_of(&headers, &Form::read(&String::from_utf8_lossy(&body)))?;
    let intent = Intent::of(&charge);
    match provider.simulated.charge(charge).await {
        Ok(charged) => {
            let answer = intent.succeeded(&charged);
            provider.tell("payment_intent.succeeded", &intent.key, answer.clone());
            Ok(Json(answer))
        }
        Err(ChargeError::Declined(reason)) => {
            let failed = intent.failed(reason);
            provider.tell("payment_intent.payment_failed", &intent.key, failed.clone());
            let mut error = decline(reason);
            error["payment_intent"] = failed;
            let status = StatusCode::PAYMENT_REQUIRED;
            Err(PaymentFailure { status, error })
        }
        Err(ChargeError::Invalid(_)) => Err(refused(&provider, &intent.key).await),
        Err(ChargeError::Unavailable(_)) => Err(PaymentFailure::down()),
    }
}

/// The key was used for another amount, or the method is not known.
async fn refused(provider: &ProviderState, key: &str) -> PaymentFailure {
    match provider.simulated.lookup(key).await {
        Ok(Some(_)) => {
            let status = StatusCode::BAD_REQUEST;
            PaymentFailure::new(status, "idempotency_error", "idempotency_error", "")
        }
        Ok(None) => PaymentFailure::invalid("resource_missing", "payment_method"),
        Err(_) => PaymentFailure::down(),
    }
}

/// `GET /v1/charges`: every attempt, newest first.
pub(super) async fn charges(
    State(provider): State<ProviderState>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    check_key(&provider, &headers)?;
    let query = Form::read(&query.unwrap_or_default());
    let limit = query.number("limit").unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(PaymentFailure::invalid(
            "parameter_invalid_integer",
            "limit",
        ));
    }
    let since_s: i64 = query.number("created[gte]").unwrap_or(0);
    let which = Attempts {
        key: query.get("transfer_group").map(str::to_owned),
        charge_id: None,
        before: query.get("starting_after").map(str::to_owned),
        since_ms: since_s.saturating_mul(1_000),
        limit: limit + 1,
    };
    let mut attempts = attempts(&provider, which).await?;
    let has_more = attempts.len() > limit as usize;
    attempts.truncate(limit as usize);
    let data: Vec<Value> = attempts.iter().map(charge_json).collect();
    Ok(Json(
        json!({ "object": "list", "url": "/v1/charges", "has_more": has_more, "data": data }),
    ))
}

/// `POST /v1/refunds`: all the money of a charge.
pub(super) async fn refund(
    State(provider): State<ProviderState>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    check_key(&provider, &headers)?;
    let form = Form::read(&String::from_utf8_lossy(&body));
    let charge_id = form
        .get("charge")
        .ok_or_else(|| PaymentFailure::invalid("parameter_missing", "charge"))?;
    match provider.simulated.refund(charge_id).await {
        Ok(refunded) => {
            let attempt = attempt(&provider, charge_id).await?;
            if let Some(attempt) = &attempt {
                provider.tell("charge.refunded", charge_id, charge_json(attempt));
            }
            Ok(Json(json!({
                "id": refunded.refund_id,
                "object": "refund",
                "charge": charge_id,
                "amount": attempt.map(|attempt| attempt.amount_minor),
                "status": "succeeded",
            })))
        }
        Err(RefundError::UnknownCharge(_)) => {
            Err(PaymentFailure::invalid("resource_missing", "charge"))
        }
        Err(RefundError::Unavailable(_)) => Err(PaymentFailure::down()),
    }
}

/// `GET /v1/refunds?charge=`: the refund of a charge, if there is one.
pub(super) async fn refunds(
    State(provider): State<ProviderState>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    check_key(&provider, &headers)?;
    let query = Form::read(&query.unwrap_or_default());
    let charge_id = query
        .get("charge")
        .ok_or_else(|| PaymentFailure::invalid("parameter_missing", "charge"))?;
    let refund = attempt(&provider, charge_id)
        .await?
        .and_then(|attempt| attempt.refund_id);
    let data: Vec<Value> = refund
        .iter()
        .map(|id| json!({ "id": id, "object": "refund", "charge": charge_id, "status": "succeeded" }))
        .collect();
    Ok(Json(
        json!({ "object": "list", "url": "/v1/refunds", "has_more": false, "data": data }),
    ))
}

fn check_key(provider: &ProviderState, headers: &HeaderMap) -> Result<(), PaymentFailure> {
    match has_key(headers, provider.setup.payment_key.as_ref()) {
        true => Ok(()),
        false => Err(PaymentFailure::new(
            StatusCode::UNAUTHORIZED,
            "invalid_request_error",
            "api_key_invalid",
            "",
        )),
    }
}

async fn attempts(
    provider: &ProviderState,
    which: Attempts,
) -> Result<Vec<Attempt>, PaymentFailure> {
    let attempts = provider.simulated.attempts(which).await;
    attempts.map_err(|error| {
        static TROUBLE: RepeatedWarning = RepeatedWarning::new();
        TROUBLE.failed(|suppressed| {
            tracing::error!(%error, suppressed, "the books cannot be read");
        });
        PaymentFailure::down()
    })
}

async fn attempt(
    provider: &ProviderState,
    charge_id: &str,
) -> Result<Option<Attempt>, PaymentFailure> {
    let which = Attempts {
        charge_id: Some(charge_id.to_owned()),
        limit: 1,
        ..Attempts::default()
    };
    Ok(attempts(provider, which).await?.pop())
}

/// The charge that a form asks for.
fn charge_of(headers: &HeaderMap, form: &Form) -> Result<Charge, PaymentFailure> {
    if form.get("confirm") != Some("true") {
        return Err(PaymentFailure::invalid("parameter_missing", "confirm"));
    }
    let amount_minor = form
        .number("amount")
        .filter(|amount: &i64| *amount > 0)
        .ok_or_else(|| PaymentFailure::invalid("parameter_invalid_integer", "amount"))?;
    let currency = form
        .get("currency")
        .filter(|code| code.len() == 3)
        .ok_or_else(|| PaymentFailure::invalid("parameter_missing", "currency"))?;
    let key = idempotency_key(headers).map(str::to_owned);
    Ok(Charge {
        // Who gives no key wants another charge each time.
        idempotency_key: key.unwrap_or_else(|| format!("none:{}", Uuid::now_v7())),
        amount_minor,
        currency: currency.to_ascii_uppercase(),
        method: method_of(form)?,
        wanted_since_ms: now_ms(),
    })
}

fn method_of(form: &Form) -> Result<PaymentMethod, PaymentFailure> {
    if let Some(number) = form.get("payment_method_data[card][number]") {
        let field = |name: &str| {
            let name = format!("payment_method_data[card][{name}]");
            form.number(&name).unwrap_or(0)
        };
        let cvc = form.get("payment_method_data[card][cvc]");
        return Card::parse(number, field("exp_month"), field("exp_year"), cvc)
            .map(PaymentMethod::Card)
            .map_err(|_| PaymentFailure::invalid("incorrect_number", "payment_method_data"));
    }
    if form.get("off_session") == Some("true") {
        return Ok(PaymentMethod::OnFile);
    }
    form.get("payment_method")
        .map(|token| PaymentMethod::Token(token.to_owned()))
        .ok_or_else(|| PaymentFailure::invalid("parameter_missing", "payment_method"))
}

/// What stays of a charge for its answer.
struct Intent {
    id: String,
    key: String,
    amount_minor: i64,
    currency: String,
}

impl Intent {
    fn of(charge: &Charge) -> Self {
        Self {
            id: crate::provider::simulated::name("pi", &charge.idempotency_key),
            key: charge.idempotency_key.clone(),
            amount_minor: charge.amount_minor,
            currency: charge.currency.to_ascii_lowercase(),
        }
    }

    fn json(&self, status: &str) -> Value {
        json!({
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount_minor,
            "currency": self.currency,
            "status": status,
            "latest_charge": null,
            "last_payment_error": null,
            "transfer_group": self.key,
            "metadata": { "idempotency_key": self.key },
        })
    }

    fn succeeded(&self, charged: &Charged) -> Value {
        let mut intent = self.json("succeeded");
        intent["latest_charge"] = json!({
            "id": charged.charge_id,
            "object": "charge",
            "payment_method_details": { "card": { "last4": charged.last4 } },
        });
        intent
    }

    fn failed(&self, reason: DeclineReason) -> Value {
        let mut intent = self.json("requires_payment_method");
        intent["last_payment_error"] = decline(reason);
        intent
    }
}

/// Some reasons are codes of their own, the rest are the bank's.
fn decline(reason: DeclineReason) -> Value {
    let code = match reason {
        DeclineReason::Generic | DeclineReason::InsufficientFunds => "card_declined",
        own => own.as_str(),
    };
    json!({
        "type": "card_error",
        "code": code,
        "decline_code": reason.as_str(),
        "message": "Your card was declined.",
    })
}

fn charge_json(attempt: &Attempt) -> Value {
    json!({
        "id": attempt.charge_id,
        "object": "charge",
        "amount": attempt.amount_minor,
        "amount_refunded": attempt.refund_id.as_ref().map_or(0, |_| attempt.amount_minor),
        "currency": attempt.currency.to_ascii_lowercase(),
        "created": attempt.created_at_ms / 1_000,
        "status": if attempt.decline_reason.is_some() { "failed" } else { "succeeded" },
        "refunded": attempt.refund_id.is_some(),
        "failure_code": attempt.decline_reason,
        "outcome": { "reason": attempt.decline_reason },
        "payment_method_details": { "card": { "last4": attempt.last4 } },
        "transfer_group": attempt.idempotency_key,
        "metadata": { "idempotency_key": attempt.idempotency_key },
    })
}

impl ProviderState {
    /// Tells the shop, if it wants to be told. `about` makes the same event the same at every telling.
    fn tell(&self, kind: &str, about: &str, mut object: Value) {
        let Some(webhooks) = &self.webhooks else {
            return;
        };
        // Answers can be asked to show the whole charge; events name it.
        if let Some(id) = object["latest_charge"]["id"].as_str().map(str::to_owned) {
            object["latest_charge"] = json!(id);
        }
        webhooks.tell(&json!({
            "id": crate::provider::simulated::name("evt", &format!("{kind}:{about}")),
            "object": "event",
            "type": kind,
            "created": now_ms() / 1_000,
            "data": { "object": object },
        }));
    }
}
