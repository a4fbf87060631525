//! What the shop keeps, as small traits in domain words. Each method is one whole transaction.
//!
//! Services and pipeline see these traits alone; which database answers is decided once, in
//! [`Stores::open`]: one half stands where PostgreSQL does, the other where Redis does. The embedded
//! implementation of both lives in [`embedded`], the one in Redis in [`redis`].

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::config::Config;
use crate::db::DbError;
use crate::pipeline::Duty;
use crate::service::Service;

mod cart;
pub mod embedded;
mod intent;
mod ledger;
mod moves;
mod order;
mod pipeline;
mod postgres;
mod product;
pub mod redis;
pub(crate) mod schema;
#[cfg(test)]
mod session_contract;
mod user;
mod words;

pub use cart::*;
pub use intent::*;
pub use ledger::*;
pub use order::*;
pub use pipeline::*;
pub use product::*;
pub use user::*;

pub(crate) use postgres::monitoring;

/// Every store of the shop.
#[derive(Clone)]
pub struct Stores {
    /// The catalogue.
    pub products: Arc<dyn ProductStore>,
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

/// Finishes what waits and lets go of files and connections.
pub(crate) type Closer = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// The half that stands where PostgreSQL does.
pub(crate) struct Records {
    pub(crate) products: Arc<dyn ProductStore>,
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
    /// Opens the stores that the configuration names and brings their schemas up to date.
    pub async fn open(config: &Config) -> anyhow::Result<Stores> {
        let records = match &config.backends.database_url {
            Some(url) => postgres::open_records(url).await?,
            None => embedded::open_records(&config.data_dir).await?,
        };
        let sessions = open_sessions(config).await?;
        Ok(Stores {
            products: records.products,
            orders: records.orders,
            pipeline: records.pipeline,
            ledger: records.ledger,
            users: records.users,
            carts: sessions.carts,
            intents: sessions.intents,
            closers: [records.closer, sessions.closer],
        })
    }

    /// Finishes what waits and lets go of files and connections.
    pub async fn close(&self) {
        for close in &self.closers {
            close().await;
        }
    }
}

async fn open_sessions(config: &Config) -> anyhow::Result<Sessions> {
    let backends = &config.backends;
    let Some(url) = &backends.redis_url else {
        return embedded::open_sessions(&config.data_dir).await;
    };
    let mut settings = redis::Settings::new(url.clone(), &config.env);
    if let Some(prefix) = &backends.redis_key_prefix {
        settings.prefix.clone_from(prefix);
    }
    settings.ca_file.clone_from(&backends.redis_ca_file);
    let uses_intents = |duty: &Duty| duty.service() == Service::Payment;
    let needed = config.runs(Service::Cart)
        || config.runs(Service::Payment)
        || config.duties().iter().any(uses_intents);
    redis::open_sessions(&settings, needed).await
}

/// One page of a list, and where the next one begins.
#[derive(Clone, Debug)]
pub struct Page<T, C> {
    /// The items.
    pub items: Vec<T>,
    /// Where to go on, if there is more.
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// The page out of what was read for it: one item more than `limit` tells that there is a next page,
    /// which begins after the last item's `cursor`.
    pub(crate) fn cut(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> C) -> Self {
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = items.last().filter(|_| more).map(cursor);
        Page { items, next }
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
            DbError::Overloaded | DbError::Closed | DbError::Commit(_) => {
                StoreError::Busy(error.to_string())
            }
            other => StoreError::Failed(other.to_string()),
        }
    }
}

/// What a store returns.
pub type StoreResult<T> = Result<T, StoreError>;
