//! What the payment service reads and answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::money::{Amount, Currency};
use crate::provider::{Card, PaymentMethod};
use crate::store::Intent;

/// What an intent is for: an order, or a bare amount.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(
    untagged,
    expecting = "expected {\"orderId\": …} or {\"amount\": …, \"currency\": …}"
)]
pub(super) enum CreateIntent {
    /// The whole amount of an order.
    ForOrder(IntentForOrder),
    /// An amount without an order.
    ForAmount(IntentForAmount),
}

/// Pays an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct IntentForOrder {
    /// An order that was made with `"payment": "intent"`.
    pub(super) order_id: Uuid,
}

/// Pays an amount.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct IntentForAmount {
    /// In major units.
    #[schema(value_type = f64, minimum = 0.01, maximum = 10_000_000, multiple_of = 0.01, example = 99.99)]
    pub(super) amount: Amount,
    /// USD unless said otherwise.
    #[serde(default)]
    pub(super) currency: Option<Currency>,
}

/// An intent that waits for its confirmation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatedIntent {
    /// Its id.
    id: String,
    /// Lets its bearer confirm the intent.
    client_secret: String,
    /// Where it stands.
    status: &'static str,
    /// What it charges, in major units.
    amount: Amount,
    /// The amount's currency.
    currency: Currency,
    /// The order it pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<Uuid>,
}

impl CreatedIntent {
    pub(super) fn new(intent: &Intent, client_secret: String) -> Self {
        CreatedIntent {
            id: intent.id.clone(),
            client_secret,
            status: intent.status.as_str(),
            amount: intent.amount.amount,
            currency: intent.amount.currency,
            order_id: intent.order_id,
        }
    }
}

/// A confirmation.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Confirm {
    /// The intent.
    #[schema(max_length = 64)]
    pub(super) intent_id: String,
    /// What to charge.
    pub(super) payment_method: Method,
    /// Stands in for the owner's token.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub(super) client_secret: Option<String>,
}

/// What to charge: a token such as `pm_card_visa`, or a card.
#[derive(Deserialize, ToSchema)]
#[serde(
    untagged,
    expecting = "expected a token such as \"pm_card_visa\" or {\"type\": \"card\", …}"
)]
pub(super) enum Method {
    /// A token that the provider gave.
    Token(String),
    /// A card.
    Card(CardDetails),
}

/// A card. It passes to the provider and is not kept.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CardDetails {
    /// Always `card`.
    #[serde(rename = "type")]
    kind: MethodKind,
    /// Digits; blanks and hyphens are ignored.
    #[schema(min_length = 12, max_length = 40, example = "4242424242424242")]
    number: String,
    /// 1 to 12.
    #[schema(minimum = 1, maximum = 12)]
    exp_month: i64,
    /// Four digits.
    #[schema(minimum = 2000, maximum = 2099, example = 2030)]
    exp_year: i64,
    /// Three or four digits.
    #[serde(default)]
    #[schema(pattern = "^[0-9]{3,4}$", example = "123")]
    cvc: Option<String>,
}

/// Kinds of payment methods that are spelt out.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum MethodKind {
    /// A card.
    Card,
}

impl Method {
    /// The method as the provider takes it, or everything that is wrong with it.
    pub(super) fn into_method(self) -> Result<PaymentMethod, ApiError> {
        match self {
            Method::Token(token) => Ok(PaymentMethod::Token(token)),
            Method::Card(details) => {
                let MethodKind::Card = details.kind;
                Card::parse(
                    &details.number,
                    details.exp_month,
                    details.exp_year,
                    details.cvc.as_deref(),
                )
                .map(PaymentMethod::Card)
                .map_err(|problems| {
                    let problems: Vec<String> = problems
                        .iter()
                        .map(|problem| {
                            format!("`paymentMethod.{}` {}", problem.field, problem.message)
                        })
                        .collect();
                    ApiError::invalid(problems.join("; "))
                })
            }
        }
    }
}

/// An intent that was charged.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Confirmed {
    /// Its id.
    id: String,
    /// Always `succeeded`.
    status: &'static str,
    /// What was charged, in major units.
    amount: Amount,
    /// The amount's currency.
    currency: Currency,
    /// The order it pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<Uuid>,
}

impl Confirmed {
    pub(super) fn new(intent: &Intent) -> Self {
        Confirmed {
            id: intent.id.clone(),
            status: intent.status.as_str(),
            amount: intent.amount.amount,
            currency: intent.amount.currency,
            order_id: intent.order_id,
        }
    }
}
