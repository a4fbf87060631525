//! The embedded stores: SQLite files in the data folder.

use crate::config::Config;
use crate::db::DbError;
use crate::store::Stores;

/// Opens them.
pub(super) fn open(_config: &Config) -> Result<Stores, DbError> {
    Err(DbError::Closed)
}
