//! The books of the shop, for whoever audits it: each order with its money, each shelf with what was sold from it.
//!
//! Reading only. Pages are stable while orders are being made: what was there when the first page was asked for is on one page,
//! once; what is added meanwhile may be missing. An audit waits until the pipeline is idle.

use async_trait::async_trait;
use uuid::Uuid;

use super::StoreResult;
use crate::money::Money;
use crate::order::{Order, ProductId};
use crate::page::Page;

/// One order with what the shop wrote down about its money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The order, with its lines.
    pub order: Order,
    /// What was charged for it, if anything ever was.
    pub payment: Option<LedgerPayment>,
    /// The key under which its client asked for it.
    pub idempotency_key: Option<String>,
}

/// The charge of an order, as the shop recorded it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerPayment {
    /// The provider's name for the charge.
    pub charge_id: String,
    /// What was charged.
    pub amount: Money,
    /// The provider's name for the refund, once the money went back.
    pub refund_id: Option<String>,
}

/// One product's pieces.
///
/// Unless somebody sets the stock by hand, `on_shelf + sold` never changes, whatever is ordered, cancelled or shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerStock {
    /// Which product.
    pub product_id: ProductId,
    /// Pieces on the shelf; signed, so that a shelf below zero can be reported instead of failing to be read.
    pub on_shelf: i64,
    /// Pieces of all orders whose stock is held, shipped and delivered ones included.
    pub sold: i64,
}

/// The books of the shop.
#[async_trait]
pub trait LedgerStore: Send + Sync {
    /// Orders with ids above `after`, in the order of their ids (UUIDs as bytes; version 7, so roughly by age).
    async fn entries(
        &self,
        after: Option<Uuid>,
        limit: u32,
    ) -> StoreResult<Page<LedgerEntry, Uuid>>;
    /// Products with ids above `after`, in the order of their ids. Both figures of a product are of one moment.
    async fn stock(
        &self,
        after: ProductId,
        limit: u32,
    ) -> StoreResult<Page<LedgerStock, ProductId>>;
    /// Events that wait in the outbox.
    async fn outbox_len(&self) -> StoreResult<u64>;
}
