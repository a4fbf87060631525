//! What the shop keeps, as small traits in domain words. Each method is one whole transaction.
//!
//! Services and pipeline see these traits alone; which database answers is decided once, in the assembly
//! (`server/adapters.rs`): one half stands where PostgreSQL does, the other where Redis does. It must not know who
//! implements it: the adapters are [`embedded`], `postgres` and [`redis`].

use std::sync::Arc;

use telemetry::span;

use crate::blocking::Closer;
use crate::db::DbError;
use crate::error::ApiError;
use crate::fault::Injected;
use crate::warning::RepeatedWarning;

mod cart;
pub mod embedded;
mod intent;
mod ledger;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod operation;
mod order;
mod pipeline;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
mod product;
#[cfg(feature = "redis")]
pub mod redis;
pub(crate) mod schema;
#[cfg(test)]
mod session_contract;
mod stock;
mod transitions;
mod user;
mod words;

pub use cart::*;
pub use intent::*;
pub use ledger::*;
pub use order::*;
pub use pipeline::*;
pub use product::*;
pub use stock::*;
pub use user::*;

/// Every store of the shop.
#[derive(Clone)]
pub struct Stores {
    /// The catalogue, shown with its stock.
    pub products: Arc<dyn ProductStore>,
    /// How many pieces of each product there are.
    pub stock: Arc<dyn StockStore>,
    /// Orders, as people see them.
    pub orders: Arc<dyn OrderStore>,
    /// Orders, as the pipeline sees them.
    pub pipeline: Arc<dyn PipelineStore>,
    /// All of it, for whoever audits the shop.
    pub ledger: Arc<dyn LedgerStore>,
    /// Accounts.
    pub users: Arc<dyn UserStore>,
    /// Carts.
    pub carts: Arc<dyn CartStore>,
    /// Payment intents.
    pub intents: Arc<dyn IntentStore>,
    closers: [Closer; 2],
}

/// The half that stands where PostgreSQL does.
pub(crate) struct Records {
    pub(crate) products: Arc<dyn ProductStore>,
    pub(crate) stock: Arc<dyn StockStore>,
    pub(crate) orders: Arc<dyn OrderStore>,
    pub(crate) pipeline: Arc<dyn PipelineStore>,
    pub(crate) ledger: Arc<dyn LedgerStore>,
    pub(crate) users: Arc<dyn UserStore>,
    pub(crate) closer: Closer,
}

/// The half that stands where Redis does.
#[derive(Clone)]
pub(crate) struct Sessions {
    pub(crate) carts: Arc<dyn CartStore>,
    pub(crate) intents: Arc<dyn IntentStore>,
    pub(crate) closer: Closer,
}

impl Stores {
    /// The shop's stores out of their two halves.
    pub(crate) fn new(records: Records, sessions: Sessions) -> Stores {
        Stores {
            products: records.products,
            stock: records.stock,
            orders: records.orders,
            pipeline: records.pipeline,
            ledger: records.ledger,
            users: records.users,
            carts: sessions.carts,
            intents: sessions.intents,
            closers: [records.closer, sessions.closer],
        }
    }

    /// Finishes what waits and lets go of files and connections.
    pub async fn close(&self) {
        for close in &self.closers {
            close().await;
        }
    }
}

/// Why a store could not answer. Outcomes that callers decide on are not errors.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot answer now; asking again later may help.
    #[error("the store is busy: {0}")]
    Busy(String),
    /// It failed.
    #[error("the store failed: {0}")]
    Failed(String),
}

impl From<DbError> for StoreError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Overloaded
            | DbError::Closed
            | DbError::Commit(_)
            | DbError::Unavailable(_) => StoreError::Busy(error.to_string()),
            other => StoreError::Failed(other.to_string()),
        }
    }
}

impl From<Injected> for StoreError {
    fn from(injected: Injected) -> Self {
        StoreError::Busy(injected.0)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy(cause) => {
                span::exception("store_busy", &cause);
                static BUSY: RepeatedWarning = RepeatedWarning::new();
                BUSY.failed(|suppressed| {
                    tracing::warn!(%cause, suppressed, "a store cannot answer now");
                });
                ApiError::unavailable("the shop's store is busy; try again shortly")
            }
            StoreError::Failed(cause) => ApiError::internal(&cause),
        }
    }
}

/// What a store returns.
pub type StoreResult<T> = Result<T, StoreError>;
