//! Schema versions in PostgreSQL: each change in a transaction of its own, recorded with its checksum, under
//! a lock that lets one process at a time change anything.

use anyhow::{Context as _, bail};
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Executor as _};

use super::schema::SHOP;
use super::{MIGRATION_LOCK, Sql, address, u32_of};
use crate::db::migration::{self, Applied, Migration, Step};
use crate::secret::Secret;

/// A migration may wait for the lock of one that is running, and may itself take long on a large table.
const SESSION: &str = "
    SET statement_timeout = 0;
    SET lock_timeout = '120s'";

const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS schema_migrations (
        version INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        checksum TEXT NOT NULL,
        applied_at TIMESTAMPTZ NOT NULL DEFAULT now())";

/// The migrations that the database has; none when it has no table of them.
pub(in crate::store) async fn applied(url: &Secret) -> anyhow::Result<Vec<Applied>> {
    let mut connection = address::connect(url).await?;
    let sql = "SELECT to_regclass('schema_migrations') IS NOT NULL";
    let has_table: bool = sqlx::query_scalar(sql).fetch_one(&mut connection).await?;
    let applied = if has_table {
        read_applied(&mut connection).await?
    } else {
        Vec::new()
    };
    connection.close().await?;
    Ok(applied)
}

/// Brings the schema to a version (the newest when `None`), forwards or back; returns the version.
pub(in crate::store) async fn go_to(url: &Secret, target: Option<u32>) -> anyhow::Result<u32> {
    let mut connection = address::connect(url).await?;
    let outcome = under_lock(&mut connection, target).await;
    // Lets go of the lock, whatever happened.
    connection.close().await?;
    let name = address::name(&address::parse(url)?);
    outcome.with_context(|| format!("cannot migrate the database that DATABASE_URL names ({name})"))
}

async fn under_lock(connection: &mut PgConnection, target: Option<u32>) -> anyhow::Result<u32> {
    connection.execute(sqlx::raw_sql(SESSION)).await?;
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(MIGRATION_LOCK)
        .execute(&mut *connection)
        .await?;
    connection.execute(TABLE).await?;
    check(connection).await?;
    let found = read_applied(connection)
        .await?
        .last()
        .map_or(0, |applied| applied.version);
    let (steps, version) = migration::steps(&SHOP, found, target, "the database")?;
    for step in steps {
        take(connection, step).await.with_context(|| {
            format!(
                "migration {} ({})",
                step.migration().version,
                step.migration().name
            )
        })?;
    }
    Ok(version)
}

/// What was applied must be what this program would have applied.
async fn check(connection: &mut PgConnection) -> anyhow::Result<()> {
    let recorded: Vec<(i32, String)> =
        sqlx::query_as("SELECT version, checksum FROM schema_migrations")
            .fetch_all(connection)
            .await?;
    for migration in &SHOP {
        let other = recorded.iter().any(|(version, checksum)| {
            u32::try_from(*version) == Ok(migration.version) && *checksum != checksum_of(migration)
        });
        if other {
            bail!(
                "migration {} ({}) was applied with another text than this program's; use the program that applied it",
                migration.version,
                migration.name
            );
        }
    }
    Ok(())
}

async fn read_applied(connection: &mut PgConnection) -> Sql<Vec<Applied>> {
    let rows: Vec<(i64, String, String)> = sqlx::query_as(
        "SELECT version::bigint, name, to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
         FROM schema_migrations ORDER BY version",
    )
    .fetch_all(connection)
    .await?;
    let applied = rows.into_iter().map(|(version, name, applied_at)| {
        Ok(Applied {
            version: u32_of(version)?,
            name,
            applied_at,
        })
    });
    applied.collect()
}

async fn take(connection: &mut PgConnection, step: Step<'_>) -> Sql<()> {
    let mut tx = connection.begin().await?;
    match step {
        Step::Up(migration) => {
            tx.execute(sqlx::raw_sql(migration.up)).await?;
            sqlx::query(
                "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
            )
            .bind(i64::from(migration.version))
            .bind(migration.name)
            .bind(checksum_of(migration))
            .execute(&mut *tx)
            .await?;
        }
        Step::Down(migration) => {
            tx.execute(sqlx::raw_sql(migration.down)).await?;
            sqlx::query("DELETE FROM schema_migrations WHERE version = $1")
                .bind(i64::from(migration.version))
                .execute(&mut *tx)
                .await?;
        }
    }
    tx.commit().await
}

/// Of the way forwards alone: a mended way back does not concern who went forwards.
fn checksum_of(migration: &Migration) -> String {
    let digest = Sha256::digest(migration.up);
    telemetry::text::hex(digest)
}
