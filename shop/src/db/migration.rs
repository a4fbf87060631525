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

/// A migration that a database has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its version.
    pub version: u32,
    /// Its name when it was applied.
    pub name: String,
    /// When, in UTC, such as `2026-01-31 12:00:00`.
    pub applied_at: String,
}

/// One step from a version to a neighbouring one.
#[derive(Clone, Copy, Debug)]
pub enum Step<'m> {
    /// Forwards.
    Up(&'m Migration),
    /// Back.
    Down(&'m Migration),
}

impl<'m> Step<'m> {
    /// What is applied or taken back.
    pub fn migration(self) -> &'m Migration {
        match self {
            Step::Up(migration) | Step::Down(migration) => migration,
        }
    }
}

/// The steps from version `found` to `target` (the newest when `None`), and the version they lead to.
/// `database` names it in errors.
pub fn steps<'m>(
    migrations: &'m [Migration],
    found: u32,
    target: Option<u32>,
    database: &str,
) -> Result<(Vec<Step<'m>>, u32), DbError> {
    let newest = migrations.last().map_or(0, |migration| migration.version);
    let target = target.unwrap_or(newest);
    if target > newest {
        return Err(DbError::NoSuchVersion { target, newest });
    }
    if found > newest {
        return Err(DbError::TooNew {
            file: database.to_owned(),
            found,
            known: newest,
        });
    }
    let up = migrations
        .iter()
        .filter(|migration| migration.version > found && migration.version <= target)
        .map(Step::Up);
    let down = migrations
        .iter()
        .rev()
        .filter(|migration| migration.version <= found && migration.version > target)
        .map(Step::Down);
    Ok((up.chain(down).collect(), target))
}

/// Brings the schema to `target` (the newest when `None`), upwards or back, in one transaction; returns
/// the version.
///
/// Safe when several processes start together: the transaction takes the write lock first, and
/// whoever comes second finds the work done.
pub fn migrate(
    connection: &mut Connection,
    path: &Path,
    migrations: &[Migration],
    target: Option<u32>,
) -> Result<u32, DbError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
             version INTEGER PRIMARY KEY,
             name TEXT NOT NULL,
             applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
         ) STRICT",
    )?;
    let found = read_applied(&transaction)?
        .last()
        .map_or(0, |applied| applied.version);
    let (steps, version) = steps(migrations, found, target, &path.display().to_string())?;
    for step in steps {
        match step {
            Step::Up(migration) => {
                transaction.execute_batch(migration.up)?;
                transaction.execute(
                    "INSERT INTO schema_migrations (version, name) VALUES (?1, ?2)",
                    (migration.version, migration.name),
                )?;
            }
            Step::Down(migration) => {
                transaction.execute_batch(migration.down)?;
                transaction.execute(
                    "DELETE FROM schema_migrations WHERE version = ?1",
                    [migration.version],
                )?;
            }
        }
    }
    transaction.commit()?;
    Ok(version)
}

fn read_applied(connection: &Connection) -> Result<Vec<Applied>, DbError> {
    let mut read = connection
        .prepare("SELECT version, name, applied_at FROM schema_migrations ORDER BY version")?;
    let applied = read.query_map((), |row| {
        Ok(Applied {
            version: row.get(0)?,
            name: row.get(1)?,
            applied_at: row.get(2)?,
        })
    })?;
    Ok(applied.collect::<Result<_, _>>()?)
}

/// Brings a file that nobody has open to a schema version; returns the version.
pub fn migrate_closed(
    path: &Path,
    migrations: &[Migration],
    target: Option<u32>,
) -> Result<u32, DbError> {
    migrate(&mut connect_alone(path)?, path, migrations, target)
}

/// The migrations that a file has.
pub fn applied_in(path: &Path) -> Result<Vec<Applied>, DbError> {
    let connection = connect_alone(path)?;
    let has_table = connection.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_migrations'",
        (),
        |row| row.get::<_, bool>(0),
    )?;
    if has_table {
        read_applied(&connection)
    } else {
        Ok(Vec::new())
    }
}

fn connect_alone(path: &Path) -> Result<Connection, DbError> {
    connect(&DbOptions {
        path: path.to_owned(),
        durability: Durability::Full,
        readers: 0,
    })
}
