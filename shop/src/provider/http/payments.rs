//! Payments over an API in the shape of Stripe's: payment intents that are confirmed at once, charges, refunds.
//!
//! A charge happens once for two reasons. The provider answers a repeated `Idempotency-Key` as it did the first time, for a day at
//! least; and for payments that the shop began longer ago, it is asked for an earlier charge first. That look-up goes by
//! `transfer_group`, which lists of charges can be filtered by and which, unlike a search, shows what was charged a moment ago.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::StatusCode;
use serde_json::Value;

use super::{Answer, Caller, NoAnswer, PaymentAddress, passes, reason};
use crate::clock::now_ms;
use crate::fault::{Faults, Point};
use crate::page::Page;
use crate::provider::{
    BookedCharge, Charge, ChargeError, ChargeOutcome, Charged, DeclineReason, PaymentMethod,
    PaymentProvider, RefundError, Refunded,
};

/// Providers remember keys for a day; from half of it on the shop looks for itself.
const KEY_MEMORY: Duration = Duration::from_secs(12 * 60 * 60);
/// Charges on a page of the provider's list, and the most that one payment's attempts can be.
const PAGE_MAX: u32 = 100;

/// A payment provider over HTTP.
pub struct HttpPayments {
    caller: Caller,
    on_file: String,
}

impl HttpPayments {
    /// Connections to the provider; nothing is sent yet.
    pub fn new(address: &PaymentAddress) -> anyhow::Result<Self> {
        Ok(Self {
            caller: Caller::new(
                "PAYMENT_PROVIDER",
                &address.url,
                address.key.as_ref(),
                Point::PaymentCall,
            )?,
            on_file: address.on_file.clone(),
        })
    }

    /// Lets faults act on what the provider is asked.
    #[must_use]
    pub fn with_faults(mut self, faults: &Faults) -> Self {
        self.caller.faults = faults.clone();
        self
    }

    fn form(&self, charge: &Charge) -> Vec<(&'static str, String)> {
        let mut form = vec![
            ("amount", charge.amount_minor.to_string()),
            ("currency", charge.currency.to_ascii_lowercase()),
            ("confirm", "true".to_owned()),
            ("error_on_requires_action", "true".to_owned()),
            ("payment_method_types[]", "card".to_owned()),
            ("expand[]", "latest_charge".to_owned()),
            ("metadata[idempotency_key]", charge.idempotency_key.clone()),
            ("transfer_group", charge.idempotency_key.clone()),
        ];
        match &charge.method {
            PaymentMethod::OnFile => {
                form.push(("off_session", "true".to_owned()));
                form.push(("payment_method", self.on_file.clone()));
            }
            PaymentMethod::Token(token) => form.push(("payment_method", token.clone())),
            PaymentMethod::Card(card) => {
                let field = "payment_method_data[card][number]";
                form.push(("payment_method_data[type]", "card".to_owned()));
                form.push((field, card.number().to_owned()));
                let field = "payment_method_data[card][exp_month]";
                form.push((field, card.exp_month().to_string()));
                let field = "payment_method_data[card][exp_year]";
                form.push((field, card.exp_year().to_string()));
                let cvc = card.cvc().map(str::to_owned);
                form.extend(cvc.map(|cvc| ("payment_method_data[card][cvc]", cvc)));
            }
        }
        form
    }

    /// What an earlier charge under the same key came to. It must have been for the same amount; another card is fine.
    async fn earlier(&self, charge: &Charge) -> Result<Option<Charged>, ChargeError> {
        let charges = self.charges_of(&charge.idempotency_key).await?;
        let same = charges.iter().all(|booked| {
            booked["amount"] == charge.amount_minor
                && text(&booked["currency"]).eq_ignore_ascii_case(&charge.currency)
        });
        if !same {
            let message = "the idempotency key was used for another amount";
            return Err(ChargeError::Invalid(message.to_owned()));
        }
        outcome(&charges).transpose().map_err(ChargeError::Declined)
    }

    /// Attempts under a key, newest first.
    async fn charges_of(&self, key: &str) -> Result<Vec<Value>, ChargeError> {
        let query = [
            ("transfer_group", key.to_owned()),
            ("limit", PAGE_MAX.to_string()),
        ];
        let request = self.caller.get("/v1/charges").query(&query);
        let mut answer = success(self.caller.call(request).await?)?;
        match answer.body["data"].take() {
            Value::Array(charges) => Ok(charges),
            _ => Err(ChargeError::Unavailable("it listed no charges".to_owned())),
        }
    }

    /// The refund that was made before.
    async fn earlier_refund(&self, charge_id: &str) -> Result<Refunded, RefundError> {
        let query = [("charge", charge_id), ("limit", "1")];
        let request = self.caller.get("/v1/refunds").query(&query);
        let answer = self.caller.call(request).await.map_err(unavailable)?;
        match answer.body["data"][0]["id"].as_str() {
            Some(id) if answer.status.is_success() => Ok(Refunded {
                refund_id: id.to_owned(),
            }),
            _ => Err(RefundError::Unavailable(reason(answer.status))),
        }
    }
}

#[async_trait]
impl PaymentProvider for HttpPayments {
    async fn charge(&self, charge: Charge) -> Result<Charged, ChargeError> {
        let age_ms = now_ms().saturating_sub(charge.wanted_since_ms).max(0);
        if u128::from(age_ms.unsigned_abs()) > KEY_MEMORY.as_millis()
            && let Some(earlier) = self.earlier(&charge).await?
        {
            return Ok(earlier);
        }
        let request = self
            .caller
            .post("/v1/payment_intents", &charge.idempotency_key)
            .form(&self.form(&charge));
        let answer = self.caller.call(request).await?;
        let error = &answer.body["error"];
        // Only of a finished call: one that is still under way answers 409.
        if error["type"] == "idempotency_error" && answer.status == StatusCode::BAD_REQUEST {
            // Without a trace of the first call there is nothing to go by; it shows up in a moment.
            let first = self.earlier(&charge).await?;
            return first.ok_or_else(|| {
                ChargeError::Unavailable("the key is taken, but no charge is listed".to_owned())
            });
        }
        if error["type"] == "card_error" {
            return Err(ChargeError::Declined(decline_reason(error)));
        }
        charged(&success(answer)?.body)
    }

    async fn lookup(&self, idempotency_key: &str) -> Result<Option<ChargeOutcome>, ChargeError> {
        Ok(outcome(&self.charges_of(idempotency_key).await?))
    }

    async fn refund(&self, charge_id: &str) -> Result<Refunded, RefundError> {
        let request = self
            .caller
            .post("/v1/refunds", &format!("refund:{charge_id}"))
            .form(&[("charge", charge_id)]);
        let answer = self.caller.call(request).await.map_err(unavailable)?;
        match text(&answer.body["error"]["code"]) {
            "charge_already_refunded" => return self.earlier_refund(charge_id).await,
            "resource_missing" => return Err(RefundError::UnknownCharge(charge_id.to_owned())),
            _ => {}
        }
        match (answer.body["id"].as_str(), text(&answer.body["status"])) {
            (Some(id), "succeeded" | "pending") if answer.status.is_success() => Ok(Refunded {
                refund_id: id.to_owned(),
            }),
            _ => Err(RefundError::Unavailable(reason(answer.status))),
        }
    }

    async fn books(
        &self,
        since_ms: i64,
        after: Option<String>,
        limit: u32,
    ) -> Result<Page<BookedCharge, String>, ChargeError> {
        let mut query = vec![
            ("created[gte]", (since_ms / 1_000).to_string()),
            ("limit", limit.clamp(1, PAGE_MAX).to_string()),
        ];
        query.extend(after.map(|after| ("starting_after", after)));
        let request = self.caller.get("/v1/charges").query(&query);
        let answer = success(self.caller.call(request).await?)?;
        let Some(list) = answer.body["data"].as_array() else {
            return Err(ChargeError::Unavailable("it listed no charges".to_owned()));
        };
        let last = list.last().and_then(|charge| charge["id"].as_str());
        let more = answer.body["has_more"] == true;
        Ok(Page {
            // Failed attempts are charges, too, but took nothing.
            items: list.iter().filter(is_success).map(booked).collect(),
            next: last.filter(|_| more).map(str::to_owned),
        })
    }
}

impl From<NoAnswer> for ChargeError {
    fn from(NoAnswer(cause): NoAnswer) -> Self {
        ChargeError::Unavailable(cause)
    }
}

fn unavailable(NoAnswer(cause): NoAnswer) -> RefundError {
    RefundError::Unavailable(cause)
}

/// An answer that is no error. Of an error only its code is told: its message may repeat what was sent.
fn success(answer: Answer) -> Result<Answer, ChargeError> {
    if answer.status.is_success() {
        return Ok(answer);
    }
    if passes(answer.status) {
        return Err(ChargeError::Unavailable(reason(answer.status)));
    }
    let error = &answer.body["error"];
    let code = error["code"].as_str().unwrap_or("no reason given");
    let parameter = error["param"].as_str().unwrap_or("a value");
    Err(ChargeError::Invalid(format!("{parameter}: {code}")))
}

/// The payment intent after its confirmation.
fn charged(intent: &Value) -> Result<Charged, ChargeError> {
    match text(&intent["status"]) {
        "succeeded" => Ok(of_charge(&intent["latest_charge"])),
        "requires_payment_method" | "requires_action" | "canceled" => {
            let reason = decline_reason(&intent["last_payment_error"]);
            Err(ChargeError::Declined(reason))
        }
        _ => Err(ChargeError::Unavailable(
            "the charge is not decided yet".to_owned(),
        )),
    }
}

/// A charge, whole or by its name alone.
fn of_charge(charge: &Value) -> Charged {
    let id = charge.as_str().or_else(|| charge["id"].as_str());
    Charged {
        charge_id: id.unwrap_or_default().to_owned(),
        last4: charge["payment_method_details"]["card"]["last4"]
            .as_str()
            .map(str::to_owned),
    }
}

fn is_success(charge: &&Value) -> bool {
    charge["status"] == "succeeded"
}

/// What attempts came to: the one that went through, else why the newest did not.
fn outcome(charges: &[Value]) -> Option<ChargeOutcome> {
    match charges.iter().find(is_success) {
        Some(charge) => Some(Ok(of_charge(charge))),
        None => charges.first().map(|failed| {
            let word = [&failed["outcome"]["reason"], &failed["failure_code"]]
                .into_iter()
                .find_map(Value::as_str);
            Err(DeclineReason::from_word(word.unwrap_or_default()))
        }),
    }
}

fn booked(charge: &Value) -> BookedCharge {
    let key = charge["transfer_group"]
        .as_str()
        .or_else(|| charge["metadata"]["idempotency_key"].as_str());
    BookedCharge {
        idempotency_key: key.unwrap_or_default().to_owned(),
        charge_id: text(&charge["id"]).to_owned(),
        amount_minor: charge["amount"].as_i64().unwrap_or(0),
        currency: text(&charge["currency"]).to_ascii_uppercase(),
        refunded: charge["refunded"] == true,
    }
}

/// The bank's word if there is one, else the provider's.
fn decline_reason(error: &Value) -> DeclineReason {
    let word = error["decline_code"]
        .as_str()
        .or_else(|| error["code"].as_str());
    DeclineReason::from_word(word.unwrap_or_default())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
