//! The embedded stores: SQLite files in the data folder.
//!
//! `shop.db` stands in for PostgreSQL and is flushed at every commit; `sessions.db` stands in for
//! Redis and survives the death of the process. Nothing outside this module knows the tables.

use std::path::Path;
use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};
use tokio::sync::Notify;

use crate::blocking::{closer, off_thread};
use crate::db::{Db, DbError, DbOptions, Durability, Migration};
use crate::fault::{Faults, Point};
use crate::store::{Records, Sessions};

mod carts;
mod intents;
mod ledger;
mod orders;
mod pipeline;
mod products;
mod rows;
mod schema;
#[cfg(test)]
mod session_tests;
mod stock;
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

    pub(super) fn migrations(self) -> &'static [Migration] {
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

/// Opens `shop.db` and brings its schema up to date.
pub(crate) async fn open_records(folder: &Path, faults: &Faults) -> anyhow::Result<Records> {
    let db = open(Database::Shop, folder).await?;
    let db = db.with_points(faults, Point::StoreRead, Point::StoreWrite);
    let closing = db.clone();
    let shop = Arc::new(ShopFile {
        db,
        events: Notify::new(),
    });
    Ok(Records {
        products: shop.clone(),
        stock: shop.clone(),
        orders: shop.clone(),
        pipeline: shop.clone(),
        ledger: shop.clone(),
        users: shop,
        closer: closer(move || closing.close()),
    })
}

/// Opens `sessions.db` and brings its schema up to date.
pub(crate) async fn open_sessions(folder: &Path, faults: &Faults) -> anyhow::Result<Sessions> {
    let db = open(Database::Sessions, folder).await?;
    let db = db.with_points(faults, Point::CacheCall, Point::CacheCall);
    let closing = db.clone();
    let sessions = Arc::new(SessionsFile { db });
    Ok(Sessions {
        carts: sessions.clone(),
        intents: sessions,
        closer: closer(move || closing.close()),
    })
}

async fn open(database: Database, folder: &Path) -> anyhow::Result<Db> {
    let folder = folder.to_owned();
    Ok(off_thread(move || database.open(&folder)).await??)
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
