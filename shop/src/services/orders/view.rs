//! An order as clients see it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::rfc3339;
use crate::money::{Amount, Currency};
use crate::order::{Order, OrderStatus, PaymentMode, PaymentState, ProductId};

/// An order.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrderView {
    /// Its id.
    id: String,
    /// Where it stands.
    status: OrderStatus,
    /// Why it was cancelled or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The client's own reference of the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<String>,
    /// Where the confirmation goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Where the parcel goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_address: Option<String>,
    /// What was ordered.
    items: Vec<OrderLineView>,
    /// What it costs.
    total: Amount,
    /// In which currency.
    currency: Currency,
    /// Who moves the money.
    payment: PaymentMode,
    /// What became of the money: `none`, `charged`, `refund_due`, `refunded` or `external`.
    payment_status: &'static str,
    /// Follows the order through logs, messages and traces.
    correlation_id: String,
    /// When it was made.
    created_at: String,
    /// When it last changed.
    updated_at: String,
    /// The way back to a guest's order: send it as `Authorization: Bearer <token>`. Absent in the answer to a repetition
    /// that does not prove to be the same guest's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) access_token: Option<String>,
}

/// One line of an order.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OrderLineView {
    /// Which product; absent for free-text items.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    product_id: Option<ProductId>,
    /// Its name.
    name: String,
    /// How many.
    quantity: u32,
    /// Price of one piece; absent for free-text items.
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Amount>,
}

impl OrderView {
    /// The order as it was answered when it was made, for a repeated request under the same key.
    pub(super) fn as_created(order: Order) -> Self {
        OrderView::from(Order {
            status: OrderStatus::Pending,
            reason: None,
            payment: PaymentState::None,
            updated_at_ms: order.created_at_ms,
            ..order
        })
    }
}

impl From<Order> for OrderView {
    fn from(order: Order) -> Self {
        OrderView {
            id: order.id.to_string(),
            status: order.status,
            reason: order.reason,
            customer_id: order.customer_id,
            email: order.email,
            shipping_address: order.shipping_address,
            items: order
                .lines
                .into_iter()
                .map(|line| OrderLineView {
                    product_id: line.product_id,
                    name: line.name,
                    quantity: line.quantity,
                    price: line.product_id.map(|_| line.unit_price),
                })
                .collect(),
            total: order.total.amount,
            currency: order.total.currency,
            payment: order.payment_mode,
            payment_status: order.payment.as_str(),
            correlation_id: order.correlation_id,
            created_at: rfc3339(order.created_at_ms),
            updated_at: rfc3339(order.updated_at_ms),
            access_token: None,
        }
    }
}
