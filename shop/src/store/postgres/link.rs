//! A connection as operations have it: every statement goes through here and is seen in the traces, so that no method
//! has to think of it.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, future::BoxFuture};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{Connection as _, Describe, Either, Execute, Executor};
use telemetry::catalogue::{attribute, span_name};
use telemetry::span::{self, OpenSpan, Statement};

use super::comment::{Commented, CommentedQuery};
use super::{Sql, code_of};
use crate::db::meter::PoolMeter;
use crate::db::propagation::DbmPropagation;
use crate::db::statement::described;

/// The system's name by the conventions.
const SYSTEM: &str = "postgresql";

/// The server, as traces name it.
#[derive(Debug)]
pub(super) struct Server {
    /// Its host, or the folder of its socket.
    pub(super) address: String,
    port: Option<u16>,
    pub(super) database: String,
    /// What statements tell it about who asks.
    pub(super) propagation: DbmPropagation,
    meter: PoolMeter,
}

impl Server {
    pub(super) fn of(
        options: &PgConnectOptions,
        propagation: DbmPropagation,
        meter: PoolMeter,
    ) -> Self {
        let socket = options.get_socket();
        Server {
            address: match socket {
                Some(socket) => socket.display().to_string(),
                None => options.get_host().to_owned(),
            },
            port: socket.is_none().then(|| options.get_port()),
            database: options.get_database().unwrap_or_default().to_owned(),
            propagation,
            meter,
        }
    }

    /// Opens the span of a statement of work that is recorded.
    fn span(&self, sql: &str) -> OpenSpan {
        let (operation, collection) = described(sql);
        span::database(&Statement {
            system: SYSTEM,
            namespace: &self.database,
            operation,
            collection,
            text: sql.trim(),
            server: &self.address,
            port: self.port,
        })
    }
}

/// A connection in use.
pub(super) struct Link {
    connection: PoolConnection<sqlx::Postgres>,
    pool: PgPool,
    server: Arc<Server>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.server.meter.given_back(self.pool.num_idle());
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl Link {
    /// Waits for a connection; a wait that may be long is seen in the traces.
    pub(super) async fn acquire(pool: &PgPool, server: &Arc<Server>) -> Sql<Self> {
        let asked = Instant::now();
        let acquired = if pool.num_idle() == 0 && span::recorded().is_some() {
            let span = span::internal(span_name::DB_CONNECTION_ACQUIRE);
            let acquired = span.run(pool.acquire()).await;
            if let Err(error) = &acquired {
                span.fail_with(class(error), error);
            }
            acquired
        } else {
            pool.acquire().await
        };
        let timed_out = matches!(acquired, Err(sqlx::Error::PoolTimedOut));
        server.meter.waited(asked.elapsed(), timed_out);
        let connection = acquired?;
        server.meter.taken(pool.num_idle());
        Ok(Link {
            connection,
            pool: pool.clone(),
            server: Arc::clone(server),
        })
    }

    /// Closes the connection when it is dropped.
    pub(super) fn close_on_drop(&mut self) {
        self.connection.close_on_drop();
    }
}

impl Link {
    async fn all<'q>(
        &mut self,
        mut query: impl Execute<'q, sqlx::Postgres> + 'q,
        comment: Option<&Commented>,
    ) -> Sql<Vec<Step>> {
        let Some(comment) = comment else {
            return self.connection.fetch_many(query).try_collect().await;
        };
        let query = comment.instead_of(&mut query)?;
        let learnt = self.learnt(&query);
        let steps = self.connection.fetch_many(query).try_collect().await;
        self.count(learnt);
        steps
    }

    async fn first<'q>(
        &mut self,
        mut query: impl Execute<'q, sqlx::Postgres> + 'q,
        comment: Option<&Commented>,
    ) -> Sql<Option<PgRow>> {
        let Some(comment) = comment else {
            return self.connection.fetch_optional(query).await;
        };
        let query = comment.instead_of(&mut query)?;
        let learnt = self.learnt(&query);
        let row = self.connection.fetch_optional(query).await;
        self.count(learnt);
        row
    }

    /// The statements that the connection knows before a query; nothing for one that is not prepared.
    fn learnt(&self, query: &CommentedQuery<'_>) -> Option<Learnt> {
        query.is_prepared().then(|| Learnt {
            before: self.connection.cached_statements_size(),
            for_once: query.is_for_once(),
        })
    }

    fn count(&self, learnt: Option<Learnt>) {
        if let Some(Learnt { before, for_once }) = learnt {
            let known = !for_once && self.connection.cached_statements_size() == before;
            self.server.meter.statement(known);
        }
    }
}

/// What a connection knows before a statement.
struct Learnt {
    before: usize,
    for_once: bool,
}

/// What a statement answers, bit by bit.
type Step = Either<PgQueryResult, PgRow>;

impl<'c> Executor<'c> for &'c mut Link {
    type Database = sqlx::Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Sql<Step>>
    where
        'c: 'e,
        E: 'q + Execute<'q, sqlx::Postgres>,
    {
        let Some(call) = Call::begin(&self.server, query.sql()) else {
            return self.connection.fetch_many(query);
        };
        // The operations here want all rows, a bounded number, before they go on.
        let collected = async move {
            let steps = call.run(self.all(query, call.comment.as_ref())).await;
            let rows = steps.as_ref().map(|steps| {
                let rows = steps.iter().filter(|step| step.is_right());
                rows.count()
            });
            call.end(rows);
            steps
        };
        let all = collected.map(|steps| steps.map(|steps| stream::iter(steps.into_iter().map(Ok))));
        stream::once(all).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Sql<Option<PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, sqlx::Postgres>,
    {
        let Some(call) = Call::begin(&self.server, query.sql()) else {
            return self.connection.fetch_optional(query);
        };
        let fetched = async move {
            let row = call.run(self.first(query, call.comment.as_ref())).await;
            call.end(row.as_ref().map(|row| usize::from(row.is_some())));
            row
        };
        fetched.boxed()
    }

    fn prepare_with<'e, 'q: 'e>(
        self,
        sql: &'q str,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Sql<PgStatement<'q>>>
    where
        'c: 'e,
    {
        self.connection.prepare_with(sql, parameters)
    }

    fn describe<'e, 'q: 'e>(self, sql: &'q str) -> BoxFuture<'e, Sql<Describe<sqlx::Postgres>>>
    where
        'c: 'e,
    {
        self.connection.describe(sql)
    }
}

/// A statement that is recorded, commented, or both.
struct Call {
    traced: Option<Traced>,
    comment: Option<Commented>,
}

impl Call {
    fn begin(server: &Server, sql: &str) -> Option<Self> {
        let traced = Traced::begin(server, sql);
        let span = traced.as_ref().map(|traced| &traced.span);
        let comment = Commented::of(server, sql, span.and_then(OpenSpan::context));
        if let (Some(span), Some(comment)) = (span, &comment)
            && comment.is_traced
        {
            span.set(attribute::DD_DBM_TRACE_INJECTED, true);
        }
        (traced.is_some() || comment.is_some()).then_some(Call { traced, comment })
    }

    async fn run<T>(&self, work: impl Future<Output = T>) -> T {
        match &self.traced {
            Some(traced) => traced.span.run(work).await,
            None => work.await,
        }
    }

    fn end(self, rows: Result<usize, &sqlx::Error>) {
        if let Some(traced) = self.traced {
            traced.end(rows);
        }
    }
}

/// A recorded statement under way. One that is dropped before its end was cut off, and its span says so.
struct Traced {
    span: OpenSpan,
    ended: bool,
}

impl Traced {
    fn begin(server: &Server, sql: &str) -> Option<Self> {
        span::recorded()?;
        let span = server.span(sql);
        span.is_recorded().then_some(Traced { span, ended: false })
    }

    /// Ends with the number of rows that came.
    fn end(mut self, rows: Result<usize, &sqlx::Error>) {
        self.ended = true;
        match rows {
            Ok(rows) => {
                self.span
                    .set(attribute::DB_RESPONSE_RETURNED_ROWS, rows as u64);
            }
            Err(error) => {
                let code = code_of(error);
                let kind = code.as_deref().unwrap_or_else(|| class(error));
                self.span.fail_with(kind, error);
            }
        }
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        if !self.ended {
            self.span.fail("cancelled", "nobody waits for it any more");
        }
    }
}

/// The class of an error that is not the server's.
fn class(error: &sqlx::Error) -> &'static str {
    match error {
        sqlx::Error::PoolTimedOut => "pool_timeout",
        sqlx::Error::PoolClosed => "pool_closed",
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) => "connection",
        _ => "client",
    }
}
