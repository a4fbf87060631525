//! One operation on PostgreSQL: a read, or a write as one explicit transaction, on a connection that is used again
//! only when its transaction is known to be over.
//!
//! sqlx's own transactions are not used: dropped while `BEGIN` is under way they leave the connection inside a
//! transaction that nobody knows of, and whatever is written there afterwards is acknowledged without being
//! committed. Here a connection goes back to the pool on one path only, after `COMMIT` or `ROLLBACK` was answered;
//! on every other one (the limit passes, a panic, a broken link, the end of the process) it is closed, which rolls
//! back. Every write asks the server first, in the message that begins it, whether it agrees that nothing is open
//! (see [`BEGIN`]): what somebody left open after all is closed, and never written to.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::postgres::PgPool;
use sqlx::{Executor as _, Row as _};

use super::link::{Link, Server};
use super::{Sql, lost, store_error};
use crate::store::{StoreError, StoreResult};
use crate::warning::RepeatedWarning;

/// How often a transaction that lost against another one is repeated.
const REPETITIONS_MAX: u32 = 4;
/// Pause before the first repetition; doubled each time.
const REPETITION_PAUSE: Duration = Duration::from_millis(5);

/// Of a transaction that has failed `COMMIT` alone makes a rollback without calling it an error; the statement
/// before it does not.
const COMMIT: &str = "SELECT 1; COMMIT";

/// Begins a transaction and says whether none was open before: the clock of a transaction stands still from its
/// first statement on, outside of one both are the same reading. One simple query and so one message: the extended
/// protocol reads the clock once for each of its messages.
const BEGIN: &str = "SELECT now() = statement_timestamp(); BEGIN";

/// What an operation does with its arguments.
pub(super) trait Work<A, T>:
    for<'c> Fn(&'c mut Link, &'c A) -> BoxFuture<'c, Sql<T>> + Send + Sync + 'static
{
}

impl<A, T, W> Work<A, T> for W where
    W: for<'c> Fn(&'c mut Link, &'c A) -> BoxFuture<'c, Sql<T>> + Send + Sync + 'static
{
}

/// What surrounds the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Statements that change nothing, each for itself.
    Read,
    /// One explicit transaction.
    Write,
}

/// How far an operation may go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) time: Duration,
    /// Polls after which a test lets the limit pass, wherever the operation stands then.
    #[cfg(test)]
    pub(super) polls: Option<u32>,
}

impl Limit {
    pub(super) fn of(time: Duration) -> Self {
        Limit {
            time,
            #[cfg(test)]
            polls: None,
        }
    }

    /// Drops the work when the limit passes before its end.
    async fn hold<T>(self, work: impl Future<Output = T>) -> Option<T> {
        #[cfg(test)]
        if let Some(polls) = self.polls {
            return super::tests::cut_after(polls, work).await;
        }
        tokio::time::timeout(self.time, work).await.ok()
    }
}

/// Where operations happen.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) pool: PgPool,
    pub(super) server: Arc<Server>,
}

/// Does the work within the limit; again when its transaction lost against another one.
pub(super) async fn operate<A, T>(
    place: Place,
    limit: Limit,
    access: Access,
    arguments: A,
    work: impl Work<A, T>,
) -> StoreResult<T> {
    let mut pause = REPETITION_PAUSE;
    let repeated = async {
        for _ in 0..REPETITIONS_MAX {
            match attempt(&place, access, &arguments, &work).await {
                Err(error) if lost(&error) => tokio::time::sleep(pause).await,
                outcome => return outcome,
            }
            pause *= 2;
        }
        attempt(&place, access, &arguments, &work).await
    };
    match limit.hold(repeated).await {
        Some(outcome) => outcome.map_err(|error| store_error(&error)),
        None => Err(StoreError::Busy(
            "PostgreSQL has not answered in time".into(),
        )),
    }
}

async fn attempt<A, T>(
    place: &Place,
    access: Access,
    arguments: &A,
    work: &impl Work<A, T>,
) -> Sql<T> {
    let mut session = Session(Some(Link::acquire(&place.pool, &place.server).await?));
    let connection = session.connection()?;
    let outcome = match access {
        Access::Read => work(connection, arguments).await,
        Access::Write => transaction(connection, arguments, work).await,
    };
    if matches!(&outcome, Ok(_) | Err(sqlx::Error::Database(_))) {
        session.give_back();
    }
    outcome
}

/// Everything that the work does, or nothing.
async fn transaction<A, T>(connection: &mut Link, arguments: &A, work: &impl Work<A, T>) -> Sql<T> {
    begin(connection).await?;
    let outcome = match work(connection, arguments).await {
        Ok(done) => run(connection, COMMIT).await.map(|()| done),
        Err(error) => Err(error),
    };
    if outcome.is_err()
        && let Err(error) = run(connection, "ROLLBACK").await
    {
        // Whatever it is, the connection is not what it should be.
        return Err(match error {
            sqlx::Error::Database(_) => sqlx::Error::WorkerCrashed,
            other => other,
        });
    }
    outcome
}

async fn run(connection: &mut Link, sql: &'static str) -> Sql<()> {
    connection.execute(sqlx::raw_sql(sql)).await.map(drop)
}

/// Begins a transaction, unless one is open: then the connection is not what it should be.
async fn begin(connection: &mut Link) -> Sql<()> {
    let rows = connection.fetch_all(sqlx::raw_sql(BEGIN)).await?;
    let was_idle = match rows.first() {
        Some(row) => row.try_get(0)?,
        None => false,
    };
    if was_idle {
        return Ok(());
    }
    static TROUBLE: RepeatedWarning = RepeatedWarning::new();
    TROUBLE.failed(|suppressed| {
        tracing::warn!(
            suppressed,
            "a connection to PostgreSQL was left inside a transaction; it is closed"
        );
    });
    Err(sqlx::Error::WorkerCrashed)
}

/// A connection in use; closed when dropped, unless it was given back.
struct Session(Option<Link>);

impl Session {
    fn connection(&mut self) -> Sql<&mut Link> {
        self.0.as_mut().ok_or(sqlx::Error::PoolClosed)
    }

    fn give_back(mut self) {
        self.0 = None;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(connection) = &mut self.0 {
            connection.close_on_drop();
        }
    }
}
