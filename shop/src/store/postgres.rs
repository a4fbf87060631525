//! The store in PostgreSQL 14 or newer: products, orders, users and outbox.
//!
//! Each method of the traits is one transaction at READ COMMITTED that holds the rows it decides on: the
//! order first, then products by rising id. It runs in a task of its own (see [`session`]), which a caller that
//! goes away does not cut off. Nothing outside this module knows the tables.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{Connection as _, Executor as _};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::blocking::Closer;
use crate::db::meter::PoolMeter;
use crate::db::propagation::DbmPropagation;
use crate::fault::{Faults, Point};
use crate::secret::Secret;
use crate::store::operation::Operations;
use crate::store::{Records, StoreError, StoreResult};

mod address;
mod comment;
mod id;
mod ledger;
mod link;
mod migration;
pub(crate) mod monitoring;
mod orders;
mod pipeline;
mod products;
mod rows;
mod schema;
mod scram;
mod session;
mod stock;
#[cfg(test)]
mod tests;
mod users;

use link::Server;
use session::{Access, Limit, Place, Work};

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
/// How long one operation may take altogether, also when the server has fallen silent.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(6);
/// How long closing waits for operations under way.
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
    place: Place,
    operations: Operations,
    faults: Faults,
    /// Rings when this process has written to the outbox.
    events: Notify,
    /// Marks the events that this process is publishing.
    instance: Uuid,
    /// Where tests cut operations, see [`Limit`].
    #[cfg(test)]
    polls: std::sync::Mutex<Option<u32>>,
}

/// Connects, brings the schema up to date and opens the store.
pub(crate) async fn open_records(
    url: &Secret,
    faults: &Faults,
    propagation: DbmPropagation,
    meter: PoolMeter,
) -> anyhow::Result<Records> {
    let options = address::parse(url)?;
    go_to(url, None).await?;
    let server = Server::of(&options, propagation, meter);
    let mut store = store(pool().connect_lazy_with(options), server);
    store.faults = faults.clone();
    let store = Arc::new(store);
    Ok(Records {
        products: store.clone(),
        stock: store.clone(),
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

fn store(pool: PgPool, server: Server) -> Postgres {
    Postgres {
        place: Place {
            pool,
            server: Arc::new(server),
        },
        operations: Operations::new("PostgreSQL"),
        faults: Faults::default(),
        events: Notify::new(),
        instance: Uuid::new_v4(),
        #[cfg(test)]
        polls: std::sync::Mutex::default(),
    }
}

fn pool() -> PgPoolOptions {
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
}

fn closer(store: Arc<Postgres>) -> Closer {
    Arc::new(move || {
        let store = store.clone();
        Box::pin(async move {
            store.let_go_of_events().await;
            let ended = store.operations.close(CLOSE_TIMEOUT).await;
            let closed = tokio::time::timeout(CLOSE_TIMEOUT, store.place.pool.close()).await;
            if !ended || closed.is_err() {
                tracing::warn!("connections to PostgreSQL are cut off");
            }
        })
    })
}

impl Postgres {
    /// Statements that change nothing, each for itself.
    async fn read<A, T>(&self, arguments: A, work: impl Work<A, T>) -> StoreResult<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.operate(OPERATION_TIMEOUT, Access::Read, arguments, work)
            .await
    }

    /// One explicit transaction; again when it lost against another one.
    async fn write<A, T>(&self, arguments: A, work: impl Work<A, T>) -> StoreResult<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.operate(OPERATION_TIMEOUT, Access::Write, arguments, work)
            .await
    }

    /// The only way to the database: nothing here ends half-way because its caller has gone.
    async fn operate<A, T>(
        &self,
        time: Duration,
        access: Access,
        arguments: A,
        work: impl Work<A, T>,
    ) -> StoreResult<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let point = match access {
            Access::Read => Point::StoreRead,
            Access::Write => Point::StoreWrite,
        };
        self.faults.at(point, "").await?;
        let limit = Limit::of(time);
        #[cfg(test)]
        let limit = Limit {
            polls: *self.polls.lock().expect("no test panics with it"),
            ..limit
        };
        let operation = session::operate(self.place.clone(), limit, access, arguments, work);
        self.operations.run(operation).await
    }

    /// Leaves the events that this process was publishing to other relays at once.
    async fn let_go_of_events(&self) {
        let sql = "UPDATE outbox SET taken_until = NULL WHERE taken_by = $1";
        let let_go = self.operate(
            ACQUIRE_TIMEOUT,
            Access::Write,
            id::Id(self.instance),
            move |tx, instance| {
                Box::pin(async move { sqlx::query(sql).bind(instance).execute(tx).await.map(drop) })
            },
        );
        // Otherwise they are left when their time is over.
        drop(let_go.await);
    }
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
