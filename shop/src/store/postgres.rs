//! The store in PostgreSQL 14 or newer: products, orders, users and outbox.
//!
//! Each method of the traits is one transaction at READ COMMITTED that holds the rows it decides on: the
//! order first, then products by rising id. Nothing outside this module knows the tables.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Executor as _};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::config::Secret;
use crate::store::{Closer, Records, StoreError, StoreResult};

mod address;
mod id;
mod ledger;
mod migration;
pub(crate) mod monitoring;
mod orders;
mod pipeline;
mod products;
mod rows;
mod schema;
mod scram;
mod users;

pub(super) use migration::{applied, go_to};

/// The migrations that this program has.
pub(super) const MIGRATIONS: &[crate::db::Migration] = &schema::SHOP;

/// Connections of one process. Each of nine services in a process of its own leaves room below
/// PostgreSQL's default of 100.
const CONNECTIONS_MAX: u32 = 10;
/// How long a request waits for a connection, which includes making a new one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// Connections that nobody used for this long are closed.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// No connection gets older, so that a failover or a rotated password is noticed.
const LIFETIME_MAX: Duration = Duration::from_secs(30 * 60);
/// A connection that rested for longer is tried before it is used: the server may have gone meanwhile.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// How long one method may take altogether, also when the server has fallen silent.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(6);
/// How often a transaction that lost against another one is repeated.
const REPETITIONS_MAX: u32 = 4;
/// Pause before the first repetition; doubled each time.
const REPETITION_PAUSE: Duration = Duration::from_millis(5);
/// How long closing waits for connections in use.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);
/// What the server itself enforces in every session.
const SESSION: &str = "
    SET statement_timeout = '5s';
    SET lock_timeout = '3s';
    SET idle_in_transaction_session_timeout = '10s';
    SET default_transaction_isolation = 'read committed'";

/// Advisory locks of the shop in its database.
const MIGRATION_LOCK: i64 = 0x5275_6d53_686f_7001;
const SEED_LOCK: i64 = 0x5275_6d53_686f_7002;

/// What PostgreSQL answers.
type Sql<T> = Result<T, sqlx::Error>;

/// Products, orders and users.
struct Postgres {
    pool: PgPool,
    /// Rings when this process has written to the outbox.
    events: Notify,
    /// Marks the events that this process is publishing.
    instance: Uuid,
}

/// Connects, brings the schema up to date and opens the store.
pub(super) async fn open_records(url: &Secret) -> anyhow::Result<Records> {
    let options = address::parse(url)?;
    go_to(url, None).await?;
    let store = Arc::new(Postgres {
        pool: pool(options),
        events: Notify::new(),
        instance: Uuid::new_v4(),
    });
    Ok(Records {
        products: store.clone(),
        orders: store.clone(),
        pipeline: store.clone(),
        ledger: store.clone(),
        users: store.clone(),
        closer: closer(store),
    })
}

/// What the URL names, without user and password.
pub(super) fn name_of(url: &Secret) -> String {
    match address::parse(url) {
        Ok(options) => format!("PostgreSQL at {}", address::name(&options)),
        Err(_) => "PostgreSQL".to_owned(),
    }
}

fn pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(IDLE_MAX)
        .max_lifetime(LIFETIME_MAX)
        // Tried below, but not before every use.
        .test_before_acquire(false)
        .before_acquire(|connection, state| {
            Box::pin(async move {
                if state.idle_for > TRUSTED_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute(sqlx::raw_sql(SESSION)).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options)
}

fn closer(store: Arc<Postgres>) -> Closer {
    Arc::new(move || {
        let store = store.clone();
        Box::pin(async move {
            store.let_go_of_events().await;
            if tokio::time::timeout(CLOSE_TIMEOUT, store.pool.close())
                .await
                .is_err()
            {
                tracing::warn!("connections to PostgreSQL are cut off");
            }
        })
    })
}

impl Postgres {
    /// Runs the work of one method; again when its transaction lost against another one.
    async fn run<T, F, W>(&self, work: W) -> StoreResult<T>
    where
        F: Future<Output = Sql<T>> + Send,
        W: Fn() -> F + Send + Sync,
    {
        self.run_within(OPERATION_TIMEOUT, work).await
    }

    async fn run_within<T, F, W>(&self, limit: Duration, work: W) -> StoreResult<T>
    where
        F: Future<Output = Sql<T>> + Send,
        W: Fn() -> F + Send + Sync,
    {
        match tokio::time::timeout(limit, repeat_if_lost(work)).await {
            Ok(outcome) => outcome.map_err(|error| store_error(&error)),
            Err(_) => Err(StoreError::Busy(
                "PostgreSQL has not answered in time".into(),
            )),
        }
    }

    /// Leaves the events that this process was publishing to other relays at once.
    async fn let_go_of_events(&self) {
        let sql = "UPDATE outbox SET taken_until = NULL WHERE taken_by = $1";
        let let_go = sqlx::query(sql)
            .bind(id::Id(self.instance))
            .execute(&self.pool);
        // Otherwise they are left when their time is over.
        drop(tokio::time::timeout(ACQUIRE_TIMEOUT, let_go).await);
    }
}

async fn repeat_if_lost<T, F, W>(work: W) -> Sql<T>
where
    F: Future<Output = Sql<T>> + Send,
    W: Fn() -> F + Send + Sync,
{
    let mut pause = REPETITION_PAUSE;
    for _ in 0..REPETITIONS_MAX {
        match work().await {
            Err(error) if lost(&error) => tokio::time::sleep(pause).await,
            outcome => return outcome,
        }
        pause *= 2;
    }
    work().await
}

/// Whether the transaction was rolled back only because of others: serialization failure or deadlock.
fn lost(error: &sqlx::Error) -> bool {
    matches!(code_of(error).as_deref(), Some("40001" | "40P01"))
}

fn code_of(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

fn store_error(error: &sqlx::Error) -> StoreError {
    if may_pass(error) {
        StoreError::Busy(error.to_string())
    } else {
        StoreError::Failed(error.to_string())
    }
}

/// Whether asking again later may help: the server is away, is stopping, is overloaded or took too long.
fn may_pass(error: &sqlx::Error) -> bool {
    use sqlx::Error::{Io, PoolClosed, PoolTimedOut, Tls, WorkerCrashed};
    if matches!(
        error,
        Io(_) | Tls(_) | PoolTimedOut | PoolClosed | WorkerCrashed
    ) {
        return true;
    }
    let Some(code) = code_of(error) else {
        return false;
    };
    // Connection, resources and operator; lost races; timeouts of locks, statements and idle sessions;
    // a server that has become a standby.
    const CLASSES: [&str; 3] = ["08", "53", "57"];
    const CODES: [&str; 5] = ["40001", "40P01", "55P03", "25P03", "25006"];
    CLASSES.iter().any(|class| code.starts_with(class)) || CODES.contains(&code.as_str())
}

/// Stored data that cannot be what it should.
fn damaged(cause: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(cause))
}

fn u32_of(number: i64) -> Sql<u32> {
    u32::try_from(number).map_err(damaged)
}
