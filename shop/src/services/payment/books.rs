//! The payment provider's books over HTTP, for auditors. Reading only.

use std::collections::HashMap;

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::caller::Auditor;
use crate::clock::now_ms;
use crate::context::AppState;
use crate::error::ApiError;
use crate::extract::Query;
use crate::money::Amount;
use crate::pipeline::{intents, payments};
use crate::provider::{BookedCharge, ChargeError};
use crate::store::StoreResult;
use crate::validate::Problems;
use crate::warning::RepeatedWarning;

const LIMIT_MAX: u32 = 500;
const LIMIT_DEFAULT: u32 = 100;
const AFTER_BYTES_MAX: usize = 128;

/// The route of the provider's books.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(charges))
}

/// A page of the provider's book.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BookedChargePage {
    /// The charges, in the provider's order.
    charges: Vec<BookedChargeView>,
    /// Send it as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<String>,
}

/// Money that the provider took.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BookedCharge)]
struct BookedChargeView {
    /// The provider's name for it.
    id: String,
    /// How much.
    amount: Amount,
    /// In which currency.
    currency: String,
    /// Whether it was given back.
    refunded: bool,
    /// What it was taken for: `order`, `amount` (a payment without an order), or `unknown`.
    purpose: &'static str,
    /// The order it paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<Uuid>,
}

/// Which charges.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct ChargesQuery {
    /// Only charges of this time and later, in milliseconds since 1970.
    #[param(minimum = 0, maximum = 253_402_300_799_999_i64)]
    since_ms: Option<i64>,
    /// Where the page begins, from the page before.
    #[param(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9_]+$")]
    after: Option<String>,
    /// Charges on a page; the provider may give fewer.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
}

/// Charges in the payment provider's own books, declined ones left out. For auditors.
#[utoipa::path(get, path = "/api/admin/charges", params(ChargesQuery), security(("bearer" = [])), responses(
    (status = 200, body = BookedChargePage),
))]
async fn charges(
    State(state): State<AppState>,
    Auditor: Auditor,
    Query(query): Query<ChargesQuery>,
) -> Result<JsonAnswer<BookedChargePage>, ApiError> {
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    let since_ms = query.since_ms.unwrap_or(0);
    let after_is_fine = query.after.as_deref().is_none_or(|after| {
        (1..=AFTER_BYTES_MAX).contains(&after.len())
            && after
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    Problems::new()
        .check(
            (1..=LIMIT_MAX).contains(&limit),
            format!("`limit` must be 1 to {LIMIT_MAX}"),
        )
        .check(
            (0..=253_402_300_799_999).contains(&since_ms),
            "`sinceMs` must be a time in milliseconds since 1970",
        )
        .check(after_is_fine, "`after` must be a `nextAfter` of this list")
        .finish()?;
    let provider = &state.context.resources.payments;
    let page = provider
        .books(since_ms, query.after, limit)
        .await
        .map_err(not_readable)?;
    let mut seen = HashMap::new();
    let mut charges = Vec::with_capacity(page.items.len());
    for charge in page.items {
        charges.push(view(&state, charge, &mut seen).await?);
    }
    Ok(JsonAnswer(BookedChargePage {
        charges,
        next_after: page.next,
    }))
}

fn not_readable(error: ChargeError) -> ApiError {
    match error {
        ChargeError::Invalid(_) => ApiError::invalid("`after` is not known to the provider"),
        other => {
            static TROUBLE: RepeatedWarning = RepeatedWarning::new();
            TROUBLE.failed(|suppressed| {
                tracing::warn!(error = %other, suppressed, "the provider's books cannot be read");
            });
            ApiError::unavailable("the payment provider does not answer; try again shortly")
        }
    }
}

/// What an intent was for, looked up once a page.
type SeenIntents = HashMap<String, Purpose>;

#[derive(Clone, Copy)]
enum Purpose {
    Order(Uuid),
    Amount,
    Unknown,
}

async fn view(
    state: &AppState,
    charge: BookedCharge,
    seen: &mut SeenIntents,
) -> StoreResult<BookedChargeView> {
    let purpose = purpose(state, &charge.idempotency_key, seen).await?;
    Ok(BookedChargeView {
        id: charge.charge_id,
        amount: Amount::from_minor(charge.amount_minor),
        currency: charge.currency,
        refunded: charge.refunded,
        purpose: match purpose {
            Purpose::Order(_) => "order",
            Purpose::Amount => "amount",
            Purpose::Unknown => "unknown",
        },
        order_id: match purpose {
            Purpose::Order(id) => Some(id),
            Purpose::Amount | Purpose::Unknown => None,
        },
    })
}

/// What the shop wanted the money for, by the key it chose.
async fn purpose(state: &AppState, key: &str, seen: &mut SeenIntents) -> StoreResult<Purpose> {
    if let Some(order_id) = payments::order_of_key(key) {
        return Ok(Purpose::Order(order_id));
    }
    let Some(intent_id) = intents::intent_of_key(key) else {
        return Ok(Purpose::Unknown);
    };
    if let Some(known) = seen.get(intent_id) {
        return Ok(*known);
    }
    let intents = &state.context.stores.intents;
    let purpose = match intents.get(intent_id.to_owned(), now_ms()).await? {
        Some(intent) => intent.order_id.map_or(Purpose::Amount, Purpose::Order),
        None => Purpose::Unknown,
    };
    seen.insert(intent_id.to_owned(), purpose);
    Ok(purpose)
}
