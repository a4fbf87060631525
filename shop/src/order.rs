//! What an order is and how it may move. Pure: no clock, no store, no HTTP.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::money::{Amount, Money};

/// Number of a product in the catalogue, from 1.
pub type ProductId = i64;

/// Largest product number that a path or body may name.
pub const PRODUCT_ID_MAX: ProductId = 1_000_000_000;

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrderStatus {
    /// Accepted and durable; not paid.
    Pending,
    /// Paid; stock not yet reserved.
    Paid,
    /// Stock reserved; ready to ship.
    Reserved,
    /// On its way.
    Shipped,
    /// Arrived. Final.
    Delivered,
    /// Called off by the shopper, an administrator or a time limit. Final.
    Cancelled,
    /// Could not be paid or supplied. Final.
    Failed,
}

impl OrderStatus {
    /// Every status.
    pub const ALL: [OrderStatus; 7] = [
        OrderStatus::Pending,
        OrderStatus::Paid,
        OrderStatus::Reserved,
        OrderStatus::Shipped,
        OrderStatus::Delivered,
        OrderStatus::Cancelled,
        OrderStatus::Failed,
    ];

    /// The word used in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            OrderStatus::Pending => "pending",
            OrderStatus::Paid => "paid",
            OrderStatus::Reserved => "reserved",
            OrderStatus::Shipped => "shipped",
            OrderStatus::Delivered => "delivered",
            OrderStatus::Cancelled => "cancelled",
            OrderStatus::Failed => "failed",
        }
    }

    /// Whether the state machine has this move. Staying put is not a move.
    pub fn may_become(self, next: OrderStatus) -> bool {
        use OrderStatus::{Cancelled, Delivered, Failed, Paid, Pending, Reserved, Shipped};
        matches!(
            (self, next),
            (Pending, Paid | Cancelled | Failed)
                | (Paid, Reserved | Cancelled | Failed)
                | (Reserved, Shipped | Cancelled)
                | (Shipped, Delivered)
        )
    }

    /// Whether no further move exists.
    pub fn is_final(self) -> bool {
        OrderStatus::ALL
            .into_iter()
            .all(|next| !self.may_become(next))
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is not a status.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an order status")]
pub struct UnknownStatus(String);

impl FromStr for OrderStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        OrderStatus::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

/// Who moves the money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PaymentMode {
    /// The pipeline charges by itself.
    #[default]
    Automatic,
    /// The order waits until the shopper confirms a payment intent for it.
    Intent,
}

impl PaymentMode {
    /// The word used in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            PaymentMode::Automatic => "automatic",
            PaymentMode::Intent => "intent",
        }
    }
}

/// What is known of an order's money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentState {
    /// Nothing charged.
    None,
    /// Charged through the provider, once.
    Charged,
    /// Charged, and owed back to the shopper.
    RefundDue,
    /// Charged and given back.
    Refunded,
    /// Marked as paid by an administrator; the provider was not asked.
    External,
}

impl PaymentState {
    /// The word used in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            PaymentState::None => "none",
            PaymentState::Charged => "charged",
            PaymentState::RefundDue => "refund_due",
            PaymentState::Refunded => "refunded",
            PaymentState::External => "external",
        }
    }
}

impl FromStr for PaymentState {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(PaymentState::None),
            "charged" => Ok(PaymentState::Charged),
            "refund_due" => Ok(PaymentState::RefundDue),
            "refunded" => Ok(PaymentState::Refunded),
            "external" => Ok(PaymentState::External),
            _ => Err(UnknownStatus(text.to_owned())),
        }
    }
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// The catalogue product; `None` for the free-text items of a plain order.
    pub product_id: Option<ProductId>,
    /// Name at the time of the order.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// Price of one piece at the time of the order; zero for free-text items.
    pub unit_price: Amount,
}

/// An order as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: Uuid,
    /// The subject it belongs to: a user id, or `guest:<order id>`.
    pub owner: String,
    /// The customer reference that the client gave.
    pub customer_id: Option<String>,
    /// Where the confirmation goes.
    pub email: Option<String>,
    /// Where the parcel goes.
    pub shipping_address: Option<String>,
    /// The cart it was made from.
    pub cart_session_id: Option<String>,
    /// What was ordered.
    pub lines: Vec<OrderLine>,
    /// What it costs.
    pub total: Money,
    /// Where it stands.
    pub status: OrderStatus,
    /// Why it was cancelled or failed.
    pub reason: Option<String>,
    /// Who moves the money.
    pub payment_mode: PaymentMode,
    /// What is known of the money.
    pub payment: PaymentState,
    /// Whether its stock is taken from the shelf.
    pub stock_held: bool,
    /// Follows the order through every message.
    pub correlation_id: String,
    /// Creation, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// Last change, in milliseconds since 1970.
    pub updated_at_ms: i64,
}

/// The subject that owns a guest's order: knowing the token for it is the only way in.
pub fn guest_owner(order_id: Uuid) -> String {
    format!("guest:{order_id}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_status() -> impl Strategy<Value = OrderStatus> {
        proptest::sample::select(OrderStatus::ALL.to_vec())
    }

    proptest! {
        /// Whatever moves are tried, an order never leaves a final state, never goes back to an
        /// earlier one, and comes to rest after at most four moves.
        #[test]
        fn orders_only_move_forward(tries in proptest::collection::vec(any_status(), 0..60)) {
            let mut seen = vec![OrderStatus::Pending];
            for next in tries {
                let now = *seen.last().unwrap();
                if now.may_become(next) {
                    prop_assert!(!now.is_final());
                    prop_assert!(!seen.contains(&next));
                    seen.push(next);
                }
            }
            prop_assert!(seen.len() <= 5);
        }

        /// Nothing ships that was not paid and reserved.
        #[test]
        fn shipping_needs_payment_and_stock(tries in proptest::collection::vec(any_status(), 0..60)) {
            let mut seen = vec![OrderStatus::Pending];
            for next in tries {
                if seen.last().unwrap().may_become(next) {
                    seen.push(next);
                }
            }
            if seen.contains(&OrderStatus::Shipped) {
                prop_assert!(seen.contains(&OrderStatus::Paid) && seen.contains(&OrderStatus::Reserved));
            }
        }
    }

    #[test]
    fn words_survive_the_store() {
        for status in OrderStatus::ALL {
            assert_eq!(status.as_str().parse::<OrderStatus>().unwrap(), status);
        }
        assert!("lost".parse::<OrderStatus>().is_err());
    }
}
