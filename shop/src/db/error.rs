//! Why a database did not do what it was asked.

use std::sync::Arc;

use crate::fault::Injected;

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// SQLite refused.
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The commit that carried the job failed, so the job did not happen.
    #[error("database: the commit failed: {0}")]
    Commit(Arc<rusqlite::Error>),
    /// Too many jobs wait already; try again later.
    #[error("database: too many jobs are waiting")]
    Overloaded,
    /// It cannot be reached.
    #[error("database: {0}")]
    Unavailable(#[from] Injected),
    /// The database is being shut down.
    #[error("database: closed")]
    Closed,
    /// The job panicked; its changes were rolled back.
    #[error("database: a job panicked")]
    Panicked,
    /// The file holds something this version cannot read.
    #[error("database: stored data is damaged: {0}")]
    Corrupt(String),
    /// The file was made by a newer version.
    #[error(
        "{file} has schema version {found}, newer than this program's {known}; use the newer program"
    )]
    TooNew {
        /// Which file.
        file: String,
        /// Version in the file.
        found: u32,
        /// Newest version this program has.
        known: u32,
    },
    /// A version was asked for that does not exist.
    #[error("there is no schema version {target}; the newest is {newest}")]
    NoSuchVersion {
        /// What was asked for.
        target: u32,
        /// Newest version this program has.
        newest: u32,
    },
    /// The file or a thread could not be opened.
    #[error("cannot open the database {file}: {cause}")]
    Open {
        /// Which file.
        file: String,
        /// What was wrong.
        cause: String,
    },
}

impl DbError {
    /// The class of a failed commit in traces.
    pub(super) const COMMIT_FAILED: &str = "commit_failed";
}
