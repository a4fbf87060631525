//! Tokens and card numbers for tests, and what becomes of a charge to each.

use time::OffsetDateTime;

use crate::clock::now_ms;
use crate::provider::{Card, ChargeError, DeclineReason, PaymentMethod};

/// The last four digits of the card that is charged, where they are known.
pub(super) fn last4(method: &PaymentMethod) -> Option<String> {
    match method {
        PaymentMethod::OnFile => None,
        PaymentMethod::Token(token) if token == "pm_card_visa" => Some("4242".into()),
        PaymentMethod::Token(_) => None,
        PaymentMethod::Card(card) => Some(card.last4().to_owned()),
    }
}

/// The test tokens that a well-known payment provider documents.
pub(super) fn token_verdict(token: &str) -> Result<Option<DeclineReason>, ChargeError> {
    match token {
        "pm_card_visa" | "pm_card_mastercard" | "pm_card_amex" => Ok(None),
        "pm_card_chargeDeclined" => Ok(Some(DeclineReason::Generic)),
        "pm_card_chargeDeclinedInsufficientFunds" => Ok(Some(DeclineReason::InsufficientFunds)),
        "pm_card_chargeDeclinedExpiredCard" => Ok(Some(DeclineReason::ExpiredCard)),
        _ => Err(ChargeError::Invalid("no such payment method".into())),
    }
}

/// The test numbers that the same provider documents, then the date on the card.
pub(super) fn card_verdict(card: &Card) -> Option<DeclineReason> {
    match card.number() {
        "4000000000000002" => Some(DeclineReason::Generic),
        "4000000000009995" => Some(DeclineReason::InsufficientFunds),
        "4000000000000069" => Some(DeclineReason::ExpiredCard),
        "4000000000000127" => Some(DeclineReason::IncorrectCvc),
        "4000000000000119" => Some(DeclineReason::ProcessingError),
        _ => {
            let today = OffsetDateTime::from_unix_timestamp(now_ms() / 1_000).ok()?;
            let year = u16::try_from(today.year()).ok()?;
            card.is_expired(year, today.month().into())
                .then_some(DeclineReason::ExpiredCard)
        }
    }
}
