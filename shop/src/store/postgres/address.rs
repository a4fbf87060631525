//! `DATABASE_URL`: reading it, reaching what it names, and speaking of it without its password.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::{Sql, may_pass};
use crate::secret::Secret;

/// What sessions are called in `pg_stat_activity`.
const APPLICATION: &str = "rum-shop";
/// Prepared statements that a connection keeps: those of every service in a process, each with a comment of its own.
const STATEMENTS_MAX: usize = 400;
/// How long a start waits for a server that is not there yet: containers start in any order.
const START_PATIENCE: Duration = Duration::from_secs(5);
/// Pause between two tries.
const TRY_AGAIN: Duration = Duration::from_millis(200);
/// How long one try to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// What the URL names. Errors never hold any of it: a mistyped URL may have its password anywhere.
pub(super) fn parse(url: &Secret) -> anyhow::Result<PgConnectOptions> {
    let text = url.expose();
    let known = ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    let options = PgConnectOptions::from_str(text);
    match options {
        Ok(options) if known => Ok(options
            .application_name(APPLICATION)
            .statement_cache_capacity(STATEMENTS_MAX)
            .disable_statement_logging()),
        _ => bail!(
            "DATABASE_URL is not a PostgreSQL URL; write it as `postgres://USER:PASSWORD@HOST:5432/DATABASE`"
        ),
    }
}

/// One connection, for work that is no request's.
pub(super) async fn connect(url: &Secret) -> anyhow::Result<PgConnection> {
    let options = parse(url)?;
    let deadline = tokio::time::Instant::now() + START_PATIENCE;
    loop {
        match try_connect(&options).await {
            Ok(connection) => return Ok(connection),
            Err(error) if may_pass(&error) && tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(TRY_AGAIN).await;
            }
            Err(error) => return Err(error).with_context(|| unreachable(&options)),
        }
    }
}

async fn try_connect(options: &PgConnectOptions) -> Sql<PgConnection> {
    tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(options))
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

fn unreachable(options: &PgConnectOptions) -> String {
    format!(
        "cannot use the database that DATABASE_URL names ({}); start PostgreSQL there or correct the variable",
        name(options)
    )
}

/// Server and database without user and password.
pub(super) fn name(options: &PgConnectOptions) -> String {
    let server = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    format!(
        "{server}, database `{}`",
        options.get_database().unwrap_or_default()
    )
}
