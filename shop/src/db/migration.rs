//! Versioned schema changes, each with its way back.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::{DbError, DbOptions, Durability, connect};

/// One versioned schema change with its way back.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Rising from 1 without gaps.
    pub version: u32,
    /// What it does, in a few words.
    pub name: &'static str,
    /// SQL that applies it.
    pub up: &'static str,
    /// SQL that takes it back.
    pub down: &'static str,
}

/// Brings the schema to `target` (the newest when `None`), upwards or back, in one transaction.
///
/// Safe when several processes start together: the transaction takes the write lock first, and
/// whoever comes second finds the work done.
pub fn migrate(
    connection: &mut Connection,
    path: &Path,
    migrations: &[Migration],
    target: Option<u32>,
) -> Result<(), DbError> {
    let newest = migrations.last().map_or(0, |migration| migration.version);
    let target = target.unwrap_or(newest);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
             version INTEGER PRIMARY KEY,
             name TEXT NOT NULL,
             applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
         ) STRICT",
    )?;
    let found: u32 = transaction.query_row(
        "SELECT coalesce(max(version), 0) FROM schema_migrations",
        [],
        |row| row.get(0),
    )?;
    if found > newest {
        return Err(DbError::TooNew {
            file: path.display().to_string(),
            found,
            known: newest,
        });
    }
    for migration in migrations
        .iter()
        .filter(|migration| migration.version > found && migration.version <= target)
    {
        transaction.execute_batch(migration.up)?;
        transaction.execute(
            "INSERT INTO schema_migrations (version, name) VALUES (?1, ?2)",
            (migration.version, migration.name),
        )?;
    }
    for migration in migrations
        .iter()
        .rev()
        .filter(|migration| migration.version <= found && migration.version > target)
    {
        transaction.execute_batch(migration.down)?;
        transaction.execute(
            "DELETE FROM schema_migrations WHERE version = ?1",
            [migration.version],
        )?;
    }
    transaction.commit()?;
    Ok(())
}

/// Brings a file that nobody has open to a schema version; returns the version.
pub fn migrate_closed(
    path: &Path,
    migrations: &[Migration],
    target: Option<u32>,
) -> Result<u32, DbError> {
    let newest = migrations.last().map_or(0, |migration| migration.version);
    if let Some(target) = target.filter(|target| *target > newest) {
        return Err(DbError::NoSuchVersion { target, newest });
    }
    let mut connection = connect(&DbOptions {
        path: path.to_owned(),
        durability: Durability::Full,
        readers: 0,
    })?;
    migrate(&mut connection, path, migrations, target)?;
    Ok(target.unwrap_or(newest))
}
