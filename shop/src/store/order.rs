//! Orders, as shoppers and administrators see them.

use async_trait::async_trait;
use uuid::Uuid;

use super::StoreResult;
use crate::event::EventTrace;
use crate::money::{Currency, Money};
use crate::order::{Order, OrderLine, OrderStatus, PaymentMode, ProductId};
use crate::page::Page;

/// What a client wants to order.
#[derive(Clone, Debug)]
pub enum NewItems {
    /// Catalogue products, each once, priced by the store within the transaction.
    Catalogue(Vec<(ProductId, u32)>),
    /// Free-text items at a total that the client states (the plain order).
    Plain(Vec<OrderLine>, Money),
}

/// An order to be made.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// Its id, chosen by the caller.
    pub id: Uuid,
    /// Whose it is.
    pub owner: String,
    /// The customer reference that the client gave.
    pub customer_id: Option<String>,
    /// Where the confirmation goes.
    pub email: Option<String>,
    /// Where the parcel goes.
    pub shipping_address: Option<String>,
    /// The cart it is made from.
    pub cart_session_id: Option<String>,
    /// What is ordered.
    pub items: NewItems,
    /// The currency the client expects, if it said so.
    pub currency: Option<Currency>,
    /// Who moves the money.
    pub payment_mode: PaymentMode,
    /// Guards against a second order for the same request.
    pub idempotency: Option<Idempotency>,
    /// Follows the order through every message.
    pub correlation_id: String,
    /// The trace of the request.
    pub trace: EventTrace,
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
}

/// An idempotency key and what was asked under it.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// Whose key it is: keys of different shoppers do not meet.
    pub scope: String,
    /// The key.
    pub key: String,
    /// Digest of the request body.
    pub request_digest: String,
}

/// What became of a new order.
#[derive(Clone, Debug)]
pub enum Created {
    /// The order and its `order.created` event are durable.
    New(Order),
    /// The key was used before for the same request: this is the order it made.
    Replayed(Order),
    /// The key was used before for another request.
    KeyReused,
    /// These products do not exist.
    UnknownProducts(Vec<ProductId>),
    /// These products do not have that many pieces.
    OutOfStock(Vec<ProductId>),
    /// The products are priced in this currency instead.
    CurrencyMismatch(Currency),
    /// The sum leaves the shop's range.
    TotalTooLarge,
}

/// A move of an order.
#[derive(Clone, Debug)]
pub struct StatusChange {
    /// Which order.
    pub order_id: Uuid,
    /// Where it goes.
    pub to: OrderStatus,
    /// Why, for a cancellation or a failure.
    pub reason: Option<String>,
    /// The trace of the request.
    pub trace: EventTrace,
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
}

/// What became of a move.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every value is an order, and each is moved a few times at most"
)]
pub enum TransitionResult {
    /// The order is there now.
    Done(Order),
    /// The state machine has no such move; nothing changed.
    Illegal(OrderStatus),
    /// The stock does not suffice; nothing changed.
    OutOfStock(Vec<ProductId>),
    /// No such order.
    NotFound,
}

/// Changes to an order's addresses while it is pending.
#[derive(Clone, Debug, Default)]
pub struct OrderDetails {
    /// A new mail address.
    pub email: Option<String>,
    /// A new parcel address.
    pub shipping_address: Option<String>,
}

/// Orders, as shoppers and administrators see them.
#[async_trait]
pub trait OrderStore: Send + Sync {
    /// Makes an order and its event, or says why not.
    async fn create(&self, order: NewOrder) -> StoreResult<Created>;
    /// One order.
    async fn get(&self, id: Uuid) -> StoreResult<Option<Order>>;
    /// Orders of one owner, newest first, made before `(created_at_ms, id)`.
    async fn list(
        &self,
        owner: String,
        before: Option<(i64, Uuid)>,
        limit: u32,
    ) -> StoreResult<Page<Order, (i64, Uuid)>>;
    /// Moves an order if the state machine allows it, with the events that follow from the move.
    async fn change_status(&self, change: StatusChange) -> StoreResult<TransitionResult>;
    /// Changes the addresses of a pending order.
    async fn change_details(
        &self,
        id: Uuid,
        details: OrderDetails,
        now_ms: i64,
    ) -> StoreResult<TransitionResult>;
}
