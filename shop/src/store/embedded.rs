//! The embedded stores: SQLite files in the data folder.
//!
//! `shop.db` stands in for PostgreSQL and is flushed at every commit; `sessions.db` stands in for
//! Redis and survives the death of the process. Nothing outside this module knows the tables.

use std::path::Path;
use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};
use tokio::sync::Notify;

use crate::config::Config;
use crate::db::{Db, DbError, DbOptions, Durability, Migration};
use crate::store::Stores;

mod carts;
mod intents;
mod orders;
mod pipeline;
mod products;
mod rows;
mod schema;
mod users;

/// Reader threads of each file: reads are short, and two cores are the machine in mind.
const READERS: usize = 2;

/// The files of the embedded stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Database {
    /// Products, orders, users, outbox.
    Shop,
    /// Carts and payment intents.
    Sessions,
}

impl Database {
    /// Its name in the data folder.
    pub fn file(self) -> &'static str {
        match self {
            Database::Shop => "shop.db",
            Database::Sessions => "sessions.db",
        }
    }

    fn migrations(self) -> &'static [Migration] {
        match self {
            Database::Shop => &schema::SHOP,
            Database::Sessions => &schema::SESSIONS,
        }
    }

    fn durability(self) -> Durability {
        match self {
            Database::Shop => Durability::Full,
            Database::Sessions => Durability::Process,
        }
    }

    fn open(self, folder: &Path) -> Result<Db, DbError> {
        let options = DbOptions {
            path: folder.join(self.file()),
            durability: self.durability(),
            readers: READERS,
        };
        Db::open(&options, self.migrations())
    }
}

/// Brings a file to a schema version (the newest when `None`), forwards or back; returns the version.
pub fn migrate_file(path: &Path, database: Database, to: Option<u32>) -> Result<u32, DbError> {
    crate::db::migrate_closed(path, database.migrations(), to)
}

/// Products, orders and users.
struct ShopFile {
    db: Db,
    /// Rings when there may be new events in the outbox.
    events: Notify,
}

/// Carts and payment intents.
struct SessionsFile {
    db: Db,
}

/// Opens both files and brings their schemas up to date.
pub(super) fn open(config: &Config) -> Result<Stores, DbError> {
    let shop = Database::Shop.open(&config.data_dir)?;
    let sessions = Database::Sessions.open(&config.data_dir)?;
    let closing = (shop.clone(), sessions.clone());
    let shop = Arc::new(ShopFile {
        db: shop,
        events: Notify::new(),
    });
    let sessions = Arc::new(SessionsFile { db: sessions });
    Ok(Stores {
        products: shop.clone(),
        orders: shop.clone(),
        pipeline: shop.clone(),
        users: shop,
        carts: sessions.clone(),
        intents: sessions,
        closer: Arc::new(move || {
            closing.0.close();
            closing.1.close();
        }),
    })
}

/// Runs a statement that changes rows; returns how many.
fn execute(
    connection: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<usize, DbError> {
    Ok(connection.prepare_cached(sql)?.execute(params)?)
}

/// The one row of a query, if there is one.
fn find<T>(
    connection: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, DbError> {
    Ok(connection
        .prepare_cached(sql)?
        .query_row(params, read)
        .optional()?)
}

/// All rows of a query; the query bounds them.
fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, DbError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params, read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A stored text that must parse.
fn parsed<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let index = row.as_ref().column_index(column)?;
    row.get_ref(index)?
        .as_str()?
        .parse()
        .map_err(|error: T::Err| {
            rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
        })
}
